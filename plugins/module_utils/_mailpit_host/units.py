# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of systemd on this host, read from their files, and the processes that run now."""

from __future__ import annotations

import glob
import os
import re
import stat
import subprocess
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

__all__ = (
    "RENEWAL", "container_in", "container_of", "is_known", "is_there", "path_of", "program_of", "quadlet_of", "read_unit", "refuse_foreign",
    "refuse_manager", "renewal_of", "runs_as", "said_by", "unit_in", "unit_of", "users_of",
)  # fmt: skip

_OWN = "/etc/systemd/system"
_OTHERS = ("/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# Where Podman's generator makes a unit of every file.
_QUADLETS = "/etc/containers/systemd"
_LARGEST = 1 << 20
# The group of systemd itself, below the one that all others are in.
_FIRST = "/init.scope"
# What the units that renew a certificate are called beyond the name of the service.
RENEWAL = "-renewal"


def path_of(service: str) -> str:
    """Where the role writes this unit."""
    return os.path.join(_OWN, service + ".service")


def quadlet_of(service: str) -> str:
    """Where the role writes the file that Podman's generator makes this unit of."""
    return os.path.join(_QUADLETS, service + ".container")


def renewal_of(service: str) -> t.List[str]:
    """Where the role writes the units that renew the certificate of this one."""
    return [os.path.join(_OWN, service + RENEWAL + suffix) for suffix in (".service", ".timer")]


def is_there(service: str) -> bool:
    """Whether there is such a unit of an administrator's."""
    return os.path.lexists(path_of(service)) or os.path.lexists(quadlet_of(service))


def is_known(service: str) -> bool:
    """Whether there is such a unit at all, whoever made it."""
    return is_there(service) or any(os.path.lexists(os.path.join(folder, service + ".service")) for folder in _OTHERS)


def read_unit(path: str) -> str:
    """The text of a unit's file; empty when there is none, or it is no ordinary file."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""


def refuse_foreign(service: str, header: str, quadlet: bool = False) -> None:
    """
    Raise Refusal when a unit of this name is there which the role did not write, or wrote for another
    ``mailpit_service_manager``.
    """
    own, other = path_of(service), quadlet_of(service)
    if quadlet:
        own, other = other, own
    found = [path for path in (own, other, *renewal_of(service)) if os.path.lexists(path) and not _is_own(path, header)]
    found += [
        os.path.join(folder, service + ".service")
        for folder in _OTHERS
        if os.path.lexists(os.path.join(folder, service + ".service"))
    ]
    if found:
        raise Refusal(
            "mailpit_service_name is {0}, and {1} is a unit that this role did not write: set it to another name, "
            "such as mailpit-staging".format(service, found[0])
        )
    if os.path.lexists(other):
        refuse_manager(service, "systemd" if quadlet else "podman_quadlet")


def refuse_manager(service: str, before: str) -> None:
    """Raise the Refusal that says how to go from one way of running Mailpit to another."""
    raise Refusal(
        "mailpit_service_name is {0}, which runs with mailpit_service_manager: {1}: remove that one first "
        "(mailpit_state: absent with mailpit_service_manager: {1} keeps the messages), or write another "
        "name".format(service, before)
    )


def _is_own(path: str, header: str) -> bool:
    return not os.path.islink(path) and read_unit(path).startswith(header)


def program_of(service: str) -> str:
    """The program that a unit starts, empty when there is none."""
    match = re.search(r"^ExecStart=[-@:+!|]*(\S+)", read_unit(path_of(service)), re.MULTILINE)
    return match.group(1) if match else ""


def users_of(folder: str, service: str) -> t.List[str]:
    """Who else than this service uses the programs of a folder: names of units, and processes that run."""
    found = [
        name
        for name, lines in _written()
        if name != service + ".service" and any(folder + "/" in line for line in lines)
    ]
    for pid in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if pid.isdigit() and _program(pid).startswith(folder + "/") and unit_of(pid) != service + ".service":
            found.append("process " + pid)
    return found


def runs_as(names: t.Container[str]) -> bool:
    """Whether a unit is written to run as one of these users, or to be in one of these groups."""
    said = (
        re.match(r"\s*(?:User|Group|SupplementaryGroups)\s*=(.*)", line)
        for _name, lines in _written()
        for line in lines
    )
    return any(word in names for match in said if match for word in match.group(1).split())


def _written() -> t.Iterator[t.Tuple[str, t.List[str]]]:
    """The services of this host by their names, a file at a time, without comments."""
    for place in (_OWN,) + _OTHERS:
        for path in sorted(
            glob.glob(os.path.join(place, "*.service")) + glob.glob(os.path.join(place, "*.service.d", "*.conf"))
        ):
            name = path[len(place) + 1 :].split("/")[0].replace(".service.d", ".service")
            yield name, [line for line in read_unit(path).splitlines() if not line.lstrip().startswith(("#", ";"))]


def _program(pid: str) -> str:
    try:
        return os.readlink("/proc/{0}/exe".format(pid))
    except OSError:
        return ""


def unit_of(pid: str) -> str:
    """The unit of this host's systemd that a process belongs to, empty when that cannot be told."""
    top = _groups("1")
    for kind, path in _groups(pid).items():
        found = unit_in(path, top.get(kind, ""))
        if found:
            return found
    return ""


def unit_in(path: str, first: str) -> str:
    """
    The unit of a control group, empty when it is in none. ``first`` is the group of the first process, that of systemd.

    Any user has a systemd, and so may a container: what is below a service or scope of this host's is named by somebody else.
    """
    top = first[: -len(_FIRST)] if first.endswith(_FIRST) else ""
    below = path[len(top) :] if path.startswith(top + "/") else path
    names = [part for part in below.split("/") if part.endswith((".service", ".scope"))]
    return names[0] if names and names[0].endswith(".service") else ""


def container_of(pid: str) -> str:
    """The beginning of the ID of the container that a process runs in, as engines print it; empty when it runs in none."""
    return next(filter(None, map(container_in, _groups(pid).values())), "")


def container_in(path: str) -> str:
    """The same of a control group: Docker's, Podman's and those of Kubernetes end with 64 digits."""
    found = re.search(r"[/-]([0-9a-f]{12})[0-9a-f]{52}(?:[.]scope)?(?:/|$)", path)
    return found.group(1) if found else ""


def _groups(pid: str) -> t.Dict[str, str]:
    """The control groups of a process in which systemd keeps it, by their kind (cgroups(7): version 2, version 1)."""
    try:
        with open("/proc/{0}/cgroup".format(pid), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    split = [(line.split(":", 2) + ["", ""])[:3] for line in lines]
    return {kind: path for number, kind, path in split if number == "0" or kind == "name=systemd"}


def said_by(command: t.Sequence[str]) -> str:
    """What a command prints; empty where it cannot be run, or takes too long."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command knows no timeout
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "backslashreplace")

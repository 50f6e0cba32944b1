# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed hosts: each one a namespace with a Debian tree of its own, its own processes, and that tree's own sshd."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .network import in_namespace, run
from .plan import CGROUP, MANAGED, RUN, TARGETS, Host, lent_pythons
from .resolver import RESOLV_CONF
from .trees import tree

__all__ = ["KEY", "KNOWN_HOSTS", "own_cgroup", "python_of", "root_of", "ssh", "start_hosts", "wait_for_hosts"]

KEY = RUN / "keys" / "client"
KNOWN_HOSTS = RUN / "keys" / "known_hosts"
BOOT = Path(__file__).with_name("boot.sh")
CGROUPS = RUN / "cgroups"


def python_of(host: Host) -> str:
    """The interpreter's path on the host."""
    return str(lent_pythons()[host.python]) if TARGETS[host.python] == "lent" else "/usr/bin/python3"


def ssh(host: Host, *command: str) -> list[str]:
    """The command line that runs a command on a host over ssh, from the controller's namespace, with the lab's own key and known hosts."""
    options = [
        "-F",
        "none",
        "-i",
        str(KEY),
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        f"UserKnownHostsFile={KNOWN_HOSTS}",
        "-o",
        "BatchMode=yes",
    ]
    return in_namespace("ctl", "ssh", *options, f"root@{host.address}", *command)


def start_hosts() -> None:
    """Boot every host. They go on booting when this returns."""
    (RUN / "keys").mkdir(mode=0o700)
    for name in ("client", "host"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(RUN / "keys" / name)])
    host_key = (RUN / "keys" / "host.pub").read_text().strip()
    KNOWN_HOSTS.write_text("".join(f"{host.address} {host_key}\n" for host in MANAGED))
    (RUN / "host-resolv.conf").write_text(RESOLV_CONF)
    (RUN / "hosts-logs").mkdir()
    CGROUPS.mkdir()
    run(["mount", "-t", "cgroup2", "cgroup2", str(CGROUPS)])
    for host in MANAGED:
        lent = str(lent_pythons()[host.python].parents[1]) if TARGETS[host.python] == "lent" else ""
        with open(RUN / "hosts-logs" / host.name, "wb") as log:
            first = [
                *own_cgroup(host),
                "unshare",
                "--mount",
                "--uts",
                "--ipc",
                "--cgroup",
                "--pid",
                "--fork",
                "--kill-child",
                "bash",
                str(BOOT),
            ]
            subprocess.Popen(
                in_namespace(
                    host.name,
                    *first,
                    host.name,
                    str(tree(host.tree)),
                    str(RUN),
                    "systemd" if host.systemd else "sshd",
                    lent,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def own_cgroup(host: Host) -> list[str]:
    """What goes before a command that is to begin a control group of its own, which systemd needs. That of an earlier life goes."""
    if not host.systemd:
        return []
    group = CGROUPS / CGROUP / host.name
    for folder in sorted([group, *group.rglob("*")], reverse=True):
        if folder.is_dir():
            folder.rmdir()
    group.mkdir(parents=True)
    return ["sh", "-c", f'echo $$ > "{group}/cgroup.procs" && exec "$@"', "sh"]


def root_of(host: Host) -> Path:
    """The host's own root folder, as a process of the lab reaches it from outside. RuntimeError when the host is down."""
    for pid in run(["ip", "netns", "pids", host.name]).split():
        root = Path("/proc", pid, "root")
        try:
            if (root / "etc/hostname").read_text() == f"{host.name}\n":
                return root
        except OSError:
            continue
    raise RuntimeError(f"no process of {host.name} runs")


def wait_for_hosts(seconds: float = 60) -> None:
    """Wait until each host runs its Python over ssh. RuntimeError with the host's log when one does not."""
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda host: _wait(host, deadline), MANAGED))


def _wait(host: Host, deadline: float) -> None:
    """Python is asked for its version, so that one lent to a tree with other libraries is found out here."""
    command = [python_of(host), "-c", "'import sys, ssl; print(*sys.version_info[:2], sep=str(chr(46)))'"]
    while True:
        done = subprocess.run(
            ssh(host, *command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and done.stdout.strip() == host.python:
            return
        if done.returncode != 255 or time.monotonic() > deadline:
            log = (RUN / "hosts-logs" / host.name).read_text(errors="replace")
            raise RuntimeError(
                f"{host.name} does not run Python {host.python}: {done.stdout}{done.stderr}\n{log[-600:]}"
            )
        time.sleep(0.1)

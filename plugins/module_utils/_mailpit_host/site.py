# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The folders of one Mailpit: which of them the role may use, and which of them are its own.

A folder is the role's own when the record says so, or when the record does not know it and it looks exactly as an earlier
version of the role left it.
One that is not, and is there, is used as it is if it fits and holds nothing else; its owner and mode stay. Anything
else is refused.
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import units
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.record import Record
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import (
    Refusal,
    Spot,
    trouble_with,
    user_name,
    walk,
)

__all__ = ("HEADER", "Folder", "Site", "judge", "known_files")

# The first line of what the role writes for Mailpit and for systemd.
HEADER = "# Written by Ansible (mailops.smtp.mailpit)"
COMPOSE_FILE = "compose.yml"
CONFIG_FILES = (
    "mailpit.env",
    "smtp.passwd",
    "ui.passwd",
    "send-api.passwd",
    "mailops-relay.yml",
    "mailops-forward.yml",
    "mailops-renew.py",
    "mailops-renewal.json",
    COMPOSE_FILE,
)
SUBFOLDERS = {"tls": ("cert.pem", "key.pem"), "ca": ("ca.pem", "ca.key", "next.pem", "next.key", "previous.pem")}
PROGRAM_FILES = ("mailpit", "mailpit.tar.gz")
# The last one is where the role says that MP_LOG_FILE can lie.
DATA_FILES = ("mailpit.db", "mailpit.db-wal", "mailpit.db-shm", "mailpit.db-journal", "mailpit.log")
RELEASE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")

_LOCAL = ("bin", "etc", "games", "include", "lib", "lib64", "libexec", "man", "sbin", "share", "src")
_SYSTEM = frozenset(
    ["/", "/etc/ssl", "/etc/systemd", "/etc/systemd/system", "/usr/local", "/usr/share/doc", "/var/lib/systemd"]
    + [
        "/" + name
        for name in "bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var".split()
    ]
    + ["/usr/" + name for name in "bin games include lib lib32 lib64 libexec libx32 sbin share src".split()]
    + ["/usr/local/" + name for name in _LOCAL]
    + ["/var/" + name for name in "backups cache lib local lock log mail opt run spool tmp www".split()]
)
# What the kernel shows, not what is kept.
_NOT_KEPT = ("/proc", "/sys", "/dev", "/boot")
# Where this collection keeps what nobody else may see, for as long as a run takes and after it.
_PRIVATE = ("/var/lib/mailops.smtp", "/var/lib/mailops.smtp.mailpit")
# What the unit's sandbox hides from Mailpit: ProtectHome, PrivateTmp.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
# systemd makes private folders by the name of the unit, which are longer than that by 64 letters and must not have more than 255.
_LONGEST_NAME = 128
# How a service may be called, by its manager: a project of compose has the fewest letters.
_NAMES = {
    "": (r"[A-Za-z0-9_][A-Za-z0-9:_.@-]*", "letters, digits and any of : _ . @ -, a letter or digit first"),
    "podman_quadlet": (r"[A-Za-z0-9][A-Za-z0-9_.-]*", "letters, digits and any of _ . -, a letter or digit first"),
    "compose": (r"[a-z0-9][a-z0-9_-]*", "small letters, digits and any of _ -, a letter or digit first"),
}
_SUGGESTED = {
    "mailpit_config_dir": "/etc/{0}",
    "mailpit_install_dir": "/opt/mailpit",
    "mailpit_data_dir": "/var/lib/{0}",
}


@dataclasses.dataclass(frozen=True)
class Site:
    """
    What one Mailpit was asked to have. ``user`` is None while that user is not there; ``named`` are files that other
    options name.
    """

    service: str
    manager: str
    config_dir: str
    install_dir: str
    data_dir: str
    release: str
    owner: int
    user: t.Optional[int]
    group: t.Optional[int]
    user_name: str
    named: t.Tuple[str, ...] = ()

    @property
    def systemd(self) -> bool:
        """Whether Mailpit is a service of systemd without a container."""
        return self.manager == "systemd"

    @property
    def is_unit(self) -> bool:
        """Whether Mailpit runs in a unit of systemd, in a container or not."""
        return self.manager in ("systemd", "podman_quadlet")

    @property
    def contained(self) -> bool:
        """Whether Mailpit runs in a container."""
        return self.manager in ("podman_quadlet", "compose")

    @property
    def trusted(self) -> t.FrozenSet[int]:
        """Who may own a folder or link on the way to what the role uses."""
        return frozenset((0, os.geteuid(), self.owner))


@dataclasses.dataclass(frozen=True)
class Folder:
    """``exists``: it is there. ``own``: the role made it, or will make it."""

    path: str
    exists: bool
    own: bool


def judge(site: Site, record: Record, leaving: bool = False) -> t.Dict[str, Folder]:
    """
    The folders of a site, by their options. Raises Refusal with one sentence for the first that will not do.

    With ``leaving`` a folder that holds other things will do: nothing in it is the role's.
    """
    _refuse_name(site, leaving)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~-]*", site.release or "0"):
        raise Refusal("mailpit_version is {0!r}: write a version, such as 1.31.0".format(site.release))
    _refuse_manager(site)
    spots = {option: _spot(option, path, site) for option, path in _paths(site).items()}
    _refuse_relations({option: spot.path for option, spot in spots.items()})
    return {option: _folder(option, spot, site, record, leaving) for option, spot in spots.items()}


def _refuse_name(site: Site, leaving: bool = False) -> None:
    """
    A name is given to systemd's and the engine's commands, and to a project of compose, as it is. One that is not
    started any more need not be one that starts.
    """
    form, words = _NAMES.get(site.manager, _NAMES[""])
    if len(site.service) > (200 if leaving else _LONGEST_NAME) or not re.fullmatch(form, site.service):
        raise Refusal(
            "mailpit_service_name is {0!r}: write {1}, at most {2} of them, such as mailpit-team".format(
                site.service, words, _LONGEST_NAME
            )
        )
    for end, meaning, instead in (
        ("@", "the template of many services", site.service + "1"),
        (".service", "the whole name of a unit", site.service[: -len(".service")]),
    ):
        if site.service.endswith(end) and not leaving:
            raise Refusal(
                "mailpit_service_name is {0}, which systemd takes for {1}: write {2}".format(
                    site.service, meaning, instead
                )
            )
    if site.service.endswith(units.RENEWAL):
        raise Refusal(
            "mailpit_service_name is {0}, and a name with {1} at its end is that of the units which renew the "
            "certificate of another Mailpit: write another one".format(site.service, units.RENEWAL)
        )


def _refuse_manager(site: Site) -> None:
    """A service of this name must be the role's own, and run in the way that was asked for."""
    if site.is_unit:
        units.refuse_foreign(site.service, HEADER, site.manager == "podman_quadlet")
    for manager, path in (("systemd", units.path_of(site.service)), ("podman_quadlet", units.quadlet_of(site.service))):
        if site.manager == "compose" and begins_with_header(path):
            units.refuse_manager(site.service, manager)
    composed = os.path.join(site.config_dir, COMPOSE_FILE)
    is_own = begins_with_header(composed) and not os.path.islink(composed)
    if site.manager == "compose" and os.path.lexists(composed) and not is_own:
        raise Refusal(
            "mailpit_config_dir is {0}, and {1} in it is not this role's: move it away, or write another folder".format(
                site.config_dir, COMPOSE_FILE
            )
        )
    if site.manager != "compose" and is_own:
        units.refuse_manager(site.service, "compose")


def known_files(site: Site) -> t.List[str]:
    """Every file that the role may have written into the configuration folder."""
    # People have compose files of their own.
    own = [name for name in CONFIG_FILES if name != COMPOSE_FILE or site.manager == "compose"]
    files = [os.path.join(site.config_dir, name) for name in own]
    return files + [
        os.path.join(site.config_dir, folder, name) for folder, names in SUBFOLDERS.items() for name in names
    ]


def release_dir(site: Site) -> str:
    """The folder of the version that was asked for."""
    return os.path.join(site.install_dir, site.release)


def begins_with_header(path: str) -> bool:
    """Whether this is a file of ours. One that cannot be read is not."""
    try:
        with open(path, "rb") as file:
            return file.read(len(HEADER)) == HEADER.encode("ascii")
    except OSError:
        return False


def environment_of(site: Site) -> t.Dict[str, str]:
    """What Mailpit is started with, as the role wrote it; empty where it did not."""
    path = os.path.join(site.config_dir, "mailpit.env")
    if not begins_with_header(path):
        return {}
    with open(path, encoding="utf-8", errors="replace") as file:
        pairs = [line.rstrip("\n").split("=", 1) for line in file if "=" in line and not line.startswith("#")]
    # In the style of systemd a value may stand in quotes; those that are read here hold nothing that had to be escaped.
    return {name: value.strip('"') for name, value in pairs}


def data_files(site: Site) -> t.List[str]:
    """Every file that Mailpit has written into the folder of its messages, with a log that is there by another name."""
    log = environment_of(site).get("MP_LOG_FILE", "")
    folder, name = os.path.split(log)
    files = [os.path.join(site.data_dir, known) for known in DATA_FILES]
    return files + ([log] if folder == site.data_dir and name not in ("", ".", "..", *DATA_FILES) else [])


def has_hosts_clock(site: Site) -> bool:
    """Whether Mailpit's local time is the host's where no TZ is set: a container must have been shown /etc/localtime."""
    composed = os.path.join(site.config_dir, COMPOSE_FILE)
    started_by = {"podman_quadlet": units.quadlet_of(site.service), "compose": composed}.get(site.manager)
    return started_by is None or ":/etc/localtime" in units.read_unit(started_by)


def adopted_versions(site: Site) -> t.List[str]:
    """The folder of the version that our own unit runs, where it holds a version and nothing else."""
    program = units.program_of(site.service) if site.systemd else ""
    folder = os.path.dirname(program)
    if os.path.dirname(folder) != site.install_dir or not _is_version(folder):
        return []
    return [folder]


def _paths(site: Site) -> t.Dict[str, str]:
    paths = {"mailpit_config_dir": site.config_dir, "mailpit_data_dir": site.data_dir}
    if site.release:
        paths["mailpit_install_dir"] = site.install_dir
    return paths


def _instead(option: str, site: Site) -> str:
    return "set it to a folder of its own, such as " + _SUGGESTED[option].format(site.service)


def _spot(option: str, path: str, site: Site) -> Spot:
    """Where the folder really is. Raises Refusal for what can never be one of Mailpit's."""
    if not path.startswith("/") or ".." in path.split("/"):
        raise Refusal(
            "{0} is {1!r}: write a whole path, from / and without .., such as {2}".format(
                option, path, _SUGGESTED[option].format(site.service)
            )
        )
    # In what is mounted, a colon ends the path.
    more, reader = ("", "the engine") if site.contained else (": ", "systemd")
    if not re.fullmatch(r"[A-Za-z0-9_./@,+={0}-]+".format(more.strip()), path):
        raise Refusal(
            "{0} is {1!r}: write a path of letters, digits and any of _ . / {2}@ , + = -, which {3} reads as it "
            "is".format(option, path, more, reader)
        )
    _refuse_system(option, os.path.normpath(path).replace("//", "/"), site)
    try:
        spot = walk(path, site.trusted)
    except Refusal as refusal:
        raise Refusal("{0} is {1}, and {2}: {3}".format(option, path, refusal, _instead(option, site))) from None
    _refuse_system(option, spot.path, site)
    if spot.found is not None and not stat.S_ISDIR(spot.found.st_mode):
        raise Refusal("{0} is {1}, which is no folder: {2}".format(option, path, _instead(option, site)))
    return spot


def _refuse_system(option: str, path: str, site: Site) -> None:
    if path in _SYSTEM or path in _homes(site) or os.path.dirname(path) == "/home":
        raise Refusal(
            "{0} is {1}, which is a folder of the system or of a user: {2}".format(option, path, _instead(option, site))
        )
    for top in _PRIVATE:
        if (path + "/").startswith(top + "/"):
            raise Refusal(
                "{0} is {1}, and {2} is where this collection keeps old files: {3}".format(
                    option, path, top, _instead(option, site)
                )
            )
    for top in _NOT_KEPT:
        if path.startswith(top + "/"):
            raise Refusal(
                "{0} is {1}, and {2} keeps no files of programs: {3}".format(option, path, top, _instead(option, site))
            )
    for top in _HIDDEN if site.systemd else ():
        if path.startswith(top + "/"):
            raise Refusal(
                "{0} is {1}, and the unit's sandbox hides {2} from Mailpit: {3}".format(
                    option, path, top, _instead(option, site)
                )
            )


def _homes(site: Site) -> t.FrozenSet[str]:
    import pwd

    return frozenset(
        user.pw_dir
        for user in pwd.getpwall()
        if (user.pw_uid == 0 or user.pw_uid >= 1000) and user.pw_name != site.user_name
    )


def _refuse_relations(paths: t.Mapping[str, str]) -> None:
    """
    What Mailpit may write must not hold what it must not, and no folder may stand where another one has its parts.
    """
    data = paths["mailpit_data_dir"]
    for option, path in paths.items():
        if option != "mailpit_data_dir" and (path + "/").startswith(data + "/"):
            raise Refusal(
                "{0} is {1}, inside of mailpit_data_dir ({2}), where Mailpit itself may change everything: give each "
                "a folder of its own".format(option, path, data)
            )
    if paths["mailpit_config_dir"] == paths.get("mailpit_install_dir"):
        raise Refusal(
            "mailpit_config_dir and mailpit_install_dir are both {0}: give each a folder of its own".format(
                paths["mailpit_config_dir"]
            )
        )
    for inner, path in paths.items():
        for outer, other in paths.items():
            part = path[len(other) + 1 :].split("/")[0] if path.startswith(other + "/") else ""
            if (part in SUBFOLDERS and outer == "mailpit_config_dir") or (
                RELEASE.fullmatch(part) and outer == "mailpit_install_dir"
            ):
                raise Refusal(
                    "{0} is {1}, where {2} ({3}) has a folder of the role's: write another one".format(
                        inner, path, outer, other
                    )
                )


def _folder(option: str, spot: Spot, site: Site, record: Record, leaving: bool) -> Folder:
    """Whose it is. Raises Refusal when it holds what is not the role's, or does not fit."""
    if spot.found is None:
        return Folder(spot.path, False, True)
    own = spot.path in record.folders
    others = [
        other
        for other in record.folders.get(spot.path, []) + record.lent.get(spot.path, [])
        if other != site.service and site.manager != "none" and units.is_there(other)
    ]
    if others and option != "mailpit_install_dir" and not leaving:
        raise Refusal(
            "{0} is {1}, which is the folder of {2}, another Mailpit of this host: {3}".format(
                option, spot.path, others[0], _instead(option, site)
            )
        )
    if not own:
        # One that was there before looks like the role's own once it is in use.
        own = _adopt(option, spot.path, site, leaving) and spot.path not in record.lent
    if not leaving and (not own or option != "mailpit_data_dir"):
        _refuse_unfit(option, spot, site, own)
    return Folder(spot.path, True, own)


def _adopt(option: str, path: str, site: Site, leaving: bool) -> bool:
    """
    Whether a folder that is not in the record is the role's own, by its looks. Raises Refusal when it is neither that
    nor free.
    """
    entries = sorted(os.listdir(path))
    foreign = [name for name in entries if not _belongs(option, path, name, site)]
    if _was_used(option, path, site):
        return not foreign
    if foreign and not leaving:
        shown = ", ".join(ascii(name)[1:-1] for name in foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise Refusal(
            "{0} is {1}, which holds what this role did not make ({2}): {3}".format(
                option, path, shown, _instead(option, site)
            )
        )
    return False


def _belongs(option: str, path: str, name: str, site: Site) -> bool:
    """Whether this entry is what the role, or a file system, makes there, or what another option says is there."""
    whole = os.path.join(path, name)
    if name == "lost+found" or any(named == whole or named.startswith(whole + "/") for named in site.named):
        return True
    if option == "mailpit_config_dir":
        if whole in (site.data_dir, site.install_dir):
            return True
        if not _was_used(option, path, site):
            return False
        if name in SUBFOLDERS and os.path.isdir(whole) and not os.path.islink(whole):
            return all(inner in SUBFOLDERS[name] for inner in os.listdir(whole))
        return name in CONFIG_FILES
    if option == "mailpit_data_dir":
        return name in DATA_FILES
    return _is_version(whole) or whole in (site.config_dir, site.data_dir)


def _was_used(option: str, path: str, site: Site) -> bool:
    """Whether an earlier run used it: our own environment file, or our own unit, says so."""
    environment = os.path.join(site.config_dir, "mailpit.env")
    if option == "mailpit_config_dir":
        # A run that was broken off may have left the folders without the file.
        return begins_with_header(environment) or {name: _mode(os.path.join(path, name)) for name in SUBFOLDERS} == {
            "tls": 0o750,
            "ca": 0o700,
        }
    if option == "mailpit_install_dir":
        entries = os.listdir(path)
        return bool(adopted_versions(site)) or (
            bool(entries) and all(_is_version(os.path.join(path, name)) for name in entries)
        )
    if begins_with_header(environment):
        return path == os.path.dirname(os.path.normpath(environment_of(site).get("MP_DATABASE", "")))
    # The messages stay when Mailpit is removed.
    entries = os.listdir(path)
    return "mailpit.db" in entries and os.lstat(path).st_uid == site.user


def _mode(path: str) -> t.Optional[int]:
    """The permission bits of a folder, None when there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return stat.S_IMODE(found.st_mode) if stat.S_ISDIR(found.st_mode) else None


def _is_version(folder: str) -> bool:
    """Whether this is a version of the program and nothing else, which nobody but its owner can change."""
    if not RELEASE.fullmatch(os.path.basename(folder)) or os.path.islink(folder) or not os.path.isdir(folder):
        return False
    entries = [os.lstat(os.path.join(folder, name)) for name in os.listdir(folder) if name in PROGRAM_FILES]
    return len(entries) == len(os.listdir(folder)) > 0 and all(stat.S_ISREG(entry.st_mode) for entry in entries)


def _refuse_unfit(option: str, spot: Spot, site: Site, own: bool) -> None:
    """Refuse a folder in which somebody else writes, or in which Mailpit cannot do what it must."""
    if spot.found is None:
        return
    if option == "mailpit_data_dir":
        if spot.found.st_uid == site.user and not spot.found.st_mode & 0o022:
            return
        raise Refusal(
            "{0} is {1}, which was there before and belongs to {2} with mode {3:04o}: give it to {4} alone (chown "
            "{4}, chmod 0700), or write a folder"
            " below it, which the role makes".format(
                option, spot.path, user_name(spot.found.st_uid), stat.S_IMODE(spot.found.st_mode), site.user_name
            )
        )
    trouble = trouble_with(spot.path, spot.found, site.trusted)
    if trouble:
        raise Refusal(
            "{0} is {1}, and {2}: take that away (chown root, chmod go-w), or {3}".format(
                option, spot.path, trouble, _instead(option, site)
            )
        )
    bits = spot.found.st_mode
    enters = (
        bits & stat.S_IXOTH
        or (bits & stat.S_IXGRP and spot.found.st_gid == site.group)
        or spot.found.st_uid == site.user
    )
    if not own and not enters:
        raise Refusal(
            "{0} is {1}, which was there before and which {2} cannot enter (mode {3:04o}): chmod o+x {1}, or "
            "{4}".format(option, spot.path, site.user_name, stat.S_IMODE(bits), _instead(option, site))
        )

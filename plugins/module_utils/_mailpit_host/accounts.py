# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups of this host, by name or number."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import units

__all__ = ("gid_of", "is_needed", "looks_made", "members_of", "primary_of", "uid_of", "unreadable")


def uid_of(name: str) -> t.Optional[int]:
    """The number of a user; None when there is no such user. A number stands for itself."""
    if name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def gid_of(name: str) -> t.Optional[int]:
    """The number of a group; None when there is no such group. A number stands for itself."""
    if name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def looks_made(name: str) -> bool:
    """Whether a user is exactly what the role makes. Earlier versions of the role wrote down nothing."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return False
    return (user.pw_gecos, user.pw_dir, user.pw_shell) == (
        "Mailpit",
        "/nonexistent",
        "/usr/sbin/nologin",
    ) and 0 < user.pw_uid < 1000


def members_of(name: str) -> t.List[str]:
    """Who is in a group besides those whose first group it is."""
    try:
        return list(grp.getgrnam(name).gr_mem)
    except KeyError:
        return []


def primary_of(name: str) -> t.List[str]:
    """Whose first group it is."""
    number = gid_of(name)
    return [user.pw_name for user in pwd.getpwall() if user.pw_gid == number]


def is_needed(name: str) -> bool:
    """Whether something of this host still runs as a user: a process, or a unit that an administrator wrote."""
    number = uid_of(name)
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc/self") else ()):
        try:
            if os.stat("/proc/" + pid).st_uid == number:
                return True
        except OSError:
            continue  # it has ended
    return units.runs_as({name, str(number)})


def unreadable(path: str, name: str, uid: int, gid: t.Optional[int]) -> t.Optional[str]:
    """
    What keeps a user from reading a file: the file, or the first folder on the way that cannot be entered; None when
    nothing does.
    """
    groups: t.Set[t.Optional[int]] = {gid}
    if uid == 0:
        return None
    try:
        groups.update(os.getgrouplist(name, 65534 if gid is None else gid))
    except (KeyError, OverflowError):
        pass
    parts = os.path.realpath(path).split("/")
    for number in range(1, len(parts) + 1):
        here = "/".join(parts[:number]) or "/"
        found = os.stat(here)
        wanted = stat.S_IROTH if number == len(parts) else stat.S_IXOTH
        shift = 6 if found.st_uid == uid else 3 if found.st_gid in groups else 0
        if not found.st_mode >> shift & wanted:
            return "{0} (owner {1}, mode {2:04o})".format(here, found.st_uid, stat.S_IMODE(found.st_mode))
    return None

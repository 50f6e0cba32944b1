# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner, group, mode, times, ACL and SELinux context of a file: read from one, given to another."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure

__all__ = ("Attributes", "attributes_of", "give", "new_file")

_ACL = "system.posix_acl_access"
_KEPT = (_ACL, "security.selinux")
_NONE = (errno.ENOTSUP, errno.ENODATA, errno.ENOSYS)


class Attributes(t.NamedTuple):
    """``mode`` is the permission bits, times are nanoseconds, ``extended`` the extended attributes that belong to the
    file's meaning.
    """

    uid: int
    gid: int
    mode: int
    times: t.Tuple[int, int]
    extended: t.Dict[str, bytes]


def new_file(mode: int = 0o600) -> Attributes:
    """What a file has that was not there: of the user who works here."""
    return Attributes(os.geteuid(), os.getegid(), mode, (0, 0), {})


def attributes_of(opened: int) -> Attributes:
    """What an open file has."""
    found = os.fstat(opened)
    return Attributes(
        found.st_uid,
        found.st_gid,
        stat.S_IMODE(found.st_mode),
        (found.st_atime_ns, found.st_mtime_ns),
        _extended(opened),
    )


def give(opened: int, path: str, wanted: Attributes, *, times: bool = False) -> None:
    """Give an open file these attributes, permissions last.

    Raises FileError, naming ``path``, when one cannot be given.
    """
    found = os.fstat(opened)
    if (found.st_uid, found.st_gid) != (wanted.uid, wanted.gid):
        try:
            os.fchown(opened, wanted.uid, wanted.gid)
        except PermissionError:
            words = "{0} belongs to uid {1} and gid {2}, and "
            if os.geteuid() == 0:
                words += (
                    "its file system lets not even root give a new file to them, as vfat and many shares of a network do; leave out owner"
                    " and group, or change how it is mounted."
                )
            else:
                words += "only root can give a new file to them; run the task with become: true, as root."
            raise FileError(words.format(path, wanted.uid, wanted.gid)) from None
        except OSError as error:
            raise failure(
                "{0} cannot be given to uid {1} and gid {2}".format(path, wanted.uid, wanted.gid), error
            ) from None
    _give_extended(opened, path, wanted.extended)
    try:
        _give_mode(opened, path, wanted.mode)
        if times:
            os.utime(opened, ns=wanted.times)
    except OSError as error:
        raise failure("{0} cannot be given mode {1:04o}".format(path, wanted.mode), error) from None


def _give_mode(opened: int, path: str, mode: int) -> None:
    """A file of this process's own making: where that is not permitted, or done in words only, the file system knows no modes."""
    with contextlib.suppress(PermissionError):
        os.fchmod(opened, mode)
    found = stat.S_IMODE(os.fstat(opened).st_mode)
    if (found ^ mode) & 0o777:
        words = (
            "{0} cannot be given mode {1:04o}: on its file system, as on vfat and many shares of a network, it has mode {2:04o} whatever is asked"
            " for; write mode: '{2:04o}' if that will do, change how it is mounted, or write the file elsewhere."
        )
        raise FileError(words.format(path, mode, found))


def _extended(opened: int) -> t.Dict[str, bytes]:
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = [name for name in os.listxattr(opened) if name in _KEPT or name.startswith("user.")]
        return {name: os.getxattr(opened, name) for name in names}
    except OSError as error:
        if error.errno in _NONE:
            return {}
        raise


def _give_extended(opened: int, path: str, wanted: t.Mapping[str, bytes]) -> None:
    found = _extended(opened)
    name = _ACL
    try:
        # A folder may hand its default ACL to new files in it; the old file need not have had it.
        if _ACL in found and _ACL not in wanted:
            os.removexattr(opened, _ACL)
        for name, value in wanted.items():
            if found.get(name) != value:
                os.setxattr(opened, name, value)
    except OSError as error:
        raise failure("{0} cannot keep its extended attribute {1}".format(path, name), error) from None

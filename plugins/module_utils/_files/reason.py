# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system says about a file, as one sentence that names the reason."""

from __future__ import annotations

import errno
import os
import typing as t

__all__ = ("FileError", "failure", "reason_of", "user_name")

_WORDS: t.Dict[int, str] = {
    errno.ENOSPC: "no space is left on its file system",
    errno.EDQUOT: "a quota of its file system, for {user} or for the folder, is used up",
    errno.EROFS: "its file system is mounted read-only",
    errno.EPERM: "the system does not permit it to {user}; is it immutable (lsattr shows that)",
    errno.EACCES: "{user} has no permission",
    errno.EIO: "its disk reports an error (EIO)",
    errno.EMFILE: "this process has too many open files",
    errno.ENFILE: "this host has too many open files",
    errno.EFBIG: "it would be larger than this process may write (ulimit -f)",
    errno.EBUSY: "it is a mount point, as a file that is mounted into a container is; write it where it is mounted from",
    errno.EISDIR: "there is a folder in its place; look at it, and remove it",
    errno.ELOOP: "there is a symbolic link in its place",
    errno.ENAMETOOLONG: "its name is too long for its file system",
    errno.ESTALE: "its file system, mounted over the network, is gone (ESTALE)",
    errno.ETXTBSY: "it is a program that runs",
    errno.ENOTDIR: "what should be its folder is none",
    errno.ENOENT: "it, or its folder, is not there any more",
}


class FileError(Exception):
    """One sentence: what could not be done with which file, why, and what to do where that is known."""


def user_name() -> str:
    """The user that this process works as, by name where it has one."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "uid " + str(os.geteuid())


def failure(what: str, error: OSError, folder: t.Optional[int] = None) -> FileError:
    """``what`` is "PATH cannot be written" or so; ``folder`` is an open folder of the file system that it was about."""
    return FileError("{0}: {1}.".format(what, reason_of(error, folder)))


def reason_of(error: OSError, folder: t.Optional[int] = None) -> str:
    """Why, and what to do where that is known; no sentence of its own."""
    words = _WORDS.get(error.errno or 0)
    if error.errno == errno.ENOSPC and folder is not None and _no_inode(folder):
        words = "no inode is left on its file system (df -i shows that)"
    if words is None:
        words = (error.strerror or str(error)).lower()
    if error.errno == errno.EACCES and os.geteuid() != 0:
        words += "; set become: true, or become_user to whom it belongs"
    return words.replace("{user}", user_name())


def _no_inode(folder: int) -> bool:
    try:
        room = os.fstatvfs(folder)
    except OSError:
        return False
    return room.f_files > 0 and room.f_favail == 0 and room.f_bavail > 0

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Whether a path is safe to use as root: nobody else can put something else in its place.

Every folder on the way, and every symbolic link, must belong to root or to the owner whom the role was given, and nobody
else may write in it. Where this holds, what was looked at is what is used afterwards: nobody who could exchange it is left out.
"""

from __future__ import annotations

import os
import stat
import typing as t

__all__ = ("Refusal", "Spot", "trouble_with", "user_name", "walk")

_MOST_LINKS = 40


class Refusal(Exception):
    """One sentence that names the option and what to write instead."""


class Spot(t.NamedTuple):
    """Where a path leads: the path without links, and what is there (None: nothing yet)."""

    path: str
    found: t.Optional[os.stat_result]


def walk(path: str, trusted: t.Container[int]) -> Spot:
    """
    Where an absolute path leads. ``trusted`` are the uids that may own a folder or a link on the way.

    What is at the end is not judged here. Raises Refusal, without a subject: the text says what is wrong with the way.
    """
    at = "/"
    todo = _names(path)
    links = 0
    while todo:
        why = trouble_with(at, os.lstat(at), trusted)
        if why:
            raise Refusal(why)
        here = os.path.join(at, todo.pop())
        if here.endswith("/.."):
            at = os.path.dirname(at)
            continue
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            return Spot(os.path.join(here, *reversed(todo)), None)
        except OSError as error:
            raise Refusal(
                "{0} cannot be looked at ({1})".format(_shortened(here), (error.strerror or str(error)).lower())
            ) from None
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _MOST_LINKS:
                raise Refusal("{0} is a symbolic link in a circle".format(here))
            if found.st_uid not in trusted:
                raise Refusal("{0} is a symbolic link that {1} made".format(here, user_name(found.st_uid)))
            target = os.readlink(here)
            todo += _names(target)
            at = "/" if target.startswith("/") else at
            continue
        if todo and not stat.S_ISDIR(found.st_mode):
            raise Refusal("{0} is no folder".format(here))
        at = here
    return Spot(at, os.lstat(at))


def trouble_with(path: str, found: os.stat_result, trusted: t.Container[int]) -> t.Optional[str]:
    """Who else could exchange what is in this folder, or change this file; None when nobody can."""
    if found.st_uid not in trusted:
        return "{0} belongs to {1}, who can change what is there".format(path, user_name(found.st_uid))
    # In a folder such as /tmp everybody writes, but only owners rename and remove.
    if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
        return None
    if found.st_mode & stat.S_IWOTH:
        return "{0} can be written by everybody".format(path)
    # With an ACL the bits of the group are the most that anybody named in it may have.
    if found.st_mode & stat.S_IWGRP and (found.st_gid not in (0, os.getegid()) or _has_acl(path)):
        return "{0} can be written by its group".format(path)
    return None


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid {0}".format(uid)


def _has_acl(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "system.posix_acl_access"))
    except (OSError, AttributeError):
        return False


def _shortened(path: str) -> str:
    return path if len(path) <= 300 else path[:297] + "..."


def _names(path: str) -> t.List[str]:
    """The steps of a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]

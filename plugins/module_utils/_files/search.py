# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for config files at their usual places on this host, and read those that are about mail. Nothing is changed."""

from __future__ import annotations

import base64
import errno
import fnmatch
import glob
import os
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, reason_of
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import place_of

__all__ = ("Found", "is_nowhere", "read_file", "search")

_MOST_BYTES = 4 * 1024 * 1024
_MOST_FOLDERS = 20000
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What is handed over in all; a host that has more is told apart by ``left_out``.
_MOST_IN_ALL = 32 * 1024 * 1024


class Found(t.NamedTuple):
    """``files`` are the results of ``read_file``, ``left_out`` what was not looked at, with the reason."""

    files: t.List[t.Dict[str, t.Any]]
    left_out: t.List[t.Dict[str, str]]


def read_file(root: str, path: str) -> t.Dict[str, t.Any]:
    """One file: its ``path`` as given, where it really is (``real``), ``mode``, ``owner`` (a uid) and ``content`` (base64), or ``error``.

    A link is followed as place_of does: whoever plants one has nothing read that belongs to somebody else.
    ``root`` is put in front of the path, and stays in none of the results. What is not there has neither content nor
    error.
    """
    told: t.Dict[str, t.Any] = {"path": path, "real": path, "content": None, "mode": None, "owner": None, "error": None}
    whole, above = _below(root, path), root.rstrip("/")
    try:
        with place_of(whole) as place:
            found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
            # Not even opened: a device may do something then, and a pipe without a writer would keep us waiting.
            if not stat.S_ISREG(found.st_mode):
                return dict(
                    told, error="it is {0}".format("a folder" if stat.S_ISDIR(found.st_mode) else "no regular file")
                )
            with os.fdopen(os.open(place.name, _FLAGS, dir_fd=place.folder), "rb") as file:
                found = os.fstat(file.fileno())
                for link in place.links:
                    link.check(found.st_uid)
                content = file.read(_MOST_BYTES + 1)
            real = place.path
    except FileError as error:
        return told if is_nowhere(whole) else dict(told, error=str(error).replace(above + "/", "/"))
    except (FileNotFoundError, NotADirectoryError):
        return told
    except PermissionError as error:
        return dict(told, error=reason_of(error))
    except (OSError, ValueError) as error:
        return dict(told, error=(getattr(error, "strerror", None) or str(error)).lower())
    if len(content) > _MOST_BYTES:
        return dict(told, error="it has more than {0} bytes, which is no config file".format(_MOST_BYTES))
    told.update(content=base64.b64encode(content).decode("ascii"), mode=stat.S_IMODE(found.st_mode), owner=found.st_uid)
    told["real"] = real[len(above) :] if real.startswith(above + "/") else real
    return told


def search(
    root: str,
    folders: t.Sequence[str],
    names: t.Sequence[str],
    absolute: t.Sequence[str],
    words: t.Sequence[str],
    whole: t.Sequence[str],
) -> Found:
    """The files ``names`` (relative, may hold ``*``) below each of ``folders`` (patterns), and those of ``absolute``.

    Only texts that hold one of ``words`` are handed over, whatever their case, or whose name fits one of ``whole``.
    """
    paths, left_out = _paths(root, folders, names)
    for pattern in absolute:
        paths += [one for one in sorted(glob.glob(_below(root, pattern))) if os.path.isfile(one)]
    files: t.List[t.Dict[str, t.Any]] = []
    seen: t.Set[str] = set()
    total = 0
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        shown = _shown(root, path)
        one = read_file(root, shown)
        if one["error"]:
            left_out.append({"path": shown, "reason": one["error"]})
            continue
        if one["content"] is None or not _is_about(one, words, whole):
            continue
        total += len(one["content"])
        if total > _MOST_IN_ALL:
            left_out.append({"path": shown, "reason": "there are too many files"})
            break
        files.append(one)
    return Found(files, left_out)


def is_nowhere(path: str) -> bool:
    """Whether nothing is there, or a link that leads to nothing."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass
    return False


def _is_closed(folder: str) -> bool:
    """Whether it is a folder in which this user may look at nothing."""
    try:
        os.stat(os.path.join(folder, "."))
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def _shown(root: str, path: str) -> str:
    return path[len(root.rstrip("/")) :]


def _below(root: str, path: str) -> str:
    return root.rstrip("/") + path


def _paths(
    root: str, folders: t.Sequence[str], names: t.Sequence[str]
) -> t.Tuple[t.List[str], t.List[t.Dict[str, str]]]:
    """Every file of these names in these folders."""
    plain = [one for one in names if "*" not in one]
    patterns = [one for one in names if "*" in one]
    paths: t.List[str] = []
    left_out: t.List[t.Dict[str, str]] = []
    seen: t.Set[str] = set()
    for pattern in folders:
        for folder in sorted(glob.glob(_below(root, pattern))):
            real = os.path.realpath(folder)
            if real in seen or not os.path.isdir(real):
                continue
            seen.add(real)
            if len(seen) > _MOST_FOLDERS:
                return paths, [*left_out, {"path": pattern, "reason": "there are too many folders"}]
            try:
                there = os.listdir(real)
            except PermissionError as error:
                left_out.append({"path": _shown(root, folder), "reason": reason_of(error)})
                continue
            except OSError:
                continue
            first = set(there)
            for name in sorted({one.split("/")[0] for one in plain if "/" in one} & first):
                if _is_closed(os.path.join(real, name)):
                    left_out.append(
                        {
                            "path": _shown(root, os.path.join(folder, name)),
                            "reason": reason_of(PermissionError(errno.EACCES, "")),
                        }
                    )
            paths += [
                os.path.join(folder, one)
                for one in plain
                if one.split("/")[0] in first and os.path.isfile(os.path.join(folder, one))
            ]
            paths += [
                os.path.join(folder, name)
                for name in sorted(there)
                if any(fnmatch.fnmatchcase(name, one) for one in patterns)
                and os.path.isfile(os.path.join(folder, name))
            ]
    return paths, left_out


def _is_about(file: t.Mapping[str, t.Any], words: t.Sequence[str], whole: t.Sequence[str]) -> bool:
    name = os.path.basename(file["path"])
    if any(fnmatch.fnmatchcase(name, one) for one in whole):
        return True
    content = base64.b64decode(file["content"]).lower()
    return any(word.encode() in content for word in words)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file, and replace it in one step that survives a crash: afterwards there is the old file or the new one,
whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.attributes import Attributes, attributes_of, give
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import (
    Temporary,
    backup_place,
    temporary_file,
)
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import Place, close, open_file

__all__ = ("ABSENT", "Seen", "back_up", "checksum_of", "drop_backup", "read", "remove", "replace", "sync_folder")

# Stands where a checksum does, for a file that is not there.
ABSENT = "absent"
_PIECE = 1 << 20
# A file that its owner has made as large as a disk must not fill the host's memory.
_MOST_MEBIBYTES = 16


class Seen(t.NamedTuple):
    """A file as it was read.

    ``checksum`` is the SHA-256 in hex; ``identity`` changes when the file or its attributes do.
    """

    content: bytes
    checksum: str
    attributes: Attributes
    identity: t.Tuple[int, ...]


def checksum_of(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def read(place: Place) -> t.Optional[Seen]:
    """The regular file at this place; None when there is none. Raises FileError."""
    opened = open_file(place)
    if opened is None:
        return None
    try:
        with open(opened, "rb") as file:
            identity = _identity(os.fstat(opened))
            attributes = attributes_of(opened)
            content = file.read((_MOST_MEBIBYTES << 20) + 1)
            if len(content) > _MOST_MEBIBYTES << 20:
                words = "{0} has more than {1} MiB, which no file of settings has; correct path, or look at that file."
                raise FileError(words.format(place.path, _MOST_MEBIBYTES))
            if _identity(os.fstat(opened)) != identity:
                raise _changed(place)
        return Seen(content, checksum_of(content), attributes, identity)
    except OSError as error:
        raise failure("{0} cannot be read".format(place.path), error, place.folder) from None


def replace(
    place: Place,
    content: bytes,
    wanted: Attributes,
    seen: t.Optional[Seen],
    *,
    check: t.Optional[t.Callable[[str], None]] = None,
    before: t.Optional[t.Callable[[], None]] = None,
    times: bool = False,
) -> None:
    """Put ``content`` at this place, which must still be as it was ``seen`` (None: not there).

    ``check`` gets the path of the new file and raises what it has against it, ``before`` is called right before the new
    file takes
    the place of the old one. Raises FileError; the old file is untouched then, unless the sentence says that it was
    replaced.
    """
    with temporary_file(place) as new:
        try:
            _fill(new.opened, content)
            if check is not None:
                check(new.path)
            give(new.opened, place.path, wanted, times=times)
            os.fsync(new.opened)
        except OSError as error:
            raise failure("{0} cannot be written".format(place.path), error, place.folder) from None
        if before is not None:
            before()
        if not new.is_there():
            raise FileError(
                "{0} cannot be written: somebody else exchanged {1} meanwhile.".format(place.path, new.path)
            )
        _require_unchanged(place, seen)
        _put(new, place, seen)
        if not new.has_become(place.name) and not _holds(place, content):
            words = "{0} is not what was written: somebody else exchanged it, or {1}, in that very moment; look at it."
            raise FileError(words.format(place.path, new.path))
    sync_folder(place, "{0} is written, but it is not certain that it survives a crash".format(place.path))


def remove(place: Place, seen: Seen) -> None:
    """Take the file away, which must still be as it was ``seen``. Raises FileError."""
    _require_unchanged(place, seen)
    try:
        os.unlink(place.name, dir_fd=place.folder)
    except OSError as error:
        raise failure("{0} cannot be removed".format(place.path), error, place.folder) from None
    sync_folder(place, "{0} is removed, but it is not certain that this survives a crash".format(place.path))


def back_up(place: Place, seen: Seen) -> str:
    """Keep what was ``seen`` beside the file, with its attributes, under a name with process and time. Gives the path.

    Raises FileError.
    """
    stem = "{0}.{1}.{2}".format(place.name, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    folder = os.path.dirname(place.path)
    with temporary_file(backup_place(place)) as new:
        try:
            _fill(new.opened, seen.content)
            give(new.opened, place.path, seen.attributes, times=True)
            os.fsync(new.opened)
            for number in range(100):
                name = stem + (".{0}~".format(number) if number else "~")
                if _take_name(new, name):
                    return os.path.join(folder, name)
        except OSError as error:
            raise failure(
                "{0} cannot be kept as {1}~".format(place.path, os.path.join(folder, stem)), error, place.folder
            ) from None
    raise FileError("{0} cannot be kept: every name {1}...~ is taken.".format(place.path, stem))


def drop_backup(place: Place, path: str) -> None:
    """Take away what back_up has just made: the write has failed."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.basename(path), dir_fd=place.folder)


def sync_folder(place: Place, what: str) -> None:
    """Have the folder's entries survive a crash. ``what`` begins the sentence when that fails. Raises FileError."""
    try:
        opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.folder)
    except PermissionError:
        # A folder that may be written but not listed.
        os.sync()
        return
    except OSError as error:
        raise failure(what, error, place.folder) from None
    try:
        os.fsync(opened)
    except OSError as error:
        # Some file systems know no such thing for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise failure(what, error, place.folder) from None
    finally:
        close(opened)


def _fill(opened: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(opened, rest[:_PIECE]) :]
    os.fsync(opened)


def _put(new: Temporary, place: Place, seen: t.Optional[Seen]) -> None:
    try:
        if seen is None:
            if not _take_name(new, place.name):
                raise _changed(place)
            return
        os.rename(new.name, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except OSError as error:
        raise failure("{0} cannot be replaced".format(place.path), error, place.folder) from None


def _holds(place: Place, content: bytes) -> bool:
    """Whether the content is there: some file systems of the network number a file anew when it gets another name."""
    try:
        found = read(place)
    except FileError:
        return False
    return found is not None and found.content == content


def _take_name(new: Temporary, name: str) -> bool:
    """Give the file a name that is free, in one step; whether it was.

    Unlike a rename, this never takes the place of another file.
    """
    folder = new.place.folder
    try:
        os.link(new.name, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
    # A file system without hard links.
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return False
    except FileNotFoundError:
        os.rename(new.name, name, src_dir_fd=folder, dst_dir_fd=folder)
        return True


def _require_unchanged(place: Place, seen: t.Optional[Seen]) -> None:
    try:
        found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except FileNotFoundError:
        if seen is None:
            return
        raise _changed(place) from None
    except OSError as error:
        raise failure("{0} cannot be written".format(place.path), error, place.folder) from None
    if seen is None or _identity(found) != seen.identity:
        raise _changed(place)


def _changed(place: Place) -> FileError:
    return FileError(
        "{0} was changed by somebody else meanwhile, so it stays as it is now; run again.".format(place.path)
    )


def _identity(found: os.stat_result) -> t.Tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary file beside a file that is written: private, one at a time, and what a killed writer left is taken
away.

Its name follows from the file's name, and whoever writes holds a lock on it. So it is the lock of the file, too: a
second writer
finds it locked and waits shortly, and one that is not locked is what a writer left that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import Place, close

__all__ = ("PATIENCE", "Temporary", "backup_place", "locked", "private", "sweep", "temporary_file", "temporary_name")

PATIENCE = 5.0
_LONGEST = 255
_UNLOCKABLE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Temporary(t.NamedTuple):
    """The open temporary file of ``place``, and its name in the same folder."""

    place: Place
    name: str
    opened: int

    @property
    def path(self) -> str:
        """Its path, for programs and sentences."""
        return os.path.join(os.path.dirname(self.place.path), self.name)

    def is_there(self) -> bool:
        """Whether the name still is this file: whoever may write in the folder may have exchanged it."""
        return _is(self.place.folder, self.name, self.opened)

    def has_become(self, name: str) -> bool:
        """Whether this file now has another name in its folder."""
        return _is(self.place.folder, name, self.opened)

    def remove(self) -> None:
        """Take it away, if it is still there; what the folder does not let go of (append-only, say) is empty afterwards."""
        if not self.is_there():
            return
        with contextlib.suppress(OSError):
            try:
                os.unlink(self.name, dir_fd=self.place.folder)
            except OSError:
                if os.fstat(self.opened).st_nlink == 1:  # else it is the new file, too
                    os.ftruncate(self.opened, 0)


def temporary_name(name: str) -> str:
    """The name of the temporary file of ``name``: hidden, with the same ending, as programs that check files may look
    at that.
    """
    found = ".mailops-smtp~" + name
    if len(os.fsencode(found)) > _LONGEST:
        found = ".mailops-smtp~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:32] + os.path.splitext(name)[1][:32]
    return found


@contextlib.contextmanager
def temporary_file(place: Place) -> t.Iterator[Temporary]:
    """A new file with mode 0600 beside the file at ``place``, locked; gone at the end unless it was renamed.

    Raises FileError.
    """
    name = temporary_name(place.name)
    deadline = time.monotonic() + PATIENCE
    opened = None
    while opened is None:
        try:
            opened = _create(place, name)
        except FileExistsError:
            _sweep(place, name, deadline)
        except OSError as error:
            raise failure("{0} cannot be written".format(place.path), error, place.folder) from None
    found = Temporary(place, name, opened)
    try:
        yield found
    finally:
        found.remove()
        close(opened)


def sweep(place: Place) -> None:
    """Take away what a killed writer of this file, or of its backup, left. Raises FileError."""
    for one in (place, backup_place(place)):
        name = temporary_name(one.name)
        try:
            os.stat(name, dir_fd=place.folder, follow_symlinks=False)
        except OSError:
            continue
        _sweep(one, name, time.monotonic() + PATIENCE)


def backup_place(place: Place) -> Place:
    """Where the temporary file of the backup of this file is."""
    return place._replace(name=place.name + ".backup")


def locked(opened: int) -> bool:
    """Lock an open file for this process; False when another one has it."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Where a file system knows no locks, the comparison before the rename has to do.
        return error.errno in _UNLOCKABLE
    return True


@contextlib.contextmanager
def private() -> t.Iterator[None]:
    """What is made inside has mode 0600 or 0700 as asked for: a user's umask may take away what we need ourselves."""
    old = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(old)


def _create(place: Place, name: str) -> t.Optional[int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with private():
        opened = os.open(name, flags, 0o600, dir_fd=place.folder)
    # In between another writer may have taken it for one that was left.
    if locked(opened) and _is(place.folder, name, opened):
        return opened
    os.close(opened)
    return None


def _sweep(place: Place, name: str, deadline: float) -> None:
    path = os.path.join(os.path.dirname(place.path), name)
    while True:
        try:
            opened = os.open(
                name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=place.folder
            )
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENXIO):
                raise failure(
                    "{0} cannot be written, as {1} is in the way".format(place.path, path), error, place.folder
                ) from None
            # A planted link, or a pipe or socket that nobody reads: only the name goes.
            _unlink(place, name, path)
            return
        try:
            if not _is(place.folder, name, opened):
                return
            if locked(opened):
                _unlink(place, name, path)
                return
        finally:
            os.close(opened)
        if time.monotonic() >= deadline:
            raise FileError(
                "{0} is being written by another process (it has a lock on {1}); run again when that has ended.".format(
                    place.path, path
                )
            )
        time.sleep(0.02)


def _unlink(place: Place, name: str, path: str) -> None:
    try:
        os.unlink(name, dir_fd=place.folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise failure(
            "{0} cannot be written, as {1} is in the way and cannot be removed".format(place.path, path),
            error,
            place.folder,
        ) from None


def _is(folder: int, name: str, opened: int) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(opened))
    except OSError:
        return False

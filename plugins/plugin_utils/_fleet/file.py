# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of records: appended whole lines at a time, by several runs at once, and read line by line."""

from __future__ import annotations

import fcntl
import os
import stat
import typing as t
from collections.abc import Iterable, Iterator

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import PlantedLink, close, place_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import (
    LONGEST,
    Record,
    Unreadable,
    as_line,
    read_lines,
)

__all__ = ("append", "read_file", "where")

# Not blocking: a pipe in the place of the file would wait for a reader.
_APPEND = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def where(path: str) -> str:
    """The path from where the user stands; ``~`` is their home."""
    return os.path.abspath(os.path.expanduser(path))


def append(path: str, records: Iterable[Record]) -> int:
    """Add the records, all of them or none; how many there were. A new file is the user's alone (0600).

    A line that a killed run has left unfinished is ended first. Raises OSError.
    """
    lines = [as_line(record) for record in records]
    if not lines:
        return 0
    descriptor = _opened(path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no file")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        end = os.fstat(descriptor).st_size
        whole = end == 0 or os.pread(descriptor, 1, end - 1) == b"\n"
        data = ("" if whole else "\n").encode() + "".join(lines).encode("ascii")
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    return len(lines)


def _opened(path: str) -> int:
    """The file, which is made where it is not there. Raises OSError, also for a link that somebody else has planted."""
    try:
        with place_of(path) as place:
            try:
                descriptor = os.open(place.name, _APPEND, dir_fd=place.folder)
            except FileNotFoundError:
                # A file that comes about behind a link would be of who works here.
                for link in place.links:
                    link.check(os.geteuid())
                return os.open(place.name, _APPEND | os.O_CREAT, 0o600, dir_fd=place.folder)
            try:
                for link in place.links:
                    link.check(os.fstat(descriptor).st_uid)
            except BaseException:
                close(descriptor)
                raise
            return descriptor
    except PlantedLink as error:
        raise OSError(str(error)) from None
    except FileError:
        # The system says why it cannot be had.
        return os.open(path, _APPEND | os.O_CREAT, 0o600)


def read_file(path: str) -> Iterator[Record | Unreadable]:
    """Each line as a record, or as what is wrong with it. Raises OSError."""
    with open(path, "rb") as file:
        yield from read_lines(_lines(file))


def _lines(file: t.BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is longer than any record no more than its beginning, so that none fills the memory."""
    while line := file.readline(LONGEST + 1):
        yield line
        while len(line) > LONGEST and line[-1:] != b"\n":
            line = file.readline(LONGEST + 1)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder on the managed host in which old files are kept: who may look in, one process at a time, every
entry whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import re
import stat
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import locked, private
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import FolderMissing, close, place_of

__all__ = ("Record", "Store", "open_store", "record_path", "store_path")

_NAME = "mailops.smtp"
_FORMAT = 1
_PATIENCE = 30.0
# The folder may hold other things of this collection.
_NEW = "new~"
_RECORD = re.compile(r"[0-9a-f]{32}\.json\Z")
_COPY = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{16}\.old\Z")

# path, given, name, run, began, touched, before, copy, attributes, written, put_back, unfinished, stuck: see kept.py.
Record = t.Dict[str, t.Any]


def store_path() -> str:
    """Root: /var/lib/mailops.smtp. Anybody else: below the home of that user, or where there is none in /var/tmp."""
    uid = os.geteuid()
    if uid == 0:
        return "/var/lib/" + _NAME
    with contextlib.suppress(KeyError, OSError):
        home = pwd.getpwuid(uid).pw_dir
        if os.stat(home).st_uid == uid:
            return os.path.join(home, ".local", "state", _NAME)
    return "/var/tmp/{0}-{1}".format(_NAME, uid)


@contextlib.contextmanager
def open_store(*, create: bool) -> t.Iterator[t.Optional[Store]]:
    """The folder, locked for this process. Without ``create`` it is None where there is none yet. Raises FileError."""
    path = store_path()
    if create and os.geteuid() != 0:
        _make_state_folders(os.path.dirname(path))
    try:
        opened = _open_private(path, create)
    except FolderMissing:
        if create:
            raise
        opened = None
    if opened is None:
        yield None
        return
    try:
        deadline = time.monotonic() + _PATIENCE
        while not locked(opened):
            if time.monotonic() >= deadline:
                raise FileError("{0} is in use by another run; run again when that has ended.".format(path))
            time.sleep(0.02)
        yield Store(opened, path)
    finally:
        close(opened)


class Store:
    """The open and locked folder: one record per file, and the copies that the records name."""

    def __init__(self, folder: int, path: str) -> None:
        self._folder = folder
        self.path = path

    def records(self) -> t.Dict[str, Record]:
        """All records by the path that they are about, in the order of the paths. Raises FileError."""
        found = {}
        for name in sorted(self._names()):
            if _RECORD.match(name):
                try:
                    record = json.loads(self._read(name).decode("utf-8"))
                    if record["format"] != _FORMAT:
                        raise ValueError("format")
                    found[record["path"]] = record
                except (ValueError, KeyError, TypeError):
                    words = (
                        "{0}/{1} is not a record of this version; look at it, and at the copy beside it, and remove "
                        "both."
                    )
                    raise FileError(words.format(self.path, name)) from None
        return dict(sorted(found.items()))

    def save(self, record: Record) -> None:
        """Write a record, whole and lasting. Raises FileError."""
        record.update(format=_FORMAT, touched=time.time())
        self._write(_key(record["path"]) + ".json", json.dumps(record, sort_keys=True).encode("utf-8"))

    def keep(self, path: str, content: bytes, checksum: str) -> str:
        """Keep this content of the file ``path``; the name of the copy. Raises FileError."""
        name = "{0}.{1}.old".format(_key(path), checksum[:16])
        self._write(name, content)
        return name

    def content(self, copy: str) -> bytes:
        """What a copy holds. Raises FileError."""
        return self._read(copy)

    def drop(self, record: Record) -> None:
        """Take a record and its copy away, the record first. Raises FileError."""
        self._unlink(_key(record["path"]) + ".json")
        self._sync()
        if record["copy"]:
            self._unlink(record["copy"])

    def sweep(self) -> None:
        """Take away what no record names: what a killed run left half-made. Raises FileError."""
        named = {record["copy"] for record in self.records().values()}
        for name in self._names():
            if name == _NEW or (_COPY.match(name) and name not in named):
                self._unlink(name)
        self._sync()

    def _names(self) -> t.List[str]:
        try:
            return os.listdir(self._folder)
        except OSError as error:
            words = "{0}, where old files are kept, cannot be read".format(self.path)
            raise failure(words, error, self._folder) from None

    def _read(self, name: str) -> bytes:
        try:
            with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder), "rb") as file:
                return file.read()
        except OSError as error:
            raise failure("{0}/{1} cannot be read".format(self.path, name), error, self._folder) from None

    def _write(self, name: str, content: bytes) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_NEW, dir_fd=self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with private():
                opened = os.open(_NEW, flags, 0o600, dir_fd=self._folder)
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(opened, rest) :]
                os.fsync(opened)
            finally:
                os.close(opened)
            os.rename(_NEW, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(_NEW, dir_fd=self._folder)
            raise failure("{0}/{1} cannot be written".format(self.path, name), error, self._folder) from None
        self._sync()

    def _unlink(self, name: str) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)
        except OSError as error:
            raise failure("{0}/{1} cannot be removed".format(self.path, name), error, self._folder) from None

    def _sync(self) -> None:
        try:
            os.fsync(self._folder)
        except OSError as error:
            raise failure("{0} cannot be written".format(self.path), error, self._folder) from None


def record_path(path: str) -> str:
    """Where the record about the file ``path`` is."""
    return os.path.join(store_path(), _key(path) + ".json")


def _key(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _make_state_folders(path: str) -> None:
    try:
        with private():
            os.makedirs(path, 0o700, exist_ok=True)
    except OSError as error:
        raise failure("{0}, where old files are kept, cannot be made".format(path), error) from None


def _open_private(path: str, create: bool) -> t.Optional[int]:
    with place_of(path) as place:
        if place.links:
            raise FileError("{0}, where old files are kept, is a symbolic link; remove it.".format(path))
        try:
            if create:
                with private(), contextlib.suppress(FileExistsError):
                    os.mkdir(place.name, 0o700, dir_fd=place.folder)
            opened = os.open(
                place.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.folder
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure("{0}, where old files are kept, cannot be opened".format(path), error, place.folder) from None
    try:
        found = os.fstat(opened)
    except OSError as error:
        close(opened)
        raise failure("{0}, where old files are kept, cannot be looked at".format(path), error) from None
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        close(opened)
        words = (
            "{0}, where old files are kept, belongs to uid {1} and has mode {2:04o}; it must belong to uid {3} with "
            "mode 0700: remove or correct it."
        )
        raise FileError(words.format(path, found.st_uid, stat.S_IMODE(found.st_mode), os.geteuid()))
    return opened

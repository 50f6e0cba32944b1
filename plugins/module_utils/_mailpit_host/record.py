# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the role made on this host, written down where nobody but root (or the user who runs it) can write.

One file a host: folders, versions of the program and users, each with the instances (names of services) that it is for.
An entry is written before the thing is made, so that a run that was broken off leaves nothing that is not known.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal, user_name

__all__ = ("Record", "add", "drop", "opened_record")

_ROOT = "/var/lib/mailops.smtp.mailpit"
_FORMAT = 1


class Record:
    """
    ``folders``, ``versions`` (both by path), ``lent`` (folders that were there before, and that the role only uses),
    ``users`` and ``groups`` (both by name), ``anchors`` (files that clients trust): each to the sorted names of its
    instances.

    ``archives`` has for a version's folder the SHA-256 of the archive and of the program that was unpacked from it.
    """

    def __init__(self, data: t.Optional[t.Mapping[str, t.Any]] = None) -> None:
        data = data or {}
        self._path = ""
        self._saved: t.Dict[str, t.Any] = {}
        self.folders: t.Dict[str, t.List[str]] = dict(data.get("folders") or {})
        self.lent: t.Dict[str, t.List[str]] = dict(data.get("lent") or {})
        self.versions: t.Dict[str, t.List[str]] = dict(data.get("versions") or {})
        self.users: t.Dict[str, t.List[str]] = dict(data.get("users") or {})
        self.groups: t.Dict[str, t.List[str]] = dict(data.get("groups") or {})
        self.anchors: t.Dict[str, t.List[str]] = dict(data.get("anchors") or {})
        self.archives: t.Dict[str, t.List[str]] = dict(data.get("archives") or {})

    def keep_in(self, path: str) -> None:
        """From now on what is changed can be saved, in this file, where the rest is already."""
        self._path, self._saved = path, self.as_dict()

    def save(self) -> None:
        """Write down what is new, before it is made. Raises Refusal."""
        if self._path and self.as_dict() != self._saved:
            _write(self._path, self.as_dict())
            self._saved = self.as_dict()

    def as_dict(self) -> t.Dict[str, t.Any]:
        """What is written: without what is no longer there."""
        kinds = {
            "folders": self.folders,
            "lent": self.lent,
            "versions": self.versions,
            "users": self.users,
            "groups": self.groups,
            "anchors": self.anchors,
        }
        data: t.Dict[str, t.Any] = {
            kind: {name: instances for name, instances in entries.items() if instances}
            for kind, entries in kinds.items()
        }
        return {
            "format": _FORMAT,
            "archives": {path: sums for path, sums in self.archives.items() if path in data["versions"]},
            **data,
        }


def add(entries: t.Dict[str, t.List[str]], name: str, instance: str) -> None:
    """``name`` is there for ``instance`` too."""
    entries[name] = sorted({*entries.get(name, []), instance})


def drop(entries: t.Dict[str, t.List[str]], name: str, instance: str) -> None:
    """``instance`` no longer needs ``name``."""
    entries[name] = [other for other in entries.get(name, []) if other != instance]


def _folder() -> str:
    return _ROOT if os.geteuid() == 0 else os.path.expanduser("~/.local/state/mailops.smtp.mailpit")


@contextlib.contextmanager
def opened_record(write: bool) -> t.Iterator[Record]:
    """
    The record, locked for others while it is open; what was changed in it is kept when ``write`` is true.

    Raises Refusal when it cannot be read or written.
    """
    path = os.path.join(_folder(), "mailpit.json")
    if not write:
        yield _read(path)
        return
    with _lock(os.path.dirname(path)):
        for half in glob.glob(glob.escape(path) + ".*"):
            # Of a run that was killed while it wrote: nobody else writes now.
            os.unlink(half)
        record = _read(path)
        record.keep_in(path)
        try:
            yield record
        finally:
            record.save()


@contextlib.contextmanager
def _lock(folder: str) -> t.Iterator[None]:
    """The folder of the record for this process alone; it is there as long as there is something to write down."""
    lock = _locked(folder)
    while lock is None:
        lock = _locked(folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it is not empty
            os.rmdir(folder)
        os.close(lock)


def _locked(folder: str) -> t.Optional[int]:
    """A descriptor of the folder, which nobody else has locked; null where it was removed meanwhile. Raises Refusal."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        # It went between the two, or between makedirs' own try and its look at what is there.
        went = isinstance(error, (FileNotFoundError, FileExistsError))
        if went and (os.path.isdir(folder) or not os.path.lexists(folder)):
            return None
        raise Refusal(
            "{0}, where the role writes down what it made, cannot be written: {1}".format(folder, error.strerror)
        ) from None
    found = os.fstat(lock)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        os.close(lock)
        raise Refusal(
            "{0}, where the role writes down what it made, is open to others: chown it to {1} and chmod 0700".format(
                folder, user_name(os.geteuid())
            )
        )
    fcntl.flock(lock, fcntl.LOCK_EX)
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(lock), os.lstat(folder)):
            return lock
    os.close(lock)
    return None


def _read(path: str) -> Record:
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError) as error:
        raise Refusal("{0}, where the role writes down what it made, cannot be read: {1}".format(path, error)) from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise Refusal(
            "{0} was written by another version of this collection: update the collection on the controller".format(
                path
            )
        )
    return Record(data)


def _write(path: str, data: t.Mapping[str, t.Any]) -> None:
    new = "{0}.{1}".format(path, os.getpid())
    try:
        if not any(data[kind] for kind in data if kind != "format"):
            os.unlink(path)
            return
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(opened, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError as error:
        raise Refusal(
            "{0}, where the role writes down what it made, cannot be written: {1}".format(path, error.strerror)
        ) from None

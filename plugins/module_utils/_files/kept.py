# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the old files while a run changes them: claim, put back, finish; and take over what a run left that was broken
off.

For each file that a run has begun to change, there is one record in the private folder:

    path, given     where the file really is; how the run named it
    name, run       who (for sentences); which run of Ansible (see plugin_utils/_ask/run.py; here only compared)
    began, touched  seconds since the epoch: the claim, the last step
    before, copy    checksum of the old file and the name of its whole copy; "absent" and None when there was none
    attributes      owner, mode, times and so on of the old file
    written         checksums of what this run has written; noted before the file changes
    put_back        the old file is back, but what reads it may still run with the new one
    unfinished      an earlier run had changed the file, and was broken off
    stuck           why the old file could not be put back; such a record stays until a later run has settled it

The record is there, synced, before anything changes, and goes only when all is proved or put back. What is found in
``written`` is the
run's own; a file that holds anything else was changed by somebody else, and is never overwritten with the old one.
"""

from __future__ import annotations

import base64
import os
import shlex
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.attributes import Attributes
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import (
    ABSENT,
    Seen,
    checksum_of,
    read,
    remove,
    replace,
)
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import Record, Store, record_path
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import sweep
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import FolderMissing, place_of

__all__ = ("Claim", "Held", "PutBack", "begin", "finish", "foreign", "holder", "look", "note", "restore", "take_back")

Run = t.Mapping[str, t.Any]


class Held(t.NamedTuple):
    """A record of another run: its file, who, which run, the seconds since its last step, whether there is something to
    finish, and itself.
    """

    path: str
    name: str
    run: Run
    age: float
    unfinished: bool
    record: str


class Claim(t.NamedTuple):
    """What begin found. With ``held`` nothing was done; ``others`` are records of other runs for other files.

    ``absent``: what restore would take away again, because it was not there before.
    """

    held: t.List[Held]
    others: t.List[Held]
    unfinished: t.List[str]
    absent: t.List[str]


class PutBack(t.NamedTuple):
    """The files that changed by it, what could not be put back (path, given, kept_as, why), and what an earlier run had
    left unfinished.
    """

    restored: t.List[str]
    stuck: t.List[t.Dict[str, t.Optional[str]]]
    unfinished: t.List[str]


class _File(t.NamedTuple):
    given: str
    path: str
    seen: t.Optional[Seen]
    record: t.Optional[Record]


def look(store: t.Optional[Store], paths: t.Sequence[str], run: Run, dead: t.Sequence[Run]) -> Claim:
    """What begin would find. Raises FileError."""
    return _looked(store, paths, run, dead)[0]


def begin(store: Store, paths: t.Sequence[str], run: Run, name: str, dead: t.Sequence[Run]) -> Claim:
    """Claim all these files for ``run``, or none, and keep them. ``dead``: runs that are known to have ended.

    Raises FileError.
    """
    claim, files = _looked(store, paths, run, dead)
    if claim.held:
        return claim
    for record in store.records().values():
        # A run that has ended, and nothing of it is to be finished: its copy serves nobody.
        if record["run"] in dead and not _matters(record) and record["path"] not in [file.path for file in files]:
            store.drop(record)
    store.sweep()
    made = []
    try:
        for file in files:
            if file.given in claim.unfinished:
                _take_over(store, file, run, name)
                continue
            made.append(_claim(store, file, run, name))
    except FileError:
        for record in made:
            store.drop(record)
        store.sweep()
        raise
    for file in files:
        _sweep_beside(file.path)
    return claim


def note(store: t.Optional[Store], path: str, run: Run, checksum: str) -> bool:
    """Say that ``run`` is about to write this file; whether that had to be said. Raises FileError."""
    record = _of_run(store, path, run)
    if store is None or record is None or checksum in record["written"]:
        return False
    record["written"].append(checksum)
    store.save(record)
    return True


def take_back(store: t.Optional[Store], path: str, run: Run, checksum: str) -> None:
    """Say that what was noted was not written after all. Raises FileError."""
    record = _of_run(store, path, run)
    if store is not None and record is not None:
        record["written"].remove(checksum)
        store.save(record)


def foreign(store: t.Optional[Store], path: str, run: Run, checksum: str) -> bool:
    """Whether ``run`` has claimed this file, and what is there now is neither what it found nor what it wrote. Raises
    FileError.
    """
    record = _of_run(store, path, run)
    return record is not None and checksum not in (record["before"], *record["written"])


def holder(store: t.Optional[Store], path: str, run: Run, dead: t.Sequence[Run]) -> t.Optional[Held]:
    """The other run that has begun to change this file and has not ended. Raises FileError."""
    records = store.records().values() if store is not None else []
    living = [one for one in records if one["run"] != run and one["run"] not in dead]
    return next((_held(one) for one in living if _same_file(one["path"], path)), None)


def restore(store: t.Optional[Store], paths: t.Sequence[str], run: Run) -> PutBack:
    """Put the old files back, each for itself. Raises FileError."""
    restored: t.List[str] = []
    stuck: t.List[t.Dict[str, t.Optional[str]]] = []
    unfinished: t.List[str] = []
    if store is None:
        return PutBack(restored, stuck, unfinished)
    for record in _own(store, paths, run):
        try:
            changed, why = _put_back(store, record), None
        except FileError as error:
            changed, why = False, str(error)
        record["stuck"] = why
        if why is None:
            record["put_back"] = record["put_back"] or bool(record["written"]) or changed
        else:
            stuck.append(_stuck(store, record))
        _save_if_possible(store, record)
        if changed:
            restored.append(record["given"])
        if record["unfinished"]:
            unfinished.append(record["given"])
    return PutBack(restored, stuck, unfinished)


def finish(store: t.Optional[Store], paths: t.Sequence[str], run: Run) -> t.List[t.Dict[str, t.Optional[str]]]:
    """Drop what was kept of these files; what could not be put back stays and is given back. Raises FileError."""
    if store is None:
        return []
    stuck = []
    for record in _own(store, paths, run):
        if record["stuck"]:
            stuck.append(_stuck(store, record))
        else:
            store.drop(record)
    store.sweep()
    return stuck


def _looked(
    store: t.Optional[Store], paths: t.Sequence[str], run: Run, dead: t.Sequence[Run]
) -> t.Tuple[Claim, t.List[_File]]:
    records = store.records() if store is not None else {}
    files: t.Dict[str, _File] = {}
    for given in paths:
        path, seen = _see(given)
        files.setdefault(path, _File(given, path, seen, records.get(path)))
    others = [record for record in records.values() if record["run"] != run]
    claim = Claim(
        held=[
            _held(record)
            for record in others
            if record["run"] not in dead and any(_same_file(record["path"], path) for path in files)
        ],
        others=[_held(record) for record in others if record["path"] not in files],
        unfinished=[file.given for file in files.values() if file.record is not None and _is_unfinished(file.record)],
        absent=[file.given for file in files.values() if _before(file) == ABSENT],
    )
    return claim, list(files.values())


def _same_file(one: str, other: str) -> bool:
    """Whether two paths are one name in one folder, as they are where a folder is mounted at a second place, too."""
    if one == other or os.path.basename(one) != os.path.basename(other):
        return one == other
    try:
        return os.path.samestat(os.stat(os.path.dirname(one)), os.stat(os.path.dirname(other)))
    except OSError:
        return False


def _before(file: _File) -> str:
    """What restore gives back: the file as it is, or as it was before a run that was broken off."""
    state = ABSENT if file.seen is None else file.seen.checksum
    record = file.record
    if record is None or not _is_unfinished(record) or (state != record["before"] and state not in record["written"]):
        return state
    return str(record["before"])


def _of_run(store: t.Optional[Store], path: str, run: Run) -> t.Optional[Record]:
    record = store.records().get(path) if store is not None else None
    return record if record is not None and record["run"] == run else None


def _see(given: str) -> t.Tuple[str, t.Optional[Seen]]:
    try:
        with place_of(given) as place:
            return place.path, read(place)
    except FolderMissing as error:
        return error.path, None


def _sweep_beside(path: str) -> None:
    try:
        with place_of(path) as place:
            sweep(place)
    except FileError:
        # The write itself will say it.
        pass


def _is_unfinished(record: Record) -> bool:
    return bool(record["unfinished"] or record["written"] or record["put_back"] or record["stuck"])


def _claim(store: Store, file: _File, run: Run, name: str) -> Record:
    copy = None if file.seen is None else store.keep(file.path, file.seen.content, file.seen.checksum)
    record: Record = {
        "path": file.path,
        "given": file.given,
        "name": name,
        "run": dict(run),
        "began": time.time(),
        "copy": copy,
        "before": ABSENT if file.seen is None else file.seen.checksum,
        "attributes": None if file.seen is None else _packed(file.seen.attributes),
        "written": [],
        "put_back": False,
        "unfinished": False,
        "stuck": None,
    }
    try:
        store.save(record)
    except FileError:
        store.sweep()
        raise
    return record


def _take_over(store: Store, file: _File, run: Run, name: str) -> None:
    record = t.cast(Record, file.record)
    state = ABSENT if file.seen is None else file.seen.checksum
    if state != record["before"] and state not in record["written"]:
        # Somebody has changed the file since that run: this is now what a failure goes back to.
        copy = None if file.seen is None else store.keep(file.path, file.seen.content, file.seen.checksum)
        record.update(
            before=state, copy=copy, attributes=None if file.seen is None else _packed(file.seen.attributes), written=[]
        )
    record.update(run=dict(run), name=name, given=file.given, unfinished=True, put_back=False, stuck=None)
    store.save(record)


def _put_back(store: Store, record: Record) -> bool:
    """Whether the file changed by it. Raises FileError."""
    if not record["written"]:
        return False
    path = record["path"]
    try:
        with place_of(path) as place:
            seen = read(place)
            state = ABSENT if seen is None else seen.checksum
            if state != record["before"] and state not in record["written"]:
                raise FileError(
                    "{0} was changed by somebody else since it was written, so it stays as it is now.".format(path)
                )
            if record["before"] == ABSENT:
                if seen is not None:
                    remove(place, seen)
                return seen is not None
            attributes = _unpacked(record["attributes"])
            if (
                seen is not None
                and state == record["before"]
                and seen.attributes._replace(times=attributes.times) == attributes
            ):
                return False
            content = store.content(record["copy"])
            if checksum_of(content) != record["before"]:
                raise FileError(
                    "{0}/{1}, the kept copy of {2}, is not what was kept.".format(store.path, record["copy"], path)
                )
            replace(place, content, attributes, seen, times=True)
            return True
    except FolderMissing:
        if record["before"] == ABSENT:
            return False
        raise


def _stuck(store: Store, record: Record) -> t.Dict[str, t.Optional[str]]:
    copy = os.path.join(store.path, record["copy"]) if record["copy"] else None
    how = "It was not there before: look at it, and remove it"
    if copy:
        how = "Put it back with: cp {0} {1}".format(shlex.quote(copy), shlex.quote(record["path"]))
    return {
        "path": record["path"],
        "given": record["given"],
        "kept_as": copy,
        "why": "{0} {1}.".format(record["stuck"], how),
    }


def _save_if_possible(store: Store, record: Record) -> None:
    """A record that says less than it could (put back, or stuck) errs on the safe side: the next run takes it for
    unfinished.
    """
    try:
        store.save(record)
    except FileError:
        if not record["stuck"] and not record["written"]:
            raise


def _own(store: Store, paths: t.Sequence[str], run: Run) -> t.List[Record]:
    return [
        record
        for record in store.records().values()
        if record["run"] == run and (record["given"] in paths or record["path"] in paths)
    ]


def _held(record: Record) -> Held:
    age = max(0.0, time.time() - record["touched"])
    return Held(record["path"], record["name"], record["run"], age, _matters(record), record_path(record["path"]))


def _matters(record: Record) -> bool:
    """Whether there is something to finish or undo: not where nothing was changed, or all is gone together with its
    folder.
    """
    return _is_unfinished(record) and os.path.isdir(os.path.dirname(record["path"]))


def _packed(attributes: Attributes) -> t.Dict[str, t.Any]:
    extended = {name: base64.b64encode(value).decode("ascii") for name, value in attributes.extended.items()}
    return {
        "uid": attributes.uid,
        "gid": attributes.gid,
        "mode": attributes.mode,
        "times": list(attributes.times),
        "extended": extended,
    }


def _unpacked(packed: t.Mapping[str, t.Any]) -> Attributes:
    extended = {name: base64.b64decode(value) for name, value in packed["extended"].items()}
    atime, mtime = packed["times"]
    return Attributes(packed["uid"], packed["gid"], packed["mode"], (atime, mtime), extended)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of all apps of the role mail_config: read in one call to the host, planned here, and written in one call."""

from __future__ import annotations

import base64
import contextlib
import typing as t
from collections.abc import Callable, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.app_file import AppFile, host_error
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import NO_RESULT, Each, Written, of_shape
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text

__all__ = ("FailedAt", "TemplateFile", "at_file", "foretell", "write")

_Result = dict[str, t.Any]
# Has the host work on these files; gives what its module gives.
_Ask = Callable[[Sequence[Mapping[str, t.Any]]], _Result]


class FailedAt(Exception):
    """The file that failed, by its place in the list, why, and whether others were written before it."""

    def __init__(self, index: int, error: ValueError | HostError, changed: bool = False) -> None:
        super().__init__(str(error))
        self.index, self.error, self.changed = index, error, changed


class TemplateFile:
    """A file of the user's own, whose whole text is known before the host is asked."""

    def __init__(self, options: Mapping[str, t.Any], content: str) -> None:
        """``options``: path, and owner, group, mode, backup and validate as of private_file."""
        self._path, self._given = str(options["path"]), {**options, "content": content}
        self.for_host = {**options, "content": base64.b64encode(content.encode("utf-8")).decode("ascii")}

    def told(self, done: _Result) -> _Result:
        """The result, from what the host has done, or would do. Raises HostError."""
        done = of_shape(done, Written)
        if done.get("failed"):
            words = reason_of(done)
            if "exit_status" in done:
                words = f"validate refused the new content of {self._path} (exit status {done['exit_status']}), so the file stays as it was."
            # A secret that was written into a wrong option is not shown either.
            raise host_error(done, hidden_in_text(words, self._given))
        return {**done, "up_to_date": not done["changed"], "findings": [], "settings": {}}


File = AppFile | TemplateFile


def foretell(files: Sequence[File], ask: _Ask, *, diff: bool) -> list[_Result]:
    """What writing each file would do, as in check mode, which ``ask`` must be in. Raises FailedAt."""
    results: list[_Result] = []
    found = _asked(ask, [one.for_host for one in files], 0)
    for index, (file, seen) in enumerate(zip(files, found)):
        with at_file(index):
            if isinstance(file, AppFile):
                results.append({**file.planned(seen, diff=diff), **file.foretold()})
            else:
                results.append(file.told(seen))
    return results


def write(files: Sequence[File], ask: _Ask, *, diff: bool) -> list[_Result]:
    """Write each file, in order, up to the first that fails. Nothing is written before all are planned. Raises FailedAt.

    Several apps of one file, services of a compose file say, are written one after the other: each is planned with what the one before
    it has left there.
    """
    results: list[_Result] = []
    while len(results) < len(files):
        results += _written(files[len(results) :], ask, diff, results)
    return results


def _written(files: Sequence[File], ask: _Ask, diff: bool, before: Sequence[_Result]) -> list[_Result]:
    """The results of the first files, as many as can be written at once."""
    first = len(before)
    apps = [one for one in files if isinstance(one, AppFile)]
    found = iter(_asked(ask, [one.for_host for one in apps], first) if apps else ())
    results: list[_Result] = []
    wanted: dict[int, Mapping[str, t.Any]] = {}
    busy: set[str] = set()
    for index, file in enumerate(files):
        if isinstance(file, TemplateFile):
            results.append({})
            wanted[index] = file.for_host
            continue
        seen = next(found)
        if str(seen.get("file")) in busy:
            break
        with at_file(first + index):
            results.append(file.planned(seen, diff=diff))
        content = file.to_write()
        if content is None:
            results[-1]["created"] = False
        else:
            wanted[index] = {**file.for_host, **content}
            busy.add(str(seen["file"]))
    changed = any(one.get("changed") for one in before)
    done = _asked(ask, list(wanted.values()), first + min(wanted), changed) if wanted else []
    for index, one in zip(wanted, done):
        file = files[index]
        with at_file(first + index, changed):
            told = file.written(one) if isinstance(file, AppFile) else file.told(one)
        results[index].update(told)
        changed = changed or bool(told["changed"])
    return results


@contextlib.contextmanager
def at_file(index: int, changed: bool = False) -> Iterator[None]:
    """Say of an error at which file it was."""
    try:
        yield
    except (SettingsError, AppError, HostError) as error:
        raise FailedAt(index, error, changed) from None


def _asked(ask: _Ask, items: Sequence[Mapping[str, t.Any]], first: int, changed: bool = False) -> list[_Result]:
    """What the host says of each, in order; behind one that failed there is nothing more to be read. Raises FailedAt."""
    result = of_shape(ask(items), Each)
    if result.get("failed") or result.get("unreachable"):
        raise FailedAt(first, host_error(result, reason_of(result)), changed)
    each: list[_Result] = result["each"]
    complete = len(each) == len(items) or (0 < len(each) < len(items) and bool(each[-1].get("failed")))
    if not complete:
        raise FailedAt(first, HostError({"msg": NO_RESULT}), changed)
    return each

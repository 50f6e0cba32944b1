# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files of records, judges their evidence again, and compares runs; all of it on the controller."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import across
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import compare, entries, last_two_runs
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file, where
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.rejudge import judge_again, parse_changes
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.summary import summary
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_bool

# Lines of a file that are no records are told one by one up to this many.
_TOLD = 20


class ActionModule(Action):
    """What is in files of verdicts: by today's policy, across hosts, and since the run before."""

    OPTIONS = ("paths", "before", "today", *POLICY_OPTIONS)

    def answer(self, args: Result) -> Result:
        """One pass for the verdicts, one more for the comparison."""
        paths, before = _paths(args, "paths"), _paths(args, "before")
        if not paths:
            words = "paths is missing; write the files of the callback verdicts, such as mail-verdicts.jsonl."
            raise SettingsError(words, "paths")
        changes = parse_changes(args)
        today = to_bool(True if args.get("today") in (None, "") else args["today"], "today")
        now = datetime.datetime.now(datetime.UTC) if today else None
        wrong: list[dict[str, t.Any]] = []
        tally = Tally()
        found: dict[tuple[str, ...], Record] = {}
        records = judge_again(_records(paths, "paths", wrong), changes, now)
        statements = across(_counted(records, tally, found))
        old, new = entries(_records(before, "before", wrong)), {}
        if before:
            new = entries(_records(paths, "paths", []))
        else:
            old, new = last_two_runs(_records(paths, "paths", []))
        return {
            "changed": False,
            **summary(tally, found, statements, compare(old, new) if old else [], wrong[:_TOLD]),
            "unreadable_lines": len(wrong),
        }


def _counted(records: Iterator[Record], tally: Tally, found: dict[tuple[str, ...], Record]) -> Iterator[Record]:
    """Pass the records on; ``found`` gets the ones that fail, by what they are about, without their evidence."""
    for record in records:
        tally.add(record)
        # What was said of the host as a whole in another run is over, as it is for the table.
        whole = (*record.key[:-1], "")
        if whole in found and found[whole].run != record.run:
            del found[whole]
        if record.ok is False:
            found[record.key] = replace(record, probe=None, evidence=None, settings=None)
        else:
            found.pop(record.key, None)
        yield record


def _paths(args: Mapping[str, t.Any], option: str) -> list[str]:
    """The files: a list, or a text with commas, as people type it; relative ones count from where the user stands."""
    given = args.get(option)
    if given in (None, ""):
        return []
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, Sequence) or not all(isinstance(one, str) and one.strip() for one in parts):
        words = f"{option} is {show(given)}, which is no list of files; write paths, such as [mail-verdicts.jsonl]."
        raise SettingsError(words, option)
    return [where(one.strip()) for one in parts]


def _records(paths: Sequence[str], option: str, wrong: list[dict[str, t.Any]]) -> Iterator[Record]:
    """The records of the files, one after the other; what is no record goes into ``wrong``. Raises SettingsError."""
    for path in paths:
        try:
            for one in read_file(path):
                if isinstance(one, Unreadable):
                    wrong.append({"path": path, "line": one.number, "message": one.sentence})
                else:
                    yield one
        except OSError as error:
            words = f"{option}: {path} cannot be read ({error.strerror}); write the path of a file of the callback verdicts."
            raise SettingsError(words, option) from None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import Statement as Shared
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import KINDS, Change, compare
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import as_line
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_table import as_table, short_table
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.causes import Statement, fold, missing, statements
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, USUAL, Told, chosen
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.gathered import gathered
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.matrix import Matrix
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page_parts import Facts
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.sources import Notes, files_of, records_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.write import write_file

# The records of a run, for the report after it.
_RECORDS = "records.jsonl"


class ActionModule(Action):
    """Write a report from records, or from what the hosts of this play have registered."""

    OPTIONS = ("from", "hosts", "variable", "before", "dest", "formats", "path", "mode")

    def answer(self, args: Result) -> Result:
        """Read, then write; nothing is read from a file that this very call has written."""
        formats = chosen(args.get("formats") if args.get("formats") is not None else USUAL, "formats")
        mode = _mode(args.get("mode"))
        notes = Notes()
        report, lines = self._read(args, notes)
        before, difference = Report(), None
        if args.get("before"):
            before.take(records_of(files_of(args["before"], "before"), "before", notes))
            difference = compare(before.entries, report.entries)
        told = Told(report, difference, [*missing(report), *notes.told()])
        files: dict[str, str] = {}
        if args.get("dest"):
            files = _files(str(args["dest"]), formats, bool(lines))
        if not self._task.check_mode:
            self._write(args, told, files, lines, mode)
        if args.get("path"):
            files["table"] = _here(str(args["path"]))
        return _told(told, files)

    def _read(self, args: Result, notes: Notes) -> tuple[Report, list[str]]:
        """The report, and the records as lines where they are of this run."""
        report = Report()
        if args.get("from") is not None:
            report.take(records_of(files_of(args["from"], "from"), "from", notes))
            return report, []
        hosts, variable = args.get("hosts"), args.get("variable")
        if not isinstance(hosts, list) or not isinstance(variable, str):
            words = "There is nothing to report on; write from, or hosts and variable."
            raise SettingsError(words, "from")
        records = list(gathered([str(one) for one in hosts], self._task_vars["hostvars"], variable))
        report.take(records)
        return report, [as_line(one) for one in records]

    @staticmethod
    def _write(args: Result, told: Told, files: dict[str, str], lines: Sequence[str], mode: int) -> None:
        for name, path in files.items():
            write_file(path, lines if name == "records" else FORMATS[name].made(told), mode, "dest")
        if args.get("path"):
            write_file(_here(str(args["path"])), as_table(told.report, told.notes), 0o644, "path")


def _files(dest: str, formats: Sequence[str], with_records: bool) -> dict[str, str]:
    folder = _here(dest)
    files = {name: os.path.join(folder, FORMATS[name].file) for name in formats}
    return {**files, "records": os.path.join(folder, _RECORDS)} if with_records else files


def _here(path: str) -> str:
    """The path from where the user stands."""
    return os.path.abspath(os.path.expanduser(path))


def _mode(given: object) -> int:
    """Permissions as octal digits. Raises SettingsError."""
    if given is None:
        return 0o600
    # YAML reads 0644 as a number, which is right then.
    digits = f"{given:o}" if isinstance(given, int) and not isinstance(given, bool) else str(given)
    if not digits.strip("01234567") and 0 < len(digits) <= 4 and int(digits, 8) <= 0o777:
        return int(digits, 8)
    raise SettingsError(f"mode is {show(given)}; write octal digits such as '0644'.", "mode")


def _told(told: Told, files: dict[str, str]) -> Result:
    """The result: what was written, and the report in short."""
    report = told.report
    table = Matrix(report)
    found: Result = {
        "changed": bool(files),
        "msg": f"{Facts(report, table).title}.",
        "files": files,
        "table": short_table(report),
        "totals": {state: sum(row.state == state for row in table.rows) for state in STATES},
        "causes": [_shared(one) for one in report.across],
        "failures": [_cause(one) for one in statements(report)],
        "changes": None if told.changes is None else _counted(told.changes),
    }
    return {**found, "warnings": list(told.notes)} if told.notes else found


def _cause(one: Statement) -> dict[str, t.Any]:
    told = {key: getattr(one, key) for key in ("code", "layer", "subject", "message", "remedy")}
    return {**told, "hosts": len(one.hosts), "some": fold(one.hosts)}


def _shared(one: Shared) -> dict[str, t.Any]:
    told = {key: getattr(one, key) for key in ("code", "layer", "statement", "confidence", "remedy")}
    return {**told, "hosts": len(one.hosts), "some": fold(one.hosts)}


def _counted(found: Sequence[Change]) -> dict[str, int]:
    return {kind: count for kind in KINDS if (count := sum(len(one.hosts) for one in found if one.kind == kind))}

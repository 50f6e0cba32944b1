# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import as_line
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_table import short_table, table_lines
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.causes import Statement, fold, statements
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.changes import KINDS, Change, changes
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, Told, chosen
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.gathered import gathered
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.matrix import Matrix
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page_parts import Facts
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.sources import files_of, read_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.write import write_file

# The records of a run, for the report after it.
_RECORDS = "records.jsonl"


class ActionModule(Action):
    """Write a report from records, or from what the hosts of this play have registered."""

    OPTIONS = ("from", "hosts", "variable", "before", "dest", "formats", "path", "mode")

    def answer(self, args: Result) -> Result:
        """Read, then write; nothing is read from a file that this very call has written."""
        formats = chosen(args.get("formats") if args.get("formats") is not None else "html,json", "formats")
        mode = _mode(args.get("mode"))
        report, notes, lines = self._read(args)
        before, difference = Report(), None
        if args.get("before"):
            notes += read_files(before, files_of(args["before"], "before"), "before")
            difference = changes(before, report)
        told = Told(report, difference, notes)
        files: dict[str, str] = {}
        if args.get("dest"):
            files = _files(str(args["dest"]), formats, bool(lines))
        if not self._task.check_mode:
            self._write(args, told, files, lines, mode)
        if args.get("path"):
            files["table"] = _here(str(args["path"]))
        return _told(told, files)

    def _read(self, args: Result) -> tuple[Report, list[str], list[str]]:
        """The report, sentences about what could not be read, and the records as lines where they are of this run."""
        report = Report()
        if args.get("from"):
            files = files_of(args["from"], "from")
            return report, read_files(report, files, "from"), []
        hosts, variable = args.get("hosts"), args.get("variable")
        if not isinstance(hosts, list) or not isinstance(variable, str):
            words = "There is nothing to report on; write from, or hosts and variable."
            raise SettingsError(words, "from")
        lines = []
        for record in gathered([str(one) for one in hosts], self._task_vars["hostvars"], variable):
            report.add(record)
            lines.append(as_line(record))
        return report, [], lines

    @staticmethod
    def _write(args: Result, told: Told, files: dict[str, str], lines: Sequence[str], mode: int) -> None:
        for name, path in files.items():
            write_file(path, lines if name == "records" else FORMATS[name].made(told), mode, "dest")
        if args.get("path"):
            rows = [f"{line}\n" for line in table_lines(told.report, told.report.rows())]
            write_file(_here(str(args["path"])), rows, 0o644, "path")


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
        "causes": [_cause(one) for one in statements(report)],
        "changes": None if told.changes is None else _counted(told.changes),
    }
    return {**found, "warnings": list(told.notes)} if told.notes else found


def _cause(one: Statement) -> dict[str, t.Any]:
    told = {key: getattr(one, key) for key in ("code", "layer", "subject", "message", "remedy")}
    return {**told, "hosts": len(one.hosts), "some": fold(one.hosts)}


def _counted(found: Sequence[Change]) -> dict[str, int]:
    return {kind: count for kind in KINDS if (count := sum(one.kind == kind for one in found))}

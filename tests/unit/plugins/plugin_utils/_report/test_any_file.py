# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report, and a second judgement, of files that somebody has changed: each place of a record with something else in it, or gone."""

from __future__ import annotations

import copy
import csv
import datetime
import io
import itertools
import json
import pathlib
import re
import typing as t
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import jsonschema
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import across
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import compare
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable, as_line, read_lines
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.rejudge import judge_again
from ansible_collections.mailops.smtp.plugins.plugin_utils._report import as_json as json_module
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, Told
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.gathered import gathered

from tests.support.report_records import HOSTILE, hostile_others, report_of, small_fleet

SCHEMA = json.loads((pathlib.Path(json_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
NOW = datetime.datetime.now(datetime.UTC)
RECORDS = [json.loads(as_line(one)) for one in small_fleet()]
SAMPLES = [
    RECORDS[0],
    RECORDS[2],
    RECORDS[12],
    *(json.loads(as_line(one)) for one in hostile_others(small_fleet()[0], "x")),
]
DELETED = object()
VALUES: list[t.Any] = [
    DELETED, None, "", 0, -1, 7, 2**70, 10**400, 1.5, -0.0, 1e308, True, [], {}, [[]], [None], [{}], {"": ""}, {"__proto__": {"x": 1}},
    "465", "9" * 400, "1e999", "NaN", "high", "tcp", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00", "2026-11-30",
    *HOSTILE,
]  # fmt: skip


def places(found: t.Any, at: tuple[t.Any, ...] = ()) -> Iterator[tuple[t.Any, ...]]:
    """The way to each value, of lists to the first."""
    if at:
        yield at
    inner = found.items() if isinstance(found, dict) else enumerate(found[:1]) if isinstance(found, list) else ()
    for key, value in inner:
        yield from places(value, (*at, key))


def changed(record: t.Any, place: tuple[t.Any, ...], value: t.Any) -> t.Any:
    found = inner = copy.deepcopy(record)
    for key in place[:-1]:
        inner = inner[key]
    if value is DELETED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = copy.deepcopy(value)
    return found


def batches(size: int = 60) -> Iterator[list[str]]:
    """Lines with something else at each place, each value in turn; each place is once gone and once something."""
    values = itertools.cycle(VALUES)
    lines = [
        json.dumps(changed(record, place, value)) + "\n"
        for record in SAMPLES
        for place in places(record)
        for value in (DELETED, next(values))
    ]
    for start in range(0, len(lines), size):
        yield lines[start : start + size]


def read(lines: list[str]) -> list[Record]:
    found = list(read_lines(lines))
    for one in found:
        assert not isinstance(one, Unreadable) or (one.sentence.isprintable() and len(one.sentence) < 600)
    return [one for one in found if isinstance(one, Record)]


def test_whatever_a_file_holds_the_report_is_whole_and_a_second_judgement_too() -> None:
    readable = 0
    for lines in batches():
        records = read(lines)
        readable += len(records)
        report, before = report_of(records), report_of(records[::-2])
        told = Told(report, compare(before.entries, report.entries), ("a note",))
        made = {name: "".join(one.made(told)) for name, one in FORMATS.items()}
        assert all(text.encode("utf-8") for text in made.values())
        jsonschema.validate(json.loads(made["json"]), SCHEMA, jsonschema.Draft202012Validator)
        ET.fromstring(made["junit"])
        issues = json.loads(made["codeclimate"])
        assert len(issues) == len(json.loads(made["sarif"])["runs"][0]["results"])
        assert len({one["fingerprint"] for one in issues}) == len(issues)
        for row in csv.reader(io.StringIO(made["csv"], newline="")):
            assert not [cell for cell in row if re.match(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]", cell)]
        series = [one.rpartition(" ")[0] for one in made["prometheus"].splitlines() if not one.startswith("#")]
        assert len(series) == len(set(series))
        again = list(judge_again(records, {"certificate_days_error": 30}, NOW))
        assert len(again) == len(records)
        assert all(map(as_line, again)) and all(one.as_dict() for one in across(again))
    assert readable > 500


def test_a_registered_result_of_any_shape_is_refused_or_whole() -> None:
    """The playbook's own report reads what hosts registered; keys that may be null need not be there."""
    result = {"probes": [RECORDS[2]["probe"]], "alternatives": [{"port": 587, "secure": False, "security": "starttls"}]}
    for place in places(result):
        for value in (DELETED, None, 7, "x", [], {}):
            odd = changed(result, place, value)
            try:
                records = list(gathered(["a"], {"a": {"mail": odd, "group_names": []}}, "mail"))
            except ValueError as refused:
                assert "is no result of smtp_gate" in str(refused)
                continue
            assert all(map(as_line, records)) and "".join(FORMATS["html"].made(Told(report_of(records), None, ())))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices that ran apart: who has no record in any file is named, and gets one."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append, read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable

from tests.support.acting import Host, act

HOST = Host(lambda _plans: {})
HOSTS = [f"h{number}" for number in range(9)]


def missing(**options: t.Any) -> dict[str, t.Any]:
    return act("missing_verdicts", HOST, hosts=HOSTS, **options)


@pytest.fixture
def slices(tmp_path: pathlib.Path) -> pathlib.Path:
    """AWX's slices 1 and 3 of three, the latter without one of its hosts."""
    for name, hosts in (("1", ["h0", "h3", "h6"]), ("3", ["h2", "h8"])):
        records = [Record(time="2026-01-01T00:00:00+00:00", kind="gate", host=host, ok=True) for host in hosts]
        append(str(tmp_path / f"{name}.jsonl"), records)
    return tmp_path


@pytest.mark.parametrize("given", [3, "3", {"1": HOSTS[0::3], "2": HOSTS[1::3], "3": HOSTS[2::3]}])
def test_a_slice_is_missing(slices: pathlib.Path, given: t.Any) -> None:
    dest = slices / "missing.jsonl"
    options = {"from": f"{slices}/*.jsonl", "slices": given, "dest": str(dest)}
    answer = act("missing_verdicts", HOST, check_mode=True, hosts=HOSTS, **options)
    assert answer["changed"] and not dest.exists()
    assert answer["msg"] == "There is nothing of slice 2. 4 hosts have no record: h1, h4, h5, h7."
    assert (answer["slices"], answer["hosts"]) == (["2"], ["h1", "h4", "h5", "h7"])
    assert missing(**options)["changed"]
    records = [one for one in read_file(str(dest)) if not isinstance(one, Unreadable)]
    assert [(one.host, one.state) for one in records] == [(host, "not_asked") for host in ("h1", "h4", "h5", "h7")]
    assert records[0].message == "There is nothing of slice 2 of 3."
    assert records[2].message == "It has no record."
    # That they are named does not bring them back: who asks again is told the same, and nothing is written twice.
    again = missing(**options)
    assert (again["changed"], again["slices"], again["hosts"]) == (False, ["2"], ["h1", "h4", "h5", "h7"])
    # Once the slice has come, nothing is missing any more.
    late = [Record(time="2026-01-02T00:00:00+00:00", kind="gate", host=host, ok=True) for host in answer["hosts"]]
    append(str(slices / "2.jsonl"), late)
    again = missing(**options)
    assert (again["changed"], again["msg"]) == (False, "Every host has a record.")


def test_lines_and_files_that_cannot_be_read_are_named(slices: pathlib.Path) -> None:
    with open(slices / "1.jsonl", "a", encoding="utf-8") as file:
        file.write('{"format":1,"time":"2026-01')
    answer = missing(**{"from": [str(slices), str(slices / "4.jsonl")]})
    assert answer["slices"] == [] and not answer["changed"]
    first, second = answer["warnings"]
    assert first.endswith("1.jsonl line 4: It is not whole: a run was killed there, or is still writing.")
    assert second == f"{slices / '4.jsonl'} cannot be read (no such file or directory)."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "from is 'None'; write names of files, folders or patterns such as slices/*.jsonl."),
        ({"from": []}, "from is '[]'; write names"),
        ({"from": "x", "slices": 0}, "slices is '0', which is out of range; write a number from 1 to 10000."),
        ({"from": "x", "slices": {"one": "h1"}}, "slices holds 'h1' for 'one', which is not a list; write names"),
        ({"from": "x", "dest": "/no/such/folder/x"}, "dest is '/no/such/folder/x', which cannot be written"),
        ({"from": "x", "slice": 3}, "slice is not an option; write slices."),
    ],
)
def test_bad_options(options: dict[str, t.Any], sentence: str) -> None:
    answer = missing(**options)
    assert answer["failed"] and sentence in answer["msg"]

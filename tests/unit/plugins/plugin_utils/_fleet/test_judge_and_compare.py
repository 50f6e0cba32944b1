# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored evidence under another policy and another date, and two runs beside each other."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import compare, entries, last_two_runs
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, as_line, parse_line
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.rejudge import judge_again, parse_changes
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError

from tests.support.acting import Host as NoHost
from tests.support.acting import act
from tests.support.fleet import FAULTS, NO_VERDICT, NOW, Fleet, chains_of_a_fleet


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return chains_of_a_fleet(tmp_path_factory.mktemp("chains"))


def made(chains: dict[str, list[str]], *names: str, run: str = "run1") -> list[Record]:
    fleet = Fleet(chains, hosts=len(names), run=run).plant(lambda host, _e: names[int(host.name[1:])])
    return [parse_line(as_line(one)) for one in fleet.records()]


def verdicts(records: t.Iterable[Record]) -> list[tuple[bool | None, str | None]]:
    return [(one.ok, one.cause) for one in records]


def test_the_same_policy_gives_the_same_verdicts(chains: dict[str, list[str]]) -> None:
    records = made(chains, *FAULTS, *NO_VERDICT)
    assert list(judge_again(records, {})) == records


def test_another_policy_and_another_day(chains: dict[str, list[str]]) -> None:
    records = made(chains, "works", "expiring", "filtered", "unreachable", "renewed")
    older = copy.deepcopy(records[0])
    assert older.evidence is not None
    older.evidence["observation"]["attempts"][0]["tls"]["version"] = "TLSv1.2"
    records.append(dataclasses.replace(older, host="old"))
    found = list(judge_again(records, parse_changes({"minimum_tls_version": "TLSv1.3"})))
    assert verdicts(found)[-1] == (False, "tls_version_unsupported") and verdicts(found)[0] == (True, None)
    assert found[-1].policy is not None and found[-1].policy["minimum_tls_version"] == "TLSv1.3" and found[-1].remedy
    # 3, 30 and 90 days are left.
    found = list(judge_again(records, parse_changes({"certificate_days_error": "40"})))
    assert verdicts(found)[:5] == [
        (False, "certificate_expired"), (False, "certificate_expired"), (False, "connection_timeout"), (None, None), (True, None),
    ]  # fmt: skip
    later = NOW + datetime.timedelta(days=20)
    found = list(judge_again(records, {}, later))
    assert verdicts(found)[:2] == [(True, None), (False, "certificate_expired")]
    assert found[0].probe is not None and 8 <= found[0].probe["certificates"][0]["days_left"] <= 10
    # A record of tomorrow (a clock that is off) is not set back.
    assert verdicts(judge_again(records, {}, NOW - datetime.timedelta(days=20))) == verdicts(records)
    with pytest.raises(SettingsError, match="write one of TLSv1, TLSv1.1"):
        parse_changes({"minimum_tls_version": "1.3"})


def test_what_is_broken_healed_and_changed(chains: dict[str, list[str]]) -> None:
    before = made(chains, "works", "filtered", "filtered", "works", "works", "works", "works", "unreachable")
    now = made(
        chains, "filtered", "works", "refused", "renewed", "one address dead", "unreachable", "works", "works", run="2"
    )
    extra = copy.deepcopy(now[6])
    assert extra.probe is not None
    extra.probe["capabilities"]["after_tls"] = {"SIZE": ["2000"]}
    extra.probe["security_observed"] = "starttls"
    now[6] = extra
    gone, new = dataclasses.replace(before[0], host="gone"), dataclasses.replace(now[1], host="new")
    found = compare(entries([*before, gone]), entries([*now, new]))
    assert [(one.kind, one.what, one.hosts) for one in found] == [
        ("broke", "verdict", ("h00000",)),
        ("other_cause", "verdict", ("h00002",)),
        ("healed", "verdict", ("h00001",)),
        ("changed", "addresses", ("h00004",)),
        ("changed", "capabilities", ("h00006",)),
        ("changed", "certificate", ("h00003",)),
        ("changed", "mode", ("h00006",)),
        ("appeared", "verdict", ("h00007", "new")),
        ("gone", "verdict", ("gone",)),
        ("no_verdict", "verdict", ("h00005",)),
    ]
    assert "worked, and now fails with connection_timeout" in found[0].sentence
    assert compare(entries(before), entries(before)) == []
    old, new_run = last_two_runs([*made(chains, "reset", run="0"), *before, *now])
    assert len(old) == len(before) and compare(old, new_run)[0].kind == "broke"
    # The same change on many hosts is one.
    many = compare(entries(made(chains, *["works"] * 9)), entries(made(chains, *["filtered"] * 9, run="2")))
    assert [len(one.hosts) for one in many] == [9]


def test_the_action(chains: dict[str, list[str]], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    append("monday.jsonl", made(chains, *["works"] * 6, "filtered", "unreachable"))
    append("tuesday.jsonl", made(chains, *["works"] * 5, "filtered", "filtered", "works", run="2"))
    with open("tuesday.jsonl", "a", encoding="utf-8") as file:
        file.write("hello\n")
    found = act("verdicts_info", NoHost(), paths="tuesday.jsonl", before=["monday.jsonl"])
    assert found["counts"] == {"works": 6, "fails": 2} and found["unreadable_lines"] == 1
    assert found["unreadable"][0]["line"] == 9 and "no JSON" in found["unreadable"][0]["message"]
    assert {(one["kind"], *one["hosts"]) for one in found["changes"]} >= {("broke", "h00005")}
    assert [one["host"] for one in found["failing"]] == ["h00005", "h00006"]
    assert found["msg"] == "Mail does not work from 2 of 8 hosts."
    assert any("Since the run before:" in line for line in found["table"])
    # Both days in one go: the last run is compared with the one before it.
    both = act("verdicts_info", NoHost(), paths="monday.jsonl, tuesday.jsonl", certificate_days_error=31)
    assert both["counts"]["fails"] == 8 and {one["kind"] for one in both["changes"]} >= {"broke"}
    assert act("verdicts_info", NoHost(), paths=["monday.jsonl"])["changes"] == []


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "paths is missing; write the files"),
        ({"paths": "nowhere.jsonl"}, "nowhere.jsonl cannot be read (No such file or directory); write the path"),
        ({"paths": 5}, "paths is '5', which is no list of files"),
        ({"paths": "x", "certificate_days_error": "soon"}, "certificate_days_error is 'soon', which is not a number"),
        ({"path": "x"}, "path is not an option; write paths"),
        ({"paths": "x", "today": "maybe"}, "today is 'maybe'"),
    ],
)
def test_wrong_options_get_one_sentence(options: dict[str, t.Any], words: str) -> None:
    found = act("verdicts_info", NoHost(), **options)
    assert found["failed"] and words in found["msg"]


def test_a_clock_beyond_all_years_is_not_judged_again(chains: dict[str, list[str]]) -> None:
    (record,) = made(chains, "works")
    end = datetime.datetime.max.replace(tzinfo=datetime.UTC).timestamp() - 1
    odd = dataclasses.replace(
        record, time="1999-01-01T00:00:00+00:00", evidence={**(record.evidence or {}), "clock": end}
    )
    assert list(judge_again([odd], {}, NOW)) == [odd]

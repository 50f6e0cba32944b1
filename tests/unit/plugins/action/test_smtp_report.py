# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records a report is made from, and what is written where."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, as_line, parse_line

from tests.support.acting import Host, act
from tests.support.report_records import PLAN, report_of, small_fleet

HOST = Host(lambda _plans: {})
RECORDS = small_fleet()


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(path: pathlib.Path, records: t.Iterable[Record] = RECORDS) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(map(as_line, records)))
    return path


def report(**options: t.Any) -> dict[str, t.Any]:
    return act("smtp_report", HOST, **options)


def test_every_way_to_name_files_gives_the_same_report(here: pathlib.Path) -> None:
    stored(here / "slices" / "one.jsonl", RECORDS[:9])
    stored(here / "slices" / "two.jsonl", RECORDS[9:])
    (here / "slices" / "notes.txt").write_text("none of these")
    ways = [
        "slices", "slices/", "slices/*.jsonl", "slices/one.jsonl,slices/two.jsonl", str(here / "slices" / "*.jsonl"),
        ["slices/two.jsonl", " slices/one.jsonl "], "slices/one.jsonl, slices",
    ]  # fmt: skip
    answers = [report(**{"from": one}) for one in ways]
    assert all(not one.get("failed") and one["totals"] == answers[0]["totals"] for one in answers), answers
    assert answers[0]["totals"]["fails"] == 7 and sorted(os.listdir(here)) == ["slices"]


def test_all_formats_are_written_for_the_owner_alone(here: pathlib.Path) -> None:
    stored(here / "a.jsonl")
    names = "html, json,csv,junit,prometheus,sarif,codeclimate,text"
    answer = report(**{"from": "a.jsonl"}, dest="new/report", formats=names, path="table.txt")
    assert answer["changed"] and set(answer["files"]) == {*names.replace(" ", "").split(","), "table"}
    for path in (here / "new" / "report").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size > 100
    assert sorted(str(one) for one in answer["files"].values()) == sorted(
        map(str, [*(here / "new" / "report").iterdir(), here / "table.txt"])
    )
    assert stat.S_IMODE((here / "table.txt").stat().st_mode) == 0o644
    assert (here / "table.txt").read_text().splitlines() == answer["table"]
    assert answer["msg"] == "5 of 15 hosts can send mail through all of their relays; there is no verdict on 3."
    assert answer["failures"][0]["code"] == "connection_timeout" and answer["failures"][0]["some"] == "h00001, h00002"


@pytest.mark.parametrize("mode, wanted", [("0644", 0o644), ("644", 0o644), (0o640, 0o640), ("0600", 0o600)])
def test_mode(here: pathlib.Path, mode: t.Any, wanted: int) -> None:
    stored(here / "a.jsonl")
    report(**{"from": "a.jsonl"}, dest="out", formats=["prometheus"], mode=mode)
    assert stat.S_IMODE((here / "out" / "metrics.prom").stat().st_mode) == wanted


def test_check_mode_writes_nothing(here: pathlib.Path) -> None:
    stored(here / "a.jsonl")
    answer = act("smtp_report", HOST, check_mode=True, **{"from": "a.jsonl"}, dest="out", path="t.txt")
    assert sorted(answer["files"]) == ["csv", "html", "json", "junit", "prometheus", "table"]
    assert answer["changed"] and os.listdir(here) == ["a.jsonl"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "nothing to report on; write from, or hosts and variable"),
        ({"from": "gone.jsonl"}, "from names 'gone.jsonl', which is no file, folder or pattern of files"),
        ({"from": "empty"}, "from names 'empty', which has no file that ends in .jsonl"),
        ({"from": 7}, "from is '7', which is no list"),
        ({"from": ""}, "from is empty; name the files"),
        ({"from": [" "]}, "from is empty; name the files"),
        ({"from": [7]}, "which is no list"),
        ({"from": "a.jsonl", "before": "gone*"}, "before names 'gone*', which is no file"),
        ({"from": "a.jsonl", "formats": "htm"}, "formats names 'htm', which is no format; write html"),
        ({"from": "a.jsonl", "formats": "pdf"}, "which is no format; write some of html, json, csv"),
        ({"from": "a.jsonl", "mode": "rw"}, "mode is 'rw'; write octal digits"),
        ({"from": "a.jsonl", "mode": "4755"}, "mode is '4755'"),
        ({"from": "a.jsonl", "mode": 640}, "mode is '640'"),
        ({"from": "a.jsonl", "mode": True}, "mode is 'True'"),
        ({"from": "a.jsonl", "dest": "a.jsonl/x"}, "cannot be written (Not a directory); write a folder of yours into dest"),
        ({"from": "a.jsonl", "dest": "blocked"}, "index.html cannot be written (Is a directory)"),
        ({"from": "a.jsonl", "form": "html"}, "form is not an option; write"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_sentence(here: pathlib.Path, options: dict[str, t.Any], words: str) -> None:
    stored(here / "a.jsonl")
    (here / "empty").mkdir()
    (here / "blocked" / "index.html").mkdir(parents=True)
    answer = report(**options)
    assert answer["failed"] and words in answer["msg"] and answer["msg"].count(". ") == 0, answer["msg"]
    assert [one for one in here.rglob("*") if one.name.startswith(".")] == []


def test_lines_that_are_no_records_are_named_and_left_out(here: pathlib.Path) -> None:
    path = stored(here / "a.jsonl")
    with path.open("ab") as file:
        file.write(b"\n{}\nnot json\n\xff\xfe\n[]\n" + b"7\n" * 9 + as_line(RECORDS[0]).encode()[:80])
    answer = report(**{"from": "a.jsonl"}, dest="out")
    assert not answer.get("failed") and answer["totals"]["fails"] == 7
    assert len(answer["warnings"]) == 6 and f"a.jsonl line {len(RECORDS) + 2}: " in answer["warnings"][0]
    assert "9 more lines are no records" in answer["warnings"][-1]
    assert "more lines are no records" in (here / "out" / "index.html").read_text()


def test_a_report_is_replaced_as_a_whole_and_may_be_compared_with_itself(here: pathlib.Path) -> None:
    stored(here / "out" / "records.jsonl")
    (here / "out" / "report.json").write_text("old")
    answer = report(**{"from": "out", "before": "out"}, dest="out", formats="json")
    assert answer["changes"] == {} and json.loads((here / "out" / "report.json").read_text())["changes"] == []
    stored(here / "b.jsonl", small_fleet(plan={**PLAN, "h00000": "filtered", "h00001": "works"}))
    assert report(**{"from": "b.jsonl", "before": "out"})["changes"] == {"broke": 1, "healed": 1}


# -- what the hosts of a play have registered


def registered(**hosts: t.Any) -> dict[str, t.Any]:
    variables = {"hostvars": {name: {"group_names": ["web"], **found} for name, found in hosts.items()}}
    return act("smtp_report", HOST, variables=variables, hosts=list(hosts), variable="gate", dest="out", formats="json")


@pytest.mark.parametrize(
    "gate", [{"probes": "text"}, {"probes": [1]}, {"probes": [{"ok": True}]}, {"probes": {"a": 1}}, {"alternatives": 5}]
)
def test_another_variable_gets_one_sentence(here: pathlib.Path, gate: t.Any) -> None:
    answer = registered(one={"gate": gate})
    assert answer["failed"] and "variable is 'gate', which for one is no result of smtp_gate" in answer["msg"]


def test_a_host_that_is_in_no_inventory_gets_one_sentence(here: pathlib.Path) -> None:
    answer = act("smtp_report", HOST, variables={"hostvars": {}}, hosts=["typo"], variable="gate")
    assert answer["failed"] and "hosts names 'typo', which the inventory does not have" in answer["msg"]


def test_a_report_of_what_was_registered(here: pathlib.Path) -> None:
    probes = {record.host: record.probe for record in RECORDS if record.endpoint and record.endpoint["port"] == 465}
    settings = {"host": "smtp1.example.com", "port": "465", "secure": True, "password": "hunter2"}
    answer = registered(
        works={"gate": {"probes": [probes["h00000"]], "cause": None}, "mail_config_settings": settings},
        fails={
            "gate": {
                "probes": [probes["h00001"], probes["h00004"]],
                "alternatives": [{"port": 587, "secure": False, "security": "starttls", "ok": True, "cause": None}],
            }
        },
        wrong={
            "gate": {"failed": True, "cause": "invalid_settings", "layer": "settings", "msg": "port is 0", "probes": []}
        },
        gone={"gate": {"unreachable": True, "msg": "no route"}, "mail_config_settings": settings},
        nothing={"gate": {"skipped": True}},
        broke={"gate": {"failed": True, "msg": "no Python there"}, "mail_config_settings": settings},
        odd={"gate": "text", "mail_config_settings": {"host": {}, "port": []}},
    )
    assert answer["totals"] == {
        "works": 1,
        "fails": 2,
        "attention": 0,
        "unreachable": 1,
        "not_asked": 2,
        "no_verdict": 1,
        "other_port": 0,
    }
    found = {
        (one["host"], one["subject"]): one for one in json.loads((here / "out" / "report.json").read_text())["verdicts"]
    }
    assert (
        found["gone", "smtp1.example.com:465"]["state"] == "unreachable"
        and found["wrong", None]["cause"] == "invalid_settings"
    )
    assert found["works", "smtp1.example.com:465"]["groups"] == ["web"]
    assert answer["failures"][0]["code"] and "hunter2" not in json.dumps(answer)
    lines = (here / "out" / "records.jsonl").read_text().splitlines(keepends=True)
    again = report_of(map(parse_line, lines))
    assert [row.state for row in again.rows()] == [one["state"] for one in found.values()]
    looked = [probes["h00000"], {**probes["h00001"], "port": 25}]
    assert registered(one={"gate": {"probes": looked}})["totals"]["other_port"] == 1
    assert registered(one={"gate": {"probes": looked, "cause": None}})["totals"]["fails"] == 1

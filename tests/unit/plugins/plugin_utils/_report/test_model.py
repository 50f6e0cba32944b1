# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report keeps of records, and what it says first."""

from __future__ import annotations

import dataclasses
import json
import re
import tracemalloc
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.slices import missing_records
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.causes import (
    fold,
    missing,
    other_ports,
    statements,
    warnings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.chains import leaves
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, Told
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.matrix import Matrix, matrix, short_labels
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, natural
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page_parts import Facts

from tests.support.report_records import PLAN, report_of, small_fleet, without_verdict

RECORDS = small_fleet()


def test_the_latest_record_of_a_host_and_endpoint_counts_whatever_the_order() -> None:
    old = dataclasses.replace(
        RECORDS[0], time="2020-01-01T00:00:00+00:00", ok=False, cause="connection_refused", layer="tcp"
    )
    for order in ([old, RECORDS[0]], [RECORDS[0], old]):
        (row,) = report_of(order).rows()
        assert (row.state, row.cause) == ("works", None)
        assert report_of(order).first == "2020-01-01T00:00:00.000+00:00"


def test_times_of_two_zones_are_compared_as_moments() -> None:
    early = dataclasses.replace(RECORDS[0], time="2026-01-01T12:30:00+02:00", ok=False, cause="x", layer="tcp")
    late = dataclasses.replace(RECORDS[0], time="2026-01-01T11:00:00+00:00")
    (row,) = report_of([early, late]).rows()
    assert row.state == "works"


def test_states() -> None:
    report = report_of(RECORDS)
    found = {report.host(row): row.state for row in report.rows() if row.subject != 1}
    assert found == {
        **{f"h{number:05}": "works" for number in (0, 10, 11)},
        **dict.fromkeys(PLAN, "fails"),
        "h00005": "attention", "h00006": "attention",
        "unreachable-host": "unreachable", "skipped-host": "not_asked", "gate-host": "no_verdict",
    }  # fmt: skip


def test_a_gate_that_went_on_with_another_port_is_seen_and_fails_nothing() -> None:
    selected = {"host": "smtp1.example.com", "port": 587, "secure": False, "security": "starttls"}
    (row,) = report_of([dataclasses.replace(RECORDS[2], selected=selected)]).rows()
    assert (row.state, row.cause) == ("attention", "connection_timeout")


def test_a_host_that_answered_has_no_row_without_an_endpoint() -> None:
    report = report_of(
        [RECORDS[0], dataclasses.replace(without_verdict(RECORDS[0], "skipped"), host="h00000", vantage={})]
    )
    assert [row.state for row in report.rows()] == ["works"]


def test_where_was_asked_from_tells_two_rows_apart() -> None:
    far = dataclasses.replace(RECORDS[0], vantage={**RECORDS[0].vantage, "host": "bastion"})
    boxed = dataclasses.replace(RECORDS[0], vantage={**RECORDS[0].vantage, "container": "web"})
    report = report_of([RECORDS[0], far, boxed])
    assert [report.host(row) for row in report.rows()] == [
        "h00000",
        "h00000 (from bastion)",
        "h00000 (from container web)",
    ]


def test_causes_are_told_once_with_hosts_remedy_evidence_and_what_works() -> None:
    found = {one.code: one for one in statements(report_of(RECORDS))}
    filtered = found["connection_timeout"]
    assert filtered.hosts == ("h00001", "h00002") and filtered.layer == "tcp" and filtered.works_from == 5
    assert filtered.instead == ("port 587 (starttls) works from 2 of 2",)
    assert "dns passed; tcp did not" in filtered.evidence
    assert "until" in " ".join(found["certificate_expired"].evidence)
    assert found["unreachable"].hosts == ("unreachable-host",) and found["unreachable"].remedy
    codes = [one.code for one in statements(report_of(RECORDS))]
    assert codes[0] == "connection_timeout" and set(codes[-3:]) == {"unreachable", "not_asked", "no_verdict"}
    assert {one.code for one in warnings(report_of(RECORDS))} == {"certificate_expiring", "address_unreachable"}


def test_one_cause_of_the_same_hosts_is_told_once_for_all_endpoints() -> None:
    records = small_fleet(endpoints=4)  # smtp1 and smtp2, 465 and 587
    (one,) = (each for each in statements(report_of(records)) if each.code == "connection_timeout")
    assert one.subject == "smtp1.example.com:465, smtp2.example.com:465"


def test_what_is_compared_is_the_latest_of_each() -> None:
    old = dataclasses.replace(RECORDS[0], time="2020-01-01T00:00:00+00:00", ok=False, cause="connection_refused")
    (entry,) = report_of([RECORDS[0], old]).entries.values()
    assert entry.ok and entry.cause is None


def test_what_hosts_have_in_common() -> None:
    faults = {f"h{number:05}": "filtered" for number in range(2, 40, 7)}
    found = report_of(small_fleet(40, 2, faults)).across
    assert any("bluecloud" in one.statement and "465" in one.statement for one in found), found


def test_certificates_by_their_end() -> None:
    found = leaves(report_of(RECORDS))
    assert [one.days_left for one in found] == sorted(one.days_left for one in found) and found[0].days_left < 0
    assert found[-1].subjects == ("smtp1.example.com:465", "smtp1.example.com:587") and found[-1].name == "relay.test"


def test_order_titles_and_labels() -> None:
    report = report_of(RECORDS)
    table = Matrix(report)
    names = [report.sources[one].label for one in table.sources]
    assert names[0] == "h00004" and names[-3:] == ["h00000", "h00010", "h00011"]
    assert (
        Facts(report, table).title
        == "5 of 15 hosts can send mail through all of their relays; there is no verdict on 3"
    )
    empty = Report()
    assert Facts(empty, Matrix(empty)).title == "No host is in this report"
    assert sorted(["a10", "a9", "b1", "a"], key=natural) == ["a", "a9", "a10", "b1"]
    assert short_labels(["a.example:465", "a.example:587"]) == [":465", ":587"]
    assert short_labels(["a.example:465", "b.example:465"]) == ["a:465", "b:465"]
    assert short_labels(["a.one:465", "a.two:465"]) == ["a.one:465", "a.two:465"]
    assert short_labels(["pangolin /etc/x", "a:1"]) == ["pangolin /etc/x", "a:1"]
    assert fold(["a", "b", "c"], 2) == "a, b and 1 more"


def test_a_report_of_a_fleet_is_small() -> None:
    """Ten thousand hosts with five endpoints must not need gigabytes: below 1.2 kB a row, whatever the records hold."""
    one, other = RECORDS[0], RECORDS[2]
    tracemalloc.start()
    try:
        report = Report()
        for number in range(1000):
            report.add(dataclasses.replace(one if number % 2 else other, host=f"host{number}"))
        size, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / 1000 < 1200


def test_a_host_as_a_whole_counts_beside_its_endpoints_until_a_later_run() -> None:
    """Settings that cannot work have no endpoint; a host that cannot be reached today worked yesterday."""
    whole = dataclasses.replace(
        without_verdict(RECORDS[0], "gate"),
        host="h00000",
        vantage=RECORDS[0].vantage,
        ok=False,
        cause="invalid_settings",
    )
    report = report_of([RECORDS[0], whole])
    assert [row.state for row in report.rows()] == ["fails", "works"]
    # One cell for each row, in their order: the page's script counts them.
    cells = "".join(matrix(Matrix(report)))
    assert re.findall("<li class=x-(\\w+)>", cells) == ["other", "works"] and "class=list" in cells
    earlier = dataclasses.replace(whole, run="before", time="2020-01-01T00:00:00+00:00")
    assert [row.state for row in report_of([earlier, RECORDS[0]]).rows()] == ["works"]
    later = dataclasses.replace(whole, run="after", time="2030-01-01T00:00:00+00:00", kind="unreachable", ok=None)
    assert [row.state for row in report_of([RECORDS[0], later]).rows()] == ["unreachable", "works"]


def test_no_title_says_that_a_host_without_a_verdict_cannot_send() -> None:
    silent = [without_verdict(RECORDS[0], kind) for kind in ("unreachable", "skipped", "gate")]
    told = {
        "unreachable-host was not reached": silent[:1],
        "skipped-host was not asked": silent[1:2],
        "gate-host has no verdict": silent[2:],
        "There is no verdict on any of 3 hosts": silent,
        "None of 2 hosts can send mail; there is no verdict on 1": [RECORDS[2], silent[0]],
        "1 of 2 hosts can send mail; there is no verdict on 1": [RECORDS[0], silent[0]],
        "h00000 can send mail": RECORDS[:1],
        # Two relays, and one for each host.
        "1 of 2 hosts can send mail": [RECORDS[0], dataclasses.replace(RECORDS[3], ok=False)],
    }
    for title, records in told.items():
        report = report_of(records)
        assert Facts(report, Matrix(report)).title == title


def test_a_slice_of_which_nothing_came_back_is_named_in_every_output() -> None:
    gone = {f"gone{number:02}": "There is nothing of slice 2 of 3." for number in range(12)}
    gone |= {"gone00": "It has no record.", "h00000": "It has no record."}
    records = list(missing_records(gone, {}, RECORDS[0].time, "run0"))
    report = report_of([*records, *RECORDS])  # h00000 came back after all
    (alone, slice2) = missing(report)
    assert alone == "It has no record. 1 host is missing: gone00."
    assert slice2.startswith("There is nothing of slice 2 of 3. 11 hosts are missing: gone01, gone02, ")
    told = Told(report, None, missing(report))
    outputs = {name: "".join(one.made(told)) for name, one in FORMATS.items()}
    for name in ("html", "json", "text"):
        assert slice2 in outputs[name], name
    assert {one.remedy for one in statements(report) if "slice" in one.message} == {
        "Run this part of the fleet again, and make the report of all files once more."
    }
    head = outputs["html"].partition("</header>")[0]
    assert slice2 in head and alone in head
    # A pipeline does not go on as if the slice had been asked: 12 of these, the host that was not reached, the broken task.
    assert 'errors="14"' in outputs["junit"]


def probed(port: int, ok: bool, host: str = "h1", relay: str = "Smtp.example.com", **more: t.Any) -> Record:
    """A port that somebody looked at."""
    like = next(one for one in RECORDS if one.ok is ok and (ok or one.cause == "connection_timeout"))
    endpoint = {**(like.endpoint or {}), "host": relay, "port": port}
    return dataclasses.replace(
        like, kind="probe", host=host, vantage={**like.vantage, "host": host}, endpoint=endpoint, **more
    )


def test_a_port_that_a_relay_does_not_serve_is_no_broken_host() -> None:
    ports = [probed(465, True), probed(25, False), probed(2525, False, relay="smtp.example.com")]
    none = [probed(465, False, "h2"), probed(25, False, "h2"), probed(587, True, "h2", "other.example.com")]
    told = Told(report_of([*ports, *none]), None, [])
    found = {(told.report.host(row), told.report.subject(row)): row.state for row in told.report.rows()}
    assert found == {
        ("h1", "Smtp.example.com:465"): "works",
        ("h1", "Smtp.example.com:25"): "other_port",
        ("h1", "smtp.example.com:2525"): "other_port",
        ("h2", "Smtp.example.com:465"): "fails",
        ("h2", "Smtp.example.com:25"): "fails",
        ("h2", "other.example.com:587"): "works",
    }
    table = Matrix(told.report)
    assert Facts(told.report, table).title == "1 of 2 hosts can send mail through all of their relays"
    assert [table.report.sources[one].host for one in table.sources] == ["h2", "h1"]
    # What a gate wants has to work, whatever else does.
    wanted = dataclasses.replace(probed(25, False), kind="gate")
    assert [row.state for row in report_of([probed(465, True), wanted]).rows()] == ["works", "fails"]
    assert [one.hosts for one in statements(told.report)] == [("h2",)]
    assert [(one.subject, one.hosts) for one in other_ports(told.report)] == [
        ("Smtp.example.com:25, smtp.example.com:2525", ("h1",))
    ]
    outputs = {name: "".join(one.made(told)) for name, one in FORMATS.items()}
    assert 'failures="2" errors="0" skipped="2"' in outputs["junit"]
    assert (
        outputs["prometheus"].count("mailops_smtp_probe_success{") == 4
        and 'state="other_port"} 2' in outputs["prometheus"]
    )
    results = json.loads(outputs["sarif"])["runs"][0]["results"]
    levels = [one["level"] for one in results if one["ruleId"] == "connection_timeout"]
    assert sorted(levels) == ["error", "error", "note", "note"]
    assert outputs["csv"].count('"other_port"') == 2 and outputs["text"].count("(another port works)") == 2
    assert outputs["text"].count("FAILS") == 2 and "Ports that do not work" in outputs["html"]
    whole = json.loads(outputs["json"])
    assert whole["totals"]["states"]["other_port"] == 2 and len(whole["other_ports"]) == 1


def test_one_host_that_looked_at_several_ports() -> None:
    report = report_of([probed(465, True), probed(25, False)])
    assert Facts(report, Matrix(report)).title == "h1 can send mail"
    report = report_of([probed(465, False), probed(25, False)])
    assert Facts(report, Matrix(report)).title == "h1 cannot send mail"

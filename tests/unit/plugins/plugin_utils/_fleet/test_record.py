# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records go to a line and back unchanged, are judged again to the same verdict, and bad lines get one sentence."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis, keep
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.evidence import basis_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import (
    Record,
    RecordError,
    Unreadable,
    as_line,
    parse_line,
    read_lines,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all

from tests.support.fleet import FAULTS, NO_VERDICT, Endpoint, Fleet, Host, chains_of_a_fleet


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return chains_of_a_fleet(tmp_path_factory.mktemp("chains"))


def test_every_fault_goes_to_a_line_and_back(chains: dict[str, list[str]]) -> None:
    names = [*FAULTS, *NO_VERDICT]
    fleet = Fleet(chains, hosts=len(names), endpoints=2).plant(lambda host, _endpoint: names[int(host.name[1:])])
    records = list(fleet.records())
    lines = [as_line(record) for record in records]
    assert all(line.isascii() and line.count("\n") == 1 and line.endswith("\n") for line in lines)
    back = [parse_line(line) for line in lines]
    assert back == [parse_line(as_line(one)) for one in back]
    assert [json.loads(as_line(one)) for one in back] == [json.loads(line) for line in lines]
    assert {one.state for one in back} == {"asked", "unreachable", "skipped", "not_asked"}
    for record in back:
        basis = basis_of(record)
        assert (basis is None) == (record.probe is None)
        if basis is None:
            continue
        again = judge_all([basis.settings], [basis.observation], basis.policy, basis.host)[0]
        assert (again.probe["ok"], again.probe["cause"]) == (record.ok, record.cause)
        assert again.probe["findings"] == list(record.findings)
        pems = [one["pem"] for one in record.probe["certificates"]] if record.probe else []
        assert all(pem.startswith("-----BEGIN CERTIFICATE-----\n") for pem in pems)


def test_no_login_is_kept(chains: dict[str, list[str]]) -> None:
    fleet = Fleet(chains, hosts=1)
    (record,) = fleet.records()
    basis = basis_of(record)
    assert basis is not None
    given = {"username": "tok3n-1", "password": "s3cret", "host": "relay.test", "port": 587, "security": "starttls"}
    kept = keep(basis._replace(settings=parse_settings(given, probed=True)))
    assert "tok3n-1" not in json.dumps(kept) and "s3cret" not in json.dumps(kept)
    assert kept["settings"]["login"] is True and "password" not in kept["settings"]
    again = basis_of(parse_line(as_line(Record(**{**vars(record), **kept}))))
    assert again is not None and again.settings.username is not None
    assert isinstance(again, Basis) and again.policy == Policy()


GOOD: dict[str, t.Any] = {
    "format": 1, "time": "2026-11-29T21:00:00Z", "host": "web1", "groups": ["web"], "task": "Ask", "kind": "gate",
    "endpoint": {"host": "relay.test", "port": 465, "security": "implicit_tls"}, "vantage": {"host": "web1"},
    "ok": False, "layer": "tcp", "cause": "connection_refused", "message": "No.", "remedy": "Do.", "alternatives": [],
    "findings": [], "probe": None,
}  # fmt: skip


def test_what_the_contract_names_is_enough() -> None:
    record = parse_line(json.dumps(GOOD) + "\n")
    assert (record.state, record.subject, record.groups) == ("asked", "relay.test:465", ("web",))
    assert record.key == ("web1", "web1", "", "relay.test:465") and record.when.hour == 21
    assert parse_line(json.dumps({**GOOD, "something_new": 1})) == record
    assert parse_line(json.dumps({**GOOD, "ok": None})).state == "failed"


PROBE: dict[str, t.Any] = {
    "host": "x", "port": 25, "security": "cleartext", "ok": True, "addresses": [], "layers": [], "tls": {},
    "capabilities": {"before_tls": {}, "after_tls": {}}, "certificates": [], "chain_available": False, "findings": [],
    "elapsed_ms": 1,
}  # fmt: skip
BAD = [
    ({"format": None}, "no format number"),
    ({"format": 0}, "has format '0', and this release of mailops.smtp reads 1; run the playbook again."),
    ({"format": 2}, "read it with the release that wrote it"),
    ({"format": True}, "format is no number"),
    ({"format": "1"}, "format is no number"),
    ({"time": "yesterday"}, "time is 'yesterday', and no ISO 8601 time with its zone"),
    ({"time": "2026-11-29T21:00:00"}, "time is"),
    ({"time": "0001-01-01T00:00:00+10:00"}, "time is"),
    ({"time": "9999-12-31T23:59:59-10:00"}, "time is"),
    ({"probe": {**PROBE, "elapsed_ms": 10**400}}, "without end"),
    ({"probe": {**PROBE, "layers": [{"layer": "tcp", "ok": True, "ms": -(10**400)}]}}, "without end"),
    ({"kind": "guess"}, "kind is 'guess', and not one of gate, probe"),
    ({"host": 5}, "host is '5', and not a text"),
    ({"groups": ["a", 1]}, "groups[1] is '1', and not a text"),
    ({"endpoint": {"host": "x"}}, "endpoint.port is missing"),
    ({"endpoint": {"host": "x", "port": 70000, "security": "starttls"}}, "endpoint.port is '70000'"),
    ({"endpoint": {"host": "x", "port": True, "security": "starttls"}}, "endpoint.port is 'True'"),
    ({"findings": [{"code": 1}]}, "findings[0].severity is missing"),
    ({"probe": {}}, "probe.host is missing"),
    ({"evidence": {"observation": []}}, "evidence.observation is '[]', and not an object"),
    (
        {
            "evidence": {
                "observation": {},
                "clock": 1e30,
                "skew": 0,
                "trust_store_empty": False,
                "ca_subjects": {},
            }
        },
        "without end",
    ),
]


@pytest.mark.parametrize("change, words", BAD)
def test_bad_lines_get_one_sentence(change: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_line(json.dumps({**GOOD, **change}) + "\n")
    assert words in str(caught.value) and str(caught.value).count(". ") == 0 and "\n" not in str(caught.value)


def test_files_are_read_past_what_is_no_record() -> None:
    good = json.dumps(GOOD).encode()
    lines = [
        b"\n",
        good + b"\n",
        b"[1]\n",
        b"not json\n",
        b"\xff\xfe\n",
        b"[" * 100000 + b"\n",
        b'{"a": NaN}\n',
        good[:50],
    ]
    found = list(read_lines(lines))
    assert isinstance(found[0], Record)
    wrong = [one for one in found if isinstance(one, Unreadable)]
    assert [one.number for one in wrong] == [3, 4, 5, 6, 7, 8]
    assert "no JSON object" in wrong[0].sentence and "It is no JSON" in wrong[1].sentence
    assert "not whole" in wrong[-1].sentence


def test_what_strangers_said_is_printable() -> None:
    record = parse_line(json.dumps({**GOOD, "message": "a\u202eb\x1b[31m\n<script>", "host": "w\u2028"}) + "\n")
    assert record.message == "a\\u202eb\\x1b[31m\\n<script>" and record.host == "w\\u2028"
    assert as_line(record).count("\n") == 1


def test_hosts_of_a_fleet_are_planted_as_said(chains: dict[str, list[str]]) -> None:
    fleet = Fleet(chains, hosts=4).plant(lambda host, _endpoint: "filtered" if "web" in host.groups else None)
    assert [(one.cause, [port["port"] for port in one.alternatives if port["ok"]]) for one in fleet.records()] == [
        (None, []),
        ("connection_timeout", [587]),
        (None, []),
        ("connection_timeout", [587]),
    ]
    assert isinstance(fleet.hosts[0], Host) and isinstance(fleet.endpoints[0], Endpoint)

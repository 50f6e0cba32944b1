# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the end of a run."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally

from tests.support.fleet import Endpoint, Fleet, Host, chains_of_a_fleet


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return chains_of_a_fleet(tmp_path_factory.mktemp("chains"))


def test_hosts_by_verdict_and_each_cause_once(chains: dict[str, list[str]]) -> None:
    def plan(host: Host, endpoint: Endpoint) -> str | None:
        number = int(host.name[1:])
        if number < 30:
            return "filtered" if endpoint.port == 465 else None
        return {30: "wrong clock", 31: "unreachable", 32: "skipped", 33: "not_asked"}.get(number)

    tally = Tally()
    assert not tally and list(tally.lines()) == []
    records = list(Fleet(chains, hosts=40, endpoints=2).plant(plan).records())
    for record in records:
        tally.add(record)
    assert tally.counts() == {"fails": 31, "works": 6, "unreachable": 1, "skipped": 1, "not_asked": 1}
    text = "\n".join(tally.lines())
    assert "mail does not work              31  h00000, h00001" in text and "and 23 more" in text
    assert text.count("connection_timeout (tcp): 30 hosts, at smtp1.example.com:465: h00000") == 1
    assert "port 587 (secure: false) works from 30 of 30 hosts" in text
    assert "certificate_not_yet_valid (certificate): 1 host, at smtp1.example.com:465, smtp1.example.com:587" in text
    assert max(map(len, text.splitlines())) <= 100
    # What is asked again later counts in place of what was found before.
    again = [dataclasses.replace(one, ok=True, cause=None, layer=None) for one in records if one.cause]
    for record in again:
        tally.add(record)
    assert tally.counts()["works"] == 37 and "connection_timeout" not in "\n".join(tally.lines())
    tally.close()


def test_hosts_that_were_to_be_asked_and_have_no_record() -> None:
    tally = Tally()
    names = [f"h{number:04}" for number in range(450)]
    tally.expect(names)
    tally.note("h0001", "unreachable", "Ask", "no route")
    tally.note("h0002", "skipped", "Ask", "")
    tally.add(Record(time="2026-11-29T21:00:00+00:00", kind="gate", host="h0003", ok=True))
    found = []
    for row in tally.missing():
        found.append(row)
        # As the callback does, while it goes through them.
        tally.add(Record(time="2026-11-29T21:00:00+00:00", kind=row[1] or "not_asked", host=row[0]))
    assert [row[0] for row in found] == [name for name in names if name != "h0003"]
    assert found[1] == ("h0001", "unreachable", "Ask", "no route") and found[0] == ("h0000", None, None, None)
    assert tally.counts() == {"works": 1, "unreachable": 1, "skipped": 1, "not_asked": 447}
    assert list(tally.missing()) == []


def test_another_port_is_a_pass_of_its_own_kind_and_words_of_strangers_are_printable() -> None:
    tally = Tally()
    shared = Record(time="2026-11-29T21:00:00+00:00", kind="gate", host="a", ok=False, cause="connection_timeout")
    selected = {"host": "r", "port": 587, "secure": False, "security": "starttls"}
    tally.add(dataclasses.replace(shared, selected=selected))
    tally.add(dataclasses.replace(shared, host="b", ok=None, message="broke"))
    tally.add(dataclasses.replace(shared, host="c\x1b[2J", message="said \u202e\x07"))
    assert tally.counts() == {"other_port": 1, "broken": 1, "fails": 1}
    text = "\n".join(tally.lines())
    assert "\x1b" not in text and "\u202e" not in text and "c\\x1b[2J" in text


def test_what_a_host_came_to_in_an_earlier_run_is_over() -> None:
    """One file holds many runs. A host that was not reached yesterday and works today works."""
    where = {"host": "x", "port": 25, "security": "starttls", "server_name": None, "ip_version": None}
    old = [
        Record(time="2026-11-28T21:00:00+00:00", run="1", kind="unreachable", host="away"),
        Record(
            time="2026-11-28T21:00:00+00:00", run="1", kind="gate", host="wrong", ok=False, cause="invalid_settings"
        ),
        Record(time="2026-11-28T21:00:00+00:00", run="1", kind="gate", host="lost", ok=True, endpoint=where),
    ]
    new = [
        Record(time="2026-11-29T21:00:00+00:00", run="2", kind="gate", host="away", ok=True, endpoint=where),
        Record(time="2026-11-29T21:00:00+00:00", run="2", kind="gate", host="wrong", ok=True, endpoint=where),
        Record(time="2026-11-29T21:00:00+00:00", run="2", kind="unreachable", host="lost"),
        Record(time="2026-11-29T21:00:00+00:00", run="2", kind="gate", host="both", ok=False, cause="invalid_settings"),
        Record(time="2026-11-29T21:00:01+00:00", run="2", kind="gate", host="both", ok=True, endpoint=where),
    ]
    tally = Tally()
    for record in (*old, *new):
        tally.add(record)
    assert tally.counts() == {"works": 2, "unreachable": 1, "fails": 1}
    assert "away" in next(line for line in tally.lines() if line.startswith("mail works"))
    tally.close()


def test_one_cause_at_two_layers_counts_each_host_once() -> None:
    tally = Tally()
    for host, layer in (("a", "tls"), ("b", "mode"), ("c", "mode")):
        record = Record(time="2026-11-28T21:00:00+00:00", kind="gate", host=host, ok=False, cause="c", layer=layer)
        tally.add(record)
    lines = list(tally.lines())
    assert "c (mode): 2 hosts: b, c" in lines and "c (tls): 1 host: a" in lines
    tally.close()


def test_a_probe_of_several_ports_fails_where_none_works() -> None:
    """The playbook probe looks at 465, 587, 2525 and 25, of which a healthy relay has two."""

    def seen(host: str, kind: str, relay: str, port: int, ok: bool) -> Record:
        endpoint = {"host": relay, "port": port, "security": "auto"}
        cause = None if ok else "connection_refused"
        return Record("2026-11-29T21:00:00+00:00", kind, host, ok=ok, cause=cause, layer="tcp", endpoint=endpoint)

    tally = Tally()
    for record in (
        *(seen("healthy", "probe", "relay.test", port, port in (465, 587)) for port in (465, 587, 2525, 25)),
        *(seen("closed", "probe", "relay.test", port, False) for port in (465, 587)),
        *(seen("another", "probe", f"{port}.relay.test", port, port == 465) for port in (465, 587)),
        # A gate asks for what has to work.
        *(seen("gated", "gate", "relay.test", port, port == 465) for port in (465, 587)),
    ):
        tally.add(record)
    assert tally.counts() == {"other_port": 1, "fails": 3}
    lines = list(tally.lines())
    assert "mail works on another port       1  healthy" in lines
    assert any(line.startswith("connection_refused (tcp): 4 hosts") for line in lines)
    tally.close()

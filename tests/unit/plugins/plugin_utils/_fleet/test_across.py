# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that several hosts share: planted ones are found, with noise and confounders beside them, and nothing is overstated."""

from __future__ import annotations

import dataclasses
import datetime
import random
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import Statement, across
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.cohorts import splits
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

from tests.support.fleet import NOW, Endpoint, Fleet, Host, chains_of_a_fleet

Plan = Callable[[Host, Endpoint], str | None]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return chains_of_a_fleet(tmp_path_factory.mktemp("chains"))


def number(host: Host) -> int:
    return int(host.name[1:])


def blue(host: Host) -> bool:
    return host.variables.get("provider") == "bluecloud"


def codes(found: list[Statement]) -> list[str]:
    return [one.code for one in found]


def only(found: list[Statement], code: str) -> Statement:
    (one,) = [one for one in found if one.code == code]
    return one


def made(chains: dict[str, list[str]], plan: Plan, hosts: int = 40, endpoints: int = 2) -> list[Record]:
    return list(Fleet(chains, hosts, endpoints).plant(plan).records())


# -- planted causes


def test_a_healthy_fleet_has_no_statement(chains: dict[str, list[str]]) -> None:
    assert across(made(chains, lambda _h, _e: None)) == []
    assert across([]) == []


def test_a_provider_that_filters_465(chains: dict[str, list[str]]) -> None:
    records = made(chains, lambda h, e: "filtered" if blue(h) and e.port == 465 else None, endpoints=4)
    (found,) = across(records)
    assert (found.code, found.confidence, found.cohort) == (
        "outbound_filter",
        "high",
        {"kind": "provider", "name": "bluecloud"},
    )
    assert found.hosts == tuple(sorted({r.host for r in records if r.variables["provider"] == "bluecloud"}))
    assert found.contradicted_by == () and found.endpoints == ("smtp1.example.com:465", "smtp2.example.com:465")
    assert "while port 587 works from 6 of them" in found.statement and "587" in found.remedy
    assert "almost certainly" in found.statement


def test_a_filter_with_hosts_that_contradict_it_and_noise(chains: dict[str, list[str]]) -> None:
    chance = random.Random(5)
    noise = {n: chance.choice(["refused", "reset", None, None, None, None, None, None]) for n in range(210)}

    def plan(host: Host, endpoint: Endpoint) -> str | None:
        if blue(host) and endpoint.port == 465 and number(host) not in (2, 9):
            return "filtered"
        return noise[number(host)] if endpoint.port == 465 and not blue(host) and number(host) % 5 == 0 else None

    found = [one for one in across(made(chains, plan, hosts=210)) if one.code == "outbound_filter"]
    assert found[0].cohort == {"kind": "provider", "name": "bluecloud"} and found[0].confidence == "high"
    assert found[0].contradicted_by == ("h00002", "h00009") and "h00002" not in found[0].hosts
    assert len(found) == 1


def test_two_data_centres_with_an_exception_each(chains: dict[str, list[str]]) -> None:
    """The exception of the one is of the other provider; that makes no statement on a provider."""
    plan: Plan = lambda h, e: "filtered" if h.variables["datacenter"] != "dc1" and number(h) not in (0, 2) else None  # noqa: E731
    found = across(made(chains, plan, hosts=90, endpoints=1))
    told = [(one.code, (one.cohort or {}).get("name"), one.contradicted_by) for one in found]
    assert sorted(told) == [("outbound_filter", "dc0", ("h00000",)), ("outbound_filter", "dc2", ("h00002",))]


def test_noise_alone_makes_no_group(chains: dict[str, list[str]]) -> None:
    for seed in range(5):
        chance = random.Random(seed)
        bad = {n for n in range(100) if chance.random() < 0.1}
        found = across(made(chains, lambda h, _e, bad=bad: "filtered, no other" if number(h) in bad else None, 100, 1))
        assert [one for one in found if one.cohort and one.confidence != "low"] == []


def test_one_host_with_its_own_firewall(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda h, _e: "own firewall" if number(h) == 7 else None))
    assert (found.code, found.confidence, found.hosts) == ("host_firewall", "high", ("h00007",))
    (found,) = across(made(chains, lambda h, _e: "filtered, no other" if number(h) == 7 else None))
    assert (found.code, found.confidence, found.hosts) == ("host_firewall", "medium", ("h00007",))
    # A rule that was rolled out to a group is no network's filter.
    (found,) = across(made(chains, lambda h, _e: "own firewall" if "rack3" in h.groups else None, endpoints=1))
    assert found.code == "outbound_filter" and "The hosts' own firewalls" in found.statement


def test_the_relay_and_its_name(chains: dict[str, list[str]]) -> None:
    found = across(made(chains, lambda _h, e: "refused" if e.host == "smtp2.example.com" else None, endpoints=4))
    assert [(one.code, one.confidence) for one in found] == [("relay_fault", "high")]
    assert "reach smtp2.example.com:465 and smtp2.example.com:587" in found[0].statement
    assert "reach ports 465 and 587 of other relays" in found[0].statement
    found = across(made(chains, lambda _h, e: "relay unknown" if e.host == "smtp2.example.com" else None, endpoints=4))
    assert [(one.code, one.confidence) for one in found] == [("relay_dns", "high")]
    (found_one,) = across(made(chains, lambda _h, _e: "expired", endpoints=1))
    assert (found_one.code, found_one.confidence) == (
        "relay_fault",
        "high",
    ) and "certificate_expired" in found_one.statement


def test_name_servers_of_a_group(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda h, _e: "resolver dead" if "rack4" in h.groups else None))
    assert found.code == "group_resolver" and found.cohort == {"kind": "group", "name": "rack4"}


def test_one_address_and_ipv6(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda _h, _e: "one address dead", endpoints=1))
    assert (found.code, found.confidence) == ("address_down", "high") and "192.0.2.2" in found.statement
    found_all = across(made(chains, lambda h, _e: "no ipv6" if "rack9" in h.groups else "ipv6 works", endpoints=2))
    one = only(found_all, "ipv6_broken")
    assert one.cohort == {"kind": "group", "name": "rack9"} and "address_down" not in codes(found_all)
    assert one.confidence == "high"
    # Nobody reaches IPv6: it may be the hosts or the relay.
    one = only(across(made(chains, lambda _h, _e: "no ipv6", endpoints=1)), "ipv6_broken")
    assert one.confidence == "low" and "or" in one.statement


def test_a_trust_store_that_differs_is_named(chains: dict[str, list[str]]) -> None:
    found = only(
        across(made(chains, lambda h, _e: "empty store" if "legacy" in h.groups else None, 160)), "trust_store_differs"
    )
    assert found.cohort == {"kind": "group", "name": "legacy"} and "is empty on 4 hosts" in found.statement
    assert found.hosts == ("h00003", "h00053", "h00103", "h00153") and "h00003" in found.statement
    # A CA that nobody trusts is the relay's.
    assert codes(across(made(chains, lambda _h, _e: "untrusted", endpoints=1))) == ["relay_fault"]


def test_wrong_clocks(chains: dict[str, list[str]]) -> None:
    found = across(made(chains, lambda h, _e: "wrong clock" if number(h) in (5, 21) else None))
    assert codes(found) == ["clock_wrong"] and found[0].hosts == ("h00005", "h00021")
    assert "400 days behind" in found[0].statement and found[0].confidence == "high"
    found = across(made(chains, lambda _h, _e: "wrong clock"))
    assert codes(found)[0] == "controller_clock"


def test_a_relay_that_pushes_back(chains: dict[str, list[str]]) -> None:
    found = across(made(chains, lambda h, _e: "too many" if number(h) % 3 == 0 else None, endpoints=1))
    assert codes(found) == ["relay_limit"] and found[0].confidence == "high"

    # Resets that come with the number of connections: the first and the last hosts come one by one.
    records = made(chains, lambda h, _e: "reset" if 10 <= number(h) < 30 else None, endpoints=1)
    spread = []
    for record in records:
        place = int(record.host[1:])
        seconds = 100.0 if 10 <= place < 30 else place * 10.0 + 200
        spread.append(dataclasses.replace(record, time=(NOW + datetime.timedelta(seconds=seconds)).isoformat()))
    found = across(spread)
    assert codes(found) == ["relay_limit"] and found[0].confidence == "medium" and len(found[0].hosts) == 20
    # The same resets for one group at any time are a filter.
    found = across(made(chains, lambda h, _e: "reset" if blue(h) else None, endpoints=1))
    assert codes(found) == ["outbound_filter"]


def test_a_certificate_that_was_renewed_in_between(chains: dict[str, list[str]]) -> None:
    records = made(chains, lambda h, _e: "renewed" if number(h) >= 25 else None, endpoints=1)
    found = only(across(records), "certificate_renewed")
    assert found.confidence == "high" and len(found.hosts) == 40 and len(found.evidence) == 2
    mixed = across(made(chains, lambda h, _e: "renewed" if blue(h) else None, endpoints=1))
    assert codes(mixed) == ["certificate_differs"] and mixed[0].cohort == {"kind": "provider", "name": "bluecloud"}


def test_the_same_mistake_in_an_app(chains: dict[str, list[str]]) -> None:
    wrong = {
        "severity": "error",
        "code": "mode_mismatch",
        "message": "Port 465 and secure: false.",
        "remedy": "Set it.",
    }
    records = [
        Record(
            time=NOW.isoformat(), kind="audit", host=f"h{n}", groups=("web",) if n < 8 else ("db",), ok=n >= 8,
            vantage={"host": f"h{n}", "container": None, "addresses": []}, findings=(wrong,) if n < 8 else (),
            app={"app": "pangolin", "path": "/opt/config.yml", "form": "file", "carrier": None, "service": None},
        )
        for n in range(10)
    ]  # fmt: skip
    (found,) = across(records)
    assert (found.code, found.confidence, len(found.hosts)) == ("same_setting", "high", 8)
    assert "pangolin" in found.statement and found.cohort == {"kind": "group", "name": "web"}
    assert across(records[:1] + records[8:]) == []


# -- confounders


def test_everybody_in_one_group_proves_nothing_about_the_group(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda _h, _e: "filtered", endpoints=1))
    assert found.confidence == "low" and "or the relay does not serve that port" in found.statement
    # Two relays that behave alike make it likelier that it is not the relays.
    (found,) = across(made(chains, lambda _h, e: "filtered" if e.port == 465 else None, endpoints=4))
    assert (found.code, found.confidence) == ("outbound_filter", "medium")


def test_each_group_has_a_relay_of_its_own(chains: dict[str, list[str]]) -> None:
    """Nobody else asked that relay, so it may be the relay as well as the group."""
    records = [
        record
        for record in made(chains, lambda h, e: "filtered" if blue(h) and e.port == 465 else None, endpoints=4)
        if (record.variables["provider"] == "bluecloud") == (record.subject.startswith("smtp1"))
    ]
    (found,) = across(records)
    assert found.confidence == "low" and found.endpoints == ("smtp1.example.com:465",)


def test_of_nested_groups_the_one_that_fits_is_named(chains: dict[str, list[str]]) -> None:
    def nested(record: Record) -> Record:
        place = int(record.host[1:])
        groups = ("outer", *(("inner",) if place < 10 else ()), *(("both",) if place in (3, 15) else ()))
        return dataclasses.replace(record, groups=groups if place < 20 else ("other",), variables={})

    inner = [nested(one) for one in made(chains, lambda h, _e: "filtered" if number(h) < 10 else None, endpoints=1)]
    (found,) = across(inner)
    assert found.cohort == {"kind": "group", "name": "inner"} and len(found.hosts) == 10
    outer = [nested(one) for one in made(chains, lambda h, _e: "filtered" if number(h) < 20 else None, endpoints=1)]
    (found,) = across(outer)
    assert found.cohort == {"kind": "group", "name": "outer"} and len(found.hosts) == 20


def test_two_groups_with_the_same_fault_are_two_statements(chains: dict[str, list[str]]) -> None:
    found = across(made(chains, lambda h, _e: "filtered" if {"rack2", "rack5"} & set(h.groups) else None, 100, 1))
    assert [one.cohort for one in found] == [{"kind": "group", "name": f"rack{n}"} for n in (2, 5)]


def test_groups_with_the_same_hosts_are_named_together(chains: dict[str, list[str]]) -> None:
    records = [
        dataclasses.replace(one, groups=(*one.groups, "blue_hosts"))
        if one.variables["provider"] == "bluecloud"
        else one
        for one in made(chains, lambda h, _e: "filtered" if blue(h) else None, endpoints=1)
    ]
    (found,) = across(records)
    assert "the same hosts: group blue_hosts" in found.statement


def test_two_names_of_one_machine_are_one_witness(chains: dict[str, list[str]]) -> None:
    records = made(chains, lambda _h, _e: "refused", hosts=2, endpoints=1)
    assert codes(across(records)) == ["relay_fault"]
    same = {"host": "h00000", "container": None, "addresses": ["10.0.0.5"]}
    assert across([dataclasses.replace(one, vantage=same) for one in records]) == []
    alike: dict[str, t.Any] = {"container": None, "addresses": ["10.9.9.9"]}
    assert across([dataclasses.replace(one, vantage={"host": one.host, **alike}) for one in records]) == []
    assert across(records[:1]) == []
    # With connection: local each of them is the controller.
    assert across([dataclasses.replace(one, vantage={**one.vantage, "local": True}) for one in records]) == []
    boxes = [dataclasses.replace(one, vantage={**one.vantage, "container": "app"}) for one in records]
    assert across(boxes) == []


def test_hosts_that_were_not_asked_count_on_no_side(chains: dict[str, list[str]]) -> None:
    def plan(host: Host, _endpoint: Endpoint) -> str | None:
        if blue(host):
            return "unreachable" if number(host) in (2, 9) else "filtered"
        return "not_asked" if number(host) % 2 else None

    (found,) = across(made(chains, plan, endpoints=1))
    assert found.contradicted_by == () and not {"h00002", "h00009"} & set(found.hosts)


def test_the_whole_default_fleet(chains: dict[str, list[str]]) -> None:
    found = across(Fleet(chains, 200, 8).records())
    assert set(codes(found)) >= {"outbound_filter", "ipv6_broken", "clock_wrong", "trust_store_differs", "relay_limit"}
    assert only(found, "outbound_filter").cohort == {"kind": "provider", "name": "bluecloud"}
    assert all(len(one.hosts) + len(one.contradicted_by) >= 1 and one.statement.endswith(".") for one in found)
    assert [one.as_dict() for one in found]
    text = " ".join(one.statement for one in found)
    assert not any(wrong in text for wrong in ("1 others", "1 host were", "behind of", "1 host agree"))


def test_records_of_another_release_break_nothing(chains: dict[str, list[str]]) -> None:
    """Causes that this release does not know, and evidence in another form."""
    records = made(chains, lambda _h, _e: "expired", hosts=3, endpoints=1)
    later = [dataclasses.replace(one, cause="quantum_required") for one in records]
    (found,) = across(later)
    assert "quantum_required" in found.statement and found.layer == "transaction"
    for attempts in (7, [1, None], [{"failure": "x"}], {"a": 1}):
        odd = [
            dataclasses.replace(one, evidence={**(one.evidence or {}), "observation": {"attempts": attempts}})
            for one in records
        ]
        assert codes(across(odd)) == ["relay_fault"]


# -- nothing is said more surely, or of more hosts, than was seen


def renamed(records: list[Record], host: str) -> list[Record]:
    """The same with another relay."""
    return [
        dataclasses.replace(
            one,
            endpoint={**(one.endpoint or {}), "host": host},
            probe={**(one.probe or {}), "host": host},
        )
        for one in records
    ]


def on_port(records: list[Record], port: int) -> list[Record]:
    return [one for one in records if (one.endpoint or {})["port"] == port]


def test_where_names_share_a_machine_the_sentence_tells_both_numbers(chains: dict[str, list[str]]) -> None:
    records = made(chains, lambda _h, _e: "expired", hosts=9, endpoints=1)
    same = [
        dataclasses.replace(one, vantage={**one.vantage, "addresses": [f"10.0.{int(one.host[1:]) % 3}.1"]})
        for one in records
    ]
    (found,) = across(same)
    assert len(found.hosts) == 9 and "3 of 3 hosts" in found.statement
    assert "by machines; the inventory has 9 hosts" in found.statement
    assert "inventory" not in across(records)[0].statement
    # Of many wrong clocks some names are shown, and the right number of others.
    skewed = made(chains, lambda h, _e: "wrong clock" if number(h) < 8 else None, hosts=20, endpoints=1)
    paired = [
        dataclasses.replace(one, vantage={**one.vantage, "addresses": [f"10.1.0.{int(one.host[1:]) // 2}"]})
        for one in skewed
    ]
    found = only(across(paired), "clock_wrong")
    assert "on 4 hosts (h00000, h00001, h00002, h00003, h00004 and 3 more" in found.statement


def test_what_runs_on_each_machine_itself_is_no_relay_of_all(chains: dict[str, list[str]]) -> None:
    records = made(chains, lambda _h, _e: "refused", hosts=6, endpoints=1)
    for local in ("127.0.0.1", "::1", "localhost", "smtp.localhost.", "127.8.9.1"):
        assert across(renamed(records, local)) == []
    assert codes(across(renamed(records, "localhost.example.com"))) == ["relay_fault"]


def test_other_ports_of_other_relays_do_not_convict_a_relay(chains: dict[str, list[str]]) -> None:
    """A provider that closes a port to everybody leaves the others open."""
    silent = on_port(made(chains, lambda _h, _e: "filtered, no other", endpoints=1), 465)
    works = renamed(on_port(made(chains, lambda _h, _e: None, endpoints=2), 587), "other.example.com")
    (found,) = [one for one in across([*silent, *works]) if "smtp1.example.com:465" in one.endpoints]
    assert found.confidence == "low" and "none at port 465" in found.statement and "a filter" in found.statement


def test_one_relay_alone_does_not_tell_whose_filter_it_is(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda h, _e: "filtered, no other" if blue(h) else None, endpoints=1))
    assert "or one of smtp1.example.com against them" in found.statement and "refuses these hosts" in found.remedy
    # With the port of a second relay closed as well it is on their side.
    (found,) = across(
        made(chains, lambda h, e: "filtered, no other" if blue(h) and e.port == 465 else None, endpoints=4)
    )
    assert "against them" not in found.statement


@pytest.mark.parametrize(
    "cause, layer, words",
    [
        ("certificate_untrusted", "certificate", "lack its CA"),
        ("certificate_name_mismatch", "certificate", "the name by which"),
        ("starttls_not_offered", "starttls", "a firewall that all of them are behind"),
        ("greeting_rejected", "greeting", "refuse an address"),
        ("sender_rejected", "transaction", "the sender or recipient"),
    ],
)
def test_where_it_need_not_be_the_relay_the_other_is_named(
    chains: dict[str, list[str]], cause: str, layer: str, words: str
) -> None:
    records = [
        dataclasses.replace(one, cause=cause, layer=layer)
        for one in made(chains, lambda _h, _e: "expired", hosts=12, endpoints=1)
    ]
    (found,) = across(records)
    assert found.confidence == "medium" and words in found.statement and "no host has to be changed" not in found.remedy


def test_one_machine_that_saw_two_certificates_is_no_statement(chains: dict[str, list[str]]) -> None:
    (old,), (new,) = (made(chains, lambda _h, _e, plan=plan: plan, hosts=1, endpoints=1) for plan in (None, "renewed"))
    later = dataclasses.replace(
        new,
        time=(NOW + datetime.timedelta(hours=1)).isoformat(),
        endpoint={**(new.endpoint or {}), "security": "starttls"},
    )
    assert across([old, later]) == []
    elsewhere = dataclasses.replace(later, host="h2", vantage={"host": "h2", "container": None, "addresses": []})
    assert codes(across([old, elsewhere])) == ["certificate_renewed"]


def test_sentences_on_one_host_are_english(chains: dict[str, list[str]]) -> None:
    found = across(made(chains, lambda h, _e: "wrong clock" if number(h) == 1 else None, hosts=3, endpoints=1))
    assert "behind the controller's" in found[0].statement
    (single,) = [one for one in found if one.code == "clock_wrong"]
    assert "wrong on 1 host (h00001)" in single.statement and "that of 2 hosts" in single.statement


def test_a_port_that_relays_do_not_serve_is_no_filter(chains: dict[str, list[str]]) -> None:
    def moved(plan: str, port: int) -> list[Record]:
        """Two relays with this fault at that port, and 587 open."""
        found = made(chains, lambda _h, e: plan if e.port == 465 else None, endpoints=4)
        return [
            dataclasses.replace(one, endpoint={**(one.endpoint or {}), "port": port})
            if one.subject.endswith("465")
            else one
            for one in found
        ]

    assert {one.code for one in across(moved("refused", 2525))} == {"relay_fault"}
    (silent,) = across(moved("filtered", 2525))
    assert silent.confidence == "low" and "Or none of these relays serves that port." in silent.statement
    (usual,) = across(moved("filtered", 465))
    assert (usual.code, usual.confidence) == ("outbound_filter", "medium")


def test_a_relay_that_tells_everybody_to_come_later_may_be_in_trouble(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda _h, _e: "too many", hosts=8, endpoints=1))
    assert (found.code, found.confidence) == ("relay_limit", "low") and "out of service" in found.statement


@pytest.mark.parametrize(
    "well, cohort, confidence",
    [
        (range(0, 30, 3), ("everything outside of datacenter", "dc0"), "high"),
        (range(3, 30, 10), ("everything outside of group", "rack3"), "high"),
        # One that works and is not in it speaks against it.
        ([3, 9, 13, 23], ("everything outside of group", "rack3"), "medium"),
        # One of three that does not: nothing is outside of nothing.
        ([3, 13], None, None),
        ([3], None, None),
    ],
)
def test_where_one_cohort_alone_is_spared(well: t.Sequence[int], cohort: object, confidence: object) -> None:
    cohorts = {f"h{n}": frozenset({("group", f"rack{n % 10}"), ("datacenter", f"dc{n % 3}")}) for n in range(30)}
    works = {f"h{n}" for n in well}
    found = list(splits(cohorts.keys() - works, works, cohorts))
    assert [(one.cohort, one.confidence) for one in found] == ([(cohort, confidence)] if cohort else [])
    assert all((one.inside, one.spared | one.well) == (cohorts.keys() - works, works) for one in found)
    assert [one.spared for one in found] == [
        {"h9"} & works - {f"h{n}" for n in range(0, 30, 3) if cohort == ("everything outside of datacenter", "dc0")}
    ] * len(found)


# Groups (and data centres) by the host's number, which hosts reach the relay; cohort, confidence, who speaks against it, what is named.
STRAYS: list[tuple[str, int, dict[str, t.Iterable[int]], t.Iterable[int], str, str, list[int], list[int]]] = [
    ("a group and one stray host reach it", 20, {"gw": range(4), "web": range(4, 12), "db": range(12, 20)}, [0, 1, 2, 3, 15],
     "everything outside of group gw", "high", [15], [15]),
    ("two groups reach it", 16, {"gw": range(3), "mon": range(3, 6), "web": range(6, 11), "db": range(11, 16)}, range(6),
     "everything outside of group gw and group mon", "high", [], []),
    ("two groups that overlap reach it", 14, {"gw": range(3), "edge": range(2, 5), "web": range(5, 9), "db": range(9, 14)}, range(5),
     "everything outside of group edge and group gw", "high", [], []),
    ("the others are in no group", 12, {"gw": range(3)}, range(3), "everything outside of group gw", "high", [], []),
    ("one of a large group does not reach it either", 20, {"gw": range(6), "a": range(6, 12), "b": range(12, 20)}, range(1, 6),
     "everything outside of group gw", "high", [], [0]),
    ("a group and one stray host do not reach it", 8, {"web": range(3), "db": range(3, 8)}, range(4, 8), "group web", "low", [], [3]),
    ("some hosts have a data centre", 16, {"dc:one": range(4)}, range(5, 16), "dcx one", "high", [], [4]),
    ("groups of one host", 10, {f"g{n}": [n] for n in range(10)}, range(4), "", "low", [0, 1, 2, 3], [0, 1, 2, 3]),
    ("nothing is known of them", 9, {}, range(5), "", "low", [0, 1, 2, 3, 4], [0]),
]  # fmt: skip


@pytest.mark.parametrize(
    "_what, hosts, groups, reaching, words, sure, against, named", STRAYS, ids=[one[0] for one in STRAYS]
)
def test_one_group_and_a_stray_host(
    chains: dict[str, list[str]], _what: str, hosts: int, groups: dict[str, t.Iterable[int]], reaching: t.Iterable[int],
    words: str, sure: str, against: list[int], named: list[int],
) -> None:  # fmt: skip
    """Who speaks against a statement is named."""
    works = set(reaching)
    records = []
    for one in made(chains, lambda h, _e: None if number(h) in works else "filtered, no other", hosts, 1):
        of_it = [name for name, members in groups.items() if int(one.host[1:]) in members]
        variables = {name[:2] + "x": name[3:] for name in of_it if name.startswith("dc:")}
        own = tuple(name for name in of_it if not name.startswith("dc:"))
        records.append(dataclasses.replace(one, groups=own, variables=variables, vantage={"host": one.host}))
    found = next(one for one in across(records) if one.code == "outbound_filter")
    told = " ".join((found.statement, *found.evidence))
    assert (
        " and ".join(map(" ".join, zip(*(value.split(" and ") for value in found.cohort.values()))))
        if found.cohort
        else ""
    ) == words
    assert found.confidence == sure and words in found.statement
    assert found.contradicted_by == tuple(f"h{n:05}" for n in against)
    assert all(f"h{n:05}" in told for n in named), told


def test_only_one_group_has_ipv6_so_the_address_is_not_down(chains: dict[str, list[str]]) -> None:
    plan: Plan = lambda h, _e: "ipv6 works" if "rack3" in h.groups else "no ipv6"  # noqa: E731
    found = across(made(chains, plan, hosts=30, endpoints=1))
    assert (
        codes(found) == ["ipv6_broken"]
        and "IPv6 probably does not work in everything outside of group rack3" in found[0].statement
    )


def test_of_two_halves_the_one_that_fails_is_the_odd_one(chains: dict[str, list[str]]) -> None:
    (found,) = across(made(chains, lambda h, _e: "expired" if "web" in h.groups else None, hosts=12, endpoints=1))
    assert found.code == "certificate_differs" and found.cohort == {"kind": "group", "name": "web"}
    assert found.evidence == ("Causes: certificate_expired 6 times.",)

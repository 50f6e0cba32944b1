# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets with planted causes, and what is to be said of each: all statements, how sure, of what, against whom, in which words."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import random
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import across
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.cohorts import splits
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Seen, made
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

from tests.support.evidence import attempt, broken, observation
from tests.support.fleet import FAULTS, NOW, Endpoint, Fault, Fleet, Host, chains_of_a_fleet, open_route

Plan = Callable[[Host, Endpoint], "str | None"]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return chains_of_a_fleet(tmp_path_factory.mktemp("chains"))


def number(host: Host) -> int:
    return int(host.name[1:])


def of(host: Host, *names: str) -> bool:
    """Whether the host is in all of these groups, or has these values in its variables."""
    return set(names) <= {*host.groups, *map(str, host.variables.values())}


def addresses(marks: str) -> Callable[[Endpoint], Fault]:
    """A relay with an address for each mark: + works, - is silent."""

    def seen(endpoint: Endpoint) -> Fault:
        silent = attempt(rungs="tcp!", failure=broken("tcp", "timeout", waited_ms=2000.0))
        found = [
            open_route(endpoint.security, address=f"192.0.2.{place}")
            if mark == "+"
            else t.cast(t.Any, {**silent, "address": f"192.0.2.{place}", "family": 4})
            for place, mark in enumerate(marks, 1)
        ]
        return Fault(observation(*found))

    return seen


def mode_mismatch(_endpoint: Endpoint) -> Fault:
    failure = broken("mode", "plaintext", text="220 relay.test ESMTP")
    return Fault(observation(attempt("implicit_tls", "tcp tls!", failure)))


def refused_login(endpoint: Endpoint) -> Fault:
    failure = broken("auth", "reply", code=535, lines=["5.7.8 Error: authentication failed"])
    works = open_route(endpoint.security)
    rungs = [*works["rungs"], {"layer": "auth", "ok": False, "ms": 3.0}]
    return Fault(observation(t.cast(t.Any, {**works, "rungs": rungs, "failure": failure})))


def ahead(endpoint: Endpoint) -> Fault:
    off = datetime.timedelta(hours=3)
    return Fault(observation(open_route(endpoint.security)), clock=NOW + off, skew=off.total_seconds())


def no_route(_endpoint: Endpoint) -> Fault:
    return Fault(observation(attempt(rungs="tcp!", failure=broken("tcp", "os", errno="ENETUNREACH"))))


def expired_by_a_wrong_clock(endpoint: Endpoint) -> Fault:
    expired = FAULTS["expired"](endpoint)
    return expired._replace(clock=NOW + datetime.timedelta(days=90), skew=90 * 86400.0)


MORE: dict[str, Callable[[Endpoint], Fault]] = {
    "wrong clock, expired": expired_by_a_wrong_clock,
    "no route": no_route,
    "+++": addresses("+++"),
    "+-+": addresses("+-+"),
    "---": addresses("---"),
    "mode": mode_mismatch,
    "login": refused_login,
    "three hours ahead": ahead,
}

# What is planted, hosts and endpoints; then each statement that is to come: code, confidence, cohort, hosts, hosts
# against it, and words of it.
Expected = tuple[str, str, "str | None", int, int, str]
ROWS: dict[str, tuple[Plan, int, int, list[Expected]]] = {
    "one provider's filter, seen by its web servers alone": (
        lambda h, e: "filtered" if of(h, "bluecloud", "web") and e.port == 465 else None,
        100, 2,
        [("outbound_filter", "high", "bluecloud and web", 7, 0, "for provider bluecloud and group web: all 7 hosts cannot connect")],
    ),
    "the same, and two of them say otherwise": (
        lambda h, e: "filtered" if of(h, "bluecloud", "web") and e.port == 465 and number(h) not in (9, 23) else None,
        200, 2,
        [("outbound_filter", "high", "bluecloud and web", 12, 2, "12 of 14 hosts cannot connect")],
    ),
    "a provider's filter that three of fourteen contradict": (
        lambda h, e: "filtered" if of(h, "bluecloud") and e.port == 465 and number(h) not in (2, 9, 16) else None,
        100, 2,
        [("outbound_filter", "medium", "bluecloud", 11, 3, "probably closes port 465")],
    ),
    "no way out of a data centre": (
        lambda h, _e: "filtered, no other" if of(h, "dc1") else None,
        60, 4,
        [("outbound_filter", "high", "dc1", 20, 0, "no way out of there at all")],
    ),
    "a rule on the hosts of a group": (
        lambda h, _e: "own firewall" if of(h, "rack3") else None,
        60, 4,
        [("outbound_filter", "high", "rack3", 6, 0, "The hosts' own firewalls almost certainly close ports 465, 587 of 2 relays")],
    ),
    "one relay refuses a data centre": (
        lambda h, _e: "---" if of(h, "dc1") else "+++",
        60, 2,
        [("outbound_filter", "high", "dc1", 20, 0, "or one of smtp1.example.com against them,")],
    ),
    "one address of three is dead": (
        lambda _h, _e: "+-+",
        40, 2,
        [("address_down", "high", None, 40, 0, "Address 192.0.2.2 of smtp1.example.com almost certainly is down at ports 465, 587")],
    ),
    "one address of three is dead, and two hosts reach it": (
        lambda h, _e: "+++" if number(h) in (3, 4) else "+-+",
        40, 2,
        [("address_down", "medium", None, 38, 2, "38 hosts of 40 fail there")],
    ),
    "one address of three is dead for a data centre": (
        lambda h, _e: "+-+" if of(h, "dc1") else "+++",
        60, 2,
        [("address_down", "high", "dc1", 20, 0, "cannot be reached from datacenter dc1")],
    ),
    "two clocks": (
        lambda h, _e: "wrong clock" if number(h) in (8, 9) else None,
        60, 2,
        [("clock_wrong", "high", None, 2, 0, "h00008, h00009")],
    ),
    "a limit that 40 of 200 meet": (
        lambda h, _e: "too many" if number(h) % 5 == number(h) // 5 % 5 else None,
        200, 1,
        [("relay_limit", "high", None, 40, 0, "while 160 hosts got through")],
    ),
    "renewed in the middle, both ports": (
        lambda h, _e: "renewed" if number(h) >= 30 else None,
        60, 2,
        [("certificate_renewed", "high", None, 60, 0, "smtp1.example.com:465 and smtp1.example.com:587 almost certainly was renewed")],
    ),
    "a group behind a TLS proxy": (
        lambda h, _e: "untrusted" if of(h, "legacy") else None,
        150, 2,
        [("certificate_differs", "high", "legacy", 3, 0, "'CN=unknown root'")],
    ),
    "two causes in one group": (
        lambda h, e: ("filtered" if e.port == 465 else "no ipv6") if of(h, "dc2") else "ipv6 works",
        60, 2,
        [
            ("ipv6_broken", "high", "dc2", 20, 0, "does not work in datacenter dc2"),
            ("outbound_filter", "high", "dc2", 20, 0, "closes port 465"),
        ],
    ),
    "a dead port of one relay, and a provider's filter on the port": (
        lambda h, e: "filtered" if of(h, "bluecloud") and e.port == 465
        else "refused" if (e.host, e.port) == ("smtp1.example.com", 465) else None,
        100, 4,
        [
            ("relay_fault", "high", None, 100, 0, "almost certainly the relay"),
            ("outbound_filter", "high", "bluecloud", 14, 0, "port 465 of smtp2.example.com"),
        ],
    ),
    "ten hosts of a hundred that share nothing": (
        lambda h, e: "filtered" if number(h) in (4, 15, 21, 38, 42, 53, 69, 77, 86, 90) and e.port == 465 else None,
        100, 2,
        [("host_firewall", "low", None, 10, 0, "drops some connections of anybody")],
    ),
    "a login that everybody has wrong": (
        lambda _h, _e: "login", 30, 2,
        [("same_setting", "high", None, 30, 0, "auth_rejected at smtp1.example.com:465 and smtp1.example.com:587")],
    ),
    "two clocks that no certificate minds": (
        lambda h, _e: "three hours ahead" if number(h) in (3, 9) else None, 40, 2,
        [("clock_wrong", "high", None, 2, 0, "up to 3 hours ahead of the controller's, which is that of 38 hosts")],
    ),
    "a data centre without a route to the relay": (
        lambda h, _e: "no route" if of(h, "dc1") else None, 60, 2,
        [("no_route", "high", "dc1", 20, 0, "no route from datacenter dc1 to ports 465, 587 of smtp1.example.com: all 20 hosts say so")],
    ),
    "nobody has a route to anything": (
        lambda _h, _e: "no route", 6, 4,
        [("relay_fault", "low", None, 6, 0, "there is no route from where all of them are")] * 2,
    ),
    "the controller's clock, and a certificate that looks not valid yet": (
        lambda _h, _e: "wrong clock", 10, 2,
        [("controller_clock", "high", None, 10, 0, "10 of 10 hosts agree")],
    ),
    "two hosts, and another time than the controller's on both": (
        lambda _h, _e: "wrong clock", 2, 2,
        [("clock_wrong", "low", None, 2, 0, "possibly theirs are wrong, or the controller's is")],
    ),
    "an expired certificate, and three clocks that are wrong": (
        lambda h, _e: "wrong clock, expired" if number(h) in (3, 9, 17) else "expired", 40, 2,
        [
            ("clock_wrong", "high", None, 3, 0, "that of 37 hosts"),
            ("relay_fault", "high", None, 37, 0, "37 of 37 hosts that reach smtp1.example.com:465"),
        ],
    ),
    "the last of four hosts sees a newer certificate": (
        lambda h, _e: "renewed" if number(h) == 3 else None, 4, 1,
        [("certificate_renewed", "low", None, 4, 0, "Or another server, or a TLS proxy, answered the one host.")],
    ),
    "renewed in the middle, and two hosts behind a proxy": (
        lambda h, _e: "untrusted" if number(h) in (5, 25) else "renewed" if number(h) >= 20 else None, 40, 2,
        [
            ("certificate_renewed", "high", None, 38, 0, "19 hosts saw the old one, 19 hosts the new one"),
            ("certificate_differs", "low", None, 2, 0, "3 certificates in turn"),
        ],
    ),
    "a relay that does not serve the port, and a data centre that would not get there": (
        lambda h, _e: "filtered, no other" if of(h, "dc1") else "refused", 60, 1,
        [
            ("relay_fault", "low", None, 60, 0, "None of the 60 hosts"),
            ("outbound_filter", "medium", "dc1", 20, 0, "all 20 hosts get no answer, 40 others are refused at once"),
        ],
    ),
    "a name that does not exist, and name servers of a data centre that do not answer": (
        lambda h, _e: "resolver dead" if of(h, "dc1") else "relay unknown", 60, 1,
        [
            ("relay_dns", "low", None, 60, 0, "40 hosts of 60 say so (20 others get no answer)"),
            ("group_resolver", "medium", "dc1", 20, 0, "40 others are told that it does not exist"),
        ],
    ),
    "a data centre without CA certificates, and a login that all others have wrong": (
        lambda h, _e: "empty store" if of(h, "dc1") else "login", 60, 1,
        [
            ("trust_store_differs", "high", "dc1", 20, 0, "accepted by 40 hosts"),
            ("same_setting", "high", None, 40, 0, "is on 40 hosts"),
        ],
    ),
    "hosts that do not reach one relay each, and the same port of another": (
        lambda h, e: "refused" if number(h) in (4, 15, 21, 38) and e.host == f"smtp{number(h) % 2 + 1}.example.com" and e.port == 465 else None,
        60, 4,
        [("host_firewall", "low", None, 4, 0, "each does not reach some of port 465 of 2 relays")],
    ),
    "one host that does not reach one relay, and the same port of another": (
        lambda h, e: "refused" if (number(h), e.host, e.port) == (4, "smtp1.example.com", 465) else None,
        60, 4,
        [("host_firewall", "low", None, 1, 0, "h00004 does not reach port 465 of smtp1.example.com, but the same port of another relay")],
    ),
    "a dead port of one relay, which the hosts behind a filter do not prove": (
        lambda h, e: "filtered" if of(h, "bluecloud") and e.port == 465
        else "refused" if (e.host, e.port) == ("smtp1.example.com", 465) else None,
        50, 4,
        [
            ("relay_fault", "high", None, 50, 0, "43 of them reach port 465 of other relays"),
            ("outbound_filter", "high", "bluecloud", 7, 0, "port 465 of smtp2.example.com"),
        ],
    ),
    "two hosts, one fails": (lambda h, e: "filtered" if number(h) == 0 and e.port == 465 else None, 2, 2, []),
    "one host": (lambda _h, _e: "filtered", 1, 2, []),
    "three hosts, two fail": (
        lambda h, e: "filtered" if number(h) < 2 and e.port == 465 else None,
        3, 2,
        [("outbound_filter", "low", "ironhost", 2, 0, "possibly closes")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_planted(chains: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for fault, seen in MORE.items():
        monkeypatch.setitem(FAULTS, fault, seen)
    plan, hosts, endpoints, expected = ROWS[name]
    found = across(Fleet(chains, hosts, endpoints).plant(plan).records())
    said = [
        (one.code, one.confidence, one.cohort and one.cohort["name"], len(one.hosts), len(one.contradicted_by))
        for one in found
    ]
    assert sorted(map(str, said)) == sorted(str(one[:5]) for one in expected)
    for code, *_others, words in expected:
        assert any(words in one.statement for one in found if one.code == code), [one.statement for one in found]


def test_a_host_that_alone_of_its_group_was_asked_for_a_relay(chains: dict[str, list[str]]) -> None:
    """The filter of the group closes the port there as well; it is no firewall of its own."""
    fleet = Fleet(chains, 60, 4).plant(lambda h, e: "filtered" if of(h, "rack3") and e.port == 465 else None)
    records = [
        one
        for one in fleet.records()
        if "rack3" not in one.groups or one.host == "h00013" or "smtp2" not in one.subject
    ]
    (found,) = across(records)
    assert (found.code, found.cohort, len(found.hosts)) == ("outbound_filter", {"kind": "group", "name": "rack3"}, 6)
    assert found.endpoints == ("smtp1.example.com:465", "smtp2.example.com:465")


def test_most_without_a_route_are_not_behind_one_filter(
    chains: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What closes the port for the rest is not said of all."""
    monkeypatch.setitem(FAULTS, "no route", no_route)
    plan: Plan = lambda h, e: "filtered" if of(h, "dc2") and e.port == 465 else None if of(h, "dc2") else "no route"  # noqa: E731
    found = across(Fleet(chains, 60, 4).plant(plan).records())
    assert not [
        one for one in found if one.code == "outbound_filter" and len(one.hosts) == 60 and one.confidence != "low"
    ]
    assert "no_route" in {one.code for one in found}


def test_who_fails_before_it_says_nothing_of_a_login(
    chains: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that come to the login are refused: it is not the group's, whatever keeps the others from it."""
    monkeypatch.setitem(FAULTS, "login", refused_login)
    found = across(Fleet(chains, 60, 2).plant(lambda h, _e: "too many" if of(h, "dc1") else "login").records())
    assert {one.code for one in found} == {"relay_limit", "same_setting"}
    assert all(one.cohort is None for one in found)


def test_a_group_that_asks_in_another_mode_has_a_mistake_in_its_settings(
    chains: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all ask in the same mode, it is something on the way."""
    monkeypatch.setitem(FAULTS, "mode", mode_mismatch)

    def asked(endpoint: Endpoint, web: bool) -> t.Iterator[Record]:
        fleet = Fleet(chains, 60, 2).plant(lambda h, e: "mode" if of(h, "web") and e.port == 587 else None)
        fleet.hosts = [one for one in fleet.hosts if of(one, "web") == web]
        fleet.endpoints = [endpoint]
        return fleet.records()

    usual, wrong = (Endpoint("smtp1.example.com", 587, mode) for mode in ("starttls", "implicit_tls"))
    (found,) = across(itertools.chain(asked(wrong, True), asked(usual, False)))
    assert (found.code, found.confidence, found.cohort) == ("same_setting", "high", {"kind": "group", "name": "web"})
    (found,) = across(itertools.chain(asked(usual, True), asked(usual, False)))
    assert found.code == "group_differs"


def test_what_hosts_share_by_chance_is_rarely_named(chains: dict[str, list[str]]) -> None:
    """Also not by pairs, of which there are hundreds: in fewer than one of twenty fleets."""
    named = 0
    for hosts, seed in itertools.product((20, 60, 200), range(60)):
        shared = {
            one.name: frozenset(
                {
                    *(("group", name) for name in one.groups),
                    *((kind, str(name)) for kind, name in one.variables.items()),
                }
            )
            for one in Fleet(chains, hosts, 1).hosts
        }
        chance = random.Random(seed * 1000 + hosts)
        bad = set(chance.sample(sorted(shared), chance.choice((2, 3, 5, 8))))
        named += any(one.confidence != "low" for one in splits(bad, set(shared) - bad, shared))
    assert named <= 9


def test_a_trust_store_that_differs_by_distribution(chains: dict[str, list[str]]) -> None:
    """Where facts are known, the distribution is among what hosts share."""
    facts = {"distribution": "Debian", "distribution_major_version": "10"}
    known = made(Seen(), "a", {"ansible_facts": facts, "provider": "x"}, ("provider",)).variables
    assert known == {"distribution": "Debian 10", "provider": "x"}
    assert made(Seen(), "a", {"ansible_facts": {"distribution": "Debian"}}, ()).variables == {}
    assert made(Seen(), "a", {"ansible_facts": facts, "distribution": "mine"}, ("distribution",)).variables == {
        "distribution": "mine"
    }

    fleet = Fleet(chains, 40, 2).plant(lambda h, _e: "empty store" if of(h, "Debian 10") else None)
    fleet.hosts = [
        dataclasses.replace(one, variables={"distribution": "Debian 10" if number(one) % 3 == 1 else "Debian 12"})
        for one in fleet.hosts
    ]
    (found,) = across(fleet.records())
    assert (found.code, found.confidence, len(found.hosts)) == ("trust_store_differs", "high", 13)
    assert "The trust store of distribution Debian 10 almost certainly differs" in found.statement

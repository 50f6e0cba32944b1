# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on who reaches what: filters, firewalls, relays and addresses that are down, names, IPv6. Pure."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.cohorts import (
    Confidence,
    Split,
    cohort_words,
    common,
    splits,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.observers import Cohort, Sight
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.statement import (
    Fleet,
    Statement,
    hosts_words,
    others_words,
    ports_words,
    split_words,
)

__all__ = ("address_statements", "ipv6_statements", "name_statements", "reach_statements")

Endpoint = tuple[str, int]
# Of all that were asked, so many make it everybody's fault; the others are then noise, and contradict it.
_NEARLY_ALL = 0.9
# As many neighbours must work before a host is said to be the odd one out.
_NEIGHBOURS = 2
# More than this share of odd ones are no odd ones; of more than so many at one endpoint not each has a fault of its own.
_ODD = 0.25
_FEW_ODD = 2
# RFC 5321 (relay), RFC 6409 and RFC 8314 (submission).
_USUAL_PORTS = (25, 465, 587)
_OPEN = "Ask whoever runs the network or the firewall there to open outbound TCP {ports}"
_SHARE_NOTHING = "share no group, network or variable that explains it"
_DROPS = "the relay, or the way to it, drops some connections of anybody"
_ELSEWHERE = "ask from a host in another network to tell which"


def reach_statements(fleet: Fleet) -> Iterator[Statement]:
    """Who does not get a TCP connection, and whom that points to."""
    whole: list[Endpoint] = []
    followed: dict[tuple[Cohort, int], list[tuple[Endpoint, Split]]] = defaultdict(list)
    alone: dict[str, set[Endpoint]] = defaultdict(set)
    unexplained: dict[tuple[frozenset[str], frozenset[str]], list[Endpoint]] = defaultdict(list)
    for endpoint, sights in sorted(fleet.by_endpoint.items()):
        # Resets may be the relay's answer to too many connections; the statement on limits looks at them first.
        failing = {one.observer for one in sights if one.layer == "tcp"}
        reaching = {one.observer for one in sights if one.reached} - failing
        if len(failing) + len(reaching) < 2 or not failing:
            continue
        found = list(splits(failing, reaching, fleet.cohorts))
        if len(failing) >= 2 and not found and len(failing) >= _NEARLY_ALL * len(failing | reaching):
            whole.append(endpoint)
            continue
        for one in found:
            followed[one.cohort, endpoint[1]].append((endpoint, one))
        odd = failing.difference(*(one.inside for one in found))
        if len(reaching) >= _NEIGHBOURS and len(odd) <= max(1, _ODD * len(reaching)):
            for observer in odd:
                alone[observer].add(endpoint)
        elif not found and len(failing) >= 2 and len(reaching) >= _NEIGHBOURS:
            unexplained[frozenset(failing), frozenset(reaching)].append(endpoint)
    _with_lone_endpoints(fleet, followed, alone)
    yield from map(functools.partial(_filter_of_cohort, fleet), _same_hosts(followed.values()))
    yield from _odd_ones(fleet, alone)
    yield from (_unexplained(fleet, *sides, endpoints) for sides, endpoints in unexplained.items())
    yield from _whole(fleet, whole)
    for endpoint in whole:
        closed = {each for (_c, port), both in followed.items() if port == endpoint[1] for each in _sides(both)[0]}
        yield from _silent_among_refused(fleet, endpoint, closed)


def _with_lone_endpoints(
    fleet: Fleet, followed: Mapping[tuple[Cohort, int], list[tuple[Endpoint, Split]]], alone: dict[str, set[Endpoint]]
) -> None:
    """Move what one host alone of a cohort was asked for, and does not reach, to the cohort whose port is closed."""
    for (_cohort, port), both in followed.items():
        inside, _spared = _sides(both)
        for endpoint in sorted({one for each in inside for one in alone.get(each, ()) if one[1] == port}):
            # Where another of the same cohort gets through, it is no filter of the port.
            if any(one.reached and one.observer in inside for one in fleet.by_endpoint[endpoint]):
                continue
            both.append((endpoint, both[0][1]))
            for each in inside & set(alone):
                alone[each].discard(endpoint)
    for each in [one for one, endpoints in alone.items() if not endpoints]:
        del alone[each]


def _silent_among_refused(fleet: Fleet, endpoint: Endpoint, closed: Set[str]) -> Iterator[Statement]:
    """Nobody gets in, but a cohort has silence where the others get an answer. ``closed``: of whom it is said already."""
    sights = fleet.by_endpoint[endpoint]
    silent = {one.observer for one in sights if one.cause == "connection_timeout"}
    refused = {one.observer for one in sights if one.cause == "connection_refused"} - silent
    for one in splits(silent, refused, fleet.cohorts):
        if one.inside <= closed:
            continue
        confidence: Confidence = "low" if one.confidence == "low" else "medium"
        yield fleet.make(
            "outbound_filter", "tcp", confidence,
            f"A filter on the way out {{sure}} closes {ports_words([endpoint])} for {split_words(one)}, besides:"
            f" {_of(one.inside, one.spared)} get no answer, {others_words(len(one.well))} are refused at once.",
            f"{_OPEN.format(ports=f'port {endpoint[1]}')}; these hosts will not get in when the relay serves it again.",
            one.inside, against=one.spared, endpoints=[endpoint], cohort=one.cohort,
            evidence=[f"Causes: {_causes(fleet, silent | refused, [endpoint])}."],
        )  # fmt: skip


def _same_hosts(followed: Iterable[list[tuple[Endpoint, Split]]]) -> Iterable[list[tuple[Endpoint, Split]]]:
    """The endpoints of each port that is closed to a cohort; ports that are closed to the same hosts of it go together."""
    found: dict[tuple[Cohort, frozenset[str], frozenset[str]], list[tuple[Endpoint, Split]]] = defaultdict(list)
    for both in followed:
        found[(both[0][1].cohort, *_sides(both))] += both
    return found.values()


def _sides(both: Sequence[tuple[Endpoint, Split]]) -> tuple[frozenset[str], frozenset[str]]:
    """Who of the cohort has the fault at any of the endpoints, and who has it at none."""
    inside = frozenset().union(*(one.inside for _e, one in both))
    return inside, frozenset().union(*(one.spared for _e, one in both)) - inside


def _filter_of_cohort(fleet: Fleet, both: Sequence[tuple[Endpoint, Split]]) -> Statement:
    endpoints = [endpoint for endpoint, _split in both]
    best = both[0][1]
    inside, spared = _sides(both)
    ports = sorted({port for _relay, port in endpoints})
    confidence = min((one.confidence for _e, one in both), key=("high", "medium", "low").index)
    if _share(fleet, inside, endpoints, lambda one: one.cause == "no_route") > 0.5:
        return _no_route_of_cohort(fleet, endpoints, best, inside, spared, confidence)
    local = _share(fleet, inside, endpoints, lambda one: one.local)
    others = [one for one in _other_ports(fleet, inside, ports[0]) if one[0] not in ports]
    works = f", while port {others[0][0]} works from {others[0][1]} of them" if others else ""
    relays = sorted({relay for relay, _port in endpoints})
    who, closes = ("The hosts' own firewalls", "close") if local > 0.5 else ("A filter on the way out", "closes")
    advice = ""
    if local <= 0.5 and len(relays) == 1 and not others:
        # With one relay and one port nothing tells the two sides apart.
        who = f"A filter on the way out, or one of {relays[0]} against them,"
        advice = f" If it is open, ask the operator of {relays[0]} whether it refuses these hosts' addresses."
    sentence = (
        f"{who} {{sure}} {closes} {ports_words(endpoints)} for {split_words(best)}: {_of(inside, spared)} cannot connect,"
        f" {others_words(len(best.well))} can{works}."
    )
    if local <= 0.5 and len(relays) > 1 and not any(one.reached for each in inside for one in fleet.by_observer[each]):
        sentence += (
            " They reach nothing that they were asked for: there may be no way out of there at all (route, gateway)."
        )
    opened = f"{'port' if len(ports) == 1 else 'ports'} {', '.join(map(str, ports))}"
    remedy = _OPEN.format(ports=opened) + (f", or use port {others[0][0]} from there." if others else ".") + advice
    evidence = [f"Outside of it {fleet.some(best.outside)} cannot connect either."] if best.outside else []
    if spared and best.cohort[0].startswith("everything"):
        evidence.append(
            f"{fleet.some(spared)} can, though nothing of it is in {cohort_words(best.cohort).partition(' of ')[2]}."
        )
    evidence.append(f"Causes: {_causes(fleet, inside, endpoints)}.")
    return fleet.make(
        "outbound_filter", "tcp", confidence, sentence, remedy, inside,
        against=spared, endpoints=endpoints, cohort=best.cohort, evidence=evidence,
    )  # fmt: skip


def _no_route_of_cohort(
    fleet: Fleet, endpoints: Sequence[Endpoint], best: Split, inside: Set[str], spared: Set[str], confidence: Confidence
) -> Statement:
    """Their own systems say so, or a router: nothing on the way is silent, as a filter is."""
    sentence = (
        f"There {{sure}} is no route from {split_words(best)} to {ports_words(endpoints)}: {_of(inside, spared)} say so,"
        f" {others_words(len(best.well))} can connect."
    )
    return fleet.make(
        "no_route", "tcp", confidence, sentence,
        "Look at the routes there (a default gateway; IPv4 where the relay has no IPv6 address), or give these hosts a relay that they reach.",
        inside, against=spared, endpoints=endpoints, cohort=best.cohort,
        evidence=[f"Causes: {_causes(fleet, inside, endpoints)}."],
    )  # fmt: skip


def _odd_ones(fleet: Fleet, alone: Mapping[str, Set[Endpoint]]) -> Iterator[Statement]:
    """Single hosts among neighbours that work: one statement for all that fail at the same endpoints, and one for strays."""
    by_endpoints: dict[frozenset[Endpoint], set[str]] = defaultdict(set)
    for observer, each_one in alone.items():
        by_endpoints[frozenset(each_one)].add(observer)
    foreign = {one for one, places in alone.items() if _share(fleet, {one}, places, lambda each: each.local) <= 0.5}
    strays = {one for one in foreign if _is_stray(fleet, one, alone[one], len(foreign))}
    for places, observers in sorted(by_endpoints.items(), key=lambda one: sorted(one[1])):
        if observers - strays:
            yield _odd_one(fleet, observers - strays, sorted(places))
    if strays:
        yield _strays(fleet, strays, sorted({place for one in strays for place in alone[one]}))


def _is_stray(fleet: Fleet, observer: str, places: Set[Endpoint], odd: int) -> bool:
    """Whether a rule of the host itself is not likely: it uses the same port elsewhere, or is one of many, each with something."""
    reached = any(one.reached for one in fleet.by_observer[observer])
    return _uses_port_elsewhere(fleet, observer, places) or (odd > _FEW_ODD and reached)


def _uses_port_elsewhere(fleet: Fleet, observer: str, places: Collection[Endpoint]) -> bool:
    return bool({port for _relay, port in places} & {one.port for one in fleet.by_observer[observer] if one.reached})


def _odd_one(fleet: Fleet, observers: Set[str], endpoints: Sequence[Endpoint]) -> Statement:
    neighbours = {one.observer for each in endpoints for one in fleet.by_endpoint[each] if one.reached} - observers
    local = _share(fleet, observers, endpoints, lambda one: one.local) > 0.5
    beside = [one for one in neighbours if any(_related(fleet, one, other) for other in observers)]
    few = len(observers) <= _FEW_ODD
    confidence: Confidence = "high" if local else "medium" if few and len(beside) >= _NEIGHBOURS else "low"
    its = "its own firewall or routes" if len(observers) == 1 else "each one's own firewall or routes"
    verb = "is alone" if len(observers) == 1 else "are alone" if few else _SHARE_NOTHING
    its += "" if few or local else f", or {_DROPS}"
    sentence = (
        f"{fleet.some(observers)} {verb}: {hosts_words(len(neighbours))} reach {ports_words(endpoints)},"
        f" {len(beside)} of them in the same group or network; that is {{sure}} {its}."
    )
    remedy = "Compare the firewall rules, routes and proxy settings of the host with those of a neighbour that works."
    return fleet.make(
        "host_firewall", "tcp", confidence, sentence, remedy, observers, endpoints=endpoints,
        evidence=[f"Causes: {_causes(fleet, observers, endpoints)}.", *_local_words(local)],
    )  # fmt: skip


def _strays(fleet: Fleet, strays: Set[str], endpoints: Sequence[Endpoint]) -> Statement:
    neighbours = {one.observer for each in endpoints for one in fleet.by_endpoint[each] if one.reached} - strays
    if len(strays) == 1:
        elsewhere = all(_uses_port_elsewhere(fleet, one, endpoints) for one in strays)
        words = (
            f"{fleet.some(strays)} does not reach {ports_words(endpoints)}, but"
            f" {'the same port of another relay' if elsewhere else 'other ports or relays'};"
            f" {hosts_words(len(neighbours))} reach {'it' if len(endpoints) == 1 else 'them'}: {{sure}} a rule for that one"
            f" address, the relay refuses this host's address, or {_DROPS}."
        )
    else:
        words = (
            f"{fleet.some(strays)} {_SHARE_NOTHING}: each does not reach some of {ports_words(endpoints)}, while"
            f" {hosts_words(len(neighbours))} do; that is {{sure}} each one's own firewall or routes, or {_DROPS}."
        )
    return fleet.make(
        "host_firewall", "tcp", "low", words,
        "Ask these hosts again. If the same ones fail, compare their firewall rules and routes with those of a neighbour"
        " that works; if others do, look at the relay and the way to it.",
        strays, endpoints=endpoints, evidence=[f"Causes: {_causes(fleet, strays, endpoints)}."],
    )  # fmt: skip


def _unexplained(
    fleet: Fleet, failing: frozenset[str], reaching: frozenset[str], endpoints: Sequence[Endpoint]
) -> Statement:
    """Too many to be odd ones, and nothing that is known of them says which."""
    sentence = (
        f"{len(failing)} of {hosts_words(len(failing | reaching))} do not reach {ports_words(endpoints)}, and no group, network or"
        f" variable tells them from those that do ({fleet.some(reaching)}): {{sure}} a filter or route that follows something"
        " which the inventory does not name, or the relay, or the way to it, drops some connections of anybody."
    )
    (other, *_more), (one, *_rest) = fleet.hosts(reaching), fleet.hosts(failing)
    return fleet.make(
        "outbound_filter", "tcp", "low", sentence,
        f"Compare the routes and firewalls of {one} with those of {other}, and ask again whether the same hosts fail.",
        failing, against=reaching, endpoints=endpoints, evidence=[f"Causes: {_causes(fleet, failing, endpoints)}."],
    )  # fmt: skip


def _local_words(local: bool) -> list[str]:
    return ["The host's own system refused to send (EPERM or EACCES); no packet left it."] if local else []


def _whole(fleet: Fleet, whole: Sequence[Endpoint]) -> Iterator[Statement]:
    """Endpoints that nobody reaches: the relay, or what all who were asked have in common."""
    ports: dict[int, list[Endpoint]] = defaultdict(list)
    for endpoint in whole:
        ports[endpoint[1]].append(endpoint)
    for port, endpoints in sorted(ports.items()):
        same_port = [one for one in fleet.by_endpoint if one[1] == port]
        observers = {one.observer for each in endpoints for one in fleet.by_endpoint[each] if one.layer == "tcp"}
        others = _other_ports(fleet, observers, port)
        # A filter is silent as a rule; what refuses is mostly a relay that does not serve the port. No route is no filter.
        refused = _share(fleet, observers, endpoints, lambda one: one.cause in ("connection_refused", "no_route")) > 0.5
        if len(endpoints) >= 2 and len(endpoints) == len(same_port) and others and not refused:
            yield _filter_of_all(fleet, port, endpoints, observers, others)
            continue
        for endpoint in endpoints:
            yield _one_whole(fleet, endpoint)


def _filter_of_all(
    fleet: Fleet, port: int, endpoints: Sequence[Endpoint], observers: Set[str], others: list[tuple[int, int]]
) -> Statement:
    shared = common(observers, fleet.cohorts)
    names = f" All of them share {', '.join(' '.join(one) for one in shared[:3])}." if shared else ""
    # Any relay may lack a port that no RFC gives to mail.
    usual = port in _USUAL_PORTS
    names = names if usual else f" Or none of these relays serves that port.{names}"
    confidence: Confidence = "medium" if usual else "low"
    sentence = (
        f"A filter on the way out {{sure}} closes port {port} for all {hosts_words(len(observers))} that were asked:"
        f" {len(endpoints)} relays do not answer there, and port {others[0][0]} works from {others[0][1]} of them.{names}"
    )
    remedy = f"{_OPEN.format(ports=f'port {port}')}, or use port {others[0][0]}."
    return fleet.make(
        "outbound_filter", "tcp", confidence, sentence, remedy, observers, endpoints=endpoints,
        cohort=shared[0] if shared else None, evidence=[f"Causes: {_causes(fleet, observers, endpoints)}."],
    )  # fmt: skip


def _one_whole(fleet: Fleet, endpoint: Endpoint) -> Statement:
    relay, port = endpoint
    sights = fleet.by_endpoint[endpoint]
    observers = {one.observer for one in sights if one.layer == "tcp"}
    against = {one.observer for one in sights if one.reached}
    elsewhere = {
        one.observer for each in observers for one in fleet.by_observer[each] if one.reached and one.relay != relay
    }
    same_port = {
        one.observer
        for each in observers
        for one in fleet.by_observer[each]
        if one.reached and one.relay != relay and one.port == port
    }
    others = _other_ports(fleet, observers, port, relay)
    refused = _share(fleet, observers, [endpoint], lambda one: one.cause == "connection_refused") > 0.5
    count = hosts_words(len(observers))
    shared = common(observers, fleet.cohorts)
    unrouted = _share(fleet, observers, [endpoint], lambda one: one.cause == "no_route") > 0.5
    what = "there is no route from where all of them are" if unrouted else "a filter that all of them are behind"
    either = f"{what}{f' ({chr(32).join(shared[0])})' if shared else ''}"
    causes = f"Causes: {_causes(fleet, observers, [endpoint])}."
    code = "relay_fault"
    confidence: Confidence = "low"
    if len(same_port) >= 2:
        confidence = "high"
        same = "the same hosts" if same_port == observers else f"{len(same_port)} of them"
        words = f"it is {{sure}} the relay: {same} reach port {port} of other relays"
    elif others:
        confidence = "medium" if refused else "low"
        code = "relay_fault" if refused else "outbound_filter"
        words = f"port {others[0][0]} of it works from {others[0][1]} of them, so it is {{sure}} {either}, or the relay does not serve that port; {_ELSEWHERE}"
        if refused:
            words = f"nothing listens there, {{sure}}: port {others[0][0]} of it works from {others[0][1]} of them"
    elif len(elsewhere) >= 2 and refused:
        confidence = "medium"
        words = "it is {sure} the relay: it refuses, and the same hosts reach other relays"
    elif len(elsewhere) >= 2:
        # That other ports are open says nothing of this one: providers close 25, or 465, to everybody.
        words = (
            f"{{sure}} the relay is down, or {either}; the same hosts reach other relays, but none at port {port};"
            f" {_ELSEWHERE}"
        )
    else:
        words = f"{{sure}} the relay is down, or {either}; {_ELSEWHERE}"
    sentence = f"None of the {count} that were asked reach {relay}:{port}: {words}."
    if against:
        sentence = f"{count} of {len(observers | against)} do not reach {relay}:{port}: {words}."
    remedy = f"Ask the operator of {relay} whether the service on port {port} runs" + (
        f", or use port {others[0][0]}." if others else "."
    )
    return fleet.make(
        code, "tcp", confidence, sentence, remedy, observers, against=against, endpoints=[endpoint], evidence=[causes]
    )


def name_statements(fleet: Fleet) -> Iterator[Statement]:
    """Names that do not lead to an address."""
    relays: dict[str, list[Sight]] = defaultdict(list)
    for (relay, _port), sights in fleet.by_endpoint.items():
        relays[relay] += sights
    followed: dict[Cohort, list[tuple[str, Split]]] = defaultdict(list)
    for relay, sights in sorted(relays.items()):
        failing = {one.observer for one in sights if one.layer == "dns"}
        resolving = {one.observer for one in sights if one.layer not in ("dns", "settings")}
        if len(failing) + len(resolving - failing) < 2 or not failing:
            continue
        found = list(splits(failing, resolving - failing, fleet.cohorts))
        if len(failing) >= 2 and not found and len(failing) >= _NEARLY_ALL * len(failing | resolving):
            yield _relay_name(fleet, relay, sights, failing, resolving - failing)
            yield from _silent_name_servers(fleet, relay, sights)
            continue
        for one in found:
            followed[one.cohort].append((relay, one))
        odd = failing.difference(*(one.inside for one in found))
        if odd and len(resolving) >= _NEIGHBOURS and len(odd) <= max(1, _ODD * len(resolving)):
            yield fleet.make(
                "host_resolver", "dns", "medium",
                f"{fleet.some(odd)}: {{sure}} the host's own resolver, as {hosts_words(len(resolving))}"
                f" resolve {relay}.",
                "Compare /etc/resolv.conf and /etc/hosts of the host with those of a neighbour that works.", odd,
                endpoints=[(one.relay, one.port) for one in sights],
            )  # fmt: skip
    for cohort, both in followed.items():
        best = both[0][1]
        inside = frozenset().union(*(one.inside for _r, one in both))
        spared = frozenset().union(*(one.spared for _r, one in both)) - inside
        yield fleet.make(
            "group_resolver", "dns", best.confidence,
            f"The name servers of {split_words(best)} {{sure}} give wrong or no answers: {_of(inside, spared)} cannot"
            f" resolve {', '.join(relay for relay, _s in both[:3])}, {others_words(len(best.well))} can.",
            "Look at the name servers that these hosts ask (/etc/resolv.conf).", inside, against=spared, cohort=cohort,
            endpoints=[(one.relay, one.port) for relay, _s in both for one in relays[relay]],
        )  # fmt: skip


def _silent_name_servers(fleet: Fleet, relay: str, sights: Sequence[Sight]) -> Iterator[Statement]:
    """Nobody resolves the name, but a cohort gets no answer where the others get one: its name servers have a fault besides."""
    silent = {one.observer for one in sights if one.cause == "name_server_failure"}
    told = {one.observer for one in sights if one.cause == "name_not_found"} - silent
    for one in splits(silent, told, fleet.cohorts):
        confidence: Confidence = "low" if one.confidence == "low" else "medium"
        yield fleet.make(
            "group_resolver", "dns", confidence,
            f"The name servers of {split_words(one)} {{sure}} do not answer, besides: {_of(one.inside, one.spared)} get no"
            f" answer for {relay}, {others_words(len(one.well))} are told that it does not exist.",
            "Look at the name servers that these hosts ask (/etc/resolv.conf).", one.inside, against=one.spared,
            cohort=one.cohort, endpoints=[(each.relay, each.port) for each in sights],
        )  # fmt: skip


def _relay_name(fleet: Fleet, relay: str, sights: list[Sight], failing: Set[str], against: Set[str]) -> Statement:
    resolve_others = {
        one.observer
        for each in failing
        for one in fleet.by_observer[each]
        if one.relay != relay and one.layer not in ("dns", "settings")
    }
    causes: dict[str | None, set[str]] = defaultdict(set)
    for one in sights:
        causes[one.cause].add(one.observer)
    told, silent = causes["name_not_found"], causes["name_server_failure"] - causes["name_not_found"]
    missing = len(told) >= len(silent)
    saying = (told if missing else silent) or failing
    rest = len(failing - saying)
    mixed = (
        f" ({others_words(rest)} {'get no answer' if missing else 'are told that it does not exist'})" if rest else ""
    )
    confidence: Confidence = "high" if len(resolve_others) >= 2 else "low"
    what = "does not exist in the DNS" if missing else "gets no answer from the DNS"
    also = (
        ", while they resolve other relays"
        if len(resolve_others) >= 2
        else ", or all of them ask one name server that fails"
    )
    return fleet.make(
        "relay_dns", "dns", confidence,
        f"The name {relay} {{sure}} {what}: {hosts_words(len(saying))} of {len(failing | against)} say so{mixed}{also}.",
        f"Check the spelling of {relay}, and its records with whoever runs its DNS.", failing, against=against,
        endpoints=[(one.relay, one.port) for one in sights],
    )  # fmt: skip


def address_statements(fleet: Fleet) -> Iterator[Statement]:
    """One address of a relay that fails where its other addresses work, for everybody or for a cohort."""
    # Ports at which the same observers see the same are one statement.
    same: dict[tuple[str, str, frozenset[str], frozenset[str]], list[Endpoint]] = defaultdict(list)
    for endpoint, sights in sorted(fleet.by_endpoint.items()):
        for (address, family), (bad, good) in sorted(_by_address(sights).items()):
            # Where none of them reaches IPv6 anywhere, the address is not what is wrong.
            if family == 6 and not any(_has_ipv6(fleet.by_observer[one]) for one in bad):
                continue
            if len(bad) >= 2:
                same[endpoint[0], address, frozenset(bad), frozenset(good)].append(endpoint)
    for (relay, address, failing, others), endpoints in same.items():
        ports = ports_words(endpoints).partition(" of ")[0]
        if len(failing) >= _NEARLY_ALL * len(failing | others):
            confidence: Confidence = "high" if len(failing) >= 3 and not others else "medium"
            yield fleet.make(
                "address_down", "tcp", confidence,
                f"Address {address} of {relay} {{sure}} is down at {ports}: {hosts_words(len(failing))} of"
                f" {len(failing | others)} fail there, while other addresses of the name work from them.",
                f"Ask the operator of {relay} to mend {address}, or to take it out of the DNS.", failing,
                against=others, endpoints=endpoints,
            )  # fmt: skip
        elif ":" not in address:  # that IPv6 does not work for a group has a statement of its own
            yield from (
                _address_of_cohort(fleet, one, relay, address, endpoints)
                for one in splits(failing, others - failing, fleet.cohorts)
            )


def _by_address(sights: Iterable[Sight]) -> dict[tuple[str, int], tuple[set[str], set[str]]]:
    """Each address and its family: who fails there while another address works, and who does not fail."""
    tried: dict[tuple[str, int], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for one in sights:
        some_work = any(cause is None for _a, _f, cause in one.addresses)
        for address, family, cause in one.addresses:
            if cause is None:
                tried[address, family][1].add(one.observer)
            elif some_work:
                tried[address, family][0].add(one.observer)
    return tried


def _address_of_cohort(
    fleet: Fleet, found: Split, relay: str, address: str, endpoints: Sequence[Endpoint]
) -> Statement:
    ports = ports_words(endpoints).partition(" of ")[0]
    return fleet.make(
        "address_down", "tcp", found.confidence,
        f"Address {address} of {relay} {{sure}} cannot be reached from {split_words(found)} at {ports}: {_of(found.inside, found.spared)}"
        f" fail there, while other addresses of the name work from them; {others_words(len(found.well))} reach it.",
        f"Look at the way from there to {address} (routes, firewalls), or ask the operator of {relay} whether that server refuses"
        " these hosts' addresses.",
        found.inside, against=found.spared, endpoints=endpoints, cohort=found.cohort,
    )  # fmt: skip


def ipv6_statements(fleet: Fleet) -> Iterator[Statement]:
    """Hosts whose IPv6 does not work while their IPv4 does."""
    bad, good, endpoints = set(), set(), set()
    for observer, sights in fleet.by_observer.items():
        six = [cause for one in sights for _a, family, cause in one.addresses if family == 6]
        if not six:
            continue
        if any(cause is None for cause in six):
            good.add(observer)
        elif any(cause is None for one in sights for _a, family, cause in one.addresses if family == 4):
            bad.add(observer)
            endpoints |= {(one.relay, one.port) for one in sights if any(f == 6 for _a, f, _c in one.addresses)}
    remedy = 'Give these hosts IPv6 (an address and a route), or set ip_version: "4" for them.'
    found = list(splits(bad, good, fleet.cohorts))
    for one in found:
        yield fleet.make(
            "ipv6_broken", "tcp", one.confidence,
            f"IPv6 {{sure}} does not work in {split_words(one)}: {_of(one.inside, one.spared)} reach relays by IPv4 only,"
            f" {others_words(len(one.well))} by IPv6, too.",
            remedy, one.inside, against=one.spared, endpoints=endpoints, cohort=one.cohort,
        )  # fmt: skip
    rest = bad.difference(*(one.inside for one in found))
    if not found and len(rest) >= 2 and not good:
        yield fleet.make(
            "ipv6_broken", "tcp", "low",
            f"None of the {hosts_words(len(rest))} that were asked reach a relay by IPv6: {{sure}} none of them has IPv6, or"
            f" the relays' IPv6 addresses are down; {_ELSEWHERE}.",
            remedy, rest, endpoints=endpoints,
        )  # fmt: skip
    elif len(rest) >= 2 and len(good) >= _NEIGHBOURS:
        yield fleet.make(
            "ipv6_broken", "tcp", "medium",
            f"IPv6 {{sure}} does not work on {hosts_words(len(rest))}, which no group or network explains: they reach relays"
            f" by IPv4 only, {others_words(len(good))} by IPv6, too.",
            remedy, rest, endpoints=endpoints,
        )  # fmt: skip


# -- what is counted


def _has_ipv6(sights: Iterable[Sight]) -> bool:
    return any(family == 6 and cause is None for one in sights for _a, family, cause in one.addresses)


def _related(fleet: Fleet, one: str, other: str) -> bool:
    return bool(fleet.cohorts.get(one, frozenset()) & fleet.cohorts.get(other, frozenset()))


def _of(inside: Set[str], spared: Set[str]) -> str:
    whole = len(inside) + len(spared)
    return f"all {hosts_words(whole)}" if not spared else f"{len(inside)} of {hosts_words(whole)}"


def _other_ports(fleet: Fleet, observers: Set[str], port: int, relay: str | None = None) -> list[tuple[int, int]]:
    """Other ports that are reached from these observers, and from how many of them, most first."""
    found: Counter[int] = Counter()
    for observer in observers:
        sights = [one for one in fleet.by_observer[observer] if relay is None or one.relay == relay]
        reached = {one.port for one in sights if one.reached}
        found.update((reached | {other for one in sights for other in one.other_ports}) - {port})
    return found.most_common()


def _share(fleet: Fleet, observers: Set[str], endpoints: Iterable[Endpoint], holds: object) -> float:
    sights = [one for each in endpoints for one in fleet.by_endpoint[each] if one.observer in observers]
    return sum(1 for one in sights if callable(holds) and holds(one)) / max(1, len(sights))


def _causes(fleet: Fleet, observers: Set[str], endpoints: Iterable[Endpoint]) -> str:
    found = Counter(
        one.cause for each in endpoints for one in fleet.by_endpoint[each] if one.observer in observers and one.cause
    )
    return ", ".join(f"{cause} {count} times" for cause, count in found.most_common())

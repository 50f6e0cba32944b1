# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on hosts that reach a relay and differ in what they make of it: clocks, trust, limits, certificates, settings. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import layer_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.cohorts import Confidence, common, splits
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.observers import AppSight, Leaf, Sight
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.statement import (
    Fleet,
    Statement,
    hosts_words,
    others_words,
    split_words,
)

__all__ = (
    "CLOCK_CAUSES",
    "LIMIT_CAUSES",
    "TRUST_CAUSES",
    "app_statements",
    "certificate_statements",
    "clock_statements",
    "limit_statements",
    "relay_statements",
    "trust_statements",
)

CLOCK_CAUSES = ("certificate_expired", "certificate_not_yet_valid")
TRUST_CAUSES = ("certificate_untrusted", "certificate_self_signed", "certificate_chain_incomplete")
LIMIT_CAUSES = ("temporarily_rejected",)
# A broken connection may be a limit that is not put into words.
_BROKEN = ("connection_reset", "connection_closed")
# Seconds by which a clock must be off to be called wrong; a slow task costs a few.
_OFF = 300.0
_NEARLY_ALL = 0.9
# Connections within so many seconds of each other are at the same time.
_AT_ONCE = 2.0
_BY_NUMBER = 0.75
_MANY = 10


# The order in which a session comes to the layers.
_IN_CLEAR = ("tcp", "mode", "greeting", "ehlo", "starttls", "tls", "certificate", "auth", "transaction")
_IN_TLS = ("tcp", "mode", "tls", "certificate", "greeting", "ehlo", "starttls", "auth", "transaction")
_SETTINGS = ("auth_rejected", "auth_mechanism_not_offered", "auth_requires_tls")
_LACK = (
    ", or all of these hosts lack its CA",
    "If the CA is your own, give the hosts its certificate (ca_path); else ask",
)
_ON_THE_WAY = (
    ", or a firewall that all of them are behind",
    "Ask from a host in another network, to tell which; then ask whoever runs that firewall, or",
)
_MESSAGE = (
    ", or the sender or recipient that all of them have",
    "Look at the sender and the recipient first, then ask",
)
# What may be the cause where everybody gets the same from a relay, and the relay is not: half a sentence, and the remedy.
_NOT_THE_RELAY: t.Final[dict[str, tuple[str, str]]] = {
    "certificate_untrusted": _LACK,
    "certificate_self_signed": _LACK,
    "certificate_name_mismatch": (
        ", or the name by which all of them ask for it",
        "Compare the name in the settings with those in the certificate (server_name); then ask",
    ),
    "greeting_rejected": (", which may refuse an address that they share", "Ask"),
    **dict.fromkeys(
        (
            "connection_closed", "not_smtp", "greeting_timeout", "ehlo_rejected", "starttls_not_offered",
            "starttls_rejected", "tls_handshake_failed", "tls_handshake_timeout",
        ),
        _ON_THE_WAY,
    ),
    **dict.fromkeys(("sender_rejected", "recipient_rejected", "message_rejected"), _MESSAGE),
}  # fmt: skip


def _skews(fleet: Fleet) -> dict[str, float]:
    """By how many seconds each observer's clock is ahead of the controller's, when it was seen last."""
    found: dict[str, float] = {}
    for observer, sights in fleet.by_observer.items():
        known = [(one.when, abs(one.skew), one.skew) for one in sights if one.skew is not None]
        if known:
            found[observer] = max(known)[2]
    return found


def clock_statements(fleet: Fleet) -> Iterator[Statement]:
    """Hosts, or the controller, whose clock is wrong: all hosts compare theirs with the controller's."""
    skews = _skews(fleet)
    wrong = {one for one, skew in skews.items() if abs(skew) >= _OFF}
    well = set(skews) - wrong
    if not wrong or len(skews) < 2:
        return
    spread = max(skews[one] for one in wrong) - min(skews[one] for one in wrong)
    if len(wrong) >= 3 and len(wrong) >= _NEARLY_ALL * len(skews) and spread < _OFF:
        middle = statistics.median(skews[one] for one in wrong)
        yield fleet.make(
            "controller_clock", "certificate", "high" if len(wrong) >= 5 else "medium",
            f"The controller's clock {{sure}} is wrong: {len(wrong)} of {hosts_words(len(skews))} agree with each other and"
            f" are {_ago(middle)} it.",
            "Set the controller's clock (NTP).", wrong, against=well,
        )  # fmt: skip
        return
    if not well:
        # Two clocks that differ: nobody is there to say which one is right.
        yield fleet.make(
            "clock_wrong", "certificate", "low",
            f"The clocks of all {hosts_words(len(wrong))} differ from the controller's, by up to {_ago(max(skews.values(), key=abs))} it:"
            " {sure} theirs are wrong, or the controller's is.",
            "Compare them with a clock that is right (NTP) before anything else: certificates look expired, or not valid yet, by a wrong clock.",
            wrong,
        )  # fmt: skip
        return
    refused = {one for one in wrong if any(sight.cause in CLOCK_CAUSES for sight in fleet.by_observer[one])}
    found = next(splits(wrong, well, fleet.cohorts), None)
    where = f", all of {split_words(found)}" if found and found.inside == wrong and not found.spared else ""
    worst = max((skews[one] for one in wrong), key=abs)
    yield fleet.make(
        "clock_wrong", "certificate", "high" if len(well) >= 2 else "low",
        f"The clock {{sure}} is wrong on {hosts_words(len(wrong))} ({fleet.some(wrong)}{where}): up to {_ago(worst)} the"
        f" controller's, which is that of {hosts_words(len(well))}.",
        "Set the clock (NTP) before anything else: certificates look expired, or not valid yet, by a wrong clock.",
        wrong, cohort=found.cohort if where and found else None,
        evidence=[f"On {len(refused)} of them a certificate was refused for its dates."] if refused else [],
    )  # fmt: skip


def trust_statements(fleet: Fleet) -> Iterator[Statement]:
    """Hosts that refuse a certificate which others accept: their trust stores differ."""
    refusing: dict[str, set[str]] = defaultdict(set)
    accepting: dict[str, set[str]] = defaultdict(set)
    endpoints: dict[str, set[tuple[str, int]]] = defaultdict(set)
    accepted = {one.leaf.sha256 for sights in fleet.by_observer.values() for one in sights if _trusts(one) and one.leaf}
    for sights in fleet.by_observer.values():
        for one in sights:
            if one.leaf is None or one.leaf.sha256 not in accepted:
                continue
            if one.cause in TRUST_CAUSES:
                refusing[one.leaf.issuer].add(one.observer)
                endpoints[one.leaf.issuer].add((one.relay, one.port))
            elif _trusts(one):
                accepting[one.leaf.issuer].add(one.observer)
    for issuer, bad in sorted(refusing.items()):
        good = accepting[issuer] - bad
        if not good:
            continue
        found = next(splits(bad, good, fleet.cohorts), None)
        fits = found is not None and found.inside == bad
        empty = {one for one in bad if any(sight.store_empty for sight in fleet.by_observer[one])}
        confidence: Confidence = "high" if len(bad) >= 2 and len(good) >= 2 else "medium" if len(good) >= 2 else "low"
        named = f" of {split_words(found)}" if found and fits else ""
        what = (
            f"is empty on {hosts_words(len(empty))} of them"
            if empty
            else f"lacks {issuer!r}, or a certificate below it"
        )
        yield fleet.make(
            "trust_store_differs", "certificate", confidence,
            f"The trust store{named} {{sure}} differs from that of the other hosts: the same certificate is refused by"
            f" {hosts_words(len(bad))} ({fleet.some(bad)}) and accepted by {hosts_words(len(good))}; it {what}.",
            "Install the same CA certificates there (package ca-certificates), or give ca_path to these hosts.",
            bad, against=found.spared if found and fits else frozenset(), endpoints=endpoints[issuer],
            cohort=found.cohort if found and fits else None,
            evidence=[f"{len(found.inside)} of them are in {split_words(found)}, of which {hosts_words(len(found.spared))} accept it."]
            if found and not fits else [],
        )  # fmt: skip


def limit_statements(fleet: Fleet) -> Iterator[Statement]:
    """A relay that takes no more just now: it says so, or connections break as soon as there are many."""
    relays: dict[str, list[Sight]] = defaultdict(list)
    for (relay, _port), sights in fleet.by_endpoint.items():
        relays[relay] += sights
    for relay, sights in sorted(relays.items()):
        told = {one.observer for one in sights if one.limit}
        passing = {one.observer for one in sights if one.ok} - told
        broken = _broken_by_number(fleet, sights) - told
        if len(told) + len(broken) < 2:
            continue
        both = told | broken
        confidence: Confidence = "high" if len(told) >= 2 and passing else "medium" if passing else "low"
        # A relay that tells everybody to come later may be in trouble itself.
        trouble = "" if passing else ", or is out of service for a while"
        shared = common(both, fleet.cohorts) if len(both) > 1 else []
        at = ""
        if shared and any(shared[0] not in fleet.cohorts.get(one, frozenset()) for one in passing):
            at = f" All of them are in {' '.join(shared[0])}: they may come from one address."
        says = (
            [f"{hosts_words(len(told))} {'was' if len(told) == 1 else 'were'} told so (421, 450 or 4.7.0)"]
            if told
            else []
        )
        says += [f"on {hosts_words(len(broken))} the connection broke while many were open"] if broken else []
        yield fleet.make(
            "relay_limit", "transaction", confidence,
            f"{relay} {{sure}} takes no more connections at once, or not so soon{trouble}: {' and '.join(says)}, while"
            f" {hosts_words(len(passing))} got through.{at}",
            "Ask again with fewer connections at once (throttle, lower forks), or have the operator raise the limit for these"
            " addresses. It is no fault of the settings.",
            both, endpoints=[(one.relay, one.port) for one in sights if one.observer in both],
        )  # fmt: skip


def _broken_by_number(fleet: Fleet, sights: Sequence[Sight]) -> set[str]:
    """Observers whose connection broke, if that came with the number of connections at that moment."""
    broken = [one for one in sights if one.cause in _BROKEN]
    passing = [one for one in sights if one.ok]
    if len(broken) < 2 or len(passing) < 2:
        return set()
    sides = [{one.observer for one in side} for side in (broken, passing)]
    # What follows a group is a filter that resets.
    if any(one.confidence == "high" for one in splits(sides[0], sides[1] - sides[0], fleet.cohorts)):
        return set()
    times = sorted(one.when for one in sights)
    bad, good = ([_at_once(times, one.when) for one in side] for side in (broken, passing))
    more = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one in bad for other in good)
    return {one.observer for one in broken} if more / (len(bad) * len(good)) >= _BY_NUMBER else set()


def _at_once(times: Sequence[float], when: float) -> int:
    return sum(1 for one in times if abs(one - when) <= _AT_ONCE)


def certificate_statements(fleet: Fleet) -> Iterator[Statement]:
    """One endpoint that showed several certificates: renewed in between, or another one for some hosts.

    A relay that shows the same ones at several ports is one statement.
    """
    same: dict[tuple[t.Any, ...], list[Statement]] = defaultdict(list)
    for one in _certificate_statements(fleet):
        relay = one.endpoints[0].rpartition(":")[0]
        same[one.code, relay, one.hosts, one.contradicted_by, one.evidence].append(one)
    for several in same.values():
        first, places = several[0], tuple(sorted(place for one in several for place in one.endpoints))
        words = first.statement.replace(first.endpoints[0], " and ".join(places), 1)
        yield dataclasses.replace(first, statement=words, endpoints=places)


def _certificate_statements(fleet: Fleet) -> Iterator[Statement]:
    for endpoint, sights in sorted(fleet.by_endpoint.items()):
        leaves: dict[Leaf, list[Sight]] = defaultdict(list)
        for one in sights:
            if one.leaf is not None:
                leaves[one.leaf].append(one)
        if len(leaves) < 2 or len({one.observer for one in sights if one.leaf is not None}) < 2:
            continue
        # The two that most saw; a third one is somebody's proxy, or another server.
        most = sorted(leaves, key=lambda leaf: -len(leaves[leaf]))[:2]
        first, second = sorted(most, key=lambda leaf: (leaf.not_before, min(one.when for one in leaves[leaf])))
        apart = max(one.when for one in leaves[first]) < min(one.when for one in leaves[second])
        renewed = apart and first.not_before < second.not_before
        if renewed:
            yield _renewed(fleet, endpoint, (first, second), leaves)
        rest = [leaf for leaf in leaves if not renewed or leaf not in most]
        if rest:
            # Of two that are seen as often the one that fails is the odd one.
            odd = min(rest, key=lambda leaf: (len(leaves[leaf]), all(one.ok for one in leaves[leaf])))
            yield from _differs(fleet, endpoint, odd, leaves)


def _renewed(
    fleet: Fleet, endpoint: tuple[str, int], pair: tuple[Leaf, Leaf], leaves: Mapping[Leaf, list[Sight]]
) -> Statement:
    first, second = pair
    before, after = ({one.observer for one in leaves[leaf]} for leaf in pair)
    at = datetime.datetime.fromtimestamp(min(one.when for one in leaves[second]), datetime.UTC)
    few = min(len(before), len(after)) < 2
    # One host of few sees the newer certificate last by chance, too.
    sure: Confidence = "high" if not few else "medium" if len(before | after) >= _MANY else "low"
    other = " Or another server, or a TLS proxy, answered the one host." if few else ""
    return fleet.make(
        "certificate_renewed", "certificate", sure,
        f"The certificate of {endpoint[0]}:{endpoint[1]} {{sure}} was renewed between these probes, before"
        f" {at:%Y-%m-%d %H:%M:%S} UTC: {hosts_words(len(before))} saw the old one, {hosts_words(len(after))} the new one.{other}",
        "Nothing is wrong with a renewal; ask the hosts again that saw the old one, if it mattered.", before | after,
        endpoints=[endpoint],
        evidence=[f"Old: SHA-256 {first.sha256}, valid from {first.not_before}.",
                  f"New: SHA-256 {second.sha256}, valid from {second.not_before}."],
    )  # fmt: skip


def _differs(
    fleet: Fleet, endpoint: tuple[str, int], rare: Leaf, leaves: Mapping[Leaf, list[Sight]]
) -> Iterator[Statement]:
    """Another certificate for a cohort, or of one server among several."""
    some = {one.observer for one in leaves[rare]}
    others = {one.observer for each in leaves.values() for one in each} - some
    found = next(splits(some, others, fleet.cohorts), None)
    causes = Counter(one.cause for one in leaves[rare] if one.cause)
    evidence = (
        [f"Causes: {', '.join(f'{cause} {count} times' for cause, count in causes.most_common())}."] if causes else []
    )
    if found is not None and found.inside == some:
        yield fleet.make(
            "certificate_differs", "certificate", found.confidence,
            f"{split_words(found)} {{sure}} meets another {endpoint[0]}:{endpoint[1]} than all others: it shows"
            f" {hosts_words(len(some))} a certificate whose chain leads to {rare.issuer!r}. A TLS proxy, or another answer of the DNS.",
            "Compare the addresses of the relay's name there, and ask whoever runs the network about TLS inspection.",
            some, against=found.spared, endpoints=[endpoint], cohort=found.cohort, evidence=evidence,
        )  # fmt: skip
    elif len(some | others) >= 3:
        yield fleet.make(
            "certificate_differs", "certificate", "low",
            f"{endpoint[0]}:{endpoint[1]} showed {len(leaves)} certificates in turn: {{sure}} several servers stand behind"
            " the name, and not all have the same one.",
            f"Ask the operator of {endpoint[0]} to give all servers the same certificate.", some, endpoints=[endpoint],
            evidence=evidence,
        )  # fmt: skip


def relay_statements(fleet: Fleet, explained: Set[str]) -> Iterator[Statement]:
    """What everybody, or one cohort, who reaches a relay is told by it. ``explained``: causes that are somebody else's."""
    followed: dict[tuple[str, t.Any], list[tuple[tuple[str, int], t.Any]]] = defaultdict(list)
    off = {one for one, skew in _skews(fleet).items() if abs(skew) >= _OFF}
    for endpoint, sights in sorted(fleet.by_endpoint.items()):
        causes = Counter(one.cause for one in sights if one.cause and one.layer not in ("dns", "tcp"))
        for cause, _count in causes.most_common():
            # What a host with another time than the controller's says of dates says nothing of the relay.
            unasked = off if cause in CLOCK_CAUSES else set()
            bad = {one.observer for one in sights if one.cause == cause} - unasked
            good = {one.observer for one in sights if one.cause != cause and _came_to(one, cause)} - bad - unasked
            # Where others accept the same one, it is the hosts' clocks or stores; those have statements of their own.
            own = cause in (*CLOCK_CAUSES, *TRUST_CAUSES) and _accepted(sights, cause)
            if len(bad) < 2 or cause in explained or own:
                continue
            found = list(splits(bad, good, fleet.cohorts))
            for one in found:
                followed[cause, one.cohort].append((endpoint, one))
            if not found and len(bad) >= _NEARLY_ALL * len(bad | good):
                yield _everybody(fleet, endpoint, cause, bad, good)
    for (cause, cohort), both in followed.items():
        best = both[0][1]
        inside = frozenset().union(*(one.inside for _e, one in both))
        spared = frozenset().union(*(one.spared for _e, one in both)) - inside
        endpoints = [endpoint for endpoint, _s in both]
        get = (
            f"{len(inside)} of {hosts_words(len(inside | spared))} get {cause} from"
            f" {', '.join(sorted({f'{relay}:{port}' for relay, port in endpoints}))}, unlike {others_words(len(best.well))}"
        )
        code, what, remedy = (
            "group_differs", "is treated in another way than the rest",
            f"Compare these hosts' addresses, network and settings with the others': {_hint(cause)}",
        )  # fmt: skip
        if _other_mode(fleet, endpoints, cause):
            code, what = "same_setting", "has the same mistake in the settings"
            get += ", whose mode is another one"
            remedy = "Change it once, where these hosts have it from (group_vars); the others show which mode works."
        yield fleet.make(
            code, _layer(cause), best.confidence, f"{split_words(best)} {{sure}} {what}: {get}.", remedy, inside,
            against=spared, endpoints=endpoints, cohort=cohort,
        )  # fmt: skip


def _other_mode(fleet: Fleet, endpoints: Sequence[tuple[str, int]], cause: str) -> bool:
    """Whether those who get the cause ask in other modes (security) than those for whom it works."""
    sights = [one for each in endpoints for one in fleet.by_endpoint[each]]
    bad = {one.security for one in sights if one.cause == cause}
    good = {one.security for one in sights if one.ok}
    return bool(good) and not bad & good


def _accepted(sights: Sequence[Sight], cause: str) -> bool:
    """Whether a certificate that is refused for this cause passes elsewhere."""
    return bool({one.leaf for one in sights if one.cause == cause} & {one.leaf for one in sights if _trusts(one)})


def _trusts(sight: Sight) -> bool:
    """Whether the certificate passed, whatever came after it."""
    return sight.ok or sight.layer in ("auth", "transaction")


def _came_to(sight: Sight, cause: str) -> bool:
    """Whether the observer came so far that it would have met the cause: who fails before says nothing of it."""
    if sight.ok:
        return True
    if not sight.reached or sight.limit:
        return False
    steps = _IN_TLS if sight.security == "implicit_tls" else _IN_CLEAR
    here, there = (steps.index(one) if one in steps else len(steps) for one in (sight.layer, _layer(cause)))
    return here >= there


def _everybody(fleet: Fleet, endpoint: tuple[str, int], cause: str, bad: Set[str], good: Set[str]) -> Statement:
    relay, port = endpoint
    layer = _layer(cause)
    confidence: Confidence = "high" if len(bad) >= 3 and not good else "medium"
    settings = layer in ("mode", "settings") or cause in _SETTINGS
    if settings:
        sentence = (
            f"The same mistake in the settings {{sure}} is on {hosts_words(len(bad))}: {cause} at {relay}:{port}."
        )
        remedy = "Change it once, where all of them have it from (group_vars)."
    else:
        other, advice = _NOT_THE_RELAY.get(cause, ("", ""))
        if other:
            # However many hosts agree: they may all have the same in their way.
            confidence = "medium"
        sentence = (
            f"It {{sure}} is the relay{other}: {len(bad)} of {hosts_words(len(bad | good))} that reach {relay}:{port}"
            f" get {cause}."
        )
        remedy = f"{advice or 'Ask'} the operator of {relay}{'' if other else '; no host has to be changed for that'}."
    code = "same_setting" if settings else "relay_fault"
    return fleet.make(code, layer, confidence, sentence, remedy, bad, against=good, endpoints=[endpoint])


def _layer(cause: str) -> str:
    """Where the cause belongs; another release may know causes that this one does not."""
    try:
        return layer_of(cause)
    except KeyError:
        return "transaction"


def _hint(cause: str) -> str:
    if cause in ("greeting_rejected", "sender_rejected", "recipient_rejected"):
        return "the relay may refuse their addresses."
    if cause in _SETTINGS:
        return "they may have another login, or the relay allows it from other addresses only."
    if cause in ("starttls_not_offered", "starttls_rejected", "not_smtp", "ehlo_rejected"):
        return "a firewall on the way may change the SMTP session."
    return "something on the way, or a setting that only they have."


def app_statements(fleet: Fleet) -> Iterator[Statement]:
    """The same mistake in the same app on several hosts, from their files."""
    by_app: dict[str, list[AppSight]] = defaultdict(list)
    for one in fleet.apps:
        by_app[one.app].append(one)
    for app, sights in sorted(by_app.items()):
        codes = sorted({code for one in sights for code, _m, _r in one.wrong})
        for code in codes:
            having = {one.observer: what for one in sights for what in one.wrong if what[0] == code}
            if len(having) < 2:
                continue
            others = {one.observer for one in sights} - set(having)
            said = Counter(what[1:] for what in having.values())
            (message, remedy), count = said.most_common(1)[0]
            same = count >= _NEARLY_ALL * len(having)
            shared = common(set(having), fleet.cohorts)
            yield fleet.make(
                "same_setting", "settings", "high" if same else "medium",
                f"The same setting of {app} {{sure}} is wrong on {hosts_words(len(having))} of {len(having) + len(others)}:"
                f" {code}. {message}",
                f"{remedy} Change it once, where all of them have it from.", set(having),
                cohort=shared[0] if shared and others else None,
            )  # fmt: skip


def _ago(seconds: float) -> str:
    size, side = abs(seconds), "ahead of" if seconds > 0 else "behind"
    number, unit = (
        (size / 86400, "days")
        if size >= 2 * 86400
        else (size / 3600, "hours")
        if size >= 7200
        else (size / 60, "minutes")
    )
    return f"{number:.0f} {unit} {side}"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement on several hosts, and the table by which it is made."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass, replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.cohorts import (
    Confidence,
    Split,
    cohort_entry,
    cohort_words,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.observers import AppSight, Cohort, Sight, Sights
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

__all__ = ("SURE", "Fleet", "Statement", "hosts_words", "others_words", "ports_together", "ports_words", "split_words")

# How sure a statement sounds.
SURE: Mapping[Confidence, str] = {"high": "almost certainly", "medium": "probably", "low": "possibly"}


@dataclass(frozen=True)
class Statement:
    """One cause that several hosts show together.

    ``hosts`` show it, ``contradicted_by`` speak against it. ``cohort``: kind and name of what they share. ``evidence``:
    what was counted, one sentence each.
    """

    code: str
    layer: str
    statement: str
    confidence: Confidence
    hosts: tuple[str, ...]
    contradicted_by: tuple[str, ...]
    remedy: str
    endpoints: tuple[str, ...] = ()
    cohort: Mapping[str, str] | None = None
    evidence: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        """As JSON holds it; what strangers said is printable."""
        return t.cast("dict[str, t.Any]", printable_data(asdict(self)))


class Fleet:
    """The sights in the order in which statements ask for them. An endpoint is (relay, port)."""

    def __init__(self, sights: Sights) -> None:
        self.cohorts = sights.cohorts
        self.names = sights.names
        self.apps: list[AppSight] = sights.apps
        self.by_endpoint: dict[tuple[str, int], list[Sight]] = defaultdict(list)
        self.by_observer: dict[str, list[Sight]] = defaultdict(list)
        for one in sights.endpoints:
            self.by_endpoint[one.relay, one.port].append(one)
            self.by_observer[one.observer].append(one)

    def leave_out(self, what: Set[tuple[str, str]]) -> None:
        """Forget broken connections that are explained, by inventory host and "relay:port"."""

        def stays(one: Sight) -> bool:
            place = f"{one.relay}:{one.port}"
            return one.ok or not any((host, place) in what for host in self.names.get(one.observer, ()))

        for table in (self.by_endpoint, self.by_observer):
            for key, sights in table.items():
                table[key] = [one for one in sights if stays(one)]  # type: ignore[index]

    def hosts(self, observers: Iterable[str]) -> tuple[str, ...]:
        """Inventory names."""
        return tuple(sorted({name for one in observers for name in self.names.get(one, (one,))}))

    def some(self, observers: Set[str], most: int = 5) -> str:
        """The first inventory names, and how many more there are; of one machine, whatever it stands for, its name."""
        names = self.hosts(observers)
        if len(names) > 1 and len(observers) == 1:
            (machine,) = observers
            return f"{machine} (asked for {len(names)} hosts of the inventory)" if machine not in names else machine
        return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

    def make(
        self,
        code: str,
        layer: str,
        confidence: Confidence,
        sentence: str,
        remedy: str,
        observers: Set[str],
        *,
        against: Set[str] = frozenset(),
        endpoints: Iterable[tuple[str, int]] = (),
        cohort: Cohort | None = None,
        evidence: Iterable[str] = (),
    ) -> Statement:
        """A statement on observers, by their names. {sure} in the sentence says how sure it is."""
        hosts = self.hosts(observers)
        if len(hosts) > len(observers):
            # Sentences count machines, and readers see names beside them.
            sentence += f" That is by machines; the inventory has {hosts_words(len(hosts))} for them."
        return Statement(
            code,
            layer,
            sentence.replace("{sure}", SURE[confidence]),
            confidence,
            hosts,
            self.hosts(against),
            remedy,
            tuple(f"{relay}:{port}" for relay, port in sorted(set(endpoints))),
            cohort_entry(cohort) if cohort else None,
            tuple(evidence),
        )


def ports_together(found: Iterable[Statement]) -> list[Statement]:
    """Of statements that say the same of several ports of one relay, and rest on the same hosts, one with all of the ports."""
    same: dict[tuple[t.Any, ...], list[tuple[str, Statement]]] = defaultdict(list)
    for one in found:
        place = one.endpoints[0] if len(one.endpoints) == 1 else ""
        port = place.rpartition(":")[2]
        words = (
            text.replace(place, "").replace(f"port {port}", "") if port else text
            for text in (one.statement, one.remedy)
        )
        relay = place.rpartition(":")[0] or one.endpoints
        key = (one.code, one.confidence, one.hosts, one.contradicted_by, relay, *words)
        same[key].append((port, one))
    return [_of_ports([port for port, _one in several], [one for _port, one in several]) for several in same.values()]


def _of_ports(ports: list[str], several: list[Statement]) -> Statement:
    first = several[0]
    if len(several) == 1:
        return first
    places = tuple(sorted(place for one in several for place in one.endpoints))
    statement, remedy = (
        text.replace(first.endpoints[0], " and ".join(places)).replace(
            f"port {ports[0]}", f"ports {' and '.join(ports)}"
        )
        for text in (first.statement, first.remedy)
    )
    evidence = tuple(dict.fromkeys(line for one in several for line in one.evidence))
    return replace(first, statement=statement, remedy=remedy, endpoints=places, evidence=evidence)


def hosts_words(count: int) -> str:
    """ "1 host", "5 hosts"."""
    return "1 host" if count == 1 else f"{count} hosts"


def others_words(count: int) -> str:
    """ "1 other", "5 others"."""
    return "1 other" if count == 1 else f"{count} others"


def ports_words(endpoints: Iterable[tuple[str, int]]) -> str:
    """ "port 465 of smtp.example.com", or of how many relays."""
    found = sorted(set(endpoints))
    ports, relays = sorted({port for _relay, port in found}), sorted({relay for relay, _port in found})
    many = "port" if len(ports) == 1 else "ports"
    of = relays[0] if len(relays) == 1 else f"{len(relays)} relays"
    return f"{many} {', '.join(map(str, ports[:5]))} of {of}"


def split_words(found: Split) -> str:
    """The cohort, and those with the same hosts."""
    others = [cohort_words(one) for one in found.others[:3]]
    return cohort_words(found.cohort) + (f" (the same hosts: {', '.join(others)})" if others else "")

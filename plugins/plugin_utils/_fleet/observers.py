# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a record counts when hosts are compared, in a form of which fifty thousand fit into memory. Pure.

An *observer* is one machine that was asked: two inventory names of one machine, or two hosts that delegate to a third,
are one observer, because they prove no more than one does.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import APP_KINDS, ENDPOINT_KINDS, Record

__all__ = ("Cohort", "Leaf", "Sight", "Sights", "look")

# A set of hosts that share something: its kind ("group", "network" or the name of a variable), and which one; of hosts
# that share two things, kind and name of either, one after the other.
Cohort = tuple[str, ...]

_EVERYBODY = frozenset(("all", "ungrouped"))
# What a firewall of the host itself answers, before any packet leaves it.
_LOCAL = ("EPERM", "EACCES")


class Leaf(t.NamedTuple):
    """The relay's own certificate, as an address showed it. Times are ISO 8601."""

    sha256: str
    not_before: str
    issuer: str  # of the last certificate of the chain: the CA that must be known


class Sight(t.NamedTuple):
    """One endpoint, as one observer saw it."""

    observer: str
    relay: str
    port: int
    security: str
    when: float  # seconds since the epoch
    ok: bool
    cause: str | None
    layer: str | None
    local: bool  # the host's own firewall said no
    limit: bool  # the relay said that it is too much, or not now
    addresses: tuple[tuple[str, int, str | None], ...]  # address, family, cause (null: it works)
    leaf: Leaf | None
    skew: float | None  # seconds that the host's clock is ahead of the controller's
    store_empty: bool
    other_ports: frozenset[int]  # of the same relay, which were found to work

    @property
    def reached(self) -> bool:
        """Whether a TCP connection to the endpoint came about."""
        return self.ok or self.layer not in ("settings", "dns", "tcp")


class AppSight(t.NamedTuple):
    """One app's file on one observer, and what is wrong with it."""

    observer: str
    app: str
    wrong: tuple[tuple[str, str, str], ...]  # code, message, remedy
    relay: str


class Sights(t.NamedTuple):
    """All that is compared: the last sight of each thing, and what each observer belongs to."""

    endpoints: list[Sight]
    apps: list[AppSight]
    cohorts: Mapping[str, frozenset[Cohort]]
    names: Mapping[str, tuple[str, ...]]  # observer -> the inventory hosts that it stands for


def look(records: Iterable[Record]) -> Sights:
    """Everything of the records that counts. Of several on the same thing the last one does.

    What a container saw is left out: it is no second host, and not the host either.
    """
    endpoints: dict[tuple[str, str, int, str], Sight] = {}
    apps: dict[tuple[str, str, str], AppSight] = {}
    cohorts: dict[str, frozenset[Cohort]] = {}
    names: dict[str, dict[str, None]] = {}
    observers = _Observers()
    for record in records:
        if record.vantage.get("container"):
            continue
        observer = observers.of(record)
        if str(record.vantage.get("host") or record.host) == record.host:
            cohorts[observer] = cohorts.get(observer, frozenset()) | _cohorts(record)
        if record.kind in APP_KINDS and record.app is not None and record.ok is not None:
            apps[observer, str(record.app["app"]), str(record.app["path"])] = _app(observer, record)
            names.setdefault(observer, {})[record.host] = None
        # Nothing was sent in a case of not_asked: it says nothing about anybody.
        if (
            record.kind not in ENDPOINT_KINDS
            or record.ok is None
            or record.probe is None
            or record.cause == "not_asked"
        ):
            continue
        sight = _sight(observer, record)
        # Each machine has a localhost of its own: what they say of it is not on one thing.
        if _is_this_machine(sight.relay):
            continue
        key = (observer, sight.relay, sight.port, sight.security)
        if key not in endpoints or endpoints[key].when <= sight.when:
            endpoints[key] = sight
        names.setdefault(observer, {})[record.host] = None
    return Sights(
        list(endpoints.values()),
        list(apps.values()),
        cohorts,
        {observer: tuple(hosts) for observer, hosts in names.items()},
    )


class _Observers:
    """Tells which inventory hosts are one machine: by the whole list of their addresses, or as the controller itself."""

    def __init__(self) -> None:
        self._by_addresses: dict[tuple[str, ...], str] = {}
        self._controller: str | None = None

    def of(self, record: Record) -> str:
        name = str(record.vantage.get("host") or record.host)
        if record.vantage.get("local") and name == record.host:
            self._controller = self._controller or name
            return self._controller
        own = tuple(sorted(one for one in record.vantage.get("addresses") or () if not _is_loopback(one)))
        return self._by_addresses.setdefault(own, name) if own and name == record.host else name


def _is_loopback(text: str) -> bool:
    address = _address(text)
    return address is None or address.is_loopback or address.is_link_local


def _is_this_machine(relay: str) -> bool:
    address = _address(relay)
    return address.is_loopback if address is not None else relay.lower().rstrip(".").split(".")[-1] == "localhost"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _cohorts(record: Record) -> frozenset[Cohort]:
    found: set[Cohort] = {("group", name) for name in record.groups if name not in _EVERYBODY}
    found |= {(name, str(value)) for name, value in record.variables.items()}
    for text in record.vantage.get("addresses") or ():
        address = _address(text)
        if address is not None and not _is_loopback(text):
            size = 24 if address.version == 4 else 64
            found.add(("network", str(ipaddress.ip_network(f"{address}/{size}", strict=False))))
    return frozenset(found)


def _sight(observer: str, record: Record) -> Sight:
    probe, endpoint = record.probe or {}, record.endpoint or {}
    evidence = record.evidence or {}
    certificates = probe["certificates"]
    leaf = None
    if certificates:
        first, last = certificates[0], certificates[-1]
        leaf = Leaf(first["sha256"], first["not_before"], last["issuer"])
    return Sight(
        observer=observer,
        relay=str(endpoint.get("host") or probe["host"]),
        port=int(endpoint.get("port") or probe["port"]),
        security=str(endpoint.get("security") or probe["security"]),
        when=record.when.timestamp(),
        ok=bool(record.ok),
        cause=record.cause,
        layer=record.layer,
        local=_refused_here(evidence.get("observation", {}).get("attempts")),
        limit=record.cause == "temporarily_rejected",
        addresses=tuple(
            (one["address"], one["family"], None if one["ok"] else one["cause"])
            for one in probe["addresses"]
            if one["ok"] is not None
        ),
        leaf=leaf,
        skew=evidence.get("skew"),
        store_empty=bool(evidence.get("trust_store_empty")),
        other_ports=frozenset(one["port"] for one in record.alternatives if one["ok"]),
    )


def _refused_here(attempts: object) -> bool:
    """Whether the host's own system refused to send. Evidence of another release may have any form."""
    failures = (
        [one.get("failure") for one in attempts if isinstance(one, Mapping)] if isinstance(attempts, list) else []
    )
    return any(isinstance(one, Mapping) and one.get("errno") in _LOCAL for one in failures)


def _app(observer: str, record: Record) -> AppSight:
    wrong = tuple(
        (one["code"], one["message"], one["remedy"] or "") for one in record.findings if one["severity"] != "info"
    )
    relay = str((record.endpoint or {}).get("host") or "")
    return AppSight(observer, str((record.app or {})["app"]), wrong, relay)

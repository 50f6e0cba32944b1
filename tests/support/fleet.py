# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that was never asked: records of any number of hosts and endpoints, made by the real judge from evidence with planted causes.

fleet = Fleet(make_chains(tmp_path), hosts=1000, endpoints=5)
fleet.plant(lambda host, endpoint: "outbound 465" if "blue" in host.groups and endpoint.port == 465 else None)
for record in fleet.records(): ...

python -m tests.support.fleet --hosts 10000 --endpoints 5 FILE      # a file of them, with all causes of PLANTED
"""

from __future__ import annotations

import argparse
import base64
import copy
import dataclasses
import datetime
import json
import pathlib
import sys
import tempfile
import typing as t
from collections.abc import Callable, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis, keep
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.make import endpoint_record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, as_line
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all
from cryptography.hazmat.primitives.serialization import Encoding

from .evidence import GREETING, attempt, broken, ehlo, in_tls, make_chains, observation
from .pki import Pki

__all__ = ["FAULTS", "NO_VERDICT", "Endpoint", "Fleet", "Host", "chains_of_a_fleet", "default_plan", "open_route"]

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of the inventory."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    addresses: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """What it is asked for."""

    host: str
    port: int
    security: str


class Fault(t.NamedTuple):
    """What a host sees: the observation (chains by name), and what holds for the host."""

    seen: Observation
    clock: datetime.datetime = NOW
    skew: float = 0.0
    trust_store_empty: bool = False


# -- what a host may see of an endpoint


def open_route(
    security: str, chain: str = "good", address: str = "192.0.2.1", family: int = 4, **more: t.Any
) -> Attempt:
    """A session that came through."""
    if security == "implicit_tls":
        inside = ehlo(None, ("SIZE 1000", "AUTH PLAIN LOGIN"))
        found = attempt("implicit_tls", "tcp tls certificate greeting ehlo", **in_tls(ehlo=inside, chain=chain))
    else:
        found = attempt("starttls", **in_tls(chain=chain))
    return t.cast(Attempt, {**found, "address": address, "family": family, **more})


def _at(found: Attempt, address: str, family: int = 4) -> Attempt:
    return t.cast(Attempt, {**found, "address": address, "family": family})


def _tcp(kind: t.Any, **facts: t.Any) -> Attempt:
    return attempt(rungs="tcp!", failure=broken("tcp", kind, **facts))


def _refused_chain(security: str, chain: str, code: int, text: str) -> Attempt:
    rungs = "tcp tls certificate!" if security == "implicit_tls" else "tcp greeting ehlo starttls tls certificate!"
    tls = {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": False, "verify_error": text}
    seen = {} if security == "implicit_tls" else {"greeting": GREETING, "ehlo": ehlo()}
    failure = broken("certificate", "certificate", verify_code=code, text=text)
    return attempt(t.cast(t.Any, security), rungs, failure, tls=tls, chain=chain, chain_available=True, **seen)


def _with_587(made: Observation) -> Observation:
    """The same, and 587 of the relay answered."""
    route = {"port": 587, "security": "starttls", "attempts": [open_route("starttls")]}
    return t.cast(Observation, {**made, "alternatives": [route]})


def _limit(endpoint: Endpoint) -> Attempt:
    lines = ["4.7.0 Error: too many connections from your address"]
    first = broken("greeting", "reply", code=421, lines=lines)
    return attempt(t.cast(t.Any, endpoint.security), "tcp greeting!", first)


FAULTS: dict[str, Callable[[Endpoint], Fault]] = {
    "works": lambda e: Fault(observation(open_route(e.security))),
    "renewed": lambda e: Fault(observation(open_route(e.security, "good again"))),
    "filtered": lambda e: Fault(_with_587(observation(_tcp("timeout", waited_ms=10000.0)))),
    "filtered, no other": lambda e: Fault(observation(_tcp("timeout", waited_ms=10000.0))),
    "refused": lambda e: Fault(observation(_tcp("os", errno="ECONNREFUSED"))),
    "own firewall": lambda e: Fault(observation(_tcp("os", errno="EPERM"))),
    "relay unknown": lambda e: Fault(
        observation(dns={"ok": False, "ms": 10.0, "failure": broken("dns", "resolver", error="EAI_NONAME")})
    ),
    "resolver dead": lambda e: Fault(
        observation(dns={"ok": False, "ms": 10.0, "failure": broken("dns", "resolver", error="EAI_AGAIN")})
    ),
    "one address dead": lambda e: Fault(
        observation(open_route(e.security), _at(_tcp("timeout", waited_ms=2000.0), "192.0.2.2"))
    ),
    "no ipv6": lambda e: Fault(
        observation(open_route(e.security), _at(_tcp("os", errno="ENETUNREACH"), "2001:db8::1", 6))
    ),
    "ipv6 works": lambda e: Fault(
        observation(open_route(e.security), open_route(e.security, address="2001:db8::1", family=6))
    ),
    "untrusted": lambda e: Fault(
        observation(_refused_chain(e.security, "stranger", 20, "unable to get local issuer certificate"))
    ),
    "empty store": lambda e: Fault(
        observation(_refused_chain(e.security, "good", 20, "unable to get local issuer certificate")),
        trust_store_empty=True,
    ),
    "wrong clock": lambda e: Fault(
        observation(_refused_chain(e.security, "good", 9, "certificate is not yet valid")),
        clock=NOW - datetime.timedelta(days=400),
        skew=-400 * 86400.0,
    ),
    "expired": lambda e: Fault(observation(_refused_chain(e.security, "expired", 10, "certificate has expired"))),
    "expiring": lambda e: Fault(observation(open_route(e.security, "expiring"))),
    "too many": lambda e: Fault(observation(_limit(e))),
    "reset": lambda e: Fault(observation(_tcp("reset"))),
}


# The kinds of hosts that gave no verdict, and why.
NO_VERDICT = {
    "unreachable": "Failed to connect to the host via ssh: Connection timed out",
    "skipped": "The task was skipped: mail_config_settings is defined",
    "not_asked": "The host failed before it was asked, at the task 'Install packages'.",
}


def default_plan(host: Host, endpoint: Endpoint) -> str:
    """Causes as a fleet has them: a provider's filter, one firewall, one group without IPv6, a clock, a store, a limit."""
    number = int(host.name[1:])
    if number % 40 == 39:
        return ("unreachable", "skipped", "not_asked")[number // 40 % 3]
    if host.variables.get("provider") == "bluecloud" and endpoint.port == 465:
        return "filtered"
    if "rack9" in host.groups:
        return "no ipv6"
    if number == 17:
        return "own firewall"
    if number % 97 == 5:
        return "wrong clock"
    if "legacy" in host.groups:
        return "empty store"
    if endpoint.host == "smtp3.example.com":
        return "expired"
    return "too many" if endpoint.host == "smtp4.example.com" and number % 3 == 0 else "works"


class Fleet:
    """``hosts`` hosts in groups and with a provider, each asked for ``endpoints`` endpoints."""

    def __init__(self, chains: Mapping[str, list[str]], hosts: int = 20, endpoints: int = 1, run: str = "run1") -> None:
        self.chains = chains
        self.run = run
        self.when = NOW
        self.hosts = [self._host(number) for number in range(hosts)]
        ports = ((465, "implicit_tls"), (587, "starttls"))
        self.endpoints = [Endpoint(f"smtp{n // 2 + 1}.example.com", *ports[n % 2]) for n in range(endpoints)]
        self._plan: Callable[[Host, Endpoint], str | None] = default_plan

    @staticmethod
    def _host(number: int) -> Host:
        groups = ["all_linux", f"rack{number % 10}", "web" if number % 2 else "db"]
        if number % 50 == 3:
            groups.append("legacy")
        provider = "bluecloud" if number % 7 == 2 else "ironhost"
        where = {"provider": provider, "datacenter": f"dc{number % 3}"}
        return Host(f"h{number:05}", tuple(sorted(groups)), where, (f"10.{number >> 8 & 255}.{number & 255}.5",))

    def plant(self, plan: Callable[[Host, Endpoint], str | None]) -> Fleet:
        """Decide by host and endpoint which of FAULTS (or NO_VERDICT) is seen; null: it works."""
        self._plan = plan
        return self

    def records(self) -> Iterator[Record]:
        """One for each host and endpoint, as the callback writes them."""
        for number, host in enumerate(self.hosts):
            yield from self.of_host(host, self.when + datetime.timedelta(milliseconds=number))

    def of_host(self, host: Host, when: datetime.datetime) -> Iterator[Record]:
        """The records of one call of the gate, or the one of a host that gave no verdict."""
        first = self._plan(host, self.endpoints[0]) or "works"
        about = self._about(host, when)
        if first in NO_VERDICT:
            yield Record(**{**about, "kind": first, "message": NO_VERDICT[first]})
            return
        faults = [FAULTS[self._plan(host, one) or "works"](one) for one in self.endpoints]
        settings = [
            parse_settings({"host": one.host, "port": one.port, "security": one.security}, probed=True)
            for one in self.endpoints
        ]
        seen = [t.cast(Observation, _with_chains(copy.deepcopy(one.seen), self.chains)) for one in faults]
        policy = Policy()
        for one, made, fault in zip(settings, seen, faults):
            facts = HostFacts(fault.clock, fault.skew, fault.trust_store_empty)
            verdict = judge_all([one], [made], policy, facts)[0]
            yield endpoint_record(about, verdict.probe, keep(Basis(one, made, policy, facts)), verdict.alternatives)

    def _about(self, host: Host, when: datetime.datetime) -> dict[str, t.Any]:
        return {
            "time": when.isoformat(), "run": self.run, "playbook": "gate.yml", "play": "Refuse hosts", "kind": "gate",
            "task": "Ask this host for its relay", "action": "smtp_gate", "host": host.name, "groups": host.groups,
            "variables": host.variables, "check_mode": False,
            "vantage": {"host": host.name, "container": None, "addresses": list(host.addresses), "local": False},
        }  # fmt: skip


def _with_chains(found: t.Any, chains: Mapping[str, list[str]]) -> t.Any:
    if isinstance(found, dict):
        return {
            key: chains[value] if key == "chain" and isinstance(value, str) else _with_chains(value, chains)
            for key, value in found.items()
        }
    return [_with_chains(each, chains) for each in found] if isinstance(found, list) else found


def chains_of_a_fleet(folder: pathlib.Path) -> dict[str, list[str]]:
    """The chains that FAULTS name; kept in the folder, as making keys takes a second."""
    kept = folder / "chains.json"
    if not kept.exists():
        found = make_chains(folder / "first")
        again = Pki(folder / "second").issue("relay.test", valid=(0, 90))
        found["good again"] = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in again.chain]
        kept.write_text(json.dumps(found))
    return t.cast("dict[str, list[str]]", json.loads(kept.read_text()))


def main() -> int:
    """Write a file of records."""
    parser = argparse.ArgumentParser(description="Write records of a fleet that was never asked.")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=5)
    parser.add_argument("--run", default="run1")
    parser.add_argument("file", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, options.file.open("w", encoding="utf-8") as file:
        fleet = Fleet(chains_of_a_fleet(pathlib.Path(folder)), options.hosts, options.endpoints, options.run)
        file.writelines(as_line(record) for record in fleet.records())
    return 0


if __name__ == "__main__":
    sys.exit(main())

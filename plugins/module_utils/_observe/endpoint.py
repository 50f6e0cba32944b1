# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many endpoints at once, every address of each at once, alternatives within the same wait."""

from __future__ import annotations

import threading
import time
import typing as t

from .clock import Deadline
from .failure import Failure
from .ladder import Climb, ClimbOptions
from .ports import IMPLICIT_TLS_PORTS
from .resolve import ADDRESSES_AT_ONCE, Address, resolve
from .tls import TLSContexts
from .wire import Wire

if t.TYPE_CHECKING:
    from .evidence import Attempt, Elsewhere, FailureEntry, Observation, Plan, Route, Security

__all__ = ("ContextPool", "Credentials", "observe")

# User name, password and mechanism of one endpoint; None where no login is to be tried.
Credentials = t.Optional[t.Tuple[str, str, t.Optional[str]]]

_ENDPOINTS_AT_ONCE = 64
_CLIMBS_AT_ONCE = 512
# How long a connect may stay unanswered before the other ports are asked.
_PATIENCE = 1.0
# Once one address works, what the others still get: seconds, or a multiple of what the first took.
_GRACE_SECONDS, _GRACE_FACTOR = 2.0, 3.0
# The end of the time that is kept for alternatives when an endpoint connects but never comes to an end.
_RESERVE_SECONDS, _RESERVE_SHARE = 2.0, 0.2
_ALTERNATIVE_ADDRESSES = 4
# How long the other ports get once the chosen one has failed, where they say nothing or nothing more is to be learnt:
# seconds near by, round trips far away.
_OTHERS_SECONDS = 0.6
# The same where the best of them is going to be used: a lost SYN is sent again after a second (RFC 6298).
_CHOICE_SECONDS = 1.3
_OTHERS_ROUND_TRIPS = 8


class ContextPool:
    """The TLS contexts of a call, one for each way to verify."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[bool, str | None, str], TLSContexts] = {}

    def get(self, plan: Plan) -> TLSContexts:
        """The contexts for an endpoint's plan."""
        key = (plan["validate_certs"], plan["ca_path"], plan["minimum_tls_version"])
        if key not in self._contexts:
            self._contexts[key] = TLSContexts(*key)
        return self._contexts[key]

    def warm(self) -> None:
        """Make the contexts while the first replies are on their way."""
        for contexts in list(self._contexts.values()):
            contexts.context()


class _Party:
    """Climbs that run at once for one endpoint, and the condition that tells when one of them ends."""

    _slots = threading.BoundedSemaphore(_CLIMBS_AT_ONCE)

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.crash: Exception | None = None

    def start(self, work: t.Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own; waiters are told when it ends."""

        def run() -> None:
            try:
                with self._slots:
                    work()
            except Exception as error:  # a fault of ours must not pass for silence of the relay
                self.crash = error
            with self.changed:
                self.changed.notify_all()

        threading.Thread(target=run, daemon=True).start()

    def wait_until(self, satisfied: t.Callable[[], bool], deadline: Deadline) -> None:
        """Wait until ``satisfied()`` or the deadline."""
        with self.changed:
            self.changed.wait_for(lambda: self.crash is not None or satisfied(), deadline.remaining())
        if self.crash is not None:
            raise self.crash


class _Route:
    """One port of the relay, climbed on several addresses at once."""

    def __init__(self, port: int, security: Security, options: ClimbOptions, contexts: TLSContexts, deadline: Deadline) -> None:
        self.port = port
        self.security = security
        self.options = options
        self.contexts = contexts
        self.deadline = deadline
        self.climbs: list[Climb] = []
        self.waiting: list[tuple[Climb, t.Callable[[], None]]] = []
        self.done: dict[int, Attempt] = {}
        self.started = time.monotonic()
        self.first_success = 0.0
        self.login: Attempt | None = None

    def start(self, addresses: list[Address], party: _Party, cleartext: t.Callable[[Address], bool]) -> None:
        """Begin to climb, on a few addresses at once; the next one takes its turn when one has failed."""
        for index, address in enumerate(addresses):
            security = self.security
            if security == "auto" and self.port in IMPLICIT_TLS_PORTS:
                security = "implicit_tls"
            sockaddr = (address.sockaddr[0], self.port, *address.sockaddr[2:])
            options = self.options._replace(cleartext_allowed=cleartext(address))
            climb = Climb(Address(address.family, sockaddr), security, options, self.contexts, self.deadline)
            self.climbs.append(climb)
            self.waiting.append((climb, self._work(index, climb, party)))
        for _turn in range(ADDRESSES_AT_ONCE):
            self._start_next(party)

    def _start_next(self, party: _Party) -> None:
        with party.changed:
            if not self.waiting:
                return
            climb, work = self.waiting.pop(0)
            climb.begun = True
        party.start(work)

    def _work(self, index: int, climb: Climb, party: _Party) -> t.Callable[[], None]:
        def work() -> None:
            evidence = climb.run()
            failure = evidence["failure"]
            if self.security == "auto" and climb.security == "implicit_tls" and failure and failure["kind"] == "plaintext":
                # Guessed by the port's convention, and the port speaks otherwise.
                evidence = Climb(climb.address, "auto", climb.options, climb.contexts, climb.deadline).run()
            if evidence["failure"] is None and not evidence.get("yielded") and not self.first_success:
                self.first_success = time.monotonic()
            self.done[index] = evidence
            if evidence["failure"] is not None:
                self._start_next(party)

        return work

    @property
    def finished(self) -> bool:
        """Whether every address has been climbed, or no further one will be because one works."""
        return len(self.done) == sum(climb.begun for climb in self.climbs) and (not self.waiting or self.works)

    @property
    def silent(self) -> bool:
        """Whether what still climbs has not even been answered by TCP."""
        return not any(climb.connected for index, climb in enumerate(self.climbs) if index not in self.done)

    @property
    def works(self) -> bool:
        """Whether one address has passed."""
        return bool(self.first_success)

    @property
    def weak(self) -> bool:
        """Whether it works, and in cleartext."""
        return self.works and not any("tls" in evidence for evidence in list(self.done.values()) if evidence["failure"] is None)

    @property
    def unanswered(self) -> bool:
        """Whether no address has answered a connect yet."""
        return not any(climb.connected for climb in self.climbs)

    @property
    def refused_us(self) -> bool:
        """Whether the relay answered and refused the login or the message, which it would do on any port."""
        failures = [evidence["failure"] for evidence in self.done.values() if evidence["failure"] is not None]
        return any(failure["layer"] in ("auth", "transaction") and failure["kind"] == "reply" for failure in failures)

    def grace(self) -> Deadline:
        """How long the other addresses still get once one works."""
        took = self.first_success - self.started
        return self.deadline.within(max(_GRACE_SECONDS, took * _GRACE_FACTOR))

    def evidence(self) -> list[Attempt]:
        """What was seen on each address, in the resolver's order. What still climbs is shown as far as it got."""
        waited = round((time.monotonic() - self.started) * 1000, 1)
        found = []
        for index, climb in enumerate(self.climbs):
            evidence = self.done.get(index)
            if not climb.begun:
                continue
            if evidence is None:
                evidence = climb.so_far()
                evidence["failure"] = _cut_short(climb, evidence, waited)
            found.append(evidence)
        return found


def _cut_short(climb: Climb, evidence: Attempt, waited: float) -> FailureEntry:
    """The failure of an address that has been waited for ``waited`` milliseconds; its last rung shows as broken."""
    if not climb.connected:
        # Not even answered by TCP: a dead address.
        evidence["rungs"] = [{"layer": "tcp", "ok": False, "ms": waited}]
        return {"layer": "tcp", "kind": "timeout", "waited_ms": waited}
    rungs = evidence["rungs"]
    if rungs[-1]["layer"] == "tcp":  # the first words are waited for before their rung is there
        rungs.append({"layer": "tls" if climb.security == "implicit_tls" else "greeting", "ok": False, "ms": 0.0})
    rungs[-1]["ok"], rungs[-1]["ms"] = False, waited
    return {"layer": rungs[-1]["layer"], "kind": "unfinished", "waited_ms": waited}


def observe(plans: list[Plan], credentials: list[Credentials], pool: ContextPool) -> list[Observation]:
    """Climb to every endpoint at once and return the evidence in the order asked. Takes as long as the slowest endpoint."""
    results: dict[int, Observation] = {}
    crashes: list[Exception] = []
    contexts = [pool.get(plan) for plan in plans]
    slots = threading.BoundedSemaphore(_ENDPOINTS_AT_ONCE)

    def work(index: int) -> None:
        try:
            with slots:
                results[index] = _observe_one(plans[index], credentials[index], contexts[index])
        except Exception as error:
            crashes.append(error)

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(plans))]
    for thread in threads:
        thread.start()
    pool.warm()
    for thread in threads:
        thread.join()
    if crashes:
        raise crashes[0]
    return [results[index] for index in range(len(plans))]


def _observe_one(plan: Plan, credentials: Credentials, contexts: TLSContexts) -> Observation:
    started = time.monotonic()
    deadline = Deadline(plan["timeout"])
    found: Observation = {
        "format": 1,  # evidence.FORMAT; mypy compares them
        "dns": {"ok": True, "ms": 0.0},
        "attempts": [],
        "alternatives": [],
        "elsewhere": [],
        "elapsed_ms": 0.0,
    }
    try:
        addresses, known = resolve(plan["host"], plan["port"], plan["ip_version"], deadline)
        found["dns"]["known"] = known
    except Failure as failure:
        addresses = []
        failure.layer = "dns"
        found["dns"]["ok"], found["dns"]["failure"] = False, failure.as_entry()
    found["dns"]["ms"] = round((time.monotonic() - started) * 1000, 1)
    if addresses:
        _observe_addresses(plan, credentials, contexts, deadline, addresses, found)
    found["elapsed_ms"] = round((time.monotonic() - started) * 1000, 1)
    if credentials is not None:
        from .redact import redact, secret_forms  # only a login needs it, and it costs every other call some milliseconds

        found = t.cast("Observation", redact(found, secret_forms(credentials[0], credentials[1])))
    return found


def _observe_addresses(
    plan: Plan, credentials: Credentials, contexts: TLSContexts, deadline: Deadline, addresses: list[Address], found: Observation
) -> None:
    party = _Party()
    top = ClimbOptions(
        server_name=plan["server_name"],
        helo_name=plan["helo_name"],
        source_address=plan["source_address"],
        credentials=credentials,
        login_required=plan["login_required"],
        try_injection=plan["try_injection"],
        transaction=plan["transaction"],
        turn=None if plan["require_all_addresses"] and plan["transaction"] is None else threading.Lock(),
    )

    def cleartext(address: Address) -> bool:
        return plan["security"] in ("cleartext", "opportunistic") and _in_networks(address.text, plan["cleartext_networks"])

    chosen = _Route(plan["port"], plan["security"], top, contexts, deadline)
    if plan["ask_chosen"]:
        chosen.start(addresses, party, cleartext)
    patient = deadline.within(_PATIENCE)
    reserve = Deadline(max(0.0, deadline.remaining() - min(_RESERVE_SECONDS, deadline.remaining() * _RESERVE_SHARE)))

    def enough() -> bool:
        return chosen.finished or (chosen.works and not plan["require_all_addresses"])

    party.wait_until(enough, patient)
    if not enough() and not chosen.unanswered:
        party.wait_until(enough, reserve)

    others: list[_Route] = []
    if not chosen.works and not chosen.refused_us:
        # Other ports get neither the login (lock-outs), nor the message, nor the injected command.
        plain = top._replace(credentials=None, transaction=None, try_injection=False)
        for other in plan["alternatives"]:
            route = _Route(other["port"], other["security"], plain, contexts, deadline)
            route.start(addresses[:_ALTERNATIVE_ADDRESSES], party, cleartext)
            others.append(route)
        if not others and plan["control_port"]:
            _ask_elsewhere(plan, plan["control_port"], chosen, party, deadline, found["elsewhere"])

    log_in = credentials is not None and plan["fallback"] and others
    party.wait_until(enough, reserve if log_in else deadline)
    if chosen.works and not chosen.finished:
        party.wait_until(lambda: chosen.finished, deadline if plan["require_all_addresses"] else chosen.grace())
    if not chosen.works and others:
        _wait_for_others(plan, chosen, others, party, deadline.within(deadline.remaining() / 2) if log_in else deadline)
        if log_in:
            from .fallback import log_in_elsewhere  # a relay that works never needs it

            log_in_elsewhere(plan["security"], others, top, deadline)
            party.wait_until(enough, deadline)
    if not chosen.finished and deadline.remaining() <= 0:
        # Their own deadline has just ended them; give the threads the moment to say so.
        party.wait_until(lambda: chosen.finished and all(route.finished for route in others), Deadline(0.25))
    found["attempts"] = chosen.evidence()
    found["alternatives"] = [_of_route(route, deadline) for route in others]


def _of_route(route: _Route, deadline: Deadline) -> Route:
    abandoned = not route.finished and deadline.remaining() > 0
    found: Route = {"port": route.port, "security": route.security, "attempts": route.evidence(), "abandoned": abandoned}
    if route.login is not None:
        found["login"] = route.login
    return found


def _wait_for_others(plan: Plan, chosen: _Route, others: list[_Route], party: _Party, deadline: Deadline) -> None:
    """Wait for the other ports of a relay whose verdict is known.

    Ports that are silent, too, do not hold it up. Where the best of them is going to be used, one that has answered and is
    better than what works already is waited for until the deadline.
    """

    def known(route: _Route) -> bool:
        return route.finished or (route.works and not plan["require_all_addresses"])

    def settled() -> bool:
        return all(known(route) for route in others)

    def best(silent: bool = False) -> bool:
        """Whether no port that still climbs could be better than the best that works; ``silent`` ones count as well."""
        for route in others:
            if known(route) and route.works and not route.weak:
                return True
            if not known(route) and (silent or not route.silent):
                return False
        return True

    failures = [evidence["failure"] for evidence in chosen.done.values()]
    mode = any(failure is not None and failure["layer"] == "mode" for failure in failures)
    round_trips = [climb.evidence["rungs"][0]["ms"] / 1000 for climb in chosen.climbs if climb.connected]
    shortly = max([_CHOICE_SECONDS if plan["fallback"] else _OTHERS_SECONDS, *(_OTHERS_ROUND_TRIPS * one for one in round_trips)])
    if plan["fallback"]:
        party.wait_until(lambda: best(silent=True), deadline.within(shortly))
        party.wait_until(best, deadline)
        return
    party.wait_until(settled, deadline.within(shortly))
    if mode or settled() or any(route.works for route in others):
        return
    party.wait_until(lambda: all(route.finished or route.works or route.silent for route in others), deadline)


def _ask_elsewhere(plan: Plan, port: int, chosen: _Route, party: _Party, deadline: Deadline, results: list[Elsewhere]) -> None:
    """Does another port of a silent or unreachable address answer? A bare connect, to tell a filter from a dead host."""
    asked = []
    for index, climb in enumerate(chosen.climbs):
        done = chosen.done.get(index)
        silent: FailureEntry = {"layer": "tcp", "kind": "timeout"}
        failure = (done and done["failure"]) or silent
        if climb.connected or failure["layer"] != "tcp" or failure["kind"] not in ("timeout", "os") or failure.get("errno") == "ECONNREFUSED":
            continue
        asked.append(climb.address)

        def work(address: Address = climb.address) -> None:
            sockaddr = (address.sockaddr[0], port, *address.sockaddr[2:])
            try:
                Wire(sockaddr, address.family, deadline.within(2.0), plan["source_address"]).close()
                result = "open"
            except Failure as refused:
                result = refused.facts.get("errno", refused.kind)
            results.append({"address": address.text, "port": port, "result": result})

        party.start(work)
    party.wait_until(lambda: len(results) == len(asked), deadline.within(2.1))


def _in_networks(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    import ipaddress  # only policies need it, and it costs every other call some milliseconds

    return any(ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(network, strict=False) for network in networks)

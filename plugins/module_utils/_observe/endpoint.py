# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Many endpoints at once, every address of each at once, other ports within the same wait.

Who runs: ``observe`` runs one course for each endpoint, all in the calling thread (see loop). A course resolves the name, has the
addresses of the chosen port climbed, at most ADDRESSES_AT_ONCE at once, and then, where that is not enough, other ports. Each
climb talks to its address in a thread of its own, and writes what it learns into its evidence; the courses read it there.

Who waits: only courses, for a condition or a clock. A climb never waits for another one, except that one of all addresses
logs in and sends (``turn``). What still climbs when its course ends is shown as far as it got, and its thread is left behind.

Which clock ends what, all on the monotonic clock:
- ``timeout`` ends the endpoint as a whole: name, all addresses, other ports. Everything below is cut by it.
- A chosen port that has not been connected to for a second has the other ports asked beside it; one that connects but
  never comes to an end has them asked in the last fifth of the time (two seconds at most).
- Once one address works the others get two seconds more, or three times what it took.
- Once the chosen port has failed, other ports that say nothing are not waited for (see other_ports).
- Where another port is going to be used (``fallback``) and there is a login, that fifth is for the login there.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

from .clock import Deadline
from .connect import Connecting
from .failure import Failure
from .ladder import Climb, ClimbOptions
from .limits import process_limits
from .loop import Connection, Course, Loop, Wait
from .ports import IMPLICIT_TLS_PORTS
from .resolve import ADDRESSES_AT_ONCE, Address, Resolved, addresses_of, ask_resolver, literal
from .tls import TLSContexts

if t.TYPE_CHECKING:
    from .evidence import Attempt, FailureEntry, Observation, Plan, Security

__all__ = ("ContextPool", "Credentials", "Endpoint", "Route", "observe")

# User name, password and mechanism of one endpoint; None where no login is to be tried.
Credentials = t.Optional[t.Tuple[str, str, t.Optional[str]]]

# How long a connect may stay unanswered before the other ports are asked.
_PATIENCE = 1.0
# Once one address works, what the others still get: seconds, or a multiple of what the first took.
_GRACE_SECONDS, _GRACE_FACTOR = 2.0, 3.0
# The end of the time that is kept for alternatives when an endpoint connects but never comes to an end.
_RESERVE_SECONDS, _RESERVE_SHARE = 2.0, 0.2
# What climbs that end by the deadline still get to say so.
_LAST_WORDS = 0.25


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
        with contextlib.suppress(MemoryError):  # a climb that needs one will say so
            for contexts in list(self._contexts.values()):
                contexts.context()


class _RouteClimb(Connection):
    """One address of a route, and what has become of it."""

    def __init__(self, route: Route, climb: Climb) -> None:
        self.kind, self.course, self.deadline = route.kind, route.course, climb.deadline
        self.climb = climb
        self.evidence: Attempt | None = None
        self._route = route
        self.begun = self.talking = False

    def connect(self) -> Connecting:
        """Begin."""
        self.begun = True
        return self.climb.connect()

    def failed(self, failure: Failure) -> None:
        """The connect has failed."""
        self.evidence = self.climb.unconnected(failure)
        self._route.one_ended(self)

    def connected(self, sock: socket.socket) -> None:
        """The connect has succeeded."""
        self.climb.use(sock)

    def talk(self) -> None:
        """Climb, unless the time was over before there was a thread for it."""
        if self.deadline.remaining() <= 0:
            return
        self.talking = True
        evidence = self.climb.run()
        failure = evidence["failure"]
        if self._route.security == "auto" and self.climb.security == "implicit_tls" and failure and failure["kind"] == "plaintext":
            # Guessed by the port's convention, and the port speaks otherwise.
            evidence = Climb(self.climb.address, "auto", self.climb.options, self.climb.contexts, self.deadline).run()
        self.evidence = evidence

    def ended(self) -> None:
        """The climb is over."""
        self._route.one_ended(self)

    def result(self, lack: t.Callable[[], FailureEntry]) -> Attempt:
        """What was seen; what still climbs as far as it got."""
        if self.evidence is not None:
            return self.evidence
        found = self.climb.so_far()
        if not self.begun or (self.climb.connected and not self.talking):
            found["failure"] = lack()
            return found
        found["failure"] = self._cut_short(found)
        return found

    def _cut_short(self, found: Attempt) -> FailureEntry:
        """The failure of an address that was waited for until now; its last rung shows as broken."""
        waited = round((time.monotonic() - self.climb.started) * 1000, 1)
        over = self.deadline.remaining() <= 0
        if not self.climb.connected:
            found["rungs"] = [{"layer": "tcp", "ok": False, "ms": waited}]
            # Not even answered by TCP while others were: a dead address. Other ports were not waited for that long.
            return {"layer": "tcp", "kind": "timeout" if over or self.kind == "chosen" else "unfinished", "waited_ms": waited}
        rungs = found["rungs"]
        if rungs[-1]["layer"] == "tcp":  # the first words are waited for before their rung is there
            rungs.append({"layer": "tls" if self.climb.security == "implicit_tls" else "greeting", "ok": False, "ms": 0.0})
        rungs[-1]["ok"], rungs[-1]["ms"] = False, waited
        return {"layer": rungs[-1]["layer"], "kind": "timeout" if over else "unfinished", "waited_ms": waited}


class Route:
    """One port of the relay, climbed on several addresses at once. ``kind``: chosen, or other."""

    def __init__(self, endpoint: Endpoint, kind: str, port: int, security: Security, options: ClimbOptions) -> None:
        self.kind = kind
        self.course = endpoint.index
        self.port = port
        self.security: Security = security
        self.climbs: list[_RouteClimb] = []
        self._waiting: list[_RouteClimb] = []
        self._endpoint = endpoint
        self._options = options
        self._started = time.monotonic()
        self._first_success = 0.0

    def start(self, addresses: list[Address]) -> None:
        """Begin to climb, on a few addresses at once; the next one takes its turn when one has failed."""
        endpoint = self._endpoint
        for address in addresses:
            security = self.security
            if security == "auto" and self.port in IMPLICIT_TLS_PORTS:
                security = "implicit_tls"
            sockaddr = (address.sockaddr[0], self.port, *address.sockaddr[2:])
            options = self._options._replace(cleartext_allowed=endpoint.cleartext_allowed(address))
            climb = Climb(Address(address.family, sockaddr), security, options, endpoint.contexts, endpoint.deadline)
            self.climbs.append(_RouteClimb(self, climb))
        self._waiting = list(self.climbs)
        for _turn in range(ADDRESSES_AT_ONCE):
            self._start_next()

    def _start_next(self) -> None:
        if self._waiting:
            self._endpoint.loop.open(self._waiting.pop(0))

    def one_ended(self, one: _RouteClimb) -> None:
        """An address has been climbed."""
        evidence = one.evidence
        if evidence is None:
            return
        if evidence["failure"] is not None:
            self._start_next()
        elif not evidence.get("yielded") and not self._first_success:
            self._first_success = time.monotonic()

    @property
    def done(self) -> list[Attempt]:
        """The evidence of the climbs that have ended."""
        return [one.evidence for one in self.climbs if one.evidence is not None]

    @property
    def failures(self) -> list[FailureEntry]:
        """Why those that have failed did."""
        return [evidence["failure"] for evidence in self.done if evidence["failure"] is not None]

    @property
    def finished(self) -> bool:
        """Whether every address has been climbed, or no further one will be because one works."""
        return len(self.done) == len(self.climbs) - len(self._waiting) and (not self._waiting or self.works)

    @property
    def passed(self) -> tuple[Climb, Attempt] | None:
        """The climb of one address that has passed, and its evidence."""
        for one in self.climbs:
            if one.evidence is not None and one.evidence["failure"] is None and not one.evidence.get("yielded"):
                return one.climb, one.evidence
        return None

    @property
    def talks(self) -> bool:
        """Whether a climb is still at it."""
        return any(one.talking and one.evidence is None for one in self.climbs)

    @property
    def silent(self) -> bool:
        """Whether what still climbs has been asked, and has not even been answered by TCP."""
        asked = [one for one in self.climbs if one not in self._waiting and one.evidence is None]
        return all(one.begun and not one.climb.connected for one in asked)

    @property
    def works(self) -> bool:
        """Whether one address has passed."""
        return bool(self._first_success)

    @property
    def unanswered(self) -> bool:
        """Whether no address has answered a connect yet."""
        return not any(one.climb.connected for one in self.climbs)

    @property
    def refused_us(self) -> bool:
        """Whether the relay answered and refused the login or the message, which it would do on any port."""
        return any(failure["layer"] in ("auth", "transaction") and failure["kind"] == "reply" for failure in self.failures)

    def grace(self) -> Deadline:
        """How long the other addresses still get once one works."""
        took = self._first_success - self._started
        return self._endpoint.deadline.within(max(_GRACE_SECONDS, took * _GRACE_FACTOR))

    def evidence(self) -> list[Attempt]:
        """What was seen on each address, in the resolver's order."""
        return [one.result(self._not_asked) for one in self.climbs]

    def _not_asked(self) -> FailureEntry:
        return {"layer": "tcp", "kind": "not_asked", "lack": self._endpoint.loop.lack}


class Endpoint:
    """The course of one endpoint, and what it finds."""

    def __init__(self, index: int, plan: Plan, credentials: Credentials, contexts: TLSContexts, loop: Loop) -> None:
        self.index = index
        self.plan = plan
        self.credentials = credentials
        self.contexts = contexts
        self.loop = loop
        self.deadline = Deadline(plan["timeout"])
        self._started = time.monotonic()
        self.found: Observation = {
            "format": 1,  # evidence.FORMAT; mypy compares them
            "dns": {"ok": True, "ms": 0.0},
            "attempts": [],
            "alternatives": [],
            "elsewhere": [],
            "elapsed_ms": 0.0,
        }

    def course(self) -> Course:
        """From the name to the evidence in ``found``."""
        addresses: list[Address] = []
        try:
            addresses = yield from self._resolve()
        except Failure as failure:
            failure.layer = "dns"
            self.found["dns"]["ok"], self.found["dns"]["failure"] = False, failure.as_entry()
        self.found["dns"]["ms"] = self._elapsed()
        if addresses:
            yield from self._ask(addresses)
        self.found["elapsed_ms"] = self._elapsed()
        if self.credentials is not None:
            from .redact import redact, secret_forms  # only a login needs it, and it costs every other call some milliseconds

            self.found = t.cast("Observation", redact(self.found, secret_forms(self.credentials[0], self.credentials[1])))

    def _elapsed(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)

    def _resolve(self) -> t.Generator[Wait, None, list[Address]]:
        """The addresses. A name is asked for in a thread, which is left behind when time is up: getaddrinfo knows no deadline."""
        plan = self.plan
        asked: list[bool] = []
        answer: list[Resolved] = []

        def ask() -> None:
            asked.append(True)
            answer.append(ask_resolver(plan["host"], plan["port"], plan["ip_version"]))

        if literal(plan["host"]):
            ask()
        else:
            self.loop.submit("names", self.index, ask, lambda: None)
            yield Wait(lambda: bool(answer), self.deadline)
        if not asked:
            raise Failure("not_asked", lack=self.loop.lack)
        if not answer:
            raise Failure("timeout")
        addresses, self.found["dns"]["known"] = addresses_of(answer[0])
        return addresses

    def cleartext_allowed(self, address: Address) -> bool:
        """Whether a password and a message may go to ``address`` without TLS."""
        return self.plan["security"] in ("cleartext", "opportunistic") and _in_networks(address.text, self.plan["cleartext_networks"])

    def _ask(self, addresses: list[Address]) -> Course:
        plan, deadline = self.plan, self.deadline
        options = ClimbOptions(
            server_name=plan["server_name"],
            helo_name=plan["helo_name"],
            source_address=plan["source_address"],
            credentials=self.credentials,
            login_required=plan["login_required"],
            try_injection=plan["try_injection"],
            transaction=plan["transaction"],
            turn=None if plan["require_all_addresses"] and plan["transaction"] is None else threading.Lock(),
        )
        chosen = Route(self, "chosen", plan["port"], plan["security"], options)
        if plan["ask_chosen"]:
            chosen.start(addresses)
        reserve = Deadline(max(0.0, deadline.remaining() - min(_RESERVE_SECONDS, deadline.remaining() * _RESERVE_SHARE)))

        def enough() -> bool:
            return chosen.finished or (chosen.works and not plan["require_all_addresses"])

        yield Wait(enough, deadline.within(_PATIENCE))
        if not enough() and not chosen.unanswered:
            yield Wait(enough, reserve)

        others = None
        if not chosen.works and not chosen.refused_us and (plan["alternatives"] or plan["control_port"]):
            from .other_ports import OtherPorts  # a relay that works never needs it

            others = OtherPorts(self, chosen, addresses, options)
        yield Wait(enough, reserve if others and others.log_in else deadline)
        if chosen.works and not chosen.finished:
            yield Wait(lambda: chosen.finished, deadline if plan["require_all_addresses"] else chosen.grace())
        if not chosen.works and others:
            yield from others.wait()
            if others.log_in:
                # Its own time is not over with that of the others.
                yield Wait(enough, deadline)
        if deadline.remaining() <= 0:
            # Their own deadline has just ended them; give the threads the moment to say so.
            yield Wait(lambda: not chosen.talks and (others is None or not others.talk), Deadline(_LAST_WORDS))
        self.found["attempts"] = chosen.evidence()
        if others is not None:
            others.add_to(self.found)


def observe(plans: list[Plan], credentials: list[Credentials], pool: ContextPool) -> list[Observation]:
    """Climb to every endpoint at once and return the evidence in the order asked. Takes as long as the slowest endpoint."""
    contexts = [pool.get(plan) for plan in plans]
    loop = Loop(process_limits())
    loop.submit("names", -1, pool.warm, lambda: None)
    endpoints = [Endpoint(index, plans[index], credentials[index], contexts[index], loop) for index in range(len(plans))]
    loop.run([endpoint.course() for endpoint in endpoints])
    return [endpoint.found for endpoint in endpoints]


def _in_networks(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    import ipaddress  # only policies need it, and it costs every other call some milliseconds

    return any(ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(network, strict=False) for network in networks)

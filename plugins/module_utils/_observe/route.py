# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One port of a relay, climbed on several addresses at once, and what all ports of one endpoint have in common."""

from __future__ import annotations

import socket
import time
import typing as t

from .climb import Climb
from .clock import Deadline
from .connect import Connecting
from .failure import Failure
from .ladder import ClimbOptions
from .loop import Connection, Loop
from .ports import IMPLICIT_TLS_PORTS
from .resolve import ADDRESSES_AT_ONCE, Address
from .tls import TLSContexts

if t.TYPE_CHECKING:
    from .evidence import Attempt, FailureEntry, Plan, Security

__all__ = ("Asked", "Credentials", "Route")

# User name, password and mechanism of one endpoint; None where no login is to be tried.
Credentials = t.Optional[t.Tuple[str, str, t.Optional[str]]]

# Once one address works, what the others still get: seconds, or a multiple of what the first took.
_GRACE_SECONDS, _GRACE_FACTOR = 2.0, 3.0


class Asked:
    """What is asked of one endpoint, by what means, and until when. ``index``: its number in the call."""

    def __init__(
        self,
        index: int,
        plan: Plan,
        credentials: Credentials,
        contexts: TLSContexts,
        loop: Loop,
        greeters: dict[tuple[t.Any, ...], float],
    ) -> None:
        self.index = index
        self.plan = plan
        self.credentials = credentials
        self.contexts = contexts
        self.loop = loop
        self.greeters = greeters
        self.deadline = Deadline(plan["timeout"])

    def cleartext_allowed(self, address: Address) -> bool:
        """Whether a password and a message may go to ``address`` without TLS."""
        return self.plan["security"] in ("cleartext", "opportunistic") and _in_networks(
            address.text, self.plan["cleartext_networks"]
        )


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
        if (
            self._route.security == "auto"
            and self.climb.security == "implicit_tls"
            and failure
            and failure["kind"] == "plaintext"
        ):
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
            return {
                "layer": "tcp",
                "kind": "timeout" if over or self.kind == "chosen" else "unfinished",
                "waited_ms": waited,
            }
        rungs = found["rungs"]
        if rungs[-1]["layer"] == "tcp":  # the first words are waited for before their rung is there
            rungs.append(
                {"layer": "tls" if self.climb.security == "implicit_tls" else "greeting", "ok": False, "ms": 0.0}
            )
        rungs[-1]["ok"], rungs[-1]["ms"] = False, waited
        return {"layer": rungs[-1]["layer"], "kind": "timeout" if over else "unfinished", "waited_ms": waited}


class Route:
    """One port of the relay, climbed on several addresses at once. ``kind``: chosen, or other."""

    def __init__(self, asked: Asked, kind: str, port: int, security: Security, options: ClimbOptions) -> None:
        self.kind = kind
        self.course = asked.index
        self.port = port
        self.security: Security = security
        self.climbs: list[_RouteClimb] = []
        self._waiting: list[_RouteClimb] = []
        self._asked = asked
        self._options = options
        self._started = time.monotonic()
        self._first_success = 0.0

    def start(self, addresses: list[Address]) -> None:
        """Begin to climb, on a few addresses at once; the next one takes its turn when one has failed."""
        asked = self._asked
        for address in addresses:
            security = self.security
            if security == "auto" and self.port in IMPLICIT_TLS_PORTS:
                security = "implicit_tls"
            sockaddr = (address.sockaddr[0], self.port, *address.sockaddr[2:])
            options = self._options._replace(cleartext_allowed=asked.cleartext_allowed(address))
            climb = Climb(Address(address.family, sockaddr), security, options, asked.contexts, asked.deadline)
            self.climbs.append(_RouteClimb(self, climb))
        self._waiting = list(self.climbs)
        for _turn in range(ADDRESSES_AT_ONCE):
            self._start_next()

    def _start_next(self) -> None:
        if self._waiting:
            self._asked.loop.open(self._waiting.pop(0))

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
    def weak(self) -> bool:
        """Whether it works, and in cleartext."""
        return self.passed is not None and "tls" not in self.passed[1]

    @property
    def unanswered(self) -> bool:
        """Whether no address has answered a connect yet."""
        return not any(one.climb.connected for one in self.climbs)

    @property
    def refused_us(self) -> bool:
        """Whether the relay answered and refused the login or the message, which it would do on any port."""
        return any(
            failure["layer"] in ("auth", "transaction") and failure["kind"] == "reply" for failure in self.failures
        )

    def grace(self) -> Deadline:
        """How long the other addresses still get once one works."""
        took = self._first_success - self._started
        return self._asked.deadline.within(max(_GRACE_SECONDS, took * _GRACE_FACTOR))

    def evidence(self) -> list[Attempt]:
        """What was seen on each address, in the resolver's order."""
        return [one.result(self._not_asked) for one in self.climbs]

    def _not_asked(self) -> FailureEntry:
        return {"layer": "tcp", "kind": "not_asked", "lack": self._asked.loop.lack}


def _in_networks(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    import ipaddress  # only policies need it, and it costs every other call some milliseconds

    return any(
        ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(network, strict=False)
        for network in networks
    )

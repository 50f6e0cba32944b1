# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other ports of a relay say whose chosen one fails: alternatives, and signs of life."""

from __future__ import annotations

import socket
import threading
import typing as t

from .clock import Deadline
from .connect import Connecting
from .failure import Failure
from .loop import Connection, Course, Wait
from .route import Asked, Route

if t.TYPE_CHECKING:
    from .evidence import Attempt, Elsewhere, Observation
    from .evidence import Route as RouteEntry
    from .ladder import ClimbOptions
    from .resolve import Address

__all__ = ("OtherPorts",)

_ADDRESSES = 4
# How long the other ports get once the chosen one has failed, where they say nothing or nothing more is to be learnt:
# seconds near by, round trips far away.
_SECONDS = 0.6
_ROUND_TRIPS = 8
# The same where the best of them is going to be used: a lost SYN is sent again after a second (RFC 6298).
_CHOICE_SECONDS = 1.3
# How long a port is asked for a sign of life.
_LIFE_SECONDS = 2.0


class OtherPorts:
    """The other ports of an endpoint's plan, asked from the moment this is made."""

    def __init__(self, asked: Asked, chosen: Route, addresses: list[Address], options: ClimbOptions) -> None:
        self._asked = asked
        self._chosen = chosen
        self._life: list[_SignOfLife] = []
        self._logins: dict[int, Attempt] = {}
        # Other ports get neither the login (lock-outs), nor the message, nor the injected command.
        plain = options._replace(credentials=None, transaction=None, try_injection=False)
        self._routes = [
            Route(asked, "other", one["port"], one["security"], plain)
            for one in asked.plan["alternatives"]
        ]
        for route in self._routes:
            route.start(addresses[:_ADDRESSES])
        port = asked.plan["control_port"]
        if not self._routes and port:
            self._ask_for_life(port)

    @property
    def talk(self) -> bool:
        """Whether a climb is still at it."""
        return any(route.talks for route in self._routes)

    @property
    def log_in(self) -> bool:
        """Whether the best of them is going to get the login."""
        return bool(self._routes) and self._asked.plan["fallback"] and self._asked.credentials is not None

    def wait(self) -> Course:
        """Wait for the other ports of a relay whose verdict is known.

        Log in on the best where it is going to be used.
        """
        deadline = self._asked.deadline
        if self._life:
            yield Wait(lambda: all(one.result for one in self._life), deadline.within(_LIFE_SECONDS))
        elif not self._routes:
            return
        elif not self.log_in:
            yield from self._wait(deadline)
        else:
            yield from self._wait(deadline.within(deadline.remaining() / 2))
            yield from self._log_in()

    def _known(self, route: Route) -> bool:
        return route.finished or (route.works and not self._asked.plan["require_all_addresses"])

    def _best_is_known(self, silent: bool) -> bool:
        """Whether no port that still climbs could be better than the best that works; ``silent`` ones count as well."""
        for route in self._routes:
            if self._known(route) and route.works and not route.weak:
                return True
            if not self._known(route) and (silent or not route.silent):
                return False
        return True

    def _wait(self, deadline: Deadline) -> Course:
        """Ports that are silent, too, do not hold the verdict up.

        Where the best of them is going to be used, one that has answered and is better than what works already is
        waited for.
        """
        chosen, others = self._chosen, self._routes
        round_trips = [one.climb.evidence["rungs"][0]["ms"] / 1000 for one in chosen.climbs if one.climb.connected]
        far = [_ROUND_TRIPS * one for one in round_trips]
        settled = Wait(lambda: all(map(self._known, others)), deadline.within(max([_SECONDS, *far])))
        if self._asked.plan["fallback"]:
            choice = deadline.within(max([_CHOICE_SECONDS, *far]))
            # Also those behind the best: what works here may be refused by the judge (policy, no login that fits).
            yield settled
            yield Wait(lambda: self._best_is_known(silent=True), choice)
            yield Wait(lambda: self._best_is_known(silent=False), deadline)
            return
        yield settled
        if any(failure["layer"] == "mode" for failure in chosen.failures) or any(route.works for route in others):
            return
        yield Wait(lambda: all(route.finished or route.works or route.silent for route in others), deadline)

    def _log_in(self) -> Course:
        from .fallback import log_in_elsewhere

        asked, ended = self._asked, threading.Event()

        def work() -> None:
            self._logins = log_in_elsewhere(
                asked.plan["security"], self._routes, asked.credentials, asked.deadline
            )

        asked.loop.submit("other", asked.index, work, ended.set)
        yield Wait(ended.is_set, asked.deadline)

    def add_to(self, found: Observation) -> None:
        """What was seen."""
        for number, route in enumerate(self._routes):
            entry: RouteEntry = {"port": route.port, "security": route.security, "attempts": route.evidence()}
            if number in self._logins:
                entry["login"] = self._logins[number]
            found["alternatives"].append(entry)
        found["elsewhere"] = [one.entry() for one in self._life]

    def _ask_for_life(self, port: int) -> None:
        """Whether another port of a silent or unreachable address answers: a bare connect tells a filter from a dead host."""
        for one in self._chosen.climbs:
            failure = one.evidence["failure"] if one.evidence else None
            if not one.begun or one.climb.connected:
                continue
            if failure is not None and (
                failure["kind"] not in ("timeout", "os") or failure.get("errno") == "ECONNREFUSED"
            ):
                continue
            self._life.append(_SignOfLife(self._asked, one.climb.address, port))
            self._asked.loop.open(self._life[-1])


class _SignOfLife(Connection):
    """A connect, and nothing else."""

    kind = "other"

    def __init__(self, asked: Asked, address: Address, port: int) -> None:
        self.course, self.deadline = asked.index, asked.deadline
        self.result = ""
        self._address, self._port = address, port
        self._source = asked.plan["source_address"]

    def connect(self) -> Connecting:
        """Begin."""
        return Connecting(
            (self._address.sockaddr[0], self._port, *self._address.sockaddr[2:]), self._address.family, self._source
        )

    def failed(self, failure: Failure) -> None:
        """No connection, and why."""
        self.result = failure.facts.get("errno", failure.kind)

    def connected(self, sock: socket.socket) -> None:
        """Something listens there."""
        self.result = "open"
        sock.close()

    def talk(self) -> None:
        """Nothing is said."""

    def ended(self) -> None:
        """All is known already."""

    def entry(self) -> Elsewhere:
        """What was seen."""
        return {"address": self._address.text, "port": self._port, "result": self.result or "timeout"}

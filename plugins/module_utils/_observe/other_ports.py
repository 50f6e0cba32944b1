# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other ports of a relay say whose chosen one fails: alternatives, and signs of life."""

from __future__ import annotations

import socket
import typing as t

from .connect import Connecting
from .failure import Failure
from .loop import Connection, Course, Wait

if t.TYPE_CHECKING:
    from .endpoint import Endpoint, Route
    from .evidence import Elsewhere, Observation
    from .ladder import ClimbOptions
    from .resolve import Address

__all__ = ("OtherPorts",)

_ADDRESSES = 4
# How long the other ports get once the chosen one has failed, where they say nothing or nothing more is to be learnt:
# seconds near by, round trips far away.
_SECONDS = 0.6
_ROUND_TRIPS = 8
# How long a port is asked for a sign of life.
_LIFE_SECONDS = 2.0


class OtherPorts:
    """The other ports of an endpoint's plan, asked from the moment this is made."""

    def __init__(self, endpoint: Endpoint, chosen: Route, addresses: list[Address], options: ClimbOptions) -> None:
        self._endpoint = endpoint
        self._chosen = chosen
        self._life: list[_SignOfLife] = []
        # Other ports get neither the login (lock-outs), nor the message, nor the injected command.
        plain = options._replace(credentials=None, transaction=None, try_injection=False)
        self._routes = [type(chosen)(endpoint, "other", one["port"], one["security"], plain) for one in endpoint.plan["alternatives"]]
        for route in self._routes:
            route.start(addresses[:_ADDRESSES])
        port = endpoint.plan["control_port"]
        if not self._routes and port:
            self._ask_for_life(port)

    @property
    def talk(self) -> bool:
        """Whether a climb is still at it."""
        return any(route.talks for route in self._routes)

    def wait(self) -> Course:
        """Wait for the other ports of a relay whose verdict is known. Ports that are silent, too, do not hold it up."""
        if self._life:
            yield Wait(lambda: all(one.result for one in self._life), self._endpoint.deadline.within(_LIFE_SECONDS))
            return
        chosen, others, deadline = self._chosen, self._routes, self._endpoint.deadline

        def settled() -> bool:
            return all(route.finished or route.works for route in others)

        known = any(failure["layer"] == "mode" for failure in chosen.failures)
        round_trips = [one.climb.evidence["rungs"][0]["ms"] / 1000 for one in chosen.climbs if one.climb.connected]
        yield Wait(settled, deadline.within(max([_SECONDS, *(_ROUND_TRIPS * one for one in round_trips)])))
        if known or settled() or any(route.works for route in others):
            return
        yield Wait(lambda: all(route.finished or route.works or route.silent for route in others), deadline)

    def add_to(self, found: Observation) -> None:
        """What was seen."""
        found["alternatives"] = [{"port": route.port, "security": route.security, "attempts": route.evidence()} for route in self._routes]
        found["elsewhere"] = [one.entry() for one in self._life]

    def _ask_for_life(self, port: int) -> None:
        """Does another port of a silent or unreachable address answer? A bare connect, to tell a filter from a dead host."""
        for one in self._chosen.climbs:
            failure = one.evidence["failure"] if one.evidence else None
            if not one.begun or one.climb.connected:
                continue
            if failure is not None and (failure["kind"] not in ("timeout", "os") or failure.get("errno") == "ECONNREFUSED"):
                continue
            self._life.append(_SignOfLife(self._endpoint, one.climb.address, port))
            self._endpoint.loop.open(self._life[-1])


class _SignOfLife(Connection):
    """A connect, and nothing else."""

    kind = "other"

    def __init__(self, endpoint: Endpoint, address: Address, port: int) -> None:
        self.course, self.deadline = endpoint.index, endpoint.deadline
        self.result = ""
        self._address, self._port = address, port
        self._source = endpoint.plan["source_address"]

    def connect(self) -> Connecting:
        """Begin."""
        return Connecting((self._address.sockaddr[0], self._port, *self._address.sockaddr[2:]), self._address.family, self._source)

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

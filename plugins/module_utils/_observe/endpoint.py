# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Many endpoints at once, every address of each at once, other ports within the same wait.

Who runs: ``observe`` runs one course for each endpoint, all in the calling thread (see loop). A course resolves the
name, has the addresses of the chosen port climbed, at most ADDRESSES_AT_ONCE at once, and then, where that is not
enough, other ports. Each climb talks to its address in a thread of its own, and writes what it learns into its
evidence; the courses read it there.

Who waits: only courses, for a condition or a clock. A climb never waits for another one, except that one of all
addresses logs in and sends (``turn``). What still climbs when its course ends is shown as far as it got, and its thread
is left behind.

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
import sys
import threading
import time
import typing as t

from .clock import Deadline
from .failure import Failure
from .host_resources import process_limits
from .ladder import ClimbOptions
from .loop import Course, Loop, Wait
from .resolve import Address, Resolved, addresses_of, ask_resolver, literal
from .route import Asked, Credentials, Route
from .tls import TLSContexts

if t.TYPE_CHECKING:
    from .evidence import Observation, Plan

__all__ = ("ContextPool", "Credentials", "observe")

# How long a connect may stay unanswered before the other ports are asked.
_PATIENCE = 1.0
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


class _Endpoint:
    """The course of one endpoint, and what it finds."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
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
        if self._asked.credentials is not None:
            from .redact import redact, secret_forms  # only a login needs it, and it costs others milliseconds

            self.found = t.cast("Observation", redact(self.found, secret_forms(*self._asked.credentials[:2])))

    def _elapsed(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)

    def _resolve(self) -> t.Generator[Wait, None, list[Address]]:
        """The addresses.

        A name is asked for in a thread, which is left behind when time is up: getaddrinfo knows no deadline.
        """
        plan = self._asked.plan
        begun: list[bool] = []
        answer: list[Resolved] = []

        def ask() -> None:
            begun.append(True)
            answer.append(ask_resolver(plan["host"], plan["port"], plan["ip_version"]))

        if literal(plan["host"]):
            ask()
        else:
            self._asked.loop.submit("names", self._asked.index, ask, lambda: None)
            yield Wait(lambda: bool(answer), self._asked.deadline)
        if not begun:
            raise Failure("not_asked", lack=self._asked.loop.lack)
        if not answer:
            raise Failure("timeout")
        addresses, self.found["dns"]["known"] = addresses_of(answer[0])
        return addresses

    def _ask(self, addresses: list[Address]) -> Course:
        asked = self._asked
        plan, deadline = asked.plan, asked.deadline
        options = ClimbOptions(
            server_name=plan["server_name"],
            by_name=not literal(plan["host"]),
            helo_name=plan["helo_name"],
            source_address=plan["source_address"],
            credentials=asked.credentials,
            login_required=plan["login_required"],
            login_tls_version=plan["login_tls_version"],
            try_injection=plan["try_injection"],
            transaction=plan["transaction"],
            turn=None if plan["require_all_addresses"] and plan["transaction"] is None else threading.Lock(),
            greeters=asked.greeters,
        )
        chosen = Route(asked, "chosen", plan["port"], plan["security"], options)
        if plan["ask_chosen"]:
            chosen.start(addresses)
        reserve = Deadline(
            max(0.0, deadline.remaining() - min(_RESERVE_SECONDS, deadline.remaining() * _RESERVE_SHARE))
        )

        def enough() -> bool:
            return chosen.finished or (chosen.works and not plan["require_all_addresses"])

        yield Wait(enough, deadline.within(_PATIENCE))
        if not enough() and not chosen.unanswered:
            yield Wait(enough, reserve)

        others = None
        if not chosen.works and not chosen.refused_us and (plan["alternatives"] or plan["control_port"]):
            from .other_ports import OtherPorts  # a relay that works never needs it

            others = OtherPorts(asked, chosen, addresses, options)
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


def _import_now() -> None:
    """Import what climbs would import when they need it, where two of them may not do so at once.

    Modules come from a zip file there. Until Python 3.9 its importer shows a module to other threads while it is half
    made, and theirs end with "cannot import name".
    """
    if sys.version_info < (3, 10):
        from . import fallback, further, mechanisms, other_ports, redact, sasl  # noqa: F401


def observe(plans: list[Plan], credentials: list[Credentials], pool: ContextPool) -> list[Observation]:
    """Climb to every endpoint at once and return the evidence in the order asked.

    Takes as long as the slowest endpoint.
    """
    _import_now()
    contexts = [pool.get(plan) for plan in plans]
    loop = Loop(process_limits())
    loop.submit("names", -1, pool.warm, lambda: None)
    greeters: dict[tuple[t.Any, ...], float] = {}
    endpoints = [
        _Endpoint(Asked(index, plans[index], credentials[index], contexts[index], loop, greeters))
        for index in range(len(plans))
    ]
    loop.run([endpoint.course() for endpoint in endpoints])
    return [endpoint.found for endpoint in endpoints]

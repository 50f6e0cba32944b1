# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays at the far end of a long wire: 300 ms a round trip. What is quick near must not be impatient here."""

from __future__ import annotations

from typing import Any

from support.faulty import honest, silent, smtp
from support.pki import EXPIRED

from ..farm import CREDENTIALS, Place
from ..scenario import Row, Serve
from ..slowlink import ROUND_TRIP

__all__ = ["ROWS"]

IMPLICIT = {"secure": True, "timeout": 10}
STARTTLS = {"secure": False, "timeout": 10}
LOGIN = {"username": "app", "password": CREDENTIALS["app"], "check_credentials": True}


def _submission(**certificate: Any) -> Serve:
    def serve(place: Place) -> None:
        issued = place.issue(**certificate)
        place.postfix("implicit", 465, at="far", certificate=issued)
        place.postfix("starttls", 587, at="far", certificate=issued)
        place.postfix("cleartext", 1025, at="far")

    return serve


def _slow_greeting(place: Place) -> None:
    place.listen(smtp(greeting_delay=1.5, starttls=honest(place.issue())), 587, at="far")
    place.listen(silent(), 465, at="far")


def _far(name: str, *arguments: Any, **options: Any) -> Row:
    return Row(name, *arguments, **{"names": {name: ("A {far}",)}, "seconds": 5.0, **options})


ROWS = [
    _far(
        "far",
        "nothing: far away",
        _submission(),
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"elapsed_ms": lambda ms: ms > 3 * ROUND_TRIP * 1000},
    ),
    _far("far-587", "nothing: far away", at="far", ask=STARTTLS, names={}, observed="starttls"),
    _far(
        "far-implicit-on-587",
        "secure: true on a STARTTLS port far away",
        at="far",
        names={},
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
    ),
    _far(
        "far-implicit-on-1025",
        "secure: true on a cleartext port far away",
        at="far",
        names={},
        port=1025,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="cleartext",
    ),
    _far(
        "far-starttls-on-465",
        "secure: false on an implicit port far away",
        at="far",
        names={},
        port=465,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
    ),
    _far(
        "far-auto",
        "nothing: the mode is found out far away",
        at="far",
        names={},
        port=465,
        ask={"security": "auto", "timeout": 10},
        observed="implicit_tls",
        cause=None,
    ),
    _far(
        "far-no-starttls",
        "far away and without TLS",
        at="far",
        names={},
        port=1025,
        ask=STARTTLS,
        cause="starttls_not_offered",
        observed="cleartext",
    ),
    _far(
        "far-expired",
        "far away and expired",
        _submission(valid=EXPIRED),
        587,
        STARTTLS,
        "certificate_expired",
        observed="starttls",
    ),
    _far(
        "far-slow-greeting",
        "far away, and greets after 1.5 s",
        _slow_greeting,
        587,
        STARTTLS,
        observed="starttls",
        seconds=6,
    ),
    _far(
        "far-slow-greeting-mismatch",
        "secure: true on a port far away that greets after 1.5 s",
        at="far-slow-greeting",
        names={},
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=8,
    ),
    _far(
        "far-silent",
        "far away and silent",
        at="far-slow-greeting",
        names={},
        port=465,
        ask={"secure": False, "timeout": 4},
        cause="greeting_timeout",
        seconds=5,
    ),
    _far(
        "far-dual",
        "one address is far away, the other near and dead",
        at="far",
        host="far-dual.lab.test",
        port=465,
        ask={"secure": True, "timeout": 6, "server_name": "far.lab.test"},
        names={"far-dual": ("A {far}", "A 10.77.0.1")},
        observed="implicit_tls",
        findings=("address_unreachable",),
    ),
    _far(
        "far-gate-login",
        "nothing: logs in far away",
        at="far",
        names={},
        port=465,
        ask={**IMPLICIT, **LOGIN},
        call="gate",
        seconds=6,
    ),
    _far(
        "far-gate-filtered",
        "465 is filtered, 587 is far away and open",
        _submission(),
        465,
        {"secure": True, "timeout": 4},
        "connection_timeout",
        call="gate",
        rules=("ip daddr {far} tcp dport 465 drop",),
        expect={"alternatives.0.port": 587, "alternatives.0.ok": True},
    ),
    _far(
        "far-gate-mismatch",
        "secure: true on 587 far away, 465 open, 25 filtered",
        at="far",
        names={},
        ask=IMPLICIT,
        cause="mode_mismatch",
        call="gate",
        rules=("ip daddr {far} tcp dport 25 drop",),
        expect={"alternatives": lambda found: any(one["port"] == 465 and one["ok"] for one in found)},
    ),
    _far(
        "far-gate-refused",
        "465 is refused, 587 is far away and open",
        lambda place: place.postfix("starttls", 587, at="far"),
        465,
        IMPLICIT,
        "connection_refused",
        call="gate",
        expect={"alternatives.0.port": 587, "alternatives.0.ok": True},
    ),
]

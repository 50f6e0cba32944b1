# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: alternatives, fallback, and its policy options."""

from __future__ import annotations

from ssl import TLSVersion
from typing import Any

from support.faulty import honest, server_context, smtp

from ..farm import Place
from ..scenario import Row

__all__ = ["ROWS"]


def _submission(place: Place) -> None:
    place.postfix("implicit", 465)
    place.postfix("starttls", 587)


def _wrapped_587(place: Place) -> None:
    """TLS from the first byte where everybody expects STARTTLS, and nothing on 465."""
    place.postfix("implicit", 587)


def _gate(name: str, fault: str, *arguments: Any, **options: Any) -> Row:
    return Row(name, fault, *arguments, **{"call": "gate", **options})


def _old_tls(place: Place) -> None:
    context = server_context(place.issue(key_type="rsa"), minimum=TLSVersion.TLSv1_1, maximum=TLSVersion.TLSv1_1)
    place.listen(smtp(implicit=honest(context)), 465)


IMPLICIT = {"secure": True, "timeout": 3}
STARTTLS = {"secure": False, "timeout": 3}
WAIT = 4.0

ROWS = [
    _gate(
        "fleet",
        "nothing: the relay of test_fleet.py, which the other network cannot reach on 465",
        _submission,
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    # test_habits.py looks at the counters of these.
    _gate(
        "polite",
        "nothing: a healthy endpoint",
        _submission,
        465,
        IMPLICIT,
        observed="implicit_tls",
        rules=("ip daddr {ip} tcp flags & (syn | ack) == syn counter",),
    ),
    _gate(
        "polite-587",
        "nothing: a healthy endpoint",
        _submission,
        587,
        STARTTLS,
        observed="starttls",
        rules=("ip daddr {ip} tcp flags & (syn | ack) == syn counter",),
    ),
    _gate(
        "gate-opens",
        "nothing",
        _submission,
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"cause": None, "layer": None},
    ),
    _gate(
        "gate-filtered-465",
        "465 is filtered, 587 is open",
        _submission,
        465,
        IMPLICIT,
        "connection_timeout",
        seconds=WAIT,
        findings=("port_filtered_elsewhere_open",),
        rules=("ip daddr {ip} tcp dport 465 drop",),
        expect={
            "failed": True,
            "alternatives.0.port": 587,
            "alternatives.0.ok": True,
            "alternatives.0.secure": False,
            "alternatives.0.security": "starttls",
            "msg": lambda text: "465" in text and "587" in text,
        },
    ),
    _gate(
        "gate-filtered-587",
        "587 is filtered, 465 is open",
        _submission,
        587,
        STARTTLS,
        "connection_timeout",
        seconds=WAIT,
        findings=("port_filtered_elsewhere_open",),
        rules=("ip daddr {ip} tcp dport 587 drop",),
        expect={"alternatives.0.port": 465, "alternatives.0.ok": True, "alternatives.0.secure": True},
    ),
    _gate(
        "gate-wrapped-587",
        "465 is closed, and 587 speaks TLS from the first byte",
        _wrapped_587,
        465,
        IMPLICIT,
        "connection_refused",
        expect={"msg": lambda text: "Port 587 answers, but speaks TLS from the first byte (secure: true)." in text},
    ),
    _gate(
        "gate-filtered-25",
        "25 is filtered, as most providers do",
        at="gate-opens",
        port=25,
        ask=STARTTLS,
        cause="connection_timeout",
        seconds=WAIT,
        rules=("ip daddr {ip} tcp dport 25 drop",),
        expect={"alternatives.0.ok": True},
    ),
    _gate(
        "gate-filtered-all",
        "everything to the relay is filtered",
        _submission,
        465,
        IMPLICIT,
        "connection_timeout",
        seconds=WAIT,
        rules=("ip daddr {ip} drop",),
        expect={"alternatives": lambda found: found and not any(one["ok"] for one in found)},
    ),
    _gate(
        "gate-no-alternatives",
        "465 is filtered, and no alternatives are wanted",
        at="gate-filtered-465",
        port=465,
        ask={**IMPLICIT, "alternatives": []},
        cause="connection_timeout",
        seconds=WAIT,
        expect={"alternatives": []},
    ),
    _gate(
        "gate-own-alternatives",
        "465 is filtered, one alternative is named",
        at="gate-filtered-465",
        port=465,
        ask={**IMPLICIT, "alternatives": [587]},
        cause="connection_timeout",
        seconds=WAIT,
        expect={"alternatives.0.port": 587, "alternatives.1": None},
    ),
    _gate(
        "gate-fallback",
        "465 is filtered, and 587 may be used",
        at="gate-filtered-465",
        port=465,
        ask={**IMPLICIT, "fallback": "use"},
        cause=(None, "connection_timeout"),
        seconds=WAIT,
        findings=(),
        expect={
            "failed": lambda failed: not failed,
            "selected.port": 587,
            "selected.secure": False,
            "selected.security": "starttls",
        },
    ),
    _gate(
        "gate-fallback-none",
        "everything is filtered, and an alternative may be used",
        at="gate-filtered-all",
        port=465,
        ask={**IMPLICIT, "fallback": "use"},
        cause="connection_timeout",
        seconds=WAIT,
        expect={"failed": True},
    ),
    # Port 25 of this relay is filtered, as it is at most providers: an alternative that stays silent must not hold up the verdict.
    _gate(
        "gate-mismatch",
        "secure: true on 587",
        at="gate-opens",
        ask={"secure": True, "timeout": 10},
        cause="mode_mismatch",
        observed="starttls",
        expect={"alternatives": lambda found: any(one["ok"] and one["port"] == 465 for one in found)},
    ),
    _gate(
        "gate-mismatch-reverse",
        "secure: false on 465",
        at="gate-opens",
        port=465,
        ask={"secure": False, "timeout": 10},
        cause="mode_mismatch",
        observed="implicit_tls",
        expect={"alternatives": lambda found: any(one["ok"] and one["port"] == 587 for one in found)},
    ),
    _gate(
        "gate-refused",
        "465 is refused, 587 is open",
        lambda place: place.postfix("starttls", 587),
        465,
        IMPLICIT,
        "connection_refused",
        expect={"alternatives.0.port": 587, "alternatives.0.ok": True},
    ),
    _gate(
        "gate-blocked",
        "a firewall forbids 465, 587 is open",
        _submission,
        465,
        IMPLICIT,
        "connection_blocked",
        rules=("ip daddr {ip} tcp dport 465 reject with icmp type admin-prohibited",),
        expect={"alternatives.0.port": 587, "alternatives.0.ok": True},
    ),
    _gate(
        "gate-expired",
        "465 has an expired certificate, and so has 587",
        at="expired",
        port=465,
        ask=IMPLICIT,
        cause="certificate_expired",
        expect={"alternatives": lambda found: not any(one["ok"] for one in found)},
    ),
    # Policy.
    _gate(
        "policy-days-error",
        "three days are left, seven are demanded",
        at="expiring",
        port=465,
        ask={**IMPLICIT, "certificate_days_error": 7, "alternatives": []},
        cause="certificate_expired",
    ),
    _gate(
        "policy-days-warning",
        "three days are left, which is enough here",
        at="expiring",
        port=465,
        ask={**IMPLICIT, "certificate_days_warning": 1},
    ),
    _gate(
        "policy-tls13",
        "TLS 1.3 is demanded, the relay has 1.2",
        at="tls12-only",
        port=465,
        ask={**IMPLICIT, "minimum_tls_version": "TLSv1.3", "alternatives": []},
        cause="tls_version_unsupported",
    ),
    _gate(
        "policy-tls13-met",
        "TLS 1.3 is demanded, the relay has it",
        at="tls13-only",
        port=465,
        ask={**IMPLICIT, "minimum_tls_version": "TLSv1.3"},
    ),
    _gate(
        "policy-cleartext-elsewhere",
        "cleartext is allowed to other networks only",
        at="postfix",
        port=1025,
        ask={"security": "cleartext", "cleartext_networks": ["192.0.2.0/24"], "alternatives": []},
        cause=("invalid_settings", "starttls_not_offered"),
    ),
    _gate(
        "policy-cleartext-here",
        "cleartext is allowed to this network",
        at="postfix",
        port=1025,
        ask={"security": "cleartext", "cleartext_networks": ["10.77.4.0/22"]},
        observed="cleartext",
        findings=("auth_offered_in_cleartext",),
    ),
    _gate(
        "policy-all-addresses",
        "one of two addresses is dead, and all must work",
        at="dns-relay",
        host="dead6.lab.test",
        port=465,
        ask={"secure": True, "timeout": 5, "require_all_addresses": True, "alternatives": []},
        cause="no_route",
        seconds=6,
    ),
    _gate(
        "policy-all-addresses-met",
        "both addresses work, and all must",
        at="both-families-465",
        port=465,
        ask={**IMPLICIT, "require_all_addresses": True},
    ),
    _gate(
        "policy-old-tls-allowed",
        "the relay knows only TLS 1.1, and that is allowed",
        _old_tls,
        465,
        {**IMPLICIT, "minimum_tls_version": "TLSv1.1", "alternatives": []},
        None,
        findings=("tls_version_old",),
    ),
]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which other ports of a relay a sentence may name: never one that the same call has found not to work."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import Fields
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CLEARTEXT_FIRST_PORTS,
    IMPLICIT_TLS_PORTS,
    Settings,
)

__all__ = ("PORT_FIELDS", "OtherPort", "failing_ports", "order_of", "port_words")

# The fields of sentences that name other ports, see _causes.
PORT_FIELDS = ("other_port", "tls_port", "usual_ports", "usual_modes")


class OtherPort(t.TypedDict):
    """Another port of a relay, as the gate returns it; ``ok`` null: not learnt."""

    port: int
    secure: bool
    security: str
    ok: bool | None
    cause: str | None


# Ports of submission; 25 is for relays among themselves and is not recommended.
_SUBMISSION = tuple(port for port in CLEARTEXT_FIRST_PORTS if port != 25)
_USUAL = {465: "465 (secure: true)", 587: "587 (secure: false)"}
_STRENGTH = ("implicit_tls", "starttls", "opportunistic", "cleartext")


def order_of(entry: OtherPort) -> tuple[int, int]:
    """Sorts other ports best first: those that work, the unknown, the rest; TLS ahead of what may be cleartext."""
    state = {True: 0, None: 1, False: 2}[entry["ok"]]
    weak = max(0, _STRENGTH.index(entry["security"]) - 1) if entry["ok"] else 0
    return state, weak


def failing_ports(others: Iterable[OtherPort], observation: Observation) -> set[int]:
    """The ports that were tried in the same call and do not work."""
    found = {one["port"] for one in others if one["ok"] is False}
    asked = {one["port"] for one in observation["elsewhere"]}
    return found | {
        port
        for port in asked
        if not any(one["result"] == "open" for one in observation["elsewhere"] if one["port"] == port)
    }


def port_words(settings: Settings, failing: Collection[int], works: bool, wanted: int | None) -> Fields:
    """The fields of sentences that name another port; null where none may be named.

    ``works``: another port was found to work, which is told in full beside the sentence, so that none is guessed here.
    ``wanted``: the port that a diagnosis would name, null for the convention's.
    """

    def first(ports: Sequence[int]) -> int | None:
        return None if works else next((port for port in ports if port != settings.port and port not in failing), None)

    implicit = settings.security == "implicit_tls" or settings.port in IMPLICIT_TLS_PORTS
    usual = [] if works else [port for port in _USUAL if port != settings.port and port not in failing]
    return {
        "other_port": first([wanted] if wanted else _SUBMISSION if implicit else IMPLICIT_TLS_PORTS),
        "tls_port": first(IMPLICIT_TLS_PORTS),
        "usual_ports": ", ".join(map(str, usual)) or None,
        "usual_modes": " or ".join(_USUAL[port] for port in usual) or None,
    }

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts on the other ports of a relay. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation, Route
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.addresses import representative
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import (
    Diagnosis,
    HostFacts,
    Policy,
    diagnose,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import OtherPort, order_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.signs import learnt

__all__ = ("alternative_verdicts", "other_port")

# A silent port that had less than this (milliseconds) was cut off, and may only be slow.
_FAIR_TRIAL_MS = 1000


def alternative_verdicts(
    settings: Settings, observation: Observation, policy: Policy, host: HostFacts
) -> list[OtherPort]:
    """The other ports that were to be asked, best first: those that work (cleartext last), the unknown, the rest."""
    return sorted((_alternative(settings, route, policy, host) for route in observation["alternatives"]), key=order_of)


def other_port(port: int, security: str, ok: bool | None, cause: str | None = None) -> OtherPort:
    """An entry of the gate's ``alternatives``; ``ok`` null: not learnt."""
    return {"port": port, "secure": security == "implicit_tls", "security": security, "ok": ok, "cause": cause}


def _alternative(settings: Settings, route: Route, policy: Policy, host: HostFacts) -> OtherPort:
    """One other port. Where it works and was logged in to, that session is what counts."""
    attempts, port, security = route["attempts"], route["port"], str(route["security"])
    other = replace(settings, port=port, security=security)
    diagnoses = [diagnose(attempt, other, policy, host) for attempt in attempts]
    shown = representative(attempts, diagnoses, policy) if attempts else None
    if shown is None or (not diagnoses[shown].ok and any(_cut_off(one) for one in attempts)):
        return other_port(port, "starttls" if security == "auto" else security, None)
    diagnosis = diagnoses[shown]
    if security == "auto":
        security = diagnosis.observed or "starttls"
    if security == "cleartext" and settings.security == "opportunistic":
        # Speaking cleartext is not choosing it: no login goes over it.
        security = "opportunistic"
    if security == "cleartext" and settings.security != "cleartext":
        security, diagnosis = "starttls", Diagnosis("starttls_not_offered") if diagnosis.ok else diagnosis
    if diagnosis.ok and "login" in route:
        diagnosis = diagnose(route["login"], replace(other, security=security), policy, host)
    return other_port(port, security, diagnosis.ok, diagnosis.code)


def _cut_off(attempt: Attempt) -> bool:
    """Whether the climb ended because nobody waited for it any longer, so that it proves nothing against the port."""
    failure = attempt["failure"]
    if failure is None or not learnt(attempt):
        return failure is not None
    return failure["kind"] == "timeout" and sum(step["ms"] for step in attempt["rungs"]) < _FAIR_TRIAL_MS

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the evidence of an endpoint to its verdict: one entry of ``probes``, always of the same shape. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS, Fields
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import details, signs
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.addresses import representative, shared_outcome
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.alternatives import alternative_verdicts, other_port
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import read_chain
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import (
    Diagnosis,
    HostFacts,
    Policy,
    diagnose,
    diagnose_name,
    diagnose_slow_name,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.findings import Seen, findings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import (
    OtherPort,
    failing_ports,
    order_of,
    port_words,
)

__all__ = ("Verdict", "alternative_verdicts", "judge", "judge_all")

Probe = dict[str, t.Any]


class Verdict(t.NamedTuple):
    """The verdict on one endpoint, its other ports best first, and the port that works instead, if one is known.

    ``logged_in``: whether the login was tried there, and worked. ``in_trouble``: the relay as a whole is, so that a port which works may
    refuse mail all the same.
    """

    probe: Probe
    alternatives: list[OtherPort]
    working: OtherPort | None
    logged_in: bool = False
    in_trouble: bool = False


def judge_all(
    endpoints: Sequence[Settings], observations: Sequence[Observation], policy: Policy, host: HostFacts
) -> list[Verdict]:
    """The verdicts on all endpoints of a call. What was learnt of one port is used in the advice on another one."""
    probes = [judge(one, seen, policy, host) for one, seen in zip(endpoints, observations)]
    found = []
    for settings, seen, probe in zip(endpoints, observations, probes):
        if probe["ok"]:
            found.append(Verdict(probe, [], None))
            continue
        same = [
            other_port(one["port"], one["security"], one["ok"], one["cause"])
            for other, one in zip(endpoints, probes)
            if _same_relay(settings, other)
        ]
        alternatives = alternative_verdicts(settings, seen, policy, host)
        working = [one for one in (*alternatives, *sorted(same, key=order_of)) if one["ok"]]
        took = _took_the_login(settings, seen, zip(endpoints, probes))
        best = next((one for one in working if one["port"] in took), None) or next(iter(working), None)
        logged_in = best is not None and best["port"] in took
        told, diagnosis = _judge(settings, seen, policy, host, same)
        found.append(Verdict(printable_data(told), alternatives, best, logged_in, _in_trouble(diagnosis)))
    return found


def _in_trouble(diagnosis: Diagnosis) -> bool:
    reason = (diagnosis.code, diagnosis.variant)
    return diagnosis.code == "temporarily_rejected" or reason == ("starttls_rejected", "resources")


def _took_the_login(settings: Settings, seen: Observation, of_the_call: Iterable[tuple[Settings, Probe]]) -> set[int]:
    """The other ports of this relay where the login was tried in this call; those that refused it do not work."""
    others = {route["port"] for route in seen["alternatives"] if "login" in route}
    return others | {
        one.port
        for one, probe in of_the_call
        if _same_relay(settings, one) and any(step["layer"] == "auth" for step in probe["layers"])
    }


def _same_relay(one: Settings, other: Settings) -> bool:
    """Whether the two differ in nothing but the port, and the mode that goes with it, which must be no weaker."""
    alike = one.port != other.port and replace(one, port=other.port, security=other.security) == other
    return alike and _no_weaker(other.security, one.security)


def _no_weaker(security: str, than: str) -> bool:
    return security in ("implicit_tls", "starttls") or than == "cleartext" or security == than == "opportunistic"


def judge(
    settings: Settings, observation: Observation, policy: Policy, host: HostFacts, known: Sequence[OtherPort] = ()
) -> Probe:
    """The verdict on one endpoint: the keys of design 2.3. Whatever a stranger said is printable in it.

    ``known``: what the same call learnt of further ports of this relay.
    """
    return printable_data(_judge(settings, observation, policy, host, known)[0])


def _judge(
    settings: Settings, observation: Observation, policy: Policy, host: HostFacts, known: Sequence[OtherPort]
) -> tuple[Probe, Diagnosis]:
    others = [*alternative_verdicts(settings, observation, policy, host), *known]
    attempts = observation["attempts"]
    probe = _empty(settings, observation)
    if not attempts:
        unnamed = diagnose_name(observation["dns"], settings)
        if unnamed.layer == "settings":
            probe["layers"] = [{**probe["layers"][0], "ok": True}, {"layer": "settings", "ok": False, "ms": 0.0}]
        return _with_cause(probe, settings, unnamed, None, _ports(settings, observation, others)), unnamed

    slow = diagnose_slow_name(observation, settings)
    if slow is not None:
        probe["layers"][0]["ok"] = False
        unknown = {"ok": None, "cause": None}
        probe["addresses"] = [{**_address(one, slow), **unknown} for one in attempts]
        return _with_cause(probe, settings, slow, None, _ports(settings, observation, others)), slow
    judged = [
        diagnose(attempt, settings, policy, host, signs.answers_elsewhere(attempt, observation)) for attempt in attempts
    ]
    diagnoses = shared_outcome(attempts, judged)
    shown = representative(attempts, diagnoses, policy)
    attempt, diagnosis = attempts[shown], diagnoses[shown]
    ports = _ports(settings, observation, others, diagnosis.other_port)
    probe["ok"] = diagnosis.ok and not (policy.require_all_addresses and any(not one.ok for one in diagnoses))
    probe["security_observed"] = diagnosis.observed
    probe["layers"] += _layers(attempt, diagnosis)
    probe["addresses"] = [_address(one, verdict) for one, verdict in zip(attempts, diagnoses)]
    _add_evidence(probe, attempt, settings, host)
    probe["findings"] = findings(Seen(settings, observation, diagnoses, shown, policy, host, ports))
    if not diagnosis.ok:
        probe = _with_cause(probe, settings, diagnosis, attempt, ports)
    return probe, diagnosis


def _ports(
    settings: Settings, observation: Observation, others: Sequence[OtherPort], wanted: int | None = None
) -> Fields:
    """The fields of sentences that name other ports."""
    return port_words(settings, failing_ports(others, observation), any(one["ok"] for one in others), wanted)


# -- the parts of an entry


def _empty(settings: Settings, observation: Observation) -> Probe:
    dns = observation["dns"]
    return {
        "host": settings.host,
        "port": settings.port,
        "security": settings.security,
        "security_observed": None,
        "ok": False,
        "layer": None,
        "cause": None,
        "message": None,
        "remedy": None,
        "addresses": [],
        "layers": [{"layer": "dns", "ok": dns["ok"], "ms": dns["ms"]}],
        "greeting": None,
        "capabilities": {"before_tls": {}, "after_tls": {}},
        "tls": {"version": None, "cipher": None, "verified": None, "verify_error": None},
        "certificates": [],
        "chain_available": False,
        "transaction": None,
        "findings": [],
        "elapsed_ms": observation["elapsed_ms"],
    }


def _layers(attempt: Attempt, diagnosis: Diagnosis) -> list[dict[str, t.Any]]:
    """The rungs as climbed. The last one is that of the cause, unless the climb broke before it (421 to EHLO)."""
    steps: list[dict[str, t.Any]] = [{**step} for step in attempt["rungs"]]
    layer = diagnosis.layer
    if layer is None or any(step["layer"] == layer and not step["ok"] for step in steps):
        return steps
    if layer == "transaction" and steps and not steps[-1]["ok"]:
        return steps
    # Found on the way between two rungs (the other mode), or by reading the evidence.
    reached = [step for step in steps if step["ok"] or LAYERS.index(step["layer"]) < LAYERS.index(layer)]
    return [*({**step, "ok": True} for step in reached), {"layer": layer, "ok": False, "ms": 0.0}]


def _address(attempt: Attempt, diagnosis: Diagnosis) -> dict[str, t.Any]:
    known = signs.learnt(attempt)
    return {
        "address": attempt["address"],
        "family": attempt["family"],
        "ok": diagnosis.ok if known else None,
        "cause": diagnosis.code if known else None,
        "ms": round(sum(step["ms"] for step in attempt["rungs"]), 1),
    }


def _add_evidence(probe: Probe, attempt: Attempt, settings: Settings, host: HostFacts) -> None:
    # Where the other mode is what the port really speaks, its greeting, capabilities and certificates are the port's.
    seen = attempt.get("other_mode", attempt) if signs.broke_at(attempt) == "mode" else attempt
    greeting = seen.get("greeting") or attempt.get("greeting")
    if greeting:
        probe["greeting"] = f"{greeting['code']} {' '.join(greeting['lines'])}".rstrip()
    probe["capabilities"] = {when: signs.offered(seen, when) for when in ("before_tls", "after_tls")}
    tls = seen.get("tls")
    if tls:
        probe["tls"] = {
            "version": tls.get("version"),
            "cipher": tls.get("cipher"),
            "verified": tls.get("verified"),
            "verify_error": tls.get("verify_error"),
        }
    chain = read_chain(seen.get("chain") or [], host.clock, settings.login)
    probe["certificates"] = [certificate.as_dict(settings.return_pem) for certificate in chain]
    probe["chain_available"] = bool(seen.get("chain_available"))
    probe["transaction"] = attempt.get("transaction")


def _with_cause(
    probe: Probe, settings: Settings, diagnosis: Diagnosis, attempt: Attempt | None, ports: Fields
) -> Probe:
    address = attempt["address"] if attempt is not None else None
    fields = details.fields_of(settings, address, ports, diagnosis.fields)
    code = str(diagnosis.code)
    message, remedy = details.cause_sentence(settings, code, diagnosis.variant, diagnosis.detail, fields)
    if diagnosis.hint is not None:
        message, remedy = f"{message} {diagnosis.hint.message}", diagnosis.hint.remedy or remedy
    probe.update(ok=False, layer=diagnosis.layer, cause=code, message=message, remedy=remedy)
    return probe

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the evidence of an endpoint to its verdict: one entry of ``probes``, always of the same shape. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import FINDINGS, LAYERS, cause_row
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import disordered, read_chain, weakness
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import (
    Diagnosis,
    HostFacts,
    Policy,
    diagnose,
    masked_capabilities,
    offered,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.reply import explain_reply
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import IMPLICIT_TLS_PORTS, Settings, clash_sentence, convention_clash

__all__ = ("alternative_verdicts", "judge")

_FINDINGS = {row.code: row for row in FINDINGS}
_SIGNS_OF_LIFE = ("open", "ECONNREFUSED")
_SLOW_GREETING_MS = 3000
# Mechanisms that show the password to whoever reads along.
_READABLE_MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")


def judge(settings: Settings, observation: Mapping[str, t.Any], policy: Policy, host: HostFacts) -> dict[str, t.Any]:
    """The verdict on one endpoint: the keys of design 2.3."""
    attempts = observation["attempts"]
    diagnoses = [diagnose(attempt, settings, policy, host, _answers_elsewhere(attempt, observation)) for attempt in attempts]
    probe = _empty(settings)
    probe["elapsed_ms"] = observation["elapsed_ms"]
    probe["layers"] = [{"layer": "dns", "ok": observation["dns"]["ok"], "ms": observation["dns"]["ms"]}]
    if not attempts:
        return _with_cause(probe, settings, _dns_diagnosis(observation["dns"]), None)

    diagnoses = _shared_outcome(attempts, diagnoses)
    shown = _representative(attempts, diagnoses, policy)
    attempt, diagnosis = attempts[shown], diagnoses[shown]
    failed = policy.require_all_addresses and any(not one.ok for one in diagnoses)
    probe["ok"] = diagnosis.ok and not failed
    probe["security_observed"] = diagnosis.observed
    probe["layers"] += _layers(attempt, diagnosis)
    probe["addresses"] = [_address(one, verdict) for one, verdict in zip(attempts, diagnoses)]
    _add_evidence(probe, attempt, settings, host)
    probe["findings"] = _findings(settings, observation, attempts, diagnoses, shown, policy, host)
    if diagnosis.ok:
        return probe
    return _with_cause(probe, settings, diagnosis, attempt)


def alternative_verdicts(settings: Settings, observation: Mapping[str, t.Any], policy: Policy, host: HostFacts) -> list[dict[str, t.Any]]:
    """The other ports that were probed, best first: those that work, TLS from the first byte ahead of STARTTLS."""
    found = []
    for rank, route in enumerate(observation["alternatives"]):
        other = replace(settings, port=route["port"], security=route["security"])
        diagnoses = [diagnose(attempt, other, policy, host) for attempt in route["attempts"]]
        shown = _representative(route["attempts"], diagnoses, policy)
        diagnosis = diagnoses[shown]
        security = route["security"]
        if security == "auto":
            security = diagnosis.observed or "starttls"
            if diagnosis.ok and security == "cleartext" and settings.security not in ("cleartext", "opportunistic"):
                diagnosis = Diagnosis("starttls_not_offered", "starttls", observed="cleartext")
                security = "starttls"
        entry = {"port": route["port"], "secure": security == "implicit_tls", "security": security, "ok": diagnosis.ok, "cause": diagnosis.code}
        found.append((not diagnosis.ok, rank, entry))
    return [entry for _bad, _rank, entry in sorted(found, key=lambda one: one[:2])]


# -- the parts of an entry


def _empty(settings: Settings) -> dict[str, t.Any]:
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
        "layers": [],
        "greeting": None,
        "capabilities": {"before_tls": {}, "after_tls": {}},
        "tls": {"version": None, "cipher": None, "verified": None, "verify_error": None},
        "certificates": [],
        "chain_available": False,
        "transaction": None,
        "findings": [],
        "elapsed_ms": 0.0,
    }


def _shared_outcome(attempts: t.Sequence[Mapping[str, t.Any]], diagnoses: list[Diagnosis]) -> list[Diagnosis]:
    """Only one address logs in and sends; when that is refused, it is refused for the addresses that left it to that one too."""
    refused = next((one for one in diagnoses if one.layer in ("auth", "transaction")), None)
    if refused is None:
        return diagnoses
    return [refused if attempt.get("yielded") and one.ok else one for attempt, one in zip(attempts, diagnoses)]


def _representative(attempts: t.Sequence[Mapping[str, t.Any]], diagnoses: list[Diagnosis], policy: Policy) -> int:
    """The address that stands for the endpoint: one that passes, else the one that got furthest; with require_all_addresses a failing one."""
    def height(index: int) -> tuple[int, int]:
        diagnosis = diagnoses[index]
        if diagnosis.ok:
            hidden = policy.require_all_addresses and any(not one.ok for one in diagnoses)
            return (-1 if hidden else len(LAYERS), -index - (len(attempts) if attempts[index].get("yielded") else 0))
        unfinished = (attempts[index]["failure"] or {}).get("layer") == "unfinished"
        if attempts[index].get("yielded"):
            return (LAYERS.index(diagnosis.layer or "tcp"), -index - len(attempts))
        return (0 if unfinished else LAYERS.index(diagnosis.layer or "tcp"), -index)

    return max(range(len(attempts)), key=height)


def _layers(attempt: Mapping[str, t.Any], diagnosis: Diagnosis) -> list[dict[str, t.Any]]:
    steps = [dict(step) for step in attempt["rungs"]]
    if not diagnosis.ok and not any(step["layer"] == diagnosis.layer and not step["ok"] for step in steps):
        # Found on the way between two rungs (the other mode), or by reading the evidence.
        steps = [step for step in steps if step["ok"] or LAYERS.index(step["layer"]) < LAYERS.index(diagnosis.layer or "tcp")]
        for step in steps:
            step["ok"] = True
        steps.append({"layer": diagnosis.layer, "ok": False, "ms": 0.0})
    return steps


def _address(attempt: Mapping[str, t.Any], diagnosis: Diagnosis) -> dict[str, t.Any]:
    unfinished = (attempt["failure"] or {}).get("layer") == "unfinished"
    return {
        "address": attempt["address"],
        "family": attempt["family"],
        "ok": None if unfinished else diagnosis.ok,
        "cause": None if unfinished else diagnosis.code,
        "ms": round(sum(step["ms"] for step in attempt["rungs"]), 1),
    }


def _add_evidence(probe: dict[str, t.Any], attempt: Mapping[str, t.Any], settings: Settings, host: HostFacts) -> None:
    other = attempt.get("other_mode") or {}
    # Where the other mode is what the port really speaks, its greeting, capabilities and certificates are the port's.
    seen = other if (attempt["failure"] or {}).get("layer") == "mode" else attempt
    greeting = seen.get("greeting") or attempt.get("greeting")
    if greeting:
        probe["greeting"] = f"{greeting['code']} {' '.join(greeting['lines'])}".rstrip()
    probe["capabilities"] = {"before_tls": offered(seen, "before_tls"), "after_tls": offered(seen, "after_tls")}
    tls = seen.get("tls")
    if tls:
        probe["tls"] = {key: tls.get(key) for key in ("version", "cipher", "verified", "verify_error")}
    probe["certificates"] = [certificate.as_dict(settings.return_pem) for certificate in read_chain(seen.get("chain") or [], host.clock)]
    probe["chain_available"] = bool(seen.get("chain_available"))
    probe["transaction"] = attempt.get("transaction")


def _with_cause(probe: dict[str, t.Any], settings: Settings, diagnosis: Diagnosis, attempt: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    row = cause_row(str(diagnosis.code), diagnosis.variant)
    words = _words(settings, attempt, diagnosis)
    message = row.sentence.format_map(words)
    layer = diagnosis.layer or row.layer
    if layer in ("dns", "tcp") and convention_clash(settings.port, settings.security):
        message += f" Besides, {clash_sentence(settings.port, settings.security)}"
    remedy = row.remedy.format_map(words)
    facts = diagnosis.facts
    hint = explain_reply(facts["code"], facts["words"], facts["stage"]) if "stage" in facts else None
    if hint is not None:
        message, remedy = f"{message} {hint.message}", hint.remedy
    probe.update(ok=False, layer=layer, cause=diagnosis.code, message=message, remedy=remedy)
    return probe


def _words(settings: Settings, attempt: Mapping[str, t.Any] | None, diagnosis: Diagnosis) -> dict[str, t.Any]:
    seconds = diagnosis.facts.get("seconds", settings.timeout)
    implicit = settings.security == "implicit_tls" or settings.port in IMPLICIT_TLS_PORTS
    words: dict[str, t.Any] = {
        "endpoint": settings.endpoint,
        "host": settings.host,
        "port": settings.port,
        "address": attempt["address"] if attempt else settings.host,
        "timeout": f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0"),
        "other_port": 587 if implicit else 465,
        "other_secure": str(not settings.secure).lower(),
        "name": settings.certificate_name,
        "ca_path": settings.ca_path or "",
        "detail": diagnosis.detail,
        "observed": "starttls",
    }
    words.update({key: value for key, value in diagnosis.facts.items() if key in ("observed", "other_port")})
    return words


def _dns_diagnosis(dns: Mapping[str, t.Any]) -> Diagnosis:
    failure = dns["failure"]
    error = failure.get("error")
    if failure["kind"] == "timeout":
        return Diagnosis("name_server_failure", "dns", detail=f" within {dns['ms'] / 1000:.0f} s")
    if error in ("EAI_NODATA", "EAI_ADDRFAMILY"):
        return Diagnosis("name_not_found", "dns", "no_address")
    if error == "EAI_NONAME":
        return Diagnosis("name_not_found", "dns")
    return Diagnosis("name_server_failure", "dns", detail=f" ({error})")


# -- findings


def _answers_elsewhere(attempt: Mapping[str, t.Any], observation: Mapping[str, t.Any]) -> bool:
    return any(result in _SIGNS_OF_LIFE for _port, result in _elsewhere(attempt, observation))


def _elsewhere(attempt: Mapping[str, t.Any], observation: Mapping[str, t.Any]) -> list[tuple[int, str]]:
    """What other ports of the same address did: (port, "open" or what kept it from being open)."""
    found = [(one["port"], one["result"]) for one in observation["elsewhere"] if one["address"] == attempt["address"]]
    for route in observation["alternatives"]:
        for other in route["attempts"]:
            if other["address"] == attempt["address"]:
                failure = other["failure"] or {}
                found.append((route["port"], failure.get("errno", failure.get("kind", "")) if failure.get("layer") == "tcp" else "open"))
    return found


def _findings(
    settings: Settings,
    observation: Mapping[str, t.Any],
    attempts: t.Sequence[Mapping[str, t.Any]],
    diagnoses: list[Diagnosis],
    shown: int,
    policy: Policy,
    host: HostFacts,
) -> list[dict[str, t.Any]]:
    attempt, diagnosis = attempts[shown], diagnoses[shown]
    found: list[dict[str, t.Any]] = []

    def add(code: str, detail: str = "", of: Mapping[str, t.Any] = attempt) -> None:
        row = _FINDINGS[code]
        words = _words(settings, of, replace(diagnosis, detail=detail))
        found.append({"severity": row.severity, "code": code, "message": row.sentence.format_map(words), "remedy": row.remedy.format_map(words)})

    for other, verdict in zip(attempts, diagnoses):
        if verdict.ok or other is attempt or (other["failure"] or {}).get("layer") == "unfinished":
            continue
        sentence = cause_row(str(verdict.code), verdict.variant).sentence.format_map(_words(settings, other, verdict))
        add("address_unreachable" if verdict.layer == "tcp" else "address_fails", f": {sentence.rstrip('.')}", other)
    for one, verdict in zip(attempts, diagnoses):
        answering = sorted({str(port) for port, result in _elsewhere(one, observation) if result == "open"}, key=int)
        if verdict.code == "connection_timeout" and answering:
            add("port_filtered_elsewhere_open", f"port {' and '.join(answering)}", one)
            break
    _dialogue_findings(add, attempt, diagnosis, settings)
    _certificate_findings(add, attempt, diagnosis, settings, policy, host)
    return found


_Add = t.Callable[..., None]


def _dialogue_findings(add: _Add, attempt: Mapping[str, t.Any], diagnosis: Diagnosis, settings: Settings) -> None:
    before, after = offered(attempt, "before_tls"), offered(attempt, "after_tls")
    tls = attempt.get("tls") or {}
    masked = masked_capabilities(attempt)
    if masked:
        add("starttls_stripped", masked)
    readable = [mechanism for mechanism in before.get("AUTH", []) if mechanism.upper() in _READABLE_MECHANISMS]
    if readable:
        add("auth_offered_in_cleartext", f" ({', '.join(readable)})")
    if settings.security == "opportunistic" and attempt["failure"] is None:
        add("downgrade_possible", "" if tls else "; right now there is no STARTTLS and everything is in cleartext")
    if attempt.get("injected"):
        add("starttls_injection")
    if attempt.get("helo") and attempt["failure"] is None:
        add("ehlo_refused")
    if before and after and {key for key in before if key not in ("STARTTLS", "AUTH")} != {key for key in after if key not in ("STARTTLS", "AUTH")}:
        gone, new = sorted(before.keys() - after.keys() - {"STARTTLS", "AUTH"}), sorted(after.keys() - before.keys() - {"STARTTLS", "AUTH"})
        parts = ([f"no longer {', '.join(gone)}"] if gone else []) + ([f"newly {', '.join(new)}"] if new else [])
        add("capabilities_changed", f": {'; '.join(parts)}")
    if diagnosis.ok and convention_clash(settings.port, "implicit_tls" if _implicit(attempt) else "starttls"):
        add("unconventional_port", "TLS from the first byte" if _implicit(attempt) else "cleartext first")
    if tls.get("version") in ("TLSv1", "TLSv1.1"):
        add("tls_version_old", tls["version"])
    for step in attempt["rungs"]:
        if step["layer"] == "greeting" and step["ok"] and step["ms"] >= _SLOW_GREETING_MS:
            add("greeting_slow", f"{step['ms'] / 1000:.0f} s")


def _certificate_findings(
    add: _Add, attempt: Mapping[str, t.Any], diagnosis: Diagnosis, settings: Settings, policy: Policy, host: HostFacts
) -> None:
    chain = read_chain(attempt.get("chain") or [], host.clock)
    if not chain or not (attempt.get("tls") or {}).get("version"):
        return
    if not settings.validate_certs:
        add("certificate_not_verified")
    soon = min(chain, key=lambda one: one.not_after)
    if diagnosis.layer != "certificate" and 0 <= soon.days_left <= policy.certificate_days_warning and soon.not_after > soon.clock:
        whose = "" if soon is chain[0] else f", for its issuer '{soon.common_name}',"
        add("certificate_expiring", f"{soon.days_left} days{whose} (on {soon.not_after:%Y-%m-%d})")
    if not chain[0].names and diagnosis.layer != "certificate":
        add("certificate_without_names", f": only its common name says '{chain[0].common_name}'")
    weak = weakness(chain)
    if weak and diagnosis.code != "certificate_weak":
        add("certificate_weak", f": {weak}")
    if attempt.get("chain_available") and disordered(chain):
        add("certificate_chain_disordered")


def _implicit(attempt: Mapping[str, t.Any]) -> bool:
    return attempt["mode"] == "implicit_tls"

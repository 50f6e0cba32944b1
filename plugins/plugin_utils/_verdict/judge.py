# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the evidence of an endpoint to its verdict: one entry of ``probes``, always of the same shape. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import FINDINGS, LAYERS, cause_row, fill
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import disordered, read_chain, weakness
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import (
    Diagnosis,
    HostFacts,
    Policy,
    diagnose,
    masked_capabilities,
    offered,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.texts import explain_reply
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, clash_sentence, convention_clash
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import OtherPort, failing_ports, order_of, port_words

__all__ = ("Verdict", "alternative_verdicts", "judge", "judge_all")

_FINDINGS = {row.code: row for row in FINDINGS}
_SIGNS_OF_LIFE = ("open", "ECONNREFUSED")
_SLOW_GREETING_MS = 3000
# Mechanisms that show the password to whoever reads along.
_READABLE_MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")


# A silent port that had less than this (milliseconds) was cut off, and may only be slow.
_FAIR_TRIAL_MS = 1000


class Verdict(t.NamedTuple):
    """The verdict on one endpoint, its other ports best first, and the port of the same relay that works instead, if one is known."""

    probe: dict[str, t.Any]
    alternatives: list[OtherPort]
    working: OtherPort | None


def judge_all(endpoints: Sequence[Settings], observations: Sequence[Mapping[str, t.Any]], policy: Policy, host: HostFacts) -> list[Verdict]:
    """The verdicts on all endpoints of a call. What was learnt of one port of a relay is used in the advice on another one."""
    probes = [judge(one, seen, policy, host) for one, seen in zip(endpoints, observations)]
    found = []
    for index, (settings, seen) in enumerate(zip(endpoints, observations)):
        if probes[index]["ok"]:
            found.append(Verdict(probes[index], [], None))
            continue
        same = [_as_other_port(one) for other, one in zip(endpoints, probes) if _same_relay(settings, other)]
        alternatives = alternative_verdicts(settings, seen, policy, host)
        working = next((one for one in (*alternatives, *sorted(same, key=order_of)) if one["ok"]), None)
        found.append(Verdict(judge(settings, seen, policy, host, same), alternatives, working))
    return found


def _same_relay(one: Settings, other: Settings) -> bool:
    """Whether the two differ in nothing but the port, and the mode that goes with it."""
    return one.port != other.port and replace(one, port=other.port, security=other.security) == other and _no_weaker(other.security, one.security)


def _no_weaker(security: str, than: str) -> bool:
    return security in ("implicit_tls", "starttls") or than == "cleartext" or security == than == "opportunistic"


def _as_other_port(probe: Mapping[str, t.Any]) -> OtherPort:
    security = probe["security"]
    return {"port": probe["port"], "secure": security == "implicit_tls", "security": security, "ok": probe["ok"], "cause": probe["cause"]}


def judge(
    settings: Settings, observation: Mapping[str, t.Any], policy: Policy, host: HostFacts, known: Sequence[OtherPort] = ()
) -> dict[str, t.Any]:
    """The verdict on one endpoint: the keys of design 2.3. ``known``: what the same call learnt of further ports of this relay."""
    others = _others(observation, [*alternative_verdicts(settings, observation, policy, host), *known])
    attempts = observation["attempts"]
    diagnoses = [diagnose(attempt, settings, policy, host, _answers_elsewhere(attempt, observation)) for attempt in attempts]
    probe = _empty(settings)
    probe["elapsed_ms"] = observation["elapsed_ms"]
    probe["layers"] = [{"layer": "dns", "ok": observation["dns"]["ok"], "ms": observation["dns"]["ms"]}]
    if not attempts:
        return _with_cause(probe, settings, _dns_diagnosis(observation["dns"]), None, others)

    diagnoses = _shared_outcome(attempts, diagnoses)
    shown = _representative(attempts, diagnoses, policy)
    attempt, diagnosis = attempts[shown], diagnoses[shown]
    failed = policy.require_all_addresses and any(not one.ok for one in diagnoses)
    probe["ok"] = diagnosis.ok and not failed
    probe["security_observed"] = diagnosis.observed
    probe["layers"] += _layers(attempt, diagnosis)
    probe["addresses"] = [_address(one, verdict) for one, verdict in zip(attempts, diagnoses)]
    _add_evidence(probe, attempt, settings, host)
    probe["findings"] = _findings(settings, observation, attempts, diagnoses, shown, policy, host, others)
    if diagnosis.ok:
        return probe
    return _with_cause(probe, settings, diagnosis, attempt, others)


def alternative_verdicts(settings: Settings, observation: Mapping[str, t.Any], policy: Policy, host: HostFacts) -> list[OtherPort]:
    """The other ports that were to be asked, best first: those that work (cleartext last), those of which it is not known, those that do not."""
    found = [_alternative(settings, route, policy, host) for route in observation["alternatives"]]
    return sorted(found, key=order_of)


def _alternative(settings: Settings, route: Mapping[str, t.Any], policy: Policy, host: HostFacts) -> OtherPort:
    """One other port. Where it works and was logged in to, that session is what counts."""
    attempts = route["attempts"]
    other = replace(settings, port=route["port"], security=route["security"])
    diagnoses = [diagnose(attempt, other, policy, host) for attempt in attempts]
    shown = _representative(attempts, diagnoses, policy) if attempts else None
    if shown is None or not diagnoses[shown].ok and any(_cut_off(one) for one in attempts):
        security = "starttls" if route["security"] == "auto" else route["security"]
        return {"port": route["port"], "secure": security == "implicit_tls", "security": security, "ok": None, "cause": None}
    diagnosis = diagnoses[shown]
    security = (diagnosis.observed or "starttls") if route["security"] == "auto" else route["security"]
    if security == "cleartext" and settings.security == "opportunistic":
        # Speaking cleartext is not choosing it: no login goes over it.
        security = "opportunistic"
    if security == "cleartext" and settings.security != "cleartext":
        security, diagnosis = "starttls", Diagnosis("starttls_not_offered", "starttls") if diagnosis.ok else diagnosis
    if diagnosis.ok and route.get("login"):
        diagnosis = diagnose(route["login"], replace(other, security=security), policy, host)
    return {"port": route["port"], "secure": security == "implicit_tls", "security": security, "ok": diagnosis.ok, "cause": diagnosis.code}


def _cut_off(attempt: Mapping[str, t.Any]) -> bool:
    """Whether the climb ended because nobody waited for it any longer, so that it proves nothing against the port."""
    failure = attempt["failure"] or {}
    if _not_learnt(attempt):
        return True
    return failure.get("kind") == "timeout" and sum(step["ms"] for step in attempt["rungs"]) < _FAIR_TRIAL_MS


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
    tried = (one for attempt, one in zip(attempts, diagnoses) if attempt["failure"] is not None)
    refused = next((one for one in tried if one.layer in ("auth", "transaction")), None)
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
        unfinished = _not_learnt(attempts[index])
        if attempts[index].get("yielded"):
            return (LAYERS.index(diagnosis.layer or "tcp"), -index - len(attempts))
        return (0 if unfinished else LAYERS.index(diagnosis.layer or "tcp"), -index)

    return max(range(len(attempts)), key=height)


def _not_learnt(attempt: Mapping[str, t.Any]) -> bool:
    """Whether it is not known if the address works: it was not waited for, or never asked."""
    return (attempt["failure"] or {}).get("kind") in ("unfinished", "not_asked")


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
    unfinished = _not_learnt(attempt)
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


class _Others(t.NamedTuple):
    """What a call knows of the other ports of a relay."""

    failing: t.Collection[int] = ()
    works: bool = False


def _others(observation: Mapping[str, t.Any], entries: Sequence[OtherPort]) -> _Others:
    return _Others(failing_ports(entries, observation), any(one["ok"] for one in entries))


def _with_cause(
    probe: dict[str, t.Any], settings: Settings, diagnosis: Diagnosis, attempt: Mapping[str, t.Any] | None, others: _Others
) -> dict[str, t.Any]:
    row = cause_row(str(diagnosis.code), diagnosis.variant)
    words = _words(settings, attempt, diagnosis, others)
    message = fill(row.sentence, words)
    layer = diagnosis.layer or row.layer
    if layer in ("dns", "tcp") and convention_clash(settings.port, settings.security):
        message += f" Besides, {clash_sentence(settings.port, settings.security)}"
    remedy = fill(row.remedy, words)
    facts = diagnosis.facts
    hint = explain_reply(facts["code"], facts["words"], facts["stage"]) if "stage" in facts else None
    if hint is not None:
        message, remedy = f"{message} {hint.message}", hint.remedy
    probe.update(ok=False, layer=layer, cause=diagnosis.code, message=message, remedy=remedy)
    return probe


def _words(settings: Settings, attempt: Mapping[str, t.Any] | None, diagnosis: Diagnosis, others: _Others) -> dict[str, t.Any]:
    seconds = diagnosis.facts.get("seconds", settings.timeout)
    words: dict[str, t.Any] = {
        "endpoint": settings.endpoint,
        "host": settings.host,
        "port": settings.port,
        "address": attempt["address"] if attempt else settings.host,
        "timeout": f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0"),
        "other_secure": str(not settings.secure).lower(),
        "name": settings.certificate_name,
        "ca_path": settings.ca_path or "",
        "detail": diagnosis.detail,
        "observed": diagnosis.facts.get("observed", "starttls"),
    }
    words.update(port_words(settings, others.failing, others.works, diagnosis.facts.get("other_port")))
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
    others: _Others,
) -> list[dict[str, t.Any]]:
    attempt, diagnosis = attempts[shown], diagnoses[shown]
    found: list[dict[str, t.Any]] = []

    def add(code: str, detail: str = "", of: Mapping[str, t.Any] = attempt) -> None:
        row = _FINDINGS[code]
        words = _words(settings, of, replace(diagnosis, detail=detail), others)
        found.append({"severity": row.severity, "code": code, "message": fill(row.sentence, words), "remedy": fill(row.remedy, words)})

    for other, verdict in zip(attempts, diagnoses):
        if verdict.ok or other is attempt or _not_learnt(other):
            continue
        sentence = fill(cause_row(str(verdict.code), verdict.variant).sentence, _words(settings, other, verdict, others))
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
    return attempt["security"] == "implicit_tls"

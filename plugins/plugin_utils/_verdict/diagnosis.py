# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the evidence of one address to one cause. Pure: the same evidence gives the same diagnosis, today or next week."""

from __future__ import annotations

import datetime
import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import capabilities, status_code
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import TLS_VERSIONS, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import chain_verdict, read_chain
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.login import missing_login
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import cause_row

__all__ = ("TLS_VERSIONS", "Diagnosis", "HostFacts", "Policy", "diagnose", "masked_capabilities", "observed_security", "offered")

_NO_ROUTE = ("ENETUNREACH", "ENETDOWN", "EHOSTUNREACH", "EHOSTDOWN", "EINVAL", "EADDRNOTAVAIL", "EAFNOSUPPORT")
_BLOCKED = ("EACCES", "EPERM")
# ICMP messages by which a firewall says no (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1): IP version, type, code.
_ICMP_PROHIBITED = ((4, 3, 9), (4, 3, 10), (4, 3, 13), (6, 1, 1), (6, 1, 5), (6, 1, 6))
_ICMP_PORT_UNREACHABLE = ((4, 3, 3), (6, 1, 4))

_VERSION_REASONS = (
    "TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE", "VERSION_TOO_LOW", "VERSION_TOO_HIGH",
    "UNKNOWN_PROTOCOL", "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
)
_CLIENT_CERTIFICATE_REASONS = ("TLSV13_ALERT_CERTIFICATE_REQUIRED",)

# How other services introduce themselves.
_SERVICES = (
    (r"SSH-", "an SSH server"),
    (r"HTTP/|<!DOCTYPE|<html", "a web server"),
    (r"\* (OK|PREAUTH|BYE)", "an IMAP server"),
    (r"\+OK", "a POP3 server"),
    (r"RFB ", "a VNC server"),
    (r".*(mysql|mariadb)", "a MySQL server"),
    (r"-ERR", "a POP3 or Redis server"),
)
_FTP = re.compile(r"ftp|filezilla", re.IGNORECASE)
# What a server says that knows neither EHLO nor HELO (RFC 5321 section 4.2.4); FTP servers answer 530 as well.
_UNKNOWN_COMMAND = (500, 502, 503, 530)


# What kept an address from being asked.
_LACKS = {
    "time": ": the time was over before its turn",
    "threads": ": this host lets the probe have no more threads (ulimit -u)",
    "files": ": this host lets the probe open no more connections (ulimit -n)",
    "memory": ": this host lets the probe have no more memory (ulimit -v)",
}


@dataclass(frozen=True)
class HostFacts:
    """What holds for all probes of one call: the managed host's clock (UTC), how far it is off ours in seconds, its trust store."""

    clock: datetime.datetime
    skew: float = 0.0
    trust_store_empty: bool = False
    ca_subjects: Mapping[str, t.Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """Why one address does not pass, or (code null) that it does. ``detail`` and ``facts`` go into the sentence."""

    code: str | None = None
    layer: str | None = None
    variant: str = ""
    detail: str = ""
    observed: str | None = None
    facts: Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the address passes."""
        return self.code is None


def diagnose(attempt: Mapping[str, t.Any], settings: t.Any, policy: Policy, host: HostFacts, answers_elsewhere: bool = False) -> Diagnosis:
    """The diagnosis of one attempt. ``answers_elsewhere``: another port of the same address gave a sign of life."""
    observed = observed_security(attempt)
    failure = attempt["failure"]
    if failure is None:
        broken = _policy_breach(attempt, settings, policy, host)
        lacking = missing_login(attempt, offered(attempt, "after_tls" if attempt.get("tls") else "before_tls"), settings)
        if broken is None and lacking is not None:
            found = _auth(attempt, lacking, settings, host, answers_elsewhere)
            broken = replace(found, layer="auth", observed=observed)
        if broken is None and settings.security == "auto" and observed is None:
            observed = "cleartext"
        return broken or Diagnosis(observed=observed)
    learnt = failure["kind"] not in ("unfinished", "not_asked")
    found = (_DIAGNOSES[failure["layer"]] if learnt else _unfinished)(attempt, failure, settings, host, answers_elsewhere)
    found_observed = found.observed if found.observed is not None else observed
    return Diagnosis(found.code, found.layer or cause_row(str(found.code), found.variant).layer, found.variant, found.detail, found_observed, found.facts)


def offered(attempt: Mapping[str, t.Any], when: str) -> dict[str, list[str]]:
    """The capabilities that EHLO showed ``before_tls`` or ``after_tls``."""
    reply = (attempt.get("ehlo") or {}).get(when)
    return capabilities(reply["lines"]) if reply and reply["code"] // 100 == 2 else {}


def observed_security(attempt: Mapping[str, t.Any]) -> str | None:
    """How the port speaks, whatever was asked of it: implicit_tls, starttls (offered), cleartext, or null where it was not learnt."""
    other = attempt.get("other_mode")
    failure = attempt["failure"] or {}
    if attempt["security"] == "implicit_tls":
        if failure.get("kind") == "plaintext" or (other and other.get("greeting")):
            return observed_security(other) if other else None
        tls = attempt.get("tls") or {}
        spoken = tls.get("version") or attempt.get("greeting") or (failure.get("layer") == "tls" and failure.get("kind") == "tls")
        return "implicit_tls" if spoken else None
    if failure.get("kind") == "tls_spoken":
        return "implicit_tls"
    if "ehlo" in attempt:
        return "starttls" if "STARTTLS" in offered(attempt, "before_tls") else "cleartext"
    return None


# -- one function a layer: (attempt, failure, settings, host, answers_elsewhere) -> Diagnosis


def _tcp(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    kind, errno, icmp = failure["kind"], failure.get("errno"), tuple(failure.get("icmp") or ())
    said = f" (so says {failure['icmp_from']} by ICMP)" if failure.get("icmp_from") else ""
    if kind == "bind":
        return Diagnosis("invalid_settings", variant="source_address", detail=str(settings.source_address))
    if kind == "timeout":
        return Diagnosis("connection_timeout", facts={"seconds": _waited(attempt, failure)})
    if kind in ("reset", "closed"):
        other = attempt.get("other_mode") or {}
        if other.get("greeting"):
            return _cleartext_spoken(attempt, "", settings, host)
        if (other.get("failure") or {}).get("kind") == "timeout":
            return Diagnosis("tls_handshake_failed", detail=": the relay resets the connection as soon as it sees TLS")
        return Diagnosis("connection_reset")
    if errno == "ECONNREFUSED":
        return Diagnosis("connection_refused", detail=said if icmp in _ICMP_PORT_UNREACHABLE else "")
    if icmp in _ICMP_PROHIBITED or errno in _BLOCKED:
        return Diagnosis("connection_blocked", detail=said)
    if errno == "EHOSTUNREACH" and elsewhere:
        return Diagnosis("connection_blocked", detail=": it calls the host unreachable, yet another port of it answers")
    if errno == "EHOSTUNREACH" and not icmp and attempt["family"] == 4 and _waited(attempt, failure) < 0.9:
        return Diagnosis("no_route", variant="or_blocked")
    if errno in _NO_ROUTE:
        return Diagnosis("no_route", detail=said or f" ({errno})")
    return Diagnosis("no_route", detail=f" ({errno})")


def _greeting(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    kind = failure["kind"]
    if kind == "out_of_step":
        return _out_of_step(failure)
    if kind == "timeout":
        partial = failure.get("partial")
        detail = f": only '{partial[:80]}' came" if partial else ": it stayed silent"
        if attempt["security"] == "implicit_tls":
            detail += " after the TLS handshake, so it may be another service with TLS"
        return Diagnosis("greeting_timeout", detail=detail, facts={"seconds": _waited(attempt, failure)})
    if kind in ("closed", "reset", "os"):
        partial = failure.get("partial")
        when = f"in the middle of its greeting ('{partial[:80]}')" if partial else "before it greeted"
        return Diagnosis("connection_closed", detail=f"{when} ({failure.get('errno')})" if kind == "os" else when)
    if kind == "reply" and _wants_client_certificate(attempt, failure):
        return Diagnosis("client_certificate_required", detail=f": '{_said(failure)}'")
    if kind == "reply" and failure["code"] < 400:
        return Diagnosis("not_smtp", detail=f": it greets with '{_said(failure)}', where SMTP has 220")
    if kind == "reply":
        return Diagnosis("greeting_rejected", detail=_quoted(failure), facts=_reply_facts(failure, "greeting"))
    if kind == "malformed":
        return Diagnosis("not_smtp", detail=_service(failure["text"]))
    return Diagnosis("not_smtp", detail=f": it sends a {failure.get('limit', 'reply')} without end")


def _mode(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    other = attempt.get("other_mode") or {"failure": None}
    other_failure = other["failure"] or {}
    if failure["kind"] == "tls_spoken":
        if other_failure.get("layer") == "greeting" and other_failure.get("kind") in ("malformed", "limit"):
            return Diagnosis("not_smtp", detail=_service(other_failure.get("text", "")) + " behind TLS", observed="implicit_tls")
        detail = ""
        if other_failure.get("layer") in ("tls", "certificate", "greeting"):
            detail = f" (TLS there has a fault of its own: {_short(other, settings, host)})"
        facts = {"other_port": 587 if settings.port != 587 else 2587}
        return Diagnosis("mode_mismatch", variant="implicit_spoken", detail=detail, observed="implicit_tls", facts=facts)
    text = failure.get("text", "")
    if not re.match(r"[2-5](\d(\d([ -]|$)|$)|$)", text):
        return Diagnosis("not_smtp", detail=_service(text))
    if _ftp(text):
        return Diagnosis("not_smtp", detail=f": an FTP server answers ('{text[:60]}')")
    return _cleartext_spoken(attempt, text, settings, host)


def _cleartext_spoken(attempt: Mapping[str, t.Any], text: str, settings: t.Any, host: HostFacts) -> Diagnosis:
    other = attempt.get("other_mode")
    if other and other["failure"] and other["failure"]["layer"] == "ehlo":
        inner = _ehlo(other, other["failure"], settings, host, False)
        if inner.code == "not_smtp":
            return inner
    observed = observed_security(other) if other else None
    spoken = f": it said '{text[:80]}'" if text else ""
    facts = {"observed": observed or "starttls", "other_port": 465 if settings.port != 465 else 2465}
    return Diagnosis("mode_mismatch", variant="cleartext_spoken", detail=spoken, observed=observed, facts=facts)


def _out_of_step(failure: Mapping[str, t.Any]) -> Diagnosis:
    return Diagnosis("ehlo_rejected", "ehlo", "no_answer", f": its replies are out of step with what is asked (it said{_quoted(failure)})")


def _ehlo(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    if failure["kind"] == "out_of_step":
        return _out_of_step(failure)
    greeting = " ".join((attempt.get("greeting") or {}).get("lines") or [])
    if _ftp(greeting):
        return Diagnosis("not_smtp", detail=f": an FTP server answers ('{greeting[:60]}')")
    if failure["kind"] == "reply" and _wants_client_certificate(attempt, failure):
        return Diagnosis("client_certificate_required", detail=f": '{_said(failure)}'")
    if failure["kind"] == "reply":
        helo = attempt.get("helo")
        if helo is not None and failure["code"] in _UNKNOWN_COMMAND and helo["code"] in _UNKNOWN_COMMAND:
            return Diagnosis("not_smtp", detail=f": it knows neither EHLO nor HELO ('{_said(failure)}')")
        return Diagnosis("ehlo_rejected", detail=_quoted(failure))
    return Diagnosis("ehlo_rejected", variant="no_answer", detail=_unanswered(attempt, failure))


def _starttls(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    if failure["kind"] == "missing":
        masked = masked_capabilities(attempt)
        detail = f"; something on the way masks what it offers ({masked})" if masked else ""
        return Diagnosis("starttls_not_offered", detail=detail)
    if failure["kind"] == "reply":
        return Diagnosis("starttls_rejected", detail=_quoted(failure))
    return Diagnosis("starttls_rejected", variant="no_answer", detail=_unanswered(attempt, failure))


def _tls(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    kind, reason = failure["kind"], failure.get("reason", "")
    tls = attempt.get("tls") or {}
    other = attempt.get("other_mode")
    if other is not None:
        other_failure = other["failure"] or {}
        if other.get("greeting"):
            said = other["greeting"]
            return _cleartext_spoken(attempt, f"{said['code']} {said['lines'][0]}", settings, host)
        if other_failure.get("kind") in ("closed", "reset"):
            # It hangs up on whoever connects, TLS or not.
            hang_up = _tcp if other_failure["layer"] == "tcp" else _greeting
            return hang_up(other, other_failure, settings, host, elsewhere)
        if other_failure.get("layer") == "greeting" and other_failure.get("kind") == "malformed":
            return Diagnosis("not_smtp", detail=_service(other_failure.get("text", "")))
    if kind == "timeout":
        how_far = "the relay stayed silent" if failure.get("silent", True) else "the relay stopped in the middle of it"
        return Diagnosis("tls_handshake_timeout", detail=f": {how_far}", facts={"seconds": _waited(attempt, failure)})
    legacy = attempt.get("legacy") or {}
    if reason in _VERSION_REASONS or legacy.get("version") in ("TLSv1", "TLSv1.1"):
        speaks = f": it speaks {legacy['version']} at most" if legacy.get("version") in ("TLSv1", "TLSv1.1") else ""
        return Diagnosis("tls_version_unsupported", detail=speaks)
    refused = kind in ("tls", "closed", "reset") and "ALERT" in reason or kind in ("closed", "reset")
    if reason in _CLIENT_CERTIFICATE_REASONS or (tls.get("certificate_requested") and refused):
        return Diagnosis("client_certificate_required")
    if kind in ("closed", "reset"):
        act = "reset" if kind == "reset" else "closed"
        when = "as soon as it saw the ClientHello" if failure.get("silent", True) else "in the middle of it"
        return Diagnosis("tls_handshake_failed", detail=f": the relay {act} the connection {when}")
    if kind == "plaintext":
        return Diagnosis("tls_handshake_failed", detail=f": the relay went on in cleartext ('{failure.get('text', '')[:80]}')")
    if kind == "limit":
        return Diagnosis("tls_handshake_failed", detail=": the relay sends TLS records without end")
    return Diagnosis("tls_handshake_failed", detail=_tls_words(failure, legacy))


def _certificate(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    if failure["kind"] == "no_certificate":
        return Diagnosis("tls_handshake_failed", "tls", detail=": the relay shows no certificate, so anybody could be at the other end")
    chain = read_chain(attempt.get("chain") or [], host.clock)
    subjects = list(host.ca_subjects.get(settings.ca_path or "", ()))
    verdict = chain_verdict(failure["verify_code"], failure["text"], chain, settings.certificate_name, subjects)
    detail = verdict.detail
    if verdict.code in ("certificate_expired", "certificate_not_yet_valid") and abs(host.skew) > 3600:
        detail += f"; this host's clock is {abs(host.skew) / 3600:.0f} hours {'ahead' if host.skew > 0 else 'behind'}"
    if verdict.code == "certificate_untrusted" and host.trust_store_empty and settings.ca_path is None:
        detail += "; this host's trust store is empty, so install ca-certificates"
    return Diagnosis(verdict.code, detail=detail)


def _auth(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    kind = failure["kind"]
    if kind == "withheld":
        return Diagnosis("auth_requires_tls", detail=": the session is in cleartext, where no password is sent unless security: cleartext was chosen")
    if kind == "missing" and failure["what"] == "auth":
        if failure.get("starttls"):
            return Diagnosis("auth_requires_tls", detail=": it offers STARTTLS, and no login before it")
        return Diagnosis("auth_not_offered")
    if kind == "missing":
        listed = ", ".join(failure["offered"]) or "nothing"
        wanted = f"{failure['wanted']} was asked for, " if failure.get("wanted") else "none that is known here, "
        return Diagnosis("auth_mechanism_not_offered", detail=f": {wanted}{listed} is offered")
    if kind != "reply":
        return Diagnosis("auth_rejected", variant="no_answer", detail=_unanswered(attempt, failure))
    code, words = failure["code"], _said(failure)
    if code in (530, 538) or (status_code(words.partition(" ")[2]) or "") == "5.7.11":
        return Diagnosis("auth_requires_tls", detail=f": '{words}'")
    if code == 504 or (code == 534 and status_code(words.partition(" ")[2]) == "5.7.4"):
        return Diagnosis("auth_mechanism_not_offered", detail=f": '{words}'")
    return Diagnosis("auth_rejected", variant="temporary" if code // 100 == 4 else "", detail=f": '{words}'", facts=_reply_facts(failure, "auth"))


def _transaction(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    kind = failure["kind"]
    if kind == "withheld":
        return Diagnosis("starttls_not_offered", detail="; the message was not sent")
    if kind != "reply":
        return Diagnosis("message_rejected", detail=f": {_unanswered(attempt, failure).removeprefix(': ')}; whether it was taken is not known")
    code, words, stage = failure["code"], _said(failure), failure["stage"]
    who = f" {failure['recipient']}" if stage == "rcpt" and failure.get("recipient") else ""
    if code // 100 == 4:
        return Diagnosis("temporarily_rejected", detail=f" (at {stage.upper()}{who}): '{words}'", facts=_reply_facts(failure, stage))
    if code == 530 and re.search(r"starttls|tls|ssl|encrypt", words, re.IGNORECASE):
        return Diagnosis("auth_requires_tls", layer="transaction", detail=f", and mail as well: '{words}'")
    if stage == "mail":
        login = code == 530 or re.search(r"authenticat", words, re.IGNORECASE) is not None
        if code == 552:  # RFC 1870: larger than SIZE allows
            return Diagnosis("message_rejected", detail=f": '{words}'", facts=_reply_facts(failure, stage))
        return Diagnosis("sender_rejected", variant="auth_required" if login else "", detail=f": '{words}'", facts=_reply_facts(failure, stage))
    if stage == "rcpt":
        return Diagnosis("recipient_rejected", detail=f"{who}: '{words}'", facts=_reply_facts(failure, stage))
    return Diagnosis("message_rejected", detail=f": '{words}'", facts=_reply_facts(failure, stage))


def _unfinished(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any], settings: t.Any, host: HostFacts, elsewhere: bool) -> Diagnosis:
    if failure["kind"] == "not_asked":
        return Diagnosis("not_asked", detail=_LACKS[failure["lack"]])
    return Diagnosis("greeting_timeout", detail=": another address worked meanwhile", facts={"seconds": _waited(attempt, failure)})


_DIAGNOSES: dict[str, t.Callable[..., Diagnosis]] = {
    "tcp": _tcp,
    "greeting": _greeting,
    "mode": _mode,
    "ehlo": _ehlo,
    "starttls": _starttls,
    "tls": _tls,
    "certificate": _certificate,
    "auth": _auth,
    "transaction": _transaction,
}


def _policy_breach(attempt: Mapping[str, t.Any], settings: t.Any, policy: Policy, host: HostFacts) -> Diagnosis | None:
    """What works but is not allowed."""
    tls = attempt.get("tls") or {}
    observed = observed_security(attempt)
    if not tls:
        networks = policy.cleartext_networks
        if networks and not _in_networks(attempt["address"], networks):
            allowed = ", ".join(networks)
            words = f" the session is in cleartext, and {attempt['address']} is outside cleartext_networks ({allowed}); choose starttls or implicit_tls"
            return Diagnosis("invalid_settings", "settings", detail=words, observed=observed)
        return None
    version = tls.get("version")
    if version in TLS_VERSIONS and TLS_VERSIONS.index(version) < TLS_VERSIONS.index(policy.minimum_tls_version):
        return Diagnosis("tls_version_unsupported", "tls", "policy", version, observed)
    if settings.validate_certs and policy.certificate_days_error > 0:
        for certificate in read_chain(attempt.get("chain") or [], host.clock)[:1]:
            if certificate.days_left < policy.certificate_days_error:
                words = f"{certificate.days_left} more days (until {certificate.not_after:%Y-%m-%d}), and {policy.certificate_days_error} are required"
                return Diagnosis("certificate_expired", "certificate", "policy", words, observed)
    return None


def _in_networks(address: str, networks: tuple[str, ...]) -> bool:
    import ipaddress

    return any(ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(network, strict=False) for network in networks)


# -- words


def masked_capabilities(attempt: Mapping[str, t.Any]) -> str:
    """A capability that a firewall has overwritten in the EHLO reply (XXXXXXXA, ****), or an empty string."""
    reply = (attempt.get("ehlo") or {}).get("before_tls") or {"lines": []}
    for line in reply["lines"][1:]:
        if re.match(r"(X{3,}[A-Z]?|\*{3,}\S*)(\s|$)", line.strip()):
            return line.strip()[:40]
    return ""


def _said(failure: Mapping[str, t.Any]) -> str:
    return f"{failure['code']} {' '.join(line for line in failure['lines'] if line)}"[:300].rstrip()


def _reply_facts(failure: Mapping[str, t.Any], stage: str) -> dict[str, t.Any]:
    """What is needed to look up a provider's own meaning of a reply."""
    return {"stage": stage, "code": failure["code"], "words": _said(failure).partition(" ")[2]}


def _quoted(failure: Mapping[str, t.Any]) -> str:
    return f" '{_said(failure)}'"


def _wants_client_certificate(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any]) -> bool:
    """Whether a refusal after the handshake is about the certificate that we did not show (Postfix says it this late)."""
    asked = (attempt.get("tls") or {}).get("certificate_requested")
    return bool(asked) and re.search(r"client certificate", _said(failure), re.IGNORECASE) is not None


def _ftp(greeting: str) -> bool:
    """FTP greets with 220 as SMTP does (RFC 959), but names itself; a host called ftp that speaks SMTP says so."""
    return _FTP.search(greeting) is not None and "smtp" not in greeting.lower()


def _service(text: str) -> str:
    for pattern, name in _SERVICES:
        if re.match(pattern, text, re.IGNORECASE):
            return f": {name} answers ('{text[:60]}')"
    return f": it said '{text[:60]}'" if text else ""


def _unanswered(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any]) -> str:
    kind = failure["kind"]
    if kind == "timeout":
        return f": no answer within {_seconds(_waited(attempt, failure))}"
    if kind in ("closed", "reset"):
        return ": it closed the connection instead"
    if kind == "limit":
        return f": its answer is a {failure.get('limit', 'reply')} without end"
    if kind == "malformed":
        return f": it said '{failure.get('text', '')[:80]}'"
    return f" ({failure.get('reason') or failure.get('errno') or kind})"


def _tls_words(failure: Mapping[str, t.Any], legacy: Mapping[str, t.Any]) -> str:
    words = str(failure.get("reason") or failure.get("text") or "")
    alert = re.search(r"ALERT_(.+)", words)
    plain = (alert.group(1) if alert else words).replace("_", " ").lower()
    said = f": the relay answered with the alert '{plain}'" if alert else f": {plain}"
    if legacy.get("cipher"):
        return f"{said}; it would accept only {legacy['cipher']} ({legacy['version']}), which this host no longer allows"
    if "HANDSHAKE_FAILURE" in words or "NO_SHARED_CIPHER" in words or "INSUFFICIENT_SECURITY" in words:
        return f"{said}, probably no cipher in common"
    return said


def _short(other: Mapping[str, t.Any], settings: t.Any, host: HostFacts) -> str:
    inner = diagnose(other, settings, Policy(), host)
    return str(inner.code)


def _waited(attempt: Mapping[str, t.Any], failure: Mapping[str, t.Any]) -> float:
    """Seconds spent on the rung that broke."""
    if "waited_ms" in failure:
        return float(failure["waited_ms"]) / 1000
    rungs = attempt["rungs"]
    return float(rungs[-1]["ms"]) / 1000 if rungs else 0.0


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"

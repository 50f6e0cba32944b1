# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the evidence of one address to one cause. Pure: the same evidence gives the same diagnosis, today or next week.

What evidence shows is read in signs, what a refusal means in _explain.status_codes, and all words come from words.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    Attempt,
    Dns,
    FailureEntry,
    Observation,
)
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS, TOKENS
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import cause_row
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.reply import Hint, explain_reply
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.status_codes import Meaning, Status, meaning
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import TLS_VERSIONS, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import details, runtimes, signs
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import (
    Certificate,
    is_address,
    read_chain,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.chains import chain_verdict, linked
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.login import missing_login

__all__ = ("TLS_VERSIONS", "Diagnosis", "HostFacts", "Policy", "diagnose", "diagnose_name")

_NO_ROUTE = ("ENETUNREACH", "ENETDOWN", "EHOSTUNREACH", "EHOSTDOWN", "EINVAL", "EADDRNOTAVAIL", "EAFNOSUPPORT")
_UNREACHABLE = ("ENETUNREACH", "EHOSTUNREACH", "ENOPROTOOPT")
_BLOCKED = ("EACCES", "EPERM")
# ICMP messages by which a firewall says no (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1): IP version, type, code.
_ICMP_PROHIBITED = ((4, 3, 9), (4, 3, 10), (4, 3, 13), (6, 1, 1), (6, 1, 5), (6, 1, 6))
_ICMP_PORT_UNREACHABLE = ((4, 3, 3), (6, 1, 4))

_VERSION_REASONS = (
    "TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE",
    "VERSION_TOO_LOW", "VERSION_TOO_HIGH", "UNKNOWN_PROTOCOL", "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
)  # fmt: skip
_CLIENT_CERTIFICATE_REASONS = ("TLSV13_ALERT_CERTIFICATE_REQUIRED",)
_OLD_VERSIONS = ("TLSv1", "TLSv1.1")
# What a server says that knows neither EHLO nor HELO (RFC 5321 section 4.2.4); FTP servers answer 530 as well.
_UNKNOWN_COMMAND = (500, 502, 503, 530)
_ACCESS_DENIED = re.compile(r"access denied", re.IGNORECASE)
_RECIPIENT_DENIED = re.compile(r"recipient address rejected: access denied", re.IGNORECASE)
_LOGIN_IS_NO_MATTER = re.compile(
    r"\b(?:unknown|no such|not? (?:found|exist|valid)|invalid|does ?n.t exist|unrouteable|polic|filter|blocked|list\b)",
    re.IGNORECASE,
)
_MECHANISM = re.compile(r"mechanism|method|auth\w* type|type of auth", re.IGNORECASE)
# OpenSMTPD says the same of a recipient whom it does not know and of one to whom it would carry mail after a login.
_OF_OPENSMTPD = re.compile(r"^550 invalid recipient: <", re.IGNORECASE)
# What a server says that waits for the header of the PROXY protocol, or cannot read it.
_WAITS_FOR_HEADER = re.compile(r"\bproxy[ -](?:protocol|header|line|format|timeout|negotiation)\b", re.IGNORECASE)
_NO_HEADER_FOR_POSTFIX = re.compile(r"^421 4\.3\.0 .*Server local error", re.IGNORECASE)
_NAMES_A_PORT = re.compile(r"\b(?:25|465|587)\b")
_SILENT = ("timeout", "unfinished")
_TURNED_AWAY_AT = ("missing", "reply", "withheld")
_SHORT_SECONDS = 3.0  # in less than that silence tells little of a relay
_HUNG_UP = ("closed", "reset")
_WITH_PASSWORD = tuple(name for name in MECHANISMS if name not in TOKENS)


@dataclass(frozen=True)
class HostFacts:
    """What holds for all probes of one call: the host's clock (UTC), how far it is off ours in seconds, its CAs."""

    clock: datetime.datetime
    skew: float = 0.0
    trust_store_empty: bool = False
    ca_subjects: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """Why one address does not pass, or (code null) that it does. ``detail`` and ``fields`` go into the row's sentence.

    ``other_port`` is the port that the remedy would name, null for the convention's. ``hint`` is what is known of the
    reply's own words.
    """

    code: str | None = None
    variant: str = ""
    detail: str = ""
    observed: str | None = None
    fields: Mapping[str, str | int] = field(default_factory=dict)
    hint: Hint | None = None
    other_port: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the address passes."""
        return self.code is None

    @property
    def layer(self) -> str | None:
        """The layer of the cause; null where it passes."""
        return None if self.code is None else cause_row(self.code, self.variant).layer


class _Case(t.NamedTuple):
    """What a diagnosis is made from."""

    attempt: Attempt
    failure: FailureEntry
    settings: Settings
    host: HostFacts
    answers_elsewhere: bool


def diagnose(
    attempt: Attempt, settings: Settings, policy: Policy, host: HostFacts, answers_elsewhere: bool = False
) -> Diagnosis:
    """The diagnosis of one attempt. ``answers_elsewhere``: another port of the same address gave a sign of life."""
    if signs.is_sinkhole(attempt["address"]) and not is_address(settings.host) and signs.learnt(attempt):
        return Diagnosis("connection_refused", "sinkhole")
    observed = signs.observed_security(attempt)
    failure = attempt["failure"]
    if signs.turned_away(attempt) and (failure is None or failure["kind"] in _TURNED_AWAY_AT):
        said = details.quoted(failure) if failure is not None and failure["kind"] == "reply" else ""
        return replace(_turned_away(attempt, said), observed=observed)
    if failure is None:
        if observed is None and settings.security == "auto":
            observed = "cleartext"
        breach = _policy_breach(attempt, settings, policy, host)
        # EHLO has said whether the login that is given is of use: none need be tried for that.
        lacking = missing_login(attempt, settings)
        if breach is None and lacking is not None:
            breach = _auth(_Case(attempt, lacking, settings, host, answers_elsewhere))
        return replace(breach or _refused_by_an_app(attempt, settings, policy, host) or Diagnosis(), observed=observed)
    if failure["kind"] == "withheld":
        # Where cleartext was chosen, only the networks for it keep a password or a message back.
        breach = _policy_breach(attempt, settings, policy, host) if settings.security == "cleartext" else None
        if breach is not None:
            return replace(breach, observed=observed)
    found = _of_failure(_Case(attempt, failure, settings, host, answers_elsewhere))
    return found if found.observed is not None else replace(found, observed=observed)


def _turned_away(attempt: Attempt, said: str) -> Diagnosis:
    """What sendmail's access list has against this host: its address, or in TLS alone what that shows of the client."""
    if not signs.in_tls(attempt) or not signs.offered(attempt, "before_tls") or signs.turned_away_before_tls(attempt):
        return Diagnosis("greeting_rejected", "address", details.also(said, details.TURNED_AWAY))
    detail = details.also(said, details.TURNED_AWAY_IN_TLS)
    if signs.asked_certificate(attempt) and not re.search(r"encryption|\bweak\b", said, re.IGNORECASE):
        return Diagnosis("client_certificate_required", detail=detail)
    return Diagnosis("ehlo_rejected", "no_answer_in_tls", detail)


def _refused_by_an_app(attempt: Attempt, settings: Settings, policy: Policy, host: HostFacts) -> Diagnosis | None:
    """What works from this host and not for an app that is going to use it; only what holds in all its versions."""
    tls, offered = attempt.get("tls", {}), signs.mechanisms(attempt)
    if settings.username is not None and settings.login_required:
        for app in policy.apps:
            if app.mechanisms and offered and not set(app.mechanisms) & set(offered):
                detail = details.can_only(app.name, app.mechanisms, offered)
                return Diagnosis("auth_mechanism_not_offered", "app", detail, fields={"app": app.name})
    # Only a relay that refused the modern suites is known to have nothing else.
    only_old = "python_refused" in attempt and runtimes.oddities(tls)
    refusing = runtimes.refusing_app(runtimes.OLD_SUITES, policy.apps) if only_old else None
    if refusing is not None:
        detail = details.of_its_runtime(runtimes.RUNTIMES[refusing.runtime].name, tls["cipher"])
        return Diagnosis("tls_handshake_failed", "app", detail, fields={"app": refusing.name})
    chain = (
        read_chain(attempt.get("chain") or [], host.clock, settings.login)
        if policy.apps and settings.validate_certs
        else []
    )
    odd = chain[0].oddity_of_names(settings.certificate_name) if chain else None
    refusing = runtimes.refusing_app([odd], policy.apps) if odd is not None else None
    if refusing is not None:
        code = "certificate_untrusted" if odd == "names_unreadable" else "certificate_name_mismatch"
        detail = details.of_its_runtime(runtimes.RUNTIMES[refusing.runtime].name)
        return Diagnosis(code, "app", detail, fields={"app": refusing.name})
    return None


def diagnose_name(dns: Dns, settings: Settings) -> Diagnosis:
    """Why a name led to no address at all."""
    failure = dns.get("failure")
    error = failure.get("error") if failure is not None else None
    if failure is not None and failure["kind"] == "not_asked":
        return Diagnosis("not_asked", detail=details.lacking(failure["lack"]))
    if failure is not None and failure["kind"] == "timeout":
        return Diagnosis("name_server_failure", detail=details.no_answer_of_the_name_server(dns["ms"] / 1000))
    if error in ("EAI_NODATA", "EAI_ADDRFAMILY") and settings.ip_version != "any":
        asking = "ip_version" if settings.source_address is None else f"source_address {settings.source_address}"
        return Diagnosis("name_not_found", "family", fields={"ip_version": settings.ip_version, "asking": asking})
    if error in ("EAI_NODATA", "EAI_ADDRFAMILY"):
        return Diagnosis("name_not_found", "no_address")
    if error == "EAI_NONAME" and "%" in settings.host:
        return Diagnosis("invalid_settings", "interface", fields={"interface": settings.host.partition("%")[2]})
    if error == "EAI_NONAME":
        return Diagnosis("name_not_found", detail=details.searched(settings.host))
    return Diagnosis("name_server_failure", detail=details.resolver_error(str(error)))


def diagnose_slow_name(observation: Observation, settings: Settings) -> Diagnosis | None:
    """That finding the name left too little time to ask its addresses, where that is all that is known of them."""
    took = observation["dns"]["ms"] / 1000
    left = settings.timeout - took
    failures = [attempt["failure"] for attempt in observation["attempts"]]
    silent = all(failure is not None and failure["kind"] in _SILENT for failure in failures)
    # What another port of the same address had the time for, the chosen one had as well.
    answers = any(signs.answers_elsewhere(attempt, observation) for attempt in observation["attempts"])
    if not silent or answers or took < left or left > _SHORT_SECONDS:
        return None
    return Diagnosis("name_server_failure", "slow", fields={"waited": details.span(took)})


def _of_failure(case: _Case) -> Diagnosis:
    failure = case.failure
    if failure["kind"] == "not_asked":
        return Diagnosis("not_asked", detail=details.lacking(failure["lack"]))
    if failure["kind"] == "out_of_step":
        wanted = _wants_certificate(case)
        if wanted is not None:
            return wanted
        # A 421 may come at any time (RFC 5321 section 3.8): it stands for itself and answers nothing.
        if failure["code"] == 421:
            return _refused(case, "greeting")
        # The session was sound until then.
        detail = details.out_of_step(failure) + details.in_answer_to(failure)
        if failure["layer"] == "auth":
            return Diagnosis("auth_rejected", "no_answer", detail)
        if failure["layer"] == "transaction":
            return Diagnosis("message_rejected", _how_far(case.attempt), detail)
        return Diagnosis("ehlo_rejected", "out_of_step", details.out_of_step(failure))
    return _DIAGNOSES[failure["layer"]](case)


# -- one function for each layer


def _tcp(case: _Case) -> Diagnosis:
    attempt, failure, settings = case.attempt, case.failure, case.settings
    kind, errno, icmp = failure["kind"], failure.get("errno"), tuple(failure.get("icmp") or ())
    said = details.by_icmp(failure)
    if kind == "bind":
        return Diagnosis("invalid_settings", "source_address", fields={"source_address": str(settings.source_address)})
    if kind in _SILENT:
        return Diagnosis("connection_timeout", fields=_timeout(case))
    if kind in _HUNG_UP:
        return _reset_at_once(case)
    if errno == "ECONNREFUSED":
        said = said if icmp in _ICMP_PORT_UNREACHABLE else ""
        return Diagnosis(
            "connection_refused", detail=details.also(said, details.this_host(settings.host, attempt["address"]))
        )
    from_itself = failure.get("icmp_from") == attempt["address"].partition("%")[0]
    if from_itself and (icmp in _ICMP_PROHIBITED or errno in _UNREACHABLE):
        return Diagnosis("connection_blocked", "at_relay", said)
    if errno == "ENOPROTOOPT":  # ICMP protocol unreachable, of a host that speaks TCP on other ports
        return Diagnosis("connection_blocked", detail=said)
    if icmp in _ICMP_PROHIBITED or errno in _BLOCKED:
        return Diagnosis("connection_blocked", detail=said)
    if errno == "EHOSTUNREACH" and case.answers_elsewhere:
        return Diagnosis("connection_blocked", detail=details.YET_ANSWERS_ELSEWHERE)
    if errno == "EHOSTUNREACH" and not icmp and attempt["family"] == 4 and signs.waited(attempt, failure) < 0.9:
        return Diagnosis("no_route", "or_blocked")
    if signs.is_link_local(attempt["address"]) and "%" not in attempt["address"] and errno == "EINVAL":
        return Diagnosis("no_route", "link_local")
    if attempt["family"] == 6 and errno in _NO_ROUTE:
        return Diagnosis("no_route", "ipv6_address" if is_address(settings.host) else "ipv6", said or str(errno))
    return Diagnosis("no_route", detail=said if said and errno in _NO_ROUTE else str(errno))


def _reset_at_once(case: _Case) -> Diagnosis:
    """The connection stood and was broken off before a word: how does the port behave in the other mode?"""
    other = case.attempt.get("other_mode")
    if other is not None:
        if _greets(other):
            return _cleartext_spoken(case, "")
        failure = other["failure"]
        if failure is not None and failure["kind"] == "timeout":
            return Diagnosis("tls_handshake_failed", detail=details.RESETS_AT_TLS)
    return Diagnosis("connection_reset")


def _greeting(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    kind = failure["kind"]
    if "after_proxy_header" in attempt:
        return _proxy_expected(case, details.instead(failure) if kind == "reply" else "")
    if kind == "reply" and _WAITS_FOR_HEADER.search(signs.reply_text(failure)):
        return Diagnosis("greeting_timeout", "proxy_expected", details.instead(failure))
    if kind == "malformed" and _WAITS_FOR_HEADER.search(failure["text"]):
        return Diagnosis("greeting_timeout", "proxy_expected", details.it_said(failure["text"]))
    if kind in _SILENT and (attempt.get("both_modes") or attempt.get("speaks_second")):
        here = {"tls_here": case.settings.port} if attempt.get("both_modes") else {}
        return Diagnosis("greeting_timeout", "speaks_second", fields={**_timeout(case), **here})
    if kind in _SILENT:
        partial = failure.get("partial")
        detail = (
            details.greeting_stopped(failure) if partial else details.where_in_tls(attempt) or details.STAYED_SILENT
        )
        return Diagnosis("greeting_timeout", detail=detail, fields=_timeout(case))
    if kind in ("closed", "reset", "os"):
        return _wants_certificate(case) or Diagnosis("connection_closed", detail=details.greeting_stopped(failure))
    if kind == "reply" and failure["code"] < 400:
        return Diagnosis("not_smtp", detail=details.odd_greeting(failure))
    if kind == "reply":
        return _wants_certificate(case) or _greeted_with_refusal(case)
    if kind == "malformed":
        return Diagnosis("not_smtp", detail=details.service(failure["text"]))
    return Diagnosis("not_smtp", detail=details.WITHOUT_END.format(failure.get("limit", "reply")))


def _greeted_with_refusal(case: _Case) -> Diagnosis:
    """As any refusal; Postfix's own sentence for a PROXY header that did not come is no more than a sign of it."""
    found = _refused(case, "greeting")
    if _NO_HEADER_FOR_POSTFIX.search(signs.reply_text(case.failure)):
        return replace(found, detail=details.also(found.detail, details.AS_WITHOUT_HEADER))
    return found


def _proxy_expected(case: _Case, said: str = "") -> Diagnosis:
    """A port that answers only behind a proxy's header, and how it does where that is not the mode that was asked for."""
    speaks_tls = case.attempt["after_proxy_header"]["code"] == 0
    if speaks_tls != (case.settings.security == "implicit_tls") and case.settings.security != "auto":
        said = details.also(said, details.TLS_BEHIND_HEADER if speaks_tls else details.CLEARTEXT_BEHIND_HEADER)
    return Diagnosis("greeting_timeout", "proxy_expected", said)


def _mode(case: _Case) -> Diagnosis:
    if case.failure["kind"] == "tls_spoken":
        return _implicit_spoken(case)
    text = case.failure.get("text", "")
    if "after_proxy_header" in case.attempt:
        return _proxy_expected(case, details.it_said(text))
    if _WAITS_FOR_HEADER.search(text):
        return Diagnosis("greeting_timeout", "proxy_expected", details.it_said(text))
    if not re.match(r"[2-5](\d(\d([ -]|$)|$)|$)", text):
        return Diagnosis("not_smtp", detail=details.service(text))
    if signs.looks_like_ftp(text):
        return Diagnosis("not_smtp", detail=details.ftp(text))
    other = case.attempt.get("other_mode")
    said: FailureEntry = {
        "layer": "greeting",
        "kind": "reply",
        "code": int(text[:3].ljust(3, "0")),
        "lines": [text[4:]],
    }
    if re.match(r"(?!220)[23]\d\d", text) and not (other is not None and _greets(other)):
        return Diagnosis("not_smtp", detail=details.odd_greeting(said))
    if text[0] in "23" or (other is not None and _greets(other)):
        return _cleartext_spoken(case, text)
    # A refusal in cleartext is one, whatever mode was meant; only a 220 would show the other mode.
    failure = other["failure"] if other is not None else None
    if other is not None and failure is not None and failure["layer"] == "greeting" and failure["kind"] == "reply":
        return replace(_refused(case._replace(attempt=other, failure=failure), "greeting"), observed=None)
    return _refused(case._replace(failure=said), "greeting")


def _implicit_spoken(case: _Case) -> Diagnosis:
    other, settings = case.attempt.get("other_mode"), case.settings
    detail = ""
    failure = other["failure"] if other is not None else None
    if other is not None and failure is not None:
        inner = _of_failure(_Case(other, failure, settings, case.host, False))
        if inner.code == "not_smtp":
            return replace(inner, detail=details.also(inner.detail, details.BEHIND_TLS), observed="implicit_tls")
        if failure["layer"] == "greeting" and failure["kind"] in _SILENT:
            detail = details.silent_there_too(signs.waited(other, failure))
        elif failure["layer"] in ("tls", "certificate", "greeting"):
            detail = details.fault_of_its_own(inner.code)
    other_port = 587 if settings.port != 587 else 2587
    return Diagnosis("mode_mismatch", "implicit_spoken", detail, "implicit_tls", other_port=other_port)


def _greets(other: Attempt) -> bool:
    """Whether a look in cleartext was greeted as SMTP greets."""
    greeting = other.get("greeting")
    return greeting is not None and greeting["code"] == 220


def _cleartext_spoken(case: _Case, text: str) -> Diagnosis:
    other = case.attempt.get("other_mode")
    failure = other["failure"] if other is not None else None
    if other is not None and failure is not None and failure["layer"] == "ehlo":
        inner = _ehlo(case._replace(attempt=other, failure=failure))
        if inner.code == "not_smtp" or inner.variant == "proxy_expected":
            return inner
    observed = signs.observed_security(other) if other is not None else None
    refused = failure if failure is not None and failure["layer"] == "ehlo" and failure["kind"] == "reply" else None
    return Diagnosis(
        "mode_mismatch",
        "cleartext_only" if observed == "cleartext" and refused is None else "cleartext_spoken",
        details.also(details.it_said(text), details.refuses_ehlo(refused) if refused is not None else ""),
        observed,
        {"observed": observed if observed and refused is None else "starttls"},
        other_port=465 if case.settings.port != 465 else 2465,
    )


def _ehlo(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    greeting = " ".join(attempt["greeting"]["lines"]) if "greeting" in attempt else ""
    if signs.looks_like_ftp(greeting):
        return Diagnosis("not_smtp", detail=details.ftp(greeting))
    wanted = _wants_certificate(case)
    if wanted is not None:
        return wanted
    if failure["kind"] == "reply" and _WAITS_FOR_HEADER.search(signs.reply_text(failure)):
        # Exim greets after some seconds without the header, and takes no command then.
        return Diagnosis("greeting_timeout", "proxy_expected", details.instead(failure))
    if failure["kind"] != "reply":
        variant = "no_answer_in_tls" if signs.in_tls(attempt) else "no_answer"
        return Diagnosis("ehlo_rejected", variant, details.unanswered(attempt, failure), fields=_patience(case))
    helo = attempt.get("helo")
    if helo is not None and failure["code"] in _UNKNOWN_COMMAND and helo["code"] in _UNKNOWN_COMMAND:
        return Diagnosis(
            "not_smtp", detail=details.also(details.knows_no_hello(failure), details.may_be_lmtp(greeting))
        )
    found = _refused(case, "ehlo")
    if helo is not None and helo["code"] // 100 == 2:
        if (found.code, found.variant) == ("ehlo_rejected", "name") and failure["code"] not in _UNKNOWN_COMMAND:
            # Haraka asks for the name at EHLO alone.
            return replace(found, detail=details.also(found.detail, details.HELO_IS_TAKEN))
        # The same name was taken in HELO: it is EHLO itself that is not wanted.
        return Diagnosis("ehlo_rejected", "only_helo", details.quoted(failure))
    if helo is not None and failure["code"] in _UNKNOWN_COMMAND:
        # The relay does not have EHLO; what it says to HELO is the reason.
        said: FailureEntry = {"layer": "ehlo", "kind": "reply", "code": helo["code"], "lines": helo["lines"]}
        found = _refused(case._replace(failure=said), "ehlo")
        return replace(found, detail=f"{found.detail} {details.to_helo(failure)}")
    stopped = attempt.get("helo_failure")
    return replace(found, detail=f"{found.detail} {details.stopped_instead(stopped)}") if stopped is not None else found


def _starttls(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    if failure["kind"] == "missing":
        masked = signs.masked_capabilities(attempt)
        return Diagnosis("starttls_not_offered", "masked" if masked else "", details.masks(masked))
    if failure["kind"] == "reply" and failure["code"] < 400:
        return Diagnosis("starttls_rejected", "no_answer", details.quoted(failure))
    if failure["kind"] == "reply":
        found = _refused(case, "starttls")
        # It is in the list: what is refused is no more that it were not offered.
        unknown = found.code == "starttls_not_offered"
        return replace(found, code="starttls_rejected", variant="no_answer") if unknown else found
    return Diagnosis("starttls_rejected", "no_answer", details.unanswered(attempt, failure), fields=_patience(case))


def _tls(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    kind, reason = failure["kind"], failure.get("reason", "")
    if "after_proxy_header" in attempt and kind in (*_HUNG_UP, "tls"):
        return _proxy_expected(case)
    other_way = _tls_or_whoever_connects(case)
    if other_way is not None:
        return other_way
    if kind in _SILENT:
        return Diagnosis("tls_handshake_timeout", detail=details.handshake_stopped(failure), fields=_timeout(case))
    legacy = attempt.get("legacy", {})
    if signs.is_anonymous(legacy):
        return Diagnosis("tls_handshake_failed", "no_certificate", details.accepts_only(legacy["cipher"]))
    if reason in _VERSION_REASONS or legacy.get("version") in _OLD_VERSIONS:
        old = legacy.get("version")
        return Diagnosis("tls_version_unsupported", detail=details.speaks_at_most(old) if old in _OLD_VERSIONS else "")
    if "UNRECOGNIZED_NAME" in reason:
        return Diagnosis("tls_handshake_failed", "server_name")
    refused = (kind == "tls" and "ALERT_" in reason) or kind in _HUNG_UP
    if reason in _CLIENT_CERTIFICATE_REASONS or (signs.asked_certificate(attempt) and refused):
        return Diagnosis("client_certificate_required")
    if kind in _HUNG_UP:
        in_cleartext = details.GREETS_WHO_SPEAKS if attempt.get("speaks_second") else ""
        at_once = "hung_up" if failure.get("silent", True) and not in_cleartext else ""
        return Diagnosis("tls_handshake_failed", at_once, details.also(details.hung_up_on_tls(failure), in_cleartext))
    if kind == "plaintext":
        return Diagnosis("tls_handshake_failed", detail=details.went_on_in_cleartext(failure))
    if kind == "limit":
        return Diagnosis("tls_handshake_failed", detail=details.ENDLESS_RECORDS)
    if "DH_KEY_TOO_SMALL" in reason:
        bits = attempt.get("tls", {}).get("dh_bits", 0)
        who = {"who": runtimes.who(["dhe", "dh_small"])}
        return Diagnosis("tls_handshake_failed", "small_group", details.group_of(bits) if bits else "", fields=who)
    after = "after" if signs.in_tls(attempt) and not refused else ""
    return Diagnosis("tls_handshake_failed", after, details.tls_failure(failure, legacy))


def _tls_or_whoever_connects(case: _Case) -> Diagnosis | None:
    """Where the port was looked at in cleartext as well: it greets there, or it hangs up on whoever connects."""
    other = case.attempt.get("other_mode")
    if other is None:
        return None
    failure = other["failure"]
    if _greets(other):
        said = other["greeting"]
        return _cleartext_spoken(case, " ".join([str(said["code"]), *said["lines"][:1]]))
    if failure is None:
        return None
    if failure["kind"] in _HUNG_UP:
        # It hangs up on whoever connects, TLS or not.
        return (_tcp if failure["layer"] == "tcp" else _greeting)(case._replace(attempt=other, failure=failure))
    if failure["layer"] == "greeting" and failure["kind"] == "reply":
        return _refused(case._replace(attempt=other, failure=failure), "greeting")
    if failure["layer"] == "greeting" and failure["kind"] == "malformed":
        return Diagnosis("not_smtp", detail=details.service(failure.get("text", "")))
    return None


def _certificate(case: _Case) -> Diagnosis:
    if case.failure["kind"] == "no_certificate":
        return Diagnosis("tls_handshake_failed", "no_certificate")
    attempt, failure, settings, host = case.attempt, case.failure, case.settings, case.host
    chain = read_chain(attempt.get("chain") or [], host.clock, settings.login)
    subjects = list(host.ca_subjects.get(settings.ca_path or "", ()))
    verdict = chain_verdict(failure["verify_code"], failure["text"], chain, settings.certificate_name, subjects)
    if verdict.code in ("certificate_expired", "certificate_not_yet_valid"):
        return Diagnosis(verdict.code, verdict.variant, details.also(verdict.detail, details.clock_phrase(host.skew)))
    empty = host.trust_store_empty and settings.ca_path is None
    if empty and verdict.code in ("certificate_untrusted", "certificate_chain_incomplete") and not verdict.variant:
        return Diagnosis("certificate_untrusted", "no_store", verdict.detail)
    without_ca = settings.ca_path in host.ca_subjects and not subjects and not verdict.variant
    if without_ca and verdict.code in ("certificate_untrusted", "certificate_chain_incomplete"):
        return Diagnosis(verdict.code, "", details.also(verdict.detail, details.NO_CA_THERE))
    return Diagnosis(verdict.code, verdict.variant, verdict.detail)


def _auth(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    kind = failure["kind"]
    if kind == "withheld":
        return Diagnosis("auth_requires_tls", "withheld")
    if kind == "missing" and failure["what"] == "auth":
        found = _no_mechanism([], None, failure.get("starttls", False))
        if "helo" in attempt:
            return _login_without_ehlo(case, found)
        if signs.in_tls(attempt) and "STARTTLS" in signs.offered(attempt, "after_tls"):
            return Diagnosis("auth_not_offered", "tls_in_front")
        if case.settings.security == "opportunistic" and not signs.in_tls(attempt):
            return replace(found, detail=details.NO_STARTTLS_EITHER)
        before = signs.offered(attempt, "before_tls").get("AUTH", [])
        return replace(found, detail=details.only_before_tls(before)) if signs.in_tls(attempt) and before else found
    if kind == "missing":
        found = _no_mechanism(failure["offered"], failure.get("wanted"), False)
        more = "STARTTLS" in signs.offered_now(attempt) and not signs.in_tls(attempt)
        return replace(found, detail=details.also(found.detail, details.MORE_BEHIND_STARTTLS)) if more else found
    if kind != "reply":
        return Diagnosis("auth_rejected", "no_answer", details.unanswered(attempt, failure), fields=_patience(case))
    code, status = failure["code"], signs.status_of(failure)
    said = meaning(Status(code, status, ""), "auth", signs.reply_text(failure))
    if said is not None and said.cause == "client_certificate_required":
        return Diagnosis("client_certificate_required", detail=details.quoted(failure))
    asks_for_tls = said is not None and said.cause == "auth_requires_tls"
    if code in (530, 538) or status in ("5.7.10", "5.7.11") or asks_for_tls:
        return Diagnosis("auth_requires_tls", "in_tls" if signs.in_tls(attempt) else "", details.quoted(failure))
    # An offer that is taken back for a reason has words of its own.
    refuses_address = said is not None and said.cause == "greeting_rejected"
    about_mechanism = code == 504 or _MECHANISM.search(signs.reply_text(failure)) is not None
    if code in (500, 502, 503) and not refuses_address and not about_mechanism:
        return Diagnosis("auth_not_offered", "refused", details.quoted(failure))
    if (code in (500, 502, 503, 504) and not refuses_address) or (code == 534 and status == "5.7.4"):
        return Diagnosis("auth_mechanism_not_offered", "refused", details.quoted(failure))
    found = _refused(case, "auth")
    if found.code == "auth_rejected" and not found.variant:
        return replace(found, detail=details.also(found.detail, details.password_ends_in_a_break(case.settings)))
    return found


def _login_without_ehlo(case: _Case, found: Diagnosis) -> Diagnosis:
    """No login where EHLO, which lists them, was refused and HELO taken: if its words name a reason, that is it."""
    replies = case.attempt.get("ehlo", {})
    reply = replies.get("after_tls") or replies.get("before_tls")
    if reply is None or reply["code"] in _UNKNOWN_COMMAND:
        return replace(found, detail=details.KNOWS_NO_EHLO)
    said: FailureEntry = {"layer": "ehlo", "kind": "reply", "code": reply["code"], "lines": reply["lines"]}
    refused = _refused(case._replace(failure=said), "ehlo")
    if refused.code == "ehlo_rejected" and not refused.variant and refused.hint is None:
        return replace(found, detail=details.ehlo_would_list(said))
    return replace(refused, detail=details.also(refused.detail, details.ONLY_HELO))


def _no_mechanism(names: Sequence[str], wanted: str | None, after_starttls: bool) -> Diagnosis:
    """The relay offers no login, or none that is of use here."""
    if not names:
        if after_starttls:
            return Diagnosis("auth_requires_tls", detail=details.NO_LOGIN_BEFORE_STARTTLS)
        return Diagnosis("auth_not_offered")
    detail = details.mechanisms_phrase(names, wanted)
    if any(name in _WITH_PASSWORD for name in names):
        return Diagnosis("auth_mechanism_not_offered", "", detail)
    variant = "token" if any(name in TOKENS for name in names) else "none"
    return Diagnosis("auth_mechanism_not_offered", variant, detail)


def _transaction(case: _Case) -> Diagnosis:
    attempt, failure = case.attempt, case.failure
    if failure["kind"] == "withheld":
        return Diagnosis("starttls_not_offered", detail=details.MESSAGE_WITHHELD)
    if failure["kind"] != "reply":
        how_far, detail = _how_far(attempt), details.unanswered(attempt, failure)
        return Diagnosis("message_rejected", how_far, detail, fields=_patience(case))
    stage = "data" if failure["stage"] == "message" else failure["stage"]
    return _refused(case, stage)


def _how_far(attempt: Attempt) -> str:
    """Before the 354 that answers DATA there is no message that could have been taken."""
    answered = attempt.get("transaction", {}).get("data")
    return "unknown" if answered is not None and answered["code"] == 354 else "not_sent"


_DIAGNOSES: Mapping[str, t.Callable[[_Case], Diagnosis]] = {
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


# -- what several layers need


def _timeout(case: _Case) -> dict[str, str | int]:
    return {"timeout": details.span(signs.waited(case.attempt, case.failure))}


def _patience(case: _Case) -> dict[str, str | int]:
    """How long a command without an answer was waited for; empty where the connection ended."""
    if case.failure["kind"] not in _SILENT:
        return {}
    return {"waited": details.span(signs.waited(case.attempt, case.failure))}


def _refused(case: _Case, stage: str) -> Diagnosis:
    """A refusal by the table that logs are read with; what only a probe knows decides where the words do not."""
    failure, attempt = case.failure, case.attempt
    text = signs.reply_text(failure)
    said = meaning(Status(failure["code"], signs.status_of(failure), text), stage, text) or _FALLBACK[stage]
    code, variant = said.cause, said.variant
    greeting = " ".join(attempt["greeting"]["lines"]) if "greeting" in attempt else ""
    hint = explain_reply(failure["code"], text.partition(" ")[2], stage, f"{case.settings.host} {greeting}")
    wants_login = variant in ("relay", "auth_required") and "greeting_rejected" not in said.also
    if wants_login and _logged_in(attempt):
        hint = None  # nor is the advice to log in
    if hint is not None and not hint.provider and said.matched and hint.cause != code:
        hint = None  # words that anyone may use, of another thing than the host
    if hint is not None:
        # A provider's own words are surer than those of anyone.
        variant = hint.variant or (variant if code == hint.cause else "")
        code = hint.cause
        if not hint.provider and _NAMES_A_PORT.search(hint.remedy):
            # Which port may be named is known to the row's own remedy.
            hint = hint._replace(remedy="")
    if variant == "auth_required" and "greeting_rejected" in said.also and not _login_would_help(attempt):
        code, variant = "greeting_rejected", "address"
    denied = code in ("recipient_rejected", "temporarily_rejected") and not variant and _RECIPIENT_DENIED.search(text)
    if denied and _login_would_help(attempt):
        # Postfix's usual submission, which refuses every recipient of whoever has not logged in (with soft_bounce for now).
        code, variant = "sender_rejected", "auth_required"
    unknown_there = signs.status_of(failure)[2:3] in ("1", "2") or (
        _LOGIN_IS_NO_MATTER.search(text) and not _OF_OPENSMTPD.match(text)
    )
    if (code, variant, hint) == ("recipient_rejected", "", None) and not unknown_there and _login_would_help(attempt):
        variant = "no_login"
    if variant in ("relay", "auth_required") and _logged_in(attempt):
        variant, hint = f"{variant}_logged_in", None
    elif (code, variant) == ("recipient_rejected", "relay") and not signs.mechanisms(attempt):
        variant, hint = "relay_elsewhere", None  # a login that is set would only fail
    elif (code, variant) == ("sender_rejected", "auth_required") and not signs.mechanisms(attempt):
        # What it wants to know the client by is no login, or one that it takes elsewhere.
        if signs.asked_certificate(attempt):
            code, variant, hint = "client_certificate_required", "", None
        else:
            variant, hint = "auth_required_elsewhere", None
    if code == "auth_requires_tls" and signs.in_tls(attempt):
        variant, hint = "in_tls", None  # inside TLS the advice to begin it is none
    detail = details.quoted(failure) + details.in_answer_to(failure)
    if signs.asked_certificate(attempt) and _ACCESS_DENIED.search(text):
        detail = details.also(detail, details.ASKED_CERTIFICATE)
    return Diagnosis(code, variant, detail, hint=hint)


# Where code and stage say nothing: a reply that is neither 4xx nor 5xx where another one belongs.
_FALLBACK = {
    "greeting": Meaning("greeting_rejected"),
    "ehlo": Meaning("ehlo_rejected"),
    "starttls": Meaning("starttls_rejected"),
    "auth": Meaning("auth_rejected"),
    "mail": Meaning("sender_rejected"),
    "rcpt": Meaning("recipient_rejected"),
    "data": Meaning("message_rejected"),
}


def _login_would_help(attempt: Attempt) -> bool:
    """Whether the relay offers a login that was not made."""
    return not _logged_in(attempt) and bool(signs.mechanisms(attempt))


def _logged_in(attempt: Attempt) -> bool:
    """Whether the login was made."""
    return any(step["layer"] == "auth" and step["ok"] for step in attempt["rungs"])


def _wants_certificate(case: _Case) -> Diagnosis | None:
    """A refusal after the handshake that is about the certificate which we did not show.

    TLS 1.3 ends the client's handshake before the server has judged it, and Postfix and nginx say it in a reply.
    """
    failure = case.failure
    if not signs.asked_certificate(case.attempt) or not signs.in_tls(case.attempt):
        return None
    if failure["kind"] in _HUNG_UP:
        return Diagnosis("client_certificate_required", detail=details.got_no_certificate(failure))
    # It may be there before our next command is.
    if failure["kind"] in ("reply", "out_of_step") and re.search(
        r"certificate", signs.reply_text(failure), re.IGNORECASE
    ):
        return Diagnosis("client_certificate_required", detail=details.quoted(failure))
    return None


# -- what works but does not do


def _policy_breach(attempt: Attempt, settings: Settings, policy: Policy, host: HostFacts) -> Diagnosis | None:
    """What works but is not allowed."""
    tls = attempt.get("tls")
    if not tls:
        networks = policy.cleartext_networks
        if networks and not _in_networks(attempt["address"], networks):
            return Diagnosis("invalid_settings", "cleartext_networks", fields={"networks": ", ".join(networks)})
        return None
    if signs.is_anonymous(tls):
        return Diagnosis("tls_handshake_failed", "no_certificate", details.uses(tls["cipher"]))
    version = tls.get("version") or ""
    if version in TLS_VERSIONS and TLS_VERSIONS.index(version) < TLS_VERSIONS.index(policy.minimum_tls_version):
        return Diagnosis("tls_version_unsupported", "policy", fields={"version": version})
    if settings.validate_certs:
        return _too_few_days(read_chain(attempt.get("chain") or [], host.clock, settings.login), policy, host)
    return None


def _too_few_days(chain: Sequence[Certificate], policy: Policy, host: HostFacts) -> Diagnosis | None:
    """The relay's own certificate, or an issuer that it sends and is needed, is over too soon."""
    # Who issued whom costs a signature for each certificate, which is of use only where one of them ends too soon.
    if all(one.not_after >= host.clock and one.days_left >= policy.certificate_days_error for one in chain):
        return None
    for certificate in linked(chain):
        whose = "" if certificate is chain[0] else details.is_the_issuers(certificate.common_name)
        if certificate.not_after < host.clock and not whose:
            # It was valid when it was seen, and the evidence is judged at a later date.
            return Diagnosis("certificate_expired", detail=details.ended(certificate.not_after, host.clock))
        if whose and certificate.self_signed:
            break  # a root: this host's own store has the last word on it
        if policy.certificate_days_error > 0 and certificate.days_left < policy.certificate_days_error:
            fields: dict[str, str | int] = {
                "in_days": details.days(certificate.days_left),
                "until": f"{certificate.not_after:%Y-%m-%d}",
                "required": policy.certificate_days_error,
            }
            return Diagnosis("certificate_expired", "policy", whose, fields=fields)
    return None


def _in_networks(address: str, networks: tuple[str, ...]) -> bool:
    host = ipaddress.ip_address(address.partition("%")[0])
    return any(host in ipaddress.ip_network(network, strict=False) for network in networks)

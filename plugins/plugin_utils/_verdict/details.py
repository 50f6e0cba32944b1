# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All words of a verdict besides the rows of _causes: what a case adds to the row's sentence, and how both become one.

A phrase stands behind the colon of a sentence (see _causes.said): it begins in lower case and has no final stop.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    Attempt,
    FailureEntry,
    Lack,
    ReplyEntry,
    Sign,
    TLSEntry,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import FINDINGS, Fields, cause_row, fill, said
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    Settings,
    clash_sentence,
    convention_clash,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import is_address
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.signs import (
    in_tls,
    is_loopback,
    reply_text,
    waited,
)

__all__ = (
    "ALL_IN_CLEARTEXT",
    "ASKED_CERTIFICATE",
    "AS_WITHOUT_HEADER",
    "BEHIND_TLS",
    "CA_OF_THIS_HOST",
    "CLEARTEXT_BEHIND_HEADER",
    "ENDLESS_RECORDS",
    "GREETS_WHO_SPEAKS",
    "HELO_IS_TAKEN",
    "KNOWS_NO_EHLO",
    "MESSAGE_WITHHELD",
    "MORE_BEHIND_STARTTLS",
    "NOT_YET",
    "NO_CA_THERE",
    "NO_LOGIN_BEFORE_STARTTLS",
    "NO_STARTTLS_EITHER",
    "ONLY_HELO",
    "RESETS_AT_TLS",
    "STAYED_SILENT",
    "TLS_BEHIND_HEADER",
    "TURNED_AWAY",
    "TURNED_AWAY_IN_TLS",
    "WITHOUT_END",
    "YET_ANSWERS_ELSEWHERE",
    "accepts_only",
    "ahead_of_its_own",
    "also",
    "another_there",
    "begins",
    "by_icmp",
    "can_only",
    "cause_clause",
    "cause_sentence",
    "changed",
    "clock_is_off",
    "clock_phrase",
    "days",
    "ehlo_would_list",
    "ended",
    "ends_at_unknown_root",
    "ends_below",
    "fault_of_its_own",
    "fields_of",
    "finding_entry",
    "ftp",
    "got_no_certificate",
    "greeting_stopped",
    "group_of",
    "handshake_stopped",
    "has_also_expired",
    "has_expired",
    "hung_up_on_tls",
    "in_answer_to",
    "instead",
    "is_also_not_for",
    "is_also_too_early",
    "is_for",
    "is_the_issuers",
    "it_said",
    "knows_no_hello",
    "lacking",
    "masks",
    "may_be_lmtp",
    "mechanisms_phrase",
    "named",
    "no_answer_of_the_name_server",
    "no_root",
    "odd_greeting",
    "of_its_runtime",
    "of_no_other",
    "old_hash",
    "only_common_name",
    "only_the_leaf",
    "out_of_step",
    "password_ends_in_a_break",
    "quoted",
    "refuses_ehlo",
    "resolver_error",
    "searched",
    "sent_twice",
    "service",
    "shown",
    "silent_there_too",
    "small_key",
    "span",
    "speaks_at_most",
    "stopped_instead",
    "this_host",
    "this_one_or_above",
    "tls_failure",
    "unanswered",
    "unknown_issuer",
    "uses",
    "went_on_in_cleartext",
    "where_in_tls",
    "would_be_refused",
)

ALL_IN_CLEARTEXT = "right now there is no STARTTLS and everything is in cleartext"
_FINDING_ROWS = {row.code: row for row in FINDINGS}
_DAY, _HOUR = 86400, 3600
# OpenSSL's own words, with which it refuses to parse a certificate.
_NO_DER = "ASN1|CERT_LENGTH_MISMATCH"
_NO_CIPHER = "HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY"


# -- a row, its case, its sentence


def fields_of(settings: Settings, address: str | None, ports: Fields, case: Fields) -> Fields:
    """The fields of the rows: what every verdict has, the other ports that may be named, and what this case brings."""
    return {
        "endpoint": settings.endpoint,
        "host": settings.host,
        "port": settings.port,
        "address": address or settings.host,
        "timeout": span(settings.timeout),
        "other_secure": str(not settings.secure).lower(),
        "name": settings.certificate_name,
        "ca_path": settings.ca_path,
        "observed": "starttls",
        **ports,
        **case,
    }


def cause_sentence(settings: Settings, code: str, variant: str, detail: str, fields: Fields) -> tuple[str, str]:
    """Message and remedy of a cause."""
    row = cause_row(code, variant)
    message = said(row.sentence, fields, detail)
    if row.layer in ("dns", "tcp") and convention_clash(settings.port, settings.security):
        message += f" Besides, {clash_sentence(settings.port, settings.security)}"
    return message, fill(row.remedy, fields)


def cause_clause(code: str, variant: str, detail: str, fields: Fields) -> str:
    """The message of a cause as a part of another sentence."""
    return said(cause_row(code, variant).sentence, fields, detail).removesuffix(".")


def finding_entry(code: str, detail: str, fields: Fields) -> dict[str, str]:
    """A finding as a probe returns it."""
    row = _FINDING_ROWS[code]
    message, remedy = said(row.sentence, fields, detail), fill(row.remedy, fields)
    return {"severity": row.severity, "code": code, "message": message, "remedy": remedy}


def also(*phrases: str) -> str:
    """Phrases that are both true, as one."""
    return "; ".join(phrase for phrase in phrases if phrase)


def span(seconds: float) -> str:
    """Seconds as they stand in a sentence: whole from ten on, else with one digit where that says more."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0")


def shown(text: str, limit: int = 80) -> str:
    """Words of a stranger in quotes."""
    return f"'{text[:limit]}'"


def quoted(reply: FailureEntry | ReplyEntry) -> str:
    """A reply in quotes, code and all lines."""
    return f"'{reply_text(reply)}'"


# -- tcp, greeting

YET_ANSWERS_ELSEWHERE = "it calls the host unreachable, yet another port of it answers"
RESETS_AT_TLS = "the relay resets the connection as soon as it sees TLS"
STAYED_SILENT = "it stayed silent"
TLS_BEHIND_HEADER = "behind a proxy's header it speaks TLS from the first byte"
KNOWS_NO_EHLO = "it knows no EHLO, which would list them"
ONLY_HELO = "it took HELO, behind which no login can be made"
TURNED_AWAY = (
    "it greets, but lists ENHANCEDSTATUSCODES alone, which sendmail does for those whom its access list refuses"
)
TURNED_AWAY_IN_TLS = (
    "before TLS it lists all that it has, behind it ENHANCEDSTATUSCODES alone, which sendmail does where its access list (TLS_Clt) "
    "does not take the certificate of the client, or the encryption"
)
AS_WITHOUT_HEADER = (
    "Postfix says so, too, where it waits for the header of a proxy (smtpd_upstream_proxy_protocol) and none comes"
)
MORE_BEHIND_STARTTLS = "it offers STARTTLS, behind which there may be others"
HELO_IS_TAKEN = "in HELO, behind which there is neither TLS nor a login, it takes the name"
ASKED_CERTIFICATE = "it had asked for a client certificate, which may be what it lets in"
GREETS_WHO_SPEAKS = "the port is shared between services (as by sslh), and what it has for TLS does not answer"
CLEARTEXT_BEHIND_HEADER = "behind a proxy's header it greets in cleartext"
BEHIND_TLS = "behind TLS"
WITHOUT_END = "it sends a {} without end"


def by_icmp(failure: FailureEntry) -> str:
    """Who said so, where an ICMP message tells."""
    sender = failure.get("icmp_from")
    return f"so says {sender} by ICMP" if sender else ""


_LACKS: Mapping[Lack, str] = {
    "time": "the time was over before its turn",
    "threads": "this host lets the probe have no more threads (ulimit -u)",
    "files": "this host lets the probe open no more connections (ulimit -n)",
    "memory": "this host lets the probe have no more memory (ulimit -v)",
}


def lacking(lack: Lack) -> str:
    """What kept an address from being asked."""
    return _LACKS[lack]


def greeting_stopped(failure: FailureEntry) -> str:
    """How far a greeting came that is not whole."""
    partial, errno = failure.get("partial"), failure.get("errno")
    came = f"only {shown(partial)} came" if partial else "not one byte came"
    return f"{came} ({errno})" if errno else came


# How other services introduce themselves.
_SERVICES = (
    (r"SSH-", "an SSH server"),
    (r"HTTP/|<!DOCTYPE|<html", "a web server"),
    (r"\* (OK|PREAUTH|BYE)", "an IMAP server"),
    (r"\+OK", "a POP3 server"),
    (r"RFB ", "a VNC server"),
    (r"\\x16\\x03", "a server that sends back what it is sent"),
    # Three bytes of length, a number, and the protocol's version, 10, which ends the line.
    (r".*(mysql|mariadb)|(?:.|\\x[0-9a-f]{2})\\x00\\x00\\x00$", "a MySQL server"),
    (r"-ERR", "a POP3 or Redis server"),
)


def service(text: str) -> str:
    """Who answers there, by its first words."""
    for pattern, name in _SERVICES:
        if re.match(pattern, text, re.IGNORECASE):
            return f"{name} answers ({shown(text, 60)})"
    return f"it said {shown(text, 60)}" if text else ""


def no_answer_of_the_name_server(seconds: float) -> str:
    """How long a name server was waited for."""
    return f"nothing came within {span(seconds)} s"


_RESOLVER_ERRORS = {
    "EAI_AGAIN": "it was silent, refused or failed",
    "EAI_FAIL": "it refused or failed for good",
}


def resolver_error(code: str) -> str:
    """What the resolver's error code means."""
    meaning = _RESOLVER_ERRORS.get(code)
    return f"{meaning} ({code})" if meaning else code


def searched(host: str) -> str:
    """Where a name without a domain was looked for; empty for others."""
    if host.endswith("."):
        return "its final dot keeps the search domains of /etc/resolv.conf out"
    return "" if "." in host else "it has no dot, so the search domains of /etc/resolv.conf decide"


def this_host(host: str, address: str) -> str:
    """That a name leads to the host itself; empty where it does not, or where the name says so."""
    local = host.rstrip(".").lower()
    if is_address(host) or not is_loopback(address) or re.search(r"(^|[.-])localhost(\.localdomain)?$", local):
        return ""
    return f"{host} leads to this host itself"


def odd_greeting(reply: FailureEntry) -> str:
    """A code that opens no session."""
    return f"it greets with {quoted(reply)}, where SMTP has 220"


def ftp(greeting: str) -> str:
    """Who answers there."""
    return f"an FTP server answers ({shown(greeting, 60)})"


# What an address has not done that was no longer waited for, by layer.
NOT_YET = {"greeting": "greeted", "tls": "finished the TLS handshake"}


def it_said(text: str) -> str:
    """What came first; empty where nothing did."""
    return f"it said {shown(text)}" if text else ""


def instead(reply: FailureEntry) -> str:
    """What came in place of the greeting."""
    return f"all others hear {quoted(reply)}"


def refuses_ehlo(reply: FailureEntry) -> str:
    """That the mode which the port speaks does not work either."""
    return f"it refuses EHLO there with {quoted(reply)}"


def ehlo_would_list(reply: FailureEntry) -> str:
    """Why no login is offered, where EHLO was refused and HELO taken."""
    return f"EHLO, which would list them, was refused with {quoted(reply)}"


def silent_there_too(seconds: float) -> str:
    """That TLS was answered, and nothing came behind it for a moment."""
    return f"behind TLS it stayed silent for {span(seconds)} s, so it may be another service (a web server, say)"


def fault_of_its_own(code: str | None) -> str:
    """That the mode which the port speaks does not work either."""
    return f"TLS there has a fault of its own, {code}"


# -- dialogue


def only_before_tls(names: Sequence[str]) -> str:
    """A relay that has it the wrong way round."""
    return f"it offers {', '.join(names)} before TLS and none after it"


NO_STARTTLS_EITHER = (
    "it offers no STARTTLS either, behind which most relays have it, and which something on the way may have taken out"
)
NO_LOGIN_BEFORE_STARTTLS = "it offers STARTTLS, and no login before it"
MESSAGE_WITHHELD = "the message was not sent"


def knows_no_hello(reply: FailureEntry) -> str:
    """A server of another kind that greets with 220."""
    return f"it knows neither EHLO nor HELO ({quoted(reply)})"


def may_be_lmtp(greeting: str) -> str:
    """A server for mailboxes (RFC 2033), which greets as SMTP does, and need not say what it is (Dovecot)."""
    if "lmtp" in greeting.lower():
        return "it calls itself LMTP, which takes mail from mail servers only"
    return "a server of LMTP, which takes mail from mail servers only, does that"


def masks(capability: str) -> str:
    """What a middlebox does; empty where it does nothing."""
    return f"something on the way masks what it offers ({capability})" if capability else ""


_SIGNS: Mapping[Sign, str] = {
    "second_greeting": "it greets a second time where another reply belongs",
    "unasked": "it says something that nobody asked for",
    "late_reply": "the answer to one command comes behind the next one",
    "wrong_code": "it answers with a code that does not belong to the command",
}


def out_of_step(failure: FailureEntry) -> str:
    """How the replies are out of step, with the reply that shows it."""
    sign = _SIGNS[failure["sign"]] if "sign" in failure else "this reply does not belong to what was asked"
    return f"{sign} ({quoted(failure)})"


def unanswered(attempt: Attempt, failure: FailureEntry) -> str:
    """What came in place of a reply."""
    kind = failure["kind"]
    if kind in ("timeout", "unfinished"):
        seconds = waited(attempt, failure)
        return f"no answer within {span(seconds)} s"
    if kind == "closed":
        return "it closed the connection instead"
    if kind == "reset":
        return "it reset the connection instead"
    if kind == "limit":
        return f"its answer is a {failure.get('limit', 'reply')} without end"
    if kind == "malformed":
        return f"it said {shown(failure.get('text', ''))}"
    if kind == "tls":
        return f"TLS broke ({_openssl_says(failure)})"
    return f"{failure.get('errno') or kind}"


def in_answer_to(failure: FailureEntry) -> str:
    """Which command of a transaction was answered, as a remark behind a reply; empty for other stages."""
    stage = failure.get("stage")
    if stage is None:
        return ""
    command = {"mail": "MAIL", "rcpt": "RCPT", "data": "DATA", "message": "the message"}[stage]
    recipient = failure.get("recipient") if stage == "rcpt" else None
    return f" (in answer to {command} for {recipient})" if recipient else f" (in answer to {command})"


def stopped_instead(failure: FailureEntry) -> str:
    """That the relay left the connection in place of an answer to HELO."""
    ends = {"closed": "closed the connection", "reset": "reset the connection", "timeout": "said nothing more"}
    return f"and then {ends.get(failure['kind'], 'broke off')} when it was asked with HELO"


def to_helo(refused: FailureEntry) -> str:
    """A remark behind the reply to HELO, where EHLO was refused before."""
    return f"in answer to HELO, as EHLO was answered with {quoted(refused)}"


def where_in_tls(attempt: Attempt) -> str:
    """The place of a silent greeting behind TLS."""
    if not in_tls(attempt):
        return ""
    return (
        "it stayed silent after the TLS handshake, so it may be another service with TLS, or TLS in front of a port that has "
        "TLS of its own"
    )


def mechanisms_phrase(names: Sequence[str], wanted: str | None) -> str:
    """What was asked for and what is there."""
    listed = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} offered" if names else "nothing is offered"
    return f"{wanted} was asked for, {listed}" if wanted else listed


def can_only(app: str, able: Sequence[str], offered: Sequence[str]) -> str:
    """What an app's client can do, and what is there."""
    return f"{mechanisms_phrase(offered, None)}, {app} can do {', '.join(able)}"


def of_its_runtime(runtime: str, cipher: str | None = None) -> str:
    """Why an app refuses what this host takes."""
    return f"{runtime} never accepts that" if cipher is None else f"{runtime} has no suite like {cipher}"


def group_of(bits: int) -> str:
    """The size of the relay's Diffie-Hellman group."""
    return f"it has {bits} bits"


def password_ends_in_a_break(settings: Settings) -> str:
    """A password out of a file or a YAML block often has a line end that does not belong to it, or is a template."""
    for option, text in (("password", settings.password or ""), ("username", settings.username or "")):
        if text != text.strip():
            what = "a line break" if text.strip("\r\n") != text else "white space"
            return f"the {option} begins or ends in {what}, which probably does not belong to it: write it without"
        if "{{" in text and "}}" in text:
            return f"the {option} holds a template ({{{{ }}}}) that was not filled in"
    return ""


# -- certificates


CA_OF_THIS_HOST = "a CA certificate above it in this host's trust store is the one"


def named(name: str) -> str:
    """The name of a certificate or CA."""
    return f"'{name}'"


def is_for(names: Sequence[str]) -> str:
    """The names of a certificate, the first five of them."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    # A name that ends with a dot is another one, and would be read as the sentence's end.
    listed = ", ".join(shown(name) if name.endswith(".") else name for name in names[:5])
    return f"it is for {listed}{more}"


def perhaps_made_anew(name: str) -> str:
    """A CA in ca_path whose key does not fit."""
    return f"the CA {shown(name)} in ca_path may be an older or newer one of that name"


def another_of_that_name(name: str) -> str:
    """A CA in ca_path with the issuer's name that does not help."""
    return f"ca_path holds a CA of the name {shown(name)}, yet not the one that issued it, or not the root above it"


def another_there(name: str) -> str:
    """A self-signed certificate that was made anew, while ca_path has the old one."""
    return f"ca_path holds another certificate of the name '{name}', perhaps the one before it was made anew"


def no_root(name: str, issuer: str) -> str:
    """A certificate in ca_path that is below the root."""
    return f"ca_path holds '{name}', which is no root, and not '{issuer}', which issued it"


NO_CA_THERE = "ca_path holds no certificate of a CA"


def days(number: int) -> str:
    """So many days."""
    return "1 day" if number == 1 else f"{number} days" if number else "less than a day"


def ended(last: datetime.datetime, now: datetime.datetime) -> str:
    """Since when a certificate is over."""
    return f"on {last:%Y-%m-%d}, {days((now - last).days)} ago"


def begins(first: datetime.datetime, now: datetime.datetime, issuer: str | None) -> str:
    """From when on a certificate is valid. ``issuer``: it is that of this CA."""
    whose = f"its issuer '{issuer}' is the one, " if issuer is not None else ""
    return f"{whose}only from {first:%Y-%m-%d %H:%M} UTC, this host's clock says {now:%Y-%m-%d %H:%M} UTC"


def has_also_expired(last: datetime.datetime) -> str:
    """A second fault."""
    return f"the certificate has also expired on {last:%Y-%m-%d}"


def is_also_too_early(first: datetime.datetime) -> str:
    """A second fault."""
    return f"the certificate is also not valid before {first:%Y-%m-%d}"


def is_also_not_for(name: str, listed: Sequence[str]) -> str:
    """A second fault."""
    return f"the certificate is also not for {name} ({is_for(listed)})"


def would_be_refused(faults: str) -> str:
    """What the verification that is switched off would have found."""
    return faults.replace(" also ", " ")


def this_one_or_above(name: str) -> str:
    """Which CA on this host is meant; only the lowest is named by what the relay sent."""
    return f"'{name}' or one above it"


def ends_at_unknown_root(name: str) -> str:
    """Where the chain ends."""
    return f"the chain ends at '{name}', which is not in its trust store"


def has_expired(last: datetime.datetime) -> str:
    """Why the root at the end would be of no use here, behind what ends_at_unknown_root says."""
    return f" and has expired on {last:%Y-%m-%d}: a relay that sends the CA's present chain needs no such root"


def ends_below(name: str, may_be_intermediate: bool) -> str:
    """Where the chain ends."""
    more = f" (if '{name}' is an intermediate, the relay fails to send it, and should send its full chain)"
    return f"the chain that it sends ends below '{name}', which this host does not have{more if may_be_intermediate else ''}"


def only_the_leaf(issuer: str) -> str:
    """What is missing."""
    advice = f"if '{issuer}' is a root of your own, name its file in ca_path"
    return f"it sends only its own certificate, issued by '{issuer}' ({advice})"


def unknown_issuer(issuer: str, may_be_intermediate: bool) -> str:
    """Who is not known, and what else it may be."""
    words = f"'{issuer}' is not in its trust store"
    if not may_be_intermediate:
        return words
    return f"{words} (if '{issuer}' is an intermediate, the relay fails to send it, and should send its full chain)"


_PRE_CERTIFICATE = "1.3.6.1.4.1.11129.2.4.3"  # RFC 6962 section 3.1


def unknown_extension(name: str, oid: str) -> str:
    """Which certificate has which critical extension; that of a pre-certificate has a meaning of its own."""
    if oid == _PRE_CERTIFICATE:
        return f"'{name}' is a pre-certificate, which a CA makes for its logs and nobody may install"
    return f"'{name}' has {oid}"


def small_key(name: str, bits: int) -> str:
    """What is weak."""
    return f"the key of '{name}' has only {bits} bits"


def old_hash(name: str, algorithm: str) -> str:
    """What is weak."""
    return f"'{name}' is signed with {'SHA-1' if algorithm == 'sha1' else algorithm.upper()}"


# -- TLS


ENDLESS_RECORDS = "the relay sends TLS records without end"


def handshake_stopped(failure: FailureEntry) -> str:
    """How far a handshake came that was not broken off."""
    return "the relay stayed silent" if failure.get("silent", True) else "the relay stopped in the middle of it"


def hung_up_on_tls(failure: FailureEntry) -> str:
    """How a handshake was broken off."""
    act = "reset" if failure["kind"] == "reset" else "closed"
    when = "as soon as it saw the ClientHello" if failure.get("silent", True) else "in the middle of it"
    return f"the relay {act} the connection {when}"


def went_on_in_cleartext(failure: FailureEntry) -> str:
    """What came in place of a handshake."""
    return f"the relay went on in cleartext ({shown(failure.get('text', ''))})"


def accepts_only(cipher: str | None) -> str:
    """The cipher suite without a certificate that it would take."""
    return f"it would accept only {cipher}"


def uses(cipher: str | None) -> str:
    """The cipher suite without a certificate that it took."""
    return f"it uses {cipher}"


def speaks_at_most(version: str | None) -> str:
    """The newest version that works."""
    return f"it speaks {version} at most"


def got_no_certificate(failure: FailureEntry) -> str:
    """What the relay did when we had no certificate for it."""
    act = "reset" if failure["kind"] == "reset" else "closed"
    return f"it asked for one in the handshake, got none, and {act} the connection"


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()


def _openssl_says(failure: FailureEntry) -> str:
    """OpenSSL's reason in words; it has none for what no version of it foresees."""
    plain = re.sub(r"^\[.*?\] ", "", _plain(str(failure.get("reason") or failure.get("text") or "")))
    return "OpenSSL does not know what came" if plain in ("", "unknown error", "internal error") else plain


def tls_failure(failure: FailureEntry, legacy: TLSEntry) -> str:
    """Why a handshake failed, in the words of the alert or of OpenSSL."""
    reason = str(failure.get("reason") or failure.get("text") or "")
    alert = re.search(r"ALERT_(.+)", reason)
    words = f"the relay answered with the alert '{_plain(alert.group(1))}'" if alert else _openssl_says(failure)
    if re.search(_NO_DER, reason, re.IGNORECASE):
        return "the relay sent a certificate that cannot be read"
    if legacy.get("cipher"):
        only = " ".join([str(legacy["cipher"]), *([f"({legacy['version']})"] if legacy.get("version") else [])])
        return also(words, f"it would accept only {only}, which this host does not offer")
    if not re.search(_NO_CIPHER, reason):
        return words
    if re.search(_NO_CIPHER, str(legacy.get("failure", {}).get("reason"))):
        # What is never offered, not even in that second try, are suites without a certificate.
        return also(
            f"{words}, also to all old cipher suites",
            "most likely it has no certificate, so that nobody could tell who answers, or one whose key its suites cannot use; "
            "else it insists on a curve, or on a suite of TLS 1.3, that this host does not offer (brainpool or secp256k1, CCM)",
        )
    return f"{words}, probably no cipher in common"


def clock_is_off(skew: float) -> bool:
    """Whether the clocks of host and controller are so far apart that dates may look wrong."""
    return abs(skew) > _HOUR


def clock_phrase(skew: float) -> str:
    """How far this host's clock is off, in days where hours would be many."""
    if not clock_is_off(skew):
        return ""
    size, unit = (abs(skew) / _DAY, "days") if abs(skew) >= 2 * _DAY else (abs(skew) / _HOUR, "hours")
    number = f"{size:.0f}"
    unit = unit.removesuffix("s") if number == "1" else unit
    return f"this host's clock is {number} {unit} {'ahead' if skew > 0 else 'behind'}"


def is_the_issuers(name: str) -> str:
    """That not the relay's own certificate is meant."""
    return f"it is that of its issuer '{name}'"


def ahead_of_its_own(name: str) -> str:
    """Which certificate is out of order."""
    return f"'{name}' comes before the one that it issued"


def sent_twice(names: Sequence[str]) -> str:
    """Which certificates come more than once; empty for none."""
    return f"{_listed(names)} more than once" if names else ""


def of_no_other(names: Sequence[str]) -> str:
    """Which certificates belong to no other; empty for none."""
    return f"{_listed(names)}, which issued none of the others" if names else ""


def _listed(names: Sequence[str]) -> str:
    """At most three names of certificates."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(named, names[:3])) + more


def only_common_name(name: str, version_1: bool) -> str:
    """What stands in place of names."""
    only = f"only its common name says '{name}'"
    return f"{only}, and X.509 version 1 can hold no names" if version_1 else only


def changed(gone: Sequence[str], new: Sequence[str]) -> str:
    """Which capabilities TLS takes away and brings; empty where there is no difference."""
    return also(f"no longer {', '.join(gone)}" if gone else "", f"newly {', '.join(new)}" if new else "")

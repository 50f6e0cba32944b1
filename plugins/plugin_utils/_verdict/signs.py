# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What evidence shows, read in one place: no verdict, no words. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    Attempt,
    FailureEntry,
    Observation,
    ReplyEntry,
    TLSEntry,
)
from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import capabilities, status_code

__all__ = (
    "answers_elsewhere",
    "asked_certificate",
    "broke_at",
    "elsewhere",
    "in_tls",
    "is_anonymous",
    "is_link_local",
    "is_loopback",
    "is_sinkhole",
    "learnt",
    "looks_like_ftp",
    "masked_capabilities",
    "mechanisms",
    "observed_security",
    "offered",
    "offered_now",
    "reply_text",
    "status_of",
    "turned_away",
    "turned_away_before_tls",
    "waited",
)

_SIGNS_OF_LIFE = ("open", "ECONNREFUSED")
# Compiled here, once for a run, as each verdict of a fleet is made in a process of its own.
_TURNED_AWAY = ["ENHANCEDSTATUSCODES"]
_OVERWRITTEN = re.compile(r"(X{3,}[A-Z]?|\*{3,}\S*)(\s|$)")
_FTP = re.compile(r"ftp|filezilla", re.IGNORECASE)
# Cipher suites that prove no identity, as OpenSSL and as the RFCs name them.
_ANONYMOUS = re.compile(r"^(?:AECDH|ADH|PSK|DHE-PSK|ECDHE-PSK|NULL)-|_anon_|_PSK_|^EXP-ADH", re.IGNORECASE)


def learnt(attempt: Attempt) -> bool:
    """Whether it is known if the address works: it was asked, and waited for."""
    failure = attempt["failure"]
    return failure is None or failure["kind"] not in ("unfinished", "not_asked")


def broke_at(attempt: Attempt) -> str | None:
    """The layer where the climb stopped; null where it did not."""
    failure = attempt["failure"]
    return None if failure is None else failure["layer"]


def waited(attempt: Attempt, failure: FailureEntry) -> float:
    """Seconds spent on the rung that broke."""
    if "waited_ms" in failure:
        return failure["waited_ms"] / 1000
    rungs = attempt["rungs"]
    return rungs[-1]["ms"] / 1000 if rungs else 0.0


# -- what the dialogue showed


def offered(attempt: Attempt, when: str) -> dict[str, list[str]]:
    """The capabilities that EHLO showed ``before_tls`` or ``after_tls``."""
    replies = attempt.get("ehlo", {})
    reply = replies.get("after_tls") if when == "after_tls" else replies.get("before_tls")
    return capabilities(reply["lines"]) if reply is not None and reply["code"] // 100 == 2 else {}


def in_tls(attempt: Attempt) -> bool:
    """Whether the handshake was finished, so that what follows is read by nobody on the way."""
    finished = any(step["layer"] == "tls" and step["ok"] for step in attempt["rungs"])
    return finished and bool(attempt.get("tls", {}).get("version"))


def offered_now(attempt: Attempt) -> dict[str, list[str]]:
    """The capabilities of the session as it stands: those after TLS where there is TLS."""
    return offered(attempt, "after_tls" if in_tls(attempt) or attempt.get("tls") else "before_tls")


def turned_away(attempt: Attempt) -> bool:
    """Whether this is what sendmail shows a host that its access list refuses: it greets, lists one thing, and refuses all else."""
    greeting = attempt.get("greeting")
    named = greeting is not None and "sendmail" in " ".join(greeting["lines"]).lower()
    return named and list(offered_now(attempt)) == _TURNED_AWAY


def turned_away_before_tls(attempt: Attempt) -> bool:
    """Whether that list was all before TLS, too, so that nothing in TLS can be the reason."""
    return list(offered(attempt, "before_tls")) == _TURNED_AWAY


def mechanisms(attempt: Attempt) -> list[str]:
    """The authentication mechanisms of the session as it stands."""
    return [name.upper() for name in offered_now(attempt).get("AUTH", [])]


def masked_capabilities(attempt: Attempt) -> str:
    """A capability that a firewall has overwritten in the EHLO reply (XXXXXXXA, ****), or an empty string."""
    reply = attempt.get("ehlo", {}).get("before_tls")
    for line in reply["lines"][1:] if reply else ():
        if _OVERWRITTEN.match(line.strip()):
            return line.strip()[:40]
    return ""


def looks_like_ftp(greeting: str) -> bool:
    """FTP greets with 220 as SMTP does (RFC 959), but names itself; a host called ftp that speaks SMTP says so."""
    return _FTP.search(greeting) is not None and "smtp" not in greeting.lower()


def asked_certificate(attempt: Attempt) -> bool:
    """Whether the relay asked for a certificate of the client in the handshake (CertificateRequest)."""
    return attempt.get("tls", {}).get("certificate_requested", False)


def is_anonymous(tls: TLSEntry) -> bool:
    """Whether the session's cipher suite proves nobody's identity."""
    return _ANONYMOUS.search(tls.get("cipher") or "") is not None


def observed_security(attempt: Attempt) -> str | None:
    """How the port speaks, whatever was asked of it: implicit_tls, starttls (offered), cleartext; null: not learnt."""
    other, failure = attempt.get("other_mode"), attempt["failure"]
    if attempt["security"] == "implicit_tls":
        if (failure is not None and failure["kind"] == "plaintext") or (other and other.get("greeting")):
            return observed_security(other) if other else None
        alerted = failure is not None and failure["layer"] == "tls" and failure["kind"] == "tls"
        spoken = attempt.get("tls", {}).get("version") or attempt.get("greeting") or alerted
        return "implicit_tls" if spoken else None
    if failure is not None and failure["kind"] == "tls_spoken":
        return "implicit_tls"
    before = attempt.get("ehlo", {}).get("before_tls")
    if before is None:
        return None
    if "STARTTLS" in offered(attempt, "before_tls"):
        return "starttls"
    # A refused EHLO tells nothing of STARTTLS; HELO, where it was taken, has none.
    taken = before["code"] // 100 == 2 or attempt.get("helo", {"code": 500})["code"] // 100 == 2
    return "cleartext" if taken else None


# -- replies


def reply_text(reply: FailureEntry | ReplyEntry) -> str:
    """Code and words of a reply on one line, at most 300 characters."""
    return f"{reply['code']} {' '.join(line for line in reply['lines'] if line)}"[:300].rstrip()


def status_of(reply: FailureEntry | ReplyEntry) -> str:
    """The enhanced status code (RFC 3463) of a reply, or an empty string."""
    return next((found for found in map(status_code, reply["lines"]) if found), "")


# -- addresses and ports


def is_sinkhole(address: str) -> bool:
    """Whether the address stands for no host: what ad blockers answer in place of an address."""
    return address in ("0.0.0.0", "::", "::ffff:0.0.0.0")


def is_loopback(address: str) -> bool:
    """Whether the address is this host's own."""
    found = _parsed(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found is not None and (mapped or found).is_loopback


def is_link_local(address: str) -> bool:
    """Whether the address holds on one link only (RFC 4291 section 2.5.6)."""
    found = _parsed(address)
    return found is not None and found.is_link_local


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address; null where a file of kept evidence holds something else."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def elsewhere(attempt: Attempt, observation: Observation) -> Iterator[tuple[int, str]]:
    """What other ports of the same address did: (port, "open" or what kept it from being open)."""
    for one in observation["elsewhere"]:
        if one["address"] == attempt["address"]:
            yield one["port"], one["result"]
    for route in observation["alternatives"]:
        for other in route["attempts"]:
            failure = other["failure"]
            if other["address"] != attempt["address"] or (failure is not None and failure["kind"] == "not_asked"):
                continue
            closed = failure is not None and failure["layer"] == "tcp"
            yield route["port"], failure.get("errno", failure["kind"]) if failure is not None and closed else "open"


def answers_elsewhere(attempt: Attempt, observation: Observation) -> bool:
    """Whether another port of the same address gave a sign of life."""
    return any(result in _SIGNS_OF_LIFE for _port, result in elsewhere(attempt, observation))

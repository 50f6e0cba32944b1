# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
All that crosses between controller and host: the plan on its way out, the observation on its way back.

Both are JSON. The host's files import this one for their types alone, so that no host spends time on reading it; the
controller also calls ``checked``. Who changes a key here changes FORMAT, and says in ``checked`` what becomes of older
ones.

Milliseconds are floats on the monotonic clock. What a relay said is printable text (see ``printable``), bounded, and
free of the login.
"""

from __future__ import annotations

import typing as t

__all__ = (
    "FORMAT",
    "Alternative",
    "Attempt",
    "AttemptSoFar",
    "ChainEntry",
    "Dns",
    "EhloEntry",
    "Elsewhere",
    "EvidenceError",
    "FailureEntry",
    "HostReport",
    "Kind",
    "Lack",
    "Layer",
    "Observation",
    "Plan",
    "RcptReply",
    "ReplyEntry",
    "Route",
    "Rung",
    "Security",
    "Sign",
    "TLSEntry",
    "TransactionEntry",
    "TransactionPlan",
    "checked",
)

FORMAT: t.Final = 1

# How a connection speaks; auto: find out.
Security = t.Literal["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]
# Where a climb stopped.
Layer = t.Literal["dns", "tcp", "greeting", "mode", "ehlo", "starttls", "tls", "certificate", "auth", "transaction"]
# Why it stopped.
Kind = t.Literal[
    "timeout",  # no answer for as long as was waited, see waited_ms
    "closed",  # the peer ended the connection
    "reset",  # the peer, or something on the way, broke it off
    "os",  # another error of the socket: errno, and the ICMP message behind it
    "bind",  # source_address is not one of this host's: errno
    "sinkhole",  # the name leads to an address that stands for no host; nothing was sent there
    "resolver",  # no address: error, the name of the EAI code
    "malformed",  # no SMTP reply: text
    "limit",  # longer than anything sane: limit says what, text how it began
    "plaintext",  # cleartext where a ServerHello belongs: text
    "tls_spoken",  # TLS where a greeting belongs
    "tls",  # OpenSSL refused, or the relay by an alert: reason, text
    "certificate",  # the chain or the name does not verify: verify_code, text
    "no_certificate",  # a TLS session without any certificate of the relay
    "reply",  # the relay said no: code, lines, stage
    "out_of_step",  # a reply that does not belong to what was asked: code, lines, sign
    "missing",  # not offered: what, wanted, offered, starttls
    "withheld",  # we did not send it in cleartext: what, starttls
    "unfinished",  # we stopped waiting before anything was learnt: waited_ms
    "not_asked",  # nothing was sent: lack says what was missing
]
# What kept an address from being asked: the time was over, or the process may not have more of it.
Lack = t.Literal["time", "threads", "files", "memory"]
# How replies are out of step: a 220 where another reply belongs, a reply that nobody asked for,
# the answer to one command behind the next one, a code that the command does not know.
Sign = t.Literal["second_greeting", "unasked", "late_reply", "wrong_code"]


# -- out: what the controller asks for


class Alternative(t.TypedDict):
    """Another port of the same relay, to be asked when the chosen one fails."""

    port: int
    security: Security


class TransactionPlan(t.TypedDict):
    """One message (RFC 5322, CRLF) and its envelope; without ``deliver`` it ends after RCPT."""

    sender: str
    recipients: t.List[str]
    message: str
    deliver: bool


class Plan(t.TypedDict):
    """What the host is to find out about one endpoint. The login travels apart, sealed."""

    host: str
    port: int
    security: Security
    validate_certs: bool
    ca_path: t.Optional[str]
    server_name: str
    helo_name: t.Optional[str]
    source_address: t.Optional[str]
    ip_version: str
    timeout: float  # seconds for the endpoint as a whole
    minimum_tls_version: str  # of the handshake
    login_tls_version: str  # below this the login and the message are kept back: the session breaks the policy anyway
    cleartext_networks: t.List[str]
    require_all_addresses: bool
    alternatives: t.List[Alternative]
    control_port: t.Optional[int]  # asked for a sign of life where the chosen port is silent
    try_injection: bool
    transaction: t.Optional[TransactionPlan]
    login_required: bool  # false: a relay that offers no login takes mail without one
    fallback: bool  # the best other port is going to be used: worth waiting for, and it gets the login
    ask_chosen: bool  # false: the chosen port is known already, only the alternatives are asked


# -- back: what the host saw


class ReplyEntry(t.TypedDict):
    """A reply of the relay (RFC 5321 section 4.2)."""

    code: int
    lines: t.List[str]


class RcptReply(ReplyEntry):
    """The reply to RCPT."""

    recipient: str


class _FailureAlways(t.TypedDict):
    layer: Layer
    kind: Kind


class FailureEntry(_FailureAlways, total=False):
    """Why a climb stopped. Which of the further keys are there follows from ``kind``."""

    waited_ms: float
    errno: str
    icmp: t.List[int]  # IP version, type, code
    icmp_from: t.Optional[str]
    error: str
    text: str
    reason: str  # OpenSSL's name of the error
    verify_code: int  # X509_V_ERR_*
    silent: bool  # not one byte came in answer to the ClientHello
    partial: str  # what had come of an unfinished reply
    limit: t.Literal["line", "reply", "stream"]
    code: int
    lines: t.List[str]
    stage: t.Literal["mail", "rcpt", "data", "message"]
    recipient: str
    sign: Sign
    what: t.Literal["starttls", "auth", "mechanism", "password", "message"]
    wanted: t.Optional[str]
    offered: t.List[str]
    starttls: bool  # offered, and not in use
    lack: Lack


class Rung(t.TypedDict, total=False):
    """One step of a climb, in the order climbed."""

    layer: Layer
    ok: bool
    ms: float
    mechanism: str  # of auth


class TLSEntry(t.TypedDict, total=False):
    """A handshake, as far as it came. ``failure`` alone where not even that is known (only in ``legacy``)."""

    version: t.Optional[str]
    cipher: t.Optional[str]
    verified: t.Optional[bool]  # false also where nothing was to be verified; null in a further handshake
    verify_error: t.Optional[str]
    certificate_requested: bool  # the relay asked for a certificate of the client (CertificateRequest)
    dh_bits: int  # the size of the relay's Diffie-Hellman group, where its suite has one (DHE)
    failure: FailureEntry


class EhloEntry(t.TypedDict, total=False):
    """The replies to EHLO."""

    before_tls: ReplyEntry
    after_tls: ReplyEntry


class TransactionEntry(t.TypedDict, total=False):
    """The replies to MAIL, RCPT (the last one), DATA and to the message."""

    mail: ReplyEntry
    rcpt: RcptReply
    rset: ReplyEntry
    data: ReplyEntry
    message: ReplyEntry


class ChainEntry(t.TypedDict):
    """The relay's certificates."""

    chain: t.List[str]  # DER in base64 as sent, leaf first
    chain_available: bool  # false: at most the leaf, because this Python shows no more


class AttemptSoFar(t.TypedDict, total=False):
    """What a climb may have learnt."""

    greeting: ReplyEntry
    ehlo: EhloEntry
    helo: ReplyEntry  # asked where EHLO was refused
    helo_failure: FailureEntry  # that HELO got no reply; the refused EHLO is then the failure
    tls: TLSEntry
    chain: t.List[str]  # as in ChainEntry
    chain_available: bool
    injected: bool  # the relay acted on a command that was sent ahead of the handshake
    yielded: bool  # another address of the endpoint logged in and sent
    unserved: bool  # the first connection waited in vain while later ones were greeted; all else is from a later one
    both_modes: bool  # the port answers a ClientHello; true: and greets in cleartext who speaks first
    speaks_second: bool  # the port hangs up on a ClientHello, is silent to who waits, and greets who speaks first
    # The greeting that a silent port gave to a PROXY protocol header; code 0 and no lines where TLS answered behind it.
    after_proxy_header: ReplyEntry
    # The handshake failed so with the suites that every TLS library has;
    # all else here is from a climb with what OpenSSL offers of itself (RSA key exchange and CBC as well).
    python_refused: FailureEntry
    transaction: TransactionEntry
    legacy: TLSEntry  # a handshake with all that this host's OpenSSL has, after one that failed
    other_mode: Attempt  # what a further connection in the other mode showed: greeting and EHLO at most


class Attempt(AttemptSoFar):
    """One address, climbed until the top or the first rung that broke (``failure``)."""

    address: str
    family: int  # 4 or 6
    security: Security  # as climbed: with auto what was found, once it was
    rungs: t.List[Rung]
    failure: t.Optional[FailureEntry]


class _DnsAlways(t.TypedDict):
    ok: bool
    ms: float


class Dns(_DnsAlways, total=False):
    """The name's resolution."""

    known: int  # addresses that the name has; of very many, the first ones are climbed
    failure: FailureEntry


class _RouteAlways(t.TypedDict):
    port: int
    security: Security
    attempts: t.List[Attempt]  # empty: not asked


class Route(_RouteAlways, total=False):
    """Another port that was asked."""

    login: Attempt  # a session with the login, where the plan said ``fallback``


class Elsewhere(t.TypedDict):
    """Whether ``control_port`` of a silent address takes a connection: open, timeout, or an errno's name."""

    address: str
    port: int
    result: str


class Observation(t.TypedDict):
    """What was seen of one endpoint."""

    format: t.Literal[1]
    dns: Dns
    attempts: t.List[Attempt]  # in the resolver's order; empty where there is no address
    alternatives: t.List[Route]
    elsewhere: t.List[Elsewhere]
    elapsed_ms: float


class HostReport(t.TypedDict):
    """The module's result: the observations in the order asked, and what holds for all of them."""

    observations: t.List[Observation]
    clock: float  # seconds since the epoch, by the host
    trust_store_empty: bool
    ca_subjects: t.Dict[str, t.List[str]]  # ca_path as asked: the common names of its CAs


class EvidenceError(ValueError):
    """What was taken for an observation is none, or one that this release does not know; the text says what to do."""


_REQUIRED = ("dns", "attempts", "alternatives", "elsewhere", "elapsed_ms")


def checked(found: object) -> Observation:
    """``found`` as an observation of this FORMAT.

    Raises EvidenceError. There is no older format that could be converted.
    """
    if not isinstance(found, dict):
        raise EvidenceError("This is no observation of a probe; store what a probe gave, unchanged, or probe again.")
    number = found.get("format")
    if number is None:
        raise EvidenceError("The observation has no format number, so an older release made it; probe again.")
    if isinstance(number, bool) or not isinstance(number, int) or number != FORMAT:
        raise EvidenceError(
            f"The observation has format {number!r:.40}, and this release of mailops.smtp reads {FORMAT};"
            " use the same release for both, or probe again."
        )
    missing = [key for key in _REQUIRED if key not in found]
    if missing:
        raise EvidenceError(
            f"The observation lacks {', '.join(missing)}; store what a probe gave, unchanged, or probe again."
        )
    return t.cast(Observation, found)

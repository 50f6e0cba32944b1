# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a relay, and the causes that each of them is: for clients that send a message to a server that has it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from . import faulty
from .faulty import Behaviour, alert, honest, server_context, smtp, stall_after_server_hello
from .pki import EXPIRED, NOT_YET_VALID, Pki

__all__ = ["FAULTS", "MESSAGE", "MORE_FAULTS", "WRONG_PASSWORD", "Fault", "Way"]

WRONG_PASSWORD = "not-the-Password"
MESSAGE = "Subject: test\r\n\r\ntest\r\n"


@dataclass(frozen=True)
class Way:
    """How a client is told to send: implicit, starttls or cleartext; user "" sends without a login; ``seconds`` are its own timeouts."""

    port: int
    mode: str
    ca_file: str
    user: str = ""
    host: str = "localhost"
    seconds: int = 2
    within: tuple[str, ...] = ()  # the command that starts the client elsewhere


@dataclass(frozen=True)
class Fault:
    """A server that has it, how the clients send, and the causes that it is."""

    behaviour: Callable[[Pki], Behaviour]
    mode: str
    causes: tuple[str, ...]
    user: str = ""
    in_tls: bool = False  # a client that speaks only TLS meets it too


def served(**options: object) -> Callable[[Pki], Behaviour]:
    """TLS from the first byte with a certificate that is made with these options."""
    return lambda pki: smtp(implicit=honest(pki.issue(**{"name": "localhost", **options})))  # type: ignore[arg-type]


def refusing(**replies: str) -> Callable[[Pki], Behaviour]:
    """Cleartext, with these replies to these commands; "END" is the end of the message."""
    return lambda _pki: smtp(replies={"." if verb == "END" else verb: reply for verb, reply in replies.items()})


def login(*mechanisms: str) -> Callable[[Pki], Behaviour]:
    """STARTTLS, then these mechanisms and a user whose password is another one."""
    return lambda pki: smtp(starttls=honest(pki.issue()), users={"app": "right"}, mechanisms=mechanisms)


def _implicit(behaviour: Callable[[Pki], Behaviour], *causes: str) -> Fault:
    return Fault(behaviour, "implicit", causes, in_tls=True)


def _cleartext(behaviour: Callable[[Pki], Behaviour], *causes: str) -> Fault:
    return Fault(behaviour, "cleartext", causes)


_NOT_TRUSTED = ("certificate_untrusted", "certificate_chain_incomplete")

FAULTS: dict[str, Fault] = {
    "TLS first on a port that starts in cleartext": _implicit(lambda pki: smtp(starttls=honest(pki.issue())), "mode_mismatch"),
    "cleartext first on a port that starts with TLS": Fault(served(), "starttls", ("mode_mismatch",)),
    "no STARTTLS": Fault(lambda _pki: smtp(), "starttls", ("starttls_not_offered",)),
    "STARTTLS refused": Fault(lambda _pki: smtp(starttls="454 4.7.0 TLS not available due to local problem"), "starttls", ("starttls_rejected",)),
    "expired": _implicit(served(valid=EXPIRED), "certificate_expired"),
    "not yet valid": _implicit(served(valid=NOT_YET_VALID), "certificate_not_yet_valid"),
    "self-signed": _implicit(served(issuer=None), "certificate_self_signed"),
    "unknown CA": Fault(lambda pki: smtp(starttls=honest(pki.issue(issuer=pki.stranger()))), "starttls", _NOT_TRUSTED, in_tls=True),
    "intermediate missing": _implicit(served(chain=["leaf"]), *_NOT_TRUSTED),
    "wrong name": _implicit(served(name="other.example.com"), "certificate_name_mismatch"),
    "only TLS 1.0": _implicit(
        lambda pki: smtp(implicit=honest(server_context(pki.issue(), maximum=ssl.TLSVersion.TLSv1))), "tls_version_unsupported", "tls_handshake_failed"
    ),
    "handshake refused": _implicit(lambda _pki: smtp(implicit=alert(40)), "tls_handshake_failed"),
    "handshake stalls": _implicit(lambda pki: smtp(implicit=stall_after_server_hello(pki.issue())), "tls_handshake_timeout"),
    "554 in the greeting": _cleartext(lambda _pki: smtp(greeting="554 5.7.1 not you"), "greeting_rejected"),
    "closed at once": _cleartext(lambda _pki: faulty.close(), "connection_closed"),
    "reset at once": _cleartext(lambda _pki: faulty.reset(), "connection_reset", "connection_closed"),
    "EHLO and HELO refused": _cleartext(lambda _pki: smtp(ehlo="550 5.7.1 no", helo="550 5.7.1 no"), "ehlo_rejected"),
    "wrong password": Fault(login("PLAIN", "LOGIN"), "starttls", ("auth_rejected",), "app"),
    "sender refused": _cleartext(refusing(MAIL="550 5.1.8 no such domain"), "sender_rejected"),
    "login required": _cleartext(refusing(MAIL="530 5.7.0 Authentication required"), "sender_rejected"),
    "recipient refused": _cleartext(refusing(RCPT="550 5.1.1 nobody of that name"), "recipient_rejected"),
    "relay denied": _cleartext(refusing(RCPT="554 5.7.1 <b@example.org>: Relay access denied"), "recipient_rejected"),
    "greylisted": _cleartext(refusing(RCPT="450 4.2.0 come back"), "temporarily_rejected"),
    "message refused": _cleartext(refusing(END="554 5.7.1 no"), "message_rejected"),
}
# What the texts are collected with beside those (tests/clients/collect).
MORE_FAULTS: dict[str, Fault] = {
    "silence": _cleartext(lambda _pki: faulty.silent(), "greeting_timeout", "mode_mismatch", "connection_timeout"),
    "SSH answers": _cleartext(lambda _pki: faulty.say(faulty.SSH), "not_smtp", "greeting_rejected"),
    "421 in the greeting": _cleartext(lambda _pki: smtp(greeting="421 4.7.0 Too many connections from your host"), "temporarily_rejected"),
    "certificate demanded": _implicit(lambda pki: smtp(implicit=alert(116)), "client_certificate_required", "tls_handshake_failed"),
    "closed in the handshake": _implicit(
        lambda _pki: smtp(implicit=faulty.close_on_client_hello()), "tls_handshake_failed", "connection_closed", "connection_reset"
    ),
    "login not offered": Fault(lambda pki: smtp(starttls=honest(pki.issue())), "starttls", ("auth_not_offered", "auth_mechanism_not_offered"), "app"),
    "no mechanism in common": Fault(login("XOAUTH2"), "starttls", ("auth_mechanism_not_offered", "auth_not_offered", "auth_rejected"), "app"),
    "EHLO name refused at RCPT": _cleartext(
        refusing(RCPT="504 5.5.2 <4f1a2b3c4d5e>: Helo command rejected: need fully-qualified hostname"), "ehlo_rejected"
    ),
    "sender refused at RCPT": _cleartext(refusing(RCPT="553 5.7.1 <a@example.com>: Sender address rejected: not owned by user app"), "sender_rejected"),
    "client refused at RCPT": _cleartext(
        refusing(RCPT="554 5.7.1 <client.example.com[192.0.2.7]>: Client host rejected: Access denied"), "sender_rejected", "recipient_rejected"
    ),
    "no reverse name": _cleartext(
        refusing(RCPT="450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]"), "temporarily_rejected", "message_rejected"
    ),
    "too large": _cleartext(refusing(MAIL="552 5.3.4 Message size exceeds fixed limit"), "message_rejected"),
    "session limit": _cleartext(refusing(END="451 4.7.1 Mails per session limit exceeded"), "temporarily_rejected"),
}

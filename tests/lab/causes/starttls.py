# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EHLO and STARTTLS: refused, hidden on the way, promised and not kept, or open to injection."""

from __future__ import annotations

from support.faulty import Peer, close, honest, plaintext, reset, say, sequence, silent, smtp

from ..farm import Place
from ..scenario import Row

__all__ = ["ROWS"]

STARTTLS = {"secure": False, "timeout": 3}
WAIT = 4.0


def _offers_auth_after_tls(place: Place) -> None:
    place.listen(
        smtp(
            starttls=honest(place.issue()),
            capabilities=["PIPELINING", "SIZE 1000"],
            capabilities_after_tls=["SIZE 10240000", "8BITMIME"],
            mechanisms_after_tls=["PLAIN", "LOGIN"],
            users={"app": "x"},
        ),
        587,
    )


def _silent_ehlo(place: Place) -> None:
    place.listen(sequence(say("220 here\r\n", hold=False), silent()), 587)


def _hangs_at_starttls(peer: Peer) -> None:
    peer.reply("220 here")
    peer.line()
    peer.reply("250-here\n250 STARTTLS")
    peer.drain()


ROWS = [
    # EHLO.
    Row(
        "ehlo-refused",
        "EHLO is refused, HELO would be accepted",
        lambda place: place.listen(smtp(ehlo="502 5.5.1 not implemented"), 587),
        587,
        STARTTLS,
        "ehlo_rejected",
    ),
    Row(
        "ehlo-bad-name",
        "EHLO is refused for the name it carries",
        lambda place: place.listen(smtp(ehlo="550 5.7.1 Bad HELO name", helo="550 5.7.1 Bad HELO name"), 587),
        587,
        STARTTLS,
        "ehlo_rejected",
        expect={"message": lambda text: "Bad HELO name" in text},
    ),
    Row(
        "ehlo-busy",
        "EHLO is answered with 421",
        lambda place: place.listen(smtp(ehlo="421 4.3.2 shutting down", helo="421 4.3.2 shutting down"), 587),
        587,
        STARTTLS,
        "temporarily_rejected",
    ),
    Row(
        "ehlo-silence", "greets, then says nothing to EHLO", _silent_ehlo, 587, STARTTLS, "ehlo_rejected", seconds=WAIT
    ),
    Row(
        "ehlo-postfix",
        "Postfix refuses the name in EHLO",
        lambda place: place.postfix(
            "starttls",
            587,
            options={
                "smtpd_helo_restrictions": "check_helo_access static:{550 5.7.1 no such client}",
                "smtpd_delay_reject": "no",
            },
        ),
        587,
        {"secure": False, "helo_name": "spam.example"},
        "ehlo_rejected",
    ),
    Row(
        "ehlo-helo-cleartext",
        "EHLO is refused, HELO accepted, and cleartext was asked for",
        at="ehlo-refused",
        ask={"security": "cleartext"},
        cause=(None, "ehlo_rejected"),
    ),
    # Not offered.
    Row(
        "no-starttls",
        "Postfix without TLS",
        lambda place: place.postfix("cleartext", 587),
        587,
        STARTTLS,
        "starttls_not_offered",
        observed="cleartext",
        expect={"remedy": lambda text: "cleartext" in text},
    ),
    Row(
        "no-starttls-25",
        "another server without TLS",
        lambda place: place.listen(smtp(), 25, 2525),
        25,
        STARTTLS,
        "starttls_not_offered",
        observed="cleartext",
    ),
    Row(
        "no-starttls-1025",
        "Mailpit's way: cleartext on 1025, and secure: false does not ask for that",
        lambda place: place.listen(smtp(greeting="220 mailpit ESMTP Service ready"), 1025),
        1025,
        STARTTLS,
        "starttls_not_offered",
        observed="cleartext",
    ),
    Row(
        "masked-x",
        "a middlebox overwrites STARTTLS with X",
        lambda place: place.listen(smtp(capabilities=["PIPELINING", "XXXXXXXA", "SIZE 10240000"]), 587),
        587,
        STARTTLS,
        "starttls_not_offered",
        findings=("starttls_stripped",),
    ),
    Row(
        "masked-stars",
        "a middlebox overwrites lines with stars",
        lambda place: place.listen(smtp(capabilities=["PIPELINING", "********", "SIZE 10240000"]), 587),
        587,
        STARTTLS,
        "starttls_not_offered",
        findings=("starttls_stripped",),
    ),
    Row(
        "masked-opportunistic",
        "a middlebox masks, and opportunistic goes on without TLS",
        at="masked-x",
        ask={"security": "opportunistic"},
        cause=None,
        observed="cleartext",
        findings=("starttls_stripped", "downgrade_possible"),
    ),
    # Offered and not kept.
    Row(
        "starttls-454",
        "STARTTLS is answered with 454",
        lambda place: place.listen(smtp(starttls="454 4.7.0 TLS not available due to local problem"), 587),
        587,
        STARTTLS,
        "starttls_rejected",
        expect={"message": lambda text: "TLS not available" in text},
    ),
    Row(
        "starttls-501",
        "STARTTLS is answered with 501",
        lambda place: place.listen(smtp(starttls="501 5.5.4 no"), 2587),
        2587,
        STARTTLS,
        "starttls_rejected",
    ),
    Row(
        "starttls-postfix-broken",
        "Postfix cannot load its certificate: the chain stands in the wrong order",
        lambda place: place.postfix("starttls", 587, certificate=place.issue(chain=["intermediate", "leaf"])),
        587,
        STARTTLS,
        "starttls_rejected",
    ),
    Row(
        "starttls-no-answer",
        "STARTTLS is never answered",
        lambda place: place.listen(_hangs_at_starttls, 587),
        587,
        STARTTLS,
        "starttls_rejected",
        seconds=WAIT,
    ),
    Row(
        "starttls-then-silence",
        "220 to STARTTLS, then silence",
        lambda place: place.listen(smtp(starttls=silent()), 587),
        587,
        STARTTLS,
        "tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "starttls-policy",
        "a rule of the relay refuses STARTTLS",
        lambda place: place.listen(smtp(starttls="530 5.7.0 access denied"), 587),
        587,
        STARTTLS,
        "starttls_rejected",
        expect={"message": lambda text: "rule" in text},
    ),
    Row(
        "starttls-milter",
        "a dead milter refuses STARTTLS",
        lambda place: place.listen(smtp(starttls="454 4.7.1 Service unavailable, milter failed"), 587),
        587,
        STARTTLS,
        "starttls_rejected",
        expect={"message": lambda text: "rule" in text},
    ),
    Row(
        "starttls-no-memory",
        "no room for STARTTLS",
        lambda place: place.listen(smtp(starttls="454 4.3.0 Not enough memory"), 587),
        587,
        STARTTLS,
        "starttls_rejected",
        expect={"remedy": lambda text: "later" in text},
    ),
    Row(
        "starttls-busy",
        "too many sessions, said at STARTTLS",
        lambda place: place.listen(smtp(starttls="421 4.7.0 Too many sessions"), 587),
        587,
        STARTTLS,
        "temporarily_rejected",
    ),
    Row(
        "starttls-then-closed",
        "220 to STARTTLS, then closed",
        lambda place: place.listen(smtp(starttls=close()), 587),
        587,
        STARTTLS,
        "tls_handshake_failed",
    ),
    Row(
        "starttls-then-reset",
        "220 to STARTTLS, then reset",
        lambda place: place.listen(smtp(starttls=reset()), 587),
        587,
        STARTTLS,
        "tls_handshake_failed",
    ),
    Row(
        "starttls-then-words",
        "220 to STARTTLS, then cleartext instead of a handshake",
        lambda place: place.listen(smtp(starttls=plaintext("421 4.7.0 no TLS today")), 587),
        587,
        STARTTLS,
        "tls_handshake_failed",
    ),
    # Sound, vulnerable, and changing.
    Row(
        "capabilities-change",
        "nothing: AUTH comes after TLS, SIZE changes",
        _offers_auth_after_tls,
        587,
        STARTTLS,
        observed="starttls",
        expect={
            "capabilities.before_tls.SIZE": ["1000"],
            "capabilities.before_tls.AUTH": None,
            "capabilities.after_tls.SIZE": ["10240000"],
            "capabilities.after_tls.AUTH": ["PLAIN", "LOGIN"],
        },
    ),
    Row(
        "injection",
        "acts on commands sent ahead of the handshake",
        lambda place: place.listen(smtp(starttls=honest(place.issue()), injection=True), 587),
        587,
        STARTTLS,
        observed="starttls",
        findings=("starttls_injection",),
        seconds=6,
    ),
    Row(
        "no-injection",
        "nothing: drops commands sent ahead of the handshake",
        lambda place: place.listen(smtp(starttls=honest(place.issue())), 587),
        587,
        STARTTLS,
        observed="starttls",
        seconds=6,
    ),
    Row(
        "auth-in-cleartext",
        "Postfix offers AUTH before TLS",
        lambda place: place.postfix("opportunistic", 587, tls_auth_only=False),
        587,
        STARTTLS,
        observed="starttls",
        findings=("auth_offered_in_cleartext",),
    ),
    Row(
        "auth-in-cleartext-2",
        "a server offers AUTH before TLS",
        lambda place: place.listen(
            smtp(starttls=honest(place.issue()), mechanisms=["PLAIN"], users={"app": "x"}), 2587
        ),
        2587,
        STARTTLS,
        observed="starttls",
        findings=("auth_offered_in_cleartext",),
    ),
]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flag against what the port speaks, in both directions. The verdict must not wait for the timeout, which is long here."""

from __future__ import annotations

from ssl import TLSVersion

from support.faulty import honest, plaintext, reset_on_client_hello, server_context, smtp

from ..farm import Place
from ..scenario import Row

__all__ = ["ROWS"]

STARTTLS = {"secure": False, "timeout": 20}
IMPLICIT = {"secure": True, "timeout": 20}
# Near relay: within two seconds, however long the timeout is.
SOON = 2.0


def _only_13(place: Place) -> None:
    context = server_context(place.issue(), minimum=TLSVersion.TLSv1_3)
    place.listen(smtp(implicit=honest(context)), 465)


def _client_certificate(place: Place) -> None:
    place.listen(smtp(implicit=honest(server_context(place.issue(), client_ca=str(place.pki.ca_file)))), 465)


ROWS = [
    Row(
        "implicit-on-587",
        "secure: true on Postfix's STARTTLS port",
        at="postfix",
        port=587,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-25",
        "secure: true on port 25",
        at="postfix",
        port=25,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-10587",
        "secure: true on an odd STARTTLS port",
        at="postfix",
        port=10587,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-4650",
        "secure: true on a port that looks like 465",
        at="postfix",
        port=4650,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-cleartext",
        "secure: true on a server without TLS",
        at="postfix",
        port=1025,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="cleartext",
        seconds=SOON,
    ),
    Row(
        "implicit-on-odd-465",
        "secure: true on 465, which speaks STARTTLS here",
        at="odd-implicit",
        port=465,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-ipv6",
        "secure: true on a STARTTLS port over IPv6",
        at="both-families-465",
        host="{ip6}",
        port=587,
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-465",
        "secure: false on Postfix's implicit port, which says nothing",
        at="postfix",
        port=465,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-2465",
        "secure: false on 2465",
        at="postfix",
        port=2465,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-10465",
        "secure: false on an odd implicit port",
        at="postfix",
        port=10465,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-odd-587",
        "secure: false on 587, which speaks implicit TLS here",
        at="odd-implicit",
        port=587,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "opportunistic-on-465",
        "opportunistic on an implicit port",
        at="postfix",
        port=465,
        ask={"security": "opportunistic", "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "cleartext-on-465",
        "cleartext on an implicit port",
        at="postfix",
        port=465,
        ask={"security": "cleartext", "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-ipv6",
        "secure: false on an implicit port over IPv6",
        at="both-families-465",
        host="{ip6}",
        port=465,
        ask=STARTTLS,
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-unverified",
        "secure: false on an implicit port whose certificate is not trusted",
        lambda place: place.postfix("implicit", 465, certificate=place.issue(issuer=None)),
        465,
        STARTTLS,
        "mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-tls13",
        "secure: false on an implicit port that knows only TLS 1.3",
        _only_13,
        465,
        STARTTLS,
        "mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "starttls-on-client-certificate",
        "secure: false on an implicit port that wants a client certificate",
        _client_certificate,
        465,
        STARTTLS,
        "mode_mismatch",
        observed="implicit_tls",
        seconds=SOON,
    ),
    Row(
        "implicit-on-delayed-greeting",
        "secure: true on a STARTTLS port that greets after 0.7 s",
        lambda place: place.listen(smtp(greeting_delay=0.7, starttls=honest(place.issue())), 587),
        587,
        IMPLICIT,
        "mode_mismatch",
        observed="starttls",
        seconds=3,
    ),
    Row(
        "implicit-on-words",
        "secure: true on a port that says nothing until it is spoken to, then 500",
        lambda place: place.listen(plaintext("500 5.5.1 Command unrecognized"), 587),
        587,
        IMPLICIT,
        "greeting_rejected",
        observed=None,
        seconds=12,
    ),
    Row(
        "implicit-on-refusal",
        "secure: true on a port that greets everybody with 554",
        lambda place: place.listen(smtp(greeting="554 5.7.1 not you"), 587),
        587,
        IMPLICIT,
        "greeting_rejected",
        seconds=SOON,
        expect={"message": lambda text: "not you" in text},
    ),
    Row(
        "implicit-on-reset",
        "secure: true on a port that resets when it is sent a ClientHello",
        lambda place: place.listen(reset_on_client_hello(), 587),
        587,
        IMPLICIT,
        ("tls_handshake_failed", "connection_reset"),
        seconds=6,
    ),
]

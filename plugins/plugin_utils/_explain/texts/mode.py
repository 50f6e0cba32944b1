# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

RULES: tuple[Rule, ...] = (
    *rules(
        "mode_mismatch",
        "certain",
        "wrong version number",
        "wrong_version_number",
        "0a00010b",
        "1408f10b",
        "100000f7",
        "first record does not look like a tls handshake",
        "an unexpected tls packet was received",
        "unexpected tls packet",
        "unrecognized ssl message, plaintext connection",
        "unsupported or unrecognized ssl message",
        "unrecognized ssl message",
        "cannot determine the frame size or a corrupted frame was received",
        "the handshake failed due to an unexpected packet format",
        "unexpected packet format",
        "received corrupt message of type invalidcontenttype",
        "invalidcontenttype",
        "corrupt message",
        "ssl received a record that exceeded the maximum permissible length",
        "ssl_error_rx_record_too_long",
        "routines:ssl23_get_server_hello:unknown protocol",
        "routines::packet length too long",
        "packet length too long",
        "ssl_connect .. state=error: wrong version number",
        "the server does not support ssl connections",
        "ssl/tls session may be started before the .. is received",
        "record layer failure",
        variant="cleartext_spoken",
        also=("starttls_rejected", "not_smtp"),
    ),
    *rules(
        "mode_mismatch",
        "possible",
        "500 5.5.2 syntax error, command unrecognized",  # what a relay logs of a client that sends a ClientHello
        variant="cleartext_spoken",
        also=("ehlo_rejected",),
        echo="burst",
        note="A client that starts with TLS on a port that starts in cleartext leaves a burst of such lines.",
    ),
    *rules(
        "mode_mismatch",
        "likely",
        "non-smtp command from .. \\x16\\x03",
        "improper command pipelining after connect .. \\x16\\x03",
        "\\x16\\x03\\x01",
        "ssl23_get_client_hello:http request",
        "smtp protocol synchronization error .. \\026\\003",
        "\\026\\003\\001",
        variant="cleartext_spoken",
        note="The bytes are a ClientHello: this client starts with TLS where the relay starts in cleartext.",
    ),
    *rules(
        "mode_mismatch",
        "likely",
        "ssl_accept .. lost connection",
        "tls error on connection .. (ssl_accept)",
        "ssl_accept error from",
        "wrong version number .. smtpd",
        variant="implicit_spoken",
        also=("tls_handshake_failed",),
    ),
    # A server that waits for TLS answers cleartext with a TLS alert.
    *rules("mode_mismatch", "certain", "\\x15\\x03", variant="implicit_spoken"),
    *rules("mode_mismatch", "likely", "oversized record received", variant="cleartext_spoken", also=("not_smtp",)),
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer mode: TLS is spoken where cleartext was expected, or the reverse."""

from __future__ import annotations

from ..rule import Rule, alerts, mbedtls, rules, schannel, wolfssl

__all__ = ("RULES",)

# fmt: off
RULES: tuple[Rule, ...] = (
    # The client starts with TLS and reads "220 ..." as if it were a TLS record.
    *rules(
        "mode_mismatch", "certain", schannel((0x80090308, "sec_e_invalid_token")), variant="cleartext_spoken",
        also=("starttls_rejected", "not_smtp"), texts="""
        # OpenSSL and BoringSSL, by reason and by number
        wrong version number
        (0a00010b|1408f10b|100000f7)
        (routines:ssl23_get_server_hello:|read server hello a: )unknown protocol
        packet length too long
        record layer failure
        # Go
        first record does not look like a tls handshake
        # GnuTLS
        unexpected tls packet
        # Java
        unrecognized ssl message
        # .NET and SChannel
        cannot determine the frame size or a corrupted frame was received
        unexpected packet format
        not an ssl/tls record
        # rustls
        invalid content type
        corrupt message
        # NSS
        received a record that exceeded the maximum permissible length
        ssl_error_rx_record_too_long
        # Erlang: 50 is the digit 2 of "220"
        unsupported_record_type
        # Haskell, which prints the number as well
        invalid header type: 50
        # They say it themselves
        the server does not support ssl connections
        ssl/tls session may be started before the .. is received
        when connecting to an smtp service, port 587 is typically reserved for plain-text connections
    """),
    *rules("mode_mismatch", "likely", variant="cleartext_spoken", also=("tls_handshake_failed",), texts="""
        # Erlang, as its versions word it: the first bytes were no TLS
        in state (|:)hello .. fatal - unexpected message
    """),
    *rules(
        "mode_mismatch", "likely", wolfssl((326, "record layer version error")), variant="cleartext_spoken",
        also=("tls_version_unsupported", "tls_handshake_failed")),
    *rules(
        "mode_mismatch", "likely", mbedtls((0x7200, "an invalid ssl record was received")), variant="cleartext_spoken",
        also=("tls_handshake_failed",)),
    *rules(
        "mode_mismatch", "likely", alerts((22, "record overflow")), variant="cleartext_spoken", also=("not_smtp",),
        texts="oversized record received"),
    # What a relay logs of a client that starts with TLS where the relay starts in cleartext.
    *rules(
        "mode_mismatch", "possible", variant="cleartext_spoken", also=("ehlo_rejected",), echo="burst",
        note="A client that starts with TLS on a port that starts in cleartext leaves a burst of such lines.",
        texts="500 5.5.2 syntax error, command unrecognized"),
    *rules(
        "mode_mismatch", "likely", variant="cleartext_spoken",
        note="The bytes are a ClientHello: this client starts with TLS where the relay starts in cleartext.",
        texts="""
        (non-smtp command from|improper command pipelining after connect) .. \\x16\\x03
        \\x16\\x03\\x01
        smtp protocol synchronization error .. \\026\\003
        \\026\\003\\001
    """),
    # What a relay logs of a client that starts in cleartext where the relay starts with TLS.
    *rules("mode_mismatch", "likely", variant="implicit_spoken", also=("tls_handshake_failed",), texts="""
        ssl23_get_client_hello:http request
        (smtps|submissions)/smtpd .. unknown protocol
    """),
    # On a port with implicit TLS, a client that speaks cleartext waits for a greeting and leaves; one that does not
    # trust leaves too.
    *rules(
        "mode_mismatch",
        "possible",
        variant="implicit_spoken",
        also=("tls_handshake_failed", "certificate_untrusted"),
        echo="follow",
        note="The relay saw a client leave before TLS stood: one that speaks cleartext on this port, or one that does not accept the certificate.",
        texts="""
        (smtps|submissions)/smtpd .. ssl_accept error from
    """,
    ),
    # Postfix as a client of port 465
    *rules("mode_mismatch", "certain", variant="implicit_spoken", texts="smtps wrappermode .. requires setting"),
    # A server that waits for TLS answers cleartext with a TLS alert.
    *rules("mode_mismatch", "certain", variant="implicit_spoken", texts="\\x15\\x03"),
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer tls: the handshake fails, for another reason than the certificate."""

from __future__ import annotations

from ..rule import Rule, alerts, apple, cannot, curl, failing, mbedtls, rules, schannel, wolfssl

__all__ = ("RULES",)

_LEFT = (
    "The relay saw the client leave during the TLS handshake: most often a client that does not accept the relay's certificate (its chain, its name, its date);"
    " the client's own log says which."
)

# fmt: off
RULES: tuple[Rule, ...] = (
    # PEAR and Perl: the relay has taken STARTTLS
    *rules(
        "tls_handshake_failed", "likely", also=("tls_version_unsupported", "certificate_untrusted"),
        texts="""
        starttls failed (code: 220
        can't starttls: 2.0.0
    """),
    *rules(
        "tls_handshake_timeout", "likely", also=("mode_mismatch",),
        texts="could not connect to smtp host .. sockettimeoutexception: read timed out"),
    # Perl's IO::Socket::SSL
    *rules("tls_handshake_timeout", "likely", also=("connection_closed",), texts="ssl wants a read first"),
    *rules("tls_handshake_timeout", "certain", texts="""
        (ssl|tls|ssl/tls) (connection|handshake|connect) (timeout|timed out)
        (handshake|ssl_connect) .. timed out
        timed out .. handshake
        (ssl_socket_connect|ssl_connect) .. net::opentimeout
        starttls: i/o timeout
        crypto enabling timeout
        timed out while upgrading transport
    """),
    *rules(
        "tls_version_unsupported",
        "certain",
        alerts((70, "protocol version")),
        schannel((0x80090302, "sec_e_unsupported_function")),
        apple((9836, "errsslpeerprotocolversion"), (9830, "errssl_protocol_version_low")),
        mbedtls((0x6E80, "handshake protocol not within min/max boundaries")),
        texts="""
        # OpenSSL
        (unsupported protocol|no protocols available|version too low|version too high)
        (unsupported|wrong|unknown) ssl version
        bad protocol version number
        legacy sigalg disallowed or unsupported
        # Go, GnuTLS, rustls, Java, NSS, SChannel, Erlang
        protocol version not supported
        a packet with illegal or unsupported version was received
        gnutls error -8
        servertlsversion
        peer is incompatible .. tls
        no appropriate protocol
        is not accepted by client preferences
        that protocol version is not enabled or not supported
        ssl_error_unsupported_version
        no supported versions satisfy
        serverdoesnotsupporttls12or13
        the requested security protocol is not supported
    """,
    ),
    *rules(
        "tls_version_unsupported", "likely", schannel((0x80090331, "sec_e_algorithm_mismatch")),
        also=("tls_handshake_failed",), texts="do not possess a common algorithm"),
    *rules("client_certificate_required", "certain", alerts((116, "certificate required")), texts="""
        certificate (|is )required
        (peer did not return|client didn't provide|peer did not provide) a certificate
        no client certificate presented
        no client certificate requested .. required
        client certificate not trusted
        bad_certificate .. empty client certificate
        peersentnocertificates
    """),
    *rules(
        "tls_handshake_failed",
        "likely",
        alerts(
            (10, "unexpected message"),
            (20, "bad record mac"),
            (21, "decryption failed"),
            (40, "handshake failure"),
            (47, "illegal parameter"),
            (49, "access denied"),
            (50, "decode error"),
            (51, "decrypt error"),
            (71, "insufficient security"),
            (80, "internal error"),
            (86, "inappropriate fallback"),
            (90, "user canceled"),
            (109, "missing extension"),
            (110, "unsupported extension"),
            (112, "unrecognized name"),
            (120, "no application protocol"),
        ),
        mbedtls(
            (0x7780, "a fatal alert message was received from our peer"),
            (0x7380, "ssl - no cipher suites"),
            (0x6E00, "the handshake negotiation failed"),
        ),
        wolfssl((313, "received alert fatal error")),
        schannel(
            (0x80090326, "sec_e_illegal_message"),
            (0x80090304, "sec_e_internal_error"),
            (0x8009030F, "sec_e_message_altered"),
            (0x80090330, "sec_e_decrypt_failure"),
            (0x8009035D, "sec_e_invalid_parameter"),
        ),
        apple(
            (9801, "errsslnegotiation"),
            (9802, "errsslfatalalert"),
            (9820, "errsslpeerbadrecordmac"),
            (9837, "errsslpeerinsufficientsecurity"),
            (9838, "errsslpeerinternalerror"),
            # Its name has nothing to do with TCP's refusal: the peer hung up in the handshake
            (9844, "errsslconnectionrefused"),
            (9847, "errsslrecordoverflow"),
            (9824, "errsslpeerhandshakefail"),
            (9800, "errsslprotocol"),
            (9806, "errsslclosedabort"),
            (9805, "errsslclosedgraceful"),
            (9816, "errsslclosednonotify"),
        ),
        also=("certificate_untrusted", "mode_mismatch"),
        texts="""
        # OpenSSL
        handshake failure
        no (shared cipher|cipher match|ciphers available)
        dh key too small
        bad ecpoint
        unsafe legacy renegotiation disabled
        unrecognized_name
        bad record mac
        inappropriate fallback
        eof occurred in violation of protocol
        unexpected eof while reading
        unexpected eof or 0 bytes from the transport stream
        errno=0 state=sslv3/tls write client hello
        ssl_error_(syscall|zero_return)
        (bad signature|wrong signature type)
        # GnuTLS
        the tls connection was non-properly terminated
        could not negotiate a supported cipher suite
        # Go, rustls, Java, Erlang, NSS, SChannel, .NET
        tls: server (selected|sent unnecessary|sent two|sent an|did not select|did not echo|advertised unrequested|accepted|resumed|changed)
        tls: server's (identity|finished|certificate contains)
        tls: (received unexpected|received empty|received a session|unexpected message|invalid server|incorrect renegotiation)
        tls: (server certificate contains incorrect|peer doesn't support any of|invalid signature by the server)
        cannot decrypt peer's message
        peer (sent excess record size|sent no certificates|doesn't support any known protocol)
        no certificates presented
        received unexpected (message: got|handshake message)
        no cipher (suite supported by both|suites in common)
        no key exchange groups
        peer (is incompatible|misbehaved)
        remote host terminated the handshake
        ssl peer shut down incorrectly
        insufficient_security
        ssl_error_no_cypher_overlap
        # Secure Transport's input or output broke off
        errsecio
        (pr_end_of_file_error|pr_connect_reset_error)
        chose an unconfigured cipher suite
        (authentication failed|failed to authenticate) because the remote (party|site|host) (|has )(closed|terminated|reset|dropped)
        remote party has closed the transport stream
        # Programs
        disconnected before secure tls connection was established
        (handshake failed|handshake eof|ssl: handshake)
        error completing tls handshake
        starttls .. handshake .. (failed|failure|failing|error|eof|refused|timeout)
        (error|failed|failure|unable|cannot|problem) .. starttls .. handshake
        tls dial (error|.. eof)
        ssl negotiation failed
    """,
    ),
    *rules(
        "tls_handshake_failed", "likely", also=("mode_mismatch", "certificate_untrusted"), echo="follow",
        texts="cannot start tls: handshake failure"),
    # The relay's log: the client is gone.
    *rules(
        "tls_handshake_failed",
        "possible",
        also=("certificate_untrusted", "certificate_self_signed", "certificate_name_mismatch"),
        note=_LEFT,
        echo="follow",
        texts="""
        ssl_accept error from
        ssl_accept: .. lost connection
        lost connection after starttls from
        tls: disconnected during handshake
        tls session failure
    """,
    ),
    *rules(
        "tls_handshake_failed",
        "possible",
        curl((35, "ssl connect error")),
        failing("switching to ssl", "switching to tls", "ssl negotiation", "tls negotiation", "ssl setup", "tls setup"),
        cannot(*(
            f"{verb} {tls}" for verb in ("start", "negotiate", "establish", "enable", "switch to", "upgrade to", "connect via")
            for tls in ("tls", "ssl"))),
        also=("certificate_untrusted", "certificate_self_signed", "mode_mismatch", "tls_version_unsupported"),
        echo="follow",
        texts="""
        tls library problem
        (ssl|tls) (error|failure|startup failed|operation failed)
        eidosslconnecterror
        failed to enable crypto
        unable to connect with (starttls|tls encryption)
        stream_socket_enable_crypto
        (error:0a000|ssl routines)
        (sslerror|sslexception|sslhandshakeexception)
        could not convert socket to tls
        esocket
        could not open secure tls connection
        starttls attempted but failed
        (tlsv1|fatal) alert
        authentication failed because the remote party
        # An alert whose name says no more
        (a tls fatal alert has been received|remote error: tls:)
        (alertreceived(|ssl_error_)
        tls_(alert|failed)
        # MailKit puts it before every reason
        an error occurred while attempting to establish an ssl or tls connection
        a call to sspi failed
    """,
    ),
)

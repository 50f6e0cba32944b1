# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer starttls: STARTTLS is not offered, or refused."""

from __future__ import annotations

from ..rule import Rule, curl, lacking, refusing, rules

__all__ = ("RULES",)

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules(
        "starttls_not_offered", "certain", lacking("starttls", "starttls extension", "starttls capability", "starttls command"),
        texts="""
        starttls is required but .. not support
        tls (is required but the server|required but|not possible|was required but starttls|is required, but was not offered)
        server does not support secure communication via tls
        tlsrequirederror
        (required|requested) ssl level failed
        use_ssl_failed
        unable to initialize tls .. not
        the server does not support .. starttls
        didn't find starttls in server response
        using starttls since it doesn't advertise
        # HTTP-like words of MTAs
        tls (is|it) not available or unauthenticated
        tls encryption is required .. not
        tls is not available but
    """),
    *rules("starttls_not_offered", "likely", lacking("tls", available=False), also=("tls_version_unsupported",)),
    # Erlang's gen_smtp, also where EHLO was refused
    *rules("starttls_not_offered", "likely", also=("ehlo_rejected",), texts="missing_requirement .. tls"),
    *rules("starttls_not_offered", "likely", curl((64, "")), also=("starttls_rejected",), texts="""
        0x800ccc(1a|7d)
        aborting because connection is not secure
        (ssl|tls) is not available on this server
        # .NET says so of a refusal, too
        not support secure connections
        starttls denied
    """),
    *rules("starttls_not_offered", "certain", also=("starttls_rejected",), texts="""
        starttls was required but the server did not issue
        starttls command used when not advertised
        error upgrading connection with starttls: 50(0|2)
        starttls command failed .. not implemented
    """),
    *rules("starttls_rejected", "certain", texts="""
        starttls denied, code 4
        454 4.3.0 try again later .. starttls
        # RFC 3207's own words
        starttls not available: 454
        in reply to starttls command
        tls (currently|temporarily) unavailable
        starttls command rejected
        after starttls: (4|5)
        unexpected response to starttls
        # Exim as a relay: its certificate or key cannot be used
        tls error on connection from .. cert/key setup
    """),
    *rules("starttls_rejected", "likely", refusing("starttls", "start tls", "starttls command"), also=("starttls_not_offered",), texts="""
        error upgrading connection with starttls
        tls (not available|unavailable)
        starttls command failed
        starttls .. refused
        starttls not working
        start (ssl|tls) negotiation command failed
    """),
    *rules(
        "starttls_not_offered", "certain",
        note="The relay cannot use its own certificate or key, and offers no TLS.",
        remedy="Repair the relay's certificate and key files (their names, what is in them, who may read them); the client's settings are not what is wrong.",
        texts="""
        disabling tls support
        no server certs available
        tls won't be enabled
    """),
    *rules(
        "starttls_not_offered", "possible", also=("mode_mismatch", "certificate_untrusted", "starttls_rejected"),
        texts="trying to connect to non tls smtp server using tls"),
    # Exim as a client
    *rules(
        "starttls_rejected", "likely", also=("tls_handshake_failed", "certificate_untrusted"),
        texts="an attempt to start tls failed"),
    *rules(
        "starttls_rejected",
        "possible",
        also=("starttls_not_offered", "tls_handshake_failed", "certificate_untrusted"),
        texts="""
        etls
        # Mailpit and others put it before whatever went wrong
        (starttls failed|error in starttls|error creating starttls config)
    """,
    ),
    # PEAR's Net_SMTP calls all that breaks while a login is made so
    *rules(
        "starttls_rejected", "likely", also=("tls_handshake_failed", "certificate_untrusted"),
        texts="authentication failure: starttls failed"),
)

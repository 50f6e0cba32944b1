# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer ehlo."""

from __future__ import annotations

from tests.support.evidence import (
    ASKED,
    GREETING,
    TLS,
    Row,
    after_handshake,
    attempt,
    broken,
    mail_fails,
    refused,
    reply,
    row,
)

ROWS: tuple[Row, ...] = (
    # ehlo
    row(
        "ehlo refused",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=550, lines=["no"]),
            greeting=GREETING,
            ehlo={"before_tls": reply(550, "no")},
        ),
        "ehlo_rejected",
        "ehlo",
        says="'550 no'",
    ),
    row(
        "ehlo unanswered",
        attempt(rungs="tcp greeting ehlo!", failure=broken("ehlo", "timeout", partial=""), greeting=GREETING),
        "ehlo_rejected",
        "ehlo",
        "no_answer",
    ),
    row(
        "knows only HELO",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=GREETING,
            helo=reply(250, "x"),
        ),
        "ehlo_rejected",
        "ehlo",
        "only_helo",
        says="takes only HELO",
    ),
    row(
        "the name, which is asked for at EHLO alone",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken(
                "ehlo", "reply", code=550, lines=["HELO host must be a FQDN or address literal (RFC 5321 2.3.5)"]
            ),
            greeting=GREETING,
            ehlo={"before_tls": reply(550, "HELO host must be a FQDN or address literal (RFC 5321 2.3.5)")},
            helo=reply(250, "x"),
        ),
        "ehlo_rejected",
        "ehlo",
        "name",
        "cleartext",
        says="in HELO, behind which there is neither TLS nor a login, it takes the name",
    ),
    row(
        "sendmail's access list, before TLS",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "missing", what="starttls"),
            greeting=reply(220, "mx.example.com ESMTP Sendmail 8.17.1.9/8.17.1.9; Mon, 30 Nov 2026 22:52:56 GMT"),
            ehlo={
                "before_tls": reply(250, "mx.example.com Hello localhost, pleased to meet you", "ENHANCEDSTATUSCODES")
            },
        ),
        "greeting_rejected",
        "greeting",
        "address",
        "cleartext",
        says="whom its access list refuses",
    ),
    row(
        "sendmail's access list, in cleartext",
        attempt(
            "cleartext",
            rungs="tcp greeting ehlo",
            greeting=reply(220, "mx.example.com ESMTP Sendmail 8.17.1.9/8.17.1.9; Mon, 30 Nov 2026 22:52:56 GMT"),
            ehlo={
                "before_tls": reply(250, "mx.example.com Hello localhost, pleased to meet you", "ENHANCEDSTATUSCODES")
            },
        ),
        "greeting_rejected",
        "greeting",
        "address",
        "cleartext",
        settings={"security": "cleartext"},
    ),
    *(
        row(
            f"sendmail's access list in TLS{said and ': '}{said}",
            attempt(
                rungs="tcp greeting ehlo starttls tls certificate ehlo" + (" transaction!" if said else ""),
                failure=broken("transaction", "reply", stage="mail", code=454, lines=[said]) if said else None,
                greeting=reply(220, "mx.example.com ESMTP Sendmail 8.17.1.9/8.17.1.9; Mon, 30 Nov 2026 22:52:56 GMT"),
                ehlo={
                    "before_tls": reply(250, "mx.example.com Hello localhost", "SIZE", "STARTTLS"),
                    "after_tls": reply(250, "mx.example.com Hello localhost", "ENHANCEDSTATUSCODES"),
                },
                tls=ASKED,
                chain="good",
                chain_available=True,
            ),
            cause,
            layer,
            variant,
            "starttls",
            says="TLS_Clt",
            findings="capabilities_changed",
        )
        for said, cause, layer, variant in (
            ("", "client_certificate_required", "tls", ""),
            ("4.7.0 not authenticated", "client_certificate_required", "tls", ""),
            ("4.7.0 encryption too weak 128 less than 256", "ehlo_rejected", "ehlo", "no_answer_in_tls"),
        )
    ),
    row(
        "a server of LMTP that does not say so",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=500, lines=["5.5.1 Unknown command"]),
            greeting=reply(220, "mx.example.com Dovecot ready."),
            ehlo={"before_tls": reply(500, "5.5.1 Unknown command")},
            helo=reply(500, "5.5.1 Unknown command"),
        ),
        "not_smtp",
        "greeting",
        says="LMTP",
    ),
    row(
        "greets twice",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "out_of_step", code=220, lines=["relay.test"], sign="second_greeting"),
            greeting=GREETING,
        ),
        "ehlo_rejected",
        "ehlo",
        "out_of_step",
        says="greets a second time",
    ),
    row("name at EHLO", refused("ehlo", 501, "5.5.4 Invalid EHLO name"), "ehlo_rejected", "ehlo", "name"),
    row(
        "EHLO refused, then gone",
        refused("ehlo", 550, "not today", helo_failure=broken("ehlo", "closed", partial="")),
        "ehlo_rejected",
        "ehlo",
        says="'550 not today' and then closed the connection",
    ),
    row(
        "silence after TLS",
        after_handshake("timeout", "starttls", tls=TLS, partial=""),
        "ehlo_rejected",
        "ehlo",
        "no_answer_in_tls",
        "starttls",
    ),
    row(
        "late reply",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "out_of_step", code=250, lines=["x"], sign="late_reply"),
            greeting=GREETING,
        ),
        "ehlo_rejected",
        "ehlo",
        "out_of_step",
        says="comes behind the next one",
    ),
    # transaction
    row(
        "helo at RCPT",
        mail_fails(
            "rcpt",
            504,
            "5.5.2 <25aea30808b2>: Helo command rejected: need fully-qualified hostname",
            recipient="b@example.com",
        ),
        "ehlo_rejected",
        "ehlo",
        "name",
        "starttls",
        says="RCPT",
    ),
    row(
        "helo at RCPT, for now",
        mail_fails("rcpt", 450, "4.7.1 <25aea30808b2>: Helo command rejected: Host not found"),
        "ehlo_rejected",
        "ehlo",
        "name",
        "starttls",
    ),
)

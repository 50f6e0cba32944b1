# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer greeting."""

from __future__ import annotations

from tests.support.evidence import (
    GREETING,
    IMPLICIT,
    TLS,
    Row,
    after_handshake,
    attempt,
    broken,
    ehlo,
    greets,
    mail_fails,
    refused,
    reply,
    row,
    steps,
    tls_fails,
)

ROWS: tuple[Row, ...] = (
    # greeting
    row("silence", greets("timeout", partial=""), "greeting_timeout", "greeting", says="it stayed silent"),
    row("drip", greets("timeout", partial="220 rel"), "greeting_timeout", "greeting", says="only '220 rel' came"),
    row(
        "silence behind tls",
        attempt(
            "implicit_tls",
            "tcp tls certificate greeting!",
            broken("greeting", "timeout", partial=""),
            tls=TLS,
            chain="good",
            chain_available=True,
        ),
        "greeting_timeout",
        "greeting",
        observed="implicit_tls",
        says="after the TLS handshake",
        settings=IMPLICIT,
    ),
    row(
        "554",
        greets("reply", code=554, lines=["5.7.1 go away"]),
        "greeting_rejected",
        "greeting",
        says="'554 5.7.1 go away'",
    ),
    row("ssh", greets("malformed", text="SSH-2.0-OpenSSH_9.2"), "not_smtp", "greeting", says="an SSH server"),
    row("http", greets("malformed", text="HTTP/1.1 400 Bad Request"), "not_smtp", "greeting", says="a web server"),
    row("imap", greets("malformed", text="* OK Dovecot ready."), "not_smtp", "greeting", says="an IMAP server"),
    row(
        "endless line", greets("limit", limit="line", text="220 xxx"), "not_smtp", "greeting", says="a line without end"
    ),
    row("closed", greets("closed", partial=""), "connection_closed", "greeting", says="not one byte came"),
    row(
        "closed within", greets("closed", partial="220-re"), "connection_closed", "greeting", says="only '220-re' came"
    ),
    row("network lost", greets("os", errno="EHOSTUNREACH"), "connection_closed", "greeting", says="EHOSTUNREACH"),
    row(
        "imaps",
        attempt(
            rungs="tcp",
            failure=broken("mode", "tls_spoken"),
            other_mode=attempt(
                "implicit_tls", "tcp tls greeting!", broken("greeting", "malformed", text="* OK x"), tls=TLS
            ),
        ),
        "not_smtp",
        "greeting",
        observed="implicit_tls",
        says="behind TLS",
    ),
    row(
        "http on tls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="HTTP/1.1 400 Bad Request")),
        "not_smtp",
        "greeting",
        says="a web server",
        settings=IMPLICIT,
    ),
    row(
        "ftp on tls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="220 ProFTPD Server")),
        "not_smtp",
        "greeting",
        says="an FTP server",
        settings=IMPLICIT,
    ),
    row(
        "ftp",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=500, lines=["what"]),
            greeting=reply(220, "ProFTPD Server"),
        ),
        "not_smtp",
        "greeting",
        says="an FTP server",
    ),
    row(
        "knows nothing",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=reply(220, "hi"),
            helo=reply(502, "what"),
        ),
        "not_smtp",
        "greeting",
        says="neither EHLO nor HELO",
    ),
    row(
        "TLS only for a proxy",
        attempt(
            "implicit_tls",
            "tcp tls!",
            failure=broken("tls", "closed", silent=True),
            after_proxy_header={"code": 0, "lines": []},
        ),
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        says="nobody but a proxy",
        settings={"port": 465, "security": "implicit_tls"},
    ),
    row(
        "greets only who speaks first, and has TLS",
        attempt(
            rungs="tcp greeting!", failure=broken("greeting", "timeout", partial="", waited_ms=6000.0), both_modes=True
        ),
        "greeting_timeout",
        "greeting",
        "speaks_second",
        says="was silent for 6 s and greets only who speaks first",
    ),
    row(
        "greets only who speaks first",
        attempt(rungs="tcp", failure=broken("greeting", "timeout", waited_ms=2500.0), speaks_second=True),
        "greeting_timeout",
        "greeting",
        "speaks_second",
        says="was silent for 2.5 s and",
    ),
    row(
        "closed to everybody",
        refused("greeting", 554, "relay.test ESMTP not accepting connections"),
        "greeting_rejected",
        "greeting",
        "closed",
        says="takes no mail from this host, or from nobody",
    ),
    *(
        row(
            f"says that it waits for a proxy: {words}",
            made,
            "greeting_timeout",
            "greeting",
            "proxy_expected",
            says=words,
        )
        for words, made in (
            ("* BAD Invalid PROXY header", greets("malformed", text="* BAD Invalid PROXY header")),
            ("Invalid PROXY format", greets("reply", code=421, lines=["Invalid PROXY format"])),
            (
                "required Proxy negotiation failed",
                attempt(
                    rungs="tcp greeting ehlo!",
                    failure=broken(
                        "ehlo", "reply", code=503, lines=["Command refused, required Proxy negotiation failed"]
                    ),
                    greeting=GREETING,
                    helo=reply(503, "Command refused, required Proxy negotiation failed"),
                ),
            ),
        )
    ),
    row(
        "says so in answer to a ClientHello",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="* BAD Invalid PROXY header")),
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        settings=IMPLICIT,
    ),
    row(
        "took our ClientHello for the header",
        {**tls_fails("tls", reason="TLSV1_ALERT_UNEXPECTED_MESSAGE"), "after_proxy_header": {"code": 0, "lines": []}},
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        "implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "Postfix without the header, behind TLS of a proxy",
        after_handshake("reply", tls=TLS, code=421, lines=["4.3.0 relay.test Server local error"]),
        "temporarily_rejected",
        "transaction",
        "broken",
        "implicit_tls",
        says="smtpd_upstream_proxy_protocol",
        settings=IMPLICIT,
    ),
    row(
        "MySQL",
        greets("malformed", text="J\\x00\\x00\\x00"),
        "not_smtp",
        "greeting",
        says="a MySQL server",
    ),
    row(
        "an echo",
        greets("malformed", text="\\x16\\x03\\x01\\x02"),
        "not_smtp",
        "greeting",
        says="sends back what it is sent",
    ),
    row(
        "news, where TLS was meant",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="200 news.test InterNetNews ready")),
        "not_smtp",
        "greeting",
        says="it greets with '200 news.test",
        settings=IMPLICIT,
    ),
    row(
        "greets only a proxy",
        attempt(rungs="tcp greeting!", failure=broken("greeting", "timeout", partial=""), after_proxy_header=GREETING),
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        says="nobody but a proxy",
    ),
    row(
        "no certificate asked for, closed",
        after_handshake("closed", tls=TLS, partial=""),
        "connection_closed",
        "greeting",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    # greeting, ehlo
    row(
        "wants TLS before STARTTLS",
        refused("greeting", 450, "4.7.1 Session encryption is required"),
        "greeting_rejected",
        "greeting",
        "encryption",
        says="before anybody can begin STARTTLS",
    ),
    row(
        "banned",
        refused("greeting", 554, "5.7.1 Service unavailable; Client host [192.0.2.4] blocked using zen.example"),
        "greeting_rejected",
        "greeting",
        "address",
    ),
    # mode
    row(
        "a refusal in answer to a ClientHello",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="554 5.7.1 go away"),
            other_mode=attempt(
                "cleartext", "tcp greeting!", broken("greeting", "reply", code=554, lines=["5.7.1 go away"])
            ),
        ),
        "greeting_rejected",
        "greeting",
        says="'554 5.7.1 go away'",
        settings=IMPLICIT,
    ),
    row(
        "client at RCPT, logged in",
        {
            **mail_fails("rcpt", 554, "5.7.1 <app1[192.0.2.4]>: Client host rejected: Access denied"),
            "rungs": steps("tcp greeting ehlo starttls tls certificate ehlo auth transaction!"),
        },
        "greeting_rejected",
        "greeting",
        "address",
        "starttls",
    ),
    row(
        "client at RCPT, no login there",
        {**mail_fails("rcpt", 554, "5.7.1 Client host rejected: Access denied"), "ehlo": ehlo(after=("SIZE 1",))},
        "greeting_rejected",
        "greeting",
        "address",
        "starttls",
    ),
)

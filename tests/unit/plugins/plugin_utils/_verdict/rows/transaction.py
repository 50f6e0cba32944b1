# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer transaction."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt

from tests.support.evidence import (
    ASKED,
    GREETING,
    IMPLICIT,
    NO_LOGIN,
    SILENT_LOOK,
    Row,
    attempt,
    broken,
    ehlo,
    greets,
    in_tls,
    mail_fails,
    refused,
    reply,
    row,
    steps,
)


def without_login(stage: str, code: int, words: str, **more: t.Any) -> Attempt:
    """A refusal by a relay that offers no login."""
    failure = broken("transaction", "reply", stage=stage, code=code, lines=[words])
    seen = in_tls(ehlo=ehlo(after=("SIZE 1000",)), **more)
    return attempt(rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!", failure=failure, **seen)


ROWS: tuple[Row, ...] = (
    row(
        "421, in the standard's words",
        greets("reply", code=421, lines=["Service not available, closing transmission channel"]),
        "temporarily_rejected",
        "transaction",
    ),
    row("421", greets("reply", code=421, lines=["come back later"]), "temporarily_rejected", "transaction"),
    row(
        "HELO has the reason",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=GREETING,
            helo=reply(421, "4.7.0 too many connections"),
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
        says="in answer to HELO, as EHLO was answered with '502 what'",
    ),
    # transaction
    row(
        "too many recipients",
        mail_fails("rcpt", 452, "4.5.3 Error: too many recipients", recipient="b@example.com"),
        "temporarily_rejected",
        "transaction",
        "too_many",
        "starttls",
        says="takes no further recipient now",
    ),
    row(
        "too many recipients in a while",
        mail_fails("rcpt", 450, "4.7.1 Error: too many recipients from 192.0.2.7", recipient="b@example.com"),
        "temporarily_rejected",
        "transaction",
        "limit",
        "starttls",
    ),
    row(
        "too many recipients, for good",
        mail_fails("rcpt", 550, "5.5.3 Maximum limit of 10 recipients reached", recipient="b@example.com"),
        "recipient_rejected",
        "transaction",
        "too_many",
        "starttls",
    ),
    row(
        "blocked by a policy, which is no list of addresses",
        mail_fails("rcpt", 550, "5.7.1 Message blocked by our content policy", recipient="b@example.com"),
        "recipient_rejected",
        "transaction",
        "",
        "starttls",
    ),
    row(
        "EHLO, not now",
        refused("ehlo", 451, "4.0.0 backend down"),
        "temporarily_rejected",
        "transaction",
        says="asks to try again later: '451 4.0.0 backend down'",
    ),
    *(
        row(
            f"after a login, {stage}",
            {
                **mail_fails(stage, code, said),
                "rungs": steps("tcp greeting ehlo starttls tls certificate ehlo auth transaction!"),
            },
            cause,
            "transaction",
            variant,
            "starttls",
        )
        for stage, code, said, cause, variant in (
            ("rcpt", 550, "5.7.1 Relaying denied", "recipient_rejected", "relay_logged_in"),
            (
                "rcpt",
                550,
                "host is not permitted to relay through this server without authentication.",
                "sender_rejected",
                "auth_required_logged_in",
            ),
            ("rcpt", 535, "5.7.1 Sender not authorized", "sender_rejected", ""),
            (
                "data",
                550,
                "Domain x.test has exceeded the max emails per hour (500/500)",
                "temporarily_rejected",
                "limit",
            ),
            ("mail", 530, "5.7.0 Authentication required", "sender_rejected", "auth_required_logged_in"),
        )
    ),
    *(
        row(f"{said} and no login there", made, cause, "transaction" if variant else "tls", variant, "starttls")
        for said, made, cause, variant in (
            (
                "relay access denied",
                without_login("rcpt", 454, "4.7.1 <b@example.org>: Relay access denied"),
                "recipient_rejected",
                "relay_elsewhere",
            ),
            (
                "530",
                without_login("mail", 530, "5.7.0 Authentication required"),
                "sender_rejected",
                "auth_required_elsewhere",
            ),
            (
                "sendmail's VERIFY,",
                without_login("mail", 454, "4.7.0 not authenticated", tls=ASKED),
                "client_certificate_required",
                "",
            ),
        )
    ),
    *(
        row(
            f"{stage} {words}",
            mail_fails(stage, code, words),
            cause,
            {"ehlo_rejected": "ehlo", "auth_requires_tls": "auth"}.get(cause, "transaction"),
            variant,
            "starttls",
        )
        for stage, code, words, cause, variant in (
            # What Haraka, Courier, sendmail, maddy, chasquid, GreenMail, slimta and qpsmtpd say.
            ("mail", 555, "Invalid command parameters", "message_rejected", ""),
            ("data", 554, "Transaction failed due to too many MIME parts", "message_rejected", ""),
            ("data", 451, "4.3.0 Error: maximum DATA size exceeded (300)", "message_rejected", "size"),
            ("mail", 517, "DNS lookup on HELO app1 failed.", "ehlo_rejected", "name"),
            (
                "mail",
                451,
                "4.1.8 <a@b.test>... Possibly forged hostname for 192.0.2.7",
                "temporarily_rejected",
                "reverse_name",
            ),
            (
                "mail",
                451,
                "4.1.8 <a@b.test>... Client IP address [192.0.2.7] does not resolve",
                "temporarily_rejected",
                "reverse_name",
            ),
            ("mail", 432, "Service temporarily unavailable.", "temporarily_rejected", ""),
            ("mail", 431, "Mail system full.", "temporarily_rejected", "no_space"),
            (
                "rcpt",
                412,
                "You are not whitelisted by this recipient, please try again later.",
                "temporarily_rejected",
                "",
            ),
            ("data", 550, "5.7.1 Unauthorized use of sender address", "sender_rejected", ""),
            ("mail", 550, "5.7.1 Account suspended, contact support", "sender_rejected", "account"),
            ("mail", 550, "5.7.23 <a@b.test>: Sender address rejected: SPF fail", "sender_rejected", "sender_domain"),
            ("data", 451, "4.3.0 DKIM signing failed", "temporarily_rejected", "broken"),
            ("data", 451, "4.3.0 Failed to queue message: permission denied", "temporarily_rejected", "broken"),
            ("data", 451, "4.3.0 Failed to queue message: no space left on device", "temporarily_rejected", "no_space"),
            ("mail", 451, "Requested action aborted: local error in processing", "temporarily_rejected", "broken"),
            ("data", 451, "4.3.0 Unhandled system error", "temporarily_rejected", "broken"),
            ("rcpt", 550, "5.7.1 <a@b.test>... Access denied", "recipient_rejected", "no_login"),
            (
                "rcpt",
                554,
                "5.7.1 <a@b.test>: Recipient address rejected: Access denied",
                "sender_rejected",
                "auth_required",
            ),
            # Postfix with soft_bounce
            (
                "rcpt",
                454,
                "4.7.1 <a@b.test>: Recipient address rejected: Access denied",
                "sender_rejected",
                "auth_required",
            ),
            ("mail", 550, "Command refused due to lack of security", "auth_requires_tls", "in_tls"),
            ("mail", 454, "4.7.0 encryption too weak 0 less than 128", "auth_requires_tls", "in_tls"),
            ("mail", 550, "5.7.1 TLS conversation required", "auth_requires_tls", "in_tls"),
        )
    ),
    row(
        "a fault of the relay's own",
        mail_fails("rcpt", 451, "4.3.5 Server configuration problem"),
        "temporarily_rejected",
        "transaction",
        "broken",
        "starttls",
    ),
    row(
        "nobody is left to send to",
        mail_fails("data", 554, "5.5.1 Error: no valid recipients"),
        "recipient_rejected",
        "transaction",
        observed="starttls",
    ),
    *(
        row(
            f"OpenSMTPD knows no such recipient, {said}", made, "recipient_rejected", "transaction", variant, "starttls"
        )
        for said, made, variant in (
            ("or wants a login", mail_fails("rcpt", 550, "Invalid recipient: <b@example.org>"), "no_login"),
            ("and has no login", without_login("rcpt", 550, "Invalid recipient: <b@example.org>"), ""),
        )
    ),
    row(
        "sender",
        mail_fails("mail", 550, "5.7.1 Sender address rejected"),
        "sender_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "login wanted",
        mail_fails("mail", 530, "5.7.0 Authentication required"),
        "sender_rejected",
        "transaction",
        "auth_required",
        "starttls",
    ),
    row(
        "too large by SIZE",
        mail_fails("mail", 552, "5.3.4 Message size exceeds fixed limit"),
        "message_rejected",
        "transaction",
        "size",
        observed="starttls",
    ),
    row(
        "recipient",
        mail_fails("rcpt", 550, "5.1.1 User unknown", recipient="b@example.com"),
        "recipient_rejected",
        "transaction",
        observed="starttls",
        says="b@example.com",
    ),
    row(
        "greylisted",
        mail_fails("rcpt", 450, "4.2.0 Greylisted", recipient="b@example.com"),
        "temporarily_rejected",
        "transaction",
        observed="starttls",
        says="RCPT for b@example.com",
    ),
    *(
        row(f"{words} ({variant})", mail_fails("message", code, words), cause, "transaction", variant, "starttls")
        for code, words, cause, variant in (
            (554, "5.7.1 no, thanks", "message_rejected", ""),
            (554, "5.7.1 Spam", "message_rejected", "content"),
            (451, "4.7.1 looks like spam", "temporarily_rejected", "content"),
            (550, "5.7.1 DMARC check failed", "message_rejected", "sender_domain"),
            (451, "4.7.24 SPF lookup failed", "temporarily_rejected", "sender_domain"),
            (451, "4.7.1 Service unavailable - try again later", "temporarily_rejected", "filter"),
        )
    ),
    row(
        "a list that is not about this host",
        mail_fails("rcpt", 554, "5.7.1 Service unavailable; Sender address [a@x.test] blocked using dbl.test"),
        "sender_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "silent at RCPT",
        attempt(
            rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!",
            failure=broken("transaction", "timeout"),
            transaction={"mail": reply(250, "ok")},
            **in_tls(),
        ),
        "message_rejected",
        "transaction",
        "not_sent",
        "starttls",
        says="no answer within",
    ),
    row(
        "lost at RCPT",
        attempt(
            rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!",
            failure=broken("transaction", "closed", partial=""),
            transaction={"mail": reply(250, "ok")},
            **in_tls(),
        ),
        "message_rejected",
        "transaction",
        "not_sent",
        "starttls",
        says="before the message was sent",
    ),
    row(
        "lost after data",
        attempt(
            rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!",
            failure=broken("transaction", "closed", partial=""),
            transaction={"mail": reply(250, "ok"), "data": reply(354, "go")},
            **in_tls(),
        ),
        "message_rejected",
        "transaction",
        "unknown",
        "starttls",
        says="did not say whether it took the message",
    ),
    row("busy", refused("greeting", 421, "4.7.0 Too many connections"), "temporarily_rejected", "transaction", "limit"),
    row(
        "busy behind the greeting",
        attempt(
            rungs="tcp greeting!",
            failure=broken("greeting", "out_of_step", code=421, lines=["4.3.2 Too many sessions"], sign="unasked"),
            greeting=GREETING,
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
    ),
    row(
        "busy at EHLO",
        refused("ehlo", 421, "too many concurrent connections"),
        "temporarily_rejected",
        "transaction",
        "limit",
    ),
    row(
        "starttls, limit",
        refused("starttls", 421, "4.7.0 Too many sessions"),
        "temporarily_rejected",
        "transaction",
        "limit",
        "starttls",
    ),
    row(
        "a limit in answer to a ClientHello",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="421 4.7.0 too many connections"),
            other_mode=SILENT_LOOK,
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
        settings=IMPLICIT,
    ),
    row(
        "sender at RCPT",
        mail_fails("rcpt", 550, "Sender verify failed"),
        "sender_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "sender's domain at RCPT",
        mail_fails("rcpt", 450, "4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"),
        "sender_rejected",
        "transaction",
        "no_domain",
        "starttls",
    ),
    row(
        "no login was made",
        mail_fails("rcpt", 550, "I cannot deliver mail for <b@example.net>"),
        "recipient_rejected",
        "transaction",
        "no_login",
        "starttls",
    ),
    row(
        "relay denied",
        mail_fails("rcpt", 554, "5.7.1 <b@example.net>: Relay access denied"),
        "recipient_rejected",
        "transaction",
        "relay",
        "starttls",
    ),
    row(
        "mailbox full",
        mail_fails("rcpt", 552, "5.2.2 over quota"),
        "recipient_rejected",
        "transaction",
        "mailbox_full",
        "starttls",
    ),
    row(
        "mailbox full, for now",
        mail_fails("rcpt", 452, "4.2.2 Mailbox full"),
        "temporarily_rejected",
        "transaction",
        "mailbox_full",
        "starttls",
    ),
    row(
        "disk full, says Exim",
        mail_fails("mail", 452, "Space shortage, please try later"),
        "temporarily_rejected",
        "transaction",
        "no_space",
        "starttls",
    ),
    row(
        "what is behind it does not answer",
        mail_fails("mail", 421, "4.4.0 relay.test Failed to establish relay connection"),
        "temporarily_rejected",
        "transaction",
        "broken",
        "starttls",
    ),
    row(
        "disk full",
        mail_fails("mail", 452, "4.3.1 Insufficient system storage"),
        "temporarily_rejected",
        "transaction",
        "no_space",
        "starttls",
    ),
    row(
        "no PTR",
        mail_fails("rcpt", 450, "4.7.25 Client host rejected: cannot find your hostname, [192.0.2.4]"),
        "temporarily_rejected",
        "transaction",
        "reverse_name",
        "starttls",
    ),
    row(
        "no PTR, for good",
        mail_fails("rcpt", 550, "5.7.25 no PTR record"),
        "message_rejected",
        "transaction",
        "reverse_name",
        "starttls",
    ),
    row(
        "rate",
        mail_fails("rcpt", 450, "4.7.1 Error: too much mail from 192.0.2.4"),
        "temporarily_rejected",
        "transaction",
        "limit",
        "starttls",
    ),
    row(
        "client at RCPT, no login made",
        mail_fails("rcpt", 554, "5.7.1 <app1[192.0.2.4]>: Client host rejected: Access denied"),
        *NO_LOGIN,
    ),
)

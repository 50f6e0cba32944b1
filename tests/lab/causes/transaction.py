# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One message through smtp_send: taken, refused, put off."""

from __future__ import annotations

from typing import Any

from support.faulty import honest, smtp
from support.relays import Exim

from ..farm import CREDENTIALS, Place
from ..scenario import Row, Serve

__all__ = ["ROWS"]

IMPLICIT = {"secure": True, "sender": "app@example.com", "recipients": ["someone@example.com"]}
STARTTLS = {**IMPLICIT, "secure": False}
LOGIN = {"username": "app", "password": CREDENTIALS["app"]}


def _send(name: str, fault: str, *arguments: Any, **options: Any) -> Row:
    return Row(name, fault, *arguments, **{"call": "send", **options})


def _answers(**replies: str) -> Serve:
    """A relay that answers these verbs so; `content` is the answer to the message itself."""

    def serve(place: Place) -> None:
        replies_of = {"." if verb == "content" else verb: reply for verb, reply in replies.items()}
        place.listen(smtp(starttls=honest(place.issue()), replies=replies_of), 587)

    return serve


def _postfix(**options: str) -> Serve:
    """A Postfix that says at RCPT what it has against the client, as it does by default."""

    def serve(place: Place) -> None:
        place.postfix("starttls", 587, options={"smtpd_delay_reject": "yes", **options})

    return serve


def _exim(**acls: Any) -> Serve:
    def serve(place: Place) -> None:
        place.start(Exim(certificate=place.issue(), host=place.ip, ports=(587, 465), **acls))

    return serve


ROWS = [
    _send(
        "send",
        "nothing: Postfix takes the message",
        lambda place: place.postfix("implicit", 465, "picky"),
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"queue_id": bool},
    ),
    _send(
        "send-login",
        "nothing: Postfix takes the message after a login",
        lambda place: place.postfix("starttls", 587, "strict"),
        587,
        {**STARTTLS, **LOGIN},
        observed="starttls",
        expect={"queue_id": bool},
    ),
    _send(
        "send-exim",
        "nothing: Exim takes the message",
        _exim(),
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"queue_id": bool},
    ),
    _send("send-without-login", "Postfix wants a login first", at="send-login", ask=STARTTLS, cause="sender_rejected"),
    _send(
        "send-helo-at-rcpt",
        "Postfix refuses the EHLO name, at RCPT",
        _postfix(smtpd_helo_required="yes", smtpd_helo_restrictions="reject_non_fqdn_helo_hostname"),
        587,
        {**STARTTLS, "helo_name": "25aea30808b2"},
        "ehlo_rejected",
        expect={"msg": lambda text: "helo_name" in text},
    ),
    _send(
        "send-helo-unknown",
        "Postfix does not find the EHLO name in DNS, at RCPT and with 450",
        _answers(RCPT="450 4.7.1 <25aea30808b2>: Helo command rejected: Host not found"),
        587,
        STARTTLS,
        "ehlo_rejected",
        expect={"remedy": lambda text: "helo_name" in text},
    ),
    _send(
        "send-sender-at-rcpt",
        "Postfix refuses the sender, at RCPT",
        _postfix(
            smtpd_sender_restrictions="check_sender_access static:{553 5.7.1 Sender address rejected: not owned by user}"
        ),
        587,
        STARTTLS,
        "sender_rejected",
    ),
    _send(
        "send-account-suspended",
        "the provider has stopped the account that sends",
        _answers(RCPT="554 5.7.1 <app@example.com>: Sender address rejected: your account has been suspended"),
        587,
        STARTTLS,
        "sender_rejected",
        expect={"remedy": lambda text: "no setting of the app changes that" in text},
    ),
    _send(
        "send-sender-spf",
        "the relay asks SPF, which allows other addresses than its client's",
        _postfix(smtpd_sender_restrictions="check_sender_access static:{550 5.7.23 SPF fail - not authorized}"),
        587,
        STARTTLS,
        "sender_rejected",
        expect={"remedy": lambda text: "allow the address that sends (SPF)" in text},
    ),
    _send(
        "send-sender-verified",
        "Exim's verify=sender, at RCPT",
        _answers(RCPT="550-Verification failed for <app@example.com>\n550 Sender verify failed"),
        587,
        STARTTLS,
        "sender_rejected",
    ),
    _send(
        "send-sender-domain",
        "the sender's domain is not found, at RCPT and with 450",
        _answers(RCPT="450 4.1.8 <app@example.com>: Sender address rejected: Domain not found"),
        587,
        STARTTLS,
        "sender_rejected",
    ),
    _send(
        "send-client-refused",
        "submission without a login: Postfix refuses the client, at RCPT",
        _postfix(smtpd_client_restrictions="permit_sasl_authenticated,reject"),
        587,
        STARTTLS,
        "sender_rejected",
        expect={"msg": lambda text: "username" in text},
    ),
    _send(
        "send-login-elsewhere",
        "a login is wanted where none is offered",
        _answers(MAIL="530 5.7.0 Authentication required"),
        587,
        STARTTLS,
        "sender_rejected",
        expect={"remedy": lambda text: "the port where this relay takes logins" in text and "Log in:" not in text},
    ),
    _send(
        "send-server-closed",
        "the relay cannot write its queue",
        _answers(content="451 4.3.0 Failed to queue message: permission denied"),
        587,
        STARTTLS,
        "temporarily_rejected",
        expect={"remedy": lambda text: "waiting" in text and "greylisting" not in text},
    ),
    _send(
        "send-client-listed",
        "the client's address is on a list, said at RCPT",
        _answers(RCPT="554 5.7.1 Service unavailable; Client host [10.77.11.2] blocked using bl.example"),
        587,
        STARTTLS,
        "greeting_rejected",
    ),
    _send(
        "send-no-ptr",
        "the client's address has no reverse name, at RCPT and with 450",
        _answers(RCPT="450 4.7.25 Client host rejected: cannot find your hostname, [10.77.11.2]"),
        587,
        STARTTLS,
        "temporarily_rejected",
        expect={"remedy": lambda text: "PTR" in text},
    ),
    _send(
        "send-mailbox-full",
        "the mailbox is full",
        _answers(RCPT="552 5.2.2 user over quota"),
        587,
        STARTTLS,
        "recipient_rejected",
        expect={"msg": lambda text: "mailbox is full" in text},
    ),
    _send(
        "send-disk-full",
        "the relay's disk is full, said at DATA",
        _answers(DATA="452 4.3.1 Insufficient system storage"),
        587,
        STARTTLS,
        "temporarily_rejected",
        expect={"remedy": lambda text: "disk" in text},
    ),
    _send(
        "send-shut-down",
        "421 at MAIL",
        _answers(MAIL="421 4.3.2 Service shutting down"),
        587,
        STARTTLS,
        "temporarily_rejected",
    ),
    _send(
        "send-forged",
        "the sender is not this account's",
        at="send",
        port=465,
        ask={**IMPLICIT, "sender": "forged@example.com"},
        cause="sender_rejected",
    ),
    _send(
        "send-forged-exim",
        "Exim refuses the sender",
        _exim(mail_acl="deny message = this sender is not welcome"),
        465,
        IMPLICIT,
        "sender_rejected",
    ),
    _send(
        "send-rate-limited",
        "too many messages from this sender",
        at="send",
        port=465,
        ask={**IMPLICIT, "sender": "slow@example.com"},
        cause="temporarily_rejected",
    ),
    _send(
        "send-unknown-user",
        "there is no such recipient",
        at="send",
        port=465,
        ask={**IMPLICIT, "recipients": ["nobody@example.com"]},
        cause="recipient_rejected",
    ),
    _send(
        "send-relay-denied",
        "Exim does not relay for this host",
        _exim(rcpt_acl="deny message = relay not permitted"),
        587,
        STARTTLS,
        "recipient_rejected",
    ),
    _send(
        "send-greylisted",
        "Postfix greylists",
        at="send",
        port=465,
        ask={**IMPLICIT, "recipients": ["grey@example.com"]},
        cause="temporarily_rejected",
    ),
    _send(
        "send-greylisted-client",
        "Postfix asks its greylisting for each client, and refuses as if it were its address",
        _postfix(
            smtpd_client_restrictions="check_client_access static:{450 4.7.1 Greylisted, see http://postgrey.lab.test/}"
        ),
        ask=STARTTLS,
        cause="temporarily_rejected",
        expect={"remedy": lambda text: "minutes" in text},
    ),
    _send(
        "send-unknown-450",
        "Postfix calls an unknown user temporary (soft_bounce, or a reject code of its own)",
        _postfix(
            smtpd_recipient_restrictions="check_recipient_access static:{450 4.1.1 User unknown in virtual mailbox table}"
        ),
        ask=STARTTLS,
        cause="recipient_rejected",
        expect={"remedy": lambda text: "greylisting" not in text},
    ),
    _send(
        "send-rate-exim",
        "Exim counts the mails of a sender",
        _exim(mail_acl="defer message = Sender rate 2.0 / 1h exceeded"),
        ask=STARTTLS,
        cause="temporarily_rejected",
        expect={"msg": lambda text: "has a limit that is reached" in text},
    ),
    _send(
        "send-encryption-exim",
        "Exim takes mail in TLS only, and no login is given",
        _exim(mail_acl="deny message = encryption is required"),
        ask={**STARTTLS, "security": "cleartext"},
        cause="auth_requires_tls",
        expect={"msg": lambda text: "takes mail only after TLS" in text},
    ),
    _send(
        "send-greylisted-exim",
        "Exim greylists",
        _exim(rcpt_acl="defer message = greylisted, come back later"),
        465,
        IMPLICIT,
        "temporarily_rejected",
    ),
    _send(
        "send-no-room",
        "the relay has no room for now",
        _answers(MAIL="452 4.3.1 Insufficient system storage"),
        587,
        STARTTLS,
        "temporarily_rejected",
    ),
    _send(
        "send-spam",
        "the content is refused",
        _answers(content="550 5.7.1 Message rejected as spam"),
        587,
        STARTTLS,
        "message_rejected",
    ),
    _send(
        "send-data-refused",
        "DATA is refused",
        _answers(DATA="554 5.3.0 Transaction failed"),
        587,
        STARTTLS,
        "message_rejected",
    ),
    _send(
        "send-nobody-left",
        "the recipients are refused at DATA alone",
        _answers(DATA="554 5.5.1 No valid recipients"),
        587,
        STARTTLS,
        "recipient_rejected",
    ),
    _send(
        "send-content-later",
        "the content is put off",
        _answers(content="451 4.3.0 Try again later"),
        587,
        STARTTLS,
        "temporarily_rejected",
    ),
    _send(
        "send-too-large",
        "MAIL is refused for its size",
        _answers(MAIL="552 5.3.4 Message size exceeds fixed limit"),
        587,
        STARTTLS,
        ("message_rejected", "sender_rejected"),
    ),
    _send(
        "send-too-large-postfix",
        "Postfix takes 2000 bytes, the message has more",
        at="send",
        port=465,
        ask={**IMPLICIT, "body": "x" * 70 + "\n" * 3000},
        cause=("message_rejected", "sender_rejected"),
    ),
    _send(
        "send-not-weaker", "no STARTTLS: nothing is sent", at="no-starttls", ask=STARTTLS, cause="starttls_not_offered"
    ),
    _send(
        "send-expired",
        "the certificate has expired: nothing is sent",
        at="expired",
        port=465,
        ask=IMPLICIT,
        cause="certificate_expired",
    ),
]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in the dialogue a reply was given: by the client's line before it, or by the words beside it."""

from __future__ import annotations

import re

__all__ = ("ASIDE", "named_stage", "stage_of_command", "stage_of_text")

ASIDE = "aside"
_STAGE_OF = {
    "conn": "greeting",
    "connect": "greeting",
    "initial connection": "greeting",
    "ehlo": "ehlo",
    "helo": "ehlo",
    "lhlo": "ehlo",
    "hello": "ehlo",
    "recipient": "rcpt",
    "starttls": "starttls",
    "auth": "auth",
    "mail from": "mail",
    "mail": "mail",
    "rcpt to": "rcpt",
    "rcpt": "rcpt",
    "data": "data",
    "end of data": "data",
    "end of message": "data",
    ".": "data",
    "bdat": "data",
    "finishdata": "data",
    # No part of sending: what was sent before is not changed by it
    **dict.fromkeys(("vrfy", "expn", "rset", "reset", "noop", "quit"), ASIDE),
}
_ANY = "initial connection|connect|conn|ehlo|helo|lhlo|starttls|auth|mail from|mail|rcpt to|rcpt|end of data|end of message|data"
# Nodemailer's objects; Postfix's replies as a client and its refusals as a relay; Mailpit; Exim as a client and as a
# relay.
_NAMED = re.compile(
    rf"\bcommand['\"]?\s?[:=]\s?['\"]?({_ANY})\b"
    rf"|\breject(?: warning)?: ({_ANY}) from "
    rf"|\bin reply to ({_ANY}) command"
    rf"|\berror (?:response to|sending) ({_ANY}) command"
    r"|\bafter (?:pipelined |sending |final )?(initial connection|connect|ehlo|helo|starttls|mail from|rcpt to|data|end of data)\b"
    r"|\bwhile (?:sending|performing the) (ehlo|helo|starttls|mail from|rcpt to|data|end of data)\b"
    r"|\b(auth)enticationfailedexception: ;.{0,80}messagingexception: exception reading"  # JavaMail
    r"|\bsending (ehlo|helo) to\b|\berror on (hello)\b|\bsmtp (mail|recipient|data|auth)\(\) command failed"
    r"|\bfailed to (?:send |issue |perform )?(ehlo|helo|starttls|mail from|rcpt to|data)(?=[.:]? [45]\d\d)"
    r"|\binvalid (mail from|rcpt to):.{1,300} [45]\d\d "
    rf"|\bon command ['\"]({_ANY})\b"
    rf"|\b({_ANY}) command failed\b"
    r"|\bsending (?:smtp )?(rset|reset|noop|quit) command\b"
    rf"|\b(?:to issue|sending) (?:smtp )?({_ANY}) command\b(?! first)"  # go-mail
    r"|(?<!sending )(?<!send )(?<!the )\b(mail) failed: [45]\d\d"  # curl
    r"|\bin response to (ehlo|helo|starttls|auth|mail|rcpt|data)\b"
    r"|\brejected (connect|ehlo|helo|mail|rcpt|data)(?: |:|$)"
    r"|\bcommand ['\"]?(ehlo|helo|starttls|auth|mail|rcpt|data)['\"]? (?:is |was )?(?:not |un)(?:recogni[sz]ed|implemented|supported|known)"
)
# Functions of clients in which a command is sent and its answer awaited, as stack traces name them: Ruby, Python, Java,
# MailKit, Symfony.
_FRAME = re.compile(
    r"(?:smtp\.rb:\d{1,6}:in [`'](?:rescue in |block in |net::smtp#)*|smtplib\.py\W{1,3}line \d{1,6}, in "
    r"|\bsmtptransport\.|\bsmtpclient\.|smtptransport\W{1,2}do)"
    r"(ehlo|helo|auth|mail|rcpt|data|bdat|finishdata)\w{0,14}(?=['(, ]|$)"
    r"|protocol\\{1,2}smtp(?:\\{1,2}auth\\{1,2}\w{1,12})?->(ehlo|auth|mail|rcpt|data)\("  # Laminas
)
# The first that matches counts.
_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "starttls",
        (
            *(
                "upgrading connection with starttls",
                "starttls config",
                "starttls command",
                "starttls failed",
                "starttls denied",
                "starttls attempted",
            ),
            # The greeting has this code too, but is never refused with these.
            *(f"expected response code 220 but got code {code}" for code in (454, 500, 501, 502, 503)),
            "refused to start tls",
        ),
    ),
    (
        "ehlo",
        (
            *(
                "smtptransport.helo",
                "`helo'",
                "#helo",
                "helo/ehlo",
                "ehlo/helo",
                "does not accept ehlo",
                "remote access denied",
                "smtphelooerror",
                "smtpheloerror",
                "could not perform server greeting",
                "hello failure",
            ),
            *("ehlo command", "ehlo not accepted", "helo not accepted", "on hello", "did not accept the handshake"),
        ),
    ),
    (
        "rcpt",
        (
            *(
                "recipients were rejected",
                "smtprecipientsrefused",
                "recipientsrefused",
                "rcpt failed",
                "rcpt command",
                "`rcptto'",
                "#rcptto",
                "rcpt to:",
            ),
            *(
                "recipients failed",
                "recipient failed",
                "recipient address rejected",
                "smtpaddressfailedexception",
                "failed recipients",
                "smtpfailedrecipient",
            ),
            *("250/251/252", "recipientnotaccepted", "rcpt to <", "failed to add recipient"),
        ),
    ),
    (
        "mail",
        (
            *(
                "mail from command",
                "mail command failed",
                "`mailfrom'",
                "#mailfrom",
                "smtptransport.mailfrom",
                "smtpsenderrefused",
            ),
            *(
                "sender address rejected",
                "mail from:",
                "sendernotaccepted",
                "failed to set sender",
                "mail from <",
                "mail from failed",
            ),
        ),
    ),
    (
        "data",
        (
            *(
                "message failed",
                "smtpdataerror",
                "data not accepted",
                "data command failed",
                "data failed",
                "messagenotaccepted",
                "expected response code 354",
            ),
            *("failed to add data", "smtptransport.data", "smtptransport.finishdata", ".dataasync"),
        ),
    ),
    (
        "auth",
        (
            *(
                "invalid login",
                "eauth",
                "smtpauthenticationerror",
                "sasl authentication failed",
                "failed to authenticate",
                "authentication failed",
            ),
            *(
                "auth plain",
                "auth login",
                "auth cram md5",
                "auth xoauth2",
                "login denied",
                "smtptransport$authenticator",
                ".authenticateasync",
            ),
            *(
                "expected response code 235",
                "expected response code 334",
                "password command failed",
                "user name command failed",
            ),
        ),
    ),
    (
        "greeting",
        (
            *(
                "invalid greeting",
                "initial ok message",
                "got unexpected smtp server response",
                "`do_start'",
                "`do start'",
                "#do start",
            ),
            *(
                "bad greeting",
                "banner rejected",
                "init failed",
                "got error response",
                "connection not allowed: ",
                "greeting failure",
                "initial server",
                "connection to server failed",
                *(f"{word} failed: {digit}" for word in ("connect", "connection") for digit in "45"),
                "smtp greeting",
                "could not connect to smtp host",
                *(f"connect to {what}smtp server: {digit}" for what in ("", "the ") for digit in "45"),
                "smtpconnecterror",
                "smtpconnectresponseerror",
                "expected response code 220",
            ),
            *(
                "bad response on connection",
                "on smtp dial",
                "creating smtp client",
                "create smtp client",
                "failed to dial",
                "dial failed",
                "error connecting to",
            ),
        ),
    ),
)
# Python's smtplib names the sender behind the reply that refuses it.
_REFUSED_SENDER = re.compile(r"\([45]\d\d, b'[^']{0,500}', '[^']{0,300}'\)")
_QUOTES = str.maketrans("", "", "\"'")
_COMMAND = re.compile(
    r"\s{0,4}(?:[~=*-]{1,3}>|>{1,3}|C:|sen[dt]:|\[->\]|SMTP>{1,2}|CLIENT -> (?:SERVER|SMTP):) {0,4}b?['\"]?"
    r"(EHLO|HELO|LHLO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|VRFY|EXPN|\.)(?![A-Za-z])",
    re.IGNORECASE,
)
# Most lines of a log are none.
_BEGINS = frozenset("~=*->[CcSs")
_CONNECTED = re.compile(r"(?:===|\*) Connected to ")


def stage_of_command(text: str) -> str:
    """The stage that a client's line of a dialogue begins, "" where the line is none."""
    if text.lstrip()[:1] not in _BEGINS:
        return ""
    found = _COMMAND.match(text)
    if found:
        return _STAGE_OF[found.group(1).lower()]
    return "greeting" if _CONNECTED.match(text) else ""


def named_stage(folded: str) -> str:
    """The stage of the command that a text names as the one that was not answered as it should, "" where it names none."""
    found = _NAMED.search(folded) or _FRAME.search(folded)
    return _STAGE_OF[next(name for name in found.groups() if name)] if found else ""


def stage_of_text(folded: str) -> str:
    """The stage that the words beside a reply name (see spelling.fold), "" where they name none."""
    named = named_stage(folded)
    if named:
        return named
    if "b'" in folded and _REFUSED_SENDER.search(folded):
        return "mail"
    bare = folded.translate(_QUOTES) if "'" in folded or '"' in folded else ""
    for stage, texts in _TEXTS:
        for text in texts:
            if text in folded or text in bare:
                return stage
    return ""

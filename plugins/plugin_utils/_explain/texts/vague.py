# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that hide the cause, and lines that only say that mail failed: another line says why."""

from __future__ import annotations

from ..rule import Rule
from ..spelling import fold

__all__ = ("NOISE", "VAGUE")

# Texts that hide the cause: what they leave open, and how to make the app say more.
VAGUE: tuple[Rule, ...] = tuple(
    Rule("", "", "unknown", (fold(text),), also, note)
    for texts, also, note in (
        (
            (
                "smtp connect() failed",
                "could not connect to smtp host",
                "connect to any smtp server",
                "smtp error: could not connect",
                "connection could not be established with host",
                "could not connect to host",
                "unable to connect to the remote server",
                "failed to connect to server",
                "unable to connect to server",
                "error connecting to",
                "cannot connect to",
                "couldn't connect to host",
                "mailconnectexception",
                "unable to establish smtp connection",
            ),
            ("connection_timeout", "connection_refused", "mode_mismatch", "certificate_untrusted"),
            "The connection failed, but this text hides why: a filtered port, a refused one, the wrong mode and a bad certificate all read like this."
            " Switch on the app's debug output"
            " (SMTPDebug = 3 in PHPMailer), or run smtp_endpoint_info on the host.",
        ),
        (
            (
                "retry time not reached",
                "all hosts .. have been failing for a long time",
                "delivery temporarily suspended: unknown",
            ),
            (),
            "The mail server did not try now: earlier attempts failed, and it waits. The reason stands at the first of them, further up in its log.",
        ),
        (
            ("timeout",),
            ("connection_timeout", "mode_mismatch", "greeting_timeout", "tls_handshake_timeout"),
            "Something took too long, but this text hides what: a filtered port, the wrong mode, a slow greeting and a stalled handshake all read like this."
            " Run smtp_endpoint_info on the host.",
        ),
        (
            (
                "failure sending mail",
                "weird server reply",
                "smtpexception",
                "error sending email",
                "failed to send email",
                "message could not be sent",
                "mailsendexception",
            ),
            ("connection_timeout", "mode_mismatch", "auth_rejected", "message_rejected"),
            "Mail failed, but this text hides why: look for the inner exception or the relay's reply in the lines beside it,"
            " or run smtp_endpoint_info on the host.",
        ),
    )
    for text in texts
)

# Lines that only say that mail failed, not why: another line of the log says why.
NOISE: tuple[str, ...] = (
    "could not send mail",
    "failed to send email",
    "failed to send mail",
    "error sending email",
    "error sending mail",
    "email could not be sent",
    "unable to send email",
    "unable to send mail",
    "there was an error sending",
    "failure sending mail",
    "error while sending mail",
    "mailer error",
    "mail delivery failed",
    "cannot send mail",
    "sending mail failed",
    "failed to send message",
    "could not send e-mail",
    "retry timeout exceeded",  # Exim, behind the reason
    "retry time not reached",
    "failed to send e-mail",
    # systemd's, of a unit that has mail in its name
    ".service: failed with result",
    ".service: main process exited",
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer transaction: the sender, the recipient or the message is refused, for good or for now."""

from __future__ import annotations

from ..rule import Rule, failing, refusing, rules

__all__ = ("RULES",)

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules("sender_rejected", "certain", variant="auth_required", texts="""
        553 sorry, that domain isn't in my list of allowed rcpthosts
    """),
    *rules("sender_rejected", "certain", texts="""
        envelope from .. not accepted
        mail from: <> rejected
    """),
    # Exim's line before its refusal
    *rules("sender_rejected", "certain", echo="follow", texts="""
        sender verify fail for
        sender verify fail for .. all relevant mx records point to non-existent hosts
    """),
    # What DATA is answered after RCPT was refused
    *rules(
        "recipient_rejected", "likely", also=("sender_rejected", "ehlo_rejected", "temporarily_rejected"),
        echo="follow", texts="""
        no (valid recipients|recipients were accepted|recipient addresses were accepted)
        valid rcpt command must precede data
        need rcpt
    """),
    # What MAIL, or what follows it, is answered out of its order
    *rules(
        "sender_rejected", "likely", also=("temporarily_rejected", "recipient_rejected"), echo="follow",
        note="MAIL came out of its order: what was refused before it says why.", texts="""
        503 .. (mail first|need mail|nested mail|sender already|transaction is already)
    """),
    # Exim, of an address for which it knows no way, and a relay that says so of the recipient
    *rules("recipient_rejected", "likely", also=("name_not_found",), texts="unrouteable address"),
    *rules("message_rejected", "likely", texts="""
        message failed: (4|5)
        message has lines too long
    """),
    # Exchange's store, which does not take a sender that the account may not use, and other things
    *rules("message_rejected", "likely", also=("sender_rejected",), texts="cannot submit message"),
    *rules("temporarily_rejected", "likely", also=("greeting_rejected",), texts="smtp response 421 received"),
    # Nodemailer, of a 421 to EHLO
    *rules(
        "temporarily_rejected", "likely", also=("ehlo_rejected", "greeting_rejected"), echo="follow",
        texts="server terminates connection"),
    # Postfix as a relay hangs up on a client that says nothing
    *rules("temporarily_rejected", "likely", also=("connection_closed",), texts="error: timeout exceeded"),
    # sysexits.h, by the names that Postfix, msmtp and procmail give them
    *rules("temporarily_rejected", "likely", texts="""
        ex_tempfail
        exited 75 (deferred
    """),
    *rules("recipient_rejected", "likely", texts="""
        ex_nouser
        exited 67 (user unknown
    """),
    # Postfix as a relay: what checks its logins is not there, so it ends
    *rules(
        "temporarily_rejected", "likely", variant="broken", also=("auth_rejected", "connection_closed"), echo="follow", texts="""
        no sasl authentication mechanisms
        (sasl: connect to|cannot connect to saslauthd) .. (no such file|permission denied|connection refused)
        # Cyrus SASL's word for what is none of the client's faults
        sasl (plain|login) authentication failed: (generic failure|connection lost to authentication server)
    """),
    # Clients, who only say at which command it was refused: the relay's words and code, where they stand beside it,
    # say more.
    *rules(
        "sender_rejected", "likely", variant="auth_required", also=("auth_requires_tls",),
        texts="server requires authentication"),
    *rules("sender_rejected", "likely", refusing(
        "sender", "sender address", "from address", "mail from", "mail from command", "mail command"),
        failing("mail from", "mail from command", "mail command"),
        also=("temporarily_rejected", "message_rejected"), texts="""
        smtpsender(refused|failedexception)
        sendernotaccepted
        0x800ccc78
        error sending mail command
        in reply to mail from command
        smtpsendfailedexception .. from
        mailboxnotallowed .. sender
        all sender addresses were rejected
        following from address failed
    """),
    *rules(
        "recipient_rejected", "likely",
        refusing("recipient", "recipients", "recipient address", "rcpt to", "rcpt command", "rcpt to command", "rcpt"),
        failing("rcpt", "rcpt to", "rcpt command", "rcpt to command", "recipients"),
        also=("temporarily_rejected", "sender_rejected", "ehlo_rejected"), texts="""
        smtp(recipientsrefused|recipientrefused|failedrecipient|failedrecipientexception|failedrecipientsexception|addressfailedexception)
        recipientnotaccepted
        0x800ccc79
        invalid addresses
        (in reply to rcpt to|error response to rcpt) command
        bad recipient
        rejected message to
    """),
    # MailKit's users, below the relay's words
    *rules(
        "recipient_rejected", "likely", also=("temporarily_rejected", "sender_rejected"), echo="follow",
        texts="recipient .. not accepted by the server"),
    *rules(
        "message_rejected", "likely", refusing("message", "data", "data command"),
        failing("data command"), also=("temporarily_rejected",), texts="""
        (messagenotaccepted|smtpdataerror)
        # Exim's own log
        rejected (after data|during mime acl|by local_scan)
        in reply to (end of |)data command
        emessage
    """),
)

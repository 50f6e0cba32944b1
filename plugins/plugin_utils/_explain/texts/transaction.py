# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer transaction: the sender, the recipient or the message is refused, for good or for now."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

RULES: tuple[Rule, ...] = (
    *rules(
        "sender_rejected",
        "certain",
        variant="auth_required",
        texts="""
        client was not authenticated
        client not authenticated
        smtp authentication is required
        553 sorry, that domain isn't in my list of allowed rcpthosts
        """,
    ),
    *rules(
        "sender_rejected",
        "likely",
        variant="auth_required",
        texts="""
        authentication is required
        authentication required
        must be authenticated
        please authenticate first
        you must authenticate
        """,
    ),
    *rules(
        "sender_rejected",
        "certain",
        texts="""
        # Relays
        sender address rejected
        sender address is not valid
        sender access denied
        sender not allowed
        sender is not allowed
        sender rejected
        sender is rejected
        sender denied
        sender verify failed
        invalid sender
        not permitted to send as
        from address not verified
        domain of sender address
        unverified address
        envelope from .. not accepted
        mail from: <> rejected
        """,
    ),
    # Exim's line before its refusal
    *rules(
        "sender_rejected",
        "certain",
        echo="follow",
        texts="""
        sender verify fail for
        sender verify fail for .. all relevant mx records point to non-existent hosts
        """,
    ),
    *rules(
        "recipient_rejected",
        "certain",
        note="This relay does not carry mail for this client to that recipient: it wants a login, or does not know this host.",
        texts="""
        relaying is denied
        relaying not permitted
        we do not relay
        cannot relay
        """,
    ),
    *rules(
        "recipient_rejected",
        "certain",
        texts="""
        # Relays
        recipient address rejected
        recipients address rejected
        recipient address required
        recipient rejected
        unknown recipient
        invalid recipient
        bad recipient address
        no such recipient
        recipient not found
        email account that you tried to reach does not exist
        does not exist .. mailbox
        domain not found .. recipient
        """,
    ),
    # What DATA is answered after RCPT was refused
    *rules(
        "recipient_rejected",
        "likely",
        also=("sender_rejected", "ehlo_rejected", "temporarily_rejected"),
        echo="follow",
        texts="""
        no valid recipients
        valid rcpt command must precede data
        need rcpt
        """,
    ),
    *rules(
        "recipient_rejected",
        "likely",
        texts="""
        user not found
        unknown user
        user unknown
        no such user
        over quota
        quota exceeded
        mailbox is full
        mailbox full
        mailbox unavailable
        mailbox not found
        """,
    ),
    *rules(
        "message_rejected",
        "certain",
        texts="""
        # Relays
        message size exceeds
        message exceeds fixed maximum message size
        message too large
        message too big
        message file too big
        exceeded storage allocation .. message
        exceeds size limit
        message content rejected
        message contained unsafe content
        spam message rejected
        message rejected as spam
        message blocked
        blocked by spam
        considered spam
        550 spam
        554 spam
        policy rejection
        dmarc policy
        fails dmarc
        not rfc 5322 compliant
        not rfc 2822 compliant
        multiple from headers
        """,
    ),
    *rules(
        "message_rejected",
        "likely",
        texts="""
        message rejected
        message refused
        message failed
        """,
    ),
    *rules(
        "temporarily_rejected",
        "certain",
        texts="""
        greylist
        temporarily deferred
        temporarily rejected
        rate exceeded
        connection rate limit exceeded
        concurrent connections limit
        message quota exceeded
        sending quota exceeded
        daily sending limit
        sending limit exceeded
        temporary local problem
        temporary system problem
        resources temporarily unavailable
        retry time not reached
        service not available, closing transmission channel
        mailbox temporarily
        insufficient system storage
        insufficient system resources
        queue file write error
        message submission rate
        recipient rate
        """,
    ),
    *rules(
        "temporarily_rejected",
        "likely",
        texts="""
        concurrency limit exceeded
        rate limit
        ratelimit
        throttl
        server busy
        too much mail
        too many messages
        too many connections
        too many concurrent smtp connections
        too many login attempts
        hourly limit
        service temporarily unavailable
        try again later
        sender thread limit exceeded
        """,
    ),
    # Clients, who only say at which command it was refused: the relay's words and code, where they stand beside it,
    # say more.
    *rules(
        "sender_rejected",
        "likely",
        also=("temporarily_rejected", "message_rejected"),
        texts="""
        smtpsenderrefused
        sendernotaccepted
        0x800ccc78
        mail command failed
        mail from command failed
        in reply to mail from command
        after mail from:
        after pipelined mail from:
        error sending mail command
        smtpsendfailedexception .. from
        smtpsenderfailedexception
        mailboxnotallowed .. sender
        the server refused the sender
        all sender addresses were rejected
        """,
    ),
    *rules(
        "recipient_rejected",
        "likely",
        also=("temporarily_rejected", "sender_rejected", "ehlo_rejected"),
        texts="""
        all recipients were rejected
        all recipients refused
        smtprecipientsrefused
        smtprecipientrefused
        recipientnotaccepted
        0x800ccc79
        smtpfailedrecipient
        smtpfailedrecipientexception
        smtpfailedrecipientsexception
        smtpaddressfailedexception
        invalid addresses
        following recipients failed
        recipient .. not accepted by the server
        in reply to rcpt to command
        after rcpt to:
        after pipelined rcpt to:
        error response to rcpt command
        rejected message to
        """,
    ),
    *rules(
        "message_rejected",
        "likely",
        also=("temporarily_rejected",),
        texts="""
        smtpdataerror
        data not accepted
        data command failed
        messagenotaccepted
        in reply to end of data command
        in reply to data command
        emessage
        """,
    ),
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

RULES: tuple[Rule, ...] = (
    *rules(
        "sender_rejected",
        "likely",
        "authentication is required",
        "authentication required",
        "must be authenticated",
        "please authenticate first",
        "you must authenticate",
        variant="auth_required",
    ),
    *rules(
        "temporarily_rejected",
        "likely",
        "rate limit",
        "ratelimit",
        "rate limited",
        "rate exceeded",
        "throttl",
        "throttling failure",
        "server busy",
        "too much mail",
        "too many messages",
        "too many connections",
        "too many login attempts",
        "hourly limit",
        "service temporarily unavailable",
    ),
    *rules(
        "recipient_rejected",
        "likely",
        "user not found",
        "unknown user",
        "over quota",
        "quota exceeded",
        "mailbox is full",
        "mailbox full",
        "user unknown",
        "mailbox unavailable",
        "mailbox not found",
        "no such user",
    ),
    *rules("temporarily_rejected", "likely", "try again later", "please try again later"),
    *rules("message_rejected", "likely", "message rejected", "message refused", "message failed"),
)

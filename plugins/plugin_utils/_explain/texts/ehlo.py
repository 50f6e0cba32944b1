# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

RULES: tuple[Rule, ...] = (
    *rules(
        "ehlo_rejected",
        "certain",
        "smtphelooerror",
        "smtpheloerror",
        "helo command rejected",
        "ehlo command failed",
        "invalid domain name in ehlo",
        "invalid ehlo",
        "rejected ehlo",
        "ehlo failed",
        "helo refused",
        "ehlo refused",
        "error from remote mail server after ehlo",
        "error from remote mail server after helo",
        "in reply to ehlo command",
        "in reply to helo command",
        "invalid helo",
        "bad helo",
        "syntactically invalid ehlo argument",
        "syntactically invalid helo argument",
        "need fully-qualified hostname",
        "eprotocol .. ehlo",
        "ehlo .. rejected",
        "does not accept ehlo or helo commands",
        "remote access denied",
        "smtptransport.helo",
        "`helo'",
        "#helo'",
        "the server refused .. ehlo",
        "smtp: server does not support ehlo",
        "invalid helo name",
        "5.5.0 invalid ehlo domain",
    ),
)

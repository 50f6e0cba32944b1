# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer ehlo: EHLO is refused, or the name in it."""

from __future__ import annotations

from ..rule import Rule, failing, refusing, rules

__all__ = ("RULES",)

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules("ehlo_rejected", "certain", texts="""
        # What relays say of the name is a row of status_codes; these are the clients' words.
        rejected (ehlo|helo)
        after (ehlo|helo): 5
        in reply to (ehlo|helo) command
        invalid domain name in ehlo
        does not accept ehlo or helo commands
    """),
    # Class names and frames; PHPMailer says so without a reply when the connection went away.
    *rules("ehlo_rejected", "likely", also=("connection_closed",), texts="""
        smtphel(o|oo)error
        # Nodemailer
        invalid (ehlo|helo)
        eprotocol .. ehlo
        remote access denied
        smtptransport.helo
        (`|#)helo'
        the server refused .. ehlo
        my name was rejected
        smtp: server does not support ehlo
        invalid response to the ehlo command
    """),
    # Swift and Symfony Mailer: the answer to another command than the one that was sent
    *rules("ehlo_rejected", "likely", variant="out_of_step", also=("message_rejected", "connection_closed"), texts="""
        expected response code (|")354(|") but got code "(220|250|235)
        expected response code (|")250(|") but got code "(235|354|220|334)
        expected response code (|")(235|334)(|") but got code "250
    """),
    # PHPMailer adds it when the connection went away before EHLO, too.
    *rules(
        "ehlo_rejected", "likely", failing("ehlo", "helo", "ehlo command", "helo command", "ehlo/helo exchange"),
        refusing("ehlo", "helo", "ehlo command", "helo command"), also=("connection_closed",), echo="follow"),
)

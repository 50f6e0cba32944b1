# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All real relays in one place."""

from __future__ import annotations

from .dovecot import Dovecot
from .exim import Exim
from .fronts import Haproxy, OpensslServer, Stunnel
from .opensmtpd import OpenSmtpd
from .postfix import Listener, Postfix
from .small import Aiosmtpd, SmtpServer

__all__ = [
    "Aiosmtpd",
    "Dovecot",
    "Exim",
    "Haproxy",
    "Listener",
    "OpenSmtpd",
    "OpensslServer",
    "Postfix",
    "SmtpServer",
    "Stunnel",
]

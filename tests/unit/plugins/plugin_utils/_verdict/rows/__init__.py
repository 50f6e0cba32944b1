# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence, and the verdict that it must get: one file per layer at which it ends."""

from __future__ import annotations

from tests.support.evidence import Row

from . import auth, certificate, dns, ehlo, greeting, healthy, mode, settings, starttls, tcp, tls, transaction

ROWS: tuple[Row, ...] = (
    *healthy.ROWS,
    *settings.ROWS,
    *dns.ROWS,
    *tcp.ROWS,
    *greeting.ROWS,
    *mode.ROWS,
    *ehlo.ROWS,
    *starttls.ROWS,
    *tls.ROWS,
    *certificate.ROWS,
    *auth.ROWS,
    *transaction.ROWS,
)

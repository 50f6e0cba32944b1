# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer starttls."""

from __future__ import annotations

from tests.support.evidence import GREETING, Row, attempt, broken, ehlo, refused, row, up_to_ehlo

ROWS: tuple[Row, ...] = (
    row(
        "not offered",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "missing", what="starttls"),
            greeting=GREETING,
            ehlo=ehlo(("SIZE 1",)),
        ),
        "starttls_not_offered",
        "starttls",
        observed="cleartext",
    ),
    row(
        "masked",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "missing", what="starttls"),
            greeting=GREETING,
            ehlo=ehlo(("SIZE 1", "XXXXXXXA")),
        ),
        "starttls_not_offered",
        "starttls",
        "masked",
        observed="cleartext",
        says="XXXXXXXA",
        findings="starttls_stripped",
    ),
    row(
        "454",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "reply", code=454, lines=["4.7.0 no"]),
            **up_to_ehlo(),
        ),
        "starttls_rejected",
        "starttls",
        observed="starttls",
        says="'454 4.7.0 no'",
    ),
    row(
        "starttls unanswered",
        attempt(rungs="tcp greeting ehlo starttls!", failure=broken("starttls", "closed", partial=""), **up_to_ehlo()),
        "starttls_rejected",
        "starttls",
        "no_answer",
        "starttls",
    ),
    row(
        "message withheld",
        attempt(
            "starttls",
            "tcp greeting ehlo transaction!",
            broken("transaction", "withheld", what="message", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(()),
        ),
        "starttls_not_offered",
        "starttls",
        observed="cleartext",
    ),
    # starttls
    row(
        "starttls, no certificate",
        refused("starttls", 454, "4.7.0 TLS not available due to local problem"),
        "starttls_rejected",
        "starttls",
        observed="starttls",
    ),
    row(
        "starttls, policy",
        refused("starttls", 530, "5.7.0 access denied"),
        "starttls_rejected",
        "starttls",
        "policy",
        "starttls",
    ),
    row(
        "starttls, login first",
        refused("starttls", 530, "5.7.0 log in first"),
        "starttls_rejected",
        "starttls",
        "policy",
        "starttls",
    ),
    *(
        row(
            f"starttls, {code}",
            refused("starttls", code, "5.5.1 not here"),
            "starttls_rejected",
            "starttls",
            "no_answer",
            "starttls",
        )
        for code in (500, 501, 502, 503, 504)
    ),
    row(
        "starttls, milter",
        refused("starttls", 454, "4.7.1 Service unavailable, milter does not answer"),
        "starttls_rejected",
        "starttls",
        "policy",
        "starttls",
    ),
    row(
        "starttls, resources",
        refused("starttls", 454, "4.3.0 Not enough memory"),
        "starttls_rejected",
        "starttls",
        "resources",
        "starttls",
    ),
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer mode."""

from __future__ import annotations

from tests.support.evidence import (
    CLEARTEXT_LOOK,
    IMPLICIT,
    PLAIN_LOOK,
    TLS,
    TLS_LOOK,
    Row,
    attempt,
    broken,
    cert,
    row,
    tls_fails,
)

ROWS: tuple[Row, ...] = (
    # mode
    row(
        "tls on cleartext",
        attempt(rungs="tcp", failure=broken("mode", "tls_spoken"), other_mode=TLS_LOOK),
        "mode_mismatch",
        "mode",
        "implicit_spoken",
        "implicit_tls",
        says="secure: false",
    ),
    row(
        "tls on cleartext with a fault",
        attempt(rungs="tcp", failure=broken("mode", "tls_spoken"), other_mode=cert("expired", 10)),
        "mode_mismatch",
        "mode",
        "implicit_spoken",
        "implicit_tls",
        says="certificate_expired",
        findings="",
    ),
    row(
        "tls on cleartext, and silence behind it",
        attempt(
            rungs="tcp",
            failure=broken("mode", "tls_spoken"),
            other_mode=attempt(
                "implicit_tls",
                "tcp tls certificate greeting!",
                broken("greeting", "timeout", partial="", waited_ms=700.0),
                tls=TLS,
            ),
        ),
        "mode_mismatch",
        "mode",
        "implicit_spoken",
        "implicit_tls",
        says="behind TLS it stayed silent for 0.7 s, so it may be another service",
    ),
    row(
        "cleartext on tls",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="220 relay.test ESMTP"),
            other_mode=CLEARTEXT_LOOK,
        ),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        says="it said '220 relay.test ESMTP'",
        settings=IMPLICIT,
    ),
    row(
        "cleartext on tls without starttls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="220 x"), other_mode=PLAIN_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_only",
        "cleartext",
        settings=IMPLICIT,
    ),
    row(
        "cleartext seen after a reset",
        attempt("implicit_tls", "tcp!", broken("tcp", "reset"), other_mode=CLEARTEXT_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
    row(
        "cleartext seen after a close",
        tls_fails("closed", other=CLEARTEXT_LOOK, silent=True),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
    row(
        "a refusal, and the other mode greets",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="500 what"), other_mode=CLEARTEXT_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
)

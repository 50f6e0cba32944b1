# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer settings."""

from __future__ import annotations

from tests.support.evidence import GREETING, PLAIN_LOOK, Row, attempt, broken, dns, ehlo, row, tcp

ROWS: tuple[Row, ...] = (
    # settings
    row(
        "cleartext outside the networks",
        PLAIN_LOOK,
        "invalid_settings",
        "settings",
        "cleartext_networks",
        observed="cleartext",
        says="outside cleartext_networks (10.0.0.0/8)",
        settings={"port": 25, "security": "cleartext"},
        policy={"cleartext_networks": ("10.0.0.0/8",)},
    ),
    row(
        "password held back by the networks",
        attempt(
            "cleartext",
            "tcp greeting ehlo auth!",
            broken("auth", "withheld", what="password", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(["AUTH PLAIN"]),
        ),
        "invalid_settings",
        "settings",
        "cleartext_networks",
        observed="cleartext",
        says="outside cleartext_networks (10.0.0.0/8)",
        findings="auth_offered_in_cleartext",
        settings={"port": 25, "security": "cleartext", "username": "app", "password": "x"},
        policy={"cleartext_networks": ("10.0.0.0/8",)},
    ),
    row(
        "source address",
        tcp("bind", errno="EADDRNOTAVAIL"),
        "invalid_settings",
        "settings",
        "source_address",
        says="source_address 192.0.2.77",
        settings={"source_address": "192.0.2.77"},
    ),
    row(
        "no such interface",
        dns("resolver", error="EAI_NONAME"),
        "invalid_settings",
        "settings",
        "interface",
        says="interface eth9",
        settings={"host": "fe80::1%eth9"},
    ),
)

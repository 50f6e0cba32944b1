# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer dns."""

from __future__ import annotations

from tests.support.evidence import Row, attempt, broken, dns, observation, row

ROWS: tuple[Row, ...] = (
    # dns
    row("nxdomain", dns("resolver", error="EAI_NONAME"), "name_not_found", "dns", says="relay.test does not exist"),
    row("nodata", dns("resolver", error="EAI_NODATA"), "name_not_found", "dns", "no_address", says="has no address"),
    row("family", dns("resolver", error="EAI_ADDRFAMILY"), "name_not_found", "dns", "no_address"),
    row(
        "no such family",
        dns("resolver", error="EAI_ADDRFAMILY"),
        "name_not_found",
        "dns",
        "family",
        says="no IPv6 address, and ip_version",
        settings={"ip_version": "6"},
    ),
    row("servfail", dns("resolver", error="EAI_AGAIN"), "name_server_failure", "dns", says="EAI_AGAIN"),
    row("dns fails", dns("resolver", error="EAI_FAIL"), "name_server_failure", "dns"),
    row(
        "dns took the time",
        observation(
            attempt(rungs="tcp greeting!", failure=broken("greeting", "timeout")),
            dns={"ok": True, "known": 1, "ms": 9000.0},
        ),
        "name_server_failure",
        "dns",
        "slow",
        says="took 9 of the 10 s",
    ),
    row(
        "dns took most of the time, and another port of the silent relay answers",
        observation(
            attempt(rungs="tcp!", failure=broken("tcp", "timeout")),
            dns={"ok": True, "known": 1, "ms": 9000.0},
            elsewhere=[{"address": "192.0.2.1", "port": 465, "result": "open"}],
        ),
        "connection_timeout",
        "tcp",
        findings="name_server_slow port_filtered_elsewhere_open",
    ),
    row(
        "dns took most of the time, and the relay refuses",
        observation(
            attempt(rungs="tcp!", failure=broken("tcp", "os", errno="ECONNREFUSED")),
            dns={"ok": True, "known": 1, "ms": 9000.0},
        ),
        "connection_refused",
        "tcp",
        findings="name_server_slow",
    ),
    row(
        "dns took much of a long time, and the relay is silent",
        observation(
            attempt(rungs="tcp greeting!", failure=broken("greeting", "timeout")),
            dns={"ok": True, "known": 1, "ms": 12000.0},
        ),
        "greeting_timeout",
        "greeting",
        findings="name_server_slow",
        settings={"timeout": 20},
    ),
    row("dns silent", dns("timeout"), "name_server_failure", "dns", says="within 0 s"),
)

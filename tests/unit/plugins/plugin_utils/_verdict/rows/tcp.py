# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what ends at the layer tcp."""

from __future__ import annotations

from tests.support.evidence import TLS_LOOK, Row, attempt, broken, in_tls, observation, row, tcp

ROWS: tuple[Row, ...] = (
    row(
        "all must work",
        observation({**tcp("timeout"), "address": "192.0.2.9"}, attempt(**in_tls())),
        "connection_timeout",
        "tcp",
        findings="",
        policy={"require_all_addresses": True},
    ),
    # tcp
    *(
        row(
            f"not asked, {lack}",
            attempt(rungs="", failure=broken("tcp", "not_asked", lack=lack)),
            "not_asked",
            "tcp",
            says=says,
        )
        for lack, says in (
            ("time", "before its turn"),
            ("threads", "ulimit -u"),
            ("files", "ulimit -n"),
            ("memory", "ulimit -v"),
        )
    ),
    row("filtered", tcp("timeout"), "connection_timeout", "tcp", says="192.0.2.1 port 587 did not answer"),
    row(
        "filtered and a clash",
        tcp("timeout"),
        "connection_timeout",
        "tcp",
        says="Besides, port 587 starts in cleartext",
        settings={"port": 587, "security": "implicit_tls"},
    ),
    row(
        "filtered elsewhere open",
        observation(tcp("timeout"), elsewhere=[{"address": "192.0.2.1", "port": 465, "result": "open"}]),
        "connection_timeout",
        "tcp",
        findings="port_filtered_elsewhere_open",
    ),
    row(
        "filtered alternative open",
        observation(tcp("timeout"), alternatives=[{"port": 465, "security": "implicit_tls", "attempts": [TLS_LOOK]}]),
        "connection_timeout",
        "tcp",
        findings="port_filtered_elsewhere_open",
    ),
    row("refused", tcp("os", errno="ECONNREFUSED"), "connection_refused", "tcp"),
    row(
        "refused by icmp",
        tcp("os", errno="ECONNREFUSED", icmp=[4, 3, 3], icmp_from="198.51.100.1"),
        "connection_refused",
        "tcp",
        says="198.51.100.1",
    ),
    row("no network", tcp("os", errno="ENETUNREACH"), "no_route", "tcp"),
    row(
        "no network by icmp",
        tcp("os", errno="ENETUNREACH", icmp=[4, 3, 0], icmp_from="198.51.100.1"),
        "no_route",
        "tcp",
        says="198.51.100.1",
    ),
    row("host unreachable at once", tcp("os", errno="EHOSTUNREACH"), "no_route", "tcp", "or_blocked"),
    row(
        "host unreachable by icmp",
        tcp("os", errno="EHOSTUNREACH", icmp=[4, 3, 1], icmp_from="198.51.100.1"),
        "no_route",
        "tcp",
    ),
    row(
        "prohibited by icmp",
        tcp("os", errno="EHOSTUNREACH", icmp=[4, 3, 13], icmp_from="198.51.100.1"),
        "connection_blocked",
        "tcp",
        says="198.51.100.1",
    ),
    *(
        row(
            f"{name}, says the relay itself",
            tcp("os", errno=errno, icmp=icmp, icmp_from="192.0.2.1"),
            "connection_blocked",
            "tcp",
            "at_relay",
            says="so says 192.0.2.1 by ICMP",
        )
        for name, errno, icmp in (
            ("prohibited", "EHOSTUNREACH", [4, 3, 10]),
            ("no such host", "EHOSTUNREACH", [4, 3, 1]),
            ("no such network", "ENETUNREACH", [4, 3, 0]),
            ("no such protocol", "ENOPROTOOPT", [4, 3, 2]),
        )
    ),
    row(
        "no such protocol, says somebody",
        tcp("os", errno="ENOPROTOOPT", icmp=[4, 3, 2], icmp_from="198.51.100.1"),
        "connection_blocked",
        "tcp",
        says="so says 198.51.100.1",
    ),
    row("prohibited locally", tcp("os", errno="EPERM"), "connection_blocked", "tcp"),
    row(
        "unreachable yet elsewhere",
        observation(
            tcp("os", errno="EHOSTUNREACH"), elsewhere=[{"address": "192.0.2.1", "port": 465, "result": "ECONNREFUSED"}]
        ),
        "connection_blocked",
        "tcp",
    ),
    row("odd error", tcp("os", errno="unknown"), "no_route", "tcp"),
    row("reset", tcp("reset"), "connection_reset", "tcp"),
    # tcp
    row(
        "sinkhole",
        {**tcp("os", errno="ECONNREFUSED"), "address": "0.0.0.0"},
        "connection_refused",
        "tcp",
        "sinkhole",
        says="answers 0.0.0.0 for relay.test",
    ),
    row(
        "sinkhole, not asked", {**tcp("sinkhole"), "address": "::ffff:0.0.0.0"}, "connection_refused", "tcp", "sinkhole"
    ),
    row("sinkhole, silent", {**tcp("timeout"), "address": "::"}, "connection_refused", "tcp", "sinkhole"),
    row(
        "no IPv6", {**tcp("os", errno="ENETUNREACH"), "address": "2001:db8::1", "family": 6}, "no_route", "tcp", "ipv6"
    ),
    row(
        "no IPv6, address given",
        {**tcp("os", errno="ENETUNREACH"), "address": "2001:db8::1", "family": 6},
        "no_route",
        "tcp",
        "ipv6_address",
        settings={"host": "2001:db8::1"},
    ),
    row(
        "link local",
        {**tcp("os", errno="EINVAL"), "address": "fe80::1", "family": 6},
        "no_route",
        "tcp",
        "link_local",
    ),
    row(
        "this host itself",
        {**tcp("os", errno="ECONNREFUSED"), "address": "127.0.0.1"},
        "connection_refused",
        "tcp",
        says="relay.test leads to this host itself",
        findings="leads_to_this_host",
    ),
)

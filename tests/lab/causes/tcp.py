# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that do not come about, or are cut before the relay has said a word."""

from __future__ import annotations

from support.faulty import close, close_on_client_hello, full_backlog, reset

from ..farm import Place
from ..plan import ipv4
from ..scenario import Row

__all__ = ["ROWS"]

IMPLICIT = {"secure": True, "timeout": 3}
STARTTLS = {"secure": False, "timeout": 3}
# One second more than the timeout: what the contract allows.
WAIT = 4.0
# A chain for what the host itself sends.
OWN_FIREWALL = "nft 'add table inet lab; add chain inet lab out {{ type filter hook output priority 0; }}'"


def _submission(place: Place) -> None:
    place.postfix("implicit", 465)
    place.postfix("starttls", 587)


def _submission_both(place: Place) -> None:
    for at in ("ip", "ip6"):
        place.postfix("implicit", 465, at=at)
        place.postfix("starttls", 587, at=at)


ROWS = [
    # Silence.
    Row(
        "drop-465",
        "the provider drops what goes to port 465",
        _submission,
        465,
        IMPLICIT,
        "connection_timeout",
        observed=None,
        seconds=WAIT,
        rules=("ip daddr {ip} tcp dport 465 drop",),
    ),
    Row(
        "drop-25",
        "the provider drops what goes to port 25",
        _submission,
        25,
        STARTTLS,
        "connection_timeout",
        seconds=WAIT,
        rules=("ip daddr {ip} tcp dport 25 drop",),
    ),
    Row(
        "drop-587-shorter-timeout",
        "the provider drops, and the timeout is a second",
        _submission,
        587,
        {"secure": False, "timeout": 1},
        "connection_timeout",
        seconds=2,
        rules=("ip daddr {ip} tcp dport 587 drop",),
    ),
    Row(
        "drop-answers",
        "a firewall near the relay drops its answers",
        _submission,
        465,
        IMPLICIT,
        "connection_timeout",
        seconds=WAIT,
        rules=("ip saddr {ip} tcp sport 465 drop",),
    ),
    Row(
        "drop-this-network",
        "the provider drops everything of this host's network to the relay",
        _submission,
        465,
        IMPLICIT,
        "connection_timeout",
        seconds=WAIT,
        rules=(f"ip saddr {ipv4('red', 0)}/24 ip daddr {{ip}} drop",),
    ),
    Row(
        "drop-clash",
        "port 465 is filtered, and secure is false on it: the message names both",
        at="drop-465",
        port=465,
        ask=STARTTLS,
        cause="connection_timeout",
        seconds=WAIT,
        expect={"message": lambda text: "465" in text},
    ),
    Row(
        "drop-ipv6",
        "the provider drops IPv6 only",
        _submission_both,
        465,
        IMPLICIT,
        None,
        observed="implicit_tls",
        findings=("address_unreachable",),
        seconds=WAIT,
        rules=("ip6 daddr {ip6} drop",),
        names={"drop-ipv6": ("A {ip}", "AAAA {ip6}")},
    ),
    Row(
        "drop-ipv6-only-relay",
        "the provider drops IPv6, and the relay has nothing else",
        at="drop-ipv6",
        port=587,
        host="drop6.lab.test",
        ask=STARTTLS,
        cause="connection_timeout",
        seconds=WAIT,
        names={"drop6": ("AAAA {ip6}",)},
    ),
    Row(
        "full-backlog",
        "the relay's listen queue is full",
        lambda place: place.start(full_backlog(place.ip, 465)),
        465,
        IMPLICIT,
        "connection_timeout",
        seconds=WAIT,
    ),
    Row(
        "full-backlog-587",
        "the relay's listen queue is full",
        lambda place: place.start(full_backlog(place.ip, 587)),
        587,
        STARTTLS,
        "connection_timeout",
        seconds=WAIT,
    ),
    # Refusals.
    Row("nothing-listens", "nothing listens on the port", None, 465, IMPLICIT, "connection_refused", observed=None),
    Row(
        "nothing-listens-587",
        "nothing listens on the port",
        at="nothing-listens",
        port=587,
        ask=STARTTLS,
        cause="connection_refused",
    ),
    Row(
        "nothing-listens-ipv6",
        "nothing listens on the port, over IPv6",
        at="nothing-listens",
        port=465,
        host="{ip6}",
        ask=IMPLICIT,
        cause="connection_refused",
    ),
    Row(
        "reject-reset",
        "a firewall answers with a TCP reset",
        _submission,
        465,
        IMPLICIT,
        "connection_refused",
        rules=("ip daddr {ip} tcp dport 465 reject with tcp reset",),
    ),
    Row(
        "reject-port-unreachable",
        "a firewall answers with ICMP port unreachable",
        _submission,
        587,
        STARTTLS,
        "connection_refused",
        rules=("ip daddr {ip} tcp dport 587 reject with icmp type port-unreachable",),
    ),
    # No way.
    Row(
        "reject-host-unreachable",
        "a router answers with ICMP host unreachable",
        _submission,
        465,
        IMPLICIT,
        "no_route",
        rules=("ip daddr {ip} reject with icmp type host-unreachable",),
    ),
    Row(
        "reject-net-unreachable",
        "a router answers with ICMP network unreachable",
        _submission,
        465,
        IMPLICIT,
        "no_route",
        rules=("ip daddr {ip} reject with icmp type net-unreachable",),
    ),
    Row(
        "reject-no-route-ipv6",
        "a router answers with ICMPv6 no route",
        at="nothing-listens",
        port=2465,
        host="{ip6}",
        ask=IMPLICIT,
        cause="no_route",
        rules=("ip6 daddr {ip6} tcp dport 2465 reject with icmpv6 type no-route",),
    ),
    Row(
        "dead-neighbour",
        "nobody has this address in its network",
        host=ipv4("relays", 1002),
        port=465,
        ask={"secure": True, "timeout": 6},
        cause="no_route",
        seconds=7,
    ),
    Row(
        "no-such-network",
        "the router knows no way to the network",
        host="10.99.0.1",
        port=465,
        ask={"secure": True, "timeout": 4},
        cause="no_route",
    ),
    Row(
        "no-such-network-ipv6",
        "the router knows no way to the IPv6 network",
        host="fd99::1",
        port=587,
        ask={"secure": False, "timeout": 4},
        cause="no_route",
    ),
    Row(
        "local-unreachable",
        "the host's own routes say unreachable",
        _submission,
        465,
        IMPLICIT,
        "no_route",
        on_host=("ip route replace unreachable {ip}",),
    ),
    Row(
        "local-blackhole",
        "the host's own routes have a black hole",
        _submission,
        465,
        IMPLICIT,
        ("no_route", "connection_blocked"),
        on_host=("ip route replace blackhole {ip}",),
    ),
    # Forbidden.
    Row(
        "reject-admin",
        "a firewall answers with ICMP administratively prohibited",
        _submission,
        465,
        IMPLICIT,
        "connection_blocked",
        rules=("ip daddr {ip} tcp dport 465 reject with icmp type admin-prohibited",),
    ),
    Row(
        "reject-admin-587",
        "a firewall answers with ICMP administratively prohibited",
        _submission,
        587,
        STARTTLS,
        "connection_blocked",
        rules=("ip daddr {ip} tcp dport 587 reject with icmp type admin-prohibited",),
    ),
    Row(
        "reject-host-prohibited",
        "a firewall answers with ICMP host prohibited",
        _submission,
        465,
        IMPLICIT,
        "connection_blocked",
        rules=("ip daddr {ip} tcp dport 465 reject with icmp type host-prohibited",),
    ),
    Row(
        "reject-admin-ipv6",
        "a firewall answers with ICMPv6 administratively prohibited",
        at="nothing-listens",
        port=2587,
        host="{ip6}",
        ask=STARTTLS,
        cause="connection_blocked",
        rules=("ip6 daddr {ip6} tcp dport 2587 reject with icmpv6 type admin-prohibited",),
    ),
    Row(
        "local-prohibit",
        "the host's own routes forbid the address",
        _submission,
        465,
        IMPLICIT,
        "connection_blocked",
        on_host=("ip route replace prohibit {ip}",),
    ),
    Row(
        "local-firewall-drop",
        "the host's own firewall drops what leaves for port 465",
        _submission,
        465,
        IMPLICIT,
        ("connection_timeout", "connection_blocked"),
        seconds=WAIT,
        on_host=(OWN_FIREWALL, "nft add rule inet lab out ip daddr {ip} tcp dport 465 drop"),
    ),
    Row(
        "local-firewall-reject",
        "the host's own firewall rejects what leaves for port 587",
        _submission,
        587,
        STARTTLS,
        "connection_blocked",
        on_host=(
            OWN_FIREWALL,
            "nft add rule inet lab out ip daddr {ip} tcp dport 587 reject with icmp type admin-prohibited",
        ),
    ),
    # Cut short.
    Row(
        "reset-on-accept",
        "the relay accepts and resets",
        lambda place: place.listen(reset(), 465, 587),
        587,
        STARTTLS,
        "connection_reset",
    ),
    Row(
        "reset-on-accept-465",
        "the relay accepts and resets",
        at="reset-on-accept",
        port=465,
        ask=IMPLICIT,
        cause="connection_reset",
    ),
    Row(
        "reset-later",
        "the relay accepts, thinks for half a second, resets",
        lambda place: place.listen(reset(0.5), 587),
        587,
        STARTTLS,
        "connection_reset",
    ),
    Row(
        "closed-on-accept",
        "the relay accepts and closes",
        lambda place: place.listen(close(), 465, 587),
        587,
        STARTTLS,
        "connection_closed",
    ),
    Row(
        "closed-on-accept-465",
        "the relay accepts and closes",
        at="closed-on-accept",
        port=465,
        ask=IMPLICIT,
        cause="connection_closed",
    ),
    Row(
        "closed-later",
        "the relay accepts, thinks for half a second, closes",
        lambda place: place.listen(close(0.5), 587),
        587,
        STARTTLS,
        "connection_closed",
    ),
    Row(
        "closed-on-hello",
        "the port closes as soon as it is sent a ClientHello",
        lambda place: place.listen(close_on_client_hello(), 465),
        465,
        IMPLICIT,
        ("tls_handshake_failed", "connection_closed"),
        seconds=6,
    ),
]

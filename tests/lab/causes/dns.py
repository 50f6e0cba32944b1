# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that lead nowhere, or not only where they should."""

from __future__ import annotations

from support.faulty import silent

from ..farm import Place
from ..plan import NETWORKS, ROUTER, ipv4, ipv6
from ..scenario import Row

__all__ = ["ROWS"]

# Addresses of the relays' network that nobody has: the connection finds no neighbour.
NOBODY, NOBODY6 = ipv4("relays", 1001), ipv6("relays", 1001)


def _two_modes(place: Place) -> None:
    certificate = place.issue(
        names=[place.name, "dead6.lab.test", "dead4.lab.test", "ten-first.lab.test", "ten-last.lab.test"]
    )
    for at in ("ip", "ip6"):
        place.postfix("implicit", 465, at=at, certificate=certificate)
        place.postfix("starttls", 587, at=at, certificate=certificate)


def _silent_ipv6(place: Place) -> None:
    place.listen(silent(), 587, at="ip6")
    place.postfix("starttls", 587)


def _ten(first: bool) -> tuple[str, ...]:
    """Nine addresses where nothing listens, and the relay's."""
    closed = (
        [f"A {ipv4(network, ROUTER)}" for network in NETWORKS]
        + [f"AAAA {ipv6(network, ROUTER)}" for network in NETWORKS]
        + [f"A {ipv4('core', 2)}"]
    )
    return ("A {ip}", *closed) if first else (*closed, "A {ip}")


SECURE = {"secure": True}

ROWS = [
    Row(
        "sinkhole",
        "an ad blocker answers 0.0.0.0",
        port=2587,
        ask={"secure": False},
        host="blocked.lab.test",
        names={"blocked": ("A 0.0.0.0",)},
        cause="connection_refused",
        expect={"message": lambda text: "ad blockers" in text},
    ),
    Row(
        "nxdomain",
        "the name does not exist",
        host="no-such-relay.lab.test",
        ask=SECURE,
        port=465,
        cause="name_not_found",
    ),
    Row(
        "nxdomain-typo",
        "a name below a domain that does not exist",
        host="smtp.exmaple.test",
        port=587,
        cause="name_not_found",
    ),
    Row(
        "nodata",
        "the name exists and has no address",
        host="relay.nodata.lab.test",
        port=465,
        ask=SECURE,
        cause="name_not_found",
    ),
    Row(
        "mx-only",
        "a mail domain, which has an MX and no address",
        host="mxonly.lab.test",
        port=465,
        ask=SECURE,
        names={"mxonly": ("MX 10 dns-relay.lab.test.",)},
        cause="name_not_found",
    ),
    Row(
        "only-ipv6-wanted-4",
        "the name has only an IPv6 address, and IPv4 is asked for",
        at="dns-relay",
        host="only6.lab.test",
        port=465,
        ask={"secure": True, "ip_version": "4"},
        names={"only6": ("AAAA {ip6}",)},
        cause="name_not_found",
    ),
    Row(
        "servfail",
        "the name server answers SERVFAIL",
        host="relay.servfail.lab.test",
        port=465,
        ask=SECURE,
        cause="name_server_failure",
        seconds=6,
    ),
    Row(
        "refused-query",
        "the name server refuses the query",
        host="relay.refused.lab.test",
        port=465,
        ask=SECURE,
        cause="name_server_failure",
        seconds=6,
    ),
    Row(
        "silent-resolver",
        "the name server does not answer",
        host="relay.silent.lab.test",
        port=465,
        ask={"secure": True, "timeout": 5},
        cause="name_server_failure",
        seconds=6,
    ),
    Row("dns-relay", "nothing: the relay of the rows below", _two_modes, 465, SECURE, observed="implicit_tls"),
    Row(
        "dead-aaaa",
        "the AAAA record points to nobody",
        at="dns-relay",
        host="dead6.lab.test",
        port=465,
        ask={"secure": True, "timeout": 5},
        names={"dead6": ("A {ip}", f"AAAA {NOBODY6}")},
        observed="implicit_tls",
        findings=("address_unreachable",),
        seconds=6,
    ),
    Row(
        "dead-a",
        "the A record points to nobody",
        at="dns-relay",
        host="dead4.lab.test",
        port=587,
        ask={"secure": False, "timeout": 5},
        names={"dead4": (f"A {NOBODY}", "AAAA {ip6}")},
        observed="starttls",
        findings=("address_unreachable",),
        seconds=6,
    ),
    # The router gives up on a neighbour after three seconds, or later when many ask at once.
    Row(
        "silent-aaaa",
        "what the AAAA record points to takes the connection and says nothing",
        _silent_ipv6,
        587,
        {"secure": False, "timeout": 8},
        names={"silent-aaaa": ("A {ip}", "AAAA {ip6}")},
        observed="starttls",
        findings=("address_silent",),
        seconds=4.0,
    ),
    Row(
        "all-dead",
        "both records point to nobody",
        at="dns-relay",
        host="dead46.lab.test",
        port=465,
        ask={"secure": True, "timeout": 6},
        names={"dead46": (f"A {NOBODY}", f"AAAA {NOBODY6}")},
        cause=("no_route", "connection_timeout"),
        seconds=7,
    ),
    Row(
        "ten-addresses-first",
        "ten addresses, the first of which lives",
        at="dns-relay",
        host="ten-first.lab.test",
        port=465,
        ask=SECURE,
        names={"ten-first": _ten(True)},
        observed="implicit_tls",
        findings=("address_unreachable",),
    ),
    Row(
        "ten-addresses-last",
        "ten addresses, the last of which lives",
        at="dns-relay",
        host="ten-last.lab.test",
        port=465,
        ask=SECURE,
        names={"ten-last": _ten(False)},
        observed="implicit_tls",
        findings=("address_unreachable",),
        seconds=4,
    ),
]

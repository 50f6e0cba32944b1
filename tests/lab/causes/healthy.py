# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays that are well: the gate must open, whatever is unusual about them."""

from __future__ import annotations

from support.faulty import garbage, honest, server_context, smtp

from ..farm import Place
from ..scenario import Row

__all__ = ["ROWS"]


def _all_ports(place: Place) -> None:
    """A Postfix with every mode, on the ports that go with them and on others."""
    certificate = place.issue(ips=[place.ip])
    for port in (465, 2465, 10465, 2500):
        place.postfix("implicit", port, certificate=certificate)
    for port in (25, 587, 2525, 2587, 10587, 4650):
        place.postfix("starttls", port, certificate=certificate)
    place.postfix("opportunistic", 1587, certificate=certificate)
    place.postfix("cleartext", 1025)


def _odd_ports(place: Place) -> None:
    place.postfix("implicit", 587)
    place.postfix("starttls", 465)


def _both_families(place: Place) -> None:
    for at in ("ip", "ip6"):
        place.postfix("implicit", 465, at=at)
        place.postfix("starttls", 587, at=at)


def _needs_sni(place: Place) -> None:
    """Shows its true certificate only to clients that name it (RFC 6066 section 3)."""
    right, wrong = server_context(place.issue()), server_context(place.issue("default.example"))

    def choose(connection: object, name: str | None, _context: object) -> None:
        if name == place.name:
            connection.context = right  # type: ignore[attr-defined]

    wrong.sni_callback = choose
    place.listen(smtp(implicit=honest(wrong)), 465)


def _slow_but_steady(place: Place) -> None:
    context = honest(place.issue())
    place.listen(smtp(greeting_delay=3, starttls=context), 587)
    place.listen(smtp(greeting_delay=3, implicit=context), 465)


STARTTLS = {"secure": False}
IMPLICIT = {"secure": True}

ROWS = [
    Row(
        "postfix",
        "nothing: Postfix, implicit TLS on 465",
        _all_ports,
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={
            "tls.verified": True,
            "tls.version": lambda version: version in ("TLSv1.2", "TLSv1.3"),
            "certificates.0.sans": bool,
        },
    ),
    Row(
        "postfix-587",
        "nothing: Postfix, STARTTLS on 587",
        at="postfix",
        ask=STARTTLS,
        observed="starttls",
        expect={
            "capabilities.after_tls.AUTH": bool,
            "capabilities.before_tls.STARTTLS": lambda value: value is not None,
        },
    ),
    Row("postfix-25", "nothing: STARTTLS on 25", at="postfix", port=25, ask=STARTTLS, observed="starttls"),
    Row("postfix-2525", "nothing: STARTTLS on 2525", at="postfix", port=2525, ask=STARTTLS, observed="starttls"),
    Row(
        "postfix-2587",
        "nothing: STARTTLS on 2587",
        at="postfix",
        port=2587,
        ask={"security": "starttls"},
        observed="starttls",
    ),
    Row(
        "postfix-2465",
        "nothing: implicit TLS on 2465",
        at="postfix",
        port=2465,
        ask={"security": "implicit_tls"},
        observed="implicit_tls",
    ),
    Row(
        "postfix-10465",
        "nothing: implicit TLS on a port without a convention",
        at="postfix",
        port=10465,
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "postfix-10587",
        "nothing: STARTTLS on a port without a convention",
        at="postfix",
        port=10587,
        ask=STARTTLS,
        observed="starttls",
    ),
    Row(
        "postfix-port-as-text",
        "nothing: roles hand the port over as text",
        at="postfix",
        port="465",
        ask={"secure": "true"},
        observed="implicit_tls",
    ),
    Row(
        "postfix-by-address",
        "nothing: the host is an IP address that the certificate names",
        at="postfix",
        port=465,
        host="{ip}",
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "postfix-server-name",
        "nothing: reached by an alias, checked by server_name",
        at="postfix",
        port=465,
        host="alias.lab.test",
        ask={"secure": True, "server_name": "postfix.lab.test"},
        names={"alias": ("A {ip}",)},
        observed="implicit_tls",
    ),
    Row(
        "odd-implicit",
        "nothing: implicit TLS really spoken on 587",
        _odd_ports,
        587,
        IMPLICIT,
        observed="implicit_tls",
        findings=("unconventional_port",),
    ),
    Row(
        "odd-starttls",
        "nothing: STARTTLS really spoken on 465",
        at="odd-implicit",
        port=465,
        ask={"security": "starttls"},
        observed="starttls",
        findings=("unconventional_port",),
    ),
    Row(
        "cleartext-by-name",
        "nothing: cleartext was asked for by name",
        at="postfix",
        port=1025,
        ask={"security": "cleartext"},
        observed="cleartext",
        findings=("auth_offered_in_cleartext",),
    ),
    Row(
        "opportunistic-upgraded",
        "nothing, but the client would go on without TLS",
        at="postfix",
        port=1587,
        ask={"security": "opportunistic"},
        observed="starttls",
        findings=("downgrade_possible",),
    ),
    Row(
        "opportunistic-cleartext",
        "no STARTTLS, and opportunistic asked for",
        at="postfix",
        port=1025,
        ask={"security": "opportunistic"},
        observed="cleartext",
        findings=("downgrade_possible", "auth_offered_in_cleartext"),
    ),
    Row(
        "auto-implicit",
        "nothing: the mode is found out",
        at="postfix",
        port=10465,
        ask={"security": "auto"},
        observed="implicit_tls",
    ),
    Row(
        "auto-starttls",
        "nothing: the mode is found out",
        at="postfix",
        port=10587,
        ask={"security": "auto"},
        observed="starttls",
    ),
    Row(
        "both-families-465",
        "nothing: IPv4 and IPv6",
        _both_families,
        465,
        IMPLICIT,
        observed="implicit_tls",
        names={"both-families-465": ("A {ip}", "AAAA {ip6}")},
        expect={
            "addresses": lambda value: sorted(a["family"] for a in value) in ([4, 6], ["4", "6"], ["ipv4", "ipv6"])
        },
    ),
    Row(
        "both-families-587",
        "nothing: IPv6 only",
        at="both-families-465",
        host="six.lab.test",
        ask={"secure": False, "server_name": "both-families-465.lab.test"},
        names={"six": ("AAAA {ip6}",)},
        observed="starttls",
    ),
    Row(
        "ipv6-literal",
        "nothing: an IPv6 address as host",
        at="both-families-465",
        port=465,
        host="{ip6}",
        ask={"secure": True, "server_name": "both-families-465.lab.test"},
        observed="implicit_tls",
    ),
    Row(
        "ip-version-6",
        "nothing: IPv6 asked for where both are there",
        at="both-families-465",
        port=465,
        ask={"secure": True, "ip_version": "6"},
        observed="implicit_tls",
        expect={"addresses": lambda value: len(value) == 1},
    ),
    Row(
        "sni",
        "nothing: the relay shows its certificate only to clients that send its name",
        _needs_sni,
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "many-greeting-lines",
        "nothing: a greeting of 20 lines",
        lambda place: place.listen(
            smtp(
                greeting="\n".join([*(f"220-notice {i}" for i in range(19)), "220 ready"]),
                starttls=honest(place.issue()),
            ),
            587,
        ),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "binary-greeting",
        "nothing: NUL and 8-bit bytes in the greeting of a test server",
        lambda place: place.listen(garbage(), 1025),
        1025,
        {"security": "cleartext"},
        observed="cleartext",
    ),
    Row(
        "utf8-greeting",
        "nothing: a greeting in UTF-8",
        lambda place: place.listen(smtp(greeting="220 Grüße \u4f60\u597d", starttls=honest(place.issue())), 587),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "slow-greeting-starttls",
        "slow, not silent: the greeting comes after 3 s",
        _slow_but_steady,
        587,
        {"secure": False, "timeout": 8},
        observed="starttls",
        seconds=5.5,
    ),
    Row(
        "slow-greeting-implicit",
        "slow, not silent: the greeting comes 3 s after the handshake",
        at="slow-greeting-starttls",
        port=465,
        ask={"secure": True, "timeout": 8},
        observed="implicit_tls",
        seconds=5.5,
    ),
    Row(
        "postscreen",
        "slow, not silent: postscreen lets 5 s go by within its greeting",
        lambda place: place.postfix("starttls", 25, "screen", greet_wait=5),
        25,
        {"secure": False, "timeout": 12},
        observed="starttls",
        seconds=8,
    ),
    Row(
        "first-syn-lost",
        "the path loses the first packet",
        lambda place: place.postfix("implicit", 465),
        465,
        {"secure": True, "timeout": 8},
        observed="implicit_tls",
        seconds=5,
        rules=(
            "ip daddr {ip} tcp flags & (syn | ack) == syn ip saddr . tcp sport != @seen add @seen {{ ip saddr . tcp sport }} drop",
        ),
    ),
    Row(
        "source-address",
        "nothing: the host's own address is asked for by name",
        at="postfix",
        port=465,
        ask={"secure": True, "source_address": "{{ ansible_host }}"},
        observed="implicit_tls",
    ),
]

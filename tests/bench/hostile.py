# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory and time of a probe of relays that never stop."""

from __future__ import annotations

import pathlib
import typing as t
from collections.abc import Iterator

from tests.support import faulty
from tests.support.pki import Pki

from .measure import plans, run, script

__all__ = ("Flood", "floods")


class Flood(t.NamedTuple):
    """One hostile relay: seconds of wall time, kinds of failure, and the peak of the whole process in megabytes."""

    name: str
    seconds: float
    failure: str
    megabytes: float


def _relays(pki: Pki) -> dict[str, tuple[str, faulty.Behaviour]]:
    """Name -> mode asked for, and what the relay does. The first one is healthy."""
    issued = pki.issue("relay.test", ips=["127.0.0.1"])
    big = pki.issue(
        "relay.test", names=[f"n{number}.relay.test" for number in range(40_000)], ips=["127.0.0.1"], file="megabyte"
    )
    capability = b"250-X-" + b"A" * 40 + b"\r\n"

    def after_ehlo(again: bytes) -> faulty.Behaviour:
        def answer(peer: faulty.Peer) -> None:
            peer.reply("220 faulty.test ESMTP")
            peer.line()
            faulty.endless(b"250-faulty.test\r\n", again)(peer)

        return answer

    def records(peer: faulty.Peer) -> None:
        peer.read()
        faulty.endless(b"", b"\x16\x03\x03\x40\x00" + b"\x02\x00\x4e\x20\x03\x03" + bytes(16378))(peer)

    return {
        "a healthy relay": ("starttls", faulty.smtp(starttls=faulty.honest(issued))),
        "a greeting line without end": ("starttls", faulty.endless()),
        "greeting lines without end": ("starttls", faulty.endless(b"", b"220-more and more and more\r\n" * 1000)),
        "zero bytes without end": ("starttls", faulty.endless(b"", bytes(65536))),
        "EHLO lines without end": ("starttls", after_ehlo(capability * 1000)),
        "one EHLO line without end": ("starttls", after_ehlo(b"A" * 65536)),
        "a greeting without end, over TLS": ("implicit_tls", faulty.sequence(faulty.honest(issued), faulty.endless())),
        "lines without end, over TLS": (
            "implicit_tls",
            faulty.sequence(faulty.honest(issued), faulty.endless(b"", b"220-more\r\n" * 1000)),
        ),
        "a certificate of a megabyte": ("implicit_tls", faulty.smtp(implicit=faulty.honest(big))),
        "TLS records without end": ("implicit_tls", records),
        "a byte a record, 20 a second": ("implicit_tls", faulty.drip_records(0.05)),
        "one byte a second": ("starttls", faulty.drip()),
        "silence": ("starttls", faulty.silent()),
    }


def floods(pki: Pki, ca_file: pathlib.Path, timeout: float) -> Iterator[Flood]:
    """Probe each of them with this timeout."""
    for name, (security, behaviour) in _relays(pki).items():
        with faulty.FaultyServer(behaviour) as server:
            _took, printed = run(
                [*script("probe", plans(1, server.host, server.port, security, ca_file, timeout=timeout)), "memory"]
            )
        told, kilobytes = printed.splitlines()
        seconds, failure = told.split(" ", 1)
        yield Flood(name, float(seconds), failure, int(kilobytes) / 1024)

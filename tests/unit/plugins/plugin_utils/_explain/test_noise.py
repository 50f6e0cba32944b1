# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and letters that stand in a log by chance are no reply code, port, errno or word: bytes, addresses, ids, times, sizes."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples

# What could be taken for something: reply codes, ports, errno.
NUMBERS = (25, 22, 53, 110, 111, 104, 113, 421, 443, 450, 454, 465, 530, 535, 550, 554, 587, 5432, 10060, 10061)
# Bytes whose hex digits are ports and words ("db", "feed", "25", "46 5f", "58 7a").
BYTES = (0x25, 0x46, 0x5F, 0x58, 0x7A, 0xDB, 0xFE, 0xED, 0x53, 0x55, 0x22)
KINDS: tuple[Callable[[bytes, int], str], ...] = (
    lambda data, _: f"pubkey: <Buffer {data.hex(' ')} ... 15 more bytes>",
    lambda data, _: f'raw: {{"type":"Buffer","data":[{",".join(map(str, data))}]}}',
    lambda data, _: f"data: [ {', '.join(map(str, data))} ]",
    lambda data, _: f"serialNumber: '{data.hex().upper()}'",
    lambda data, _: f"serial: {int.from_bytes(data[:16], 'big')}",
    lambda data, _: f"fingerprint256: '{data.hex(':').upper()}'",
    lambda data, _: f"object at 0x{data[:6].hex()}",
    lambda data, _: f"request {uuid.UUID(bytes=data[:16])}",
    lambda data, _: (
        f"-----BEGIN CERTIFICATE-----\n  {base64.b64encode(data * 3).decode()}\n  -----END CERTIFICATE-----"
    ),
    lambda data, _: f"0000 - {data[:16].hex(' ')}   ..U....%.F.X.",
    lambda data, _: f"00000010  {data[:8].hex(' ')}  {data[8:16].hex(' ')}  |....|",
    lambda data, _: " ".join(data[at : at + 2].hex() for at in range(0, 16, 2)),
    # Groups of an address have four digits at most.
    lambda data, number: f"peer 2001:db8:{number % 10000}:{data[:2].hex()}:{number % 10000}::{number % 10000}",
    lambda data, number: (
        f"remote [{number % 10000}:{number % 10000}:db8:{data[:2].hex()}:{number % 10000}:feed:fe80:{number % 10000}]"
    ),
    lambda data, _: f"mac {data[:6].hex(':')}",
    lambda data, _: f"traceId={data[:16].hex()} spanId={data[:8].hex()}",
    lambda data, _: f'etag W/"{data[:5].hex()}", commit {data[:4].hex()}',
    lambda data, _: f"sha256:{base64.b64encode(data).decode()}",
    lambda data, number: f"X-Request-Id: {data[:10].hex()}-{number}",
    lambda _, number: f"pid={number}",
    lambda _, number: f"worker[{number}]",
    lambda _, number: f"took {number}ms, rss {number} MB, Thread-{number}",
    lambda _, number: f"ts=1764{number:06}.{number}",
    lambda _, number: f"id=<5.7.8.{number}@host.example.com> v5.7.8",
    lambda _, number: f"from 192.0.2.1:5{number % 1000:03}",
    lambda _, number: f"goroutine {number} [running], fd {number}, seq={number}",
)
ERRORS = (
    "Error: self-signed certificate {{ code: 'ESOCKET', command: 'CONN', {} }}",
    "Error: connect ECONNREFUSED 192.0.2.9:587 {{ code: 'ESOCKET', command: 'CONN', {} }}",
    "Error: Invalid login: 535 5.7.8 Error: authentication failed {{ code: 'EAUTH', command: 'AUTH PLAIN', {} }}",
    "Error: getaddrinfo ENOTFOUND smtp.exmaple.com {{ code: 'EDNS', command: 'CONN', {} }}",
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed ({})",
    "mail: dial tcp 192.0.2.1:465: i/o timeout {}",
    "SMTP error: tls: first record does not look like a TLS handshake\n  {}",
)
BYTE = st.one_of(st.sampled_from(BYTES), st.integers(0, 255))
DATA = st.lists(BYTE, min_size=20, max_size=40).map(bytes)


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(ERRORS), DATA, st.integers(0, len(KINDS) - 1), st.sampled_from(NUMBERS))
@example(ERRORS[-1], bytes.fromhex("87ed102522555387feed1125539310db") * 2, 11, 25)
@example(ERRORS[-1], bytes(20), 12, 22)
@example(ERRORS[-1], bytes(20), 13, 443)
@example(ERRORS[-1], bytes(20), 21, 535)
def test_an_error_says_the_same_beside_it(error: str, data: bytes, kind: int, number: int) -> None:
    plain, noisy = explain(error.format("")), explain(error.format(KINDS[kind](data, number)))
    assert plain["cause"] is not None
    for key in ("cause", "confidence", "status", "total"):
        assert noisy[key] == plain[key], key


@settings(max_examples=examples(80), deadline=None)
@given(DATA, st.integers(0, len(KINDS) - 1), st.sampled_from(NUMBERS))
def test_alone_it_says_nothing(data: bytes, kind: int, number: int) -> None:
    said = KINDS[kind](data, number).replace("\n", " ")
    assert explain(f"smtp: [debug] {said}")["cause"] is None
    failed = "2026-03-04T08:13:09Z [error]: Mail could not be sent: 535 5.7.8 authentication failed"
    answer = explain([failed, f"2026-03-04T08:13:10Z [info]: {said}"])
    assert [(each["cause"], each["count"]) for each in answer["causes"]] == [("auth_rejected", 1)]

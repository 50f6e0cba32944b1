# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays that never stop: memory stays bounded, the deadline holds to within a second, the cause is clear, nothing is raised.

Each probe runs in a process of its own, as it does on a managed host, and tells the most memory that it ever had.
"""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge
from cryptography.hazmat.primitives import serialization

from tests.support.faulty import (
    Behaviour,
    FaultyServer,
    Peer,
    drip,
    drip_records,
    endless,
    honest,
    sequence,
    server_context,
    smtp,
)
from tests.support.pki import Issued, Pki

TIMEOUT = 3.0
UNREADABLE = "the relay sent a certificate that cannot be read"
MEGABYTES = 24  # what a probe may need beyond Python itself

PROBE = """
import json, sys
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
plan, login = json.load(sys.stdin)
pool = ContextPool()
pool.get(plan).context()
before = peak()
(found,) = observe([plan], [login and tuple(login)], pool)
print(json.dumps({"found": found, "grown": peak() - before}))
"""


@dataclasses.dataclass
class Case:
    """A relay, how it is asked, and the verdict."""

    behaviour: Behaviour
    mode: str
    cause: str
    says: str = ""
    login: bool = False
    message: str | None = None

    @property
    def timeout(self) -> float:
        """Seconds. What is ended by a limit gets far more time than a busy machine needs to reach it."""
        return 20.0 if "without end" in self.says else TIMEOUT


def flood(data: bytes, after: int = 1) -> Behaviour:
    """Read so many times, then these bytes without end."""

    def run(peer: Peer) -> None:
        for _read in range(after):
            peer.read()
        block = data * max(1, 65536 // len(data))
        while True:
            peer.send(block)

    return run


def singly(first: bytes, data: bytes) -> Behaviour:
    """Every piece in a segment, and over TLS in a record, of its own."""

    def run(peer: Peer) -> None:
        peer.send(first)
        while True:
            peer.send(data)

    return run


def challenges(text: str) -> Behaviour:
    """AUTH that never comes to an end."""

    def run(peer: Peer) -> None:
        peer.reply("220 endless.test ESMTP")
        peer.line()
        peer.reply("250-endless.test\n250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256")
        while True:
            peer.line()
            peer.reply(f"334 {text}")

    return run


def scram(peer: Peer) -> None:
    """The most rounds that are taken, and a salt of half a kilobyte."""
    peer.reply("220 slow.test ESMTP")
    peer.line()
    peer.reply("250-slow.test\n250 AUTH SCRAM-SHA-256")
    first = base64.b64decode(peer.line().split(" ")[2]).decode()
    salt = base64.b64encode(b"x" * 400).decode()
    peer.reply("334 " + base64.b64encode(f"r={first.partition('r=')[2]}y,s={salt},i=500000".encode()).decode())
    peer.line()
    peer.reply("535 5.7.8 no")


def deaf(peer: Peer) -> None:
    """Takes DATA, then reads no more."""
    peer.reply("220 deaf.test ESMTP")
    while True:
        verb = peer.line().split(" ")[0].upper()
        if verb == "DATA":
            peer.reply("354 go")
            peer.pause(30)
        peer.reply("250 ok")


def shows(*certificates: bytes) -> Behaviour:
    """A TLS 1.2 server that sends these bytes as its certificates, which no TLS library would load for it."""

    def sized(data: bytes, octets: int) -> bytes:
        return len(data).to_bytes(octets, "big") + data

    def message(kind: int, body: bytes) -> bytes:
        return bytes([kind]) + sized(body, 3)

    # RFC 5246, 7.4.1.3: version, random, no session, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, no compression; RFC 5746: renegotiation_info.
    hello = b"\x03\x03" + bytes(range(32)) + b"\x00\xc0\x2f\x00" + sized(b"\xff\x01\x00\x01\x00", 2)
    chain = sized(b"".join(sized(der, 3) for der in certificates), 3)
    stream = message(2, hello) + message(11, chain) + message(14, b"")

    def run(peer: Peer) -> None:
        peer.read()
        for start in range(0, len(stream), 16384):
            peer.send(b"\x16\x03\x03" + sized(stream[start : start + 16384], 2))
        peer.read()

    return run


def cases(pki: Pki, good: Issued) -> dict[str, Case]:
    """The table. The huge certificate: 40000 names, 0.9 MB, more than TLS libraries take."""
    huge = pki.issue(
        "localhost", names=["localhost", *(f"a-name-without-meaning-{number}.test" for number in range(30000))]
    )
    wide = pki.issue("localhost", names=["localhost", *(f"n{number}.test" for number in range(3000))])
    tickets = server_context(good)
    tickets.num_tickets = 60000
    stripped = server_context(good, maximum=ssl.TLSVersion.TLSv1_2)
    tls, offer = honest(good), smtp(starttls=flood(b"x", 0))
    der = good.certificate.public_bytes(serialization.Encoding.DER)
    record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"x" * 16380
    return {
        "endless line": Case(endless(), "starttls", "not_smtp", "a line without end"),
        "endless lines": Case(
            endless("220-x\r\n", "220-more\r\n" * 5000), "starttls", "not_smtp", "a reply without end"
        ),
        "endless replies": Case(
            endless("220 x\r\n250 ok\r\n", "250 ok\r\n" * 8000), "starttls", "ehlo_rejected", "out of step"
        ),
        "endless line over TLS": Case(sequence(tls, endless()), "implicit_tls", "not_smtp", "a line without end"),
        "endless lines over TLS 1.2": Case(
            sequence(honest(stripped), endless("220-x\r\n", "220-more\r\n" * 5000)),
            "implicit_tls",
            "not_smtp",
            "a reply without end",
        ),
        "one byte a record": Case(
            sequence(tls, singly(b"220 ", b"x")), "implicit_tls", "not_smtp", "a line without end"
        ),
        "endless EHLO": Case(smtp(ehlo="250-a\n" * 200000), "starttls", "ehlo_rejected", "without end"),
        "one EHLO line of 100 MB": Case(
            smtp(ehlo="250-" + "A" * 100_000_000), "starttls", "ehlo_rejected", "without end"
        ),
        "no line at all": Case(endless(b"\0" * 65536, b"\0" * 65536), "starttls", "not_smtp"),
        "flood after STARTTLS": Case(offer, "starttls", "tls_handshake_failed", "went on in cleartext"),
        "empty records": Case(flood(b"\x16\x03\x03\x00\x00"), "implicit_tls", "tls_handshake_failed"),
        "endless ChangeCipherSpec": Case(flood(b"\x14\x03\x03\x00\x01\x01"), "implicit_tls", "not_smtp"),
        "endless warnings": Case(flood(b"\x15\x03\x03\x00\x02\x01\x5a"), "implicit_tls", "tls_handshake_failed"),
        "a handshake message of 16 MB": Case(
            flood(b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff" + b"x" * 16380), "implicit_tls", "tls_handshake_failed"
        ),
        "garbage records": Case(flood(record), "implicit_tls", "tls_handshake_failed"),
        "garbage records on a cleartext port": Case(flood(record), "starttls", "mode_mismatch"),
        "a certificate of a megabyte": Case(
            sequence(honest(huge), smtp()), "implicit_tls", "tls_handshake_failed", "excessive"
        ),
        "a certificate of 60 kilobytes": Case(
            sequence(honest(wide), smtp(greeting="554 no")), "implicit_tls", "greeting_rejected"
        ),
        "rubbish for a certificate": Case(
            shows(b"\x1b]0;x\x07{{ x }}" * 50), "implicit_tls", "tls_handshake_failed", UNREADABLE
        ),
        "half a certificate": Case(shows(der[: len(der) // 2]), "implicit_tls", "tls_handshake_failed", UNREADABLE),
        "a certificate that says it is 2 GB": Case(
            shows(b"\x30\x84\x7f\xff\xff\xff" + der), "implicit_tls", "tls_handshake_failed", UNREADABLE
        ),
        "a certificate of 15000 levels": Case(
            shows(b"\x30\x80" * 15000), "implicit_tls", "tls_handshake_failed", UNREADABLE
        ),
        "rubbish behind a certificate": Case(
            shows(der, b"\x30\x03\x02\x01"), "implicit_tls", "tls_handshake_failed", UNREADABLE
        ),
        "no certificate": Case(shows(), "implicit_tls", "tls_handshake_failed", "length mismatch"),
        "endless session tickets": Case(
            sequence(honest(tickets), smtp()), "implicit_tls", "not_smtp", "a stream without end"
        ),
        "a dripped ServerHello": Case(drip_records(0.001), "implicit_tls", "tls_handshake_timeout", "in the middle"),
        "a dripped greeting": Case(drip(seconds=0.05), "starttls", "greeting_timeout"),
        "endless challenges": Case(
            sequence(tls, challenges("AAAA")), "implicit_tls", "auth_rejected", "334", login=True
        ),
        "endless long challenges": Case(
            sequence(tls, challenges("A" * 8000)), "implicit_tls", "auth_rejected", "334", login=True
        ),
        "an expensive SCRAM": Case(sequence(tls, scram), "implicit_tls", "auth_rejected", "535 5.7.8", login=True),
        "a flood for an answer to AUTH": Case(
            sequence(tls, smtp(mechanisms=["PLAIN"], replies={"AUTH": "535-no\n" * 100000})),
            "implicit_tls",
            "auth_rejected",
            "without end",
            login=True,
        ),
        "a deaf relay": Case(
            sequence(tls, deaf),
            "implicit_tls",
            "message_rejected",
            "did not say whether it took the message",
            message="x" * 78 + "\r\n",
        ),
    }


@dataclasses.dataclass
class Outcome:
    """What one probe did."""

    grown: float
    seconds: float
    stderr: str
    probe: dict[str, t.Any]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Case, Outcome]]:
    pki = Pki(pathlib.Path(tmp_path_factory.mktemp("hostile")))
    table = cases(pki, pki.issue("localhost", ips=["127.0.0.1"]))
    assert list(table) == NAMES
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda case: probe(case, str(pki.ca_file)), table.values())
        return {name: (table[name], outcome) for name, outcome in zip(table, done)}


def probe(case: Case, ca_file: str) -> Outcome:
    """Start the relay, probe it from a new process, judge what came back."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(FaultyServer(case.behaviour))
        settings = Settings("localhost", server.port, case.mode, ca_path=ca_file, timeout=case.timeout, ip_version="4")
        message = case.message and {
            "sender": "a@example.com",
            "recipients": ["b@example.com"],
            "message": case.message * 60000,
            "deliver": True,
        }
        plan = plan_of(settings, Policy(), transaction=message)
        login = ["app", "hunter2-S3cret", None] if case.login else None
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            input=json.dumps([plan, login]),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=_environment(),
        )
        seconds = time.monotonic() - started
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    facts = HostFacts(datetime.datetime.now(datetime.UTC))
    return Outcome(answer["grown"], seconds, done.stderr, judge(settings, answer["found"], Policy(), facts))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}


NAMES = [
    "endless line", "endless lines", "endless replies", "endless line over TLS", "endless lines over TLS 1.2",
    "one byte a record", "endless EHLO", "one EHLO line of 100 MB", "no line at all", "flood after STARTTLS",
    "empty records", "endless ChangeCipherSpec", "endless warnings", "a handshake message of 16 MB",
    "garbage records", "garbage records on a cleartext port", "a certificate of a megabyte",
    "a certificate of 60 kilobytes", "rubbish for a certificate", "half a certificate",
    "a certificate that says it is 2 GB", "a certificate of 15000 levels", "rubbish behind a certificate",
    "no certificate", "endless session tickets", "a dripped ServerHello", "a dripped greeting", "endless challenges",
    "endless long challenges", "an expensive SCRAM", "a flood for an answer to AUTH", "a deaf relay",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hostile(outcomes: dict[str, tuple[Case, Outcome]], name: str) -> None:
    case, outcome = outcomes[name]
    assert outcome.stderr == ""
    assert outcome.probe["elapsed_ms"] < (case.timeout + 1) * 1000
    assert outcome.grown < MEGABYTES + len(case.message or "") * 60000 * 6 / 1e6, f"{outcome.grown:.0f} MB"
    assert (outcome.probe["cause"], case.says in outcome.probe["message"]) == (case.cause, True), outcome.probe[
        "message"
    ]
    assert len(json.dumps(outcome.probe)) < 400_000

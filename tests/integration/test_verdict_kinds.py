# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From real relays to the sentence: kinds of faults that were told wrongly, each by the whole way from the engine to the action."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import ssl
import typing as t
from collections.abc import Callable

import pytest

from tests.support.acting import Host, act
from tests.support.faulty import Behaviour, FaultyServer, Peer, honest, say, sequence, server_context, silent, smtp
from tests.support.pki import Issued, Pki

TLS_1_2 = ssl.TLSVersion.TLSv1_2


@dataclasses.dataclass(frozen=True)
class World:
    pki: Pki
    good: Issued
    rsa: Issued


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    pki = Pki(pathlib.Path(tmp_path_factory.mktemp("kinds")))
    good, rsa = (pki.issue("localhost", ips=["127.0.0.1"], key_type=kind) for kind in ("ec", "rsa"))
    return World(pki, good, rsa)


def wants_certificate(world: World, highest: ssl.TLSVersion | None) -> ssl.SSLContext:
    return server_context(world.good, maximum=highest, client_ca=str(world.pki.ca_file))


def anonymous(world: World) -> ssl.SSLContext:
    """A server without a certificate: anonymous Diffie-Hellman, which every OpenSSL still has."""
    context = server_context(world.good, maximum=TLS_1_2)
    context.set_ciphers("AECDH:ADH:@SECLEVEL=0")
    return context


def old_suites(world: World) -> ssl.SSLContext:
    return server_context(world.rsa, maximum=TLS_1_2, ciphers="AES256-SHA:@SECLEVEL=0")


def ends_after_ehlo(peer: Peer) -> None:
    """What an access list that drops does: it says why, and is gone."""
    peer.reply("220 relay.test ESMTP")
    peer.line()
    peer.reply("550 5.7.1 no mail from your network")


def answers_late(peer: Peer) -> None:
    """A front that greets by itself and then lets the relay's own greeting through."""
    peer.reply("220 front ESMTP")
    peer.line()
    peer.reply("220 relay ESMTP")
    peer.line()
    peer.reply("250-relay\n250 STARTTLS")
    peer.pause(1)


class Case(t.NamedTuple):
    """A relay, how it is asked, and what must be said: a part of the message and of the remedy, and a finding."""

    serve: Callable[[World], Behaviour]
    secure: bool
    cause: str | None
    says: str = ""
    remedy: str = ""
    finding: str = ""
    options: dict[str, t.Any] = {}


def implicit(context: Callable[[World], ssl.SSLContext]) -> Callable[[World], Behaviour]:
    return lambda world: smtp(implicit=honest(context(world)))


def starttls(context: Callable[[World], ssl.SSLContext]) -> Callable[[World], Behaviour]:
    return lambda world: smtp(starttls=honest(context(world)))


CASES = {
    "a second greeting": Case(lambda _world: answers_late, False, "ehlo_rejected", "greets a second time", "proxy"),
    "two greetings at once": Case(
        lambda _world: say("220 front ESMTP\r\n220 relay ESMTP\r\n"), False, "ehlo_rejected", "out of step", "PROXY protocol"
    ),
    "421 behind the greeting": Case(
        lambda _world: say("220 relay ESMTP\r\n421 4.7.0 Too many connections\r\n"), False, "temporarily_rejected", "limit"
    ),
    "client certificate, TLS 1.3": Case(implicit(lambda world: wants_certificate(world, None)), True, "client_certificate_required"),
    "client certificate, TLS 1.2": Case(
        implicit(lambda world: wants_certificate(world, TLS_1_2)), True, "client_certificate_required"
    ),
    "client certificate behind STARTTLS": Case(
        starttls(lambda world: wants_certificate(world, None)), False, "client_certificate_required"
    ),
    "no certificate": Case(implicit(anonymous), True, "tls_handshake_failed", "no certificate", "certificate"),
    "no certificate, not verified": Case(
        starttls(anonymous), False, "tls_handshake_failed", "no certificate", options={"validate_certs": False}
    ),
    "old cipher suites": Case(implicit(old_suites), True, None, finding="tls_ciphers_old"),
    "version 1": Case(
        lambda world: smtp(implicit=honest(world.pki.issue("localhost", version=1))),
        True, None, finding="certificate_without_names", options={"host": "localhost", "ip_version": "4"},
    ),
    "dropped at EHLO": Case(lambda _world: ends_after_ehlo, False, "ehlo_rejected", "'550 5.7.1 no mail from your network'"),
    "silence behind TLS": Case(
        lambda world: smtp(starttls=sequence(honest(world.good), silent())),
        False, "ehlo_rejected", "finished the TLS handshake", "inside TLS", options={"timeout": 2},
    ),
    "a refusal for everybody": Case(
        lambda _world: smtp(greeting="554 5.7.1 not you"), True, "greeting_rejected", "'554 5.7.1 not you'"
    ),
    "a login that is not offered": Case(
        lambda world: smtp(implicit=honest(world.good)), True, "auth_not_offered", options={"username": "app", "password": "s3cret"}
    ),
    "only tokens": Case(
        lambda world: smtp(implicit=honest(world.good), mechanisms=["XOAUTH2"]),
        True, "auth_mechanism_not_offered", "XOAUTH2 is offered", "XOAUTH2", options={"username": "app", "password": "s3cret"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_kinds(world: World, name: str) -> None:
    case = CASES[name]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(FaultyServer(case.serve(world)))
        answer = act("smtp_gate", Host(), **{
            "host": "127.0.0.1", "port": server.port, "secure": case.secure, "ca_path": str(world.pki.ca_file), "timeout": 6,
            "alternatives": [], **case.options,
        })  # fmt: skip
    probe = answer["probes"][0]
    assert (probe["cause"], probe["ok"]) == (case.cause, case.cause is None), probe["message"]
    assert case.says in (probe["message"] or "") and case.remedy in (probe["remedy"] or ""), (
        probe["message"],
        probe["remedy"],
    )
    assert not case.finding or case.finding in [finding["code"] for finding in probe["findings"]]
    if "TLS" in name:
        assert "firewall" not in probe["remedy"]

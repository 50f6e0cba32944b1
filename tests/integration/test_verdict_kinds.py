# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From real relays to the sentence: kinds of faults that were told wrongly, each by the whole way from the engine to the action."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import pathlib
import re
import ssl
import typing as t
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


def only_cbc(world: World) -> ssl.SSLContext:
    return server_context(world.rsa, maximum=TLS_1_2, ciphers="ECDHE-RSA-AES256-SHA384")


def old_version(world: World) -> ssl.SSLContext:
    return server_context(world.rsa, maximum=ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0")


# A safe prime of 1024 bits, as old relays still have it.
SMALL_GROUP = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAPQZa/xySFbkSjtQPy/JCfmtFPMbP6R0EGCs6g6nGloNhQAKdjRq94r4
nBtp/4X83JhcpOz/ipJIavI14H4Ac5Ahmguoa+YvW8YXl5dTH0muglADNP5C02bP
SYWzM4TfjqzMF9xHQI1OSRaNd62xBLPYC6FbOz7AsKs+S6dv8T3vAgEC
-----END DH PARAMETERS-----
"""
# ffdhe2048 (RFC 7919 appendix A.1).
SOUND_GROUP = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


def finite_field(world: World, small: bool) -> ssl.SSLContext:
    """A server that has nothing but DHE."""
    context = server_context(world.rsa, maximum=TLS_1_2, ciphers="DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    context.load_dh_params(str(world.pki.write("group.dh", (SMALL_GROUP if small else SOUND_GROUP).encode())))
    return context


def misissued(world: World, kind: str) -> ssl.SSLContext:
    """A certificate that a trusted CA may not issue so, or that is broken: made here, as no sound CA makes it."""
    now, key = datetime.datetime.now(datetime.UTC), ec.generate_private_key(ec.SECP256R1())
    above = {"below a CA that may sign no CA": 0, "by a CA for other names": 1, "by a CA that may not sign": 2}.get(
        kind
    )

    def made(name: str, public: t.Any, issuer: x509.Name, signer: t.Any, *extensions: t.Any) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder().subject_name(named(name)).issuer_name(issuer).public_key(public.public_key())
        )
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(9))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    names = (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    root, chain, issuer, signer = world.pki.root, [], world.pki.root.certificate.subject, world.pki.root.key
    if above is not None:
        signing = x509.KeyUsage(True, False, False, False, False, above != 2, True, False, False)
        limits = x509.NameConstraints([x509.DNSName("example.org")], None) if above == 1 else None
        usual = [(x509.BasicConstraints(True, 0 if above == 0 else None), True), (signing, True)]
        middle_key = ec.generate_private_key(ec.SECP256R1())
        middle = made("limited CA", middle_key, issuer, root.key, *usual, *([(limits, True)] if limits else []))
        chain, issuer, signer = [middle], middle.subject, middle_key
    if above == 0:
        lower_key = ec.generate_private_key(ec.SECP256R1())
        lower = made("one CA too many", lower_key, issuer, signer, (x509.BasicConstraints(True, None), True))
        chain, issuer, signer = [lower, *chain], lower.subject, lower_key
    more = {
        "an extension nobody knows": (
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"),
            True,
        ),
        "for clients only": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
    }.get(kind)
    if kind == "another key's signature":
        signer = ec.generate_private_key(ec.SECP256R1())
    leaf = made("localhost", key, issuer, signer, names, *([more] if more else []))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = world.pki.write("misissued.pem", secret, *(one.public_bytes(Encoding.PEM) for one in (leaf, *chain)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


# What is not a matter of trust: what the message says, and never "put the CA into ca_path".
MISISSUED = {
    "below a CA that may sign no CA": "path length constraint exceeded",
    "by a CA for other names": "permitted subtree violation",
    "by a CA that may not sign": "invalid CA certificate|key ?usage",
    "an extension nobody knows": "holds a critical extension that this host",
    "for clients only": "unsuitable certificate purpose|unsupported certificate purpose",
    "another key's signature": "certificate signature failure",
}


@pytest.mark.parametrize("kind", MISISSUED)
def test_certificates_that_no_trust_would_mend(world: World, kind: str) -> None:
    with FaultyServer(smtp(implicit=honest(misissued(world, kind)))) as server:
        answer = act("smtp_gate", Host(), host="localhost", port=server.port, secure=True, ip_version="4", timeout=6,
                     ca_path=str(world.pki.ca_file), alternatives=[])  # fmt: skip
    probe = answer["probes"][0]
    assert probe["cause"] == "certificate_untrusted" and re.search(MISISSUED[kind], probe["message"]), probe["message"]
    assert "ca_path" not in probe["remedy"]


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
    "a small group": Case(
        implicit(lambda world: finite_field(world, small=True)), True, "tls_handshake_failed", "it has 1024 bits", "Node.js"
    ),
    "finite field": Case(implicit(lambda world: finite_field(world, small=False)), True, None, finding="tls_ciphers_old"),
    "old cipher suites, and an app of rustls": Case(
        implicit(old_suites), True, "tls_handshake_failed", "but Vaultwarden refuses its TLS", "another relay",
        finding="tls_ciphers_old", options={"apps": ["pangolin", {"app": "vaultwarden", "path": "/x"}]},
    ),
    "old cipher suites, and an app of Node.js": Case(
        implicit(old_suites), True, None, finding="tls_ciphers_old", options={"apps": ["pangolin"]}
    ),
    "CBC with SHA-2, and an app of rustls": Case(
        starttls(only_cbc), False, "tls_handshake_failed", "Vaultwarden refuses its TLS", finding="tls_ciphers_old",
        options={"apps": [{"app": "vaultwarden", "path": "/x"}]},
    ),
    "CBC with SHA-2, and an app of Go, which takes it with SHA-1": Case(
        starttls(only_cbc), False, None, finding="tls_ciphers_old", options={"apps": ["vikunja"]}
    ),
    "an old version that is allowed, and an app of rustls": Case(
        starttls(old_version), False, "tls_handshake_failed", "Vaultwarden refuses its TLS",
        options={"apps": [{"app": "vaultwarden", "path": "/x"}], "minimum_tls_version": "TLSv1"},
    ),
    "no names, and an app of Go": Case(
        lambda world: smtp(implicit=honest(world.pki.issue("localhost", names=[]))),
        True, "certificate_name_mismatch", "Vikunja refuses", options={"host": "localhost", "ip_version": "4", "apps": ["vikunja"]},
    ),
    "a login that the app cannot do": Case(
        lambda world: smtp(implicit=honest(world.good), mechanisms=["PLAIN"]),
        True, "auth_mechanism_not_offered", "dma can do LOGIN, CRAM-MD5", "another relay",
        options={"username": "app", "password": "s3cret", "apps": ["dma"]},
    ),
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

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours of known faults: servers that follow a script of replies, each with the one cause and sentence that is right.

All rows run in one process and a few threads; a row that is not meant to hang ends by what the server says.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import ipaddress
import pathlib
import re
import select
import ssl
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.acting import Host, act
from tests.support.faulty import (
    Behaviour,
    FaultyServer,
    Peer,
    alert,
    honest,
    in_turn,
    plaintext,
    say,
    server_context,
    silent,
    smtp,
)
from tests.support.pki import EXPIRED, Issued, Pki

Step = str | Behaviour
LINE, CLOSE, MESSAGE = "(read a line)", "(close)", "(read a message)"
EHLO, OFFERS = (LINE, "250-r\n250 SIZE 1000"), (LINE, "250-r\n250 STARTTLS")
LOGIN = {"username": "app", "password": "s3cret"}


@dataclasses.dataclass(frozen=True)
class World:
    pki: Pki
    good: Issued

    @property
    def tls(self) -> Behaviour:
        return honest(self.good)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    pki = Pki(pathlib.Path(tmp_path_factory.mktemp("neighbours")))
    return World(pki, pki.issue("localhost", ips=["127.0.0.1"]))


def script(*steps: Step) -> Behaviour:
    """Each text is sent as a reply; then nothing more is said until the client leaves."""

    def run(peer: Peer) -> None:
        for step in steps:
            if not isinstance(step, str):
                step(peer)
            elif step == LINE:
                peer.line()
            elif step == MESSAGE:
                while peer.line() != ".":
                    pass
            elif step == CLOSE:
                return
            else:
                peer.reply(step)
        peer.drain()

    return run


def close_notify(peer: Peer) -> None:
    """An ordered end of TLS."""
    with contextlib.suppress(OSError):  # what comes back is not waited for
        t.cast(ssl.SSLSocket, peer.sock).unwrap()


def pause(seconds: float) -> Behaviour:
    return lambda peer: peer.pause(seconds)


def for_a_proxy(then: Behaviour) -> Behaviour:
    """Hangs up on whoever does not begin with a PROXY protocol header."""

    def run(peer: Peer) -> None:
        data = peer.sock.recv(16384)
        if data.startswith(b"PROXY "):
            peer.buffer = data.partition(b"\r\n")[2]
            if not peer.buffer:
                then(peer)
                return
            peer.send(ALERT)  # the ClientHello came along

    return run


def for_a_proxy_only(then: Behaviour, version: int = 1) -> Behaviour:
    """As Postfix with smtpd_upstream_proxy_protocol: whatever else comes, or nothing, is 421; ``version`` of the header that it knows."""

    def run(peer: Peer) -> None:
        data = peer.sock.recv(16384)
        header, rest = (data[:16], data[16:]) if version == 2 else data.partition(b"\r\n")[::2]
        if header.startswith((b"PROXY TCP4 127.0.0.1 127.0.0.1 ", b"\r\n\r\n\0\r\nQUIT\n\x20")[version - 1]):
            peer.buffer = rest
            then(peer)
        else:
            peer.reply("421 4.3.0 relay.test Server local error")

    return run


def silent_but_for_a_proxy(then: Behaviour) -> Behaviour:
    """Waits for a line that tells of a connection, and says nothing to whatever else comes."""

    def run(peer: Peer) -> None:
        if re.fullmatch(r"PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+", peer.line()):
            then(peer)
        else:
            peer.drain()

    return run


def as_sslh(seconds: float, then: Behaviour) -> Behaviour:
    """Hangs up on TLS; greets who speaks first at once, and who is silent after some seconds."""

    def run(peer: Peer) -> None:
        if select.select([peer.sock], [], [], seconds)[0]:
            peer.buffer = peer.sock.recv(16384)
            if not peer.buffer or peer.buffer.startswith(b"\x16"):
                return
        then(peer)

    return run


def exim_for_a_proxy(then: Behaviour, tls: bool = False) -> Behaviour:
    """As Exim's hosts_proxy: 14 bytes are read for the header, or three seconds pass; after that it greets, and refuses every command."""

    def run(peer: Peer) -> None:
        if select.select([peer.sock], [], [], 3)[0]:
            peer.buffer = peer.sock.recv(14)
            if peer.buffer.startswith(b"PROXY TCP4"):
                peer.buffer = b""
                while peer.sock.recv(1) not in (b"\n", b""):
                    pass  # a ClientHello may come in one piece with the header
                then(peer)
                return
        if tls:
            peer.send(b"\x15\x03\x03\x00\x02\x02\x0a")  # unexpected_message
            return
        peer.reply("220 exim.test ESMTP Exim 4.96")
        while peer.line():
            peer.reply("503 Command refused, required Proxy negotiation failed")

    return run


def echo(peer: Peer) -> None:
    while True:
        peer.send(peer.read())


class Row(t.NamedTuple):
    """A relay, how it is asked, and what is to be said; ``never``: what the remedy must not say."""

    serve: t.Callable[[World], Behaviour]
    secure: bool
    cause: str | None
    says: str = ""
    never: str = "\0"
    options: dict[str, t.Any] = {}


def in_tls(*steps: Step) -> t.Callable[[World], Behaviour]:
    return lambda world: script(world.tls, "220 r", *steps)


def behind_starttls(*steps: Step) -> t.Callable[[World], Behaviour]:
    return lambda world: script("220 r", *OFFERS, LINE, "220 go", world.tls, *steps)


def clear(*steps: Step) -> t.Callable[[World], Behaviour]:
    return lambda _world: script(*steps)


def offers(line: str) -> t.Callable[[World], Behaviour]:
    return lambda world: smtp(implicit=world.tls, capabilities=("SIZE 1000", line))


MYSQL = b"\x4a\0\0\0\n8.0.36\0\x08\0\0\0abcdefgh\0\xff\xf7\xff\x02\0caching_sha2_password\0"
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure: any TLS record is an answer
LIMIT, LATER = "421 4.7.0 Too many connections from your address", "421 4.3.2 shutting down"
TRY = {**LOGIN, "check_credentials": True}
AUTH = (LINE, "250-r\n250 AUTH PLAIN", LINE)
GATE = {
    # A proxy in front, or none.
    "TLS only for a proxy": Row(lambda world: for_a_proxy(world.tls), True, "greeting_timeout", "nobody but a proxy"),
    "a header or 421": Row(
        lambda world: for_a_proxy_only(smtp(starttls=world.tls)), False, "greeting_timeout", "nobody but a proxy", options={"timeout": 4}
    ),
    "a header or 421, and TLS": Row(
        lambda _world: for_a_proxy_only(lambda peer: peer.send(ALERT)), True, "greeting_timeout", "'421 4.3.0 relay.test Server local"
    ),
    "a header of version 2 only": Row(
        lambda world: for_a_proxy_only(smtp(starttls=world.tls), 2), False, "greeting_timeout", "nobody but a proxy", options={"timeout": 4}
    ),
    "the same before TLS": Row(
        lambda _world: for_a_proxy_only(lambda peer: peer.send(ALERT), 2), True, "greeting_timeout", "nobody but a proxy"
    ),
    "a header of version 2 that the relay does not know": Row(
        clear("220 r", "500 5.5.2 Error: bad syntax\n500 5.5.2 Error: bad syntax\n221 2.0.0 Bye", CLOSE), False, "ehlo_rejected", "PROXY protocol"
    ),
    "the same, a moment later": Row(
        clear("220 r", pause(0.1), "500 5.5.2 Error: bad syntax\n500 5.5.2 Error: bad syntax\n221 2.0.0 Bye", CLOSE), False, "ehlo_rejected",
        "PROXY protocol",
    ),
    "silent to all but a proxy, as Haraka": Row(
        lambda world: silent_but_for_a_proxy(smtp(starttls=world.tls)), False, "greeting_timeout", "nobody but a proxy", options={"timeout": 8}
    ),
    "greets without the header after a while, and takes no command, as Exim": Row(
        lambda world: exim_for_a_proxy(smtp(starttls=world.tls)), False, "greeting_timeout", "Proxy negotiation failed", options={"timeout": 12}
    ),
    "the same where TLS was meant": Row(
        lambda world: exim_for_a_proxy(smtp(starttls=world.tls)), True, "greeting_timeout", "Proxy negotiation failed", options={"timeout": 12}
    ),
    "takes the ClientHello for the header, and goes on in TLS, as Exim": Row(
        lambda world: exim_for_a_proxy(smtp(implicit=world.tls), tls=True), True, "greeting_timeout", "nobody but a proxy", options={"timeout": 12}
    ),
    "knows that it waits for a proxy": Row(
        clear("* BAD Invalid PROXY header", CLOSE), False, "greeting_timeout", "Invalid PROXY header"
    ),
    "shared by services, and greets silent clients after three seconds": Row(
        lambda world: as_sslh(3, smtp(starttls=world.tls)), False, None, options={"timeout": 10}
    ),
    "sends back what it is sent": Row(lambda _world: echo, False, "not_smtp", "sends back", "Set secure"),
    "the same in TLS": Row(lambda _world: echo, True, "not_smtp", "sends back", "Set secure"),
    "MySQL": Row(lambda _world: say(MYSQL), False, "not_smtp", "a MySQL server"),
    "MySQL in TLS": Row(lambda _world: say(MYSQL), True, "not_smtp", "a MySQL server"),
    "news where TLS was meant": Row(lambda _world: say("200 news.test ready\r\n"), True, "not_smtp", "200 news.test", "Set secure"),
    "the first connection is never served": Row(
        lambda world: in_turn(silent(), smtp(starttls=world.tls)), False, None
    ),
    "a header that the relay does not know": Row(
        clear("220 r", "500 5.5.2 Error: command not recognized", *OFFERS), False, "ehlo_rejected", "out of step"
    ),
    "the same inside TLS": Row(
        in_tls("502 5.5.2 Error: command not recognized", *EHLO), True, "ehlo_rejected", "out of step"
    ),
    "a greeting again behind STARTTLS": Row(
        behind_starttls("220 again", *EHLO), False, "ehlo_rejected", "greets a second time"
    ),
    "220 for EHLO behind STARTTLS": Row(
        behind_starttls(LINE, "220 hello"), False, "ehlo_rejected", "greets a second time"
    ),
    # A refusal in the middle of a reply.
    "postscreen refuses after its first line": Row(
        clear("220-r", "521 5.7.1 Blocked by our list", CLOSE), False, "greeting_rejected", "'521 5.7.1 Blocked"
    ),
    "postscreen has no room": Row(clear("220-r", LIMIT, CLOSE), False, "temporarily_rejected", "limit"),
    "EHLO is broken off by 421": Row(
        clear("220 r", LINE, "250-r\n" + LATER, CLOSE), False, "temporarily_rejected", "'421 4.3.2 shutting down'"
    ),
    # 421 at every stage.
    "421 to EHLO": Row(clear("220 r", LINE, LIMIT, CLOSE), False, "temporarily_rejected", "limit"),
    "421 to STARTTLS": Row(clear("220 r", *OFFERS, LINE, LIMIT, CLOSE), False, "temporarily_rejected", "limit"),
    "421 to EHLO behind STARTTLS": Row(
        behind_starttls(LINE, LIMIT, CLOSE), False, "temporarily_rejected", "limit", "firewall"
    ),
    "421 to AUTH": Row(in_tls(*AUTH, LIMIT, CLOSE), True, "temporarily_rejected", "limit", "password", TRY),
    "421 instead of a ServerHello": Row(lambda _world: plaintext(LIMIT), True, "temporarily_rejected", "limit"),
    "421 as a greeting inside TLS": Row(lambda world: script(world.tls, LATER, CLOSE), True, "temporarily_rejected"),
    # EHLO and HELO.
    "EHLO unknown, HELO put off": Row(
        clear("220 r", LINE, "502 5.5.1 no", LINE, LATER, CLOSE), False, "temporarily_rejected", "in answer to HELO", "helo_name"
    ),
    "EHLO unknown, HELO's name refused": Row(
        clear("220 r", LINE, "500 what", LINE, "550 5.7.1 bad helo"), False, "ehlo_rejected", "EHLO was answered with '500"
    ),
    "EHLO unknown, HELO taken": Row(
        clear("220 r", LINE, "502 5.5.1 no", LINE, "250 r"), False, "ehlo_rejected", "takes only HELO", "helo_name"
    ),
    # STARTTLS promised and not kept.
    "a code that is none for it": Row(
        clear("220 r", *OFFERS, LINE, "250 ok"), False, "starttls_rejected", "did not answer the command properly: '250 ok'", "certificate"
    ),
    "unknown although offered": Row(
        clear("220 r", *OFFERS, LINE, "502 5.5.1 Command not implemented"), False, "starttls_rejected", "'502 5.5.1", "security: cleartext"
    ),
    "LMTP": Row(clear("220 r LMTP", *(LINE, "500 5.5.1 Unknown command") * 2), False, "not_smtp", "calls itself LMTP"),
    "words behind the 220": Row(
        clear("220 r", *OFFERS, LINE, "220 go\n554 5.7.1 no TLS for you", CLOSE), False, "tls_handshake_failed", "554 5.7.1 no TLS for you"
    ),
    "words instead of the handshake": Row(
        clear("220 r", *OFFERS, LINE, "220 go", plaintext("454 4.7.0 TLS not available")), False, "tls_handshake_failed", "454 4.7.0"
    ),
    "an ordered end behind the handshake": Row(
        behind_starttls(close_notify, CLOSE), False, "ehlo_rejected", "finished the TLS handshake", "firewall"
    ),
    "an ordered end instead of the greeting": Row(
        lambda world: script(world.tls, close_notify, CLOSE), True, "connection_closed", "", "Set secure"
    ),
    # Alerts.
    "alert protocol_version": Row(lambda _world: alert(70), True, "tls_version_unsupported"),
    "alert inappropriate_fallback": Row(lambda _world: alert(86), True, "tls_version_unsupported"),
    "alert certificate_required": Row(lambda _world: smtp(starttls=alert(116)), False, "client_certificate_required"),
    "alert unrecognized_name": Row(lambda _world: alert(112), True, "tls_handshake_failed", "does not know the name"),
    "alert internal_error": Row(lambda _world: smtp(starttls=alert(80)), False, "tls_handshake_failed", "internal error"),
    # Logins.
    "AUTH=PLAIN, as very old relays write it": Row(offers("AUTH=PLAIN LOGIN"), True, None, options=LOGIN),
    "only NTLM": Row(offers("AUTH NTLM"), True, "auth_mechanism_not_offered", "NTLM is offered", "leave it out", LOGIN),
    "only GSSAPI": Row(offers("AUTH GSSAPI"), True, "auth_mechanism_not_offered", "GSSAPI", "leave it out", LOGIN),
    "only OAUTHBEARER": Row(offers("AUTH OAUTHBEARER"), True, "auth_mechanism_not_offered", "OAUTHBEARER", options=LOGIN),
    "AUTH without a mechanism": Row(offers("AUTH"), True, "auth_not_offered", options=LOGIN),
    "STARTTLS inside TLS": Row(
        in_tls(*OFFERS), True, "auth_not_offered", "STARTTLS inside TLS", "leave out username", LOGIN
    ),
    "AUTH before TLS only": Row(
        lambda world: smtp(starttls=world.tls, capabilities=("AUTH PLAIN",), capabilities_after_tls=("SIZE 1",)),
        False, "auth_not_offered", "PLAIN before TLS and none after it", options=LOGIN,
    ),
    "AUTH unknown although offered": Row(
        in_tls(*AUTH, "503 5.5.1 AUTH not available"), True, "auth_not_offered", "does not take the command AUTH", "auth_mechanism", TRY
    ),
    "AUTH wants STARTTLS inside TLS": Row(
        in_tls(*AUTH, "530 5.7.0 Must issue a STARTTLS command first"), True, "auth_requires_tls", "is in TLS", "starttls", TRY
    ),
    "AUTH: the account": Row(
        in_tls(*AUTH, "550 5.7.1 Your account has been suspended"), True, "auth_rejected", "switched off", "app password", TRY
    ),
    "AUTH: the address": Row(
        in_tls(*AUTH, "535 5.7.8 Error: your IP 192.0.2.1 is blocked"), True, "greeting_rejected", "is blocked", "password", TRY
    ),
    "AUTH: a certificate": Row(
        in_tls(*AUTH, "530 5.7.0 Client certificate required"), True, "client_certificate_required", "'530 5.7.0", "TLS", TRY
    ),
    "AUTH: what was sent": Row(
        in_tls(*AUTH, "501 5.5.2 Cannot decode response"), True, "auth_rejected", "'501 5.5.2", "leave out username", TRY
    ),
    # Certificates.
    "an address in the common name": Row(
        lambda world: smtp(implicit=honest(world.pki.issue("127.0.0.1", names=[]))), True, "certificate_name_mismatch", "as its common name"
    ),
    "an address as a DNS name": Row(
        lambda world: smtp(implicit=honest(world.pki.issue("127.0.0.1"))), True, "certificate_name_mismatch", "as a DNS name"
    ),
    "a CA made anew with the same name": Row(
        lambda world: smtp(implicit=honest(made_anew(world))), True, "certificate_untrusted", "ca_path holds a CA of the name"
    ),
    "expired, and for another name": Row(
        lambda world: smtp(implicit=honest(world.pki.issue("other.test", valid=EXPIRED))), True, "certificate_name_mismatch", "has also expired"
    ),
    "self-signed, and for another name": Row(
        lambda world: smtp(implicit=honest(world.pki.issue("other.test", issuer=None))), True, "certificate_self_signed", "also not for 127.0.0.1"
    ),
    # The other mode, and what is wrong there.
    "cleartext without STARTTLS where TLS was chosen": Row(
        clear("220 r", *EHLO), True, "mode_mismatch", "offers no STARTTLS", "Set secure: false"
    ),
    "cleartext that refuses EHLO where TLS was chosen": Row(
        clear("220 r", LINE, "550 5.7.1 not you"), True, "mode_mismatch", "refuses EHLO there with '550 5.7.1 not you'", "security: cleartext"
    ),
    "an expired intermediate": Row(
        lambda world: smtp(implicit=honest(world.pki.issue("localhost", ips=["127.0.0.1"], issuer=world.pki.expired_intermediate()))),
        True, "certificate_expired", "CA certificate above",
    ),
}  # fmt: skip
SENT = {
    "MAIL is put off": Row(in_tls(*EHLO, LINE, LATER, CLOSE), True, "temporarily_rejected", "in answer to MAIL"),
    "MAIL wants a certificate": Row(
        in_tls(*EHLO, LINE, "530 5.7.0 No client certificate requested"), True, "client_certificate_required", "in answer to MAIL", "Log in"
    ),
    "RCPT before the login that is offered": Row(
        in_tls(LINE, "250-r\n250 AUTH PLAIN", LINE, "250 ok", LINE, "554 5.7.1 <b@example.org>: Recipient address rejected: Access denied"),
        True, "sender_rejected", "username and password", "Check the recipient",
    ),
    "RCPT is no matter of the login": Row(
        in_tls(*AUTH, "235 ok", LINE, "250 ok", LINE, "550 5.7.1 Relaying denied"), True, "recipient_rejected", "although the login was taken",
        "username", LOGIN,
    ),
    "MAIL forgets the login": Row(
        in_tls(*AUTH, "235 ok", LINE, "530 5.7.0 Authentication required"), True, "sender_rejected", "although one was made", "set username", LOGIN
    ),
    "RCPT where no login is offered": Row(
        in_tls(*EHLO, LINE, "250 ok", LINE, "554 5.7.1 <b@example.org>: Recipient address rejected: Access denied"), True, "recipient_rejected"
    ),
    "RCPT meets a broken set-up": Row(
        in_tls(*EHLO, LINE, "250 ok", LINE, "451 4.3.5 Server configuration problem"), True, "temporarily_rejected", "fault of its own", "Greylisting"
    ),
    "MAIL wants EHLO again": Row(
        in_tls(*EHLO, LINE, "503 5.5.1 Error: send HELO/EHLO first"), True, "ehlo_rejected", "out of step", "sender"
    ),
    "MAIL's parameter": Row(
        in_tls(*EHLO, LINE, "555 5.5.4 Unsupported option: SIZE=9"), True, "message_rejected", "Unsupported option", "sender"
    ),
    "MAIL is greeted": Row(in_tls(*EHLO, LINE, "220 again"), True, "message_rejected", "greets a second time"),
    "MAIL is answered twice": Row(
        in_tls(*EHLO, LINE, "250 ok\n250 ok", LINE, "550 5.1.1 no"), True, "message_rejected", "nobody asked for"
    ),
    "RCPT is not answered": Row(
        in_tls(*EHLO, LINE, "250 ok", LINE, CLOSE), True, "message_rejected", "before the message was sent", "sent again"
    ),
    "RCPT forwards": Row(
        in_tls(*EHLO, LINE, "250 ok", LINE, "251 will forward", LINE, "354 go", MESSAGE, "250 taken"), True, None
    ),
    "RCPT has no reverse name": Row(
        in_tls(*EHLO, LINE, "250 ok", LINE, "450 4.7.25 Client host rejected: cannot find your reverse hostname"),
        True, "temporarily_rejected", "PTR record", "again after some minutes",
    ),
    "DATA is taken at once": Row(in_tls(*EHLO, *(LINE, "250 ok") * 3), True, "message_rejected", "does not belong to the command"),
    "the message is not answered": Row(
        in_tls(*EHLO, *(LINE, "250 ok") * 2, LINE, "354 go", MESSAGE, CLOSE), True, "message_rejected", "did not say whether"
    ),
}  # fmt: skip


def made_anew(world: World) -> ssl.SSLContext:
    """Signed by a CA with the name of the one in ca_path and another key, as a private CA that was made again."""
    now, key, other = datetime.datetime.now(datetime.UTC), *(ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(world.pki.root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(9))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(other.public_key()), False)
        .sign(other, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.pki.write("anew.pem", secret, leaf.public_bytes(Encoding.PEM)))
    return context


def asked(world: World, row: Row) -> str:
    """What is wrong with the gate's answer; empty where nothing is."""
    with FaultyServer(row.serve(world)) as server:
        options = {"timeout": 20, "secure": row.secure, "ca_path": str(world.pki.ca_file), **row.options}
        probe = act("smtp_gate", Host(), host="127.0.0.1", port=server.port, alternatives=[], **options)["probes"][0]
    return judged(row, probe["cause"], probe["message"] or "", probe["remedy"] or "")


def sent(world: World, row: Row) -> str:
    """The same of a message."""
    with FaultyServer(row.serve(world)) as server:
        answer = act("smtp_send", Host(), host="127.0.0.1", port=server.port, secure=row.secure, timeout=20,
                     ca_path=str(world.pki.ca_file), sender="a@example.com", recipients=["b@example.org"], **row.options)  # fmt: skip
    return judged(row, answer.get("cause"), answer["msg"], answer.get("remedy") or "")


def judged(row: Row, cause: str | None, message: str, remedy: str) -> str:
    right = cause == row.cause and row.says in f"{message} {remedy}"
    return "" if right and row.never not in remedy else f"{cause}: {message} {remedy}"


@pytest.mark.parametrize("table", ["gate", "sent"])
def test_neighbours(world: World, table: str) -> None:
    rows, ask = (GATE, asked) if table == "gate" else (SENT, sent)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = dict(zip(rows, threads.map(lambda row: ask(world, row), rows.values())))
    assert {name: wrong for name, wrong in answers.items() if wrong} == {}


def test_a_connection_that_is_never_served(world: World) -> None:
    """A STARTTLS client would wait for its whole timeout; a later connection is greeted, and used."""
    behaviour = in_turn(silent(), smtp(starttls=world.tls, users={"app": "s3cret"}, mechanisms_after_tls=["PLAIN"]))
    with FaultyServer(behaviour) as server:
        options = {"host": "127.0.0.1", "port": server.port, "secure": False, "ca_path": str(world.pki.ca_file)}
        answer = act("smtp_gate", Host(), **options, **TRY, timeout=60, alternatives=[])
        assert "connection_unserved" in {one["code"] for one in answer["probes"][0]["findings"]}
        assert answer["probes"][0]["elapsed_ms"] < 20_000
        assert server.connections == 3
    # One that only greets late is waited for, and takes no third.
    with FaultyServer(smtp(greeting_delay=1.2, starttls=world.tls)) as server:
        probe = act("smtp_gate", Host(), **{**options, "port": server.port, "timeout": 60})["probes"][0]
        assert probe["ok"] and not probe["findings"] and server.connections == 2


def test_no_login_below_the_version_that_is_required(world: World) -> None:
    """The session fails whatever the login would give, so neither password nor message travels in it."""
    context = server_context(world.good)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with FaultyServer(smtp(implicit=honest(context), users={"app": "s3cret"}, mechanisms=["PLAIN"])) as server:
        options = {"host": "127.0.0.1", "port": server.port, "secure": True, "ca_path": str(world.pki.ca_file)}
        asked = {**options, **TRY, "alternatives": [], "timeout": 20}
        answer = act("smtp_gate", Host(), **asked, minimum_tls_version="TLSv1.3")
        assert answer["cause"] == "tls_version_unsupported"
        assert not [line for _tls, line in server.commands if line.startswith("AUTH")]
        assert not act("smtp_gate", Host(), **asked, minimum_tls_version="TLSv1.2").get("failed")

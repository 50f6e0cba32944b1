# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each faulty server shows its fault to a plain client, and closes without leaving a thread."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest

from tests.support import faulty
from tests.support.faulty import Behaviour, FaultyServer, full_backlog, honest, smtp
from tests.support.pki import Issued, Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def good(pki: Pki) -> Issued:
    return pki.issue("localhost", ips=["127.0.0.1"])


@pytest.fixture
def trust(pki: Pki) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pki.ca_file))


def listen(server: FaultyServer, ask: bytes = b"", seconds: float = 0.5) -> bytes | type[OSError]:
    """All that comes within some time after `ask`, or the error's class."""
    got = b""
    try:
        with socket.create_connection((server.host, server.port), 5) as sock:
            sock.sendall(ask)
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and len(got) < 1_000_000:
                sock.settimeout(left)
                data = sock.recv(65536)
                if not data:
                    return got + b"<end>"
                got += data
    except TimeoutError:
        pass
    except OSError as error:
        return type(error)
    return got


SPOKEN: dict[str, tuple[Behaviour, bytes, Callable[[bytes | type[OSError]], bool]]] = {
    "silent": (faulty.silent(), b"EHLO me\r\n", lambda got: got == b""),
    "close": (faulty.close(), b"", lambda got: got == b"<end>"),
    "reset": (faulty.reset(), b"", lambda got: got is ConnectionResetError),
    "drip": (faulty.drip("220 hello", 0.2), b"", lambda got: got in (b"22", b"220")),
    "endless line": (
        faulty.endless(),
        b"",
        lambda got: isinstance(got, bytes) and len(got) >= 1_000_000 and b"\n" not in got,
    ),
    "endless lines": (
        faulty.endless("", "220-more\r\n" * 1000),
        b"",
        lambda got: isinstance(got, bytes) and got.count(b"\n") > 50_000,
    ),
    "ssh": (faulty.say(faulty.SSH), b"", lambda got: isinstance(got, bytes) and got.startswith(b"SSH-2.0-")),
    "imap": (faulty.say(faulty.IMAP), b"", lambda got: isinstance(got, bytes) and got.startswith(b"* OK")),
    "http waits": (faulty.http(), b"", lambda got: got == b""),
    "http answers": (
        faulty.http(),
        b"EHLO me\r\n",
        lambda got: isinstance(got, bytes) and got.startswith(b"HTTP/1.1 400 "),
    ),
    "bytes": (faulty.garbage(), b"", lambda got: isinstance(got, bytes) and b"\0" in got and b"\xff" in got),
    "lines": (smtp(greeting="220-a\n220-b\n220 c"), b"", lambda got: got == b"220-a\r\n220-b\r\n220 c\r\n"),
    "554": (smtp(greeting="554 5.7.1 no"), b"QUIT\r\n", lambda got: got == b"554 5.7.1 no\r\n221 2.0.0 Bye\r\n<end>"),
    "words for TLS": (
        faulty.plaintext(),
        b"\x16\x03\x01",
        lambda got: got == b"500 5.5.1 Command unrecognized\r\n<end>",
    ),
    "alert": (faulty.alert(40), b"\x16\x03\x01", lambda got: got == b"\x15\x03\x03\x00\x02\x02\x28<end>"),
}


@pytest.mark.parametrize("name", SPOKEN)
def test_what_is_spoken(name: str) -> None:
    behaviour, ask, is_right = SPOKEN[name]
    with FaultyServer(behaviour) as server:
        got = listen(server, ask)
    assert is_right(got), got if isinstance(got, type) else got[:200]
    assert not [thread for thread in threading.enumerate() if "_serve" in thread.name or "_accept" in thread.name]


def test_refused_and_masked_ehlo() -> None:
    with FaultyServer(smtp(ehlo="502 5.5.1 no")) as server, smtplib.SMTP(server.host, server.port) as client:
        assert client.ehlo()[0] == 502
        assert client.helo()[0] == 250
    with (
        FaultyServer(smtp(capabilities=["XXXXXXXA", "****"])) as server,
        smtplib.SMTP(server.host, server.port) as client,
    ):
        assert client.ehlo() == (250, b"faulty.test\nXXXXXXXA\n****")


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram_md5"])
def test_starttls_and_auth(good: Issued, trust: ssl.SSLContext, mechanism: str) -> None:
    behaviour = smtp(
        starttls=honest(good),
        users={"app": "secret"},
        mechanisms_after_tls=["PLAIN", "LOGIN", "CRAM-MD5"],
        capabilities_after_tls=["SIZE 7"],
    )
    with FaultyServer(behaviour) as server, smtplib.SMTP("localhost", server.port) as client:
        client.ehlo()
        assert not client.has_extn("auth") and client.esmtp_features["size"] == "10240000"
        client.starttls(context=trust)
        client.ehlo()
        assert client.has_extn("auth") and client.esmtp_features["size"] == "7"
        client.user, client.password = "app", "wrong"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth(mechanism.upper().replace("_", "-"), getattr(client, f"auth_{mechanism}"))
        client.password = "secret"
        assert client.auth(mechanism.upper().replace("_", "-"), getattr(client, f"auth_{mechanism}"))[0] == 235
        assert client.sendmail("me@example.com", "you@example.com", "Subject: x\n\n.dot") == {}
    assert server.messages == ["Subject: x\n\n.dot"]
    assert all(over_tls for over_tls, line in server.commands if line.startswith("AUTH"))


@pytest.mark.parametrize("vulnerable", [True, False])
def test_commands_ahead_of_the_handshake(good: Issued, trust: ssl.SSLContext, vulnerable: bool) -> None:
    with (
        FaultyServer(smtp(starttls=honest(good), injection=vulnerable)) as server,
        socket.create_connection((server.host, server.port), 5) as sock,
    ):
        sock.recv(999)
        sock.sendall(b"STARTTLS\r\nNOOP\r\n")
        assert sock.recv(999).startswith(b"220 ")
        with trust.wrap_socket(sock, server_hostname="localhost") as tls:
            tls.settimeout(0.3)
            if vulnerable:
                assert tls.recv(999) == b"250 2.0.0 Ok\r\n"
            else:
                with pytest.raises(TimeoutError):
                    tls.recv(999)


BROKEN: dict[str, tuple[Callable[[Issued], Behaviour], type[Exception]]] = {
    "nothing": (lambda good: faulty.stall_before_server_hello(), TimeoutError),
    "ServerHello alone": (faulty.stall_after_server_hello, TimeoutError),
    "a byte a record": (lambda good: faulty.drip_records(0.1), TimeoutError),
    "close": (lambda good: faulty.close_on_client_hello(), ssl.SSLError),
    "reset": (lambda good: faulty.reset_on_client_hello(), ConnectionResetError),
    "alert": (lambda good: faulty.alert(112), ssl.SSLError),
    "old version": (lambda good: honest(faulty.server_context(good, maximum=ssl.TLSVersion.TLSv1_1)), ssl.SSLError),
}


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_handshake(good: Issued, trust: ssl.SSLContext, name: str, implicit: bool) -> None:
    make, error = BROKEN[name]
    behaviour = smtp(implicit=make(good)) if implicit else smtp(starttls=make(good))
    with FaultyServer(behaviour) as server, socket.create_connection((server.host, server.port), 5) as sock:
        if not implicit:
            assert sock.recv(999).startswith(b"220 ")
            sock.sendall(b"STARTTLS\r\n")
            assert sock.recv(999).startswith(b"220 ")
        sock.settimeout(0.4)
        with pytest.raises(error):
            trust.wrap_socket(sock, server_hostname="localhost")


def test_full_backlog_answers_no_syn() -> None:
    with full_backlog() as server, pytest.raises(TimeoutError):
        socket.create_connection((server.host, server.port), 0.5)


def test_a_behaviour_a_connection() -> None:
    with FaultyServer(faulty.in_turn(faulty.close(), faulty.say("220 second\r\n"))) as server:
        assert listen(server) == b"<end>"
        assert listen(server) == b"220 second\r\n"
        assert server.connections == 2

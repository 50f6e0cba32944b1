# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at wrong clients against relays that misbehave: it ends in time, is never taken in, and shows nothing unescaped. All at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import Unreachable
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.lockdown import Session, observe, violations

TIMEOUT = 1.5
GRACE = 2.0
SECURITIES = ("implicit_tls", "starttls", "opportunistic", "cleartext")
Script = t.Callable[[socket.socket], None]


def floods(first: bytes, again: bytes) -> Script:
    def script(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(again)

    return script


def drips(first: bytes, again: bytes) -> Script:
    def script(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(again)
            time.sleep(0.02)

    return script


def dialogue(*replies: bytes, keep: bool = False) -> Script:
    """The greeting, then one reply for each piece that comes; then the end, or silence."""
    def script(sock: socket.socket) -> None:
        for number, reply in enumerate(replies):
            if number:
                sock.recv(65536)
            sock.sendall(reply)
        while keep and sock.recv(65536):
            pass

    return script


EHLO = b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
SCRIPTS: dict[str, Script] = {
    "closes at once": dialogue(),
    "silent": dialogue(b"", keep=True),
    "greets and closes": dialogue(b"220 x\r\n"),
    "greets and is silent": dialogue(b"220 x\r\n", keep=True),
    "turns away": dialogue(b"554 \x1b[2Jno\r\n"),
    "drips the greeting": drips(b"220 ", b"x"),
    "drips lines of the greeting": drips(b"", b"220-x\r\n"),
    "greeting without end": floods(b"220 ", b"x" * 65536),
    "greeting of lines without end": floods(b"", b"220-x\r\n" * 1000),
    "is no SMTP": floods(b"", b"\x1b]0;owned\x07\r\n" * 100),
    "NUL bytes": floods(b"", b"\0" * 65536),
    "is HTTP": dialogue(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "is TLS": dialogue(b"\x15\x03\x01\x00\x02\x02\x46"),
    "EHLO is dripped": dialogue(b"220 x\r\n", b"250-x\r\n", keep=True),
    "EHLO without end": floods(b"220 x\r\n", b"250-x\r\n" * 1000),
    "EHLO of another code": dialogue(b"220 x\r\n", b"999 x\r\n"),
    "closes at MAIL": dialogue(b"220 x\r\n", EHLO),
    "is silent at MAIL": dialogue(b"220 x\r\n", EHLO, keep=True),
    "closes at AUTH": dialogue(b"220 x\r\n", EHLO, b"530 5.7.0 \xff\x1b[31m\r\n"),
    "STARTTLS, then cleartext": dialogue(b"220 x\r\n", EHLO, b"220 go\r\n", b"250 x\r\n", b"535 x\r\n"),
    "STARTTLS, then rubbish": lambda sock: _starttls(sock, b"\x16\x03\x03\x00\x05hello"),
    "STARTTLS, then silence": lambda sock: _starttls(sock, b""),
    "STARTTLS, then half a record": lambda sock: _starttls(sock, b"\x16\x03\x03\x40\x00\x02"),
}


def _starttls(sock: socket.socket, after: bytes) -> None:
    sock.sendall(b"220 x\r\n")
    while True:
        data = sock.recv(65536)
        if not data:
            return
        if data.startswith(b"EHLO"):
            sock.sendall(EHLO)
        elif data.startswith(b"STARTTLS"):
            sock.sendall(b"220 go\r\n")
            sock.recv(65536)
            sock.sendall(after)
        elif data.startswith((b"MAIL", b"AUTH")):
            sock.sendall(b"530 5.7.0 first STARTTLS\r\n")


class Server:
    """Plays one script to each client."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        with client, contextlib.suppress(OSError):
            self._script(client)


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str], tuple[Session, Session, float]]:
    def ask(script: Script, security: str) -> tuple[Session, Session, float]:
        server = Server(script)
        begin = time.monotonic()
        cleartext, encrypted = observe("127.0.0.1", server.port, security, "localhost", TIMEOUT)
        seconds = time.monotonic() - begin
        server.close()
        return cleartext, encrypted, seconds

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        running = {(name, security): pool.submit(ask, script, security) for name, script in SCRIPTS.items() for security in SECURITIES}
        return {key: future.result() for key, future in running.items()}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("security", SECURITIES)
def test_every_bad_relay_is_a_violation_in_time(outcomes: t.Any, name: str, security: str) -> None:
    cleartext, encrypted, seconds = outcomes[name, security]
    assert seconds < TIMEOUT + GRACE
    for auth in ("none", "users", "accept_any"):
        found = violations(security, auth, cleartext, encrypted)
        assert found and all(char.isprintable() for sentence in found for char in sentence)
        assert not any("None" in sentence for sentence in found)


@pytest.mark.parametrize("name", ["greets and closes", "greets and is silent", "turns away", "closes at MAIL", "closes at AUTH"])
def test_a_greeting_in_cleartext_is_seen_also_when_it_is_all_that_comes(outcomes: t.Any, name: str) -> None:
    cleartext = outcomes[name, "implicit_tls"][0]
    assert cleartext.reached and cleartext.ended
    assert "a cleartext client is answered, where TLS is to come from the first byte" in violations("implicit_tls", "none", *outcomes[name, "implicit_tls"][:2])


def test_what_was_seen_before_it_broke_off_stays(outcomes: t.Any) -> None:
    cleartext = outcomes["closes at AUTH", "starttls"][0]
    assert (cleartext.starttls_offered, cleartext.mail_code, cleartext.auth_code) == (True, 530, None)
    assert any("AUTH before STARTTLS is not answered (the connection was" in text for text in violations("starttls", "users", cleartext, Session(False)))


def test_silence_leaves_time_for_the_session_in_tls(outcomes: t.Any) -> None:
    assert outcomes["silent", "implicit_tls"][1].ended == "no answer in time" and outcomes["silent", "implicit_tls"][2] >= TIMEOUT * 0.9


@pytest.mark.parametrize("name", ["a\0b", "", "x" * 300, "\ud800", "..", "*.example.com"])
def test_an_odd_server_name_ends_the_session_in_tls_and_no_more(name: str) -> None:
    server = Server(lambda sock: _starttls(sock, b""))
    cleartext, encrypted = observe("127.0.0.1", server.port, "starttls", name, 0.6)
    server.close()
    assert cleartext.mail_code == 530 and not encrypted.reached and encrypted.ended and encrypted.ended.isprintable()


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "\u00fc" * 100, "nobody.invalid", "a\0b", "\ud800"])
def test_an_odd_host_is_a_sentence(host: str) -> None:
    begin = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        observe(host, 25, "starttls", "x", 2)
    assert "resolved" in str(caught.value) and time.monotonic() - begin < 2 + GRACE

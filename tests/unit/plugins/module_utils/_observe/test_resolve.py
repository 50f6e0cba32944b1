# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock, errors of sockets as facts, and names to addresses."""

from __future__ import annotations

import errno
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import resolve as resolving
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure, socket_failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address, resolve
from hypothesis import given
from hypothesis import strategies as st


def test_deadline() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.remaining() <= 0.05
    assert deadline.within(10).at == deadline.at
    assert deadline.within(0.01).at < deadline.at
    time.sleep(0.06)
    assert deadline.remaining() == 0
    assert Deadline(-5).remaining() == 0


@pytest.mark.parametrize(
    "error, kind, name",
    [
        (socket.timeout("timed out"), "timeout", None),
        (OSError(errno.ETIMEDOUT, "x"), "timeout", None),
        (ConnectionResetError(errno.ECONNRESET, "x"), "reset", None),
        (BrokenPipeError(errno.EPIPE, "x"), "reset", None),
        (ConnectionAbortedError(errno.ECONNABORTED, "x"), "reset", None),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "os", "ECONNREFUSED"),
        (OSError(errno.EHOSTUNREACH, "x"), "os", "EHOSTUNREACH"),
        (PermissionError(errno.EPERM, "x"), "os", "EPERM"),
        (OSError("no number"), "os", "unknown"),
        (OSError(99999, "x"), "os", "unknown"),
    ],
)
def test_socket_failure(error: OSError, kind: str, name: str | None) -> None:
    failure = socket_failure(error)
    assert (failure.kind, failure.facts.get("errno")) == (kind, name)
    failure.layer = "tcp"
    assert failure.as_entry()["layer"] == "tcp"


@given(st.binary(max_size=2000))
def test_printable(data: bytes) -> None:
    text = printable(data)
    assert text.isprintable()
    assert len(text) <= 4000
    text.encode()


# -- names


def answer(*addresses: str) -> t.Callable[..., list[t.Any]]:
    def getaddrinfo(host: str, port: int, family: int, kind: int) -> list[t.Any]:
        assert kind == socket.SOCK_STREAM
        found: list[t.Any] = []
        for address in addresses:
            six = ":" in address
            found.append(
                (
                    socket.AF_INET6 if six else socket.AF_INET,
                    kind,
                    6,
                    "",
                    (address, port, 0, 0) if six else (address, port),
                )
            )
        return found

    return getaddrinfo


def texts(found: tuple[list[Address], int]) -> list[str]:
    return [address.text for address in found[0]]


def test_addresses_in_the_resolvers_order_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving.socket, "getaddrinfo", answer("2001:db8::1", "192.0.2.1", "192.0.2.1"))
    found, known = resolve("relay.example.com", 25, "any", Deadline(5))
    assert [(one.text, one.version, one.sockaddr[1]) for one in found] == [("2001:db8::1", 6, 25), ("192.0.2.1", 4, 25)]
    assert known == 2


@pytest.mark.parametrize("fours, sixes", [(20, 0), (0, 20), (20, 1), (20, 20), (6, 4), (1, 8)])
def test_many_addresses(monkeypatch: pytest.MonkeyPatch, fours: int, sixes: int) -> None:
    """At most eight, and both families when there are both."""
    monkeypatch.setattr(
        resolving.socket,
        "getaddrinfo",
        answer(*[f"192.0.2.{at}" for at in range(fours)], *[f"2001:db8::{at}" for at in range(sixes)]),
    )
    found, known = resolve("relay.example.com", 25, "any", Deadline(5))
    assert known == fours + sixes
    assert len(found) >= min(8, known)
    assert {one.version for one in found} == ({4} if fours else set()) | ({6} if sixes else set())


@pytest.mark.parametrize(
    "error, kind, name",
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "resolver", "EAI_NONAME"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "resolver", "EAI_AGAIN"),
        (socket.gaierror(12345, "x"), "resolver", "12345"),
        (UnicodeError("label too long"), "resolver", "EAI_FAIL"),
        (OSError(5, "x"), "resolver", "EAI_FAIL"),
    ],
)
def test_no_answer(monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, name: str) -> None:
    def getaddrinfo(*_args: t.Any) -> t.NoReturn:
        raise error

    monkeypatch.setattr(resolving.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Failure) as caught:
        resolve("relay.example.com", 25, "any", Deadline(5))
    assert (caught.value.kind, caught.value.facts["error"]) == (kind, name)


def test_a_silent_name_server_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(resolving.socket, "getaddrinfo", lambda *_args: [over.wait(20)][:0])
    started = time.monotonic()
    with pytest.raises(Failure) as caught:
        resolve("relay.example.com", 25, "any", Deadline(0.1))
    over.set()
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "ip_version, host, expected",
    [("4", "127.0.0.1", ["127.0.0.1"]), ("any", "127.0.0.1", ["127.0.0.1"]), ("6", "::1", ["::1"])],
)
def test_literals(ip_version: str, host: str, expected: list[str]) -> None:
    assert texts(resolve(host, 25, ip_version, Deadline(5))) == expected


def test_a_literal_of_the_other_family() -> None:
    with pytest.raises(Failure) as caught:
        resolve("127.0.0.1", 25, "6", Deadline(5))
    assert caught.value.facts["error"] in ("EAI_ADDRFAMILY", "EAI_NONAME", "EAI_NODATA")

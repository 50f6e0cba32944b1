# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many endpoints and addresses at once: what is asked, how often, and how long it may take."""

from __future__ import annotations

import base64
import contextlib
import errno
import socket
import ssl
import threading
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import connect, endpoint
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, Credentials, observe
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Observation, Plan
from ansible_collections.mailops.smtp.plugins.module_utils._observe.host_resources import Limits
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address

from tests.support.shape import mismatches
from tests.support.tiny import Peer, TinyServer, esmtp, self_signed

AUTH_OFFERED = "250-tiny.test\r\n250 AUTH PLAIN LOGIN\r\n"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return self_signed(str(tmp_path_factory.mktemp("tls")))


def plan(port: int, **changes: t.Any) -> Plan:
    found: dict[str, t.Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "cleartext",
        "validate_certs": False,
        "ca_path": None,
        "server_name": "localhost",
        "helo_name": None,
        "source_address": None,
        "ip_version": "any",
        "timeout": 3.0,
        "minimum_tls_version": "TLSv1.2",
        "login_tls_version": "TLSv1.2",
        "cleartext_networks": [],
        "require_all_addresses": False,
        "alternatives": [],
        "control_port": None,
        "try_injection": False,
        "transaction": None,
        "login_required": True,
        "fallback": False,
        "ask_chosen": True,
    }
    found.update(changes)
    assert mismatches(found, Plan) == []
    return t.cast(Plan, found)


def look(*plans: Plan, credentials: t.Sequence[Credentials] | None = None) -> tuple[list[Observation], float]:
    started = time.monotonic()
    found = observe(list(plans), list(credentials or [None] * len(plans)), ContextPool())
    took = time.monotonic() - started
    assert [words for one in found for words in mismatches(one, Observation)] == []
    return found, took


@pytest.fixture()
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name has 127.0.0.1 and 127.0.0.2 (Linux answers on the whole of 127.0.0.0/8)."""

    def both(_host: str, port: int, _version: str) -> list[Address]:
        return [Address(socket.AF_INET, (ip, port)) for ip in ("127.0.0.1", "127.0.0.2")]

    monkeypatch.setattr(endpoint, "ask_resolver", both)


@contextlib.contextmanager
def twins(
    first: t.Callable[[Peer], None], second: t.Callable[[Peer], None]
) -> t.Iterator[tuple[TinyServer, TinyServer]]:
    """The same port on two addresses."""
    with TinyServer(first, "127.0.0.1") as one, TinyServer(second, "127.0.0.2", one.port) as two:
        yield one, two


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_healthy_endpoint_is_one_connection_and_no_other_port() -> None:
    with TinyServer(esmtp()) as server, TinyServer(esmtp()) as other:
        (found,), took = look(
            plan(server.port, alternatives=[{"port": other.port, "security": "auto"}], control_port=other.port)
        )
        assert found["attempts"][0]["failure"] is None
        assert found["alternatives"] == [] and found["elsewhere"] == []
        assert (server.connections, other.connections) == (1, 0)
        assert took < 5


def test_all_endpoints_at_once_and_in_order() -> None:
    def late(peer: Peer) -> None:
        peer.wait(0.6)
        esmtp()(peer)

    with TinyServer(late) as slow, TinyServer(esmtp()) as quick:
        found, took = look(*[plan(slow.port)] * 8, plan(quick.port), plan(closed_port()))
        assert took < 4
        assert [one["attempts"][0]["failure"] is None for one in found] == [True] * 9 + [False]
        assert found[9]["attempts"][0]["failure"]["errno"] == "ECONNREFUSED"


def test_a_relay_that_greets_some_is_waited_for_and_gets_no_second_connections() -> None:
    """One that is slow because many ask at once would be made slower by them."""

    def busy(peer: Peer) -> None:
        if peer.number:
            peer.wait(0.5 + 0.3 * peer.number)
        esmtp()(peer)

    with TinyServer(busy) as server:
        found, _took = look(*[plan(server.port, timeout=20.0)] * 8)
        assert [one["attempts"][0]["failure"] for one in found] == [None] * 8
        # Greetings may be late on a busy machine; without them each of the others has a second connection.
        assert server.connections < 8 + 7


def test_one_that_is_forgotten_while_others_are_greeted_gets_another_connection() -> None:
    """A queue that overflowed: the relay will never greet it, and has done so to others."""

    def forgetful(peer: Peer) -> None:
        if peer.number == 1:
            peer.hold()
        esmtp()(peer)

    with TinyServer(forgetful) as server:
        found, took = look(*[plan(server.port, timeout=30.0)] * 3)
        assert [one["attempts"][0]["failure"] for one in found] == [None] * 3
        assert took < 20


def test_a_silent_port_and_its_alternatives_share_one_wait(context: ssl.SSLContext) -> None:
    with TinyServer(Peer.hold) as silent, TinyServer(esmtp()) as works, TinyServer(Peer.hold) as also, TinyServer(
        esmtp(context=context, implicit=True)
    ) as tls:
        others = [
            {"port": one.port, "security": mode} for one, mode in ((works, "auto"), (also, "auto"), (tls, "auto"))
        ]
        (found,), took = look(plan(silent.port, alternatives=others, timeout=4.0))
        assert took < 7.5
        assert found["attempts"][0]["failure"]["kind"] == "timeout"
        assert [route["port"] for route in found["alternatives"]] == [works.port, also.port, tls.port]
        assert [(route["attempts"][0]["failure"] or {}).get("kind") for route in found["alternatives"]] == [
            None,
            "timeout",
            None,
        ]
        assert found["alternatives"][2]["attempts"][0]["security"] == "implicit_tls"


def test_a_refused_port_asks_the_others_and_is_quick() -> None:
    with TinyServer(esmtp()) as works:
        (found,), took = look(
            plan(closed_port(), alternatives=[{"port": works.port, "security": "auto"}], timeout=30.0)
        )
        assert took < 15
        assert found["alternatives"][0]["attempts"][0]["failure"] is None


def test_other_ports_get_neither_login_nor_message() -> None:
    message = {"sender": "a@x.test", "recipients": ["b@x.test"], "message": "x\r\n", "deliver": True}
    with TinyServer(esmtp(ehlo=AUTH_OFFERED, users={"app": "s3cret"})) as works:
        look(
            plan(closed_port(), alternatives=[{"port": works.port, "security": "auto"}], transaction=message),
            credentials=[("app", "s3cret", None)],
        )
        assert [line.split()[0] for line in works.heard()] == ["EHLO", "QUIT"]


def test_a_refused_login_is_not_tried_on_other_ports() -> None:
    with TinyServer(esmtp(ehlo=AUTH_OFFERED, users={"app": "s3cret"})) as server, TinyServer(esmtp()) as other:
        (found,), _took = look(
            plan(server.port, alternatives=[{"port": other.port, "security": "auto"}]),
            credentials=[("app", "wrong1", None)],
        )
        assert found["attempts"][0]["failure"]["layer"] == "auth"
        assert other.connections == 0


@pytest.mark.usefixtures("two_addresses")
def test_one_login_and_one_message_whatever_the_number_of_addresses() -> None:
    message = {"sender": "a@x.test", "recipients": ["b@x.test"], "message": "x\r\n", "deliver": True}
    play = esmtp(ehlo=AUTH_OFFERED, users={"app": "s3cret"})
    with twins(play, play) as (one, two):
        (found,), _took = look(plan(one.port, transaction=message), credentials=[("app", "s3cret", None)])
        lines = one.lines + two.lines
        assert sum(line.startswith("AUTH") for line in lines) == 1
        assert lines.count("DATA") == 1
        assert all(attempt["failure"] is None for attempt in found["attempts"])
        assert sorted(attempt["yielded"] for attempt in found["attempts"]) == [False, True]


@pytest.mark.usefixtures("two_addresses")
def test_one_dead_address_does_not_hold_up_the_verdict() -> None:
    with twins(Peer.hold, esmtp()) as (one, _two):
        (found,), took = look(plan(one.port, timeout=30.0))
        assert took < 15
        assert [
            attempt["failure"] and (attempt["failure"]["layer"], attempt["failure"]["kind"])
            for attempt in found["attempts"]
        ] == [
            ("greeting", "unfinished"),
            None,
        ]


@pytest.mark.usefixtures("two_addresses")
def test_all_addresses_are_waited_for_when_all_must_work() -> None:
    def late(peer: Peer) -> None:
        peer.wait(2.6)
        esmtp()(peer)

    with twins(late, esmtp()) as (one, _two):
        (found,), took = look(plan(one.port, timeout=8.0, require_all_addresses=True))
        assert took < 7.5
        assert [attempt["failure"] for attempt in found["attempts"]] == [None, None]


@pytest.mark.usefixtures("two_addresses")
def test_cleartext_networks_bound_where_a_password_may_go() -> None:
    play = esmtp(ehlo=AUTH_OFFERED, users={"app": "s3cret"})
    with twins(play, play) as (one, two):
        (found,), _took = look(
            plan(one.port, cleartext_networks=["10.0.0.0/8", "127.0.0.2/32"], require_all_addresses=True),
            credentials=[("app", "s3cret", None)],
        )
        assert not any(line.startswith("AUTH") for line in one.lines)
        assert any(line.startswith("AUTH") for line in two.lines)
        assert [(attempt["failure"] or {}).get("kind") for attempt in found["attempts"]] == ["withheld", None]


def test_what_a_relay_repeats_is_masked() -> None:
    secret = "hunter2-S3cret"
    with TinyServer(
        esmtp(ehlo=AUTH_OFFERED, replies={"AUTH": f"535-5.7.8 I do not know {{line}}\r\n535 nor {secret}\r\n"})
    ) as server:
        (found,), _took = look(plan(server.port), credentials=[("app", secret, None)])
        assert any(line.startswith("AUTH") for line in server.lines)
        assert secret not in str(found)
        assert base64.b64encode(f"\0app\0{secret}".encode()).decode() not in str(found)
        assert "I do not know" in str(found)


def test_what_a_relay_repeats_later_is_masked_too(context: ssl.SSLContext) -> None:
    """The digest of CRAM-MD5 does not show the password, yet it can be tried against a dictionary."""
    digests: list[str] = []

    def play(peer: Peer) -> None:
        peer.start_tls(context)
        peer.say("220 tiny.test\r\n")
        peer.line()
        peer.say("250-tiny.test\r\n250 AUTH CRAM-MD5\r\n")
        peer.line()
        peer.say("334 " + base64.b64encode(b"<1.2@tiny.test>").decode() + "\r\n")
        digests.append(peer.line())
        peer.say("235 ok\r\n")
        peer.line()
        peer.say(f"550 5.7.1 {digests[0]} is {base64.b64decode(digests[0]).decode()}\r\n")

    message = {"sender": "a@x.test", "recipients": ["b@x.test"], "message": "x\r\n", "deliver": True}
    with TinyServer(play) as server:
        (found,), _took = look(
            plan(server.port, security="implicit_tls", transaction=message),
            credentials=[("app", "hunter2-S3cret", None)],
        )
        assert found["attempts"][0]["failure"]["stage"] == "mail"
        assert digests[0] not in str(found)
        assert base64.b64decode(digests[0]).decode().split()[1] not in str(found)


def test_a_name_that_does_not_exist() -> None:
    (found,), _took = look(plan(25, host="nowhere.invalid"))
    assert found["dns"]["ok"] is False
    assert found["dns"]["failure"]["layer"] == "dns"
    assert found["attempts"] == []


def test_a_name_that_nobody_had_time_to_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few threads and a name server that is silent, the later names never had their turn."""
    over = threading.Event()

    def silent(_host: str, _port: int, _version: str) -> list[Address]:
        over.wait(20)
        return []

    monkeypatch.setattr(endpoint, "ask_resolver", silent)
    monkeypatch.setattr(endpoint, "process_limits", lambda: Limits(100, 1))
    found, took = look(*[plan(25, host=f"relay{number}.test", timeout=0.5) for number in range(3)])
    over.set()
    assert [one["dns"]["failure"]["kind"] for one in found] == ["timeout", "not_asked", "not_asked"]
    assert found[1]["dns"]["failure"]["lack"] == "time" and took < 5


def test_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its resolver may name IPv6 addresses all the same."""
    real = socket.socket

    def only_four(family: int, *args: t.Any, **more: t.Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *args, **more)

    def both(_host: str, port: int, _version: str) -> list[Address]:
        return [Address(socket.AF_INET6, ("::1", port, 0, 0)), Address(socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr(endpoint, "ask_resolver", both)
    with TinyServer(esmtp()) as server:
        monkeypatch.setattr(connect.socket, "socket", only_four)
        (found,), took = look(plan(server.port))
        monkeypatch.undo()
        assert took < 2.9
        assert [attempt["failure"] and attempt["failure"]["errno"] for attempt in found["attempts"]] == [
            "EAFNOSUPPORT",
            None,
        ]


def test_a_source_address_that_is_not_ours() -> None:
    with TinyServer(esmtp()) as server:
        (found,), _took = look(plan(server.port, source_address="192.0.2.77"))
        failure = found["attempts"][0]["failure"]
        assert (failure["layer"], failure["kind"], failure["errno"]) == (
            "tcp",
            "bind",
            errno.errorcode[errno.EADDRNOTAVAIL],
        )
        (found,), _took = look(plan(server.port, source_address="127.0.0.1"))
        assert found["attempts"][0]["failure"] is None


def test_a_sign_of_life_elsewhere() -> None:
    with socket.socket() as full, contextlib.ExitStack() as stack, TinyServer(esmtp()) as other:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _filler in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        (found,), took = look(plan(full.getsockname()[1], control_port=other.port, timeout=1.6))
        assert took < 3.1
        assert found["attempts"][0]["failure"]["kind"] == "timeout"
        assert found["attempts"][0]["failure"]["layer"] == "tcp"
        assert found["elsewhere"] == [{"address": "127.0.0.1", "port": other.port, "result": "open"}]

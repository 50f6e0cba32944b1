# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder against scripted relays: where it stops, what it has seen until then, what it never says."""

from __future__ import annotations

import base64
import socket
import ssl
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.climb import Climb
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.dialogue import default_helo_name
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt
from ansible_collections.mailops.smtp.plugins.module_utils._observe.ladder import ClimbOptions
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.shape import mismatches
from tests.support.tiny import Peer, TinyServer, esmtp, self_signed

TLS_OFFERED = "250-tiny.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
AUTH_OFFERED = "250-tiny.test\r\n250 AUTH PLAIN LOGIN\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def context(folder: str) -> ssl.SSLContext:
    return self_signed(folder)


@pytest.fixture(scope="module")
def trusting(context: ssl.SSLContext, folder: str) -> TLSContexts:
    return TLSContexts(True, f"{folder}/cert.pem", "TLSv1.2")


def climb(
    server: TinyServer, mode: str, contexts: TLSContexts | None = None, timeout: float = 5.0, **plan: t.Any
) -> Attempt:
    address = Address(socket.AF_INET, ("127.0.0.1", server.port))
    one = Climb(
        address,
        mode,
        ClimbOptions(server_name="localhost", **plan),
        contexts or TLSContexts(False, None, "TLSv1.2"),
        Deadline(timeout),
    )
    found = one.run()
    assert mismatches(found, Attempt) == []
    return found


def layers(evidence: Attempt) -> list[str]:
    assert all(step["ms"] >= 0 for step in evidence["rungs"])
    return [step["layer"] if step["ok"] else step["layer"] + "!" for step in evidence["rungs"]]


def test_a_healthy_cleartext_port() -> None:
    with TinyServer(esmtp()) as server:
        evidence = climb(server, "cleartext")
        assert evidence["failure"] is None
        assert layers(evidence) == ["tcp", "greeting", "ehlo"]
        assert evidence["greeting"] == {"code": 220, "lines": ["tiny.test ESMTP"]}
        assert evidence["ehlo"] == {"before_tls": {"code": 250, "lines": ["tiny.test", "SIZE 1000000", "8BITMIME"]}}
        assert server.connections == 1
        assert [line.split()[0] for line in server.heard()] == ["EHLO", "QUIT"]


def test_starttls(context: ssl.SSLContext, trusting: TLSContexts) -> None:
    with TinyServer(esmtp(ehlo=TLS_OFFERED, ehlo_after_tls=AUTH_OFFERED, context=context)) as server:
        evidence = climb(server, "starttls", trusting)
        assert evidence["failure"] is None
        assert layers(evidence) == ["tcp", "greeting", "ehlo", "starttls", "tls", "certificate", "ehlo"]
        assert evidence["ehlo"]["before_tls"]["lines"][1:] == ["AUTH PLAIN", "STARTTLS"]
        assert evidence["ehlo"]["after_tls"]["lines"][1:] == ["AUTH PLAIN LOGIN"]
        assert evidence["tls"]["verified"] is True
        assert evidence["tls"]["version"] in ("TLSv1.2", "TLSv1.3")
        assert len(evidence["chain"]) == 1
        assert server.connections == 1


@pytest.mark.parametrize("mode", ["implicit_tls", "auto"])
def test_implicit_tls(mode: str, context: ssl.SSLContext, trusting: TLSContexts) -> None:
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        evidence = climb(server, mode, trusting)
        assert evidence["failure"] is None
        assert evidence["security"] == "implicit_tls"
        assert layers(evidence) == ["tcp", "tls", "certificate", "greeting", "ehlo"]
        assert server.connections == (1 if mode == "implicit_tls" else 2)


def test_auto_takes_what_is_there(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(ehlo=TLS_OFFERED, context=context)) as server:
        assert layers(climb(server, "auto")) == ["tcp", "greeting", "ehlo", "starttls", "tls", "ehlo"]
    with TinyServer(esmtp()) as server:
        assert layers(climb(server, "auto")) == ["tcp", "greeting", "ehlo"]


@pytest.mark.parametrize("verify_with, code", [(None, 18), ("name", 62)])
def test_a_certificate_that_is_refused_is_shown(
    verify_with: str | None, code: int, context: ssl.SSLContext, trusting: TLSContexts
) -> None:
    contexts = trusting if verify_with else TLSContexts(True, None, "TLSv1.2")
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        address = Address(socket.AF_INET, ("127.0.0.1", server.port))
        evidence = Climb(
            address, "implicit_tls", ClimbOptions("other.test" if verify_with else "localhost"), contexts, Deadline(5)
        ).run()
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"], evidence["failure"]["verify_code"]) == (
            "certificate",
            "certificate",
            code,
        )
        assert layers(evidence) == ["tcp", "tls", "certificate!"]
        assert evidence["tls"]["verified"] is False
        assert len(evidence["chain"]) == 1
        assert evidence["chain_available"] is True


def anonymous() -> ssl.SSLContext:
    """A server without any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("minimum", ["TLSv1", "TLSv1.2"])
def test_a_relay_without_a_certificate(verify: bool, minimum: str) -> None:
    login = ("app", "hunter2-S3cret", None)
    with TinyServer(esmtp(ehlo=AUTH_OFFERED, context=anonymous(), implicit=True)) as server:
        evidence = climb(server, "implicit_tls", TLSContexts(verify, None, minimum), credentials=login)
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"]) == ("tls", "tls")
        assert "failure" in evidence["legacy"], "nor with all that OpenSSL has"
        assert server.heard() == []


@pytest.mark.parametrize("implicit", [True, False])
def test_a_session_without_a_certificate_carries_nothing(implicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such suite is offered; the test does it to see that even then nothing is sent."""
    contexts = TLSContexts(False, None, "TLSv1.2")
    contexts.context().set_ciphers("aNULL:@SECLEVEL=0")
    contexts.context().maximum_version = ssl.TLSVersion.TLSv1_2
    with TinyServer(
        esmtp(ehlo=TLS_OFFERED, ehlo_after_tls=AUTH_OFFERED, context=anonymous(), implicit=implicit)
    ) as server:
        evidence = climb(
            server, "implicit_tls" if implicit else "starttls", contexts, credentials=("app", "hunter2-S3cret", None)
        )
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"]) == ("certificate", "no_certificate")
        assert layers(evidence)[-1] == "certificate!"
        assert evidence["tls"]["verified"] is False and evidence["chain"] == []
        assert [line.split()[0] for line in server.heard()] == ([] if implicit else ["EHLO", "STARTTLS"])


# -- patience and impatience


def test_greeting_in_pieces_of_one_byte() -> None:
    def play(peer: Peer) -> None:
        for char in "220-tiny.test\r\n220 ESMTP\r\n":
            peer.say(char)
            peer.wait(0.002)
        esmtp(greeting="")(peer)

    with TinyServer(play) as server:
        evidence = climb(server, "cleartext")
        assert evidence["failure"] is None
        assert evidence["greeting"]["lines"] == ["tiny.test", "ESMTP"]


def test_a_late_greeting_is_waited_for(context: ssl.SSLContext) -> None:
    def play(peer: Peer) -> None:
        peer.wait(1.2)
        esmtp(ehlo=TLS_OFFERED, context=context)(peer)

    with TinyServer(play) as server:
        evidence = climb(server, "starttls")
        assert evidence["failure"] is None
        assert next(step["ms"] for step in evidence["rungs"] if step["layer"] == "greeting") >= 1100
        assert server.connections == 2  # the second one was the ClientHello that nobody answered


def test_silence_lasts_as_long_as_the_deadline() -> None:
    with TinyServer(Peer.hold) as server:
        started = time.monotonic()
        evidence = climb(server, "starttls", timeout=1.5)
        assert 1.4 <= time.monotonic() - started < 5
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"]) == ("greeting", "timeout")
        assert layers(evidence) == ["tcp", "greeting!"]


def test_a_dripping_greeting_does_not_push_the_deadline() -> None:
    def play(peer: Peer) -> None:
        peer.say("220 ")
        while True:
            peer.say("x")
            peer.wait(0.1)

    with TinyServer(play) as server:
        started = time.monotonic()
        evidence = climb(server, "cleartext", timeout=1.0)
        assert time.monotonic() - started < 6
        assert evidence["failure"]["kind"] == "timeout"
        assert evidence["failure"]["partial"].startswith("220 xx")


def test_cleartext_chosen_where_tls_is_spoken_is_quick(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        started = time.monotonic()
        evidence = climb(server, "starttls", timeout=30)
        assert time.monotonic() - started < 15
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"]) == ("mode", "tls_spoken")
        assert evidence["other_mode"]["failure"] is None
        assert evidence["other_mode"]["ehlo"]["after_tls"]["code"] == 250


def test_a_port_that_answers_a_client_hello_with_an_alert() -> None:
    def play(peer: Peer) -> None:
        peer.some()
        peer.say(b"\x15\x03\x01\x00\x02\x02\x28")

    with TinyServer(play) as server:
        started = time.monotonic()
        evidence = climb(server, "starttls", timeout=30)
        assert time.monotonic() - started < 15
        assert evidence["failure"]["kind"] == "tls_spoken"


def test_tls_chosen_where_cleartext_is_spoken_is_quick() -> None:
    with TinyServer(esmtp()) as server:
        started = time.monotonic()
        evidence = climb(server, "implicit_tls", timeout=30)
        assert time.monotonic() - started < 15
        assert (evidence["failure"]["layer"], evidence["failure"]["kind"]) == ("mode", "plaintext")
        assert evidence["failure"]["text"] == "220 tiny.test ESMTP"
        assert evidence["other_mode"]["ehlo"]["before_tls"]["code"] == 250


# -- what breaks where


def hang_up(peer: Peer) -> None:
    """Close at once."""


def flood(first: str, again: str) -> t.Callable[[Peer], None]:
    def play(peer: Peer) -> None:
        peer.say(first)
        while True:
            peer.say(again * 500)

    return play


@pytest.mark.parametrize(
    "play, mode, layer, kind",
    [
        (hang_up, "starttls", "greeting", "closed"),
        (Peer.reset, "starttls", "tcp", "reset"),
        (esmtp(greeting="554 5.7.1 no\r\n"), "starttls", "greeting", "reply"),
        (esmtp(greeting="421 busy\r\n"), "starttls", "greeting", "reply"),
        (lambda peer: (peer.say("SSH-2.0-x\r\n"), peer.hold()), "starttls", "greeting", "malformed"),
        (lambda peer: (peer.say("HTTP/1.1 400 Bad Request\r\n\r\n"), peer.hold()), "starttls", "greeting", "malformed"),
        (flood("220 ", "x" * 100), "starttls", "greeting", "limit"),
        (flood("", "220-x\r\n"), "starttls", "greeting", "limit"),
        (esmtp(replies={"EHLO": "550 no\r\n", "HELO": "550 no\r\n"}), "starttls", "ehlo", "reply"),
        (esmtp(replies={"EHLO": "421 later\r\n"}), "starttls", "ehlo", "reply"),
        (esmtp(replies={"EHLO": "502 what\r\n"}), "starttls", "ehlo", "reply"),
        (esmtp(replies={"EHLO": "502 what\r\n", "HELO": "250 tiny\r\n"}), "cleartext", None, None),
        (esmtp(replies={"EHLO": "250-a\r\n" * 600}), "starttls", "ehlo", "limit"),
        (esmtp(), "starttls", "starttls", "missing"),
        (esmtp(), "opportunistic", None, None),
        (esmtp(ehlo=TLS_OFFERED, replies={"STARTTLS": "454 4.7.0 not now\r\n"}), "starttls", "starttls", "reply"),
        (esmtp(ehlo=TLS_OFFERED, replies={"STARTTLS": "454 4.7.0 not now\r\n"}), "opportunistic", "starttls", "reply"),
        (esmtp(ehlo=TLS_OFFERED, replies={"STARTTLS": "250 fine\r\n"}), "starttls", "starttls", "reply"),
        (
            esmtp(ehlo=TLS_OFFERED, replies={"STARTTLS": "220 go\r\n250 plain again\r\n"}),
            "starttls",
            "tls",
            "plaintext",
        ),
        (
            lambda peer: (
                peer.say("220 x\r\n"),
                peer.line(),
                peer.say(TLS_OFFERED),
                peer.line(),
                peer.say("220 go\r\n"),
                peer.hold(),
            ),
            "starttls",
            "tls",
            "timeout",
        ),
    ],
    ids=[
        "closed",
        "reset",
        "554",
        "421",
        "ssh",
        "http",
        "endless line",
        "endless lines",
        "ehlo and helo refused",
        "ehlo 421",
        "ehlo 502",
        "helo in cleartext",
        "endless ehlo",
        "no starttls",
        "opportunistic",
        "454",
        "454 opportunistic",
        "250 to starttls",
        "cleartext after starttls",
        "silence after starttls",
    ],
)
def test_where_it_breaks(play: t.Callable[[Peer], None], mode: str, layer: str | None, kind: str | None) -> None:
    with TinyServer(play) as server:
        evidence = climb(server, mode, timeout=1.0)
        failure = evidence["failure"] or {}
        assert (failure.get("layer"), failure.get("kind")) == (layer, kind)
        assert not any(line.split(" ")[0].upper() in ("AUTH", "MAIL", "DATA") for line in server.lines)


# -- credentials and mail travel only where they may

LOGIN = ("app", "s3cret", None)
MESSAGE = {
    "sender": "a@example.com",
    "recipients": ["b@example.com"],
    "message": "Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n",
    "deliver": True,
}


@pytest.mark.parametrize(
    "mode, allowed, layer, kind, sent",
    [
        ("cleartext", True, None, None, True),
        ("cleartext", False, "auth", "withheld", False),
        ("opportunistic", True, "auth", "withheld", False),
        ("auto", True, "auth", "withheld", False),
        ("starttls", True, "starttls", "missing", False),
    ],
)
def test_a_password_in_cleartext(mode: str, allowed: bool, layer: str | None, kind: str | None, sent: bool) -> None:
    with TinyServer(esmtp(ehlo=AUTH_OFFERED, users={"app": "s3cret"})) as server:
        evidence = climb(server, mode, credentials=LOGIN, cleartext_allowed=allowed, transaction=MESSAGE)
        failure = evidence["failure"] or {}
        assert (failure.get("layer"), failure.get("kind")) == (layer, kind)
        assert any(line.startswith("AUTH") for line in server.lines) is sent
        assert any(line.startswith("MAIL") for line in server.lines) is sent


def test_mechanisms_before_tls_are_not_used_after_it(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(ehlo=TLS_OFFERED, ehlo_after_tls="250 tiny.test\r\n", context=context)) as server:
        evidence = climb(server, "starttls", credentials=LOGIN)
        assert (evidence["failure"]["kind"], evidence["failure"]["what"]) == ("missing", "auth")
        assert not any("AUTH" in line for line in server.lines)


def test_what_was_injected_before_tls_is_dropped(context: ssl.SSLContext) -> None:
    """RFC 3207 section 4.2: a reply in the same segment as 220 must not be taken for the answer to EHLO."""

    def play(peer: Peer) -> None:
        peer.say("220 tiny.test\r\n")
        peer.line()
        peer.say(TLS_OFFERED)
        peer.line()
        peer.say("220 go\r\n250-evil.test\r\n250 AUTH PLAIN\r\n")
        peer.start_tls(context)
        peer.line()
        peer.say("250 tiny.test\r\n")
        peer.hold()

    with TinyServer(play) as server:
        evidence = climb(server, "starttls", timeout=2)
        if evidence["failure"] is None:
            assert evidence["ehlo"]["after_tls"]["lines"] == ["tiny.test"]
        assert "evil" not in str(evidence.get("ehlo"))


@pytest.mark.parametrize("vulnerable", [True, False])
def test_injection(vulnerable: bool, context: ssl.SSLContext) -> None:
    def play(peer: Peer) -> None:
        peer.say("220 tiny.test\r\n")
        peer.line()
        peer.say(TLS_OFFERED)
        peer.line()
        ahead = peer._buffer
        peer.say("220 go\r\n")
        peer.start_tls(context)
        peer._buffer = ahead if vulnerable else b""
        while True:
            verb = peer.line().split(" ")[0]
            peer.say("250-tiny.test\r\n250 AUTH PLAIN\r\n" if verb == "EHLO" else "250 ok\r\n")

    with TinyServer(play) as server:
        evidence = climb(server, "starttls", try_injection=True)
        assert evidence["failure"] is None
        assert evidence["injected"] is vulnerable
        assert evidence["ehlo"]["after_tls"]["lines"] == ["tiny.test", "AUTH PLAIN"]


@pytest.mark.parametrize("second", ["nonsense\r\n", "250", "", None])
def test_injection_where_no_second_reply_is_sound(second: str | None, context: ssl.SSLContext) -> None:
    """A relay without capabilities that goes on to say something odd, or hangs up: healthy until then, and never slow."""

    def play(peer: Peer) -> None:
        peer.say("220 tiny.test\r\n")
        peer.line()
        peer.say(TLS_OFFERED)
        peer.line()
        peer.say("220 go\r\n")
        peer.start_tls(context)
        peer.line()
        peer.say("250 tiny.test\r\n")
        if second is None:
            socket.socket.shutdown(peer.sock, socket.SHUT_WR)
        else:
            peer.say(second)
        peer.hold()

    with TinyServer(play) as server:
        started = time.monotonic()
        evidence = climb(server, "starttls", try_injection=True)
        assert time.monotonic() - started < 4.5
        assert evidence["failure"] is None
        assert evidence["injected"] is False


def test_a_message_is_sent_once_and_stuffed(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        evidence = climb(server, "implicit_tls", transaction=MESSAGE)
        assert evidence["failure"] is None
        assert evidence["transaction"]["message"]["lines"] == ["2.0.0 Ok: queued as TINY1"]
        assert server.lines[server.lines.index("DATA") : server.lines.index(".") + 1] == [
            "DATA",
            "Subject: x",
            "",
            "..dot",
            "...two",
            "end",
            ".",
        ]


def test_in_check_mode_the_message_is_taken_back(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        evidence = climb(server, "implicit_tls", transaction={**MESSAGE, "deliver": False})
        assert evidence["failure"] is None
        assert [line.split(" ")[0] for line in server.heard()] == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
        assert evidence["transaction"]["rset"]["code"] == 250


@pytest.mark.parametrize(
    "verb, reply, stage",
    [
        ("MAIL", "550 5.7.1 no\r\n", "mail"),
        ("RCPT", "450 4.2.0 later\r\n", "rcpt"),
        ("DATA", "554 5.5.1 none\r\n", "data"),
    ],
)
def test_where_a_message_is_refused(verb: str, reply: str, stage: str, context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True, replies={verb: reply})) as server:
        evidence = climb(server, "implicit_tls", transaction=MESSAGE)
        assert (evidence["failure"]["layer"], evidence["failure"]["stage"], evidence["failure"]["code"]) == (
            "transaction",
            stage,
            int(reply[:3]),
        )
        assert "." not in server.lines


@pytest.mark.parametrize(
    ("verb", "reply", "sign"),
    [
        ("DATA", "250 odd\r\n", "wrong_code"),
        ("MAIL", "220 again\r\n", "second_greeting"),
        ("MAIL", "250 ok\r\n250 ok\r\n", "unasked"),
    ],
)
def test_where_a_transaction_is_out_of_step(verb: str, reply: str, sign: str, context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True, replies={verb: reply})) as server:
        failure = climb(server, "implicit_tls", transaction=MESSAGE)["failure"]
        assert (failure["layer"], failure["kind"], failure["sign"]) == ("transaction", "out_of_step", sign)
        assert "." not in server.lines


def test_in_check_mode_the_answer_to_rset_counts(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True, replies={"RSET": "354 go\r\n"})) as server:
        failure = climb(server, "implicit_tls", transaction={**MESSAGE, "deliver": False})["failure"]
        assert (failure["kind"], failure["sign"]) == ("out_of_step", "late_reply")


def test_login(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True, ehlo=AUTH_OFFERED, users={"app": "s3cret"})) as server:
        evidence = climb(server, "implicit_tls", credentials=LOGIN)
        assert evidence["failure"] is None
        assert evidence["rungs"][-1]["mechanism"] == "PLAIN"
        evidence = climb(server, "implicit_tls", credentials=("app", "wrong", None))
        assert (evidence["failure"]["layer"], evidence["failure"]["code"]) == ("auth", 535)
        assert base64.b64encode(b"\0app\0wrong").decode() not in str(evidence)


@pytest.mark.parametrize("address, name", [("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]")])
def test_helo_name(address: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "app1")
    assert default_helo_name(address) == name
    monkeypatch.setattr(socket, "gethostname", lambda: "app1.example.com")
    assert default_helo_name(address) == "app1.example.com"
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost.localdomain")
    assert default_helo_name(address) == name


# -- whatever a relay says


_REPLIES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"220 x\r\n",
                b"250-a\r\n250 STARTTLS\r\n",
                b"250 AUTH PLAIN\r\n",
                b"334 \r\n",
                b"334 AAAA\r\n",
                b"235 ok\r\n",
                b"354 go\r\n",
                b"421 x\r\n",
                b"535 no\r\n",
                b"250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2\r\n250 STARTTLS\r\n",
                b"\x16\x03\x03\x00\x02",
                b"\x15\x03\x01\x00\x02\x02\x28",
            ]
        ),
        st.binary(max_size=40),
    ),
    max_size=12,
)


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(_REPLIES, st.sampled_from(["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]), st.booleans())
def test_any_words_of_a_relay(trusting: TLSContexts, said: list[bytes], mode: str, login: bool) -> None:
    """The climb ends with evidence, in time, whatever comes."""

    def play(peer: Peer) -> None:
        for data in said:
            peer.say(data)
            peer.some()

    with TinyServer(play) as server:
        started = time.monotonic()
        evidence = climb(
            server,
            mode,
            trusting,
            timeout=0.4,
            credentials=LOGIN if login else None,
            cleartext_allowed=True,
            transaction=MESSAGE,
        )
        assert time.monotonic() - started < 6
    if evidence["failure"] is not None:
        assert evidence["failure"]["layer"]
        assert evidence["failure"]["kind"]
    assert str(evidence).isprintable()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SASL mechanisms against the examples of their RFCs, and against relays that play foul."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import sasl
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import Reply
from hypothesis import given
from hypothesis import strategies as st


class Relay:
    """Takes the place of a wire: answers each line with the next reply (or what a function makes of the line)."""

    def __init__(self, *replies: t.Any) -> None:
        self.replies = list(replies)
        self.lines: list[str] = []

    def command(self, line: str) -> Reply:
        self.lines.append(line)
        reply = self.replies.pop(0)
        reply = reply(line) if callable(reply) else reply
        if isinstance(reply, Failure):
            raise reply
        return reply


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


OK, REFUSED = Reply(235, ["2.7.0 ok"]), Reply(535, ["5.7.8 no"])


def challenge(text: str | bytes) -> Reply:
    return Reply(334, [b64(text)])


def login(relay: Relay, mechanism: str, username: str, password: str) -> Reply:
    reply = sasl.authenticate(relay, mechanism, username, password, [])  # type: ignore[arg-type]
    assert relay.replies == [], "the dialogue ended early"
    return reply


def test_plain_of_rfc_4616() -> None:
    relay = Relay(OK)
    assert login(relay, "PLAIN", "tim", "tanstaaftanstaaf") == OK
    assert relay.lines == ["AUTH PLAIN " + b64("\0tim\0tanstaaftanstaaf")]


def test_login() -> None:
    relay = Relay(challenge("Username:"), challenge("Password:"), OK)
    assert login(relay, "LOGIN", "tim", "pässword") == OK
    assert relay.lines == ["AUTH LOGIN", b64("tim"), b64("pässword")]


def test_login_with_prompts_that_are_no_base64() -> None:
    relay = Relay(Reply(334, ["Username:"]), Reply(334, ["ü"]), REFUSED)
    assert login(relay, "LOGIN", "tim", "x") == REFUSED


def test_cram_md5_of_rfc_2195() -> None:
    relay = Relay(challenge("<1896.697170952@postoffice.reston.mci.net>"), OK)
    assert login(relay, "CRAM-MD5", "tim", "tanstaaftanstaaf") == OK
    assert relay.lines == ["AUTH CRAM-MD5", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"]


def test_xoauth2_answers_the_error_with_nothing() -> None:
    relay = Relay(challenge('{"status":"400"}'), REFUSED)
    assert login(relay, "XOAUTH2", "a@example.com", "ya29.token") == REFUSED
    assert relay.lines == ["AUTH XOAUTH2 " + b64("user=a@example.com\x01auth=Bearer ya29.token\x01\x01"), ""]


@pytest.mark.parametrize(
    "mechanism, nonce, server_first, proof, server_final",
    [
        # RFC 5802 section 5 and RFC 7677 section 3: user "user", password "pencil".
        (
            "SCRAM-SHA-1",
            "fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            "SCRAM-SHA-256",
            "rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ],
)
def test_scram_of_the_rfcs(
    mechanism: str, nonce: str, server_first: str, proof: str, server_final: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sasl.base64, "b64encode", _first_fixed(nonce))
    steps = sasl._STEPS[mechanism](mechanism, b"user", b"pencil")
    assert next(steps) == f"n,,n=user,r={nonce}".encode()
    final = steps.send(server_first.encode())
    combined = server_first.split(",")[0]
    assert final == f"c=biws,{combined},p={proof}".encode()
    assert steps.send(server_final.encode()) == b""


def _first_fixed(nonce: str) -> t.Callable[[bytes], bytes]:
    """The first base64 that SCRAM makes is its nonce."""
    real, used = base64.b64encode, []

    def encode(data: bytes) -> bytes:
        if not used:
            used.append(True)
            return nonce.encode()
        return real(data)

    return encode


@pytest.mark.parametrize(
    "server_first",
    [
        "",
        "r=other,s=QSXCR+Q6sek8bf92,i=4096",
        "s=QSXCR+Q6sek8bf92,i=4096",
        "i=4096",
        "r={nonce}x,s=QSXCR+Q6sek8bf92,i=0",
        "r={nonce}x,s=QSXCR+Q6sek8bf92,i=-1",
        "r={nonce}x,s=QSXCR+Q6sek8bf92,i=999999999",
        "r={nonce}x,s=QSXCR+Q6sek8bf92,i=x",
        "r={nonce}x,s=****,i=4096",
        "r={nonce}x,s=QSXCR+Q6sek8bf92,i=" + "9" * 6000,
    ],
)
def test_scram_cancels_when_the_relay_is_not_sound(server_first: str) -> None:
    """No hashing for ever, no proof for a replayed nonce: the dialogue is cancelled with "*" (RFC 4954 section 4)."""

    def first(line: str) -> Reply:
        sent = base64.b64decode(line.split()[-1]).decode()
        return challenge(server_first.replace("{nonce}", sent.partition("r=")[2]))

    relay = Relay(first, Reply(501, ["cancelled"]))
    assert login(relay, "SCRAM-SHA-256", "user", "pencil").code == 501
    assert relay.lines[-1] == "*"


def test_scram_with_a_relay_that_does_not_know_the_password() -> None:
    def first(line: str) -> Reply:
        sent = base64.b64decode(line.split()[-1]).decode()
        return challenge("r=" + sent.partition("r=")[2] + "x,s=QSXCR+Q6sek8bf92,i=2")

    relay = Relay(first, challenge("v=AAAA"), Reply(501, ["cancelled"]))
    login(relay, "SCRAM-SHA-1", "user", "pencil")
    assert relay.lines[-1] == "*"


def test_scram_escapes_the_user_name() -> None:
    steps = sasl._STEPS["SCRAM-SHA-1"]("SCRAM-SHA-1", b"a,b=c", b"x")
    assert next(steps).startswith(b"n,,n=a=2Cb=3Dc,r=")  # type: ignore[union-attr]


@pytest.mark.parametrize("mechanism", sorted(sasl._STEPS))
def test_endless_challenges_end(mechanism: str) -> None:
    relay = Relay(*[challenge("again")] * 50)
    sasl.authenticate(relay, mechanism, "user", "pencil", [])  # type: ignore[arg-type]
    assert len(relay.lines) <= 8


@given(
    st.sampled_from(sorted(sasl._STEPS)),
    st.lists(st.text(max_size=60), min_size=1, max_size=8),
    st.text(max_size=9),
    st.text(max_size=9),
)
def test_any_challenges(mechanism: str, challenges: list[str], username: str, password: str) -> None:
    """Never anything but a reply."""
    relay = Relay(*[Reply(334, [text]) for text in challenges], *[REFUSED] * 9)
    assert isinstance(sasl.authenticate(relay, mechanism, username, password, []), Reply)  # type: ignore[arg-type]


def decoded(line: str) -> str:
    return printable(base64.b64decode(line.split()[-1]))


@pytest.mark.parametrize(
    "mechanism, sent", [("PLAIN", 0), ("LOGIN", 2), ("CRAM-MD5", 1), ("XOAUTH2", 0), ("SCRAM-SHA-1", 0)]
)
def test_what_was_sent_does_not_come_back(mechanism: str, sent: int) -> None:
    """A relay that echoes the client's line: in its reply, and in what breaks the dialogue."""
    said: list[str] = []

    def remember(line: str) -> Reply:
        said.append(line.split()[-1])
        return challenge("<1.2@x>")

    def echoing(line: str) -> Reply:
        said.append(line.split()[-1])
        return Reply(535, [f"5.5.2 bad {line}", f"decoded: {decoded(line)}"])

    relay = Relay(*[remember] * sent, echoing)
    reply = login(relay, mechanism, "user", "pencil")
    text = " ".join(reply.lines)
    assert said[-1] not in text
    assert decoded(said[-1]) not in text

    def breaking(line: str) -> Failure:
        said.append(line.split()[-1])
        return Failure("malformed", text=f"what is {line}?", partial=line)

    with pytest.raises(Failure) as caught:
        login(Relay(*[remember] * sent, breaking), mechanism, "user", "pencil")
    assert said[-1] not in str(caught.value.facts)

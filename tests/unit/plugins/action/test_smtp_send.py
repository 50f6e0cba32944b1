# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test message: what is refused before anything is sent, and what the answer says."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.acting import Host, act
from tests.support.faulty import FaultyServer, smtp

MESSAGE = {
    "host": "127.0.0.1",
    "security": "cleartext",
    "sender": "app@example.com",
    "recipients": ["a@example.org"],
    "timeout": 5,
}
KEYS = {"changed", "probes", "cause", "layer", "remedy", "reply", "queue_id", "message_id", "msg"}


def no_host(_plans: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    raise AssertionError("the host was asked")


def test_a_message() -> None:
    with FaultyServer(smtp()) as relay:
        answer = act("smtp_send", Host(), **MESSAGE, port=relay.port, subject="hello")
        assert set(answer) == KEYS and answer["changed"] and "failed" not in answer
        assert (answer["reply"], answer["queue_id"]) == ("250 2.0.0 Ok: queued as 4FAULTY00001", "4FAULTY00001")
        assert answer["msg"] == f"127.0.0.1:{relay.port} took the message: {answer['reply']}"
        assert "Subject: hello" in relay.messages[0] and answer["message_id"] in relay.messages[0]


def test_check_mode_takes_it_back() -> None:
    with FaultyServer(smtp()) as relay:
        answer = act("smtp_send", Host(), check_mode=True, **MESSAGE, port=relay.port)
        assert (answer["reply"], answer["queue_id"]) == ("250 2.1.5 Ok", None)
        assert "would take the message" in answer["msg"]
        # Whether the relay has read the QUIT by now is its own affair.
        assert [line.split()[0] for _tls, line in relay.commands if line != "QUIT"] == ["EHLO", "MAIL", "RCPT", "RSET"]
        assert relay.messages == []


def test_a_refusal() -> None:
    with FaultyServer(smtp(replies={"RCPT": "550 5.1.1 User unknown"})) as relay:
        answer = act("smtp_send", Host(), **MESSAGE, port=relay.port, delegate_to="relayhost")
        assert answer["failed"] and set(answer) == KEYS | {"failed"}
        assert (answer["cause"], answer["layer"], answer["changed"]) == ("recipient_rejected", "transaction", False)
        assert answer["msg"].startswith(f"relayhost cannot send mail through 127.0.0.1:{relay.port} (cleartext): ")
        assert answer["msg"].endswith(answer["remedy"])


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"recipients": [""]}, "recipients[0] is empty; write an address"),
        ({"recipients": [None]}, "recipients[0] is empty; write an address"),
        ({"recipients": ["  "]}, "recipients[0] is empty; write an address"),
        ({"recipients": []}, "recipients is empty; write a list"),
        ({"recipients": None}, "recipients is empty; write a list"),
        ({"recipients": 5}, "recipients is '5', which is not a list"),
        (
            {"recipients": ["a@example.org", "a@EXAMPLE.org"]},
            "recipients[1] is 'a@EXAMPLE.org', which stands there already",
        ),
        ({"sender": None}, "sender is missing; write the address that the app sends from"),
        ({"sender": "App <app@example.com>"}, "which is not a bare mail address"),
        ({"headers": ["X-A"]}, "headers is not a dictionary"),
        ({"subject": "a\r\nBcc: x@example.com"}, "subject has a line break or control character in it"),
        ({"username": "app"}, "username is given without a password"),
        ({"recipient": "a@example.org"}, "recipient is not an option; write recipients."),
        ({"port": 0}, "port is 0"),
    ],
)
def test_bad_input_reaches_no_host(changes: dict[str, t.Any], words: str) -> None:
    answer = act("smtp_send", Host(no_host), **{**MESSAGE, "port": 25, **changes})
    assert answer["failed"] and words in answer["msg"] and answer["msg"].startswith("testhost: ")
    assert (answer["cause"], answer["layer"], answer["probes"]) == ("invalid_settings", "settings", [])


@pytest.mark.parametrize(
    "result, words",
    [
        ({"failed": True, "msg": "no python"}, "no python"),
        ({}, "the host gave no reason"),
        ({"unreachable": True, "msg": "gone"}, "gone"),
    ],
)
def test_a_host_that_cannot_send(result: dict[str, t.Any], words: str) -> None:
    answer = act("smtp_send", Host(lambda _plans: result), **MESSAGE, port=25)
    assert answer["failed"] and words in answer["msg"]

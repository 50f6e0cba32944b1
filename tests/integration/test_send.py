# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_send by the real ansible-playbook through real Postfix: delivered once, not at all in check mode, never weaker than asked."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

import pytest

from tests.support.batch import Batch
from tests.support.faulty import FaultyServer, honest, smtp
from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix

SEND = "mailops.smtp.smtp_send"
PASSWORD = "hunter2-S3cret"
HOSTS = {"twice.test": ["127.0.0.1", "::1"]}
KEYS = {"changed", "probes", "cause", "layer", "remedy", "reply", "queue_id", "message_id", "msg", "failed"}


class World:
    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
        pki = Pki(folder / "pki")
        good = pki.issue("localhost", names=["localhost", "twice.test"], ips=["127.0.0.1", "::1"])
        start = stack.enter_context
        ca = str(pki.ca_file)
        self.postfix = start(
            Postfix(
                [Listener("implicit"), Listener("starttls"), Listener("cleartext"), Listener("implicit", host="::1")],
                certificate=good,
                users={"app": PASSWORD},
                reject_recipients={
                    "nobody@example.com": "550 5.1.1 User unknown",
                    "later@example.com": "450 4.2.0 Greylisted",
                },
                reject_senders={"bad@example.com": "550 5.7.1 not you"},
                size_limit=20000,
            )
        )
        implicit, starttls, cleartext, _six = (one.port for one in self.postfix.listeners)
        self.twice = start(FaultyServer(smtp(implicit=honest(good))))
        self.twice6 = start(FaultyServer(smtp(implicit=honest(good)), "::1", self.twice.port))
        self.stripped = start(FaultyServer(smtp(users={"app": PASSWORD}, mechanisms=["PLAIN"])))
        self.refusing = start(
            FaultyServer(smtp(starttls="454 4.7.0 no", users={"app": PASSWORD}, mechanisms=["PLAIN"]))
        )
        self.vanishing = start(FaultyServer(smtp(implicit=honest(good), replies={".": "451 4.3.0 try again"})))
        self.batch = Batch(folder / "run", {"password": PASSWORD}, HOSTS)
        login = {"username": "app", "password": "{{ password }}"}

        def add(name: str, port: int, keywords: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> None:
            base = {
                "host": "localhost",
                "port": port,
                "ca_path": ca,
                "sender": "app@example.com",
                "recipients": ["postmaster@example.com"],
                "subject": f"case {name}",
            }
            self.batch.add(name, SEND, keywords, **{**base, **options})

        add("implicit", implicit, secure=True, **login)
        add(
            "starttls",
            starttls,
            secure=False,
            sender_name="Grüße, App",
            body=".dot\r\nLine ü\n..\n",
            headers={"X-Run": "seven"},
            **login,
        )
        add("cleartext", cleartext, security="cleartext")
        add("several", implicit, secure=True, recipients=["a@example.com", "b@example.com"])
        add("one_string", implicit, secure=True, recipients="c@example.com")
        add("checked", implicit, {"check_mode": True}, secure=True, **login)
        add("checked_refused", implicit, {"check_mode": True}, secure=True, recipients=["nobody@example.com"])
        add("twice", self.twice.port, host="twice.test", secure=True)
        add("stripped", self.stripped.port, secure=False, **login)
        add("stripped_opportunistic", self.stripped.port, security="opportunistic", **login)
        add("refusing", self.refusing.port, secure=False, **login)
        add("wrong_password", starttls, secure=False, username="app", password="x{{ password }}")
        add("login_needed", implicit, secure=True, recipients=["nobody@example.com", "a@example.com"])
        add("greylisted", implicit, secure=True, recipients=["later@example.com"])
        add("sender", implicit, secure=True, sender="bad@example.com")
        add("too_large", implicit, secure=True, body="x" * 70 + "\n" + "a line of text\n" * 3000)
        add("after_data", self.vanishing.port, secure=True)
        add("untrusted", implicit, secure=True, ca_path=None)
        add("no_sender", implicit, secure=True, sender=None)
        add("no_recipients", implicit, secure=True, recipients=[])
        add("bad_recipient", implicit, secure=True, recipients=["App <a@example.com>"])
        add("empty_recipient", implicit, secure=True, recipients=[""])
        add("bad_subject", implicit, secure=True, subject="a\r\nBcc: x@example.com")
        add("injected_header", implicit, secure=True, headers={"X-A\r\nBcc": "x@example.com"})
        add("injected_value", implicit, secure=True, headers={"X-A": "a\r\nBcc: x@example.com"})
        add("second_sender", implicit, secure=True, headers={"from": "x@example.com"})
        add("bad_headers", implicit, secure=True, headers=["X-A"])
        add("user_without_password", implicit, secure=True, username="app")
        self.output = self.batch.run().output


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    with contextlib.ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("send"), stack)


def delivered(world: World, name: str) -> list[str]:
    return [
        message for message in world.postfix.messages() if f"Subject: case {name}\n" in message.replace("\r\n", "\n")
    ]


@pytest.mark.parametrize("name", ["implicit", "starttls", "cleartext", "several", "one_string"])
def test_delivered_once(world: World, name: str) -> None:
    answer = world.batch[name]
    assert not answer["failed"] and answer["changed"], answer
    assert set(answer) >= KEYS
    assert (answer["cause"], answer["layer"], answer["remedy"]) == (None, None, None)
    assert answer["reply"] == f"250 2.0.0 Ok: queued as {answer['queue_id']}"
    assert answer["msg"].endswith(f"took the message: {answer['reply']}")
    message = world.postfix.wait_for_message(answer["message_id"], 10)
    assert f"Subject: case {name}" in message
    time.sleep(0.2)
    assert len(delivered(world, name)) == (2 if name == "several" else 1)  # one a recipient's mailbox
    assert list(answer["probes"][0]["transaction"]) == ["mail", "rcpt", "data", "message"]


def test_the_message_arrives_as_written(world: World) -> None:
    message = world.postfix.wait_for_message(world.batch["starttls"]["message_id"], 10).replace("\r\n", "\n")
    assert "X-Run: seven" in message
    assert "app@example.com" in message
    head, _blank, body = message.partition("\n\n")
    assert "quoted-printable" in head or "base64" in head
    assert ".dot" in body or "base64" in head


@pytest.mark.parametrize("name", ["checked", "checked_refused"])
def test_check_mode_goes_to_rcpt_and_back(world: World, name: str) -> None:
    answer = world.batch[name]
    assert delivered(world, name) == []
    assert answer["queue_id"] is None
    transaction = answer["probes"][0]["transaction"]
    if name == "checked":
        assert not answer["failed"]
        assert answer["reply"] == "250 2.1.5 Ok"
        assert list(transaction) == ["mail", "rcpt", "rset"] and transaction["rset"]["code"] == 250
        assert "would take the message" in answer["msg"]
    else:
        assert (answer["failed"], answer["cause"]) == (True, "recipient_rejected")
        assert list(transaction) == ["mail", "rcpt"]


def test_of_two_addresses_one_gets_it(world: World) -> None:
    assert not world.batch["twice"]["failed"]
    assert len(world.twice.messages) + len(world.twice6.messages) == 1


@pytest.mark.parametrize(
    "name, cause, layer, words",
    [
        ("stripped", "starttls_not_offered", "starttls", "does not offer STARTTLS"),
        (
            "stripped_opportunistic",
            "auth_requires_tls",
            "auth",
            "no password is sent unless security: cleartext was chosen",
        ),
        ("refusing", "starttls_rejected", "starttls", "454 4.7.0 no"),
        ("wrong_password", "auth_rejected", "auth", "535 5.7.8"),
        ("login_needed", "recipient_rejected", "transaction", "nobody@example.com"),
        ("greylisted", "temporarily_rejected", "transaction", "450 4.2.0"),
        ("sender", "sender_rejected", "transaction", "550 5.7.1"),
        ("too_large", "message_rejected", "transaction", "552 5.3.4"),
        ("after_data", "temporarily_rejected", "transaction", "451 4.3.0"),
        ("untrusted", "certificate_untrusted", "certificate", "does not trust"),
    ],
)
def test_not_delivered(world: World, name: str, cause: str, layer: str, words: str) -> None:
    answer = world.batch[name]
    assert answer["failed"] and not answer["changed"]
    assert set(answer) >= KEYS
    assert (answer["cause"], answer["layer"]) == (cause, layer)
    assert words in answer["msg"] and answer["remedy"] in answer["msg"]
    assert answer["queue_id"] is None
    assert delivered(world, name) == []


def test_nothing_ever_went_in_cleartext_that_must_not(world: World) -> None:
    for server in (world.stripped, world.refusing):
        assert {line.split()[0] for _tls, line in server.commands} <= {"EHLO", "STARTTLS", "QUIT"}
        assert server.messages == []


@pytest.mark.parametrize(
    "name, words",
    [
        ("no_sender", "sender is missing; write the address that the app sends from"),
        ("no_recipients", "recipients is empty; write a list of addresses"),
        ("bad_recipient", "recipients[0] is 'App <a@example.com>', which is not a bare mail address"),
        ("empty_recipient", "recipients[0] is empty; write an address"),
        ("bad_subject", "subject has a line break or control character in it; write it on one line."),
        ("injected_header", "headers holds the name 'X-A\\r\\nBcc', which is not one of a header"),
        ("injected_value", "headers, 'X-A', has a line break or control character in it; write it on one line."),
        ("second_sender", "headers holds 'from', which is not set there; write sender and sender_name instead."),
        ("bad_headers", "headers is not a dictionary"),
        ("user_without_password", "username is given without a password"),
    ],
)
def test_bad_input(world: World, name: str, words: str) -> None:
    answer = world.batch[name]
    assert answer["failed"]
    assert words in answer["msg"]
    assert (answer["cause"], answer["layer"], answer["probes"]) == ("invalid_settings", "settings", [])


def test_no_secret_and_no_traceback(world: World) -> None:
    assert PASSWORD not in world.output and "Traceback" not in world.output

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_endpoint_info by the real ansible-playbook: verdicts as data, many at once, and bad input alone fails."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import pytest

from tests.support.batch import Batch
from tests.support.faulty import (
    FTP,
    IMAP,
    SSH,
    FaultyServer,
    drip,
    full_backlog,
    honest,
    http,
    reset,
    say,
    silent,
    smtp,
)
from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix

INFO = "mailops.smtp.smtp_endpoint_info"
PASSWORD = "hunter2-S3cret"
HOSTS = {"twice.test": ["127.0.0.1", "::1"], "six.test": ["::1"]}


class World:
    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
        pki = Pki(folder / "pki")
        good = pki.issue("localhost", names=["localhost", "twice.test"], ips=["127.0.0.1", "::1"])
        start = stack.enter_context
        self.ca = str(pki.ca_file)
        self.postfix = start(
            Postfix(
                [
                    Listener("implicit"),
                    Listener("starttls"),
                    Listener("cleartext"),
                    Listener("opportunistic", tls_auth_only=False),
                ],
                certificate=good,
                users={"app": PASSWORD},
            )
        )
        self.implicit, self.starttls, self.cleartext, self.opportunistic = (one.port for one in self.postfix.listeners)
        behaviours = {
            "silent": silent(),
            "drip": drip(seconds=0.2),
            "reset": reset(),
            "ssh": say(SSH),
            "imap": say(IMAP),
            "ftp": say(FTP),
            "http": http(),
            "rejecting": smtp(greeting="554 5.7.1 go away"),
            "injectable": smtp(starttls=honest(good), injection=True),
            "sound": smtp(starttls=honest(good)),
            "masked": smtp(capabilities=["SIZE 1000", "XXXXXXXA"]),
            "refusing": smtp(starttls="454 4.7.0 not now"),
        }
        self.servers = {name: start(FaultyServer(behaviour)) for name, behaviour in behaviours.items()}
        self.filtered = start(full_backlog()).port
        self.batch = Batch(folder / "run", {"password": PASSWORD}, HOSTS)
        add, ca = self.batch.add, {"host": "localhost", "ca_path": self.ca}
        add(
            "auto",
            INFO,
            **ca,
            security="auto",
            endpoints=[{"port": port} for port in (self.implicit, self.starttls, self.cleartext, self.opportunistic)],
        )
        faults = ["silent", "drip", "reset", "ssh", "imap", "ftp", "http", "rejecting", "masked", "refusing"]
        add(
            "faults",
            INFO,
            **ca,
            secure=False,
            timeout=2.5,
            endpoints=[{"port": self.servers[name].port} for name in faults] + [{"port": self.filtered}],
        )
        add(
            "on_tls",
            INFO,
            **ca,
            secure=True,
            timeout=2.5,
            endpoints=[{"port": self.servers[name].port} for name in ("silent", "ssh", "http", "refusing")],
        )
        add("one", INFO, **ca, port=self.implicit, secure=True)
        add("pem", INFO, **ca, port=self.implicit, secure=True, return_pem=True)
        add(
            "injection",
            INFO,
            **ca,
            secure=False,
            endpoints=[{"port": self.servers["injectable"].port}, {"port": self.servers["sound"].port}],
        )
        add(
            "login",
            INFO,
            **ca,
            port=self.starttls,
            secure=False,
            check_credentials=True,
            username="app",
            password="{{ password }}",
        )
        add(
            "wrong",
            INFO,
            **ca,
            port=self.starttls,
            secure=False,
            check_credentials=True,
            username="app",
            password="x{{ password }}",
        )
        add("no_try", INFO, **ca, port=self.starttls, secure=False, username="app", password="x{{ password }}")
        add(
            "mechanism",
            INFO,
            **ca,
            port=self.starttls,
            secure=False,
            check_credentials=True,
            username="app",
            password="{{ password }}",
            auth_mechanism="SCRAM-SHA-256",
        )
        add(
            "cram",
            INFO,
            **ca,
            port=self.starttls,
            secure=False,
            check_credentials=True,
            username="app",
            password="{{ password }}",
            auth_mechanism="cram-md5",
        )
        add(
            "clear_login",
            INFO,
            host="localhost",
            port=self.cleartext,
            security="cleartext",
            check_credentials=True,
            username="app",
            password="{{ password }}",
        )
        add("six", INFO, host="six.test", ca_path=self.ca, port=self.implicit, secure=True)
        add(
            "names",
            INFO,
            host="localhost",
            endpoints=[{"host": "nowhere.invalid", "port": 25}, {"port": self.cleartext, "security": "cleartext"}],
            timeout=3,
        )
        add("checked", INFO, {"check_mode": True}, **ca, port=self.servers["ssh"].port, secure=False)
        add("bad", INFO, host="localhost", port="abc")
        add("bad_entry", INFO, host="localhost", endpoints=[{"port": 25}, {"port": 25, "scure": True}])
        add("policy", INFO, host="localhost", port=25, minimum_tls_version="1.3")
        add("nothing", INFO)
        add("asynchronous", INFO, {"async": 10, "poll": 0}, **ca, port=self.implicit, secure=True)
        self.output = self.batch.run().output


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    with contextlib.ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("info"), stack)


def probes(world: World, name: str) -> list[dict[str, t.Any]]:
    answer = world.batch[name]
    assert not answer["failed"] and not answer["changed"], answer
    return t.cast("list[dict[str, t.Any]]", answer["probes"])


def codes(world: World, name: str) -> list[t.Any]:
    return [one["cause"] for one in probes(world, name)]


def test_auto_finds_out_the_mode(world: World) -> None:
    found = probes(world, "auto")
    assert [one["security_observed"] for one in found] == ["implicit_tls", "starttls", "cleartext", "starttls"]
    assert [(one["ok"], one["security"]) for one in found] == [(True, "auto")] * 4
    assert [one["tls"]["verified"] for one in found] == [True, True, None, True]


def test_a_bad_server_is_data(world: World) -> None:
    assert codes(world, "faults") == [
        "greeting_timeout",
        "greeting_timeout",
        "connection_reset",
        "not_smtp",
        "not_smtp",
        "not_smtp",
        "not_smtp",
        "greeting_rejected",
        "starttls_not_offered",
        "starttls_rejected",
        "connection_timeout",
    ]
    for one in probes(world, "faults"):
        assert one["elapsed_ms"] < 3500
        assert one["message"].endswith(".") and one["remedy"].endswith(".")
    masked = probes(world, "faults")[8]
    assert "starttls_stripped" in [finding["code"] for finding in masked["findings"]]
    assert masked["capabilities"]["before_tls"]["SIZE"] == ["1000"]


def test_tls_asked_of_others(world: World) -> None:
    silent_one, ssh, web, starttls = probes(world, "on_tls")
    assert silent_one["cause"] == "tls_handshake_timeout"
    assert (ssh["cause"], web["cause"]) == ("not_smtp", "not_smtp")
    assert (starttls["cause"], starttls["layer"], starttls["security_observed"]) == (
        "mode_mismatch",
        "mode",
        "starttls",
    )


def test_one_healthy_endpoint(world: World) -> None:
    (one,) = probes(world, "one")
    assert one["greeting"].startswith("220 relay.test ESMTP")
    assert one["capabilities"]["before_tls"] == {}
    assert one["capabilities"]["after_tls"]["AUTH"] == ["PLAIN", "LOGIN", "CRAM-MD5"]
    assert [step["layer"] for step in one["layers"]] == ["dns", "tcp", "tls", "certificate", "greeting", "ehlo"]
    assert one["addresses"] == [
        {"address": "127.0.0.1", "family": 4, "ok": True, "cause": None, "ms": one["addresses"][0]["ms"]}
    ]
    assert (one["tls"]["version"], one["tls"]["verified"], one["chain_available"]) == ("TLSv1.3", True, True)
    assert [certificate["subject"] for certificate in one["certificates"]] == [
        "CN=localhost",
        "CN=mailops test intermediate",
    ]
    assert "pem" not in one["certificates"][0]
    assert probes(world, "pem")[0]["certificates"][0]["pem"].startswith("-----BEGIN CERTIFICATE-----\n")


def test_capabilities_before_and_after_tls(world: World) -> None:
    one = probes(world, "auto")[1]
    assert "STARTTLS" in one["capabilities"]["before_tls"] and "AUTH" not in one["capabilities"]["before_tls"]
    assert "AUTH" in one["capabilities"]["after_tls"] and "STARTTLS" not in one["capabilities"]["after_tls"]
    assert "auth_offered_in_cleartext" in [finding["code"] for finding in probes(world, "auto")[3]["findings"]]


def test_injection(world: World) -> None:
    vulnerable, sound = probes(world, "injection")
    assert "starttls_injection" in [finding["code"] for finding in vulnerable["findings"]]
    assert "starttls_injection" not in [finding["code"] for finding in sound["findings"]]
    assert sound["ok"] and vulnerable["ok"]


def test_credentials(world: World) -> None:
    assert (codes(world, "login"), codes(world, "wrong"), codes(world, "no_try")) == ([None], ["auth_rejected"], [None])
    assert (codes(world, "mechanism"), codes(world, "cram"), codes(world, "clear_login")) == (
        ["auth_mechanism_not_offered"],
        [None],
        [None],
    )
    assert "535 5.7.8" in probes(world, "wrong")[0]["message"]


def test_addresses_and_names(world: World) -> None:
    assert [(one["address"], one["family"], one["cause"]) for one in probes(world, "six")[0]["addresses"]] == [
        ("::1", 6, "connection_refused")
    ]
    first, second = probes(world, "names")
    assert first["cause"] in ("name_not_found", "name_server_failure") and first["addresses"] == []
    assert second["ok"]


def test_check_mode_probes(world: World) -> None:
    assert codes(world, "checked") == ["not_smtp"]


@pytest.mark.parametrize(
    "name, words",
    [
        ("bad", "port is 'abc', which is not a port number; write 465 with secure: true, or 587 with secure: false."),
        ("bad_entry", "endpoints[1].scure is not an option; write secure."),
        ("policy", "minimum_tls_version is '1.3'; write one of TLSv1, TLSv1.1"),
        ("nothing", "host is empty; write the relay's name"),
    ],
)
def test_bad_input_alone_fails(world: World, name: str, words: str) -> None:
    answer = world.batch[name]
    assert answer["failed"] and answer["probes"] == []
    assert words in answer["msg"]
    assert (answer["cause"], answer["layer"]) == ("invalid_settings", "settings")


def test_async_and_secrets(world: World) -> None:
    assert "async" in world.batch["asynchronous"]["msg"]
    assert PASSWORD not in world.output and "Traceback" not in world.output

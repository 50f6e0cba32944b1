# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_gate by the real ansible-playbook against real Postfix and scripted relays: the contract of its result."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import subprocess
import sys
import typing as t

import pytest

from tests.support.batch import Batch
from tests.support.contract import PROBE_KEYS
from tests.support.faulty import FaultyServer, delayed, full_backlog, honest, server_context, silent, smtp
from tests.support.pki import EXPIRED, Pki
from tests.support.playbook import play
from tests.support.postfix import Listener, Postfix

GATE = "mailops.smtp.smtp_gate"
PASSWORD = "hunter2-S3cret"
ANSWER = {"changed", "probes", "cause", "layer", "remedy", "alternatives", "selected", "msg", "failed"}
HOSTS = {"twice.test": ["127.0.0.1", "::1"]}


class World:
    """The relays of this file, and the one run of the playbook."""

    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
        pki = Pki(folder / "pki")
        good = pki.issue("localhost", names=["localhost", "twice.test"], ips=["127.0.0.1", "::1"])
        self.ca = str(pki.ca_file)
        self.postfix = stack.enter_context(
            Postfix(
                [
                    Listener("implicit"),
                    Listener("starttls"),
                    Listener("cleartext"),
                    Listener("implicit", certificate=pki.issue("localhost", valid=EXPIRED)),
                    Listener("implicit", certificate=pki.issue("localhost", chain=["leaf"])),
                    Listener("implicit", certificate=pki.issue("localhost", issuer=None)),
                ],
                certificate=good,
                users={"app": PASSWORD},
            )
        )
        self.implicit, self.starttls, self.cleartext, self.expired, self.incomplete, self.self_signed = (
            one.port for one in self.postfix.listeners
        )
        start = stack.enter_context
        self.counted = start(FaultyServer(smtp(implicit=honest(good))))
        self.other = start(FaultyServer(smtp(starttls=honest(good))))
        self.untouched = start(FaultyServer(smtp(implicit=honest(good))))
        self.old = start(FaultyServer(smtp(implicit=honest(server_context(good, maximum=ssl.TLSVersion.TLSv1_2)))))
        self.silent = start(FaultyServer(silent()))
        self.slow = start(FaultyServer(delayed(12, smtp(implicit=None, starttls=honest(good)))))
        self.login = start(FaultyServer(smtp(implicit=honest(good), users={"app": PASSWORD}, mechanisms=["PLAIN"])))
        self.login6 = start(
            FaultyServer(
                smtp(implicit=honest(good), users={"app": PASSWORD}, mechanisms=["PLAIN"]), "::1", self.login.port
            )
        )
        self.denying = start(FaultyServer(smtp(implicit=honest(good), users={"app": PASSWORD}, mechanisms=["PLAIN"])))
        self.denying6 = start(
            FaultyServer(
                smtp(implicit=honest(good), users={"app": PASSWORD}, mechanisms=["PLAIN"]), "::1", self.denying.port
            )
        )
        self.filtered = start(full_backlog()).port
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.closed = sock.getsockname()[1]
        self.batch = Batch(folder / "run", {"password": PASSWORD}, HOSTS)
        self._add_tasks()
        self.output = self.batch.run().output

    def _add_tasks(self) -> None:
        add, ca = self.batch.add, {"host": "localhost", "ca_path": self.ca}
        add("healthy", GATE, **ca, port=self.counted.port, secure=True, alternatives=[self.untouched.port])
        add("healthy_string", GATE, **ca, port=str(self.implicit), secure="true")
        add("healthy_starttls", GATE, **ca, port=self.starttls, secure=False)
        add("healthy_cleartext", GATE, **ca, port=self.cleartext, security="cleartext")
        add("no_cleartext", GATE, **ca, port=self.cleartext, secure=False, alternatives=[])
        add(
            "outside",
            GATE,
            **ca,
            port=self.cleartext,
            security="cleartext",
            cleartext_networks=["10.0.0.0/8"],
            alternatives=[],
        )
        add("inside", GATE, **ca, port=self.cleartext, security="cleartext", cleartext_networks=["127.0.0.0/8"])
        add("mismatch", GATE, **ca, port=self.implicit, secure=False, alternatives=[], timeout=60)
        add("mismatch_reverse", GATE, **ca, port=self.starttls, secure=True, alternatives=[], timeout=60)
        for name in ("expired", "incomplete", "self_signed"):
            add(name, GATE, **ca, port=getattr(self, name), secure=True, alternatives=[])
        add("untrusted", GATE, host="localhost", port=self.implicit, secure=True, alternatives=[])
        add("wrong_name", GATE, **ca, port=self.implicit, secure=True, alternatives=[], server_name="mail.example.com")
        add("unverified", GATE, host="localhost", port=self.expired, secure=True, validate_certs=False)
        add(
            "refused",
            GATE,
            **ca,
            port=self.closed,
            secure=True,
            alternatives=[self.implicit, self.starttls, self.expired],
        )
        add(
            "filtered",
            GATE,
            **ca,
            port=self.filtered,
            secure=True,
            alternatives=[self.silent.port, self.starttls, self.implicit],
            timeout=3,
        )
        add(
            "used",
            GATE,
            **ca,
            port=self.closed,
            secure=True,
            alternatives=[self.expired, self.starttls],
            fallback="use",
        )
        add(
            "used_login",
            GATE,
            **ca,
            port=self.closed,
            secure=True,
            alternatives=[self.implicit],
            fallback="use",
            check_credentials=True,
            username="app",
            password="{{ password }}",
        )
        add(
            "used_bad_login",
            GATE,
            **ca,
            port=self.closed,
            secure=True,
            alternatives=[self.implicit],
            fallback="use",
            check_credentials=True,
            username="app",
            password="{{ password }}-wrong",
        )
        add("used_none", GATE, **ca, port=self.closed, secure=True, alternatives=[self.expired], fallback="use")
        add(
            "endpoints",
            GATE,
            **ca,
            secure=True,
            endpoints=[
                {"port": self.implicit},
                {"port": self.starttls, "secure": False},
                {"port": self.old.port, "timeout": 5},
            ],
        )
        add(
            "one_bad",
            GATE,
            **ca,
            secure=True,
            alternatives=[],
            endpoints=[{"port": self.implicit}, {"port": self.closed}, {"port": self.expired}],
        )
        add(
            "tls13",
            GATE,
            **ca,
            port=self.old.port,
            secure=True,
            minimum_tls_version="TLSv1.3",
            alternatives=[self.implicit],
        )
        add("days", GATE, **ca, port=self.implicit, secure=True, certificate_days_error=60, alternatives=[])
        add("days_warning", GATE, **ca, port=self.implicit, secure=True, certificate_days_warning=60)
        add("half_dead", GATE, host="twice.test", ca_path=self.ca, port=self.implicit, secure=True)
        add(
            "half_dead_strict",
            GATE,
            host="twice.test",
            ca_path=self.ca,
            port=self.implicit,
            secure=True,
            require_all_addresses=True,
            alternatives=[],
        )
        add(
            "four",
            GATE,
            host="twice.test",
            ca_path=self.ca,
            port=self.implicit,
            secure=True,
            require_all_addresses=True,
            ip_version="4",
        )
        add("nowhere", GATE, host="nowhere.invalid", port=465, secure=True)
        login = {"ca_path": self.ca, "secure": True, "check_credentials": True, "username": "app"}
        add("login", GATE, host="twice.test", port=self.login.port, password="{{ password }}", **login)
        add(
            "login_bad",
            GATE,
            host="twice.test",
            port=self.denying.port,
            password="wrong-{{ password }}",
            alternatives=[self.implicit],
            **login,
        )
        add(
            "login_without_tls",
            GATE,
            host="localhost",
            port=self.cleartext,
            security="opportunistic",
            check_credentials=True,
            username="app",
            password="{{ password }}",
            alternatives=[],
        )
        add(
            "slow",
            GATE,
            **ca,
            endpoints=[
                {"port": self.slow.port, "secure": False, "timeout": 20},
                {"port": self.implicit, "secure": True},
            ],
        )
        add(
            "looped",
            GATE,
            {"loop": [self.implicit, self.expired]},
            **ca,
            port="{{ item }}",
            secure=True,
            alternatives=[],
        )
        add(
            "delegated",
            GATE,
            {"delegate_to": "localhost", "run_once": True},
            **ca,
            port=self.expired,
            secure=True,
            alternatives=[],
        )
        add(
            "defaults",
            GATE,
            {"module_defaults": {"group/mailops.smtp.smtp": {"ca_path": self.ca, "host": "localhost", "secure": True}}},
            port=self.implicit,
        )
        add("asynchronous", GATE, {"async": 10, "poll": 0}, **ca, port=self.implicit, secure=True)
        add("checked", GATE, {"check_mode": True}, **ca, port=self.expired, secure=True, alternatives=[self.implicit])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    with contextlib.ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("gate"), stack)


def probe(world: World, name: str) -> dict[str, t.Any]:
    (one,) = world.batch[name]["probes"]
    return t.cast("dict[str, t.Any]", one)


@pytest.mark.parametrize(
    "name, observed",
    [
        ("healthy", "implicit_tls"),
        ("healthy_string", "implicit_tls"),
        ("healthy_starttls", "starttls"),
        ("healthy_cleartext", "cleartext"),
        ("inside", "cleartext"),
        ("unverified", "implicit_tls"),
        ("days_warning", "implicit_tls"),
        ("half_dead", "implicit_tls"),
        ("four", "implicit_tls"),
        ("defaults", "implicit_tls"),
        ("login", "implicit_tls"),
    ],
)
def test_passes(world: World, name: str, observed: str) -> None:
    answer = world.batch[name]
    assert not answer["failed"] and not answer["changed"], answer
    assert set(answer) >= ANSWER
    assert (answer["cause"], answer["layer"], answer["remedy"], answer["alternatives"]) == (None, None, None, [])
    seen = probe(world, name)
    assert list(seen) == PROBE_KEYS
    assert (seen["ok"], seen["cause"], seen["security_observed"]) == (True, None, observed)
    assert answer["selected"] == {
        "host": seen["host"],
        "port": seen["port"],
        "secure": seen["security"] == "implicit_tls",
        "security": seen["security"],
        "ok": True,
        "cause": None,
    }


@pytest.mark.parametrize(
    "name, cause, layer, observed",
    [
        ("no_cleartext", "starttls_not_offered", "starttls", "cleartext"),
        ("outside", "invalid_settings", "settings", "cleartext"),
        ("mismatch", "mode_mismatch", "mode", "implicit_tls"),
        ("mismatch_reverse", "mode_mismatch", "mode", "starttls"),
        ("expired", "certificate_expired", "certificate", "implicit_tls"),
        ("incomplete", "certificate_chain_incomplete", "certificate", "implicit_tls"),
        ("self_signed", "certificate_self_signed", "certificate", "implicit_tls"),
        ("untrusted", "certificate_untrusted", "certificate", "implicit_tls"),
        ("wrong_name", "certificate_name_mismatch", "certificate", "implicit_tls"),
        ("refused", "connection_refused", "tcp", None),
        ("filtered", "connection_timeout", "tcp", None),
        ("tls13", "tls_version_unsupported", "tls", "implicit_tls"),
        ("days", "certificate_expired", "certificate", "implicit_tls"),
        ("half_dead_strict", "connection_refused", "tcp", None),
        ("nowhere", None, "dns", None),
        ("login_bad", "auth_rejected", "auth", "implicit_tls"),
        ("login_without_tls", "auth_requires_tls", "auth", "cleartext"),
        ("checked", "certificate_expired", "certificate", "implicit_tls"),
        ("delegated", "certificate_expired", "certificate", "implicit_tls"),
        ("used_none", "connection_refused", "tcp", None),
    ],
)
def test_fails(world: World, name: str, cause: str | None, layer: str, observed: str | None) -> None:
    answer = world.batch[name]
    assert answer["failed"] and not answer["changed"]
    assert set(answer) >= ANSWER
    seen = probe(world, name)
    assert list(seen) == PROBE_KEYS
    assert (answer["cause"], answer["layer"], answer["remedy"]) == (seen["cause"], seen["layer"], seen["remedy"])
    # What a resolver says to .invalid depends on the resolver: it may be silent.
    assert answer["cause"] == cause or (cause is None and answer["cause"] in ("name_not_found", "name_server_failure"))
    assert (answer["layer"], seen["security_observed"]) == (layer, observed)
    assert answer["selected"] is None
    assert answer["msg"].startswith(
        f"localhost cannot send mail through {seen['host']}:{seen['port']} ({seen['security']}): "
    )
    assert seen["message"] in answer["msg"]


def test_a_healthy_endpoint_is_one_connection_and_asks_no_other_port(world: World) -> None:
    assert world.counted.connections == 1
    assert world.untouched.connections == 0
    assert [line.split()[0] for _tls, line in world.counted.commands] == ["EHLO", "QUIT"]


@pytest.mark.parametrize("name", ["mismatch", "mismatch_reverse"])
def test_a_wrong_mode_is_known_within_two_seconds(world: World, name: str) -> None:
    assert probe(world, name)["elapsed_ms"] < 2000
    assert "secure" in world.batch[name]["remedy"]


def test_evidence_of_a_refused_certificate(world: World) -> None:
    seen = probe(world, "expired")
    assert [one["subject"] for one in seen["certificates"]] == ["CN=localhost", "CN=mailops test intermediate"]
    assert seen["certificates"][0]["days_left"] < 0
    assert (seen["tls"]["verified"], seen["chain_available"]) == (False, True)
    assert [(step["layer"], step["ok"]) for step in seen["layers"]] == [
        ("dns", True),
        ("tcp", True),
        ("tls", True),
        ("certificate", False),
    ]


def test_alternatives_best_first(world: World) -> None:
    answer = world.batch["refused"]
    assert answer["alternatives"] == [
        {"port": world.implicit, "secure": True, "security": "implicit_tls", "ok": True, "cause": None},
        {"port": world.starttls, "secure": False, "security": "starttls", "ok": True, "cause": None},
        {
            "port": world.expired,
            "secure": True,
            "security": "implicit_tls",
            "ok": False,
            "cause": "certificate_expired",
        },
    ]
    assert f"Set port: {world.implicit} and secure: true: this works from localhost" in answer["msg"]


def test_a_filtered_port_and_its_alternatives_cost_one_wait(world: World) -> None:
    answer, seen = world.batch["filtered"], probe(world, "filtered")
    assert 2900 <= seen["elapsed_ms"] < 4000
    assert [(one["port"], one["ok"]) for one in answer["alternatives"]] == [
        (world.starttls, True),
        (world.implicit, True),
        (world.silent.port, False),
    ]
    assert "port_filtered_elsewhere_open" in [finding["code"] for finding in seen["findings"]]


def test_fallback_use(world: World) -> None:
    answer = world.batch["used"]
    assert not answer["failed"]
    assert answer["selected"] == {
        "host": "localhost",
        "port": world.starttls,
        "secure": False,
        "security": "starttls",
        "ok": True,
        "cause": None,
    }
    assert (answer["cause"], answer["layer"]) == ("connection_refused", "tcp")
    assert f"{world.closed}" in answer["warnings"][0] and "because fallback is use" in answer["warnings"][0]
    assert world.batch["used_none"]["selected"] is None


def test_fallback_with_a_login(world: World) -> None:
    assert world.batch["used_login"]["selected"]["port"] == world.implicit
    answer = world.batch["used_bad_login"]
    assert answer["failed"] and answer["selected"] is None
    assert answer["cause"] == "auth_rejected"


def test_endpoints(world: World) -> None:
    answer = world.batch["endpoints"]
    assert not answer["failed"], answer["msg"]
    assert [(one["port"], one["security"], one["ok"]) for one in answer["probes"]] == [
        (world.implicit, "implicit_tls", True),
        (world.starttls, "starttls", True),
        (world.old.port, "implicit_tls", True),
    ]
    answer = world.batch["one_bad"]
    assert answer["failed"]
    assert [one["cause"] for one in answer["probes"]] == [None, "connection_refused", "certificate_expired"]
    assert answer["cause"] == "connection_refused"
    assert f":{world.closed} " in answer["msg"] and f":{world.expired} " in answer["msg"]


def test_policy(world: World) -> None:
    assert "TLSv1.2" in world.batch["tls13"]["msg"]
    assert world.batch["tls13"]["alternatives"] == [
        {"port": world.implicit, "secure": True, "security": "implicit_tls", "ok": True, "cause": None}
    ]
    assert "certificate_days_error is 60" in world.batch["days"]["msg"]
    assert [finding["code"] for finding in probe(world, "days_warning")["findings"]] == ["certificate_expiring"]
    assert [finding["code"] for finding in probe(world, "unverified")["findings"]] == ["certificate_not_verified"]


def test_addresses(world: World) -> None:
    seen = probe(world, "half_dead")
    assert sorted((one["address"], one["ok"], one["cause"]) for one in seen["addresses"]) == [
        ("127.0.0.1", True, None),
        ("::1", False, "connection_refused"),
    ]
    assert "address_unreachable" in [finding["code"] for finding in seen["findings"]]
    assert [one["address"] for one in probe(world, "four")["addresses"]] == ["127.0.0.1"]


def test_one_login_whatever_the_number_of_addresses(world: World) -> None:
    """A wrong password tried once an address locks accounts."""
    for pair in ((world.login, world.login6), (world.denying, world.denying6)):
        assert sum(line.startswith("AUTH") for server in pair for _tls, line in server.commands) == 1
        assert all(tls for server in pair for tls, line in server.commands if line.startswith("AUTH"))
    assert [one["ok"] for one in probe(world, "login_bad")["addresses"]] == [False, False]
    assert world.batch["login_bad"]["alternatives"] == []


def test_a_late_greeting_passes_within_its_timeout(world: World) -> None:
    answer = world.batch["slow"]
    assert not answer["failed"], answer["msg"]
    assert "greeting_slow" in [finding["code"] for finding in answer["probes"][0]["findings"]]
    assert answer["probes"][1]["elapsed_ms"] < 3000  # the quick one did not wait for it


def test_loops_and_delegation(world: World) -> None:
    looped = world.batch["looped"]["results"]
    assert [(one["failed"], one["cause"]) for one in looped] == [(False, None), (True, "certificate_expired")]
    assert world.batch["delegated"]["cause"] == "certificate_expired"


def test_async_is_refused_in_a_sentence(world: World) -> None:
    answer = world.batch["asynchronous"]
    assert answer["failed"]
    assert "async" in answer["msg"]


def test_the_password_is_nowhere_in_the_output(world: World) -> None:
    assert PASSWORD not in world.output
    assert "Traceback" not in world.output


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "host is empty; write the relay's name"),
        ({"host": "localhost", "port": 0}, "port is 0, but ports go from 1 to 65535"),
        ({"host": "localhost", "port": 70000}, "port is 70000"),
        ({"host": "localhost", "port": "abc"}, "port is 'abc', which is not a port number"),
        (
            {"host": "localhost", "port": 465, "security": "tls"},
            "security is 'tls', which is not a mode; write one of implicit_tls",
        ),
        ({"host": "localhost", "port": 465, "security": "auto"}, "security is 'auto', which is not a mode"),
        (
            {"host": "localhost", "port": 465, "secure": True, "security": "starttls"},
            "secure: true (true means TLS from the first byte) contradicts security: starttls",
        ),
        ({"host": "smtp://localhost", "port": 465}, "host has a scheme in it; write only the name: host: localhost."),
        ({"host": "localhost:465"}, "host has a port in it; write host: localhost and port: 465."),
        ({"host": "localhost", "port": 465, "password": PASSWORD}, "password is given without a username"),
        (
            {"host": "localhost", "port": 465, "check_credentials": True, "username": ""},
            "check_credentials is true, but there is no username",
        ),
        (
            {"host": "localhost", "port": 465, "check_credentials": True, "username": "app"},
            "username is given without a password",
        ),
        (
            {"host": "localhost", "port": 465, "ca_path": "/nowhere/ca.pem"},
            "ca_path is /nowhere/ca.pem, and on this host: no such file or directory",
        ),
        (
            {"host": "localhost", "port": 465, "ca_path": "/etc/hostname"},
            "ca_path is /etc/hostname, and on this host: holds no CA certificate",
        ),
        ({"host": "localhost", "port": 465, "fallback": "maybe"}, "fallback is 'maybe'; write suggest or use."),
        (
            {"host": "localhost", "port": 465, "alternatives": "all"},
            "alternatives is 'all'; write auto, a list of ports",
        ),
        (
            {"host": "localhost", "port": 465, "minimum_tls_version": "1.2"},
            "minimum_tls_version is '1.2'; write one of",
        ),
        (
            {"host": "localhost", "port": 465, "cleartext_networks": ["lan"]},
            "cleartext_networks holds 'lan', which is not a network",
        ),
        ({"endpoints": []}, "endpoints is an empty list"),
        ({"endpoints": [{"host": "localhost", "port": 0}]}, "endpoints[0].port is 0"),
        ({"host": "localhost", "smtp_port": 465}, "smtp_port is not an option; write port."),
    ],
    ids=str,
)
def test_bad_input(refusals: Batch, options: dict[str, t.Any], words: str) -> None:
    answer = refusals[_name(options)]
    assert answer["failed"]
    assert words in answer["msg"]
    assert answer["msg"].startswith("localhost: ") and answer["msg"].endswith(".")
    assert (answer["cause"], answer["layer"], answer["probes"], answer["alternatives"]) == (
        "invalid_settings",
        "settings",
        [],
        [],
    )
    assert PASSWORD not in refusals.output


def _name(options: dict[str, t.Any]) -> str:
    return "case_" + "".join(char if char.isalnum() else "_" for char in str(options))[:120]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    batch = Batch(tmp_path_factory.mktemp("refusals"), {})
    for mark in test_bad_input.pytestmark:  # type: ignore[attr-defined]
        for options, _words in mark.args[1]:
            batch.add(_name(options), GATE, **options)
    batch.run()
    return batch


def test_check_mode_is_the_same_gate(world: World, tmp_path: pathlib.Path) -> None:
    """And a play of three hosts with run_once probes once."""
    before = world.other.connections
    tasks = [
        {
            "name": "Gate",
            GATE: {"host": "localhost", "port": world.other.port, "ca_path": world.ca, "secure": False},
            "register": "gate",
            "run_once": True,
        }
    ]
    run = play(tmp_path / "play", tasks, {}, "--check", "-i", "localhost,other1,other2", saved=["gate"])
    assert run.returncode == 0, run.output
    assert run.saved["gate"]["probes"][0]["ok"]
    assert world.other.connections == before + 1


def test_the_message_without_a_playbook() -> None:
    """As people try it first: ansible -m."""
    ansible = pathlib.Path(sys.executable).parent / "ansible"
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    done = subprocess.run(
        [
            str(ansible),
            "localhost",
            "-m",
            GATE,
            "-a",
            f"host=localhost port={port} secure=true alternatives=[]",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert (
        f"localhost cannot send mail through localhost:{port} (implicit_tls): 127.0.0.1 refused the connection on port {port}"
        in done.stdout
    )

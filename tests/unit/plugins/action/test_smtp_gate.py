# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's ways through a failure: other ports, fallback and login in one further call, within the same time, and true advice."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.action import smtp_gate
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import judge

from tests.support.acting import Host, act, report
from tests.support.evidence import attempt, broken, in_tls, observation
from tests.support.faulty import Behaviour, FaultyServer, honest, server_context, silent, smtp
from tests.support.pki import EXPIRED, Pki
from tests.support.process import closed_ports

USER, PASSWORD = "app", "hunter2-S3cret"
LOGIN = {"username": USER, "password": PASSWORD, "check_credentials": True}


class Relays:
    """Starts relays on loopback as they are asked for."""

    def __init__(self, pki: Pki, stack: contextlib.ExitStack) -> None:
        self.good = pki.issue("localhost", ips=["127.0.0.1"])
        self.expired = pki.issue("localhost", ips=["127.0.0.1"], valid=EXPIRED)
        self.ca = str(pki.ca_file)
        self._stack = stack

    def start(self, behaviour: Behaviour) -> FaultyServer:
        return self._stack.enter_context(FaultyServer(behaviour))

    def implicit(self, **more: t.Any) -> FaultyServer:
        return self.start(
            smtp(**{"implicit": honest(self.good), "users": {USER: PASSWORD}, "mechanisms": ["PLAIN"], **more})
        )

    def starttls(self, **more: t.Any) -> FaultyServer:
        return self.start(
            smtp(**{"starttls": honest(self.good), "users": {USER: PASSWORD}, "mechanisms": ["PLAIN"], **more})
        )


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def relays(pki: Pki) -> t.Iterator[Relays]:
    with contextlib.ExitStack() as stack:
        yield Relays(pki, stack)


def gate(relays: Relays, host: Host | None = None, **options: t.Any) -> dict[str, t.Any]:
    return act(
        "smtp_gate",
        host or Host(),
        **{"host": "127.0.0.1", "ca_path": relays.ca, "secure": True, "timeout": 5, **options},
    )


def logins(server: FaultyServer) -> int:
    return sum(line.startswith("AUTH") for _tls, line in server.commands)


def closed() -> int:
    return closed_ports(1)[0]


def test_a_relay_that_works_is_judged_once(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a fleet the second time is half of what the judge costs the controller."""
    real, calls = judge.judge, []

    def counted(*args: t.Any) -> t.Any:
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(judge, "judge", counted)
    monkeypatch.setattr(smtp_gate, "judge", counted)
    endpoints = [{"port": relays.implicit().port}, {"port": relays.implicit().port}]
    assert gate(relays, endpoints=endpoints)["cause"] is None
    assert len(calls) == 2


def test_a_gate_without_apps_reads_no_descriptors() -> None:
    """A run compiles what it imports anew; what is about apps would be a fifth of it."""
    script = "import sys; from ansible_collections.mailops.smtp.plugins.action import smtp_gate; print(*sys.modules)"
    there = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert "_verdict.judge" in there.stdout and "._apps" not in there.stdout


# -- one further call, the same time


def test_a_pass_is_one_call(relays: Relays) -> None:
    host = Host()
    answer = gate(relays, host, port=relays.implicit().port, **LOGIN)
    assert not answer.get("failed"), answer["msg"]
    assert len(host.calls) == 1


@pytest.mark.parametrize("fallback", ["use", "suggest"])
def test_the_login_on_another_port_needs_no_further_call(relays: Relays, fallback: str) -> None:
    host, other = Host(), relays.starttls()
    answer = gate(relays, host, port=closed(), alternatives=[other.port], fallback=fallback, **LOGIN)
    assert len(host.calls) == 1
    assert logins(other) == (fallback == "use")
    assert answer["alternatives"] == [
        {"port": other.port, "secure": False, "security": "starttls", "ok": True, "cause": None}
    ]
    if fallback == "use":
        assert answer["selected"] == {
            "host": "127.0.0.1",
            "port": other.port,
            "secure": False,
            "security": "starttls",
            "ok": True,
            "cause": None,
        }
    else:
        assert answer["failed"] and answer["selected"] is None


def test_many_breaches_of_the_policy_are_one_further_call(relays: Relays) -> None:
    servers = [relays.implicit() for _each in range(4)]
    quiet = relays.start(silent())
    host, started = Host(), time.monotonic()
    endpoints = [{"port": server.port} for server in servers]
    answer = gate(
        relays,
        host,
        endpoints=endpoints,
        certificate_days_error=3000,
        alternatives=[quiet.port],
        timeout=3,
        fallback="use",
        **LOGIN,
    )
    assert answer["failed"] and answer["cause"] == "certificate_expired"
    assert len(host.calls) == 2 and len(host.calls[1]["plans"]) == 4
    assert time.monotonic() - started < 5.9
    assert [logins(server) for server in servers] == [1, 1, 1, 1]  # those of the first call


def test_a_breach_of_the_policy_and_a_login_elsewhere_are_one_further_call(relays: Relays) -> None:
    old = relays.implicit(implicit=honest(_old(relays)))
    other, host = relays.starttls(), Host()
    answer = gate(
        relays, host, port=old.port, minimum_tls_version="TLSv1.3", alternatives=[other.port], fallback="use", **LOGIN
    )
    assert not answer.get("failed"), answer["msg"]
    assert answer["selected"]["port"] == other.port and logins(other) == 1
    assert (answer["cause"], answer["layer"]) == ("tls_version_unsupported", "tls")
    assert len(host.calls) == 2


def _old(relays: Relays) -> ssl.SSLContext:
    return server_context(relays.good, maximum=ssl.TLSVersion.TLSv1_2)


def test_what_there_was_no_time_for_was_not_asked(relays: Relays) -> None:
    """Another endpoint took all the time of the first call: nothing is said against the other port, and it is said why."""
    breach, other, host = relays.implicit(), relays.starttls(), Host()
    endpoints = [{"port": breach.port}, {"port": relays.start(silent()).port}]
    answer = gate(
        relays, host, endpoints=endpoints, certificate_days_error=3000, alternatives=[other.port], timeout=1.5
    )
    assert answer["failed"] and answer["cause"] == "certificate_expired"
    assert answer["alternatives"] == [
        {"port": other.port, "secure": False, "security": "starttls", "ok": None, "cause": None}
    ]
    assert f"Port {other.port} was not asked" in answer["msg"] and answer["remedy"] in answer["msg"]
    assert len(host.calls) == 1 and other.connections == 1  # of the silent endpoint


def test_a_short_timeout_proves_nothing_against_other_ports(relays: Relays) -> None:
    slow = relays.implicit(greeting_delay=3)
    answer = gate(relays, port=closed(), alternatives=[slow.port], timeout=0.6)
    assert [(one["ok"], one["cause"]) for one in answer["alternatives"]] == [(None, None)]
    assert f"Port {slow.port} was not asked, or not for long enough" in answer["msg"]


def test_no_login_no_pass(relays: Relays) -> None:
    """The only other port is known to work, but its login was not tried in the time."""
    slow = relays.starttls(greeting_delay=1.2)
    answer = gate(relays, port=closed(), alternatives=[slow.port], timeout=2.0, fallback="use", **LOGIN)
    assert answer["failed"] and answer["selected"] is None
    assert logins(slow) == 0


def test_one_refused_login_is_the_only_one(relays: Relays) -> None:
    first, second = relays.implicit(users={}), relays.starttls()
    answer = gate(relays, port=closed(), alternatives=[first.port, second.port], fallback="use", **LOGIN)
    assert (answer["failed"], answer["cause"], answer["layer"]) == (True, "auth_rejected", "auth")
    assert (logins(first), logins(second)) == (1, 0)
    assert f"But: testhost cannot send mail through 127.0.0.1:{first.port} (implicit_tls)" in answer["msg"]


def test_no_port_is_promised_whose_login_was_not_tried(relays: Relays) -> None:
    refuses, other = relays.starttls(users={}), relays.starttls()
    ports = {"port": closed(), "alternatives": [refuses.port, other.port]}
    answer = gate(relays, **ports, fallback="use", **LOGIN)
    assert answer["failed"] and answer["cause"] == "auth_rejected"
    first = answer["probes"][0]["remedy"]
    assert f"port: {other.port}" in first and f"not tried there, as port {refuses.port} refused it" in first
    assert "Set port" not in answer["msg"] and "just tried" not in answer["msg"]
    assert logins(refuses) == 1 and logins(other) == 0
    # Where no other port gets the login, the sentence says how far it was tried.
    answer = gate(relays, port=ports["port"], alternatives=[other.port], **LOGIN)
    assert answer["remedy"] == (
        f"Set port: {other.port} and secure: false: this works from testhost up to the login, which was not tried there."
    )
    # An endpoint of the same call has had its own.
    endpoints = [{"port": ports["port"]}, {"port": other.port, "secure": False}]
    answer = gate(relays, endpoints=endpoints, alternatives=[other.port], **LOGIN)
    assert answer["remedy"].endswith("it was just tried.")


def test_a_port_without_logins_is_passed_over(relays: Relays) -> None:
    first, second = relays.implicit(mechanisms=[]), relays.starttls()
    answer = gate(relays, port=closed(), alternatives=[first.port, second.port], fallback="use", **LOGIN)
    assert not answer.get("failed"), answer["msg"]
    assert answer["selected"]["port"] == second.port
    assert [(one["port"], one["ok"], one["cause"]) for one in answer["alternatives"]] == [
        (second.port, True, None),
        (first.port, False, "auth_not_offered"),
    ]


# -- which port


def test_a_slower_port_that_is_better_is_waited_for(relays: Relays) -> None:
    slow, quick = relays.implicit(greeting_delay=1.7), relays.starttls()
    answer = gate(relays, port=closed(), alternatives=[slow.port, quick.port], fallback="use")
    assert answer["selected"]["port"] == slow.port


def test_tls_that_is_slow_is_preferred_to_cleartext_that_is_quick(relays: Relays) -> None:
    slow, quick = relays.implicit(greeting_delay=1.7), relays.start(smtp())
    for security in ("opportunistic", "cleartext"):
        answer = gate(
            relays, port=closed(), secure=None, security=security, alternatives=[quick.port, slow.port], fallback="use"
        )
        assert answer["selected"]["port"] == slow.port and answer["selected"]["security"] == "implicit_tls"


def test_ports_that_were_not_waited_for_are_not_known(relays: Relays) -> None:
    slow, quick = relays.implicit(greeting_delay=4), relays.starttls()
    started = time.monotonic()
    answer = gate(relays, port=closed(), alternatives=[slow.port, quick.port])
    assert time.monotonic() - started < 3.8
    assert [(one["port"], one["ok"], one["cause"]) for one in answer["alternatives"]] == [
        (quick.port, True, None),
        (slow.port, None, None),
    ]


def test_cleartext_spoken_stays_opportunistic(relays: Relays) -> None:
    plain = relays.start(smtp(users={USER: PASSWORD}, mechanisms=["PLAIN"]))
    options = {
        "port": closed(),
        "secure": None,
        "security": "opportunistic",
        "alternatives": [plain.port],
        "fallback": "use",
    }
    answer = gate(relays, **options)
    assert answer["selected"] == {
        "host": "127.0.0.1",
        "port": plain.port,
        "secure": False,
        "security": "opportunistic",
        "ok": True,
        "cause": None,
    }
    answer = gate(relays, **options, **LOGIN)
    assert answer["failed"] and logins(plain) == 0
    assert answer["cause"] == "auth_requires_tls"


# -- advice


def ports_in(text: str) -> set[int]:
    return {int(word) for word in re.findall(r"\b\d{2,5}\b", text)}


def test_the_remedy_names_the_port_that_works(relays: Relays) -> None:
    other = relays.starttls()
    answer = gate(relays, port=closed(), alternatives=[other.port])
    assert answer["remedy"] == f"Set port: {other.port} and secure: false: this works from testhost, it was just tried."
    assert answer["remedy"] == answer["probes"][0]["remedy"]
    assert answer["remedy"] in answer["msg"]


def test_a_port_that_answers_and_fails_is_told_where_the_chosen_one_does_not(relays: Relays) -> None:
    """A filtered 465 beside a 587 with a bad certificate: the certificate may be sooner mended than the firewall."""
    expired = relays.start(smtp(starttls=honest(relays.expired)))
    answer = gate(relays, port=closed(), alternatives=[expired.port])
    assert f"Port {expired.port} answers, but fails with certificate_expired." in answer["msg"]
    assert str(expired.port) not in answer["remedy"]


def test_the_advice_for_the_other_port_does_not_lead_back(relays: Relays) -> None:
    """A refused 465 beside a 587 without a login: "use the port where it takes logins, such as 465" would be a circle."""
    refused = attempt(failure=broken("tcp", "os", errno="ECONNREFUSED"), rungs="tcp!", security="implicit_tls")
    lacking = attempt(
        rungs="tcp greeting ehlo starttls tls certificate auth!",
        failure=broken("auth", "missing", what="auth", starttls=False),
        **{**in_tls(), "chain": []},
    )
    other = {"port": 587, "security": "starttls", "attempts": [lacking], "login": lacking}
    host = Host(lambda _plans: report([observation(refused, alternatives=[other])]))
    login = {"username": "app", "password": "s3cret", "check_credentials": True, "fallback": "use"}
    answer = act("smtp_gate", host, host="relay.test", port=465, secure=True, alternatives=[587], **login)
    assert answer["failed"] and "But: testhost cannot send mail through relay.test:587" in answer["msg"]
    assert 465 not in ports_in(answer["msg"].partition("But: ")[2])


@pytest.mark.parametrize(
    "kind", ["closed", "silent", "expired", "greeting", "starttls_missing", "not_smtp", "mode", "auth"]
)
def test_the_remedy_names_no_port_that_was_just_found_not_to_work(relays: Relays, kind: str) -> None:
    """All conventional ports fail; the chosen one, too, each time at another layer."""
    kinds: dict[str, tuple[Behaviour | None, dict[str, t.Any]]] = {
        "closed": (None, {}),
        "silent": (silent(), {"timeout": 1.5}),
        "expired": (smtp(implicit=honest(relays.expired)), {}),
        "greeting": (smtp(greeting="554 5.7.1 no"), {"secure": False}),
        "starttls_missing": (smtp(), {"secure": False}),
        "not_smtp": (lambda peer: peer.send("SSH-2.0-OpenSSH\r\n"), {"secure": False}),
        "mode": (smtp(), {}),
        "auth": (smtp(implicit=honest(relays.good)), LOGIN),
    }
    behaviour, options = kinds[kind]
    port = closed() if behaviour is None else relays.start(behaviour).port
    # Nothing listens on the conventional ports of this address.
    answer = act(
        "smtp_gate",
        Host(),
        **{"host": "127.0.0.1", "ca_path": relays.ca, "secure": True, "timeout": 4, "port": port, **options},
    )
    failing = {one["port"] for one in answer["alternatives"] if one["ok"] is False}
    assert answer["failed"] and len(failing) >= 5
    assert not ports_in(answer["remedy"]) & failing, answer["remedy"]
    assert not re.search(r"[\[\]{}]|None", answer["remedy"])


def test_endpoints_of_one_call_know_of_each_other(relays: Relays) -> None:
    works = relays.starttls()
    answer = gate(relays, endpoints=[{"port": closed()}, {"port": works.port, "secure": False}], alternatives=[])
    assert answer["remedy"] == f"Set port: {works.port} and secure: false: this works from testhost, it was just tried."
    # Where the chosen port was reached, its own remedy comes first.
    expired = relays.start(smtp(implicit=honest(relays.expired)))
    answer = gate(
        relays,
        endpoints=[{"port": expired.port}, {"port": works.port, "secure": False}],
        alternatives=[],
    )
    assert re.fullmatch(
        rf"Ask the relay's operator .*[.] Or set port: {works.port} and secure: false: this works .*", answer["remedy"]
    )
    # Another relay, or another way to verify, proves nothing.
    answer = gate(
        relays,
        endpoints=[{"port": closed()}, {"port": works.port, "secure": False, "validate_certs": False}],
        alternatives=[],
    )
    assert str(works.port) not in answer["remedy"]


# -- a login that is given must be offered, whether or not it is tried


GIVEN = {"username": USER, "password": PASSWORD}
LACKS: list[tuple[dict[str, t.Any], dict[str, t.Any], str | None]] = [
    ({"mechanisms": []}, {}, "auth_not_offered"),
    ({"mechanisms": ["CRAM-MD5"]}, {"auth_mechanism": "PLAIN"}, "auth_mechanism_not_offered"),
    ({"mechanisms": ["XOAUTH2", "GSSAPI", "NTLM"]}, {}, "auth_mechanism_not_offered"),
    ({"mechanisms": ["XOAUTH2"]}, {"auth_mechanism": "XOAUTH2"}, None),
    ({"mechanisms": ["plain"]}, {}, None),
    ({"mechanisms": ["LOGIN"], "mechanisms_after_tls": []}, {}, "auth_not_offered"),  # lost in TLS
    ({"mechanisms": [], "mechanisms_after_tls": ["LOGIN"]}, {}, None),
]


@pytest.mark.parametrize("relay, options, cause", LACKS)
def test_a_login_that_is_not_offered_fails_without_a_try(
    relays: Relays, relay: dict[str, t.Any], options: dict[str, t.Any], cause: str | None
) -> None:
    server = relays.starttls(**relay)
    arguments: dict[str, t.Any] = {"port": server.port, "secure": False, "alternatives": [], **GIVEN, **options}
    answer = gate(relays, **arguments)
    assert answer["cause"] == cause and bool(answer.get("failed")) == (cause is not None), answer["msg"]
    assert answer["layer"] == ("auth" if cause else None)
    assert logins(server) == 0
    # Also where the login would be tried, and none of it where the relay takes mail by address.
    if cause is not None:
        assert gate(relays, **arguments, check_credentials=True)["cause"] == cause
        for more in ({}, {"check_credentials": True}):
            assert not gate(relays, **arguments, **more, login_required=False).get("failed")
    assert gate(relays, port=server.port, secure=False, alternatives=[])["cause"] is None
    probe = act(
        "smtp_endpoint_info",
        Host(),
        host="127.0.0.1",
        ca_path=relays.ca,
        port=server.port,
        secure=False,
        **GIVEN,
        **options,
    )["probes"][0]
    assert (probe["ok"], probe["cause"]) == (cause is None, cause)


def test_ports_without_a_login_are_no_alternative(relays: Relays) -> None:
    """Port 25 of many relays takes mail for itself and offers no login: no place for an app that has one."""
    without, with_login = relays.starttls(mechanisms=[]), relays.starttls()
    answer = gate(relays, port=closed(), alternatives=[without.port, with_login.port], fallback="use", **GIVEN)
    assert answer["selected"]["port"] == with_login.port
    assert [(one["port"], one["cause"]) for one in answer["alternatives"]] == [
        (with_login.port, None),
        (without.port, "auth_not_offered"),
    ]
    answer = gate(relays, port=closed(), alternatives=[without.port], fallback="use", **GIVEN)
    assert answer["failed"] and answer["selected"] is None
    assert (
        gate(relays, port=closed(), alternatives=[without.port], fallback="use", login_required=False, **GIVEN)[
            "selected"
        ]["port"]
        == without.port
    )


def test_a_relay_without_the_login_has_its_other_ports_asked(relays: Relays) -> None:
    host, without, with_login = Host(), relays.implicit(mechanisms=[]), relays.starttls()
    answer = gate(relays, host, port=without.port, alternatives=[with_login.port], fallback="use", **GIVEN)
    assert (answer["cause"], answer["selected"]["port"]) == ("auth_not_offered", with_login.port)
    assert len(host.calls) == 2


def test_a_relay_that_takes_logins_only_after_tls(relays: Relays) -> None:
    server = relays.starttls(mechanisms=[], mechanisms_after_tls=["PLAIN"])
    answer = gate(relays, port=server.port, secure=None, security="cleartext", alternatives=[], **GIVEN)
    assert (answer["cause"], answer["layer"]) == ("auth_requires_tls", "auth")


def test_the_option_stands_beside_the_endpoints_or_in_one(relays: Relays) -> None:
    without = relays.starttls(mechanisms=[])
    entry = {"port": without.port, "secure": False}
    assert not gate(relays, secure=None, endpoints=[entry], login_required=False, **GIVEN).get("failed")
    assert not gate(relays, secure=None, endpoints=[{**entry, "login_required": "no"}], **GIVEN).get("failed")
    assert (
        gate(relays, secure=None, endpoints=[{**entry, "login_required": "perhaps"}], **GIVEN)["cause"]
        == "invalid_settings"
    )


def test_a_message_by_address_although_a_login_is_given(relays: Relays) -> None:
    without = relays.starttls(mechanisms=[])
    options = {
        "host": "127.0.0.1",
        "port": without.port,
        "ca_path": relays.ca,
        "sender": "a@example.com",
        "recipients": ["b@example.com"],
        **GIVEN,
    }
    assert act("smtp_send", Host(), **options)["cause"] == "auth_not_offered" and not without.messages
    assert not act("smtp_send", Host(), login_required=False, **options).get("failed") and len(without.messages) == 1

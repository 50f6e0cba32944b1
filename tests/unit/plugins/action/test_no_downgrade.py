# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By no path of the gate, the probe or the test message does a login go out in cleartext, or a weaker mode get chosen, unasked."""

from __future__ import annotations

import base64
import contextlib
import typing as t

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.acting import Host, act
from tests.support.examples import examples
from tests.support.faulty import FaultyServer, honest, smtp
from tests.support.pki import EXPIRED, Pki
from tests.support.process import closed_ports

USER, PASSWORD = "app", "hunter2-S3cret"
# How the password may travel: by itself, as LOGIN and PLAIN write it.
SECRETS = (
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
)
STRICT = ("implicit_tls", "starttls")


class Relays:
    """One relay of each kind, all of which record what they hear, and the port of none."""

    def __init__(self, pki: Pki, stack: contextlib.ExitStack) -> None:
        good, expired = (
            pki.issue("localhost", ips=["127.0.0.1"]),
            pki.issue("localhost", ips=["127.0.0.1"], valid=EXPIRED),
        )
        login: dict[str, t.Any] = {"users": {USER: PASSWORD}, "mechanisms": ["PLAIN", "LOGIN"]}
        kinds = {
            "implicit": smtp(implicit=honest(good), **login),
            "starttls": smtp(starttls=honest(good), **login),
            "plain": smtp(**login),
            "plain_cram": smtp(users={USER: PASSWORD}, mechanisms=["CRAM-MD5"]),
            "stripped": smtp(capabilities=("SIZE 1000", "XXXXXXXA"), **login),
            "refusing": smtp(starttls="454 4.7.0 TLS not available", **login),
            "expired": smtp(implicit=honest(expired), **login),
            "expired_starttls": smtp(starttls=honest(expired), **login),
            "mute": smtp(implicit=honest(good)),
        }
        self.servers = {name: stack.enter_context(FaultyServer(behaviour)) for name, behaviour in kinds.items()}
        self.ports = {name: server.port for name, server in self.servers.items()} | {"closed": closed_ports(1)[0]}
        self.ca = str(pki.ca_file)

    def heard(self) -> list[tuple[bool, str]]:
        return [command for server in self.servers.values() for command in list(server.commands)]

    def forget(self) -> None:
        for server in self.servers.values():
            server.forget()


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relays]:
    with contextlib.ExitStack() as stack:
        yield Relays(Pki(tmp_path_factory.mktemp("pki")), stack)


def assert_no_secret(relays: Relays, security: str, networks: list[str]) -> None:
    by_name = security == "cleartext" and (not networks or "127.0.0.0/8" in networks)
    said = [line for tls, line in relays.heard() if not tls]
    if not by_name:
        assert not [line for line in said if line.startswith("AUTH") or any(secret in line for secret in SECRETS)]


KINDS = [
    "implicit",
    "starttls",
    "plain",
    "plain_cram",
    "stripped",
    "refusing",
    "expired",
    "expired_starttls",
    "mute",
    "closed",
]
CHOICES = {
    # Mostly ports that fail at once: then another one is looked for.
    "chosen": st.sampled_from([*["closed"] * 8, *KINDS]),
    "others": st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True),
    "security": st.sampled_from(["opportunistic", "implicit_tls", "starttls", "opportunistic", "cleartext"]),
    "fallback": st.sampled_from(["use", "use", "suggest"]),
    "networks": st.sampled_from([[], ["127.0.0.0/8"], ["10.0.0.0/8"]]),
    "more": st.fixed_dictionaries(
        {},
        optional={
            "auth_mechanism": st.sampled_from(["PLAIN", "LOGIN", "CRAM-MD5"]),
            "validate_certs": st.booleans(),
            "minimum_tls_version": st.sampled_from(["TLSv1", "TLSv1.3"]),
            "certificate_days_error": st.sampled_from([1, 3000]),
            "require_all_addresses": st.booleans(),
        },
    ),
}
MANY = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@MANY
@example(chosen="closed", others=["plain"], security="opportunistic", fallback="use", networks=[], more={})
@example(chosen="stripped", others=["refusing", "plain"], security="starttls", fallback="use", networks=[], more={})
@example(
    chosen="starttls",
    others=["plain", "implicit"],
    security="starttls",
    fallback="use",
    networks=[],
    more={"certificate_days_error": 3000},
)
@given(**CHOICES)
def test_the_gate(
    relays: Relays,
    chosen: str,
    others: list[str],
    security: str,
    fallback: str,
    networks: list[str],
    more: dict[str, t.Any],
) -> None:
    relays.forget()
    host = Host()
    answer = act(
        "smtp_gate",
        host,
        host="127.0.0.1",
        ca_path=relays.ca,
        port=relays.ports[chosen],
        security=security,
        username=USER,
        password=PASSWORD,
        check_credentials=True,
        alternatives=[relays.ports[other] for other in others],
        fallback=fallback,
        cleartext_networks=networks,
        timeout=5,
        **more,
    )
    assert_no_secret(relays, security, networks)
    assert PASSWORD not in str(answer)
    assert len(host.calls) <= 2
    selected = answer["selected"]
    if answer.get("failed"):
        assert selected is None
        return
    assert selected["ok"] and selected["cause"] is None
    assert selected["secure"] == (selected["security"] == "implicit_tls")
    if security in STRICT:
        assert selected["security"] in STRICT
    if security == "opportunistic":
        assert selected["security"] != "cleartext"
    # What was selected has taken the login, and under TLS wherever that was asked for.
    server = next(one for one in relays.servers.values() if one.port == selected["port"])
    logins = [tls for tls, line in server.commands if line.startswith("AUTH")]
    assert logins and (all(logins) or security == "cleartext")


@MANY
@given(
    chosen=CHOICES["chosen"],
    security=CHOICES["security"],
    check_mode=st.booleans(),
    more=st.sampled_from([{}, {"auth_mechanism": "LOGIN"}]),
)
def test_the_test_message(relays: Relays, chosen: str, security: str, check_mode: bool, more: dict[str, t.Any]) -> None:
    relays.forget()
    options = {
        "host": "127.0.0.1",
        "ca_path": relays.ca,
        "port": relays.ports[chosen],
        "security": security,
        "username": USER,
        "password": PASSWORD,
    }
    message = {"sender": "app@example.com", "recipients": ["a@example.org"], "timeout": 5}
    answer = act("smtp_send", Host(), check_mode=check_mode, **options, **message, **more)
    assert_no_secret(relays, security, [])
    assert PASSWORD not in str(answer)
    if security in STRICT:
        assert not [
            line for tls, line in relays.heard() if not tls and line.split()[0].upper() in ("MAIL", "RCPT", "DATA")
        ]


@MANY
@given(
    chosen=CHOICES["chosen"],
    security=st.sampled_from(["auto", "implicit_tls", "starttls", "opportunistic", "cleartext"]),
    injection=st.booleans(),
)
def test_the_probe(relays: Relays, chosen: str, security: str, injection: bool) -> None:
    relays.forget()
    options = {
        "host": "127.0.0.1",
        "ca_path": relays.ca,
        "port": relays.ports[chosen],
        "security": security,
        "username": USER,
        "password": PASSWORD,
    }
    answer = act("smtp_endpoint_info", Host(), check_credentials=True, check_injection=injection, timeout=5, **options)
    assert_no_secret(relays, security, [])
    assert PASSWORD not in str(answer)

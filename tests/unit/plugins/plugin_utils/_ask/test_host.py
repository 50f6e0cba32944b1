# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to what the host is told, and back."""

from __future__ import annotations

import base64
import json
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import (
    CONNECTION_OPTIONS,
    HostError,
    alternative_ports,
    endpoint_settings,
    parse_policy,
    plan_of,
    probe_host,
    take,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, SettingsError

HOST = "smtp.example.com"


def endpoints(args: dict[str, t.Any], auto: bool = False, credentials: bool = False) -> list[Settings]:
    return endpoint_settings(args, allow_auto=auto, needs_credentials=credentials)


@pytest.mark.parametrize(
    "name, advice", [("prot", "write port."), ("smtp_host", "write host."), ("endpoint", "write endpoints."), ("zzz", "write one of host, port")]
)
def test_unknown_options(name: str, advice: str) -> None:
    with pytest.raises(SettingsError) as caught:
        take({"host": HOST, name: 1}, (*CONNECTION_OPTIONS, "endpoints"))
    assert caught.value.option == name
    assert f"{name} is not an option; {advice}" in str(caught.value)


def test_one_endpoint_without_the_list() -> None:
    (one,) = endpoints({"host": HOST, "port": "465", "secure": "yes"})
    assert (one.host, one.port, one.security) == (HOST, 465, "implicit_tls")


def test_what_stands_beside_the_list_is_the_default_of_each() -> None:
    found = endpoints(
        {
            "host": HOST,
            "timeout": 3,
            "ca_path": "/ca.pem",
            "username": "app",
            "password": "x",
            "port": 587,
            "secure": False,
            "endpoints": [
                {},
                {"port": 465},
                {"secure": True},
                {"security": "cleartext", "port": 25},
                {"host": "other.example.com", "timeout": 9},
                {"username": "b", "password": "y"},
            ],
        }
    )
    assert [(one.host, one.port, one.security, one.timeout) for one in found] == [
        (HOST, 587, "starttls", 3),
        (HOST, 465, "starttls", 3),
        (HOST, 587, "implicit_tls", 3),
        (HOST, 25, "cleartext", 3),
        ("other.example.com", 587, "starttls", 9),
        (HOST, 587, "starttls", 3),
    ]
    assert [one.ca_path for one in found] == ["/ca.pem"] * 6
    assert [(one.username, one.password) for one in found] == [("app", "x")] * 5 + [("b", "y")]


@pytest.mark.parametrize("args", [{"port": 465}, {"port": 465, "username": ""}, {"endpoints": [{"port": 465}, {"port": 587, "username": None}]}])
def test_an_empty_variable_does_not_pass_for_a_login(args: dict[str, t.Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoints({"host": HOST, **args}, credentials=True)
    assert "check_credentials is true, but there is no username; write username and password" in str(caught.value)


def test_endpoints_without_a_login_may_stand_beside_one_that_has_one() -> None:
    found = endpoints({"host": HOST, "endpoints": [{"port": 465, "username": "app", "password": "x"}, {"port": 25}]}, credentials=True)
    assert [one.username for one in found] == ["app", None]


@pytest.mark.parametrize(
    "beside, security", [({"secure": True}, "implicit_tls"), ({"security": "auto"}, "auto"), ({"security": "cleartext"}, "cleartext"), ({}, "starttls")]
)
def test_the_mode_beside_the_list_holds_for_every_port(beside: dict[str, t.Any], security: str) -> None:
    found = endpoints(
        {"host": HOST, **beside, "endpoints": [{"port": 1025}, {"port": 1026, "security": "opportunistic"}, {"port": 1027, "secure": True}]}, auto=True
    )
    assert [one.security for one in found] == [security, "opportunistic", "implicit_tls"]


@pytest.mark.parametrize(
    "listed, words",
    [
        ("smtp.example.com", "endpoints is not a list"),
        (5, "endpoints is not a list"),
        ([], "endpoints is an empty list"),
        (["smtp.example.com"], "endpoints[0] is not a dictionary"),
        ([{"host": HOST, "port": 465}, {"host": HOST, "port": 0}], "endpoints[1].port is 0"),
        ([{"host": HOST, "prot": 1}], "endpoints[0].prot is not an option; write port."),
        ([{"port": 465}], "endpoints[0].host is empty"),
        ([{"host": HOST, "port": 25, "timeout": "x"}], "endpoints[0].timeout is 'x'"),
    ],
)
def test_bad_lists(listed: t.Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoints({"endpoints": listed})
    assert str(caught.value).startswith(words)
    assert str(caught.value).endswith(".")


def test_auto_is_for_looking_only() -> None:
    assert endpoints({"host": HOST, "port": 1025, "security": "auto"}, auto=True)[0].security == "auto"
    with pytest.raises(SettingsError):
        endpoints({"host": HOST, "port": 1025, "security": "auto"})


@pytest.mark.parametrize(
    "args, expected",
    [
        ({}, Policy()),
        ({"minimum_tls_version": "TLSv1.3", "certificate_days_error": "7", "certificate_days_warning": 30}, Policy("TLSv1.3", 7, 30)),
        ({"cleartext_networks": ["10.0.0.0/8", "::1"]}, Policy(cleartext_networks=("10.0.0.0/8", "::1"))),
        ({"cleartext_networks": "10.0.0.0/8, 192.0.2.0/24"}, Policy(cleartext_networks=("10.0.0.0/8", "192.0.2.0/24"))),
        ({"require_all_addresses": "yes"}, Policy(require_all_addresses=True)),
        ({"minimum_tls_version": None, "cleartext_networks": None, "certificate_days_error": None, "require_all_addresses": None}, Policy()),
    ],
)
def test_policy(args: dict[str, t.Any], expected: Policy) -> None:
    assert parse_policy(args) == expected


@pytest.mark.parametrize(
    "args, words",
    [
        ({"minimum_tls_version": "1.3"}, "minimum_tls_version is '1.3'; write one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3."),
        ({"cleartext_networks": ["lan"]}, "cleartext_networks holds 'lan', which is not a network; write CIDR"),
        ({"cleartext_networks": [None]}, "cleartext_networks holds 'None'"),
        ({"cleartext_networks": 5}, "cleartext_networks"),
        ({"certificate_days_error": -1}, "certificate_days_error is '-1', which is out of range"),
        ({"certificate_days_warning": "soon"}, "certificate_days_warning is 'soon', which is not a number"),
        ({"require_all_addresses": "maybe"}, "require_all_addresses is 'maybe', which is neither true nor false"),
    ],
)
def test_bad_policy(args: dict[str, t.Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_policy(args)
    assert str(caught.value).startswith(words)


def settings(port: int = 465, security: str = "implicit_tls", **more: t.Any) -> Settings:
    return Settings(HOST, port, security, **more)


@pytest.mark.parametrize(
    "chosen, option, expected",
    [
        (settings(), "auto", [(587, "starttls"), (2465, "implicit_tls"), (2587, "starttls"), (2525, "starttls"), (25, "starttls")]),
        (settings(587, "starttls"), None, [(465, "implicit_tls"), (2465, "implicit_tls"), (2587, "starttls"), (2525, "starttls"), (25, "starttls")]),
        (settings(25, "cleartext"), "auto", [(465, "implicit_tls"), (587, "auto"), (2465, "implicit_tls"), (2587, "auto"), (2525, "auto")]),
        (settings(), [], []),
        (settings(), "[]", []),
        (settings(), "587, 2525", [(587, "starttls"), (2525, "starttls")]),
        (settings(), "[1025]", [(1025, "auto")]),
        (settings(), [587, "2525", 587, 465, 1025], [(587, "starttls"), (2525, "starttls"), (1025, "auto")]),
    ],
)
def test_alternatives(chosen: Settings, option: t.Any, expected: list[tuple[int, str]]) -> None:
    assert [(one["port"], one["security"]) for one in alternative_ports(chosen, option)] == expected


@pytest.mark.parametrize("option", ["all", 587, [0], ["x"], {"port": 587}, [70000], [True], [None]])
def test_bad_alternatives(option: t.Any) -> None:
    with pytest.raises(SettingsError) as caught:
        alternative_ports(settings(), option)
    assert caught.value.option == "alternatives"


def test_the_plan_has_no_secret() -> None:
    plan = plan_of(settings(username="app", password="hunter2-S3cret"), Policy())
    assert "hunter2" not in json.dumps(plan)
    assert "app" not in plan.values()


@pytest.mark.parametrize("version, told", [("TLSv1", "TLSv1"), ("TLSv1.1", "TLSv1.1"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.2")])
def test_the_host_tries_what_it_can_and_the_policy_is_judged(version: str, told: str) -> None:
    assert plan_of(settings(), Policy(version))["minimum_tls_version"] == told


def test_an_internationalised_name_travels_in_ascii() -> None:
    plan = plan_of(Settings("bücher.example", 465, "implicit_tls"), Policy())
    assert (plan["host"], plan["server_name"]) == ("xn--bcher-kva.example", "xn--bcher-kva.example")


def test_logins_travel_sealed_in_the_option_that_is_masked() -> None:
    called: dict[str, t.Any] = {}

    def execute(**call: t.Any) -> dict[str, t.Any]:
        called.update(call)
        return {"observations": [], "clock": time.time(), "trust_store_empty": False, "ca_subjects": {}}

    logins = [settings(username="app", password="hunter2"), settings(), settings(username="b")]
    run = probe_host(execute, logins, [plan_of(one, Policy()) for one in logins], True)
    arguments = called["module_args"]
    assert json.loads(base64.b64decode(arguments["password"])) == [["app", "hunter2", None], None, None]
    assert "hunter2" not in str(arguments["endpoints"])
    assert abs(run.host.skew) < 5
    probe_host(execute, logins, [plan_of(one, Policy()) for one in logins], False)
    assert "password" not in called["module_args"]


@pytest.mark.parametrize(
    "result", [{"failed": True, "msg": "ca_path is /x", "option": "ca_path"}, {"failed": True, "msg": "no python"}, {"unreachable": True, "msg": "gone"}, {}]
)
def test_a_host_that_cannot_probe(result: dict[str, t.Any]) -> None:
    with pytest.raises(HostError) as caught:
        probe_host(lambda **_call: dict(result, invocation={"password": "x"}), [settings()], [plan_of(settings(), Policy())], False)
    assert "invocation" not in caught.value.result
    assert str(caught.value)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*CONNECTION_OPTIONS, "endpoints"]), _ANY, max_size=6), _ANY)
def test_any_options(args: dict[str, t.Any], other: t.Any) -> None:
    for call in (
        lambda: endpoints(args, auto=True),
        lambda: parse_policy({"minimum_tls_version": other, "cleartext_networks": other, "certificate_days_error": other}),
        lambda: parse_policy({"cleartext_networks": other}),
        lambda: parse_policy({"certificate_days_error": other}),
        lambda: alternative_ports(settings(), other),
    ):
        try:
            call()
        except SettingsError as error:
            assert str(error).endswith(".")

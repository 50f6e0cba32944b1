# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to its endpoints."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import endpoint_settings, take
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import CONNECTION_OPTIONS, Settings
from hypothesis import given
from hypothesis import strategies as st

from tests.support.anything import ANYTHING

HOST = "smtp.example.com"


def endpoints(args: dict[str, t.Any], auto: bool = False, credentials: bool = False) -> list[Settings]:
    return endpoint_settings(args, allow_auto=auto, needs_credentials=credentials)


@pytest.mark.parametrize(
    "name, advice",
    [
        ("prot", "write port."),
        ("smtp_host", "write host."),
        ("endpoint", "write endpoints."),
        ("zzz", "write one of host, port"),
    ],
)
def test_unknown_options(name: str, advice: str) -> None:
    with pytest.raises(SettingsError) as caught:
        take({"host": HOST, name: 1}, (*CONNECTION_OPTIONS, "endpoints"))
    assert caught.value.option == name
    assert f"{name} is not an option; {advice}" in str(caught.value)


@pytest.mark.parametrize("option", ["ca_path", "password", "host"])
def test_no_option_has_a_nul_byte(option: str) -> None:
    with pytest.raises(SettingsError, match=f"^{option} has a NUL byte in it") as error:
        take({"host": HOST, option: "hunter2\0"}, CONNECTION_OPTIONS)
    assert "hunter2" not in str(error.value)


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


@pytest.mark.parametrize(
    "args",
    [{"port": 465}, {"port": 465, "username": ""}, {"endpoints": [{"port": 465}, {"port": 587, "username": None}]}],
)
def test_an_empty_variable_does_not_pass_for_a_login(args: dict[str, t.Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoints({"host": HOST, **args}, credentials=True)
    assert "check_credentials is true, but there is no username; write username and password" in str(caught.value)


def test_endpoints_without_a_login_may_stand_beside_one_that_has_one() -> None:
    found = endpoints(
        {"host": HOST, "endpoints": [{"port": 465, "username": "app", "password": "x"}, {"port": 25}]}, credentials=True
    )
    assert [one.username for one in found] == ["app", None]


@pytest.mark.parametrize(
    "beside, security",
    [
        ({"secure": True}, "implicit_tls"),
        ({"security": "auto"}, "auto"),
        ({"security": "cleartext"}, "cleartext"),
        ({}, "starttls"),
    ],
)
def test_the_mode_beside_the_list_holds_for_every_port(beside: dict[str, t.Any], security: str) -> None:
    found = endpoints(
        {
            "host": HOST,
            **beside,
            "endpoints": [{"port": 1025}, {"port": 1026, "security": "opportunistic"}, {"port": 1027, "secure": True}],
        },
        auto=True,
    )
    assert [one.security for one in found] == [security, "opportunistic", "implicit_tls"]


@pytest.mark.parametrize(
    "listed, words",
    [
        ("smtp.example.com", "endpoints is not a list"),
        (0.5, "endpoints is not a list"),
        (True, "endpoints is not a list"),
        ("465, smtp", "endpoints is not a list"),
        ([True], "endpoints[0] is not a dictionary"),
        (["465.5"], "endpoints[0] is not a dictionary"),
        ("465, 99999", "endpoints[0].host is empty"),
        ({"port": 465}, "host is empty"),
        ({"host": HOST, "port": 0}, "port is 0"),
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


@pytest.mark.parametrize(
    "ports", ["465,587", "465, 587", "[465, 587]", [465, "587"], (465, 587), ["465 ", {"port": 587}]]
)
def test_ports_alone(ports: t.Any) -> None:
    found = endpoints({"host": HOST, "security": "auto", "timeout": 3, "endpoints": ports}, auto=True)
    assert [(one.host, one.port, one.timeout) for one in found] == [(HOST, 465, 3), (HOST, 587, 3)]
    assert [one.port for one in endpoints({"host": HOST, "endpoints": 465})] == [465]


def test_auto_is_for_looking_only() -> None:
    assert endpoints({"host": HOST, "port": 1025, "security": "auto"}, auto=True)[0].security == "auto"
    with pytest.raises(SettingsError):
        endpoints({"host": HOST, "port": 1025, "security": "auto"})


@given(st.dictionaries(st.sampled_from([*CONNECTION_OPTIONS, "endpoints"]), ANYTHING, max_size=6))
def test_any_options(args: dict[str, t.Any]) -> None:
    try:
        endpoints(args, auto=True)
    except SettingsError as error:
        assert str(error).endswith(".") and error.option

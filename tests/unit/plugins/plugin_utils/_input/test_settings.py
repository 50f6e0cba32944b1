# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as a table of everything that people get wrong: one sentence each, with the option and what to write instead."""

from __future__ import annotations

import ipaddress
import re
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CLEARTEXT_FIRST_PORTS,
    IMPLICIT_TLS_PORTS,
    SECURITY_MODES,
    Settings,
    SettingsError,
    convention_clash,
    parse_settings,
    to_bool,
    to_number,
)
from hypothesis import example, given
from hypothesis import strategies as st

HOST = "smtp.example.com"
SECRET = "hunter2-S3cret"


def refusal(raw: dict[str, t.Any], **how: t.Any) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse_settings(raw, **{"probed": True, **how})
    return caught.value


@pytest.mark.parametrize(
    "raw, option, written, advice",
    [
        # host
        ({}, "host", "host is empty", "host: smtp.example.com"),
        ({"host": ""}, "host", "host is empty", "host: smtp.example.com"),
        ({"host": "  "}, "host", "host is empty", "host: smtp.example.com"),
        ({"host": "smtp://smtp.example.com"}, "host", "scheme", "host: smtp.example.com."),
        ({"host": "smtps://smtp.example.com:465/"}, "host", "scheme", "host: smtp.example.com and port: 465."),
        ({"host": "smtp://app:pw@smtp.example.com:465/"}, "host", "scheme", "example.com and port: 465."),
        ({"host": "smtp://[2001:db8::1]:465"}, "host", "scheme", 'host: "2001:db8::1" and port: 465.'),
        ({"host": "smtp://2001:db8::1"}, "host", "scheme", "host: smtp.example.com."),
        ({"host": "https://"}, "host", "scheme", "host: smtp.example.com"),
        ({"host": "smtp.example.com:587"}, "host", "port in it", "host: smtp.example.com and port: 587."),
        ({"host": "smtp.example.com:"}, "host", "port in it", "host: smtp.example.com and port: 587."),
        ({"host": "[2001:db8::1]"}, "host", "has brackets in it", 'host: "2001:db8::1".'),
        ({"host": "[2001:db8::1]:25"}, "host", "brackets and a port", 'host: "2001:db8::1" and port: 25.'),
        ({"host": "user@smtp.example.com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "smtp.example.com/x"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "smtp example com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "smtp..example.com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "-smtp.example.com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "a" * 64 + ".example.com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "ü" * 64 + ".example.com"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "smtp.example.com\r\nRCPT"}, "host", "not a host name", "host: smtp.example.com"),
        ({"host": "192.0.2"}, "host", "not a complete IP address", "192.0.2.25"),
        ({"host": "192.0.2.256"}, "host", "not a complete IP address", "192.0.2.25"),
        ({"host": ["smtp.example.com"]}, "host", "not a host name", "host: smtp.example.com"),
        # port
        ({"host": HOST}, "port", "port is missing", "port: 465 with secure: true"),
        ({"host": HOST, "port": 0}, "port", "port is 0", "465 with secure: true"),
        ({"host": HOST, "port": -25}, "port", "port is -25", "465 with secure: true"),
        ({"host": HOST, "port": 70000}, "port", "port is 70000", "465 with secure: true"),
        ({"host": HOST, "port": "70000"}, "port", "port is 70000", "465 with secure: true"),
        ({"host": HOST, "port": "abc"}, "port", "port is 'abc'", "465 with secure: true"),
        ({"host": HOST, "port": "465.0"}, "port", "port is '465.0'", "465 with secure: true"),
        ({"host": HOST, "port": 465.0}, "port", "port is '465.0'", "465 with secure: true"),
        ({"host": HOST, "port": True}, "port", "port is 'True'", "465 with secure: true"),
        ({"host": HOST, "port": "9" * 5000}, "port", "port is", "465 with secure: true"),
        ({"host": HOST, "port": [25]}, "port", "port is '[25]'", "465 with secure: true"),
        ({"host": HOST, "security": "auto"}, "port", "port is missing", "port: 465"),
        # mode
        (
            {"host": HOST, "security": "tls"},
            "security",
            "security is 'tls'",
            "(implicit_tls where TLS is spoken from the first byte, as on 465; starttls where STARTTLS begins it, as on 587)",
        ),
        ({"host": HOST, "security": "tls", "port": 465}, "security", "security is 'tls'", "(implicit_tls is probably"),
        ({"host": HOST, "security": "TLS", "port": "587"}, "security", "security is 'TLS'", "(starttls is probably"),
        ({"host": HOST, "security": "STARTTLS"}, "security", "security is 'STARTTLS'", "(starttls is probably"),
        ({"host": HOST, "security": "ssl"}, "security", "security is 'ssl'", "(implicit_tls is probably"),
        ({"host": HOST, "security": "none"}, "security", "security is 'none'", "(cleartext is probably"),
        ({"host": HOST, "security": 5}, "security", "security is '5'", "write one of implicit_tls, starttls"),
        (
            {"host": HOST, "secure": True, "security": "starttls", "port": 587},
            "security",
            "contradicts",
            "secure: false, or leave out secure",
        ),
        (
            {"host": HOST, "secure": True, "security": "cleartext", "port": 25},
            "security",
            "contradicts",
            "secure: false, or leave out secure",
        ),
        (
            {"host": HOST, "secure": False, "security": "implicit_tls", "port": 465},
            "security",
            "contradicts",
            "secure: true, or leave out secure",
        ),
        (
            {"host": HOST, "secure": "maybe", "port": 465},
            "secure",
            "secure is 'maybe'",
            "write secure: true for TLS from the first byte, as on port 465, or secure: false for STARTTLS, as on 587.",
        ),
        (
            {"host": HOST, "secure": 2, "port": 465},
            "secure",
            "secure is '2'",
            "secure: true for TLS from the first byte",
        ),
        (
            {"host": HOST, "secure": "starttls", "port": 587},
            "secure",
            "secure is 'starttls'",
            "secure: false for STARTTLS",
        ),
        # the file of a CA
        (
            {"host": HOST, "port": 465, "ca_path": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
            "ca_path",
            "ca_path holds the certificate itself",
            "put it into a file on the managed host, and write that file's path.",
        ),
        # login
        (
            {"host": HOST, "port": 465, "password": SECRET},
            "username",
            "password is given without a username",
            "write username as well",
        ),
        (
            {"host": HOST, "port": 465, "username": "app", "password": f"a\0{SECRET}"},
            "password",
            "password has a NUL byte",
            "write it without",
        ),
        (
            {"host": HOST, "port": 465, "username": "a\0b", "password": SECRET},
            "username",
            "username has a NUL byte",
            "write it without",
        ),
        (
            {"host": HOST, "port": 465, "auth_mechanism": "NTLM"},
            "auth_mechanism",
            "auth_mechanism is 'NTLM'",
            "write one of PLAIN, LOGIN",
        ),
        # the rest
        (
            {"host": HOST, "port": 465, "timeout": 0},
            "timeout",
            "timeout is '0'",
            "write a number from 0.1 to 3600 seconds",
        ),
        (
            {"host": HOST, "port": 465, "timeout": -1},
            "timeout",
            "timeout is '-1'",
            "write a number from 0.1 to 3600 seconds",
        ),
        (
            {"host": HOST, "port": 465, "timeout": "soon"},
            "timeout",
            "timeout is 'soon'",
            "write a number from 0.1 to 3600 seconds",
        ),
        (
            {"host": HOST, "port": 465, "timeout": "nan"},
            "timeout",
            "timeout is 'nan'",
            "write a number from 0.1 to 3600 seconds",
        ),
        (
            {"host": HOST, "port": 465, "timeout": True},
            "timeout",
            "timeout is 'True'",
            "write a number from 0.1 to 3600 seconds",
        ),
        ({"host": HOST, "port": 465, "ip_version": "5"}, "ip_version", "ip_version is '5'", "write any, 4 or 6"),
        (
            {"host": HOST, "port": 465, "source_address": "eth0"},
            "source_address",
            "source_address is 'eth0'",
            "192.0.2.10",
        ),
        (
            {"host": HOST, "port": 465, "source_address": "192.0.2.1", "ip_version": "6"},
            "source_address",
            "is IPv4, but ip_version is 6",
            'ip_version: "4"',
        ),
        ({"host": HOST, "port": 465, "helo_name": "a b"}, "helo_name", "white space", "app1.example.com"),
        ({"host": HOST, "port": 465, "helo_name": "a\r\nMAIL"}, "helo_name", "line break", "on one line"),
        (
            {"host": HOST, "port": 465, "server_name": "smtp.example.com:465"},
            "server_name",
            "port in it",
            "server_name: smtp.example.com",
        ),
        (
            {"host": HOST, "port": 465, "sender": "App <app@example.com>"},
            "sender",
            "not a bare mail address",
            "sender: app@example.com",
        ),
        ({"host": HOST, "port": 465, "sender": "app"}, "sender", "not a bare mail address", "sender: app@example.com"),
        ({"host": HOST, "port": 465, "sender_name": "a\nb"}, "sender_name", "line break", "on one line"),
        ({"host": HOST, "port": 465, "ca_path": "/etc/ca\n.pem"}, "ca_path", "line break", "on one line"),
        (
            {"host": HOST, "port": 465, "validate_certs": "ca"},
            "validate_certs",
            "validate_certs is 'ca'",
            "validate_certs: true or validate_certs: false",
        ),
        (
            {"host": HOST, "port": 465, "return_pem": []},
            "return_pem",
            "return_pem is '[]'",
            "return_pem: true or return_pem: false",
        ),
        (
            {"host": HOST, "port": 465, "helo_name": "a\ud800@b.example"},
            "helo_name",
            "helo_name holds half a character",
            "write it anew",
        ),
        (
            {"host": HOST, "port": 465, "sender": "a\ud800@b.example"},
            "sender",
            "sender holds half a character",
            "write it anew",
        ),
        (
            {"host": HOST, "port": 465, "sender_name": "a\ud800@b.example"},
            "sender_name",
            "sender_name holds half a character",
            "write it anew",
        ),
        (
            {"host": HOST, "port": 465, "ca_path": "a\ud800@b.example"},
            "ca_path",
            "ca_path holds half a character",
            "write it anew",
        ),
        (
            {"host": HOST, "port": 465, "username": "app", "password": "\udcffx"},
            "password",
            "password holds half a character",
            "write it anew",
        ),
        ({"host": HOST, "port": 465, "helo_name": ["x"]}, "helo_name", "is not a text", "one value"),
        ({"host": HOST, "port": 465, "ca_path": ["/ca.pem"]}, "ca_path", "is not a text", "one value"),
        ({"host": HOST, "port": 465, "helo_name": "$HOSTNAME"}, "helo_name", "'$HOSTNAME'", "full name"),
        ({"host": HOST, "port": 465, "helo_name": "b\u00fccher.example"}, "helo_name", "neither a name", "full name"),
        ({"host": HOST, "port": 465, "helo_name": "x" * 300}, "helo_name", "neither a name", "full name"),
        ({"host": HOST, "port": 587, "security": "tls"}, "security", "not a mode", "starttls is probably"),
        ({"host": HOST, "port": 465, "security": "TLS"}, "security", "not a mode", "implicit_tls is probably"),
        ({"host": HOST, "port": 465, "username": "a", "password": True}, "password", "not a text in YAML", "in quotes"),
        ({"host": HOST, "port": 465, "username": "a", "password": 1.10}, "password", "not a text in YAML", "in quotes"),
        ({"host": HOST, "port": 465, "username": ["a"]}, "username", "not a text in YAML", "in quotes"),
        (
            {"host": HOST, "port": 465, "username": "a", "password": "$ANSIBLE_VAULT;1.1;AES256\n6162"},
            "password",
            "encrypted text",
            "with !vault",
        ),
        ({"host": "192.0.2.1", "port": 465, "ip_version": 6}, "ip_version", "is an IPv4 address", "ip_version: any"),
        ({"host": "fe80::1%eth0", "port": 465, "ip_version": 4}, "ip_version", "is an IPv6 address", "ip_version: any"),
        (
            {"host": "2001:db8::1", "port": 465, "source_address": "192.0.2.1"},
            "source_address",
            "is IPv4, but host 2001:db8::1 is IPv6",
            "source_address of IPv6",
        ),
        # names of other models
        ({"host": HOST, "login": "a"}, "login", "login is not an option", "write username"),
        ({"host": HOST, "hostname": "a"}, "hostname", "hostname is not an option", "write host."),
        ({"host": HOST, "cafile": "a"}, "cafile", "cafile is not an option", "write ca_path"),
        ({"host": HOST, "starttls": True}, "starttls", "starttls is not an option", "write security"),
        ({"host": HOST, "sni": "a"}, "sni", "sni is not an option", "write server_name"),
        ({"host": HOST, "ehlo": "a"}, "ehlo", "ehlo is not an option", "write helo_name"),
        ({"host": HOST, "require_auth": True}, "require_auth", "require_auth is not an option", "write login_required"),
        (
            {"host": HOST, "client_cert": "a"},
            "client_cert",
            "client_cert is not an option",
            "take a port of the relay that takes a login",
        ),
        ({"host": HOST, "proxy": "a"}, "proxy", "proxy is not an option", "leave it out"),
        ({"host": HOST, "prot": 465}, "prot", "prot is not an option", "write port"),
        ({"host": HOST, "smtp_port": 465}, "smtp_port", "smtp_port is not an option", "write port"),
        ({"host": HOST, "smtp_user": "a"}, "smtp_user", "smtp_user is not an option", "write username"),
        ({"host": HOST, "pass": SECRET}, "pass", "pass is not an option", "write password"),
        ({"host": HOST, "no_reply": "a@b.c"}, "no_reply", "no_reply is not an option", "write sender"),
        (
            {"smtp_host": HOST, "smtp_port": 465, "smtp_user": "a"},
            "smtp_host",
            "smtp_host, smtp_port and smtp_user are not options",
            "write host, port and username.",
        ),
        ({"host": HOST, "user": "a", "zzz": 1}, "user", "user and zzz are not options", "write one of host, port"),
        ({"host": HOST, "zzz": 1}, "zzz", "zzz is not an option", "write one of host, port"),
    ],
)
def test_what_is_refused(raw: dict[str, t.Any], option: str, written: str, advice: str) -> None:
    error = refusal(
        {"password": SECRET, "username": "app", **raw} if "password" not in raw and option != "username" else raw,
        allow_auto="auto" in raw.values(),
    )
    assert error.option == option
    assert error.cause == "invalid_settings"
    assert written in str(error)
    assert advice in str(error)
    assert_one_sentence(str(error))
    assert SECRET not in str(error)


def assert_one_sentence(text: str) -> None:
    assert text.endswith(".")
    assert not text.endswith("..")
    assert text.isprintable()
    assert ": " in text or "; " in text or ", " in text
    assert len(text) < 400


@pytest.mark.parametrize(
    "port, secure, advice",
    [
        (587, True, "port 465 with secure: true"),
        (25, True, "port 465"),
        (2525, True, "port 465"),
        (2587, "yes", "port 465"),
        (465, False, "secure: true with port 465"),
        (2465, False, "secure: true with port 2465"),
    ],
)
def test_a_clash_with_the_convention_is_refused_where_nothing_is_probed(port: int, secure: t.Any, advice: str) -> None:
    error = refusal({"host": HOST, "port": port, "secure": secure}, probed=False)
    assert (error.option, error.cause) == ("secure", "mode_mismatch")
    assert advice in str(error)
    assert_one_sentence(str(error))
    assert parse_settings({"host": HOST, "port": port, "secure": secure}, probed=True).port == port


@pytest.mark.parametrize(
    "how, given_login, option",
    [
        ({"needs_credentials": True}, {"username": "app"}, "password"),
        ({"needs_credentials": True}, {"username": "app", "password": ""}, "password"),
    ],
)
def test_a_user_name_without_a_password(how: dict[str, t.Any], given_login: dict[str, t.Any], option: str) -> None:
    error = refusal({"host": HOST, "port": 465, **given_login}, **how)
    assert error.option == option
    assert parse_settings({"host": HOST, "port": 465, **given_login}, probed=True).username == "app"


def test_the_prefix_names_the_entry() -> None:
    for raw in (
        {},
        {"host": HOST, "port": 0},
        {"host": HOST, "port": 25, "password": "x"},
        {"host": HOST, "prot": 1},
        {"host": HOST, "security": "x"},
    ):
        error = refusal(raw, prefix="endpoints[3].")
        assert error.option.startswith("endpoints[3].")
        assert "endpoints[3]." in str(error)


@pytest.mark.parametrize(
    "raw, security, port",
    [
        ({"port": 465}, "implicit_tls", 465),
        ({"port": 2465}, "implicit_tls", 2465),
        ({"port": 587}, "starttls", 587),
        ({"port": 25}, "starttls", 25),
        ({"port": 1025}, "starttls", 1025),
        ({"port": 1025, "secure": False}, "starttls", 1025),
        ({"port": 1025, "secure": True}, "implicit_tls", 1025),
        ({"secure": True}, "implicit_tls", 465),
        ({"secure": False}, "starttls", 587),
        ({"security": "cleartext"}, "cleartext", 25),
        ({"security": "opportunistic"}, "opportunistic", 587),
        ({"security": "implicit_tls", "secure": "true"}, "implicit_tls", 465),
        ({"security": "cleartext", "secure": "no", "port": "1025"}, "cleartext", 1025),
        ({"port": " 587 "}, "starttls", 587),
        ({"port": 465, "secure": None, "security": ""}, "implicit_tls", 465),
        ({"port": 465, "security": "auto"}, "auto", 465),
    ],
)
def test_mode_and_port(raw: dict[str, t.Any], security: str, port: int) -> None:
    found = parse_settings({"host": HOST, **raw}, probed=True, allow_auto=True)
    assert (found.security, found.port, found.secure) == (security, port, security == "implicit_tls")


@pytest.mark.parametrize(
    "host, name, endpoint",
    [
        ("smtp.example.com", "smtp.example.com", "smtp.example.com:25"),
        ("smtp.example.com.", "smtp.example.com", "smtp.example.com.:25"),
        ("bücher.example", "xn--bcher-kva.example", "bücher.example:25"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1:25"),
        ("2001:db8::1", "2001:db8::1", "[2001:db8::1]:25"),
        ("fe80::1%eth0", "fe80::1", "[fe80::1%eth0]:25"),
        ("localhost", "localhost", "localhost:25"),
        ("my_relay", "my_relay", "my_relay:25"),
    ],
)
def test_hosts(host: str, name: str, endpoint: str) -> None:
    found = parse_settings({"host": f" {host} ", "port": 25}, probed=True)
    assert (found.host, found.certificate_name, found.endpoint) == (host, name, endpoint)


@pytest.mark.parametrize("port", [*IMPLICIT_TLS_PORTS, *CLEARTEXT_FIRST_PORTS, 1025])
@pytest.mark.parametrize("security", SECURITY_MODES)
def test_convention(port: int, security: str) -> None:
    expected = (port in IMPLICIT_TLS_PORTS and security != "implicit_tls") or (
        port in CLEARTEXT_FIRST_PORTS and security == "implicit_tls"
    )
    assert convention_clash(port, security) is expected


def test_the_password_is_not_in_the_repr() -> None:
    assert SECRET not in repr(
        parse_settings({"host": HOST, "port": 465, "username": "app", "password": SECRET}, probed=True)
    )


@given(st.integers(1, 65535))
def test_numeric_strings_are_numbers(port: int) -> None:
    raw = {"host": HOST, "port": port, "timeout": 5}
    assert parse_settings(raw, probed=True) == parse_settings(
        {"host": HOST, "port": f" {port}", "timeout": "5"}, probed=True
    )


@given(st.sampled_from([True, False]), st.sampled_from(["port", "none"]))
def test_boolean_strings_are_booleans(value: bool, _other: str) -> None:
    for text in (
        str(value),
        str(value).lower(),
        {True: "yes", False: "no"}[value],
        {True: "on", False: "off"}[value],
        int(value),
        str(int(value)),
    ):
        assert to_bool(text, "secure") is value


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = [
    "host",
    "port",
    "secure",
    "security",
    "validate_certs",
    "ca_path",
    "server_name",
    "username",
    "password",
    "auth_mechanism",
    "sender",
    "sender_name",
    "helo_name",
    "source_address",
    "ip_version",
    "timeout",
    "return_pem",
]
_HOSTS = st.one_of(st.just(HOST), st.ip_addresses().map(str), st.text("ab.:[]/@%-_1 ü", max_size=20), _JSON)


@given(
    st.fixed_dictionaries({"host": _HOSTS}, optional={key: _JSON for key in _KEYS if key != "host"}),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example({"host": HOST, "port": "9" * 5000}, True, True, True)
@example({"host": HOST, "port": "٤٦٥"}, True, True, True)
@example({"host": "\ud800"}, True, True, True)
@example({"host": ".example.com"}, True, True, True)
@example({"host": "ü..example"}, True, True, True)
@example({"host": "xn--\u3002"}, True, True, True)
def test_any_values(raw: dict[str, t.Any], probed: bool, auto: bool, needs: bool) -> None:
    """Settings or SettingsError, nothing else; what comes out is sound and comes out the same when put in again."""
    try:
        found = parse_settings(raw, probed=probed, allow_auto=auto, needs_credentials=needs)
    except SettingsError as error:
        assert error.option
        assert error.cause in ("invalid_settings", "mode_mismatch")
        assert_short(str(error), raw)
        return
    assert_sound(found)
    again = {key: getattr(found, key) for key in _KEYS if key != "secure"}
    assert parse_settings(again, probed=probed, allow_auto=auto, needs_credentials=needs) == found


def assert_short(text: str, raw: dict[str, t.Any]) -> None:
    assert text.endswith(".")
    assert len(text) < 700
    password = raw.get("password")
    if (
        isinstance(password, str)
        and len(password) > 8
        and not any(password in str(value) for key, value in raw.items() if key != "password")
    ):
        assert password not in text


def assert_sound(found: Settings) -> None:
    assert 1 <= found.port <= 65535
    assert found.security in (*SECURITY_MODES, "auto")
    assert 0.1 <= found.timeout <= 3600
    assert found.host and not re.search(r"[\s/@\[\]]", found.host)
    assert found.certificate_name.isascii()
    assert found.auth_mechanism is None or found.auth_mechanism in MECHANISMS
    assert found.password is None or found.username is not None
    if found.source_address is not None:
        assert str(ipaddress.ip_address(found.source_address).version) == found.ip_version
    for text in (found.ca_path, found.helo_name, found.sender, found.sender_name, found.host, found.server_name):
        assert text is None or not re.search(r"[\x00-\x1f\x7f]", text)


@given(_JSON)
def test_numbers_and_booleans_of_anything(value: t.Any) -> None:
    for call in (lambda: to_bool(value, "x"), lambda: to_number(value, "x", 0, 10)):
        try:
            call()
        except SettingsError as error:
            assert error.option == "x"


def test_a_url_as_host_is_refused_without_showing_its_login() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings({"host": "smtp://user:hunter2@mail.example.com", "port": 465, "secure": True}, probed=True)
    assert "hunter2" not in str(caught.value) and "mail.example.com" in str(caught.value)


def test_blanks_around_a_text_are_no_part_of_it() -> None:
    found = parse_settings(
        {
            "host": f" {HOST}\n",
            "port": " 465 ",
            "ca_path": "/etc/ssl/our-ca.pem ",
            "sender": " app@example.com ",
            "helo_name": "app1.example.com ",
            "auth_mechanism": "plain ",
            "username": " app ",
            "password": f"{SECRET} ",
        },
        probed=True,
    )
    assert (found.host, found.port, found.ca_path, found.sender) == (
        HOST,
        465,
        "/etc/ssl/our-ca.pem",
        "app@example.com",
    )
    assert (found.helo_name, found.auth_mechanism) == ("app1.example.com", "PLAIN")
    # A login may begin and end with anything.
    assert found.login == (" app ", f"{SECRET} ")

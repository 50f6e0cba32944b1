# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter mail_settings: what it completes, takes apart and refuses."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.filter import mail_settings as plugin
from hypothesis import given
from hypothesis import strategies as st

from tests.support.passwords import may_be_a_password

mail_settings = plugin.FilterModule().filters()["mail_settings"]
HOST = {"host": "smtp.example.com"}


@pytest.mark.parametrize(
    "value, expected",
    [
        (
            {**HOST, "port": "465"},
            {"port": 465, "secure": True, "security": "implicit_tls", "host_port": "smtp.example.com:465"},
        ),
        ({**HOST, "secure": "no"}, {"port": 587, "secure": False, "security": "starttls"}),
        ({**HOST, "security": "cleartext"}, {"port": 25, "url": "smtp://smtp.example.com:25"}),
        (
            {"host": "2001:db8::25", "port": 465},
            {"host_port": "[2001:db8::25]:465", "url": "smtps://[2001:db8::25]:465"},
        ),
        ("smtp.example.com:465", {"host": "smtp.example.com", "port": 465, "secure": True}),
        ("[2001:db8::25]:587", {"host": "2001:db8::25", "port": 587, "secure": False}),
        ("smtps://smtp.example.com", {"port": 465, "security": "implicit_tls"}),
        ("smtp://smtp.example.com", {"port": 587, "security": "starttls"}),
        ("SMTPS://u%40x:p%3A%2F@smtp.example.com:2465", {"username": "u@x", "password": "p:/", "port": 2465}),
        ("smtp+ssl://u:p@smtp.example.com:465/", {"security": "implicit_tls", "password": "p"}),
        (
            "smtp://h.example:587?verify_peer=0&local_domain=me.example",
            {"validate_certs": False, "helo_name": "me.example"},
        ),
        ("smtp://h.example:25?tls.rejectUnauthorized=false", {"validate_certs": False}),
        ("smtp://h.example:25?auto_tls=false", {"security": "cleartext"}),
        ("smtp://h.example:25?ignoreTLS=true", {"security": "cleartext"}),
        ("smtp://h.example:587?from=a@b.example", {"port": 587}),
        ("smtp://h.example:587/?from=a@b.example", {"port": 587}),
        ({"url": "smtps://u:p@h.example", "sender": "a@b.example"}, {"host": "h.example", "sender": "a@b.example"}),
        ({"url": "smtps://u:p@h.example:465", "port": 587, "secure": False}, {"port": 587, "security": "starttls"}),
        ({"host_port": "h.example:465"}, {"host": "h.example", "port": 465}),
        ({**HOST, "port": 465, "sender": "a@b.example", "sender_name": "App"}, {"mailbox": "App <a@b.example>"}),
        (
            {**HOST, "port": 465, "sender": "a@b.example", "sender_name": 'App, "x"'},
            {"mailbox": '"App, \\"x\\"" <a@b.example>'},
        ),
        ({**HOST, "port": 465, "sender": "a@b.example"}, {"mailbox": "a@b.example"}),
        ({**HOST, "port": 1025, "secure": False, "security": "starttls", "ok": True, "cause": None}, {"port": 1025}),
    ],
)
def test_completed(value: t.Any, expected: dict[str, t.Any]) -> None:
    result = mail_settings(value)
    assert {name: result[name] for name in expected} == expected
    # What comes out goes in again.
    assert (
        mail_settings({name: one for name, one in result.items() if name not in ("url", "host_port", "mailbox")})
        == result
    )


def test_what_the_gate_selected_wins_and_its_probe_counts() -> None:
    settings = {**HOST, "port": 465, "secure": True, "username": "u", "password": "p"}
    selected = {**HOST, "port": 587, "secure": False, "security": "starttls", "ok": True, "cause": None}
    result = mail_settings(settings, selected=selected)
    assert (result["port"], result["security"], result["username"]) == (587, "starttls", "u")
    odd = {**HOST, "port": 587, "secure": True, "security": "implicit_tls", "ok": True, "cause": None}
    assert mail_settings(settings, selected=odd)["port"] == 587 and mail_settings(odd)["port"] == 587
    assert mail_settings({**HOST, "port": 587, "secure": True}, probed=True)["secure"] is True


@pytest.mark.parametrize(
    "value, more, sentence",
    [
        ({**HOST, "port": 465, "secure": False}, {}, "port 465 speaks TLS from the first byte"),
        ("smtp://u:s3cret@smtp.example.com:465", {}, "port 465 speaks TLS from the first byte"),
        ({**HOST, "prot": 465}, {}, "prot is not an option; write port"),
        ("tls://u:s3cret@h.example", {}, "url has the scheme 'tls'; write smtps://"),
        ("a:b:c", {}, "has no host and port that can be told apart"),
        ("smtps://u:s3cret@2001:db8::1:465", {}, "url has no host and port that can be told apart"),
        ({**HOST, "port": 465, "username": "u"}, {}, "username is given without a password"),
        (None, {}, "a gate that failed has no selected"),
        (3, {}, "these are no settings"),
        ({**HOST, "port": 465}, {"selected": {}}, "selected is not what the gate returns"),
        ("smtp://h.example:25?verify_peer=maybe", {}, "the parameter verify_peer of url is 'maybe'"),
        ("smtps://me:12/34@h.example:465", {}, "write it %2F"),
        ("smtps://me@example.com:12?34@h.example:465", {}, "write it %2F"),
        ("smtps://me:12#34@h.example:465", {}, "write it %2F"),
    ],
)
def test_refused_with_one_sentence(value: t.Any, more: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        mail_settings(value, **more)
    assert sentence in str(error.value) and "s3cret" not in str(error.value)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


@given(TEXT, TEXT.filter(may_be_a_password))
def test_the_url_gives_everything_back(username: str, password: str) -> None:
    result = mail_settings({**HOST, "port": 465, "username": username, "password": password})
    again = mail_settings(result["url"])
    assert (again["username"], again["password"], again["host"], again["port"]) == (
        username,
        password,
        HOST["host"],
        465,
    )


def test_the_documentation_names_what_comes_back() -> None:
    page = yaml.safe_load(pathlib.Path(plugin.__file__).with_suffix(".yml").read_text())
    assert set(page["RETURN"]["_value"]["contains"]) == set(mail_settings("smtps://h.example"))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role mail_config refuses before it asks the host anything, in the names of its own variables."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps import set as rules
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError

SETTINGS = {"host": "smtp.example.com", "port": 465, "secure": True}
APP = {"app": "pangolin", "path": "/opt/pangolin/config/config.yml"}
TEMPLATE = {"template": "app.j2", "dest": "/opt/app/.env"}


@pytest.mark.parametrize(
    "args, sentence",
    [
        ({"settings": {}}, "mail_config_settings is empty; write host, port and secure into it."),
        ({"settings": {**SETTINGS, "port": "abc"}}, "mail_config_settings.port is 'abc', which is not a port number;"),
        ({"settings": {**SETTINGS, "secure": "perhaps"}}, "mail_config_settings.secure is 'perhaps'"),
        ({"settings": {**SETTINGS, "user": "x"}}, "mail_config_settings.user is not an option; write username."),
        ({"settings": {"host": "h", "port": 587, "secure": True}}, "mail_config_settings.port 587 starts in cleartext"),
        ({"settings": {**SETTINGS, "username": "x"}}, "mail_config_settings.username is given without a password"),
        (
            {"settings": SETTINGS, "minimum_tls_version": "1.2"},
            "mail_config_minimum_tls_version is '1.2'; write one of",
        ),
        ({"settings": SETTINGS, "certificate_days_error": "x"}, "mail_config_certificate_days_error is 'x'"),
        ({"settings": SETTINGS, "recipient": "a@b.c"}, "mail_config_prove_recipient needs a sender"),
        ({"settings": "host=h port=25"}, "mail_config_settings is not a dictionary; write {host:"),
        (
            {"settings": {**SETTINGS, "sender": "a@b.c"}, "recipient": "a@b.c, d@e.f"},
            "mail_config_prove_recipient is 'a@b.c, d@e.f', which is not one bare mail address; write",
        ),
        ({"settings": SETTINGS, "prove": "maybe"}, "mail_config_prove is 'maybe'; write auto, true or false."),
    ],
)
def test_settings(args: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        rules.checked_settings(args)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "entries, sentence",
    [
        ([], "mail_config_apps is empty; write a list such as"),
        ([{"app": "pangolin"}], "mail_config_apps[0].path is missing; write {app: ..., path: ...}, or"),
        ([APP, {"path": "/x"}], "mail_config_apps[1].app is missing"),
        ([{"template": "x"}], "mail_config_apps[0].dest is missing"),
        ([{**APP, "template": "x", "dest": "/x"}], "mail_config_apps[0].app stands beside template"),
        ([{**APP, "dest": "/x"}], "mail_config_apps[0].dest stands beside app"),
        ([{**APP, "restart": 5}], "mail_config_apps[0].restart is '5'; write {service: name}"),
        ([{**APP, "restart": "docker restart x"}], "mail_config_apps[0].restart is 'docker restart x'; write {service: name}"),
        ([{**APP, "restart": {"service": "x", "command": ["y"]}}], "mail_config_apps[0].restart is "),
        ([{**APP, "restart": {"servise": "x"}}], "mail_config_apps[0].restart is "),
        ([{**APP, "path": "config/config.yml"}], "mail_config_apps[0].path is 'config/config.yml'; write the whole path"),
        ([{**APP, "restart": {}}], "mail_config_apps[0].restart is '{}'; write {service: name}"),
        ([{**APP, "restart": {"command": "systemctl restart x"}}], "mail_config_apps[0].restart.command is 'systemctl restart x'; write a list"),
        (["app=pangolin path=/x"], "mail_config_apps[0] is 'app=pangolin path=/x'; write {app: ..., path: ...}."),
        ("[{app: pangolin}]", "mail_config_apps is not a list; write one such as"),
        (APP, "mail_config_apps is not a list; write one such as"),
        ([APP, TEMPLATE, APP], "mail_config_apps[2] has the file /opt/pangolin/config/config.yml, and so has mail_config_apps[0];"),
        ([APP, {**TEMPLATE, "dest": APP["path"]}], "mail_config_apps[1] has the file"),
        ([{"app": "n8n", "path": "/c.yml", "service": "a"}, {"app": "grafana", "path": "/c.yml"}], "mail_config_apps[1] has"),
    ],
)  # fmt: skip
def test_entries(entries: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        rules.checked_entries(entries)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("prove", [None, "auto", True, "false", "no", "yes", "1"])
def test_words_of_the_proof(prove: object) -> None:
    rules.checked_settings({"settings": SETTINGS, "prove": prove})


@pytest.mark.parametrize(
    "given, codes",
    [
        (None, []), ("", []), ([], []), (["a_b"], ["a_b"]), ("a_b", ["a_b"]), ("a_b, c", ["a_b", "c"]),
    ],
)  # fmt: skip
def test_a_list_of_codes_may_be_a_text(given: object, codes: list[str]) -> None:
    assert rules.accepted(given) == codes


@pytest.mark.parametrize("given", [7, {"a": 1}, ["not a code"], "a b", [None], "a,,b"])
def test_what_is_no_list_of_codes(given: object) -> None:
    with pytest.raises(SettingsError, match="mail_config_accept is .*; write codes of findings"):
        rules.accepted(given)


def test_a_part_of_a_code_accepts_nothing() -> None:
    finding = {"code": "cleartext", "message": "m", "severity": "warning", "remedy": "r"}
    result = {"path": "/x", "item": APP, "findings": [finding]}
    assert rules.told_once([result], [], rules.accepted("cleartext_login")) == [finding]
    assert rules.told_once([result], [], rules.accepted("x, cleartext")) == []


def test_a_code_that_is_nearly_right_is_told() -> None:
    findings = [{"code": "ca_not_expressible"}, {"code": "password_readable"}]
    accept = ["ca_not_expresible", "password_readable", "certificate_expires_soon"]
    words = "mail_config_accept has ca_not_expresible, which accepts nothing here; write ca_not_expressible."
    assert rules.misspelt(accept, findings) == [words]


def test_several_services_of_one_file_are_several_places() -> None:
    rules.checked_entries(
        [{"app": "grafana", "path": "/c.yml", "service": one} for one in ("a", "b")] + [APP, TEMPLATE]
    )


@pytest.mark.parametrize(
    "said, expected",
    [
        ("h: path is /x, which is a folder; write", "h: mail_config_apps[1].path is /x, which is a folder; write"),
        ("h: app is 'x', which is not known", "h: mail_config_apps[1].app is 'x', which is not known"),
        ("mode is 'z'; write '0600'.", "h: mail_config_apps[1].mode is 'z'; write '0600'."),
        ("h: descriptors is /x, which is", "h: mail_config_descriptors is /x, which is"),
        ("h: /x cannot be written: why.", "h: /x cannot be written: why."),
    ],
)
def test_sentences_name_the_roles_own_variables(said: str, expected: str) -> None:
    assert rules.in_own_words(said, 1, "h") == expected


def test_settings_that_mean_the_same_are_one_endpoint() -> None:
    given = {"host": "h.example", "port": "587", "secure": "false", "timeout": ""}
    app = {"settings": {"host": "h.example", "port": 587, "secure": False, "security": "starttls"}}
    weaker = {"settings": {**app["settings"], "security": "opportunistic"}}
    assert len(rules.endpoints_of(given, [{"settings": {}}, app, {"settings": {}}])) == 1
    assert len(rules.endpoints_of(given, [app, weaker])) == 2

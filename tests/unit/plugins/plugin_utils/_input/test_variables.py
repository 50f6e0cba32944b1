# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing or misspelt among the variables of a playbook; what an inventory has besides is its own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.variables import UNREADABLE, Variable, check_variables

SETTINGS = Variable("mail_config_settings", "dict", advice="write host, port and secure into it", required=True)
TAKEN = (
    SETTINGS,
    Variable("mail_config_fallback", "str", ("fail", "suggest", "use")),
    Variable("mail_config_certificate_days_error", "int"),
    Variable("mail_config_check_credentials", "bool"),
    Variable("mail_config_alternatives", "raw"),
    Variable("mail_config_gate", "bool", default=True),
    Variable("mail_config_cleartext_networks", "list"),
    Variable("mail_config_prove_recipient", "str"),
    Variable("mail_probe_timeout", "float"),
)
GOOD: dict[str, t.Any] = {"mail_config_settings": {"host": "relay.test"}}


def check(variables: dict[str, t.Any], known: tuple[str, ...] = ()) -> None:
    check_variables(TAKEN, variables.keys(), variables.__getitem__, known)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"mail_config_certificate_days_error": "30", "mail_config_check_credentials": "yes"},
        {"mail_config_cleartext_networks": "10.0.0.0/8", "mail_config_fallback": "use"},
        {"mail_config_alternatives": 587, "mail_probe_timeout": "2.5"},
        # Somebody's own.
        {"mail_host": "x", "mail_config_secret": "x", "mailname": "x", "mail_report_dest": "x", "ansible_user": "x"},
        {"mail_config_prove_recipient": "a@b", "mail_config_prove_recipients": ["a@b"]},
        {"mail_config_check_credentials": ""},
        {"mail_config_gate": False, "mail_config_gates": "x"},
    ],
)
def test_what_is_right(more: dict[str, t.Any]) -> None:
    check({**GOOD, **more})


@pytest.mark.parametrize(
    "variables, words",
    [
        ({}, "mail_config_settings is missing for this host; write host, port and secure into it."),
        ({"mail_config_settings": {}}, "mail_config_settings is missing for this host"),
        ({"mail_conifg_settings": {}}, "mail_config_settings is missing; mail_conifg_settings is there, write mail"),
        ({"mailconfig_settings": {}}, "mailconfig_settings is there"),
        ({"mail_config_settings": "host=h password=pw"}, "mail_config_settings is a text and not a dictionary; write host,"),
        ({"mail_config_settings": ["pw"]}, "mail_config_settings is a list and not a dictionary; write host,"),
        ({"mail_config_settings": 587}, "mail_config_settings is '587' and not a dictionary; write host,"),
        # The role in the play brings its defaults along.
        ({**GOOD, "mail_config_gate": True, "mail_config_gat": False}, "mail_config_gat is no variable of this playbook; write mail_config_gate."),
        ({**GOOD, "mail_config_certificate_day_error": 3}, "no variable of this playbook; write mail_config_certificate_days_error."),
        ({**GOOD, "mail_config_falback": "use"}, "mail_config_falback is no variable of this playbook; write mail_config_fallback."),
        ({**GOOD, "mail_config_fallback": "try"}, "mail_config_fallback is 'try'; write fail or suggest or use."),
        ({**GOOD, "mail_config_certificate_days_error": "soon"}, "days_error is 'soon', which is not a whole number; write one, such as 14."),
        ({**GOOD, "mail_probe_timeout": "3s"}, "mail_probe_timeout is '3s', which is not a number; write one, such as 10."),
        ({**GOOD, "mail_config_check_credentials": "perhaps"}, "mail_config_check_credentials is 'perhaps', which is neither"),
        ({**GOOD, "mail_config_cleartext_networks": {"a": 1}}, "is a dictionary and not a list; write ["),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_one_sentence(variables: dict[str, t.Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(variables)
    assert words in str(caught.value) and str(caught.value).count(". ") == 0


def test_names_that_are_known_elsewhere_are_let_through() -> None:
    check({**GOOD, "mail_config_falback": 1}, known=("mail_config_falback",))


@pytest.mark.parametrize("name", ["mail_config_settings", "mail_config_certificate_days_error"])
def test_a_variable_whose_template_fails_is_left_to_who_uses_it(name: str) -> None:
    check({**GOOD, name: UNREADABLE})


def test_variables_of_mailpit_are_compared_with_those_of_mailpit_alone() -> None:
    taken = (Variable("mailpit_watch_limit", "int"), Variable("mail_config_hosts", "str"))
    with pytest.raises(
        SettingsError, match="mailpit_wacth_limit is no variable of this playbook; write mailpit_watch_limit[.]"
    ):
        check_variables(taken, ["mailpit_wacth_limit"], str)
    with pytest.raises(
        SettingsError, match="mailpit_smtp_prot is no variable of this playbook; write mailpit_smtp_port[.]"
    ):
        check_variables([Variable("mailpit_smtp_port", "int")], ["mailpit_smtp_prot"], str)
    check_variables(taken, ["mailpit_config_hosts", "mailpit_ca_pem"], str)


@pytest.mark.parametrize(
    "value, shown",
    [
        ("host=h password=pw x", "'host=h password=********'"),
        ({"host": "h", "password": "pw", "port": 25}, "'{'host': 'h', 'password': ********'"),
        ("smtp_pass: 'p w'", "'smtp_pass: ********'"),
        ("API-KEY = k", "'API-KEY = ********'"),
        ('{"token":"t"}', "'{\"token\":********'"),
        ("smtps://u:pw@h/?passwd=pw", "'smtps://********@h/?passwd=********'"),
        # Words that only speak of one.
        ("password", "'password'"),
        ("pass: ", "'pass: '"),
        ("compass.example.com", "'compass.example.com'"),
    ],
)
def test_a_value_is_shown_without_the_password_that_it_names(value: object, shown: str) -> None:
    assert show(value) == shown

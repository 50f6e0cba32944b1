# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A password that was written into another option as well is not shown when that option is wrong, by no action and no filter."""

from __future__ import annotations

import importlib
import itertools
import json
import typing as t
from unittest import mock
from urllib.parse import quote

import pytest
from ansible.errors import AnsibleFilterError
from ansible.playbook.task import Task
from ansible_collections.mailops.smtp.plugins.filter.mail_settings import mail_settings
from ansible_collections.mailops.smtp.plugins.filter.mailpit_client import mailpit_client
from ansible_collections.mailops.smtp.plugins.filter.mailpit_plan import mailpit_plan
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import MODEL_OPTIONS

from tests.support.acting import Files, Host, act

PASSWORDS = ("hunter2-S3cret", "".join(f"{n}+ü/" for n in range(60)), "Zażółć-gęślą", "4711", "\x1b[31mred", "it's")
# How a value comes out of a mistake: the password alone, in capitals, with something around it, as a part of an address or a URL.
SPELLINGS: tuple[t.Callable[[str], object], ...] = (
    lambda password: password,
    str.upper,
    lambda password: f"{password}@example.com",
    lambda password: f"smtps://app:{quote(password, safe='')}@example.com",
    lambda password: [password],
    lambda password: {password: password},
)
ACTIONS = ("smtp_gate", "smtp_endpoint_info", "smtp_send", "app_mail_config")


def quoting(plans: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """A host that refuses and repeats all that it was given."""
    return {"failed": True, "msg": f"ca_path is {plans[0]['ca_path']}, and this host cannot: {plans}", "option": "x"}


def shown(found: object, sentence: bool = False) -> t.Iterator[str]:
    """Every sentence of a result."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from shown(value, key in ("msg", "message", "remedy"))
    elif isinstance(found, list):
        for value in found:
            yield from shown(value, sentence)
    elif sentence:
        yield str(found)


def leaks(text: str, password: str) -> bool:
    """Whether a sentence shows it, in whatever letters; of a short one, whether it is quoted."""
    forms = [password, quote(password, safe=""), password.encode("unicode_escape").decode("ascii"), password[:12]]
    if len(password) < 5:
        forms = [f"'{password}'"]
    return any(form.lower() in text.lower() for form in forms)


def results(action: str) -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """What the action says for each option with a password in it; passwords and spellings take turns."""
    turns = itertools.cycle(itertools.product(SPELLINGS, PASSWORDS))
    module = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.action.{action}")
    of_an_app = action == "app_mail_config"
    for name in dict.fromkeys((*module.ActionModule.OPTIONS, *MODEL_OPTIONS, "passwort")):
        if name in ("password", "settings", "endpoints", "connections_per_relay", "spread"):
            continue
        spelling, password = next(turns)
        login = {"host": "127.0.0.1", "port": 465, "secure": True, "username": "app", "password": password}
        value = spelling(password)
        given = {**login, name: value}
        if of_an_app and (name in MODEL_OPTIONS or name == "passwort"):
            asked = {"app": "pangolin", "path": "/srv/config.yml", "settings": given}
        elif of_an_app:
            asked = {"app": "pangolin", "path": "/srv/config.yml", "settings": login, name: value}
        elif action == "smtp_send":
            asked = {"sender": "app@example.com", "recipients": ["ops@example.com"], **given}
        else:
            asked = {"endpoints": [given]} if name in MODEL_OPTIONS else given
        behind = Files(failure={"msg": f"{asked} cannot be read"}) if of_an_app else Host(quoting)
        yield password, f"{name}={value!r:.40}", act(action, behind, **asked)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_option_repeats_it(action: str) -> None:
    rows = list(results(action))
    assert [result for _password, _row, result in rows if not result.get("failed")] == []
    assert [(row, text) for password, row, result in rows for text in shown(result) if leaks(text, password)] == []


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("private_file", {"path": "/srv/{0}", "owner": "{0}", "content": "{0}"}),
        ("mailpit_files", {"files": [{"path": "/srv/{0}", "owner": "{0}", "text": "{0}"}]}),
    ],
)
def test_no_file_is_told_in_its_own_sentence(action: str, options: dict[str, t.Any]) -> None:
    """What is written into a file by mistake stands in its name, too."""
    module = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.action.{action}")
    for password in PASSWORDS:
        given = json.loads(json.dumps(options).replace("{0}", json.dumps(password)[1:-1]))
        words = f"/srv/{password} cannot be written; owner is '{password}', which is no user of this host."
        task = Task()
        task.args = given
        plugin = module.ActionModule(task, *[mock.MagicMock() for _ in range(5)])
        with mock.patch.object(
            module, "work_on_files", return_value={"failed": True, "msg": words, "exception": object()}
        ):
            found = plugin.run(None, {"inventory_hostname": "testhost"})
        assert [text for text in shown(found) if leaks(text, password)] == []
        assert "cannot be written" in found["msg"] and "exception" not in found


def _refusals(password: str) -> t.Iterator[str]:
    """What the filters say."""
    relay = {"host": "relay.example.com", "port": 465, "secure": True, "username": "app", "password": password}
    for name in MODEL_OPTIONS:
        if name != "password":
            try:
                mail_settings({**relay, name: password})
            except AnsibleFilterError as error:
                yield str(error)
    for name in ("port", "secure", "blocked_recipients", "return_path", "preserve_message_ids", "x"):
        yield mailpit_client({**relay, name: [password, "("]}, "relay")["refusal"]
    for name in ("security", "auth", "max_age", "smtp_port", "smtp_address", "ui_webroot", "names"):
        yield mailpit_plan(
            {"users": [{"name": "app", "password": password}], name: [password] if name == "names" else password}
        )["refusal"]


def test_no_filter_repeats_it() -> None:
    found = [(password, text) for password in PASSWORDS for text in _refusals(password)]
    assert sum(bool(text) for _password, text in found) > 60
    assert [(password, text) for password, text in found if text and leaks(text, password)] == []


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("port is 'a', write a number.", {"password": "a", "port": "a"}, "port is '********', write a number."),
        ("security is 'secure'.", {"password": "secure", "security": "secure"}, "security is '********'."),
        ("password is missing.", {"password": "password"}, "password is missing."),
        ("port is 'a password'.", {"password": "hunter2", "port": "a password"}, "port is 'a password'."),
        ("a line: hunter2", {"endpoints": [{"password": "hunter2"}]}, "a line: ********"),
        ("port is '12345678'.", {"password": 12345678, "port": 12345678}, "port is '********'."),
        ("host is 'geheim'.", {"url": "smtps://app:geheim@example.com", "host": "geheim"}, "host is '********'."),
    ],
)
def test_a_sentence_stays_readable(text: str, given: object, said: str) -> None:
    assert hidden_in_text(text, given) == said

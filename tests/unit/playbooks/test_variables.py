# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks about the hosts' mail begin with a check of their variables, and it knows all that they read."""

from __future__ import annotations

import pathlib
import re
import typing as t
from unittest import mock

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.action import playbook_variables

from tests.support.acting import Host, act

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMES = ("probe", "gate", "deploy", "report", "audit", "judge")
# What the role itself has is in its argument specs, which the check reads.
ROLE = yaml.safe_load((ROOT / "roles/mail_config/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_variable_is_told(name: str) -> None:
    text = (ROOT / "playbooks" / f"{name}.yml").read_text()
    (play,) = yaml.safe_load(text)
    first = (play.get("pre_tasks") or play["tasks"])[0]
    options = first["mailops.smtp.playbook_variables"]
    assert options["role"] == "mail_config"
    read = set(re.findall(rf"\b(?:mail_config|mail_{name})_[a-z_]+", text))
    made = set(re.findall(r"register: (\w+)", text))
    assert read - made - set(ROLE) <= set(options["variables"])


def checked(**options: t.Any) -> dict[str, t.Any]:
    """What the check says of a host with a value of the role that cannot be."""
    variables = {"mail_config_settings": "smtp.example.com"}
    with mock.patch.object(playbook_variables.ActionModule, "_value", lambda _self, name: variables[name]):
        return act("playbook_variables", Host(lambda _plans: {}), variables=variables, role="mail_config", **options)


def test_the_values_of_one_host_stop_no_report() -> None:
    assert "not a dictionary" in checked()["msg"]
    assert not checked(role_values=False).get("failed")
    for name in ("report", "audit"):
        (play,) = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
        assert (
            play["tasks"][0]["mailops.smtp.playbook_variables"]["role_values"] is False and play["tasks"][0]["run_once"]
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_each_variable_of_the_playbook(name: str) -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
    first = (play.get("pre_tasks") or play["tasks"])[0]
    page = (ROOT / "docs/playbooks" / f"{name}.md").read_text()
    for variable in first["mailops.smtp.playbook_variables"]["variables"]:
        assert f"`{variable}`" in page


class _AnyTag(yaml.SafeLoader):
    """Takes !unsafe and !vault for what is behind them."""


_AnyTag.add_multi_constructor("!", lambda loader, suffix, node: None)


def _named_by_tasks(tasks: t.Any) -> t.Iterator[tuple[str, str]]:
    """Each variable that a task sets for itself: the task's name, and the variable."""
    for task in tasks if isinstance(tasks, list) else ():
        yield from ((str(task.get("name")), name) for name in task.get("vars") or {})
        for part in ("block", "rescue", "always", "tasks"):
            yield from _named_by_tasks(task.get(part))


def test_no_extra_variable_of_a_user_reaches_into_a_task() -> None:
    """-e remote=yes goes before what a task says of itself, so its own variables have names that nobody else gives."""
    files = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml"), *ROOT.glob("playbooks/*.yml")]
    found = [
        (file.name, *one)
        for file in files
        for one in _named_by_tasks(yaml.load(file.read_text(), Loader=_AnyTag))
        if not one[1].startswith(("__", "mail_", "mailpit_", "staging_"))
    ]
    assert len(files) > 30 and not found

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a restart that failed, and of a variable whose name is not right."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.action import app_mail_config_set

RESTART = {"command": ["docker", "compose", "restart", "pangolin"]}


@pytest.mark.parametrize(
    "done, words",
    [
        ({"rc": 2, "msg": "Error executing command."}, ": docker cannot be started: No such file or directory."),
        ({"rc": 13, "msg": "Error executing command."}, ": docker cannot be started: Permission denied."),
        ({"rc": 1, "stderr": "no such service", "msg": "non-zero return code"}, ": no such service."),
        ({"rc": 1, "msg": "non-zero return code"}, ": non-zero return code."),
        ({}, "."),
    ],
)
def test_why_a_restart_failed(done: dict[str, t.Any], words: str) -> None:
    said = app_mail_config_set._why(done, RESTART)
    assert said == f"it cannot be restarted (docker compose restart pangolin){words}"


@pytest.mark.parametrize(
    "more, words",
    [
        ({"mail_config_setings": {"host": "h"}}, "mail_config_setings is no variable of the role mail_config; write mail_config_settings."),
        ({"mail_config_app": [{}]}, "mail_config_app is no variable of the role mail_config; write mail_config_apps."),
        ({"mail_config_gat": False}, "mail_config_gat is no variable of the role mail_config; write mail_config_gate."),
        # Set, or somebody's own, or of the playbooks, or another role's.
        ({"mail_config_apps": [{}], "mail_config_app": {}}, "None"),
        ({"mail_config_password": "x", "mail_config_host": "x", "mail_config_settings_of_app": {}}, "None"),
        ({"mail_config_hosts": "web", "mail_config_relay": {}, "mailpit_gat": 1}, "None"),
    ],
)  # fmt: skip
def test_a_variable_of_the_role_that_is_misspelt(more: dict[str, t.Any], words: str) -> None:
    defaults = {
        "mail_config_settings": {},
        "mail_config_apps": [],
        "mail_config_gate": True,
        "mail_config_prove": "auto",
    }
    assert str(app_mail_config_set._misnamed(defaults, {**defaults, **more})) == words

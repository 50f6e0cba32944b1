# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a restart that failed."""

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

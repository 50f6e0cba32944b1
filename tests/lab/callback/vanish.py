# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of Ansible that lets a host vanish when a certain task begins."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: vanish
type: notification
short_description: Runs a command when a task begins
description:
  - Runs the command of LAB_VANISH_COMMAND when the task begins whose name ends with LAB_VANISH, or whose number that is.
  - With #2 behind the name, the second task of that name.
"""


class CallbackModule(CallbackBase):
    """One command, once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "vanish"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun = 0
        self._left = int(os.environ.get("LAB_VANISH", "").partition("#")[2] or 1)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool = False) -> None:
        self._begun += 1
        wanted = os.environ.get("LAB_VANISH", "").partition("#")[0]
        if not wanted or (str(self._begun) != wanted and not task.get_name().endswith(wanted)):
            return
        self._left -= 1
        if self._left == 0:
            subprocess.run(shlex.split(os.environ["LAB_VANISH_COMMAND"]), check=True)

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start

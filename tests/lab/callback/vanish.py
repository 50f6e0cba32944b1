# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of Ansible that lets a host vanish from the network when a certain task begins."""

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
description: [Runs the command of LAB_VANISH_COMMAND when the task whose name ends with LAB_VANISH begins.]
"""


class CallbackModule(CallbackBase):
    """One command, once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "vanish"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if os.environ.get("LAB_VANISH") and task.get_name().endswith(os.environ["LAB_VANISH"]):
            subprocess.run(shlex.split(os.environ["LAB_VANISH_COMMAND"]), check=True)

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start

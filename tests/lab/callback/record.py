# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible callback of the lab: writes every result as one line of JSON to the file that LAB_RECORD names."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: Writes every result as a line of JSON
description: [Writes every result as one line of JSON to the file that LAB_RECORD names.]
"""


class CallbackModule(CallbackBase):
    """A line for each task that has run on a host, or for each item of its loop."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun: dict[tuple[str, str], float] = {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._begun[host.get_name(), task._uuid] = time.monotonic()

    def _write(self, result: Any, failed: bool = False) -> None:
        host, task, data = result.host.get_name(), result.task, result.result
        if "results" in data and task.loop is not None:
            return
        begun = self._begun.get((host, task._uuid))
        item = data.get("item")
        line = {
            "host": host,
            "task": task.get_name(),
            "item": item.get("name") if isinstance(item, dict) else item,
            "seconds": None if begun is None else round(time.monotonic() - begun, 3),
            "result": {**data, "failed": failed},
        }
        with open(os.environ["LAB_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    v2_runner_on_ok = v2_runner_item_on_ok = _write
    v2_runner_on_unreachable = _write

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, failed=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._write(result, failed=True)

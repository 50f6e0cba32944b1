# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action.normal import ActionModule as Normal
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data


class ActionModule(Normal):
    """Hand the login of the web interface over so that a killed run leaves it in no file."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The module's result. What runs in the background has to lie in files."""
        if self._task.async_val:
            return printable_data(super().run(tmp, task_vars))
        try:
            module = "mailops.smtp.mailpit_message_info"
            return printable_data(execute_private(self, module, self._task.args, task_vars or {}))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

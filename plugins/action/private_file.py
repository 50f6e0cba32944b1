# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import work_on_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_result
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

_SPEC: dict[str, dict[str, t.Any]] = {
    # As text: it is the host that knows its homes.
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "backup": {"type": "bool", "default": False},
    "validate": {"type": "str"},
}


class ActionModule(ActionBase):
    """Hand the content over so that nobody else sees it; the host writes."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The module's result; failed, with one sentence, where another living run has begun to change the file."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        # The module's own option has to be there; what is in it would be masked in sentences wherever it happens to stand.
        handed = {"content": base64.b64encode(options.pop("content").encode("utf-8")).decode("ascii")}
        try:
            result = work_on_files(self, "mailops.smtp.private_file", {**options, "content": ""}, task_vars, handed)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        for extra in ("broken_off", "left"):
            result.pop(extra, None)
        return printable_data(hidden_in_result(result, self._task.args))

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
    "files": {
        "type": "list", "elements": "dict", "required": True,
        "options": {
            "path": {"type": "path", "required": True},
            "text": {"type": "str", "required": True, "no_log": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw"},
            "show": {"type": "bool", "default": False},
        },
    },
}  # fmt: skip


class ActionModule(ActionBase):
    """Hand the texts over so that nobody else sees them; the host writes."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """
        The module's result; failed, with one sentence, where a file cannot be written or another living run has begun
        to change it.
        """
        super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        files = options["files"]
        # What is in a module's own options would be masked in sentences wherever it happens to stand.
        handed = {"texts": [base64.b64encode(file["text"].encode("utf-8")).decode("ascii") for file in files]}
        plain = [{**file, "text": ""} for file in files]
        try:
            result = work_on_files(self, "mailops.smtp.mailpit_files", {"files": plain}, task_vars or {}, handed)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        result.pop("left", None)
        # Without the diff, whose texts have lines of their own.
        before = result.pop("before", {})
        result = printable_data(hidden_in_result(result, self._task.args))
        if self._task.diff:
            after = {file["path"]: file["text"] for file in files}
            result["diff"] = [
                {
                    "before_header": path,
                    "after_header": path,
                    "before": base64.b64decode(old).decode("utf-8", "replace"),
                    "after": after[path],
                }
                for path, old in before.items()
            ]
        return result

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of app_mail_config: have the host read the app's file, edit it here, have the host write it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import app_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import work_on_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError


class ActionModule(Action):
    """Puts the mail settings of one app into that app's own file."""

    OPTIONS = app_file.OPTIONS
    INPUT_ERRORS = (SettingsError, AppError)

    def answer(self, args: Result) -> Result:
        """Plan without the host, read, plan again, write."""
        # The settings are checked before the host is asked anything.
        file = app_file.AppFile(args, self.folder)
        found = self._ask(file, {"step": "read"})
        if not self._task.check_mode:
            app_file.tell_broken_off(found.get("broken_off") or [])
        result = file.planned(found, diff=self._task.diff)
        if self._task.check_mode:
            return {**result, **file.foretold()}
        content = file.to_write()
        if content is None:
            return {**result, "created": False}
        return {**result, **file.written(self._ask(file, {"step": "write", **content}))}

    def _ask(self, file: app_file.AppFile, step: Mapping[str, t.Any]) -> Result:
        return work_on_files(self, "mailops.smtp.app_mail_config", file.for_host, self._task_vars, step)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise, host_failure, host_name, settings_failure
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import (
    CONNECTION_OPTIONS,
    HostError,
    endpoint_settings,
    plan_of,
    probe_host,
    take,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError, to_bool

_OPTIONS = (*CONNECTION_OPTIONS, "endpoints", "check_credentials", "check_injection")


class ActionModule(ActionBase):
    """Have the host probe, judge here."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The verdicts as data: a bad server never fails the task, bad input does."""
        return printable_data(self._answer(tmp, task_vars))

    def _answer(self, tmp: str | None, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        host = host_name(self, task_vars)
        try:
            args = take(self._task.args, _OPTIONS)
            credentials = to_bool(args.get("check_credentials") or False, "check_credentials")
            injection = to_bool(args.get("check_injection", True), "check_injection")
            endpoints = endpoint_settings(args, allow_auto=True, needs_credentials=credentials)
        except SettingsError as error:
            return {**result, **settings_failure(error, host)}
        policy = Policy()
        plans = [plan_of(one, policy, control_port=587 if one.port != 587 else 465, try_injection=injection) for one in endpoints]
        try:
            run = probe_host(lambda **call: self._execute_module(task_vars=task_vars, **call), endpoints, plans, credentials)
        except HostError as error:
            return {**result, **host_failure(error, host)}
        verdicts = judge_all(endpoints, run.observations, policy, run.host)
        for settings, verdict in zip(endpoints, verdicts):
            if not verdict.probe["ok"]:
                advise(host, settings, verdict)
        return {**result, "changed": False, "probes": [verdict.probe for verdict in verdicts]}

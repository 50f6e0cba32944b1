# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions of the collection have in common: one way in, and one guard that makes results of errors."""

from __future__ import annotations

import abc
import os
import time
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Plan
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import host_failure, settings_failure
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.become import become_failure
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, ProbeRun, probe_host
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.payload import OBSERVER, payload_for
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import at_once, parse_manners
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.relays import as_address, learn
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet import handover
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import take
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_result
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

__all__ = ("Action", "Result")

Result = dict[str, t.Any]


class Action(ActionBase):
    """An action has OPTIONS and ``answer``; nowhere but here do errors of input, and HostError, become results."""

    OPTIONS: t.ClassVar[tuple[str, ...]] = ()
    # What is wrong with the input, one sentence each.
    INPUT_ERRORS: t.ClassVar[tuple[type[ValueError], ...]] = (SettingsError,)
    # What a result has where nothing was asked of the host.
    NOTHING: t.ClassVar[Result] = {}

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """What ansible-core calls."""
        self._task_vars = task_vars or {}
        # Which endpoints were asked for, and what was seen of them: for the callback verdicts.
        self.seen = handover.Seen()
        result = super().run(tmp, self._task_vars)
        try:
            found = self.answer(take(self._task.args, self.OPTIONS))
        except self.INPUT_ERRORS as error:
            found = settings_failure(error, self.host, self.NOTHING, self._written())
        except HostError as error:
            found = host_failure(error, self.host, self.NOTHING, self._written())
        finally:
            self._hand_over()
        return printable_data(hidden_in_result({**result, **found}, self._task.args))

    @abc.abstractmethod
    def answer(self, args: Result) -> Result:
        """The result for these options, all of which exist. Raises INPUT_ERRORS and HostError."""

    def _written(self) -> object:
        """The options as they stand in the playbook."""
        task = self._task.get_ds()
        return task.get(self._task.action) if isinstance(task, Mapping) else None

    def _hand_over(self) -> None:
        """Also where the host could not be reached; nothing of a task with no_log."""
        if self.seen.endpoints and handover.wanted() and not self._task.no_log:
            name = str(self._task_vars.get("inventory_hostname"))
            handover.give(self._task._uuid, name, self.seen, self.host, self._task_vars)

    @property
    def host(self) -> str:
        """The host from which is probed: the delegate where there is one."""
        return str(self._task.delegate_to or self._task_vars.get("inventory_hostname") or "this host")

    def folder(self, given: object) -> Path | None:
        """A folder of the user's own on the controller: beside the playbook, as Ansible looks for files, or from where the user stands."""
        if given in (None, ""):
            return None
        beside = Path(self._loader.path_dwim(str(given)))
        here = Path(str(given)).expanduser().absolute()
        return beside if beside.is_dir() or not here.is_dir() else here

    def probe(
        self, endpoints: Sequence[Settings], plans: Sequence[Plan], with_credentials: bool, args: Mapping[str, t.Any]
    ) -> ProbeRun:
        """Have the host probe, as soon as it is its turn (``args`` holds POLITE_OPTIONS). Raises HostError, SettingsError."""
        manners = parse_manners(args)
        time.sleep(manners.delay(self.host))
        folder = os.path.join(C.ANSIBLE_HOME, "mailops.smtp")
        with at_once(endpoints, manners.connections, folder):
            run = probe_host(self.execute, endpoints, plans, with_credentials)
        if manners.connections:
            for settings, seen in zip(endpoints, run.observations):
                if as_address(settings.host) is None:
                    learn(folder, settings.host, [one["address"] for one in seen["attempts"]])
        return run

    def execute(self, module: str, arguments: Result) -> Result:
        """Run a module on the host; its arguments may hold a login, so they lie in no file on the way."""
        try:
            result = execute_private(self, module, arguments, self._task_vars)
        except AnsibleError as error:
            why = become_failure(str(error), self._method())
            if why is None:
                raise
            raise HostError({"failed": True, "msg": f"{why}."}) from None
        if not result.get("failed") or "module_stderr" not in result:
            return result
        why = become_failure(str(result["module_stderr"]), self._method())
        return result if why is None else {**result, "msg": f"{why}."}

    def _configure_module(
        self, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[t.Any, str]:
        """What ansible-core calls to have a module that it can send; a probe is put together here, as that costs a tenth."""
        if module_name == OBSERVER:
            try:
                return payload_for(self, module_args, task_vars)
            except (AttributeError, TypeError):
                # An ansible-core that does this in another way; it can send the module itself.
                pass
        return t.cast("tuple[t.Any, str]", super()._configure_module(module_name, module_args, task_vars))

    def _method(self) -> str:
        return str(self._play_context.become_method or "")

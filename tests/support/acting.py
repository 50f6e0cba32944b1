# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an action of the collection in this process, with a host of ours behind ``_execute_module``: no playbook, no root.

host = Host()                                    # really probes, from this process
answer = act("smtp_gate", host, host="127.0.0.1", port=465, secure=True)
host.calls                                       # the arguments of each module call, in order
"""

from __future__ import annotations

import base64
import importlib
import json
import time
import typing as t
from collections.abc import Callable, Mapping
from unittest import mock

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible_collections.mailops.smtp.plugins.module_utils._files.sealed import unseal
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import ca_subjects, trust_store

__all__ = ["Files", "Host", "act", "report"]

Result = dict[str, t.Any]


def report(observations: list[Result], **more: t.Any) -> Result:
    """The module's result for these observations."""
    return {
        "observations": observations,
        "clock": time.time(),
        "trust_store_empty": trust_store()["empty"],
        "ca_subjects": {},
        **more,
    }


class Host:
    """Stands for the managed host: runs the engine in this process, or answers with what ``script`` gives for the plans of a call."""

    def __init__(self, script: Callable[[list[Result]], Result] | None = None) -> None:
        self.calls: list[Result] = []
        self._script = script

    def execute(self, module_name: str, module_args: Mapping[str, t.Any], **_more: t.Any) -> Result:
        """In place of ActionBase._execute_module."""
        assert module_name == "mailops.smtp.smtp_observe"
        arguments = json.loads(json.dumps(module_args))  # as it travels
        self.calls.append(arguments)
        plans = arguments["plans"]
        if self._script is not None:
            return self._script(plans)
        sealed = arguments.get("logins")
        logins = json.loads(base64.b64decode(sealed)) if sealed else [None] * len(plans)
        pool = ContextPool()
        for plan in plans:
            pool.get(plan).load_ca_file(plan["timeout"])
        found = observe(plans, [tuple(one) if one else None for one in logins], pool)
        return report(
            json.loads(json.dumps(found)),
            ca_subjects={plan["ca_path"]: ca_subjects(plan["ca_path"]) for plan in plans if plan["ca_path"]},
        )


class Files:
    """Stands for a managed host with these files, as app_mail_config reads and writes them; ``failure`` is what it answers instead."""

    def __init__(self, contents: Mapping[str, str] | None = None, failure: Mapping[str, t.Any] | None = None) -> None:
        self.contents = dict(contents or {})
        self.steps: list[str] = []
        self._failure = failure

    def execute(self, module_name: str, module_args: Mapping[str, t.Any], **_more: t.Any) -> Result:
        """In place of ActionBase._execute_module."""
        assert module_name == "mailops.smtp.app_mail_config"
        handed, path = unseal(module_args["handed_over"]), module_args["path"]
        self.steps.append(handed["step"])
        old = self.contents.get(path)
        if self._failure is not None:
            return {"failed": True, **self._failure}
        if handed["step"] == "read":
            content = None if old is None else base64.b64encode(old.encode()).decode()
            told = {"file": path, "content": content, "checksum": str(hash(old)), "mode": 0o600}
            return {"changed": False, "alike": [], "as_asked": old is not None and not module_args.get("mode"), **told}
        assert handed["checksum"] == str(hash(old))
        self.contents[path] = base64.b64decode(handed["content"]).decode()
        return {"changed": True, "path": path}


def act(
    action: str,
    behind: Host | Files,
    *,
    check_mode: bool = False,
    delegate_to: str | None = None,
    variables: Mapping[str, t.Any] | None = None,
    **options: t.Any,
) -> Result:
    """The result of the action's run() with these options, on the host "testhost", which has these variables besides."""
    task = Task()
    task.args = options
    task.check_mode = check_mode
    task.delegate_to = delegate_to
    module = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.action.{action}")
    plugin = module.ActionModule(
        task=task,
        connection=mock.MagicMock(),
        play_context=mock.MagicMock(),
        loader=DataLoader(),
        templar=mock.MagicMock(),
        shared_loader_obj=mock.MagicMock(),
    )
    with mock.patch.object(plugin, "_execute_module", behind.execute):
        return t.cast(Result, plugin.run(None, {**(variables or {}), "inventory_hostname": "testhost"}))

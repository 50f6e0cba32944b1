# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import as_sentence, work_on_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.run import GIVE_UP_AFTER
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

_MODULE = "mailops.smtp.kept_files"
_SPEC: dict[str, dict[str, t.Any]] = {
    # As text: it is the host that knows its homes.
    "paths": {"type": "list", "elements": "str", "required": True},
    "step": {"type": "str", "choices": ["begin", "restore", "finish"], "required": True},
    "name": {"type": "str", "default": "kept_files"},
    "failure": {"type": "dict"},
    "give_up_after": {"type": "int", "default": GIVE_UP_AFTER},
}
# What a failed task has, and one that reports it must not have once more: the evidence was shown, and a failure is a sentence with its cause.
_NOT_OF_THE_FAILURE = (
    "alternatives", "changed", "deprecations", "diff", "exception", "invocation", "probes", "results", "stderr_lines", "stdout_lines",
    "warnings",
)  # fmt: skip


class ActionModule(ActionBase):
    """Say which run of Ansible this is, and which of the others still live; the host keeps the files."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The module's result, with ``left``.

        A living run that has claimed one of the files fails the task in one sentence.
        """
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        failure = options.pop("failure")
        try:
            result = work_on_files(self, _MODULE, options, task_vars, {}, options["give_up_after"])
        except AnsibleConnectionFailure as error:
            if not failure:
                raise
            # Why it fails must be said, though the host is gone.
            result = {"failed": True, "changed": False, "msg": as_sentence(str(error))}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        result.pop("broken_off", None)
        result["left"] = [{name: one[name] for name in ("path", "name", "record")} for one in result.get("left", [])]
        result["warnings"] = [*result.get("warnings", []), *(_warnings(result) if options["step"] == "begin" else [])]
        # Before the other task's failure is put in, whose output has lines of its own.
        result = printable_data(result)
        if failure and result.get("failed"):
            why, also = str(failure.get("msg", "")), str(result.get("msg", ""))
            result["msg"] = (why if also in why else f"{why} {also}").strip()
            result.update({name: failure[name] for name in ("cause", "layer", "remedy") if name in failure})
        elif failure:
            told = {name: result[name] for name in ("changed", "step", "warnings")}
            result = {**told, **{key: value for key, value in failure.items() if not _is_left_out(key)}, "failed": True}
        return result


def _is_left_out(key: str) -> bool:
    return key in _NOT_OF_THE_FAILURE or key.startswith("_")


def _warnings(result: dict[str, t.Any]) -> list[str]:
    taken_over = [
        f"An earlier run was broken off after it had begun to change {path}; this run finishes it."
        for path in result.get("unfinished", [])
    ]
    left = [
        f"An earlier run of {one['name']} was broken off after it had begun to change {one['path']}, which this run does not name;"
        f" run it again with that file to finish or undo it, or remove {one['record']} to forget it."
        for one in result["left"]
    ]
    return taken_over + left

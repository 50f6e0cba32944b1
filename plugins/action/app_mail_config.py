# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of app_mail_config: have the host read the app's file, edit it here, have the host write it."""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, Descriptor, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import Plan, mask, plan_absent, plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.readable import readable_finding
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import work_on_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError, parse_settings

_MODULE = "mailops.smtp.app_mail_config"
# What the host needs to know of the options; the settings stay here.
_OF_THE_FILE = ("app", "backup", "owner", "group", "mode", "validate")
_SPEC: dict[str, dict[str, t.Any]] = {
    "app": {"type": "str", "required": True},
    # As text: it is the host that knows its homes.
    "path": {"type": "str", "required": True},
    "settings": {"type": "raw"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "probed": {"type": "bool", "default": False},
    "exact_security": {"type": "bool", "default": False},
    "descriptors": {"type": "str"},
    "backup": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "validate": {"type": "str"},
}


class _OldFile(t.NamedTuple):
    """``path`` is where the file really is (a symbolic link is followed), ``content`` None when there is none yet, ``mode`` what it will have."""

    path: str
    content: bytes | None
    checksum: str
    mode: int


class ActionModule(ActionBase):
    """Puts the mail settings of one app into that app's own file."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        try:
            return self._run(options, task_vars)
        except (AppError, SettingsError) as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _run(self, options: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        folder = options["descriptors"]
        descriptor = load_descriptor(options["app"], Path(self._loader.path_dwim(folder)) if folder else None)
        if options["validate"] is not None and "%s" not in options["validate"]:
            raise AppError("validate has no %s in it; write the command with %s where the path of the new file belongs.")
        if options["mode"] == "preserve":
            raise AppError("mode is preserve, which means nothing here; leave out mode, and the file keeps the one that it has.")
        # The settings are checked before the host is asked anything.
        _plan(descriptor, options, None)
        old = self._read(options, task_vars)
        try:
            plan = _plan(descriptor, options, old.content)
        except AppError as error:
            raise AppError(f"{options['path']}: {error}") from None
        result = self._result(descriptor, old, plan)
        secret = options["state"] == "present" and "password" in descriptor.keys and options["settings"].get("password")
        if secret and (finding := readable_finding(old.path, old.mode)):
            result["findings"] = [*plan.findings, finding]
        return {**result, **self._write(options, old, plan, task_vars)}

    def _result(self, descriptor: Descriptor, old: _OldFile, plan: Plan) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": plan.changed,
            "app": descriptor.id,
            "path": old.path,
            "security": plan.security,
            "findings": plan.findings,
            "settings": plan.settings,
            "up_to_date": not plan.changed,
            "restart_hint": descriptor.restart,
        }
        if self._task.diff:
            header = f"{old.path} (mail settings)"
            result["diff"] = {"before_header": header, "after_header": header, "before": plan.before, "after": plan.after}
        return result

    def _read(self, options: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> _OldFile:
        """What the host has there now. Raises AppError."""
        found = self._ask(options, {"step": "read"}, task_vars)
        if found.get("failed"):
            raise AppError(_sentence(found))
        content = None if found["content"] is None else base64.b64decode(found["content"])
        if not self._task.check_mode:
            # Where the role is at work, its claim has taken this over and said it.
            for one in found["broken_off"]:
                Display().warning(
                    f"An earlier run of {one['name']} was broken off after it had begun to change {one['path']}; run that again to finish or undo it."
                )
        return _OldFile(found["file"], content, found["checksum"], found["mode"])

    def _write(self, options: Mapping[str, t.Any], old: _OldFile, plan: Plan, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Have the host write the new content over what was read. Gives what of its result is told. Raises AppError."""
        attributes = any(options[name] is not None for name in ("owner", "group", "mode"))
        if old.content is None and options["state"] == "absent" or not plan.changed and not attributes:
            return {"created": False}
        content = base64.b64encode(plan.content).decode("ascii")
        written = self._ask(options, {"step": "write", "content": content, "checksum": old.checksum}, task_vars)
        if written.get("failed"):
            raise AppError(_why(old, plan, written))
        told: dict[str, t.Any] = {"changed": plan.changed or bool(written.get("changed")), "created": old.content is None}
        if written.get("backup_file"):
            told["backup_file"] = written["backup_file"]
        return told

    def _ask(self, options: Mapping[str, t.Any], step: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given = {name: options[name] for name in (*_OF_THE_FILE, "path") if options[name] is not None}
        return work_on_files(self, _MODULE, given, task_vars, step)


def _plan(descriptor: Descriptor, options: Mapping[str, t.Any], old: bytes | None) -> Plan:
    if options["state"] == "absent":
        return plan_absent(descriptor, old)
    given = options["settings"]
    if not isinstance(given, Mapping):
        raise AppError("settings must hold host, port, secure and so on; write settings: {host: smtp.example.com, port: 465, secure: true}.")
    settings = parse_settings(given, probed=options["probed"], needs_credentials=True)
    return plan_present(descriptor, settings, given, old, exact_security=options["exact_security"])


def _why(old: _OldFile, plan: Plan, written: Mapping[str, t.Any]) -> str:
    if "exit_status" not in written:
        return _sentence(written)
    output = mask(f"{written.get('stdout', '')} {written.get('stderr', '')}", plan.content, old.content or b"")
    words = " ".join(output.split())[:500]
    said = f" It said: {words}" if words else ""
    return f"validate refused the new content of {old.path} (exit status {written['exit_status']}), so the file stays as it was.{said}"


def _sentence(result: Mapping[str, t.Any]) -> str:
    return str(result.get("msg") or "the host gave no reason")

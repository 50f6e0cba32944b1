# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of app_mail_config: read the app's file, edit it here, have ansible.builtin.copy write it."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import tempfile
import typing as t
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, Descriptor, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import Plan, mask, plan_absent, plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError, parse_settings

_SPEC: dict[str, dict[str, t.Any]] = {
    "app": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
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
    """``path`` is where the file really is (a symbolic link is followed), ``content`` None when there is none yet."""

    path: str
    content: bytes | None


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
        path = self._remote_expand_user(options["path"])
        # The settings are checked before the host is asked anything.
        _plan(descriptor, options, None)
        old = self._old_file(path, task_vars)
        try:
            plan = _plan(descriptor, options, old.content)
        except AppError as error:
            raise AppError(f"{path}: {error}") from None
        return {**self._result(descriptor, old.path, plan), **self._write(options, old, plan, task_vars)}

    def _result(self, descriptor: Descriptor, path: str, plan: Plan) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": plan.changed,
            "app": descriptor.id,
            "path": path,
            "security": plan.security,
            "findings": plan.findings,
            "settings": plan.settings,
            "up_to_date": not plan.changed,
            "restart_hint": descriptor.restart,
        }
        if self._task.diff:
            result["diff"] = {
                "before_header": f"{path} (mail settings)", "after_header": f"{path} (mail settings)", "before": plan.before, "after": plan.after,
            }
        return result

    def _old_file(self, path: str, task_vars: dict[str, t.Any]) -> _OldFile:
        if path.endswith("/"):
            raise AppError(f"path is {path}, which is a folder; write the path of the app's file.")
        found = self._execute_remote_stat(path, task_vars, follow=False, checksum=False)
        if found["exists"] and found.get("islnk"):
            # The link stays, and what it points to is edited.
            link, path = path, found["lnk_source"]
            found = self._execute_remote_stat(path, task_vars, follow=False, checksum=False)
            if not found["exists"]:
                raise AppError(f"{link} is a symbolic link to {path}, which does not exist; create that file or correct the link.")
        if not found["exists"]:
            parent = os.path.dirname(path) or "."
            if not self._execute_remote_stat(parent, task_vars, follow=True, checksum=False).get("isdir"):
                raise AppError(f"path is {path}, but the folder {parent} does not exist on this host; create it first, or correct path.")
            return _OldFile(path, None)
        if found.get("isdir"):
            raise AppError(f"path is {path}, which is a folder; write the path of the app's file.")
        if not found.get("isreg"):
            raise AppError(f"path is {path}, which is no regular file; write the path of the app's file.")
        with self._quiet():
            slurped = self._execute_module(module_name="ansible.legacy.slurp", module_args={"src": path}, task_vars=task_vars)
        if slurped.get("failed") or "content" not in slurped:
            raise AppError(f"{path} cannot be read on this host: {slurped.get('msg', 'no reason was given')}.")
        return _OldFile(path, base64.b64decode(slurped["content"]))

    def _write(self, options: Mapping[str, t.Any], old: _OldFile, plan: Plan, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Hand the new content to ansible.builtin.copy. Gives what of its result is told. Raises AppError."""
        attributes = {name: options[name] for name in ("owner", "group", "mode") if options[name] is not None}
        if old.content is None and options["state"] == "absent" or not plan.changed and not attributes:
            return {"created": False}
        fresh = old.content is None and not self._task.check_mode
        if old.content is None:
            attributes.setdefault("mode", "0600")
        if fresh:
            # copy gives a new file its mode only after the content, so the content goes into an empty private file.
            made = self._execute_module(
                module_name="ansible.legacy.file", module_args={"path": old.path, "state": "touch", "mode": "0600"}, task_vars=task_vars,
            )
            if made.get("failed"):
                raise AppError(f"{old.path} cannot be created: {made.get('msg', 'no reason was given')}.")
        arguments = {**attributes, "dest": old.path, "backup": options["backup"] and not fresh, "validate": options["validate"]}
        written = self._copy(plan.content, {name: value for name, value in arguments.items() if value is not None}, task_vars)
        if written.get("failed"):
            if fresh:
                self._execute_module(module_name="ansible.legacy.file", module_args={"path": old.path, "state": "absent"}, task_vars=task_vars)
            raise AppError(_why(old, plan, written))
        told: dict[str, t.Any] = {"changed": plan.changed or bool(written.get("changed")), "created": old.content is None}
        if written.get("backup_file"):
            told["backup_file"] = written["backup_file"]
        return told

    def _copy(self, content: bytes, arguments: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        folder = tempfile.mkdtemp(dir=C.DEFAULT_LOCAL_TMP)
        try:
            source = os.path.join(folder, os.path.basename(arguments["dest"]))
            with open(os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            task = self._task.copy()
            # copy's own diff would show the whole file.
            task.diff = False
            task.args = {**arguments, "src": source, "decrypt": False}
            copy = self._shared_loader_obj.action_loader.get(
                "ansible.legacy.copy",
                task=task,
                connection=self._connection,
                play_context=self._play_context,
                loader=self._loader,
                templar=self._templar,
                shared_loader_obj=self._shared_loader_obj,
            )
            with self._quiet():
                try:
                    return copy.run(task_vars=task_vars)
                finally:
                    # A copy that fails leaves what it transferred, and only its own object may remove that.
                    copy.cleanup()
        finally:
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep the connection from showing what a module prints: ssh does so from -vvv on, and here that is the whole file."""
        contexts = [self._play_context, getattr(self._connection, "_play_context", self._play_context)]
        before = [context.no_log for context in contexts]
        try:
            for context in contexts:
                context.no_log = True
            yield
        finally:
            for context, value in zip(contexts, before):
                context.no_log = value


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
        return f"{old.path} cannot be written: {written.get('msg', 'no reason was given')}"
    output = mask(f"{written.get('stdout', '')} {written.get('stderr', '')}", plan.content, old.content or b"")
    words = " ".join(output.split())[:500]
    said = f" It said: {words}" if words else ""
    return f"validate refused the new content of {old.path} (exit status {written['exit_status']}), so the file stays as it was.{said}"

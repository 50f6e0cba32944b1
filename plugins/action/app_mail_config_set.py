# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the role mail_config that are about all of its apps at once: one task for each step, whatever their number.

The files of all apps are read in one call to the host and written in one, as app_mail_config and private_file would; they are kept by
kept_files, and every packet is sent by smtp_gate or smtp_send. Here stands only what comes after what.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.loader import lookup_loader
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.set import (
    accepted,
    checked_entries,
    checked_settings,
    endpoints_of,
    in_own_words,
    kind_of,
    label_of,
    misspelt,
    refuse_twice,
    spoken,
    test_command,
    told_once,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import app_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import host_failure, settings_failure
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.app_file import AppFile, tell_broken_off
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.app_files import FailedAt, TemplateFile, at_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import as_sentence, work_on_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.completed import completed
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_bool
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.variables import Variable, check_variables

_STEPS = ("begin", "gate", "write", "restart", "prove", "restore")
_OF_THE_FILE = ("owner", "group", "mode", "backup", "validate")
_OF_THE_MESSAGE = ("return_pem",)
# What begins as the role's variables do, and is none: its results, and a variable of the playbooks.
_NEIGHBOURS = ("mail_config_relay", "mail_config_findings", "mail_config_hosts")


# What a step that fails tells: a sentence and its cause. A module that broke says the rest on stderr.
_OF_A_FAILURE = ("changed", "msg", "cause", "layer", "remedy", "unreachable", "module_stderr")


class _StepError(Exception):
    """A step has failed; ``result`` is what the task then returns: without the evidence, which the callback verdicts keeps."""

    def __init__(self, result: Mapping[str, t.Any]) -> None:
        super().__init__(str(result.get("msg") or ""))
        told = {name: result[name] for name in _OF_A_FAILURE if name in result}
        self.result: Result = {"changed": False, **told, "failed": True}


def _said_last(result: Result, host: str) -> Result:
    """The failure of a step as it is printed: the role's last task says why, once, with what is back.

    Its sentence is where Ansible keeps a task's options, which are not printed but at -vvv. A host that is gone has no last task.
    """
    if not result.get("failed") or result.get("unreachable") or "invocation" in result:
        return result
    why = f" ({result['cause']})" if result.get("cause") else ""
    short = f"{host}: this step failed{why}; the role's last task says why, and what is back as it was."
    left = {name: value for name, value in result.items() if name not in ("remedy", "exception", "module_stderr")}
    said = {name: result[name] for name in ("msg", "remedy", "module_stderr") if name in result}
    return {**left, "msg": short, "invocation": {"said": said}}


class ActionModule(Action):
    """One step for all apps of the role."""

    OPTIONS = (
        "step", "apps", "settings", "begun", "offered", "probed", "exact_security", "descriptors", "recipient", "check_credentials",
        "accept", "always", "going_back", "probe", "prove", "findings", "alternatives", "fallback", *POLICY_OPTIONS, *POLITE_OPTIONS,
    )  # fmt: skip
    INPUT_ERRORS = (SettingsError, AppError)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """What ansible-core calls."""
        result = super().run(tmp, task_vars)
        return _said_last(result, self.host) if self._task._role else result

    def answer(self, args: Result) -> Result:
        """Do the step that is named."""
        self._args = args
        step = str(args.get("step"))
        if step not in _STEPS:
            raise SettingsError(f"step is {step}; write one of {', '.join(_STEPS)}.", "step")
        self._accept = accepted(args.get("accept"))
        work: Callable[[], Result] = getattr(self, f"_{step}")
        try:
            return {"changed": False, **work()}
        except _StepError as error:
            return error.result

    # The steps

    def _begin(self) -> Result:
        """Refuse what cannot work, and claim the files. Nothing is asked of the relay."""
        role = self._task._role
        misnamed = _misnamed(role.get_default_vars() if role else {}, self._task_vars)
        if misnamed and not (self._args.get("settings") and self._args.get("apps")):
            raise misnamed
        checked_settings(self._args)
        checked_entries(self._args.get("apps"), str(self._args.get("recipient") or ""))
        self._tests()
        planned = self._each(self._settings(), write=False)
        refuse_twice(planned)
        paths = list(dict.fromkeys(one["path"] for one in planned))
        claimed = self._call("mailops.smtp.kept_files", {"paths": paths, "step": "begin", "name": "mail_config"})
        if claimed.get("failed") or claimed.get("unreachable"):
            raise _StepError(claimed)
        findings = told_once(planned, [], self._accept)
        return {
            "token": uuid.uuid4().hex,
            "results": planned,
            "settings_of": spoken(self._settings()),
            "paths": paths,
            "unfinished": claimed["unfinished"],
            "changed": bool(claimed["unfinished"]),
            "findings": findings,
            "warnings": [
                *([f"{self.host}: {misnamed}"] if misnamed else []),
                *claimed.get("warnings", []),
                *self._sentences(findings),
            ],
        }

    def _gate(self) -> Result:
        """What smtp_gate says of the relay; a failure is its sentence and its cause alone."""
        return self._gated(self._settings(), self._args.get("alternatives"), self._args.get("fallback"))

    def _write(self) -> Result:
        """Try the recipient, then write every file, or none where an app has no words for the port that was taken."""
        begun = self._args.get("begun") or {}
        if not begun.get("token"):
            # Without it the old files are kept nowhere.
            words = "begun is empty, so nothing was checked or claimed; run the role from its first task on."
            raise SettingsError(words, "begun")
        if begun["settings_of"] != spoken(self._settings()):
            self._each(self._settings(), write=False)
        if self._args.get("recipient") and self._flag("probed"):
            self._send(self._settings(), check_mode=True)
        written = self._each(self._settings(), write=True)
        of_the_gate = self._args.get("findings") or []
        findings = told_once(written, of_the_gate, self._accept)
        wrong = misspelt(self._accept, told_once(written, of_the_gate, []))
        told = [one["message"] for one in begun["findings"]]
        diffs = {"diff": [one.pop("diff") for one in written if "diff" in one]} if self._task.diff else {}
        return {
            "token": begun["token"],
            "results": written,
            "changed": _changed(written) or self._flag("always"),
            "findings": findings,
            "warnings": [*self._sentences(one for one in findings if one["message"] not in told), *wrong],
            **diffs,
        }

    def _restart(self) -> Result:
        """Restart what reads the files. Going back, all are tried; else the first that fails ends it."""
        results: list[Result] = []
        for entry in self._entries:
            restart = entry.get("restart")
            if not restart:
                continue
            try:
                done = self._restarted(restart)
            except AnsibleConnectionFailure as error:
                if not self._flag("going_back"):
                    raise
                # A host that is gone would end the role before it has said why it goes back.
                done = {"failed": True, "changed": False, "msg": str(error)}
            results.append({**done, "item": _public(entry)})
            if done.get("failed") and not self._flag("going_back"):
                raise _StepError({"msg": f"{self.host}: {label_of(entry)}: {_why(done, restart)}", "changed": True})
        down = [label_of(one["item"]) for one in results if one.get("failed")]
        return {"results": results, "changed": bool(results), "down": down}

    def _restarted(self, restart: Mapping[str, t.Any]) -> Result:
        if restart.get("service"):
            return self._call("ansible.builtin.service", {"name": restart["service"], "state": "restarted"})
        if self._task.check_mode:
            return {"changed": True}
        folder = {"chdir": restart["chdir"]} if restart.get("chdir") else {}
        return self._call("ansible.builtin.command", {"argv": restart["command"], **folder})

    def _prove(self) -> Result:
        """Read back what the files hold, and prove that mail goes with exactly that."""
        read = self._each(self._settings(), write=False)
        other = [one for one in read if not one["up_to_date"]]
        if other and not self._task.check_mode:
            words = "no longer holds the settings that were written; find out what else writes there."
            if any(kind_of(one["item"]) == "template" for one in other):
                words += " A template has to give the same text each time: take times and random values out of it."
            raise _StepError({"msg": f"{', '.join(one['path'] for one in other)} {words}"})
        endpoints = endpoints_of(self._settings(), read)
        result: Result = {"results": read}
        if self._flag("probe"):
            seen = self._gated(endpoints, [], None)
            result.update({name: seen[name] for name in ("probes", "cause", "layer", "remedy", "selected", "msg")})
        sent = []
        if self._args.get("recipient"):
            sent = [self._send(one, check_mode=self._task.check_mode) for one in endpoints]
            sent += [self._send_by_app(*one) for one in ([] if self._task.check_mode else self._tests())]
        return {**result, "sent": sent, "changed": bool(sent) and not self._task.check_mode}

    def _restore(self) -> Result:
        """Put the old files back. What could not be put back is in ``kept``, and fails nothing."""
        begun = self._args.get("begun") or {}
        asked = {"paths": begun.get("paths") or [], "step": "restore", "name": "mail_config"}
        try:
            back = self._call("mailops.smtp.kept_files", asked) if asked["paths"] else {}
        except AnsibleConnectionFailure as error:
            # The role's last task, which says why it goes back, must come all the same.
            back = {"failed": True, "msg": as_sentence(str(error))}
        problem = {"problem": back["msg"]} if back.get("failed") or back.get("unreachable") else {}
        # Only these: the rc of a module that broke off would make this step fail, and nothing be restarted or told.
        told = {name: back.get(name) or [] for name in ("restored", "kept", "unfinished", "warnings")}
        return {**told, **problem, "token": begun.get("token")}

    # What they are made of

    @property
    def _entries(self) -> list[dict[str, t.Any]]:
        return list(self._args.get("apps") or [])

    def _sentences(self, findings: Iterable[Mapping[str, t.Any]]) -> list[str]:
        return [f"{self.host}: {one['message']} {one['remedy']}".strip() for one in findings]

    def _flag(self, name: str) -> bool:
        return to_bool(self._args.get(name) or False, name)

    def _settings(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self._args["settings"])

    def _each(self, settings: Mapping[str, t.Any], *, write: bool) -> list[Result]:
        """Every file, planned or written, all in one call to the host; raises _StepError where one of them fails."""
        try:
            done = self._done(settings, write)
        except FailedAt as error:
            raise _StepError(self._why_at(error)) from None
        return [{**one, "item": _public(entry)} for one, entry in zip(done, self._entries)]

    def _done(self, settings: Mapping[str, t.Any], write: bool) -> list[Result]:
        files: list[AppFile | TemplateFile] = []
        for index, entry in enumerate(self._entries):
            with at_file(index):
                files.append(self._file(entry, settings))
        diff = write and self._task.diff
        if write and not self._task.check_mode:
            done = app_files.write(files, self._on_host, diff=diff)
        else:
            with self._checking():
                done = app_files.foretell(files, self._on_host, diff=diff)
        mode = completed(settings, probed=True)["security"]
        for one, entry in zip(done, self._entries):
            if kind_of(entry) != "template":
                continue
            one["security"] = mode
            if diff and one["changed"]:
                # That it changes is told, and not what is in it: nobody knows where in it the password is.
                words = f"{entry['dest']}: new content of {entry['template']}, which is not shown as it may hold the password\n"
                one["diff"] = {"prepared": words}
        return done

    def _file(self, entry: Mapping[str, t.Any], settings: Mapping[str, t.Any]) -> AppFile | TemplateFile:
        options = {name: entry[name] for name in _OF_THE_FILE if entry.get(name) not in (None, "")}
        if kind_of(entry) == "template":
            backup = {"backup": to_bool(options["backup"], "backup")} if "backup" in options else {}
            return TemplateFile({**options, **backup, "path": entry["dest"]}, self._rendered(entry, settings))
        place = {name: entry[name] for name in ("app", "path", "form", "carrier", "service") if entry.get(name)}
        wish = {
            "settings": settings,
            "probed": self._flag("probed"),
            "auth_offered": self._args.get("offered") or [],
            "exact_security": self._flag("exact_security"),
        }
        if self._args.get("descriptors"):
            wish["descriptors"] = self._args["descriptors"]
        return AppFile({**place, **options, **wish}, self.folder)

    def _on_host(self, files: Sequence[Mapping[str, t.Any]]) -> Result:
        asked = {"step": self._args["step"]}
        result = work_on_files(self, "mailops.smtp.app_mail_config_set", asked, self._task_vars, {"files": list(files)})
        if not self._task.check_mode:
            # In check mode it is the claim that tells it.
            tell_broken_off(result.get("broken_off") or [])
        return result

    @contextlib.contextmanager
    def _checking(self) -> Iterator[None]:
        """As in check mode: the host writes nothing."""
        before, self._task.check_mode = self._task.check_mode, True
        try:
            yield
        finally:
            self._task.check_mode = before

    def _why_at(self, failed: FailedAt) -> Result:
        """The result of the step, in the names of the role's variables."""
        error = failed.error
        if isinstance(error, HostError):
            told = host_failure(error, self.host, {})
        else:
            told = settings_failure(error, self.host, {})
        return {**told, "msg": in_own_words(reason_of(told), failed.index, self.host), "changed": failed.changed}

    def _rendered(self, entry: Mapping[str, t.Any], settings: Mapping[str, t.Any]) -> str:
        """The user's template with the completed settings, as ``mail_config_relay`` and as ``mail``."""
        whole = completed({**settings}, probed=True)
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        variables = {**self._task_vars, "ansible_search_path": list(self._task.get_search_path())}
        given = {"mail_config_relay": whole, "mail": whole}
        try:
            return str(lookup.run([entry["template"]], variables, template_vars=given)[0])
        except Exception as error:
            words = f"template {entry['template']} cannot be rendered: {self._masked(str(error))}"
            raise SettingsError(words, "template") from None

    def _masked(self, text: str) -> str:
        return text.replace(str(self._settings().get("password") or "\0"), "********")

    def _polite(self) -> Result:
        """POLITE_OPTIONS for the next call that asks the relay. A step spreads its hosts once, so they are apart for the others."""
        given = {name: self._args[name] for name in POLITE_OPTIONS if self._args.get(name) is not None}
        self._args = {**self._args, "spread": 0}
        return given

    def _gated(self, endpoints: object, alternatives: object, fallback: object) -> Result:
        """The result of smtp_gate for these endpoints; raises _StepError where it does not let them pass."""
        options = {name: self._args[name] for name in POLICY_OPTIONS if self._args.get(name) is not None}
        options.update(self._polite())
        options.update({name: self._args[name] for name in ("apps", "descriptors") if self._args.get(name)})
        asked = {"endpoints": endpoints, "alternatives": alternatives, "fallback": fallback}
        options.update({name: value for name, value in asked.items() if value is not None})
        options["check_credentials"] = self._flag("check_credentials")
        seen = self._call("mailops.smtp.smtp_gate", options)
        if seen.get("failed") or seen.get("unreachable"):
            raise _StepError(seen)
        return seen

    def _send(self, settings: Mapping[str, t.Any], *, check_mode: bool) -> Result:
        given = {
            name: value for name, value in settings.items() if name not in _OF_THE_MESSAGE and value not in (None, "")
        }
        message = {"recipients": [self._args["recipient"]]}
        done = self._call("mailops.smtp.smtp_send", {**given, **self._polite(), **message}, check_mode)
        if done.get("failed"):
            raise _StepError(done)
        return {name: done.get(name) for name in ("msg", "reply", "queue_id", "message_id")}

    def _tests(self) -> list[tuple[Mapping[str, t.Any], list[str]]]:
        """The entries whose app sends its own test mail, and how. Raises SettingsError."""
        found: list[tuple[Mapping[str, t.Any], list[str]]] = []
        folder = self.folder(self._args.get("descriptors"))
        for entry in self._entries:
            if entry.get("test_mail") is None:
                continue
            app = load_descriptor(entry["app"], folder) if kind_of(entry) == "app" else None
            found.append((entry, test_command(entry, app, str(self._args.get("recipient") or ""))))
        return found

    def _send_by_app(self, entry: Mapping[str, t.Any], command: list[str]) -> Result:
        """The app's own test mail; raises _StepError where the app fails."""
        folder = {"chdir": entry["test_mail"]["chdir"]} if entry["test_mail"].get("chdir") else {}
        done = self._call("ansible.builtin.command", {"argv": command, **folder})
        if done.get("failed") or done.get("unreachable"):
            said = str(done.get("stderr") or done.get("stdout") or done.get("msg") or "")
            # Masked before it is cut: half a password is one, too.
            said, asked = (self._masked(one) for one in (said, " ".join(command)))
            words = f"{self.host}: {label_of(entry)}: its own test mail failed ({asked})"
            raise _StepError({"msg": f"{words}: {' '.join(said.split())[-300:] or 'it said nothing'}"})
        return {
            "msg": f"{label_of(entry)} sent its own test mail.",
            "reply": None,
            "queue_id": None,
            "message_id": None,
        }

    def _call(self, action: str, options: Mapping[str, t.Any], check_mode: bool | None = None) -> Result:
        """The result of another action with these options, on the same host and connection."""
        task = self._task.copy()
        task.action, task.args = action, dict(options)
        task.check_mode = self._task.check_mode if check_mode is None else check_mode
        task.diff = False
        plugin = self._shared_loader_obj.action_loader.get(
            action,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        return t.cast(Result, plugin.run(task_vars=self._task_vars))


def _changed(results: Iterable[Mapping[str, t.Any]]) -> bool:
    return any(one["changed"] for one in results)


def _public(entry: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in entry.items() if value is not None}


def _why(done: Mapping[str, t.Any], restart: Mapping[str, t.Any]) -> str:
    what = restart.get("service") or " ".join(map(str, restart.get("command") or []))
    said = " ".join(str(done.get("stderr") or done.get("stdout") or done.get("msg") or "").split())[:300]
    if said == "Error executing command." and isinstance(done.get("rc"), int):
        # Ansible's own words for a program that cannot be started; rc is the errno then.
        said = f"{what.split(' ')[0]} cannot be started: {os.strerror(done['rc'])}"
    words = f"it cannot be restarted ({what})" + (f": {said}" if said else "")
    return as_sentence(words)


def _misnamed(defaults: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> SettingsError | None:
    """A variable that was probably meant for the role with these ``defaults``, where the right one has its default.

    Roles' argument specs let every name pass. Most often it is but a warning: an inventory may have its own variables.
    """
    of_role = [Variable(name, default=value) for name, value in defaults.items()]
    try:
        check_variables(of_role, variables.keys(), variables.get, _NEIGHBOURS, "the role mail_config")
    except SettingsError as error:
        return error
    return None

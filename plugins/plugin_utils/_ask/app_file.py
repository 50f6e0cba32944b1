# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One app's file on the controller: what the host is asked to read and to write, and what is told of it.

A task about one app and a step about all apps of the role do the same with each; they differ in how many the host is asked about at once.
"""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible.utils.display import Display
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import (
    Plan,
    check_present,
    mask,
    plan_absent,
    plan_present,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, Descriptor, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.readable import readable_finding
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import Found, content_of, of_shape
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import take
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.paths import app_path
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, parse_settings, to_bool

__all__ = ("OPTIONS", "AppFile", "host_error", "tell_broken_off")

OPTIONS = (
    "app", "path", "form", "carrier", "service", "settings", "state", "probed", "auth_offered", "exact_security", "descriptors",
    "backup", "owner", "group", "mode", "validate",
)  # fmt: skip
_STATES = ("present", "absent")
# What the host needs to know of the options; the settings stay here.
_OF_THE_FILE = ("app", "path", "backup", "owner", "group", "mode", "validate")
_Result = dict[str, t.Any]


class _OldFile(t.NamedTuple):
    """``path`` is where the file really is (a symbolic link is followed), ``content`` None when there is none yet,
    ``mode`` what it will have, ``as_asked`` whether owner, group and mode are already as the task wants them. ``alike`` are
    files beside it whose names are like that of one that is not there.
    """

    path: str
    content: bytes | None
    checksum: str
    mode: int
    as_asked: bool
    alike: Sequence[str]


@dataclass(frozen=True)
class _Options:
    """The task's options, checked; ``for_host`` are those that the host gets."""

    app: str
    path: str
    form: str | None
    carrier: str | None
    service: str | None
    auth_offered: list[str] | None
    settings: object
    present: bool
    probed: bool
    exact_security: bool
    descriptors: str | None
    attributes: bool
    for_host: Mapping[str, t.Any]


class AppFile:
    """One app's file, from the options of the task to what is told. ``for_host`` are the options that the host gets."""

    def __init__(self, args: Mapping[str, t.Any], folder: Callable[[object], Path | None]) -> None:
        """Check all that needs no host. ``folder`` finds a folder of the user's own. Raises SettingsError, AppError."""
        self._options = options = _parsed(take(args, OPTIONS))
        self._descriptor = load_descriptor(options.app, folder(options.descriptors))
        self._place = load_place(self._descriptor, options.path, options.form, options.carrier, options.service)
        self.for_host = options.for_host
        _check(self._descriptor, self._place, options)

    def planned(self, found: _Result, *, diff: bool) -> _Result:
        """The result as far as it is known before anything is written. ``found``: what the host has there now.

        Raises AppError, HostError.
        """
        found = of_shape(found, Found)
        if found.get("failed"):
            raise host_error(found, reason_of(found))
        options = self._options
        content = None if found["content"] is None else content_of(found["content"])
        self._old = old = _OldFile(
            found["file"], content, found["checksum"], found["mode"], found["as_asked"], found["alike"]
        )
        try:
            self._plan = plan = _plan(self._descriptor, self._place, options, old.content)
        except AppError as error:
            raise AppError(f"{options.path}: {error}") from None
        result = self._told(diff)
        if old.content is None and options.present:
            result["findings"] = [*plan.findings, _created_finding(self._descriptor, self._place, old)]
        if _writes_password(self._place, options) and (finding := readable_finding(old.path, old.mode)):
            result["findings"] = [*result["findings"], finding]
        return result

    def foretold(self) -> _Result:
        """What writing would add to the result, in check mode."""
        if not self._wanted():
            return {"created": False}
        return {"changed": self._plan.changed or not self._old.as_asked, "created": self._old.content is None}

    def to_write(self) -> _Result | None:
        """What the host needs to write the new content over what was read; None where nothing is to be done."""
        if not self._wanted():
            return None
        return {"content": base64.b64encode(self._plan.content).decode("ascii"), "checksum": self._old.checksum}

    def written(self, written: Mapping[str, t.Any]) -> _Result:
        """What the host's answer adds to the result. Raises HostError."""
        if written.get("failed"):
            raise host_error(written, self._why(written))
        told: _Result = {
            "changed": self._plan.changed or bool(written.get("changed")),
            "created": self._old.content is None,
        }
        if written.get("backup_file"):
            told["backup_file"] = written["backup_file"]
        return told

    def _wanted(self) -> bool:
        options = self._options
        return (self._old.content is not None or options.present) and (self._plan.changed or options.attributes)

    def _told(self, diff: bool) -> _Result:
        plan, path = self._plan, self._old.path
        result: _Result = {
            "changed": plan.changed,
            "app": self._descriptor.id,
            "path": path,
            "form": self._place.form.kind,
            "carrier": self._place.carrier or None,
            "security": plan.security,
            "findings": plan.findings,
            "settings": plan.settings,
            "up_to_date": not plan.changed,
            "restart_hint": self._descriptor.restart,
        }
        if diff:
            header = f"{path} (mail settings)"
            headers = {"before_header": header, "after_header": header}
            result["diff"] = {**headers, "before": plan.before, "after": plan.after}
        return result

    def _why(self, written: Mapping[str, t.Any]) -> str:
        if "exit_status" not in written:
            return reason_of(written)
        printed = f"{written.get('stdout', '')} {written.get('stderr', '')}"
        output = mask(printed, self._plan.content, self._old.content or b"", place=self._place)
        words = " ".join(output.split())[:500]
        said = f" It said: {words}" if words else ""
        return (
            f"validate refused the new content of {self._old.path} (exit status {written['exit_status']}), so the file"
            f" stays as it was.{said}"
        )


def tell_broken_off(records: Sequence[Mapping[str, t.Any]]) -> None:
    """Warn of other runs that were broken off in the middle of these files."""
    for one in records:
        words = f"An earlier run of {one['name']} was broken off after it had begun to change {one['path']}"
        Display().warning(f"{words}; run that again to finish or undo it.")


def _parsed(args: _Result) -> _Options:
    """The options with their types. Raises SettingsError."""

    def text(name: str) -> str | None:
        value = args.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, (str, int, float)):
            raise SettingsError(f"{name} is {show(value)}, which is not a text; write it in quotes.", name)
        return str(value)

    app, state = text("app"), text("state") or "present"
    if app is None:
        raise SettingsError("app is missing; write the name of an app, such as app: pangolin.", "app")
    path = app_path(text("path"))
    if state not in _STATES:
        raise SettingsError(f"state is {show(state)}; write present or absent.", "state")
    validate = text("validate")
    if validate is not None and "%s" not in validate:
        words = "validate has no %s in it; write the command with %s where the path of the new file belongs."
        raise SettingsError(words, "validate")
    if args.get("mode") == "preserve":
        words = "mode is preserve, which means nothing here; leave out mode, and the file keeps the one that it has."
        raise SettingsError(words, "mode")
    host = {name: args[name] for name in ("owner", "group", "mode") if args.get(name) not in (None, "")}
    given = {
        "app": app,
        "path": path,
        "validate": validate,
        "backup": to_bool(args.get("backup") or False, "backup"),
        **host,
    }
    return _Options(
        app=app,
        path=path,
        form=text("form"),
        carrier=text("carrier"),
        service=text("service"),
        auth_offered=_mechanisms(args.get("auth_offered")),
        settings=args.get("settings"),
        present=state == "present",
        probed=to_bool(args.get("probed") or False, "probed"),
        exact_security=to_bool(args.get("exact_security") or False, "exact_security"),
        descriptors=text("descriptors"),
        attributes=bool(host),
        for_host={name: given[name] for name in _OF_THE_FILE if given.get(name) is not None},
    )


def _mechanisms(raw: object) -> list[str] | None:
    """The mechanisms of the relay; an empty list, as of a relay that was not asked, says nothing."""
    if raw in (None, "", []):
        return None
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise SettingsError(f"auth_offered is {show(raw)}; write a list such as [PLAIN, LOGIN].", "auth_offered")
    return [one.upper() for one in raw]


def _settings(options: _Options) -> tuple[Mapping[str, t.Any], Settings]:
    given = options.settings
    if not isinstance(given, Mapping):
        words = "settings must hold host, port, secure and so on; write settings: {host: smtp.example.com, port: 465, secure: true}."
        raise SettingsError(words, "settings")
    return given, parse_settings(given, probed=options.probed, needs_credentials=True)


def _check(descriptor: Descriptor, place: Place, options: _Options) -> None:
    if options.present:
        given, settings = _settings(options)
        check_present(
            descriptor, settings, given, place, exact_security=options.exact_security, offered=options.auth_offered
        )


def _plan(descriptor: Descriptor, place: Place, options: _Options, old: bytes | None) -> Plan:
    if not options.present:
        return plan_absent(descriptor, old, place=place)
    given, settings = _settings(options)
    return plan_present(
        descriptor,
        settings,
        given,
        old,
        exact_security=options.exact_security,
        place=place,
        offered=options.auth_offered,
    )


def _created_finding(descriptor: Descriptor, place: Place, old: _OldFile) -> dict[str, str]:
    """That the file was not there before: perhaps the path is not the one that the app reads."""
    folder, _slash, name = old.path.rpartition("/")
    like = (
        f", though {' and '.join(old.alike)} {'is' if len(old.alike) == 1 else 'are'} in the same folder"
        if old.alike
        else ""
    )
    usual = place.is_usual(name)
    others = [f"{folder}/{one}" for one in old.alike]
    right = f"write path: {others[0]} if that is the file" if others else "correct path if it is another one"
    return {
        "severity": "info" if usual and not like else "warning",
        "code": "file_created",
        "message": f"{old.path} was not there, so it is a new file{like}.",
        "remedy": f"Make sure that {descriptor.name} reads it; {right}.",
    }


def _writes_password(place: Place, options: _Options) -> bool:
    given = options.settings
    return (
        options.present
        and "password" in place.form.names
        and isinstance(given, Mapping)
        and bool(given.get("password"))
    )


def host_error(result: Mapping[str, t.Any], sentence: str) -> HostError:
    """What the host said, without what it shows of the file; a sentence that begins with an option is about that option."""
    option, _is, _rest = sentence.partition(" is ")
    told: _Result = {"changed": False, "msg": sentence}
    if option in _OF_THE_FILE:
        told["option"] = option
    if result.get("unreachable"):
        told["unreachable"] = True
    return HostError(told)

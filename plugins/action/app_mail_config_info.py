# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of app_mail_config_info: have the host hand over the texts, read them here, give no password back."""

from __future__ import annotations

import posixpath
import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps import compose_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.places import unit_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.readable import readable_finding, text_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import Listed, content_of, of_shape
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.paths import app_path

_MODULE = "mailops.smtp.app_mail_config_info"
_TEXTS = ("app", "path", "form", "carrier", "service", "descriptors")


class ActionModule(Action):
    """Gives the mail settings that an app holds today."""

    OPTIONS = (*_TEXTS, "environment")
    INPUT_ERRORS = (SettingsError, AppError)

    def answer(self, args: Result) -> Result:
        """Read the text, then the files that it takes variables from, and interpret them."""
        options = _parsed(args)
        environment = _environment(args.get("environment"))
        descriptor = load_descriptor(str(options["app"]), self.folder(options["descriptors"]))
        path = str(options["path"])
        place = load_place(descriptor, path, options["form"], options["carrier"], options["service"])
        told: Result = {
            "changed": False,
            "app": descriptor.id,
            "path": path,
            "form": place.form.kind,
            "carrier": place.carrier or None,
        }
        nothing: Result = {
            **told,
            "found": False,
            "settings": {},
            "security": None,
            "password_set": False,
            "findings": [],
        }
        in_compose = place.carrier == "compose"
        texts = self._texts(descriptor.id, [path, *(compose_files.overrides_of(path) if in_compose else ())])
        if path not in texts:
            return nothing
        text, mode, where = texts[path]
        known: Mapping[str, str] = {}
        if in_compose:
            together, _over = compose_files.with_overrides({one: held[0] for one, held in texts.items()})
            text = together[path]
            known = self._compose_variables(descriptor.id, path) if "$" in text else {}
        try:
            others = self._others(descriptor.id, place, text, path, known)
            reading = read_place(descriptor, place, text, environment, others, known)
        except FormatError as error:
            raise AppError(f"{path}: it cannot be read: {error}.") from None
        findings = list(reading.findings)
        if reading.password_set and (finding := readable_finding(where, mode)):
            findings.append(finding)
        return {
            **told,
            "path": where,
            "found": reading.found,
            "settings": reading.settings,
            "security": reading.security,
            "password_set": reading.password_set,
            "findings": findings,
        }

    def _others(self, app: str, place: Place, text: str, path: str, known: Mapping[str, str]) -> dict[str, str]:
        """The files that the text takes variables from, by the paths that it writes; relative ones are beside it."""
        written = place.files(text, known)
        full = {one: posixpath.join(posixpath.dirname(unit_of(path)), one) for one in written}
        texts = self._texts(app, list(full.values())) if written else {}
        return {one: texts[full[one]][0] for one in written if full[one] in texts}

    def _compose_variables(self, app: str, path: str) -> Mapping[str, str]:
        """What ``.env`` beside a compose file says. Where it cannot be read, a finding says which values are not known."""
        try:
            texts = self._texts(app, [compose_files.environment_of(path)])
        except (HostError, AppError):
            return {}
        return compose_files.variables_beside(path, {one: held[0] for one, held in texts.items()})

    def _texts(self, app: str, paths: list[str]) -> dict[str, tuple[str, int, str]]:
        """Text, permission bits and real path of each file that is there. Raises HostError and AppError."""
        asked = {"app": app, "path": paths[0], "paths": paths}
        found = of_shape(execute_private(self, _MODULE, asked, self._task_vars), Listed)
        if found.get("failed") or found.get("unreachable"):
            raise HostError({**found, "msg": reason_of(found)})
        texts = {}
        for path, one in zip(paths, found["files"]):
            if one is None:
                continue
            try:
                texts[path] = text_of(path, content_of(one["content"])), one["mode"], one["path"]
            except UnicodeDecodeError:
                raise AppError(f"{path}: it is not UTF-8 text.") from None
        return texts


def _parsed(args: Result) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    for name in _TEXTS:
        value = args.get(name)
        if value in (None, ""):
            options[name] = None
        elif isinstance(value, (str, int, float)):
            options[name] = str(value)
        else:
            raise SettingsError(f"{name} is {show(value)}, which is not a text; write it in quotes.", name)
    if options["app"] is None:
        raise SettingsError("app is missing; write the name of an app, such as app: pangolin.", "app")
    return {**options, "path": app_path(options["path"])}


def _environment(raw: t.Any) -> Mapping[str, str]:
    if raw in (None, ""):
        return {}
    if not isinstance(raw, Mapping):
        raise SettingsError(
            f"environment is {show(raw)}; write a mapping of variables of the app's process.", "environment"
        )
    return {str(name): "" if value is None else str(value) for name, value in raw.items()}

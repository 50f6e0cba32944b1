# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of app_mail_config_audit_info: have the host find and hand over the texts, judge them, probe."""

from __future__ import annotations

import posixpath
import re
import stat
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.audit import (
    STATES,
    Entry,
    joined,
    judged,
    looked_at,
    unnamed,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.compose_files import environment_of, unreadable_compose
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import (
    AppError,
    Descriptor,
    known_apps,
    load_descriptor,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.places import (
    Spot,
    further_files,
    places_of,
    search_for,
    strangers_of,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.readable import text_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, plan_of, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS, parse_manners
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import Searched, content_of, of_shape
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.alternatives import alternative_ports
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show, unknown_options
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, Policy, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    Settings,
    parse_settings,
    to_bool,
    to_number,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all

_MODULE = "mailops.smtp.app_mail_config_audit_info"
_ENTRY = ("app", "path", "form", "carrier", "service", "environment")
# What of an app's settings a probe needs.
_PROBED = ("host", "port", "security", "validate_certs", "ca_path", "server_name", "username", "helo_name")


class ActionModule(Action):
    """Says of each app of a host whether its mail works, and why not."""

    OPTIONS = (
        "apps", "folders", "descriptors", "root", "probe", "check_credentials", "ca_path", "timeout", *POLICY_OPTIONS,
        *POLITE_OPTIONS,
    )  # fmt: skip
    INPUT_ERRORS = (SettingsError, AppError)

    def answer(self, args: Result) -> Result:
        """Find, read, follow what was read, judge, probe all relays at once, judge again."""
        self._policy: Policy = parse_policy(args)
        self._root = _root(args.get("root"))
        self._credentials = to_bool(args.get("check_credentials") or False, "check_credentials")
        asked = args.get("timeout")
        timeout = to_number(Settings.timeout if asked is None else asked, "timeout", 0.1, 3600, " seconds")
        parse_manners(args)
        folder = self.folder(args.get("descriptors"))
        listed = _listed(args.get("apps"))
        names = [spot.app for spot in listed] or known_apps(folder)
        self._apps = _with_parts({name: load_descriptor(name, folder) for name in dict.fromkeys(names)}, folder)
        self._texts: dict[str, str] = {}
        self._modes: dict[str, int] = {}
        self._owners: dict[str, int | None] = {}
        self._left_out: list[dict[str, str]] = []
        entries = self._entries(listed, _texts_of(args.get("folders"), "folders"))
        probes = self._probes(entries, args, timeout) if _wanted(args.get("probe")) else {}
        apps = []
        for index, entry in enumerate(entries):
            probe, why_not = probes.get(index, (None, "it was not probed." if not _wanted(args.get("probe")) else ""))
            apps.append(judged(entry, probe, why_not))
        apps.sort(key=lambda one: (STATES.index(one["state"]), one["app"], one["path"]))
        return {
            "changed": False,
            "apps": apps,
            "lines": [f"{self.host}: {one['line']}" for one in apps],
            "states": {state: sum(1 for one in apps if one["state"] == state) for state in STATES},
            "left_out": [one for index, one in enumerate(self._left_out) if one not in self._left_out[:index]],
        }

    # Reading

    def _entries(self, listed: Sequence[Spot], folders: Sequence[str]) -> list[Entry]:
        apps = list(self._apps.values())
        looking = [spot for spot in listed if not spot.path]
        request: dict[str, t.Any] = {"paths": [spot.path for spot in listed if spot.path]}
        if looking or not listed:
            request["search"] = search_for(apps, folders)
        self._fetch(request)
        further = [
            one for one in [*further_files(apps, self._texts), *self._beside(listed)] if one not in request["paths"]
        ]
        if further:
            self._fetch({"paths": list(dict.fromkeys(further))})
        spots = [spot for spot in listed if spot.path]
        self._left_out += unreadable_compose(self._texts)
        if looking or not listed:
            wanted = {spot.app for spot in looking} or set(self._apps)
            named = {(spot.app, spot.path, spot.service) for spot in spots}
            spots += [
                one
                for one in places_of(apps, self._texts)
                if (one.app in wanted or self._apps[one.app].part_of in wanted)
                and (one.app, one.path, one.service) not in named
            ]
            missing = wanted - {one.app for one in spots}
            spots += [replace(spot, path="its usual places") for spot in looking if spot.app in missing]
        spots += self._parts_by_default(spots)
        entries = joined([looked_at(self._apps[one.app], one, self._texts, self._modes) for one in spots])
        return entries if listed else [*entries, *map(unnamed, strangers_of(apps, self._texts))]

    def _parts_by_default(self, spots: Sequence[Spot]) -> list[Spot]:
        """Parts that are not there, of which an app takes its defaults."""
        there = {one.app for one in spots}
        return [
            Spot(part, path)
            for app in dict.fromkeys(one.app for one in spots)
            for part, path in self._apps[app].parts.items()
            if part not in there and self._apps[part].words
        ]

    def _beside(self, listed: Sequence[Spot]) -> list[str]:
        """Files that the named ones need: parts of an app, and the variables of a compose file."""
        paths = []
        for spot in listed:
            if spot.path:
                paths += list(self._apps[spot.app].parts.values())
                paths.append(environment_of(spot.path))
        return [one for one in paths if one not in self._texts]

    def _fetch(self, request: Mapping[str, t.Any]) -> None:
        """Have the host search and read, in one call. Raises HostError."""
        found = of_shape(self.execute(_MODULE, {"step": {**request, "root": self._root}}), Searched)
        if found.get("failed") or found.get("unreachable"):
            raise HostError({**found, "msg": reason_of(found)})
        self._left_out += found["left_out"]
        for one in found["files"]:
            if one["error"]:
                self._left_out.append({"path": one["path"], "reason": one["error"]})
            if one["content"] is None:
                continue
            try:
                self._texts[one["path"]] = text_of(one["path"], content_of(one["content"]))
                self._modes[one["path"]], self._owners[one["path"]] = one["mode"], one["owner"]
            except UnicodeDecodeError:
                self._left_out.append({"path": one["path"], "reason": "it is not UTF-8 text"})

    # Probing

    def _probes(
        self, entries: Sequence[Entry], args: Result, timeout: float
    ) -> dict[int, tuple[dict[str, t.Any] | None, str]]:
        """The verdict for each entry that has a relay; entries with the same settings share one, and one login."""
        wanted: dict[Settings, list[int]] = {}
        answers: dict[int, tuple[dict[str, t.Any] | None, str]] = {}
        for index, entry in enumerate(entries):
            if entry.relay is None:
                continue
            try:
                wanted.setdefault(self._settings(entry, args, timeout), []).append(index)
            except SettingsError as error:
                answers[index] = (_refused(error), "")
        while wanted:
            endpoints = list(wanted)
            plans = [plan_of(one, self._policy, alternatives=alternative_ports(one, "auto")) for one in endpoints]
            try:
                run = self.probe(endpoints, plans, self._credentials, args)
            except HostError as error:
                wrong = _with_wrong_file(error, endpoints, args.get("ca_path"))
                if not wrong:
                    raise
                # One app's CA file that is not there says nothing of the others.
                refused = _refused(SettingsError(str(error), "ca_path"))
                answers.update({index: (refused, "") for one in wrong for index in wanted.pop(one)})
                args = {**args, "spread": 0}
                continue
            for settings, verdict in zip(endpoints, judge_all(endpoints, run.observations, self._policy, run.host)):
                advise(self.host, settings, verdict)
                answers.update(dict.fromkeys(wanted[settings], (verdict.probe, "")))
            break
        return answers

    def _settings(self, entry: Entry, args: Result, timeout: float) -> Settings:
        """What to probe with. Raises SettingsError."""
        settings = t.cast("dict[str, t.Any]", entry.relay)
        given = {name: settings[name] for name in _PROBED if name in settings}
        if not entry.spot.app:
            return parse_settings({**given, "security": "auto", "timeout": timeout}, probed=True, allow_auto=True)
        if settings.get("auth_mechanism") in MECHANISMS:
            given["auth_mechanism"] = settings["auth_mechanism"]
        if "ca_path" in given and (entry.carrier == "compose" or self._root != "/"):
            # It is a path of the container, or of another root.
            del given["ca_path"]
        if args.get("ca_path") and "ca_path" not in given:
            given["ca_path"] = args["ca_path"]
        if self._credentials and given.get("username") and entry.reading.password and not self._is_put_together(entry):
            given["password"] = entry.reading.password
        return parse_settings({**given, "timeout": timeout}, probed=True)

    def _is_put_together(self, entry: Entry) -> bool:
        """Whether a file of some user has a say beside a file of somebody else which that user may not read.

        The user could have the login that is in it tried at a relay of theirs. The app's own file has a say only over what it names itself:
        its user gets the variables of the app's process anyway.
        """
        spot = entry.spot
        together = dict.fromkeys((spot.path, *entry.named, *spot.process))
        for naming in together:
            user = self._owners.get(naming)
            for path in entry.named if spot.form == "file" and naming == spot.path else together:
                open_to_all = self._modes.get(path, 0) & stat.S_IROTH
                if user in (None, 0, self._owners.get(path)) or open_to_all:
                    continue
                words = f"its login was not tried, as {naming} of another user (uid {user}) has a say in where it goes"
                self._left_out.append({"path": path, "reason": words})
                return True
        return False


def _with_wrong_file(error: HostError, endpoints: Sequence[Settings], of_the_task: object) -> list[Settings]:
    """The endpoints whose own CA file the host has refused."""
    if error.result.get("option") != "ca_path":
        return []
    named = [one for one in endpoints if one.ca_path and one.ca_path != of_the_task]
    return [one for one in named if f"ca_path is {one.ca_path}" in str(error)]


def _refused(error: SettingsError) -> dict[str, t.Any]:
    """Settings that no packet is worth, in the shape of a verdict."""
    message, _mark, remedy = str(error).partition("; ")
    return {
        "ok": False,
        "layer": "settings",
        "cause": error.cause,
        "message": message if message.endswith(".") else f"{message}.",
        "remedy": remedy[:1].upper() + remedy[1:],
        "findings": [],
    }


def _with_parts(apps: Mapping[str, Descriptor], folder: Path | None) -> dict[str, Descriptor]:
    parts = [name for app in apps.values() for name in app.parts if name not in apps]
    return {**apps, **{name: load_descriptor(name, folder) for name in parts}}


def _wanted(raw: object) -> bool:
    return to_bool(True if raw is None or raw == "" else raw, "probe")


def _root(raw: object) -> str:
    text = str(raw or "/")
    if not text.startswith("/"):
        raise SettingsError(f"root is {show(text)}; write an absolute path, or leave it out.", "root")
    return posixpath.normpath(text)


def _texts_of(raw: object, option: str) -> list[str]:
    if raw in (None, ""):
        return []
    listed = [part for part in re.split(r"[, ]+", raw) if part] if isinstance(raw, str) else raw
    if not isinstance(listed, Sequence) or not all(isinstance(one, str) for one in listed):
        raise SettingsError(f"{option} is {show(raw)}; write a list of texts.", option)
    for one in listed:
        if not one.startswith("/"):
            raise SettingsError(f"{option} has {show(one)}; write absolute paths such as /opt/*.", option)
    return list(listed)


def _listed(raw: object) -> list[Spot]:
    """The apps that were named: a list of names, or of mappings with app and path. Raises SettingsError."""
    if raw in (None, "", []):
        return []
    if isinstance(raw, str) and "{" in raw:
        words = (
            'apps is a text with braces in it; write -e \'{"mail_audit_apps": [{"app": "grafana"}]}\', or names alone.'
        )
        raise SettingsError(words, "apps")
    listed = [part for part in re.split(r"[\[\], ]+", raw) if part] if isinstance(raw, str) else raw
    if not isinstance(listed, Sequence):
        words = (
            f"apps is {show(raw)}; write a list such as [grafana, {{app: pangolin, path: /opt/p/config/config.yml}}]."
        )
        raise SettingsError(words, "apps")
    spots = []
    for index, one in enumerate(listed):
        entry = {"app": one} if isinstance(one, str) else one
        if not isinstance(entry, Mapping):
            raise SettingsError(f"apps[{index}] is {show(one)}; write a name, or app and path.", "apps")
        # The list of the role serves here as well.
        unknown = [str(key) for key in entry if key not in (*_ENTRY, *_OF_THE_ROLE)]
        if unknown:
            raise unknown_options(unknown, _ENTRY, f"apps[{index}].")
        if entry.get("template"):
            continue
        if not entry.get("app"):
            raise SettingsError(f"apps[{index}].app is missing; write the name of an app.", "apps")
        environment = entry.get("environment") or {}
        if not isinstance(environment, Mapping):
            raise SettingsError(f"apps[{index}].environment is {show(environment)}; write a mapping.", "apps")
        texts: dict[str, t.Any] = {name: str(entry[name]) for name in ("form", "carrier", "service") if entry.get(name)}
        path = posixpath.normpath(str(entry["path"])) if entry.get("path") else ""
        values = {str(name): "" if value is None else str(value) for name, value in environment.items()}
        spots.append(Spot(str(entry["app"]), path, environment=values, **texts))
    return spots


_OF_THE_ROLE = ("owner", "group", "mode", "backup", "validate", "restart", "test_mail", "template", "dest")

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an app: a file of data beside a template, read and checked.

``<id>.yml`` says which keys of the app's file hold which setting and what the app can express;
``<id>.yml.j2`` is the section as the app wants it. docs/apps.md explains every key.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES

__all__ = ("FORMATS", "AppError", "Descriptor", "Limit", "Mode", "known_apps", "load_descriptor", "parse_descriptor")

# An editor for another format joins here and in change.py.
FORMATS = ("yaml",)
_BUILT_IN = Path(__file__).parent
_MODEL = (
    "host", "port", "secure", "validate_certs", "ca_path", "server_name", "username", "password", "auth_mechanism",
    "sender", "sender_name", "helo_name", "source_address", "ip_version", "timeout",
)
_ABILITIES = ("exact", "weaker", "stronger", "no")
_KEYS = (
    "id", "name", "format", "section", "paths", "restart", "keys", "inverted", "other_keys", "always", "keep", "security",
    "environment", "limits", "missing", "notes",
)
_REQUIRED = ("id", "name", "format", "keys", "security")


class AppError(ValueError):
    """The app, its descriptor, its file or the settings for it cannot work; the text is one sentence without secrets."""


@dataclass(frozen=True)
class Mode:
    """What the app makes of one security mode: ``means`` is the mode it is then really in, ``values`` what its file says."""

    can: str
    means: str
    values: Mapping[str, t.Any]
    note: str


@dataclass(frozen=True)
class Limit:
    """What is told, or refused, when a setting is given that the app cannot express, or missing that it needs."""

    code: str
    severity: str
    message: str
    remedy: str
    refuse: bool = False

    def finding(self, value: object) -> dict[str, str]:
        """The finding, with the setting's value filled in."""
        fill = {"{value}": str(value)}
        texts = {"message": self.message, "remedy": self.remedy}
        for mark, text in fill.items():
            texts = {name: one.replace(mark, text) for name, one in texts.items()}
        return {"severity": self.severity, "code": self.code, **texts}


@dataclass(frozen=True)
class Descriptor:
    """One app. ``keys`` maps our names to the app's, below ``section``; ``inverted`` keys hold the opposite of ours."""

    id: str
    name: str
    format: str
    section: tuple[str, ...]
    keys: Mapping[str, str]
    inverted: frozenset[str]
    always: tuple[str, ...]
    keep: tuple[str, ...]
    security: Mapping[str, Mode]
    limits: Mapping[str, Limit]
    missing: Mapping[str, Limit]
    managed: tuple[str, ...]
    restart: str
    template: str


def known_apps(folder: Path | None = None) -> list[str]:
    """The ids of all descriptors, the built-in ones and those of the user's folder. Raises AppError."""
    if folder is not None and not folder.is_dir():
        raise AppError(f"descriptors is {folder}, which is no folder on the controller; write the folder that holds your <app>.yml and <app>.yml.j2.")
    places = [_BUILT_IN] if folder is None else [_BUILT_IN, folder]
    return sorted({path.stem for place in places for path in place.glob("*.yml")})


def load_descriptor(app: str, folder: Path | None = None) -> Descriptor:
    """Read the descriptor of an app; the user's folder goes before the built-in ones. Raises AppError."""
    apps = known_apps(folder)
    if app not in apps:
        near = difflib.get_close_matches(str(app).lower(), apps, 3, 0.5) or apps
        raise AppError(
            f"app is '{str(app)[:60]}', which is not known here; write {' or '.join(near)},"
            " or describe the app in a folder of your own and name it in descriptors."
        )
    place = next(place for place in (folder, _BUILT_IN) if place is not None and (place / f"{app}.yml").is_file())
    path, template = place / f"{app}.yml", place / f"{app}.yml.j2"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"The descriptor {path} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        raise AppError(f"The descriptor {path} is not valid YAML: {' '.join(str(error).split())}.") from None
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"The descriptor {path} needs its template {template.name} beside it: {error}.") from None
    try:
        descriptor = parse_descriptor(raw, text)
    except AppError as error:
        raise AppError(f"The descriptor {path} is wrong: {error}") from None
    if descriptor.id != app:
        raise AppError(f"The descriptor {path} is wrong: id is {descriptor.id}, but the file is named {app}.yml; make them the same.")
    return descriptor


def parse_descriptor(raw: t.Any, template: str) -> Descriptor:
    """Check the data of a descriptor. Raises AppError."""
    data = _mapping(raw, "the file")
    _only_known(data, _KEYS, "")
    for key in _REQUIRED:
        if key not in data:
            raise AppError(f"{key} is missing; docs/apps.md explains it.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(data["id"])):
        raise AppError("id must be a word of small letters, digits and underscores, such as pangolin.")
    if data["format"] not in FORMATS:
        raise AppError(f"format is {data['format']}, which has no editor here; write {' or '.join(FORMATS)}.")
    keys = _mapping(data["keys"], "keys")
    _only_known(keys, _MODEL, "keys.")
    for name, key in keys.items():
        if not isinstance(key, str) or not key:
            raise AppError(f"keys.{name} must be the name of a key in the app's file.")
    for name in ("host", "port"):
        if name not in keys:
            raise AppError(f"keys.{name} is missing; every app needs to know its relay.")
    modes = _modes(_mapping(data["security"], "security"))
    inverted = _texts(data, "inverted")
    for name in inverted:
        if name not in keys:
            raise AppError(f"inverted names {name}, which is not in keys.")
    managed = list(dict.fromkeys([*keys.values(), *(key for mode in modes.values() for key in mode.values), *_texts(data, "other_keys")]))
    for part in ("always", "keep"):
        for key in _texts(data, part):
            if key not in managed:
                raise AppError(f"{part} names {key}, which is neither in keys nor in other_keys.")
    section = str(data.get("section") or "")
    return Descriptor(
        id=str(data["id"]),
        name=str(data["name"]),
        format=str(data["format"]),
        section=tuple(section.split(".")) if section else (),
        keys=keys,
        inverted=frozenset(inverted),
        always=_texts(data, "always"),
        keep=_texts(data, "keep"),
        security=modes,
        limits=_limits(data, "limits", "not_expressible"),
        missing=_limits(data, "missing", "setting_missing"),
        managed=tuple(managed),
        restart=str(data.get("restart") or ""),
        template=template,
    )


def _modes(raw: Mapping[str, t.Any]) -> dict[str, Mode]:
    _only_known(raw, SECURITY_MODES, "security.")
    modes = {}
    for name in SECURITY_MODES:
        if name not in raw:
            raise AppError(f"security.{name} is missing; write what the app can: {', '.join(_ABILITIES)}.")
        mode = _mapping(raw[name], f"security.{name}")
        _only_known(mode, ("can", "means", "set", "note"), f"security.{name}.")
        # A bare `no` is a boolean in YAML 1.1.
        can = "no" if mode.get("can") is False else mode.get("can")
        if can not in _ABILITIES:
            raise AppError(f"security.{name}.can is {can}; write one of {', '.join(_ABILITIES)}.")
        means = mode.get("means", name if can in ("exact", "no") else None)
        if means not in SECURITY_MODES:
            raise AppError(f"security.{name}.means must say the mode that the app is then in; write one of {', '.join(SECURITY_MODES)}.")
        if (can == "exact") != (means == name) and can != "no":
            raise AppError(f"security.{name} is {can} but means {means}; exact means the same mode, weaker and stronger another one.")
        values = _mapping(mode.get("set") or {}, f"security.{name}.set")
        modes[name] = Mode(can, means, values, str(mode.get("note") or ""))
    return modes


def _limits(data: Mapping[str, t.Any], part: str, code: str) -> dict[str, Limit]:
    limits = {}
    for name, raw in _mapping(data.get(part) or {}, part).items():
        if name not in _MODEL:
            raise AppError(f"{part}.{name} is not a setting; write one of {', '.join(_MODEL)}.")
        entry = _mapping(raw, f"{part}.{name}")
        _only_known(entry, ("code", "severity", "message", "remedy", "refuse"), f"{part}.{name}.")
        for key in ("message", "remedy"):
            if not isinstance(entry.get(key), str):
                raise AppError(f"{part}.{name}.{key} is missing; write one sentence.")
        severity = entry.get("severity", "info")
        if severity not in ("info", "warning"):
            raise AppError(f"{part}.{name}.severity is {severity}; write info or warning.")
        limits[name] = Limit(str(entry.get("code", code)), severity, entry["message"], entry["remedy"], entry.get("refuse") is True)
    return limits


def _mapping(raw: t.Any, what: str) -> dict[str, t.Any]:
    if not isinstance(raw, Mapping):
        raise AppError(f"{what} must be a mapping of keys.")
    return {str(key): value for key, value in raw.items()}


def _texts(data: Mapping[str, t.Any], key: str) -> tuple[str, ...]:
    raw = data.get(key) or []
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not all(isinstance(entry, str) for entry in raw):
        raise AppError(f"{key} must be a list of names.")
    return tuple(raw)


def _only_known(data: Mapping[str, t.Any], known: Sequence[str], prefix: str) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or known
            raise AppError(f"{prefix}{key} is not known; write {' or '.join(near)}.")

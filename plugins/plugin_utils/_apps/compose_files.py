# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files on a host as compose reads them: which ones, with what is put over them, and with what ``.env`` beside them says. Pure."""

from __future__ import annotations

import posixpath
import re
import typing as t
from collections.abc import Mapping

import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, load_format

__all__ = (
    "COMPOSE",
    "OVERRIDES",
    "Override",
    "services_of",
    "unreadable_compose",
    "variables_beside",
    "with_overrides",
)

COMPOSE = ("compose.yml", "compose.yaml", "docker-compose.yml", "docker-compose.yaml")
# What compose puts over the file beside it without being told to.
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_ABOUT_MAIL = re.compile("smtp|mail", re.IGNORECASE)


def variables_beside(path: str, texts: Mapping[str, str]) -> dict[str, str]:
    """The variables that compose puts into its file: those of ``.env`` beside it."""
    text = texts.get(posixpath.join(posixpath.dirname(path), ".env"))
    if text is None:
        return {}
    try:
        found = load_format("dotenv").read(text, dialect="compose")
    except FormatError:
        return {}
    return {name[0]: value for name, value in found.items() if isinstance(value, str)}


class Override(t.NamedTuple):
    """A file that compose puts over another one, and the services that get variables there."""

    path: str
    services: tuple[str, ...]


def with_overrides(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Override]]:
    """The texts with each compose file as compose reads it, with its override; and these, by the path of the file that they are put over."""
    whole, over = dict(texts), {}
    for path in [one for one in texts if one.endswith(COMPOSE)]:
        beside = [posixpath.join(posixpath.dirname(path), name) for name in OVERRIDES]
        other = next((one for one in beside if one in texts), None)
        first = services_of(texts[path])
        second = services_of(texts[other]) if other is not None else {}
        if other is None or not first or not second:
            continue
        whole.pop(other, None)
        merged = {
            name: _together(first.get(name), second.get(name)) if name in second else one
            for name, one in {**second, **first}.items()
        }
        whole[path] = yaml.safe_dump({"services": merged}, sort_keys=False, allow_unicode=True)
        named = [
            name for name, one in second.items() if isinstance(one, Mapping) and {"environment", "env_file"} & set(one)
        ]
        over[path] = Override(other, tuple(map(str, named)))
    return whole, over


def services_of(text: str) -> Mapping[t.Any, t.Any]:
    """The services of a compose file; nothing where it is none."""
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    services = raw.get("services") if isinstance(raw, Mapping) else None
    return services if isinstance(services, Mapping) else {}


def _together(one: t.Any, other: t.Any) -> t.Any:
    """A service of both files: variables by name, lists one behind the other, and of all else the second (compose's merge)."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one if other is None else other
    merged = {**one, **other}
    if "environment" in one and "environment" in other:
        merged["environment"] = _variables(one["environment"]) | _variables(other["environment"])
    for key in ("env_file", "volumes"):
        if key in one and key in other:
            merged[key] = [*_listed(one[key]), *_listed(other[key])]
    return merged


def _variables(raw: t.Any) -> dict[str, t.Any]:
    if isinstance(raw, Mapping):
        return dict(raw)
    pairs = (str(one).partition("=") for one in raw) if isinstance(raw, list) else ()
    return {name: value if mark else None for name, mark, value in pairs}


def _listed(raw: t.Any) -> list[t.Any]:
    return list(raw) if isinstance(raw, list) else [raw]


def unreadable_compose(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Compose files that are no YAML, and why: whatever mails from them is not looked at."""
    found = []
    for path, text in texts.items():
        if not path.endswith(COMPOSE) or not _ABOUT_MAIL.search(text):
            continue
        try:
            yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark is not None else "it"
            found.append({"path": path, "reason": f"{where} is not valid YAML, so compose does not take it, either"})
    return found

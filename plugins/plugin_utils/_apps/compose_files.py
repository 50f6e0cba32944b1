# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files on a host as compose reads them: which ones, with what is put over them, and with what ``.env`` beside them says. Pure."""

from __future__ import annotations

import posixpath
import re
import typing as t
from collections.abc import Collection, Mapping

import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, load_format

__all__ = (
    "COMPOSE",
    "OVERRIDES",
    "Override",
    "environment_of",
    "overrides_of",
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


def overrides_of(path: str) -> list[str]:
    """Where compose looks for a file to put over this one without being told to."""
    names = OVERRIDES if path.endswith(COMPOSE) else ()
    return [posixpath.join(posixpath.dirname(path), name) for name in names]


def environment_of(path: str) -> str:
    """Where compose looks for the variables that it puts into this file."""
    return posixpath.join(posixpath.dirname(path), ".env")


def variables_beside(path: str, texts: Mapping[str, str]) -> dict[str, str]:
    """The variables that compose puts into its file: those of ``.env`` beside it."""
    text = texts.get(environment_of(path))
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
        other = _override_of(path, texts)
        first, tagged = services_of(texts[path]), _services_as_written(texts[other]) if other is not None else {}
        if other is None or not first or not tagged:
            continue
        whole.pop(other, None)
        first, second = _less_tagged(first, tagged), _without_tags(tagged)
        second = second if isinstance(second, Mapping) else {}
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


def _override_of(path: str, texts: Collection[str]) -> str | None:
    return next((one for one in overrides_of(path) if one in texts), None)


def services_of(text: str) -> Mapping[t.Any, t.Any]:
    """The services of a compose file; nothing where it is none."""
    services = _without_tags(_services_as_written(text))
    return services if isinstance(services, Mapping) else {}


class _Tagged(t.NamedTuple):
    """What an override has ``!override`` (its own alone counts) or ``!reset`` (nothing is left) in front of."""

    value: t.Any
    reset: bool


class _Loader(yaml.SafeLoader):
    """Values as they are written: compose reads YAML 1.2, where ``yes`` and ``on`` are words, and hands on texts."""


_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [one for one in pairs if one[0] in _KEPT] for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _by_kind(loader: yaml.SafeLoader, node: yaml.Node) -> t.Any:
    """A node without a look at its tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(t.cast(yaml.ScalarNode, node))


_Loader.add_constructor("!reset", lambda _loader, _node: _Tagged(None, reset=True))
_Loader.add_constructor(
    "!override", lambda loader, node: _Tagged(_by_kind(t.cast(yaml.SafeLoader, loader), node), reset=False)
)
# A tag that compose does not know says nothing to it.
_Loader.add_constructor(None, _by_kind)


def _load(text: str) -> t.Any:
    """Raises YAMLError, and ValueError for what no type can hold."""
    return yaml.load(text, Loader=_Loader)


def _services_as_written(text: str) -> t.Any:
    try:
        raw = _load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    return raw.get("services") if isinstance(raw, Mapping) else {}


def _without_tags(raw: t.Any) -> t.Any:
    """What is left when ``!reset`` is done; ``!override`` has nothing to say within its own file."""
    if isinstance(raw, _Tagged):
        return None if raw.reset else _without_tags(raw.value)
    if isinstance(raw, Mapping):
        return {name: _without_tags(one) for name, one in raw.items() if not _is_reset(one)}
    if isinstance(raw, list):
        return [_without_tags(one) for one in raw if not _is_reset(one)]
    return raw


def _is_reset(raw: t.Any) -> bool:
    return isinstance(raw, _Tagged) and raw.reset


def _less_tagged(first: t.Any, second: t.Any) -> t.Any:
    """What the first file has, without all that the second one has a tag in front of."""
    if isinstance(second, _Tagged):
        return {}
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return first
    return {
        name: _less_tagged(one, second.get(name))
        for name, one in first.items()
        if not isinstance(second.get(name), _Tagged)
    }


def _together(one: t.Any, other: t.Any) -> t.Any:
    """A service of both files: variables by name, lists one behind the other, and of all else the second (compose's merge)."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one if other is None else other
    merged = {**one, **other}
    if "environment" in one and "environment" in other:
        both = [one["environment"], other["environment"]]
        variables = _variables(both[0]) | _variables(both[1])
        merged["environment"] = variables
        if any(isinstance(written, list) for written in both):
            # As a list, whose quotes belong to the value.
            merged["environment"] = [name if value is None else f"{name}={value}" for name, value in variables.items()]
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
    for path in [one for one in texts if one.endswith(COMPOSE)]:
        other = _override_of(path, texts)
        both = [path] if other is None else [path, other]
        if not any(_ABOUT_MAIL.search(texts[one]) for one in both):
            continue
        for one in both:
            if where := _broken_at(texts[one]):
                takes = "does not take it, either" if one == path else f"takes neither it nor {path}"
                found.append({"path": one, "reason": f"{where} is not valid YAML, so compose {takes}"})
    return [one for index, one in enumerate(found) if one["path"] not in [two["path"] for two in found[:index]]]


def _broken_at(text: str) -> str:
    """Where a text stops being YAML; nothing where it does not."""
    try:
        _load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        return f"line {mark.line + 1}" if mark is not None else "it"
    return ""

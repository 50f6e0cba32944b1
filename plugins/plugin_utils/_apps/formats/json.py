# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON: Python's parser is the judge of what a text means, a small scanner says where it stands."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    Format,
    FormatError,
    KeyPath,
    Opaque,
    Value,
    line_break,
)

__all__ = ("FORMAT",)

_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_OTHER = re.compile(r"[^\s,\]}]+")
_MAX_DEPTH = 100


@dataclass
class _Object:
    """An object with its members: the key's start, the value's start and end, and what is in it."""

    start: int
    end: int = 0
    members: dict[str, tuple[int, int, int, _Object | None]] = field(default_factory=dict)


class Json(Format):
    """Objects in objects; a list is one value that is not looked into."""

    typed = True
    multiline = True

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        values: dict[KeyPath, Value] = {}
        _collect((), _load(text), values)
        return {path: value for path, value in values.items() if path[: len(section)] == section}

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if not text.strip("\ufeff \t\r\n"):
            text = text.rstrip(" \t\r\n") + "{}\n"
        _load(text, unique=True)
        for path in remove:
            text = _without(text, path)
        for path, value in wanted.items():
            text = _with(text, path, value, indent)
        return text

    def untouched(self, old: str, new: str, managed: Collection[KeyPath], dialect: str) -> bool:
        """The rest means the same, in the same order, and is spelt the same."""
        sides = [_skeleton(one, managed) for one in (old, new)]
        return sides[0] == sides[1]

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        return "has a NUL byte, which no password can have" if isinstance(value, str) and "\0" in value else None


def _load(text: str, unique: bool = False) -> dict[str, t.Any]:
    """The object. Of a key that is there twice the last one counts, as for all apps; where it is changed it has to be
    ``unique``.
    """
    if not text.strip("\ufeff \t\r\n"):
        return {}

    def members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
        if unique and len({name for name, _value in pairs}) != len(pairs):
            raise FormatError("a key is there twice in one object; remove all but one")
        return dict(pairs)

    try:
        loaded = json.loads(text.lstrip("\ufeff"), object_pairs_hook=members)
    except json.JSONDecodeError as error:
        raise FormatError(f"line {error.lineno} is not valid JSON") from None
    except RecursionError:
        raise FormatError(f"it is nested more than {_MAX_DEPTH} levels deep") from None
    if not isinstance(loaded, dict):
        raise FormatError("the top of the file holds no object")
    return loaded


def _collect(path: KeyPath, node: Mapping[str, t.Any], values: dict[KeyPath, Value]) -> None:
    for name, value in node.items():
        if isinstance(value, dict):
            _collect((*path, name), value, values)
        elif isinstance(value, list):
            values[(*path, name)] = Opaque("list", json.dumps(value))
        else:
            values[(*path, name)] = value


def _scan(text: str) -> _Object:
    start = 1 if text.startswith("\ufeff") else 0
    found, _end = _object(text, _skip(text, start), 0)
    return found


def _skip(text: str, index: int) -> int:
    found = _BLANKS.match(text, index)
    return found.end() if found else index


def _object(text: str, index: int, depth: int) -> tuple[_Object, int]:
    if depth > _MAX_DEPTH:
        raise FormatError(f"it is nested more than {_MAX_DEPTH} levels deep")
    found = _Object(index)
    index = _skip(text, index + 1)
    while text[index] != "}":
        key = t.cast("re.Match[str]", _STRING.match(text, index))
        index = _skip(text, _skip(text, key.end()) + 1)
        inner, end = _value(text, index, depth + 1)
        found.members[json.loads(key.group())] = (key.start(), index, end, inner)
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)
    found.end = index + 1
    return found, index + 1


def _value(text: str, index: int, depth: int) -> tuple[_Object | None, int]:
    if text[index] == "{":
        return _object(text, index, depth)
    if text[index] == "[":
        index = _skip(text, index + 1)
        while text[index] != "]":
            _inner, index = _value(text, index, depth + 1)
            index = _skip(text, index)
            if text[index] == ",":
                index = _skip(text, index + 1)
        return None, index + 1
    found = t.cast("re.Match[str]", _STRING.match(text, index) or _OTHER.match(text, index))
    return None, found.end()


def _with(text: str, path: KeyPath, value: t.Any, indent: int) -> str:
    node = _scan(text)
    for depth, name in enumerate(path[:-1]):
        member = node.members.get(name)
        if member is None:
            return _insert(text, node, path[depth:], value, indent)
        if member[3] is None:
            raise FormatError(f"{'.'.join(path[: depth + 1])} holds a single value or a list where an object belongs")
        node = member[3]
    member = node.members.get(path[-1])
    if member is None:
        return _insert(text, node, path[-1:], value, indent)
    if member[3] is not None or text[member[1]] == "[":
        raise FormatError(f"{'.'.join(path)} holds an object or a list where a single value belongs")
    return text[: member[1]] + _spelt(value) + text[member[2] :]


def _insert(text: str, node: _Object, names: KeyPath, value: t.Any, indent: int) -> str:
    """A new last member, on a line of its own where the others are so, or where there are none."""
    br = line_break(text)
    step = _step(text, indent)
    members = list(node.members.values())
    if members:
        first = members[0][0]
        line = text.rfind("\n", 0, first) + 1
        inline = bool(text[line:first].strip()) and "\n" not in text[node.start : first]
        margin = "" if inline else text[line:first]
    else:
        inline = False
        margin = _margin(text, node.start) + step
    body = json.dumps(names[-1]) + ": " + _spelt(value)
    for depth in range(len(names) - 2, -1, -1):
        inner = margin + step * (depth + 1)
        if inline:
            body = f"{json.dumps(names[depth])}: {{{body}}}"
        else:
            body = f"{json.dumps(names[depth])}: {{{br}{inner}{body}{br}{margin + step * depth}}}"
    if members:
        place = members[-1][2]
        return text[:place] + ("," + (" " if inline else br + margin)) + body + text[place:]
    closing = br + _margin(text, node.start)
    return text[: node.start + 1] + br + margin + body + closing + text[node.end - 1 :]


def _margin(text: str, index: int) -> str:
    line = text[text.rfind("\n", 0, index) + 1 : index].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip())]


def _step(text: str, indent: int) -> str:
    found = re.search(r"\n([ \t]+)\"", text)
    return found.group(1) if found else " " * indent


def _without(text: str, path: KeyPath) -> str:
    """The text without a member, and without the objects that are empty then."""
    node = _scan(text)
    for name in path[:-1]:
        member = node.members.get(name)
        if member is None or member[3] is None:
            return text
        node = member[3]
    names = list(node.members)
    if path[-1] not in names:
        return text
    if len(names) == 1 and len(path) > 1:
        return _without(text, path[:-1])
    place = names.index(path[-1])
    start, end = node.members[path[-1]][0], node.members[path[-1]][2]
    if place + 1 < len(names):
        end = node.members[names[place + 1]][0]
    elif place:
        start = node.members[names[place - 1]][2]
    else:
        start, end = node.start + 1, node.end - 1
    return text[:start] + text[end:]


def _skeleton(text: str, managed: Collection[KeyPath]) -> list[tuple[KeyPath, str]]:
    """Every other key in its order, with its value as it is spelt."""
    if not text.strip("\ufeff \t\r\n"):
        return []
    found: list[tuple[KeyPath, str]] = []

    def walk(node: _Object, path: KeyPath) -> None:
        for name, (_key, start, end, inner) in node.members.items():
            if inner is not None and inner.members:
                walk(inner, (*path, name))
            elif (*path, name) not in managed and not (inner is not None and not inner.members):
                found.append(((*path, name), text[start:end]))

    walk(_scan(text), ())
    return found


def _spelt(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMAT = Json()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML 1.0. A path is the tables and the key; what stands in an array of tables, an array or an inline table is not walked
into. The standard library's parser is the judge: it has to find every key as it is found here.
"""

from __future__ import annotations

import json
import re
import tomllib
import typing as t
from collections.abc import Collection, Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end

__all__ = ("FORMAT",)

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"[ \t]*(?:\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*'|[A-Za-z0-9_-]+)[ \t]*")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|' + r"'''.*?'{3,5}(?!')|" + r'"(?:[^"\\\r\n]|\\.)*"|' + r"'[^'\r\n]*'", re.DOTALL
)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


class Toml(Lines):
    """A key of a table is ``(table, key)``; one in an array of tables ``(table, [number], key)``."""

    typed = True
    multiline = True
    structure = re.compile(r"\s*|\[[^\[\]]+\]")

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        try:
            judged = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            line = re.search(r"line (\d+)", str(error))
            raise FormatError(f"{f'line {line[1]}' if line else 'it'} is not valid TOML") from None
        found = super().read(text, section, dialect)
        if any(_at(judged, path) != value for path, value in found.items() if not isinstance(value, Opaque)):
            raise FormatError("it has a key that is not read by every parser as it is read here")
        return found

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
            return "has a character that TOML cannot hold"
        return super().unfit(path, value, dialect)

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        for _table, statement in _items(text):
            if statement is not None:
                found.append(statement)
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        if isinstance(value, str):
            if old.startswith("'") and not old.startswith("'''") and not re.search(r"['\x00-\x08\x0a-\x1f\x7f]", value):
                yield f"'{value}'"
            quoted = json.dumps(value, ensure_ascii=False)
            yield _UNPRINTABLE.sub(lambda one: f"\\u{ord(one.group()):04x}", quoted)
        else:
            yield str(value).lower()

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{'.'.join(_key(name) for name in path)} = {spelt}"

    def _added(
        self,
        text: str,
        path: KeyPath,
        spelt: str,
        dialect: str,
        scanned: t.Sequence[Statement],
        wanted: Collection[KeyPath],
    ) -> str:
        for one in scanned:
            if path[: len(one.path)] == one.path:
                line = text.count("\n", 0, one.start) + 1
                raise FormatError(
                    f"line {line}: {'.'.join(one.path)} is written as one value; write it as a table, [{'.'.join(path[:-1])}]"
                )
        br = "\r\n" if "\r\n" in text else "\n"
        table, place = _room(text, path)
        head = ""
        if place < 0:
            table, place = path[:-1], len(text)
            blank = br if text.strip("\ufeff \t\r\n") and not text.endswith(br * 2) else ""
            head = f"{blank}[{'.'.join(_key(name) for name in table)}]{br}"
        lead = br if place and text[place - 1] not in "\n\ufeff" else ""
        return text[:place] + lead + head + self.statement(path[len(table) :], spelt, dialect) + br + text[place:]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _room(text: str, path: KeyPath) -> tuple[KeyPath, int]:
    """The table whose lines the key belongs to, and where in it: behind its last key, else behind its head; -1: none."""
    above = path[:-1]
    behind: dict[KeyPath, int] = {(): _top(text)}
    for table, statement in _items(text):
        if statement is None:
            continue
        behind[table] = max(behind.get(table, 0), statement.end)
        if table != above and statement.path[:-1] == above:
            # Keys of it stand elsewhere with dots in their names.
            return table, statement.end
    heads = dict(_heads(text))
    if above in heads:
        return above, max(behind.get(above, 0), heads[above])
    return ((), behind[()]) if not above else ((), -1)


def _top(text: str) -> int:
    """Where a first key without a table goes: ahead of the first table."""
    found = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    return found.start() if found else len(text)


def _heads(text: str) -> Iterator[tuple[KeyPath, int]]:
    for table, statement in _items(text, heads=True):
        if statement is not None:
            yield table, statement.end


def _items(text: str, heads: bool = False) -> Iterator[tuple[KeyPath, Statement | None]]:
    """Each statement with the table that it stands in; with ``heads`` the heads of tables in place of statements."""
    index = 1 if text.startswith("\ufeff") else 0
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    while index < len(text):
        end = line_end(text, index)
        bare = text[index:end].strip(" \t")
        if not bare or bare.startswith("#"):
            index = _after(text, end)
        elif bare.startswith("["):
            several = bare.startswith("[[")
            table, _place = _path(text, text.index("[", index) + (2 if several else 1))
            if several:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, f"[{counts[table]}]")
            index = _after(text, end)
            if heads and not several:
                yield table, Statement(table, None, 0, index, 0, 0)
        else:
            statement = _statement(text, index, table)
            if not heads:
                yield table, statement
            index = statement.end


def _after(text: str, end: int) -> int:
    return min(end + (2 if text[end : end + 2] == "\r\n" else 1), len(text))


def _path(text: str, index: int) -> tuple[KeyPath, int]:
    """A dotted key, and where it ends."""
    names = []
    while True:
        found = _KEY.match(text, index)
        if found is None:
            raise FormatError(f"line {text.count(chr(10), 0, index) + 1} is not valid TOML")
        raw = found.group().strip(" \t")
        names.append(str(json.loads(raw, strict=False)) if raw[0] == '"' else raw[1:-1] if raw[0] == "'" else raw)
        index = found.end()
        if text[index : index + 1] != ".":
            return tuple(names), index
        index += 1


def _statement(text: str, start: int, table: KeyPath) -> Statement:
    names, index = _path(text, start)
    while index < len(text) and text[index] in "= \t":
        index += 1
    end = _value_end(text, index)
    raw = text[index:end]
    try:
        value = tomllib.loads(f"x = {raw}".replace("\r\n", "\n"))["x"]
    except tomllib.TOMLDecodeError:
        value = None
    if not isinstance(value, (str, bool, int, float)):
        kind = "list" if isinstance(value, list) else "mapping" if isinstance(value, dict) else "unclear"
        value = Opaque(kind, raw)
    after = _after(text, line_end(text, end))
    return Statement((*table, *names), value, start, after, index, end)


def _value_end(text: str, index: int) -> int:
    """Where a value ends: behind its closing quote or bracket, or ahead of a comment or the line's end."""
    found = _TEXT.match(text, index)
    if found is not None:
        return found.end()
    if text[index : index + 1] not in ("[", "{"):
        end = line_end(text, index)
        return index + len(text[index:end].split("#", 1)[0].rstrip(" \t"))
    depth = 0
    while index < len(text):
        found = _TEXT.match(text, index)
        if found is not None:
            index = found.end()
            continue
        if text[index] == "#":
            index = line_end(text, index)
            continue
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text[index], 0)
        index += 1
        if depth == 0:
            break
    return index


def _at(judged: t.Any, path: KeyPath) -> t.Any:
    node = judged
    for name in path:
        if isinstance(node, list) and re.fullmatch(r"\[\d+\]", name):
            node = node[int(name[1:-1])]
        elif isinstance(node, list):
            # A table below the last one of an array.
            node = node[-1].get(name) if node and isinstance(node[-1], dict) else None
        else:
            node = node.get(name) if isinstance(node, dict) else None
    return node


FORMAT = Toml()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments in Ruby: ``gitlab_rails['smtp_address'] = "relay"``, ``ActionMailer::Base.smtp_settings[:address] =
"relay"``.

The path is the name in front of the brackets, at its dots, and the key. What is computed is Opaque, and gives way to a
value.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end

__all__ = ("FORMAT",)

_HEAD = re.compile(
    r"^[ \t]*([A-Za-z_][\w.:]*)\[(?:'([^'\]]+)'|\"([^\"\]]+)\"|:(\w+))\][ \t]*=(?!=)[ \t]*", re.MULTILINE
)
_LITERAL = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|-?[0-9][0-9_]*(?![\w.])|(?:true|false|nil)\b|:\w+", re.DOTALL
)
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "s": " ",
    "0": "\0",
    "e": "\x1b",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}


class Ruby(Lines):
    """gitlab: keys are texts in brackets; rails: they are symbols. Both are read."""

    dialects = ("gitlab", "rails")
    typed = True
    multiline = True

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found = []
        last = 0
        for head in _HEAD.finditer(text):
            if head.start() < last:
                continue
            name = next(part for part in head.groups()[1:] if part is not None)
            literal = _LITERAL.match(text, head.end())
            end = literal.end() if literal is not None else line_end(text, head.end())
            rest = text[end : line_end(text, end)].strip()
            value: Value = Opaque("unclear", text[head.end() : end])
            if literal is not None and (not rest or rest.startswith("#")):
                value = _value(literal.group())
            elif literal is not None:
                end = line_end(text, end)
            after = line_end(text, end)
            after += 2 if text[after : after + 2] == "\r\n" else 1 if after < len(text) else 0
            last = after
            path = (*head.group(1).split("."), name)
            found.append(Statement(path, value, head.start(), after, head.end(), end))
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield "nil" if value is None else str(value).lower()
            return
        quoted = re.sub(r"([\"\\])", r"\\\1", value).replace("#", "\\#")
        double = '"' + "".join({"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, char) for char in quoted) + '"'
        single = "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
        plain = re.fullmatch(r"[^\"\\#\r\n\t]*", value) is not None
        yield from [double, single] if plain and not old.startswith("'") else [single, double]

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        key = f":{path[-1]}" if dialect == "rails" else f"'{path[-1]}'"
        return f"{'.'.join(path[:-1])}[{key}] = {spelt}"

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        return len(text), "\n" if text.strip() and not text.endswith("\n\n") else ""


def _value(literal: str) -> Value:
    if literal[0] == "'":
        return re.sub(r"\\(['\\])", r"\1", literal[1:-1])
    if literal[0] == '"':
        if re.search(r"(?<!\\)(?:\\\\)*#[{$@]", literal):
            return Opaque("variable", literal)
        if re.search(r"\\(?:[uxCMc]|[1-7])", literal):
            return Opaque("unclear", literal)
        return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one.group(1), one.group(1)), literal[1:-1], flags=re.DOTALL)
    if literal[0] == ":":
        return literal[1:]
    return {"true": True, "false": False, "nil": None}.get(literal, literal) if literal[0].isalpha() else int(literal)


FORMAT = Ruby()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments in Ruby: ``gitlab_rails['smtp_address'] = "relay"``, ``ActionMailer::Base.smtp_settings[:address] =
"relay"``.

The path is the name in front of the brackets, at its dots, and the key. Several may stand in one line, with semicolons
between them. What is computed is Opaque, and gives way to a value.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end

__all__ = ("FORMAT",)

_HEAD = re.compile(
    r"(?:^|;)[ \t]*([A-Za-z_][\w.:]*)\[(?:'([^'\]]+)'|\"([^\"\]]+)\"|:(\w+))\][ \t]*=(?!=)[ \t]*", re.MULTILINE
)
# Texts, and what stands behind a mark of a comment.
_NO_CODE = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|(['\"#]).*")
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
            if head.start() < last or not _is_code(text, head):
                continue
            name = next(part for part in head.groups()[1:] if part is not None)
            literal = _LITERAL.match(text, head.end())
            end = literal.end() if literal is not None else line_end(text, head.end())
            rest = text[end : line_end(text, end)].strip()
            if literal is not None and (not rest or rest[0] in "#;"):
                value = _value(literal.group())
            else:
                end = _end_of_code(text, head.end())
                value = _computed(text[head.end() : end].rstrip())
            start, after = _whole(text, head, end)
            last = end
            path = (*head.group(1).split("."), name)
            found.append(Statement(path, value, start, after, head.end(), end))
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


def _is_code(text: str, head: re.Match[str]) -> bool:
    """Whether a statement behind a semicolon is one, and not part of a text or a comment."""
    start = text.rfind("\n", 0, head.start() + 1) + 1
    return text[head.start()] != ";" or all(
        one.group(1) is None for one in _NO_CODE.finditer(text, start, head.start())
    )


def _end_of_code(text: str, start: int) -> int:
    """Where an expression ends: at the semicolon or the comment behind it, or with its line."""
    end = line_end(text, start)
    plain = _NO_CODE.sub(lambda one: ("#" if one.group(1) else "x") * len(one.group()), text[start:end])
    found = re.search(r"[;#]", plain)
    return end if found is None else start + len(plain[: found.start()].rstrip())


def _computed(code: str) -> Value:
    """What is no single text, number or word: its value comes from elsewhere, or is a list or a mapping."""
    kind = {"[": "list", "{": "mapping"}.get(code[:1], "variable" if code else "unclear")
    return Opaque(kind, code)


def _whole(text: str, head: re.Match[str], end: int) -> tuple[int, int]:
    """What a statement takes up: its lines, or from semicolon to semicolon where others stand in them."""
    rest = text[end : line_end(text, end)]
    following, before = rest.lstrip(" \t").startswith(";"), text[head.start()] == ";"
    if following and not before:
        return head.start(), end + rest.index(";") + 1
    if following or before:
        return head.start(), end
    after = line_end(text, end)
    return head.start(), after + (2 if text[after : after + 2] == "\r\n" else 1 if after < len(text) else 0)


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

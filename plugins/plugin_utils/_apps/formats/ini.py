# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INI as Go's ini library reads it, with the options that Gitea and Grafana give it.

A ``#`` or ``;`` anywhere in a plain value begins a comment; a value in backticks or in three double quotes is taken as
it is;
single or double quotes around a plain value are taken away. ``%(name)s`` is another key's value. Grafana, not Gitea,
joins a
line that ends in a backslash with the next one, and puts variables in place of ``${NAME}`` and ``$__file{path}``.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_HEAD = re.compile(r"\[([^\]]*)\]")
_KEY = re.compile(r"(?:`([^`]*)`|\"([^\"]*)\"|([^=:\"`][^=:]*?))[ \t]*[=:][ \t]*")
_KEY_REFERENCE = re.compile(r"%\([^)]+\)s")
_VARIABLE = re.compile(r"\$(?:__\w+)?\{[^}]+\}")


class Ini(Lines):
    """``(section, key)``; a key ahead of all sections is ``(key,)``."""

    dialects = ("gitea", "grafana")
    structure = re.compile(r"\s*|\s*\[[^\]]*\]\s*")

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        section: str | None = None
        skip_to = 0
        for start, end, after in lines_of(text):
            line = text[start:end]
            if start < skip_to or not line.strip() or line.lstrip()[0] in "#;":
                continue
            head = _HEAD.match(line.lstrip())
            if head is not None:
                section = head.group(1).strip()
                continue
            key = _KEY.match(line.lstrip())
            if key is None:
                continue
            name = next(part for part in key.groups() if part is not None).strip()
            place = start + (len(line) - len(line.lstrip())) + key.end()
            value, value_end, after = _value(text, place, end, after, dialect)
            skip_to = after
            path = (name,) if section in (None, "", "DEFAULT") else (str(section), name)
            found.append(Statement(path, value, start, after, place, value_end))
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        text = str(value)
        if re.fullmatch(r"[^\s#;`\"'\\%$](?:[^#;`\"'\\%$]*[^\s#;`\"'\\%$])?", text) or not text:
            yield text
        for quote in ("`", '"""'):
            yield f"{quote}{text}{quote}"
        yield text

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{path[-1]} = {spelt}"

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        """Behind the last line of the section that holds something, or a new section at the end."""
        inside, place = len(path) == 1, 0 if len(path) == 1 else -1
        for start, end, after in lines_of(text):
            head = _HEAD.match(text[start:end].strip())
            if head is not None:
                inside = len(path) > 1 and head.group(1).strip() == path[0]
            if inside and text[start:end].strip():
                place = after
        if place >= 0:
            return place, ""
        blank = "\n" if text.strip("\ufeff \t\r\n") and not text.endswith(("\n\n", "\r\n\r\n")) else ""
        return len(text), f"{blank}[{path[0]}]\n"


def _value(text: str, place: int, end: int, after: int, dialect: str) -> tuple[Value, int, int]:
    """The value, where its spelling ends and where the next line begins."""
    raw = text[place:end].rstrip()
    for quote in ('"""', "`"):
        if raw.startswith(quote) and (quote == "`" or len(raw) > 3):
            close = text.rfind(quote, place + len(quote), end)
            if close < 0:
                close = text.find(quote, place + len(quote))
                if close < 0:
                    raise FormatError(f"line {text.count(chr(10), 0, place) + 1} begins a quoted value that never ends")
                rest = re.compile(r"[^\r\n]*(?:\r\n|\n|$)").match(text, close)
                after = rest.end() if rest else after
            value = text[place + len(quote) : close]
            return _resolved(value, dialect), close + len(quote), after
    if dialect == "grafana" and raw.endswith("\\"):
        return Opaque("unclear", raw), place + len(raw), after
    cut = re.search(r"[#;]", raw)
    if cut is not None:
        raw = raw[: cut.start()].rstrip()
    value = raw
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return _resolved(value, dialect), place + len(raw), after


def _resolved(value: str, dialect: str) -> Value:
    if _KEY_REFERENCE.search(value) or (dialect == "grafana" and _VARIABLE.search(value)):
        return Opaque("variable", value)
    return value


FORMAT = Ini()

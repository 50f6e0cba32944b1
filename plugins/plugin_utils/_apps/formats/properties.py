# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Java properties as Spring Boot reads them: escapes, lines joined by a backslash, and ``${...}`` as a placeholder."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_KEY = re.compile(r"((?:[^\s=:\\]|\\.)+)[ \t\f]*[=:]?[ \t\f]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


class Properties(Lines):
    """``(key,)``, with the dots in it."""

    multiline = True

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        skip_to = 0
        for start, end, after in lines_of(text):
            line = text[start:end]
            if start < skip_to:
                continue
            if line.startswith(("#---", "!---")):
                raise FormatError("it holds several documents (#---); write the settings into a file of their own")
            bare = line.lstrip()
            if not bare or bare[0] in "#!":
                continue
            while re.search(r"(?<!\\)(?:\\\\)*\\$", text[start:end]) and after < len(text):
                _start, end, after = next(lines_of_from(text, after))
            skip_to = after
            whole = text[start:end]
            key = _KEY.match(whole.lstrip())
            if key is None:
                continue
            place = start + len(whole) - len(whole.lstrip()) + key.end()
            found.append(Statement((_unescaped(key.group(1)),), _value(text[place:end]), start, after, place, end))
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        pieces = []
        for place, char in enumerate(str(value)):
            if char in "\n\r\t\f":
                pieces.append("\\" + {"\n": "n", "\r": "r", "\t": "t", "\f": "f"}[char])
            elif char == "\\" or (char == " " and place == 0):
                pieces.append("\\" + char)
            elif not " " <= char <= "~":
                units = char.encode("utf-16-be").hex()
                pieces += [f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4)]
            else:
                pieces.append(char)
        yield "".join(pieces)

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{path[-1]}={spelt}"


def lines_of_from(text: str, index: int) -> Iterator[tuple[int, int, int]]:
    """The lines from an index on."""
    return ((start + index, end + index, after + index) for start, end, after in lines_of(text[index:]))


def _value(raw: str) -> Value:
    value = _unescaped(re.sub(r"\\(?:\r\n|\n)[ \t\f]*", "", raw))
    # ``${:$}`` is a dollar sign that begins no placeholder.
    return Opaque("variable", value) if "${" in value.replace("${:$}{", "") else value


def _unescaped(text: str) -> str:
    units = re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", _escape, text, flags=re.DOTALL)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape(found: re.Match[str]) -> str:
    code = found.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)


FORMAT = Properties()

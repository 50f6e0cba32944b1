# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PHP's config files: ``$CONFIG = array ('key' => value, ...);`` of Nextcloud, ``define('NAME', value);`` of WordPress.

Comments and strings are told apart from code; a value that is no literal is Opaque. Texts are written in single quotes,
where
only the quote itself and a backslash need one in front.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end

__all__ = ("FORMAT",)

_TOKEN = re.compile(
    r"(?P<blank>\s+|//[^\r\n]*|#(?!\[)[^\r\n]*|/\*.*?\*/|<\?php|\?>)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>\$?[A-Za-z_\\][\w\\]*|[0-9][\w.]*)|(?P<mark>=>|->|::|.)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\x1b", "f": "\f", "\\": "\\", "$": "$", '"': '"'}
_STOP = re.compile(r"^[ \t]*(?:/\*[^\r\n]*stop editing|require_once\b|require\b|if\s*\([^\r\n]*ABSPATH)", re.MULTILINE)


class _Token(t.NamedTuple):
    text: str
    kind: str
    start: int
    end: int


class Php(Lines):
    """``(key,)``; of an array in the array ``(key, key)``, which are changed where they are and not added."""

    dialects = ("array", "define")
    typed = True
    multiline = True
    structure = re.compile(r"\s*|<\?php|\$CONFIG = array \(|\);")

    def scan(self, text: str, dialect: str) -> list[Statement]:
        tokens = _tokens(text)
        return list(_defines(text, tokens) if dialect == "define" else _members(text, tokens))

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        if isinstance(value, str):
            yield "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
        else:
            yield "null" if value is None else str(value).lower()

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"define( '{path[-1]}', {spelt} );" if dialect == "define" else f"  '{path[-1]}' => {spelt},"

    def change(self, text: str, wanted: t.Any, remove: t.Any, dialect: str = "", indent: int = 2) -> str:
        if wanted and not text.strip("\ufeff \t\r\n"):
            text = "<?php\n" if dialect == "define" else "<?php\n$CONFIG = array (\n);\n"
        return super().change(text, wanted, remove, dialect, indent)

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        if len(path) > 1:
            raise FormatError(f"{'.'.join(path)} is not there; write it by hand")
        if dialect == "define":
            stop = _STOP.search(text)
            if stop is not None:
                return stop.start(), ""
            first = re.search(r"<\?php[^\r\n]*(?:\r\n|\n|$)", text)
            return (first.end() if first else 0), ""
        tokens = _tokens(text)
        opened = _opening(tokens)
        if opened is None:
            if any(token.text == "$CONFIG" for token in tokens):
                raise FormatError(
                    "it sets $CONFIG only inside a condition, so nothing says that what is written there counts; name the"
                    " main config.php, or a file of its own such as config/mail.config.php"
                )
            raise FormatError("it has no $CONFIG array")
        after = line_end(text, opened.end)
        if text[opened.end : after].strip():
            raise FormatError("the first key stands on the line where the array begins; give it a line of its own")
        return after + (2 if text[after : after + 2] == "\r\n" else 1), ""


def _tokens(text: str) -> list[_Token]:
    if "<<<" in text:
        raise FormatError("it has a heredoc (<<<), which is not edited here")
    found = []
    for match in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        if match.lastgroup != "blank":
            found.append(_Token(match.group(), str(match.lastgroup), match.start(), match.end()))
    if any(token.kind == "mark" and token.text in "'\"" for token in found):
        raise FormatError("a quote in it is never closed")
    return found


def _opening(tokens: list[_Token]) -> _Token | None:
    """Where the array begins that always counts: one in braces is there only where a condition holds."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth == 0 and token.text == "$CONFIG" and index + 2 < len(tokens) and tokens[index + 1].text == "=":
            after = tokens[index + 2]
            if after.text == "[":
                return after
            if after.text.lower() == "array" and tokens[index + 3].text == "(":
                return tokens[index + 3]
    return None


def _members(text: str, tokens: list[_Token]) -> Iterator[Statement]:
    opened = _opening(tokens)
    if opened is not None:
        yield from _inside(text, tokens, tokens.index(opened) + 1, ())


def _inside(text: str, tokens: list[_Token], index: int, above: KeyPath) -> Iterator[Statement]:
    """The members of an array, and those of the arrays in it that have a text for every key."""
    while index < len(tokens) and tokens[index].text not in (")", "]"):
        begin = index
        while index < len(tokens) and not (index > begin and tokens[index].text in (",", ")", "]")):
            index = _closed(tokens, index)
        inner = tokens[begin:index]
        last = tokens[index] if index < len(tokens) and tokens[index].text == "," else None
        if len(inner) > 2 and inner[0].kind == "text" and inner[1].text == "=>":
            end = last.end if last is not None else inner[-1].end
            path = (*above, str(_value(inner[:1])))
            if (below := _first_of(inner[2:])) is not None:
                yield from _inside(text, tokens, tokens.index(below), path)
            else:
                yield _statement(text, path, inner[0].start, end, inner[2:])
        index += 1 if last is not None else 0


def _first_of(value: list[_Token]) -> _Token | None:
    """The first token inside an array all of whose keys are texts; None for what is none, and for an empty one."""
    index = 1 if value[0].text == "[" else 2 if value[0].text.lower() == "array" and value[1:2] else 0
    if not index or _closed(value, index - 1) != len(value) or index + 1 == len(value):
        return None
    first, place = value[index], index
    while place < len(value) - 1:
        if value[place].kind != "text" or place + 2 >= len(value) or value[place + 1].text != "=>":
            return None
        while place < len(value) - 1 and value[place].text != ",":
            place = _closed(value, place)
        place += 1
    return first


def _defines(text: str, tokens: list[_Token]) -> Iterator[Statement]:
    for index, token in enumerate(tokens):
        if token.text.lower() != "define" or index + 4 >= len(tokens) or tokens[index + 1].text != "(":
            continue
        if tokens[index + 2].kind != "text" or tokens[index + 3].text != ",":
            continue
        close = index + 4
        while close < len(tokens) and tokens[close].text != ")":
            close = _closed(tokens, close)
        if close + 1 < len(tokens) and tokens[close + 1].text == ";" and close > index + 4:
            yield _statement(
                text,
                (str(_value(tokens[index + 2 : index + 3])),),
                token.start,
                tokens[close + 1].end,
                tokens[index + 4 : close],
            )


def _closed(tokens: list[_Token], index: int) -> int:
    """The index behind a token, and behind all that is in it where it opens a bracket."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    if tokens[index].text not in pairs:
        return index + 1
    wanted, index = pairs[tokens[index].text], index + 1
    while index < len(tokens) and tokens[index].text != wanted:
        index = _closed(tokens, index)
    return index + 1


def _statement(text: str, path: KeyPath, start: int, end: int, value: list[_Token]) -> Statement:
    """The whole lines of it where it stands alone on them."""
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    after = line_end(text, end)
    rest = text[end:after].strip()
    if not text[line:start].strip("\ufeff \t") and (not rest or rest.startswith(("//", "#"))):
        start = line
        end = after + (2 if text[after : after + 2] == "\r\n" else 1 if after < len(text) else 0)
    return Statement(path, _value(value), start, end, value[0].start, value[-1].end)


def _value(tokens: list[_Token]) -> Value:
    text = "".join(token.text for token in tokens)
    if len(tokens) == 2 and tokens[0].text == "-" and re.fullmatch(r"[0-9]+", tokens[1].text):
        return -int(tokens[1].text)
    if len(tokens) != 1:
        # An expression: PHP works it out, from the environment say.
        return Opaque("variable" if tokens[0].text not in ("[", "array") else "unclear", text)
    if tokens[0].kind == "text":
        if text[0] == "'":
            return re.sub(r"\\(['\\])", r"\1", text[1:-1])
        if re.search(r"(?<!\\)(?:\\\\)*(?:\$[A-Za-z_{]|\{\$)|\\[xu0-7]", text):
            return Opaque("variable", text)
        return re.sub(r"\\([nrtvef\\$\"])", lambda one: _ESCAPES[one.group(1)], text[1:-1])
    known = {"true": True, "false": False, "null": None}
    if text.lower() in known:
        return known[text.lower()]
    return int(text) if re.fullmatch(r"0|[1-9][0-9]*", text) else Opaque("unclear", text)


FORMAT = Php()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd: ``Environment=`` in the [Service] section of a unit or drop-in, or else an EnvironmentFile of NAME=value
lines.

``Environment=`` has a syntax of its own (systemd.exec(5), systemd.syntax(7)): words in quotes, C's escapes, and a
percent sign
that begins a specifier, so that a value with one needs it twice. An empty ``Environment=`` forgets all before it.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    Opaque,
    Value,
    line_break,
    load_format,
    spliced,
)

__all__ = ("CARRIER",)

_SECTION = re.compile(r"^\[[^\]\r\n]+\][ \t]*\r?$", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*(Environment|EnvironmentFile)[ \t]*=[ \t]*([^\r\n]*)", re.MULTILINE)
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|((?:[^\s\"'\\]|\\.)+)")
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "s": " ",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


class _Word(t.NamedTuple):
    name: str
    value: Value
    start: int
    end: int
    line_start: int
    line_end: int
    alone: bool


class Systemd(Carrier):
    """A text with a section is a unit or a drop-in, any other an EnvironmentFile, whose variables win over those of the unit."""

    files_win = True
    section = "[Service]"
    # Whether the variables become words of a command line, in which ``${NAME}`` is another variable and ``$$`` a dollar sign (systemd.service(5)).
    in_command = False

    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        if not _is_unit(text):
            return {path[0]: value for path, value in load_format("dotenv").read(text, dialect="systemd").items()}
        return {word.name: word.value for word in self._words(text)}

    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        if text.strip() and not _is_unit(text):
            return load_format("dotenv").edit(
                text, {(name,): value for name, value in wanted.items()}, [(name,) for name in remove], "systemd"
            )
        before = self.read(text)
        gone = [name for name in remove if name not in wanted and name in before]
        changed = {name: value for name, value in wanted.items() if before.get(name) != value}
        if not changed and not gone:
            return text
        for name, value in changed.items():
            if re.search(r"[\0\r\n]", value):
                raise FormatError(
                    f"the value for {name} has a line break or NUL byte, which a variable should not hold"
                )
        new = self._changed(text, changed, gone)
        after = self.read(new)
        if after != {**{name: value for name, value in before.items() if name not in gone}, **changed}:
            raise FormatError("it cannot be changed so that systemd reads back what was meant")
        return new

    def files(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        return [path.lstrip("-") for path in self._environment_files(text)]

    def optional(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        return [path.lstrip("-") for path in self._environment_files(text) if path.startswith("-")]

    def findings(self, text: str, service: str = "", names: Collection[str] = ()) -> list[dict[str, str]]:
        names = [] if _is_unit(text) else [name for name in self.read(text) if name.startswith("export")]
        odd = [name for name in names if re.match(r"export[ \t]", name)]
        if not odd:
            return []
        return [
            {
                "severity": "warning",
                "code": "unknown_key",
                "message": f"systemd knows no export and ignores these lines of an EnvironmentFile: {', '.join(odd)}.",
                "remedy": "Take the word export away.",
            }
        ]

    def _environment_files(self, text: str) -> list[str]:
        """The paths as they are written; a dash in front says that the file need not be there."""
        lines = _LINE.finditer(text) if _is_unit(text) else []
        found = [
            line.group(2).strip()
            for line in lines
            if line.group(1) == "EnvironmentFile" and _in_section(text, line.start(), self.section)
        ]
        return [path for path in found if path.lstrip("-")]

    def _words(self, text: str) -> list[_Word]:
        """Every NAME=value that counts, in order."""
        words: list[_Word] = []
        for line in _LINE.finditer(text):
            if line.group(1) != "Environment" or not _in_section(text, line.start(), self.section):
                continue
            rest = line.group(2)
            if rest.rstrip().endswith("\\"):
                raise FormatError(
                    f"line {text.count(chr(10), 0, line.start()) + 1}: Environment= goes on in the next line; write one"
                    " variable a line"
                )
            found = list(_WORD.finditer(rest))
            if not found:
                words = []
            end = line.end() + (
                2 if text[line.end() : line.end() + 2] == "\r\n" else 1 if text[line.end() : line.end() + 1] else 0
            )
            for word in found:
                name, mark, value = _unquoted(word).partition("=")
                if mark:
                    words.append(
                        _Word(
                            name,
                            self._value(value),
                            line.start(2) + word.start(),
                            line.start(2) + word.end(),
                            line.start(),
                            end,
                            len(found) == 1,
                        )
                    )
        return words

    def _value(self, text: str) -> Value:
        """What the process gets; a specifier, or a variable of the command line, is not known here."""
        plain = text.replace("%%", "")
        if re.search(r"%(?!%)", plain) or (self.in_command and "${" in text.replace("$$", "")):
            return Opaque("variable", text)
        text = text.replace("%%", "%")
        return text.replace("$$", "$") if self.in_command else text

    def _spelt(self, name: str, value: str) -> str:
        inner = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        if self.in_command:
            inner = inner.replace("$", "$$")
        return f'"{name}={inner}"'

    def _changed(self, text: str, wanted: Mapping[str, str], gone: Collection[str]) -> str:
        words = self._words(text)
        edits: list[tuple[int, int, str]] = []
        missing = []
        for name, value in wanted.items():
            old = [word for word in words if word.name == name]
            if old:
                edits.append((old[-1].start, old[-1].end, self._spelt(name, value)))
            else:
                missing.append(f"Environment={self._spelt(name, value)}")
        for word in words:
            if word.name in gone:
                edits.append((word.line_start, word.line_end, "") if word.alone else (word.start, word.end, ""))
        br = line_break(text)
        stays = [word for word in words if word.name not in gone]
        if missing and stays:
            place = max(word.line_end for word in stays)
            lead = "" if text[place - 1 : place] == "\n" else br
            edits.append((place, place, lead + br.join(missing) + (br if not lead else "")))
        elif missing:
            edits.append(self._into_section(text, missing, br))
        return spliced(text, edits)

    def _into_section(self, text: str, lines: list[str], br: str) -> tuple[int, int, str]:
        """Below the head of the section, or as a new one at the end."""
        for head in _SECTION.finditer(text):
            if head.group().strip() == self.section:
                place = head.end() + (1 if text[head.end() : head.end() + 1] == "\n" else 0)
                lead = "" if text[place - 1 : place] == "\n" else br
                return place, place, lead + br.join(lines) + br
        lead = "" if not text or text.endswith("\n") else br
        blank = br if text.strip() else ""
        return len(text), len(text), f"{lead}{blank}{self.section}{br}{br.join(lines)}{br}"


def _is_unit(text: str) -> bool:
    first = next(
        (line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(("#", ";"))), ""
    )
    return first.startswith("[") or (first == "" and "Environment=" in text)


def _in_section(text: str, index: int, section: str) -> bool:
    heads = [found.group().strip() for found in _SECTION.finditer(text, 0, index)]
    return bool(heads) and heads[-1] == section


def _unquoted(word: re.Match[str]) -> str:
    raw = next(part for part in word.groups() if part is not None)
    return re.sub(r"\\(x[0-9A-Fa-f]{2}|.)", _unescaped, raw)


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    return chr(int(code[1:], 16)) if len(code) == 3 else _ESCAPES.get(code, found.group())


CARRIER = Systemd()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats: how a text holds keys and values, and how one value is changed with everything else left byte for byte.

A format is one file here, ``<name>.py``, with one class, and its name in FORMAT_NAMES::

    class Dotenv(Format):
        dialects = ("compose", "systemd")  # readers that differ; the first is the default; () where there is one
        typed = False                      # True: 465 and "465" are two things (YAML, JSON, TOML, PHP, Ruby)
        multiline = True                   # whether a value may hold a line break; NUL is refused for all

        def read(self, text, section=(), dialect=""):
            # Every key below the section with the value that the app's own reader takes, as {path: value}.
            # A path is a tuple from the top of the file on: ("mailer", "SMTP_ADDR") in INI, ("email", "smtp_host")
            # in YAML, ("SMTP_HOST",) in dotenv. Values are texts; in typed formats numbers, true, false and None
            # too; what is none of these is Opaque. Of a key that is there twice, the one that the app's reader
            # takes. Raises FormatError with the line, never with a value.

        def change(self, text, wanted, remove, dialect="", indent=2):
            # The text with the wanted values in it and the keys of ``remove`` taken out. Comments, order, quoting
            # of others, blank lines, line ends (CRLF), a byte order mark and a last line without a break stay.
            # A missing section goes to the end.

        def statements(self, text, dialect=""):
            # [(path, start, end)]: which characters belong to which key; whole lines with their line break where
            # a key has lines.

    FORMAT = Dotenv()

Nobody calls ``change`` but ``Format.edit``, the guard that all formats share. It refuses what cannot be written, leaves
a text alone that is right already, and proves the outcome before it gives it back: it is read once more, and must hold
what was meant and every other key as before; what is outside the managed statements must be there as it was, in its
order, with nothing new but what ``structure`` allows (a section's header, a blank line). A format whose texts are no
lines (YAML, JSON, XML) may override ``untouched`` with a stronger proof of its own.

Tests of a format: ``tests/unit/plugins/plugin_utils/_apps/formats/test_<name>.py``. Look at test_dotenv.py:

- a table of (before, after) texts: value replaced with its comment kept, key added, key removed, section added, CRLF,
  BOM, no last line break, key twice, key commented out; each is written twice, and the second time nothing changes;
- a table of refusals, each with its sentence, in which the text s3cret never shows up;
- a property test: any password (hypothesis, or the list in tests/support/passwords.py) is read back, or refused;
- the parser that the app itself uses reads what was written (in tests/integration or tests/fuzz).
"""

from __future__ import annotations

import abc
import functools
import importlib
import re
import typing as t
from collections.abc import Collection, Mapping, Sequence

__all__ = (
    "FORMAT_NAMES",
    "Format",
    "FormatError",
    "KeyPath",
    "Opaque",
    "Value",
    "dialects_of",
    "load_format",
    "spliced",
)

KeyPath = tuple[str, ...]
# The formats that exist, each the file of that name.
FORMAT_NAMES = (
    "yaml",
    "dotenv",
    "ini",
    "json",
    "properties",
    "php",
    "ruby",
    "python",
    "postfix",
    "msmtprc",
    "keyvalue",
    "line",
    "xml",
    "toml",
)
MAX_CHARACTERS = 512 * 1024


class FormatError(ValueError):
    """The text cannot be read, or not be edited safely. One sentence without a final dot, which never quotes the text's
    values.
    """


class Opaque(t.NamedTuple):
    """A value that readers do not agree on, or that is none: ``kind`` is list, mapping, variable, encrypted or unclear;
    ``text`` is only for
    comparing.
    """

    kind: str
    text: str = ""


Value = str | int | float | bool | Opaque | None


class Format(abc.ABC):
    """See the head of this file."""

    dialects: t.ClassVar[tuple[str, ...]] = ()
    typed: t.ClassVar[bool] = False
    multiline: t.ClassVar[bool] = False
    # Lines that an edit may add besides the statements of the wanted keys.
    structure: t.ClassVar[re.Pattern[str]] = re.compile(r"\s*")

    @abc.abstractmethod
    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        """Every key below the section with its value. Raises FormatError."""

    @abc.abstractmethod
    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        """The new text, not yet proven. Raises FormatError."""

    def entries(self, text: str, names: KeyPath) -> list[dict[KeyPath, Value]]:
        """What the entries of the lists hold that lie one in the other below these names; a mapping counts as a list of one.

        Raises FormatError.
        """
        return []

    def locate(self, text: str, sections: Sequence[KeyPath]) -> KeyPath:
        """Which of the places where a section may stand is the one in this text. Raises FormatError."""
        return sections[0]

    def findings(self, text: str, dialect: str = "") -> list[dict[str, str]]:
        """What is to be said of the way in which the text holds its keys."""
        return []

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        """Which characters belong to which key. Whoever gives none lets nothing change, or overrides ``untouched``."""
        return []

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        """Why a value cannot be written in this format, as the rest of a sentence that begins with the key; None when
        it can.
        """
        if not isinstance(value, str):
            return None
        if "\0" in value:
            return "has a NUL byte, which no config file can hold"
        if not self.multiline and re.search(r"[\r\n]", value):
            return "has a line break, which this format cannot hold"
        return None

    def same(self, old: Value, new: t.Any) -> bool:
        """Whether the value that is there is the one that is meant; in typed formats 465 is not "465"."""
        if not self.typed:
            return not isinstance(old, Opaque) and old is not None and as_text(old) == as_text(new)
        return type(old) is type(new) and old == new

    def edit(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        """The text with the wanted values, proven. Raises FormatError, and then nothing may be written."""
        if len(text) > MAX_CHARACTERS:
            raise FormatError(f"it has more than {MAX_CHARACTERS} characters, which is no config file")
        for path, value in wanted.items():
            why = self.unfit(path, value, dialect)
            if why is not None:
                raise FormatError(f"the value for {'.'.join(path)} {why}")
        before = self.read(text, dialect=dialect)
        gone = [path for path in remove if path not in wanted and path in before]
        if not gone and all(path in before and self.same(before[path], value) for path, value in wanted.items()):
            return text
        new = self.change(text, wanted, gone, dialect, indent)
        after = self.read(new, dialect=dialect)
        managed = {*wanted, *gone}
        for path, value in wanted.items():
            if path not in after or not self.same(after[path], value):
                raise FormatError(f"the value for {'.'.join(path)} cannot be written so that it is read back")
        others = [{path: value for path, value in values.items() if path not in managed} for values in (before, after)]
        if (
            others[0] != others[1]
            or any(path in after for path in gone)
            or not self.untouched(text, new, managed, dialect)
        ):
            raise FormatError("it cannot be changed without touching other parts of the file")
        return new

    def untouched(self, old: str, new: str, managed: Collection[KeyPath], dialect: str) -> bool:
        """Whether everything outside the managed statements is there as it was, in its order."""
        rests = [self._rest(one, managed, dialect) for one in (old, new)]
        position = 0
        for line in rests[1]:
            if position < len(rests[0]) and line == rests[0][position]:
                position += 1
            elif not self.structure.fullmatch(line):
                return False
        return position == len(rests[0])

    def _rest(self, text: str, managed: Collection[KeyPath], dialect: str) -> list[str]:
        for path, start, end in sorted(self.statements(text, dialect), key=lambda one: one[1], reverse=True):
            if path in managed:
                text = text[:start] + text[end:]
        lines = re.split(r"(?<=\n)", text)
        # The last line may gain a line break when something is put behind it.
        return [line.rstrip("\r\n") for line in lines if line.strip("\r\n\ufeff")]

    def hidden(self, text: str) -> set[str]:
        """Pieces of the text that a validator may quote and that nobody shall see: values in all their spellings."""
        found = {line.strip() for line in text.splitlines()} | set(re.split(r"[\s\"':,={}\[\]]+", text))
        for value in self.read(text).values():
            shown = value.text if isinstance(value, Opaque) else as_text(value)
            found |= {shown, repr(shown)[1:-1], *shown.splitlines()}
        return found

    def names(self, text: str) -> set[str]:
        """The names of keys, which may be shown."""
        return {name for path in self.read(text) for name in path}


def as_text(value: Value) -> str:
    """A value as a text without types says it."""
    return ("true" if value else "false") if isinstance(value, bool) else "" if value is None else str(value)


def line_break(text: str) -> str:
    """The text's own line break: that of its first line."""
    found = re.search(r"\r\n|\n", text)
    return found.group() if found else "\n"


def spliced(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The text with each (start, end) replaced; places do not overlap, and insertions at one place keep their order."""
    for _number, (start, end, new) in sorted(
        enumerate(edits), key=lambda one: (one[1][0], one[1][1], one[0]), reverse=True
    ):
        text = text[:start] + new + text[end:]
    return text


@functools.cache
def load_format(name: str) -> Format:
    """The format of this name. Imported when it is used, as some need a library of their own. Raises FormatError."""
    if name not in FORMAT_NAMES:
        raise FormatError(f"the format {name} is not known")
    try:
        module = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.{name}")
    except ImportError as error:
        raise FormatError(
            f"editing {name} needs the Python library {error.name} on the controller; install it there"
        ) from None
    return t.cast(Format, module.FORMAT)


def dialects_of(name: str) -> tuple[str, ...]:
    """The dialects that a format has."""
    return load_format(name).dialects

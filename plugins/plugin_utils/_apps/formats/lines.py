# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What formats of statements have in common: a scanner says where each value stands, and a value is written in the
first spelling
that the scanner takes back as it was meant.
"""

from __future__ import annotations

import abc
import typing as t
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    Format,
    FormatError,
    KeyPath,
    Value,
    line_break,
)

__all__ = ("Lines", "Statement", "line_end", "lines_of")


class Statement(t.NamedTuple):
    """``start`` to ``end`` are the lines of it, ``value_start`` to ``value_end`` the value as it is spelt."""

    path: KeyPath
    value: Value
    start: int
    end: int
    value_start: int
    value_end: int


class Lines(Format):
    """Give ``scan``, ``spellings`` and ``statement``; of statements with one path the last counts."""

    @abc.abstractmethod
    def scan(self, text: str, dialect: str) -> list[Statement]:
        """Every statement in its order. Raises FormatError."""

    @abc.abstractmethod
    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        """The ways to write a value, best first; ``old`` is how the value that it takes the place of was spelt."""

    @abc.abstractmethod
    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        """A new statement, without its line break."""

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        """Where a statement goes for which there is no other of ours, and what stands in front of it."""
        return len(text), ""

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        found = {one.path: one.value for one in self.scan(text, self._dialect(dialect))}
        return {path: value for path, value in found.items() if path[: len(section)] == section}

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        return [(one.path, one.start, one.end) for one in self.scan(text, self._dialect(dialect))]

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        dialect = self._dialect(dialect)
        for one in reversed(self.scan(text, dialect)):
            if one.path in remove:
                text = text[: one.start] + text[one.end :]
        for path, value in wanted.items():
            text = self._put(text, path, value, dialect, wanted)
        return text

    def _dialect(self, dialect: str) -> str:
        return dialect or (self.dialects[0] if self.dialects else "")

    def _put(self, text: str, path: KeyPath, value: t.Any, dialect: str, wanted: Collection[KeyPath]) -> str:
        scanned = self.scan(text, dialect)
        there = [one for one in scanned if one.path == path]
        if there and self.same(there[-1].value, value):
            return text
        others = [(one.path, one.value) for one in scanned if one.path != path]
        old = text[there[-1].value_start : there[-1].value_end] if there else ""
        for spelt in self.spellings(value, old, dialect):
            if there:
                new = text[: there[-1].value_start] + spelt + text[there[-1].value_end :]
            else:
                new = self._added(text, path, spelt, dialect, scanned, wanted)
            try:
                after = self.scan(new, dialect)
            except FormatError:
                continue
            found = [one for one in after if one.path == path]
            if found and self.same(found[-1].value, value):
                if [(one.path, one.value) for one in after if one.path != path] == others:
                    return new
        raise FormatError(
            f"the value for {'.'.join(path)} has characters in it that cannot be written so that its reader takes"
            " them back"
        )

    def _added(
        self,
        text: str,
        path: KeyPath,
        spelt: str,
        dialect: str,
        scanned: Sequence[Statement],
        wanted: Collection[KeyPath],
    ) -> str:
        ours = [one.end for one in scanned if one.path in wanted and one.path[:-1] == path[:-1]]
        place, head = (max(ours), "") if ours else self.room(text, path, dialect)
        br = line_break(text)
        if ours and text[place - 1] not in "\r\n":
            # Other statements stand behind ours in the same line.
            place = line_end(text, place)
            place += 2 if text[place : place + 2] == "\r\n" else 1 if place < len(text) else 0
        lead = br if place and text[place - 1] not in "\r\n\ufeff" else ""
        body = head.replace("\n", br) + self.statement(path, spelt, dialect)
        # A last line that had no line break goes on to have none.
        return text[:place] + (lead + body if lead else body + br) + text[place:]


def line_end(text: str, index: int) -> int:
    """Where the line ends, ahead of its line break."""
    while index < len(text) and text[index] not in "\r\n":
        index += 1
    return index


def lines_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Of each line: where it begins, where it ends, and where the next one begins."""
    start = 1 if text.startswith("\ufeff") else 0
    while start < len(text):
        end = line_end(text, start)
        after = end + (2 if text[end : end + 2] == "\r\n" else 1 if end < len(text) else 0)
        yield start, end, after
        start = after

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of known texts, searched by their words: what the reading of logs and the judge of replies share."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Sequence, Set

__all__ = ("WORD", "WordIndex", "end_of")

WORD = re.compile(r"[a-z0-9]+")


class HasParts(t.Protocol):
    """A row of a table: its text, in parts that follow each other."""

    @property
    def parts(self) -> tuple[str, ...]: ...


_Row = t.TypeVar("_Row", bound=HasParts)


class WordIndex(t.Generic[_Row]):
    """Rows by the longest word of their text, so that an event is compared only with the few rows whose word it has."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._rows: tuple[_Row, ...] = tuple(rows)
        self._by_word: dict[str, list[int]] = {}
        for number, row in enumerate(self._rows):
            words = [word for part in row.parts for word in WORD.findall(part)]
            self._by_word.setdefault(max(words, key=len), []).append(number)

    def candidates(self, words: Set[str]) -> list[_Row]:
        """Rows that may match a text with these lower-case words, in the order of the table."""
        return [
            self._rows[number]
            for number in sorted(number for word in words & self._by_word.keys() for number in self._by_word[word])
        ]


def end_of(parts: Sequence[str], form: str) -> int:
    """Where the last of the parts ends when all occur in this order, else -1. A number is a whole number."""
    at = 0
    for part in parts:
        while True:
            at = form.find(part, at)
            if at < 0:
                return -1
            end = at + len(part)
            if not (part[-1].isdigit() and form[end : end + 1].isdigit()) and not (
                part[0].isdigit() and at and form[at - 1].isdigit()
            ):
                break
            at = end
        at = end
    return at

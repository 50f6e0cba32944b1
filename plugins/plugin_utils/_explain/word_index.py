# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of known texts, searched by their words: what the reading of logs and the judge of replies share."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Sequence, Set

__all__ = ("WORD", "WordIndex", "end_of", "words_of")

WORD = re.compile(r"[a-z0-9]+")
_TO_WORDS = "".join(chr(code) if chr(code) in "abcdefghijklmnopqrstuvwxyz0123456789" else " " for code in range(128))
# Words with something on both sides, which a text that has the part has as whole words.
_INNER = re.compile(r"(?<=[^a-z0-9])[a-z0-9]+(?=[^a-z0-9])")
# "does not support TLSv1.3" says nothing of TLS itself.
_VERSION = re.compile(r" ?v?\d")
# How a text may go on where a row ends: "throttl" in throttled, "rate limit" in rate limits.
_ENDINGS = ("s", "es", "d", "ed", "ing", "ted", "ting")


def words_of(low: str) -> frozenset[str]:
    """The words of a text in lower case: what WORD finds, quicker."""
    return frozenset(low.translate(_TO_WORDS).split() if low.isascii() else WORD.findall(low))


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
        self._open: set[str] = set()  # of these, those that may go on in a text
        self._whole = [frozenset(word for part in row.parts for word in _INNER.findall(part)) for row in self._rows]
        for number, row in enumerate(self._rows):
            words = [word for part in row.parts for word in WORD.findall(part)]
            longest = max(words, key=len)
            self._by_word.setdefault(longest, []).append(number)
            if any(part.endswith(longest) for part in row.parts):
                self._open.add(longest)

    def candidates(self, words: Set[str]) -> list[_Row]:
        """Rows that may match a text with these lower-case words, in the order of the table."""
        known = words & self._by_word.keys()
        known |= self._open & {word[: -len(end)] for word in words for end in _ENDINGS if word.endswith(end)}
        return [
            self._rows[number]
            for number in sorted(number for word in known for number in self._by_word[word])
            if self._whole[number] <= words
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
            whole = not (part[-1].isdigit() and form[end : end + 1].isdigit())
            if whole and part.endswith(("tls", "ssl")):
                whole = not _VERSION.match(form, end)
            if whole and not (part[0].isdigit() and at and form[at - 1].isdigit()):
                break
            at = end
        at = end
    return at

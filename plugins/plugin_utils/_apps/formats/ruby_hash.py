# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mapping as Ruby people write it, ``{ address: "relay", :port => 587 }``: where each pair of it stands, and where
one more can go.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import line_end

__all__ = ("STRING", "Pair", "RubyHash", "hash_at", "with_pair")

# A text; what is computed inside it may have quotes of its own.
STRING = r"'(?:[^'\\]|\\.)*'|\"(?:#\{[^{}]*\}|[^\"\\]|\\.)*\""
_TOKEN = re.compile(
    rf"(?P<text>{STRING})|(?P<blank>\s+|\#[^\n]*)|(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<comma>,)|.", re.DOTALL
)
_KEY = re.compile(
    r"""(?:(?::(\w+)|:?"([^"\\#]+)"|:?'([^'\\]+)')\s*=>|(\w+):(?!:)|"([^"\\#]+)":(?!:)|'([^'\\]+)':(?!:))\s*"""
)


class Pair(t.NamedTuple):
    """``start`` to ``end`` is all that goes with it, its comma and its lines included."""

    name: str
    start: int
    end: int
    value_start: int
    value_end: int
    comma: bool


class RubyHash(t.NamedTuple):
    """From its first brace to behind its last one. ``clear``: every entry of it is a pair of a name and a value."""

    start: int
    end: int
    pairs: list[Pair]
    clear: bool


def hash_at(text: str, start: int) -> RubyHash | None:
    """The mapping whose brace stands there; None where it has no end."""
    pairs: list[Pair] = []
    clear = True
    position = _skipped(text, start + 1)
    while position < len(text) and text[position] != "}":
        key = _KEY.match(text, position)
        begin = key.end() if key is not None else position
        end, after = _value(text, begin)
        if after >= len(text) or text[after] not in ",}":
            return None
        if key is None or end == begin:
            clear = False
        else:
            name = next(one for one in key.groups() if one is not None)
            comma = text[after] == ","
            pairs.append(Pair(name, *_whole(text, position, after + 1 if comma else end, comma), begin, end, comma))
        position = _skipped(text, after + 1) if text[after] == "," else after
    return RubyHash(start, position + 1, pairs, clear) if position < len(text) else None


def _skipped(text: str, position: int) -> int:
    """Behind blanks, line breaks and comments."""
    found = re.compile(r"(?:\s+|#[^\n]*)*").match(text, position)
    return found.end() if found is not None else position


def _value(text: str, start: int) -> tuple[int, int]:
    """Where a value ends, and where the comma or the bracket behind it stands."""
    depth, end = 0, start
    for token in _TOKEN.finditer(text, start):
        if token["blank"]:
            continue
        if depth == 0 and (token["comma"] or token["close"]):
            return end, token.start()
        depth += 1 if token["open"] else -1 if token["close"] else 0
        end = token.end()
    return end, len(text)


def _whole(text: str, start: int, end: int, comma: bool) -> tuple[int, int]:
    """The lines of a pair where it has them for itself, else the pair with the blanks behind its comma."""
    first = text.rfind("\n", 0, start) + 1
    last = line_end(text, end)
    rest = text[end:last].strip(" \t")
    if text[first:start].strip(" \t") or (rest and not rest.startswith("#")):
        return start, end + (len(text[end:last]) - len(text[end:last].lstrip(" \t")) if comma else 0)
    return first, last + (2 if text[last : last + 2] == "\r\n" else 1 if last < len(text) else 0)


def with_pair(text: str, held: RubyHash, name: str, spelt: str, ours: t.Collection[str], br: str) -> str:
    """The text with one more pair, behind those of ours, else as the first one: there it disturbs no other."""
    arrow = next((text[one.start : one.value_start].strip().endswith("=>") for one in held.pairs), False)
    pair = f":{name} => {spelt}," if arrow else f"{name}: {spelt},"
    places = [one.end for one in held.pairs if one.comma and one.name in ours]
    place = max(places, default=held.start + 1)
    line = text.rfind("\n", 0, place) + 1
    first = held.pairs[0].start if held.pairs else held.end - 1
    indent = re.match(r"[ \t]*", text[first:])
    if place != line and "\n" in text[held.start : held.end] and not text[place : line_end(text, place)].strip(" \t"):
        # The brace is the last thing of its line.
        place = line = line_end(text, place) + len(br)
    if place == line:
        before = (
            indent.group() if indent is not None and held.pairs and first == text.rfind("\n", 0, first) + 1 else "  "
        )
        return f"{text[:place]}{before}{pair}{br}{text[place:]}"
    spaced = f" {pair}" if text[place] in " \t" else f"{pair} "
    return f"{text[:place]}{spaced}{text[place:]}"

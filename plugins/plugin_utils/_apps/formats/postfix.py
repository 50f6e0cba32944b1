# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Postfix's main.cf: ``name = value``; a line that begins with a blank goes on with the one before it. ``$name`` is a
variable.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_NAME = re.compile(r"([A-Za-z0-9_]+)[ \t]*=[ \t]*")


class Postfix(Lines):
    """Comments and blank lines may stand between the lines of one value."""

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        for start, end, after in lines_of(text):
            line = text[start:end]
            if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
                continue
            if line[0] in " \t" and found:
                last = found[-1]
                value = (_shown(last.value) + " " + line.strip(" \t")).strip(" \t")
                found[-1] = last._replace(value=_value(value), end=after, value_end=start + len(line.rstrip(" \t")))
                continue
            name = _NAME.match(line)
            if name is not None:
                raw = line[name.end() :].rstrip(" \t")
                place = start + name.end()
                found.append(Statement((name.group(1),), _value(raw), start, after, place, place + len(raw)))
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        yield str(value).replace("$", "$$")

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{path[-1]} = {spelt}"


def _value(raw: str) -> Value:
    return Opaque("variable", raw) if "$" in raw.replace("$$", "") else raw.replace("$$", "$")


def _shown(value: Value) -> str:
    return value.text if isinstance(value, Opaque) else str(value).replace("$", "$$")


FORMAT = Postfix()

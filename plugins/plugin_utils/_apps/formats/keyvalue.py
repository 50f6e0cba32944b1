# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of one key and value per line without any quoting.

dma     ``KEY value``; a key alone is a flag that is set       exim   ``MACRO = value``
ssmtp   ``Key=value``
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_SSMTP_KEYS = (
    "root mailhub Port UseTLS UseSTARTTLS UseTLSCert TLSCert TLSKey TLS_CA_File TLS_CA_Dir AuthUser AuthPass AuthMethod"
    " rewriteDomain hostname FromLineOverride MinUserId Debug"
).split()
# It takes them in any case.
_SSMTP = {name.lower(): name for name in _SSMTP_KEYS}
_SHAPES = {
    "dma": re.compile(r"([A-Z_]+)(?:[ \t]+|[ \t]*$)"),
    "exim": re.compile(r"([A-Z][A-Za-z0-9_]*)[ \t]*=[ \t]*"),
    "ssmtp": re.compile(r"([A-Za-z_]+)[ \t=]+"),
}


class KeyValue(Lines):
    """A flag of dma is "true" where it is there; to be false it must not be there."""

    dialects = ("dma", "exim", "ssmtp")

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found = []
        for start, end, after in lines_of(text):
            line = text[start:end]
            key = _SHAPES[dialect].match(line.lstrip(" \t"))
            if key is None or line.lstrip(" \t").startswith("#"):
                continue
            place = min(start + len(line) - len(line.lstrip(" \t")) + key.end(), end)
            raw = text[place:end].strip(" \t")
            if dialect == "dma":
                raw = raw.split("#", 1)[0].strip(" \t")
            if dialect == "ssmtp":
                raw = re.split(r"[ \t=#]", raw)[0]
            value = "true" if dialect == "dma" and not raw else raw
            name = _SSMTP.get(key.group(1).lower(), key.group(1)) if dialect == "ssmtp" else key.group(1)
            found.append(Statement((name,), value, start, after, place, place + len(raw)))
        return found

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if self._dialect(dialect) == "ssmtp" and re.search(r"[\s=#]", str(value)):
            return "has a blank, a = or a # in it, where a value ends in this file, which has no quotes"
        return super().unfit(path, value, dialect)

    def edit(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if self._dialect(dialect) == "dma":
            off = [path for path, value in wanted.items() if value == "false"]
            wanted = {path: value for path, value in wanted.items() if value != "false"}
            remove = [*remove, *off]
        return super().edit(text, wanted, remove, dialect, indent)

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        yield "" if dialect == "dma" and value == "true" else str(value)

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        mark = {"dma": " ", "exim": " = ", "ssmtp": "="}[dialect]
        return (path[-1] + mark + spelt).rstrip(" \t")


FORMAT = KeyValue()

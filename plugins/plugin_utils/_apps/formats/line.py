# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files whose first line that is no comment says it all (nullmailer's remotes, Postfix's sasl_passwd). Its key is
``line``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Format, KeyPath, Value, line_break
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import lines_of

__all__ = ("FORMAT",)

_PATH = ("line",)


class Line(Format):
    """One line; further ones are others' and stay."""

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        found = _first(text)
        return {} if found is None else {_PATH: text[found[0] : found[1]].strip(" \t")}

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        found = _first(text)
        return [] if found is None else [(_PATH, found[0], found[2])]

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if isinstance(value, str) and (value != value.strip(" \t") or value.startswith("#")):
            return "begins or ends with a blank, or begins with #"
        return super().unfit(path, value, dialect)

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        found = _first(text)
        br = line_break(text)
        if _PATH not in wanted:
            return text if found is None else text[: found[0]] + text[found[2] :]
        new = str(wanted[_PATH])
        if found is not None:
            return text[: found[0]] + new + text[found[1] :]
        lead = "" if not text or text.endswith("\n") else br
        return f"{text}{lead}{new}{br}"


def _first(text: str) -> tuple[int, int, int] | None:
    """Where the line begins, where it ends, and where the next one begins."""
    for start, end, after in lines_of(text):
        bare = text[start:end].strip(" \t")
        if bare and not bare.startswith("#"):
            return start, start + len(text[start:end].rstrip(" \t")), after
    return None


FORMAT = Line()

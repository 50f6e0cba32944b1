# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in the values of a compose file, put in as compose does where they are known (``.env`` beside it)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Opaque, Value

__all__ = ("interpolated",)

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<mark>:?[-+?])(?P<other>[^{}]*))?\})"
)


def interpolated(name: str, value: Value, variables: Mapping[str, str]) -> Value:
    """The value with its variables put in; as it was, where one of them is not known and has no default.

    ``name`` is the key: a name alone in a list of ``environment`` hands on the variable of that name.
    """
    if not isinstance(value, Opaque) or value.kind != "variable":
        return value
    if value.text in ("", name):
        return variables.get(name, value)
    unknown = False

    def put_in(found: re.Match[str]) -> str:
        nonlocal unknown
        if found["dollar"]:
            return "$"
        given = variables.get(found["plain"] or found["name"])
        mark, other = found["mark"] or "", found["other"] or ""
        there = given is not None and (given != "" or not mark.startswith(":"))
        if mark.endswith("+"):
            return other if there else ""
        if there and given is not None:
            return given
        unknown = unknown or not mark.endswith("-")
        return other

    text, found = _VARIABLE.subn(put_in, value.text)
    return value if unknown or not found else text

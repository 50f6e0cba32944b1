# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of several documents, as Spring Boot reads it: those without a condition count always, the last one most; the
others only with their profile. In YAML ``---`` stands between them, in a properties file ``#---``.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value, load_format

__all__ = ("Document", "counting", "documents_of", "home_of", "profile_findings")

_MARKS = {
    "yaml": re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE),
    "properties": re.compile(r"^[#!]---[ \t]*$", re.MULTILINE),
}
# What makes a document count only sometimes; the first two words are those of Spring Boot 2.3 and older.
_CONDITIONS = ("spring.profiles", "spring.config.activate.onprofile", "spring.config.activate.oncloudplatform")


class Document(t.NamedTuple):
    """``start`` to ``end`` is its text, ``profile`` when it counts (empty: always), ``values`` all that it holds by the
    levels of its names.
    """

    start: int
    end: int
    profile: str
    values: dict[KeyPath, Value]


def documents_of(text: str, format_name: str) -> list[Document]:
    """Every document of the text, in order. Raises FormatError."""
    marks = [one for one in _MARKS[format_name].finditer(text) if one.start() or format_name == "properties"]
    # YAML takes the mark for a part of the document behind it.
    starts = [0, *(one.start() if format_name == "yaml" else one.end() for one in marks)]
    ends = [*(one.start() for one in marks), len(text)]
    found = []
    for start, end in zip(starts, ends):
        raw = load_format(format_name).read(text[start:end])
        values = {tuple(".".join(path).split(".")): value for path, value in raw.items()}
        found.append(Document(start, end, _profile(values), values))
    return found


def _profile(values: dict[KeyPath, Value]) -> str:
    for path, value in values.items():
        if re.sub(r"\[\d+\]$", "", ".".join(path)).replace("-", "").lower() in _CONDITIONS:
            return "of a list" if isinstance(value, Opaque) else str(value)
    return ""


def counting(documents: list[Document], managed: Collection[KeyPath]) -> dict[KeyPath, Value]:
    """What counts without a profile; where that says nothing of ours, what the first document with some of it says, too."""
    values: dict[KeyPath, Value] = {}
    for one in documents:
        values.update(one.values if not one.profile else {})
    if not set(values) & set(managed):
        other = next((one for one in documents if set(one.values) & set(managed)), None)
        values.update(other.values if other is not None else {})
    return values


def home_of(documents: list[Document], managed: Collection[KeyPath]) -> Document | None:
    """The document that our keys belong in: the last without a profile that has some of them, else the first without one."""
    always = [one for one in documents if not one.profile]
    ours = [one for one in always if set(one.values) & set(managed)]
    return ours[-1] if ours else always[0] if always else None


def profile_findings(documents: list[Document], managed: Collection[KeyPath]) -> list[dict[str, str]]:
    """What a profile changes in our keys, and that there may be nothing without one."""
    always: dict[KeyPath, Value] = {}
    for one in documents:
        always.update(one.values if not one.profile else {})
    findings = []
    for one in documents:
        differs = [path for path in managed if path in one.values and one.values[path] != always.get(path)]
        if not one.profile or not differs:
            continue
        alone = not set(always) & set(managed)
        said = "counts only" if alone else "says something else"
        findings.append(
            {
                "severity": "warning",
                "code": "overridden",
                "message": f"What stands there for the profile {one.profile} {said}: {', '.join(map('.'.join, differs))}.",
                "remedy": "Leave these keys to the document without a profile, or to a file of the profile's own.",
            }
        )
    return findings

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relays' own certificates, each once, and how long they last."""

from __future__ import annotations

import datetime
import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

__all__ = ("Leaf", "end_of", "leaves")

_NAME = re.compile(r"(?:^|,)CN=((?:\\.|[^,\\])*)")


class Leaf(t.NamedTuple):
    """One certificate. ``days_left`` counts from the latest record; below zero it has ended."""

    sha256: str
    name: str
    until: str  # the day
    ends: float  # seconds since the epoch
    days_left: int
    subjects: tuple[str, ...]


def leaves(report: Report) -> list[Leaf]:
    """The first certificate of each chain that was seen; the one that ends first stands first."""
    if not report.last:
        return []
    now = datetime.datetime.fromisoformat(report.last)
    found: dict[str, tuple[dict[str, t.Any], set[str]]] = {}
    for row in report.rows():
        chain = report.values[row.certificates]
        if chain:
            found.setdefault(str(chain[0].get("sha256")), (chain[0], set()))[1].add(report.subject(row))
    listed = []
    for digest, (leaf, subjects) in found.items():
        ends = end_of([leaf])
        if ends is None:
            continue
        named = _NAME.search(str(leaf.get("subject")))
        name = named[1] if named else str((leaf.get("sans") or ["without a name"])[0])
        # "1 day ago" is -1, as the sentences on it count; and what is over is below zero.
        days = (ends - now).days if ends >= now else min(-1, -(now - ends).days)
        listed.append(Leaf(digest, name, f"{ends:%Y-%m-%d}", ends.timestamp(), days, tuple(sorted(subjects))))
    return sorted(listed, key=lambda one: (one.ends, one.name))


def end_of(chain: Sequence[Mapping[str, t.Any]]) -> datetime.datetime | None:
    """When the relay's own certificate ends, the first of its chain; null where there is none, or no date in it."""
    if not chain:
        return None
    try:
        found = datetime.datetime.fromisoformat(str(chain[0].get("not_after")).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)

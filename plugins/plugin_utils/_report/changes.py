# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed since the report before: what broke, what healed, and what is another one now."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row

__all__ = ("KINDS", "Change", "changes")

# In the order in which they are told.
KINDS: t.Final = {
    "broke": "Broke",
    "healed": "Healed",
    "cause": "Another cause",
    "certificate": "Another certificate",
    "mode": "Another mode",
    "address": "Other addresses",
    "capabilities": "Other capabilities",
    "new": "New",
    "gone": "No longer asked",
}
_BAD = ("fails", "no_verdict", "unreachable")
_GOOD = ("works", "attention")


class Change(t.NamedTuple):
    """One difference of one host and endpoint; ``was`` and ``now`` are words for a person."""

    kind: str
    host: str
    subject: str
    was: str
    now: str


def changes(before: Report, after: Report) -> list[Change]:
    """Every difference, by kind and in the order of the later report."""
    old = {(before.host(row), before.subject(row)): row for row in before.rows()}
    found: list[Change] = []
    seen = set()
    for row in after.rows():
        key = after.host(row), after.subject(row)
        seen.add(key)
        if key not in old:
            found.append(Change("new", *key, "", _verdict(row)))
        else:
            found += (Change(kind, *key, was, now) for kind, was, now in _differences(before, old[key], after, row))
    found += (Change("gone", *key, _verdict(row), "") for key, row in old.items() if key not in seen)
    order = list(KINDS)
    return sorted(found, key=lambda one: order.index(one.kind))


def _differences(before: Report, was: Row, after: Report, now: Row) -> t.Iterator[tuple[str, str, str]]:
    if was.state in _GOOD and now.state in _BAD:
        yield "broke", _verdict(was), _verdict(now)
    elif was.state in _BAD and now.state in _GOOD:
        yield "healed", _verdict(was), _verdict(now)
    elif (was.cause or was.state) != (now.cause or now.state) and was.state in _BAD:
        yield "cause", _verdict(was), _verdict(now)
    for kind, words in (
        ("certificate", _leaf),
        ("mode", _mode),
        ("address", _addresses),
        ("capabilities", _capabilities),
    ):
        old, new = words(before, was), words(after, now)
        # Where nothing was seen, nothing has changed.
        if old and new and old != new:
            yield kind, *_short(old, new)


def _verdict(row: Row) -> str:
    return row.cause or row.state.replace("_", " ")


def _leaf(report: Report, row: Row) -> str:
    chain = report.values[row.certificates]
    if not chain:
        return ""
    return f"{chain[0].get('subject')} until {chain[0].get('not_after')} ({str(chain[0].get('sha256'))[:12]})"


def _mode(_report: Report, row: Row) -> str:
    return row.mode or ""


def _addresses(report: Report, row: Row) -> str:
    return ", ".join(sorted(one["address"] for one in report.values[row.addresses]))


def _capabilities(report: Report, row: Row) -> str:
    both = report.values[row.capabilities]
    offered = both.get("after_tls") or both.get("before_tls") or {}
    return "; ".join(sorted(" ".join([name, *words]) for name, words in offered.items()))


def _short(old: str, new: str) -> tuple[str, str]:
    """Of two lists only what differs."""
    if "; " not in old + new:
        return old, new
    before, after = old.split("; "), new.split("; ")
    return (
        "; ".join(one for one in before if one not in after) or "none of these",
        "; ".join(one for one in after if one not in before) or "none of these",
    )

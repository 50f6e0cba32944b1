# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came out of stored verdicts, as data and as the lines of a table. Pure."""

from __future__ import annotations

import textwrap
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.statement import Statement, hosts_words
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally

__all__ = ("summary",)

_WIDTH = 100
_NAMED = 8


def summary(
    tally: Tally,
    failing: Mapping[tuple[str, ...], Record],
    statements: Sequence[Statement],
    changes: Sequence[Change],
    wrong: Sequence[Mapping[str, t.Any]],
) -> dict[str, t.Any]:
    """The keys of a result; ``table`` is for the screen, all else is data."""
    counts = dict(tally.counts())
    lines = [*tally.lines(), *_statements(statements), *_changes(changes), *_wrong(wrong)]
    tally.close()
    hosts = sum(counts.values())
    fails = counts.get("fails", 0)
    return {
        "counts": counts,
        "failing": [
            {
                "host": one.host,
                "subject": one.subject,
                "endpoint": one.endpoint,
                "cause": one.cause,
                "layer": one.layer,
                "message": one.message,
                "remedy": one.remedy,
            }
            for one in failing.values()
        ],
        "causes": [one.as_dict() for one in statements],
        "changes": [{**asdict(one), "message": one.sentence} for one in changes],
        "unreadable": list(wrong),
        "table": lines,
        "msg": f"Mail does not work from {fails} of {hosts_words(hosts)}." if hosts else "There is no record to judge.",
    }


def _statements(statements: Sequence[Statement]) -> Iterator[str]:
    if statements:
        yield from ("", "Across hosts:")
    for one in statements:
        yield from textwrap.wrap(
            f"{one.statement} {one.remedy}", _WIDTH, initial_indent=f"  {one.code}: ", subsequent_indent="    "
        )
        if one.contradicted_by:
            yield f"    against it: {_names(one.contradicted_by)}"


def _changes(changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield from ("", "Since the run before:")
    for one in changes:
        yield from textwrap.wrap(
            f"{one.sentence} {_names(one.hosts)}", _WIDTH, initial_indent="  ", subsequent_indent="    "
        )


def _wrong(wrong: Sequence[Mapping[str, t.Any]]) -> Iterator[str]:
    if wrong:
        yield ""
    for one in wrong:
        yield f"{one['path']} line {one['line']}: {one['message']}"


def _names(hosts: Sequence[str]) -> str:
    more = len(hosts) - _NAMED
    return ", ".join(hosts) if more <= 1 else f"{', '.join(hosts[:_NAMED])} and {more} more"

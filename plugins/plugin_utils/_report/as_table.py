# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a table of a terminal: one line for each host and endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row

__all__ = ("as_table", "short_table", "table_lines")

# What a screen takes.
_MOST_LINES = 200
# How many letters a column takes; a longer name is shown whole, and moves its own line alone.
_WIDEST = 60


def as_table(report: Report, notes: Sequence[str] = ()) -> Iterator[str]:
    """All lines, each with its line end; ``notes`` (what the reader must know) come first."""
    yield from (f"{line}\n" for line in (*map(printable_text, notes), *table_lines(report, report.rows())))


def table_lines(report: Report, rows: Sequence[Row]) -> list[str]:
    """The head, and a line for each of the rows: host, relay, mode, verdict, cause."""
    found = [("host", "relay", "mode", "", "cause"), *(_columns(report, row) for row in rows)]
    # One name of a thousand letters does not push all others aside.
    longest = [max(len(one[place]) for one in found if len(one[place]) <= _WIDEST) for place in range(4)]
    widths = [max(pair) for pair in zip(longest, (20, 26, 13, 6))]
    return [" ".join([*(one[place].ljust(widths[place]) for place in range(4)), one[4]]).rstrip() for one in found]


def short_table(report: Report) -> list[str]:
    """The table as far as a screen takes it: of a large fleet what does not simply work, and how much there is besides."""
    rows = report.rows()
    if len(rows) <= _MOST_LINES:
        return table_lines(report, rows)
    seen = [row for row in rows if row.state != "works"]
    lines = table_lines(report, seen[:_MOST_LINES])
    if seen[_MOST_LINES:]:
        lines.append(f"... and {len(seen) - _MOST_LINES} more like these")
    return [*lines, f"... and {len(rows) - len(seen)} that work"]


def _columns(report: Report, row: Row) -> tuple[str, str, str, str, str]:
    if row.state in ("works", "attention"):
        verdict, said = "works", ", ".join(one["code"] for one in report.values[row.findings]) or (row.cause or "")
    elif row.state == "other_port":
        verdict, said = "-", f"{row.cause} (another port works)"
    elif row.state == "unreachable":
        verdict, said = "FAILS", "host not reached"
    else:
        verdict, said = "FAILS", row.cause or report.values[row.message] or row.state.replace("_", " ")
    return report.host(row), report.subject(row) or "?", row.asked or "-", verdict, said

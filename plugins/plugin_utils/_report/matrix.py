# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of hosts by endpoints of the page, and the filters above it.

Every fifty hosts are a table of their own, so that a browser draws only those in sight. Up to eight endpoints have a
column each; of more, a host's own are listed behind its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report, Row, natural
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.text import text

__all__ = ("Matrix", "filters", "kind_of", "matrix", "short_labels")

_MOST_COLUMNS = 8
_TOGETHER = 50
_STATE_WORDS = {
    "works": "works",
    "attention": "works, with a warning",
    "unreachable": "not reached",
    "not_asked": "not asked",
    "no_verdict": "no verdict",
    "fails": "fails",
    "other_port": "another port works",
}


class Matrix:
    """The rows of a report by host; the hosts that need somebody come first, alike ones together."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.rows = report.rows()
        self.of: dict[int, list[Row]] = {}
        for row in self.rows:
            self.of.setdefault(row.source, []).append(row)
        self.columns = len(report.subjects) <= _MOST_COLUMNS
        if not self.columns:
            # In a list what fails comes first; in columns the place is that of the endpoint.
            for rows in self.of.values():
                rows.sort(key=lambda row: STATES.index(row.state))
        self.sources = sorted(self.of, key=self._order)

    def worst(self, source: int) -> Row:
        """The row that decides how a host stands."""
        return min(self.of[source], key=lambda row: STATES.index(row.state))

    def _order(self, source: int) -> tuple[object, ...]:
        row = self.worst(source)
        return STATES.index(row.state), row.cause or "", natural(self.report.sources[source].label)


def kind_of(row: Row) -> str:
    """The class that gives a cell its colour and letters: a layer where it fails, else the state."""
    if row.state != "fails":
        return row.state
    return row.layer if row.layer in LAYERS else "other"


def short_labels(subjects: Sequence[str]) -> list[str]:
    """What tells the endpoints apart in little space: the port, the relay's first word and the port, or all."""
    ports = [f":{one.rpartition(':')[2]}" for one in subjects]
    words = [f"{one.split('.')[0][:12]}{port}" if ":" in one else one for one, port in zip(subjects, ports)]
    for labels in (ports, words):
        if len(set(labels)) == len(subjects) and all(":" in one for one in subjects):
            return labels
    return list(subjects)


# -- filters


def filters(table: Matrix) -> Iterator[str]:
    """A form that page.js shows; without it there is nothing to filter with."""
    report = table.report
    groups = Counter(group for row in table.rows for group in set(report.values[row.groups]))
    causes = Counter(row.cause for row in table.rows if row.cause)
    for row in table.rows:
        causes.update({one["code"] for one in report.values[row.findings] if one["severity"] != "info"})
    families = {str(one["family"]) for row in table.rows for one in report.values[row.addresses]}
    yield "<form class=filters id=filters role=search aria-label='Filter the hosts' hidden>\n"
    yield "<label>Host<input type=search name=text placeholder='part of a name' autocomplete=off></label>\n"
    bad = [("bad", "fails or unknown"), *((one, _STATE_WORDS[one]) for one in STATES)]
    present = {row.state for row in table.rows}
    yield _select("state", "Verdict", [one for one in bad if one[0] == "bad" or one[0] in present])
    if groups:
        yield _select("group", "Group", [(one, f"{one} ({groups[one]})") for one in sorted(groups, key=natural)])
    if causes:
        yield _select("cause", "Cause", [(one, f"{_words(one)} ({count})") for one, count in causes.most_common()])
    if len(report.subjects) > 1:
        yield _select("relay", "Relay", [(one, one) for one in sorted(report.subjects, key=natural)])
    if len(families) > 1:
        yield _select("family", "Addresses", [("4", "IPv4"), ("6", "IPv6")])
    yield "<button type=reset>Show all</button>\n<output id=count role=status></output>\n</form>\n"


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    listed = "".join(f'<option value="{text(value)}">{text(shown)}' for value, shown in options)
    return f"<label>{label}<select name={name}><option value=''>all{listed}</select></label>\n"


# -- the tables


def matrix(table: Matrix) -> Iterator[str]:
    """The tables, in parts."""
    subjects = table.report.subjects
    columns = table.columns
    yield "<div class=matrix id=matrix>\n"
    if columns:
        heads = "".join(
            f"<span class=long>{text(one)}</span><span class=short>{text(short)}</span>"
            for one, short in zip(subjects, short_labels(subjects))
        )
        yield f"<div class=columns aria-hidden=true><span>Host</span>{heads}</div>\n"
    heads = "".join(f"<th scope=col>{text(one)}" for one in subjects) if columns else "<th scope=col>Endpoints"
    cols = "<col>" * ((len(subjects) if columns else 1) + 1)
    for start in range(0, len(table.sources), _TOGETHER):
        part = table.sources[start : start + _TOGETHER]
        yield (
            f"<div class=some><table><caption>Hosts {start + 1} to {start + len(part)}</caption><colgroup>{cols}</colgroup>"
            f"<thead><tr><th scope=col>Host{heads}</thead><tbody>\n"
        )
        for source in part:
            name = text(table.report.sources[source].label)
            cells = _cells(table, source) if columns else _listed(table, source)
            yield f"<tr><th scope=row title='{name}'>{name}{cells}\n"
        yield "</tbody></table></div>\n"
    yield "<p class=empty id=nothing hidden>No host fits. Show all, or choose less.</p>\n</div>\n"


def _cells(table: Matrix, source: int) -> str:
    rows = table.of[source]
    count = len(table.report.subjects)
    if rows[0].subject is None and len(rows) > 1:
        # What is about the host as a whole has no column.
        return _listed(table, source, count)
    if rows[0].subject is None:
        return f"<td colspan={max(count, 1)} class=x-{kind_of(rows[0])}>{text(_said(table, rows[0]))}"
    by_subject = {row.subject: row for row in rows}
    return "".join(
        f"<td class=x-{kind_of(by_subject[one])}>{text(_said(table, by_subject[one]))}" if one in by_subject else "<td>"
        for one in range(count)
    )


def _listed(table: Matrix, source: int, columns: int = 1) -> str:
    chips = "".join(f"<li class=x-{kind_of(row)}>{text(_chip(table, row))}" for row in table.of[source])
    wide = f" colspan={columns}" if columns > 1 else ""
    return f"<td{wide} class=list><ul class=chips>{chips}</ul>"


def _chip(table: Matrix, row: Row) -> str:
    subject = table.report.subject(row)
    return f"{subject} {_said(table, row)}".strip() if row.state != "works" else f"{subject} works"


def _said(table: Matrix, row: Row) -> str:
    """A cell in words."""
    if row.cause:
        return _words(row.cause)
    if row.state == "attention":
        codes = [one["code"] for one in table.report.values[row.findings] if one["severity"] != "info"]
        return _words(codes[0]) if codes else "works elsewhere"
    return _STATE_WORDS[row.state]


def _words(code: str) -> str:
    return code.replace("_", " ")

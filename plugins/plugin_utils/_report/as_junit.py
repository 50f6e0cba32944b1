# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JUnit XML, for a CI system that stops at a failure: a suite for each endpoint, a case for each host.

What fails is a failure; a host that was not reached, whose task broke, or of which nothing came back (a missing slice),
an error; what nobody asked is skipped, and so is a port that was looked at and does not work where another one of the
relay does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.text import text

__all__ = ("as_junit",)

_KINDS = {
    "fails": "failures",
    "no_verdict": "errors",
    "unreachable": "errors",
    "not_asked": "skipped",
    "other_port": "skipped",
}


def as_junit(report: Report) -> Iterator[str]:
    """The document in parts."""
    suites: dict[str, list[Row]] = {}
    for row in report.rows():
        suites.setdefault(report.subject(row) or "no endpoint", []).append(row)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="mailops.smtp" {_counted([row for rows in suites.values() for row in rows])}>\n'
    for name, rows in suites.items():
        yield f'  <testsuite name="{text(name)}" {_counted(rows)} timestamp="{text(report.last[:19])}">\n'
        for row in rows:
            yield _case(report, row, name)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _kind(row: Row) -> str:
    return "errors" if row.absent else _KINDS.get(row.state, "")


def _counted(rows: list[Row]) -> str:
    kinds = Counter(_kind(row) for row in rows)
    counts = " ".join(f'{kind}="{kinds[kind]}"' for kind in ("failures", "errors", "skipped"))
    seconds = sum(row.elapsed_ms or 0 for row in rows) / 1000
    return f'tests="{len(rows)}" {counts} time="{seconds:.3f}"'


def _case(report: Report, row: Row, suite: str) -> str:
    host = report.host(row)
    open_tag = f'    <testcase classname="{text(suite)}" name="{text(host)}" time="{(row.elapsed_ms or 0) / 1000:.3f}"'
    message, remedy = report.values[row.message], report.values[row.remedy]
    if row.state == "attention":
        said = "\n".join(f"{one['code']}: {one['message']}" for one in report.values[row.findings])
        return f"{open_tag}><system-out>{text_of_lines(said)}</system-out></testcase>\n"
    if row.state == "works":
        return f"{open_tag}/>\n"
    if _kind(row) == "skipped":
        why = message or "not asked"
        why = f"Another port of this relay works. {why}" if row.state == "other_port" else why
        return f'{open_tag}><skipped message="{text(why)}"/></testcase>\n'
    tag = "failure" if row.state == "fails" else "error"
    kind = row.cause or row.state
    return (
        f'{open_tag}><{tag} type="{text(kind)}" message="{text(message or kind)}">'
        f"{text(remedy or message or kind)}</{tag}></testcase>\n"
    )


def text_of_lines(found: str) -> str:
    """Several lines, each of them a text."""
    return "\n".join(text(line) for line in found.split("\n"))

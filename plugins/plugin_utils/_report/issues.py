# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CI systems are told of a report: one issue for each host that fails, and one for each finding."""

from __future__ import annotations

import typing as t
import urllib.parse
from collections import Counter
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row

__all__ = ("STATES", "Issue", "issues")

Level = t.Literal["note", "warning", "error"]

_LEVELS: t.Final[dict[str, Level]] = {"info": "note", "warning": "warning", "error": "error"}
# What is said of a host that has no verdict with a message of its own.
STATES: t.Final[dict[str, str]] = {
    "unreachable": "The host was not reached.",
    "no_verdict": "The task broke before there was a verdict.",
    "fails": "The settings do not fit.",
}


class Issue(t.NamedTuple):
    """One thing to look at. ``subject`` is the endpoint, if any; ``number`` counts what has the same name and code, from 0."""

    code: str
    level: Level
    host: str
    subject: str
    text: str
    number: int

    @property
    def name(self) -> str:
        """Host and endpoint."""
        return f"{self.host}/{self.subject}" if self.subject else self.host

    @property
    def path(self) -> str:
        """A relative path, for systems that know only files; no host's name leads out of its folder."""
        parts = [urllib.parse.quote(part, safe="") for part in (self.host, self.subject) if part]
        return "/".join(["hosts", *(part.replace(".", "%2E") if part.strip(".") == "" else part for part in parts)])

    @property
    def key(self) -> str:
        """The same in each report, for as long as the issue is there."""
        return f"{self.name} {self.code}{f' {self.number}' if self.number else ''}"


def issues(report: Report) -> Iterator[Issue]:
    """The issues in the order of the hosts."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in report.rows():
        host, subject = report.host(row), report.subject(row)
        where = f"{host}: {subject}: " if subject else f"{host}: "
        for code, level, message, remedy in _of(report, row):
            number = counted[host, subject, code]
            yield Issue(code, level, host, subject, f"{where}{message} {remedy or ''}".strip(), number)
            counted[host, subject, code] += 1


def _of(report: Report, row: Row) -> Iterator[tuple[str, Level, str, str | None]]:
    """Code, level, message and remedy."""
    message, remedy = report.values[row.message], report.values[row.remedy]
    if row.state in STATES:
        yield row.cause or row.state, "error", message or STATES[row.state], remedy
    elif row.state == "other_port":
        # Of all ports that were looked at, some need not be there.
        level: Level = "note" if row.layer == "tcp" else "warning"
        yield row.cause or row.state, level, f"{message} Another port of this relay works.", remedy
    for one in report.values[row.findings]:
        yield one["code"], _LEVELS.get(one["severity"], "warning"), one["message"], one["remedy"]

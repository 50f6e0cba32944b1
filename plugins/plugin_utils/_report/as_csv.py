# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as CSV (RFC 4180): one line for each host and endpoint, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row

__all__ = ("COLUMNS", "as_csv")

COLUMNS = (
    "host", "endpoint", "state", "layer", "cause", "message", "remedy", "findings", "security", "security_observed",
    "tls_version", "certificate_subject", "certificate_not_after", "certificate_sha256", "addresses", "elapsed_ms",
    "groups", "time",
)  # fmt: skip
# With these a spreadsheet takes a text for a formula, also in their full-width forms, and behind spaces.
_FORMULA = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")


def as_csv(report: Report) -> Iterator[str]:
    """The lines, the first one with the columns' names."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for values in (COLUMNS, *(_values(report, row) for row in report.rows())):
        writer.writerow([_safe(one) for one in values])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _values(report: Report, row: Row) -> tuple[str | float | None, ...]:
    value = report.values
    leaf = (value[row.certificates] or [{}])[0]
    return (
        report.host(row),
        report.subject(row),
        row.state,
        row.layer,
        row.cause,
        value[row.message],
        value[row.remedy],
        " ".join(one["code"] for one in value[row.findings]),
        row.asked,
        row.mode,
        value[row.tls].get("version"),
        leaf.get("subject"),
        leaf.get("not_after"),
        leaf.get("sha256"),
        " ".join(one["address"] for one in value[row.addresses]),
        row.elapsed_ms,
        " ".join(value[row.groups]),
        row.time,
    )


def _safe(value: str | float | None) -> str | float:
    """A text that no spreadsheet takes for a formula: with an apostrophe in front where it would."""
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip().startswith(_FORMULA):
        return f"'{value}"
    return value

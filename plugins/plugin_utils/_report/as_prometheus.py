# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in Prometheus' text format, for node_exporter's textfile collector.

The times of the probes are not in front of the values: that collector refuses them. ``mailops_smtp_report_timestamp_seconds`` tells
how old they are. No label holds a sentence or a time, so that a series lives as long as its host and endpoint.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.chains import end_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report, Row

__all__ = ("as_prometheus",)

_Sample = tuple[dict[str, str], float]
_UNSAFE = re.compile(r'[\\"\n]')


def as_prometheus(report: Report) -> Iterator[str]:
    """The metrics, each with its HELP and TYPE."""
    rows = report.rows()
    yield from _metric(
        "mailops_smtp_probe_success",
        "Whether mail works from this host through this relay (1) or not (0).",
        _up(report, rows),
    )
    yield from _metric(
        "mailops_smtp_probe_cause_info",
        "Why mail does not work from this host through this relay; only where it fails.",
        _causes(report, rows),
    )
    yield from _metric(
        "mailops_smtp_probe_finding_info",
        "What should be seen of this host and relay, besides whether mail works.",
        _warned(report, rows),
    )
    yield from _metric(
        "mailops_smtp_probe_duration_seconds",
        "How long the probe of this relay took from this host.",
        _durations(report, rows),
    )
    yield from _metric(
        "mailops_smtp_probe_certificate_not_after_timestamp_seconds",
        "When the certificate ends that this relay showed to this host.",
        _expiry(report, rows),
    )
    states = Counter(row.state for row in rows)
    yield from _metric(
        "mailops_smtp_probes", "Hosts and endpoints by verdict.", (({"state": one}, states[one]) for one in STATES)
    )
    last = datetime.datetime.fromisoformat(report.last).timestamp() if report.last else 0
    yield from _metric(
        "mailops_smtp_report_timestamp_seconds", "When the latest probe of the report was made.", [({}, last)]
    )


def _metric(name: str, what: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP {name} {what}\n# TYPE {name} gauge\n"
    told: set[str] = set()
    for labels, value in samples:
        listed = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        if listed in told:
            # A host may be named like another one with its vantage point; the collector refuses a file in which a series is there twice.
            continue
        told.add(listed)
        yield f"{name}{{{listed}}} {_number(value)}\n" if listed else f"{name} {_number(value)}\n"


def _escaped(value: str) -> str:
    return _UNSAFE.sub(lambda found: "\\n" if found[0] == "\n" else f"\\{found[0]}", value)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.4f}"


def _labels(report: Report, row: Row) -> dict[str, str]:
    """The relay, its port and its mode as asked; an app's file in place of them; or the host alone."""
    subject = report.subject(row)
    labels = {"host": report.host(row)}
    if subject in report.endpoints:
        relay, port = report.endpoints[subject]
        return {**labels, "relay": relay, "port": str(port), "security": row.asked}
    return {**labels, "app": subject} if subject else labels


def _up(report: Report, rows: list[Row]) -> Iterator[_Sample]:
    """What nobody asked is neither up nor down; nor is a port that was only looked at, where another one works."""
    for row in rows:
        if row.state not in ("not_asked", "other_port"):
            yield _labels(report, row), int(row.state in ("works", "attention"))


def _causes(report: Report, rows: list[Row]) -> Iterator[_Sample]:
    for row in rows:
        if row.state in ("fails", "no_verdict", "unreachable"):
            yield {**_labels(report, row), "cause": row.cause or row.state, "layer": row.layer or ""}, 1


def _warned(report: Report, rows: list[Row]) -> Iterator[_Sample]:
    for row in rows:
        for code in sorted({one["code"] for one in report.values[row.findings] if one["severity"] != "info"}):
            yield {**_labels(report, row), "finding": code}, 1


def _durations(report: Report, rows: list[Row]) -> Iterator[_Sample]:
    for row in rows:
        if row.elapsed_ms is not None:
            yield _labels(report, row), row.elapsed_ms / 1000


def _expiry(report: Report, rows: list[Row]) -> Iterator[_Sample]:
    for row in rows:
        ends = end_of(report.values[row.certificates])
        if ends is not None:
            yield _labels(report, row), ends.timestamp()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says first: each cause once, with its hosts, its evidence and what to do."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row, natural

__all__ = ("Statement", "fold", "missing", "other_ports", "statements", "warnings")

_WITHOUT_VERDICT = {
    "unreachable": "The host was not reached, so nothing was asked from it.",
    "no_verdict": "The task broke before there was a verdict.",
    "not_asked": "Nothing was asked from this host.",
}
_ADVICE = {
    "unreachable": "See that Ansible reaches the host (ansible -m ping), then run again.",
    "no_verdict": "Read what the task says in the run's own output, mend it, then run again.",
    "not_asked": "Where mail is meant to work, give the host its mail_config_settings.",
}
# Of a slice, or a host of it, of which nothing came back.
_ABSENT = "Run this part of the fleet again, and make the report of all files once more."


class Statement(t.NamedTuple):
    """One cause (or finding) of one endpoint. ``code`` is that of docs/causes.md, or the state of hosts without a verdict."""

    code: str
    layer: str | None
    subject: str
    message: str
    remedy: str
    hosts: tuple[str, ...]
    works_from: int  # hosts from which the same endpoint works
    evidence: tuple[str, ...]
    instead: tuple[str, ...]  # other ports that work, with the number of hosts


def statements(report: Report) -> list[Statement]:
    """Every cause once for each endpoint, that of most hosts first; hosts without a verdict come last."""
    grouped: dict[tuple[str, str | None, str], list[Row]] = {}
    working: Counter[str] = Counter()
    for row in report.rows():
        subject = report.subject(row)
        if row.state in ("works", "attention") and row.cause is None:
            working[subject] += 1
        elif row.state in _WITHOUT_VERDICT:
            # What was not asked is one thing whatever the endpoint, if the words are the same.
            grouped.setdefault((row.state, None, report.values[row.message]), []).append(row)
        elif row.state != "other_port":
            grouped.setdefault((row.cause or row.state, row.layer, subject), []).append(row)
    made = (_statement(report, code, layer, rows, working) for (code, layer, _what), rows in grouped.items())
    return sorted(_joined(made), key=lambda one: (one.code in _WITHOUT_VERDICT, -len(one.hosts), one.code, one.subject))


def other_ports(report: Report) -> list[Statement]:
    """Ports that were looked at and do not work, where another port of the relay does: each cause once for each."""
    grouped: dict[tuple[str, str | None, str], list[Row]] = {}
    for row in report.rows():
        if row.state == "other_port":
            grouped.setdefault((row.cause or row.state, row.layer, report.subject(row)), []).append(row)
    made = (_statement(report, code, layer, rows, Counter()) for (code, layer, _what), rows in grouped.items())
    return sorted(_joined(made), key=lambda one: (-len(one.hosts), one.code, one.subject))


def warnings(report: Report) -> list[Statement]:
    """What works and has a warning: each finding once for each endpoint; that of most hosts first."""
    grouped: dict[tuple[str, str], list[tuple[Row, dict[str, t.Any]]]] = {}
    for row in report.rows():
        for finding in report.values[row.findings] if row.state == "attention" else ():
            if finding["severity"] in ("warning", "error"):
                grouped.setdefault((finding["code"], report.subject(row)), []).append((row, finding))
    found = [
        Statement(
            code,
            None,
            subject,
            _usual(finding["message"] for _row, finding in rows),
            _usual(finding["remedy"] or "" for _row, finding in rows),
            tuple(report.host(row) for row, _finding in rows),
            0,
            (),
            (),
        )
        for (code, subject), rows in grouped.items()
    ]
    return sorted(found, key=lambda one: (-len(one.hosts), one.code, one.subject))


def missing(report: Report) -> list[str]:
    """A sentence for each part of a fleet of which nothing came back, such as a slice, with its hosts."""
    grouped: dict[str, list[str]] = {}
    for row in report.rows():
        if row.absent:
            grouped.setdefault(report.values[row.message], []).append(report.host(row))
    return [
        f"{message} {len(hosts)} {'host is' if len(hosts) == 1 else 'hosts are'} missing: {fold(hosts)}."
        for message, hosts in sorted(grouped.items(), key=lambda one: natural(one[0]))
    ]


def fold(hosts: t.Sequence[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(hosts[:most])
    return shown if len(hosts) <= most else f"{shown} and {len(hosts) - most} more"


def _statement(report: Report, code: str, layer: str | None, rows: list[Row], working: Counter[str]) -> Statement:
    subjects = {report.subject(row) for row in rows}
    subject = subjects.pop() if len(subjects) == 1 else ""
    message = _usual(report.values[row.message] for row in rows)
    remedy = _usual(report.values[row.remedy] for row in rows)
    return Statement(
        code,
        layer,
        subject,
        message or _WITHOUT_VERDICT.get(code, ""),
        remedy or (_ABSENT if rows[0].absent else _ADVICE.get(code, "")),
        tuple(report.host(row) for row in rows),
        working[subject],
        _evidence(report, rows),
        _instead(report, rows),
    )


def _joined(found: t.Iterable[Statement]) -> list[Statement]:
    """What fails with one cause from the very same hosts is one thing, whatever the endpoints."""
    by_hosts: dict[tuple[object, ...], list[Statement]] = {}
    for one in found:
        by_hosts.setdefault((one.code, one.layer, one.hosts), []).append(one)
    return [
        same[0]._replace(subject=", ".join(one.subject for one in same), works_from=min(one.works_from for one in same))
        for same in by_hosts.values()
    ]


def _usual(texts: t.Iterable[str]) -> str:
    return next(iter(Counter(texts).most_common(1)), ("", 0))[0]


def _evidence(report: Report, rows: list[Row]) -> tuple[str, ...]:
    """What was seen, of the first host that saw something; the others of a cause have seen the like."""
    row = max(rows[:200], key=lambda one: len(one.ms))
    found = []
    steps = report.values[row.steps]
    if steps:
        passed = [layer for layer, ok in steps if ok]
        broken = [layer for layer, ok in steps if not ok]
        found.append(f"{', '.join(passed) or 'nothing'} passed" + (f"; {broken[0]} did not" if broken else ""))
    addresses = [one["address"] for one in report.values[row.addresses] if one["ok"] is False]
    if addresses:
        found.append(f"failing addresses: {fold(addresses, 4)}")
    if report.values[row.greeting]:
        found.append(f"the relay said: {report.values[row.greeting]}")
    error = report.values[row.tls].get("verify_error")
    if error:
        found.append(f"verification: {error}")
    chain = report.values[row.certificates]
    if chain and row.layer in ("certificate", "tls", "mode"):
        leaf = chain[0]
        found.append(
            f"certificate: {leaf.get('subject')}, issued by {leaf.get('issuer')}, until {leaf.get('not_after')}"
        )
    return tuple(found)


def _instead(report: Report, rows: list[Row]) -> tuple[str, ...]:
    working: Counter[tuple[int, str]] = Counter()
    for row in rows:
        working.update({(one["port"], one["security"]) for one in report.values[row.alternatives] if one["ok"]})
    return tuple(
        f"port {port} ({security}) works from {count} of {len(rows)}"
        for (port, security), count in working.most_common(3)
    )

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JSON; ``report.schema.json`` beside this file says what is in it."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.causes import other_ports, statements, warnings
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.chains import leaves
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report, Row

__all__ = ("FORMAT", "as_json")

# Who changes a key changes this, and the schema.
FORMAT: t.Final = 1
# Null where nobody knows.
_OK = {"works": True, "attention": True, "fails": False, "other_port": False}


def as_json(report: Report, changes: Sequence[Change] | None, notes: Sequence[str] = ()) -> Iterator[str]:
    """The document in parts, a line for each host and endpoint."""
    rows = report.rows()
    states = Counter(row.state for row in rows)
    about = {
        "format": FORMAT,
        "first": report.first or None,
        "last": report.last or None,
        "notes": list(notes),
        "totals": {
            "hosts": len({row.source for row in rows}),
            "endpoints": len(report.subjects),
            "states": {state: states[state] for state in STATES},
        },
        "causes": [one.as_dict() for one in report.across],
        "hosts": list(_hosts(report, rows)),
        "endpoints": list(_endpoints(report, rows)),
        "failures": [one._asdict() for one in statements(report)],
        "warnings": [one._asdict() for one in warnings(report)],
        "other_ports": [one._asdict() for one in other_ports(report)],
        "certificates": [one._asdict() for one in leaves(report)],
        "chain": {str(one.get("sha256")): one for row in rows for one in report.values[row.certificates]},
        "changes": None
        if changes is None
        else [{**dataclasses.asdict(one), "sentence": one.sentence} for one in changes],
    }
    yield json.dumps(about, indent=1)[:-2] + ',\n "verdicts": [\n'
    comma = ""
    for row in rows:
        yield comma + json.dumps(_verdict(report, row))
        comma = ",\n"
    yield "\n ]\n}\n"


def _hosts(report: Report, rows: Sequence[Row]) -> Iterator[dict[str, t.Any]]:
    """Each host with the worst of its states."""
    worst: dict[int, Row] = {}
    for row in rows:
        worst[row.source] = min(worst.get(row.source, row), row, key=lambda one: STATES.index(one.state))
    for place, row in worst.items():
        source = report.sources[place]
        yield {
            "host": source.host,
            "vantage": source.vantage or None,
            "groups": report.values[row.groups],
            "state": row.state,
        }


def _endpoints(report: Report, rows: Sequence[Row]) -> Iterator[dict[str, t.Any]]:
    """Each relay's port, or app's file, with the number of hosts in each state."""
    states: dict[str, Counter[str]] = {}
    for row in rows:
        if row.subject is not None:
            states.setdefault(report.subject(row), Counter())[row.state] += 1
    for subject, counted in states.items():
        host, port = report.endpoints.get(subject, (None, None))
        yield {"subject": subject, "host": host, "port": port, "states": dict(counted)}


def _verdict(report: Report, row: Row) -> dict[str, t.Any]:
    value = report.values
    source = report.sources[row.source]
    subject = report.subject(row)
    host, port = report.endpoints.get(subject, (None, None))
    return {
        "host": source.host,
        "vantage": source.vantage or None,
        "groups": value[row.groups],
        "subject": subject or None,
        "endpoint": None if host is None else {"host": host, "port": port, "security": row.asked or None},
        "state": row.state,
        "ok": _OK.get(row.state),
        "layer": row.layer,
        "cause": row.cause,
        "message": value[row.message],
        "remedy": value[row.remedy],
        "security_observed": row.mode,
        "layers": [{"layer": layer, "ok": ok, "ms": ms} for (layer, ok), ms in zip(value[row.steps], row.ms)],
        "elapsed_ms": row.elapsed_ms,
        "tls": value[row.tls],
        "certificates": [str(one.get("sha256")) for one in value[row.certificates]],
        "capabilities": value[row.capabilities],
        "addresses": value[row.addresses],
        "greeting": value[row.greeting] or None,
        "findings": value[row.findings],
        "alternatives": value[row.alternatives],
        "time": row.time,
    }

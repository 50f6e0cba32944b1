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
        "across": [one.as_dict() for one in report.across],
        "causes": [one._asdict() for one in statements(report)],
        "warnings": [one._asdict() for one in warnings(report)],
        "other_ports": [one._asdict() for one in other_ports(report)],
        "certificates": [one._asdict() for one in leaves(report)],
        "chain": {str(one.get("sha256")): one for row in rows for one in report.values[row.certificates]},
        "changes": None
        if changes is None
        else [{**dataclasses.asdict(one), "sentence": one.sentence} for one in changes],
    }
    yield json.dumps(about, indent=1)[:-2] + ',\n "results": [\n'
    comma = ""
    for row in rows:
        yield comma + json.dumps(_result(report, row))
        comma = ",\n"
    yield "\n ]\n}\n"


def _result(report: Report, row: Row) -> dict[str, t.Any]:
    value = report.values
    source = report.sources[row.source]
    return {
        "host": source.host,
        "vantage": source.vantage or None,
        "groups": value[row.groups],
        "endpoint": report.subject(row) or None,
        "state": row.state,
        "layer": row.layer,
        "cause": row.cause,
        "message": value[row.message],
        "remedy": value[row.remedy],
        "security": row.asked or None,
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

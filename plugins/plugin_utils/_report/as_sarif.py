# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as SARIF 2.1.0, for CI systems that show results of analyses: a rule for each cause, a result for each host."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES, FINDINGS
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report, Row

__all__ = ("as_sarif",)

_HELP = "https://github.com/mailops/smtp/blob/HEAD/docs/causes.md"
_LEVELS = {"info": "note", "warning": "warning", "error": "error"}
_STATES = {
    "unreachable": "The host was not reached.",
    "no_verdict": "The task broke before there was a verdict.",
    "fails": "The settings do not fit.",
}


def as_sarif(report: Report) -> Iterator[str]:
    """The document in parts: one run, whose results are for hosts and endpoints."""
    results = [one for row in report.rows() for one in _results(report, row)]
    rules = [_rule(code) for code in sorted({one["ruleId"] for one in results})]
    driver = {"name": "mailops.smtp", "informationUri": "https://github.com/mailops/smtp", "rules": rules}
    yield '{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":'
    yield json.dumps({"driver": driver}) + ',"results":[\n'
    comma = ""
    for one in results:
        yield comma + json.dumps(one)
        comma = ",\n"
    yield "\n]}]}\n"


def _rule(code: str) -> dict[str, t.Any]:
    sentence = next((one.told for one in CAUSES if one.code == code and one.told), None)
    sentence = sentence or next((one.sentence for one in FINDINGS if one.code == code), None)
    words = code.replace("_", " ")
    return {
        "id": code,
        "name": "".join(one.capitalize() for one in code.split("_")),
        "shortDescription": {"text": words},
        "fullDescription": {"text": sentence or _STATES.get(code, words)},
        "helpUri": _HELP,
    }


def _results(report: Report, row: Row) -> Iterator[dict[str, t.Any]]:
    message, remedy = report.values[row.message], report.values[row.remedy]
    if row.state in _STATES:
        yield _result(report, row, row.cause or row.state, "error", message or _STATES[row.state], remedy)
    elif row.state == "other_port":
        # Of all ports that were looked at, some need not be there.
        level = "note" if row.layer == "tcp" else "warning"
        yield _result(
            report, row, row.cause or row.state, level, f"{message} Another port of this relay works.", remedy
        )
    for one in report.values[row.findings]:
        yield _result(report, row, one["code"], _LEVELS.get(one["severity"], "warning"), one["message"], one["remedy"])


def _result(report: Report, row: Row, code: str, level: str, message: str, remedy: str | None) -> dict[str, t.Any]:
    host, subject = report.host(row), report.subject(row)
    name = f"{host}/{subject}" if subject else host
    where = f"{host}: {subject}: " if subject else f"{host}: "
    return {
        "ruleId": code,
        "level": level,
        # Its text is no Markdown; brackets would be links in it.
        "message": {"text": f"{where}{message} {remedy or ''}".strip().replace("[", "(").replace("]", ")")},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": urllib.parse.quote(f"hosts/{name}")}},
                "logicalLocations": [{"name": host, "fullyQualifiedName": name, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"hostEndpointCause/v1": f"{name} {code}"},
    }

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as SARIF 2.1.0, for CI systems that show results of analyses: a rule for each cause, a result for each host."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES, FINDINGS
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.issues import STATES, Issue, issues
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

__all__ = ("as_sarif",)

_HELP = "https://github.com/mailops/smtp/blob/HEAD/docs/causes.md"


def as_sarif(report: Report) -> Iterator[str]:
    """The document in parts: one run, whose results are for hosts and endpoints."""
    found = list(issues(report))
    rules = [_rule(code) for code in sorted({one.code for one in found})]
    driver = {"name": "mailops.smtp", "informationUri": "https://github.com/mailops/smtp", "rules": rules}
    yield '{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":'
    yield json.dumps({"driver": driver}) + ',"results":[\n'
    comma = ""
    for one in found:
        yield comma + json.dumps(_result(one))
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
        "fullDescription": {"text": sentence or STATES.get(code, words)},
        "helpUri": _HELP,
    }


def _result(issue: Issue) -> dict[str, t.Any]:
    return {
        "ruleId": issue.code,
        "level": issue.level,
        # Its text is no Markdown; brackets would be links in it.
        "message": {"text": issue.text.replace("[", "(").replace("]", ")")},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": issue.path}},
                "logicalLocations": [{"name": issue.host, "fullyQualifiedName": issue.name, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"hostEndpointCause/v1": issue.key},
    }

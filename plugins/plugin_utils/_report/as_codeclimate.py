# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as GitLab's Code Quality report, a part of Code Climate's format: a list of issues, shown in a merge request."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._report.issues import Issue, issues
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

__all__ = ("as_codeclimate",)

_SEVERITIES = {"note": "info", "warning": "minor", "error": "critical"}


def as_codeclimate(report: Report) -> Iterator[str]:
    """The document in parts: an issue a line."""
    comma = "["
    for one in issues(report):
        yield comma + "\n" + json.dumps(_issue(one))
        comma = ","
    yield "[]\n" if comma == "[" else "\n]\n"


def _issue(issue: Issue) -> dict[str, t.Any]:
    return {
        "check_name": issue.code,
        "description": issue.text,
        "severity": _SEVERITIES[issue.level],
        "fingerprint": hashlib.sha256(issue.key.encode("utf-8", "surrogatepass")).hexdigest(),
        # There is no file; what shows the list wants one, and a line.
        "location": {"path": issue.path, "lines": {"begin": 1}},
    }

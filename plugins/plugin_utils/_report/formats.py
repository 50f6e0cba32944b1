# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report can be written as: the name of each output, its file, and who makes it. Add one by a row."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, nearest, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_codeclimate import as_codeclimate
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_csv import as_csv
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_json import as_json
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_junit import as_junit
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_prometheus import as_prometheus
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_sarif import as_sarif
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_table import as_table
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page import page
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.sources import listed

__all__ = ("FORMATS", "USUAL", "Format", "Told", "chosen")


class Told(t.NamedTuple):
    """All that an output may tell."""

    report: Report
    changes: Sequence[Change] | None  # null: there is no report before
    notes: Sequence[str]


class Format(t.NamedTuple):
    """One output."""

    file: str
    made: Callable[[Told], Iterator[str]]


FORMATS: t.Final[dict[str, Format]] = {
    "html": Format("index.html", lambda told: page(*told)),
    "json": Format("report.json", lambda told: as_json(*told)),
    "csv": Format("report.csv", lambda told: as_csv(told.report)),
    "junit": Format("junit.xml", lambda told: as_junit(told.report)),
    "prometheus": Format("metrics.prom", lambda told: as_prometheus(told.report)),
    "sarif": Format("report.sarif", lambda told: as_sarif(told.report)),
    "codeclimate": Format("gl-code-quality-report.json", lambda told: as_codeclimate(told.report)),
    "text": Format("report.txt", lambda told: as_table(told.report, told.notes)),
}

# What is written unless somebody says otherwise.
USUAL: t.Final = "html,json,csv,junit,prometheus"


def chosen(value: object, option: str) -> list[str]:
    """The names of formats, each once, also from a text with commas. Raises SettingsError."""
    names = listed(value, option)
    for name in names:
        if name not in FORMATS:
            near = nearest(name, list(FORMATS))
            advice = f"write {near}" if near else f"write some of {', '.join(FORMATS)}"
            raise SettingsError(f"{option} names {show(name)}, which is no format; {advice}.", option)
    return list(dict.fromkeys(names))

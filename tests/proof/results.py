# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen, as data: results.yml beside this file, which docs/apps-table.md and a test read."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.proof.relay import ALONE
from tests.proof.trials import Job, Row

__all__ = ["RESULTS", "merge", "result_of", "write"]

RESULTS = Path(__file__).resolve().parent / "results.yml"
HEAD = """\
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the apps' own clients did with what is written for the apps: made by tools/prove-apps, not by hand.
# modes: those in which every trial came out as the descriptor claims. logins: mechanisms that a relay may offer alone. every_change: CI
# tries it again on each.
---
"""


def result_of(jobs: Sequence[Job], seen: Mapping[str, str]) -> dict[str, t.Any]:
    """One entry of the file: the modes that hold, the logins that work, and what came out otherwise."""
    row = jobs[0].row
    parts = list(dict.fromkeys(job.trial.part for job in jobs))
    wrong = {
        part: [f"{job.trial.name}: {seen[job.id]}" for job in jobs if job.trial.part == part and seen[job.id]]
        for part in parts
    }
    return {
        "app": row.app,
        "form": row.form,
        "client": row.library,
        "version": row.version,
        "every_change": row.quick,
        "modes": [part for part in parts if part not in ALONE and not wrong[part]],
        "logins": [part for part in parts if part in ALONE and not wrong[part]],
        "differs": {part: wrong[part][0] for part in parts if part not in ALONE and wrong[part]},
    }


def merge(
    old: Sequence[dict[str, t.Any]], new: Sequence[dict[str, t.Any]], rows: Sequence[Row]
) -> list[dict[str, t.Any]]:
    """The new entries, and the old ones of clients that were not tried this time; rows that are gone go."""
    tried = {(one["app"], one["form"], one["client"]) for one in new}
    known = {(row.app, row.form, row.library) for row in rows}
    kept = [one for one in old if (key := (one["app"], one["form"], one["client"])) in known and key not in tried]
    return sorted([*kept, *new], key=lambda one: (one["app"], one["form"], one["client"], _numbers(one["version"])))


def _numbers(version: str) -> list[int]:
    return [int("".join(digit for digit in part if digit.isdigit()) or 0) for part in version.split(".")]


def write(results: Sequence[dict[str, t.Any]]) -> None:
    """Replace the file."""
    shown = [
        {name: value for name, value in one.items() if value or name not in ("differs", "every_change")}
        for one in results
    ]
    RESULTS.write_text(HEAD + yaml.safe_dump(shown, sort_keys=False, width=140), "utf-8")

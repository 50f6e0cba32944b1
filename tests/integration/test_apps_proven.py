# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The apps' own clients send with what is written for them, as docs/apps-table.md says: the quick ones of tools/prove-apps.

They run in a network namespace of their own, where the real ports belong to the test's relay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.proof.relay import Proving
from tests.proof.results import RESULTS
from tests.proof.rows import rows
from tests.proof.trials import Expected, Job, Trial, verdicts
from tests.support.postfix import Postfix
from tests.support.process import ROOT

QUICK = [row for row in rows() if row.quick]


@pytest.fixture(scope="module")
def seen() -> list[dict[str, t.Any]]:
    command = ["unshare", "--net", "--mount", "--", sys.executable, "-m", "tests.proof", "--quick", "--json"]
    found = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "src")}
    done = subprocess.run(command, cwd=ROOT, env=found, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    results: list[dict[str, t.Any]] = json.loads(done.stdout.splitlines()[-1])
    assert len(results) == len(QUICK), done.stderr
    return results


def _told(one: dict[str, t.Any]) -> tuple[t.Any, ...]:
    return one["app"], one["form"], one["client"], one["modes"], one["logins"], one.get("differs") or {}


@pytest.mark.parametrize("index", range(len(QUICK)), ids=[f"{one.app}-{one.form}-{one.client}" for one in QUICK])
def test_the_client_does_what_the_table_says(index: int, seen: list[dict[str, t.Any]]) -> None:
    kept = [_told(one) for one in yaml.safe_load(RESULTS.read_text()) if one.get("every_change")]
    assert _told(seen[index]) in kept, kept
    assert (seen[index]["app"], seen[index]["form"]) == (QUICK[index].app, QUICK[index].form)


def test_a_mail_that_no_client_says_to_have_sent_counts(tmp_path: Path) -> None:
    """Else no client could be seen to take a certificate with a wrong name: such a mail is expected by nobody."""
    arrived = tmp_path / "mail" / "new" / "1"
    arrived.parent.mkdir(parents=True)
    arrived.write_text("Received: from x (using TLSv1.3)\n\t(Authenticated sender: app)\nSubject: p1t2\n\nx\n")
    seen = Proving(t.cast(Postfix, SimpleNamespace(folder=tmp_path)), tmp_path).arrived([])
    trial = Trial("refuses a wrong name", "starttls", "starttls", "wrong.test", 587, True, Expected(False))
    job = Job("p1t2", QUICK[0], trial)
    assert verdicts(job, seen.get(job.id)) == "arrived over TLS, with a login"

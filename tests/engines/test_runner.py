# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate under ansible-runner: run, and transmit, worker, process, where slices run elsewhere and one does not come back."""

from __future__ import annotations

import json
import pathlib
import shutil

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

from tests.support.faulty import FaultyServer
from tests.support.pki import Pki

from .slices import HOSTS, SLICES, good, inventory, missing, private_data, run

GATE = "mailops.smtp.gate"


def events(folder: pathlib.Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in folder.glob("artifacts/*/job_events/*-*.json")]


def test_run(tmp_path: pathlib.Path) -> None:
    pki = Pki(tmp_path / "pki")
    with FaultyServer(good(pki)) as server:
        folder = private_data(tmp_path / "data", "all", inventory(server, pki))
        done = run("ansible-runner", "run", folder, "-p", GATE, "--ident", "all", "-q")
    assert done.returncode == 2, done.stdout.decode() + done.stderr.decode()
    failed = [one["event_data"] for one in events(folder) if one["event"] == "runner_on_failed"]
    assert [(one["host"], one["res"]["cause"]) for one in failed] == [(HOSTS[-1], "connection_refused")]
    records = list(read_file(str(folder / "artifacts/all/verdicts.jsonl")))
    assert sorted(one.host for one in records if isinstance(one, Record)) == HOSTS


def test_slices_elsewhere(tmp_path: pathlib.Path) -> None:
    """The first and the third slice come back; what the second one's worker sent breaks off."""
    pki, merged = Pki(tmp_path / "pki"), tmp_path / "merged"
    merged.mkdir()
    with FaultyServer(good(pki)) as server:
        for name, hosts in SLICES.items():
            data = private_data(tmp_path / f"data{name}", name, inventory(server, pki))
            sent = run("ansible-runner", "transmit", data, "-p", GATE, "--ident", name, "--limit", ",".join(hosts))
            assert sent.returncode == 0, sent.stderr.decode()
            came = run("ansible-runner", "worker", "--private-data-dir", tmp_path / f"work{name}", input=sent.stdout)
            back = came.stdout if name != "2" else came.stdout[: len(came.stdout) // 2]
            done = run("ansible-runner", "process", tmp_path / f"back{name}", "--ident", name, input=back)
            assert name == "2" or done.returncode == 0, done.stderr.decode()
            for path in (tmp_path / f"back{name}").glob(f"artifacts/{name}/verdicts.jsonl"):
                shutil.copy(path, merged / f"{name}.jsonl")
    told = missing(merged)
    assert told["msg"] == "There is nothing of slice 2. 2 hosts have no record: h1, h4."
    records = [one for path in merged.iterdir() for one in read_file(str(path)) if isinstance(one, Record)]
    found = {one.host: (one.state, one.ok, one.cause) for one in records}
    works, gone = ("asked", True, None), ("not_asked", None, None)
    assert found == {
        **dict.fromkeys(("h0", "h2", "h3"), works),
        **dict.fromkeys(("h1", "h4"), gone),
        "h5": ("asked", False, "connection_refused"),
    }

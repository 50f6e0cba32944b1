# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries the rows with the relay, and says what was seen.

    tools/prove-apps [--quick] [--only APP]... [--show]

Writes results.yml beside this file, which docs/apps-table.md shows. A row whose client is not installed keeps nothing: what
was not tried is not proven.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import typing as t
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import yaml

from tests.proof.native import NATIVE
from tests.proof.programs import COMPOSE, answers, version_of
from tests.proof.relay import Proving, proving_relay
from tests.proof.results import RESULTS, merge, result_of, write
from tests.proof.rows import rows
from tests.proof.trials import Job, Row, jobs_of, verdicts
from tests.support.process import Missing

__all__ = ["prove"]


def prove(chosen: Sequence[Row], relay: Proving, folder: Path, show: bool = False) -> list[dict[str, t.Any]]:
    """The results of these rows, in the shape of results.yml."""
    results = []
    jobs: list[list[Job]] = []
    for number, row in enumerate(chosen):
        try:
            version = version_of(row)
        except Missing as error:
            print(f"{row.app} {row.form} {row.library}: {error}", file=sys.stderr)
            continue
        jobs.append(jobs_of(replace(row, version=version), folder, relay.ca_file, number))
    said = _send([job for several in jobs for job in several], relay)
    sent = [job.id for several in jobs for job in several if said.get(job.id, {}).get("ok")]
    arrived = relay.arrived(sent)
    for several in jobs:
        seen = {job.id: verdicts(job, arrived.get(job.id)) for job in several}
        for job in several:
            if show or seen[job.id]:
                words = "" if job.id in arrived else str(said.get(job.id, {}).get("error", ""))
                where = f"{job.row.app} {job.row.form} {job.row.library} {job.row.version}"
                print(f"{where}: {job.trial.mode}, {job.trial.name}: {seen[job.id] or 'as claimed'} {words}"[:400])
        results.append(result_of(several, seen))
    return results


def _send(jobs: Sequence[Job], relay: Proving) -> dict[str, dict[str, t.Any]]:
    """Run every program once with its jobs, all at the same time as they mostly wait; what compose files hand over is read by
    compose's own parser first.
    """
    written = [job for job in jobs if not job.refused]
    carried = [job for job in written if job.row.form == "environment" and job.dialect == "compose"]
    parse = [{"id": job.id, "do": "parse", "dialect": "compose", "file": job.files[""]} for job in carried]
    environments = answers(COMPOSE, parse)
    said: dict[str, dict[str, t.Any]] = {}
    batches: dict[tuple[str, str], list[dict[str, t.Any]]] = {}
    natives: dict[str, list[Job]] = {}
    for job in written:
        if job.row.program == "native":
            natives.setdefault(job.row.client, []).append(job)
            continue
        message = job.as_message(relay.ca_file)
        if job in carried:
            if not environments[job.id]["ok"]:
                said[job.id] = environments[job.id]
                continue
            message["env"] = environments[job.id]["values"]
        batch = job.row.client if job.row.client == "synapse" else ""
        batches.setdefault((job.row.program, batch), []).append(message)
    with ThreadPoolExecutor(max_workers=8) as pool:
        sent = [pool.submit(answers, program, messages, relay.ca_file) for (program, _one), messages in batches.items()]
        sent += [pool.submit(_send_natives, several, relay) for several in natives.values()]
        for one in sent:
            said |= one.result()
    return said


def _send_natives(jobs: Sequence[Job], relay: Proving) -> dict[str, dict[str, t.Any]]:
    """The jobs of one program, one after the other: some have their files at one place."""
    return {job.id: _send_native(job, relay) for job in jobs}


def _send_native(job: Job, relay: Proving) -> dict[str, t.Any]:
    folder = Path(tempfile.mkdtemp(prefix="mailops-proof-"))
    try:
        words = NATIVE[job.row.client](job, folder, relay.ca_file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # The agents have their own ways to say that a mail went out; what the relay has counts.
    return {"ok": job.trial.expected.arrives, "error": words[-600:]}


def main() -> int:
    """Try them and write what was seen; 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(prog="tools/prove-apps", description="Send with what is written for each app.")
    parser.add_argument("--quick", action="store_true", help="only the rows that CI tries")
    parser.add_argument("--only", action="append", default=[], metavar="APP", help="this app (again for several)")
    parser.add_argument("--show", action="store_true", help="say of each trial how it went")
    parser.add_argument("--json", action="store_true", help="print the results, write nothing")
    options = parser.parse_args()
    chosen = [row for row in rows() if not (options.quick and not row.quick) and row.app in (options.only or [row.app])]
    folder = Path(tempfile.mkdtemp(prefix="mailops-proof-"))
    started = time.monotonic()
    try:
        with proving_relay(folder) as relay:
            results = prove(chosen, relay, folder, options.show)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        json.dump(results, sys.stdout)
        return 0
    old = yaml.safe_load(RESULTS.read_text()) if RESULTS.exists() else []
    write(merge(old, results, list(rows())))
    bad = [one for one in results if one.get("differs")]
    print(f"{len(results)} rows in {time.monotonic() - started:.0f} s, {len(bad)} of them not as claimed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size that was never asked: the real judge, the callback's file and table, and slices of it with one missing.

python -m tests.bench.simulate [--hosts 10000] [--endpoints 1] [--slices 4]     prints JSON; processor time, and peak memory
"""

from __future__ import annotations

import argparse
import json
import pathlib
import resource
import sys
import tempfile
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.slices import (
    files_of,
    found_in,
    missing_in,
    missing_records,
    parse_slices,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally

from tests.support.fleet import Fleet, chains_of_a_fleet


class Clock:
    """Processor time by what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def note(self, what: str) -> None:
        now = time.process_time()
        self.seconds[what] = self.seconds.get(what, 0.0) + now - self._last
        self._last = now


def megabytes() -> float:
    """The peak of this process's resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def simulate(folder: pathlib.Path, hosts: int, endpoints: int, slices: int) -> dict[str, t.Any]:
    """What it costs to judge, write, tell and merge; the last slice is lost."""
    fleet = Fleet(chains_of_a_fleet(folder), hosts=hosts, endpoints=endpoints)
    names = [host.name for host in fleet.hosts]
    shared = parse_slices(slices, names)
    slice_of = {host: name for name, some in shared.items() for host in some}
    clock, tally, before = Clock(), Tally(), megabytes()
    tally.expect(names)
    lines = 0
    for host in fleet.hosts:
        records: list[Record] = list(fleet.of_host(host, fleet.when))
        clock.note("judge")
        lines += append(str(folder / f"{slice_of[host.name]}.jsonl"), records)
        clock.note("write")
        for record in records:
            tally.add(record)
        clock.note("count")
    table = list(tally.lines())
    clock.note("table")
    size = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
    (folder / f"{slices}.jsonl").unlink()
    clock.note("")
    missing = missing_in(names, shared, found_in(files_of(f"{folder}/*.jsonl")))
    append(str(folder / "missing.jsonl"), missing_records(missing, {}, fleet.when.isoformat(), "bench"))
    clock.note("merge")
    return {
        "hosts": hosts,
        "records": lines,
        "seconds": {what: round(taken, 2) for what, taken in clock.seconds.items() if what},
        "bytes": size,
        "megabytes": round(megabytes(), 1),
        "megabytes_more": round(megabytes() - before, 1),
        "lines_of_table": len(table),
        "missing": missing.sentence,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulate")
    parser.add_argument("--hosts", type=int, default=10000)
    parser.add_argument("--endpoints", type=int, default=1)
    parser.add_argument("--slices", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailops-bench-") as folder:
        print(json.dumps(simulate(pathlib.Path(folder), options.hosts, options.endpoints, options.slices), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

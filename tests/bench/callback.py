# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the callback verdicts costs the controller: time for each host, and memory for 1,000 and for 10,000 hosts.

Each fleet is fed into a process of its own, as ansible-core would do it: the workers' hand-over, then the result.

tools/in-venv core-2.21 python -m tests.bench.callback
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import typing as t
from types import SimpleNamespace

FLEETS = (1000, 10000)


def _host(number: int, group: SimpleNamespace) -> SimpleNamespace:
    name = f"h{number:05}"
    return SimpleNamespace(get_name=lambda: name, get_groups=lambda: [group], vars={})


def feed(hosts: int, folder: pathlib.Path) -> dict[str, t.Any]:
    """Run the callback in this process; one host in ten was not reached, one in ten is never asked."""
    from ansible import constants as C
    from ansible_collections.mailops.smtp.plugins.callback.verdicts import CallbackModule
    from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet import handover
    from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.evidence import basis_of
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge

    from tests.support.fleet import FAULTS, Fleet, chains_of_a_fleet

    C.DEFAULT_LOCAL_TMP = str(folder)
    callback = CallbackModule()
    callback.get_option = {"verdicts_path": str(folder / "v.jsonl"), "verdicts_variables": ["provider"]}.__getitem__
    callback.set_options = lambda: None
    callback._path = str(folder / "v.jsonl")
    handover.begin(str(folder), ["provider"])
    group = SimpleNamespace(name="web", depth=1, priority=1, vars={})
    task = SimpleNamespace(
        resolved_action="mailops.smtp.smtp_gate", action="smtp_gate", _uuid="u1", loop=None, run_once=False,
        delegate_to=None, check_mode=False, get_name=lambda: "Ask", no_log=False,
    )  # fmt: skip
    known = {f"h{number:05}": _host(number, group) for number in range(hosts)}
    inventory = SimpleNamespace(get_hosts=lambda *_a, **_k: known.values(), get_host=known.get)
    manager = SimpleNamespace(_inventory=inventory)
    play = SimpleNamespace(
        _uuid="p1", hosts="all", pre_tasks=[], tasks=[task], post_tasks=[], roles=[], get_name=lambda: "Mail",
        get_variable_manager=lambda: manager,
    )  # fmt: skip
    fleet = Fleet(chains_of_a_fleet(folder), hosts=len(FAULTS)).plant(lambda host, _e: list(FAULTS)[int(host.name[1:])])
    bases = [basis for basis in map(basis_of, fleet.records()) if basis is not None]
    seen = [(handover.Seen([one.settings], [one]), {"probes": [judge(*one)], "alternatives": []}) for one in bases]
    callback.v2_playbook_on_play_start(play)
    began, before, spent = time.process_time(), _resident(), 0.0
    for number, host in enumerate(known.values()):
        if number % 10 == 9:
            continue
        if number % 10 == 8:
            result: t.Any = SimpleNamespace(host=host, task=task, result={"unreachable": True, "msg": "no route"})
            callback.v2_runner_on_unreachable(result)
            continue
        one, answer = seen[number % len(seen)]
        worker = time.process_time()
        handover.give("u1", host.get_name(), one, host.get_name(), {"group_names": ["web"], "provider": "blue"})
        spent += time.process_time() - worker
        callback.v2_runner_on_ok(SimpleNamespace(host=host, task=task, result=answer))
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        callback.v2_playbook_on_stats(None)
    used = time.process_time() - began - spent
    size = (folder / "v.jsonl").stat().st_size
    return {
        "hosts": hosts,
        "ms_each": round(1000 * used / hosts, 2),
        "worker_ms_each": round(1000 * spent / hosts, 2),
        "growth_mb": round((_resident() - before) / 1e6, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "file_mb": round(size / 1e6, 1),
        "table_lines": len(screen.getvalue().splitlines()),
    }


def _resident() -> int:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def main() -> int:
    """Print a table, and JSON beside it with --json."""
    if len(sys.argv) > 2:
        print(json.dumps(feed(int(sys.argv[1]), pathlib.Path(sys.argv[2]))))
        return 0
    rows = []
    for hosts in FLEETS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.bench.callback", str(hosts), folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    print(" ".join(f"{name:>15}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:>15}" for value in row.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

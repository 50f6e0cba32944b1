# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Measure, against a real Postfix on loopback and against relays that never stop talking.

Prints one table; build/bench.json holds the same. Needs root, for Postfix.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._diagnosis import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._probing import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._settings import parse_settings

from tests.support import faulty
from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# The probe may take this much longer than the shortest script.
LIMIT = 1.3
# Compiled modules are found where a first run left them, as on a host that has run Python before.
ENVIRONMENT = {**os.environ, "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "cache" / "bench"), "PYTHONPATH": str(ROOT / "build" / "src")}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)


def plan(host: str, port: int, security: str, ca_file: pathlib.Path, timeout: float = 10) -> dict[str, t.Any]:
    """What the controller tells the host about one endpoint."""
    settings = {"host": host, "port": port, "security": security, "ca_path": str(ca_file), "timeout": timeout, "helo_name": "bench.test"}
    return plan_of(parse_settings(settings, probed=True), Policy())


class Took(t.NamedTuple):
    """Seconds of wall time: of the whole process, and without Python's start and the imports."""

    process: float
    inside: float


def run(*arguments: object) -> tuple[Took, str]:
    """How long a Python process took, and what it printed. Raises CalledProcessError."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, *map(str, arguments)], env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True)
    process = time.monotonic() - started
    inside, _newline, rest = done.stdout.partition("\n")
    return Took(process, float(inside)), rest


def compare(rounds: int, **commands: tuple[object, ...]) -> dict[str, Took]:
    """The medians of every command, run in turn, so that a busy moment of the machine meets all of them."""
    taken: dict[str, list[Took]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            took, _output = run(*command)
            if number:  # the first round only warms up
                taken[name].append(took)
    return {name: Took(*map(statistics.median, zip(*all_of_it))) for name, all_of_it in taken.items()}


def healthy(relay: Postfix, ca_file: pathlib.Path, rounds: int) -> t.Iterator[dict[str, t.Any]]:
    """One endpoint beside the shortest script, and fifty endpoints in one call."""
    for mode, security in (("implicit", "implicit_tls"), ("starttls", "starttls")):
        port = relay.port(mode)
        one = plan(relay.host, port, security, ca_file)
        failures = json.loads(run(HERE / "probe.py", json.dumps([one]))[1])["failures"]
        if failures != ["None"]:
            raise SystemExit(f"the probe failed on a healthy relay: {failures}")
        medians = compare(rounds, script=(HERE / "script.py", mode, relay.host, port, ca_file), probe=(HERE / "probe.py", json.dumps([one])))
        for what, probe, script in (
            (f"one endpoint, {security}", medians["probe"].inside, medians["script"].inside),
            (f"the same, whole process, {security}", medians["probe"].process, medians["script"].process),
        ):
            ratio = probe / script
            yield {
                "what": what,
                "seconds": round(probe, 4),
                "beside": f"script {script:.4f} s, ratio {ratio:.2f}, at most {LIMIT}",
                "good": ratio <= LIMIT,
            }
        many = compare(max(rounds // 5, 3), probe=(HERE / "probe.py", json.dumps([one] * 50)))["probe"].inside
        times = many / medians["probe"].inside
        yield {"what": f"50 endpoints in one call, {security}", "seconds": round(many, 4), "beside": f"{times:.1f} times one", "good": True}


def hostile(ca_file: pathlib.Path, seconds: float) -> t.Iterator[dict[str, t.Any]]:
    """Relays that send without end: the deadline holds to a second, and memory stays where it was."""
    baseline = json.loads(run(HERE / "probe.py", "[]")[1])["megabytes"]
    floods = {
        "a greeting line without end": faulty.endless(),
        "greeting lines without end": faulty.endless(again=b"220-more and more and more\r\n" * 1000),
        "one byte a second": faulty.drip(),
        "silence": faulty.silent(),
    }
    for name, behaviour in floods.items():
        with faulty.FaultyServer(behaviour) as server:
            took, output = run(HERE / "probe.py", json.dumps([plan(server.host, server.port, "starttls", ca_file, timeout=seconds)]))
        grown = json.loads(output)["megabytes"] - baseline
        yield {
            "what": name,
            "seconds": round(took.inside, 4),
            "beside": f"timeout {seconds:g} s; {grown:+.1f} MB of memory above {baseline:.1f} MB",
            "good": took.inside < seconds + 1 and grown < 50,
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=25, help="runs of each command, the median counts")
    parser.add_argument("--timeout", type=float, default=4, help="timeout of the probes of hostile relays, seconds")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pki = Pki(pathlib.Path(folder))
        with Postfix([Listener("implicit"), Listener("starttls")], certificate=pki.issue("relay.test", ips=["127.0.0.1"])) as relay:
            measures = (healthy(relay, pki.ca_file, options.rounds), hostile(pki.ca_file, options.timeout))
            for measure in measures:
                for row in measure:
                    rows.append(row)
                    print(f"{'good' if row['good'] else 'POOR'}  {row['what']:<42} {row['seconds']:>8.4f} s   {row['beside']}", flush=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

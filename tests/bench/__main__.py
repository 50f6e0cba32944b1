# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Measure against a real Postfix on loopback, near and 50 ms away, and against relays that never stop.

Every figure is a median, beside a reference that was measured in turn with it. build/bench.json holds them too. Needs root, for Postfix.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import ssl
import statistics
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Iterator

from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix

from .fleet import costs
from .hostile import floods
from .measure import ROOT, alternate, plans, run, script
from .others import commands
from .tasks import tasks

# What a probe may take of the script's time.
LIMIT = 1.3
ROUND_TRIP = 0.05
MANY = 50
MOST = 500
# What so many endpoints in one call may take: seconds near and 50 ms away, and megabytes.
MANY_GOALS = {MANY: 0.5, MOST: 1.0}
MANY_MEGABYTES = 80
# Hosts of a play, and what a gate may take of the processor time that a ping takes on the controller.
FLEETS = (20, 200)
CONTROLLER_LIMIT = 1.05
# Hosts of a play with the role mail_config, and how often it may run a module on one.
ROLE_HOSTS, ROLE_RUNS = 10, 8
# Hostile relays: megabytes above a healthy one's probe, and seconds beyond the timeout.
MEGABYTES, LATE = 30, 1.0

MODES = {"implicit": "implicit_tls", "starttls": "starttls"}
Row = t.Dict[str, t.Any]


@contextlib.contextmanager
def far_away(host: str, port: int, seconds: float = ROUND_TRIP) -> Iterator[int]:
    """The port of a proxy that makes a relay this round trip away."""
    with subprocess.Popen(script("slow", seconds, host, port), stdout=subprocess.PIPE, text=True) as proxy:
        try:
            yield int(t.cast(t.TextIO, proxy.stdout).readline())
        finally:
            proxy.terminate()


def one_endpoint(relay: Postfix, ca_file: pathlib.Path, rounds: int) -> Iterator[Row]:
    """A probe beside the shortest script, both as whole processes."""
    for mode, security in MODES.items():
        near = relay.port(mode)
        failures = run(script("probe", plans(1, relay.host, near, security, ca_file)))[1].split()[1:]
        if failures != ["None"]:
            raise SystemExit(f"the probe failed on a healthy relay: {failures}")
        with far_away(relay.host, near) as far:
            medians = alternate(
                rounds,
                {
                    f"{name} {distance}": [command]
                    for distance, port in (("near", near), ("far", far))
                    for name, command in {
                        "probe": script("probe", plans(1, relay.host, port, security, ca_file)),
                        "script": script("script", mode, relay.host, port, ca_file),
                        "alone": script("script", mode, relay.host, port, ca_file, "alone"),
                    }.items()
                },
            )
        for distance, where in (("near", "near"), ("far", "50 ms away")):
            probe = medians[f"probe {distance}"]
            for name, what in (("script", "shortest script, same trust"), ("alone", "shortest script, CA file alone")):
                reference = medians[f"{name} {distance}"]
                ratio = probe.wall / reference.wall
                row = {
                    "what": f"{security}, {where}",
                    "seconds": probe.wall,
                    "cpu": probe.cpu,
                    "beside": what,
                    "reference": reference.wall,
                    "reference_cpu": reference.cpu,
                }
                yield row if name == "alone" else {**row, "good": ratio <= LIMIT, "wanted": f"at most {LIMIT}"}
        yield round_trips(relay, mode, security, ca_file, max(3, rounds // 3))


def round_trips(relay: Postfix, mode: str, security: str, ca_file: pathlib.Path, rounds: int) -> Row:
    """How many round trips a probe waits for: what a longer way adds, so that the work which is done during the first ones does not count."""
    port = relay.port(mode)
    ways = (ROUND_TRIP * 2, ROUND_TRIP * 4)
    with far_away(relay.host, port, ways[0]) as far, far_away(relay.host, port, ways[1]) as farther:
        medians = alternate(
            rounds,
            {
                name: [script("probe", plans(1, relay.host, to, security, ca_file))]
                for name, to in (("far", far), ("farther", farther))
            },
        )
    trips = (medians["farther"].wall - medians["far"].wall) / (ways[1] - ways[0])
    least = {"implicit": 4, "starttls": 6}[mode]
    return {
        "what": f"{security}, round trips",
        "count": trips,
        "wanted": f"{least} is the least",
        "good": trips < least + 0.5,
    }


def many_endpoints(relay: Postfix, ca_file: pathlib.Path, rounds: int) -> Iterator[Row]:
    """Many endpoints in one call, beside so many scripts one after the other and one process with a thread for each."""
    for mode, security in MODES.items():
        near = relay.port(mode)
        with far_away(relay.host, near) as far:
            for where, port, count in (("near", near, rounds), ("50 ms away", far, max(1, rounds // 2))):
                medians = alternate(
                    count,
                    {
                        "probe": [script("probe", plans(MANY, relay.host, port, security, ca_file))],
                        "threads": [script("threads", mode, relay.host, port, ca_file, MANY)],
                        "one by one": [script("script", mode, relay.host, port, ca_file)] * MANY,
                    },
                )
                probe = medians["probe"]
                for name, what in (
                    ("threads", f"{MANY} threads of the script"),
                    ("one by one", f"{MANY} scripts one by one"),
                ):
                    yield {
                        "what": f"{MANY} endpoints, {security}, {where}",
                        "seconds": probe.wall,
                        "cpu": probe.cpu,
                        "beside": what,
                        "reference": medians[name].wall,
                        "reference_cpu": medians[name].cpu,
                    }


def other_tools(relay: Postfix, ca_file: pathlib.Path, folder: pathlib.Path, rounds: int) -> Iterator[Row]:
    """A probe beside what else people ask a relay with, each as a whole process."""
    for mode, security in MODES.items():
        port = relay.port(mode)
        others = commands(relay.host, port, mode == "implicit", ca_file, folder)
        probe = script("probe", plans(1, relay.host, port, security, ca_file))
        medians = alternate(rounds, {name: [command] for name, command in {"probe": probe, **others}.items()})
        for name in others:
            yield {
                "what": f"{security}, near",
                "seconds": medians["probe"].wall,
                "cpu": medians["probe"].cpu,
                "beside": name,
                "reference": medians[name].wall,
                "reference_cpu": medians[name].cpu,
            }


def whole_tasks(relay: Postfix, ca_file: pathlib.Path, folder: pathlib.Path, rounds: int) -> Iterator[Row]:
    """Tasks of Ansible on localhost."""
    medians = tasks(relay.host, relay.port("implicit"), relay.port("starttls"), ca_file, folder, rounds)
    for name in ("smtp_gate, 465", "smtp_gate, 587"):
        for reference in ("ping", "wait_for and assert"):
            yield {
                "what": f"task {name}",
                "seconds": medians[name].wall,
                "cpu": medians[name].cpu,
                "beside": reference,
                "reference": medians[reference].wall,
                "reference_cpu": medians[reference].cpu,
            }


def most_endpoints(relay: Postfix, ca_file: pathlib.Path, rounds: int) -> Iterator[Row]:
    """Hundreds of endpoints in one call; what counts is the processor time of one, and that memory stays small."""
    for mode, security in MODES.items():
        medians = alternate(
            rounds,
            {
                str(number): [script("probe", plans(number, relay.host, relay.port(mode), security, ca_file))]
                for number in (1, MANY, MOST)
            },
        )
        one = medians["1"]
        for number in (MANY, MOST):
            several = medians[str(number)]
            yield {
                "what": f"{number} endpoints, {security}, each",
                "seconds": several.wall / number,
                "cpu": several.cpu / number,
                "beside": "one endpoint in a call of its own",
                "reference": one.wall,
                "reference_cpu": one.cpu,
            }


def waited(relay: Postfix, ca_file: pathlib.Path, rounds: int) -> Iterator[Row]:
    """How long one call with many endpoints waits, near and far, and its memory. Postfix and the way to it share this machine."""
    for mode, security in MODES.items():
        near = relay.port(mode)
        with far_away(relay.host, near) as far:
            for number, goal in MANY_GOALS.items():
                for where, port in (("near", near), ("50 ms away", far)):
                    asked = script("probe", plans(number, relay.host, port, security, ca_file), "memory")
                    # The time in the call, what failed, and the peak of its memory.
                    told = [run(asked)[1].split() for _round in range(rounds)]
                    seconds = statistics.median(float(words[0]) for words in told)
                    megabytes = statistics.median(int(words[-1]) / 1024 for words in told)
                    failures = {word for words in told for word in words[1:-1]}
                    yield {
                        "what": f"{number} endpoints, {security}, {where}",
                        "seconds": seconds,
                        "megabytes": megabytes,
                        "failure": ", ".join(sorted(failures)),
                        "wanted": f"at most {goal:g} s and {MANY_MEGABYTES} MB, and no failure",
                        "good": seconds <= goal and megabytes <= MANY_MEGABYTES and failures == {"None"},
                    }


def fleets(relay: Postfix, ca_file: pathlib.Path, folder: pathlib.Path, rounds: int) -> Iterator[Row]:
    """A gate beside a ping on so many hosts: processor time of the controller and of a host, and bytes that are sent."""
    gate = {"host": relay.host, "port": relay.port("starttls"), "security": "starttls", "ca_path": str(ca_file)}
    tasks = {
        "ping": {"ansible.builtin.ping": {}},
        "gate": {"mailops.smtp.smtp_gate": {**gate, "timeout": 60}},
    }
    for hosts in FLEETS:
        medians = costs(hosts, tasks, folder, max(1, rounds * FLEETS[0] // hosts))
        gate_cost, ping_cost = medians["gate"], medians["ping"]
        ratio = gate_cost.controller / ping_cost.controller
        yield {
            "what": f"gate on {hosts} hosts, controller",
            "ratio": ratio,
            "cpu": gate_cost.controller,
            "reference_cpu": ping_cost.controller,
            "wanted": f"at most {CONTROLLER_LIMIT}",
            "good": ratio <= CONTROLLER_LIMIT,
        }
        yield {
            "what": f"gate on {hosts} hosts, each host",
            "ratio": gate_cost.host / ping_cost.host,
            "cpu": gate_cost.host,
            "reference_cpu": ping_cost.host,
            "bytes": gate_cost.sent,
            "reference_bytes": ping_cost.sent,
        }


def whole_role(relay: Postfix, ca_file: pathlib.Path, folder: pathlib.Path, rounds: int) -> Iterator[Row]:
    """The role mail_config with one and with three apps, whose files it makes; for comparison a ping."""
    settings = {"host": relay.host, "port": relay.port("starttls"), "security": "starttls", "ca_path": str(ca_file)}
    place = "{{ playbook_dir }}/{{ inventory_hostname }}"
    apps = [
        {"app": "pangolin", "path": f"{place}.yml"},
        {"app": "grafana", "path": f"{place}.ini"},
        {"app": "vaultwarden", "path": f"{place}.env"},
    ]
    role = {"name": "mailops.smtp.mail_config"}
    told = {"mail_config_settings": {**settings, "sender": "app@relay.test", "timeout": 60}}
    tasks = {"ping": {"ansible.builtin.ping": {}}}
    for number in (1, len(apps)):
        given = {**told, "mail_config_apps": apps[:number]}
        tasks[f"role, {number} apps"] = {"ansible.builtin.include_role": role, "vars": given}
    medians = costs(ROLE_HOSTS, tasks, folder, rounds)
    ping = medians.pop("ping")
    for name, cost in medians.items():
        row = {
            "what": f"{name}, {ROLE_HOSTS} hosts, controller",
            "cpu": cost.controller,
            "reference_cpu": ping.controller,
        }
        yield {**row, "ratio": cost.controller / ping.controller}
        row = {"what": f"{name}, each host", "cpu": cost.host, "reference_cpu": ping.host}
        yield {**row, "ratio": cost.host / ping.host}
        wanted = f"runs of a module on a host, at most {ROLE_RUNS}"
        yield {"what": name, "count": cost.runs, "wanted": wanted, "good": cost.runs <= ROLE_RUNS}


def hostile(pki: Pki, timeout: float) -> Iterator[Row]:
    """Relays that never stop: the deadline holds, and memory stays near that of a healthy probe."""
    healthy = 0.0
    for flood in floods(pki, pki.ca_file, timeout):
        healthy = healthy or flood.megabytes
        yield {
            "what": flood.name,
            "seconds": flood.seconds,
            "megabytes": flood.megabytes,
            "failure": flood.failure,
            "wanted": f"below {timeout + LATE:g} s and {healthy + MEGABYTES:.0f} MB",
            "good": flood.seconds < timeout + LATE and flood.megabytes < healthy + MEGABYTES,
        }


def line(row: Row) -> str:
    """A row for people."""
    verdict = {True: "good", False: "POOR", None: ""}[row.get("good")]
    text = f"{verdict:<5} {row['what']:<38}"
    if "count" in row:
        return f"{text} {row['count']:8.2f}     {row['wanted']}"
    if "ratio" in row:
        text += f" {row['cpu']:8.4f} s   {row['ratio']:6.2f} times ping ({row['reference_cpu']:.4f} s), processor time"
        if "bytes" in row:
            text += f"; {row['bytes'] / 1000:.0f} kB sent beside {row['reference_bytes'] / 1000:.0f} kB"
        return f"{text}; {row['wanted']}" if "wanted" in row else text
    text += f" {row['seconds']:8.4f} s"
    if "reference" in row:
        text += f"   {row['seconds'] / row['reference']:6.2f} times {row['beside']} ({row['reference']:.4f} s)"
        text += f"; processor time {row['cpu'] / row['reference_cpu']:.2f} times"
    else:
        text += f"   {row['megabytes']:6.1f} MB, {row['failure']}"
    return f"{text}; {row['wanted']}" if "wanted" in row else text


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--rounds", type=int, default=21, help="runs of each command, the median counts; slow ones get fewer"
    )
    parser.add_argument("--timeout", type=float, default=4, help="timeout of the probes of hostile relays, seconds")
    parser.add_argument(
        "--only", choices=["one", "others", "many", "most", "tasks", "fleet", "role", "hostile"], help="one part"
    )
    options = parser.parse_args()
    few = max(3, options.rounds // 5)
    machine = {
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "openssl": ssl.OPENSSL_VERSION,
        "load": os.getloadavg()[0],
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="mailops-bench-") as name:
        folder = pathlib.Path(name)
        pki = Pki(folder)
        # As many smtpd as Postfix has by itself. What it has no smtpd for waits in a queue that is long enough here: beyond it
        # the kernel lets a client believe that it is connected, and nobody ever greets it.
        listeners = [Listener("implicit", processes=100), Listener("starttls", processes=100)]
        queue = {"default_process_limit": str(2 * MOST)}
        certificate = pki.issue("relay.test", ips=["127.0.0.1"])
        with Postfix(listeners, certificate=certificate, options=queue) as relay:
            parts = {
                "one": one_endpoint(relay, pki.ca_file, options.rounds),
                "others": other_tools(relay, pki.ca_file, folder, options.rounds),
                "many": many_endpoints(relay, pki.ca_file, few),
                "most": itertools.chain(most_endpoints(relay, pki.ca_file, few), waited(relay, pki.ca_file, few)),
                "fleet": fleets(relay, pki.ca_file, folder, few),
                "role": whole_role(relay, pki.ca_file, folder, few),
                "tasks": whole_tasks(relay, pki.ca_file, folder, few),
                "hostile": hostile(pki, options.timeout),
            }
            for part, measure in parts.items():
                if options.only in (None, part):
                    for row in measure:
                        rows.append({"part": part, **row})
                        print(line(row), flush=True)
    print(f"load {os.getloadavg()[0]}")
    (ROOT / "build" / "bench.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
    return 0 if all(row.get("good", True) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

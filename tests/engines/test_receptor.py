# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices as work units of receptor: three nodes on loopback, one of which is gone."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t
from collections.abc import Iterator

import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

from tests.support.faulty import FaultyServer
from tests.support.pki import Pki

from .slices import SLICES, good, inventory, missing, private_data, run

NODES = {"1": "node1", "2": "node2", "3": "node3"}


class Mesh:
    """node1 listens, the others connect to it; each runs ansible-runner's worker as the work type "runner"."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in NODES.values():
            self._start(name)

    def socket_of(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.sock"

    def _start(self, name: str) -> None:
        data = self.folder / name
        data.mkdir()
        way: dict[str, t.Any] = {"tcp-peer": {"address": f"127.0.0.1:{self.port}"}}
        if name == NODES["1"]:
            way = {"tcp-listener": {"port": self.port, "bindaddr": "127.0.0.1"}}
        work = {"worktype": "runner", "command": shutil.which("ansible-runner"), "params": "worker"}
        # The form of the file that AWX writes.
        settings = [
            {"node": {"id": name, "datadir": str(data)}},
            {"control-service": {"service": "control", "filename": str(self.socket_of(name))}},
            {"work-command": work},
            way,
        ]
        path = self.folder / f"{name}.yml"
        path.write_text(yaml.safe_dump(settings))
        with open(self.folder / f"{name}.log", "w") as log:
            command = [os.environ["RECEPTOR"], "--config", str(path)]
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def ctl(self, *arguments: object, **more: t.Any) -> subprocess.CompletedProcess[bytes]:
        return run("receptorctl", "--socket", self.socket_of(NODES["1"]), *arguments, **more)

    def wait(self) -> None:
        """Until the first node knows the way to the others."""
        end = time.monotonic() + 60
        while True:
            done = self.ctl("status", "--json") if self.socket_of(NODES["1"]).exists() else None
            if done is not None and done.returncode == 0:
                if {*(json.loads(done.stdout).get("RoutingTable") or {})} >= {*NODES.values()} - {NODES["1"]}:
                    return
            assert time.monotonic() < end, (done, [p.read_text() for p in self.folder.glob("*.log")])
            time.sleep(0.5)


@contextlib.contextmanager
def mesh(folder: pathlib.Path) -> Iterator[Mesh]:
    folder.mkdir()
    found = Mesh(folder)
    try:
        found.wait()
        yield found
    finally:
        for process in found.processes.values():
            process.terminate()
        for process in found.processes.values():
            process.wait(20)


def test_slices_on_three_nodes(tmp_path: pathlib.Path) -> None:
    pki, merged = Pki(tmp_path / "pki"), tmp_path / "merged"
    merged.mkdir()
    with FaultyServer(good(pki)) as server, mesh(tmp_path / "mesh") as nodes:
        nodes.processes[NODES["2"]].kill()
        nodes.processes[NODES["2"]].wait(10)
        units = {}
        for name, hosts in SLICES.items():
            data = private_data(tmp_path / f"data{name}", name, inventory(server, pki))
            limit = ["--limit", ",".join(hosts)]
            sent = run("ansible-runner", "transmit", data, "-p", "mailops.smtp.gate", "--ident", name, *limit)
            payload = tmp_path / f"{name}.payload"
            payload.write_bytes(sent.stdout)
            # The first node's own work has no time to live: it does not travel.
            given = ["--node", NODES[name], "--payload", payload, *(["--ttl", "20s"] if name != "1" else [])]
            done = nodes.ctl("work", "submit", "runner", *given)
            said = done.stdout.decode() + done.stderr.decode()
            units[name] = next((line.split()[-1] for line in said.splitlines() if line.startswith("Unit ID")), "")
            assert units[name] or name == "2", said
        for name in ("1", "3"):
            came = nodes.ctl("work", "results", units[name])
            run("ansible-runner", "process", tmp_path / f"back{name}", "--ident", name, input=came.stdout)
            shutil.copy(tmp_path / f"back{name}/artifacts/{name}/verdicts.jsonl", merged / f"{name}.jsonl")
    told = missing(merged)
    assert told["msg"] == "There is nothing of slice 2. 2 hosts have no record: h1, h4."
    records = [one for path in merged.iterdir() for one in read_file(str(path)) if isinstance(one, Record)]
    assert {one.host: one.ok for one in records} == {
        "h0": True, "h1": None, "h2": True, "h3": True, "h4": None, "h5": False,
    }  # fmt: skip

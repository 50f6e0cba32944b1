# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of hosts that are all this machine, a relay for it, and the private data folder that ansible-runner takes."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from tests.support.faulty import FaultyServer, honest, server_context, smtp
from tests.support.pki import Pki

__all__ = ["COLLECTIONS", "HOSTS", "SLICES", "good", "inventory", "missing", "private_data", "run"]

COLLECTIONS = str(pathlib.Path(__file__).resolve().parents[2] / "build" / "src")
HOSTS = [f"h{number}" for number in range(6)]
# As AWX deals them out.
SLICES = {str(number + 1): HOSTS[number::3] for number in range(3)}


def good(pki: Pki) -> t.Callable[..., None]:
    """What a sound relay does."""
    return smtp(starttls=honest(server_context(pki.issue("relay.test"))), mechanisms_after_tls=["PLAIN"])


def inventory(server: FaultyServer, pki: Pki) -> dict[str, t.Any]:
    """All hosts are this machine; the last one asks a port where nothing listens."""
    settings = {"host": "127.0.0.1", "port": server.port, "security": "starttls", "server_name": "relay.test"}
    settings |= {"ca_path": str(pki.ca_file), "timeout": 5}
    hosts: dict[str, t.Any] = {name: {} for name in HOSTS}
    hosts[HOSTS[-1]] = {"mail_config_settings": {**settings, "port": 1}}
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {
        "all": {"hosts": hosts, "vars": {**common, "mail_config_settings": settings, "mail_config_alternatives": []}}
    }


def private_data(folder: pathlib.Path, name: str, hosts: t.Mapping[str, t.Any]) -> pathlib.Path:
    """The input of a slice; its verdicts become artifacts, which ansible-runner brings back by itself."""
    for one in ("inventory", "env", "project"):
        (folder / one).mkdir(parents=True)
    (folder / "inventory" / "hosts.json").write_text(json.dumps(hosts))
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts",
        # From the folder "project", where ansible-runner starts ansible-playbook.
        "MAILOPS_VERDICTS": f"../artifacts/{name}/verdicts.jsonl",
    }
    (folder / "env" / "envvars").write_text(json.dumps(environment))
    return folder


def run(*command: object, **more: t.Any) -> subprocess.CompletedProcess[bytes]:
    """A command that must not take longer than two minutes."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS}
    return subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, timeout=120, check=False, **more
    )


def missing(folder: pathlib.Path) -> dict[str, t.Any]:
    """What the module missing_verdicts says of the files of all slices, merged in ``folder``."""
    options = {"from": f"{folder}/*.jsonl", "hosts": HOSTS, "slices": 3, "dest": f"{folder}/missing.jsonl"}
    done = run("ansible", "localhost", "-m", "mailops.smtp.missing_verdicts", "-a", json.dumps(options), "-o")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return t.cast("dict[str, t.Any]", json.loads(done.stdout.decode().split("=>", 1)[1]))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as a controller of the lab runs it: in the namespace ctl, over ssh, with nothing of the user's own configuration."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .hosts import KEY, KNOWN_HOSTS, python_of
from .network import in_namespace
from .plan import ROOT, RUN, Host

__all__ = ["CONTROLLERS", "ansible_playbook", "play", "supports"]

CONTROLLERS = ("2.19", "2.20", "2.21")


def supports(release: str, python: str) -> bool:
    """Whether this ansible-core manages hosts with this Python: 2.20 and newer want 3.9."""
    return release == "2.19" or python != "3.8"


CONFIG = """\
[defaults]
stdout_callback = default
callback_plugins = {here}/callback
callbacks_enabled = record,vanish
forks = {forks}
local_tmp = {run}/tmp
remote_tmp = /tmp/ansible
host_key_checking = true
retry_files_enabled = false
private_key_file = {key}
[connection]
pipelining = true
[ssh_connection]
control_path_dir = {run}/cp
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o IdentitiesOnly=yes -o UserKnownHostsFile={known_hosts}
"""


def play(
    release: str,
    name: str,
    hosts: list[Host],
    tasks: list[dict[str, Any]],
    host_vars: Mapping[str, Mapping[str, Any]] | None = None,
    *options: str,
    forks: int = 4,
    seconds: float = 300,
    environment: Mapping[str, str] | None = None,
    strategy: str = "free",
) -> tuple[list[dict[str, Any]], str]:
    """Run tasks on hosts with one ansible-core; gives the results as lab/callback/record.py writes them, and all that Ansible printed.

    `forks` hosts at once: few where the verdicts' own time counts, many where they mostly wait.
    RuntimeError when Ansible itself fails (a task that fails is a result) or takes longer than `seconds`.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-{release}-", dir=RUN / "tmp"))
    inventory = {
        host.name: {
            "ansible_host": host.address,
            "ansible_user": "root",
            "ansible_python_interpreter": python_of(host),
            **(host_vars or {}).get(host.name, {}),
        }
        for host in hosts
    }
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": inventory}}))
    (folder / "play.yml").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "strategy": strategy, "tasks": tasks}])
    )
    (folder / "record").touch()
    arguments = ["-i", str(folder / "inventory.json"), *options, str(folder / "play.yml")]
    done = ansible_playbook(release, folder, *arguments, forks=forks, seconds=seconds, environment=environment)
    printed = done.stdout + done.stderr
    results = [json.loads(line) for line in (folder / "record").read_text().splitlines()]
    if done.returncode not in (0, 2) or not results:
        raise RuntimeError(f"ansible-core {release}, {name}: exit code {done.returncode}\n{printed[-3000:]}")
    return results, printed


def ansible_playbook(
    release: str,
    folder: Path,
    *arguments: str,
    forks: int = 4,
    seconds: float = 300,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments in the namespace ctl. RuntimeError when it takes longer than `seconds`."""
    (folder / "ansible.cfg").write_text(
        CONFIG.format(here=Path(__file__).parent, forks=forks, run=RUN, key=KEY, known_hosts=KNOWN_HOSTS)
    )
    binaries = ROOT / "build" / "venv" / f"core-{release}" / "bin"
    variables = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": str(RUN / "home"),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "src"),
        "LAB_RECORD": str(folder / "record"),
        **(environment or {}),
    }
    command = in_namespace("ctl", str(binaries / "ansible-playbook"), *arguments)
    try:
        return subprocess.run(
            command,
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"ansible-core {release}, {arguments[-1]}: not done after {seconds:.0f} s") from error

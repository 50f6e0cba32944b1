# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gate costs the controller and each host, beside a ping, and what is sent to a host. Processor time and counts.

Hosts are this machine, so their Python runs below ansible-playbook: what each computed is written down as it ends,
and the controller's is what is left of all.
"""

from __future__ import annotations

import json
import pathlib
import re
import statistics
import sys
import typing as t

from .measure import ROOT, run

__all__ = ("Cost", "costs")

# Of the interpreter that Ansible starts on a host: how much it was sent, and how long it and all that it started computed,
# its end included. Bash gives milliseconds.
_WRAPPER = """#!/usr/bin/env bash
sent=$(mktemp "{folder}/sent.XXXXXX")
cat > "$sent"
{python} "$@" < "$sent"
ended=$?
times > "{folder}/host.$$"
exit $ended
"""
_TIME = re.compile(r"([0-9]+)m([0-9.]+)s")


class Cost(t.NamedTuple):
    """Seconds of processor time of a whole run on the controller, and for each host; bytes in one run of a module there, and such runs."""

    controller: float
    host: float
    sent: float
    runs: float


def costs(hosts: int, tasks: t.Mapping[str, t.Any], folder: pathlib.Path, rounds: int) -> dict[str, Cost]:
    """The medians for one play with one task (or none) on so many hosts, by name of the task; they take turns."""
    taken: dict[str, list[Cost]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            one = _run(
                hosts, [task] if task else [], folder / f"{number}-{len(taken[name])}-{hosts}-{list(tasks).index(name)}"
            )
            if number:  # a first round warms up
                taken[name].append(one)
    return {name: Cost(*map(statistics.median, zip(*found))) for name, found in taken.items()}


def _run(hosts: int, tasks: list[t.Any], folder: pathlib.Path) -> Cost:
    folder.mkdir()
    wrapper = folder / "python"
    wrapper.write_text(_WRAPPER.format(folder=folder, python=sys.executable))
    wrapper.chmod(0o755)
    names = {f"h{number}": {} for number in range(hosts)}
    common = {"ansible_connection": "local", "ansible_python_interpreter": str(wrapper)}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": names, "vars": common}}))
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "src"),
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DISPLAY_OK_HOSTS": "false",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    took, _printed = run([playbook, "-i", folder / "hosts.json", folder / "play.yml"], settings)
    of_hosts = [
        sum(int(minutes) * 60 + float(seconds) for minutes, seconds in _TIME.findall(path.read_text()))
        for path in folder.glob("host.*")
    ]
    sent = [path.stat().st_size for path in folder.glob("sent.*")]
    # Each host's Python, and nothing else, has written its time.
    if tasks and len(of_hosts) < hosts:
        raise RuntimeError(f"{len(of_hosts)} of {hosts} hosts have written their processor time")
    share = sum(of_hosts) / hosts
    return Cost(took.cpu - sum(of_hosts), share, statistics.median(sent) if sent else 0, len(sent) / hosts)

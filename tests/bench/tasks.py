# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs in Ansible: the gate beside the smallest module, and beside what a playbook without this collection would do."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

from .measure import ROOT, Took, alternate

__all__ = ("tasks",)

# So many equal tasks in a play; a play without them is subtracted.
TASKS = 5


def _gate(port: int, secure: bool, host: str, ca_file: pathlib.Path) -> list[dict[str, t.Any]]:
    mode = "implicit_tls" if secure else "starttls"
    return [
        {
            "mailops.smtp.smtp_gate": {
                "host": host,
                "port": port,
                "secure": secure,
                "security": mode,
                "ca_path": str(ca_file),
            }
        }
    ]


def tasks(
    host: str, implicit: int, starttls: int, ca_file: pathlib.Path, folder: pathlib.Path, rounds: int
) -> dict[str, Took]:
    """Seconds a task on localhost, by name of what is done."""
    done: dict[str, list[dict[str, t.Any]]] = {
        "nothing": [],
        "ping": [{"ansible.builtin.ping": {}}],
        "smtp_gate, 465": _gate(implicit, True, host, ca_file),
        "smtp_gate, 587": _gate(starttls, False, host, ca_file),
        "wait_for and assert": [
            {
                "ansible.builtin.wait_for": {"host": host, "port": starttls, "search_regex": "^220", "timeout": 10},
                "register": "answer",
            },
            {"ansible.builtin.assert": {"that": "answer.match_groupdict is defined"}},
        ],
    }
    commands = {}
    for number, (name, some) in enumerate(done.items()):
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": some * TASKS,
        }
        path = folder / f"play{number}.yml"
        path.write_text(json.dumps([play]))
        commands[name] = [[pathlib.Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", path]]
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "src"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DISPLAY_OK_HOSTS": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }
    medians = alternate(rounds, commands, settings)
    empty = medians.pop("nothing")
    return {
        name: Took((took.wall - empty.wall) / TASKS, (took.cpu - empty.cpu) / TASKS) for name, took in medians.items()
    }

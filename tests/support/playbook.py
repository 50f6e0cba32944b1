# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a play with the real ansible-playbook, on this machine, with the interpreter named.

run = play(folder, [{"name": "Try", "mailops.smtp.smtp_gate": {...}, "register": "result"}], {"password": "s3cret"}, saved=["result"])
run.returncode, run.output, run.saved["result"]
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import yaml

__all__ = ["Run", "ansible_playbook", "play"]


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook did; ``output`` is everything that it said, on both streams."""

    returncode: int
    output: str
    saved: dict[str, t.Any]

    @property
    def recap(self) -> dict[str, int]:
        """The counters of the first host: ok, changed, failed, ..."""
        line = next(line for line in reversed(self.output.splitlines()) if "ok=" in line and "changed=" in line)
        return {name: int(count) for name, count in (pair.split("=") for pair in line.split() if "=" in pair)}


class _Dumper(yaml.SafeDumper):
    """Texts with braces are marked, so that Ansible takes them as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("!unsafe" if "{" in value else "tag:yaml.org,2002:str", value, style='"')


_Dumper.add_representer(str, _text)


def play(
    folder: pathlib.Path,
    tasks: t.Sequence[t.Mapping[str, t.Any]],
    variables: t.Mapping[str, t.Any],
    *options: str,
    saved: t.Sequence[str] = (),
    handlers: t.Sequence[t.Mapping[str, t.Any]] = (),
    environment: t.Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Run:
    """Run these tasks on this machine. What is named in ``saved`` comes back as data, if the play gets that far.

    ``python`` is that of the controller whose ansible-core is to be used.
    """
    folder.mkdir(exist_ok=True)
    results = folder / "results.json"
    results.unlink(missing_ok=True)
    save = {
        "name": "Save the results",
        "ansible.builtin.copy": {
            "content": "{{ {" + ", ".join(f"'{name}': {name}" for name in saved) + "} | to_json }}",
            "dest": str(results),
            "mode": "0600",
        },
        "check_mode": False,
        "diff": False,
    }
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [*tasks, *([save] if saved else [])],
            "handlers": list(handlers),
            "vars_files": [str(folder / "variables.yml")],
        }
    ]
    (folder / "variables.yml").write_text(yaml.dump(dict(variables), Dumper=_Dumper, allow_unicode=True))
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    done = ansible_playbook(str(folder / "play.yml"), *options, environment=environment, python=python)
    found = json.loads(results.read_text()) if results.exists() else {}
    return Run(done.returncode, done.stdout, found)


def ansible_playbook(
    *arguments: str, environment: t.Mapping[str, str] | None = None, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """The command beside this Python, on an inventory of this machine alone."""
    command = [
        str(pathlib.Path(python).parent / "ansible-playbook"),
        "-i",
        "localhost,",
        "-c",
        "local",
        "-e",
        f"ansible_python_interpreter={python}",
        *arguments,
    ]
    surroundings = {
        **os.environ,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        **(environment or {}),
    }
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=surroundings, check=False, timeout=900
    )

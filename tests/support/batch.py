# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many tasks in one run of ansible-playbook, each with its own result, and names of this test's own.

batch = Batch(folder, {"password": "s3cret"}, hosts={"twice.test": ["127.0.0.1", "::1"]})
batch.add("healthy", "mailops.smtp.smtp_gate", host="localhost", port=465)
batch.run()                       # once, for all
batch["healthy"]["cause"]
"""

from __future__ import annotations

import os
import pathlib
import sys
import typing as t

from .playbook import Run, play

__all__ = ["Batch", "interpreter_with_hosts"]


class Batch:
    """Tasks that are collected, run once, and looked at one by one. A failing task does not stop the others."""

    def __init__(
        self,
        folder: pathlib.Path,
        variables: t.Mapping[str, t.Any],
        hosts: t.Mapping[str, t.Sequence[str]] | None = None,
    ) -> None:
        self._folder = folder
        self._variables = variables
        self._hosts = hosts
        self._tasks: list[dict[str, t.Any]] = []
        self._names: list[str] = []
        self._run: Run | None = None

    def add(self, name: str, action: str, keywords: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> None:
        """One more task; ``keywords`` are the task's own (loop, delegate_to, ...)."""
        self._names.append(name)
        self._tasks.append({"name": name, action: options, "register": name, "ignore_errors": True, **(keywords or {})})

    def run(self, *options: str, environment: t.Mapping[str, str] | None = None) -> Run:
        """Run what was added."""
        self._folder.mkdir(exist_ok=True)
        if self._hosts:
            options = (
                *options,
                "-e",
                f"ansible_python_interpreter={interpreter_with_hosts(self._folder, self._hosts)}",
            )
        # Pipelining saves half of the time; what lies on the host's disk without it is looked at by the test of secrets.
        surroundings = {"ANSIBLE_PIPELINING": "1", **(environment or {})}
        self._run = play(
            self._folder, self._tasks, self._variables, *options, saved=self._names, environment=surroundings
        )
        assert self._run.saved, self._run.output
        return self._run

    def __getitem__(self, name: str) -> dict[str, t.Any]:
        assert self._run is not None
        found: dict[str, t.Any] = self._run.saved[name]
        return found

    @property
    def output(self) -> str:
        """All that ansible-playbook said."""
        assert self._run is not None
        return self._run.output


def interpreter_with_hosts(folder: pathlib.Path, hosts: t.Mapping[str, t.Sequence[str]]) -> pathlib.Path:
    """A Python that sees these names in its /etc/hosts, in a mount namespace of its own (root)."""
    table, script = folder / "hosts", folder / "python-with-hosts"
    table.write_text(
        "127.0.0.1 localhost\n"
        + "".join(f"{address} {name}\n" for name, addresses in hosts.items() for address in addresses)
    )
    mount = f'mount --bind "{table}" /etc/hosts && exec "{sys.executable}" "$@"'
    script.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{mount}' sh \"$@\"\n")
    os.chmod(script, 0o755)
    return script

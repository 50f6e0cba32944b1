# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands in turn and compare their medians."""

from __future__ import annotations

import marshal
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings

__all__ = ("HERE", "ROOT", "Took", "alternate", "plans", "run", "script")

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# Compiled modules are found where a first run left them, as on a host that has run Python before.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "cache" / "bench"),
    "PYTHONPATH": str(ROOT / "build" / "src"),
}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)


class Took(t.NamedTuple):
    """Seconds: on the wall, and of processor time, which a busy machine lengthens less."""

    wall: float
    cpu: float


def script(name: str, *arguments: object) -> list[str]:
    """The command line of a script of this folder, with the interpreter that runs the benchmark."""
    return [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)]


def plans(number: int, host: str, port: int, security: str, ca_file: pathlib.Path, timeout: float = 30) -> str:
    """What the controller tells the host about so many equal endpoints, as probe.py takes it. No second port is asked: a healthy one needs none."""
    settings = {
        "host": host,
        "port": port,
        "security": security,
        "ca_path": str(ca_file),
        "timeout": timeout,
        "helo_name": "bench.test",
    }
    # One and their number: a command line holds no more than 128 kB in one word.
    return marshal.dumps([number, plan_of(parse_settings(settings, probed=True), Policy())], 2).hex()


def run(command: Sequence[t.Any], environment: Mapping[str, str] | None = None) -> tuple[Took, str]:
    """How long a whole process took, and what it printed. RuntimeError when it fails."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**ENVIRONMENT, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _pid, status, used = os.wait4(process.pid, 0)
        took = Took(time.monotonic() - started, used.ru_utime + used.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}:\n{printed[-2000:]}")
    return took, printed


def alternate(
    rounds: int, commands: Mapping[str, Sequence[Sequence[t.Any]]], environment: Mapping[str, str] | None = None
) -> dict[str, Took]:
    """The medians of each entry, a list of commands run one after the other.

    The entries take turns, so that a busy moment of the machine meets all of them; a first round, not counted, warms up.
    """
    taken: dict[str, list[Took]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, several in commands.items():
            each = [run(command, environment)[0] for command in several]
            if number:
                taken[name].append(Took(sum(took.wall for took in each), sum(took.cpu for took in each)))
    return {name: Took(*map(statistics.median, zip(*all_of_it))) for name, all_of_it in taken.items()}

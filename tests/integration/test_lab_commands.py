# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own commands: up is safe to run twice, down leaves nothing behind, and nothing of it runs outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = str(ROOT / "tools" / "lab")
# A lab of its own beside one that somebody may have up.
# As tools/lab sets it.
PATHS = f"{ROOT / 'tests'}:{ROOT / 'build' / 'src'}"
ENVIRONMENT = {**os.environ, "LAB_NAME": "commands", "PYTHONPATH": PATHS, "SHELL": "/bin/sh"}


def _run(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)


def _machine() -> dict[str, object]:
    """What a lab could leave behind: mounts, interfaces, named namespaces, rules, processes of its own, and the files that it hides while it is up."""
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "namespaces": sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else [],
        "run": os.path.exists("/run/mailops-lab"),
        "resolv.conf": Path("/etc/resolv.conf").read_text(),
        "hosts": Path("/etc/hosts").read_text(),
        "processes": [pid for pid in os.listdir("/proc") if pid.isdigit() and _is_of_this_lab(pid)],
    }


def _is_of_this_lab(pid: str) -> bool:
    try:
        return b"LAB_NAME=commands" in Path("/proc", pid, "environ").read_bytes() and int(pid) != os.getpid()
    except OSError:
        return False


@pytest.fixture
def down() -> Iterator[None]:
    """Whatever happens, no lab stays up."""
    yield
    _run(LAB, "down")


def test_up_is_safe_to_run_twice_and_down_leaves_nothing(down: None) -> None:
    """Up, up again, look inside, down, down again: the machine is as it was."""
    before = _machine()
    first = _run(LAB, "up")
    assert first.returncode == 0, first.stderr
    second = _run(LAB, "up")
    assert second.returncode == 0 and "is up already" in second.stdout
    inside = _run(LAB, "shell", "red01", stdin="ip -brief addr; exit\n")
    assert "10.77.11.11" in inside.stdout, inside.stderr
    assert not any("10.77." in line for line in _run("ip", "-brief", "addr").stdout.splitlines()), (
        "the machine itself has an address of the lab"
    )
    for _time in range(2):
        last = _run(LAB, "down")
        assert last.returncode == 0, last.stderr
    assert _machine() == before


def test_nothing_talks_to_lab_addresses_outside() -> None:
    """The tests, the relays and the comparison refuse to start on the machine itself, each with a sentence."""
    tests = _run(sys.executable, "-m", "pytest", "-q", "tests/lab")
    assert tests.returncode == 4
    assert "tools/lab run" in tests.stdout + tests.stderr
    for module in ("lab.farm", "lab.compare", "lab.slowlink"):
        started = _run(sys.executable, "-m", module)
        assert started.returncode != 0
        assert "is not in the lab" in started.stderr or "tools/lab" in started.stderr, started.stderr


def test_a_shell_without_a_lab_says_what_to_do() -> None:
    """No lab is up: one line that says how to get one."""
    started = _run(LAB, "shell")
    assert started.returncode == 1
    assert "tools/lab up" in started.stderr and "Traceback" not in started.stderr

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the lab as one process tree with its own mount, network and process namespaces: when its first process ends, all of it is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .plan import CGROUP, ROOT, STATE

__all__ = ["down", "enter", "first_process", "locked", "up"]

PID = STATE / "pid"
LOG = STATE / "log"


@contextmanager
def locked(what: str = "state", folder: Path = STATE) -> Iterator[None]:
    """One at a time: an `up` or `down` ("state"), or a run. Whoever comes second waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{what}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks: tells a process from a later one with the same number. OSError when it has ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return fields[19]


def first_process() -> int | None:
    """The lab's first process as the machine sees it, None when no lab is up."""
    try:
        pid, started = PID.read_text(encoding="ascii").split()
        return int(pid) if _started(int(pid)) == started else None
    except (OSError, ValueError):
        return None


def up() -> None:
    """Start the lab and wait until every host answers ssh. RuntimeError with the end of the log when it does not come up."""
    if first_process():
        return
    with open(LOG, "wb") as log:
        # unshare's own child is the first process of the new process namespace; when unshare dies, so does that child and with it everything.
        command = [
            "unshare",
            "--mount",
            "--net",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            sys.executable,
            "-m",
            "lab.first",
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=ROOT / "tests",
        )
    PID.write_text(f"{process.pid} {_started(process.pid)}", encoding="ascii")
    assert process.stdout is not None
    if process.stdout.readline().strip() != b"ready":
        down()
        raise RuntimeError(f"the lab did not come up; {LOG} ends with:\n{LOG.read_text(errors='replace')[-2000:]}")


def down() -> None:
    """Stop the lab: the kernel ends all of its processes, and its namespaces and mounts with them."""
    pid = first_process()
    if pid:
        # The first process inside ends last, after every other process of its namespace.
        inner = _child(pid)
        os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            while inner and _started(inner):
                time.sleep(0.02)
    PID.unlink(missing_ok=True)
    _remove_cgroup()


def _remove_cgroup() -> None:
    """Remove the control groups of hosts that have ended. The mount is seen by this command only, and ends with it."""
    script = 'mount -t cgroup2 cgroup2 "$1" && { [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +; }'
    subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(STATE), CGROUP], check=True)


def _child(pid: int) -> int | None:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        pids = children.read().split()
    return int(pids[0]) if pids else None


def enter(command: Sequence[str]) -> list[str]:
    """The command line that runs a command in the lab's first network namespace, which reaches nothing. RuntimeError when no lab is up."""
    unshare = first_process()
    if unshare is None:
        raise RuntimeError("no lab is up: tools/lab up")
    # --root: that of a lab which was started in a chroot is another folder than the root of its mount namespace.
    return [
        "nsenter",
        f"--target={_child(unshare)}",
        "--mount",
        "--net",
        "--ipc",
        "--pid",
        "--root",
        f"--wdns={ROOT}",
        "--",
        *command,
    ]

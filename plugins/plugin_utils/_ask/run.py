# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run of Ansible this is, and whether another one still lives: so that two never change one file, and a
broken-off one is seen.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import subprocess
import typing as t
import uuid
from collections.abc import Mapping, Sequence

__all__ = ("GIVE_UP_AFTER", "HeldError", "is_dead", "this_run", "told", "without_dead")

# Seconds after its last step for which a run on another controller, which cannot be asked, counts as living.
GIVE_UP_AFTER = 3600

Run = Mapping[str, t.Any]


class HeldError(Exception):
    """Another run that lives, or may live, has begun to change the file."""


def this_run(host: str) -> dict[str, t.Any]:
    """The identity of this run, for ``host`` (its inventory name): two names of one machine in one run are two runs."""
    # Actions run in forked workers; the run is the process that forked them.
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent is not None and parent.pid else os.getpid()
    return {**_controller(), "pid": pid, "start": _start(pid), "host": host}


def is_dead(run: Run) -> bool | None:
    """Whether that run has ended; None when it cannot be known from here."""
    here = _controller()
    if any(run.get(key) != here[key] for key in ("controller", "machine")):
        return None
    if run.get("boot") != here["boot"]:
        # The same machine, started again since. Without an identity of its own it may be another machine of that name.
        return True if here["machine"] else None
    if run.get("space") != here["space"]:
        return None
    start = _start(int(run.get("pid") or 0))
    return not start or start != run.get("start")


def without_dead(
    held: Sequence[Mapping[str, t.Any]], give_up_after: float
) -> tuple[list[Mapping[str, t.Any]], list[Run]]:
    """Of the records of other runs (path, name, run, age): those that count as living, and the runs that do not."""
    living, dead = [], []
    for one in held:
        gone = is_dead(one["run"])
        if gone or (gone is None and one["age"] >= give_up_after):
            dead.append(one["run"])
        else:
            living.append(one)
    return living, dead


def told(held: Mapping[str, t.Any], give_up_after: float) -> str:
    """One sentence about a file that another living run has begun to change."""
    run, minutes = held["run"], int(held["age"] // 60)
    since = f"{minutes} min ago" if minutes else "less than a minute ago"
    who = (
        f"another run of {held['name']} (process {run.get('pid')} on {run.get('controller')}, for {run.get('host')}; "
        f"its last step was {since})"
    )
    advice = "run again when that one has ended"
    if is_dead(run) is None:
        advice += f", which cannot be seen from this controller; {int(give_up_after // 60)} min after its last step it counts as broken off"
    return f"{held['path']} is being changed by {who}; {advice}."


@functools.cache
def _controller() -> dict[str, str]:
    boot, machine, space = _text("/proc/sys/kernel/random/boot_id"), _text("/etc/machine-id"), ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    if not boot:
        # No Linux: the network card's number tells machines of one name apart.
        boot, machine = "", f"{uuid.getnode():012x}"
    return {"controller": os.uname().nodename, "boot": boot, "machine": machine, "space": space}


def _text(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="latin-1") as file:
        return file.read().strip()
    return ""


def _start(pid: int) -> str:
    """When the process began, in whatever form; empty when there is none."""
    if os.path.exists("/proc/self/stat"):
        stat = _text(f"/proc/{pid}/stat")
        # The name of the program, in parentheses, may hold spaces.
        fields = stat.rpartition(")")[2].split()
        return "" if len(fields) < 20 or fields[0] in "ZX" else fields[19]
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()

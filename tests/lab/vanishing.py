# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host that vanishes in the middle of a task, in one of three ways, and comes back with its disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .hosts import own_cgroup, ssh
from .network import in_namespace, run
from .plan import RUN, Host

__all__ = ["KILLED", "WAYS", "Disk", "vanishing"]

# The network is cut; sshd and its sessions are killed; all processes of the host end, and it boots again.
WAYS = ("network", "sshd", "reboot")
# Not the host, but Ansible: its first process is killed. What works on the task just then goes on without it.
KILLED = "killed"
_TRIGGER = RUN / "vanish-now"
_CUT = """table inet gone {
    chain in { type filter hook input priority 0; iif != lo drop; }
    chain out { type filter hook output priority 0; oif != lo drop; }
}"""
_REFUSED = """table inet gone {
    chain in { type filter hook input priority 0; tcp dport 22 ct state new reject with tcp reset; }
}"""
# What a host has after a start: its disk as it was, empty folders in memory, its sshd.
# Its root is another folder than that of its mount namespace where the lab was started in a chroot.
_OF_A_HOST = ("--mount", "--uts", "--ipc", "--root", "--wdns=/")
_BOOT = """
mount -t proc proc /proc
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec /usr/sbin/sshd -D -e -f /etc/ssh/lab_config
"""
# The same with the host's own systemd, which wants a control group of its own.
_BOOT_SYSTEMD = """
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=lab.target --log-target=null
"""


def _processes(host: Host) -> list[int]:
    """The processes in the host's network namespace."""
    own, found = os.stat(f"/run/netns/{host.name}").st_ino, []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}/ns/net").st_ino == own:
                found.append(int(name))
    return found


def _program(pid: int) -> str:
    """The name of a process's program, empty when it has ended."""
    try:
        return os.path.basename(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace"))
    except OSError:
        return ""


def _first(host: Host) -> int | None:
    """The host's process 1, as the lab sees it; None when it is down."""
    for pid in _processes(host):
        with suppress(OSError):
            numbers = next(
                line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid")
            ).split()
            if len(numbers) > 2 and numbers[-1] == "1":
                return pid
    return None


class Disk:
    """Keeps a host's disk, which is in memory, over its restarts."""

    def __init__(self, host: Host) -> None:
        self.host = host
        first = _first(host)
        assert first, f"{host.name} is down"
        self._holder = subprocess.Popen(
            ["nsenter", f"--target={first}", *_OF_A_HOST, "sleep", "infinity"], stdin=subprocess.DEVNULL
        )
        while _program(self._holder.pid) != "sleep":
            time.sleep(0.01)

    def boot(self) -> None:
        """Start the host again and wait until it answers."""
        inside = ["nsenter", f"--target={self._holder.pid}", *_OF_A_HOST]
        boot = _BOOT_SYSTEMD if self.host.systemd else _BOOT
        first = ["unshare", "--mount", "--pid", "--cgroup", "--fork", "--kill-child", "sh", "-ec", boot]
        with open(RUN / "hosts-logs" / self.host.name, "ab") as log:
            subprocess.Popen(
                [*own_cgroup(self.host), *in_namespace(self.host.name, *inside, *first)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while subprocess.run(
            ssh(self.host, "true"), stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < deadline, f"{self.host.name} does not boot"
            time.sleep(0.1)

    def close(self) -> None:
        """The disk ends with the host."""
        self._holder.kill()
        self._holder.wait()


def _cut(host: Host, way: str, stop: threading.Event, delay: float) -> None:
    """Wait for the trigger, then for the task's Python on the host, then let the host vanish."""
    while not _TRIGGER.exists():
        if stop.wait(0.005):
            return
    # A task of the controller alone has no process there.
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline and not any(_program(pid).startswith("python") for pid in _processes(host)):
        if stop.wait(0.002):
            return
    time.sleep(delay)
    if way == KILLED:
        os.kill(int(_TRIGGER.read_text()), signal.SIGKILL)
        return
    if way == "reboot":
        first = _first(host)
        if first:
            os.kill(first, signal.SIGKILL)
        return
    run(in_namespace(host.name, "nft", _CUT if way == "network" else _REFUSED))
    if way == "sshd":
        first = _first(host)
        for pid in _processes(host):
            if pid != first and _program(pid).startswith("sshd"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def vanishing(disk: Disk, task: str, way: str, connections: Path, delay: float = 0) -> Iterator[dict[str, str]]:
    """For a play inside: the host vanishes `delay` seconds after a task has begun there.

    `task` is the end of its name, or its number. Gives the environment for the play. Afterwards the host is back.
    """
    _TRIGGER.unlink(missing_ok=True)
    stop = threading.Event()
    thread = threading.Thread(target=_cut, args=(disk.host, way, stop, delay))
    thread.start()
    try:
        yield {
            "LAB_VANISH": task,
            "LAB_VANISH_COMMAND": f"sh -c 'echo $PPID > {_TRIGGER}.new; mv {_TRIGGER}.new {_TRIGGER}'",
        }
    finally:
        stop.set()
        thread.join()
        subprocess.run(
            in_namespace(disk.host.name, "nft", "delete", "table", "inet", "gone"),
            check=False,
            stderr=subprocess.DEVNULL,
        )
        shutil.rmtree(connections, ignore_errors=True)  # no connection of an earlier play is used again
        if _first(disk.host) is None:
            disk.boot()

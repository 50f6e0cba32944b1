# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with a real systemd as process 1: this machine's own files under a layer that vanishes, in namespaces of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .process import Missing, program

__all__ = ["SystemdHost"]

_BOOT = Path(__file__).parent / "systemd_boot.sh"
_CHECKOUT = Path(__file__).resolve().parents[2]
_SYSTEMD = Path("/lib/systemd/systemd")


def _cgroup_root() -> Path:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, where, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(where)
    raise Missing("there is no cgroup2 file system, which systemd needs: mount one (mount -t cgroup2 cgroup2 /sys/fs/cgroup)")


class SystemdHost:
    """Use it in a with statement. ``shared`` is a folder that is the same inside and outside. Raises Missing, RuntimeError."""

    def __init__(self, folder: Path, shared: Path) -> None:
        if os.getuid() != 0:
            raise Missing("a systemd in namespaces of its own needs root: sudo make integration")
        if not _SYSTEMD.exists():
            raise Missing("systemd is not installed: run tools/install-relays as root")
        layer = folder / "layer"
        layer.mkdir()
        self._cgroup = _cgroup_root() / f"mailops-test-{os.getpid()}-{time.monotonic_ns()}"
        self._cgroup.mkdir()
        join = f'echo $$ > "{self._cgroup}/cgroup.procs" && exec "$@"'
        spaces = ["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--net", "--cgroup"]
        boot = ["sh", str(_BOOT), str(layer), str(shared), str(_CHECKOUT)]
        command = ["sh", "-c", join, "sh", program("setpriv"), "--pdeathsig", "KILL", program("unshare"), *spaces, *boot]
        with (folder / "boot.log").open("wb") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._pid = self._wait_for_init(folder / "boot.log")
        except BaseException:
            self.close()
            raise

    def _wait_for_init(self, log: Path) -> int:
        end = time.monotonic() + 60
        children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        while time.monotonic() < end and self._child.poll() is None:
            pids = children.read_text().split()
            if pids and Path(f"/proc/{pids[0]}/comm").read_text().strip() == "systemd":
                self._pid = int(pids[0])
                if self.run(["systemctl", "is-system-running"]).stdout.strip() in ("running", "degraded"):
                    return self._pid
            time.sleep(0.1)
        raise RuntimeError(f"systemd did not come up: {log.read_text()}")

    def __enter__(self) -> SystemdHost:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    @property
    def prefix(self) -> list[str]:
        """What goes before a command that is to run on this host."""
        return [program("nsenter"), "--target", str(self._pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]

    def run(self, command: Sequence[str], seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command on this host."""
        return subprocess.run([*self.prefix, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds)

    def close(self) -> None:
        """The end of process 1 is the end of all others and of every mount."""
        for pid in (getattr(self, "_pid", None), self._child.pid):
            if pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self._child.wait()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                for path in sorted(self._cgroup.glob("**/"), key=lambda one: -len(one.parts)):
                    path.rmdir()
                return
            except OSError:
                time.sleep(0.05)

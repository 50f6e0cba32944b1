# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a server, wait until it listens, stop it with everything it has started."""

from __future__ import annotations

import atexit
import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Missing", "Process", "closed_ports", "free_ports", "program"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "relays"

# Runs where the server runs, which may be another network namespace.
_WAIT = """
import socket, sys, time
end = time.monotonic() + float(sys.argv[1])
for address in sys.argv[2:]:
    host, port = address.rsplit(":", 1)
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            break
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"nothing listens on {address}: {error}")
            time.sleep(0.02)
"""


class Missing(RuntimeError):
    """A program is not installed, or root is needed; the text says how to get it."""


def program(name: str) -> str:
    """The path of an installed program, also from sbin; raises Missing."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        raise Missing(f"{name} is not installed: run tools/install-relays as root")
    return path


# Below those that the kernel gives to clients, one of which could take a port between its choice and its use.
_FIRST, _LAST = 20_000, 32_000
_CHANCE = random.SystemRandom()


def free_ports(number: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that are free now, all different."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < number:
            sock = socket.socket(family)
            try:
                sock.bind((host, _CHANCE.randint(_FIRST, _LAST)))
            except OSError as error:
                sock.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                sockets.append(sock)
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


_HELD: list[socket.socket] = []


def closed_ports(number: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that refuse every connection as long as this process lives: nobody else gets them, as they are held without listening."""
    for port in free_ports(number, host):
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.bind((host, port))
        _HELD.append(sock)
    return [sock.getsockname()[1] for sock in _HELD[-number:]]


class Process:
    """A server in a session of its own, its output in a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        output: Path,
        *,
        addresses: Sequence[tuple[str, int]] = (),
        prefix: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        seconds: float = 60,
        hold_stdin: bool = False,
    ) -> None:
        """Start `prefix` + `command` and wait until every address accepts; raises RuntimeError with the output when it does not.

        hold_stdin: standard input stays open and empty, for servers that end with it.
        """
        self.output = output
        self._closed = False
        with output.open("ab") as file:
            self._child = subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.PIPE if hold_stdin else subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )
        self.pid = self._child.pid
        atexit.register(self.close)
        try:
            self._wait(addresses, prefix, seconds)
        except BaseException:
            self.close()
            raise

    def _wait(self, addresses: Sequence[tuple[str, int]], prefix: Sequence[str], seconds: float) -> None:
        end = time.monotonic() + seconds
        if prefix:
            names = [f"{host}:{port}" for host, port in addresses]
            done = subprocess.run(
                [*prefix, sys.executable, "-c", _WAIT, str(seconds), *names],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"{done.stderr.strip()}\n{self.text()}")
            return
        for host, port in addresses:
            while True:
                try:
                    socket.create_connection((host, port), 1).close()
                    break
                except OSError as error:
                    if self._child.poll() is not None or time.monotonic() > end:
                        raise RuntimeError(f"nothing listens on {host} port {port}: {error}\n{self.text()}") from error
                    time.sleep(0.02)

    @property
    def running(self) -> bool:
        """Has the first process not ended yet?"""
        return self._child.poll() is None

    def text(self) -> str:
        """What the server has printed."""
        return self.output.read_text(errors="replace")

    def close(self, seconds: float = 5) -> None:
        """SIGTERM to the group, SIGKILL after some seconds; returns when neither it nor a child that left it is running."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        strays = {pid for pid, _group in _family(self.pid)}
        _kill_group(self.pid, signal.SIGTERM)
        end = time.monotonic() + seconds
        while left := [pid for pid, group in _running() if pid in strays or group == self.pid]:
            if time.monotonic() > end:
                for pid in left:
                    _kill(pid)
            time.sleep(0.01)
        self._child.wait()
        if self._child.stdin:
            self._child.stdin.close()


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _stat() -> Iterator[tuple[int, str, int, int]]:
    """Process, state, parent and group of every process."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, group = file.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # ended meanwhile
            continue
        yield int(file.parent.name), state, int(parent), int(group)


def _running() -> list[tuple[int, int]]:
    """Process and group of all that run; whoever has ended and only waits for its parent is left out."""
    return [(pid, group) for pid, state, _parent, group in _stat() if state not in "ZX"]


def _family(ancestor: int) -> list[tuple[int, int]]:
    """Process and group of all below this one; a daemon among them may have a group of its own."""
    below: dict[int, list[tuple[int, int]]] = {}
    for pid, _state, parent, group in _stat():
        below.setdefault(parent, []).append((pid, group))
    found = below.get(ancestor, [])
    for pid, _group in found:
        found += below.get(pid, [])
    return found

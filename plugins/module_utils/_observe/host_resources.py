# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the host a probe may take: open files, threads, memory."""

from __future__ import annotations

import os
import resource
import typing as t

if t.TYPE_CHECKING:
    from .evidence import Lack

__all__ = ("STACK", "Limits", "process_limits", "tasks_left")

# Bytes of a thread's stack: getaddrinfo and OpenSSL need a fifth of it. The usual 8 MB count where address space is
# limited.
STACK = 512 * 1024
_FILES, _SOCKETS, _THREADS = 16384, 6144, 1536
# Descriptors that are not for connections: what the process has open, the pipe that wakes the loop, CA files.
_OTHER_FILES = 32
# A connection may need a second one, to find out more.
_FILES_OF_A_CONNECTION = 2
# Address space of a thread: its stack, and what TLS and a long reply take.
_SPACE_OF_A_THREAD = STACK + 512 * 1024
# What such a process has in use, where the system does not tell.
_USUAL_SPACE = 256 * 1024 * 1024
_M_ARENA_MAX = -8  # malloc.h of glibc


class Limits(t.NamedTuple):
    """Connections and threads at once; whether files are short, and what is where threads are fewer than wanted."""

    sockets: int
    threads: int
    few_files: bool = False
    few_threads: Lack | None = None


def process_limits() -> Limits:
    """What this process may have. Raises its own soft limit of open files, which every process may."""
    sockets = _sockets()
    threads, few_threads = _THREADS, None
    space = _space_left()
    if space is not None:
        _one_arena()
        fitting = max(1, space // 2 // _SPACE_OF_A_THREAD)
        if fitting < threads:
            threads, few_threads = fitting, "memory"
    return Limits(sockets, threads, sockets < _SOCKETS, t.cast("t.Optional[Lack]", few_threads))


def tasks_left() -> int | None:
    """How many threads the control group still lets the process have (pids.max).

    Null where nothing limits them or it is not known.
    """
    try:
        with open("/proc/self/cgroup", encoding="ascii") as file:
            group = next(line.rstrip("\n")[3:] for line in file if line.startswith("0::"))
        with open(f"/sys/fs/cgroup{group}/pids.max", encoding="ascii") as file:
            most = file.read().strip()
        with open(f"/sys/fs/cgroup{group}/pids.current", encoding="ascii") as file:
            return None if most == "max" else max(0, int(most) - int(file.read()))
    except (OSError, ValueError, StopIteration):
        return None


def _sockets() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if 0 <= soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass
    if soft < 0:
        return _SOCKETS
    return max(1, min(_SOCKETS, (soft - _open_files() - _OTHER_FILES) // _FILES_OF_A_CONNECTION))


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 16


def _space_left() -> int | None:
    """Bytes that the process may still take, of address space (ulimit -v) or data (-d, which counts stacks too).

    Null where neither is limited.
    """
    soft = [resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    if all(most == resource.RLIM_INFINITY for most in soft):
        return None
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = [int(one) for one in file.read().split()]
        used = [pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()]
    except (OSError, ValueError, IndexError):
        used = [_USUAL_SPACE, _USUAL_SPACE]
    return min(most - held for most, held in zip(soft, used) if most != resource.RLIM_INFINITY)


def _one_arena() -> None:
    """Keep glibc from setting 64 MB of address space aside for each thread."""
    try:
        import ctypes  # only where address space is limited

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    except (ImportError, OSError, AttributeError):
        pass

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
One thread that waits for many things, and others that climb.

The thread that calls ``run`` waits with poll() for connects, for climbs that end and for clocks, so that a connect
which nobody answers costs a socket and no thread. What talks to a relay blocks in a thread of its own. A course is a
generator that says what it waits for; it always runs in the first thread, so courses need no locks among themselves.

There are fewer connections or threads at once than wanted where the process may not have more of them: the rest waits
for its turn, and what has not had it when the time is over was not asked. No kind of work may hold more than two thirds
of either.
"""

from __future__ import annotations

import _thread
import bisect
import collections
import functools
import os
import select
import threading
import time
import typing as t

from .clock import Deadline
from .connect import Connecting, is_shortage
from .failure import Failure
from .host_resources import STACK, Limits, tasks_left

if t.TYPE_CHECKING:
    import socket

    from .evidence import Lack

__all__ = ("Connection", "Course", "Loop", "Wait")

# From so many threads on it is worth looking how many the control group allows.
_MANY_THREADS = 64
# A thread that has not begun to work by then never will: its start ran out of memory.
_BIRTH_SECONDS = 2.0


class Wait(t.NamedTuple):
    """A course goes on when ``satisfied()``, or when the deadline has passed."""

    satisfied: t.Callable[[], bool]
    deadline: Deadline


Course = t.Iterator[Wait]


class Connection(t.Protocol):
    """One address that is to be connected to and then talked to; the loop tells it what becomes of it.

    ``kind`` names the share of the process that it counts to.
    """

    kind: str
    course: int
    deadline: Deadline

    def connect(self) -> Connecting:
        """Begin. Raises Failure."""

    def failed(self, failure: Failure) -> None:
        """The connect has failed."""

    def connected(self, sock: socket.socket) -> None:
        """The connect has succeeded; ``talk`` is next, when there is a thread for it."""

    def talk(self) -> None:
        """All that blocks, in another thread."""

    def ended(self) -> None:
        """``talk`` has come to its end."""


class _Threads:
    """Threads that work off jobs. What cannot be started is done without."""

    def __init__(self, limits: Limits) -> None:
        self.short_of = limits.few_threads
        self._most = limits.threads
        self._jobs: dict[str, collections.deque[t.Callable[[], None]]] = collections.defaultdict(collections.deque)
        self._busy: dict[str, int] = collections.defaultdict(int)
        self._changed = threading.Condition(threading.Lock())
        self._started = self._alive = self._idle = 0
        self._last_start = 0.0
        self._over = False

    def submit(self, kind: str, job: t.Callable[[], None]) -> None:
        """Have ``job`` done by the next thread that is free. It must raise nothing."""
        with self._changed:
            self._jobs[kind].append(job)
            self._changed.notify()
            waiting = sum(len(jobs) for jobs in self._jobs.values())
            unborn = self._started - self._alive
            needed = waiting > self._idle + unborn and self._started < self._most
        if needed:
            self._start()

    def _start(self) -> None:
        if self._started == _MANY_THREADS:
            left = tasks_left()
            if left is not None and self._started + left // 2 < self._most:
                self._most, self.short_of = self._started + left // 2, "threads"
        if self._started >= self._most:
            return
        with self._changed:
            self._started += 1
            self._last_start = time.monotonic()
        try:
            # Not threading.Thread: its start() waits for the new thread, for ever where that one dies of too little
            # memory.
            _thread.start_new_thread(self._serve, ())
        except (RuntimeError, MemoryError):
            with self._changed:
                self._started -= 1
                self._most = self._started
                self.short_of = self.short_of or "threads"

    def end(self) -> None:
        """Let every thread end, once it has done what it does."""
        with self._changed:
            self._over = True
            self._jobs.clear()
            self._changed.notify_all()

    def help(self) -> bool:
        """Forget threads that never began; do a job here where there is no thread at all. Whether one was done."""
        with self._changed:
            if self._started > self._alive and time.monotonic() - self._last_start > _BIRTH_SECONDS:
                self._started = self._most = self._alive
                self.short_of = "memory"
            job = self._next() if self._most == 0 else None
        if job is None:
            return False
        job[1]()
        with self._changed:
            self._busy[job[0]] -= 1
        return True

    @property
    def unsure(self) -> bool:
        """Whether a thread was started that has not begun to work, or there is none: ``help`` is to be called soon."""
        return self._started > self._alive or self._most == 0

    def _next(self) -> tuple[str, t.Callable[[], None]] | None:
        most = max(1, self._most * 2 // 3)
        for kind, jobs in self._jobs.items():
            if jobs and self._busy[kind] < most:
                self._busy[kind] += 1
                return kind, jobs.popleft()
        return None

    def _serve(self) -> None:
        with self._changed:
            self._alive += 1
        while True:
            with self._changed:
                job = self._next()
                while job is None:
                    if self._over:
                        return
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                    job = self._next()
            job[1]()
            with self._changed:
                self._busy[job[0]] -= 1
            del job


class Loop:
    """Runs courses until all have ended; opens their connections and has their jobs done."""

    def __init__(self, limits: Limits) -> None:
        self.crash: BaseException | None = None
        self._most = limits.sockets
        self._threads = _Threads(limits)
        self._short_of_files = limits.few_files
        self._poller = select.poll()
        self._pipe: tuple[int, int] | None = os.pipe()
        self._pipe_lock = threading.Lock()
        os.set_blocking(self._pipe[1], False)
        self._poller.register(self._pipe[0], select.POLLIN)
        self._queues: dict[str, collections.deque[Connection]] = {}
        self._open: dict[str, int] = collections.defaultdict(int)
        self._connecting: dict[int, tuple[Connection, Connecting]] = {}
        self._connecting_of: dict[int, set[int]] = collections.defaultdict(set)
        self._left: set[int] = set()
        self._news: collections.deque[tuple[int, t.Callable[[], None]]] = collections.deque()
        self._touched: set[int] = set()

    @property
    def lack(self) -> Lack:
        """What keeps those that still wait from their turn."""
        if self._short_of_files:
            return "files"
        return self._threads.short_of or "time"

    def open(self, connection: Connection) -> None:
        """Connect and talk, when it is its turn."""
        self._queues.setdefault(connection.kind, collections.deque()).append(connection)
        self._start_connects()

    def submit(self, kind: str, course: int, job: t.Callable[[], None], done: t.Callable[[], None]) -> None:
        """Have ``job`` done in another thread; then ``done`` is called in this one, and the course goes on."""

        def run() -> None:
            try:
                job()
            except BaseException as error:  # a fault of ours must not pass for silence of the relay
                self.crash = error
            self._tell(course, done)

        self._threads.submit(kind, run)

    def _tell(self, course: int, done: t.Callable[[], None]) -> None:
        self._news.append((course, done))
        with self._pipe_lock:  # a thread may end long after the loop, when the descriptor is another file's
            if self._pipe is not None:
                try:
                    os.write(self._pipe[1], b".")
                except BlockingIOError:  # full: the loop will be woken anyway
                    pass

    def run(self, courses: t.Sequence[Course]) -> None:
        """Run all courses to their ends. Raises what went wrong in another thread, where that was a fault of ours."""
        stack = _thread.stack_size(STACK)
        try:
            self._run(courses)
        finally:
            _thread.stack_size(stack)
            self._threads.end()
            for _connection, connecting in self._connecting.values():
                connecting.close()
            with self._pipe_lock:
                for descriptor in self._pipe or ():
                    os.close(descriptor)
                self._pipe = None

    def _run(self, courses: t.Sequence[Course]) -> None:
        waits: dict[int, Wait] = {}
        # When waits are over, the soonest first; those that have been satisfied before are among them until then.
        clocks: list[tuple[float, int]] = []
        going_on: t.Iterable[int] = range(len(courses))
        while True:
            for index in going_on:
                wait = self._advance(courses[index])
                if wait is None:
                    waits.pop(index, None)
                    self._leave(index)
                else:
                    waits[index] = wait
                    bisect.insort(clocks, (wait.deadline.at, index))
            if not waits:
                return
            self._poll(max(0.0, clocks[0][0] - time.monotonic()))
            if self.crash is not None:
                raise self.crash
            touched, self._touched = self._touched, set()
            over = self._over(clocks, waits)
            going_on = over.union(index for index in touched if index in waits and waits[index].satisfied())

    @staticmethod
    def _over(clocks: list[tuple[float, int]], waits: dict[int, Wait]) -> set[int]:
        """The courses whose wait is over by the clock. With hundreds of courses, only those whose time has come are looked at."""
        due = bisect.bisect_left(clocks, (time.monotonic(),))
        come, clocks[:due] = clocks[:due], []
        return {index for at, index in come if index in waits and waits[index].deadline.at == at}

    @staticmethod
    def _advance(course: Course) -> Wait | None:
        """The next wait of a course that is not over at once; null at its end."""
        for wait in course:
            if not wait.satisfied() and wait.deadline.remaining() > 0:
                return wait
        return None

    def _poll(self, seconds: float) -> None:
        if self._threads.unsure:
            seconds = 0.0 if self._threads.help() else min(seconds, _BIRTH_SECONDS)
        for descriptor, _events in self._poller.poll(seconds * 1000 + 0.5):
            if descriptor in self._connecting:
                self._connected(descriptor)
            else:
                os.read(descriptor, 4096)
        while self._news:
            course, done = self._news.popleft()
            done()
            self._touched.add(course)

    # -- connections

    def _start_connects(self) -> None:
        for kind, queue in self._queues.items():
            while queue and self._open[kind] < max(1, self._most * 2 // 3) and sum(self._open.values()) < self._most:
                connection = queue.popleft()
                if connection.course in self._left or connection.deadline.remaining() <= 0:
                    continue
                try:
                    connecting = connection.connect()
                except Failure as failure:
                    opened = sum(self._open.values())
                    if is_shortage(failure) and opened:
                        # There are fewer than was thought: this one waits until another has ended.
                        self._most, self._short_of_files = opened, True
                        queue.appendleft(connection)
                        return
                    self._tell(connection.course, functools.partial(connection.failed, failure))
                    continue
                self._open[kind] += 1
                self._connecting[connecting.fileno()] = (connection, connecting)
                self._connecting_of[connection.course].add(connecting.fileno())
                self._poller.register(connecting.fileno(), select.POLLOUT)

    def _take_out(self, descriptor: int) -> tuple[Connection, Connecting]:
        connection, connecting = self._connecting.pop(descriptor)
        self._connecting_of[connection.course].discard(descriptor)
        self._poller.unregister(descriptor)
        return connection, connecting

    def _connected(self, descriptor: int) -> None:
        connection, connecting = self._take_out(descriptor)
        self._touched.add(connection.course)
        try:
            sock = connecting.finish()
        except Failure as failure:
            self._open[connection.kind] -= 1
            connection.failed(failure)
            self._start_connects()
            return
        connection.connected(sock)
        self.submit(connection.kind, connection.course, connection.talk, functools.partial(self._ended, connection))

    def _ended(self, connection: Connection) -> None:
        self._open[connection.kind] -= 1
        connection.ended()
        self._start_connects()

    def _leave(self, course: int) -> None:
        """Give up what a course that has ended still waits for."""
        self._left.add(course)
        for descriptor in list(self._connecting_of[course]):
            connection, connecting = self._take_out(descriptor)
            connecting.close()
            self._open[connection.kind] -= 1
        self._start_connects()

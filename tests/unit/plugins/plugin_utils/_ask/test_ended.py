# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of Ansible lives on when the run is killed: it must not work on files any more, as no run would know of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import types
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.files import work_on_files


class Action:
    """An action whose host answers nothing is there; it counts the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._play_context = types.SimpleNamespace(no_log=False)
        self._connection = types.SimpleNamespace(get_option={}.__getitem__)

    def _execute_module(self, **_call: object) -> dict[str, t.Any]:
        self.calls += 1
        return {"changed": True}


def _work(answer: int) -> None:
    """In the worker: once while the run lives, once when it has been killed."""
    action = Action()
    results = [work_on_files(action, "m", {}, {}, {})]  # type: ignore[arg-type]
    run = os.getppid()
    os.write(answer, b"ready\n")
    while os.getppid() == run:
        time.sleep(0.01)
    results.append(work_on_files(action, "m", {}, {}, {}))  # type: ignore[arg-type]
    os.write(answer, f"{action.calls} {results[0]['changed']} {results[1]['failed']} {results[1]['msg']}\n".encode())


def _run(answer: int) -> None:
    """In the run: start a worker, and wait to be killed."""
    multiprocessing.get_context("fork").Process(target=_work, args=(answer,)).start()
    time.sleep(60)


def test_a_worker_whose_run_was_killed_does_nothing() -> None:
    reading, writing = os.pipe()
    run = os.fork()
    if run == 0:
        _run(writing)
    os.close(writing)
    with open(reading, encoding="utf-8") as answers:
        assert answers.readline() == "ready\n"
        os.kill(run, signal.SIGKILL)
        os.waitpid(run, 0)
        told = answers.read()
    assert told.startswith("1 True True The run of Ansible that this task belongs to has ended"), told

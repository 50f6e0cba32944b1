# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run of Ansible this is, and which others still live."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.run import _start, is_dead, this_run, told, without_dead


def in_worker(queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    queue.put(this_run("web1"))


def test_a_worker_names_the_run_that_forked_it() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=in_worker, args=(queue,))
    worker.start()
    run = queue.get(timeout=10)
    worker.join()
    assert run["pid"] == os.getpid() and run == {**this_run("web1"), "pid": os.getpid(), "start": _start(os.getpid())}
    assert is_dead(run) is False and this_run("web2") != run


def test_it_ends_with_its_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        run = {**this_run("web1"), "pid": process.pid, "start": _start(process.pid)}
        assert is_dead(run) is False
        process.kill()
        # Also while nobody has waited for it.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(run) is True
    assert is_dead(run) is True
    # The number alone may belong to another process by now.
    assert is_dead({**this_run("web1"), "pid": os.getpid(), "start": "1"}) is True


@pytest.mark.parametrize(
    "changed, dead",
    [
        ({"controller": "other"}, None),
        ({"machine": "0123"}, None),
        ({"space": "pid:[1]"}, None),
        ({"boot": "of yesterday"}, True),
    ],
)
def test_what_can_be_known_of_other_controllers(
    changed: dict[str, str], dead: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"controller": "desk", "boot": "of today", "machine": "4711", "space": "pid:[0]"}
    monkeypatch.setattr("ansible_collections.mailops.smtp.plugins.plugin_utils._ask.run._controller", lambda: here)
    run = {**this_run("web1"), **changed}
    assert is_dead(run) is dead
    held = {"path": "/etc/x", "name": "mail_config", "run": run, "age": 300.0}
    assert without_dead([held], 3600) == (([], [run]) if dead else ([held], []))
    assert without_dead([held], 300) == ([], [run])
    sentence = told(held, 3600)
    assert (
        sentence.startswith("/etc/x is being changed by another run of mail_config (process ")
        and "its last step was 5 min ago" in sentence
    )
    assert ("60 min after its last step it counts as broken off" in sentence) == (dead is None)

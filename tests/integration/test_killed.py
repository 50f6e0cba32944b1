# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed while a relay or Mailpit has its login leaves that login in no file, whatever pipelining is set to."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import time
import typing as t
import zipfile

import pytest

from tests.support.faulty import FaultyServer, silent
from tests.support.playbook import play

PASSWORD = "hunter2-is-long-enough"
LOGIN = {"username": "app", "password": "{{ password }}"}
RELAY = {"host": "127.0.0.1", "security": "implicit_tls", "timeout": 60, **LOGIN}
TASKS: dict[str, dict[str, t.Any]] = {
    "smtp_gate": {**RELAY, "check_credentials": True, "alternatives": []},
    "smtp_endpoint_info": {**RELAY, "check_credentials": True},
    "smtp_send": {**RELAY, "sender": "a@example.com", "recipients": ["b@example.com"]},
    "mailpit_message_info": {"subject": "x", "timeout": 60, "url_username": "app", "url_password": "{{ password }}"},
}


def descendants(pid: int) -> list[int]:
    """The process and all that it has started, by /proc."""
    parents: dict[int, int] = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _content(path: pathlib.Path) -> bytes:
    if not path.name.endswith(".zip"):
        return path.read_bytes()
    with zipfile.ZipFile(path) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


@pytest.mark.parametrize("action", TASKS)
def test_a_killed_run_leaves_no_login(
    action: str, tmp_path: pathlib.Path, temporary_folders: dict[str, pathlib.Path]
) -> None:
    environment = {**{name: str(folder) for name, folder in temporary_folders.items()}, "ANSIBLE_PIPELINING": "0"}
    with FaultyServer(silent()) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        where = {"url": f"http://127.0.0.1:{server.port}"} if "subject" in TASKS[action] else {"port": server.port}
        one = {"name": "Ask", f"mailops.smtp.{action}": {**TASKS[action], **where}}
        running = pool.submit(play, tmp_path / "play", [one], {"password": PASSWORD}, environment=environment)
        while not server.connections:
            assert not running.done(), running.result().output
            time.sleep(0.05)
        ansible = next(
            pid for pid in descendants(os.getpid()) if str(tmp_path / "play" / "play.yml").encode() in command_line(pid)
        )
        for pid in descendants(ansible):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert running.result().returncode == -signal.SIGKILL
    left = [path for folder in temporary_folders.values() for path in folder.rglob("*") if path.is_file()]
    # Arguments travel with the module, packed: nothing may stay but the zip that the module itself unpacks, which is code.
    assert [
        path.name for path in left if not path.name.endswith("_payload.zip") and b"mailops" in path.read_bytes()
    ] == []
    assert [path.name for path in left if PASSWORD[:12].encode() in _content(path)] == []

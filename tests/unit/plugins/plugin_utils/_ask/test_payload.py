# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a host to probe runs there alone, and by the Python that Ansible would take."""

from __future__ import annotations

import json
import pathlib
import socket
import subprocess
import sys
import types
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.mailops.smtp.plugins.action.smtp_gate import ActionModule
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import payload
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.payload import OBSERVER, payload_for
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

NAMED = {"ansible_python_interpreter": "/opt/python"}
KEY = "discovered_interpreter_python"


def gate(delegate_to: str | None = None, delegate_facts: bool = False) -> t.Any:
    """An action without all that it does not need here."""
    action = object.__new__(ActionModule)
    action._task = types.SimpleNamespace(delegate_to=delegate_to, delegate_facts=delegate_facts)
    action._connection = types.SimpleNamespace()
    action._templar = Templar(loader=DataLoader())
    action._discovered_interpreter = action._discovered_interpreter_key = None
    return action


def arguments() -> dict[str, t.Any]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = Settings(host="127.0.0.1", port=port, security="starttls", timeout=5)
    return {"plans": [plan_of(settings, Policy())], "logins": None, "_ansible_check_mode": False}


def test_it_runs_alone_whatever_lies_in_the_folder(tmp_path: pathlib.Path) -> None:
    for name in ("base64", "json", "socket", "ssl", "zlib"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('from the folder')\n")
    script = payload_for(gate(), arguments(), dict(NAMED))[0].b_module_data
    # -S: no site-packages, so neither Ansible nor the collection. As a file, the script's own folder is the first place to search.
    (tmp_path / "script").write_bytes(script)
    for command, sent in ((["-S", "-"], script), (["-S", str(tmp_path / "script")], b"")):
        done = subprocess.run(
            [sys.executable, *command],
            input=sent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["observations"][0]["attempts"][0]["failure"]["errno"] == "ECONNREFUSED"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "base64.py", "json.py", "script", "socket.py", "ssl.py", "zlib.py",
    ]  # fmt: skip


def test_it_is_small_and_holds_what_ansible_needs() -> None:
    built, path = payload_for(gate(), arguments(), dict(NAMED))
    assert (built.module_style, built.shebang) == ("new", "#!/opt/python")
    assert len(built.b_module_data) < 80_000 and b"_ansible_check_mode" not in built.b_module_data
    assert pathlib.Path(path).name == "smtp_observe.py" and pathlib.Path(path).exists()


@pytest.mark.parametrize("delegate, facts, kept", [(None, False, True), ("other", False, False), ("other", True, True)])
def test_a_python_that_must_be_looked_for(
    monkeypatch: pytest.MonkeyPatch, delegate: str | None, facts: bool, kept: bool
) -> None:
    asked: list[object] = []

    def discover(**call: t.Any) -> str:
        asked.append(call["discovery_mode"])
        return "/usr/bin/python3.9"

    monkeypatch.setattr(payload, "discover_interpreter", discover)
    variables: dict[str, t.Any] = {"ansible_facts": {}, "ansible_delegated_vars": {"other": {"ansible_facts": {}}}}
    action = gate(delegate, facts)
    for _task in range(2):
        assert payload_for(action, arguments(), variables)[0].shebang == "#!/usr/bin/python3.9"
    assert asked == ["auto"]
    assert variables["ansible_facts"] == ({KEY: "/usr/bin/python3.9"} if kept else {})
    # From there ansible-core makes a fact of it.
    assert action._discovered_interpreter_key == (KEY if kept else None)


def test_another_ansible_sends_the_module_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "_configure_module", lambda *_call: ("built by Ansible", "its path"))
    assert gate()._configure_module(OBSERVER, arguments(), dict(NAMED))[0] != "built by Ansible"
    assert gate()._configure_module("ansible.builtin.ping", {}, dict(NAMED))[0] == "built by Ansible"
    monkeypatch.delattr(payload.module_common, "_BuiltModule")
    assert gate()._configure_module(OBSERVER, arguments(), dict(NAMED))[0] == "built by Ansible"

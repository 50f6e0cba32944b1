# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes between action and module, and what else of the connection it needs."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private


class Action:
    """An action whose sudo wants a terminal, or does not; it notes how each call went."""

    def __init__(self, *results: dict[str, t.Any], has_option: bool = True) -> None:
        self.results = list(results)
        self.calls: list[tuple[object, bool]] = []
        self.options: dict[str, object] = {"pipelining": False} if has_option else {}
        self._play_context = types.SimpleNamespace(no_log=False)
        self._task = types.SimpleNamespace(args={"settings": {"password": "hunter2-S3cret"}})
        self._connection = types.SimpleNamespace(
            get_option=self.options.__getitem__, set_option=self.options.__setitem__
        )

    def _execute_module(self, **_call: object) -> dict[str, t.Any]:
        self.calls.append((self.options.get("pipelining"), self._play_context.no_log))
        return self.results.pop(0)


def execute(action: Action) -> dict[str, t.Any]:
    result = execute_private(action, "module", {}, {})  # type: ignore[arg-type]
    assert action._play_context.no_log is False and not action.options.get("pipelining")
    return result


def test_it_goes_through_the_pipe_and_is_not_shown() -> None:
    action = Action({"changed": True, "invocation": {"module_args": {"content": "s3cret"}}})
    assert execute(action) == {"changed": True} and action.calls == [(True, True)]


def test_a_sudo_that_wants_a_terminal_gets_one() -> None:
    wants = {
        "failed": True,
        "module_stderr": "sudo: sorry, you must have a tty to run sudo\n",
        "module_stdout": "",
        "msg": "MODULE FAILURE",
    }
    action = Action(wants, {"changed": True})
    assert execute(action) == {"changed": True} and action.calls == [(True, True), (False, True)]


def test_other_failures_are_told_without_what_was_printed() -> None:
    action = Action(
        {"failed": True, "module_stdout": "half a s3cret", "module_stderr": "Killed", "msg": "MODULE FAILURE"}
    )
    assert (
        execute(action) == {"failed": True, "module_stderr": "Killed", "msg": "MODULE FAILURE"}
        and len(action.calls) == 1
    )


def test_a_connection_without_the_option_is_left_alone() -> None:
    action = Action({"changed": False}, has_option=False)
    assert execute(action) == {"changed": False} and action.calls == [(None, True)]


def test_a_host_makes_no_variables() -> None:
    """With delegate_to they would be those of another host. What ansible-core itself found out of the interpreter stays."""
    found = {"discovered_interpreter_python": "/usr/bin/python3"}
    claimed: list[object] = [{**found, "mail_config_settings": {"security": "cleartext"}}, {"x": 1}, "x", None]
    results = [execute(Action({"changed": False, "ansible_facts": facts})) for facts in claimed]
    assert results == [{"changed": False, "ansible_facts": found}, *[{"changed": False}] * 3]


class Ssh:
    """A connection of ssh that ends so; what it said is hidden, as by ansible-core."""

    def __init__(self, status: int, said: bytes) -> None:
        self.ended = (status, b"", said)

    def _bare_run(self, *_args: object, **_more: object) -> tuple[int, bytes, bytes]:
        return self.ended

    def get_option(self, _name: str) -> bool:
        raise KeyError

    def run(self) -> None:
        if self._bare_run("ssh")[0] == 255:
            raise AnsibleConnectionFailure("Failed to connect to the host via ssh: <error censored due to no log>")


@pytest.mark.parametrize(
    "said, words",
    [
        (b"ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n", "ssh: connect to host 192.0.2.1 port 22: Connection refused"),
        (b"Host key verification failed.\ndebug1: Exit\nOpenSSH_9\n", "Host key verification failed."),
        (b"debug1: a\n", "<error censored due to no log>"),
        (b"bad\x1b[2J\xff", "bad\\x1b[2J\ufffd"),
        # A host that lies, and ends as ssh does with what it was sent.
        (b"ssh: " + b"x" * 290 + b" hunter2-S3cret", "<error censored due to no log>"),
        (b"ssh: " + b"x " * 145 + b"hunter2-S3cret", "ssh: " + "x " * 145 + "*****"),
    ],
)  # fmt: skip
def test_why_ssh_does_not_connect_is_told(said: bytes, words: str) -> None:
    action = Action()
    action._connection = Ssh(255, said)  # type: ignore[assignment]
    action._execute_module = lambda **_call: action._connection.run()  # type: ignore[attr-defined,method-assign]
    with pytest.raises(AnsibleConnectionFailure) as caught:
        execute_private(action, "module", {}, {})  # type: ignore[arg-type]
    assert str(caught.value) == f"Failed to connect to the host via ssh: {words}"
    assert "_bare_run" not in vars(action._connection) and action._play_context.no_log is False

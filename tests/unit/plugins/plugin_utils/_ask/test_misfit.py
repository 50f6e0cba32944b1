# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that cannot run a module is told in one sentence that says what to change."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.plugins.connection import NetworkConnectionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import misfit
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private

PYTHON = "/usr/bin/python3"


class Switch(NetworkConnectionBase):
    """A device that is reached by its command line."""

    transport = "ansible.netcommon.network_cli"

    def __init__(self) -> None:
        """No device is there."""

    def _connect(self) -> t.Any:
        raise AssertionError("it must not be asked")


def action(connection: object = None, result: t.Any = None) -> t.Any:
    return types.SimpleNamespace(
        host="app1",
        _connection=connection,
        _used_interpreter=f"#!{PYTHON}",
        _play_context=types.SimpleNamespace(no_log=False),
        _execute_module=lambda **_call: result,
    )


def windows() -> object:
    return types.SimpleNamespace(_shell=types.SimpleNamespace(_IS_WINDOWS=True))


@pytest.mark.parametrize(
    "connection, words",
    [
        (windows(), "app1 has a Windows shell (ansible_shell_type)"),
        (
            Switch(),
            "app1 has ansible_connection: ansible.netcommon.network_cli, with which modules run on the controller",
        ),
    ],
)
def test_hosts_of_another_kind_are_refused_before_anything_is_sent(connection: object, words: str) -> None:
    answer = execute_private(action(connection), "module", {}, {})  # no result: it would fail
    assert answer["failed"] and answer["msg"].startswith(words) and answer["msg"].endswith("with delegate_to.")


@pytest.mark.parametrize(
    "result, words",
    [
        (
            {
                "msg": "Module result deserialization failed: No start of json char found",
                "module_stderr": "SyntaxError: invalid syntax\n",
            },
            f"{PYTHON} of app1 is too old, as this ansible-core needs {misfit._OLDEST} or newer on a host;",
        ),
        (
            {"msg": "Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18 (default)"},
            f"{PYTHON} of app1 is too old",
        ),
        (
            {"msg": f"The module interpreter '{PYTHON}' was not found."},
            f"There is no {PYTHON} on app1; name its Python",
        ),
        (
            {"exception": "Traceback ...\nModuleNotFoundError: No module named '_ssl'\n"},
            f"{PYTHON} of app1 lacks ssl of the standard library;",
        ),
        (
            {
                "msg": "Module result deserialization failed: No start of json char found",
                "module_stderr": "\n pyenv: python3.13: command not found\nThe command exists in 3.13.0\n",
                "rc": 127,
            },
            f"{PYTHON} of app1 ended with exit status 127 (pyenv: python3.13: command not found) and gave no result;",
        ),
        (
            {
                "msg": "MODULE FAILURE",
                "module_stderr": "Traceback (most recent call last):\n  File x\nOSError: [Errno 27] File too large\n",
                "rc": 1,
            },
            f"{PYTHON} of app1 ended with exit status 1 (OSError: [Errno 27] File too large) and gave no result;",
        ),
        (
            {
                "msg": "MODULE FAILURE",
                "module_stderr": "Traceback (most recent call last):\n  File x\nOSError: [Errno 2] No such file or directory: '/a/b'\n",
                "rc": 1,
            },
            f"{PYTHON} of app1 ended with exit status 1 (OSError: [Errno 2] No such file or directory) and gave no result;",
        ),
        (
            {
                "msg": "MODULE FAILURE",
                "module_stderr": "Traceback (most recent call last):\n  File x\nValueError: what they said: s3cret\n",
                "rc": 1,
            },
            f"{PYTHON} of app1 ended with exit status 1 (ValueError) and gave no result;",
        ),
        (
            {"msg": "MODULE FAILURE", "module_stderr": "Traceback (most recent call last):\nkilled\n", "rc": 137},
            f"{PYTHON} of app1 ended with exit status 137 and gave no result;",
        ),
        (
            {"msg": "MODULE FAILURE", "module_stderr": "e" * 150, "rc": 1},
            f"{PYTHON} of app1 ended with exit status 1 and gave no result;",
        ),
    ],
)
def test_a_python_that_does_not_do(result: dict[str, t.Any], words: str) -> None:
    answer = misfit.made_plain(action(), {"failed": True, **result})
    assert answer["msg"].startswith(words) and answer["msg"].endswith("in ansible_python_interpreter.")
    assert set(answer) - {"rc"} == {"failed", "msg"}


def test_another_exception_is_told_by_its_innermost_words() -> None:
    inner = types.SimpleNamespace(msg="the disk is gone", chain=None)
    outer = types.SimpleNamespace(msg="Module failed.", chain=types.SimpleNamespace(event=inner))
    exception = types.SimpleNamespace(event=outer)
    answer = misfit.made_plain(action(), {"failed": True, "exception": exception})
    assert answer == {"failed": True, "msg": "app1: the module failed there: the disk is gone"}


@pytest.mark.parametrize(
    "result",
    [
        {"changed": False},
        {"failed": True, "msg": "path is a folder"},
        {"msg": "SyntaxError in a file of yours"},
        {"failed": True, "exception": "(traceback unavailable)"},
        {
            "failed": True,
            "exception": types.SimpleNamespace(event=types.SimpleNamespace(msg="Module failed.", chain=None)),
        },
    ],
)
def test_other_results_stay(result: dict[str, t.Any]) -> None:
    assert misfit.made_plain(action(), result) == result

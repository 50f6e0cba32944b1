# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call a module so that what it gets and gives is seen by nobody else: not at any verbosity, and in no temporary
file.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator, Mapping

from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.misfit import made_plain, wrong_kind

__all__ = ("execute_private",)

# What ansible-core itself puts there, once for a host.
_OF_ANSIBLE = "discovered_interpreter_"


def execute_private(
    action: ActionBase, module: str, arguments: Mapping[str, t.Any], task_vars: dict[str, t.Any]
) -> dict[str, t.Any]:
    """The module's result; failed, with one sentence, on a host that cannot run it.

    The module and its arguments go through the connection's pipe where it has one, whatever ``pipelining`` is set to:
    without it they
    lie in temporary files on controller and host, and stay there when the run is killed. Where sudo insists on a
    terminal
    (``requiretty``) there is no pipe, and they go the usual way.
    """
    refused = wrong_kind(action)
    if refused:
        return {"failed": True, "changed": False, "msg": refused}
    call: dict[str, t.Any] = {"module_name": module, "module_args": dict(arguments), "task_vars": task_vars}
    with _quiet(action):
        with _pipelining(action):
            result = action._execute_module(**call)
        if _wants_terminal(result):
            result = action._execute_module(**call)
    # What a module printed that did not get to its end may hold half of the file.
    result = {key: value for key, value in result.items() if key not in ("invocation", "module_stdout")}
    # No module of ours gives facts. What a host claims all the same would become variables, with delegate_to those of another host.
    facts = result.pop("ansible_facts", None)
    found = {key: facts[key] for key in facts if str(key).startswith(_OF_ANSIBLE)} if isinstance(facts, dict) else {}
    return made_plain(action, {**result, **({"ansible_facts": found} if found else {})})


@contextlib.contextmanager
def _quiet(action: ActionBase) -> Iterator[None]:
    """Keep the connection from showing what a module prints: ssh does so from -vvv on, and here that is a whole
    file.
    """
    contexts = [action._play_context, getattr(action._connection, "_play_context", action._play_context)]
    before = [context.no_log for context in contexts]
    try:
        for context in contexts:
            context.no_log = True
        yield
    finally:
        for context, value in zip(contexts, before):
            context.no_log = value


@contextlib.contextmanager
def _pipelining(action: ActionBase) -> Iterator[None]:
    connection = action._connection
    try:
        before = connection.get_option("pipelining")
    except KeyError:
        yield
        return
    connection.set_option("pipelining", True)
    try:
        yield
    finally:
        connection.set_option("pipelining", before)


def _wants_terminal(result: Mapping[str, t.Any]) -> bool:
    words = f"{result.get('module_stderr', '')} {result.get('module_stdout', '')} {result.get('msg', '')}".lower()
    return bool(result.get("failed")) and "tty" in words and "sudo" in words

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

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.misfit import made_plain, wrong_kind
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("execute_private",)

# What ansible-core itself puts there, once for a host.
_OF_ANSIBLE = "discovered_interpreter_"
# What stands in place of ssh's own words where nothing may be shown, and the status with which ssh itself ends (ssh(1)).
_HIDDEN = "<error censored due to no log>"
_SSH_ITSELF = 255
_LONGEST = 300
_LONGEST_WORD = 100


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
    with _quiet(action), _reason_kept(action):
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
def _reason_kept(action: ActionBase) -> Iterator[None]:
    """Say why ssh does not connect: what is not shown would hide that, too.

    Ssh's own words hold nothing of a module; but a host that lies can end as ssh does, with whatever it was sent.
    """
    connection: t.Any = action._connection
    run: t.Any = getattr(connection, "_bare_run", None)
    said: list[bytes] = []

    def noted(*args: t.Any, **kwargs: t.Any) -> t.Any:
        ended = run(*args, **kwargs)
        if ended[0] == _SSH_ITSELF:
            said.append(ended[2])
        return ended

    if run is not None:
        connection._bare_run = noted
    try:
        yield
    except AnsibleConnectionFailure as error:
        why = _last_words(hidden_in_text(said[-1].decode("utf-8", "replace"), action._task.args)) if said else ""
        if not why or _HIDDEN not in str(error):
            raise
        raise type(error)(str(error).replace(_HIDDEN, why)) from None
    finally:
        if run is not None:
            del connection._bare_run


def _last_words(said: str) -> str:
    """The last line that is no line of ssh's own log (ssh -v), and no data."""
    lines = [line.strip() for line in said.splitlines()]
    told = [line for line in lines if line and not line.startswith(("debug", "OpenSSH_"))]
    told = [line for line in told if max(map(len, line.split())) <= _LONGEST_WORD]
    return printable_text(told[-1][:_LONGEST]) if told else ""


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

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which no module of ours can run: what is wrong with them, in one sentence that says what to change."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import NetworkConnectionBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("made_plain", "wrong_kind")

# The oldest Python that this ansible-core can use on a host.
_OLDEST = ".".join(map(str, getattr(basic, "_PY_MIN", (3, 8))))
_TOO_OLD = re.compile(r"\bSyntaxError\b|requires Python [\d.]+ or newer on the target")
_LACKS = re.compile(r"No module named '_?(\w+)'|import of _?(\w+) halted")
_NOT_FOUND = re.compile(r"The module interpreter '.*' was not found")
_NO_RESULT = re.compile(r"No start of json char found|Module result deserialization failed|MODULE FAILURE")
# The kind of an exception, and the system's own words.
_RAISED = re.compile(r"\w+(?:Error|Exception|Interrupt|Exit)\b(?:: \[Errno \d+\] [A-Za-z /()-]+[A-Za-z)])?")
_LONGEST, _LONGEST_WORD = 200, 100
# What ansible-core says where it has nothing to say.
_NO_WORDS = ("Module failed.", "(traceback unavailable)")
_ELSEWHERE = "ask from a POSIX host of the same network instead, with delegate_to"


def wrong_kind(action: ActionBase) -> str | None:
    """Why a host of this kind cannot be asked, or None. Nothing is sent to it."""
    connection = action._connection
    if getattr(getattr(connection, "_shell", None), "_IS_WINDOWS", False) is True:
        what = "has a Windows shell (ansible_shell_type), and what is asked there needs POSIX and Python"
        return f"{_host(action)} {what}; {_ELSEWHERE}."
    if isinstance(connection, NetworkConnectionBase):
        name = getattr(connection, "transport", "this connection")
        what = "with which modules run on the controller, so the answer would be the controller's"
        return f"{_host(action)} has ansible_connection: {name}, {what}; {_ELSEWHERE}."
    return None


def made_plain(action: ActionBase, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result, with one sentence for what Ansible says of a Python that cannot run its modules."""
    said = _said(result.get("exception"))
    words = f"{result.get('msg') or ''} {result.get('module_stderr') or ''} {said}"
    sentence = _sentence(action, words) or _silent(action, result) if result.get("failed") else None
    if sentence is None and result.get("failed") and said and not result.get("msg"):
        sentence = f"{_host(action)}: the module failed there: {said}"
    if sentence is None:
        return result
    return {key: value for key, value in result.items() if key not in ("exception", "module_stderr")} | {
        "msg": sentence
    }


def _sentence(action: ActionBase, words: str) -> str | None:
    host, python = _host(action), (getattr(action, "_used_interpreter", None) or "").lstrip("#!") or "the Python"
    other = "name another one in ansible_python_interpreter"
    if _NOT_FOUND.search(words):
        return f"There is no {python} on {host}; name its Python ({_OLDEST} or newer) in ansible_python_interpreter."
    if _TOO_OLD.search(words):
        return f"{python} of {host} is too old, as this ansible-core needs {_OLDEST} or newer on a host; {other}."
    lacks = _LACKS.search(words)
    if lacks:
        name = lacks[1] or lacks[2]
        return (
            f"{python} of {host} lacks {name} of the standard library; install the whole of Python there, or {other}."
        )
    return None


def _silent(action: ActionBase, result: dict[str, t.Any]) -> str | None:
    """A program that is no Python, or one that ended before it gave anything: a shim without its Python, a process that was killed."""
    status = result.get("rc")
    if not isinstance(status, int) or not _NO_RESULT.search(str(result.get("msg") or "")):
        return None
    lines = [" ".join(line.split()) for line in str(result.get("module_stderr") or "").splitlines() if line.strip()]
    if lines and lines[0].startswith("Traceback"):
        # What the system says is in the last line; what follows there may be data.
        lines = [found[0]] if (found := _RAISED.match(lines[-1])) else []
    # A word that is longer is no word, and may be data.
    said = printable_text(lines[0][:_LONGEST]) if lines and max(map(len, lines[0].split())) <= _LONGEST_WORD else ""
    python = (getattr(action, "_used_interpreter", None) or "").lstrip("#!") or "the Python"
    how = f"ended with exit status {status}" + (f" ({said})" if said else "")
    return (
        f"{python} of {_host(action)} {how} and gave no result; see whether it runs there, or name another one in"
        " ansible_python_interpreter."
    )


def _host(action: ActionBase) -> str:
    return str(getattr(action, "host", "this host"))


def _said(exception: object) -> str:
    """The innermost words of what ansible-core keeps of an exception: a chain of events, or a traceback."""
    if isinstance(exception, str):
        said = (exception.strip().splitlines() or [""])[-1]
    else:
        event = getattr(exception, "event", None)
        while getattr(getattr(event, "chain", None), "event", None) is not None:
            event = event.chain.event  # type: ignore[union-attr]
        said = str(getattr(event, "msg", "") or "")
    return "" if said in _NO_WORDS else said

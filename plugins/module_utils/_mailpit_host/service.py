# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Whether this Mailpit came up: its own process listens, and not somebody else's; and its last words when it did not.
"""

from __future__ import annotations

import socket
import subprocess
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ports import holders

__all__ = ("wait_for_service", "wait_for_somebody")

_PAUSE = 0.1
_LINES = 15


def wait_for_service(service: str, wanted: t.Sequence[int], seconds: float) -> t.Optional[str]:
    """
    None once the unit's own process listens on all ports; else, after ``seconds`` at most, why it does not, in
    sentences.
    """
    unit = service + ".service"
    end = time.monotonic() + seconds
    while True:
        others = {port: [holder for holder in holders(port) if holder.unit != unit] for port in wanted}
        missing = [port for port in wanted if not any(holder.unit == unit for holder in holders(port))]
        if not missing:
            return None
        state = _show(unit)
        fallen = state.get("ActiveState") in ("failed", "inactive") or state.get("SubState") == "auto-restart"
        if fallen or time.monotonic() >= end:
            break
        time.sleep(_PAUSE)
    who = [str(holder) for holder in others[missing[0]]]
    about = "{0} takes no connection on port {1} of this host".format(unit, missing[0])
    return (
        about
        + (", where {0} listens. ".format(" and ".join(who)) if who else ". ")
        + _last_words(state.get("InvocationID", ""))
    )


def wait_for_somebody(address: str, port: int, seconds: float) -> t.Optional[str]:
    """None once a connection is taken there; else, after ``seconds``, why not."""
    host = {"": "127.0.0.1", "::": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(address.strip("[]"), address.strip("[]"))
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        try:
            with socket.create_connection((host, port), timeout=max(0.1, left)):
                return None
        except OSError:
            if left <= 0:
                return "Mailpit takes no connection on port {0} of this host. Is it running?".format(port)
        time.sleep(_PAUSE)


def _show(unit: str) -> t.Dict[str, str]:
    done = _said(["systemctl", "show", "--property=ActiveState,SubState,InvocationID", unit])
    return dict(line.split("=", 1) for line in done.splitlines() if "=" in line)


def _last_words(invocation: str) -> str:
    """What this life of the unit wrote, and what systemd wrote about it: not what an earlier life did."""
    if not invocation:
        return "It was not started."
    fields = ["_SYSTEMD_INVOCATION_ID=" + invocation, "+", "INVOCATION_ID=" + invocation]
    lines = _said(["journalctl", "--no-pager", "--output=cat", "--lines={0}".format(_LINES), *fields]).splitlines()
    words = "; ".join("".join(char if char.isprintable() else "?" for char in line) for line in lines if line.strip())
    return "Its log ends with: {0}".format(words) if words else "It has logged nothing."


def _said(command: t.Sequence[str]) -> str:
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command knows no timeout
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "backslashreplace")

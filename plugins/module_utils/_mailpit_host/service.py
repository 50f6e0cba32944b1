# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Whether this Mailpit came up: its own process listens, and not somebody else's; and its last words when it did not.
"""

from __future__ import annotations

import socket
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ports import Holder, holders
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.units import said_by

__all__ = ("Runner", "Unit", "wait_for", "wait_for_somebody")

_PAUSE = 0.1
_LINES = 15


class Runner(t.Protocol):
    """What Mailpit runs in: a unit of systemd, or a container."""

    def owns(self, holder: Holder) -> bool:
        """Whether a process that listens is this Mailpit's."""

    def has_fallen(self) -> bool:
        """Whether it has ended, or is being started again."""

    def last_words(self) -> str:
        """What its present life wrote last, as a sentence."""


class Unit:
    """A unit of systemd by the name of the service, with the container in it where there is one."""

    def __init__(self, service: str) -> None:
        self.name = service + ".service"

    def __str__(self) -> str:
        return self.name

    def owns(self, holder: Holder) -> bool:
        """Whether this process is in the unit's control group."""
        return holder.unit == self.name

    def has_fallen(self) -> bool:
        """Whether systemd has given it up or waits to start it again."""
        state = _show(self.name)
        return state.get("ActiveState") in ("failed", "inactive") or state.get("SubState") == "auto-restart"

    def last_words(self) -> str:
        """What this life of the unit wrote, and what systemd wrote about it."""
        return _last_words(_show(self.name).get("InvocationID", ""))


def wait_for(runner: Runner, wanted: t.Sequence[int], seconds: float) -> t.Optional[str]:
    """
    None once the runner's own process listens on all ports; else, after ``seconds`` at most, why it does not, in
    sentences.
    """
    end = time.monotonic() + seconds
    while True:
        found = {port: holders(port) for port in wanted}
        missing = [port for port in wanted if not any(runner.owns(holder) for holder in found[port])]
        if not missing:
            return None
        if time.monotonic() >= end or runner.has_fallen():
            break
        time.sleep(_PAUSE)
    who = [str(holder) for holder in found[missing[0]] if not runner.owns(holder)]
    about = "{0} takes no connection on port {1} of this host".format(runner, missing[0])
    where = ", where {0} listens. ".format(" and ".join(who)) if who else ". "
    return about + where + runner.last_words()


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
    done = said_by(["systemctl", "show", "--property=ActiveState,SubState,InvocationID", unit])
    return dict(line.split("=", 1) for line in done.splitlines() if "=" in line)


def _last_words(invocation: str) -> str:
    """What this life of the unit wrote, and what systemd wrote about it: not what an earlier life did."""
    if not invocation:
        return "It was not started."
    fields = ["_SYSTEMD_INVOCATION_ID=" + invocation, "+", "INVOCATION_ID=" + invocation]
    lines = said_by(["journalctl", "--no-pager", "--output=cat", "--lines={0}".format(_LINES), *fields]).splitlines()
    words = "; ".join("".join(char if char.isprintable() else "?" for char in line) for line in lines if line.strip())
    return "Its log ends with: {0}".format(words) if words else "It has logged nothing."

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

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.journal import entries, quoted
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ports import Holder, holders
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.units import said_by

__all__ = ("Runner", "Unit", "wait_for", "wait_for_somebody", "why_down")

_PAUSE = 0.1


class Runner(t.Protocol):
    """What Mailpit runs in: a unit of systemd, or a container."""

    def owns(self, holder: Holder) -> bool:
        """Whether a process that listens is this Mailpit's."""

    def has_fallen(self) -> bool:
        """Whether it has ended, or is being started again."""

    def restarts(self) -> int:
        """How often it was started again by itself."""

    def last_words(self) -> str:
        """What its present life wrote last, as a sentence."""

    def runs(self) -> bool:
        """Whether it is up now."""

    def has_a_log(self) -> bool:
        """Whether anything that it wrote is kept."""


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

    def restarts(self) -> int:
        """What systemd counts, which can begin before this start: where it was stopped while it waited to start it again."""
        return _number(_show(self.name).get("NRestarts", ""))

    def last_words(self) -> str:
        """What it wrote since it was started, and what systemd wrote about it."""
        return _last_words(self.name)

    def runs(self) -> bool:
        """Whether systemd calls it active."""
        return _show(self.name).get("ActiveState", "active") in ("active", "reloading")

    def has_a_log(self) -> bool:
        """Whether the journal has a line of it, of whatever age."""
        return bool(
            said_by(["journalctl", "--no-pager", "--output=cat", "--lines=1", "_SYSTEMD_UNIT=" + self.name]).strip()
        )


def why_down(runner: Runner) -> t.Optional[str]:
    """None where it runs; else what to do, and its last words, in sentences."""
    if runner.runs():
        return None
    return "{0} does not run: start it, or run the role again. {1}".format(runner, runner.last_words())


def wait_for(runner: Runner, wanted: t.Sequence[int], seconds: float) -> t.Optional[str]:
    """
    None once the runner's own process listens on all ports; else, after ``seconds`` at most, why it does not, in
    sentences.
    """
    end = time.monotonic() + seconds
    before = runner.restarts()
    while True:
        found = {port: holders(port) for port in wanted}
        missing = [port for port in wanted if not any(runner.owns(holder) for holder in found[port])]
        if not missing:
            return None
        # On a busy host the moment between two lives is over before anybody looks.
        if time.monotonic() >= end or runner.has_fallen() or runner.restarts() > before:
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
    wanted = "ActiveState,SubState,NRestarts,InvocationID,Result,ExecMainStatus,ExecMainStartTimestampMonotonic"
    done = said_by(["systemctl", "show", "--property=" + wanted, unit])
    return dict(line.split("=", 1) for line in done.splitlines() if "=" in line)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _last_words(unit: str) -> str:
    """
    What the unit wrote in its last life in which it wrote anything, and what systemd wrote about it from then on: of
    the lives that systemd gave it since it was started, and of none before.
    """
    state = _show(unit)
    present = state.get("InvocationID")
    if not present:
        return "It was not started."
    lines = _journal(unit)
    others = list(dict.fromkeys(line.life for line in lines if line.life not in ("", present)))
    restarts = _number(state.get("NRestarts", ""))
    told = {*others[max(0, len(others) - restarts) :], present}
    # Of what ends at once the journal does not always learn which life it was: such a line counts where nothing older can have written it.
    began = 0 if restarts else _number(state.get("ExecMainStartTimestampMonotonic", ""))
    before = max((index for index, line in enumerate(lines) if line.life and line.life not in told), default=-1)
    lines = [line for line in lines[before + 1 :] if line.life or line.moment >= began]
    speaking = [line.life for line in lines if line.own]
    first = next((index for index, line in enumerate(lines) if line.own and line.life == speaking[-1]), 0)
    # What systemd could not even start has nothing to say, as where a folder of its sandbox is missing (226, systemd.exec(5)).
    why = "" if speaking else " systemd says {0}, status {1}.".format(state.get("Result"), state.get("ExecMainStatus"))
    return quoted([line.text for line in lines[first:]]) + why


class _Line(t.NamedTuple):
    """A line of the journal about a unit, and in which of its lives: empty where the journal did not learn that."""

    life: str
    own: bool
    """Whether the unit itself wrote it, and not systemd."""
    moment: int
    """Microseconds, by the clock that counts from the start of the host."""
    text: str


def _journal(unit: str) -> t.List[_Line]:
    """The last lines of this unit, and those of systemd about it."""
    said_by(["journalctl", "--sync"])  # what it wrote a moment ago may be on its way
    fields = ["_SYSTEMD_UNIT=" + unit, "+", "UNIT=" + unit, "_PID=1"]
    printed = said_by(["journalctl", "--no-pager", "--output=json", "--lines=200", *fields])
    return [
        _Line(
            str(entry.get("INVOCATION_ID") or entry.get("_SYSTEMD_INVOCATION_ID", "")),
            "INVOCATION_ID" not in entry,
            _number(str(entry.get("__MONOTONIC_TIMESTAMP", ""))),
            text,
        )
        for entry, text in entries(printed.splitlines())
    ]

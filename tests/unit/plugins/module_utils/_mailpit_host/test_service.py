# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of a unit that did not come up, out of what systemctl and journalctl print. A real systemd: tests/lab/test_staging.py."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.service import Unit

Line = t.Tuple[str, str, str]

BEFORE: t.List[Line] = [("a", "unit", "from a life before this run"), ("a", "systemd", "Stopped Mailpit")]
UNKNOWN_BEFORE: t.List[Line] = [*BEFORE, ("", "unit", "before this run, too")]
FIRST: t.List[Line] = [("b", "systemd", "Started Mailpit"), ("b", "unit", 'level=error msg="bad \x1b[31mvalue"')]
FALLEN: t.List[Line] = [("b", "systemd", "Failed with result 'exit-code'")]
AGAIN: t.List[Line] = [("c", "systemd", "Started Mailpit again")]


@pytest.mark.parametrize(
    "state, lines, fallen, words",
    [
        pytest.param("auto-restart 0 b", [*BEFORE, *FIRST], True, 'level=error msg="bad ?[31mvalue"', id="between-two-lives"),
        pytest.param(
            "running 1 c", [*BEFORE, *FIRST, *FALLEN, *AGAIN], True,
            "Failed with result 'exit-code'; Started Mailpit again", id="the-next-life-has-said-nothing-yet",
        ),
        pytest.param("running 0 c", [*BEFORE, *FIRST, *FALLEN, *AGAIN], False, "Started Mailpit again", id="started-anew"),
        # The journal does not always learn in which life something wrote that has ended before it looks.
        pytest.param("auto-restart 0 b", [*UNKNOWN_BEFORE, ("", "unit", "level=error")], True, "level=error", id="life-unknown"),
        pytest.param("running 1 c", [*BEFORE, ("", "unit", "level=error"), *AGAIN], True, "level=error", id="life-unknown-and-the-next"),
        pytest.param("running 0 c", UNKNOWN_BEFORE, False, "It has logged nothing. systemd says", id="silent-after-one-unknown"),
        pytest.param("running 0 c", BEFORE, False, "It has logged nothing. systemd says exit-code, status 226.", id="silent"),
        pytest.param("dead 0 ", BEFORE, False, "It was not started.", id="never-started"),
    ],
)  # fmt: skip
def test_its_last_words_are_those_since_it_was_started(
    state: str, lines: list[Line], fallen: bool, words: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sub, restarts, life = state.split(" ")
    shown = f"ActiveState=activating\nSubState={sub}\nNRestarts={restarts}\nInvocationID={life}\n"
    shown += "Result=exit-code\nExecMainStatus=226\nExecMainStartTimestampMonotonic=3\n"
    field = {"unit": "_SYSTEMD_INVOCATION_ID", "systemd": "INVOCATION_ID"}
    journal = "".join(
        json.dumps({"MESSAGE": text, "__MONOTONIC_TIMESTAMP": str(moment), **({field[who]: of} if of else {})}) + "\n"
        for moment, (of, who, text) in enumerate(lines)
    )
    for name, printed in (("systemctl", shown), ("journalctl", journal)):
        (tmp_path / f"{name}.txt").write_text(printed)
        (tmp_path / name).write_text(f"#!/bin/sh\nexec cat {tmp_path}/{name}.txt\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    unit = Unit("mailpit")
    assert (unit.has_fallen() or unit.restarts() > 0) == fallen
    told = unit.last_words()
    assert words in told and "before this run" not in told and "\x1b" not in told

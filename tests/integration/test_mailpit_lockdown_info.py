# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module in a play, against a real Mailpit: what it says when a task fails by it. What it sees in every mode: test_mailpit_modes.py."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import lockdown

from tests.support.mailpit import PINNED, Mailpit
from tests.support.playbook import play
from tests.support.tiny import TinyServer, esmtp


def test_what_does_not_fit_is_in_msg(tmp_path: pathlib.Path) -> None:
    with Mailpit(tmp_path) as mailpit:
        base = {"host": "127.0.0.1", "port": mailpit.port, "security": "cleartext", "auth": "none"}
        rows: dict[str, tuple[dict[str, t.Any], bool, str]] = {
            "fits": ({}, True, f"127.0.0.1 port {mailpit.port} is in the mode cleartext with none"),
            "other mode": (
                {"security": "starttls", "auth": "users"}, False,
                "is not in the mode starttls with users: MAIL before STARTTLS is answered with 250 instead of 530; AUTH before",
            ),
            "implicit TLS": ({"security": "implicit_tls"}, False, "a cleartext client is answered, where TLS is to come from the first byte"),
            "web interface": ({"port": mailpit.ui_port, "timeout": 3}, False, "a cleartext client is not answered (the answer is not SMTP (HTTP/1.1 400"),
            "nobody": ({"port": 9}, False, "Mailpit's mode could not be seen: 127.0.0.1 port 9 takes no connection (127.0.0.1: "),
            "timeout": ({"timeout": "nan"}, False, "timeout is nan: write a number of seconds above 0"),
            "host": ({"host": "a b"}, False, "host is 'a b': write the name or the address of the Mailpit host"),
            "port": ({"port": 70000}, False, "port is 70000: write a number from 1 to 65535"),
        }  # fmt: skip
        tasks = [
            {
                "name": f"Look {number}", "mailops.smtp.mailpit_lockdown_info": {**base, **options}, "register": f"result_{number}",
                "failed_when": f"not (result_{number}.ok | default(false))", "ignore_errors": True,
            }
            for number, (options, _ok, _words) in enumerate(rows.values())
        ]  # fmt: skip
        done = play(tmp_path / "play", tasks, {}, "--check", saved=[f"result_{number}" for number in range(len(rows))])
    assert "Unknown error" not in done.output and "Traceback" not in done.output
    for number, (name, (_options, ok, words)) in enumerate(rows.items()):
        result = done.saved[f"result_{number}"]
        assert result["failed"] is not ok and words in result["msg"], (name, result)


@pytest.mark.parametrize("version", PINNED)
@pytest.mark.parametrize("extra", [{}, {"MP_SMTP_ALLOWED_RECIPIENTS": "@example[.]com$"}], ids=["everybody", "some"])
def test_a_mark_is_in_the_log_of_the_one_that_was_asked_and_nothing_in_its_box(
    version: str, extra: dict[str, str], tmp_path: pathlib.Path
) -> None:
    with Mailpit(tmp_path, extra, version) as mailpit:
        marks = [lockdown.new_mark(left) for left in (False, True)]
        for mark in marks:
            cleartext, encrypted = lockdown.observe("127.0.0.1", mailpit.port, "cleartext", "localhost", 10, mark)
            assert lockdown.violations("cleartext", "none", cleartext, encrypted) == []
        assert [mark.name in mailpit.log() for mark in marks] == [False, True], mailpit.log()
        assert mailpit.messages() == []


@pytest.mark.parametrize(
    "name, handed", [("tiny.test ESMTP", False), ("tiny.test Mailpit (label) ESMTP Service ready", True)]
)
def test_what_is_no_mailpit_gets_no_message(name: str, handed: bool) -> None:
    with TinyServer(esmtp(f"220 {name}\r\n")) as server:
        lockdown.observe("127.0.0.1", server.port, "cleartext", "localhost", 5, lockdown.new_mark(True))
        assert ("DATA" in server.heard()) is handed

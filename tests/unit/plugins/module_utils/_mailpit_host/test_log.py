# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Mailpit's log counts: since when, from where, and without what the role's own proofs caused."""

from __future__ import annotations

import os
import pathlib
import time

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.proof import MADE_UP
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import log
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

NOW = 1_796_000_000.0
STARTTLS = 'time="2026/11/29 19:01:12" level=error msg="[smtpd] response (192.0.2.7) 530 5.7.0 Must issue a STARTTLS command first"'
REJECTED = 'time="2026/11/29 19:01:12" level=error msg="[smtpd] response (192.0.2.7) 535 5.7.8 Authentication credentials invalid"'


def denied(name: str) -> str:
    return f'time="2026/11/29 19:01:12" level=warning msg="[smtpd] deny PLAIN login:\\"{name}\\" from:192.0.2.7"'


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("-1 hour", 3600), ("1hour", 3600), ("1 hour ago", 3600), ("2h", 7200), ("30min", 1800), ("30 minutes", 1800), ("-90s", 90), ("1 day", 86400),
        ("2days", 172800), ("1w", 604800), ("-1  WEEK", 604800), ("+1 hours", 3600),
    ],
)  # fmt: skip
def test_spans_as_people_type_them(text: str, seconds: int) -> None:
    assert log.parse_since(text, NOW) == NOW - seconds


def test_days_are_those_of_the_host() -> None:
    today = log.parse_since("today", NOW)
    assert (
        time.localtime(today)[3:6] == (0, 0, 0)
        and 0 <= NOW - today < 86400
        and log.parse_since("yesterday", NOW) == today - 86400
    )
    assert time.localtime(log.parse_since("2026-11-29", NOW))[:5] == (2026, 11, 29, 0, 0)
    for text in ("2026-11-29 10:30", "2026-11-29T10:30", "2026-11-29 10:30:00"):
        assert time.localtime(log.parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    for text in ("2026-11-29T10:30Z", "2026-11-29 12:30:00+02:00", "2026-11-29 05:30-0500"):
        assert time.gmtime(log.parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    assert log.parse_since("1960-01-01", NOW) == log.parse_since("999999 weeks", NOW) == 0.0, (
        "journalctl knows none before"
    )


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "1",
        "",
        "hour",
        "1 fortnight",
        "1 mo",
        "soon",
        "-1 hour; reboot",
        "--since",
        "99999999 days",
        "2026-13-01",
        "1.5h",
        "1h\x1b",
        "0h",
        "2999-01-01",
        "9999-12-31 23:59",
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        log.parse_since(text, NOW)
    said = str(caught.value)
    assert "mailpit_watch_since is" in said and "write a span such as 1hour" in said and said.isprintable()
    assert ("a number without a unit" in said) == text.lstrip("-").isdigit()


def test_the_roles_own_proofs_do_not_count() -> None:
    proof = [STARTTLS, STARTTLS, denied(MADE_UP + "0f"), REJECTED]
    lines = ["mailops.smtp: a proof begins, from 2 hosts", *proof, *proof, denied("app"), REJECTED]
    dated = [(NOW + number, line) for number, line in enumerate(lines)]
    assert log.without_proofs(dated) == [denied("app"), REJECTED]
    # Somebody else, meanwhile and afterwards, and when nothing was announced.
    assert log.without_proofs([*dated, *[(NOW + 60, STARTTLS)] * 10]) == [denied("app"), REJECTED, *[STARTTLS] * 6]
    assert log.without_proofs([*dated, *[(NOW + 1000, STARTTLS)] * 10]) == [denied("app"), REJECTED, *[STARTTLS] * 10]
    assert log.without_proofs([(NOW, STARTTLS), (NOW, REJECTED)]) == [STARTTLS, REJECTED]
    ended = (NOW + 20, "mailops.smtp: the proof has ended")
    assert log.without_proofs([*dated, ended, (NOW + 21, STARTTLS)]) == [denied("app"), REJECTED, STARTTLS]
    forged = 'time="2026/11/29 19:01:12" level=info msg="mailops.smtp: a proof begins, from 9 hosts"'
    assert log.without_proofs([(NOW, forged), (NOW, STARTTLS)]) == [forged, STARTTLS]


def test_mailpits_own_file_is_read_and_no_other(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "mailpit.log"
    path.write_text(
        "a line without time\n" + STARTTLS.replace("19:01:12", "10:00:00") + "\n" + STARTTLS + "\nand more of it\n"
    )
    since = time.mktime((2026, 11, 29, 19, 0, 0, 0, 0, -1))
    assert [line for _moment, line in log.read_file(str(path), (os.getuid(),), since)] == [STARTTLS, "and more of it"]
    with pytest.raises(Refusal, match="not a file that Mailpit wrote"):
        log.read_file(str(path), (os.getuid() + 1,), since)
    (tmp_path / "link").symlink_to(path)
    os.link(path, tmp_path / "hard")
    for other in ("link", "hard", "none", "."):
        with pytest.raises(Refusal, match="MP_LOG_FILE is"):
            log.read_file(str(tmp_path / other), (os.getuid(),), since)


def test_a_command_is_read_on_both_streams_or_said_to_have_failed() -> None:
    since = time.mktime((2026, 11, 29, 19, 0, 0, 0, 0, -1))
    assert [line for _moment, line in log.read_command(["sh", "-c", f"echo '{STARTTLS}' >&2"], since)] == [STARTTLS]
    for command, words in (
        (["sh", "-c", "echo no such container; exit 1"], "no such container"),
        (["/nonexistent/docker", "logs"], "cannot be asked"),
    ):
        with pytest.raises(Refusal, match=words):
            log.read_command(command, since)

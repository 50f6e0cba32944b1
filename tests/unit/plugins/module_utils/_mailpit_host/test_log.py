# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Mailpit's log counts: since when, from where, and without what the role's own proofs caused."""

from __future__ import annotations

import calendar
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


def test_what_a_proof_hands_over_to_be_refused_does_not_count() -> None:
    head = 'time="2026/11/29 19:01:12" level=warning msg="[smtpd] '
    unread = head + f'error parsing message: malformed header line: {MADE_UP}0f is no header"'
    others = head + 'error parsing message: malformed header line: x"'
    answer = head + 'response (192.0.2.7) 451 4.3.5 Unable to process mail"'
    rejected = head + f'rejected message to {MADE_UP}0f@lockdown.invalid from lockdown@lockdown.invalid (192.0.2.7)"'
    refused = (
        head.replace("warning", "error")
        + 'response (192.0.2.7) 550 5.1.0 Requested action not taken: mailbox unavailable"'
    )
    lines = [unread, answer, others, answer, rejected, refused, refused]
    dated = [(NOW + number, line) for number, line in enumerate(lines)]
    assert log.without_proofs(dated) == [others, answer, refused]
    assert log.marks_in(dated, {MADE_UP + "0f", MADE_UP + "0e"}) == {MADE_UP + "0f"}


def test_a_proof_does_not_count_either_where_the_log_knows_whole_seconds_only() -> None:
    """As Mailpit's own file: what came after the announcement looks as if it had come before."""
    begins, ended = "mailops.smtp: a proof begins, from 1 hosts", "mailops.smtp: the proof has ended"
    lines = [
        (NOW + 0.7, begins),
        (NOW + 3.2, ended),
        *[(NOW, STARTTLS)] * 2,
        *[(NOW + 3, STARTTLS)] * 2,
        (NOW + 5, STARTTLS),
    ]
    for order in (lines, lines[::-1]):
        assert log.without_proofs(order) == [STARTTLS]


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


@pytest.mark.parametrize(
    "zone, host, hour",
    [
        ("UTC", "EST5", 18),
        ("", "EST5", 13),
        ("America/New_York", "UTC", 13),
        ("Nowhere/Land", "EST5", 18),
        (None, "EST5", 13),
    ],
)
def test_a_file_has_the_clock_of_who_wrote_it(
    zone: str, host: str, hour: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TZ of mailpit_environment, or that of a container, is not the host's."""
    path = tmp_path / "mailpit.log"
    path.write_text(
        STARTTLS.replace("19:01:12", f"{hour}:01:12") + '\ntime="2026/19/39 10:00:00" level=info msg="no day"\n'
    )
    monkeypatch.setenv("TZ", host)
    time.tzset()
    try:
        began = calendar.timegm((2026, 11, 29, 18, 1, 12))
        for since, count in ((began, 2), (began + 1, 0)):
            assert len(log.read_file(str(path), (os.getuid(),), since, zone)) == count
        assert (os.environ["TZ"], time.localtime(0)[3]) == (host, 19 if host == "EST5" else 0)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_command_is_read_on_both_streams_or_said_to_have_failed() -> None:
    since = time.mktime((2026, 11, 29, 19, 0, 0, 0, 0, -1))
    assert [line for _moment, line in log.read_command(["sh", "-c", f"echo '{STARTTLS}' >&2"], since)] == [STARTTLS]
    # docker logs --timestamps: a container's own clock is that of no zone, and not the host's.
    for stamp, lines in (("2026-11-29T18:59:59.9", []), ("2026-11-29T19:00:00.123456789", [STARTTLS])):
        moment = calendar.timegm((2026, 11, 29, 19, 0, 0))
        printed = [line for _moment, line in log.read_command(["echo", f"{stamp}Z {STARTTLS}"], moment)]
        assert printed == lines
    for command, words in (
        (["sh", "-c", "echo no such container; exit 1"], "no such container"),
        (["/nonexistent/docker", "logs"], "cannot be asked"),
    ):
        with pytest.raises(Refusal, match=words):
            log.read_command(command, since)

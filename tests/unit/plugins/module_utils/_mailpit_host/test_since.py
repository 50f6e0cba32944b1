# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people type for the moment from which a log counts, and what is not taken for one."""

from __future__ import annotations

import time

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.since import parse_since
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

NOW = 1_796_000_000.0


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("-1 hour", 3600), ("1hour", 3600), ("1 hour ago", 3600), ("2h", 7200), ("30min", 1800), ("30 minutes", 1800), ("-90s", 90), ("1 day", 86400),
        ("2days", 172800), ("1w", 604800), ("-1  WEEK", 604800), ("+1 hours", 3600), ("1h30m", 5400), ("1h 30min", 5400), ("-1h 30min", 5400),
        ("2d3h ago", 183600), ("1 hour 30 minutes ago", 5400), ("1hour\u00a030min", 5400),
    ],
)  # fmt: skip
def test_spans_as_people_type_them(text: str, seconds: int) -> None:
    assert parse_since(text, NOW) == NOW - seconds


def test_days_are_those_of_the_host() -> None:
    today = parse_since("today", NOW)
    assert (
        time.localtime(today)[3:6] == (0, 0, 0)
        and 0 <= NOW - today < 86400
        and parse_since("yesterday", NOW) == today - 86400
    )
    assert time.localtime(parse_since("2026-11-29", NOW))[:5] == (2026, 11, 29, 0, 0)
    for text in ("2026-11-29 10:30", "2026-11-29T10:30", "2026-11-29 10:30:00"):
        assert time.localtime(parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    for text in ("2026-11-29T10:30Z", "2026-11-29 12:30:00+02:00", "2026-11-29 05:30-0500"):
        assert time.gmtime(parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    # As Mailpit's own log, journalctl and explain_smtp_error write them.
    for text in ("2026/11/29 10:30", "2026-11-29 10:30:00.5", "2026-11-29T10:30:00.123456"):
        assert time.localtime(parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    for text in ("2026-11-29 10:30 UTC", "2026-11-29 10:30:59.9Z", "2026-11-29T12:30:00.25+02:00"):
        assert time.gmtime(parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    # A blank before the zone, as date(1) and journalctl write it, and whole hours alone, as databases do.
    for text in (
        "2026-11-29 12:30 +02:00",
        "2026-11-29 12:30:00 +0200",
        "2026-11-29 12:30+02",
        "2026-11-29 05:30:00,5 -05",
        "2026-11-29 10:30 Z",
        "2026-11-29 10:30 gmt",
    ):
        assert time.gmtime(parse_since(text, NOW))[:5] == (2026, 11, 29, 10, 30)
    assert parse_since("@1795900000", NOW) == 1_795_900_000
    for text, clock in (("yesterday 22:00", 22 * 3600), ("yesterday 7:05:09", 25509)):
        assert parse_since(text, NOW) == today - 86400 + clock
    assert parse_since("00:01", NOW) == parse_since("today 00:01", NOW) == today + 60
    assert (
        parse_since("midnight", NOW) == today == parse_since(time.strftime("%Y-%m-%d 0:00", time.localtime(NOW)), NOW)
    )
    assert parse_since("1960-01-01", NOW) == parse_since("999999 weeks", NOW) == 0.0, "journalctl knows none before"


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
        "1M",
        "1h 30",
        "30 1h",
        "25:00",
        "2026-11-29-10",
        "2026-11-29 10:30 +2",
        "yesterday 7",
        "2026-11-29 10:30 CEST",
        "@",
        "0h",
        "2999-01-01",
        "9999-12-31 23:59",
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_since(text, NOW)
    said = str(caught.value)
    assert "mailpit_watch_since is" in said and "write a span such as 1hour" in said and said.isprintable()
    assert ("a number without a unit" in said) == text.lstrip("-").isdigit()


def test_a_day_has_the_hours_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday is the day before also where the clock was put forward or back in between."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        for day in ((2026, 3, 30), (2026, 3, 29), (2026, 10, 26), (2026, 10, 25), (2026, 3, 1), (2027, 1, 1)):
            now = time.mktime((*day, 1, 30, 0, 0, 0, -1))
            found = time.localtime(parse_since("yesterday", now))
            before = time.localtime(time.mktime((*day, 12, 0, 0, 0, 0, -1)) - 86400)
            assert found[:6] == (*before[:3], 0, 0, 0), day
    finally:
        monkeypatch.undo()
        time.tzset()

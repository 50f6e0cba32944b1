# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when on a log is read: spans, days and moments as people type them, and as logs print them."""

from __future__ import annotations

import datetime
import re
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

__all__ = ("parse_since",)

_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600, "d": 86400, "day": 86400,
          "w": 604800, "week": 604800}  # fmt: skip
_SPAN = re.compile(r"[-+]?((?:\d{1,6} ?[a-z]+ ?)+?)( ?ago)?")
_DAY = re.compile(r"(today|yesterday|midnight)? ?((\d{1,2}):(\d\d)(?::(\d\d))?)?")
# Mailpit itself writes 2026/11/29; the fraction of a second does not count.
_DATE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}:\d\d)(:\d\d)?(?:[.,]\d{1,9})?)?(?: ?(UTC|GMT|Z|[+-]\d\d(?::?\d\d)?))?"
)


def parse_since(text: str, now: float) -> float:
    """The moment that ``text`` means, in seconds since the epoch. Raises Refusal when it means none, or one to come."""
    moment = _moment(" ".join(text.split()), now)
    if moment is not None and moment < now:
        return max(0.0, moment)
    why = ""
    if moment is not None:
        why = ", a moment since which nothing can have come in"
    elif re.fullmatch(r"[-+]?\d+", text.strip()):
        why = ", a number without a unit"
    raise Refusal(
        "mailpit_watch_since is {0!r}{1}: write a span such as 1hour, 30min or 2days, or a day such as "
        "2026-11-29".format(text, why)
    )


def _moment(wanted: str, now: float) -> t.Optional[float]:
    if re.fullmatch(r"@\d{1,10}", wanted):
        return float(wanted[1:])
    date = _DATE.fullmatch(wanted.upper())
    if date:
        return _dated(date)
    day = _DAY.fullmatch(wanted.lower())
    if day and wanted:
        return _of_a_day(day, now)
    # For systemd 1M is a month, and 1m a minute.
    span = None if re.search(r"\d ?M\b", wanted) else _SPAN.fullmatch(wanted.lower())
    parts = re.findall(r"(\d+) ?([a-z]+)", span.group(1)) if span else []
    units = [_UNITS.get(unit) or _UNITS.get(unit[:-1] if unit.endswith("s") else "") for _number, unit in parts]
    if not parts or None in units:
        return None
    return now - sum(int(number) * (unit or 0) for (number, _unit), unit in zip(parts, units))


def _dated(date: t.Match[str]) -> t.Optional[float]:
    """A date, with or without a clock and a zone; without a zone it is the host's own time."""
    year, month, day, clock, seconds, zone = date.groups()
    zone = "+0000" if zone in ("Z", "UTC", "GMT") else (zone or "").replace(":", "")
    if len(zone) == 3:  # +02, as databases write it; without a clock it may be anything
        if clock is None:
            return None
        zone += "00"
    try:
        parsed = datetime.datetime.strptime(
            "{0}-{1}-{2} {3}{4}{5}".format(year, month, day, clock or "00:00", seconds or ":00", zone),
            "%Y-%m-%d %H:%M:%S" + ("%z" if zone else ""),
        )
        return parsed.timestamp()
    except (ValueError, OverflowError):
        return None


def _of_a_day(day: t.Match[str], now: float) -> t.Optional[float]:
    """A clock of today or yesterday, in the host's own time. A day need not have 24 hours."""
    word, _clock, hour, minute, second = day.groups()
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 59 or (word == "midnight" and hour):
        return None
    year, month, date = time.localtime(now)[:3]
    return time.mktime((year, month, date - (word == "yesterday"), hours, minutes, seconds, 0, 0, -1))

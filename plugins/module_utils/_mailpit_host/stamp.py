# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times that engines of containers write in front of a line (RFC 3339, section 5.6)."""

from __future__ import annotations

import calendar
import re
import typing as t

__all__ = ("STAMP", "seconds_of")

STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d) ?")


def seconds_of(match: t.Match[str]) -> float:
    """A time that ``STAMP`` has found, in seconds since the epoch."""
    numbers = [int(match.group(number)) for number in range(1, 7)]
    zone = match.group(8)
    offset = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)
    return calendar.timegm((*numbers, 0, 0, 0)) + float(match.group(7) or 0) - offset

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger said, safe to show."""

from __future__ import annotations

__all__ = ("printable",)

_TEXT_LIMIT = 1000


def printable(data: bytes) -> str:
    """Text of a relay, safe to show: what is not printable is escaped, and the length is bounded."""
    text = data[:_TEXT_LIMIT].decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)

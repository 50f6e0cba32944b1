# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What journalctl prints as JSON, and the last lines of a log as a sentence."""

from __future__ import annotations

import json
import typing as t

__all__ = ("entries", "quoted")

_LINES = 15


def entries(printed: t.Iterable[str]) -> t.Iterator[t.Tuple[t.Dict[str, t.Any], str]]:
    """The entries of ``journalctl --output=json``, each with its text; lines that are none are passed over."""
    for line in printed:
        try:
            entry = json.loads(line)
            message = entry["MESSAGE"]
            # What is not UTF-8 comes as a list of bytes.
            text = bytes(message).decode("utf-8", "replace") if isinstance(message, list) else str(message)
        except (ValueError, KeyError, TypeError):
            continue
        # What conmon hands on from a container ends with the line's break.
        yield entry, text.rstrip("\n")


def quoted(lines: t.Sequence[str]) -> str:
    """The last of these lines as one sentence that is printable."""
    told = [line for line in lines if line.strip()][-_LINES:]
    words = "; ".join("".join(char if char.isprintable() else "?" for char in line) for line in told)
    return "Its log ends with: {0}".format(words) if words else "It has logged nothing."

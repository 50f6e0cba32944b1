# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger said, as it may be shown: escaped, bounded, and without the password of the web interface."""

from __future__ import annotations

import base64

from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms

__all__ = ["Shown"]

# printable() bounds what it is given to a thousand bytes; longer lines go through it in pieces of so many characters.
_PIECE = 160


class Shown:
    """The gate that everything passes that a server or a mail said. ``password`` must not come out, in any encoding."""

    def __init__(self, username: str | None = None, password: str | None = None) -> None:
        self._forms: list[str] = []
        if password:
            self._forms = [base64.b64encode(f"{username or ''}:{password}".encode()).decode("ascii")]
            self._forms += secret_forms(username or "", password)

    def text(self, said: str | bytes, limit: int = 1000) -> str:
        """At most ``limit`` characters of ``said`` on one line; what is not printable is escaped."""
        words = said.decode("utf-8", "backslashreplace") if isinstance(said, bytes) else said
        # Before it is cut, so that no half of a secret is left; four times as long, because a secret shrinks.
        hidden = redact(words[: limit * 4], self._forms, True)[:limit]
        pieces = [hidden[start : start + _PIECE] for start in range(0, len(hidden), _PIECE)]
        # A lone surrogate, which JSON can carry, has no bytes; it is escaped as what it is.
        return "".join(printable(piece.encode("utf-8", "backslashreplace")) for piece in pieces)

    def lines(self, said: str, limit: int) -> tuple[list[str], bool]:
        """``said`` as lines, at most ``limit`` characters in all, and whether some were left out."""
        found: list[str] = []
        left = limit
        for line in said[: limit + 1].splitlines():
            found.append(self.text(line, left))
            left -= len(line) + 1
            if left <= 0:
                break
        return found, len(said) > limit

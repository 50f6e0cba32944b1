# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One clock, handed down: how long is left for an endpoint as a whole."""

from __future__ import annotations

import time

__all__ = ("Deadline",)


class Deadline:
    """A moment on the monotonic clock. Nothing waits past it."""

    __slots__ = ("at",)

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    def within(self, seconds: float) -> Deadline:
        """The earlier of this moment and the one ``seconds`` from now."""
        sooner = Deadline(seconds)
        if sooner.at > self.at:
            sooner.at = self.at
        return sooner

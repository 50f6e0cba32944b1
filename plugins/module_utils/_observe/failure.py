# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a climb stopped, as raw facts. What they mean is judged on the controller."""

from __future__ import annotations

import errno
import socket
import typing as t

if t.TYPE_CHECKING:
    from .evidence import FailureEntry, Kind, Layer

__all__ = ("Failure", "socket_failure")


class Failure(Exception):
    """One rung broke. ``facts`` hold what was seen, under the keys of evidence.FailureEntry."""

    def __init__(self, kind: Kind, **facts: t.Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.facts = facts
        self.layer: Layer | None = None

    def as_entry(self) -> FailureEntry:
        """The failure as evidence: layer, kind and the facts."""
        return t.cast("FailureEntry", {"layer": self.layer or "tcp", "kind": self.kind, **self.facts})


def socket_failure(error: OSError) -> Failure:
    """The failure behind an error of a socket call.

    Classified by class and errno: the names of classes differ among Pythons.
    """
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return Failure("timeout")
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return Failure("reset")
    return Failure("os", errno=errno.errorcode.get(error.errno or 0, "unknown"))

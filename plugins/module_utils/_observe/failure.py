# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a climb stopped, as raw facts. What they mean is judged on the controller."""

from __future__ import annotations

import errno
import socket
import typing as t

__all__ = ("Failure", "printable", "socket_failure")

_TEXT_LIMIT = 1000


class Failure(Exception):
    """One rung broke.

    ``kind`` is one of: timeout, closed, reset, os, bind, resolver, malformed, limit, plaintext, tls_spoken,
    tls, certificate, reply, missing, withheld. ``facts`` hold what was seen (errno name, reply, TLS reason, first bytes).
    """

    def __init__(self, kind: str, **facts: t.Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.facts = facts
        self.layer = ""

    def as_dict(self) -> dict[str, t.Any]:
        """The failure as evidence: layer, kind and the facts."""
        found: dict[str, t.Any] = {"layer": self.layer, "kind": self.kind}
        found.update(self.facts)
        return found


def socket_failure(error: OSError) -> Failure:
    """The failure behind an error of a socket call. Classified by class and errno: the names of classes differ among Pythons."""
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return Failure("timeout")
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return Failure("reset")
    return Failure("os", errno=errno.errorcode.get(error.errno or 0, "unknown"))


def printable(data: bytes) -> str:
    """Text of a relay, safe to show: what is not printable is escaped, and the length is bounded."""
    text = data[:_TEXT_LIMIT].decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)

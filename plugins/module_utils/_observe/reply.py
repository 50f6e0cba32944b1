# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of a relay, as they arrive in pieces (RFC 5321 section 4.2)."""

from __future__ import annotations

import re
import typing as t

from .failure import Failure
from .printable import printable

if t.TYPE_CHECKING:
    from .evidence import ReplyEntry

__all__ = ("Reply", "ReplyParser", "capabilities", "status_code")

# RFC 5321 section 4.5.3.1.5 allows 512 octets per line; relays with long capability lines exist, endless ones do not.
LINE_LIMIT = 8192
LINES_LIMIT = 512
REPLY_LIMIT = 65536
# Of a reply so many characters travel to the controller; 500 relays that say all they may must not fill the host's
# memory.
KEPT_LIMIT = 8192

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?\Z", re.DOTALL)
_PREFIX = re.compile(rb"(?:[2-5](?:[0-9](?:[0-9](?:[ \r\n-]|\Z)|\Z)|\Z)|\Z)")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Reply(t.NamedTuple):
    """A whole reply: its code and the text of each line, escaped where it is not printable."""

    code: int
    lines: list[str]

    @property
    def positive(self) -> bool:
        """Whether the code is 2yz."""
        return self.code // 100 == 2

    def as_entry(self) -> ReplyEntry:
        """The reply as evidence."""
        return {"code": self.code, "lines": _bounded(self.lines)}


class ReplyParser:
    """Takes bytes as they come and gives replies. Memory is bounded: a limit that is hit raises Failure."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._lines: list[str] = []
        self._code = b""
        self._size = 0

    @property
    def pending(self) -> int:
        """How many bytes wait that are not yet part of a reply."""
        return len(self._buffer)

    @property
    def partial(self) -> str:
        """What has come of an unfinished reply, for the message about it."""
        rest = bytes(self._buffer[:200]).strip(b"\r\n").replace(b"\r\n", b" | ")
        return " | ".join(self._lines + ([printable(rest)] if rest else []))

    def drop(self) -> None:
        """Forget what came before the TLS handshake (RFC 3207 section 4.2)."""
        self.__init__()  # type: ignore[misc]

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self._buffer += data

    def next_reply(self) -> Reply | None:
        """The next whole reply, or None when more bytes are needed. Raises Failure (malformed, limit)."""
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._check_unfinished()
                self._scanned = len(self._buffer)
                return None
            if end > LINE_LIMIT:
                self._check_unfinished()
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._scanned = 0
            reply = self._take(line)
            if reply is not None:
                return reply

    def _take(self, line: bytes) -> Reply | None:
        match = _LINE.match(line)
        if match is None:
            raise Failure("malformed", text=printable(line))
        if self._lines and match.group(1) != self._code:
            # RFC 5321 section 4.2.1: every line of a reply has the same code. Relays that change their mind in the
            # middle of one break that: postscreen sends the first line of its greeting, waits, and then refuses.
            if match.group(1)[:1] not in b"45":
                raise Failure("malformed", text=f"{self._code.decode()}-{self._lines[0]} | {printable(line)}")
            self._lines, self._size = [], 0
        self._code = match.group(1)
        self._size += len(line)
        if self._size > REPLY_LIMIT or len(self._lines) >= LINES_LIMIT:
            raise Failure("limit", limit="reply", text=self._lines[0])
        self._lines.append(printable(match.group(3) or b""))
        if match.group(2) == b"-":
            return None
        lines, self._lines, self._size = self._lines, [], 0
        return Reply(int(match.group(1)), lines)

    def _check_unfinished(self) -> None:
        if not _PREFIX.match(self._buffer[:4]):
            raise Failure("malformed", text=printable(bytes(self._buffer[:80])))
        if len(self._buffer) > LINE_LIMIT:
            raise Failure("limit", limit="line", text=printable(bytes(self._buffer[:80])))


def _bounded(lines: list[str]) -> list[str]:
    """The lines that are kept as evidence: more than any sound relay says."""
    size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size > KEPT_LIMIT:
            return lines[: max(1, index)]
    return lines


def capabilities(lines: list[str]) -> dict[str, list[str]]:
    """The keywords of an EHLO reply (RFC 5321 section 4.1.1.1) with their parameters.

    The first line is the greeting.
    """
    found: dict[str, list[str]] = {}
    for line in lines[1:]:
        words = line.split()
        if not words:
            continue
        keyword, equals, first = words[0].upper().partition("=")
        parameters = ([first] if equals and first else []) + words[1:]
        known = found.setdefault(keyword, [])
        known.extend(word for word in parameters if word not in known)
    return found


def status_code(line: str) -> str | None:
    """The enhanced status code (RFC 3463) that starts a reply line, or None."""
    match = _STATUS.match(line)
    return match.group(1) if match else None

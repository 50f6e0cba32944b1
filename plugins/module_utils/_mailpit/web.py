# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
One GET over HTTP/1.1 (RFC 9112) under one deadline, with bounded sizes.

The standard library's clients have a timeout for each read: a server which drips a byte now and then is never left.
No proxy, no redirect and no compression: a password may be with the request, and Mailpit needs none of them.
"""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote, urlsplit

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import connect
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts, looks_like_tls
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire

__all__ = ["Answer", "BadAnswer", "BadUrl", "Site", "TooLong", "get", "parse_url"]

# 200 summaries are some 200 kB. wire.py gives up at 4 MiB of raw bytes; this is reached first, in cleartext and in TLS.
BODY_LIMIT = 3 * 1024 * 1024
_HEAD_LIMIT = 64 * 1024
_HEADER_LINES = 200
_INTERIM_LIMIT = 8
_CHUNK_LINE = 256

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: .*)?\Z", re.DOTALL)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9_.-]+\Z|\[?[0-9A-Fa-f:.]+\]?\Z")


class BadUrl(ValueError):
    """The text is no address of a web interface; it says what to write, and never repeats a login that stood in it."""


class BadAnswer(Exception):
    """What came is no answer of a web server; ``said`` is how it began, ``why`` what is wrong with it."""

    def __init__(self, why: str, said: bytes = b"") -> None:
        super().__init__(why)
        self.why = why
        self.said = said


class TooLong(Exception):
    """The answer is longer than any of Mailpit's for this much; the text says what of it."""


class Site(t.NamedTuple):
    """Where a web interface is. ``path`` has no slash at its end; ``host`` has no brackets."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the Host header and for sentences."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Answer(t.NamedTuple):
    """A whole answer. Names of headers are in small letters, of several with one name the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_url(url: str) -> Site:
    """``http://HOST:PORT/WEBROOT`` or https. Raises BadUrl."""
    if "@" in url:
        raise BadUrl(
            "url holds an @, as a login before the host does:"
            " write url without it, and the login into url_username and url_password"
        )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"url is {url!r}, which is no address ({error}): write http://HOST:PORT") from None
    if parts.scheme not in ("http", "https"):
        raise BadUrl(f"url is {url!r}: write it with http:// or https://, such as http://127.0.0.1:8025")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise BadUrl(f"url is {url!r}: write it without ? and #, only where Mailpit's web interface is and its webroot")
    host = parts.hostname or ""
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not _HOST.match(host) or len(host) > 255 or port == 0:
        raise BadUrl(f"url is {url!r}: write a host and a port from 1 to 65535, such as http://127.0.0.1:8025")
    tls = parts.scheme == "https"
    path = quote(parts.path.rstrip("/"), safe="/%:+,;=~!$&'()*", errors="replace")
    return Site(tls, host, port or (443 if tls else 80), path)


def get(
    site: Site, path: str, headers: t.Mapping[str, str], contexts: TLSContexts, server_name: str, deadline: Deadline
) -> Answer:
    """
    The answer to GET ``path`` below the site's own. ``contexts`` and ``server_name`` are used where the site has TLS.

    Raises Unreachable, Failure (as Wire does), BadAnswer, TooLong.
    """
    wire = connect(site.host, site.port, deadline)
    try:
        if site.tls:
            wire.begin_tls(contexts, server_name)
            wire.finish_tls()
        lines = [f"GET {site.path}/{path} HTTP/1.1", f"Host: {site.authority}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            wire.send("\r\n".join([*lines, "", ""]).encode("ascii"))
        except Failure as failure:
            # It may have said why before it hung up; else this failure comes again.
            if failure.kind == "timeout":
                raise
        return _answer(_Reader(wire))
    finally:
        wire.close()


class _Reader:
    """The bytes of one answer, as lines and as blocks."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._held = bytearray()
        self._begun = False

    def _more(self) -> bool:
        data = self._wire.receive()
        if not self._begun and data:
            if self._wire.tls is None and looks_like_tls(data):
                raise Failure("tls_spoken")
            self._begun = True
        self._held += data
        return bool(data)

    def line(self, limit: int) -> bytes:
        """The next line, of at most ``limit`` bytes, without its end."""
        at = self._held.find(b"\n")
        while at < 0:
            searched = len(self._held)
            if searched > limit:
                raise TooLong("a line")
            if not self._more():
                raise Failure("closed", partial="")
            at = self._held.find(b"\n", searched)
        if at > limit:
            raise TooLong("a line")
        line = bytes(self._held[:at])
        del self._held[: at + 1]
        return line[:-1] if line.endswith(b"\r") else line

    def block(self, size: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._held) < size:
            if not self._more():
                raise Failure("closed", partial="")
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def rest(self) -> bytes:
        """All that comes until the other side closes."""
        while self._more():
            if len(self._held) > BODY_LIMIT:
                raise TooLong("its body")
        return bytes(self._held)

    def expect(self, begin: bytes) -> None:
        """Wait until it can be told whether the next bytes are these, which stay. Raises BadAnswer when not."""
        while begin.startswith(bytes(self._held)) and len(self._held) < len(begin):
            if not self._more():
                raise Failure("closed", partial="")
        if not self._held.startswith(begin):
            raise BadAnswer("is no HTTP", bytes(self._held[:300]))


def _answer(reader: _Reader) -> Answer:
    for _number in range(_INTERIM_LIMIT):
        reader.expect(b"HTTP/1.")
        line = reader.line(8192)
        match = _STATUS.match(line)
        if match is None:
            raise BadAnswer("begins with a status line that is none", line[:300])
        headers = _headers(reader)
        status = int(match.group(1))
        if status >= 200:
            return Answer(status, headers, _body(reader, status, headers))
        if status == 101:
            raise BadAnswer("changes to another protocol unasked", line[:300])
    raise BadAnswer("is put off again and again (100 Continue)")


def _headers(reader: _Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    size = 0
    for _number in range(_HEADER_LINES):
        line = reader.line(16384)
        if not line:
            return found
        size += len(line)
        match = _HEADER.match(line)
        if size > _HEAD_LIMIT:
            raise TooLong("its head")
        if match is None:
            raise BadAnswer("has a header that is none", line[:300])
        name, value = match.group(1).decode("ascii").lower(), match.group(2).decode("latin-1")
        if name in ("content-length", "transfer-encoding") and found.get(name, value) != value:
            raise BadAnswer(f"has two headers {name} that differ")
        found[name] = value
    raise TooLong("its head")


def _body(reader: _Reader, status: int, headers: dict[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadAnswer("is compressed, which was not asked for")
    if status in (204, 304):
        return b""
    coding = headers.get("transfer-encoding", "identity").lower()
    if coding == "chunked":
        return _chunks(reader)
    if coding != "identity":
        raise BadAnswer("has a transfer coding that was not asked for")
    length = headers.get("content-length")
    if length is None:
        return reader.rest()
    if not re.match(r"[0-9]{1,18}\Z", length):
        raise BadAnswer("has a Content-Length that is no number")
    if int(length) > BODY_LIMIT:
        raise TooLong("its body")
    return reader.block(int(length))


def _chunks(reader: _Reader) -> bytes:
    """A body in the chunked transfer coding (RFC 9112 section 7.1); the trailer is read and dropped."""
    body = bytearray()
    while True:
        line = reader.line(_CHUNK_LINE)
        match = re.match(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\Z", line, re.DOTALL)
        if match is None:
            raise BadAnswer("has a chunk whose size is no number", line[:300])
        size = int(match.group(1), 16)
        if len(body) + size > BODY_LIMIT:
            raise TooLong("its body")
        if size == 0:
            _headers(reader)
            return bytes(body)
        body += reader.block(size)
        if reader.line(2):
            raise BadAnswer("has a chunk that is longer than its size")

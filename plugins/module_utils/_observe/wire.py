# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one address: bytes under a deadline, in cleartext and then in TLS.

TLS runs over memory buffers, so that the very first bytes of the other side can be looked at:
a "220" where a ServerHello belongs names the mode mismatch at once.
"""

from __future__ import annotations

import select
import socket
import ssl
import typing as t

from .clock import Deadline
from .connect import connect
from .failure import Failure, socket_failure
from .printable import printable
from .reply import Reply, ReplyParser
from .tls import Suites, TLSContexts, TLSRecord, looks_like_tls

__all__ = ("Wire", "wait_any")

_CHUNK = 65536
# More raw bytes than any dialogue or handshake of ours needs: beyond it the relay is not sane.
_RAW_LIMIT = 4 * 1024 * 1024
# What a relay that has hung up said last is in the kernel already.
_LAST_WORDS_SECONDS = 0.2
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class FirstBytes(t.NamedTuple):
    """How a peer begins: with a TLS record, or with this line."""

    tls: bool
    text: str


class Wire:
    """One TCP connection with its deadline; ``sock`` where it is connected already.

    Every method that waits raises Failure when time is up or the peer is gone.
    """

    def __init__(
        self,
        address: tuple[t.Any, ...],
        family: int,
        deadline: Deadline,
        source: str | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        self.deadline = deadline
        self.tls: ssl.SSLObject | None = None
        self.replies = ReplyParser()
        self.raw_bytes = 0
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._address = address
        self._sock = sock or connect(address, family, deadline, source)

    @property
    def local_address(self) -> str:
        """The address of this end, as EHLO's address literal needs it."""
        return self._sock.getsockname()[0].partition("%")[0]

    @property
    def proxy_header(self) -> bytes:
        """How a proxy would tell of this connection, as it is (PROXY protocol, section 2.1)."""
        # Of a connection that was reset the system knows the other end no more.
        (source, source_port), (target, target_port) = self._sock.getsockname()[:2], self._address[:2]
        kind = "TCP6" if ":" in source else "TCP4"
        ends = f"{source.partition('%')[0]} {target.partition('%')[0]} {source_port} {target_port}"
        return f"PROXY {kind} {ends}\r\n".encode("ascii")

    def fileno(self) -> int:
        """The socket's descriptor, for polling."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close without waiting for anything."""
        self._sock.close()

    # -- bytes

    def send(self, data: bytes) -> None:
        """Send all of ``data``, through TLS once that has begun."""
        if self.tls is not None:
            while not self._encrypt(data):
                self._exchange(self.deadline)
            data = self._outgoing.read()
        self._send_raw(data)

    def _encrypt(self, data: bytes) -> bool:
        """False where the relay has asked for another handshake (TLS 1.2), which has to end first."""
        try:
            self.tls.write(data)  # type: ignore[union-attr]
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            raise Failure("closed") from None
        except ssl.SSLError as error:
            raise Failure("tls", **TLSRecord.describe(error)) from None
        return True

    def _exchange(self, deadline: Deadline) -> None:
        """Send what TLS has to say of its own accord, and hand it what comes next."""
        pending = self._outgoing.read()
        if pending:
            self._send_raw(pending)
        data = self._receive_raw(deadline)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _send_raw(self, data: bytes) -> None:
        try:
            self._sock.settimeout(max(self.deadline.remaining(), 0.001))
            self._sock.sendall(data)
        except OSError as error:
            raise socket_failure(error) from None

    def _receive_raw(self, deadline: Deadline) -> bytes:
        """The next bytes; empty at the end of the stream."""
        left = deadline.remaining()
        if left <= 0:
            raise Failure("timeout")
        try:
            if _QUICKACK is not None:
                # Without it the relay's Nagle and our delayed acknowledgement wait for each other: 40 ms or a round
                # trip. The kernel forgets the setting, so it is made before each read.
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            self._sock.settimeout(left)
            data = self._sock.recv(_CHUNK)
        except OSError as error:
            raise socket_failure(error) from None
        self.raw_bytes += len(data)
        if self.raw_bytes > _RAW_LIMIT:
            raise Failure("limit", limit="stream", text="")
        return data

    def _receive(self, deadline: Deadline) -> bytes:
        if self.tls is None:
            return self._receive_raw(deadline)
        while True:
            try:
                return self.tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise Failure("tls", **TLSRecord.describe(error)) from None
            self._exchange(deadline)

    def receive(self) -> bytes:
        """The next bytes, through TLS once that has begun; empty at the end of the stream."""
        return self._receive(self.deadline)

    # -- SMTP

    def read_reply(self, deadline: Deadline | None = None) -> Reply:
        """The next reply of the relay. Raises Failure; a timeout carries what had come until then."""
        while True:
            reply = self.replies.next_reply()
            if reply is not None:
                return reply
            try:
                data = self._receive(deadline or self.deadline)
            except Failure as failure:
                failure.facts.setdefault("partial", self.replies.partial)
                raise
            if not data:
                raise Failure("closed", partial=self.replies.partial)
            self.replies.feed(data)
            if self.tls is None and looks_like_tls(data) and self.replies.pending == len(data):
                raise Failure("tls_spoken")

    def command(self, line: str) -> Reply:
        """Send one command line and read its reply.

        What the relay said before it hung up is read where the line could not be sent.
        """
        try:
            self.send(line.encode("utf-8", "surrogateescape") + b"\r\n")
        except Failure as failure:
            if failure.kind != "reset":
                raise
            try:
                return self.read_reply(self.deadline.within(_LAST_WORDS_SECONDS))
            except Failure:
                raise failure from None
        return self.read_reply()

    def readable(self, seconds: float) -> bool:
        """Whether anything arrives within ``seconds``."""
        if self.replies.pending or (self.tls is not None and (self._incoming.pending or self.tls.pending())):
            return True
        return bool(wait_any([self], self.deadline.within(seconds)))

    def something_came(self) -> bool:
        """Whether more than what was asked for is here already. Waits for nothing."""
        while self.tls is not None and (self._incoming.pending or self.tls.pending()):
            try:
                data = self.tls.read(_CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
                break
            except ssl.SSLError as error:
                raise Failure("tls", **TLSRecord.describe(error)) from None
            self.replies.feed(data)
        return self.replies.pending > 0

    # -- TLS

    def peek(self) -> FirstBytes | None:
        """What the other side says first, left in place; None when it hung up or nothing is there yet."""
        try:
            data = self._sock.recv(200, socket.MSG_PEEK)
        except OSError:
            return None
        if not data:
            return None
        return FirstBytes(looks_like_tls(data), printable(data.split(b"\n", 1)[0].rstrip(b"\r")))

    def begin_tls(self, contexts: TLSContexts, server_name: str, suites: Suites = "usual") -> None:
        """Send the ClientHello and return. What came in cleartext before is dropped (RFC 3207 section 4.2)."""
        self.replies.drop()
        context = contexts.offering(suites)
        try:
            # As bytes where it can be: text would go through the idna codec, whose tables take milliseconds to load.
            name = server_name.encode("ascii") if server_name.isascii() else server_name
            self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except (TypeError, ValueError) as error:
            raise Failure("tls", reason="BAD_SERVER_NAME", text=str(error)) from None
        except ssl.SSLError as error:
            raise Failure("tls", **TLSRecord.describe(error)) from None
        self._send_raw(self._outgoing.read())

    def finish_tls(self) -> None:
        """Complete the handshake that begin_tls started.

        Raises Failure (plaintext, tls, certificate, no_certificate, closed, ...).
        """
        tls = self.tls
        if tls is None:
            raise Failure("tls", reason="NOT_STARTED", text="")
        before = self.raw_bytes
        while True:
            try:
                data = self._receive_raw(self.deadline)
            except Failure as failure:
                failure.facts["silent"] = self.raw_bytes == before
                raise
            if not data:
                raise Failure("closed", silent=self.raw_bytes == before)
            if self.raw_bytes - len(data) == before and not looks_like_tls(data):
                raise Failure("plaintext", text=printable(data.split(b"\n", 1)[0].rstrip(b"\r")))
            self._incoming.write(data)
            ended: Failure | None = None
            more = False
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                more = True
            except ssl.SSLCertVerificationError as error:
                ended = Failure(
                    "certificate", verify_code=error.verify_code, text=printable(error.verify_message.encode())
                )
            except ssl.SSLError as error:
                ended = Failure("tls", **TLSRecord.describe(error))
            pending = self._outgoing.read()
            if pending:
                try:
                    self._send_raw(pending)
                except Failure as lost:
                    ended = ended or lost
            if ended is not None:
                raise ended
            if not more:
                self._demand_protection(tls)
                return

    @staticmethod
    def _demand_protection(tls: ssl.SSLObject) -> None:
        """No such suite is offered; should one come about all the same, nothing is sent in it."""
        if not tls.getpeercert(True):
            raise Failure("no_certificate")
        cipher = tls.cipher()
        if cipher is None or not cipher[2]:
            raise Failure("tls", reason="NULL_CIPHER", text="a suite without encryption")


def wait_any(wires: list[Wire], deadline: Deadline) -> list[Wire]:
    """Those of the connections that have something to read; empty when the deadline passes."""
    poller = select.poll()
    for wire in wires:
        poller.register(wire.fileno(), select.POLLIN)
    ready = {descriptor for descriptor, _event in poller.poll(deadline.remaining() * 1000)}
    return [wire for wire in wires if wire.fileno() in ready]

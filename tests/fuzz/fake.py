# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket without a network: the climb's own code runs, and the other side says what the fuzzer wants, in the pieces that it wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import typing as t

__all__ = ("Script", "no_network")


class Script:
    """What the relay will say, over all connections of a climb, and how a connection ends: closed, reset, timeout or lost."""

    def __init__(self, pieces: list[bytes], end: int, server: ssl.SSLContext | None) -> None:
        self.pieces = pieces
        self.end = end
        self.server = server

    def next_piece(self) -> bytes:
        """The next piece; empty or an error at the end."""
        if self.pieces:
            return self.pieces.pop(0)
        if self.end == 0:
            return b""
        raise (ConnectionResetError(104, "reset"), TimeoutError("timed out"), OSError(113, "no route"))[self.end % 3]


class FakeSocket:
    """As much of a socket as the probe uses. With a server's context it is a sound TLS server that speaks the script once the handshake is through."""

    def __init__(self, script: Script, family: int) -> None:
        self.family = family
        self._script = script
        self._ahead = b""
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ready = False

    def setsockopt(self, *_args: object) -> None:
        """Nothing to set."""

    settimeout = bind = setsockopt

    def getsockname(self) -> tuple[str, int]:
        """This end."""
        return "127.0.0.1", 40000

    def fileno(self) -> int:
        """No real descriptor."""
        return -1

    def close(self) -> None:
        """Nothing to close."""

    def has_more(self) -> bool:
        """Whether recv would give bytes."""
        return bool(self._ahead or self._script.pieces or self._outgoing.pending)

    def sendall(self, data: bytes) -> None:
        """The client's bytes; a ClientHello begins TLS where there is a server's context."""
        if self._script.server is None:
            return
        if self._tls is None and data[:1] == b"\x16":
            self._tls = self._script.server.wrap_bio(self._incoming, self._outgoing, server_side=True)
        if self._tls is not None:
            self._incoming.write(data)
            self._serve()

    def _serve(self) -> None:
        with contextlib.suppress(ssl.SSLError):
            if not self._ready:
                self._tls.do_handshake()  # type: ignore[union-attr]
                self._ready = True
            while True:
                self._tls.read(65536)  # type: ignore[union-attr]

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next piece, at most ``size`` bytes of it."""
        if not self._ahead:
            if self._ready and not self._outgoing.pending:
                piece = self._script.next_piece()
                if piece:
                    self._tls.write(piece)  # type: ignore[union-attr]
            self._ahead = self._outgoing.read() if self._tls is not None else self._script.next_piece()
        data = self._ahead[:size]
        if not flags & socket.MSG_PEEK:
            self._ahead = self._ahead[size:]
        return data


@contextlib.contextmanager
def no_network(ladder: t.Any, wire: t.Any, further: t.Any, script: Script) -> t.Iterator[None]:
    """Put the script in the place of the network of these modules."""

    class Connecting:
        """A connect that succeeds at once."""

        def __init__(self, _sockaddr: object, family: int, _source: str | None = None) -> None:
            self._family = family

        def wait(self, _deadline: object) -> FakeSocket:
            """A connection to the script."""
            return FakeSocket(script, self._family)

    def connect(_sockaddr: object, family: int, _deadline: object, _source: str | None = None) -> FakeSocket:
        return FakeSocket(script, family)

    def ready(wires: list[t.Any], _deadline: t.Any) -> list[t.Any]:
        return [one for one in wires if one._sock.has_more()]

    with contextlib.ExitStack() as stack:
        for module, name, value in (
            (ladder, "Connecting", Connecting),
            (wire, "connect", connect),
            (wire, "wait_any", ready),
            (further, "wait_any", ready),
        ):
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
        yield

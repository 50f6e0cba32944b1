# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted relays in this process for tests of the host's half: Python 3.8, standard library, and the command openssl.

with TinyServer(lambda peer: peer.say("220 hi\\r\\n")) as server: server.port, server.connections, server.lines
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import threading
import typing as t

__all__ = ("Peer", "TinyServer", "esmtp", "self_signed")


class Peer:
    """One accepted connection. Every method raises OSError when the client has left or the server is closed."""

    def __init__(self, sock: socket.socket, server: TinyServer, number: int) -> None:
        self.sock = sock
        self.server = server
        self.number = number  # 0 is the server's first connection
        self.tls = False
        self._buffer = b""

    def say(self, data: str | bytes) -> None:
        """Send as it stands."""
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self) -> str:
        """The next line without its end."""
        while b"\n" not in self._buffer:
            self._buffer += self.some()
        line, self._buffer = self._buffer.split(b"\n", 1)
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        self.server.lines.append(text)
        return text

    def some(self) -> bytes:
        """Some bytes."""
        data = self.sock.recv(65536)
        if not data:
            raise OSError("the client left")
        return data

    def hold(self) -> None:
        """Say nothing until the client leaves."""
        while True:
            self.some()

    def wait(self, seconds: float) -> None:
        """Pause."""
        if self.server.over.wait(seconds):
            raise OSError("the server ends")

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """The handshake as a server; what was buffered stays (a vulnerable relay keeps it)."""
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.tls = True


class TinyServer:
    """Listens on loopback; ``play`` gets each connection in a thread of its own."""

    def __init__(self, play: t.Callable[[Peer], None], host: str = "127.0.0.1", port: int = 0) -> None:
        self.play = play
        self.connections = 0
        self.lines: list[str] = []
        self.over = threading.Event()
        self._sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port))
        self._sock.listen(50)
        self.host, self.port = self._sock.getsockname()[:2]
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> TinyServer:
        return self

    def __exit__(self, *exc: object) -> None:
        """Wake every thread and wait for it. Each closes its own socket: a descriptor closed under a thread that reads it may be another one's by then."""
        self.over.set()
        for sock in (self._sock, *(peer.sock for peer in self._peers)):
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in (self._accepting, *self._threads):
            thread.join(5)

    def heard(self) -> list[str]:
        """Every line of clients that have left; waits until they are read."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(5)
        return self.lines

    def _accept(self) -> None:
        while True:
            try:
                sock = self._sock.accept()[0]
            except OSError:
                self._sock.close()
                return
            peer = Peer(sock, self, self.connections)
            self.connections += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            # Who has been answered is in the list, however late this thread goes on.
            with self._lock:
                thread.start()
                self._threads.append(thread)

    def _serve(self, peer: Peer) -> None:
        try:
            self.play(peer)
        except (OSError, ValueError):
            pass
        finally:
            peer.sock.close()


def esmtp(
    greeting: str = "220 tiny.test ESMTP\r\n",
    ehlo: str = "250-tiny.test\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n",
    ehlo_after_tls: str | None = None,
    context: ssl.SSLContext | None = None,
    implicit: bool = False,
    replies: t.Mapping[str, str] | None = None,
    users: t.Mapping[str, str] | None = None,
) -> t.Callable[[Peer], None]:
    """A sound session. ``replies``: verb to reply, for what is not answered as usual; ``{line}`` in it is the client's line."""

    def play(peer: Peer) -> None:
        if implicit and context is not None:
            peer.start_tls(context)
        peer.say(greeting)
        while True:
            line = peer.line()
            verb = line.split(" ")[0].upper()
            if replies and verb in replies:
                peer.say(replies[verb].replace("{line}", line))
            elif verb == "EHLO":
                peer.say(ehlo_after_tls if peer.tls and ehlo_after_tls is not None else ehlo)
            elif verb == "STARTTLS" and context is not None:
                peer.say("220 go\r\n")
                peer.start_tls(context)
            elif verb == "AUTH" and users is not None:
                import base64

                _authzid, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                peer.say("235 2.7.0 ok\r\n" if users.get(user) == password else "535 5.7.8 no\r\n")
            elif verb == "DATA":
                peer.say("354 go\r\n")
                while peer.line() != ".":
                    pass
                peer.say("250 2.0.0 Ok: queued as TINY1\r\n")
            elif verb == "QUIT":
                peer.say("221 bye\r\n")
                return
            else:
                peer.say("250 ok\r\n")

    return play


def self_signed(folder: str, name: str = "localhost") -> ssl.SSLContext:
    """A server's context with a certificate of its own, which lies in FOLDER/cert.pem. Needs the command openssl (package openssl)."""
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-sha256",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName=DNS:{name},IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context

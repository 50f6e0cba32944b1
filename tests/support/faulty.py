# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the faults that no real relay shows on demand.

    with FaultyServer(silent()) as server: ...                                     # server.host, server.port
    with FaultyServer(smtp(greeting="554 5.7.1 go away")) as server: ...
    with FaultyServer(smtp(starttls=alert(40))) as server: ...                     # 220 to STARTTLS, then a fatal alert
    with FaultyServer(smtp(starttls=honest(issued), injection=True)) as server: ...
    with FaultyServer(smtp(implicit=stall_after_server_hello(issued))) as server: ...
    with full_backlog() as server: ...

A behaviour is a function that is given one accepted connection. Those that speak TLS take the connection over (`honest`), or
break it (`alert`, `silent`, `close`, ...); each of them can stand for itself, after STARTTLS, or before an implicit TLS session.

A fault that is here is shown to the collection by a row of tests/lab/causes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .pki import Issued

__all__ = [
    "FTP",
    "IMAP",
    "POP3",
    "SSH",
    "Behaviour",
    "FaultyServer",
    "FullBacklog",
    "Peer",
    "alert",
    "close",
    "close_on_client_hello",
    "delayed",
    "drip",
    "drip_records",
    "endless",
    "full_backlog",
    "garbage",
    "honest",
    "http",
    "in_turn",
    "plaintext",
    "reset",
    "reset_on_client_hello",
    "say",
    "sequence",
    "server_context",
    "silent",
    "smtp",
    "stall_after_server_hello",
    "stall_before_server_hello",
]

CAPABILITIES = ("PIPELINING", "SIZE 10240000", "8BITMIME")
# Greetings of servers that are not SMTP and speak first.
SSH = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
IMAP = "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] Dovecot ready.\r\n"
POP3 = "+OK POP3 ready\r\n"
# An FTP server greets with SMTP's own code; only its answer to EHLO tells.
FTP = "220 ProFTPD Server (Debian) [127.0.0.1]\r\n"

_MAX_LINE = 64 * 1024


class Gone(Exception):
    """The client has left, or the server is being closed."""


class Peer:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, server: FaultyServer) -> None:
        self.sock = sock
        self.server = server
        self.tls = False
        self.buffer = b""

    def send(self, data: bytes | str) -> None:
        """Send as it stands; raises Gone when the client has left."""
        try:
            self.sock.sendall(data.encode("utf-8") if isinstance(data, str) else data)
        except (OSError, ValueError) as error:
            raise Gone from error

    def reply(self, text: str) -> None:
        """Send one line or several, CRLF added."""
        self.send("".join(f"{line}\r\n" for line in text.splitlines()))

    def read(self) -> bytes:
        """Some bytes; raises Gone at the end."""
        if self.buffer:
            data, self.buffer = self.buffer, b""
            return data
        try:
            data = self.sock.recv(16384)
        except (OSError, ValueError) as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    def line(self) -> str:
        """One line without its end; raises Gone at the end or when it is longer than 64 KiB."""
        data = b""
        while b"\n" not in data:
            if len(data) > _MAX_LINE:
                raise Gone
            data += self.read()
        line, self.buffer = data.split(b"\n", 1)
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        self.server.commands.append((self.tls, text))
        return text

    def drain(self) -> None:
        """Say nothing until the client leaves."""
        while True:
            self.read()

    def pause(self, seconds: float) -> None:
        """Wait; raises Gone when the server is closed meanwhile."""
        if self.server.stopping.wait(seconds):
            raise Gone

    def upgrade(self, context: ssl.SSLContext) -> None:
        """Do the handshake as a server; raises Gone when it fails. What is buffered stays buffered."""
        try:
            self.sock = self.server.replace(self.sock, context)
        except (OSError, ValueError) as error:
            self.server.tls_errors.append(str(error))
            raise Gone from error
        self.tls = True

    def abort(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise Gone


Behaviour = Callable[[Peer], None]


class FaultyServer:
    """A listening socket and a thread for each connection that runs `behaviour`.

    Takes a loopback address and a port (0: any). Knows afterwards: `connections` (number), `commands` (pairs of over-TLS and
    line), `messages`, `tls_errors`.
    """

    def __init__(self, behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0) -> None:
        self.behaviour = behaviour
        self.connections = 0
        self.commands: list[tuple[bool, str]] = []
        self.messages: list[str] = []
        self.tls_errors: list[str] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def __enter__(self) -> FaultyServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, cut every connection, wait for the threads."""
        self.stopping.set()
        _cut(self._listener)
        with self._lock:
            for sock in self._open:
                _cut(sock)
        for thread in list(self._threads):
            thread.join(5)

    def forget(self, seconds: float = 5) -> None:
        """Let the connections that are open come to their end, then forget what was said: a busy server hears it late."""
        until = time.monotonic() + seconds
        # The first thread waits for connections.
        while any(one.is_alive() for one in self._threads[1:]) and time.monotonic() < until:
            time.sleep(0.01)
        self.commands.clear()

    def replace(self, sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
        """Put TLS over a socket that this server owns."""
        wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.discard(sock)
            self._open.add(wrapped)
        wrapped.do_handshake()
        return wrapped

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(sock)
            self._start(self._serve, Peer(sock, self))

    def _serve(self, peer: Peer) -> None:
        try:
            self.behaviour(peer)
        except Gone:
            pass
        finally:
            with self._lock:
                self._open.discard(peer.sock)
            peer.sock.close()


def _cut(sock: socket.socket) -> None:
    """Wake whoever waits on the socket. A TLS socket is cut below its TLS: no close_notify, no waiting."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass
    if (
        sock.family in (socket.AF_INET, socket.AF_INET6)
        and sock.fileno() >= 0
        and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        sock.close()


# Behaviours of a connection as a whole


def silent() -> Behaviour:
    """Accept, read, say nothing."""
    return Peer.drain


def close(after: float = 0) -> Behaviour:
    """Close, at once or after some seconds."""

    def run(peer: Peer) -> None:
        if after:
            peer.pause(after)

    return run


def reset(after: float = 0) -> Behaviour:
    """RST, at once or after some seconds."""

    def run(peer: Peer) -> None:
        peer.pause(after)
        peer.abort()

    return run


def say(data: bytes | str, hold: bool = True) -> Behaviour:
    """Send these bytes, then stay silent (hold) or close."""

    def run(peer: Peer) -> None:
        peer.send(data)
        if hold:
            peer.drain()

    return run


def drip(data: bytes | str = "220 " + "a" * 10000, seconds: float = 1) -> Behaviour:
    """One byte every so many seconds."""
    raw = data.encode() if isinstance(data, str) else data

    def run(peer: Peer) -> None:
        for byte in raw:
            peer.send(bytes([byte]))
            peer.pause(seconds)
        peer.drain()

    return run


def endless(first: bytes | str = "220 ", again: bytes | str = b"x" * 65536) -> Behaviour:
    """Without end: a line that never ends by default; with again="220-more\\r\\n" lines that never end."""

    def run(peer: Peer) -> None:
        peer.send(first)
        while True:
            peer.send(again)

    return run


def garbage() -> Behaviour:
    """NUL and bytes above 127 in the greeting, then an ordinary session."""

    def run(peer: Peer) -> None:
        peer.send(b"220 gr\x00\xfc\xdf \xff\xfe\x80 ESMTP\r\n")
        smtp(greeting="")(peer)

    return run


def http() -> Behaviour:
    """A web server: waits for a request, answers 400 to what is none."""

    def run(peer: Peer) -> None:
        line = peer.line()
        status = "200 OK" if line.startswith(("GET ", "HEAD ", "POST ")) else "400 Bad Request"
        peer.send(f"HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return run


def delayed(seconds: float, then: Behaviour) -> Behaviour:
    """Wait, then behave."""

    def run(peer: Peer) -> None:
        peer.pause(seconds)
        then(peer)

    return run


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first connection gets the first behaviour, and so on; the last one serves all that follow."""
    turns: Iterator[Behaviour] = iter(behaviours[:-1])
    lock = threading.Lock()

    def run(peer: Peer) -> None:
        with lock:
            chosen = next(turns, behaviours[-1])
        chosen(peer)

    return run


def sequence(*behaviours: Behaviour) -> Behaviour:
    """One after the other on the same connection, e.g. sequence(honest(issued), endless())."""

    def run(peer: Peer) -> None:
        for each in behaviours:
            each(peer)

    return run


# Behaviours of a TLS server


def server_context(
    issued: Issued,
    minimum: ssl.TLSVersion | None = None,
    maximum: ssl.TLSVersion | None = None,
    ciphers: str | None = None,
    client_ca: str | None = None,
) -> ssl.SSLContext:
    """A server's context that sends `issued.chain`.

    Takes weak keys and old versions too (OpenSSL's security level 0). client_ca: file of the CA whose client certificates are required.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what some tests are about
        context.minimum_version = minimum or ssl.TLSVersion.MINIMUM_SUPPORTED
        if maximum:
            context.maximum_version = maximum
    context.load_cert_chain(issued.chain_file, issued.key_file)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def honest(tls: Issued | ssl.SSLContext) -> Behaviour:
    """A real handshake, after which the connection goes on over TLS."""
    context = tls if isinstance(tls, ssl.SSLContext) else server_context(tls)
    return lambda peer: peer.upgrade(context)


def stall_before_server_hello() -> Behaviour:
    """Read the ClientHello, never answer."""
    return silent()


def stall_after_server_hello(tls: Issued | ssl.SSLContext) -> Behaviour:
    """Send the ServerHello, then nothing."""
    context = tls if isinstance(tls, ssl.SSLContext) else server_context(tls)

    def run(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        engine = context.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            incoming.write(peer.read())
            try:
                engine.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                raise Gone from error
        flight = outgoing.read()
        length = int.from_bytes(flight[3:5], "big")
        peer.send(flight[: 5 + length])
        peer.drain()

    return run


def plaintext(text: str = "500 5.5.1 Command unrecognized", hold: bool = False) -> Behaviour:
    """Answer a ClientHello with words, then close (or hold)."""

    def run(peer: Peer) -> None:
        peer.read()
        peer.reply(text)
        if hold:
            peer.drain()

    return run


def close_on_client_hello() -> Behaviour:
    """Read the ClientHello, close."""

    def run(peer: Peer) -> None:
        peer.read()

    return run


def reset_on_client_hello() -> Behaviour:
    """Read the ClientHello, RST."""

    def run(peer: Peer) -> None:
        peer.read()
        peer.abort()

    return run


def alert(code: int, version: bytes = b"\x03\x03") -> Behaviour:
    """Answer a ClientHello with a fatal alert (RFC 8446 section 6): 40 handshake_failure, 70 protocol_version, 112 unrecognized_name..."""

    def run(peer: Peer) -> None:
        peer.read()
        peer.send(b"\x15" + version + b"\x00\x02\x02" + bytes([code]))

    return run


def drip_records(seconds: float = 1) -> Behaviour:
    """Answer a ClientHello with a ServerHello of 20,000 bytes (the longest that OpenSSL takes), one byte a record."""

    def run(peer: Peer) -> None:
        peer.read()
        for byte in b"\x02\x00\x4e\x20\x03\x03" + bytes(20_000):
            peer.send(b"\x16\x03\x03\x00\x01" + bytes([byte]))
            peer.pause(seconds)

    return run


# The SMTP session


@dataclass
class _Session:
    """What `smtp` was told; see there."""

    greeting: str
    capabilities: Sequence[str]
    capabilities_after_tls: Sequence[str]
    ehlo: str | None
    helo: str | None
    starttls: str | Behaviour | None
    injection: bool
    users: Mapping[str, str]
    mechanisms: Sequence[str]
    mechanisms_after_tls: Sequence[str]
    replies: Mapping[str, str]
    name: str = "faulty.test"
    recipients: list[str] = field(default_factory=list)

    def run(self, peer: Peer) -> None:
        if self.greeting:
            peer.reply(self.greeting)
        while True:
            line = peer.line()
            verb, _blank, rest = line.partition(" ")
            verb = verb.upper()
            known = self.replies.get(verb)
            if known is not None:
                peer.reply(known)
                if known.startswith("421") or verb == "QUIT":
                    return
                continue
            handler = getattr(self, f"_{verb.lower()}", None) if verb.isalpha() else None
            if handler is None:
                peer.reply("502 5.5.2 Error: command not recognized")
            elif handler(peer, rest):
                return

    def _ehlo(self, peer: Peer, _rest: str) -> None:
        if self.ehlo is not None:
            peer.reply(self.ehlo)
            return
        lines = [self.name, *(self.capabilities_after_tls if peer.tls else self.capabilities)]
        mechanisms = self.mechanisms_after_tls if peer.tls else self.mechanisms
        if mechanisms:
            lines.append("AUTH " + " ".join(mechanisms))
        if self.starttls is not None and not peer.tls:
            lines.append("STARTTLS")
        peer.reply(
            "\n".join(f"250{' ' if number == len(lines) else '-'}{line}" for number, line in enumerate(lines, 1))
        )

    def _helo(self, peer: Peer, _rest: str) -> None:
        peer.reply(self.helo or f"250 {self.name}")

    def _starttls(self, peer: Peer, _rest: str) -> bool:
        if self.starttls is None or peer.tls:
            peer.reply("502 5.5.1 Error: command not implemented")
            return False
        if isinstance(self.starttls, str):
            peer.reply(self.starttls)
            return False
        # What came in one segment with STARTTLS was sent in the clear, by anyone: RFC 3207 section 6 and the fix of CVE-2011-0411.
        ahead, peer.buffer = peer.buffer, b""
        peer.reply("220 2.0.0 Ready to start TLS")
        self.starttls(peer)
        if self.injection:
            peer.buffer = ahead
        return not peer.tls

    def _auth(self, peer: Peer, rest: str) -> None:
        mechanism, _blank, initial = rest.partition(" ")
        mechanism = mechanism.upper()
        if mechanism not in (self.mechanisms_after_tls if peer.tls else self.mechanisms):
            peer.reply(
                "504 5.5.4 Unrecognized authentication type"
                if peer.tls or self.mechanisms
                else "503 5.5.1 Error: authentication not enabled"
            )
        elif _authenticates(peer, mechanism, initial, self.users):
            peer.reply("235 2.7.0 Authentication successful")
        else:
            peer.reply("535 5.7.8 Error: authentication failed")

    def _mail(self, peer: Peer, _rest: str) -> None:
        self.recipients.clear()
        peer.reply("250 2.1.0 Ok")

    def _rcpt(self, peer: Peer, rest: str) -> None:
        self.recipients.append(rest)
        peer.reply("250 2.1.5 Ok")

    def _data(self, peer: Peer, _rest: str) -> None:
        peer.reply("354 End data with <CR><LF>.<CR><LF>")
        lines: list[str] = []
        while (line := peer.line()) != ".":
            lines.append(line[1:] if line.startswith(".") else line)
        peer.server.messages.append("\n".join(lines))
        peer.reply(self.replies.get(".", "250 2.0.0 Ok: queued as 4FAULTY00001"))

    def _rset(self, peer: Peer, _rest: str) -> None:
        peer.reply("250 2.0.0 Ok")

    _noop = _rset

    def _quit(self, peer: Peer, _rest: str) -> bool:
        peer.reply("221 2.0.0 Bye")
        return True


def smtp(
    *,
    greeting: str = "220 faulty.test ESMTP",
    greeting_delay: float = 0,
    capabilities: Sequence[str] = CAPABILITIES,
    capabilities_after_tls: Sequence[str] | None = None,
    ehlo: str | None = None,
    helo: str | None = None,
    implicit: Behaviour | None = None,
    starttls: str | Behaviour | None = None,
    injection: bool = False,
    users: Mapping[str, str] | None = None,
    mechanisms: Sequence[str] = (),
    mechanisms_after_tls: Sequence[str] | None = None,
    replies: Mapping[str, str] | None = None,
) -> Behaviour:
    """An SMTP session, sound unless told otherwise.

    greeting                 one line or several ("220-a\\n220 b"); one that begins with 421 or 554 is followed by refusals,
                             and by the end after QUIT or two other commands
    greeting_delay           seconds before it
    capabilities             lines of EHLO's reply after the first; `XXXXXXXA` and `****` for a middlebox that masks
    capabilities_after_tls   the same after STARTTLS, default: as before
    ehlo, helo               a reply that takes the place of the whole answer, e.g. ehlo="502 5.5.1 no"
    implicit                 what happens before the greeting: honest(issued), alert(40), ...
    starttls                 None: not offered; a string: offered and answered with it ("454 4.7.0 ..."); a behaviour: offered,
                             answered 220, and then that
    injection                True: commands sent in one segment behind STARTTLS are executed after the handshake (vulnerable)
    users, mechanisms, mechanisms_after_tls   AUTH PLAIN, LOGIN, CRAM-MD5, before TLS and after it (default: the same)
    replies                  verb -> reply, e.g. {"MAIL": "550 5.7.1 no", "RCPT": "450 4.2.0 Greylisted", ".": "552 5.3.4 too big"}
    """

    def run(peer: Peer) -> None:
        if implicit:
            implicit(peer)
            if not peer.tls:
                return
        if greeting_delay:
            peer.pause(greeting_delay)
        if greeting.startswith(("421", "554")):
            peer.reply(greeting)
            for _command in range(2):
                if peer.line().upper().startswith("QUIT"):
                    peer.reply("221 2.0.0 Bye")
                    return
                peer.reply("503 5.5.1 Error: no service here")
            return
        _Session(
            greeting=greeting,
            capabilities=capabilities,
            capabilities_after_tls=capabilities if capabilities_after_tls is None else capabilities_after_tls,
            ehlo=ehlo,
            helo=helo,
            starttls=starttls,
            injection=injection,
            users=users or {},
            mechanisms=mechanisms,
            mechanisms_after_tls=mechanisms if mechanisms_after_tls is None else mechanisms_after_tls,
            replies=replies or {},
        ).run(peer)

    return run


def _authenticates(peer: Peer, mechanism: str, initial: str, users: Mapping[str, str]) -> bool:
    """Does the SASL exchange of PLAIN (RFC 4616), LOGIN or CRAM-MD5 (RFC 2195) name a user with its password?"""

    def ask(challenge: bytes) -> bytes:
        peer.reply("334 " + base64.b64encode(challenge).decode())
        return _decoded(peer.line())

    if mechanism == "PLAIN":
        _authzid, user, password = ((_decoded(initial) if initial else ask(b"")).split(b"\0") + [b"", b"", b""])[:3]
        return _is_password(users, user, password)
    if mechanism == "LOGIN":
        user = _decoded(initial) if initial else ask(b"Username:")
        return _is_password(users, user, ask(b"Password:"))
    challenge = b"<1896.697170952@faulty.test>"
    name, _blank, digest = ask(challenge).decode("utf-8", "replace").rpartition(" ")
    expected = hmac.new(users.get(name, "").encode(), challenge, hashlib.md5).hexdigest()
    return name in users and hmac.compare_digest(expected, digest)


def _is_password(users: Mapping[str, str], user: bytes, password: bytes) -> bool:
    known = users.get(user.decode("utf-8", "replace"))
    return known is not None and hmac.compare_digest(known.encode(), password)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


# A real connect timeout on loopback


@dataclass(frozen=True)
class FullBacklog:
    """A port that answers no SYN."""

    host: str
    port: int


@contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[FullBacklog]:
    """A listening socket whose accept queue is full: the kernel drops every further SYN, as a filter does. Needs no root."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    with socket.create_server((host, port), family=family, backlog=0) as listener:
        address = listener.getsockname()[:2]
        try:
            for _filler in range(16):
                client = socket.socket(family)
                sockets.append(client)
                client.settimeout(0.2)
                try:
                    client.connect(address)
                except TimeoutError:
                    break
            else:
                raise RuntimeError("the kernel goes on accepting beyond a backlog of 0")
            yield FullBacklog(host, address[1])
        finally:
            for client in sockets:
                client.close()

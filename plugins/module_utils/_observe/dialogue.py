# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of SMTP (RFC 5321, 3207, 4954) over one connection, each once.

What is sent, and which reply belongs to it.
"""

from __future__ import annotations

import socket

from .failure import Failure
from .reply import Reply, capabilities
from .tls import Suites, TLSContexts
from .wire import Wire

__all__ = ("Dialogue", "default_helo_name")

# How long a reply that nobody asked for is waited for, where the replies before it make one likely.
_STRAY_SECONDS = 0.3
_SYNTAX = (500, 501, 502, 503)


class Dialogue:
    """One session.

    Every verb gives the relay's reply, whatever its code, and raises Failure where there is none or it cannot be meant.
    """

    def __init__(self, wire: Wire, helo_name: str | None = None) -> None:
        self.wire = wire
        self.capabilities: dict[str, list[str]] = {}
        self.said_ahead = ""  # in cleartext, behind the 220 that answers STARTTLS
        self._helo_name = helo_name

    @property
    def encrypted(self) -> bool:
        """Whether TLS has begun."""
        return self.wire.tls is not None

    @property
    def helo_name(self) -> str:
        """What EHLO says of this end."""
        if self._helo_name is None:
            self._helo_name = default_helo_name(self.wire.local_address)
        return self._helo_name

    def greeting(self) -> Reply:
        """The first reply, which nothing asks for."""
        return self.wire.read_reply()

    def ehlo(self) -> Reply:
        """EHLO.

        What is there before it is asked, or has a code that it does not know (RFC 5321 section 4.3.2), is out of step.
        """
        early = self.stray() if self.wire.something_came() else None
        if early is not None:
            raise Failure("out_of_step", sign="second_greeting" if early.code == 220 else "unasked", **early.as_entry())
        reply = self.wire.command(f"EHLO {self.helo_name}")
        self.capabilities = capabilities(reply.lines) if reply.code == 250 else {}
        if reply.code // 100 < 4 and reply.code != 250:
            raise Failure(
                "out_of_step", sign="second_greeting" if reply.code == 220 else "wrong_code", **reply.as_entry()
            )
        return reply

    def helo(self, refused: Reply) -> Reply:
        """HELO, once EHLO was ``refused``.

        Where the reply is EHLO's own, the refusal belonged to nothing that was asked.
        """
        # What answers to something else than EHLO, and came a moment too late to be seen before it.
        late = self.stray() if refused.code in _SYNTAX else None
        if late is not None:
            raise Failure("out_of_step", sign="late_reply" if late.positive else "unasked", **refused.as_entry())
        reply = self.wire.command(f"HELO {self.helo_name}")
        if reply.code == 220:
            raise Failure("out_of_step", sign="second_greeting", **reply.as_entry())
        if reply.positive and (len(reply.lines) > 1 or self.stray() is not None):
            raise Failure("out_of_step", sign="late_reply", **refused.as_entry())
        return reply

    def stray(self) -> Reply | None:
        """A reply that nobody asked for, where one comes within a moment."""
        if not self.wire.readable(_STRAY_SECONDS):
            return None
        try:
            return self.wire.read_reply(self.wire.deadline.within(_STRAY_SECONDS))
        except Failure:
            return None  # a session ticket, or nonsense: what follows will tell

    def starttls(self, pipelined: bytes = b"") -> Reply:
        """STARTTLS, in one segment with what must not be acted on (RFC 3207 section 4.2)."""
        self.wire.send(b"STARTTLS\r\n" + pipelined)
        return self.wire.read_reply()

    def begin_tls(self, contexts: TLSContexts, server_name: str, suites: Suites = "usual") -> None:
        """Send the ClientHello; what was said in cleartext is forgotten, but for the words about it."""
        self.capabilities = {}
        self.said_ahead = self.wire.replies.partial
        self.wire.begin_tls(contexts, server_name, suites)

    def finish_tls(self) -> None:
        """Complete the handshake."""
        self.wire.finish_tls()

    def auth(self, mechanism: str, username: str, password: str, sent: list[str]) -> Reply:
        """AUTH, all its steps. What was sent is added to ``sent``."""
        from .sasl import authenticate  # hashes cost a probe without a login some milliseconds

        return authenticate(self.wire, mechanism, username, password, sent)

    def mail(self, sender: str, message: bytes = b"") -> Reply:
        """MAIL, with the size (RFC 1870) and the body (RFC 6152) of the message where the relay knows them."""
        size = f" SIZE={len(message)}" if message and "SIZE" in self.capabilities else ""
        body = " BODY=8BITMIME" if "8BITMIME" in self.capabilities and any(byte > 127 for byte in message) else ""
        return self.wire.command(f"MAIL FROM:<{sender}>{size}{body}")

    def rcpt(self, recipient: str) -> Reply:
        """RCPT."""
        return self.wire.command(f"RCPT TO:<{recipient}>")

    def data(self) -> Reply:
        """DATA."""
        return self.wire.command("DATA")

    def message(self, message: bytes) -> Reply:
        """The message and its end. RFC 5321 section 4.5.2: a line that starts with a dot gets a second one."""
        stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in message.split(b"\r\n"))
        self.wire.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.wire.read_reply()

    def rset(self) -> Reply:
        """RSET."""
        return self.wire.command("RSET")

    def quit(self) -> None:
        """QUIT; the reply need not be waited for."""
        try:
            self.wire.send(b"QUIT\r\n")
        except Failure:
            pass


def default_helo_name(local_address: str) -> str:
    """This host's full name, else its address as a literal (RFC 5321 sections 4.1.1.1 and 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and not name.startswith("localhost"):
        return name
    return f"[IPv6:{local_address}]" if ":" in local_address else f"[{local_address}]"

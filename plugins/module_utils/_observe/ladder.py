# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder on one address: tcp, greeting, ehlo, starttls, tls, certificate, auth, transaction.

A climb ends at the top or at the first rung that breaks; either way its evidence holds all that was learnt.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

from .clock import Deadline
from .connect import Connecting
from .failure import Failure
from .reply import Reply, capabilities
from .resolve import Address
from .tls import TLSContexts, TLSRecord
from .wire import Wire, wait_any

if t.TYPE_CHECKING:
    from .evidence import Attempt, FailureEntry, Layer, Rung, Security, TransactionEntry, TransactionPlan

__all__ = ("Climb", "ClimbOptions")

# How long a silent port is only waited for before a second connection tries a ClientHello. Greetings that
# take longer (postscreen, slow reverse lookups) are waited for all the same.
SILENCE_BEFORE_SCOUT = 0.5
# What finding out the other mode may cost on top: seconds near by, round trips far away (connect, greeting or handshake, EHLO).
_OTHER_MODE_SECONDS = 0.7
_OTHER_MODE_ROUND_TRIPS = 6
_LISTEN_SECONDS = 2.0
_SCOUT_CONNECT_SECONDS = 1.0
# Failures after which the relay still listens, so that QUIT is due.
_SESSION_GOES_ON = ("reply", "missing", "withheld")


class ClimbOptions(t.NamedTuple):
    """What to climb with: the settings that matter on one address, and what to do at the top."""

    server_name: str
    helo_name: str | None = None
    source_address: str | None = None
    credentials: tuple[str, str, str | None] | None = None  # user name, password, mechanism
    login_required: bool = True  # false: a relay that offers no login that we can do takes mail without one
    cleartext_allowed: bool = False  # credentials and mail may travel without TLS
    try_injection: bool = False
    transaction: TransactionPlan | None = None
    turn: threading.Lock | None = None  # held by the one address that logs in and sends; null: every address does


class Climb:
    """One climb with one ``security``, see evidence.Security. ``run()`` gives the evidence."""

    def __init__(self, address: Address, security: Security, options: ClimbOptions, contexts: TLSContexts, deadline: Deadline) -> None:
        self.address = address
        self.security = security
        self.options = options
        self.contexts = contexts
        self.deadline = deadline
        self.wire: Wire | None = None
        self.started = 0.0  # when the connect began, on the monotonic clock
        self.injected = False
        self.connected = False
        self.capabilities: dict[str, list[str]] = {}
        self._sent: list[str] = []  # what AUTH sent, to be masked wherever the relay repeats it
        self.evidence: Attempt = {"address": address.text, "family": address.version, "security": security, "rungs": [], "failure": None}

    # -- the climb

    def connect(self) -> Connecting:
        """Begin to connect, without waiting. Raises Failure. Then comes ``take`` or ``unconnected``; or leave it to ``run``."""
        self.started = time.monotonic()
        return Connecting(self.address.sockaddr, self.address.family, self.options.source_address)

    def take(self, sock: socket.socket) -> None:
        """Climb on this socket, which is connected."""
        self.evidence["rungs"].append(self._tcp_rung(True))
        self.wire = Wire(self.address.sockaddr, self.address.family, self.deadline, sock=sock)
        self.connected = True

    def unconnected(self, failure: Failure) -> Attempt:
        """The evidence where the connect has failed."""
        self.evidence["rungs"].append(self._tcp_rung(False))
        failure.layer = "tcp"
        self.evidence["failure"] = failure.as_entry()
        return self.so_far()

    def _tcp_rung(self, well: bool) -> Rung:
        return {"layer": "tcp", "ok": well, "ms": round((time.monotonic() - self.started) * 1000, 1)}

    def run(self) -> Attempt:
        """Climb, and return the evidence. Never raises Failure."""
        try:
            self._climb()
            self._quit()
        except Failure as failure:
            self.evidence["failure"] = failure.as_entry()
            if failure.kind in _SESSION_GOES_ON:
                self._quit()
        except MemoryError:
            self.evidence["failure"] = {"layer": "tcp", "kind": "not_asked", "lack": "memory"}
        finally:
            if self.wire is not None:
                self.wire.close()
        if self.evidence["failure"] is not None:
            self._find_out_more(self.evidence["failure"])
        return self.so_far()

    def so_far(self) -> Attempt:
        """A copy of what has been learnt until now, while the climb may go on in its thread: what that still changes is copied in one step each."""
        found = {key: dict(value) if isinstance(value, dict) else value for key, value in dict(self.evidence).items()}
        found["rungs"] = [dict(step) for step in list(self.evidence["rungs"])]
        if not self._sent:
            return t.cast("Attempt", found)
        from .redact import redact  # only a login needs it

        return t.cast("Attempt", redact(found, self._sent))

    def _climb(self) -> None:
        if self.wire is None:
            try:
                self.take(self.connect().wait(self.deadline))
            except Failure as failure:
                self.unconnected(failure)
                raise
        if self.security == "implicit_tls":
            self._begin_tls(self._open_wire)
            self._handshake()
            self._greeting()
            self._ehlo("after_tls")
        else:
            waiting = time.monotonic()
            scout = self._wait_for_greeting()
            if scout is not None:
                # The port waits for a ClientHello. With auto that is an answer, else a mismatch.
                if self.security != "auto":
                    scout.close()
                    raise self._broken("mode", Failure("tls_spoken"))
                self._open_wire.close()
                self.wire = scout
                self.evidence["security"] = self.security = "implicit_tls"
                self._handshake()
                self._greeting()
                self._ehlo("after_tls")
            else:
                self._greeting(waiting)
                self._ehlo("before_tls")
                self._starttls()
        if self._my_turn():
            self._auth()
            self._transaction()

    def _my_turn(self) -> bool:
        """Of all addresses of an endpoint one logs in (lock-outs) and sends (once); the others end below that."""
        if self.options.turn is None or (self.options.credentials is None and self.options.transaction is None):
            return True
        mine = self.options.turn.acquire(blocking=False)
        self.evidence["yielded"] = not mine
        return mine

    @contextlib.contextmanager
    def _rung(self, layer: Layer, started: float | None = None) -> t.Iterator[Rung]:
        """Time a rung, from ``started`` on the monotonic clock; what breaks inside breaks this rung, unless it already names another."""
        step: Rung = {"layer": layer, "ok": True, "ms": 0.0}
        self.evidence["rungs"].append(step)
        started = time.monotonic() if started is None else started
        try:
            yield step
        except Failure as failure:
            failure.layer = failure.layer or layer
            step["ok"] = failure.layer != layer
            raise
        finally:
            step["ms"] = round((time.monotonic() - started) * 1000, 1)

    @staticmethod
    def _broken(layer: Layer, failure: Failure) -> Failure:
        failure.layer = layer
        return failure

    @property
    def _open_wire(self) -> Wire:
        if self.wire is None:
            raise Failure("closed")
        return self.wire

    # -- rungs

    def _second_wire(self, deadline: Deadline) -> Wire:
        return Wire(self.address.sockaddr, self.address.family, deadline, self.options.source_address)

    def _wait_for_greeting(self) -> Wire | None:
        """Return None once the relay says something (or time is up), or a connection on which it answered a ClientHello.

        The first connection keeps waiting while the second one tries, so a late greeting is never cut short.
        """
        wire = self._open_wire
        if wire.readable(SILENCE_BEFORE_SCOUT) or self.deadline.remaining() <= 0:
            return None
        scout = None
        try:
            scout = self._second_wire(self.deadline.within(_SCOUT_CONNECT_SECONDS))
            scout.deadline = self.deadline
            scout.begin_tls(self.contexts, self.options.server_name)
        except Failure:
            if scout is not None:
                scout.close()
            return None
        ready = wait_any([wire, scout], self.deadline)
        if scout in ready and wire not in ready:
            first = scout.peek()
            if first is not None and first.tls:
                return scout
            if first is not None and first.text:
                if not first.text[:3].isdigit():
                    # A server that waits to be asked (HTTP, say) has answered garbage in its own language.
                    scout.close()
                    raise self._broken("greeting", Failure("malformed", text=first.text))
        scout.close()
        return None

    def _greeting(self, started: float | None = None) -> None:
        with self._rung("greeting", started):
            try:
                greeting = self._open_wire.read_reply()
            except Failure as failure:
                if failure.kind == "tls_spoken":
                    failure.layer = "mode"
                elif failure.kind == "tls":
                    failure.layer = "tls"  # TLS 1.3 delivers the refusal of a client after its handshake
                elif failure.kind == "reset" and not self.contexts_used:
                    failure.layer = "tcp"
                raise
            self.evidence["greeting"] = greeting.as_entry()
            # RFC 5321 section 4.2.2 knows one code that opens a session.
            if greeting.code != 220:
                raise Failure("reply", code=greeting.code, lines=greeting.lines)

    @property
    def contexts_used(self) -> bool:
        """Whether TLS has begun on the current connection."""
        return self.wire is not None and self.wire.tls is not None

    def _helo_name(self, wire: Wire) -> str:
        return self.options.helo_name or default_helo_name(wire.local_address)

    def _ehlo(self, when: t.Literal["before_tls", "after_tls"]) -> None:
        with self._rung("ehlo"):
            wire = self._open_wire
            name = self._helo_name(wire)
            try:
                reply = wire.command(f"EHLO {name}")
            except Failure as failure:
                if failure.kind == "tls":
                    failure.layer = "tls"
                raise
            self._keep_ehlo(when, reply)
            if reply.positive:
                self.capabilities = capabilities(reply.lines)
                return
            self.capabilities = {}
            refusal = Failure("reply", code=reply.code, lines=reply.lines)
            if reply.code == 421:
                raise refusal
            # RFC 5321 section 3.2: a server without service extensions is asked with HELO.
            helo = wire.command(f"HELO {name}")
            self.evidence["helo"] = helo.as_entry()
            if not helo.positive or self.security == "starttls":
                raise refusal

    def _keep_ehlo(self, when: t.Literal["before_tls", "after_tls"], reply: Reply) -> None:
        self.evidence.setdefault("ehlo", {})[when] = reply.as_entry()

    def _starttls(self) -> None:
        offered = "STARTTLS" in self.capabilities
        if self.security == "cleartext" or (not offered and self.security in ("opportunistic", "auto")):
            return
        with self._rung("starttls"):
            if not offered:
                raise Failure("missing", what="starttls")
            wire = self._open_wire
            # One segment with two commands: a sound relay drops the second one (RFC 3207 section 4.2).
            self.injected = self.options.try_injection
            extra = b"NOOP\r\n" if self.injected else b""
            wire.send(b"STARTTLS\r\n" + extra)
            reply = wire.read_reply()
            if reply.code != 220:
                raise Failure("reply", code=reply.code, lines=reply.lines)
        self._begin_tls(self._open_wire)
        self._handshake()
        if self.options.try_injection:
            self._ehlo_after_injection()
        else:
            self._ehlo("after_tls")

    def _begin_tls(self, wire: Wire) -> None:
        try:
            wire.begin_tls(self.contexts, self.options.server_name)
        except Failure as failure:
            if self.security != "implicit_tls" or failure.kind != "reset":
                failure.layer = "tls"
            else:
                failure.layer = "tcp"
            raise

    def _handshake(self) -> None:
        wire = self._open_wire
        session = t.cast(TLSRecord, wire.tls)
        try:
            with self._rung("tls"):
                try:
                    wire.finish_tls()
                except Failure as failure:
                    failure.layer = "tls"
                    if failure.kind in ("certificate", "no_certificate"):
                        failure.layer = "certificate"
                    elif failure.kind == "plaintext" and self.security == "implicit_tls":
                        failure.layer = "mode"
                    raise
        except Failure as failure:
            self._keep_tls(session, verified=False)
            if failure.layer == "certificate":
                self.evidence["tls"]["verify_error"] = failure.facts.get("text")
                self.evidence["rungs"].append({"layer": "certificate", "ok": False, "ms": 0.0})
            raise
        self._keep_tls(session, verified=self.contexts.verify)
        if self.contexts.verify:
            self.evidence["rungs"].append({"layer": "certificate", "ok": True, "ms": 0.0})

    def _keep_tls(self, session: TLSRecord, verified: bool) -> None:
        tls = session.evidence(self.contexts.verify)
        tls["verified"] = verified
        self.evidence["tls"] = tls
        seen = session.chain_evidence()
        self.evidence["chain"], self.evidence["chain_available"] = seen["chain"], seen["chain_available"]

    def _ehlo_after_injection(self) -> None:
        """EHLO after TLS, where a reply to the injected NOOP may come first.

        That reply has one line, EHLO's nearly always more; only for a single line is a moment waited whether a second one follows.
        """
        self._ehlo("after_tls")
        reply = self.evidence["ehlo"]["after_tls"]
        self.evidence["injected"] = False
        wire = self._open_wire
        if len(reply["lines"]) == 1 and wire.readable(0.3):
            try:
                second = wire.read_reply(self.deadline.within(0.3))
            except Failure:
                return  # a session ticket, or nonsense: what follows will tell
            self.evidence["injected"] = True
            self._keep_ehlo("after_tls", second)
            self.capabilities = capabilities(second.lines)

    def _may_send(self, modes: tuple[Security, ...]) -> bool:
        """Whether something may go over the wire now: under TLS always, in cleartext only where that was chosen in one of ``modes``."""
        return self.contexts_used or (self.security in modes and self.options.cleartext_allowed)

    def _auth(self) -> None:
        if self.options.credentials is None:
            return
        from .mechanisms import can_log_in, choose_mechanism
        from .sasl import authenticate  # hashes cost a probe without a login some milliseconds

        username, password, wanted = self.options.credentials
        if not self.options.login_required and not can_log_in(self.capabilities, wanted, self.contexts_used):
            return
        with self._rung("auth") as step:
            offered = self.capabilities.get("AUTH")
            if not offered:
                raise Failure("missing", what="auth", starttls="STARTTLS" in self.capabilities and not self.contexts_used)
            if not self._may_send(("cleartext",)):
                raise Failure("withheld", what="password", starttls="STARTTLS" in self.capabilities)
            mechanism = choose_mechanism(offered, wanted, self.contexts_used)
            step["mechanism"] = mechanism
            reply = authenticate(self._open_wire, mechanism, username, password, self._sent)
            if not reply.positive:
                raise Failure("reply", code=reply.code, lines=reply.lines)

    def _transaction(self) -> None:
        transaction = self.options.transaction
        if transaction is None:
            return
        with self._rung("transaction"):
            if not self._may_send(("cleartext", "opportunistic")):
                raise Failure("withheld", what="message", starttls="STARTTLS" in self.capabilities)
            wire = self._open_wire
            message = transaction["message"].encode("utf-8", "surrogateescape")
            said: TransactionEntry = {}
            self.evidence["transaction"] = said
            size = f" SIZE={len(message)}" if "SIZE" in self.capabilities else ""
            body = " BODY=8BITMIME" if "8BITMIME" in self.capabilities and any(byte > 127 for byte in message) else ""
            self._step(said, "mail", wire.command(f"MAIL FROM:<{transaction['sender']}>{size}{body}"))
            for recipient in transaction["recipients"]:
                self._step(said, "rcpt", wire.command(f"RCPT TO:<{recipient}>"), recipient=recipient)
            if not transaction["deliver"]:
                said["rset"] = wire.command("RSET").as_entry()
                return
            self._step(said, "data", wire.command("DATA"), expected=3)
            # RFC 5321 section 4.5.2: a line that starts with a dot gets a second one.
            stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in message.split(b"\r\n"))
            wire.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            self._step(said, "message", wire.read_reply())

    @staticmethod
    def _step(said: TransactionEntry, stage: str, reply: Reply, expected: int = 2, **facts: str) -> None:
        said[stage] = {**reply.as_entry(), **facts}  # type: ignore[literal-required]
        if reply.code // 100 != expected:
            raise Failure("reply", stage=stage, code=reply.code, lines=reply.lines, **facts)

    def _quit(self) -> None:
        """Say goodbye; the reply need not be waited for."""
        with contextlib.suppress(Failure):
            self._open_wire.send(b"QUIT\r\n")

    # -- what a broken rung does not tell by itself

    def _find_out_more(self, failure: FailureEntry) -> None:
        """A further look at a relay that failed, on a connection of its own and within the same deadline."""
        kind, layer = failure["kind"], failure["layer"]
        if self.deadline.remaining() <= 0.05:
            return
        if self.injected and layer in ("starttls", "tls") and kind in ("reply", "closed", "reset", "tls", "timeout"):
            self._again_without_injection()
        elif kind == "tls_spoken":
            self._look("implicit_tls", self._other_mode_seconds())
        elif kind == "plaintext" and self.security == "implicit_tls" and failure["text"][:1].isdigit():
            # Its greeting may take as long again as it just did.
            self._look("cleartext", self._other_mode_seconds() + self.evidence["rungs"][-1]["ms"] / 1000)
        elif self.security == "implicit_tls" and kind in ("closed", "reset") and failure.get("silent", True) and layer in ("tls", "tcp"):
            self._look("cleartext", _LISTEN_SECONDS)
            other = self.evidence["other_mode"]["failure"]
            if other is not None and other["kind"] == "timeout":
                self._try_legacy()
        elif layer == "tls" and kind in ("tls", "closed", "reset"):
            self._try_legacy()

    def _other_mode_seconds(self) -> float:
        round_trip = self.evidence["rungs"][0]["ms"] / 1000
        return max(_OTHER_MODE_SECONDS, _OTHER_MODE_ROUND_TRIPS * round_trip)

    def _look(self, security: Security, seconds: float) -> None:
        """What the port says in the other mode, as far as EHLO; no credentials, no message."""
        options = self.options._replace(credentials=None, transaction=None, try_injection=False)
        look = Look(self.address, security, options, self.contexts, self.deadline.within(seconds))
        self.evidence["other_mode"] = look.run()

    def _try_legacy(self) -> None:
        """Whether the handshake works with everything that this host's OpenSSL still has."""
        wire = None
        try:
            wire = self._second_wire(self.deadline.within(2 * self._other_mode_seconds()))
            if self.security != "implicit_tls":
                wire.read_reply()
                wire.command(f"EHLO {self._helo_name(wire)}")
                if wire.command("STARTTLS").code != 220:
                    return
            wire.begin_tls(self.contexts, self.options.server_name, legacy=True)
            wire.finish_tls()
            session = t.cast(TLSRecord, wire.tls)
            self.evidence["legacy"] = session.evidence(verify=False)
        except Failure as failure:
            self.evidence["legacy"] = {"failure": self._broken("tls", failure).as_entry()}
        finally:
            if wire is not None:
                wire.close()

    def _again_without_injection(self) -> None:
        """A relay that objects to the injected command is sound: climb again without it, and let that count."""
        options = self.options._replace(try_injection=False)
        again = Climb(self.address, self.security, options, self.contexts, self.deadline)
        self.evidence = again.run()
        self.evidence["injected"] = False


class Look(Climb):
    """A climb that only looks at how a port speaks: greeting and EHLO, nothing after it."""

    def _wait_for_greeting(self) -> Wire | None:
        """Only listen."""
        return None

    def _starttls(self) -> None:
        """Leave TLS alone."""

    def _find_out_more(self, failure: FailureEntry) -> None:
        """One look is enough."""


def default_helo_name(local_address: str) -> str:
    """This host's full name, else its address as a literal (RFC 5321 sections 4.1.1.1 and 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and not name.startswith("localhost"):
        return name
    return f"[IPv6:{local_address}]" if ":" in local_address else f"[{local_address}]"

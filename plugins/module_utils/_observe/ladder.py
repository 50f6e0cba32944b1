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
from .dialogue import Dialogue
from .failure import Failure
from .reply import Reply, capabilities
from .resolve import Address
from .tls import TLSContexts, TLSRecord
from .wire import Wire

if t.TYPE_CHECKING:
    from .evidence import Attempt, FailureEntry, Layer, Rung, Security, Sign, TransactionEntry, TransactionPlan

__all__ = ("ClimbOptions", "Ladder")

# How long a silent port is only waited for before further connections try how it wants to be spoken to. Greetings that
# take longer (postscreen, slow reverse lookups) are waited for all the same.
_SILENCE_SECONDS = 0.5
# How long after it has greeted another connection of the call a relay still counts as busy with us.
_BUSY_SECONDS = 1.0
# Failures after which the relay still listens, so that QUIT is due.
_SESSION_GOES_ON = ("reply", "missing", "withheld", "out_of_step")
# Success of other commands (RFC 5321 section 4.2.3, RFC 4954 section 6): what is said so belongs to none of a transaction.
_OF_OTHERS = (211, 214, 220, 221, 235)
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_When = t.Literal["before_tls", "after_tls"]


class ClimbOptions(t.NamedTuple):
    """What to climb with: the settings that matter on one address, and what to do at the top."""

    server_name: str
    by_name: bool = True  # false: the user wrote the address
    helo_name: str | None = None
    source_address: str | None = None
    credentials: tuple[str, str, str | None] | None = None  # user name, password, mechanism
    login_required: bool = True  # false: a relay that offers no login that we can do takes mail without one
    login_tls_version: str = "TLSv1"  # below this neither credentials nor mail travel
    cleartext_allowed: bool = False  # credentials and mail may travel without TLS
    try_injection: bool = False
    transaction: TransactionPlan | None = None
    more_suites: bool = False  # what OpenSSL offers of itself, and not only what every TLS library has
    turn: threading.Lock | None = None  # held by the one address that logs in and sends; null: every address does
    greeters: dict[tuple[t.Any, ...], float] | None = None  # when an address and port last greeted in this call


class Ladder:
    """One climb over one connection with one ``security``, see evidence.Security. ``run()`` gives the evidence."""

    def __init__(
        self, address: Address, security: Security, options: ClimbOptions, contexts: TLSContexts, deadline: Deadline
    ) -> None:
        self.address = address
        self.security = security
        self.options = options
        self.contexts = contexts
        self.deadline = deadline
        self.session: Dialogue | None = None
        self.started = 0.0  # when the connect began, on the monotonic clock
        self.injected = self.connected = False
        self._sent: list[str] = []  # what AUTH sent, to be masked wherever the relay repeats it
        self.evidence: Attempt = {
            "address": address.text,
            "family": address.version,
            "security": security,
            "rungs": [],
            "failure": None,
        }

    # -- the climb

    def connect(self) -> Connecting:
        """Begin to connect, without waiting.

        Raises Failure. Then comes ``use`` or ``unconnected``; or leave it to ``run``.
        """
        self.started = time.monotonic()
        if self.options.by_name and self.address.of_no_host:
            # Ad blockers answer so. What listens on this host itself must not be taken for the relay.
            raise Failure("sinkhole")
        return Connecting(self.address.sockaddr, self.address.family, self.options.source_address)

    def use(self, sock: socket.socket) -> None:
        """Climb on this socket, which is connected."""
        self.evidence["rungs"].append(self._tcp_rung(True))
        self.session = Dialogue(
            Wire(self.address.sockaddr, self.address.family, self.deadline, sock=sock), self.options.helo_name
        )
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
            self.open.quit()
        except Failure as failure:
            self.evidence["failure"] = failure.as_entry()
            if failure.kind in _SESSION_GOES_ON:
                self.open.quit()
        except MemoryError:
            self.evidence["failure"] = {"layer": "tcp", "kind": "not_asked", "lack": "memory"}
        finally:
            if self.session is not None:
                self.session.wire.close()
        failed = self.evidence["failure"]
        if failed is not None and failed["kind"] not in ("missing", "withheld", "not_asked"):
            self._find_out_more(failed)
        return self.so_far()

    @property
    def open(self) -> Dialogue:
        """The session. Raises Failure where there is none."""
        if self.session is None:
            raise Failure("closed")
        return self.session

    def so_far(self) -> Attempt:
        """A copy of what has been learnt until now, while the climb may go on in its thread.

        What that still changes is copied in one step each.
        """
        found = {key: dict(value) if isinstance(value, dict) else value for key, value in dict(self.evidence).items()}
        found["rungs"] = [dict(step) for step in list(self.evidence["rungs"])]
        if not self._sent:
            return t.cast("Attempt", found)
        from .redact import redact  # only a login needs it

        return t.cast("Attempt", redact(found, self._sent))

    def _climb(self) -> None:
        if self.session is None:
            try:
                self.use(self.connect().wait(self.deadline))
            except Failure as failure:
                self.unconnected(failure)
                raise
        if self.security == "implicit_tls":
            self._begin_tls()
            self._in_tls()
        else:
            waiting = time.monotonic()
            hello = self._listen()
            if hello is None:
                self._greeting(waiting)
                self._ehlo("before_tls")
                self._starttls()
            elif self.security != "auto":
                # The port waits for a ClientHello. With auto that is an answer, else a mismatch.
                hello.wire.close()
                raise self._broken("mode", Failure("tls_spoken"))
            else:
                self.open.wire.close()
                self.session = hello
                self.evidence["security"] = self.security = "implicit_tls"
                self._in_tls()
        if not self._tls_too_old() and self._my_turn():
            self._auth()
            self._transaction()

    def _listen(self) -> Dialogue | None:
        """Wait for the first words; a session that has sent a ClientHello, where those are TLS."""
        if self.open.wire.readable(_SILENCE_SECONDS) or self.deadline.remaining() <= 0:
            return None
        # While it greets others of this call it is slow because many ask at once, and further connections would make it
        # slower.
        greeters = self.options.greeters or {}
        while self.address.sockaddr in greeters:
            left = greeters[self.address.sockaddr] + _BUSY_SECONDS - time.monotonic()
            if left <= 0:
                break
            if self.open.wire.readable(left) or self.deadline.remaining() <= 0:
                return None
        return self._listen_on()

    def _listen_on(self) -> Dialogue | None:
        """What else could be done with a silent port. Here: wait for its greeting."""
        return None

    def _find_out_more(self, failure: FailureEntry) -> None:
        """What else could be learnt of a failed climb. Here: nothing."""

    def _in_tls(self) -> None:
        self._handshake()
        self._greeting()
        self._ehlo("after_tls")

    def _my_turn(self) -> bool:
        """Of all addresses of an endpoint one logs in (lock-outs) and sends (once); the others end below that."""
        if self.options.turn is None or (self.options.credentials is None and self.options.transaction is None):
            return True
        mine = self.options.turn.acquire(blocking=False)
        self.evidence["yielded"] = not mine
        return mine

    def _tls_too_old(self) -> bool:
        """Whether the session is below the version that is required, so that it fails whatever the login would give."""
        version = self.evidence.get("tls", {}).get("version")
        return version in _VERSIONS and _VERSIONS.index(version) < _VERSIONS.index(self.options.login_tls_version)

    @contextlib.contextmanager
    def _rung(self, layer: Layer, started: float | None = None) -> t.Iterator[Rung]:
        """Time a rung, from ``started`` on the monotonic clock.

        What breaks inside breaks this rung, unless it already names another.
        """
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

    # -- rungs

    def _greeting(self, started: float | None = None) -> None:
        with self._rung("greeting", started):
            try:
                greeting = self.open.greeting()
            except Failure as failure:
                if failure.kind == "tls_spoken":
                    failure.layer = "mode"
                elif failure.kind == "tls":
                    failure.layer = "tls"  # TLS 1.3 delivers the refusal of a client after its handshake
                elif failure.kind == "reset" and not self.open.encrypted:
                    failure.layer = "tcp"
                raise
            self.evidence["greeting"] = greeting.as_entry()
            # RFC 5321 section 4.2.2 knows one code that opens a session.
            if greeting.code != 220:
                raise Failure("reply", **greeting.as_entry())
            if self.options.greeters is not None and not self.open.encrypted:
                self.options.greeters[self.address.sockaddr] = time.monotonic()

    def _ehlo(self, when: _When) -> None:
        with self._rung("ehlo"):
            try:
                reply = self.open.ehlo()
            except Failure as failure:
                if failure.kind == "tls":
                    failure.layer = "tls"
                raise
            self._keep_ehlo(when, reply)
            if not reply.positive:
                self._helo(reply)

    def _helo(self, refused: Reply) -> None:
        """RFC 5321 section 3.2: a server without service extensions is asked with HELO."""
        refusal = Failure("reply", **refused.as_entry())
        if refused.code == 421:
            raise refusal
        try:
            helo = self.open.helo(refused)
        except Failure as failure:
            if failure.kind == "out_of_step":
                raise
            # The relay's own words are worth more than how it hung up on them.
            self.evidence["helo_failure"] = self._broken("ehlo", failure).as_entry()
            raise refusal from None
        self.evidence["helo"] = helo.as_entry()
        if not helo.positive or self.security == "starttls":
            raise refusal

    def _keep_ehlo(self, when: _When, reply: Reply) -> None:
        self.evidence.setdefault("ehlo", {})[when] = reply.as_entry()

    def _starttls(self) -> None:
        offered = "STARTTLS" in self.open.capabilities
        if self.security == "cleartext" or (not offered and self.security in ("opportunistic", "auto")):
            return
        with self._rung("starttls"):
            if not offered:
                raise Failure("missing", what="starttls")
            self.injected = self.options.try_injection
            reply = self.open.starttls(b"NOOP\r\n" if self.injected else b"")
            if reply.code != 220:
                raise Failure("reply", **reply.as_entry())
        self._begin_tls()
        self._handshake()
        self._ehlo("after_tls")
        if self.injected:
            self._look_for_injected()

    def _begin_tls(self) -> None:
        try:
            self.open.begin_tls(
                self.contexts, self.options.server_name, "more" if self.options.more_suites else "usual"
            )
        except Failure as failure:
            failure.layer = "tcp" if self.security == "implicit_tls" and failure.kind == "reset" else "tls"
            raise

    def _handshake(self) -> None:
        session = t.cast(TLSRecord, self.open.wire.tls)
        try:
            with self._rung("tls"):
                try:
                    self.open.finish_tls()
                except Failure as failure:
                    if failure.kind in ("closed", "reset", "timeout") and self.open.said_ahead:
                        # Why there is no handshake came before it, in one segment with the 220.
                        failure = Failure("plaintext", text=self.open.said_ahead)
                    failure.layer = "tls"
                    if failure.kind in ("certificate", "no_certificate"):
                        failure.layer = "certificate"
                    elif failure.kind == "plaintext" and self.security == "implicit_tls":
                        failure.layer = "mode"
                    raise failure from None
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

    def _look_for_injected(self) -> None:
        """After EHLO in TLS, whose reply may be the one to the injected NOOP.

        That one has one line, EHLO's nearly always more; only for a single line is a moment waited whether a second one
        follows.
        """
        self.evidence["injected"] = False
        second = self.open.stray() if len(self.evidence["ehlo"]["after_tls"]["lines"]) == 1 else None
        if second is not None:
            self.evidence["injected"] = True
            self._keep_ehlo("after_tls", second)
            self.open.capabilities = capabilities(second.lines)

    def _may_send(self, modes: tuple[Security, ...]) -> bool:
        """Whether something may go over the wire now.

        Under TLS always, in cleartext only where that was chosen in one of ``modes``.
        """
        return self.open.encrypted or (self.security in modes and self.options.cleartext_allowed)

    def _auth(self) -> None:
        if self.options.credentials is None:
            return
        from .mechanisms import can_log_in, choose_mechanism  # a probe without a login never needs it

        username, password, wanted = self.options.credentials
        session = self.open
        if not self.options.login_required and not can_log_in(session.capabilities, wanted, session.encrypted):
            return
        with self._rung("auth") as step:
            offered = session.capabilities.get("AUTH")
            if not offered:
                raise Failure(
                    "missing", what="auth", starttls="STARTTLS" in session.capabilities and not session.encrypted
                )
            if not self._may_send(("cleartext",)):
                raise Failure("withheld", what="password", starttls="STARTTLS" in session.capabilities)
            step["mechanism"] = mechanism = choose_mechanism(offered, wanted, session.encrypted)
            reply = session.auth(mechanism, username, password, self._sent)
            if reply.positive and reply.code != 235:
                # RFC 4954 section 4: no other code says that somebody is logged in, and many clients take no other.
                raise Failure("out_of_step", sign="wrong_code", **reply.as_entry())
            if not reply.positive:
                raise Failure("reply", **reply.as_entry())

    def _transaction(self) -> None:
        transaction = self.options.transaction
        if transaction is None:
            return
        session = self.open
        with self._rung("transaction"):
            if not self._may_send(("cleartext", "opportunistic")):
                raise Failure("withheld", what="message", starttls="STARTTLS" in session.capabilities)
            message = transaction["message"].encode("utf-8", "surrogateescape")
            said: TransactionEntry = {}
            self.evidence["transaction"] = said
            self._step(said, "mail", session.mail(transaction["sender"], message))
            for recipient in transaction["recipients"]:
                self._in_step("rcpt")
                self._step(said, "rcpt", session.rcpt(recipient), recipient=recipient)
            self._in_step("data")
            if not transaction["deliver"]:
                reset = session.rset()
                said["rset"] = reset.as_entry()
                if reset.code != 250:  # nothing else answers RSET: it belongs to what was asked before
                    raise Failure("out_of_step", sign="late_reply", **reset.as_entry())
                return
            self._step(said, "data", session.data(), expected=3)
            self._step(said, "message", session.message(message))

    def _in_step(self, stage: str) -> None:
        """What is there before the next command is sent answers nothing; a refusal is what the relay says before it hangs up."""
        early = self.open.stray() if self.open.wire.something_came() else None
        if early is not None and early.code >= 400:
            raise Failure("reply", stage=stage, **early.as_entry())
        if early is not None:
            raise Failure("out_of_step", sign="unasked", stage=stage, **early.as_entry())

    @staticmethod
    def _step(said: TransactionEntry, stage: str, reply: Reply, expected: int = 2, **facts: str) -> None:
        said[stage] = {**reply.as_entry(), **facts}  # type: ignore[literal-required]
        if reply.code in _OF_OTHERS or (reply.code // 100 != expected and reply.code < 400):
            sign: Sign = "second_greeting" if reply.code == 220 else "wrong_code"
            raise Failure("out_of_step", sign=sign, stage=stage, **reply.as_entry(), **facts)
        if reply.code // 100 != expected:
            raise Failure("reply", stage=stage, **reply.as_entry(), **facts)

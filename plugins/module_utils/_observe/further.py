# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What a relay that is silent or fails shows on further connections, within the same deadline: the other mode, other
suites, both modes.

A relay that works never needs this file. None of these connections carries a login or a message, except the climb again
with other suites, which is a climb like the first one.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from .dialogue import Dialogue
from .failure import Failure
from .ladder import Ladder
from .wire import Wire, wait_any

if t.TYPE_CHECKING:
    from .clock import Deadline
    from .evidence import FailureEntry, ReplyEntry, Security
    from .tls import TLSRecord

    _Begin = t.Callable[[Dialogue], bytes]

__all__ = ("find_out_more", "listen_on")

# What finding out the other mode may cost on top: seconds near by, round trips far away (connect, greeting or
# handshake, EHLO).
_SECONDS = 0.7
_ROUND_TRIPS = 6
_LISTEN_SECONDS = 2.0
_PATIENCE_SECONDS = 7.0  # postscreen waits for six
_CONNECT_SECONDS = 1.0
_HEADER_SECONDS = 1.5
# How OpenSSL calls a handshake for which no suite was found; a relay may also just hang up.
_NO_SUITE = ("HANDSHAKE_FAILURE", "INSUFFICIENT_SECURITY", "NO_SHARED_CIPHER", "NO_CIPHER")
# And one for which no version was found.
_NO_VERSION = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "WRONG_VERSION_NUMBER")
# How long a port may be silent to TLS before it is tried whether it waits for a proxy; sooner than such a port gives up.
_DEAF_SECONDS = 1.5


def listen_on(climb: Ladder) -> Dialogue | None:
    """Wait for the greeting of a port that has been silent for a moment.

    None once it says something, or time is up; or a session whose ClientHello was answered, as one of implicit TLS.
    The first connection keeps waiting while others try, so a late greeting is never cut short.
    """
    wire, hello = climb.open.wire, None
    try:
        hello = _connect(climb, climb.deadline.within(_CONNECT_SECONDS))
        hello.wire.deadline = climb.deadline
        hello.begin_tls(climb.contexts, climb.options.server_name)
        ready = wait_any([wire, hello.wire], climb.deadline.within(_DEAF_SECONDS))
        if not ready and climb.deadline.remaining() > _HEADER_SECONDS:
            ready = _wait_as_proxy(climb, hello.wire)
        elif not ready:
            ready = wait_any([wire, hello.wire], climb.deadline)
        if hello.wire in ready and wire not in ready:
            first = hello.wire.peek()
            if first is None or (not first.tls and first.text[:1] in ("4", "5")):
                # It waits for something else than a client: Postfix calls a ClientHello there an error of its own.
                _try_proxy_header(climb)
                # What shares a port between services may send silent clients to the relay after some seconds (sslh).
                patience = _PATIENCE_SECONDS if "speaks_second" in climb.evidence else _header_seconds(climb)
                seen = "after_proxy_header" in climb.evidence or "speaks_second" in climb.evidence
                if seen and not wire.readable(patience):
                    # Whoever begins as a proxy is answered, and the first connection, which is older, is not.
                    raise _never_greeted(climb)
            elif first.tls and (climb.security == "auto" or not _greets_who_speaks_first(climb)):
                found, hello = hello, None
                return found
            elif not first.tls and first.text.startswith("220"):
                _take_another(climb)
            elif not first.tls and first.text and not first.text[:3].isdigit():
                # A server that waits to be asked (HTTP, say) has answered garbage in its own language.
                failure = Failure("malformed", text=first.text)
                failure.layer = "greeting"
                raise failure
        return None
    except Failure as failure:
        if failure.layer:
            raise
        return None
    finally:
        if hello is not None:
            hello.wire.close()


def _wait_as_proxy(climb: Ladder, hello: Wire) -> list[Wire]:
    """Wait for the greeting with a third connection, which begins as a proxy does, as the port is silent to TLS too.

    Gives those of the first two that have something to read. Raises Failure where none but a proxy is greeted.
    """
    wires = [climb.open.wire, hello]
    proxy = None
    try:
        proxy = _connect(climb, climb.deadline.within(_CONNECT_SECONDS))
        proxy.wire.deadline = climb.deadline
        proxy.wire.send(proxy.wire.proxy_header)
        ready = wait_any([*wires, proxy.wire], climb.deadline)
        if ready != [proxy.wire]:
            return [wire for wire in ready if wire is not proxy.wire]
        greeting = proxy.greeting() if proxy.wire.peek() is not None else None
        if greeting is not None and greeting.code == 220:
            with contextlib.suppress(Failure):
                proxy.quit()
            if _said_to(climb, _hello, _extra_seconds(climb)) is not None:
                # Not the header counts: it greets who speaks first, or later connections first.
                _take_another(climb)
                return []
            # Nor does it where some of the servers behind a load balancer are dead.
            if _said_to(climb, _own_header, _header_seconds(climb)) is not None:
                climb.evidence["after_proxy_header"] = greeting.as_entry()
                raise _never_greeted(climb)
    except Failure as failure:
        if failure.layer:
            raise
    finally:
        if proxy is not None:
            proxy.wire.close()
    return wait_any(wires, climb.deadline)


def _never_greeted(climb: Ladder) -> Failure:
    failure = Failure("timeout", waited_ms=round((time.monotonic() - climb.started) * 1000, 1))
    failure.layer = "greeting"
    return failure


def _take_another(climb: Ladder) -> None:
    """Where a later connection was greeted before the first one: that one may never be served, so take a third.

    A relay's queue of connections that overflows does that, and a load balancer with a server that is dead.
    """
    another = _connect(climb, climb.deadline.within(_CONNECT_SECONDS))
    another.wire.deadline = climb.deadline
    first = climb.open.wire
    ready = wait_any([first, another.wire], climb.deadline)
    if first in ready or not ready:
        another.wire.close()
        return
    first.close()
    climb.session = another
    climb.evidence["unserved"] = True


def find_out_more(climb: Ladder, failure: FailureEntry) -> None:
    """What a broken rung does not tell by itself, added to the climb's evidence."""
    kind, layer = failure["kind"], failure["layer"]
    if climb.deadline.remaining() <= 0.05:
        return
    if (
        climb.injected
        and layer in ("starttls", "tls", "ehlo")
        and kind in ("reply", "closed", "reset", "tls", "timeout", "out_of_step")
    ):
        _again_without_injection(climb)
    elif kind == "tls_spoken":
        _other_mode(climb, "implicit_tls", _extra_seconds(climb))
    elif kind == "plaintext" and climb.security == "implicit_tls" and failure["text"][:1].isdigit():
        # Its greeting may take as long again as it just did.
        seconds = _extra_seconds(climb) + climb.evidence["rungs"][-1]["ms"] / 1000
        _other_mode(climb, "cleartext", seconds)
        if failure["text"][:1] in ("4", "5") and _still_silent(climb):
            _try_proxy_header(climb)
            if "after_proxy_header" not in climb.evidence:
                # It may keep clients waiting, and refuse those who do not wait (postscreen, Exim, nginx).
                _other_mode(climb, "cleartext", seconds + _PATIENCE_SECONDS)
        elif _still_silent(climb):
            # It greeted our ClientHello at once: silent clients may have to wait (Exim, for the header of a proxy).
            _other_mode(climb, "cleartext", seconds + _PATIENCE_SECONDS)
    elif (
        climb.security == "implicit_tls" and "UNEXPECTED_MESSAGE" in failure.get("reason", "") and _tls_as_proxy(climb)
    ):
        # The ClientHello's first bytes were taken for the header, and TLS began with the rest (Exim).
        climb.evidence["after_proxy_header"] = {"code": 0, "lines": []}
    elif (
        climb.security == "implicit_tls"
        and kind in ("closed", "reset")
        and failure.get("silent", True)
        and layer in ("tls", "tcp")
    ):
        _other_mode(climb, "cleartext", _LISTEN_SECONDS)
        if _still_silent(climb):
            _try_proxy_header(climb)
            if "after_proxy_header" not in climb.evidence:
                _other_suites(climb, failure)
    elif layer == "tls" and kind in ("tls", "closed", "reset") and not _shook_hands(climb):
        _other_suites(climb, failure)


def _shook_hands(climb: Ladder) -> bool:
    """Whether the handshake was complete: what broke then has nothing to do with suites."""
    return any(step["layer"] == "tls" and step["ok"] for step in climb.evidence["rungs"])


def _still_silent(climb: Ladder) -> bool:
    """Whether the look in the other mode ended before anything was said."""
    failure = climb.evidence["other_mode"]["failure"]
    return failure is not None and failure["kind"] == "timeout" and "greeting" not in climb.evidence["other_mode"]


def _extra_seconds(climb: Ladder) -> float:
    round_trip = climb.evidence["rungs"][0]["ms"] / 1000
    return max(_SECONDS, _ROUND_TRIPS * round_trip)


def _connect(climb: Ladder, deadline: Deadline) -> Dialogue:
    wire = Wire(climb.address.sockaddr, climb.address.family, deadline, climb.options.source_address)
    return Dialogue(wire, climb.options.helo_name)


def _greets_who_speaks_first(climb: Ladder) -> bool:
    """Whether a port that answers a ClientHello also greets a client in cleartext that speaks first, as sslh does."""
    reply = _said_to(climb, _hello, _extra_seconds(climb))
    climb.evidence["both_modes"] = reply is not None
    return reply is not None


def _try_proxy_header(climb: Ladder) -> None:
    """Whether a port that hangs up on a ClientHello answers who begins as a proxy does: with its greeting, or in TLS."""
    for header in (_own_header, _local_header):
        answered: ReplyEntry | None = None
        if climb.security != "implicit_tls":
            if climb.open.wire.readable(0):
                return  # the greeting that is waited for
            reply = _said_to(climb, header, _header_seconds(climb))
            answered = reply.as_entry() if reply is not None else None
        answered = answered or _tls_behind_header(climb, header)
        if answered is None:
            continue
        if answered["code"] and _said_to(climb, _hello, _extra_seconds(climb)) is not None:
            climb.evidence["speaks_second"] = True  # not the header counts, but that something was said
        else:
            climb.evidence["after_proxy_header"] = answered
        return


def _own_header(session: Dialogue) -> bytes:
    """Version 1 with the connection's own ends (section 2.1), as not everybody knows UNKNOWN (Haraka)."""
    return session.wire.proxy_header


def _local_header(_session: Dialogue) -> bytes:
    """LOCAL of version 2 (section 2.2), for what takes only that."""
    return b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


def _hello(session: Dialogue) -> bytes:
    """EHLO, before the greeting."""
    return f"EHLO {session.helo_name}\r\n".encode()


def _tls_behind_header(climb: Ladder, header: _Begin) -> ReplyEntry | None:
    """How a ClientHello behind a PROXY protocol header is answered, as ``after_proxy_header``; null where it is not.

    A greeting counts where TLS was meant: else it was asked for before, in cleartext.
    """
    session = None
    try:
        session = _connect(climb, climb.deadline.within(_header_seconds(climb)))
        session.wire.send(header(session))
        session.begin_tls(climb.contexts, climb.options.server_name)
        if not wait_any([session.wire], session.wire.deadline):
            return None
        first = session.wire.peek()
        if first is not None and first.tls:
            return {"code": 0, "lines": []}
        greeted = climb.security == "implicit_tls" and first is not None and first.text.startswith("220")
        return {"code": 220, "lines": [first.text[4:]]} if first is not None and greeted else None
    except Failure:
        return None
    finally:
        if session is not None:
            session.wire.close()


def _tls_as_proxy(climb: Ladder) -> bool:
    """Whether the handshake goes well behind a PROXY protocol header, whatever is thought of the certificate."""
    session = None
    try:
        session = _connect(climb, climb.deadline.within(_header_seconds(climb)))
        session.wire.send(session.wire.proxy_header)
        session.begin_tls(climb.contexts, climb.options.server_name)
        session.finish_tls()
        return True
    except Failure as failure:
        return failure.kind in ("certificate", "no_certificate")
    finally:
        if session is not None:
            session.wire.close()


def _header_seconds(climb: Ladder) -> float:
    return max(_HEADER_SECONDS, _extra_seconds(climb))


def _said_to(climb: Ladder, begin: _Begin, seconds: float) -> t.Any:
    """The greeting of a new connection that begins so; null where there is none."""
    session = None
    try:
        session = _connect(climb, climb.deadline.within(seconds))
        session.wire.send(begin(session))
        reply = session.greeting()
        if reply.code != 220:
            return None
        session.quit()
        return reply
    except Failure:
        return None
    finally:
        if session is not None:
            session.wire.close()


def _other_mode(climb: Ladder, security: Security, seconds: float) -> None:
    """What the port says in the other mode, as far as EHLO; no credentials, no message."""
    options = climb.options._replace(credentials=None, transaction=None, try_injection=False)
    other = _GreetingAndEhlo(climb.address, security, options, climb.contexts, climb.deadline.within(seconds))
    climb.evidence["other_mode"] = other.run()


class _GreetingAndEhlo(Ladder):
    """A climb that ends after EHLO, and takes silence for silence."""

    def _starttls(self) -> None:
        """Leave TLS alone."""


def _other_suites(climb: Ladder, failure: FailureEntry) -> None:
    """If only the choice of suites stands in the way, climb with more; else see what all that OpenSSL has would give."""
    contexts = climb.contexts
    signs = (*_NO_SUITE, *_NO_VERSION) if contexts.old_versions else _NO_SUITE
    no_suite = failure["kind"] in ("closed", "reset") or any(sign in failure.get("reason", "") for sign in signs)
    if not no_suite or climb.options.more_suites or not contexts.has_more():
        _try_legacy(climb)
        return
    again = type(climb)(
        climb.address, climb.security, climb.options._replace(more_suites=True), contexts, climb.deadline
    )
    found = again.run()  # which sees by itself what all would give
    ended = found["failure"]
    if ended is None or ended["layer"] != "tls" or found.get("chain"):  # it got further
        climb.evidence = found
        climb.evidence["python_refused"] = failure
    elif "legacy" in found:
        climb.evidence["legacy"] = found["legacy"]


def _try_legacy(climb: Ladder) -> None:
    session = None
    try:
        session = _connect(climb, climb.deadline.within(2 * _extra_seconds(climb)))
        if climb.security != "implicit_tls":
            session.greeting()
            session.ehlo()
            if session.starttls().code != 220:
                raise Failure("missing", what="starttls")
        session.begin_tls(climb.contexts, climb.options.server_name, "all")
        session.finish_tls()
        climb.evidence["legacy"] = t.cast("TLSRecord", session.wire.tls).evidence(verify=False)
    except Failure as failure:
        failure.layer = "tls"
        climb.evidence["legacy"] = {"failure": failure.as_entry()}
    finally:
        if session is not None:
            session.wire.close()


def _again_without_injection(climb: Ladder) -> None:
    """A relay that objects to the injected command is sound: climb again without it, and let that count."""
    again = type(climb)(
        climb.address, climb.security, climb.options._replace(try_injection=False), climb.contexts, climb.deadline
    )
    climb.evidence = again.run()
    climb.evidence["injected"] = False

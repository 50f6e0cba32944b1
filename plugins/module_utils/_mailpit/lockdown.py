# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What Mailpit lets a client do that does not do as its mode says: speak cleartext, log in before TLS, guess a password.

Real credentials are never used: the login is a random one. No message is sent, a transaction ends after MAIL.
"""

from __future__ import annotations

import base64
import secrets
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import capabilities
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import resolve
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire

__all__ = ["Session", "Unreachable", "look", "violations"]

# How long a cleartext client waits for the greeting before it speaks first. A listener with implicit TLS never sends one.
_GREETING_SECONDS = 1.0
_HELO = "lockdown.invalid"
_SENDER = "lockdown@lockdown.invalid"


class Unreachable(Exception):
    """No address of the host takes a TCP connection; the text says why, as far as the last one showed."""


class Session(t.NamedTuple):
    """One client's experience. Codes are reply codes, None for what was not reached; ``ended`` says what broke the session."""

    reached: bool
    starttls_offered: t.Optional[bool] = None
    auth_offered: t.Optional[bool] = None
    auth_code: t.Optional[int] = None
    mail_code: t.Optional[int] = None
    ended: t.Optional[str] = None

    def as_dict(self) -> dict[str, t.Any]:
        """For a result."""
        return dict(self._asdict())


def look(host: str, port: int, security: str, server_name: str, seconds: float) -> tuple[Session, Session]:
    """
    A cleartext client's session, and one in TLS (``reached`` is false where ``security`` is cleartext).

    Takes at most ``seconds``. Raises Unreachable.
    """
    deadline = Deadline(seconds)
    contexts = TLSContexts(False, None, "TLSv1.2")  # whether the certificate is right is what the gate looks at
    cleartext = _cleartext(_open(host, port, deadline), deadline)
    if security == "cleartext":
        return cleartext, Session(False)
    if security != "implicit_tls" and not cleartext.reached:
        return cleartext, Session(False, ended=cleartext.ended)  # without a greeting there is no STARTTLS
    return cleartext, _encrypted(_open(host, port, deadline), security, contexts, server_name, deadline)


def violations(security: str, auth: str, cleartext: Session, encrypted: Session) -> list[str]:
    """What does not fit the mode, one sentence each; empty when everything does."""
    found = []
    if security == "implicit_tls":
        if cleartext.reached:
            found.append("a cleartext client is answered, where TLS is to come from the first byte")
    elif not cleartext.reached:
        found.append(f"a cleartext client is not answered ({cleartext.ended}), where {security} begins in cleartext")
    else:
        found += _cleartext_violations(security, auth, cleartext)
    if security != "cleartext":
        if not encrypted.reached:
            found.append(f"no TLS session came about: {encrypted.ended}")
        else:
            found += _login_violations("in TLS", auth, encrypted)
    return found


def _cleartext_violations(security: str, auth: str, session: Session) -> list[str]:
    found = []
    if security == "starttls":
        if session.mail_code != 530:
            found.append(f"MAIL before STARTTLS is answered with {session.mail_code} instead of 530")
        if session.auth_code != 530:
            found.append(f"AUTH before STARTTLS is answered with {session.auth_code} instead of 530")
    if security == "cleartext" and session.starttls_offered:
        found.append("STARTTLS is offered, where cleartext was chosen")
    if security != "cleartext" and not session.starttls_offered:
        found.append(f"STARTTLS is not offered, where {security} was chosen")
    if security != "starttls":
        found += _login_violations("in cleartext", auth, session)
    return found


def _login_violations(where: str, auth: str, session: Session) -> list[str]:
    found = []
    wanted_auth = {"users": 535, "accept_any": 235, "none": 502}[auth]
    if session.auth_code != wanted_auth:
        found.append(f"a made-up login {where} is answered with {session.auth_code} instead of {wanted_auth}")
    wanted_mail = 530 if auth == "users" else 250
    if session.mail_code != wanted_mail:
        found.append(f"MAIL without a login {where} is answered with {session.mail_code} instead of {wanted_mail}")
    return found


def _open(host: str, port: int, deadline: Deadline) -> Wire:
    """A connection to the first address that takes one."""
    try:
        addresses = resolve(host, port, "any", deadline)[0]
    except Failure as failure:
        raise Unreachable(f"{host} could not be resolved ({_why(failure)})") from None
    last = "no address"
    for position, address in enumerate(addresses):
        # A dead address must leave time for the next one.
        share = deadline.remaining() / (len(addresses) - position)
        try:
            return Wire(address.sockaddr, address.family, deadline.within(share))
        except Failure as failure:
            last = f"{address.text}: {_why(failure)}"
    raise Unreachable(f"{host} port {port} takes no connection ({last})")


def _cleartext(wire: Wire, deadline: Deadline) -> Session:
    # An implicit TLS listener is silent until it has heard something. Three seconds of silence after our EHLO are an answer too.
    wire.deadline = deadline.within(_GREETING_SECONDS + 3)
    session = Session(False)
    try:
        spoken = wire.readable(_GREETING_SECONDS)
        if not spoken:
            wire.send(f"EHLO {_HELO}\r\n".encode())
        if wire.read_reply().code != 220:
            return session._replace(ended="the greeting was not 220")
        session = _dialogue(wire, spoken, session._replace(reached=True))
    except Failure as failure:
        session = session._replace(ended=_why(failure))
    finally:
        wire.close()
    return session


def _encrypted(wire: Wire, security: str, contexts: TLSContexts, server_name: str, deadline: Deadline) -> Session:
    wire.deadline = deadline
    session = Session(False)
    try:
        if security != "implicit_tls":
            wire.read_reply()
            wire.command(f"EHLO {_HELO}")
            answer = wire.command("STARTTLS")
            if answer.code != 220:
                return session._replace(ended=f"STARTTLS was answered with {answer.code}")
        wire.begin_tls(contexts, server_name)
        wire.finish_tls()
        if security == "implicit_tls":
            wire.read_reply()
        session = _dialogue(wire, True, session._replace(reached=True))
    except Failure as failure:
        session = session._replace(ended=_why(failure))
    finally:
        wire.close()
    return session


def _dialogue(wire: Wire, greet: bool, session: Session) -> Session:
    """EHLO, MAIL without a login, a made-up login, QUIT."""
    if greet:
        wire.send(f"EHLO {_HELO}\r\n".encode())
    offered = capabilities(wire.read_reply().lines)
    session = session._replace(starttls_offered="STARTTLS" in offered, auth_offered="AUTH" in offered)
    # MAIL first: a login that is accepted (accept_any) would hide whether mail is taken without one.
    session = session._replace(mail_code=wire.command(f"MAIL FROM:<{_SENDER}>").code)
    if session.mail_code == 250:
        wire.command("RSET")
    made_up = base64.b64encode(f"\0{secrets.token_hex(8)}\0{secrets.token_hex(8)}".encode()).decode("ascii")
    session = session._replace(auth_code=wire.command(f"AUTH PLAIN {made_up}").code)
    wire.send(b"QUIT\r\n")
    return session


def _why(failure: Failure) -> str:
    text = {
        "closed": "the connection was closed",
        "reset": "the connection was reset",
        "timeout": "no answer in time",
        "plaintext": "the answer to the TLS handshake was cleartext",
        "tls_spoken": "TLS was spoken",
        "resolver": "the name was not found",
    }.get(failure.kind)
    detail = failure.facts.get("errno") or failure.facts.get("reason") or failure.facts.get("error")
    return (text or failure.kind) + (f" ({detail})" if detail else "")

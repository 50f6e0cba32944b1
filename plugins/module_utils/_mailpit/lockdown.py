# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What Mailpit lets a client do that does not do as its mode says: speak cleartext, log in before TLS, guess a password.

Real credentials are never used: the login is a random one. No message is sent, a transaction ends after MAIL.

Where a mark is to be left, Mailpit is given a message that it cannot read: it refuses that, keeps and relays nothing of it, and writes into
its log what it could not read. Whose log that is says which Mailpit was asked.
"""

from __future__ import annotations

import secrets
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import Unreachable, connect, in_words
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.proof import MADE_UP
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.dialogue import Dialogue
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import Reply, capabilities
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire

__all__ = ["Session", "observe", "violations"]

# How long a cleartext client waits for the greeting before it speaks first. A listener with implicit TLS never sends one.
_GREETING_SECONDS = 1.0
_HELO = "lockdown.invalid"
_SENDER = "lockdown@lockdown.invalid"
_RECIPIENT = "@lockdown.invalid"


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


class Mark(t.NamedTuple):
    """The name that logs in, and whether it is to be in Mailpit's log also where no login is refused."""

    name: str
    left_anyway: bool


def new_mark(left_anyway: bool = False) -> Mark:
    """One that nobody else has."""
    return Mark(MADE_UP + secrets.token_hex(8), left_anyway)


def observe(
    host: str, port: int, security: str, server_name: str, seconds: float, mark: t.Optional[Mark] = None
) -> tuple[Session, Session]:
    """
    A cleartext client's session, and one in TLS (``reached`` is false where ``security`` is cleartext).

    Takes at most ``seconds``. Raises Unreachable.
    """
    mark = mark or new_mark()
    deadline = Deadline(seconds)
    contexts = TLSContexts(False, None, "TLSv1.2")  # whether the certificate is right is what the gate looks at
    cleartext = _cleartext(connect(host, port, deadline), security, deadline, mark)
    if security == "cleartext":
        return cleartext, Session(False)
    if security != "implicit_tls" and not cleartext.reached:
        return cleartext, Session(False, ended=cleartext.ended)  # without a greeting there is no STARTTLS
    try:
        wire = connect(host, port, deadline)
    except Unreachable as error:  # it was there a moment ago: what was seen then still counts
        return cleartext, Session(False, ended=str(error))
    return cleartext, _encrypted(wire, security, contexts, server_name, mark)


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
    if session.starttls_offered is None:
        return [f"a cleartext client is turned away before it can say anything: {session.ended}"]
    found = []
    if security == "starttls":
        if session.mail_code != 530:
            found.append(f"MAIL before STARTTLS {_answered(session.mail_code, session)} instead of 530")
        if session.auth_code != 530:
            found.append(f"AUTH before STARTTLS {_answered(session.auth_code, session)} instead of 530")
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
        found.append(f"a made-up login {where} {_answered(session.auth_code, session)} instead of {wanted_auth}")
    wanted_mail = 530 if auth == "users" else 250
    if session.mail_code != wanted_mail:
        found.append(f"MAIL without a login {where} {_answered(session.mail_code, session)} instead of {wanted_mail}")
    return found


def _answered(code: int | None, session: Session) -> str:
    return f"is not answered ({session.ended})" if code is None else f"is answered with {code}"


def _cleartext(wire: Wire, security: str, deadline: Deadline, mark: Mark) -> Session:
    # An implicit TLS listener is silent until it has heard something. Three seconds of silence after our EHLO are an
    # answer too, and where that is the right answer, there must be time left for the session in TLS.
    seconds = _GREETING_SECONDS + 3
    wire.deadline = deadline.within(min(seconds, deadline.remaining() / 2) if security == "implicit_tls" else seconds)
    dialogue, session = Dialogue(wire, _HELO), Session(False)
    try:
        spoken = wire.readable(min(_GREETING_SECONDS, wire.deadline.remaining() / 2))
        if not spoken:
            wire.send(f"EHLO {_HELO}\r\n".encode())
        greeting = dialogue.greeting()
        session = session._replace(reached=True)
        if greeting.code != 220:
            return session._replace(ended=f"the greeting was {greeting.code}")
        return _tried(dialogue, dialogue.ehlo if spoken else wire.read_reply, session, _for(greeting, mark))
    except Failure as failure:
        return session._replace(ended=in_words(failure))
    finally:
        wire.close()


def _encrypted(wire: Wire, security: str, contexts: TLSContexts, server_name: str, mark: Mark) -> Session:
    dialogue, session = Dialogue(wire, _HELO), Session(False)
    try:
        if security != "implicit_tls":
            mark = _for(dialogue.greeting(), mark)
            dialogue.ehlo()
            answer = dialogue.starttls()
            if answer.code != 220:
                return session._replace(ended=f"STARTTLS was answered with {answer.code}")
        dialogue.begin_tls(contexts, server_name)
        dialogue.finish_tls()
        if security == "implicit_tls":
            mark = _for(dialogue.greeting(), mark)
        return _tried(dialogue, dialogue.ehlo, session._replace(reached=True), mark)
    except Failure as failure:
        return session._replace(ended=in_words(failure))
    finally:
        wire.close()


def _for(greeting: Reply, mark: Mark) -> Mark:
    """What is no Mailpit might keep the message."""
    return mark._replace(left_anyway=mark.left_anyway and any("Mailpit" in line for line in greeting.lines))


def _leave(dialogue: Dialogue, name: str) -> None:
    """Hand over what is no message: a line that is no header. Mailpit writes it, or the recipient that it does not take, into its log."""
    if dialogue.rcpt(name + _RECIPIENT).code == 250 and dialogue.data().code == 354:
        dialogue.message("{0} is no header\r\n".format(name).encode())


def _tried(dialogue: Dialogue, ehlo: t.Callable[[], Reply], session: Session, mark: Mark) -> Session:
    """EHLO, MAIL without a login, a made-up login, QUIT. What was seen before it broke off stays."""
    try:
        offered = capabilities(ehlo().lines)
        session = session._replace(starttls_offered="STARTTLS" in offered, auth_offered="AUTH" in offered)
        # MAIL first: a login that is accepted (accept_any) would hide whether mail is taken without one.
        session = session._replace(mail_code=dialogue.mail(_SENDER).code)
        if session.mail_code == 250:
            if mark.left_anyway:
                _leave(dialogue, mark.name)
            dialogue.rset()
        session = session._replace(auth_code=dialogue.auth("PLAIN", mark.name, secrets.token_hex(8), []).code)
    except Failure as failure:
        return session._replace(ended=in_words(failure))
    dialogue.quit()  # all was seen
    return session

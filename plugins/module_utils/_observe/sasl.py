# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AUTH command (RFC 4954) with the mechanisms that Python's standard library can do.

What they are called, what they show, and which is taken: mechanisms.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import typing as t

from .failure import Failure
from .printable import printable
from .redact import redact
from .reply import Reply
from .wire import Wire

__all__ = ("authenticate",)

_SCRAM_HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
# A hostile relay must not make us hash for ever; RFC 7677 asks for 4096 rounds and more.
_SCRAM_ROUNDS_LIMIT = 500000
_CHALLENGES_LIMIT = 6


def authenticate(wire: Wire, mechanism: str, username: str, password: str, sent: list[str]) -> Reply:
    """Run AUTH and return the relay's last reply, whatever it is. Raises Failure when the dialogue breaks.

    What was sent is masked in both: some relays repeat the line that they did not like. It is added to ``sent``, for
    what the relay says later.
    """
    try:
        reply = _dialogue(wire, mechanism, username.encode(), password.encode(), sent)
    except Failure as failure:
        failure.facts = redact(failure.facts, sent)
        raise
    return Reply(reply.code, redact(reply.lines, sent, spoken=True))


def _dialogue(wire: Wire, mechanism: str, username: bytes, password: bytes, sent: list[str]) -> Reply:
    steps = _STEPS[mechanism](mechanism, username, password)
    initial = next(steps)
    sent += _forms(initial, username)
    # An empty initial response is written "=" (RFC 4954 section 4).
    command = f"AUTH {mechanism}" if initial is None else f"AUTH {mechanism} {_encode(initial) or '='}"
    reply = wire.command(command)
    for _round in range(_CHALLENGES_LIMIT):
        if reply.code != 334:
            return reply
        try:
            answer = steps.send(_decode(reply.lines[0]))
        except (StopIteration, ValueError):
            return wire.command("*")  # cancel (RFC 4954 section 4)
        sent += _forms(answer, username)
        reply = wire.command(_encode(answer or b""))
    return reply


def _forms(answer: bytes | None, username: bytes) -> list[str]:
    """An answer as a relay may repeat it.

    As it travels, decoded, and its long parts (digest of CRAM-MD5, proof of SCRAM).
    """
    if not answer or answer == username:
        return []
    parts = [part for part in re.split(rb"[ ,\0\x01]", answer) if len(part) >= 20]
    return [_encode(answer), *(printable(part) for part in (answer, *parts))]


_Steps = t.Generator[t.Optional[bytes], bytes, None]


def _plain(_mechanism: str, username: bytes, password: bytes) -> _Steps:
    """RFC 4616."""
    yield b"\0" + username + b"\0" + password


def _login(_mechanism: str, username: bytes, password: bytes) -> _Steps:
    yield None
    yield username
    yield password


def _cram_md5(_mechanism: str, username: bytes, password: bytes) -> _Steps:
    """RFC 2195."""
    challenge = yield None
    yield username + b" " + hmac.new(password, challenge, "md5").hexdigest().encode()


def _xoauth2(_mechanism: str, username: bytes, password: bytes) -> _Steps:
    """The password is the access token. An error comes as a challenge, answered with nothing."""
    yield b"user=" + username + b"\x01auth=Bearer " + password + b"\x01\x01"
    yield b""


def _scram(mechanism: str, username: bytes, password: bytes) -> _Steps:
    """RFC 5802 and RFC 7677, without channel binding. Raises ValueError when the relay's messages are not sound."""
    digest = _SCRAM_HASHES[mechanism]
    nonce = base64.b64encode(os.urandom(18))
    name = username.replace(b"=", b"=3D").replace(b",", b"=2C")
    first_bare = b"n=" + name + b",r=" + nonce
    server_first = yield b"n,," + first_bare
    fields = dict(part.split(b"=", 1) for part in server_first.split(b",") if b"=" in part)
    rounds = int(fields[b"i"]) if fields.get(b"i", b"").isdigit() else 0
    if not fields.get(b"r", b"").startswith(nonce) or not 0 < rounds <= _SCRAM_ROUNDS_LIMIT:
        raise ValueError("unsound SCRAM challenge")
    salted = hashlib.pbkdf2_hmac(digest, password, base64.b64decode(fields.get(b"s", b""), validate=True), rounds)
    final_bare = b"c=biws,r=" + fields[b"r"]
    message = first_bare + b"," + server_first + b"," + final_bare
    client_key = hmac.new(salted, b"Client Key", digest).digest()
    signature = hmac.new(hashlib.new(digest, client_key).digest(), message, digest).digest()
    proof = bytes(left ^ right for left, right in zip(client_key, signature))
    server_final = yield final_bare + b",p=" + base64.b64encode(proof)
    server_key = hmac.new(salted, b"Server Key", digest).digest()
    expected = base64.b64encode(hmac.new(server_key, message, digest).digest())
    if server_final.startswith(b"v=") and not hmac.compare_digest(server_final[2:], expected):
        raise ValueError("the relay does not know the password either")
    yield b""


_STEPS: dict[str, t.Callable[[str, bytes, bytes], _Steps]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
    "SCRAM-SHA-1": _scram,
    "SCRAM-SHA-256": _scram,
}


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    """A challenge; LOGIN's prompts of some relays are not base64, and nobody needs their content."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return text.encode()

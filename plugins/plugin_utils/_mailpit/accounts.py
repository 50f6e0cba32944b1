# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Mailpit's password files: one ``name:hash`` a line and nothing else.

Mailpit splits the file at any white space and takes every piece with a colon for an account, so a comment such as
"written at 12:30" would become the user ``12``. A later line of the same name replaces the earlier one: a name has one password.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import re
import secrets
import threading
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.proof import MADE_UP
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

__all__ = ["Hasher", "bcrypt_hasher", "check_users", "render_password_file"]

# 2**10 rounds: some 50 ms per login and per check here. Mailpit hashes at every AUTH, on a staging host.
COST = 10
# bcrypt reads no further; Go and Python disagree on what to do with a longer password.
MAX_BYTES = 72
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")

# (password, setting) -> hash. The setting is a salt, or a whole hash when a password is checked against it.
Hasher = t.Callable[[bytes, str], str]

_crypt_lock = threading.Lock()


def bcrypt_hasher() -> Hasher:
    """
    bcrypt from the package ``bcrypt`` or, where that is missing, from the system's libcrypt.

    Raises MailpitRefusal when this controller has neither.
    """
    try:
        import bcrypt
    except ImportError:
        pass
    else:
        return lambda password, setting: bcrypt.hashpw(password, setting.encode("ascii")).decode("ascii")
    hasher = _libcrypt_hasher()
    if hasher is None:
        raise MailpitRefusal(
            "this controller has no bcrypt: install the Python package bcrypt beside ansible-core (pip install bcrypt)"
        )
    return hasher


def _libcrypt_hasher() -> Hasher | None:
    """crypt(3) of libxcrypt, which knows bcrypt; glibc's old libcrypt and macOS's do not, and are recognised by their answer."""
    name = ctypes.util.find_library("crypt") or "libcrypt.so.1"
    try:
        crypt = ctypes.CDLL(name).crypt
    except (OSError, AttributeError):
        return None
    crypt.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    crypt.restype = ctypes.c_char_p

    def hasher(password: bytes, setting: str) -> str:
        with _crypt_lock:  # crypt(3) answers in a static buffer
            return (crypt(password, setting.encode("ascii")) or b"").decode("ascii", "replace")

    return hasher if _BCRYPT.fullmatch(hasher(b"probe", "$2b$04$" + "." * 22)) else None


def check_users(option: str, users: t.Any) -> None:
    """Refuse accounts that Mailpit would read differently from how they are written. The sentence never holds a password."""
    if not isinstance(users, list):
        raise MailpitRefusal(f"{option} must be a list of entries with name and password")
    seen = set()
    for number, user in enumerate(users, start=1):
        if (
            not isinstance(user, t.Mapping)
            or set(user) - {"name", "password"}
            or not user.get("name")
            or not user.get("password")
        ):
            raise MailpitRefusal(f"entry {number} of {option} must have a name and a password, and nothing else")
        name, password = user["name"], user["password"]
        if not isinstance(name, str) or re.search(r"[\s:\x00-\x1f\x7f]", name):
            raise MailpitRefusal(
                f"{option} holds the name {name!r}: Mailpit's password file has no place for blanks or colons in a name, so write it without"
            )
        if name.startswith(MADE_UP):
            raise MailpitRefusal(
                f"{option} holds {name}: names that begin with {MADE_UP} are those that the proof makes up, so write another one"
            )
        if name in seen:
            raise MailpitRefusal(
                f"{option} holds {name} twice, and Mailpit knows one password per name: give the second one a name of its own"
            )
        seen.add(name)
        if not isinstance(password, str):
            raise MailpitRefusal(f"the password of {name} in {option} is not text: put it in quotes")
        if "\x00" in password or len(password.encode()) > MAX_BYTES:
            raise MailpitRefusal(
                f"the password of {name} in {option} must be at most {MAX_BYTES} bytes without a NUL: bcrypt reads no further"
            )


def render_password_file(
    users: t.Sequence[t.Mapping[str, str]], existing: str = "", keep_others: bool = False, hasher: Hasher | None = None
) -> str:
    """
    The whole text of a password file for ``users`` (checked by check_users).

    A hash of ``existing`` that still fits its password is kept, so that nothing changes where nothing did.
    ``keep_others`` keeps the accounts that ``users`` does not name, for the time of a rotation. Then a changed password of
    a name that is already there is refused: the hosts that still send the old one would be locked out.
    Raises MailpitRefusal then, and when there is no bcrypt.
    """
    hasher = hasher or bcrypt_hasher()
    before = _accounts(existing)
    wanted: dict[str, str] = {}
    for user in users:
        name, password = user["name"], user["password"].encode()
        old = before.get(name)
        if old and hmac.compare_digest(hasher(password, old), old):
            wanted[name] = old
        elif old and keep_others:
            raise MailpitRefusal(
                f"{name} has another password in Mailpit's file, which knows one password per name: "
                "rotate to a new name, so that the old pair works until every app has the new one"
            )
        else:
            wanted[name] = _new_hash(password, hasher)
    if keep_others:
        wanted = {**{name: encoded for name, encoded in before.items() if name not in wanted}, **wanted}
    return "".join(f"{name}:{encoded}\n" for name, encoded in wanted.items())


def _accounts(text: str) -> dict[str, str]:
    """The bcrypt accounts of a password file; whatever else stands there is not ours to keep."""
    pairs = (piece.split(":", 1) for piece in text.split() if ":" in piece)
    return {name: encoded for name, encoded in pairs if _BCRYPT.fullmatch(encoded)}


def _new_hash(password: bytes, hasher: Hasher) -> str:
    # 22 characters hold 132 bits, of which bcrypt uses 128: the last one must be one of four.
    salt = "".join(secrets.choice(_ALPHABET) for _unused in range(21)) + secrets.choice(".Oeu")
    encoded = hasher(password, f"$2b${COST:02d}${salt}")
    if not _BCRYPT.fullmatch(encoded):
        raise MailpitRefusal(
            "this controller's bcrypt gave no usable hash: install the Python package bcrypt beside ansible-core (pip install bcrypt)"
        )
    return encoded

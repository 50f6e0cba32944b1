# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a password may show where it must not."""

from __future__ import annotations

import hashlib
import hmac
import json
import quopri
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

__all__ = ["forms", "leaks_of"]


def forms(user: str, password: str) -> list[str]:
    """Every form in which a password may travel or show: as it is, encoded, in an AUTH exchange, inside something longer that is base64."""
    raw = password.encode()
    found = [password, json.dumps(password)[1:-1], repr(password)[1:-1], quote(password), quote(password, safe="")]
    found += [quopri.encodestring(raw).decode().strip(), raw.hex()]
    for plain in (
        raw,
        f"\0{user}\0{password}".encode(),
        f"{user}\0{user}\0{password}".encode(),
        f"{user}:{password}".encode(),
    ):
        found.append(b64encode(plain).decode().rstrip("="))
    # Inside a longer text base64 falls into one of three steps; the first and last characters depend on the neighbours.
    found += [b64encode(b"x" * step + raw).decode()[4 if step else 0 :].rstrip("=")[:-2] for step in range(3)]
    # CRAM-MD5 (RFC 2195) with the challenge of the lab's scripted server, which is always the same.
    digest = hmac.new(raw, b"<1896.697170952@faulty.test>", hashlib.md5).hexdigest()
    found += [digest, b64encode(f"{user} {digest}".encode()).decode()]
    return [form for form in dict.fromkeys(found) if len(form) > 7]


def leaks_of(secrets: Iterable[str], text: str) -> list[str]:
    """The places where one of these stands."""
    return [text[max(0, at - 60) : at + len(form) + 20] for form in sorted(secrets) if (at := text.find(form)) >= 0]

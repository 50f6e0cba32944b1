# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a password, and every form in which it travels, out of what a relay echoes."""

from __future__ import annotations

import base64
import typing as t

from .printable import printable

__all__ = ("redact", "secret_forms")

_MASK = "********"
# The keys of the evidence under which a relay's own words stand.
_SPOKEN = ("text", "lines", "partial", "offered")
# A long line is cut where it is kept; from here on a form may have lost its end.
_CUT, _CUT_FORM = 80, 6


def secret_forms(username: str, password: str) -> list[str]:
    """The password as it may be echoed: plain, base64 of LOGIN and PLAIN (any alignment), quoted-printable, percent-encoded."""
    from urllib.parse import quote  # only a login needs it, and it costs every other call some milliseconds

    secret = password.encode()
    forms = {password, printable(secret), quote(password, safe=""), "".join(f"={byte:02X}" for byte in secret)}
    forms.add("".join(chr(byte) if 33 <= byte <= 126 and byte != 61 else f"={byte:02X}" for byte in secret))
    forms.add(base64.b64encode(f"\0{username}\0{password}".encode()).decode())
    for lead in range(3):
        # Base64 of anything that holds the password has it in one of three alignments; the edges depend on the neighbours.
        encoded = base64.b64encode(b"\0" * lead + secret).decode().rstrip("=")
        whole = encoded[-(-lead * 4 // 3) if lead else 0:]
        tail = (lead + len(secret)) % 3
        core = whole[:-1] if tail else whole
        if len(core) >= 6:
            forms.add(core)
    forms.add(base64.b64encode(secret).decode())
    return sorted((form for form in forms if form), key=len, reverse=True)


def redact(found: t.Any, forms: list[str], spoken: bool = False) -> t.Any:
    """The same evidence with every form replaced in what the relay said; facts of our own (codes, chains) stay as they are."""
    if isinstance(found, str):
        if spoken:
            for form in forms:
                found = _without(found, form)
        return found
    if isinstance(found, dict):
        return {key: redact(value, forms, spoken or key in _SPOKEN) for key, value in found.items()}
    if isinstance(found, list):
        return [redact(value, forms, spoken) for value in found]
    return found


def _without(text: str, form: str) -> str:
    text = text.replace(form, _MASK)
    if len(text) >= _CUT:
        for size in range(min(len(form), len(text)), _CUT_FORM - 1, -1):
            if text.endswith(form[:size]):
                return text[:-size] + _MASK
    return text

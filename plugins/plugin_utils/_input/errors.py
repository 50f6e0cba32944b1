# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what a user wrote: one sentence that names the option and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable

__all__ = ("SettingsError", "listed", "nearest", "show", "unknown_options", "without_login")

# What other programs call these options.
_ALIASES = {
    "user": "username",
    "pass": "password",
    "from": "sender",
    "no_reply": "sender",
    "tls_reject_unauthorized": "validate_certs",
}


class SettingsError(ValueError):
    """Input that cannot work, found without sending a packet.

    ``option`` is the name of the option as the user wrote it, ``cause`` is
    ``invalid_settings`` or ``mode_mismatch``; the text of the error is one sentence.
    """

    def __init__(self, message: str, option: str, cause: str = "invalid_settings") -> None:
        super().__init__(message)
        self.option = option
        self.cause = cause


def show(value: object) -> str:
    """A value in quotes, printable and not too long. A URL is shown without the login in it, wherever it was written by mistake."""
    text = printable(re.sub(r"(?s)(://).*@", r"\1********@", str(value)).encode("utf-8", "backslashreplace"))
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def without_login(host: str) -> str:
    """What stands where the name of a relay belongs, without the login and the parameters of a URL."""
    host = re.sub(r"(?s)^([A-Za-z][\w+.-]*:/*)?.*@", r"\1********@", host)
    return re.sub(r"(?s)(://[^?]*\?).*", r"\1********", host)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The option that was probably meant."""
    plain = re.sub(r"^(smtp_|mail_|email_)", "", name)
    plain = _ALIASES.get(plain, plain)
    if plain in known:
        return plain
    begun = [one for one in known if plain and one.startswith(f"{plain}_")]
    return begun[0] if len(begun) == 1 else next(iter(difflib.get_close_matches(plain, known, 1)), None)


def unknown_options(names: Sequence[str], known: Sequence[str], prefix: str = "") -> SettingsError:
    """The error for options that do not exist, all of them in one sentence; ``prefix`` is put in front of their names ("endpoints[0].")."""
    shown = [
        f"{prefix}{printable(name.encode('utf-8', 'backslashreplace'))}" if name.strip() else show(f"{prefix}{name}")
        for name in names
    ]
    near = [nearest(name, known) for name in names]
    advice = f"write {listed([str(one) for one in near])}" if all(near) else f"write one of {', '.join(known)}"
    what = "is not an option" if len(shown) == 1 else "are not options"
    return SettingsError(f"{listed(shown)} {what}; {advice}.", shown[0])


def listed(words: Sequence[str]) -> str:
    """Words as people list them: a, b and c. Each stands there once."""
    words = list(dict.fromkeys(words))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

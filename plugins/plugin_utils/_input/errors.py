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

# "password=x", "api_key: x" and the like, to the end: where such a value ends nobody knows.
_NAMED_SECRET = re.compile(r"(?is)((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_ ]?key)['\"]?\s*[=:]\s*)(?=\S).+")
# What other programs call these options.
_ALIASES = {
    "user": "username",
    "login": "username",
    "pass": "password",
    "from": "sender",
    "no_reply": "sender",
    "to": "recipients",
    "cc": "recipients",
    "bcc": "recipients",
    "message": "body",
    "hostname": "host",
    "server": "host",
    "address": "host",
    "ssl": "security",
    "tls": "security",
    "starttls": "security",
    "mode": "security",
    "encryption": "security",
    "verify": "validate_certs",
    "insecure": "validate_certs",
    "tls_reject_unauthorized": "validate_certs",
    "ca_file": "ca_path",
    "cafile": "ca_path",
    "ca_cert": "ca_path",
    "cacert": "ca_path",
    "sni": "server_name",
    "tls_version": "minimum_tls_version",
    "min_tls": "minimum_tls_version",
    "min_tls_version": "minimum_tls_version",
    "auth_type": "auth_mechanism",
    "authentication": "auth_mechanism",
    "ehlo": "helo_name",
    "ip": "ip_version",
    "ipv4": "ip_version",
    "ipv6": "ip_version",
    "bind": "source_address",
    "bind_address": "source_address",
    "check_auth": "check_credentials",
    "check_login": "check_credentials",
    "require_auth": "login_required",
    "auth_required": "login_required",
    "require_login": "login_required",
}
# What there is no option for, and what to do instead.
_ABSENT = {
    "client_cert": "a certificate of the client cannot be given; take a port of the relay that takes a login",
    "client_key": "a certificate of the client cannot be given; take a port of the relay that takes a login",
    "proxy": "the host connects by itself, as its apps do; leave it out",
    "socks": "the host connects by itself, as its apps do; leave it out",
    "retries": "one try is made within timeout; use until and retries of the task",
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
    """A value in quotes, printable and not too long. What names a password, and the login of a URL, is shown without it, wherever it
    was written by mistake.
    """
    text = _NAMED_SECRET.sub(r"\1********", re.sub(r"(?s)(://).*@", r"\1********@", str(value)))
    text = printable(text.encode("utf-8", "backslashreplace"))
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def without_login(host: str) -> str:
    """What stands where the name of a relay belongs, without the login and the parameters of a URL."""
    host = re.sub(r"(?s)^([A-Za-z][\w+.-]*:/*)?.*@", r"\1********@", host)
    return re.sub(r"(?s)(://[^?]*\?).*", r"\1********", host)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The option that was probably meant."""
    plain = re.sub(r"^(smtp_|mail_|email_)", "", name)
    plain = _ALIASES.get(plain, plain) if plain not in known and _ALIASES.get(plain) in known else plain
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
    absent = [words for key, words in _ABSENT.items() if re.fullmatch(rf"(smtp_|tls_)?{key}\w*", names[0])]
    if absent and len(names) == 1 and names[0] not in known:
        advice = absent[0]
    what = "is not an option" if len(shown) == 1 else "are not options"
    return SettingsError(f"{listed(shown)} {what}; {advice}.", shown[0])


def listed(words: Sequence[str]) -> str:
    """Words as people list them: a, b and c. Each stands there once."""
    words = list(dict.fromkeys(words))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

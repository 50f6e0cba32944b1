# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A model of Mailpit's own rules, measured on 1.21.7, 1.27.11, 1.30.5 and 1.31.0 with every combination of its flags.

``refusal_of`` says what Mailpit refuses, ``effect_of`` what a client meets when it does start.
"""

from __future__ import annotations

import dataclasses

__all__ = ["AUTHS", "SECURITIES", "Effect", "Flags", "MailpitRefusal", "effect_of", "refusal_of"]

SECURITIES = ("implicit_tls", "starttls", "opportunistic", "cleartext")
AUTHS = ("none", "users", "accept_any")


class MailpitRefusal(ValueError):
    """What was asked for cannot work, or would not do what it is called. The text is one sentence with the setting to change."""


@dataclasses.dataclass(frozen=True)
class Flags:
    """The flags of Mailpit's SMTP server that decide how a session is protected. ``auth_file`` means one that holds an account."""

    cert: bool = False
    key: bool = False
    require_tls: bool = False
    require_starttls: bool = False
    auth_file: bool = False
    inline_auth: bool = False
    allow_insecure: bool = False
    accept_any: bool = False


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a client meets: the mode, who may log in, and whether a password is taken outside TLS."""

    security: str
    auth: str
    cleartext_auth: bool


def refusal_of(flags: Flags) -> str | None:
    """
    Why Mailpit would not start with these flags, in our words, or None.

    The order is Mailpit's own, so that the first reason given here is the one that it would give.
    """
    if flags.cert != flags.key:
        missing = "key" if flags.cert else "certificate"
        return f"Mailpit needs a certificate and its key, and here the {missing} is missing: give both, or set mailpit_certificate to own_ca"
    if flags.require_tls and not flags.cert:
        return "TLS cannot be required without a certificate: set mailpit_certificate to own_ca, self_signed or files, or mailpit_security to cleartext"
    if flags.require_starttls and not flags.cert:
        return "STARTTLS cannot be required without a certificate: set mailpit_certificate to own_ca, self_signed or files, or mailpit_security to cleartext"
    if (flags.require_tls or flags.require_starttls) and flags.allow_insecure:
        return "passwords cannot be allowed outside TLS where TLS is required: set mailpit_auth_allow_cleartext to false, or mailpit_security to opportunistic"
    if flags.require_tls and flags.require_starttls:
        return (
            "one port speaks either implicit TLS or STARTTLS: set mailpit_security to one of implicit_tls and starttls"
        )
    if (flags.auth_file or flags.inline_auth) and flags.accept_any:
        return "Mailpit either knows its users or accepts any login: set mailpit_auth to one of users and accept_any"
    if (flags.auth_file or flags.inline_auth or flags.accept_any) and not flags.cert and not flags.allow_insecure:
        return "logins need TLS: set mailpit_security to implicit_tls or starttls, or choose cleartext passwords by name with mailpit_security: cleartext"
    return None


def effect_of(flags: Flags) -> Effect:
    """What a client meets when Mailpit runs with these flags. Raises MailpitRefusal when it would not start."""
    refused = refusal_of(flags)
    if refused:
        raise MailpitRefusal(refused)
    auth = "users" if flags.auth_file or flags.inline_auth else "accept_any" if flags.accept_any else "none"
    if flags.require_tls:
        return Effect("implicit_tls", auth, False)
    # A password file turns STARTTLS on by itself; inline credentials and accept-any do not.
    if flags.require_starttls or (flags.auth_file and not flags.allow_insecure):
        return Effect("starttls", auth, False)
    return Effect("opportunistic" if flags.cert else "cleartext", auth, auth != "none")

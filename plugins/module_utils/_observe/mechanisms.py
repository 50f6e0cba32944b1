# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SASL mechanisms that there are here, and which of those that a relay offers is taken.

How each is spoken: sasl.py.
"""

from __future__ import annotations

import typing as t

from .failure import Failure

__all__ = ("MECHANISMS", "READABLE", "TOKENS", "can_log_in", "choose_mechanism")

# Under TLS the plain ones first: every backend has them, while CRAM-MD5 and SCRAM need a password database of their
# own.
_UNDER_TLS = ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5")
# In cleartext, those first that do not show the password.
_IN_CLEARTEXT = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")
# What can be asked for by name. Without a name XOAUTH2 is not taken: it wants a token and not a password.
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2")
# Of these, those that want a token and no password; of all that a relay may offer, those that show it to whoever reads along.
TOKENS = ("XOAUTH2",)
READABLE = ("PLAIN", "LOGIN", *TOKENS, "OAUTHBEARER")


def choose_mechanism(offered: list[str], wanted: str | None, tls: bool) -> str:
    """The mechanism to use. Raises Failure (missing, with ``what``) when nothing fits."""
    names = [name.upper() for name in offered]
    if wanted is not None:
        if wanted not in names:
            raise Failure("missing", what="mechanism", wanted=wanted, offered=names)
        return wanted
    for name in _UNDER_TLS if tls else _IN_CLEARTEXT:
        if name in names:
            return name
    raise Failure("missing", what="mechanism", wanted=None, offered=names)


def can_log_in(capabilities: t.Mapping[str, list[str]], wanted: str | None, tls: bool) -> bool:
    """Whether EHLO offers a login with the wanted mechanism, or with any that we can do."""
    try:
        choose_mechanism(capabilities.get("AUTH", []), wanted, tls)
    except Failure:
        return False
    return True

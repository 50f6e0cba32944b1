# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nobody else could be become on a host, in one sentence: what sudo, su and doas say, and Ansible of them."""

from __future__ import annotations

import re

__all__ = ("become_failure",)

_INSTEAD = (
    "set become: false (in the audit mail_audit_become: false); what the user who logs in may not read is named then"
)
_REASONS = (
    (
        r"missing (\w+) password|(\w+): a password is required",
        "{method} wants a password on this host; give it with -K or ansible_become_password, or {instead}",
    ),
    (
        r"incorrect (\w+) password",
        "{method} does not take the password on this host; correct ansible_become_password, or {instead}",
    ),
    (
        r"is not in the (sudo)ers|is not allowed to (?:run|execute)|may not run (sudo)|(doas): operation not permitted",
        "the user who logs in may not use {method} on this host; have it permitted, or {instead}",
    ),
    (
        r"\b(sudo|su|doas|runuser|pbrun|dzdo|ksu)\b[^:]*: (?:command )?not found|\b(sudo|su|doas|\w*sudo)['\"]?: no such file",
        "{method} is not there on this host; name another ansible_become_method, or {instead}",
    ),
    (
        r"waiting for privilege escalation prompt",
        "{method} does not answer on this host; give ansible_become_password, name another ansible_become_method, or {instead}",
    ),
)


def become_failure(said: str, method: str = "") -> str | None:
    """A sentence for what was said instead of a result, without its full stop; None where it is about something else."""
    for pattern, sentence in _REASONS:
        found = re.search(pattern, said, re.IGNORECASE)
        if found is not None:
            named = next((one for one in found.groups() if one), "") or method or "become"
            return sentence.format(method=named, instead=_INSTEAD)
    return None

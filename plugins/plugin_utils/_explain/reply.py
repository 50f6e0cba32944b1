# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reply of a relay and what its words mean beyond the code: for the verdict of a probe, from the tables that the logs are read with."""

from __future__ import annotations

import typing as t

from .provider_texts import provider_text
from .spelling import fold, one_line

__all__ = ("Hint", "explain_reply")


class Hint(t.NamedTuple):
    """What a provider's own words mean. ``message`` is one sentence to append, ``remedy`` replaces that of the cause's row."""

    provider: str
    cause: str
    variant: str
    message: str
    remedy: str


def explain_reply(code: int, text: str, stage: str, who: str | None = None) -> Hint | None:
    """What this reply of a relay means beyond its code, where the words are known: a provider's policy, an app password, a tenant's switch.

    Takes the reply code, the reply's words (with or without the enhanced status code) and the stage of the dialogue: greeting,
    ehlo, starttls, auth, mail, rcpt or data; ``who`` is the relay's host and greeting, where they are known: words that
    anybody may use are a provider's only there. Returns None where the row of the cause says it as well. Raises nothing.
    """
    row = provider_text(fold(one_line(f"{code} {text}")), stage, None if who is None else who.lower())
    if row is None:
        return None
    return Hint(row.provider, row.cause, row.variant, row.message, row.remedy)

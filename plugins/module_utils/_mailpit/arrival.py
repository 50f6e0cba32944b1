# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the wanted messages have come: the wait, what is in them, and a sentence about it, under one deadline."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import details
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Found, Wanted, wait_for
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.shown import Shown
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline

__all__ = ["Asked", "look"]

# Headers, content and checks cost requests of their own for each message.
_DETAILS_OF = 20
_NEWEST_SHOWN = 5


class Asked(t.NamedTuple):
    """What a look is to find, and what to read of it. ``timeout`` in seconds, ``checks`` of details.CHECKS."""

    wanted: Wanted
    number: int = 1
    content: bool = False
    checks: t.Sequence[str] = ()
    timeout: float = 15.0


def look(api: Api, asked: Asked, begin: float) -> dict[str, t.Any]:
    """
    ``found``, ``message`` and ``msg``, ``messages``, ``newest`` and ``total`` as the module returns them.

    Takes at most ``timeout`` from the monotonic time ``begin``. What goes wrong is said in the sentence, never raised.
    """
    deadline = Deadline(asked.timeout - (time.monotonic() - begin))
    kept = min(10.0, asked.timeout / 4) if asked.content or asked.checks else min(1.0, asked.timeout / 10)
    found = Found([], [], None)
    try:
        found, trouble = wait_for(api, asked.wanted, asked.number, deadline.within(deadline.remaining() - kept))
    except ApiError as error:
        trouble = str(error)
    unread: dict[str, t.Any] = {"received_headers": [], "content": None, "checks": None}
    messages = [{**message.as_result(api.shown), **unread} for message in found.messages]
    enough = len(messages) >= asked.number
    sentence = _describe(asked.wanted, len(messages), api.shown)
    if trouble is not None:
        sentence = f"{sentence}; the others could not be seen: {trouble}" if messages else trouble
    elif not enough:
        wished = f" where {asked.number} were to be" if asked.number > 1 else ""
        sentence += f"{wished} at {api.url} after {time.monotonic() - begin:.0f} seconds"
        sentence += _instead(asked.wanted, found, api.shown)
    try:
        for entry, message in zip(messages[:_DETAILS_OF], found.messages):
            _read(api, message.id, asked, entry, deadline)
    except ApiError as error:
        sentence += f"; not all of what is in them could be read: {error}"
    newest = [] if enough else [message.as_result(api.shown) for message in found.newest[:_NEWEST_SHOWN]]
    result = {"found": enough, "message": sentence, "msg": sentence, "total": found.total}
    return {**result, "messages": messages, "newest": newest}


def _read(api: Api, identifier: str, asked: Asked, entry: dict[str, t.Any], deadline: Deadline) -> None:
    """Put into ``entry`` what stands in one message, as far as it is asked for. Raises ApiError."""
    headers = details.headers(api, identifier, deadline)
    received = [header["values"] for header in headers if header["name"] == "Received"]
    entry["received_headers"] = received[0] if received else []
    if asked.content:
        entry["content"] = {**details.content(api, identifier, deadline), "headers": headers}
    if asked.checks:
        entry["checks"] = {}
        for name in asked.checks:
            entry["checks"][name] = details.check(api, identifier, name, deadline)


def _describe(wanted: Wanted, found: int, shown: Shown) -> str:
    """What was looked for and how many there are, as a sentence."""
    parts = []
    if wanted.message_id is not None:
        parts.append(f"with the id {wanted.message_id}")
    if wanted.subject is not None:
        parts.append(f"with the subject '{wanted.subject}'" if wanted.subject else "without a subject")
    if wanted.sender is not None:
        parts.append(f"from {wanted.sender}")
    if wanted.recipients:
        parts.append(f"to {', '.join(wanted.recipients)}")
    if wanted.username is not None:
        parts.append(f"sent as {wanted.username}")
    number = f"{found} messages" if found > 1 else f"{found or 'no'} message"
    return shown.text(" ".join([number, *parts, "are" if found > 1 else "is", "in Mailpit"]), 2000)


def _instead(wanted: Wanted, found: Found, shown: Shown) -> str:
    """What is there instead, as the end of a sentence: of the newest messages those most like the wanted ones."""
    if not found.newest:
        return "; it holds no message at all"
    nearest = sorted(found.newest, key=wanted.misses)[:3]
    texts = [
        f"'{one.subject[:200]}' from {(one.sender or 'nobody')[:200]} to {', '.join(one.recipients[:5])[:500] or 'nobody'}"
        for one in nearest
    ]
    total = found.total or len(found.newest)
    return f"; {total} {'is' if total == 1 else 'are'} there, among them: {shown.text('; '.join(texts), 3000)}"

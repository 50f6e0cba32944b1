# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of Mailpit's: which ones are wanted, how they are searched for, and waiting for them."""

from __future__ import annotations

import re
import time
import typing as t
from urllib.parse import urlencode

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.shown import Shown
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline

__all__ = ["Found", "Message", "Wanted", "wait_for"]

_PAGE = 200
_POLL_SECONDS = 0.25
# Of the newest messages, to say what came instead.
_NEWEST = 20
# Nobody's staging has as many; a server that never comes to an end is left here.
_WALK_LIMIT = 100_000
_RECIPIENTS_SHOWN = 200
# Parts of a subject that can be searched for as they are: no quote, which cannot be escaped, and only text.
_SUBJECT_PART = re.compile('[^"\x00-\x1f\x7f\ud800-\udfff]+')
# Mailpit keeps addresses as JSON and cleans what is searched for in them: these characters are the same on both sides.
_ADDRESS_PART = re.compile(r"[A-Za-z0-9@._+=#/~-]+")
_PART_LIMIT = 100


class Message(t.NamedTuple):
    """A summary as Mailpit gives it. Texts are as they came: not yet fit to be shown."""

    id: str
    message_id: str
    subject: str
    sender: t.Optional[str]
    recipients: t.List[str]
    received_at: str
    size: t.Optional[int]
    username: t.Optional[str]
    tags: t.List[str]
    snippet: str

    def as_result(self, shown: Shown) -> dict[str, t.Any]:
        """The message as the module returns it."""
        result: dict[str, t.Any] = {}
        for name, value in self._asdict().items():
            if isinstance(value, str):
                result[name] = shown.text(value)
            elif isinstance(value, list):
                result[name] = [shown.text(entry) for entry in value[:_RECIPIENTS_SHOWN]]
            else:
                result[name] = value
        return result


class Wanted(t.NamedTuple):
    """Which messages count. None is whatever; all ``recipients`` must be among those of the message, in any case."""

    subject: t.Optional[str] = None
    recipients: t.Sequence[str] = ()
    sender: t.Optional[str] = None
    message_id: t.Optional[str] = None
    username: t.Optional[str] = None

    def misses(self, message: Message) -> int:
        """In how many of the things asked for a message differs; none when it is wanted."""
        held = {_same(address) for address in message.recipients}
        return sum(
            [
                # RFC 5322, section 2.2: what stands around a subject does not count, and Mailpit takes it away.
                self.subject is not None and message.subject.strip() != self.subject.strip(),
                self.sender is not None and _same(message.sender or "") != _same(self.sender),
                self.message_id is not None and message.message_id != self.message_id.strip().strip("<>"),
                self.username is not None and message.username != self.username,
                any(_same(address) not in held for address in self.recipients),
            ]
        )

    def query(self) -> str:
        """
        A search of Mailpit's that finds at least these messages; empty for all.

        Its words are all looked for, each anywhere in its field; the exact comparison is done here.
        What cannot be searched for (a quote, an empty subject, a login) is left out.
        """
        words = [("message-id", self.message_id or "", _ADDRESS_PART)]
        words += [("from", _searchable(self.sender or ""), _ADDRESS_PART)]
        words += [("addressed", _searchable(address), _ADDRESS_PART) for address in self.recipients[:5]]
        terms = []
        for word, value, part in words:
            terms += [f'{word}:"{found}"' for found in _longest(part, value, 1)]
        terms += [f'subject:"{found}"' for found in _longest(_SUBJECT_PART, self.subject or "", 3)]
        return " ".join(terms)


class Found(t.NamedTuple):
    """What a look at Mailpit gave: the wanted messages, newest first; else the newest of all, and their number."""

    messages: t.List[Message]
    newest: t.List[Message]
    total: t.Optional[int]


def _same(address: str) -> str:
    """An address as it is compared: without case, a quoted local part without its quotes, the domain in A-labels."""
    local, at, domain = address.strip().lower().rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            pass
    return local + at + domain


def _searchable(address: str) -> str:
    """What of an address is the same in every spelling: its local part alone where the domain has two."""
    local, _at, domain = address.rpartition("@")
    return local if not domain.isascii() or "xn--" in domain.lower() else address


def _longest(part: re.Pattern[str], value: str, count: int) -> list[str]:
    found = [piece.strip()[:_PART_LIMIT].strip() for piece in part.findall(value)]
    return sorted((piece for piece in found if piece), key=len, reverse=True)[:count]


def wait_for(api: Api, wanted: Wanted, count: int, deadline: Deadline) -> tuple[Found, str | None]:
    """
    The wanted messages as soon as there are ``count``, else what is there when the time is over.

    The second value says why nothing, or not all, could be seen, when that was so. Raises ApiError for what waiting will
    not change.
    """
    found = Found([], [], None)
    trouble: str | None = None
    seen, narrow, asked = False, True, False
    while True:
        begin = time.monotonic()
        fitting: dict[str, Message] = {}
        try:
            found, narrow = _look(api, wanted, count, narrow, fitting, deadline)
            trouble, seen = None, True
            if not asked and narrow and len(found.messages) < count:
                narrow, asked = _knows_words(api, wanted, deadline), True
        except ApiError as error:
            if error.final:
                raise
            if len(fitting) > len(found.messages):
                found = found._replace(messages=list(fitting.values()))
            # Only the end of the time, which cut off one more look, is no trouble.
            if not seen or deadline.remaining() > 0 or time.monotonic() - begin > 1:
                trouble = str(error)
        pause = max(_POLL_SECONDS, 2 * (time.monotonic() - begin))
        if len(found.messages) >= count or deadline.remaining() < pause + _POLL_SECONDS:
            return found, trouble
        time.sleep(_POLL_SECONDS)


def _look(
    api: Api, wanted: Wanted, count: int, narrow: bool, fitting: dict[str, Message], deadline: Deadline
) -> tuple[Found, bool]:
    """
    One look, and whether a search may narrow the next: not where this one missed a message that was there.

    ``fitting`` gets the wanted messages as they are seen, so that they are not lost where the look is broken off.
    """
    query = wanted.query() if narrow else ""
    first, total = _walk(api, wanted, count, query, fitting, deadline)
    messages = list(fitting.values())
    if len(messages) >= count:
        return Found(messages, [], None), narrow
    if query:
        first, total = _page(api, wanted, "", 0, _NEWEST, deadline)
        missed = [message for message in first if not wanted.misses(message) and message.id not in fitting]
        messages, narrow = missed + messages, not missed
    return Found(messages, first[:_NEWEST], total), narrow


def _knows_words(api: Api, wanted: Wanted, deadline: Deadline) -> bool:
    """Whether this Mailpit knows the word for all recipients, which 1.18.0 and newer do: an older one finds nothing with it."""
    if not wanted.recipients:
        return True
    try:
        answer = api.get("info", deadline)
    except ApiError:
        return True
    version = re.match(r"v1\.(\d{1,4})\.", str(answer.get("Version"))) if isinstance(answer, dict) else None
    return version is None or int(version.group(1)) >= 18


def _walk(
    api: Api, wanted: Wanted, count: int, query: str, fitting: dict[str, Message], deadline: Deadline
) -> tuple[list[Message], int | None]:
    """Page by page to ``count`` wanted messages or the end: the first page, and how many Mailpit says there are."""
    first: list[Message] = []
    total = None
    start, size, last = 0, _PAGE, ""
    while start < _WALK_LIMIT:
        try:
            page, total = _page(api, wanted, query, start, size, deadline)
        except ApiError as error:
            if not error.too_long or size == 1:
                raise
            size = max(1, size // 8)  # messages to thousands
            continue
        first = first or page
        # New messages push the others to the next page, so one may be seen twice.
        for message in page:
            if message.id not in fitting and not wanted.misses(message):
                fitting[message.id] = message
        if len(fitting) >= count or len(page) < size or page[-1].id == last:
            break
        start, last = start + len(page), page[-1].id
    return first, total


def _page(
    api: Api, wanted: Wanted, query: str, start: int, size: int, deadline: Deadline
) -> tuple[list[Message], int | None]:
    """``size`` messages from number ``start`` on, the newest first, and how many there are in all."""
    asked = {"query": query} if query else {}
    where = urlencode({**asked, "start": start, "limit": size}, errors="replace")
    answer = api.get(f"{'search' if query else 'messages'}?{where}", deadline)
    entries = answer.get("messages") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or len(entries) > size:
        raise api.foreign("there is no list of messages in it")
    if wanted.username is not None and any(isinstance(entry, dict) and "Username" not in entry for entry in entries):
        raise ApiError("this Mailpit records no logins, which 1.28.3 and newer do: upgrade it, or leave username out")
    return [_message(api, entry) for entry in entries], _number(answer.get("total"))


def _message(api: Api, entry: t.Any) -> Message:
    if not isinstance(entry, dict):
        raise api.foreign("a message in it is no object")

    def text(name: str, of: t.Any = entry) -> str:
        value = of.get(name)
        if value is not None and not isinstance(value, str):
            raise api.foreign(f"{name} of a message is no text")
        return value or ""

    def objects(name: str) -> list[t.Any]:
        value = entry.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise api.foreign(f"{name} of a message is no list of addresses")
        return value

    tags = entry.get("Tags") or []
    sender = entry.get("From") or {}
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags) or not isinstance(sender, dict):
        raise api.foreign("Tags or From of a message are not what Mailpit's are")
    identifier = text("ID")
    if not 0 < len(identifier) <= 200:
        raise api.foreign("a message in it has no ID")
    return Message(
        id=identifier,
        message_id=text("MessageID"),
        subject=text("Subject"),
        sender=text("Address", sender) or None,
        # Those of the envelope too: Mailpit adds the missing ones as Bcc.
        recipients=[text("Address", one) for name in ("To", "Cc", "Bcc") for one in objects(name)],
        received_at=text("Created"),
        size=_number(entry.get("Size")),
        username=text("Username") or None,
        tags=tags,
        snippet=text("Snippet"),
    )


def _number(value: t.Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an app, a mail server or a provider wrote to a cause, its layer and what to do.

Three sources, the surest answer wins: the providers' own replies (provider_texts), the texts of clients and servers
(texts), and the status codes (status_codes). A text that none of them knows is said to be unknown, with the nearest
known texts, and never guessed.
"""

from __future__ import annotations

import itertools
import os
import re
import typing as t
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from .. import _causes
from .log_events import DIALOGUE, Event, events
from .match import MAX_CANDIDATES, Explained, Match, Read, explain_event, nearest
from .sentences import excerpt, sentences
from .stages import stage_of_command

__all__ = ("explain",)

_UNKNOWN = "unknown"
_MAX_UNKNOWN_EXAMPLES = 5
_SHORT = 100  # events without a date that are still taken for the output of one attempt
_SAME_INCIDENT = timedelta(seconds=3)
# A name that syslog or journald gives; containers and service wrappers name the stream.
_PROGRAM = re.compile(r"(?!stdout\Z|stderr\Z|jvm )[A-Za-z]")
_PREFIX = re.compile(r"\A(?:\d[\dTZ:.,+/-]{4,40} ?){0,3}(?:\[[^\]\n]{1,80}\]:? ?){0,6}")
# A line of a dialogue that a program records between its own lines.
_RECEIVED = re.compile(r"(?:\bRecv:|<<|<-|\bS:|\bSERVER -> CLIENT:|\breply:|got response code) b?['\"]?[45]\d\d\b")
_QUOTED = 25  # characters that a quoted line has at least
_ECHO_REACH = 4  # events back in which an echo looks for the line that it repeats
_NOT_SURE = {
    "likely": " The text fits {others} as well, but less well.",
    "possible": " The text alone does not decide it: {others} would read the same.",
}


def explain(text: str | Iterable[str], now: datetime | None = None) -> dict[str, t.Any]:
    """Explain an error text or a whole log; the answer has the same keys for both (see the filter's documentation).

    Takes a text of any length or its lines. ``now`` gives syslog's dates their year (default: the present). Raises
    nothing: any text has an answer, if only "unknown".
    """
    whole = text if isinstance(text, str) else "\n".join(text)
    now = now or datetime.now(UTC)
    pieces = list(events(whole, now))
    # One error, or what a tool printed of one attempt: all of it is about mail. A log has lines of other things too.
    log = _Log(len(pieces) > _SHORT or (len(pieces) > 1 and any(event.time for event in pieces)))
    # A line that says that mail failed stands before its reason, or behind it.
    reads = itertools.chain((_Looked(event, Read(event.text, event.stamped)) for event in pieces), (None,))
    current = next(reads)
    for following in reads:
        if current is not None:
            log.add(current, following)
        current = following
    return log.result()


class _Found:
    """What was found of one cause."""

    def __init__(self) -> None:
        self.count = 0
        self.times: list[datetime] = []  # the first and the last
        self.clearest: Explained | None = None
        self.rank: tuple[int, int] = (0, 0)

    def add(self, found: Explained, best: Match, time: datetime | None) -> None:
        """Count one event."""
        self.count += 1
        if time is not None:
            self.times = _span([*self.times, time])
        if self.clearest is None or best.rank < self.rank:
            self.clearest, self.rank = found, best.rank


# The part of the app that wrote a line: "[NOTIFICATION] ERROR: ...", "ERROR [app.notifications] ...",
# "logger=alerting.notifier".
_PART = re.compile(
    r"\[([A-Za-z][\w.:@/-]{1,40})\]|\b(?:logger|component|module|subsystem)=\"?([\w./-]{1,60})|\b([\w/-]{1,40}\.go):\d{1,5}: "
)
_LEVELS = frozenset(
    "error err warn warning fatal critical crit info debug trace notice app main server stderr stdout".split()
)


def _part(text: str) -> tuple[str, ...]:
    """What a logger puts beside the date and the level; a level alone says nothing of the part of the app that wrote the line."""
    names = (next(filter(None, found.groups())) for found in _PART.finditer(text[:200]))
    return tuple(name for name in names if name.lower() not in _LEVELS)


def _same_part(one: Event, other: Event) -> bool:
    """Do both lines name the same part of the app, or the same endpoint?"""
    if one.writer != other.writer:
        return False
    part = _part(one.text)
    return (bool(part) and part == _part(other.text)) or not _endpoints(one.text).isdisjoint(_endpoints(other.text))


_STATEMENT = 30  # characters that two lines begin with alike when the same statement of a program wrote them


def _same_statement(one: Event, other: Event) -> bool:
    """Do both lines begin with the same words behind the date, as those of one logging statement do?"""
    if one.writer != other.writer or not one.stamped:
        return False
    alike = os.path.commonprefix((_said(one)[:200], _said(other)[:200]))
    return len(alike) >= _STATEMENT and len(_WORDS.findall(alike)) > 3


def _same_call(one: Event, other: Event) -> bool:
    """Is it libcurl's number, with the very date of the line before it, to the millisecond?"""
    stamps = [_MOMENT.match(event.text) for event in (one, other)]
    same = len({stamp.group() for stamp in stamps if stamp}) == 1
    return one.writer == other.writer and all(stamps) and same and "libcurl: (" in one.text


def _same_moment(one: Event, other: Event) -> bool:
    """Were both lines written within two milliseconds, in a log whose dates are finer than that?"""
    if one.time is None or other.time is None or not (one.stamped and other.stamped):
        return False
    fine = all(event.time is not None and event.time.microsecond % 1000 for event in (one, other))
    return fine and abs(_comparable(other.time) - _comparable(one.time)) <= _A_MOMENT


_A_MOMENT = timedelta(milliseconds=2)
_MOMENT = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d{3,9}\S{0,8} ")
_WORDS = re.compile(r"[A-Za-z]{2,}")
# TLS says in a line of its own why, before the mail client says that it failed: Erlang's, and that of the *arr apps on .NET.
_TLS_CLIENT = re.compile(r"\btls :?client: in state|\|x509certificatevalidationservice\|")
_TLS_FAILED = re.compile(r"tls_failed|\|email\|")
_ENDPOINT = re.compile(r"(?<![\w.])\[?([A-Za-z][\w.-]{2,100}|\d{1,3}(?:\.\d{1,3}){3})\]?:(\d{2,5})(?![\d:]\d)\b")


def _endpoints(text: str) -> set[tuple[str, ...]]:
    return {found.groups() for found in _ENDPOINT.finditer(text[:400])}


def _of_anything(found: Explained, dated: bool) -> Explained:
    """A text that came alone, and that nothing in it (or no more than for another service) says to be about mail: whoever asked may know.

    ``dated``: a line of a log, which has lines of other things too.
    """
    if found.best is None or found.best.hint or not (dated or found.best.confidence == "certain"):
        return found
    confidence = "possible" if dated else "likely"
    return found._replace(
        best=found.best._replace(confidence=confidence, note="Nothing in the line says that it is about mail.")
    )


def _said(event: Event) -> str:
    """What stands behind date, program, level and the part of the app."""
    behind = event.text.partition(f" {event.writer}: ")[2] if event.writer else ""
    return behind or _PREFIX.sub("", event.text, count=1)


def _holds(event: Event, before: Event) -> bool:
    """Does the event hold all that the one before it said, and more?"""
    said, quoted = _said(event), _said(before)
    return len(quoted) > _QUOTED and quoted != said and quoted in said


class _Looked(t.NamedTuple):
    """An event and its text as it is compared."""

    event: Event
    read: Read


class _Seen(t.NamedTuple):
    """What is kept of an event that has passed."""

    best: Match | None
    event: Event
    is_mail: bool
    announces: bool  # it says that mail failed, not why
    tries: bool = False  # it says that mail is being sent
    code: int = 0  # of the reply in it
    is_other: bool = False  # a text of a few lines: it, or the line that it goes on with, is about another service

    @property
    def cause(self) -> str:
        return self.best.cause if self.best else ""

    def just_before(self, time: datetime | None) -> bool:
        """Close enough in time to belong to the same incident, as far as the log tells."""
        return (
            time is None
            or self.event.time is None
            or abs(_comparable(time) - _comparable(self.event.time)) <= _SAME_INCIDENT
        )


class _Log:
    """What was seen so far."""

    def __init__(self, is_log: bool) -> None:
        self.is_log = is_log
        self.total = 0
        self.causes: dict[str, _Found] = {}
        self.unknown: list[Explained] = []
        self.unknown_count = 0
        self.left_alone = 0
        self.repeats = 0
        self.stage = ""
        self.recent: list[_Seen] = []  # the last events
        self.clearest_unknown: Explained | None = None

    @property
    def explained(self) -> int:
        """Events with a cause."""
        return sum(found.count for found in self.causes.values())

    def add(self, looked: _Looked, following: _Looked | None) -> None:
        """Count one event."""
        event, read = looked
        self.total += 1
        self.stage = stage_of_command(event.text) or self.stage
        is_mail = self._is_mail(looked, following)
        found = explain_event(read, self.stage if DIALOGUE.match(event.text) else "") if is_mail else None
        if found is not None and not self.is_log and not read.topic.is_mail:
            found = _of_anything(found, event.dated)
        best = found.best if found else None
        weaker = self._weaker(best, event) if best else None
        code = found.status.code if found and found.status else 0
        repeats = best is not None and (
            self._repeats(best, event.time) or self._quotes(best, event) or self._tells_of_reply(code, event)
        )
        says_so = is_mail and best is None and read.announces
        self.recent = [
            *self.recent[1 - _ECHO_REACH :],
            _Seen(
                best,
                event,
                is_mail,
                says_so,
                is_mail and best is None and read.tries,
                code,
                not (is_mail or self.is_log),
            ),
        ]
        if found is None:
            self.left_alone += 1
        elif best is None:
            self._count_unknown(found)
        elif repeats:
            self.repeats += 1
        else:
            if weaker is not None:
                self._withdraw(weaker)
            self.causes.setdefault(best.cause, _Found()).add(found, best, event.time)

    def _is_mail(self, looked: _Looked, following: _Looked | None) -> bool:
        """Is the event about mail, by its own words or as the reason of the failure that the line before or behind it states?"""
        read = looked.read
        if not self.is_log:
            if read.topic.mail:
                return not read.topic.is_other
            # A line of another program, and what a tool prints below a line about another service.
            below_another = bool(self.recent) and self.recent[-1].is_other and not DIALOGUE.match(looked.event.text)
            return not (read.topic.is_other or below_another or _PROGRAM.match(looked.event.writer))
        if read.is_mail:
            return True
        if self._may_be_a_reason(looked, following):
            return not read.topic.other
        return False

    def _may_be_a_reason(self, looked: _Looked, following: _Looked | None) -> bool:
        """Whether the line before or behind it says that mail failed, so that this one, if it speaks of nothing else, says why."""
        event = looked.event
        before = self.recent[-1] if self.recent else None
        if before is not None and before.is_mail and before.just_before(event.time):
            # The line below, without a date of its own; one that has given its reason needs no other.
            if not event.stamped and (before.best is None or before.best.confidence == "possible"):
                return True
            if before.announces and (_same_part(event, before.event) or _same_call(event, before.event)):
                return True
            if _same_statement(event, before.event):
                return True
        if before is not None and before.tries and looked.read.fails and _same_part(event, before.event):
            return True
        if following is None or not _Seen(None, event, False, False).just_before(following.event.time):
            return False
        if following.read.is_mail and _TLS_CLIENT.search(looked.read.low):
            return _TLS_FAILED.search(following.read.low) is not None
        if not (following.read.is_mail and following.read.announces):
            return False
        return _same_part(event, following.event) or (looked.read.fails and _same_moment(event, following.event))

    def _weaker(self, best: Match, event: Event) -> _Seen | None:
        """The line before it that said less of the same incident: Postfix's "SSL_accept error" before the reason of OpenSSL."""
        if best.echo or best.confidence == "possible":
            return None
        near = (
            seen for seen in reversed(self.recent) if seen.event.writer == event.writer and seen.just_before(event.time)
        )
        return next(
            (
                seen
                for seen in near
                if seen.best
                and seen.cause in self.causes
                and (seen.best.echo == "follow" or (seen.best.confidence == "possible" and _holds(event, seen.event)))
            ),
            None,
        )

    def _withdraw(self, seen: _Seen) -> None:
        found = self.causes[seen.cause]
        found.count -= 1
        if not found.count:
            del self.causes[seen.cause]
        self.recent = [one for one in self.recent if one is not seen]
        self.repeats += 1

    def _repeats(self, best: Match, time: datetime | None) -> bool:
        """Does this line only say again what a line before it said? See Rule.echo."""
        near = [seen for seen in self.recent if seen.just_before(time)]
        if best.echo == "pair":
            return (
                bool(near)
                and near[-1] is self.recent[-1]
                and near[-1].cause == best.cause
                and not (near[-1].best and near[-1].best.echo)
            )
        if best.echo == "burst":
            return any(seen.cause == best.cause for seen in near)
        return best.echo == "follow" and any(seen.cause for seen in near)

    def _quotes(self, best: Match, event: Event) -> bool:
        """Does the line hold a whole earlier one of its program? Postfix: "connect to ...: Connection refused", then the deferral."""
        return any(
            seen.cause == best.cause
            and seen.event.writer == event.writer
            and seen.just_before(event.time)
            and _holds(event, seen.event)
            for seen in self.recent
        )

    def _tells_of_reply(self, code: int, event: Event) -> bool:
        """Does a program say in its own words what its record of the dialogue has just shown: "Recv: 530 ...", then "Failed to ... (Code: 530)"?"""
        return (
            code > 0
            and _RECEIVED.search(event.text) is None
            and any(
                seen.code == code
                and seen.event.writer == event.writer
                and seen.just_before(event.time)
                and _RECEIVED.search(seen.event.text) is not None
                for seen in self.recent
            )
        )

    def _count_unknown(self, found: Explained) -> None:
        if self.clearest_unknown is None or (found.vague and not self.clearest_unknown.vague):
            self.clearest_unknown = found
        if found.known:
            self.left_alone += 1
            return
        self.unknown_count += 1
        if len(self.unknown) < _MAX_UNKNOWN_EXAMPLES:
            self.unknown.append(found)

    def result(self) -> dict[str, t.Any]:
        """The answer."""
        order = {code: number for number, code in enumerate(row.code for row in _causes.CAUSES)}
        ranked = sorted(self.causes.items(), key=lambda item: (-item[1].count, item[1].rank[0], order.get(item[0], 0)))
        causes = [_summary(cause, found) for cause, found in ranked]
        # Of a log the most frequent cause, of one attempt the clearest.
        heads = ranked if self.is_log else sorted(ranked, key=lambda item: item[1].rank)
        head = heads[0][1].clearest if heads else self.clearest_unknown
        return {
            **_with_others(_details(head), [found.clearest for _cause, found in heads[1:]]),
            "total": self.total,
            "explained": self.explained,
            "repeats": self.repeats,
            "unknown": self.unknown_count,
            "left_alone": self.left_alone,
            "causes": causes,
            "unknown_examples": [excerpt(each.text, "") for each in self.unknown],
        }


def _details(found: Explained | None) -> dict[str, t.Any]:
    """The keys about one text."""
    best = found.best if found else None
    if found is None or best is None:
        text = found.text if found else ""
        near = found.vague.also if found and found.vague else nearest(text)
        said = f" The nearest known causes are {', '.join(near)}." if near else ""
        return {
            "cause": None,
            "layer": None,
            "message": found.vague.note if found and found.vague else f"No known error text of mail is in it.{said}",
            "remedy": "Run smtp_endpoint_info on the host against the same host and port: it finds the cause by itself.",
            "confidence": _UNKNOWN,
            "matched": None,
            "status": found.status.text if found and found.status else None,
            "provider": None,
            "candidates": [_candidate(cause, "", _UNKNOWN, text) for cause in near],
        }
    others = _others(found)
    row = _causes.cause_row(best.cause, best.variant)
    message, remedy = sentences(best.cause, best.variant, found.text, best.matched)
    if best.hint:
        message, remedy = f"{message} {best.hint.message}", best.hint.remedy or remedy
    elif best.note:
        message = f"{message} {best.note}"
    elif others and best.confidence in _NOT_SURE:
        message += _NOT_SURE[best.confidence].format(others=", ".join(cause for cause, _variant, _sure in others))
    if not best.hint:
        remedy = best.remedy or remedy
    return {
        "cause": best.cause,
        "layer": row.layer,
        "message": message,
        "remedy": remedy,
        "confidence": best.confidence,
        "matched": excerpt(found.text, best.matched, around=0),
        "status": found.status.text if found.status else None,
        "provider": best.hint.provider or None if best.hint else None,
        "candidates": [_candidate(cause, variant, sure, found.text) for cause, variant, sure in others],
    }


def _with_others(details: dict[str, t.Any], found: Iterable[Explained | None]) -> dict[str, t.Any]:
    """The other causes of the text beside those that its first one leaves open."""
    named = {details["cause"], *(each["cause"] for each in details["candidates"])}
    for other in found:
        if other is not None and other.best is not None and other.best.cause not in named:
            named.add(other.best.cause)
            details["candidates"].append(
                _candidate(other.best.cause, other.best.variant, other.best.confidence, other.text)
            )
    return {**details, "candidates": details["candidates"][:MAX_CANDIDATES]}


def _others(found: Explained) -> list[tuple[str, str, str]]:
    """Other causes that the text leaves open: (code, variant, confidence)."""
    best = found.best
    if best is None or best.hint:
        return []
    others = [(cause, "", "possible") for cause in best.also]
    others += [
        (match.cause, match.variant, match.confidence) for match in found.others if match.rank[0] <= best.rank[0]
    ]
    unique: dict[str, tuple[str, str, str]] = {}
    for cause, variant, sure in others:
        if cause != best.cause:
            unique.setdefault(cause, (cause, _default_variant(cause, variant, best), sure))
    return list(unique.values())[:MAX_CANDIDATES]


def _default_variant(cause: str, variant: str, best: Match) -> str:
    if cause == "mode_mismatch" and not variant:
        return "cleartext_spoken" if best.cause.startswith(("tls_", "certificate_")) else "implicit_spoken"
    return variant


def _candidate(cause: str, variant: str, confidence: str, text: str) -> dict[str, t.Any]:
    if cause == "mode_mismatch" and not variant:
        variant = "implicit_spoken"
    message, remedy = sentences(cause, variant, text, None)
    return {
        "cause": cause,
        "layer": _causes.cause_row(cause, variant).layer,
        "confidence": confidence,
        "message": message,
        "remedy": remedy,
    }


def _summary(cause: str, found: _Found) -> dict[str, t.Any]:
    details = _details(found.clearest)
    return {
        "cause": cause,
        "layer": details["layer"],
        "count": found.count,
        "first_seen": _iso(found.times[0]) if found.times else None,
        "last_seen": _iso(found.times[-1]) if found.times else None,
        "confidence": details["confidence"],
        "message": details["message"],
        "remedy": details["remedy"],
        "example": excerpt(found.clearest.text, "") if found.clearest else "",
    }


def _span(times: list[datetime]) -> list[datetime]:
    """First and last."""
    ordered = sorted(times, key=_comparable)
    return [ordered[0], ordered[-1]]


def _comparable(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _iso(time: datetime) -> str:
    """UTC with a Z where the log names a zone, else as the log has it."""
    if time.tzinfo is None:
        return time.isoformat(timespec="seconds")
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"

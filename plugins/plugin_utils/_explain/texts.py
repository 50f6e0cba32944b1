# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an app, a mail server or a provider wrote to a cause, its layer and what to do.

Three sources, the surest answer wins: the providers' own replies (_provider_texts), the texts of clients and servers
(_rules), and the status codes (_status_codes). A text that none of them knows is said to be unknown, with the nearest known
texts, and never guessed.
"""

from __future__ import annotations

import itertools
import typing as t
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from .. import _causes
from .match import MAX_CANDIDATES, Explained, Match, Read, explain_event, fits, nearest, one_line, provider_text, stage_of_command
from .sentences import excerpt, sentences
from .log_events import DIALOGUE, MAX_EVENT, Event, events

__all__ = ("Hint", "explain", "explain_reply")

_UNKNOWN = "unknown"
_MAX_UNKNOWN_EXAMPLES = 5
_SHORT = 100  # events without a date that are still taken for the output of one attempt
_SAME_INCIDENT = timedelta(seconds=3)
_ECHO_REACH = 4  # events back in which an echo looks for the line that it repeats
_NOT_SURE = {
    "likely": " The text fits {others} as well, but less well.",
    "possible": " The text alone does not decide it: {others} would read the same.",
}

_Fields = dict[str, t.Any]


class Hint(t.NamedTuple):
    """What a provider's own words mean. ``message`` is one sentence to append, ``remedy`` replaces that of the cause's row."""

    provider: str
    cause: str
    variant: str
    message: str
    remedy: str


def explain_reply(code: int, text: str, stage: str) -> Hint | None:
    """What this reply of a relay means beyond its code, where the words are known: a provider's policy, an app password, a tenant's switch.

    Takes the reply code, the reply's words (with or without the enhanced status code) and the stage of the dialogue: greeting,
    ehlo, starttls, auth, mail, rcpt or data. Returns None where the row of the cause says it as well. Raises nothing.
    """
    row = provider_text(one_line(f"{code} {text}"[:MAX_EVENT]).lower(), stage)
    if row is None:
        return None
    return Hint(row.provider, row.cause, row.variant, row.message, row.remedy)


def explain(text: str | Iterable[str], now: datetime | None = None) -> dict[str, t.Any]:
    """Explain an error text or a whole log; the answer has the same keys for both (see the filter's documentation).

    Takes a text of any length or its lines. ``now`` gives syslog's dates their year (default: the present). Raises nothing: any
    text has an answer, if only "unknown".
    """
    whole = text if isinstance(text, str) else "\n".join(text)
    now = now or datetime.now(timezone.utc)
    pieces = list(events(whole, now))
    # One error, or what a tool printed of one attempt: all of it is about mail. A log has lines of other things too.
    is_log = len(pieces) > _SHORT or (len(pieces) > 1 and any(event.time for event in pieces))
    log = _Log(is_log)
    # The next line helps to tell whether a line is about mail.
    reads = itertools.chain((Read.of(event.text) for event in pieces), (Read.of(""),))
    read = next(reads)
    for event, following in zip(pieces, reads):
        log.add(event, read, following.is_mail)
        read = following
    return log.result()


class _Seen(t.NamedTuple):
    """What is kept of an event that has passed."""

    cause: str
    echo: str
    is_mail: bool
    time: datetime | None

    def just_before(self, time: datetime | None) -> bool:
        """Close enough in time to belong to the same incident, as far as the log tells."""
        return time is None or self.time is None or abs(_comparable(time) - _comparable(self.time)) <= _SAME_INCIDENT


class _Log:
    """What was seen so far."""

    def __init__(self, is_log: bool) -> None:
        self.is_log = is_log
        self.total = 0
        self.causes: dict[str, dict[str, t.Any]] = {}
        self.explained = 0
        self.unknown: list[Explained] = []
        self.unknown_count = 0
        self.stage = ""
        self.recent: list[_Seen] = []  # the last events
        self.clearest_unknown: Explained | None = None

    def add(self, event: Event, read: Read, followed_by_mail: bool) -> None:
        """Count one event."""
        self.total += 1
        self.stage = stage_of_command(event.text) or self.stage
        in_mail = not self.is_log or read.is_mail
        near = in_mail or followed_by_mail or any(seen.is_mail for seen in self.recent[-2:])
        found = explain_event(read, self.stage if DIALOGUE.match(event.text) else "") if near else None
        best = found.best if found and found.best and (not self.is_log or fits(found.best, event.text)) else None
        repeats = best is not None and self._repeats(best, event.time)
        self.recent = [*self.recent[1 - _ECHO_REACH :], _Seen(best.cause if best else "", best.echo if best else "", in_mail, event.time)]
        if found is None or repeats:
            return
        if best is None:
            self._count_unknown(found, in_mail)
            return
        self.explained += 1
        entry = self.causes.setdefault(best.cause, {"count": 0, "times": [], "best": found})
        entry["count"] += 1
        if event.time is not None:
            entry["times"] = _span([*entry["times"], event.time])
        if best.rank < entry["best"].best.rank:
            entry["best"] = found

    def _repeats(self, best: Match, time: datetime | None) -> bool:
        """Does this line only say again what a line before it said? See Rule.echo."""
        near = [seen for seen in self.recent if seen.just_before(time)]
        if best.echo == "pair":
            return bool(near) and near[-1] is self.recent[-1] and near[-1].cause == best.cause and not near[-1].echo
        if best.echo == "burst":
            return any(seen.cause == best.cause for seen in near)
        return best.echo == "follow" and any(seen.cause for seen in near)

    def _count_unknown(self, found: Explained, in_mail: bool) -> None:
        if not in_mail:
            return
        if self.clearest_unknown is None or (found.vague and not self.clearest_unknown.vague):
            self.clearest_unknown = found
        if not found.known:
            self.unknown_count += 1
            if len(self.unknown) < _MAX_UNKNOWN_EXAMPLES:
                self.unknown.append(found)

    def result(self) -> dict[str, t.Any]:
        """The answer."""
        order = {code: number for number, code in enumerate(row.code for row in _causes.CAUSES)}
        ranked = sorted(self.causes.items(), key=lambda item: (-item[1]["count"], item[1]["best"].best.rank[0], order.get(item[0], 0)))
        causes = [_summary(cause, entry) for cause, entry in ranked]
        # Of a log the most frequent cause, of one attempt the clearest.
        heads = ranked if self.is_log else sorted(ranked, key=lambda item: item[1]["best"].best.rank)
        head = heads[0][1]["best"] if heads else self.clearest_unknown
        return {
            **_details(head),
            "total": self.total,
            "explained": self.explained,
            "unknown": self.unknown_count if self.is_log or ranked else 1,
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


def _others(found: Explained) -> list[tuple[str, str, str]]:
    """Other causes that the text leaves open: (code, variant, confidence)."""
    best = found.best
    if best is None or best.hint:
        return []
    others = [(cause, "", "possible") for cause in best.also]
    others += [(match.cause, match.variant, match.confidence) for match in found.others if match.rank[0] <= best.rank[0]]
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
    return {"cause": cause, "layer": _causes.cause_row(cause, variant).layer, "confidence": confidence, "message": message, "remedy": remedy}


def _summary(cause: str, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    details = _details(entry["best"])
    times = entry["times"]
    return {
        "cause": cause,
        "layer": details["layer"],
        "count": entry["count"],
        "first_seen": _iso(times[0]) if times else None,
        "last_seen": _iso(times[-1]) if times else None,
        "confidence": details["confidence"],
        "message": details["message"],
        "remedy": details["remedy"],
        "example": excerpt(entry["best"].text, ""),
    }


def _span(times: list[datetime]) -> list[datetime]:
    """First and last."""
    ordered = sorted(times, key=_comparable)
    return [ordered[0], ordered[-1]]


def _comparable(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _iso(time: datetime) -> str:
    """UTC with a Z where the log names a zone, else as the log has it."""
    if time.tzinfo is None:
        return time.isoformat(timespec="seconds")
    return time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"

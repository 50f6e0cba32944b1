# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an app, a mail server or a provider wrote to a cause, its layer and what to do.

Three sources, the surest answer wins: the providers' own replies (_provider_texts), the texts of clients and servers
(_error_rules), and the status codes (RFC 5321 section 4.2, RFC 3463, RFC 4954 and the IANA registry of enhanced status codes).
A text that none of them knows is said to be unknown, with the nearest known texts, and never guessed.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import string
import typing as t
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timedelta, timezone

from . import _causes
from ._error_rules import CONFIDENCES, NOISE, RULES, STAGES, VAGUE, Rule
from ._log_events import DIALOGUE, MAX_EVENT, Event, events
from ._masking import mask
from ._provider_texts import PROVIDER_TEXTS, ProviderText
from ._status_codes import Meaning, Status, find_status, meaning

__all__ = ("Hint", "explain", "explain_reply")

_UNKNOWN = "unknown"
_MAX_EXCERPT = 200
_MAX_CANDIDATES = 5
_MAX_UNKNOWN_EXAMPLES = 5
_SHORT = 100  # events without a date that are still taken for the output of one attempt
_OWN_WORDS = 1000  # weight of a provider's own words beside the same words of anyone
_NEAR = 0.5  # the part of a known text, by the weight of its words, that a text must have to be near it
_SAME_INCIDENT = timedelta(seconds=3)
_ECHO_REACH = 4  # events back in which an echo looks for the line that it repeats


class Hint(t.NamedTuple):
    """What a provider's own words mean. ``message`` is one sentence to append, ``remedy`` replaces that of the cause's row."""

    provider: str
    cause: str
    variant: str
    message: str
    remedy: str


class _Match(t.NamedTuple):
    cause: str
    variant: str
    confidence: str
    matched: str
    also: tuple[str, ...]
    note: str
    echo: str
    hint: ProviderText | None
    weight: int

    @property
    def rank(self) -> tuple[int, int]:
        """Lower is better: the surest, then the longest."""
        return CONFIDENCES.index(self.confidence), -self.weight


class _Explained(t.NamedTuple):
    """One event and the best match, None where nothing is known of it."""

    text: str
    best: _Match | None
    others: tuple[_Match, ...]
    status: Status | None
    known: bool  # False: it looks like an error of mail, but no text is known
    vague: Rule | None  # a known text that hides the cause


def explain_reply(code: int, text: str, stage: str) -> Hint | None:
    """What this reply of a relay means beyond its code, where the words are known: a provider's policy, an app password, a tenant's switch.

    Takes the reply code, the reply's words (with or without the enhanced status code) and the stage of the dialogue: greeting,
    ehlo, starttls, auth, mail, rcpt or data. Returns None where the row of the cause says it as well. Raises nothing.
    """
    low = _normal(f"{code} {text}"[:MAX_EVENT]).lower()
    found = [row for row in _PROVIDER_INDEX.candidates(set(_WORD.findall(low))) if (not row.stages or stage in row.stages) and _holds(row.parts, low)]
    if not found:
        return None
    row = max(found, key=lambda each: sum(map(len, each.parts)))
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
    reads = itertools.chain((_Read.of(event.text) for event in pieces), (_Read.of(""),))
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
        self.unknown: list[_Explained] = []
        self.unknown_count = 0
        self.stage = ""
        self.recent: list[_Seen] = []  # the last events
        self.clearest_unknown: _Explained | None = None

    def add(self, event: Event, read: _Read, followed_by_mail: bool) -> None:
        """Count one event."""
        self.total += 1
        self.stage = _stage_of_command(event.text) or self.stage
        in_mail = not self.is_log or read.is_mail
        near = in_mail or followed_by_mail or any(seen.is_mail for seen in self.recent[-2:])
        found = _explain_event(read, self.stage if DIALOGUE.match(event.text) else "") if near else None
        best = found.best if found and found.best and (not self.is_log or _fits(found.best, event.text)) else None
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

    def _repeats(self, best: _Match, time: datetime | None) -> bool:
        """Does this line only say again what a line before it said? See Rule.echo."""
        near = [seen for seen in self.recent if seen.just_before(time)]
        if best.echo == "pair":
            return bool(near) and near[-1] is self.recent[-1] and near[-1].cause == best.cause and not near[-1].echo
        if best.echo == "burst":
            return any(seen.cause == best.cause for seen in near)
        return best.echo == "follow" and any(seen.cause for seen in near)

    def _count_unknown(self, found: _Explained, in_mail: bool) -> None:
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
            "unknown_examples": [_excerpt(each.text, "") for each in self.unknown],
        }


# One event


class _Read(t.NamedTuple):
    """An event's text on one line, the same in lower case, and its words."""

    text: str
    norm: str
    low: str
    words: frozenset[str]

    @classmethod
    def of(cls, text: str) -> _Read:
        """Read the text once."""
        norm = _normal(text)
        low = norm.lower()
        return cls(text, norm, low, frozenset(_WORD.findall(low)))

    @property
    def is_mail(self) -> bool:
        """Is it about mail at all? Other lines of a log fail with the same words: "connection refused" by a database, say."""
        return not self.words.isdisjoint(_MAIL_WORDS) or any(part in self.low for part in _MAIL_PARTS) or bool(_ENHANCED_REPLY.search(self.low))


def _explain_event(read: _Read, stage: str) -> _Explained:
    low = read.low
    status = find_status(read.norm)
    matches = [
        _Match(rule.cause, rule.variant, rule.confidence, " .. ".join(rule.parts), rule.also, rule.note, rule.echo, None, sum(map(len, rule.parts)))
        for rule in _RULE_INDEX.candidates(read.words)
        if _holds(rule.parts, low)
    ]
    matches += [
        # A provider's own words beat the same words of anyone.
        _Match(row.cause, row.variant, "certain", " .. ".join(row.parts), (), "", "", row, _OWN_WORDS + sum(map(len, row.parts)))
        for row in _PROVIDER_INDEX.candidates(read.words)
        if _holds(row.parts, low)
    ]
    if status is not None:
        said = meaning(status, _stage_of_text(low) or stage)
        if said is not None:
            matches.append(_of_status(said, status))
        if status.temporary:
            matches = [_later(match) for match in matches]
    if matches:
        matches.sort(key=lambda match: match.rank)
        return _Explained(read.text, matches[0], tuple(matches[1:]), status, True, None)
    vague = next((rule for rule in VAGUE if rule.parts[0] in low), None)
    known = any(noise in low for noise in NOISE) or not _ERROR_WORDS.search(low)
    return _Explained(read.text, None, (), status, known, vague)


def _later(match: _Match) -> _Match:
    """A refusal with a 4xx code is for now only, whatever words stand beside it."""
    if match.cause in ("sender_rejected", "recipient_rejected", "message_rejected") and match.hint is None and match.variant != "auth_required":
        return match._replace(cause="temporarily_rejected", variant="", note="")
    return match


def _of_status(said: Meaning, status: Status) -> _Match:
    return _Match(said.cause, said.variant, said.confidence, status.words.lower(), said.also, said.note, "", None, 0)


_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\x00": " "})


def _normal(text: str) -> str:
    """On one line, single blanks, plain quotes."""
    return " ".join(text[:MAX_EVENT].translate(_QUOTES).replace('\\"', '"').split())


def _holds(parts: Sequence[str], low: str) -> bool:
    """Do all parts occur, in this order?"""
    at = 0
    for part in parts:
        at = low.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


_WORD = re.compile(r"[a-z0-9]+")
_Row = t.TypeVar("_Row", Rule, ProviderText)


class _Index(t.Generic[_Row]):
    """Rows by the longest word of their text, so that an event is compared only with the few rows whose word it has."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._by_word: dict[str, list[_Row]] = {}
        for row in rows:
            words = [word for part in row.parts for word in _WORD.findall(part)]
            self._by_word.setdefault(max(words, key=len), []).append(row)

    def candidates(self, words: Set[str]) -> list[_Row]:
        """Rows that may match a text with these lower-case words."""
        return [row for word in words & self._by_word.keys() for row in self._by_word[word]]


_RULE_INDEX = _Index(RULES)
_PROVIDER_INDEX = _Index(PROVIDER_TEXTS)

_MAIL_PARTS = ("smtp", "mail", "starttls")
_MAIL_WORDS = frozenset("greeting ehlo helo rcpt postfix exim exim4 sasl recipients relay mx 465 587 2465 2525 2587 1025".split())
_ENHANCED_REPLY = re.compile(r"(?<!\d)[245]\d\d[ -][245]\.\d\.\d")
_OTHER_SERVICE = re.compile(r":(?:5432|3306|6379|27017|443|80|8080|8443|9200|5672|11211|2375|389|636|22)\b")
_ERROR_WORDS = re.compile(r"error|fail|reject|denied|refus|timed? ?out|unable|cannot|could not|exception|invalid|[\s(:\"'][45]\d\d[ -][45]\.\d")


def _fits(match: _Match, text: str) -> bool:
    """A line that names another service's port and not mail's is not about mail."""
    return match.hint is not None or not (_OTHER_SERVICE.search(text) and not re.search(r"smtp|mail", text, re.IGNORECASE))


_COMMAND = re.compile(
    r"\s{0,4}(?:[~=*-]{1,3}>|>{1,3}|C:|send:|SMTP>{1,2}|CLIENT -> SERVER:) {0,4}b?['\"]?(EHLO|HELO|LHLO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|\.)(?![A-Za-z])", re.IGNORECASE
)
_CONNECTED = re.compile(r"(?:===|\*) Connected to ")
_STAGE_OF = {"ehlo": "ehlo", "helo": "ehlo", "lhlo": "ehlo", "starttls": "starttls", "auth": "auth", "mail from": "mail", "rcpt to": "rcpt", "data": "data", ".": "data"}


def _stage_of_command(text: str) -> str:
    found = _COMMAND.match(text)
    if found:
        return _STAGE_OF[found.group(1).lower()]
    return "greeting" if _CONNECTED.match(text) else ""


def _stage_of_text(low: str) -> str:
    return next((stage for stage, texts in STAGES if any(text in low for text in texts)), "")


# Sentences

# Rows whose sentence or remedy needs the port, the address or the seconds, said without them: a log does not always name these.
_PLAIN: dict[tuple[str, str], tuple[str, str]] = {
    ("connection_timeout", ""): (
        "{endpoint} did not answer the attempt to connect: no refusal, only silence{detail}.",
        "The outbound port is probably filtered by the hosting provider or a firewall: ask them to open it, or use a port that works"
        " (587 with secure: false, or 465 with secure: true); smtp_gate, run on this host, shows which one does.",
    ),
    ("connection_refused", ""): (
        "{endpoint} refused the connection: nothing listens on that port, or a firewall rejects it{detail}.",
        "Check the port number (465, 587 or what the relay's operator names); if it is right, ask the operator whether the service runs.",
    ),
    ("no_route", ""): ("This host has no way to reach {endpoint}{detail}.", ""),
    ("no_route", "or_blocked"): (
        "{endpoint} cannot be reached: there is no route to it, or a firewall on the way rejects the connection{detail}.",
        "Check this host's routes first, then ask whoever runs the firewall or the network to allow the outbound port.",
    ),
    ("connection_blocked", ""): (
        "A firewall forbids this host to connect to {endpoint}{detail}.",
        "Allow the outbound connection to the relay in the firewall of this host or of its network, or use a port that is allowed.",
    ),
    ("connection_reset", ""): ("{endpoint} reset the connection{detail}.", ""),
    ("greeting_timeout", ""): (
        "{endpoint} accepted the connection but did not complete an SMTP greeting in time{detail}.",
        "Raise the app's timeout if this relay is known to greet late; otherwise ask its operator what listens on the port.",
    ),
    ("mode_mismatch", "settings"): (
        "secure and port do not match{detail}.",
        "Use port 465 with secure: true, or port 587 with secure: false.",
    ),
    ("mode_mismatch", "implicit_spoken"): (
        "{endpoint} most likely speaks TLS from the first byte, while the app starts in cleartext (secure: false), so both sides wait for the other{detail}.",
        "Set secure: true (security: implicit_tls) for this port, or use port 587 with secure: false.",
    ),
    ("mode_mismatch", "cleartext_spoken"): (
        "{endpoint} starts in cleartext, while the app starts with TLS from the first byte (secure: true){detail}.",
        "Set secure: false (security: starttls) for this port, or use port 465 with secure: true.",
    ),
    ("tls_handshake_timeout", ""): ("The TLS handshake with {endpoint} did not finish in time{detail}.", ""),
    ("client_certificate_required", ""): (
        "",
        "This relay is not meant for clients with user name and password: ask its operator for the submission port, such as 587.",
    ),
    ("certificate_name_mismatch", ""): ("The certificate of {endpoint} is not for the name that the app connects to{detail}.", ""),
    ("invalid_settings", ""): ("The settings cannot work{detail}.", "Correct the option that the text names."),
}
# These sentences must not sound surer than a log lets one be.
_ALWAYS_PLAIN = {("mode_mismatch", "implicit_spoken"), ("mode_mismatch", "cleartext_spoken"), ("connection_reset", ""), ("invalid_settings", "")}
_NOT_SURE = {
    "likely": " The text fits {others} as well, but less well.",
    "possible": " The text alone does not decide it: {others} would read the same.",
}

_Fields = dict[str, t.Any]


def _details(found: _Explained | None) -> dict[str, t.Any]:
    """The keys about one text."""
    best = found.best if found else None
    if found is None or best is None:
        text = found.text if found else ""
        near = found.vague.also if found and found.vague else _nearest(text)
        nearest = f" The nearest known causes are {', '.join(near)}." if near else ""
        return {
            "cause": None,
            "layer": None,
            "message": found.vague.note if found and found.vague else f"No known error text of mail is in it.{nearest}",
            "remedy": "Run smtp_endpoint_info on the host against the same host and port: it finds the cause by itself.",
            "confidence": _UNKNOWN,
            "matched": None,
            "status": found.status.text if found and found.status else None,
            "provider": None,
            "candidates": [_candidate(cause, "", _UNKNOWN, text) for cause in near],
        }
    others = _others(found)
    row = _causes.cause_row(best.cause, best.variant)
    message, remedy = _sentences(best.cause, best.variant, found.text, best.matched)
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
        "matched": _excerpt(found.text, best.matched, around=0) ,
        "status": found.status.text if found.status else None,
        "provider": best.hint.provider or None if best.hint else None,
        "candidates": [_candidate(cause, variant, sure, found.text) for cause, variant, sure in others],
    }


def _others(found: _Explained) -> list[tuple[str, str, str]]:
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
    return list(unique.values())[:_MAX_CANDIDATES]


def _default_variant(cause: str, variant: str, best: _Match) -> str:
    if cause == "mode_mismatch" and not variant:
        return "cleartext_spoken" if best.cause.startswith(("tls_", "certificate_")) else "implicit_spoken"
    return variant


def _candidate(cause: str, variant: str, confidence: str, text: str) -> dict[str, t.Any]:
    if cause == "mode_mismatch" and not variant:
        variant = "implicit_spoken"
    message, remedy = _sentences(cause, variant, text, None)
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
        "example": _excerpt(entry["best"].text, ""),
    }


def _sentences(cause: str, variant: str, text: str, matched: str | None) -> tuple[str, str]:
    """Message and remedy, with what the text names put in. ``matched`` None: a candidate, so the text is not quoted."""
    row = _causes.cause_row(cause, variant)
    fields = _fields(text, cause, variant)
    plain, plain_remedy = _PLAIN.get((cause, variant), ("", ""))
    sentence = row.sentence
    if (cause, variant) in _ALWAYS_PLAIN or not _needs(sentence) <= fields.keys():
        sentence = plain or sentence
    remedy = row.remedy if _needs(row.remedy) <= fields.keys() or not plain_remedy else plain_remedy
    quote = _excerpt(text, matched) if matched is not None else ""
    if ":{detail}" in sentence:
        fields["detail"] = f' "{quote}"' if quote else " see the text"
    else:
        fields["detail"] = f' ("{quote}")' if quote else ""
    sentence = sentence.replace("connection {detail}", "connection{detail}")
    message = " ".join(string.Formatter().vformat(sentence, (), _Lenient(fields)).split(" "))
    if message.startswith("the relay"):
        message = f"T{message[1:]}"
    if not message.endswith("."):
        message += "."
    return message, string.Formatter().vformat(remedy, (), _Lenient(fields))


class _Lenient(dict[str, t.Any]):
    """A template must not make an explanation fail."""

    def __missing__(self, key: str) -> str:
        return {"name": "the name that the app uses", "address": "the relay", "timeout": "some"}.get(key, f"the {key}")


@functools.lru_cache(maxsize=None)
def _needs(template: str) -> frozenset[str]:
    """Fields that a template cannot do without."""
    return frozenset(name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name and name not in ("endpoint", "detail", "host"))


_HOST = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}\.){1,10}[A-Za-z0-9-]{1,62}|localhost)"
_ADDRESS = r"(?P<address>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})"
_MAIL_PORT = r"(?P<port>25|465|587|588|994|1025|2465|2525|2526|2587|10025|10465|10587)\b"
_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_HOST}\[{_ADDRESS}\](?::(?P<port>\d{{1,5}}))?",  # Postfix
        rf"\bhost[:=]? ?[\"']?(?:ssl://|tls://|tcp://)?{_HOST}[\"']?[, ]{{1,2}}port[:=]? ?(?P<port>\d{{1,5}})",  # Java
        rf"(?:ssl|tls|tcp|smtps?)://{_HOST}:(?P<port>\d{{1,5}})",
        rf"(?:connect to|cannot connect to|could not connect to|connected to) [\"']?{_HOST}[\"']?,? port (?P<port>\d{{1,5}})",  # curl, msmtp
        rf"\[?{_ADDRESS}\]?:{_MAIL_PORT}",
        rf"\b{_HOST}:{_MAIL_PORT}",
        rf"(?:ENOTFOUND|EAI_AGAIN|resolve host:?|lookup|getaddrinfo for|getaddresses:|connect to|server|host) [\"']?{_HOST}",
        rf"\bport[\"']?[:=]? ?[\"']?{_MAIL_PORT}",
        rf"\baddress[\"']?[:=] ?[\"']{_ADDRESS}",
    )
)
_SECONDS = re.compile(r"(?:timed out after|timeout (?:of|after)|within) (\d{1,7}) ?(milliseconds|ms|seconds|secs|s)\b", re.IGNORECASE)


def _fields(text: str, cause: str, variant: str) -> _Fields:
    """What the text names: host, port, address, seconds."""
    norm = _normal(text)[:4096]
    fields: _Fields = {}
    for pattern in _PLACES:
        found = pattern.search(norm)
        for name, value in (found.groupdict() if found else {}).items():
            if value and name not in fields and not (name == "port" and not 0 < int(value) < 65536):
                fields[name] = int(value) if name == "port" else value.rstrip(".")
    host, port = fields.get("host"), fields.get("port")
    if host and re.fullmatch(r"[\d.]+", host):
        fields.setdefault("address", host)
    where = host or fields.get("address")
    fields["endpoint"] = (f"{where} port {port}" if port else where) if where else "the relay"
    fields["host"] = where or "the relay"
    if where:
        fields.setdefault("address", where)
        fields.setdefault("name", where)
    if not fields.get("address"):
        fields.pop("address", None)
    seconds = _SECONDS.search(norm)
    if seconds:
        number = int(seconds.group(1)) / (1000 if seconds.group(2).lower().startswith("m") else 1)
        fields["timeout"] = f"{number:g}"
    implicit = port in (465, 2465, 994)
    if port:
        fields["other_port"] = 587 if implicit else 465
        fields["other_secure"] = str(implicit).lower()
        fields["observed"] = "starttls"
    if variant == "implicit_spoken" or cause in ("auth_not_offered", "client_certificate_required"):
        fields["other_port"] = 587
    elif variant == "cleartext_spoken" or cause.startswith("starttls_"):
        fields["other_port"] = 465
    else:
        fields.setdefault("other_port", "587 or 465")
    return fields


def _excerpt(text: str, matched: str, around: int = 40) -> str:
    """The part of the text that tells, on one line, credentials masked.

    ``matched``: what it has to show, "" for the beginning. ``around`` 0: that alone.
    """
    lines = [_normal(line) for line in mask(text[:MAX_EVENT]).split("\n")]
    parts = [part.strip() for part in matched.split(" .. ")] if matched else [""]
    line = next((line for line in lines if parts[0] in line.lower()), None)
    if line is None:
        # What matched goes over a line's end, or masking took a part of it.
        line = " ".join(lines)
    low = line.lower()
    at = max(low.find(parts[0]), 0)
    end = at + len(parts[0])
    for part in parts[1:]:
        place = low.find(part, end)
        end = place + len(part) if place >= 0 else end
    if not around:
        return line[at:end][:_MAX_EXCERPT]
    start = 0 if at <= around else line.find(" ", at - around, at) + 1 or at
    piece = line[start : start + _MAX_EXCERPT].rstrip()
    return piece if start + _MAX_EXCERPT >= len(line) else f"{piece}..."


def _nearest(text: str) -> Sequence[str]:
    """Causes whose known texts share their rare words with this one; none for a text that is no error at all."""
    low = _normal(text).lower()[:4096]
    if not _ERROR_WORDS.search(low):
        return ()
    words = set(_WORD.findall(low))
    weights, vectors = _vocabulary()
    scores: dict[str, float] = {}
    for cause, vocabulary in vectors:
        shared = words & vocabulary
        score = sum(weights[word] for word in shared) / sum(weights[word] for word in vocabulary)
        if len(shared) > 1 and score > scores.get(cause, _NEAR):
            scores[cause] = score
    return sorted(scores, key=lambda cause: -scores[cause])[:_MAX_CANDIDATES]


@functools.lru_cache(maxsize=1)
def _vocabulary() -> tuple[dict[str, float], list[tuple[str, frozenset[str]]]]:
    """The weight of each word of the rules, the rarer the heavier, and the words of each rule."""
    vectors = [(rule.cause, frozenset(word for part in rule.parts for word in _WORD.findall(part) if len(word) > 2)) for rule in RULES]
    vectors = [(cause, words) for cause, words in vectors if words]
    counts = Counter(word for _cause, words in vectors for word in words)
    return {word: math.log(len(vectors) / count) for word, count in counts.items()}, vectors


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

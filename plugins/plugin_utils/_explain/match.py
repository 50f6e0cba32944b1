# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One text and what is known of it: the matching rules, the surest first.

Every rule is indexed by its longest word, so a text is compared only with the few rules whose word it has.
"""

from __future__ import annotations

import functools
import math
import re
import typing as t
from collections import Counter
from collections.abc import Iterable, Sequence, Set

from .rules import CONFIDENCES, NOISE, RULES, STAGES, VAGUE, Rule
from .log_events import MAX_EVENT
from .provider_texts import PROVIDER_TEXTS, ProviderText
from .status_codes import Meaning, Status, find_status, meaning

__all__ = ("MAX_CANDIDATES", "Explained", "Match", "Read", "explain_event", "fits", "nearest", "one_line", "provider_text", "stage_of_command")

MAX_CANDIDATES = 5
_OWN_WORDS = 1000  # weight of a provider's own words beside the same words of anyone
_NEAR = 0.5  # the part of a known text, by the weight of its words, that a text must have to be near it


class Match(t.NamedTuple):
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


class Explained(t.NamedTuple):
    """One event and the best match, None where nothing is known of it."""

    text: str
    best: Match | None
    others: tuple[Match, ...]
    status: Status | None
    known: bool  # False: it looks like an error of mail, but no text is known
    vague: Rule | None  # a known text that hides the cause


class Read(t.NamedTuple):
    """An event's text on one line, the same in lower case, and its words."""

    text: str
    norm: str
    low: str
    words: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Read:
        """Read the text once."""
        norm = one_line(text)
        low = norm.lower()
        return cls(text, norm, low, frozenset(_WORD.findall(low)))

    @property
    def is_mail(self) -> bool:
        """Is it about mail at all? Other lines of a log fail with the same words: "connection refused" by a database, say."""
        return not self.words.isdisjoint(_MAIL_WORDS) or any(part in self.low for part in _MAIL_PARTS) or bool(_ENHANCED_REPLY.search(self.low))


def explain_event(read: Read, stage: str) -> Explained:
    low = read.low
    status = find_status(read.norm)
    stage = _stage_of_text(low) or stage
    matches = [
        Match(rule.cause, rule.variant, rule.confidence, " .. ".join(rule.parts), rule.also, rule.note, rule.echo, None, sum(map(len, rule.parts)))
        for rule in _RULE_INDEX.candidates(read.words)
        if _holds(rule.parts, low)
    ]
    matches += [
        # A provider's own words beat the same words of anyone.
        Match(row.cause, row.variant, "certain", " .. ".join(row.parts), (), "", "", row, _OWN_WORDS + sum(map(len, row.parts)))
        for row in _PROVIDER_INDEX.candidates(read.words)
        if _holds(row.parts, low) and (not row.stages or not stage or stage in row.stages)
    ]
    if status is not None:
        said = meaning(status, stage)
        if said is not None:
            matches.append(_of_status(said, status))
        if status.temporary:
            matches = [_later(match) for match in matches]
    if matches:
        if _CLEARTEXT_PORT.search(low):
            matches = [_late(match) for match in matches]
        matches.sort(key=lambda match: match.rank)
        return Explained(read.text, matches[0], tuple(matches[1:]), status, True, None)
    vague = next((rule for rule in VAGUE if rule.parts[0] in low), None)
    known = any(noise in low for noise in NOISE) or not _ERROR_WORDS.search(low)
    return Explained(read.text, None, (), status, known, vague)


def _later(match: Match) -> Match:
    """A refusal with a 4xx code is for now only, whatever words stand beside it."""
    if match.cause in ("sender_rejected", "recipient_rejected", "message_rejected") and match.hint is None and match.variant != "auth_required":
        return match._replace(cause="temporarily_rejected", variant="", note="")
    return match


def _late(match: Match) -> Match:
    """Silence on a port that by convention starts in cleartext: rather a relay that does not greet than one that waits for TLS."""
    if match.variant != "implicit_spoken" or match.confidence != "likely":
        return match
    return match._replace(cause="greeting_timeout", variant="", confidence="possible", also=("mode_mismatch", "connection_closed"), note="")


def _of_status(said: Meaning, status: Status) -> Match:
    return Match(said.cause, said.variant, said.confidence, status.words.lower(), said.also, said.note, "", None, 0)


# Control characters as logs write them, typographic quotes as plain ones.
_PLAIN = str.maketrans(
    {
        **{chr(code): f"\\x{code:02x}" for code in (*range(1, 9), *range(14, 28), 127)},
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00a0": " ",
        "\x00": " ",
    }
)


def one_line(text: str) -> str:
    """On one line, single blanks, plain quotes."""
    return " ".join(text[:MAX_EVENT].translate(_PLAIN).replace('\\"', '"').split())


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
        self._rows: tuple[_Row, ...] = tuple(rows)
        self._by_word: dict[str, list[int]] = {}
        for number, row in enumerate(self._rows):
            words = [word for part in row.parts for word in _WORD.findall(part)]
            self._by_word.setdefault(max(words, key=len), []).append(number)

    def candidates(self, words: Set[str]) -> list[_Row]:
        """Rows that may match a text with these lower-case words, in the order of the table."""
        return [self._rows[number] for number in sorted(number for word in words & self._by_word.keys() for number in self._by_word[word])]


_RULE_INDEX = _Index(RULES)
_PROVIDER_INDEX = _Index(PROVIDER_TEXTS)


def provider_text(low: str, stage: str) -> ProviderText | None:
    """The longest provider's text that this lower-case line has and that fits the stage."""
    rows = [row for row in _PROVIDER_INDEX.candidates(set(_WORD.findall(low))) if (not row.stages or stage in row.stages) and _holds(row.parts, low)]
    return max(rows, key=lambda row: sum(map(len, row.parts)), default=None)


_MAIL_PARTS = ("smtp", "mail", "starttls")
_MAIL_WORDS = frozenset("greeting ehlo helo rcpt postfix exim exim4 sasl recipients relay mx 465 587 2465 2525 2587 1025".split())
_ENHANCED_REPLY = re.compile(r"(?<!\d)[245]\d\d[ -][245]\.\d\.\d")
_OTHER_SERVICE = re.compile(r":(?:5432|3306|6379|27017|443|80|8080|8443|9200|5672|11211|2375|389|636|22)\b")
_CLEARTEXT_PORT = re.compile(r"(?:[a-z\]]:|\bport[ =:\"']{1,3})(?:25|587|2525|2587)\b")
_ERROR_WORDS = re.compile(r"error|fail|rejected|rejects|denied|refus|timed out|unable|cannot|could not|exception|invalid|[\s(:\"'][45]\d\d[ -][45]\.\d")


def fits(match: Match, text: str) -> bool:
    """A line that names another service's port and not mail's is not about mail."""
    return match.hint is not None or not (_OTHER_SERVICE.search(text) and not re.search(r"smtp|mail", text, re.IGNORECASE))


_COMMAND = re.compile(
    r"\s{0,4}(?:[~=*-]{1,3}>|>{1,3}|C:|send:|SMTP>{1,2}|CLIENT -> SERVER:) {0,4}b?['\"]?(EHLO|HELO|LHLO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|\.)(?![A-Za-z])",
    re.IGNORECASE,
)
_CONNECTED = re.compile(r"(?:===|\*) Connected to ")
_STAGE_OF = {
    "ehlo": "ehlo",
    "helo": "ehlo",
    "lhlo": "ehlo",
    "starttls": "starttls",
    "auth": "auth",
    "mail from": "mail",
    "rcpt to": "rcpt",
    "data": "data",
    ".": "data",
}


def stage_of_command(text: str) -> str:
    """The stage that a client's line of a dialogue begins, "" where the line is none."""
    found = _COMMAND.match(text)
    if found:
        return _STAGE_OF[found.group(1).lower()]
    return "greeting" if _CONNECTED.match(text) else ""


def _stage_of_text(low: str) -> str:
    return next((stage for stage, texts in STAGES if any(text in low for text in texts)), "")


def nearest(text: str) -> Sequence[str]:
    """Causes whose known texts share their rare words with this one; none for a text that is no error at all."""
    low = one_line(text).lower()[:4096]
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
    return sorted(scores, key=lambda cause: -scores[cause])[:MAX_CANDIDATES]


@functools.lru_cache(maxsize=1)
def _vocabulary() -> tuple[dict[str, float], list[tuple[str, frozenset[str]]]]:
    """The weight of each word of the rules, the rarer the heavier, and the words of each rule."""
    vectors = [(rule.cause, frozenset(word for part in rule.parts for word in _WORD.findall(part) if len(word) > 2)) for rule in RULES]
    vectors = [(cause, words) for cause, words in vectors if words]
    counts = Counter(word for _cause, words in vectors for word in words)
    return {word: math.log(len(vectors) / count) for word, count in counts.items()}, vectors

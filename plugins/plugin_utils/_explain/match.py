# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One text and what is known of it: the matching rules, the surest first.

Every rule is indexed by its longest word, so a text is compared only with the few rules whose word it has. Of an
exception with a cause below it, the deepest that is known counts.
"""

from __future__ import annotations

import bisect
import functools
import math
import re
import typing as t
from collections import Counter
from collections.abc import Sequence

from .about_mail import Topic, announces, may_be_mail, topic
from .log_events import without_host
from .normal import normal
from .plain_words import plain_words, sends_off
from .provider_texts import PROVIDER_INDEX, ProviderText
from .refusals import NO_CODE, refusal
from .rule import CONFIDENCES, Rule
from .spelling import fold, one_line, spaced, spellings
from .stages import named_stage, stage_of_text
from .status_codes import ANSWERS_AUTH, Meaning, Status, find_status, meaning
from .texts import NOISE, RULES, VAGUE
from .word_index import WORD, WordIndex, end_of, words_of

__all__ = ("MAX_CANDIDATES", "Explained", "Match", "Read", "explain_event", "nearest")

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
    depth: int = 0  # how many exceptions lie above the words
    remedy: str = ""  # in place of that of the cause's row

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


class Read:
    """An event's text on one line, the same in lower case, and, when it is compared, in the spellings of the rules and its words."""

    def __init__(self, text: str, stamped: bool = False) -> None:
        self.text = text
        self.stamped = stamped  # a line of a log, which has lines of other things too

    @functools.cached_property
    def norm(self) -> str:
        """On one line."""
        return normal(self.text)

    @functools.cached_property
    def low(self) -> str:
        """In lower case."""
        return self.norm.lower()

    @functools.cached_property
    def is_mail(self) -> bool:
        """As its topic says. Most lines of a log are seen not to be about mail before they are compared."""
        return may_be_mail(self.text) and self.topic.is_mail

    @functools.cached_property
    def topic(self) -> Topic:
        """Is it about mail at all?"""
        text = without_host(self.text)
        norm = self.norm if text is self.text else normal(text)
        low = norm.lower()
        return topic(low, words_of(low) | words_of(spaced(_ACRONYM.sub(" ", norm)).lower()))

    @functools.cached_property
    def forms(self) -> tuple[str, ...]:
        """The text as rules are spelt."""
        return spellings(self.norm)

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """The words of all forms."""
        return frozenset().union(*map(words_of, self.forms))

    @functools.cached_property
    def complains_of_mail(self) -> bool:
        """Is it clear enough that a program says here what went wrong with mail, so that its own sentence may be read?"""
        if not self.stamped:
            return self.topic.mail > 0
        return self.topic.mail > 1 and _COMPLAINS.search(self.low) is not None

    @functools.cached_property
    def announces(self) -> bool:
        """Does it say that mail failed, so that the reason may stand in the next line?"""
        return announces(self.low)

    @property
    def tries(self) -> bool:
        """Does it say that mail is being sent, so that the next line of the same part may say how that ended?"""
        return _TRIES.search(self.low) is not None

    @property
    def fails(self) -> bool:
        """Does a program say here, at the level of an error, what went wrong?"""
        return _FAILS.search(self.low[:200]) is not None


# A name in capitals at the head of a longer one: OIDCAccessResource, LDAPException.
_ACRONYM = re.compile(r"(?<=[A-Z]{3})(?=[A-Z][a-z])")
_TRIES = re.compile(r"\b(?:sending|delivering|trying to (?:send|deliver)|about to send)\b.{0,30}\be?-?mail\b(?!-)")
_FAILS = re.compile(
    r"\b(?:err(?:or)?|fatal|crit(?:ical)?|warn(?:ing)?)\b|\.go:\d{1,5}: (?:eof|dial |x509: |tls: |read |write |[45]\d\d )"
)


# Where a deeper exception begins: Java, .NET, Rust's anyhow.
_DEEPER = re.compile(r"caused by:|nested exception is|(?<!-)-{3,4}> ")


def explain_event(read: Read, stage: str) -> Explained:
    """What is known of one event. ``stage``: that of the dialogue before it, "" where there is none."""
    status = find_status(read.norm)
    deeper = [[found.start() for found in _DEEPER.finditer(form)] for form in read.forms]
    matches = _by_rules(read, deeper)
    # Where the text names its stage matters only to what depends on it.
    providers = PROVIDER_INDEX.candidates(read.words)
    quoted = _QUOTED_REPLY.search(read.forms[0]) if status is None else None
    if status is not None or quoted or any(row.stages for row in providers):
        stage = stage_of_text(read.forms[0]) or stage
        if stage == "greeting" and status is not None and status.code == 454:
            stage = ""  # it answers STARTTLS or AUTH: the client names only what it was doing
    for row in providers:
        depth = _depth(row.parts, read.forms, deeper) if not row.stages or not stage or stage in row.stages else None
        if depth is not None:
            # A provider's own words beat the same words of anyone.
            weight = _OWN_WORDS + sum(map(len, row.parts))
            matches.append(
                Match(row.cause, row.variant, "certain", " .. ".join(row.parts), (), "", "", row, weight, depth)
            )
    if status is not None:
        words = _relays_words(read.forms[0], fold(status.words))
        matches = _beside_a_reply(matches, status, words)
        said = meaning(status, stage, words)
        # What probably follows from a refusal before it is told as that.
        follows = said is not None and said.confidence != "certain"
        if said is not None and not (
            follows and any(one.echo == "follow" and one.cause == said.cause for one in matches)
        ):
            matches.append(_of_status(said, status, _depth((fold(status.words),), read.forms, deeper) or 0))
    elif quoted or _ERROR_WORDS.search(read.low) or _REFUSES.search(read.low):
        granted = _GRANTED.match(read.forms[0]) is not None
        said = (
            refusal(False, read.forms[0][quoted.end() if quoted else 0 :][:_MAX_WORDS], NO_CODE)
            if not granted
            else None
        )
        # What a client adds to a reply that stands before it says nothing new.
        if said is not None and not any(match.echo and match.cause == said.cause for match in matches):
            depth = bisect.bisect(deeper[0], read.forms[0].rfind(said.matched)) if deeper[0] else 0
            matches.append(_of_status(said._replace(confidence="likely"), Status(0, "", said.matched), depth))
    if not matches and status is None and read.complains_of_mail and (plain := plain_words(read.forms[-1])) is not None:
        # Beside a line that says more it says nothing new.
        matches.append(_of_status(plain, Status(0, "", plain.matched), 0)._replace(echo="follow"))
    if matches:
        best, *others = _ranked(_in_their_place(matches, read, status, stage))
        return Explained(read.text, _doubted(best, others), tuple(others), status, True, None)
    vague = next((rule for rule in VAGUE if rule.parts[0] in read.forms[0]), None)
    known = any(noise in read.low for noise in NOISE) or not _ERROR_WORDS.search(read.low) or sends_off(read.low)
    return Explained(read.text, None, (), status, known, vague)


# .NET and Zend give a relay's words without their code.
_QUOTED_REPLY = re.compile(
    r"server response was: ?|die serverantwort war: ?|last server message was: ?|smtp(?:command)?exception: |protocol exception' with message '"
)


# A line of a dialogue in which the relay greets or agrees, whatever it calls itself ("Anti-spam").
_GRANTED = re.compile(r"(?:\W{1,6}|.{0,40}(?:< |s: |client: |inbound: \W?))?[23]\d\d[ -]")
# What a refusal says beside the words of any error.
_REFUSES = re.compile(
    r"exceed|reached|too (?:many|much|large|big|fast)|gr[ea]ylist|throttl|unknown|over ?quota|is full|try again"
    r"|\bis required (?:for this|to send|before)\b|\bover the limit\b"
    r"|\bspam\b|action not taken|\bdeferral\b|not (?:found|allowed|verified|permitted)"
)


def _by_rules(read: Read, deeper: Sequence[Sequence[int]]) -> list[Match]:
    matches = []
    for rule in _RULE_INDEX.candidates(read.words):
        depth = _depth(rule.parts, read.forms, deeper)
        if depth is not None:
            weight = sum(map(len, rule.parts))
            far = len(rule.parts) > 1 and rule.confidence == "certain" and _far_apart(rule.parts, read.forms)
            matches.append(
                Match(
                    rule.cause,
                    rule.variant,
                    "likely" if far else rule.confidence,
                    " .. ".join(rule.parts),
                    rule.also,
                    rule.note,
                    rule.echo,
                    None,
                    weight,
                    depth,
                    rule.remedy,
                )
            )
    return matches


_FAR = 200  # characters between two parts of a text that hardly belong to one sentence


def _far_apart(parts: Sequence[str], forms: Sequence[str]) -> bool:
    """Do the parts stand so far from each other that they may speak of two things?"""
    return not any(
        end_of(parts, form[max(0, at - _FAR) : at + _FAR * len(parts)]) >= 0
        for form in forms
        for at in (form.find(parts[0]), form.rfind(parts[0]))
        if at >= 0
    )


def _doubted(best: Match, others: Sequence[Match]) -> Match:
    """Never certain where the same text says something else as surely."""
    if best.confidence != "certain":
        return best
    against = [
        other
        for other in others
        if other.confidence == "certain"
        and other.cause != best.cause
        and other.depth == best.depth
        # Words that are a part of the longer ones say nothing of their own.
        and not (best.hint or other.matched in best.matched or other.weight < best.weight - _OWN_WORDS // 4)
    ]
    return best._replace(confidence="likely") if against else best


# What a client meets before or below the session: a reply that speaks of it speaks of the relay's own next hop, or of DNS.
_BELOW_SMTP = re.compile(r"connection_(?!closed)|no_route|name_|tls_handshake|certificate_|not_smtp|mode_mismatch")


def _beside_a_reply(matches: list[Match], status: Status, words: str) -> list[Match]:
    """What a reply's code leaves of what the words beside it mean. ``words``: the relay's own, from the code on."""
    if status.code in ANSWERS_AUTH:
        matches = [match for match in matches if match.hint or match.cause.startswith("auth_")]
    if status.code and not status.enhanced[2:].startswith("4."):  # X.4.y is about the network
        matches = [
            match._replace(confidence="possible")
            if match.confidence != "possible"
            and not match.hint
            and _BELOW_SMTP.match(match.cause)
            and end_of(match.matched.split(" .. "), words) >= 0
            else match
            for match in matches
        ]
    if not status.temporary:
        return matches
    return [
        _later(match)
        for match in matches
        if not (status.code == 421 and match.cause in _REFUSALS_OF_THE_CLIENT and not match.hint)
    ]


def _in_their_place(matches: list[Match], read: Read, status: Status | None, stage: str) -> list[Match]:
    """The same words mean another thing behind a command, on a port that starts in cleartext, and in a relay's own log."""
    # A code of the client's own is no answer (Postfix's dsn=4.4.2).
    unanswered = status is None or not status.code
    behind = _NO_ANSWER.get(named_stage(read.forms[0]) or stage) if unanswered else None
    if behind:
        matches = [_silence(match, behind) for match in matches]
    elif _READING.search(read.low):
        in_tls = _IN_TLS.search(read.low) is not None
        matches = [_unanswered(match, in_tls) for match in matches]
    if _CLEARTEXT_PORT.search(read.low):
        matches = [_late(match) for match in matches]
    if _ALL_OF_CONNECTING in read.low:
        also = ("tls_handshake_timeout", "greeting_timeout")
        matches = [
            match._replace(confidence="likely", also=also)
            if (match.cause, match.confidence) == ("connection_timeout", "certain")
            else match
            for match in matches
        ]
    if _IN_STARTTLS.search(read.low):
        matches = [_after_starttls(match) for match in matches]
    if _RELAYS_LOG.search(read.low):
        matches = [_from_the_other_side(match, read.low) for match in matches]
        if (asked := _ASKS.search(read.low)) is not None:
            matches = [_of_its_helper(match, asked) for match in matches]
    return matches


def _ranked(matches: list[Match]) -> list[Match]:
    """The deepest exception first, and of each the surest and longest."""
    tells = [match.depth for match in matches if match.confidence != "possible"]
    deepest = max(tells or [match.depth for match in matches])
    return sorted(matches, key=lambda match: (match.depth != deepest, match.rank))


_BEHIND_THE_WORDS = re.compile(
    r"\",\"| at [^()]{1,160}\([^()]{0,300}[:/]| at [\w/.]{1,200}:\d|\(in reply to |; from=<|\[stacktrace\]| ora \d| \{\"exception|[ ,]#\d "
)
_MAX_WORDS = 1000
_FIELD = re.compile(r"\bcode['\"]?\s?[:=]\s?['\"]?$")


def _relays_words(form: str, code: str) -> str:
    """What the relay said: from its code to where a stack trace or another field begins. What stands before it is the client's."""
    at = max(form.find(code), 0)
    if form[at - 2 : at] == "(#":
        # qmail puts the code behind its words
        return f"{code} {form[max(0, at - _MAX_WORDS) : at - 2]}"
    if _FIELD.search(form, max(0, at - 16), at) and "message: " not in form[at : at + 80]:
        # A field behind the message: "5.7.1 not you ... {code: '554'"
        end = _BEHIND_THE_WORDS.search(form)
        return f"{code} {form[: min(end.start() if end else at, _MAX_WORDS)]}"
    end = _BEHIND_THE_WORDS.search(form, at)
    return form[at : end.start() if end else at + _MAX_WORDS]


# A client says where it was refused; 421 says that it is for now.
_REFUSALS_OF_THE_CLIENT = ("greeting_rejected", "ehlo_rejected")


def _later(match: Match) -> Match:
    """A refusal with a 4xx code is for now only, whatever words stand beside it."""
    if (
        match.cause in ("sender_rejected", "recipient_rejected", "message_rejected")
        and match.hint is None
        and match.variant != "auth_required"
    ):
        return match._replace(cause="temporarily_rejected", variant="", note="")
    return match


# Silence in answer to a command: neither the network nor the greeting is late.
_NO_ANSWER = {
    "ehlo": ("ehlo_rejected", "no_answer"),
    "starttls": ("starttls_rejected", "no_answer"),
    "auth": ("auth_rejected", "no_answer"),
    **dict.fromkeys(("mail", "rcpt"), ("message_rejected", "not_sent")),
    "data": ("message_rejected", "unknown"),
}


def _silence(match: Match, behind: tuple[str, str]) -> Match:
    """A wait that was in vain, where the text names the command that got no answer."""
    silent = match.cause in ("connection_timeout", "greeting_timeout") or (
        match.variant == "implicit_spoken" and match.confidence == "likely"
    )
    # "timed out while performing the EHLO handshake" is not TLS's
    if not silent and (match.cause, behind[0]) != ("tls_handshake_timeout", "ehlo_rejected"):
        return match
    return match._replace(cause=behind[0], variant=behind[1], confidence="likely", also=("connection_closed",), note="")


_ALL_OF_CONNECTING = "timed out connecting to"  # aiosmtplib: over TLS that is the handshake too
# What the frames of .NET and Python say of a client that waited: it was reading, so the connection stood.
_READING = re.compile(r"unable to read data from the transport connection|\bnetworkstream\.read|, in getreply\b")
_IN_TLS = re.compile(r"sslstream|\bssl\.py\b")


def _unanswered(match: Match, in_tls: bool) -> Match:
    """A wait that was in vain on a connection that stood: no greeting came, and in cleartext perhaps because TLS is waited for."""
    if match.cause != "connection_timeout":
        return match
    if in_tls:
        also = ("tls_handshake_timeout", "connection_closed")
        return match._replace(cause="greeting_timeout", variant="", confidence="possible", also=also, note="")
    return match._replace(
        cause="mode_mismatch",
        variant="implicit_spoken",
        confidence="likely",
        also=("greeting_timeout", "connection_closed"),
        note="",
    )


def _late(match: Match) -> Match:
    """Silence on a port that by convention starts in cleartext: rather a relay that does not greet than one that waits for TLS."""
    if match.variant != "implicit_spoken" or match.confidence != "likely":
        return match
    return match._replace(
        cause="greeting_timeout",
        variant="",
        confidence="possible",
        also=("mode_mismatch", "connection_closed"),
        note="",
    )


# Frames and functions of clients in which TLS begins in a session that has begun in cleartext.
_IN_STARTTLS = re.compile(
    r", in starttls\b|\bstarttls failed\b|stream_socket_enable_crypto|`starttls'|#starttls'|\.starttls\(|convert socket to tls"
)


def _after_starttls(match: Match) -> Match:
    """Where the relay has taken STARTTLS, both sides agree on the mode: its TLS is one that the client does not know."""
    if match.variant != "cleartext_spoken" or match.confidence == "possible":
        return match
    return match._replace(
        cause="tls_handshake_failed",
        variant="",
        confidence="likely",
        also=("tls_version_unsupported", "mode_mismatch", "starttls_rejected"),
        note="The relay had taken STARTTLS, and what it then sent is no TLS that this client knows.",
    )


# Lines of a relay about its clients.
_RELAYS_LOG = re.compile(r"/smtpd\[\d|\bssl_accept\b")


# What a relay asks before it answers: a filter, what checks its logins, or (Postfix) a process of its own.
_ASKS = re.compile(
    r"\bconnect to (?:milter|policy) service\b|(?P<logins>\bcannot connect to saslauthd|\bsasl: connect to )"
    r"|\b(?:connect to (?=private/)|problem talking to s(?:ervice|erver) )"
    r"(?P<own>private/(?:anvil|tlsmgr|rewrite|proxymap|scache|verify|bounce|defer|trace|flush)\b)?"
)


def _of_its_helper(match: Match, asked: re.Match[str]) -> Match:
    """A filter of the relay's own that does not answer, or a process of it: no connection of its client's failed, and mail may wait."""
    if match.hint or not _BELOW_SMTP.match(match.cause):
        return match
    variant = "broken" if asked.group("own") or asked.group("logins") else "filter"
    confidence = "possible" if asked.group("own") else "likely"
    return match._replace(
        cause="temporarily_rejected", variant=variant, confidence=confidence, also=(), note="", echo="follow"
    )


_OF_THE_NETWORK = ("connection_timeout", "connection_reset", "connection_closed")
_LEFT_OR_SILENT = ("mode_mismatch", "tls_handshake_failed", "certificate_untrusted")


_SERVERS_VERSIONS = (
    "This is the relay's own log: let the client use a newer TLS, or the relay take the client's version (smtpd_tls_protocols in Postfix);"
    " whichever end is older is the one to change."
)


def _from_the_other_side(match: Match, low: str) -> Match:
    """What the relay's own log says of a client.

    "Wrong version number": it speaks cleartext where TLS is due, or an old or broken TLS. That it was silent or left
    during the handshake: it waits for a greeting, or did not accept the certificate. The network let it through.
    """
    if match.cause in _OF_THE_NETWORK and "ssl_accept" in low:
        silent = match.cause == "connection_timeout"
        if silent and ("smtps/" in low or "submissions/" in low):
            return match._replace(
                cause="mode_mismatch", variant="implicit_spoken", confidence="likely", also=("tls_handshake_timeout",)
            )
        cause = "tls_handshake_timeout" if silent else "tls_handshake_failed"
        return match._replace(cause=cause, variant="", confidence="possible", also=_LEFT_OR_SILENT)
    if match.cause == "tls_version_unsupported":
        return match._replace(remedy=_SERVERS_VERSIONS)
    if match.variant != "cleartext_spoken" or match.confidence != "certain":
        return match
    if "smtps/" in low or "submissions/" in low:
        return match._replace(
            variant="implicit_spoken", confidence="likely", also=("tls_version_unsupported", "tls_handshake_failed")
        )
    # Elsewhere TLS begins with STARTTLS only: both sides agree on the mode.
    return match._replace(
        cause="tls_handshake_failed",
        variant="",
        confidence="possible",
        also=("tls_version_unsupported", "certificate_untrusted", "mode_mismatch"),
        note="The relay saw no TLS, or none that it knows, where TLS was due.",
        echo="follow",
    )


def _of_status(said: Meaning, status: Status, depth: int) -> Match:
    return Match(
        said.cause,
        said.variant,
        said.confidence,
        fold(status.words),
        said.also,
        said.note,
        "",
        None,
        said.weight,
        depth,
    )


def _depth(parts: Sequence[str], forms: Sequence[str], deeper: Sequence[Sequence[int]]) -> int | None:
    """How deep in a chain of exceptions the parts stand, in this order; None where they do not occur."""
    for form, starts in zip(forms, deeper):
        at = end_of(parts, form)
        if at >= 0:
            return bisect.bisect(starts, form.rfind(parts[-1])) if starts else 0
    return None


_RULE_INDEX = WordIndex(RULES)


_CLEARTEXT_PORT = re.compile(r"(?:[a-z\]]:|\bport[ =:\"']{1,3})(?:25|587|2525|2587)\b")
_ERROR_WORDS = re.compile(
    r"error|fail|rejected|rejects|denied|refus|timed out|unable|cannot|could not|exception|invalid|[\s(:\"'][45]\d\d[ -][45]\.\d"
)


# What a program says of a failure, and the levels at which it does.
_COMPLAINS = re.compile(
    _ERROR_WORDS.pattern
    + r"|\b(?:err|eror|warn\w*|crit\w*|fatal|severe|unexpected\w*|not|expired|untrusted|mismatch|lost|dropped|hung up|too many|busy"
    r"|blocked|unreachable|unknown|wrong|bad)\b|n't\b"
)


def nearest(text: str) -> Sequence[str]:
    """Causes whose known texts share their rare words with this one; none for a text that is no error at all."""
    low = fold(one_line(text))[:4096]
    if not _ERROR_WORDS.search(low):
        return ()
    words = set(WORD.findall(low))
    weights, vectors = _vocabulary()
    scores: dict[str, float] = {}
    for cause, vocabulary, whole in vectors:
        shared = words & vocabulary
        score = sum(weights[word] for word in shared) / whole
        if len(shared) > 1 and score > scores.get(cause, _NEAR):
            scores[cause] = score
    return sorted(scores, key=lambda cause: -scores[cause])[:MAX_CANDIDATES]


@functools.lru_cache(maxsize=1)
def _vocabulary() -> tuple[dict[str, float], list[tuple[str, frozenset[str], float]]]:
    """The weight of each word of the rules, the rarer the heavier; of each rule its cause, its words and what all of them weigh."""
    vectors = [
        (rule.cause, frozenset(word for part in rule.parts for word in WORD.findall(part) if len(word) > 2))
        for rule in RULES
    ]
    vectors = [(cause, words) for cause, words in vectors if words]
    counts = Counter(word for _cause, words in vectors for word in words)
    weights = {word: math.log(len(vectors) / count) for word, count in counts.items()}
    return weights, [(cause, words, sum(weights[word] for word in words)) for cause, words in vectors]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reply codes and enhanced status codes: found in a text, and what a refusal means by its words, its codes and the stage, in this order.

This is the one table for what a probe meets and for what logs hold; the words are in refusals.

Reply codes: RFC 5321 section 4.2, RFC 4954 section 6, RFC 3207. Enhanced status codes: RFC 3463, RFC 4954, RFC 5248's registry
(RFC 6710, 7293, 7372, 7504, 7505, 8689).
"""

from __future__ import annotations

import re
import typing as t

from .refusals import Meaning, refusal
from .stages import ASIDE

__all__ = ("ANSWERS_AUTH", "Meaning", "Status", "find_status", "in_digits", "meaning")


class Status(t.NamedTuple):
    """``code`` is 0 where only an enhanced status code stands there, ``enhanced`` "" where only a reply code does."""

    code: int
    enhanced: str
    words: str = ""  # as they stand in the text

    @property
    def text(self) -> str:
        """As a relay would write it."""
        return f"{self.code or ''} {self.enhanced}".strip()

    @property
    def temporary(self) -> bool:
        """4xx or 4.y.z."""
        return self.enhanced.startswith("4") or (not self.enhanced and 400 <= self.code < 500)


# Codes that SMTP replies have; other numbers of three digits are ports, lines, milliseconds.
_CODES = frozenset(
    (
        421,
        422,
        430,
        431,
        432,
        435,
        441,
        442,
        446,
        447,
        449,
        450,
        451,
        452,
        453,
        454,
        455,
        458,
        459,
        471,
        500,
        501,
        502,
        503,
        504,
        510,
        511,
        512,
        513,
        515,
        517,
        520,
        521,
        523,
        525,
        530,
        533,
        534,
        535,
        538,
        541,
        550,
        551,
        552,
        553,
        554,
        555,
        556,
        557,
        571,
    )
)
# Replies to AUTH and to nothing else (RFC 4954 section 6).
ANSWERS_AUTH = (432, 534, 535)
_BOTH = re.compile(r"(?<![\d.])([45]\d\d)[ -]{1,2}[#\"{]?\(?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
# A code by itself counts only where something says that it is a reply.
_ALONE = re.compile(
    r"[45]\d\d(?! \[net::| smtp connection broken|(?<=500) internal server error|(?<=502) bad gateway|(?<=50[34]) (?:service \w*|gateway)| request=<)"
    r"(?=[ -][^\d:]|-\d{1,3}\.\d{1,3}\.\d| ?: |['\",)]|$)"
    r"(?! ?(?:ms|s|sec|secs|seconds|bytes|kb|mb|times|messages|mails|items|users|lines|px)\b)",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"(?:(?:said|responded|response|replied|reply|returned|error|code|login|failed|rejected|refused|denied|greeting|starttls|dial|hello|banner"
    r"|status|exception|encountered|email \d{1,4}|server|client|message|smtp|got|with|on|ehlo|helo"
    r"|fehler|fehlercode|erreur|errore|erro|fout|błąd|chyba|hatası|ошибка|错误|エラー)"
    r"['\"\]]?(?: ?[:=(] ?|,? )b?['\"]?| -- |[>\]]: |=> |[(\[]b?['\"]?|(?:, |<<)['\"]|<\*\* |<~\* |<- {1,2}|<~ {1,2}|smtp<< |smtp; |[sc]: |< "
    r"|\b(?:ehlo|helo)\. |\bdata: )\Z",
    re.IGNORECASE,
)
# Behind a colon, a relay's words begin with a capital.
_WORDS_FOLLOW = re.compile(r"[ -][A-Z<]")
_BEFORE = 24  # characters that this needs at most
# The line of a file in PHP's stack traces, and what an app answered its own client.
_NO_REPLY = re.compile(
    r"\.(?:php|inc|module)\(\Z|http[_ ]?(?:status)?[_ ]?(?:code)?['\"]? ?[:=] ?['\"]?\Z", re.IGNORECASE
)
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d\.\d{1,3})(?![\d.]*\d)")
# What the next pattern needs, quicker to look for.
_MAYBE_ENHANCED = re.compile(r"[45]\.\d{1,3}\.\d")
_MAY_BE = re.compile(r"(?<!\d)[45](?:\d\d(?!\d)|\.\d{1,3}\.)")
_DSN = re.compile(
    # MailKit and System.Net.Mail write the code by its name
    r"(?:^|\b(?:ServiceNotAvailable|Mailbox(?:Busy|Unavailable|NameNotAllowed)|ErrorInProcessing|InsufficientStorage|TransactionFailed"
    r"|Authentication(?:Required|MechanismTooWeak|InvalidCredentials)|TemporaryAuthenticationFailure|ExceededStorageAllocation): "
    r"|@[\w.-]{1,255}>?: ?|protocol\\{1,2}exception\\{1,2}runtimeexception: |\bdsn=|status[=:] ?|enhanced(?: status)?(?: code)?[=:]? ?|#|\("
    r"|\b(?:e?-?mail|sent|send|data|from|to|auth|failed|rejected|refused|error|instead|said|server|was|respond(?:s|ed)|response"
    r"|repl(?:y|ies|ied)|reason): {1,3}\"?(?=[\d.]+ [a-z<(]))"
    r"([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)",
    re.IGNORECASE,
)


def find_status(text: str) -> Status | None:
    """The first 4xx or 5xx reply of a text on one line, None where there is none."""
    if not _MAY_BE.search(text):
        return _sentence(text)
    found = _BOTH.search(text)
    if found and int(found.group(1)) in _CODES:
        return Status(int(found.group(1)), found.group(2), found.group())
    alone = _alone(text)
    enhanced = _DSN.search(text) or _ENHANCED.search(text) if _MAYBE_ENHANCED.search(text) else None
    code = int(alone) if int(alone or 0) in _CODES else 0
    if not code and not enhanced:
        return _sentence(text)
    # A version number has three parts too: alone it counts only where it stands as a status.
    if not code and enhanced and enhanced.re is _ENHANCED:
        return None
    said = None if code else _sentence(text)
    if said is not None:
        code = said.code  # .NET has a sentence of its own for the code, and then the relay's words
    detail = enhanced.group(1) if enhanced and (not code or enhanced.group(1)[0] == str(code)[0]) else ""
    words = alone if code and said is None else detail or (said.words if said else "")
    return Status(code, detail, words)


# RFC 5321's own sentences (section 4.2.3), which some clients print without the code.
_SENTENCES = {
    "a password transition is needed": 432,
    "temporary authentication failure": 454,
    "command not implemented": 502,
    "authentication mechanism is too weak": 534,
    "encryption required for requested authentication mechanism": 538,
    "service not available, closing transmission channel": 421,
    "requested mail action not taken: mailbox unavailable": 450,
    "requested action aborted: local error in processing": 451,
    "requested action not taken: insufficient system storage": 452,
    "syntax error, command unrecognized": 500,
    "syntax error in parameters or arguments": 501,
    "bad sequence of commands": 503,
    "command parameter not implemented": 504,
    "requested action not taken: mailbox unavailable": 550,
    "requested mail action aborted: exceeded storage allocation": 552,
    "requested action not taken: mailbox name not allowed": 553,
    "parameters not recognized or not implemented": 555,
}
_MAYBE_SENTENCE = re.compile(
    r"not available, closing|requested |syntax error|bad sequence"
    r"|not implemented|password transition|temporary auth|too weak",
    re.IGNORECASE,
)


def _sentence(text: str) -> Status | None:
    if not _MAYBE_SENTENCE.search(text):
        return None
    low = text.lower()
    return next((Status(code, "", words) for words, code in _SENTENCES.items() if words in low), None)


# lettre's Debug form names the three digits.
_NAMED_DIGITS = re.compile(r"\bseverity: (\w{1,40}), category: (\w{1,20}), detail: (\w{1,6}),?")
_DIGIT_NAMES = {
    "TransientNegativeCompletion": "4",
    "PermanentNegativeCompletion": "5",
    "Syntax": "0",
    "Information": "1",
    "Connections": "2",
    "Unspecified3": "3",
    "Unspecified4": "4",
    "MailSystem": "5",
    **{name: str(digit) for digit, name in enumerate("Zero One Two Three Four Five Six Seven Eight Nine".split())},
}


def in_digits(norm: str) -> str:
    """The text with a reply code that is given by names as a number."""
    if "severity: " not in norm:
        return norm
    return _NAMED_DIGITS.sub(
        lambda found: "code: " + "".join(_DIGIT_NAMES.get(name, "?") for name in found.groups()), norm
    )


def _alone(text: str) -> str:
    """The first code that stands at the beginning or behind something that says that it is a reply; "" where none does."""
    for found in _ALONE.finditer(text):
        at = found.start()
        before = text[max(0, at - _BEFORE) : at]
        says_so = _SAYS_SO.search(before) or (before.endswith(": ") and _WORDS_FOLLOW.match(text, found.end()))
        if not at or (says_so and not _NO_REPLY.search(before)):
            return found.group()
    return ""


# A limit in the words of a login that is refused for good: waiting alone does not make a wrong password right.
_TOO_MANY_LOGINS = re.compile(r"too many .{0,20}(?:log ?in|auth|attempt|fail)", re.IGNORECASE)
# What the words of a refused login may speak of instead.
_NOT_THE_PASSWORD = ("auth_rejected", "auth_mechanism_not_offered", "greeting_rejected", "client_certificate_required")
_RECIPIENT = Meaning("recipient_rejected")
_SENDER = Meaning("sender_rejected")
_MESSAGE = Meaning("message_rejected")
_LATER = Meaning("temporarily_rejected")
_LOGIN = Meaning("auth_rejected", "", "certain")
_NEEDS_LOGIN = Meaning("sender_rejected", "auth_required", "likely")
_NEEDS_TLS = Meaning("auth_requires_tls", "", "likely")

# subject.detail of an enhanced status code, whatever its class and the stage
_ENHANCED_MEANING: dict[str, Meaning] = {
    **dict.fromkeys(("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.10", "2.1", "2.2", "2.4", "7.17"), _RECIPIENT),
    **dict.fromkeys(("1.7", "1.8"), _SENDER),
    **dict.fromkeys(
        (
            "2.3",
            "3.4",
            "1.9",
            "6.0",
            "6.1",
            "6.2",
            "6.3",
            "6.4",
            "6.5",
            "6.6",
            "6.7",
            "6.8",
            "6.9",
            "6.10",
            "7.16",
            "7.20",
            "7.21",
            "7.22",
            "7.23",
            "7.24",
            "7.25",
            "7.26",
            "7.29",
            "7.30",
        ),
        _MESSAGE,
    ),
    **dict.fromkeys(("7.8", "7.9", "7.12", "7.13", "7.14", "5.6"), _LOGIN),
    **dict.fromkeys(("7.10", "7.11"), Meaning("auth_requires_tls", "", "certain")),
    **dict.fromkeys(("7.15", "7.28", "3.1", "3.2"), _LATER),
    "5.3": _RECIPIENT,
}
# What a stage of the dialogue makes of a refusal: (permanent, temporary)
_BY_STAGE: dict[str, tuple[Meaning, Meaning]] = {
    "greeting": (Meaning("greeting_rejected", "", "certain"), Meaning("greeting_rejected", "", "certain")),
    "ehlo": (
        Meaning("ehlo_rejected", "", "certain"),
        Meaning("temporarily_rejected", "", "likely", ("ehlo_rejected",)),
    ),
    "starttls": (Meaning("starttls_rejected", "", "certain"), Meaning("starttls_rejected", "", "certain")),
    "auth": (Meaning("auth_rejected", "", "likely"), Meaning("auth_rejected", "temporary", "likely")),
    "mail": (Meaning("sender_rejected", "", "certain"), Meaning("temporarily_rejected", "", "certain")),
    "rcpt": (Meaning("recipient_rejected", "", "certain"), Meaning("temporarily_rejected", "", "certain")),
    "data": (Meaning("message_rejected", "", "certain"), Meaning("temporarily_rejected", "", "certain")),
}
_BY_CODE: dict[int, Meaning] = {
    421: Meaning("temporarily_rejected", "", "likely", ("greeting_rejected",)),
    432: _LOGIN,
    435: Meaning("auth_rejected", "temporary", "likely"),
    454: Meaning(
        "starttls_rejected",
        "",
        "possible",
        ("auth_rejected",),
        "454 answers STARTTLS (TLS not available) or AUTH (login cannot be checked now).",
    ),
    530: Meaning(
        "sender_rejected",
        "auth_required",
        "likely",
        ("auth_requires_tls",),
        "530 asks for a login, or for STARTTLS before it.",
    ),
    534: _LOGIN,
    535: _LOGIN,
    538: Meaning("auth_requires_tls", "", "certain"),
    500: Meaning(
        "ehlo_rejected",
        "",
        "possible",
        ("starttls_not_offered", "auth_not_offered"),
        "The relay did not know the command; the text does not say which one.",
    ),
    501: Meaning(
        "ehlo_rejected",
        "",
        "possible",
        ("sender_rejected", "recipient_rejected", "auth_rejected"),
        "The relay could not read the name or the address behind a command; the text does not say which one.",
    ),
    502: Meaning(
        "starttls_not_offered",
        "",
        "possible",
        ("auth_not_offered", "ehlo_rejected"),
        "The relay does not have the command; the text does not say which one.",
    ),
    503: Meaning(
        "auth_not_offered",
        "",
        "possible",
        ("auth_requires_tls", "sender_rejected"),
        "The relay did not expect the command now; the text does not say which one.",
    ),
    504: Meaning("auth_mechanism_not_offered", "", "possible", ("ehlo_rejected",)),
    521: Meaning("greeting_rejected", "", "likely"),
    523: Meaning("auth_requires_tls", "", "possible", ("message_rejected",)),
    510: _RECIPIENT,
    511: _RECIPIENT,
    512: _RECIPIENT,
    513: _RECIPIENT,
    551: _RECIPIENT,
    556: _RECIPIENT,
    550: Meaning(
        "recipient_rejected",
        "",
        "possible",
        ("sender_rejected", "message_rejected", "ehlo_rejected", "greeting_rejected"),
        "The text does not say which command was refused.",
    ),
    541: _MESSAGE,
    552: Meaning("message_rejected", "", "possible", ("recipient_rejected",)),
    553: Meaning("sender_rejected", "", "possible", ("recipient_rejected",)),
    554: Meaning(
        "message_rejected",
        "",
        "possible",
        ("greeting_rejected", "recipient_rejected", "sender_rejected"),
        "The text does not say which command was refused.",
    ),
    571: _MESSAGE,
}
# The first digits of an enhanced status code: the last resort
_BY_SUBJECT: dict[str, Meaning] = {
    "1": Meaning("recipient_rejected", "", "possible", ("sender_rejected",)),
    "2": Meaning("recipient_rejected", "", "possible"),
    "3": Meaning("message_rejected", "", "possible", ("temporarily_rejected",)),
    "4": Meaning("recipient_rejected", "", "possible"),
    "5": Meaning("message_rejected", "", "possible", ("ehlo_rejected",)),
    "6": Meaning("message_rejected", "", "possible"),
    "7": Meaning(
        "message_rejected",
        "",
        "possible",
        ("sender_rejected", "recipient_rejected", "greeting_rejected", "ehlo_rejected", "auth_rejected"),
        "A policy of the relay refused it.",
    ),
}


_ASKS_ONLY = re.compile(r"\b(?:vrfy|expn)\b", re.IGNORECASE)  # commands that no mail depends on


def meaning(status: Status, stage: str = "", words: str = "") -> Meaning | None:
    """What a refusal means at a stage (greeting, ehlo, starttls, auth, mail, rcpt, data, or "" where it is not known).

    ``words`` are those of the reply, on one line. Gives None where neither words nor code and stage tell.
    """
    found = _meaning(status, stage, words)
    wants_tls = found is not None and found.cause == "auth_requires_tls" and stage in _ALL_REFUSED
    return t.cast(Meaning, found)._replace(variant="mail") if wants_tls else found


def _meaning(status: Status, stage: str, words: str) -> Meaning | None:
    code, enhanced = status.code, status.enhanced
    detail = enhanced[2:]
    if stage == ASIDE or (code == 502 and _ASKS_ONLY.search(words)):
        return None
    if not code and (detail.startswith("4") or detail == "0.0"):
        # The client's own word for a network that failed (Postfix's dsn=4.4.1), or for anything: the words beside it say how.
        return None
    if detail == "4.1":
        # Exchange's connector puts a code of its own beside its word for that.
        return _LATER._replace(confidence="possible", also=("connection_timeout", "connection_refused"))
    # An enhanced code alone is the client's own (Postfix's dsn=), and so are the words beside it.
    own = code or stage or words.startswith(f"{enhanced} ")
    said = refusal(status.temporary, f"{enhanced} {words}", stage) if own else None
    # These answer a command of their own, whatever the text beside them names.
    if code in ANSWERS_AUTH and said is not None and stage == "auth" and said.cause in _NOT_THE_PASSWORD:
        return said
    if code in ANSWERS_AUTH and said is not None and stage in ("mail", "rcpt", "data"):
        return said
    if code in ANSWERS_AUTH and said is not None and _TOO_MANY_LOGINS.search(said.matched):
        return Meaning("auth_rejected", "attempts", "certain")
    if code == 432 and stage in ("mail", "rcpt", "data"):
        return _by_code_and_stage(status, stage)  # RFC 4954 gave it to AUTH; Courier says it of any service
    if code in ANSWERS_AUTH or (code == 504 and detail == "7.4"):
        return _BY_CODE[code] if code != 504 else Meaning("auth_mechanism_not_offered", "", "certain")
    if said is not None:
        in_greeting = code == 421 and stage in ("", "greeting") and said.cause == "temporarily_rejected"
        return said._replace(also=("greeting_rejected",)) if in_greeting else said
    if code == 421 or (status.temporary and stage == "greeting"):
        return _not_now(stage, words)
    if code == 530:
        # In answer to STARTTLS it can ask for no TLS.
        policy = Meaning("starttls_rejected", "policy", "likely")
        return _NEEDS_LOGIN if stage == "rcpt" else policy if stage == "starttls" else _BY_CODE[530]
    if code == 538:
        return _BY_CODE[538]
    if stage == "auth" and code == 501:
        # RFC 4954 section 4: what the client sent cannot be read; relays refuse logins so as well.
        return Meaning("auth_rejected", "", "likely", ("auth_not_offered", "auth_mechanism_not_offered"))
    if stage == "auth" and code in (500, 502, 503, 504):
        return (
            Meaning("auth_mechanism_not_offered", "", "likely")
            if code == 504
            else Meaning("auth_not_offered", "", "likely", ("auth_rejected", "auth_requires_tls"))
        )
    if stage == "starttls" and code in (550, 554):
        return Meaning("starttls_rejected", "policy", "certain")
    if stage == "starttls" and code in (501, 503, 504):
        return Meaning("starttls_rejected", "no_answer", "likely")
    if stage == "starttls" and code in (500, 502):
        return Meaning("starttls_not_offered", "", "likely", ("starttls_rejected",))
    return _by_code_and_stage(status, stage)


def _at_stage(status: Status, stage: str) -> Meaning:
    """What a refusal without known words is about: hardly anything but the stage's own where the code says no more."""
    said = _BY_STAGE[stage][status.temporary]
    if status.temporary:
        return said
    if stage == "greeting":
        return said if status.code in (421, 521, 554) else said._replace(confidence="likely", also=("ehlo_rejected",))
    # X.1.y is about addresses and X.2.y about mailboxes; a policy (X.7.y) or no code can have anything against it.
    if stage in _ALL_REFUSED and status.enhanced[2:3] not in ("1", "2"):
        return said._replace(
            confidence="likely", also=tuple(code for code in _ALL_REFUSED.values() if code != said.cause)
        )
    return said


_ALL_REFUSED = {"mail": "sender_rejected", "rcpt": "recipient_rejected", "data": "message_rejected"}
_REFUSES_ADDRESS = re.compile(
    r"not (?:allowed|permitted|welcome|accepted)|denied|block|banned|unauthori[sz]ed|listed|reject|refuse|unwelcome",
    re.IGNORECASE,
)


def _not_now(stage: str, words: str) -> Meaning:
    """421 (RFC 5321 section 3.8): the service is not available now; in a greeting its words may say that it is this client's address."""
    if stage in ("mail", "rcpt", "data"):
        return Meaning("temporarily_rejected", "", "certain")
    if stage in ("", "greeting") and _REFUSES_ADDRESS.search(words):
        return Meaning("greeting_rejected", "", "likely", ("temporarily_rejected",))
    return Meaning("temporarily_rejected", "", "likely", ("greeting_rejected",) if stage in ("", "greeting") else ())


def _by_code_and_stage(status: Status, stage: str) -> Meaning | None:
    code, detail = status.code, status.enhanced[2:]
    special = _ENHANCED_MEANING.get(detail)
    if special is not None and status.temporary and special.cause not in ("auth_rejected", "auth_requires_tls"):
        special = None
    if stage in _BY_STAGE:
        # What an enhanced status code says of sender, recipient or message outranks the command that was answered.
        told = (
            special is not None
            and stage in ("mail", "rcpt", "data")
            and special.cause.endswith("_rejected")
            and special is not _LOGIN
        )
        return t.cast(Meaning, special)._replace(confidence="certain") if told else _at_stage(status, stage)
    if special is not None:
        return special
    if status.temporary and not code and not stage:
        return _LATER._replace(confidence="possible")
    if status.temporary:
        return _BY_CODE.get(code, _LATER) if code in (421, 435, 454) else _LATER
    if code in _BY_CODE and (not status.enhanced or detail == "0.0" or code not in (550, 552, 553)):
        return _BY_CODE[code]
    if detail:
        return _BY_SUBJECT.get(detail[0], _BY_CODE.get(code))
    return _BY_CODE.get(code)

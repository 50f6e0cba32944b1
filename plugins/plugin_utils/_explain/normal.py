# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text as it is compared: on one line, in English, and without what says nothing of the failure (advice, settings, bytes, envelopes)."""

from __future__ import annotations

import re

from .in_english import in_english
from .log_events import unescaped
from .spelling import one_line
from .status_codes import in_digits

__all__ = ("normal",)


def normal(text: str) -> str:
    """The text on one line, in English, without what stands in it and says nothing of this failure."""
    return _without_advice(_without_bytes(in_digits(in_english(one_line(unescaped(text))))))


# MailKit's lists of all that may be the reason: what is really the reason stands before or behind them.
_ADVICE = re.compile(
    r"(?:This usually means that the|The) SSL certificate presented by the server is not trusted by the system.{0,2000}?(?=See https|--->|$)"
)


# dma lists what the relay has, in every healthy session too.
_WHAT_IT_HAS = re.compile(
    r"\bdma\[[\w.]{1,40}\]: Server (?:supports|does not support) (?:STARTTLS|[\w-]{1,20} authentication)"
)


# A limit that a program lists among its settings, and not one that has passed.
_LIMIT_SET = re.compile(
    r"timed out waiting for (?:a )?(?:free )?conn\w* in (?:the )?pool|\b[gs]et_\w{0,40}timeout\("
    r"|\b(?:connect(?:ion)?|socket|read|write) ?timeout['\"]?[ =:]{1,3}\d{1,9}(?=[,;}\]])"
    r"|\bset (?:\w{1,12} ){1,3}timeout (?:to )?\d{1,9}|(?<![\w.])[\w.]{1,40}timeout=\d{1,9}",
    re.IGNORECASE,
)


# Exchange's connector puts a code of its own before what the relay said.
_EXCHANGE_SAYS = re.compile(
    r"\b4\d\d 4\.4\.\d{1,3} (?=Primary target IP address responded with: \W?[45]\d\d[ -])"
    r"|\b4\d\d 4\.[24]\.\d{1,3} (?=(?:Unable|Failed) to connect\b)",
    re.IGNORECASE,
)


# The name that JavaScript looked up where there was nothing: a fault in the program, whatever the name.
_LOOKED_UP = re.compile(r"\(reading '[^']{1,80}'\)")


# An ordered end: the client has said all that it had to say.
_HALF_CLOSED = re.compile(r"\bhalf[ -]closed connection\b", re.IGNORECASE)


# What a program goes on without, as it says when it starts.
_GOES_WITHOUT = re.compile(r"disabling IPv[46] [^:]{1,60}: [^:;,]{1,80}")


# The name of the switch that makes Exim log a line says nothing of this one.
_EXIM_SWITCH = re.compile(r"\bLOG: \w{1,40} (?=MAIN)")


# qmail's log has underscores in place of blanks.
_UNDERSCORED = re.compile(r",_[A-Za-z]|:_\d{3}_|\._\(#|_but_(?:connection|greeting|sender|my)_")
_SENTENCE = re.compile(r"(?:[^\s_]{0,100}_){3,60}\S{0,100}")


# What a program of PHP said, in the envelope of the web server that noted it: nginx's, Apache's.
_OF_PHP = re.compile(
    r"FastCGI sent in stderr: \"(?:PHP message: )?(.{1,4000}?)\"(?: while (?:reading|sending|connecting)|$).{0,4000}"
    r"|AH01071: Got error '(?:PHP message: )?(.{1,4000}?)'(?:, referer: .{0,4000})?$"
)


def _unwrapped(norm: str) -> str:
    found = _OF_PHP.search(norm)
    return (found.group(1) or found.group(2)) if found else norm


# A reply that never came, where PHPMailer shows the dialogue.
_NO_REPLY = ("SERVER -> CLIENT:", "SMTP -> FROM SERVER:", "SMTP -> FROM SERVER: |")


# What the message is about says nothing of how it was sent.
_SUBJECT = re.compile(r"\bsubject\b['\"\\]{0,3} ?[:=]? ?(?:\\?\"[^\"\\]{1,300}\\?\"|'[^']{1,300}')", re.IGNORECASE)


def _without_advice(norm: str) -> str:
    if norm.endswith(_NO_REPLY):
        norm = f"{norm.rstrip('| ')} (nothing)"
    if "FastCGI sent" in norm or "AH01071" in norm:
        norm = _unwrapped(norm)
    if "ubject" in norm:
        norm = _SUBJECT.sub("subject", norm)
    if "LOG: " in norm:
        norm = _EXIM_SWITCH.sub("LOG: ", norm)
    if "_" in norm and _UNDERSCORED.search(norm):
        norm = _SENTENCE.sub(lambda found: found.group().replace("_", " "), norm)
    if "closed connection" in norm:
        norm = _HALF_CLOSED.sub("", norm)
    if "disabling IPv" in norm:
        norm = _GOES_WITHOUT.sub("", norm)
    if "(reading '" in norm:
        norm = _LOOKED_UP.sub("", norm)
    if "responded with" in norm or "to connect" in norm:
        norm = _EXCHANGE_SAYS.sub("", norm)
    if "imeout" in norm or "in pool" in norm:
        norm = _LIMIT_SET.sub("", norm)
    if "dma[" in norm:
        norm = _WHAT_IT_HAS.sub("dma: ", norm)
    return _ADVICE.sub("", norm) if "presented by the server is not trusted" in norm else norm


# Bytes that a program prints of a key, a certificate or a fingerprint: any number or short word may stand in them by chance.
_PAIRS = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{2}([ :-])(?:[0-9a-f]{2}\1){3,}[0-9a-f]{2}|[0-9a-f]{4}(?: [0-9a-f]{4}){3,})(?![0-9a-z])",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{32,}(?![0-9a-z])", re.IGNORECASE)
# Ten such digits stand in both.
_MAYBE_BYTES = re.compile(r"[0-9a-fA-F]{2}(?:[ :-]?[0-9a-fA-F]{2}){4}")


def _without_bytes(norm: str) -> str:
    return _DIGITS.sub("(bytes)", _PAIRS.sub("(bytes)", norm)) if _MAYBE_BYTES.search(norm) else norm

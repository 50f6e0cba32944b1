# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences and remedies for what a text says: the rows of _causes, with the host and port that the text names put in."""

from __future__ import annotations

import functools
import re
import string
import typing as t

from .. import _causes
from .log_events import MAX_EVENT, unescaped
from .masking import mask
from .spelling import fold, one_line

__all__ = ("excerpt", "sentences")

_MAX_EXCERPT = 200

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
_NO_IPV6 = (
    "The address is an IPv6 one: check that this host has IPv6 at all (an address and a route); if it has none, make the app use IPv4"
    " (ip_version: \"4\", or a name that has only IPv4 addresses)."
)
_Fields = dict[str, t.Any]


def sentences(cause: str, variant: str, text: str, matched: str | None) -> tuple[str, str]:
    """Message and remedy, with what the text names put in. ``matched`` None: a candidate, so the text is not quoted."""
    row = _causes.cause_row(cause, variant)
    fields = _fields(text, cause, variant)
    plain, plain_remedy = _PLAIN.get((cause, variant), ("", ""))
    sentence = row.sentence
    if (cause, variant) in _ALWAYS_PLAIN or not _needs(sentence) <= fields.keys():
        sentence = plain or sentence
    if cause == "no_route" and ":" in str(fields.get("address", "")):
        return _finished(sentence, fields, text, matched), _NO_IPV6
    remedy = row.remedy if _needs(row.remedy) <= fields.keys() or not plain_remedy else plain_remedy
    return _finished(sentence, fields, text, matched), string.Formatter().vformat(remedy, (), _Lenient(fields))


def _finished(sentence: str, fields: _Fields, text: str, matched: str | None) -> str:
    """The sentence with its fields and the words of the text that decided."""
    quote = excerpt(text, matched) if matched is not None else ""
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
    return message


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
    norm = one_line(text)[:4096]
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
    fields["endpoint"] = _endpoint(where, port)
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


def _endpoint(where: str | None, port: int | None) -> str:
    if where is None:
        return "the relay"
    if port is None:
        return where
    return f"[{where}]:{port}" if ":" in where else f"{where}:{port}"


def excerpt(text: str, matched: str, around: int = 40) -> str:
    """The part of the text that tells, on one line, credentials masked.

    ``matched``: what it has to show, "" for the beginning. ``around`` 0: that alone.
    """
    lines = [one_line(line) for line in mask(unescaped(text[:MAX_EVENT])).split("\n")]
    places = [place for place in (_place(part) for part in matched.split(" .. ")) if place] if matched else []
    line = next((line for line in lines if places and places[0].search(line)), None) if places else next(iter(lines), "")
    if line is None:
        # What matched goes over a line's end, or masking took a part of it.
        line = " ".join(lines)
    at = end = 0
    for number, place in enumerate(places):
        found = place.search(line, end)
        if found:
            at = found.start() if not number else at
            end = found.end()
    if not around:
        return line[at:end][:_MAX_EXCERPT]
    start = 0 if at <= around else line.find(" ", at - around, at) + 1 or at
    piece = line[start : start + _MAX_EXCERPT].rstrip()
    return piece if start + _MAX_EXCERPT >= len(line) else f"{piece}..."


@functools.lru_cache(maxsize=4096)
def _place(part: str) -> re.Pattern[str] | None:
    """Where a folded text stands in what was written: with hyphens, underscores, humps or line ends in place of its spaces."""
    pieces = [re.escape(piece) for piece in part.split()]
    return re.compile(r"[\s_-]{0,3}".join(pieces), re.IGNORECASE) if pieces else None

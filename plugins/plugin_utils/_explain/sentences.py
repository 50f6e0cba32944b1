# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences and remedies for what a text says: the rows of _causes, with the host and port that the text names put in."""

from __future__ import annotations

import functools
import re
import typing as t

from .. import _causes
from .log_events import unescaped
from .masking import mask
from .spelling import MAX_EVENT, one_line

__all__ = ("excerpt", "sentences")

_MAX_EXCERPT = 200

_Fields = dict[str, t.Any]


def sentences(cause: str, variant: str, text: str, matched: str | None) -> tuple[str, str]:
    """Message and remedy, with what the text names put in. ``matched`` None: a candidate, so the text is not quoted."""
    fields = _Lenient(_fields(text, cause, variant))
    if cause == "no_route" and ":" in str(fields.get("address", "")):
        variant = "ipv6"
    row = _causes.cause_row(cause, variant)
    clause = _causes.fill(row.log or row.sentence, fields)
    if clause.startswith("the relay"):
        clause = f"T{clause[1:]}"
    quote = excerpt(text, matched) if matched is not None else ""
    message = f'{clause} ("{quote}").' if quote else f"{clause}."
    return message, _causes.fill(row.log_remedy or row.remedy, fields)


class _Lenient(dict[str, t.Any]):
    """A template must not make an explanation fail."""

    def __missing__(self, key: str) -> str:
        return {"name": "the name that the app uses", "address": "the relay", "timeout": "some"}.get(key, f"the {key}")


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
_SECONDS = re.compile(
    r"(?:timed out after|timeout (?:of|after)|within) (\d{1,7}) ?(milliseconds|ms|seconds|secs|s)\b", re.IGNORECASE
)


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
    fields["tls_port"] = 465 if port != 465 else None
    fields["usual_ports"] = ", ".join(str(one) for one in (465, 587) if one != port)
    fields["usual_modes"] = "465 (secure: true) or 587 (secure: false)"
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
    line = (
        next((line for line in lines if places and places[0].search(line)), None) if places else next(iter(lines), "")
    )
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

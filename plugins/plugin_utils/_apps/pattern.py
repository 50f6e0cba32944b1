# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small language in which a descriptor says what a key of an app holds: it prints settings and parses them back.

    {host}                              one setting, as it is: a number stays a number, true stays true
    {not validate_certs}                the opposite
    {host}:{port}                       several settings in one text; an IPv6 address gets its brackets
    {sender_name:phrase} <{sender}>     a codec behind the colon says how a value is spelt
    smtps://{username:url}:{password:url}@{host}:{port}?verify_peer={verify}
                                        what stands behind the ? of a URL may come in any order, and what has no value
                                        is left out

``{{`` and ``}}`` are braces. Whatever is printed is parsed again, and refused unless the same values come back: a value
that a pattern cannot hold never ends in a file as another one.
"""

from __future__ import annotations

import functools
import math
import re
import shlex
import typing as t
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ("CODECS", "Booleans", "Field", "Kinds", "Pattern", "PatternError", "Scalar", "parse_pattern")

Scalar = str | int | float | bool | None
# Every name that a pattern may use, with the kind of its values, or the texts that they can be.
Kinds = t.Mapping[str, str | tuple[str, ...]]
# What Laravel's env() does not take as it is: words, and the quotes around a whole value, which it takes off.
_LARAVEL_WORDS = ("true", "(true)", "false", "(false)", "null", "(null)", "empty", "(empty)")
_LARAVEL_QUOTED = re.compile(r"(['\"]).*\1", re.DOTALL)
CODECS = ("url", "phrase", "ms", "lower", "text", "shell", "casc", "service", "laravel", "spring", "digit")
# Ports by the names that /etc/services has for them, for apps that look there.
_SERVICES = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}
_FIELD = re.compile(r"(not )?([a-z_][a-z0-9_]*)(?::([a-z0-9]+))?")
_PLAIN_PHRASE = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*")
# What a value of each kind looks like inside a longer text.
_KINDS = {
    "port": r"[0-9]{1,5}",
    "number": r"[0-9]+(?:\.[0-9]+)?",
    "boolean": r"[A-Za-z0-9]+",
    "address": r"[^\s<>]+",
    "word": r"[A-Za-z0-9+._-]+",
    "text": r".*?",
}


class PatternError(ValueError):
    """A pattern that is wrong in itself, or a value that it cannot hold. One sentence without values."""


@dataclass(frozen=True)
class Booleans:
    """How a text says true and false: the first of each is written, all are read (in any case, if not ``exact``), and
    ``otherwise`` is what other texts mean.
    """

    true: tuple[str, ...] = ("true", "1", "yes", "on")
    false: tuple[str, ...] = ("false", "0", "no", "off")
    otherwise: bool | None = None
    exact: bool = False

    def write(self, value: bool) -> str:
        return (self.true if value else self.false)[0]

    def read(self, text: str) -> bool | None:
        """None when it is neither."""
        found = self.named(text)
        return self.otherwise if found is None else found

    def named(self, text: str) -> bool | None:
        """By its own words alone."""
        word = self._as_compared(text.strip())
        if word in map(self._as_compared, self.true):
            return True
        return False if word in map(self._as_compared, self.false) else None

    def _as_compared(self, text: str) -> str:
        return text if self.exact else text.lower()


@dataclass(frozen=True)
class Field:
    """One setting or word in a pattern; ``kind`` is a key of the table above, or host."""

    name: str
    kind: str
    negated: bool = False
    codec: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pattern:
    """``parts`` are literal texts and fields by turns; ``query`` holds a URL's parameters."""

    source: str
    parts: tuple[str | Field, ...]
    query: tuple[tuple[str, Pattern], ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, those of the query included."""
        own = tuple(part for part in self.parts if isinstance(part, Field))
        return own + tuple(field for _name, pattern in self.query for field in pattern.fields)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def write(self, values: Mapping[str, Scalar], booleans: Booleans) -> Scalar:
        """The key's value; None when a value that it needs is not there. Raises PatternError when it cannot be read
        back.
        """
        needed = [part.name for part in self.parts if isinstance(part, Field)]
        if any(values.get(name) is None for name in needed):
            return None
        written = self._write(values, booleans)
        back = self.read(written, booleans)
        meant = {name: values[name] for name in self.names if values.get(name) is not None}
        if back is None or {name: _plain(value) for name, value in back.items()} != {
            name: _plain(value) for name, value in meant.items()
        }:
            raise PatternError(_unfit(self, values, booleans))
        return written

    def _write(self, values: Mapping[str, Scalar], booleans: Booleans) -> Scalar:
        if (
            len(self.parts) == 1
            and isinstance(self.parts[0], Field)
            and not self.query
            and self.parts[0].codec in ("", "ms")
        ):
            return _native(self.parts[0], values[self.parts[0].name])
        text = "".join(
            part if isinstance(part, str) else _encode(part, values[part.name], booleans, self._bracketed(index))
            for index, part in enumerate(self.parts)
        )
        given = []
        for name, pattern in self.query:
            if all(values.get(one) is not None for one in pattern.names):
                given.append(f"{name}={urllib.parse.quote(_text(pattern._write(values, booleans), booleans), safe='')}")
        return text + ("?" + "&".join(given) if given else "")

    def read(self, value: object, booleans: Booleans) -> dict[str, Scalar] | None:
        """The settings and words in a key's value; None when the value has another shape."""
        if (
            len(self.parts) == 1
            and isinstance(self.parts[0], Field)
            and not self.query
            and self.parts[0].codec in ("", "ms")
        ):
            return _read_native(self.parts[0], value, booleans)
        text, _mark, tail = str(value).partition("?") if self.query else (str(value), "", "")
        found = _regex(self).fullmatch(text)
        if found is None or not isinstance(value, str):
            return None
        values: dict[str, Scalar] = {}
        for part in self.parts:
            if isinstance(part, Field):
                decoded = _decode(part, found.group(part.name), booleans)
                if decoded is None:
                    return None
                values[part.name] = decoded
        parameters = dict(urllib.parse.parse_qsl(tail, keep_blank_values=True))
        for name, pattern in self.query:
            if name in parameters:
                values.update(pattern.read(parameters[name], booleans) or {})
        return values

    def foreign(self, value: object) -> list[str]:
        """The parameters of a URL that this pattern does not know, as they are written."""
        known = {name for name, _pattern in self.query}
        pieces = str(value).partition("?")[2].split("&") if self.query else []
        return [one for one in pieces if one and urllib.parse.unquote_plus(one.partition("=")[0]) not in known]

    def _bracketed(self, index: int) -> bool:
        """Whether an IPv6 address at this place needs brackets: in front of a colon, or in a URL."""
        before = self.parts[index - 1] if index else ""
        after = self.parts[index + 1] if index + 1 < len(self.parts) else ""
        inside = isinstance(before, str) and before.endswith("[")
        return not inside and ((isinstance(after, str) and after.startswith(":")) or "://" in self.source)


@functools.cache
def _regex(pattern: Pattern) -> re.Pattern[str]:
    pieces = []
    for index, part in enumerate(pattern.parts):
        if isinstance(part, str):
            pieces.append(re.escape(part))
            continue
        if part.codec == "url":
            # As parsers of URLs do: the last @ is in front of the host, and the first colon behind the user's name.
            shape = r"[^/?#\s]*" if part.name == "password" else r"[^:/?#\s]*"
        elif part.codec == "phrase":
            shape = r'"(?:[^"\\]|\\.)*"|[^<>"]*?'
        elif part.kind == "host":
            shape = r"\[[^\s\[\]]+\]|[^\s\[\]/:@]+" if pattern._bracketed(index) else r"[^\s\[\]/@]+"
        elif part.codec == "service":
            shape = "|".join((_KINDS["port"], *sorted(_SERVICES, reverse=True)))
        elif part.codec == "shell":
            shape = r"(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|[^\s'\"\\])+"
        elif part.choices:
            shape = _any_of(part.choices)
        else:
            shape = _KINDS[part.kind]
        pieces.append(f"(?P<{part.name}>{shape})")
    return re.compile("".join(pieces), re.DOTALL)


def _any_of(choices: tuple[str, ...]) -> str:
    """The words themselves, and others like them where all of them are simple: an unknown one shall be named, not
    overlooked.
    """
    shapes = [re.escape(one) for one in sorted(choices, key=len, reverse=True)]
    simple = all(re.fullmatch(r"[A-Za-z0-9+._-]+", one) for one in choices)
    return "|".join([*shapes, *([_KINDS["word"]] if simple else [])])


def _native(field: Field, value: Scalar) -> Scalar:
    if field.codec == "ms":
        return math.ceil(float(value or 0) * 1000)
    if field.negated:
        return not value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_native(field: Field, value: object, booleans: Booleans) -> dict[str, Scalar] | None:
    """A value that stands alone: of a typed format, or a text."""
    found: Scalar
    if isinstance(value, str):
        found = _decode(field, value, booleans)
    elif isinstance(value, bool):
        found = (value != field.negated) if field.kind in ("boolean", "word") else None
    elif isinstance(value, (int, float)):
        found = value / 1000 if field.codec == "ms" else value if field.kind in ("port", "number", "word") else None
    else:
        found = None
    return None if found is None else {field.name: found}


def _encode(field: Field, value: Scalar, booleans: Booleans, bracketed: bool) -> str:
    text = _text(_native(field, value), booleans)
    if field.codec == "url":
        return urllib.parse.quote(text, safe="")
    if field.codec == "phrase" and not _PLAIN_PHRASE.fullmatch(text):
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    if field.codec == "lower":
        return text.lower()
    if field.codec == "digit":
        return str(int(_native(field, value) is True))
    if field.codec == "shell":
        return shlex.quote(text)
    if field.codec == "casc":
        # It takes a mark of escape away only where the brace is closed.
        return re.sub(r"\$\{(?=.*\})", "^${", text, flags=re.DOTALL)
    if field.codec == "spring":
        # A placeholder without a name, whose default is the sign: all versions of Spring give that back.
        return text.replace("${", "${:$}{")
    if field.codec == "laravel" and (text.lower() in _LARAVEL_WORDS or _LARAVEL_QUOTED.fullmatch(text)):
        return f'"{text}"'
    return f"[{text}]" if field.kind == "host" and bracketed and ":" in text else text


def _decode(field: Field, text: str, booleans: Booleans) -> Scalar:
    """The value in a text; None when there is none of the field's kind."""
    if field.codec == "url":
        text = urllib.parse.unquote(text)
    elif field.codec == "phrase":
        text = text.strip()
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
    elif field.codec == "lower":
        text = text.upper()
    elif field.codec == "shell":
        text = "".join(shlex.split(text))
    elif field.codec == "casc":
        text = re.sub(r"\^\$\{(?=.*\})", "${", text, flags=re.DOTALL)
    elif field.codec == "spring":
        text = text.replace("${:$}{", "${")
    elif field.codec == "laravel" and _LARAVEL_QUOTED.fullmatch(text):
        text = text[1:-1]
    elif field.codec == "service":
        text = str(_SERVICES.get(text, text))
    if field.kind == "boolean":
        word = booleans.read(text)
        return None if word is None else word != field.negated
    if field.kind == "port":
        return int(text) if re.fullmatch(r"\s*[0-9]{1,5}\s*", text) else None
    if field.kind == "number":
        if not re.fullmatch(r"\s*[0-9]+(?:\.[0-9]+)?\s*", text):
            return None
        return float(text) / (1000 if field.codec == "ms" else 1)
    if field.kind == "host" and text.startswith("[") and text.endswith("]"):
        return text[1:-1]
    return text


def _text(value: Scalar, booleans: Booleans) -> str:
    return booleans.write(value) if isinstance(value, bool) else str(value)


def _plain(value: Scalar) -> Scalar:
    """Equal for 10 and 10.0, but not for 1 and true, nor for 465 and "465"."""
    return f"{value} " if isinstance(value, bool) else float(value) if isinstance(value, (int, float)) else value


def _unfit(pattern: Pattern, values: Mapping[str, Scalar], booleans: Booleans) -> str:
    """Which setting it is: the first that alone, among harmless others, does not come back."""
    harmless: dict[str, Scalar] = {"host": "a.example", "port": 25, "sender": "a@a.example"}
    for field in pattern.fields:
        tried: dict[str, Scalar] = {
            other.name: harmless.get(other.name, values.get(other.name) if other.kind != "text" else "a")
            for other in pattern.fields
        }
        tried[field.name] = values.get(field.name)
        if pattern.read(pattern._write(tried, booleans), booleans) != tried:
            return f"{field.name} has a character in it that {pattern.source} cannot hold"
    return f"{pattern.source} cannot hold these settings together"


def parse_pattern(source: str, kinds: Kinds) -> Pattern:
    """Check a pattern; ``kinds`` gives every name that it may use and the kind of its values. Raises PatternError."""
    head, mark, tail = source.partition("?") if "://" in source else (source, "", "")
    pattern = Pattern(
        source, _parts(head, kinds), tuple(_parameter(one, kinds) for one in tail.split("&")) if mark else ()
    )
    if not pattern.fields:
        raise PatternError(
            f"'{source}' names no setting; write one in braces, such as {{host}}, or {{constant: {source}}}"
        )
    twice = sorted({name for name in pattern.names if pattern.names.count(name) > 1})
    if twice:
        raise PatternError(f"'{source}' holds {twice[0]} twice; write it once")
    for first, second in zip(pattern.parts, pattern.parts[1:]):
        if isinstance(first, Field) and isinstance(second, Field) and not (first.choices or second.choices):
            raise PatternError(f"'{source}' cannot be read back: nothing stands between {first.name} and {second.name}")
    return pattern


def _parameter(text: str, kinds: Kinds) -> tuple[str, Pattern]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise PatternError(f"the parameter '{text}' is wrong; write name={{setting}}")
    return name, Pattern(value, _parts(value, kinds))


def _parts(source: str, kinds: Kinds) -> tuple[str | Field, ...]:
    parts: list[str | Field] = []
    end = 0
    for found in re.finditer(r"((?:[^{}]|\{\{|\}\})+)|\{([^{}]*)\}", source):
        if found.start() != end:
            break
        end = found.end()
        if found.group(1):
            parts.append(found.group(1).replace("{{", "{").replace("}}", "}"))
        else:
            parts.append(_field(found.group(2), source, kinds))
    if end != len(source):
        raise PatternError(f"'{source}' has a brace without its partner; write {{name}}, and {{{{ for a brace itself")
    return tuple(parts)


def _field(text: str, source: str, kinds: Kinds) -> Field:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise PatternError(f"'{source}' has {{{text}}} in it; write {{name}}, {{not name}} or {{name:codec}}")
    negated, name, codec = found.groups()
    if name not in kinds:
        raise PatternError(
            f"'{source}' names {name}, which is neither a setting nor one of the app's words; write one of"
            f" {', '.join(kinds)}"
        )
    if codec and codec not in CODECS:
        raise PatternError(f"'{source}' has the codec {codec}; write one of {', '.join(CODECS)}")
    given = kinds[name]
    kind, choices = ("word", given) if isinstance(given, tuple) else (given, ())
    if negated and kind != "boolean":
        raise PatternError(f"'{source}' negates {name}, which is neither true nor false; write {{{name}}}")
    if codec == "ms" and kind != "number":
        raise PatternError(f"'{source}' has {name} in milliseconds; only timeout has a unit")
    return Field(name, kind, bool(negated), codec or "", choices)

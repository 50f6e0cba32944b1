# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments in Ruby: ``gitlab_rails['smtp_address'] = "relay"``, ``ActionMailer::Base.smtp_settings[:address] =
"relay"``.

The path is the name in front of the brackets, at its dots, and the key. Several may stand in one line, with semicolons
between them. What is computed is Opaque, and gives way to a value.

Of Rails, whole mappings are read and edited, too: ``config.action_mailer.smtp_settings = { address: "relay" }``.
Whatever leads to Action Mailer's settings there has the same path.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    KeyPath,
    Opaque,
    Value,
    line_break,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.ruby_hash import (
    STRING,
    RubyHash,
    hash_at,
    with_pair,
)

__all__ = ("FORMAT",)

_HEAD = re.compile(
    r"(?:^|;)[ \t]*([A-Za-z_][\w.:]*)\[(?:'([^'\]]+)'|\"([^\"\]]+)\"|:(\w+))\][ \t]*=(?!=)[ \t]*", re.MULTILINE
)
# Action Mailer's settings as a whole, and what decides whether they are used.
_WHOLE = re.compile(
    r"(?:^|;)[ \t]*((?:(?:[A-Za-z_][\w.:]*\.)?action_mailer|ActionMailer::Base)"
    r"\.(?:smtp_settings|delivery_method|perform_deliveries))[ \t]*(?:\|\|)?=(?![=~>])[ \t]*",
    re.MULTILINE,
)
_ACTION_MAILER = re.compile(r"[\w.:]*\baction_mailer\.|ActionMailer::Base\.")
_NO_RUBY = re.compile(r"^=begin\b.*?^=end\b|^__END__$.*", re.MULTILINE | re.DOTALL)
_OPENS = re.compile(
    r"\s*(?:(if|unless|case|while|until|begin|def|class|module|for)\b(?!.*\bend\s*$)|[^#]*\bdo\b\s*(?:\|.*\|)?\s*$)"
)
# Behind a mapping they leave its values as they are.
_AS_IT_IS = re.compile(r"(?:\.(?:compact|freeze|symbolize_keys|with_indifferent_access))*[ \t]*(?:#.*)?")
# Texts, and what stands behind a mark of a comment.
_NO_CODE = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|(['\"#]).*")
_LITERAL = re.compile(
    rf"{STRING}|-?[0-9][0-9_]*(?![\w.])|(?:true|false|nil)\b|:\w+|OpenSSL::SSL::VERIFY_(?:NONE|PEER)\b", re.DOTALL
)
_BEHIND_A_PAIR = re.compile(r",[ \t]*\Z")
_BRACE = re.compile(r"[ \t]*\}")
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "s": " ",
    "0": "\0",
    "e": "\x1b",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}


class Ruby(Lines):
    """gitlab: keys are texts in brackets; rails: they are symbols. Both are read."""

    dialects = ("gitlab", "rails")
    typed = True
    multiline = True

    def scan(self, text: str, dialect: str) -> list[Statement]:
        if dialect == "rails":
            return _of_rails(text)
        return [_assignment(text, head) for head in _heads(_HEAD, text)]

    def edit(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if self._dialect(dialect) == "rails" and (why := _not_editable(text)):
            raise FormatError(why)
        return super().edit(text, wanted, remove, dialect, indent)

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if self._dialect(dialect) == "rails":
            while gone := [one for one in self.scan(text, dialect) if one.path in remove]:
                last = gone[-1]
                # The last pair of a line goes with the comma in front of it: what is left looks as if it had never been there.
                comma = _BEHIND_A_PAIR.search(text, 0, last.start) if _BRACE.match(text, last.end) else None
                text = text[: comma.start() if comma is not None else last.start] + text[last.end :]
        return super().change(text, wanted, remove, dialect, indent)

    def findings(self, text: str, dialect: str = "") -> list[dict[str, str]]:
        if self._dialect(dialect) != "rails":
            return []
        found = []
        if why := _not_editable(text):
            message = f"app_mail_config cannot change these settings: {why}."
            remedy = (
                "Change them by hand, or move them to an initializer of their own, which app_mail_config can write."
            )
            found.append({"severity": "info", "code": "not_editable", "message": message, "remedy": remedy})
        if _leaves_starttls_on(text):
            message = (
                "Rails' own settings have enable_starttls_auto: true, which stays where one key after the other is assigned,"
                " and Ruby mail 2.9 raises an error where it meets tls or ssl."
            )
            remedy = "Set enable_starttls_auto to false, too."
            found.append({"severity": "warning", "code": "invalid_settings", "message": message, "remedy": remedy})
        for line in _conditional(text):
            message = (
                f"smtp_settings in line {line} is assigned under a condition, and whether that holds is not known here."
            )
            remedy = "Look at the condition; these settings count only where it holds."
            found.append({"severity": "info", "code": "conditional", "message": message, "remedy": remedy})
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield "nil" if value is None else str(value).lower()
            return
        quoted = re.sub(r"([\"\\])", r"\\\1", value).replace("#", "\\#")
        double = '"' + "".join({"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, char) for char in quoted) + '"'
        single = "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
        plain = re.fullmatch(r"[^\"\\#\r\n\t]*", value) is not None
        yield from [double, single] if plain and not old.startswith("'") else [single, double]

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        key = f":{path[-1]}" if dialect == "rails" else f"'{path[-1]}'"
        return f"{'.'.join(path[:-1])}[{key}] = {spelt}"

    def _added(
        self,
        text: str,
        path: KeyPath,
        spelt: str,
        dialect: str,
        scanned: Sequence[Statement],
        wanted: Collection[KeyPath],
    ) -> str:
        held = (
            _wholes(text)[-1][1] if dialect == "rails" and path[-2:-1] == ("smtp_settings",) and _wholes(text) else None
        )
        if held is None:
            return super()._added(text, path, spelt, dialect, scanned, wanted)
        return with_pair(text, held, path[-1], spelt, [one[-1] for one in wanted], line_break(text))

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        return len(text), "\n" if text.strip() and not text.endswith("\n\n") else ""


def _heads(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Where statements begin, and no part of a text, of a comment or of the statement before."""
    no_ruby = [one.span() for one in _NO_RUBY.finditer(text)]
    for head in pattern.finditer(text):
        if _is_code(text, head) and not any(start <= head.start() < end for start, end in no_ruby):
            yield head


def _assignment(text: str, head: re.Match[str]) -> Statement:
    """A statement with one value, ``name[key] = value`` or ``name = value``."""
    names = [part for part in head.groups()[1:] if part is not None]
    literal = _LITERAL.match(text, head.end())
    end = literal.end() if literal is not None else line_end(text, head.end())
    rest = text[end : line_end(text, end)].strip()
    if literal is not None and (not rest or rest[0] in "#;"):
        value = _value(literal.group())
    else:
        end = _end_of_code(text, head.end())
        value = _computed(text[head.end() : end].rstrip())
    start, after = _whole(text, head, end)
    return Statement((*head.group(1).split("."), *names), value, start, after, head.end(), end)


def _of_rails(text: str) -> list[Statement]:
    """Its statements in their order. A whole mapping takes the place of all that was said before."""
    found: list[Statement] = []
    both = sorted([*_heads(_HEAD, text), *_heads(_WHOLE, text)], key=lambda one: one.start())
    for head in both:
        if found and head.start() < found[-1].end and head.start() != found[-1].end:
            continue
        if head.re is _HEAD or not head.group(1).endswith(".smtp_settings"):
            one = _assignment(text, head)
            found.append(one._replace(path=_canonical(one.path)))
            continue
        section = _canonical(tuple(head.group(1).split(".")))
        found = [one for one in found if one.path[: len(section)] != section]
        found += _pairs(text, head, section)
    return found


def _canonical(path: KeyPath) -> KeyPath:
    name = ".".join(path)
    return tuple(_ACTION_MAILER.sub("ActionMailer::Base.", name, 1).split(".")) if _ACTION_MAILER.match(name) else path


def _pairs(text: str, head: re.Match[str], section: KeyPath) -> list[Statement]:
    """What a whole mapping holds; where something of it is computed, the section itself is a value from elsewhere."""
    held = hash_at(text, head.end()) if text[head.end() : head.end() + 1] == "{" else None
    end = held.end if held is not None else _end_of_code(text, head.end())
    found = []
    if _is_computed(text, held):
        code = text[head.end() : line_end(text, end)] if held is None else ""
        found.append(Statement(section, Opaque("variable", code), head.start(), head.start(), end, end))
    return found + [
        Statement((*section, one.name), _value_of(text[one.value_start : one.value_end]), *one[1:5])
        for one in (held.pairs if held is not None else ())
    ]


def _is_computed(text: str, held: RubyHash | None) -> bool:
    return held is None or not held.clear or not _AS_IT_IS.fullmatch(text, held.end, line_end(text, held.end))


def _wholes(text: str) -> list[tuple[int, RubyHash | None]]:
    """The statements with whole mappings: where they begin, and the mapping where it is one."""
    heads = [one for one in _heads(_WHOLE, text) if one.group(1).endswith(".smtp_settings")]
    return [
        (one.start(1), hash_at(text, one.end()) if text[one.end() : one.end() + 1] == "{" else None) for one in heads
    ]


def _leaves_starttls_on(text: str) -> bool:
    """Whether TLS from the first byte is asked for key by key, so that what Rails has for STARTTLS by itself stays."""
    if _wholes(text):
        return False
    values = {one.path[-1]: one.value for one in _of_rails(text) if one.path[-2:-1] == ("smtp_settings",)}
    return "enable_starttls_auto" not in values and True in (values.get("tls"), values.get("ssl"))


def _not_editable(text: str) -> str:
    """Why Action Mailer's settings cannot be changed in this text, without a final dot; empty where they can be."""
    wholes = _wholes(text)
    lines = [str(text.count("\n", 0, start) + 1) for start, _held in wholes]
    if len(wholes) > 1:
        where = ", ".join(lines)
        return f"it assigns smtp_settings {len(wholes)} times, in lines {where}, and only Ruby knows which one counts"
    for (_start, held), line in zip(wholes, lines):
        if _is_computed(text, held):
            return f"smtp_settings in line {line} is computed, so that only Ruby knows what it holds"
    return ""


def _conditional(text: str) -> list[int]:
    """The lines of the statements with whole mappings that stand below a condition."""
    blocks: list[str] = []
    starts = {text.count("\n", 0, start) + 1 for start, _held in _wholes(text)}
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if number in starts and {"if", "unless", "case"} & {*blocks}:
            found.append(number)
        if opened := _OPENS.match(line):
            blocks.append(opened.group(1) or "do")
        elif re.match(r"\s*end\b", line) and blocks:
            blocks.pop()
    return found


def _is_code(text: str, head: re.Match[str]) -> bool:
    """Whether a statement behind a semicolon is one, and not part of a text or a comment."""
    start = text.rfind("\n", 0, head.start() + 1) + 1
    return text[head.start()] != ";" or all(
        one.group(1) is None for one in _NO_CODE.finditer(text, start, head.start())
    )


def _end_of_code(text: str, start: int) -> int:
    """Where an expression ends: at the semicolon or the comment behind it, or with its line."""
    end = line_end(text, start)
    plain = _NO_CODE.sub(lambda one: ("#" if one.group(1) else "x") * len(one.group()), text[start:end])
    found = re.search(r"[;#]", plain)
    return end if found is None else start + len(plain[: found.start()].rstrip())


def _computed(code: str) -> Value:
    """What is no single text, number or word: its value comes from elsewhere, or is a list or a mapping."""
    kind = {"[": "list", "{": "mapping"}.get(code[:1], "variable" if code else "unclear")
    return Opaque(kind, code)


def _whole(text: str, head: re.Match[str], end: int) -> tuple[int, int]:
    """What a statement takes up: its lines, or from semicolon to semicolon where others stand in them."""
    rest = text[end : line_end(text, end)]
    following, before = rest.lstrip(" \t").startswith(";"), text[head.start()] == ";"
    if following and not before:
        return head.start(), end + rest.index(";") + 1
    if following or before:
        return head.start(), end
    after = line_end(text, end)
    return head.start(), after + (2 if text[after : after + 2] == "\r\n" else 1 if after < len(text) else 0)


def _value_of(code: str) -> Value:
    return _value(code) if _LITERAL.fullmatch(code) else _computed(code)


def _value(literal: str) -> Value:
    if literal.startswith("OpenSSL"):
        return literal.rpartition("_")[2].lower()
    if literal[0] == "'":
        return re.sub(r"\\(['\\])", r"\1", literal[1:-1])
    if literal[0] == '"':
        if re.search(r"(?<!\\)(?:\\\\)*#[{$@]", literal):
            return Opaque("variable", literal)
        if re.search(r"\\(?:[uxCMc]|[1-7])", literal):
            return Opaque("unclear", literal)
        return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one.group(1), one.group(1)), literal[1:-1], flags=re.DOTALL)
    if literal[0] == ":":
        return literal[1:]
    return {"true": True, "false": False, "nil": None}.get(literal, literal) if literal[0].isalpha() else int(literal)


FORMAT = Ruby()

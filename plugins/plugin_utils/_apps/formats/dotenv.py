# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``NAME=value`` lines, as each of their readers takes them.

The readers agree on little more than NAME=value: what a quote, a backslash, a dollar sign, a hash or a blank means
differs.
So there is one scanner a dialect, written after its reader's own rules, and a value is written in the first spelling
that
this scanner reads back. A value with a variable in it (``${HOST}``) is Opaque: what it is depends on where it is read.

    compose   docker compose (``.env``, ``env_file``)      python   python-dotenv
    systemd   EnvironmentFile=                             node     npm dotenv, node --env-file
    shell     what a shell sources (/etc/default/x)        php      vlucas/phpdotenv (Laravel)
    docker    docker run --env-file: no quoting at all     symfony  symfony/dotenv
                                                           ruby     Ruby's dotenv
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    Format,
    FormatError,
    KeyPath,
    Opaque,
    Value,
    line_break,
)

__all__ = ("FORMAT", "spellings")

_BLANKS = " \t"
_HEAD = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=")
# To systemd and docker run "export NAME" is a name, and one that they refuse.
_WHOLE_NAME = re.compile(r"[ \t]*((?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=")
_HEADS = {
    "compose": re.compile(_HEAD.pattern[:-1] + "[=:]"),
    "systemd": _WHOLE_NAME,
    "docker": _WHOLE_NAME,
}


class _Assignment(t.NamedTuple):
    """``start`` to ``end`` are the lines of it, ``value_start`` to ``value_end`` the value as it is spelt."""

    name: str
    value: Value
    start: int
    end: int
    value_start: int
    value_end: int


class _Lexed(t.NamedTuple):
    """A value; ``end`` is where its spelling ends. ``variable``: it depends on others. ``broken``: its reader refuses
    the line.
    """

    value: str
    end: int
    variable: bool = False
    broken: bool = False


def _line_end(text: str, index: int) -> int:
    while index < len(text) and text[index] not in "\r\n":
        index += 1
    return index


def _skip_blanks(text: str, index: int) -> int:
    while index < len(text) and text[index] in _BLANKS:
        index += 1
    return index


# One lexer a dialect: from behind the `=` on


def _compose(text: str, index: int) -> _Lexed:
    index = _skip_blanks(text, index)
    quote = text[index : index + 1]
    if quote not in ("'", '"'):
        end = _line_end(text, index)
        raw = text[index:end].split(" #", 1)[0].rstrip()
        return _dollars(raw, index + len(raw))
    chars: list[str] = []
    escaped = False
    for place in range(index + 1, len(text)):
        char = text[place]
        if char != quote:
            if not escaped and char == "\\":
                escaped = True
                continue
            chars.append("\\" + char if escaped else char)
            escaped = False
        elif escaped:
            chars.append(char)
            escaped = False
        else:
            value = "".join(chars)
            if quote == "'":
                return _Lexed(value, place + 1)
            return _dollars(re.sub(r'\\([abfnrtv$"\\]|0[0-7]{0,3})', _go_escape, value), place + 1)
    return _Lexed("", _line_end(text, index), broken=True)


_C_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _go_escape(found: re.Match[str]) -> str:
    code = found.group(1)
    if code == "$":
        return "$$"
    if code[0] == "0":
        return chr(int(code, 8)) if len(code) == 4 else found.group()
    return _C_ESCAPES.get(code, code)


def _dollars(value: str, end: int) -> _Lexed:
    """Two dollar signs are one; one of them begins a variable."""
    return _Lexed(value.replace("$$", "$"), end, "$" in value.replace("$$", ""))


def _systemd(text: str, index: int) -> _Lexed:
    value, state, kept = "", "before", 0
    end = index
    while index < len(text):
        char = text[index]
        index += 1
        if state in ("before", "plain"):
            if char in "\r\n":
                break
            if char == "\\":
                following = text[index : index + 1]
                index += 1
                value, state = value + (following if following not in ("\n", "\r") else ""), "plain"
                kept = len(value)
            elif state == "before" and char in "'\"":
                state = char
            elif state == "before" and char in _BLANKS:
                continue
            else:
                value, state = value + char, "plain"
                kept = kept if char in _BLANKS else len(value)
        elif char == state:
            state, kept = "before", len(value)
        elif state == '"' and char == "\\":
            following = text[index : index + 1]
            index += 1
            value += following if following in tuple('"\\`$') else "" if following == "\n" else char + following
        else:
            value += char
        end = index
    return _Lexed(value[:kept], end, broken=state in ("'", '"'))


def _shell(text: str, index: int) -> _Lexed:
    value, variable = "", False
    # A carriage return is an ordinary character to a shell.
    while index < len(text) and text[index] not in " \t\n":
        char = text[index]
        if char == "'":
            close = text.find("'", index + 1)
            if close < 0:
                return _Lexed("", _line_end(text, index), broken=True)
            value, index = value + text[index + 1 : close], close + 1
        elif char == '"':
            inner = _shell_double(text, index + 1)
            if inner.broken:
                return inner
            value, index, variable = value + inner.value, inner.end, variable or inner.variable
        elif char == "\\":
            value, index = value + text[index + 1 : index + 2].replace("\n", ""), index + 2
        else:
            # A command or a list of them is no value that could be told.
            variable = variable or char in "$`;&|<>()"
            value, index = value + char, index + 1
    rest = text[index : _line_end(text, index)]
    return _Lexed(value, index, variable, broken=bool(rest.strip()) and not rest.lstrip().startswith("#"))


def _shell_double(text: str, index: int) -> _Lexed:
    value, variable = "", False
    while index < len(text):
        char = text[index]
        if char == '"':
            return _Lexed(value, index + 1, variable)
        if char == "\\":
            following = text[index + 1 : index + 2]
            value += following if following in tuple('$`"\\') else "" if following == "\n" else char + following
            index += 2
            continue
        variable = variable or char in "$`"
        value, index = value + char, index + 1
    return _Lexed("", _line_end(text, index), broken=True)


def _docker(text: str, index: int) -> _Lexed:
    end = _line_end(text, index)
    return _Lexed(text[index:end], end)


def _python(text: str, index: int) -> _Lexed:
    # Blanks of all scripts are blanks to it.
    index += len(text[index : _line_end(text, index)]) - len(text[index : _line_end(text, index)].lstrip())
    for quote, escapes in (("'", r"\\([\\'])"), ('"', r"\\([\\'\"abfnrtv])")):
        if text[index : index + 1] == quote:
            found, newer = _python_quoted(text, index, quote)
            if found is None or newer is None or found.end() != newer.end():
                # What goes on over lines in one version ends here in the other.
                ends = [one.end() for one in (found, newer) if one is not None]
                return _Lexed("", min([*ends, _line_end(text, index)]), broken=True)
            rest = text[found.end() : _line_end(text, found.end())].strip()
            value = re.sub(escapes, lambda one: _C_ESCAPES.get(one.group(1), one.group(1)), found.group(1))
            return _Lexed(
                value, found.end(), bool(_PYTHON_VARIABLE.search(value)), broken=bool(rest) and not rest.startswith("#")
            )
    raw = re.sub(r"\s+#.*", "", text[index : _line_end(text, index)]).rstrip()
    return _Lexed(raw, index + len(raw), bool(_PYTHON_VARIABLE.search(raw)))


def _python_quoted(text: str, index: int, quote: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    """What stands in quotes for python-dotenv before 1.2, to which two backslashes and a quote are a backslash and a
    quote that does not close, and from 1.2 on.
    """
    shapes = (rf"{quote}((?:\\{quote}|[^{quote}])*){quote}", rf"{quote}((?:\\.|[^{quote}\\])*){quote}")
    older, newer = (re.compile(shape, re.DOTALL).match(text, index) for shape in shapes)
    return older, newer


_PYTHON_VARIABLE = re.compile(r"\$\{[^}:]*(?::-[^}]*)?\}")


def _php(text: str, index: int) -> _Lexed:
    """phpdotenv decides line by line whether a value goes on, before it looks at the quotes."""
    end = _line_end(text, index)
    line = text[text.rfind("\n", 0, index) + 1 : end]
    if '="' in line:
        closed = _php_closed(line, True)
        while closed is False and end < len(text):
            start = end + (2 if text[end : end + 2] == "\r\n" else 1)
            end = _line_end(text, start)
            closed = _php_closed(text[start:end], False)
        if not closed:
            return _Lexed("", _line_end(text, index), broken=True)
    index = _skip_blanks(text, index)
    value, variable, state = "", False, ""
    while index < end:
        char = text[index]
        index += 1
        if state == "'":
            if char == "'":
                return _php_rest(text, index, end, value, variable)
            value += char
        elif state == '"':
            if char == '"':
                return _php_rest(text, index, end, value, variable)
            if char == "\\":
                code, index = text[index : index + 1], index + 1
                if code not in tuple('"\\$fnrtv'):
                    return _Lexed("", end, broken=True)
                value += _C_ESCAPES.get(code, code)
            else:
                variable = variable or char == "$"
                value += "\n" if char == "\r" and text[index : index + 1] != "\n" else char
        elif not state and char in "'\"":
            state = char
        elif char == "#" or char in _BLANKS:
            return _php_rest(text, index - 1, end, value, variable)
        else:
            state, value, variable = "plain", value + char, variable or char == "$"
    return _Lexed(value, end, variable, broken=state in ("'", '"'))


def _php_closed(line: str, first: bool) -> bool | None:
    """Whether a value ends in this line; None where versions differ, of which newer ones do not count two backslashes."""
    older, newer = (len(re.findall(r'(?=([^\\]"))', one)) > first for one in (line, line.replace("\\\\", "")))
    return line == '"' or (older if older == newer else None)


def _php_rest(text: str, index: int, end: int, value: str, variable: bool) -> _Lexed:
    # Lines that it has put to this one are a part of the comment.
    rest, swallows = text[index:end].strip(), re.search(r"[\r\n]", text[index:end]) is not None
    return _Lexed(value, index, variable, broken=swallows or (bool(rest) and not rest.startswith("#")))


def _symfony(text: str, index: int) -> _Lexed:
    if text[index : index + 1] in (" ", "\t"):
        rest = text[index : _line_end(text, index)].strip()
        return _Lexed("", index, broken=bool(rest) and not rest.startswith("#"))
    value, variable = "", False
    while index < len(text) and text[index] not in "\r\n":
        char = text[index]
        if char == "'":
            close = text.find("'", index + 1)
            if close < 0:
                return _Lexed("", _line_end(text, index), broken=True)
            value, index = value + text[index + 1 : close], close + 1
        elif char == '"':
            close = _symfony_close(text, index + 1)
            if close < 0:
                return _Lexed("", _line_end(text, index), broken=True)
            inner = text[index + 1 : close].replace('\\"', '"').replace("\\r", "\r").replace("\\n", "\n")
            variable = variable or "$" in inner
            value, index = value + inner.replace("\\\\", "\\"), close + 1
        else:
            end = index
            while (
                end < len(text) and text[end] not in "\r\n\"'" and not (text[end] == "#" and text[end - 1] in _BLANKS)
            ):
                end += 2 if text[end] == "\\" and text[end + 1 : end + 2] in ('"', "'") else 1
            raw = text[index:end]
            stops = text[end : end + 1] == "#"
            raw, index = raw.rstrip(), end if not stops else index + len(raw.rstrip())
            variable = variable or "$" in raw
            value += re.sub(r"\\([\"'])", r"\1", raw).replace("\\\\", "\\")
            if re.search(r"\s", raw):
                return _Lexed("", _line_end(text, index), broken=True)
            if stops:
                break
    return _Lexed(value, index, variable)


def _symfony_close(text: str, index: int) -> int:
    """Where double quotes end for Symfony, which looks at two characters in front of each quote; -1: nowhere."""
    for place in range(index, len(text)):
        if text[place] == '"' and not (text[place - 1] == "\\" and text[place - 2] != "\\"):
            return place
    return -1


_LEXERS: Mapping[str, Callable[[str, int], _Lexed]] = {
    "compose": _compose,
    "systemd": _systemd,
    "shell": _shell,
    "docker": _docker,
    "python": _python,
    "php": _php,
    "symfony": _symfony,
}


# Two readers are one regular expression each; its places are kept, as all that surrounds a value counts in it

_JS_BLANK = "[\\t\\n\\v\\f\\r \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]"
_NODE = re.compile(
    rf"(?:(?<![^\n\r\u2028\u2029]){_JS_BLANK}*(?:export{_JS_BLANK}+)?(?P<name>[A-Za-z0-9_.-]+)(?:{_JS_BLANK}*={_JS_BLANK}*?|:{_JS_BLANK}+?)"
    rf"(?P<value>{_JS_BLANK}*'(?:\\'|[^'])*'|{_JS_BLANK}*\"(?:\\\"|[^\"])*\"|{_JS_BLANK}*`(?:\\`|[^`])*`|[^#\r\n]+)?"
    rf"{_JS_BLANK}*(?:#[^\n\r\u2028\u2029]*)?(?![^\n\r\u2028\u2029]))"
)
_RUBY = re.compile(
    r"(?:(?<![^\n])[ \t\r\n\f\v]*(?:export[ \t\r\n\f\v]+)?(?P<name>[A-Za-z0-9_.]+)"
    r"(?:(?:[ \t\r\n\f\v]*=[ \t\r\n\f\v]*?|:[ \t\r\n\f\v]+?)"
    r"(?P<value>[ \t\r\n\f\v]*'(?:\\'|[^'])*'|[ \t\r\n\f\v]*\"(?:\\\"|[^\"])*\"|[^#\n]+)?)?"
    r"[ \t\r\n\f\v]*(?:#[^\n]*)?(?![^\n]))"
)


def _node_value(raw: str) -> tuple[Value, bool]:
    value = raw.strip(
        "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
    )
    quote = value[:1]
    value = re.sub(r"(?<![^\n\r\u2028\u2029])(['\"`])([\s\S]*)\1(?![^\n\r\u2028\u2029])", r"\2", value)
    if quote == '"':
        value = value.replace("\\n", "\n").replace("\\r", "\r")
    return value, False


def _ruby_value(raw: str) -> tuple[Value, bool]:
    value = raw.strip(" \t\r\n\f\v\0")
    found = re.fullmatch(r"(['\"])(.*)\1", value, re.DOTALL)
    quote, value = (found.group(1), found.group(2)) if found else ("", value)
    if quote == "'":
        return value, False
    # What \n is in double quotes depends on the version; $( begins a command, and its backslash stays where that has no end.
    unclear = (quote == '"' and bool(re.search(r"\\[nr]", value))) or "$(" in value
    value = re.sub(r"\\([^$])", r"\1", value, flags=re.DOTALL)
    return re.sub(r"\\(\$)", r"\1", value), unclear or bool(re.search(r"(?<!\\)\$", value))


def _by_pattern(
    text: str, pattern: re.Pattern[str], decode: Callable[[str], tuple[Value, bool]]
) -> Iterator[_Assignment]:
    for found in pattern.finditer(text):
        raw = found.group("value")
        start, end = found.span("value") if raw is not None else (found.end("name"), found.end("name"))
        if raw is None or not raw.strip():
            start = end = found.end("name")
            # Behind the separator, wherever the blanks of the match go on to.
            mark = re.compile(r"[ \t]*[=:]").match(text, end)
            if mark is None:
                continue
            start = end = mark.end()
        else:
            start, end = start + len(raw) - len(raw.lstrip()), end - (len(raw) - len(raw.rstrip()))
        value, variable = decode(raw or "")
        first = text.rfind("\n", 0, found.start("name")) + 1
        last = _line_end(text, end)
        yield _Assignment(
            found.group("name"),
            Opaque("variable", str(raw)) if variable else value,
            first,
            last + len(_break(text, last)),
            start,
            end,
        )


def _by_lines(text: str, dialect: str) -> Iterator[_Assignment]:
    lexer = _LEXERS[dialect]
    head = _HEADS.get(dialect, _HEAD)
    index = 1 if text.startswith("\ufeff") else 0
    while index < len(text):
        found = head.match(text, index)
        line = text[index : _line_end(text, index)].lstrip()
        if found is None or line.startswith(("#", ";") if dialect == "systemd" else "#"):
            end = _line_end(text, index)
        else:
            lexed = lexer(text, found.end())
            start = (
                found.end()
                if dialect in ("docker", "symfony", "shell")
                else min(_skip_blanks(text, found.end()), lexed.end)
            )
            raw = text[start : lexed.end]
            end = _line_end(text, lexed.end)
            value: Value = (
                Opaque("variable" if lexed.variable else "unclear", raw)
                if lexed.variable or lexed.broken
                else lexed.value
            )
            yield _Assignment(found.group(1), value, index, end + len(_break(text, end)), start, lexed.end)
        index = end + (len(_break(text, end)) or 1)


def _break(text: str, index: int) -> str:
    return "\r\n" if text[index : index + 2] == "\r\n" else text[index : index + 1]


def _scan(text: str, dialect: str) -> list[_Assignment]:
    dialect = dialect or Dotenv.dialects[0]
    if dialect == "node":
        return list(_by_pattern(text, _NODE, _node_value))
    if dialect == "ruby":
        return list(_by_pattern(text, _RUBY, _ruby_value))
    return list(_by_lines(text, dialect))


def spellings(value: str, dialect: str, like: str = "") -> Iterator[str]:
    """The ways to write a value, best first: as it is where nothing in it is special, then in the quotes of ``like``,
    then the others.
    """
    if dialect == "ruby" and not value:
        # "export NAME=" means something else to it, and stops the app.
        yield "''"
    if (re.fullmatch(r"[A-Za-z0-9_.,:@%/+=-]*", value) and like[:1] not in ("'", '"')) or dialect == "docker":
        yield value
    single, double = (
        f"'{value}'",
        '"' + re.sub(r'(["\\$`])' if dialect in ("systemd", "shell") else r'(["\\$])', r"\\\1", value) + '"',
    )
    if dialect in ("shell", "symfony"):
        quote = "'\\''" if dialect == "shell" else "'\"'\"'"
        single = "'" + value.replace("'", quote) + "'"
    elif dialect == "python":
        single, double = (
            "'" + re.sub(r"([\\'])", r"\\\1", value) + "'",
            '"' + re.sub(r'(["\\])', r"\\\1", value) + '"',
        )
    ways = [double, single] if like[:1] == '"' or (dialect == "systemd" and like[:1] != "'") else [single, double]
    yield from ways
    if dialect == "compose":
        yield "'" + value.replace("'", "\\'") + "'"
    if dialect == "php":
        # It looks for the end of a quoted value in further lines only where nothing stands between = and the quote.
        yield f" {double}"
    if dialect in ("node", "ruby"):
        yield f'"{value}"'
    if dialect == "node":
        yield f"`{value}`"
    yield value


class Dotenv(Format):
    """Lines of NAME=value."""

    dialects = ("compose", "systemd", "shell", "docker", "python", "node", "php", "symfony", "ruby")
    multiline = True

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        # The last one counts for all readers but phpdotenv and symfony, which keep the first only when the process has
        # it already.
        return {(one.name,): one.value for one in _scan(text, dialect)}

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        return [((one.name,), one.start, one.end) for one in _scan(text, dialect)]

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if isinstance(value, str) and re.search(r"[\r\n]", value):
            return "has a line break, which a variable should not hold"
        return super().unfit(path, value, dialect)

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if dialect == "python":
            _refuse_ambiguous(text)
        for (name,) in remove:
            for one in reversed([one for one in _scan(text, dialect) if one.name == name]):
                text = text[: one.start] + text[one.end :]
        places = [(name,) for name in dict.fromkeys(one.name for one in _scan(text, dialect))]
        behind: KeyPath | None = next((path for path in reversed(places) if path in wanted), None)
        for path, value in wanted.items():
            text = self._put(text, path[0], str(value), dialect or self.dialects[0], behind)
            behind = path if path not in places else behind
        return text

    def _put(self, text: str, name: str, value: str, dialect: str, behind: KeyPath | None) -> str:
        """The name with this value, in the first spelling that its reader takes in this text."""
        there = [one for one in _scan(text, dialect) if one.name == name]
        if there and there[-1].value == value:
            return text
        old = text[there[-1].value_start : there[-1].value_end] if there else ""
        others = [one for one in _scan(text, dialect) if one.name != name]
        for spelt in spellings(value, dialect, old):
            if there:
                new = text[: there[-1].value_start] + spelt + text[there[-1].value_end :]
            else:
                new = _added(text, f"{name}={spelt}", dialect, behind)
            after = _scan(new, dialect)
            found = [one for one in after if one.name == name]
            if (
                found
                and found[-1].value == value
                and [one[:2] for one in after if one.name != name] == [one[:2] for one in others]
            ):
                return new
        raise FormatError(
            f"the value for {name} has characters in it that cannot be written so that its reader ({dialect}) takes"
            " them back"
        )


def _refuse_ambiguous(text: str) -> None:
    """Versions of python-dotenv that end a value at two places read all lines behind it differently."""
    for one in _scan(text, "python"):
        quote = text[one.value_start : one.value_start + 1]
        if quote not in ("'", '"') or not quote:
            continue
        older, newer = _python_quoted(text, one.value_start, quote)
        if older is not None and newer is not None and older.end() != newer.end():
            line = text.count("\n", 0, one.start) + 1
            raise FormatError(
                f"line {line} has a backslash in front of its closing quote, which versions of python-dotenv read"
                " differently; write that value without quotes, or without the backslash"
            )


def _added(text: str, line: str, dialect: str, behind: KeyPath | None) -> str:
    """The text with one more line: below the last of the wanted ones that is there, or else at the end."""
    # To a shell a carriage return is a part of the value in front of it.
    br = "\n" if dialect == "shell" else line_break(text)
    places = [one.end for one in _scan(text, dialect) if behind == (one.name,)]
    place = places[-1] if places else len(text)
    if place and text[place - 1] not in "\r\n\ufeff":
        # The last line had no line break, and goes on to have none.
        return text[:place] + br + line + text[place:]
    return text[:place] + line + br + text[place:]


FORMAT = Dotenv()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML as programs write their objects into it (Jenkins): elements that hold a text, or further elements.

A path is the names of the elements below the root. Attributes, comments and processing instructions stay. The standard
library's parser is the judge: what it does not find as we do is not touched. A DOCTYPE is refused, as its entities can
stand for anything.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterator, Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, line_end

__all__ = ("FORMAT",)

_NAME = r"[A-Za-z_][\w.-]*"
_TOKEN = re.compile(
    rf"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|</(?P<close>{_NAME})\s*>"
    rf"|<(?P<open>{_NAME})(?:\s+{_NAME}\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*(?P<empty>/)?>",
    re.DOTALL,
)
# Jenkins says 1.1, which the parser does not know and which differs in control characters alone.
_VERSION = re.compile(r"^(\ufeff?<\?xml\s+version\s*=\s*['\"])1\.1(['\"])")
# A secret that Jenkins has encrypted with a key of its own.
_ENCRYPTED = re.compile(r"\{[A-Za-z0-9+/]{20,}={0,2}\}")
_HOLLOW = re.compile(rf"[ \t]*<(?P<name>{_NAME})>\s*</(?P=name)>[ \t]*(?:\r\n|\n)?")


class _Open(t.NamedTuple):
    name: str
    start: int
    inside: int
    parent: bool


class Xml(Lines):
    """Each element without elements in it is a statement."""

    multiline = True
    structure = re.compile(rf"\s*|\s*</?{_NAME}>")

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        judged = _judged(text)
        found = super().read(text, section, dialect)
        if any(
            judged.get(path) != (value.text if isinstance(value, Opaque) else value) for path, value in found.items()
        ):
            raise FormatError("it has an element that is not read by every parser as it is read here")
        return found

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        stack: list[_Open] = []
        for token in _TOKEN.finditer(text):
            if token["open"]:
                if stack:
                    stack[-1] = stack[-1]._replace(parent=True)
                one = _Open(token["open"], token.start(), token.end(), False)
                if token["empty"]:
                    if stack:
                        found.append(_statement(text, stack, one, token.end(), token.start(), token.end()))
                    continue
                stack.append(one)
            elif token["close"]:
                if not stack or stack[-1].name != token["close"]:
                    raise FormatError(f"line {text.count(chr(10), 0, token.start()) + 1} is not valid XML")
                one = stack.pop()
                if not one.parent and stack:
                    found.append(_statement(text, stack, one, token.end(), one.inside, token.start()))
        return found

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if isinstance(value, str) and re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", value):
            return "has a character that XML cannot hold"
        return None

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        # XML 1.1 takes two of these for a line break, and the others only so.
        text = re.sub(r"[\r\x7f-\x9f\u2028]", lambda one: f"&#{ord(one[0])};", escape(str(value)))
        name = re.match(rf"<({_NAME})", old)
        yield f"<{name[1]}>{text}</{name[1]}>" if name and old.endswith("/>") else text

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{'  ' * len(path)}<{path[-1]}>{spelt}</{path[-1]}>"

    def _added(
        self,
        text: str,
        path: KeyPath,
        spelt: str,
        dialect: str,
        scanned: t.Sequence[Statement],
        wanted: Collection[KeyPath],
    ) -> str:
        if not text.strip("\ufeff \t\r\n"):
            raise FormatError("it is empty; let the app write its file first")
        siblings = [one.end for one in scanned if one.path[:-1] == path[:-1]]
        if len(path) > 1 and not siblings:
            head, tail = f"{'  ' * (len(path) - 1)}<{path[-2]}>\n", f"\n{'  ' * (len(path) - 1)}</{path[-2]}>"
            body = head + self.statement(path, spelt, dialect) + tail
            siblings = [one.end for one in scanned if len(one.path) == 1]
        else:
            body = self.statement(path, spelt, dialect)
        place = max(siblings) if siblings else _first_place(text)
        br = "\r\n" if "\r\n" in text else "\n"
        lead = "" if text[place - 1 : place] == "\n" else br
        return text[:place] + lead + body.replace("\n", br) + (br if not lead else "") + text[place:]

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        parents = {path[-2] for path in remove if len(path) > 1}
        new = super().change(text, {}, remove, dialect, indent)
        new = _HOLLOW.sub(lambda one: "" if one["name"] in parents else one.group(), new)
        return super().change(new, wanted, (), dialect, indent)

    def _rest(self, text: str, managed: Collection[KeyPath], dialect: str) -> list[str]:
        rest = "\n".join(super()._rest(text, managed, dialect))
        while (less := _HOLLOW.sub("", rest)) != rest:
            rest = less
        return [line for line in rest.split("\n") if line.strip()]


def _statement(text: str, stack: list[_Open], one: _Open, end: int, value_start: int, value_end: int) -> Statement:
    path = (*(above.name for above in stack[1:]), one.name)
    raw = text[value_start:value_end] if value_start != one.start else ""
    value: Value = _unescaped(raw)
    if _ENCRYPTED.fullmatch(str(value)):
        value = Opaque("encrypted", str(value))
    start, line = one.start, text.rfind("\n", 0, one.start) + 1
    after = line_end(text, end)
    if not text[line:start].strip("\ufeff \t") and not text[end:after].strip():
        start, end = line, after + (2 if text[after : after + 2] == "\r\n" else 1 if after < len(text) else 0)
    return Statement(path, value, start, end, value_start, value_end)


def _unescaped(raw: str) -> str:
    raw = re.sub(r"<!--.*?-->|<\?.*?\?>", "", raw, flags=re.DOTALL)
    names = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

    def plain(found: re.Match[str]) -> str:
        if found["cdata"] is not None:
            return found["cdata"]
        word = found["name"]
        if word[0] == "#":
            number = int(word[2:], 16) if word[1] in "xX" else int(word[1:])
            return chr(number) if number < 0x110000 else "\ufffd"
        return names.get(word, found.group())

    raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(
        r"<!\[CDATA\[(?P<cdata>.*?)\]\]>|&(?P<name>#[0-9]+|#[xX][0-9a-fA-F]+|\w+);", plain, raw, flags=re.DOTALL
    )


def _first_place(text: str) -> int:
    """Behind the root's first tag."""
    for token in _TOKEN.finditer(text):
        if token["open"]:
            return token.end()
    raise FormatError("it has no element")


def _judged(text: str) -> dict[KeyPath, str]:
    """What the standard library's parser finds."""
    if not text.strip("\ufeff \t\r\n"):
        return {}
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text):
        raise FormatError("it has a DOCTYPE, which is not edited here")
    try:
        root = ElementTree.fromstring(_VERSION.sub(r"\g<1>1.0\2", text).encode("utf-8"))
    except (ElementTree.ParseError, ValueError) as error:
        line = getattr(error, "position", (0, 0))[0]
        raise FormatError(f"line {line} is not valid XML") from None
    found: dict[KeyPath, str] = {}
    todo: list[tuple[KeyPath, t.Any]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if path and not len(node):
            found[path] = node.text or ""
        todo += [((*path, child.tag), child) for child in reversed(node)]
    return found


FORMAT = Xml()

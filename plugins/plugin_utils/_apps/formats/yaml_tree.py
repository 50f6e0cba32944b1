# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text as a tree whose nodes know where they stand in the text.

PyYAML's composer forgets aliases (it hands out the anchored node once more), and an editor
must not. So the tree is built from the parser's events, and nothing is constructed: a value
is its text and its tag, whatever the app makes of it.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field

import yaml

__all__ = ("LINE_BREAKS", "MAX_CHARACTERS", "Document", "Node", "YamlError", "parse")

# PyYAML's own set; a file with U+2028 in it has more lines for YAML than for most editors.
LINE_BREAKS = "\r\n\x85\u2028\u2029"
MAX_CHARACTERS = 512 * 1024
_MAX_DEPTH = 100
_STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
# What YAML 1.2 readers take for a number, a boolean or null although YAML 1.1 (PyYAML) reads text, and the reverse.
_NOT_PLAIN_TEXT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0[ox][0-9a-fA-F_]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[tT]rue|TRUE|[fF]alse|FALSE|[nN]ull|NULL|~|=|<<)\Z"
)


class YamlError(ValueError):
    """The text cannot be read, or not be edited safely. One sentence, which never quotes the text's values."""


@dataclass(eq=False)
class Node:
    """A value in the text: ``start`` and ``end`` are indexes of characters, ``line`` counts from 1.

    ``start`` stands before an anchor or tag. ``end`` of a block mapping or sequence is the end of its last value.
    """

    kind: t.Literal["scalar", "alias", "mapping", "sequence"]
    start: int
    end: int
    line: int
    column: int
    value: str = ""
    style: str | None = None
    tag: str | None = None
    explicit_tag: bool = False
    anchor: str | None = None
    flow: bool = False
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    entries: list[Node] = field(default_factory=list)
    target: Node | None = None

    @property
    def indent(self) -> int:
        """The column of a mapping's keys; its own column is that of an anchor or tag when it has one."""
        return self.pairs[0][0].column if self.pairs and (self.anchor or self.explicit_tag) else self.column

    @property
    def is_null(self) -> bool:
        return self.kind == "scalar" and self.tag == _NULL

    def resolved(self) -> Node:
        """The node itself, or the one that an alias stands for."""
        return self.target if self.target is not None else self

    def typed(self) -> t.Any:
        """The value if every YAML reader agrees on it (a text, a true or false, a whole number, null); else its Node.

        ``yes`` is true for YAML 1.1 and a text for YAML 1.2, so it is neither here.
        """
        node = self.resolved()
        if node.kind != "scalar" or node.explicit_tag:
            return node
        if node.style is not None:
            return node.value
        if node.value in ("true", "True", "TRUE"):
            return True
        if node.value in ("false", "False", "FALSE"):
            return False
        if re.fullmatch(r"0|-?[1-9][0-9]{0,18}", node.value):
            return int(node.value)
        if node.value in ("", "~", "null"):
            return None
        return node if node.tag != _STR or _NOT_PLAIN_TEXT.match(node.value) else node.value

    def find(self, name: str) -> list[tuple[Node, Node]]:
        """The pairs of a mapping whose key is this text."""
        return [
            pair for pair in self.pairs if pair[0].kind == "scalar" and pair[0].tag == _STR and pair[0].value == name
        ]

    def canonical(self) -> t.Any:
        """What the text means, without its looks: comparable, and blind to the order of keys."""
        if self.kind == "scalar":
            return ("scalar", self.tag, self.value)
        if self.kind == "alias":
            return ("alias", self.value)
        if self.kind == "sequence":
            return ("sequence", self.tag, tuple(entry.canonical() for entry in self.entries))
        return (
            "mapping",
            self.tag,
            tuple(sorted(((key.canonical(), value.canonical()) for key, value in self.pairs), key=repr)),
        )


@dataclass(eq=False)
class Document:
    """One document: ``root`` is None when the text holds nothing, ``end`` is where its content may be continued."""

    text: str
    root: Node | None
    end: int
    aliased: frozenset[str]

    @property
    def line_break(self) -> str:
        """The text's own line break: that of its first line."""
        found = re.search(r"\r\n|\n|\r", self.text)
        return found.group() if found else "\n"


# One edit looks at the same two texts several times, and PyYAML's parser takes its time. Nobody changes a tree.
@functools.lru_cache(maxsize=2)
def parse(text: str) -> Document:
    """Build the tree of the only document in the text. Raises YamlError."""
    if len(text) > MAX_CHARACTERS:
        raise YamlError(f"it has more than {MAX_CHARACTERS} characters, which is no config file")
    try:
        return _Builder(text).document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise YamlError(f"line {line} has a character that YAML forbids") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        # PyYAML's own words may quote a piece of the text, which may be a secret.
        tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        raise YamlError(f"{where} has a tab where YAML wants blanks" if tab else f"{where} is not valid YAML") from None


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._loader = yaml.SafeLoader(text)
        self._anchors: dict[str, Node] = {}
        self._aliased: set[str] = set()

    def document(self) -> Document:
        self._next(yaml.StreamStartEvent)
        if self._loader.check_event(yaml.StreamEndEvent):
            return Document(self._text, None, len(self._text), frozenset())
        self._next(yaml.DocumentStartEvent)
        root: Node | None = self._node(0)
        end = self._loader.get_event()
        if not self._loader.check_event(yaml.StreamEndEvent):
            raise YamlError(
                f"line {self._loader.peek_event().start_mark.line + 1} starts a second document; only files with one document can be edited"
            )
        if root is not None and root.is_null and root.start == root.end:
            root = None
        return Document(
            self._text, root, end.start_mark.index if end.explicit else len(self._text), frozenset(self._aliased)
        )

    def _next(self, kind: type) -> t.Any:
        event = self._loader.get_event()
        if not isinstance(event, kind):
            raise YamlError("it is not valid YAML")
        return event

    def _node(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise YamlError(
                f"line {self._loader.peek_event().start_mark.line + 1} is nested more than {_MAX_DEPTH} levels deep"
            )
        event = self._loader.get_event()
        place = {
            "start": event.start_mark.index,
            "end": event.end_mark.index,
            "line": event.start_mark.line + 1,
            "column": event.start_mark.column,
            "anchor": event.anchor,
        }
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place)
        explicit = event.tag is not None and event.tag != "!"
        if isinstance(event, yaml.ScalarEvent):
            tag = event.tag if explicit else self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
            node = Node(
                "scalar", value=event.value, style=event.style, tag=tag, explicit_tag=event.tag is not None, **place
            )
            return self._anchored(node)
        is_map = isinstance(event, yaml.MappingStartEvent)
        tag = event.tag if explicit else f"tag:yaml.org,2002:{'map' if is_map else 'seq'}"
        node = Node(
            "mapping" if is_map else "sequence", tag=tag, explicit_tag=explicit, flow=bool(event.flow_style), **place
        )
        self._anchored(node)
        self._children(node, depth)
        return node

    def _children(self, node: Node, depth: int) -> None:
        last = node
        while not self._loader.check_event(yaml.MappingEndEvent, yaml.SequenceEndEvent):
            if node.kind == "mapping":
                key = self._node(depth + 1)
                last = self._node(depth + 1)
                node.pairs.append((key, last))
            else:
                last = self._node(depth + 1)
                node.entries.append(last)
        event = self._loader.get_event()
        # A block's end event stands at the next token, behind comments that are not the block's.
        node.end = event.end_mark.index if node.flow or last is node else last.end

    def _anchored(self, node: Node) -> Node:
        if node.anchor:
            self._anchors[node.anchor] = node
        return node

    def _alias(self, event: t.Any, place: dict[str, t.Any]) -> Node:
        target = self._anchors.get(event.anchor)
        if target is None:
            raise YamlError(f"line {place['line']} names an anchor that is not there")
        self._aliased.add(event.anchor)
        place["anchor"] = None
        return Node("alias", value=event.anchor, target=target, **place)

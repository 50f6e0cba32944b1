# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change a few keys of one section of a YAML text; every other character stays as it was.

The tree says where a value stands, and only that place is overwritten. What comes out is
parsed once more and compared with what was meant: a text that would mean anything else is
never returned.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import (
    LINE_BREAKS,
    Document,
    Node,
    YamlError,
    parse,
)

__all__ = (
    "Edit",
    "append",
    "break_at",
    "child",
    "children",
    "edit",
    "edit_section",
    "first_that_means",
    "line_end",
    "line_start",
    "meaning",
    "quote",
    "read",
    "refuse_shared",
    "remove",
    "remove_pairs",
    "section_goal",
    "spelt_key",
)

Scalar = str | int | bool | None
Path = Sequence[str]

_BLANK = re.compile(" *")
_DASH = re.compile(" *(?:- +)*")
_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9._@-]*\Z")
# Words that some YAML reader takes for something else than a text.
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
# JSON's escapes are YAML's too; these characters need one in YAML but not in JSON.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


class Edit(t.NamedTuple):
    start: int
    end: int
    text: str


def quote(value: Scalar) -> str:
    """A value as YAML 1.1 and 1.2 read it alike, on one line: texts always in double quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if value is None:
        return "null"
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(str(value), ensure_ascii=False))


def read(text: str, path: Path) -> dict[str, t.Any] | None:
    """The section's values by key, merged ones included; None when there is no such section.

    Texts, numbers, true, false and null come as such, whatever else as a Node. Raises YamlError.
    """
    node = parse(text).root
    for name in path:
        node = None if node is None else _effective(node).get(name)
    if node is None or node.resolved().kind != "mapping":
        return None
    return {name: value.typed() for name, value in _effective(node).items()}


def children(node: Node) -> dict[str, t.Any]:
    """The values of one mapping as ``read`` gives them."""
    return {name: value.typed() for name, value in _effective(node).items()}


def child(node: Node | None, name: str) -> Node | None:
    """What a mapping holds under this name, merged values included; None when it is no mapping or has no such key."""
    return None if node is None else _effective(node).get(name)


def edit(text: str, path: Path, wanted: Mapping[str, Scalar], managed: Collection[str], block: str) -> str:
    """Make the section at ``path`` hold ``wanted``, and none of the other ``managed`` keys.

    ``block`` is the section as text, from its first key on; it is put at the end of a text that lacks the
    section. Raises YamlError, whose sentence names the line but quotes no value.
    """
    document = parse(text)
    parents, section = _walk(document, path)
    if section is not None and len(parents) == len(path) and section.pairs:
        ways = [edit_section(document, path, section, wanted, managed)]
    elif not parents:
        ways = _fill_root(document, section, block)
    elif section is None:
        ways = _insert_key(document, path, parents, wanted, block)
    else:
        ways = [_fill_value(document, path, parents, section, wanted, block)]
    goal = _set(meaning(document), path, section_goal(section if len(parents) == len(path) else None, wanted, managed))
    return first_that_means(
        text, ways, goal, f"{_dotted(path)} cannot be changed without touching other parts of the file"
    )


def remove(text: str, path: Path, managed: Collection[str]) -> str:
    """Take the managed keys out, and the section with them when nothing else is in it. Raises YamlError."""
    document = parse(text)
    parents, section = _walk(document, path)
    if section is None or len(parents) < len(path):
        return text
    names = [name for name in managed if _only(section, name, path)]
    if path and len(names) == len(section.pairs):
        refuse_shared(document, section, _dotted(path))
        for key, value in section.pairs:
            _must_be_scalar(value, key)
        edits = remove_pairs(document, parents[-1], [path[-1]])
        goal = _set(meaning(document), path, None)
    elif names:
        edits = edit_section(document, path, section, {}, managed)
        goal = _set(meaning(document), path, section_goal(section, {}, managed))
    else:
        return text
    return first_that_means(
        text, [edits], goal, f"{_dotted(path)} cannot be removed without touching other parts of the file"
    )


# Finding the section


def _walk(document: Document, path: Path) -> tuple[list[Node], Node | None]:
    """The mappings on the way to the section, as far as they exist and hold something, and what the last of them has for the next name.

    That value is None when the name is missing, and an empty one (null, ``{}``) ends the way early.
    """
    node = document.root
    parents: list[Node] = []
    for depth in range(len(path) + 1):
        if node is None:
            break
        refuse_shared(document, node, _dotted(path[:depth]), whole=False)
        if node.is_null:
            break
        _must_be_mapping(node, path[:depth])
        if depth == len(path) or not node.pairs:
            break
        parents.append(node)
        pair = _only(node, path[depth], path[:depth])
        if pair is not None:
            _must_be_simple(document, node, *pair)
        node = pair[1] if pair is not None else None
    return parents, node


def _must_be_mapping(node: Node, path: Path) -> None:
    where = _dotted(path)
    if node.kind == "alias":
        raise YamlError(
            f"line {node.line}: {where} is an alias, so a change would reach other parts of the file; write the section out there"
        )
    if node.kind != "mapping":
        raise YamlError(
            f"line {node.line}: {where} holds {'a list' if node.kind == 'sequence' else 'a single value'} where a mapping of keys belongs"
        )
    if node.explicit_tag:
        raise YamlError(f"line {node.line}: {where} carries a tag; take the tag away")


def _only(mapping: Node, name: str, path: Path) -> tuple[Node, Node] | None:
    found = mapping.find(name)
    if len(found) > 1:
        lines = " and ".join(str(key.line) for key, value in found)
        raise YamlError(f"{_dotted([*path, name])} is there more than once (lines {lines}); remove all but one")
    return found[0] if found else None


def _must_be_simple(document: Document, mapping: Node, key: Node, value: Node) -> None:
    """Refuse the spellings of a pair whose place in the text is not `key: value`."""
    between = document.text[key.end : value.start]
    odd = ":" not in between
    if not mapping.flow:
        ahead = document.text[line_start(document.text, key.start) : key.start]
        # The first key of a list's entry stands behind its dash.
        odd = odd or not (_DASH if key is mapping.pairs[0][0] else _BLANK).fullmatch(ahead)
    if odd:
        raise YamlError(f"line {key.line}: the key {key.value} is not written as `{key.value}: value`; write it so")


def refuse_shared(document: Document, node: Node, where: str, *, whole: bool = True) -> None:
    """Refuse a change of what an alias elsewhere repeats; ``whole``: of the node with all that is in it."""
    if node.anchor in document.aliased:
        raise YamlError(
            f"line {node.line}: {where} carries an anchor that other parts of the file use; write its value out in both places"
        )
    if whole:
        for child in [*node.entries, *(child for pair in node.pairs for child in pair)]:
            refuse_shared(document, child, where)


def _must_be_scalar(value: Node, key: Node) -> None:
    if value.resolved().kind != "scalar":
        raise YamlError(
            f"line {value.line}: {key.value} holds {'a list' if value.resolved().kind == 'sequence' else 'a mapping'} where a single value belongs"
        )


def _effective(node: Node, known: dict[int, dict[str, Node]] | None = None) -> dict[str, Node]:
    """The values of a mapping by key, with what `<<` merges into it. Every mapping is looked at once, however often it is merged."""
    node, known = node.resolved(), {} if known is None else known
    if node.kind != "mapping":
        return {}
    if id(node) in known:
        return known[id(node)]
    # A mapping that merges itself has nothing to add.
    known[id(node)] = {}
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in node.pairs:
        if key.kind != "scalar":
            continue
        if key.value == "<<" and key.style is None:
            sources = value.resolved().entries if value.resolved().kind == "sequence" else [value]
            for source in sources:
                merged = {**_effective(source, known), **merged}
        else:
            own[key.value] = value
    known[id(node)] = {**merged, **own}
    return known[id(node)]


# Changing a section that is there


def edit_section(
    document: Document, path: Path, section: Node, wanted: Mapping[str, Scalar], managed: Collection[str]
) -> list[Edit]:
    edits: list[Edit] = []
    missing: list[str] = []
    gone: list[str] = []
    for name in managed:
        pair = _only(section, name, path)
        if pair is None:
            if name in wanted:
                missing.append(name)
            elif name in _effective(section):
                raise YamlError(
                    f"line {section.line}: {_dotted([*path, name])} comes from a merged mapping (<<), so it cannot be taken out here"
                )
            continue
        key, value = pair
        if name in wanted and value.typed() == wanted[name] and type(value.typed()) is type(wanted[name]):
            continue
        _must_be_simple(document, section, key, value)
        _must_be_scalar(value, key)
        refuse_shared(document, key, _dotted([*path, name]))
        refuse_shared(document, value, _dotted([*path, name]))
        if name in wanted:
            edits.append(_replace(document, value, wanted[name]))
        else:
            gone.append(name)
    if gone:
        edits += remove_pairs(document, section, gone)
    if missing:
        edits.append(_add_pairs(document, section, [(name, wanted[name]) for name in wanted if name in missing], gone))
    return edits


def _replace(document: Document, value: Node, new: Scalar) -> Edit:
    """Overwrite one value, in the style that it has where the new value allows it."""
    spelt = quote(new)
    if value.kind == "scalar" and isinstance(new, str):
        if value.style is None and not value.is_null and _PLAIN.match(new) and new.lower() not in _RESERVED:
            spelt = new
        elif value.style == "'" and new and not re.search(r"[^ -~\u00a1-\u1fff]", new):
            spelt = "'" + new.replace("'", "''") + "'"
    if value.start == value.end:
        return Edit(value.start, value.end, f" {spelt}")
    if value.style in ("|", ">"):
        # The token takes in a comment behind the `|` and the line break behind the text.
        old = document.text[value.start : value.end]
        comment = re.match(r"[^\r\n]*?([ \t]+#[^\r\n]*)", old)
        tail = old[len(old.rstrip(LINE_BREAKS + " ")) :]
        return Edit(value.start, value.end, spelt + (comment.group(1) if comment else "") + tail)
    return Edit(value.start, value.end, spelt)


def _add_pairs(document: Document, mapping: Node, pairs: Sequence[tuple[str, Scalar]], gone: Collection[str]) -> Edit:
    """Insert pairs behind the mapping's last pair that stays and is a single value, or else ahead of its first."""
    text = document.text
    if mapping.flow:
        stays = [pair for pair in mapping.pairs if pair[0].value not in gone]
        quoted = mapping.pairs[-1][0].style == '"'
        written = [f"{quote(name) if quoted else spelt_key(name)}: {quote(value)}" for name, value in pairs]
        if not stays:
            return Edit(mapping.start + 1, mapping.start + 1, ", ".join(written))
        indent = text[line_start(text, stays[-1][0].start) : stays[-1][0].start]
        separator = f",{document.line_break}{indent}" if len(stays) > 1 and not indent.strip() else ", "
        return Edit(stays[-1][1].end, stays[-1][1].end, "".join(separator + pair for pair in written))
    indent = " " * mapping.indent
    lines = [f"{spelt_key(name)}: {quote(value)}" for name, value in pairs]
    stays = [
        pair
        for pair in mapping.pairs
        if pair[0].value not in gone and pair[1].kind in ("scalar", "alias") and pair[1].style not in ("|", ">")
    ]
    if stays:
        end = line_end(text, stays[-1][1].end)
        return Edit(end, end, "".join(document.line_break + indent + line for line in lines))
    ahead = line_start(text, mapping.pairs[0][0].start)
    return Edit(ahead, ahead, "".join(indent + line + document.line_break for line in lines))


def remove_pairs(document: Document, mapping: Node, names: Collection[str]) -> list[Edit]:
    """Take the pairs with these keys out of a mapping, with their whole lines."""
    text = document.text
    if not mapping.flow:
        edits: list[Edit] = []
        first = 0
        if text[line_start(text, mapping.pairs[0][0].start) : mapping.pairs[0][0].start].strip(" "):
            edits, first = _behind_dash(document, mapping, names)
        for key, value in mapping.pairs[first:]:
            if key.value in names:
                start = line_start(text, key.start)
                # A block scalar takes in the blank lines behind it; they stay.
                end = line_end(text, key.end + len(text[key.end : value.end].rstrip(LINE_BREAKS + " ")))
                edits.append(Edit(start, end + len(break_at(text, end)), ""))
        return edits
    edits = []
    stays = [index for index, pair in enumerate(mapping.pairs) if pair[0].value not in names]
    if not stays:
        return [Edit(mapping.start + 1, mapping.end - 1, "")]
    for index, (key, value) in enumerate(mapping.pairs):
        if index in stays:
            continue
        if index < stays[0]:
            edits.append(Edit(key.start, mapping.pairs[index + 1][0].start, ""))
        else:
            edits.append(Edit(mapping.pairs[index - 1][1].end, value.end, ""))
    return edits


def _behind_dash(document: Document, mapping: Node, names: Collection[str]) -> tuple[list[Edit], int]:
    """The first pairs of a list's entry go, and the next one takes the place behind the dash; how many these are."""
    first = next((index for index, pair in enumerate(mapping.pairs) if pair[0].value not in names), 0)
    if not first:
        return [], 0
    start, end = mapping.pairs[0][0].start, mapping.pairs[first][0].start
    if "#" in document.text[start:end]:
        key = mapping.pairs[0][0]
        raise YamlError(
            f"line {key.line}: {key.value} has to go, and the comments behind it have no place then; let the entry begin"
            " with another key"
        )
    return [Edit(start, end, "")], first


# Adding a section that is not there


def _fill_value(
    document: Document, path: Path, parents: Sequence[Node], value: Node, wanted: Mapping[str, Scalar], block: str
) -> list[Edit]:
    """`email:`, `email: null  # comment` or `email: {}`: the value goes, the lines come below."""
    text, parent, rest = document.text, parents[-1], path[len(parents) :]
    if parent.flow:
        style = parent.find(path[len(parents) - 1])[0][0].style
        return [Edit(value.start, value.end, ("" if value.end > value.start else " ") + _flow(rest, wanted, style))]
    start = value.start
    while start < value.end and text[start - 1] in " \t":
        start -= 1
    end = line_end(text, value.end)
    lines = _lines(rest, wanted, parent.indent + _step(document, block), _step(document, block))
    return [Edit(start, value.end, ""), Edit(end, end, "".join(document.line_break + line for line in lines))]


def _insert_key(
    document: Document, path: Path, parents: Sequence[Node], wanted: Mapping[str, Scalar], block: str
) -> list[list[Edit]]:
    """A key that its parent mapping lacks, with all that belongs below it: the ways to put it in, best first."""
    text, parent = document.text, parents[-1]
    rest = path[len(parents) - 1 :]
    if parent.flow:
        last = parent.pairs[-1]
        indent = text[line_start(text, last[0].start) : last[0].start]
        separator = f",{document.line_break}{indent}" if parent.line != last[0].line and not indent.strip() else ", "
        return [[Edit(last[1].end, last[1].end, separator + _flow(rest, wanted, last[0].style)[1:-1])]]
    if len(parents) == 1:
        lines = [" " * parent.indent + line if line else line for line in block.rstrip("\n").split("\n")]
    else:
        lines = _lines(rest, wanted, parent.indent, _step(document, block))
    body = document.line_break.join(lines)
    start = line_start(text, parent.pairs[0][0].start)
    ahead = [Edit(start, start, body + document.line_break)]
    if len(parents) == 1:
        return [[append(document, body)], [append(document, body, blank=False)], ahead]
    end = line_end(text, parent.end)
    return [[Edit(end, end, document.line_break + body)], ahead]


def _fill_root(document: Document, value: Node | None, block: str) -> list[list[Edit]]:
    """A text without content: empty, comments only, `{}`, `null` or a bare `---`."""
    body = document.line_break.join(block.rstrip("\n").split("\n"))
    if value is None or value.start == value.end:
        return [[append(document, body)], [append(document, body, blank=False)]]
    head = document.text[line_start(document.text, value.start) : value.start].strip(" ")
    return [[Edit(value.start, value.end, (document.line_break if head else "") + body)]]


def append(document: Document, body: str, *, blank: bool = True) -> Edit:
    before, br = document.text[: document.end], document.line_break
    lead = "" if before in ("", "\ufeff") or before[-1] in LINE_BREAKS else br
    if (
        blank
        and before.strip("\ufeff" + LINE_BREAKS + " ")
        and not (before + lead).endswith(br * 2)
        and not before.rstrip().endswith("---")
    ):
        lead += br
    return Edit(document.end, document.end, lead + body + br)


def _lines(names: Path, wanted: Mapping[str, Scalar], column: int, step: int) -> list[str]:
    """The wanted pairs as lines, below these names."""
    lines = [" " * (column + step * depth) + f"{spelt_key(name)}:" for depth, name in enumerate(names)]
    return lines + [
        " " * (column + step * len(names)) + f"{spelt_key(name)}: {quote(value)}" for name, value in wanted.items()
    ]


def _flow(names: Path, wanted: Mapping[str, Scalar], style: str | None) -> str:
    """The wanted pairs as a flow mapping, below these names."""
    inner = "{" + ", ".join(f"{_flow_key(name, style)}: {quote(value)}" for name, value in wanted.items()) + "}"
    for name in reversed(names):
        inner = f"{{{_flow_key(name, style)}: {inner}}}"
    return inner


def _flow_key(name: str, style: str | None) -> str:
    return quote(name) if style == '"' else spelt_key(name)


def spelt_key(name: str) -> str:
    """A key as every YAML reader takes it for a text."""
    return name if re.match(r"^[A-Za-z_][A-Za-z0-9_-]*\Z", name) and name.lower() not in _RESERVED else quote(name)


def _step(document: Document, block: str) -> int:
    """By how much the text indents: that of its first nested block mapping, else that of the template."""
    todo = [document.root] if document.root is not None else []
    while todo:
        node = todo.pop(0)
        for _key_node, value in node.pairs:
            if value.kind == "mapping" and not value.flow and value.indent > node.indent:
                return value.indent - node.indent
            todo.append(value)
        todo += node.entries
    found = re.search(r"\n( +)\S", block)
    return len(found.group(1)) if found else 2


# The text


def line_start(text: str, index: int) -> int:
    """Where the line begins, behind a byte order mark."""
    while index > 0 and text[index - 1] not in LINE_BREAKS + "\ufeff":
        index -= 1
    return index


def line_end(text: str, index: int) -> int:
    """Where the line ends, ahead of its line break. A comment belongs to the line."""
    while index < len(text) and text[index] not in LINE_BREAKS:
        index += 1
    return index


def break_at(text: str, index: int) -> str:
    return "\r\n" if text[index : index + 2] == "\r\n" else text[index : index + 1]


def _apply(text: str, edits: Sequence[Edit]) -> str:
    # From the end to the start; of two insertions at one place the earlier of the list comes first in the text.
    for _index, (start, end, new) in sorted(
        enumerate(edits), key=lambda one: (one[1].start, one[1].end, one[0]), reverse=True
    ):
        text = text[:start] + new + text[end:]
    return text


def _dotted(path: Path) -> str:
    return ".".join(path) if path else "the top of the file"


# The proof

_MAP = "tag:yaml.org,2002:map"
_STR = "tag:yaml.org,2002:str"
_NULL = ("scalar", "tag:yaml.org,2002:null", "")


def meaning(document: Document) -> t.Any:
    """What a text means, without its looks: comparable."""
    return document.root.canonical() if document.root is not None else _NULL


def _mapping(pairs: list[t.Any], tag: str = _MAP) -> t.Any:
    return ("mapping", tag, tuple(sorted(pairs, key=repr)))


def section_goal(section: Node | None, wanted: Mapping[str, Scalar], managed: Collection[str]) -> t.Any:
    """What the section has to mean afterwards."""
    old = section.pairs if section is not None else []
    pairs = [
        (key.canonical(), value.canonical()) for key, value in old if not (key.tag == _STR and key.value in managed)
    ]
    for name, new in wanted.items():
        same = [
            value
            for key, value in old
            if key.value == name and value.typed() == new and type(value.typed()) is type(new)
        ]
        kind = "bool" if isinstance(new, bool) else "int" if isinstance(new, int) else "null" if new is None else "str"
        spelt = str(new) if kind == "str" else quote(new)
        pairs.append(
            (("scalar", _STR, name), same[0].canonical() if same else ("scalar", f"tag:yaml.org,2002:{kind}", spelt))
        )
    return _mapping(pairs)


def _set(value: t.Any, path: Path, new: t.Any) -> t.Any:
    """The canonical value with another one at ``path``; None takes the key out."""
    if not path:
        return new
    pairs = list(value[2]) if value[0] == "mapping" else []
    key = ("scalar", _STR, path[0])
    inner = next((pair[1] for pair in pairs if pair[0] == key), _NULL)
    pairs = [pair for pair in pairs if pair[0] != key]
    inner = _set(inner, path[1:], new)
    if inner is not None:
        pairs.append((key, inner))
    return _mapping(pairs)


def first_that_means(text: str, ways: Sequence[Sequence[Edit]], goal: t.Any, refusal: str) -> str:
    """The first way whose outcome parses and means what it should. Raises YamlError when none does."""
    for edits in ways:
        changed = _apply(text, edits)
        try:
            if _emptied(meaning(parse(changed))) == _emptied(goal):
                return changed
        except YamlError:
            continue
    raise YamlError(refusal)


def _emptied(value: t.Any) -> t.Any:
    """A mapping that has lost its last key is null in block style and {} in flow style: one and the same here."""
    if value[0] != "mapping":
        return value
    pairs = [(key, _emptied(inner)) for key, inner in value[2]]
    return _mapping(pairs, value[1]) if pairs else _NULL

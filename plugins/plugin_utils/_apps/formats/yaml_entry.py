# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A section that is one entry of a list of mappings in YAML; the other entries stay as they were.

A path to it ends in ``[key=value]``: the entry that has this value there. A mapping that stands where the list may stand
is taken for its only entry, as apps do that accept both.
"""

from __future__ import annotations

import fnmatch
import re
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_edit import (
    Edit,
    Scalar,
    append,
    break_at,
    child,
    edit_section,
    first_that_means,
    line_end,
    line_start,
    meaning,
    quote,
    refuse_shared,
    remove_pairs,
    section_goal,
    spelt_key,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import (
    LINE_BREAKS,
    Document,
    Node,
    YamlError,
    parse,
)

__all__ = ("edit_entry", "is_selector", "locate", "read_entry", "remove_entry")

Path = Sequence[str]
_SELECTOR = re.compile(r"\[([A-Za-z_][\w-]*)=(.*)\]")
_MAP = "tag:yaml.org,2002:map"


def is_selector(path: Path) -> bool:
    """Whether a path leads to an entry of a list."""
    return bool(path) and _SELECTOR.fullmatch(path[-1]) is not None


def locate(text: str, paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Of the paths that may lead to a section the one that does in this text, else the one whose list is there, else
    the first. A ``*`` in a first name stands for any text. Raises YamlError.
    """
    root = parse(text).root
    lists = []
    for path in (one for several in paths for one in _named(root, several)):
        holder = _at(root, path[:-1] if is_selector(path) else path)
        if holder is None:
            continue
        if not is_selector(path):
            return path
        if holder.kind == "mapping" and _fits(holder, path[-1]):
            return path[:-1]
        if holder.kind == "sequence":
            if _matching(holder, path[-1]):
                return path
            lists.append(path)
    return lists[0] if lists else paths[0]


def read_entry(text: str, path: Path) -> Node | None:
    """The entry; the first where several fit. None: there is none. Raises YamlError."""
    holder = _at(parse(text).root, path[:-1])
    found = _matching(holder, path[-1]) if holder is not None and holder.kind == "sequence" else []
    return found[0] if found else None


def edit_entry(text: str, path: Path, wanted: Mapping[str, Scalar], managed: Collection[str], indent: int = 2) -> str:
    """Make the entry hold ``wanted`` and none of the other ``managed`` keys; it is added where there is none. Raises
    YamlError, whose sentence names the line but quotes no value.
    """
    document = parse(text)
    holder = _list_of(document, path)
    refusal = f"{path[-2] if len(path) > 1 else 'the list'} cannot be changed without touching other parts of the file"
    entry = _only(holder, path) if holder is not None else None
    if holder is not None and entry is not None:
        edits = edit_section(document, path, entry, wanted, managed)
        return first_that_means(
            text, [edits], _with(document, path, holder, entry, section_goal(entry, wanted, managed)), refusal
        )
    goal = _with(document, path, holder, None, section_goal(None, wanted, managed))
    if holder is not None and holder.entries:
        return first_that_means(text, [_behind_last(document, holder, wanted)], goal, refusal)
    return first_that_means(text, _first_entry(document, path, wanted, indent), goal, refusal)


def remove_entry(text: str, path: Path, managed: Collection[str]) -> str:
    """Take the managed keys out of the entry; without the key that selects it, it goes as a whole, and an empty list
    with it. Raises YamlError.
    """
    document = parse(text)
    holder = _list_of(document, path)
    entry = _only(holder, path) if holder is not None else None
    if holder is None or entry is None:
        return text
    refusal = f"{path[-2] if len(path) > 1 else 'the list'} cannot be changed without touching other parts of the file"
    selector = _SELECTOR.fullmatch(path[-1])
    if selector is not None and selector[1] not in managed:
        goal = _with(document, path, holder, entry, section_goal(entry, {}, managed))
        return first_that_means(text, [edit_section(document, path, entry, {}, managed)], goal, refusal)
    refuse_shared(document, entry, path[-1])
    goal = _with(document, path, holder, entry, None)
    if len(holder.entries) > 1:
        edits = [_without(document, holder, entry)]
    elif len(path) > 1:
        parent = _at(document.root, path[:-2])
        edits = remove_pairs(document, t.cast(Node, parent), [path[-2]])
    else:
        edits = [Edit(holder.start, holder.end, "[]")]
    return first_that_means(text, [edits], goal, refusal)


# Finding it


def _named(root: Node | None, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not path or "*" not in path[0] or root is None or root.kind != "mapping":
        return [] if path and "*" in path[0] else [path]
    names = [
        key.value for key, _value in root.pairs if key.kind == "scalar" and fnmatch.fnmatchcase(key.value, path[0])
    ]
    return [(name, *path[1:]) for name in names]


def _at(root: Node | None, path: Path) -> Node | None:
    node = root
    for name in path:
        node = child(node, name)
    return node.resolved() if node is not None else None


def _fits(node: Node, selector: str) -> bool:
    found = _SELECTOR.fullmatch(selector)
    held = child(node, found[1]) if found is not None and node.resolved().kind == "mapping" else None
    return held is not None and found is not None and held.typed() == found[2]


def _matching(holder: Node, selector: str) -> list[Node]:
    return [entry for entry in holder.entries if _fits(entry, selector)]


def _only(holder: Node, path: Path) -> Node | None:
    found = _matching(holder, path[-1])
    if len(found) > 1:
        lines = " and ".join(str(one.line) for one in found)
        raise YamlError(
            f"{'.'.join(path)} is there more than once (lines {lines}); remove all but one, or describe the app anew with"
            " a section that names yours, such as [name=mail]"
        )
    if found and found[0].kind == "alias":
        raise YamlError(f"line {found[0].line}: {'.'.join(path)} is an alias; write the entry out there")
    return found[0] if found else None


def _list_of(document: Document, path: Path) -> Node | None:
    """The list, where there is one. Refuses what is none, and what an alias repeats."""
    node = document.root
    names = path[:-1]
    for depth, name in enumerate(("", *names)):
        if name:
            node = child(node, name)
        if node is None or node.is_null:
            return None
        where = ".".join(names[:depth]) or "the top of the file"
        if node.kind == "alias":
            raise YamlError(f"line {node.line}: {where} is an alias; write the list out there")
        refuse_shared(document, node, where, whole=False)
        if node.explicit_tag:
            raise YamlError(
                f"line {node.line}: {where} is taken from elsewhere ({node.tag}); name the file that has the list"
            )
    if node is not None and node.kind != "sequence" and names:
        held = "a mapping" if node.kind == "mapping" else "a single value"
        raise YamlError(f"line {node.line}: {'.'.join(names)} holds {held} where a list belongs; write it as a list")
    return node


# Changing the text


def _lines(wanted: Mapping[str, Scalar], column: int) -> list[str]:
    pairs = [f"{spelt_key(name)}: {quote(value)}" for name, value in wanted.items()]
    return [" " * column + ("  " if number else "- ") + pair for number, pair in enumerate(pairs)]


def _flow(wanted: Mapping[str, Scalar]) -> str:
    return "{" + ", ".join(f"{spelt_key(name)}: {quote(value)}" for name, value in wanted.items()) + "}"


def _behind_last(document: Document, holder: Node, wanted: Mapping[str, Scalar]) -> list[Edit]:
    last = holder.entries[-1]
    if holder.flow:
        return [Edit(last.end, last.end, ", " + _flow(wanted))]
    text = document.text
    # A block scalar takes in the blank lines behind it.
    end = line_end(text, last.start + len(text[last.start : last.end].rstrip(LINE_BREAKS + " ")))
    lines = _lines(wanted, _dash(document, holder))
    return [Edit(end, end, "".join(document.line_break + line for line in lines))]


def _dash(document: Document, holder: Node) -> int:
    """The column of a list's dashes."""
    text, start = document.text, holder.entries[0].start
    return len(text[line_start(text, start) : start].partition("-")[0])


def _first_entry(document: Document, path: Path, wanted: Mapping[str, Scalar], indent: int) -> list[list[Edit]]:
    """Ways to put the first entry into a list that is empty or not there."""
    text, names = document.text, path[:-1]
    if not names:
        body = document.line_break.join(_lines(wanted, 0))
        root = document.root
        return [[Edit(root.start, root.end, body)]] if root is not None else [[append(document, body)]]
    parent = _at(document.root, names[:-1])
    there = parent.find(names[-1]) if parent is not None and parent.kind == "mapping" else []
    if there:
        key, value = there[0]
        lines = _lines(wanted, key.column + indent)
        start = value.start
        while start < value.end and text[start - 1] in " \t":
            start -= 1
        end = line_end(text, value.end if value.end > value.start else key.end)
        return [[Edit(start, value.end, ""), Edit(end, end, "".join(document.line_break + line for line in lines))]]
    heads = [" " * (indent * depth) + f"{spelt_key(name)}:" for depth, name in enumerate(names)]
    body = document.line_break.join([*heads, *_lines(wanted, indent * len(names))])
    return [[append(document, body)], [append(document, body, blank=False)]]


def _without(document: Document, holder: Node, entry: Node) -> Edit:
    text, index = document.text, holder.entries.index(entry)
    if holder.flow:
        if index:
            return Edit(holder.entries[index - 1].end, entry.end, "")
        return Edit(entry.start, holder.entries[1].start, "")
    start = line_start(text, entry.start)
    end = line_end(text, entry.start + len(text[entry.start : entry.end].rstrip(LINE_BREAKS + " ")))
    return Edit(start, end + len(break_at(text, end)), "")


# The proof


def _with(document: Document, path: Path, holder: Node | None, entry: Node | None, new: t.Any) -> t.Any:
    """What the text has to mean: with this entry as ``new``, behind the others where there was none; None: without it."""
    entries = [one.canonical() for one in holder.entries] if holder is not None else []
    place = holder.entries.index(entry) if holder is not None and entry is not None else len(entries)
    entries[place : place + 1] = [] if new is None else [new]
    listed = ("sequence", "tag:yaml.org,2002:seq", tuple(entries))
    return _set(meaning(document), path[:-1], listed if entries or len(path) == 1 else None)


def _set(value: t.Any, names: Path, new: t.Any) -> t.Any:
    if not names:
        return new
    pairs = list(value[2]) if value[0] == "mapping" else []
    key = ("scalar", "tag:yaml.org,2002:str", names[0])
    inner = next((pair[1] for pair in pairs if pair[0] == key), ("scalar", "tag:yaml.org,2002:null", ""))
    inner = _set(inner, names[1:], new)
    pairs = [pair for pair in pairs if pair[0] != key] + ([(key, inner)] if inner is not None else [])
    return ("mapping", _MAP, tuple(sorted(pairs, key=repr)))

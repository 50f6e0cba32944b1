# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change single entries of a list of texts in a YAML file; every other character stays as it was."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import spliced
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_edit import child, quote
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import (
    LINE_BREAKS,
    Node,
    YamlError,
    parse,
)

__all__ = ("edit_entries",)

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_]*=[A-Za-z0-9._@/+-]*\Z")


def edit_entries(
    text: str, path: Sequence[str], wanted: Mapping[str, str], remove: Collection[str], name_of: Callable[[str], str]
) -> str:
    """Put whole entries into the list at ``path``, each in place of the last one of the same name. Raises YamlError."""
    document = parse(text)
    node = _list(document.root, path)
    if node.anchor in document.aliased:
        raise YamlError(
            f"line {node.line}: {'.'.join(path)} carries an anchor that other parts of the file use; write its value"
            " out in both places"
        )
    by_name = {name_of(entry.value): entry for entry in node.entries if entry.kind == "scalar"}
    edits: list[tuple[int, int, str]] = []
    added = []
    for name, entry in wanted.items():
        if name not in by_name:
            added.append(entry)
            continue
        old = by_name[name]
        if old.style in ("|", ">") or old.anchor in document.aliased and old.anchor:
            raise YamlError(f"line {old.line}: the entry {name} is not written on one line; write it so")
        edits.append((old.start, old.end, _spelt(entry, old)))
    gone = [entry for entry in node.entries if entry.kind == "scalar" and name_of(entry.value) in remove]
    edits += _removals(text, node, gone)
    edits += _additions(text, node, gone, added, document.line_break)
    new = spliced(text, edits)
    goal = [entry.value for entry in node.entries if entry not in gone]
    for name, entry in wanted.items():
        if name in by_name:
            goal[[one for one in node.entries if one not in gone].index(by_name[name])] = entry
    _prove(text, new, path, [*goal, *added])
    return new


def _list(root: Node | None, path: Sequence[str]) -> Node:
    node = root
    for name in path:
        node = child(node, name)
    if node is None or node.kind != "sequence":
        raise YamlError(f"{'.'.join(path)} is not written out as a list")
    return node


def _spelt(entry: str, like: Node | None) -> str:
    if like is not None and like.style == "'" and not re.search(r"[^ -~\u00a1-\u1fff]", entry):
        return "'" + entry.replace("'", "''") + "'"
    if (like is None or like.style is None) and _PLAIN.match(entry):
        return entry
    return quote(entry)


def _removals(text: str, node: Node, gone: Sequence[Node]) -> list[tuple[int, int, str]]:
    edits = []
    for entry in gone:
        index = node.entries.index(entry)
        if node.flow:
            if index:
                edits.append((node.entries[index - 1].end, entry.end, ""))
            else:
                edits.append((entry.start, node.entries[1].start if len(node.entries) > 1 else entry.end, ""))
            continue
        start = entry.start
        while start > 0 and text[start - 1] not in LINE_BREAKS:
            start -= 1
        end = entry.end
        while end < len(text) and text[end] not in LINE_BREAKS:
            end += 1
        end += 2 if text[end : end + 2] == "\r\n" else 1
        edits.append((start, min(end, len(text)), ""))
    return edits


def _additions(
    text: str, node: Node, gone: Sequence[Node], added: Sequence[str], line_break: str
) -> list[tuple[int, int, str]]:
    if not added:
        return []
    stays = [entry for entry in node.entries if entry not in gone]
    if node.flow:
        spelt = ", ".join(quote(entry) for entry in added)
        return [(stays[-1].end, stays[-1].end, ", " + spelt) if stays else (node.start + 1, node.start + 1, spelt)]
    end = node.entries[-1].end
    while end < len(text) and text[end] not in LINE_BREAKS:
        end += 1
    indent = " " * node.column
    return [(end, end, "".join(f"{line_break}{indent}- {_spelt(entry, None)}" for entry in added))]


def _prove(old: str, new: str, path: Sequence[str], goal: Sequence[str]) -> None:
    """What comes out holds these entries, and everything else as before."""
    before, after = parse(old), parse(new)
    there = _list(after.root, path)
    entries = [entry.resolved().value for entry in there.entries]
    if entries != list(goal) or _without(before.root, path) != _without(after.root, path):
        raise YamlError(f"{'.'.join(path)} cannot be changed without touching other parts of the file")


def _without(node: Node | None, path: Sequence[str]) -> t.Any:
    """The tree as a comparable value, without what stands at ``path``."""
    if node is None or not path:
        return None
    pairs = [
        (key.canonical(), _without(value, path[1:]) if key.value == path[0] else value.canonical())
        for key, value in node.pairs
    ]
    return sorted(pairs, key=repr)

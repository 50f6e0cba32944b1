# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as a format. yaml_edit.py changes one mapping at a time with a proof of its own, on the tree of yaml_tree.py."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    Format,
    FormatError,
    KeyPath,
    Opaque,
    Value,
    yaml_edit,
    yaml_entry,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import Node, YamlError, parse

__all__ = ("FORMAT",)

_MAX_KEYS = 20_000


class Yaml(Format):
    """Every mapping that holds a wanted key is edited by itself, as keys may stand at several depths."""

    typed = True
    multiline = True

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        values: dict[KeyPath, Value] = {}
        try:
            if yaml_entry.is_selector(section):
                entry = yaml_entry.read_entry(text, section)
                found = yaml_edit.children(entry) if entry is not None else None
            else:
                found = yaml_edit.read(text, section)
            _collect(section, found or {}, values)
        except YamlError as error:
            raise FormatError(str(error)) from None
        return values

    def entries(self, text: str, names: KeyPath) -> list[dict[KeyPath, Value]]:
        try:
            nodes = [node for node in [parse(text).root] if node is not None]
            for name in names:
                below = [child for child in (yaml_edit.child(node, name) for node in nodes) if child is not None]
                lists = [child.resolved() for child in below]
                nodes = [
                    one.resolved() for node in lists for one in ([node] if node.kind == "mapping" else node.entries)
                ]
            found = []
            for node in (one for one in nodes if one.kind == "mapping"):
                values: dict[KeyPath, Value] = {}
                _collect((), yaml_edit.children(node), values)
                found.append(values)
        except YamlError as error:
            raise FormatError(str(error)) from None
        return found

    def locate(self, text: str, sections: Sequence[KeyPath]) -> KeyPath:
        try:
            return yaml_entry.locate(text, sections)
        except YamlError as error:
            raise FormatError(str(error)) from None

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        before = text
        sections = dict.fromkeys(path[:-1] for path in (*wanted, *remove))
        for section in sections:
            here = {path[-1]: value for path, value in wanted.items() if path[:-1] == section}
            managed = [path[-1] for path in (*wanted, *remove) if path[:-1] == section]
            if yaml_entry.is_selector(section):
                if here:
                    text = yaml_entry.edit_entry(text, section, here, managed, indent)
                else:
                    text = yaml_entry.remove_entry(text, section, managed)
            elif here:
                text = yaml_edit.edit(text, section, here, managed, _block(section, here, indent))
            else:
                text = yaml_edit.remove(text, section, managed)
        for section in sorted(sections, key=len, reverse=True):
            if not wanted and not yaml_entry.is_selector(section):
                text = _without_emptied(before, text, section)
        return text

    def edit(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        for path, value in wanted.items():
            why = self.unfit(path, value, dialect)
            if why is not None:
                raise FormatError(f"the value for {'.'.join(path)} {why}")
        try:
            return self.change(text, wanted, [path for path in remove if path not in wanted], dialect, indent)
        except YamlError as error:
            raise FormatError(str(error)) from None

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        # YAML can escape everything, NUL too; whether a password may hold it is for the settings to say.
        return None

    def hidden(self, text: str) -> set[str]:
        found = super().hidden(text)
        for node in _nodes(text):
            if node.kind == "scalar":
                found |= {node.value, text[node.start : node.end], *node.value.splitlines(), repr(node.value)[1:-1]}
        return found

    def names(self, text: str) -> set[str]:
        return {key.value for node in _nodes(text) for key, _value in node.pairs}


def _collect(path: KeyPath, mapping: Mapping[str, t.Any], values: dict[KeyPath, Value]) -> None:
    """Every single value below a mapping. What an alias repeats is not walked into, as a few lines of them can name
    millions.
    """
    for name, value in mapping.items():
        if len(values) > _MAX_KEYS:
            raise FormatError(f"it has more than {_MAX_KEYS} keys, which is no config file")
        if not isinstance(value, Node):
            values[(*path, name)] = value
        elif any(key.kind == "mapping" for key, _value in value.pairs):
            # {{ name }} without quotes, which a template fills in before it is YAML.
            values[(*path, name)] = Opaque("variable", "")
        elif value.kind == "mapping":
            _collect((*path, name), yaml_edit.children(value), values)
        else:
            node = value.resolved()
            kind = {"sequence": "list", "mapping": "mapping"}.get(node.kind, "unclear")
            if kind == "unclear" and node.explicit_tag and not (node.tag or "").startswith("tag:yaml.org,2002:"):
                # A tag of the app's own, such as !secret and !include: what it stands for is elsewhere.
                kind = "variable"
            values[(*path, name)] = Opaque(kind, node.value if kind in ("unclear", "variable") else "")


def _without_emptied(before: str, text: str, section: KeyPath) -> str:
    """The text without the mappings on the way to a section that have lost all that was in them."""
    old, new = parse(before).root, parse(text).root
    for depth in range(len(section), 0, -1):
        was, is_now = old, new
        for name in section[:depth]:
            was, is_now = yaml_edit.child(was, name), yaml_edit.child(is_now, name)
        if was is not None and was.pairs and is_now is not None and not is_now.pairs and is_now.kind != "sequence":
            text = yaml_edit.remove(text, section[: depth - 1], section[depth - 1 : depth])
            new = parse(text).root
    return text


def _nodes(text: str) -> list[Node]:
    root = parse(text).root
    todo, found = [root] if root is not None else [], []
    while todo:
        node = todo.pop()
        found.append(node)
        todo += [*node.entries, *(child for pair in node.pairs for child in pair)]
    return found


def _block(section: KeyPath, values: Mapping[str, t.Any], indent: int) -> str:
    lines = [" " * (indent * depth) + f"{name}:" for depth, name in enumerate(section)]
    lines += [
        " " * (indent * len(section)) + f"{yaml_edit.spelt_key(name)}: {yaml_edit.quote(value)}"
        for name, value in values.items()
    ]
    return "".join(line + "\n" for line in lines)


FORMAT = Yaml()

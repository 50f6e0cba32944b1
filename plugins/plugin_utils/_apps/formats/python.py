# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings files of Python: assignments of single values at the top level (``EMAIL_HOST = "smtp.example.com"``).

Python's own parser says where a value stands. What is computed (``os.environ[...]``) is Opaque; it gives way to a
value.
"""

from __future__ import annotations

import ast
import re
import typing as t
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    Format,
    FormatError,
    KeyPath,
    Opaque,
    Value,
    line_break,
    spliced,
)

__all__ = ("FORMAT",)


class _Assignment(t.NamedTuple):
    name: str
    value: Value
    start: int
    end: int
    value_start: int
    value_end: int


class Python(Format):
    """Top-level assignments to one name; of several to one name the last counts. One below a condition counts, too, and
    what it comes to is not known.
    """

    typed = True
    multiline = True

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        found: dict[KeyPath, Value] = {(one.name,): one.value for one in _scan(text)}
        found.update({(name,): Opaque("variable") for name in _conditional(text)})
        return found

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        return [((one.name,), one.start, one.end) for one in _scan(text)]

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        return "has a NUL byte, which no config file can hold" if isinstance(value, str) and "\0" in value else None

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        for name, node in _below_conditions(text).items():
            if (name,) in remove:
                raise FormatError(f"line {node.lineno} assigns {name} below a condition, so it cannot be taken out")
        conditional = _conditional(text)
        there = {one.name: one for one in _scan(text) if one.name not in conditional}
        edits = [
            (there[name].value_start, there[name].value_end, _spelt(value))
            for (name,), value in wanted.items()
            if name in there and not self.same(there[name].value, value)
        ]
        edits += [(one.start, one.end, "") for one in _scan(text) if (one.name,) in remove]
        missing = [f"{name} = {_spelt(value)}" for (name,), value in wanted.items() if name not in there]
        if missing:
            br = line_break(text)
            ours = [one.end for one in there.values() if (one.name,) in wanted]
            behind = [end for name, end in conditional.items() if (name,) in wanted]
            place = max((*ours, *behind)) if ours or behind else len(text)
            lead = "" if not text[:place] or text[:place].endswith("\n") else br
            edits.append((place, place, lead + br.join(missing) + br))
        return spliced(text, edits)


def _spelt(value: t.Any) -> str:
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in escaped) + '"'


def _scan(text: str) -> list[_Assignment]:
    try:
        tree = ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormatError(f"line {getattr(error, 'lineno', None) or 1} is no Python") from None
    starts = _starts(text)
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.append(_assignment(text, starts, node, node.targets[0].id))
    return found


def _conditional(text: str) -> dict[str, int]:
    """The names that are assigned below a condition behind all other assignments to them, and where that ends."""
    ends = {one.name: one.end for one in _scan(text)}
    starts = _starts(text)
    below = {name: starts[node.end_lineno or node.lineno] for name, node in _below_conditions(text).items()}
    return {name: end for name, end in below.items() if ends.get(name, 0) < end}


def _below_conditions(text: str) -> dict[str, ast.stmt]:
    """The names that are assigned inside another statement, and the last of these."""
    return {
        name: node
        for node in ast.parse(text.lstrip("\ufeff")).body
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While))
        for name in _names_inside(node)
    }


def _names_inside(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(child, ast.Assign):
            yield from (target.id for target in child.targets if isinstance(target, ast.Name))
        yield from _names_inside(child)


def _starts(text: str) -> list[int]:
    starts = [0]
    for line in re.findall(r"[^\r\n]*(?:\r\n|\n|\r|$)", text):
        starts.append(starts[-1] + len(line))
    return starts


def _assignment(text: str, starts: Sequence[int], node: ast.Assign, name: str) -> _Assignment:
    kinds = {ast.List: "list", ast.Tuple: "list", ast.Set: "list", ast.Dict: "mapping"}
    value: Value = Opaque(kinds.get(type(node.value), "variable"), ast.get_source_segment(text, node.value) or "")
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, (str, int, float, bool, type(None))):
        value = node.value.value
    last = node.end_lineno or node.lineno
    begin = starts[node.lineno - 1]
    return _Assignment(
        name,
        value,
        begin + (1 if begin == 0 and text.startswith("\ufeff") else 0),
        starts[last],
        _index(text, starts, node.value.lineno, node.value.col_offset),
        _index(text, starts, node.value.end_lineno or last, node.value.end_col_offset or 0),
    )


def _index(text: str, starts: Sequence[int], line: int, column: int) -> int:
    """ast counts columns in bytes of UTF-8, from 0."""
    mark = 1 if line == 1 and text.startswith("\ufeff") else 0
    content = text[starts[line - 1] + mark : starts[line]].encode()
    return starts[line - 1] + mark + len(content[:column].decode())


FORMAT = Python()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``services.<service>.environment`` of a compose file: a mapping, or a list of NAME=value.

Compose puts variables into the file before YAML is looked at, so a dollar sign is written twice. What stands in
``environment`` wins over ``env_file``, and of several of those the last one wins.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers.interpolation import interpolated
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    Opaque,
    Value,
    as_text,
    yaml_edit,
    yaml_list,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import Node, YamlError, parse

__all__ = ("CARRIER",)

_VARIABLE = re.compile(r"\$(?:\$|[A-Za-z_{])")


class Compose(Carrier):
    """One service of the file."""

    format = "yaml"
    needs_service = True

    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        node = _environment(text, service)
        if node is None:
            return {}
        if node.kind == "sequence":
            pairs = [_split(entry) for entry in node.entries]
            return {name: value for name, value in pairs if name}
        return {name: _interpolated(value) for name, value in yaml_edit.children(node).items()}

    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        there = self.read(text, service)
        changed = {
            name: value.replace("$", "$$")
            for name, value in wanted.items()
            if name not in there or not _same(there[name], value)
        }
        gone = [name for name in remove if name not in wanted and name in there]
        if not changed and not gone:
            return text
        for name, value in wanted.items():
            if re.search(r"[\0\r\n]", value):
                raise FormatError(
                    f"the value for {name} has a line break or NUL byte, which a variable should not hold"
                )
        path = ("services", service, "environment")
        try:
            node = _environment(text, service)
            if node is not None and node.kind == "sequence":
                new = yaml_list.edit_entries(
                    text, path, {name: f"{name}={value}" for name, value in changed.items()}, gone, _name
                )
            elif changed:
                new = yaml_edit.edit(text, path, changed, [*changed, *gone], "")
            else:
                new = yaml_edit.remove(text, path, gone)
        except YamlError as error:
            raise FormatError(str(error)) from None
        after = self.read(new, service)
        if not wanted:
            # What a merged mapping says is there again when the entry in front of it is gone.
            after = {
                name: value for name, value in after.items() if name not in gone or _is_written(new, service, name)
            }
        expected = {
            **{name: value for name, value in there.items() if name not in gone},
            **{name: wanted[name] for name in changed},
        }
        if after != expected:
            node = t.cast(Node, _service(text, service)).resolved()
            if not any(key.value == "environment" for key, _value in node.pairs):
                raise FormatError(
                    f"services.{service} has its environment from what is merged into it (<<), which other services may"
                    " share; write an environment in the service itself, with what it has now"
                )
            raise FormatError(f"services.{service}.environment cannot be changed so that it is read back")
        return new

    def files(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        return [path for path, _required in _env_files(text, service, variables or {})]

    def optional(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        return [path for path, required in _env_files(text, service, variables or {}) if not required]

    def findings(self, text: str, service: str = "", names: Collection[str] = ()) -> list[dict[str, str]]:
        node = _environment(text, service)
        found = []
        for entry in node.entries if node is not None and node.kind == "sequence" else []:
            name, value = _split(entry)
            if name in names and isinstance(value, str) and re.fullmatch(r"(['\"]).*\1", value, re.DOTALL):
                found.append(
                    {
                        "severity": "error",
                        "code": "quotes_in_value",
                        "message": f"The quotes around the value of {name} belong to the value: in a list of a"
                        " compose file nothing takes them away.",
                        "remedy": f'Put the quotes around the whole entry (- "{name}=..."), or write a mapping.',
                    }
                )
        return found


def _env_files(text: str, service: str, variables: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Each path of ``env_file``, and whether it must be there."""
    node = _service(text, service)
    found = yaml_edit.child(node, "env_file") if node is not None else None
    entries = [] if found is None else found.entries if found.kind == "sequence" else [found]
    for entry in entries:
        is_long = entry.kind == "mapping"
        path = yaml_edit.child(entry, "path") if is_long else entry
        required = yaml_edit.child(entry, "required") if is_long else None
        if path is None or path.resolved().kind != "scalar":
            continue
        # Defaults and what .env says are known here: what compose itself is given is not.
        raw = path.resolved().value
        known = interpolated("env_file", Opaque("variable", raw), variables) if "$" in raw else raw
        yield known if isinstance(known, str) else raw, required is None or required.resolved().value != "false"


def _service(text: str, service: str) -> Node | None:
    try:
        services = yaml_edit.child(parse(text).root, "services")
    except YamlError as error:
        raise FormatError(str(error)) from None
    node = yaml_edit.child(services, service)
    if node is None or node.resolved().kind != "mapping":
        names = ", ".join(key.value for key, _value in services.resolved().pairs) if services is not None else ""
        has = f"it has {names}" if names else "it has no services"
        raise FormatError(f"it has no service {service}; {has}")
    return node


def _environment(text: str, service: str) -> Node | None:
    """The mapping or list, None when there is none."""
    node = yaml_edit.child(_service(text, service), "environment")
    if node is None or node.resolved().is_null:
        return None
    node = node.resolved()
    if node.kind == "scalar":
        raise FormatError(f"line {node.line}: environment holds a single value where a mapping or a list belongs")
    return node


def _is_written(text: str, service: str, name: str) -> bool:
    """Whether a variable stands in the mapping or list itself, and not in one that is merged into it."""
    node = _environment(text, service)
    if node is None or node.kind == "sequence":
        return True
    return any(key.value == name for key, _value in node.pairs)


def _name(entry: str) -> str:
    return entry.partition("=")[0].strip()


def _split(entry: Node) -> tuple[str, Value]:
    node = entry.resolved()
    if node.kind != "scalar":
        return "", None
    name, mark, value = node.value.partition("=")
    # A name alone is handed on from the environment of compose.
    return name.strip(), _interpolated(value) if mark else Opaque("variable", name)


def _interpolated(value: t.Any) -> Value:
    if value is None:
        return Opaque("variable", "")
    if isinstance(value, Node):
        node = value.resolved()
        # A number with a point, a date: compose hands on the text.
        return (
            node.value
            if node.kind == "scalar" and node.value
            else Opaque({"sequence": "list", "mapping": "mapping"}.get(node.kind, "unclear"))
        )
    if isinstance(value, str):
        if any(found != "$$" for found in _VARIABLE.findall(value)):
            return Opaque("variable", value)
        return value.replace("$$", "$")
    return as_text(value)


def _same(old: Value, new: str) -> bool:
    return not isinstance(old, Opaque) and old == new


CARRIER = Compose()

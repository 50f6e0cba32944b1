# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest of a Secret or a ConfigMap, one of several documents when ``metadata.name`` says which.

A Secret holds its values in ``data`` (base64) or in ``stringData`` (as they are), which wins.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, Opaque, Value, yaml_edit
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import YamlError, parse

__all__ = ("CARRIER",)

_KINDS = ("Secret", "ConfigMap")


class _Document(t.NamedTuple):
    text: str
    start: int
    end: int
    kind: str


class Kubernetes(Carrier):
    """One Secret or ConfigMap of the file."""

    format = "yaml"

    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        if not text.strip():
            return {}
        document = _find(text, service)
        data = {name: _plain(value) for name, value in (_section(document, "data") or {}).items()}
        if document.kind == "Secret":
            data = {name: _decoded(value) for name, value in data.items()}
            data.update({name: _plain(value) for name, value in (_section(document, "stringData") or {}).items()})
        return data

    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        if not text.strip():
            if not wanted:
                return text
            text = _new(service)
        document = _find(text, service)
        before = self.read(text, service)
        changed = {name: value for name, value in wanted.items() if before.get(name) != value}
        gone = [name for name in remove if name not in wanted and name in before]
        if not changed and not gone:
            return text
        if any("\0" in value for value in changed.values()):
            raise FormatError("a value has a NUL byte, which no variable can hold")
        new = document.text
        try:
            for section in ("data", "stringData") if document.kind == "Secret" else ("data",):
                there = yaml_edit.read(new, (section,)) or {}
                here = {
                    name: value
                    for name, value in changed.items()
                    if name in there or section == _home(document, changed[name])
                }
                if section == "data" and document.kind == "Secret":
                    # What stands in stringData is changed there, and wins.
                    here = {
                        name: base64.b64encode(value.encode()).decode() for name, value in here.items() if name in there
                    }
                elif document.kind == "Secret":
                    here = {
                        name: value
                        for name, value in here.items()
                        if name in there or name not in (yaml_edit.read(document.text, ("data",)) or {})
                    }
                managed = [*here, *(name for name in gone if name in there)]
                if here:
                    new = yaml_edit.edit(new, (section,), here, managed, _block(section, here))
                elif managed:
                    new = yaml_edit.remove(new, (section,), managed)
        except YamlError as error:
            raise FormatError(str(error)) from None
        whole = text[: document.start] + new + text[document.end :]
        if self.read(whole, service) != {
            **{name: value for name, value in before.items() if name not in gone},
            **changed,
        }:
            raise FormatError("it cannot be changed so that Kubernetes reads back what was meant")
        return whole

    def findings(self, text: str, service: str = "", names: Collection[str] = ()) -> list[dict[str, str]]:
        if not text.strip() or _find(text, service).kind != "ConfigMap":
            return []
        named = [name for name in self.read(text, service) if re.search(r"PASS(WORD|WD)?$|SECRET$|_PASS", name)]
        if not named:
            return []
        return [
            {
                "severity": "warning",
                "code": "password_readable",
                "message": f"{', '.join(named)} stands in a ConfigMap, which everybody who may read the namespace can"
                " read.",
                "remedy": "Put it into a Secret.",
            }
        ]


def _home(document: _Document, _value: str) -> str:
    return "stringData" if document.kind == "Secret" else "data"


def _block(section: str, values: Mapping[str, str]) -> str:
    return f"{section}:\n" + "".join(
        f"  {yaml_edit.spelt_key(name)}: {yaml_edit.quote(value)}\n" for name, value in values.items()
    )


def _new(service: str) -> str:
    if not service:
        raise FormatError(
            "it is empty, and service does not say what the Secret is called; write service: name-of-the-secret"
        )
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {yaml_edit.spelt_key(service)}\ntype: Opaque\n"


def _documents(text: str) -> list[tuple[int, int]]:
    marks = [found.start() for found in re.finditer(r"^---(?=[ \t\r\n]|$)", text, re.MULTILINE)]
    edges = [0, *marks, len(text)]
    return [(start, end) for start, end in zip(edges, edges[1:]) if end > start]


def _find(text: str, name: str) -> _Document:
    found = []
    for start, end in _documents(text):
        part = text[start:end]
        try:
            if parse(part).root is None:
                continue
            kind, metadata = (yaml_edit.read(part, ()) or {}).get("kind"), yaml_edit.read(part, ("metadata",)) or {}
        except YamlError as error:
            line = text.count("\n", 0, start)
            raise FormatError(f"the document that begins in line {line + 1} cannot be read: {error}") from None
        if kind in _KINDS and (not name or metadata.get("name") == name):
            found.append(_Document(part, start, end, str(kind)))
    if not found:
        raise FormatError(f"it has no Secret or ConfigMap{' named ' + name if name else ''}")
    if len(found) > 1:
        raise FormatError(
            "it has several Secrets or ConfigMaps; write in service the metadata.name of the one that is meant"
        )
    return found[0]


def _section(document: _Document, name: str) -> dict[str, t.Any] | None:
    try:
        return yaml_edit.read(document.text, (name,))
    except YamlError as error:
        raise FormatError(str(error)) from None


def _plain(value: t.Any) -> Value:
    return value if isinstance(value, str) else Opaque("unclear")


def _decoded(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return Opaque("unclear")


CARRIER = Kubernetes()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carriers: the texts that can hold an app's environment variables, and the place where one app's settings stand.

A carrier is one file here, ``<name>.py``, over the formats, with one class at its end::

    class Compose(Carrier):
        needs_service = True                # whether the text can hold the variables of several (a compose file's
        services)

        def read(self, text, service="", dialect=""):
            # {variable: value} as the app's process gets them. What a variable of the carrier's own decides is Opaque.

        def edit(self, text, wanted, remove, service="", dialect=""):
            # The text with these variables, proven as the formats prove it; all else byte for byte. Raises FormatError.

        def files(self, text, service="", variables=None):
            # Paths of other files that the text takes variables from (env_file); its own variables win over theirs, unless ``files_win``.

    CARRIER = Compose()

``dialect`` is that of the reader where the carrier does not set it (a dotenv file is read by compose, node, phpdotenv,
...).
"""

from __future__ import annotations

import abc
import fnmatch
import functools
import importlib
import re
import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.chosen import chosen, suggest, usual_carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    KeyPath,
    Opaque,
    Value,
    load_format,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.profiles import (
    Document,
    counting,
    documents_of,
    home_of,
    profile_findings,
)

__all__ = ("CARRIERS", "Carrier", "Place", "load_carrier", "load_place", "suggest")

CARRIERS = ("dotenv", "compose", "systemd", "quadlet", "shell", "kubernetes")


class Carrier(abc.ABC):
    """See the head of this file."""

    format: t.ClassVar[str] = "dotenv"
    needs_service: t.ClassVar[bool] = False
    files_win: t.ClassVar[bool] = False

    @abc.abstractmethod
    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        """The variables by name. Raises FormatError."""

    @abc.abstractmethod
    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        """The text with these variables. Raises FormatError."""

    def files(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        """Other files that variables come from, the one that counts most last."""
        return []

    def optional(self, text: str, service: str = "", variables: Mapping[str, str] | None = None) -> list[str]:
        """Those of ``files`` that need not be there."""
        return []

    def findings(self, text: str, service: str = "", names: Collection[str] = ()) -> list[dict[str, str]]:
        """What is wrong with the way the variables stand there; ``names`` are those of the app's mail settings."""
        return []


@functools.cache
def load_carrier(name: str) -> Carrier:
    """The carrier of this name. Raises AppError."""
    if name not in CARRIERS:
        raise AppError(
            f"carrier is {str(name)[:40]}, which is not known here; write {' or '.join(CARRIERS)}, or leave it out."
        )
    module = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers.{name}")
    return t.cast(Carrier, module.CARRIER)


@dataclass(frozen=True)
class Place:
    """Where the settings of one app stand: a form, and for variables what carries them. Texts go in, texts come out."""

    form: Form
    carrier: str = ""
    service: str = ""
    dialect: str = ""

    def read(self, text: str) -> dict[KeyPath, Value]:
        """What each key holds. Raises FormatError."""
        if self.carrier:
            return self._held(load_carrier(self.carrier).read(text, self.service, self._reader))
        if self._documents(text):
            levels = {tuple(".".join(path).split(".")): path for path in self.form.managed}
            values = counting(self._documents(text), levels)
            return {levels.get(path, self._spelt(path)): _without_placeholder(value) for path, value in values.items()}
        section = self._section(text)
        values = load_format(self.form.format).read(text, section, self.form.dialect)
        if self.form.dotted:
            return {tuple(".".join(path).split(".")): _without_placeholder(value) for path, value in values.items()}
        return {(*self.form.section, *path[len(section) :]): value for path, value in values.items()}

    def edit(self, text: str, wanted: Mapping[KeyPath, t.Any], remove: Collection[KeyPath]) -> str:
        """The text with these keys. Raises FormatError."""
        if self.form.inside:
            raise FormatError(f"{self.form.inside} is read here and not changed: {self.form.note.rstrip('.')}")
        if not self.carrier and (documents := self._documents(text)):
            return self._edit_documents(text, documents, wanted, remove)
        if not self.carrier:
            section, usual = self._section(text), len(self.form.section)
            wanted = {(*section, *path[usual:]): value for path, value in wanted.items()}
            gone = [(*section, *path[usual:]) for path in remove]
            if self.form.dotted:
                there = list(load_format(self.form.format).read(text, section, self.form.dialect))
                wanted = {self.form.placed(there, path): value for path, value in wanted.items()}
                gone = [self.form.placed(there, path) for path in gone]
            return load_format(self.form.format).edit(text, wanted, gone, self.form.dialect, self.form.indent)
        variables = {path[0]: str(value) for path, value in wanted.items()}
        return load_carrier(self.carrier).edit(
            text, variables, [path[0] for path in remove], self.service, self._reader
        )

    def entries(self, text: str) -> list[dict[KeyPath, Value]]:
        """What entries of the same file say in place of ours, by our keys. Raises FormatError."""
        if self.carrier or not self.form.entries:
            return []
        ours = {
            tuple(name.split(".")): (*self.form.section, *key.split(".")) for name, key in self.form.entry_keys.items()
        }
        found = load_format(self.form.format).entries(text, self.form.entries)
        return [{ours[path]: value for path, value in one.items() if path in ours} for one in found]

    def around(self, text: str, where: KeyPath) -> list[dict[KeyPath, Value]]:
        """What stands at another place of the app's own file: one mapping, or the entries of a list. Raises FormatError."""
        return [] if self.carrier else load_format(self.form.format).entries(text, where)

    def files(self, text: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """Other files that variables come from. Raises FormatError."""
        return load_carrier(self.carrier).files(text, self.service, variables or {}) if self.carrier else []

    def optional(self, text: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """Those of ``files`` that need not be there. Raises FormatError."""
        return load_carrier(self.carrier).optional(text, self.service, variables or {}) if self.carrier else []

    @property
    def files_win(self) -> bool:
        """Whether the variables of other files win over those of the text itself."""
        return bool(self.carrier) and load_carrier(self.carrier).files_win

    def read_other(self, text: str) -> dict[KeyPath, Value]:
        """What such a file holds: lines of NAME=value, in the dialect of who reads it."""
        dialect = {"systemd": "systemd", "quadlet": "docker"}.get(self.carrier, "compose")
        found = load_format("dotenv").read(text, dialect=dialect)
        return self._held({path[0]: value for path, value in found.items()})

    def findings(self, text: str) -> list[dict[str, str]]:
        """What is wrong with the way the settings stand there."""
        if not self.carrier:
            return self.parts(text)
        names = (
            {self.form.inside} if self.form.inside else {path[0] for path in (*self.form.managed, *self.form.switches)}
        )
        return load_carrier(self.carrier).findings(text, self.service, names)

    def parts(self, text: str) -> list[dict[str, str]]:
        """What parts of the app's own file that count only at times say of our keys, and what cannot be changed there."""
        if self.carrier:
            return []
        levels = [tuple(".".join(path).split(".")) for path in self.form.managed]
        own = load_format(self.form.format).findings(text, self.form.dialect)
        return [*profile_findings(self._documents(text), levels), *own]

    def _documents(self, text: str) -> list[Document]:
        """The documents of the file where it has several and the app takes them apart."""
        found = documents_of(text, self.form.format) if self.form.profiles and not self.carrier else []
        return found if len(found) > 1 or any(one.profile for one in found) else []

    def _spelt(self, path: KeyPath) -> KeyPath:
        return path if self.form.dotted else (".".join(path),)

    def _edit_documents(
        self, text: str, documents: list[Document], wanted: Mapping[KeyPath, t.Any], remove: Collection[KeyPath]
    ) -> str:
        levels = [tuple(".".join(path).split(".")) for path in self.form.managed]
        home = home_of(documents, levels)
        if home is None:
            raise FormatError("each of its documents counts only with a profile; write one without a profile first")
        alone = replace(self, form=replace(self.form, profiles=False))
        for one in reversed(documents):
            if not one.profile:
                new = alone.edit(text[one.start : one.end], wanted if one is home else {}, remove)
                text = text[: one.start] + new + text[one.end :]
        return text

    def _held(self, variables: Mapping[str, Value]) -> dict[KeyPath, Value]:
        """The keys in variables, or in the one that holds all of them as one text."""
        if not self.form.inside:
            return {(name,): value for name, value in variables.items()}
        held = variables.get(self.form.inside)
        raw = held.text if isinstance(held, Opaque) else str(held or "")
        values = load_format(self.form.format).read(raw, self.form.section, self.form.dialect)
        if not isinstance(held, Opaque):
            return values
        return {path: _with_variables(value) for path, value in values.items()}

    def is_usual(self, name: str) -> bool:
        """Whether a file of this name is one that such settings usually stand in."""
        if self.carrier and usual_carrier(name):
            return True
        return any(fnmatch.fnmatchcase(name, one.rpartition("/")[2]) for one in self.form.paths)

    def _section(self, text: str) -> KeyPath:
        """Where the section is in this text; the paths of the form's keys begin with the usual place."""
        if not self.form.or_sections:
            return self.form.section
        return load_format(self.form.format).locate(text, (self.form.section, *self.form.or_sections))

    @property
    def _reader(self) -> str:
        return self.dialect or ("compose" if self.form.inside else self.form.dialect)

    def words(self, text: str) -> tuple[set[str], set[str]]:
        """The pieces of a text that nobody shall see, and the names in it that everybody may."""
        text_format = load_format(load_carrier(self.carrier).format if self.carrier else self.form.format)
        return text_format.hidden(text), text_format.names(text)

    @staticmethod
    def words_of(format_name: str, text: str) -> tuple[set[str], set[str]]:
        """The same for a text of a format that no app is named for."""
        return load_format(format_name).hidden(text), load_format(format_name).names(text)


def load_place(
    descriptor: Descriptor,
    path: str = "",
    form: str | None = None,
    carrier: str | None = None,
    service: str | None = None,
) -> Place:
    """The place that the options name, completed from the path and from what the app has. Raises AppError."""
    if carrier:
        load_carrier(carrier)
    kind, found = chosen(descriptor, path, form, carrier, service)
    place = descriptor.form(kind)
    if kind == "file":
        ending = path.rpartition(".")[2].lower()
        return Place(place.in_format("yaml" if ending == "yml" else ending))
    if load_carrier(found).needs_service and not service:
        example = f"service: {descriptor.id.replace('_', '-')}"
        raise AppError(
            f"service is missing; write the service of {path} that {descriptor.name} runs in, such as {example}."
        )
    return Place(place, found, service or "", found if found in ("systemd", "shell") else "")


def _with_variables(value: Value) -> Value:
    """A value in a text into which compose puts variables."""
    if isinstance(value, str) and re.search(r"\$[A-Za-z_{]", value.replace("$$", "")):
        return Opaque("variable", value)
    return value.replace("$$", "$") if isinstance(value, str) else value


def _without_placeholder(value: Value) -> Value:
    """A value of a form that has the same keys in a properties file, where ``${NAME}`` comes from elsewhere."""
    if isinstance(value, str) and "${" in value.replace("${:$}{", ""):
        return Opaque("variable", value)
    return value

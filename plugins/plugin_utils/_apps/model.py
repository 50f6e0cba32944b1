# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an app, as types.

An app's *words* are what it calls things (``force_tls``, ``use_ssl: true``); its *forms* are the places where they can
stand: a file of its own, or environment variables, which any carrier can hold.
"""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Booleans, Pattern, Scalar

__all__ = (
    "FORMS",
    "MODEL",
    "PARTS",
    "AppError",
    "Descriptor",
    "Form",
    "Key",
    "Limit",
    "Mode",
    "Switch",
    "Trap",
    "Word",
    "kinds_of",
)

FORMS = ("file", "environment")
# The settings model by the kind of their values (see pattern.py).
MODEL = {
    "host": "host",
    "port": "port",
    "secure": "boolean",
    "validate_certs": "boolean",
    "ca_path": "text",
    "server_name": "host",
    "username": "text",
    "password": "text",
    "auth_mechanism": "text",
    "sender": "address",
    "sender_name": "text",
    "helo_name": "text",
    "source_address": "text",
    "ip_version": "text",
    "timeout": "number",
}
# Halves of an address, for apps that want them apart.
# ``timeout_always`` is the timeout also where none was asked for, for apps that have none by themselves.
PARTS = {"sender_local": "text", "sender_domain": "text", "timeout_always": "number"}


class AppError(ValueError):
    """The app, its descriptor, its file or the settings for it cannot work. One sentence without secrets."""


@dataclass(frozen=True)
class Mode:
    """What the app makes of one security mode: ``means`` is the mode it is then really in, ``words`` what it is told
    for that.

    ``unverified`` are the words that are other ones where validate_certs is false. ``ports`` are the only ones that
    have this mode.
    """

    can: str
    means: str
    words: Mapping[str, Scalar]
    unverified: Mapping[str, Scalar]
    ports: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class Word:
    """One of the app's own words. ``values`` maps what it follows from (a mode, true, a mechanism) to the word itself.

    ``default`` is what the app takes when it is left out, by port where that decides; ``unknown`` is what any other
    text means to
    it, and None says that the app does not start then. ``exact_case``: another case is another text. ``open``: any text
    is one that the app knows, an empty one too; none but those of ``values`` says anything of a mode.
    """

    name: str
    follows: str | tuple[str, ...]
    values: Mapping[t.Any, Scalar]
    default: Scalar | Mapping[t.Any, Scalar]
    unknown: Scalar
    exact_case: bool = False
    open: bool = False

    @property
    def kind(self) -> str:
        return "boolean" if all(isinstance(value, bool) for value in self.values.values()) else "word"

    def default_for(self, port: int | None) -> Scalar:
        if isinstance(self.default, Mapping):
            return self.default.get(port, self.default.get("otherwise"))
        return self.default


@dataclass(frozen=True)
class Key:
    """One key of the app. ``patterns`` are tried in order; without one it holds ``constant``, or one of ``accept`` that is there.

    ``accept`` may be ``*`` for any. ``keep``: stays when the settings do not name it. ``when``: only where these words hold. ``empty``: written where
    there is no value. ``also_read`` are patterns that the app reads there and we never write; a key that has nothing else is
    one of old, which goes where the others are written. ``several`` are words for
    several values of it at once, ``failover(first second)``.
    """

    path: KeyPath
    patterns: tuple[Pattern, ...] = ()
    constant: Scalar = None
    accept: tuple[Scalar, ...] = ()
    keep: bool = False
    empty: Scalar = None
    if_there: bool = False
    also_read: tuple[Pattern, ...] = ()
    several: tuple[str, ...] = ()
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for pattern in self.patterns for name in pattern.names)

    @property
    def read_names(self) -> frozenset[str]:
        """Those that the app may read there."""
        return self.names | {name for pattern in self.also_read for name in pattern.names}

    @property
    def is_old(self) -> bool:
        return bool(self.also_read) and not self.patterns and self.constant is None

    @property
    def text(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Switch:
    """A key that decides whether the app uses these settings at all: with one of ``used`` (None: without the key), or
    with anything but what fits ``unused`` (patterns with ``*``). With what fits ``elsewhere`` it mails another way.
    """

    used: tuple[Scalar, ...] = ()
    unused: tuple[Scalar, ...] = ()
    elsewhere: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Form:
    """One place where the app's words can stand. ``kind`` is file or environment.

    ``formats`` are further formats that the app reads the same keys from, which the ending of a path says.
    ``or_sections`` are further places of the section, of which the one counts that is in the file; the paths of all keys
    begin with ``section``. ``nulls`` are texts that the app takes for no value at all; ``password_elsewhere`` are keys with
    which it gets the password from another place. ``entries`` are the lists in lists of the same file whose ``entry_keys`` win
    over ours. ``known_at`` are the keys that the app knows at other places of its file (``receivers.email_configs``), where it
    matters that there is no other, and ``one_of`` groups of them of which it refuses two beside each other. ``with_file`` is what
    it does with a variable beside the one that names a file with the same value: ``stops``, or the ``file`` counts. ``dotted``: a
    name with dots in it is the same as one level for each.
    """

    kind: str
    format: str
    formats: tuple[str, ...]
    dialect: str
    section: KeyPath
    or_sections: tuple[KeyPath, ...]
    paths: tuple[str, ...]
    indent: int
    booleans: Booleans
    texts: bool
    lenient: bool
    keys: tuple[Key, ...]
    known_keys: tuple[str, ...]
    closed: tuple[str, ...]
    refuses_unknown: bool
    overrides: Mapping[str, str]
    ignores_empty: bool
    superseded: Mapping[str, str]
    nulls: tuple[str, ...]
    password_elsewhere: tuple[str, ...]
    entries: KeyPath
    entry_keys: Mapping[str, str]
    known_at: Mapping[KeyPath, tuple[str, ...]]
    one_of: Mapping[KeyPath, tuple[tuple[str, ...], ...]]
    with_file: str
    host_with_port: bool
    apply: str
    note: str
    proven: str
    switches: Mapping[KeyPath, Switch]
    default_port: int | Mapping[t.Any, int] | None
    inside: str = ""
    profiles: bool = False
    dotted: bool = False

    @functools.cached_property
    def managed(self) -> tuple[KeyPath, ...]:
        return tuple(dict.fromkeys(key.path for key in self.keys))

    def placed(self, there: Iterable[KeyPath], path: KeyPath) -> KeyPath:
        """Where a key stands, or belongs, in a text that has these: some people write ``mail.smtp.auth``, and some a tree."""
        if not self.dotted:
            return path
        own = {_levels(one): one for one in there}
        if path in own:
            return own[path]
        for length in range(len(path) - 1, 0, -1):
            beside = [one for levels, one in own.items() if levels[:length] == path[:length]]
            for one in beside:
                depth = next((n for n in range(len(one), 0, -1) if _levels(one[:n]) == path[:length]), 0)
                if depth:
                    rest = path[length:]
                    return (
                        (*one[:depth], ".".join(rest))
                        if any("." in name for name in one[depth:])
                        else (*one[:depth], *rest)
                    )
        return path

    def in_format(self, name: str) -> Form:
        """The same form in one of ``formats``; there a name with dots goes one level down at each."""
        if name not in self.formats or name == self.format:
            return self
        nested = {key.path: tuple(part for one in key.path for part in one.split(".")) for key in self.keys}
        return replace(
            self,
            format=name,
            dotted=True,
            keys=tuple(replace(key, path=nested[key.path]) for key in self.keys),
        )

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The settings and words that this form can hold."""
        return frozenset(name for key in self.keys for name in key.names)


def _levels(path: KeyPath) -> KeyPath:
    return tuple(".".join(path).split("."))


@dataclass(frozen=True)
class Limit:
    """What is told, or refused, when a setting is given that the app cannot express, or missing that it needs."""

    code: str
    severity: str
    message: str
    remedy: str
    refuse: bool = False

    def finding(self, value: object = "") -> dict[str, str]:
        """The finding, with the setting's value filled in."""
        texts = {"message": self.message, "remedy": self.remedy}
        return {
            "severity": self.severity,
            "code": self.code,
            **{name: text.replace("{value}", str(value)) for name, text in texts.items()},
        }


@dataclass(frozen=True)
class Trap:
    """A finding about settings that the app takes without complaint: told where everything in ``when`` holds.

    ``when`` maps a setting, a word, ``security`` (the mode that the app is really in) or ``login`` to the values that
    it must have. ``holds`` maps a key of the file to a pattern with ``*`` that its text must fit, or
    to None where it must not be there. ``logs_in_by`` are the only
    mechanisms that are then left to the app: where a relay is known to offer one, there is nothing to tell.
    """

    limit: Limit
    when: Mapping[str, tuple[Scalar, ...]]
    holds: Mapping[str, str | None] = field(default_factory=dict)
    logs_in_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Descriptor:
    """One app. ``port_decides`` are ports that set the mode whatever the words say.

    ``reads`` says which mode words mean that no mode sets so, or several do; the first that holds counts. ``parts`` are
    further
    apps, by the paths of their files, that hold what this one's form does not; they say so in ``part_of``. ``images``
    are what images, services, units and folders of it are called, where that is not its id. ``signs`` are variables of which
    one must be there for others to be taken for this app's, where nothing names it. ``looked_up``: the app finds its
    login here by the relay's exact name, which this expression finds in a line. ``sources`` say where its words were checked.
    ``cleartext_login``: what it does with a login where it goes on without TLS, ``sent`` or ``withheld``, empty where that is not
    known. ``half_login``: what a user name without a password does to it.
    """

    id: str
    name: str
    forms: Mapping[str, Form]
    words: Mapping[str, Word]
    security: Mapping[str, Mode]
    port_decides: Mapping[int, str]
    reads: tuple[tuple[Mapping[str, tuple[Scalar, ...]], str], ...]
    parts: Mapping[str, str]
    part_of: str
    default_port: int | Mapping[t.Any, int] | None
    mechanisms: tuple[str, ...]
    runtime: str
    limits: Mapping[str, Limit]
    missing: Mapping[str, Limit]
    traps: tuple[Trap, ...]
    restart: str = ""
    validate: str = ""
    test_mail: str = ""
    test_command: tuple[str, ...] = ()
    trust: str = ""
    measured: str = ""
    notes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    looked_up: str = ""
    half_login: str = ""
    cleartext_login: str = ""
    sources: tuple[str, ...] = ()

    def holds(self, form: Form, word: str) -> bool:
        """Whether a form holds a word, by itself or in one that follows from it."""
        return word in form.names or any(
            isinstance(other.follows, tuple) and word in other.follows and other.name in form.names
            for other in self.words.values()
        )

    def form(self, kind: str) -> Form:
        """The form of this kind. Raises AppError."""
        if kind not in self.forms:
            raise AppError(
                f"form is {kind}, but {self.name} has no settings there; write form: {' or '.join(self.forms)}, or"
                " leave it out."
            )
        return self.forms[kind]


def kinds_of(words: Mapping[str, Word]) -> dict[str, str | tuple[str, ...]]:
    """Every name that a pattern may use, with the kind of its values."""
    kinds: dict[str, str | tuple[str, ...]] = {**MODEL, **PARTS}
    for name, word in words.items():
        kinds[name] = word.kind if word.kind == "boolean" else tuple(dict.fromkeys(map(str, word.values.values())))
    return kinds

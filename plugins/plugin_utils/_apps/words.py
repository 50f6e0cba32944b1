# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between our settings and an app's words, both ways: which words a mode is, and which mode the app is in with its
words.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Word
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Scalar
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, Settings

__all__ = ("base_words", "holds", "mode_of", "settings_values", "word_values")


def settings_values(settings: Settings) -> dict[str, Scalar]:
    """The model as the names that patterns use."""
    names = (
        "host",
        "port",
        "secure",
        "security",
        "validate_certs",
        "ca_path",
        "username",
        "password",
        "auth_mechanism",
        "sender",
        "sender_name",
        "helo_name",
        "source_address",
        "timeout",
    )
    values: dict[str, Scalar] = {name: getattr(settings, name) for name in names}
    values["server_name"] = settings.server_name
    values["timeout_always"] = settings.timeout
    values["login"] = settings.username is not None
    local, _at, domain = (settings.sender or "").rpartition("@")
    values["sender_local"], values["sender_domain"] = local or None, domain or None
    return values


def word_values(descriptor: Descriptor, values: Mapping[str, Scalar], mechanism: str | None) -> dict[str, Scalar]:
    """The app's words for these settings. ``mechanism`` is what the login shall use; None: what the app prefers."""
    mode = descriptor.security[str(values["security"])]
    words: dict[str, Scalar] = {}
    for name, word in descriptor.words.items():
        if word.follows == "security":
            words[name] = mode.words.get(name)
            if values["validate_certs"] is False and name in mode.unverified:
                words[name] = mode.unverified[name]
        elif word.follows == "auth_mechanism":
            words[name] = _mechanism_word(descriptor, word, values, mechanism)
        elif word.follows == "fixed":
            words[name] = next(iter(word.values.values()))
        elif isinstance(word.follows, str):
            words[name] = word.values[bool(values[word.follows])]
    for name, word in descriptor.words.items():
        if isinstance(word.follows, tuple):
            words[name] = word.values.get(_together(words.get(other) for other in word.follows))
    return words


def _together(values: Iterable[Scalar]) -> str:
    """Several words as the key that stands for them in a word that follows from them."""
    return ",".join(str(value).lower() for value in values)


def base_words(word: Word, value: Scalar) -> dict[str, str]:
    """What a word that follows from others says of these, as texts; nothing when it is not known."""
    found = [key for key, one in word.values.items() if str(one).lower() == str(value).lower()]
    return dict(zip(word.follows, found[0].split(","))) if found and isinstance(word.follows, tuple) else {}


def _mechanism_word(descriptor: Descriptor, word: Word, values: Mapping[str, Scalar], mechanism: str | None) -> Scalar:
    if not values["login"]:
        return word.values.get("none")
    if mechanism is None:
        return word.values.get("any")
    if mechanism not in word.values:
        able = [name for name in word.values if name not in ("none", "any")]
        raise AppError(
            f"{descriptor.name} has no word for auth_mechanism {mechanism}; write {' or '.join(able)}, or leave it out."
        )
    return word.values[mechanism]


def mode_of(descriptor: Descriptor, port: int | None, words: Mapping[str, Scalar]) -> str | None:
    """The mode that the app is really in with these words; None when they fit none (it then fails, or is not known)."""
    if port is not None and port in descriptor.port_decides:
        return descriptor.port_decides[port]
    for when, mode_name in descriptor.reads:
        if holds(when, {**words, "port": port}):
            return mode_name
    best: tuple[int, str] | None = None
    for name in SECURITY_MODES:
        mode = descriptor.security[name]
        if mode.can == "no" or (mode.ports and port not in mode.ports):
            continue
        verified = all(words.get(word) == value for word, value in mode.words.items())
        unverified = bool(mode.unverified) and all(
            words.get(word) == value for word, value in {**mode.words, **mode.unverified}.items()
        )
        # Of modes that fit, the one that asks for most words is meant.
        if (verified or unverified) and (best is None or len(mode.words) > best[0]):
            best = (len(mode.words), mode.means)
    return best[1] if best is not None else None


def holds(when: Mapping[str, tuple[Scalar, ...]], values: Mapping[str, t.Any]) -> bool:
    """Whether every condition of a trap or of a key holds."""
    return all(any(_equal(values.get(name), value) for value in wanted) for name, wanted in when.items())


def _equal(found: t.Any, wanted: Scalar) -> bool:
    # 1 and true are two things.
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)

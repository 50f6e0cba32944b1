# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings in the words of an app: what each key of one of its forms shall hold, and which keys must go."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, load_format
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form, Key
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import PatternError, Scalar
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.words import holds, settings_values, word_values
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

__all__ = ("Rendered", "choose_mechanism", "render")


class Rendered(t.NamedTuple):
    """``values`` is what each key shall hold, ``remove`` the keys that must go, ``words`` the app's words with our
    settings.
    """

    values: dict[KeyPath, Scalar]
    remove: tuple[KeyPath, ...]
    words: dict[str, Scalar]


def render(
    descriptor: Descriptor,
    form: Form,
    settings: Settings,
    offered: Collection[str] | None = None,
    given: Collection[str] | None = None,
) -> Rendered:
    """Fill the keys of a form. Raises AppError.

    ``offered`` are the mechanisms that the relay is known to offer, ``given`` the settings that the user wrote.
    """
    known = settings_values(settings)
    if given is not None and "timeout" not in given:
        # The default bounds our own probes; an app keeps its own.
        known["timeout"] = None
    known.update(word_values(descriptor, known, choose_mechanism(descriptor, settings, offered)))
    values: dict[KeyPath, Scalar] = {}
    keep = set()
    for key in form.keys:
        if not holds(key.when, known):
            continue
        value = _value(descriptor, form, key, known)
        if value is not None:
            values[key.path] = value
        elif key.keep:
            keep.add(key.path)
    remove = tuple(path for path in form.managed if path not in values and path not in keep)
    return Rendered(values, remove, known)


def _value(descriptor: Descriptor, form: Form, key: Key, known: Mapping[str, Scalar]) -> Scalar:
    if not key.patterns:
        value = key.constant
    else:
        value = None
        for pattern in key.patterns:
            try:
                value = pattern.write(known, form.booleans)
            except PatternError as error:
                raise AppError(f"{descriptor.name} cannot be given these settings in {key.text}: {error}.") from None
            if value is not None:
                break
        value = key.empty if value is None else value
    if value is None:
        return None
    if form.texts or not load_format(form.format).typed:
        return form.booleans.write(value) if isinstance(value, bool) else str(value)
    return value


def choose_mechanism(descriptor: Descriptor, settings: Settings, offered: Collection[str] | None) -> str | None:
    """The mechanism to tell the app of: the one that was asked for, or the first of the app's that the relay offers;
    None: it finds out itself.
    """
    if settings.username is None:
        return None
    if settings.auth_mechanism is not None:
        return settings.auth_mechanism
    if offered and descriptor.mechanisms and not set(descriptor.mechanisms) & set(offered):
        raise AppError(
            f"The relay offers {', '.join(sorted(offered))}, and {descriptor.name} has only"
            f" {', '.join(descriptor.mechanisms)};"
            " ask for another login at the relay, or use another port of it."
        )
    # Go and others refuse to send PLAIN in cleartext.
    able = [
        name
        for name in descriptor.mechanisms
        if settings.security != "cleartext" or name != "PLAIN" or len(descriptor.mechanisms) == 1
    ]
    # A word without "none" and "any" is written only where a mechanism is asked for: the app finds out itself. It still has only those
    # that it has.
    told = any(
        word.follows == "auth_mechanism" and {"none", "any"} & {*word.values} for word in descriptor.words.values()
    )
    if not able:
        return None
    chosen = able[0] if not offered else next((name for name in able if name in offered), None)
    if chosen is not None or not offered:
        return chosen if told else None
    raise AppError(
        f"The relay offers {', '.join(sorted(offered))}, and {descriptor.name} has only"
        f" {', '.join(descriptor.mechanisms)};"
        " ask for another login at the relay, or use another port of it."
    )

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of a task: one by itself, or a list with what stands beside it as defaults."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, listed, unknown_options
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CONNECTION_OPTIONS,
    MODEL_OPTIONS,
    Settings,
    parse_settings,
)

__all__ = ("endpoint_settings", "take")

# Options that belong together.
_GROUPS = (("secure", "security"), ("username", "password", "auth_mechanism"))
_PORTS = re.compile(r"\[? *\d+(?: *, *\d+)* *\]?")
_ONE_PORT = re.compile(r" *\d+ *")
_BETWEEN_PORTS = re.compile(r"[\[\], ]+")


def take(args: Mapping[str, t.Any], allowed: Sequence[str]) -> dict[str, t.Any]:
    """The task's options. Raises SettingsError for those that are unknown, naming the nearest, or ``settings`` where they belong
    there, and for a NUL byte.
    """
    unknown = [str(key) for key in args if key not in allowed]
    inside = [key for key in unknown if key in MODEL_OPTIONS]
    if inside and "settings" in allowed:
        there = ", ".join(f"{key}: ..." for key in inside)
        words = f"{listed(inside)} cannot stand beside settings; write settings: {{{there}}}."
        raise SettingsError(words, inside[0])
    if unknown:
        raise unknown_options(unknown, allowed)
    for key, value in args.items():
        if isinstance(value, str) and "\0" in value:
            words = f"{key} has a NUL byte in it, which no path, name or line can have; write it without."
            raise SettingsError(words, key)
    return dict(args)


def endpoint_settings(args: Mapping[str, t.Any], *, allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    """The settings of every endpoint of a task, in order.

    They are ``endpoints``, with what stands beside it as defaults, or the one endpoint. With ``needs_credentials`` at
    least one of them must have a login: an empty variable must not pass for a login that worked.
    Raises SettingsError.
    """
    found = _listed_settings(args, allow_auto, needs_credentials)
    if needs_credentials and not any(one.username for one in found):
        words = (
            "check_credentials is true, but there is no username;"
            " write username and password, or leave out check_credentials."
        )
        raise SettingsError(words, "username")
    return found


def _listed_settings(args: Mapping[str, t.Any], allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    beside = {key: args[key] for key in CONNECTION_OPTIONS if args.get(key) is not None}
    listed = _as_list(args.get("endpoints"))

    def parsed(entry: Mapping[str, t.Any], prefix: str) -> Settings:
        given = {**_defaults_for(entry, beside), **entry}
        return parse_settings(
            given, probed=True, allow_auto=allow_auto, needs_credentials=needs_credentials, prefix=prefix
        )

    if isinstance(listed, Mapping):
        return [parsed(listed, "")]
    return [parsed(_entry(entry, f"endpoints[{index}]"), f"endpoints[{index}].") for index, entry in enumerate(listed)]


def _as_list(listed: object) -> Mapping[str, t.Any] | Sequence[object]:
    """``endpoints`` as a list; a dictionary, or nothing, is one endpoint without a list. Raises SettingsError."""
    if listed is None:
        return {}
    if isinstance(listed, Mapping):
        return listed
    if isinstance(listed, (int, str)) and not isinstance(listed, bool) and _PORTS.fullmatch(str(listed)):
        # Ports, as people type them on a command line.
        return [part for part in _BETWEEN_PORTS.split(str(listed)) if part]
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence):
        raise SettingsError("endpoints is not a list; write a list of dictionaries with host and port.", "endpoints")
    if not listed:
        words = (
            "endpoints is an empty list; write at least one dictionary with host and port, or give host and port alone."
        )
        raise SettingsError(words, "endpoints")
    return listed


def _entry(entry: object, name: str) -> Mapping[str, t.Any]:
    """One entry of the list: a dictionary, or a port alone. Raises SettingsError."""
    if isinstance(entry, Mapping):
        return entry
    if isinstance(entry, (int, str)) and not isinstance(entry, bool) and _ONE_PORT.fullmatch(str(entry)):
        return {"port": entry}
    raise SettingsError(f"{name} is not a dictionary; write host, port and secure as its keys.", name)


def _defaults_for(entry: Mapping[str, t.Any], beside: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    """What an entry says about the mode or the login replaces all that stands beside the list about it."""
    replaced = {key for group in _GROUPS if any(entry.get(key) not in (None, "") for key in group) for key in group}
    return {key: value for key, value in beside.items() if key not in replaced}

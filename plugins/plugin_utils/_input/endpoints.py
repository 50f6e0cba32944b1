# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of a task: one by itself, or a list with what stands beside it as defaults."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, unknown_option
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import CONNECTION_OPTIONS, Settings, parse_settings

__all__ = ("endpoint_settings", "take")


def take(args: Mapping[str, t.Any], allowed: Sequence[str]) -> dict[str, t.Any]:
    """The task's options. Raises SettingsError for one that is unknown, naming the nearest."""
    for key in args:
        if key not in allowed:
            raise unknown_option(str(key), allowed)
    return dict(args)


def endpoint_settings(args: Mapping[str, t.Any], *, allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    """The settings of every endpoint of a task, in order: ``endpoints``, with what stands beside it as defaults, or the one endpoint.

    With ``needs_credentials`` at least one of them must have a login: an empty variable must not pass for a login that worked.
    Raises SettingsError.
    """
    found = _listed_settings(args, allow_auto, needs_credentials)
    if needs_credentials and not any(one.username for one in found):
        words = "check_credentials is true, but there is no username; write username and password, or leave out check_credentials."
        raise SettingsError(words, "username")
    return found


def _listed_settings(args: Mapping[str, t.Any], allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    beside = {key: args[key] for key in CONNECTION_OPTIONS if args.get(key) is not None}
    listed = args.get("endpoints")
    if listed is None:
        return [parse_settings(beside, probed=True, allow_auto=allow_auto, needs_credentials=needs_credentials)]
    if isinstance(listed, Mapping):
        listed = [listed]
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence):
        raise SettingsError("endpoints is not a list; write a list of dictionaries with host and port.", "endpoints")
    if not listed:
        raise SettingsError("endpoints is an empty list; write at least one dictionary with host and port, or give host and port alone.", "endpoints")
    found = []
    for index, entry in enumerate(listed):
        prefix = f"endpoints[{index}]."
        if not isinstance(entry, Mapping):
            raise SettingsError(f"endpoints[{index}] is not a dictionary; write host, port and secure as its keys.", f"endpoints[{index}]")
        defaults = dict(beside)
        # What an entry says about the mode or the login replaces all that stands beside the list about it.
        for group in (("secure", "security"), ("username", "password", "auth_mechanism")):
            if any(entry.get(key) not in (None, "") for key in group):
                defaults = {key: value for key, value in defaults.items() if key not in group}
        found.append(parse_settings({**defaults, **entry}, probed=True, allow_auto=allow_auto, needs_credentials=needs_credentials, prefix=prefix))
    return found

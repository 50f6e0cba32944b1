# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an app says one of our settings: what a person writes into its file for a mode, or for certificates to be verified."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Scalar
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

__all__ = ("example", "mode_spelled", "verification_spelled")

# The ports by which these modes go; any other port of a relay may have either.
_USUAL = {"implicit_tls": 465, "starttls": 587}


def mode_spelled(app: Descriptor, form: Form, settings: Mapping[str, t.Any], mode: str) -> str:
    """The keys to write for a mode, as ``force_tls: true and enable_tls: true``; empty where the app has none like it.

    ``settings`` are those of a reading: what the file says already is left out, but for a mode that is none.
    """
    known = app.security[mode]
    if known.can == "no":
        return ""
    port = settings.get("port", 0)
    wanted = _settings(settings, mode, port if port not in _USUAL.values() else _USUAL.get(mode, port))
    before = _values(app, form, _settings(settings, settings["security"], port)) if settings.get("security") else None
    after = _values(app, form, wanted)
    words = {name for name, word in app.words.items() if word.follows == "security" or isinstance(word.follows, tuple)}
    text = _differences(form, words, before, after)
    return f"{text} (which is {known.means} there)" if text and known.means != mode else text


def verification_spelled(app: Descriptor, form: Form, settings: Mapping[str, t.Any]) -> str:
    """The keys to write for the relay's certificate to be verified; empty where the app has none."""
    mode = settings.get("security")
    if mode is None:
        return ""
    wanted = _settings(settings, mode, settings.get("port", 0))
    words = {name for name, word in app.words.items() if word.follows == "validate_certs"}
    words |= {"validate_certs", *(name for one in app.security.values() for name in one.unverified)}
    before = _values(app, form, replace(wanted, validate_certs=False))
    return _differences(form, words, before, _values(app, form, wanted))


def example(app: Descriptor, form: Form, path: KeyPath) -> str:
    """What a key of the app looks like that holds several settings."""
    login = {"username": "USER"}
    for mode, port in _USUAL.items():
        for settings in (login, {}):
            values = _values(app, form, _settings({"host": "smtp.example.com", **settings}, mode, port)) or {}
            if path in values:
                return str(values[path])
    return ""


def _settings(settings: Mapping[str, t.Any], mode: str, port: int) -> Settings:
    """Settings of that kind; the login stands there as words for it."""
    made = Settings(settings.get("host") or "HOST", port or _USUAL.get(mode, 25), mode)
    return replace(made, username="USER", password="PASSWORD") if settings.get("username") else made


def _values(app: Descriptor, form: Form, settings: Settings) -> Mapping[KeyPath, Scalar] | None:
    try:
        return render(app, form, settings).values
    except AppError:
        return None


def _differences(
    form: Form, words: Iterable[str], before: Mapping[KeyPath, Scalar] | None, after: Mapping[KeyPath, Scalar] | None
) -> str:
    if after is None:
        return ""
    paths = [key.path for key in form.keys if key.names & set(words)]
    told = [path for path in dict.fromkeys(paths) if before is None or before.get(path) != after.get(path)]
    return " and ".join(
        _line(form, path, after[path]) if path in after else f"no {'.'.join(path)}"
        for path in told
        if path in after or before is not None
    )


def _line(form: Form, path: KeyPath, value: Scalar) -> str:
    if form.dialect == "dma" and value in (True, "true"):
        return path[-1]  # a word that stands there alone
    mark = "=" if form.kind == "environment" else ": "
    text = str(value).lower() if isinstance(value, bool) else str(value) or "''"
    return f"{'.'.join(path)}{mark}{text}"

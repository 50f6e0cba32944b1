# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No sentence shows a password, also where it was written into another option by mistake and that option is quoted.

The relay's own words have been through ``redact`` on the host. Here it is about what the user wrote. Data of a result (``host``,
``selected``) stays as it is, as further tasks work with it.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import MASK, redact, secret_forms
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import MODEL_OPTIONS

__all__ = ("hidden_in_result", "hidden_in_text")

# Options that hold what nobody may see: of an endpoint, of Mailpit's API, of a file.
_SECRET = ("password", "url_password", "content", "text")
# The keys of a result under which sentences stand.
_SENTENCES = ("msg", "message", "remedy", "sentence", "exception")
# Up to so many letters, a password stands in other words as well, and is looked for in quotes only.
_SHORT = 4
# What is longer is a file, and not looked for in other spellings.
_LONG = 1024
# So many letters of a longer one are taken for its beginning.
_BEGINNING = 8
_LOGIN_IN_URL = re.compile(r"://[^:@/?#]*:([^@]+)@")
_Any = t.TypeVar("_Any")


def hidden_in_text(text: str, given: object) -> str:
    """The sentence without the passwords that ``given``, a task's options of any depth, holds."""
    for secret, elsewhere in _secrets(given):
        text = _without(text, secret, elsewhere)
    return text


def hidden_in_result(result: _Any, given: object) -> _Any:
    """The same result, with the passwords of ``given`` masked in each of its sentences, at any depth."""
    secrets = _secrets(given)
    if not secrets:
        return result
    found = _hidden(result, secrets, False)
    if isinstance(found, dict) and found != result:
        # Beside a module's sentence ansible-core keeps an object with the same words, and prints these.
        found.pop("exception", None)
    return t.cast(_Any, found)


def _hidden(found: object, secrets: list[tuple[str, bool]], sentence: bool) -> object:
    if isinstance(found, str) and sentence:
        for secret, elsewhere in secrets:
            found = _without(found, secret, elsewhere)
        return found
    if isinstance(found, dict):
        return {key: _hidden(value, secrets, key in _SENTENCES) for key, value in found.items()}
    if isinstance(found, list):
        return [_hidden(value, secrets, sentence) for value in found]
    return found


def _secrets(given: object) -> list[tuple[str, bool]]:
    """Each password, the longest first, and whether it stands in another option or its name, too."""
    secret, other = set[str](), set[str]()
    for key, value in _texts(given, ""):
        (secret if key in _SECRET else other).add(value)
        secret.update(form for found in _LOGIN_IN_URL.findall(value) for form in (found, unquote(found)))
    shown = "\n".join(other).casefold()
    return [(one, one.casefold() in shown) for one in sorted(secret, key=len, reverse=True) if one.strip()]


def _texts(given: object, key: str) -> Iterator[tuple[str, str]]:
    """Every text with the name that it stands under; the names are texts, too."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            if name not in MODEL_OPTIONS:
                yield "", str(name)
            yield from _texts(value, key if key in _SECRET else str(name))
    elif isinstance(given, (list, tuple)):
        for value in given:
            yield from _texts(value, key)
    elif given is not None and not isinstance(given, bool):
        yield key, str(given)


def _without(text: str, secret: str, elsewhere: bool) -> str:
    """The sentence with the secret masked; ``elsewhere``: one of the options that it may quote holds it, too."""
    plain = printable(secret.encode("utf-8", "backslashreplace"))
    if len(secret) <= _SHORT or secret.lower() in MODEL_OPTIONS:
        # Words of our own would be torn apart, and say which letters they lack.
        quoted = "|".join(re.escape(form) for form in (secret, plain))
        return re.sub(rf"(?i)(?<=['\"])(?:{quoted})(?=['\"])", MASK, text) if elsewhere else text
    for form in (secret, plain):
        text = text.replace(form, MASK)
    if not elsewhere or len(secret) > _LONG:
        return text
    forms = secret_forms("", secret)
    try:
        forms.append(secret.encode("idna").decode("ascii"))
    except UnicodeError:
        pass  # no name of a host either
    text = t.cast(str, redact(text, forms, True))
    return _without_beginning(text, plain)


def _without_beginning(text: str, secret: str) -> str:
    """A quoted value may be cut: the beginning of the secret is masked as far as it goes."""
    small, start = secret.lower(), secret[:_BEGINNING].lower()
    at = text.lower().find(start) if len(secret) > _BEGINNING else -1
    while at >= 0:
        end = at + _BEGINNING
        while end < len(text) and end - at < len(small) and text[end].lower() == small[end - at]:
            end += 1
        text = text[:at] + MASK + text[end:]
        at = text.lower().find(start, at + len(MASK))
    return text

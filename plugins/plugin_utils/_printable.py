# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate through which every result goes: what a relay, certificate, name server, file or log said is printable.

A terminal acts on escape sequences, a log on line ends, a reader on marks that turn the writing round. Here they become
visible escapes such as ``\\x1b``. Nothing is evaluated: the result holds plain texts, which ansible-core takes as data.
"""

from __future__ import annotations

import re
import typing as t

__all__ = ("printable_data", "printable_text")

# Texts that have lines of their own: pem, what a module printed when it broke, files in a diff.
_HAVE_LINES = frozenset(("pem", "exception", "module_stdout", "module_stderr", "before", "after", "prepared"))
# What stands between line ends and tabs, which are what such texts are made of.
_BETWEEN_BREAKS = re.compile(r"[^\n\t]+")
_Any = t.TypeVar("_Any")


def printable_text(text: str) -> str:
    """The text with everything escaped that does not simply show: controls, marks without a width, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def printable_data(found: _Any) -> _Any:
    """The same data with each text in it printable, keys included. Tuples and sets become lists; nothing is raised."""
    return t.cast(_Any, _of(found, False))


def _of(found: object, lines: bool) -> object:
    if isinstance(found, str):
        return _BETWEEN_BREAKS.sub(lambda text: printable_text(text.group()), found) if lines else printable_text(found)
    if isinstance(found, dict):
        return {_of(key, False): _of(value, key in _HAVE_LINES) for key, value in found.items()}
    if isinstance(found, (list, tuple, set, frozenset)):
        return [_of(each, lines) for each in found]
    if isinstance(found, (bytes, bytearray)):
        return printable_text(bytes(found).decode("utf-8", "backslashreplace"))
    return found

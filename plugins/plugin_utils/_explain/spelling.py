# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One spelling for what platforms write in many: WRONG_VERSION_NUMBER, wrong-version-number and WrongVersionNumber are the same words.

OpenSSL writes its reasons with blanks, Python and Node the same reasons with underscores, rustls and .NET in camel
case, Erlang as atoms. A text is compared in these spellings, so that each reason stands in the tables once.
"""

from __future__ import annotations

import re

__all__ = ("MAX_EVENT", "fold", "one_line", "spaced", "spellings")

# Characters of one event that are looked at: the head and the tail of what is longer.
MAX_EVENT = 16384
# Control characters as logs write them, typographic quotes as plain ones.
_PLAIN = str.maketrans(
    {
        **{chr(code): f"\\x{code:02x}" for code in (*range(1, 9), *range(14, 28), 127)},
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00a0": " ",
        "\x00": " ",
    }
)
# translate looks at every character by itself; most lines have none of these.
_NOT_PLAIN = re.compile("[\x00-\x08\x0e-\x1b\x7f\u00a0\u2018\u2019\u201c\u201d]")
# Logs that hold a log escape twice.
_ESCAPED_BREAK = re.compile(r"\\+[nrt]")
_ESCAPED_QUOTE = re.compile(r"\\+\"")
_JOINED = re.compile(r"-(?<=[a-z0-9]-)(?=[a-z0-9])")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def one_line(text: str) -> str:
    """On one line, single spaces, plain quotes; line ends that a log has escaped are line ends too."""
    text = text[:MAX_EVENT]
    if _NOT_PLAIN.search(text):
        text = text.translate(_PLAIN)
    if "\\" in text:
        text = _ESCAPED_BREAK.sub(" ", _ESCAPED_QUOTE.sub('"', text))
    return " ".join(text.split())


def fold(text: str) -> str:
    """Lower case, with a space where words are joined by a hyphen or an underscore."""
    low = text.lower().replace("_", " ")
    return " ".join((_JOINED.sub(" ", low) if "-" in low else low).split())


def spaced(norm: str) -> str:
    """With a space inside CamelCase words."""
    return _HUMP.sub(" ", norm)


def spellings(norm: str) -> tuple[str, ...]:
    """The folded text, and the same with a space inside CamelCase words where it has some."""
    folded = fold(norm)
    apart = fold(spaced(norm))
    return (folded,) if apart == folded else (folded, apart)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files whose first line that is no comment says it all (nullmailer's remotes, Postfix's sasl_passwd). Its key is
``line``.

nullmailer's options may stand in any order, with or without dashes, and ``--tls`` is ``--ssl``: in its dialect the line is read
in one order, as the descriptor has it, without the options that are none of ours. These stay where the line is written.
"""

from __future__ import annotations

import shlex
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Format, KeyPath, Value, line_break
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import lines_of

__all__ = ("FORMAT",)

_PATH = ("line",)
# Options of its program for SMTP: those of ours, and all others.
_OURS = ("host", "port", "ssl", "tls", "starttls", "insecure", "auth-login", "user", "pass")
_OTHERS = ("source", "x509certfile", "x509keyfile", "x509cafile", "x509crlfile", "x509fmtder", "tls-anon-auth")


class Line(Format):
    """One line; further ones are others' and stay."""

    dialects = ("nullmailer",)

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        found = _first(text)
        if found is None:
            return {}
        line = text[found[0] : found[1]].strip(" \t")
        return {_PATH: _in_order(line) if dialect == "nullmailer" else line}

    def statements(self, text: str, dialect: str = "") -> Sequence[tuple[KeyPath, int, int]]:
        found = _first(text)
        return [] if found is None else [(_PATH, found[0], found[2])]

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if isinstance(value, str) and (value != value.strip(" \t") or value.startswith("#")):
            return "begins or ends with a blank, or begins with #"
        return super().unfit(path, value, dialect)

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        found = _first(text)
        br = line_break(text)
        if _PATH not in wanted:
            return text if found is None else text[: found[0]] + text[found[2] :]
        new = str(wanted[_PATH])
        if found is not None:
            if dialect == "nullmailer":
                new = " ".join([new, *_of_others(text[found[0] : found[1]])])
            return text[: found[0]] + new + text[found[1] :]
        lead = "" if not text or text.endswith("\n") else br
        return f"{text}{lead}{new}{br}"

    def findings(self, text: str, dialect: str = "") -> list[dict[str, str]]:
        """Options that nullmailer's program for SMTP does not know: it sends nothing then."""
        found = _first(text) if dialect == "nullmailer" else None
        words = _words(text[found[0] : found[1]]) if found is not None else []
        if not words or words[1:2] not in ([], ["smtp"]):
            return []
        wrong = [name for name, _value in _options(words) if name not in (*_OURS, *_OTHERS)]
        return [
            {
                "severity": "error",
                "code": "unknown_key",
                "message": f"nullmailer's program for SMTP does not know {_shown(name)} and sends nothing for it.",
                "remedy": f"Take it out, or write what is meant: {', '.join('--' + one for one in (*_OURS, *_OTHERS))}.",
            }
            for name in dict.fromkeys(wrong)
        ]


def _shown(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return f"the option --{name}" if plain.isalnum() and plain.isascii() else "a word among its options"


def _words(line: str) -> list[str]:
    """Host, protocol and options; empty where a quote is not closed."""
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _options(words: Sequence[str]) -> list[tuple[str, str | None]]:
    pairs = [word.removeprefix("--").partition("=") for word in words[2:]]
    return [(name, value if equals else None) for name, equals, value in pairs]


def _of_others(line: str) -> list[str]:
    words = _words(line)
    return [shlex.quote(word) for word, (name, _value) in zip(words[2:], _options(words)) if name not in _OURS]


def _in_order(line: str) -> str:
    """The line with our options in the order of the descriptor; as it is where it says something else."""
    words = _words(line)
    found = {("ssl" if name == "tls" else name): value for name, value in _options(words)}
    if not words or words[1:2] not in ([], ["smtp"]) or {"ssl", "starttls"} <= found.keys():
        return line
    new = [str(found.get("host") or words[0]), "smtp"]
    new += [f"--port={found['port']}"] if found.get("port") else []
    new += [f"--{name}" for name in ("ssl", "starttls", "insecure", "auth-login") if name in found]
    new += [f"--{name}={shlex.quote(str(found[name] or ''))}" for name in ("user", "pass") if name in found]
    return " ".join(new)


def _first(text: str) -> tuple[int, int, int] | None:
    """Where the line begins, where it ends, and where the next one begins."""
    for start, end, after in lines_of(text):
        bare = text[start:end].strip(" \t")
        if bare and not bare.startswith("#"):
            return start, start + len(text[start:end].rstrip(" \t")), after
    return None


FORMAT = Line()

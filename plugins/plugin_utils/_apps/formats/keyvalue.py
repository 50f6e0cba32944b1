# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of one key and value per line without any quoting.

dma     ``KEY value``; a key alone is a flag that is set       exim   ``MACRO = value``
ssmtp   ``Key=value``

dma takes the value behind the first blank with all further ones, up to a ``#``, and no line that begins with a blank.
sSMTP takes it from the first blank or ``=`` to the next one, or to the end of a line that has one: what stands behind
``Key = `` is nothing. Both are read as they read them.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    KeyPath,
    Opaque,
    Value,
    line_break,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_SSMTP_KEYS = (
    "root mailhub RemotePort UseTLS UseSTARTTLS UseTLSCert TLSCert TLSKey TLS_CA_File TLS_CA_Dir AuthUser AuthPass"
    " AuthMethod rewriteDomain hostname FromLineOverride MinUserId Debug UseOldAUTH AddHeader"
).split()
# It takes them in any case.
_SSMTP = {name.lower(): name for name in _SSMTP_KEYS}
# What dma knows as keys without a value; it does not start where they have one.
_FLAGS = (
    "SECURETRANSFER",
    "STARTTLS",
    "OPPORTUNISTIC_TLS",
    "DEFER",
    "INSECURE",
    "FULLBOUNCE",
    "NULLCLIENT",
    "VERIFYCERT",
)
# And those that it does not start with where they have none.
_VALUES = ("SMARTHOST", "PORT", "ALIASES", "SPOOLDIR", "AUTHPATH", "CERTFILE", "MAILNAME", "MASQUERADE", "FINGERPRINT")
_STARTTLS = ("UseSTARTTLS",)
# Of these it takes the first one that is there, and of all others the last.
_FIRST = ("AuthUser", "AuthPass", "AuthMethod")
# Key, and where its value begins and ends, in one line with its line break.
_SHAPES = {
    "dma": re.compile(r"([^ \t#\r\n]+)(?:[ \t]|(?=#|\n|$))([^#\n]*)"),
    "exim": re.compile(r"[ \t]*([A-Z][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*?)[ \t]*(?=[\r\n]|$)"),
    "ssmtp": re.compile(r"([^= \t\n#]+)(?=[^#\n]*=)([= \t]([^= \t\n#]*)(?=[= \t\n]))"),
}


class KeyValue(Lines):
    """A flag of dma is "true" where it is there; to be false it must not be there."""

    dialects = ("dma", "exim", "ssmtp")

    def scan(self, text: str, dialect: str) -> list[Statement]:
        found: list[Statement] = []
        for start, end, after in lines_of(text):
            held = _SHAPES[dialect].match(text, start, after)
            if held is None:
                continue
            name, value_end = held.group(1), held.end(2)
            value = held.group(3 if dialect == "ssmtp" else 2)
            read: Value = value
            if dialect == "dma" and name in _FLAGS:
                read = Opaque("unclear", value) if value else "true"
            if dialect == "ssmtp":
                if not value:
                    value_end += len(text[value_end:end].partition("#")[0].rstrip(" \t"))
                name = _SSMTP.get(name.lower(), name)
                if name in _FIRST and any(one.path == (name,) for one in found):
                    continue
                if name == "UseTLS" and value.upper() != "YES":
                    # It takes STARTTLS away, too.
                    found = [one._replace(value="NO") if one.path == _STARTTLS else one for one in found]
            found.append(Statement((name,), read, start, after, held.start(2), value_end))
        return found

    def unfit(self, path: KeyPath, value: t.Any, dialect: str = "") -> str | None:
        if self._dialect(dialect) == "ssmtp" and re.search(r"[\s=#]", str(value)):
            return "has a blank, a = or a # in it, where a value ends in this file, which has no quotes"
        return super().unfit(path, value, dialect)

    def edit(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if self._dialect(dialect) == "ssmtp" and text and not text.endswith("\n"):
            # It takes no value that ends with the file.
            whole = text + line_break(text)
            now = self.read(text, dialect=dialect)
            waked = [path for path, value in self.read(whole, dialect=dialect).items() if now.get(path) != value]
            if any(path not in wanted and path not in remove for path in waked):
                raise FormatError(
                    "its last line has no line break, so sSMTP does not take it; add one, or take the line out"
                )
            new = super().edit(whole, wanted, remove, dialect, indent)
            return (
                text if new == whole and self.read(text, dialect=dialect) == self.read(whole, dialect=dialect) else new
            )
        if self._dialect(dialect) == "dma":
            off = [path for path, value in wanted.items() if value == "false" and path[-1] in _FLAGS]
            wanted = {path: value for path, value in wanted.items() if path not in off}
            remove = [*remove, *off]
        return super().edit(text, wanted, remove, dialect, indent)

    def change(
        self,
        text: str,
        wanted: Mapping[KeyPath, t.Any],
        remove: Collection[KeyPath],
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        if self._dialect(dialect) == "ssmtp" and _STARTTLS in wanted:
            # One that UseTLS takes away would come back with it.
            for one in reversed(self.scan(text, "ssmtp")):
                if one.path == _STARTTLS and one.value == "NO":
                    text = text[: one.start] + text[one.end :]
            if str(wanted[_STARTTLS]).upper() != "YES":
                # Else UseTLS would be seen to take it away.
                wanted = {_STARTTLS: wanted[_STARTTLS], **wanted}
        return super().change(text, wanted, remove, dialect, indent)

    def findings(self, text: str, dialect: str = "") -> list[dict[str, str]]:
        """Lines that look like settings and are none to sSMTP, and those that dma does not start with."""
        if self._dialect(dialect) != "ssmtp":
            return _dma_stops(text) if self._dialect(dialect) == "dma" else []
        there = [one for one in self.scan(text, "ssmtp") if one.value]
        read, set_there = {one.start for one in there}, {one.path for one in there}
        found = []
        for number, (start, end, _after) in enumerate(lines_of(text), 1):
            key = re.match(r"[ \t]*([A-Za-z_]+)[ \t]*[= \t][ \t]*[^ \t#]", text[start:end])
            name = _SSMTP.get(key.group(1).lower()) if key is not None else None
            if name is None or start in read or (name in _FIRST and (name,) in set_there):
                continue
            found.append(
                {
                    "severity": "error" if name in ("mailhub", "UseTLS", "UseSTARTTLS", *_FIRST) else "warning",
                    "code": "value_ignored",
                    "message": f"sSMTP takes no value from line {number}: {name} must begin the line, with = and its value"
                    " right behind it, and a line break or a blank behind that.",
                    "remedy": f"Write {name}=... there; app_mail_config does.",
                }
            )
        return found

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        if dialect == "dma" and value == "true":
            # Of a flag.
            yield ""
        yield f"={value}" if dialect == "ssmtp" else str(value)
        if dialect == "ssmtp":
            # Where a comment or a carriage return is next, which would not end it.
            yield f"={value} "

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        mark = {"dma": " ", "exim": " = ", "ssmtp": ""}[dialect]
        return path[-1] + (mark + spelt if spelt else mark.rstrip(" "))


def _dma_stops(text: str) -> list[dict[str, str]]:
    """What is wrong with the shape of a line; its keys are looked at elsewhere."""
    found = []
    for number, (start, end, after) in enumerate(lines_of(text), 1):
        key, _mark, value = text[start:end].partition("#")[0].replace("\t", " ").partition(" ")
        why = remedy = ""
        if text[start:after].endswith("\r\n") and (not text[start:end] or key in _FLAGS):
            why, remedy = "the carriage return at its end", "Write it with the line ends of Unix (dos2unix)."
        elif key in _VALUES and not value.strip():
            why, remedy = f"{key}, which has no value there", f"Write a value behind {key}, or take the line out."
        elif key in _FLAGS[3:] and value.strip():
            # Of the first three the value is told, too.
            why, remedy = f"the value of {key}, which has none", f"Write {key} alone, or take the line out."
        if why:
            message = f"dma stops at line {number} for {why}, so no mail goes out."
            found.append({"severity": "error", "code": "invalid_settings", "message": message, "remedy": remedy})
            if "carriage" in why:
                break
    return found


FORMAT = KeyValue()

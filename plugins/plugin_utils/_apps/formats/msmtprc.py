# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""msmtp's config: ``command argument`` lines below ``defaults`` and ``account NAME``.

The account that is edited is the one that is used when none is named: ``default``, the one that ``account default :
NAME``
names, or else the first. What it does not say is taken from ``defaults``.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.lines import Lines, Statement, lines_of

__all__ = ("FORMAT",)

_ACCOUNT = re.compile(r"account[ \t]+([^\s:]+)(?:[ \t]*:[ \t]*(.*\S))?[ \t]*$")


class Msmtprc(Lines):
    """Statements of the account are ``(command,)``, all others ``(account, command)``."""

    structure = re.compile(r"\s*|account default")

    def scan(self, text: str, dialect: str) -> list[Statement]:
        target = _target(text)
        found: list[Statement] = []
        account = ""
        for start, end, after in lines_of(text):
            line = text[start:end]
            words = line.strip()
            if not words or words.startswith("#"):
                continue
            head = _ACCOUNT.match(words)
            if head is not None or words == "defaults":
                account = head.group(1) if head is not None else "defaults"
                continue
            command = words.split(None, 1)[0]
            place = start + line.index(command) + len(command)
            raw = text[place:end].strip()
            place += len(text[place:end]) - len(text[place:end].lstrip()) if raw else 0
            path = (command,) if account == target else (account, command)
            found.append(Statement(path, _unquoted(raw), start, after, place, place + len(raw)))
        return found

    def read(self, text: str, section: KeyPath = (), dialect: str = "") -> dict[KeyPath, Value]:
        found = super().read(text, section, dialect)
        if _target(text):
            for path, value in list(found.items()):
                if len(path) == 2 and path[0] == "defaults":
                    found.setdefault((path[1],), value)
        return found

    def edit(
        self,
        text: str,
        wanted: t.Mapping[KeyPath, t.Any],
        remove: t.Collection[KeyPath] = (),
        dialect: str = "",
        indent: int = 2,
    ) -> str:
        """``defaults`` belong to all accounts, so they stay where there are several; what they say against the settings is refused."""
        if wanted and (missing := _missing(text)) is not None:
            raise FormatError(
                f"its default account is {missing}, and no account of that name stands in front of that line"
            )
        in_all = {one.path[1] for one in self.scan(text, dialect) if len(one.path) == 2 and one.path[0] == "defaults"}
        shared = [path for path in remove if path not in wanted and path[-1] in in_all]
        if wanted and shared and len(_accounts(text)) < 2:
            return Lines.edit(
                _OWN, text, wanted, [*remove, *(("defaults", path[-1]) for path in shared)], dialect, indent
            )
        if wanted and shared:
            raise FormatError(
                f"{shared[0][0]} stands in its defaults, which other accounts share; take it out there, or write it into"
                " those accounts"
            )
        return Lines.edit(_OWN, text, wanted, remove, dialect, indent)

    def findings(self, text: str, dialect: str = "") -> list[dict[str, str]]:
        """Accounts of which none is the one that it takes unless another is named."""
        target = _target(text)
        if (missing := _missing(text)) is not None:
            return [
                {
                    "severity": "error",
                    "code": "no_default_account",
                    "message": f"msmtp refuses this file, as its default account is {missing}, and no account of that name stands"
                    " in front of that line.",
                    "remedy": f"Write {' or '.join(sorted(_accounts(text) - {'default'})) or 'an account'} in its place.",
                }
            ]
        if not target or any(_names_default(text[start:end]) for start, end, _after in lines_of(text)):
            return []
        return [
            {
                "severity": "warning",
                "code": "no_default_account",
                "message": "msmtp sends nothing with this file unless an account is named (-a), as none of its accounts is"
                f" default; the one of {target} is meant here.",
                "remedy": f"Add the line 'account default : {target}' at its end, as sendmail and cron name no account.",
            }
        ]

    def spellings(self, value: t.Any, old: str, dialect: str) -> Iterator[str]:
        text = str(value)
        if not old.startswith('"'):
            yield text
        yield f'"{text}"'
        yield text

    def statement(self, path: KeyPath, spelt: str, dialect: str) -> str:
        return f"{path[-1]} {spelt}"

    def room(self, text: str, path: KeyPath, dialect: str) -> tuple[int, str]:
        target = _target(text)
        inside, place = False, -1
        for start, end, after in lines_of(text):
            words = text[start:end].strip()
            head = _ACCOUNT.match(words)
            if head is not None or words == "defaults":
                inside = head is not None and head.group(1) == target and head.group(2) in (None, "")
            if inside and words and not words.startswith("#"):
                place = after
        if place >= 0:
            return place, ""
        return len(text), ("\n" if text.strip() else "") + "account default\n"


def _names_default(line: str) -> bool:
    head = _ACCOUNT.match(line.strip())
    return head is not None and head.group(1) == "default"


def _accounts(text: str) -> set[str]:
    heads = [_ACCOUNT.match(text[start:end].strip()) for start, end, _after in lines_of(text)]
    return {head.group(1) for head in heads if head is not None and not head.group(2)}


def _missing(text: str) -> str | None:
    """The name behind ``account default :`` that no account in front of it has."""
    seen: set[str] = set()
    for start, end, _after in lines_of(text):
        head = _ACCOUNT.match(text[start:end].strip())
        if head is None:
            continue
        for name in (one.strip() for one in (head.group(2) or "").split(",")):
            if head.group(1) == "default" and name and name not in seen:
                return name
        seen.add(head.group(1))
    return None


def _target(text: str) -> str:
    names: list[str] = []
    for start, end, _after in lines_of(text):
        head = _ACCOUNT.match(text[start:end].strip())
        if head is None:
            continue
        if head.group(1) == "default" and (not head.group(2) or _missing(text) is None or not names):
            return head.group(2).split(",")[0].strip() if head.group(2) else "default"
        names.append(head.group(1))
    return names[0] if names else ""


def _unquoted(raw: str) -> str:
    return raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] == '"' else raw


class _OwnOnly(Msmtprc):
    """The account without what it takes from ``defaults``."""

    read = Lines.read
    edit = Lines.edit


_OWN = _OwnOnly()
FORMAT = Msmtprc()

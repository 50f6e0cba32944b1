# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail addresses as options hold them: bare (RFC 5321 section 4.1.2), without a display name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show

__all__ = ("is_bare_address", "parse_recipients")

_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]\\]+@[^\s<>@,;:\"()\\]+")
_EXAMPLE = "write a list of addresses, such as recipients: [postmaster@example.com]"


def is_bare_address(text: str) -> bool:
    """Whether this is user@domain and nothing else."""
    return _ADDRESS.fullmatch(text) is not None and text.isprintable()


def parse_recipients(value: object, option: str = "recipients") -> list[str]:
    """The addresses of a list, or of a text with commas.

    Raises SettingsError for none, for an empty one, for what is no address, and for one given twice.
    """
    if value is None or value == "":
        raise SettingsError(f"{option} is empty; {_EXAMPLE}.", option)
    listed = value.split(",") if isinstance(value, str) else value
    if isinstance(listed, (bytes, bytearray)) or not isinstance(listed, Sequence):
        raise SettingsError(f"{option} is {show(value)}, which is not a list; {_EXAMPLE}.", option)
    if not listed:
        raise SettingsError(f"{option} is empty; {_EXAMPLE}.", option)
    found: dict[tuple[str, str], str] = {}
    for index, entry in enumerate(listed):
        address = "" if entry is None else str(entry).strip(" \t")
        if not address:
            raise SettingsError(
                f"{option}[{index}] is empty; write an address, such as user@example.com, or leave the entry out.",
                option,
            )
        if not is_bare_address(address):
            raise SettingsError(
                f"{option}[{index}] is {show(entry)}, which is not a bare mail address; write user@example.com.", option
            )
        local, _at, domain = address.rpartition("@")
        # The domain is the same in capitals (RFC 5321 section 2.4); what stands before it need not be.
        if (local, domain.lower()) in found:
            raise SettingsError(
                f"{option}[{index}] is {show(address)}, which stands there already; write each address once.", option
            )
        found[local, domain.lower()] = address
    return list(found.values())

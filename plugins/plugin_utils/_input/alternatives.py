# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which other ports of a relay are asked when the chosen one fails, and in which mode: none weaker than was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Alternative, Security
from ansible_collections.mailops.smtp.plugins.module_utils._observe.ports import (
    CLEARTEXT_FIRST_PORTS,
    CONVENTIONAL_PORTS,
    IMPLICIT_TLS_PORTS,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, to_number

__all__ = ("alternative_ports",)

_PORTS = re.compile(r"\[?[\d, ]*\]?")
_BETWEEN_PORTS = re.compile(r"[\[\], ]+")


def alternative_ports(settings: Settings, option: object) -> list[Alternative]:
    """The other ports and their modes: ``auto`` (the conventional ones), or a list of ports. Raises SettingsError."""
    if isinstance(option, str) and _PORTS.fullmatch(option):
        # As "ansible -a" hands a list over.
        option = [part for part in _BETWEEN_PORTS.split(option) if part]
    if option is None or option == "auto":
        ports: list[int] = [port for port in CONVENTIONAL_PORTS if port != settings.port]
    elif isinstance(option, (str, bytes)) or not isinstance(option, Sequence):
        raise SettingsError(
            f"alternatives is {show(option)}; write auto, a list of ports such as [587, 2525], or [].", "alternatives"
        )
    else:
        ports = [int(to_number(port, "alternatives", 1, 65535)) for port in option]
        ports = [port for port in dict.fromkeys(ports) if port != settings.port]
    strict = settings.security in ("implicit_tls", "starttls")
    return [{"port": port, "security": _alternative_security(port, strict)} for port in ports]


def _alternative_security(port: int, strict: bool) -> Security:
    if port in IMPLICIT_TLS_PORTS:
        return "implicit_tls"
    return "starttls" if strict and port in CLEARTEXT_FIRST_PORTS else "auto"

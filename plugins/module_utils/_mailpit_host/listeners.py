# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Mailpit listens, as its environment says it. Controller and host read it with the same eyes."""

from __future__ import annotations

import typing as t

__all__ = ("listeners",)

# Where Mailpit listens for POP3 as soon as that has accounts.
_POP3 = "[::]:1110"


def listeners(environment: t.Mapping[str, str]) -> t.Dict[str, t.Tuple[str, int]]:
    """The address (empty: all) and the port of each of Mailpit's sockets, by the variable that decides them."""
    pop3 = environment.get("MP_POP3_AUTH_FILE") or environment.get("MP_POP3_AUTH")
    places = {
        "MP_SMTP_BIND_ADDR": environment.get("MP_SMTP_BIND_ADDR", ""),
        "MP_UI_BIND_ADDR": environment.get("MP_UI_BIND_ADDR", ""),
        "MP_POP3_BIND_ADDR": environment.get("MP_POP3_BIND_ADDR") or _POP3 if pop3 else "",
        # Without an address ("true") the metrics are a page of the web interface.
        "MP_ENABLE_PROMETHEUS": environment.get("MP_ENABLE_PROMETHEUS", ""),
    }
    found = {}
    for name, place in places.items():
        address, colon, port = place.strip().rpartition(":")
        if colon and port.isdigit():
            found[name] = (address.strip("[]"), int(port))
    return found

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a name to addresses."""

from __future__ import annotations

import socket
import threading
import typing as t

from .clock import Deadline
from .failure import Failure

__all__ = ("ADDRESSES_AT_ONCE", "Address", "addresses_of", "ask_resolver", "literal", "resolve")

# At most so many are climbed at once, and so many are looked at in all.
ADDRESSES_AT_ONCE = 8
ADDRESS_LIMIT = 32
Resolved = t.Union["list[Address]", Failure]
_FAMILIES = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_ERRORS = {
    getattr(socket, name): name
    for name in (
        "EAI_NONAME",
        "EAI_NODATA",
        "EAI_AGAIN",
        "EAI_FAIL",
        "EAI_ADDRFAMILY",
        "EAI_FAMILY",
        "EAI_MEMORY",
        "EAI_SYSTEM",
    )
    if hasattr(socket, name)
}


class Address(t.NamedTuple):
    """One address of a name, as connect() wants it."""

    family: int
    sockaddr: tuple[t.Any, ...]

    @property
    def text(self) -> str:
        """The address as a person writes it, that of one link with its interface (RFC 4007 section 11)."""
        text = str(self.sockaddr[0])
        scope = self.sockaddr[3] if self.family == socket.AF_INET6 and len(self.sockaddr) > 3 else 0
        if not scope or "%" in text:
            return text
        try:
            return f"{text}%{socket.if_indextoname(scope)}"
        except OSError:
            return f"{text}%{scope}"

    @property
    def of_no_host(self) -> bool:
        """Whether it stands for no host (RFC 1122 section 3.2.1.3): a system that connects there reaches itself."""
        return str(self.sockaddr[0]) in ("0.0.0.0", "::", "::ffff:0.0.0.0")

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if self.family == socket.AF_INET6 else 4


def literal(host: str) -> bool:
    """Whether ``host`` is an address already, so that nothing has to be asked."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host.partition("%")[0])
    except (OSError, UnicodeError, ValueError):
        return False
    return True


def ask_resolver(host: str, port: int, ip_version: str) -> Resolved:
    """What the host's resolver says. Blocks for as long as that likes and raises nothing: see ``addresses_of``."""
    # Python encodes text with its idna codec, whose tables take milliseconds to load; a plain name needs none of it.
    name = host.encode("ascii") if host.isascii() else host
    try:
        found = socket.getaddrinfo(name, port, _FAMILIES[ip_version], socket.SOCK_STREAM)
    except socket.gaierror as error:
        return Failure("resolver", error=_ERRORS.get(error.errno or 0, str(error.errno)))
    except (OSError, UnicodeError):
        return Failure("resolver", error="EAI_FAIL")
    return list(dict.fromkeys(Address(family, sockaddr) for family, _type, _proto, _name, sockaddr in found))


def addresses_of(answer: Resolved) -> tuple[list[Address], int]:
    """At most ADDRESS_LIMIT addresses in the resolver's order, and how many there are.

    Raises Failure (resolver with the name of the EAI error).
    """
    if isinstance(answer, Failure):
        raise answer
    return _spread(answer), len(answer)


def resolve(host: str, port: int, ip_version: str, deadline: Deadline) -> tuple[list[Address], int]:
    """``addresses_of`` what the resolver says within the deadline. Raises Failure (timeout as well).

    getaddrinfo knows no deadline, so it runs in a thread of its own that is left behind when time is up.
    """
    answer: list[Resolved] = []
    asking = threading.Thread(target=lambda: answer.append(ask_resolver(host, port, ip_version)), daemon=True)
    asking.start()
    asking.join(deadline.remaining())
    if not answer:
        raise Failure("timeout")
    return addresses_of(answer[0])


def _spread(found: list[Address]) -> list[Address]:
    """The resolver's order; where not all can start at once, both families are among those that do."""
    if len(found) <= ADDRESSES_AT_ONCE:
        return found
    first = found[0].family
    same = [one for one in found if one.family == first]
    other = [one for one in found if one.family != first]
    share = min(len(other), ADDRESSES_AT_ONCE // 2)
    early = ADDRESSES_AT_ONCE - share
    return (same[:early] + other[:share] + same[early:] + other[share:])[:ADDRESS_LIMIT]

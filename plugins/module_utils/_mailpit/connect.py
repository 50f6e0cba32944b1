# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to whichever address of a name takes one, and a failed one in words."""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import resolve
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire

__all__ = ["Unreachable", "connect", "in_words"]

_WORDS = {
    "closed": "the connection was closed",
    "reset": "the connection was reset",
    "timeout": "no answer in time",
    "plaintext": "the answer to the TLS handshake was cleartext",
    "tls_spoken": "TLS was spoken",
    "resolver": "the name was not found",
    "malformed": "the answer is not SMTP",
    "limit": "the answer was too long",
    "tls": "TLS failed",
    "certificate": "the certificate does not verify",
    "os": "the system refused",
}
# Any other error of getaddrinfo says nothing about the name.
_NO_SUCH_NAME = ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")


class Unreachable(Exception):
    """
    No address of the host takes a TCP connection; the text says why, as far as the last one showed.

    ``failure`` is that one's.
    """

    def __init__(self, text: str, failure: Failure | None) -> None:
        super().__init__(text)
        self.failure = failure


def connect(host: str, port: int, deadline: Deadline) -> Wire:
    """A connection to the first address that takes one, with ``deadline`` for all that follows. Raises Unreachable."""
    try:
        addresses = resolve(host, port, "any", deadline)[0]
    except Failure as failure:
        raise Unreachable(f"{host} could not be resolved ({in_words(failure)})", failure) from None
    except RuntimeError:  # of Thread.start
        raise Unreachable("this host lets its user start no further thread (ulimit -u, or -v)", None) from None
    last, cause = "no address", None
    for position, address in enumerate(addresses):
        # A dead address must leave time for the next one.
        share = deadline.remaining() / (len(addresses) - position)
        try:
            wire = Wire(address.sockaddr, address.family, deadline.within(share))
        except Failure as failure:
            last, cause = f"{address.text}: {in_words(failure)}", failure
        else:
            wire.deadline = deadline
            return wire
    raise Unreachable(f"{host} port {port} takes no connection ({last})", cause)


def in_words(failure: Failure) -> str:
    """What a failure was, for a sentence."""
    text = _WORDS.get(failure.kind, failure.kind)
    facts = failure.facts
    if failure.kind == "resolver" and facts.get("error") not in _NO_SUCH_NAME:
        text = "the name server gave no usable answer"
    detail = next((facts[name] for name in ("errno", "text", "reason", "error", "partial") if facts.get(name)), None)
    return text + (f" ({detail})" if detail else "")

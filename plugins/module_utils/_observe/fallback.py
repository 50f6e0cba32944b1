# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login on another port, where the best of them is going to be used in place of the chosen one."""

from __future__ import annotations

import socket
import typing as t

from .connect import Connecting
from .failure import Failure
from .ladder import Climb
from .loop import Connection

if t.TYPE_CHECKING:
    from .endpoint import Credentials, Endpoint
    from .evidence import Attempt, Security

__all__ = ("Login", "login_security")


class Login(Connection):
    """A further climb to an address that has just passed, with the login. ``evidence`` is null until it has ended."""

    kind = "other"

    def __init__(self, endpoint: Endpoint, passed: Climb, security: Security, credentials: Credentials) -> None:
        self.course, self.deadline = endpoint.index, endpoint.deadline
        self.evidence: Attempt | None = None
        options = passed.options._replace(credentials=credentials, turn=None)
        self._climb = Climb(passed.address, security, options, passed.contexts, endpoint.deadline)
        self._found: Attempt | None = None

    def connect(self) -> Connecting:
        """Begin."""
        return self._climb.connect()

    def failed(self, failure: Failure) -> None:
        """The connect has failed."""
        self.evidence = self._climb.unconnected(failure)

    def connected(self, sock: socket.socket) -> None:
        """The connect has succeeded."""
        self._climb.take(sock)

    def talk(self) -> None:
        """Climb, and log in at the top."""
        self._found = self._climb.run()

    def ended(self) -> None:
        """The climb is over."""
        self.evidence = self._found


def login_security(asked: Security, seen: Attempt) -> Security | None:
    """The mode for the login on a port that was ``seen`` to work; null where it would be weaker than what was ``asked``."""
    if seen["security"] == "implicit_tls":
        return "implicit_tls"
    if "tls" in seen:
        return "starttls"
    return asked if asked in ("cleartext", "opportunistic") else None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login on another port, where the best of them is going to be used in place of the chosen one."""

from __future__ import annotations

import typing as t

from .clock import Deadline
from .ladder import Climb, ClimbOptions

if t.TYPE_CHECKING:
    from .evidence import Attempt, Security

__all__ = ("Works", "log_in_elsewhere")


class Works(t.Protocol):
    """Another port: its climbs, and the evidence of those that have ended, by their numbers."""

    climbs: list[Climb]
    done: dict[int, Attempt]
    login: Attempt | None

    @property
    def works(self) -> bool:
        """Whether one address has passed."""

    @property
    def weak(self) -> bool:
        """Whether it works, and in cleartext."""


def log_in_elsewhere(asked: Security, others: t.Sequence[Works], options: ClimbOptions, deadline: Deadline) -> None:
    """Log in on the best port that works, and keep the evidence as its ``login``.

    ``asked`` is the mode that was asked for: no port gets the login in a weaker one. A port that turns out not to
    take logins is passed over; one that refuses this login ends it, because more tries would lock the account.
    """
    for route in sorted((one for one in others if one.works), key=lambda one: one.weak):
        index = next(number for number, evidence in route.done.items() if evidence["failure"] is None and not evidence.get("yielded"))
        climb, seen = route.climbs[index], route.done[index]
        security = _security(asked, seen)
        if security is None:
            continue
        with_login = climb.options._replace(credentials=options.credentials, turn=None)
        route.login = Climb(climb.address, security, with_login, climb.contexts, deadline).run()
        failure = route.login["failure"]
        if failure is None or (failure["layer"] == "auth" and failure["kind"] not in ("missing", "withheld")):
            return


def _security(asked: Security, seen: Attempt) -> Security | None:
    """The mode for the login on a port that was ``seen`` to work; null where it would be weaker than what was ``asked``."""
    if seen["security"] == "implicit_tls":
        return "implicit_tls"
    if "tls" in seen:
        return "starttls"
    return asked if asked in ("cleartext", "opportunistic") else None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login on another port, where the best of them is going to be used in place of the chosen one."""

from __future__ import annotations

import typing as t

from .clock import Deadline
from .climb import Climb

if t.TYPE_CHECKING:
    from .evidence import Attempt, Security
    from .route import Credentials, Route

__all__ = ("log_in_elsewhere",)


def log_in_elsewhere(
    asked: Security, others: t.Sequence[Route], credentials: Credentials, deadline: Deadline
) -> dict[int, Attempt]:
    """Log in on the best port that works: the evidence, by the number of the port in ``others``.

    ``asked`` is the mode that was asked for: no port gets the login in a weaker one. A port that turns out not to
    take logins is passed over; one that refuses this login ends it, because more tries would lock the account.
    """
    found: dict[int, Attempt] = {}
    working = [(number, *route.passed) for number, route in enumerate(others) if route.passed is not None]
    for number, climb, seen in sorted(working, key=lambda one: others[one[0]].weak):
        security = _security(asked, seen)
        if security is None:
            continue
        with_login = climb.options._replace(credentials=credentials, turn=None)
        found[number] = Climb(climb.address, security, with_login, climb.contexts, deadline).run()
        failure = found[number]["failure"]
        if failure is None or (failure["layer"] == "auth" and failure["kind"] not in ("missing", "withheld")):
            break
    return found


def _security(asked: Security, seen: Attempt) -> Security | None:
    """The mode for the login on a port that was ``seen`` to work.

    Null where it would be weaker than what was ``asked``.
    """
    if seen["security"] == "implicit_tls":
        return "implicit_tls"
    if "tls" in seen:
        return "starttls"
    return asked if asked in ("cleartext", "opportunistic") else None

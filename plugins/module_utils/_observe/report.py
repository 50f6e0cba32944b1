# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host reports about endpoints: evidence of each, and what holds for all of them."""

from __future__ import annotations

import base64
import json
import ssl
import time
import typing as t

from .endpoint import ContextPool, Credentials, observe
from .tls import ca_subjects, on_this_host, trust_store

if t.TYPE_CHECKING:
    from .evidence import HostReport, Plan

__all__ = ("CAFileError", "answer", "host_report")


class CAFileError(ValueError):
    """A ca_path that is of no use on this host; one sentence."""


def answer(plans: list[Plan], logins: str | None = None) -> dict[str, t.Any]:
    """A HostReport, or, with ``failed``, why this host cannot give one.

    :param logins: user name, password and mechanism for each plan, or null, as JSON in base64
    """
    unsealed: list[t.Any] = json.loads(base64.b64decode(logins)) if logins else [None] * len(plans)
    try:
        return {**host_report(plans, [tuple(login) if login else None for login in unsealed])}
    except CAFileError as error:
        return {"failed": True, "msg": str(error), "option": "ca_path"}
    except MemoryError:
        short = "This host lets the module have too little memory to probe (ulimit -v); raise the limit, or ask fewer endpoints in one task."
        return {"failed": True, "msg": short}


def host_report(plans: list[Plan], logins: list[Credentials]) -> HostReport:
    """Probe all endpoints at once from this machine. Takes as long as the slowest one.

    Raises CAFileError before anything is sent, and MemoryError.
    """
    named = {plan["ca_path"] for plan in plans if plan["ca_path"]}
    for plan in plans:
        plan["ca_path"] = on_this_host(plan["ca_path"]) if plan["ca_path"] else None
    pool = ContextPool()
    # Not once for each of many endpoints: what they have in common is read within the time that the first of them has.
    for plan in {id(pool.get(plan)): plan for plan in reversed(plans)}.values():
        try:
            pool.get(plan).load_ca_file(plan["timeout"])
        except (OSError, ssl.SSLError) as error:
            from .ca_file import of_no_use  # a file that is of use never needs it

            raise CAFileError(of_no_use(str(plan["ca_path"]), error)) from None
    return {
        "observations": observe(plans, logins, pool),
        "clock": time.time(),
        "trust_store_empty": trust_store()["empty"],
        "ca_subjects": {path: ca_subjects(on_this_host(path)) for path in named},
    }

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a relay offers a login that the settings can use. EHLO says so; nothing need be tried."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import choose_mechanism

if t.TYPE_CHECKING:
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import FailureEntry
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

__all__ = ("missing_login",)


def missing_login(attempt: Mapping[str, t.Any], capabilities: Mapping[str, list[str]], settings: Settings) -> FailureEntry | None:
    """What a login would have failed with on this address, or null where it is offered or not wanted.

    ``capabilities`` are those of the session as it ended: after TLS where there was TLS.
    """
    if settings.username is None or not settings.login_required:
        return None
    tls = bool(attempt.get("tls"))
    offered = capabilities.get("AUTH")
    if not offered:
        return {"layer": "auth", "kind": "missing", "what": "auth", "starttls": "STARTTLS" in capabilities and not tls}
    try:
        choose_mechanism(list(offered), settings.auth_mechanism, tls)
    except Failure as lacking:
        lacking.layer = "auth"
        return t.cast("FailureEntry", lacking.as_entry())
    return None

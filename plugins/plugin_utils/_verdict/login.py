# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a relay offers a login that the settings can use. EHLO says so; nothing need be tried."""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, FailureEntry
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import choose_mechanism
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.signs import offered_now

__all__ = ("missing_login",)


def missing_login(attempt: Attempt, settings: Settings) -> FailureEntry | None:
    """What a login would have failed with on this address, or null where it is offered or not wanted."""
    if settings.username is None or not settings.login_required:
        return None
    tls, capabilities = bool(attempt.get("tls")), offered_now(attempt)
    offered = capabilities.get("AUTH")
    if not offered:
        return {"layer": "auth", "kind": "missing", "what": "auth", "starttls": "STARTTLS" in capabilities and not tls}
    try:
        choose_mechanism(list(offered), settings.auth_mechanism, tls)
    except Failure as lacking:
        lacking.layer = "auth"
        return lacking.as_entry()
    return None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of several addresses of a relay, whose failure counts. What it means is said elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Diagnosis, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.signs import broke_at, learnt

__all__ = ("representative", "shared_outcome")


def shared_outcome(attempts: Sequence[Attempt], diagnoses: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Only one address logs in and sends; when it is refused, so are the addresses that left it to that one."""
    tried = (one for attempt, one in zip(attempts, diagnoses) if broke_at(attempt) in ("auth", "transaction"))
    refused = next((one for one in tried if not one.ok), None)
    if refused is None:
        return list(diagnoses)
    return [refused if attempt.get("yielded") and one.ok else one for attempt, one in zip(attempts, diagnoses)]


def representative(attempts: Sequence[Attempt], diagnoses: Sequence[Diagnosis], policy: Policy) -> int:
    """The index of the address that stands for the endpoint: one that passes, else the one that got furthest.

    With require_all_addresses it is one that fails. Of equals it is the first, and rather one that logged in itself.
    """
    some_fail = any(not one.ok for one in diagnoses)

    def height(index: int) -> tuple[int, int]:
        attempt = attempts[index]
        order = -index - (len(attempts) if attempt.get("yielded") else 0)
        if diagnoses[index].ok:
            return (-1 if policy.require_all_addresses and some_fail else len(LAYERS) + 1, order)
        if not learnt(attempt):
            return (0, order)
        layer = broke_at(attempt)
        return (len(LAYERS) if layer is None else LAYERS.index(layer), order)

    return max(range(len(attempts)), key=height)

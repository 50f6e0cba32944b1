# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict was made from, and how it is kept: settings without the login, policy, evidence.

Every worker of a gate has this file; ``evidence``, which reads what was kept, and all of a record it has not.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import without_login
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts

__all__ = ("Basis", "keep", "keep_settings")

# A provider's token may be the name of the account as well, so neither is kept.
_NOT_KEPT = ("username", "password", "return_pem")


class Basis(t.NamedTuple):
    """All that a judgement needs."""

    settings: Settings
    observation: Observation
    policy: Policy
    host: HostFacts


def keep(basis: Basis) -> dict[str, t.Any]:
    """The keys ``settings``, ``policy`` and ``evidence`` of a record."""
    settings, observation, policy, host = basis
    ca_path = settings.ca_path
    subjects = host.ca_subjects.get(ca_path) if ca_path is not None else None
    return {
        "settings": keep_settings(settings),
        "policy": {
            **asdict(policy),
            "cleartext_networks": list(policy.cleartext_networks),
            "apps": [[name, runtime, list(can)] for name, runtime, can in policy.apps],
        },
        "evidence": {
            "observation": without_login(observation, settings.login),
            "clock": host.clock.timestamp(),
            "skew": host.skew,
            "trust_store_empty": host.trust_store_empty,
            "ca_subjects": {} if subjects is None else {ca_path: list(subjects)},
        },
    }


def keep_settings(settings: Settings) -> dict[str, t.Any]:
    """The settings without the login, and whether there is one."""
    kept = {key: value for key, value in asdict(settings).items() if key not in _NOT_KEPT}
    return {**kept, "login": settings.username is not None}

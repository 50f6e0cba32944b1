# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one endpoint, from what its verdict was made from and what came out."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.evidence import with_pem
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

__all__ = ("endpoint_record",)

_VERDICT = ("ok", "layer", "cause", "message", "remedy")


def endpoint_record(
    about: Mapping[str, t.Any],
    probe: Mapping[str, t.Any],
    kept: Mapping[str, t.Any] | None,
    alternatives: Sequence[Mapping[str, t.Any]] = (),
    selected: Mapping[str, t.Any] | None = None,
) -> Record:
    """``about``: the fields of time, run, task, host and so on. ``probe``: the entry of ``probes``, its verdict.

    ``kept``: what ``basis.keep`` gave for it, null where it is not known.
    """
    kept = kept or {}
    settings, evidence = kept.get("settings"), kept.get("evidence")
    return Record(
        **{
            **about,
            **{key: probe[key] for key in _VERDICT},
            "endpoint": {
                "host": probe["host"],
                "port": probe["port"],
                "security": probe["security"],
                "server_name": settings["server_name"] if settings else None,
                "ip_version": settings["ip_version"] if settings else None,
            },
            "settings": settings,
            "policy": kept.get("policy"),
            "alternatives": tuple(alternatives),
            "selected": selected and {key: selected[key] for key in ("host", "port", "secure", "security")},
            "findings": tuple(probe["findings"]),
            "probe": with_pem(probe, evidence["observation"]) if evidence else dict(probe),
            "evidence": evidence,
        }
    )

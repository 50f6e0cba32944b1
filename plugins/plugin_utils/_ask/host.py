# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an action has the managed host probe: settings in, evidence out."""

from __future__ import annotations

import base64
import datetime
import json
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    EvidenceError,
    HostReport,
    Observation,
    Plan,
    Security,
    checked,
)
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.payload import OBSERVER
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import TLS_VERSIONS, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.fits import fits

__all__ = ("HostError", "ProbeRun", "plan_of", "probe_host", "reason_of")

# Of a reason; no sentence of a module has so many letters.
_LONGEST = 4000
_NO_REPORT = (
    "What this host sent is not what the probe's module gives, so its Python, or who sits between, is not to be trusted;"
    " look at that host, or probe from another one with delegate_to."
)


def reason_of(result: Mapping[str, t.Any]) -> str:
    """Why a module failed, in its own words; where it broke off before any, ``misfit`` has put the exception's there."""
    said = str(result.get("msg") or "").strip()
    return printable_text(said[:_LONGEST]) if said else "the host gave no reason"


class HostError(Exception):
    """The managed host could not probe at all; ``result`` is the module's own result."""

    def __init__(self, result: Mapping[str, t.Any]) -> None:
        super().__init__(reason_of(result))
        self.result = {key: value for key, value in result.items() if key != "invocation"}


@dataclass(frozen=True)
class ProbeRun:
    """What the host saw, one observation per endpoint, and what holds for all of them."""

    observations: Sequence[Observation]
    host: HostFacts


def plan_of(settings: Settings, policy: Policy, **extra: t.Any) -> Plan:
    """What the host gets to know of an endpoint; never the password.

    ``extra``: alternatives, control_port, try_injection, transaction, fallback, ask_chosen (see Plan in evidence.py).
    """
    plan: Plan = {
        "host": settings.host if settings.host.isascii() else settings.host.encode("idna").decode("ascii"),
        "port": settings.port,
        "security": t.cast(Security, settings.security),
        "validate_certs": settings.validate_certs,
        "ca_path": settings.ca_path,
        "server_name": settings.certificate_name,
        "helo_name": settings.helo_name,
        "source_address": settings.source_address,
        "ip_version": settings.ip_version,
        "timeout": settings.timeout,
        "minimum_tls_version": min(policy.minimum_tls_version, "TLSv1.2", key=TLS_VERSIONS.index),
        "login_tls_version": policy.minimum_tls_version,
        "cleartext_networks": list(policy.cleartext_networks),
        "require_all_addresses": policy.require_all_addresses,
        "alternatives": [],
        "control_port": None,
        "try_injection": False,
        "transaction": None,
        "login_required": settings.login_required,
        "fallback": False,
        "ask_chosen": True,
    }
    return t.cast(Plan, {**plan, **extra})


def probe_host(
    execute: Callable[[str, dict[str, t.Any]], dict[str, t.Any]],
    endpoints: Sequence[Settings],
    plans: Sequence[Plan],
    with_credentials: bool,
) -> ProbeRun:
    """Have the host probe all endpoints in one call. ``execute`` is the action's. Raises HostError."""
    arguments: dict[str, t.Any] = {"plans": list(plans)}
    logins = [
        [one.username, one.password, one.auth_mechanism] if with_credentials and one.username and one.password else None
        for one in endpoints
    ]
    if any(logins):
        # Sealed, so that masking this option cannot tear holes into evidence that happens to hold the same letters.
        arguments["logins"] = base64.b64encode(json.dumps(logins).encode()).decode()
    result = execute(OBSERVER, arguments)
    if result.get("failed") or "observations" not in result:
        raise HostError(result)
    try:
        found = [checked(one) for one in _listed(result["observations"], len(plans))]
        if not fits(result, HostReport):
            raise EvidenceError(_NO_REPORT)
        report = t.cast(HostReport, result)
        clock = datetime.datetime.fromtimestamp(report["clock"], datetime.UTC)
    except EvidenceError as error:
        raise HostError({"msg": str(error)}) from None
    except (OverflowError, RecursionError, ValueError, OSError):
        raise HostError({"msg": _NO_REPORT}) from None
    observations = [one if login else _unsaid(one, each) for one, login, each in zip(found, logins, endpoints)]
    facts = HostFacts(
        clock=clock,
        skew=report["clock"] - time.time(),
        trust_store_empty=report["trust_store_empty"],
        ca_subjects=report["ca_subjects"],
    )
    return ProbeRun(observations, facts)


def _unsaid(observation: Observation, settings: Settings) -> Observation:
    """Without a login that the host was not given, so that it could not look for it: a relay may know it from the app and say it."""
    if not settings.password:
        return observation
    return t.cast(Observation, redact(observation, secret_forms(settings.username or "", settings.password)))


def _listed(found: object, number: int) -> list[object]:
    if not isinstance(found, list) or len(found) != number:
        raise EvidenceError(_NO_REPORT)
    return found

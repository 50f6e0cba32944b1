# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an action has the managed host probe, and gets the verdicts: settings in, evidence over the wire, probes out."""

from __future__ import annotations

import base64
import datetime
import difflib
import ipaddress
import json
import re
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Alternative, EvidenceError, Observation, Plan, Security, checked
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import TLS_VERSIONS, HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CLEARTEXT_FIRST_PORTS,
    IMPLICIT_TLS_PORTS,
    Settings,
    SettingsError,
    parse_settings,
    to_bool,
    to_number,
)

__all__ = (
    "CONNECTION_OPTIONS",
    "POLICY_OPTIONS",
    "HostError",
    "ProbeRun",
    "alternative_ports",
    "endpoint_settings",
    "parse_policy",
    "plan_of",
    "probe_host",
    "take",
)

CONNECTION_OPTIONS = (
    "host", "port", "secure", "security", "validate_certs", "ca_path", "server_name", "username", "password", "auth_mechanism", "login_required",
    "helo_name", "source_address", "ip_version", "timeout", "return_pem",
)
POLICY_OPTIONS = ("minimum_tls_version", "certificate_days_error", "certificate_days_warning", "cleartext_networks", "require_all_addresses")
_OBSERVER = "mailops.smtp.smtp_endpoint_info"
# RFC 8314 section 3.3 prefers implicit TLS; 25 is for relays among themselves and comes last.
_CONVENTIONAL_PORTS = (*IMPLICIT_TLS_PORTS[:1], 587, *IMPLICIT_TLS_PORTS[1:], 2587, 2525, 25)


class HostError(Exception):
    """The managed host could not probe at all; ``result`` is the module's own result."""

    def __init__(self, result: Mapping[str, t.Any]) -> None:
        super().__init__(str(result.get("msg", "the module gave no result")))
        self.result = {key: value for key, value in result.items() if key != "invocation"}


@dataclass(frozen=True)
class ProbeRun:
    """What the host saw, one observation an endpoint, and what holds for all of them."""

    observations: Sequence[Observation]
    host: HostFacts


def take(args: Mapping[str, t.Any], allowed: Sequence[str]) -> dict[str, t.Any]:
    """The task's options. Raises SettingsError for one that is unknown, naming the nearest."""
    for key in args:
        if key not in allowed:
            near = difflib.get_close_matches(key.removeprefix("smtp_"), allowed, 1)
            advice = f"write {near[0]}" if near else f"write one of {', '.join(allowed)}"
            raise SettingsError(f"{key} is not an option; {advice}.", key)
    return dict(args)


def endpoint_settings(args: Mapping[str, t.Any], *, allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    """The settings of every endpoint of a task, in order: ``endpoints``, with what stands beside it as defaults, or the one endpoint.

    With ``needs_credentials`` at least one of them must have a login: an empty variable must not pass for a login that worked.
    Raises SettingsError.
    """
    found = _listed_settings(args, allow_auto, needs_credentials)
    if needs_credentials and not any(one.username for one in found):
        words = "check_credentials is true, but there is no username; write username and password, or leave out check_credentials."
        raise SettingsError(words, "username")
    return found


def _listed_settings(args: Mapping[str, t.Any], allow_auto: bool, needs_credentials: bool) -> list[Settings]:
    beside = {key: args[key] for key in CONNECTION_OPTIONS if args.get(key) is not None}
    listed = args.get("endpoints")
    if listed is None:
        return [parse_settings(beside, probed=True, allow_auto=allow_auto, needs_credentials=needs_credentials)]
    if isinstance(listed, Mapping):
        listed = [listed]
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence):
        raise SettingsError("endpoints is not a list; write a list of dictionaries with host and port.", "endpoints")
    if not listed:
        raise SettingsError("endpoints is an empty list; write at least one dictionary with host and port, or give host and port alone.", "endpoints")
    found = []
    for index, entry in enumerate(listed):
        prefix = f"endpoints[{index}]."
        if not isinstance(entry, Mapping):
            raise SettingsError(f"endpoints[{index}] is not a dictionary; write host, port and secure as its keys.", f"endpoints[{index}]")
        defaults = dict(beside)
        # What an entry says about the mode or the login replaces all that stands beside the list about it.
        for group in (("secure", "security"), ("username", "password", "auth_mechanism")):
            if any(entry.get(key) not in (None, "") for key in group):
                defaults = {key: value for key, value in defaults.items() if key not in group}
        found.append(parse_settings({**defaults, **entry}, probed=True, allow_auto=allow_auto, needs_credentials=needs_credentials, prefix=prefix))
    return found


def parse_policy(args: Mapping[str, t.Any]) -> Policy:
    """The policy options. Raises SettingsError."""
    version = str(args.get("minimum_tls_version") or "TLSv1.2")
    if version not in TLS_VERSIONS:
        raise SettingsError(f"minimum_tls_version is '{version}'; write one of {', '.join(TLS_VERSIONS)}.", "minimum_tls_version")
    networks = args.get("cleartext_networks") or []
    if isinstance(networks, str):
        networks = [part.strip() for part in networks.split(",") if part.strip()]
    if not isinstance(networks, Sequence):
        raise SettingsError(f"cleartext_networks is '{networks}', which is not a list; write CIDR, such as [10.0.0.0/8].", "cleartext_networks")
    for network in networks:
        try:
            ipaddress.ip_network(str(network), strict=False)
        except ValueError:
            words = f"cleartext_networks holds '{network}', which is not a network; write CIDR, such as 10.0.0.0/8."
            raise SettingsError(words, "cleartext_networks") from None

    def days(option: str, default: int) -> int:
        value = args.get(option)
        return default if value is None else int(to_number(value, option, 0, 36500, " days"))

    return Policy(
        minimum_tls_version=version,
        certificate_days_error=days("certificate_days_error", 0),
        certificate_days_warning=days("certificate_days_warning", 14),
        cleartext_networks=tuple(str(network) for network in networks),
        require_all_addresses=to_bool(args.get("require_all_addresses") or False, "require_all_addresses"),
    )


def alternative_ports(settings: Settings, option: object) -> list[Alternative]:
    """The other ports to try and in which mode: ``auto`` (the conventional ones), or a list of ports. Raises SettingsError."""
    if isinstance(option, str) and re.fullmatch(r"\[?[\d, ]*\]?", option):
        # As "ansible -a" hands a list over.
        option = [part for part in re.split(r"[\[\], ]+", option) if part]
    if option is None or option == "auto":
        ports: list[int] = [port for port in _CONVENTIONAL_PORTS if port != settings.port]
    elif isinstance(option, (str, bytes)) or not isinstance(option, Sequence):
        raise SettingsError(f"alternatives is '{option}'; write auto, a list of ports such as [587, 2525], or [].", "alternatives")
    else:
        ports = [int(to_number(port, "alternatives", 1, 65535)) for port in option]
        ports = [port for port in dict.fromkeys(ports) if port != settings.port]
    strict = settings.security in ("implicit_tls", "starttls")
    return [{"port": port, "security": _alternative_security(port, strict)} for port in ports]


def _alternative_security(port: int, strict: bool) -> Security:
    if port in IMPLICIT_TLS_PORTS:
        return "implicit_tls"
    return "starttls" if strict and port in CLEARTEXT_FIRST_PORTS else "auto"


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
    execute: Callable[..., dict[str, t.Any]], endpoints: Sequence[Settings], plans: Sequence[Plan], with_credentials: bool
) -> ProbeRun:
    """Have the host probe all endpoints in one module call. ``execute`` is the action's _execute_module. Raises HostError."""
    arguments: dict[str, t.Any] = {"endpoints": list(plans)}
    logins = [[one.username, one.password, one.auth_mechanism] if with_credentials and one.username and one.password else None for one in endpoints]
    if any(logins):
        # Sealed, so that the module's masking of this option cannot tear holes into evidence that happens to hold the same letters.
        arguments["password"] = base64.b64encode(json.dumps(logins).encode()).decode()
    result = execute(module_name=_OBSERVER, module_args=arguments)
    if result.get("failed") or "observations" not in result:
        raise HostError(result)
    clock = datetime.datetime.fromtimestamp(result["clock"], datetime.timezone.utc)
    facts = HostFacts(
        clock=clock,
        skew=result["clock"] - time.time(),
        trust_store_empty=result["trust_store_empty"],
        ca_subjects=result["ca_subjects"],
    )
    try:
        return ProbeRun([checked(one) for one in result["observations"]], facts)
    except EvidenceError as error:
        raise HostError({"msg": str(error)}) from None

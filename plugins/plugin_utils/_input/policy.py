# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is required beyond "it works": the policy options of the gate."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_bool, to_number

__all__ = ("POLICY_OPTIONS", "TLS_VERSIONS", "AppClient", "Policy", "parse_policy")

# Oldest first.
TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class AppClient(t.NamedTuple):
    """An app that is going to use the relay: its name, its runtime (empty: not known), and the SASL mechanisms that its
    client can do (empty: not known).
    """

    name: str
    runtime: str = ""
    mechanisms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The gate's options of the same names. Days and CIDR networks. ``apps`` are looked up by the gate."""

    minimum_tls_version: str = "TLSv1.2"
    certificate_days_error: int = 0
    certificate_days_warning: int = 14
    cleartext_networks: tuple[str, ...] = ()
    require_all_addresses: bool = False
    apps: tuple[AppClient, ...] = ()


POLICY_OPTIONS = tuple(one.name for one in fields(Policy) if one.name != "apps")


def parse_policy(args: Mapping[str, t.Any]) -> Policy:
    """The policy options; what is null or an empty text counts as left out. Raises SettingsError."""
    given = {key: args[key] for key in POLICY_OPTIONS if args.get(key) is not None and args[key] != ""}
    version = str(given.get("minimum_tls_version", Policy.minimum_tls_version))
    if version not in TLS_VERSIONS:
        words = f"minimum_tls_version is {show(version)}; write one of {', '.join(TLS_VERSIONS)}."
        raise SettingsError(words, "minimum_tls_version")

    def days(option: str, default: int) -> int:
        return int(to_number(given.get(option, default), option, 0, 36500, " days"))

    return Policy(
        minimum_tls_version=version,
        certificate_days_error=days("certificate_days_error", Policy.certificate_days_error),
        certificate_days_warning=days("certificate_days_warning", Policy.certificate_days_warning),
        cleartext_networks=_networks(given.get("cleartext_networks", Policy.cleartext_networks)),
        require_all_addresses=to_bool(
            given.get("require_all_addresses", Policy.require_all_addresses), "require_all_addresses"
        ),
    )


def _networks(value: object) -> tuple[str, ...]:
    option = "cleartext_networks"
    networks = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(networks, Sequence):
        raise SettingsError(
            f"{option} is {show(value)}, which is not a list; write CIDR, such as [10.0.0.0/8].", option
        )
    for network in networks:
        try:
            ipaddress.ip_network(str(network), strict=False)
        except ValueError:
            words = f"{option} holds {show(network)}, which is not a network; write CIDR, such as 10.0.0.0/8."
            raise SettingsError(words, option) from None
    return tuple(str(network) for network in networks)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a run from what its hosts have registered, for a report at its end.

They hold the verdicts without the evidence behind them; that is what the callback ``verdicts`` keeps.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t
import uuid
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Seen, made
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.make import endpoint_record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, probes_and_ports
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

__all__ = ("gathered",)

# Along these, besides groups, is looked for what hosts share; the callback has the same by default.
_SHARED = (
    "provider", "hoster", "cloud", "datacenter", "data_center", "dc", "region", "zone", "site", "location", "network", "rack",
)  # fmt: skip
_MISSING = "mail_config_settings is missing"
_Variables = Mapping[str, t.Any]


def gathered(hosts: Sequence[str], hostvars: Mapping[str, _Variables], variable: str) -> Iterator[Record]:
    """Records of each host: one for each endpoint, or one that says why there is none.

    ``variable`` is where the hosts registered the result of smtp_gate or smtp_endpoint_info. Raises SettingsError.
    """
    run = str(uuid.uuid4())
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    for host in hosts:
        if host not in hostvars:
            raise SettingsError(
                f"hosts names {show(host)}, which the inventory does not have; write its hosts.", "hosts"
            )
        variables = hostvars[host]
        handed = made(Seen(), host, variables, _SHARED)
        about = {
            "time": time,
            "run": run,
            "playbook": "",
            "play": "",
            "task": "",
            "action": "smtp_gate",
            "kind": "gate",
            "host": host,
            "groups": tuple(handed.groups),
            "variables": dict(handed.variables),
            "vantage": {
                "host": host,
                "container": None,
                "addresses": list(handed.addresses),
                "local": handed.local,
            },
        }
        result = _plain(variables.get(variable))
        if "probes" in result and "cause" not in result:
            # smtp_endpoint_info looks at ports, and says of none that it has to work.
            about = {**about, "action": "smtp_endpoint_info", "kind": "probe"}
        found = probes_and_ports(result.get("probes") or [], result.get("alternatives") or [])
        if found is None:
            words = f"variable is {show(variable)}, which for {host} is no result of smtp_gate or smtp_endpoint_info; name what its task registers."
            raise SettingsError(words, "variable")
        yield from _of_host(printable_data(about), variables, result)


def _of_host(about: dict[str, t.Any], variables: _Variables, result: _Variables) -> Iterator[Record]:
    probes = result.get("probes") or []
    first = next((place for place, probe in enumerate(probes) if not probe["ok"]), None)
    for place, probe in enumerate(probes):
        # The other ports are those of the first endpoint that failed.
        others = result.get("alternatives") or [] if place == first else []
        record = endpoint_record(about, probe, None, others, result.get("selected") if place == first else None)
        yield dataclasses.replace(record, endpoint={**(record.endpoint or {}), "ip_version": "any"})
    if probes:
        return
    endpoint = _endpoint(variables)
    if result.get("unreachable"):
        yield Record(**{**about, "kind": "unreachable", "message": str(result.get("msg", "")), "endpoint": endpoint})
    elif result.get("cause"):
        told: dict[str, t.Any] = {key: result.get(key) for key in ("layer", "cause", "remedy")}
        yield Record(**about, ok=False, message=str(result.get("msg", "")), endpoint=endpoint, **told)
    elif not result or result.get("skipped"):
        yield Record(
            **{**about, "kind": "not_asked", "message": _MISSING if endpoint is None else ""}, endpoint=endpoint
        )
    else:
        yield Record(**about, message=str(result.get("msg", "no verdict")), endpoint=endpoint)


def _endpoint(variables: _Variables) -> dict[str, t.Any] | None:
    """What the host would have been asked for, where its settings name one endpoint."""
    try:
        settings = _plain(variables.get("mail_config_settings"))
        host, port = settings.get("host"), int(settings["port"])
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(host, str) or not host or not 0 < port < 65536:
        return None
    security = settings.get("security") or ""
    return {"host": host, "port": port, "security": str(security), "server_name": None, "ip_version": "any"}


def _plain(found: object) -> dict[str, t.Any]:
    """What Ansible hands out lazily, as plain data; nothing where it is none."""
    try:
        plain = json.loads(json.dumps(found))
    except Exception:
        return {}
    return printable_data(plain) if isinstance(plain, dict) else {}

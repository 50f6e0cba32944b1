# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of scenarios: what a row says, and how a verdict is held against it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES

from .farm import Place
from .plan import DOMAIN

__all__ = ["ANY", "LAYER", "Row", "Serve", "complaints", "rows"]

# The layer of each cause by the table; mode_mismatch is found here by probing, not by the settings alone.
LAYER = {row.code: row.layer for row in sorted(CAUSES, key=lambda row: row.layer == "mode")}

ANY = "any"
# Starts a relay; what it gives back is of no matter.
Serve = Callable[[Place], object]


@dataclass(frozen=True)
class Row:
    """One scenario: a fault, what makes it, and the verdict that it must give.

    name      names the test, and the relay: NAME.lab.test, on an address of its own
    fault     what is wrong here, in words
    serve     starts the relay; without it nothing listens, unless `at` names another row's relay
    port, ask the endpoint: its port and whatever other options it takes; `host` may hold {ip} and {ip6}
    cause     None: the endpoint must pass. Several, where the evidence cannot decide between them and the contract wants both named
    observed  security_observed that must be seen; ANY: whatever
    findings  codes that must be there. A passing row must show no other warning, but for those in `may`
    seconds   longest time to the verdict
    rules     nftables rules of the provider's router; they know {ip} and {ip6}, the relay's addresses
    redirect  where the provider's router sends the connections instead: rules of its nat table, which know {ip} and {ip6}
    on_host   shell commands that are run in the managed host's network before
    names     more names of the resolver: name (below the lab's domain) -> records; they know {ip} and {ip6} too, and {far},
              the relay's address behind a long wire
    call      "probe" (smtp_endpoint_info), "gate" (smtp_gate) or "send" (smtp_send)
    expect    more that the result must hold: path with dots -> value, or a function of the value that says whether it is right
    """

    name: str
    fault: str
    serve: Serve | None = None
    port: int | str = 587
    ask: Mapping[str, Any] = field(default_factory=dict)
    cause: str | tuple[str | None, ...] | None = None
    observed: str | None = ANY
    findings: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    seconds: float = 2.5
    at: str = ""
    host: str = ""
    rules: tuple[str, ...] = ()
    redirect: tuple[str, ...] = ()
    on_host: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    call: str = "probe"
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def relay(self) -> str:
        """The row whose relay this one talks to."""
        return self.at or self.name

    @property
    def causes(self) -> tuple[str | None, ...]:
        """The causes that are right."""
        return self.cause if isinstance(self.cause, tuple) else (self.cause,)

    def endpoint(self, ip: str, ip6: str) -> dict[str, Any]:
        """The options of the call, for a relay with these addresses."""
        host = self.host.format(ip=ip, ip6=ip6) if self.host else f"{self.relay}.{DOMAIN}"
        return {"host": host, "port": self.port, **self.ask}


def rows() -> list[Row]:
    """All rows of tests/lab/causes, family by family. ValueError for two of one name."""
    from . import causes

    found: list[Row] = []
    for module in pkgutil.iter_modules(causes.__path__):
        found += importlib.import_module(f"{causes.__name__}.{module.name}").ROWS
    names = [row.name for row in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"scenarios with the same name: {', '.join(sorted(twice))}")
    return found


def complaints(row: Row, result: Mapping[str, Any]) -> list[str]:
    """What is wrong with a result: the probe itself for "probe", the task's result else. Empty when all is right."""
    probe = result if row.call == "probe" else (result.get("probes") or [result])[0]
    wrong = []
    if "cause" not in probe:
        return [f"no verdict at all: {result.get('msg') or result}"]
    if probe["cause"] not in row.causes:
        wrong.append(f"cause is {probe['cause']}, not {' or '.join(map(str, row.causes))}")
    elif probe["cause"] and probe["layer"] != LAYER[probe["cause"]]:
        wrong.append(f"layer of {probe['cause']} is {probe['layer']}, not {LAYER[probe['cause']]}")
    if row.call == "probe" and probe["ok"] != (probe["cause"] is None):
        wrong.append(f"ok is {probe['ok']} with cause {probe['cause']}")
    if row.observed != ANY and probe.get("security_observed") != row.observed:
        wrong.append(f"security_observed is {probe.get('security_observed')}, not {row.observed}")
    wrong += _about_findings(row, probe.get("findings", []))
    if (
        probe["cause"]
        and not (probe.get("message") and probe.get("remedy"))
        and not (probe is result and probe.get("msg"))
    ):
        wrong.append("a cause without message or remedy")
    for path, wanted in row.expect.items():
        value = _look_up(result, path)
        if not (wanted(value) if callable(wanted) else value == wanted):
            wrong.append(f"{path} is {value!r}" + ("" if callable(wanted) else f", not {wanted!r}"))
    if probe.get("elapsed_ms", 0) > row.seconds * 1000:
        wrong.append(f"the verdict took {probe['elapsed_ms'] / 1000:.2f} s, more than {row.seconds} s")
    if wrong:
        wrong.append(f"message: {probe.get('message') or result.get('msg')}")
    return wrong


def _about_findings(row: Row, findings: list[dict[str, Any]]) -> list[str]:
    codes = [finding["code"] for finding in findings]
    wrong = [f"the finding {code} is missing" for code in row.findings if code not in codes]
    if row.cause is None:
        wrong += [
            f"the finding {finding['code']} is a false alarm: {finding['message']}"
            for finding in findings
            if finding["severity"] != "info" and finding["code"] not in row.findings + row.may
        ]
    return wrong


def _look_up(result: Any, path: str) -> Any:
    for step in path.split("."):
        try:
            result = result[int(step)] if step.lstrip("-").isdigit() else result[step]
        except (KeyError, IndexError, TypeError):
            return None
    return result

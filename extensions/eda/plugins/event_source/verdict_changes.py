# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source for ansible-rulebook: it watches relays, and tells when the verdict on one changes."""

from __future__ import annotations

DOCUMENTATION = r"""
---
short_description: Tell when a relay breaks, heals, or breaks in another way
description:
  - Probes relays again and again from the machine where the rulebook runs, and judges them as M(mailops.smtp.smtp_gate) does.
    An event comes when a verdict differs from the one before, that is, in C(ok), C(cause) or the codes of C(findings).
  - Options that are not listed here are those of the gate with the same names and defaults, namely how to connect (O(host), O(port),
    O(secure), O(security), O(validate_certs), O(ca_path), O(server_name), O(username), O(password), O(auth_mechanism),
    O(login_required), O(helo_name), O(source_address), O(ip_version), O(timeout)), what is required besides
    (O(minimum_tls_version), O(certificate_days_error), O(certificate_days_warning), O(cleartext_networks),
    O(require_all_addresses)), and O(alternatives).
  - It never logs in. A login that is given is compared with what the relay offers, and is in no event.
options:
  endpoints:
    description:
      - The relays, each a dictionary with the options to connect. What stands beside O(endpoints) is the default of each.
      - Left out, O(host) and O(port) beside it are the one relay.
    type: list
    elements: dict
  interval:
    description:
      - Seconds from the beginning of one round to that of the next, from 1 to 86400. A round takes as long as its slowest relay, so
        it may be later.
    type: float
    default: 60
  initial:
    description:
      - Whether the first verdict on each relay is an event as well.
    type: bool
    default: false
  confirm:
    description:
      - How many rounds in a row, from 1 to 100, must give a new verdict before it is told.
    type: int
    default: 1
requirements:
  - The Python library cryptography, in the environment of ansible-rulebook.
author:
  - mailops.smtp contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Relays
  mailops.smtp.verdict_changes:
    endpoints:
      - {host: smtp.example.com, port: 465, secure: true}
      - {host: backup.example.com, port: 587, secure: false}
    interval: 30
    confirm: 2
"""

import asyncio
import datetime
import pathlib
import socket
import sys
import time
import typing as t

_COLLECTION = ("ansible_collections", "mailops", "smtp")


def _find_collection() -> None:
    """Make this collection importable: ansible-rulebook runs this file by its path, and knows nothing beside it."""
    folder = pathlib.Path(__file__).absolute().parents[4]
    if folder.parts[-3:] != _COLLECTION:
        raise ImportError(
            f"{folder} is not {'/'.join(_COLLECTION)}; install the collection with ansible-galaxy collection install."
        )
    root = str(folder.parents[2])
    if root not in sys.path:
        sys.path.insert(0, root)
    import ansible_collections

    # The one of a distribution's package is no namespace, and looks in no other folder.
    if str(folder.parents[1]) not in list(ansible_collections.__path__):
        ansible_collections.__path__.insert(0, str(folder.parents[1]))


_find_collection()

from ansible_collections.mailops.smtp.plugins.module_utils._observe.report import answer
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, plan_of, probe_host
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.changes import Changes
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.alternatives import alternative_ports
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import endpoint_settings, take
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_result, hidden_in_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CONNECTION_OPTIONS,
    Settings,
    to_bool,
    to_number,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import Verdict, judge_all

_OPTIONS = (*CONNECTION_OPTIONS, *POLICY_OPTIONS, "endpoints", "alternatives", "interval", "initial", "confirm")
# What ansible-rulebook itself puts beside the options.
_NOT_OURS = ("eda_feedback_queue",)


class _Watch:
    """The relays, and a round of probes."""

    def __init__(self, args: dict[str, t.Any]) -> None:
        given = take({key: value for key, value in args.items() if key not in _NOT_OURS}, _OPTIONS)
        self.interval = to_number(_or(given.get("interval"), 60), "interval", 1, 86400, " seconds")
        self._policy = parse_policy(given)
        self._endpoints = endpoint_settings(given, allow_auto=False, needs_credentials=False)
        others = given.get("alternatives", "auto")
        self._plans = [
            plan_of(one, self._policy, alternatives=alternative_ports(one, others)) for one in self._endpoints
        ]
        self._vantage = socket.gethostname()
        self._changes = Changes(
            self._endpoints,
            self._vantage,
            initial=to_bool(_or(given.get("initial"), False), "initial"),
            confirm=int(to_number(_or(given.get("confirm"), 1), "confirm", 1, 100)),
        )
        self._begun = False

    def round(self) -> list[dict[str, t.Any]]:
        """Probe all relays at once; the events. Takes as long as the slowest one. Raises SettingsError."""
        try:
            verdicts = self._ask()
        except HostError as error:
            if not self._begun:
                raise SettingsError(str(error), "ca_path") from None
            verdicts = [_without_answer(one, str(error)) for one in self._endpoints]
        self._begun = True
        now = datetime.datetime.now(datetime.UTC)
        return list(self._changes.take([one.probe for one in verdicts], [one.alternatives for one in verdicts], now))

    def _ask(self) -> list[Verdict]:
        run = probe_host(_on_this_machine, self._endpoints, [t.cast(t.Any, {**one}) for one in self._plans], False)
        verdicts = judge_all(self._endpoints, run.observations, self._policy, run.host)
        for settings, verdict in zip(self._endpoints, verdicts):
            advise(self._vantage, settings, verdict)
        return verdicts


def _on_this_machine(_module: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the module smtp_observe does on a host, without a login."""
    return answer(arguments["plans"])


def _without_answer(settings: Settings, sentence: str) -> Verdict:
    """A ca_path that went away while it was watched: no relay can be judged."""
    probe = {
        "ok": False,
        "layer": "settings",
        "cause": "invalid_settings",
        "message": sentence,
        "remedy": f"Put the file back, or change ca_path for {settings.endpoint}.",
        "findings": [],
        "certificates": [],
    }
    return Verdict(probe, [], None)


def _or(value: t.Any, default: t.Any) -> t.Any:
    return default if value is None or value == "" else value


async def main(queue: t.Any, args: dict[str, t.Any]) -> None:
    """What ansible-rulebook calls: put events into the queue until it is cancelled. Raises SettingsError, one sentence."""
    try:
        await _watch(queue, args)
    except SettingsError as error:
        raise SettingsError(hidden_in_text(str(error), args), error.option, error.cause) from None


async def _watch(queue: t.Any, args: dict[str, t.Any]) -> None:
    watch = _Watch(args)
    while True:
        started = time.monotonic()
        # In a thread of its own: the probe waits for relays, and rules must go on meanwhile.
        for event in await asyncio.to_thread(watch.round):
            await queue.put(hidden_in_result(event, args))
        await asyncio.sleep(max(0.0, started + watch.interval - time.monotonic()))

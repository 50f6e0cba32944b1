# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored evidence, judged again: by another policy, and by today's date. No host is asked. Pure."""

from __future__ import annotations

import datetime
import itertools
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis, keep
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.evidence import basis_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.make import endpoint_record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, RecordError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, Policy, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all

__all__ = ("judge_again", "parse_changes")

_ABOUT = (
    "time", "run", "playbook", "play", "task", "action", "kind", "host", "groups", "variables", "vantage", "check_mode",
)  # fmt: skip


def parse_changes(args: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The policy options that were given, checked; the others stay as each record has them. Raises SettingsError."""
    policy = asdict(parse_policy(args))
    return {key: policy[key] for key in POLICY_OPTIONS if args.get(key) not in (None, "")}


def judge_again(
    records: Iterable[Record], changes: Mapping[str, t.Any], now: datetime.datetime | None = None
) -> Iterator[Record]:
    """The records in their order, with the verdicts that they would get. What has no evidence stays as it is.

    ``changes``: from parse_changes. ``now`` (UTC): each host's clock is set forward by the time since its record; null
    leaves it where it was. Records of one task on one host are judged together, as they were.
    """
    for _key, together in itertools.groupby(records, key=lambda one: (one.run, one.host, one.task, one.time)):
        yield from _call(list(together), changes, now)


def _call(records: Sequence[Record], changes: Mapping[str, t.Any], now: datetime.datetime | None) -> Iterator[Record]:
    bases = [_basis(one, changes, now) for one in records]
    known = [one for one in bases if one is not None]
    if not known:
        yield from records
        return
    first = known[0]
    seen = [one.observation for one in known]
    try:
        verdicts = judge_all([one.settings for one in known], seen, first.policy, first.host)
    except KeyError:
        # What a failure must hold follows from its kind, which no type says: a file that somebody has changed.
        yield from records
        return
    verdicts.reverse()
    for record, basis in zip(records, bases):
        if basis is None:
            yield record
            continue
        verdict = verdicts.pop()
        if verdict.probe["ok"] == record.ok and verdict.probe["cause"] == record.cause and record.remedy is not None:
            # The same verdict: what the record says was said with the login at hand.
            verdict.probe.update(message=record.message, remedy=record.remedy)
        else:
            advise(str(record.vantage.get("host") or record.host), basis.settings, verdict)
        about = {name: getattr(record, name) for name in _ABOUT}
        selected = None if verdict.probe["ok"] else record.selected
        yield endpoint_record(about, verdict.probe, keep(basis), verdict.alternatives, selected)


def _basis(record: Record, changes: Mapping[str, t.Any], now: datetime.datetime | None) -> Basis | None:
    try:
        basis = basis_of(record)
    except RecordError:
        return None
    if basis is None:
        return None
    policy: Policy = replace(basis.policy, **changes)
    host: HostFacts = basis.host
    if now is not None:
        try:
            host = replace(host, clock=host.clock + max(now - record.when, datetime.timedelta()))
        except OverflowError:
            # A clock beyond the year 9999 is no clock.
            return None
    return basis._replace(policy=policy, host=host)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs beside each other: what broke, what healed, what changed. Pure.

for one in compare(before, now): one.kind, one.what, one.subject, one.hosts, one.sentence
"""

from __future__ import annotations

import typing as t
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

__all__ = ("KINDS", "Change", "Entry", "compare", "entries", "last_two_runs")

# In the order in which they are shown.
KINDS = ("broke", "other_cause", "healed", "changed", "appeared", "gone", "no_verdict")
Key = tuple[str, str, str, str]


class Entry(t.NamedTuple):
    """What of a record is compared."""

    ok: bool | None
    cause: str | None
    state: str
    certificate: str | None  # SHA-256 of the leaf
    expires: str | None
    addresses: tuple[str, ...]
    capabilities: tuple[str, ...]  # after TLS where there is TLS
    mode: str | None


@dataclass(frozen=True)
class Change:
    """The same change on one or several hosts.

    ``kind``: one of KINDS. ``what``: verdict, certificate, addresses, capabilities or mode. ``before`` and ``now`` are for
    people.
    """

    kind: str
    what: str
    subject: str
    before: str
    now: str
    hosts: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For a person; the hosts stand beside it."""
        at = f"{self.subject}: " if self.subject else ""
        return {
            "broke": f"{at}worked, and now fails with {self.now}.",
            "healed": f"{at}failed with {self.before}, and now works.",
            "other_cause": f"{at}failed with {self.before}, and now fails with {self.now}.",
            "appeared": f"{at}was not asked before; now: {self.now}.",
            "gone": f"{at}was asked before ({self.before}), and was not this time.",
            "no_verdict": f"{at}{self.before} before; now there is no verdict ({self.now}).",
            "changed": f"{at}{self.other}: {self.before} before, {self.now} now.",
        }[self.kind]

    @property
    def other(self) -> str:
        """What is not the same any more: "another certificate", "other addresses"."""
        return f"{'other' if self.what.endswith('s') else 'another'} {self.what}"


def entries(records: Iterable[Record]) -> dict[Key, Entry]:
    """The last entry of each host and subject."""
    return {record.key: _entry(record) for record in records}


def last_two_runs(records: Iterable[Record]) -> tuple[dict[Key, Entry], dict[Key, Entry]]:
    """The entries of the last run and of the one before it; runs are in the order of their first record.

    No more than two runs are kept in memory.
    """
    order: list[str] = []
    kept: dict[str, dict[Key, Entry]] = {}
    for record in records:
        if record.run not in order:
            order.append(record.run)
            kept[record.run] = {}
            if len(order) > 2:
                kept.pop(order[-3], None)
        if record.run in kept:
            kept[record.run][record.key] = _entry(record)
    before = kept[order[-2]] if len(order) > 1 else {}
    return before, kept[order[-1]] if order else {}


def compare(before: dict[Key, Entry], now: dict[Key, Entry]) -> list[Change]:
    """The changes, those that hurt first; hosts with the same change stand together."""
    hosts: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    # A host that gave no verdict at all has one record without a subject; it stands for all that was asked before.
    silent = {key[0]: entry for key, entry in now.items() if not key[-1] and entry.ok is None}
    both = {key[0] for key in before} & {key[0] for key in now}
    for key in sorted(before.keys() | now.keys()):
        host, *_where, subject = key
        if (
            not subject
            and host in both
            and all(one is None or one.ok is None for one in (before.get(key), now.get(key)))
        ):
            continue
        for kind, what, old, new in _changes(before.get(key), now.get(key) or silent.get(host)):
            hosts[kind, what, subject, old, new].append(host)
    found = [Change(*what, tuple(dict.fromkeys(names))) for what, names in hosts.items()]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -len(one.hosts), one.what, one.subject))


def _changes(old: Entry | None, new: Entry | None) -> Iterator[tuple[str, str, str, str]]:
    if old is None or new is None:
        if new is not None:
            yield "appeared", "verdict", "", _verdict(new)
        elif old is not None:
            yield "gone", "verdict", _verdict(old), ""
        return
    if new.ok is None:
        if old.ok is not None:
            yield "no_verdict", "verdict", _verdict(old), _verdict(new)
        return
    if old.ok is not None and (old.ok, old.cause) != (new.ok, new.cause):
        kind = "healed" if new.ok else "broke" if old.ok else "other_cause"
        yield kind, "verdict", _verdict(old), _verdict(new)
    # What was not seen on either side did not change.
    if old.certificate and new.certificate and old.certificate != new.certificate:
        yield "changed", "certificate", _certificate(old), _certificate(new)
    if old.addresses and new.addresses and old.addresses != new.addresses:
        yield "changed", "addresses", ", ".join(old.addresses), ", ".join(new.addresses)
    if old.capabilities and new.capabilities and old.capabilities != new.capabilities:
        lost = [f"without {one}" for one in old.capabilities if one not in new.capabilities]
        won = [f"with {one}" for one in new.capabilities if one not in old.capabilities]
        yield "changed", "capabilities", ", ".join(old.capabilities), ", ".join([*lost, *won])
    if old.mode and new.mode and old.mode != new.mode:
        yield "changed", "mode", old.mode, new.mode


def _entry(record: Record) -> Entry:
    probe = record.probe or {}
    certificates = probe.get("certificates") or []
    offered = probe.get("capabilities") or {"before_tls": {}, "after_tls": {}}
    shown = offered["after_tls"] or offered["before_tls"]
    return Entry(
        record.ok,
        record.cause,
        record.state,
        certificates[0]["sha256"] if certificates else None,
        certificates[0]["not_after"] if certificates else None,
        tuple(sorted({one["address"] for one in probe.get("addresses") or []})),
        tuple(sorted(" ".join([name, *sorted(values)]) for name, values in shown.items())),
        probe.get("security_observed"),
    )


def _verdict(entry: Entry) -> str:
    if entry.ok is None:
        return {"failed": "the task failed", "not_asked": "not asked"}.get(entry.state, entry.state)
    return "works" if entry.ok else entry.cause or "fails"


def _certificate(entry: Entry) -> str:
    return f"SHA-256 {str(entry.certificate)[:16]}... until {str(entry.expires)[:10]}"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report knows: the last record of each host and endpoint, kept small enough for a fleet.

Records are taken one after the other and none of them is kept. What many of them have in common (sentences, chains,
capabilities) is there once, in ``values``; a row has its place in that list. Texts are printable already, as
``_fleet.record` reads them; here they get a length.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import Statement, across
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Entry, Key, entries
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.slices import MISSING_ACTION

__all__ = ("STATES", "Report", "Row", "Source", "State", "natural")

State = t.Literal["fails", "no_verdict", "unreachable", "not_asked", "attention", "works", "other_port"]
# The worst one first. no_verdict: the task broke. attention: mail works, and something should be seen. other_port: where
# somebody looked at several ports of a relay (probe), one that does not work beside one that does. It breaks no host.
STATES: t.Final[tuple[State, ...]] = (
    "fails", "no_verdict", "unreachable", "not_asked", "attention", "works", "other_port",
)  # fmt: skip
# Longer texts than this (characters) say nothing more to a reader.
_LONGEST = 2000
_MOST = 200
_DIGITS = re.compile(r"(\d+)")


class Source(t.NamedTuple):
    """Who was asked, and where from when that is somewhere else."""

    host: str
    vantage: str

    @property
    def label(self) -> str:
        return f"{self.host} (from {self.vantage})" if self.vantage else self.host


class Row(t.NamedTuple):
    """One host and endpoint. Where ``int`` is called a place, it is one in ``Report.values``."""

    source: int  # place in Report.sources
    subject: int | None  # place in Report.subjects; None: what would have been asked is not known
    state: State
    cause: str | None
    layer: str | None
    message: int  # place of a text
    remedy: int  # place of a text
    steps: int  # place of [[layer, ok], ...] as climbed
    ms: tuple[float, ...]  # what each step took
    elapsed_ms: float | None
    asked: str  # the mode as asked
    mode: str | None  # and as observed
    tls: int  # place of {version, cipher, verified, verify_error}
    certificates: int  # place of a list, leaf first, without days_left
    capabilities: int  # place of {before_tls, after_tls}
    addresses: int  # place of [{address, family, ok, cause}]
    greeting: int  # place of a text
    findings: int  # place of [{severity, code, message, remedy}]
    alternatives: int  # place of [{port, security, ok, cause}]
    groups: int  # place of a list of names
    time: str  # UTC, in one form, so that two of them can be compared
    absent: bool = False  # the host has no record of its own; missing_verdicts has noted so
    relay: str = ""  # the relay's name where one of its ports was only looked at; a gate wants all that it names


class Report:
    """Made by ``add`` from records in any order: of each host and endpoint the latest one counts."""

    def __init__(self) -> None:
        self.values: list[t.Any] = []
        self.sources: list[Source] = []
        self.subjects: list[str] = []  # host:port of a relay, or an app and its file
        self.endpoints: dict[str, tuple[str, int]] = {}  # host and port of those subjects that are relays
        self.first = ""  # times of the oldest and the latest record
        self.last = ""
        self.runs: set[str] = set()
        self.across: list[Statement] = []  # what several hosts show together
        self.entries: dict[Key, Entry] = {}  # what is compared with another report
        self._rows: dict[tuple[int, int | None], Row] = {}
        # By source: time and run of its latest record with a subject, and the run of its row without one.
        self._latest: dict[int, tuple[str, str]] = {}
        self._runs: dict[int, str] = {}
        self._places: dict[str, int] = {}
        self._sources: dict[Source, int] = {}
        self._subjects: dict[str, int] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Take all records in one pass, and what they show together."""
        self.across = across(self._added(records))

    def _added(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            if self.add(record):
                self.entries.update(entries((record,)))
            yield record

    def add(self, record: Record) -> bool:
        """Take one record; whether it is the latest one so far of its host and endpoint."""
        time = record.when.isoformat(timespec="milliseconds")
        self.first = min(self.first or time, time)
        self.last = max(self.last, time)
        self.runs.add(record.run)
        source = _listed(self.sources, self._sources, _source(record))
        subject = _listed(self.subjects, self._subjects, _short(record.subject)) if record.subject else None
        if record.endpoint is not None:
            self.endpoints[_short(record.subject)] = _short(str(record.endpoint["host"])), record.endpoint["port"]
        known = self._rows.get((source, subject))
        if known is not None and known.time > time:
            return False
        self._rows[source, subject] = self._row(source, subject, record, time)
        if subject is None:
            self._runs[source] = record.run
        else:
            self._latest[source] = max(self._latest.get(source, ("", "")), (time, record.run))
        return True

    def rows(self) -> list[Row]:
        """Everything known, by host and endpoint, in the order in which they came."""
        counted = [row for row in self._rows.values() if self._counts(row)]
        working = {(row.source, row.relay) for row in counted if row.relay and row.state in ("works", "attention")}
        return sorted(
            (
                row._replace(state="other_port") if row.state == "fails" and (row.source, row.relay) in working else row
                for row in counted
            ),
            key=lambda row: (row.source, -1 if row.subject is None else row.subject),
        )

    def _counts(self, row: Row) -> bool:
        """Whether a row without a subject still says something beside those of its host that have one."""
        if row.subject is not None or row.source not in self._latest:
            return True
        # A host that gave an answer for an endpoint needs no row that only says that it was not asked for some other.
        if row.state == "not_asked":
            return False
        time, run = self._latest[row.source]
        return time < row.time or run == self._runs[row.source]

    def host(self, row: Row) -> str:
        """Who a row is about, as shown."""
        return self.sources[row.source].label

    def subject(self, row: Row) -> str:
        """What was asked about, as shown; empty where that is not known."""
        return "" if row.subject is None else self.subjects[row.subject]

    def _row(self, source: int, subject: int | None, record: Record, time: str) -> Row:
        probe: Mapping[str, t.Any] = record.probe or {}
        layers = probe.get("layers", ())[:_MOST]
        asked = (record.endpoint or {}).get("security") or ""
        return Row(
            source,
            subject,
            _state(record),
            record.cause if record.ok is False else None,
            # A file may come from anywhere; the page makes a class of it.
            record.layer if record.ok is False and record.layer in LAYERS else None,
            self._place(_short(record.message or "")),
            self._place(_short(record.remedy or "")),
            self._place([[_short(one["layer"]), one["ok"]] for one in layers]),
            tuple(round(max(float(one["ms"]), 0.0), 1) for one in layers),
            round(max(float(probe["elapsed_ms"]), 0.0), 1) if probe else None,
            asked,
            probe.get("security_observed"),
            self._place(_short(probe.get("tls") or {})),
            self._place([_certificate(one) for one in probe.get("certificates", ())[:_MOST]]),
            self._place(_short(probe.get("capabilities") or {"before_tls": {}, "after_tls": {}})),
            self._place(_picked(probe.get("addresses", ()), ("address", "family", "ok", "cause"))),
            self._place(_short(probe.get("greeting") or "")),
            self._place(_picked(record.findings, ("severity", "code", "message", "remedy"))),
            self._place(_picked(record.alternatives, ("port", "security", "ok", "cause"))),
            self._place([_short(one) for one in record.groups if one not in ("all", "ungrouped")]),
            time,
            record.action == MISSING_ACTION,
            str((record.endpoint or {}).get("host") or "").lower() if record.kind == "probe" else "",
        )

    def _place(self, value: t.Any) -> int:
        key = json.dumps(value, sort_keys=True)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.values)
            self.values.append(value)
        return place


_Thing = t.TypeVar("_Thing")


def _listed(found: list[_Thing], places: dict[_Thing, int], thing: _Thing) -> int:
    place = places.get(thing)
    if place is None:
        place = places[thing] = len(found)
        found.append(thing)
    return place


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts app2 before app10."""
    return tuple(
        (part.isdecimal(), int(part) if part.isdecimal() and len(part) < 20 else 0, part)
        for part in _DIGITS.split(name)
    )


def _source(record: Record) -> Source:
    container = record.vantage.get("container")
    where = [str(record.vantage.get("host") or record.host)] if record.vantage.get("host") != record.host else []
    where = where if record.vantage.get("host") else []
    if container:
        where.append(f"container {container}")
    return Source(_short(record.host), _short(", ".join(where)))


def _state(record: Record) -> State:
    if record.ok is None:
        return {"failed": "no_verdict", "unreachable": "unreachable"}.get(record.state, "not_asked")  # type: ignore[return-value]
    if not record.ok:
        # A gate with fallback: use goes on with another port; that has to be seen, and stops nothing.
        return "attention" if record.selected else "fails"
    return "attention" if any(one["severity"] in ("warning", "error") for one in record.findings) else "works"


def _certificate(found: Mapping[str, t.Any]) -> t.Any:
    """A certificate without what changes from day to day, and without its PEM."""
    return _short({key: value for key, value in found.items() if key not in ("days_left", "pem")})


def _picked(found: Sequence[Mapping[str, t.Any]], keys: tuple[str, ...]) -> list[t.Any]:
    return [_short({key: one.get(key) for key in keys}) for one in found[:_MOST]]


def _short(found: t.Any) -> t.Any:
    """The same data with texts and lists of a bounded length."""
    if isinstance(found, str):
        return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}..."
    if isinstance(found, Mapping):
        return {_short(key): _short(value) for key, value in list(found.items())[:_MOST]}
    if isinstance(found, (list, tuple)):
        return [_short(one) for one in found[:_MOST]]
    return found

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a fleet that ran apart from each other, and which of them gave no records."""

from __future__ import annotations

import glob
import os
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file, where
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_number

__all__ = (
    "MISSING_ACTION",
    "Found",
    "Missing",
    "files_of",
    "found_in",
    "missing_in",
    "missing_records",
    "parse_slices",
)

Slices = Mapping[str, Sequence[str]]
_MOST_SLICES = 10000
_SHOWN = 5
# The action in records of hosts that are missing: these are no sign of life.
MISSING_ACTION: t.Final = "missing_verdicts"


class Found(t.NamedTuple):
    """The hosts that have a record of a run, those that have one of missing_records, and what could not be read."""

    hosts: frozenset[str]
    named: frozenset[str]
    problems: tuple[str, ...]


class Missing(t.NamedTuple):
    """The slices without any record, the hosts without one, and what to say of each of these."""

    slices: list[str]
    hosts: dict[str, str]

    @property
    def sentence(self) -> str:
        """For a person: what is missing, with the first names."""
        if not self.hosts:
            return "Every host has a record."
        names = list(self.hosts)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        hosts = f"{len(names)} {'host has' if len(names) == 1 else 'hosts have'} no record: {', '.join(names[:_SHOWN])}{more}."
        if not self.slices:
            return hosts
        which = f"slice {self.slices[0]}" if len(self.slices) == 1 else f"slices {', '.join(self.slices)}"
        return f"There is nothing of {which}. {hosts}"


def parse_slices(given: object, hosts: Sequence[str]) -> Slices:
    """The hosts of each slice, by its name: a number, or a dictionary of lists. Raises SettingsError.

    For a number the hosts are dealt out as AWX does it: sorted by name, one to each slice in turn.
    """
    if given is None or given == "":
        return {}
    if not isinstance(given, Mapping):
        count = int(to_number(given, "slices", 1, _MOST_SLICES))
        ordered = sorted(hosts)
        return {str(number + 1): ordered[number::count] for number in range(count)}
    for name, some in given.items():
        if isinstance(some, str) or not isinstance(some, Sequence):
            words = f"slices holds {show(some)} for {show(name)}, which is not a list; write names of hosts."
            raise SettingsError(words, "slices")
    return {str(name): [str(one) for one in some] for name, some in given.items()}


def files_of(given: object) -> list[str]:
    """Files, folders (what ends in .jsonl) and patterns, as a list or with commas between them. Raises SettingsError.

    A pattern or folder without a file is no error: that slice is missing.
    """
    names = re.split(r"\s*,\s*", given.strip()) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not names or not all(isinstance(one, str) and one for one in names):
        words = f"from is {show(given)}; write names of files, folders or patterns such as slices/*.jsonl."
        raise SettingsError(words, "from")
    found = [path for name in names for path in _matching(where(str(name)))]
    return list(dict.fromkeys(found))


def _matching(path: str) -> list[str]:
    if os.path.isdir(path):
        return sorted(glob.glob(os.path.join(glob.escape(path), "*.jsonl")))
    return sorted(glob.glob(path)) if glob.has_magic(path) else [path]


def found_in(paths: Sequence[str]) -> Found:
    """Read all files, a line at a time; a slice's file that is not there or cannot be read is a problem, not an error."""
    hosts: set[str] = set()
    named: set[str] = set()
    problems = []
    for path in paths:
        try:
            for one in read_file(path):
                if isinstance(one, Unreadable):
                    problems.append(f"{path} line {one.number}: {one.sentence}")
                else:
                    (named if one.action == MISSING_ACTION else hosts).add(one.host)
        except OSError as error:
            problems.append(f"{path} cannot be read ({(error.strerror or str(error)).lower()}).")
    return Found(frozenset(hosts), frozenset(named), tuple(problems))


def missing_in(hosts: Sequence[str], slices: Slices, found: Found) -> Missing:
    """Which slices and hosts have no record; a host of no slice counts by itself."""
    gone = {name for name, some in slices.items() if some and not found.hosts.intersection(some)}
    slice_of = {host: name for name, some in slices.items() for host in some}
    told = {}
    for host in hosts:
        if host in found.hosts:
            continue
        name = slice_of.get(host)
        told[host] = f"There is nothing of slice {name} of {len(slices)}." if name in gone else "It has no record."
    return Missing([name for name in slices if name in gone], told)


def missing_records(
    hosts: Mapping[str, str], groups: Mapping[str, Sequence[str]], now: str, run: str
) -> Iterator[Record]:
    """A record for each of these hosts, so that a report of all files names it. ``groups``: of each host."""
    for host, message in hosts.items():
        yield Record(
            time=now,
            kind="not_asked",
            host=host,
            run=run,
            action=MISSING_ACTION,
            groups=tuple(sorted(groups.get(host, ()))),
            vantage={"host": host, "container": None, "addresses": []},
            message=message,
        )

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which group, network, provider or data centre a fault follows, and how sure that is. Pure.

A cohort explains a fault when most of its observers have it and nearly nobody else has. That needs observers outside of
it: where everybody is in the group, nothing is known about the group. Of nested groups the one that fits best counts;
those with the same observers are named together. Where what two of them share fits better than either (the web servers of
one provider), it is a cohort of its own. What one cohort explains is taken away, and the rest looked at again. Where only
one cohort is spared, everything outside of it is named.
"""

from __future__ import annotations

import itertools
import math
import typing as t
from collections.abc import Iterator, Mapping, Set

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.observers import Cohort

__all__ = ("Confidence", "Split", "cohort_entry", "cohort_words", "common", "splits")

Confidence = t.Literal["high", "medium", "low"]

# Of a cohort at least this share has the fault, and of all others at most that one. Where fewer than nearly all of it have
# the fault, that is never sure.
_INSIDE, _OUTSIDE = 0.55, 0.2
_NEARLY_ALL = 0.8
# Pairs are made of so many cohorts, of those that hold this share of the fault. More are only chance, and time.
_PAIRED, _SHARE = 30, 0.2
# Above this chance, over all cohorts that were looked at, a fit that is not perfect is no fit.
_CHANCE = 0.05
_SURE = 0.01


_Members = tuple[frozenset[str], frozenset[str]]


class Split(t.NamedTuple):
    """A cohort that a fault follows. ``others``: cohorts with the same observers."""

    cohort: Cohort
    others: tuple[Cohort, ...]
    inside: frozenset[str]  # have the fault, and are in it
    spared: frozenset[str]  # are in it, and do not have the fault
    outside: frozenset[str]  # have the fault, and are not in it
    well: frozenset[str]  # neither
    confidence: Confidence


def splits(faulty: Set[str], well: Set[str], cohorts: Mapping[str, frozenset[Cohort]]) -> Iterator[Split]:
    """The cohorts that the fault follows, the best fit first; ``well``: observers that were asked and do not have it."""
    left = frozenset(faulty)
    while len(left) >= 2:
        found = _best(left, frozenset(well), cohorts)
        if found is None:
            return
        yield found
        left -= found.inside


def common(observers: Set[str], cohorts: Mapping[str, frozenset[Cohort]]) -> list[Cohort]:
    """What all of these observers share, groups last."""
    shared = frozenset.intersection(*(cohorts.get(one, frozenset()) for one in observers)) if observers else frozenset()
    return sorted(shared, key=lambda one: (one[0] == "group", one))


def cohort_words(cohort: Cohort) -> str:
    """As a person says it: "group web", "provider blue and group web"."""
    return " and ".join(f"{kind} {name}" for kind, name in zip(cohort[::2], cohort[1::2]))


def cohort_entry(cohort: Cohort) -> dict[str, str]:
    """The kind and the name, as results have them; of a pair both kinds and both names."""
    return {"kind": " and ".join(cohort[::2]), "name": " and ".join(cohort[1::2])}


def _best(faulty: frozenset[str], well: frozenset[str], cohorts: Mapping[str, frozenset[Cohort]]) -> Split | None:
    by_members: dict[tuple[frozenset[str], frozenset[str]], list[Cohort]] = {}
    candidates = {cohort for one in faulty for cohort in cohorts.get(one, ())}
    members: dict[Cohort, tuple[set[str], set[str]]] = {one: (set(), set()) for one in candidates}
    for side, observers in enumerate((faulty, well)):
        for one in observers:
            for cohort in cohorts.get(one, frozenset()) & candidates:
                members[cohort][side].add(one)
    for cohort, sides in members.items():
        by_members.setdefault((frozenset(sides[0]), frozenset(sides[1])), []).append(cohort)
    found = _best_of(by_members, faulty, well)
    if found is not None and not found.spared and not found.outside:
        return found
    pairs = _pairs(by_members, len(faulty))
    both = _best_of({**by_members, **pairs}, faulty, well)
    # A pair is a second guess: it counts where nothing fits alone, or where hosts speak against what does, and none against it.
    better = both is not None and len(both.cohort) > 2 and (found is None or (found.spared and not both.spared))
    return (both if better else found) or _all_but_one(faulty, well, cohorts)


def _all_but_one(
    faulty: frozenset[str], well: frozenset[str], cohorts: Mapping[str, frozenset[Cohort]]
) -> Split | None:
    """Everything but one cohort: only the gateways may send, say. Nobody in it has the fault, and everybody else has."""
    spared = [one for one in common(well, cohorts) if not any(one in cohorts.get(each, ()) for each in faulty)]
    if len(well) < 2 or not spared:
        return None
    looked_at = {cohort for one in faulty | well for cohort in cohorts.get(one, ())}
    # That all of so many are in a cohort of that size.
    chance = len(looked_at) / math.comb(len(faulty | well), len(well))
    if chance > _CHANCE:
        return None
    names = [(f"everything outside of {kind}", name) for kind, name in spared]
    sure: Confidence = "high" if chance <= _SURE else "medium"
    return Split(names[0], tuple(names[1:]), faulty, frozenset(), frozenset(), well, sure)


def _best_of(by_members: Mapping[_Members, list[Cohort]], faulty: frozenset[str], well: frozenset[str]) -> Split | None:
    """The best fit of these, by their members that have the fault and those that do not."""
    fits = [
        (fit, inside, spared)
        for inside, spared in by_members
        if (fit := _fit(len(inside), len(spared), len(faulty), len(well))) is not None
    ]
    if not fits:
        return None
    _fit_of_it, inside, spared = min(fits, key=lambda one: (-one[0], min(by_members[one[1], one[2]])))
    first, *others = sorted(by_members[inside, spared], key=lambda one: (one[0] == "group", one))
    chance = _chance(len(inside), len(spared), len(faulty), len(well)) * len(by_members)
    # Among so many pairs one fits two hosts by chance.
    perfect = not spared and inside == faulty and len(first) == 2
    if chance > _CHANCE and not perfect:
        return None
    confidence: Confidence = "high" if chance <= _SURE else "medium" if chance <= _CHANCE else "low"
    if confidence == "high" and len(inside) < _NEARLY_ALL * len(inside | spared):
        confidence = "medium"
    return Split(first, tuple(others), inside, spared, faulty - inside, well - spared, confidence)


def _pairs(by_members: Mapping[_Members, list[Cohort]], faulty: int) -> dict[_Members, list[Cohort]]:
    """What two cohorts share, where it is less than either; of several with the same members the first is enough."""
    large = [one for one in by_members if len(one[0]) >= max(2, _SHARE * faulty)]
    large.sort(key=lambda one: (-len(one[0]), min(by_members[one])))
    found: dict[_Members, list[Cohort]] = {}
    for one, other in itertools.combinations(large[:_PAIRED], 2):
        shared = (one[0] & other[0], one[1] & other[1])
        if len(shared[0]) >= 2 and shared not in by_members and shared not in found:
            first, second = sorted(
                (min(by_members[one]), min(by_members[other])), key=lambda each: (each[0] == "group", each)
            )
            found[shared] = [(*first, *second)]
    return found


def _fit(inside: int, spared: int, faulty: int, well: int) -> float | None:
    """The harmonic mean of both shares; null where it is no fit at all."""
    outside, others = faulty - inside, faulty + well - inside - spared
    if inside < 2 or others == outside or inside / (inside + spared) < _INSIDE:
        return None
    # Several cohorts may have the same fault, so others may have it too, as long as it is not everybody's.
    if spared and outside / others > _OUTSIDE:
        return None
    return 2 * inside / (2 * inside + spared + outside)


def _chance(inside: int, spared: int, faulty: int, well: int) -> float:
    """How likely it is that so many of the faulty are in one cohort of this size by chance (hypergeometric)."""
    total, size = faulty + well, inside + spared

    def log_choose(many: int, few: int) -> float:
        return math.lgamma(many + 1) - math.lgamma(few + 1) - math.lgamma(many - few + 1)

    every = log_choose(total, size)
    return min(
        1.0,
        sum(
            math.exp(log_choose(faulty, hits) + log_choose(well, size - hits) - every)
            for hits in range(inside, min(size, faulty) + 1)
            if size - hits <= well
        ),
    )

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which group, network, provider or data centre a fault follows, and how sure that is. Pure.

A cohort explains a fault when most of its observers have it and nearly nobody else has. That needs observers outside of
it: where everybody is in the group, nothing is known about the group. Of nested groups the one that fits best counts;
those with the same observers are named together. Where what two of them share fits better than either (the web servers of
one provider), it is a cohort of its own. What one cohort explains is taken away, and the rest looked at again. Where only
one cohort is spared, or two are, everything outside of them is named; a stray host there that is spared as well speaks against it.
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
# So much of a cohort counts as all of it, beside another cohort that has the fault as well.
_NEARLY_SURE = 0.9
# Pairs are made of so many cohorts, of those that hold this share of the fault. More are only chance, and time.
_PAIRED, _SHARE = 30, 0.2
# Above this chance, over all cohorts that were looked at, a fit that is not perfect is no fit.
_CHANCE = 0.05
_SURE = 0.01
# Up to this one a fit is still named as a possibility, if one host at most speaks against it.
_WEAK = 0.3


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
    if better and both is not None and (wider := _wider(both, by_members, faulty, well)):
        return wider
    return (both if better else found) or _all_but_some(faulty, well, cohorts)


def _wider(
    pair: Split, by_members: Mapping[_Members, list[Cohort]], faulty: frozenset[str], well: frozenset[str]
) -> Split | None:
    """A cohort around the pair that has the fault as a whole, but for an exception: the pair then only leaves that out."""
    around = [
        (len(inside), inside, spared)
        for inside, spared in by_members
        if inside > pair.inside and len(spared) <= (1 - _NEARLY_SURE) * len(inside | spared)
    ]
    if not around:
        return None
    _size, inside, spared = max(around, key=lambda one: (one[0], -len(one[2])))
    first, *others = sorted(by_members[inside, spared], key=_order)
    return Split(first, tuple(others), inside, spared, faulty - inside, well - spared, pair.confidence)


def _all_but_some(
    faulty: frozenset[str], well: frozenset[str], cohorts: Mapping[str, frozenset[Cohort]]
) -> Split | None:
    """Everything but one cohort, or but two: only the gateways may send, say."""
    members: dict[Cohort, tuple[set[str], set[str]]] = {}
    for side, observers in enumerate((faulty, well)):
        for observer in observers:
            for cohort in cohorts.get(observer, ()):
                members.setdefault(cohort, (set(), set()))[side].add(observer)
    spared = {
        one: sides
        for one, sides in members.items()
        if len(sides[1]) >= 2 and len(sides[0]) <= _OUTSIDE * len(sides[0] | sides[1])
    }
    left_out = {_outside_of(one): sides for one, sides in spared.items()}
    free = sorted(one for one, sides in spared.items() if not sides[0])[:_PAIRED]
    for one, other in itertools.combinations(free, 2):
        both = spared[one][1] | spared[other][1]
        if both != spared[one][1] and both != spared[other][1]:
            left_out[_outside_of(one) + other] = (set(), both)
    by_members: dict[_Members, list[Cohort]] = {}
    for cohort, sides in left_out.items():
        inside, strays = faulty - sides[0], well - sides[1]
        if len(inside) >= _NEARLY_ALL * len(inside | strays):
            by_members.setdefault((inside, strays), []).append(cohort)
    return _best_of(by_members, faulty, well, len(members))


def _outside_of(cohort: Cohort) -> Cohort:
    return (f"everything outside of {cohort[0]}", *cohort[1:])


def _best_of(
    by_members: Mapping[_Members, list[Cohort]], faulty: frozenset[str], well: frozenset[str], tried: int = 0
) -> Split | None:
    """The best fit of these, by their members that have the fault and those that do not; ``tried``: cohorts that are left out by them."""
    fits = [
        (fit, inside, spared)
        for inside, spared in by_members
        if (fit := _fit(len(inside), len(spared), len(faulty), len(well))) is not None
    ]
    if not fits:
        return None
    _fit_of_it, inside, spared = min(fits, key=lambda one: (-one[0], _order(min(by_members[one[1], one[2]]))))
    first, *others = sorted(by_members[inside, spared], key=_order)
    chance = _chance(len(inside), len(spared), len(faulty), len(well)) * (tried or len(by_members))
    outside = faulty - inside
    # Among so many pairs one fits two hosts by chance.
    single = len(first) == 2
    perfect = not spared and not outside and single and not tried
    against = len(outside) if not tried else len(outside | spared)
    weak = single and against <= 1 and (tried or not spared) and chance <= _WEAK
    if chance > _CHANCE and not perfect and not weak:
        return None
    confidence: Confidence = "high" if chance <= _SURE else "medium" if chance <= _CHANCE else "low"
    if confidence == "high" and len(inside) < _NEARLY_ALL * len(inside | spared):
        confidence = "medium"
    return Split(first, tuple(others), inside, spared, outside, well - spared, confidence)


def _order(cohort: Cohort) -> tuple[int, bool, Cohort]:
    """One before two, and groups last."""
    return (len(cohort), cohort[0].endswith("group"), cohort)


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

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether evidence has the shape that the judge relies on, wherever it comes from: a host may lie, and a file may hold anything."""

from __future__ import annotations

import functools
import types
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._observe import evidence
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import FailureEntry, Rung

__all__ = ("fits",)

# A number beyond it is none of a clock, a port or a code, and too large for arithmetic with floats.
_MOST = 1e15
# What a failure of this kind always comes with (Kind in ``evidence``); the judge looks at it without asking.
_OF_KIND: dict[str, tuple[str, ...]] = {
    "reply": ("code", "lines"),
    "out_of_step": ("code", "lines"),
    "malformed": ("text",),
    "plaintext": ("text",),
    "limit": ("limit", "text"),
    "certificate": ("verify_code", "text"),
    "missing": ("what",),
    "withheld": ("what",),
    "not_asked": ("lack",),
}


def fits(found: object, kind: t.Any) -> bool:
    """Whether data are as their type in ``evidence`` says; further keys are let through. A host or a file may hold anything."""
    origin, inner = t.get_origin(kind), t.get_args(kind)
    if t.is_typeddict(kind):
        required, declared = _declared(kind)
        return (
            isinstance(found, dict)
            and required <= found.keys()
            and (kind is not FailureEntry or _is_whole(found))
            and all(fits(each, declared[key]) for key, each in found.items() if key in declared)
        )
    if origin is t.Literal:
        return isinstance(found, (str, int)) and found in inner
    if origin in (t.Union, types.UnionType):
        return any(fits(found, one) for one in inner)
    if origin is list:
        return isinstance(found, list) and all(fits(each, inner[0]) for each in found)
    if origin is dict:
        return isinstance(found, dict) and all(
            fits(key, inner[0]) and fits(each, inner[1]) for key, each in found.items()
        )
    if kind in (int, float):
        return isinstance(found, (int, kind)) and not isinstance(found, bool) and abs(found) < _MOST
    return isinstance(found, kind)


def _is_whole(failure: dict[str, t.Any]) -> bool:
    """Whether a failure says what belongs to its kind."""
    kind = failure["kind"]
    if not isinstance(kind, str):
        return False
    needed = set(_OF_KIND.get(kind, ()))
    if kind == "reply" and failure["layer"] == "transaction":
        needed.add("stage")
    if kind == "missing" and failure.get("what") == "mechanism":
        needed.add("offered")
    return needed <= failure.keys()


@functools.cache
def _declared(kind: t.Any) -> tuple[frozenset[str], dict[str, t.Any]]:
    # A rung's keys are all there; its type lets them come one after the other.
    declared = t.get_type_hints(kind)
    required = {"layer", "ok", "ms"} if kind is Rung else kind.__required_keys__
    return frozenset(required), declared


# Once for a run: each host is judged in a process of its own, which would do it anew.
for _kind in vars(evidence).values():
    if t.is_typeddict(_kind):
        _declared(_kind)

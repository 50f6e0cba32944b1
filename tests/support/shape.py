# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether data has the shape that a TypedDict declares: what mypy checks in code, checked in what really came."""

from __future__ import annotations

import typing as t

__all__ = ["mismatches"]


def mismatches(value: object, kind: t.Any, where: str = "it") -> list[str]:
    """What does not fit, one sentence each.

    Empty when all of ``value`` is as ``kind`` says. Knows what JSON can hold.
    """
    origin, inner = t.get_origin(kind), t.get_args(kind)
    if hasattr(kind, "__total__"):  # t.is_typeddict is newer than Python 3.8
        return _of_mapping(value, kind, where)
    if origin is t.Literal:
        return [] if value in inner else [f"{where} is {value!r}, not one of {inner}"]
    if origin is t.Union:
        tried = [mismatches(value, one, where) for one in inner]
        return min(tried, key=len)
    if origin is list:
        if not isinstance(value, list):
            return [f"{where} is {value!r}, not a list"]
        return [words for index, one in enumerate(value) for words in mismatches(one, inner[0], f"{where}[{index}]")]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, not a dictionary"]
        return [words for key, one in value.items() for words in mismatches(one, inner[1], f"{where}.{key}")]
    fits = value is None if kind is type(None) else isinstance(value, (int, float) if kind is float else kind)
    if isinstance(value, bool) and kind is not bool:
        fits = False
    return [] if fits else [f"{where} is {value!r}, not {getattr(kind, '__name__', kind)}"]


def _of_mapping(value: object, kind: t.Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is {value!r}, not a dictionary"]
    declared = t.get_type_hints(kind)
    found = [f"{where} lacks {key}" for key in sorted(getattr(kind, "__required_keys__", frozenset()) - value.keys())]
    for key, one in value.items():
        if key not in declared:
            found.append(f"{where} has {key}, which {kind.__name__} does not declare")
        else:
            found += mismatches(one, declared[key], f"{where}.{key}")
    return found

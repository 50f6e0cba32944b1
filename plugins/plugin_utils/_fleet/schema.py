# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether data from a file has the shape that its reader relies on.

A shape is a type or several; a list of one shape; a dictionary of the keys that must be there; ``{str: shape}`` for a
dictionary with keys of any name; ``Maybe(shape)`` where null will do. Further keys are let through.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import show

__all__ = ("Maybe", "ShapeError", "check")

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


class ShapeError(ValueError):
    """Half a sentence: what stands where, and what belongs there."""


class Maybe(t.NamedTuple):
    """The shape, or null."""

    shape: t.Any


def check(found: object, shape: t.Any, where: str, optional: Collection[str] = ()) -> None:
    """Raises ShapeError for the first place below ``where`` that does not fit.

    ``optional``: keys of the outermost object that need not be there; further in, those that may be null need not, and are
    put there as null.
    """
    if isinstance(shape, Maybe):
        if found is not None:
            check(found, shape.shape, where)
    elif isinstance(shape, list):
        if not isinstance(found, list):
            raise _wrong(found, "a list", where)
        for index, each in enumerate(found):
            check(each, shape[0], f"{where}[{index}]")
    elif isinstance(shape, dict):
        _check_object(found, shape, where, optional)
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        # True is an int to Python, and to nobody else.
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            raise _wrong(found, " or ".join(_WORDS[kind] for kind in kinds), where)


def _check_object(found: object, shape: dict[t.Any, t.Any], where: str, optional: Collection[str]) -> None:
    if not isinstance(found, dict):
        raise _wrong(found, "an object", where)
    if str in shape:
        for key, each in found.items():
            check(each, shape[str], f"{where}.{show(key)}")
        return
    for key, inner in shape.items():
        name = f"{where}.{key}" if where else key
        if key not in found:
            if key in optional:
                continue
            if isinstance(inner, Maybe) and where:
                found[key] = None
                continue
            raise ShapeError(f"{name} is missing")
        check(found[key], inner, name)


def _wrong(found: object, wanted: str, where: str) -> ShapeError:
    return ShapeError(f"{where or 'it'} is {show(found)}, and not {wanted}")

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests begin first when several processes share the work (pytest -n)."""

from __future__ import annotations

import typing as t

import pytest

__all__ = ["longest_first"]


def longest_first(items: list[pytest.Item], names: t.Sequence[str]) -> None:
    """Sort tests so that those of the files named begin first, in this order: what is long and comes last is waited for alone."""
    place = {name: index for index, name in enumerate(names)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests stay together when several processes share the work (pytest -n)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

__all__ = ["Together"]


class Together(LoadScopeScheduling):
    """Tests for which ``scope_of``, asked with their identifier, gives the same text run in one process, one after the other."""

    def __init__(self, config: pytest.Config, log: Any, scope_of: Callable[[str], str]) -> None:
        # In the order of the tests, and not the files with the most tests first: those are seldom the longest.
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._scope_of = scope_of

    def _split_scope(self, nodeid: str) -> str:
        return self._scope_of(nodeid)

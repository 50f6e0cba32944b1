# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
How many examples a property test gets: all that it asks for, or a quarter with ``EXAMPLES=few``.

`make unit` has it so for people who wait, and CI with the older ansible-cores and the Pythons of hosts.
"""

from __future__ import annotations

import os

__all__ = ["examples"]

_FEW = os.environ.get("EXAMPLES") == "few"


def examples(number: int) -> int:
    """For the option ``max_examples`` of hypothesis."""
    return max(1, number // 4) if _FEW else number

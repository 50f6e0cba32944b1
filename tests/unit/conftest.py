# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the unit tests. Those of a file stay together (tools/unit), as some share one server."""

from __future__ import annotations

import pytest

from tests.support.examples import FEW, examples
from tests.support.order import longest_first

# They wait for time to pass, or have much to do.
_LONGEST = (
    "test_hostile.py", "test_host_resources.py", "test_texts.py", "test_smtp_gate.py", "test_no_downgrade.py", "test_further.py",
    "test_endpoint.py", "test_across.py", "test_ladder.py", "test_polite.py", "test_judge.py", "test_verdict_changes.py", "test_any_file.py",
)  # fmt: skip


def pytest_configure() -> None:
    if FEW:
        from hypothesis import settings

        settings.register_profile("few", max_examples=examples(settings().max_examples))
        settings.load_profile("few")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items, _LONGEST)

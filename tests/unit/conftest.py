# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the unit tests. Those of a file stay together, as some share one server, but for files that mostly wait."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from tests.support.examples import examples
from tests.support.order import longest_first

# They wait for time to pass, or have much to do.
_LONGEST = (
    "test_hostile.py", "test_host_resources.py", "test_texts.py", "test_smtp_gate.py", "test_no_downgrade.py", "test_further.py",
    "test_endpoint.py", "test_across.py", "test_ladder.py", "test_polite.py", "test_judge.py", "test_verdict_changes.py", "test_any_file.py",
)  # fmt: skip

# Long waits, each test's own.
_ONE_BY_ONE = (
    "test_host_resources.py", "test_further.py", "test_smtp_gate.py", "test_endpoint.py", "test_ladder.py", "test_no_downgrade.py",
    "test_hostile.py::test_a_server_that_turns_bad_later", "test_hostile.py::test_what_was_seen", "test_hostile.py::test_no_thread_left",
)  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests run in one process, one after the other. A managed host's Python has no xdist."""
    from tests.support.parallel import Together

    return Together(
        config, log, lambda nodeid: nodeid if any(name in nodeid for name in _ONE_BY_ONE) else nodeid.partition("::")[0]
    )


def pytest_configure() -> None:
    # A busy machine is no fault of what is tested: an example may take as long as it does.
    settings.register_profile("project", max_examples=examples(settings().max_examples), deadline=None)
    settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items, _LONGEST)

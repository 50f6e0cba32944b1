# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests below run inside the lab only: tools/lab run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.parallel import Together

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.network import inside
from lab.scenario import rows
from lab.stage import Stage


def pytest_configure() -> None:
    """Refuse to start where a packet could leave the machine."""
    if not inside():
        pytest.exit(
            "tests/lab runs inside its own network namespaces: sudo tools/lab run [pytest option...]", returncode=4
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Of two processes (-n 2) one has the staging environment, which has hosts and names of its own, the other all that share the stage."""
    return Together(
        config,
        log,
        lambda nodeid: "staging" if "test_staging.py" in nodeid or "test_containers.py" in nodeid else "stage",
    )


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The relays and rules of the whole table."""
    with Stage(rows()).set_up() as ready:
        yield ready

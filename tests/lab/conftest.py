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

# Files of tests that need the host mailpit: those of the staging environment, and those that change it as they like.
STAGING = ("staging",)
CHANGING = ("containers", "vanish_mailpit", "vanish_service")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deep", action="store_true", help="also what takes too long for every run: a host that vanishes at each task"
    )
    parser.addoption(
        "--share", choices=["all-but-mailpit", "mailpit"], help="one share of the files, for two labs beside each other"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of two labs one has the files that change the host mailpit as they like."""
    share = config.getoption("--share")
    if share is None or not collection_path.name.startswith("test_"):
        return None
    changing = collection_path.stem.removeprefix("test_") in CHANGING
    return True if changing != (share == "mailpit") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for --deep only (README.md names it)."""
    if not config.getoption("--deep"):
        items[:] = [item for item in items if not item.get_closest_marker("deep")]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to start where a packet could leave the machine."""
    config.addinivalue_line("markers", "deep: takes too long for every run of the lab")
    if not inside():
        pytest.exit(
            "tests/lab runs inside its own network namespaces: sudo tools/lab run [pytest option...]", returncode=4
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Of two processes (-n 2) one has the staging environment, which has hosts and names of its own, the other all that share the stage."""
    return Together(
        config,
        log,
        lambda nodeid: "staging" if any(f"test_{name}.py" in nodeid for name in (*STAGING, *CHANGING)) else "stage",
    )


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The relays and rules of the whole table."""
    with Stage(rows()).set_up() as ready:
        yield ready

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Shared by every test: the collection is importable by its full name.

Runs on Python 3.8 too (the host's half is tested there), so only the standard library and pytest here.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Make build/src (on sys.path by pyproject.toml) and let child processes find the collection there."""
    source = subprocess.run(
        [str(ROOT / "tools" / "src-link")], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = source


@pytest.fixture(autouse=True)
def umask() -> t.Iterator[None]:
    """Programs that a test calls in its own process may set it; a server of the next test would not get at its own files."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)

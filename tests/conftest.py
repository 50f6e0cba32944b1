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

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Make build/src (on sys.path by pyproject.toml) and let child processes find the collection there."""
    source = subprocess.run(
        [str(ROOT / "tools" / "src-link")], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = source

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To find one filter of a collection, Ansible imports the files of all of its filters, in each process that needs one."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.process import ROOT

PACKAGE = "ansible_collections.mailops.smtp.plugins"
PROGRAM = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(f"{sys.argv[1]}.filter.{name}")
print(*sorted(name.rpartition("plugin_utils.")[2] for name in sys.modules if f"{sys.argv[1]}.plugin_utils." in name))
"""


def test_a_filter_imports_its_room_when_it_is_called() -> None:
    names = [path.stem for path in sorted((ROOT / "plugins/filter").glob("*.py"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run(
        [sys.executable, "-c", PROGRAM, PACKAGE, *names], capture_output=True, text=True, check=True, env=environment
    ).stdout.split()
    assert len(names) >= 8 and set(loaded) <= {"_mailpit", "_mailpit.environment", "_mailpit.model", "_printable"}, (
        loaded
    )

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No climb imports a module while another one imports it, where that goes wrong."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.module_utils import _observe

PACKAGE = _observe.__name__
# What a host runs: modules in a zip file. Python 3.9 is what most of those hosts have that are concerned.
ON_AN_OLD_PYTHON = f"""
import sys, types
sys.path[:] = {sys.path!r}
from {PACKAGE} import endpoint
endpoint.sys = types.SimpleNamespace(version_info=(3, 9, 18))
endpoint._import_now()
print(*(name.rpartition(".")[2] for name in sys.modules if name.startswith("{PACKAGE}.")))
"""


def imported_late() -> set[str]:
    """The modules of the package that a function imports, and not the module that holds it."""
    found: set[str] = set()
    for path in Path(str(_observe.__file__)).parent.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and function.name != "_import_now":
                found |= {
                    node.module
                    for node in ast.walk(function)
                    if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
                }
    return found


def test_an_old_python_imports_before_the_threads_begin() -> None:
    late = imported_late()
    assert {"further", "other_ports", "sasl"} <= late
    there = subprocess.run(
        [sys.executable, "-c", ON_AN_OLD_PYTHON], stdout=subprocess.PIPE, check=True, timeout=60, text=True
    ).stdout.split()
    # Whether a CA file is of use is told before any thread begins.
    assert late - {"ca_file"} <= set(there)

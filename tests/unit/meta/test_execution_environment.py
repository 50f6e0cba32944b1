# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution environment gets what the controller's half imports: ansible-core's own dependencies, and what meta/ names."""

from __future__ import annotations

import ast
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
# What ansible-core itself depends on, and what the collection is loaded by.
THERE = {"ansible", "ansible_collections", "cryptography", "jinja2", "yaml"}


def test_execution_environment() -> None:
    definition = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())
    assert definition["version"] == 3
    lines = (ROOT / definition["dependencies"]["python"]).read_text().splitlines()
    named = {line.partition("=")[0].strip() for line in lines if line and not line.startswith("#")}
    imported = set()
    for path in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "extensions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    assert imported - set(sys.stdlib_module_names) - THERE == named

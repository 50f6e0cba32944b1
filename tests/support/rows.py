# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of tests that stand in files of YAML."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

__all__ = ["read_yaml"]


def read_yaml(path: pathlib.Path) -> t.Any:
    """What a file holds, by libyaml where PyYAML has it: each of pytest's processes reads thousands of rows."""
    return yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

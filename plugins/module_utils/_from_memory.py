# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of ours on a host from sources that are in memory: nothing is written there, and only its own files are sent."""

from __future__ import annotations

import importlib
import json
import sys
import typing as t
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ("run",)


class _Sources:
    """Finds and loads what is among these files, by their full names; the folders on the way are packages."""

    def __init__(self, files: t.Dict[str, str]) -> None:
        self._files = files
        self._folders = {name[:at] for name in files for at, letter in enumerate(name) if letter == "."}

    def find_spec(self, name: str, path: object = None, target: object = None) -> t.Optional[ModuleSpec]:
        """What Python asks each finder."""
        if name not in self._files and name not in self._folders:
            return None
        return ModuleSpec(name, t.cast(t.Any, self), is_package=name in self._folders)

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own way."""

    def exec_module(self, module: ModuleType) -> None:
        """Compile it once, under its name, so that a traceback can be read."""
        name = module.__name__
        # Without dont_inherit the file would get this file's own __future__.
        exec(compile(self._files.get(name, ""), name, "exec", dont_inherit=True), module.__dict__)


def run(files: t.Dict[str, str], module: str, arguments: t.Dict[str, t.Any]) -> None:
    """Print, as JSON, what ``answer`` of this module gives for the arguments.

    :param files: the sources by the full names of their modules; no more than they and the standard library is needed
    """
    sys.meta_path.insert(0, t.cast(t.Any, _Sources(files)))
    try:
        result = importlib.import_module(module).answer(**arguments)
    except Exception:
        import traceback  # a probe that ends well does not need it

        result = {"failed": True, "exception": traceback.format_exc()}
    sys.stdout.write(json.dumps(result))

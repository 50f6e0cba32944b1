# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of the Debian trees, as commands of the machine itself: for what needs a newer or an older one than the machine has.

A Python of another Debian wants that Debian's C library. So the command is a script that starts it with the tree's own loader and libraries.
What it starts in turn is not concerned: the libraries are named to the loader alone, and not in a variable.
"""

from __future__ import annotations

import os
from pathlib import Path

from .plan import ROOT, TARGETS
from .trees import make_trees, tree

__all__ = ["debian_python", "versions"]

_FOLDER = ROOT / "build" / "python"

# --argv0, which tells Python by which name it was called, and so of which virtual environment it is: glibc 2.33 and newer.
_COMMAND = """\
#!/bin/sh
exec "{loader}" --argv0 "$0" --library-path "{libraries}" "{python}" "$@"
"""


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def versions() -> list[str]:
    """The versions that a tree has, oldest first."""
    return [version for version, suite in TARGETS.items() if suite != "lent"]


def debian_python(lowest: str, highest: str) -> Path:
    """The path of a Python between these two (such as 3.12 and 3.14), the oldest that a tree has. RuntimeError when none has."""
    fitting = [version for version in versions() if _minor(lowest) <= _minor(version) <= _minor(highest)]
    if not fitting:
        raise RuntimeError(f"no Debian tree of the lab has a Python between {lowest} and {highest}")
    version = fitting[0]
    suite = TARGETS[version]
    # The loader of bullseye does not know --argv0; a newer C library runs what an older one ran.
    suites = ["bookworm", suite] if suite == "bullseye" else [suite]
    make_trees(suites)
    return _command(version, [tree(one) for one in suites])


def _command(version: str, trees: list[Path]) -> Path:
    home = _FOLDER / version
    (home / "bin").mkdir(parents=True, exist_ok=True)
    (home / "lib").mkdir(exist_ok=True)
    for name in (f"python{version}", "python3"):
        link = home / "lib" / name
        if not link.is_symlink():
            link.symlink_to(trees[-1] / "usr/lib" / name)
    places = [one / part for one in trees for part in ("lib64", "lib", "usr/lib64", "usr/lib")]
    libraries = [
        str(folder) for place in places for folder in sorted(place.glob("*-linux-gnu*")) if not place.is_symlink()
    ]
    loader = next(found for place in places for found in place.glob("ld-linux-*.so.*"))
    command = home / "bin" / f"python{version}"
    new = command.with_name(f".{command.name}.{os.getpid()}")
    new.write_text(
        _COMMAND.format(loader=loader, libraries=":".join(libraries), python=trees[-1] / "usr/bin" / f"python{version}")
    )
    new.chmod(0o755)
    new.rename(command)
    return command

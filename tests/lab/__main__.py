# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools/lab and tools/debian-python call: trees, python, pythons, up, down, run, compare, shell."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from . import sandbox
from .plan import BUILD, ROOT, RUN, STATE
from .pythons import debian_python, versions
from .trees import make_trees

__all__: list[str] = []


def _trees() -> None:
    with sandbox.locked("trees", BUILD):
        make_trees()


def _up() -> bool:
    """Bring the lab up; False when it was up."""
    with sandbox.locked():
        if sandbox.first_process():
            return False
        started = time.monotonic()
        _trees()
        sandbox.up()
    print(f"lab: up after {time.monotonic() - started:.1f} s", flush=True)
    return True


def _down() -> None:
    with sandbox.locked():
        sandbox.down()


def _inside(module: str, *arguments: str) -> int:
    """Run a Python module inside the lab, which is made for it where it is not up. One at a time: the relays are the same for all."""
    with sandbox.locked("run"):
        made_here = _up()
        try:
            # Whatever is left in the folder for temporary files goes away with the lab.
            command = ["env", f"TMPDIR={RUN}/tmp", sys.executable, "-m", module, *arguments]
            return subprocess.run(sandbox.enter(command), cwd=ROOT, check=False).returncode
        finally:
            if made_here:
                _down()


def main(arguments: list[str]) -> int:
    """Exit code of the subcommand."""
    command, *rest = arguments
    try:
        if command == "trees":
            _trees()
        elif command == "python":
            with sandbox.locked("trees", BUILD):
                print(debian_python(*rest))
        elif command == "pythons":
            print(*versions(), sep="\n")
        elif command == "up":
            if not _up():
                print("lab: is up already")
        elif command == "down":
            _down()
            print("lab: down")
        elif command == "run":
            here = (
                []
                if any(os.path.exists(option.partition("::")[0]) for option in rest)
                else [str(Path(__file__).parent)]
            )
            return _inside("pytest", "-o", f"cache_dir=build/cache/pytest/lab-{STATE.name}", *here, *rest)
        elif command == "compare":
            return _inside("lab.compare")
        else:
            name = rest[0] if rest else "ctl"
            return subprocess.run(
                sandbox.enter(["ip", "netns", "exec", name, os.environ.get("SHELL", "bash")]), check=False
            ).returncode
    except RuntimeError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1:]))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile the same source once, in whichever process: Python imports this where it begins, when this folder is in PYTHONPATH.

Ansible hands its modules to each host as source, and each of its processes compiles the plugins of a collection anew. That is a quarter of the
processor time of tests/integration. The lab goes without: its hosts do what the hosts of a user do.
"""

from __future__ import annotations

import _imp
import builtins
import contextlib
import hashlib
import marshal
import os
import sys

_REAL = builtins.compile
_FOLDER = os.environ.get("COMPILED_ONCE", "")
_PYTHON = sys.implementation.cache_tag.encode()
# What is shorter takes less time than a look at a file.
_LEAST = 500


def _compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, **more):  # type: ignore[no-untyped-def]
    """builtins.compile. What another process has compiled comes from the folder, with this file's name in it."""
    whole = mode == "exec" and dont_inherit and not flags and optimize == -1 and not more
    if not whole or not isinstance(source, (bytes, str)) or len(source) < _LEAST:
        return _REAL(source, filename, mode, flags, dont_inherit, optimize, **more)
    octets = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    path = os.path.join(_FOLDER, hashlib.sha256(_PYTHON + octets).hexdigest())
    try:
        with open(path, "rb") as file:
            code = marshal.load(file)
    except (OSError, ValueError, EOFError):
        code = _REAL(source, filename, mode, flags, dont_inherit, optimize)
        _keep(path, code)
    else:
        _imp._fix_co_filename(code, os.fspath(filename))
    return code


def _keep(path: str, code: object) -> None:
    """Write the code under another name first, so that nobody reads half of it."""
    new = f"{path}.{os.getpid()}"
    with contextlib.suppress(OSError):
        with open(new, "wb") as file:
            marshal.dump(code, file)
        os.replace(new, path)


if _FOLDER:
    builtins.compile = _compile

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian trees that the managed hosts boot from, made once with mmdebstrap from the mirror that the machine itself uses."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .plan import BUILD, TREES

__all__ = ["make_trees", "tree"]

# Full python3: python3-minimal lacks json and zipfile, which Ansible's modules need.
PACKAGES = "python3,openssh-server,sudo,ca-certificates,iproute2,mount"
OPTIONS = [
    "--quiet",
    "--mode=root",
    "--variant=essential",
    "--format=directory",
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    # A mirror that is some days behind serves lists of testing that have run out.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
]


def mirror() -> str:
    """The Debian mirror of the machine's own apt configuration. RuntimeError when it names none."""
    printed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], check=True, capture_output=True, text=True
    ).stdout
    for uri in printed.split():
        if re.search(r"/debian/?$", uri):
            return uri
    raise RuntimeError(
        "apt's configuration names no Debian mirror (a URI that ends with /debian): the lab's hosts are made from one"
    )


def tree(suite: str) -> Path:
    """Where the tree of a suite lies."""
    return BUILD / "trees" / suite


def _recipe(suite: str, uri: str) -> str:
    """What the tree was made from: when it changes, the tree is made again."""
    return hashlib.sha256("\n".join([suite, TREES[suite], PACKAGES, uri, *OPTIONS]).encode()).hexdigest()


def make_trees(suites: Iterable[str] = TREES) -> None:
    """Make the trees that are missing or were made from another recipe, two at a time. RuntimeError with mmdebstrap's last words."""
    uri = mirror()
    missing = [
        suite
        for suite in suites
        if not (stamp := BUILD / "trees" / f"{suite}.recipe").exists() or stamp.read_text() != _recipe(suite, uri)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda suite: _make(suite, uri), missing))


def _make(suite: str, uri: str) -> None:
    folder = tree(suite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder.with_name(f"{suite}.recipe")
    stamp.unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    packages = ",".join(filter(None, [PACKAGES, TREES[suite]]))
    made = subprocess.run(
        ["mmdebstrap", *OPTIONS, f"--include={packages}", suite, str(folder), uri],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"mmdebstrap could not make {suite} from {uri}: {made.stderr.strip()[-600:]}")
    stamp.write_text(_recipe(suite, uri))
    print(f"lab: made {suite}", flush=True)

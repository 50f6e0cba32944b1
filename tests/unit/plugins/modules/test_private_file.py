# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbolic modes, which Ansible's own module code reads: it is there where modules run."""

from __future__ import annotations

import pathlib
import stat

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files.edit import Wishes, write
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError

RUN = {"controller": "here", "pid": 1}


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    found = tmp_path / "app.yml"
    found.write_text("old")
    found.chmod(0o600)
    return found


@pytest.mark.parametrize("mode, wanted", [("g+r", 0o640), ("u=rw,g=r,o=", 0o640), ("a-w", 0o400)])
def test_a_symbolic_mode(path: pathlib.Path, mode: str, wanted: int) -> None:
    write(str(path), b"new", Wishes(None, None, mode), run=RUN, dead=[])
    assert stat.S_IMODE(path.stat().st_mode) == wanted and path.read_text() == "new"


@pytest.mark.parametrize("mode", ["-1", "x\x1b", "u+q", "z=r"])
def test_no_symbolic_mode(path: pathlib.Path, mode: str) -> None:
    with pytest.raises(FileError) as caught:
        write(str(path), b"new", Wishes(None, None, mode), run=RUN, dead=[])
    sentence = str(caught.value)
    assert sentence.startswith("mode is ") and "write '0600'" in sentence and sentence.isprintable()
    assert path.read_text() == "old"

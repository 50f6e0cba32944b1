# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others, full disks, odd mounts and kills: what writes and keeps files on the host, as root on real file systems."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import read
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import place_of

OTHER = 12345


def content(path: pathlib.Path) -> bytes:
    with place_of(str(path)) as place:
        seen = read(place)
    assert seen is not None
    return seen.content


@pytest.mark.parametrize("kind", ["file", "folder", "chain", "folder of folder"])
def test_a_link_of_somebody_else_is_not_followed(tmp_path: pathlib.Path, kind: str) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    theirs.mkdir()
    os.chown(str(theirs), OTHER, OTHER)
    (mine / "file").write_text("secret")
    (mine / "sub").mkdir()
    (mine / "sub" / "file").write_text("secret")
    (tmp_path / "good").symlink_to(mine / "file")
    planted = {
        "file": (mine / "file", "link"), "folder": (mine, "link/file"), "chain": (tmp_path / "good", "link"), "folder of folder": (mine / "sub", "link/file"),
    }
    target, path = planted[kind]
    (theirs / "link").symlink_to(target)
    os.lchown(str(theirs / "link"), OTHER, OTHER)
    with pytest.raises(FileError, match="made by uid 12345, but what it leads to belongs to uid 0; only a link of root"):
        content(theirs / path)
    # The same links, of root, or to what belongs to their maker, are.
    os.lchown(str(theirs / "link"), 0, 0)
    assert content(theirs / path) == b"secret"
    os.lchown(str(theirs / "link"), OTHER, OTHER)
    for one in (mine, mine / "file", mine / "sub", mine / "sub" / "file"):
        os.chown(str(one), OTHER, OTHER)
    assert content(theirs / path) == b"secret"

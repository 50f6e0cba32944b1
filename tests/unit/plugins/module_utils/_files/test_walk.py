# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a file, and which links are followed on it."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import FolderMissing, open_file, place_of


def content(path: object) -> bytes:
    with place_of(str(path)) as place:
        opened = open_file(place)
        assert opened is not None
        with open(opened, "rb") as file:
            return file.read()


@pytest.fixture()
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("text")
    return tmp_path


def test_it_goes_where_the_path_leads(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "a" / "folder").symlink_to("../a/./b/")
    (home / "link").symlink_to("a/folder/../b/file")
    (home / "again").symlink_to(home / "link")
    monkeypatch.chdir(home / "a")
    for path in (
        "b/file",
        "../a/b/../../again",
        home / "a" / "folder" / "file",
        home / "again",
        str(home) + "//a/./b/file",
    ):
        assert content(path) == b"text"
        with place_of(str(path)) as place:
            assert place.path == os.path.realpath(str(home / "a" / "b" / "file"))


def test_what_is_not_there_yet(home: pathlib.Path) -> None:
    with place_of(str(home / "a" / "new")) as place:
        assert open_file(place) is None and place.name == "new"
    with pytest.raises(
        FolderMissing, match="the folder .*/none does not exist on this host; create it first"
    ) as caught, place_of(str(home / "none/x/y")):
        pass
    assert caught.value.path == str(home / "none" / "x" / "y")


REFUSED = [
    ("a/", "which is a folder"),
    ("a", "which is a folder"),
    ("a/..", "which is a folder"),
    ("root", "which is a folder"),
    ("up", "which is a folder"),
    ("circle", "in a circle"),
    ("dangling", "is a symbolic link to .*/nothing, which does not exist; create that file or correct the link"),
    ("pipe", "no regular file"),
    ("a/b/file/x", "file is no folder"),
]


@pytest.mark.parametrize("name, sentence", REFUSED)
def test_what_is_no_file_is_refused(home: pathlib.Path, name: str, sentence: str) -> None:
    (home / "root").symlink_to("/")
    (home / "up").symlink_to("a/..")
    (home / "circle").symlink_to("circle")
    (home / "dangling").symlink_to("a/nothing")
    os.mkfifo(str(home / "pipe"))
    with pytest.raises(FileError, match=sentence):
        content(str(home) + "/" + name)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a task that no file can have: each gets one sentence, and the file stays as it is."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files.edit import Wishes, look_at, write
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import temporary_name

RUN = {"controller": "here", "pid": 1}


def refused(path: str, **wishes: t.Any) -> str:
    with pytest.raises(FileError) as caught:
        write(path, b"new", Wishes(**{"owner": None, "group": None, "mode": None, **wishes}), run=RUN, dead=[])
    return str(caught.value)


@pytest.mark.parametrize("who", ["-1", "4294967295", "4294967296", "9" * 20, "no\nbody", "\x1b[31mred", "²", "\0"])
@pytest.mark.parametrize("option", ["owner", "group"])
def test_no_user_or_group(tmp_path: pathlib.Path, option: str, who: str) -> None:
    path = tmp_path / "app.yml"
    path.write_text("old")
    sentence = refused(str(path), **{option: who})
    assert (
        sentence.startswith(f"{option} is ")
        and "write the name or number of one" in sentence
        and sentence.isprintable()
    )
    assert path.read_text() == "old"


@pytest.mark.parametrize("mode", ["0o600", "600 ", "99999", "９", "0600\n", 1.5, True, [384], {}, -1, 0o10000])
def test_no_mode(tmp_path: pathlib.Path, mode: object) -> None:
    path = tmp_path / "app.yml"
    path.write_text("old")
    sentence = refused(str(path), mode=mode)
    assert sentence.startswith("mode is ") and "write '0600'" in sentence and sentence.isprintable()
    assert path.read_text() == "old"


@pytest.mark.parametrize("mode", [600, 640, 644, 660, 400, 440, 700, 755, 0o1600])
def test_a_mode_without_quotes_that_yaml_reads_as_another_number(tmp_path: pathlib.Path, mode: int) -> None:
    path = tmp_path / "app.yml"
    path.write_text("old")
    assert refused(str(path), mode=mode).startswith(
        f"mode is the number {mode}, whose bits are 0{mode:o}; write '0600'"
    )
    assert path.read_text() == "old"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660, 0o400, 0o440, 0o755, 0])
def test_a_mode_that_yaml_reads_as_octal(tmp_path: pathlib.Path, mode: int) -> None:
    path = tmp_path / "app.yml"
    path.write_text("old")
    write(str(path), b"new", Wishes(owner=None, group=None, mode=mode), run=RUN, dead=[])
    assert path.stat().st_mode & 0o7777 == mode


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a\nb", "\u202egfc.yml", "\udcff"])
def test_no_path(tmp_path: pathlib.Path, name: str) -> None:
    sentence = refused(f"{tmp_path}/{name}")
    assert "that cannot be shown" in sentence and sentence.isprintable()


def test_no_path_behind_a_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a\nb").write_text("old")
    (tmp_path / "app.yml").symlink_to("a\nb")
    assert "that cannot be shown" in refused(f"{tmp_path}/app.yml")


@pytest.mark.parametrize(
    "asked, there, alike",
    [
        ("confg.yml", ["config.yml", "other.txt", "a\nb", ".confg.yml"], ["config.yml"]),
        ("config.yaml", ["config.yml"], ["config.yml"]),
        ("config.yml", ["mail.env"], []),
        ("config.yml", ["config.yml", "config.yaml"], []),
    ],
)
def test_what_a_mistyped_name_may_have_been_meant_for(
    tmp_path: pathlib.Path, asked: str, there: list[str], alike: list[str]
) -> None:
    for name in there:
        (tmp_path / name).write_text("old")
    assert look_at(str(tmp_path / asked), Wishes(None, None, None), run=RUN, dead=[])["alike"] == alike


@pytest.mark.parametrize("content", [b"new", b"old"], ids=["changes", "is the same"])
def test_a_write_takes_away_what_a_killed_one_left_of_its_backup(tmp_path: pathlib.Path, content: bytes) -> None:
    """With the old password in it; also where this one makes no backup."""
    path = tmp_path / "app.yml"
    path.write_text("old")
    for name in ("app.yml", "app.yml.backup"):
        (tmp_path / temporary_name(name)).write_text("old")
    write(str(path), content, Wishes(None, None, None), run=RUN, dead=[])
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]

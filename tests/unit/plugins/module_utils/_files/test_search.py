# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file as an audit reads it: what is there, what is not, and what somebody may have planted."""

from __future__ import annotations

import base64
import os
import pathlib
import shutil
import tempfile
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files.search import read_file, search


@pytest.fixture
def shared() -> t.Iterator[pathlib.Path]:
    """A folder that an ordinary user gets into, as one."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mailops-search-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_what_an_ordinary_user_may_not_read_is_named_with_a_remedy(shared: pathlib.Path) -> None:
    for name in ("opt/closed", "opt/open", "opt/half/conf"):
        (shared / name).mkdir(parents=True)
    for name in ("opt/open/.env", "opt/half/conf/app.ini", "opt/closed/.env"):
        (shared / name).write_text("smtp")
    (shared / "opt/open/.env").chmod(0)
    for name in ("opt/closed", "opt/half/conf"):
        (shared / name).chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        found = search(str(shared), ["/opt/*"], [".env", "conf/app.ini", "conf/x"], [], ["smtp"], [])
    finally:
        if root:
            os.seteuid(0)
        for name in ("opt/closed", "opt/half/conf"):
            (shared / name).chmod(0o700)
    assert sorted(one["path"] for one in found.left_out) == ["/opt/closed", "/opt/half/conf", "/opt/open/.env"]
    assert all("has no permission; set become: true" in one["reason"] for one in found.left_out)


def test_what_is_there_and_what_is_not(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/real").write_text("smtp")
    (tmp_path / "app/.env").symlink_to("real")
    (tmp_path / "app/gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "app/pipe")
    found = read_file(str(tmp_path), "/app/.env")
    assert (found["path"], found["real"], found["error"]) == ("/app/.env", "/app/real", None)
    assert base64.b64decode(found["content"]) == b"smtp"
    for path in ("/app/other", "/other/app", "/app/gone", "/app/real/x"):
        assert [read_file(str(tmp_path), path)[name] for name in ("content", "error")] == [None, None], path
    assert read_file(str(tmp_path), "/app")["error"] == "it is a folder"
    assert read_file(str(tmp_path), "/app/pipe")["error"] == "it is no regular file"
    assert read_file("/", "/dev/null")["error"] == "it is no regular file"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file as an audit reads it: what is there, what is not, and what somebody may have planted."""

from __future__ import annotations

import base64
import os
import pathlib

from ansible_collections.mailops.smtp.plugins.module_utils._files.search import read_file


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

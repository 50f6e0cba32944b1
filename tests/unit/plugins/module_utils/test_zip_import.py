# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import zipfile
import zipimport
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._zip_import import compile_once

_FILES = {
    "sent/__init__.py": "",
    "sent/inner/__init__.py": "",
    "sent/inner/one.py": "SAID = 1\n",
    "sent/inner/broken.py": "def\n",
}


@pytest.fixture(name="archive")
def made_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "payload.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in _FILES.items():
            archive.writestr(name, text)
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    return str(path)


def _importer(path: str) -> zipimport.zipimporter:
    for hook in sys.path_hooks:
        try:
            found = hook(path)
        except ImportError:
            continue
        assert isinstance(found, zipimport.zipimporter)
        return found
    raise AssertionError(path)


def test_files_have_the_names_that_python_gives_them(archive: str) -> None:
    before = [_importer(archive), _importer(f"{archive}/sent/inner")]
    names = (["sent"], ["one", "sent.inner.one"])
    expected = [[one.get_filename(name) for name in each] for one, each in zip(before, names)]
    compile_once(before[0])
    after = [_importer(archive), _importer(f"{archive}/sent/inner")]
    assert [[one.get_filename(name) for name in each] for one, each in zip(after, names)] == expected
    assert all(type(one) is not zipimport.zipimporter for one in after)


def test_a_file_is_not_compiled_to_say_its_name(archive: str) -> None:
    inner = f"{archive}/sent/inner"
    with pytest.raises(SyntaxError):
        _importer(inner).get_filename("broken")
    compile_once(_importer(archive))
    assert _importer(inner).get_filename("broken") == f"{inner}/broken.py"
    with pytest.raises(zipimport.ZipImportError):
        _importer(inner).get_filename("missing")
    with pytest.raises(SyntaxError):
        _importer(inner).get_code("broken")


def test_nothing_changes_where_modules_are_files(archive: str) -> None:
    hooks = list(sys.path_hooks)
    assert __spec__ is not None
    compile_once(__spec__.loader)
    assert sys.path_hooks == hooks

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder reads of the collection, and that it is all that the controller's half imports."""

from __future__ import annotations

import pathlib
import re

import yaml

from .slices import COLLECTIONS, run


def test_introspect(tmp_path: pathlib.Path) -> None:
    pip, bindep = tmp_path / "pip.txt", tmp_path / "bindep.txt"
    done = run("ansible-builder", "introspect", COLLECTIONS, "--write-pip", pip, "--write-bindep", bindep)
    assert done.returncode == 0, done.stderr.decode()
    text = re.sub(r"^#.*$", "", done.stdout.decode(), flags=re.M)
    assert yaml.safe_load(text) == {"python": ["bcrypt  # from collection mailops.smtp"], "system": []}
    assert pip.read_text().strip() == "bcrypt  # from collection mailops.smtp"


def test_create(tmp_path: pathlib.Path) -> None:
    """A definition with the collection in it becomes a build context."""
    (tmp_path / "mailops-smtp.tar.gz").touch()
    definition = {
        "version": 3,
        "images": {"base_image": {"name": "registry.example.com/base:latest"}},
        "dependencies": {
            "ansible_core": {"package_pip": "ansible-core>=2.19"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "galaxy": {"collections": [{"name": "mailops-smtp.tar.gz", "type": "file"}]},
        },
    }
    (tmp_path / "execution-environment.yml").write_text(yaml.safe_dump(definition))
    done = run("ansible-builder", "create", cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert "mailops-smtp.tar.gz" in (tmp_path / "context/_build/requirements.yml").read_text()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several of these tests start Mailpit with."""

from __future__ import annotations

import pathlib

import pytest

from tests.support.pki import Pki


@pytest.fixture(scope="session")
def mailpit_files(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with cert.pem, key.pem, and a passwd with one account, app:secret."""
    folder = tmp_path_factory.mktemp("files")
    issued = Pki(folder / "pki").issue("localhost")
    (folder / "cert.pem").write_bytes(issued.chain_file.read_bytes())
    (folder / "key.pem").write_bytes(issued.key_file.read_bytes())
    (folder / "passwd").write_text("app:secret\n")
    return folder

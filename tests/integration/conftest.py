# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several of these tests need, and how they share several processes."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.order import longest_first
from tests.support.parallel import Together
from tests.support.pki import Pki

# Files with many long tests and nothing dear that these share.
_ONE_BY_ONE = ("test_app_mail_config.py", "test_mailpit_role.py", "test_role_mail_config.py")

# They take the most time, by far.
_LONGEST = (
    "test_mailpit_role.py", "test_role_mail_config.py", "test_role_files.py", "test_environments.py", "test_mailpit_staging.py", "test_secrets.py",
    "test_mailpit_modes.py", "test_mailpit_message_info.py", "test_playbooks.py", "test_pangolin_nodemailer.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items, _LONGEST)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """A file stays together, as its tests often share one long run of Ansible."""
    return Together(
        config, log, lambda nodeid: nodeid if any(name in nodeid for name in _ONE_BY_ONE) else nodeid.partition("::")[0]
    )


@pytest.fixture(scope="session")
def mailpit_files(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with cert.pem, key.pem, and a passwd with one account, app:secret."""
    folder = tmp_path_factory.mktemp("files")
    issued = Pki(folder / "pki").issue("localhost")
    (folder / "cert.pem").write_bytes(issued.chain_file.read_bytes())
    (folder / "key.pem").write_bytes(issued.key_file.read_bytes())
    (folder / "passwd").write_text("app:secret\n")
    return folder


@pytest.fixture
def temporary_folders() -> Iterator[dict[str, pathlib.Path]]:
    """A run's own folders for temporary files, by the variables that name them.

    Their paths are short, as those of sockets have to be (107 octets), which Ansible makes there.
    """
    with tempfile.TemporaryDirectory(prefix="run-") as top:
        folders = {
            "ANSIBLE_LOCAL_TEMP": pathlib.Path(top, "local"),
            "ANSIBLE_REMOTE_TEMP": pathlib.Path(top, "remote"),
            "TMPDIR": pathlib.Path(top, "tmp"),
        }
        for folder in folders.values():
            folder.mkdir()
        yield folders

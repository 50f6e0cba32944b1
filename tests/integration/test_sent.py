# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real ansible-playbook sends to a host to probe: our own files alone, and each option of Ansible's still counts."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

from tests.support.pki import Pki
from tests.support.playbook import Run, play
from tests.support.postfix import Listener, Postfix

# A Python that keeps what it is sent.
_KEEPING = """#!/bin/sh
cat > "{kept}.$$"
exec {python} "$@" < "{kept}.$$"
"""


@pytest.fixture(name="relay", scope="module")
def made_relay(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, t.Any]]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    with Postfix([Listener("starttls")], certificate=pki.issue("localhost", ips=["127.0.0.1"])) as postfix:
        port = postfix.port("starttls")
        yield {"host": "127.0.0.1", "port": port, "security": "starttls", "ca_path": str(pki.ca_file), "timeout": 20}


def _gate(relay: dict[str, t.Any], folder: pathlib.Path, python: object, **keywords: t.Any) -> Run:
    tasks = [
        {"name": "Gate", "mailops.smtp.smtp_gate": relay, "register": f"gate{number}", **keywords} for number in (1, 2)
    ]
    options = ("-e", f"ansible_python_interpreter={python}")
    return play(folder / "run", tasks, {}, *options, saved=["gate1", "gate2"])


def test_our_files_alone_are_sent(relay: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    kept, python = tmp_path / "sent", tmp_path / "python"
    python.write_text(_KEEPING.format(kept=kept, python=sys.executable))
    python.chmod(0o755)
    run = _gate(relay, tmp_path, python)
    assert run.saved["gate1"]["selected"]["ok"], run.output
    probes = [one for one in (path.read_bytes() for path in tmp_path.glob("sent.*")) if b"_from_memory" in one]
    assert [len(one) < 80_000 for one in probes] == [True, True] and b"AnsibleModule" not in probes[0]


def test_the_environment_of_the_task_counts(relay: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    python, mark = tmp_path / "python", tmp_path / "mark"
    python.write_text(f'#!/bin/sh\nprintf %s "$MARK" >> {mark}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert _gate(relay, tmp_path, python, environment={"MARK": "+"}).saved["gate2"]["selected"]["ok"]
    assert mark.read_text() == "++"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source under a real ansible-rulebook: a relay breaks and heals, and the rules run."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator

import yaml

from tests.support.faulty import FaultyServer, smtp
from tests.support.pki import Pki

from .slices import COLLECTIONS, good

PASSWORD = "s3cret-of-the-watch"


class Rulebook:
    """A running ansible-rulebook and what it has said so far."""

    def __init__(self, folder: pathlib.Path, *arguments: object, **of_host: object) -> None:
        self.log = folder / "rulebook.log"
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": {"localhost": {**local, **of_host}}}}
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        command = ["ansible-rulebook", "-i", folder / "inventory.yml", *arguments]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(one) for one in command], cwd=folder, env=environment, stdout=log, stderr=log
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end and self.process.poll() is None, f"no {words!r} in:\n{self.text}"
            time.sleep(0.2)


@contextlib.contextmanager
def rulebook(folder: pathlib.Path, *arguments: object, **of_host: object) -> Iterator[Rulebook]:
    running = Rulebook(folder, *arguments, **of_host)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(60)


def watched(server: FaultyServer, pki: Pki) -> dict[str, t.Any]:
    entry = {"host": "127.0.0.1", "port": server.port, "security": "starttls", "server_name": "relay.test"}
    login = {"username": "watcher", "password": PASSWORD}
    return {**entry, **login, "ca_path": str(pki.ca_file), "timeout": 3}


def test_the_example(tmp_path: pathlib.Path) -> None:
    """The rulebook of the collection, by its name."""
    pki = Pki(tmp_path / "pki")
    sound = good(pki)
    with FaultyServer(sound) as server:
        relay, config = watched(server, pki), tmp_path / "config.yml"
        variables = {"mail_endpoints": [relay], "mail_interval": 1}
        (tmp_path / "relays.yml").write_text(yaml.safe_dump(variables))
        of_host = {
            "mail_config_settings": {**relay, "sender": "app@relay.test"},
            "mail_config_apps": [{"app": "nodemailer", "path": str(config)}],
        }
        with rulebook(
            tmp_path, "-r", "mailops.smtp.mail_gate", "--vars", tmp_path / "relays.yml", **of_host
        ) as running:
            while server.connections < 2:
                time.sleep(0.1)
                assert running.process.poll() is None, running.text
            server.behaviour = smtp(greeting="554 Not today")
            running.wait_for("cannot send mail through")
            running.wait_for("PLAY [Refuse hosts from which mail would not work]")
            server.behaviour = sound
            running.wait_for("can send mail through")
            running.wait_for("PLAY [Give the apps their relay, where it works]")
            running.wait_for("PLAY RECAP")
            end = time.monotonic() + 60
            while not config.exists():
                assert time.monotonic() < end, running.text
                time.sleep(0.2)
        text = running.text
    assert "greeted with a refusal: '554 Not today'" in text
    assert PASSWORD not in text


def test_words_of_a_relay_are_data(tmp_path: pathlib.Path) -> None:
    """They reach a playbook as extra variables, which Ansible takes for templates."""
    pki, owned = Pki(tmp_path / "pki"), tmp_path / "owned"
    hostile = smtp(greeting=f"554 {{{{ lookup('ansible.builtin.pipe', 'touch {owned}') }}}}")
    show = {"ansible.builtin.debug": {"msg": "{{ ansible_eda.event.message }} {{ said }}"}}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [show]}]
    (tmp_path / "show.yml").write_text(json.dumps(play))
    with FaultyServer(hostile) as server:
        source = {"endpoints": [watched(server, pki)], "interval": 1, "initial": True, "alternatives": []}
        extra = {"said": "{{ event.sentence }}"}
        action = {"run_playbook": {"name": str(tmp_path / "show.yml"), "extra_vars": extra}}
        rules = [{"name": "Show", "condition": 'event.change == "initial"', "action": action}]
        book = [{"name": "Show", "hosts": "all", "sources": [{"mailops.smtp.verdict_changes": source}], "rules": rules}]
        (tmp_path / "rulebook.yml").write_text(yaml.safe_dump(book))
        with rulebook(tmp_path, "-r", tmp_path / "rulebook.yml") as running:
            running.wait_for("PLAY RECAP")
        text = running.text
    assert "lookup('ansible.builtin.pipe'" in text.replace("\\'", "'")
    assert not owned.exists()


def test_a_wrong_option_is_one_sentence(tmp_path: pathlib.Path) -> None:
    variables = {"mail_endpoints": [{"host": "relay.test", "prot": 465}], "mail_interval": 1}
    (tmp_path / "relays.yml").write_text(yaml.safe_dump(variables))
    with rulebook(tmp_path, "-r", "mailops.smtp.mail_gate", "--vars", tmp_path / "relays.yml") as running:
        assert running.process.wait(90) != 0
        assert "endpoints[0].prot is not an option; write port." in running.text

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that vanishes in the middle of a task of mail_config: the next run finishes it and leaves no password behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.controllers import ansible_playbook
from lab.hosts import python_of, ssh
from lab.network import in_namespace
from lab.plan import HOSTS, NODES, ROOT, RUN, Host, ipv4
from lab.vanishing import Disk, vanishing
from tests.support.pki import Pki

HOST = HOSTS[9]
RELAY = (ipv4(*NODES["relays"]), 2587)
PASSWORD, OLD_PASSWORD = "n3w-Secret.of-the-app", "0ld-Secret.of-the-app"
CONFIG = "/opt/pangolin/config.yml"
OLD = f"app:\n  name: x # stays\nemail:\n  smtp_host: old.example.com\n  smtp_pass: {OLD_PASSWORD}\n"
# The folder of ssh's connections, one for each process that runs tests.
CONNECTIONS = RUN / f"vanish-cp-{os.getpid()}"
# The app reads its file when it starts; with the new settings it does not where /opt/broken is.
START = f"""#!/bin/sh
[ ! -e /opt/broken ] || ! grep -q {PASSWORD} {CONFIG} || exit 1
cp {CONFIG} /opt/running
"""
SERVE = """
import ssl, sys
sys.path.insert(0, sys.argv[1])
from tests.support.faulty import FaultyServer, honest, smtp
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[4])
behaviour = smtp(starttls=honest(context), users={"app": sys.argv[5]}, mechanisms_after_tls=["PLAIN"])
with FaultyServer(behaviour, sys.argv[2], int(sys.argv[3])):
    print("ready", flush=True)
    sys.stdin.read()
"""


APPS = [{"app": "pangolin", "path": CONFIG, "restart": {"command": ["/opt/start"]}}]


class Place:
    """The host with its app, and how it is deployed to: with `more` variables."""

    def __init__(self, folder: Path, ca: str, host: Host, relay: tuple[str, int], **more: object) -> None:
        self.folder, self.host, self.disk = folder, host, Disk(host)
        self.on_host("mkdir -p /opt/pangolin; cat > /opt/start; chmod 755 /opt/start", START)
        self.on_host("cat > /opt/ca.pem", ca)
        connection = {
            "ansible_host": host.address,
            "ansible_user": "deploy",
            "ansible_python_interpreter": python_of(host),
        }
        settings = {
            "host": relay[0], "port": relay[1], "secure": "false", "ca_path": "/opt/ca.pem",
            "username": "app", "password": PASSWORD, "sender": "app@example.com",
        }  # fmt: skip
        variables = {
            "mail_config_settings": settings,
            "mail_config_apps": APPS,
            "mail_config_check_credentials": True,
            "mail_config_prove_recipient": "ops@example.com",
            **more,
        }
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": {host.name: {**connection, **variables}}}}))
        (folder / "play.yml").write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "become": True, "roles": ["mailops.smtp.mail_config"]}])
        )

    def on_host(self, command: str, stdin: str = "") -> str:
        return subprocess.run(ssh(self.host, command), input=stdin, capture_output=True, text=True, check=False).stdout

    def reset(self, broken: bool = False) -> None:
        """The app runs with its old settings."""
        self.on_host(
            f"cat > {CONFIG}; cp {CONFIG} /opt/running; rm -f /opt/broken; {'touch /opt/broken' if broken else ':'}",
            OLD,
        )

    def play(self, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The role, with a connection that notices within two seconds that the host is gone."""
        arguments = ["-i", str(self.folder / "inventory.json"), str(self.folder / "play.yml")]
        alive = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2 -o ConnectTimeout=3"
        settings = {
            "ANSIBLE_REMOTE_TMP": "~/.ansible/tmp",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(CONNECTIONS),
            "ANSIBLE_SSH_EXTRA_ARGS": alive,
            **(environment or {}),
        }
        done = ansible_playbook("2.21", self.folder, *arguments, environment=settings)
        printed = done.stdout + done.stderr
        assert PASSWORD not in printed and OLD_PASSWORD not in printed and "Traceback" not in printed, printed
        return done

    def held(self, path: str = CONFIG) -> str:
        """What a file of the host holds."""
        return self.on_host(f"cat {path}")

    def secrets(self) -> list[str]:
        """The files of the host that hold a password of the app."""
        # Not the app's own three.
        places = "/opt /var /srv /root /home /etc /tmp /run"
        found = self.on_host(f"grep -rlF -e {PASSWORD} -e {OLD_PASSWORD} {places} 2>/dev/null").split()
        return sorted(set(found) - {CONFIG, "/opt/running", "/opt/start"})


@contextmanager
def placed(folder: Path, host: Host, relay: tuple[str, int], **more: object) -> Iterator[Place]:
    """The host, and a relay that takes the new password."""
    pki = Pki(folder / "pki")
    issued = pki.issue("relay.lab.test", ips=[relay[0]])
    serve = [sys.executable, "-c", SERVE, str(ROOT), relay[0], str(relay[1]), str(issued.both_file), PASSWORD]
    with subprocess.Popen(
        in_namespace("relays", *serve), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        found = Place(folder, pki.ca_file.read_text(), host, relay, **more)
        try:
            yield found
        finally:
            found.disk.close()
            shutil.rmtree(CONNECTIONS, ignore_errors=True)
            process.kill()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("vanish"), HOST, RELAY) as found:
        yield found


@pytest.fixture(scope="module")
def new(place: Place) -> str:
    """The app's file after a run without trouble."""
    place.reset()
    done = place.play()
    assert done.returncode == 0, done.stdout
    written = place.held()
    assert PASSWORD in written and place.held("/opt/running") == written and place.secrets() == []
    return written


@pytest.mark.parametrize(
    ("task", "way", "delay", "broken"),
    [
        ("Put the settings into the apps' files", "sshd", 0.3, False),
        ("Run the restart commands of the apps that changed", "network", 0.1, False),
        ("Put the old files back", "reboot", 0.2, True),
    ],
)
def test_the_next_run_finishes(place: Place, new: str, task: str, way: str, delay: float, broken: bool) -> None:
    """With `broken` the app does not start with its new settings, so that both runs have to go back."""
    place.reset(broken)
    with vanishing(place.disk, task, way, CONNECTIONS, delay) as environment:
        first = place.play(environment)
    # Going back, the role says why it failed although the host is gone.
    gone = (
        ("run it again" in first.stdout or "the next run tries it again" in first.stdout)
        if broken
        else "UNREACHABLE" in first.stdout
    )
    assert gone and "ssh:." not in first.stdout, first.stdout
    between = place.held()
    assert between in (OLD, new)
    second = place.play()
    right = OLD if broken else new
    assert (second.returncode == 0) is not broken, second.stdout + second.stderr
    assert (place.held(), place.held("/opt/running"), place.secrets()) == (right, right, [])
    said = f"begun to change {CONFIG}; this run finishes it." in " ".join((second.stdout + second.stderr).split())
    assert said or between == OLD, second.stdout + second.stderr

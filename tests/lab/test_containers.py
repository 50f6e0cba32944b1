# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The role mailpit with a container of a real Podman, as a quadlet under a real systemd and with podman-compose.

The image is made of Mailpit's own program. The tests of one way go on from each other, in the order of this file.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.controllers import ansible_playbook
from lab.hosts import python_of, ssh
from lab.network import in_namespace, run
from lab.plan import MAILPIT, NODES
from lab.staging import changed
from tests.support import mailpit

NAME = "mailpit.staging.example.com"
PASSWORD, SECOND = "pa ss:\"'#;$ wörd", "an0ther-Secret"
VERSION = mailpit.PINNED[-1].lstrip("v")
IMAGE = f"localhost/mailpit:{VERSION}"
# No overlays, limits or buses in a host that is a namespace itself; what the role does is the same.
SETUP = """
mkdir -p /etc/containers
printf '[storage]\\ndriver="vfs"\\nrunroot="/run/containers/storage"\\ngraphroot="/var/lib/containers/storage"\\n' > /etc/containers/storage.conf
printf '[engine]\\ncgroup_manager="cgroupfs"\\n[containers]\\npids_limit=0\\n' > /etc/containers/containers.conf
podman import --quiet --change 'ENTRYPOINT ["/mailpit"]' - $IMAGE
"""
WAYS = {
    "podman_quadlet": {"mailpit_service_name": "mailpit-quadlet", "mailpit_smtp_port": 587, "mailpit_ui_port": 8125},
    "compose": {
        "mailpit_service_name": "mailpit-compose", "mailpit_smtp_port": 588, "mailpit_ui_port": 8126,
        "mailpit_compose_command": ["podman-compose"],
    },
}  # fmt: skip
# Logs in from the controller's network: with the password, and three times with a wrong one.
CLIENT = """
import base64, smtplib, ssl, sys
port, ca, name, password = sys.argv[1:]
def login(password):
    with smtplib.SMTP(sys.stdin.readline().strip() or "ADDRESS", int(port), timeout=10) as client:
        client._host = "mailpit.staging.example.com"
        client.starttls(context=ssl.create_default_context(cafile=ca))
        client.ehlo()
        pair = base64.b64encode(("\\0" + name + "\\0" + password).encode()).decode()
        return client.docmd("AUTH", "PLAIN " + pair)[0]
print(login(password))
""".replace("ADDRESS", MAILPIT.address)


def on_host(command: str, stdin: bytes | None = None) -> str:
    """Run a shell command as root on the host and give what it prints, whether it fails or not."""
    done = subprocess.run(ssh(MAILPIT, command), input=stdin, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


class Way:
    """One way to run the container, with the options of the role for it."""

    def __init__(self, manager: str, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, Any] = {
            "mailpit_service_manager": manager, "mailpit_image": IMAGE, "mailpit_image_pull": "never", "mailpit_server_names": [NAME],
            "mailpit_verify_host": "127.0.0.1", "mailpit_auth": "users", "mailpit_users": [{"name": "app", "password": PASSWORD}],
            "mailpit_send_api_users": [{"name": "api", "password": PASSWORD}], "mailpit_ui_tls": True, **WAYS[manager],
        }  # fmt: skip
        self.name = self.variables["mailpit_service_name"]
        self.port = self.variables["mailpit_smtp_port"]
        entry = {"ansible_host": MAILPIT.address, "ansible_user": "root", "ansible_python_interpreter": python_of(MAILPIT)}
        (folder / "inventory.json").write_text(json.dumps({"all": {"children": {"mailpit": {"hosts": {NAME: entry}}}}}))

    def play(self, *options: str, fails: bool = False, playbook: str = "", **changes: Any) -> str:
        """The output of the role, or of a playbook of the collection, that must not fail, or must."""
        own = self.folder / "play.yml"
        include = {"name": "Run", "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit"}}
        own.write_text(yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "tasks": [include]}]))
        extra = self.folder / "extra.json"
        extra.write_text(json.dumps({**self.variables, **changes}))
        arguments = ["-i", str(self.folder / "inventory.json"), "-e", f"@{extra}", *options, playbook or str(own)]
        done = ansible_playbook("2.21", self.folder, *arguments, seconds=200)
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, printed[-6000:]
        assert not any(secret in printed for secret in (PASSWORD, SECOND, "PRIVATE KEY", "$2b$", "Traceback")), printed
        return printed

    def first(self) -> str:
        """The number of Mailpit's process on its host."""
        return on_host(f"podman container inspect --format '{{{{.State.Pid}}}}' {self.name}").strip()

    def login(self, name: str, password: str) -> str:
        """The reply to a login from another host, after STARTTLS with the CA that the role hands out."""
        ca = self.folder / "ca.pem"
        ca.write_text(on_host(f"cat /etc/ssl/{self.name}-staging-ca.pem"))
        return run(in_namespace("relays", sys.executable, "-c", CLIENT, str(self.port), str(ca), name, password)).strip()


@pytest.fixture(scope="module", params=list(WAYS))
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    folder = tmp_path_factory.mktemp(request.param)
    if "mailpit" not in on_host("podman images"):
        with tarfile.open(folder / "image.tar", "w") as tar:
            tar.add(mailpit.binary(f"v{VERSION}"), "mailpit")
        print(on_host(SETUP.replace("$IMAGE", IMAGE), (folder / "image.tar").read_bytes()))
    yield Way(request.param, folder)


def test_from_nothing_to_a_proven_container(way: Way) -> None:
    foreseen = changed(way.play("--check", "--diff"))
    assert foreseen[NAME] > 0 and on_host(f"ls -d /etc/{way.name} /var/lib/{way.name} 2>/dev/null; podman ps -aq") == ""
    output = way.play("--diff", "-vv")
    assert "The right client gets in" in output and "The wrong clients do not" in output
    assert way.login("app", PASSWORD) == "235" and way.login("app", "wrong") == "535"
    assert changed(way.play()) == {NAME: 0}
    assert way.play("--check").count("changed=0") == 1


def test_what_an_intruder_in_the_container_has(way: Way) -> None:
    pid = way.first()
    status = on_host(f"cat /proc/{pid}/status")
    uid = on_host(f"id -u {way.name}").strip()
    assert f"Uid:\t{uid}\t" in status and uid not in ("0", "") and "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000400" in status, "CAP_NET_BIND_SERVICE and nothing else"
    inside = f"nsenter --target {pid} --mount --root"
    assert "mailpit" in on_host(f"ls /proc/{pid}/root") and "ca.key" in on_host(f"ls /etc/{way.name}/ca")
    assert on_host(f"ls /proc/{pid}/root/etc/{way.name}").split() == ["send-api.passwd", "smtp.passwd", "tls"], inside
    # Nothing of a secret in what the engine shows, in the environment and in lists of processes.
    shown = on_host(f"podman inspect {way.name}; tr '\\0' '\\n' < /proc/{pid}/environ; ps axww || cat /proc/*/cmdline")
    assert "MP_SMTP_AUTH_FILE" in shown and PASSWORD not in shown and "$2b$" not in shown and "PRIVATE KEY" not in shown
    assert on_host(f"podman healthcheck run {way.name}; echo $?").strip().endswith("0")


def test_what_cannot_work_is_refused_and_what_does_not_come_up_is_undone(way: Way) -> None:
    before = way.first()
    on_host("systemd-run --quiet --unit=squatter python3 -m http.server --bind 127.0.0.1 2525; sleep 1")
    output = way.play(fails=True, mailpit_smtp_port=2525)
    assert "mailpit_smtp_port is 2525, which python3 (process" in output and "of squatter.service) of this host" in output
    on_host("systemctl stop squatter")
    assert "mailpit_image_pull is never: load it first" in way.play(fails=True, mailpit_image="localhost/other:1")
    other = "systemd" if way.variables["mailpit_service_manager"] != "systemd" else "compose"
    manager = way.variables["mailpit_service_manager"]
    assert f"which runs with mailpit_service_manager: {manager}: remove that one first" in way.play(
        fails=True, mailpit_service_manager=other, mailpit_install=False, mailpit_binary="/bin/true"
    )
    assert way.first() == before, "a refusal changes nothing"
    output = way.play(fails=True, mailpit_environment={"MP_MAX_AGE": "never"}, mailpit_verify_timeout=6)
    assert "takes no connection on port" in output and "Mailpit has its old configuration back." in output, output
    assert "MAX_AGE" in output.upper() or "age" in output, output
    assert way.login("app", PASSWORD) == "235" and on_host("ls /var/lib/mailops.smtp") == ""
    assert changed(way.play()) == {NAME: 0}


def test_rotation_and_the_watch(way: Way) -> None:
    certificate = on_host(f"cat /etc/{way.name}/tls/cert.pem")
    users = [{"name": "app-2", "password": SECOND}]
    way.play(mailpit_users=users, mailpit_keep_users=True, mailpit_certificate_renew_now=True)
    assert (way.login("app", PASSWORD), way.login("app-2", SECOND)) == ("235", "235")
    assert on_host(f"cat /etc/{way.name}/tls/cert.pem") != certificate
    way.variables["mailpit_users"] = users
    way.play()
    assert (way.login("app", PASSWORD), way.login("app-2", SECOND)) == ("535", "235")
    # Since its present start: one wrong login above, three here. Those of the role's own proof are not counted.
    for _turn in range(3):
        way.login("app-2", "wrong")
    output = way.play(fails=True, playbook="mailops.smtp.mailpit_watch", mailpit_watch_since="1hour", mailpit_watch_limit=2)
    assert "times auth_rejected" in output and "where 2 was the limit" in output
    assert "auth_requires_tls" not in output, output


def test_removed_without_a_trace(way: Way) -> None:
    way.play(mailpit_state="absent", mailpit_remove_data=True)
    left = f"ls -d /etc/{way.name} /var/lib/{way.name} /etc/containers/systemd/{way.name}.container /etc/ssl/{way.name}-staging-ca.pem 2>/dev/null"
    assert on_host(f"{left}; id {way.name} 2>/dev/null; podman ps -aq; systemctl is-active {way.name}") == "inactive\n"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The role mailpit with a container of a real Podman, as a quadlet under a real systemd and with podman-compose.

The image is made of Mailpit's own program. The tests of one way go on from each other, in the order of this file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.controllers import ansible_playbook
from lab.hosts import python_of, ssh
from lab.network import in_namespace, run
from lab.plan import MAILPIT, ROOT
from lab.trees import tree
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
    "podman_quadlet": {"mailpit_service_name": "mailpit-quadlet", "mailpit_renewal": True, "mailpit_smtp_port": 587, "mailpit_ui_port": 8125},
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
        self.folder, self.manager = folder, manager
        self.variables: dict[str, Any] = {
            "mailpit_service_manager": manager, "mailpit_image": IMAGE, "mailpit_image_pull": "never", "mailpit_server_names": [NAME],
            "mailpit_verify_host": "127.0.0.1", "mailpit_auth": "users", "mailpit_users": [{"name": "app", "password": PASSWORD}],
            "mailpit_send_api_users": [{"name": "api", "password": PASSWORD}], "mailpit_ui_tls": True,
            "mailpit_environment": {"SSL_CERT_DIR": "/etc/ssl/certs:/usr/share/ca-certificates"}, **WAYS[manager],
        }  # fmt: skip
        self.name = self.variables["mailpit_service_name"]
        self.port = self.variables["mailpit_smtp_port"]
        entry = {
            "ansible_host": MAILPIT.address,
            "ansible_user": "root",
            "ansible_python_interpreter": python_of(MAILPIT),
        }
        group = {"hosts": {NAME: entry}, "vars": self.variables}
        (folder / "inventory.json").write_text(json.dumps({"all": {"children": {"mailpit": group}}}))

    def role(self, *steps: Mapping[str, Any], options: Sequence[str] = (), tasks: str = "main") -> list[str]:
        """What the role printed with these changes of the options, one run of Ansible for all. One that fails does not end the others."""
        include = {"name": "mailops.smtp.mailpit", "tasks_from": tasks}
        play = []
        for step in steps:
            shown = {
                "name": "Say that it failed",
                "ansible.builtin.debug": {"msg": "FAILED: {{ ansible_failed_result.msg }}"},
            }
            task = {"name": "Run", "ansible.builtin.include_role": include, "vars": dict(step)}
            play += [{"name": f"STEP of {self.name}", "block": [task], "rescue": [shown]}]
            play += [{"name": "END", "ansible.builtin.debug": {"msg": "END OF STEP"}}]
        own = self.folder / "play.yml"
        own.write_text(yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "tasks": play}]))
        return self.playbook(str(own), *options).split("END OF STEP")[:-1]

    def playbook(self, name: str, *options: str, fails: bool = False, **extra: Any) -> str:
        """The output of a playbook that must not fail, or must."""
        given = self.folder / "extra.json"
        given.write_text(json.dumps(extra))
        done = ansible_playbook(
            "2.21",
            self.folder,
            "-i",
            str(self.folder / "inventory.json"),
            "-e",
            f"@{given}",
            *options,
            name,
            seconds=400,
        )
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
        return run(
            in_namespace("relays", sys.executable, "-c", CLIENT, str(self.port), str(ca), name, password)
        ).strip()


BOTH = list(WAYS)
# The way with compose from end to end takes as long again: with --deep.
QUADLET = [pytest.param(name, marks=[] if name == "podman_quadlet" else [pytest.mark.deep]) for name in WAYS]


# Each test begins with what those before it left (tools/test).
IN_ORDER = True


@pytest.fixture(scope="module")
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    folder = tmp_path_factory.mktemp(request.param)
    if "mailpit" not in on_host("podman images"):
        with tarfile.open(folder / "image.tar", "w") as tar:
            tar.add(mailpit.binary(f"v{VERSION}"), "mailpit")
            # podman-compose starts health checks with a shell. The project's image has the same one.
            tar.add(tree(MAILPIT.tree) / "usr/bin/busybox", "bin/sh")
        print(on_host(SETUP.replace("$IMAGE", IMAGE), (folder / "image.tar").read_bytes()))
    yield Way(request.param, folder)


@pytest.mark.parametrize("way", BOTH, indirect=True)
def test_from_nothing_to_a_proven_container(way: Way) -> None:
    if way.manager == "podman_quadlet":
        (foreseen,) = way.role({}, options=["--check", "--diff"])
        assert "changed: [" in foreseen and "FAILED" not in foreseen, foreseen
        assert on_host(f"ls -d /etc/{way.name} /var/lib/{way.name} 2>/dev/null; podman ps -aq") == ""
    first, again = way.role({}, {}, options=["--diff"])
    assert "The right client gets in" in first and "The wrong clients do not" in first and "FAILED" not in first, first
    assert "FAILED" not in again and "changed: [" not in again, again
    assert way.login("app", PASSWORD) == "235" and way.login("app", "wrong") == "535"


@pytest.mark.parametrize("way", QUADLET, indirect=True)
def test_what_an_intruder_in_the_container_has(way: Way) -> None:
    pid = way.first()
    status = on_host(f"cat /proc/{pid}/status")
    uid = on_host(f"id -u {way.name}").strip()
    assert f"Uid:\t{uid}\t" in status and uid not in ("0", "") and "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000400" in status, "CAP_NET_BIND_SERVICE and nothing else"
    # /proc/PID/root is what the process in the container has as its root folder.
    assert "mailpit" in on_host(f"ls /proc/{pid}/root") and "ca.key" in on_host(f"ls /etc/{way.name}/ca")
    assert on_host(f"ls /proc/{pid}/root/etc/{way.name}").split() == ["send-api.passwd", "smtp.passwd", "tls"]
    for folder in ("/etc/ssl/certs", "/usr/share/ca-certificates"):
        assert on_host(f"ls /proc/{pid}/root{folder}") == on_host(f"ls {folder}") != ""
    # Nothing of a secret in what the engine shows, in the environment and in lists of processes.
    shown = on_host(f"podman inspect {way.name}; tr '\\0' '\\n' < /proc/{pid}/environ; ps axww || cat /proc/*/cmdline")
    assert "MP_SMTP_AUTH_FILE" in shown and PASSWORD not in shown and "$2b$" not in shown and "PRIVATE KEY" not in shown
    assert on_host(f"podman healthcheck run {way.name}; echo $?").strip().endswith("0")


@pytest.mark.parametrize("way", QUADLET[:1], indirect=True)
def test_the_gate_asks_from_a_container(way: Way) -> None:
    """docs/from-a-container.md: with the network, the names and the CAs of an app's container, in which there is no Python."""
    example = str(ROOT / "docs" / "examples" / "container" / "gate.yml")
    on_host(f"mkdir -p /var/tmp/cas && cp /etc/ssl/{way.name}-staging-ca.pem /var/tmp/cas/ours.pem")
    start = "podman run --detach --quiet --name {} --volume /var/tmp/cas:/cas:ro --tmpfs /tmp {} " + IMAGE
    relay = {"host": "relay.of.the.app", "port": way.port, "security": "starttls", "server_name": NAME, "timeout": 10}
    settings = {"mail_config_settings": relay}
    known = f"--add-host relay.of.the.app:{MAILPIT.address}"
    listen = " --smtp 127.0.0.1:2526 --listen 127.0.0.1:8527"
    for name, options in {"alone": f"--network none {known}", "within": f"--network host {known}"}.items():
        print(on_host(start.format(name, options) + listen))
    try:
        assert "true true" in on_host(
            "podman container inspect --format '{{.State.Running}}' alone within | paste -sd ' '"
        )
        passed = way.playbook(example, mail_container="within", mail_container_cas="/cas/ours.pem", **settings)
        assert "failed=0" in passed, passed
        without = way.playbook(example, fails=True, mail_container="within", **settings)
        assert '"cause": "certificate_untrusted"' in without, without
        cut_off = way.playbook(
            example, fails=True, mail_container="alone", mail_container_cas="/cas/ours.pem", **settings
        )
        assert '"cause": "no_route"' in cut_off, cut_off
        # Nothing is left in the host's own view.
        assert "relay.of.the.app" not in on_host("cat /etc/hosts; cat /proc/mounts")
    finally:
        on_host("podman rm --force --time 0 alone within; rm -r /var/tmp/cas")


def what_cannot_work(way: Way) -> None:
    """Refused without a change: who listens is not this container's process, there is no image, the name is another way's."""
    before = way.first()
    on_host("systemd-run --quiet --unit=squatter python3 -m http.server --bind 127.0.0.1 2525; sleep 1")
    other = {"mailpit_service_manager": "systemd", "mailpit_install": False, "mailpit_binary": "/bin/true"}
    occupied, missing, another = way.role({"mailpit_smtp_port": 2525}, {"mailpit_image": "localhost/other:1"}, other)
    on_host("systemctl stop squatter")
    assert (
        "FAILED: mailpit_smtp_port is 2525, which python3 (process" in occupied and "of squatter.service)" in occupied
    )
    assert "mailpit_image_pull is never: load it first" in missing
    assert f"which runs with mailpit_service_manager: {way.manager}: remove that one first" in another
    assert way.first() == before, "a refusal changes nothing"


@pytest.mark.parametrize("way", QUADLET, indirect=True)
def test_what_cannot_work_is_refused_and_what_does_not_come_up_is_undone(way: Way) -> None:
    if way.manager == "compose":
        what_cannot_work(way)
    (broken,) = way.role({"mailpit_environment": {"MP_MAX_AGE": "never"}, "mailpit_verify_timeout": 30})
    assert "takes no connection on port" in broken and "Mailpit has its old configuration back." in broken, broken
    assert "level=error" in broken or "level=fatal" in broken, broken
    assert way.login("app", PASSWORD) == "235" and on_host("ls /var/lib/mailops.smtp") == ""


def renewed_by_the_timer(way: Way, name: str, password: str) -> None:
    """As if time had gone by: the timer's service runs in its sandbox, with what is asked for in its settings."""
    unit, certificate = f"{way.name}-renewal", f"/etc/{way.name}/tls/cert.pem"
    assert (
        on_host(f"systemctl is-active {unit}.timer; systemctl list-timers --no-pager | grep -c {unit}") == "active\n1\n"
    )
    before = on_host(f"cat {certificate}; stat -c '%U %a' /etc/{way.name}/tls/*")
    on_host(
        f'sed -i \'s/"renew_days": 121/"renew_days": 400/; s/"days": 365/"days": 700/\' /etc/{way.name}/mailops-renewal.json'
    )
    trust = f"/etc/ssl/{way.name}-staging-ca.pem"
    on_host(f"cp {trust} /run/trust; sed -i 's/^M/N/' {trust}")
    failed = on_host(f"systemctl start {unit}; systemctl is-failed {unit}; journalctl --no-pager -o cat -u {unit} -n 3")
    assert "clients would refuse a new certificate" in failed and before.startswith(on_host(f"cat {certificate}")), (
        failed
    )
    assert way.first() != ""
    on_host(f"cp /run/trust {trust}; systemctl start {unit}")
    said = on_host(f"journalctl --no-pager -o cat -u {unit} -n 4")
    after = on_host(f"cat {certificate}; stat -c '%U %a' /etc/{way.name}/tls/*")
    assert after != before and after.splitlines()[-2:] == before.splitlines()[-2:], said
    assert way.login(name, password) == "235" and on_host(f"ls /etc/{way.name}/ca").split() == ["ca.key", "ca.pem"]


@pytest.mark.parametrize("way", QUADLET, indirect=True)
def test_rotation_and_the_watch(way: Way) -> None:
    name, password = "app", PASSWORD
    if way.manager == "podman_quadlet":
        certificate = on_host(f"cat /etc/{way.name}/tls/cert.pem")
        both = {"mailpit_users": [{"name": "app-2", "password": SECOND}], "mailpit_keep_users": True}
        (added,) = way.role({**both, "mailpit_certificate_renew_now": True})
        assert "FAILED" not in added
        name, password = "app-2", SECOND
        assert (way.login("app", PASSWORD), way.login(name, password)) == ("235", "235")
        assert on_host(f"cat /etc/{way.name}/tls/cert.pem") != certificate
        renewed_by_the_timer(way, name, password)
    # Those of the role's own proof are not counted.
    for _turn in range(3):
        assert way.login(name, "wrong") == "535"
    output = way.playbook("mailops.smtp.mailpit_watch", fails=True, mailpit_watch_since="1hour", mailpit_watch_limit=2)
    assert "times auth_rejected" in output and "where 2 was the limit" in output
    assert "auth_requires_tls" not in output, output
    renewal = "The certificate was renewed, because it ends on" in output and "The next look is on" in output
    assert renewal == (way.manager == "podman_quadlet"), output


@pytest.mark.parametrize("way", BOTH, indirect=True)
def test_removed_without_a_trace(way: Way) -> None:
    (removed,) = way.role({"mailpit_state": "absent", "mailpit_remove_data": True})
    assert "FAILED" not in removed
    left = f"ls -d /etc/{way.name} /var/lib/{way.name} /etc/containers/systemd/{way.name}.container /etc/ssl/{way.name}-staging-ca.pem 2>/dev/null"
    assert on_host(f"{left}; id {way.name} 2>/dev/null; podman ps -aq; systemctl is-active {way.name}") == "inactive\n"


# What is something else on a command line of systemd, in its units, in a shell or in a file of variables.
AWKWARD = "a$b ${HOME} $$ 100% %n \"q' \\x #;end é="
UNIT = f"""[Container]
Image={IMAGE}
Pull=never
Network=host
Tmpfs=/tmp
Environment=MP_SMTP_BIND_ADDR=127.0.0.1:2525 MP_UI_BIND_ADDR=127.0.0.1:2526
EnvironmentFile=proof.env
"""


@pytest.mark.parametrize("way", ["podman_quadlet"], indirect=True)
def test_what_is_written_into_a_unit_of_podman_is_what_its_container_gets(way: Way) -> None:
    """The container's own variables, as Podman shows them; its Environment= wins over its file."""
    unit = "/etc/containers/systemd/proof.container"
    on_host(f"cat > {unit}", UNIT.encode())
    on_host("printf 'SMTP_PORT=25\\nOTHER=\"quoted\"\\n' > /etc/containers/systemd/proof.env")
    settings = {
        "host": "smtp.example.com", "port": 465, "secure": True, "username": "app", "password": AWKWARD, "sender": "a@example.com",
    }  # fmt: skip
    place = {"app": "vaultwarden", "path": unit}
    written = {"name": "Write", "mailops.smtp.app_mail_config": {**place, "settings": settings}, "no_log": True}
    read = {"name": "Read", "mailops.smtp.app_mail_config_info": place, "register": "told"}
    say = {
        "name": "Show",
        "ansible.builtin.debug": {
            "msg": "{{ told.settings.port }} {{ told.security }} {{ told.carrier }} {{ told.password_set }}"
        },
    }
    own = way.folder / "proof.yml"
    own.write_text(yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "tasks": [written, read, say]}]))
    assert "465 implicit_tls quadlet True" in way.playbook(str(own))
    said = on_host(
        "systemctl daemon-reload; systemctl start proof.service; journalctl --no-pager -o cat -u proof.service -n 9"
    )
    shown = on_host("podman container inspect --format '{{json .Config.Env}}' systemd-proof")
    assert shown.startswith("["), f"{shown} {said}"
    held = json.loads(shown)
    on_host(f"systemctl stop proof.service; rm {unit} /etc/containers/systemd/proof.env; systemctl daemon-reload")
    values = dict(one.split("=", 1) for one in held)
    assert values["SMTP_PASSWORD"] == AWKWARD and values["SMTP_PORT"] == "465" and values["OTHER"] == '"quoted"', held

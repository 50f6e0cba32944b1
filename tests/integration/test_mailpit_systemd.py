# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a host with a real systemd: from nothing to a proven mail, upgrade, renewal, downgrade, removal."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

from tests.support import mailpit
from tests.support.systemd_host import SystemdHost

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "staging"
APP = "pangolin.staging.example.com"
PANGOLIN = "/opt/pangolin/config/config.yml"
# Logs in again and again with what stands in Pangolin's file and trusts what stands in the CA file, as the app does after a restart.
# One line an attempt: the user and what happened.
WATCHER = """
import base64, smtplib, ssl, sys, time, yaml
while True:
    time.sleep(0.1)
    try:
        email = yaml.safe_load(open(sys.argv[1]))["email"]
        context = ssl.create_default_context(cafile="/etc/ssl/mailpit-staging-ca.pem")
        with smtplib.SMTP(email["smtp_host"], email["smtp_port"], timeout=10) as client:
            client.starttls(context=context)
            pair = base64.b64encode(("\\0" + email["smtp_user"] + "\\0" + email["smtp_pass"]).encode()).decode()
            outcome = client.docmd("AUTH", "PLAIN " + pair)[0]
    except (ConnectionError, smtplib.SMTPServerDisconnected):
        outcome = "restarting"
    except Exception as error:
        outcome = repr(error)
    print(email["smtp_user"], outcome, flush=True)
"""

PASSWORD = "pa ss:\"'#;$ wörd"
NAME = "mailpit.staging.example.com"


class Site:
    """A systemd host, and plays that run on it."""

    def __init__(self, host: SystemdHost, shared: pathlib.Path) -> None:
        self.host = host
        self.shared = shared
        host.run(["sh", "-c", f"echo 127.0.0.1 {NAME} >> /etc/hosts"])
        shutil.copy(mailpit.binary(), shared / "mailpit")
        self.variables: dict[str, t.Any] = {
            "mailpit_controller_file": str(shared / "mailpit"), "mailpit_version": "1.30.4", "mailpit_server_names": [NAME], "mailpit_smtp_port": 587,
            "mailpit_auth": "users", "mailpit_users": [{"name": "app", "password": PASSWORD}], "mailpit_ui_users": [{"name": "tester", "password": PASSWORD}],
            "mailpit_allowed_networks": ["127.0.0.0/8"],
        }  # fmt: skip

    def play(self, *tasks: dict[str, t.Any], options: t.Sequence[str] = (), **changes: t.Any) -> subprocess.CompletedProcess[str]:
        tasks = tasks or ({"name": "Run the role", "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit"}},)
        (self.shared / "variables.json").write_text(json.dumps(self.variables | changes))
        (self.shared / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}], sort_keys=False))
        return self.playbook(str(self.shared / "play.yml"), f"{NAME},", "-e", f"@{self.shared}/variables.json", *options)

    def playbook(self, name: str, inventory: str, *options: str) -> subprocess.CompletedProcess[str]:
        program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
        settings = ["-i", inventory, "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
        environment = ["env", "ANSIBLE_NOCOLOR=1", "ANSIBLE_PIPELINING=1", f"ANSIBLE_COLLECTIONS_PATH={os.environ['ANSIBLE_COLLECTIONS_PATH']}"]
        begin = time.monotonic()
        done = self.host.run([*environment, program, *settings, *options, name])
        print(f"{time.monotonic() - begin:.1f} s: {name} {options[1:]}", flush=True)
        assert PASSWORD not in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
        return done

    def works(self, *tasks: dict[str, t.Any], **changes: t.Any) -> str:
        done = self.play(*tasks, **changes)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr
        return done.stdout

    def shown(self, property_name: str) -> str:
        return self.host.run(["systemctl", "show", "--value", "--property", property_name, "mailpit.service"]).stdout.strip()

    def serial(self, port: int = 587) -> str:
        """The serial number of the certificate that Mailpit shows now."""
        command = f"echo QUIT | openssl s_client -starttls smtp -connect 127.0.0.1:{port} 2>/dev/null | openssl x509 -noout -serial"
        return self.host.run(["sh", "-c", command]).stdout.strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    folder = tmp_path_factory.mktemp("systemd")
    shared = folder / "shared"
    shared.mkdir()
    with SystemdHost(folder, shared) as host:
        yield Site(host, shared)


def changed(output: str) -> int:
    return int(output.rpartition("changed=")[2].split()[0])


def test_a_whole_life(site: Site) -> None:
    foreseen = site.works(options=["--check", "--diff"])
    assert changed(foreseen) > 0 and site.host.run(["test", "-e", "/etc/mailpit"]).returncode == 1

    output = site.works()
    assert "The right client gets in" in output
    assert site.shown("ActiveState") == "active" and site.shown("User") == "mailpit"
    assert site.host.run(["stat", "-c", "%U %a", "/etc/mailpit/smtp.passwd"]).stdout == "mailpit 600\n"
    assert site.host.run(["stat", "-c", "%U %a", "/etc/mailpit/ca/ca.key"]).stdout == "root 600\n"
    # The sandbox holds: what the service must not reach is not there for it.
    pid = site.shown("MainPID")
    assert "ca.key" in site.host.run(["ls", "/etc/mailpit/ca"]).stdout
    assert "ca.key" not in site.host.run(["nsenter", "--target", pid, "--mount", "ls", "/etc/mailpit/ca"]).stdout
    assert "Read-only" in site.host.run(["nsenter", "--target", pid, "--mount", "touch", "/etc/mailpit/x"]).stderr
    assert "CapEff:\t0000000000000400" in site.host.run(["cat", f"/proc/{pid}/status"]).stdout, "CAP_NET_BIND_SERVICE and nothing else"

    output = site.works()
    assert changed(output) == 0
    assert changed(site.works(options=["--check"])) == 0

    sent = {
        "name": "Send", "register": "sent",
        "mailops.smtp.smtp_send": {
            "host": NAME, "port": 587, "security": "starttls", "ca_path": "/etc/ssl/mailpit-staging-ca.pem", "username": "app",
            "password": "{{ mailpit_users[0].password }}", "sender": "app@example.com", "recipients": ["new-user@example.com"], "subject": "Proof",
        },
    }  # fmt: skip
    arrived = {
        "name": "Find", "register": "mail", "failed_when": "not mail.found or mail.messages[0].username != 'app' or not mail.messages[0].tls",
        "mailops.smtp.mailpit_message_info": {
            "url_username": "tester", "url_password": "{{ mailpit_ui_users[0].password }}", "message_id": "{{ sent.message_id }}", "subject": "Proof",
            "recipients": ["new-user@example.com"], "security": "starttls",
        },
    }  # fmt: skip
    locked = {"name": "Look without a login", "register": "no", "failed_when": "no.found or 'wants a login' not in no.message"}
    locked["mailops.smtp.mailpit_message_info"] = {"subject": "Proof", "timeout": 2}
    site.works(sent, arrived, locked)

    pid, serial = site.shown("MainPID"), site.serial()
    assert "Mailpit gets a new certificate: asked for" in site.works(mailpit_certificate_renew_now=True)
    assert site.shown("MainPID") != pid and site.serial() != serial, "the new certificate is noticed"

    # Another version is proved before the old one goes; messages stay.
    site.works(mailpit_version="1.30.5")
    assert "/opt/mailpit/1.30.5/mailpit" in site.shown("ExecStart")
    assert site.host.run(["ls", "/opt/mailpit"]).stdout.split() == ["1.30.5"]
    site.works()
    assert site.host.run(["ls", "/opt/mailpit"]).stdout.split() == ["1.30.4"]
    site.works({**arrived, "mailops.smtp.mailpit_message_info": {**arrived["mailops.smtp.mailpit_message_info"], "message_id": None}})

    # A Mailpit that does not come up is a failure with its own words.
    broken = site.play(mailpit_environment={"MP_MAX_AGE": "never"}, mailpit_verify_timeout=4)
    assert broken.returncode == 2 and "Mailpit takes no connection on port 587" in broken.stdout and "level=error" in broken.stdout

    site.works(mailpit_state="absent", mailpit_remove_data=True)
    left = site.host.run(["sh", "-c", "ls -d /etc/mailpit /opt/mailpit /var/lib/mailpit /etc/systemd/system/mailpit.service; id mailpit"])
    assert left.stdout == "" and site.shown("ActiveState") == "inactive"


def test_the_example_and_a_rotation_without_a_moment_in_which_the_app_cannot_mail(site: Site) -> None:
    inventory = site.shared / "staging"
    shutil.copytree(EXAMPLE, inventory)
    site.host.run(["sh", "-c", f"echo 127.0.0.1 {APP} >> /etc/hosts; mkdir -p /opt/pangolin/config; printf 'app:\\n  name: x # stays\\n' > {PANGOLIN}"])
    extra = {"mailpit_controller_file": str(site.shared / "mailpit"), "staging_become": False, "mail_config_fallback": "fail"}

    def run(name: str, **more: t.Any) -> str:
        done = site.playbook(f"mailops.smtp.{name}", str(inventory / "inventory.yml"), "-e", json.dumps(extra | more))
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr
        return done.stdout

    run("staging", vault_staging_mail_password=PASSWORD)
    config = yaml.safe_load(site.host.run(["cat", PANGOLIN]).stdout)
    assert config["app"] == {"name": "x"} and config["email"]["smtp_user"] == "pangolin" and config["email"]["smtp_pass"] == PASSWORD
    old_ca, old_serial = (site.host.run(["cat", "/etc/ssl/mailpit-staging-ca.pem"]).stdout, site.serial(1025))

    log = site.shared / "attempts"
    with log.open("w") as output:
        watcher = subprocess.Popen([*site.host.prefix, sys.executable, "-c", WATCHER, PANGOLIN], stdout=output, stderr=subprocess.STDOUT)
    try:
        run("mailpit_rotate", vault_staging_mail_password="another " + PASSWORD, staging_mail_user="pangolin-2", mailpit_rotate_ca=True)
        time.sleep(1)
    finally:
        watcher.kill()
        watcher.wait()
    attempts = [line.split(" ", 1) for line in log.read_text().splitlines()]
    assert {user for user, _outcome in attempts} == {"pangolin", "pangolin-2"}
    assert {outcome for _user, outcome in attempts} <= {"235", "restarting"}, attempts
    assert sum(outcome == "restarting" for _user, outcome in attempts) < len(attempts) / 2

    new_ca = site.host.run(["cat", "/etc/ssl/mailpit-staging-ca.pem"]).stdout
    assert new_ca.count("BEGIN CERTIFICATE") == 1 and new_ca != old_ca and site.serial(1025) != old_serial
    assert site.host.run(["cut", "-d:", "-f1", "/etc/mailpit/smtp.passwd"]).stdout == "pangolin-2\n"

    # What the watcher and the checks of wrong logins left in the log is counted.
    output = site.playbook("mailops.smtp.mailpit_watch", str(inventory / "inventory.yml"), "-e", json.dumps({"staging_become": False})).stdout
    assert "times auth_rejected" in output and "times auth_requires_tls" in output

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook staging, whole, with the role's web interface on another port, with TLS, a login and a webroot: nothing of it is said twice."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.support import mailpit
from tests.support.playbook import ansible_playbook
from tests.support.process import free_ports

PASSWORD = "ui $ecret: wörd"
# Starts Mailpit as its environment file says, after the one before has gone, and waits until it listens.
START = """
import os, shlex, signal, socket, subprocess, sys, time
binary, folder, smtp, ui = sys.argv[1:]
pid_file = folder + "/pid"
if os.path.exists(pid_file):
    os.kill(int(open(pid_file).read()), signal.SIGTERM)
    time.sleep(0.5)
lines = [line for line in open(folder + "/etc/mailpit.env").read().splitlines() if line and not line.startswith("#")]
environment = dict(shlex.split(line)[0].split("=", 1) for line in lines)
log = open(folder + "/log", "w")
started = subprocess.Popen([binary], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
open(pid_file, "w").write(str(started.pid))
for port in (smtp, ui):
    for _each in range(100):
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    else:
        sys.exit("Mailpit did not come up: " + open(folder + "/log").read())
"""


def me(command: str) -> str:
    return subprocess.run(["id", command], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    yield tmp_path
    if (tmp_path / "pid").exists():
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)


def inventory(folder: pathlib.Path, **changes: t.Any) -> str:
    smtp, ui = free_ports(2)
    (folder / "start.py").write_text(START)
    (folder / "config.yml").write_text("app:\n  dashboard_url: https://pangolin.example.com\n")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    role = {
        "mailpit_user": me("-un"), "mailpit_group": me("-gn"), "mailpit_owner": me("-un"), "mailpit_create_user": False,
        "mailpit_service_manager": "none", "mailpit_config_dir": f"{folder}/etc", "mailpit_data_dir": f"{folder}/data",
        "mailpit_install_dir": f"{folder}/opt", "mailpit_controller_file": mailpit.binary(), "mailpit_client_ca_path": f"{folder}/client-ca.pem",
        "mailpit_server_names": ["localhost"], "mailpit_smtp_address": "127.0.0.1", "mailpit_smtp_port": smtp, "mailpit_ui_port": ui,
        "mailpit_clients": ["app-1"], "mailpit_verify": False,
        "mailpit_restart_command": [sys.executable, f"{folder}/start.py", mailpit.binary(), str(folder), str(smtp), str(ui)],
        **changes,
    }  # fmt: skip
    settings = {
        "host": "localhost",
        "port": smtp,
        "security": "starttls",
        "ca_path": f"{folder}/client-ca.pem",
        "sender": "app@example.com",
    }
    apps = {"mail_config_settings": settings, "mail_config_apps": [{"app": "pangolin", "path": f"{folder}/config.yml"}]}
    groups = {
        "mailpit": {"hosts": {"mailpit-1": local}, "vars": {**role, "staging_become": False}},
        "mail_apps": {"hosts": {"app-1": local}, "vars": {**apps, "staging_become": False}},
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    return str(folder / "inventory.yml")


def test_the_mail_is_found_by_what_the_role_was_told(folder: pathlib.Path) -> None:
    login = [{"name": "tester", "password": PASSWORD}]
    path = inventory(folder, mailpit_ui_tls=True, mailpit_ui_webroot="/team/mail/", mailpit_ui_users=login)
    done = ansible_playbook("mailops.smtp.staging", "-i", path, "-vvv")
    assert done.returncode == 0, done.stdout
    assert "1 message with the id" in done.stdout and PASSWORD not in done.stdout

    # Mailpit runs on: from here on only the mail is sent and looked for.
    again = ["mailops.smtp.staging", "-i", path, "--start-at-task", "Send one mail with the app's settings", "-v"]
    everywhere = ansible_playbook(*again, "-e", '{"mailpit_ui_address": "::", "mailpit_certificate": "mailpit"}')
    assert everywhere.returncode == 0 and "1 message with the id" in everywhere.stdout, everywhere.stdout
    other = ansible_playbook(*again, "-e", '{"mailpit_ui_users": []}')
    assert other.returncode == 2 and "wants a login: give url_username" in other.stdout, other.stdout
    smtp = yaml.safe_load(pathlib.Path(path).read_text())["all"]["children"]["mailpit"]["vars"]["mailpit_smtp_port"]
    wrong = ansible_playbook(*again, "-e", f"staging_mailpit_url=http://127.0.0.1:{smtp}")
    assert (
        wrong.returncode == 2 and "an SMTP server is at url" in wrong.stdout and "Unknown error" not in wrong.stdout
    ), wrong.stdout

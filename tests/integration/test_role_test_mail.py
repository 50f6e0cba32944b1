# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mail_config takes an app's own test mail as its proof: a real Django project and a real msmtp at a real Postfix."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.pki import Pki
from tests.support.playbook import Run, play
from tests.support.postfix import Listener, Postfix
from tests.support.process import ROOT, program

USER, PASSWORD = "app@example.com", "n3w #'pass\\word"
RECIPIENT = "ops@example.org"
PYTHON = ROOT / "build" / "proof" / "python" / "bin" / "python"
MANAGE = """import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
OLD = "EMAIL_HOST = 'old.example.com'  # was here\n"


class Relay(t.NamedTuple):
    """A Postfix and the CA of its certificate."""

    postfix: Postfix
    ca_file: pathlib.Path


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relay]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    users = {USER: PASSWORD}
    with Postfix([Listener("implicit")], certificate=pki.issue("localhost"), users=users, require_auth=True) as postfix:
        yield Relay(postfix, pki.ca_file)


def run(relay: Relay, folder: pathlib.Path, apps: list[dict[str, t.Any]], **more: t.Any) -> Run:
    settings = {"host": "localhost", "port": relay.postfix.port("implicit"), "secure": True, "ip_version": "4"}
    settings |= {"ca_path": str(relay.ca_file), "username": USER, "password": PASSWORD, "sender": USER}
    role = {"name": "Configure", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}}
    variables = {"mail_config_settings": settings, "mail_config_apps": apps, "mail_config_prove_recipient": RECIPIENT}
    return play(folder / "play", [role], {**variables, **more})


def django(folder: pathlib.Path, *prefix: str) -> dict[str, t.Any]:
    (folder / "manage.py").write_text(MANAGE)
    (folder / "site_settings.py").write_text("SECRET_KEY = 'x'\nfrom mail_settings import *\n")
    (folder / "mail_settings.py").write_text(OLD)
    command = [*prefix, str(PYTHON), "manage.py", "sendtestemail", "{recipient}"]
    return {
        "app": "django",
        "path": str(folder / "mail_settings.py"),
        "test_mail": {"command": command, "chdir": str(folder)},
    }


def test_the_apps_own_test_mail_proves_it(relay: Relay, tmp_path: pathlib.Path) -> None:
    program("msmtp")
    msmtp = {"app": "msmtp", "path": str(tmp_path / "msmtprc"), "test_mail": {}}
    done = run(relay, tmp_path, [django(tmp_path, "env", f"SSL_CERT_FILE={relay.ca_file}"), msmtp])
    assert done.returncode == 0, done.output
    assert "sent its own test mail" in done.output or "changed=" in done.output
    assert "Test email from" in relay.postfix.wait_for_message("Subject: Test email from", 10)
    relay.postfix.wait_for_message("\n\ntest\n", 10)
    assert "# was here" in (tmp_path / "mail_settings.py").read_text()


def test_what_the_app_cannot_send_with_goes_back(relay: Relay, tmp_path: pathlib.Path) -> None:
    # The gate trusts the CA that it is told of; Django has no setting for it, and does not.
    done = run(relay, tmp_path, [django(tmp_path)])
    assert done.returncode != 0
    assert "django: its own test mail failed" in done.output and "certificate verify failed" in done.output
    assert "is again as it was before" in done.output
    assert (tmp_path / "mail_settings.py").read_text() == OLD
    assert PASSWORD not in done.output


@pytest.mark.parametrize(
    "entry, more, words",
    [
        ({"app": "gitea", "path": "/x/app.ini", "test_mail": {}}, {}, "gitea has no command for a test mail (it has the button"),
        ({"app": "django", "path": "/x/s.py", "test_mail": {}}, {"mail_config_prove_recipient": ""}, "write mail_config_prove_recipient"),
    ],
)  # fmt: skip
def test_a_test_mail_that_cannot_be_is_refused_first(
    relay: Relay, tmp_path: pathlib.Path, entry: dict[str, t.Any], more: dict[str, t.Any], words: str
) -> None:
    done = run(relay, tmp_path, [entry], **more)
    assert done.returncode != 0 and words in done.output, done.output

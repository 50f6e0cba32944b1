# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/examples/environments as it is, with other addresses: staging by a real Mailpit, production where one host is behind a filter."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.support.faulty import FaultyServer, full_backlog, honest, smtp
from tests.support.mailpit import Mailpit
from tests.support.pki import Pki
from tests.support.process import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "environments"
OPEN, FILTERED = "127.79.0.1", "127.79.0.2"
SECRETS = {"staging": "st4ging-S3cret", "production": "pr0d/@-S3cret"}
BIN = pathlib.Path(sys.executable).parent


class Site:
    """A copy of the example whose hosts are this machine, each with a folder of its own for its apps."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / "site"
        shutil.copytree(EXAMPLE, self.folder)
        (self.folder / "vault-password").write_text("open sesame\n")

    def environment(
        self, name: str, everyone: t.Mapping[str, t.Any], hosts: t.Mapping[str, t.Mapping[str, t.Any]]
    ) -> None:
        """Encrypt the password, and give the hosts of an environment their addresses."""
        vault = self.folder / name / "group_vars" / "all" / "vault.yml"
        vault.write_text(vault.read_text().replace("change-me", SECRETS[name]))
        self.command("ansible-vault", "encrypt", str(vault))
        assert SECRETS[name] not in vault.read_text()
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "mail_become": False}
        folder = self.folder / name / "host_vars"
        folder.mkdir()
        for host, variables in hosts.items():
            apps = self.folder / host
            for app in ("vaultwarden", "newsletter"):
                (apps / app).mkdir(parents=True)
            (apps / "vaultwarden" / ".env").write_text("DOMAIN=https://vault.example.com # mine\n")
            values = {**local, "apps_folder": str(apps), **everyone, **variables}
            (folder / f"{host}.yml").write_text(yaml.safe_dump(values))

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.folder / "vault-password"),
        }
        done = subprocess.run(
            [str(BIN / name), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=environment,
            timeout=200,
        )
        output = done.stdout + done.stderr
        assert not any(secret in output for secret in SECRETS.values()) and "Traceback" not in output
        return done

    def deploy(self, name: str, *options: str) -> str:
        done = self.command("ansible-playbook", "site.yml", "-i", name, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def written(self, host: str) -> tuple[str, str]:
        """The two files of a host."""
        folder = self.folder / host
        return (folder / "vaultwarden" / ".env").read_text(), (folder / "newsletter" / "mail.env").read_text()


def test_staging_has_mailpit_and_its_own_ca(tmp_path: pathlib.Path) -> None:
    site, pki = Site(tmp_path), Pki(tmp_path / "pki")
    issued = pki.issue("localhost")
    (tmp_path / "users").write_text(f"apps:{SECRETS['staging']}\n")
    options = {
        "MP_SMTP_TLS_CERT": str(issued.chain_file),
        "MP_SMTP_TLS_KEY": str(issued.key_file),
        "MP_SMTP_REQUIRE_STARTTLS": "true",
        "MP_SMTP_AUTH_FILE": str(tmp_path / "users"),
    }
    (tmp_path / "mailpit").mkdir()
    with Mailpit(tmp_path / "mailpit", options) as mailpit:
        hosts: dict[str, dict[str, t.Any]] = {"app1.staging.example.com": {}, "app2.staging.example.com": {}}
        relay = {"mail_host": "localhost", "mail_port": mailpit.port, "mail_ca_path": str(pki.ca_file)}
        site.environment("staging", relay, hosts)
        more = ("-e", "mail_config_check_credentials=true", "-e", "mail_config_prove_recipient=ops@example.com")
        site.deploy("staging", *more)
        assert len(mailpit.messages()) == 2
    for host in hosts:
        vaultwarden, newsletter = site.written(host)
        assert vaultwarden.startswith("DOMAIN=https://vault.example.com # mine\n")
        assert "SMTP_SECURITY=starttls" in vaultwarden.replace("'", "").replace('"', "")
        assert f"smtp://apps:{SECRETS['staging']}@localhost:{mailpit.port}" in newsletter
        assert "MAIL_FROM='\"Apps (staging)\" <apps@staging.example.com>'" in newsletter


def test_in_production_one_host_is_on_587_and_the_other_on_465(tmp_path: pathlib.Path) -> None:
    site, pki = Site(tmp_path), Pki(tmp_path / "pki")
    issued = pki.issue("smtp.example.com", ips=[OPEN, FILTERED])
    users: dict[str, t.Any] = {"users": {"apps@example.com": SECRETS["production"]}, "mechanisms_after_tls": ["PLAIN"]}
    hosts = {"app1.production.example.com": {"mail_host": OPEN}, "app2.production.example.com": {"mail_host": FILTERED}}
    site.environment("production", {"mail_ca_path": str(pki.ca_file), "mail_timeout": 8}, hosts)
    with contextlib.ExitStack() as stack:
        for host in (OPEN, FILTERED):
            stack.enter_context(FaultyServer(smtp(starttls=honest(issued), **users), host, 587))
        stack.enter_context(FaultyServer(smtp(implicit=honest(issued), **users), OPEN, 465))
        stack.enter_context(full_backlog(FILTERED, 465))
        output = site.deploy("production", "-e", "mail_config_check_credentials=true")
        again = site.deploy("production")
    assert "The gate goes on with that port" in output and "changed=0" in again
    for host, (address, port, word, scheme) in zip(
        hosts, [(OPEN, 465, "force_tls", "smtps"), (FILTERED, 587, "starttls", "smtp")]
    ):
        vaultwarden, newsletter = site.written(host)
        plain = vaultwarden.replace("'", "").replace('"', "")
        assert (
            f"SMTP_PORT={port}\n" in plain and f"SMTP_SECURITY={word}\n" in plain and f"SMTP_HOST={address}\n" in plain
        )
        assert f"{scheme}://apps%40example.com:pr0d%2F%40-S3cret@{address}:{port}" in newsletter
        for file in ("vaultwarden/.env", "newsletter/mail.env"):
            assert (site.folder / host / file).stat().st_mode & 0o777 == 0o600


def test_the_survey_asks_for_what_the_play_and_the_role_take() -> None:
    survey = json.loads((EXAMPLE / "survey.json").read_text())["spec"]
    play = (EXAMPLE / "site.yml").read_text()
    specs = yaml.safe_load((ROOT / "roles" / "mail_config" / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    model = options["mail_config_settings"]["options"]
    types = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
    for question in survey:
        assert question["type"] in types and {"question_name", "variable", "required", "default", "min", "max"} & set(
            question
        )
        name = question["variable"]
        if name.startswith("mail_config_"):
            spec = options[name]
            choices = spec.get("choices") or (["true", "false"] if spec["type"] == "bool" else None)
            assert question.get("choices") == choices and question["default"] in (
                spec["default"],
                str(spec["default"]).lower(),
            )
        else:
            assert f"{name.removeprefix('mail_')}: " in play and name in play and name.removeprefix("mail_") in model
    assert next(one["type"] for one in survey if one["variable"] == "mail_password") == "password"


@pytest.mark.parametrize("name", ["staging", "production"])
def test_both_environments_have_the_same_variables_and_hosts(name: str) -> None:
    variables = yaml.safe_load((EXAMPLE / name / "group_vars" / "all" / "mail.yml").read_text())
    assert {"environment_name", "mail_host", "mail_port", "mail_secure", "mail_password", "mail_sender"} <= set(
        variables
    )
    assert variables["mail_password"] == "{{ vault_mail_password }}"

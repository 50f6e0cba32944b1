# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailpit as a client: what app_mail_config writes for its relay and forward configs, read by the real Mailpit and mailed through."""

from __future__ import annotations

import pathlib
import smtplib
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Wanted, wait_for
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts

from tests.support.mailpit import Mailpit
from tests.support.pki import Pki
from tests.support.playbook import Run, play

PASSWORD = "pa ss:\"'#;$ wörd"
FORCED = {"implicit_tls": "MP_SMTP_REQUIRE_TLS", "starttls": "MP_SMTP_REQUIRE_STARTTLS"}


def configure(folder: pathlib.Path, app: str, path: pathlib.Path, settings: dict[str, t.Any]) -> Run:
    task = {
        "name": "Configure",
        "mailops.smtp.app_mail_config": {"app": app, "path": str(path), "settings": "{{ settings }}"},
        "register": "result",
    }
    return play(folder / "play", [task], {"settings": settings}, "--diff", saved=["result"])


@pytest.mark.parametrize(
    "app, security",
    [
        ("mailpit_relay", "implicit_tls"),
        ("mailpit_relay", "starttls"),
        ("mailpit_relay", "cleartext"),
        ("mailpit_forward", "starttls"),
    ],
)
def test_mail_goes_on_through_the_relay(app: str, security: str, tmp_path: pathlib.Path) -> None:
    pki = Pki(tmp_path / "pki")
    issued = pki.issue("localhost")
    (tmp_path / "passwd").write_text(mailpit_accounts.render_password_file([{"name": "app", "password": PASSWORD}]))
    environment = {"MP_SMTP_AUTH_FILE": str(tmp_path / "passwd")}
    if security == "cleartext":
        environment["MP_SMTP_AUTH_ALLOW_INSECURE"] = "true"
    else:
        environment |= {
            "MP_SMTP_TLS_CERT": str(issued.chain_file),
            "MP_SMTP_TLS_KEY": str(issued.key_file),
            FORCED[security]: "true",
        }
    config = tmp_path / "relay.yml"
    config.write_text(
        "# ours\nto: copies@example.com\nreturn-path: bounces@example.com # stays\nallowed-recipients: '@example[.]com$'\n"
    )
    (tmp_path / "target").mkdir()
    (tmp_path / "source").mkdir()
    with Mailpit(tmp_path / "target", environment) as target:
        settings = {
            "host": "localhost",
            "port": target.port,
            "security": security,
            "username": "app",
            "password": PASSWORD,
        }
        done = configure(tmp_path, app, config, settings)
        assert done.returncode == 0 and PASSWORD not in done.output, done.output
        assert configure(tmp_path, app, config, settings).saved["result"]["changed"] is False
        assert config.read_text().startswith(
            "# ours\nto: copies@example.com\nreturn-path: bounces@example.com # stays\n"
        )
        assert yaml.safe_load(config.read_text())["password"] == PASSWORD
        flag = {
            "mailpit_relay": {"MP_SMTP_RELAY_CONFIG": str(config), "MP_SMTP_RELAY_ALL": "true"},
            "mailpit_forward": {"MP_SMTP_FORWARD_CONFIG": str(config)},
        }
        with Mailpit(tmp_path / "source", flag[app] | {"SSL_CERT_FILE": str(pki.ca_file)}) as source:
            with smtplib.SMTP("127.0.0.1", source.port, timeout=10) as client:
                client.sendmail(
                    "app@example.com",
                    ["new-user@example.com"],
                    "To: new-user@example.com\r\nSubject: Passed on\r\n\r\nHello\r\n",
                )
            api = Api(f"http://127.0.0.1:{target.ui_port}")
            found, _trouble = wait_for(api, Wanted(subject="Passed on"), 1, Deadline(10))
            assert len(found.messages) == 1 and found.messages[0].username == "app", source.log()


def test_opportunistic_is_refused_because_mailpit_has_no_such_mode(tmp_path: pathlib.Path) -> None:
    settings = {"host": "localhost", "port": 1025, "security": "opportunistic"}
    done = configure(tmp_path, "mailpit_relay", tmp_path / "relay.yml", settings)
    assert done.returncode == 2 and "opportunistic" in done.output and not (tmp_path / "relay.yml").exists()

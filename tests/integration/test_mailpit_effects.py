# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever Mailpit can be started with does what the model of the role says, and password files are read as the role assumes."""

from __future__ import annotations

import base64
import json
import pathlib
import smtplib
import urllib.request

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import lockdown
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import Effect, Flags, effect_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

from tests.support.mailpit import PINNED, Mailpit

TABLE = json.loads((pathlib.Path(__file__).parents[1] / "unit/plugins/plugin_utils/_mailpit/flags.json").read_text())
VALID = [row for row in TABLE["rows"] if row[-1] == "OK"]


def flags(row: list) -> Flags:
    cert, require_tls, require_starttls, auth_file, allow_insecure, accept_any, _result = row
    pair = cert == "both"
    return Flags(
        pair,
        pair,
        bool(require_tls),
        bool(require_starttls),
        bool(auth_file),
        False,
        bool(allow_insecure),
        bool(accept_any),
    )


def effect_of_running(relay: Mailpit, effect: Effect) -> list[str]:
    cleartext, encrypted = lockdown.observe(relay.host, relay.port, effect.security, "localhost", 15)
    return lockdown.violations(effect.security, effect.auth, cleartext, encrypted)


@pytest.mark.parametrize("version", ["", PINNED[0]])
@pytest.mark.parametrize(
    "chosen",
    [flags(row) for row in VALID]
    + [
        Flags(cert=True, key=True, inline_auth=True),
        Flags(cert=True, key=True, inline_auth=True, require_starttls=True),
    ],
    ids=lambda chosen: "-".join(name for name, value in vars(chosen).items() if value) or "none",
)
def test_the_model_is_right(chosen: Flags, version: str, mailpit_files: pathlib.Path, tmp_path: pathlib.Path) -> None:
    environment = {
        "MP_SMTP_TLS_CERT": str(mailpit_files / "cert.pem") if chosen.cert else "", "MP_SMTP_TLS_KEY": str(mailpit_files / "key.pem") if chosen.key else "",
        "MP_SMTP_REQUIRE_TLS": "true" if chosen.require_tls else "", "MP_SMTP_REQUIRE_STARTTLS": "true" if chosen.require_starttls else "",
        "MP_SMTP_AUTH_FILE": str(mailpit_files / "passwd") if chosen.auth_file else "", "MP_SMTP_AUTH": "app:secret" if chosen.inline_auth else "",
        "MP_SMTP_AUTH_ALLOW_INSECURE": "true" if chosen.allow_insecure else "", "MP_SMTP_AUTH_ACCEPT_ANY": "true" if chosen.accept_any else "",
    }  # fmt: skip
    effect = effect_of(chosen)
    with Mailpit(tmp_path, environment, version) as relay:
        assert effect_of_running(relay, effect) == []
        if effect.auth != "none" and effect.security in ("opportunistic", "cleartext"):
            assert login(relay, "app", "secret") == 235 and effect.cleartext_auth
        elif effect.security == "starttls":
            assert login(relay, "app", "secret") == 530 or effect.auth == "none"


def login(relay: Mailpit, user: str, password: str) -> int:
    """The reply to a login in cleartext."""
    with smtplib.SMTP(relay.host, relay.port, timeout=10) as client:
        client.ehlo()
        return client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())[0]


@pytest.mark.parametrize(
    "text, accounts, rejected",
    [
        # why the role writes no header into these files
        ("# Ansible managed: written 12:30:45\napp:secret\n", [("12", "30:45"), ("app", "secret")], []),
        # why a name has one password
        ("app:old\napp:new\n", [("app", "new")], [("app", "old")]),
        # why names have no blanks
        ("app:one two:three\n", [("app", "one"), ("two", "three")], [("app", "one two:three")]),
    ],
    ids=["comment", "twice", "blank"],
)
def test_how_mailpit_reads_a_password_file(text: str, accounts: list, rejected: list, tmp_path: pathlib.Path) -> None:
    (tmp_path / "passwd").write_text(text)
    with Mailpit(
        tmp_path, {"MP_SMTP_AUTH_FILE": str(tmp_path / "passwd"), "MP_SMTP_AUTH_ALLOW_INSECURE": "true"}
    ) as relay:
        assert [login(relay, *account) for account in accounts] == [235] * len(accounts)
        assert [login(relay, *account) for account in rejected] == [535] * len(rejected)


@pytest.mark.parametrize("text", ["", " \n"], ids=["empty", "blank"])
def test_a_file_without_a_word_lets_everybody_in(text: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "passwd").write_text(text)
    with Mailpit(
        tmp_path, {"MP_SMTP_AUTH_FILE": str(tmp_path / "passwd"), "MP_SMTP_AUTH_ALLOW_INSECURE": "true"}
    ) as relay:
        assert effect_of_running(relay, Effect("cleartext", "none", False)) == []


def test_a_file_of_comments_locks_everybody_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "passwd").write_text("# no accounts yet\n")
    with Mailpit(
        tmp_path, {"MP_SMTP_AUTH_FILE": str(tmp_path / "passwd"), "MP_SMTP_AUTH_ALLOW_INSECURE": "true"}
    ) as relay:
        assert effect_of_running(relay, Effect("cleartext", "users", True)) == []


def test_the_roles_password_file_is_read_as_written(tmp_path: pathlib.Path) -> None:
    users = [{"name": "app", "password": "pa ss:\"'#;$ wörd"}, {"name": "a-b_c.d@example.com", "password": "x" * 72}]
    (tmp_path / "passwd").write_text(mailpit_accounts.render_password_file(users))
    with Mailpit(
        tmp_path, {"MP_SMTP_AUTH_FILE": str(tmp_path / "passwd"), "MP_SMTP_AUTH_ALLOW_INSECURE": "true"}
    ) as relay:
        assert [login(relay, user["name"], user["password"]) for user in users] == [235, 235]
        assert login(relay, "app", "wrong") == 535


def test_verbose_logging_shows_passwords(tmp_path: pathlib.Path) -> None:
    # why the role refuses it where there are logins
    with Mailpit(
        tmp_path, {"MP_SMTP_AUTH_ACCEPT_ANY": "true", "MP_SMTP_AUTH_ALLOW_INSECURE": "true", "MP_VERBOSE": "true"}
    ) as relay:
        assert login(relay, "app", "secret") == 235
        assert base64.b64encode(b"\0app\0secret").decode() in relay.log()


@pytest.mark.parametrize(
    "triggers, command, code",
    [("Sender:451:100", "MAIL", 451), ("Recipient:550:100", "RCPT", 550), ("Authentication:535:100", "AUTH", 535)],
)
def test_chaos_fails_as_it_is_told(triggers: str, command: str, code: int, tmp_path: pathlib.Path) -> None:
    choice = Choice(security="cleartext", auth="accept_any", chaos=True, chaos_triggers=triggers)
    environment = plan(choice).environment
    with Mailpit(
        tmp_path,
        {name: environment[name] for name in environment if name.startswith(("MP_SMTP_AUTH", "MP_ENABLE", "MP_CHAOS"))},
    ) as relay:
        with smtplib.SMTP(relay.host, relay.port, timeout=10) as client:
            client.ehlo()
            codes = {
                "AUTH": client.docmd("AUTH", "PLAIN AGEAYg==")[0],
                "MAIL": client.mail("app@example.com")[0],
                "RCPT": client.rcpt("to@example.com")[0],
            }
        assert codes[command] == code
        body = json.dumps({"Sender": {"ErrorCode": 452, "Probability": 100}}).encode()
        request = urllib.request.Request(f"http://{relay.host}:{relay.ui_port}/api/v1/chaos", body, method="PUT")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer)["Sender"] == {"ErrorCode": 452, "Probability": 100}

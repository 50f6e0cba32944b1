# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mail_config against a real Postfix: validate, gate, render, restart, prove."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from tests.support import faulty
from tests.support.pki import Issued, Pki
from tests.support.playbook import Run, play
from tests.support.postfix import Listener, Postfix

USER, PASSWORD, OLD_PASSWORD = "app@example.com", "n3w \"{{ x }}' # $h\\ü", "old-hunter2"
OLD = f"app:\n    url: x # mine\nemail:\n    smtp_host: old.example.com\n    smtp_pass: {OLD_PASSWORD} # c\nflags: {{}}\n"


class Relay(t.NamedTuple):
    """A Postfix and what its clients need to know."""

    postfix: Postfix
    issued: Issued
    ca_file: pathlib.Path

    def settings(self, listener: str, **more: t.Any) -> dict[str, t.Any]:
        return {
            "host": "localhost", "ip_version": "4", "port": str(self.postfix.port(listener)), "secure": "true" if listener == "implicit" else "false",
            "ca_path": str(self.ca_file), "username": USER, "password": PASSWORD, "sender": "app@example.com", **more,
        }


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relay]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    issued = pki.issue("localhost")
    with Postfix([Listener("implicit"), Listener("starttls")], certificate=issued, users={USER: PASSWORD}, require_auth=True) as postfix:
        yield Relay(postfix, issued, pki.ca_file)


class Host(t.NamedTuple):
    """The managed host: Pangolin's file, and a file that its restart touches."""

    folder: pathlib.Path
    config: pathlib.Path
    restarted: pathlib.Path

    def run(self, settings: t.Mapping[str, t.Any], *cli: str, apps: list[dict[str, t.Any]] | None = None, **variables: t.Any) -> Run:
        touch = {"app": "pangolin", "path": str(self.config), "restart": {"command": ["touch", str(self.restarted)]}}
        role = {"name": "Configure", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}}
        handlers = [{"name": "Mine", "ansible.builtin.debug": {"msg": "my own handler ran"}, "listen": "mail_config changed"}]
        given = {"mail_config_settings": settings, "mail_config_apps": apps or [touch], **variables}
        run = play(self.folder / "play", [role], given, *cli, handlers=handlers)
        assert PASSWORD not in run.output and "n3w" not in run.output and OLD_PASSWORD not in run.output
        return run


@pytest.fixture()
def host(tmp_path: pathlib.Path) -> Host:
    config = tmp_path / "config.yml"
    config.write_text(OLD)
    config.chmod(0o640)
    return Host(tmp_path, config, tmp_path / "restarted")


def words(run: Run) -> str:
    return " ".join(run.output.split())


def test_check_then_deploy_then_nothing(host: Host, relay: Relay) -> None:
    settings = relay.settings("implicit")
    predicted = host.run(settings, "--check", "--diff", "-vvvv", mail_config_check_credentials=True)
    assert predicted.returncode == 0, predicted.output
    assert predicted.recap["changed"] > 0
    assert host.config.read_text() == OLD and not host.restarted.exists()

    before = len(relay.postfix.messages())
    written = host.run(settings, "--diff", "-vvvv", mail_config_check_credentials=True, mail_config_prove_recipient="ops@example.com")
    assert written.returncode == 0, written.output
    assert "my own handler ran" in written.output and host.restarted.exists()
    assert "has no key for a CA file" in words(written)
    assert len(relay.postfix.messages()) == before + 1
    new = host.config.read_text()
    assert new.startswith("app:\n    url: x # mine\nemail:\n") and new.endswith("flags: {}\n")
    assert yaml.safe_load(new)["email"] == {
        "smtp_host": "localhost", "smtp_port": relay.postfix.port("implicit"), "smtp_secure": True, "smtp_tls_reject_unauthorized": True,
        "smtp_user": USER, "smtp_pass": PASSWORD, "no_reply": "app@example.com",
    }

    host.restarted.unlink()
    again = host.run(settings, mail_config_check_credentials=True)
    assert again.returncode == 0 and again.recap["changed"] == 0 and not host.restarted.exists(), again.output
    assert host.config.read_text() == new and files(host.folder) == ["config.yml", "play"]

    apps = [{"app": "pangolin", "path": str(host.config), "backup": True}]
    assert host.run({**settings, "sender": "other@example.com"}, apps=apps).returncode == 0
    assert len(list(host.folder.glob("config.yml.*~"))) == 1


def test_the_gate_stops_it(host: Host, relay: Relay) -> None:
    run = host.run(relay.settings("implicit", secure="false"), "-vvvv")
    assert run.returncode != 0 and host.config.read_text() == OLD and not host.restarted.exists()
    assert "secure: true" in words(run) and "speaks TLS from the first byte" in words(run)


def test_a_wrong_password_stops_it(host: Host, relay: Relay) -> None:
    run = host.run(relay.settings("starttls", password="wr0ng-" + "x"), "-vvvv", mail_config_check_credentials=True)
    assert run.returncode != 0 and host.config.read_text() == OLD
    assert "auth_rejected" in run.output and "wr0ng-x" not in run.output


@pytest.mark.parametrize("fallback", ["fail", "suggest", "use"])
def test_fallback(host: Host, relay: Relay, fallback: str) -> None:
    working = relay.postfix.port("starttls")
    with faulty.FaultyServer(faulty.silent()) as silent:
        settings = relay.settings("implicit", port=silent.port, timeout=3)
        run = host.run(settings, mail_config_fallback=fallback, mail_config_alternatives=[working])
    if fallback != "use":
        assert run.returncode != 0 and host.config.read_text() == OLD
        assert (str(working) in run.output) == (fallback == "suggest")
        return
    assert run.returncode == 0, run.output
    email = yaml.safe_load(host.config.read_text())["email"]
    assert (email["smtp_port"], email["smtp_secure"]) == (working, False)


REFUSED: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({"port": "abc"}, {}, "port is 'abc', which is not a port number"),
    ({"user": "x"}, {}, "mail_config_settings.user"),
    ({"host": "smtp://localhost"}, {}, "host has a scheme in it"),
    ({"security": "tls"}, {}, "security is 'tls', which is not a mode"),
    ({"password": ""}, {}, "username is given without a password"),
    ({"server_name": "other.example.com"}, {}, "Pangolin checks the certificate against smtp_host"),
    ({}, {"apps": [{"app": "pangolim", "path": "/tmp/x"}]}, "app is 'pangolim', which is not known here"),
    ({}, {"apps": [{"app": "pangolin", "path": "/nowhere/config.yml"}]}, "the folder /nowhere does not exist"),
    ({}, {"mail_config_fallback": "maybe"}, "mail_config_fallback"),
    ({"sender": ""}, {"mail_config_prove_recipient": "ops@example.com"}, "mail_config_prove_recipient needs a sender"),
    ({"secure": False}, {"mail_config_exact_security": True}, "Pangolin cannot require STARTTLS"),
]


@pytest.mark.parametrize("settings, options, sentence", REFUSED, ids=[sentence[:25] for _settings, _options, sentence in REFUSED])
def test_bad_input_is_refused_before_any_packet(host: Host, relay: Relay, settings: dict[str, t.Any], options: dict[str, t.Any], sentence: str) -> None:
    with faulty.FaultyServer(faulty.silent()) as server:
        run = host.run({**relay.settings("implicit", port=server.port), **settings}, "-vvvv", **options)
        assert run.returncode != 0 and sentence in words(run), run.output
        assert server.connections == 0 and host.config.read_text() == OLD


def files(folder: pathlib.Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_one_app_fails_and_all_have_their_old_files(host: Host, relay: Relay) -> None:
    other = host.folder / "other.yml"
    other.write_text("a: 1\n")
    apps = [
        {"app": "pangolin", "path": str(host.config), "restart": {"command": ["touch", str(host.restarted)]}},
        {"app": "pangolin", "path": str(other), "validate": "false %s"},
    ]
    run = host.run(relay.settings("implicit"), apps=apps)
    assert run.returncode != 0 and "validate refused the new content" in words(run)
    assert other.read_text() == "a: 1\n" and host.config.read_text() == OLD
    assert oct(host.config.stat().st_mode)[-3:] == "640" and files(host.folder) == ["config.yml", "other.yml", "play"]


def test_a_proof_that_fails_puts_the_old_files_back(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    healthy = faulty.smtp(implicit=faulty.honest(pki.issue("localhost")))
    new = host.folder / "new.yml"
    apps = [{"app": "pangolin", "path": str(path), "restart": {"command": ["touch", str(host.restarted)]}} for path in (host.config, new)]
    with faulty.FaultyServer(faulty.in_turn(healthy, faulty.close())) as server:
        settings = {"host": "localhost", "ip_version": "4", "port": server.port, "secure": True, "ca_path": str(pki.ca_file), "timeout": 3}
        run = host.run(settings, apps=apps)
    assert run.returncode != 0 and "cannot send mail through localhost" in words(run), run.output
    assert host.config.read_text() == OLD and files(host.folder) == ["config.yml", "play", "restarted"]


def test_a_recipient_that_is_refused_stops_it_before_anything_is_written(host: Host, relay: Relay) -> None:
    with Postfix(
        [Listener("implicit")], certificate=relay.issued, users={USER: PASSWORD}, reject_recipients={"no@example.com": "550 5.1.1 no such user"},
    ) as strict:
        settings = relay.settings("implicit", port=strict.port("implicit"))
        run = host.run(settings, mail_config_prove_recipient="no@example.com")
    assert run.returncode != 0 and "recipient_rejected" in run.output and host.config.read_text() == OLD and not host.restarted.exists()


def test_without_a_gate_the_convention_decides(host: Host) -> None:
    settings = {"host": "smtp.example.com", "port": 587, "secure": True}
    run = host.run(settings, mail_config_gate=False)
    assert run.returncode != 0 and "port 587 starts in cleartext" in words(run) and host.config.read_text() == OLD
    run = host.run({**settings, "port": 465}, mail_config_gate=False)
    assert run.returncode == 0 and yaml.safe_load(host.config.read_text())["email"]["smtp_port"] == 465, run.output


def test_a_restart_that_fails_puts_the_old_file_back(host: Host, relay: Relay) -> None:
    command = ["sh", "-c", f"echo run >> {host.restarted}; ! grep -q localhost {host.config}"]
    run = host.run(relay.settings("implicit"), apps=[{"app": "pangolin", "path": str(host.config), "restart": {"command": command}}])
    assert run.returncode != 0 and host.config.read_text() == OLD, run.output
    assert host.restarted.read_text() == "run\nrun\n" and files(host.folder) == ["config.yml", "play", "restarted"]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that renews a certificate on the Mailpit host, with a real Mailpit and a real openssl. Under systemd: tests/lab."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import pathlib
import resource
import ssl
import stat
import subprocess
import time
import types
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import pki

from tests.support.mailpit import binary
from tests.support.process import ROOT, free_ports

NAMES = ("mailpit.example.com", "127.0.0.1", "::1", "*.staging.example.com")
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("renew", ROOT / "roles/mailpit/files/renew.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_KEPT", str(tmp_path / "kept" / "*.json"))
    monkeypatch.setattr(module, "_PATIENCE", 0)
    return module


class Host:
    """The files of a Mailpit host; Mailpit runs with them, and `restart` restarts it."""

    def __init__(self, folder: pathlib.Path, security: str, days: int, begun: datetime.datetime = NOW) -> None:
        self.folder = folder
        made = pki.issue("own_ca", NAMES, pki.Pki(), begun, days, 1)
        smtp, ui = free_ports(2)
        for name in ("ca", "tls"):
            (folder / name).mkdir()
        self.settings: dict[str, t.Any] = {
            "days": 365, "renew_days": 120, "name": NAMES[0], "host": "127.0.0.1", "port": smtp, "security": security, "timeout": 8,
            "restart": ["sh", "-ec", f'kill $(cat {folder}/pid) || :; sleep 0.3; . {folder}/start'],
        }  # fmt: skip
        for key, name, text, mode in (
            ("ca_certificate", "ca/ca.pem", made.ca_certificate, 0o600), ("ca_key", "ca/ca.key", made.ca_key, 0o600),
            ("certificate", "tls/cert.pem", made.certificate, 0o644), ("key", "tls/key.pem", made.key, 0o400), ("trust", "trust.pem", made.trust, 0o644),
        ):  # fmt: skip
            (folder / name).write_text(text)
            (folder / name).chmod(mode)
            self.settings[key] = str(folder / name)
        required = "MP_SMTP_REQUIRE_TLS" if security == "implicit_tls" else "MP_SMTP_REQUIRE_STARTTLS"
        environment = (
            f"MP_SMTP_BIND_ADDR=127.0.0.1:{smtp} MP_UI_BIND_ADDR=127.0.0.1:{ui} MP_DISABLE_VERSION_CHECK=true {required}=true"
            f" MP_SMTP_TLS_CERT={folder}/tls/cert.pem MP_SMTP_TLS_KEY={folder}/tls/key.pem TMPDIR={folder}"
        )
        start = f"{environment} setsid {binary()} >{folder}/log 2>&1 </dev/null & echo $! >{folder}/pid\n"
        (folder / "start").write_text(start)

    def text(self, name: str) -> str:
        return pathlib.Path(self.settings[name]).read_text()

    def stop(self) -> None:
        """End the Mailpit that was started last."""
        if (self.folder / "pid").exists():
            os.kill(int((self.folder / "pid").read_text()), 9)


@pytest.fixture
def hosts(tmp_path: pathlib.Path) -> Iterator[t.Callable[..., Host]]:
    made: list[Host] = []

    def make(security: str = "starttls", days: int = 90, **more: t.Any) -> Host:
        made.append(Host(tmp_path, security, days, **more))
        return made[-1]

    yield make
    for host in made:
        host.stop()


def renew(program: types.ModuleType, host: Host) -> str:
    return program.renew(host.settings, time.time())


@pytest.mark.parametrize("security", ["implicit_tls", "starttls"])
def test_a_certificate_that_ends_soon_is_renewed_and_shown(
    program: types.ModuleType, hosts: t.Any, security: str
) -> None:
    host = hosts(security)
    old = host.text("certificate")
    said = renew(program, host)
    assert said.startswith("The certificate was renewed, because it ends on ") and "the new one is good until" in said
    # It was shown to a client before renew() returned; the role takes it for its own, whatever Python verifies it.
    assert host.text("certificate") != old
    existing = pki.Pki(
        host.text("ca_certificate"), host.text("ca_key"), certificate=host.text("certificate"), key=host.text("key")
    )
    kept = pki.issue("own_ca", list(NAMES), existing, NOW, 365, 120)
    assert (kept.certificate, kept.reason, kept.trust) == (existing.certificate, "", host.text("trust"))
    context = ssl.create_default_context(cafile=host.settings["trust"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert [stat.S_IMODE(os.stat(host.settings[name]).st_mode) for name in ("certificate", "key")] == [0o644, 0o400]
    assert sorted(os.listdir(host.folder / "ca")) == ["ca.key", "ca.pem"] and len(os.listdir(host.folder / "tls")) == 2
    assert renew(program, host).startswith("The certificate is good until")


def test_a_key_that_is_another_one_is_a_reason(program: types.ModuleType, hosts: t.Any) -> None:
    host = hosts(days=365)
    assert renew(program, host).startswith("The certificate is good until")
    other = pki.issue("own_ca", list(NAMES), pki.Pki(), NOW)
    os.chmod(host.settings["key"], 0o600)
    pathlib.Path(host.settings["key"]).write_text(other.key)
    assert "because its key is another one" in renew(program, host)


def test_the_oldest_python_of_managed_hosts_renews_too(hosts: t.Any, tmp_path: pathlib.Path) -> None:
    host = hosts()
    settings = tmp_path / "renewal.json"
    settings.write_text(json.dumps(host.settings))
    found = subprocess.run(
        [ROOT / "tools/find-python", "all", "3.8", "3.14"], capture_output=True, text=True, check=True
    )
    _version, oldest = found.stdout.splitlines()[0].split()
    arguments = [oldest, "-I", ROOT / "roles/mailpit/files/renew.py", settings]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "The certificate was renewed" in done.stdout and done.returncode == 0, done.stdout + done.stderr


def refused(program: types.ModuleType, host: Host) -> str:
    """Why it was not renewed; everything is as it was."""
    before = {path: path.read_bytes() for path in host.folder.rglob("*.pem")}
    with pytest.raises(program.Trouble) as caught:
        renew(program, host)
    assert {path: path.read_bytes() for path in host.folder.rglob("*.pem")} == before
    assert sorted(os.listdir(host.folder / "ca")) == ["ca.key", "ca.pem"]
    return str(caught.value)


def test_nothing_is_handed_out_that_clients_do_not_know(
    program: types.ModuleType, hosts: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = hosts()
    right = host.text("trust")
    pathlib.Path(host.settings["trust"]).write_text(pki.issue("own_ca", list(NAMES), pki.Pki(), NOW).trust)
    assert "clients would refuse a new certificate" in refused(program, host)
    # Neither does it help that this host itself trusts the CA.
    pathlib.Path(host.settings["trust"]).write_text(pki.issue("self_signed", ["a.example.com"], pki.Pki(), NOW).trust)
    trusting = tmp_path / "store"
    trusting.mkdir()
    (trusting / "ca.pem").write_text(right)
    subprocess.run(["openssl", "rehash", trusting], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(trusting))
    assert "clients would refuse a new certificate" in refused(program, host)
    pathlib.Path(host.settings["trust"]).write_text(right)

    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "x.json").write_text(json.dumps({"path": host.settings["key"]}))
    assert "a run of Ansible has begun to change this Mailpit" in refused(program, host)
    (kept / "x.json").write_text(json.dumps({"path": "/etc/other"}))

    # What Mailpit then shows is the old certificate: it is put back.
    working = host.settings["restart"]
    assert not (tmp_path / "pid").exists()
    host.settings = {**host.settings, "restart": ["true"], "timeout": 1}
    assert "Mailpit does not show the new certificate" in refused(program, host)
    host.settings["restart"] = ["sh", "-c", "echo no such unit; exit 5"]
    assert "no such unit. Mailpit has its old certificate back, and does not run with it either (" in refused(
        program, host
    )
    host.settings = {**host.settings, "restart": working, "timeout": 8}
    assert "was renewed" in renew(program, host)


@pytest.mark.parametrize("full", [1, 2, 3, 4])
def test_a_disk_that_is_full_changes_nothing_and_leaves_no_key(
    program: types.ModuleType, hosts: t.Any, monkeypatch: pytest.MonkeyPatch, full: int
) -> None:
    """At each of the files that are written beside those of Mailpit: as many fit as come before it."""
    host = hosts()
    stage, before = program._stage, resource.getrlimit(resource.RLIMIT_FSIZE)

    def limited(*arguments: t.Any) -> t.Any:
        nonlocal full
        full -= 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if full else 100, before[1]))
        try:
            return stage(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(program, "_stage", limited)
    held = {path: path.read_bytes() for path in host.folder.rglob("*.pem")}
    with pytest.raises(OSError, match="too large"):
        renew(program, host)
    assert {path: path.read_bytes() for path in host.folder.rglob("*.pem")} == held
    assert sorted(os.listdir(host.folder / "tls")) == ["cert.pem", "key.pem"]


def test_what_a_killed_renewal_left_is_taken_away(program: types.ModuleType, hosts: t.Any) -> None:
    host = hosts(days=365)
    (host.folder / "ca/renewal-abc").mkdir()
    (host.folder / "ca/renewal-abc/key").write_text("a key")
    (host.folder / "tls/.mailpit.abc").write_text("a key")
    assert renew(program, host).startswith("The certificate is good until")
    assert sorted(os.listdir(host.folder / "ca")) == ["ca.key", "ca.pem"]
    assert sorted(os.listdir(host.folder / "tls")) == ["cert.pem", "key.pem"]


def test_a_ca_that_ends_soon_asks_for_the_rotation(program: types.ModuleType, hosts: t.Any) -> None:
    host = hosts(days=3650, begun=NOW - datetime.timedelta(days=3600))
    assert "own CA ends on" in refused(program, host) and "mailops.smtp.mailpit_rotate" in refused(program, host)


def test_a_clock_that_is_or_was_wrong(program: types.ModuleType, hosts: t.Any) -> None:
    """What is shown is good by the clock of the clients: here the right one, by which the proof looks and openssl verifies."""
    host, day = hosts(days=365, begun=NOW - datetime.timedelta(days=400)), 86400
    with pytest.raises(
        program.Trouble, match="this host's clock says .* and Mailpit's own CA begins on .*: set the clock"
    ):
        program.renew(host.settings, time.time() - 500 * day)
    assert "because it ended on" in renew(program, host)
    # One that was made a month ahead: the new one is good by either clock.
    existing = pki.Pki(host.text("ca_certificate"), host.text("ca_key"))
    later = pki.issue("own_ca", list(NAMES), existing, NOW + datetime.timedelta(days=30), 365, 120)
    for name in ("certificate", "key"):
        os.chmod(host.settings[name], 0o600)
        pathlib.Path(host.settings[name]).write_text(getattr(later, name))
    assert "because it is not valid before" in renew(program, host)
    begin, end = program._times_of(host.settings["certificate"])
    assert begin < time.time() and end > time.time() + 394 * day
    # One that is 300 days ahead now. Nothing is good for longer than clients take.
    assert "because it ends on" in program.renew(host.settings, time.time() + 300 * day)
    begin, end = program._times_of(host.settings["certificate"])
    assert 600 < (end - begin) / day < 826


def test_what_a_run_prints_is_one_line(
    program: types.ModuleType, tmp_path: pathlib.Path, capsys: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "renewal.json"
    settings.write_text(
        json.dumps(
            {
                "certificate": "/nonexistent/cert.pem",
                "key": "/nonexistent/key.pem",
                "ca_key": f"{tmp_path}/ca.key",
                "renew_days": 1,
            }
        )
    )
    monkeypatch.setattr("sys.argv", ["renew.py", str(settings)])
    assert program.main() == 1
    printed = capsys.readouterr().out
    assert printed.startswith("The certificate was not renewed: openssl x509 failed: ") and printed.count("\n") == 1

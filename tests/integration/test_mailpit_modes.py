# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mode, login and certificate that the role allows, on a real Mailpit, seen by real clients."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import pathlib
import smtplib
import ssl
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import lockdown
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Wanted, wait_for
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import pki as mailpit_pki
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import AUTHS, SECURITIES
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

from tests.support.mailpit import Mailpit
from tests.support.pangolin import pangolin_send
from tests.support.pki import Pki
from tests.support.process import free_ports

USER, PASSWORD = "app", "pa ss:\"'#;$ wörd"
NAMES = ("localhost",)


@dataclasses.dataclass
class Running:
    """A Mailpit in one mode, and what its clients were given."""

    mailpit: Mailpit
    security: str
    auth: str
    certificate: str
    trust: pathlib.Path | None

    def context(self) -> ssl.SSLContext:
        """A verifying client's; one that does not verify where nobody can."""
        context = ssl.create_default_context(cafile=self.trust)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if self.certificate == "mailpit":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def certificates(kind: str, folder: pathlib.Path) -> tuple[str, str, str]:
    """Certificate, key and what clients trust, as PEM."""
    if kind == "files":
        pki = Pki(folder / "pki")
        issued = pki.issue("localhost")
        return issued.chain_file.read_text(), issued.key_file.read_text(), pki.ca_file.read_text()
    made = mailpit_pki.issue(kind, NAMES, mailpit_pki.Pki(), datetime.datetime.now(datetime.UTC))
    return made.certificate, made.key, made.trust


def allowed() -> t.Iterator[tuple[str, str, str]]:
    """What plan() lets through, once for each mode, login and certificate."""
    for security in SECURITIES:
        for auth in AUTHS:
            for certificate in ("none",) if security == "cleartext" else ("files", "own_ca", "self_signed", "mailpit"):
                yield security, auth, certificate


@pytest.fixture(scope="module", params=list(allowed()), ids="-".join)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Running]:
    security, auth, certificate = request.param
    folder = tmp_path_factory.mktemp("mode")
    trust = None
    if certificate in ("files", "own_ca", "self_signed"):
        cert, key, ca = certificates(certificate, folder)
        (folder / "cert.pem").write_text(cert)
        (folder / "key.pem").write_text(key)
        trust = folder / "ca.pem"
        trust.write_text(ca)
    (folder / "smtp.passwd").write_text(mailpit_accounts.render_password_file([{"name": USER, "password": PASSWORD}]))
    smtp, ui = free_ports(2)
    planned = plan(
        Choice(
            security=security,
            auth=auth,
            certificate=certificate,
            allow_cleartext_auth=security == "opportunistic",
            has_users=auth == "users",
            cert_file=str(folder / "cert.pem"),
            key_file=str(folder / "key.pem"),
            auth_file=str(folder / "smtp.passwd"),
            names=NAMES,
            smtp_address="127.0.0.1",
            smtp_port=smtp,
            ui_port=ui,
            database=str(folder / "mailpit.db"),
        )
    )
    with Mailpit(folder, planned.environment) as mailpit:
        yield Running(mailpit, security, auth, certificate, trust)


def test_wrong_clients_are_turned_away(running: Running) -> None:
    port = running.mailpit.port
    cleartext, encrypted = lockdown.observe("127.0.0.1", port, running.security, "localhost", 15)
    assert lockdown.violations(running.security, running.auth, cleartext, encrypted) == []
    for other in set(SECURITIES) - {running.security} if running.auth == "users" else ():
        # The check can fail: no other mode is taken for this one.
        cleartext, encrypted = lockdown.observe("127.0.0.1", port, other, "localhost", 15)
        assert lockdown.violations(other, running.auth, cleartext, encrypted), f"{running.security} passes for {other}"


def test_smtplib_delivers_and_the_message_is_found(running: Running) -> None:
    host, port = "127.0.0.1", running.mailpit.port
    if running.security == "implicit_tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", port, context=running.context(), timeout=10)
    else:
        client = smtplib.SMTP("localhost", port, timeout=10)
    with client:
        if running.security in ("starttls", "opportunistic"):
            client.starttls(context=running.context())
        if running.auth == "users":
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                client.login(USER, "wrong")
            assert caught.value.smtp_code == 535
            # smtplib's own login takes ASCII only
            answer = client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())
            assert answer[0] == 235
        elif running.auth == "accept_any":
            assert client.login("anybody", "anything")[0] == 235
        else:
            assert not client.has_extn("auth")
        client.sendmail(
            "app@example.com",
            ["Hidden@example.com", "new-user@example.com"],
            "To: new-user@example.com\r\nSubject: From smtplib\r\n\r\nHello\r\n",
        )
    api = Api(f"http://{host}:{running.mailpit.ui_port}")
    wanted = Wanted(subject="From smtplib", recipients=["new-user@example.com", "hidden@example.com"])
    found, trouble = wait_for(api, wanted, 1, Deadline(5))
    assert (
        trouble is None
        and len(found.messages) == 1
        and found.messages[0].username == {"users": USER, "accept_any": "anybody", "none": None}[running.auth]
    )


def test_a_client_without_tls_sends_nothing_where_tls_is_forced(running: Running) -> None:
    if running.security == "implicit_tls":
        with pytest.raises((smtplib.SMTPServerDisconnected, TimeoutError)):
            smtplib.SMTP("localhost", running.mailpit.port, timeout=0.5).ehlo()
        return
    with smtplib.SMTP("localhost", running.mailpit.port, timeout=10) as client:
        client.ehlo()
        code, text = client.mail("app@example.com")
        if running.security == "starttls":
            assert (code, text) == (530, b"5.7.0 Must issue a STARTTLS command first")
        else:
            assert code == (530 if running.auth == "users" else 250)


def test_openssl_agrees(running: Running) -> None:
    command = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{running.mailpit.port}",
        "-servername",
        "localhost",
        "-verify_hostname",
        "localhost",
        "-brief",
    ]
    if running.security != "implicit_tls":
        command += ["-starttls", "smtp"]
    if running.trust:
        command += ["-CAfile", str(running.trust)]
    done = subprocess.run(command, input="QUIT\r\n", capture_output=True, text=True, timeout=20, check=False)
    if running.security == "cleartext":
        assert "Protocol version" not in done.stderr
    else:
        assert "Protocol version: TLSv1.3" in done.stderr
        assert ("Verification: OK" in done.stderr) == (running.trust is not None), done.stderr


def test_nodemailer_delivers(running: Running, tmp_path: pathlib.Path) -> None:
    email: dict[str, t.Any] = {
        "smtp_host": "localhost", "smtp_port": running.mailpit.port, "smtp_secure": running.security == "implicit_tls", "no_reply": "pangolin@example.com",
    }  # fmt: skip
    if running.auth != "none":
        email |= {"smtp_user": USER, "smtp_pass": PASSWORD}
    if running.certificate == "mailpit":
        email["smtp_tls_reject_unauthorized"] = False
    config = tmp_path / "config.yml"
    config.write_text(yaml.safe_dump({"email": email}))
    outcome = pangolin_send(config, to="new-user@example.com", subject="From nodemailer", ca_file=running.trust)
    assert outcome.ok, outcome
    api = Api(f"http://127.0.0.1:{running.mailpit.ui_port}")
    found, _trouble = wait_for(api, Wanted(subject="From nodemailer", sender="pangolin@example.com"), 1, Deadline(5))
    assert len(found.messages) == 1

    if running.certificate not in ("own_ca", "none"):
        return
    if running.auth == "users":
        config.write_text(yaml.safe_dump({"email": email | {"smtp_pass": "wrong"}}))
        outcome = pangolin_send(config, to="new-user@example.com", ca_file=running.trust)
        assert (outcome.ok, outcome.code) == (False, "EAUTH") and "535" in (outcome.response or outcome.message or "")
    if running.security != "cleartext":
        outcome = pangolin_send(config, to="new-user@example.com")
        assert not outcome.ok, "a client without the CA must not accept the certificate"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every relay really speaks what its class says, shown with clients that are not ours: swaks, openssl, smtplib and nodemailer."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.pangolin import Outcome, pangolin_send
from tests.support.pki import Issued, Pki
from tests.support.postfix import Listener, Postfix
from tests.support.relay import Relay
from tests.support.relays import Aiosmtpd, Dovecot, Exim, Haproxy, OpenSmtpd, OpensslServer, SmtpServer, Stunnel

USERS = {"app": "correct horse"}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def good(pki: Pki) -> Issued:
    return pki.issue("localhost", ips=["127.0.0.1", "::1"])


@pytest.fixture(scope="module")
def postfix(good: Issued) -> Iterator[Postfix]:
    listeners = [Listener(tls) for tls in ("implicit", "starttls", "opportunistic", "cleartext")]
    with Postfix(
        listeners,
        certificate=good,
        users=USERS,
        require_auth=True,
        size_limit=100_000,
        reject_senders={"bad@example.com": "553 5.7.1 not you"},
        reject_recipients={"grey@example.com": "450 4.2.0 Greylisted", "no@example.com": "550 5.1.1 no such user"},
    ) as relay:
        yield relay


def swaks(
    port: int, *options: str, user: str | None = "app", password: str = USERS["app"], mechanism: str = "PLAIN"
) -> subprocess.CompletedProcess[str]:
    """One message by swaks, which ends with 0 when it was accepted."""
    auth = ["--auth", mechanism, "--auth-user", user, "--auth-password", password] if user else []
    command = [
        "swaks",
        "--server",
        "127.0.0.1",
        "--port",
        str(port),
        "--from",
        "me@example.com",
        "--to",
        "you@example.com",
        "--timeout",
        "5s",
    ]
    return subprocess.run([*command, *auth, *options], capture_output=True, text=True, check=False)


def openssl(port: int, *options: str) -> str:
    """What `openssl s_client -brief` prints."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief", "-verify_return_error", *options]
    done = subprocess.run(command, input="QUIT\r\n", capture_output=True, text=True, check=False, timeout=20)
    return done.stdout + done.stderr


MODES = {"implicit": ["--tls-on-connect"], "starttls": ["--tls"], "opportunistic": ["--tls"], "cleartext": []}


@pytest.mark.parametrize("tls", MODES)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_postfix_takes_mail_with_auth(postfix: Postfix, tls: str, mechanism: str) -> None:
    subject = f"{tls} {mechanism}"
    done = swaks(postfix.port(tls), *MODES[tls], "--header", f"Subject: {subject}", mechanism=mechanism)
    assert done.returncode == 0, done.stdout
    assert "queued as" in done.stdout
    message = postfix.wait_for_message(subject)
    # Postfix's own word for what it was: with S when TLS was spoken, with A when the client logged in.
    assert ("ESMTPA" if tls == "cleartext" else "ESMTPSA") in message


@pytest.mark.parametrize(
    ("tls", "options", "words"),
    [
        ("starttls", [], "530 5.7.0 Must issue a STARTTLS command first"),
        ("starttls", ["--tls", "--to", "grey@example.com"], "450 4.2.0"),
        ("starttls", ["--tls", "--to", "no@example.com"], "550 5.1.1"),
        ("starttls", ["--tls", "--from", "bad@example.com"], "553 5.7.1"),
    ],
)
def test_postfix_refuses(postfix: Postfix, tls: str, options: list[str], words: str) -> None:
    user = None if words.startswith("530") else "app"
    done = swaks(postfix.port(tls), *options, user=user)
    assert done.returncode != 0
    assert words in done.stdout


def test_postfix_checks_passwords_and_sizes(postfix: Postfix) -> None:
    assert "535 5.7.8" in swaks(postfix.port("starttls"), "--tls", password="wrong").stdout
    assert "530 5.7.0" in swaks(postfix.port("starttls"), "--tls", user=None).stdout
    with smtplib.SMTP("127.0.0.1", postfix.port("cleartext")) as client:
        client.login("app", USERS["app"])
        assert client.esmtp_features["size"] == "100000"
        assert client.mail("me@example.com", ["SIZE=100001"])[0] == 552


def test_postfix_pauses_its_greeting(good: Issued) -> None:
    with Postfix(
        [Listener("starttls", greeting_delay=1), Listener("starttls", greet_wait=1)], certificate=good
    ) as relay:
        for listener, first in zip(relay.listeners, (b"220 ", b"220-"), strict=True):
            start = time.monotonic()
            with socket.create_connection((listener.host, listener.port), 5) as sock, sock.makefile("rb") as lines:
                greeting = [lines.readline()]
                while greeting[-1][3:4] == b"-":
                    greeting.append(lines.readline())
            assert greeting[0].startswith(first)
            assert 0.9 < time.monotonic() - start < 4


def test_postfix_with_faulty_certificates(pki: Pki) -> None:
    weak = pki.issue("localhost", key_type="rsa", bits=1024)
    unordered = pki.issue("localhost", chain=["intermediate", "leaf"])
    bare = pki.issue("localhost", chain=["leaf"])
    listeners = [Listener("implicit", certificate=each) for each in (weak, bare)] + [
        Listener("starttls", certificate=unordered)
    ]
    with Postfix(listeners, tls_versions="<=TLSv1.1") as relay:
        old = ["-CAfile", str(pki.ca_file), "-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0"]
        weak_port, bare_port, unordered_port = (each.port for each in relay.listeners)
        assert "TLSv1.1" in openssl(weak_port, *old)
        assert "protocol version" in openssl(weak_port, "-CAfile", str(pki.ca_file), "-min_protocol", "TLSv1.2")
        assert "unable to get local issuer certificate" in openssl(bare_port, *old)
        with smtplib.SMTP("127.0.0.1", unordered_port) as client:
            client.ehlo()
            # Postfix cannot load such a chain, and says so only when TLS is wanted.
            assert client.docmd("STARTTLS")[0] == 454


def test_postfix_leaves_nothing(good: Issued) -> None:
    relay = Postfix([Listener("starttls", greet_wait=1), Listener("implicit")], certificate=good, users=USERS)
    with smtplib.SMTP(relay.host, relay.port()):
        pass
    folder = str(relay.folder)
    assert folder in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    relay.close()
    assert not os.path.exists(folder)
    assert folder not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((relay.host, relay.port()), 1)


def test_two_postfixes_at_once(postfix: Postfix, good: Issued) -> None:
    with Postfix([Listener("starttls")], certificate=good, users={"other": "secret"}) as second:
        assert swaks(second.port(), "--tls", user="other", password="secret").returncode == 0
        assert swaks(second.port(), "--tls").returncode != 0
        assert swaks(postfix.port("starttls"), "--tls").returncode == 0


@pytest.mark.parametrize("cls", [Aiosmtpd, SmtpServer])
@pytest.mark.parametrize("tls", MODES)
def test_small_relays(cls: type[Aiosmtpd | SmtpServer], tls: str, good: Issued) -> None:
    with cls(tls, certificate=good, users=USERS, require_auth=True) as relay:
        done = swaks(relay.port, *MODES[tls], "--header", f"Subject: {tls}", mechanism="LOGIN")
        assert done.returncode == 0, done.stdout
        assert f"Subject: {tls}" in relay.wait_for_message(tls)
        assert "535" in swaks(relay.port, *MODES[tls], password="wrong").stdout
        assert "530" in swaks(relay.port, *MODES[tls], user=None).stdout


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_exim(good: Issued, mechanism: str) -> None:
    with Exim(
        certificate=good,
        users=USERS,
        rcpt_acl="deny recipients = no@example.com\n  message = 550 no such user\n  accept",
    ) as relay:
        assert relay.implicit_port
        for port, mode in ((relay.port, "--tls"), (relay.implicit_port, "--tls-on-connect")):
            assert swaks(port, mode, mechanism=mechanism).returncode == 0
            assert "535" in swaks(port, mode, mechanism=mechanism, password="wrong").stdout
            assert "550 no such user" in swaks(port, mode, "--to", "no@example.com").stdout
        assert "Exim" in relay.wait_for_message()


def test_dovecot(good: Issued) -> None:
    with (
        Postfix([Listener("cleartext")]) as backend,
        Dovecot((backend.host, backend.port()), certificate=good, users=USERS) as relay,
    ):
        assert relay.implicit_port
        assert swaks(relay.port, "--tls", "--header", "Subject: first").returncode == 0
        assert (
            swaks(
                relay.implicit_port, "--tls-on-connect", "--header", "Subject: second", mechanism="CRAM-MD5"
            ).returncode
            == 0
        )
        assert "535" in swaks(relay.port, "--tls", password="wrong").stdout
        assert "530" in swaks(relay.port, "--tls", user=None).stdout
        assert "SCRAM-SHA-256" in swaks(relay.port, "--tls").stdout
        assert "by dovecot.test" in backend.wait_for_message("first")


def test_opensmtpd(pki: Pki, good: Issued) -> None:
    with OpenSmtpd(certificate=good, users=USERS) as relay:
        assert swaks(relay.port, user=None).returncode == 0
        assert "(OpenSMTPD)" in relay.wait_for_message()
        with Haproxy((relay.host, relay.port), certificate=good) as front:
            assert swaks(front.port, "--tls-on-connect", user=None).returncode == 0
        # What Debian 12 has cannot do TLS, and says so in the middle of the handshake; what is newer can.
        said = openssl(int(relay.implicit_port or 0), "-CAfile", str(pki.ca_file))
        assert "internal error" in said or "Verification: OK" in said


def test_fronts(postfix: Postfix, pki: Pki, good: Issued) -> None:
    backend = (postfix.host, postfix.port("cleartext"))
    with Haproxy(backend, certificate=good) as front:
        assert swaks(front.port, "--tls-on-connect").returncode == 0
    with Haproxy(backend) as front:
        assert swaks(front.port).returncode == 0
    with Haproxy(("127.0.0.1", 9)) as front, pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(front.host, front.port, timeout=5)
    with Stunnel(backend, certificate=good) as front:
        assert swaks(front.port, "--tls").returncode == 0
    with Stunnel(backend, certificate=good, starttls=False) as front:
        assert swaks(front.port, "--tls-on-connect").returncode == 0
    trust = ["-CAfile", str(pki.ca_file)]
    fronts: list[tuple[Callable[[], Relay], list[str], str]] = [
        (
            lambda: Haproxy(backend, certificate=good, bind_options="ssl-min-ver TLSv1.3"),
            ["-tls1_2"],
            "protocol version",
        ),
        (
            lambda: Haproxy(backend, certificate=good, bind_options="ssl-max-ver TLSv1.0 ciphers ALL:@SECLEVEL=0"),
            ["-tls1_2"],
            "unsupported protocol",
        ),
        (
            lambda: Haproxy(backend, certificate=good, bind_options=f"ca-file {pki.ca_file} verify required"),
            ["-tls1_2"],
            "handshake failure",
        ),
        (lambda: OpensslServer(good), [], "Verification: OK"),
        (lambda: OpensslServer(good, options=["-tls1_2", "-cipher", "PSK"]), [], "handshake failure"),
    ]
    for make, options, words in fronts:
        with make() as front:
            assert words in openssl(front.port, *trust, *options), front.log()


def pangolin(
    folder: Path, pki: Pki, port: int, secure: bool | None, to: str | None = "you@example.com", **env: str
) -> Outcome:
    """Pangolin with this port and flag; no flag when `secure` is None.

    By address: of a name with two, nodemailer reports the error of the last one tried.
    """
    flag = "" if secure is None else f"  smtp_secure: {str(secure).lower()}\n"
    config = folder / "config.yml"
    config.write_text(
        f"app:\n  log_level: info\nemail:\n  smtp_host: 127.0.0.1\n  smtp_port: {port}\n{flag}"
        f"  smtp_user: app\n  smtp_pass: {USERS['app']}\n  no_reply: app@example.com\n"
    )
    return pangolin_send(config, to=to, ca_file=pki.ca_file, env=env, connection_timeout=2, greeting_timeout=1)


def test_pangolin_and_nodemailer(tmp_path: Path, pki: Pki, postfix: Postfix) -> None:
    implicit, starttls = postfix.port("implicit"), postfix.port("starttls")
    for port, secure in ((implicit, True), (starttls, False), (starttls, None)):
        outcome = pangolin(tmp_path, pki, port, secure)
        assert outcome.ok and "queued as" in str(outcome.response)
    assert pangolin(tmp_path, pki, starttls, False, to=None).ok
    for secure in (False, None):  # the hang that an omitted flag means on 465
        outcome = pangolin(tmp_path, pki, implicit, secure)
        assert (outcome.code, outcome.command, outcome.message) == ("ETIMEDOUT", "CONN", "Greeting never received")
    outcome = pangolin(tmp_path, pki, starttls, True)
    assert outcome.code == "ESOCKET" and "wrong version number" in str(outcome.message)
    # An empty variable wins over the file, and mail then goes out without a login.
    assert pangolin(tmp_path, pki, starttls, False, EMAIL_SMTP_PASS="").code == "EENVELOPE"
    assert pangolin(tmp_path, pki, starttls, False, EMAIL_SMTP_PASS="wrong").code == "EAUTH"


@pytest.mark.parametrize(
    "text", ['smtp_port: "587"', "smtp_secure: 'true'", "no_reply: App <app@example.com>", "smtp_host: 127"]
)
def test_pangolin_is_strict_about_types(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.yml"
    config.write_text(f"email:\n  {text}\n")
    assert pangolin_send(config).code == "ECONFIG"


def test_tls_of_the_good_relay_verifies_by_its_name(postfix: Postfix, pki: Pki) -> None:
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    with smtplib.SMTP_SSL("localhost", postfix.port("implicit"), context=context) as client:
        assert client.noop()[0] == 250
    with (
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
        socket.create_connection(("127.0.0.1", postfix.port("implicit"))) as sock,
    ):
        context.wrap_socket(sock, server_hostname="other.test")

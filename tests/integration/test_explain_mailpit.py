# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Abnormal connections to a real Mailpit are counted from its own log."""

from __future__ import annotations

import base64
import contextlib
import json
import smtplib
import ssl
import time
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain

from tests.support.mailpit import Mailpit
from tests.support.pki import Pki

WRONG_PASSWORD = "topsecret-guess"


def login(mailpit: Mailpit, context: ssl.SSLContext, password: str) -> None:
    with smtplib.SMTP(mailpit.host, mailpit.port, timeout=5) as client:
        client.starttls(context=context)
        client.login("app", password)


def send_in_cleartext(mailpit: Mailpit) -> None:
    with smtplib.SMTP(mailpit.host, mailpit.port, timeout=5) as client:
        client.sendmail("a@example.com", ["b@example.org"], "Subject: test\r\n\r\ntest")


def connect_with_tls(mailpit: Mailpit, context: ssl.SSLContext) -> None:
    with smtplib.SMTP_SSL(mailpit.host, mailpit.port, timeout=5, context=context):
        pass


@pytest.mark.parametrize("verbose", ["false", "true"])
def test_failed_logins_and_cleartext_attempts_are_counted(tmp_path: Path, verbose: str) -> None:
    pki = Pki(tmp_path / "pki")
    good = pki.issue("localhost", ips=["127.0.0.1"])
    trusting, strict = ssl.create_default_context(cafile=str(pki.ca_file)), ssl.create_default_context()
    users = tmp_path / "users"
    users.write_text("app:right\n")
    environment = {
        "MP_SMTP_TLS_CERT": str(good.chain_file),
        "MP_SMTP_TLS_KEY": str(good.key_file),
        "MP_SMTP_AUTH_FILE": str(users),
        "MP_VERBOSE": verbose,
    }
    with Mailpit(tmp_path, environment) as mailpit:
        assert explain(mailpit.log())["explained"] == 0
        login(mailpit, trusting, "right")
        assert explain(mailpit.log())["explained"] == 0
        for _attempt in range(2):
            with contextlib.suppress(smtplib.SMTPException):
                login(mailpit, trusting, WRONG_PASSWORD)
        failed_logins = mailpit.log().count("deny ")
        for _attempt in range(3):
            with pytest.raises(smtplib.SMTPException):
                send_in_cleartext(mailpit)
        with pytest.raises(ssl.SSLError):
            connect_with_tls(mailpit, trusting)
        with pytest.raises(ssl.SSLError):
            login(mailpit, strict, WRONG_PASSWORD)
        time.sleep(0.2)
        log = mailpit.log()
    result = explain(log)
    counts = {each["cause"]: each["count"] for each in result["causes"]}
    # smtplib tries each mechanism that is offered, so one attempt is more than one failed login.
    assert failed_logins >= 2
    assert counts == {
        "auth_rejected": failed_logins,
        "auth_requires_tls": log.count("530 5.7.0 Must issue"),
        "mode_mismatch": 1,
        "tls_handshake_failed": 1,
    }
    assert counts["auth_requires_tls"] >= 3
    assert all(each["first_seen"] and each["last_seen"] for each in result["causes"])
    shown = json.dumps(result)
    assert WRONG_PASSWORD not in shown
    assert base64.b64encode(WRONG_PASSWORD.encode()).decode() not in shown

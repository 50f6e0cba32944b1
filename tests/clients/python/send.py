# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one message with one of several Python libraries, and logs the error as programs with Python's logging do.

send.py LIBRARY HOST PORT MODE CA_FILE SECONDS USER PASSWORD
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import sys
from email.message import EmailMessage

library, host, port, mode, ca_file, seconds, user, password = sys.argv[1:]
logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level=logging.ERROR)
log = logging.getLogger("app.notifications")
TEXT = "Subject: test\r\n\r\ntest\r\n"


def with_aiosmtplib() -> None:
    import aiosmtplib

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.org", "test"
    message.set_content("test")
    sending = aiosmtplib.send(
        message,
        hostname=host,
        port=int(port),
        use_tls=mode == "implicit",
        start_tls=mode == "starttls",
        username=user or None,
        password=password if user else None,
        timeout=float(seconds),
        tls_context=ssl.create_default_context(cafile=ca_file),
    )
    asyncio.run(sending)


def with_django() -> None:
    import django
    from django.conf import settings

    settings.configure(
        EMAIL_HOST=host,
        EMAIL_PORT=int(port),
        EMAIL_USE_SSL=mode == "implicit",
        EMAIL_USE_TLS=mode == "starttls",
        EMAIL_HOST_USER=user,
        EMAIL_HOST_PASSWORD=password if user else "",
        EMAIL_TIMEOUT=int(seconds),
    )
    django.setup()
    from django.core.mail import send_mail

    send_mail("test", "test", "a@example.com", ["b@example.org"])


def with_flask_mail() -> None:
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask("app")
    app.config.update(
        MAIL_SERVER=host,
        MAIL_PORT=int(port),
        MAIL_USE_SSL=mode == "implicit",
        MAIL_USE_TLS=mode == "starttls",
        MAIL_USERNAME=user or None,
        MAIL_PASSWORD=password if user else None,
        MAIL_DEFAULT_SENDER="a@example.com",
    )
    mail = Mail(app)
    with app.app_context():
        mail.send(Message("test", recipients=["b@example.org"], body="test"))


def with_twisted() -> None:
    from io import BytesIO

    from twisted.internet import reactor
    from twisted.internet import ssl as tls
    from twisted.internet.defer import Deferred
    from twisted.mail.smtp import ESMTPSenderFactory
    from twisted.python import log as twisted_log

    twisted_log.startLogging(sys.stderr, setStdout=False)
    with open(ca_file, encoding="ascii") as file:
        blocks = ["-----BEGIN" + block for block in file.read().split("-----BEGIN")[1:]]
    trusted = tls.trustRootFromCertificates([tls.Certificate.loadPEM(block) for block in blocks])
    context = tls.optionsForClientTLS(host, trustRoot=trusted)
    done: Deferred[object] = Deferred()
    message = BytesIO(TEXT.encode())
    factory = ESMTPSenderFactory(
        user.encode(),
        password.encode(),
        b"a@example.com",
        b"b@example.org",
        message,
        done,
        retries=0,
        timeout=float(seconds),
        contextFactory=context if mode == "starttls" else None,
        requireAuthentication=bool(user),
        requireTransportSecurity=mode == "starttls",
        hostname=host,
    )
    if mode == "implicit":
        reactor.connectSSL(host, int(port), factory, context, timeout=float(seconds))
    else:
        reactor.connectTCP(host, int(port), factory, timeout=float(seconds))
    done.addErrback(lambda failure: twisted_log.err(failure, "Unable to send the notification mail"))
    done.addBoth(lambda _result: reactor.stop())
    reactor.callLater(6, reactor.stop)
    reactor.run()


def with_apprise() -> None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.DEBUG)
    login = f"{user}:{password}@" if user else ""
    scheme, kind = (
        ("mailto", "insecure")
        if mode == "cleartext"
        else ("mailtos", {"implicit": "ssl", "starttls": "starttls"}[mode])
    )
    apprise.Apprise(
        f"{scheme}://{login}{host}:{port}/?from=a@example.com&to=b@example.org&mode={kind}&smtp={host}"
    ).notify("test")


def with_fastapi_mail() -> None:
    from fastapi_mail import ConnectionConfig, FastMail, MessageSchema, MessageType
    from pydantic import SecretStr

    config = ConnectionConfig(
        MAIL_USERNAME=user,
        MAIL_PASSWORD=SecretStr(password),
        MAIL_FROM="a@example.com",
        MAIL_SERVER=host,
        MAIL_PORT=int(port),
        MAIL_STARTTLS=mode == "starttls",
        MAIL_SSL_TLS=mode == "implicit",
        USE_CREDENTIALS=bool(user),
        TIMEOUT=int(seconds),
    )
    message = MessageSchema(subject="test", recipients=["b@example.org"], body="test", subtype=MessageType.plain)
    asyncio.run(FastMail(config).send_message(message))


def with_yagmail() -> None:
    import yagmail

    sender = yagmail.SMTP(
        user or "a@example.com",
        password or None,
        host=host,
        port=int(port),
        smtp_ssl=mode == "implicit",
        smtp_starttls=mode == "starttls",
        smtp_skip_login=not user,
        timeout=float(seconds),
    )
    sender.send("b@example.org", "test", "test")


def with_redmail() -> None:
    import smtplib

    from redmail import EmailSender

    sender = EmailSender(
        host=host,
        port=int(port),
        username=user or None,
        password=password or None,
        use_starttls=mode == "starttls",
        cls_smtp=smtplib.SMTP_SSL if mode == "implicit" else smtplib.SMTP,
        timeout=float(seconds),
    )
    sender.send(subject="test", sender="a@example.com", receivers=["b@example.org"], text="test")


os.environ["SSL_CERT_FILE"] = ca_file
try:
    globals()[f"with_{library}"]()
except Exception:
    log.exception("Could not send the e-mail")

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the clients that are installed here, as each platform's own files tell them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.support.mailpit import PINNED
from tests.support.process import ROOT

__all__ = ["versions"]

HERE = Path(__file__).resolve().parent
BUILT = ROOT / "build" / "clients"
_DEBIAN = {
    "Symfony Mailer in Laravel's log": "php-symfony-mailer",
    "Swift Mailer": "php-swiftmailer",
    "PEAR Mail": "php-mail",
    "PHPMailer with SMTPDebug": "libphp-phpmailer",
    "Ruby mail": "ruby-mail",
    "Action Mailer": "ruby-actionmailer",
    "Erlang ssl": "erlang-ssl",
    "Mono System.Net.Mail": "mono-runtime",
    "mutt": "mutt",
    "NeoMutt": "neomutt",
    "Elixir ssl": "elixir",
    "Net::SMTP": "perl",
    "Email::Sender": "libemail-sender-perl",
    "Mail::Sendmail": "libmail-sendmail-perl",
    "LuaSocket smtp": "lua-socket",
    "sendEmail": "sendemail",
    "esmtp": "esmtp",
    "Exim as a client": "exim4-daemon-light",
    "S-nail": "s-nail",
    "GNU Mailutils": "mailutils",
    "git send-email": "git",
    "gnutls-cli": "gnutls-bin",
    "Postfix as a client": "postfix",
    "nullmailer": "nullmailer",
    "sSMTP": "ssmtp",
    "Monit": "monit",
    "Horde_Smtp": "php-horde-smtp",
    "Emacs smtpmail": "emacs-nox",
    "Tcllib smtp": "tcllib",
    "R curl": "r-cran-curl",
    "OpenSMTPD smtp": "opensmtpd",
    "dma": "dma",
    "Alpine": "alpine",
}
_PYTHON = {
    "aiosmtplib": "aiosmtplib",
    "Django": "Django",
    "Flask-Mail": "Flask-Mail",
    "Twisted": "Twisted",
    "Apprise": "apprise",
    "fastapi-mail": "fastapi-mail",
    "yagmail": "yagmail",
    "redmail": "redmail",
    "community.general.mail": "ansible",
}
_NODE = {
    "Nodemailer in Pangolin's log": "nodemailer",
    "Nodemailer in pino's log": "nodemailer",
    "emailjs": "emailjs",
    "smtp-client": "smtp-client",
    "smtp-connection": "smtp-connection",
    "Node-RED": "node-red",
}
_GO = {
    "gomail": "gopkg.in/gomail.v2",
    "emersion/go-smtp": "github.com/emersion/go-smtp",
    "go-simple-mail": "github.com/xhit/go-simple-mail/v2",
    "jordan-wright/email": "github.com/jordan-wright/email",
    "shoutrrr": "github.com/containrrr/shoutrrr",
}
_MAVEN = {
    "Angus Mail": "angus-mail",
    "Spring": "spring-context-support",
    "Simple Java Mail": "simple-java-mail",
    "Commons Email": "commons-email2-jakarta",
    "Vert.x Mail": "vertx-mail-client",
    "Commons Net": "commons-net",
}


def versions() -> dict[str, str]:
    """Client to version; a client that is not installed is left out."""
    found = {client: _debian(package) for client, package in _DEBIAN.items()}
    listed = _lines(str(BUILT / "python" / "bin" / "pip"), "list", "--format=freeze")
    pip = {name.lower(): version for name, _equals, version in (line.partition("==") for line in listed)}
    found |= {client: pip.get(package.lower(), "") for client, package in _PYTHON.items()}
    for client, package in _NODE.items():
        file = BUILT / "node" / "node_modules" / package / "package.json"
        found[client] = json.loads(file.read_text("utf-8"))["version"] if file.exists() else ""
    modules = (HERE / "go" / "go.mod").read_text("utf-8")
    for client, module in _GO.items():
        version = re.search(rf"{re.escape(module)} v(\S+)", modules)
        found[client] = version.group(1).partition("-0.")[0].partition("-20")[0] if version else ""
    lock = (HERE / "rust" / "Cargo.lock").read_text("utf-8")
    lettre = re.search(r'name = "lettre"\nversion = "([^"]+)"', lock)
    found |= dict.fromkeys(("lettre with rustls", "lettre with native-tls"), lettre.group(1) if lettre else "")
    mail_send = re.search(r'name = "mail-send"\nversion = "([^"]+)"', lock)
    found["mail-send"] = mail_send.group(1) if mail_send else ""
    for client, artifact in _MAVEN.items():
        version = re.search(
            rf"<artifactId>{artifact}</artifactId><version>([^<]+)<", (HERE / "java" / "pom.xml").read_text("utf-8")
        )
        found[client] = version.group(1) if version else ""
    found["Alertmanager"] = "".join(re.findall(r"cmd/alertmanager@v(\S+)", (HERE / "install").read_text("utf-8")))
    found["Mailpit as a relay's client"] = PINNED[-1].lstrip("v") if PINNED else ""
    return {client: version for client, version in found.items() if version}


def _debian(package: str) -> str:
    line = next(iter(_lines("apt-cache", "policy", package)[2:3]), "")
    version = line.rpartition(" ")[2]
    return re.sub(r"^\d+:|[+-][^+-]*$|\+dfsg\d*$", "", re.sub(r"[+~]deb\S*$", "", version))


def _lines(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    return done.stdout.splitlines()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook audit over a fleet that was never touched: forty planted mistakes, each found and named, and healthy apps called fine.

Every host has a file system of its own (mail_audit_root); the relays listen on loopback addresses, on the real ports 465 and 587.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.support.faulty import (
    Behaviour,
    FaultyServer,
    close,
    full_backlog,
    honest,
    reset_on_client_hello,
    silent,
    smtp,
)
from tests.support.pki import EXPIRED, NOT_YET_VALID, Pki

PASSWORD = "hunter2-S3cret"
GOOD, EXPIRED_AT, OTHER_NAME, STRANGER, FILTERED, STRIPPED, CLOSED = (f"127.77.0.{one}" for one in range(1, 8))
EXPIRING, NO_LOGIN, LOGIN_ONLY, REJECTING, SILENT, INCOMPLETE, FUTURE, RESETS = (
    f"127.77.0.{one}" for one in range(8, 16)
)
SELF_SIGNED, ONLY_587, IN_CLEAR = "127.77.0.16", "127.77.0.17", "127.77.0.18"


class App(t.NamedTuple):
    """One file of the fleet, what the audit must say of it, and other files that belong to it."""

    path: str
    text: str
    state: str
    code: str
    words: str = ""
    others: t.Mapping[str, str] = {}
    mode: int = 0o600


def pangolin(host: str = GOOD, port: object = 465, secure: object = True, more: str = "") -> str:
    said = "" if secure is None else f"  smtp_secure: {str(secure).lower()}\n"
    sender = "" if "no-reply" in more else "  no_reply: app@example.com\n"
    login = "" if "smtp_pass" in more else f"  smtp_user: app\n  smtp_pass: {PASSWORD}\n"
    return f"app:\n  x: 1\nemail:\n  smtp_host: {host}\n  smtp_port: {port}\n{said}{login}{sender}{more}"


def grafana(host: str = GOOD, port: int = 587, policy: str = "MandatoryStartTLS", more: str = "enabled = true") -> str:
    login = f"user = app\npassword = {PASSWORD}\nfrom_address = a@example.com"
    return f"[smtp]\nhost = {host}:{port}\n{login}\nstartTLS_policy = {policy}\n{more}\n"


def vaultwarden(host: str = GOOD, port: int = 465, security: str = "force_tls", **more: str) -> str:
    values = {
        "SMTP_HOST": host,
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": security,
        "SMTP_USERNAME": "app",
        "SMTP_PASSWORD": PASSWORD,
        "SMTP_FROM": "a@example.com",
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items() if value != "-")


def compose(image: str, environment: t.Mapping[str, str] | t.Sequence[str], **more: t.Any) -> str:
    body = {"image": image, "environment": dict(environment) if isinstance(environment, t.Mapping) else environment}
    return yaml.safe_dump({"services": {"web": {**body, **more}}})


def variables(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def django(host: str = GOOD, port: int = 587, more: str = "EMAIL_USE_TLS = True\nEMAIL_TIMEOUT = 10") -> str:
    return f"EMAIL_HOST = '{host}'\nEMAIL_PORT = {port}\nEMAIL_HOST_USER = 'app'\nEMAIL_HOST_PASSWORD = '{PASSWORD}'\n{more}\n"


def gitea(host: str = GOOD, port: int = 465, protocol: str = "smtps", more: str = "") -> str:
    login = f"USER = app\nPASSWD = {PASSWORD}\nFROM = a@example.com"
    return f"[mailer]\nENABLED = true\nSMTP_ADDR = {host}\nSMTP_PORT = {port}\nPROTOCOL = {protocol}\n{login}\n{more}"


def mailpit(host: str = GOOD, port: int = 465, more: str = "tls: true\nauth: plain") -> str:
    return f"host: {host}\nport: {port}\n{more}\nusername: app\npassword: {PASSWORD}\n"


def postfix(host: str = GOOD, port: int = 587, more: str = "") -> str:
    level = "" if "security_level" in more else "smtp_tls_security_level = secure\n"
    return f"relayhost = [{host}]:{port}\n{level}smtp_sasl_auth_enable = yes\nsmtp_sasl_security_options = noanonymous\n{more}"


ENVIRONMENT = variables(vaultwarden())
PLANTED: dict[str, App] = {
    "465 without TLS": App(
        "/opt/p1/config/config.yml", pangolin(secure=False), "broken", "mode_mismatch", "email.smtp_secure"
    ),
    "465 and no flag": App("/opt/p2/config/config.yml", pangolin(secure=None), "broken", "mode_mismatch", "465"),
    "587 with TLS": App("/opt/p3/config/config.yml", pangolin(port=587), "broken", "mode_mismatch", "secure: false"),
    "downgrade": App(
        "/opt/p4/config/config.yml", pangolin(port=587, secure=False), "will_break", "downgrade_possible", "cleartext"
    ),
    "misspelt sender": App(
        "/opt/p5/config/config.yml",
        pangolin(more="  no-reply: app@example.com\n"),
        "will_break",
        "unknown_key",
        "no-reply",
    ),
    "nested form": App(
        "/opt/p6/config/config.yml",
        f"email:\n  smtp:\n    host: {GOOD}\n    pass: {PASSWORD}\n",
        "broken",
        "unknown_key",
        "email.smtp",
    ),
    "port in quotes": App("/opt/p7/config/config.yml", pangolin(port='"465"'), "broken", "wrong_type", "smtp_port"),
    "password of digits": App(
        "/opt/p8/config/config.yml",
        pangolin(more="  smtp_user: app\n  smtp_pass: 12345\n"),
        "broken",
        "wrong_type",
        "smtp_pass",
    ),
    "not YAML": App(
        "/opt/pangolin/config/config.yml", "email:\n\tsmtp_host: x\n", "broken", "unreadable", "cannot be read"
    ),
    "overridden by nothing": App(
        "/srv/pangolin/config/config.yml",
        pangolin(),
        "broken",
        "overridden",
        "EMAIL_SMTP_PASS",
        {"/srv/pangolin/docker-compose.yml": compose("fosrl/pangolin:1.9", {"EMAIL_SMTP_PASS": ""})},
    ),
    "expired": App("/opt/p9/config/config.yml", pangolin(EXPIRED_AT), "broken", "certificate_expired", "expired"),
    "other name": App(
        "/opt/p10/config/config.yml", pangolin(OTHER_NAME), "broken", "certificate_name_mismatch", "other.example"
    ),
    "unknown CA": App("/opt/p11/config/config.yml", pangolin(STRANGER), "broken", "certificate_untrusted"),
    "self-signed": App("/opt/p12/config/config.yml", pangolin(SELF_SIGNED), "broken", "certificate_self_signed"),
    "filtered": App("/opt/p13/config/config.yml", pangolin(FILTERED), "broken", "connection_timeout", "port: 587"),
    "nobody there": App("/opt/p14/config/config.yml", pangolin(CLOSED), "broken", "connection_refused"),
    "will expire": App("/opt/p15/config/config.yml", pangolin(EXPIRING), "will_break", "certificate_expiring", "days"),
    "STARTTLS stripped": App("/opt/g1/etc/grafana/grafana.ini", grafana(STRIPPED), "broken", "starttls_not_offered"),
    "a client that logs in without TLS": App(
        "/opt/p16/config/config.yml",
        pangolin(IN_CLEAR, 587, secure=False),
        "will_break",
        "downgrade_possible",
        "sends mail and password in cleartext today",
    ),
    "a client of Go that logs in without TLS": App(
        "/opt/gt9/custom/conf/app.ini",
        f"[mailer]\nENABLED = true\nPROTOCOL = smtp+starttls\nSMTP_ADDR = {IN_CLEAR}\nSMTP_PORT = 587\nFROM = a@example.com\n"
        f"USER = app\nPASSWD = {PASSWORD}\n",
        "will_break",
        "downgrade_possible",
        "Gitea sends mail and password in cleartext today",
    ),
    "a client that keeps its login back": App(
        "/opt/pf8/etc/postfix/main.cf",
        postfix(
            IN_CLEAR, more="smtp_tls_security_level = may\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"
        ),
        "broken",
        "auth_requires_tls",
        "Postfix",
        {"/opt/pf8/etc/postfix/sasl_passwd": f"[{IN_CLEAR}]:587 app:{PASSWORD}\n"},
    ),
    "a client that verifies nothing": App(
        "/etc/ssmtp/ssmtp.conf",
        f"mailhub={EXPIRED_AT}:465\nUseTLS=YES\nAuthUser=app\nAuthPass={PASSWORD}\n",
        "will_break",
        "certificate_not_verified",
    ),
    "a login for another spelling": App(
        "/opt/pf9/etc/postfix/main.cf",
        postfix(more="smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_tls_CAfile = /x\n"),
        "will_break",
        "login_unused",
        "sasl_passwd",
        {"/opt/pf9/etc/postfix/sasl_passwd": f"{GOOD}:587 app:{PASSWORD}\n"},
    ),
    "half a login": App(
        "/opt/v9/compose.yml",
        compose("vaultwarden/server", variables(vaultwarden(SMTP_PASSWORD="-"))),
        "broken",
        "password_missing",
        "does not start",
    ),
    "an EnvironmentFile wins": App(
        "/etc/systemd/system/vaultwarden.service.d/mail.conf",
        "[Service]\nEnvironment=SMTP_SECURITY=starttls SMTP_PORT=587\n",
        "fine",
        "",
        "465",
        {
            "/etc/systemd/system/vaultwarden.service": "[Service]\nEnvironmentFile=/etc/vw/mail.env\n",
            "/etc/vw/mail.env": vaultwarden(),
        },
    ),
    "a misspelt relay at the top of a file": App(
        "/opt/self-hosted/sentry/config.yml",
        f"mail.hostname: {GOOD}\nmail.port: 465\nmail.use-ssl: true\n",
        "broken",
        "unknown_key",
        "mail.hostname",
    ),
    "no login there": App("/opt/g2/etc/grafana/grafana.ini", grafana(NO_LOGIN), "broken", "auth_not_offered"),
    "switched off": App(
        "/opt/g3/etc/grafana/grafana.ini", grafana(more="enabled = false"), "broken", "settings_unused", "enabled"
    ),
    "policy misspelt": App(
        "/opt/g4/etc/grafana/grafana.ini", grafana(policy="Mandatory"), "will_break", "unknown_value", "Mandatory"
    ),
    "policy left to chance": App(
        "/opt/g5/etc/grafana/grafana.ini", grafana(policy="OpportunisticStartTLS"), "will_break", "downgrade_possible"
    ),
    "no verification": App(
        "/opt/g6/etc/grafana/grafana.ini",
        grafana(more="enabled = true\nskip_verify = true"),
        "will_break",
        "certificate_not_verified",
    ),
    "unit wins over the file": App(
        "/etc/grafana/grafana.ini",
        grafana(),
        "broken",
        "connection_refused",
        CLOSED,
        {
            "/etc/systemd/system/grafana-server.service.d/mail.conf": f"[Service]\nEnvironment=GF_SMTP_HOST={CLOSED}:587\n"
        },
    ),
    "quotes in a list": App(
        "/opt/v1/compose.yml",
        compose("vaultwarden/server", [*vaultwarden(SMTP_HOST="-").split(), f'SMTP_HOST="{GOOD}"']),
        "broken",
        "quotes_in_value",
        "SMTP_HOST",
    ),
    "env_file is not there": App(
        "/opt/v2/compose.yml",
        compose("vaultwarden/server", ENVIRONMENT, env_file=["mail.env"]),
        "will_break",
        "file_missing",
        "mail.env",
    ),
    "variables from .env": App(
        "/opt/v3/compose.yml",
        compose("vaultwarden/server", {**ENVIRONMENT, "SMTP_HOST": "${RELAY:-smtp.example.com}"}),
        "broken",
        "connection_refused",
        CLOSED,
        {"/opt/v3/.env": f"RELAY={CLOSED}\n"},
    ),
    "the same variable twice": App(
        "/opt/v4/docker-compose.yml",
        compose("vaultwarden/server", {"SMTP_SECURITY": "off"}, env_file="mail.env"),
        "broken",
        "mode_mismatch",
        "465",
        {"/opt/v4/mail.env": vaultwarden()},
    ),
    "no sender": App("/opt/v5/vaultwarden.env", vaultwarden(SMTP_FROM="-"), "broken", "sender_missing", "SMTP_FROM"),
    "a word of old": App(
        "/opt/v6/vaultwarden.env", vaultwarden(SMTP_SSL="true"), "will_break", "unknown_key", "SMTP_SSL"
    ),
    "relay that is not ready": App("/opt/v7/vaultwarden.env", vaultwarden(REJECTING), "broken", "greeting_rejected"),
    "relay that says nothing": App(
        "/etc/vaultwarden.env", vaultwarden(SILENT, 587, "starttls"), "broken", "greeting_timeout"
    ),
    "two flags": App(
        "/opt/d1/settings.py",
        django(more="EMAIL_USE_TLS = True\nEMAIL_USE_SSL = True\nEMAIL_TIMEOUT = 5"),
        "broken",
        "invalid_settings",
    ),
    "no timeout": App(
        "/opt/d2/settings.py", django(more="EMAIL_USE_TLS = True"), "will_break", "no_timeout", "EMAIL_TIMEOUT"
    ),
    "password in cleartext": App(
        "/opt/d3/settings.py", django(more="EMAIL_TIMEOUT = 5"), "broken", "auth_requires_tls"
    ),
    "chain without its middle": App(
        "/opt/gt1/custom/conf/app.ini", gitea(INCOMPLETE), "broken", "certificate_chain_incomplete"
    ),
    "clock or certificate": App("/opt/gt2/custom/conf/app.ini", gitea(FUTURE), "broken", "certificate_not_yet_valid"),
    "closed at once": App("/opt/gt3/custom/conf/app.ini", gitea(RESETS), "broken", "tls_handshake_failed"),
    "mechanism that the relay lacks": App(
        "/etc/mailpit/relay.yml", mailpit(LOGIN_ONLY), "broken", "auth_mechanism_not_offered", "LOGIN"
    ),
    "two modes at once": App(
        "/etc/mailpit/forward.yml",
        mailpit(more="tls: true\nstarttls: true\nauth: plain\nto: a@example.com"),
        "broken",
        "invalid_settings",
    ),
    "verifies nothing": App(
        "/etc/postfix/main.cf",
        postfix(more="smtp_tls_security_level = encrypt\n"),
        "will_break",
        "certificate_not_verified",
        "encrypt",
        {"/etc/postfix/sasl_passwd": f"[{GOOD}]:587 app:{PASSWORD}\n"},
    ),
    "port that only the other relay has": App(
        "/var/www/laravel/.env",
        f"MAIL_MAILER=smtp\nMAIL_HOST={ONLY_587}\nMAIL_PORT=465\nMAIL_SCHEME=smtps\n",
        "broken",
        "connection_refused",
        "port: 587",
    ),
    "a mapping of Rails without TLS": App(
        "/srv/shop/config/environments/production.rb",
        f"config.action_mailer.smtp_settings = {{\n  address: '{GOOD}', port: 465,\n  user_name: 'app', password: '{PASSWORD}'\n}}\n",
        "broken",
        "mode_mismatch",
        "smtp_settings.tls",
    ),
    "receiver with a relay of its own": App(
        "/etc/prometheus/alertmanager.yml",
        f"receivers:\n  - name: x\n    email_configs:\n      - to: a@example.com\n        from: a@example.com\n        smarthost: {CLOSED}:587\n",
        "broken",
        "connection_refused",
    ),
    "a container that sees no file of the host": App(
        "/opt/g7/compose.yml",
        compose("grafana/grafana:11", {"GF_SMTP_HOST": f"{GOOD}:587", "GF_SMTP_STARTTLS_POLICY": "MandatoryStartTLS"}),
        "broken",
        "settings_unused",
        "GF_SMTP_ENABLED",
    ),
    "a password with a sign for comments": App(
        "/opt/g8/etc/grafana/grafana.ini",
        grafana(more="enabled = true").replace(PASSWORD, f"{PASSWORD}#1"),
        "will_break",
        "comment_in_value",
        "smtp.password",
    ),
    "one colon for Exim": App(
        "/etc/exim4/update-exim4.conf.conf",
        f"dc_eximconfig_configtype='smarthost'\ndc_smarthost='{GOOD}:587'\n",
        "broken",
        "host_not_a_name",
        "Write it as in smtp.example.com::",
    ),
    "Mastodon at a place of its own": App(
        "/srv/m1/live/.env.production",
        f"LOCAL_DOMAIN=m.example\nSMTP_SERVER={GOOD}\nSMTP_PORT=587\nSMTP_LOGIN=app\nSMTP_PASSWORD={PASSWORD}\n"
        "SMTP_ENABLE_STARTTLS=always\nSMTP_OPENSSL_VERIFY_MODE=none\nSMTP_FROM_ADDRESS=a@example.com\n",
        "will_break",
        "certificate_not_verified",
        "SMTP_OPENSSL_VERIFY_MODE=peer",
    ),
    "no word for the mode": App(
        "/opt/sy1/homeserver.yaml",
        f"email:\n  smtp_host: {GOOD}\n  smtp_port: 587\n  smtp_user: app\n  smtp_pass: {PASSWORD}\n  notif_from: a@example.com\n",
        "will_break",
        "downgrade_possible",
        "security: starttls is email.require_transport_security: true",
    ),
    "words that are no mode": App(
        "/opt/ak1/compose.yml",
        compose(
            "ghcr.io/goauthentik/server",
            {
                f"AUTHENTIK_EMAIL__{name}": value
                for name, value in (("HOST", GOOD), ("PORT", "587"), ("USE_TLS", "true"), ("USE_SSL", "true"))
            },
        ),
        "broken",
        "invalid_settings",
        "Write AUTHENTIK_EMAIL__USE_SSL=false and AUTHENTIK_EMAIL__USE_TLS=true for STARTTLS",
    ),
    "an adapter that looks at no port": App(
        "/opt/pl1/compose.yml",
        compose(
            "ghcr.io/plausible/community-edition",
            {"MAILER_ADAPTER": "Bamboo.SMTPAdapter", "SMTP_HOST_ADDR": GOOD, "SMTP_HOST_PORT": "465"},
        ),
        "broken",
        "invalid_settings",
        "SMTP_HOST_SSL_ENABLED",
    ),
    "a sign in a URL": App(
        "/var/www/s1/.env.local",
        f"MAILER_DSN=smtps://app:hunter2+S3cret@{GOOD}:465\n",
        "broken",
        "wrong_type",
        "%2B",
    ),
    "mail into a log": App(
        "/var/www/shop/.env",
        f"MAIL_MAILER=log\nMAIL_HOST={GOOD}\nMAIL_PORT=465\nMAIL_SCHEME=smtps\n",
        "broken",
        "settings_unused",
        "MAIL_MAILER",
    ),
}
HEALTHY: dict[str, App] = {
    "pangolin": App("/opt/h1/config/config.yml", pangolin(), "fine", ""),
    "grafana": App("/opt/h2/etc/grafana/grafana.ini", grafana(), "fine", ""),
    "vaultwarden, a file": App("/opt/h3/vaultwarden.env", vaultwarden(), "fine", ""),
    "vaultwarden, a service": App("/opt/h4/compose.yaml", compose("vaultwarden/server", ENVIRONMENT), "fine", ""),
    "vaultwarden, env_file": App(
        "/opt/h5/compose.yaml",
        compose("vaultwarden/server", {}, env_file=["mail.env"]),
        "fine",
        "",
        "",
        {"/opt/h5/mail.env": vaultwarden()},
    ),
    "a list without quotes": App(
        "/opt/h6/compose.yaml", compose("vaultwarden/server", vaultwarden().split()), "fine", ""
    ),
    "variables": App(
        "/opt/h7/compose.yaml",
        compose("vaultwarden/server", {**ENVIRONMENT, "SMTP_PASSWORD": "${PASS}"}),
        "fine",
        "",
        "",
        {"/opt/h7/.env": f"PASS={PASSWORD}\n"},
    ),
    "django": App("/opt/h8/settings.py", django(), "fine", ""),
    "gitea": App("/opt/h9/custom/conf/app.ini", gitea(), "fine", ""),
    "gitea behind a volume": App(
        "/opt/h10/state/gitea/conf/app.ini",
        gitea(),
        "fine",
        "",
        "",
        {"/opt/h10/docker-compose.yml": compose("gitea/gitea:1.24", {}, volumes=["./state:/data"])},
    ),
    "a password from the environment": App(
        "/opt/h11/config/config.yml",
        pangolin(more="  smtp_pass: old\n  smtp_user: app\n"),
        "fine",
        "",
        "overridden",
        {"/opt/h11/compose.yml": compose("fosrl/pangolin", {"EMAIL_SMTP_PASS": PASSWORD})},
    ),
    "unit with a file": App(
        "/etc/systemd/system/n8n.service",
        f"[Service]\nExecStart=/usr/bin/n8n\nEnvironmentFile=/etc/n8n.env\nEnvironment=N8N_EMAIL_MODE=smtp N8N_SMTP_HOST={GOOD}\n",
        "fine",
        "",
        "",
        {
            "/etc/n8n.env": f"N8N_SMTP_PORT=465\nN8N_SMTP_SSL=true\nN8N_SMTP_USER=app\nN8N_SMTP_PASS={PASSWORD}\nN8N_SMTP_SENDER=a@example.com\n"
        },
    ),
    "everybody may read it": App("/opt/h12/config/config.yml", pangolin(), "fine", "", "password_readable", mode=0o644),
}


def listeners(pki: Pki) -> t.Iterator[tuple[str, int, Behaviour]]:
    """Which relay listens where."""
    users: dict[str, t.Any] = {"users": {"app": PASSWORD}, "mechanisms_after_tls": ["PLAIN", "LOGIN"]}

    def both(host: str, issued: t.Any) -> t.Iterator[tuple[str, int, Behaviour]]:
        yield host, 465, smtp(implicit=honest(issued), **users)
        yield host, 587, smtp(starttls=honest(issued), **users)

    yield from both(GOOD, pki.issue("good.example", ips=[GOOD]))
    yield from both(EXPIRED_AT, pki.issue("x", ips=[EXPIRED_AT], valid=EXPIRED))
    yield from both(OTHER_NAME, pki.issue("other.example"))
    yield from both(STRANGER, pki.issue("x", ips=[STRANGER], issuer=pki.stranger()))
    yield from both(SELF_SIGNED, pki.issue("x", ips=[SELF_SIGNED], issuer=None))
    yield from both(EXPIRING, pki.issue("x", ips=[EXPIRING], valid=(-80, 5)))
    yield from both(INCOMPLETE, pki.issue("x", ips=[INCOMPLETE], chain=["leaf"]))
    yield from both(FUTURE, pki.issue("x", ips=[FUTURE], valid=NOT_YET_VALID))
    fine = pki.issue("x", ips=[FILTERED, NO_LOGIN, LOGIN_ONLY, ONLY_587])
    yield FILTERED, 587, smtp(starttls=honest(fine), **users)
    yield ONLY_587, 587, smtp(starttls=honest(fine), **users)
    yield STRIPPED, 587, smtp()
    yield IN_CLEAR, 587, smtp(users={"app": PASSWORD}, mechanisms=["PLAIN", "LOGIN"])
    yield NO_LOGIN, 587, smtp(starttls=honest(fine))
    yield LOGIN_ONLY, 465, smtp(implicit=honest(fine), users={"app": PASSWORD}, mechanisms_after_tls=["LOGIN"])
    yield REJECTING, 465, smtp(implicit=honest(pki.issue("x", ips=[REJECTING])), greeting="554 5.7.1 go away")
    yield SILENT, 587, silent()
    yield RESETS, 465, reset_on_client_hello()
    yield RESETS, 587, close()


class Audit(t.NamedTuple):
    """What one run of the playbook said, as text and as data."""

    output: str
    returncode: int
    found: dict[str, t.Any]

    def of(self, path: str) -> tuple[dict[str, t.Any], str]:
        """The one app at a path, and its line."""
        (app,) = [one for host in self.found.values() for one in host.get("apps", []) if one["path"] == path]
        (line,) = [
            line for host in self.found.values() for line in host.get("lines", []) if f" {path}" in line.split(": ")[1]
        ]
        return app, line


def run(folder: pathlib.Path, hosts: t.Mapping[str, t.Any], *options: str) -> Audit:
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    everyone = {name: {**local, **values} for name, values in hosts.items()}
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": everyone}}))
    written = folder / "audit.json"
    written.unlink(missing_ok=True)
    command = [
        str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
        "mailops.smtp.audit",
        "-i",
        str(folder / "inventory.yml"),
        "-e",
        "mail_audit_become=false",
        "-e",
        "mail_audit_path=audit.json",
        *options,
    ]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "PWD": str(folder)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=200
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output and PASSWORD not in output
    found = written.read_text() if written.exists() else "{}"
    assert PASSWORD not in found
    return Audit(output, done.returncode, json.loads(found))


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def relays(pki: Pki) -> t.Iterator[None]:
    with contextlib.ExitStack() as stack:
        for host, port, behaviour in listeners(pki):
            stack.enter_context(FaultyServer(behaviour, host, port))
        stack.enter_context(full_backlog(FILTERED, 465))
        yield


def planted(folder: pathlib.Path, apps: t.Iterable[App]) -> pathlib.Path:
    """A file system with these apps."""
    for app in apps:
        for path, text in {app.path: app.text, **app.others}.items():
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            assert not file.exists(), path
            file.write_text(text)
            file.chmod(app.mode)
    return folder


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, pki: Pki, relays: None) -> Audit:
    folder = tmp_path_factory.mktemp("fleet")
    apps = list(PLANTED.values())
    roots = {"one": apps[0::2], "two": apps[1::2], "three": list(HEALTHY.values()), "four": []}
    before: dict[pathlib.Path, bytes] = {}
    hosts: dict[str, t.Any] = {"gone": {"ansible_connection": "ssh", "ansible_host": "127.77.0.99", "ansible_port": 1}}
    for name, some in roots.items():
        root = planted(folder / name, some)
        root.mkdir(exist_ok=True)
        before.update({file: file.read_bytes() for file in root.rglob("*") if file.is_file()})
        hosts[name] = {"mail_audit_root": str(root)}
    done = run(folder, hosts, "-e", f"mail_audit_ca_path={pki.ca_file}", "-e", "mail_audit_timeout=4")
    after = {file: file.read_bytes() for name in roots for file in (folder / name).rglob("*") if file.is_file()}
    assert before == after
    assert done.returncode == 0, done.output
    return done


@pytest.mark.parametrize("name", [*PLANTED, *HEALTHY])
def test_each_app_gets_the_right_words(audit: Audit, name: str) -> None:
    expected = {**PLANTED, **HEALTHY}[name]
    app, line = audit.of(expected.path)
    assert app["state"] == expected.state, line
    assert (app["cause"] or "") == expected.code or (expected.code and expected.code in line), line
    assert expected.words in line and line in json.loads(json.dumps(audit.found)).__str__(), line


def test_nothing_else_is_found(audit: Audit) -> None:
    assert len(PLANTED) >= 40
    paths = sorted(one["path"] for host in audit.found.values() for one in host.get("apps", []))
    assert paths == sorted(one.path for one in (*PLANTED.values(), *HEALTHY.values()))
    assert "four: no app that is known here has mail settings" in audit.output
    assert "gone: not audited: " in audit.output


def test_named_apps_their_logins_and_the_exit_code(tmp_path: pathlib.Path, pki: Pki, relays: None) -> None:
    wrong = pangolin(more="  smtp_user: app\n  smtp_pass: not-the-one\n")
    root = planted(
        tmp_path / "root",
        [App("/elsewhere/a.yml", wrong, "", ""), App("/elsewhere/b.yml", pangolin(), "", "")],
    )
    listed = [
        {"app": "pangolin", "path": f"/elsewhere/{one}.yml", "restart": {"service": "x"}, "test_mail": {}}
        for one in "ab"
    ]
    everything = {
        "mail_audit_root": str(root),
        "mail_audit_ca_path": str(pki.ca_file),
        "mail_audit_check_credentials": "true",
        "mail_audit_apps": [*listed, {"app": "grafana"}, {"app": "postfix", "path": "/etc/postfix/none.cf"}],
        "mail_audit_fail": True,
    }
    others = {"good": listed[1:], "typed": "grafana,exim4", "odd": "pangolim"}
    hosts = {"bad": everything, **{name: {**everything, "mail_audit_apps": apps} for name, apps in others.items()}}
    # A mistake in the options fails in any case, and says which.
    hosts["odd"]["mail_audit_fail"] = False
    done = run(tmp_path, hosts)
    assert done.returncode == 2 and "not-the-one" not in done.output
    states = {one["path"]: (one["state"], one["cause"]) for one in done.found["bad"]["apps"]}
    assert states == {
        "/elsewhere/a.yml": ("broken", "auth_rejected"),
        "/elsewhere/b.yml": ("fine", None),
        "its usual places": ("none", None),
        "/etc/postfix/none.cf": ("none", None),
    }
    assert "fatal: [bad]" in done.output and "fatal: [good]" not in done.output
    assert done.found["good"]["states"]["fine"] == 1
    assert "typed: grafana its usual places: not found" in done.output
    assert "odd: not audited: app is 'pangolim', which is not known here; write pangolin" in done.output
    assert "fatal: [typed]" not in done.output
    assert 'fatal: [odd]: FAILED! => {"cause": "invalid_settings"' in done.output
    assert 'fatal: [bad]: FAILED! => {"cause": "auth_rejected"' in done.output


def two_files(way: str, host: str) -> tuple[dict[str, str], str]:
    """Files of which one has the relay and another one the login, and the path of the one with the relay."""
    relay, login = (
        {"GF_SMTP_HOST": host},
        {"GF_SMTP_ENABLED": "true", "GF_SMTP_USER": "app", "GF_SMTP_PASSWORD": PASSWORD},
    )
    own = f"[smtp]\nenabled = true\nhost = {GOOD}:587\nuser = app\npassword = {PASSWORD}\n"
    volume = ["/etc/grafana/grafana.ini:/etc/grafana/grafana.ini"]
    compose_file, override = "/srv/g/compose.yml", "/srv/g/compose.override.yml"

    def lines(values: dict[str, str]) -> str:
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def service(environment: dict[str, str], **more: t.Any) -> str:
        return compose("grafana/grafana", environment, **more)

    return {
        "variables": ({compose_file: service(relay, volumes=volume), "/etc/grafana/grafana.ini": own}, compose_file),
        "env_file": ({compose_file: service(relay, env_file=["/etc/x.env"]), "/etc/x.env": lines(login)}, compose_file),
        "of the env_file": ({compose_file: service(login, env_file=["x.env"]), "/srv/g/x.env": lines(relay)}, "/srv/g/x.env"),
        "override": ({compose_file: service(login), override: service(relay)}, override),
        "override beside a file": (
            {compose_file: service({}, volumes=volume), override: service(relay), "/etc/grafana/grafana.ini": own}, override,
        ),
    }[way]  # fmt: skip


@pytest.mark.parametrize("way", ["variables", "env_file", "of the env_file", "override", "override beside a file"])
@pytest.mark.parametrize("user", [0, 12345])
def test_a_users_compose_file_cannot_have_roots_login_tried_elsewhere(
    tmp_path: pathlib.Path, pki: Pki, way: str, user: int
) -> None:
    """A user of the host has a file that says the relay, which is theirs, and the login that goes with it is in root's."""
    asking = smtp(
        starttls=honest(pki.issue("localhost", ips=["127.0.0.1"])), users={"app": PASSWORD}, mechanisms=["PLAIN"]
    )
    with FaultyServer(asking) as theirs:
        host = f"127.0.0.1:{theirs.port}"
        texts, of_user = two_files(way, host)
        root = tmp_path / "root"
        for path, text in texts.items():
            (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (root / path.lstrip("/")).write_text(text)
            (root / path.lstrip("/")).chmod(0o600)
        os.chown(root / of_user.lstrip("/"), user, user)
        options = {
            "mail_audit_root": str(root),
            "mail_audit_ca_path": str(pki.ca_file),
            "mail_audit_check_credentials": "true",
        }
        done = run(tmp_path, {"one": options})
        tried = any(line.startswith("AUTH") for _tls, line in theirs.commands)
    assert host in done.output, done.output
    assert tried == (user == 0), done.output
    assert ("its login was not tried" in done.output) == (user != 0), done.output

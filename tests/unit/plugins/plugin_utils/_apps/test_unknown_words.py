# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A word that an app does not know, where it says how to speak with the relay: does it refuse to start, or speak without TLS?"""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place

GITEA = "[mailer]\nENABLED = true\nSMTP_ADDR = h\nSMTP_PORT = 587\nFROM = a@b.c\nPROTOCOL = {}\n"
HOME = "notify:\n  - platform: smtp\n    name: x\n    server: h\n    port: 587\n    sender: a@b.c\n    encryption: {}\n"
LISTMONK = '{{"host": "h", "port": 587, "auth_protocol": "none", "tls_type": "{}"}}\n'
NEXTCLOUD = "<?php\n$CONFIG = array('mail_smtpmode' => 'smtp', 'mail_smtphost' => 'h', 'mail_smtpport' => 587, 'mail_smtpsecure' => '{}');\n"
WORDPRESS = "<?php\ndefine('WPMS_ON', true);\ndefine('WPMS_SMTP_HOST', 'h');\ndefine('WPMS_SMTP_PORT', 587);\ndefine('WPMS_SSL', '{}');\n"
# (app, its file, where, the word, the mode that it is then in, whether it stops; None: it knows the word).
# Each by the app's own source, or by its client library.
ROWS: list[tuple[str, str, str, str, str | None, bool | None]] = [
    # modules/setting/mailer.go keeps the word, services/mailer/sender/smtp.go compares with each of its own.
    *(("gitea", GITEA, "/etc/gitea/app.ini", word, "cleartext", False) for word in ("starttls", "tls", "SMTPS")),
    ("gitea", GITEA, "/etc/gitea/app.ini", "smtp+starttls", "opportunistic", None),
    ("forgejo", GITEA, "/etc/forgejo/app.ini", "smtp+tls", "cleartext", False),
    # validate_config of src/config.rs: an error.
    ("vaultwarden", "SMTP_HOST=h\nSMTP_FROM=a@b.c\nSMTP_SECURITY={}\n", "/x/.env", "tls", None, True),
    ("vaultwarden", "SMTP_HOST=h\nSMTP_FROM=a@b.c\nSMTP_SECURITY={}\n", "/x/.env", "STARTTLS", None, True),
    # pkg/services/notifications/smtp.go: the default branch.
    (
        "grafana",
        "[smtp]\nenabled = true\nhost = h:587\nstartTLS_policy = {}\n",
        "/etc/grafana/grafana.ini",
        "always",
        "opportunistic",
        False,
    ),
    # internal/messenger/email/email.go: two words, and no TLS for any other.
    ("listmonk", LISTMONK, "/x/smtp.json", "STARTTLS", "starttls", None),
    *(
        ("listmonk", LISTMONK, "/x/smtp.json", word, "cleartext", False)
        for word in ("starttls", "tls", "SSL/TLS", "NONE")
    ),
    # The schema of the integration: one of three.
    ("homeassistant", HOME, "/config/configuration.yaml", "ssl", None, True),
    ("homeassistant", HOME, "/config/configuration.yaml", "TLS", None, True),
    # lib/private/Mail/Mailer.php asks for ssl alone.
    ("nextcloud", NEXTCLOUD, "/var/www/nextcloud/config/config.php", "SSL", "opportunistic", False),
    # PHPMailer::smtpConnect compares with ssl and tls.
    *(
        ("wordpress", WORDPRESS, "/var/www/html/wp-config.php", word, "opportunistic", False)
        for word in ("SSL", "TLS", "starttls")
    ),
    ("wordpress", WORDPRESS, "/var/www/html/wp-config.php", "tls", "starttls", None),
    # Symfony Mailer 7: "The ... scheme is not supported".
    *(
        ("laravel", "MAIL_MAILER=smtp\nMAIL_HOST=h\nMAIL_PORT=587\nMAIL_SCHEME={}\n", "/x/.env", word, None, True)
        for word in ("tls", "SMTPS")
    ),
    # envbool of hc/settings.py.
    *(
        ("healthchecks", "EMAIL_HOST=h\nEMAIL_USE_TLS={}\n", "/x/.env", word, "starttls", True)
        for word in ("true", "1", "yes")
    ),
    ("healthchecks", "EMAIL_HOST=h\nEMAIL_USE_TLS={}\n", "/x/.env", "True", "starttls", None),
    # get_bool of authentik/lib/config.py, __get_boolean of Paperless' settings.
    (
        "authentik",
        "AUTHENTIK_EMAIL__HOST=h\nAUTHENTIK_EMAIL__PORT=587\nAUTHENTIK_EMAIL__USE_TLS={}\n",
        "/x/.env",
        "1",
        "cleartext",
        False,
    ),
    (
        "authentik",
        "AUTHENTIK_EMAIL__HOST=h\nAUTHENTIK_EMAIL__PORT=587\nAUTHENTIK_EMAIL__USE_TLS={}\n",
        "/x/.env",
        "True",
        "starttls",
        None,
    ),
    (
        "paperless",
        "PAPERLESS_EMAIL_HOST=h\nPAPERLESS_EMAIL_PORT=587\nPAPERLESS_EMAIL_USE_TLS={}\n",
        "/x/.env",
        "on",
        "cleartext",
        False,
    ),
    (
        "paperless",
        "PAPERLESS_EMAIL_HOST=h\nPAPERLESS_EMAIL_PORT=587\nPAPERLESS_EMAIL_USE_TLS={}\n",
        "/x/.env",
        "y",
        "starttls",
        None,
    ),
    # packages/@n8n/config keeps the default, which is true.
    ("n8n", "N8N_SMTP_HOST=h\nN8N_SMTP_PORT=465\nN8N_SMTP_SSL={}\n", "/x/.env", "no", "implicit_tls", False),
    # config/email.yml compares with 'true'.
    ("mastodon", "SMTP_SERVER=h\nSMTP_PORT=587\nSMTP_TLS={}\n", "/x/.env.production", "1", "opportunistic", False),
    (
        "mastodon",
        "SMTP_SERVER=h\nSMTP_PORT=587\nSMTP_ENABLE_STARTTLS={}\n",
        "/x/.env.production",
        "true",
        "opportunistic",
        False,
    ),
    # GlobalSetting: a text, which is true to Ruby.
    (
        "discourse",
        "DISCOURSE_SMTP_ADDRESS=h\nDISCOURSE_SMTP_PORT=587\nDISCOURSE_SMTP_FORCE_TLS={}\n",
        "/x/.env",
        "no",
        "implicit_tls",
        False,
    ),
    # sSMTP's own log says what it made of it.
    ("ssmtp", "mailhub=h:587\nUseTLS={}\n", "/etc/ssmtp/ssmtp.conf", "true", "cleartext", False),
]


@pytest.mark.parametrize("app, text, path, word, mode, stops", ROWS)
def test_a_word_that_the_app_does_not_know(
    app: str, text: str, path: str, word: str, mode: str | None, stops: bool | None
) -> None:
    descriptor = load_descriptor(app)
    reading = read_place(descriptor, load_place(descriptor, path), text.format(word))
    told = [one for one in reading.findings if one["code"] in ("unknown_value", "wrong_type")]
    assert [one["severity"] for one in told] == ([] if stops is None else ["error" if stops else "warning"]), told
    assert reading.security == mode

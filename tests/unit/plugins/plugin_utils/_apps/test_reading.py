# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app's texts hold: the mode that it is really in, and each trap by its name. The password never comes out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import Reading, read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings

SECRET = "hunter2-s3cret"


def read(app: str, text: str, environment: dict[str, str] | None = None, **options: str) -> Reading:
    descriptor = load_descriptor(app)
    reading = read_place(descriptor, load_place(descriptor, **options), text, environment)
    assert SECRET not in repr(reading)
    return reading


PANGOLIN = f"""email:
    smtp_host: smtp.example.com
    smtp_port: 465
    smtp_secure: true
    smtp_user: app@example.com
    smtp_pass: {SECRET}
    no_reply: app@example.com
"""
# (app, text, options, the mode, the codes of findings, settings among others)
CASES: dict[str, tuple[str, str, dict[str, t.Any], str | None, list[str], dict[str, t.Any]]] = {
    "right": (
        "pangolin",
        PANGOLIN,
        {},
        "implicit_tls",
        [],
        {"host": "smtp.example.com", "port": 465, "secure": True, "username": "app@example.com"},
    ),
    "absent smtp_secure": (
        "pangolin",
        PANGOLIN.replace("    smtp_secure: true\n", ""),
        {},
        "opportunistic",
        ["mode_mismatch", "downgrade_possible"],
        {"secure": False},
    ),
    "587 and true": (
        "pangolin",
        PANGOLIN.replace("465", "587"),
        {},
        "implicit_tls",
        ["mode_mismatch"],
        {"port": 587, "secure": True},
    ),
    "texts where numbers belong": (
        "pangolin",
        PANGOLIN.replace("465", '"465"').replace("true", "'true'"),
        {},
        "opportunistic",
        ["wrong_type", "wrong_type", "downgrade_possible"],
        {"port": 587},
    ),
    "a password of digits": (
        "pangolin",
        PANGOLIN.replace(SECRET, "0123456789"),
        {},
        "implicit_tls",
        ["wrong_type"],
        {},
    ),
    "an invented nested form": (
        "pangolin",
        f"email:\n  enabled: true\n  no-reply: a@example.com\n  smtp:\n    host: h\n    pass: {SECRET}\n",
        {},
        None,
        ["unknown_key"] * 3,
        {},
    ),
    "misspelt": (
        "pangolin",
        PANGOLIN.replace("no_reply", "no-reply"),
        {},
        "implicit_tls",
        ["unknown_key", "sender_missing"],
        {},
    ),
    "commented out": ("pangolin", "#email:\n#  smtp_host: h\n", {}, None, [], {}),
    "overridden, empty": (
        "pangolin",
        PANGOLIN,
        {"environment": {"EMAIL_SMTP_PASS": ""}},
        "implicit_tls",
        ["overridden"],
        {},
    ),
    "overridden by a file": (
        "pangolin",
        PANGOLIN,
        {"environment": {"EMAIL_SMTP_USER_FILE": "/run/secrets/user"}},
        "implicit_tls",
        ["overridden"],
        {},
    ),
    "certificate not verified": (
        "pangolin",
        PANGOLIN + "    smtp_tls_reject_unauthorized: false\n",
        {},
        "implicit_tls",
        ["certificate_not_verified"],
        {"validate_certs": False},
    ),
    "Mailpit, both": (
        "mailpit_relay",
        "host: h\nport: 465\ntls: true\nstarttls: true\n",
        {},
        None,
        ["invalid_settings", "invalid_settings"],
        {},
    ),
    "Mailpit, plain in clear": (
        "mailpit_relay",
        f"host: h\nport: 25\nauth: plain\nusername: u\npassword: {SECRET}\n",
        {},
        "cleartext",
        ["cleartext", "auth_requires_tls"],
        {"auth_mechanism": "PLAIN"},
    ),
    "Mailpit, an environment with on": (
        "mailpit_relay",
        "MP_SMTP_RELAY_HOST=h\nMP_SMTP_RELAY_PORT=465\nMP_SMTP_RELAY_TLS=on\n",
        {"form": "environment"},
        "cleartext",
        ["mode_mismatch", "cleartext", "unknown_value"],
        {},
    ),
    "Vaultwarden, the old flag whose name says the opposite": (
        "vaultwarden",
        f"SMTP_HOST=h\nSMTP_PORT=587\nSMTP_EXPLICIT_TLS=true\nSMTP_SSL=true\nSMTP_FROM=a@b.example\nSMTP_PASSWORD={SECRET}\n",
        {},
        "implicit_tls",
        ["mode_mismatch", "unknown_key", "unknown_key"],
        {},
    ),
    "Vaultwarden, the old flag that switches TLS off": (
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=25\nSMTP_EXPLICIT_TLS=false\nSMTP_SSL=false\nSMTP_FROM=a@b.example\n",
        {},
        "cleartext",
        ["unknown_key", "unknown_key", "cleartext"],
        {},
    ),
    "Vaultwarden, old flags beside the new word": (
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=587\nSMTP_EXPLICIT_TLS=true\nSMTP_SECURITY=starttls\nSMTP_FROM=a@b.example\n",
        {},
        "starttls",
        ["unknown_key"],
        {},
    ),
    "Gitea, the old flag for TLS": (
        "gitea",
        "[mailer]\nENABLED=true\nHOST=h:2587\nIS_TLS_ENABLED=false\nSKIP_VERIFY=true\nFROM=a@b.example\n",
        {},
        "opportunistic",
        ["unknown_key", "unknown_key", "unknown_key", "downgrade_possible", "certificate_not_verified"],
        {"validate_certs": False},
    ),
    "Forgejo, the old flag for TLS as a variable": (
        "forgejo",
        "FORGEJO__mailer__ENABLED=true\nFORGEJO__mailer__HOST=h:587\nFORGEJO__mailer__IS_TLS_ENABLED=true\nFORGEJO__mailer__FROM=a@b.example\n",
        {"path": "/x/.env"},
        "implicit_tls",
        ["mode_mismatch", "unknown_key", "unknown_key"],
        {},
    ),
    "Authelia, what something fills in": (
        "authelia",
        "notifier:\n  smtp:\n    address: submission://${SMTP_HOST}:587\n    sender: $SENDER\n    username: '${U}'\n    password: '${P}'\n",
        {},
        None,
        ["variable", "variable", "variable"],
        {},
    ),
    "Vaultwarden, a word that it refuses": (
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=ssl\nSMTP_FROM=a@b.example\n",
        {},
        None,
        ["unknown_value", "invalid_settings"],
        {},
    ),
    "n8n, only a port": (
        "n8n",
        "N8N_SMTP_HOST=h\nN8N_SMTP_PORT=587\n",
        {},
        "implicit_tls",
        ["mode_mismatch"],
        {"port": 587},
    ),
    "n8n, nothing but a host": ("n8n", "N8N_SMTP_HOST=h\n", {}, "implicit_tls", [], {"port": 465}),
    "authentik, both": (
        "authentik",
        "AUTHENTIK_EMAIL__HOST=h\nAUTHENTIK_EMAIL__PORT=465\nAUTHENTIK_EMAIL__USE_TLS=true\nAUTHENTIK_EMAIL__USE_SSL=true\n",
        {},
        None,
        ["invalid_settings", "invalid_settings"],
        {},
    ),
    "Healthchecks, SSL alone": (
        "healthchecks",
        "EMAIL_HOST=h\nEMAIL_PORT=465\nEMAIL_USE_SSL=True\n",
        {},
        None,
        ["invalid_settings", "invalid_settings"],
        {},
    ),
    "Django, no timeout": (
        "django",
        f'EMAIL_HOST = "h"\nEMAIL_PORT = 587\nEMAIL_USE_TLS = True\nEMAIL_HOST_PASSWORD = "{SECRET}"\n',
        {},
        "starttls",
        ["no_timeout"],
        {},
    ),
    "Django, TLS on 465": (
        "django",
        'EMAIL_HOST = "h"\nEMAIL_PORT = 465\nEMAIL_USE_TLS = True\nEMAIL_TIMEOUT = 10\n',
        {},
        "starttls",
        ["mode_mismatch"],
        {},
    ),
    "Django, a URL": (
        "django",
        f"EMAIL_URL=smtp+ssl://u:{SECRET}@h.example:465\n",
        {"form": "environment"},
        "implicit_tls",
        ["no_timeout"],
        {"host": "h.example", "username": "u"},
    ),
    "Mastodon, two flags": (
        "mastodon",
        "SMTP_SERVER=h\nSMTP_PORT=465\nSMTP_TLS=true\n",
        {},
        "implicit_tls",
        ["invalid_settings"],
        {},
    ),
    "Mastodon, the old flag": (
        "mastodon",
        "SMTP_SERVER=h\nSMTP_PORT=587\nSMTP_ENABLE_STARTTLS_AUTO=true\n",
        {},
        "opportunistic",
        ["unknown_key", "downgrade_possible"],
        {},
    ),
    "Laravel, a scheme that it refuses": (
        "laravel",
        "MAIL_MAILER=smtp\nMAIL_HOST=h\nMAIL_PORT=587\nMAIL_SCHEME=tls\n",
        {},
        None,
        ["unknown_value", "invalid_settings"],
        {},
    ),
    "Laravel, the old name": (
        "laravel",
        "MAIL_HOST=h\nMAIL_PORT=587\nMAIL_ENCRYPTION=tls\n",
        {},
        "opportunistic",
        ["unknown_key", "downgrade_possible", "settings_unused"],
        {},
    ),
    "Symfony, no port": ("symfony", "MAILER_DSN=smtp://h.example\n", {}, "implicit_tls", [], {"port": 465}),
    "Symfony, parameters in another order": (
        "symfony",
        f"MAILER_DSN='smtp://u%40x:{SECRET}@h.example:587?require_tls=true&verify_peer=0'\n",
        {},
        "starttls",
        ["certificate_not_verified"],
        {"username": "u@x", "validate_certs": False},
    ),
    "Alertmanager, 465": (
        "alertmanager",
        "global:\n  smtp_smarthost: 'h:465'\n  smtp_from: a@b.example\n",
        {},
        "implicit_tls",
        ["mode_mismatch"],
        {},
    ),
    "Authelia, STARTTLS on 465": (
        "authelia",
        "notifier:\n  smtp:\n    address: smtp://h.example:465\n    sender: App <a@b.example>\n",
        {},
        "starttls",
        ["mode_mismatch"],
        {"sender": "a@b.example", "sender_name": "App"},
    ),
    "Vikunja": (
        "vikunja",
        "mailer:\n  enabled: true\n  host: h\n  port: 587\n",
        {},
        "opportunistic",
        ["downgrade_possible", "port_25_fallback"],
        {},
    ),
    "Plausible, SSL off on 465": (
        "plausible",
        "SMTP_HOST_ADDR=h\nSMTP_HOST_PORT=465\nSMTP_HOST_SSL_ENABLED=false\n",
        {},
        "opportunistic",
        ["mode_mismatch", "downgrade_possible"],
        {},
    ),
    "Plausible, left to itself": (
        "plausible",
        "SMTP_HOST_ADDR=h\nSMTP_HOST_PORT=465\n",
        {},
        "implicit_tls",
        [],
        {},
    ),
    "compose, quotes in a list": (
        "n8n",
        'services:\n  n8n:\n    environment:\n      - N8N_SMTP_HOST=h\n      - N8N_SMTP_USER="me"\n',
        {"path": "/opt/compose.yml", "service": "n8n"},
        "implicit_tls",
        ["quotes_in_value"],
        {"username": '"me"'},
    ),
    "compose, a variable": (
        "n8n",
        "services:\n  n8n:\n    environment:\n      N8N_SMTP_HOST: ${HOST}\n      N8N_SMTP_PORT: 465\n",
        {"path": "/opt/compose.yml", "service": "n8n"},
        "implicit_tls",
        ["variable"],
        {"port": 465},
    ),
    "a variable that is nearly one": (
        "directus",
        f"EMAIL_TRANSPORT=smtp\nEMAIL_SMTP_HOST=h\nEMAIL_SMTP_PORT=465\nEMAIL_SMTP_SECURE=true\nEMAIL_SMTP_PASSWORT={SECRET}\n",
        {},
        "implicit_tls",
        ["unknown_key"],
        {},
    ),
    "Grafana, a misspelt policy": (
        "grafana",
        f"[smtp]\nenabled = true\nhost = h.example:587\nstartTLS_policy = Mandatory\npassword = `{SECRET}`\n",
        {},
        "opportunistic",
        ["unknown_value", "downgrade_possible"],
        {"host": "h.example", "port": 587},
    ),
    "Grafana, 465 whatever it is told": (
        "grafana",
        "[smtp]\nenabled = yes\nhost = h.example:465\nstartTLS_policy = NoStartTLS\n",
        {},
        "implicit_tls",
        [],
        {},
    ),
    "Grafana, a variable wins": (
        "grafana",
        "[smtp]\nenabled = true\nhost = h.example:587\nstartTLS_policy = MandatoryStartTLS\n",
        {"environment": {"GF_SMTP_PASSWORD": "other"}},
        "starttls",
        ["overridden"],
        {},
    ),
    "Grafana, an empty variable is none": (
        "grafana",
        "[smtp]\nenabled = true\nhost = h.example:587\nstartTLS_policy = MandatoryStartTLS\n",
        {"environment": {"GF_SMTP_HOST": "", "GF_SMTP_PASSWORD": ""}},
        "starttls",
        [],
        {"host": "h.example"},
    ),
    "Grafana, variables in its own spelling": (
        "grafana",
        "[smtp]\nenabled = true\nhost = h.example:587\nstartTLS_policy = MandatoryStartTLS\n",
        {"environment": {"GF_SMTP_HOST": "other.example:25", "GF_SMTP_SKIP_VERIFY": "true"}},
        "starttls",
        ["certificate_not_verified", "overridden", "overridden"],
        {"host": "other.example", "port": 25, "validate_certs": False},
    ),
    "Grafana, switched off": (
        "grafana",
        "[smtp]\nenabled = false\nhost = h.example:465\n",
        {},
        "implicit_tls",
        ["settings_unused"],
        {},
    ),
    "Django, mail to the console": (
        "django",
        "EMAIL_BACKEND = 'django.core.mail.backends.console.EmailBackend'\nEMAIL_HOST = 'h'\nEMAIL_PORT = 465\nEMAIL_USE_SSL = True\nEMAIL_TIMEOUT = 3\n",
        {},
        "implicit_tls",
        ["settings_unused"],
        {},
    ),
    "GitLab, its own sample": (
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = \"h\"\ngitlab_rails['smtp_port'] = 465\n"
        "gitlab_rails['smtp_enable_starttls_auto'] = true\n",
        {},
        "opportunistic",
        ["mode_mismatch", "mode_mismatch", "downgrade_possible"],
        {},
    ),
    "Nextcloud's image picks 465": (
        "nextcloud",
        "SMTP_HOST=h\nSMTP_SECURE=tls\nMAIL_FROM_ADDRESS=a\nMAIL_DOMAIN=b.example\n",
        {"path": "/opt/.env"},
        "implicit_tls",
        ["unknown_value"],
        {"port": 465, "sender": "a@b.example"},
    ),
    "Nextcloud, numbers as texts": (
        "nextcloud",
        "<?php\n$CONFIG = array (\n  'mail_smtphost' => 'h',\n  'mail_smtpport' => '587',\n  'mail_from_address' => 'a',\n"
        "  'mail_domain' => 'b.example',\n);\n",
        {},
        "opportunistic",
        ["downgrade_possible"],
        {"port": 587},
    ),
    "Postfix, may": (
        "postfix",
        "relayhost = [h.example]:587\nsmtp_tls_security_level = may\n",
        {},
        "opportunistic",
        ["downgrade_possible", "certificate_not_verified", "more_files"],
        {"host": "h.example", "port": 587},
    ),
    "Postfix, encrypt": (
        "postfix",
        "relayhost = [h.example]:587\nsmtp_tls_security_level = encrypt\n",
        {},
        "starttls",
        ["certificate_not_verified", "more_files"],
        {"validate_certs": False},
    ),
    "Postfix, wrapper and may": (
        "postfix",
        "relayhost = [h.example]:465\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = may\n",
        {},
        None,
        ["invalid_settings", "invalid_settings", "more_files"],
        {},
    ),
    "Exim, cleartext after a bad certificate": (
        "exim4_macros",
        "REMOTE_SMTP_HELO_DATA = me.example\n",
        {},
        "opportunistic",
        ["downgrade_possible", "downgrade_possible"],
        {},
    ),
    "msmtp, nothing but a host": (
        "msmtp",
        f"account default\nhost h\nauth on\nuser u\npassword {SECRET}\n",
        {},
        "cleartext",
        ["cleartext", "auth_requires_tls", "no_timeout"],
        {"port": 25},
    ),
    "Gitea, nothing but a port": (
        "gitea",
        "[mailer]\nENABLED = true\nSMTP_ADDR = h\nSMTP_PORT = 465\nIS_TLS_ENABLED = true\n",
        {},
        "implicit_tls",
        ["unknown_key"],
        {},
    ),
    "Keycloak, true that is no text": (
        "keycloak",
        '{"smtpServer": {"host": "h", "port": "465", "ssl": "true", "starttls": "true"}}',
        {},
        "implicit_tls",
        [],
        {},
    ),
    "a blank behind the relay's name": (
        "generic_env",
        "SMTP_HOST='h.example '\nSMTP_PORT=465\nSMTP_SECURE=true\n",
        {},
        "implicit_tls",
        ["blanks_in_value"],
        {},
    ),
    "a name in front of a bare address": (
        "pangolin",
        PANGOLIN.replace("no_reply: app@example.com", "no_reply: App <app@example.com>"),
        {},
        "implicit_tls",
        ["wrong_type"],
        {},
    ),
    "GitLab, all of it in one variable": (
        "gitlab",
        "services:\n  web:\n    environment:\n      GITLAB_OMNIBUS_CONFIG: |\n        external_url 'https://${HOST}'\n"
        "        gitlab_rails['smtp_enable'] = true; gitlab_rails['smtp_address'] = 'h'\n        gitlab_rails['smtp_port'] = 465\n"
        "        gitlab_rails['smtp_tls'] = true; gitlab_rails['smtp_enable_starttls_auto'] = false\n"
        f"        gitlab_rails['smtp_user_name'] = 'a$$b' # ; gitlab_rails['smtp_port'] = 25\n"
        f"        gitlab_rails['smtp_password'] = '{SECRET}'\n",
        {"path": "/srv/compose.yml", "service": "web"},
        "implicit_tls",
        [],
        {"host": "h", "port": 465, "username": "a$b"},
    ),
    "GitLab, values from elsewhere": (
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = ENV['RELAY'] || 'h'\ngitlab_rails['smtp_port'] = 587\n"
        "gitlab_rails['smtp_password'] = File.read('/run/secrets/p').gsub(\"\\n\", \"\")\n",
        {},
        "opportunistic",
        ["downgrade_possible", "variable", "variable"],
        {"port": 587},
    ),
    "GitLab, port and mode from elsewhere": (
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = 'h'\ngitlab_rails['smtp_port'] = ENV.fetch('P', 587)\n"
        "gitlab_rails['smtp_tls'] = ENV['T'] == 'yes'\n",
        {},
        None,
        ["variable", "variable"],
        {"host": "h"},
    ),
    "Gitea, a port from elsewhere, which decides its protocol": (
        "gitea",
        "services:\n  s:\n    environment:\n      GITEA__mailer__ENABLED: true\n      GITEA__mailer__SMTP_ADDR: h\n"
        "      GITEA__mailer__SMTP_PORT: ${P}\n",
        {"path": "/srv/compose.yml", "service": "s"},
        None,
        ["variable"],
        {"host": "h"},
    ),
    "a password from elsewhere hides no contradiction": (
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = 'h'\ngitlab_rails['smtp_port'] = 465\n"
        "gitlab_rails['smtp_tls'] = true\ngitlab_rails['smtp_enable_starttls_auto'] = true\n"
        "gitlab_rails['smtp_password'] = ENV['P']\n",
        {},
        None,
        ["variable", "invalid_settings", "invalid_settings"],
        {},
    ),
    "Alertmanager, a receiver that verifies nothing": (
        "alertmanager",
        "receivers:\n  - name: x\n    email_configs:\n      - to: a@b.example\n        from: a@b.example\n        smarthost: h:587\n"
        "        tls_config:\n          insecure_skip_verify: true\n",
        {},
        "starttls",
        ["certificate_not_verified"],
        {"host": "h", "port": 587, "validate_certs": False},
    ),
    "sSMTP, blanks around the mark": (
        "ssmtp",
        f"mailhub = h:465\nUseTLS=YES\nAuthUser=a\nAuthUser=b\nAuthPass={SECRET}",
        {},
        "implicit_tls",
        ["mode_mismatch", "certificate_not_verified", "value_ignored", "value_ignored"],
        {"host": None, "port": 25, "username": "a"},
    ),
    "sSMTP, TLS is taken away later": (
        "ssmtp",
        "mailhub=h\nRemotePort=587\nUseSTARTTLS=YES\nUseTLS=NO\n",
        {},
        "cleartext",
        ["cleartext"],
        {"host": "h", "port": 587},
    ),
    "dma, a blank behind the name and a value for a flag": (
        "dma",
        "SMARTHOST h # ours\n PORT 465\nPORT 25\nSECURETRANSFER yes\n",
        {},
        "cleartext",
        ["wrong_type", "blanks_in_value", "cleartext", "more_files"],
        {"host": "h ", "port": 25},
    ),
    "Django, below a condition": (
        "django",
        "import os\nEMAIL_HOST = os.environ.get('A', '')\nif X:\n    EMAIL_PORT = 25\nEMAIL_USE_TLS = True\nEMAIL_TIMEOUT = 9\n",
        {},
        "starttls",
        ["variable", "variable"],
        {},
    ),
    "Authelia, host and port of old": (
        "authelia",
        f"notifier:\n  smtp:\n    host: h\n    port: 465\n    sender: a@x.example\n    password: {SECRET}\n",
        {},
        "implicit_tls",
        ["unknown_key", "unknown_key"],
        {"host": "h", "port": 465},
    ),
    "Authelia, a template without quotes": (
        "authelia",
        'notifier:\n  smtp:\n    address: smtp://h:587\n    sender: a@x.example\n    password: {{ secret "/x" | msquote }}\n',
        {},
        "starttls",
        ["variable"],
        {"host": "h", "port": 587},
    ),
    "Authelia, filled in by its own template": (
        "authelia",
        "notifier:\n  smtp:\n    address: '{{ secret \"/x\" }}'\n    sender: a@x.example\n",
        {},
        None,
        ["variable"],
        {},
    ),
    "Gitea, a host of old": (
        "gitea",
        "[mailer]\nENABLED = true\nHOST = h:587\n",
        {},
        "opportunistic",
        ["unknown_key", "downgrade_possible"],
        {"host": "h", "port": 587},
    ),
    "Rails, as one mapping": (
        "rails",
        "Rails.application.configure do\n  config.action_mailer.smtp_settings = {\n    address: 'h', port: '465', ssl: true,\n"
        f"    :user_name => ENV['U'], 'password': \"{SECRET}\", openssl_verify_mode: OpenSSL::SSL::VERIFY_NONE,\n"
        "    enable_starttls_auto: false\n  }.compact\nend\n",
        {"path": "config/environments/production.rb"},
        "implicit_tls",
        ["variable", "certificate_not_verified"],
        {"host": "h", "port": 465, "validate_certs": False},
    ),
    "Rails, computed as a whole": (
        "rails",
        "if x\n  config.action_mailer.smtp_settings = Settings.smtp\nend\n",
        {},
        None,
        ["variable", "not_editable", "conditional"],
        {},
    ),
    "Rails, mails are opened and not sent": (
        "rails",
        "config.action_mailer.delivery_method = :letter_opener\nconfig.action_mailer.smtp_settings = {host: 'h', port: 25}\n",
        {},
        "opportunistic",
        ["settings_unused", "unknown_key", "downgrade_possible"],
        {"port": 25},
    ),
    "Rails, a provider's interface": (
        "rails",
        "config.action_mailer.delivery_method = :ses_v2\nconfig.action_mailer.smtp_settings = { address: 'h', port: 25 }\n"
        "config.action_mailer.smtp_settings = { address: 'i', port: 25 }\n",
        {},
        "opportunistic",
        ["settings_unused", "downgrade_possible", "not_editable"],
        {"host": "i"},
    ),
    "Symfony, no transport": ("symfony", "MAILER_DSN=null://null\n", {}, None, ["settings_unused"], {}),
    "Symfony, several transports": (
        "symfony",
        f"MAILER_DSN='failover(smtps://u:{SECRET}@a.example roundrobin(smtp://x:{SECRET}@b.example:25 smtp://c.example))?retry_period=9'\n",
        {},
        "implicit_tls",
        ["several_relays"],
        {"host": "a.example", "port": 465, "username": "u"},
    ),
    "Symfony, a provider first": (
        "symfony",
        f'MAILER_DSN="roundrobin(postmark+api://{SECRET}@default smtps://u:{SECRET}@b.example)"\n',
        {},
        "implicit_tls",
        ["several_relays"],
        {"host": "b.example"},
    ),
    "Symfony, providers alone": (
        "symfony",
        f'MAILER_DSN="failover(postmark+api://{SECRET}@default sendgrid+smtp://{SECRET}@default)"\n',
        {},
        None,
        ["several_relays", "settings_unused"],
        {"host": None},
    ),
    "Laravel, one mailer after the other": (
        "laravel",
        "MAIL_MAILER=failover\nMAIL_HOST=h\nMAIL_PORT=465\n",
        {},
        "implicit_tls",
        ["several_relays"],
        {"host": "h"},
    ),
    "Laravel, a provider's interface": (
        "laravel",
        "MAIL_MAILER=ses\nMAIL_HOST=h\nMAIL_PORT=465\n",
        {},
        "implicit_tls",
        ["settings_unused"],
        {},
    ),
    "Spring, a document of a profile": (
        "spring",
        "spring:\n  mail:\n    host: a\n    port: 465\n    properties.mail.smtp: {ssl.enable: true, timeout: 9000}\n---\n"
        f"spring:\n  config.activate.on-profile: prod\n  mail:\n    host: b\n    password: {SECRET}\n",
        {"path": "/srv/application.yml"},
        "implicit_tls",
        ["overridden"],
        {"host": "a", "port": 465},
    ),
    "Spring, the last document counts": (
        "spring",
        "spring.mail.host=a\n#---\nspring.config.activate.on-profile=!prod\nspring.mail.port=25\n#---\nspring.mail.host=b\n"
        "spring.mail.port=465\nspring.mail.properties.mail.smtp.ssl.enable=true\nspring.mail.properties.mail.smtp.timeout=1\n",
        {"path": "/srv/application.properties"},
        "implicit_tls",
        ["overridden"],
        {"host": "b", "port": 465},
    ),
    "Spring, only with a profile": (
        "spring",
        "server: {port: 1}\n---\nspring:\n  profiles: prod\n  mail: {host: b, port: 25, properties.mail.smtp.timeout: 1}\n",
        {"path": "/srv/application.yml"},
        "cleartext",
        ["cleartext", "overridden"],
        {"host": "b"},
    ),
    "nullmailer, options in another order and without dashes": (
        "nullmailer",
        f'h.example smtp user=me --starttls --source=192.0.2.1 pass="{SECRET}" port=587\n',
        {},
        "starttls",
        [],
        {"host": "h.example", "port": 587, "username": "me"},
    ),
    "nullmailer, no port, another word for TLS and an option that is none": (
        "nullmailer",
        f"h.example smtp --tls --user=me --pass={SECRET} --verify=no\n",
        {},
        "implicit_tls",
        ["unknown_key"],
        {"host": "h.example", "port": 465},
    ),
    "nullmailer": (
        "nullmailer",
        f"# relay\nh.example smtp --port=587 --starttls --user=me --pass='{SECRET} x'\n",
        {},
        "starttls",
        [],
        {"host": "h.example", "port": 587, "username": "me"},
    ),
}


@pytest.mark.parametrize("app, text, options, security, codes, settings", CASES.values(), ids=CASES.keys())
def test_cases(
    app: str,
    text: str,
    options: dict[str, t.Any],
    security: str | None,
    codes: list[str],
    settings: dict[str, t.Any],
) -> None:
    reading = read(app, text, **options)
    assert reading.security == security, reading
    assert sorted(finding["code"] for finding in reading.findings) == sorted(codes), reading.findings
    assert {name: reading.settings.get(name) for name in settings} == settings
    assert all(set(finding) == {"severity", "code", "message", "remedy"} for finding in reading.findings)
    assert all("{" not in finding["message"] for finding in reading.findings)


def test_whether_there_is_a_password() -> None:
    assert read("pangolin", PANGOLIN).password_set
    assert not read("pangolin", PANGOLIN.replace(f"    smtp_pass: {SECRET}\n", "")).password_set
    assert not read("pangolin", PANGOLIN, {"EMAIL_SMTP_PASS": ""}).password_set
    assert not read("pangolin", "").found and read("pangolin", PANGOLIN).found


def test_env_file_is_followed_and_loses_against_environment() -> None:
    text = (
        "services:\n  n8n:\n    env_file: [a.env, b.env]\n    environment:\n      N8N_SMTP_PORT: 587\n     "
        " N8N_SMTP_SSL: 'false'\n"
    )
    others = {"a.env": "N8N_SMTP_HOST=a\nN8N_SMTP_PORT=465\n", "b.env": "N8N_SMTP_HOST=b\n"}
    descriptor = load_descriptor("n8n")
    place = load_place(descriptor, "/opt/compose.yml", service="n8n")
    assert place.files(text) == ["a.env", "b.env"]
    reading = read_place(descriptor, place, text, others=others)
    assert reading.settings["host"] == "b" and reading.settings["port"] == 587 and reading.security == "opportunistic"
    assert sorted(finding["code"] for finding in reading.findings) == ["downgrade_possible", "overridden", "overridden"]
    # A file that is not there is told of, and nothing fails.
    reading = read_place(descriptor, place, text, others={"a.env": others["a.env"]})
    assert "file_missing" in [finding["code"] for finding in reading.findings] and reading.settings["host"] == "a"


@pytest.mark.parametrize(
    "code, words",
    [
        ("ENV['A']", "the variable A, which is"),
        ('ENV.fetch("A") { ENV["B"] || \'hunter2-s3cret\' }', "the variables A and B, which are"),
        ("getenv('A')", "the variable A, which is"),
        ("Rails.application.credentials.smtp[:host]", "a variable, which is"),
    ],
)
def test_a_value_from_elsewhere_names_its_variables(code: str, words: str) -> None:
    reading = read("gitlab", f"gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = {code}\n")
    assert reading.findings[0]["message"] == f"gitlab_rails.smtp_address takes its value from {words} not known here."


@pytest.mark.parametrize(
    "written, shown",
    [
        (f"smtp://user:{SECRET}@h:25", "smtp://********@h:25"),
        (f"smtp://user:{SECRET}@x@h", "smtp://********@h"),
        (f"smtp:{SECRET}@h", "smtp:********@h"),
        (f"user:{SECRET}@h", "user:********@h"),
        (f"smtp://h:25?user=u&pass={SECRET}", "smtp://h:25?********"),
        ("smtp.example.com", "smtp.example.com"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_url_where_a_host_belongs_is_shown_without_its_login(written: str, shown: str) -> None:
    reading = read("generic_env", f"SMTP_HOST='{written}'\n", path="/srv/.env")
    assert reading.settings["host"] == shown


@pytest.mark.parametrize(
    "app, text, words",
    [
        ("dma", "SMARTHOST h\nSECURETRANSFR\n", "the key SECURETRANSFR and refuses"),
        ("dma", "SMARTHOST h\nport 25\n", "the key port and refuses"),
        ("dma", "SMARTHOST h\nFOO bar\n", "the key FOO and refuses"),
        ("dma", "SMARTHOST h\r\nSTARTTLS\r\n", "stops at line 2 for the carriage return"),
        ("dma", "SMARTHOST h\nAUTHPATH\n", "stops at line 2 for AUTHPATH, which has no value"),
        ("dma", "SMARTHOST h\nDEFER yes\n", "stops at line 2 for the value of DEFER"),
        ("msmtp", "account default\nhost h\ntls_start_tls on\n", "the key tls_start_tls and refuses"),
        ("msmtp", "account default\nhost h\naccount b\nhost g\nsmtp_port 1\n", "the key smtp_port and refuses"),
        (
            "alertmanager",
            "global:\n  smtp_smarthost: h:587\n  smtp_auth_user: a\n",
            "the key global.smtp_auth_user and refuses",
        ),
        ("authelia", "notifier:\n  smtp:\n    address: smtp://h\n    starttls: true\n", "smtp.starttls and refuses"),
        ("homeassistant", "notify:\n  - platform: smtp\n    server: h\n    sender: a@b.example\n", "without recipient"),
        ("homeassistant", "notify:\n  - platform: smtp\n    server: h\n    recipient: a@b.example\n", "without sender"),
        ("jenkins", "unclassified:\n  mailer:\n    smtpHost: h\n    smtpPorts: 25\n", "smtpPorts and refuses"),
        (
            "authelia",
            "notifier:\n  filesystem:\n    filename: n.txt\n  smtp:\n    address: smtp://h\n    sender: a@b.example\n",
            "does not start with notifier.smtp and notifier.filesystem",
        ),
        (
            "alertmanager",
            "global:\n  smtp_smarthost: h:587\n  smtp_auth_password: x\n  smtp_auth_password_file: /f\n",
            "does not start with global.smtp_auth_password and global.smtp_auth_password_file",
        ),
    ],
)
def test_what_an_app_stops_at_is_an_error(app: str, text: str, words: str) -> None:
    wrong = [one["message"] for one in read(app, text).findings if one["severity"] == "error"]
    assert any(words in one for one in wrong), wrong


@pytest.mark.parametrize(
    "app, text, severity, words",
    [
        (
            "vaultwarden",
            "SMTP_HOST=h\nSMTP_FROM=a@b.example\nSMTP_PASSWORD=p\nSMTP_PASSWORD_FILE=/f\n",
            "error",
            "SMTP_PASSWORD and SMTP_PASSWORD_FILE are both set, and Vaultwarden does not start",
        ),
        (
            "grafana",
            "GF_SMTP_ENABLED=true\nGF_SMTP_HOST=h:587\nGF_SMTP_USER=u\nGF_SMTP_USER__FILE=/f\n",
            "error",
            "GF_SMTP_USER and GF_SMTP_USER__FILE are both set, and Grafana does not start",
        ),
        (
            "nextcloud",
            "SMTP_HOST=h\nSMTP_PASSWORD=p\nSMTP_PASSWORD_FILE=/f\nMAIL_FROM_ADDRESS=a\nMAIL_DOMAIN=b.example\n",
            "warning",
            "SMTP_PASSWORD_FILE wins over SMTP_PASSWORD",
        ),
        ("vaultwarden", "SMTP_HOST=h\nSMTP_FROM=a@b.example\nSMTP_PASSWORD_FILE=/f\n", "", "both set"),
        ("n8n", "N8N_SMTP_HOST=h\nN8N_SMTP_PASS=p\nN8N_SMTP_PASS_FILE=/f\n", "", "_FILE"),
    ],
)
def test_a_variable_beside_the_one_of_its_file(app: str, text: str, severity: str, words: str) -> None:
    told = [one["severity"] for one in read(app, text, form="environment").findings if words in one["message"]]
    assert told == ([severity] if severity else [])


def test_authelia_does_not_start_with_a_password_in_its_file_and_in_another() -> None:
    text = f"notifier:\n  smtp:\n    address: smtp://h\n    sender: a@b.example\n    password: {SECRET}\n"
    variable = {"AUTHELIA_NOTIFIER_SMTP_PASSWORD_FILE": "/f"}
    told = read("authelia", text, variable).findings
    words = "password of the file and AUTHELIA_NOTIFIER_SMTP_PASSWORD_FILE are both set, and Authelia does not start"
    assert [one["severity"] for one in told if words in one["message"]] == ["error"]


@pytest.mark.parametrize(
    "app, text",
    [
        ("authelia", "notifier:\n  filesystem:\n  smtp:\n    address: smtp://h\n    sender: a@b.example\n"),
        ("authelia", "notifier:\n  filesystem:\n    filename: n.txt\n"),
        ("alertmanager", "global:\n  smtp_smarthost: h:587\n  smtp_auth_password: ''\n  smtp_auth_password_file: /f\n"),
    ],
)
def test_one_of_two_keys_that_exclude_each_other_is_no_error(app: str, text: str) -> None:
    assert not [one for one in read(app, text).findings if "it takes one of them" in one["message"]]


@pytest.mark.parametrize(
    "app, text", [("dma", f"me|relay:{SECRET}\n"), ("msmtp", f'account default\nhost h\n${{x}}/{SECRET}"\n')]
)
def test_a_login_in_the_place_of_a_key_is_not_shown(app: str, text: str) -> None:
    told = str(read(app, text).findings)
    assert "does not know a word that stands in the place of a key and refuses" in told and SECRET not in told


@pytest.mark.parametrize(
    "text, told",
    [
        ("account a\nhost h\n", True),
        ("account a\nhost h\naccount b\nhost g\n", True),
        ("account a\nhost h\naccount default : a\n", False),
        ("account default\nhost h\n", False),
        ("host h\n", False),
    ],
)
def test_an_msmtprc_without_a_default_account(text: str, told: bool) -> None:
    head = "defaults\nport 587\ntls on\npasswordeval cat x\ntimeout 5\n"
    codes = [one["code"] for one in read("msmtp", head + text).findings]
    assert ("no_default_account" in codes) == told and "unknown_key" not in codes


def test_what_an_app_stops_at_is_told_where_its_file_is_written() -> None:
    descriptor = load_descriptor("dma")
    given = {"host": "h", "port": 465, "security": "implicit_tls"}
    settings = parse_settings(given, probed=False)
    made = plan_present(descriptor, settings, given, b"STARTLS\nVERIFYCERT\nMAILNAME /etc/mailname\n")
    wrong = [one["message"] for one in made.findings if one["severity"] == "error"]
    assert wrong == ["dma does not know the key STARTLS and refuses its configuration for it, so no mail goes out."]


_RECEIVERS = """\
global:
  smtp_smarthost: relay.example:587
  smtp_from: a@b.example
  {in_global}
route: {{receiver: mails}}
receivers:
  - name: hook
    webhook_configs: [{{url: 'http://127.0.0.1/'}}]
  - name: mails
    email_configs:
      - {{to: a@b.example, headers: {{X-Any: thing}}, tls_config: {{ca_file: /ca.pem}}, send_resolved: true}}
      - to: b@b.example
        {in_entry}
    {in_receiver}
{at_top}
"""


@pytest.mark.parametrize(
    "place, line, name",
    [
        ("in_entry", "smarthots: other.example:587", "receivers.email_configs.smarthots"),
        ("in_entry", "auth_pasword: s3cret", "receivers.email_configs.auth_pasword"),
        ("in_entry", "smtp_smarthost: other.example:587", "receivers.email_configs.smtp_smarthost"),
        ("in_entry", "require-tls:", "receivers.email_configs.require-tls"),
        (
            "in_entry",
            "tls_config: {insecure_skip_verfy: true}",
            "receivers.email_configs.tls_config.insecure_skip_verfy",
        ),
        ("in_receiver", "email_config: []", "receivers.email_config"),
        ("in_global", "smtp_tls_config: {ca_fil: /x}", "global.smtp_tls_config.ca_fil"),
        ("in_global", "smtp_auth_user: s3cret", "global.smtp_auth_user"),
        ("in_global", "resolve_timout: 5m", "global.resolve_timout"),
        ("in_global", "smtp_requiretls:", "global.smtp_requiretls"),
        ("at_top", "receiver: []", "receiver"),
    ],
)
def test_alertmanager_stops_at_an_unknown_key_wherever_it_is(place: str, line: str, name: str) -> None:
    lines = {"in_global": "", "in_entry": "", "in_receiver": "", "at_top": "", place: line}
    text = _RECEIVERS.format(**lines)
    told = [one for one in read("alertmanager", text).findings if one["code"] == "unknown_key"]
    assert [one["severity"] for one in told] == ["error"]
    assert f"does not know the key {name} and refuses its configuration for it" in told[0]["message"]
    assert "s3cret" not in str(told)
    clean = _RECEIVERS.format(**dict.fromkeys(lines, ""))
    assert [one["code"] for one in read("alertmanager", clean).findings] == []


@pytest.mark.parametrize(
    "line, name",
    [
        ("    passwrd: s3cret", "notifier.smtp.passwrd"),
        ("    tls: {skip_verfy: true}", "notifier.smtp.tls.skip_verfy"),
        ("  template_pth: /x", "notifier.template_pth"),
        ("notifer: {}", "notifer"),
    ],
)
def test_authelia_stops_at_an_unknown_key_wherever_it_is(line: str, name: str) -> None:
    text = (
        "notifier:\n  smtp:\n    address: submission://h:587\n    sender: a@b.example\n"
        + line.replace("{}", "{a: b}")
        + "\n"
    )
    told = [one for one in read("authelia", text).findings if one["code"] == "unknown_key"]
    assert [
        (one["severity"], f"the key {name} " in one["message"] or f"the key {name}." in one["message"]) for one in told
    ] == [("error", True)]


def test_authelia_s_old_keys() -> None:
    text = (
        "notifier:\n  smtp:\n    address: submission://h:587\n    sender: a@b.example\n    disable_verify_cert: true\n"
    )
    reading = read("authelia", text)
    assert reading.settings["validate_certs"] is False
    assert [(one["code"], one["severity"]) for one in reading.findings if one["code"] == "unknown_key"] == [
        ("unknown_key", "warning")
    ]
    reading = read("authelia", text.replace("disable_verify_cert: true", "trusted_cert: /ca.pem"))
    assert [(one["code"], one["severity"]) for one in reading.findings] == [("unknown_key", "error")]


def test_authelia_takes_its_old_keys_from_variables_too() -> None:
    text = "AUTHELIA_NOTIFIER_SMTP_HOST=h\nAUTHELIA_NOTIFIER_SMTP_PORT=465\nAUTHELIA_NOTIFIER_SMTP_SENDER=a@b.example\n"
    reading = read("authelia", text, form="environment")
    assert (reading.settings["host"], reading.settings["port"], reading.security) == ("h", 465, "implicit_tls")
    assert {(one["code"], one["severity"]) for one in reading.findings} == {("unknown_key", "warning")}


def test_home_assistant_ignores_what_it_does_not_know() -> None:
    entry = "notify:\n  - platform: smtp\n    server: h\n    sender: a@b.example\n    recipient: [c@d.example]\n"
    assert read("homeassistant", entry).findings == []
    told = read("homeassistant", entry + "    starttls: true\n").findings
    assert [(one["code"], one["severity"]) for one in told] == [("unknown_key", "warning")]


RELAY = "relayhost = [h.example]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_auth_enable = yes\n"


@pytest.mark.parametrize(
    "options, told",
    [
        ("", True),
        ("smtp_sasl_security_options = noanonymous, noplaintext\n", True),
        # An empty list forbids nothing, and the one for TLS follows the other.
        ("smtp_sasl_security_options =\n", False),
        ("smtp_sasl_security_options =\nsmtp_sasl_tls_security_options =\n", False),
        ("smtp_sasl_security_options = noanonymous nodictionary\n", False),
        ("smtp_sasl_security_options = noplaintext\nsmtp_sasl_tls_security_options =\n", False),
    ],
)
def test_postfix_options_are_a_list_in_any_order(options: str, told: bool) -> None:
    codes = [one["code"] for one in read("postfix", RELAY + options).findings]
    assert ("plain_login_forbidden" in codes) == told and "unknown_value" not in codes


@pytest.mark.parametrize(
    "text",
    ["account a\nhost h\naccount default : b\n", "account a\nhost h\naccount default : a, b\naccount b\nhost g\n"],
)
def test_an_msmtprc_whose_default_account_is_none(text: str) -> None:
    reading = read("msmtp", text)
    told = [(one["severity"], one["message"]) for one in reading.findings if one["code"] == "no_default_account"]
    assert len(told) == 1 and told[0][0] == "error" and "default account is b" in told[0][1]
    assert reading.settings["host"] == "h"


@pytest.mark.parametrize(
    "app, text, told",
    [
        ("vikunja", "mailer:\n  host: relay.example:465\n", True),
        ("gitea", "[mailer]\nSMTP_ADDR = smtps://relay.example\n", True),
        ("exim4", "dc_smarthost='relay.example:587'\n", True),
        ("exim4", "dc_smarthost='relay.example::587'\n", False),
        ("gitea", "[mailer]\nSMTP_ADDR = 2001:db8::1\n", False),
        ("nextcloud", "<?php\n$CONFIG = array('mail_smtphost' => 'ssl://relay.example');\n", False),
        ("wordpress", "<?php\ndefine('WPMS_SMTP_HOST', 'ssl://relay.example:465');\n", False),
    ],
)
def test_a_relay_that_is_no_name_alone(app: str, text: str, told: bool) -> None:
    assert ("host_not_a_name" in [one["code"] for one in read(app, text).findings]) == told


@pytest.mark.parametrize(
    "app, text, told",
    [
        ("gitea", "[mail]\nSMTP_ADDR = h\n", "mailer.SMTP_ADDR and not mail.SMTP_ADDR"),
        ("gitea", "[mailer]\nENABLED = true\n[service]\nSMTP_ADDR = h\n", "mailer.SMTP_ADDR and not service.SMTP_ADDR"),
        ("gitea", "[database]\nHOST = h\n", ""),
        (
            "alertmanager",
            "smtp_smarthost: h:587\nglobal: {smtp_from: a@example.com}\n",
            "global.smtp_smarthost and not",
        ),
        ("authelia", "smtp:\n  address: smtp://h:25\n", "notifier.smtp.address and not smtp.address"),
        ("authelia", "authentication_backend:\n  ldap:\n    address: ldap://h\n", ""),
        ("grafana", "[database]\nhost = h\n[smtp]\nenabled = true\n", ""),
    ],
)
def test_a_relay_at_another_place_of_the_file(app: str, text: str, told: str) -> None:
    messages = [one["message"] for one in read(app, text).findings if "another place" in one["message"]]
    assert [told in one for one in messages] == ([True] if told else [])


@pytest.mark.parametrize(
    "value, told",
    [
        ("ab#c", True),
        ("ab;c", True),
        ('"ab#c"', True),
        ("abc # a comment", False),
        ("`ab#c`", False),
        ('"""ab;c"""', False),
    ],
)
def test_a_value_that_a_comment_cuts(value: str, told: bool) -> None:
    text = f"[smtp]\nenabled = true\nhost = h:587\nuser = u\npassword = {value}\n[other]\nx = a#b\n"
    found = [one for one in read("grafana", text).findings if one["code"] == "comment_in_value"]
    assert len(found) == told


def test_variables_beside_a_file_need_not_hold_its_switch() -> None:
    text = "services:\n  app:\n    environment:\n      VIKUNJA_MAILER_FROMEMAIL: a@example.com\n"
    place = {"path": "/opt/compose.yml", "service": "app"}
    assert "settings_unused" not in [one["code"] for one in read("vikunja", text, **place).findings]
    text += "      VIKUNJA_MAILER_HOST: h\n"
    assert "settings_unused" in [one["code"] for one in read("vikunja", text, **place).findings]


def test_files_that_need_not_be_there() -> None:
    text = "services:\n  n8n:\n    env_file: [{path: a.env, required: false}, b.env]\n    environment: {N8N_SMTP_HOST: h}\n"
    told = [one["message"] for one in read("n8n", text, path="/opt/compose.yml", service="n8n").findings]
    assert [one for one in told if "a.env" in one] == [] and [one for one in told if "b.env" in one]
    unit = "[Service]\nEnvironmentFile=-/etc/a.env\nEnvironmentFile=/etc/b.env\nEnvironment=N8N_SMTP_HOST=h\n"
    told = [one["message"] for one in read("n8n", unit, path="/etc/systemd/system/n8n.service").findings]
    assert [one for one in told if "a.env" in one] == [] and [one for one in told if "b.env" in one]


def test_a_variable_that_says_what_the_file_says_is_not_told_of() -> None:
    text = "[mailer]\nENABLED = true\nPROTOCOL = smtps\nSMTP_ADDR = h\nSMTP_PORT = 465\n"
    same = read("gitea", text, {"GITEA__mailer__SMTP_ADDR": "h", "GITEA__mailer__SMTP_PORT": "465"})
    assert "overridden" not in [one["code"] for one in same.findings]
    other = read("gitea", text, {"GITEA__mailer__PROTOCOL": "smtp+starttls"})
    assert {"overridden", "mode_mismatch"} <= {one["code"] for one in other.findings}


def test_djangos_mailers_alone_are_no_fault() -> None:
    text = "MAILERS = {'default': {'BACKEND': 'x'}}\nDEFAULT_FROM_EMAIL = 'a@example.com'\n"
    assert "invalid_settings" not in [one["code"] for one in read("django", text).findings]
    assert "invalid_settings" in [one["code"] for one in read("django", text + "EMAIL_HOST = 'h'\n").findings]

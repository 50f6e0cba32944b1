# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people really ran into, app by app: each is a finding when the app's own text is read."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import Reading, read_place

PANGOLIN = "email:\n  smtp_host: h.example\n  smtp_port: 465\n  smtp_secure: true\n  no_reply: a@example.com\n"
# (what, app, text, options, mode, a code that must be among the findings; None: there is none but infos)
FACTS: list[tuple[str, str, str, dict[str, t.Any], str | None, str | None]] = [
    (
        "no smtp_secure is false",
        "pangolin",
        PANGOLIN.replace("  smtp_secure: true\n", ""),
        {},
        "opportunistic",
        "mode_mismatch",
    ),
    (
        "both forms of a variable",
        "pangolin",
        PANGOLIN,
        {"environment": {"EMAIL_SMTP_USER": "a", "EMAIL_SMTP_USER_FILE": "/x"}},
        "implicit_tls",
        "invalid_settings",
    ),
    ("an empty variable", "pangolin", PANGOLIN, {"environment": {"EMAIL_SMTP_PASS": ""}}, "implicit_tls", "overridden"),
    ("no-reply", "pangolin", PANGOLIN.replace("no_reply", "no-reply"), {}, "implicit_tls", "unknown_key"),
    ("nested", "pangolin", "email:\n  smtp: {host: h, port: 465}\n", {}, None, "unknown_key"),
    (
        "a misspelt policy",
        "grafana",
        "[smtp]\nenabled = true\nhost = h:587\nstartTLS_policy = Mandatory\n",
        {},
        "opportunistic",
        "unknown_value",
    ),
    ("no port", "grafana", "[smtp]\nenabled = true\nhost = h.example\n", {}, "opportunistic", "wrong_type"),
    ("only the port is set", "n8n", "N8N_SMTP_HOST=h\nN8N_SMTP_PORT=587\n", {}, "implicit_tls", "mode_mismatch"),
    (
        "a scheme that raises",
        "laravel",
        "MAIL_MAILER=smtp\nMAIL_HOST=h\nMAIL_PORT=587\nMAIL_SCHEME=tls\n",
        {},
        None,
        "unknown_value",
    ),
    (
        "mail goes into the log",
        "laravel",
        "MAIL_HOST=h\nMAIL_PORT=465\nMAIL_SCHEME=smtps\n",
        {},
        "implicit_tls",
        "settings_unused",
    ),
    (
        "tls means the first byte",
        "homeassistant",
        "notify mail:\n  platform: smtp\n  server: h\n  port: 587\n  encryption: tls\n  sender: a@b.c\n",
        {},
        "implicit_tls",
        "mode_mismatch",
    ),
    (
        "tls means STARTTLS",
        "wordpress",
        "<?php\ndefine('WPMS_ON', true);\ndefine('WPMS_MAILER','smtp');\n"
        "define('WPMS_SMTP_HOST','h');\ndefine('WPMS_SMTP_PORT',465);\ndefine('WPMS_SSL','tls');\n",
        {},
        "starttls",
        "mode_mismatch",
    ),
    (
        "constants without their switch",
        "wordpress",
        "<?php\ndefine('WPMS_SMTP_HOST','h');\ndefine('WPMS_SMTP_PORT',465);\ndefine('WPMS_SSL','ssl');\n",
        {},
        "implicit_tls",
        "settings_unused",
    ),
    (
        "an @ that is not encoded, which PHP takes as it is meant",
        "symfony",
        "MAILER_DSN=smtps://u@u.example:p@s:s@h.example:465\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a + that PHP takes for a space",
        "symfony",
        "MAILER_DSN=smtps://u:p+ss@h.example:465\n",
        {},
        "implicit_tls",
        "wrong_type",
    ),
    (
        "a # that ends the URL",
        "symfony",
        "MAILER_DSN='smtps://u:p#ss@h.example:465'\n",
        {},
        "implicit_tls",
        "wrong_type",
    ),
    *(
        (f"a password that ends at a {sign} in {app}", app, text.replace("@", sign), options, mode, "comment_in_value")
        for sign, app, text, options, mode in [
            ("#", "grafana", "[smtp]\nenabled = true\nhost = h:465\nuser = u\npassword = a@b\n", {}, "implicit_tls"),
            (
                ";",
                "gitea",
                "[mailer]\nENABLED = true\nSMTP_ADDR = h\nUSER = u\nPASSWD=a@b\nPROTOCOL = smtps\n",
                {},
                "implicit_tls",
            ),
            (
                "#",
                "laravel",
                "MAIL_MAILER=smtp\nMAIL_HOST=h\nMAIL_PORT=465\nMAIL_USERNAME=u\nMAIL_PASSWORD=a@b\n",
                {},
                "implicit_tls",
            ),
        ]
    ),
    (
        "a # with quotes",
        "grafana",
        '[smtp]\nenabled = true\nhost = h:465\nuser = u\npassword = """a#b"""\n',
        {},
        "implicit_tls",
        None,
    ),
    (
        "a comment behind a space",
        "grafana",
        "[smtp]\nenabled = true\nhost = h:465 ;x\nuser = u\npassword = ab # x\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a # that compose takes as it is",
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=force_tls\nSMTP_FROM=a@b.c\nSMTP_USERNAME=u\nSMTP_PASSWORD=a#b\n",
        {"form": "environment"},
        "implicit_tls",
        None,
    ),
    (
        "ssl, which BookStack reads as tls",
        "bookstack",
        "MAIL_DRIVER=smtp\nMAIL_HOST=h\nMAIL_PORT=465\nMAIL_ENCRYPTION=ssl\n",
        {},
        "implicit_tls",
        None,
    ),
    ("one colon", "exim4", "dc_eximconfig_configtype='smarthost'\ndc_smarthost='h:587'\n", {}, None, "wrong_type"),
    (
        "the adapter of old on 465",
        "plausible",
        "MAILER_ADAPTER=Bamboo.SMTPAdapter\nSMTP_HOST_ADDR=h\nSMTP_HOST_PORT=465\n",
        {},
        "implicit_tls",
        "invalid_settings",
    ),
    ("the adapter of today on 465", "plausible", "SMTP_HOST_ADDR=h\nSMTP_HOST_PORT=465\n", {}, "implicit_tls", None),
    ("an encoded +", "symfony", "MAILER_DSN=smtps://u%2Bu:p%2Bss@h.example:465\n", {}, "implicit_tls", None),
    ("no port is 465 inside", "symfony", "MAILER_DSN=smtp://h.example\n", {}, "implicit_tls", None),
    (
        "the image picks 465",
        "nextcloud",
        "SMTP_HOST=h\nSMTP_SECURE=tls\nMAIL_FROM_ADDRESS=a\nMAIL_DOMAIN=b.c\n",
        {"form": "environment"},
        "implicit_tls",
        "unknown_value",
    ),
    (
        "verifies nothing",
        "postfix",
        "relayhost = [h.example]:587\nsmtp_tls_security_level = may\n",
        {},
        "opportunistic",
        "certificate_not_verified",
    ),
    (
        "verifies nothing either",
        "postfix",
        "relayhost = [h.example]:587\nsmtp_tls_security_level = encrypt\n",
        {},
        "starttls",
        "certificate_not_verified",
    ),
    *(
        (
            f"the MX of {relay}",
            "postfix",
            f"relayhost = {relay}\nsmtp_tls_security_level = secure\n",
            {},
            "starttls",
            code,
        )
        for relay, code in (
            ("h.example:587", "mx_lookup"),
            ("h.example", "mx_lookup"),
            ("192.0.2.1:587", "mx_lookup"),
            ("[h.example]:587", None),
            ("[h.example]:submission", None),
            ("[2001:db8::1]:587", None),
        )
    ),
    *(
        (
            f"{key} is {value}",
            "django",
            f"import os\nEMAIL_HOST = 'h'\nEMAIL_PORT = 465\nEMAIL_USE_SSL = True\nEMAIL_TIMEOUT = 9\n{key} = {value}\n",
            {},
            "implicit_tls",
            code,
        )
        for key, value, code in (
            ("EMAIL_SSL_CERTFILE", "'/etc/c.pem'", "client_certificate"),
            ("EMAIL_SSL_KEYFILE", "os.path.join('a', 'b')", "client_certificate"),
            ("EMAIL_SSL_CERTFILE", "None", None),
            ("EMAIL_SSL_CERTFILE", "''", None),
        )
    ),
    (
        "cleartext after a bad certificate",
        "exim4_macros",
        "REMOTE_SMTP_HELO_DATA = x\n",
        {},
        "opportunistic",
        "downgrade_possible",
    ),
    (
        "its own sample",
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\n"
        "gitlab_rails['smtp_address'] = \"h\"\ngitlab_rails['smtp_port'] = 465\ngitlab_rails['smtp_enable_starttls_auto'] = true\n",
        {},
        "opportunistic",
        "mode_mismatch",
    ),
    (
        "no password without TLS",
        "alertmanager",
        "global:\n  smtp_smarthost: 'h:25'\n  smtp_require_tls: false\n  smtp_auth_username: x\n",
        {},
        "cleartext",
        "auth_requires_tls",
    ),
    (
        "port 25 in cleartext",
        "authelia",
        "notifier:\n  smtp:\n    address: submission://h:587\n    sender: a@b.c\n    disable_require_tls: true\n",
        {},
        "opportunistic",
        "port_25_fallback",
    ),
    (
        "a pair of flags, one of them left out",
        "rails",
        "ActionMailer::Base.smtp_settings[:address] = 'h'\nActionMailer::Base.smtp_settings[:port] = 465\n"
        "ActionMailer::Base.smtp_settings[:tls] = true\n",
        {},
        "implicit_tls",
        "invalid_settings",
    ),
    (
        "a mapping that asks for TLS alone",
        "rails",
        "config.action_mailer.smtp_settings = {address: 'h', port: 465, tls: true}\n",
        {"path": "/x/config/environments/production.rb"},
        "implicit_tls",
        None,
    ),
    *(
        (
            f"enable_starttls: {word}",
            "rails",
            f"config.action_mailer.smtp_settings = {{address: 'h', port: 587, enable_starttls: {word}}}\n",
            {"path": "/x/config/environments/production.rb"},
            mode,
            code,
        )
        for word, mode, code in (
            ("true", "starttls", None),
            (":always", "starttls", None),
            (":auto", "opportunistic", "downgrade_possible"),
        )
    ),
    (
        "a mapping with both",
        "rails",
        "config.action_mailer.smtp_settings = {address: 'h', port: 465, ssl: true, enable_starttls_auto: true}\n",
        {"path": "/x/config/environments/production.rb"},
        "implicit_tls",
        "invalid_settings",
    ),
    (
        "another way to mail",
        "gitea",
        "[mailer]\nENABLED = true\nPROTOCOL = sendmail\nSMTP_ADDR = h\nSMTP_PORT = 465\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "mails that only go to the log",
        "forgejo",
        "[mailer]\nENABLED = true\nPROTOCOL = dummy\nSMTP_ADDR = h\nSMTP_PORT = 465\n",
        {},
        "implicit_tls",
        "settings_unused",
    ),
    (
        "the older name wins",
        "ghost",
        '{"mail": {"transport": "SMTP", "options": {"host": "h", "port": 465, "secure": false, "secureConnection": true}}}',
        {},
        "implicit_tls",
        None,
    ),
    (
        "false in words",
        "symfony",
        "MAILER_DSN=smtps://h:465?verify_peer=false\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    ("true in words", "symfony", "MAILER_DSN=smtps://h:465?verify_peer=on\n", {}, "implicit_tls", None),
    (
        "a forward without addresses",
        "mailpit_forward",
        "host: h\nport: 465\ntls: true\nauth: none\n",
        {},
        "implicit_tls",
        "recipient_missing",
    ),
    (
        "a password in the wrong key",
        "mailpit_relay",
        "host: h\nport: 465\ntls: true\nauth: cram-md5\nusername: a\npassword: b\n",
        {},
        "implicit_tls",
        "password_missing",
    ),
    (
        "a table of logins that is not used",
        "postfix",
        "relayhost = [h]:465\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = secure\nsmtp_sasl_password_maps = hash:/x\n",
        {},
        "implicit_tls",
        "login_unused",
    ),
    *(
        (
            f"no password even in TLS: {more}",
            "postfix",
            f"relayhost = [h]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/x\n{more}",
            {},
            "starttls",
            code,
        )
        for more, code in (
            ("", "plain_login_forbidden"),
            ("smtp_sasl_security_options = noanonymous, noplaintext\n", "plain_login_forbidden"),
            ("smtp_sasl_security_options = noanonymous\n", None),
            ("smtp_sasl_security_options =\nsmtp_sasl_tls_security_options = noanonymous\n", None),
            ("smtp_sasl_tls_security_options = noplaintext\n", "plain_login_forbidden"),
        )
    ),
    (
        "a pair of flags",
        "gitlab",
        "gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = 'h'\ngitlab_rails['smtp_port'] = 465\n"
        "gitlab_rails['smtp_tls'] = true\ngitlab_rails['smtp_enable_starttls_auto'] = true\n",
        {},
        None,
        "invalid_settings",
    ),
    *(
        (
            f"GitLab with {flags}",
            "gitlab",
            f"gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = 'h'\ngitlab_rails['smtp_port'] = {port}\n"
            + "".join(f"gitlab_rails['smtp_{flag.partition(' ')[0]}'] = {flag.partition(' ')[2]}\n" for flag in flags),
            {},
            mode,
            code,
        )
        for flags, port, mode, code in (
            (("tls true",), 465, "implicit_tls", None),
            (("ssl true",), 465, "implicit_tls", None),
            (("ssl true", "enable_starttls_auto true"), 465, "implicit_tls", "invalid_settings"),
            (("ssl false", "enable_starttls_auto true"), 587, "opportunistic", "downgrade_possible"),
            ((), 587, "opportunistic", "downgrade_possible"),
            (("enable_starttls_auto false",), 587, "cleartext", "cleartext"),
        )
    ),
    *(
        (
            f"Mastodon with {flags}",
            "mastodon",
            f"SMTP_SERVER=h\nSMTP_PORT={port}\nSMTP_FROM_ADDRESS=a@example.com\n{flags}\n",
            {"path": "/x/.env.production"},
            mode,
            code,
        )
        for flags, port, mode, code in (
            ("SMTP_SSL=true\nSMTP_ENABLE_STARTTLS=never", 465, "implicit_tls", None),
            ("SMTP_SSL=true", 465, "implicit_tls", "invalid_settings"),
            ("SMTP_SSL=false\nSMTP_ENABLE_STARTTLS=always", 587, "starttls", None),
        )
    ),
    (
        "a pair of flags, one of them left out",
        "discourse",
        "env:\n  DISCOURSE_SMTP_ADDRESS: h\n  DISCOURSE_SMTP_PORT: 465\n  DISCOURSE_SMTP_FORCE_TLS: true\n",
        {},
        "implicit_tls",
        "invalid_settings",
    ),
    (
        "no timeout",
        "django",
        "EMAIL_HOST = 'h'\nEMAIL_PORT = 465\nEMAIL_USE_SSL = True\n",
        {},
        "implicit_tls",
        "no_timeout",
    ),
    (
        "no timeout either",
        "spring",
        "spring.mail.host=h\nspring.mail.port=465\nspring.mail.properties.mail.smtp.ssl.enable=true\n",
        {},
        "implicit_tls",
        "no_timeout",
    ),
    (
        "both flags",
        "django",
        "EMAIL_HOST = 'h'\nEMAIL_PORT = 465\nEMAIL_USE_SSL = True\nEMAIL_USE_TLS = True\nEMAIL_TIMEOUT = 9\n",
        {},
        None,
        "invalid_settings",
    ),
    (
        "both flags of a relay",
        "mailpit_relay",
        "host: h\nport: 465\ntls: true\nstarttls: true\n",
        {},
        None,
        "invalid_settings",
    ),
    (
        "port 25 in cleartext",
        "vikunja",
        "mailer:\n  enabled: true\n  host: h\n  port: 587\n",
        {},
        "opportunistic",
        "port_25_fallback",
    ),
    (
        "an old name",
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=force_tls\nSMTP_SSL=true\nSMTP_FROM=a@b.c\n",
        {},
        "implicit_tls",
        "unknown_key",
    ),
    (
        "does not start",
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=force_tls\n",
        {},
        "implicit_tls",
        "sender_missing",
    ),
    (
        "names of old",
        "gitea",
        "[mailer]\nENABLED=true\nHOST=h:465\nIS_TLS_ENABLED=true\n",
        {},
        "implicit_tls",
        "unknown_key",
    ),
    (
        "mail is off",
        "gitea",
        "[mailer]\nSMTP_ADDR=h\nSMTP_PORT=465\nPROTOCOL=smtps\nFROM=a@b.c\n",
        {},
        "implicit_tls",
        "settings_unused",
    ),
    (
        "a name that is not checked",
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=force_tls\nSMTP_ACCEPT_INVALID_HOSTNAMES=true\nSMTP_FROM=a@b.c\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    (
        "a chain that is not checked",
        "zabbix",
        '{"smtp_server": "h", "smtp_port": 465, "smtp_security": 2, "smtp_verify_peer": 0, "smtp_verify_host": 1}',
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    *(
        (
            f"stream options {options}",
            "nextcloud",
            "<?php\n$CONFIG = array (\n  'mail_smtphost' => 'h',\n  'mail_smtpport' => 465,\n  'mail_smtpsecure' => 'ssl',\n"
            f"  'mail_from_address' => 'a',\n  'mail_domain' => 'b.c',\n  'mail_smtpstreamoptions' => {options},\n);\n",
            {},
            "implicit_tls",
            code,
        )
        for options, code in (
            ("['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]", "certificate_not_verified"),
            ("array('ssl' => array('verify_peer_name' => false))", "certificate_not_verified"),
            ("array(\n'ssl' => array(\n 'allow_self_signed' => true,\n),\n)", "certificate_not_verified"),
            ("array('ssl' => array('verify_peer' => FALSE, 'cafile' => '/x'))", "certificate_not_verified"),
            ("['ssl' => ['verify_peer' => 0, 'verify_peer_name' => 1]]", "certificate_not_verified"),
            ("['ssl' => ['verify_peer' => 1, 'allow_self_signed' => 0]]", None),
            ("['ssl' => ['verify_peer' => true, 'peer_name' => 'x']]", None),
            ("[]", None),
        )
    ),
    (
        "one key of its TLS",
        "alertmanager",
        "global:\n  smtp_smarthost: 'h:465'\n  smtp_require_tls: false\n  smtp_from: a@b.c\n"
        "  smtp_tls_config: {insecure_skip_verify: true}\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    (
        "Node verifies nothing",
        "n8n",
        "N8N_SMTP_HOST=h\nN8N_SMTP_PORT=465\nNODE_TLS_REJECT_UNAUTHORIZED=0\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    ("a text is true", "nodemailer", '{"host": "h", "port": 465, "secure": "false"}', {}, "implicit_tls", "wrong_type"),
    (
        "null is nothing",
        "laravel",
        "MAIL_MAILER=smtp\nMAIL_HOST=h\nMAIL_PORT=465\nMAIL_SCHEME=null\n",
        {},
        "implicit_tls",
        None,
    ),
    ("a transport that is none", "symfony", "MAILER_DSN=null://null\n", {}, None, "settings_unused"),
    ("another transport", "symfony", "MAILER_DSN=mailgun+api://k:d@default\n", {}, None, None),
    (
        "mail to the screen",
        "django",
        "EMAIL_URL=consolemail://\n",
        {"form": "environment"},
        None,
        "settings_unused",
    ),
    (
        "an app that is switched off",
        "generic_env",
        "SMTP_ENABLED=false\nSMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURE=true\n",
        {},
        "implicit_tls",
        "settings_unused",
    ),
    (
        "the server's half of Postfix is no misspelling",
        "postfix",
        "relayhost = [h]:465\nsmtp_tls_security_level = secure\nsmtp_tls_wrappermode = yes\nsmtpd_tls_security_level = may\n"
        "smtpd_sasl_auth_enable = yes\nsmtp_tls_CApath = /x\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a misspelt key of Postfix",
        "postfix",
        "relayhost = [h]:25\nsmtp_tls_securty_level = encrypt\n",
        {},
        "cleartext",
        "unknown_key",
    ),
    (
        "the old word of Postfix",
        "postfix",
        "relayhost = [h]:587\nsmtp_use_tls = yes\n",
        {},
        "opportunistic",
        "downgrade_possible",
    ),
    (
        "the old word where there is a level",
        "postfix",
        "relayhost = [h]:25\nsmtp_use_tls = yes\nsmtp_tls_security_level = none\n",
        {},
        "cleartext",
        "cleartext",
    ),
    (
        "what stands above all accounts",
        "msmtp",
        "defaults\ntls on\ntimeout 5\naccount other\nhost x\nauth on\naccount a\nhost h\nport 465\ntls_starttls off\naccount default : a\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a number where a text is meant",
        "jenkins",
        "unclassified:\n  mailer: {smtpHost: h, smtpPort: 465, useSsl: true}\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a password in a file",
        "alertmanager",
        "global: {smtp_smarthost: 'h:587', smtp_auth_username: a, smtp_auth_password_file: /x, smtp_from: a@example.com}\n",
        {},
        "starttls",
        None,
    ),
    (
        "a receiver with a relay of its own",
        "alertmanager",
        "global: {smtp_smarthost: 'h:465', smtp_require_tls: false, smtp_from: a@example.com}\nreceivers:\n- name: a\n"
        "  email_configs: [{to: b@example.com, smarthost: 'other:587', require_tls: true}]\n",
        {},
        "starttls",
        "overridden",
    ),
    (
        "only receivers have a relay",
        "alertmanager",
        "receivers:\n- name: a\n  email_configs:\n  - {to: b@example.com, from: a@example.com, smarthost: 'other:25', require_tls: false}\n",
        {},
        "cleartext",
        "cleartext",
    ),
    (
        "other keys of an app with one file for everything",
        "spring",
        "spring.mail.host=h\nspring.mail.port=465\nspring.mail.properties.mail.smtp.ssl.enable=true\nown.mail.host=x\n"
        "own.mail.properties.mail.smtp.auth=true\nspring.mail.properties.mail.smtp.timeout=1\nserver.port=1\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "a policy in another case",
        "grafana",
        "[smtp]\nenabled = true\nhost = h:587\nstartTLS_policy = MandatoryStartTls\n",
        {},
        "opportunistic",
        "unknown_value",
    ),
    (
        "a word in another case",
        "vaultwarden",
        "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURITY=Force_TLS\nSMTP_FROM=a@example.com\n",
        {},
        None,
        "unknown_value",
    ),
    (
        "encryption on 587",
        "bookstack",
        "MAIL_HOST=h\nMAIL_PORT=587\nMAIL_ENCRYPTION=tls\n",
        {},
        "opportunistic",
        "downgrade_possible",
    ),
    (
        "a login that is not used",
        "mailpit_relay",
        "host: h\nport: 465\ntls: true\nusername: a\npassword: p\n",
        {},
        "implicit_tls",
        "login_unused",
    ),
    (
        "no mail_smtpauth",
        "nextcloud",
        "<?php\n$CONFIG = array (\n  'mail_smtphost' => 'h',\n  'mail_smtpport' => 465,\n  'mail_smtpname' => 'a',\n"
        "  'mail_from_address' => 'a',\n  'mail_domain' => 'example.com',\n);\n",
        {},
        "implicit_tls",
        "login_unused",
    ),
    (
        "sSMTP, its keys in any case",
        "ssmtp",
        "MailHub=h:465\nusetls=Yes\nROOT=a@example.com\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    (
        "sSMTP with STARTTLS on 465",
        "ssmtp",
        "mailhub=h:465\nUseTLS=YES\nUseSTARTTLS=YES\n",
        {},
        "starttls",
        "mode_mismatch",
    ),
    ("sSMTP with one flag", "ssmtp", "mailhub=h:587\nUseSTARTTLS=YES\n", {}, "starttls", "certificate_not_verified"),
    ("sSMTP without TLS", "ssmtp", "mailhub=h\n", {}, "cleartext", "cleartext"),
    (
        "dma without VERIFYCERT",
        "dma",
        "SMARTHOST h\nPORT 465\nSECURETRANSFER\n",
        {},
        "implicit_tls",
        "certificate_not_verified",
    ),
    (
        "dma with VERIFYCERT",
        "dma",
        "SMARTHOST h\nPORT 465\nSECURETRANSFER\nVERIFYCERT\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "dma with a fingerprint",
        "dma",
        "SMARTHOST h\nPORT 465\nSECURETRANSFER\nFINGERPRINT " + "ab" * 32 + "\n",
        {},
        "implicit_tls",
        None,
    ),
    (
        "Spring's names with dots in YAML",
        "spring",
        "spring:\n  mail:\n    host: h\n    port: 587\n    properties:\n      mail.smtp.starttls.enable: true\n      mail.smtp.timeout: 1\n",
        {"path": "/x/application.yml"},
        "opportunistic",
        "downgrade_possible",
    ),
]


@pytest.mark.parametrize("what, app, text, options, mode, code", FACTS, ids=[f"{one[1]}: {one[0]}" for one in FACTS])
def test_each_is_found(
    what: str, app: str, text: str, options: dict[str, t.Any], mode: str | None, code: str | None
) -> None:
    descriptor = load_descriptor(app)
    environment = options.get("environment")
    reading = read_place(
        descriptor, load_place(descriptor, options.get("path", ""), form=options.get("form")), text, environment
    )
    codes = {one["code"] for one in reading.findings if one["severity"] != "info"}
    assert reading.security == mode, (what, reading)
    assert code in codes if code else not codes, (what, reading)


def read(app: str, text: str, path: str) -> Reading:
    descriptor = load_descriptor(app)
    return read_place(descriptor, load_place(descriptor, path), text)


def test_what_stands_nowhere_is_nothing() -> None:
    reading = read(
        "bookstack", "MAIL_HOST=h\nMAIL_USERNAME=null\nMAIL_PASSWORD=(null)\nMAIL_ENCRYPTION=null\n", "/opt/b/.env"
    )
    assert "username" not in reading.settings and not reading.password_set
    assert read("symfony", "MAILER_DSN=null://null\n", "/x/.env").settings.get("host") is None


def test_a_login_in_main_cf_itself() -> None:
    text = "relayhost = [h]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_password_maps = static:me:p:w\n"
    reading = read("postfix", text, "/etc/postfix/main.cf")
    assert reading.settings["username"] == "me" and reading.password_set and reading.password == "p:w"


def test_postfix_without_a_relay_is_told() -> None:
    assert "no_relay" in {one["code"] for one in read("postfix", "relayhost =\n", "/etc/postfix/main.cf").findings}


def test_passwords_that_come_from_elsewhere_are_there() -> None:
    for app, text, path in (
        ("msmtp", "account a\nhost h\nuser u\nauth on\ntls on\npasswordeval pass x\n", "/etc/msmtprc"),
        ("vaultwarden", "SMTP_HOST=h\nSMTP_USERNAME=u\nSMTP_PASSWORD_FILE=/x\n", "/x/.env"),
        ("grafana", "GF_SMTP_HOST=h:25\nGF_SMTP_USER=u\nGF_SMTP_PASSWORD__FILE=/x\n", "/x/.env"),
        (
            "alertmanager",
            "global: {smtp_smarthost: 'h:25', smtp_auth_password_file: /x}\n",
            "/etc/alertmanager/alertmanager.yml",
        ),
    ):
        assert read(app, text, path).password_set, app


SMTP_CONFIG = """<?php
if (getenv('SMTP_HOST')) {
  $CONFIG = array (
    'mail_smtphost' => getenv('SMTP_HOST'),
    'mail_smtpport' => getenv('SMTP_PORT') ?: 25,
  );
}
"""


def test_what_counts_only_where_a_condition_holds_is_not_taken_for_settings() -> None:
    assert not read("nextcloud", SMTP_CONFIG, "/x/config/smtp.config.php").found
    always = SMTP_CONFIG.replace("if (getenv('SMTP_HOST')) {\n", "").replace(");\n}", ");")
    reading = read("nextcloud", always, "/x/config/smtp.config.php")
    assert reading.found and {one["code"] for one in reading.findings} >= {"variable"}
    assert "wrong_type" not in {one["code"] for one in reading.findings}


def test_spring_boot_in_yaml() -> None:
    properties = "    properties: {mail: {smtp: {starttls: {enable: true}}}}\n"
    text = f"spring:\n  mail:\n    host: h\n    port: '587'\n{properties}"
    reading = read("spring", text + "server:\n  port: 8080\n", "/x/application.yml")
    assert (reading.settings["host"], reading.settings["port"], reading.security) == ("h", 587, "opportunistic")
    assert {one["code"] for one in reading.findings} == {"downgrade_possible", "no_timeout"}


def test_a_part_that_is_not_there_means_the_defaults() -> None:
    macros = load_descriptor("exim4_macros")
    reading = read_place(macros, load_place(macros), "")
    assert not reading.found and reading.security == "opportunistic"
    # A part that holds no mode says nothing of it.
    login = load_descriptor("exim4_passwd")
    assert read_place(login, load_place(login), "h:a:p\n").security is None


def test_the_port_that_authelia_takes_follows_from_the_scheme() -> None:
    for scheme, port in (("smtp", 25), ("submission", 587), ("submissions", 465)):
        text = f"notifier:\n  smtp:\n    address: '{scheme}://h.example'\n    sender: a@example.com\n"
        assert read("authelia", text, "/config/configuration.yml").settings["port"] == port


@pytest.mark.parametrize("app", ["gitea", "forgejo"])
def test_an_unknown_protocol_of_gitea_is_one_without_tls(app: str) -> None:
    # It compares with each of its words, and does what none of them says: neither TLS nor STARTTLS.
    text = "[mailer]\nENABLED=true\nSMTP_ADDR=h\nSMTP_PORT=587\nPROTOCOL=starttls\nFROM=a@b.c\n"
    reading = read(app, text, "app.ini")
    assert reading.security == "cleartext"
    assert "unknown_value" in [one["code"] for one in reading.findings]
    assert not [one for one in reading.findings if one["code"] == "mode_mismatch"]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which client proves which app: one row for each app, form and version of the client's library.

Quick rows are those that CI tries on every change. The others take minutes to build (Rust, Alertmanager), half a gigabyte (Java), or are
what Debian has on the day (sid).
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.proof.trials import Row

__all__ = ["rows"]

NODEMAILERS = ("nodemailer6", "nodemailer7", "nodemailer8", "nodemailer9", "nodemailer10")
# The version that each app has, by its own package file.
NODE_APPS = (
    ("generic_env", "environment", "nodemailer10"),
    ("pangolin", "file", "nodemailer8"),
    ("directus", "environment", "nodemailer10"),
    ("ghost", "file", "nodemailer8"),
    ("ghost", "environment", "nodemailer8"),
    ("immich", "file", "nodemailer8"),
    ("n8n", "environment", "nodemailer8"),
    ("peertube", "file", "nodemailer7"),
    ("peertube", "environment", "nodemailer7"),
    ("uptime_kuma", "file", "nodemailer7"),
)
DJANGO_APPS = (
    ("authentik", "environment"),
    ("healthchecks", "environment"),
    ("paperless", "environment"),
    ("sentry", "file"),
)
GO_APPS = (
    ("gitea", "net/smtp"),
    ("forgejo", "net/smtp"),
    ("grafana", "go-mail/mail"),
    ("authelia", "wneessen/go-mail"),
    ("vikunja", "wneessen/go-mail"),
)
RUBY_APPS = (
    ("rails", "file"),
    ("gitlab", "file"),
    ("gitlab", "environment"),
    ("mastodon", "environment"),
    ("discourse", "file"),
    ("discourse", "environment"),
)
# What Debian's installer leaves in Exim's file, and what an Alertmanager has besides its relay.
EXIM = """dc_eximconfig_configtype='local'
dc_other_hostnames=''
dc_local_interfaces='127.0.0.1'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='true'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='false'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
"""
ALERTMANAGER = """route: {receiver: mails, group_wait: 0s}
receivers:
  - name: mails
    email_configs:
      - to: ops@example.org
        headers: {Subject: SUBJECT}
"""
JENKINS = """<?xml version='1.1' encoding='UTF-8'?>
<hudson.tasks.Mailer_-DescriptorImpl plugin="mailer">
  <useSsl>false</useSsl>
</hudson.tasks.Mailer_-DescriptorImpl>
"""
NATIVES = (
    Row("postfix", "file", "native", "postfix", "Postfix", quick=True),
    Row("msmtp", "file", "native", "msmtp", "msmtp", quick=True),
    Row("exim4", "file", "native", "exim", "Exim", start=EXIM, plain_for=("CRAM-MD5",), quick=True),
    Row("dma", "file", "native", "dma", "dma", quick=True),
    Row("nullmailer", "file", "native", "nullmailer", "nullmailer", quick=True),
    Row("ssmtp", "file", "native", "ssmtp", "sSMTP", quick=True),
    Row("zabbix", "file", "native", "curl", "curl", quick=True),
    Row("alertmanager", "file", "native", "alertmanager-old", "Alertmanager", start=ALERTMANAGER),
    Row("alertmanager", "file", "native", "alertmanager-new", "Alertmanager", start=ALERTMANAGER),
)


def rows() -> Iterator[Row]:
    """All of them."""
    for library in NODEMAILERS:
        for form in ("file", "environment"):
            yield Row("nodemailer", form, "node", library, "nodemailer", quick=True)
    for app, form, library in NODE_APPS:
        yield Row(app, form, "node", library, "nodemailer", quick=True)
    for program in ("django42", "django52"):
        yield Row("django", "file", program, "django", "Django", quick=True)
    yield Row("django", "environment", "django52", "dj_email_url", "Django with dj-email-url", quick=True)
    yield Row("django", "environment", "django52", "environ", "Django with django-environ", quick=True)
    for app, form in DJANGO_APPS:
        yield Row(app, form, "django52", "django", "Django", quick=True)
    yield Row("homeassistant", "file", "django52", "homeassistant", "smtplib", quick=True)
    yield Row("synapse", "file", "django52", "synapse", "Synapse", quick=True)
    for client, form in (("spring", "file"), ("spring", "environment"), ("keycloak", "file"), ("jenkins", "file")):
        yield Row(client, form, "java", client, "Angus Mail (Spring Boot)" if client == "spring" else "Angus Mail")
    yield Row("jenkins_xml", "file", "java", "jenkins", "Angus Mail", start=JENKINS)
    yield Row("vaultwarden", "environment", "rust", "lettre", "lettre")
    yield Row("listmonk", "file", "go", "net/smtp", "net/smtp", quick=True)
    for app, library in GO_APPS:
        for form in ("file", "environment"):
            yield Row(app, form, "go", library, library, quick=True)
    for program in ("php", "php-sid"):
        quick = program == "php"
        yield Row("bookstack", "environment", program, "bookstack", "Symfony Mailer", quick=quick)
        yield Row("laravel", "environment", program, "laravel", "Symfony Mailer", quick=quick)
        start = "<?php\n$CONFIG = array(\n);\n"
        yield Row("symfony", "environment", program, "symfony", "Symfony Mailer", quick=quick)
        yield Row("nextcloud", "file", program, "nextcloud", "Symfony Mailer", start=start, quick=quick)
        yield Row("nextcloud", "environment", program, "nextcloud", "Symfony Mailer", quick=quick)
        yield Row("wordpress", "file", program, "wordpress", "PHPMailer", start="<?php\n", quick=quick)
    for app, form in RUBY_APPS:
        for program in ("ruby", "ruby-sid"):
            yield Row(app, form, program, app, "Ruby mail", quick=program == "ruby")
    yield from NATIVES

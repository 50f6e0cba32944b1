# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail providers: where their submission service is, and what they are particular about. To add one, add a row.

``sources`` says where a port was read: ``provider`` (the provider's own pages), ``thunderbird`` (its autoconfiguration database),
``nodemailer`` (its list of well-known services), ``gitlab`` (its SMTP examples), ``authelia`` (its documentation). A port without a
source, and a quirk that begins with "unverified: ", is common knowledge that was not looked up: the gate proves it or not.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping

__all__ = ("PROVIDERS", "Port", "Provider", "ProviderError", "choose_port", "describe", "find_provider")

_UNVERIFIED = "unverified: "


class ProviderError(ValueError):
    """What was asked for cannot be answered; the text is one sentence that says what to write instead."""


class Port(t.NamedTuple):
    """One way in. ``sources`` is empty where it was not verified."""

    port: int
    security: str
    sources: tuple[str, ...] = ()


class Provider(t.NamedTuple):
    """One provider. ``host`` may have {region} in it; ``regions`` maps a region to a host of its own; ``username`` is set where it is a fixed word."""

    id: str
    name: str
    host: str
    ports: tuple[Port, ...]
    username_hint: str
    quirks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    regions: Mapping[str, str] = {}
    username: str | None = None
    password_hint: str = "the account's password"


def _tls(port: int, *sources: str) -> Port:
    return Port(port, "implicit_tls", sources)


def _start(port: int, *sources: str) -> Port:
    return Port(port, "starttls", sources)


_ADDRESS = "the full mail address"

PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "gmail",
        "Gmail",
        "smtp.gmail.com",
        (_tls(465, "thunderbird", "nodemailer"), _start(587, "gitlab")),
        _ADDRESS,
        (
            "takes an app password or OAuth2, never the account's own password",
            "refuses the EHLO name localhost: set helo_name to a full name",
            f"{_UNVERIFIED}rewrites the sender to the account's address or a verified alias",
        ),
        aliases=("google", "googlemail", "gmail.com", "googlemail.com"),
        password_hint="an app password of the account",
    ),
    Provider(
        "google_workspace_relay",
        "Google Workspace SMTP relay",
        "smtp-relay.gmail.com",
        (_tls(465, "nodemailer"), _start(587, "gitlab")),
        "none where the host's public address is allowed in the admin console, else the full mail address",
        (f"{_UNVERIFIED}the EHLO name must be a real domain: set helo_name",),
        aliases=("google_workspace", "gsuite", "workspace", "google_relay"),
        password_hint="an app password of the account, where a login is used",
    ),
    Provider(
        "office365",
        "Microsoft 365",
        "smtp.office365.com",
        (_start(587, "thunderbird", "nodemailer", "gitlab"), _start(25)),
        _ADDRESS,
        (
            "has no port with implicit TLS",
            "logins with a password are being retired in favour of OAuth2",
            f"{_UNVERIFIED}SMTP AUTH is switched off for a tenant until an administrator switches it on",
            f"{_UNVERIFIED}sender must be the mailbox of the login, or one that it may send as",
        ),
        aliases=("microsoft365", "m365", "o365", "office_365", "microsoft_365", "exchange_online"),
    ),
    Provider(
        "outlook_com",
        "Outlook.com",
        "smtp-mail.outlook.com",
        (_start(587, "thunderbird", "nodemailer", "gitlab"),),
        _ADDRESS,
        ("takes OAuth2 only", "has no port with implicit TLS"),
        aliases=("outlook", "hotmail", "live", "outlook.com", "hotmail.com"),
        password_hint="an OAuth2 token",
    ),
    Provider(
        "ses",
        "Amazon SES",
        "email-smtp.{region}.amazonaws.com",
        (
            _tls(465, "provider", "nodemailer"),
            _start(587, "provider", "gitlab"),
            _tls(2465, "provider"),
            _start(2587, "provider"),
            _start(25, "provider"),
        ),
        "an SMTP credential of SES, not the access key of IAM",
        (
            "requires TLS on every port",
            "port 25 is throttled from EC2; 2465 and 2587 are there where 465 and 587 are filtered",
            f"{_UNVERIFIED}sender must be a verified identity, in the sandbox the recipients too",
        ),
        aliases=("amazon_ses", "aws_ses", "aws", "amazon"),
        password_hint="the SMTP credential's password, of the same region",
    ),
    Provider(
        "sendgrid",
        "SendGrid",
        "smtp.sendgrid.net",
        (
            _tls(465, "provider", "gitlab"),
            _start(587, "provider", "nodemailer"),
            _start(2525, "provider"),
            _start(25, "provider"),
        ),
        "the word apikey",
        ("takes cleartext on 25, 587 and 2525, so STARTTLS must be required by the client",),
        username="apikey",
        password_hint="an API key",
    ),
    Provider(
        "mailgun",
        "Mailgun",
        "smtp.mailgun.org",
        (
            _tls(465, "provider", "nodemailer"),
            _start(587, "provider", "gitlab"),
            _start(2525, "provider"),
            _start(25, "provider"),
        ),
        "postmaster@DOMAIN, or another SMTP login of the domain",
        (
            f"{_UNVERIFIED}domains of the EU region use smtp.eu.mailgun.org (region: eu)",
            "all ports but 465 start in cleartext",
        ),
        regions={"us": "smtp.mailgun.org", "eu": "smtp.eu.mailgun.org"},
        password_hint="the SMTP login's password",
    ),
    Provider(
        "postmark",
        "Postmark",
        "smtp.postmarkapp.com",
        (_start(587, "provider"), _start(2525, "provider", "nodemailer"), _start(25, "provider")),
        "the Server API token",
        (
            "has no port with implicit TLS",
            "wants the token of the server, not that of the account",
            "sender needs a confirmed sender signature or domain",
        ),
        password_hint="the same Server API token",
    ),
    Provider(
        "brevo",
        "Brevo",
        "smtp-relay.brevo.com",
        (_tls(465, "gitlab"), _start(587, "nodemailer")),
        "the SMTP login of the account",
        ("its old name is smtp-relay.sendinblue.com",),
        aliases=("sendinblue",),
        password_hint="an SMTP key",
    ),
    Provider(
        "smtp2go",
        "SMTP2GO",
        "mail.smtp2go.com",
        (_tls(465, "gitlab"), _start(2525, "nodemailer")),
        "an SMTP user of the account",
        password_hint="the SMTP user's password",
    ),
    Provider(
        "mailjet",
        "Mailjet",
        "in-v3.mailjet.com",
        (_start(587),),
        "the API key",
        ("its older name is in.mailjet.com",),
        password_hint="the secret key",
    ),
    Provider(
        "resend",
        "Resend",
        "smtp.resend.com",
        (_tls(465, "nodemailer"), _start(587), _tls(2465), _start(2587)),
        "the word resend",
        (f"{_UNVERIFIED}the user name is the word resend",),
        username="resend",
        password_hint="an API key",
    ),
    Provider(
        "mailtrap",
        "Mailtrap Email Sending",
        "live.smtp.mailtrap.io",
        (_start(587, "nodemailer"),),
        "the user name that the domain's page shows",
        aliases=("mailtrap_live",),
        password_hint="the API token",
    ),
    Provider(
        "fastmail",
        "Fastmail",
        "smtp.fastmail.com",
        (_tls(465, "nodemailer"), _start(587)),
        _ADDRESS,
        (f"{_UNVERIFIED}takes an app password only",),
        password_hint="an app password",
    ),
    Provider(
        "icloud",
        "iCloud Mail",
        "smtp.mail.me.com",
        (_start(587, "thunderbird", "nodemailer"),),
        _ADDRESS,
        ("has no port with implicit TLS", f"{_UNVERIFIED}takes an app-specific password only"),
        aliases=("apple", "me.com", "icloud.com", "mac"),
        password_hint="an app-specific password",
    ),
    Provider(
        "zoho",
        "Zoho Mail",
        "smtp.zoho.com",
        (_tls(465, "thunderbird", "nodemailer"), _start(587, "gitlab")),
        _ADDRESS,
        ("an account lives in one region, and each region has its host (region: eu, say)",),
        regions={"com": "smtp.zoho.com", "us": "smtp.zoho.com", "eu": "smtp.zoho.eu"},
        aliases=("zoho.com",),
    ),
    Provider(
        "ovh",
        "OVHcloud",
        "ssl0.ovh.net",
        (_tls(465, "thunderbird", "gitlab"), _start(587)),
        _ADDRESS,
        aliases=("ovhcloud",),
    ),
    Provider(
        "strato",
        "Strato",
        "smtp.strato.de",
        (_tls(465, "thunderbird"), _start(587, "thunderbird")),
        _ADDRESS,
        aliases=("strato.de",),
    ),
    Provider("infomaniak", "Infomaniak", "mail.infomaniak.com", (_start(587, "nodemailer"), _tls(465)), _ADDRESS),
    Provider(
        "ionos",
        "IONOS",
        "smtp.ionos.de",
        (_tls(465), _start(587)),
        _ADDRESS,
        ("its old name smtp.1und1.de serves the same two ports",),
        aliases=("1und1", "1and1", "1_1"),
    ),
    Provider(
        "gmx",
        "GMX",
        "mail.gmx.net",
        (_tls(465, "thunderbird"), _start(587, "thunderbird")),
        _ADDRESS,
        (
            f"{_UNVERIFIED}access by mail programs has to be switched on in the web mail's settings",
            "accounts of gmx.com use mail.gmx.com (region: com)",
        ),
        regions={"net": "mail.gmx.net", "de": "mail.gmx.net", "com": "mail.gmx.com"},
        aliases=("gmx.net", "gmx.de", "gmx.com"),
    ),
    Provider(
        "webde",
        "WEB.DE",
        "smtp.web.de",
        (_tls(465, "thunderbird"), _start(587, "thunderbird")),
        "the part of the address before the @",
        aliases=("web.de",),
    ),
    Provider("posteo", "Posteo", "posteo.de", (_tls(465, "thunderbird"), _start(587, "thunderbird")), _ADDRESS),
    Provider(
        "gandi",
        "Gandi",
        "mail.gandi.net",
        (_tls(465, "thunderbird", "gitlab"), _start(587, "thunderbird", "nodemailer")),
        _ADDRESS,
    ),
    Provider(
        "hetzner_webhosting",
        "Hetzner web hosting",
        "mail.your-server.de",
        (_tls(465, "thunderbird"), _start(587)),
        _ADDRESS,
        (
            "cloud servers of Hetzner cannot connect to ports 25 and 465 of anyone until these are unblocked: use 587 there",
        ),
        aliases=("hetzner",),
    ),
    Provider(
        "yandex",
        "Yandex",
        "smtp.yandex.com",
        (_tls(465, "thunderbird", "nodemailer", "gitlab"),),
        _ADDRESS,
        (f"{_UNVERIFIED}takes an app password",),
        regions={"com": "smtp.yandex.com", "ru": "smtp.yandex.ru"},
    ),
    Provider(
        "yahoo",
        "Yahoo Mail",
        "smtp.mail.yahoo.com",
        (_tls(465, "thunderbird", "nodemailer", "gitlab"),),
        _ADDRESS,
        (f"{_UNVERIFIED}takes an app password",),
        aliases=("yahoo.com",),
        password_hint="an app password",
    ),
    Provider(
        "mailru",
        "Mail.ru",
        "smtp.mail.ru",
        (_tls(465, "thunderbird", "nodemailer"), _start(587, "thunderbird")),
        _ADDRESS,
        aliases=("mail.ru",),
    ),
    Provider(
        "qq",
        "QQ Mail",
        "smtp.qq.com",
        (_tls(465, "thunderbird", "nodemailer"), _start(587)),
        _ADDRESS,
        (f"{_UNVERIFIED}takes an authorisation code instead of the password",),
        aliases=("qq.com",),
    ),
    Provider(
        "qq_exmail",
        "Tencent Exmail",
        "smtp.exmail.qq.com",
        (_tls(465, "nodemailer", "gitlab"),),
        _ADDRESS,
        aliases=("exmail", "tencent"),
    ),
    Provider(
        "netease_163",
        "NetEase 163",
        "smtp.163.com",
        (_tls(465, "thunderbird", "nodemailer"),),
        _ADDRESS,
        (
            f"{_UNVERIFIED}takes an authorisation code instead of the password",
            "the enterprise service is smtp.ym.163.com",
        ),
        aliases=("163", "163.com", "netease"),
    ),
    Provider(
        "aliyun",
        "Aliyun",
        "smtp.aliyun.com",
        (_tls(465, "nodemailer"),),
        _ADDRESS,
        ("the enterprise service is smtp.qiye.aliyun.com",),
        aliases=("alibaba",),
        regions={"enterprise": "smtp.qiye.aliyun.com"},
    ),
    Provider(
        "mailpit",
        "Mailpit on this host",
        "127.0.0.1",
        (Port(1025, "cleartext", ("provider",)),),
        "none",
        ("for development: 1025 is its port as delivered, where it speaks cleartext; its web interface is on 8025",),
        aliases=("mailpit_dev", "localhost"),
        password_hint="none",
    ),
)


def find_provider(term: str) -> Provider:
    """The provider of this id, alias, mail domain or host name; raises ProviderError with the nearest ids."""
    wanted = _plain(term)
    for row in PROVIDERS:
        if wanted in {_plain(name) for name in (row.id, row.name, row.host, *row.aliases, *row.regions.values())}:
            return row
    ses = re.fullmatch(r"email-smtp\.[a-z0-9-]+\.amazonaws\.com", term.strip().lower())
    if ses:
        return next(row for row in PROVIDERS if row.id == "ses")
    names = {_plain(name): row.id for row in PROVIDERS for name in (row.id, row.name, row.host, *row.aliases)}
    near = list(dict.fromkeys(names[name] for name in difflib.get_close_matches(wanted, list(names), 5, 0.55)))[:3]
    advice = f"do you mean {' or '.join(near)}?" if near else "mail_provider without a name lists all that are known."
    raise ProviderError(
        f"{_show(term)} is not a provider that is known here; {advice} Any other relay is given by host and port."
    )


def choose_port(row: Provider, prefer: str | int | None) -> Port:
    """The port to use: the first that fits ``prefer`` (a port, implicit_tls or starttls), else the first of the row. Raises ProviderError."""
    if prefer is None:
        return row.ports[0]
    wanted = str(prefer).strip()
    for port in row.ports:
        if wanted in (str(port.port), port.security):
            return port
    offered = ", ".join(f"{port.port} ({port.security})" for port in row.ports)
    if not wanted.isdigit() and wanted not in ("implicit_tls", "starttls", "cleartext"):
        raise ProviderError(
            f"prefer is {_show(wanted)}; write implicit_tls, starttls, or one of the ports of {row.name}: {offered}."
        )
    raise ProviderError(f"{row.name} does not offer {wanted}; write one of its ports in prefer: {offered}.")


def describe(
    row: Provider, prefer: str | int | None = None, region: str | None = None, term: str = ""
) -> dict[str, t.Any]:
    """What the lookup returns for one provider. ``term`` is the name that was asked for: a host name of a region says the region. Raises ProviderError."""
    port = choose_port(row, prefer)
    settings = {
        "host": _host(row, region, term),
        "port": port.port,
        "security": port.security,
        "secure": port.security == "implicit_tls",
    }
    return {
        "id": row.id,
        "name": row.name,
        **settings,
        "settings": settings,
        "verified": bool(port.sources),
        "ports": [
            {
                "port": each.port,
                "security": each.security,
                "secure": each.security == "implicit_tls",
                "verified": bool(each.sources),
                "sources": list(each.sources),
            }
            for each in row.ports
        ],
        "regions": sorted(row.regions),
        "username": row.username,
        "username_hint": row.username_hint,
        "password_hint": row.password_hint,
        "quirks": [
            {"text": quirk.removeprefix(_UNVERIFIED), "verified": not quirk.startswith(_UNVERIFIED)}
            for quirk in row.quirks
        ],
    }


def _host(row: Provider, region: str | None, term: str) -> str:
    asked = term.strip().lower()
    if not region:
        if asked in row.regions.values() or re.fullmatch(r"email-smtp\.[a-z0-9-]+\.amazonaws\.com", asked):
            return asked
        if "{region}" in row.host and term:
            raise ProviderError(f"{row.name} has a host for each region; write region, such as region='eu-west-1'.")
        return row.host.replace("{region}", "REGION")
    region = region.strip().lower()
    if "{region}" in row.host:
        if not re.fullmatch(r"[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d{1,2}", region):
            raise ProviderError(
                f"region is {_show(region)}, which is not the name of a region; write one such as eu-west-1 or us-east-1."
            )
        return row.host.replace("{region}", region)
    if not row.regions:
        raise ProviderError(f"{row.name} has one host for all regions; leave out region.")
    if region not in row.regions:
        raise ProviderError(f"{row.name} has no region {_show(region)}; write one of {', '.join(sorted(row.regions))}.")
    return row.regions[region]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _show(text: str) -> str:
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for people who template their config themselves: whatever they have, checked and completed, or one sentence.

A URL is read as the libraries mean it that take one (Nodemailer, Symfony Mailer, django-environ, Authelia): the scheme
says
whether TLS comes first, user and password are percent-encoded, and a few parameters say more.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, parse_settings, to_bool

__all__ = ("completed", "parse_mail_url")

# What each scheme says of the first byte; cleartext first means STARTTLS, which is required here.
_SCHEMES = {
    "smtps": "implicit_tls",
    "submissions": "implicit_tls",
    "smtp+ssl": "implicit_tls",
    "smtp": "starttls",
    "submission": "starttls",
    "smtp+tls": "starttls",
    "smtp+starttls": "starttls",
}
# Parameters by what they mean; in the second group, true switches verification off.
_VERIFY = ("verify_peer", "tls.rejectunauthorized", "validate_certs", "verify")
_NO_VERIFY = ("skip_ssl_verify", "skip_verify", "insecure")
_NO_TLS = ("ignoretls", "disable_starttls")
_NAMES = {
    "local_domain": "helo_name",
    "name": "helo_name",
    "source_ip": "source_address",
    "authmethod": "auth_mechanism",
}
# What the gate's `selected` holds besides settings.
_OF_THE_GATE = ("ok", "cause")


def parse_mail_url(url: str) -> dict[str, t.Any]:
    """The settings in a URL such as ``smtps://user:p%40ss@smtp.example.com:465``. Raises SettingsError, without the
    password.
    """
    scheme, mark, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in _SCHEMES:
        raise SettingsError(
            f"url has the scheme '{scheme[:20]}'; write smtps:// for TLS from the first byte, or smtp:// for a"
            " cleartext start with STARTTLS.",
            "url",
        )
    authority, query = re.split(r"[/?#]", rest, maxsplit=1)[0], urllib.parse.urlsplit(url.strip()).query
    if re.match(r"(?!/?\?[^@]*=)[^@]*@", rest[len(authority) :]):
        words = (
            "url has a /, ? or # in front of an @; in a user name or password write it %2F, %3F or %23, or write host, port,"
            " username and password as a mapping."
        )
        raise SettingsError(words, "url")
    user, at, address = authority.rpartition("@")
    found: dict[str, t.Any] = {"security": _SCHEMES[scheme], **_host_port(address, "url")}
    if at:
        name, colon, password = user.partition(":")
        found["username"] = urllib.parse.unquote(name)
        if colon:
            found["password"] = urllib.parse.unquote(password)
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        _parameter(found, name.lower(), value)
    return found


def _parameter(found: dict[str, t.Any], name: str, value: str) -> None:
    if name in _VERIFY:
        found["validate_certs"] = to_bool(value, f"the parameter {name} of url")
    elif name in _NO_VERIFY:
        found["validate_certs"] = not to_bool(value, f"the parameter {name} of url")
    elif (name in _NO_TLS and to_bool(value, f"the parameter {name} of url")) or (
        name == "auto_tls" and not to_bool(value, "the parameter auto_tls of url")
    ):
        found["security"] = "cleartext"
    elif name in _NAMES:
        found[_NAMES[name]] = value


def _host_port(text: str, option: str) -> dict[str, t.Any]:
    """``host:port`` in two, an IPv6 address in brackets; the port may be missing."""
    found = re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]+))?|([^\[\]:]+)(?::([0-9]+))?", text.strip())
    if found is None:
        raise SettingsError(
            f"{option} has no host and port that can be told apart; write smtp.example.com:465, and an IPv6 address in"
            " brackets.",
            option,
        )
    port = found.group(2) or found.group(4)
    return {"host": urllib.parse.unquote(found.group(1) or found.group(3)), **({"port": port} if port else {})}


def completed(value: object, selected: object = None, probed: bool | None = None) -> dict[str, t.Any]:
    """The model with every key, and beside it ``host_port``, ``url`` and ``mailbox``. Raises SettingsError.

    ``value`` is a mapping of settings (``url`` and ``host_port`` may stand in it for what they hold), a URL or
    host:port.
    ``selected`` is what the gate chose; it wins over host, port, secure and security. ``probed``: a live probe has
    shown that
    the mode is right, so the port's convention does not count; by default when ``selected`` is given.
    """
    raw = _raw(value)
    if selected is not None:
        if not isinstance(selected, Mapping) or "host" not in selected or "port" not in selected:
            raise SettingsError(
                "selected is not what the gate returns; write selected=result.selected, of a gate that passed.",
                "selected",
            )
        for name in ("host", "port", "secure", "security"):
            raw.pop(name, None)
        raw.update({name: selected[name] for name in ("host", "port", "secure", "security") if name in selected})
    from_gate = isinstance(value, Mapping) and all(name in value for name in _OF_THE_GATE)
    if from_gate:
        raw = {name: one for name, one in raw.items() if name not in _OF_THE_GATE}
    known = selected is not None or from_gate if probed is None else probed
    settings = parse_settings(raw, probed=known, needs_credentials=True)
    return _whole(settings)


def _raw(value: object) -> dict[str, t.Any]:
    if isinstance(value, str):
        return parse_mail_url(value) if "://" in value else _host_port(value, "the text")
    if value is None:
        raise SettingsError("there are no settings here (null); a gate that failed has no selected.", "host")
    if not isinstance(value, Mapping):
        raise SettingsError(
            "these are no settings; write a mapping with host, port and secure, a URL such as"
            " smtps://smtp.example.com:465,"
            " or host:port.",
            "host",
        )
    raw: dict[str, t.Any] = {}
    for name, one in value.items():
        if name == "url" and one:
            raw.update(parse_mail_url(str(one)))
        elif name == "host_port" and one:
            raw.update(_host_port(str(one), "host_port"))
    own = {str(name): one for name, one in value.items() if name not in ("url", "host_port") and one not in (None, "")}
    if "secure" in own and "security" not in own:
        # What is written beside the URL wins over it.
        raw.pop("security", None)
    return {**raw, **own}


def _whole(settings: Settings) -> dict[str, t.Any]:
    names = (
        "host",
        "port",
        "secure",
        "security",
        "validate_certs",
        "ca_path",
        "server_name",
        "username",
        "password",
        "auth_mechanism",
        "sender",
        "sender_name",
        "helo_name",
        "source_address",
        "ip_version",
        "timeout",
    )
    whole: dict[str, t.Any] = {name: getattr(settings, name) for name in names}
    whole["host_port"] = settings.endpoint
    login = ""
    if settings.username is not None:
        login = (
            urllib.parse.quote(settings.username, safe="")
            + ":"
            + urllib.parse.quote(settings.password or "", safe="")
            + "@"
        )
    whole["url"] = f"{'smtps' if settings.secure else 'smtp'}://{login}{settings.endpoint}"
    whole["mailbox"] = _mailbox(settings)
    return whole


def _mailbox(settings: Settings) -> str | None:
    """The sender as a mail header has it (RFC 5322, section 3.4)."""
    if settings.sender is None or settings.sender_name is None:
        return settings.sender
    name = settings.sender_name
    if not re.fullmatch(r"[\w!#$%&'*+/=?^`{|}~ -]+", name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{settings.sender}>"

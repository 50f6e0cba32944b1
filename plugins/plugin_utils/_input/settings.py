# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail settings model: what a user writes, checked and completed without any network.

One model serves every plugin. A wrong value gives one sentence that names the option
and what to write instead.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Security
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS
from ansible_collections.mailops.smtp.plugins.module_utils._observe.ports import (
    CLEARTEXT_FIRST_PORTS,
    IMPLICIT_TLS_PORTS,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.address import is_bare_address
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show, unknown_options

__all__ = (
    "CLEARTEXT_FIRST_PORTS",
    "CONNECTION_OPTIONS",
    "IMPLICIT_TLS_PORTS",
    "MODEL_OPTIONS",
    "SECURITY_MODES",
    "Settings",
    "SettingsError",
    "clash_sentence",
    "convention_clash",
    "parse_settings",
    "to_bool",
    "to_number",
)

SECURITY_MODES: tuple[str, ...] = tuple(mode for mode in t.get_args(Security) if mode != "auto")

_DEFAULT_PORTS = {"implicit_tls": 465, "starttls": 587, "opportunistic": 587, "cleartext": 25}
_TRUE = frozenset(("true", "yes", "on", "1", "y", "t"))
_FALSE = frozenset(("false", "no", "off", "0", "n", "f"))
_MAX_TIMEOUT = 3600.0
# Compiled here, so that it is done once for a run: each host has a process of its own, forked from one that has read this file.
_HOST_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_WHITE_SPACE = re.compile(r"\s")
_PORT = re.compile(r"\s*[+-]?\d{1,9}\s*")
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(\d+))?")
_URL_AUTHORITY = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::(\d*))?")
_NOT_IN_NAMES = re.compile(r"[\s\x00-\x1f]")
_NUMBERS_AND_DOTS = re.compile(r"[\d.]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Settings:
    """One endpoint and how to talk to it; ``timeout`` is in seconds and bounds the endpoint as a whole."""

    host: str
    port: int
    security: str
    validate_certs: bool = True
    ca_path: str | None = None
    server_name: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    auth_mechanism: str | None = None
    sender: str | None = None
    sender_name: str | None = None
    helo_name: str | None = None
    source_address: str | None = None
    ip_version: str = "any"
    login_required: bool = True
    timeout: float = 10.0
    return_pem: bool = False

    @property
    def login(self) -> tuple[str | None, str | None]:
        """User and password."""
        return self.username, self.password

    @property
    def secure(self) -> bool:
        """Nodemailer's flag: TLS from the first byte."""
        return self.security == "implicit_tls"

    @property
    def certificate_name(self) -> str:
        """The name for SNI (RFC 6066) and for the certificate check (RFC 9525): A-labels, no final dot, no zone."""
        return _ascii_host(self.server_name or self.host).rstrip(".").partition("%")[0]

    @property
    def endpoint(self) -> str:
        """host:port as a person writes it, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# What the options of the model are called: entries of `endpoints` and `settings` may hold these only.
# `secure` is the short form of `security`.
MODEL_OPTIONS = tuple(
    name for one in fields(Settings) for name in (("secure", "security") if one.name == "security" else (one.name,))
)
# Those of a task that connects; who sends has the sender's as well.
CONNECTION_OPTIONS = tuple(name for name in MODEL_OPTIONS if name not in ("sender", "sender_name"))


def to_bool(value: object, option: str) -> bool:
    """A YAML boolean or what roles hand over for one ("true", "no", 1). Raises SettingsError."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    advice = f"write {option}: true or {option}: false"
    if option.rpartition(".")[2] == "secure":
        # The words for a mode that other programs have here ("ssl", "tls", "starttls") do not mean the same in all of them.
        advice = f"write {option}: true for TLS from the first byte, as on port 465, or {option}: false for STARTTLS, as on 587"
    raise SettingsError(f"{option} is {show(value)}, which is neither true nor false; {advice}.", option)


def to_number(value: object, option: str, low: float, high: float, unit: str = "") -> float:
    """A number, or a string that holds one, within low and high. Raises SettingsError."""
    advice = f"write a number from {low:g} to {high:g}{unit}"
    if isinstance(value, bool):
        raise SettingsError(f"{option} is {show(value)}, which is not a number; {advice}.", option)
    try:
        number = float(str(value).strip())
    except ValueError:
        raise SettingsError(f"{option} is {show(value)}, which is not a number; {advice}.", option) from None
    if not math.isfinite(number) or not low <= number <= high:
        raise SettingsError(f"{option} is {show(value)}, which is out of range; {advice}.", option)
    return number


def convention_clash(port: int, security: str) -> bool:
    """Whether the port's convention (RFC 8314, RFC 6409) is the other mode. Odd ports never clash."""
    if port in IMPLICIT_TLS_PORTS:
        return security in ("starttls", "opportunistic", "cleartext")
    return port in CLEARTEXT_FIRST_PORTS and security == "implicit_tls"


def parse_settings(
    raw: Mapping[str, t.Any],
    *,
    probed: bool,
    allow_auto: bool = False,
    needs_credentials: bool = False,
    prefix: str = "",
) -> Settings:
    """Check and complete the settings of one endpoint.

    ``raw`` holds the keys of the model; null and empty strings count as left out.
    ``probed`` says that a live probe follows, which outranks the port's convention.
    ``allow_auto`` admits ``security: auto``. ``needs_credentials`` refuses a username without
    a password. ``prefix`` is put in front of option names in sentences ("endpoints[0].").
    Raises SettingsError.
    """
    given = _given(raw, prefix)

    def name(option: str) -> str:
        return f"{prefix}{option}"

    host = _host(given.get("host"), name("host"))
    security, port = _security_and_port(given, prefix, allow_auto)
    if not probed and convention_clash(port, security):
        raise SettingsError(clash_sentence(port, security, prefix), name("secure"), "mode_mismatch")

    username, password = _credentials(given, prefix, needs_credentials)
    server_name = given.get("server_name")
    source_address, ip_version = _source(given, prefix, host)

    return Settings(
        host=host,
        port=port,
        security=security,
        validate_certs=to_bool(given.get("validate_certs", Settings.validate_certs), name("validate_certs")),
        ca_path=_text(given, "ca_path", prefix),
        server_name=None if server_name is None else _host(server_name, name("server_name")),
        username=username,
        password=password,
        auth_mechanism=_mechanism(given, prefix),
        sender=_sender(given, prefix),
        sender_name=_text(given, "sender_name", prefix),
        helo_name=_helo_name(given, prefix),
        source_address=source_address,
        ip_version=ip_version,
        login_required=to_bool(given.get("login_required", Settings.login_required), name("login_required")),
        timeout=to_number(given.get("timeout", Settings.timeout), name("timeout"), 0.1, _MAX_TIMEOUT, " seconds"),
        return_pem=to_bool(given.get("return_pem", Settings.return_pem), name("return_pem")),
    )


def _given(raw: Mapping[str, t.Any], prefix: str) -> dict[str, t.Any]:
    unknown = [str(key) for key in raw if key not in MODEL_OPTIONS]
    if unknown:
        raise unknown_options(unknown, MODEL_OPTIONS, prefix)
    given = {key: value for key, value in raw.items() if value is not None and value != ""}
    for key, value in given.items():
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise SettingsError(
                f"{prefix}{key} holds half a character (a lone surrogate), which cannot be sent; write it anew.",
                f"{prefix}{key}",
            )
    return given


def _mechanism(given: Mapping[str, t.Any], prefix: str) -> str | None:
    mechanism = _text(given, "auth_mechanism", prefix)
    if mechanism is None:
        return None
    if mechanism.upper() not in MECHANISMS:
        option = f"{prefix}auth_mechanism"
        known = ", ".join(MECHANISMS)
        raise SettingsError(
            f"{option} is {show(mechanism.upper())}, which is not known here; write one of {known}, or leave it out.",
            option,
        )
    return mechanism.upper()


def _sender(given: Mapping[str, t.Any], prefix: str) -> str | None:
    sender = _text(given, "sender", prefix)
    if sender is not None and not is_bare_address(sender):
        option = f"{prefix}sender"
        raise SettingsError(
            f"{option} is {show(sender)}, which is not a bare mail address; write sender: app@example.com, and the "
            "display name in sender_name.",
            option,
        )
    return sender


def _helo_name(given: Mapping[str, t.Any], prefix: str) -> str | None:
    helo_name = _text(given, "helo_name", prefix)
    if helo_name is not None and _WHITE_SPACE.search(helo_name):
        option = f"{prefix}helo_name"
        raise SettingsError(
            f"{option} has white space in it; write this host's full name, such as app1.example.com.", option
        )
    if helo_name is not None and not _is_helo_name(helo_name):
        option = f"{prefix}helo_name"
        raise SettingsError(
            f"{option} is {show(helo_name)}, which is neither a name nor an address in brackets; write this host's full name, "
            "such as app1.example.com.",
            option,
        )
    return helo_name


def _is_helo_name(text: str) -> bool:
    """A domain or an address literal (RFC 5321 section 4.1.1.1); an underscore is let pass, as Windows hosts have it."""
    if text.startswith("[") and text.endswith("]"):
        return len(text) > 2
    labels = text.rstrip(".").split(".")
    return len(text) <= 255 and all(_HOST_LABEL.match(label) for label in labels)


def clash_sentence(port: int, security: str, prefix: str = "") -> str:
    """Why this mode does not belong on this port, and the pair that does."""
    if security == "implicit_tls":
        return (
            f"{prefix}port {port} starts in cleartext and switches to TLS with STARTTLS, but TLS from the first byte was asked for (secure: true);"
            f" write {prefix}secure: false with port {port}, or port 465 with secure: true."
        )
    return (
        f"{prefix}port {port} speaks TLS from the first byte, but a cleartext start was asked for (secure: false, {security});"
        f" write {prefix}secure: true with port {port}, or port 587 with secure: false."
    )


def _security_and_port(given: Mapping[str, t.Any], prefix: str, allow_auto: bool) -> tuple[str, int]:
    modes = (*SECURITY_MODES, "auto") if allow_auto else SECURITY_MODES
    option = f"{prefix}security"
    security = given.get("security")
    if security is not None:
        security = str(security).strip()
        if security not in modes:
            hint = _hint(security, modes, str(given.get("port", "")).strip())
            raise SettingsError(
                f"{option} is {show(security)}, which is not a mode; write one of {', '.join(modes)}{hint}.",
                option,
            )
    secure = to_bool(given["secure"], f"{prefix}secure") if "secure" in given else None
    if security == "auto" and secure is not None:
        raise SettingsError(
            f"{option}: auto finds out the mode by itself, so it cannot stand beside secure; leave out {prefix}secure.",
            option,
        )
    if security is not None and secure is not None and secure != (security == "implicit_tls"):
        meant = "true means TLS from the first byte" if secure else "false means a cleartext start"
        raise SettingsError(
            f"{prefix}secure: {str(secure).lower()} ({meant}) contradicts {option}: {security}; "
            f"write secure: {str(not secure).lower()}, or leave out {prefix}secure.",
            option,
        )
    port = None
    if "port" in given:
        advice = "write 465 with secure: true, or 587 with secure: false"
        if isinstance(given["port"], bool) or not _PORT.fullmatch(str(given["port"])):
            raise SettingsError(
                f"{prefix}port is {show(given['port'])}, which is not a port number; {advice}.", f"{prefix}port"
            )
        port = int(str(given["port"]))
        if not 1 <= port <= 65535:
            raise SettingsError(f"{prefix}port is {port}, but ports go from 1 to 65535; {advice}.", f"{prefix}port")
    if security is None:
        if secure is not None:
            security = "implicit_tls" if secure else "starttls"
        elif port is None:
            raise SettingsError(
                f"{prefix}port is missing; write port: 465 with secure: true, or port: 587 with secure: false.",
                f"{prefix}port",
            )
        else:
            security = "implicit_tls" if port in IMPLICIT_TLS_PORTS else "starttls"
    if port is None:
        if security == "auto":
            raise SettingsError(
                f"{prefix}port is missing; write the port whose mode is to be found out, such as port: 465.",
                f"{prefix}port",
            )
        port = _DEFAULT_PORTS[security]
    return security, port


def _credentials(given: Mapping[str, t.Any], prefix: str, needed: bool) -> tuple[str | None, str | None]:
    for option in ("username", "password"):
        if isinstance(given.get(option), (bool, float, list, tuple, Mapping)):
            raise SettingsError(
                f"{prefix}{option} is not a text in YAML, so what was meant cannot be told; write it in quotes.",
                f"{prefix}{option}",
            )
    username = None if "username" not in given else str(given["username"])
    password = None if "password" not in given else str(given["password"])
    if password is not None and password.startswith("$ANSIBLE_VAULT;"):
        raise SettingsError(
            f"{prefix}password is a vault's encrypted text and not the password; write it with !vault, or as a variable from a vault file.",
            f"{prefix}password",
        )
    if password is not None and username is None:
        raise SettingsError(
            f"{prefix}password is given without a username; write {prefix}username as well, or leave out the password.",
            f"{prefix}username",
        )
    if needed and username is not None and password is None:
        raise SettingsError(
            f"{prefix}username is given without a password; write {prefix}password as well, or leave out the username.",
            f"{prefix}password",
        )
    for option, value in (("username", username), ("password", password)):
        if value is not None and "\0" in value:
            raise SettingsError(
                f"{prefix}{option} has a NUL byte in it, which SMTP cannot carry; write it without.",
                f"{prefix}{option}",
            )
    return username, password


def _source(given: Mapping[str, t.Any], prefix: str, host: str) -> tuple[str | None, str]:
    ip_version = str(given.get("ip_version", Settings.ip_version)).strip()
    if ip_version not in ("any", "4", "6"):
        raise SettingsError(f"{prefix}ip_version is {show(ip_version)}; write any, 4 or 6.", f"{prefix}ip_version")
    of_host = _version_of(host)
    source = given.get("source_address")
    if of_host and ip_version not in ("any", of_host):
        raise SettingsError(
            f"{prefix}host {host} is an IPv{of_host} address, but ip_version is {ip_version}; write ip_version: any, or host as a name.",
            f"{prefix}ip_version",
        )
    if source is None:
        return None, ip_version
    try:
        version = str(ipaddress.ip_address(str(source)).version)
    except ValueError:
        raise SettingsError(
            f"{prefix}source_address is {show(source)}, which is not an IP address; write an address of the managed host, such as 192.0.2.10.",
            f"{prefix}source_address",
        ) from None
    if ip_version not in ("any", version):
        raise SettingsError(
            f'{prefix}source_address {source} is IPv{version}, but ip_version is {ip_version}; write ip_version: "{version}" or another address.',
            f"{prefix}source_address",
        )
    if of_host and of_host != version:
        raise SettingsError(
            f"{prefix}source_address {source} is IPv{version}, but host {host} is IPv{of_host}; write a source_address of IPv{of_host}, or leave it out.",
            f"{prefix}source_address",
        )
    return str(source), version


def _version_of(host: str) -> str:
    """4 or 6 for an address; empty for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]).version)
    except ValueError:
        return ""


def _host(value: object, option: str) -> str:
    if value is None:
        raise SettingsError(f"{option} is empty; write the relay's name, such as {option}: smtp.example.com.", option)
    if isinstance(value, (list, tuple, Mapping)):
        raise SettingsError(
            f"{option} is {show(value)}, which is not a host name; write one name, such as {option}: smtp.example.com.",
            option,
        )
    host = str(value).strip()
    if not host:
        raise SettingsError(f"{option} is empty; write the relay's name, such as {option}: smtp.example.com.", option)
    if "://" in host:
        raise _url_in_place_of(host, option)
    try:
        ipaddress.ip_address(host.partition("%")[0])
        return host
    except ValueError:
        pass
    bracketed = _BRACKETED.fullmatch(host)
    if bracketed:
        what, and_port = ("brackets and a port", f" and port: {bracketed[2]}") if bracketed[2] else ("brackets", "")
        raise SettingsError(f'{option} has {what} in it; write {option}: "{bracketed[1]}"{and_port}.', option)
    name, colon, port = host.partition(":")
    if colon:
        raise SettingsError(
            f"{option} has a port in it; write {option}: {name or 'smtp.example.com'} and port: {port if port.isdigit() else 587}.",
            option,
        )
    if "@" in host or "/" in host or _NOT_IN_NAMES.search(host):
        raise SettingsError(
            f"{option} is {show(host)}, which is not a host name; write the relay's name only, such as {option}: smtp.example.com.",
            option,
        )
    try:
        labels = _ascii_host(host).rstrip(".").split(".")
    except UnicodeError:
        labels = [""]
    if not all(_HOST_LABEL.match(label) for label in labels):
        raise SettingsError(
            f"{option} is {show(host)}, which is not a host name; write the relay's name, such as {option}: smtp.example.com.",
            option,
        )
    if _NUMBERS_AND_DOTS.fullmatch(host):
        raise SettingsError(
            f"{option} is {show(host)}, which is not a complete IP address; write four numbers, such as 192.0.2.25, or a name.",
            option,
        )
    return host


def _url_in_place_of(host: str, option: str) -> SettingsError:
    """What to write in place of a URL: the name alone, and the port that stands in it. A login in it is not repeated."""
    authority = host.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
    found = _URL_AUTHORITY.fullmatch(authority)
    bare, port = (found.group(1) or found.group(2), found.group(3)) if found else ("", None)
    name = f'"{bare}"' if ":" in bare else bare or "smtp.example.com"
    and_port = f" and {option.removesuffix('host').removesuffix('server_name')}port: {port}" if port else ""
    return SettingsError(f"{option} has a scheme in it; write only the name: {option}: {name}{and_port}.", option)


def _ascii_host(host: str) -> str:
    """A-labels of an internationalised name (RFC 5890); raises UnicodeError when it has none."""
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _text(given: Mapping[str, t.Any], option: str, prefix: str) -> str | None:
    if option not in given:
        return None
    if isinstance(given[option], (list, tuple, Mapping)):
        raise SettingsError(
            f"{prefix}{option} is {show(given[option])}, which is not a text; write one value.", f"{prefix}{option}"
        )
    text = str(given[option]).strip(" ")
    if option == "ca_path" and "-----BEGIN" in text:
        raise SettingsError(
            f"{prefix}ca_path holds the certificate itself; put it into a file on the managed host, and write that file's path.",
            f"{prefix}ca_path",
        )
    if _CONTROL.search(text):
        raise SettingsError(
            f"{prefix}{option} has a line break or control character in it; write it on one line.", f"{prefix}{option}"
        )
    return text


def _hint(text: str, choices: tuple[str, ...], port: str) -> str:
    """What was probably meant. ``tls`` is another mode in each program, so there the port decides, where it has a convention."""
    if text.lower() == "tls" and port not in map(str, (*CLEARTEXT_FIRST_PORTS, *IMPLICIT_TLS_PORTS)):
        return " (implicit_tls where TLS is spoken from the first byte, as on 465; starttls where STARTTLS begins it, as on 587)"
    aliases = {
        "tls": "starttls" if port in map(str, CLEARTEXT_FIRST_PORTS) else "implicit_tls",
        "required": "starttls",
        "tls/ssl": "implicit_tls",
        "ssl": "implicit_tls",
        "smtps": "implicit_tls",
        "ssl/tls": "implicit_tls",
        "none": "cleartext",
        "plain": "cleartext",
    }
    lowered = text.lower().replace("-", "_")
    near = aliases.get(lowered) or next(iter(difflib.get_close_matches(lowered, choices, 1)), None)
    return f" ({near} is probably what you mean)" if near else ""

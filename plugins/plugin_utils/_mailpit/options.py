# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
One choice of security and authentication, turned into Mailpit's environment or refused in a sentence.

The choice becomes flags, and these are returned only if the model says that they do what the choice is called.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.listeners import listeners
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.environment import KNOWN, SECRETS, additions
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import (
    AUTHS,
    SECURITIES,
    Effect,
    Flags,
    MailpitRefusal,
    effect_of,
)

__all__ = ["CERTIFICATES", "Choice", "Plan", "plan"]

# 'mailpit' is its own `sans:` pair, made anew at every start.
CERTIFICATES = ("none", "files", "own_ca", "self_signed", "mailpit")

# Mailpit's first releases with `sans:`; with MP_SMTP_FORWARD_CONFIG, MP_ENABLE_CHAOS and MP_CHAOS_TRIGGERS; with all else that plan() writes
# (MP_DATABASE is the last of it, MP_SMTP_REQUIRE_TLS and MP_SMTP_REQUIRE_STARTTLS are of 1.15.0).
_SANS_SINCE = (1, 27, 2)
_FORWARD_AND_CHAOS_SINCE = (1, 22, 0)
# The first whose POP3 takes what follows PASS as a whole (RFC 1939, section 7); it goes on to drop the blanks at its end.
_BLANKS_SINCE = (1, 31, 0)
_SINCE = (1, 16, 0)


# What options of the role write only when they are set.
_OPTIONAL = (
    "MP_MAX_AGE", "MP_MAX_MESSAGE_SIZE", "MP_SMTP_ALLOWED_RECIPIENTS", "MP_TAGS_CONFIG", "MP_POP3_BIND_ADDR", "MP_POP3_AUTH_FILE", "MP_POP3_TLS_CERT",
    "MP_POP3_TLS_KEY", "MP_SEND_API_AUTH_FILE",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the role was asked for. Paths are those on the Mailpit host."""

    security: str = "starttls"
    auth: str = "none"
    certificate: str = ""
    allow_cleartext_auth: bool = False
    has_users: bool = False
    cert_file: str = ""
    key_file: str = ""
    auth_file: str = ""
    names: tuple[str, ...] = ()
    smtp_address: str = ""
    smtp_port: t.Any = 1025
    ui_address: str = "127.0.0.1"
    ui_port: t.Any = 8025
    ui_tls: bool = False
    ui_auth_file: str = ""
    has_ui_users: bool = False
    ui_webroot: str = "/"
    database: str = ""
    max_messages: t.Any = 500
    log_level: str = "normal"
    reverse_dns: bool = False
    relay_config: str = ""
    forward_config: str = ""
    chaos: bool = False
    chaos_triggers: str = ""
    max_age: str = ""
    max_message_size: t.Any = ""
    allowed_recipients: str = ""
    tags_config: str = ""
    pop3_address: str = "127.0.0.1"
    pop3_port: t.Any = 0
    # Names of users whose password holds a blank, and of those where it ends with one.
    with_blank: tuple[str, ...] = ()
    ending_in_blank: tuple[str, ...] = ()
    send_api_auth_file: str = ""
    has_send_api_users: bool = False
    # Whether the unit's sandbox lets Mailpit write below the folder of ``database`` only.
    sandboxed: bool = False
    # Whether Mailpit runs in a container, whose environment more people and programs see than that of a service.
    contained: bool = False
    version: str = ""
    extra: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """
    ``environment`` is what Mailpit is started with; ``certificate`` is never empty; ``verifiable`` false means no client can check it.

    ``optional`` are the variables that not every version of Mailpit reads: the version that is installed must know them. ``listen`` is where it will
    listen, by the option (smtp, ui, pop3) or the variable of mailpit_environment that says so.
    """

    environment: dict[str, str]
    optional: tuple[str, ...]
    certificate: str
    effect: Effect
    verifiable: bool
    warnings: tuple[str, ...]
    listen: dict[str, tuple[str, int]]


def plan(choice: Choice) -> Plan:
    """Mailpit's environment for this choice. Raises MailpitRefusal with one sentence that names the option and what to write instead."""
    _one_of("mailpit_security", choice.security, SECURITIES)
    _one_of("mailpit_auth", choice.auth, AUTHS)
    _one_of("mailpit_log_level", choice.log_level, ("normal", "quiet", "verbose"))
    certificate = choice.certificate or ("none" if choice.security == "cleartext" else "own_ca")
    _one_of("mailpit_certificate", certificate, CERTIFICATES)
    _refuse_contradictions(choice, certificate)

    with_cert = certificate != "none"
    flags = Flags(
        cert=with_cert,
        key=with_cert,
        require_tls=choice.security == "implicit_tls",
        require_starttls=choice.security == "starttls",
        auth_file=choice.auth == "users",
        # Where passwords may travel in cleartext Mailpit is told so in any case: without it a password file would force STARTTLS.
        allow_insecure=choice.security in ("opportunistic", "cleartext") and choice.auth != "none",
        accept_any=choice.auth == "accept_any",
    )
    effect = effect_of(flags)
    if (effect.security, effect.auth) != (choice.security, choice.auth):
        # Not reachable as long as the rules above and the model agree: better no Mailpit than one that is not what it is called.
        raise MailpitRefusal(
            f"mailpit_security: {choice.security} with mailpit_auth: {choice.auth} would give {effect.security} with {effect.auth}: choose another pair"
        )
    environment = _environment(choice, certificate, flags)
    optional = tuple(name for name in environment if name in choice.extra or name in _OPTIONAL)
    return Plan(
        environment,
        optional,
        certificate,
        effect,
        certificate != "mailpit",
        tuple(_warnings(choice, certificate, effect)),
        _listen(choice, environment),
    )


def _listen(choice: Choice, environment: t.Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Where Mailpit will listen. Raises MailpitRefusal where two of it would be at one port, or one would not be opened."""
    if "MP_POP3_BIND_ADDR" in choice.extra and not {"MP_POP3_AUTH", "MP_POP3_AUTH_FILE"} & set(choice.extra):
        raise MailpitRefusal(
            "mailpit_environment holds MP_POP3_BIND_ADDR, which opens nothing without accounts: set mailpit_pop3_port (and mailpit_pop3_address) instead"
        )
    of_options = {"MP_SMTP_BIND_ADDR": "smtp", "MP_UI_BIND_ADDR": "ui"}
    if str(choice.pop3_port) != "0":
        of_options["MP_POP3_BIND_ADDR"] = "pop3"
    found: dict[str, tuple[str, int]] = {}
    for variable, place in listeners(environment).items():
        for other, (_address, port) in found.items():
            if port == place[1]:
                other = f"mailpit_{other}_port" if other.islower() else other
                raise MailpitRefusal(
                    f"{variable} in mailpit_environment has the port {port}, and so has {other}: give each its own port"
                )
        found[of_options.get(variable, variable)] = place
    return found


def _refuse_contradictions(choice: Choice, certificate: str) -> None:
    """What Mailpit would accept without doing it, or refuse in words of its own."""
    if choice.security == "cleartext" and certificate != "none":
        raise MailpitRefusal(
            f"with mailpit_certificate: {certificate} Mailpit offers STARTTLS, which mailpit_security: cleartext says it does not: "
            "set mailpit_certificate to none, or mailpit_security to opportunistic"
        )
    if choice.security != "cleartext" and certificate == "none":
        raise MailpitRefusal(
            f"mailpit_security: {choice.security} needs a certificate: set mailpit_certificate to own_ca, self_signed, files or mailpit, "
            "or mailpit_security to cleartext"
        )
    if choice.auth == "users" and not choice.has_users:
        raise MailpitRefusal(
            "mailpit_auth: users needs at least one entry in mailpit_users: with an empty password file Mailpit lets everybody in"
        )
    if choice.auth != "users" and choice.has_users:
        raise MailpitRefusal(
            f"mailpit_users is set, but mailpit_auth: {choice.auth} ignores it: set mailpit_auth to users, or empty mailpit_users"
        )
    if choice.auth == "users" and not choice.auth_file:
        raise MailpitRefusal("mailpit_auth: users needs a path for the password file: set mailpit_config_dir")
    if choice.security == "opportunistic" and choice.auth != "none" and not choice.allow_cleartext_auth:
        raise MailpitRefusal(
            f"mailpit_security: opportunistic with mailpit_auth: {choice.auth} accepts passwords outside TLS: "
            "set mailpit_security to starttls, or mailpit_auth_allow_cleartext to true"
        )
    if choice.allow_cleartext_auth and choice.security in ("implicit_tls", "starttls"):
        raise MailpitRefusal(
            f"mailpit_auth_allow_cleartext contradicts mailpit_security: {choice.security}: set it to false, or mailpit_security to opportunistic"
        )
    _refuse_pair(choice, certificate)
    if choice.log_level == "verbose" and choice.auth != "none":
        raise MailpitRefusal(
            "mailpit_log_level: verbose writes every line that a client sends into the log, passwords included: set it to normal, or mailpit_auth to none"
        )
    if choice.chaos_triggers and not choice.chaos:
        raise MailpitRefusal(
            "mailpit_chaos_triggers switches chaos on by itself: set mailpit_chaos to true as well, or empty mailpit_chaos_triggers"
        )
    if choice.chaos_triggers:
        _refuse_triggers(choice.chaos_triggers)
    if re.search(r"[^0-9a-zA-Z/\-_.@]", choice.ui_webroot):
        raise MailpitRefusal(
            f"mailpit_ui_webroot is {choice.ui_webroot!r}: write a path of letters, digits, '/', '-', '_', '.' and '@', such as /mailpit/"
        )
    _refuse_version(choice)


def _refuse_pair(choice: Choice, certificate: str) -> None:
    """A certificate that lacks its key, its names or its use."""
    if certificate == "files" and not (choice.cert_file and choice.key_file):
        missing = "mailpit_certificate_file" if not choice.cert_file else "mailpit_certificate_key_file"
        raise MailpitRefusal(f"mailpit_certificate: files needs a certificate and its key: set {missing}")
    if certificate not in ("none", "files") and not choice.names:
        raise MailpitRefusal(
            f"mailpit_certificate: {certificate} needs the names that clients use: set mailpit_server_names"
        )
    for name in choice.names:
        if not re.fullmatch(r"(\*\.)?[\w.-]+|[0-9A-Fa-f:]+", name):
            raise MailpitRefusal(
                f"mailpit_server_names holds {name!r}: write a name or an address alone, without scheme, port or blanks"
            )
    if certificate == "mailpit":
        _refuse_sans(choice)
    if choice.ui_tls and certificate == "none":
        raise MailpitRefusal(
            "mailpit_ui_tls needs a certificate: set mailpit_ui_tls to false, or a mailpit_security other than cleartext"
        )


def _refuse_version(choice: Choice) -> None:
    """Versions that do not know what is asked for."""
    version = _version(choice.version)
    if version and version < _SINCE:
        raise MailpitRefusal(
            f"Mailpit {choice.version} does not know all settings that the role writes: set mailpit_version to 1.16.0 or newer"
        )
    for option, chosen in (("mailpit_forward_config", choice.forward_config), ("mailpit_chaos", choice.chaos)):
        if version and version < _FORWARD_AND_CHAOS_SINCE and chosen:
            raise MailpitRefusal(
                f"Mailpit {choice.version} does not know {option}: set mailpit_version to 1.22.0 or newer, or take {option} out"
            )


def _refuse_sans(choice: Choice) -> None:
    """Mailpit's own pair holds DNS names only, and only newer versions make one."""
    version = _version(choice.version)
    if version and version < _SANS_SINCE:
        raise MailpitRefusal(
            f"mailpit_certificate: mailpit needs Mailpit 1.27.2 or newer, and mailpit_version is {choice.version}: set mailpit_certificate to own_ca"
        )
    for name in choice.names:
        if re.search(r"[\s,]", name) or ":" in name or re.fullmatch(r"[0-9.]+", name):
            raise MailpitRefusal(
                f"mailpit_server_names holds {name!r}, and Mailpit's own certificates hold DNS names only: "
                "take the address out, or set mailpit_certificate to own_ca"
            )


def _refuse_triggers(triggers: str) -> None:
    for trigger in triggers.split(","):
        match = re.fullmatch(r"(Sender|Recipient|Authentication):(\d{3}):(\d{1,3})", trigger.strip(), re.IGNORECASE)
        if not match or not 400 <= int(match[2]) <= 599 or int(match[3]) > 100:
            raise MailpitRefusal(
                f"mailpit_chaos_triggers holds {trigger.strip()!r}: write Sender, Recipient or Authentication, a code of 400 to 599 and "
                "a percentage, such as Recipient:451:20"
            )


def _environment(choice: Choice, certificate: str, flags: Flags) -> dict[str, str]:
    smtp_port = _port("mailpit_smtp_port", choice.smtp_port)
    ui_port = _port("mailpit_ui_port", choice.ui_port)
    if smtp_port == ui_port:
        raise MailpitRefusal(f"mailpit_smtp_port and mailpit_ui_port are both {smtp_port}: give each its own port")
    if certificate == "mailpit":
        cert = key = "sans:" + ",".join(choice.names)
    else:
        cert, key = choice.cert_file, choice.key_file
    # Only 1, true and yes are true for Mailpit: 'on' would silently be false, so there is one spelling.
    values: dict[str, str | bool | None] = {
        "MP_SMTP_BIND_ADDR": _bind("mailpit_smtp_address", choice.smtp_address, smtp_port),
        "MP_UI_BIND_ADDR": _bind("mailpit_ui_address", choice.ui_address, ui_port),
        "MP_DISABLE_VERSION_CHECK": True,
        "MP_DATABASE": choice.database,
        "MP_MAX_MESSAGES": str(_number("mailpit_max_messages", choice.max_messages, 0, 100_000_000)),
        "MP_SMTP_DISABLE_RDNS": not choice.reverse_dns,
        "MP_SMTP_TLS_CERT": cert if flags.cert else None,
        "MP_SMTP_TLS_KEY": key if flags.key else None,
        "MP_SMTP_REQUIRE_TLS": flags.require_tls,
        "MP_SMTP_REQUIRE_STARTTLS": flags.require_starttls,
        "MP_SMTP_AUTH_FILE": choice.auth_file if flags.auth_file else None,
        "MP_SMTP_AUTH_ACCEPT_ANY": flags.accept_any,
        "MP_SMTP_AUTH_ALLOW_INSECURE": flags.allow_insecure,
        "MP_UI_AUTH_FILE": choice.ui_auth_file if choice.has_ui_users else None,
        "MP_UI_TLS_CERT": cert if choice.ui_tls else None,
        "MP_UI_TLS_KEY": key if choice.ui_tls else None,
        "MP_WEBROOT": choice.ui_webroot if choice.ui_webroot.strip("/") else None,
        "MP_VERBOSE": choice.log_level == "verbose",
        "MP_QUIET": choice.log_level == "quiet",
        "MP_SMTP_RELAY_CONFIG": choice.relay_config,
        "MP_SMTP_FORWARD_CONFIG": choice.forward_config,
        "MP_ENABLE_CHAOS": choice.chaos,
        "MP_CHAOS_TRIGGERS": choice.chaos_triggers,
        **_further(choice, cert, key, flags.cert),
    }
    environment = {name: "true" if value is True else value for name, value in values.items() if value}
    more = additions(choice.extra)
    for name in more:
        if name in environment:
            raise MailpitRefusal(
                f"mailpit_environment holds {name}, and an option of the role sets it too: take one of them out"
            )
    _refuse_in_place(choice, more)
    environment.update(more)
    for name, value in environment.items():
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise MailpitRefusal(
                f"{_PATHS.get(name, name)} holds a line break or another control character, which an environment file cannot hold: write it on one line"
            )
    return dict(sorted(environment.items()))  # type: ignore[arg-type]


# Which options the role makes a path from, where it is not in mailpit_environment.
_PATHS = {
    "MP_DATABASE": "mailpit_data_dir, or the mailpit_service_name that it is made from,",
    **dict.fromkeys(
        ("MP_SMTP_AUTH_FILE", "MP_UI_AUTH_FILE", "MP_SMTP_RELAY_CONFIG", "MP_SMTP_FORWARD_CONFIG"),
        "mailpit_config_dir, or the mailpit_service_name that it is made from,",
    ),
}


def _refuse_in_place(choice: Choice, more: t.Mapping[str, str]) -> None:
    """What is right for Mailpit, and not where this one runs."""
    for name in SECRETS if choice.contained else ():
        if name in more:
            raise MailpitRefusal(
                f"mailpit_environment holds {name}, a secret that everybody could read who may inspect the container: {SECRETS[name]}"
            )
    for name, value in more.items() if choice.contained else ():
        if re.search(r"://[^/\s]*@", value):
            raise MailpitRefusal(
                f"mailpit_environment holds {name}, with a login in it that everybody could read who may inspect the container: write it without"
            )
    log = more.get("MP_LOG_FILE", "")
    folder = os.path.dirname(choice.database)
    place = "the container" if choice.contained else "the unit's sandbox"
    if log and choice.sandboxed and not os.path.normpath(log).startswith(folder + "/"):
        raise MailpitRefusal(
            f"MP_LOG_FILE in mailpit_environment is {log}, where {place} lets Mailpit write nothing: write {folder}/mailpit.log"
        )


def _further(choice: Choice, cert: str, key: str, with_cert: bool) -> dict[str, str | bool | None]:
    """What the options set that are empty by default."""
    if choice.max_age and not re.fullmatch(r"[1-9][0-9]*[hd]", str(choice.max_age)):
        raise MailpitRefusal(f"mailpit_max_age is {choice.max_age!r}: write hours or days, such as 12h or 3d")
    size = (
        ""
        if choice.max_message_size in ("", None)
        else str(_number("mailpit_max_message_size", choice.max_message_size, 0, 1_000_000))
    )
    pop3 = _number("mailpit_pop3_port", choice.pop3_port, 0, 65535)
    if pop3 and choice.auth != "users":
        raise MailpitRefusal(
            "mailpit_pop3_port needs the accounts of mailpit_users, which POP3 clients log in with: set mailpit_auth to users, or the port to 0"
        )
    if pop3 and pop3 in (_port("mailpit_smtp_port", choice.smtp_port), _port("mailpit_ui_port", choice.ui_port)):
        raise MailpitRefusal(
            f"mailpit_pop3_port is {pop3}, which is the port of SMTP or of the web interface: give it one of its own"
        )
    return {
        "MP_MAX_AGE": choice.max_age,
        "MP_MAX_MESSAGE_SIZE": size,
        **{
            name: value
            for name, value in additions(
                {"MP_SMTP_ALLOWED_RECIPIENTS": choice.allowed_recipients}, "mailpit_allowed_recipients"
            ).items()
            if value
        },
        "MP_TAGS_CONFIG": choice.tags_config,
        "MP_POP3_BIND_ADDR": _bind("mailpit_pop3_address", choice.pop3_address, pop3) if pop3 else None,
        "MP_POP3_AUTH_FILE": choice.auth_file if pop3 else None,
        "MP_POP3_TLS_CERT": cert if pop3 and with_cert else None,
        "MP_POP3_TLS_KEY": key if pop3 and with_cert else None,
        "MP_SEND_API_AUTH_FILE": choice.send_api_auth_file if choice.has_send_api_users else None,
    }


def _warnings(choice: Choice, certificate: str, effect: Effect) -> t.Iterator[str]:
    if certificate == "mailpit":
        yield (
            "mailpit_certificate: mailpit makes a new self-signed certificate at every start, so that no client can verify it: "
            "apps need validate_certs: false; own_ca is as little work and can be verified"
        )
    for name in choice.extra:
        if str(name).startswith("MP_") and name not in KNOWN:
            yield f"mailpit_environment holds {name}, which no Mailpit up to 1.33.1 reads: look whether it is spelt as your version wants it"
    if str(choice.pop3_port) != "0":
        yield from _pop3_warnings(choice)
    if effect.cleartext_auth:
        yield f"mailpit_security: {effect.security} with mailpit_auth: {effect.auth} takes passwords outside TLS, as was asked for"
    local = choice.ui_address in ("127.0.0.1", "::1", "localhost")
    if not local and not choice.has_ui_users:
        yield "the web interface and its API are open to whoever reaches them: set mailpit_ui_users, or mailpit_ui_address to 127.0.0.1"
    if not local and choice.has_ui_users and not choice.ui_tls:
        yield "the password of the web interface travels in cleartext: set mailpit_ui_tls to true, or mailpit_ui_address to 127.0.0.1"


def _pop3_warnings(choice: Choice) -> t.Iterator[str]:
    if choice.security == "cleartext":
        yield "POP3 takes the accounts' passwords outside TLS, as SMTP does with mailpit_security: cleartext"
    version = _version(choice.version)
    old = bool(version and version < _BLANKS_SINCE)
    locked = choice.with_blank if old else choice.ending_in_blank
    if locked:
        why = (
            f"Mailpit {choice.version} takes no password with a blank there"
            if old
            else "Mailpit takes no password there that ends with a blank"
        )
        instead = "another password, or mailpit_version to 1.31.0 or newer" if old else "another password"
        yield f"POP3 will refuse {', '.join(locked)}, as {why} (SMTP does): set {instead}"


def _one_of(option: str, value: str, choices: t.Sequence[str]) -> None:
    if value not in choices:
        raise MailpitRefusal(f"{option} is {value!r}: write one of {', '.join(choices)}")


def _number(option: str, value: t.Any, low: int, high: int) -> int:
    # Templated values arrive as text. A bool is an int for Python, and not one for people.
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]+", text) or not low <= int(text) <= high:
        raise MailpitRefusal(f"{option} is {value!r}: write a number from {low} to {high}")
    return int(text)


def _port(option: str, value: t.Any) -> int:
    return _number(option, value, 1, 65535)


def _bind(option: str, address: str, port: int) -> str:
    """Mailpit's ``<ip>:<port>``; an IPv6 address stands in brackets there, and empty means every address."""
    address = (address or "[::]").strip()
    bare = address.strip("[]")
    if not re.fullmatch(r"[0-9A-Za-z.:%_-]+", bare):
        raise MailpitRefusal(f"{option} is {address!r}: write an address without a port, such as 127.0.0.1 or ::")
    if bare.count(":") == 1:
        raise MailpitRefusal(f"{option} is {address!r}: leave the port out, it has an option of its own")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def _version(text: str) -> tuple[int, ...] | None:
    """'v1.30.5' as numbers, None for what is not a release (a build of one's own)."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text.strip())
    return tuple(int(part) for part in match.groups()) if match else None

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailpit's environment: what a user may add to what the role decides, and the file that it is written to."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

__all__ = ["KNOWN", "SECRETS", "additions", "render_environment"]

# What a user may not set beside the role, and what to set instead.
_OWNED = {
    "MP_SMTP_TLS_CERT": "mailpit_certificate",
    "MP_SMTP_TLS_KEY": "mailpit_certificate",
    "MP_SMTP_REQUIRE_TLS": "mailpit_security: implicit_tls",
    "MP_SMTP_REQUIRE_STARTTLS": "mailpit_security: starttls",
    "MP_SMTP_AUTH_FILE": "mailpit_auth: users and mailpit_users",
    "MP_SMTP_AUTH": "mailpit_auth: users and mailpit_users (given inline, Mailpit accepts passwords outside TLS although it logs STARTTLS as required)",
    "MP_SMTP_AUTH_ACCEPT_ANY": "mailpit_auth: accept_any",
    "MP_SMTP_AUTH_ALLOW_INSECURE": "mailpit_security: cleartext, or mailpit_auth_allow_cleartext with opportunistic",
    "MP_SMTP_BIND_ADDR": "mailpit_smtp_address and mailpit_smtp_port",
    "MP_SMTP_DISABLE_RDNS": "mailpit_reverse_dns",
    "MP_SMTP_RELAY_CONFIG": "mailpit_relay_config",
    "MP_SMTP_FORWARD_CONFIG": "mailpit_forward_config",
    "MP_UI_BIND_ADDR": "mailpit_ui_address and mailpit_ui_port",
    "MP_UI_AUTH_FILE": "mailpit_ui_users",
    "MP_UI_AUTH": "mailpit_ui_users",
    "MP_UI_TLS_CERT": "mailpit_ui_tls",
    "MP_UI_TLS_KEY": "mailpit_ui_tls",
    "MP_WEBROOT": "mailpit_ui_webroot",
    "MP_DATABASE": "mailpit_data_dir",
    "MP_MAX_MESSAGES": "mailpit_max_messages",
    "MP_VERBOSE": "mailpit_log_level: verbose",
    "MP_QUIET": "mailpit_log_level: quiet",
    "MP_ENABLE_CHAOS": "mailpit_chaos",
    "MP_CHAOS_TRIGGERS": "mailpit_chaos_triggers",
    "MP_DISABLE_VERSION_CHECK": "nothing: the role installs the version, so Mailpit never looks for another",
}
# Old names that Mailpit reads wrongly or not at all.
_DEAD = {
    "MP_SMTP_SSL_CERT": "mailpit_certificate",
    "MP_SMTP_SSL_KEY": "mailpit_certificate",
    "MP_SMTP_TLS_REQUIRED": "mailpit_security: starttls",
    "MP_UI_SSL_CERT": "mailpit_ui_tls",
    "MP_UI_SSL_KEY": "mailpit_ui_tls",
    "MP_DATA_FILE": "mailpit_data_dir",
    "MP_STRICT_RFC_HEADERS": "MP_SMTP_STRICT_RFC_HEADERS",
    "MP_DISABLE_HTML_CHECK": "nothing: it has no effect any more",
}
# What holds a password, and where to put it instead.
SECRETS = {
    **dict.fromkeys(("MP_SMTP_RELAY_PASSWORD", "MP_SMTP_RELAY_SECRET"), "set mailpit_relay"),
    **dict.fromkeys(("MP_SMTP_FORWARD_PASSWORD", "MP_SMTP_FORWARD_SECRET"), "set mailpit_forward"),
    "MP_SEND_API_AUTH": "set mailpit_send_api_users",
    "MP_POP3_AUTH": "set mailpit_pop3_port, whose accounts are mailpit_users",
}
_BOOLEANS = frozenset(
    (
        "MP_ALLOW_INTERNAL_HTTP_REQUESTS", "MP_ALLOW_UNTRUSTED_TLS", "MP_BLOCK_REMOTE_CSS_AND_FONTS", "MP_DEMO_MODE", "MP_DISABLE_AUTO_VACUUM",
        "MP_DISABLE_HTTP_COMPRESSION", "MP_DISABLE_LINK_CHECK_RATE_LIMIT", "MP_DISABLE_WAL", "MP_HIDE_DELETE_ALL_BUTTON", "MP_IGNORE_DUPLICATE_IDS",
        "MP_SEND_API_AUTH_ACCEPT_ANY", "MP_SMTP_FORWARD_ALLOW_INSECURE", "MP_SMTP_FORWARD_FWD_SMTP_ERRORS", "MP_SMTP_FORWARD_STARTTLS",
        "MP_SMTP_FORWARD_TLS", "MP_SMTP_IGNORE_REJECTED_RECIPIENTS", "MP_SMTP_RELAY_ALL", "MP_SMTP_RELAY_ALLOW_INSECURE",
        "MP_SMTP_RELAY_FWD_SMTP_ERRORS", "MP_SMTP_RELAY_PRESERVE_MESSAGE_IDS", "MP_SMTP_RELAY_STARTTLS", "MP_SMTP_RELAY_TLS",
        "MP_SMTP_STRICT_RFC_HEADERS", "MP_TAGS_TITLE_CASE", "MP_TAGS_USERNAME", "MP_USE_MESSAGE_DATES",
    )
)  # fmt: skip
# Numbers that Mailpit reads with a function that takes everything else for 0, which often means "without limit": (lowest, highest, unit).
_NUMBERS = {
    "MP_COMPRESSION": (0, 3, "a level"),
    "MP_MAX_MESSAGE_SIZE": (0, 1_000_000, "megabytes, without a unit, and 0 for no limit"),
    "MP_SMTP_MAX_RECIPIENTS": (1, 1_000_000, "recipients"),
    "MP_WEBHOOK_LIMIT": (1, 1_000_000, "requests a second"),
    "MP_WEBHOOK_DELAY": (0, 86_400, "seconds"),
    "MP_SMTP_RELAY_PORT": (1, 65_535, "a port"),
    "MP_SMTP_FORWARD_PORT": (1, 65_535, "a port"),
}
# Texts in a form of their own: the form, and what to write.
_FORMS = {
    "MP_LOG_FILE": (r"/[^\x00]*[^/\x00]", "the whole path of a file"),
    "MP_TAGS_CONFIG": (r"/[^\x00]*[^/\x00]", "the whole path of a file"),
    "MP_SEND_API_AUTH_FILE": (r"/[^\x00]*[^/\x00]", "the whole path of a file"),
    "MP_POP3_AUTH_FILE": (r"/[^\x00]*[^/\x00]", "the whole path of a file"),
    "MP_POP3_BIND_ADDR": (
        r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]*):[0-9]{1,5}",
        "an address and a port, such as 127.0.0.1:1110",
    ),
    "MP_WEBHOOK_URL": (r"https?://\S+", "a URL, such as https://hook.example.com/"),
    "MP_ENABLE_PROMETHEUS": (r"true|false|\S*:[0-9]{1,5}", "true, or an address and a port"),
    "MP_ENABLE_RSPAMD": (r"https?://\S+|\S+:[0-9]{1,5}", "a host and a port, or a URL"),
    "MP_ENABLE_SPAMASSASSIN": (r"postmark|\S+:[0-9]{1,5}", "a host and a port, or postmark"),
    "MP_TENANT_ID": (r"[A-Za-z0-9_-]+", "letters, digits, _ and -"),
}
_REGULAR_EXPRESSIONS = (
    "MP_SMTP_ALLOWED_RECIPIENTS",
    "MP_SMTP_RELAY_MATCHING",
    "MP_SMTP_RELAY_ALLOWED_RECIPIENTS",
    "MP_SMTP_RELAY_BLOCKED_RECIPIENTS",
)
_TEXTS = frozenset(
    (
        "MP_ALLOWED_HOSTS", "MP_API_CORS", "MP_LABEL", "MP_MAX_AGE",
        "MP_POP3_AUTH", "MP_POP3_TLS_CERT", "MP_POP3_TLS_KEY", "MP_SEND_API_AUTH", "MP_SMTP_FORWARD_AUTH", "MP_SMTP_FORWARD_HOST",
        "MP_SMTP_FORWARD_OVERRIDE_FROM", "MP_SMTP_FORWARD_PASSWORD", "MP_SMTP_FORWARD_RETURN_PATH", "MP_SMTP_FORWARD_SECRET",
        "MP_SMTP_FORWARD_SUBJECT_PREFIX", "MP_SMTP_FORWARD_TO", "MP_SMTP_FORWARD_USERNAME", "MP_SMTP_RELAY_AUTH", "MP_SMTP_RELAY_HOST",
        "MP_SMTP_RELAY_OVERRIDE_FROM", "MP_SMTP_RELAY_PASSWORD", "MP_SMTP_RELAY_RETURN_PATH",
        "MP_SMTP_RELAY_SECRET", "MP_SMTP_RELAY_SUBJECT_PREFIX", "MP_SMTP_RELAY_USERNAME", "MP_TAG", "MP_TAGS_DISABLE",
    )
)  # fmt: skip
# All that Mailpit reads, up to 1.33.1. The program that is installed is asked whether it knows what is set.
KNOWN = frozenset((*_OWNED, *_DEAD, *_BOOLEANS, *_NUMBERS, *_FORMS, *_REGULAR_EXPRESSIONS, *_TEXTS))
# What Go itself reads: the CAs that Mailpit as a client trusts, and the time zone of its log.
_FOR_GO = ("SSL_CERT_FILE", "SSL_CERT_DIR", "TZ")
_YES = frozenset(("1", "true", "yes", "on", "y", "enabled"))
_NO = frozenset(("0", "false", "no", "off", "n", "disabled", ""))


def additions(extra: t.Mapping[str, t.Any], option: str = "") -> dict[str, str]:
    """
    What the user adds: nothing that the role decides, and booleans in the one spelling that Mailpit takes for true. ``option`` is the one of the role
    that a value is from, where it is not from mailpit_environment.
    """
    result = {}
    for name, value in extra.items():
        if not re.fullmatch(r"MP_[A-Z0-9_]+", str(name)) and name not in _FOR_GO:
            raise MailpitRefusal(
                f"mailpit_environment holds {name!r}: Mailpit reads only names such as MP_MAX_AGE, and {', '.join(_FOR_GO)}, so write one of those"
            )
        if name in _OWNED:
            raise MailpitRefusal(
                f"mailpit_environment must not hold {name}, which the role decides: set {_OWNED[name]}"
            )
        if name in _DEAD:
            raise MailpitRefusal(
                f"mailpit_environment holds {name}, which Mailpit no longer reads as it says: set {_DEAD[name]}"
            )
        if value is None:
            raise MailpitRefusal(f"{name} in mailpit_environment has no value: give it one, or take it out")
        if name in _BOOLEANS:
            word = str(value).strip().lower()
            if word not in _YES | _NO:
                raise MailpitRefusal(f"{name} in mailpit_environment is {value!r}: write true or false")
            if word in _YES:
                result[name] = "true"
        else:
            result[str(name)] = _checked(
                str(name), str(value).lower() if isinstance(value, bool) else str(value), option
            )
    return result


def _checked(name: str, value: str, option: str) -> str:
    """A value that Mailpit reads as it is meant. It takes many others without a word. Raises MailpitRefusal."""
    where = f"{option or name + ' in mailpit_environment'} is {value!r}"
    if name.startswith("MP_") and name not in KNOWN:
        # A part of a name would be found in the program.
        begun = [known for known in sorted(KNOWN) if known.startswith(name)]
        close = difflib.get_close_matches(name, KNOWN, 1, 0.9) or begun[:1]
        if close:
            raise MailpitRefusal(f"mailpit_environment holds {name}, which Mailpit does not read: write {close[0]}")
    if name in _NUMBERS:
        low, high, unit = _NUMBERS[name]
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise MailpitRefusal(f"{where}, which Mailpit would not take for a number: write {low} to {high} ({unit})")
    if name in _FORMS and not re.fullmatch(_FORMS[name][0], value):
        raise MailpitRefusal(f"{where}: write {_FORMS[name][1]}")
    # Go's classes are its own; Mailpit refuses what is wrong with them itself.
    if name in _REGULAR_EXPRESSIONS and not re.search(r"\\[pPzQEC]", value):
        try:
            re.compile(value)
        except re.error as error:
            raise MailpitRefusal(
                f"{where}, which is no regular expression ({error}): correct it, such as @example[.]com$"
            ) from None
    return value


def render_environment(environment: t.Mapping[str, str], style: str) -> str:
    """
    The text of an environment file: ``systemd`` (its EnvironmentFile, which a POSIX shell reads alike) or ``container``.

    Docker's and Podman's --env-file takes everything after the first '=' as it is; systemd takes quotes and backslashes away.
    """
    if style not in ("systemd", "container"):
        raise MailpitRefusal(f"the style of the environment file is {style!r}: write one of systemd, container")
    lines = ["# Written by Ansible (mailops.smtp.mailpit): changes made here are overwritten."]
    for name, value in environment.items():
        if style == "systemd" and not re.fullmatch(r"[A-Za-z0-9_./:@,+=%\[\]-]*", value):
            value = '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'
        lines.append(f"{name}={value}")
    return "\n".join(lines) + "\n"

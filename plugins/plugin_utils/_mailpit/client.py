# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Mailpit as a client: the file with the relay that it releases messages to, and the one with the relay that gets copies.

How the relay is reached is written as app_mail_config writes it; what Mailpit alone knows, such as ``to``, stands beside it.
"""

from __future__ import annotations

import re
import typing as t

import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.address import is_bare_address
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import MODEL_OPTIONS, parse_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

__all__ = ["ClientFile", "client_file"]

_HEADER = "# Written by Ansible (mailops.smtp.mailpit): changes made here are overwritten.\n"
# What Mailpit has beside the connection: option -> the variable that a version must know, else it would ignore the key.
_BOTH = {
    "return_path": "RETURN_PATH", "override_from": "OVERRIDE_FROM", "forward_smtp_errors": "FWD_SMTP_ERRORS", "subject_prefix": "SUBJECT_PREFIX",
}  # fmt: skip
_OWN = {
    "relay": {
        **_BOTH, "allowed_recipients": "ALLOWED_RECIPIENTS", "blocked_recipients": "BLOCKED_RECIPIENTS", "preserve_message_ids": "PRESERVE_MESSAGE_IDS",
    },
    "forward": {**_BOTH, "to": "TO"},
}  # fmt: skip
_CONNECTION = ("host", "port", "security", "secure", "username", "password", "auth_mechanism", "validate_certs")


class ClientFile(t.NamedTuple):
    """The text of the file, and the variables of Mailpit that stand for what is in it: a version without them ignores it."""

    text: str
    needs: list[str]


def client_file(kind: str, wanted: t.Any) -> ClientFile:
    """
    The file for ``kind`` (relay or forward). ``wanted`` holds the connection and what ``_OWN`` names; empty is no file.

    Raises MailpitRefusal with one sentence that names the option and holds no password.
    """
    option = f"mailpit_{kind}"
    if not wanted:
        return ClientFile("", [])
    if not isinstance(wanted, t.Mapping):
        raise MailpitRefusal(f"{option} must be a dictionary with host, port and security")
    known = (*_CONNECTION, *_OWN[kind])
    for name in wanted:
        if name not in known:
            hint = (
                "set SSL_CERT_FILE in mailpit_environment to it"
                if name == "ca_path"
                else f"write some of {', '.join(known)}"
            )
            raise MailpitRefusal(f"{option} holds {name}, which Mailpit does not have there: {hint}")
    own = {
        name.replace("_", "-"): _value(f"{option}.{name}", name, wanted[name])
        for name in _OWN[kind]
        if wanted.get(name) not in (None, "", [])
    }
    if kind == "forward" and "to" not in own:
        raise MailpitRefusal("mailpit_forward needs to, the addresses that copies go to")
    connection = {name: value for name, value in wanted.items() if name in MODEL_OPTIONS}
    if connection.get("username") and not connection.get("auth_mechanism"):
        # Mailpit learns no mechanism from the relay. This one works with every relay that has accounts.
        connection["auth_mechanism"] = "PLAIN"
    try:
        settings = parse_settings(connection, probed=False, needs_credentials=True, prefix=f"{option}.")
        before = (_HEADER + (yaml.safe_dump(own, sort_keys=True, allow_unicode=True) if own else "")).encode()
        done = plan_present(load_descriptor(f"mailpit_{kind}"), settings, connection, before, exact_security=True)
    except (SettingsError, AppError) as error:
        raise MailpitRefusal(f"{option} cannot be written: {str(error).rstrip('.')}") from None
    errors = [finding["message"] for finding in done.findings if finding["severity"] == "error"]
    if errors:
        raise MailpitRefusal(f"{option} cannot be written: {errors[0].rstrip('.')}")
    prefix = f"MP_SMTP_{kind.upper()}_"
    return ClientFile(
        done.content.decode(), [prefix + word for name, word in _OWN[kind].items() if name.replace("_", "-") in own]
    )


def _value(where: str, name: str, value: t.Any) -> str | bool:
    """A value as Mailpit reads it."""
    if name in ("preserve_message_ids", "forward_smtp_errors"):
        if not isinstance(value, bool) and str(value).lower() not in ("true", "false", "yes", "no"):
            raise MailpitRefusal(f"{where} is {value!r}: write true or false")
        return str(value).lower() in ("true", "yes")
    if name in ("allowed_recipients", "blocked_recipients"):
        return _expression(where, value)
    if name == "subject_prefix":
        if not isinstance(value, str) or not value.isprintable():
            raise MailpitRefusal(f"{where} is {value!r}: write a short text on one line, such as '[copy]'")
        return value
    addresses = [value] if isinstance(value, str) else value
    if not isinstance(addresses, list) or (name != "to" and len(addresses) != 1):
        raise MailpitRefusal(f"{where} must be an address{' or a list of addresses' if name == 'to' else ''}")
    parts = [part.strip() for address in addresses for part in str(address).split(",")]
    for part in parts:
        if not is_bare_address(part):
            raise MailpitRefusal(f"{where} holds {part!r}, which is no address: write one such as copies@example.com")
    return ",".join(parts)


def _expression(where: str, value: t.Any) -> str:
    """A regular expression: the one that was given, or one for a list of addresses and of domains (``@example.com``)."""
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise MailpitRefusal(
                f"{where} is {value!r}, which is no regular expression ({error}): correct it, or write a list of addresses and domains"
            ) from None
        return value
    if not isinstance(value, list):
        raise MailpitRefusal(f"{where} must be a list of addresses and domains (@example.com), or a regular expression")
    parts = []
    for entry in value:
        if not isinstance(entry, str) or not (is_bare_address(entry) or is_bare_address(f"x{entry}")):
            raise MailpitRefusal(
                f"{where} holds {entry!r}: write an address, such as tester@example.com, or all of a domain, such as @example.com"
            )
        # re.escape also escapes what Go does not want escaped.
        parts.append(("" if entry.startswith("@") else "^") + re.sub(r"([.+*?()|\[\]{}^$\\])", r"\\\1", entry) + "$")
    return "(?i)" + "|".join(parts)

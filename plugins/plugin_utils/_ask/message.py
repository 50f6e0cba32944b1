# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test message, and what a relay's reply to it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("compose", "queue_id")

# RFC 5322 section 3.6.8: printable ASCII without the colon.
_HEADER_NAME = re.compile("[!-9;-~]+")
# What the message has already, or must never get, and the option that sets it.
_OWN_HEADERS = {
    "from": "sender and sender_name", "to": "recipients", "cc": "recipients", "bcc": "recipients", "subject": "subject",
    **dict.fromkeys(("sender", "date", "message-id", "auto-submitted", "mime-version", "return-path", "received"), ""),
}  # fmt: skip
_OWN_PREFIXES = ("content-", "resent-", "arc-", "dkim-")
# 7bit: whatever the body holds is encoded in ASCII, so that no relay needs 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")
_LONGEST = 998
# RFC 2047 section 2: so an encoded word begins. Python's email decodes it, line breaks and all, and before 3.12.5 writes these as they are.
_ENCODED = "=?"
# What Python's email raises over texts that it cannot parse or fold: not only what it says that it does.
_ODD = (ValueError, HeaderParseError, LookupError, AttributeError, TypeError, NameError)

# How relays name a message that they took: Postfix and Mailpit, Exim, Haraka, Microsoft, OpenSMTPD and sendmail, then the rest.
_QUEUE_IDS = (
    r"queued as ([^\s<>;,]+)",
    r"\bid=(\S+)",
    r"Message Queued \(([^)]+)\)",
    r"<([^>\s]+)> \[",
    r"(?:^|\s)(\S+) Message accepted",
    r"(?i)^(?:\d\.\d\.\d )?Ok:? +(\S{6,})",
)


def compose(
    sender: str, sender_name: str | None, recipients: Sequence[str], subject: str, body: str, headers: Mapping[str, str]
) -> tuple[str, str]:
    """A message (RFC 5322) with CRLF line ends, and its Message-ID.

    Raises SettingsError, naming the option, for what no message can hold: nothing of it may become a header of its own.
    """
    for option, text in (("sender_name", sender_name or ""), ("subject", subject)):
        _on_one_line(option, text)
    _check_headers(headers)
    if re.search("[\ud800-\udfff]", body):
        raise SettingsError(
            "body holds half a character (a lone surrogate), which cannot be sent; write it anew.", "body"
        )
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(sender_name or "", sender)
    message["To"] = ", ".join(str(_address("", recipient, "recipients")) for recipient in recipients)
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = identifier = make_msgid(domain=sender.rpartition("@")[2])
    # RFC 3834: no vacation notice answers a test.
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        message[name] = _value(name, value)
    message.set_content(body)
    try:
        whole = message.as_bytes().decode("ascii")
    except _ODD:
        words = "subject, sender_name or headers hold what a header cannot; write plain text, without brackets and quotes that are not closed."
        raise SettingsError(words, "subject") from None
    return _sound(whole, message.keys()), identifier


def _value(name: str, value: str) -> str:
    """A value that Python's email can read: of some headers, such as Reply-To, it knows the grammar."""
    try:
        _POLICY.header_factory(name, value)
    except _ODD:
        shown = f"'{printable_text(name[:60])}'"
        words = f"headers, {shown}, has a value which such a header cannot have; write one that RFC 5322 allows, or leave it out."
        raise SettingsError(words, "headers") from None
    return value


def _sound(message: str, names: Sequence[str]) -> str:
    """The message, if its header holds these fields and nothing else: whatever a library makes of a text, no field slips in.

    RFC 5322 section 2.1.1: no line is longer than 998 characters.
    """
    lines = message.partition("\r\n\r\n")[0].split("\r\n")
    found = [line.partition(":")[0] for line in lines if line[:1] not in (" ", "\t")]
    if found != list(names) or any("\r" in line or "\n" in line for line in lines):
        raise SettingsError("subject, sender_name or headers would become another header; write plain text.", "headers")
    longest = next((line for line in lines if len(line) > _LONGEST), None)
    if longest is not None:
        words = f"the message's {longest.partition(':')[0][:60]} would be a line of more than {_LONGEST} characters; write less of it, or blanks in it."
        raise SettingsError(words, "headers")
    return message


def _address(name: str, text: str, option: str = "sender") -> Address:
    user, _at, domain = text.rpartition("@")
    try:
        if not text.isascii() or not text.isprintable() or _ENCODED in text:
            raise ValueError
        return Address(name, user, domain)
    except _ODD:
        words = f"{option} holds '{printable_text(text)}', which a message cannot name; write an address in ASCII, such as app@example.com."
        raise SettingsError(words, option) from None


def _check_headers(headers: Mapping[str, str]) -> None:
    """Names are those of RFC 5322 section 2.2, each once, and none that the message already has: no header slips in beside ours."""
    seen: set[str] = set()
    for name, value in headers.items():
        shown = f"'{printable_text(name[:60])}'"
        plain = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            advice = "write letters, digits and hyphens, such as X-Example: value"
            raise SettingsError(f"headers holds the name {shown}, which is not one of a header; {advice}.", "headers")
        if plain in _OWN_HEADERS or plain.startswith(_OWN_PREFIXES):
            raise SettingsError(f"headers holds {shown}, which is not set there; {_instead(plain)}.", "headers")
        if plain in seen:
            raise SettingsError(f"headers holds {shown} twice; write each header once.", "headers")
        seen.add(plain)
        _on_one_line(f"headers, {shown},", value, "headers")


def _instead(name: str) -> str:
    option = _OWN_HEADERS.get(name, "")
    return f"write {option} instead" if option else "leave it out: the message has the right one, or must not have one"


def _on_one_line(where: str, text: str, option: str = "") -> None:
    """Refuse what ends a line for a relay or for Python, other controls, and what cannot be encoded."""
    if re.search("[\ud800-\udfff]", text):
        raise SettingsError(
            f"{where} holds half a character (a lone surrogate), which cannot be sent; write it anew.", option or where
        )
    if re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise SettingsError(
            f"{where} has a line break or control character in it; write it on one line.", option or where
        )
    if _ENCODED in text:
        raise SettingsError(
            f"{where} has {_ENCODED} in it, with which an encoded word begins; write its text as it is to be read.",
            option or where,
        )


def queue_id(text: str) -> str | None:
    """The relay's own name for the message in its reply to DATA; null where it gives none that is known."""
    for pattern in _QUEUE_IDS:
        match = re.search(pattern, text)
        if match:
            return match.group(1).rstrip(".")
    return None

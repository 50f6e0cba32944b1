# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test message, and what a relay's reply to it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

__all__ = ("compose", "queue_id")

# How relays name a message that they took: Postfix and Mailpit, Exim, Haraka, Microsoft, OpenSMTPD and sendmail, then the rest.
_QUEUE_IDS = (
    r"queued as ([^\s<>;,]+)",
    r"\bid=(\S+)",
    r"Message Queued \(([^)]+)\)",
    r"<([^>\s]+)> \[",
    r"(?:^|\s)(\S+) Message accepted",
    r"(?i)^(?:\d\.\d\.\d )?Ok:? +(\S{6,})",
)


def compose(sender: str, sender_name: str | None, recipients: Sequence[str], subject: str, body: str, headers: dict[str, str]) -> tuple[str, str]:
    """A message (RFC 5322) with CRLF line ends, and its Message-ID. Raises ValueError for a header that cannot be."""
    # 7bit: whatever the body holds is encoded in ASCII, so that no relay needs 8BITMIME.
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    user, _at, domain = sender.rpartition("@")
    message["From"] = Address(sender_name or "", user, domain)
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = identifier = make_msgid(domain=domain)
    # RFC 3834: no vacation notice answers a test.
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        message[name] = value
    message.set_content(body)
    return message.as_bytes().decode("ascii"), identifier


def queue_id(text: str) -> str | None:
    """The relay's own name for the message in its reply to DATA; null where it gives none that is known."""
    for pattern in _QUEUE_IDS:
        match = re.search(pattern, text)
        if match:
            return match.group(1).rstrip(".")
    return None

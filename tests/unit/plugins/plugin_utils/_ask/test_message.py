# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test message as it travels, and the names that relays give it."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.message import compose, queue_id


def parsed(text: str) -> email.message.EmailMessage:
    return email.message_from_bytes(text.encode(), policy=email.policy.SMTP)  # type: ignore[return-value]


def test_headers() -> None:
    text, identifier = compose("app@example.com", "Pangolin, the app", ["a@example.org", "b@example.org"], "Grüße", "Zeile ü\n.dot\n", {"X-Run": "7"})
    message = parsed(text)
    assert str(message["From"]) == '"Pangolin, the app" <app@example.com>'
    assert str(message["To"]) == "a@example.org, b@example.org"
    assert str(message["Subject"]) == "Grüße"
    assert message["Message-ID"] == identifier
    assert identifier.endswith("@example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Run"] == "7"
    assert "Date" in message
    assert message.get_content().replace("\r\n", "\n") == "Zeile ü\n.dot\n"


def test_two_messages_have_two_names() -> None:
    assert compose("a@b.test", None, ["c@d.test"], "x", "y", {})[1] != compose("a@b.test", None, ["c@d.test"], "x", "y", {})[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\r\nBcc: evil@example.com"},
        {"headers": {"X-A": "a\nX-B: b"}},
        {"headers": {"From": "other@example.com"}},
        {"headers": {"Subject": "second"}},
    ],
)
def test_what_cannot_be_composed(changes: dict[str, object]) -> None:
    arguments: dict[str, object] = {
        "sender": "a@b.test",
        "sender_name": None,
        "recipients": ["c@d.test"],
        "subject": "x",
        "body": "y",
        "headers": {},
        **changes,
    }
    with pytest.raises(ValueError):
        compose(**arguments)  # type: ignore[arg-type]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=300), st.text(st.characters(blacklist_categories=("Cs",)), max_size=2000))
def test_lines_are_what_smtp_carries(subject: str, body: str) -> None:
    """RFC 5322 section 2.1.1: CRLF, at most 998 octets a line, and ASCII: no relay needs 8BITMIME for it."""
    text, _identifier = compose("app@example.com", None, ["a@example.org"], subject, body, {})
    assert text.isascii()
    assert "\n" not in text.replace("\r\n", "") and "\r" not in text.replace("\r\n", "")
    assert all(len(line) <= 998 for line in text.split("\r\n"))
    assert text.count("\r\n\r\n") >= 1


@pytest.mark.parametrize(
    "reply, name",
    [
        ("2.0.0 Ok: queued as 4XyZ1234", "4XyZ1234"),  # Postfix
        ("2.0.0 Ok: queued as 9yKxQhWTf2MhHzVfyE3wHY", "9yKxQhWTf2MhHzVfyE3wHY"),  # Mailpit
        ("OK id=1rABcD-000123-2x", "1rABcD-000123-2x"),  # Exim
        ("2.0.0 4AbCdEf Message accepted for delivery", "4AbCdEf"),  # OpenSMTPD, sendmail
        ("2.6.0 <abc@example.com> [InternalId=1, Hostname=x] 1 bytes Queued mail for delivery", "abc@example.com"),  # Microsoft
        ("Message Queued (1A2B-3C.1)", "1A2B-3C.1"),  # Haraka
        ("Ok 0100018c-abcdef-000000", "0100018c-abcdef-000000"),  # Amazon SES
        ("2.0.0 OK", None),
        ("Ok", None),
        ("", None),
        ("thanks", None),
    ],
)
def test_queue_id(reply: str, name: str | None) -> None:
    assert queue_id(reply) == name


@given(st.text(max_size=300))
def test_queue_id_of_anything(reply: str) -> None:
    found = queue_id(reply)
    assert found is None or found.rstrip(".") == found

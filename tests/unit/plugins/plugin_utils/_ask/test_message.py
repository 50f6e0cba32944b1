# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test message as it travels, and the names that relays give it."""

from __future__ import annotations

import email
import email.policy
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.message import compose, queue_id
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError
from hypothesis import given
from hypothesis import strategies as st


def parsed(text: str) -> email.message.EmailMessage:
    return email.message_from_bytes(text.encode(), policy=email.policy.SMTP)  # type: ignore[return-value]


def test_headers() -> None:
    text, identifier = compose(
        "app@example.com",
        "Pangolin, the app",
        ["a@example.org", "b@example.org"],
        "Grüße",
        "Zeile ü\n.dot\n",
        {"X-Run": "7"},
    )
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
    assert (
        compose("a@b.test", None, ["c@d.test"], "x", "y", {})[1]
        != compose("a@b.test", None, ["c@d.test"], "x", "y", {})[1]
    )


LINE_ENDS = ("\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")
GIVEN: dict[str, t.Any] = {
    "sender": "a@b.test", "sender_name": None, "recipients": ["c@d.test"], "subject": "x", "body": "y", "headers": {},
}  # fmt: skip


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
@pytest.mark.parametrize("option", ["subject", "sender_name", "value", "name", "sender", "recipients"])
def test_no_line_end_passes(option: str, end: str) -> None:
    text = f"a{end}Bcc: evil@example.com"
    changes: dict[str, t.Any] = {
        "value": {"headers": {"X-A": text}}, "name": {"headers": {text: "x"}}, "recipients": {"recipients": [f"a{end}@b.test"]},
        "sender": {"sender": f"a{end}@b.test"},
    }.get(option, {option: text})  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        compose(**{**GIVEN, **changes})
    assert caught.value.option == ("headers" if option in ("value", "name") else option)
    assert_one_sentence(str(caught.value))


ENCODED = [
    "=?utf-8?q?a=0D=0ABcc:_evil=40x.test?=", "=?utf-8?b?YQ0KQmNjOiBldmlsQHgudGVzdA==?=", "=?utf-8?q?a=0ABcc:_evil=40x.test?=",
    "=?utf-8?q?a=0DBcc:_evil=40x.test?=", "=?utf-8?q?=0D=0A?= =?utf-8?q?Bcc:_e?=", "=?utf-7?q?a+AA0ACg-Bcc:_e?=",
    "=?unknown?q?=0D=0ABcc:_e?=", "=?utf-8?q?a=00b?=", "\u00e9=?utf-8?q?a=0D=0ABcc:_e?=",
]  # fmt: skip


@pytest.mark.parametrize("text", ENCODED, ids=ascii)
@pytest.mark.parametrize("option", ["subject", "sender_name", "X-A", "Reply-To", "References", "sender", "recipients"])
def test_no_encoded_word_brings_a_line_end(option: str, text: str) -> None:
    """Python's email decodes them; before 3.12.5 it then wrote a line end in them as it was."""
    changes: dict[str, t.Any] = {
        "recipients": {"recipients": [f"{text}@b.test"]}, "sender": {"sender": f"{text}@b.test"}, "subject": {option: text},
        "sender_name": {option: text},
    }.get(option, {"headers": {option: text}})  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        compose(**{**GIVEN, **changes})
    assert caught.value.option == next(iter(changes))
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    "changes",
    [{"sender_name": "x" * 2000}, {"headers": {"Reply-To": "x" * 2000}}, {"sender": "x" * 2000 + "@b.test"}],
    ids=lambda changes: next(iter(changes)),
)
def test_no_line_is_longer_than_smtp_carries(changes: dict[str, t.Any]) -> None:
    with pytest.raises(SettingsError, match="a line of more than 998 characters; write less") as caught:
        compose(**{**GIVEN, **changes})
    assert_one_sentence(str(caught.value))


def assert_one_sentence(text: str) -> None:
    assert (text.isprintable() and text.endswith(".") and "; write" in text) or "; leave" in text, text


@pytest.mark.parametrize(
    "name", ["", "X A", "X:A", "X-\u00dc", "X-A\r\nBcc", "X-A\0", "X-\u202eA", " X-A", "X-A ", "X-\ud800"], ids=ascii
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(SettingsError, match="is not one of a header; write letters") as caught:
        compose(**{**GIVEN, "headers": {name: "x"}})
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    "name, instead",
    [
        ("From", "write sender and sender_name instead"),
        ("from", "write sender"),
        ("To", "write recipients instead"),
        ("Cc", "write recipients"),
        ("BCC", "write recipients"),
        ("Subject", "write subject instead"),
        *((name, "leave it out") for name in ("Sender", "Date", "Message-ID", "MIME-Version", "Content-Type", "content-transfer-encoding",
                                              "Resent-Bcc", "Return-Path", "Received", "Auto-Submitted", "DKIM-Signature")),
    ],
)  # fmt: skip
def test_headers_that_are_ours(name: str, instead: str) -> None:
    with pytest.raises(SettingsError, match=instead) as caught:
        compose(**{**GIVEN, "headers": {name: "evil@example.com"}})
    assert_one_sentence(str(caught.value))


def test_no_header_twice() -> None:
    with pytest.raises(SettingsError, match="'x-run' twice"):
        compose(**{**GIVEN, "headers": {"X-Run": "1", "x-run": "2"}})


@pytest.mark.parametrize("option", ["subject", "body", "sender_name", "sender"])
def test_half_a_character(option: str) -> None:
    with pytest.raises(SettingsError) as caught:
        compose(**{**GIVEN, option: "\ud800@x.test"})
    assert caught.value.option == option
    assert_one_sentence(str(caught.value))


_NAMES = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[!-9;-~]{1,12}", fullmatch=True),
    st.sampled_from(["Bcc", "X-A\r\nBcc", "to", "X-B"]),
)


@given(
    st.dictionaries(
        _NAMES,
        st.one_of(st.text(max_size=40), st.sampled_from(["x\r\nBcc: e@x.test", "\u2028Bcc: e@x.test"])),
        max_size=3,
    )
)
def test_no_header_but_those_named(headers: dict[str, str]) -> None:
    """Whatever the names and values: one sentence, or a message that has ours and the named ones, each once."""
    try:
        text, _identifier = compose(**{**GIVEN, "headers": headers})
    except SettingsError as error:
        assert_one_sentence(str(error))
        return
    named = [name.lower() for name in message_keys(text)]
    ours = ["from", "to", "subject", "date", "message-id", "auto-submitted"]
    mime = ["content-type", "content-transfer-encoding", "mime-version"]
    assert sorted(named) == sorted([*ours, *mime, *map(str.lower, headers)])


def message_keys(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.partition("\r\n\r\n")[0].split("\r\n") if line[:1] not in " \t"]


@given(
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=300).filter(lambda text: "=?" not in text),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=2000),
)
def test_lines_are_what_smtp_carries(subject: str, body: str) -> None:
    """RFC 5322 section 2.1.1: CRLF, at most 998 octets per line, and ASCII: no relay needs 8BITMIME for it."""
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
        (
            "2.6.0 <abc@example.com> [InternalId=1, Hostname=x] 1 bytes Queued mail for delivery",
            "abc@example.com",
        ),  # Microsoft
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


def test_what_pythons_email_stumbles_over_is_one_sentence() -> None:
    headers = {"Reply-To": "x@y.z\\;" + "a" * 160 + "{{@a("}
    with pytest.raises(SettingsError, match="headers hold what a header cannot"):
        compose(**{**GIVEN, "headers": headers})

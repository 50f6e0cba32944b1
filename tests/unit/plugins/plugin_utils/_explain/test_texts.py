# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of clients, relays and providers give the cause that they stand for; what is not known is said to be unknown."""

from __future__ import annotations

import time
import typing as t
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils import _causes
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.provider_texts import PROVIDER_TEXTS
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.reply import explain_reply
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.rule import CONFIDENCES
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.texts import RULES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.rows import read_yaml

HERE = Path(__file__).parent
OF_CLIENTS = read_yaml(HERE / "error_texts_of_clients.yml")
OF_OTHERS = read_yaml(HERE / "error_texts_of_others.yml")
OF_PLATFORMS = read_yaml(HERE / "error_texts_of_platforms.yml")
OF_RUNS = read_yaml(HERE / "error_texts_of_runs.yml")
OF_STRANGERS = read_yaml(HERE / "error_texts_of_strangers.yml")
OTHER_SERVICES = (HERE / "other_services_lines.txt").read_text("utf-8").splitlines()[1:]
ROOT = Path(__file__).resolve().parents[5]
# A log of an app around an error: its own lines, and those of a database that is not ready.
SURROUNDINGS = [
    "2026-03-04T08:12:00.101Z [info]: Starting migrations from version 1.13.0",
    "2026-03-04T08:12:03.220Z [info]: API server is running on http://localhost:3000",
    "2026-03-04T08:12:09.873Z [warn]: Session token for user u_81 expired",
    "2026-03-04T08:13:11.004Z [error]: connect ECONNREFUSED 127.0.0.1:5432 - database not ready, retrying",
    "2026-03-04T08:13:41.412Z [info]: GET /api/v1/orgs 200 12ms",
    "2026-03-04T08:20:00.001Z [info]: GET /api/v1/health 200 1ms",
    "2026-03-04T08:20:30.901Z [warn]: Retrying websocket of site 4 in 5 s",
    "2026-03-04T08:21:10.444Z [info]: GET /login 304 2ms",
]
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
KEYS = {
    "cause",
    "layer",
    "message",
    "remedy",
    "confidence",
    "matched",
    "status",
    "provider",
    "candidates",
    "total",
    "explained",
    "repeats",
    "unknown",
    "left_alone",
    "causes",
    "unknown_examples",
}
CODES = {row.code for row in _causes.CAUSES}


def possible(result: dict[str, t.Any]) -> set[str | None]:
    return {result["cause"], *(each["cause"] for each in result["candidates"])}


@pytest.mark.parametrize(
    "row", OF_CLIENTS, ids=[f"{number}-{row['by']}-{row['cause']}" for number, row in enumerate(OF_CLIENTS)]
)
def test_what_real_clients_print(row: dict[str, t.Any]) -> None:
    result = explain(row["text"], NOW)
    if row.get("decided", True):
        assert result["cause"] == row["cause"]
    else:
        assert result["confidence"] != "certain"
        assert row["cause"] in possible(result)


@pytest.mark.parametrize(("by", "cause", "text"), OF_OTHERS)
def test_what_is_known_of_others(by: str, cause: str | list[str], text: str) -> None:
    result = explain(text, NOW)
    if isinstance(cause, str):
        assert result["cause"] == cause
    else:
        assert result["confidence"] != "certain"
        assert set(cause) <= possible(result)


@pytest.mark.parametrize(
    ("by", "causes", "text"),
    OF_PLATFORMS,
    ids=[f"{number}-{by}" for number, (by, _causes, _text) in enumerate(OF_PLATFORMS)],
)
def test_what_platforms_print(by: str, causes: str | list[str], text: str) -> None:
    result = explain(text, NOW)
    wanted = {causes} if isinstance(causes, str) else set(causes)
    assert result["cause"] in wanted
    assert {each["cause"] for each in result["causes"]} <= wanted
    # The same inside a log of an app that does other things.
    log = [*SURROUNDINGS[:5], *text.splitlines(), *SURROUNDINGS[5:]]
    found = {each["cause"] for each in explain(log, NOW)["causes"]}
    assert found <= wanted


# Thousands of rows are a test per client, which names those that fail: a test per row takes longer to be made than to run.


@pytest.mark.parametrize("by", sorted({row[0] for row in OF_STRANGERS}))
def test_what_strangers_print(by: str) -> None:
    assert [row for row in OF_STRANGERS if row[0] == by and not stranger_is_understood(row)] == []


def stranger_is_understood(row: list[t.Any]) -> bool:
    """The text gives one of its causes, or hides it; inside a log of something else nothing else is certain."""
    _by, causes, text, *hides = row
    result = explain(text, NOW)
    log = [*SURROUNDINGS[:5], *text.splitlines(), *SURROUNDINGS[5:]]
    sure = {each["cause"] for each in explain(log, NOW)["causes"] if each["confidence"] == "certain"}
    found = result["cause"] in causes or bool(hides and result["confidence"] != "certain")
    return found and sure <= set(causes)


@pytest.mark.parametrize("by", sorted({row["by"] for row in OF_RUNS}))
def test_what_was_printed_when_run(by: str) -> None:
    assert [row for row in OF_RUNS if row["by"] == by and not run_is_understood(row)] == []


def run_is_understood(row: dict[str, t.Any]) -> bool:
    """Nothing is certain and wrong, and the cause is found where the text tells it."""
    result = explain(row["text"], NOW)
    sure = {each["cause"] for each in result["causes"] if each["confidence"] == "certain"}
    return sure <= set(row["causes"]) and (not row.get("tells", True) or result["cause"] in row["causes"])


def test_the_runs_are_those_of_the_table_in_the_docs() -> None:
    page = (ROOT / "docs" / "explain.md").read_text("utf-8")
    shown = {client for client in {row["by"] for row in OF_RUNS} if f"| {client} |" in page}
    assert shown == {row["by"] for row in OF_RUNS}
    assert len(shown) >= 15


def test_there_are_enough_texts() -> None:
    assert len(OF_CLIENTS) + len(OF_OTHERS) > 450
    known = {row["cause"] for row in OF_CLIENTS} | {cause for _by, cause, _text in OF_OTHERS if isinstance(cause, str)}
    # Only a probe can say that it did not ask; no log does.
    assert known == CODES - {"not_asked"}


def is_sound(rule: t.Any) -> bool:
    """Well-formed, of a known shape, and found in itself."""
    return (
        _causes.cause_row(rule.cause, rule.variant).variant == rule.variant
        and rule.confidence in CONFIDENCES
        and set(rule.also) <= CODES - {rule.cause}
        and all(part and part == part.lower().strip() for part in rule.parts)
        and explain(" and ".join(rule.parts), NOW)["cause"] is not None
    )


def test_every_rule_is_well_formed_and_finds_itself() -> None:
    """One test for all: thousands of them would take longer to be collected than to run."""
    assert [" .. ".join(rule.parts) for rule in RULES if not is_sound(rule)] == []
    assert len(RULES) > 2000


@pytest.mark.parametrize("row", PROVIDER_TEXTS, ids=lambda row: " .. ".join(row.parts))
def test_every_provider_text_is_well_formed_and_finds_itself(row: t.Any) -> None:
    assert _causes.cause_row(row.cause, row.variant).variant == row.variant
    assert row.message[0].isupper() and row.message.endswith(".") and row.remedy.endswith(".")
    result = explain(" x ".join(row.parts), NOW)
    assert result["confidence"] == "certain"
    assert result["cause"] in {each.cause for each in PROVIDER_TEXTS}


@pytest.mark.parametrize("text", ["throttled", "throttling", "rate limits reached", "message was greylisted"])
def test_a_text_may_go_on_where_a_rule_ends(text: str) -> None:
    assert explain(f"smtp relay: {text}", NOW)["cause"] == "temporarily_rejected"


@pytest.mark.parametrize(
    ("lines", "cause", "repeats"),
    [
        (
            [
                "SMTP -> FROM SERVER:421 Too many sessions at once; please try again later.",
                "CLIENT -> SMTP: EHLO web1",
                "SMTP -> FROM SERVER:",
                "SMTP -> ERROR: EHLO not accepted from server:",
            ],
            "temporarily_rejected",
            2,
        ),
        (
            [
                "  759   SMTP>> DATA",
                "  759   SMTP<< 504 5.5.2 <15b0>: Helo command rejected: need fully-qualified hostname",
                "  759   SMTP<< 554 5.5.1 Error: no valid recipients",
            ],
            "ehlo_rejected",
            1,
        ),
        (
            [
                "Nov  3 18:06:25 mx postfix/smtp[14]: connect to mx.example.com[192.0.2.1]:25: Connection timed out",
                "Nov  3 18:06:25 mx postfix/smtp[14]: 81: to=<a@example.org>, relay=none, delay=1, dsn=4.4.1, status=deferred"
                " (connect to mx.example.com[192.0.2.1]:25: Connection timed out)",
            ],
            "connection_timeout",
            1,
        ),
        (
            [
                "vault | [2026-03-07 14:15:56.592][vault::mail][ERROR] SMTP error: error:0A000086:SSL routines::certificate verify failed:"
                " (self-signed certificate)",
                "vault | [2026-03-07 14:15:56.592][vault::api][ERROR] Error sending mail: SMTP error: error:0A000086:SSL routines::certificate verify failed:"
                " (self-signed certificate)",
            ],
            "certificate_self_signed",
            1,
        ),
    ],
    ids=["PHPMailer", "Exim", "Postfix", "Vaultwarden"],
)
def test_what_only_says_it_again_counts_once(lines: list[str], cause: str, repeats: int) -> None:
    result = explain(lines, NOW)
    assert [(each["cause"], each["count"]) for each in result["causes"]] == [(cause, 1)]
    assert result["repeats"] == repeats


def test_two_attempts_with_the_same_words_count_twice() -> None:
    line = "Nov  3 18:06:25 mx postfix/smtp[14]: connect to mx.example.com[192.0.2.1]:25: Connection refused"
    assert explain([line, line], NOW)["explained"] == 2


def test_pangolins_two_timeouts_are_told_apart() -> None:
    connect = explain(
        "Error: Connection timeout\n    at SMTPConnection._formatError {\n  code: 'ETIMEDOUT',\n  command: 'CONN'\n}"
    )
    greeting = explain(
        "Error: Greeting never received\n    at SMTPConnection._formatError {\n  code: 'ETIMEDOUT',\n  command: 'CONN'\n}"
    )
    assert (connect["cause"], connect["layer"]) == ("connection_timeout", "tcp")
    assert (greeting["cause"], greeting["layer"]) == ("mode_mismatch", "mode")
    assert "greeting_timeout" in possible(greeting)
    assert "secure: true" in greeting["remedy"]
    assert connect["total"] == greeting["total"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "hello kitty",
        "the lighthouse keeper sends postcards",
        "mail sent to a@example.com",
        "SMTP timeout set to 10 s",
        "postfix/smtp[123]: 4ABC: relay=smtp.example.com[192.0.2.1]:465, delay=0.3, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABC)",
        "CONNECTION ESTABLISHED\nProtocol version: TLSv1.3\nPeer certificate: CN = localhost\nVerification: OK\n250 8BITMIME",
        "<-  220 mail ESMTP\n -> EHLO x\n<-  250 PIPELINING\n -> MAIL FROM:<a@example.com>\n<-  250 2.1.0 Ok\n -> QUIT\n<-  221 2.0.0 Bye",
        "SMTP Error: Could not connect to SMTP host.",
        "Failure sending mail.",
        "< 235 2.7.0 Authentication successful\n> VRFY kim@example.com\n< 502 5.5.1 VRFY command is disabled",
        "smtp: failed to send message: sending SMTP RESET command: 500 Expected MAIL FROM:<addr> or QUIT",
        "nodemailer 4.5.465 at line 550:535",
        "mailer: 535 messages sent, 550 ms, 421 left",
    ],
)
def test_no_cause_is_guessed(text: str) -> None:
    result = explain(text, NOW)
    assert (result["cause"], result["layer"], result["confidence"], result["causes"]) == (None, None, "unknown", [])
    assert set(result) == KEYS
    assert result["remedy"]


HEALTHY = (HERE / "healthy_lines.txt").read_text("utf-8").splitlines()[1:]


@pytest.mark.parametrize("line", HEALTHY)
def test_sound_lines_have_no_cause(line: str) -> None:
    result = explain(line, NOW)
    assert (result["cause"], result["status"]) == (None, None)


def test_a_sound_log_has_no_cause() -> None:
    result = explain(HEALTHY, NOW)
    assert (result["explained"], result["unknown"], result["causes"]) == (0, 0, [])


def test_an_unknown_text_names_the_nearest_causes() -> None:
    result = explain("fatal error: the provided nodename and servname are known to nobody, mate", NOW)
    assert result["cause"] is None
    assert "name_not_found" in possible(result)
    assert all(each["message"] and each["remedy"] and each["layer"] for each in result["candidates"])


def test_what_the_text_names_stands_in_the_message() -> None:
    result = explain("msmtp: cannot connect to smtp.example.com, port 465: Connection timed out", NOW)
    assert result["message"].startswith("smtp.example.com:465 did not answer")
    assert "587" in result["remedy"]
    assert result["matched"] == "cannot connect to smtp.example.com, port 465: Connection timed out"
    refused = explain("Error: connect ECONNREFUSED 192.0.2.1:2525 {code: 'ESOCKET'}", NOW)
    assert refused["message"].startswith("192.0.2.1:2525 refused the connection: nothing listens")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("535 5.7.8 no", "535 5.7.8"),
        ("Invalid login: 535-5.7.8 no", "535 5.7.8"),
        ("550 no", "550"),
        ("said: 550 #5.1.0 Address rejected", "550 5.1.0"),
        ("(535, b'5.7.8 Error')", "535 5.7.8"),
        ("smtp dsn=5.1.1, status=bounced", "5.1.1"),
        ("node 5.1.1 started", None),
        ("line 550: x", None),
        ("took 421 ms", None),
        ("curl: (55) RCPT failed: 550", "550"),
        ('554 "5.7.1 no"', "554 5.7.1"),
        ("10.0.5.5.7.1", None),
    ],
)
def test_status_codes_are_found_where_they_are_some(text: str, status: str | None) -> None:
    assert explain(text, NOW)["status"] == status


def test_a_temporary_refusal_is_not_called_a_refusal() -> None:
    assert (
        explain("SMTPRecipientsRefused: {'b@example.org': (450, b'4.7.1 not now')}", NOW)["cause"]
        == "temporarily_rejected"
    )
    assert (
        explain("SMTPRecipientsRefused: {'b@example.org': (550, b'5.7.1 never')}", NOW)["cause"] == "recipient_rejected"
    )


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("EHLO client", "ehlo_rejected"),
        ("STARTTLS", "starttls_rejected"),
        ("AUTH PLAIN AGEAYg==", "auth_rejected"),
        ("MAIL FROM:<a@example.com>", "sender_rejected"),
        ("RCPT TO:<b@example.org>", "recipient_rejected"),
        ("DATA", "message_rejected"),
    ],
)
def test_a_bare_code_is_read_by_the_command_before_it(command: str, cause: str) -> None:
    result = explain(f"=== Connected to relay.\n<-  220 relay\n -> {command}\n<** 550 no\n -> QUIT\n<-  221 bye", NOW)
    assert result["cause"] == cause


def test_a_stack_trace_is_not_what_the_relay_said() -> None:
    text = """Error: Error upgrading connection with STARTTLS: 502 5.5.1 Error: command not implemented
    at SMTPConnection._actionSTARTTLS (/app/node_modules/nodemailer/lib/smtp-connection/index.js:1549:27)
    at SMTPConnection._processResponse (/app/node_modules/nodemailer/lib/policy/index.js:1099:20)
  code: 'ETLS', command: 'STARTTLS'"""
    assert explain(text)["cause"] == "starttls_not_offered"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("conversation with mx.example.com[192.0.2.1] timed out while sending MAIL FROM", "message_rejected"),
        ("conversation with mx.example.com[192.0.2.1] timed out while sending end of data", "message_rejected"),
        ("conversation with mx.example.com[192.0.2.1] timed out while performing the EHLO handshake", "ehlo_rejected"),
        (
            "conversation with mx.example.com[192.0.2.1] timed out while receiving the initial server greeting",
            "mode_mismatch",
        ),
        (
            "defer (110): Connection timed out H=mx.example.com [192.0.2.15]:587: SMTP timeout after EHLO a",
            "ehlo_rejected",
        ),
        ("SMTP timeout after end of data (2211 bytes written)", "message_rejected"),
        ("Error: Timeout {code: 'ETIMEDOUT', command: 'EHLO'}", "ehlo_rejected"),
        ("Error: Timeout {code: 'ETIMEDOUT', command: 'STARTTLS'}", "starttls_rejected"),
        ("Error: Timeout {code: 'ETIMEDOUT', command: 'AUTH PLAIN'}", "auth_rejected"),
        ("Error: Timeout {code: 'ETIMEDOUT', command: 'DATA'}", "message_rejected"),
        ("Error: Timeout {code: 'ETIMEDOUT', command: 'CONN'}", "connection_timeout"),
    ],
)
def test_silence_is_about_the_command_that_got_no_answer(text: str, cause: str) -> None:
    result = explain(text, NOW)
    assert (result["cause"], result["confidence"]) == (cause, "likely")
    assert ("did not answer the attempt to connect" in result["message"]) == (cause == "connection_timeout")


def test_a_bare_refusal_in_the_greeting() -> None:
    assert explain("=== Connected to relay.\n<** 554 no\n -> QUIT", NOW)["cause"] == "greeting_rejected"


# Logs

LOG = """\
2026-11-21T10:00:00.000Z [info]: Server started, mail is sent by smtp.example.com:465
2026-11-21T10:00:05.000Z [error]: Failed to send email: Greeting never received {"code":"ETIMEDOUT","command":"CONN"}
Error: Greeting never received
    at SMTPConnection._formatError (/app/node_modules/nodemailer/lib/smtp-connection/index.js:790:19)
    at listOnTimeout (node:internal/timers:571:11) {
  code: 'ETIMEDOUT',
  command: 'CONN'
}
2026-11-21T11:00:00.000Z [error]: connect ECONNREFUSED 127.0.0.1:5432
2026-11-21T11:00:05.000Z [error]: Failed to send email: Greeting never received {"code":"ETIMEDOUT","command":"CONN"}
2026-11-21T12:00:00+02:00 [error]: Failed to send email: Invalid login: 535 5.7.8 Error: authentication failed
2026-11-21T12:00:01.000Z [info]: GET /health 200
2026-11-21T12:00:02.000Z [error]: email error: the postmaster's parrot refuses
"""


def test_a_log_is_counted_by_cause() -> None:
    result = explain(LOG, NOW)
    assert [(each["cause"], each["count"]) for each in result["causes"]] == [("mode_mismatch", 2), ("auth_rejected", 1)]
    first = result["causes"][0]
    assert (first["first_seen"], first["last_seen"]) == ("2026-11-21T10:00:05Z", "2026-11-21T11:00:05Z")
    assert result["causes"][1]["first_seen"] == "2026-11-21T10:00:00Z"
    assert result["cause"] == "mode_mismatch"
    assert (result["total"], result["explained"], result["unknown"]) == (7, 3, 1)
    assert "parrot" in result["unknown_examples"][0]


REFUSED = (
    "2026-03-04T08:13:11.004Z [error]: Failed to send email: Invalid login: 535 5.7.8 Error: authentication failed"
)


@pytest.mark.parametrize("line", OTHER_SERVICES)
def test_another_service_is_left_alone_beside_mail(line: str) -> None:
    announcement = "2026-03-04T08:13:11.004Z [error]: Failed to send email"
    for log in ([REFUSED, line], [line, REFUSED], [REFUSED, line, REFUSED]):
        result = explain(log, NOW)
        assert [each["cause"] for each in result["causes"]] == ["auth_rejected"]
        assert result["left_alone"] == 1
    for log in ([announcement, line], [line, announcement]):
        assert explain(log, NOW)["causes"] == []


def test_every_line_of_a_log_is_accounted_for() -> None:
    result = explain(
        [
            *SURROUNDINGS,
            REFUSED,
            "2026-03-04T08:22:00.000Z [error]: email error: the postmaster's parrot refuses",
            *OTHER_SERVICES,
        ],
        NOW,
    )
    assert result["total"] == result["explained"] + result["repeats"] + result["unknown"] + result["left_alone"]
    assert (result["explained"], result["unknown"], result["left_alone"]) == (
        1,
        1,
        len(SURROUNDINGS) + len(OTHER_SERVICES),
    )


def node_error_with_a_certificate(data: bytes) -> str:
    """What Node prints of a wrong name: the error, its stack, and the whole certificate in the error's object."""
    pairs, digits = data.hex(" "), data.hex().upper()
    return f"""Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: relay. is not in the cert's altnames: DNS:other
    at Object.checkServerIdentity (node:tls:316:12)
    at TLSSocket.emit (node:events:524:28) {{
  code: 'ESOCKET',
  cert: {{
    pubkey: <Buffer {pairs} ... 15 more bytes>,
    valid_from: 'Nov 28 21:05:41 2026 GMT',
    valid_to: 'Dec 29 21:05:41 2026 GMT',
    fingerprint: '{data.hex(":").upper()}',
    serialNumber: '{digits}',
    issuerCertificate: {{
      valid_from: 'Nov 29 21:05:30 2025 GMT',
      raw: <Buffer {pairs} ... 424 more bytes>
    }}
  }},
  command: 'CONN'
}}
"""


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=64))
@example(
    bytes.fromhex("04276dabea18c8358000bedb5f2b1b72255b840fe8a8")
)  # "db" is a word of databases, ":25" a port of mail
@example(bytes.fromhex("0550212222222587465587004250cada55042153dbdb"))
def test_bytes_of_a_certificate_say_nothing(data: bytes) -> None:
    answer = explain(node_error_with_a_certificate(data), NOW)
    assert (answer["cause"], answer["confidence"]) == ("certificate_name_mismatch", "certain")
    assert (answer["total"], answer["explained"]) == (1, 1)


def test_no_time_of_day_is_taken_for_a_port() -> None:
    day = [
        (hour, minute, second)
        for hour in (0, 8, 10, 22, 23)
        for minute in range(60)
        for second in (0, 5, 22, 25, 53, 59)
    ]
    mail = "2026-03-04T{:02}:{:02}:{:02}.000Z [error]: Invalid login: 535 5.7.8 Error: authentication failed"
    other = "2026-03-04 {:02}:{:02}:{:02} [error]: unexpected EOF"
    for clock in day:
        result = explain([mail.format(*clock), other.format(*clock)], NOW)
        assert [(each["cause"], each["count"]) for each in result["causes"]] == [("auth_rejected", 1)], clock


PANGOLIN = """\
2026-03-04T10:22:34.217Z [error]: {message}

Stack: Error: {message}
    at TLSSocket.onConnectSecure (node:_tls_wrap:1699:34)
    at ssl.onhandshakedone (node:_tls_wrap:883:12) {{"code":"{code}","command":"{command}"}}
"""


@pytest.mark.parametrize(
    ("message", "code", "command", "cause"),
    [
        ("self-signed certificate", "ESOCKET", "CONN", "certificate_self_signed"),
        ("unable to verify the first certificate", "ESOCKET", "CONN", "certificate_chain_incomplete"),
        ("certificate has expired", "ESOCKET", "CONN", "certificate_expired"),
        (
            "Hostname/IP does not match certificate's altnames: Host: a.example.com. is not in the cert's altnames: DNS:b.example.com",
            "ESOCKET",
            "CONN",
            "certificate_name_mismatch",
        ),
        (
            "80ACDE010000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:record.c:354:",
            "ESOCKET",
            "CONN",
            "mode_mismatch",
        ),
        ("getaddrinfo ENOTFOUND smtp.exmaple.com", "EDNS", "CONN", "name_not_found"),
        ("connect ECONNREFUSED 192.0.2.1:465", "ESOCKET", "CONN", "connection_refused"),
        ("Connection timeout", "ETIMEDOUT", "CONN", "connection_timeout"),
        ("Greeting never received", "ETIMEDOUT", "CONN", "mode_mismatch"),
        ("Mail command failed: 501 Error: Bad sender address syntax", "EENVELOPE", "MAIL FROM", "sender_rejected"),
    ],
)
def test_pangolins_failures_are_one_event_each(message: str, code: str, command: str, cause: str) -> None:
    text = PANGOLIN.format(message=message, code=code, command=command)
    for log in (text, [*SURROUNDINGS[:5], *text.splitlines(), *SURROUNDINGS[5:]]):
        result = explain(log, NOW)
        assert [(each["cause"], each["count"]) for each in result["causes"]] == [(cause, 1)]
    assert explain(text + text.replace("10:22:34", "10:32:34"), NOW)["explained"] == 2


def test_lines_and_text_are_the_same() -> None:
    assert explain(LOG.splitlines(), NOW) == explain(LOG, NOW)


def test_a_database_is_not_a_relay() -> None:
    log = "2026-11-21T11:00:00Z [info]: up\n2026-11-21T11:00:01Z [error]: connect ECONNREFUSED 127.0.0.1:5432\n2026-11-21T11:00:02Z [info]: retry"
    assert explain(log, NOW)["causes"] == []


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("Nov 21 18:36:00 mx postfix/smtp[1]: {}", "2026-11-21T18:36:00"),
        ("Dec  5 08:00:00 mx postfix/smtp[1]: {}", "2025-12-05T08:00:00"),
        ("2026-11-21 18:36:00,123 ERROR smtp {}", "2026-11-21T18:36:00"),
        ("2026-11-21T18:36:00.123456+01:00 host smtp: {}", "2026-11-21T17:36:00Z"),
        ("2026-11-21T18:36:00+0100 host smtp: {}", "2026-11-21T17:36:00Z"),
        ('time="2026/11/21 18:36:00" level=error msg="smtp {}"', "2026-11-21T18:36:00"),
        ("2026/11/21 18:36:00 smtp {}", "2026-11-21T18:36:00"),
        ('{{"level":50,"time":1795286160123,"msg":"smtp {}"}}', "2026-11-21T18:36:00Z"),
        ('{{"msg":"smtp {}","timestamp":"2026-11-21T18:36:00Z"}}', "2026-11-21T18:36:00Z"),
        ('{{"MESSAGE":"smtp {}","__REALTIME_TIMESTAMP":"1795286160123456"}}', "2026-11-21T18:36:00Z"),
        ("1795286160.123456 host smtp: {}", "2026-11-21T18:36:00Z"),
        ("[21-Nov-2026 18:36:00 UTC] smtp {}", "2026-11-21T18:36:00Z"),
        ("[21/Nov/2026:18:36:00 +0100] smtp {}", "2026-11-21T17:36:00Z"),
        ("Sat, 21 Nov 2026 18:36:00 +0000 smtp {}", "2026-11-21T18:36:00Z"),
        ("Sat Nov 21 18:36:00 2026 smtp {}", "2026-11-21T18:36:00"),
        ("pangolin  | 2026-11-21T18:36:00Z [error]: smtp {}", "2026-11-21T18:36:00Z"),
        ("2026.11.21 18:36:00 ERROR web[][o.s.s.n.email] smtp {}", "2026-11-21T18:36:00"),
        ("11/21/2026, 6:36:00 PM smtp {}", "2026-11-21T18:36:00"),
        ("Nov 21, 2026 6:36:00 PM com.example.Mailer send smtp {}", "2026-11-21T18:36:00"),
        ("21.11.2026 18:36:00 smtp {}", "2026-11-21T18:36:00"),
        ("   219:20261121:183600.911 smtp {}", "2026-11-21T18:36:00"),
        ("\x1b[31mERRO\x1b[0m[2026/11/21 18:36:00] smtp {}", "2026-11-21T18:36:00"),
        ("E1121 18:36:00.123456       1 mail.go:9] smtp {}", "2026-11-21T18:36:00"),
        ("=ERROR REPORT==== 21-Nov-2026::18:36:00.911 === smtp {}", "2026-11-21T18:36:00"),
        ("smtp {}", None),
        ("2026-13-45T99:00:00Z smtp {}", None),
    ],
)
def test_dates_of_many_logs(line: str, seen: str | None) -> None:
    cause = explain(line.format("Greeting never received"), NOW)["causes"][0]
    assert (cause["first_seen"], cause["last_seen"]) == (seen, seen)


def test_mailpits_pairs_and_bursts_are_counted_once() -> None:
    deny = 'time="2026/11/21 18:39:39" level=warning msg="[smtpd] deny PLAIN login:\\"app\\" from:127.0.0.1"\n'
    echo = 'time="2026/11/21 18:39:39" level=error msg="[smtpd] response (127.0.0.1) 535 5.7.8 Authentication credentials invalid"\n'
    clear = 'time="2026/11/21 18:39:41" level=error msg="[smtpd] response (127.0.0.1) 530 5.7.0 Must issue a STARTTLS command first"\n'
    burst = 'time="2026/11/21 18:39:{}" level=error msg="[smtpd] response (127.0.0.1) 500 5.5.2 Syntax error, command unrecognized"\n'
    result = explain((deny + echo) * 3 + clear * 2 + burst.format(45) * 6 + burst.format(55) * 4, NOW)
    assert {each["cause"]: each["count"] for each in result["causes"]} == {
        "auth_rejected": 3,
        "auth_requires_tls": 2,
        "mode_mismatch": 2,
    }
    # Where only errors are logged, the second line of the pair counts.
    assert explain(echo * 3, NOW)["explained"] == 3


def test_what_follows_a_known_failure_is_not_counted_again() -> None:
    log = (
        "Nov 21 18:36:00 mx postfix/smtp[1]: warning: TLS library problem: error:0A00010B:SSL routines::wrong version number:record.c:354:\n"
        "Nov 21 18:36:00 mx postfix/smtp[1]: 4ABC: dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)\n"
    )
    assert [(each["cause"], each["count"]) for each in explain(log * 2, NOW)["causes"]] == [("mode_mismatch", 2)]


# Secrets

SECRETS = [
    "535 5.7.8 failed after AUTH PLAIN AGFwcAB0b3BzZWNyZXQ=",
    "send: 'AUTH PLAIN AGFwcAB0b3BzZWNyZXQ=\\r\\n' reply: b'535 5.7.8 Error: authentication failed\\r\\n'",
    "Invalid login: 535 5.7.8 {auth: {user: 'app', pass: 'topsecret'}}",
    '{"msg":"Invalid login: 535 5.7.8","smtp_pass":"topsecret"}',
    "smtp://app:topsecret@smtp.example.com:587 Greeting never received",
    "password=topsecret 535 5.7.8 login",
    "smtp_pass: topsecret\n535 5.7.8 login",
    "swaks --auth-password topsecret: 535 5.7.8 login",
    "curl -u app:topsecret smtp: (67) Login denied",
    "time=x [smtpd] received (127.0.0.1) dG9wc2VjcmV0\n535 5.7.8 login",
    "C: dG9wc2VjcmV0\nS: 535 5.7.8 login",
    " ~> dG9wc2VjcmV0\n<~* 535 5.7.8 login",
    "Authorization: Bearer topsecrettopsecret 535 5.7.8 login",
    "535 5.7.8 login AGFwcAB0b3BzZWNyZXQ= somewhere",
    "SMTPError: authorization.failed (bad response on command 'dG9wc2VjcmV0': 5.7.8 Error: authentication failed)",
]


@pytest.mark.parametrize("text", SECRETS)
def test_credentials_do_not_come_back(text: str) -> None:
    shown = repr(explain(text, NOW))
    for secret in ("topsecret", "dG9wc2VjcmV0", "AGFwcAB0b3BzZWNyZXQ="):
        assert secret not in shown
    assert explain(text, NOW)["cause"] is not None


# Replies for the judge


@pytest.mark.parametrize(
    ("code", "text", "stage", "provider", "cause"),
    [
        (
            535,
            "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "auth",
            "Microsoft 365",
            "auth_rejected",
        ),
        (534, "5.7.9 Application-specific password required.", "auth", "Gmail", "auth_rejected"),
        (554, "Message rejected: Email address is not verified.", "data", "Amazon SES", "sender_rejected"),
        (
            550,
            "5.7.60 SMTP; Client does not have permissions to send as this sender",
            "mail",
            "Microsoft 365",
            "sender_rejected",
        ),
        (554, "5.7.1 <b@example.org>: Relay access denied", "rcpt", "", "recipient_rejected"),
        (530, "5.7.0 Must issue a STARTTLS command first", "mail", "", "auth_requires_tls"),
    ],
)
def test_explain_reply(code: int, text: str, stage: str, provider: str, cause: str) -> None:
    hint = explain_reply(code, text, stage)
    assert hint is not None
    assert (hint.provider, hint.cause) == (provider, cause)
    assert hint.message.endswith(".")


def test_explain_reply_leaves_ordinary_replies_alone() -> None:
    assert explain_reply(535, "5.7.8 Error: authentication failed", "auth") is None
    assert explain_reply(250, "2.1.0 Ok", "mail") is None


@pytest.mark.parametrize(
    "reply, stage, provider, host, greeting",
    [
        ("535 Authentication Credentials Invalid", "auth", "Amazon SES", "email-smtp.eu-west-1.amazonaws.com", ""),
        ("535 Authentication Credentials Invalid", "auth", "Amazon SES", "mail.x.test", "email-smtp.amazonaws.com ESMTP SimpleEmailService-d-1"),
        ("535 Authentication credentials invalid", "auth", "", "mail.x.test", "mail.x.test ESMTP SubEthaSMTP"),
        ("535 Authentication credentials invalid", "auth", "GMX or WEB.DE", "mail.gmx.net", "gmx.net (mrgmx104) Nemesis ESMTP Service ready"),
        ("534 5.7.9 Authentication mechanism is too weak", "auth", "", "mail.x.test", "mail.x.test ESMTP Exim"),
        ("534-5.7.9 Application-specific password required", "auth", "Gmail", "smtp.gmail.com", ""),
        ("550 5.7.25 no reverse name", "mail", "", "mail.x.test", "mail.x.test ESMTP Postfix"),
        ("550-5.7.25 The IP address has no PTR record, see support.google.com/mail", "mail", "Gmail", "mail.x.test", ""),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "data", "Microsoft 365", "r.x.test", "r Microsoft ESMTP MAIL Service"),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled", "auth", "Microsoft 365", "mail.x.test", "mail.x.test ESMTP Postfix"),
    ],
)  # fmt: skip
def test_words_of_anybody_are_a_providers_only_at_that_provider(
    reply: str, stage: str, provider: str, host: str, greeting: str
) -> None:
    code, _blank, text = reply.partition(reply[3])
    hint = explain_reply(int(code), text, stage, f"{host} {greeting}")
    assert (hint.provider if hint is not None else "") == provider
    # Where nothing is known of the relay, as in a log, they are taken for what they mostly are.
    known = explain_reply(int(code), text, stage)
    assert known is not None and known.provider


def test_a_greeting_alone_explains_no_reply() -> None:
    who = "mail.x.test mail.x.test ESMTP, greylisting and 5.7.501 spam abuse detected here"
    assert explain_reply(550, "5.1.1 no such user", "rcpt", who) is None


def test_a_sound_reply_explains_nothing() -> None:
    assert explain_reply(250, "2.1.0 Ok", "mail") is None
    assert explain_reply(0, "", "") is None


# Any input

PIECES = st.sampled_from(
    [
        "535 5.7.8 ",
        "550-",
        "\n",
        " ",
        "\t",
        "at ",
        "2026-11-21T18:00:00Z ",
        "Nov 31 99:99:99 ",
        "smtp",
        "password=",
        '"',
        "'",
        "AUTH PLAIN ",
        "[",
        "]",
        "{",
        "}",
        ":465",
        "Traceback (most recent call last)\n",
        "wrong version number",
        "\x00",
        "\u2028",
        "\u0130",
        "..",
        "a" * 300,
        "\ud800",
        "host: ",
        "1.2.3.4",
        "::1",
        "99999999999999999999",
    ]
)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=60).map("".join)))
@example("{}")
@example("5.7.8")
@example("connect to [::]:465")
def test_any_text_has_an_answer(text: str) -> None:
    result = explain(text, NOW)
    assert set(result) == KEYS
    assert result["explained"] == sum(each["count"] for each in result["causes"])
    assert result["explained"] + result["unknown"] <= max(result["total"], 1)
    assert (result["cause"] is None) == (result["confidence"] == "unknown")
    explain_reply(535, text, "auth")


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "\n",
        "[",
        "a.",
        '"',
        "password='",
        "535-5.7.8 x\n",
        "550 5.1.1 no\n",
        " x\n",
        "C: QUJD\n",
        "2026-11-21T18:00:00Z [error]: smtp Greeting never received\n",
        "\x16\x03\x01\xff",
    ],
)
def test_time_grows_with_the_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        explain(text, NOW)
        return time.process_time() - start

    seconds(1000)
    small, large = seconds(50_000), seconds(200_000)
    # Four times the text: far from the sixteen times of a square.
    assert large < 9 * small + 0.3


def test_ten_megabytes_on_one_line() -> None:
    start = time.process_time()
    assert explain("x" * 10_000_000 + " smtp: wrong version number", NOW)["cause"] == "mode_mismatch"
    assert time.process_time() - start < 2

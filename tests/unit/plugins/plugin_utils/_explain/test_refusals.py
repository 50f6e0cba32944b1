# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table for live replies and for logs: what a refusal is about follows its words and codes, whichever command it answers."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import cause_row
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.refusals import NO_CODE, refusal
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.status_codes import Status, meaning
from hypothesis import given
from hypothesis import strategies as st

REPLIES = [
    # the name in EHLO
    ("rcpt", "504 5.5.2 <25aea30808b2>: Helo command rejected: need fully-qualified hostname", "ehlo_rejected", "name"),
    ("rcpt", "450 4.7.1 <25aea30808b2>: Helo command rejected: Host not found", "ehlo_rejected", "name"),
    ("rcpt", "550 5.7.1 <mail.example.com>: Helo command rejected: Do not use my name", "ehlo_rejected", "name"),
    ("mail", "550 Invalid HELO name (See RFC2821 4.1.1.1)", "ehlo_rejected", "name"),
    ("ehlo", "501 5.5.4 Invalid EHLO domain", "ehlo_rejected", "name"),
    # senders and recipients
    ("mail", "517 Domain does not exist: example.com.", "sender_rejected", "no_domain"),
    ("rcpt", "551 5.7.1 Not authorised to send from this header address", "sender_rejected", ""),
    ("rcpt", "554 Relay rejected for policy reasons.", "recipient_rejected", "relay"),
    ("data", "550 5.7.1 Inactive recipient", "recipient_rejected", ""),
    ("data", "554 DT:SPM 163 smtp", "message_rejected", "content"),
    # reverse name
    (
        "rcpt",
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.4]",
        "temporarily_rejected",
        "reverse_name",
    ),
    (
        "rcpt",
        "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.4]",
        "temporarily_rejected",
        "reverse_name",
    ),
    (
        "data",
        "550-5.7.25 The IP address sending this message does not have a PTR record",
        "message_rejected",
        "reverse_name",
    ),
    ("mail", "450 the x.test domain is not verified", "sender_rejected", ""),
    ("auth", "525 5.7.1 Unauthorized IP address", "greeting_rejected", "address"),
    ("auth", "534 5.7.9 Authentication mechanism is too weak", "auth_mechanism_not_offered", "refused"),
    ("auth", "534-5.7.9 Application-specific password required", "auth_rejected", ""),
    ("auth", "535 5.7.8 authentication failed: account expired", "auth_rejected", "account"),
    ("rcpt", "451 Unable to process request", "temporarily_rejected", "broken"),
    # what waiting does not mend, and what it does
    (
        "rcpt",
        "450 4.7.1 <x[192.0.2.4]>: Client host rejected: Greylisted, see http://postgrey.test/",
        "temporarily_rejected",
        "",
    ),
    ("rcpt", "450 4.7.1 <x[192.0.2.4]>: Client host rejected: try again in 300 seconds", "temporarily_rejected", ""),
    ("rcpt", "450 4.7.1 <x[192.0.2.4]>: Client host rejected: Access denied", "greeting_rejected", "address"),
    (
        "rcpt",
        "450 4.1.1 <b@x.test>: Recipient address rejected: User unknown in virtual mailbox table",
        "recipient_rejected",
        "",
    ),
    ("rcpt", "450 4.1.2 <b@x.test>: Recipient address rejected: Domain not found", "recipient_rejected", ""),
    (
        "rcpt",
        "450 4.1.1 <b@x.test>: Recipient address rejected: unverified address: unknown user",
        "temporarily_rejected",
        "",
    ),
    ("rcpt", "451 4.1.1 unknown user, try again later", "temporarily_rejected", ""),
    ("mail", "451 Sender rate 2.0 / 1h exceeded", "temporarily_rejected", "limit"),
    ("rcpt", "450 4.7.1 client rate is too high", "temporarily_rejected", "limit"),
    (
        "rcpt",
        "451 4.3.5 <b@x.test>: Recipient address rejected: Server configuration problem",
        "temporarily_rejected",
        "broken",
    ),
    *(
        ("rcpt", f"451 4.3.5 <a@x.test>: {what} rejected: Server configuration error", "temporarily_rejected", "broken")
        for what in ("Sender address", "Helo command", "Client host", "Recipient address", "Data command")
    ),
    ("mail", "451 4.3.0 <a@x.test>: Temporary lookup failure", "temporarily_rejected", "broken"),
    ("data", "451 4.3.0 Error: queue file write error", "temporarily_rejected", "broken"),
    ("mail", "550 5.7.1 Account suspended, contact support", "sender_rejected", "account"),
    (
        "rcpt",
        "550 5.7.23 <a@b.example>: Sender address rejected: SPF fail - not authorized",
        "sender_rejected",
        "sender_domain",
    ),
    (
        "rcpt",
        "550 5.7.23 <a@b.example>: Recipient address rejected: SPF fail - not authorized",
        "message_rejected",
        "sender_domain",
    ),
    ("data", "554 5.7.1 Your account has been temporarily suspended", "sender_rejected", "account"),
    ("rcpt", "550 5.2.1 The email account that you tried to reach is disabled", "recipient_rejected", ""),
    ("greeting", "450 4.7.1 Session encryption is required", "greeting_rejected", "encryption"),
    ("greeting", "530 5.7.0 Must issue a STARTTLS command first", "greeting_rejected", "encryption"),
    ("greeting", "554 5.7.1 TLS required", "greeting_rejected", "encryption"),
    ("rcpt", "450 4.7.1 Session encryption is required", "auth_requires_tls", "mail"),
    ("greeting", "421 4.3.0 relay.test Server local error", "temporarily_rejected", "broken"),
    ("greeting", "450 4.3.2 <unknown[192.0.2.4]>: Client host rejected: Try again later", "temporarily_rejected", ""),
    ("greeting", "450 4.7.1 Client host rejected: Access denied", "greeting_rejected", ""),
    ("greeting", "554 5.3.2 Try again later", "greeting_rejected", ""),
    ("greeting", "521 5.3.2 Service currently unavailable", "greeting_rejected", "closed"),
    ("rcpt", "550 5.3.2 Service currently unavailable", "greeting_rejected", "closed"),
    ("rcpt", "450 4.3.2 Service currently unavailable", "temporarily_rejected", ""),
    # the name in EHLO, where no other can be meant
    ("ehlo", "550 5.7.1 Address literals are not accepted here", "ehlo_rejected", "name"),
    ("ehlo", "501 5.5.2 Please give a fully qualified domain name", "ehlo_rejected", "name"),
    ("ehlo", "501 5.5.4 Invalid hostname", "ehlo_rejected", "name"),
    # a domain that is not the relay's may well exist
    ("rcpt", "501 5.1.8 Non-local sender domain (msg ID = 252c4f46)", "sender_rejected", ""),
    ("mail", "553 5.1.8 <a@x.test>: Sender address rejected: Domain not found", "sender_rejected", "no_domain"),
    ("starttls", "454 4.3.0 Try again later", "starttls_rejected", "resources"),
    # a login whose password is not the matter
    ("auth", "535 5.7.8 Your account has been suspended", "auth_rejected", "account"),
    ("auth", "550 5.7.1 User is disabled", "auth_rejected", "account"),
    ("auth", "535 5.7.8 Error: your IP 192.0.2.1 is blocked", "greeting_rejected", "address"),
    ("auth", "535 5.7.8 Error: authentication failed: account or password wrong", "auth_rejected", ""),
    ("auth", "530 5.7.0 Client certificate required", "client_certificate_required", ""),
    ("mail", "530 5.7.0 No client certificate requested", "client_certificate_required", ""),
    ("auth", "501 5.5.2 Cannot decode response", "auth_rejected", ""),
    ("mail", "421 4.4.0 relay.test Failed to connect to relay server (connect)", "temporarily_rejected", "broken"),
    ("auth", "535 5.7.8 Client didn't present valid SSL certificate", "client_certificate_required", ""),
    ("rcpt", "451 Temporary local problem - please try later", "temporarily_rejected", "broken"),
    ("starttls", "451 Temporary local problem - please try later", "starttls_rejected", "resources"),
    ("mail", "552 Message size exceeds maximum permitted", "message_rejected", "size"),
    ("mail", "552 5.3.4 Message size exceeds fixed limit", "message_rejected", "size"),
    ("mail", "552 message too large", "message_rejected", "size"),
    ("rcpt", "452 4.2.2 Mailbox size limit exceeded", "temporarily_rejected", "mailbox_full"),
    ("greeting", "450 4.7.1 No reverse DNS for 192.0.2.4", "temporarily_rejected", "reverse_name"),
    # the sender, at RCPT too
    ("rcpt", "553 5.7.1 <a@example.com>: Sender address rejected: not owned by user app", "sender_rejected", ""),
    ("rcpt", "553 5.7.1 <a@example.com>: Sender address rejected: not logged in", "sender_rejected", "auth_required"),
    ("rcpt", "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found", "sender_rejected", "no_domain"),
    ("rcpt", "550 Sender verify failed", "sender_rejected", ""),
    ("rcpt", "550 5.1.7 <a b>: bad address", "sender_rejected", ""),
    ("mail", "550 5.1.8 who", "sender_rejected", "no_domain"),
    ("mail", "553 5.7.1 whatever", "sender_rejected", ""),
    # a login
    ("rcpt", "554 5.7.1 <app1[192.0.2.4]>: Client host rejected: Access denied", "sender_rejected", "auth_required"),
    ("mail", "530 5.7.0 Authentication required", "sender_rejected", "auth_required"),
    ("rcpt", "530 5.7.0 no", "sender_rejected", "auth_required"),
    ("rcpt", "550 5.7.1 Authentication is required for relaying", "sender_rejected", "auth_required"),
    ("mail", "550 5.7.57 Client not authenticated to send mail", "sender_rejected", "auth_required"),
    ("mail", "530 5.7.0 Must issue a STARTTLS command first", "auth_requires_tls", "mail"),
    ("rcpt", "450 4.7.11 Encryption required", "auth_requires_tls", "mail"),
    ("auth", "530 5.7.0 Must issue a STARTTLS command first", "auth_requires_tls", ""),
    ("mail", "550 encryption is required", "auth_requires_tls", "mail"),
    # the client's address
    (
        "rcpt",
        "554 5.7.1 Service unavailable; Client host [192.0.2.4] blocked using zen.spamhaus.org",
        "greeting_rejected",
        "address",
    ),
    ("greeting", "554 5.7.1 Your address is on a blocklist", "greeting_rejected", "address"),
    ("mail", "550 5.7.606 Access denied, banned sending IP [192.0.2.4]", "greeting_rejected", "address"),
    # relaying and recipients
    ("rcpt", "554 5.7.1 <x@example.net>: Relay access denied", "recipient_rejected", "relay"),
    ("rcpt", "550 relay not permitted", "recipient_rejected", "relay"),
    ("rcpt", "550 5.7.1 Relaying denied. Proper authentication required.", "recipient_rejected", "relay"),
    ("rcpt", "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown", "recipient_rejected", ""),
    ("data", "550 5.1.1 unknown", "recipient_rejected", ""),
    ("rcpt", "552 5.2.2 user over quota", "recipient_rejected", "mailbox_full"),
    ("rcpt", "452 4.2.2 Mailbox full", "temporarily_rejected", "mailbox_full"),
    # room and limits, in every stage
    ("mail", "452 4.3.1 Insufficient system storage", "temporarily_rejected", "no_space"),
    ("data", "452 Disk full", "temporarily_rejected", "no_space"),
    ("greeting", "421 4.7.0 Too many connections from your host", "temporarily_rejected", "limit"),
    ("greeting", "421 4.3.2 All server ports are busy", "temporarily_rejected", "limit"),
    ("greeting", "421 come back some other day", "temporarily_rejected", ""),
    ("ehlo", "421 too many concurrent connections", "temporarily_rejected", "limit"),
    ("ehlo", "450 4.7.0 Rate limit reached", "temporarily_rejected", "limit"),
    ("starttls", "421 4.7.0 Too many sessions", "temporarily_rejected", "limit"),
    ("auth", "421 4.7.0 too many login attempts", "temporarily_rejected", "limit"),
    ("mail", "421 4.7.0 closing", "temporarily_rejected", ""),
    ("rcpt", "450 4.7.1 Error: too much mail from 192.0.2.4", "temporarily_rejected", "limit"),
    ("rcpt", "550 5.7.1 Daily sending quota exceeded", "temporarily_rejected", "limit"),
    ("data", "451 Mails per session limit exceeded", "temporarily_rejected", "limit"),
    ("rcpt", "451 4.7.1 Greylisting in action, please come back later", "temporarily_rejected", ""),
    # what stays with its stage
    ("auth", "454 4.7.0 Temporary authentication failure", "auth_rejected", "temporary"),
    ("auth", "535 5.7.8 authentication failed: Client host rejected", "auth_rejected", ""),
    ("starttls", "454 4.7.0 TLS not available due to local problem", "starttls_rejected", ""),
    ("starttls", "550 5.7.1 not now", "starttls_rejected", "policy"),
    ("starttls", "530 5.7.0 access denied", "starttls_rejected", "policy"),
    ("starttls", "454 4.7.1 Service unavailable - milter", "starttls_rejected", "policy"),
    ("starttls", "454 4.3.0 cannot fork", "starttls_rejected", "resources"),
    ("greeting", "554 5.7.1 no", "greeting_rejected", ""),
    ("ehlo", "550 5.7.1 no", "ehlo_rejected", ""),
    # what filters say of a message, what is said where one is missing, and what of the sender's domain
    ("data", "554 5.7.1 Spam", "message_rejected", "content"),
    ("data", "550 This message scored 17.5 spam points.", "message_rejected", "content"),
    ("data", "554 5.7.1 command rejected; virus Eicar-Signature found", "message_rejected", "content"),
    ("data", "550 5.7.1 Contains URL listed at multi.surbl.org", "message_rejected", "content"),
    ("data", "451 4.7.1 Client host rejected: Spam score too high, try later", "temporarily_rejected", "content"),
    ("data", "451 4.7.1 Service unavailable - try again later", "temporarily_rejected", "filter"),
    ("mail", "451 4.7.1 Service unavailable - try again later", "temporarily_rejected", "filter"),
    ("data", "451 Virus scanner unavailable, try later", "temporarily_rejected", "filter"),
    ("data", "550 5.7.1 rejected by DMARC policy for example.com", "message_rejected", "sender_domain"),
    ("data", "550 5.7.20 no signature", "message_rejected", "sender_domain"),
    (
        "rcpt",
        "550 5.7.23 <b@x.test>: Recipient address rejected: Message rejected due to: SPF fail - not authorized",
        "message_rejected",
        "sender_domain",
    ),
    (
        "rcpt",
        "451 4.7.24 <b@x.test>: Recipient address rejected: SPF lookup failed",
        "temporarily_rejected",
        "sender_domain",
    ),
    # who stands on the list: sender, recipient, the name in EHLO, or this host
    ("rcpt", "554 5.7.1 Service unavailable; Sender address [a@x.test] blocked using dbl.test", "sender_rejected", ""),
    ("mail", "550 5.7.1 Your domain x.test is blacklisted", "sender_rejected", ""),
    ("rcpt", "550 5.7.1 Recipient domain is on our blocklist", "recipient_rejected", ""),
    ("rcpt", "554 5.7.1 Service unavailable; Helo command [x.test] blocked using dbl.test", "ehlo_rejected", "name"),
    ("mail", "550 5.7.1 Sender IP 192.0.2.4 is on our blacklist", "greeting_rejected", "address"),
    ("mail", "550 5.7.1 Sender domain x.test not permitted here", "sender_rejected", ""),
    ("mail", "550 Sender domain x.test does not exist", "sender_rejected", "no_domain"),
    ("mail", "550 No MX for your FROM address", "sender_rejected", "no_domain"),
    (
        "rcpt",
        "451 4.7.1 Temporary rejected: Reconnect to fast. Please try again later",
        "temporarily_rejected",
        "limit",
    ),
    (
        "rcpt",
        "550 5.7.27 <a@x.test>: Sender address rejected: Domain x.test does not accept mail (nullMX)",
        "sender_rejected",
        "no_domain",
    ),
    ("rcpt", "550 We do not accept mail from your country", "greeting_rejected", "address"),
    ("rcpt", "550 Dynamic IP addresses are not accepted here", "greeting_rejected", "address"),
    ("rcpt", "550 HELO should be a fully qualified domain name", "ehlo_rejected", "name"),
    ("rcpt", "550 EHLO/HELO with an IP address is not accepted here", "ehlo_rejected", "name"),
    ("mail", "503 5.5.1 EHLO or HELO must be sent first", "ehlo_rejected", "out_of_step"),
    # 4xx in the greeting, and limits by Exim's words
    ("greeting", "451 System load too high", "temporarily_rejected", ""),
    ("greeting", "451 Sender rate overlimit - 2.0 / 1h", "temporarily_rejected", "limit"),
    ("mail", "451 Sender rate overlimit - 12.3 / 1h", "temporarily_rejected", "limit"),
    ("auth", "503 AUTH not permitted from your address", "greeting_rejected", "address"),
    ("mail", "552 5.3.4 Message size exceeds fixed limit", "message_rejected", "size"),
]


@pytest.mark.parametrize(
    "stage, reply, cause, variant", REPLIES, ids=[f"{stage} {reply[:50]}" for stage, reply, _c, _v in REPLIES]
)
def test_what_a_refusal_is_about(stage: str, reply: str, cause: str, variant: str) -> None:
    found = re.match(r"(\d{3})[ -]([45]\.\d+\.\d+)?", reply)
    assert found is not None
    said = meaning(Status(int(found[1]), found[2] or ""), stage, reply)
    assert said is not None
    assert (said.cause, said.variant) == (cause, variant)
    assert cause_row(said.cause, said.variant).variant == said.variant, "the row is there"


@given(
    st.text(max_size=200),
    st.sampled_from(["", "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data"]),
    st.booleans(),
)
def test_any_words(words: str, stage: str, temporary: bool) -> None:
    said = refusal(temporary, words, stage)
    assert said is None or cause_row(said.cause, said.variant).code == said.cause
    assert said is None or said.weight > 0


@pytest.mark.parametrize(
    "unit", ["a ", "client host ", "too many ", "exceed ", "mail from ", "your ip ", "sender domain ", "host "]
)
def test_long_words_take_no_time(unit: str) -> None:
    start = time.process_time()
    for _time in range(20):
        refusal(False, unit * 2000, "rcpt")
    assert time.process_time() - start < 1


def test_an_invalid_address_is_a_refusal_only_behind_a_code() -> None:
    """Without one it may be an address in the settings of who prints it."""
    assert refusal(False, "invalid ip: 203.0.113.9", "") is not None
    assert refusal(False, "error: invalid ip address 10.0.0.300 configured", NO_CODE) is None
    assert refusal(False, "your ip is banned", NO_CODE) is not None

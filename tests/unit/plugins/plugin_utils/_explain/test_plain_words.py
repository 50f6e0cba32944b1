# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that no table knows: of unknown products, and what libraries print of each of their own errors."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain

from tests.support.rows import read_yaml

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HERE = Path(__file__).parent
SENTENCES = yaml.safe_load((HERE / "sentences_of_products.yml").read_text("utf-8"))
LIBRARIES = read_yaml(HERE / "error_texts_of_libraries.yml")
LAYERS = read_yaml(HERE / "error_texts_of_layers.yml")


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row[1])
def test_what_an_unknown_product_says_is_understood_and_never_certain(row: list[list[str] | str]) -> None:
    causes, text = row
    result = explain(str(text), NOW)
    assert result["cause"] in causes


# A test per library and layer, which names the rows that fail: a test per row takes longer to be made than to run.


@pytest.mark.parametrize("by", sorted({row[0] for row in LIBRARIES + LAYERS}))
def test_every_error_of_a_library_and_of_a_layer_is_understood(by: str) -> None:
    assert [row for row in LIBRARIES + LAYERS if row[0] == by and not is_understood(row)] == []


def is_understood(row: list[t.Any]) -> bool:
    """One of its causes is found, and no other one is certain."""
    _by, causes, text = row
    result = explain(text, NOW)
    sure = {each["cause"] for each in result["causes"] if each["confidence"] == "certain"}
    return result["cause"] in causes and sure <= set(causes)


@pytest.mark.parametrize(
    "said",
    [
        "smtp: TLS handshake with smtp.example.com:465 complete (TLSv1.3)",
        "mail: certificate of smtp.example.com valid until 2027-01-01",
        "Mailer configured: host=smtp.example.com port=587 starttls=required timeout=30 auth=login",
        "smtp server listening on 0.0.0.0:1025, authentication not required",
        "smtpd: no client certificate requested",
        "smtp connection pool: 2 idle connections closed by server after 300s",
        "The user name or password of alice is wrong (web login), mail sent",
        "account locked, e-mail with unlock link sent to alice@example.com",
        "Unable to find user by email alice@example.com",
        "access denied: alice may not edit mail settings",
        "user name not set, skipping mail login",
        "WARN could not find mail folder Drafts for alice",
        "ERROR webmail session of alice terminated, timeout",
        "Could not resolve placeholder 'mail.host' in value",
        "ERROR s3: access denied for bucket mail-archive",
        "mail queue: 12 messages, at least one recipient each",
        "smtp client: no credentials supplied, login is skipped",
        "form of e-mail settings: port is required",
        "WARN mail template welcome: missing password placeholder in body",
        "ERROR too many open files in mail spool viewer",
        "user name is required to open the mail folder",
        "uhttpd[1201]: [mail-server.lan] luci: failed login on / for root from 192.0.2.4",
        "AuthApiError: Error sending confirmation mail",
        "mx postfix/postscreen[2100]: warning: haproxy read: time limit exceeded",
        "[ERROR] django.request: Internal Server Error: /api/0/internal/mail/ (status_code=500 request=<WSGIRequest: POST '/'>)",
    ],
)
def test_a_line_of_a_log_that_does_not_complain_of_mail_is_left_alone(said: str) -> None:
    assert explain(f"2026-03-04 10:00:00 {said}", NOW)["causes"] == []


def test_beside_a_line_that_says_more_a_sentence_says_nothing_new() -> None:
    log = [
        "2026-03-04 10:00:00 app[12]: ERROR smtp: the mail server's certificate isn't trusted",
        "2026-03-04 10:00:00 app[12]: ERROR smtp: x509: certificate is valid for mx.example.net, not smtp.example.com",
    ]
    for lines in (log, log[::-1]):
        result = explain(lines, NOW)
        assert [(each["cause"], each["count"]) for each in result["causes"]] == [("certificate_name_mismatch", 1)]

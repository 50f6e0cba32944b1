# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What platforms print in the language of their user."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.in_english import _SENTENCES, in_english
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def test_every_sentence_of_the_table_is_put_into_english() -> None:
    english = ""
    lost = []
    for line in _SENTENCES.strip("\n").splitlines():
        if not line.startswith(" "):
            english = line
            continue
        lost += [text for text in line.strip().split(" | ") if in_english(f"app: {text}!") != f"app: {english}!"]
    assert lost == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("smtp: connect(): Verbindungsaufbau abgelehnt", "connection_refused"),
        ("msmtp: errormsg='Nom ou service inconnu: smtp.exmple.fr'", "name_not_found"),
        # the letters that are not ASCII are lost
        ("SMTP: Le nom distant n'a pas pu ?tre r?solu: smtp.exmple.fr", "name_not_found"),
        ("SMTP: Le nom distant n'a pas pu \ufffdtre r\ufffdsolu: smtp.exmple.fr", "name_not_found"),
        ("smtplib: ConnectionRefusedError: [WinError 10061] 由于目标计算机积极拒绝，无法连接。", "connection_refused"),
        ("mail: stream_socket_client(): unable to connect to smtp.example.ru:465 (Время ожидания соединения истекло)", "connection_timeout"),
        ("Send-MailMessage : Postfach nicht verfügbar. Die Serverantwort war: 5.7.1 Unable to relay", "recipient_rejected"),
        ("Mailer: Erro de SMTP: Não foi possível autenticar.", "auth_rejected"),
    ],
)  # fmt: skip
def test_a_text_in_another_language_is_understood(text: str, cause: str) -> None:
    assert explain(text, NOW)["cause"] == cause


@pytest.mark.parametrize("month", ["nov.", "Nov", "nov"])
def test_a_date_in_another_language_is_read(month: str) -> None:
    result = explain(f"{month} 03 08:11:02 nas msmtp[12]: host=smtp.example.fr errormsg='Connexion refusée'", NOW)
    assert result["causes"][0]["first_seen"] == "2026-11-03T08:11:02"
    assert (
        explain("févr. 03 08:11:02 nas msmtp[12]: smtp: Connexion refusée", NOW)["causes"][0]["first_seen"]
        == "2026-02-03T08:11:02"
    )

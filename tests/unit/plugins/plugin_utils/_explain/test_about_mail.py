# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is about mail: the cheap look before the real one overlooks nothing."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.about_mail import may_be_mail
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.match import Read
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.rows import read_yaml

HERE = Path(__file__).parent
TEXTS = [row[2] for row in read_yaml(HERE / "error_texts_of_strangers.yml")]
LINES = [line for text in TEXTS for line in text.splitlines()]
PIECES = st.sampled_from(
    [
        "\n",
        " ",
        "\t",
        "\u00a0",
        "\\n",
        "\u201c",
        '"',
        "'",
        "-",
        "_",
        ":",
        ":465",
        "port",
        "535",
        "5.7.8",
        "command",
        "CONN",
        "(",
        "b'",
        "2001:db8::1",
    ]
)


def test_no_line_of_mail_is_overlooked() -> None:
    for line in LINES:
        assert may_be_mail(line) or not Read(line).topic.mail, line


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.one_of(PIECES, st.sampled_from(LINES).map(lambda line: line[:40])), max_size=8).map("".join))
def test_nor_a_piece_of_one(text: str) -> None:
    assert may_be_mail(text) or not Read(text).topic.mail


def test_an_undated_line_below_an_explained_one_needs_evidence_of_its_own() -> None:
    explained = "2026-01-12 11:22:34 ERROR mailer: SMTP error: 535 5.7.8 authentication failed"
    open_one = "2026-01-12 11:22:34 ERROR mailer: could not send mail"
    below = "wget: unable to resolve host address 'files.example.com'"
    assert [one["cause"] for one in explain([explained, below])["causes"]] == ["auth_rejected"]
    assert [one["cause"] for one in explain([open_one, "connect: Connection refused"])["causes"]] == [
        "connection_refused"
    ]


def test_a_domain_may_be_called_as_a_service_is() -> None:
    assert Read("smtp: connect to mx.matrix.org port 587 failed").topic.is_mail
    assert not Read("bind to ldap.example.com: mail attribute missing").topic.is_mail

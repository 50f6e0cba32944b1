# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's filters: a bad choice is an answer with one sentence, a wrong call is an error."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.filter import (
    mailpit_certificates,
    mailpit_client,
    mailpit_environment,
    mailpit_password_file,
    mailpit_plan,
    mailpit_program,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

USERS = [{"name": "app", "password": "s3cret"}]
CHOICE = {
    "auth": "users",
    "users": USERS,
    "names": ["mailpit.example.com"],
    "auth_file": "/a",
    "cert_file": "/c",
    "key_file": "/k",
}


@pytest.mark.parametrize(
    "module",
    [mailpit_certificates, mailpit_client, mailpit_environment, mailpit_password_file, mailpit_plan, mailpit_program],
)
def test_ansible_finds_the_filter_under_its_files_name(module: t.Any) -> None:
    assert list(module.FilterModule().filters()) == [module.__name__.rpartition(".")[2]]


def test_plan_says_what_mailpit_is_started_with() -> None:
    planned = mailpit_plan.mailpit_plan(CHOICE)
    assert (
        planned["refusal"] is None
        and planned["certificate"] == "own_ca"
        and planned["verifiable"]
        and not planned["cleartext_auth"]
    )
    assert planned["environment"]["MP_SMTP_REQUIRE_STARTTLS"] == "true" and planned["warnings"] == []
    assert "s3cret" not in str(planned)


@pytest.mark.parametrize(
    ("version", "password", "said"),
    [
        ("1.27.11", "s3 cret", "POP3 will refuse app, as Mailpit 1.27.11 takes no password with a blank there"), ("1.31.0", "s3 cret", ""),
        ("1.33.1", "s3cret ", "POP3 will refuse app, as Mailpit takes no password there that ends with a blank"), ("1.27.11", "s3\tcret", ""),
    ],
)  # fmt: skip
def test_who_cannot_log_in_with_pop3_is_said(version: str, password: str, said: str) -> None:
    """Seen with 1.16.0, 1.21.7, 1.24.0, 1.27.11, 1.31.0 and 1.33.1."""
    users = [{"name": "app", "password": password}, {"name": "other", "password": "x"}]
    planned = mailpit_plan.mailpit_plan({**CHOICE, "users": users, "version": version, "pop3_port": 1110})
    assert (
        planned["refusal"] is None and said in " ".join(planned["warnings"]) and bool(planned["warnings"]) is bool(said)
    )
    assert not mailpit_plan.mailpit_plan({**CHOICE, "users": users, "version": version})[
        "warnings"
    ] and "s3" not in str(planned)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"security": "tls"}, "mailpit_security is 'tls'"),
        ({"users": []}, "mailpit_users"),
        ({"users": [{"name": "a b", "password": "s3cret"}]}, "mailpit_users holds the name 'a b'"),
        ({"ui_users": [{"name": "", "password": "s3cret"}]}, "entry 1 of mailpit_ui_users"),
    ],
)
def test_plan_answers_a_bad_choice_with_a_sentence_and_nothing_else(change: dict, words: str) -> None:
    planned = mailpit_plan.mailpit_plan({**CHOICE, **change})
    assert list(planned) == ["refusal"] and words in planned["refusal"] and "s3cret" not in planned["refusal"]


def test_plan_finds_out_that_there_is_no_bcrypt_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MailpitRefusal("this controller has no bcrypt")

    monkeypatch.setattr(mailpit_accounts, "bcrypt_hasher", missing)
    assert mailpit_plan.mailpit_plan(CHOICE) == {"refusal": "this controller has no bcrypt"}
    assert mailpit_plan.mailpit_plan({**CHOICE, "auth": "none", "users": []})["refusal"] is None


def test_password_file() -> None:
    first = mailpit_password_file.mailpit_password_file(USERS)
    assert first["refusal"] is None and mailpit_password_file.mailpit_password_file(USERS, first["text"]) == first
    locked_out = mailpit_password_file.mailpit_password_file(
        [{"name": "app", "password": "new"}], first["text"], keep_others=True
    )
    assert locked_out["text"] == "" and "rotate to a new name" in locked_out["refusal"]


def test_certificates() -> None:
    made = mailpit_certificates.mailpit_certificates({}, "own_ca", ["mailpit.example.com"])
    texts = {
        name: made[name]
        for name in (
            "ca_certificate",
            "ca_key",
            "next_certificate",
            "next_key",
            "previous_certificate",
            "certificate",
            "key",
        )
    }
    assert mailpit_certificates.mailpit_certificates(
        texts, "own_ca", ["mailpit.example.com"], days="90", renew_days="30"
    ) == {**made, "reason": ""}
    assert (
        "introduce first"
        in mailpit_certificates.mailpit_certificates(texts, "own_ca", ["mailpit.example.com"], step="switch")["refusal"]
    )
    given = {"certificate": made["certificate"], "key": made["key"]}
    taken = mailpit_certificates.mailpit_certificates({}, "files", ["mailpit.example.com"], given=given)
    assert taken["refusal"] is None and taken["certificate"] == made["certificate"] and taken["trust"] == ""
    refused = mailpit_certificates.mailpit_certificates({}, "files", ["other.example.com"], given=given)
    assert "is not for other.example.com" in refused["refusal"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: mailpit_plan.mailpit_plan("starttls"),
        lambda: mailpit_plan.mailpit_plan({"securty": "starttls"}),
        lambda: mailpit_environment.mailpit_environment([]),
        lambda: mailpit_environment.mailpit_environment({}, "windows"),
        lambda: mailpit_certificates.mailpit_certificates({"cert": ""}, "own_ca", ["a.example"]),
        lambda: mailpit_certificates.mailpit_certificates({}, "acme", ["a.example"]),
        lambda: mailpit_certificates.mailpit_certificates({}, "files", ["a.example"], given={"cert": ""}),
    ],
)
def test_wrong_calls_are_errors(call: t.Callable[[], t.Any]) -> None:
    with pytest.raises(AnsibleFilterError):
        call()


def test_client_answers_with_a_file_or_a_sentence() -> None:
    assert mailpit_client.mailpit_client({}, "relay") == {"refusal": None, "text": "", "needs": []}
    relay = {
        "host": "smtp.example.com",
        "port": 465,
        "secure": True,
        "allowed_recipients": ["a.b+c@example.com", "@Example.org"],
    }
    made = mailpit_client.mailpit_client(relay, "relay")
    assert made["needs"] == ["MP_SMTP_RELAY_ALLOWED_RECIPIENTS"] and "tls: true" in made["text"]
    assert r"allowed-recipients: (?i)^a\.b\+c@example\.com$|@Example\.org$" in made["text"]
    copies = {
        "host": "smtp.example.com",
        "port": 465,
        "secure": True,
        "to": "a@example.com",
        "subject_prefix": "[x: y] ",
    }
    copied = mailpit_client.mailpit_client(copies, "forward")
    assert (
        copied["needs"] == ["MP_SMTP_FORWARD_SUBJECT_PREFIX", "MP_SMTP_FORWARD_TO"]
        and "subject-prefix: '[x: y] '" in copied["text"]
    )
    split = mailpit_client.mailpit_client({**relay, "subject_prefix": "a\nb"}, "relay")
    assert "mailpit_relay.subject_prefix is 'a\\nb': write a short text on one line" in split["refusal"]
    refused = mailpit_client.mailpit_client({**relay, "to": "x"}, "relay")
    assert refused["text"] == "" and "mailpit_relay holds to, which Mailpit does not have there" in refused["refusal"]
    with pytest.raises(AnsibleFilterError, match="write relay or forward"):
        mailpit_client.mailpit_client({}, "smarthost")


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("mailpit", b"\x7fELF...", None),
        ("start", b"#!/bin/sh\n", None),
        ("mailpit.tgz", b"\x1f\x8b...", None),
        ("mailpit.tar.gz", b"\x7fELF", "is no archive"),
        ("mailpit.zip", b"PK", "is neither a program nor named as an archive"),
        ("key", b"-----BEGIN EC PRIVATE KEY-----\n", "holds a private key"),
        ("start-with-key", b"#!/bin/sh\n# -----BEGIN PRIVATE KEY-----\n", "holds a private key"),
        ("mailpit.tar.gz", b"-----BEGIN RSA PRIVATE KEY-----\n", "holds a private key"),
        ("empty", b"", "is neither"),
    ],
)
def test_only_programs_and_archives_are_put_where_everybody_reads_them(
    name: str, content: bytes, words: str | None, tmp_path: pathlib.Path
) -> None:
    (tmp_path / name).write_bytes(content)
    said = mailpit_program.mailpit_program(str(tmp_path / name))
    assert said is None if words is None else words in said

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an old file and settings to the new file and all that is told about it."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import (
    Plan,
    check_present,
    mask,
    plan_absent,
    plan_present,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.passwords import may_be_a_password

PANGOLIN = load_descriptor("pangolin")
GIVEN: dict[str, t.Any] = {
    "host": "smtp.example.com",
    "port": "465",
    "secure": "true",
    "username": "app",
    "password": "n3w",
    "sender": "a@example.com",
}


def plan(old: bytes | None = b"", *, exact: bool = False, **more: t.Any) -> Plan:
    given_settings = {key: value for key, value in {**GIVEN, **more}.items() if value is not None}
    return plan_present(
        PANGOLIN,
        parse_settings(given_settings, probed=False, needs_credentials=True),
        given_settings,
        old,
        exact_security=exact,
    )


def test_a_new_file() -> None:
    made = plan(None)
    assert made.changed and made.before == "" and made.findings == []
    assert yaml.safe_load(made.content) == {
        "email": {
            "smtp_host": "smtp.example.com",
            "smtp_port": 465,
            "smtp_secure": True,
            "smtp_tls_reject_unauthorized": True,
            "smtp_user": "app",
            "smtp_pass": "n3w",
            "no_reply": "a@example.com",
        }
    }
    assert made.settings == {
        "host": "smtp.example.com",
        "port": 465,
        "secure": True,
        "security": "implicit_tls",
        "validate_certs": True,
        "username": "app",
        "sender": "a@example.com",
    }
    assert not plan(made.content).changed
    assert plan_absent(PANGOLIN, made.content).content == b"" and not plan_absent(PANGOLIN, None).changed


def test_the_diff_tells_that_a_password_changed_but_not_which() -> None:
    old = plan().content.replace(b"n3w", b"old-hunter2")
    made = plan(old)
    assert (
        "smtp_pass: ******** (the old password)" in made.before
        and "smtp_pass: ******** (the new password)" in made.after
    )
    assert "hunter2" not in made.before + made.after and "n3w" not in made.before + made.after
    same = plan(old, password="old-hunter2", host="other.example.com")
    assert "smtp_pass: ********\n" in same.before and "smtp_pass: ********\n" in same.after
    odd = plan(b"email:\n  smtp_pass: [hunter2]\n".replace(b"[hunter2]", b"12345"))
    assert "12345" not in odd.before + odd.after
    gone = plan_absent(PANGOLIN, old)
    assert gone.after == "" and "hunter2" not in gone.before


@pytest.mark.parametrize(
    "more, security, asked, codes",
    [
        ({}, "implicit_tls", "implicit_tls", []),
        ({"port": 587, "secure": False}, "opportunistic", "starttls", ["downgrade_possible"]),
        (
            {"port": 587, "secure": None, "security": "opportunistic"},
            "opportunistic",
            "opportunistic",
            ["downgrade_possible"],
        ),
        (
            {"port": 1025, "secure": None, "security": "cleartext"},
            "opportunistic",
            "cleartext",
            ["stronger_than_asked"],
        ),
        ({"ca_path": "/ca.pem"}, "implicit_tls", "implicit_tls", ["ca_not_expressible"]),
        ({"server_name": "smtp.example.com"}, "implicit_tls", "implicit_tls", []),
        (
            {"sender_name": "A", "helo_name": "b.example.com", "timeout": 5, "auth_mechanism": "login"},
            "implicit_tls",
            "implicit_tls",
            ["not_expressible"] * 4,
        ),
        ({"ip_version": "4"}, "implicit_tls", "implicit_tls", ["not_expressible"]),
        ({"sender": None}, "implicit_tls", "implicit_tls", ["sender_missing"]),
    ],
)
def test_findings(more: dict[str, t.Any], security: str, asked: str, codes: list[str]) -> None:
    made = plan(**more)
    assert (
        made.security == security
        and made.settings["security"] == asked
        and [finding["code"] for finding in made.findings] == codes
    )
    assert all(
        finding["severity"] in ("info", "warning") and "{" not in finding["message"] + finding["remedy"]
        for finding in made.findings
    )


def test_refusals() -> None:
    with pytest.raises(AppError, match="cannot require STARTTLS, and exact_security was asked for"):
        plan(port=587, secure=False, exact=True)
    with pytest.raises(
        AppError, match="server_name mail.example.com cannot be written. Write the name of the certificate as host"
    ):
        plan(server_name="mail.example.com")
    with pytest.raises(AppError, match="it is not UTF-8 text"):
        plan("email: ü".encode("utf-16"))
    with pytest.raises(AppError, match="line 1 is nested|is not valid YAML"):
        plan(b"a: [\n")
    assert plan(exact=True, port=25, secure=None, security="cleartext").security == "opportunistic"


def test_what_goes_and_what_stays() -> None:
    old = plan().content + b"    theirs: 1\n"
    made = plan(old, username=None, password=None, sender=None)
    email = yaml.safe_load(made.content)["email"]
    assert (
        "smtp_user" not in email
        and "smtp_pass" not in email
        and email["no_reply"] == "a@example.com"
        and email["theirs"] == 1
    )
    assert made.findings == [] and made.settings["sender"] == "a@example.com" and "username" not in made.settings


def test_a_validators_words_are_masked() -> None:
    content = b"a: other-s3cret # even-0lder\nlist:\n  - 'it''s s3cret'\ntext: |\n  first s3cret\n  second\n"
    words = "bad.yml:1: other-s3cret; a: 'it''s s3cret' it's s3cret; first s3cret / second; # even-0lder; text: wrong"
    masked = mask(words, content)
    assert (
        "s3cret" not in masked
        and "even-0lder" not in masked
        and "text: wrong" in masked
        and masked.startswith("bad.yml:1: ")
    )


@settings(deadline=None)
@given(
    password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60).filter(
        may_be_a_password
    ),
    old=st.sampled_from([b"# c\r\napp: 1\r\n", b"email:\n    smtp_pass: plain\n", b'email: {smtp_pass: "quoted"}\n']),
)
@example(password="n3w\n", old=b"email:\n    smtp_pass: plain\n")
def test_any_password_arrives_exactly(password: str, old: bytes) -> None:
    made = plan(old, password=password)
    assert yaml.safe_load(made.content)["email"]["smtp_pass"] == password
    assert not plan(made.content, password=password).changed


SPRING = """spring:
  mail:
    host: old
---
spring:
  config.activate.on-profile: prod
  mail:
    host: theirs # stays
---
spring:
  mail:
    port: 25 # ours
    username: gone
"""


def test_the_documents_of_a_file_that_count_with_a_profile_stay() -> None:
    spring, given = load_descriptor("spring"), {"host": "new.example", "port": 465, "secure": True}
    place = load_place(spring, "/srv/application.yml")
    made = plan_present(spring, parse_settings(given, probed=False), given, SPRING.encode(), place=place)
    text = made.content.decode()
    assert text.startswith(SPRING[: SPRING.index("    port")])
    always = list(yaml.safe_load_all(text))[2]["spring"]["mail"]
    assert always["host"] == "new.example" and always["port"] == 465 and "username" not in always
    assert [one["code"] for one in made.findings] == ["overridden"] and made.settings["host"] == "new.example"
    again = plan_present(spring, parse_settings(given, probed=False), given, made.content, place=place)
    assert not again.changed
    only = b"spring:\n  profiles: prod\n  mail: {host: h}\n"
    with pytest.raises(AppError, match="each of its documents counts only with a profile; write one without"):
        plan_present(spring, parse_settings(given, probed=False), given, only, place=place)


def test_several_relays_that_one_takes_the_place_of_are_named() -> None:
    symfony, given = load_descriptor("symfony"), {"host": "new.example", "port": 465, "secure": True}
    old = b"MAILER_DSN='failover(smtp://a:s3cret@a.example smtp://b:s3cret@b.example:25)'\n"
    made = plan_present(symfony, parse_settings(given, probed=False), given, old)
    (finding,) = made.findings
    assert finding["code"] == "several_relays" and "smtp://********@b.example:25" in finding["message"]
    assert "s3cret" not in repr(made.findings) and b"failover" not in made.content


@pytest.mark.parametrize(
    "app, path, words",
    [
        ("gitlab", "/srv/compose.yml", "GITLAB_OMNIBUS_CONFIG is read here and not changed: write gitlab.rb itself"),
        (
            "postfix",
            "/srv/compose.yml",
            "holds environment variables, and Postfix reads none for its mail; write the path",
        ),
    ],
)
def test_where_an_app_cannot_be_given_its_settings(app: str, path: str, words: str) -> None:
    descriptor, given = load_descriptor(app), {"host": "h.example", "port": 465, "secure": True}
    with pytest.raises(AppError, match=words):
        place = load_place(descriptor, path, service="web" if app == "gitlab" else None)
        check_present(descriptor, parse_settings(given, probed=False), given, place)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's decision against what was measured with every combination of Mailpit's flags."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.environment import render_environment
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import (
    AUTHS,
    SECURITIES,
    Effect,
    Flags,
    MailpitRefusal,
    effect_of,
    refusal_of,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import CERTIFICATES, Choice, plan

# Measured again by tests/integration/test_mailpit_flags.py. "OK" is a Mailpit that starts, anything else its own words.
MEASURED = json.loads((pathlib.Path(__file__).parent / "flags.json").read_text())["rows"]

# A word of Mailpit's sentence, and one of ours for the same reason.
SAME_REASON = [
    ("you must provide both", "give both"),
    ("[smtp] TLS cannot be required without", "TLS cannot be required without"),
    ("STARTTLS cannot be required without", "STARTTLS cannot be required without"),
    ("--smtp-auth-allow-insecure to allow", "logins need TLS"),
    ("with --smtp-auth-allow-insecure", "outside TLS where TLS is required"),
    ("`--smtp-auth-allow-insecure`", "logins need TLS"),
    ("TLS & STARTTLS", "either implicit TLS or STARTTLS"),
    ("cannot use both credentials", "either knows its users"),
]


def flags_of(row: list) -> Flags:
    cert, require_tls, require_starttls, auth_file, allow_insecure, accept_any, _result = row
    return Flags(
        cert=cert in ("both", "cert_only"), key=cert in ("both", "key_only"), require_tls=bool(require_tls), require_starttls=bool(require_starttls),
        auth_file=bool(auth_file), allow_insecure=bool(allow_insecure), accept_any=bool(accept_any),
    )  # fmt: skip


def raw_environment(row: list) -> dict:
    """The same combination as somebody would write it into mailpit_environment."""
    cert, require_tls, require_starttls, auth_file, allow_insecure, accept_any, _result = row
    values = {
        "MP_SMTP_TLS_CERT": "/c" if cert in ("both", "cert_only") else None,
        "MP_SMTP_TLS_KEY": "/k" if cert in ("both", "key_only") else None,
        "MP_SMTP_REQUIRE_TLS": require_tls, "MP_SMTP_REQUIRE_STARTTLS": require_starttls, "MP_SMTP_AUTH_FILE": "/p" if auth_file else None,
        "MP_SMTP_AUTH_ALLOW_INSECURE": allow_insecure, "MP_SMTP_AUTH_ACCEPT_ANY": accept_any,
    }  # fmt: skip
    return {name: str(value) for name, value in values.items() if value}


def choice(**changes) -> Choice:
    base = Choice(
        cert_file="/etc/mailpit/tls/cert.pem", key_file="/etc/mailpit/tls/key.pem", auth_file="/etc/mailpit/smtp.passwd",
        ui_auth_file="/etc/mailpit/ui.passwd", database="/var/lib/mailpit/mailpit.db", names=("mailpit.example.com",),
    )  # fmt: skip
    changes.setdefault("has_users", changes.get("auth") == "users")
    return dataclasses.replace(base, **changes)


def refused(**changes) -> str:
    with pytest.raises(MailpitRefusal) as caught:
        plan(choice(**changes))
    return str(caught.value)


def flags_in(environment: dict) -> Flags:
    """The flags that Mailpit reads from an environment: only 1, true and yes are true."""

    def yes(name: str) -> bool:
        return environment.get(name, "").lower() in ("1", "true", "yes")

    return Flags(
        cert=bool(environment.get("MP_SMTP_TLS_CERT")), key=bool(environment.get("MP_SMTP_TLS_KEY")), require_tls=yes("MP_SMTP_REQUIRE_TLS"),
        require_starttls=yes("MP_SMTP_REQUIRE_STARTTLS"), auth_file=bool(environment.get("MP_SMTP_AUTH_FILE")),
        inline_auth=bool(environment.get("MP_SMTP_AUTH")), allow_insecure=yes("MP_SMTP_AUTH_ALLOW_INSECURE"), accept_any=yes("MP_SMTP_AUTH_ACCEPT_ANY"),
    )  # fmt: skip


def test_the_table_is_whole() -> None:
    assert len(MEASURED) == 128 and sum(row[-1] == "OK" for row in MEASURED) == 16


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: "-".join(str(part) for part in row[:-1]))
def test_model_refuses_what_mailpit_refuses_and_for_the_same_reason(row: list) -> None:
    sentence = refusal_of(flags_of(row))
    if row[-1] == "OK":
        assert sentence is None
        return
    assert sentence and "mailpit_" in sentence and "\n" not in sentence
    ours = next(word for theirs, word in SAME_REASON if theirs in row[-1])
    assert ours in sentence


@pytest.mark.parametrize(
    "row",
    [row for row in MEASURED if any(row[1:6]) or row[0] != "none"],
    ids=lambda row: "-".join(str(part) for part in row[:-1]),
)
def test_no_combination_gets_past_the_one_choice(row: list) -> None:
    sentence = refused(security="cleartext", extra=raw_environment(row))
    assert "must not hold MP_SMTP_" in sentence and "set mailpit_" in sentence


@pytest.mark.parametrize(
    "flags, effect",
    [
        # mailpit_behaviour: what a client met
        (Flags(), Effect("cleartext", "none", False)),
        (Flags(allow_insecure=True, accept_any=True), Effect("cleartext", "accept_any", True)),
        (Flags(allow_insecure=True, auth_file=True), Effect("cleartext", "users", True)),
        (Flags(cert=True, key=True), Effect("opportunistic", "none", False)),
        (Flags(cert=True, key=True, accept_any=True), Effect("opportunistic", "accept_any", True)),
        (Flags(cert=True, key=True, auth_file=True), Effect("starttls", "users", False)),
        (Flags(cert=True, key=True, auth_file=True, allow_insecure=True), Effect("opportunistic", "users", True)),
        (Flags(cert=True, key=True, require_starttls=True, accept_any=True), Effect("starttls", "accept_any", False)),
        (Flags(cert=True, key=True, require_tls=True, auth_file=True), Effect("implicit_tls", "users", False)),
        (Flags(cert=True, key=True, inline_auth=True), Effect("opportunistic", "users", True)),
        (Flags(cert=True, key=True, inline_auth=True, require_starttls=True), Effect("starttls", "users", False)),
    ],
)
def test_effect_is_what_was_measured(flags: Flags, effect: Effect) -> None:
    assert effect_of(flags) == effect


EVERY_CHOICE = list(itertools.product(SECURITIES, AUTHS, ("", *CERTIFICATES), (False, True)))


@pytest.mark.parametrize("security, auth, certificate, cleartext", EVERY_CHOICE)
def test_every_choice_does_what_it_says_or_is_refused(
    security: str, auth: str, certificate: str, cleartext: bool
) -> None:
    wanted = choice(security=security, auth=auth, certificate=certificate, allow_cleartext_auth=cleartext)
    try:
        planned = plan(wanted)
    except MailpitRefusal as refusal:
        assert "mailpit_" in str(refusal) and "set " in str(refusal)
        return
    flags = flags_in(planned.environment)
    assert refusal_of(flags) is None
    effect = effect_of(flags)
    assert effect == planned.effect
    assert (effect.security, effect.auth) == (security, auth)
    if security in ("implicit_tls", "starttls"):
        assert not effect.cleartext_auth
    elif effect.cleartext_auth:
        assert security == "cleartext" or cleartext
    # Not told by MP_SMTP_REQUIRE_STARTTLS alone, but by this it cannot become anything else.
    assert (security == "starttls") == flags.require_starttls and (security == "implicit_tls") == flags.require_tls


def test_choices_that_are_allowed() -> None:
    allowed = set()
    for security, auth, certificate, cleartext in EVERY_CHOICE:
        try:
            plan(choice(security=security, auth=auth, certificate=certificate, allow_cleartext_auth=cleartext))
        except MailpitRefusal:
            continue
        allowed.add((security, auth, certificate or "default", cleartext))
    tls_certificates = {"default", "files", "own_ca", "self_signed", "mailpit"}
    expected = {
        (security, auth, c, False)
        for security in ("implicit_tls", "starttls")
        for auth in AUTHS
        for c in tls_certificates
    }
    expected |= {("opportunistic", "none", c, cleartext) for c in tls_certificates for cleartext in (False, True)}
    expected |= {("opportunistic", auth, c, True) for auth in ("users", "accept_any") for c in tls_certificates}
    expected |= {
        ("cleartext", auth, c, cleartext) for auth in AUTHS for c in ("default", "none") for cleartext in (False, True)
    }
    assert allowed == expected


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"security": "tls"}, ["mailpit_security is 'tls'", "implicit_tls, starttls"]),
        ({"auth": "yes"}, ["mailpit_auth is 'yes'"]),
        ({"certificate": "letsencrypt"}, ["mailpit_certificate is", "own_ca"]),
        ({"auth": "users", "has_users": False}, ["mailpit_users", "lets everybody in"]),
        ({"auth": "accept_any", "has_users": True}, ["mailpit_users is set", "set mailpit_auth to users"]),
        ({"security": "cleartext", "certificate": "own_ca"}, ["offers STARTTLS", "opportunistic"]),
        ({"security": "implicit_tls", "certificate": "none"}, ["needs a certificate"]),
        ({"certificate": "files", "key_file": ""}, ["mailpit_certificate_key_file"]),
        ({"certificate": "own_ca", "names": ()}, ["mailpit_server_names"]),
        ({"certificate": "mailpit", "names": ("192.0.2.1",)}, ["DNS names only"]),
        ({"names": ("smtp://mailpit.example.com",)}, ["without scheme, port or blanks"]),
        ({"names": ("mailpit.example.com:1025",)}, ["without scheme, port or blanks"]),
        ({"certificate": "mailpit", "version": "v1.22.0"}, ["1.27.2 or newer"]),
        ({"version": "1.15.1"}, ["1.16.0 or newer"]),
        ({"version": "1.21.7", "chaos": True}, ["mailpit_chaos", "1.22.0 or newer"]),
        ({"version": "v1.21.7", "forward_config": "/f.yml"}, ["mailpit_forward_config", "1.22.0 or newer"]),
        ({"auth": "users", "log_level": "verbose"}, ["passwords included"]),
        ({"auth": "accept_any", "log_level": "verbose"}, ["passwords included"]),
        ({"smtp_port": 0}, ["mailpit_smtp_port is 0", "1 to 65535"]),
        ({"smtp_port": 70000}, ["mailpit_smtp_port is 70000"]),
        ({"smtp_port": "abc"}, ["mailpit_smtp_port is 'abc'"]),
        ({"smtp_port": True}, ["mailpit_smtp_port is True"]),
        ({"smtp_port": 8025}, ["both 8025"]),
        ({"smtp_address": "127.0.0.1:1025"}, ["leave the port out"]),
        ({"smtp_address": "smtp://x"}, ["mailpit_smtp_address"]),
        ({"ui_webroot": "/a b"}, ["mailpit_ui_webroot"]),
        ({"security": "cleartext", "ui_tls": True}, ["mailpit_ui_tls"]),
        ({"chaos_triggers": "Sender:451:10"}, ["mailpit_chaos to true"]),
        ({"chaos": True, "chaos_triggers": "Sender:200:10"}, ["'Sender:200:10'", "400 to 599"]),
        ({"chaos": True, "chaos_triggers": "Sender:451:101"}, ["percentage"]),
        ({"extra": {"PATH": "/bin"}}, ["'PATH'"]),
        ({"extra": {"MP_SMTP_AUTH": "a:b"}}, ["MP_SMTP_AUTH", "accepts passwords outside TLS"]),
        ({"extra": {"MP_SMTP_SSL_KEY": "/k"}}, ["MP_SMTP_SSL_KEY", "mailpit_certificate"]),
        ({"extra": {"MP_DISABLE_WAL": "perhaps"}}, ["write true or false"]),
        ({"extra": {"MP_LABEL": "a\nMP_SMTP_AUTH_ACCEPT_ANY=true"}}, ["MP_LABEL", "line break"]),
        ({"database": "/var/lib/x\ny/mailpit.db"}, ["mailpit_data_dir, or the mailpit_service_name", "line break"]),
        ({"extra": {"MP_LABEL": None}}, ["MP_LABEL", "no value"]),
        ({"extra": {"MP_MAX_AG": "3d"}}, ["MP_MAX_AG", "write MP_MAX_AGE"]),
        ({"extra": {"MP_SMTP_ALLOWED_RECIPIENT": "x"}}, ["write MP_SMTP_ALLOWED_RECIPIENTS"]),
        *(
            # A search in the program finds the beginning of a name, too.
            ({"extra": {slip: "x"}}, [f"holds {slip}, which Mailpit does not read: write {meant}"])
            for slip, meant in (
                ("MP_SMTP_RELAY", "MP_SMTP_RELAY_ALL"),
                ("MP_TAGS_CON", "MP_TAGS_CONFIG"),
                ("MP_MAX", "MP_MAX_AGE"),
                ("MP_ENABLE_RSPAM", "MP_ENABLE_RSPAMD"),
            )
        ),
        ({"extra": {"MP_ENABLE_RSPAMD": "yes"}}, ["a host and a port, or a URL"]),
        (
            {"extra": {"MP_ENABLE_RSPAMD": "https://pw@rspamd.example:11334"}, "contained": True},
            ["inspect", "write it without"],
        ),
        ({"extra": {"MP_MAX_MESSAGE_SIZE": "50MB"}}, ["MP_MAX_MESSAGE_SIZE", "'50MB'", "megabytes, without a unit"]),
        ({"extra": {"MP_SMTP_MAX_RECIPIENTS": "0"}}, ["write 1 to"]),
        ({"extra": {"MP_COMPRESSION": "9"}}, ["write 0 to 3"]),
        ({"extra": {"MP_WEBHOOK_URL": "hook.example.com"}}, ["MP_WEBHOOK_URL", "such as https://"]),
        ({"extra": {"MP_SMTP_ALLOWED_RECIPIENTS": "*@example.com"}}, ["no regular expression"]),
        ({"extra": {"MP_POP3_BIND_ADDR": "1110"}}, ["an address and a port"]),
        (
            {"extra": {"MP_LOG_FILE": "/var/log/mailpit.log"}, "sandboxed": True},
            ["sandbox", "write /var/lib/mailpit/mailpit.log"],
        ),
        ({"extra": {"MP_LOG_FILE": "/var/lib/mailpit/../x"}, "sandboxed": True}, ["sandbox"]),
        (
            {"extra": {"MP_LOG_FILE": "/var/log/m.log"}, "sandboxed": True, "contained": True},
            ["the container", "write /var/lib/mailpit/mailpit.log"],
        ),
        (
            {"extra": {"MP_SMTP_RELAY_PASSWORD": "x"}, "contained": True},
            ["MP_SMTP_RELAY_PASSWORD", "inspect", "set mailpit_relay"],
        ),
        (
            {"extra": {"MP_WEBHOOK_URL": "https://u:s@hook.example/"}, "contained": True},
            ["MP_WEBHOOK_URL", "inspect", "write it without"],
        ),
        ({"extra": {"MP_SEND_API_AUTH": "a:b"}, "contained": True}, ["mailpit_send_api_users"]),
        ({"extra": {"MP_MAX_AGE": "3d"}, "max_age": "2d"}, ["MP_MAX_AGE", "take one of them out"]),
        ({"max_age": "3 days"}, ["mailpit_max_age is '3 days'", "such as 12h or 3d"]),
        ({"max_message_size": "50MB"}, ["mailpit_max_message_size is '50MB'", "write a number"]),
        ({"allowed_recipients": "("}, ["mailpit_allowed_recipients is '('", "no regular expression"]),
        ({"pop3_port": 1110}, ["mailpit_pop3_port needs the accounts"]),
        ({"pop3_port": 1025, "auth": "users"}, ["mailpit_pop3_port is 1025"]),
        ({"pop3_port": "pop3", "auth": "users"}, ["mailpit_pop3_port is 'pop3'"]),
        ({"extra": {"MP_ENABLE_PROMETHEUS": ":1025"}}, ["MP_ENABLE_PROMETHEUS", "the port 1025", "mailpit_smtp_port"]),
        ({"extra": {"MP_ENABLE_PROMETHEUS": "[::1]:8025"}}, ["MP_ENABLE_PROMETHEUS", "mailpit_ui_port"]),
        (
            {"extra": {"MP_POP3_AUTH_FILE": "/a", "MP_POP3_BIND_ADDR": ":9090", "MP_ENABLE_PROMETHEUS": ":9090"}},
            ["MP_ENABLE_PROMETHEUS", "and so has MP_POP3_BIND_ADDR"],
        ),
        (
            {"extra": {"MP_POP3_BIND_ADDR": "127.0.0.1:1110"}},
            ["MP_POP3_BIND_ADDR", "opens nothing", "mailpit_pop3_port"],
        ),
    ],
)
def test_refusals_name_the_option_and_what_to_write(changes: dict, words: list) -> None:
    sentence = refused(**changes)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("word", [True, "on", "ON", "enabled", "y", "1", "yes", "true", 1])
def test_booleans_get_the_one_spelling_that_mailpit_takes_for_true(word: object) -> None:
    assert plan(choice(extra={"MP_USE_MESSAGE_DATES": word})).environment["MP_USE_MESSAGE_DATES"] == "true"


@pytest.mark.parametrize("word", [False, "off", "no", "0", "", 0])
def test_false_is_left_out(word: object) -> None:
    assert "MP_USE_MESSAGE_DATES" not in plan(choice(extra={"MP_USE_MESSAGE_DATES": word})).environment


@pytest.mark.parametrize(
    "address, bound",
    [
        ("", "[::]:1025"),
        ("0.0.0.0", "0.0.0.0:1025"),
        ("::", "[::]:1025"),
        ("[::1]", "[::1]:1025"),
        ("127.0.0.1", "127.0.0.1:1025"),
        ("fe80::1%eth0", "[fe80::1%eth0]:1025"),
    ],
)
def test_bind_address(address: str, bound: str) -> None:
    assert plan(choice(smtp_address=address, smtp_port="1025")).environment["MP_SMTP_BIND_ADDR"] == bound


@pytest.mark.parametrize(
    "changes, more",
    [
        ({}, {}),
        ({"auth": "users", "pop3_port": 1110}, {"pop3": ("127.0.0.1", 1110)}),
        ({"extra": {"MP_POP3_AUTH_FILE": "/a"}}, {"MP_POP3_BIND_ADDR": ("::", 1110)}),
        ({"extra": {"MP_ENABLE_PROMETHEUS": True}}, {}),
        ({"extra": {"MP_ENABLE_PROMETHEUS": "[::1]:9090"}}, {"MP_ENABLE_PROMETHEUS": ("::1", 9090)}),
    ],
)
def test_every_place_where_mailpit_will_listen_is_known(changes: dict, more: dict) -> None:
    assert plan(choice(**changes)).listen == {"smtp": ("::", 1025), "ui": ("127.0.0.1", 8025), **more}


def test_environment_of_forced_starttls() -> None:
    assert plan(choice(auth="users")).environment == {
        "MP_DATABASE": "/var/lib/mailpit/mailpit.db",
        "MP_DISABLE_VERSION_CHECK": "true",
        "MP_MAX_MESSAGES": "500",
        "MP_SMTP_AUTH_FILE": "/etc/mailpit/smtp.passwd",
        "MP_SMTP_BIND_ADDR": "[::]:1025",
        "MP_SMTP_DISABLE_RDNS": "true",
        "MP_SMTP_REQUIRE_STARTTLS": "true",
        "MP_SMTP_TLS_CERT": "/etc/mailpit/tls/cert.pem",
        "MP_SMTP_TLS_KEY": "/etc/mailpit/tls/key.pem",
        "MP_UI_BIND_ADDR": "127.0.0.1:8025",
    }


def test_warnings_say_what_works_and_should_be_known() -> None:
    assert not plan(choice()).warnings
    assert "no client can verify" in " ".join(plan(choice(certificate="mailpit")).warnings)
    assert "outside TLS" in " ".join(plan(choice(security="cleartext", auth="users")).warnings)
    assert "open to whoever" in " ".join(plan(choice(ui_address="0.0.0.0")).warnings)
    assert "cleartext" in " ".join(plan(choice(ui_address="0.0.0.0", has_ui_users=True)).warnings)
    assert not plan(choice(ui_address="0.0.0.0", has_ui_users=True, ui_tls=True)).warnings


def test_environment_file_for_systemd_quotes_and_for_a_container_does_not() -> None:
    environment = {"MP_A": "plain/1.2:3", "MP_B": r'a "b" \d+$ `c`', "MP_C": "two words"}
    assert render_environment(environment, "systemd").splitlines()[1:] == [
        "MP_A=plain/1.2:3",
        r'MP_B="a \"b\" \\d+\$ \`c\`"',
        'MP_C="two words"',
    ]
    assert render_environment(environment, "container").splitlines()[1:] == [
        "MP_A=plain/1.2:3",
        r'MP_B=a "b" \d+$ `c`',
        "MP_C=two words",
    ]


def test_what_further_options_write() -> None:
    planned = plan(
        choice(
            auth="users",
            max_age="3d",
            max_message_size="20",
            allowed_recipients="@example[.]com$",
            tags_config="/etc/mailpit/tags.yml",
            pop3_port="1110",
            has_send_api_users=True,
            send_api_auth_file="/etc/mailpit/send-api.passwd",
            extra={"MP_LABEL": "staging"},
        )
    )
    wanted = {
        "MP_MAX_AGE": "3d", "MP_MAX_MESSAGE_SIZE": "20", "MP_SMTP_ALLOWED_RECIPIENTS": "@example[.]com$", "MP_TAGS_CONFIG": "/etc/mailpit/tags.yml",
        "MP_POP3_BIND_ADDR": "127.0.0.1:1110", "MP_POP3_AUTH_FILE": "/etc/mailpit/smtp.passwd", "MP_POP3_TLS_CERT": "/etc/mailpit/tls/cert.pem",
        "MP_POP3_TLS_KEY": "/etc/mailpit/tls/key.pem", "MP_SEND_API_AUTH_FILE": "/etc/mailpit/send-api.passwd", "MP_LABEL": "staging",
    }  # fmt: skip
    assert {name: planned.environment[name] for name in wanted} == wanted and set(planned.optional) == set(wanted)
    assert not plan(choice()).optional
    assert plan(choice(max_message_size=0)).environment["MP_MAX_MESSAGE_SIZE"] == "0", (
        "0 is said, not left out: no limit"
    )


def test_a_name_that_nobody_knows_is_reported_and_left_to_the_program() -> None:
    planned = plan(choice(extra={"MP_BRAND_NEW": "x"}))
    assert planned.environment["MP_BRAND_NEW"] == "x" and planned.optional == ("MP_BRAND_NEW",)
    assert any("MP_BRAND_NEW" in warning and "spelt" in warning for warning in planned.warnings)

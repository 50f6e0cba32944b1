# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for apps that take wrong settings without complaint, and what is refused or told instead."""

from __future__ import annotations

import json
import tomllib
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import Plan, plan_absent, plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings

LOGIN = {"host": "smtp.example.com", "username": "me", "password": "p-w $x", "sender": "a@example.com"}


def plan(app: str, given: dict[str, t.Any], old: str = "", offered: list[str] | None = None, **place: str) -> Plan:
    descriptor = load_descriptor(app)
    settings = parse_settings(given, probed=False, needs_credentials=True)
    where = load_place(descriptor, **place)
    made = plan_present(descriptor, settings, given, old.encode(), place=where, offered=offered)
    assert "p-w" not in made.before + made.after
    again = plan_present(descriptor, settings, given, made.content, place=where, offered=offered)
    assert again.content == made.content and not again.changed
    return made


def codes(made: Plan) -> list[str]:
    return [finding["code"] for finding in made.findings]


def test_grafana_in_its_file_and_in_a_compose_file() -> None:
    given = {**LOGIN, "port": 587, "secure": False, "sender_name": "Grafana"}
    made = plan("grafana", given, "[smtp]\n;host = localhost:25\n\n[log]\n", path="/etc/grafana/grafana.ini")
    assert made.content.decode() == (
        "[smtp]\n;host = localhost:25\nenabled = true\nhost = smtp.example.com:587\nuser = me\npassword = `p-w $x`\n"
        "skip_verify = false\nfrom_address = a@example.com\nfrom_name = Grafana\nstartTLS_policy = MandatoryStartTLS\n\n[log]\n"
    )
    assert made.security == "starttls" and codes(made) == []
    compose = "services:\n  grafana:\n    image: grafana/grafana\n  db: {}\n"
    made = plan("grafana", given, compose, path="/opt/stack/compose.yml", service="grafana")
    environment = yaml.safe_load(made.content)["services"]["grafana"]["environment"]
    assert environment["GF_SMTP_HOST"] == "smtp.example.com:587" and environment["GF_SMTP_PASSWORD"] == "p-w $$x"
    assert made.content.decode().startswith("services:\n  grafana:\n    image: grafana/grafana\n    environment:\n")


@pytest.mark.parametrize(
    "app, given, sentence",
    [
        ("grafana", {"port": 2465, "secure": True}, "write port 465 for security: implicit_tls"),
        ("alertmanager", {"port": 2465, "secure": True}, "write port 465 for security: implicit_tls"),
        ("bookstack", {"port": 2465, "secure": True}, "write port 465 for security: implicit_tls"),
        ("vaultwarden", {"port": 587, "security": "opportunistic"}, "has no setting for security: opportunistic"),
        ("django", {"port": 587, "security": "opportunistic"}, "has no setting for security: opportunistic"),
        (
            "vaultwarden",
            {"port": 465, "auth_mechanism": "CRAM-MD5"},
            "no word for auth_mechanism CRAM-MD5; write PLAIN or",
        ),
        ("n8n", {"port": 465, "server_name": "mx.example.com"}, "server_name mx.example.com cannot be written"),
    ],
)
def test_refused_before_anything_is_written(app: str, given: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(AppError) as error:
        plan(app, {**LOGIN, **given})
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "offered, mechanism, auth",
    [
        (None, None, "plain"),
        (["PLAIN", "LOGIN"], None, "plain"),
        (["LOGIN", "XOAUTH2"], None, "login"),
        (["CRAM-MD5"], None, "cram-md5"),
        (["PLAIN"], "LOGIN", "login"),
    ],
)
def test_mailpit_is_told_the_mechanism_that_the_relay_has(
    offered: list[str] | None, mechanism: str | None, auth: str
) -> None:
    made = plan("mailpit_relay", {**LOGIN, "port": 587, "secure": False, "auth_mechanism": mechanism}, "# c\n", offered)
    content = yaml.safe_load(made.content)
    assert content["auth"] == auth and content.get("secret" if auth == "cram-md5" else "password") == "p-w $x"
    assert ("secret" in content) == (auth == "cram-md5") and ("password" in content) != (auth == "cram-md5")


def test_mailpit_and_a_relay_that_has_nothing_for_it() -> None:
    with pytest.raises(
        AppError, match=r"The relay offers XOAUTH2, and Mailpit \(relay\) has only PLAIN, LOGIN, CRAM-MD5"
    ):
        plan("mailpit_relay", {**LOGIN, "port": 587, "secure": False}, "", ["XOAUTH2"])
    clear = plan("mailpit_relay", {**LOGIN, "security": "cleartext"}, "", ["PLAIN", "LOGIN"])
    assert yaml.safe_load(clear.content)["auth"] == "login"


@pytest.mark.parametrize(
    ("app", "offered"),
    [
        ("pangolin", ["NTLM", "GSSAPI"]),
        ("alertmanager", ["XOAUTH2"]),
        ("dma", ["PLAIN"]),
        ("vaultwarden", ["CRAM-MD5"]),
    ],
)
def test_an_app_that_finds_out_itself_can_do_none_of_the_relays_mechanisms(app: str, offered: list[str]) -> None:
    settings = {**LOGIN, "port": 587, "secure": False}
    with pytest.raises(AppError, match=rf"The relay offers .*{offered[0]}.*, and .* has only"):
        plan(app, settings, "", offered)
    assert plan(app, {**settings, "username": None, "password": None}, "", offered).changed


def test_java_can_do_what_a_probe_cannot() -> None:
    assert plan("spring", {**LOGIN, "port": 587, "secure": False}, "", ["NTLM"]).changed


@pytest.mark.parametrize(
    "app, given, expected, told",
    [
        ("gitlab", {"port": 465}, ["gitlab_rails['smtp_tls'] = true", "['smtp_enable_starttls_auto'] = false"], []),
        ("alertmanager", {"port": 465}, ['smtp_smarthost: "smtp.example.com:465"', "smtp_require_tls: false"], []),
        ("n8n", {"port": 587}, ["N8N_SMTP_SSL=false", "N8N_SMTP_STARTTLS=true"], ["downgrade_possible"]),
        (
            "symfony",
            {"port": 587},
            ["@smtp.example.com:587?", "require_tls=true", "p-w%20%24x"],
            ["downgrade_possible"],
        ),
        ("django", {"port": 587}, ["EMAIL_TIMEOUT = 10", "EMAIL_USE_TLS = True", "EMAIL_USE_SSL = False"], []),
        ("spring", {"port": 465}, ["connectiontimeout=10000", "checkserveridentity=true"], []),
        ("msmtp", {"port": 465}, ["tls_starttls off", "timeout 10"], []),
        ("mastodon", {"port": 465}, ["SMTP_TLS=true", "SMTP_ENABLE_STARTTLS=never"], []),
        ("rails", {"port": 465}, ["smtp_settings[:tls] = true", "smtp_settings[:enable_starttls_auto] = false"], []),
        ("vikunja", {"port": 587}, ["forcessl: false"], ["downgrade_possible", "port_25_fallback"]),
        ("postfix", {"port": 465}, ["smtp_tls_wrappermode = yes", "smtp_tls_security_level = secure"], ["more_files"]),
        ("postfix_sasl", {"port": 465}, ["[smtp.example.com]:465 me:p-w $x\n"], []),
        ("exim4", {"port": 587}, ["dc_smarthost=smtp.example.com::587"], ["more_files", "more_files"]),
        ("exim4_macros", {"port": 587}, ["HOSTS_REQUIRE_TLS = *"], []),
        ("nullmailer", {"port": 587}, ["smtp.example.com smtp --port=587 --starttls --user=me --pass='p-w $x'"], []),
        ("dma", {"port": 587}, ["SECURETRANSFER\n", "STARTTLS\n"], ["certificate_not_verified", "more_files"]),
        ("keycloak", {"port": 465}, ['"ssl": "true"', '"port": "465"'], ["not_read_by_itself"]),
        ("nextcloud", {"port": 465}, ["'mail_smtpsecure' => 'ssl'", "'mail_domain' => 'example.com'"], []),
    ],
)
def test_what_is_always_written(app: str, given: dict[str, t.Any], expected: list[str], told: list[str]) -> None:
    made = plan(app, {**LOGIN, **given})
    text = made.content.decode()
    for one in expected:
        assert one in text, text
    assert sorted(one for one in codes(made) if one != "not_expressible") == sorted(told), made.findings


def test_an_environment_of_nextcloud_always_has_its_port() -> None:
    made = plan("nextcloud", {**LOGIN, "port": 587}, "", path="/opt/.env")
    assert "SMTP_PORT=587" in made.content.decode() and "SMTP_SECURE" not in made.content.decode()


def test_what_goes_to_an_api_is_an_object_of_it() -> None:
    content = json.loads(plan("zabbix", {**LOGIN, "port": 587}).content)
    assert (content["smtp_security"], content["smtp_verify_peer"], content["smtp_authentication"]) == (1, 1, 1)
    content = json.loads(plan("listmonk", {**LOGIN, "port": 465}, '{"max_conns": 3}').content)
    assert (content["max_conns"], content["idle_timeout"], content["wait_timeout"]) == (3, "15s", "5s")
    content = json.loads(plan("uptime_kuma", {**LOGIN, "port": 465}).content)
    assert content["smtpSecure"] is True and content["smtpPort"] == 465


def test_a_timeout_is_written_only_where_it_was_asked_for_or_where_the_app_has_none() -> None:
    assert "SMTP_TIMEOUT" not in plan("vaultwarden", {**LOGIN, "port": 465}).content.decode()
    assert "SMTP_TIMEOUT=5" in plan("vaultwarden", {**LOGIN, "port": 465, "timeout": 5}).content.decode()
    assert "EMAIL_TIMEOUT = 5" in plan("django", {**LOGIN, "port": 465, "timeout": 5}).content.decode()


@pytest.mark.parametrize("host", ["2001:db8::25", "192.0.2.25", "smtp.example.com"])
@pytest.mark.parametrize(
    "app, place",
    [
        ("grafana", {}),
        ("alertmanager", {}),
        ("authelia", {}),
        ("symfony", {}),
        ("postfix", {}),
        ("nodemailer", {"form": "environment"}),
    ],
)
def test_hosts_of_every_kind_are_read_back(app: str, place: dict[str, str], host: str) -> None:
    assert plan(app, {**LOGIN, "host": host, "port": 465}, **place).settings["host"] == host


def test_all_is_taken_out_again() -> None:
    for app in (
        "grafana",
        "gitlab",
        "keycloak",
        "nextcloud",
        "authelia",
        "spring",
        "postfix",
        "dma",
        "nullmailer",
        "n8n",
    ):
        made = plan(app, {**LOGIN, "port": 465})
        gone = plan_absent(load_descriptor(app), made.content, place=load_place(load_descriptor(app)))
        assert gone.changed and "example.com" not in gone.content.decode() and "p-w" not in gone.content.decode(), app


def test_parameters_of_a_url_that_are_not_ours_stay() -> None:
    old = "APP_ENV=prod\nMAILER_DSN='smtp://old:pw@old.example:25?peer_fingerprint=ab12&verify_peer=0'\n"
    made = plan("symfony", {**LOGIN, "port": 465}, old)
    text = made.content.decode()
    assert "peer_fingerprint=ab12" in text and "verify_peer=1" in text and "old" not in text.replace("prod", "")


@pytest.mark.parametrize("old, new", [("smarthost", "smarthost"), ("satellite", "satellite"), ("local", "satellite")])
def test_a_word_that_is_as_good_stays(old: str, new: str) -> None:
    made = plan("exim4", {**LOGIN, "port": 587}, f"dc_eximconfig_configtype='{old}'\ndc_smarthost=''\n")
    assert made.content.decode() == f"dc_eximconfig_configtype='{new}'\ndc_smarthost='smtp.example.com::587'\n"


def test_the_app_that_is_known_by_its_variables_alone_has_a_name_that_says_so() -> None:
    made = plan("generic_env", {**LOGIN, "port": 587})
    told = next(one for one in made.findings if one["code"] == "downgrade_possible")
    assert told["message"].startswith("Generic app (SMTP_ variables) cannot require STARTTLS")


CONFIG = """<?php
$CONFIG = array (
  'trusted_domains' =>
  array (
    0 => 'cloud.example.com',
  ),
  'redis' => array('host' => 'r', 'port' => 6379),
  'mail_smtpstreamoptions' =>
  array (
    'ssl' =>
    array (
      'allow_self_signed' => true,  // for the old one
      'verify_peer' => false,
      'verify_peer_name' => false,
      'cafile' => '/etc/relay-ca.pem',
    ),
  ),
);
"""


def test_what_is_written_for_nextcloud_verifies() -> None:
    made = plan("nextcloud", {**LOGIN, "port": 465}, CONFIG)
    text = made.content.decode()
    for before, after in (
        ("'allow_self_signed' => true,", "'allow_self_signed' => false,"),
        ("'verify_peer' => false", "'verify_peer' => true"),
        ("'verify_peer_name' => false", "'verify_peer_name' => true"),
    ):
        assert after in text and before not in text
        text = text.replace(after, before)
    rest = [line for line in text.split("\n") if "'mail_" not in line or "stream" in line]
    assert rest == CONFIG.split("\n"), text
    assert made.settings.get("validate_certs") is not False and "certificate_not_verified" not in codes(made)
    # Where nothing of it is there, PHP verifies by itself.
    assert "stream" not in plan("nextcloud", {**LOGIN, "port": 465}).content.decode()
    short = "<?php\n$CONFIG = [\n  'mail_smtpstreamoptions' => ['ssl' => ['verify_peer' => false]],\n];\n"
    assert "['ssl' => ['verify_peer' => true]]," in plan("nextcloud", {**LOGIN, "port": 465}, short).content.decode()


def test_nextcloud_without_verification_is_only_what_it_is_already() -> None:
    given = {**LOGIN, "port": 465, "validate_certs": False}
    assert "not_expressible" in codes(plan("nextcloud", given))
    made = plan("nextcloud", given, CONFIG)
    assert made.settings["validate_certs"] is False and "'verify_peer' => false" in made.content.decode()


def test_what_is_written_for_alertmanager_verifies() -> None:
    old = "global:\n  smtp_tls_config:\n    insecure_skip_verify: true\n    ca_file: /x\n  resolve_timeout: 5m\n"
    made = plan("alertmanager", {**LOGIN, "port": 465}, old)
    assert yaml.safe_load(made.content)["global"]["smtp_tls_config"] == {"insecure_skip_verify": False, "ca_file": "/x"}
    assert "smtp_tls_config" not in plan("alertmanager", {**LOGIN, "port": 465}).content.decode()


def test_a_variable_that_switches_verification_off_for_the_whole_process_is_told() -> None:
    made = plan("n8n", {**LOGIN, "port": 465}, "NODE_TLS_REJECT_UNAUTHORIZED=0\n")
    told = next(one for one in made.findings if one["code"] == "certificate_not_verified")
    assert "NODE_TLS_REJECT_UNAUTHORIZED" in told["remedy"]
    assert made.content.decode().startswith("NODE_TLS_REJECT_UNAUTHORIZED=0\n")


def test_a_key_beside_ours_that_breaks_mail_is_told_where_settings_are_written() -> None:
    made = plan("django", {**LOGIN, "port": 465}, "EMAIL_SSL_KEYFILE = '/etc/k.pem'\n")
    assert "client_certificate" in codes(made)
    # What is overwritten is not.
    assert "mx_lookup" not in codes(plan("postfix", {**LOGIN, "port": 465}, "relayhost = h.example\n"))


def test_vikunja_reads_the_same_keys_from_three_formats() -> None:
    given = {**LOGIN, "port": 465}
    made = plan("vikunja", given, "[service]\nx = 1\n", path="/etc/vikunja/config.toml")
    found = tomllib.loads(made.content.decode())
    assert found["service"] == {"x": 1} and found["mailer"]["host"] == "smtp.example.com"
    assert (found["mailer"]["port"], found["mailer"]["forcessl"], found["mailer"]["password"]) == (465, True, "p-w $x")
    made = plan("vikunja", given, "{}", path="/etc/vikunja/config.json")
    assert json.loads(made.content)["mailer"] == found["mailer"]
    made = plan("vikunja", given, "", path="/etc/vikunja/config.yml")
    assert yaml.safe_load(made.content)["mailer"] == found["mailer"]


def test_spring_boot_in_yaml_is_one_tree_and_comes_out_again() -> None:
    given = {**LOGIN, "port": 465}
    old = "server:\n  port: 8080\n"
    made = plan("spring", given, old, path="/opt/app/application.yml")
    found = yaml.safe_load(made.content)
    assert (
        found["server"] == {"port": 8080}
        and found["spring"]["mail"]["properties"]["mail"]["smtp"]["ssl"]["enable"] is True
    )
    descriptor = load_descriptor("spring")
    gone = plan_absent(descriptor, made.content, place=load_place(descriptor, "/opt/app/application.yml"))
    assert gone.content.decode().rstrip("\n") + "\n" == old


@pytest.mark.parametrize("word", ["null", "TRUE", "(empty)", '"quoted"', "'q'"])
@pytest.mark.parametrize("app", ["laravel", "bookstack"])
def test_words_that_laravel_takes_for_something_else_are_passwords_too(app: str, word: str) -> None:
    descriptor = load_descriptor(app)
    given = {**LOGIN, "port": 465, "password": word}
    settings = parse_settings(given, probed=False, needs_credentials=True)
    made = plan_present(descriptor, settings, given, b"", place=load_place(descriptor, "/x/.env"))
    reading = read_place(descriptor, load_place(descriptor, "/x/.env"), made.content.decode())
    assert reading.password == word
    # Laravel takes off the quotes around a whole value.
    assert f'"{word}"' in made.content.decode().replace('\\"', '"')


def test_a_second_password_goes_out_with_ours() -> None:
    given = {**LOGIN, "port": 465}
    old = "global:\n  smtp_auth_password_file: /x\n  resolve_timeout: 5m\n"
    made = plan("alertmanager", given, old)
    assert "smtp_auth_password_file" not in made.content.decode() and "resolve_timeout: 5m" in made.content.decode()
    made = plan("msmtp", given, "account a\nhost h\npasswordeval pass x\nlogfile /l\n")
    assert "passwordeval" not in made.content.decode() and "logfile /l" in made.content.decode()
    made = plan("vaultwarden", given, "SMTP_PASSWORD_FILE=/x\nDOMAIN=y\n")
    assert "SMTP_PASSWORD_FILE" not in made.content.decode() and "DOMAIN=y" in made.content.decode()


def test_what_all_accounts_share_is_not_touched() -> None:
    descriptor = load_descriptor("msmtp")
    old = "defaults\ntls on\nauth on\n\naccount a\nhost h\nport 587\n\naccount default : a\n"
    made = plan("msmtp", {**LOGIN, "port": 465}, old)
    gone = plan_absent(descriptor, made.content)
    assert gone.content.decode() == old.replace("host h\nport 587\n", "")
    alone = plan("msmtp", {**LOGIN, "port": 465}, old.replace("auth on", "domain x"))
    assert "domain" not in alone.content.decode()
    old = old.replace("account a\n", "account b\nhost g\naccount a\n")
    with pytest.raises(AppError, match="domain stands in its defaults"):
        plan("msmtp", {**LOGIN, "port": 465}, old.replace("auth on", "domain x"))
    with pytest.raises(AppError, match="domain stands in its defaults"):
        plan("msmtp", {**LOGIN, "port": 465}, old.replace("auth on", "domain x").replace("host h", "host h\ndomain y"))


def test_a_merged_mapping_is_there_again() -> None:
    text = "x-a: &a\n  SMTP_SERVER: old\nservices:\n  web:\n    environment:\n      <<: *a\n      OTHER: 1\n"
    made = plan("mastodon", {**LOGIN, "port": 465}, text, path="/opt/x/compose.yml", service="web")
    descriptor = load_descriptor("mastodon")
    gone = plan_absent(descriptor, made.content, place=load_place(descriptor, "/opt/x/compose.yml", service="web"))
    assert gone.content.decode() == text


def test_nextcloud_is_not_written_where_a_condition_decides() -> None:
    text = "<?php\nif (getenv('A')) {\n  $CONFIG = array (\n    'mail_smtphost' => 'h',\n  );\n}\n"
    with pytest.raises(AppError, match="only inside a condition"):
        plan("nextcloud", {**LOGIN, "port": 465}, text)


def test_receivers_that_win_are_told_where_settings_are_written() -> None:
    text = "receivers:\n- name: a\n  email_configs:\n  - {to: b@example.com, smarthost: 'other:25'}\n"
    assert "overridden" in codes(plan("alertmanager", {**LOGIN, "port": 465}, text))


def test_spring_boot_in_yaml_keeps_names_with_dots() -> None:
    old = "spring:\n  mail:\n    host: x\n    properties:\n      mail.smtp.auth: true\n      mail.smtp.ssl.enable: false\nspring.mail.port: 25\n"
    old = old.replace("spring.mail.port: 25\n", "")
    made = plan("spring", {**LOGIN, "port": 465}, old, path="/opt/app/application.yml")
    properties = yaml.safe_load(made.content)["spring"]["mail"]["properties"]
    assert properties["mail.smtp.ssl.enable"] is True and properties["mail.smtp.timeout"] == 10000
    assert "mail" not in properties


@pytest.mark.parametrize("password", ["a b", "a=b", "a#b"])
def test_what_ssmtp_cannot_hold_is_refused(password: str) -> None:
    with pytest.raises(AppError, match="AuthPass has a blank, a = or a # in it"):
        plan("ssmtp", {**LOGIN, "port": 465, "password": password})


def test_ssmtp() -> None:
    old = "# keep\nroot=postmaster\nmailhub=mail\nFromLineOverride=YES\n"
    made = plan("ssmtp", {**LOGIN, "port": 587, "password": "p-w:$\"x'"}, old)
    assert made.content.decode() == (
        "# keep\nroot=a@example.com\nmailhub=smtp.example.com:587\nUseTLS=YES\nUseSTARTTLS=YES\nAuthUser=me\n"
        "AuthPass=p-w:$\"x'\nAuthMethod=LOGIN\nFromLineOverride=YES\n"
    )
    assert made.security == "starttls" and "certificate_not_verified" in codes(made)
    asked = plan("ssmtp", {**LOGIN, "port": 587, "password": "x", "auth_mechanism": "CRAM-MD5"})
    assert b"AuthMethod=cram-md5" in asked.content
    # It sends AUTH LOGIN to a relay that has CRAM-MD5 alone, too, unless it is told.
    alone = plan("ssmtp", {**LOGIN, "port": 587, "password": "x"}, offered=["CRAM-MD5"])
    assert b"AuthMethod=cram-md5" in alone.content


@pytest.mark.parametrize("path", ["/x/application.properties", "/x/application.yml", "/x/.env"])
@pytest.mark.parametrize("password", ["a${HOME}b", "${", "${:$}{x}", "$${a}", "x$}{"])
def test_a_placeholder_of_spring_in_a_password_is_none(path: str, password: str) -> None:
    descriptor = load_descriptor("spring")
    place = load_place(descriptor, path)
    given = {**LOGIN, "port": 465, "password": password}
    made = plan_present(
        descriptor, parse_settings(given, probed=False, needs_credentials=True), given, b"", place=place
    )
    text = made.content.decode()
    assert read_place(descriptor, place, text).password == password
    # Nothing but the empty name is looked up, and that gives the sign.
    assert "${" not in text.replace("${:$}{", "")


def test_what_spring_takes_from_elsewhere_is_a_variable_in_yaml_too() -> None:
    descriptor = load_descriptor("spring")
    text = "spring: {mail: {host: h.example, port: 465, username: me, password: '${MAIL_PASSWORD:x}'}}\n"
    reading = read_place(descriptor, load_place(descriptor, "/x/application.yml"), text)
    assert reading.password_set and "variable" in {one["code"] for one in reading.findings}


def test_gitlab_gets_no_authentication_without_a_login() -> None:
    """false becomes the symbol :false before 19.2, with which a newer net-smtp sends nothing."""
    descriptor = load_descriptor("gitlab")
    given = {"host": "relay.example", "port": 25, "security": "cleartext"}
    old = b"gitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = 'h'\ngitlab_rails['smtp_authentication'] = false\n"
    told = read_place(descriptor, load_place(descriptor), old.decode()).findings
    assert [one["severity"] for one in told if "smtp_authentication false" in one["message"]] == ["warning"]
    made = plan_present(descriptor, parse_settings(given, probed=False), given, old)
    assert b"smtp_authentication" not in made.content
    given |= {"username": "u", "password": "p"}
    made = plan_present(descriptor, parse_settings(given, probed=False), given, old)
    assert b'smtp_authentication\'] = "login"' in made.content


def test_djangos_old_names_are_not_written_beside_its_mailers() -> None:
    old = (
        'MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "h"}}}\n'
    )
    with pytest.raises(
        AppError, match="does not start where MAILERS stands beside EMAIL_HOST.*Write the relay into OPTIONS"
    ):
        plan("django", {**LOGIN, "port": 465}, old, path="/srv/app/settings.py")
    descriptor = load_descriptor("django")
    place = load_place(descriptor, "/srv/app/settings.py")
    reading = read_place(descriptor, place, f"{old}EMAIL_HOST = 'h'\nEMAIL_PORT = 465\nEMAIL_USE_SSL = True\n")
    assert ("error", "invalid_settings") in [(one["severity"], one["code"]) for one in reading.findings]

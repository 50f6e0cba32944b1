# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which app a file belongs to that an audit finds, and what is found through other files."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.audit import joined, judged, looked_at
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers.interpolation import interpolated
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.compose_files import unreadable_compose
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import known_apps, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Opaque
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.places import (
    further_files,
    places_of,
    search_for,
    strangers_of,
)

APPS = [load_descriptor(name) for name in known_apps()]
COMPOSE = "services:\n  web:\n    image: {image}\n    environment:\n      {name}: smtp.example.com\n"


def found(texts: t.Mapping[str, str]) -> dict[str, str]:
    return {spot.path: spot.app for spot in places_of(APPS, texts)}


@pytest.mark.parametrize(
    "path, text, app",
    [
        ("/opt/pangolin/config/config.yml", "email:\n  smtp_host: h\n", "pangolin"),
        ("/opt/x/config/config.yml", "email:\n  smtp_host: h\n", "pangolin"),
        ("/opt/x/config/config.yml", "server:\n  port: 1\n", None),
        ("/opt/x/config/config.yml", "a: [\n", None),
        # Two documents stop Pangolin, so this has to be told of its file wherever it lies.
        ("/opt/x/config/config.yml", "server:\n  port: 1\n---\nemail:\n  smtp_host: h\n", "pangolin"),
        ("/opt/x/config/config.yml", "server:\n  port: 1\n---\nserver:\n  port: 2\n", None),
        ("/opt/x/config/config.yml", "email:\n  smtp_host: h\n---\na: [\n", None),
        ("/opt/pangolin/config/config.yml", "a: [\n", "pangolin"),
        ("/etc/gitea/app.ini", "[mailer]\nSMTP_ADDR = h\n", "gitea"),
        ("/opt/git/gitea/conf/app.ini", "[mailer]\nHOST = h:465\n", "gitea"),
        (
            "/etc/prometheus/alertmanager.yml",
            "receivers:\n  - name: x\n    email_configs:\n      - to: a@b.c\n        smarthost: h:25\n",
            "alertmanager",
        ),
        ("/etc/forgejo/app.ini", "[mailer]\nSMTP_ADDR = h\n", "forgejo"),
        ("/etc/vikunja/config.yml", "mailer:\n  host: h\n", "vikunja"),
        ("/etc/vikunja/config.toml", "[mailer]\nhost = 'h'\n", "vikunja"),
        ("/var/www/bookstack/.env", "MAIL_HOST=h\n", "bookstack"),
        ("/var/www/shop/.env", "MAIL_MAILER=smtp\nMAIL_HOST=h\n", "laravel"),
        ("/var/www/shop/.env", "DB_HOST=h\n", None),
        ("/etc/vaultwarden.env", "SMTP_HOST=h\n", "vaultwarden"),
        ("/srv/m/live/.env.production", "LOCAL_DOMAIN=m.example\nSMTP_SERVER=h\n", "mastodon"),
        ("/srv/m/live/.env.production", "SMTP_SERVER=h\n", None),
        ("/opt/tool/.env", "SMTP_HOST=h\nSMTP_PORT=465\nSMTP_SECURE=true\n", "generic_env"),
        ("/etc/postfix/main.cf", "relayhost = [h]:587\n", "postfix"),
        (
            "/srv/ha/configuration.yaml",
            "notify:\n  - platform: x\n  - platform: smtp\n    server: h\n",
            "homeassistant",
        ),
        ("/srv/ha/notify.yaml", "- platform: smtp\n  server: h\n", "homeassistant"),
        ("/srv/ha/configuration.yaml", "notify:\n  - platform: telegram\n    server: h\n", None),
        ("/var/lib/jenkins/hudson.tasks.Mailer.xml", "<a>\n  <smtpHost>h</smtpHost>\n</a>\n", "jenkins_xml"),
        ("/srv/ha/configuration.yaml", "notify: !include notify.yaml\n", None),
        # What many apps call it tells nothing of one of them.
        ("/opt/tool/.env", "SMTP_SERVER=h\nSMTP_PORT=587\n", None),
        ("/opt/mastodon/.env.production", "SMTP_SERVER=h\nSMTP_PORT=587\n", "mastodon"),
        ("/opt/tool/.env", "PAPERLESS_EMAIL_HOST=h\n", "paperless"),
        ("/opt/tool/.env", "mail__options__host=h\n", "ghost"),
        ("/opt/tool/.env", "MAIL_HOST=h\nMAIL_ENCRYPTION=tls\n", "laravel"),
        ("/opt/tool/.env", "MAIL_HOST=h\nMAIL_PORT=587\nMAIL_FROM=a@h.example\n", None),
        ("/opt/tool/.env", "GITLAB_OMNIBUS_CONFIG=\"gitlab_rails['smtp_address'] = 'h'\"\n", "gitlab"),
        ("/srv/authelia/configuration.yml", "notifier:\n  smtp:\n    address: smtp://h:25\n", "authelia"),
        ("/srv/forgejo/conf/app.ini", "[mailer]\nSMTP_ADDR = h\nPROTOCOL = smtps\n", "forgejo"),
        ("/opt/git/app.ini", "[mailer]\nSMTP_ADDR = h\nPROTOCOL = smtps\n", "gitea"),
        ("/opt/other/app.ini", "[mailer]\nname = x\n", None),
        ("/srv/mon/alertmanager/config.yml", "global:\n  smtp_smarthost: h\n", "alertmanager"),
        ("/srv/shop/config/initializers/smtp.rb", "ActionMailer::Base.smtp_settings[:address] = 'h'\n", "rails"),
        ("/opt/keycloak/data/import/shop.json", '{"smtpServer": {"host": "h"}}', "keycloak"),
        ("/srv/shop/application-prod.yml", "spring:\n  mail:\n    host: h\n", "spring"),
        ("/etc/default/grafana-server", "GF_SMTP_HOST=h:587\n", "grafana"),
    ],
)
def test_a_file_belongs_to_the_app_whose_keys_it_holds(path: str, text: str, app: str | None) -> None:
    assert found({path: text}) == ({path: app} if app else {})


@pytest.mark.parametrize(
    "image, name, app",
    [
        ("vaultwarden/server:1.34", "SMTP_HOST", "vaultwarden"),
        ("ghcr.io/goauthentik/server", "AUTHENTIK_EMAIL__HOST", "authentik"),
        ("lscr.io/linuxserver/nextcloud", "SMTP_HOST", "nextcloud"),
        ("axllent/mailpit", "MP_SMTP_RELAY_HOST", "mailpit_relay"),
        ("registry.internal.example/tool", "GF_SMTP_HOST", "grafana"),
        ("registry.internal.example/tool", "SMTP_HOST: h\n      SMTP_PASS", "generic_env"),
        ("registry.internal.example/tool", "MAIL_HOST: h\n      MAIL_MAILER", "laravel"),
        ("registry.internal.example/tool", "MAIL_HOST", None),
        ("registry.internal.example/laravel-shop", "MAIL_HOST", "laravel"),
        (
            "registry.internal.example/tool",
            "GITLAB_OMNIBUS_CONFIG: gitlab_rails['smtp_address']='h'\n      A",
            "gitlab",
        ),
        ("directus/directus:11", "EMAIL_SMTP_HOST", "directus"),
    ],
)
def test_a_service_is_known_by_its_image_or_its_variables(image: str, name: str, app: str | None) -> None:
    wanted = {"/srv/a/compose.yml": app} if app else {}
    assert found({"/srv/a/compose.yml": COMPOSE.format(image=image, name=name)}) == wanted


@pytest.mark.parametrize(
    "path, text, relay",
    [
        ("/opt/tool/.env", "SMTP_SERVER=h.example\nSMTP_PORT=587\n", ("h.example", 587)),
        ("/opt/tool/.env", "EMAIL_HOST=h.example\nEMAIL_PORT='465'\n", ("h.example", 465)),
        ("/opt/tool/.env", "MAIL_HOST=h.example\n", ("h.example", None)),
        ("/opt/tool/.env", "EmailSettings__SmtpServer=h.example:2525\n", ("h.example", 2525)),
        ("/etc/default/tool", 'TOOL_SMTP_HOST="h.example"\nTOOL_SMTP_PORT=25\n', ("h.example", 25)),
        ("/etc/systemd/system/tool.service", "[Service]\nEnvironment=EMAIL_HOST=h.example\n", ("h.example", None)),
        ("/srv/a/compose.yml", COMPOSE.format(image="tool", name="SMTP_SERVER"), ("smtp.example.com", None)),
        ("/opt/tool/.env", "ROUNDCUBEMAIL_SMTP_SERVER=tls://h.example:587\n", ("h.example", 587)),
        # Neither a relay: an address to listen on, a mail address, a database.
        ("/opt/tool/.env", "SMTP_HOST=0.0.0.0\nMAIL_SERVER=a@h.example\nDB_HOST=db\nWEBMAIL_HOST=h\n", None),
        # Known apps are no strangers.
        ("/opt/tool/.env", "SMTP_HOST=h.example\nSMTP_SECURE=true\n", None),
        ("/opt/mastodon/.env.production", "SMTP_SERVER=h.example\n", None),
    ],
)
def test_a_relay_of_an_app_that_is_not_known(path: str, text: str, relay: tuple[str, int | None] | None) -> None:
    strangers = [(one.host, one.port) for one in strangers_of(APPS, {path: text})]
    assert strangers == ([relay] if relay else [])
    assert not (strangers and found({path: text}))


def test_files_that_lead_to_others() -> None:
    text = "services:\n  git:\n    image: gitea/gitea\n    env_file: [mail.env]\n    volumes: ['./data:/data', 'more:/x']\n"
    unit = "[Service]\nEnvironmentFile=-/etc/app.env\n"
    texts = {"/srv/git/compose.yml": text, "/etc/systemd/system/app.service": unit}
    assert {"/srv/git/mail.env", "/srv/git/data/gitea/conf/app.ini", "/etc/app.env"} <= set(further_files(APPS, texts))


@pytest.mark.parametrize(
    "text, known, value",
    [
        ("${A}", {"A": "x"}, "x"),
        ("$A-b", {"A": "x"}, "x-b"),
        ("${A:-b}", {"A": ""}, "b"),
        ("${A-b}", {"A": ""}, ""),
        ("${A:-b}", {}, "b"),
        ("${A:?no}", {"A": "x"}, "x"),
        ("${A:+b}", {"A": "x"}, "b"),
        ("${A:+b}", {}, ""),
        ("$$A${B}", {"B": "1"}, "$A1"),
        ("${A}", {}, None),
        ("${A:?no}", {}, None),
        ("NAME", {"NAME": "x"}, "x"),
    ],
)
def test_variables_of_compose(text: str, known: dict[str, str], value: str | None) -> None:
    opaque = Opaque("variable", text)
    assert interpolated("NAME", opaque, known) == (opaque if value is None else value)


@pytest.mark.parametrize(
    "table, codes",
    [
        ("[h.example]:587 app:s3cret\n", []),
        ("[other.example]:587 a:b\n[h.example]:587 app:s3cret\n", []),
        ("[other.example]:587 app:s3cret\n", ["login_unused"]),
    ],
)
def test_a_table_without_a_login_for_the_relay(table: str, codes: list[str]) -> None:
    main = "relayhost = [h.example]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_auth_enable = yes\n"
    texts = {"/etc/postfix/main.cf": main, "/etc/postfix/sasl_passwd": table}
    by_id = {one.id: one for one in APPS}
    entries = joined([looked_at(by_id[spot.app], spot, texts, {}) for spot in places_of(APPS, texts)])
    (told,) = [judged(one, None) for one in entries]
    assert [one["code"] for one in told["findings"] if one["code"] == "login_unused"] == codes
    assert "s3cret" not in repr(told)


@pytest.mark.parametrize(
    "offered, state, told",
    [
        (None, "will_break", ["warning"]),
        ([], "will_break", ["warning"]),
        (["PLAIN", "LOGIN"], "broken", ["error"]),
        (["PLAIN", "CRAM-MD5"], "fine", []),
    ],
)
def test_the_relay_says_whether_a_login_without_plain_text_is_one(
    offered: list[str] | None, state: str, told: list[str]
) -> None:
    main = "relayhost = [h.example]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_auth_enable = yes\n"
    texts = {"/etc/postfix/main.cf": main, "/etc/postfix/sasl_passwd": "[h.example]:587 app:s3cret\n"}
    by_id = {one.id: one for one in APPS}
    (entry,) = joined([looked_at(by_id[spot.app], spot, texts, {}) for spot in places_of(APPS, texts)])
    capabilities = {"before_tls": {"STARTTLS": []}, "after_tls": {"AUTH": offered} if offered else {}}
    probe = {"ok": True, "cause": None, "layer": None, "findings": [], "capabilities": capabilities}
    result = judged(entry, None if offered is None else probe)
    assert result["state"] == state
    found = [one for one in result["findings"] if one["code"] == "plain_login_forbidden"]
    assert [one["severity"] for one in found] == told
    if state == "broken":
        assert "h.example offers PLAIN and LOGIN, so no mail goes out" in result["message"]


def test_a_table_of_logins_belongs_to_the_file_beside_it() -> None:
    main = "relayhost = [h.example]:587\nsmtp_tls_security_level = secure\nsmtp_sasl_auth_enable = yes\n"
    texts = {f"{root}/etc/postfix/main.cf": main for root in ("", "/srv/x")}
    texts["/etc/postfix/sasl_passwd"] = "[h.example]:587 app:s3cret\n"
    assert "sasl_passwd" in search_for(APPS)["whole"]
    by_id = {one.id: one for one in APPS}
    entries = joined([looked_at(by_id[spot.app], spot, texts, {}) for spot in places_of(APPS, texts)])
    assert {one.spot.path: one.reading.settings.get("username") for one in entries} == {
        "/etc/postfix/main.cf": "app",
        "/srv/x/etc/postfix/main.cf": None,
    }


@pytest.mark.parametrize("host, state", [("", "none"), ("smtp.example.com", "broken"), ("$RELAY", "broken")])
def test_without_a_relay_no_mode_is_wrong(host: str, state: str) -> None:
    text = f"SMTP_HOST_ADDR={host}\nSMTP_HOST_SSL_ENABLED=true\nSMTP_HOST_PORT=587\nMAILER_EMAIL=a@app.example\n"
    texts = {"/srv/p/plausible.env": text}
    (spot,) = places_of(APPS, texts)
    said = judged(looked_at(load_descriptor("plausible"), spot, texts, {}), None)
    assert said["state"] == state, said["line"]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("services:\n  a:\n    environment:\n      SMTP_PASS: {{ secret }}\n", "line 4 is not valid YAML"),
        ("services:\n  a:\n   x: 1\n  b\n  SMTP_HOST: h\n", "is not valid YAML, so compose does not take it, either"),
        ("services:\n  a:\n    image: {{ x }}\n", None),
        ("services:\n  a:\n    environment: {SMTP_HOST: h}\n", None),
    ],
)
def test_a_compose_file_that_is_no_yaml_is_named(text: str, reason: str | None) -> None:
    told = unreadable_compose({"/srv/a/compose.yml": text, "/srv/a/other.yml": "a: {{ smtp"})
    assert [one["path"] for one in told] == (["/srv/a/compose.yml"] if reason else [])
    assert all(str(reason) in one["reason"] for one in told)


@pytest.mark.parametrize(
    "path, volumes, own",
    [
        # A container sees no file of the host but those it is shown, and what stands beside its compose file is likely one of them.
        ("/etc/grafana/grafana.ini", [], True),
        ("/etc/grafana/grafana.ini", ["/etc/grafana/grafana.ini:/etc/grafana/grafana.ini"], False),
        ("/etc/grafana/grafana.ini", ["/etc/grafana:/etc/grafana"], False),
        ("/srv/g/conf/grafana.ini", [], False),
    ],
)
def test_whose_variables_win_over_a_file(path: str, volumes: list[str], own: bool) -> None:
    service = {"image": "grafana/grafana", "environment": {"GF_SMTP_HOST": "other:587"}, "volumes": volumes}
    texts = {
        path: "[smtp]\nenabled = true\nhost = h:587\n",
        "/srv/g/compose.yml": yaml.safe_dump({"services": {"g": service}}),
    }
    spots = {(spot.path, spot.service): dict(spot.environment) for spot in places_of(APPS, texts)}
    assert (("/srv/g/compose.yml", "g") in spots) == own
    assert spots[path, None] == ({} if own else {"GF_SMTP_HOST": "other:587"})


def test_a_unit_of_podman() -> None:
    """Its image says which app it is, its volumes where the app's own file is; Environment= wins over its files."""
    folder = "/etc/containers/systemd"
    users = "/srv/u/.config/containers/systemd"
    texts = {
        f"{folder}/mail.container": "[Container]\nImage=docker.io/vaultwarden/server:1\nEnvironmentFile=vw.env\nEnvironment=SMTP_PORT=465\n"
        "[Service]\nEnvironment=SMTP_HOST=not.it\n",
        f"{folder}/mail.container.d/more.conf": "[Container]\nEnvironment=SMTP_SECURITY=force_tls\n",
        f"{folder}/vw.env": "SMTP_HOST=h.example\nSMTP_PORT=587\nSMTP_FROM=a@b.c\n",
        f"{folder}/git.container": "[Container]\nImage=docker.io/gitea/gitea:1.24\nVolume=/srv/git:/data:Z\n",
        "/srv/git/gitea/conf/app.ini": "[mailer]\nSMTP_ADDR = h\n",
        f"{users}/thing.container": "[Container]\nImage=x/thing\nEnvironment=SMTP_SERVER=h.example SMTP_PORT=25\n",
    }
    alone = {path: text for path, text in texts.items() if path.endswith(".container")}
    assert further_files(APPS, alone)[:1] == [f"{folder}/vw.env"] and "/srv/git/gitea/conf/app.ini" in further_files(
        APPS, alone
    )
    spots = places_of(APPS, texts)
    assert {(spot.app, spot.path, spot.carrier) for spot in spots} == {
        ("vaultwarden", f"{folder}/mail.container.d/more.conf", "quadlet"), ("gitea", "/srv/git/gitea/conf/app.ini", None),
    }  # fmt: skip
    (vaultwarden,) = (spot for spot in spots if spot.app == "vaultwarden")
    entry = looked_at(load_descriptor("vaultwarden"), vaultwarden, texts, {})
    assert (entry.reading.settings["host"], entry.reading.settings["port"], entry.reading.security) == (
        "h.example",
        465,
        "implicit_tls",
    )
    assert [(one.path, one.carrier, one.host, one.port) for one in strangers_of(APPS, texts)] == [
        (f"{users}/thing.container", "quadlet", "h.example", 25)
    ]


def test_an_override_of_a_compose_file_counts_without_being_named() -> None:
    texts = {
        "/opt/v/docker-compose.yml": "services:\n  vw:\n    image: vaultwarden/server\n    environment: [SMTP_HOST=old, SMTP_PORT=465, SMTP_FROM=a@b.c]\n"
        "  other:\n    image: x\n",
        "/opt/v/docker-compose.override.yml": "services:\n  vw:\n    environment: {SMTP_HOST: h.example, SMTP_SECURITY: force_tls}\n    env_file: more.env\n"
        "  gitea:\n    image: gitea/gitea\n    environment: [GITEA__mailer__SMTP_ADDR=g.example]\n",
        "/opt/v/more.env": "SMTP_USERNAME=u\nSMTP_PASSWORD=p\n",
        "/opt/w/compose.yml": "services:\n  vw:\n    image: vaultwarden/server\n    environment: {SMTP_HOST: w.example}\n",
        "/opt/w/compose.override.yaml": "services:\n  vw:\n    ports: ['1:1']\n",
        "/opt/x/compose.override.yaml": "services:\n  vw:\n    environment: {SMTP_HOST: nobody.reads.it}\n",
    }
    less = {path: text for path, text in texts.items() if path != "/opt/v/more.env"}
    assert further_files(APPS, less) == ["/opt/v/more.env"]
    spots = {(spot.path, spot.service): spot for spot in places_of(APPS, texts)}
    assert sorted(spots) == [
        ("/opt/v/docker-compose.override.yml", "gitea"), ("/opt/v/docker-compose.override.yml", "vw"), ("/opt/w/compose.yml", "vw"),
    ]  # fmt: skip
    entry = looked_at(load_descriptor("vaultwarden"), spots["/opt/v/docker-compose.override.yml", "vw"], texts, {})
    settings = entry.reading.settings
    assert (settings["host"], settings["port"], entry.reading.security, entry.reading.password_set) == (
        "h.example",
        465,
        "implicit_tls",
        True,
    )
    assert not strangers_of(APPS, texts)


VW = "services:\n  vw:\n    image: vaultwarden/server\n    environment:%s\n"
OLD = " {SMTP_HOST: old.example, SMTP_PORT: 2465, SMTP_SECURITY: force_tls, SMTP_FROM: a@b.c, SMTP_USERNAME: on}"


@pytest.mark.parametrize(
    "override, settings",
    [
        ("    environment: !override {SMTP_HOST: new.example}\n", {"host": "new.example", "port": 587}),
        ("    environment: !override [SMTP_HOST=new.example]\n", {"host": "new.example", "port": 587}),
        ("    environment: {SMTP_HOST: new.example, SMTP_USERNAME: !reset null}\n", {"host": "new.example", "username": None}),
        ("    environment: {SMTP_PORT: !reset 0}\n    image: !override bitwarden/vaultwarden\n", {"host": "old.example", "port": 465}),
        ("    ports: !reset []\n    environment: {SMTP_HOST: new.example}\n", {"host": "new.example", "username": "on"}),
        ("    ports: !own [1]\n    environment: {SMTP_HOST: new.example}\n", {"host": "new.example", "port": 2465}),
    ],
)  # fmt: skip
def test_the_tags_of_an_override(override: str, settings: dict[str, t.Any]) -> None:
    texts = {"/opt/v/compose.yml": VW % OLD, "/opt/v/compose.override.yml": f"services:\n  vw:\n{override}"}
    assert not unreadable_compose(texts)
    (spot,) = places_of(APPS, texts)
    read = looked_at(load_descriptor("vaultwarden"), spot, texts, {}).reading.settings
    assert {name: read.get(name) for name in settings} == settings


@pytest.mark.parametrize(
    "override", ["    environment: !reset null\n", "  vw: !reset null\n", "services: !reset null\n"]
)
def test_what_an_override_takes_away_is_not_looked_at(override: str) -> None:
    head = (
        ""
        if override.startswith("services")
        else "services:\n"
        if override.startswith("  vw")
        else "services:\n  vw:\n"
    )
    texts = {"/opt/v/compose.yml": VW % OLD, "/opt/v/compose.override.yml": head + override}
    assert not [
        spot
        for spot in places_of(APPS, texts)
        if looked_at(load_descriptor(spot.app), spot, texts, {}).reading.settings.get("host")
    ]


@pytest.mark.parametrize(
    "base, override",
    [
        (OLD, "\n      - SMTP_HOST='new.example'"),
        ("\n      - SMTP_HOST='new.example'", " {SMTP_FROM: a@b.c}"),
    ],
)
def test_quotes_in_a_list_beside_an_override(base: str, override: str) -> None:
    texts = {"/opt/v/compose.yml": VW % base, "/opt/v/compose.override.yml": VW % override}
    (spot,) = places_of(APPS, texts)
    findings = looked_at(load_descriptor("vaultwarden"), spot, texts, {}).reading.findings
    assert "quotes_in_value" in [one["code"] for one in findings]


def test_an_override_that_is_no_yaml_stops_compose() -> None:
    texts = {
        "/opt/v/compose.yml": VW % OLD,
        "/opt/v/compose.override.yml": "services:\n\tvw: {}\n",
        "/opt/alone/compose.override.yml": "smtp: [\n",
        "/opt/other/compose.yml": "services: {a: {image: x}}\n",
        "/opt/other/compose.override.yml": "a: [\n",
    }
    (told,) = unreadable_compose(texts)
    assert told["path"] == "/opt/v/compose.override.yml"
    assert told["reason"] == "line 2 is not valid YAML, so compose takes neither it nor /opt/v/compose.yml"


@pytest.mark.parametrize("written", ["${MAIL_ENV:-usual.env}", "$MAIL_ENV"])
def test_the_path_of_an_env_file_takes_its_variables_from_dotenv(written: str) -> None:
    texts = {
        "/opt/v/compose.yml": f'services:\n  vw:\n    image: vaultwarden/server\n    env_file: "{written}"\n',
        "/opt/v/.env": "MAIL_ENV=mine.env\n",
    }
    assert further_files(APPS, texts) == ["/opt/v/mine.env"]
    texts["/opt/v/mine.env"] = "SMTP_HOST=mine.example\n"
    (spot,) = places_of(APPS, texts)
    entry = looked_at(load_descriptor("vaultwarden"), spot, texts, {})
    assert entry.reading.settings["host"] == "mine.example"
    assert "missing_file" not in [one["code"] for one in entry.reading.findings]

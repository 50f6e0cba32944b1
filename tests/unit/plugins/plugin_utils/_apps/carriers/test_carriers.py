# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carriers of environment variables: what is read, changed, left alone and refused, and which values come back."""

from __future__ import annotations

import base64
import shlex

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_carrier, load_place, suggest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, Opaque

from tests.support.passwords import AWKWARD

WANTED = {"SMTP_HOST": "smtp.example.com", "SMTP_PORT": "465"}
GONE = ["SMTP_USER"]
TEXTS = {
    "compose, mapping": (
        "compose",
        "app",
        "services:\n  db:\n    image: pg\n  app:\n    environment:\n      SMTP_HOST: old   # relay\n      TZ: UTC\n  "
        "    SMTP_USER: me\n",
        "services:\n  db:\n    image: pg\n  app:\n    environment:\n"
        '      SMTP_HOST: smtp.example.com   # relay\n      TZ: UTC\n      SMTP_PORT: "465"\n',
    ),
    "compose, list": (
        "compose",
        "app",
        "services:\n  app:\n    environment:\n      - SMTP_HOST=old # relay\n      - 'SMTP_USER=me'\n      - TZ=UTC\n"
        "    image: x\n",
        "services:\n  app:\n    environment:\n      - SMTP_HOST=smtp.example.com # relay\n      - TZ=UTC\n      -"
        " SMTP_PORT=465\n    image: x\n",
    ),
    "compose, list on one line": (
        "compose",
        "app",
        'services:\n  app:\n    environment: ["SMTP_USER=me", SMTP_HOST=old]\n',
        'services:\n  app:\n    environment: [SMTP_HOST=smtp.example.com, "SMTP_PORT=465"]\n',
    ),
    "compose, none yet": (
        "compose",
        "app",
        "services:\n  app:\n    image: x\n  db:\n    image: y\n",
        'services:\n  app:\n    image: x\n    environment:\n      SMTP_HOST: "smtp.example.com"\n'
        '      SMTP_PORT: "465"\n  db:\n    image: y\n',
    ),
    "compose, numbers are left alone": (
        "compose",
        "app",
        "services:\n  app:\n    environment:\n      SMTP_PORT: 465\n      SMTP_HOST: 'old'\n",
        "services:\n  app:\n    environment:\n      SMTP_PORT: 465\n      SMTP_HOST: 'smtp.example.com'\n",
    ),
    "systemd drop-in": (
        "systemd",
        "",
        '[Unit]\nAfter=x\n\n[Service]\nEnvironment="SMTP_HOST=old" TZ=UTC\nEnvironment=SMTP_USER=me\n# end\n',
        '[Unit]\nAfter=x\n\n[Service]\nEnvironment="SMTP_HOST=smtp.example.com" TZ=UTC\n'
        'Environment="SMTP_PORT=465"\n# end\n',
    ),
    "systemd, new": (
        "systemd",
        "",
        "",
        '[Service]\nEnvironment="SMTP_HOST=smtp.example.com"\nEnvironment="SMTP_PORT=465"\n',
    ),
    "systemd, without a [Service]": (
        "systemd",
        "",
        "[Unit]\nA=b\n",
        '[Unit]\nA=b\n\n[Service]\nEnvironment="SMTP_HOST=smtp.example.com"\nEnvironment="SMTP_PORT=465"\n',
    ),
    "quadlet": (
        "quadlet",
        "",
        "[Container]\nImage=x\nEnvironment=SMTP_HOST=old\n\n[Service]\nEnvironment=SMTP_USER=me\n",
        '[Container]\nImage=x\nEnvironment="SMTP_HOST=smtp.example.com"\nEnvironment="SMTP_PORT=465"\n\n'
        "[Service]\nEnvironment=SMTP_USER=me\n",
    ),
    "quadlet, without variables": (
        "quadlet",
        "",
        "[Unit]\nA=b\n[Container]\nImage=x\n",
        '[Unit]\nA=b\n[Container]\nEnvironment="SMTP_HOST=smtp.example.com"\nEnvironment="SMTP_PORT=465"\nImage=x\n',
    ),
    "EnvironmentFile": (
        "systemd",
        "",
        "; c\nSMTP_HOST=old\nSMTP_USER=me\n",
        "; c\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n",
    ),
    "shell": (
        "shell",
        "",
        "# c\nexport SMTP_HOST=old\nif x; then\n  y\nfi\nSMTP_USER=me\n",
        "# c\nexport SMTP_HOST=smtp.example.com\nSMTP_PORT=465\nif x; then\n  y\nfi\n",
    ),
    "Secret, stringData": (
        "kubernetes",
        "mail",
        "kind: ConfigMap\nmetadata: {name: other}\ndata: {}\n---\nkind: Secret\nmetadata:\n  name:"
        " mail\nstringData:\n  SMTP_HOST: old # c\n  SMTP_USER: me\n---\na: 1\n",
        "kind: ConfigMap\nmetadata: {name: other}\ndata: {}\n---\nkind: Secret\nmetadata:\n  name:"
        " mail\nstringData:\n  SMTP_HOST: smtp.example.com # c\n"
        '  SMTP_PORT: "465"\n---\na: 1\n',
    ),
    "Secret, data": (
        "kubernetes",
        "",
        "kind: Secret\nmetadata:\n  name: mail\ndata:\n  SMTP_HOST: b2xk # c\n  SMTP_PORT: NDY1\n",
        'kind: Secret\nmetadata:\n  name: mail\ndata:\n  SMTP_HOST: "c210cC5leGFtcGxlLmNvbQ==" # c\n'
        "  SMTP_PORT: NDY1\n",
    ),
    "ConfigMap": (
        "kubernetes",
        "mail",
        "kind: ConfigMap\nmetadata:\n  name: mail\ndata:\n  SMTP_HOST: old\n",
        'kind: ConfigMap\nmetadata:\n  name: mail\ndata:\n  SMTP_HOST: smtp.example.com\n  SMTP_PORT: "465"\n',
    ),
}


@pytest.mark.parametrize("carrier, service, before, after", TEXTS.values(), ids=TEXTS.keys())
def test_only_what_must_change_changes(carrier: str, service: str, before: str, after: str) -> None:
    made = load_carrier(carrier).edit(before, WANTED, GONE, service)
    assert made == after
    assert load_carrier(carrier).edit(after, WANTED, GONE, service) == after
    values = load_carrier(carrier).read(after, service)
    assert {name: values[name] for name in WANTED} == WANTED


@pytest.mark.parametrize(
    "carrier, service, text",
    [
        ("compose", "app", "services:\n  app:\n    environment:\n      P: old\n      Q: '1'\n"),
        ("compose", "app", "services:\n  app:\n    environment:\n      - P=old\n      - Q=1\n"),
        ("systemd", "", "[Service]\nEnvironment=P=old\nEnvironment=Q=1\n"),
        ("systemd", "", "P=old\nQ=1\n"),
        ("quadlet", "", "[Container]\nEnvironment=P=old\nEnvironment=Q=1\n"),
        ("shell", "", "P=old\nQ=1\n"),
        ("dotenv", "", "P=old\nQ=1\n"),
        ("kubernetes", "", "kind: Secret\nmetadata: {name: m}\nstringData:\n  P: old\n  Q: '1'\n"),
        ("kubernetes", "", "kind: Secret\nmetadata: {name: m}\ndata:\n  P: b2xk\n  Q: MQ==\n"),
    ],
    ids=lambda value: value if "\n" not in value else "",
)
def test_awkward_passwords_come_back(carrier: str, service: str, text: str) -> None:
    for password in AWKWARD:
        new = load_carrier(carrier).edit(text, {"P": password}, [], service)
        assert load_carrier(carrier).read(new, service) == {"P": password, "Q": "1"}, password
        if carrier == "shell" and new.startswith("P='") and password.isascii() and password.isprintable():
            assert shlex.split(new.splitlines()[0][2:]) == [password]
        if carrier == "kubernetes":
            loaded = yaml.safe_load(new)
            assert (
                loaded["stringData"]["P"] if "stringData" in loaded else base64.b64decode(loaded["data"]["P"]).decode()
            ) == password


def test_compose_reads_as_compose_does() -> None:
    text = (
        "x-env: &env {A: 'x$$y', B: \"${HOST}\"}\nservices:\n  app:\n    env_file:\n      - .env\n      - path:"
        " other.env\n        required: false\n"
        "    environment:\n      <<: *env\n      C: 1.5\n      D:\n      E: true\n  list:\n    env_file: one.env\n   "
        " environment: ['A=\"q\"', B, C=1=2]\n"
    )
    compose = load_carrier("compose")
    assert compose.read(text, "app") == {
        "A": "x$y",
        "B": Opaque("variable", "${HOST}"),
        "C": "1.5",
        "D": Opaque("variable", ""),
        "E": "true",
    }
    assert compose.optional(text, "app") == ["other.env"]
    assert compose.files(text.replace("- .env", "- ${WHICH:-.env}"), "app") == [".env", "other.env"]
    assert compose.files(text, "app") == [".env", "other.env"] and compose.files(text, "list") == ["one.env"]
    assert compose.read(text, "list") == {"A": '"q"', "B": Opaque("variable", "B"), "C": "1=2"}
    assert [finding["code"] for finding in compose.findings(text, "list", {"A"})] == ["quotes_in_value"]
    # Quotes of a variable that has nothing to do with mail are no fault of the mail settings.
    assert compose.findings(text, "list", {"C"}) == []


@pytest.mark.parametrize(
    "carrier, service, text, sentence",
    [
        ("compose", "web", "services:\n  app: {}\n", "it has no service web; it has app"),
        ("compose", "web", "a: 1\n", "it has no service web; it has no services"),
        ("compose", "app", "services:\n  app:\n    environment: s3cret\n", "line 3: environment holds a single value"),
        (
            "compose",
            "app",
            "services:\n  b:\n    environment: &e {A: s3cret}\n  app:\n    environment: *e\n",
            "is an alias, so a change would reach other parts",
        ),
        (
            "compose",
            "app",
            "services:\n  b:\n    environment: &e [A=s3cret]\n  app:\n    environment: *e\n",
            "services.app.environment is not written out as a list",
        ),
        ("kubernetes", "x", "kind: Secret\nmetadata: {name: m}\n", "it has no Secret or ConfigMap named x"),
        (
            "kubernetes",
            "",
            "kind: Secret\nmetadata: {name: m}\n---\nkind: Secret\nmetadata: {name: n}\n",
            "several Secrets or ConfigMaps; write in service",
        ),
        ("systemd", "", "[Service]\nEnvironment=A=s3cret \\\n  B=1\n", "line 2: Environment= goes on in the next line"),
    ],
)
def test_refused_without_quoting_it(carrier: str, service: str, text: str, sentence: str) -> None:
    with pytest.raises(FormatError) as error:
        load_carrier(carrier).edit(text, WANTED, GONE, service)
    assert sentence in str(error.value) and "s3cret" not in str(error.value)


def test_where_the_settings_stand_follows_from_app_and_path() -> None:
    relay = load_descriptor("mailpit_relay")
    for path, expected in {
        "/etc/mailpit/relay.yml": ("file", ""),
        "/opt/stack/compose.yml": ("environment", "compose"),
        "/opt/docker-compose.prod.yaml": ("environment", "compose"),
        "/opt/stack/.env": ("environment", "dotenv"),
        "/opt/mail.env": ("environment", "dotenv"),
        "/etc/default/mailpit": ("environment", "shell"),
        "/etc/systemd/system/mailpit.service.d/mail.conf": ("environment", "systemd"),
        "/etc/containers/systemd/mailpit.container": ("environment", "quadlet"),
        "/etc/containers/systemd/mailpit.container.d/mail.conf": ("environment", "quadlet"),
        "/srv/k8s/mail-secret.yaml": ("environment", "kubernetes"),
        "/srv/anything.yml": ("file", ""),
    }.items():
        assert suggest(relay, path) == expected, path
    assert suggest(load_descriptor("pangolin"), "/opt/compose.yml") == ("file", "")
    assert load_place(relay, "/opt/compose.yml", service="mailpit").carrier == "compose"
    assert load_place(relay, "/opt/stack.yml", service="mailpit").carrier == "compose"
    only_variables = load_descriptor("vaultwarden")
    assert load_place(only_variables, "/opt/vault.yaml", service="vault").carrier == "compose"
    assert load_place(only_variables, "/opt/vault.conf").carrier == "dotenv"
    with pytest.raises(
        AppError, match="service is missing; write the service of /opt/vault.yml that Vaultwarden runs in"
    ):
        load_place(only_variables, "/opt/vault.yml")
    for options, sentence in (
        (
            {"path": "/opt/compose.yml"},
            "service is missing; write the service of /opt/compose.yml that Mailpit (relay) runs in",
        ),
        ({"carrier": "helm"}, "carrier is helm, which is not known here; write dotenv or compose"),
        ({"form": "file", "carrier": "dotenv"}, "form is file; leave out one of them"),
        ({"form": "db"}, "form is db; write file or environment"),
        (
            {"path": "/etc/mailpit/relay.yml", "service": "x"},
            "leave out service, or write the path of its compose file",
        ),
    ):
        with pytest.raises(AppError) as error:
            load_place(relay, **options)
        assert sentence in str(error.value)


def test_export_in_an_environment_file_is_told() -> None:
    found = load_carrier("systemd").findings(
        "export SMTP_HOST=h\n# export A=1\nexport SMTP_PORT=465\nB='\nexport C=1'\n"
    )
    assert [one["code"] for one in found] == ["unknown_key"]
    assert "export SMTP_HOST, export SMTP_PORT" in found[0]["message"]
    assert load_carrier("systemd").findings("[Service]\nEnvironment=A=1\n") == []


@pytest.mark.parametrize(
    "written, value",
    [
        ("a$$b", "a$b"), ("a$b", "a$b"), ("100%%", "100%"), ("$${A}", "${A}"), ("x$$$$y", "x$$y"),
        ("${A}", Opaque("variable", "${A}")), ("%n", Opaque("variable", "%n")),
    ],
)  # fmt: skip
def test_a_unit_of_podman_is_a_command_line_of_systemd(written: str, value: object) -> None:
    text = f"[Container]\nEnvironment=A={written}\n"
    quadlet = load_carrier("quadlet")
    assert quadlet.read(text) == {"A": value}
    if isinstance(value, str):
        assert quadlet.read(quadlet.edit("[Container]\n", {"A": value}, [])) == {"A": value}


def test_a_merged_environment_is_refused_with_what_to_do() -> None:
    text = "x-app: &app\n  image: i\n  environment: {A: b}\nservices:\n  web:\n    <<: *app\n    restart: always\n"
    with pytest.raises(FormatError, match=r"merged into it \(<<\).*write an environment in the service itself"):
        load_carrier("compose").edit(text, {"SMTP_HOST": "h"}, [], "web")

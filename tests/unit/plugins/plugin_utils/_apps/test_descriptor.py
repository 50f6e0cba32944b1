# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors: what a good one gives, and which sentence each wrong one gets."""

from __future__ import annotations

import copy
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import (
    AppError,
    known_apps,
    load_descriptor,
    parse_descriptor,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import interpret
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, parse_settings

GOOD: dict[str, t.Any] = yaml.safe_load("""
id: relayd
name: Relayd
words:
  verify: {follows: validate_certs, values: {true: peer, false: none}}
security:
  implicit_tls: {can: exact, set: {tls: true}}
  starttls: {can: weaker, means: opportunistic, set: {tls: false}}
  opportunistic: {can: exact, set: {tls: false}}
  cleartext: {can: no}
forms:
  file:
    format: yaml
    section: smtp
    keys:
      server: "{host}"
      port: "{port}"
      tls: "{tls}"
      verify_mode: "{verify}"
      user: {value: "{username}", keep: true}
      secret: "{password}"
      driver: {constant: smtp}
  environment:
    dialect: node
    keys:
      RELAYD_URL: ["x://{username:url}:{password:url}@{host}:{port}?tls={tls}", "x://{host}:{port}"]
limits:
  ca_path: {message: "No key for {value}.", remedy: Add it.}
traps:
  - {when: {port: [25, 26], login: true}, message: Port 25 takes no login., remedy: Use 587.}
""")


def wrong(path: str, value: t.Any) -> dict[str, t.Any]:
    data = copy.deepcopy(GOOD)
    node = data
    *names, last = path.split(".")
    for name in names:
        node = node[name]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return data


def test_a_good_one() -> None:
    descriptor = parse_descriptor(GOOD)
    form = descriptor.form("file")
    assert form.section == ("smtp",) and form.managed[:3] == (("smtp", "server"), ("smtp", "port"), ("smtp", "tls"))
    assert descriptor.security["starttls"].means == "opportunistic" and descriptor.security["cleartext"].can == "no"
    assert descriptor.words["tls"].kind == "boolean" and descriptor.words["verify"].kind == "word"
    assert descriptor.form("environment").dialect == "node" and descriptor.form("environment").format == "dotenv"
    assert descriptor.limits["ca_path"].finding("/ca.pem") == {
        "severity": "info",
        "code": "not_expressible",
        "message": "No key for /ca.pem.",
        "remedy": "Add it.",
    }
    del GOOD_FILE_ONLY["forms"]["environment"]
    with pytest.raises(AppError, match="form is environment, but Relayd has no settings there; write form: file"):
        parse_descriptor(GOOD_FILE_ONLY).form("environment")


GOOD_FILE_ONLY = copy.deepcopy(GOOD)
KEYS = "forms.file.keys"
WRONG = [
    ("id", None, "id is missing"),
    ("id", "Relay-D", "id must be a word of small letters"),
    ("kees", {}, "kees is not known"),
    ("forms", {}, "forms is empty"),
    ("forms.database", {}, "forms.database is not known; write file or environment"),
    ("forms.file.format", "inni", "forms.file.format is inni; write yaml"),
    ("forms.file.format", None, "forms.file.format is missing"),
    (
        "forms.environment.dialect",
        "perl",
        "forms.environment.dialect is perl, which dotenv does not have; write compose or",
    ),
    ("forms.file.kees", {}, "forms.file.kees is not known; write keys"),
    (KEYS, [], "forms.file.keys must be a mapping"),
    (f"{KEYS}.server", None, "forms.file.keys holds no {host}"),
    (f"{KEYS}.server", "host", "'host' names no setting; write one in braces, such as {host}, or {constant: host}"),
    (f"{KEYS}.server", 1, "must be a pattern such as '{host}', in quotes, or {constant: 1}"),
    (f"{KEYS}.server", "{hots}", "names hots, which is neither a setting nor one of the app's words"),
    (f"{KEYS}.server", "{host}{port}", "cannot be read back: nothing stands between host and port"),
    (f"{KEYS}.server", "{host} {host}", "holds host twice"),
    (f"{KEYS}.server", "{host", "has a brace without its partner"),
    (f"{KEYS}.server", "{host:rot13}", "has the codec rot13; write one of url"),
    (f"{KEYS}.server", "{not host}", "negates host, which is neither true nor false"),
    (f"{KEYS}.server", "{host:ms}", "has host in milliseconds; only timeout has a unit"),
    (f"{KEYS}.server", "{Host}", "has {Host} in it; write {name}, {not name} or {name:codec}"),
    (
        f"{KEYS}.server",
        {"value": "{host}", "constant": 1},
        "must have either value, a pattern such as '{host}', or constant",
    ),
    (f"{KEYS}.port", "{username}{port}", "cannot be read back"),
    (
        f"{KEYS}.port",
        "{host}.{server_name}:{port}",
        "cannot be read back: '{host}.{server_name}:{port}' gives other values than were written into it",
    ),
    (f"{KEYS}.driver", {"constant": None}, "constant must be a text"),
    (f"{KEYS}.driver", {"constant": "x", "kept": True}, "forms.file.keys.driver.kept is not known; write keep"),
    (f"{KEYS}.tls", None, "security.implicit_tls.set names tls, which no key of forms.file holds"),
    ("forms.file.booleans", {"true": "yes", "false": "YES"}, "must have different words for true and for false"),
    ("forms.file.overrides", {"X": "hots"}, "forms.file.overrides.X is hots, which is not a setting"),
    ("words.verify.values", {True: "peer"}, "words.verify.values must say what the word is for true and for false"),
    ("words.verify.follows", "luck", "words.verify.follows is luck; write one of security"),
    (
        "words.verify.follows",
        "security",
        "words.verify follows security; a word that stands in security.<mode>.set follows security",
    ),
    ("words.host", {}, "the word host must have a name of small letters"),
    ("words.mech", {"follows": "auth_mechanism", "values": {"PLAN": "p"}}, "words.mech.values.PLAN is not a mechanism"),
    ("mechanisms", ["PLAN"], "mechanisms names PLAN"),
    ("runtime", "nodejs", "runtime is nodejs; write one of node, go,"),
    ("port_decides", {"x": "implicit_tls"}, "port_decides must map ports to modes"),
    ("port_decides", {465: "tls"}, "port_decides.465 is tls; write one of implicit_tls"),
    ("security.starttls", None, "security.starttls is missing; write what the app can: exact, weaker, stronger, no"),
    ("security.tls", {}, "security.tls is not known"),
    ("security.starttls.can", "maybe", "security.starttls.can is maybe; write one of"),
    ("security.starttls.means", None, "security.starttls.means must say the mode"),
    ("security.starttls.means", "starttls", "security.starttls is weaker but means starttls"),
    ("security.starttls.ports", 587, "security.starttls.ports must be a list of port numbers"),
    (
        "security.starttls.set",
        {"tls": True},
        "security.implicit_tls and security.starttls cannot be told apart when they are read back",
    ),
    ("security.starttls.set", {"tls": [1]}, "security.starttls.set.tls must be a text"),
    ("limits.hots", {}, "limits.hots is not a setting"),
    ("limits.ca_path.remedy", None, "limits.ca_path.remedy is missing"),
    ("limits.ca_path.severity", "bad", "limits.ca_path.severity is bad; write info, warning or error"),
    ("limits.ca_path.kode", "x", "limits.ca_path.kode is not known; write code"),
    ("traps", {}, "traps must be a list"),
    ("forms.file.one_of", {"smtp": ["a", "b"]}, "forms.file.one_of.smtp must be a list of lists of keys"),
    ("forms.file.with_file", "wins", "forms.file.with_file is wins; write stops, or file"),
    ("traps", [{"when": {"hots": 1}, "message": "m", "remedy": "r"}], "traps[0].when.hots is not known; write host"),
    ("traps", [{"holds": {"usr": "x"}, "message": "m", "remedy": "r"}], "traps[0].holds.usr is not known; write user"),
]


@pytest.mark.parametrize("path, value, sentence", WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_ones(path: str, value: t.Any, sentence: str) -> None:
    with pytest.raises(AppError) as error:
        parse_descriptor(wrong(path, value))
    assert sentence in str(error.value)


def test_the_form_of_before_is_told_what_changed() -> None:
    old = {
        "id": "relayd",
        "name": "Relayd",
        "format": "yaml",
        "keys": {"host": "server"},
        "inverted": [],
        "security": {},
    }
    with pytest.raises(AppError, match="format, keys, inverted stand below forms.file now, and there is no template"):
        parse_descriptor(old)


def test_one_key_cannot_hold_two_things() -> None:
    data = copy.deepcopy(GOOD)
    data["forms"]["file"]["keys"]["server.name"] = "{sender}"
    with pytest.raises(
        AppError, match="maps two things to one key: smtp.server and smtp.server.name; one stands inside the other"
    ):
        parse_descriptor(data)


def test_the_users_folder_goes_first(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AppError, match="is no folder on the controller"):
        known_apps(tmp_path / "none")
    (tmp_path / "relayd.yml").write_text(yaml.safe_dump(GOOD))
    assert load_descriptor("relayd", tmp_path).name == "Relayd"
    (tmp_path / "pangolin.yml").write_text(yaml.safe_dump({**GOOD, "id": "pangolin"}))
    assert load_descriptor("pangolin", tmp_path).name == "Relayd"
    (tmp_path / "other.yml").write_text(yaml.safe_dump(GOOD))
    with pytest.raises(AppError, match="id is relayd, but the file is named other.yml"):
        load_descriptor("other", tmp_path)
    (tmp_path / "other.yml").write_text("a: [")
    with pytest.raises(AppError, match="is not valid YAML"):
        load_descriptor("other", tmp_path)
    (tmp_path / "other.yml").write_text(
        yaml.safe_dump(GOOD).replace("      port: '{port}'\n", "      port: '{port}'\n      port: '{host}'\n")
    )
    with pytest.raises(AppError, match="the key port is there twice"):
        load_descriptor("other", tmp_path)
    with pytest.raises(AppError, match="write relayd or .*, or describe the app|write relayd, or describe"):
        load_descriptor("relayed", tmp_path)


@pytest.mark.parametrize("app", known_apps())
@pytest.mark.parametrize("security", SECURITY_MODES)
def test_every_app_of_the_collection_renders_every_mode_that_it_has(app: str, security: str) -> None:
    descriptor = load_descriptor(app)
    mode = descriptor.security[security]
    if mode.can == "no":
        return
    port = mode.ports[0] if mode.ports else None
    for form in descriptor.forms.values():
        for more in (
            {},
            {
                "username": "u",
                "password": "p-w",
                "sender": "a@example.com",
                "validate_certs": False,
                "sender_name": "App, Inc.",
            },
        ):
            given = {"host": "smtp.example.com", "security": security, "port": port, **more}
            settings = parse_settings(given, probed=False)
            rendered = render(descriptor, form, settings)
            assert set(rendered.values) | set(rendered.remove) <= set(form.managed)
            holds_password = bool(more) and "password" in form.names
            assert any("p-w" in str(value) for value in rendered.values.values()) == holds_password
            # What was rendered is read back as what was meant, in the mode that the descriptor says.
            reading = interpret(descriptor, form, rendered.values)
            assert reading.password_set == holds_password, (reading, rendered)
            if not descriptor.parts and not descriptor.part_of:
                assert reading.security == mode.means, (reading, rendered)
            for name in ("host", "port", "username", "sender", "sender_name", "helo_name"):
                if name in form.names and (more or not descriptor.part_of):
                    assert reading.settings.get(name) == getattr(settings, name), (name, reading, rendered)
            bad = [one for one in reading.findings if one["severity"] == "error" and one["code"] not in BY_ITSELF]
            assert bad == [], rendered


# What an app says of settings that are right in themselves: a login in cleartext, a sender or recipient that it needs.
BY_ITSELF = ("auth_requires_tls", "sender_missing", "recipient_missing")

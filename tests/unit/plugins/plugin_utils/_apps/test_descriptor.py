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
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, known_apps, load_descriptor, parse_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, parse_settings

GOOD: dict[str, t.Any] = yaml.safe_load("""
id: relayd
name: Relayd
format: yaml
section: smtp
keys: {host: server, port: port, username: user, password: secret, validate_certs: insecure}
inverted: [validate_certs]
other_keys: [tls]
always: [server]
keep: [user]
security:
  implicit_tls: {can: exact, set: {tls: true}}
  starttls: {can: weaker, means: opportunistic, set: {tls: false}}
  opportunistic: {can: exact, set: {tls: false}}
  cleartext: {can: no}
limits:
  ca_path: {message: No key for {value}., remedy: Add it.}
""".replace("No key for {value}.", "'No key for {value}.'"))
TEMPLATE = "smtp:\n  server: {{ host }}\n  port: {{ port }}\n  tls: {{ secure }}\n  insecure: {{ not validate_certs }}\n"


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
    descriptor = parse_descriptor(GOOD, TEMPLATE)
    assert descriptor.section == ("smtp",) and descriptor.managed == ("server", "port", "user", "secret", "insecure", "tls")
    assert descriptor.security["starttls"].means == "opportunistic" and descriptor.security["cleartext"].can == "no"
    assert descriptor.limits["ca_path"].finding("/ca.pem") == {
        "severity": "info", "code": "not_expressible", "message": "No key for /ca.pem.", "remedy": "Add it.",
    }


WRONG = [
    ("id", None, "id is missing"),
    ("id", "Relay-D", "id must be a word of small letters"),
    ("format", "ini", "format is ini, which has no editor here; write yaml"),
    ("kees", {}, "kees is not known; write keys"),
    ("keys", [], "keys must be a mapping"),
    ("keys.hots", "x", "keys.hots is not known; write host"),
    ("keys.host", None, "keys.host is missing"),
    ("keys.host", 1, "keys.host must be the name of a key"),
    ("inverted", ["sender"], "inverted names sender, which is not in keys"),
    ("always", ["nothing"], "always names nothing, which is neither in keys nor in other_keys"),
    ("keep", ["nothing"], "keep names nothing"),
    ("other_keys", "tls", "other_keys must be a list of names"),
    ("security.starttls", None, "security.starttls is missing; write what the app can: exact, weaker, stronger, no"),
    ("security.tls", {}, "security.tls is not known"),
    ("security.starttls.can", "maybe", "security.starttls.can is maybe; write one of"),
    ("security.starttls.means", None, "security.starttls.means must say the mode"),
    ("security.starttls.means", "starttls", "security.starttls is weaker but means starttls"),
    ("limits.hots", {}, "limits.hots is not a setting"),
    ("limits.ca_path.remedy", None, "limits.ca_path.remedy is missing"),
    ("limits.ca_path.severity", "bad", "limits.ca_path.severity is bad; write info or warning"),
    ("limits.ca_path.kode", "x", "limits.ca_path.kode is not known; write code"),
]


@pytest.mark.parametrize("path, value, sentence", WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_ones(path: str, value: t.Any, sentence: str) -> None:
    with pytest.raises(AppError) as error:
        parse_descriptor(wrong(path, value), TEMPLATE)
    assert sentence in str(error.value)


def test_the_users_folder_goes_first(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AppError, match="is no folder on the controller"):
        known_apps(tmp_path / "none")
    (tmp_path / "relayd.yml").write_text(yaml.safe_dump(GOOD))
    with pytest.raises(AppError, match="needs its template relayd.yml.j2 beside it"):
        load_descriptor("relayd", tmp_path)
    (tmp_path / "relayd.yml.j2").write_text(TEMPLATE)
    assert load_descriptor("relayd", tmp_path).name == "Relayd"
    (tmp_path / "pangolin.yml").write_text(yaml.safe_dump({**GOOD, "id": "pangolin"}))
    (tmp_path / "pangolin.yml.j2").write_text(TEMPLATE)
    assert load_descriptor("pangolin", tmp_path).name == "Relayd"
    (tmp_path / "other.yml").write_text(yaml.safe_dump(GOOD))
    (tmp_path / "other.yml.j2").write_text(TEMPLATE)
    with pytest.raises(AppError, match="id is relayd, but the file is named other.yml"):
        load_descriptor("other", tmp_path)
    (tmp_path / "other.yml").write_text("a: [")
    with pytest.raises(AppError, match="is not valid YAML"):
        load_descriptor("other", tmp_path)
    with pytest.raises(AppError, match="write relayd or .*, or describe the app|write relayd, or describe"):
        load_descriptor("relayed", tmp_path)


@pytest.mark.parametrize("app", known_apps())
@pytest.mark.parametrize("security", SECURITY_MODES)
def test_every_app_of_the_collection_renders_every_mode_that_it_has(app: str, security: str) -> None:
    descriptor = load_descriptor(app)
    if descriptor.security[security].can == "no":
        return
    for more in ({}, {"username": "u", "password": "p", "sender": "a@example.com", "validate_certs": False}):
        rendered = render(descriptor, parse_settings({"host": "smtp.example.com", "security": security, **more}, probed=False))
        assert set(rendered.values) <= set(descriptor.managed)
        assert ("p" in rendered.values.values()) == bool(more)


RENDERED_WRONG = [
    ("smtp:\n  server: {{ hots }}\n", "'hots' is undefined"),
    ("smtp:\n  server: {{ host }\n", "The template of relayd is wrong"),
    ("smtp:\n  server: {{ 1 / 0 }}\n", "an expression in it raises ZeroDivisionError"),
    ("smtp:\n  server: {{ host.__class__.__mro__ }}\n", "unsafe"),
    ("other:\n  server: {{ host }}\n", "does not give the section smtp"),
    ("smtp: [{{ host }}\n", "gives no valid YAML"),
    (TEMPLATE + "  sevrer: 1\n", "writes sevrer, which its descriptor does not list"),
    (TEMPLATE.replace("  server: {{ host }}\n", ""), "leaves out server, which its descriptor lists in always"),
    (TEMPLATE.replace("{{ secure }}", "yes please"), "gives tls another value than its descriptor's security.implicit_tls.set"),
    (TEMPLATE + "  user: [1]\n", "gives user a value that is neither a text"),
]


@pytest.mark.parametrize("template, sentence", RENDERED_WRONG, ids=[sentence for _template, sentence in RENDERED_WRONG])
def test_wrong_templates(template: str, sentence: str) -> None:
    settings = parse_settings({"host": "h.example.com", "port": 465, "username": "u", "password": "s3cret"}, probed=False)
    with pytest.raises(AppError) as error:
        render(parse_descriptor(GOOD, template), settings)
    assert sentence in str(error.value) and "s3cret" not in str(error.value)

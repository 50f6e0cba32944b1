# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what the code takes: names, defaults and choices of options have one place, and the documentation follows it."""

from __future__ import annotations

import dataclasses
import importlib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.completed import completed
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, TLS_VERSIONS, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    CONNECTION_OPTIONS,
    MODEL_OPTIONS,
    SECURITY_MODES,
    Settings,
)

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "ansible_collections.mailops.smtp.plugins"
MODULES = ("smtp_endpoint_info", "smtp_gate", "smtp_send")
Options = dict[str, dict[str, t.Any]]

TYPES = {"bool": "bool", "int": "int", "float": "float", "str": "str", "tuple[str, ...]": "list"}
# What a default is on paper where the code has another type for it.
SPELLED = {(): []}


def documented(module: str) -> Options:
    """The options of a module, those of its fragments included."""
    docs = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{module}").DOCUMENTATION)
    found: Options = {}
    for name in docs.get("extends_documentation_fragment", []):
        fragment = importlib.import_module(f"{COLLECTION}.doc_fragments.{name.rpartition('.')[2]}")
        found.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    found.update(docs.get("options", {}))
    return found


def defaults(of: t.Any) -> dict[str, t.Any]:
    return {one.name: one.default for one in dataclasses.fields(of) if one.default is not dataclasses.MISSING}


def type_of(of: t.Any, name: str) -> str:
    kind = next(str(one.type) for one in dataclasses.fields(of) if one.name == name)
    return TYPES[kind.removesuffix(" | None")]


@pytest.mark.parametrize("module", MODULES)
def test_options_of_modules(module: str) -> None:
    action = importlib.import_module(f"{COLLECTION}.action.{module}").ActionModule
    assert sorted(documented(module)) == sorted(action.OPTIONS)


@pytest.mark.parametrize("module", MODULES)
def test_defaults_of_the_settings(module: str) -> None:
    options = documented(module)
    for name, default in defaults(Settings).items():
        if name in options:
            assert options[name].get("default") == default, name
            assert options[name]["type"] in (type_of(Settings, name), "path" if name == "ca_path" else None), name
    assert options["auth_mechanism"]["choices"] == list(MECHANISMS)
    modes = (["auto"] if module == "smtp_endpoint_info" else []) + list(SECURITY_MODES)
    assert options["security"]["choices"] == modes


@pytest.mark.parametrize("module", ["smtp_gate", "smtp_endpoint_info"])
def test_the_policy(module: str) -> None:
    options = documented(module)
    looked_up = {"apps"}  # an option of its own: the policy has what is known of the apps
    for name, default in ((name, default) for name, default in defaults(Policy).items() if name not in looked_up):
        assert options[name].get("default") == SPELLED.get(default, default), name
        assert options[name]["type"] == type_of(Policy, name), name
    assert options["minimum_tls_version"]["choices"] == list(TLS_VERSIONS)


def test_the_model_and_the_connection() -> None:
    assert set(MODEL_OPTIONS) - set(CONNECTION_OPTIONS) == {"sender", "sender_name"}
    assert {one.name for one in dataclasses.fields(Settings)} | {"secure"} == set(MODEL_OPTIONS)


def test_app_mail_config() -> None:
    """Its action has options of its own; what it hands to the host is not for users."""
    action = importlib.import_module(f"{COLLECTION}.action.app_mail_config").ActionModule
    options = documented("app_mail_config")
    assert sorted(options) == sorted([*action.OPTIONS, "handed_over"])
    model = options["settings"]["suboptions"]
    assert set(model) <= set(MODEL_OPTIONS)
    for name, default in defaults(Settings).items():
        if "default" in model.get(name, {}):
            assert model[name]["default"] == default


def role(name: str) -> tuple[Options, dict[str, t.Any]]:
    folder = ROOT / "roles" / name
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())
    return specs["argument_specs"]["main"]["options"], yaml.safe_load((folder / "defaults" / "main.yml").read_text())


@pytest.mark.parametrize("name", ["mail_config", "mailpit"])
def test_the_readme_of_a_role_names_every_variable(name: str) -> None:
    _options, values = role(name)
    page = (ROOT / "roles" / name / "README.md").read_text()
    assert [variable for variable in values if f"`{variable}`" not in page and f"{variable}:" not in page] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("roles/mail_config/meta/argument_specs.yml", "Seconds for one probe as a whole. V({}) when left out."),
        ("playbooks/audit.yml", "seconds for each relay (default: {})"),
        ("playbooks/probe.yml", "seconds for each port (default: {})"),
        ("docs/playbooks/audit.md", "| `mail_audit_timeout` | {} |"),
        ("docs/playbooks/probe.md", "| `mail_probe_timeout` | {} |"),
    ],
)
def test_the_default_timeout_where_it_is_written_by_hand(page: str, words: str) -> None:
    assert words.format(f"{Settings.timeout:g}") in (ROOT / page).read_text()


def test_what_the_filter_returns_is_documented() -> None:
    documentation = yaml.safe_load((ROOT / "plugins" / "filter" / "mail_settings.yml").read_text())
    assert set(documentation["RETURN"]["_value"]["contains"]) == set(completed("smtp://relay.example.com"))


def test_the_role_takes_the_model() -> None:
    options, _values = role("mail_config")
    # The role's results are kept for every host, so it takes no PEM.
    assert sorted(options["mail_config_settings"]["options"]) == sorted(set(MODEL_OPTIONS) - {"return_pem"})


def test_the_role_takes_the_policy_with_the_same_defaults() -> None:
    options, values = role("mail_config")
    for name in POLICY_OPTIONS:
        default = defaults(Policy)[name]
        spelled = SPELLED.get(default, default)
        assert options[f"mail_config_{name}"]["default"] == values[f"mail_config_{name}"] == spelled
    assert options["mail_config_minimum_tls_version"].get("choices", list(TLS_VERSIONS)) == list(TLS_VERSIONS)


def test_the_role_takes_the_polite_options_with_the_same_defaults() -> None:
    options, values = role("mail_config")
    manners = documented("smtp_gate")
    for name in POLITE_OPTIONS:
        ours = options[f"mail_config_{name}"]
        assert ours["default"] == values[f"mail_config_{name}"] == manners[name]["default"], name
        assert ours["type"] == manners[name]["type"], name
    assert set(POLITE_OPTIONS) <= set(documented("app_mail_config_audit_info")) & set(documented("app_mail_config_set"))


def test_the_audit_takes_the_same_defaults() -> None:
    name = "app_mail_config_audit_info"
    options = documented(name)
    spec = importlib.import_module(f"{COLLECTION}.modules.{name}").argument_spec()
    for of in (defaults(Settings), {key: value for key, value in defaults(Policy).items() if key != "apps"}):
        for option in set(of) & set(options) - {"validate_certs", "ca_path"}:
            assert options[option].get("default") == spec[option].get("default") == SPELLED.get(of[option], of[option])
    assert options["timeout"]["default"] == Settings.timeout

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup's options, and that its answer fits the settings."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible_collections.mailops.smtp.plugins.lookup import mail_provider

NAME = "mailops.smtp.mail_provider"


@pytest.fixture(scope="module", autouse=True)
def options() -> None:
    """What Ansible's plugin loader does: it knows the plugin's options by its documentation."""
    C.config.initialize_plugin_configuration_definitions(
        "lookup", NAME, yaml.safe_load(mail_provider.DOCUMENTATION)["options"]
    )


def run(*terms: str, **options: object) -> list[dict[str, Any]]:
    plugin = mail_provider.LookupModule()
    plugin._load_name = NAME
    return plugin.run(list(terms), {}, **options)


def test_settings() -> None:
    (gmail,) = run("gmail")
    assert gmail["settings"] == {"host": "smtp.gmail.com", "port": 465, "security": "implicit_tls", "secure": True}
    assert run("gmail", prefer="starttls")[0]["settings"] == {
        "host": "smtp.gmail.com",
        "port": 587,
        "security": "starttls",
        "secure": False,
    }
    assert run("ses", region="eu-west-1", prefer=2587)[0]["port"] == 2587
    assert [each["id"] for each in run("gmx", "webde")] == ["gmx", "webde"]


def test_no_name_lists_all() -> None:
    assert len(run()) > 30


@pytest.mark.parametrize(
    ("terms", "options", "sentence"),
    [
        (["gmial"], {}, "do you mean gmail"),
        (["ses"], {}, "write region"),
        (["gmail"], {"prefer": "ssl"}, "prefer is 'ssl'"),
        ([], {"prefer": "starttls"}, "write its name as well"),
    ],
)
def test_mistakes_get_a_sentence(terms: list[str], options: dict[str, object], sentence: str) -> None:
    with pytest.raises(AnsibleLookupError, match=f"mailops.smtp.mail_provider: .*{sentence}"):
        run(*terms, **options)


def test_every_key_is_documented() -> None:
    documented = yaml.safe_load(mail_provider.RETURN)["_raw"]["contains"]
    assert set(documented) == set(run("gmail")[0])

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other ports and their modes."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from tests.support.anything import ANYTHING

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.alternatives import alternative_ports
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

HOST = "smtp.example.com"


def settings(port: int = 465, security: str = "implicit_tls", **more: t.Any) -> Settings:
    return Settings(HOST, port, security, **more)


@pytest.mark.parametrize(
    "chosen, option, expected",
    [
        (
            settings(),
            "auto",
            [(587, "starttls"), (2465, "implicit_tls"), (2587, "starttls"), (2525, "starttls"), (25, "starttls")],
        ),
        (
            settings(587, "starttls"),
            None,
            [(465, "implicit_tls"), (2465, "implicit_tls"), (2587, "starttls"), (2525, "starttls"), (25, "starttls")],
        ),
        (
            settings(25, "cleartext"),
            "auto",
            [(465, "implicit_tls"), (587, "auto"), (2465, "implicit_tls"), (2587, "auto"), (2525, "auto")],
        ),
        (settings(), [], []),
        (settings(), "[]", []),
        (settings(), "587, 2525", [(587, "starttls"), (2525, "starttls")]),
        (settings(), "[1025]", [(1025, "auto")]),
        (settings(), [587, "2525", 587, 465, 1025], [(587, "starttls"), (2525, "starttls"), (1025, "auto")]),
    ],
)
def test_alternatives(chosen: Settings, option: t.Any, expected: list[tuple[int, str]]) -> None:
    assert [(one["port"], one["security"]) for one in alternative_ports(chosen, option)] == expected


@pytest.mark.parametrize("option", ["all", 587, [0], ["x"], {"port": 587}, [70000], [True], [None]])
def test_bad_alternatives(option: t.Any) -> None:
    with pytest.raises(SettingsError) as caught:
        alternative_ports(settings(), option)
    assert caught.value.option == "alternatives"


@given(ANYTHING)
def test_any_alternatives(option: t.Any) -> None:
    try:
        alternative_ports(settings(), option)
    except SettingsError as error:
        assert str(error).endswith(".")

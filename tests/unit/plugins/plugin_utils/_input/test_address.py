# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: bare ones, each once."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from tests.support.anything import ANYTHING

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.address import is_bare_address, parse_recipients
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError


@pytest.mark.parametrize("text", ["a@b", "app@example.com", "o'hara+tag@mail.example.com", "postmaster@[192.0.2.1]"])
def test_bare_addresses(text: str) -> None:
    assert is_bare_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "app",
        "@example.com",
        "app@",
        "App <app@example.com>",
        "a@b, c@d",
        "a@b\n",
        "a@b\r\nRCPT TO:<c@d>",
        "a@b\u200b",
    ],
)
def test_no_bare_addresses(text: str) -> None:
    assert not is_bare_address(text)


@pytest.mark.parametrize(
    "value, found",
    [
        (["a@b.test"], ["a@b.test"]),
        ("a@b.test", ["a@b.test"]),
        ("a@b.test, c@d.test", ["a@b.test", "c@d.test"]),
        ((" a@b.test ", "A@b.test"), ["a@b.test", "A@b.test"]),  # the part before @ may differ in capitals
    ],
)
def test_recipients(value: t.Any, found: list[str]) -> None:
    assert parse_recipients(value) == found


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "recipients is empty; write a list of addresses"),
        ("", "recipients is empty; write a list of addresses"),
        ([], "recipients is empty; write a list of addresses"),
        ([""], "recipients[0] is empty; write an address"),
        (["a@b.test", None], "recipients[1] is empty; write an address"),
        (["a@b.test", " \t"], "recipients[1] is empty; write an address"),
        ("a@b.test,", "recipients[1] is empty; write an address"),
        (" ", "recipients[0] is empty; write an address"),
        (["a@b.test", "a@b.test"], "recipients[1] is 'a@b.test', which stands there already"),
        (["a@b.test", "c@d.test", "a@B.TEST"], "recipients[2] is 'a@B.TEST', which stands there already"),
        (["App <a@b.test>"], "recipients[0] is 'App <a@b.test>', which is not a bare mail address"),
        (["a@b.test\nRCPT TO:<x@y.test>"], "which is not a bare mail address"),
        ([["a@b.test"]], "which is not a bare mail address"),
        ({"a@b.test": 1}, "which is not a list"),
        (5, "which is not a list"),
        (True, "which is not a list"),
    ],
)
def test_no_recipients(value: t.Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_recipients(value)
    assert words in str(caught.value) and str(caught.value).startswith("recipients")
    assert (caught.value.option, caught.value.cause) == ("recipients", "invalid_settings")


@given(ANYTHING)
def test_any_recipients(value: t.Any) -> None:
    try:
        found = parse_recipients(value)
    except SettingsError as error:
        assert str(error).endswith(".")
    else:
        assert found and all(is_bare_address(one) for one in found)

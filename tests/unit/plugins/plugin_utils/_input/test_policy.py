# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy options."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.anything import ANYTHING

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, Policy, parse_policy


@pytest.mark.parametrize(
    "args, expected",
    [
        ({}, Policy()),
        (
            {"minimum_tls_version": "TLSv1.3", "certificate_days_error": "7", "certificate_days_warning": 30},
            Policy("TLSv1.3", 7, 30),
        ),
        ({"cleartext_networks": ["10.0.0.0/8", "::1"]}, Policy(cleartext_networks=("10.0.0.0/8", "::1"))),
        ({"cleartext_networks": "10.0.0.0/8, 192.0.2.0/24"}, Policy(cleartext_networks=("10.0.0.0/8", "192.0.2.0/24"))),
        ({"require_all_addresses": "yes"}, Policy(require_all_addresses=True)),
        (
            {
                "minimum_tls_version": None,
                "cleartext_networks": None,
                "certificate_days_error": None,
                "require_all_addresses": None,
            },
            Policy(),
        ),
    ],
)
def test_policy(args: dict[str, t.Any], expected: Policy) -> None:
    assert parse_policy(args) == expected


@pytest.mark.parametrize(
    "args, words",
    [
        (
            {"minimum_tls_version": "1.3"},
            "minimum_tls_version is '1.3'; write one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.",
        ),
        ({"cleartext_networks": ["lan"]}, "cleartext_networks holds 'lan', which is not a network; write CIDR"),
        ({"cleartext_networks": [None]}, "cleartext_networks holds 'None'"),
        ({"cleartext_networks": 5}, "cleartext_networks"),
        ({"certificate_days_error": -1}, "certificate_days_error is '-1', which is out of range"),
        ({"certificate_days_warning": "soon"}, "certificate_days_warning is 'soon', which is not a number"),
        ({"require_all_addresses": "maybe"}, "require_all_addresses is 'maybe', which is neither true nor false"),
    ],
)
def test_bad_policy(args: dict[str, t.Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_policy(args)
    assert str(caught.value).startswith(words)


@given(st.dictionaries(st.sampled_from(POLICY_OPTIONS), ANYTHING, max_size=6))
def test_any_policy(args: dict[str, t.Any]) -> None:
    try:
        parse_policy(args)
    except SettingsError as error:
        assert str(error).endswith(".") and error.option in POLICY_OPTIONS

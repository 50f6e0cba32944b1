# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The presets agree with the settings model and are found by every name."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils import _providers
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import convention_clash, parse_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._providers import (
    PROVIDERS,
    Provider,
    ProviderError,
    choose_port,
    describe,
    find_provider,
)

REGION = {"ses": "eu-west-1"}


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row.id)
def test_every_preset_makes_valid_settings(row: Provider) -> None:
    for port in row.ports:
        settings = describe(row, port.port, REGION.get(row.id), row.id)["settings"]
        assert settings["security"] == port.security
        assert not convention_clash(port.port, port.security)
        parsed = parse_settings(settings, probed=False)
        assert (parsed.host, parsed.port, parsed.security) == (settings["host"], port.port, port.security)


def test_names_are_unique() -> None:
    names: dict[str, str] = {}
    for row in PROVIDERS:
        for name in {row.id, row.name.lower(), row.host, *row.aliases}:
            assert names.setdefault(_providers._plain(name), row.id) == row.id, name


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("gmail", "gmail"),
        ("GMAIL", "gmail"),
        ("smtp.gmail.com", "gmail"),
        ("gmail.com", "gmail"),
        ("Office 365", "office365"),
        ("m365", "office365"),
        ("aws-ses", "ses"),
        ("email-smtp.eu-west-1.amazonaws.com", "ses"),
        ("smtp.eu.mailgun.org", "mailgun"),
        ("web.de", "webde"),
        ("sendinblue", "brevo"),
        ("mailpit_dev", "mailpit"),
    ],
)
def test_find(term: str, found: str) -> None:
    assert find_provider(term).id == found


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(
        ProviderError,
        match=r"'gmial' is not a provider that is known here; do you mean gmail\? Any other relay is given by host and port\.",
    ):
        find_provider("gmial")
    with pytest.raises(ProviderError, match="without a name lists all"):
        find_provider("zzzzzzzz")
    with pytest.raises(ProviderError):
        find_provider("x" * 10_000)


def test_ports() -> None:
    gmail = find_provider("gmail")
    assert choose_port(gmail, None)[:2] == (465, "implicit_tls")
    assert (
        choose_port(gmail, "starttls")[:2]
        == choose_port(gmail, 587)[:2]
        == choose_port(gmail, "587")[:2]
        == (587, "starttls")
    )
    assert choose_port(find_provider("office365"), None).port == 587
    with pytest.raises(
        ProviderError,
        match=r"Microsoft 365 does not offer implicit_tls; write one of its ports in prefer: 587 \(starttls\), 25 \(starttls\)\.",
    ):
        choose_port(find_provider("office365"), "implicit_tls")
    with pytest.raises(ProviderError, match="prefer is 'tls'"):
        choose_port(gmail, "tls")


def test_regions() -> None:
    ses, mailgun, gmail = find_provider("ses"), find_provider("mailgun"), find_provider("gmail")
    assert describe(ses, None, "eu-west-1", "ses")["host"] == "email-smtp.eu-west-1.amazonaws.com"
    assert (
        describe(ses, None, None, "email-smtp.us-east-1.amazonaws.com")["host"] == "email-smtp.us-east-1.amazonaws.com"
    )
    assert describe(ses)["host"] == "email-smtp.REGION.amazonaws.com"
    assert (
        describe(mailgun, None, "EU", "mailgun")["host"]
        == describe(mailgun, None, None, "smtp.eu.mailgun.org")["host"]
        == "smtp.eu.mailgun.org"
    )
    for row, region, sentence in (
        (ses, None, "Amazon SES has a host for each region"),
        (ses, "europe", "region is 'europe'"),
        (mailgun, "mars", "write one of eu, us"),
        (gmail, "eu", "leave out region"),
    ):
        with pytest.raises(ProviderError, match=sentence):
            describe(row, None, region, row.id)


def test_what_is_not_verified_says_so() -> None:
    office = describe(find_provider("office365"))
    assert office["verified"]
    assert [port["verified"] for port in office["ports"]] == [True, False]
    assert {quirk["verified"] for quirk in office["quirks"]} == {True, False}
    assert not any(quirk["text"].startswith("unverified") for quirk in office["quirks"])
    assert not describe(find_provider("mailjet"))["verified"]
    assert all(port.sources for port in find_provider("ses").ports)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of causes is the contract's table; its sentences hold exactly what the judge can fill in."""

from __future__ import annotations

import string

import pytest

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES, FINDINGS, LAYERS, Cause, Finding, cause_row
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Diagnosis
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import _words
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

# Layer to causes, as promised to users. None may go or be renamed.
CONTRACT = {
    "settings": "mode_mismatch invalid_settings",
    "dns": "name_not_found name_server_failure",
    "tcp": "connection_timeout connection_refused no_route connection_blocked connection_reset",
    "greeting": "greeting_timeout greeting_rejected not_smtp connection_closed",
    "mode": "mode_mismatch",
    "ehlo": "ehlo_rejected",
    "starttls": "starttls_not_offered starttls_rejected",
    "tls": "tls_handshake_timeout tls_version_unsupported tls_handshake_failed client_certificate_required",
    "certificate": "certificate_expired certificate_not_yet_valid certificate_self_signed certificate_untrusted certificate_chain_incomplete"
    " certificate_name_mismatch certificate_weak",
    "auth": "auth_not_offered auth_mechanism_not_offered auth_requires_tls auth_rejected",
    "transaction": "sender_rejected recipient_rejected message_rejected temporarily_rejected",
}
CONTRACT_FINDINGS = (
    "certificate_expiring address_unreachable auth_offered_in_cleartext downgrade_possible starttls_stripped starttls_injection unconventional_port"
    " tls_version_old port_filtered_elsewhere_open"
).split()


def test_the_contract() -> None:
    assert list(CONTRACT) == list(LAYERS)
    for layer, codes in CONTRACT.items():
        assert {row.code for row in CAUSES if row.layer == layer} == set(codes.split())
    assert set(CONTRACT_FINDINGS) <= {row.code for row in FINDINGS}


def test_no_row_twice() -> None:
    assert len({(row.code, row.variant) for row in CAUSES}) == len(CAUSES)
    assert len({row.code for row in FINDINGS}) == len(FINDINGS)
    assert len({row.sentence for row in CAUSES}) == len(CAUSES), "each cause has its own sentence"
    assert len({row.remedy for row in CAUSES}) == len(CAUSES), "and its own remedy"


@pytest.mark.parametrize("row", [*CAUSES, *FINDINGS], ids=lambda row: f"{row.code} {getattr(row, 'variant', '')}".strip())
def test_sentences(row: Cause | Finding) -> None:
    supplied = set(_words(Settings("relay.test", 587, "starttls"), None, Diagnosis("name_not_found", "dns")))
    for text in (row.sentence, row.remedy):
        used = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
        assert used <= supplied, f"{used - supplied} is never filled in"
        assert text.endswith(".") and text[0].isupper() or text.startswith(("{", "source_address", "secure"))
        assert "{}" not in text
    assert "{detail}" in row.sentence or row.code in ("starttls_injection",), "what this case adds has a place"
    assert "{detail}" not in row.remedy


def test_only_documented_fields() -> None:
    """What the table's own documentation promises, and {observed} for the mode that a port speaks."""
    supplied = set(_words(Settings("relay.test", 587, "starttls"), None, Diagnosis("name_not_found", "dns")))
    assert supplied == {"endpoint", "host", "port", "address", "timeout", "other_port", "other_secure", "name", "ca_path", "detail", "observed"}


@pytest.mark.parametrize("severity", sorted({row.severity for row in FINDINGS}))
def test_severities(severity: str) -> None:
    assert severity in ("info", "warning")


def test_lookup() -> None:
    assert cause_row("no_route", "or_blocked").variant == "or_blocked"
    assert cause_row("no_route", "something else").variant == ""
    with pytest.raises(KeyError):
        cause_row("nothing")

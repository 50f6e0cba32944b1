# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of causes is the contract's table; its sentences hold exactly what the judge can fill in."""

from __future__ import annotations

import string

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import (
    CASE_FIELDS,
    CAUSES,
    FIELDS,
    FINDINGS,
    LAYERS,
    Cause,
    Finding,
    cause_row,
    fill,
    said,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.details import fields_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import PORT_FIELDS

# Layer to causes, as promised to users. None may go or be renamed.
CONTRACT = {
    "settings": "mode_mismatch invalid_settings",
    "dns": "name_not_found name_server_failure",
    "tcp": "connection_timeout connection_refused no_route connection_blocked connection_reset not_asked",
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
    assert len({row.sentence for row in CAUSES}) == len(CAUSES), "each row has its own sentence"
    assert len({row.told for row in CAUSES}) == len(CAUSES), "and tells how it is told apart"


# What a verdict fills in always, and what comes with the rows that use it (the judge's table shows each of those rows).
ALWAYS = set(fields_of(Settings("relay.test", 587, "starttls"), None, dict.fromkeys(PORT_FIELDS), {}))
OF_A_CASE = set(CASE_FIELDS)


def test_the_documented_fields() -> None:
    assert set(FIELDS) == ALWAYS


@pytest.mark.parametrize(
    "row", [*CAUSES, *FINDINGS], ids=lambda row: f"{row.code} {getattr(row, 'variant', '')}".strip()
)
def test_sentences(row: Cause | Finding) -> None:
    for text in (row.sentence, row.remedy):
        used = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
        assert used <= ALWAYS | OF_A_CASE, f"{used - ALWAYS - OF_A_CASE} is never filled in"
        assert text[0].isupper() or text.startswith(("{", "source_address", "secure"))
        assert "{}" not in text and "  " not in text and text.count("[") == text.count("]")
    assert not row.sentence.endswith((".", " ")), "a clause: its stop comes behind what the case adds"
    assert row.remedy.endswith(".")


@pytest.mark.parametrize("row", CAUSES, ids=lambda row: f"{row.code} {row.variant}".strip())
def test_how_it_is_told_apart_and_said_of_a_log(row: Cause) -> None:
    assert row.told.endswith(".") and row.told[0] in string.ascii_uppercase + string.digits + "'"
    assert not row.log.endswith(".") and row.log_remedy.endswith(".") in (bool(row.log_remedy), True)
    for text in (row.log, row.log_remedy):
        used = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
        assert used <= {"endpoint", "host"}, "a log may name no more"


def test_brackets_go_with_a_null_field() -> None:
    assert fill("Ask[, or use {a} and {b}] now.", {"a": 1, "b": 2}) == "Ask, or use 1 and 2 now."
    assert fill("Ask[, or use {a} and {b}] now.", {"a": 1, "b": None}) == "Ask now."
    with pytest.raises(KeyError):
        fill("{c}", {})


def test_what_a_case_adds() -> None:
    assert said("{a} refused", {"a": "x"}) == "x refused."
    assert said("{a} refused", {"a": "x"}, "'550 no.'") == "x refused: '550 no.'."
    assert said("{a} refused: why", {"a": "x"}, "so.") == "x refused: why; so."


@pytest.mark.parametrize("severity", sorted({row.severity for row in FINDINGS}))
def test_severities(severity: str) -> None:
    assert severity in ("info", "warning")


def test_lookup() -> None:
    assert cause_row("no_route", "or_blocked").variant == "or_blocked"
    assert cause_row("no_route", "something else").variant == ""
    with pytest.raises(KeyError):
        cause_row("nothing")

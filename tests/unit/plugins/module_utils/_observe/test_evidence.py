# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken for an observation: another format is refused in one sentence; the comparison with the declared shape."""

from __future__ import annotations

import typing as t

import pytest
from tests.support.shape import mismatches

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    FORMAT,
    Attempt,
    EvidenceError,
    Observation,
    checked,
)

ATTEMPT: Attempt = {"address": "192.0.2.1", "family": 4, "security": "starttls", "rungs": [], "failure": None}
SOUND: Observation = {
    "format": FORMAT,
    "dns": {"ok": True, "ms": 1.0},
    "attempts": [ATTEMPT],
    "alternatives": [],
    "elsewhere": [],
    "elapsed_ms": 1.0,
}


def test_what_is_taken() -> None:
    assert checked(dict(SOUND)) == SOUND
    assert mismatches(SOUND, Observation) == []


@pytest.mark.parametrize(
    "found, says",
    [
        ({}, "has no format number, so an older release made it; probe again."),
        ({**SOUND, "format": FORMAT + 1}, f"has format {FORMAT + 1}, and this release of mailops.smtp reads {FORMAT};"),
        ({**SOUND, "format": True}, "has format True"),
        ({**SOUND, "format": "1"}, "has format '1'"),
        ({"format": FORMAT, "attempts": []}, "lacks dns, alternatives, elsewhere, elapsed_ms;"),
        ([], "This is no observation"),
        (None, "This is no observation"),
        ("x", "This is no observation"),
    ],
)
def test_what_is_refused(found: object, says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        checked(found)
    assert says in str(caught.value)
    assert "probe again" in str(caught.value)


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"attempts": [{**ATTEMPT, "rung": []}]}, ["it.attempts[0] has rung, which"]),
        ({"elapsed_ms": "1"}, ["it.elapsed_ms is '1', not float"]),
        ({"elapsed_ms": True}, ["it.elapsed_ms is True, not float"]),
        ({"more": 1}, ["it has more, which Observation does not declare"]),
        ({"dns": None}, ["it.dns is None, not a dictionary"]),
        ({"elsewhere": {}}, ["it.elsewhere is {}, not a list"]),
        ({"attempts": [{**ATTEMPT, "security": "tls"}]}, ["it.attempts[0].security is 'tls', not one of"]),
    ],
)
def test_the_comparison_itself(wrong: dict[str, t.Any], says: list[str]) -> None:
    found = mismatches({**SOUND, **wrong}, Observation)
    assert found and all(any(words.startswith(one) for words in found) for one in says)

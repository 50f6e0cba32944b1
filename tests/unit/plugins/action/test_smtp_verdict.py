# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registered verdict counts, without its evidence."""

from __future__ import annotations

import typing as t

import pytest
from tests.support.acting import Host, act

HOST = Host(lambda _plans: {})
SELECTED = {
    "host": "smtp.example.com",
    "port": 465,
    "secure": True,
    "security": "implicit_tls",
    "ok": True,
    "cause": None,
}


def verdict(**registered: t.Any) -> dict[str, t.Any]:
    return act(
        "smtp_verdict",
        HOST,
        verdict={"msg": "said", "probes": [{"greeting": "220 hi"}], "alternatives": [], **registered},
    )


@pytest.mark.parametrize(
    "registered, failed",
    [
        ({"cause": None, "selected": SELECTED}, False),
        ({"cause": "connection_refused", "selected": SELECTED}, False),  # fallback: use
        (
            {"cause": "connection_refused", "layer": "tcp", "remedy": "do", "selected": None, "failed": False},
            True,
        ),  # failed_when: false
        ({"cause": "connection_refused", "failed": True}, True),
        ({"failed": True}, True),
        ({"unreachable": True}, True),
    ],
)
def test_a_verdict(registered: dict[str, t.Any], failed: bool) -> None:
    answer = verdict(**registered)
    assert bool(answer.get("failed")) is failed
    assert (
        answer["msg"] == "said"
        and answer["cause"] == registered.get("cause")
        and answer["selected"] == registered.get("selected")
    )
    assert not {"probes", "alternatives"} & set(answer)


@pytest.mark.parametrize("given", [None, "", "mail_gate", [], {}, {"msg": 5}])
def test_no_verdict(given: t.Any) -> None:
    answer = act("smtp_verdict", HOST, verdict=given)
    assert answer["failed"] and answer["cause"] == "invalid_settings" and "verdict is" in answer["msg"]

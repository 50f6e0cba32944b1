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
        ({"cause": None, "message_id": "<1@x>"}, False),  # smtp_send
        ({"failed": False}, True),  # the host could not be asked, and failed_when: false
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


PASSED = {"msg": "passed", "cause": None, "selected": SELECTED}
FAILED = {"msg": "failed", "cause": "connection_refused", "selected": None, "failed": False}
SKIPPED = {"skipped": True, "changed": False}


@pytest.mark.parametrize(
    "results, told",
    [
        ([PASSED, FAILED], "failed"),
        ([PASSED, {"msg": "no Python", "failed": False}], "no Python"),
        ([SKIPPED, PASSED], "passed"),
    ],
)
def test_each_verdict_of_a_loop_counts(results: list[dict[str, t.Any]], told: str) -> None:
    answer = verdict(msg="All items completed", results=results)
    assert answer["msg"] == told and bool(answer.get("failed")) is (told != "passed")


@pytest.mark.parametrize("given", [{**SKIPPED, "msg": "x"}, SKIPPED, {"results": [SKIPPED, SKIPPED], "msg": "x"}])
def test_a_skipped_gate_is_no_pass(given: dict[str, t.Any]) -> None:
    answer = act("smtp_verdict", HOST, verdict=given)
    assert answer["failed"] and "was skipped; give this task its condition" in answer["msg"]


@pytest.mark.parametrize("results", [[], [None], [{"msg": 5}], ["x"]])
def test_a_loop_without_a_verdict(results: list[t.Any]) -> None:
    answer = verdict(msg="All items completed", results=results)
    assert answer["failed"] and answer["cause"] == "invalid_settings"

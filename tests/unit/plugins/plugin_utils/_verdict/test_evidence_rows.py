# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own evidence has the declared shape, and so has what the controller sends."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Kind, Observation, Plan, checked
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

from tests.support.evidence import Row, make_chains
from tests.support.shape import mismatches
from tests.unit.plugins.plugin_utils._verdict.rows import ROWS


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return make_chains(Path(tmp_path_factory.mktemp("pki")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_tests_own_evidence(row: Row, chains: dict[str, list[str]]) -> None:
    evidence = row.evidence(chains)
    assert mismatches(evidence, Observation) == []
    assert checked(json.loads(json.dumps(evidence))) == evidence


def test_every_kind_of_failure_has_a_row() -> None:
    def kinds(found: t.Any) -> set[str]:
        if isinstance(found, dict):
            return {found["kind"]} if "kind" in found else {kind for one in found.values() for kind in kinds(one)}
        return {kind for one in found for kind in kinds(one)} if isinstance(found, list) else set()

    there = {kind for row in ROWS for kind in kinds(row.made)}
    assert there == set(t.get_args(Kind))


def test_what_the_controller_sends() -> None:
    assert mismatches(plan_of(Settings("relay.test", 587, "starttls"), Policy()), Plan) == []
    extra = {"alternatives": [{"port": 465, "security": "auto"}], "control_port": 465, "try_injection": True}
    message = {"sender": "a@x.test", "recipients": ["b@x.test"], "message": "x", "deliver": False}
    assert (
        mismatches(plan_of(Settings("relay.test", 587, "starttls"), Policy(), transaction=message, **extra), Plan) == []
    )

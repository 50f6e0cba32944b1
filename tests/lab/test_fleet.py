# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: one run of the gate over twenty hosts of two providers, one of which filters port 465."""

from __future__ import annotations

from typing import Any

import pytest

from lab.controllers import play
from lab.network import in_namespace, run
from lab.plan import HOSTS, Host
from lab.stage import CA_PATH, FLEET_RULE, Stage

GATE = {"host": "fleet.lab.test", "port": 465, "secure": True, "ca_path": CA_PATH, "timeout": 3}


@pytest.fixture(scope="module")
def fleet(stage: Stage) -> dict[str, dict[str, dict[str, Any]]]:
    """Task -> host -> result. ansible-core 2.19, which manages every Python of the lab."""
    tasks = [
        {"name": "refuse", "mailops.smtp.smtp_gate": GATE, "ignore_errors": True},
        {"name": "use", "mailops.smtp.smtp_gate": {**GATE, "fallback": "use"}, "ignore_errors": True},
    ]
    results, _printed = play("2.19", "fleet", HOSTS, tasks, forks=10)
    by_task: dict[str, dict[str, dict[str, Any]]] = {"refuse": {}, "use": {}}
    for result in results:
        by_task[result["task"]][result["host"]] = result["result"]
    return by_task


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.name}-py{host.python}")
def test_each_host_gets_its_own_verdict(fleet: dict[str, dict[str, dict[str, Any]]], host: Host) -> None:
    """The open network passes; behind the filter the gate says timeout, and that 587 works."""
    result = fleet["refuse"][host.name]
    if host.network == "red":
        assert not result.get("failed"), result.get("msg")
        assert result["cause"] is None
    else:
        assert result["failed"]
        assert (result["cause"], result["layer"]) == ("connection_timeout", "tcp"), result["msg"]
        assert [(one["port"], one["ok"]) for one in result["alternatives"]][:1] == [(587, True)]
        assert "465" in result["msg"] and "587" in result["msg"]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.name}-py{host.python}")
def test_fallback_is_each_hosts_own(fleet: dict[str, dict[str, dict[str, Any]]], host: Host) -> None:
    """With fallback: use every host passes, those behind the filter on another port."""
    result = fleet["use"][host.name]
    assert not result.get("failed"), result.get("msg")
    assert (result.get("selected") or {"port": 465})["port"] == (587 if host.network == "blue" else 465), result.get(
        "selected"
    )


def test_the_verdict_is_that_of_the_host_that_probes(stage: Stage) -> None:
    """With delegate_to it is the other host's network that counts, with run_once one host asks for all; and --check finds out the same."""
    red, blue = HOSTS[2], next(host for host in HOSTS if host.network == "blue" and host.python == HOSTS[2].python)
    tasks = [
        {"name": "own", "mailops.smtp.smtp_gate": GATE, "ignore_errors": True},
        {"name": "delegated", "mailops.smtp.smtp_gate": GATE, "delegate_to": blue.name, "ignore_errors": True},
        {
            "name": "looped",
            "mailops.smtp.smtp_gate": {**GATE, "port": "{{ item }}", "secure": "{{ item == 465 }}"},
            "loop": [465, 587],
            "ignore_errors": True,
        },
        {
            "name": "both",
            "mailops.smtp.smtp_gate": {
                "endpoints": [{"port": 587, "secure": False}, {"port": 465, "secure": True}],
                "host": GATE["host"],
                "ca_path": CA_PATH,
                "timeout": 3,
            },
            "ignore_errors": True,
        },
        {"name": "once", "mailops.smtp.smtp_gate": GATE, "run_once": True, "delegate_to": red.name},
    ]
    results, printed = play("2.19", "delegated", [red, blue], tasks, None, "--check", strategy="linear")
    seen = {(result["task"], result["host"], result["item"]): result["result"]["cause"] for result in results}
    filtered = "connection_timeout"
    assert {key: cause for key, cause in seen.items() if key[0] != "once"} == {
        ("own", red.name, None): None,
        ("own", blue.name, None): filtered,
        ("delegated", red.name, None): filtered,
        ("delegated", blue.name, None): filtered,
        ("looped", red.name, 465): None,
        ("looped", red.name, 587): None,
        ("looped", blue.name, 465): filtered,
        ("looped", blue.name, 587): None,
        ("both", red.name, None): None,
        ("both", blue.name, None): filtered,
    }, printed
    assert [cause for key, cause in seen.items() if key[0] == "once"] == [None]


def test_the_filter_was_met(fleet: dict[str, dict[str, dict[str, Any]]]) -> None:
    """The router has counted packets that it dropped: the timeouts came from there."""
    listed = next(
        line
        for line in run(in_namespace("gw", "nft", "list", "ruleset")).splitlines()
        if FLEET_RULE.partition(" tcp")[0] in line
    )
    assert int(listed.partition("packets ")[2].split()[0]) >= len([host for host in HOSTS if host.network == "blue"])

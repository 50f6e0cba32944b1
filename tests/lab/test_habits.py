# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Habits that hold whatever the verdict is: one connection to a healthy relay, no login in cleartext, no mail in check mode."""

from __future__ import annotations

import pytest

from lab.controllers import CONTROLLERS
from lab.network import in_namespace, run
from lab.plan import RUN
from lab.scenario import rows
from lab.stage import TARGET_HOSTS, Stage

ROWS = {row.name: row for row in rows()}
HOST = TARGET_HOSTS["3.13"].name
RELEASE = CONTROLLERS[-1]


def _connections(ip: str) -> int:
    """How many connections to a relay the router has counted; rows with a counter rule have one."""
    for line in run(in_namespace("gw", "nft", "list", "ruleset")).splitlines():
        if f"ip daddr {ip} " in line and "counter packets" in line:
            return int(line.partition("packets ")[2].split()[0])
    raise AssertionError(f"the router has no counter for {ip}")


@pytest.mark.parametrize("name", ["polite", "polite-587"])
def test_a_healthy_endpoint_costs_one_connection(stage: Stage, name: str) -> None:
    """The gate with its alternatives makes one connection to a healthy endpoint, and no other."""
    ip, _ip6 = stage.addresses[name]
    before = _connections(ip)
    found, _printed = stage.one_by_one(RELEASE, "smtp_gate", {HOST: [ROWS[name]]})
    assert found[HOST, name]["cause"] is None
    assert _connections(ip) - before == 1


def test_bad_settings_cost_no_connection(stage: Stage) -> None:
    """What cannot work is refused before a packet is sent."""
    ip, _ip6 = stage.addresses["untouched"]
    before = _connections(ip)
    refused = [row for row in ROWS.values() if row.relay == "untouched" and row.cause == "invalid_settings"]
    found, _printed = stage.one_by_one(RELEASE, "smtp_gate", {HOST: refused})
    assert {result["cause"] for result in found.values()} == {"invalid_settings"}
    assert _connections(ip) == before


def _mails() -> set[str]:
    return {str(path) for path in (RUN / "tmp").glob("mailops-*/mail/**/*") if path.is_file()}


def test_check_mode_goes_to_rcpt_and_sends_nothing(stage: Stage) -> None:
    """In check mode a good recipient passes, a bad one is named, and no message arrives; without it one does."""
    names = ["send", "send-login", "send-exim", "send-unknown-user", "send-relay-denied"]
    before = _mails()
    found, _printed = stage.one_by_one(RELEASE, "smtp_send", {HOST: [ROWS[name] for name in names]}, "--check")
    assert {name: found[HOST, name]["cause"] for name in names} == {
        "send": None,
        "send-login": None,
        "send-exim": None,
        "send-unknown-user": "recipient_rejected",
        "send-relay-denied": "recipient_rejected",
    }
    assert _mails() == before
    found, _printed = stage.one_by_one(RELEASE, "smtp_send", {HOST: [ROWS["send"]]})
    assert found[HOST, "send"]["queue_id"]


def test_nobody_logs_in_or_mails_in_cleartext(stage: Stage) -> None:
    """AUTH and MAIL reach a scripted relay inside TLS only, but for the rows that ask for cleartext by name."""
    scripted = stage.heard()
    stage.one_by_one(
        RELEASE,
        "smtp_gate",
        {
            HOST: [
                row for row in ROWS.values() if row.call == "gate" and "username" in row.ask and row.relay in scripted
            ]
        },
    )
    by_name = {row.relay for row in ROWS.values() if row.ask.get("security") == "cleartext"}
    heard = {name: [command for port in ports for command in port] for name, ports in stage.heard().items()}
    assert any(command.startswith("AUTH") for commands in heard.values() for _tls, command in commands)
    for name, commands in heard.items():
        if name not in by_name:
            assert not [
                command for tls, command in commands if not tls and command.upper().startswith(("AUTH", "MAIL"))
            ], name

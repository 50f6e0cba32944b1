# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of tasks that are about several apps at once: an audit, and the steps of the role mail_config."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Handed, Seen, made
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.results import About, records_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally

from tests.support.fleet import Fleet, chains_of_a_fleet

FINDING = {"severity": "error", "code": "mode_mismatch", "message": "It does not fit.", "remedy": "Change it."}
APP: dict[str, t.Any] = {
    "app": "pangolin",
    "path": "/opt/p/config.yml",
    "settings": {"host": "smtp.example.com", "port": 465, "security": "implicit_tls", "username": "app"},
    "findings": [],
}


def records(action: str, result: dict[str, t.Any], failed: bool = False) -> list[Record]:
    about = About("2026-11-29T21:00:00+00:00", "run", "site.yml", "play", "task", action, "app1")
    return records_of(about, result, failed, None)


def test_an_audit_gives_a_record_per_app() -> None:
    broken = {**APP, "state": "broken", "cause": "mode_mismatch", "message": "It does not fit.", "findings": [FINDING]}
    apps = [broken, {**APP, "state": "fine"}, {**APP, "state": "unknown", "line": "not known"}]
    found = records("app_mail_config_audit_info", {"apps": apps})
    assert [one.ok for one in found] == [False, True, None]
    assert (found[0].kind, found[0].cause, found[0].subject) == ("audit", "mode_mismatch", "smtp.example.com:465")
    assert found[0].message == "It does not fit." and found[1].message is None
    assert (
        records("app_mail_config_audit_info", {"msg": "app is 'x'", "cause": "invalid_settings"}, True)[0].ok is False
    )


def test_where_there_is_nothing_to_judge_no_task_failed() -> None:
    (none,) = records("app_mail_config_audit_info", {"apps": []})
    assert (none.kind, none.state, none.ok, none.subject) == ("skipped", "skipped", None, "")
    (empty,) = records("app_mail_config_info", {**APP, "found": False, "settings": None})
    assert (empty.kind, empty.state) == ("audit", "skipped") and "no mail settings" in str(empty.message)
    (broken,) = records("app_mail_config_info", {"msg": "MODULE FAILURE"}, True)
    assert (broken.state, broken.message) == ("failed", "MODULE FAILURE")
    tally = Tally()
    for one in (none, replace(empty, host="app2"), replace(broken, host="app3")):
        tally.add(one)
    tally.add(records("app_mail_config_info", {**APP, "found": True})[0])
    assert tally.counts() == {"works": 1, "skipped": 1, "broken": 1}
    tally.close()


def test_a_host_that_is_the_controller_itself_is_known_as_such() -> None:
    about = About("2026-11-29T21:00:00+00:00", "run", "site.yml", "play", "task", "smtp_gate", "app1")
    for connection, local in (("local", True), ("ansible.builtin.local", True), ("ssh", False), (None, False)):
        handed = made(Seen(), "app1", {"ansible_connection": connection}, ())
        (record,) = records_of(about, {"msg": "broken"}, True, handed)
        assert record.vantage["local"] is local


def test_the_steps_of_the_role() -> None:
    assert records("app_mail_config_set", {"token": "x", "paths": [], "results": [APP]}) == []
    written = records("app_mail_config_set", {"token": "x", "results": [APP, {"path": "/template"}]})
    assert [(one.kind, one.ok) for one in written] == [("app", True)]
    refused = records("app_mail_config_set", {"msg": "no", "cause": "invalid_settings", "layer": "settings"}, True)
    assert [(one.ok, one.cause) for one in refused] == [(False, "invalid_settings")]
    probe = {"host": "h", "port": 465, "security": "implicit_tls", "ok": False, "layer": "tcp", "cause": "no_route"}
    proof = records("app_mail_config_set", {"probes": [{**probe, "message": "m", "remedy": "r", "findings": []}]}, True)
    assert [(one.kind, one.ok, one.cause) for one in proof] == [("gate", False, "no_route")]


def test_a_step_that_fails_with_a_sentence_alone_is_judged_from_what_was_handed_over(tmp_path: Path) -> None:
    fleet = Fleet(chains_of_a_fleet(tmp_path), hosts=1).plant(lambda _host, _endpoint: "filtered")
    (seen,) = fleet.records()
    assert seen.ok is False and seen.evidence is not None
    kept = [{"settings": seen.settings, "policy": seen.policy, "evidence": seen.evidence}]
    about = About("2026-11-29T21:00:00+00:00", "run", "site.yml", "play", "task", "app_mail_config_set", "app1")
    told = {"msg": f"app1 cannot send mail: {seen.message}", "cause": seen.cause, "layer": seen.layer}
    (found,) = records_of(about, told, True, Handed(kept))
    assert (found.kind, found.ok, found.cause, found.layer) == ("gate", False, seen.cause, seen.layer)
    assert found.subject == seen.subject and found.probe is not None and found.evidence == seen.evidence
    # Nothing was asked: settings that cannot work.
    (refused,) = records_of(about, {**told, "layer": "settings"}, True, Handed([{"settings": seen.settings}]))
    assert refused.kind == "app" and refused.probe is None

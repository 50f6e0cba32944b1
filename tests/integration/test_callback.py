# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback verdicts in real runs: loops, retries, delegation, rescue, no_log, check mode, batches, hosts that give no verdict."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.evidence import basis_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all

from tests.support.faulty import FaultyServer, honest, smtp
from tests.support.pki import Pki
from tests.support.process import closed_ports

PASSWORD, USERNAME = "hunter2-S3cret", "tok3n-of-an-account"
ON = {"ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts"}


def run(
    folder: pathlib.Path, plays: list[t.Any], hosts: t.Mapping[str, t.Any], *options: str, **environment: str
) -> tuple[str, list[Record]]:
    """What ansible-playbook printed, and the records that it left in the folder where it was started."""
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "relay_username": USERNAME,
        "relay_password": PASSWORD,
    }
    groups: dict[str, t.Any] = {}
    for name, variables in hosts.items():
        given = {**local, **variables}
        groups.setdefault(given.pop("group", "web"), {"hosts": {}})["hosts"][name] = given
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": groups}}, sort_keys=False))
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "inventory.yml", *options]
    surroundings = {
        **os.environ,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": "4",
        **environment,
    }
    done = subprocess.run(
        [*command, "play.yml"], capture_output=True, text=True, check=False, cwd=folder, env=surroundings, timeout=120
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output and "Callback dispatch" not in output, output
    assert PASSWORD not in output
    path = folder / environment.get("MAILOPS_VERDICTS", "mail-verdicts.jsonl")
    if not path.exists():
        return output, []
    text = path.read_text()
    assert PASSWORD not in text and USERNAME not in text and stat.S_IMODE(path.stat().st_mode) == 0o600
    found = list(read_file(str(path)))
    assert all(isinstance(one, Record) for one in found)
    return output, t.cast("list[Record]", found)


def test_results_of_any_playbook(tmp_path: pathlib.Path) -> None:
    pki = Pki(tmp_path / "pki")
    relay = smtp(implicit=honest(pki.issue("localhost")), users={USERNAME: PASSWORD}, mechanisms=["PLAIN"])
    (closed, closed_too, dead) = closed_ports(3)
    with FaultyServer(relay) as server:
        common = {"host": "localhost", "ip_version": "4", "timeout": 5, "ca_path": str(pki.ca_file)}
        # Ansible shows lines of the playbook beside an error, so these stand elsewhere.
        login = {"username": "{{ relay_username }}", "password": "{{ relay_password }}"}
        good = {**common, "port": server.port, "secure": True, **login}
        gate, info = "mailops.smtp.smtp_gate", "mailops.smtp.smtp_endpoint_info"
        tasks = [
            {"ansible.builtin.assert": {"that": "inventory_hostname != 'early'", "fail_msg": "no settings"}},
            {
                "name": "Ask",
                gate: {"endpoints": [good, {**common, "port": closed}], "alternatives": []},
                "when": "inventory_hostname != 'skipped'",
                "ignore_errors": True,
                "vars": {"mark": "m"},
            },
            {"name": "Only a", "when": "inventory_hostname == 'a'", "block": [
                {"name": "Login", gate: {**good, "check_credentials": True}},
                {"name": "Loop", info: {**common, "port": "{{ item }}"}, "loop": [closed, closed_too], "register": "x",
                 "until": "x.probes[0].ok", "retries": 2, "delay": 0, "ignore_errors": True},
                {"name": "Hidden", gate: {**good, "port": closed}, "no_log": True, "ignore_errors": True},
                {"name": "Elsewhere", gate: {**common, "port": closed_too}, "delegate_to": "b", "ignore_errors": True},
                {"name": "Wrong", gate: {**common, "port": 0}, "ignore_errors": True},
                {"name": "Later", gate: {**good}, "async": 10, "poll": 0, "ignore_errors": True},
                {"name": "Rescued", "block": [{"name": "First", gate: {**common, "port": closed, "alternatives": []}}],
                 "rescue": [{"name": "Other port", gate: {**common, "port": closed, "alternatives": [server.port],
                                                          "fallback": "use"}}]},
                {"name": "Send", "mailops.smtp.smtp_send": {**good, "sender": "a@example.com",
                                                           "recipients": "b@example.com"}, "check_mode": True},
                {"name": "File", "mailops.smtp.app_mail_config_info": {"app": "pangolin", "path": str(tmp_path / "no")}},
            ]},
        ]  # fmt: skip
        hosts = {
            "a": {"provider": "blue"}, "b": {}, "skipped": {"provider": "red"}, "early": {},
            "gone": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": dead, "group": "far"},
            "not in it": {"group": "others"},
        }  # fmt: skip
        plays = [{"name": "Mail", "hosts": "web:far", "gather_facts": False, "tasks": tasks, "serial": [1, 10]}]
        output, records = run(tmp_path, plays, hosts, **ON)

    def of(host: str, task: str) -> list[tuple[t.Any, ...]]:
        return [(r.kind, r.ok, r.cause, r.subject) for r in records if (r.host, r.task) == (host, task)]

    here = "localhost"
    asked = [("gate", True, None, f"{here}:{server.port}"), ("gate", False, "connection_refused", f"{here}:{closed}")]
    assert of("a", "Ask") == of("b", "Ask") == asked
    assert of("a", "Login") == asked[:1] and of("a", "Hidden") == [("gate", False, None, "")]
    assert of("a", "Loop") == [("probe", False, "connection_refused", f"{here}:{one}") for one in (closed, closed_too)]
    assert of("a", "Wrong") == [("gate", False, "invalid_settings", "")]
    assert of("a", "Later")[0][1] is None and of("a", "First") == asked[1:]
    assert of("a", "Send") == [("send", True, None, f"{here}:{server.port}")]
    assert of("a", "File")[0][:2] == ("audit", None)
    (other,) = (r for r in records if r.task == "Other port")
    assert (other.ok, other.cause) == (False, "connection_refused")
    assert other.selected is not None and other.selected["port"] == server.port
    (elsewhere,) = (r for r in records if r.task == "Elsewhere")
    assert (elsewhere.host, elsewhere.vantage["host"]) == ("a", "b")
    without = {r.host: (r.state, r.subject) for r in records if r.kind in ("unreachable", "skipped", "not_asked")}
    assert without == {
        "gone": ("unreachable", f"{here}:{closed}"),
        "early": ("not_asked", ""),
        "skipped": ("skipped", ""),
    }
    early = next(r for r in records if r.host == "early")
    assert early.message and early.message.endswith("no settings")
    assert all(r.variables == {"provider": "blue"} for r in records if r.host == "a" and r.settings)
    assert [r.variables for r in records if r.host == "skipped"] == [{"provider": "red"}]
    assert {r.groups for r in records} == {("web",), ("far",)} and len({r.run for r in records}) == 1
    _judged_again(records)
    table = output[output.index("MAIL VERDICTS") :]
    for words in ("not reached                      1  gone", "skipped                          1  skipped",
                  "never asked                      1  early", "connection_refused (tcp): 2 hosts",
                  f"{len(records)} lines added to {tmp_path}"):  # fmt: skip
        assert words in table, table


def _judged_again(records: list[Record]) -> None:
    """What is in the file is enough for the same verdict."""
    seen = 0
    for record in records:
        basis = basis_of(record)
        if basis is None:
            continue
        seen += 1
        again = judge_all([basis.settings], [basis.observation], basis.policy, basis.host)[0].probe
        assert (again["ok"], again["cause"], again["layer"]) == (record.ok, record.cause, record.layer)
        certificates = record.probe["certificates"] if record.probe else []
        assert all("BEGIN CERTIFICATE" in one["pem"] for one in certificates)
    assert seen > 5


def test_runs_without_mail_get_nothing_and_no_callback_leaves_nothing(tmp_path: pathlib.Path) -> None:
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "hello"}}]}]
    output, records = run(tmp_path, plays, {"a": {}}, **ON)
    assert "MAIL VERDICTS" not in output and records == []
    tasks = [{"mailops.smtp.smtp_endpoint_info": {"host": "localhost", "port": 9, "timeout": 1}}]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    output, records = run(tmp_path, plays, {"a": {}})
    assert "MAIL VERDICTS" not in output and records == []


@pytest.mark.parametrize("path", ["nowhere/verdicts.jsonl"])
def test_a_file_that_cannot_be_written_is_said_once(tmp_path: pathlib.Path, path: str) -> None:
    tasks = [{"mailops.smtp.smtp_endpoint_info": {"host": "localhost", "port": 9, "timeout": 1}}]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    output, records = run(tmp_path, plays, {"a": {}, "b": {}}, MAILOPS_VERDICTS=path, **ON)
    assert records == [] and "".join(output.split()).count("cannotbewritten") == 1
    assert "mail does not work               2  a, b" in output

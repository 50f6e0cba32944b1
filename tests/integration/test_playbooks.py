# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as people run them: by name, with an inventory, variables typed on the command line, from a folder of theirs."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.support.faulty import FaultyServer, honest, smtp
from tests.support.pki import Pki
from tests.support.process import closed_ports

PASSWORD = "hunter2-S3cret"


class Fleet:
    """An inventory of this machine under several names, each with settings of its own, and the relays that they mean."""

    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        pki = Pki(folder / "pki")
        good = pki.issue("localhost")
        self.ca = str(pki.ca_file)
        self.implicit = stack.enter_context(
            FaultyServer(smtp(implicit=honest(good), users={"app": PASSWORD}, mechanisms=["PLAIN"]))
        ).port
        self.starttls = stack.enter_context(FaultyServer(smtp(starttls=honest(good)))).port
        self.plain = stack.enter_context(FaultyServer(smtp())).port
        (self.closed,) = closed_ports(1)

    def run(
        self, playbook: str, hosts: t.Mapping[str, t.Any], *options: str, events: pathlib.Path | None = None
    ) -> str:
        """What ansible-playbook prints; ``hosts`` are the variables of each."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = self.folder / "inventory.yml"
        inventory.write_text(
            yaml.safe_dump(
                {"all": {"hosts": {name: {**local, **variables} for name, variables in hosts.items()}}}, sort_keys=False
            )
        )
        here = self.folder / "here"
        here.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "PWD": str(here),
            "ANSIBLE_PIPELINING": "1",
        }
        command = [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
            f"mailops.smtp.{playbook}",
            "-i",
            str(inventory),
            *options,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=here, env=environment, timeout=120
        )
        output = done.stdout + done.stderr
        assert "Traceback" not in output and PASSWORD not in output
        return f"{output}\nexit status {done.returncode}"

    def settings(self, port: int, secure: bool | None, **more: t.Any) -> dict[str, t.Any]:
        return {
            "mail_config_settings": {
                "host": "localhost",
                "ip_version": "4",
                "port": str(port),
                "secure": secure,
                "ca_path": self.ca,
                "timeout": 5,
                **more,
            }
        }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    with contextlib.ExitStack() as stack:
        yield Fleet(tmp_path_factory.mktemp("fleet"), stack)


def failure_of(output: str, host: str) -> dict[str, t.Any]:
    """What the task returned that failed the host for good, as the screen shows it."""
    *_rescued, found = re.findall(rf"^fatal: \[{host}\]: FAILED! => (.*)$", output, re.MULTILINE)
    return t.cast("dict[str, t.Any]", json.loads(found))


def test_probe_with_ports_as_people_type_them(fleet: Fleet) -> None:
    ports = f"{fleet.implicit},{fleet.starttls}, {fleet.closed}"
    output = fleet.run(
        "probe",
        {"one": {}},
        "-e",
        "mail_probe_host=localhost",
        "-e",
        f"mail_probe_ports='{ports}'",
        "-e",
        f"mail_probe_ca_path={fleet.ca}",
    )
    assert "exit status 0" in output
    assert f"localhost:{fleet.implicit} works, implicit_tls" in output
    assert f"localhost:{fleet.starttls} works, starttls" in output
    assert f"localhost:{fleet.closed} connection_refused: " in output


@pytest.mark.parametrize("ports", ["{}", "[{}]"])
def test_probe_with_one_port(fleet: Fleet, ports: str) -> None:
    variables = json.dumps({"mail_probe_ports": ports.format(fleet.plain)})
    output = fleet.run("probe", {"one": fleet.settings(465, True)}, "-e", variables)
    assert f"localhost:{fleet.plain} works, cleartext" in output


@pytest.mark.parametrize(
    "playbook, options, words",
    [
        ("probe", [], "mail_probe_host is missing; write -e mail_probe_host=smtp.example.com"),
        ("probe", ["-e", "mail_probe_host=localhost", "-e", "mail_probe_ports=smtp"], "mail_probe_ports is not a list"),
        ("gate", [], "mail_config_settings is missing for this host; write host, port and secure into it"),
        ("gate", ["-e", '{"mail_config_settings": {"port": 465}}'], "host is empty; write the relay's name"),
        ("deploy", [], "mail_config_settings is missing for this host"),
        (
            "gate",
            ["-e", '{"mail_confg_settings": {"port": 465}}'],
            "missing; mail_confg_settings is there, write mail_config_settings",
        ),
        (
            "gate",
            ["-e", "mail_config_settings=relay"],
            "mail_config_settings is a text and not a dictionary; write host",
        ),
        (
            "probe",
            ["-e", "mail_probe_host=localhost mail_probe_port=465"],
            "mail_probe_port is no variable of this playbook; write mail_probe_ports",
        ),
        (
            "deploy",
            ["-e", '{"mail_config_settings": {"host": "localhost", "port": 465}}'],
            "mail_config_apps is missing for this host",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(fleet: Fleet, playbook: str, options: list[str], words: str) -> None:
    output = fleet.run(playbook, {"one": {}}, *options)
    assert "exit status 2" in output
    found = failure_of(output, "one")
    assert words in found["msg"] and found["msg"].count(". ") == 0
    assert len(json.dumps(found)) < 700


def test_gate(fleet: Fleet) -> None:
    hosts = {
        "works": fleet.settings(fleet.implicit, True, username="app", password=PASSWORD),
        "fails": fleet.settings(fleet.closed, True),
        "saved": {
            **fleet.settings(fleet.closed, True),
            "mail_config_fallback": "use",
            "mail_config_alternatives": f"{fleet.starttls}",
        },
        "policy": {**fleet.settings(fleet.implicit, True), "mail_config_certificate_days_error": "3000"},
        "networks": {
            **fleet.settings(fleet.plain, None, security="cleartext"),
            "mail_config_cleartext_networks": "10.0.0.0/8",
        },
        "login": {
            **fleet.settings(fleet.implicit, True, username="app", password=f"{PASSWORD}-wrong"),
            "mail_config_check_credentials": "yes",
        },
    }
    output = fleet.run("gate", hosts, "-e", "mail_config_alternatives=[]", "-l", "!saved")
    assert "exit status 2" in output and f"works can send mail through localhost:{fleet.implicit}." in output
    causes = {
        "fails": "connection_refused",
        "policy": "certificate_expired",
        "networks": "invalid_settings",
        "login": "auth_rejected",
    }
    for host, cause in causes.items():
        found = failure_of(output, host)
        assert (found["cause"], found["selected"]) == (cause, None)
        assert found["msg"].startswith(f"{host} cannot send mail through localhost:") and len(json.dumps(found)) < 1500
    output = fleet.run("gate", {"saved": hosts["saved"]})
    assert "exit status 0" in output and f"saved can send mail through localhost port {fleet.starttls}" in output


def test_report(fleet: Fleet) -> None:
    hosts = {
        "works": fleet.settings(fleet.implicit, True),
        "fails": fleet.settings(fleet.closed, True),
        "policy": {**fleet.settings(fleet.implicit, True), "mail_config_certificate_days_error": 3000},
        "wrong": fleet.settings(0, True),
        "nothing": {},
        "gone": {
            **fleet.settings(fleet.implicit, True),
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": fleet.closed,
        },
    }
    output = fleet.run("report", hosts)
    assert "FAILED!" not in output
    written = fleet.folder / "here" / "mail-report"
    usual = ["index.html", "junit.xml", "metrics.prom", "records.jsonl", "report.csv", "report.json"]
    assert sorted(one.name for one in written.iterdir()) == usual
    # The same from its own records, by another run that asks nobody, and what has changed since.
    options = "mail_report_from=mail-report/*.jsonl mail_report_before=mail-report mail_report_path=again"
    formats = "mail_report_formats=json,junit,text"
    output = fleet.run("report", {"none": {"ansible_connection": "ssh"}}, "-e", options, "-e", formats)
    assert "exit status 0" in output and "Nothing" not in output
    again = written.parent / "again"
    # The host that was not reached is in the table, and what ansible-playbook says of it.
    lines = {line.split()[0]: line for line in (again / "report.txt").read_text().splitlines()}
    assert list(lines) == ["host", *hosts]
    assert re.search(rf"localhost:{fleet.implicit} +implicit_tls +works", lines["works"])
    assert lines["fails"].endswith("FAILS  connection_refused") and lines["policy"].endswith(
        "FAILS  certificate_expired"
    )
    assert lines["wrong"].endswith("FAILS  invalid_settings") and lines["nothing"].endswith(
        "FAILS  mail_config_settings is missing"
    )
    assert lines["gone"].endswith("FAILS  host not reached")
    first, last = (json.loads((folder / "report.json").read_text()) for folder in (written, again))
    assert last["verdicts"] == first["verdicts"] and last["changes"] == [] and first["changes"] is None
    assert [one["state"] for one in first["hosts"]].count("fails") == 3 and len(first["hosts"]) == len(hosts)
    assert {one["port"] for one in first["endpoints"]} >= {fleet.implicit}
    assert 'failures="3" errors="1" skipped="1"' in (again / "junit.xml").read_text()
    labels = f'host="works",relay="localhost",port="{fleet.implicit}",security="implicit_tls"'
    assert f"mailops_smtp_probe_success{{{labels}}} 1" in (written / "metrics.prom").read_text()


def test_deploy(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("email:\n    smtp_host: old.example.com\n")
    apps = json.dumps({"mail_config_apps": [{"app": "pangolin", "path": str(config)}]})
    settings = fleet.settings(fleet.implicit, True, username="app", password=PASSWORD, sender="app@example.com")
    output = fleet.run(
        "deploy",
        {"one": settings},
        "-e",
        apps,
        "-e",
        "mail_config_check_credentials=true",
        "-e",
        "mail_config_certificate_days_warning=1",
    )
    assert "exit status 0" in output
    assert 'smtp_host: "localhost"' in config.read_text() or "smtp_host: localhost" in config.read_text()
    before = config.read_text()
    output = fleet.run(
        "deploy", {"one": fleet.settings(fleet.closed, True)}, "-e", apps, "-e", "mail_config_fallback=fail"
    )
    assert "exit status 2" in output and config.read_text() == before
    assert failure_of(output, "one")["cause"] == "connection_refused"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit of the role, judged by systemd's own tools, which need no running systemd."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.playbook import play
from tests.support.process import program

ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "mailpit"
# Of 100. A service without any protection has 96, the usual one of a distribution some 50.
EXPOSURE_LIMIT = 20


def render(folder: pathlib.Path, **variables: t.Any) -> pathlib.Path:
    """The unit as the role would write it, with a program and an environment file that are there."""
    unit = folder / "mailpit-under-test.service"
    environment = folder / "mailpit.env"
    environment.write_text("MP_MAX_MESSAGES=500\n")
    files = [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")]
    task = {
        "name": "Render",
        "ansible.builtin.template": {
            "src": str(ROLE / "templates/mailpit.service.j2"),
            "dest": str(unit),
            "mode": "0644",
        },
    }
    load = [{"name": "Load", "ansible.builtin.include_vars": {"file": file}} for file in files]
    # What the filter mailpit_plan has said of these options in the preflight.
    ports = {"smtp": 1025, "ui": 8025, "pop3": 0}
    listen = {name: {"address": "", "port": int(variables.get(f"mailpit_{name}_port", ports[name]))} for name in ports}
    values = {
        "__mailpit_plan": {"listen": {name: place for name, place in listen.items() if place["port"]}},
        "mailpit_user": "daemon",
        "mailpit_group": "daemon",
        "mailpit_binary": "/bin/true",
        "mailpit_config_dir": str(folder),
        "mailpit_data_dir": "/var/lib",
    }
    set_values = {"name": "Set", "ansible.builtin.set_fact": values | variables}
    done = play(folder / "play", [*load, set_values, task], {})
    assert done.returncode == 0, done.output
    return unit


@pytest.mark.parametrize(
    "variables",
    [{}, {"mailpit_smtp_port": 465}, {"mailpit_allowed_networks": ["192.0.2.0/24", "2001:db8::/32"]}],
    ids=["usual", "low-port", "networks"],
)
def test_systemd_accepts_the_unit_and_finds_it_tight(variables: dict, tmp_path: pathlib.Path) -> None:
    unit = render(tmp_path, **variables)
    verified = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    about_us = [line for line in verified.stderr.splitlines() if "mailpit" in line]
    assert not about_us, about_us
    command = [
        program("systemd-analyze"),
        "security",
        "--offline=true",
        f"--threshold={EXPOSURE_LIMIT}",
        "--no-pager",
        str(unit),
    ]
    security = subprocess.run(command, capture_output=True, text=True, check=False)
    print(security.stdout[-400:])
    assert security.returncode == 0, security.stdout[-2000:] + security.stderr


@pytest.mark.parametrize(
    ("service", "user"),
    [
        ("mailpit", "mailpit"), ("mailpit-chaos", "mailpit-chaos"), ("mailpit-chaos2", "mailpit-chaos2"), ("mailpit.chaos", "mailpit-chaos-{}"),
        ("Mailpit-chaos", "mailpit-chaos-{}"), ("mailpit:chaos@1", "mailpit-chaos-1-{}"), ("2nd", "_nd-{}"), ("m" * 32, "m" * 23 + "-{}"),
    ],
)  # fmt: skip
def test_two_services_are_never_one_user(service: str, user: str) -> None:
    """What no user can be called gets a hash of the service's name."""
    values = DataLoader().load_from_file(str(ROLE / "vars/main.yml"), trusted_as_template=True)
    templar = Templar(loader=DataLoader(), variables={**values, "mailpit_service_name": service})
    expected = user.format(hashlib.sha256(service.encode()).hexdigest()[:7])
    assert templar.template(trust_as_template("{{ __mailpit_own_name }}")).strip() == expected
    assert len(expected) < 32


def test_only_a_low_port_gets_a_capability(tmp_path: pathlib.Path) -> None:
    usual = render(tmp_path).read_text()
    assert "CapabilityBoundingSet=\n" in usual and "AmbientCapabilities=\n" in usual
    for option, port in (("mailpit_smtp_port", "587"), ("mailpit_pop3_port", 995)):
        low = render(tmp_path, **{option: port}).read_text()
        assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n" in low

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad value is told by the name under which the user wrote it."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible.playbook.task import Task
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.by_variable import by_variable

from tests.support.acting import Host, act

ROOT = pathlib.Path(__file__).resolve().parents[5]
IN = {"from": "{{ mail_report_from | default(omit) }}"}
ROWS = [
    ("from names 'x'; name a file.", "from", IN, "mail_report_from names 'x'; name a file."),
    ("from: x cannot be read.", "from", IN, "mail_report_from: x cannot be read."),
    ("x fails; write a folder into from.", "from", IN, "x fails; write a folder into mail_report_from."),
    ("x comes from there, and fromage too.", "from", IN, "x comes from there, and fromage too."),
    ("fromage is no option.", "from", IN, "fromage is no option."),
    # Where no variable of ours, or not one alone, has filled it.
    ("port is 'x'.", "port", {"port": "x"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "mail_x"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "{{ smtp_port }}"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "{{ mail_port | default(mail_other) }}"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "{{ __mail_gate_port }}"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "{{ mail_port }}"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": "{{ mail_config_settings.port }}"}, "port is 'x'."),
    ("port is 'x'.", "port", {"port": ["{{ mail_port }}"]}, "port is 'x'."),
    ("port is 'x'.", "port", "port={{ mail_port }}", "port is 'x'."),
    ("port is 'x'.", "port", None, "port is 'x'."),
    ("port is 'x'.", "", IN, "port is 'x'."),
]


@pytest.mark.parametrize("sentence, option, written, told", ROWS)
def test_by_variable(sentence: str, option: str, written: object, told: str) -> None:
    assert by_variable(sentence, option, written) == told


def test_a_bad_value_of_a_playbook_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in our own playbook, and a value that does not fit."""
    (play,) = yaml.safe_load((ROOT / "playbooks" / "report.yml").read_text(encoding="utf-8"))
    (written,) = (one["mailops.smtp.smtp_report"] for one in play["tasks"] if "mailops.smtp.smtp_report" in one)
    monkeypatch.setattr(Task, "get_ds", lambda _task: {None: written, "name": "Write the report"})
    said = act("smtp_report", Host(), **{"from": "nothing/here"})
    assert said["msg"].startswith("testhost: mail_report_from names 'nothing/here', which is no file")

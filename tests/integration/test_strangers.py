# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile relay and its certificate, through each ansible-core: nothing is evaluated, nothing reaches the terminal as it is."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import typing as t

import pytest
from tests.support.faulty import FaultyServer, honest, smtp
from tests.support.pki import Pki
from tests.support.playbook import Run, play
from tests.support.strangers import raw_places

ROOT = pathlib.Path(__file__).parents[2]
# What shows that a template was evaluated: a number, and a file.
TEMPLATES = "{{ 7*7 }} {% if true %}yes{% endif %} {{ lookup('pipe', 'touch $EVALUATED') }}"
ESCAPES = "\x1b]0;owned\x07\x1b[2K\u202etxt\u2028\x9b31m"
NAME = "{{ 7*7 }}\x1b[2K\r\nok: [forged] =>{{lookup('pipe','touch $EVALUATED')}}"


@pytest.fixture(scope="module", params=["core-2.19", "core-2.20", "core-2.21"])
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[tuple[Run, pathlib.Path]]:
    made = subprocess.run([str(ROOT / "tools" / "venv"), request.param], check=True, stdout=subprocess.PIPE, text=True)
    folder = pathlib.Path(tmp_path_factory.mktemp("strangers"))
    evil = Pki(folder / "pki").issue(NAME, names=[NAME, "b.test"], issuer=Pki(folder / "other").new_root(NAME))
    with contextlib.ExitStack() as stack:
        greets = stack.enter_context(FaultyServer(smtp(implicit=honest(evil), greeting=f"220 {TEMPLATES} {ESCAPES}")))
        refuses = stack.enter_context(FaultyServer(smtp(greeting=f"554 {TEMPLATES} {ESCAPES}")))
        takes = stack.enter_context(
            FaultyServer(smtp(implicit=honest(evil), replies={".": f"250 queued as {TEMPLATES} {ESCAPES}"}))
        )
        endpoint = {"host": "localhost", "secure": True, "validate_certs": False, "ip_version": "4"}
        yield (
            play(
                folder / "run",
                tasks(endpoint, greets.port, refuses.port, takes.port),
                {"log": f"Error: Invalid login: 535 {TEMPLATES} {ESCAPES}"},
                "-vvv",
                saved=["probe", "gate", "untrusted", "sent", "told", "facts"],
                environment={"EVALUATED": str(folder / "evaluated")},
                python=str(pathlib.Path(made.stdout.strip()) / "python"),
            ),
            folder / "evaluated",
        )


def tasks(endpoint: dict[str, t.Any], greets: int, refuses: int, takes: int) -> list[dict[str, t.Any]]:
    """Probe, gate, send, explain; then use what came in each way that evaluates templates: msg, when, set_fact, loop, vars."""
    later = "{{ gate.msg }} {{ untrusted.msg }} {{ probe.probes[0].greeting }} {{ told.message }}"
    strict = {**endpoint, "validate_certs": True}
    return [
        {"name": "Probe", "mailops.smtp.smtp_endpoint_info": {**endpoint, "port": greets}, "register": "probe"},
        {"name": "Gate", "mailops.smtp.smtp_gate": {**endpoint, "port": refuses, "secure": False, "alternatives": []},
         "register": "gate", "ignore_errors": True},
        {"name": "Gate by certificate", "mailops.smtp.smtp_gate": {**strict, "port": greets, "alternatives": []},
         "register": "untrusted", "ignore_errors": True},
        {"name": "Send", "register": "sent", "mailops.smtp.smtp_send": {
            **endpoint, "port": takes, "sender": "a@example.com", "recipients": ["b@example.com"]}},
        {"name": "Explain", "ansible.builtin.set_fact": {"told": "{{ log | mailops.smtp.explain_smtp_error }}"}},
        {"name": "Say it", "ansible.builtin.debug": {"msg": later}},
        {"name": "Keep it", "ansible.builtin.set_fact": {"facts": {"words": later, "names": "{{ probe.probes[0].certificates[0].sans }}"}}},
        {"name": "Say what was kept", "ansible.builtin.debug": {"msg": "{{ kept }} {{ item }}"}, "vars": {"kept": "{{ facts.words }}"},
         "loop": "{{ probe.probes[0].certificates | map(attribute='subject') + facts.names }}"},
        {"name": "Decide by it", "ansible.builtin.debug": {"msg": "decided"},
         "when": ["gate.msg is search('7.7')", "untrusted.msg is search('7.7')", "gate.msg is not search('554 49 ')"]},
        {"name": "Put it into a test", "ansible.builtin.assert": {
            "that": ["facts.words is search('7.7')", "sent.reply is search('7.7')"], "fail_msg": "{{ gate.msg }}"}},
    ]  # fmt: skip


def test_nothing_is_evaluated(run: tuple[Run, pathlib.Path]) -> None:
    done, evaluated = run
    assert done.returncode == 0, done.output
    assert not evaluated.exists()
    assert "decided" in done.output
    for shown in (done.saved["gate"]["msg"], done.saved["untrusted"]["msg"], done.saved["sent"]["reply"], done.saved["told"]["message"],
                  done.saved["facts"]["words"], done.saved["probe"]["probes"][0]["greeting"]):  # fmt: skip
        assert "{{ 7*7 }}" in shown


def test_everything_is_printable(run: tuple[Run, pathlib.Path]) -> None:
    done, _evaluated = run
    assert list(raw_places(done.saved)) == []
    assert [line for line in done.output.split("\n") if not line.replace("\t", "").isprintable()] == []
    assert not any(line.startswith("ok: [forged]") for line in done.output.split("\n"))

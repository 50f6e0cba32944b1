# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mail_config with several apps and templates of the user's own: how many tasks, what is told, what comes back."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import store_path

from tests.support import faulty
from tests.support.pki import Pki
from tests.support.playbook import Run, play

PASSWORD = "hunter2-S3cret/@'"
TEMPLATE = (
    "HOST={{ mail_config_relay.host }}\nPORT={{ mail.port }}\nSECURE={{ mail.secure | lower }}\nURL='{{ mail.url }}'\n"
)

_COUNTER = '''\
import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Note each task result of a host, whatever it is."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "counter"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, result, *_more, **_others):
        with open(os.environ["COUNTED"], "a") as file:
            file.write(json.dumps(result._task.get_name()) + chr(10))

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _note
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = _note
'''


class World(t.NamedTuple):
    """A managed host with two apps and a template, and a relay that works."""

    folder: pathlib.Path
    settings: dict[str, t.Any]
    server: faulty.FaultyServer

    def apps(self, **of_the_template: t.Any) -> list[dict[str, t.Any]]:
        touch = {"command": ["sh", "-c", f"echo x >> {self.folder}/restarted"]}
        return [
            {"app": "pangolin", "path": f"{self.folder}/config.yml", "restart": touch},
            {"app": "vaultwarden", "path": f"{self.folder}/compose.yml", "service": "vw", "restart": touch},
            {
                "template": f"{self.folder}/app.env.j2",
                "dest": f"{self.folder}/app.env",
                "restart": touch,
                **of_the_template,
            },
        ]

    def run(self, *cli: str, apps: list[dict[str, t.Any]] | None = None, **variables: t.Any) -> tuple[Run, list[str]]:
        plugins = self.folder / "callbacks"
        plugins.mkdir(exist_ok=True)
        (plugins / "counter.py").write_text(_COUNTER)
        counted = self.folder / "counted"
        counted.write_text("")
        environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
            "ANSIBLE_CALLBACKS_ENABLED": "counter",
            "COUNTED": str(counted),
        }
        role = {"name": "Configure", "ansible.builtin.import_role": {"name": "mailops.smtp.mail_config"}}
        given = {"mail_config_settings": self.settings, "mail_config_apps": apps or self.apps(), **variables}
        done = play(
            self.folder / "play", [role], given, *cli, environment=environment,
            saved=["mail_config_relay", "mail_config_findings"],
        )  # fmt: skip
        assert PASSWORD not in done.output and "Traceback" not in done.output
        names = [json.loads(line) for line in counted.read_text().splitlines()]
        return done, [name for name in names if name != "Save the results"]


@pytest.fixture()
def world(tmp_path: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    (tmp_path / "config.yml").write_text("app:\n  x: 1 # mine\n")
    (tmp_path / "compose.yml").write_text("services:\n  vw:\n    image: vaultwarden/server\n")
    (tmp_path / "app.env.j2").write_text(TEMPLATE)
    (tmp_path / "app.env").write_text("OLD=1\n")
    behaviour = faulty.smtp(
        implicit=faulty.honest(pki.issue("localhost")), users={"app": PASSWORD}, mechanisms_after_tls=["PLAIN"]
    )
    with faulty.FaultyServer(behaviour) as server:
        settings = {
            "host": "localhost", "ip_version": "4", "port": server.port, "secure": True, "ca_path": str(pki.ca_file),
            "username": "app", "password": PASSWORD, "sender": "app@example.com",
        }  # fmt: skip
        yield World(tmp_path, settings, server)


def test_three_files_are_eight_tasks_and_each_finding_is_told_once(world: World) -> None:
    apps = world.apps(validate="grep -q PORT %s", backup=True)
    predicted, _names = world.run("--check", "--diff", apps=apps)
    assert predicted.returncode == 0 and predicted.recap["changed"] > 0, predicted.output
    assert "app.env: new content of" in predicted.output and "HOST=localhost" not in predicted.output
    assert (world.folder / "app.env").read_text() == "OLD=1\n" and world.server.messages == []

    written, names = world.run(apps=apps, mail_config_prove_recipient="ops@example.com")
    assert written.returncode == 0, written.output
    assert len(names) <= 8, names
    email = yaml.safe_load((world.folder / "config.yml").read_text())["email"]
    variables = yaml.safe_load((world.folder / "compose.yml").read_text())["services"]["vw"]["environment"]
    assert email["smtp_host"] == "localhost" and variables["SMTP_SECURITY"] == "force_tls"
    url = f"smtps://app:hunter2-S3cret%2F%40%27@localhost:{world.server.port}"
    assert (
        world.folder / "app.env"
    ).read_text() == f"HOST=localhost\nPORT={world.server.port}\nSECURE=true\nURL='{url}'\n"
    assert (world.folder / "restarted").read_text() == "x\nx\nx\n"
    assert len(list(world.folder.glob("app.env.*~"))) == 1
    assert len(world.server.messages) >= 1

    relay, findings = written.saved["mail_config_relay"], written.saved["mail_config_findings"]
    assert (relay["host"], relay["port"], relay["security"]) == ("localhost", world.server.port, "implicit_tls")
    assert "password" not in relay and "url" not in relay
    assert {"ca_not_expressible", "password_readable"} <= {one["code"] for one in findings}
    said = " ".join(written.output.split())
    for one in findings:
        assert said.count(f"{one['message']} {one['remedy']}") == 1, one

    again, names = world.run(apps=apps, mail_config_accept=["ca_not_expressible"])
    # The one change is the file that this test saves the results to.
    assert again.returncode == 0 and again.recap["changed"] == 1 and len(names) <= 8, (names, again.output)
    assert "ca_not_expressible" not in {one["code"] for one in again.saved["mail_config_findings"]}
    assert "no key for a CA file" not in " ".join(again.output.split())


def test_what_an_app_cannot_do_is_refused_before_anything_is_claimed(world: World) -> None:
    done, names = world.run(apps=[*world.apps()[:1], {"app": "grafana", "path": f"{world.folder}/grafana.ini"}])
    assert done.returncode != 0 and world.server.connections == 0
    said = " ".join(done.output.split())
    assert "Grafana takes port" in said[said.rindex("fatal: [localhost]") :], names
    twice, _names = world.run(apps=[*world.apps(), *world.apps()])
    assert twice.returncode != 0 and "mail_config_apps[3] has the file" in twice.output


@pytest.mark.parametrize("how", ["validate", "restart"])
def test_a_template_is_put_back_like_an_app(world: World, how: str) -> None:
    broken = (
        {"validate": "false %s"} if how == "validate" else {"restart": {"command": ["sh", "-c", "echo why; false"]}}
    )
    before = (world.folder / "config.yml").read_text()
    done, _names = world.run(apps=world.apps(**broken))
    assert done.returncode != 0
    assert (world.folder / "app.env").read_text() == "OLD=1\n"
    assert (world.folder / "config.yml").read_text() == before
    said = " ".join(done.output.split())
    last = said[said.rindex("fatal: [localhost]") :]
    assert f"{world.folder}/config.yml" in last and "is again as it was before." in last
    words = "validate refused the new content" if how == "validate" else "app.env.j2: it cannot be restarted"
    assert words in last, last


def test_what_could_not_be_put_back_stays_kept(world: World) -> None:
    """The host's Python fails just when the files are to be put back, and works again a moment later."""
    old = (world.folder / "config.yml").read_text()
    once, broken, python = (world.folder / name for name in ("once", "broken", "python"))
    python.write_text(f'#!/bin/sh\nif [ -e {broken} ]; then rm {broken}; exit 1; fi\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    command = f"[ -e {once} ] || {{ touch {once} {broken}; echo too early; false; }}"
    apps = [{**world.apps()[0], "restart": {"command": ["sh", "-c", command]}}]
    failed, _names = world.run("-e", f"ansible_python_interpreter={python}", apps=apps)
    said = " ".join(failed.output.split())
    last = said[said.rindex("fatal: [localhost]") :]
    assert failed.returncode != 0 and "too early" in last and "is again as it was before" not in last
    assert "What was written could not be put back:" in last and "The old files stay kept" in last, last
    records = [one for one in pathlib.Path(store_path()).glob("*.json") if str(world.folder) in one.read_text()]
    kept = pathlib.Path(store_path()) / json.loads(records[0].read_text())["copy"]
    assert kept.read_text() == old
    again, _names = world.run(apps=apps)
    assert again.returncode == 0 and "An earlier run was broken off" in " ".join(again.output.split())


def test_what_an_apps_test_mail_says_is_masked_before_it_is_cut(world: World) -> None:
    (world.folder / "secret").write_text(PASSWORD)
    command = ["sh", "-c", f"cat {world.folder}/secret; printf %0290d 0; exit 1", PASSWORD]
    apps = [{**world.apps()[0], "test_mail": {"command": command}}]
    done, _names = world.run(apps=apps, mail_config_prove_recipient="ops@example.com")
    assert done.returncode != 0 and "its own test mail failed" in done.output
    assert PASSWORD[-8:] not in done.output and "00000" in done.output


def test_nothing_is_written_where_nothing_was_claimed(world: World) -> None:
    done, _names = world.run("--start-at-task", "Put the settings into the apps' files")
    said = " ".join(done.output.split())
    assert done.returncode != 0 and "run the role from its first task on" in said[said.rindex("fatal: [localhost]") :]
    assert (world.folder / "app.env").read_text() == "OLD=1\n"


def test_the_proof_is_not_the_gate(world: World) -> None:
    wrong = {**world.settings, "port": 465, "host": "127.77.1.1", "timeout": 2}
    written, _names = world.run(mail_config_gate=False, mail_config_settings=wrong)
    assert written.returncode == 0 and "127.77.1.1" in (world.folder / "app.env").read_text(), written.output
    proved, _names = world.run(mail_config_gate="n", mail_config_prove="y", mail_config_settings={**wrong, "port": 587, "secure": False})  # fmt: skip
    assert proved.returncode != 0 and "connection_refused" in proved.output
    assert "PORT=465" in (world.folder / "app.env").read_text()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mail_config against a real Postfix: validate, gate, render, restart, prove."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import time
import typing as t

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import store_path
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import temporary_name
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record

from tests.support import faulty
from tests.support.pki import Issued, Pki
from tests.support.playbook import Run, play
from tests.support.postfix import Listener, Postfix

USER, PASSWORD, OLD_PASSWORD = "app@example.com", "n3w \"{{ x }}' # $h\\ü", "old-hunter2"
OLD = (
    f"app:\n    url: x # mine\nemail:\n    smtp_host: old.example.com\n    smtp_pass: {OLD_PASSWORD} # c\nflags: {{}}\n"
)


class Relay(t.NamedTuple):
    """A Postfix and what its clients need to know."""

    postfix: Postfix
    issued: Issued
    ca_file: pathlib.Path

    def settings(self, listener: str, **more: t.Any) -> dict[str, t.Any]:
        return {
            "host": "localhost",
            "ip_version": "4",
            "port": str(self.postfix.port(listener)),
            "secure": "true" if listener == "implicit" else "false",
            "ca_path": str(self.ca_file),
            "username": USER,
            "password": PASSWORD,
            "sender": "app@example.com",
            **more,
        }


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relay]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    issued = pki.issue("localhost")
    with Postfix(
        [Listener("implicit"), Listener("starttls")], certificate=issued, users={USER: PASSWORD}, require_auth=True
    ) as postfix:
        yield Relay(postfix, issued, pki.ca_file)


class Host(t.NamedTuple):
    """The managed host: Pangolin's file, and a file that its restart touches."""

    folder: pathlib.Path
    config: pathlib.Path
    restarted: pathlib.Path

    def run(
        self,
        settings: t.Mapping[str, t.Any],
        *cli: str,
        apps: list[dict[str, t.Any]] | None = None,
        environment: t.Mapping[str, str] | None = None,
        **variables: t.Any,
    ) -> Run:
        touch = {"app": "pangolin", "path": str(self.config), "restart": {"command": ["touch", str(self.restarted)]}}
        role = {"name": "Configure", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}}
        handlers = [
            {"name": "Mine", "ansible.builtin.debug": {"msg": "my own handler ran"}, "listen": "mail_config changed"}
        ]
        given = {"mail_config_settings": settings, "mail_config_apps": apps or [touch], **variables}
        run = play(self.folder / "play", [role], given, *cli, handlers=handlers, environment=environment)
        assert PASSWORD not in run.output and "n3w" not in run.output and OLD_PASSWORD not in run.output
        return run

    def store(self) -> list[str]:
        """What is kept of the files in this folder."""
        records = pathlib.Path(store_path()).glob("*.json")
        return [one.name for one in records if str(self.folder) in one.read_text()]


@pytest.fixture()
def host(tmp_path: pathlib.Path) -> Host:
    config = tmp_path / "config.yml"
    config.write_text(OLD)
    config.chmod(0o640)
    return Host(tmp_path, config, tmp_path / "restarted")


def words(run: Run) -> str:
    return " ".join(run.output.split())


def test_check_then_deploy_then_nothing(host: Host, relay: Relay) -> None:
    settings = relay.settings("implicit")
    predicted = host.run(settings, "--check", "--diff", "-vvvv", mail_config_check_credentials=True)
    assert predicted.returncode == 0, predicted.output
    assert predicted.recap["changed"] > 0
    assert host.config.read_text() == OLD and not host.restarted.exists()

    before = len(relay.postfix.messages())
    written = host.run(
        settings, "--diff", "-vvvv", mail_config_check_credentials=True, mail_config_prove_recipient="ops@example.com"
    )
    assert written.returncode == 0, written.output
    assert "my own handler ran" in written.output and host.restarted.exists()
    assert "has no key for a CA file" in words(written)
    assert len(relay.postfix.messages()) == before + 1
    new = host.config.read_text()
    assert new.startswith("app:\n    url: x # mine\nemail:\n") and new.endswith("flags: {}\n")
    assert yaml.safe_load(new)["email"] == {
        "smtp_host": "localhost",
        "smtp_port": relay.postfix.port("implicit"),
        "smtp_secure": True,
        "smtp_tls_reject_unauthorized": True,
        "smtp_user": USER,
        "smtp_pass": PASSWORD,
        "no_reply": "app@example.com",
    }

    host.restarted.unlink()
    again = host.run(settings, mail_config_check_credentials=True)
    assert again.returncode == 0 and again.recap["changed"] == 0 and not host.restarted.exists(), again.output
    assert host.config.read_text() == new and files(host.folder) == ["config.yml", "play"]

    apps = [{"app": "pangolin", "path": str(host.config), "backup": True}]
    assert host.run({**settings, "sender": "other@example.com"}, apps=apps).returncode == 0
    assert len(list(host.folder.glob("config.yml.*~"))) == 1


def test_the_gate_stops_it(host: Host, relay: Relay) -> None:
    run = host.run(relay.settings("implicit", secure="false"), "-vvvv")
    assert run.returncode != 0 and host.config.read_text() == OLD and not host.restarted.exists()
    assert "secure: true" in words(run) and "speaks TLS from the first byte" in words(run)


def test_an_app_that_can_do_none_of_the_relays_mechanisms_stops_it(host: Host, relay: Relay) -> None:
    # Beside the playbook, for the gate, the files and the test mail alike.
    theirs = host.folder / "play" / "descriptors"
    theirs.mkdir(parents=True)
    built_in = pathlib.Path("plugins/plugin_utils/_apps/descriptors/pangolin.yml").read_text()
    own = re.sub(r"(?m)^mechanisms:.*$", "mechanisms: [XOAUTH2]", built_in.replace("Pangolin", "Oldpangolin"))
    (theirs / "oldpangolin.yml").write_text(own.replace("id: pangolin", "id: oldpangolin"))
    apps = [{"app": "oldpangolin", "path": str(host.config), "test_mail": {"command": ["true"]}}]
    more = {"mail_config_descriptors": "descriptors", "mail_config_prove_recipient": "ops@example.com"}
    run = host.run(relay.settings("implicit"), apps=apps, **more)
    assert run.returncode != 0 and host.config.read_text() == OLD and host.store() == []
    assert "offers no authentication mechanism that Oldpangolin can do" in words(run), run.output


def test_what_the_gate_found_can_be_rescued(host: Host, relay: Relay) -> None:
    role = {"name": "Configure", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}}
    keep = {"name": "Keep it", "ansible.builtin.set_fact": {"failure": "{{ ansible_failed_result }}"}}
    given = {
        "mail_config_settings": relay.settings("implicit", secure="false"),
        "mail_config_apps": [{"app": "pangolin", "path": str(host.config)}],
    }
    given["mail_config_spread"] = 0.01
    verdicts = host.folder / "verdicts.jsonl"
    callback = {"ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts", "MAILOPS_VERDICTS": str(verdicts)}
    tasks = [{"name": "Try", "block": [role], "rescue": [keep]}]
    run = play(host.folder / "play", tasks, given, saved=["failure"], environment=callback)
    assert run.returncode == 0 and run.saved["failure"]["cause"] == "mode_mismatch", run.output
    # The sentence is printed once, with the role's last task; a rescue has all of it.
    first, last = [
        json.loads(line.partition("=> ")[2]) for line in run.output.splitlines() if line.startswith("fatal: ")
    ]
    assert set(first) - {"warnings"} == {"changed", "msg", "cause", "layer"}, first
    assert "(mode_mismatch); the role's last task says why" in first["msg"]
    for one in (last, run.saved["failure"]):
        found = {name for name in one if not name.startswith("_ansible")} - {"failed", "exception", "warnings", "step"}
        assert found == {"changed", "msg", "cause", "layer", "remedy"}, one
        assert one["msg"].startswith("localhost cannot send mail through")
    assert words(run).count("localhost cannot send mail through") == 2, "as Ansible's error, and in its result"
    # The evidence is where it is kept.
    (record,) = (one for one in read_file(str(verdicts)) if isinstance(one, Record))
    assert (record.kind, record.ok, record.cause) == ("gate", False, "mode_mismatch")
    assert record.probe is not None and record.evidence is not None and record.message in last["msg"]
    assert host.config.read_text() == OLD and host.store() == []


def test_a_wrong_password_stops_it(host: Host, relay: Relay) -> None:
    run = host.run(relay.settings("starttls", password="wr0ng-" + "x"), "-vvvv", mail_config_check_credentials=True)
    assert run.returncode != 0 and host.config.read_text() == OLD
    assert "auth_rejected" in run.output and "wr0ng-x" not in run.output


@pytest.mark.parametrize("fallback", ["fail", "suggest", "use"])
def test_fallback(host: Host, relay: Relay, fallback: str) -> None:
    working = relay.postfix.port("starttls")
    with faulty.FaultyServer(faulty.silent()) as silent:
        settings = relay.settings("implicit", port=silent.port, timeout=3)
        given: dict[str, t.Any] = {"mail_config_fallback": fallback, "mail_config_alternatives": [working]}
        if fallback == "use":
            # Pangolin cannot require STARTTLS, so that this is a weaker mode than implicit TLS.
            refused = host.run(settings, **given, mail_config_exact_security=True)
            assert refused.returncode != 0 and host.config.read_text() == OLD
        run = host.run(settings, **given)
    if fallback != "use":
        assert run.returncode != 0 and host.config.read_text() == OLD
        assert (str(working) in run.output) == (fallback == "suggest")
        return
    assert run.returncode == 0, run.output
    email = yaml.safe_load(host.config.read_text())["email"]
    assert (email["smtp_port"], email["smtp_secure"]) == (working, False)


REFUSED: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({"port": "abc"}, {}, "port is 'abc', which is not a port number"),
    ({"user": "x"}, {}, "mail_config_settings.user"),
    ({"host": "smtp://localhost"}, {}, "host has a scheme in it"),
    ({"security": "tls"}, {}, "security is 'tls', which is not a mode"),
    ({"password": ""}, {}, "username is given without a password"),
    ({"server_name": "other.example.com"}, {}, "Pangolin checks the certificate against smtp_host"),
    ({}, {"apps": [{"app": "pangolim", "path": "/tmp/x"}]}, "app is 'pangolim', which is not known here"),
    ({}, {"apps": [{"app": "pangolin", "path": "/nowhere/config.yml"}]}, "the folder /nowhere does not exist"),
    ({}, {"mail_config_fallback": "maybe"}, "mail_config_fallback"),
    ({"sender": ""}, {"mail_config_prove_recipient": "ops@example.com"}, "mail_config_prove_recipient needs a sender"),
    ({"secure": False}, {"mail_config_exact_security": True}, "Pangolin cannot require STARTTLS"),
]


def test_bad_input_is_refused_before_any_packet(host: Host, relay: Relay) -> None:
    """All in one run of Ansible, which takes longer than a refusal."""
    tasks: list[dict[str, t.Any]] = []
    variables: dict[str, dict[str, t.Any]] = {}
    apps = [{"app": "pangolin", "path": str(host.config)}]
    with faulty.FaultyServer(faulty.silent()) as server:
        for number, (settings, options, _sentence) in enumerate(REFUSED):
            given = {"apps": apps, **options}
            variables[f"row{number}"] = {
                "mail_config_settings": {**relay.settings("implicit", port=server.port), **settings},
                "mail_config_apps": given.pop("apps"),
                **given,
            }
            names = {name: f"{{{{ row{number}.{name} }}}}" for name in variables[f"row{number}"]}
            role = {"name": "Configure", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}}
            said = {"name": "Say why", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
            end = {"name": "End", "ansible.builtin.debug": {"msg": f"END OF ROW {number}"}}
            tasks += [{"name": "Row", "block": [{**role, "vars": names}], "rescue": [said]}, end]
        run = play(host.folder / "play", tasks, variables, "-v")
        assert run.returncode == 0 and PASSWORD not in run.output, run.output
        assert server.connections == 0 and host.config.read_text() == OLD
    rest = words(run)
    for number, (_settings, _options, sentence) in enumerate(REFUSED):
        one, _end, rest = rest.partition(f"END OF ROW {number}")
        assert sentence in one, one[-600:]


def files(folder: pathlib.Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_one_app_fails_and_all_have_their_old_files(host: Host, relay: Relay) -> None:
    other = host.folder / "other.yml"
    other.write_text("a: 1\n")
    apps = [
        {"app": "pangolin", "path": str(host.config), "restart": {"command": ["touch", str(host.restarted)]}},
        {"app": "pangolin", "path": str(other), "validate": "false %s"},
    ]
    run = host.run(relay.settings("implicit"), apps=apps)
    assert run.returncode != 0 and "validate refused the new content" in words(run)
    assert other.read_text() == "a: 1\n" and host.config.read_text() == OLD
    assert oct(host.config.stat().st_mode)[-3:] == "640" and files(host.folder) == ["config.yml", "other.yml", "play"]


def test_a_proof_that_fails_puts_the_old_files_back(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    healthy = faulty.smtp(implicit=faulty.honest(pki.issue("localhost")))
    new = host.folder / "new.yml"
    apps = [
        {"app": "pangolin", "path": str(path), "restart": {"command": ["touch", str(host.restarted)]}}
        for path in (host.config, new)
    ]
    with faulty.FaultyServer(faulty.in_turn(healthy, faulty.close())) as server:
        settings = {
            "host": "localhost",
            "ip_version": "4",
            "port": server.port,
            "secure": True,
            "ca_path": str(pki.ca_file),
            "timeout": 3,
        }
        run = host.run(settings, apps=apps)
    assert run.returncode != 0 and "cannot send mail through localhost" in words(run), run.output
    assert '"cause": "connection_closed"' in run.output and '"layers"' not in run.output
    assert host.config.read_text() == OLD and files(host.folder) == ["config.yml", "play", "restarted"]


def test_a_recipient_that_is_refused_stops_it_before_anything_is_written(host: Host, relay: Relay) -> None:
    with Postfix(
        [Listener("implicit")],
        certificate=relay.issued,
        users={USER: PASSWORD},
        reject_recipients={"no@example.com": "550 5.1.1 no such user"},
    ) as strict:
        settings = relay.settings("implicit", port=strict.port("implicit"))
        run = host.run(settings, mail_config_prove_recipient="no@example.com")
    assert (
        run.returncode != 0
        and "recipient_rejected" in run.output
        and host.config.read_text() == OLD
        and not host.restarted.exists()
    )


def test_without_a_gate_the_convention_decides(host: Host) -> None:
    settings = {"host": "smtp.example.com", "port": 587, "secure": True}
    run = host.run(settings, mail_config_gate=False)
    assert run.returncode != 0 and "port 587 starts in cleartext" in words(run) and host.config.read_text() == OLD
    run = host.run({**settings, "port": 465}, mail_config_gate=False)
    assert run.returncode == 0 and yaml.safe_load(host.config.read_text())["email"]["smtp_port"] == 465, run.output


def test_a_restart_that_fails_puts_the_old_file_back(host: Host, relay: Relay) -> None:
    command = ["sh", "-c", f"echo run >> {host.restarted}; ! grep -q localhost {host.config}"]
    run = host.run(
        relay.settings("implicit"),
        apps=[{"app": "pangolin", "path": str(host.config), "restart": {"command": command}}],
    )
    assert run.returncode != 0 and host.config.read_text() == OLD, run.output
    assert host.restarted.read_text() == "run\nrun\n" and files(host.folder) == ["config.yml", "play", "restarted"]


# What runs that are broken off leave, and what two of them do

_KILLER = '''\
import os
import signal

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Kill this run of Ansible when the named task is about to start."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "killer"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        if os.environ["KILL_BEFORE"] in task.get_name():
            os.kill(os.getpid(), signal.SIGKILL)

    v2_playbook_on_handler_task_start = lambda self, task: self.v2_playbook_on_task_start(task, False)
'''


class Broken(t.NamedTuple):
    """The managed host, with an app that notes with what settings it was started, and a relay that is not asked."""

    host: Host
    settings: dict[str, t.Any]

    @property
    def started_with(self) -> list[str]:
        return self.host.restarted.read_text().split() if self.host.restarted.exists() else []

    def apps(self, *paths: pathlib.Path, then: str = "true") -> list[dict[str, t.Any]]:
        # The config's host is what the app runs with.
        note = f"sed -n 's/.*smtp_host: \"*\\([a-z.]*\\).*/\\1/p' $0 >> {self.host.restarted}; {then}"
        return [
            {"app": "pangolin", "path": str(path), "restart": {"command": ["sh", "-c", note, str(path)]}}
            for path in paths or [self.host.config]
        ]

    def run(self, *, kill_before: str = "", apps: list[dict[str, t.Any]] | None = None, **variables: t.Any) -> Run:
        folder = self.host.folder / "callbacks"
        folder.mkdir(exist_ok=True)
        (folder / "killer.py").write_text(_KILLER)
        kill = {
            "ANSIBLE_CALLBACK_PLUGINS": str(folder),
            "ANSIBLE_CALLBACKS_ENABLED": "killer",
            "KILL_BEFORE": kill_before,
        }
        options = {"mail_config_gate": False, **variables}
        return self.host.run(
            self.settings, apps=apps or self.apps(), environment=kill if kill_before else {}, **options
        )


@pytest.fixture()
def broken(host: Host) -> t.Iterator[Broken]:
    yield Broken(
        host,
        {
            "host": "localhost",
            "port": 465,
            "secure": True,
            "username": USER,
            "password": PASSWORD,
            "sender": "app@example.com",
        },
    )
    assert host.store() == []


# Before which task the run is killed; what stands in the file then; with what the app was started in the end.
KILLS = [
    ("Run the restart commands of the apps that changed", "new", ["localhost"]),
    ("Drop the old files that were kept", "new", ["localhost", "localhost"]),
]
KILLS_GOING_BACK = ["Restart the apps that have their old settings back"]
# With DEEP=1 in the environment at each task: three runs of the role for each.
if os.environ.get("DEEP"):
    KILLS += [
        ("Put the settings into the apps' files", "old", ["localhost"]),
        ("Read back what the apps' files hold", "new", ["localhost", "localhost"]),
    ]
    KILLS_GOING_BACK += ["Put the old files back", "Stop, and say what is back"]


@pytest.mark.parametrize("task, state, started", KILLS, ids=[task.split()[0] for task, _state, _started in KILLS])
def test_what_a_killed_run_left_is_finished(broken: Broken, task: str, state: str, started: list[str]) -> None:
    killed = broken.run(kill_before=task)
    assert killed.returncode == -9
    assert ("localhost" in broken.host.config.read_text()) == (state == "new")
    again = broken.run()
    assert again.returncode == 0, again.output
    assert (
        yaml.safe_load(broken.host.config.read_text())["email"]["smtp_host"] == "localhost"
        and broken.started_with == started
    )
    assert ("An earlier run was broken off" in words(again)) == (state == "new")
    third = broken.run()
    assert third.recap["changed"] == 0 and broken.started_with == started
    assert files(broken.host.folder) == ["callbacks", "config.yml", "play", "restarted"]


@pytest.mark.parametrize("task", KILLS_GOING_BACK)
def test_a_run_killed_while_it_goes_back_is_finished(broken: Broken, task: str) -> None:
    """The app refuses the new settings; the next run has the old ones in mind, and the app must run with these."""
    fails = broken.apps(then="! grep -q localhost $0")
    assert broken.run(kill_before=task, apps=fails).returncode == -9
    again = broken.run(apps=fails)
    assert again.returncode != 0 and broken.host.config.read_text() == OLD, again.output
    assert broken.started_with[-1] == "old.example.com"
    assert f"{broken.host.config} is again as it was before." in words(again) or task != "Put the old files back"


def test_what_a_killed_run_left_is_put_back_when_the_gate_fails(broken: Broken) -> None:
    assert broken.run(kill_before="Run the restart commands").returncode == -9
    with faulty.FaultyServer(faulty.close()) as server:
        settings = {**broken.settings, "port": server.port, "ip_version": "4", "timeout": 3}
        run = broken.host.run(settings, apps=broken.apps())
    assert run.returncode != 0 and "cannot send mail through localhost" in words(run), run.output
    assert broken.host.config.read_text() == OLD and broken.started_with == ["old.example.com"]
    assert f"{broken.host.config} is again as it was before." in words(run)


def test_what_a_killed_run_left_of_other_apps_is_told(broken: Broken) -> None:
    other = broken.host.folder / "other.yml"
    other.write_text(OLD)
    assert broken.run(kill_before="Run the restart commands").returncode == -9
    run = broken.run(apps=broken.apps(other))
    assert run.returncode == 0 and f"had begun to change {broken.host.config}, which this run does not name" in words(
        run
    ), run.output
    assert broken.run().returncode == 0 and broken.started_with == ["localhost", "localhost"]


def test_two_runs_at_once(broken: Broken) -> None:
    """The second is refused while the first waits for its restart; then that fails, and the original is back."""
    go = broken.host.folder / "go"
    waits = broken.apps(
        then=f"! grep -q localhost $0 || while [ ! -e {go} ]; do sleep 0.1; done; ! grep -q localhost $0"
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(broken.run, apps=waits)
        while not broken.started_with:
            assert not first.done(), first.result().output
            time.sleep(0.1)
        second = broken.host._replace(folder=broken.host.folder / "second")
        second.folder.mkdir()
        refused = second.run({**broken.settings, "host": "other.example.com"}, apps=waits, mail_config_gate=False)
        go.touch()
    assert refused.returncode != 0 and f"{broken.host.config} is being changed by another run of mail_config" in words(
        refused
    ), refused.output
    assert first.result().returncode != 0 and broken.host.config.read_text() == OLD
    assert broken.started_with == ["localhost", "old.example.com"]


# What others do to the files meanwhile, or before


def test_what_an_editor_writes_meanwhile_stays(broken: Broken) -> None:
    apps = broken.apps()
    apps[0]["validate"] = f"sh -c 'echo mine: 1 >> {broken.host.config}; test -s %s'"
    run = broken.run(apps=apps)
    assert (
        run.returncode != 0
        and "was changed by somebody else meanwhile, so it stays as it is now; run again" in words(run)
    ), run.output
    assert broken.host.config.read_text() == OLD + "mine: 1\n" and broken.started_with == []


def test_what_an_editor_writes_after_it_stays_too(broken: Broken) -> None:
    apps = broken.apps(then=f"echo mine: 1 >> {broken.host.config}; false")
    run = broken.run(apps=apps)
    config, said = broken.host.config.read_text(), words(run)
    assert run.returncode != 0 and "localhost" in config and config.endswith("mine: 1\nmine: 1\n")
    copy = re.search(
        rf"was changed by somebody else since it was written, so it stays as it is now. Put it back with: cp (\S+) {broken.host.config}",
        said,
    )
    assert copy is not None and pathlib.Path(copy[1]).read_text() == OLD, run.output
    assert "could not be restarted with its old settings" in said
    assert broken.run().returncode == 0


def test_a_full_disk_leaves_the_old_file(broken: Broken) -> None:
    disk = broken.host.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=True)
    try:
        config = disk / "config.yml"
        config.write_text(OLD + "# a comment\n" * 3240)
        config.chmod(0o640)
        before = (config.read_text(), config.stat()[:6], config.stat().st_ctime_ns)
        run = broken.run(apps=broken.apps(config))
        assert run.returncode != 0 and f"{config} cannot be written: no space is left on its file system." in words(
            run
        ), run.output
        assert (
            (config.read_text(), config.stat()[:6], config.stat().st_ctime_ns) == before
            and files(disk) == ["config.yml"]
            and broken.started_with == []
        )
    finally:
        subprocess.run(["umount", str(disk)], check=True)


PLANTED = ["the config", "its folder", "the kept copy of old", "the temporary file"]


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_link_leads_nowhere(broken: Broken, what: str) -> None:
    """The app's user owns the folder of its config, and root runs the role."""
    theirs, precious = broken.host.folder / "theirs", broken.host.folder / "precious"
    for folder in (theirs, precious):
        folder.mkdir()
        (folder / "config.yml").write_text(OLD)
        (folder / "config.yml").chmod(0o600)
    before = (precious / "config.yml").stat()[:6], (precious / "config.yml").stat().st_ctime_ns
    name = {"the config": "config.yml", "its folder": "sub", "the kept copy of old": "config.yml.mail_config~"}.get(
        what, temporary_name("config.yml")
    )
    (theirs / name).unlink(missing_ok=True)
    (theirs / name).symlink_to(precious if what == "its folder" else precious / "config.yml")
    for path in (theirs, *theirs.iterdir()):
        os.lchown(path, 12345, 12345)
    config = theirs / "sub" / "config.yml" if what == "its folder" else theirs / "config.yml"
    run = broken.run(apps=broken.apps(config))
    assert (precious / "config.yml").read_text() == OLD
    assert ((precious / "config.yml").stat()[:6], (precious / "config.yml").stat().st_ctime_ns) == before
    if what in PLANTED[:2]:
        assert run.returncode != 0 and "only a link of root or of that owner is followed" in words(run), run.output
    else:
        assert run.returncode == 0 and "localhost" in config.read_text() and config.stat().st_uid == 12345, run.output

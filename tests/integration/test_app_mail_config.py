# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""app_mail_config by the real ansible-playbook: what it writes, predicts, shows, refuses and hides."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import stat
import time
import typing as t

import pytest
import yaml

from tests.support.playbook import Run, play

OLD_PASSWORD, NEW_PASSWORD, OTHER_SECRET = "old-hunter2", "n3w \"{{ x }}' # $h\\ü", "other-s3cret"
SETTINGS = {
    "host": "smtp.example.com",
    "port": "465",
    "secure": "true",
    "username": "app",
    "password": NEW_PASSWORD,
    "sender": "app@example.com",
}
OLD = f"""\
# Pangolin of the office
app:
    dashboard_url: "https://pangolin.example.com" # public

server:
    secret: {OTHER_SECRET}
email:
    smtp_host: "old.example.com"   # the old one
    smtp_port: 587
    smtp_user: app
    smtp_pass: "{OLD_PASSWORD}"
    # smtp_pass: even-0lder
    no_reply: "old@example.com"

flags:
    require_email_verification: false
"""


def task(path: pathlib.Path | str, **options: t.Any) -> dict[str, t.Any]:
    arguments = {"app": "pangolin", "path": str(path), "settings": "{{ settings }}", **options}
    return {
        "name": "Configure",
        "mailops.smtp.app_mail_config": {key: value for key, value in arguments.items() if value is not None},
        "register": "result",
    }


def configure(path: pathlib.Path, *cli: str, settings: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> Run:
    return play(
        path.parent / "play",
        [task(path, **options)],
        {"settings": SETTINGS if settings is None else settings},
        *cli,
        saved=["result"],
    )


def configure_all(
    path: pathlib.Path, cases: t.Sequence[tuple[dict[str, t.Any], dict[str, t.Any]]], *cli: str
) -> tuple[list[dict[str, t.Any]], str]:
    """Many tasks in one run, each with settings and options of its own on the same file; what each gave, failed or not."""
    tasks = []
    for number, (_settings, options) in enumerate(cases):
        keywords = {key: options[key] for key in ("check_mode", "diff") if key in options}
        others = {key: value for key, value in options.items() if key not in (*keywords, "path")}
        one = task(options.get("path", path), **{"settings": f"{{{{ all_settings[{number}] }}}}", **others})
        tasks.append(
            {**one, "name": f"Configure {number}", "register": f"result_{number}", "ignore_errors": True, **keywords}
        )
    names = [f"result_{number}" for number in range(len(cases))]
    run = play(
        path.parent / "play",
        tasks,
        {"all_settings": [{**SETTINGS, **settings} for settings, _options in cases]},
        *cli,
        saved=names,
    )
    assert run.returncode == 0, run.output
    return [run.saved[name] for name in names], run.output


@pytest.fixture()
def config(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "config.yml"
    path.write_text(OLD)
    path.chmod(0o640)
    return path


def mode(path: pathlib.Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_check_predicts_write_keeps_and_second_run_changes_nothing(config: pathlib.Path) -> None:
    predicted = configure(config, "--check")
    assert predicted.returncode == 0, predicted.output
    assert predicted.saved["result"]["changed"] and config.read_text() == OLD

    written = configure(config, backup=True)
    assert written.returncode == 0, written.output
    result = written.saved["result"]
    assert result["changed"] and result["settings"] == predicted.saved["result"]["settings"]
    assert result["settings"] == {
        "host": "smtp.example.com",
        "port": 465,
        "secure": True,
        "security": "implicit_tls",
        "validate_certs": True,
        "username": "app",
        "sender": "app@example.com",
    }
    assert result["security"] == "implicit_tls" and result["findings"] == [] and not result["up_to_date"]
    backup = pathlib.Path(result["backup_file"])
    assert backup.read_text() == OLD and mode(backup) == mode(config) == "0o640"
    head, tail = OLD.split("email:\n")
    new = config.read_text()
    assert new.startswith(head) and new.endswith(tail[tail.index("\nflags") :])
    assert '    smtp_host: "smtp.example.com"   # the old one\n' in new and "    # smtp_pass: even-0lder\n" in new
    assert yaml.safe_load(new)["email"] == {
        "smtp_host": "smtp.example.com",
        "smtp_port": 465,
        "smtp_secure": True,
        "smtp_tls_reject_unauthorized": True,
        "smtp_user": "app",
        "smtp_pass": NEW_PASSWORD,
        "no_reply": "app@example.com",
    }

    again = configure(config, backup=True)
    assert not again.saved["result"]["changed"] and again.saved["result"]["up_to_date"]
    assert config.read_text() == new and "backup_file" not in again.saved["result"]
    assert not configure(config, "--check").saved["result"]["changed"]


def test_diff_shows_the_mail_settings_alone_and_no_password(config: pathlib.Path) -> None:
    run = configure(config, "--diff", "--check")
    assert '-    smtp_host: "old.example.com"' in run.output and '+    smtp_host: "smtp.example.com"' in run.output
    assert (
        "-    smtp_pass: ******** (the old password)" in run.output
        and "+    smtp_pass: ******** (the new password)" in run.output
    )
    for hidden in (OLD_PASSWORD, "n3w", OTHER_SECRET, "even-0lder", "dashboard_url"):
        assert hidden not in run.output


def every_form(secret: str) -> list[str]:
    """A secret as it stands, and as it looks inside base64 at each of the three alignments."""
    raw = secret.encode()
    return [
        secret,
        json.dumps(secret)[1:-1],
        *(base64.b64encode(b"x" * shift + raw)[4 if shift else 0 : -4].decode() for shift in range(3)),
    ]


@pytest.mark.parametrize("pipelining", ["0", "1"])
def test_no_secret_shows_at_any_verbosity_or_stays_behind(
    config: pathlib.Path, tmp_path: pathlib.Path, pipelining: str
) -> None:
    log, here, there = tmp_path / "ansible.log", tmp_path / "local", tmp_path / "remote"
    environment = {
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_PIPELINING": pipelining,
        "ANSIBLE_LOCAL_TEMP": str(here),
        "ANSIBLE_REMOTE_TEMP": str(there),
    }
    tasks = []
    for number, (keywords, validate) in enumerate(
        [
            ({"diff": True, "check_mode": True}, None),
            ({"diff": True}, "false %s"),
            ({"diff": True}, "cat %s /nowhere"),
            ({}, "cat %s /nowhere"),
            ({"diff": True}, "test -s %s"),
            ({}, None),
        ]
    ):
        tasks.append(
            {
                **task(config, validate=validate, backup=True),
                "name": f"Configure {number}",
                "ignore_errors": True,
                **keywords,
            }
        )
    tasks += [
        {**task(config, state="absent", validate="cat %s /nowhere"), "name": "Refuse to remove", "ignore_errors": True}
    ]
    tasks += [{**task(config, state="absent"), "name": "Remove", "diff": True}]
    run = play(tmp_path / "play", tasks, {"settings": SETTINGS}, "-vvvvvv", environment=environment)
    assert run.returncode == 0 and run.recap["ignored"] == 4 and run.recap["changed"] == 3, run.output
    assert "email" not in yaml.safe_load(config.read_text())
    assert not [*here.rglob("*"), *there.rglob("*")]
    assert "n3w" not in run.output
    for secret in (OLD_PASSWORD, NEW_PASSWORD, OTHER_SECRET, "even-0lder"):
        for form in every_form(secret):
            assert form not in run.output and form not in log.read_text(), form


def test_a_failure_leaves_the_old_file(config: pathlib.Path) -> None:
    run = configure(config, validate="cat %s /nowhere", backup=True)
    assert run.returncode != 0 and config.read_text() == OLD
    assert "validate refused the new content of" in run.output and "exit status 1" in run.output
    fresh = config.parent / "fresh.yml"
    assert configure(fresh, validate="false %s").returncode != 0
    assert not fresh.exists()
    config.write_text("email:\n  smtp_host: [a]\n")
    assert "line 2: smtp_host holds a list where a single value belongs" in " ".join(configure(config).output.split())
    assert config.read_text() == "email:\n  smtp_host: [a]\n"


def test_a_new_file_is_private_unless_told_otherwise(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new.yml"
    steps: list[tuple[dict[str, t.Any], bool]] = [
        ({"check_mode": True}, True),
        ({"backup": True}, True),
        ({}, False),
        ({"path": str(tmp_path / "other.yml"), "mode": "u=rw,g=r,o="}, True),
    ]
    results, output = configure_all(path, [({}, options) for options, _changed in steps])
    assert [result["changed"] for result in results] == [changed for _options, changed in steps], output
    assert mode(path) == "0o600" and yaml.safe_load(path.read_text())["email"]["smtp_port"] == 465
    assert mode(tmp_path / "other.yml") == "0o640" and sorted(one.name for one in tmp_path.iterdir()) == [
        "new.yml",
        "other.yml",
        "play",
    ]

    steps = [
        ({"mode": "0644", "check_mode": True}, True),
        ({"mode": "0644"}, True),
        ({"mode": "0644", "check_mode": True}, False),
        ({}, False),
        ({"owner": "daemon", "group": "bin"}, True),
        ({"owner": "daemon", "group": "bin"}, False),
    ]
    results, output = configure_all(path, [({}, options) for options, _changed in steps])
    assert [result["changed"] for result in results] == [changed for _options, changed in steps], output
    assert mode(path) == "0o644" and (path.owner(), path.group()) == ("daemon", "bin")


def test_owner_and_group_stay(config: pathlib.Path) -> None:
    os.chown(config, 1, 2)
    assert configure(config).saved["result"]["changed"]
    assert (config.stat().st_uid, config.stat().st_gid) == (1, 2)


def test_a_link_stays_and_its_file_is_edited(config: pathlib.Path) -> None:
    link = config.parent / "link.yml"
    link.symlink_to(config)
    assert configure(link).saved["result"]["changed"]
    assert link.is_symlink() and "smtp.example.com" in config.read_text()
    link.unlink()
    link.symlink_to(config.parent / "nowhere.yml")
    assert "does not exist; create that file or correct the link" in " ".join(configure(link).output.split())


def test_absent_takes_out_what_we_manage(config: pathlib.Path) -> None:
    gone = {"state": "absent", "settings": None}
    results, output = configure_all(
        config, [({}, {**gone, "check_mode": True}), ({}, {**gone, "path": str(config.parent / "none.yml")})]
    )
    assert [result["changed"] for result in results] == [True, False] and config.read_text() == OLD
    results, output = configure_all(config, [({}, {**gone, "diff": True}), ({}, gone)])
    assert [result["changed"] for result in results] == [True, False] and OLD_PASSWORD not in output
    head, tail = OLD.split("email:\n")
    assert config.read_text() == head + tail[tail.index("\nflags") :]


# Settings over SETTINGS, options, what the sentence says.
REFUSED: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({}, {"app": "pangolim"}, "app is 'pangolim', which is not known here; write pangolin"),
    ({}, {"path": "/nowhere/config.yml"}, "the folder /nowhere does not exist on this host"),
    ({}, {"path": "/tmp"}, "which is a folder; write the path of the app's file"),
    ({}, {"path": "/dev/null"}, "which is no regular file"),
    ({}, {"validate": "true"}, "validate has no %s in it"),
    ({}, {"settings": "smtp.example.com"}, "settings must hold host, port, secure and so on"),
    ({}, {"descriptors": "/nowhere"}, "descriptors is /nowhere, which is no folder on the controller"),
    ({}, {"exact": True}, "exact is not an option; write exact_security."),
    ({}, {"mode": "preserve"}, "mode is preserve, which means nothing here"),
    ({"port": 587}, {}, "port 587 starts in cleartext and switches to TLS with STARTTLS"),
    ({"port": "abc"}, {}, "port is 'abc', which is not a port number"),
    ({"security": "starttls"}, {}, "contradicts security: starttls"),
    ({"password": ""}, {}, "username is given without a password"),
    (
        {"port": 587, "secure": False},
        {"exact_security": True},
        "Pangolin cannot require STARTTLS, and exact_security was asked for",
    ),
    ({"user": "app"}, {}, "user is not an option; write username"),
    ({"server_name": "mail.example.com"}, {}, "Pangolin checks the certificate against smtp_host"),
]


def test_without_options_it_names_them(tmp_path: pathlib.Path) -> None:
    run = play(tmp_path / "play", [{"name": "Configure", "mailops.smtp.app_mail_config": {}}], {})
    assert run.returncode != 0 and "app is missing; write the name of an app, such as app: pangolin." in run.output


def test_refusals(config: pathlib.Path) -> None:
    results, output = configure_all(config, [(settings, options) for settings, options, _sentence in REFUSED], "-vvvv")
    for result, (_settings, _options, sentence) in zip(results, REFUSED):
        assert result["failed"] and sentence in result["msg"], result
    assert "n3w" not in output and OTHER_SECRET not in output and config.read_text() == OLD


FOUND: list[tuple[dict[str, t.Any], str, str, list[str]]] = [
    ({"port": 587, "secure": "no"}, "starttls", "opportunistic", ["downgrade_possible"]),
    (
        {"port": 587, "secure": None, "security": "opportunistic"},
        "opportunistic",
        "opportunistic",
        ["downgrade_possible"],
    ),
    ({"port": 25, "secure": None, "security": "cleartext"}, "cleartext", "opportunistic", ["stronger_than_asked"]),
    (
        {"ca_path": "/etc/ssl/ca.pem", "helo_name": "a.example.com"},
        "implicit_tls",
        "implicit_tls",
        ["ca_not_expressible", "not_expressible"],
    ),
    ({"server_name": "mail.example.com", "validate_certs": "off"}, "implicit_tls", "implicit_tls", ["not_expressible"]),
]


def test_findings(config: pathlib.Path) -> None:
    results, _output = configure_all(config, [(settings, {}) for settings, _asked, _security, _codes in FOUND])
    for result, (_settings, asked, security, codes) in zip(results, FOUND):
        assert result["security"] == security and result["settings"]["security"] == asked
        assert [finding["code"] for finding in result["findings"]] == codes
        assert all(
            finding["message"].endswith(".") and finding["remedy"].endswith(".") for finding in result["findings"]
        )


def test_a_sender_that_is_there_stays(config: pathlib.Path) -> None:
    without = {key: value for key, value in SETTINGS.items() if key not in ("sender", "username", "password")}
    result = configure(config, settings=without).saved["result"]
    assert (
        result["findings"] == []
        and result["settings"]["sender"] == "old@example.com"
        and "username" not in result["settings"]
    )
    assert "smtp_pass" not in yaml.safe_load(config.read_text())["email"] and OLD_PASSWORD not in config.read_text()
    config.write_text("")
    assert [finding["code"] for finding in configure(config, settings=without).saved["result"]["findings"]] == [
        "sender_missing"
    ]


def test_descriptors_of_the_users_own(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "descriptors"
    folder.mkdir()
    (folder / "relayd.yml").write_text(
        "id: relayd\nname: Relayd\n"
        "security:\n  implicit_tls: {can: exact, set: {tls: true}}\n  starttls: {can: no}\n"
        "  opportunistic: {can: no}\n  cleartext: {can: exact, set: {tls: false}}\n"
        "forms:\n  file:\n    format: yaml\n    section: notify.smtp\n"
        "    keys: {server: '{host}', port: '{port}', tls: '{tls}', user: '{username}', secret: '{password}'}\n"
    )
    path = tmp_path / "relayd.conf"
    path.write_text("notify:\n  disk: {} # c\n")
    run = configure(path, app="relayd", descriptors=str(folder))
    assert run.returncode == 0, run.output
    smtp = {"server": "smtp.example.com", "port": 465, "tls": True, "user": "app", "secret": NEW_PASSWORD}
    assert yaml.safe_load(path.read_text()) == {"notify": {"disk": {}, "smtp": smtp}} and path.read_text().startswith(
        "notify:\n  disk: {} # c\n"
    )
    refused = configure(
        path, app="relayd", descriptors=str(folder), settings={**SETTINGS, "port": 587, "secure": False}
    )
    assert "Relayd has no setting for security: starttls; write security: implicit_tls or cleartext" in " ".join(
        refused.output.split()
    )
    assert "Relayd has no setting for sender" not in refused.output


def descendants(pid: int) -> list[int]:
    """The process and all that it has started, by /proc."""
    parents: dict[int, int] = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def test_a_killed_run_leaves_no_password_on_the_controller_and_the_next_none_on_the_host(
    config: pathlib.Path, tmp_path: pathlib.Path, temporary_folders: dict[str, pathlib.Path]
) -> None:
    """Killed with all that it has started while the new file is checked; pipelining is not switched on."""
    environment = {**{name: str(folder) for name, folder in temporary_folders.items()}, "ANSIBLE_PIPELINING": "0"}
    mark = tmp_path / "mark"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = task(config, validate=f"sh -c 'echo $PPID > {mark}; sleep 60' %s")
        running = pool.submit(play, tmp_path / "play", [slow], {"settings": SETTINGS}, environment=environment)
        while not (mark.exists() and mark.read_text()):
            assert not running.done(), running.result().output
            time.sleep(0.05)
        ansible = next(
            pid for pid in descendants(os.getpid()) if str(tmp_path / "play" / "play.yml").encode() in command_line(pid)
        )
        for pid in descendants(ansible):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert running.result().returncode == -signal.SIGKILL
    found = [path for folder in temporary_folders.values() for path in folder.rglob("*") if path.is_file()]
    assert [
        path for path in found if any(form.encode() in path.read_bytes() for form in FORMS)
    ] == [] and config.read_text() == OLD
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert [oct(path.stat().st_mode)[-3:] for path in left] == ["600"]
    # Also a run that has nothing to change takes it away.
    assert not configure(config, settings=None, state="absent", app="mailpit_relay").saved["result"]["changed"]
    assert not left[0].exists() and config.read_text() == OLD


FORMS = every_form(NEW_PASSWORD)


def command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_a_readable_file_gets_a_finding_before_a_password_is_written_into_it(config: pathlib.Path) -> None:
    config.chmod(0o644)
    without = {"username": None, "password": None}
    cases: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
        ({}, {"check_mode": True}),
        ({}, {"check_mode": True, "mode": "0640"}),
        ({}, {"check_mode": True, "mode": "o="}),
        (without, {"check_mode": True}),
        ({}, {"path": str(config.parent / "new.yml"), "mode": "0664"}),
        ({}, {}),
        ({}, {"mode": "0640"}),
        ({}, {}),
    ]
    results, output = configure_all(config, cases)
    readable = [[one for one in result["findings"] if one["code"] == "password_readable"] for result in results]
    assert [len(found) for found in readable] == [1, 0, 0, 0, 1, 1, 0, 0], output
    assert (
        readable[0][0]["message"] == f"{config} has mode 0644, so every user of this host can read the password in it."
    )
    assert (
        "Set mode: '0640'" in readable[0][0]["remedy"]
        and "Set mode: '0660'" in readable[4][0]["remedy"]
        and mode(config) == "0o640"
    )


def test_the_reason_is_in_the_sentence(config: pathlib.Path) -> None:
    cases: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
        ({}, {"owner": "nobody-of-that-name"}),
        ({}, {"group": "no-group"}),
        ({}, {"mode": "0999"}),
        ({}, {"mode": "rw"}),
        ({}, {"validate": "/no/program %s"}),
        ({}, {"path": "/proc/version"}),
        ({}, {"path": "/proc/new.yml"}),
    ]
    results, _output = configure_all(config, cases)
    sentences = [
        "owner is 'nobody-of-that-name', which is no user of this host",
        "group is 'no-group', which is no group of this host",
        "mode is '0999', which is no mode",
        "mode is 'rw', which is no mode",
        "validate cannot be run, so the file stays as it was: /no/program: no such file or directory",
        "/proc/version: ",
        "/proc/new.yml cannot be written: it, or its folder, is not there any more",
    ]
    for result, sentence in zip(results, sentences):
        assert result["failed"] and sentence in result["msg"], result
    assert config.read_text() == OLD

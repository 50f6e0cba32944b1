# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role itself, run for real on this machine without systemd: its files start a Mailpit, and its proof holds. With systemd: tests/lab."""

from __future__ import annotations

import grp
import json
import os
import pathlib
import pwd
import signal
import stat
import subprocess
import sys
import tarfile
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

from tests.support import mailpit
from tests.support.mailpit import Mailpit, read_environment_file
from tests.support.pki import EXPIRED, Pki
from tests.support.playbook import Run, play
from tests.support.process import free_ports

SECRET = "pa ss:\"'#;$ wörd"
SECOND = "another-pa$$word"
USERS = [{"name": "app", "password": SECRET}]
NO_SUCH_PAIR = {
    "mailpit_certificate": "files", "mailpit_certificate_file": "/nonexistent/cert.pem", "mailpit_certificate_key_file": "/nonexistent/key.pem",
}  # fmt: skip


class Host:
    """A folder that plays the Mailpit host: all of the role's paths are in it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.config = folder / "etc"
        self.ca = folder / "client-ca.pem"
        smtp, ui = free_ports(2)
        me = {"mailpit_user": pwd.getpwuid(os.getuid()).pw_name, "mailpit_group": grp.getgrgid(os.getgid()).gr_name}
        self.variables: dict[str, t.Any] = me | {
            "mailpit_owner": me["mailpit_user"], "mailpit_create_user": False, "mailpit_service_manager": "none",
            "mailpit_config_dir": str(self.config), "mailpit_data_dir": str(folder / "data"), "mailpit_install_dir": str(folder / "opt"),
            "mailpit_client_ca_path": str(self.ca), "mailpit_controller_file": mailpit.binary(),
            "mailpit_server_names": ["localhost"], "mailpit_smtp_address": "127.0.0.1", "mailpit_smtp_port": smtp, "mailpit_ui_port": ui,
        }  # fmt: skip

    def run(self, *options: str, tasks_from: str = "main", **changes: t.Any) -> Run:
        include = {"name": "mailops.smtp.mailpit", "tasks_from": tasks_from}
        return play(
            self.folder / "play",
            [{"name": "Run the role", "ansible.builtin.include_role": include}],
            self.variables | changes,
            *options,
            environment={"ANSIBLE_PIPELINING": "1"},
        )

    def start(self) -> Mailpit:
        return Mailpit(self.folder, read_environment_file(self.config / "mailpit.env"))

    def text(self, name: str) -> str:
        return (self.config / name).read_text()

    def everything(self) -> dict[str, tuple[str, int]]:
        """Every file of the host with its content and mode."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes().hex()[:200], path.stat().st_mode)
            for path in self.config.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path)


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_and_mode(path: pathlib.Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, found.st_mode


def succeeded(run: Run) -> Run:
    assert run.returncode == 0, run.output
    assert not any(secret in run.output for secret in (SECRET, SECOND, "PRIVATE KEY", "$2b$"))
    return run


def refused(run: Run) -> str:
    """The message of a run that failed on purpose."""
    assert run.returncode == 2, run.output
    assert SECRET not in run.output and SECOND not in run.output and "Traceback" not in run.output
    return run.output


def test_from_nothing_to_a_proven_mailpit_another_account_and_back(host: Host) -> None:
    restarted = host.folder / "restarted"
    wanted = {"mailpit_auth": "users", "mailpit_users": USERS, "mailpit_restart_command": ["touch", str(restarted)]}
    succeeded(host.run("--diff", "-vvvv", **wanted))
    assert {name: mode(host.config / name) for name in ("smtp.passwd", "mailpit.env", "tls/key.pem", "ca/ca.key")} == {
        "smtp.passwd": 0o600, "mailpit.env": 0o600, "tls/key.pem": 0o400, "ca/ca.key": 0o600,
    }  # fmt: skip
    assert host.text("smtp.passwd").count("\n") == 1 and host.text("smtp.passwd").startswith("app:$2b$")
    restarted.unlink()
    before = host.everything()
    with host.start() as running:
        assert "STARTTLS required" in running.log()
        assert succeeded(host.run("-vvvv", tasks_from="verify", **wanted)).recap["changed"] == 0
        # The proof can fail: the same Mailpit is not what another choice says.
        assert "mailpit_users" not in refused(host.run(tasks_from="verify", mailpit_security="implicit_tls", **wanted))
        assert "answered with" in refused(
            host.run(tasks_from="verify", mailpit_security="starttls", mailpit_auth="none")
        )
        wrong = [{"name": "app", "password": SECOND}]
        assert "535" in refused(host.run(tasks_from="verify", mailpit_auth="users", mailpit_users=wrong))

    changed_password = wanted | {"mailpit_users": [{"name": "app", "password": SECOND}], "mailpit_keep_users": True}
    assert "rotate to a new name" in refused(host.run(**changed_password))
    assert host.everything() == before, "a refusal writes nothing"
    first = host.text("smtp.passwd")
    other = wanted | {"mailpit_users": [{"name": "other", "password": SECOND}], "mailpit_keep_users": True}
    assert succeeded(host.run(**other)).recap["changed"] == 2, "the file, and the restart"
    assert host.text("smtp.passwd").startswith(first + "other:$2b$") and restarted.exists()

    # What runs Mailpit instead of systemd refuses the new configuration, and takes the old one.
    before = host.everything()
    choosy = {
        "mailpit_restart_command": ["sh", "-c", f"! grep MP_LABEL {host.config}/mailpit.env >&2"],
        "mailpit_environment": {"MP_LABEL": "new"},
    }
    changed = {
        "mailpit_security": "implicit_tls",
        "mailpit_auth": "accept_any",
        "mailpit_users": [],
        "mailpit_certificate": "self_signed",
    }
    output = refused(host.run(**other | changed | choosy))
    assert "mailpit_restart_command failed: MP_LABEL=new Mailpit has its old configuration back." in output
    assert host.everything() == before

    # What is in the way of a file is said so, although what was to go into it is a secret.
    (host.config / "ui.passwd").mkdir()
    assert "ui.passwd is no ordinary file" in refused(host.run(**other | {"mailpit_ui_users": USERS}))
    assert host.everything() == before


@pytest.mark.parametrize(
    "security, auth, certificate", [("opportunistic", "none", "mailpit"), ("cleartext", "accept_any", "")]
)
def test_other_modes_are_proven_too(
    host: Host, security: str, auth: str, certificate: str, tmp_path: pathlib.Path
) -> None:
    listening = (host.variables["mailpit_smtp_address"], host.variables["mailpit_smtp_port"])
    choice = Choice(
        security=security, auth=auth, certificate=certificate, names=("localhost",), smtp_address=listening[0], smtp_port=listening[1],
        ui_port=host.variables["mailpit_ui_port"],
    )  # fmt: skip
    wanted = {"mailpit_security": security, "mailpit_auth": auth, "mailpit_certificate": certificate}
    with Mailpit(host.folder, plan(choice).environment):
        succeeded(host.run(tasks_from="verify", **wanted))
        unreachable = tmp_path / "inventory.yml"
        unreachable.write_text(
            "all: {hosts: {gone: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 9}}}"
        )
        run = host.run(
            "-i", str(unreachable), "--limit", "localhost", tasks_from="verify", mailpit_clients=["gone"], **wanted
        )
        assert "gone could not be reached, and Mailpit is not proved from there" in refused(run)


def test_a_mailpit_that_is_not_running_is_said_so(host: Host) -> None:
    assert "takes no connection on port" in refused(host.run(tasks_from="verify", mailpit_verify_timeout=1))


# What is asked for, and what is said about it.
REFUSALS: list[tuple[dict[str, t.Any], str]] = [
    ({"mailpit_security": "opportunistic", "mailpit_auth": "accept_any"}, "accepts passwords outside TLS"),
    ({"mailpit_auth": "users"}, "needs at least one entry in mailpit_users"),
    ({"mailpit_auth": "users", "mailpit_users": [{"name": "a b", "password": SECRET}]}, "no place for blanks"),
    ({"mailpit_environment": {"MP_SMTP_AUTH": f"app:{SECRET}"}}, "must not hold MP_SMTP_AUTH"),
    ({"mailpit_controller_file": ""}, "set mailpit_checksum"),
    (
        {"mailpit_relay_config": "/nonexistent/relay.yml"},
        "mailpit_relay_config is /nonexistent/relay.yml, which is not there",
    ),
    ({"mailpit_smtp_port": "abc"}, "mailpit_smtp_port is 'abc'"),
    (
        {"mailpit_controller_file": "/nonexistent/mailpit"},
        "mailpit_controller_file is /nonexistent/mailpit, which the controller does not have",
    ),
    (
        {**NO_SUCH_PAIR, "mailpit_certificate_remote": False},
        "set mailpit_certificate_remote to true if it is a file of the Mailpit host",
    ),
    (
        {**NO_SUCH_PAIR, "mailpit_certificate_remote": True},
        "mailpit_certificate_file is /nonexistent/cert.pem, which is not there",
    ),
    *(
        (
            {**NO_SUCH_PAIR, "mailpit_certificate_remote": True, **changes},
            f"{option} is {path}, which is no ordinary file: correct the path",
        )
        for option, path, changes in (
            ("mailpit_ca_file", "/etc", {"mailpit_ca_file": "/etc"}),
            ("mailpit_certificate_file", "/etc", {"mailpit_certificate_file": "/etc"}),
            ("mailpit_tags_config", "/dev/null", {"mailpit_tags_config": "/dev/null"}),
        )
    ),
    (
        {"mailpit_config_dir": "/etc"},
        "mailpit_config_dir is /etc, which is a folder of the system or of a user: set it to a folder of its own",
    ),
    (
        {"mailpit_install_dir": "/usr/local/bin"},
        "mailpit_install_dir is /usr/local/bin, which is a folder of the system",
    ),
    (
        {"mailpit_data_dir": "/var/lib/", "mailpit_state": "absent", "mailpit_remove_data": True},
        "mailpit_data_dir is /var/lib, which is a folder of the system",
    ),
    ({"mailpit_config_dir": "/opt", "mailpit_state": "absent"}, "mailpit_config_dir is /opt"),
    ({"mailpit_version": "latest"}, "mailpit_version is latest, which would be another one tomorrow"),
    ({"mailpit_version": "vLatest"}, "mailpit_version is vLatest, which would be another one tomorrow"),
    (
        {"mailpit_controller_file": "", "mailpit_checksum": "sha256:12"},
        "mailpit_checksum is sha256:12, which is no checksum",
    ),
    (
        {"mailpit_controller_file": ""},
        "each release at https://github.com/axllent/mailpit/releases shows it beside the archive",
    ),
    ({"mailpit_environment": {"MP_MAX_MESSAGE_SIZE": "50MB"}}, "megabytes, without a unit"),
    ({"mailpit_version": "../../etc"}, "mailpit_version is"),
    ({"mailpit_service_name": "../ssh"}, "mailpit_service_name is"),
    (
        {**NO_SUCH_PAIR, "mailpit_certificate_remote": True, "mailpit_ca_file": "ca.pem"},
        "mailpit_ca_file is ca.pem, which the controller does not have",
    ),
    (
        {
            "mailpit_relay": {
                "host": "smtp.example.com",
                "port": 25,
                "security": "opportunistic",
                "password": SECRET,
                "username": "u",
            }
        },
        "mailpit_relay cannot be written: Mailpit (relay) has no setting for security: opportunistic",
    ),
    ({"mailpit_forward": {"host": "smtp.example.com", "port": 587, "secure": False}}, "mailpit_forward needs to"),
    (
        {
            "mailpit_forward_config": "/etc/hostname",
            "mailpit_forward": {"host": "x.example", "port": 25, "secure": False, "to": "a@b.de"},
        },
        "mailpit_forward and mailpit_forward_config are both set",
    ),
    (
        {"mailpit_renewal": True, "mailpit_certificate": "self_signed"},
        "mailpit_certificate is self_signed: set it to false, or",
    ),
    (
        {"mailpit_renewal": True},
        "mailpit_service_manager is none: set it to false, or mailpit_service_manager to systemd",
    ),
    (
        {"mailpit_service_manager": "compose", "mailpit_allowed_networks": ["192.0.2.0/24"]},
        "mailpit_allowed_networks is kept by systemd",
    ),
    (
        {"mailpit_service_manager": "compose", "mailpit_image": "x/mailpit:latest"},
        "mailpit_image is x/mailpit:latest, which would",
    ),
    (
        {"mailpit_service_manager": "compose", "mailpit_image": "x/mailpit"},
        "mailpit_image is x/mailpit, which would be another one",
    ),
    (
        {
            "mailpit_service_manager": "compose",
            "mailpit_compose_command": ["nerdctl", "compose"],
            "mailpit_image": "x/mailpit:1",
        },
        "mailpit_compose_command is ['nerdctl', 'compose']: write [docker, compose]",
    ),
    (
        {"mailpit_service_manager": "compose", "mailpit_environment": {"MP_SMTP_RELAY_PASSWORD": SECRET}},
        "MP_SMTP_RELAY_PASSWORD, a secret that everybody could read who may inspect the container",
    ),
    (
        {"mailpit_service_manager": "systemd", "mailpit_renewal": True, "mailpit_owner": "daemon"},
        "mailpit_owner is daemon, who could change it: set mailpit_owner to root",
    ),
    (
        {"mailpit_service_manager": "compose", "mailpit_environment": {"SSL_CERT_FILE": "/etc/ssl/a:b.pem"}},
        'Mailpit is to read "/etc/ssl/a:b.pem", a path that an engine of containers would read as something else',
    ),
    *(
        (
            {"mailpit_service_manager": "compose", "mailpit_container_volumes": [volume]},
            f'mailpit_container_volumes holds "{volume}": write a path of the host',
        )
        for volume in ("--privileged", "/a:/$b:z")
    ),
]


def given(pki: Pki, issued: t.Any, **more: t.Any) -> dict[str, t.Any]:
    """The options for a pair that is given, with the CA that clients verify it with."""
    return {
        "mailpit_certificate": "files", "mailpit_security": "implicit_tls", "mailpit_certificate_file": str(issued.chain_file),
        "mailpit_certificate_key_file": str(issued.key_file), "mailpit_ca_file": str(pki.ca_file), **more,
    }  # fmt: skip


def test_refused_before_anything_is_written(host: Host, tmp_path: pathlib.Path) -> None:
    """All in one run of Ansible, which takes longer than a refusal."""
    key = tmp_path / "key.pem"
    authority = Pki(tmp_path / "pki")
    good, bad = authority.issue("localhost"), authority.issue("localhost", valid=EXPIRED)
    key.write_bytes(good.key_file.read_bytes())
    (tmp_path / "mailpit.tar.gz").write_text("no archive")
    rows = [
        *REFUSALS,
        (
            {"mailpit_controller_file": str(key)},
            "holds a private key, which everybody on the host could read afterwards",
        ),
        (
            {"mailpit_controller_file": str(tmp_path / "mailpit.tar.gz")},
            "which is no archive (.tar.gz): give a release",
        ),
        ({"mailpit_controller_file": "/etc/hostname"}, "which is neither a program nor named as an archive"),
        (given(authority, bad), "expired on"),
        (given(authority, good, mailpit_server_names=["mailpit.example.com"]), "is not for mailpit.example.com"),
    ]
    include = {"name": "mailops.smtp.mailpit"}
    tasks: list[dict[str, t.Any]] = []
    for number, (changes, _words) in enumerate(rows):
        said = {"name": "Say why", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
        end = {"name": "End", "ansible.builtin.debug": {"msg": f"END OF ROW {number}"}}
        (tmp_path / f"{number}.json").write_text(json.dumps(changes))
        handed = {
            "name": "Take",
            "ansible.builtin.include_vars": {"file": str(tmp_path / f"{number}.json"), "name": "row"},
            "no_log": True,
        }
        names = {name: "{{ row." + name + " }}" for name in changes}
        task = {"name": "Run the role", "ansible.builtin.include_role": include, "vars": names}
        tasks += [handed, {"name": f"Row {number}", "block": [task], "rescue": [said]}, end]
    run = play(host.folder / "play", tasks, host.variables, environment={"ANSIBLE_PIPELINING": "1"})
    assert run.returncode == 0 and SECRET not in run.output and "Traceback" not in run.output, run.output
    said, rest = [], run.output.replace('\\"', '"')
    for number in range(len(rows)):
        one, _end, rest = rest.partition(f"END OF ROW {number}")
        said.append(one)
    wrong = [(changes, text[-600:]) for (changes, words), text in zip(rows, said, strict=True) if words not in text]
    assert not wrong, wrong
    assert not host.config.exists()


def test_another_init_system_is_told_what_to_choose(host: Host) -> None:
    facts = {"service_mgr": "openrc", "architecture": "x86_64"}
    changes = {"mailpit_service_manager": "podman_quadlet", "ansible_facts": facts}
    output = refused(host.run("-e", "@" + str(_extra(host, changes))))
    assert "This host runs openrc and not systemd: set mailpit_service_manager to compose, which" in output
    assert "set mailpit_service_manager to none" in output and not host.config.exists()


def _extra(host: Host, changes: dict) -> pathlib.Path:
    """Facts can only be put in place by a higher precedence than the play's."""
    path = host.folder / "extra.json"
    path.write_text(json.dumps(changes))
    return path


def test_certificates_that_are_given(host: Host, tmp_path: pathlib.Path) -> None:
    pki = Pki(tmp_path / "pki")
    succeeded(host.run(**given(pki, pki.issue("localhost"), mailpit_certificate_remote=True)))
    with host.start():
        files = {
            "mailpit_certificate": "files",
            "mailpit_security": "implicit_tls",
            "mailpit_ca_file": str(pki.ca_file),
        }
        succeeded(host.run(tasks_from="verify", **files))


def test_self_signed_from_an_archive_of_the_controller_a_broken_upgrade_and_removal(
    host: Host, tmp_path: pathlib.Path
) -> None:
    archive = tmp_path / "mailpit-linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("LICENSE", "README.md"):
            (tmp_path / name).write_text(name)
            tar.add(tmp_path / name, name)
        tar.add(mailpit.binary(), "mailpit")
    opt = pathlib.Path(host.variables["mailpit_install_dir"])

    def installed() -> list[str]:
        return sorted(path.name for path in opt.iterdir())

    wanted = {
        "mailpit_security": "implicit_tls", "mailpit_auth": "users", "mailpit_certificate": "self_signed", "mailpit_users": USERS,
        "mailpit_environment_style": "container", "mailpit_environment": {"MP_USE_MESSAGE_DATES": "on"},
    }  # fmt: skip
    succeeded(host.run(mailpit_version="v1.30.4", mailpit_controller_file=str(archive), **wanted))
    assert "MP_USE_MESSAGE_DATES=true\n" in host.text("mailpit.env"), "'on' would be false for Mailpit"
    assert installed() == ["1.30.4"] and sorted(path.name for path in (opt / "1.30.4").iterdir()) == [
        "mailpit",
        "mailpit.tar.gz",
    ]
    with host.start():
        succeeded(host.run(tasks_from="verify", **wanted))
    (tmp_path / "broken").write_text("#!/nonexistent/interpreter\n")
    assert "does not run on this host" in refused(
        host.run(mailpit_version="1.30.5", mailpit_controller_file=str(tmp_path / "broken"))
    )
    assert "1.30.4" in installed(), "the version that works is still there"
    succeeded(host.run(mailpit_state="absent"))
    assert not opt.exists() and not host.config.exists() and not host.ca.exists()
    assert pathlib.Path(host.variables["mailpit_data_dir"]).exists(), "messages stay unless they are to go"


def begin(host: Host, **changes: t.Any) -> subprocess.Popen[bytes]:
    """A run in a process group of its own, as far as its restart command."""
    reached = host.folder / "reached"
    host.run("--syntax-check", mailpit_restart_command=["sh", "-c", f"touch {reached}; sleep 100"], **changes)
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(host.folder / "play/play.yml"),
               "-e", f"ansible_python_interpreter={sys.executable}"]  # fmt: skip
    with (host.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    end = time.monotonic() + 200
    while not reached.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert reached.exists(), (host.folder / "log").read_text()
    return process


def kept(host: Host) -> list[str]:
    """What is kept on this machine of that host's files."""
    store = pathlib.Path("/var/lib/mailops.smtp")
    return [path.name for path in store.glob("*.json") if str(host.folder) in path.read_text()]


def test_a_second_run_is_refused_and_one_that_was_broken_off_is_finished_by_the_next(host: Host) -> None:
    wanted = {"mailpit_auth": "users", "mailpit_users": USERS}
    restarted = host.folder / "restarted"
    succeeded(host.run(**wanted))
    before = host.everything()
    first = begin(host, mailpit_max_messages=7, **wanted)
    assert "is being changed by another run of mailops.smtp.mailpit" in refused(
        host.run(mailpit_max_messages=8, **wanted)
    )
    assert "MP_MAX_MESSAGES=7\n" in host.text("mailpit.env"), "the first one goes on"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert kept(host)
    # Neither the new files nor the old ones can be taken up: the next run tries again.
    output = refused(host.run(mailpit_max_messages=7, mailpit_restart_command=["false"], **wanted))
    assert "Mailpit has its old files back, and does not run with them either" in output
    assert host.everything() == before and kept(host)
    # It cannot be taken up: what was there before the run that was broken off comes back.
    choosy = ["sh", "-c", f"! grep MESSAGES=7 {host.config}/mailpit.env >&2"]
    output = refused(host.run(mailpit_max_messages=7, mailpit_restart_command=choosy, **wanted))
    assert "mailpit_restart_command failed: MP_MAX_MESSAGES=7 Mailpit has its old configuration back." in output
    assert host.everything() == before and not kept(host)
    first = begin(host, mailpit_max_messages=7, **wanted)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    # The same settings: no file changes, and yet what reads them is restarted.
    succeeded(host.run(mailpit_max_messages=7, mailpit_restart_command=["touch", str(restarted)], **wanted))
    assert restarted.exists() and "MP_MAX_MESSAGES=7\n" in host.text("mailpit.env") and not kept(host)


def test_a_removal_waits_for_no_other_run_and_leaves_nothing_of_one_that_was_broken_off(host: Host) -> None:
    wanted = {"mailpit_auth": "users", "mailpit_users": USERS}
    succeeded(host.run(**wanted))
    before = host.everything()
    first = begin(host, mailpit_max_messages=7, **wanted)
    away = {"mailpit_state": "absent", "mailpit_remove_data": True}
    output = refused(host.run(**away))
    assert (
        "is being changed by another run of mailops.smtp.mailpit" in output
        and before.keys() == host.everything().keys()
    )
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    # What is kept are keys and hashes of passwords.
    assert kept(host)
    succeeded(host.run(**away))
    assert not kept(host) and host.everything() == {} and not host.ca.exists()


def test_a_folder_that_holds_other_things_stays_as_it_is(host: Host) -> None:
    theirs = host.config / "theirs"
    theirs.mkdir(parents=True)
    host.config.chmod(0o711)
    before = owner_and_mode(host.config)
    output = refused(host.run())
    assert (
        f"mailpit_config_dir is {host.config}, which holds what this role did not make (theirs): set it to a folder of its own"
        in output
    )
    succeeded(host.run(mailpit_state="absent", mailpit_remove_data=True))
    assert theirs.exists() and owner_and_mode(host.config) == before


def test_a_mirror_that_cannot_be_reached_and_a_variable_that_the_program_does_not_know_are_named(host: Host) -> None:
    nowhere = {
        "mailpit_controller_file": "",
        "mailpit_checksum": "sha256:" + "0" * 64,
        "mailpit_mirror": "http://127.0.0.1:9/releases",
    }
    output = refused(host.run(**nowhere))
    assert (
        "http://127.0.0.1:9/releases/v1.31.0/mailpit-linux-amd64.tar.gz could not be had" in output
        and "mailpit_mirror or mailpit_checksum" in output
    )
    unknown = {
        "mailpit_environment": {"MP_BRAND_NEW": "x"},
        "mailpit_controller_file": mailpit.binary(mailpit.PINNED[0]),
        "mailpit_max_message_size": 20,
    }
    assert "does not know MP_BRAND_NEW, MP_MAX_MESSAGE_SIZE, and would say nothing about it" in refused(
        host.run(**unknown)
    )
    assert not (host.config / "mailpit.env").exists()

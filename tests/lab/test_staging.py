# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Staging with Mailpit over real ssh, as its page in docs/ tells it: a host with a real systemd for Mailpit, two hosts that send through it.

The tests go on from each other, in the order of this file.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.hosts import root_of, ssh
from lab.network import in_namespace, run
from lab.plan import MAILPIT, ROOT, Host
from lab.staging import APP_HOSTS, CA_FILE, CONFIG_FILE, CONNECTIONS, MAILPIT_NAME, App, Site, changed
from tests.support import mailpit
from tests.support.pangolin import pangolin_send

PASSWORD = "pa ss:\"'#;$ wörd"
OLD, NEW = (version.lstrip("v") for version in (mailpit.PINNED[0], mailpit.PINNED[-1]))


# Each test begins with what those before it left (tools/test).
IN_ORDER = True


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(
        tmp_path_factory.mktemp("staging"), {version: mailpit.binary(f"v{version}") for version in (OLD, NEW)}, PASSWORD
    )
    with site.mirrored():
        yield site


def email(host: Host) -> dict[str, Any]:
    """The section of a host's Pangolin."""
    return yaml.safe_load(Path(f"{root_of(host)}{CONFIG_FILE}").read_text())["email"]


def test_check_mode_says_what_would_come_and_changes_nothing(site: Site) -> None:
    output = site.works("staging", "--check", "--diff")
    foreseen = changed(output)
    assert foreseen[MAILPIT_NAME] > 0
    # The apps, too, though there is no Mailpit yet that could be asked, and no CA that could be trusted.
    for name, host in APP_HOSTS.items():
        assert foreseen[name] > 0
        assert Path(f"{root_of(host)}{CONFIG_FILE}").read_text() == "app:\n  name: x # stays\n"
    assert "So no relay is asked and no mail is sent" in output and "+    smtp_port: 1025" in output
    assert site.on_mailpit("ls -d /etc/mailpit /opt/mailpit /var/lib/mailpit 2>/dev/null; id mailpit 2>/dev/null") == ""


def test_from_empty_hosts_to_a_proven_mail(site: Site) -> None:
    output = site.works("staging", "-vvvv")
    for name in (MAILPIT_NAME, *APP_HOSTS):
        # The proof comes from every host, over its own wire.
        assert output.count(f"{MAILPIT_NAME} -> {name}") >= 2 or name == MAILPIT_NAME, output
    assert sorted(message["Subject"] for message in site.api("messages")["messages"]) == sorted(
        f"Staging check of {name}" for name in APP_HOSTS
    )
    assert site.api("info")["Version"] == f"v{OLD}"
    for host in APP_HOSTS.values():
        assert (email(host)["smtp_user"], email(host)["smtp_pass"], email(host)["smtp_secure"]) == (
            "pangolin",
            PASSWORD,
            False,
        )

    # The app's own client, on its own host, with its own file.
    for name, host in APP_HOSTS.items():
        root = root_of(host)
        sent = pangolin_send(
            f"{root}{CONFIG_FILE}",
            to="new-user@example.com",
            subject=f"Own mail of {name}",
            ca_file=f"{root}{CA_FILE}",
            prefix=in_namespace(host.name),
        )
        assert sent.ok, sent
    assert {f"Own mail of {name}" for name in APP_HOSTS} <= {
        message["Subject"] for message in site.api("messages")["messages"]
    }

    assert changed(site.works("staging", "--limit", MAILPIT_NAME)) == {MAILPIT_NAME: 0}


def test_the_service_is_locked_up(site: Site) -> None:
    assert (site.unit("ActiveState"), site.unit("User")) == ("active", "mailpit")
    assert site.on_mailpit("stat -c '%U %a' /etc/mailpit/smtp.passwd /etc/mailpit/ca/ca.key").split("\n")[:2] == [
        "mailpit 600",
        "root 600",
    ]
    pid = site.unit("MainPID")
    assert "ca.key" in site.on_mailpit("ls /etc/mailpit/ca")
    assert "ca.key" not in site.on_mailpit(f"nsenter --target {pid} --mount --root ls /etc/mailpit/ca")
    assert "Read-only" in site.on_mailpit(f"nsenter --target {pid} --mount --root touch /etc/mailpit/x")
    assert "CapEff:\t0000000000000000" in site.on_mailpit(f"cat /proc/{pid}/status")
    judged = site.on_mailpit("systemd-analyze security --no-pager mailpit.service | tail -n 1")
    said = re.search(r"rates it ([0-9.]+) of 10", (ROOT / "roles/mailpit/README.md").read_text())
    assert said and f": {said[1]} " in judged, judged


# What an intruder in Mailpit's place gets from each try. Everything else is a refusal of one kind or another.
ALLOWED = {
    "write data": "done", "read accounts": "done", "tcp": "done", "processes of others": "none", "capabilities": "0000000000000000",
    "mask of new files": "0o600",
}  # fmt: skip


def test_the_sandbox_seen_from_inside(site: Site) -> None:
    """Another program in the same unit, as if somebody had taken Mailpit over."""
    script = (Path(__file__).parent / "inside.py").read_text()
    run(
        ssh(
            MAILPIT,
            "cat > /usr/local/bin/inside.py; touch /tmp/of-others; chmod 666 /tmp/of-others; cd /home; mkdir -p secret",
        ),
        stdin=script,
    )
    out = "/var/lib/mailpit/inside.json"
    unit = (
        f"sed -e 's#^ExecStart=.*#ExecStart=/usr/bin/python3 /usr/local/bin/inside.py {out}#' -e s/^Type=.*/Type=oneshot/ -e /^Restart/d"
        " /etc/systemd/system/mailpit.service > /run/systemd/system/inside.service; systemctl daemon-reload; systemctl start inside.service;"
        f" cat {out}; rm -f {out} /run/systemd/system/inside.service; systemctl daemon-reload"
    )
    answered = site.on_mailpit(unit)
    assert answered.startswith("{"), answered + site.on_mailpit("journalctl -n 20 --no-pager -u inside.service")
    results = json.loads(answered)
    print(results)
    assert {name: results[name] for name in ALLOWED} == ALLOWED
    assert {name: outcome for name, outcome in results.items() if outcome == "done"} == {
        name: "done" for name in ALLOWED if ALLOWED[name] == "done"
    }


def kept(site: Site) -> str:
    """What is kept of old files on Mailpit's host."""
    return site.on_mailpit("ls /var/lib/mailops.smtp")


def test_a_port_of_another_is_refused_and_so_is_a_folder_of_another(site: Site) -> None:
    before = site.unit("InvocationID")
    # Before anybody has connected, systemd itself listens.
    site.on_mailpit("systemd-run --quiet --unit=squatter --socket-property=ListenStream=127.0.0.1:2525 cat")
    output = site.fails("staging", "--limit", MAILPIT_NAME, mailpit_smtp_port=2525)
    assert (
        "mailpit_smtp_port is 2525, which systemd (process 1 of squatter.socket) of this host has already" in output
    ), output
    site.on_mailpit("systemctl stop squatter.socket; mkdir -p /srv/theirs; touch /srv/theirs/x")
    for name, path in (("mailpit_config_dir", "/etc"), ("mailpit_data_dir", "/srv/theirs")):
        assert f"{name} is {path}, which" in site.fails("staging", "--limit", MAILPIT_NAME, **{name: path})
    assert "is a unit that this role did not write" in site.fails(
        "staging", "--limit", MAILPIT_NAME, mailpit_service_name="lab-sshd"
    )
    assert site.unit("InvocationID") == before


def test_the_proof_is_one_from_the_apps_hosts(site: Site, tmp_path: Path) -> None:
    """Mailpit is up and well on its own host; one app's host cannot reach it."""
    verify = tmp_path / "verify.yml"
    include = {
        "name": "Verify",
        "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit", "tasks_from": "verify"},
    }
    verify.write_text(yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "become": True, "tasks": [include]}]))
    name, host = list(APP_HOSTS.items())[-1]
    run(
        in_namespace(host.name, "nft", "-f", "-"),
        stdin="table inet staging { chain out { type filter hook output priority 0; tcp dport 1025 drop; }; }",
    )
    try:
        output = site.fails(str(verify), mailpit_verify_timeout=3)
        assert f"{MAILPIT_NAME} -> {name}" in output and "connection_timeout" in output
    finally:
        run(in_namespace(host.name, "nft", "delete", "table", "inet", "staging"))


def test_upgrade_and_downgrade_between_two_releases(site: Site) -> None:
    """With a port below 1024 at first. An upgrade that cannot be proved, or does not come up, leaves Mailpit as it was."""
    before = {message["ID"] for message in site.api("messages")["messages"]}

    def runs(version: str) -> bool:
        return (
            site.api("info")["Version"] == f"v{version}"
            and {message["ID"] for message in site.api("messages")["messages"]} == before
        )

    # A download that is not what was promised leaves everything as it is.
    pid = site.unit("MainPID")
    assert "checksum" in site.fails(
        "staging", "--limit", MAILPIT_NAME, mailpit_version=NEW, mailpit_checksum=site.checksums[OLD]
    )
    assert site.unit("MainPID") == pid and site.on_mailpit("ls /opt/mailpit").split()[0] == OLD

    site.version = NEW
    site.works("staging", "--limit", MAILPIT_NAME, mailpit_smtp_port=587, mailpit_allowed_networks=["10.77.0.0/16"])
    assert "CapEff:\t0000000000000400" in site.on_mailpit(f"cat /proc/{site.unit('MainPID')}/status"), (
        "CAP_NET_BIND_SERVICE and nothing else"
    )
    assert runs(NEW) and site.on_mailpit("ls /opt/mailpit").split() == [NEW]

    site.version = OLD
    site.works("staging", "--limit", MAILPIT_NAME)
    assert runs(OLD) and site.on_mailpit("ls /opt/mailpit").split() == [OLD]

    # What was not proved is not left running, and takes nothing away but what it brought; the old one is back on its own ports.
    site.version = NEW
    unproved = {"mailpit_allowed_networks": ["10.77.11.0/24"], "mailpit_smtp_port": 1055, "mailpit_ui_port": 8055}
    output = site.fails("staging", "--limit", MAILPIT_NAME, **unproved, mailpit_verify_timeout=3)
    assert "connection_timeout" in output and "Mailpit has its old configuration back." in output, output[-6000:]
    assert runs(OLD) and site.on_mailpit("ls /opt/mailpit").split() == [OLD]

    # A Mailpit that does not come up is a failure with its own words; that it runs now is no reason not to go to another folder.
    elsewhere = {"mailpit_environment": {"MP_MAX_AGE": "never"}, "mailpit_data_dir": "/srv/mailpit"}
    output = site.fails("staging", "--limit", MAILPIT_NAME, **elsewhere)
    assert "level=error" in output and "Mailpit has its old configuration back." in output, output[-6000:]
    assert runs(OLD) and "mailpit" not in site.on_mailpit("ls /srv"), "an empty folder that the run had made"

    site.works("staging", "--limit", MAILPIT_NAME)
    assert runs(NEW) and site.on_mailpit("ls /opt/mailpit").split() == [NEW]


def rotated(site: Site, tmp_path: Path, old: str, new: str, **extra: Any) -> None:
    """Rotate while the apps run on: each of their logins is taken, but for the two moments in which Mailpit restarts."""
    apps = [App(host, tmp_path) for host in APP_HOSTS.values()]
    try:
        site.password = f"{new} {PASSWORD}"
        site.extra["staging_mail_user"] = new
        site.works("mailpit_rotate", **extra)
    finally:
        attempts = [app.stop() for app in apps]
    for host, mine in zip(APP_HOSTS.values(), attempts, strict=True):
        assert {user for _when, user, _outcome in mine} == {old, new}
        assert {outcome for _when, _user, outcome in mine} <= {"235", "refused"}, [
            attempt for attempt in mine if attempt[2] not in ("235", "refused")
        ]
        # From the last login before a refusal to the first one after it.
        gaps = [
            after - before
            for before, after in itertools.pairwise(when for when, _user, outcome in mine if outcome == "235")
            if after - before > 0
        ]
        refused = [when for when, _user, outcome in mine if outcome == "refused"]
        around = {max(when for when, _u, outcome in mine if outcome == "235" and when < moment) for moment in refused}
        print(
            f"{host.name}: {len(mine)} logins, {len(refused)} refused around {len(around)} moments, the longest gap {max(gaps):.2f} s"
        )
        assert len(around) <= 2 and max(gaps) < 20
    assert site.on_mailpit("cut -d: -f1 /etc/mailpit/smtp.passwd") == f"{new}\n"


def trusted(site: Site) -> list[str]:
    """What each app's host trusts."""
    return [run(ssh(host, f"cat {CA_FILE}")) for host in APP_HOSTS.values()]


def test_rotation_of_the_account_and_the_certificate(site: Site, tmp_path: Path) -> None:
    host = next(iter(APP_HOSTS.values()))
    serial, trust = site.serial(host), trusted(site)
    rotated(site, tmp_path, "pangolin", "pangolin-2")
    assert site.serial(host) != serial and trusted(site) == trust


def test_rotation_of_the_ca(site: Site, tmp_path: Path) -> None:
    host = next(iter(APP_HOSTS.values()))
    serial, trust = site.serial(host), trusted(site)
    rotated(site, tmp_path, "pangolin-2", "pangolin-3", mailpit_rotate_ca=True)
    assert site.serial(host) != serial
    assert all(
        new != old and new.count("BEGIN CERTIFICATE") == 1 for new, old in zip(trusted(site), trust, strict=True)
    )


def test_a_host_that_cannot_be_reached_stops_the_rotation_before_the_old_account_goes(site: Site) -> None:
    name, host = list(APP_HOSTS.items())[-1]
    run(
        in_namespace(host.name, "nft", "-f", "-"),
        stdin="table inet staging { chain in { type filter hook input priority 0; tcp dport 22 reject; }; }",
    )
    shutil.rmtree(CONNECTIONS)  # no connection of an earlier play is used again
    try:
        site.fails("mailpit_rotate", staging_mail_user="pangolin-4")
    finally:
        run(in_namespace(host.name, "nft", "delete", "table", "inet", "staging"))
    assert "pangolin-3\n" in site.on_mailpit("cut -d: -f1 /etc/mailpit/smtp.passwd")
    sent = pangolin_send(
        f"{root_of(host)}{CONFIG_FILE}", ca_file=f"{root_of(host)}{CA_FILE}", prefix=in_namespace(host.name)
    )
    assert sent.ok, f"{name} still has a pair that works: {sent}"


def test_what_came_in_is_counted(site: Site) -> None:
    # All that was refused so far was the role's own proof, from three hosts at every run.
    output = site.works("mailpit_watch", "-e", "mailpit_watch_since=-1 day")
    assert "times auth_rejected" not in output and "times auth_requires_tls" not in output
    wrong = (
        "import smtplib, ssl; c = smtplib.SMTP('127.0.0.1', 1025); c.ehlo(); c.docmd('MAIL FROM:<a@b.c>');"
        " c.starttls(context=ssl._create_unverified_context()); c.ehlo(); c.docmd('AUTH PLAIN AHgAeQ==')"
    )
    for _turn in range(3):
        site.on_mailpit(f'python3 -c "{wrong}"')
    output = site.fails("mailpit_watch", "-e", "mailpit_watch_since=-1 hour", mailpit_watch_limit=2)
    assert (
        "3 times auth_rejected" in output
        and "3 times auth_requires_tls" in output
        and "since -1 hour, where 2 was the limit" in output
    ), output
    assert "a number without a unit" in site.fails("mailpit_watch", "-e", "mailpit_watch_since=-1")
    site.on_mailpit("systemctl stop mailpit")
    assert "mailpit.service does not run: start it, or run the role again. Its log ends with: " in site.fails(
        "mailpit_watch"
    )
    site.on_mailpit("systemctl start mailpit")


def test_a_first_one_that_does_not_come_up_leaves_nothing_running(site: Site, tmp_path: Path) -> None:
    include = {"name": "Third", "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit"}}
    include["vars"] = {
        "mailpit_service_name": "mailpit-third", "mailpit_smtp_port": 1027, "mailpit_ui_port": 8027, "mailpit_environment": {"MP_MAX_AGE": "never"},
        "mailpit_client_ca_path": "/etc/ssl/third.pem",
    }  # fmt: skip
    (tmp_path / "third.yml").write_text(
        yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "become": True, "tasks": [include]}])
    )
    output = site.fails(str(tmp_path / "third.yml"))
    assert "mailpit-third.service takes no connection on port 1027" in output and "level=error" in output
    left = "systemctl is-active mailpit-third; cd /etc/systemd/system; ls mailpit-third.service *.wants/mailpit-third.service /etc/ssl/third.pem"
    assert site.on_mailpit(f"({left}) 2>/dev/null") == "inactive\n" and kept(site) == ""
    # It is one of this host's all the same, with folders and a version of its own, until it is removed.
    site.works(str(tmp_path / "third.yml"), mailpit_state="absent", mailpit_remove_data=True)
    assert "third" not in site.on_mailpit("cat /var/lib/mailops.smtp.mailpit/mailpit.json 2>/dev/null; true")


def test_two_on_one_host_and_one_of_them_removed(site: Site, tmp_path: Path) -> None:
    def second(fails: bool = False, **variables: Any) -> str:
        include = {"name": "Second", "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit"}}
        include["vars"] = {"mailpit_service_name": "mailpit-chaos", **variables}
        (tmp_path / "second.yml").write_text(
            yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "become": True, "tasks": [include]}])
        )
        return (site.fails if fails else site.works)(str(tmp_path / "second.yml"))

    first = (
        site.on_mailpit("find /etc/mailpit /var/lib/mailpit /opt/mailpit -printf '%p %u %m\\n' | sort"),
        site.unit("InvocationID"),
    )
    output = second(True)
    assert "which mailpit (process" in output and "of mailpit.service) of this host has already" in output, output
    ports = {"mailpit_smtp_port": 1026, "mailpit_ui_port": 8026}
    assert "is the folder of mailpit, another Mailpit" in second(True, mailpit_data_dir="/var/lib/mailpit", **ports)
    second(mailpit_environment={"MP_LABEL": "second"}, **ports)
    assert site.on_mailpit("systemctl is-active mailpit mailpit-chaos; stat -c %U /var/lib/mailpit-chaos /etc/mailpit-chaos/smtp.passwd").split() == [
        "active", "active", "mailpit-chaos", "mailpit-chaos",
    ]  # fmt: skip
    second(mailpit_state="absent", mailpit_remove_data=True, **ports)
    left = "ls -d /etc/mailpit-chaos /var/lib/mailpit-chaos /etc/systemd/system/mailpit-chaos.service 2>/dev/null; id mailpit-chaos 2>/dev/null"
    assert site.on_mailpit(left) == ""
    assert first == (
        site.on_mailpit("find /etc/mailpit /var/lib/mailpit /opt/mailpit -printf '%p %u %m\\n' | sort"),
        site.unit("InvocationID"),
    )


# Leads what comes to one port of this host, from itself and from others, to another one.
REDIRECTION = """
table ip elsewhere {
 chain others {
  type nat hook prerouting priority -100
  tcp dport 1028 redirect to :1029
 }
 chain own {
  type nat hook output priority -100
  tcp dport 1028 redirect to :1029
 }
}
"""


def test_another_mailpit_that_answers_in_its_place_is_no_proof(site: Site, tmp_path: Path) -> None:
    """In cleartext and without logins, nothing that a client sees tells the two apart."""

    def fourth(fails: bool = False, **variables: Any) -> str:
        include = {"name": "Fourth", "ansible.builtin.include_role": {"name": "mailops.smtp.mailpit"}}
        include["vars"] = {
            "mailpit_service_name": "mailpit-fourth", "mailpit_smtp_port": 1028, "mailpit_ui_port": 8028, "mailpit_security": "cleartext",
            "mailpit_auth": "none", "mailpit_users": [], "mailpit_clients": list(APP_HOSTS)[:1], **variables,
        }  # fmt: skip
        (tmp_path / "fourth.yml").write_text(
            yaml.safe_dump([{"hosts": "mailpit", "gather_facts": False, "become": True, "tasks": [include]}])
        )
        return (site.fails if fails else site.works)(str(tmp_path / "fourth.yml"))

    fourth(mailpit_user="mailpit-former", mailpit_group="mailpit-former")
    double = " -E ".join(
        ("", "MP_SMTP_BIND_ADDR=:1029", "MP_UI_BIND_ADDR=127.0.0.1:8029", "MP_DISABLE_VERSION_CHECK=true")
    )
    site.on_mailpit(
        f"systemd-run --quiet --unit=double -p DynamicUser=yes {double} /opt/mailpit/{site.version}/mailpit"
    )
    try:
        run(in_namespace(MAILPIT.name, "nft", "-f", "-"), stdin=REDIRECTION)
        output = fourth(True)
    finally:
        run(in_namespace(MAILPIT.name, "nft", "delete", "table", "ip", "elsewhere"))
        site.on_mailpit("systemctl stop double")
    client = next(iter(APP_HOSTS))
    assert f"is not the Mailpit of mailpit-fourth on {MAILPIT_NAME}, which was asked nothing, seen from" in output, (
        output
    )
    assert client in output.partition("which was asked nothing, seen from")[2]
    # The user whom it had before goes with the change that takes its place.
    fourth()
    assert (
        site.on_mailpit("getent passwd mailpit-former; getent group mailpit-former; id -un mailpit-fourth")
        == "mailpit-fourth\n"
    )
    fourth(mailpit_state="absent", mailpit_remove_data=True)


def test_removal(site: Site) -> None:
    site.works("staging", "--limit", MAILPIT_NAME, mailpit_state="absent", mailpit_remove_data=True)
    left = site.on_mailpit(
        "ls -d /etc/mailpit /opt/mailpit /var/lib/mailpit /etc/systemd/system/mailpit.service 2>/dev/null; id mailpit 2>/dev/null"
    )
    inside = "find /opt/mailpit; cat /var/lib/mailops.smtp.mailpit/mailpit.json"
    assert left == "", site.on_mailpit(f"{inside} 2>/dev/null; true")
    assert site.unit("ActiveState") == "inactive"
    for host in APP_HOSTS.values():
        assert subprocess.run(ssh(host, f"test -e {CA_FILE}"), check=False).returncode == 1

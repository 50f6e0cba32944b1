# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A host that vanishes in the middle of a task of role mailpit: Mailpit's own, or a client's. The next run finishes it in one go.

A few tasks in every run of the lab; each task that works on a host, in each of the scenarios, with --deep.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark.structures import ParameterSet

from lab.hosts import ssh
from lab.network import run
from lab.plan import MAILPIT, Host
from lab.staging import APP_HOSTS, CA_FILE, CONNECTIONS, Site
from lab.vanishing import KILLED, WAYS, Disk, vanishing
from tests.support import mailpit

PASSWORD = "n3w-Secret.of-the-app"
OLD, NEW = (version.lstrip("v") for version in (mailpit.PINNED[0], mailpit.PINNED[-1]))
CLIENT_NAME, CLIENT = list(APP_HOSTS.items())[-1]
# A connection that notices within two seconds that the host is gone.
ALIVE = {"ANSIBLE_SSH_EXTRA_ARGS": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2 -o ConnectTimeout=3"}
ENVIRONMENT = "/etc/mailpit/mailpit.env"
PLACES = (
    f"/etc/mailpit /opt/mailpit /var/lib/mailpit /etc/systemd/system/mailpit.service {CA_FILE} /var/lib/mailops.smtp"
)
# Mailpit's own files of its messages come and go; the folder of what is kept stays, empty.
LISTED = f"find {PLACES} ! -name 'mailpit.db*' ! -name mailops.smtp -printf '%p %y %u:%g %m\\n' 2>/dev/null | sort; id mailpit 2>/dev/null"
SECRETS = (
    "grep -rlE -e '{0}' -e 'PRIVATE KEY' -e '[$]2[aby][$]' /etc /opt /root /home /srv /tmp /run /var 2>/dev/null"
    " | grep -vE '^/etc/ssh/|^/var/lib/containers/storage/' | sort"
)
KNOWN = {
    *(f"/etc/mailpit/{name}" for name in ("ca/ca.key", "ca/next.key", "tls/key.pem", "smtp.passwd")),
    f"/opt/mailpit/{OLD}/mailpit",
    f"/opt/mailpit/{NEW}/mailpit",
}  # the program has the words for keys in it


class Point(NamedTuple):
    """A task, the machine that works on it, and how many of the same name come before it."""

    task: str
    host: Host = MAILPIT
    number: int = 1


CHANGING = [
    Point("Gather what the role decides by"),
    Point("Look at what is there"),
    Point("Keep the old files until the new ones are proved"),
    Point("Make Mailpit's group"),
    Point("Look whether Mailpit's user is there"),
    Point("Make Mailpit's user"),
    Point("Make the folders"),
    Point("Download the archive"),
    Point("Unpack the program"),
    Point("Hand the certificate authority over"),
    Point("Make sure that the file for the certificate authority is the role's own", CLIENT, 2),
    Point("Keep the old one of a client", CLIENT, 2),
    Point("Hand the certificate authority over", CLIENT, 2),
    Point("Write the files"),
    Point("Run the service"),
    Point("Wait until Mailpit takes connections"),
    Point("The right client gets in"),
    Point("The wrong clients do not"),
    Point("The right client gets in", CLIENT, 2),
    Point("The wrong clients do not", CLIENT, 2),
    Point("Drop what was kept of Mailpit"),
    Point("Drop what was kept of a client", CLIENT),
    Point("Remove the versions that the role installed and that nothing uses any more"),
]
GOING_BACK = [
    Point("Stop the Mailpit that was not proved"),
    Point("Put the old files back"),
    Point("Put the old certificate authority back", CLIENT),
    Point("Forget that it has failed"),
    Point("Run the service", MAILPIT, 2),
    Point("Wait until Mailpit takes connections", MAILPIT, 2),
    Point("Drop what was kept of Mailpit"),
    Point("Drop what was kept of a client", CLIENT),
]
REMOVING = [
    Point("Look at what is there to remove"),
    Point("Claim what goes"),
    Point("Stop Mailpit and keep it from being started"),
    Point("Forget that it may have failed"),
    Point("Remove what the role made"),
    Point("Drop all that was kept"),
    Point("Remove the user"),
    Point("Remove the group"),
    Point("Remove the certificate authority"),
    Point("Claim the certificate authority", CLIENT, 2),
    Point("Remove the certificate authority", CLIENT, 2),
    Point("Drop what was kept of the certificate authority", CLIENT, 2),
    Point("Forget the unit"),
]


class Place:
    """Mailpit's host and one client, and how the role is run on them."""

    def __init__(self, folder: Path) -> None:
        releases = {version: mailpit.binary(f"v{version}") for version in (OLD, NEW)}
        self.site = Site(folder / "site", releases, PASSWORD)
        self.disks = {host.name: Disk(host) for host in (MAILPIT, CLIENT)}
        self.site.environment = dict(ALIVE)
        self.site.extra["mailpit_clients"] = [CLIENT_NAME]
        self.play = str(folder / "play.yml")
        Path(self.play).write_text(
            json.dumps([{"hosts": "mailpit", "gather_facts": False, "become": True, "roles": ["mailops.smtp.mailpit"]}])
        )
        self.rotations = 0
        self._whole: list[str] = []

    def close(self) -> None:
        for disk in self.disks.values():
            disk.close()
        shutil.rmtree(CONNECTIONS, ignore_errors=True)

    def broken_off(self, point: Point, way: str, delay: float, **extra: object) -> str:
        """A run in the middle of which the host vanishes. Gives what was printed."""
        with vanishing(
            self.disks[point.host.name], f"{point.task}#{point.number}", way, CONNECTIONS, delay
        ) as environment:
            self.site.environment = {**ALIVE, **environment}
            done = self.site.playbook(self.play, **extra)
        self.site.environment = dict(ALIVE)
        said = done.stdout + done.stderr
        gone = "UNREACHABLE" in said or "could not be reached" in said or (way == KILLED and done.returncode < 0)
        print("vanished" if gone else "not noticed", f"exit code {done.returncode}", flush=True)
        return said

    def works(self, **extra: object) -> str:
        return self.site.works(self.play, **extra)

    def wipe(self) -> None:
        """Nothing of Mailpit is there, in whatever state it was."""
        self.on(
            MAILPIT,
            f"systemctl disable --now mailpit; rm -rf {PLACES} /var/lib/mailops.smtp.mailpit; userdel mailpit; groupdel mailpit;"
            " systemctl daemon-reload; systemctl reset-failed",
        )
        self.on(CLIENT, f"rm -rf {PLACES} /var/lib/mailops.smtp.mailpit")
        assert self.listed() == []

    def installed(self) -> tuple[str, int]:
        """Make sure that Mailpit runs, with nothing left of an earlier run. Gives its version and how many messages it keeps."""
        if not self._whole or not self.is_whole() or self.site.unit("ActiveState") != "active":
            self.wipe()
            self.works()
            self._whole = self.listed()
        program, number = self.running()
        return program.split("/")[-2], int(number)

    def holds(self, version: str, number: int) -> None:
        """All is there, whole, and nothing else; and it is what runs."""
        assert self.running() == (f"/opt/mailpit/{version}/mailpit", str(number))
        assert self.shows_its_file()
        assert self.secrets() == []
        if not self._whole:
            self._whole = self.listed()
        assert self.is_whole()

    def is_whole(self) -> bool:
        """Whether all files are there, and nothing else. The parts of the CA are looked at by the rotation itself, which goes on from row to row."""
        there, whole = ([line for line in lines if "/ca/" not in line] for lines in (self.listed(), self._whole))
        return there == whole

    def on(self, host: Host, command: str) -> str:
        return run(ssh(host, command + "; true"))

    def listed(self) -> list[str]:
        """All that is there of the role on both machines, whatever the version is called."""
        text = self.on(MAILPIT, LISTED) + self.on(CLIENT, LISTED)
        return re.sub(rf"(?<=/opt/mailpit/)({re.escape(OLD)}|{re.escape(NEW)})", "V", text).splitlines()

    def running(self) -> tuple[str, str]:
        """The program and the number of messages with which Mailpit runs."""
        pid = self.site.unit("MainPID")
        said = self.on(
            MAILPIT,
            f"readlink /proc/{pid}/exe | sed 's,^.*/opt/,/opt/,'; tr '\\0' '\\n' < /proc/{pid}/environ | grep MAX_MESSAGES",
        ).split()
        return said[0], said[1].partition("=")[2]

    def shows_its_file(self) -> bool:
        """Whether Mailpit shows the certificate that is in its file now."""
        given = run(["openssl", "x509", "-noout", "-serial"], stdin=self.on(MAILPIT, "cat /etc/mailpit/tls/cert.pem"))
        return self.site.serial(CLIENT) == given.strip()

    def secrets(self) -> list[str]:
        """Files of both machines that hold a password, a hash of one or a key, and should not."""
        return [
            f"{host.name}:{path}"
            for host in (MAILPIT, CLIENT)
            for path in self.on(host, SECRETS.format(re.escape(PASSWORD))).split()
            if path not in KNOWN
        ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("vanish-mailpit"))
    try:
        with found.site.mirrored():
            yield found
    finally:
        found.close()


def rows(points: list[Point], few: tuple[str, ...]) -> list[ParameterSet]:
    """Each point with a way to vanish and seconds in the middle of the task. All but those of these tasks run with --deep only."""
    found = []
    for index, point in enumerate(points):
        marks = [] if point.task in few and point.number == 1 else [pytest.mark.deep]
        name = f"{point.task}-{point.host.name}-{point.number}"
        found.append(pytest.param(point, WAYS[index % 3], (0.0, 0.08, 0.2)[index // 3 % 3], id=name, marks=marks))
    return found


@pytest.mark.parametrize(("point", "way", "delay"), rows(CHANGING, ("Unpack the program",)))
def test_an_installation(place: Place, point: Point, way: str, delay: float) -> None:
    place.wipe()
    place.broken_off(point, way, delay)
    place.works()
    place.holds(OLD, 500)


@pytest.mark.parametrize(("point", "way", "delay"), rows(CHANGING, ()))
def test_a_change(place: Place, point: Point, way: str, delay: float) -> None:
    """Another version, and other settings."""
    version, number = place.installed()
    version, number = NEW if version == OLD else OLD, number + 1
    wanted = {"mailpit_version": version, "mailpit_checksum": place.site.checksums[version]}
    wanted["mailpit_max_messages"] = number
    place.broken_off(point, way, delay, **wanted)
    place.works(**wanted)
    place.holds(version, number)


@pytest.mark.parametrize(("point", "way", "delay"), rows(CHANGING, ("Write the files",)))
def test_a_change_whose_controller_is_killed(place: Place, point: Point, way: str, delay: float) -> None:
    """The other machines stay; Ansible's first process ends, and the task that it had begun goes on."""
    version, number = place.installed()
    wanted = {"mailpit_version": version, "mailpit_checksum": place.site.checksums[version]}
    wanted["mailpit_max_messages"] = number + 1
    place.broken_off(point, KILLED, delay, **wanted)
    place.works(**wanted)
    place.holds(version, number + 1)


@pytest.mark.parametrize(("point", "way", "delay"), rows(CHANGING, ()))
def test_a_rotation(place: Place, point: Point, way: str, delay: float) -> None:
    """Step by step: the second account and CA come, the CA is used, the old ones go. A row goes on from what is there."""
    version, number = place.installed()
    parts = place.on(MAILPIT, "ls /etc/mailpit/ca").split()
    turn = 1 if "next.pem" in parts else 2 if "previous.pem" in parts else 0
    place.rotations += turn == 0
    user = f"pangolin-{place.rotations}"
    wanted = {
        "mailpit_version": version, "mailpit_checksum": place.site.checksums[version], "mailpit_max_messages": number,
        "mailpit_ca_step": ("introduce", "switch", "retire")[turn], "mailpit_keep_users": turn == 0, "staging_mail_user": user,
    }  # fmt: skip
    place.broken_off(point, way, delay, **wanted)
    place.works(**wanted)
    place.holds(version, number)
    for host in (MAILPIT, CLIENT):
        assert place.on(host, f"grep -c BEGIN {CA_FILE}") == f"{(2, 2, 1)[turn]}\n"
    assert place.on(MAILPIT, "ls /etc/mailpit/ca").split() == [
        "ca.key",
        "ca.pem",
        *(["next.key", "next.pem"], ["previous.pem"], [])[turn],
    ]
    names = place.on(MAILPIT, "cut -d: -f1 /etc/mailpit/smtp.passwd").split()
    assert user in names and len(names) == (2 if turn == 0 else 1)


@pytest.mark.parametrize(("point", "way", "delay"), rows(GOING_BACK, ()))
def test_going_back(place: Place, point: Point, way: str, delay: float) -> None:
    """To a Mailpit that ran before, with settings with which none comes up. The next run has the same settings."""
    before = place.installed()
    trusted = [place.on(host, f"cat {CA_FILE}") for host in (MAILPIT, CLIENT)]
    wanted = {
        "mailpit_version": before[0], "mailpit_checksum": place.site.checksums[before[0]], "mailpit_max_messages": before[1],
        "mailpit_environment": {"MP_MAX_AGE": "never"}, "mailpit_ca_step": "introduce", "mailpit_verify_timeout": 5,
    }  # fmt: skip
    place.broken_off(point, way, delay, **wanted)
    output = place.site.fails(place.play, **wanted)
    assert "Mailpit has its old configuration back." in output, output
    place.holds(*before)
    assert [place.on(host, f"cat {CA_FILE}") for host in (MAILPIT, CLIENT)] == trusted


FIRST = [
    Point("Write the files"),
    Point("Run the service"),
    Point("Wait until Mailpit takes connections"),
    *(point for point in GOING_BACK if point.number == 1),
]


@pytest.mark.parametrize(("point", "way", "delay"), rows(FIRST, ()))
def test_going_back_from_a_first_installation(place: Place, point: Point, way: str, delay: float) -> None:
    """With settings with which no Mailpit comes up: none is there before, and none is afterwards."""
    place.wipe()
    wanted = {"mailpit_environment": {"MP_MAX_AGE": "never"}, "mailpit_verify_timeout": 5}
    place.broken_off(point, way, delay, **wanted)
    output = place.site.fails(place.play, **wanted)
    assert "level=error" in output and "old" not in output.rpartition("level=error")[2], output
    assert place.site.unit("ActiveState") == "inactive"
    files = place.on(
        MAILPIT,
        "find /etc/mailpit /etc/systemd/system /var/lib/mailops.smtp ! -type d -name '*mail*'; ls /var/lib/mailops.smtp",
    )
    assert (files, place.on(CLIENT, f"ls {CA_FILE} /var/lib/mailops.smtp 2>/dev/null")) == (
        "",
        "/var/lib/mailops.smtp:\n",
    )


@pytest.mark.parametrize(("point", "way", "delay"), rows(REMOVING, ()))
def test_a_removal(place: Place, point: Point, way: str, delay: float) -> None:
    place.installed()
    wanted = {"mailpit_state": "absent", "mailpit_remove_data": True}
    place.broken_off(point, way, delay, **wanted)
    place.works(**wanted)
    assert (place.listed(), place.secrets()) == ([], [])
    assert place.site.unit("LoadState") == "not-found"
    assert place.on(MAILPIT, "ls -d /var/lib/mailops.smtp.mailpit 2>/dev/null; getent group mailpit") == ""

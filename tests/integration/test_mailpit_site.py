# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders and programs the role mailpit uses and removes: real folders of root's and of another user's, planted links, hostile archives."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import gzip
import io
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import (
    accounts,
    anchor,
    former,
    keep,
    ports,
    program,
    service,
    units,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import (
    record as records,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import (
    site as sites,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.listeners import listeners
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal
from ansible_collections.mailops.smtp.plugins.modules import mailpit_site
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.environment import render_environment

from tests.support.process import free_ports

# A user of this host who is neither root nor Mailpit's: Debian's own.
STRANGER, MAILPIT_UID, MAILPIT_GID = 65534, 2, 2


@pytest.fixture(autouse=True)
def own_record(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests make is not written down for the machine."""
    monkeypatch.setattr(records, "_ROOT", str(tmp_path / "record"))


@pytest.fixture
def site(tmp_path: pathlib.Path) -> sites.Site:
    # As on a real host, strangers get this far.
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o755)
    (tmp_path / "root").mkdir(mode=0o755)
    top = tmp_path / "root"
    return sites.Site(
        service="mailpit", manager="none", config_dir=str(top / "etc"), install_dir=str(top / "opt"), data_dir=str(top / "data"), release="1.31.0",
        owner=0, user=MAILPIT_UID, group=MAILPIT_GID, user_name="bin",
    )  # fmt: skip


def make(site: sites.Site, dry: bool = False) -> list[str]:
    """Make the folders; what was made or changed."""
    changes = keep.Changes(dry)
    with records.opened_record(write=not dry) as record:
        keep.make(site, sites.judge(site, record), record, changes)
    return changes.paths


def remove(site: sites.Site, data_too: bool = True, dry: bool = False) -> keep.Changes:
    changes = keep.Changes(dry)
    with records.opened_record(write=not dry) as record:
        keep.remove(site, sites.judge(site, record, leaving=True), record, changes, data_too)
    return changes


def refused(site: sites.Site, **changes: t.Any) -> str:
    with pytest.raises(Refusal) as caught, records.opened_record(write=False) as record:
        sites.judge(dataclasses.replace(site, **changes), record)
    text = str(caught.value)
    assert "\n" not in text and text.startswith(
        ("mailpit_config_dir", "mailpit_install_dir", "mailpit_data_dir", "mailpit_service_name", "mailpit_version")
    ), text
    return text


def filled(site: sites.Site, header: str = sites.HEADER) -> None:
    """The files of a Mailpit that was set up, in the folders that are there."""
    config, release, data = (
        pathlib.Path(site.config_dir),
        pathlib.Path(site.install_dir, site.release),
        pathlib.Path(site.data_dir),
    )
    for folder in (config, config / "tls", config / "ca", release, data):
        folder.mkdir(parents=True, exist_ok=True)
    (config / "mailpit.env").write_text(f"{header}: changes\nMP_DATABASE={site.data_dir}/mailpit.db\n")
    for name in ("smtp.passwd", "tls/cert.pem", "tls/key.pem", "ca/ca.pem", "ca/ca.key"):
        (config / name).write_text("x")
    for name in ("mailpit", "mailpit.tar.gz"):
        (release / name).write_text("x")
    for name in ("mailpit.db", "mailpit.db-wal"):
        (data / name).write_text("x")
    os.chown(data, MAILPIT_UID, MAILPIT_GID)


def tree(folder: pathlib.Path) -> dict[str, tuple[int, int, int]]:
    """Owner, group and mode of everything."""
    found = [folder, *folder.rglob("*")]
    return {str(path): (path.lstat().st_uid, path.lstat().st_gid, path.lstat().st_mode) for path in found}


def test_made_twice_and_removed_without_a_trace(site: sites.Site, tmp_path: pathlib.Path) -> None:
    foreseen = make(site, dry=True)
    assert not (tmp_path / "root/etc").exists() and make(site) == foreseen and make(site) == []
    modes = {
        name: (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode))
        for name in ("etc", "etc/tls", "etc/ca", "opt/1.31.0", "data")
        if (path := tmp_path / "root" / name)
    }
    assert modes == {
        "etc": (0, 2, 0o750),
        "etc/tls": (0, 2, 0o750),
        "etc/ca": (0, 2, 0o700),
        "opt/1.31.0": (0, 0, 0o755),
        "data": (2, 2, 0o700),
    }
    filled(site)
    foreseen = remove(site, dry=True).paths
    assert (tmp_path / "root/etc/ca/ca.key").exists()
    done = remove(site)
    assert done.paths == foreseen and done.left == [] and list((tmp_path / "root").iterdir()) == []
    assert remove(site).paths == []


def test_mailpit_gets_to_its_folders_whatever_roots_umask_is(site: sites.Site, tmp_path: pathlib.Path) -> None:
    deep = dataclasses.replace(site, data_dir=str(tmp_path / "root/srv/deep/data"))
    old = os.umask(0o777)
    try:
        make(deep)
    finally:
        os.umask(old)
    assert [stat.S_IMODE((tmp_path / "root" / path).stat().st_mode) for path in ("srv", "srv/deep", "srv/deep/data")] == [
        0o755, 0o755, 0o700,
    ]  # fmt: skip


def test_the_messages_stay_unless_they_are_to_go(site: sites.Site, tmp_path: pathlib.Path) -> None:
    make(site)
    filled(site)
    remove(site, data_too=False)
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["data"]
    make(site)
    remove(site)
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize("name", ["mailpit.log", "theirs.log"])
def test_the_log_that_mailpit_wrote_goes_with_the_messages(site: sites.Site, tmp_path: pathlib.Path, name: str) -> None:
    """In the folder where MP_LOG_FILE must lie; a name of their own is known as long as the environment has it."""
    make(site)
    filled(site)
    log = pathlib.Path(site.data_dir, name)
    with open(os.path.join(site.config_dir, "mailpit.env"), "a") as environment:
        environment.write(f"MP_LOG_FILE={log}\n")
    log.write_text("x")
    remove(site, data_too=False)
    assert log.exists()
    make(site)
    filled(site)
    with open(os.path.join(site.config_dir, "mailpit.env"), "a") as environment:
        environment.write(f"MP_LOG_FILE={log}\n")
    assert remove(site).left == [] and list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize("path", ["{0}/../theirs.log", "{0}/x/y.log", "/srv/theirs.log"])
def test_no_other_file_goes_because_it_is_called_the_log(site: sites.Site, tmp_path: pathlib.Path, path: str) -> None:
    make(site)
    filled(site)
    for theirs in (tmp_path / "root/theirs.log", tmp_path / "root/data/theirs.log", tmp_path / "root/data/y.log"):
        theirs.write_text("x")
    with open(os.path.join(site.config_dir, "mailpit.env"), "a") as environment:
        environment.write(f"MP_LOG_FILE={path.format(site.data_dir)}\n")
    remove(site)
    assert sorted(file.name for file in (tmp_path / "root").rglob("*.log")) == ["theirs.log", "theirs.log", "y.log"]


def test_what_is_not_the_roles_stays(site: sites.Site, tmp_path: pathlib.Path) -> None:
    make(site)
    filled(site)
    top = tmp_path / "root"
    others = [
        top / name
        for name in (
            "etc/relay.yml",
            "etc/tls/other.pem",
            "opt/1.31.0/note",
            "opt/1.20.0/mailpit",
            "opt/tool",
            "data/backup.sql",
        )
    ]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("theirs")
    assert make(site) == [], "it is the role's folder, whatever came into it afterwards"
    done = remove(site)
    assert sorted(str(path) for path in top.rglob("*") if path.is_file()) == sorted(map(str, others))
    assert {
        str(top / "etc"),
        str(top / "etc/tls"),
        str(top / "opt/1.31.0"),
        str(top / "opt"),
        str(top / "data"),
    } == set(done.left)
    before = tree(top)
    assert remove(site).paths == [] and tree(top) == before


def test_a_link_in_place_of_a_file_is_removed_and_not_followed(site: sites.Site, tmp_path: pathlib.Path) -> None:
    make(site)
    filled(site)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "mailpit.db").write_text("theirs")
    data = tmp_path / "root/data"
    (data / "mailpit.db").unlink()
    (data / "mailpit.db").symlink_to(victim / "mailpit.db")
    (tmp_path / "root/etc/smtp.passwd").unlink()
    (tmp_path / "root/etc/smtp.passwd").symlink_to(victim)
    remove(site)
    assert (victim / "mailpit.db").read_text() == "theirs" and not data.exists()


SYSTEM = (
    "/ /etc /opt /usr /usr/local /usr/local/bin /usr/bin /var /var/lib /var/tmp /home /root /tmp /srv /mnt /bin /sbin /lib /boot /dev /proc /sys"
    " /run /etc/ssl /etc/systemd/system //etc// /etc/. /proc/sys/x /var/lib/mailops.smtp /var/lib/mailops.smtp.mailpit/x"
).split() + ["/home" + "/app"]


@pytest.mark.parametrize("option", ["config_dir", "install_dir", "data_dir"])
@pytest.mark.parametrize("path", SYSTEM)
def test_a_folder_of_the_system_is_refused(option: str, path: str, site: sites.Site) -> None:
    text = refused(site, **{option: path})
    assert text.startswith(f"mailpit_{option} is ") and ": set it to a folder of its own, such as /" in text


@pytest.mark.parametrize(
    "path",
    [
        "etc",
        "../etc",
        "/opt/../etc",
        "~/mailpit",
        "/srv/with blank",
        "/srv/a%b",
        "/srv/a\nb",
        '/srv/"q"',
        "/srv/$HOME",
        "",
        "/srv/ä",
    ],
)
def test_a_path_that_would_be_read_in_two_ways_is_refused(path: str, site: sites.Site) -> None:
    for option in ("config_dir", "install_dir", "data_dir"):
        assert refused(site, **{option: path}).startswith(f"mailpit_{option} is ")


@pytest.mark.parametrize(
    "path", ["/home" + "/app/mailpit", "/root" + "/mailpit", "/tmp/mailpit", "/var/tmp/x/mailpit", "/run/user/1000/x"]
)
def test_what_the_sandbox_hides_is_refused_under_systemd(path: str, site: sites.Site) -> None:
    assert "hides" in refused(
        site, manager="systemd", service="mailpit-of-tests", data_dir=path, config_dir="/etc/mailpit-of-tests"
    )


@pytest.mark.parametrize("option", ["config_dir", "install_dir", "data_dir"])
@pytest.mark.parametrize("entry", ["file", "1.2.3", "smtp.passwd", "mailpit.db.old", ".hidden", "tls"])
def test_a_folder_that_holds_other_things_is_refused_and_stays_as_it_is(
    option: str, entry: str, site: sites.Site, tmp_path: pathlib.Path
) -> None:
    folder = pathlib.Path(getattr(site, option))
    (folder / entry).mkdir(parents=True)
    (folder / entry / "theirs").write_text("x")
    before = tree(folder)
    assert f"which holds what this role did not make ({entry})" in refused(site)
    with pytest.raises(Refusal):
        make(site)
    assert tree(folder) == before
    if option != "config_dir":
        remove(site)
        assert tree(folder) == before


def test_an_existing_folder_is_used_as_it_is_or_refused(site: sites.Site, tmp_path: pathlib.Path) -> None:
    config, data = pathlib.Path(site.config_dir), pathlib.Path(site.data_dir)
    config.mkdir(mode=0o755)
    (config / "relay.yml").write_text("theirs")
    named = dataclasses.replace(site, named=(str(config / "relay.yml"),))
    assert "relay.yml" in refused(site)
    data.mkdir(mode=0o755)
    (data / "lost+found").mkdir()
    assert "belongs to root with mode 0755: give it to bin" in refused(named)
    os.chown(data, MAILPIT_UID, MAILPIT_GID)
    make(named)
    filled(named)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (config, data)] == [
        0o755,
        0o755,
    ] and config.stat().st_gid == 0
    # Nor later, when it looks like one that the role made.
    (config / "relay.yml").unlink()
    before = tree(config), owner_and_mode(data)
    assert make(named) == [] and (tree(config), owner_and_mode(data)) == before
    (config / "relay.yml").write_text("theirs")
    remove(named)
    assert sorted(path.name for path in (*config.iterdir(), *data.iterdir())) == ["lost+found", "relay.yml"]
    (config / "relay.yml").unlink()
    make(site)
    filled(site)
    remove(site)
    assert list(config.iterdir()) == [] and [path.name for path in data.iterdir()] == ["lost+found"]
    assert owner_and_mode(config)[0] == 0 and stat.S_IMODE(config.stat().st_mode) == 0o755
    (config / "relay.yml").write_text("theirs")
    config.chmod(0o700)
    assert "bin cannot enter (mode 0700)" in refused(named)
    config.chmod(0o775)
    os.chown(config, 0, STRANGER)
    assert "can be written by its group" in refused(named)
    os.chown(config, STRANGER, 0)
    assert "belongs to nobody, who can change what is there" in refused(named)


@pytest.mark.parametrize("number", range(6))
def test_a_kill_in_the_middle_of_making_leaves_nothing_unknown(
    site: sites.Site, tmp_path: pathlib.Path, number: int
) -> None:
    """Killed as soon as so many folders are there: the next run makes the rest, and its removal leaves none."""
    child = os.fork()
    if child == 0:
        made, mkdir = [], os.mkdir

        def count(path: str, mode: int = 0o777) -> None:
            mkdir(path, mode)
            made.append(path)
            if str(tmp_path / "root") in path and len([one for one in made if "record" not in one]) > number:
                os.kill(os.getpid(), signal.SIGKILL)

        os.mkdir = count  # type: ignore[assignment]
        make(site)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    make(site)
    assert make(site) == []
    filled(site)
    remove(site)
    assert list((tmp_path / "root").iterdir()) == [] and not (tmp_path / "record").exists()


def owner_and_mode(path: pathlib.Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, found.st_mode


def test_a_planted_link_is_not_followed(site: sites.Site, tmp_path: pathlib.Path) -> None:
    top = tmp_path / "root"
    open_to_all = top / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    (open_to_all / "link").symlink_to(top / "elsewhere")
    (top / "elsewhere").mkdir()
    inside = {"config_dir": str(open_to_all / "link/etc")}
    make(dataclasses.replace(site, **inside))
    os.lchown(open_to_all / "link", STRANGER, STRANGER)
    assert "is a symbolic link that nobody made" in refused(site, **inside)
    (open_to_all / "theirs").mkdir()
    os.chown(open_to_all / "theirs", STRANGER, STRANGER)
    assert "belongs to nobody" in refused(site, config_dir=str(open_to_all / "theirs/etc"))
    open_to_all.chmod(0o777)
    assert "can be written by everybody" in refused(site, config_dir=str(open_to_all / "new"))
    (top / "circle").symlink_to("circle")
    assert "in a circle" in refused(site, install_dir=str(top / "circle/opt"))
    (top / "file").write_text("x")
    assert "no folder" in refused(site, install_dir=str(top / "file"))


def test_a_name_that_no_folder_can_have_is_refused(site: sites.Site) -> None:
    text = refused(site, data_dir="/srv/" + "x" * 300)
    assert "xxx... cannot be looked at (file name too long): set it to a folder of its own, such as /" in text


def test_folders_that_break_each_other_are_refused(site: sites.Site) -> None:
    top = os.path.dirname(site.config_dir)
    for changes, words in (
        ({"config_dir": site.data_dir}, "inside of mailpit_data_dir"),
        ({"config_dir": site.data_dir + "/etc"}, "inside of mailpit_data_dir"),
        ({"install_dir": site.data_dir + "/opt"}, "inside of mailpit_data_dir"),
        ({"install_dir": site.config_dir}, "are both"),
        ({"data_dir": site.config_dir + "/ca"}, "has a folder of the role's"),
        ({"data_dir": site.install_dir + "/1.31.0"}, "has a folder of the role's"),
        ({"data_dir": top}, "inside of mailpit_data_dir"),
    ):
        assert words in refused(site, **changes)
    make(dataclasses.replace(site, data_dir=site.config_dir + "/data"))


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "../ssh"},
        {"service": ""},
        {"service": "a b"},
        {"release": "../../etc"},
        {"release": ".."},
        {"release": "1/2"},
    ],
)
def test_names_are_no_paths(changes: dict, site: sites.Site) -> None:
    refused(site, **changes)


def test_an_installation_of_an_earlier_version_of_the_role_is_taken_over(
    site: sites.Site, tmp_path: pathlib.Path
) -> None:
    filled(site)
    assert not (tmp_path / "record").exists()
    for folder, mode in (("etc/tls", 0o750), ("etc/ca", 0o700)):
        (tmp_path / "root" / folder).chmod(mode)
    make(site)
    remove(site)
    assert list((tmp_path / "root").iterdir()) == []


def test_one_that_was_put_among_other_things_is_used_and_nothing_else_touched(
    site: sites.Site, tmp_path: pathlib.Path
) -> None:
    filled(site)
    config = pathlib.Path(site.config_dir)
    (config / "theirs").write_text("x")
    config.chmod(0o711)
    make(site)
    assert stat.S_IMODE(config.stat().st_mode) == 0o711
    remove(site)
    assert [path.name for path in config.iterdir()] == ["theirs"]


def test_two_instances_share_versions_and_nothing_else(site: sites.Site, tmp_path: pathlib.Path) -> None:
    make(site)
    filled(site)
    other = dataclasses.replace(site, service="chaos", config_dir=site.config_dir + "-2", data_dir=site.data_dir + "-2")
    make(other)
    filled(other)
    newer = dataclasses.replace(site, release="1.32.0")
    make(newer)
    changes = keep.Changes(False)
    with records.opened_record(write=True) as record:
        keep.remove_versions(newer, record, changes, keep=sites.release_dir(newer))
    assert changes.paths == [] and (tmp_path / "root/opt/1.31.0/mailpit").exists(), "the other one uses it"
    remove(newer)
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["data-2", "etc-2", "opt"]
    remove(other)
    assert list((tmp_path / "root").iterdir()) == []


def test_removing_what_is_not_there_leaves_nothing(site: sites.Site) -> None:
    make(site)
    for _again in range(2):
        remove(site)
        assert not pathlib.Path(records._ROOT).exists()


def test_a_record_that_goes_while_others_wait_for_it_loses_nothing(site: sites.Site) -> None:
    """Each of many processes writes a line and takes it out again: none meets a folder that has just gone."""

    def work(name: str) -> None:
        for _again in range(30):
            with records.opened_record(write=True) as record:
                records.add(record.users, name, "mailpit")
            with records.opened_record(write=True) as record:
                assert record.users.pop(name) == ["mailpit"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [f"user{number}" for number in range(8)]))
    assert not pathlib.Path(records._ROOT).exists()


def test_a_version_that_runs_is_not_removed(site: sites.Site, tmp_path: pathlib.Path) -> None:
    import shutil
    import subprocess

    make(site)
    copy = tmp_path / "root/opt/1.31.0/mailpit"
    shutil.copy("/bin/sleep", copy)
    with subprocess.Popen([str(copy), "60"]) as process:
        assert remove(site).left[0] == str(copy.parent) and copy.exists()
        process.kill()


def archive(path: pathlib.Path, *members: tuple[str, bytes | str], raw: bytes = b"") -> pathlib.Path:
    """A .tar.gz of files (bytes) and of links (text: what they point to)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o4777
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type = {"char": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE, "folder": tarfile.DIRTYPE}.get(
                    content, tarfile.SYMTYPE
                )
                if content.startswith("hard:"):
                    info.type, content = tarfile.LNKTYPE, content[5:]
                info.linkname = content
                tar.addfile(info)
    return path


def test_what_a_killed_run_has_unpacked_in_part_goes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "release").mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    for pid in (ended.stdout.strip(), str(os.getppid())):
        (tmp_path / f"release/.mailpit.{pid}").write_bytes(b"half")
    program.unpack(str(archive(tmp_path / "a.tar.gz", ("mailpit", b"program"))), str(tmp_path / "release/mailpit"))
    assert sorted(os.listdir(tmp_path / "release")) == [f".mailpit.{os.getppid()}", "mailpit"]


def test_only_the_program_is_unpacked(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    hostile = [("../escaped", b"x"), ("/tmp/escaped-mailpit", b"x"), ("../../etc/mailpit", b"x"), ("link", "/etc"), ("link/mailpit", b"x"), ("x/mailpit", b"x"),
               ("dev", "char"), ("LICENSE", b"x")]  # fmt: skip
    program.unpack(str(archive(tmp_path / "a.tar.gz", *hostile, ("mailpit", b"program"))), str(folder / "mailpit"))
    assert [(path.name, path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()] == [
        ("mailpit", b"program", 0o755)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "release"] and not os.path.exists(
        "/tmp/escaped-mailpit"
    )


@pytest.mark.parametrize(
    "members, words",
    [
        ([("mailpit", "/etc/passwd")], "is no ordinary file"),
        ([("mailpit", "hard:/etc/passwd")], "is no ordinary file"),
        ([("mailpit", "char")], "is no ordinary file"),
        ([("mailpit", "fifo")], "is no ordinary file"),
        ([("mailpit", "folder")], "is no ordinary file"),
        ([("mailpit", b"one"), ("./mailpit", b"two")], "two files named mailpit"),
        ([("mailpit", "/etc/passwd"), ("mailpit", b"two")], "is no ordinary file"),
        ([("other", b"x")], "holds no file named mailpit"),
        ([(f"file{number}", b"") for number in range(1001)], "more than 1000 files"),
    ],
)
def test_an_archive_that_is_no_release_is_refused_and_the_old_program_stays(
    members: list, words: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "release/mailpit").write_text("old")
    with pytest.raises(Refusal, match=words):
        program.unpack(str(archive(tmp_path / "a.tar.gz", *members)), str(tmp_path / "release/mailpit"))
    assert [path.read_text() for path in (tmp_path / "release").iterdir()] == ["old"]


def test_an_archive_that_is_broken_or_a_bomb_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_LARGEST", 8 << 20)
    target = str(tmp_path / "mailpit")
    whole = archive(tmp_path / "whole.tar.gz", ("mailpit", os.urandom(100_000))).read_bytes()
    huge = tarfile.TarInfo("x")
    huge.size = 1 << 40
    header = tarfile.TarInfo("mailpit")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    zeros = gzip.compress(huge.tobuf() + bytes(9 << 20), compresslevel=1)
    for name, content, words in (
        ("empty", b"", "no archive that can be unpacked|holds no file"), ("text", b"<html>404</html>", "cannot be unpacked|no archive"),
        ("cut", whole[:50_000], "no archive"),
        ("garbled", whole[:20_000] + b"xxxx" + whole[20_004:], "no archive|cannot be unpacked"), ("bomb", zeros, "unpacks to more than 8 MB"),
        ("header", gzip.compress(header.tobuf() + bytes(9 << 20), compresslevel=1), "unpacks to more than 8 MB|no archive"),
    ):  # fmt: skip
        (tmp_path / "a.tar.gz").write_bytes(content)
        with pytest.raises(Refusal, match=words):
            program.unpack(str(tmp_path / "a.tar.gz"), target)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "whole.tar.gz"], name


def test_a_program_is_tried_without_any_right(tmp_path: pathlib.Path) -> None:
    for name, source, trouble in (
        ("good", "#!/bin/sh\nid -u >&2; [ $(id -u) = 65534 ]", None), ("bad", "#!/bin/sh\necho no such machine >&2; exit 3", "no such machine"),
        ("none", "not a program", "Exec format error"), ("silent", "#!/bin/sh\nexec sleep 60", "did not end within 1 seconds"),
    ):  # fmt: skip
        (tmp_path / name).write_text(source)
        (tmp_path / name).chmod(0o755)
        said = program.try_program(str(tmp_path / name), 1)
        assert said is None if trouble is None else trouble in said, name


def test_a_program_that_others_could_change_is_not_started(tmp_path: pathlib.Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh")
    tool.chmod(0o755)
    program.refuse_unsafe("mailpit_binary", str(tool), {0})
    for prepare, words in (
        (lambda: tool.chmod(0o757), "can be written by everybody"), (lambda: tool.chmod(0o644), "no program that can be started"),
        (lambda: (tool.chmod(0o755), os.chown(tool, STRANGER, 0)), "belongs to nobody"),
        (lambda: (os.chown(tool, 0, 0), os.chown(tmp_path, STRANGER, 0)), "belongs to nobody"),
        (lambda: (os.chown(tmp_path, 0, 0), tool.unlink()), "not there"),
    ):  # fmt: skip
        prepare()
        with pytest.raises(Refusal, match=words):
            program.refuse_unsafe("mailpit_binary", str(tool), {0})


@pytest.mark.parametrize(
    "listening, wanted",
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", ""),
        ("0.0.0.0", "127.0.0.1"),
        ("::", ""),
        ("::1", "[::]"),
        ("::1", "0.0.0.0"),  # Go listens on all addresses then, those of IPv6 too
        ("::1", "localhost6"),
    ],
)
def test_an_occupied_port_is_refused_naming_who_has_it(listening: str, wanted: str) -> None:
    wanted = "::1" if wanted == "localhost6" else wanted
    with socket.socket(socket.AF_INET6 if ":" in listening else socket.AF_INET) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Free on all addresses, so that nobody else is met on another one.
        (port,) = free_ports(1, "::")
        taken.bind((listening, port))
        ports.refuse_occupied("smtp", wanted, port, service.Unit("mailpit").owns)
        taken.listen()
        with pytest.raises(
            Refusal,
            match=rf"mailpit_smtp_port is {port}, which .* \(process {os.getpid()}.*\) of this host has already",
        ):
            ports.refuse_occupied("smtp", wanted, port, service.Unit("mailpit").owns)
        ports.refuse_occupied("smtp", wanted, port, lambda holder: holder.pid == str(os.getpid()))


def test_who_has_a_port_for_a_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.bind(("127.0.0.1", 0))
        client.connect(server.getsockname())
        port = client.getsockname()[1]
        with pytest.raises(
            Refusal, match=rf"\(process {os.getpid()}.*\) of this host has already for a connection: stop"
        ):
            ports.refuse_occupied("smtp", "", port, lambda holder: holder.pid == str(os.getpid()))


@pytest.mark.parametrize(
    ("listening", "wanted", "refused"),
    [
        ("::1", "", True), ("127.0.0.1", "", True), ("::1", "127.0.0.1", False), ("::1", "::1", True), ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False), ("127.0.0.2", "0.0.0.0", True), ("::1", "0.0.0.0", True), ("::", "127.0.0.1", False), ("::", "[::1]", True),
    ],
)  # fmt: skip
def test_that_mailpit_has_the_port_says_nothing_about_another_address(
    listening: str, wanted: str, refused: bool
) -> None:
    """Mailpit listens on an address of its own, somebody else of another service on the next; which one is to be used is another question."""
    other = "import socket, sys; s = socket.socket({0}); {1}s.bind(({2!r}, {3})); s.listen(); print(1, flush=True); sys.stdin.read()"
    six = ":" in listening
    with socket.socket() as mine:
        mine.bind(("127.0.0.3" if listening != "0.0.0.0" else "127.0.0.1", 0))
        port = mine.getsockname()[1]
        only = "s.setsockopt(41, 26, 1); " if six else ""
        program = other.format("socket.AF_INET6" if six else "socket.AF_INET", only, listening, port)
        if listening != "0.0.0.0":
            mine.listen()
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as somebody:
            assert somebody.stdin and somebody.stdout
            if listening == "0.0.0.0":
                mine.close()
            assert somebody.stdout.readline() == b"1\n"
            found = ports.holders(port, wanted.strip("[]"))
            assert any(holder.pid == str(somebody.pid) for holder in found) is refused
            somebody.stdin.close()


def test_where_mailpit_listens_is_read_from_what_it_is_started_with(site: sites.Site) -> None:
    make(site)
    filled(site)
    path = pathlib.Path(site.config_dir) / "mailpit.env"
    bound = {
        "MP_SMTP_BIND_ADDR": "[::]:1025",
        "MP_UI_BIND_ADDR": "127.0.0.1:8025",
        "MP_ENABLE_PROMETHEUS": "[fe80::1%eth0]:9090",
        "MP_POP3_AUTH": "a:b c",
    }
    for style in ("systemd", "container"):
        path.write_text(render_environment(bound, style))
        assert listeners(sites.environment_of(site)) == {
            "MP_SMTP_BIND_ADDR": ("::", 1025),
            "MP_UI_BIND_ADDR": ("127.0.0.1", 8025),
            "MP_POP3_BIND_ADDR": ("::", 1110),
            "MP_ENABLE_PROMETHEUS": ("fe80::1%eth0", 9090),
        }
    path.write_text("MP_SMTP_BIND_ADDR=somebody's own file:1\n")
    assert listeners(sites.environment_of(site)) == {}


def test_a_socket_for_which_systemd_listens_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = (
        "Id=ssh.socket\nListen=[::]:22 (Stream)\n\nId=mail.socket\nListen=/run/25 (Stream)\nListen=0.0.0.0:25 (Stream)\nListen=[::]:25 (Stream)\n"
        "\nId=log.socket\nListen=127.0.0.1:514 (Datagram)\n"
    )
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\nprintf '{shown}'\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert [ports.socket_unit(port) for port in (25, 22, 5, 2, 514)] == ["mail.socket", "ssh.socket", "", "", ""]


def test_an_address_of_another_host_is_refused() -> None:
    with pytest.raises(Refusal, match="mailpit_ui_address is 192.0.2.1, which is no address of this host"):
        ports.refuse_occupied("ui", "192.0.2.1", 8025, service.Unit("mailpit").owns)
    with pytest.raises(Refusal, match="the address of MP_ENABLE_PROMETHEUS in mailpit_environment is 192.0.2.1, which"):
        ports.refuse_occupied("MP_ENABLE_PROMETHEUS", "192.0.2.1", 9090, service.Unit("mailpit").owns)


PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.fixture
def anchor_file(site: sites.Site, tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "root" / "ca.pem"


def claimed(path: pathlib.Path | str, instance: str = "mailpit of one", known: t.Sequence[str] = ()) -> str | None:
    """Why the file may not be used, None when it may."""
    try:
        with records.opened_record(write=True) as record:
            anchor.claim(str(path), instance, known, record)
    except Refusal as refusal:
        return str(refusal)
    return None


def forgotten(path: pathlib.Path | str, instance: str = "mailpit of one", known: t.Sequence[str] = ()) -> str | None:
    with records.opened_record(write=True) as record:
        return anchor.forget(str(path), instance, known, record)


def test_a_clients_file_is_the_roles_own_or_stays(anchor_file: pathlib.Path) -> None:
    for content in (PEM.format("bundle of the system"), "", "\n"):
        anchor_file.write_text(content)
        text = claimed(anchor_file)
        assert text is not None and text.startswith(
            f"mailpit_client_ca_path is {anchor_file}, which holds what this role did not write"
        )
        assert forgotten(anchor_file) is None
    anchor_file.unlink()
    assert claimed(anchor_file) is None
    anchor_file.write_text(PEM.format("ours"))
    assert "mailpit of one" in (claimed(anchor_file, "mailpit of two") or "")
    # What to write instead is not what was written.
    assert (claimed("/etc/ssl/none/blue-staging-ca.pem", "blue of two") or "").endswith("/etc/ssl/blue-staging-ca.pem")
    assert anchor._instead("/etc/ssl/blue-staging-ca.pem", "blue of two").endswith("/etc/ssl/blue-own-ca.pem")
    assert claimed(anchor_file) is None and forgotten(anchor_file) == str(anchor_file)
    assert (
        claimed("/etc/ssl/certs/ca-certificates.crt") is not None
        and forgotten("/etc/ssl/certs/ca-certificates.crt") is None
    )


def test_a_clients_file_of_an_earlier_version_of_the_role_is_taken_over(anchor_file: pathlib.Path) -> None:
    anchor_file.write_text(PEM.format("old") + PEM.format("new"))
    assert claimed(anchor_file, known=[PEM.format("old")]) is not None, "it holds more than what was given out"
    assert claimed(anchor_file, known=[PEM.format("old"), PEM.format("new") + PEM.format("other")]) is None
    anchor_file.write_text("# by hand\n" + PEM.format("old"))
    with records.opened_record(write=True) as record:
        record.anchors.clear()
    assert claimed(anchor_file, known=[PEM.format("old")]) is not None


def test_a_clients_file_is_not_written_through_a_planted_link_or_where_others_write(anchor_file: pathlib.Path) -> None:
    victim = anchor_file.with_name("victim")
    victim.write_text("theirs")
    anchor_file.symlink_to(victim)
    os.lchown(anchor_file, STRANGER, STRANGER)
    assert "is a symbolic link that nobody made" in (claimed(anchor_file) or "")
    anchor_file.unlink()
    anchor_file.write_text("")
    os.chown(anchor_file, STRANGER, STRANGER)
    assert "belongs to nobody" in (claimed(anchor_file) or "")
    anchor_file.unlink()
    anchor_file.mkdir()
    assert "no ordinary file" in (claimed(anchor_file) or "")
    assert "there is no folder" in (claimed(anchor_file.parent / "none/ca.pem") or "")
    anchor_file.parent.chmod(0o777)
    assert "can be written by everybody" in (claimed(anchor_file.parent / "new.pem") or "")
    assert "write the whole path" in (claimed("ca.pem") or "") and "write the whole path" in (
        claimed("/etc/ssl/") or ""
    )


def test_what_the_role_wrote_down_is_refused_when_others_could_have_written_it(
    site: sites.Site, tmp_path: pathlib.Path
) -> None:
    make(site)
    assert (
        stat.S_IMODE((tmp_path / "record").stat().st_mode) == 0o700
        and stat.S_IMODE((tmp_path / "record/mailpit.json").stat().st_mode) == 0o600
    )
    (tmp_path / "record").chmod(0o755)
    with pytest.raises(Refusal, match="is open to others"):
        make(site)
    (tmp_path / "record").chmod(0o700)
    (tmp_path / "record/mailpit.json").write_text("{")
    assert "cannot be read" in str(pytest.raises(Refusal, make, site).value)
    (tmp_path / "record/mailpit.json").write_text('{"format": 2}')
    assert "another version" in str(pytest.raises(Refusal, make, site).value)


def test_what_a_killed_run_has_half_written_down_does_not_keep_a_removal_from_its_end(
    site: sites.Site, tmp_path: pathlib.Path
) -> None:
    make(site)
    (tmp_path / "record/mailpit.json.4711").write_text("{")
    remove(site)
    assert not (tmp_path / "record").exists()


def test_what_mailpit_must_read_is_looked_at_beforehand() -> None:
    # Not below pytest's own folder, which nobody else can enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        _look_at(pathlib.Path(folder) / "sub/relay.yml")


def _look_at(relay: pathlib.Path) -> None:
    relay.parent.mkdir()
    relay.write_text("host: x")
    for mode, owner, group, readable in (
        (0o644, 0, 0, True), (0o600, 0, 0, False), (0o600, MAILPIT_UID, 0, True), (0o040, 0, MAILPIT_GID, True), (0o604, 0, MAILPIT_GID, False),
        (0o064, MAILPIT_UID, 0, False),
    ):  # fmt: skip
        relay.chmod(mode)
        os.chown(relay, owner, group)
        assert (accounts.unreadable(str(relay), "bin", MAILPIT_UID, MAILPIT_GID) is None) == readable, oct(mode)
    relay.chmod(0o644)
    relay.parent.chmod(0o700)
    assert f"{relay.parent} (owner 0, mode 0700)" == accounts.unreadable(str(relay), "bin", MAILPIT_UID, MAILPIT_GID)
    assert accounts.unreadable(str(relay), "root", 0, 0) is None


def test_a_compose_file_is_the_roles_own_or_left_alone(site: sites.Site) -> None:
    filled(site)
    own, theirs = f"{sites.HEADER}: changes\n", "services: {}\n"
    compose = pathlib.Path(site.config_dir, "compose.yml")
    compose.write_text(theirs)
    assert "compose.yml in it is not this role's: move it away" in refused(site, manager="compose")
    remove(site)
    assert compose.read_text() == theirs, "another way of running Mailpit never touches it"
    filled(site)
    compose.write_text(own)
    assert "which runs with mailpit_service_manager: compose: remove that one first" in refused(site, manager="none")
    remove(dataclasses.replace(site, manager="compose"))
    assert not pathlib.Path(site.config_dir).exists()
    # A link to the role's own text is not the role's.
    pathlib.Path(site.config_dir).mkdir()
    filled(site)
    compose.unlink(missing_ok=True)
    compose.symlink_to(pathlib.Path(site.config_dir, "mailpit.env"))
    assert "is not this role's" in refused(site, manager="compose")


@pytest.mark.parametrize("manager, path", [("systemd", "path_of"), ("podman_quadlet", "quadlet_of")])
def test_a_unit_of_another_way_is_refused_with_the_way_back(
    manager: str, path: str, site: sites.Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in (("_OWN", "units"), ("_QUADLETS", "quadlets")):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(units, name, str(tmp_path / folder))
    unit = pathlib.Path(getattr(units, path)(site.service))
    other = "podman_quadlet" if manager == "systemd" else "systemd"
    unit.write_text(f"{sites.HEADER}: changes\n")
    for asked in (other, "compose"):
        assert f"which runs with mailpit_service_manager: {manager}: remove that one first" in refused(
            site, manager=asked
        )
    unit.write_text("[Unit]\n")
    assert "is a unit that this role did not write" in refused(site, manager=other)
    unit.unlink()
    renewal = pathlib.Path(units.renewal_of(site.service)[1])
    renewal.write_text("[Timer]\n")
    assert f"{renewal} is a unit that this role did not write" in refused(site, manager=manager)


@pytest.mark.parametrize(
    "manager, bad, good",
    [
        (
            "systemd",
            ["-H", ".x", "@x", "a b", "", "x" * 129, "mailpit-renewal", "mailpit@", "mailpit.service"],
            ["mailpit", "team:red@1", "renewal", "x" * 128],
        ),
        ("podman_quadlet", ["-v", "mailpit@1", "a:b", "_x", "a-renewal"], ["Mailpit.red"]),
        ("compose", ["Mailpit", "mailpit.red", "-x", "a-renewal"], ["mailpit_red-2"]),
    ],
)
def test_a_name_is_one_that_what_runs_it_takes(manager: str, bad: list[str], good: list[str], site: sites.Site) -> None:
    for name in bad:
        assert refused(site, manager=manager, service=name).startswith("mailpit_service_name is ")
    for name in good:
        sites._refuse_name(dataclasses.replace(site, manager=manager, service=name))
    for name in ("mailpit.service", "x" * 200) if manager == "systemd" else ():
        sites._refuse_name(dataclasses.replace(site, manager=manager, service=name), leaving=True)


def test_a_colon_ends_a_path_that_a_container_is_shown(site: sites.Site, tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "root/a:b")
    for option in ("config_dir", "data_dir"):
        assert "which the engine reads as it is" in refused(site, manager="compose", **{option: path})
    with records.opened_record(write=False) as record:
        sites.judge(dataclasses.replace(site, data_dir=path), record)


@pytest.mark.parametrize("manager", ["systemd", "podman_quadlet", "compose"])
def test_what_the_role_starts_is_never_roots(manager: str, site: sites.Site) -> None:
    """Such as for a service that is called root, or for a user with the number 0."""
    wanted = dataclasses.replace(site, user=0, user_name="toor")
    with pytest.raises(
        Refusal, match="mailpit_user is toor, and Mailpit would run as root: set it to a user of its own"
    ):
        mailpit_site._refuse_root(dataclasses.replace(wanted, manager=manager))
    mailpit_site._refuse_root(wanted)
    mailpit_site._refuse_root(dataclasses.replace(site, manager=manager))
    # A service called mail or shadow, and the user and group that have their names from it.
    with pytest.raises(
        Refusal,
        match="mailpit_user is bin, a user of the system itself: write another name, or set mailpit_create_user to false",
    ):
        mailpit_site._refuse_system_accounts(dataclasses.replace(site, manager=manager), "mailpit-of-tests")
    with pytest.raises(Refusal, match="mailpit_group is shadow, a group of the system itself"):
        mailpit_site._refuse_system_accounts(dataclasses.replace(site, manager=manager, user=None, group=42), "shadow")
    mailpit_site._refuse_system_accounts(dataclasses.replace(site, manager=manager, user=None, group=None), "mailpit")
    mailpit_site._refuse_system_accounts(dataclasses.replace(site, manager=manager, user=999, group=100), "users")
    mailpit_site._refuse_system_accounts(site, "bin")


def test_a_timer_of_roots_starts_nothing_that_others_can_change(site: sites.Site, tmp_path: pathlib.Path) -> None:
    mailpit_site._refuse_renewal(["sh"], "/bin/sh")
    with pytest.raises(Refusal, match="mailpit_renewal needs openssl-of-tests, which is not on this host"):
        mailpit_site._refuse_renewal(["openssl-of-tests"], "/bin/sh")
    theirs = tmp_path / "python"
    theirs.write_bytes(b"#!/bin/sh")
    theirs.chmod(0o755)
    # In /tmp, which the sandbox hides; then somebody else's.
    for owner in (0, STRANGER):
        os.chown(theirs, owner, 0)
        with pytest.raises(Refusal, match="would start .*/python every day as root, .*set ansible_python_interpreter"):
            mailpit_site._refuse_renewal(["sh"], str(theirs))


def test_a_removal_takes_along_what_a_killed_renewal_left(site: sites.Site) -> None:
    make(site)
    config = pathlib.Path(site.config_dir)
    (config / "mailpit.env").write_text(sites.HEADER + "\n")
    (config / "ca/renewal-abc").mkdir()
    for name in ("ca/renewal-abc/key", "tls/.mailpit.abc", "tls/key.pem"):
        (config / name).write_text("a key")
    assert remove(site, dry=True).left == [] and (config / "ca/renewal-abc/key").exists()
    assert remove(site).left == [] and not config.exists()


def test_what_had_the_name_of_an_image_before_is_known(
    site: sites.Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With mailpit_image_pull: always a tag may move; what a failure goes back to is the image that had it."""
    podman = tmp_path / "podman"
    podman.write_text(
        f"""#!/bin/sh
        [ "$1" != pull ] || echo new > {tmp_path}/id
        [ "$1" != image ] || printf '[{{"Id": "%s", "Config": {{"Entrypoint": ["/mailpit"]}}}}]' "$(cat {tmp_path}/id)"
        """
    )
    podman.chmod(0o755)
    (tmp_path / "id").write_text("old")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    options = {"site": {"compose": [], "image": "m:1", "image_pull": "always"}, "names": []}
    wanted = dataclasses.replace(site, manager="podman_quadlet")
    for before in ("old", ""):
        found = mailpit_site._image(wanted, options, records.Record(), keep.Changes(dry=False))
        assert (found["image"], found["before"], found["engine"]) == ("new", before, "podman")


def test_whose_clock_a_log_has(site: sites.Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's is that of no zone, unless it is shown the host's."""
    monkeypatch.setattr(units, "_QUADLETS", str(tmp_path))
    contained = [dataclasses.replace(site, manager=manager) for manager in ("podman_quadlet", "compose")]
    composed = pathlib.Path(site.config_dir, sites.COMPOSE_FILE)
    composed.parent.mkdir()
    for path in (pathlib.Path(units.quadlet_of(site.service)), composed):
        path.write_text("Volume=/srv/x:/x\n")
    assert [sites.has_hosts_clock(one) for one in (site, *contained)] == [True, False, False]
    for path in (pathlib.Path(units.quadlet_of(site.service)), composed):
        path.write_text('- "/etc/localtime:/etc/localtime:ro"\n')
    assert [sites.has_hosts_clock(one) for one in contained] == [True, True]


def test_the_log_of_a_name_that_is_misspelt_is_not_an_empty_one(site: sites.Site) -> None:
    there_is_none = dataclasses.replace(site, service="no-such-mailpit", manager="systemd")
    options = {"since": "1day", "command": [], "site": {"service_manager": "systemd", "service": "no-such-mailpit"}}
    with pytest.raises(
        Refusal, match="mailpit_service_name is no-such-mailpit, and this host has no unit no-such-mailpit.service"
    ):
        mailpit_site._log(there_is_none, options, records.Record(), keep.Changes(dry=True))


def test_a_command_for_the_log_hides_no_renewal_that_failed(
    site: sites.Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_OWN", str(tmp_path))
    pathlib.Path(units.renewal_of(site.service)[1]).write_text(f"{sites.HEADER}: changes\n")
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho ActiveState=failed\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    options = {"since": "1day", "command": ["true"], "site": {}}
    found = mailpit_site._log(
        dataclasses.replace(site, manager="systemd"), options, records.Record(), keep.Changes(dry=True)
    )
    assert found["renewal"]["ok"] is False and "does not run: run the role again" in found["renewal"]["said"]


@pytest.mark.parametrize(
    "users, needed, changed, leaving, left",
    [
        (
            {"old": ["mailpit"], "mailpit": ["mailpit"]},
            "",
            "",
            ["old"],
            {"old", "mailpit"},
        ),  # written down until it is gone
        ({"old": ["mailpit", "two"], "mailpit": ["mailpit"]}, "", "", [], {"old", "mailpit"}),
        ({"old": ["mailpit"]}, "old", "", [], {"old"}),
        ({"old": ["mailpit"]}, "", "old", [], set()),
        ({"gone": ["mailpit"], "two": ["two"]}, "", "", [], {"two"}),
    ],
    ids=["left", "shared", "in use", "changed by somebody", "gone already"],
)
def test_a_user_of_earlier_options_goes_when_nothing_uses_it(
    users: dict, needed: str, changed: str, leaving: list[str], left: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "uid_of", lambda name: None if name == "gone" else 990)
    monkeypatch.setattr(former, "looks_made", lambda name: name != changed)
    monkeypatch.setattr(former, "is_needed", lambda name: name == needed)
    record = records.Record({"users": users, "groups": users})
    assert former.former_users(record, "mailpit", "mailpit") == leaving
    assert {name for name, instances in record.users.items() if instances} == left
    assert record.users.get("old", []) != ["mailpit", "two"], "the one that shares it has it alone now"


def test_a_group_goes_after_its_users_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "gid_of", lambda name: 990)
    monkeypatch.setattr(former, "primary_of", lambda name: ["old"] if name == "old" else ["stays"])
    monkeypatch.setattr(former, "members_of", lambda name: [])
    monkeypatch.setattr(former, "runs_as", lambda names: False)
    record = records.Record({"groups": {name: ["mailpit"] for name in ("old", "other", "mailpit")}})
    assert former.former_groups(record, "mailpit", "mailpit", ["old"]) == ["old"]
    assert former.former_groups(record, "mailpit", "mailpit", []) == []


def test_who_runs_something_is_needed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_OWN", str(tmp_path))
    monkeypatch.setattr(units, "_OTHERS", ())
    (tmp_path / "theirs.service").write_text("[Service]\n# User=nobody\nUser = games\nSupplementaryGroups=mail  news\n")
    assert accounts.is_needed("root") and accounts.is_needed("games") and not accounts.is_needed("sync")
    assert units.runs_as({"news"}) and not units.runs_as({"nobody"})


def test_messages_go_with_the_folder_to_a_new_user_and_back(site: sites.Site, tmp_path: pathlib.Path) -> None:
    make(site)
    filled(site)
    data, secret = pathlib.Path(site.data_dir), tmp_path / "secret"
    secret.write_text("x")
    for name in ("mailpit.db", "mailpit.db-wal"):
        os.chown(data / name, MAILPIT_UID, MAILPIT_GID)
    os.link(secret, data / "mailpit.db-shm")
    (data / "mailpit.log").symlink_to(secret)
    before = tree(data)

    def given(user: int, group: int) -> tuple[int, int] | None:
        changes = keep.Changes(False)
        other = dataclasses.replace(site, user=user, group=group)
        with records.opened_record(write=True) as record:
            return keep.make(other, sites.judge(other, record), record, changes)

    assert given(3, 4) == (MAILPIT_UID, MAILPIT_GID)
    assert [(path.stat().st_uid, path.stat().st_gid) for path in (data, data / "mailpit.db")] == [(3, 4), (3, 4)]
    assert secret.stat().st_uid == 0, "neither a link nor a second name of somebody else's file is followed"
    assert given(3, 4) is None and given(MAILPIT_UID, MAILPIT_GID) == (3, 4)
    assert tree(data) == before


def test_folders_that_nothing_came_into_go(site: sites.Site, tmp_path: pathlib.Path) -> None:
    """As after a download that failed: what was there before stays, and so does what holds something."""

    def unmade(*made: str) -> list[str]:
        changes = keep.Changes(False)
        with records.opened_record(write=True) as record:
            keep.unmake(site, sites.judge(site, record, leaving=True), record, changes, made)
        return changes.paths

    made = make(site)
    release = pathlib.Path(site.install_dir, site.release)
    (release / ".ansible_tmp1mailpit.tar.gz").write_text("half")
    assert set(made) < set(unmade(*made)) and list((tmp_path / "root").iterdir()) == []
    with records.opened_record(write=False) as record:
        assert record.as_dict()["folders"] == record.as_dict()["versions"] == {}
    made = make(site)
    for name in ("mailpit", "mailpit.tar.gz"):
        (release / name).write_text("x")
    (tmp_path / "root/etc/mailpit.env").write_text("x")
    assert unmade(site.data_dir) == [site.data_dir] and (release / "mailpit").exists(), (
        "no other version than a new one"
    )
    unmade(*made)
    assert sorted(path.name for path in (tmp_path / "root").rglob("*")) == ["etc", "mailpit.env"]
    make(site)
    (release / "theirs").write_text("x")
    unmade(str(release))
    assert [path.name for path in release.iterdir()] == ["theirs"]


def test_a_group_stays_with_a_user_who_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "members_of", lambda name: [])
    monkeypatch.setattr(former, "primary_of", lambda name: ["changed"])
    assert former.has_others("changed", []) and not former.has_others("changed", ["changed"])

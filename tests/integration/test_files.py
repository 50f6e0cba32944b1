# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others, full disks, odd mounts and kills: what writes and keeps files on the host, as root on real file systems."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import re
import resource
import signal
import stat
import struct
import subprocess
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, kept, store, temporary
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import read
from ansible_collections.mailops.smtp.plugins.module_utils._files.search import read_file
from ansible_collections.mailops.smtp.plugins.module_utils._files.validate import validator
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import place_of
from ansible_collections.mailops.smtp.plugins.modules import app_mail_config_info
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.write import write_file

OTHER = 12345
# As large as the config that a full disk once destroyed.
OLD, NEW = b"old password\n" * 3000, b"new password\n" * 3000
ACL = "system.posix_acl_access"
# What SELinux keeps of a file. It is an attribute like others where SELinux is not switched on.
LABEL, CONTEXT = "security.selinux", b"system_u:object_r:etc_t:s0\0"
ONE, TWO = {"pid": 1}, {"pid": 2}


def acl(uid: int) -> bytes:
    """user::rw-, user:UID:r--, group::r--, mask::r--, other::---, as the kernel takes it."""
    none = 0xFFFFFFFF
    entries = [(0x01, 6, none), (0x02, 4, uid), (0x04, 4, none), (0x10, 4, none), (0x20, 0, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def write(path: pathlib.Path, content: bytes, run: t.Mapping[str, int] = ONE) -> None:
    edit.write(str(path), content, edit.Wishes(None, None, None), run=run, dead=[])


def begin(
    config: pathlib.Path, run: t.Mapping[str, int], *more: pathlib.Path, dead: t.Sequence[t.Mapping[str, int]] = ()
) -> kept.Claim:
    with store.open_store(create=True) as opened:
        assert opened is not None
        return kept.begin(opened, [str(path) for path in (config, *more)], run, "test", dead)


def restore(config: pathlib.Path, run: t.Mapping[str, int], *more: pathlib.Path) -> kept.PutBack:
    with store.open_store(create=False) as opened:
        return kept.restore(opened, [str(path) for path in (config, *more)], run)


def content(path: pathlib.Path) -> bytes:
    with place_of(str(path)) as place:
        seen = read(place)
    assert seen is not None
    return seen.content


@pytest.mark.parametrize("kind", ["file", "folder", "chain", "folder of folder"])
def test_a_link_of_somebody_else_is_not_followed(tmp_path: pathlib.Path, kind: str) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    theirs.mkdir()
    os.chown(str(theirs), OTHER, OTHER)
    (mine / "file").write_text("secret")
    (mine / "sub").mkdir()
    (mine / "sub" / "file").write_text("secret")
    (tmp_path / "good").symlink_to(mine / "file")
    planted = {
        "file": (mine / "file", "link"),
        "folder": (mine, "link/file"),
        "chain": (tmp_path / "good", "link"),
        "folder of folder": (mine / "sub", "link/file"),
    }
    target, path = planted[kind]
    (theirs / "link").symlink_to(target)
    os.lchown(str(theirs / "link"), OTHER, OTHER)
    with pytest.raises(
        FileError, match="made by uid 12345, but what it leads to belongs to uid 0; only a link of root"
    ):
        content(theirs / path)
    # The same links, of root, or to what belongs to their maker, are.
    os.lchown(str(theirs / "link"), 0, 0)
    assert content(theirs / path) == b"secret"
    os.lchown(str(theirs / "link"), OTHER, OTHER)
    for one in (mine, mine / "file", mine / "sub", mine / "sub" / "file"):
        os.chown(str(one), OTHER, OTHER)
    assert content(theirs / path) == b"secret"


# What stops a write


def as_user(uid: int, work: t.Callable[[], object], limits: t.Mapping[int, int] = {}) -> str:
    """Do it in a process of its own; what it raised, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            for name, value in limits.items():
                resource.setrlimit(name, (value, value))
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read().decode()
    os.waitpid(child, 0)
    return said


class Stage(t.NamedTuple):
    """A file that cannot be written, by whom, and within which limits."""

    config: pathlib.Path
    uid: int = 0
    limits: t.Mapping[int, int] = {}


@contextlib.contextmanager
def mounted(folder: pathlib.Path, *options: str) -> t.Iterator[None]:
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def small_disk(tmp_path: pathlib.Path, options: str) -> t.Iterator[pathlib.Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", options, "none"):
        yield new_config(folder)


def new_config(folder: pathlib.Path) -> pathlib.Path:
    config = folder / "config.yml"
    config.write_bytes(OLD)
    config.chmod(0o640)
    os.setxattr(config, ACL, acl(OTHER))
    os.setxattr(config, LABEL, CONTEXT)
    os.utime(config, (1000, 1000))
    return config


@contextlib.contextmanager
def full(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    with small_disk(tmp_path, "size=64k") as config:
        yield Stage(config)


@contextlib.contextmanager
def without_inodes(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    with small_disk(tmp_path, "nr_inodes=6") as config:
        # Newer kernels take the room for attributes from that for inodes.
        with contextlib.suppress(OSError):
            for number in range(6):
                (config.parent / str(number)).touch()
        yield Stage(config)


@contextlib.contextmanager
def read_only(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    with small_disk(tmp_path, "size=1m") as config:
        subprocess.run(["mount", "-o", "remount,ro", str(config.parent)], check=True)
        yield Stage(config)


@contextlib.contextmanager
def immutable(tmp_path: pathlib.Path, what: str = "config.yml") -> t.Iterator[Stage]:
    config = new_config(tmp_path)
    subprocess.run(["chattr", "+i", str(tmp_path / what)], check=True)
    try:
        yield Stage(config)
    finally:
        subprocess.run(["chattr", "-i", str(tmp_path / what)], check=True)


@contextlib.contextmanager
def immutable_folder(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    with immutable(tmp_path, ".") as stage:
        yield stage


@contextlib.contextmanager
def mounted_file(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    config = new_config(tmp_path)
    with mounted(config, "--bind", str(config)):
        yield Stage(config)


@contextlib.contextmanager
def of_another(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    """The folder is the user's own, the file is not, and is read by the ACL."""
    config = new_config(tmp_path)
    open_the_way(tmp_path)
    os.chown(tmp_path, OTHER, OTHER)
    yield Stage(config, OTHER)


@contextlib.contextmanager
def in_a_closed_folder(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    config = new_config(tmp_path)
    open_the_way(tmp_path)
    yield Stage(config, OTHER)


@contextlib.contextmanager
def with_few_files(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    # The walk fits, more does not.
    yield Stage(new_config(tmp_path), limits={resource.RLIMIT_NOFILE: free_descriptor() + 2})


@contextlib.contextmanager
def with_a_small_ulimit(tmp_path: pathlib.Path) -> t.Iterator[Stage]:
    yield Stage(new_config(tmp_path), limits={resource.RLIMIT_FSIZE: 20000})


def free_descriptor() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    # The helper's own pipe takes two.
    return writer + 1


def open_the_way(folder: pathlib.Path) -> None:
    for one in (folder, *folder.parents):
        if stat.S_IMODE(one.stat().st_mode) & 0o011 != 0o011:
            one.chmod(0o711)


STOPS = [
    (full, "cannot be written: no space is left on its file system"),
    (without_inodes, r"cannot be written: no inode is left on its file system \(df -i shows that\)"),
    (read_only, "cannot be written: its file system is mounted read-only"),
    (immutable, r"cannot be replaced: the system does not permit it to root; is it immutable \(lsattr shows that\)"),
    (immutable_folder, "cannot be written: the system does not permit it to root; is it immutable"),
    (
        mounted_file,
        "cannot be replaced: it is a mount point, as a file that is mounted into a container is; write it where it is mounted from",
    ),
    (
        of_another,
        "belongs to uid 0 and gid 0, and only root can give a new file to them; run the task with become: true",
    ),
    (in_a_closed_folder, "cannot be written: uid 12345 has no permission"),
    (with_few_files, "cannot be entered: this process has too many open files"),
    (with_a_small_ulimit, r"cannot be written: it would be larger than this process may write \(ulimit -f\)"),
]


def everything_of(config: pathlib.Path) -> tuple[t.Any, ...]:
    found = config.stat()
    extended = {name: os.getxattr(config, name) for name in os.listxattr(config)}
    return (
        config.read_bytes(),
        found.st_mode,
        found.st_uid,
        found.st_gid,
        found.st_mtime_ns,
        found.st_ino,
        extended,
        sorted(config.parent.iterdir()),
    )


@pytest.mark.parametrize("stage, sentence", STOPS, ids=[stage.__name__ for stage, _sentence in STOPS])
def test_what_cannot_be_written_stays_as_it_was(
    tmp_path: pathlib.Path,
    stage: t.Callable[[pathlib.Path], t.ContextManager[Stage]],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "store_path", lambda: "/nowhere/at/all")
    with stage(tmp_path) as found:
        before = everything_of(found.config)
        said = as_user(found.uid, lambda: write(found.config, NEW), found.limits)
        assert re.search(f"^FileError: .*{sentence}", said) and (found.limits or str(found.config) in said), said
        assert everything_of(found.config) == before


def test_a_folder_that_lets_go_of_nothing_keeps_no_password(tmp_path: pathlib.Path) -> None:
    """Where the new file can neither take its place nor be taken away, nothing stays in it."""
    config = new_config(tmp_path)
    subprocess.run(["chattr", "+a", str(tmp_path)], check=True)
    try:
        said = as_user(0, lambda: write(config, NEW))
        assert re.search("^FileError: .*cannot be replaced: the system does not permit it to root", said), said
        left = [path for path in tmp_path.iterdir() if path != config]
        assert config.read_bytes() == OLD and [path.stat().st_size for path in left] == [0]
    finally:
        subprocess.run(["chattr", "-a", str(tmp_path)], check=True)
    write(config, NEW)
    assert config.read_bytes() == NEW and list(tmp_path.iterdir()) == [config]


def test_without_root_and_without_a_home(tmp_path: pathlib.Path) -> None:
    """Old files are kept in /var/tmp then, where somebody else may have made that folder before."""
    uid = 1_000_000 + os.getpid()
    config = new_config(tmp_path)
    open_the_way(tmp_path)
    for path in (tmp_path, config):
        os.chown(path, uid, uid)
    kept_in = pathlib.Path(f"/var/tmp/mailops.smtp-{uid}")

    def run() -> None:
        begin(config, ONE)
        assert stat.S_IMODE(kept_in.stat().st_mode) == 0o700 and len(list(kept_in.iterdir())) == 2
        write(config, NEW)
        assert (
            config.read_bytes() == NEW and restore(config, ONE).restored == [str(config)] and config.read_bytes() == OLD
        )
        with store.open_store(create=False) as opened:
            kept.finish(opened, [str(config)], ONE)

    try:
        assert as_user(uid, run) == "nothing" and list(kept_in.iterdir()) == []
        os.chown(kept_in, 0, 0)
        kept_in.chmod(0o755)
        assert f"FileError: {kept_in}, where old files are kept, belongs to uid 0" in as_user(uid, run)
        assert config.read_bytes() == OLD and config.stat().st_uid == uid
    finally:
        kept_in.rmdir()


@pytest.mark.parametrize("umask", [0o777, 0o277, 0o477, 0o000], ids=oct)
def test_a_users_umask_takes_nothing_away(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    """Neither from what this run makes for itself, nor from what a killed one leaves to the next."""
    monkeypatch.setattr(store, "store_path", lambda: str(tmp_path / "state" / "store"))
    config, fresh = new_config(tmp_path), tmp_path / "fresh.yml"
    open_the_way(tmp_path)
    for path in (tmp_path, config):
        os.chown(path, OTHER, OTHER)

    def killed() -> None:
        os.umask(umask)
        begin(config, ONE, fresh)
        with place_of(str(config)) as place, temporary.temporary_file(place):
            os._exit(0)

    def run() -> None:
        os.umask(umask)
        begin(config, TWO, fresh, dead=[ONE])
        write(config, NEW, run=TWO)
        write(fresh, NEW, run=TWO)
        assert (stat.S_IMODE(config.stat().st_mode), stat.S_IMODE(fresh.stat().st_mode)) == (0o640, 0o600)
        assert restore(config, TWO, fresh).stuck == [] and config.read_bytes() == OLD and not fresh.exists()
        with store.open_store(create=False) as opened:
            kept.finish(opened, [str(config), str(fresh)], TWO)

    assert as_user(OTHER, killed) == "" and as_user(OTHER, run) == "nothing"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yml", "state"]


def test_a_folder_that_is_mounted_twice_is_one_for_two_runs(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "store_path", lambda: str(tmp_path / "store"))
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "config.yml").write_bytes(OLD)
    begin(first / "config.yml", ONE)
    # Another folder with a file of this name is another one.
    assert begin(second / "config.yml", TWO).held == []
    with mounted(second, "--bind", str(first)):
        held = begin(second / "config.yml", {"pid": 3}).held
        assert str(first / "config.yml") in [one.path for one in held]
        assert begin(second / "config.yml", {"pid": 3}, dead=[TWO]).held[0].run == ONE
        done = edit.write(str(second / "config.yml"), NEW, edit.Wishes(None, None, None), run={"pid": 3}, dead=[TWO])
        assert done["held"][0]["path"] == str(first / "config.yml")
        assert (first / "config.yml").read_bytes() == OLD
        assert begin(second / "config.yml", {"pid": 3}, dead=[ONE, TWO]).held == []


def test_what_cannot_be_put_back_stays_kept(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full by the time: the sentence says where the old file is, it is there, and a later run puts it back."""
    monkeypatch.setattr(store, "store_path", lambda: str(tmp_path / "store"))
    with small_disk(tmp_path, "size=160k") as config:
        begin(config, ONE)
        write(config, NEW, run=ONE)
        filler = config.parent / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        back = restore(config, ONE)
        why = back.stuck[0]["why"]
        copy = pathlib.Path(str(back.stuck[0]["kept_as"]))
        assert f"cannot be written: no space is left on its file system. Put it back with: cp {copy} {config}." in str(
            why
        )
        assert config.read_bytes() == NEW and copy.read_bytes() == OLD
        filler.unlink()
        begin(config, TWO, dead=[ONE])
        assert restore(config, TWO).restored == [str(config)] and config.read_bytes() == OLD
        assert (
            stat.S_IMODE(config.stat().st_mode) == 0o640
            and config.stat().st_mtime == 1000
            and os.getxattr(config, ACL) == acl(OTHER)
        )


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=5"])
def test_nothing_is_claimed_where_nothing_can_be_kept(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    with small_disk(tmp_path, options) as config:
        monkeypatch.setattr(store, "store_path", lambda: str(config.parent / "store"))
        with pytest.raises(FileError, match="store/.* cannot be written: no (space|inode) is left"):
            begin(config, ONE, config.parent / "not there")
        assert list((config.parent / "store").iterdir()) == [] and config.read_bytes() == OLD


# Kills

DISKS = ["the disk", "tmpfs"]


@contextlib.contextmanager
def disk(kind: str, tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    if kind == "the disk":
        yield new_config(tmp_path)
        return
    with small_disk(tmp_path, "size=4m") as config:
        yield config


def killed(work: t.Callable[[], None], after: float) -> bool:
    """Do it in a process of its own, which is killed ``after`` seconds; whether that came too late."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"x")
            work()
        finally:
            os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    return os.WIFEXITED(os.waitpid(child, 0)[1])


class Aim:
    """Moments that fall into the work, however long it takes on this machine at this time."""

    def __init__(self, first: float) -> None:
        self.longest = first

    def kill(self, work: t.Callable[[], None]) -> None:
        late = killed(work, random.uniform(0, self.longest))
        self.longest *= 0.9 if late else 1.1


@pytest.mark.parametrize("kind", DISKS)
def test_a_killed_writer_leaves_the_old_or_the_new_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(store, "store_path", lambda: "/nowhere/at/all")
    with disk(kind, tmp_path) as config:
        seen, left, number = set(), 0, 0
        contents = [OLD, NEW]

        def exchange_with_backup() -> None:
            edit.write(str(config), contents[0], edit.Wishes(None, None, None), run=ONE, dead=[], backup=True)

        aim = Aim(0.005)
        # Until some were hit in the middle, however quick the disk is.
        while number < 250 or (left <= 10 and number < 1500):
            number += 1
            contents.sort(key=lambda content: content == config.read_bytes())
            aim.kill(exchange_with_backup if number % 5 == 0 else lambda: write(config, contents[0]))
            now = config.read_bytes()
            assert now in (OLD, NEW)
            seen.add(now)
            left += len([one for one in config.parent.iterdir() if one.name.startswith(".")])
            for backup in config.parent.glob("config.yml.*~"):
                assert backup.read_bytes() in (OLD, NEW)
                backup.unlink()
        assert seen == {OLD, NEW} and left > 10
        assert os.getxattr(config, ACL) == acl(OTHER) and stat.S_IMODE(config.stat().st_mode) == 0o640
        assert os.getxattr(config, LABEL) == CONTEXT
        edit.look_at(str(config), edit.Wishes(None, None, None), run=ONE, dead=[])
        assert list(config.parent.iterdir()) == [config]


@pytest.mark.parametrize("kind", DISKS)
def test_a_killed_run_is_finished_by_the_next(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whenever it is killed, the next run finds the original and goes back to it, unless all was finished."""
    with disk(kind, tmp_path) as config:
        monkeypatch.setattr(store, "store_path", lambda: str(tmp_path / "store"))
        fresh = config.parent / "fresh"

        def whole_run() -> None:
            begin(config, ONE, fresh)
            write(config, NEW, run=ONE)
            write(fresh, NEW, run=ONE)
            with store.open_store(create=False) as opened:
                kept.finish(opened, [str(config), str(fresh)], ONE)

        def reset() -> None:
            config.write_bytes(OLD)
            fresh.unlink(missing_ok=True)

        aim, taken_over = Aim(0.02), 0
        for tries in range(1000):
            if tries >= 50 and taken_over > 2:
                break  # on a busy machine few of them hit
            reset()
            aim.kill(whole_run)
            state = (config.read_bytes(), fresh.read_bytes() if fresh.exists() else None)
            assert state[0] in (OLD, NEW) and state[1] in (None, NEW)
            unfinished = begin(config, TWO, fresh, dead=[ONE]).unfinished
            taken_over += len(unfinished)
            back = restore(config, TWO, fresh)
            assert back.stuck == []
            if unfinished:
                assert str(config) not in unfinished or config.read_bytes() == OLD
                assert str(fresh) not in unfinished or not fresh.exists()
            else:
                assert (config.read_bytes(), fresh.read_bytes() if fresh.exists() else None) == state and state in (
                    (OLD, None),
                    (NEW, NEW),
                )
            with store.open_store(create=False) as opened:
                kept.finish(opened, [str(config), str(fresh)], TWO)
            assert [*(tmp_path / "store").iterdir()] == [] and {one.name for one in config.parent.iterdir()} <= {
                "config.yml",
                "fresh",
                "store",
            }
        assert taken_over > 2


@pytest.mark.parametrize(
    "command, words",
    [("true", "has no %s in it"), ("sh -c 'true %s", "cannot be read as a command .*close its quotes")],
)
def test_a_validating_command_that_would_look_at_nothing_is_refused(command: str, words: str) -> None:
    """Whoever asks for it: an app's file, or a template of mail_config."""
    with pytest.raises(FileError, match=words):
        validator(t.cast(t.Any, None), command)


@pytest.mark.parametrize("way", ["file", "folder"])
def test_what_an_app_holds_is_not_read_through_a_link_that_somebody_planted(tmp_path: pathlib.Path, way: str) -> None:
    """The app's user links its config to root's file; root's own links and theirs to their own files are followed."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private/config.yml").write_text("root's")
    theirs = tmp_path / "app"
    theirs.mkdir()
    link, path = (
        (theirs / "config.yml", theirs / "config.yml") if way == "file" else (theirs / "sub", theirs / "sub/config.yml")
    )
    link.symlink_to(tmp_path / ("private/config.yml" if way == "file" else "private"))
    os.lchown(link, OTHER, OTHER)
    with pytest.raises(
        FileError, match="made by uid 12345, but what it leads to belongs to uid 0; only a link of root"
    ):
        app_mail_config_info.read(str(path))
    os.lchown(link, 0, 0)
    found = app_mail_config_info.read(str(path))
    assert found is not None and found["path"] == str(tmp_path / "private/config.yml")
    # What leads to nothing is a file that is not there, whoever made it.
    (tmp_path / "private/config.yml").unlink()
    os.lchown(link, OTHER, OTHER)
    assert app_mail_config_info.read(str(path)) is None
    assert app_mail_config_info.read(str(theirs / "no/such/config.yml")) is None


def test_an_audit_reads_nothing_through_a_link_that_somebody_planted(tmp_path: pathlib.Path) -> None:
    """Whoever owns an app's folder may link to root's files; root's own links are followed, and theirs to their own files."""
    (tmp_path / "secret").write_text("smtp password")
    link = tmp_path / "app/.env"
    link.parent.mkdir()
    for target, owner, readable in (("../secret", OTHER, False), ("../secret", 0, True), ("own", OTHER, True)):
        link.unlink(missing_ok=True)
        (tmp_path / "app/own").write_text("smtp")
        os.chown(tmp_path / "app/own", OTHER, OTHER)
        link.symlink_to(target)
        os.chown(link, owner, owner, follow_symlinks=False)
        found = read_file(str(tmp_path), "/app/.env")
        assert (found["content"] is not None) is readable, found
        assert readable or "/app/.env is a symbolic link to ../secret, made by uid 12345" in found["error"]
        assert str(tmp_path) not in str(found)


@pytest.mark.parametrize("way", ["file", "folder", "new file"])
def test_the_callbacks_file_is_not_written_through_a_link_that_somebody_planted(
    tmp_path: pathlib.Path, way: str
) -> None:
    """In a folder of others, root's file stays as it is, and none comes about beside it; root's own links are followed."""
    record = Record(time="2026-11-29T21:00:00+00:00", kind="skipped", host="one")
    (tmp_path / "private").mkdir()
    target = tmp_path / "private/verdicts.jsonl"
    if way != "new file":
        target.write_text("root's\n")
    link = tmp_path / ("link" if way == "folder" else "verdicts.jsonl")
    link.symlink_to(tmp_path / "private" if way == "folder" else target)
    path = link / "verdicts.jsonl" if way == "folder" else link
    os.lchown(link, OTHER, OTHER)
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(OSError, match="made by uid 12345, but what it leads to belongs to uid 0; only a link of root"):
        append(str(path), [record])
    assert (target.read_bytes() if target.exists() else None) == before
    os.lchown(link, 0, 0)
    assert append(str(path), [record]) == 1 and target.read_bytes().startswith(before or b"{")


def test_a_report_is_not_written_into_a_folder_by_a_link_that_somebody_planted(tmp_path: pathlib.Path) -> None:
    """A link in the place of the file itself is replaced, whoever made it."""
    mine, link = tmp_path / "private", tmp_path / "reports"
    mine.mkdir()
    link.symlink_to(mine)
    os.lchown(link, OTHER, OTHER)
    for folder in (link, link / "new"):
        with pytest.raises(SettingsError, match="reports is a symbolic link .* made by uid 12345") as raised:
            write_file(str(folder / "index.html"), ["new"], 0o600, "dest")
        assert "write a folder of yours into dest" in str(raised.value) and not list(mine.iterdir())
    odd = tmp_path / "odd\x1b[2K"
    odd.symlink_to(mine)
    link.unlink()
    link.symlink_to(odd)
    with pytest.raises(SettingsError, match="letters in it that cannot be shown"):
        write_file(str(link / "index.html"), ["new"], 0o600, "dest")
    with pytest.raises(OSError, match="letters in it that cannot be shown"):
        append(str(link / "verdicts.jsonl"), [Record(time="2026-11-29T21:00:00+00:00", kind="skipped", host="one")])
    link.unlink()
    link.symlink_to(mine)
    (mine / "secret").write_text("root's")
    (mine / "index.html").symlink_to("secret")
    os.lchown(mine / "index.html", OTHER, OTHER)
    write_file(str(link / "index.html"), ["new"], 0o600, "dest")
    assert (mine / "index.html").read_text() == "new" and (mine / "secret").read_text() == "root's"

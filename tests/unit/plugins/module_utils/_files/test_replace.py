# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a file: whole or not at all, with what it had, never over somebody else's change."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import stat
import struct

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files import temporary
from ansible_collections.mailops.smtp.plugins.module_utils._files.attributes import new_file
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import back_up, read, remove, replace
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import place_of

ACL = "system.posix_acl_access"


def facts(path: pathlib.Path) -> tuple:
    """All of a file's facts but when it was last read, which reading changes."""
    found = path.stat()
    return (*found[:7], found.st_mtime_ns, found.st_ctime_ns)


def acl(uid: int) -> bytes:
    """user::rw-, user:UID:r--, group::r--, mask::r--, other::---, as the kernel takes it."""
    none = 0xFFFFFFFF
    entries = [(0x01, 6, none), (0x02, 4, uid), (0x04, 4, none), (0x10, 4, none), (0x20, 0, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@pytest.fixture()
def config(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "config.yml"
    path.write_text("old")
    path.chmod(0o640)
    return path


def write(path: pathlib.Path, content: bytes = b"new", **more: object) -> None:
    with place_of(str(path)) as place:
        seen = read(place)
        replace(place, content, seen.attributes if seen else new_file(), seen, **more)  # type: ignore[arg-type]


def names(folder: pathlib.Path) -> list:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_keeps_what_it_has(config: pathlib.Path) -> None:
    os.setxattr(str(config), "user.note", b"mine")
    os.setxattr(str(config), ACL, acl(12345))
    before = config.stat()
    write(config)
    after = config.stat()
    assert config.read_text() == "new" and (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert os.getxattr(str(config), ACL) == acl(12345) and os.getxattr(str(config), "user.note") == b"mine"
    assert names(config.parent) == ["config.yml"]


def test_a_folders_default_acl_does_not_open_it(config: pathlib.Path) -> None:
    os.setxattr(str(config.parent), "system.posix_acl_default", acl(12345))
    write(config)
    assert ACL not in os.listxattr(str(config)) and stat.S_IMODE(config.stat().st_mode) == 0o640


def test_it_is_private_from_the_first_byte(config: pathlib.Path) -> None:
    seen = []
    config.chmod(0o666)

    def check(path: str) -> None:
        seen.append(
            (
                os.path.dirname(path),
                os.path.splitext(path)[1],
                stat.S_IMODE(os.stat(path).st_mode),
                pathlib.Path(path).read_text(),
            )
        )

    write(config, check=check)
    write(config.parent / "fresh.yml", check=check)
    assert seen == [(str(config.parent), ".yml", 0o600, "new")] * 2
    assert stat.S_IMODE((config.parent / "fresh.yml").stat().st_mode) == 0o600


def test_a_check_that_refuses_leaves_the_old_file(config: pathlib.Path) -> None:
    def check(_path: str) -> None:
        raise FileError("no")

    before = facts(config)
    with pytest.raises(FileError, match="^no$"):
        write(config, check=check)
    assert facts(config) == before and config.read_text() == "old" and names(config.parent) == ["config.yml"]


@pytest.mark.parametrize("change", ["in place", "renamed", "removed", "mode", "new"])
def test_what_somebody_else_changed_meanwhile_stays(config: pathlib.Path, change: str) -> None:
    def check(_path: str) -> None:
        if change in ("in place", "new"):
            with open(str(path), "w") as file:
                file.write("xxx")
        elif change == "renamed":
            (path.parent / "other").write_text("old")
            (path.parent / "other").rename(path)
        elif change == "removed":
            path.unlink()
        else:
            path.chmod(0o600)

    path = config if change != "new" else config.parent / "fresh.yml"
    with pytest.raises(FileError, match="was changed by somebody else meanwhile, so it stays as it is now; run again"):
        write(path, check=check)
    assert not [name for name in names(config.parent) if name.startswith(".")]
    assert (
        not path.exists()
        if change == "removed"
        else path.read_text() == ("xxx" if change in ("in place", "new") else "old")
    )


def test_a_file_as_large_as_a_disk_is_not_read(config: pathlib.Path) -> None:
    """Its owner can make one that takes no room at all."""
    os.truncate(str(config), 1 << 40)
    with pytest.raises(FileError, match="config.yml has more than 16 MiB, which no file of settings has; correct path"):
        write(config)


@pytest.mark.parametrize("kind", ["file", "link", "pipe", "dangling"])
def test_what_is_in_the_way_is_removed_and_not_followed(config: pathlib.Path, kind: str) -> None:
    name = config.parent / temporary.temporary_name("config.yml")
    precious = config.parent / "precious"
    precious.write_text("precious")
    if kind == "file":
        name.write_text("a password that a killed run left")
    elif kind == "pipe":
        os.mkfifo(str(name))
    else:
        name.symlink_to(precious if kind == "link" else config.parent / "nothing")
    write(config)
    assert (
        config.read_text() == "new"
        and precious.read_text() == "precious"
        and names(config.parent) == ["config.yml", "precious"]
    )


def test_what_is_exchanged_in_the_very_moment_is_told(config: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write in the folder can put another file under the name between the last look and the rename."""
    rename, theirs = os.rename, config.parent / "theirs"

    def exchange(source: str, target: str, **folders: int) -> None:
        theirs.write_text("theirs")
        rename(theirs, config.parent / source)
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", exchange)
    with pytest.raises(FileError, match="config.yml is not what was written: somebody else exchanged it, or .*~config"):
        write(config)
    assert config.read_text() == "theirs"


def test_a_second_writer_is_refused(config: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "PATIENCE", 0.1)
    name = config.parent / temporary.temporary_name("config.yml")
    with open(str(name), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(FileError, match="is being written by another process"):
            write(config)
        assert name.exists() and config.read_text() == "old"
    write(config)
    assert config.read_text() == "new"


def test_only_the_name_of_a_hard_link_that_is_named_changes(config: pathlib.Path) -> None:
    os.link(str(config), str(config.parent / "other"))
    write(config)
    assert (config.parent / "other").read_text() == "old" and config.read_text() == "new"


def test_a_backup_never_takes_an_existing_name(config: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda _form: "now")
    precious = config.parent / "precious"
    precious.write_text("precious")
    (config.parent / "config.yml.{0}.now~".format(os.getpid())).symlink_to(precious)
    with place_of(str(config)) as place:
        seen = read(place)
        assert seen is not None
        kept = pathlib.Path(back_up(place, seen))
    assert kept.name.endswith(".now.1~") and kept.read_text() == "old" and precious.read_text() == "precious"
    assert kept.stat().st_mode == config.stat().st_mode and kept.stat().st_mtime_ns == config.stat().st_mtime_ns


def test_long_names_work(tmp_path: pathlib.Path) -> None:
    path = tmp_path / ("ä" * 125 + ".yml")
    write(path)
    assert path.read_text() == "new" and names(tmp_path) == [path.name]


def test_remove_takes_only_what_was_seen(config: pathlib.Path) -> None:
    with place_of(str(config)) as place:
        seen = read(place)
        assert seen is not None
        config.write_text("else")
        with pytest.raises(FileError, match="changed by somebody else"):
            remove(place, seen)
        again = read(place)
        assert again is not None
        remove(place, again)
    assert names(config.parent) == []


@pytest.mark.parametrize(
    "number, words",
    [
        (errno.EDQUOT, "a quota of its file system, for .* or for the folder, is used up"),
        (errno.EIO, "its disk reports an error"),
        (errno.ESTALE, ".* mounted over the network"),
        (errno.ENOTRECOVERABLE, "state not recoverable"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_what_the_system_says_is_in_the_sentence(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, call: str
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    before = facts(config)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(FileError, match="^{0} cannot be (written|replaced): {1}".format(config, words)):
            write(config)
    assert facts(config) == before and config.read_text() == "old" and names(config.parent) == ["config.yml"]


@pytest.mark.parametrize("silent", [True, False])
def test_a_file_system_that_knows_no_modes_and_owners(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    """As vfat, with the option quiet and without; not every kernel has it."""

    def refuse(_opened: int, *_wanted: int) -> None:
        if not silent:
            raise PermissionError(errno.EPERM, "no")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fchmod", refuse)
        with pytest.raises(
            FileError, match="cannot be given mode 0640: on its file system, .* it has mode 0600 whatever"
        ):
            write(config)
    assert config.read_text() == "old"
    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if not silent:
        with place_of(str(config)) as place:
            seen = read(place)
            assert seen is not None
            with pytest.raises(FileError, match="its file system lets not even root give a new file to them"):
                replace(place, b"new", seen.attributes._replace(uid=os.getuid() + 1), seen)
        assert config.read_text() == "old"

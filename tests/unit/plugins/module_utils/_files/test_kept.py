# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep old files, put them back, and take over what a broken-off run left."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, kept, store
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError

ONE, TWO = {"pid": 1}, {"pid": 2}
NO_WISHES = edit.Wishes(None, None, None)


class Host(t.NamedTuple):
    """A private folder, and the files a (which is there) and b (which is not)."""

    store: pathlib.Path
    a: pathlib.Path
    b: pathlib.Path

    @property
    def paths(self) -> t.List[str]:
        return [str(self.a), str(self.b)]

    def begin(
        self, run: t.Dict[str, int], *dead: t.Dict[str, int], paths: t.Optional[t.List[str]] = None
    ) -> kept.Claim:
        with store.open_store(create=True) as opened:
            assert opened is not None
            return kept.begin(opened, paths or self.paths, run, "test", dead)

    def write(
        self, run: t.Dict[str, int], path: pathlib.Path, text: str, *dead: t.Dict[str, int]
    ) -> t.Dict[str, t.Any]:
        return edit.write(str(path), text.encode(), NO_WISHES, run=run, dead=dead)

    def restore(self, run: t.Dict[str, int]) -> t.Tuple[t.List[str], t.List[t.Dict[str, t.Optional[str]]]]:
        with store.open_store(create=False) as opened:
            return kept.restore(opened, self.paths, run)[:2]

    def finish(
        self, run: t.Dict[str, int], paths: t.Optional[t.List[str]] = None
    ) -> t.List[t.Dict[str, t.Optional[str]]]:
        with store.open_store(create=False) as opened:
            return kept.finish(opened, self.paths if paths is None else paths, run)

    def kept(self) -> t.List[str]:
        return sorted(one.name.rpartition(".")[2] for one in self.store.iterdir())


@pytest.fixture()
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host(tmp_path / "store", tmp_path / "a", tmp_path / "b")
    monkeypatch.setattr(store, "store_path", lambda: str(found.store))
    found.a.write_text("old")
    found.a.chmod(0o640)
    os.utime(str(found.a), (1000, 1000))
    return found


def test_put_back_and_finish(host: Host) -> None:
    before = host.a.stat()
    assert host.begin(ONE) == kept.Claim([], [], [], [str(host.b)])
    assert stat.S_IMODE(host.store.stat().st_mode) == 0o700
    host.write(ONE, host.a, "new")
    host.write(ONE, host.b, "new")
    assert host.restore(ONE) == (host.paths, [])
    assert host.a.read_text() == "old" and not host.b.exists()
    assert (host.a.stat().st_mode, host.a.stat().st_mtime) == (before.st_mode, before.st_mtime)
    # Until it is finished, everything is still kept: what reads the files may run with the new ones.
    assert host.kept() == ["json", "json", "old"]
    assert host.restore(ONE) == ([], []) and host.finish(ONE) == [] and host.kept() == []


def test_attributes_alone_are_put_back(host: Host) -> None:
    host.begin(ONE)
    edit.write(str(host.a), b"old", edit.Wishes(None, None, "0600"), run=ONE, dead=[])
    assert stat.S_IMODE(host.a.stat().st_mode) == 0o600
    assert host.restore(ONE) == ([str(host.a)], []) and stat.S_IMODE(host.a.stat().st_mode) == 0o640


def test_another_run_is_refused_and_neither_loses_the_original(host: Host) -> None:
    host.begin(ONE)
    host.write(ONE, host.a, "new")
    held = host.begin(TWO).held
    assert [(one.path, one.name, one.run, one.unfinished) for one in held] == [
        (str(host.a), "test", ONE, True),
        (str(host.b), "test", ONE, False),
    ]
    assert 0 <= held[0].age < 60
    assert host.write(TWO, host.a, "mine")["held"][0]["run"] == ONE and host.a.read_text() == "new"
    assert host.restore(TWO) == ([], []) and host.finish(TWO) == [] and host.a.read_text() == "new"
    assert host.restore(ONE) == ([str(host.a)], []) and host.a.read_text() == "old"


def test_all_or_none_are_claimed(host: Host) -> None:
    host.begin(ONE, paths=[str(host.b)])
    assert [one.path for one in host.begin(TWO).held] == [str(host.b)]
    assert host.kept() == ["json"]
    host.finish(ONE)
    with pytest.raises(FileError, match="which is a folder"):
        host.begin(TWO, paths=[str(host.a), str(host.store)])
    assert host.kept() == []


@pytest.mark.parametrize("how", ["claimed", "written", "put back", "absent written"])
def test_what_a_broken_off_run_left_is_taken_over(host: Host, how: str) -> None:
    host.begin(ONE)
    if how != "claimed":
        host.write(ONE, host.b if how == "absent written" else host.a, "new")
    if how == "put back":
        host.restore(ONE)
    claim = host.begin(TWO, ONE)
    assert claim.held == [] and claim.unfinished == {"claimed": [], "absent written": [str(host.b)]}.get(
        how, [str(host.a)]
    )
    # b was not there before, whether the other run has made it or not; a was.
    assert claim.absent == [str(host.b)]
    host.write(TWO, host.a, "newer")
    host.write(TWO, host.b, "newer")
    assert host.restore(TWO) == (host.paths, []) and host.a.read_text() == "old" and not host.b.exists()
    host.finish(TWO)
    assert host.kept() == []


def test_a_change_of_somebody_else_is_never_taken_back(host: Host) -> None:
    host.begin(ONE)
    host.write(ONE, host.a, "new")
    host.a.write_text("by hand")
    restored, stuck = host.restore(ONE)
    assert restored == [] and host.a.read_text() == "by hand"
    assert stuck[0]["path"] == str(host.a) and "was changed by somebody else since it was written" in str(
        stuck[0]["why"]
    )
    assert pathlib.Path(str(stuck[0]["kept_as"])).read_text() == "old" and "cp {0} {1}.".format(
        stuck[0]["kept_as"], host.a
    ) in str(stuck[0]["why"])
    # It stays kept, until a later run has taken the file as it is now.
    assert len(host.finish(ONE)) == 1 and pathlib.Path(str(stuck[0]["kept_as"])).exists()
    assert host.begin(TWO, ONE).unfinished == [str(host.a)]
    host.write(TWO, host.a, "newer")
    assert host.restore(TWO)[0] == [str(host.a)] and host.a.read_text() == "by hand"


@pytest.mark.parametrize("text", ["", "new", "by hand"])
def test_a_change_of_somebody_else_since_the_claim_is_not_overwritten(host: Host, text: str) -> None:
    host.begin(ONE)
    if text == "new":
        host.write(ONE, host.a, "new")
    elif text:
        host.a.write_text(text)

    def write() -> t.Dict[str, t.Any]:
        return edit.write(str(host.a), b"newer", NO_WISHES, run=ONE, dead=[], as_claimed=True)

    if text == "by hand":
        with pytest.raises(FileError, match="was changed by somebody else meanwhile"):
            write()
        host.b.write_text(text)
        with pytest.raises(FileError, match="b was changed by somebody else meanwhile"):
            edit.write(str(host.b), b"newer", NO_WISHES, run=ONE, dead=[], as_claimed=True)
        assert (host.a.read_text(), host.b.read_text()) == (text, text)
    else:
        assert write()["changed"] and host.a.read_text() == "newer"
        assert host.restore(ONE)[0] == [str(host.a)] and host.a.read_text() == "old"


def test_what_other_files_a_broken_off_run_left_is_told(host: Host) -> None:
    host.begin(ONE)
    host.write(ONE, host.a, "new")
    claim = host.begin(TWO, paths=[str(host.a.parent / "c")])
    assert [(one.path, one.unfinished) for one in claim.others] == [(str(host.a), True), (str(host.b), False)]
    # What had changed nothing goes; the rest waits, until all is gone together with its folder.
    host.begin(TWO, ONE, paths=[str(host.a.parent / "c")])
    assert host.kept() == ["json", "json", "old"] and claim.others[0].record == str(
        host.store / store.record_path(str(host.a))
    )
    moved = host.a.parent.parent / (host.a.parent.name + "x")
    (moved / "sub").mkdir(parents=True)
    (moved / "sub" / "a").write_text("old")
    sub = str(moved / "sub" / "a")
    host.begin(ONE, paths=[sub])
    edit.write(sub, b"new", NO_WISHES, run=ONE, dead=[])
    assert any(one.path == sub and one.unfinished for one in host.begin(TWO, paths=[str(host.a.parent / "c")]).others)
    (moved / "sub" / "a").unlink()
    (moved / "sub").rmdir()
    assert not any(
        one.path == sub and one.unfinished for one in host.begin(TWO, ONE, paths=[str(host.a.parent / "c")]).others
    )
    assert host.kept() == ["json", "json", "old"]


def test_a_damaged_copy_is_not_put_back(host: Host) -> None:
    host.begin(ONE)
    host.write(ONE, host.a, "new")
    next(host.store.glob("*.old")).write_text("ol")
    assert "is not what was kept" in str(host.restore(ONE)[1][0]["why"]) and host.a.read_text() == "new"


def test_the_folder_must_be_private(host: Host) -> None:
    host.store.mkdir(0o755)
    with pytest.raises(FileError, match="must belong to uid .* with mode 0700"):
        host.begin(ONE)
    host.store.rmdir()
    host.store.symlink_to(host.a.parent)
    with pytest.raises(FileError, match="where old files are kept"):
        host.begin(ONE)


def test_a_link_and_its_file_are_one(host: Host) -> None:
    link = host.a.parent / "link"
    link.symlink_to(host.a)
    host.begin(ONE, paths=[str(link), str(host.a)])
    assert host.kept() == ["json", "old"]
    assert host.begin(TWO, paths=[str(host.a)]).held


def test_half_made_copies_go(host: Host) -> None:
    host.begin(ONE)
    (host.store / "new~").write_text("half a password")
    (host.store / (32 * "0" + "." + 16 * "1" + ".old")).write_text("a password")
    (host.store / "mailpit.json").write_text("of another part of the collection")
    host.begin(ONE)
    assert host.kept() == ["json", "json", "json", "old"]


def test_what_was_read_is_what_is_replaced(host: Host) -> None:
    found = edit.look_at(str(host.a), NO_WISHES, run=ONE, dead=[])
    host.a.write_text("by hand")
    with pytest.raises(FileError, match="was changed by somebody else meanwhile"):
        edit.write(str(host.a), b"new", NO_WISHES, run=ONE, dead=[], checksum=found["checksum"])
    gone = edit.look_at(str(host.b), NO_WISHES, run=ONE, dead=[])
    host.b.write_text("by hand")
    with pytest.raises(FileError, match="was changed by somebody else meanwhile"):
        edit.write(str(host.b), b"new", NO_WISHES, run=ONE, dead=[], checksum=gone["checksum"])
    assert host.a.read_text() == host.b.read_text() == "by hand"


def test_what_was_not_written_after_all_is_not_put_back(host: Host) -> None:
    def check(_path: str) -> None:
        host.a.write_text("by hand")

    host.begin(ONE)
    with pytest.raises(FileError, match="was changed by somebody else meanwhile"):
        edit.write(str(host.a), b"new", NO_WISHES, run=ONE, dead=[], check=check)
    assert host.restore(ONE) == ([], []) and host.a.read_text() == "by hand"
    assert host.finish(ONE) == [] and host.kept() == []


# What asks the system about files.
CALLS = (
    "open fstat stat readlink listdir read write fsync rename link unlink mkdir fchmod fchown ftruncate close".split()
)


class Failing:
    """The so many-th of these calls fails; ``hit`` tells whether it came to that. A file that fails to close is closed, as in Linux."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.left, self.hit = name, number, False
        self.usual: t.Callable[..., t.Any] = getattr(os, name)

    def __enter__(self) -> Failing:
        setattr(os, self.name, self)
        return self

    def __exit__(self, *_error: object) -> None:
        setattr(os, self.name, self.usual)

    def __call__(self, *args: t.Any, **options: t.Any) -> t.Any:
        self.left -= 1
        if self.left:
            return self.usual(*args, **options)
        self.hit = True
        if self.name == "close":
            self.usual(*args)
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("step", ["begin", "write", "restore", "finish"])
@pytest.mark.parametrize("name", CALLS)
def test_whatever_call_fails_gets_a_sentence_and_the_next_run_has_all_it_needs(
    host: Host, name: str, step: str
) -> None:
    steps: t.Dict[str, t.Callable[[], object]] = {
        "begin": lambda: host.begin(ONE),
        "write": lambda: [host.write(ONE, host.a, "new"), host.write(ONE, host.b, "new")],
        "restore": lambda: host.restore(ONE),
        "finish": lambda: host.finish(ONE),
    }
    before = list(steps)[: list(steps).index(step)]
    for number in range(1, 300):
        host.a.write_text("old")
        for one in before:
            steps[one]()
        with Failing(name, number) as failing:
            try:
                steps[step]()
            except FileError as error:
                assert failing.hit and str(error).endswith(".") and str(error).isprintable()
        assert host.a.read_text() in ("old", "new")
        # The next run is this one's successor, and goes back.
        host.begin(TWO, ONE)
        host.restore(TWO)
        assert host.finish(TWO) == [] and host.kept() == []
        assert {one.name for one in host.a.parent.iterdir()} <= {"a", "b", "store"}
        if step in ("begin", "restore", "finish"):
            assert host.a.read_text() == "old" and not host.b.exists()
        if host.b.exists():
            host.b.unlink()
        if not failing.hit:
            return
    raise AssertionError("without end")

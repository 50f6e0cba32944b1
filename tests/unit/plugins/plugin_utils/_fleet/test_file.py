# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of records stays whole when several processes append to it, after one was killed, and when the disk is full."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import resource
import signal
import stat
import tracemalloc

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append, read_file, where
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable

TIME = "2026-11-29T21:00:00+00:00"


def _record(host: str, length: int = 0) -> Record:
    return Record(time=TIME, kind="skipped", host=host, message="x" * length)


def _append_many(path: str, name: str) -> None:
    for number in range(60):
        append(path, [_record(f"{name}-{number}", 9000), _record(f"{name}-{number}-b", 70000)])


def test_several_processes_append_whole_lines(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "verdicts.jsonl")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(path, str(number))) for number in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    found = list(read_file(path))
    hosts = [one.host for one in found if isinstance(one, Record)]
    assert len(found) == len(set(hosts)) == 4 * 60 * 2
    # The records of one call stand together.
    assert all(second == f"{first}-b" for first, second in zip(hosts[::2], hosts[1::2]))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_line_that_was_cut_off_is_ended_first(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    append(str(path), [_record("one")])
    with path.open("a") as file:
        file.write('{"format":1,"ti')
    last = list(read_file(str(path)))[-1]
    assert isinstance(last, Unreadable) and "not whole" in last.sentence
    append(str(path), [_record("two")])
    found = list(read_file(str(path)))
    assert [isinstance(one, Record) for one in found] == [True, False, True]


def test_what_does_not_fit_leaves_no_half_line(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "verdicts.jsonl")
    append(path, [_record("one")])
    before = pathlib.Path(path).read_bytes()
    limits, old = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
        with pytest.raises(OSError):
            append(path, [_record("two", 5000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert pathlib.Path(path).read_bytes() == before


def test_what_is_no_file_is_refused(tmp_path: pathlib.Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "nowhere" / "file"):
        with pytest.raises(OSError):
            append(str(path), [_record("one")])
    assert append(str(tmp_path / "none"), []) == 0 and not (tmp_path / "none").exists()


def test_paths_count_from_where_the_user_stands(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert where("a/b.jsonl") == str(tmp_path / "a/b.jsonl") and where("~/b") == str(tmp_path / "home/b")


def test_a_line_without_an_end_fills_no_memory(tmp_path: pathlib.Path) -> None:
    """A file of another kind, or one with holes: 200 MB of zeros between two records."""
    path = tmp_path / "records"
    append(str(path), [_record("one")])
    with path.open("r+b") as file:
        file.seek(200 * 1024 * 1024)
        file.write(b"\n")
    append(str(path), [_record("two")])
    tracemalloc.start()
    found = list(read_file(str(path)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.number if isinstance(one, Unreadable) else one.host for one in found] == ["one", 2, "two"]
    assert isinstance(found[1], Unreadable) and "It has more than" in found[1].sentence
    assert most < 30 * 1024 * 1024

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that runs from sources in memory, in a process of its own, as on a host."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils import _from_memory

_FILES = {
    "top.room.said": "from .inner import one, text\n\n\ndef answer(word, times=1):\n    return {'said': one.double(word) * times, 'text': text.TEXT}\n",
    "top.room.inner.one": "from __future__ import annotations\n\n\ndef double(word: Unknown) -> Unknown:\n    return word * 2\n",
    "top.room.inner.text": "TEXT = 'Grüße \\udc80'\n",
    "top.room.broken": "def answer():\n    raise OSError(5, 'it was so')\n",
    "top.room.wrong": "def\n",
}


def _run(module: str, **arguments: object) -> t.Dict[str, t.Any]:
    source = pathlib.Path(str(_from_memory.__file__)).read_text(encoding="utf-8")
    script = f"{source}\nrun({_FILES!a}, {module!r}, {arguments!r})\n"
    done = subprocess.run(
        [sys.executable, "-"], input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return t.cast(t.Dict[str, t.Any], json.loads(done.stdout.decode("ascii")))


def test_a_module_and_what_it_imports() -> None:
    assert _run("top.room.said", word="ab", times=2) == {"said": "abababab", "text": "Grüße \udc80"}


def test_a_failure_is_told_with_the_place() -> None:
    said = _run("top.room.broken")
    assert said["failed"] and said["exception"].strip().endswith("OSError: [Errno 5] it was so")
    assert 'File "top.room.broken", line 2, in answer' in said["exception"]


def test_a_python_that_cannot_read_it() -> None:
    assert "SyntaxError" in _run("top.room.wrong")["exception"]


def test_what_was_not_sent_is_not_there() -> None:
    assert "No module named 'top.room.absent'" in _run("top.room.absent")["exception"]

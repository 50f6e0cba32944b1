# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML: what is changed in it, what stays, and what is refused."""

from __future__ import annotations

import tomllib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, Opaque, load_format
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples

TOML = load_format("toml")
HOST, PORT = ("smtp", "host"), ("smtp", "port")
CHANGED: dict[str, tuple[str, dict[tuple[str, ...], t.Any], str]] = {
    "a value": ('[smtp]\nhost = "a" # c\n', {HOST: "b"}, '[smtp]\nhost = "b" # c\n'),
    "a number": ("[smtp]\nport=25\n", {PORT: 465}, "[smtp]\nport=465\n"),
    "a text that is no number": ('[smtp]\nport = "465"\n', {PORT: 465}, "[smtp]\nport = 465\n"),
    "single quotes": ("[smtp]\nhost = 'a'\n", {HOST: 'b"c\\d'}, "[smtp]\nhost = 'b\"c\\d'\n"),
    "over several lines": (
        '[smtp]\nhost = """a\n[x]\nport = 1"""\nb = 1\n',
        {HOST: "b"},
        '[smtp]\nhost = "b"\nb = 1\n',
    ),
    "a new key": (
        '[smtp]\nhost = "a"\n\n[z]\nport = 1\n',
        {HOST: "a", PORT: 465},
        '[smtp]\nhost = "a"\nport = 465\n\n[z]\nport = 1\n',
    ),
    "a table that is empty": ("[smtp]\n# none\n[z]\nx = 1\n", {PORT: 1}, "[smtp]\nport = 1\n# none\n[z]\nx = 1\n"),
    "a new table, CRLF": ("a = 1\r\n", {PORT: 465}, "a = 1\r\n\r\n[smtp]\r\nport = 465\r\n"),
    "an empty file": ("", {PORT: 465}, "[smtp]\nport = 465\n"),
    "names with dots": ('smtp.host = "a"\nb = 2\n', {HOST: "a", PORT: 1}, 'smtp.host = "a"\nsmtp.port = 1\nb = 2\n'),
    "no last line break": ('[smtp]\nhost = "a"', {HOST: "b", PORT: 1}, '[smtp]\nhost = "b"\nport = 1\n'),
    "a table without a line break": ("[smtp]", {PORT: 1}, "[smtp]\nport = 1\n"),
    "a key without a table": ("# c\n[z]\nx = 1\n", {("host",): "b"}, '# c\nhost = "b"\n[z]\nx = 1\n'),
    "others with brackets and quotes": (
        '[[a]]\nhost = "1"\n[[a]]\nhost = "2"\n[smtp]\nlist = [\n  "]", # ]\n]\nhost = "x"\n',
        {HOST: "b"},
        '[[a]]\nhost = "1"\n[[a]]\nhost = "2"\n[smtp]\nlist = [\n  "]", # ]\n]\nhost = "b"\n',
    ),
}


@pytest.mark.parametrize(("before", "wanted", "after"), CHANGED.values(), ids=CHANGED)
def test_what_is_changed(before: str, wanted: dict[tuple[str, ...], t.Any], after: str) -> None:
    assert TOML.edit(before, wanted) == after
    assert TOML.edit(after, wanted) == after


def test_what_is_taken_out() -> None:
    text = '[smtp]\nhost = "a" # c\nport = 1\n[z]\nx = 1979-05-27\n'
    assert TOML.edit(text, {}, [PORT]) == '[smtp]\nhost = "a" # c\n[z]\nx = 1979-05-27\n'
    assert isinstance(TOML.read(text)[("z", "x")], Opaque)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[smtp]\nhost = "s3cret\n', "line 2 is not valid TOML"),
        ("[smtp]\nhost = 1\nhost = 2\n", "is not valid TOML"),
        ('smtp = {host = "s3cret"}\n', r"line 1: smtp is written as one value; write it as a table, \[smtp\]"),
        ("a = 1\nsmtp = 1\n", "line 2: smtp is written as one value"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence) as error:
        TOML.edit(text, {HOST: "b"})
    assert "s3cret" not in str(error.value)


@given(st.text(max_size=20), st.sampled_from(['"old"', "'old'", '"""old"""', "1", "[1]"]))
@settings(max_examples=examples(200), deadline=None)
def test_any_value_is_read_back(value: str, old: str) -> None:
    before = f"a = 1\n[smtp]\nhost = {old} # c\nx = 'y'\n"
    try:
        after = TOML.edit(before, {HOST: value})
    except FormatError:
        assert "\0" in value
        return
    assert tomllib.loads(after) == {"a": 1, "smtp": {"host": value, "x": "y"}} and "# c\n" in after

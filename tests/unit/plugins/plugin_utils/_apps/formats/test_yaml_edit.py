# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML editor: what it changes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import os

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_edit import edit, quote, read, remove
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import MAX_CHARACTERS, YamlError
from hypothesis import example, given, settings
from hypothesis import strategies as st

WANTED = {"host": "smtp.example.com", "port": 465, "secure": True}
MANAGED = ("host", "port", "secure", "user", "pass")
BLOCK = 'email:\n    host: "smtp.example.com"\n    port: 465\n    secure: true\n'


def put(text: str, wanted=None, path=("email",), block: str = BLOCK) -> str:
    return edit(text, path, WANTED if wanted is None else wanted, MANAGED, block)


UNCHANGED = [
    "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
    "email:\n  secure: True # as other YAML writers do\n  port: 465\n  host: 'smtp.example.com'",
    'email: {"host":"smtp.example.com","port":465,"secure":true}',
    "relay: &relay smtp.example.com\nemail:\n  host: *relay\n  port: 465\n  secure: true\n",
    "email:\n  host: |-\n    smtp.example.com\n  port: 465\n  secure: true\n  theirs: 1\n",
    "email: &unused\n  host: &also smtp.example.com\n  port: 465\n  secure: true\n",
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_what_is_right_already_stays(text: str) -> None:
    assert put(text) == text


CHANGED = {
    "a value keeps its style, its comment and its blanks": (
        "email:\n  host:   old   # was: old\n  port: 465\n  secure: true\n",
        "email:\n  host:   smtp.example.com   # was: old\n  port: 465\n  secure: true\n",
    ),
    "single quotes stay": (
        "email:\n  host: 'old'\n  port: 465\n  secure: true\n",
        "email:\n  host: 'smtp.example.com'\n  port: 465\n  secure: true\n",
    ),
    "a quoted number and boolean are texts to the app": (
        "email:\n  host: smtp.example.com\n  port: '465'\n  secure: \"true\"\n",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
    ),
    "what YAML versions disagree on is written anew": (
        "email:\n  host: smtp.example.com\n  port: 0o721\n  secure: yes\n",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
    ),
    "a tagged value": (
        "email:\n  host: smtp.example.com\n  port: !!str 465\n  secure: true\n",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
    ),
    "missing keys go behind the last single value, at the section's indentation": (
        "a: 1\nemail:\n      host: smtp.example.com # c\n      theirs:\n        - 1\n\n# end\nb: 2\n",
        "a: 1\nemail:\n      host: smtp.example.com # c\n      port: 465\n      secure: true\n      theirs:\n        - 1\n\n# end\nb: 2\n",
    ),
    "missing keys ahead of what is no single value": (
        "email:\n  # theirs\n  theirs:\n    - 1\n",
        'email:\n  # theirs\n  host: "smtp.example.com"\n  port: 465\n  secure: true\n  theirs:\n    - 1\n',
    ),
    "keys that must go": (
        "email:\n  user: a # who\n  host: smtp.example.com\n  # about pass\n  pass: |\n    x\n\n  port: 465\n  secure: true\n",
        "email:\n  host: smtp.example.com\n  # about pass\n\n  port: 465\n  secure: true\n",
    ),
    "all that was there goes": (
        "email:\n  user: a\nb: 1\n",
        'email:\n  host: "smtp.example.com"\n  port: 465\n  secure: true\nb: 1\n',
    ),
    "an empty value": (
        "email:\n  host:\n  port:   # none yet\n  secure: ~\n",
        'email:\n  host: "smtp.example.com"\n  port: 465   # none yet\n  secure: true\n',
    ),
    "an empty value at the very end": (
        "email:\n  port: 465\n  host:",
        'email:\n  port: 465\n  host: "smtp.example.com"\n  secure: true',
    ),
    "a block text and its comment": (
        "email:\n  host: >- # folded\n    old\n    text\n\n  port: 465\n  secure: true\n",
        'email:\n  host: "smtp.example.com" # folded\n\n  port: 465\n  secure: true\n',
    ),
    "a value over many lines": (
        "email:\n  host: old\n    text\n  port: 465\n  secure: true\n",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
    ),
    "an alias gives way to the value": (
        "old: &old x\nemail:\n  host: *old\n  port: 465\n  secure: true\n",
        'old: &old x\nemail:\n  host: "smtp.example.com"\n  port: 465\n  secure: true\n',
    ),
    "merged keys are written out": (
        "all: &all {host: x}\nemail:\n  <<: *all\n  port: 465\n  secure: true\n",
        'all: &all {host: x}\nemail:\n  <<: *all\n  port: 465\n  secure: true\n  host: "smtp.example.com"\n',
    ),
    "CRLF and BOM": (
        "\ufeffemail:\r\n  host: old\r\nb: 1\r\n",
        "\ufeffemail:\r\n  host: smtp.example.com\r\n  port: 465\r\n  secure: true\r\nb: 1\r\n",
    ),
    "no final line break stays so": (
        "email:\n  host: old",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true",
    ),
    "null": (
        "email: null # none\nb: 1\n",
        'email: # none\n    host: "smtp.example.com"\n    port: 465\n    secure: true\nb: 1\n',
    ),
    "nothing": (
        "a:\n  b: 1\nemail:\n",
        'a:\n  b: 1\nemail:\n  host: "smtp.example.com"\n  port: 465\n  secure: true\n',
    ),
    "an empty flow mapping": ("email: {}", 'email:\n    host: "smtp.example.com"\n    port: 465\n    secure: true'),
    "a flow mapping": (
        "email: {host: old, user: me, pass: x, theirs: [1, 2],}\n",
        "email: {host: smtp.example.com, theirs: [1, 2], port: 465, secure: true,}\n",
    ),
    "a flow mapping of which nothing stays": (
        "email: {user: me}\n",
        'email: {host: "smtp.example.com", port: 465, secure: true}\n',
    ),
    "JSON": (
        '{\n  "a": 1,\n  "email": {\n    "host": "old",\n    "port": 25\n  }\n}\n',
        '{\n  "a": 1,\n  "email": {\n    "host": "smtp.example.com",\n    "port": 465,\n    "secure": true\n  }\n}\n',
    ),
    "JSON without the section": (
        '{\n  "a": 1,\n  "b": 2\n}\n',
        '{\n  "a": 1,\n  "b": 2,\n  "email": {"host": "smtp.example.com", "port": 465, "secure": true}\n}\n',
    ),
    "JSON null": ('{"email": null}', '{"email": {"host": "smtp.example.com", "port": 465, "secure": true}}'),
    "an empty file": ("", BLOCK),
    "comments only": ("# mine\n", "# mine\n\n" + BLOCK),
    "a bare document": ("---\n", "---\n" + BLOCK),
    "an empty mapping": ("{}\n", BLOCK),
    "the section is added at the end": ("a: 1 # c\n# end", "a: 1 # c\n# end\n\n" + BLOCK),
    "the section is added ahead of the end marker": ("a: 1\n...\n", "a: 1\n\n" + BLOCK + "...\n"),
    "an indented document": ("  a: 1\n", "  a: 1\n\n" + "".join("  " + line + "\n" for line in BLOCK.splitlines())),
    "a text that keeps its line breaks would take in a blank line": ("a: |+\n  x\n\n", "a: |+\n  x\n\n" + BLOCK),
    "a text that ends without a line break would gain one": ("a: |\n  x", BLOCK + "a: |\n  x"),
}


@pytest.mark.parametrize("text, expected", CHANGED.values(), ids=CHANGED.keys())
def test_only_what_must_change_changes(text: str, expected: str) -> None:
    assert put(text) == expected
    assert put(expected) == expected


REFUSED = {
    "tab": ("a: 1\n\tb: 2\n", "line 2, column 1 has a tab where YAML wants blanks"),
    "broken": ("a: 1\nb: [s3cret\nc: 2\n", "is not valid YAML"),
    "unknown anchor": ("a: *s3cret\n", "line 1 names an anchor that is not there"),
    "control character": ("a: 1\nb: \x01\n", "line 2 has a character that YAML forbids"),
    "two documents": ("a: 1\n---\nb: 1\n", "line 2 starts a second document"),
    "a list": ("- s3cret\n", "the top of the file holds a list"),
    "a text": ("s3cret\n", "the top of the file holds a single value"),
    "section is a text": ("email: s3cret\n", "line 1: email holds a single value"),
    "section is a list": ("email:\n  - s3cret\n", "email holds a list"),
    "section twice": ("email: {}\na: 1\nemail: {}\n", "email is there more than once (lines 1 and 3)"),
    "key twice": ("email:\n  host: s3cret\n  host: b\n", "email.host is there more than once (lines 2 and 3)"),
    "value is a list": ("email:\n  host: [s3cret]\n", "line 2: host holds a list"),
    "value is a mapping": ("email:\n  host:\n    s3cret: 1\n", "host holds a mapping"),
    "section is an alias": ("a: &a {host: s3cret}\nemail: *a\n", "line 2: email is an alias"),
    "section is shared": (
        "email: &a {host: s3cret}\nb: *a\n",
        "email carries an anchor that other parts of the file use",
    ),
    "value is shared": ("email:\n  host: &h s3cret\nb: *h\n", "email.host carries an anchor"),
    "explicit key": ("email:\n  ? host\n  : s3cret\n", "line 2: the key host is not written as `host: value`"),
    "key without a value in a flow mapping": ("{email}\n", "the key email is not written as"),
    "tagged section": ("email: !mine\n  host: s3cret\n", "email carries a tag"),
    "merged key that must go": (
        "a: &a {user: s3cret}\nemail:\n  <<: *a\n  host: x\n",
        "email.user comes from a merged mapping",
    ),
    "too deep": ("a: " + "[" * 200 + "]" * 200, "nested more than 100 levels deep"),
    "too large": ("#" * (MAX_CHARACTERS + 1), "which is no config file"),
}


@pytest.mark.parametrize("text, sentence", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_edited_is_refused_without_quoting_it(text: str, sentence: str) -> None:
    with pytest.raises(YamlError) as error:
        put(text)
    assert sentence in str(error.value)
    assert "s3cret" not in str(error.value)


def test_other_sections_may_hold_what_ours_may_not() -> None:
    text = "a: !vault s3cret\nb: {x: 1, x: 2}\n? [complex, key]\n: *n\n".replace("*n", "1") + "c: 2026-99-99\n"
    assert put(text) == text + "\n" + BLOCK


def test_a_section_below_others() -> None:
    path = ("notifier", "smtp")
    block = 'notifier:\n  smtp:\n    host: "h"\n'
    wanted = {"host": "h"}
    assert put("a: 1\n", wanted, path, block) == "a: 1\n\n" + block
    assert (
        put("notifier:\n    disk: {}\n# end\na: 1\n", wanted, path, block)
        == 'notifier:\n    disk: {}\n    smtp:\n        host: "h"\n# end\na: 1\n'
    )
    assert put("notifier: # none\na: 1\n", wanted, path, block) == 'notifier: # none\n  smtp:\n    host: "h"\na: 1\n'
    assert put("notifier: {disk: 1}\n", wanted, path, block) == 'notifier: {disk: 1, smtp: {host: "h"}}\n'
    assert put("notifier: {}\n", wanted, path, block) == 'notifier:\n  smtp:\n    host: "h"\n'
    assert put("{notifier: {}}\n", wanted, path, block) == '{notifier: {smtp: {host: "h"}}}\n'
    assert remove("notifier:\n  smtp:\n    host: x\n", path, MANAGED) == "notifier:\n"


def test_keys_at_the_top_of_the_file() -> None:
    assert (
        put("# mine\nhost: x\nother: 1\n", {"host": "h", "port": 1}, (), "host: h\n")
        == "# mine\nhost: h\nother: 1\nport: 1\n"
    )
    assert remove("host: x\nother: 1\nport: 2\n", (), MANAGED) == "other: 1\n"
    assert put("", {"host": "h"}, (), 'host: "h"\n') == 'host: "h"\n'


REMOVED = {
    "nothing of ours": ("email:\n  theirs: 1\n", "email:\n  theirs: 1\n"),
    "no section": ("a: 1\n", "a: 1\n"),
    "no text": ("", ""),
    "ours only": ("a: 1\nemail:\n  host: x # c\n  pass: y\n\n# b\nb: 1\n", "a: 1\n\n# b\nb: 1\n"),
    "ours and theirs": ("email:\n  host: x\n  theirs: 1\n  pass: y", "email:\n  theirs: 1\n"),
    "an empty section": ("email:\nb: 1\n", "b: 1\n"),
    "in a flow mapping": ("{a: 1, email: {host: x}, b: 2}", "{a: 1, b: 2}"),
    "alone in a flow mapping": ('{"email": {"host": "x"}}', "{}"),
    "the last of the file": ("email: {host: x}\n", ""),
}


@pytest.mark.parametrize("text, expected", REMOVED.values(), ids=REMOVED.keys())
def test_removal(text: str, expected: str) -> None:
    assert remove(text, ("email",), MANAGED) == expected


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("email:\n  host: &h s3cret\nb: *h\n", "carries an anchor"),
        ("email:\n  host: [s3cret]\n", "holds a list"),
        ("a: &a {host: s3cret}\nemail: *a\n", "is an alias"),
    ],
)
def test_removal_refused(text: str, sentence: str) -> None:
    with pytest.raises(YamlError, match=sentence) as error:
        remove(text, ("email",), MANAGED)
    assert "s3cret" not in str(error.value)


def test_reading() -> None:
    text = "all: &all {host: a, port: 25}\nemail:\n  <<: *all\n  port: '465'\n  secure: true\n  user:\n"
    assert read(text, ("email",)) == {"host": "a", "port": "465", "secure": True, "user": None}
    assert read(text, ("mail",)) is None
    assert read("email: 1\n", ("email",)) is None
    assert read("", ("email",)) is None


def test_merges_of_merges_take_no_time() -> None:
    lines = ["m0: &m0 {host: x}"] + [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 40)]
    text = "\n".join([*lines, "self: &self {<<: *self}", "email: {<<: [*m39, *self]}"]) + "\n"
    assert read(text, ("email",)) == {"host": "x"}


NASTY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=0, max_size=40)


@settings(deadline=None)
@given(NASTY)
@example("{{ x }}")
@example("'\"#\n\r\t\x7f\x85\u2028\ufeff\U0001f600: - ")
@example("yes")
@example("0o17")
def test_quoted_texts_arrive_exactly(value: str) -> None:
    assert yaml.safe_load(f"key: {quote(value)}\n") == {"key": value}
    assert "\n" not in quote(value)


@settings(deadline=None)
@given(old=NASTY, new=NASTY, style=st.sampled_from(["plain", "single", "double", "block"]))
def test_any_value_replaces_any_value(old: str, new: str, style: str) -> None:
    written = {"plain": "old", "single": "'it''s'", "double": quote(old), "block": "|\n    old\n    text"}[style]
    text = (
        f"a: 1\nemail:\n  host: {written} # c\nb: 2\n"
        if style != "block"
        else f"a: 1\nemail:\n  host: {written}\nb: 2\n"
    )
    changed = edit(text, ("email",), {"host": new}, ("host",), BLOCK)
    assert yaml.safe_load(changed) == {"a": 1, "email": {"host": new}, "b": 2}
    assert changed.startswith("a: 1\nemail:\n  host: ") and changed.endswith("b: 2\n")
    assert edit(changed, ("email",), {"host": new}, ("host",), BLOCK) == changed


# Whole files: pieces as people write them, in any order, with any line end, the section anywhere in any form.

PIECES = st.sampled_from(
    [
        "# a comment\n",
        "\n",
        " \n",
        "#: odd {[ 'comment\n",
        "key{n}: value\n",
        "key{n}:    'quoted # not a comment'   # comment\n",
        'key{n}: "x: \\t \\" y"\n',
        "key{n}:\n  - 1\n  - two # c\n\n  - {a: b, c: [d, e]}\n",
        "key{n}:\n- 1\n-   - 2\n    - 3\n",
        "key{n}:\n    deep:\n        deeper: # c\n            deepest: ~\n",
        "key{n}: |\n  text\n   more: x\n\n  email:\n    host: not ours\n",
        "key{n}: >-\n  folded\n  text\n",
        "key{n}: plain\n  over lines\n",
        "key{n}: &anchor{n} {x: 1}\n",
        "'key {n}': [1, 2,\n  3] # c\n",
        "key{n}: !custom {a: 1}\n",
        "key{n}: !!binary aGVsbG8=\n",
        "key{n}: 2026-01-31\n",
        "? key{n}\n: value\n",
        "key{n}:\n",
        "key{n}: |+\n  keeps\n\n\n",
        "\"key{n}\": 'it''s'\n",
        "key{n}: {}\n",
        "    # an indented comment\n",
    ]
)
SECTIONS = st.sampled_from(
    [
        "",
        "email:\n",
        "email: ~ # none\n",
        "email: {}\n",
        "email:\n  host: old # c\n",
        "email:\n    # c\n    user: me\n    pass: 'x'\n    theirs: [1]\n",
        "email: {host: old, theirs: 1}\n",
        "email:\n  port: '465'\n\n  secure: off\n\n",
        "'email':\n        host: |\n          old\n        pass:\n",
        "email:\n  host: smtp.example.com\n  port: 465\n  secure: true\n",
        "email: # c\n\n  theirs:\n    host: not ours\n",
    ]
)


def _file(before: list[str], section: str, after: list[str], br: str, bom: bool, final: bool) -> tuple[str, str, str]:
    head = "".join(piece.replace("{n}", str(n)) for n, piece in enumerate(before))
    tail = "".join(piece.replace("{n}", str(n + 100)) for n, piece in enumerate(after))
    if not final:
        tail = tail.rstrip(" \n")
    parts = (("\ufeff" if bom else "") + head, section, tail)
    return tuple(part.replace("\n", br) for part in parts)  # type: ignore[return-value]


@settings(deadline=None)
@given(
    before=st.lists(PIECES, max_size=6),
    section=SECTIONS,
    after=st.lists(PIECES, max_size=6),
    br=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    final=st.booleans(),
)
def test_any_file_keeps_all_but_the_section(
    before: list[str], section: str, after: list[str], br: str, bom: bool, final: bool
) -> None:
    head, middle, tail = _file(before, section, after, br, bom, final)
    text = head + middle + tail
    changed = put(text)
    _same_elsewhere(text, changed)
    assert read(changed, ("email",)).items() >= WANTED.items()
    assert put(changed) == changed
    if section:
        assert changed.startswith(head) and changed.endswith(tail)
    else:
        # Added as a whole: what stands ahead of it and behind it is the old text.
        ahead, behind = (
            len(os.path.commonprefix([text, changed])),
            len(os.path.commonprefix([text[::-1], changed[::-1]])),
        )
        assert ahead + behind >= len(text)
    try:
        gone = remove(changed, ("email",), MANAGED)
    except YamlError:
        # What stands behind the section (an indented comment, say) would fall to a block text ahead of it.
        assert "|" in text or ">" in text
        return
    _same_elsewhere(changed, gone)
    assert not set(read(gone, ("email",)) or {}) & set(MANAGED)
    if section:
        assert gone.startswith(head) and gone.endswith(tail)


def _same_elsewhere(one: str, other: str) -> None:
    assert _without_section(one) == _without_section(other)


def _without_section(text: str) -> dict[str, str]:
    """Every other key's value as PyYAML's own composer sees it: an eye that is not the editor's."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None or not isinstance(root, yaml.MappingNode):
        return {}
    return {
        key.value: yaml.serialize(value, Dumper=yaml.SafeDumper) for key, value in root.value if key.value != "email"
    }

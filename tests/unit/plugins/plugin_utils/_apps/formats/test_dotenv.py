# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dotenv in the dialects of its readers: what is changed, what stays, what is refused, and which values come back."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, Opaque, load_format
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.passwords import AWKWARD

DOTENV = load_format("dotenv")
WANTED = {("SMTP_HOST",): "smtp.example.com", ("SMTP_PORT",): "465"}

CHANGED = {
    "a value keeps its comment and its blanks": (
        "# mine\nSMTP_HOST=old # was: old\nOTHER='x y'\nSMTP_PORT=465\n",
        "# mine\nSMTP_HOST=smtp.example.com # was: old\nOTHER='x y'\nSMTP_PORT=465\n",
    ),
    "quotes stay": ("SMTP_HOST=\"old\"\nSMTP_PORT='25'\n", "SMTP_HOST=\"smtp.example.com\"\nSMTP_PORT='465'\n"),
    "a new key goes below the last of ours": (
        "SMTP_HOST=old\nOTHER=1\n",
        "SMTP_HOST=smtp.example.com\nSMTP_PORT=465\nOTHER=1\n",
    ),
    "new keys go to the end": ("OTHER=1\n", "OTHER=1\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n"),
    "no last line break": ("OTHER=1", "OTHER=1\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465"),
    "nothing": ("", "SMTP_HOST=smtp.example.com\nSMTP_PORT=465\n"),
    "commented out": ("#SMTP_HOST=old\n", "#SMTP_HOST=old\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n"),
    "the last of two counts": (
        "SMTP_HOST=a\nSMTP_HOST=b\nSMTP_PORT=465\n",
        "SMTP_HOST=a\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n",
    ),
    "CRLF and a byte order mark": (
        "\ufeffSMTP_HOST=old\r\n\r\nOTHER=1\r\n",
        "\ufeffSMTP_HOST=smtp.example.com\r\nSMTP_PORT=465\r\n\r\nOTHER=1\r\n",
    ),
    "an empty value": ("SMTP_HOST=\nSMTP_PORT=465\n", "SMTP_HOST=smtp.example.com\nSMTP_PORT=465\n"),
    "a variable gives way": ("SMTP_HOST=${H:-x}\nSMTP_PORT=465\n", "SMTP_HOST=smtp.example.com\nSMTP_PORT=465\n"),
    "what must go": (
        "SMTP_USER=a # who\n# pass\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n",
        "# pass\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\n",
    ),
}


@pytest.mark.parametrize("before, after", CHANGED.values(), ids=CHANGED.keys())
@pytest.mark.parametrize("dialect", [name for name in DOTENV.dialects if name not in ("docker", "systemd")])
def test_only_what_must_change_changes(before: str, after: str, dialect: str) -> None:
    if "\r" in before and dialect == "shell":
        return  # see below
    if "\ufeff" in before and dialect not in ("compose", "node"):
        before, after = before.lstrip("\ufeff"), after.lstrip("\ufeff")
    assert DOTENV.edit(before, WANTED, [("SMTP_USER",)], dialect) == after
    assert DOTENV.edit(after, WANTED, [("SMTP_USER",)], dialect) == after


def test_a_shell_takes_a_carriage_return_into_the_value() -> None:
    assert DOTENV.read("A=x\r\n", dialect="shell") == {("A",): "x\r"}
    assert DOTENV.edit("A=x\r\nB=y\r\n", {("A",): "z"}, (), "shell") == "A=z\nB=y\r\n"
    # A line of ours has none, whatever the others end with.
    assert DOTENV.edit("A=x\r\n", {("B",): "z"}, (), "shell") == "A=x\r\nB=z\n"
    assert DOTENV.edit("A=x\r\nexport C= ", {("B",): "z"}, (), "shell") == "A=x\r\nexport C= \nB=z"


def test_versions_of_python_dotenv_end_a_value_at_two_places() -> None:
    text = 'A="x\\\\"\nB=y\nC="z"\n'
    assert isinstance(DOTENV.read(text, dialect="python")[("A",)], Opaque)
    with pytest.raises(FormatError, match="line 1 has a backslash in front of its closing quote"):
        DOTENV.edit(text, {("B",): "z"}, (), "python")


def test_blanks_of_other_scripts_are_blanks_to_python_dotenv() -> None:
    assert DOTENV.read("A=\xa0x\n", dialect="python") == {("A",): "x"}
    assert DOTENV.edit("", {("A",): "\xa0x"}, (), "python") == "A='\xa0x'\n"


def test_three_backslashes_do_not_keep_symfonys_quotes_open() -> None:
    assert isinstance(DOTENV.read('A="end\\\\\\""\n', dialect="symfony")[("A",)], Opaque)
    assert DOTENV.edit("", {("A",): 'end\\"'}, (), "symfony") == "A='end\\\"'\n"


def test_phpdotenv_looks_for_a_quote_behind_an_equals_sign_anywhere() -> None:
    assert isinstance(DOTENV.read("A='=\"x'\nB=y\n", dialect="php")[("A",)], Opaque)
    assert DOTENV.read("A='=\"x\"'\nB=y\n", dialect="php")[("A",)] == '="x"'


def test_phpdotenv_takes_the_lines_that_it_put_together_into_the_comment() -> None:
    text = 'A=1#2\n# a note\nB="x"\n'
    assert isinstance(DOTENV.read('A=\';="x\'#2\nB="x"\n', dialect="php")[("A",)], Opaque)
    assert DOTENV.edit(text, {("A",): ';="x\\'}, (), "php") == 'A= ";=\\"x\\\\"#2\n# a note\nB="x"\n'


def test_an_empty_value_never_stops_rubys_dotenv() -> None:
    assert DOTENV.edit("export A=x\n", {("A",): ""}, (), "ruby") == "export A=''\n"
    assert DOTENV.edit("A=\r\nB=y\r\n", {("A",): "z"}, (), "ruby") == "A=z\r\nB=y\r\n"
    # $( without an end would keep its backslash in double quotes.
    assert DOTENV.edit("", {("A",): "<1+$(,"}, (), "ruby") == "A='<1+$(,'\n"


@pytest.mark.parametrize("dialect", ["systemd", "docker"])
def test_a_reader_that_knows_no_export_has_no_such_variable(dialect: str) -> None:
    text = "export A=old\nB=1\n"
    assert ("A",) not in DOTENV.read(text, dialect=dialect)
    assert DOTENV.edit(text, {("A",): "x"}, (), dialect) == "export A=old\nB=1\nA=x\n"
    assert DOTENV.edit(text, {}, [("A",)], dialect) == text


def test_export_blanks_and_a_value_over_lines() -> None:
    text = 'export SMTP_HOST=old\nKEY="-----BEGIN\nSMTP_PORT=1\n-----END"\nSMTP_PORT=25\n'
    for dialect in ("compose", "node", "python", "php", "ruby", "shell"):
        assert DOTENV.edit(text, WANTED, [], dialect) == text.replace("old", "smtp.example.com").replace(
            "=25", "=465"
        ), dialect


READ = {
    "compose": (
        "A=x #c\nB='a$b'\nC=\"a\\nb\\$\"\nD: y\nE=$X\nF='it\\'s'\nG=a#b\n",
        {"A": "x", "B": "a$b", "C": "a\nb$", "D": "y", "E": Opaque("variable", "$X"), "F": "it's", "G": "a#b"},
    ),
    "systemd": (
        "A=x #c\n;B=1\nB='a\\b'\nC=\"a\\nb\\$\"\nD = y\nE=$X\nF='a' \"b\"\nG=a\\\nb\n",
        {"A": "x #c", "B": "a\\b", "C": "a\\nb$", "D": "y", "E": "$X", "F": "ab", "G": "ab"},
    ),
    "shell": (
        "A=x #c\nB='a$b'\"c\"\nC=\"a\\nb\\$\"\nE=$X\nF='it'\\''s'\nG=a#b\nH=`id`\n. /etc/x\n",
        {
            "A": "x",
            "B": "a$bc",
            "C": "a\\nb$",
            "E": Opaque("variable", "$X"),
            "F": "it's",
            "G": "a#b",
            "H": Opaque("variable", "`id`"),
        },
    ),
    "docker": ("A=x #c\nB='a'\nC=$X \n#D=1\n", {"A": "x #c", "B": "'a'", "C": "$X "}),
    "python": (
        "A=x #c\nB='a$b'\nC=\"a\\nb\"\nE=${X}\nF='it\\'s'\nG=a#b\nH=$X\n",
        {"A": "x", "B": "a$b", "C": "a\nb", "E": Opaque("variable", "${X}"), "F": "it's", "G": "a#b", "H": "$X"},
    ),
    "node": (
        "A=x #c\nB='a$b'\nC=\"a\\nb\"\nD: y\nE=$X\nF=`it's`\nG=a#b\n",
        {"A": "x", "B": "a$b", "C": "a\nb", "D": "y", "E": "$X", "F": "it's", "G": "a"},
    ),
    "php": (
        "A=x #c\nB='a$b'\nC=\"a\\nb\\$\"\nE=${X}\nG=a#b\n",
        {"A": "x", "B": "a$b", "C": "a\nb$", "E": Opaque("variable", "${X}"), "G": "a"},
    ),
    "symfony": (
        "A=x #c\nB='a$b'\nC=\"a\\nb\"\nE=$X\nF='it'\"'\"'s'\nG=a#b\n",
        {"A": "x", "B": "a$b", "C": "a\nb", "E": Opaque("variable", "$X"), "F": "it's", "G": "a#b"},
    ),
    "ruby": (
        "A=x #c\nB='a$b'\nC=\"a\\bb\"\nE=$X\nG=a#b\n",
        {"A": "x", "B": "a$b", "C": "abb", "E": Opaque("variable", "$X"), "G": "a"},
    ),
}


@pytest.mark.parametrize("dialect", READ)
def test_every_reader_in_its_own_way(dialect: str) -> None:
    text, expected = READ[dialect]
    assert {path[0]: value for path, value in DOTENV.read(text, dialect=dialect).items()} == expected


@pytest.mark.parametrize(
    "text, wanted, sentence",
    [
        ("A=1\n", {("P",): "s3cret\0"}, "the value for P has a NUL byte"),
        ("A=1\n", {("P",): "s3cret\nB=1"}, "the value for P has a line break"),
    ],
)
def test_refused_without_quoting_it(text: str, wanted: dict[tuple[str, ...], str], sentence: str) -> None:
    for dialect in DOTENV.dialects:
        with pytest.raises(FormatError) as error:
            DOTENV.edit(text, wanted, [], dialect)
        assert sentence in str(error.value) and "s3cret" not in str(error.value)


@pytest.mark.parametrize("dialect", DOTENV.dialects)
def test_awkward_passwords_come_back_or_are_refused(dialect: str) -> None:
    text = (
        '# top\nAFTER=\'quoted "x"\'\nSMTP_PASS=old # pw\nLAST=`it\'s`\nEND="a#b"\n'
        if dialect != "php"
        else '# top\nSMTP_PASS=old # pw\nEND="a#b"\n'
    )
    text = text.replace("LAST=`it's`\n", "") if dialect in ("compose", "ruby", "python", "shell", "symfony") else text
    for password in AWKWARD:
        try:
            new = DOTENV.edit(text, {("SMTP_PASS",): password}, [], dialect)
        except FormatError as error:
            assert password not in str(error) or len(password) < 3
            continue
        assert DOTENV.read(new, dialect=dialect)[("SMTP_PASS",)] == password
        assert DOTENV.edit(new, {("SMTP_PASS",): password}, [], dialect) == new
        assert new.startswith("# top\n") and new.endswith('END="a#b"\n')


@pytest.mark.parametrize("password", ["'\\", "'$\\", "$\"'\\", "it's $5 \\\\", "'=\"\\"])
def test_phpdotenv_holds_an_apostrophe_beside_a_last_backslash(password: str) -> None:
    """Behind a blank it does not look for the closing quote in further lines."""
    new = DOTENV.edit("A='x'\nP=old # pw\nB=\"y\"\n", {("P",): password}, [], "php")
    assert 'P= "' in new
    assert DOTENV.read(new, dialect="php") == {("A",): "x", ("P",): password, ("B",): "y"}
    assert DOTENV.edit(new, {("P",): "plain"}, [], "php") == 'A=\'x\'\nP= "plain" # pw\nB="y"\n'


def test_hardly_anything_is_refused() -> None:
    refused = {}
    for dialect in DOTENV.dialects:
        for password in AWKWARD:
            try:
                DOTENV.edit("A=1\n", {("P",): password}, [], dialect)
            except FormatError:
                refused.setdefault(dialect, []).append(password)
    # Their readers have no way to say these.
    assert refused == REFUSED


REFUSED = {"python": ["${HOME}", "${X:-y}"]}


@settings(deadline=None)
@given(
    st.sampled_from(DOTENV.dialects), st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=30)
)
@example("compose", "\\'")
def test_any_password(dialect: str, password: str) -> None:
    try:
        new = DOTENV.edit("A='1'\nB=\"2\"\n", {("P",): password}, [], dialect)
    except FormatError:
        return
    others = DOTENV.read("A='1'\nB=\"2\"\n", dialect=dialect)
    assert DOTENV.read(new, dialect=dialect) == {**others, ("P",): password}

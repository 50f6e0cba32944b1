# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML: what is changed in it, what stays, and what is refused; Jenkins' own file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_absent, plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, load_format
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples

XML = load_format("xml")
APP = load_descriptor("jenkins_xml")
HEAD = "<?xml version='1.1' encoding='UTF-8'?>\n<hudson.tasks.Mailer_-DescriptorImpl plugin=\"mailer@472.v\">\n"
TAIL = "</hudson.tasks.Mailer_-DescriptorImpl>"
OLD = (
    f"{HEAD}  <!-- <smtpHost>no</smtpHost> -->\n  <hudsonUrl>https://ci.example.com/</hudsonUrl>\n"
    "  <smtpHost>old.example</smtpHost>\n  <useSsl>false</useSsl>\n  <useTls>true</useTls>\n"
    f"  <smtpPort>587</smtpPort>\n  <replyToAddress></replyToAddress>\n  <charset>UTF-8</charset>\n{TAIL}"
)
HOST, USER = ("smtpHost",), ("authentication", "username")
CHANGED = {
    "a value": (f"{HEAD}  <smtpHost>a</smtpHost>\n{TAIL}", {HOST: "b"}, f"{HEAD}  <smtpHost>b</smtpHost>\n{TAIL}"),
    "what needs an escape": (
        f"{HEAD}  <smtpHost>a</smtpHost>\n{TAIL}",
        {HOST: "a&b<c>"},
        f"{HEAD}  <smtpHost>a&amp;b&lt;c&gt;</smtpHost>\n{TAIL}",
    ),
    "what XML 1.1 takes for a line break": (
        f"{HEAD}  <smtpHost>a</smtpHost>\n{TAIL}",
        {HOST: "a\x85b\u2028\x7fc\u00e9\r"},
        f"{HEAD}  <smtpHost>a&#133;b&#8232;&#127;c\u00e9&#13;</smtpHost>\n{TAIL}",
    ),
    "an empty one": (f"{HEAD}  <smtpHost/>\n{TAIL}", {HOST: "b"}, f"{HEAD}  <smtpHost>b</smtpHost>\n{TAIL}"),
    "on one line": ("<a><smtpHost>x</smtpHost><b/></a>", {HOST: "b"}, "<a><smtpHost>b</smtpHost><b/></a>"),
    "CDATA": ("<a>\n  <smtpHost><![CDATA[x<y]]></smtpHost>\n</a>", {HOST: "b"}, "<a>\n  <smtpHost>b</smtpHost>\n</a>"),
    "a new one, CRLF": (
        "<a>\r\n  <b>1</b>\r\n</a>",
        {HOST: "b"},
        "<a>\r\n  <b>1</b>\r\n  <smtpHost>b</smtpHost>\r\n</a>",
    ),
    "a first one": ("<a>\n</a>\n", {HOST: "b"}, "<a>\n  <smtpHost>b</smtpHost>\n</a>\n"),
    "inside a new one": (
        "<a>\n  <b>1</b>\n</a>\n",
        {USER: "u", ("authentication", "password"): "p"},
        "<a>\n  <b>1</b>\n  <authentication>\n    <username>u</username>\n    <password>p</password>\n"
        "  </authentication>\n</a>\n",
    ),
}


@pytest.mark.parametrize(("before", "wanted", "after"), CHANGED.values(), ids=CHANGED)
def test_what_is_changed(before: str, wanted: dict[tuple[str, ...], str], after: str) -> None:
    assert XML.edit(before, wanted) == after
    assert XML.edit(after, wanted) == after


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<a><b></a>", "line 1 is not valid XML"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>", "DOCTYPE"),
        ("<a><b>&x;</b></a>", "line 1 is not valid XML"),
        ("", "it is empty"),
        ("<a>\n  <b>s3cret</b>\n</b>", "not valid XML"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence) as error:
        XML.edit(text, {HOST: "b"})
    assert "s3cret" not in str(error.value)


@given(st.text(max_size=20))
@settings(max_examples=examples(150), deadline=None)
def test_any_value_is_read_back_by_another_parser(value: str) -> None:
    before = "<a>\n  <c>x</c>\n  <smtpHost>old</smtpHost>\n</a>"
    try:
        after = XML.edit(before, {HOST: value})
    except FormatError:
        return
    root = ElementTree.fromstring(after)
    assert (root.findtext("smtpHost"), root.findtext("c")) == (value, "x")


def test_jenkins() -> None:
    given_settings = {"host": "smtp.example.com", "port": 465, "secure": True, "username": "u", "password": "p<&"}
    place = load_place(APP)
    reading = read_place(APP, place, OLD)
    assert (reading.security, reading.settings["host"], reading.password_set) == ("starttls", "old.example", False)
    parsed = parse_settings(given_settings, probed=False)
    made = plan_present(APP, parsed, given_settings, OLD.encode(), place=place)
    text = made.content.decode()
    login = "  <authentication>\n    <username>u</username>\n    <password>p&lt;&amp;</password>\n  </authentication>\n"
    wanted = (
        OLD.replace("old.example", "smtp.example.com").replace("587", "465").replace("<useSsl>false", "<useSsl>true")
    )
    assert text.replace(login, "") == wanted.replace("<useTls>true", "<useTls>false") and login in text
    reading = read_place(APP, place, text)
    assert (reading.security, reading.password_set, reading.settings["username"]) == ("implicit_tls", True, "u")
    gone = plan_absent(APP, made.content, place=place).content.decode()
    assert "authentication" not in gone and "smtp.example.com" not in gone and "ci.example.com" in gone


def test_a_password_that_jenkins_has_encrypted_is_there_and_no_login_is_tried_with_it() -> None:
    login = "<username>u</username><password>{AQAAABAAAAAQbWFpbG9wcyBpcyBub3QgYSBzZWNyZXQ=}</password>"
    text = OLD.replace("  <charset>", f"  <authentication>{login}</authentication>\n  <charset>")
    reading = read_place(APP, load_place(APP), text)
    assert reading.password_set and not reading.password and reading.settings["username"] == "u"

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format but YAML, dotenv, XML and TOML, which have tables of their own: what changes, what stays, what is refused, what
comes back.
"""

from __future__ import annotations

import ast
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FORMAT_NAMES,
    FormatError,
    KeyPath,
    load_format,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.passwords import AWKWARD


def test_the_documentation_of_descriptors_names_every_format() -> None:
    page = (Path(__file__).parents[6] / "docs" / "apps.md").read_text()
    (names,) = re.findall(r"^\| `forms\.<form>` \| `format` \(([a-z, ]+?)[;)]", page, re.MULTILINE)
    assert sorted(names.split(", ")) == sorted(FORMAT_NAMES)


class Case(t.NamedTuple):
    """Keys of one format: those that are wanted and the one that must go, and texts before and after."""

    format: str
    dialect: str
    wanted: dict[KeyPath, t.Any]
    gone: KeyPath
    texts: list[tuple[str, str]]


CASES = {
    "ini": Case(
        "ini",
        "grafana",
        {("smtp", "host"): "h:465", ("smtp", "user"): "me"},
        ("smtp", "password"),
        [
            (
                "# top\n[smtp]\n;host = x\nhost = old ; c\npassword = p\n\n[log]\nhost = theirs\n",
                "# top\n[smtp]\n;host = x\nhost = h:465 ; c\nuser = me\n\n[log]\nhost = theirs\n",
            ),
            ("[smtp]\n;host = x\n\n[log]\na=1\n", "[smtp]\n;host = x\nhost = h:465\nuser = me\n\n[log]\na=1\n"),
            ("a = 1\n", "a = 1\n\n[smtp]\nhost = h:465\nuser = me\n"),
            ("[smtp]\r\nhost=old\r\n", "[smtp]\r\nhost=h:465\r\nuser = me\r\n"),
            ('[smtp]\nhost = `old`\nuser = "me"', '[smtp]\nhost = h:465\nuser = "me"'),
            ("", "[smtp]\nhost = h:465\nuser = me\n"),
        ],
    ),
    "json": Case(
        "json",
        "",
        {("mail", "host"): "h", ("mail", "tls", "on"): True},
        ("mail", "auth", "pass"),
        [
            (
                '{\n\t"url": "x",\n\t"mail": {\n\t\t"host": "old",\n\t\t"auth": {\n\t\t\t"pass": "p"\n\t\t}\n\t}\n}\n',
                '{\n\t"url": "x",\n\t"mail": {\n\t\t"host": "h",\n\t\t"tls": {\n\t\t\t"on": true\n\t\t}\n\t}\n}\n',
            ),
            ('{"a": [1, {"host": 2}]}', '{"a": [1, {"host": 2}], "mail": {"host": "h", "tls": {"on": true}}}'),
            ("{}\n", '{\n  "mail": {\n    "host": "h",\n    "tls": {\n      "on": true\n    }\n  }\n}\n'),
            ("", '{\n  "mail": {\n    "host": "h",\n    "tls": {\n      "on": true\n    }\n  }\n}\n'),
        ],
    ),
    "properties": Case(
        "properties",
        "",
        {("spring.mail.host",): "h", ("spring.mail.port",): "465"},
        ("spring.mail.password",),
        [
            (
                "# c\nspring.mail.host: old\nspring.mail.password=p\\\n  q\n! d\nother = 1\n",
                "# c\nspring.mail.host: h\nspring.mail.port=465\n! d\nother = 1\n",
            ),
            ("a=1", "a=1\nspring.mail.host=h\nspring.mail.port=465"),
        ],
    ),
    "postfix": Case(
        "postfix",
        "",
        {("relayhost",): "[h]:465", ("smtp_tls_wrappermode",): "yes"},
        ("smtp_helo_name",),
        [
            (
                "# c\nrelayhost =\nsmtp_helo_name = a\n  b\nmynetworks = 127.0.0.0/8,\n    [::1]/128\n",
                "# c\nrelayhost =[h]:465\nsmtp_tls_wrappermode = yes\nmynetworks = 127.0.0.0/8,\n    [::1]/128\n",
            ),
        ],
    ),
    "msmtprc": Case(
        "msmtprc",
        "",
        {("host",): "h", ("port",): "465"},
        ("password",),
        [
            (
                "# c\ndefaults\ntls on\naccount work\nhost w\n\naccount default\nhost old\npassword p\n",
                "# c\ndefaults\ntls on\naccount work\nhost w\n\naccount default\nhost h\nport 465\n",
            ),
            (
                "account work\nhost w\naccount home\nhost o\npassword p\naccount default : home\n",
                "account work\nhost w\naccount home\nhost h\nport 465\naccount default : home\n",
            ),
            ("", "account default\nhost h\nport 465\n"),
        ],
    ),
    "dma": Case(
        "keyvalue",
        "dma",
        {("SMARTHOST",): "h", ("SECURETRANSFER",): "true", ("STARTTLS",): "false"},
        ("PORT",),
        [
            (
                "# c\n#SMARTHOST\nSMARTHOST old\nSTARTTLS\nPORT 25\n",
                "# c\n#SMARTHOST\nSMARTHOST h\nSECURETRANSFER\n",
            ),
            # Blanks behind a value are part of it, and a line that begins with one is none.
            (
                " PORT 1\nSMARTHOST  old  # c\nSTARTTLS # d\nOTHER x \n",
                " PORT 1\nSMARTHOST h# c\nSECURETRANSFER\nOTHER x \n",
            ),
        ],
    ),
    "ssmtp": Case(
        "keyvalue",
        "ssmtp",
        {("mailhub",): "h:465", ("UseTLS",): "YES"},
        ("AuthPass",),
        [
            # Behind "= " it finds nothing, nor where neither blank nor line break ends the value.
            (
                "# c\nMailHub = old\nusetls no\nrewriteDomain=x# d\nroot=a b\nAuthPass=x",
                "# c\nMailHub=h:465\nUseTLS=YES\nusetls no\nrewriteDomain=x# d\nroot=a b\n",
            ),
        ],
    ),
    "exim": Case(
        "keyvalue",
        "exim",
        {("A",): "*", ("B",): ""},
        ("C",),
        [("# c\nA=x\nC = d\nOTHER = 1\n", "# c\nA=*\nB =\nOTHER = 1\n")],
    ),
    "line": Case(
        "line",
        "",
        {("line",): "[h]:465 u:p"},
        ("none",),
        [("# c\n\n[old] u:x\n[other] u:y\n", "# c\n\n[h]:465 u:p\n[other] u:y\n"), ("# c", "# c\n[h]:465 u:p\n")],
    ),
    "python": Case(
        "python",
        "",
        {("EMAIL_HOST",): "h", ("EMAIL_PORT",): 465},
        ("EMAIL_HOST_PASSWORD",),
        [
            (
                "import os  # c\nEMAIL_HOST = os.environ['X']  # d\nif 1:\n    EMAIL_PORT = 1\nEMAIL_HOST_PASSWORD ="
                " ('a'\n  'b')\nX = 1\n",
                'import os  # c\nEMAIL_HOST = "h"  # d\nif 1:\n    EMAIL_PORT = 1\nEMAIL_PORT = 465\nX = 1\n',
            ),
        ],
    ),
    "ruby": Case(
        "ruby",
        "gitlab",
        {("gitlab_rails", "smtp_address"): "h", ("gitlab_rails", "smtp_tls"): True},
        ("gitlab_rails", "smtp_password"),
        [
            (
                "## c\n# gitlab_rails['smtp_tls'] = false\ngitlab_rails['smtp_address'] = 'old' # d\n"
                'gitlab_rails["smtp_password"] = "p#{1}"\nexternal_url \'x\'\n',
                "## c\n# gitlab_rails['smtp_tls'] = false\ngitlab_rails['smtp_address'] = 'h' #"
                " d\ngitlab_rails['smtp_tls'] = true\n"
                "external_url 'x'\n",
            ),
            (
                "external_url 'a;b'; gitlab_rails['smtp_address'] = ENV['A'] || 'x;y'; gitlab_rails['z'] = [1, 2] # c; d\n"
                "gitlab_rails['smtp_password'] = File.read('/p;q').strip; a = 1\n",
                "external_url 'a;b'; gitlab_rails['smtp_address'] = \"h\"; gitlab_rails['z'] = [1, 2] # c; d\n"
                "gitlab_rails['smtp_tls'] = true\n a = 1\n",
            ),
        ],
    ),
    "ruby, a mapping of Rails": Case(
        "ruby",
        "rails",
        {("ActionMailer::Base", "smtp_settings", "address"): "h", ("ActionMailer::Base", "smtp_settings", "tls"): True},
        ("ActionMailer::Base", "smtp_settings", "password"),
        [
            (
                "Rails.application.configure do\n  config.action_mailer.smtp_settings = { # ours\n"
                '    :address => \'old\', # relay, }\n    :user_name => "#{ENV["U"]}",\n    # :tls => false,\n'
                "    :password => ENV.fetch('P') { |x| [x, '}'] },\n    :authentication => :plain  }\nend\n",
                "Rails.application.configure do\n  config.action_mailer.smtp_settings = { # ours\n"
                '    :address => \'h\', # relay, }\n    :tls => true,\n    :user_name => "#{ENV["U"]}",\n    # :tls => false,\n'
                "    :authentication => :plain  }\nend\n",
            ),
            (
                "ActionMailer::Base.smtp_settings[:tls] = false\nActionMailer::Base.smtp_settings = {password: 'x', port: 25}\n",
                'ActionMailer::Base.smtp_settings[:tls] = false\nActionMailer::Base.smtp_settings = {address: "h", tls: true, port: 25}\n',
            ),
            (
                "a = 1; Rails.configuration.action_mailer.smtp_settings = {}.compact # x\n",
                'a = 1; Rails.configuration.action_mailer.smtp_settings = {address: "h", tls: true, }.compact # x\n',
            ),
            (
                "config.action_mailer.smtp_settings = {\n  address: 'a' ||\n    'b',\n  password: 'x'\n}\n"
                "config.action_mailer.smtp_settings[:tls] = false\n",
                "config.action_mailer.smtp_settings = {\n  address: 'h',\n}\nconfig.action_mailer.smtp_settings[:tls] = true\n",
            ),
        ],
    ),
    "php array": Case(
        "php",
        "array",
        {("mail_smtphost",): "h", ("mail_smtpport",): 465},
        ("mail_smtppassword",),
        [
            (
                "<?php\n$CONFIG = array (\n  'trusted' =>\n  array (\n    0 => 'mail_smtphost',\n  ),\n "
                " 'mail_smtphost' => 'old', // d\n"
                "  'mail_smtppassword' => 'p',\n  'x' => getenv('Y'),\n);\n",
                "<?php\n$CONFIG = array (\n  'trusted' =>\n  array (\n    0 => 'mail_smtphost',\n  ),\n "
                " 'mail_smtphost' => 'h', // d\n"
                "  'mail_smtpport' => 465,\n  'x' => getenv('Y'),\n);\n",
            ),
            ("", "<?php\n$CONFIG = array (\n  'mail_smtphost' => 'h',\n  'mail_smtpport' => 465,\n);\n"),
            (
                "<?php\n$CONFIG = [\n'a' => 1\n];\n",
                "<?php\n$CONFIG = [\n  'mail_smtphost' => 'h',\n  'mail_smtpport' => 465,\n'a' => 1\n];\n",
            ),
        ],
    ),
    "php define": Case(
        "php",
        "define",
        {("WPMS_ON",): True, ("WPMS_SMTP_HOST",): "h"},
        ("WPMS_SMTP_PASS",),
        [
            (
                "<?php\n// define('WPMS_ON', false);\ndefine( 'DB', \"x\" );\ndefine('WPMS_SMTP_PASS', 'p');\n"
                "/* That's all, stop editing! */\nrequire_once ABSPATH . 'wp-settings.php';\n",
                "<?php\n// define('WPMS_ON', false);\ndefine( 'DB', \"x\" );\ndefine( 'WPMS_ON', true );\ndefine("
                " 'WPMS_SMTP_HOST', 'h' );\n"
                "/* That's all, stop editing! */\nrequire_once ABSPATH . 'wp-settings.php';\n",
            ),
        ],
    ),
}
TEXTS = [(name, before, after) for name, case in CASES.items() for before, after in case.texts]


@pytest.mark.parametrize(
    "name, before, after", TEXTS, ids=[f"{name} {index}" for index, (name, *_rest) in enumerate(TEXTS)]
)
def test_only_what_must_change_changes(name: str, before: str, after: str) -> None:
    case = CASES[name]
    made = load_format(case.format).edit(before, case.wanted, [case.gone], case.dialect)
    assert made == after
    assert load_format(case.format).edit(after, case.wanted, [case.gone], case.dialect) == after


def test_every_format_is_tested() -> None:
    assert {case.format for case in CASES.values()} | {"yaml", "dotenv", "xml", "toml"} == set(FORMAT_NAMES)


# What a reader has no way to take, or what means something else to it.
REFUSED = {
    "ini": ["${HOME}", "${X:-y}", "%(host)s"],
    "properties": ["${HOME}", "${X:-y}"],
    "postfix": [" leading", "trailing "],
    "dma": ["#hash", "a#b", "a #b"],
    "exim": [" leading", "trailing "],
    "ssmtp": [one for one in AWKWARD if re.search(r"[\s=#]", one)],
    "line": [" leading", "trailing ", "#hash"],
}


@pytest.mark.parametrize("name", CASES)
def test_awkward_passwords_come_back_or_are_refused(name: str) -> None:
    case = CASES[name]
    editor = load_format(case.format)
    path = case.gone if name != "line" else ("line",)
    refused = []
    for password in AWKWARD:
        for before, _after in case.texts:
            try:
                new = editor.edit(before, {path: password}, [], case.dialect)
            except FormatError as error:
                assert password not in str(error) or len(password) < 3
                refused.append(password)
                break
            assert editor.read(new, dialect=case.dialect)[path] == password
            assert editor.edit(new, {path: password}, [], case.dialect) == new
            if case.format == "python":
                assert [
                    node.value.value
                    for node in ast.parse(new).body
                    if isinstance(node, ast.Assign) and node.targets[0].id == "EMAIL_HOST_PASSWORD"  # type: ignore[attr-defined]
                ] == [password]
            if case.format == "json":
                assert json.loads(new)["mail"]["auth"]["pass"] == password
    assert refused == REFUSED.get(name, [])


@pytest.mark.parametrize("name", CASES)
def test_bad_values_and_texts_get_a_sentence(name: str) -> None:
    case = CASES[name]
    path = case.gone if name != "line" else ("line",)
    with pytest.raises(FormatError, match="has a NUL byte"):
        load_format(case.format).edit(case.texts[0][0], {path: "s3cret\0"}, [], case.dialect)


@pytest.mark.parametrize(
    "name, text, sentence",
    [
        ("json", '{"mail": {"host": s3cret}}', "line 1 is not valid JSON"),
        ("json", '{"a": 1, "a": "s3cret"}', "a key is there twice in one object"),
        ("json", '["s3cret"]', "the top of the file holds no object"),
        ("json", '{"mail": "s3cret"}', "mail holds a single value or a list where an object belongs"),
        ("json", '{"mail": {"host": ["s3cret"]}}', "mail.host holds an object or a list"),
        ("python", "EMAIL_HOST = 's3cret\n", "line 1 is no Python"),
        ("php array", "<?php\n$x = <<<E\ns3cret\nE;\n", "it has a heredoc"),
        ("php array", "<?php\n$x = 's3cret;\n", "a quote in it is never closed"),
        ("php array", "<?php\n$x = 's3cret';\n", "it has no $CONFIG array"),
        ("ini", "[smtp]\npassword = `s3cret\n", "line 2 begins a quoted value that never ends"),
        ("properties", "a=1\n#---\nb=s3cret\n", "it holds several documents"),
    ],
)
def test_refused_without_quoting_it(name: str, text: str, sentence: str) -> None:
    case = CASES[name]
    with pytest.raises(FormatError) as error:
        load_format(case.format).edit(text, case.wanted, [case.gone], case.dialect)
    assert sentence in str(error.value) and "s3cret" not in str(error.value)


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=30)


@settings(deadline=None)
@given(st.sampled_from([name for name in CASES if name != "line"]), PLAIN)
def test_any_password(name: str, password: str) -> None:
    case = CASES[name]
    editor = load_format(case.format)
    for before, _after in case.texts:
        try:
            new = editor.edit(before, {case.gone: password}, [], case.dialect)
        except FormatError:
            continue
        values = editor.read(new, dialect=case.dialect)
        assert values.pop(case.gone) == password
        others = editor.read(before, dialect=case.dialect)
        others.pop(case.gone, None)
        assert values == others


def test_ssmtp_loses_starttls_where_its_flag_stands_alone() -> None:
    wanted = {("UseTLS",): "NO", ("UseSTARTTLS",): "NO"}
    new = load_format("keyvalue").edit("mailhub=h:25\nUseSTARTTLS=YES\nFromLineOverride=YES\n", wanted, (), "ssmtp")
    assert load_format("keyvalue").read(new, dialect="ssmtp")[("UseSTARTTLS",)] == "NO"
    assert load_format("keyvalue").edit(new, wanted, (), "ssmtp") == new


def test_msmtp_s_defaults_are_of_one_account_where_there_is_only_one() -> None:
    text = "defaults\ntls on\ndomain old.example\n\naccount a\nhost h\n{}account default : a\n"
    alone, more = text.format(""), text.format("account b\nhost g\n")
    new = load_format("msmtprc").edit(alone, {("host",): "new"}, [("domain",)])
    assert new == alone.replace("domain old.example\n", "").replace("host h", "host new")
    with pytest.raises(FormatError, match="domain stands in its defaults, which other accounts share"):
        load_format("msmtprc").edit(more, {("host",): "new"}, [("domain",)])

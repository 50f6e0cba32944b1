# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern language: what is printed is parsed back, whatever the values, in every descriptor of the collection."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import known_apps, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import MODEL, AppError
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Booleans, PatternError, parse_pattern
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import interpret
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, parse_settings
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.passwords import may_be_a_password

WORDS = Booleans(("yes", "1"), ("no", "0"))
KINDS = {**MODEL, "scheme": ("smtp", "smtps"), "flag": "boolean", "option": ("", " --ssl")}


@pytest.mark.parametrize(
    "source, values, written",
    [
        ("{port}", {"port": 465}, 465),
        ("{port:text}", {"port": 465}, "465"),
        ("{not validate_certs}", {"validate_certs": True}, False),
        ("{host}:{port}", {"host": "h.example", "port": 465}, "h.example:465"),
        ("{host}:{port}", {"host": "2001:db8::1", "port": 465}, "[2001:db8::1]:465"),
        ("[{host}]:{port}", {"host": "2001:db8::1", "port": 465}, "[2001:db8::1]:465"),
        ("{{{host}}}", {"host": "h"}, "{h}"),
        ("{timeout:ms}", {"timeout": 1.5}, 1500),
        ("{timeout}s", {"timeout": 5.0}, "5s"),
        ("tls={flag}", {"flag": True}, "tls=yes"),
        ("{sender_name:phrase} <{sender}>", {"sender_name": "App", "sender": "a@b.example"}, "App <a@b.example>"),
        ("{sender_name:phrase} <{sender}>", {"sender_name": 'A, "b"', "sender": "a@b.c"}, '"A, \\"b\\"" <a@b.c>'),
        ("{password:casc}", {"password": "a${b}^${c} ${d"}, "a^${b}^^${c} ${d"),
        ("x{option} --pass={password:shell}", {"option": " --ssl", "password": "a 'b"}, "x --ssl --pass='a '\"'\"'b'"),
        (
            "{scheme}://{username:url}:{password:url}@{host}:{port}?tls={flag}&name={helo_name}",
            {"scheme": "smtps", "username": "u@x", "password": "p:/?#", "host": "::1", "port": 465, "flag": False},
            "smtps://u%40x:p%3A%2F%3F%23@[::1]:465?tls=no",
        ),
    ],
)
def test_printed_and_parsed(source: str, values: dict[str, t.Any], written: t.Any) -> None:
    pattern = parse_pattern(source, KINDS)
    assert pattern.write(values, WORDS) == written
    assert pattern.read(written, WORDS) == values


def test_parameters_of_a_url_come_in_any_order_and_unknown_ones_are_named() -> None:
    pattern = parse_pattern("{scheme}://{host}:{port}?tls={flag}&name={helo_name}", KINDS)
    url = "smtp://h.example:25?other=1&name=me&tls=1"
    assert pattern.read(url, WORDS) == {
        "scheme": "smtp",
        "host": "h.example",
        "port": 25,
        "flag": True,
        "helo_name": "me",
    }
    assert pattern.foreign(url) == ["other=1"]
    assert pattern.read("h.example:25", WORDS) is None


@pytest.mark.parametrize(
    "source, values, sentence",
    [
        ("{username}:{password}", {"username": "a:b", "password": "p"}, "username has a character in it"),
        ("{username} {password}", {"username": "a b", "password": "p"}, "username has a character in it"),
        ("<{sender}>", {"sender": "a>b@c.example"}, "sender has a character in it"),
    ],
)
def test_a_value_that_would_come_back_as_another_is_refused(
    source: str, values: dict[str, t.Any], sentence: str
) -> None:
    with pytest.raises(PatternError) as error:
        parse_pattern(source, KINDS).write(values, WORDS)
    assert sentence in str(error.value) and "a:b" not in str(error.value)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cc"]), min_size=1, max_size=20
)
FORMS = [(app, kind) for app in known_apps() for kind in load_descriptor(app).forms]


@settings(deadline=None, max_examples=examples(300))
@given(
    st.sampled_from(FORMS),
    st.sampled_from(SECURITY_MODES),
    st.sampled_from(["h.example", "2001:db8::25", "192.0.2.1", "sub-1.mail.example.com"]),
    st.tuples(TEXT, TEXT, TEXT),
)
def test_every_descriptor_gives_back_what_it_was_given(
    place: tuple[str, str], security: str, host: str, texts: tuple[str, str, str]
) -> None:
    descriptor = load_descriptor(place[0])
    form, mode = descriptor.form(place[1]), descriptor.security[security]
    if mode.can == "no":
        return
    username, password, sender_name = texts
    assume(may_be_a_password(password))
    port = mode.ports[0] if mode.ports else None
    model = parse_settings(
        {
            "host": host,
            "security": security,
            "port": port,
            "username": username,
            "password": password,
            "sender": "a@example.com",
            "sender_name": sender_name,
        },
        probed=False,
    )
    try:
        rendered = render(descriptor, form, model)
    except AppError:
        return
    reading = interpret(descriptor, form, rendered.values)
    for name in ("host", "port", "username", "sender", "sender_name"):
        if name in form.names:
            # A name of blanks alone is none.
            assert reading.settings.get(name) == (getattr(model, name) or None), (name, rendered.values)
    if not descriptor.parts and not descriptor.part_of:
        assert reading.security == mode.means

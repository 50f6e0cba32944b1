# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relay may echo of a password is masked; everything else stays."""

from __future__ import annotations

import base64
import quopri
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms

PASSWORD = "hunter2+S/ecret=ü"


def echo(text: str) -> str:
    found: dict[str, list[str]] = redact({"lines": [text]}, secret_forms("app", PASSWORD))
    return found["lines"][0]


@pytest.mark.parametrize(
    "said",
    [
        PASSWORD,
        quote(PASSWORD, safe=""),
        quopri.encodestring(PASSWORD.encode()).decode(),
        "".join(f"={byte:02X}" for byte in PASSWORD.encode()),
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"\0app\0{PASSWORD}".encode()).decode(),
        base64.b64encode(f"app\0app\0{PASSWORD}".encode()).decode(),
        base64.b64encode(f"someone.else\0app\0{PASSWORD}".encode()).decode(),
        base64.b64encode(f"user=app\x01auth=Bearer {PASSWORD}\x01\x01".encode()).decode(),
    ],
    ids=["plain", "percent", "quoted-printable", "quoted-printable whole", "LOGIN", "PLAIN", "PLAIN authzid", "PLAIN other", "XOAUTH2"],
)
def test_each_form_is_masked(said: str) -> None:
    shown = echo(f"535 5.7.8 no: AUTH {said} refused")
    assert "********" in shown
    assert said not in shown
    assert shown.startswith("535 5.7.8 no: AUTH ")
    assert shown.endswith(" refused")


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=5, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_of_anything_that_holds_the_password(password: str, before: bytes, behind: bytes) -> None:
    """Whatever stands around it: of the password's own characters at most the two at the edges are left."""
    encoded = base64.b64encode(before + password.encode() + behind).decode()
    forms = secret_forms("app", password)
    if len(password.encode()) >= 6:
        assert "********" in redact({"text": encoded}, forms)["text"]


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=40))
def test_an_echo_in_the_clear_as_the_probe_would_show_it(password: str) -> None:
    """Relays' words are escaped where they are not printable; the mask works on what is shown."""
    shown = redact({"text": printable(b"<" + password.encode() + b">")}, secret_forms("app", password))["text"]
    assert shown == "<********>" or set(password) <= set("<>*")


def test_only_the_words_of_the_relay_change() -> None:
    found = {
        "greeting": {"code": 220, "lines": ["hunter2 says hello"]},
        "chain": ["AAhunter2AA"],
        "address": "hunter2",
        "security": "starttls",
        "ms": 1.5,
        "ok": None,
        "failure": {"layer": "auth", "kind": "reply", "lines": ["a", "hunter2"], "partial": "xhunter2x", "text": "hunter2", "offered": ["hunter2"]},
    }
    clean = redact(found, secret_forms("app", "hunter2"))
    assert clean["chain"] == found["chain"]
    assert clean["address"] == "hunter2"
    assert clean["greeting"]["lines"] == ["******** says hello"]
    assert clean["failure"] == {
        "layer": "auth",
        "kind": "reply",
        "lines": ["a", "********"],
        "partial": "x********x",
        "text": "********",
        "offered": ["********"],
    }
    assert found["failure"]["text"] == "hunter2"  # the original is left alone


@pytest.mark.parametrize("size", [80, 200, 1000])
def test_a_line_that_was_cut_in_the_middle_of_the_password(size: int) -> None:
    token = "".join(chr(97 + at * 7 % 26) for at in range(3000))
    for cut in (token, base64.b64encode(token.encode()).decode()):
        shown = redact({"text": f"535 you said {cut}"[:size]}, secret_forms("app", token))["text"]
        assert shown == "535 you said ********"

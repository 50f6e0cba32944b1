# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relay may echo of a password is masked; everything else stays."""

from __future__ import annotations

import base64
import quopri
import typing as t
import unicodedata
from urllib.parse import quote

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.printable import printable
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples

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
    ids=[
        "plain",
        "percent",
        "quoted-printable",
        "quoted-printable whole",
        "LOGIN",
        "PLAIN",
        "PLAIN authzid",
        "PLAIN other",
        "XOAUTH2",
    ],
)
def test_each_form_is_masked(said: str) -> None:
    shown = echo(f"535 5.7.8 no: AUTH {said} refused")
    assert "********" in shown
    assert said not in shown
    assert shown.startswith("535 5.7.8 no: AUTH ")
    assert shown.endswith(" refused")


def written(data: bytes, pattern: str) -> str:
    return "".join(pattern % byte for byte in data)


def some_escaped(text: str, sign: str) -> str:
    return "".join(
        char if index % 2 else "".join(f"{sign}{byte:02X}" for byte in char.encode()) for index, char in enumerate(text)
    )


# What a relay may make of a line that it was sent.
ECHOES: dict[str, t.Callable[[str], str]] = {
    "as it was": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "swapped": str.swapcase,
    "backwards": lambda text: text[::-1],
    "backwards in capitals": lambda text: text[::-1].upper(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex backwards": lambda text: text.encode().hex()[::-1],
    "hex of it backwards": lambda text: text[::-1].encode().hex(),
    "hex with colons": lambda text: ":".join(f"{byte:02x}" for byte in text.encode()),
    "hex with blanks": lambda text: " ".join(f"{byte:02X}" for byte in text.encode()),
    "hex of C": lambda text: written(text.encode(), "\\x%02x"),
    "hex list": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "octal": lambda text: written(text.encode(), "\\%03o"),
    "decimal": lambda text: " ".join(str(byte) for byte in text.encode()),
    "entities": lambda text: written(text.encode(), "&#%d;"),
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: quote(text, safe="").lower(),
    "percent, every byte": lambda text: written(text.encode(), "%%%02X"),
    "percent, some": lambda text: some_escaped(text, "%"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "quoted-printable, every byte": lambda text: written(text.encode(), "=%02X"),
    "quoted-printable, some": lambda text: some_escaped(text, "="),
    "with blanks": " ".join,
    "with dashes": "-".join,
}
SENT: dict[str, t.Callable[[str], str]] = {
    "the password": str,
    "PLAIN": lambda password: base64.b64encode(f"\0app\0{password}".encode()).decode(),
    "LOGIN": lambda password: base64.b64encode(password.encode()).decode(),
    "XOAUTH2": lambda password: base64.b64encode(f"user=app\x01auth=Bearer {password}\x01\x01".encode()).decode(),
    "PLAIN for a URL": lambda password: base64.urlsafe_b64encode(f"\0app\0{password}".encode()).decode(),
}
PASSWORDS = ("hunter2-S3cret", "p4ss w0rd%/+=x", "Gr\u00fc\u00dfe-an-alle", "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789" * 2)


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("echoed", ECHOES)
def test_each_echo_of_what_was_sent_is_masked(sent: str, echoed: str) -> None:
    """On one line, and broken anywhere over two or many; whatever the relay puts around it."""

    for password in PASSWORDS:
        whole = ECHOES[echoed](SENT[sent](password))
        forms = secret_forms("app", password)
        for broken in (
            [whole],
            [whole[: len(whole) // 2], whole[len(whole) // 2 :]],
            [whole[at : at + 9] for at in range(0, len(whole), 9)],
        ):
            said = ("5.7.8 I got <" + "\n".join(broken) + "> and refuse").split("\n")
            shown = redact({"lines": said}, forms)["lines"]
            assert len(shown) == len(said), "no line comes or goes"
            before, _sign, behind = "".join(shown).partition("*")
            assert before.startswith("5.7.8 I got <") and behind.endswith("> and refuse")
            left = (before + behind)[len("5.7.8 I got <") : -len("> and refuse")].replace("*", "")
            # Of XOAUTH2 only what is secret; of the others all but signs at the edges.
            assert len(left) <= (len(whole) * 3 // 4 if sent == "XOAUTH2" else 6), shown


PLAIN = base64.b64encode(f"\0app\0{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("codes", ["5.7.8 ", "535-", "535-5.7.8 ", " 5.7.8: "])
@pytest.mark.parametrize(
    "parts",
    [
        [PLAIN[:12], PLAIN[12:24], PLAIN[24:]],
        [PASSWORD[:6], PASSWORD[6:]],
        [PASSWORD.encode().hex()[:9], PASSWORD.encode().hex()[9:]],
        ["hunter2+S/=", "ecret=3D=", "=C3=BC"],
        ["\\x68\\x75nter2+S/", "ecret\\x3d\\xc3\\xbc"],
    ],
    ids=["base64", "plain", "hex", "quoted-printable", "escapes"],
)
def test_codes_on_each_line_do_not_tear_it_apart(codes: str, parts: list[str]) -> None:
    forms = secret_forms("app", PASSWORD)
    assert any("********" in line for line in redact({"lines": [codes + part for part in parts]}, forms)["lines"])
    joined = redact({"partial": " | ".join(codes + part for part in parts)}, forms)["partial"]
    assert "********" in joined and parts[-1] not in joined


@pytest.mark.parametrize(
    "said",
    [
        "".join(f"\\u{ord(char):04x}" for char in PASSWORD),
        "".join(f"\\U{ord(char):08X}" for char in PASSWORD),
        "".join(f"\\u{{{ord(char):x}}}" for char in PASSWORD),
        "".join(f"&#{ord(char)};" for char in PASSWORD),
        PASSWORD.replace("+", "+2B").replace("=", "+3D"),
        "\\u200b".join(PASSWORD),
        base64.b64encode(PASSWORD.encode("utf-16-le")).decode(),
        base64.b64encode(b"x" + PASSWORD.encode("utf-16-be")).decode(),
        base64.b64encode(PASSWORD.encode()[::-1]).decode(),
        base64.b64encode(base64.b64encode(f"\0app\0{PASSWORD}".encode())).decode(),
        printable(PASSWORD.encode("utf-16-le")),
        printable(PASSWORD.encode("utf-32-be")),
        PASSWORD.encode("utf-16-le").hex(),
        " ".join(f"{byte:02X}" for byte in PASSWORD.encode("utf-16-be")),
    ],
    ids=[
        "u",
        "U",
        "u braces",
        "decimal",
        "xtext",
        "no width",
        "UTF-16",
        "UTF-16 in it",
        "reversed",
        "twice",
        "raw UTF-16",
        "raw UTF-32",
        "UTF-16 in hex",
        "UTF-16 in hex with blanks",
    ],
)
def test_further_spellings(said: str) -> None:
    shown = echo(f"no: {said} refused")
    # Base64 keeps what belongs to its neighbours; last signs that are no letters or digits may stay.
    assert "********" in shown and shown.startswith("no: ") and shown.endswith(" refused")
    assert said[: len(said) // 2] not in shown


@pytest.mark.parametrize(("sent", "said"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_with_marks(sent: str, said: str) -> None:
    """Put together or taken apart, as file systems and directories do it."""
    forms = secret_forms("app", unicodedata.normalize(sent, "Pässwörd-9"))
    assert redact({"text": f"no {unicodedata.normalize(said, 'Pässwörd-9')}"}, forms) == {"text": "no ********"}


@pytest.mark.parametrize("before", ["", "x", "xy"])
@pytest.mark.parametrize(
    "change",
    [lambda text: text[::-1], *(lambda text, form=form: unicodedata.normalize(form, text) for form in ("NFC", "NFD"))],
)
def test_letters_with_marks_in_base64(change: t.Callable[[str], str], before: str) -> None:
    """Turned round by letters, which is another thing than by bytes, put together or taken apart; at any alignment."""
    for password in ("Pässwörd-is-9", unicodedata.normalize("NFD", "Pässwörd-is-9")):
        said = base64.b64encode((before + change(password) + "!").encode()).decode()
        shown = redact({"text": f"no {said}"}, secret_forms("app", password))["text"]
        assert "********" in shown and len(shown) < len("no ******** ") + 8, shown


def test_named_characters() -> None:
    forms = secret_forms("app", "R&D<\"'>secret")
    shown = redact({"text": "you said R&amp;D&lt;&quot;&apos;&gt;secret there"}, forms)["text"]
    assert shown == "you said ******** there"


@settings(deadline=None, max_examples=examples(60))
@example("0000:::İ", "backwards", [], "")
@example("00000::µ", "backwards in capitals", [], "")
@given(
    st.text(st.characters(blacklist_categories=("C", "Z")), min_size=8, max_size=30),
    st.sampled_from(sorted(ECHOES)),
    st.lists(st.integers(0, 200), max_size=4),
    st.text(st.sampled_from("535 .-nope"), max_size=12),
)
def test_any_echo_of_any_password(password: str, echoed: str, cuts: list[int], around: str) -> None:
    # Among letters and digits alone, fewer than six of them could be anything.
    assume(echoed != "with dashes" or sum(char.isascii() and char.isalnum() for char in password) >= 6)
    whole = ECHOES[echoed](password)
    if echoed == "quoted-printable":
        cuts = []  # "=" at a line's end is a soft break there
    marks = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    lines = [line for start, end in zip(marks, marks[1:]) for line in whole[start:end].split("\n")]
    shown = redact({"lines": [f"{around}:{lines[0]}", *lines[1:]]}, secret_forms("app", password))["lines"]
    assert "********" in "".join(shown)
    assert len(shown) == len(lines)


@pytest.mark.parametrize(
    "said",
    [
        "250 Ok: queued as 4A5B6C7D8E",
        "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
        "454 4.7.0 Temporary authentication failure",
    ],
)
def test_what_is_no_echo_stays(said: str) -> None:
    assert redact({"text": said, "lines": [said, said]}, secret_forms("app", "hunter2-S3cret")) == {
        "text": said,
        "lines": [said, said],
    }


@settings(deadline=None)
@given(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=5, max_size=40),
    st.binary(max_size=9),
    st.binary(max_size=9),
)
def test_base64_of_anything_that_holds_the_password(password: str, before: bytes, behind: bytes) -> None:
    """Whatever stands around it: of the password's own characters at most the two at the edges are left."""
    encoded = base64.b64encode(before + password.encode() + behind).decode()
    forms = secret_forms("app", password)
    if len(password.encode()) >= 6:
        assert "********" in redact({"text": encoded}, forms)["text"]


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=40))
def test_an_echo_in_the_clear_as_the_probe_would_show_it(password: str) -> None:
    """Relays' words are escaped where they are not printable; the mask works on what is shown."""
    shown = redact({"text": printable(b"<" + password.encode() + b">")}, secret_forms("app", password))["text"]
    assert "********" in shown
    assert password not in shown or set(password) <= set("<>*")


def test_a_text_of_several_lines() -> None:
    assert (
        redact("one\nhunter2\n\nthree hun\nter2\n", secret_forms("app", "hunter2"), True)
        == "one\n********\n\nthree ********\n\n"
    )


def test_only_the_words_of_the_relay_change() -> None:
    found = {
        "greeting": {"code": 220, "lines": ["hunter2 says hello"]},
        "chain": ["AAhunter2AA"],
        "address": "hunter2",
        "security": "starttls",
        "ms": 1.5,
        "ok": None,
        "failure": {
            "layer": "auth",
            "kind": "reply",
            "lines": ["a", "hunter2"],
            "partial": "xhunter2x",
            "text": "hunter2",
            "offered": ["hunter2"],
        },
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


@pytest.mark.parametrize("said", ["\ud800", "x\udcff\ud912y", "%ED%A0%80", "%FF=FE\ud800", "\U0010ffff"])
def test_what_is_no_text_is_left_alone(said: str) -> None:
    forms = secret_forms("app", "Gr\u00fc\u00dfe-an")
    assert redact({"text": said}, forms)["text"] == said
    assert redact({"text": f"{said}gr\u00fc\u00dfe-an{said}"}, forms)["text"] == f"{said}********{said}"


@pytest.mark.parametrize("size", [80, 200, 1000])
def test_a_line_that_was_cut_in_the_middle_of_the_password(size: int) -> None:
    token = "".join(chr(97 + at * 7 % 26) for at in range(3000))
    for cut in (token, base64.b64encode(token.encode()).decode()):
        shown = redact({"text": f"535 you said {cut}"[:size]}, secret_forms("app", token))["text"]
        assert shown == "535 you said ********"

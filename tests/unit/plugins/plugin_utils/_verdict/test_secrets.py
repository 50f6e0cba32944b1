# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relay makes of a password that it was sent does not come out of the judge, also where lines become one sentence."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis, keep
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.evidence import attempt, auth_fails, broken, in_tls, mail_fails, make_chains, observation
from tests.support.examples import examples
from tests.support.strangers import certificate

USER, PASSWORD = "app@example.com", "hunter2-S3cret"
SHAPES: dict[str, str] = {
    "plain": PASSWORD,
    "capitals": PASSWORD.upper(),
    "reversed": PASSWORD[::-1],
    "hexadecimal": PASSWORD.encode().hex(),
    "HEXADECIMAL": PASSWORD.encode().hex().upper(),
    "percent": "".join(f"%{byte:02x}" for byte in PASSWORD.encode()),
    "quoted-printable": "".join(f"={byte:02X}" for byte in PASSWORD.encode()),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "AUTH PLAIN": base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
}


def folded(text: str, at: t.Sequence[int]) -> list[str]:
    """The text broken into lines at these places."""
    cuts = [0, *sorted(place % (len(text) + 1) for place in at), len(text)]
    return [text[start:end] for start, end in zip(cuts, cuts[1:])]


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.integers(0, 60), max_size=2), st.sampled_from(["auth", "mail", "rcpt", "greeting"]))
def test_no_shape_comes_out(shape: str, at: list[int], stage: str) -> None:
    lines = folded(f"5.7.8 I do not like {SHAPES[shape]} at all", at)
    made = {
        "auth": lambda: auth_fails("reply", code=535, lines=lines),
        "mail": lambda: mail_fails("mail", 550, *lines),
        "rcpt": lambda: mail_fails("rcpt", 450, *lines),
        "greeting": lambda: attempt(
            rungs="tcp greeting!", failure=broken("greeting", "reply", code=554, lines=lines), **in_tls()
        ),
    }[stage]()
    seen = redact(observation({**made, "chain": []}), secret_forms(USER, PASSWORD))
    host = HostFacts(datetime.datetime.now(datetime.UTC))
    asked = Settings("relay.test", 587, "starttls", username=USER, password=PASSWORD)
    shown = json.dumps(judge(asked, seen, Policy(), host))
    bare = "".join(shown.split()).lower()
    assert SHAPES[shape].lower() not in bare and PASSWORD.lower() not in bare, shown
    assert "I do not like" in shown or len(at) > 0


@pytest.mark.parametrize("shape", ["plain", "capitals", "reversed", "hexadecimal", "percent", "base64"])
def test_none_comes_out_of_a_certificate(shape: str) -> None:
    """A relay that was given a login may have it in the certificate that it shows next."""
    text = SHAPES[shape]
    encoded = [certificate(text, f"CA of {text}", f"{text}.test"), certificate(f"CA of {text}", text, "ca.test", -1)]
    failure = broken("certificate", "certificate", verify_code=10, text="certificate has expired")
    made = attempt(rungs="tcp greeting ehlo starttls tls certificate!", failure=failure, **in_tls())
    host = HostFacts(datetime.datetime.now(datetime.UTC))
    asked = Settings("relay.test", 587, "starttls", username=USER, password=PASSWORD, return_pem=True)
    found = judge(asked, observation({**made, "chain": encoded}), Policy(), host)
    assert len(found["certificates"]) == 2 and found["cause"] == "certificate_expired"
    assert text.lower() not in json.dumps(found).lower()
    for one in found["certificates"]:
        assert one["pem"] == "********" and "********" in one["subject"]
    kept = keep(Basis(asked, observation({**made, "chain": encoded}), Policy(), host))["evidence"]["observation"]
    assert kept["attempts"][0]["chain"] == ["", ""] and judge(asked, kept, Policy(), host)["cause"] == found["cause"]
    found = judge(replace(asked, username=None, password=None), observation({**made, "chain": encoded}), Policy(), host)
    assert base64.b64decode("".join(found["certificates"][0]["pem"].splitlines()[1:-1])) == base64.b64decode(encoded[0])


def test_none_comes_out_of_an_issuer_that_ends_too_soon(tmp_path: Path) -> None:
    """The policy's sentence names the issuer, and here the issuer's name is the password."""
    made = attempt(**in_tls(chain=make_chains(tmp_path)["expiring issuer"]))
    asked = Settings("relay.test", 587, "starttls", username=USER, password="soon over")
    found = judge(
        asked, observation(made), Policy(certificate_days_error=20), HostFacts(datetime.datetime.now(datetime.UTC))
    )
    assert found["cause"] == "certificate_expired" and "its issuer '********'" in str(found["message"])
    assert "soon over" not in json.dumps(found)


def test_a_certificate_keeps_its_pem_where_nothing_is_in_it() -> None:
    """And loses it where the password is in letters of two octets, or where nothing else of it is shown."""
    host = HostFacts(datetime.datetime.now(datetime.UTC))
    asked = Settings("relay.test", 587, "starttls", username=USER, password=PASSWORD, return_pem=True)
    plain = base64.b64decode(certificate("relay" + "x" * 26, "CA", "relay.test"))
    wide = plain.replace(b"\x0c\x1frelay" + b"x" * 26, b"\x1e\x1e" + ("r" + PASSWORD).encode("utf-16-be") + b"y")
    for der, shown in ((plain, True), (plain.replace(b"x" * 14, (PASSWORD + "!").encode()), False), (wide, False)):
        made = attempt(rungs="tcp greeting ehlo starttls tls certificate auth", **in_tls())
        seen = observation({**made, "chain": [base64.b64encode(der).decode()]})
        pem = [one["pem"] for one in judge(asked, seen, Policy(), host)["certificates"]]
        assert pem in ([], ["********"]) if not shown else pem[0].startswith("-----BEGIN")

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a Mailpit that fits its mode. How it looks on the wire is in tests/integration/test_mailpit_modes.py."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import Unreachable
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.lockdown import Session, observe, violations

SILENT = Session(False, ended="the connection was closed")
NOT_ASKED = Session(False)


def session(starttls: bool, auth: int, mail: int) -> Session:
    return Session(True, starttls_offered=starttls, auth_offered=auth != 502, auth_code=auth, mail_code=mail)


# The measured behaviour of Mailpit in every mode: (security, auth) -> cleartext client, TLS client
FITTING = {
    ("implicit_tls", "none"): (SILENT, session(False, 502, 250)),
    ("implicit_tls", "users"): (SILENT, session(False, 535, 530)),
    ("implicit_tls", "accept_any"): (SILENT, session(False, 235, 250)),
    ("starttls", "none"): (session(True, 530, 530), session(False, 502, 250)),
    ("starttls", "users"): (session(True, 530, 530), session(False, 535, 530)),
    ("starttls", "accept_any"): (session(True, 530, 530), session(False, 235, 250)),
    ("opportunistic", "none"): (session(True, 502, 250), session(False, 502, 250)),
    ("opportunistic", "users"): (session(True, 535, 530), session(False, 535, 530)),
    ("opportunistic", "accept_any"): (session(True, 235, 250), session(False, 235, 250)),
    ("cleartext", "none"): (session(False, 502, 250), NOT_ASKED),
    ("cleartext", "users"): (session(False, 535, 530), NOT_ASKED),
    ("cleartext", "accept_any"): (session(False, 235, 250), NOT_ASKED),
}


@pytest.mark.parametrize("wanted", FITTING, ids="-".join)
@pytest.mark.parametrize("real", FITTING, ids="-".join)
def test_every_mode_fits_itself_and_no_other(wanted: tuple, real: tuple) -> None:
    cleartext, encrypted = FITTING[real]
    if wanted[0] == "cleartext":
        encrypted = NOT_ASKED
    elif real[0] == "cleartext":
        encrypted = Session(False, ended="STARTTLS was answered with 502")
    assert (not violations(*wanted, cleartext, encrypted)) == (wanted == real)


@pytest.mark.parametrize(
    "security, auth, cleartext, encrypted, words",
    [
        ("implicit_tls", "none", session(False, 502, 250), session(False, 502, 250), "a cleartext client is answered"),
        # MP_SMTP_AUTH with a certificate: logged as required, and yet
        (
            "starttls",
            "users",
            session(True, 235, 530),
            session(False, 535, 530),
            "AUTH before STARTTLS is answered with 235 instead of 530",
        ),
        (
            "starttls",
            "none",
            session(True, 530, 250),
            session(False, 502, 250),
            "MAIL before STARTTLS is answered with 250 instead of 530",
        ),
        # an empty password file
        (
            "starttls",
            "users",
            session(True, 530, 530),
            session(False, 502, 250),
            "a made-up login in TLS is answered with 502 instead of 535",
        ),
        (
            "starttls",
            "users",
            session(True, 530, 530),
            session(False, 235, 530),
            "a made-up login in TLS is answered with 235 instead of 535",
        ),
        ("cleartext", "none", session(True, 502, 250), NOT_ASKED, "STARTTLS is offered"),
        ("opportunistic", "none", session(False, 502, 250), session(False, 502, 250), "STARTTLS is not offered"),
        ("starttls", "none", SILENT, NOT_ASKED, "a cleartext client is not answered (the connection was closed)"),
        (
            "starttls",
            "none",
            session(True, 530, 530),
            Session(False, ended="no answer in time"),
            "no TLS session came about: no answer in time",
        ),
    ],
)
def test_violations_say_what_was_seen(
    security: str, auth: str, cleartext: Session, encrypted: Session, words: str
) -> None:
    assert any(words in sentence for sentence in violations(security, auth, cleartext, encrypted))


def test_nobody_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, and not listening
        with pytest.raises(Unreachable, match="takes no connection .*ECONNREFUSED"):
            observe("127.0.0.1", sock.getsockname()[1], "starttls", "localhost", 3)

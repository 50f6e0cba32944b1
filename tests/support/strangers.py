# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile relay, certificate or name server may say, and how to find what of it came through."""

from __future__ import annotations

import base64
import datetime
import typing as t
from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

__all__ = ["EVIL", "certificate", "evil_texts", "raw_places"]

# Changes the terminal's title, erases a line, forges a line of a log, ends a text, turns it round, hides in it.
EVIL = (
    "\x1b]0;owned\x07",
    "\x1b[2K\x1b[1A",
    "\r\nlocalhost : ok=1",
    "\n[ERROR]: forged",
    "\0",
    "\x9b31m",
    "\x85",
    "\u202egnihton",
    "\u2066\u2069",
    "\u200b",
    "\u2028",
    "\ufeff",
    "\ud800",
    "\U000e0041",
    "{{ 7*7 }}",
    "{% for x in y %}",
)
# Texts of our own that have lines: PEM holds base64 and marks only.
_PEM_LINE = "-----BEGIN CERTIFICATE-----"


def evil_texts() -> st.SearchStrategy[str]:
    """Texts with the above in them, and any other text, surrogates included."""
    anything = st.text(st.characters(), max_size=20)
    return st.one_of(anything, st.builds(lambda a, b, c: a + b + c, anything, st.sampled_from(EVIL), anything))


def raw_places(found: t.Any, where: str = "") -> Iterator[str]:
    """The places of a result, keys included, that hold what a terminal or a log must not get."""
    if isinstance(found, str):
        if not found.isprintable() and not found.startswith(_PEM_LINE):
            yield f"{where}: {found!r}"
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield from raw_places(str(key), f"{where} (key)")
            yield from raw_places(value, f"{where}.{key}")
    elif isinstance(found, (list, tuple, set, frozenset)):
        for index, value in enumerate(found):
            yield from raw_places(value, f"{where}[{index}]")


def certificate(subject: str, issuer: str, name: str, days: int = 30) -> str:
    """A certificate with these common names and this DNS name (ASCII), base64 DER. What no certificate can hold is left out."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.encode("ascii", "ignore").decode())]), False)
    )
    return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).decode()


def _named(text: str) -> x509.Name:
    text = text.encode("utf-8", "ignore")[:64].decode("utf-8", "ignore")
    names = [x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else []
    return x509.Name([*names, x509.NameAttribute(NameOID.ORGANIZATION_NAME, text or "x")])

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading certificates: what users see of them, and that no damaged one raises anything."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import Certificate, read_chain
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.chains import (
    besides,
    chain_verdict,
    disordered,
    superfluous,
    weakness,
)
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import Pki, name_and_address

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(Path(tmp_path_factory.mktemp("pki")))


def chain_of(*certificates: object, clock: datetime.datetime = NOW) -> list[Certificate]:
    return read_chain(
        [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates], clock, (None, None)
    )  # type: ignore[attr-defined]


def test_what_users_see(pki: Pki) -> None:
    issued = pki.issue(
        "relay.test", names=["relay.test", "*.relay.test"], ips=["192.0.2.1", "2001:db8::1"], key_type="rsa"
    )
    (leaf,) = chain_of(issued.certificate, clock=NOW + datetime.timedelta(hours=1))
    seen = leaf.as_dict(with_pem=True)
    assert seen["subject"] == "CN=relay.test"
    assert seen["issuer"] == "CN=mailops test intermediate"
    assert seen["sans"] == ["relay.test", "*.relay.test", "192.0.2.1", "2001:db8::1"]
    assert (seen["key_type"], seen["key_bits"], seen["signature_algorithm"], seen["self_signed"]) == (
        "rsa",
        2048,
        "ecdsa-with-SHA256",
        False,
    )
    assert seen["days_left"] == 29
    assert seen["not_after"].endswith("Z") and len(seen["not_after"]) == 20
    assert len(seen["sha256"]) == len(seen["spki_sha256"]) == 64
    assert int(seen["serial"], 16) == issued.certificate.serial_number
    assert seen["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "pem" not in leaf.as_dict(with_pem=False)


def test_days_are_those_of_the_hosts_clock(pki: Pki) -> None:
    issued = pki.issue("relay.test")
    assert chain_of(issued.certificate, clock=NOW + datetime.timedelta(days=40))[0].days_left < 0


@given(
    st.lists(
        st.one_of(st.text(max_size=30), st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode())),
        max_size=5,
    )
)
def test_what_is_no_certificate_is_left_out(encoded: list[str]) -> None:
    assert read_chain(encoded, NOW, (None, None)) == []


@pytest.fixture(scope="module")
def real(pki: Pki) -> bytes:
    return pki.issue("relay.test").certificate.public_bytes(Encoding.DER)


def test_a_damaged_certificate_raises_nothing(real: bytes) -> None:
    """One byte changed anywhere: read or left out, described, judged; never an error."""
    for at in range(len(real)):
        for change in (0x01, 0x02, 0x10, 0x80, real[at]):
            assert_survives(real[:at] + bytes([real[at] ^ change]) + real[at + 1 :])


def assert_survives(damaged: bytes) -> None:
    chain = read_chain([base64.b64encode(damaged).decode()], NOW, (None, None))
    for certificate in chain:
        certificate.as_dict(with_pem=True)
    weakness(chain)
    disordered(chain)
    superfluous(chain)
    for code in (9, 10, 18, 20, 62, 66):
        chain_verdict(code, "words", chain, "relay.test", [])


# What no tool issues, and every relay can send: an issued certificate with other bytes of the same length in it.
SPOILT = {
    "a year 0": (b"20810", b"00000"),
    "a name in Latin-1": (b"\x0c\x0crelay-q.test", b"\x14\x0crelay-\xfc.test"),
    "a name that is no UTF-8": (b"\x0c\x0crelay-q.test", b"\x0c\x0crelay-\xff.test"),
}


def spoilt(pki: Pki, old: bytes, new: bytes) -> str:
    begin = datetime.datetime(2081, 1, 1, tzinfo=datetime.UTC)
    days = (begin - NOW).days + 3
    issued = pki.issue("relay-q.test", names=["other.test"], ips=["192.0.2.1"], valid=(-1, days))
    der = issued.certificate.public_bytes(Encoding.DER)
    assert old in der
    return base64.b64encode(der.replace(old, new)).decode()


@pytest.mark.parametrize("what", SPOILT)
def test_what_cannot_be_read_and_what_is_behind_it_is_left_out(pki: Pki, what: str) -> None:
    good = base64.b64encode(pki.issue("relay.test").certificate.public_bytes(Encoding.DER)).decode()
    bad = spoilt(pki, *SPOILT[what])
    assert read_chain([bad, good], NOW, (None, None)) == []
    assert len(read_chain([good, bad, good], NOW, (None, None))) == 1


@pytest.mark.parametrize(
    ("code", "said", "cause"),
    [
        (10, "certificate has expired", "certificate_expired"),
        (9, "certificate is not yet valid", "certificate_not_yet_valid"),
        (18, "self-signed certificate", "certificate_self_signed"),
        (62, "Hostname mismatch", "certificate_name_mismatch"),
        (64, "IP address mismatch", "certificate_name_mismatch"),
        (67, "CA certificate key too weak", "certificate_weak"),
        (20, "unable to get local issuer certificate", "certificate_untrusted"),
    ],
)
def test_the_cause_of_a_chain_that_cannot_be_read_is_what_openssl_says(code: int, said: str, cause: str) -> None:
    assert chain_verdict(code, said, [], "relay.test", []) == (cause, said, "")


def test_names_of_a_kind_that_cannot_be_read_are_not_missing(pki: Pki) -> None:
    (leaf,) = read_chain([spoilt(pki, b"\x87\x04\xc0\x00\x02\x01", b"\x83\x04\xc0\x00\x02\x01")], NOW, (None, None))
    assert (leaf.names, leaf.oddity_of_names("relay.test")) == ([], "names_unreadable")


def test_what_only_a_strict_reader_minds_is_not_malformed(pki: Pki) -> None:
    for san, malformed in (
        (name_and_address("relay.test", b"\x7f\0\1"), False),
        (name_and_address("relay.test", b"\1" * 17), False),
        (name_and_address("relay.test", b"\x7f\0\0\1")[:-3], True),
        (b"\x04\x03abc", True),
    ):
        (leaf,) = chain_of(pki.issue("relay.test", san=san).certificate)
        assert (leaf.oddity_of_names("192.0.2.1"), leaf.malformed) == ("names_unreadable", malformed), san


def test_no_issuer_is_found_for_a_malformed_certificate(pki: Pki) -> None:
    broken = chain_of(pki.issue("relay.test", san=name_and_address("relay.test", b"\1")[:-2]).certificate)
    sound = chain_of(pki.issue("relay.test").certificate)
    odd = chain_of(pki.issue("relay.test", san=name_and_address("relay.test", b"\1")).certificate)
    no_issuer = "unable to get local issuer certificate"
    for chain, code, said, variant in (
        (broken, 20, no_issuer, "malformed"),
        (broken, 41, "invalid or inconsistent certificate extension", "malformed"),
        (broken, 10, "certificate has expired", "own_ca"),
        (sound, 20, no_issuer, ""),
        (odd, 20, no_issuer, ""),
    ):
        assert chain_verdict(code, said, chain, "relay.test", []).variant == variant


def test_names_that_cannot_be_read_are_not_said_to_be_others(pki: Pki) -> None:
    san = name_and_address("relay.test", b"\x7f\0\1")
    (odd,) = chain_of(pki.issue("Mail", san=san).certificate)
    (other,) = chain_of(pki.issue("Mail", names=["other.test"]).certificate)
    assert besides(odd, "relay.test") == "" and "relay.test" in besides(other, "relay.test")


def test_what_goes_by_its_common_name(pki: Pki) -> None:
    """As OpenSSL does it: names of another kind do not count, and an address is not compared with it."""
    bare = pki.issue("relay.test", names=[]).certificate
    empty = pki.issue("relay.test", san=b"\x30\0").certificate
    with_address = pki.issue("relay.test", names=[], ips=["192.0.2.1"]).certificate
    with_name = pki.issue("other.test", names=["relay.test"], ips=["192.0.2.1"]).certificate
    for certificate, expected in (
        (bare, "no_names"), (empty, "empty_names"), (with_address, "only_addresses"), (with_name, None),
    ):  # fmt: skip
        (leaf,) = chain_of(certificate)
        assert leaf.oddity_of_names("relay.test") == expected and leaf.covers("relay.test")
        assert leaf.oddity_of_names("192.0.2.1") is None
    (leaf,) = chain_of(with_address)
    assert leaf.covers("192.0.2.1") and not leaf.covers("other.test")


def test_a_negative_serial_number_warns_nobody(pki: Pki, recwarn: pytest.WarningsRecorder) -> None:
    der = pki.issue("relay.test").certificate.public_bytes(Encoding.DER)
    negative = der.replace(b"\xa0\x03\x02\x01\x02\x02\x14" + der[15:16], b"\xa0\x03\x02\x01\x02\x02\x14\x8f", 1)
    assert negative != der
    for one in read_chain([base64.b64encode(negative).decode()], NOW, (None, None)):
        one.as_dict(True)
    assert [str(one.message) for one in recwarn] == []


def test_a_password_that_is_a_word_of_the_relays_name_changes_no_comparison(pki: Pki) -> None:
    issued = pki.issue("mail.staging.test", names=["mail.staging.test"])
    encoded = base64.b64encode(issued.certificate.public_bytes(Encoding.DER)).decode()
    (leaf,) = read_chain([encoded], NOW, ("app", "staging"))
    assert leaf.dns_names == ["mail.********.test"]
    assert leaf.covers("mail.staging.test") and not leaf.covers("mail.production.test")


def test_who_issued_whom_is_seen_with_and_without_key_identifiers(pki: Pki) -> None:
    """Where names and identifiers agree they are believed; where they do not, the signature decides."""
    leaf, above = chain_of(*pki.issue("relay.test").chain)
    assert above.says_it_issued(leaf) and above.issued(leaf)
    assert not leaf.says_it_issued(above) and not leaf.says_it_issued(leaf)
    # Another CA with the same name, as one that was made anew, has another identifier.
    made_anew = pki.issue("relay.test", issuer=pki.new_root("mailops test intermediate"))
    other_leaf, other = chain_of(made_anew.chain[0], above.parsed)
    assert not other.says_it_issued(other_leaf)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading certificates, and telling the six faults of a chain apart."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import EXPIRED, Pki

from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import Certificate, chain_verdict, disordered, read_chain, weakness

NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(Path(tmp_path_factory.mktemp("pki")))


def chain_of(*certificates: object, clock: datetime.datetime = NOW) -> list[Certificate]:
    return read_chain([base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates], clock)  # type: ignore[attr-defined]


def test_what_users_see(pki: Pki) -> None:
    issued = pki.issue("relay.test", names=["relay.test", "*.relay.test"], ips=["192.0.2.1", "2001:db8::1"], key_type="rsa")
    (leaf,) = chain_of(issued.certificate, clock=NOW + datetime.timedelta(hours=1))
    seen = leaf.as_dict(with_pem=True)
    assert seen["subject"] == "CN=relay.test"
    assert seen["issuer"] == "CN=mailops test intermediate"
    assert seen["sans"] == ["relay.test", "*.relay.test", "192.0.2.1", "2001:db8::1"]
    assert (seen["key_type"], seen["key_bits"], seen["signature_algorithm"], seen["self_signed"]) == ("rsa", 2048, "ecdsa-with-SHA256", False)
    assert seen["days_left"] == 29
    assert seen["not_after"].endswith("Z") and len(seen["not_after"]) == 20
    assert len(seen["sha256"]) == len(seen["spki_sha256"]) == 64
    assert int(seen["serial"], 16) == issued.certificate.serial_number
    assert seen["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "pem" not in leaf.as_dict(with_pem=False)


def test_days_are_those_of_the_hosts_clock(pki: Pki) -> None:
    issued = pki.issue("relay.test")
    assert chain_of(issued.certificate, clock=NOW + datetime.timedelta(days=40))[0].days_left < 0


@given(st.lists(st.one_of(st.text(max_size=30), st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode())), max_size=5))
def test_what_is_no_certificate_is_left_out(encoded: list[str]) -> None:
    assert read_chain(encoded, NOW) == []


@pytest.fixture(scope="module")
def real(pki: Pki) -> bytes:
    return pki.issue("relay.test").certificate.public_bytes(Encoding.DER)


def test_a_damaged_certificate_raises_nothing(real: bytes) -> None:
    """One byte changed anywhere: read or left out, described, judged; never an error."""
    for at in range(len(real)):
        for change in (0x01, 0x02, 0x10, 0x80, real[at]):
            assert_survives(real[:at] + bytes([real[at] ^ change]) + real[at + 1 :])


def assert_survives(damaged: bytes) -> None:
    chain = read_chain([base64.b64encode(damaged).decode()], NOW)
    for certificate in chain:
        certificate.as_dict(with_pem=True)
    weakness(chain)
    disordered(chain)
    for code in (9, 10, 18, 20, 62, 66):
        chain_verdict(code, "words", chain, "relay.test", [])


@pytest.mark.parametrize(
    "names, expected",
    [
        ([], "certificate_untrusted"),
        (["mailops test intermediate"], "certificate_untrusted"),  # the same name as a trusted CA, another key
        (["mailops test root"], "certificate_chain_incomplete"),
    ],
)
def test_the_hosts_own_cas_decide(pki: Pki, names: list[str], expected: str) -> None:
    named = pki.new_root("mailops test root").authority("mailops signing")
    issued = (
        pki.issue("relay.test", issuer=named, chain=["leaf"]) if expected != "certificate_untrusted" or not names else pki.issue("relay.test", chain=["leaf"])
    )
    assert chain_verdict(20, "unable to get local issuer certificate", chain_of(issued.certificate), "relay.test", names).code == expected


def test_where_nothing_decides_both_are_named(pki: Pki) -> None:
    issued = pki.issue("relay.test", issuer=pki.new_root("Company CA"), chain=["leaf"])
    verdict = chain_verdict(20, "x", chain_of(issued.certificate), "relay.test", [])
    assert verdict.code == "certificate_untrusted"
    assert "is not in its trust store" in verdict.detail and "if 'Company CA' is an intermediate" in verdict.detail


def test_expired_root_of_the_host_itself(pki: Pki) -> None:
    verdict = chain_verdict(10, "x", chain_of(pki.issue("relay.test").certificate), "relay.test", [])
    assert (verdict.code, verdict.variant) == ("certificate_expired", "own_ca")
    assert verdict.detail == "'mailops test intermediate' or one above it"


def test_weakness(pki: Pki) -> None:
    assert weakness(chain_of(*pki.issue("relay.test").chain)) == ""
    assert "only 1024 bits" in weakness(chain_of(*pki.issue("relay.test", key_type="rsa", bits=1024).chain))
    assert "signed with MD5" in weakness(chain_of(*pki.issue("relay.test", hash_name="md5").chain))
    assert "signed with SHA-1" in weakness(chain_of(*pki.issue("relay.test", hash_name="sha1").chain))
    # A root's signature on itself says nothing.
    assert weakness(chain_of(pki.issue("relay.test", issuer=None, hash_name="sha1").certificate)) == ""


def test_order(pki: Pki) -> None:
    issued = pki.issue("relay.test", chain=["leaf", "intermediate", "root"])
    leaf, intermediate, root = issued.chain
    assert not disordered(chain_of(leaf, intermediate, root))
    assert disordered(chain_of(leaf, root, intermediate))
    assert disordered(chain_of(intermediate, leaf))
    assert not disordered(chain_of(leaf))


def test_disordered_chains_are_linked_all_the_same(pki: Pki) -> None:
    stranger = pki.new_root("other root")
    issued = pki.issue("relay.test", issuer=stranger.authority("other middle"), chain=["leaf", "root", "intermediate"])
    assert "'other root'" in chain_verdict(19, "self-signed in chain", chain_of(*issued.chain), "relay.test", []).detail


def test_also_expired(pki: Pki) -> None:
    issued = pki.issue("relay.test", issuer=pki.stranger(), valid=EXPIRED)
    verdict = chain_verdict(20, "x", chain_of(*issued.chain), "relay.test", [])
    assert verdict.code == "certificate_untrusted"
    assert "it has also expired on" in verdict.detail

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the faults of a chain apart."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import Certificate, read_chain
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.chains import (
    chain_verdict,
    disordered,
    superfluous,
    weakness,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.pki import EXPIRED, NOT_YET_VALID, Authority, Issued, Pki, new_key

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(Path(tmp_path_factory.mktemp("pki")))


def chain_of(*certificates: object, clock: datetime.datetime = NOW) -> list[Certificate]:
    return read_chain(
        [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates], clock, (None, None)
    )  # type: ignore[attr-defined]


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
        pki.issue("relay.test", issuer=named, chain=["leaf"])
        if expected != "certificate_untrusted" or not names
        else pki.issue("relay.test", chain=["leaf"])
    )
    assert (
        chain_verdict(
            20, "unable to get local issuer certificate", chain_of(issued.certificate), "relay.test", names
        ).code
        == expected
    )


def test_where_nothing_decides_both_are_named(pki: Pki) -> None:
    issued = pki.issue("relay.test", issuer=pki.new_root("Company CA"), chain=["leaf"])
    verdict = chain_verdict(20, "x", chain_of(issued.certificate), "relay.test", [])
    assert verdict.code == "certificate_untrusted"
    assert "is not in its trust store" in verdict.detail and "if 'Company CA' is an intermediate" in verdict.detail


def test_the_upper_of_two_intermediates_is_missing(pki: Pki) -> None:
    low = pki.intermediate.authority("signing 7")
    verdict = chain_verdict(
        20, "x", chain_of(*pki.issue("relay.test", issuer=low, chain=["leaf", low]).chain), "relay.test", []
    )
    assert verdict.code == "certificate_chain_incomplete"
    assert (
        verdict.detail
        == "the chain that it sends ends below 'mailops test intermediate', which this host does not have"
    )


@pytest.mark.parametrize(
    "name, told", [("Company CA", True), ("Company Root R1", False), ("Company Issuing Root", False)]
)
def test_a_chain_that_ends_below_a_ca_of_any_kind(pki: Pki, name: str, told: bool) -> None:
    low = pki.new_root(name).authority("signing 7")
    found = chain_verdict(
        20, "x", chain_of(*pki.issue("relay.test", issuer=low, chain=["leaf", low]).chain), "relay.test", []
    )
    assert found.code == "certificate_untrusted"
    assert (f"if '{name}' is an intermediate, the relay fails to send it" in found.detail) == told


def test_an_expired_root_at_the_end_is_none_to_install(pki: Pki) -> None:
    """What a CA leaves behind that has changed its root: hosts without the new one meet the old one's chain."""
    old = pki.new_root("old root", valid=EXPIRED)
    chain = pki.issue("relay.test", issuer=old.authority("signing 7"), chain=["leaf", "intermediate", "root"]).chain
    assert (
        "not in its trust store and has expired on" in chain_verdict(19, "x", chain_of(*chain), "relay.test", []).detail
    )
    young = pki.issue("relay.test", issuer=pki.stranger(), chain=["leaf", "intermediate", "root"]).chain
    assert "expired" not in chain_verdict(19, "x", chain_of(*young), "relay.test", []).detail


def test_expired_root_of_the_host_itself(pki: Pki) -> None:
    verdict = chain_verdict(10, "x", chain_of(pki.issue("relay.test").certificate), "relay.test", [])
    assert (verdict.code, verdict.variant) == ("certificate_expired", "own_ca")
    assert verdict.detail == "'mailops test intermediate' or one above it"


def test_what_ca_path_holds_instead_of_the_root(pki: Pki) -> None:
    """People name the relay's own certificate there, or the intermediate."""
    issued = pki.issue("relay.test")
    for held in ("mailops test intermediate", "relay.test"):
        found = chain_verdict(20, "x", chain_of(*issued.chain), "relay.test", [held])
        assert found.code == "certificate_untrusted"
        assert found.detail == f"ca_path holds '{held}', which is no root, and not 'mailops test root', which issued it"


def test_a_self_signed_certificate_that_was_made_anew(pki: Pki) -> None:
    own = pki.issue("relay.test", issuer=None)
    assert "perhaps the one before" in chain_verdict(18, "x", chain_of(*own.chain), "relay.test", ["relay.test"]).detail
    assert "perhaps" not in chain_verdict(18, "x", chain_of(*own.chain), "relay.test", ["other"]).detail


def test_two_faults_are_both_told(pki: Pki) -> None:
    """OpenSSL stops at one: what else is seen is told behind it, so that the next run has no surprise."""
    other, both = pki.issue("other.test"), pki.issue("other.test", valid=EXPIRED)
    own = pki.issue("other.test", issuer=None, valid=NOT_YET_VALID)
    wild = pki.issue("*.relay.test", names=["*.relay.test"])

    def detail(code: int, one: Issued, name: str = "relay.test") -> str:
        return chain_verdict(code, "x", chain_of(*one.chain), name, []).detail

    for found in (detail(62, both), detail(20, both), detail(18, own)):
        assert "the certificate has also expired" in found or "the certificate is also not valid before" in found
    for found in (detail(10, both), detail(20, other), detail(18, own), detail(26, other)):
        assert "the certificate is also not for relay.test (it is for other.test)" in found
    assert "also" not in detail(20, other, "other.test") + detail(62, other) + detail(20, wild, "A.Relay.Test.")
    for name in ("relay.test", "a.b.relay.test", "192.0.2.1"):
        assert f"also not for {name}" in detail(20, wild, name)
    addresses = pki.issue("x", names=[], ips=["192.0.2.1", "2001:db8::1"])
    assert "also" not in detail(20, addresses, "2001:DB8:0::1") and "also" in detail(20, addresses, "192.0.2.2")
    # Names of another kind do not count for OpenSSL.
    assert "also" not in detail(20, addresses, "x") and "also" in detail(20, addresses, "y")
    assert "also" not in detail(20, pki.issue("x.test", names=[]), "x.test")


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
    assert disordered(chain_of(leaf, root, intermediate)).startswith("'mailops test root'")


def test_what_nobody_needs(pki: Pki) -> None:
    """Certificates sent twice, and those of another chain, are no matter of order; a root may be sent."""
    leaf, intermediate, root = pki.issue("relay.test", chain=["leaf", "intermediate", "root"]).chain
    stranger = pki.stranger().certificate
    name = "'mailops test intermediate'"
    for sent, says in (
        ((leaf, intermediate), ""),
        ((leaf, intermediate, root), ""),
        ((leaf, leaf, intermediate), "'relay.test' more than once"),
        ((leaf, intermediate, intermediate), f"{name} more than once"),
        ((leaf, intermediate, leaf, intermediate), f"'relay.test', {name} more than once"),
        ((leaf, stranger, intermediate), "which issued none of the others"),
        ((leaf, intermediate, stranger), "which issued none of the others"),
    ):
        assert not disordered(chain_of(*sent))
        assert superfluous(chain_of(*sent)).endswith(says) and bool(superfluous(chain_of(*sent))) == bool(says)
    assert disordered(chain_of(leaf, root, intermediate)) and not superfluous(chain_of(leaf, root, intermediate))


def test_disordered_chains_are_linked_all_the_same(pki: Pki) -> None:
    stranger = pki.new_root("other root")
    issued = pki.issue("relay.test", issuer=stranger.authority("other middle"), chain=["leaf", "root", "intermediate"])
    assert "'other root'" in chain_verdict(19, "self-signed in chain", chain_of(*issued.chain), "relay.test", []).detail


def test_also_expired(pki: Pki) -> None:
    issued = pki.issue("relay.test", issuer=pki.stranger(), valid=EXPIRED)
    verdict = chain_verdict(20, "x", chain_of(*issued.chain), "relay.test", [])
    assert verdict.code == "certificate_untrusted"
    assert "the certificate has also expired on" in verdict.detail


def test_which_certificate_breaks_a_rule(pki: Pki) -> None:
    def signed(name: str, issuer: Authority, *extensions: tuple[x509.ExtensionType, bool]) -> Authority:
        key = new_key()
        builder = x509.CertificateBuilder(serial_number=1, public_key=key.public_key())
        builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        builder = builder.issuer_name(issuer.certificate.subject)
        builder = builder.not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=9))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return Authority(builder.sign(issuer.key, hashes.SHA256()), key)

    narrow = signed("narrow CA", pki.root, (x509.BasicConstraints(True, 0), True))
    below = signed("CA below", narrow, (x509.BasicConstraints(True, None), True))
    leaf = signed("relay.test", below)
    chain = chain_of(*(one.certificate for one in (leaf, below, narrow)))
    assert "('narrow CA')" in chain_verdict(25, "path length constraint exceeded", chain, "relay.test", []).detail

    odd = signed(
        "relay.test", pki.root, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)
    )
    early = signed(
        "relay.test", pki.root, (x509.KeyUsage(*[True] * 5, *[False] * 4), True), (x509.PrecertPoison(), True)
    )
    for one, words in ((odd, "'relay.test' has 1.2.3"), (early, "pre-certificate")):
        found = chain_verdict(34, "unhandled critical extension", chain_of(one.certificate), "relay.test", [])
        assert found.variant == "critical_extension"
        assert words in found.detail

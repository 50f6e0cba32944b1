# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: the causes of the contract each by two routes or more, and what must pass."""

from __future__ import annotations

from typing import Any

from support.faulty import honest, smtp
from support.fronts import OpensslServer
from support.pki import EXPIRED, EXPIRING, NOT_YET_VALID, name_and_address

from ..farm import Place
from ..scenario import Row, Serve

__all__ = ["ROWS"]

IMPLICIT = {"secure": True}
STARTTLS = {"secure": False}


def _postfix(**options: Any) -> Serve:
    """Postfix with this certificate, on 465 and 587."""

    def serve(place: Place) -> None:
        certificate = place.issue(**_called(options, place))
        place.postfix("implicit", 465, certificate=certificate)
        place.postfix("starttls", 587, certificate=certificate)

    return serve


def _python(**options: Any) -> Serve:
    """OpenSSL as Python has it, which sends whatever chain it is told to."""

    def serve(place: Place) -> None:
        tls = honest(place.issue(**_called(options, place)))
        place.listen(smtp(implicit=tls), 465)
        place.listen(smtp(starttls=tls), 587)

    return serve


def _called(options: dict[str, Any], place: Place) -> dict[str, Any]:
    """Options that depend on the relay are functions of its place."""
    return {name: value(place) if callable(value) else value for name, value in options.items()}


def _stranger(place: Place) -> Any:
    return place.pki.stranger()


def _names_cut_short(place: Place) -> None:
    """Python and Postfix do not start with such a certificate; s_server does."""
    certificate = place.issue(san=name_and_address(place.name, b"\x7f\0\0\1")[:-3])
    place.start(OpensslServer(certificate, host=place.ip, port=465))


def _system_ca(place: Place) -> Any:
    return place.public


ROWS = [
    # Expired.
    Row(
        "expired",
        "the certificate has expired (Postfix)",
        _postfix(valid=EXPIRED),
        465,
        IMPLICIT,
        "certificate_expired",
        observed="implicit_tls",
        expect={"certificates.0.days_left": lambda days: days is not None and days < 0, "tls.verified": False},
    ),
    Row(
        "expired-starttls",
        "the certificate has expired",
        at="expired",
        ask=STARTTLS,
        cause="certificate_expired",
        observed="starttls",
    ),
    Row(
        "expired-python",
        "the certificate expired a minute ago",
        _python(valid=(-30, -1 / 1440)),
        465,
        IMPLICIT,
        "certificate_expired",
    ),
    Row(
        "expired-intermediate",
        "the intermediate has expired, the leaf has not",
        _python(issuer=lambda place: place.pki.expired_intermediate()),
        465,
        IMPLICIT,
        "certificate_expired",
    ),
    # Not yet valid.
    Row(
        "not-yet-valid",
        "the certificate is valid from tomorrow (Postfix)",
        _postfix(valid=NOT_YET_VALID),
        465,
        IMPLICIT,
        "certificate_not_yet_valid",
    ),
    Row(
        "not-yet-valid-starttls",
        "the certificate is valid from tomorrow",
        at="not-yet-valid",
        ask=STARTTLS,
        cause="certificate_not_yet_valid",
    ),
    Row(
        "not-yet-valid-hour",
        "the certificate is valid in an hour",
        _python(valid=(1 / 24, 30)),
        587,
        STARTTLS,
        "certificate_not_yet_valid",
    ),
    # Self-signed.
    Row(
        "self-signed",
        "self-signed (Postfix)",
        _postfix(issuer=None),
        465,
        IMPLICIT,
        "certificate_self_signed",
        expect={"certificates.0.self_signed": True},
    ),
    Row("self-signed-starttls", "self-signed", at="self-signed", ask=STARTTLS, cause="certificate_self_signed"),
    Row(
        "self-signed-rsa",
        "self-signed, RSA",
        _python(issuer=None, key_type="rsa"),
        587,
        STARTTLS,
        "certificate_self_signed",
    ),
    # Untrusted.
    Row(
        "untrusted",
        "issued by a CA that nobody knows, full chain",
        _postfix(issuer=_stranger),
        465,
        IMPLICIT,
        "certificate_untrusted",
    ),
    Row(
        "untrusted-with-root",
        "issued by a CA that nobody knows, which sends its root too",
        _python(issuer=_stranger, chain=["leaf", "intermediate", "root"]),
        465,
        IMPLICIT,
        "certificate_untrusted",
    ),
    Row(
        "untrusted-starttls",
        "issued by a CA that nobody knows",
        at="untrusted",
        ask=STARTTLS,
        cause="certificate_untrusted",
    ),
    Row(
        "untrusted-no-ca-path",
        "issued by the company's CA, and ca_path was forgotten",
        at="postfix",
        port=465,
        ask={"secure": True, "ca_path": None},
        cause=("certificate_untrusted", "certificate_chain_incomplete"),
    ),
    Row(
        "untrusted-direct",
        "issued by an unknown root directly",
        _python(issuer=lambda place: place.pki.new_root("unknown root of its own"), chain=["leaf", "root"]),
        587,
        STARTTLS,
        "certificate_untrusted",
    ),
    # Incomplete.
    Row(
        "no-intermediate",
        "the intermediate is missing (Postfix)",
        _postfix(chain=["leaf"]),
        465,
        IMPLICIT,
        "certificate_chain_incomplete",
    ),
    Row(
        "no-intermediate-starttls",
        "the intermediate is missing",
        at="no-intermediate",
        ask=STARTTLS,
        cause="certificate_chain_incomplete",
    ),
    Row(
        "no-intermediate-aia",
        "the intermediate is missing, and the certificate says where it lies",
        _python(chain=["leaf"], aia="http://ca.lab.test/intermediate.cer"),
        465,
        IMPLICIT,
        "certificate_chain_incomplete",
    ),
    Row(
        "no-intermediate-root-sent",
        "the root is sent in place of the intermediate",
        _python(chain=["leaf", "root"]),
        465,
        IMPLICIT,
        "certificate_chain_incomplete",
    ),
    # Wrong name.
    Row(
        "wrong-name",
        "the certificate is for another name (Postfix)",
        _postfix(name="other.lab.test"),
        465,
        IMPLICIT,
        "certificate_name_mismatch",
        expect={"message": lambda text: "other.lab.test" in text},
    ),
    Row(
        "wrong-name-starttls",
        "the certificate is for another name",
        at="wrong-name",
        ask=STARTTLS,
        cause="certificate_name_mismatch",
    ),
    Row(
        "wrong-wildcard",
        "the wildcard is one level too high",
        _python(name="*.test"),
        465,
        IMPLICIT,
        "certificate_name_mismatch",
    ),
    Row(
        "wrong-wildcard-deep",
        "the wildcard covers one level, the host has two",
        _python(name="*.lab.test"),
        465,
        IMPLICIT,
        "certificate_name_mismatch",
        host="a.deep.lab.test",
        names={"a.deep": ("A {ip}",)},
    ),
    Row(
        "wrong-name-address",
        "the host is an address that the certificate does not name",
        at="expiring",
        port=465,
        host="{ip}",
        ask=IMPLICIT,
        cause="certificate_name_mismatch",
    ),
    Row(
        "wrong-server-name",
        "server_name is not the relay's",
        at="postfix",
        port=465,
        ask={"secure": True, "server_name": "mx.example.com"},
        cause="certificate_name_mismatch",
    ),
    # Weak.
    Row("weak-rsa", "an RSA key of 1024 bits", _python(key_type="rsa", bits=1024), 465, IMPLICIT, "certificate_weak"),
    Row("weak-rsa-starttls", "an RSA key of 1024 bits", at="weak-rsa", ask=STARTTLS, cause="certificate_weak"),
    Row("weak-sha1", "signed with SHA-1", _python(hash_name="sha1"), 465, IMPLICIT, "certificate_weak"),
    Row(
        "weak-intermediate",
        "an intermediate with a key of 1024 bits",
        _python(issuer=lambda place: place.pki.root.authority("weak intermediate", key_type="rsa", bits=1024)),
        587,
        STARTTLS,
        "certificate_weak",
    ),
    Row(
        "address-as-name",
        "the address stands among the DNS names",
        _python(name=lambda place: place.ip),
        465,
        IMPLICIT,
        "certificate_name_mismatch",
        host="{ip}",
        expect={"message": lambda text: "as a DNS name" in text},
    ),
    # What must pass.
    Row(
        "version-1",
        "nothing for OpenSSL: a certificate of X.509 version 1, which others refuse",
        _python(version=1),
        465,
        IMPLICIT,
        (None, "certificate_name_mismatch"),
        findings=("certificate_without_names",),
    ),
    Row(
        "common-name-only",
        "the name stands in the common name only: OpenSSL and Node.js take it when there is no subjectAltName, others do not",
        _python(names=[]),
        587,
        STARTTLS,
        (None, "certificate_name_mismatch"),
    ),
    Row(
        "only-addresses",
        "subjectAltName lists an address and no name: OpenSSL and Node.js then take the common name, others do not",
        _python(names=[], ips=["192.0.2.1"]),
        465,
        IMPLICIT,
        (None, "certificate_name_mismatch"),
        findings=("certificate_without_names",),
    ),
    Row(
        "address-of-3-bytes",
        "nothing for OpenSSL: an address that Go cannot read beside the name",
        _python(san=lambda place: name_and_address(place.name, b"\x7f\0\1")),
        587,
        STARTTLS,
        observed="starttls",
        findings=("certificate_unreadable",),
    ),
    Row(
        "names-cut-short",
        "subjectAltName ends in the middle of a name: OpenSSL then knows no issuer, whatever ca_path holds",
        _names_cut_short,
        465,
        IMPLICIT,
        "certificate_untrusted",
        expect={
            "message": lambda text: "is malformed" in text,
            "remedy": lambda text: "CA file on this host does not help" in text,
        },
    ),
    Row(
        "expiring",
        "three days are left",
        _postfix(valid=EXPIRING),
        465,
        IMPLICIT,
        observed="implicit_tls",
        findings=("certificate_expiring",),
    ),
    Row(
        "expiring-starttls",
        "three days are left",
        at="expiring",
        ask=STARTTLS,
        observed="starttls",
        findings=("certificate_expiring",),
    ),
    Row(
        "wildcard",
        "nothing: a wildcard that matches",
        _python(name="*.lab.test"),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "wrong-order",
        "the chain is in the wrong order",
        _python(chain=["leaf", "root", "intermediate"]),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "idn",
        "nothing: an internationalised name",
        _python(name="b\u00fccher.lab.test"),
        465,
        IMPLICIT,
        host="b\u00fccher.lab.test",
        names={"xn--bcher-kva": ("A {ip}",)},
        observed="implicit_tls",
    ),
    Row(
        "idn-a-label",
        "nothing: the same name as it travels",
        at="idn",
        port=587,
        host="xn--bcher-kva.lab.test",
        ask=STARTTLS,
        observed="starttls",
    ),
    Row(
        "system-store",
        "nothing: trusted by the host's own store alone",
        _python(issuer=_system_ca),
        465,
        {"secure": True, "ca_path": None},
        observed="implicit_tls",
        expect={"tls.verified": True},
    ),
    Row(
        "system-store-and-ca-path",
        "nothing: trusted by the store, with a ca_path beside it",
        at="system-store",
        ask=STARTTLS,
        observed="starttls",
    ),
    Row(
        "no-validation-expired",
        "has expired, and validate_certs is false",
        at="expired",
        port=465,
        ask={"secure": True, "validate_certs": False},
        observed="implicit_tls",
        expect={"certificates.0.subject": bool},
    ),
    Row(
        "no-validation-self-signed",
        "self-signed, and validate_certs is false",
        at="self-signed",
        ask={"secure": False, "validate_certs": False},
        observed="starttls",
    ),
    Row(
        "return-pem",
        "nothing: the certificate is asked for",
        at="postfix",
        port=465,
        ask={"secure": True, "return_pem": True},
        expect={"certificates.0.pem": lambda pem: (pem or "").startswith("-----BEGIN CERTIFICATE-----")},
    ),
    Row(
        "no-pem",
        "nothing: the certificate is not asked for",
        at="postfix",
        port=465,
        ask=IMPLICIT,
        expect={"certificates.0": lambda leaf: not leaf.get("pem")},
    ),
]

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate may be used for by what stands in it (RFC 5280, section 4.2.1), as OpenSSL reads it."""

from __future__ import annotations

import ipaddress
import typing as t

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:  # ansible-core brings it; reading the documentation must work without it
    pass

__all__ = ["may_issue", "may_serve", "unusable_key", "weakness"]

_Extension = t.TypeVar("_Extension", bound="x509.ExtensionType")
# What OpenSSL, as distributions build it, and a probe ask for.
_BITS = 2048
_RSASSA_PSS = "1.2.840.113549.1.1.10"
# Signing in the handshake, or what older suites do with the key.
_SERVER_USES = ("digital_signature", "key_encipherment", "key_agreement")


def may_serve(leaf: x509.Certificate) -> bool:
    """Whether a server may show it: a certificate that is made for clients or for code is refused by every client."""
    usage = _found(leaf, x509.KeyUsage)
    return _is_for_servers(leaf) and (usage is None or any(getattr(usage, use) for use in _SERVER_USES))


def may_issue(issuer: x509.Certificate, below: t.Sequence[x509.Certificate]) -> bool:
    """Whether it may be the issuer of ``below``: the leaf first, then what lies between the two."""
    basic = _found(issuer, x509.BasicConstraints)
    usage = _found(issuer, x509.KeyUsage)
    if basic is None or not basic.ca or not _is_for_servers(issuer) or (usage is not None and not usage.key_cert_sign):
        return False
    # What issued itself does not count (section 4.2.1.9).
    between = [one for one in below[1:] if one.subject != one.issuer]
    if basic.path_length is not None and len(between) > basic.path_length:
        return False
    limits, names = _found(issuer, x509.NameConstraints), _found(below[0], x509.SubjectAlternativeName)
    return limits is None or names is None or all(_allows(limits, name) for name in names)


def unusable_key(leaf: x509.Certificate) -> str:
    """The kind of a certificate's key where Go's crypto/tls has no use for it, else empty."""
    public = leaf.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        # Older versions of the library do not tell; then Mailpit itself refuses it, and the role goes back.
        padding = getattr(leaf, "public_key_algorithm_oid", None)
        if padding is not None and padding.dotted_string == _RSASSA_PSS:
            return "RSASSA-PSS"
        return f"RSA of {public.key_size} bits" if public.key_size < 1024 else ""
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "" if public.curve.name in ("secp256r1", "secp384r1", "secp521r1") else public.curve.name
    return (
        ""
        if isinstance(public, ed25519.Ed25519PublicKey)
        else type(public).__name__.removesuffix("PublicKey").lstrip("_")
    )


def weakness(certificate: x509.Certificate) -> str:
    """Why clients refuse a certificate, or what it issued, as too weak; empty where they do not. A root's own signature does not count."""
    public = certificate.public_key()
    if isinstance(public, (rsa.RSAPublicKey, dsa.DSAPublicKey)) and public.key_size < _BITS:
        return f"has a key of {public.key_size} bits only"
    try:
        signed = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    if signed is not None and signed.name in ("md5", "sha1") and certificate.subject != certificate.issuer:
        return f"is signed with {'SHA-1' if signed.name == 'sha1' else 'MD5'}"
    return ""


def _found(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_for_servers(certificate: x509.Certificate) -> bool:
    """OpenSSL asks this of a CA as well, and takes "any" for nothing."""
    purposes = _found(certificate, x509.ExtendedKeyUsage)
    return purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes


def _allows(limits: x509.NameConstraints, name: x509.GeneralName) -> bool:
    """Whether a CA that has these limits may issue for this name (section 4.2.1.10)."""
    permitted = [one for one in limits.permitted_subtrees or () if type(one) is type(name)]
    excluded = [one for one in limits.excluded_subtrees or () if type(one) is type(name)]
    return (not permitted or any(_holds(one, name) for one in permitted)) and not any(
        _holds(one, name) for one in excluded
    )


def _holds(subtree: x509.GeneralName, name: x509.GeneralName) -> bool:
    """Whether a name lies in a subtree; of other kinds than names and addresses of hosts, clients ask nothing."""
    if isinstance(subtree, x509.DNSName) and isinstance(name, x509.DNSName):
        top, wanted = subtree.value.lower().lstrip("."), name.value.lower()
        return not top or wanted == top or wanted.endswith("." + top)
    if isinstance(subtree, x509.IPAddress) and isinstance(name, x509.IPAddress):
        network, address = subtree.value, name.value
        return (
            isinstance(network, (ipaddress.IPv4Network, ipaddress.IPv6Network))
            and isinstance(address, (ipaddress.IPv4Address, ipaddress.IPv6Address))
            and address in network
        )
    return False

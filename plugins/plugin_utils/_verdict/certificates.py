# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as a relay sent them: read, described, and why a chain was not accepted."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import re
import typing as t
from dataclasses import dataclass

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
except ImportError:  # ansible-core brings it; reading the documentation must work without it
    pass

from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("Certificate", "ChainVerdict", "chain_verdict", "disordered", "is_address", "read_chain", "weakness")

# X509_V_ERR_* of OpenSSL, the codes that have a cause of their own.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED_LEAF, _SELF_SIGNED_IN_CHAIN = 9, 10, 18, 19
_NO_ISSUER = (2, 20, 21)
_NAME_MISMATCH = (62, 63, 64)
_WEAK = (66, 67, 68)
_RSA_BITS, _EC_BITS = 2048, 224
# A name in a sentence; certificates hold names of any length.
_NAME_LIMIT = 100


@dataclass(frozen=True)
class Certificate:
    """One certificate of a chain with what users see of it."""

    parsed: x509.Certificate
    clock: datetime.datetime

    @property
    def not_before(self) -> datetime.datetime:
        """Start of validity, UTC."""
        return _utc(self.parsed, "not_valid_before")

    @property
    def not_after(self) -> datetime.datetime:
        """End of validity, UTC."""
        return _utc(self.parsed, "not_valid_after")

    @property
    def days_left(self) -> int:
        """Whole days until it expires by the managed host's clock; negative once it has."""
        return (self.not_after - self.clock).days

    @property
    def self_signed(self) -> bool:
        """Whether its own key signed it."""
        return self.issued(self)

    @property
    def common_name(self) -> str:
        """The subject's common name, else the whole subject."""
        return _common_name(self.parsed.subject)

    @property
    def issuer_name(self) -> str:
        """The issuer's common name, else the whole issuer."""
        return _common_name(self.parsed.issuer)

    @property
    def names(self) -> list[str]:
        """DNS names and IP addresses of subjectAltName."""
        extension = self._extension(x509.SubjectAlternativeName)
        addresses = [] if extension is None else extension.get_values_for_type(x509.IPAddress)
        return [*self.dns_names, *map(str, addresses)]

    @property
    def dns_names(self) -> list[str]:
        """DNS names of subjectAltName."""
        extension = self._extension(x509.SubjectAlternativeName)
        found = [] if extension is None else extension.get_values_for_type(x509.DNSName)
        return [printable_text(name) for name in found if isinstance(name, str)]

    @property
    def version(self) -> int:
        """The X.509 version, 1 or 3; 1 knows no extensions, so no names."""
        return 1 if self.parsed.version is x509.Version.v1 else 3

    def issued(self, other: Certificate) -> bool:
        """Whether this certificate's key signed ``other``."""
        if other.parsed.issuer != self.parsed.subject:
            return False
        try:
            other.parsed.verify_directly_issued_by(self.parsed)
        except Exception as error:  # cryptography refuses to check SHA-1 and MD5 (ValueError): the names then have to do
            return type(error).__name__ != "InvalidSignature"
        return True

    def _extension(self, kind: type[t.Any]) -> t.Any:
        try:
            return self.parsed.extensions.get_extension_for_class(kind).value
        except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm, ValueError):
            return None

    @property
    def names_its_issuer_online(self) -> bool:
        """Whether Authority Information Access (RFC 5280 section 4.2.2.1) says where its issuer's certificate is."""
        access = self._extension(x509.AuthorityInformationAccess)
        return access is not None and any(entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS for entry in access)

    @property
    def issuer_of_issuer(self) -> x509.Name | None:
        """Who issued its issuer, where the authority key identifier (RFC 5280 section 4.2.1.1) tells."""
        identifier = self._extension(x509.AuthorityKeyIdentifier)
        names = None if identifier is None else identifier.authority_cert_issuer
        return next((name.value for name in names or [] if isinstance(name, x509.DirectoryName)), None)

    def key(self) -> tuple[str, int | None]:
        """Type and size in bits of the public key."""
        try:
            key = self.parsed.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return "unknown", None
        if isinstance(key, rsa.RSAPublicKey):
            return "rsa", key.key_size
        if isinstance(key, ec.EllipticCurvePublicKey):
            return "ec", key.key_size
        if isinstance(key, dsa.DSAPublicKey):
            return "dsa", key.key_size
        if isinstance(key, ed25519.Ed25519PublicKey):
            return "ed25519", 256
        if isinstance(key, ed448.Ed448PublicKey):
            return "ed448", 456
        return "unknown", None

    def as_dict(self, with_pem: bool) -> dict[str, t.Any]:
        """The certificate as a probe returns it."""
        key_type, key_bits = self.key()
        found: dict[str, t.Any] = {
            "subject": printable_text(self.parsed.subject.rfc4514_string()),
            "issuer": printable_text(self.parsed.issuer.rfc4514_string()),
            "sans": self.names,
            "not_before": self.not_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "not_after": self.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "days_left": self.days_left,
            "serial": f"{self.parsed.serial_number:x}",
            "sha256": self.parsed.fingerprint(hashes.SHA256()).hex(),
            "spki_sha256": self._spki_sha256(),
            "key_type": key_type,
            "key_bits": key_bits,
            "signature_algorithm": getattr(self.parsed.signature_algorithm_oid, "_name", self.parsed.signature_algorithm_oid.dotted_string),
            "self_signed": self.self_signed,
        }
        if with_pem:
            found["pem"] = self.parsed.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return found

    def _spki_sha256(self) -> str | None:
        try:
            spki = self.parsed.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None
        digest = hashes.Hash(hashes.SHA256())
        digest.update(spki)
        return digest.finalize().hex()


@dataclass(frozen=True)
class ChainVerdict:
    """Why a chain was not accepted: a cause of the layer certificate with its variant, and what this case adds to the sentence."""

    code: str
    detail: str = ""
    variant: str = ""


def read_chain(encoded: list[str], clock: datetime.datetime) -> list[Certificate]:
    """The certificates of base64 DER strings, in the order sent; what is not a certificate is left out."""
    found = []
    for text in encoded:
        try:
            parsed = x509.load_der_x509_certificate(base64.b64decode(text))
            # Names are parsed when they are asked for; those of a relay may be anything.
            parsed.subject.rfc4514_string()
            parsed.issuer.rfc4514_string()
        except Exception:  # ValueError, TypeError, InvalidVersion, ...: cryptography raises all kinds for what is not sound
            continue
        found.append(Certificate(parsed, clock))
    return found


def chain_verdict(
    verify_code: int, verify_error: str, chain: list[Certificate], name: str, ca_subjects: list[str]
) -> ChainVerdict:
    """What OpenSSL's verify code means for this chain.

    ``name`` is the name that was checked; ``ca_subjects`` are the common names in the host's ca_path, if one was given.
    """
    if not chain:
        return ChainVerdict("certificate_untrusted", verify_error)
    leaf = chain[0]
    if verify_code == _EXPIRED:
        return _expired(chain)
    if verify_code == _NOT_YET_VALID:
        return ChainVerdict("certificate_not_yet_valid", _not_yet(chain))
    if verify_code in _NAME_MISMATCH:
        return _other_name(leaf, name)
    if verify_code in _WEAK or re.search(r"too (small|weak)", verify_error):
        return ChainVerdict("certificate_weak", weakness(chain) or verify_error)
    misissued = _misissued(verify_code, verify_error, chain)
    if misissued is not None:
        return misissued
    if verify_code == _SELF_SIGNED_LEAF or (verify_code in _NO_ISSUER and leaf.self_signed):
        return ChainVerdict("certificate_self_signed", f"'{leaf.common_name}'{_also_out_of_date(leaf)}")
    if verify_code == _SELF_SIGNED_IN_CHAIN:
        words = f"the chain ends at '{_linked(chain)[-1].common_name}', which is not in its trust store"
        return ChainVerdict("certificate_untrusted", words + _also_out_of_date(leaf))
    if verify_code in _NO_ISSUER:
        return _missing_issuer(chain, ca_subjects)
    return ChainVerdict("certificate_untrusted", verify_error)


def _expired(chain: list[Certificate]) -> ChainVerdict:
    """Which of the chain is over: the leaf, one that is sent above it, or one that is on this host."""
    for certificate in chain:
        if certificate.not_after < certificate.clock:
            when = f"on {certificate.not_after:%Y-%m-%d}, {_days(certificate.clock - certificate.not_after)} ago"
            if certificate is chain[0]:
                return ChainVerdict("certificate_expired", when)
            return ChainVerdict("certificate_expired", f"'{certificate.common_name}' ({when})", "issuer")
    return ChainVerdict("certificate_expired", f"'{_linked(chain)[-1].issuer_name}' or one above it", "own_ca")


def _not_yet(chain: list[Certificate]) -> str:
    for certificate in chain:
        if certificate.not_before > certificate.clock:
            whose = "" if certificate is chain[0] else f"its issuer '{certificate.common_name}' is the one, "
            first, now = f"{certificate.not_before:%Y-%m-%d %H:%M}", f"{certificate.clock:%Y-%m-%d %H:%M}"
            return f"{whose}only from {first} UTC, this host's clock says {now} UTC"
    return "a CA certificate above it in this host's trust store is the one"


def _other_name(leaf: Certificate, name: str) -> ChainVerdict:
    listed = [entry[:_NAME_LIMIT] for entry in leaf.names[:5]]
    more = f" and {len(leaf.names) - 5} more" if len(leaf.names) > 5 else ""
    words = f"it is for {', '.join(listed) or leaf.common_name}{more}"
    if is_address(name) and name in leaf.dns_names:
        return ChainVerdict("certificate_name_mismatch", words, "address_as_name")
    return ChainVerdict("certificate_name_mismatch", words)


# What breaks a chain that leads to a trusted root, by X509_V_ERR_* and by OpenSSL's words (the numbers moved with 3.0):
# a certificate that is no CA, path length, key usage, unknown critical extension, name constraints.
_MISISSUED_CODES = (25, 32, 34, 47, 48, 49, 51, 52, 53, 79)
_MISISSUED = re.compile(
    r"invalid ca|path length|key ?usage|certificate signing|critical extension|subtree|name constraint|excluded|not permitted",
    re.IGNORECASE,
)


def _misissued(verify_code: int, verify_error: str, chain: list[Certificate]) -> ChainVerdict | None:
    """A trusted CA may not issue this, or the certificate is not meant for it. None where trust is the matter."""
    if verify_code == 26 or "purpose" in verify_error:
        return ChainVerdict("certificate_untrusted", verify_error, "purpose")
    if verify_code == 7 or "signature failure" in verify_error:
        return ChainVerdict("certificate_untrusted", verify_error, "signature")
    if verify_code in _MISISSUED_CODES or _MISISSUED.search(verify_error):
        return ChainVerdict("certificate_untrusted", f"{verify_error}, '{_linked(chain)[-1].issuer_name}'", "misissued")
    return None


def weakness(chain: list[Certificate]) -> str:
    """What is weak about the chain: keys below 2048 bits RSA or 224 bits EC, signatures of MD5 or SHA-1. A root's own signature does not count."""
    for certificate in chain:
        key_type, bits = certificate.key()
        if key_type in ("rsa", "dsa") and bits is not None and bits < _RSA_BITS or key_type == "ec" and bits is not None and bits < _EC_BITS:
            return f"the key of '{certificate.common_name}' has only {bits} bits"
        try:
            algorithm = certificate.parsed.signature_hash_algorithm
        except Exception:  # UnsupportedAlgorithm: not one of the old ones
            algorithm = None
        if algorithm is not None and algorithm.name in ("md5", "sha1") and not certificate.self_signed:
            return f"'{certificate.common_name}' is signed with {algorithm.name.upper().replace('SHA1', 'SHA-1')}"
    return ""


def disordered(chain: list[Certificate]) -> bool:
    """Whether a certificate does not follow the one that it issued (RFC 5246 asked for that order; TLS 1.3 only recommends it)."""
    return any(earlier.parsed.issuer != later.parsed.subject for earlier, later in zip(chain, chain[1:]))


def _linked(chain: list[Certificate]) -> list[Certificate]:
    """From the leaf as far up as the sent certificates reach, in whatever order they were sent."""
    path = [chain[0]]
    while not path[-1].self_signed:
        above = next((one for one in chain if one not in path and one.issued(path[-1])), None)
        if above is None:
            break
        path.append(above)
    return path


def _missing_issuer(chain: list[Certificate], ca_subjects: list[str]) -> ChainVerdict:
    """The issuer of the last certificate is neither sent nor trusted: is it a missing intermediate or an unknown root?

    Only its name is known. Where nothing decides, the sentence names both.
    """
    path = _linked(chain)
    leaf, top = path[0], path[-1]
    late = _also_out_of_date(leaf)
    if top.self_signed:
        words = f"the chain ends at '{top.common_name}', which is not in its trust store"
        return ChainVerdict("certificate_untrusted", words + late)
    issuer = top.issuer_name
    if len(path) > 1:
        words = f"the chain that it sends ends below '{issuer}', which this host does not have"
        return ChainVerdict("certificate_untrusted", words + late)
    incomplete = _is_intermediate(leaf, ca_subjects)
    if incomplete is False:
        return ChainVerdict("certificate_untrusted", f"'{issuer}' is not in its trust store{late}")
    if incomplete is None:
        words = f"'{issuer}' is not in its trust store (if '{issuer}' is an intermediate, the relay fails to send it, and should send its full chain)"
        return ChainVerdict("certificate_untrusted", words + late)
    words = f"it sends only its own certificate, issued by '{issuer}' (if '{issuer}' is a root of your own, name its file in ca_path)"
    return ChainVerdict("certificate_chain_incomplete", words + late)


def _is_intermediate(leaf: Certificate, ca_subjects: list[str]) -> bool | None:
    """Whether the unseen issuer of ``leaf`` is an intermediate: True, False, or None where nothing tells."""
    issuer = leaf.parsed.issuer
    above = leaf.issuer_of_issuer
    if above is not None:
        return above != issuer
    name = leaf.issuer_name
    if name in ca_subjects:
        return False  # same name as a trusted CA, another key
    if re.search(r"\broot\b", name, re.IGNORECASE):
        return False
    if re.search(r"\b(intermediate|issuing|subordinate|sub)\b", name, re.IGNORECASE):
        return True
    if leaf.names_its_issuer_online:
        return True
    first = name.split()[0].lower() if name.split() else ""
    if len(first) > 2 and any(subject.lower().split()[:1] == [first] for subject in ca_subjects):
        return True
    return None


def _also_out_of_date(leaf: Certificate) -> str:
    if leaf.not_after < leaf.clock:
        return f"; it has also expired on {leaf.not_after:%Y-%m-%d}"
    if leaf.not_before > leaf.clock:
        return f"; it is also not valid before {leaf.not_before:%Y-%m-%d}"
    return ""


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _days(span: datetime.timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days" if span.days else "less than a day"


def _common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = printable_text(str(values[0].value) if values else name.rfc4514_string()) or "(no name)"
    return text if len(text) <= _NAME_LIMIT else f"{text[:_NAME_LIMIT]}..."


def _utc(certificate: x509.Certificate, attribute: str) -> datetime.datetime:
    """cryptography 42 gave these properties a time zone and another name."""
    aware = getattr(certificate, f"{attribute}_utc", None)
    return aware if aware is not None else getattr(certificate, attribute).replace(tzinfo=datetime.timezone.utc)

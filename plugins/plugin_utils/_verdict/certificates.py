# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as a relay sent them: read and described."""

from __future__ import annotations

import base64
import contextlib
import datetime
import functools
import hashlib
import ipaddress
import typing as t
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

    _UNREADABLE = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm, ValueError)
except ImportError:  # ansible-core brings it; reading the documentation must work without it
    pass

from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import MASK, redact, secret_forms
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

if t.TYPE_CHECKING:
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.runtimes import Oddity

__all__ = ("NAME_LIMIT", "Certificate", "is_address", "read_chain", "without_login")

# A name in a sentence; certificates hold names of any length.
NAME_LIMIT = 100
# Certificates that stay parsed: those of a call, with its other ports.
_KEPT = 64
_Any = t.TypeVar("_Any")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without cryptography's warnings about long names and odd numbers: nothing that a user can change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# Critical extensions that OpenSSL knows: the arcs of X.509 itself (key usage, names, constraints, policies, purposes),
# Netscape's type, proxy certificates, and addresses and routers of RFC 3779.
_KNOWN_CRITICAL = frozenset(
    (*(f"2.5.29.{number}" for number in (15, 17, 18, 19, 30, 31, 32, 33, 36, 37, 54)), "2.16.840.1.113730.1.1")
    + tuple(f"1.3.6.1.5.5.7.1.{number}" for number in (7, 8, 14))
)


@dataclass(frozen=True)
class Certificate:
    """One certificate of a chain with what users see of it. ``secrets`` are the forms of a login that nobody may see."""

    parsed: x509.Certificate
    clock: datetime.datetime
    secrets: tuple[str, ...] = ()

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
        return self._common_name(self.parsed.subject)

    @property
    def issuer_name(self) -> str:
        """The issuer's common name, else the whole issuer."""
        return self._common_name(self.parsed.issuer)

    @property
    def names(self) -> list[str]:
        """DNS names and IP addresses of subjectAltName."""
        extension = self._extension(x509.SubjectAlternativeName)
        addresses = [] if extension is None else extension.get_values_for_type(x509.IPAddress)
        return [*self.dns_names, *map(str, addresses)]

    @property
    def dns_names(self) -> list[str]:
        """DNS names of subjectAltName."""
        return [self._shown(name) for name in self._dns_names]

    @property
    def _dns_names(self) -> list[str]:
        extension = self._extension(x509.SubjectAlternativeName)
        found = [] if extension is None else extension.get_values_for_type(x509.DNSName)
        return [name for name in found if isinstance(name, str)]

    def oddity_of_names(self, name: str) -> Oddity | None:
        """What is odd about its subjectAltName for a client that looks for this name in it; null for nothing.

        Without DNS names only its common name can be compared; an address is never compared with a common name. One that
        cannot be read may hold any name.
        """
        if self._extensions_error() is not None:
            return "names_unreadable"
        if is_address(name) or self._dns_names:
            return None
        names = self._extension(x509.SubjectAlternativeName)
        return "no_names" if names is None else "only_addresses" if len(names) else "empty_names"

    @property
    def malformed(self) -> bool:
        """Whether its extensions are no sound DER, so that OpenSSL takes no part of it for true (RFC 5280 section 4.2).

        A name or an address that only a strict reader minds, such as one of 3 bytes, is another matter.
        """
        error = self._extensions_error()
        return isinstance(error, x509.DuplicateExtension) or "parsing asn1" in str(error)

    @_quietly()
    def _extensions_error(self) -> Exception | None:
        try:
            len(self.parsed.extensions)
        except _UNREADABLE as error:
            return error
        return None

    def covers(self, name: str) -> bool:
        """Whether it is for this name (A-labels) or address, as RFC 9525 section 6 compares; by its common name where it has no DNS names, as OpenSSL does."""
        if is_address(name):
            found = self._extension(x509.SubjectAlternativeName)
            addresses = [] if found is None else found.get_values_for_type(x509.IPAddress)
            return ipaddress.ip_address(name) in addresses
        wanted = name.lower().rstrip(".")
        above = wanted.partition(".")[2]
        # As they stand in it, not as they are shown: a password may be a word of the relay's name.
        common = [str(one.value) for one in self.parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[:1]]
        listed = [one.lower() for one in self._dns_names or common]
        return wanted in listed or ("." in above and f"*.{above}" in listed)

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
        except (
            Exception
        ) as error:  # cryptography refuses to check SHA-1 and MD5 (ValueError): the names then have to do
            return type(error).__name__ != "InvalidSignature"
        return True

    def says_it_issued(self, other: Certificate) -> bool:
        """As ``issued``, but names and key identifiers (RFC 5280 section 4.2.1.1) that agree are taken for it: that is cheaper."""
        if other.parsed.issuer != self.parsed.subject:
            return False
        above, own = other._extension(x509.AuthorityKeyIdentifier), self._extension(x509.SubjectKeyIdentifier)
        identifier = None if above is None else above.key_identifier
        return (identifier is not None and own is not None and identifier == own.digest) or self.issued(other)

    @_quietly()
    def _extension(self, kind: type[t.Any]) -> t.Any:
        try:
            return self.parsed.extensions.get_extension_for_class(kind).value
        except (x509.ExtensionNotFound, *_UNREADABLE):
            return None

    @property
    def may_issue(self) -> bool:
        """Whether it is a CA's, and its key may sign certificates (RFC 5280 sections 4.2.1.9 and 4.2.1.3)."""
        basic, usage = self._extension(x509.BasicConstraints), self._extension(x509.KeyUsage)
        return basic is not None and basic.ca and (usage is None or usage.key_cert_sign)

    @property
    def limits_names(self) -> bool:
        """Whether it says which names those may have that it issues (RFC 5280 section 4.2.1.10)."""
        return self._extension(x509.NameConstraints) is not None

    @property
    def path_length(self) -> int | None:
        """How many CAs may stand between it and a leaf (RFC 5280 section 4.2.1.9); null for no limit."""
        basic = self._extension(x509.BasicConstraints)
        return None if basic is None else t.cast("int | None", basic.path_length)

    @property
    def unknown_critical(self) -> str | None:
        """The number (OID) of a critical extension that TLS libraries do not know; null for none.

        They have to refuse it (RFC 5280 section 4.2).
        """
        try:
            found = [one.oid.dotted_string for one in self.parsed.extensions if one.critical]
        except _UNREADABLE:
            return None
        return next((oid for oid in found if oid not in _KNOWN_CRITICAL), None)

    @property
    def names_its_issuer_online(self) -> bool:
        """Whether Authority Information Access (RFC 5280 section 4.2.2.1) says where its issuer's certificate is."""
        access = self._extension(x509.AuthorityInformationAccess)
        return access is not None and any(
            entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS for entry in access
        )

    @property
    def issuer_of_issuer(self) -> x509.Name | None:
        """Who issued its issuer, where the authority key identifier (RFC 5280 section 4.2.1.1) tells."""
        identifier = self._extension(x509.AuthorityKeyIdentifier)
        names = None if identifier is None else identifier.authority_cert_issuer
        return next((name.value for name in names or [] if isinstance(name, x509.DirectoryName)), None)

    def key(self) -> tuple[str, int | None]:
        """Type and size in bits of the public key."""
        key = _public_key(self.parsed)
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

    @property
    def signature_hash(self) -> str:
        """The hash of its signature, such as sha256; empty where the signature has none that is known."""
        try:
            algorithm = self.parsed.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return ""
        return algorithm.name if algorithm is not None else ""

    @_quietly()
    def as_dict(self, with_pem: bool) -> dict[str, t.Any]:
        """The certificate as a probe returns it."""
        key_type, key_bits = self.key()
        found: dict[str, t.Any] = {
            "subject": self._shown(self.parsed.subject.rfc4514_string()),
            "issuer": self._shown(self.parsed.issuer.rfc4514_string()),
            "sans": self.names,
            "not_before": self.not_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "not_after": self.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "days_left": self.days_left,
            "serial": f"{self.parsed.serial_number:x}",
            "sha256": hashlib.sha256(self.parsed.public_bytes(serialization.Encoding.DER)).hexdigest(),
            "spki_sha256": self._spki_sha256(),
            "key_type": key_type,
            "key_bits": key_bits,
            "signature_algorithm": getattr(
                self.parsed.signature_algorithm_oid, "_name", self.parsed.signature_algorithm_oid.dotted_string
            ),
            "self_signed": self.self_signed,
        }
        if with_pem:
            found["pem"] = MASK if self.tells else self.parsed.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return found

    def _shown(self, text: str) -> str:
        """What a stranger wrote, fit to be shown: a relay that knows the login may have it in its certificate."""
        return printable_text(_hidden(text, self.secrets))

    def _common_name(self, name: x509.Name) -> str:
        values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
        text = self._shown(str(values[0].value) if values else name.rfc4514_string()) or "(no name)"
        return text if len(text) <= NAME_LIMIT else f"{text[:NAME_LIMIT]}..."

    @property
    def tells(self) -> bool:
        """Whether the secrets are anywhere in it, also in what is not shown otherwise."""
        if not self.secrets:
            return False
        der = self.parsed.public_bytes(serialization.Encoding.DER)
        # Letters of two and four octets are those of ASCII with zeros between them.
        read = (der.lower(), der.replace(b"\0", b"").lower())
        forms = [form.lower().encode("utf-8", "surrogatepass") for form in self.secrets]
        if any(form in data for form in forms for data in read):
            return True
        texts = [self.parsed.subject.rfc4514_string(), self.parsed.issuer.rfc4514_string(), *self._dns_names]
        return any(_hidden(text, self.secrets) != text for text in texts)

    def _spki_sha256(self) -> str | None:
        key = _public_key(self.parsed)
        if key is None:
            return None
        try:
            spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None
        return hashlib.sha256(spki).hexdigest()


def read_chain(encoded: list[str], clock: datetime.datetime, login: tuple[str | None, str | None]) -> list[Certificate]:
    """The certificates of base64 DER strings, in the order sent, up to the first that cannot be read.

    ``login`` is the user and the password that must not show in them; nobody may leave it out by mistake.

    Those behind that one are left out too, as none of them is the relay's own, or issued the last one before it.
    """
    secrets = _secrets(login[0] or "", login[1]) if login[1] else ()
    chain: list[Certificate] = []
    for text in encoded:
        parsed = _parsed(text) if isinstance(text, str) else None
        if parsed is None:
            break
        chain.append(Certificate(parsed, clock, secrets))
    return chain


def without_login(found: _Any, login: tuple[str | None, str | None]) -> _Any:
    """The same evidence without the certificates in which a login is: an empty text stands for each.

    Who reads the chain again then sees no further than that one.
    """
    return t.cast(_Any, _without(found, login)) if login[1] else found


def _without(found: object, login: tuple[str | None, str | None]) -> object:
    if isinstance(found, dict):
        return {
            key: [_unless_told(one, login) for one in value] if key == "chain" and value else _without(value, login)
            for key, value in found.items()
        }
    return [_without(one, login) for one in found] if isinstance(found, list) else found


def _unless_told(encoded: str, login: tuple[str | None, str | None]) -> str:
    found = read_chain([encoded], datetime.datetime.now(datetime.UTC), login)
    return "" if found and found[0].tells else encoded


# Endpoints of one relay show the same certificates.
@functools.lru_cache(maxsize=256)
def _hidden(text: str, secrets: tuple[str, ...]) -> str:
    return t.cast(str, redact(text, list(secrets), True)) if secrets else text


# All endpoints of a call have the same login, as a rule.
@functools.lru_cache(maxsize=4)
def _secrets(username: str, password: str) -> tuple[str, ...]:
    return tuple(secret_forms(username, password))


# A chain is read by each that judges it: diagnosis, policy, findings and evidence.
@functools.lru_cache(maxsize=_KEPT)
@_quietly()
def _parsed(text: str) -> x509.Certificate | None:
    try:
        parsed = x509.load_der_x509_certificate(base64.b64decode(text))
        # These are parsed when they are asked for, and those of a relay may be anything: letters of no code, the year 0.
        parsed.subject.rfc4514_string()
        parsed.issuer.rfc4514_string()
        for moment in ("not_valid_before", "not_valid_after"):
            _utc(parsed, moment)
    except Exception:  # ValueError, TypeError, InvalidVersion, ...: cryptography raises all kinds for what is not sound
        return None
    return parsed


@functools.lru_cache(maxsize=_KEPT)
def _public_key(certificate: x509.Certificate) -> t.Any:
    """The public key; None where it is none that can be read."""
    try:
        return certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _utc(certificate: x509.Certificate, attribute: str) -> datetime.datetime:
    """cryptography 42 gave these properties a time zone and another name."""
    aware = getattr(certificate, f"{attribute}_utc", None)
    return aware if aware is not None else getattr(certificate, attribute).replace(tzinfo=datetime.UTC)

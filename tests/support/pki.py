# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway PKI: a root, an intermediate, and server certificates with every fault that a test asks for.

pki = Pki(tmp_path)
good = pki.issue("relay.test", ips=["127.0.0.1"])
old = pki.issue("relay.test", valid=EXPIRED)
bare = pki.issue("relay.test", chain=["leaf"])                     # intermediate missing
foreign = pki.issue("relay.test", issuer=pki.stranger())           # a CA that nobody trusts
own = pki.issue("relay.test", issuer=None)                         # self-signed
pki.ca_file                                                        # what a client has to trust
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID, NameOID

__all__ = ["CURRENT", "EXPIRED", "EXPIRING", "NOT_YET_VALID", "Authority", "Issued", "Pki"]

# Days from now: (first, last) day of validity.
CURRENT = (-1, 30)
EXPIRED = (-30, -1)
NOT_YET_VALID = (1, 30)
EXPIRING = (-30, 3)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# The last byte of OBJECT IDENTIFIER 1.2.840.113549.1.1.x tells the hash of an RSA signature (RFC 8017 appendix A.2.4).
_RSA_SIGNATURE = bytes.fromhex("06092a864886f70d0101")
_WEAK_HASHES: dict[str, tuple[int, hashes.HashAlgorithm]] = {"sha1": (5, hashes.SHA1()), "md5": (4, hashes.MD5())}
_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def new_key(key_type: str = "ec", bits: int | None = None) -> Key:
    """A private key: "ec" with 256 or 384 bits, or "rsa" with 1024 bits or more (default 2048)."""
    if key_type == "rsa":
        return rsa.generate_private_key(65537, bits or 2048)
    if key_type == "ec":
        return ec.generate_private_key({256: ec.SECP256R1(), 384: ec.SECP384R1()}[bits or 256])
    raise ValueError(f"key type {key_type!r}: say ec or rsa")


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate, its key, and the CA above it (None for a root)."""

    certificate: x509.Certificate
    key: Key
    issuer: Authority | None = None

    @property
    def pem(self) -> bytes:
        """The CA certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def authority(
        self, name: str, valid: tuple[float, float] = (-365, 365), key_type: str = "ec", bits: int | None = None
    ) -> Authority:
        """A CA below this one."""
        key = new_key(key_type, bits)
        return Authority(_certificate(name, key, self, valid, ca=True), key, self)

    def above(self) -> list[Authority]:
        """This CA and those above it, the root last."""
        return [self, *(self.issuer.above() if self.issuer else [])]


@dataclass(frozen=True)
class Issued:
    """One certificate on disk. Every file is 0600."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...]  # what the server sends, in its order
    key_file: Path
    leaf_file: Path  # the certificate alone
    chain_file: Path  # what the server sends
    both_file: Path  # key, then chain: what Postfix, haproxy and smtp-server want


def _certificate(
    name: str,
    key: Key,
    issuer: Authority | None,
    valid: tuple[float, float],
    ca: bool = False,
    names: Iterable[str] = (),
    ips: Iterable[str] = (),
    purposes: Iterable[x509.ObjectIdentifier] = (),
    aia: str | None = None,
    hash_name: str = "sha256",
    version: int = 3,
    san: bytes | None = None,
) -> x509.Certificate:
    """One signed certificate; no issuer means self-signed. Version 1 has no extensions: no names, no purposes."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=valid[0]))
        .not_valid_after(now + timedelta(days=valid[1]))
    )
    if version == 1:
        return _of_version_1(builder.sign(signer, hashes.SHA256()), signer)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(ca), critical=True)
    )
    sans: list[x509.GeneralName] = [
        x509.DNSName(each.encode("idna").decode() if not each.isascii() else each) for each in names
    ]
    sans += [x509.IPAddress(ipaddress.ip_address(each)) for each in ips]
    if san is not None:
        raw = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, san)
        builder = builder.add_extension(raw, critical=False)
    elif sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if aia:
        where = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia))
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    if hash_name in _WEAK_HASHES:
        if not isinstance(signer, rsa.RSAPrivateKey):
            raise ValueError(f"{hash_name} needs an issuer with an RSA key")
        return _weakly_signed(builder.sign(signer, hashes.SHA256()), signer, *_WEAK_HASHES[hash_name])
    return builder.sign(signer, _HASHES[hash_name])


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _weakly_signed(
    certificate: x509.Certificate, signer: rsa.RSAPrivateKey, last: int, weak: hashes.HashAlgorithm
) -> x509.Certificate:
    """The same certificate signed with a hash that cryptography refuses to sign certificates with.

    The algorithm stands in the signed part and beside the signature; its name has the same length for every hash, so it is
    replaced in place.
    """
    body = certificate.tbs_certificate_bytes.replace(_RSA_SIGNATURE + b"\x0b", _RSA_SIGNATURE + bytes([last]))
    whole = certificate.public_bytes(serialization.Encoding.DER).replace(
        _RSA_SIGNATURE + b"\x0b", _RSA_SIGNATURE + bytes([last])
    )
    whole = whole.replace(certificate.signature, signer.sign(body, padding.PKCS1v15(), weak))
    return x509.load_der_x509_certificate(whole)


def _of_version_1(certificate: x509.Certificate, signer: Key) -> x509.Certificate:
    """The same certificate without its version, which is then 1 (RFC 5280 section 4.1.2.1); the library makes version 3 only."""
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError("a certificate of version 1 needs an issuer with an EC key")
    body = certificate.tbs_certificate_bytes
    start = 2 + (body[1] & 0x7F if body[1] & 0x80 else 0)
    content = body[start:].removeprefix(bytes.fromhex("a003020102"))
    signed = _der(0x30, content)
    signature = signer.sign(signed, ec.ECDSA(hashes.SHA256()))
    whole = _der(0x30, signed + bytes.fromhex("300a06082a8648ce3d040302") + _der(0x03, b"\0" + signature))
    return x509.load_der_x509_certificate(whole)


def name_and_address(name: str, address: bytes) -> bytes:
    """DER of a subjectAltName of a DNS name and an address (RFC 5280 section 4.2.1.6) of any number of bytes, 4 and 16 are right."""
    return _der(0x30, _der(0x82, name.encode()) + _der(0x87, address))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    long = size.to_bytes(2, "big").lstrip(b"\0")
    length = bytes([size]) if size < 0x80 else bytes([0x80 | len(long)]) + long
    return bytes([tag]) + length + content


class Pki:
    """A root and an intermediate, and a folder full of certificates below them."""

    def __init__(self, folder: Path | str) -> None:
        """Takes the folder to write to (made when missing, 0700). Makes the two CAs and writes `ca_file`."""
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = self.new_root("mailops test root")
        self.intermediate = self.root.authority("mailops test intermediate")
        self.ca_file = self.write("ca.pem", self.root.pem)
        self._weak: Authority | None = None
        self._count = 0

    def new_root(
        self, name: str, valid: tuple[float, float] = (-365, 365), key_type: str = "ec", bits: int | None = None
    ) -> Authority:
        """Another root CA, not in `ca_file`."""
        key = new_key(key_type, bits)
        return Authority(_certificate(name, key, None, valid, ca=True), key)

    def stranger(self) -> Authority:
        """An intermediate of a root that is in no trust store."""
        return self.new_root("unknown root").authority("unknown intermediate")

    def expired_intermediate(self) -> Authority:
        """An intermediate below our root that ran out yesterday."""
        return self.root.authority("expired intermediate", valid=(-365, -1))

    def write(self, name: str, *parts: bytes) -> Path:
        """Write a file of mode 0600 into the folder; gives its path."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b"".join(parts))
        return path

    def issue(
        self,
        name: str = "localhost",
        *,
        names: Sequence[str] | None = None,
        ips: Sequence[str] = (),
        valid: tuple[float, float] = CURRENT,
        issuer: Authority | str | None = "intermediate",
        chain: Sequence[str | x509.Certificate | Authority] | None = None,
        key_type: str = "ec",
        bits: int | None = None,
        hash_name: str = "sha256",
        aia: str | None = None,
        client: bool = False,
        version: int = 3,
        san: bytes | None = None,
        file: str | None = None,
    ) -> Issued:
        """Make one certificate and write its files.

        name       common name, and the DNS name when `names` is None (wildcards and names outside ASCII are taken)
        names, ips subjectAltName; `names=[]` and no `ips` makes a certificate without it
        valid      (first, last) day from now: CURRENT, EXPIRED, NOT_YET_VALID, EXPIRING or a pair of your own
        issuer     "intermediate" (default), "root", an Authority, or None for self-signed
        chain      what the server sends, in this order: "leaf", "intermediate" (the issuer), "root" (the top of its line), a
                   certificate or an Authority; default: the leaf and all CAs above it but the root.
                   ["leaf"] is the missing intermediate, ["intermediate", "leaf"] the wrong order
        key_type, bits  "ec" 256/384, "rsa" 1024 and more
        hash_name  sha256, sha384, sha512; sha1 and md5 make their own RSA intermediate unless an RSA issuer is given
        aia        address of the issuer's certificate (authorityInfoAccess), never fetched by us
        client     a client's certificate instead of a server's
        version    of X.509: 3, or 1, which knows no extensions
        san        subjectAltName byte for byte (DER) in place of `names` and `ips`, for one that cannot be read
        file       stem of the file names; default: a number and the name
        """
        authority: Authority | None
        if issuer == "intermediate" and hash_name in _WEAK_HASHES:
            self._weak = authority = self._weak or self.root.authority("mailops test RSA intermediate", key_type="rsa")
        elif isinstance(issuer, str):
            authority = {"intermediate": self.intermediate, "root": self.root}[issuer]
        else:
            authority = issuer
        if authority is None and hash_name in _WEAK_HASHES:
            key_type = "rsa"
        key = new_key(key_type, bits)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        common_name = name if name.isascii() else name.encode("idna").decode()
        leaf = _certificate(
            common_name, key, authority, valid, names=[name] if names is None else names, ips=ips, purposes=[purpose], aia=aia, hash_name=hash_name,
            version=version, san=san,
        )  # fmt: skip
        sent = self._chain(leaf, authority, chain)
        self._count += 1
        stem = file or re.sub(r"[^a-z0-9.-]", "_", f"{self._count}-{common_name.lower()}")
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain_pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in sent)
        return Issued(
            certificate=leaf,
            key=key,
            chain=sent,
            key_file=self.write(f"{stem}.key", key_pem),
            leaf_file=self.write(f"{stem}.leaf.pem", leaf.public_bytes(serialization.Encoding.PEM)),
            chain_file=self.write(f"{stem}.chain.pem", chain_pem),
            both_file=self.write(f"{stem}.pem", key_pem, chain_pem),
        )

    @staticmethod
    def _chain(
        leaf: x509.Certificate, issuer: Authority | None, chain: Sequence[str | x509.Certificate | Authority] | None
    ) -> tuple[x509.Certificate, ...]:
        line = issuer.above() if issuer else []
        if chain is None:
            return (leaf, *(each.certificate for each in line[:-1]))
        words = {"leaf": leaf}
        if line:
            words["intermediate"] = line[0].certificate
            words["root"] = line[-1].certificate
        plain = (each.certificate if isinstance(each, Authority) else each for each in chain)
        return tuple(words[each] if isinstance(each, str) else each for each in plain)

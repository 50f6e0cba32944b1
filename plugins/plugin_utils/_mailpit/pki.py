# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The certificates that Mailpit shows: a small CA and a leaf, one self-signed certificate, or a pair that was given.

What is there and still good is kept as it is, so a run changes something only when it has a reason, and says which.
A leaf may be renewed at any time while clients trust its CA. What clients trust changes in three steps, or there is a moment when
a host trusts the wrong one: ``introduce`` (clients get the new one beside the old one), ``switch`` (Mailpit shows the new
certificate), ``retire`` (clients drop the old one).
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import re
import typing as t

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # ansible-core brings it; reading the documentation must work without it
    pass

from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.purpose import (
    may_issue,
    may_serve,
    unusable_key,
    weakness,
)

__all__ = ["STEPS", "Pki", "bare", "check_pair", "give", "issue"]

# Of OpenSSL, OpenSSH and PGP (RFC 7468), SSH2 (RFC 4716) and PuTTY.
_KEY = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-[0-9]+:", re.IGNORECASE)
# What people give in place of a certificate.
_OTHERS = {
    "CERTIFICATE REQUEST": "a request for a certificate", "NEW CERTIFICATE REQUEST": "a request for a certificate", "PKCS7": "a bundle in PKCS#7 form",
    "TRUSTED CERTIFICATE": "a certificate in OpenSSL's own form", "PUBLIC KEY": "a public key",
}  # fmt: skip
STEPS = ("steady", "introduce", "switch", "retire")
_CA_DAYS = 3650
_BACKDATE = datetime.timedelta(hours=1)  # clients whose clock is a little behind
_CLOCKS_APART = datetime.timedelta(days=1)  # more than that is no clock of another controller, but a wrong one


@dataclasses.dataclass(frozen=True)
class Pki:
    """
    PEM texts. Each but the last two is also a file on the Mailpit host; an empty text is a file that is not there.

    ``ca_*`` is what clients trust in the long run, ``next_*`` what they will (of a self-signed pair: the next pair itself),
    ``previous_certificate`` what they still do. ``trust`` is what they get; ``reason`` says why the leaf is new, and is empty when it is not.
    """

    ca_certificate: str = ""
    ca_key: str = ""
    next_certificate: str = ""
    next_key: str = ""
    previous_certificate: str = ""
    certificate: str = ""
    key: str = ""
    trust: str = ""
    reason: str = ""


def issue(
    kind: str,
    names: t.Sequence[str],
    existing: Pki,
    now: datetime.datetime,
    days: int = 365,
    renew_days: int = 120,
    step: str = "steady",
    force: bool = False,
) -> Pki:
    """
    The certificates to have from now on.

    ``kind`` is own_ca or self_signed; ``names`` are DNS names and addresses, the first one also the subject; ``now`` is aware;
    ``force`` makes a new leaf. Raises MailpitRefusal when ``step`` does not fit, or the CA is about to expire (clients have to
    be told first).
    """
    _check_step(step)
    if days <= renew_days:
        raise MailpitRefusal(
            f"mailpit_certificate_days is {days} and mailpit_certificate_renew_days is {renew_days}: the first must be the larger one"
        )
    if kind == "self_signed":
        return _self_signed(names, existing, now, days, renew_days, step, force)
    return _own_ca(names, existing, now, days, renew_days, step, force)


def give(existing: Pki, given: Pki, now: datetime.datetime, step: str = "steady") -> Pki:
    """
    The pair of ``given`` (checked by check_pair) for Mailpit, and its ``ca_certificate`` for the clients, empty where their own store has it.

    With ``introduce`` Mailpit keeps the pair of ``existing``. What the clients trust already stays until ``retire``, or until it ends.
    Raises MailpitRefusal when ``step`` is none.
    """
    _check_step(step)
    keep = step == "introduce" and _usable(existing.certificate, existing.key, now)
    shown = existing if keep else given
    before = _anchor(existing, now)
    previous = existing.previous_certificate if before in ("", given.ca_certificate) else before
    reason = "another one was given" if (shown.certificate, shown.key) != (existing.certificate, existing.key) else ""
    result = Pki(
        ca_certificate=given.ca_certificate,
        previous_certificate=previous,
        certificate=shown.certificate,
        key=shown.key,
        reason=reason,
    )
    return _with_trust(result, now, step)


def _anchor(pki: Pki, now: datetime.datetime) -> str:
    """What a client must trust to accept the certificate that is shown; empty where that is nothing of ours, or no client accepts it any more."""
    if not _usable(pki.certificate, pki.key, now):
        return ""
    if not _issued_by(pki.certificate, pki.ca_certificate) and _is_self_signed(pki.certificate):
        return pki.certificate
    return pki.ca_certificate


def _with_trust(pki: Pki, now: datetime.datetime, step: str) -> Pki:
    """What clients get: what they need now, what they will need, and what they needed so far."""
    previous = pki.previous_certificate if step != "retire" and _still_valid(pki.previous_certificate, now) else ""
    following = "" if step == "retire" else pki.next_certificate
    # A file that was given may end without a line break.
    parts = [part.rstrip("\n") + "\n" for part in (_anchor(pki, now), pki.ca_certificate, following, previous) if part]
    return dataclasses.replace(
        pki, previous_certificate=previous, next_certificate=following, next_key=pki.next_key if following else "",
        trust="".join(dict.fromkeys(parts)),
    )  # fmt: skip


def _check_step(step: str) -> None:
    if step not in STEPS:
        raise MailpitRefusal(f"mailpit_ca_step is {step!r}: write one of {', '.join(STEPS)}")


def _nothing_introduced() -> MailpitRefusal:
    return MailpitRefusal(
        "mailpit_ca_step: switch has nothing new to switch to: run with mailpit_ca_step: introduce first, which hands it to the clients"
    )


def _self_signed(
    names: t.Sequence[str], existing: Pki, now: datetime.datetime, days: int, renew_days: int, step: str, force: bool
) -> Pki:
    reason = _why_not(existing.certificate, existing.key, names, now, renew_days)
    if not reason and not _is_self_signed(existing.certificate):
        reason = "it is not self-signed"
    following = (existing.next_certificate, existing.next_key)
    introduced = not _why_not(*following, names, now, 0)
    if step == "introduce":
        if not introduced:
            following = _make(names[0], names, now, days, None)
        if _anchor(existing, now):
            return _with_trust(
                dataclasses.replace(existing, next_certificate=following[0], next_key=following[1], reason=""),
                now,
                step,
            )
    if step == "switch" and introduced:
        pair, following, reason = following, ("", ""), "it was introduced to the clients"
    elif step == "switch" and not existing.previous_certificate:
        raise _nothing_introduced()
    elif reason or (force and step == "steady"):
        # Clients get the new one beside the old one before Mailpit changes over.
        pair, reason = _make(names[0], names, now, days, None), reason or "asked for"
    else:
        pair = (existing.certificate, existing.key)
    previous = _anchor(existing, now) if reason else existing.previous_certificate
    result = Pki(
        next_certificate=following[0],
        next_key=following[1],
        previous_certificate=previous,
        certificate=pair[0],
        key=pair[1],
        reason=reason,
    )
    return _with_trust(result, now, step)


def _own_ca(
    names: t.Sequence[str], existing: Pki, now: datetime.datetime, days: int, renew_days: int, step: str, force: bool
) -> Pki:
    ca = (existing.ca_certificate, existing.ca_key)
    following = (existing.next_certificate, existing.next_key)
    previous = existing.previous_certificate
    anchor = _anchor(existing, now)
    if _usable_ca(*ca, now) and now < _load(ca[0]).not_valid_before_utc - _CLOCKS_APART:
        raise MailpitRefusal(
            f"the controller's clock says {now:%Y-%m-%d}, and Mailpit's own CA begins on {_load(ca[0]).not_valid_before_utc:%Y-%m-%d}: set the "
            "clock right, or if it was wrong when that CA was made, remove Mailpit (mailpit_state: absent keeps the messages) and run again"
        )
    if step == "introduce":
        if not _usable_ca(*following, now):
            following = _make_ca(now)
        if anchor and (anchor != ca[0] or not _usable_ca(*ca, now)):
            # Something else is shown than a certificate from a CA of the role's own: it stays until the clients have that CA.
            result = dataclasses.replace(existing, next_certificate=following[0], next_key=following[1], reason="")
            return _with_trust(result, now, step)
        if not _usable_ca(*ca, now):
            ca = _make_ca(now)
    elif step == "switch":
        if _usable_ca(*following, now):
            previous, ca, following = anchor, following, ("", "")
        elif not previous:
            raise _nothing_introduced()
    elif not _usable_ca(*ca, now):
        # None yet, or one that no client accepts any more. Whatever is shown instead, clients go on to trust it beside the new one.
        ca, following, previous = (following if _usable_ca(*following, now) else _make_ca(now)), ("", ""), anchor
    elif step == "steady" and _left(ca[0], now) < datetime.timedelta(days=renew_days):
        raise MailpitRefusal(
            f"Mailpit's own CA ends on {_load(ca[0]).not_valid_after_utc:%Y-%m-%d}: run the playbook mailops.smtp.mailpit_rotate, "
            "which hands the new one to the clients first"
        )
    reason = "asked for" if force else _why_not(existing.certificate, existing.key, names, now, renew_days)
    certificate, key = existing.certificate, existing.key
    if not reason and not _issued_by(certificate, ca[0]):
        reason = "it is not from this CA"
    if reason:
        certificate, key = _make(names[0], names, now, days, ca)
    return _with_trust(
        Pki(ca[0], ca[1], following[0], following[1], previous, certificate, key, reason=reason), now, step
    )


def check_pair(
    certificate: str, key: str, names: t.Sequence[str], now: datetime.datetime, authority: str | None = None
) -> str | None:
    """
    Why a certificate that was given will not do (one sentence), or None.

    ``certificate`` may hold a chain, leaf first. ``authority`` is what clients are to verify it with, one or more certificates;
    None where their own store has it.
    """
    refusal = _no_certificates("mailpit_certificate_file", certificate)
    if refusal:
        return refusal
    chain = x509.load_pem_x509_certificates(certificate.encode())
    if not all(map(_readable, chain)):
        return (
            "mailpit_certificate_file holds a certificate that cannot be read (a name or date in it is malformed):"
            " get another"
        )
    leaf = chain[0]
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except TypeError:
        return "mailpit_certificate_key_file is protected by a passphrase, which Mailpit cannot ask for: give it the key without one"
    except ValueError:
        return "mailpit_certificate_key_file holds no private key in PEM form: give it the file that begins with -----BEGIN PRIVATE KEY-----"
    if not _same_key(leaf, private):
        if any(_same_key(one, private) for one in chain[1:]):
            return "mailpit_certificate_file begins with another certificate than that of mailpit_certificate_key_file: put that one first"
        return "mailpit_certificate_key_file is not the key of the certificate in mailpit_certificate_file: give the two that belong together"
    kind = unusable_key(leaf)
    if kind:
        return (
            f"mailpit_certificate_key_file holds a key of a kind that Mailpit cannot use ({kind}): get a pair with RSA, with ECDSA on P-256, P-384 "
            "or P-521, or with Ed25519"
        )
    if now > leaf.not_valid_after_utc:
        return f"the certificate in mailpit_certificate_file expired on {leaf.not_valid_after_utc:%Y-%m-%d}: renew it first"
    if now < leaf.not_valid_before_utc:
        return f"the certificate in mailpit_certificate_file is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC: check the clocks, or wait"
    if not may_serve(leaf):
        return (
            "the certificate in mailpit_certificate_file is not one for servers by its key usage or extended key usage,"
            " and clients would refuse it: get another"
        )
    weak = _weak("mailpit_certificate_file", chain)
    if weak:
        return weak
    missing = [name for name in names if not _covers(leaf, name)]
    if missing:
        held = ", ".join(_names_of(leaf)) or "no name at all"
        return f"the certificate in mailpit_certificate_file is not for {', '.join(missing)} but for {held}: correct mailpit_server_names, or get another"
    return None if authority is None else _check_authority(chain, authority, now)


def bare(given: Pki) -> Pki:
    """
    A pair and CA that check_pair has nothing against, without what else their files hold: a key in a form that nobody knows
    would be read by everybody, and Mailpit does not find what stands behind a byte order mark.
    """
    block = re.search(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", given.key, re.DOTALL)
    return dataclasses.replace(
        given,
        certificate=_only_certificates(given.certificate),
        key=block.group() + "\n" if block else given.key,
        ca_certificate=_only_certificates(given.ca_certificate),
    )


def _only_certificates(text: str) -> str:
    found = x509.load_pem_x509_certificates(text.encode()) if text else []
    return "".join(dict.fromkeys(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in found))


def _no_certificates(option: str, text: str) -> str | None:
    """Why this is not a file of certificates and nothing else. Such a file is readable by everybody afterwards."""
    if _KEY.search(text):
        return f"{option} holds a private key, which everybody could read afterwards: give it the certificate alone"
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        other = next(
            (words for label, words in _OTHERS.items() if f"-----BEGIN {label}-----" in text),
            "no certificate in PEM form",
        )
        return f"{option} holds {other}: give it the file that begins with -----BEGIN CERTIFICATE-----"
    return None


def _check_authority(chain: t.Sequence[x509.Certificate], authority: str, now: datetime.datetime) -> str | None:
    """Why clients that trust ``authority`` would refuse this chain, or None."""
    refusal = _no_certificates("mailpit_ca_file", authority)
    if refusal:
        return refusal
    # A bundle may hold more than this CA, also what nobody can read any more.
    anchors = [one for one in x509.load_pem_x509_certificates(authority.encode()) if _readable(one)]
    if not anchors:
        return (
            "mailpit_ca_file holds no certificate that can be read (its names or dates are malformed): give another CA"
        )
    at, rest = chain[0], list(chain[1:])
    seen: list[x509.Certificate] = []  # two CAs may have signed each other
    while not (at in anchors and at.issuer == at.subject):
        seen.append(at)
        above = [other for other in anchors if other not in seen and _is_issuer(other, at)]
        above.sort(key=lambda other: other.issuer != other.subject)
        if at in anchors and not above:
            # OpenSSL, and whatever uses it, goes on to a certificate that issued itself.
            return (
                f"mailpit_ca_file holds {_printable(at.subject)}, which {_printable(at.issuer)} issued, and most clients want that one, too:"
                " give the whole chain up to its root"
            )
        issuer = next((other for other in [*above, *rest] if other not in seen and _is_issuer(other, at)), None)
        if issuer is None:
            held = " and ".join(_printable(anchor.subject) for anchor in anchors[:3])
            return (
                f"the certificate in mailpit_certificate_file is issued by {_printable(at.issuer)}, and mailpit_ca_file holds {held}: "
                "give the CA that issued it, and put what lies between into mailpit_certificate_file"
            )
        weak = _weak("mailpit_ca_file", [issuer])
        if weak:
            return weak
        if not may_issue(issuer, seen):
            return (
                f"{_printable(issuer.subject)}, which issued the certificate in mailpit_certificate_file, may not do so by its constraints"
                " or key usage, and clients would refuse it: give another pair and CA"
            )
        if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
            ends = f"{issuer.not_valid_after_utc:%Y-%m-%d}"
            return (
                f"{_printable(issuer.subject)}, which issued the certificate in mailpit_certificate_file, is valid until {ends} only: "
                "give another pair and CA"
            )
        at = issuer
    return None


def _weak(option: str, chain: t.Sequence[x509.Certificate]) -> str | None:
    """Why clients would refuse one of these certificates as too weak, or None."""
    for one in chain:
        why = weakness(one)
        if why:
            return (
                f"{option} holds {_printable(one.subject)}, which {why}, and clients would refuse it: get one with RSA of 2048 bits or more, or ECDSA, "
                "signed with SHA-256"
            )
    return None


def _readable(certificate: x509.Certificate) -> bool:
    """Whether all can be read that is asked for later, which cryptography only parses then."""
    try:
        _names_of(certificate)
        return bool(certificate.not_valid_before_utc and certificate.not_valid_after_utc) and all(
            isinstance(name.rfc4514_string(), str) for name in (certificate.subject, certificate.issuer)
        )
    except Exception:  # pylint: disable=broad-except # ValueError, DuplicateExtension, UnsupportedGeneralNameType, ...
        return False


def _is_issuer(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return True
    except Exception:  # pylint: disable=broad-except # cryptography raises five kinds here, and all of them mean no
        return False


def _printable(name: x509.Name) -> str:
    text = name.rfc4514_string()[:200]
    return (
        "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
        or "no name"
    )


def _why_not(certificate: str, key: str, names: t.Sequence[str], now: datetime.datetime, renew_days: int) -> str:
    if not certificate or not key:
        return "there was none"
    try:
        leaf = _load(certificate)
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        return "it could not be read"
    if not _same_key(leaf, private):
        return "its key is another one"
    if set(_names_of(leaf)) != {_normal(name) for name in names}:
        return "it is for other names"
    if leaf.not_valid_after_utc - now < datetime.timedelta(days=renew_days):
        return f"it ends on {leaf.not_valid_after_utc:%Y-%m-%d}"
    if now < leaf.not_valid_before_utc:
        return f"it is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}"
    return ""


def _make_ca(now: datetime.datetime) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    # The date tells two CAs apart for people; for programs the key identifiers do.
    name = _subject(f"Mailpit staging CA {now:%Y-%m-%d %H:%M:%S}")
    builder = _builder(name, name, key.public_key(), now, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return _pem(builder.sign(key, hashes.SHA256())), _pem_key(key)


def _make(
    common_name: str, names: t.Sequence[str], now: datetime.datetime, days: int, ca: tuple[str, str] | None
) -> tuple[str, str]:
    """A leaf from ``ca``, or a self-signed one when that is None."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(common_name)
    end = days
    issuer, issuer_key = subject, key
    if ca is not None:
        authority = _load(ca[0])
        issuer = authority.subject
        issuer_key = t.cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(ca[1].encode(), None))
        end = min(days, max(1, (authority.not_valid_after_utc - now).days))
    builder = _builder(subject, issuer, key.public_key(), now, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
    )
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    # Python 3.13 and newer verify strictly, and then a certificate without this one fails.
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    return _pem(builder.sign(issuer_key, hashes.SHA256())), _pem_key(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _subject(common_name: str) -> x509.Name:
    # X.520 allows 64 characters; clients look at the alternative names only.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(_normal(name).encode("idna").decode("ascii") if not name.isascii() else _normal(name))
    except (ValueError, UnicodeError):
        raise MailpitRefusal(
            f"mailpit_server_names holds {name!r}, which is neither a name nor an address: correct it"
        ) from None


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    lower = name.lower().rstrip(".")
    try:
        return lower if lower.isascii() else lower.encode("idna").decode("ascii")
    except UnicodeError:
        return lower


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [_normal(name) for name in names.get_values_for_type(x509.DNSName)] + [
        str(address) for address in names.get_values_for_type(x509.IPAddress)
    ]


def _covers(certificate: x509.Certificate, name: str) -> bool:
    """RFC 6125: a wildcard stands for one whole label, the leftmost."""
    wanted = _normal(name)
    held = _names_of(certificate)
    return wanted in held or ("." in wanted and "*." + wanted.split(".", 1)[1] in held)


def _usable(certificate: str, key: str, now: datetime.datetime) -> bool:
    """Whether a certificate has its key and has not ended."""
    try:
        loaded = _load(certificate)
        return (
            _same_key(loaded, serialization.load_pem_private_key(key.encode(), None))
            and now < loaded.not_valid_after_utc
        )
    except (ValueError, TypeError):
        return False


def _usable_ca(certificate: str, key: str, now: datetime.datetime) -> bool:
    if not _usable(certificate, key, now):
        return False
    try:
        return _load(certificate).extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _still_valid(certificate: str, now: datetime.datetime) -> bool:
    try:
        return now < _load(certificate).not_valid_after_utc
    except ValueError:
        return False


def _is_self_signed(pem: str) -> bool:
    certificate = _load(pem)
    return certificate.issuer == certificate.subject


def _issued_by(certificate: str, authority: str) -> bool:
    try:
        _load(certificate).verify_directly_issued_by(_load(authority))
    except Exception:  # pylint: disable=broad-except # cryptography raises five kinds here, and all of them mean no
        return False
    return True


def _left(certificate: str, now: datetime.datetime) -> datetime.timedelta:
    return _load(certificate).not_valid_after_utc - now


def _same_key(certificate: x509.Certificate, private: t.Any) -> bool:
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*encoding) == private.public_key().public_bytes(*encoding)


def _load(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _pem_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates are kept while they are good, renewed in time, and a new CA reaches the clients before the leaf changes."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import ssl
from typing import Any

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.pki import Pki, bare, check_pair, give, issue
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.purpose import weakness
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = ["mailpit.example.com", "192.0.2.7", "2001:db8::1"]


def clients_accept(tmp_path: pathlib.Path, trust: str, pki: Pki, name: str = NAMES[0], strict: bool = True) -> bool:
    """A real TLS handshake in memory, strict as Python 3.13 is by default, or as OpenSSL is."""
    (tmp_path / "cert.pem").write_text(pki.certificate)
    (tmp_path / "key.pem").write_text(pki.key)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    client_context = ssl.create_default_context(cadata=trust)
    strictness = ssl.VERIFY_X509_STRICT if strict else ssl.VerifyFlags(0)
    client_context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | strictness
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _turn in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.version() is not None


@pytest.mark.parametrize("kind", ["own_ca", "self_signed"])
def test_made_once_and_then_kept(kind: str, tmp_path: pathlib.Path) -> None:
    first = issue(kind, NAMES, Pki(), NOW)
    assert first.reason == "there was none"
    assert all(clients_accept(tmp_path, first.trust, first, name) for name in NAMES)
    assert not clients_accept(tmp_path, first.trust, first, "other.example.com")
    again = issue(kind, NAMES, first, NOW + 244 * DAY)
    assert again == dataclasses.replace(first, reason="")


@pytest.mark.parametrize("kind", ["own_ca", "self_signed"])
@pytest.mark.parametrize(
    "change, reason",
    [
        ({"now": NOW + 246 * DAY}, "it ends on"),
        ({"names": ["other.example.com"]}, "it is for other names"),
        ({"names": [*NAMES, "more.example.com"]}, "it is for other names"),
        ({"force": True}, "asked for"),
    ],
)
def test_leaf_is_renewed_when_there_is_a_reason(kind: str, change: dict, reason: str, tmp_path: pathlib.Path) -> None:
    first = issue(kind, NAMES, Pki(), NOW)
    second = issue(**{"kind": kind, "names": NAMES, "existing": first, "now": NOW, **change})
    assert reason in second.reason and second.certificate != first.certificate and second.key != first.key
    assert second.ca_certificate == first.ca_certificate and second.ca_key == first.ca_key
    if "now" not in change:
        assert clients_accept(tmp_path, second.trust, second, change.get("names", NAMES)[0])
    if kind == "own_ca":
        assert second.trust == first.trust, "clients need nothing new"


def test_self_signed_clients_get_the_new_one_beside_the_old_one(tmp_path: pathlib.Path) -> None:
    first = issue("self_signed", NAMES, Pki(), NOW)
    second = issue("self_signed", NAMES, first, NOW + 246 * DAY)
    assert second.previous_certificate == first.certificate and second.trust == second.certificate + first.certificate
    assert clients_accept(tmp_path, second.trust, first)
    again = issue("self_signed", NAMES, second, NOW + 247 * DAY)
    assert again == dataclasses.replace(second, reason="")
    assert issue("self_signed", NAMES, second, NOW + 366 * DAY).trust == second.certificate, "the old one has ended"


def test_order_and_case_of_names_are_no_reason() -> None:
    first = issue("own_ca", NAMES, Pki(), NOW)
    assert not issue("own_ca", [name.upper() for name in reversed(NAMES)], first, NOW).reason


@pytest.mark.parametrize(
    "broken",
    [
        {"key": ""},
        {"key": "nonsense"},
        {"certificate": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"},
    ],
)
def test_damaged_leaf_is_made_anew(broken: dict) -> None:
    first = issue("own_ca", NAMES, Pki(), NOW)
    second = issue("own_ca", NAMES, dataclasses.replace(first, **broken), NOW)
    assert second.reason and second.ca_certificate == first.ca_certificate


def test_from_self_signed_to_own_ca_and_back(tmp_path: pathlib.Path) -> None:
    first = issue("self_signed", NAMES, Pki(), NOW)
    second = issue("own_ca", NAMES, first, NOW)
    assert second.reason == "it is not from this CA" and clients_accept(tmp_path, second.trust, second)
    third = issue("self_signed", NAMES, second, NOW)
    assert third.reason == "it is not self-signed" and clients_accept(tmp_path, third.trust, third)


def test_a_new_ca_never_leaves_a_client_without_trust(tmp_path: pathlib.Path) -> None:
    old = issue("own_ca", NAMES, Pki(), NOW)
    introduced = issue("own_ca", NAMES, old, NOW, step="introduce")
    assert introduced.certificate == old.certificate and not introduced.reason
    assert issue("own_ca", NAMES, introduced, NOW, step="introduce") == introduced
    # A run in between must not forget the new CA, nor switch to it.
    assert issue("own_ca", NAMES, introduced, NOW) == introduced
    switched = issue("own_ca", NAMES, introduced, NOW, step="switch")
    assert switched.reason == "it is not from this CA" and switched.ca_certificate == introduced.next_certificate
    assert issue("own_ca", NAMES, switched, NOW, step="switch") == dataclasses.replace(switched, reason="")
    retired = issue("own_ca", NAMES, switched, NOW, step="retire")
    assert (
        retired.trust == switched.ca_certificate and retired.certificate == switched.certificate and not retired.reason
    )
    # client's file x Mailpit's certificate, at every moment of the roll-out
    assert clients_accept(tmp_path, old.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, switched)
    assert clients_accept(tmp_path, retired.trust, switched)
    assert not clients_accept(tmp_path, old.trust, switched), "this is why the order matters"


def test_a_new_self_signed_certificate_never_leaves_a_client_without_trust(tmp_path: pathlib.Path) -> None:
    old = issue("self_signed", NAMES, Pki(), NOW)
    introduced = issue("self_signed", NAMES, old, NOW, step="introduce")
    assert (introduced.certificate, introduced.key, introduced.reason) == (old.certificate, old.key, "")
    assert issue("self_signed", NAMES, introduced, NOW, step="introduce") == introduced
    assert issue("self_signed", NAMES, introduced, NOW) == introduced, (
        "a run in between forgets nothing and switches nothing"
    )
    switched = issue("self_signed", NAMES, introduced, NOW, step="switch")
    assert (switched.certificate, switched.key) == (
        introduced.next_certificate,
        introduced.next_key,
    ) and switched.reason
    assert issue("self_signed", NAMES, switched, NOW, step="switch") == dataclasses.replace(switched, reason="")
    retired = issue("self_signed", NAMES, switched, NOW, step="retire")
    assert retired.trust == retired.certificate == switched.certificate and not retired.reason
    assert clients_accept(tmp_path, old.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, switched)
    assert clients_accept(tmp_path, retired.trust, switched)
    assert not clients_accept(tmp_path, old.trust, switched), "this is why the order matters"


def test_steps_from_nothing_or_from_what_no_client_accepts_make_a_certificate_at_once() -> None:
    assert issue("self_signed", NAMES, Pki(), NOW, step="introduce").reason == "there was none"
    for kind in ("own_ca", "self_signed"):
        for existing, when in (
            (Pki(), NOW),
            (issue(kind, NAMES, Pki(), NOW), NOW + 366 * DAY),
            (issue(kind, NAMES, Pki(), NOW), NOW + 3651 * DAY),
        ):
            introduced = issue(kind, NAMES, existing, when, step="introduce")
            assert introduced.reason and introduced.next_certificate and introduced.next_certificate in introduced.trust
            assert issue(kind, NAMES, introduced, when, step="switch").certificate not in ("", existing.certificate)
    # A CA that was to follow is no certificate to show.
    halfway = issue("own_ca", NAMES, issue("own_ca", NAMES, Pki(), NOW), NOW, step="introduce")
    with pytest.raises(MailpitRefusal, match="introduce first"):
        issue("self_signed", NAMES, halfway, NOW, step="switch")


def test_a_pair_that_was_given_is_shown_once_the_clients_have_its_ca(tmp_path: pathlib.Path) -> None:
    first, second = (issue("own_ca", NAMES, Pki(), NOW) for _each in range(2))
    old, new = (
        Pki(certificate=one.certificate, key=one.key, ca_certificate=one.ca_certificate.rstrip())
        for one in (first, second)
    )
    before = give(Pki(), old, NOW)
    assert before.trust == first.ca_certificate and before.reason and not give(before, old, NOW).reason
    introduced = give(before, new, NOW, "introduce")
    assert introduced.certificate == old.certificate and not introduced.reason
    assert give(introduced, new, NOW, "introduce") == introduced
    switched = give(introduced, new, NOW, "switch")
    assert switched.certificate == new.certificate and switched.reason
    retired = give(switched, new, NOW, "retire")
    assert retired.trust == second.ca_certificate and not retired.reason
    assert clients_accept(tmp_path, before.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, introduced)
    assert clients_accept(tmp_path, introduced.trust, switched)
    assert clients_accept(tmp_path, retired.trust, switched)
    # Where the clients' own store has the CA there is nothing to hand out.
    assert give(Pki(), Pki(certificate=new.certificate, key=new.key), NOW).trust == ""
    with pytest.raises(MailpitRefusal, match="mailpit_ca_step is 'jump'"):
        give(before, new, NOW, "jump")


def certificates_of(kind: str, existing: Pki, step: str, given: Pki) -> Pki:
    return give(existing, given, NOW, step) if kind == "files" else issue(kind, NAMES, existing, NOW, step=step)


@pytest.mark.parametrize("before", ["own_ca", "self_signed", "files"])
@pytest.mark.parametrize("after", ["own_ca", "self_signed", "files"])
def test_from_any_kind_to_any_other_no_client_is_left_without_trust(
    before: str, after: str, tmp_path: pathlib.Path
) -> None:
    """Each client's file with each certificate of Mailpit's that it may meet: a file is handed out before Mailpit is restarted."""
    first, second = (
        Pki(certificate=one.certificate, key=one.key, ca_certificate=one.ca_certificate)
        for one in (issue("own_ca", NAMES, Pki(), NOW) for _each in "12")
    )
    held = certificates_of(before, Pki(), "steady", first)
    assert clients_accept(tmp_path, held.trust, held)
    steps = [held]
    for step in ("introduce", "switch", "retire"):
        steps.append(certificates_of(after, steps[-1], step, second))
        assert clients_accept(tmp_path, steps[-1].trust, steps[-2]), f"{step}: the new file, the old certificate"
        assert clients_accept(tmp_path, steps[-1].trust, steps[-1]), f"{step}: the new file, the new certificate"
    _held, introduced, switched, retired = steps
    assert clients_accept(tmp_path, introduced.trust, switched), "an app that has read the file once goes on"
    assert (introduced.certificate, introduced.key) == (held.certificate, held.key) and not introduced.reason
    assert switched.certificate != held.certificate and switched.reason
    assert retired.trust.count("BEGIN") == 1 and not retired.previous_certificate and not retired.next_key
    assert certificates_of(after, retired, "steady", second) == dataclasses.replace(retired, reason="")
    # Without steps: for apps that read the file at every connection.
    at_once = certificates_of(after, held, "steady", second)
    assert clients_accept(tmp_path, at_once.trust, held) and clients_accept(tmp_path, at_once.trust, at_once)
    assert certificates_of(after, at_once, "steady", second) == dataclasses.replace(at_once, reason="")


def test_ca_that_ends_soon_is_not_changed_behind_the_clients_back() -> None:
    first = issue("own_ca", NAMES, Pki(), NOW)
    with pytest.raises(MailpitRefusal, match="mailops.smtp.mailpit_rotate"):
        issue("own_ca", NAMES, first, NOW + 3640 * DAY)
    introduced = issue("own_ca", NAMES, first, NOW + 3535 * DAY, step="introduce")
    assert introduced.next_certificate
    # One that has ended is of no use to anybody.
    assert issue("own_ca", NAMES, first, NOW + 3651 * DAY).ca_certificate != first.ca_certificate


def test_a_clock_that_is_or_was_wrong() -> None:
    first = issue("own_ca", NAMES, Pki(), NOW)
    ahead = issue("own_ca", NAMES, first, NOW + 300 * DAY)
    healed = issue("own_ca", NAMES, ahead, NOW)
    assert "it is not valid before" in healed.reason and healed.trust == first.trust
    assert (
        "it is not valid before"
        in issue("self_signed", NAMES, issue("self_signed", NAMES, Pki(), NOW + DAY), NOW).reason
    )
    with pytest.raises(MailpitRefusal, match="the controller's clock says .* and Mailpit's own CA begins on"):
        issue("own_ca", NAMES, first, NOW - 2 * DAY)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"step": "switch"}, "introduce first"),
        ({"step": "jump"}, "mailpit_ca_step is 'jump'"),
        ({"days": 30}, "must be the larger"),
        ({"kind": "self_signed", "step": "switch"}, "introduce first"),
        ({"names": ["exa mple\u2028.com"]}, "neither a name nor an address"),
    ],
)
def test_refusals(arguments: dict, words: str) -> None:
    first = issue("own_ca", NAMES, Pki(), NOW)
    with pytest.raises(MailpitRefusal, match=words):
        issue(**{"kind": "own_ca", "names": NAMES, "existing": first, "now": NOW, **arguments})


def test_certificate_that_was_given() -> None:
    good = issue("own_ca", ["*.example.com", "mailpit.example.com"], Pki(), NOW)
    other = issue("own_ca", NAMES, Pki(), NOW)
    assert check_pair(good.certificate, good.key, ["mailpit.example.com", "any.example.com"], NOW) is None
    assert check_pair(good.certificate + good.ca_certificate, good.key, ["mailpit.example.com"], NOW) is None
    cases = {
        "holds no certificate": ("nothing", good.key, ["mailpit.example.com"], NOW),
        "holds no private key": (good.certificate, "nothing", ["mailpit.example.com"], NOW),
        "is not the key": (good.certificate, other.key, ["mailpit.example.com"], NOW),
        "expired on": (good.certificate, good.key, ["mailpit.example.com"], NOW + 366 * DAY),
        "not valid before": (good.certificate, good.key, ["mailpit.example.com"], NOW - DAY),
        "is not for a.b.example.com but for": (good.certificate, good.key, ["a.b.example.com"], NOW),
        "begins with another certificate": (good.ca_certificate + good.certificate, good.key, [], NOW),
        "holds a request for a certificate: give": (
            good.certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST"), good.key, [], NOW,
        ),
    }  # fmt: skip
    for words, arguments in cases.items():
        assert words in (check_pair(*arguments) or "")


def authority(
    name: str,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
    ca: bool = True,
    ends: datetime.datetime = NOW + DAY,
    key: Any = None,
    may: tuple[x509.ExtensionType, ...] = (),
    longest: int | None = None,
    names: tuple[x509.GeneralName, ...] = (x509.DNSName("localhost"),),
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for localhost as well, from itself or from an issuer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - 9 * DAY).not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=longest), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )  # fmt: skip
    for extension in may:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(*certificates: x509.Certificate) -> str:
    return "".join(certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in certificates)


def pem_key(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"), (ec.generate_private_key(ec.SECP224R1()), "secp224r1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (ec.generate_private_key(ec.SECP521R1()), ""), (ed25519.Ed25519PrivateKey.generate(), ""), (rsa.generate_private_key(65537, 2048), ""),
    ],
)  # fmt: skip
def test_a_key_that_mailpit_cannot_use_is_refused(key: Any, kind: str) -> None:
    """Seen with 1.21.7 and 1.33.1: they end at once, or answer no handshake."""
    leaf, _key = authority("leaf", authority("root"), ca=False, key=key)
    refusal = check_pair(pem(leaf), pem_key(key), ["localhost"], NOW)
    assert f"a kind that Mailpit cannot use ({kind})" in (refusal or "") if kind else refusal is None


def test_what_clients_refuse_as_too_weak_is_refused_before_they_see_it() -> None:
    small = rsa.generate_private_key(65537, 1024)
    root = authority("root")
    leaf, _key = authority("leaf", root, ca=False, key=small)
    refusal = check_pair(pem(leaf), pem_key(small), ["localhost"], NOW, pem(root[0]))
    assert "CN=leaf, which has a key of 1024 bits only, and clients would refuse it" in (refusal or "")
    # A link of the chain, and the root that clients are to be given.
    between = authority("between", root, key=small)
    last, key = authority("last", between, ca=False)
    refusal = check_pair(pem(last, between[0]), pem_key(key), ["localhost"], NOW)
    assert "mailpit_certificate_file holds CN=between, which has a key of 1024 bits only" in (refusal or "")
    weak_root = authority("weak root", key=small)
    last, key = authority("last", weak_root, ca=False)
    refusal = check_pair(pem(last), pem_key(key), ["localhost"], NOW, pem(weak_root[0]))
    assert "mailpit_ca_file holds CN=weak root, which has a key of 1024 bits only" in (refusal or "")


@pytest.mark.parametrize("old", [hashes.SHA1(), hashes.MD5()])
def test_an_old_signature_is_called_so(old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cryptography verifies none, so that it would be told as one of another CA. A root's own does not count."""
    root = authority("root")
    leaf, key = authority("leaf", root, ca=False)
    signed = type(
        "Signed",
        (),
        {
            "subject": leaf.subject,
            "issuer": leaf.issuer,
            "public_key": leaf.public_key,
            "signature_hash_algorithm": old,
        },
    )()
    assert weakness(signed) == f"is signed with {'SHA-1' if old.name == 'sha1' else 'MD5'}"
    signed.issuer = signed.subject
    assert weakness(signed) == "" and check_pair(pem(leaf), pem_key(key), ["localhost"], NOW, pem(root[0])) is None


def test_what_clients_are_given_verifies_the_pair_or_is_refused() -> None:
    root, other = authority("root"), authority("other \x1b[31mroot")
    between, old = authority("between", root), authority("old", root, ends=NOW - DAY)
    leaf, from_old, lone = (
        authority("leaf", between, ca=False),
        authority("leaf", old, ca=False),
        authority("lone", ca=False),
    )
    not_ca = authority("no ca", root, ca=False)
    from_no_ca = authority("leaf", not_ca, ca=False)

    def check(pair: tuple, chain: str, given: str) -> str | None:
        return check_pair(chain, pem_key(pair[1]), ["localhost"], NOW, given)

    # Each of these is taken by OpenSSL too, as tests of the role and the gate show; each of the others is not.
    assert check(leaf, pem(leaf[0], between[0]), pem(root[0])) is None
    assert check(leaf, pem(leaf[0]), pem(between[0], root[0])) is None
    assert check(leaf, pem(leaf[0], between[0]), "text before\n" + pem(other[0], root[0])) is None
    assert check(lone, pem(lone[0]), pem(lone[0])) is None
    for pair, chain, given, words in (
        (
            leaf,
            pem(leaf[0], between[0]),
            pem(other[0]),
            "is issued by CN=root, and mailpit_ca_file holds CN=other \\x1b[31mroot: give the CA",
        ),
        (leaf, pem(leaf[0]), pem(root[0]), "is issued by CN=between"),
        (leaf, pem(leaf[0]), pem(between[0]), "give the whole chain up to its root"),
        (leaf, pem(leaf[0]), pem(leaf[0]), "give the whole chain up to its root"),
        (from_old, pem(from_old[0], old[0]), pem(root[0]), "is valid until"),
        (
            from_no_ca,
            pem(from_no_ca[0], not_ca[0]),
            pem(root[0]),
            "CN=no ca, which issued the certificate in mailpit_certificate_file, may not do so",
        ),
        (leaf, pem(leaf[0], between[0]), pem_key(root[1]), "mailpit_ca_file holds a private key"),
        (leaf, pem(leaf[0], between[0]), pem(root[0]) + pem_key(root[1]), "mailpit_ca_file holds a private key"),
        (leaf, pem(leaf[0], between[0]), "-----BEGIN RSA PRIVATE KEY-----", "mailpit_ca_file holds a private key"),
        *(
            (leaf, pem(leaf[0], between[0]), pem(root[0]) + start, "mailpit_ca_file holds a private key")
            for start in (
                "-----begin private key-----",
                "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
                "PuTTY-User-Key-File-3: ssh-rsa",
                "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            )
        ),
        (leaf, pem(leaf[0], between[0]), "root", "mailpit_ca_file holds no certificate"),
        (leaf, pem(leaf[0], between[0]), "", "mailpit_ca_file holds no certificate"),
        (
            leaf,
            pem(leaf[0], between[0]),
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "mailpit_ca_file holds no certificate",
        ),
        (leaf, pem_key(leaf[1]) + pem(leaf[0]), pem(root[0]), "mailpit_certificate_file holds a private key"),
    ):
        text = check(pair, chain, given) or ""
        assert words in text and "\n" not in text and "MII" not in text, words


def uses(*names: str) -> x509.KeyUsage:
    """The key usage with these bits, by cryptography's names."""
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
             "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in every})


def within(*subtrees: x509.GeneralName, without: tuple[x509.GeneralName, ...] = ()) -> x509.NameConstraints:
    return x509.NameConstraints(subtrees or None, without or None)


SERVER, CLIENT, ANY, CODE = (
    x509.ExtendedKeyUsage([getattr(ExtendedKeyUsageOID, name)])
    for name in ("SERVER_AUTH", "CLIENT_AUTH", "ANY_EXTENDED_KEY_USAGE", "CODE_SIGNING")
)
LOCALHOST, HERE = x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
# What a leaf, the certificate between and the root have beside the usual: each a real certificate's fault, or none.
PURPOSES: list[tuple[dict, dict, dict]] = [
    ({}, {}, {}),
    ({"may": (SERVER,)}, {}, {}),
    ({"may": (CLIENT,)}, {}, {}),
    ({"may": (ANY,)}, {}, {}),
    ({"may": (CODE,)}, {}, {}),
    ({"may": (uses("digital_signature"),)}, {}, {}),
    ({"may": (uses("key_encipherment", "content_commitment"),)}, {}, {}),
    ({"may": (uses("crl_sign"),)}, {}, {}),
    ({}, {"may": (CLIENT,)}, {}),
    ({}, {"may": (SERVER,)}, {}),
    ({}, {"may": (uses("digital_signature"),)}, {}),
    ({}, {"may": (uses("key_cert_sign"),)}, {"may": (uses("key_cert_sign", "crl_sign"),)}),
    ({}, {}, {"may": (uses("crl_sign"),)}),
    ({}, {"longest": 0}, {"longest": 1}),
    ({}, {}, {"longest": 0}),
    ({}, {"may": (within(x509.DNSName("example.org")),)}, {}),
    ({}, {"may": (within(LOCALHOST),)}, {}),
    (
        {"names": (LOCALHOST, x509.DNSName("a.example.org"))},
        {"may": (within(LOCALHOST, x509.DNSName("example.org")),)},
        {},
    ),
    (
        {"names": (LOCALHOST, x509.DNSName("aexample.org"))},
        {"may": (within(LOCALHOST, x509.DNSName("example.org")),)},
        {},
    ),
    ({}, {}, {"may": (within(without=(LOCALHOST,)),)}),
    ({}, {}, {"may": (within(without=(x509.DNSName("example.org"),)),)}),
    ({"names": (LOCALHOST, HERE)}, {"may": (within(x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))),)}, {}),
    ({"names": (LOCALHOST, HERE)}, {"may": (within(x509.IPAddress(ipaddress.ip_network("127.0.0.0/8"))),)}, {}),
    (
        {"names": (LOCALHOST, HERE)},
        {"may": (within(without=(x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),)),)},
        {},
    ),
]


def test_what_a_certificate_may_be_used_for_is_what_clients_make_of_it(tmp_path: pathlib.Path) -> None:
    """Each row is put to OpenSSL as well: what it refuses in every handshake is refused before Mailpit shows it."""
    taken = []
    for number, (of_leaf, of_between, of_root) in enumerate(PURPOSES):
        root = authority("root", **of_root)
        between = authority("between", root, **of_between)
        leaf = authority("leaf", between, ca=False, **of_leaf)
        pair = Pki(certificate=pem(leaf[0], between[0]), key=pem_key(leaf[1]))
        said = check_pair(pair.certificate, pair.key, ["localhost"], NOW, pem(root[0]))
        assert (said is None) == clients_accept(tmp_path, pem(root[0]), pair, "localhost", strict=False), (number, said)
        assert said is None or "get another" in said or "give another" in said, said
        taken.append(said is None)
    assert taken.count(True) == 11
    # Without a CA of one's own, too.
    leaf = authority("leaf", authority("root"), ca=False, may=(CLIENT,))
    assert "is not one for servers" in (check_pair(pem(leaf[0]), pem_key(leaf[1]), ["localhost"], NOW) or "")


def test_nothing_but_certificates_and_one_key_goes_from_given_files() -> None:
    """Whatever else stands there: a key in a form that nobody knows is read by everybody afterwards, and Go finds nothing behind a mark."""
    root = authority("root")
    leaf = authority("leaf", root, ca=False)
    unknown = "".join(pem_key(root[1]).splitlines()[1:-1]) + "\n"
    given = Pki(
        certificate="\ufeff" + pem(leaf[0]).replace("\n", "\r\n") + unknown,
        key="\ufeff-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        + pem_key(leaf[1])
        + pem_key(root[1]),
        ca_certificate="# \x1b[31mours\0\n" + unknown + pem(root[0]) + pem(root[0]),
    )
    assert check_pair(given.certificate, given.key, ["localhost"], NOW, given.ca_certificate) is None
    assert bare(given) == Pki(certificate=pem(leaf[0]), key=pem_key(leaf[1]), ca_certificate=pem(root[0]))
    assert bare(Pki(pem(root[0]), "", "", "", "", pem(leaf[0]), pem_key(leaf[1]))).ca_certificate == pem(root[0])


def test_two_authorities_that_signed_each_other() -> None:
    """Each has an issuer for ever, and neither is a root."""
    first = authority("first")
    second = authority("second", first)
    circle = authority("first", second, key=first[1])
    leaf = authority("leaf", second, ca=False)
    for given in (pem(second[0], circle[0]), pem(circle[0], second[0])):
        said = check_pair(pem(leaf[0]), pem_key(leaf[1]), ["localhost"], NOW, given) or ""
        assert "give the whole chain up to its root" in said, said
    for chain, given in (
        (pem(leaf[0]), pem(second[0], circle[0], first[0])),
        (pem(leaf[0], circle[0], second[0]), pem(first[0])),
    ):
        assert check_pair(chain, pem_key(leaf[1]), ["localhost"], NOW, given) is None


def test_what_cannot_be_read_in_a_given_certificate() -> None:
    """A year 0, a name in letters of no code, names of a kind that is not known: a sentence, as there is nobody to ask."""
    root = authority("rootq", ends=datetime.datetime(2081, 5, 5, tzinfo=datetime.UTC))
    leaf = authority("leafq", root, ca=False, ends=datetime.datetime(2081, 5, 5, tzinfo=datetime.UTC))

    def spoilt(of: x509.Certificate, old: bytes, new: bytes) -> str:
        der = of.public_bytes(serialization.Encoding.DER)
        assert old in der
        return ssl.DER_cert_to_PEM_cert(der.replace(old, new))

    key = pem_key(leaf[1])
    for old, new in (
        (b"20810505", b"00000505"),
        (b"\x0c\x05rootq", b"\x14\x05root\xfc"),
        (b"\x82\x09localhost", b"\x83\x09localhost"),
    ):
        said = check_pair(spoilt(leaf[0], old, new), key, ["localhost"], NOW, pem(root[0])) or ""
        assert "mailpit_certificate_file holds a certificate that cannot be read" in said
        odd = spoilt(root[0], old, new)
        said = check_pair(pem(leaf[0]), key, ["localhost"], NOW, odd) or ""
        assert "mailpit_ca_file holds no certificate that can be read" in said
        assert check_pair(pem(leaf[0]), key, ["localhost"], NOW, odd + pem(root[0])) is None

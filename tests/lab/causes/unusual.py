# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen in the field and rarely in a test: odd replies, odd certificates, and what providers do to connections on the way."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.faulty import Behaviour, Peer, drip_records, honest, plaintext, say, sequence, server_context, silent, smtp
from support.pki import Authority
from support.relays import Exim, OpensslServer

from ..farm import CREDENTIALS, Place
from ..scenario import Row, Serve

__all__ = ["ROWS"]

STARTTLS = {"secure": False, "timeout": 4}
IMPLICIT = {"secure": True, "timeout": 4}
WAIT = 5.0


def _submission(place: Place) -> None:
    place.postfix("implicit", 465)
    place.postfix("starttls", 587)


def _two_relays(place: Place) -> None:
    place.postfix("starttls", 587)
    place.postfix("starttls", 5870, certificate=place.issue("relay.provider.example"))


def _talks(*replies: str, tls: bool = True) -> Serve:
    """Greets with the first of these replies (as they stand, line ends included), and answers each command with the next; STARTTLS with a handshake."""

    def serve(place: Place) -> None:
        handshake = honest(place.issue())

        def session(peer: Peer) -> None:
            peer.send(replies[0])
            rest = iter(replies[1:])
            while True:
                verb = peer.line().upper()
                if verb.startswith("QUIT"):
                    return
                if verb.startswith("STARTTLS") and tls:
                    peer.send(next(rest, "220 go\r\n"))
                    handshake(peer)
                else:
                    peer.send(next(rest, "250-odd\r\n250 SIZE 1000\r\n"))

        place.listen(session, 587)

    return serve


def _endless_ehlo(peer: Peer) -> None:
    peer.line()
    while True:
        peer.send("250-more\r\n" * 1000)


def _hears_one_line(peer: Peer) -> None:
    peer.line()


def _closes_at_auth(place: Place) -> Behaviour:
    tls = honest(place.issue())

    def session(peer: Peer) -> None:
        peer.reply("220 here")
        while True:
            verb = peer.line().upper()
            if verb.startswith("AUTH"):
                return
            if verb.startswith("STARTTLS"):
                peer.reply("220 go")
                tls(peer)
            else:
                peer.reply("250-here\n250 AUTH PLAIN" if peer.tls else "250-here\n250 STARTTLS")

    return session


def _own_ca(place: Place) -> None:
    """A private CA as people made them twenty years ago: no key usage, no key identifiers, basic constraints not critical."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old private CA")])

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        dates = (
            x509.CertificateBuilder()
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )
        return (
            dates.subject_name(name).issuer_name(ca_name).public_key(public).serial_number(x509.random_serial_number())
        )

    ca = (
        builder(ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(True, None), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    own = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, place.name)]), key.public_key())
    leaf = own.add_extension(x509.SubjectAlternativeName([x509.DNSName(place.name)]), critical=False).sign(
        ca_key, hashes.SHA256()
    )
    pem = serialization.Encoding.PEM
    place.trust(ca.public_bytes(pem))
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both = place.pki.write("own-ca.pem", key_pem, leaf.public_bytes(pem))
    context = server_context(place.issue())
    context.load_cert_chain(both)
    place.listen(smtp(implicit=honest(context)), 465)


def _trusted_self_signed(place: Place) -> None:
    issued = place.issue(issuer=None)
    place.trust(issued.leaf_file.read_bytes())
    place.postfix("implicit", 465, certificate=issued)
    place.postfix("starttls", 587, certificate=issued)


def _not_a_ca(place: Place) -> None:
    """Signed with the key of another server's certificate, which is no CA's."""
    server = place.issue("server.lab.test")
    issuer = Authority(server.certificate, server.key, place.pki.intermediate)
    place.listen(smtp(implicit=honest(place.issue(issuer=issuer))), 465)


def _exim_wants_certificate(place: Place) -> None:
    options = {"tls_verify_hosts": "*", "tls_verify_certificates": str(place.pki.ca_file)}
    place.pki.folder.chmod(0o755)
    place.pki.ca_file.chmod(0o644)
    place.start(Exim(certificate=place.issue(), host=place.ip, ports=(587, 465), options=options))


def _exim_broken(place: Place) -> None:
    place.start(
        Exim(
            certificate=place.issue(),
            host=place.ip,
            ports=(587, 465),
            options={"tls_certificate": "/nonexistent/certificate.pem"},
        )
    )


ROWS = [
    # On the way.
    Row(
        "big-packets-lost",
        "a tunnel on the way loses big packets: the server's certificate never arrives",
        _submission,
        465,
        IMPLICIT,
        "tls_handshake_timeout",
        seconds=WAIT,
        rules=("ip saddr {ip} ip length > 600 drop",),
    ),
    Row(
        "big-packets-lost-587",
        "the same, after STARTTLS",
        at="big-packets-lost",
        ask=STARTTLS,
        cause="tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "redirected",
        "the provider sends port 587 to a relay of its own",
        _two_relays,
        587,
        STARTTLS,
        "certificate_name_mismatch",
        redirect=("ip daddr {ip} tcp dport 587 dnat to {ip}:5870",),
    ),
    Row(
        "a-third-lost",
        "the path loses a third of all packets",
        _submission,
        465,
        {"secure": True, "timeout": 20},
        observed="implicit_tls",
        seconds=20,
        rules=("ip daddr {ip} numgen random mod 100 < 30 drop",),
    ),
    Row(
        "cut-after-hello",
        "a firewall cuts the connection when it sees a ClientHello",
        _submission,
        465,
        IMPLICIT,
        ("tls_handshake_failed", "connection_reset", "connection_closed"),
        rules=("ip daddr {ip} tcp dport 465 ip length > 200 reject with tcp reset",),
        seconds=6,
    ),
    Row(
        "swallowed-hello",
        "a firewall swallows the ClientHello",
        _submission,
        465,
        IMPLICIT,
        "tls_handshake_timeout",
        seconds=WAIT,
        rules=("ip daddr {ip} tcp dport 465 ip length > 200 drop",),
    ),
    # Names.
    Row(
        "trailing-dot",
        "nothing: the name ends with a dot",
        at="postfix",
        port=465,
        host="postfix.lab.test.",
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "upper-case",
        "nothing: the name is written in capitals",
        at="postfix",
        port=465,
        host="POSTFIX.Lab.Test",
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "cname-dangling",
        "an alias of a name that does not exist",
        host="dangling.lab.test",
        port=465,
        ask=IMPLICIT,
        names={"dangling": ("CNAME gone.lab.test.",)},
        cause="name_not_found",
    ),
    Row(
        "short-name",
        "the short name resolves by the search list, and the certificate does not list it",
        at="postfix",
        port=465,
        host="postfix",
        ask=IMPLICIT,
        cause="certificate_name_mismatch",
    ),
    # Replies.
    Row(
        "line-feeds",
        "nothing: replies end with LF alone",
        _talks("220 odd\n", "250-odd\n250 STARTTLS\n", "220 go\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "bare-codes",
        "nothing: replies without text",
        _talks("220\r\n", "250-\r\n250 STARTTLS\r\n", "220\r\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "small-letters",
        "nothing: capabilities in small letters",
        _talks("220 odd\r\n", "250-odd\r\n250 starttls\r\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "long-greeting",
        "nothing: a greeting of 2000 characters",
        _talks(f"220 {'x' * 2000}\r\n", "250-odd\r\n250 STARTTLS\r\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "many-capabilities",
        "nothing: 60 capabilities",
        _talks("220 odd\r\n", "".join(f"250-X-{i}\r\n" for i in range(60)) + "250 STARTTLS\r\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row("greets-250", "greets with 250", _talks("250 hello\r\n"), 587, STARTTLS, ("not_smtp", "greeting_rejected")),
    Row("greets-450", "greets with 450", _talks("450 4.3.2 later\r\n"), 587, STARTTLS, "temporarily_rejected"),
    Row(
        "mixed-codes",
        "a greeting whose lines have different codes",
        _talks("220-hello\r\n554 no\r\n"),
        587,
        STARTTLS,
        ("not_smtp", "greeting_rejected"),
    ),
    Row(
        "starttls-250",
        "250 instead of 220 to STARTTLS",
        _talks("220 odd\r\n", "250-odd\r\n250 STARTTLS\r\n", "250 ok\r\n"),
        587,
        STARTTLS,
        "starttls_rejected",
    ),
    Row(
        "starttls-twice",
        "nothing: 220 to STARTTLS over two lines",
        _talks("220 odd\r\n", "250-odd\r\n250 STARTTLS\r\n", "220-go\r\n220 ahead\r\n"),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "starttls-words-ahead",
        "the relay sends more in cleartext behind its 220: it must not be believed after TLS",
        _talks("220 odd\r\n", "250-odd\r\n250 STARTTLS\r\n", "220 go\r\n250-odd\r\n250 AUTH PLAIN\r\n"),
        587,
        STARTTLS,
        (None, "tls_handshake_failed"),
        expect={"capabilities.after_tls": lambda after: not after or "AUTH" not in after},
    ),
    Row(
        "ehlo-endless",
        "EHLO is answered without end",
        lambda place: place.listen(sequence(say("220 odd\r\n", hold=False), _endless_ehlo), 587),
        587,
        STARTTLS,
        "ehlo_rejected",
        seconds=WAIT,
    ),
    Row(
        "ehlo-garbage",
        "EHLO is answered with something that is no reply",
        _talks("220 odd\r\n", "what?\r\n", "what?\r\n"),
        587,
        STARTTLS,
        ("ehlo_rejected", "not_smtp"),
    ),
    Row(
        "closes-at-ehlo",
        "greets, and closes when EHLO comes",
        lambda place: place.listen(sequence(say("220 odd\r\n", hold=False), _hears_one_line), 587),
        587,
        STARTTLS,
        ("ehlo_rejected", "connection_closed"),
    ),
    Row(
        "ehlo-after-tls",
        "EHLO is refused after STARTTLS",
        _talks("220 odd\r\n", "250-odd\r\n250 STARTTLS\r\n", "220 go\r\n", "550 no\r\n", "550 no\r\n"),
        587,
        STARTTLS,
        "ehlo_rejected",
    ),
    Row(
        "silent-after-tls",
        "nothing is said any more after STARTTLS",
        lambda place: place.listen(smtp(starttls=sequence(honest(place.issue()), silent())), 587),
        587,
        STARTTLS,
        "ehlo_rejected",
        seconds=WAIT,
    ),
    # TLS.
    Row(
        "exim-client-certificate",
        "Exim (GnuTLS) demands a client certificate",
        _exim_wants_certificate,
        465,
        IMPLICIT,
        "client_certificate_required",
    ),
    Row(
        "exim-client-certificate-starttls",
        "Exim (GnuTLS) demands a client certificate",
        at="exim-client-certificate",
        ask=STARTTLS,
        cause="client_certificate_required",
    ),
    Row(
        "exim-broken",
        "Exim cannot read its certificate",
        _exim_broken,
        587,
        STARTTLS,
        ("starttls_rejected", "starttls_not_offered", "tls_handshake_failed"),
    ),
    Row(
        "exim-broken-465",
        "Exim cannot read its certificate",
        at="exim-broken",
        port=465,
        ask=IMPLICIT,
        cause=("tls_handshake_failed", "connection_closed", "connection_reset", "mode_mismatch"),
    ),
    Row(
        "postfix-broken-465",
        "Postfix cannot load its certificate",
        lambda place: place.postfix("implicit", 465, certificate=place.issue(chain=["intermediate", "leaf"])),
        465,
        IMPLICIT,
        ("tls_handshake_failed", "connection_closed", "connection_reset"),
    ),
    Row(
        "openssl-tls11",
        "OpenSSL's server with TLS 1.1 only",
        lambda place: place.start(
            OpensslServer(
                place.issue(key_type="rsa"), options=["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], host=place.ip, port=465
            )
        ),
        465,
        IMPLICIT,
        "tls_version_unsupported",
    ),
    Row(
        "words-instead-of-tls",
        "a port that answers a ClientHello with an SMTP error and holds",
        lambda place: place.listen(plaintext("554 5.5.0 no", hold=True), 465),
        465,
        IMPLICIT,
        ("mode_mismatch", "greeting_rejected"),
        seconds=8,
    ),
    # Certificates.
    Row(
        "old-private-ca",
        "nothing: a private CA without the extensions of today, in ca_path",
        _own_ca,
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "trusted-self-signed",
        "nothing: self-signed, and ca_path holds that very certificate",
        _trusted_self_signed,
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "trusted-self-signed-starttls",
        "nothing: self-signed, and ca_path holds that very certificate",
        at="trusted-self-signed",
        ask=STARTTLS,
        observed="starttls",
    ),
    Row(
        "signed-by-no-ca",
        "signed by a certificate that is no CA's",
        _not_a_ca,
        465,
        IMPLICIT,
        ("certificate_untrusted", "certificate_chain_incomplete"),
    ),
    Row(
        "client-purpose",
        "a client's certificate on a server",
        lambda place: place.postfix("implicit", 465, certificate=place.issue(client=True)),
        465,
        IMPLICIT,
        ("certificate_untrusted", "certificate_weak", "tls_handshake_failed"),
    ),
    Row(
        "p384",
        "nothing: an EC key of 384 bits and SHA-512",
        lambda place: place.postfix("implicit", 465, certificate=place.issue(bits=384, hash_name="sha512")),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "rsa4096",
        "nothing: an RSA key of 4096 bits",
        lambda place: place.postfix("starttls", 587, certificate=place.issue(key_type="rsa", bits=4096)),
        587,
        STARTTLS,
        observed="starttls",
    ),
    Row(
        "rsa-intermediate",
        "nothing: an EC leaf below an RSA intermediate",
        lambda place: place.postfix(
            "implicit",
            465,
            certificate=place.issue(issuer=place.pki.root.authority("RSA intermediate", key_type="rsa")),
        ),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "two-intermediates",
        "nothing: two intermediates",
        lambda place: place.postfix(
            "implicit", 465, certificate=place.issue(issuer=place.pki.intermediate.authority("second intermediate"))
        ),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "two-intermediates-one-missing",
        "the upper one of two intermediates is missing",
        lambda place: place.postfix(
            "implicit",
            465,
            certificate=place.issue(
                issuer=place.pki.intermediate.authority("second intermediate"), chain=["leaf", "intermediate"]
            ),
        ),
        465,
        IMPLICIT,
        ("certificate_chain_incomplete", "certificate_untrusted"),
    ),
    Row(
        "many-names",
        "nothing: 150 names",
        lambda place: place.postfix(
            "implicit", 465, certificate=place.issue(names=[*(f"n{i}.example.com" for i in range(149)), place.name])
        ),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "huge-certificate",
        "a certificate with 20,000 names, more than OpenSSL takes",
        lambda place: place.listen(
            smtp(implicit=honest(place.issue(names=[*(f"n{i}.example.com" for i in range(20_000)), place.name]))), 465
        ),
        465,
        IMPLICIT,
        "tls_handshake_failed",
    ),
    Row(
        "many-records",
        "a handshake of records of one byte, without end and without pause",
        lambda place: place.listen(drip_records(0), 465),
        465,
        IMPLICIT,
        ("tls_handshake_failed", "tls_handshake_timeout"),
        seconds=WAIT,
    ),
    Row(
        "weak-md5",
        "signed with MD5",
        lambda place: place.listen(smtp(implicit=honest(place.issue(hash_name="md5"))), 465),
        465,
        IMPLICIT,
        "certificate_weak",
    ),
    # Logins.
    Row(
        "auth-closes",
        "the relay closes when AUTH comes",
        lambda place: place.listen(_closes_at_auth(place), 587),
        587,
        {**STARTTLS, "username": "app", "password": CREDENTIALS["app"], "check_credentials": True, "alternatives": []},
        "auth_rejected",
        call="gate",
    ),
    Row(
        "auth-421",
        "AUTH is answered with 421",
        lambda place: place.listen(
            smtp(
                starttls=honest(place.issue()),
                mechanisms_after_tls=["PLAIN"],
                replies={"AUTH": "421 4.7.0 too many attempts"},
            ),
            587,
        ),
        587,
        {**STARTTLS, "username": "app", "password": CREDENTIALS["app"], "check_credentials": True, "alternatives": []},
        "temporarily_rejected",
        call="gate",
    ),
]

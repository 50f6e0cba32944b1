# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's relays: aiosmtpd on loopback addresses, with certificates of a throwaway CA. Runs until it is told to end.

usage: relays.py FOLDER    writes ca.pem and, once all relays listen, the file ready; keeps arrived mail in FOLDER/arrived.txt

    127.0.25.1  2465 TLS from the first byte    2587 STARTTLS      a healthy relay
    127.0.25.2  2465 silent                     2587 STARTTLS      as where a provider filters the port
    127.0.25.3  2465 an expired certificate
"""

from __future__ import annotations

import datetime
import ipaddress
import signal
import socket
import ssl
import sys
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HEALTHY, FILTERED, EXPIRED = "127.0.25.1", "127.0.25.2", "127.0.25.3"
USERNAME, PASSWORD = b"app", b"demo password"  # only for these relays, only on loopback
DAY = datetime.timedelta(days=1)


class Authority:
    """A throwaway CA in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Demo Root CA")])
        self.certificate = self._sign(
            self.name, self.key.public_key(), -DAY, 10 * DAY, x509.BasicConstraints(ca=True, path_length=None)
        )
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self, subject: x509.Name, key, begins: datetime.timedelta, ends: datetime.timedelta, *extensions
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = (
            builder.serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def context(self, address: str, ends: datetime.timedelta) -> ssl.SSLContext:
        """A server's context with a certificate for an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
        certificate = self._sign(subject, key.public_key(), -30 * DAY, ends, names)
        path = self.folder / f"{address}.pem"
        path.touch(0o600)
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


class Mailbox:
    """Keeps what arrives in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def handle_DATA(self, server, session, envelope) -> str:
        with self.path.open("ab") as file:
            file.write(envelope.content + b"\n")
        return "250 2.0.0 Ok: queued as DEMO1"


def authenticate(server, session, envelope, mechanism, login) -> AuthResult:
    """One account."""
    right = getattr(login, "login", None) == USERNAME and getattr(login, "password", None) == PASSWORD
    return AuthResult(success=right, handled=False)


def silent(address: str, port: int) -> list[socket.socket]:
    """A port that answers no connection, as a filtered one does: its queue of connections is full, so the kernel drops new ones."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(0)
    held = [server]
    for _connection in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((address, port))
        held.append(client)
    return held


def main() -> None:
    folder = Path(sys.argv[1])
    authority = Authority(folder)
    mailbox = Mailbox(folder / "arrived.txt")
    login = {"authenticator": authenticate, "auth_required": True, "auth_exclude_mechanism": ["LOGIN"]}
    healthy, filtered, expired = (
        authority.context(HEALTHY, 60 * DAY),
        authority.context(FILTERED, 60 * DAY),
        authority.context(EXPIRED, -2 * DAY),
    )
    relays = [
        Controller(mailbox, HEALTHY, 2465, ssl_context=healthy, auth_require_tls=False, **login),
        Controller(mailbox, HEALTHY, 2587, tls_context=healthy, require_starttls=True, **login),
        Controller(mailbox, FILTERED, 2587, tls_context=filtered, require_starttls=True, **login),
        Controller(mailbox, EXPIRED, 2465, ssl_context=expired, auth_require_tls=False, **login),
    ]
    for relay in relays:
        relay.start()
    held = silent(FILTERED, 2465)
    (folder / "ready").touch()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for relay in relays:
        relay.stop()
    for one in held:
        one.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()

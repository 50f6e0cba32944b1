# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenSMTPD, from Debian's package, unpacked and not installed."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence

from .pki import Issued
from .process import program
from .relay import Relay, in_unpacked_tree

__all__ = ["OpenSmtpd"]


class OpenSmtpd(Relay):
    """Three ports: `port` speaks cleartext alone; with a certificate `starttls_port` STARTTLS and `implicit_port` TLS from the first byte.

    OpenSMTPD 6.8 with OpenSSL 3, which is what Debian 12 has, ends every handshake with the alert internal_error: a fault as it is
    found in the wild. For a handshake that works, put haproxy or stunnel before its cleartext port.
    """

    def __init__(
        self,
        *,
        certificate: Issued | None = None,
        users: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        ports: tuple[int, int, int] = (0, 0, 0),
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts. AUTH (PLAIN, LOGIN) is offered over TLS only: OpenSMTPD has it no other way."""
        super().__init__(host, ports if certificate else ports[:1], prefix)
        self.starttls_port = self.ports[1] if certificate else None
        self.implicit_port = self.ports[2] if certificate else None
        etc = self.folder / "etc"
        tree = in_unpacked_tree(etc, ["opensmtpd", "opensmtpq"], "opensmtpd", ["/var/lib", "/var/spool", "/run"])
        self.mail.mkdir(mode=0o700)
        nobody = pwd.getpwnam("nobody")
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        lines = ['table everyone { "@" = nobody }', f"listen on {host} port {self.port} hostname opensmtpd.test"]
        if certificate:
            table = self.folder / "users"
            table.write_text("".join(f"{user} {_hash(password)}\n" for user, password in (users or {}).items()))
            table.chmod(0o644)
            auth = "auth-optional <users>" if users else ""
            lines += [
                f"table users file:{table}",
                f'pki main cert "{certificate.chain_file}"',
                f'pki main key "{certificate.key_file}"',
            ]
            lines += [f"listen on {host} port {self.starttls_port} tls pki main {auth} hostname opensmtpd.test"]
            lines += [f"listen on {host} port {self.implicit_port} smtps pki main {auth} hostname opensmtpd.test"]
        lines += [f'action keep maildir "{self.mail}" virtual <everyone>', "match from any for any action keep"]
        config = self.folder / "smtpd.conf"
        config.write_text("".join(f"{line}\n" for line in lines))
        config.chmod(0o600)
        start = 'mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd; chmod 711 /var/spool/smtpd; exec /usr/sbin/smtpd -d -f "$1"'
        self.start([*tree, "sh", "-c", start, "sh", config])


def _hash(password: str) -> str:
    done = subprocess.run(
        [program("openssl"), "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Dovecot submission service, from Debian's package, unpacked and not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .pki import Issued
from .relay import Relay, in_unpacked_tree

__all__ = ["Dovecot"]


class Dovecot(Relay):
    """Two ports: `port` speaks cleartext and STARTTLS, `implicit_port` TLS from the first byte (only with a certificate).

    It hands every message to another relay, after AUTH; before AUTH it answers 530 to MAIL. A client of the same address counts as
    secured, as if TLS were there: `auth_only_over_tls` shows from other addresses only.
    """

    def __init__(
        self,
        backend: tuple[str, int] = ("127.0.0.1", 9),
        *,
        certificate: Issued | None = None,
        users: Mapping[str, str] | None = None,
        mechanisms: str = "plain login cram-md5 scram-sha-256",
        host: str = "127.0.0.1",
        ports: tuple[int, int] = (0, 0),
        auth_only_over_tls: bool = True,
        minimum_tls: str = "TLSv1.2",
        options: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts.

        backend      host and port of the relay behind it, which has to speak cleartext
        users        name -> password
        options      top level settings, win over what is set here
        """
        super().__init__(host, ports if certificate else ports[:1], prefix)
        self.implicit_port = self.ports[1] if certificate else None
        etc = self.folder / "etc"
        tree = in_unpacked_tree(etc, ["dovecot", "dovenull"])
        (self.folder / "users").write_text(
            "".join(f"{user}:{{PLAIN}}{password}::::::\n" for user, password in (users or {}).items())
        )
        (self.folder / "users").chmod(0o644)
        settings = {
            "protocols": "submission",
            "base_dir": f"{self.folder}/run",
            "state_dir": f"{self.folder}/state",
            "log_path": f"{self.folder}/log",
            "hostname": "dovecot.test",
            "mail_location": f"maildir:{self.folder}/maildir/%u",
            "auth_mechanisms": mechanisms,
            "disable_plaintext_auth": "yes" if auth_only_over_tls and certificate else "no",
            # A wrong password is answered at once.
            "auth_failure_delay": "0",
            "login_trusted_networks": "",
            "submission_relay_host": backend[0],
            "submission_relay_port": str(backend[1]),
            "ssl": "yes" if certificate else "no",
            "ssl_min_protocol": minimum_tls,
            # A container may have no limit on processes for Dovecot to read.
            "default_vsz_limit": "0",
        }
        if certificate:
            settings |= {"ssl_cert": f"<{certificate.chain_file}", "ssl_key": f"<{certificate.key_file}"}
        settings |= options or {}
        folder = etc / "dovecot"
        folder.mkdir()
        (folder / "dovecot.conf").write_text(
            "".join(f"{key} = {value}\n" for key, value in settings.items())
            + f"passdb {{\n  driver = passwd-file\n  args = {self.folder}/users\n}}\n"
            + "userdb {\n  driver = static\n  args = uid=65534 gid=65534 home=/nonexistent allow_all_users=yes\n}\n"
            + "service submission-login {\n"
            + f"  inet_listener submission {{\n    address = {host}\n    port = {self.ports[0]}\n  }}\n"
            + (
                f"  inet_listener submissions {{\n    address = {host}\n    port = {self.implicit_port}\n    ssl = yes\n  }}\n"
                if certificate
                else ""
            )
            + "}\n"
            # No growing delay for an address that has been wrong before.
            + "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n"
        )
        self.start([*tree, "/usr/sbin/dovecot", "-F"])

    def log(self) -> str:
        file = self.folder / "log"
        return super().log() + (file.read_text(errors="replace") if file.exists() else "")

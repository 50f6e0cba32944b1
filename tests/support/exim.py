# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Exim 4 (with GnuTLS), from Debian's package, unpacked and not installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .pki import Issued
from .relay import FIRST_ID, Relay, in_unpacked_tree

__all__ = ["Exim"]


class Exim(Relay):
    """Two ports: `port` speaks cleartext and STARTTLS, `implicit_port` TLS from the first byte (only with a certificate)."""

    def __init__(
        self,
        *,
        certificate: Issued | None = None,
        users: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        ports: tuple[int, int] = (0, 0),
        auth_only_over_tls: bool = True,
        mail_acl: str = "accept",
        rcpt_acl: str = "accept",
        connect_acl: str = "accept",
        options: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts.

        users                        name -> password, for PLAIN, LOGIN and CRAM-MD5
        connect_acl, mail_acl, rcpt_acl   statements of Exim's ACL language, e.g. "deny message = 550 no" or "defer message = later"
        options                      main section, wins over what is set here
        """
        super().__init__(host, ports if certificate else ports[:1], prefix)
        self.implicit_port = self.ports[1] if certificate else None
        etc = self.folder / "etc"
        (etc / "exim4").mkdir(parents=True)
        tree = in_unpacked_tree(etc, ["Debian-exim"])
        for name in ("spool", "mail", "log"):
            (self.folder / name).mkdir(mode=0o700)
            os.chown(self.folder / name, FIRST_ID, FIRST_ID)
        main = {
            "primary_hostname": "exim.test",
            "daemon_smtp_ports": " : ".join(map(str, self.ports)),
            "local_interfaces": f"<; {host}",
            "spool_directory": f"{self.folder}/spool",
            "log_file_path": f"{self.folder}/log/%slog",
            "pid_file_path": f"{self.folder}/exim.pid",
            "qualify_domain": "exim.test",
            "host_lookup": "",
            "rfc1413_query_timeout": "0s",
            "acl_smtp_connect": "connect",
            "acl_smtp_mail": "mail",
            "acl_smtp_rcpt": "rcpt",
            "auth_advertise_hosts": "${if def:tls_in_cipher{*}{}}" if certificate and auth_only_over_tls else "*",
            "tls_advertise_hosts": "*" if certificate else "",
        }
        if certificate:
            main["tls_on_connect_ports"] = str(self.implicit_port)
            # Exim reads its key with the rights of its own user.
            for name, source in (("tls_certificate", certificate.chain_file), ("tls_privatekey", certificate.key_file)):
                copy = self.folder / name
                copy.write_bytes(source.read_bytes())
                copy.chmod(0o600)
                os.chown(copy, FIRST_ID, FIRST_ID)
                main[name] = str(copy)
        main |= options or {}
        acls = {"connect": connect_acl, "mail": mail_acl, "rcpt": rcpt_acl}
        config = "".join(f"{key} = {value}\n" for key, value in main.items())
        config += "begin acl\n" + "".join(f"{name}:\n  {text}\n" for name, text in acls.items())
        config += "begin routers\nall:\n  driver = accept\n  transport = maildir\n"
        config += f"begin transports\nmaildir:\n  driver = appendfile\n  directory = {self.mail}\n  maildir_format\n  user = Debian-exim\n"
        config += _authenticators(users or {})
        file = etc / "exim4" / "exim4.conf"
        file.write_text(config)
        file.chmod(0o600)
        os.chown(file, 0, 0)
        self.start([*tree, "/usr/sbin/exim4", "-bdf"])

    def log(self) -> str:
        return super().log() + "".join(path.read_text(errors="replace") for path in (self.folder / "log").glob("*"))


def _authenticators(users: Mapping[str, str]) -> str:
    """Exim's string expansions instead of a file: one comparison per user."""
    if not users:
        return ""
    # $auth1.. are what the client sent: PLAIN an empty name, the user, the password; LOGIN the user, the password.
    plain = " ".join(
        f"{{and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}" for user, password in users.items()
    )
    login = " ".join(
        f"{{and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}" for user, password in users.items()
    )
    secret = "fail"
    for user, password in users.items():
        secret = f"{{${{if eq{{$auth1}}{{{user}}}{{{password}}}{secret}}}}}"
    return f"""begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_set_id = $auth2
  server_condition = ${{if or{{{plain}}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_set_id = $auth1
  server_condition = ${{if or{{{login}}}}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_set_id = $auth1
  server_secret = {secret[1:-1]}
"""

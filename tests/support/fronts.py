# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that put TLS in front of a relay: haproxy and stunnel; and OpenSSL's own s_server. None needs root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .pki import Issued
from .process import program
from .relay import Relay

__all__ = ["Haproxy", "OpensslServer", "Stunnel"]


class Haproxy(Relay):
    """haproxy with TLS from the first byte (with a certificate) or plain TCP before a relay that speaks cleartext."""

    def __init__(
        self,
        backend: tuple[str, int],
        *,
        certificate: Issued | None = None,
        bind_options: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts.

        backend        host and port; one that nobody listens on gives a front that accepts and closes
        bind_options   e.g. "ssl-min-ver TLSv1.3", "ssl-max-ver TLSv1.1 ciphers ALL:@SECLEVEL=0", "ca-file FILE verify required"
        """
        super().__init__(host, [port], prefix)
        tls = f"ssl crt {certificate.both_file} {bind_options}" if certificate else bind_options
        old = "TLSv1.0" if "ssl-max-ver" in bind_options else "TLSv1.2"
        config = self.folder / "haproxy.cfg"
        config.write_text(
            "global\n  maxconn 200\n  ssl-server-verify none\n"
            f"  ssl-default-bind-options ssl-min-ver {old}\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n"
            f"frontend front\n  bind {host}:{self.port} {tls}\n  default_backend back\n"
            f"backend back\n  server relay {backend[0]}:{backend[1]}\n"
        )
        config.chmod(0o600)
        self.start([program("haproxy"), "-db", "-q", "-f", config])


class Stunnel(Relay):
    """stunnel before a relay that speaks cleartext: STARTTLS that stunnel answers itself, or implicit TLS."""

    def __init__(
        self,
        backend: tuple[str, int],
        *,
        certificate: Issued,
        starttls: bool = True,
        options: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts. `options` are lines of the service, e.g. "sslVersionMin = TLSv1.3"."""
        super().__init__(host, [port], prefix)
        config = self.folder / "stunnel.conf"
        lines = ["foreground = yes", "pid =", "debug = notice", "syslog = no", "[smtp]"]
        lines += [f"accept = {host}:{self.port}", f"connect = {backend[0]}:{backend[1]}"]
        lines += [
            f"cert = {certificate.chain_file}",
            f"key = {certificate.key_file}",
            *(["protocol = smtp"] if starttls else []),
            *options,
        ]
        config.write_text("".join(f"{line}\n" for line in lines))
        self.start([program("stunnel4"), config])


class OpensslServer(Relay):
    """`openssl s_server`: implicit TLS without a word of SMTP. With -www among the options it is an HTTPS server."""

    def __init__(
        self,
        certificate: Issued,
        *,
        options: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts; options e.g. ["-tls1_3"], ["-Verify", "1"], ["-cipher", "ALL:@SECLEVEL=0", "-tls1"]."""
        super().__init__(host, [port], prefix)
        address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        command: list[str | Path] = [program("openssl"), "s_server", "-accept", address]
        command += ["-cert", certificate.leaf_file, "-key", certificate.key_file, "-cert_chain", certificate.chain_file]
        if "-www" not in options:
            command.append("-quiet")
        self.start([*command, *options], hold_stdin=True)

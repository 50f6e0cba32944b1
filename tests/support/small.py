# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relays that are libraries: aiosmtpd (Python) and smtp-server (Node.js). Neither needs root."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .pki import Issued
from .process import BUILD, Missing, program
from .relay import Relay

__all__ = ["Aiosmtpd", "SmtpServer"]

_HERE = Path(__file__).parent


class _Small(Relay):
    def __init__(
        self,
        tls: str = "opportunistic",
        *,
        certificate: Issued | None = None,
        users: Mapping[str, str] | None = None,
        require_auth: bool = False,
        auth_only_over_tls: bool = True,
        size_limit: int = 10240000,
        mechanisms: Sequence[str] = ("PLAIN", "LOGIN", "CRAM-MD5"),
        extra: Mapping[str, Any] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it accepts.

        tls          "implicit", "starttls" (required; smtp-server offers AUTH before it all the same, and answers 538), "opportunistic" or "cleartext"
        users        name -> password; without users no AUTH is offered
        mechanisms   smtp-server only; aiosmtpd knows PLAIN and LOGIN
        extra        further options of smtp-server, e.g. {"banner": "hello", "minVersion": "TLSv1.3"}
        """
        super().__init__(host, [port], prefix)
        self.mail.mkdir()
        used = certificate if tls != "cleartext" else None
        options = {
            "tls": tls,
            "certificate": str(used.chain_file) if used else None,
            "key": str(used.key_file) if used else None,
            "users": dict(users or {}),
            "require_auth": require_auth,
            "auth_only_over_tls": auth_only_over_tls and tls != "cleartext",
            "size_limit": size_limit,
            "mechanisms": list(mechanisms),
            "extra": dict(extra or {}),
            "host": host,
            "port": self.port,
            "mail": str(self.mail),
        }
        self.start([*self._command(), json.dumps(options)])

    def _command(self) -> list[str]:
        raise TypeError("use Aiosmtpd or SmtpServer")


class Aiosmtpd(_Small):
    """aiosmtpd of Debian's package python3-aiosmtpd, under Debian's own Python."""

    def _command(self) -> list[str]:
        python = "/usr/bin/python3"
        if not Path("/usr/lib/python3/dist-packages/aiosmtpd").is_dir():
            raise Missing("python3-aiosmtpd is not installed: run tools/install-relays as root")
        return [python, str(_HERE / "python_relays" / "aiosmtpd_relay.py")]


class SmtpServer(_Small):
    """nodemailer's smtp-server, which waits 100 ms before its greeting."""

    def _command(self) -> list[str]:
        modules = BUILD / "node_relays" / "node_modules"
        if not modules.is_dir():
            raise Missing("smtp-server is not installed: run tools/install-relays as root")
        return ["env", f"NODE_PATH={modules}", program("node"), str(_HERE / "node_relays" / "smtp_server.js")]

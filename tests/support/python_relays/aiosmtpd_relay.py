# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs aiosmtpd: one argument, a JSON object with the keys of support.small.Aiosmtpd. Needs only aiosmtpd."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from functools import partial
from pathlib import Path

from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP, AuthResult


class Keep(Message):
    """Writes each message to a file."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = Path(folder)

    def handle_message(self, message) -> None:
        (self.folder / str(time.monotonic_ns())).write_bytes(message.as_bytes())


def authenticate(users, _server, _session, _envelope, mechanism, data):
    """Right or wrong, for PLAIN and LOGIN."""
    if mechanism not in ("PLAIN", "LOGIN"):
        return AuthResult(success=False, handled=False)
    right = users.get(data.login.decode()) == data.password.decode()
    return AuthResult(success=right, handled=False)


async def main(options) -> None:
    context = None
    if options["certificate"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"], options["key"])
    implicit = options["tls"] == "implicit"

    def session():
        return SMTP(
            Keep(options["mail"]),
            hostname="aiosmtpd.test",
            tls_context=None if implicit else context,
            require_starttls=options["tls"] == "starttls",
            auth_required=options["require_auth"],
            auth_require_tls=options["auth_only_over_tls"] and not implicit,
            authenticator=partial(authenticate, options["users"]) if options["users"] else None,
            data_size_limit=options["size_limit"],
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, options["host"], options["port"], ssl=context if implicit else None)
    await server.serve_forever()


asyncio.run(main(json.loads(sys.argv[1])))

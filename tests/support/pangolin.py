# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Pangolin would do with a config.yml, by the real nodemailer."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .process import BUILD, Missing, program

__all__ = ["Outcome", "pangolin_send"]

_SCRIPT = Path(__file__).parent / "nodemailer" / "pangolin_send.js"


@dataclass(frozen=True)
class Outcome:
    """nodemailer's answer: `code` and `command` are its own (ETIMEDOUT, ESOCKET, EAUTH, ETLS, ECONFIG for the file itself)."""

    ok: bool
    code: str | None
    command: str | None
    message: str | None
    response: str | None
    elapsed: float  # seconds


def pangolin_send(
    config: Path | str,
    *,
    to: str | None = None,
    subject: str = "Pangolin test",
    ca_file: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    connection_timeout: float | None = None,
    greeting_timeout: float | None = None,
    prefix: Sequence[str] = (),
) -> Outcome:
    """Read the config as Pangolin does, then send a message to `to`, or only connect and log in when it is None.

    Takes the CA file that Node.js trusts besides its own, what Pangolin's environment holds (EMAIL_SMTP_USER, EMAIL_SMTP_PASS), and
    timeouts in seconds (nodemailer's own are 120 and 30). Raises Missing when nodemailer is not installed.
    """
    modules = BUILD / "nodemailer" / "node_modules"
    if not modules.is_dir():
        raise Missing("nodemailer is not installed: run tools/install-relays as root")
    command = [*prefix, program("node"), str(_SCRIPT), str(config), "--subject", subject]
    if to:
        command += ["--to", to]
    for option, seconds in (("--connection-timeout", connection_timeout), ("--greeting-timeout", greeting_timeout)):
        if seconds is not None:
            command += [option, str(round(seconds * 1000))]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EMAIL_SMTP_")}
    environment |= {
        "NODE_PATH": str(modules),
        **({"NODE_EXTRA_CA_CERTS": str(ca_file)} if ca_file else {}),
        **(env or {}),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return Outcome(**json.loads(done.stdout))

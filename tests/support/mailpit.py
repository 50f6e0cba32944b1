# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Mailpit, started with nothing but an environment, as systemd and containers start it."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from .process import ROOT, Missing, Process, free_ports

__all__ = ["PINNED", "Mailpit", "binary", "read_environment_file"]

# The versions that tools/mailpit pins, the oldest first. What the tests use by themselves is the newest, or the machine's own.
PINNED = sorted(
    (path.name for path in (ROOT / "tools" / "mailpit").glob("v*")),
    key=lambda name: [int(part) for part in name[1:].split(".")],
)


@functools.cache
def binary(version: str = "") -> str:
    """The path of the binary: MAILPIT, PATH, or built with Go; of a version of tools/mailpit when one is given. Raises Missing with the way to get it."""
    done = subprocess.run(
        [str(ROOT / "tools" / "install-mailpit"), version],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(done.stderr.strip() or "tools/install-mailpit failed")
    return done.stdout.strip()


def read_environment_file(path: Path) -> dict[str, str]:
    """An environment file as systemd and a POSIX shell read it."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


class Mailpit:
    """
    A running Mailpit; use it in a with statement.

    Raises RuntimeError with its output when it does not come up. Ports that the environment leaves open are free ones.
    ``version`` is one of those that tools/mailpit pins.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, version: str = "") -> None:
        environment = dict(environment or {})
        smtp, ui = free_ports(2)
        environment.setdefault("MP_SMTP_BIND_ADDR", f"127.0.0.1:{smtp}")
        environment.setdefault("MP_UI_BIND_ADDR", f"127.0.0.1:{ui}")
        environment.setdefault("MP_DISABLE_VERSION_CHECK", "true")
        environment.setdefault("TMPDIR", str(folder))
        self.host = "127.0.0.1"
        self.port = int(environment["MP_SMTP_BIND_ADDR"].rpartition(":")[2])
        self.ui_port = int(environment["MP_UI_BIND_ADDR"].rpartition(":")[2])
        self.environment = environment
        self._process = Process(
            [binary(version)],
            folder / "mailpit.log",
            addresses=[(self.host, self.ui_port), (self.host, self.port)],
            env=environment,
        )

    def __enter__(self) -> Mailpit:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop it."""
        self._process.close()

    def log(self) -> str:
        """What it has printed so far."""
        return self._process.text()

    def messages(self) -> list[dict]:
        """The summaries of all messages, newest first; only without authentication of the web interface."""
        with urllib.request.urlopen(f"http://{self.host}:{self.ui_port}/api/v1/messages", timeout=5) as answer:
            return json.load(answer)["messages"]


def first_error(log: str) -> str:
    """The text of the first error that Mailpit logged, with the quotes of its log format undone."""
    match = re.search(r'level=error msg="((?:[^"\\]|\\.)*)"', log)
    return json.loads(f'"{match[1]}"') if match else ""

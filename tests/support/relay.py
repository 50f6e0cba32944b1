# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the relays other than Postfix have in common: one program, one folder, a few ports."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .process import BUILD, Missing, Process, free_ports

__all__ = ["FIRST_ID", "Relay", "in_unpacked_tree"]

# Number of the first user of an unpacked package; nothing else has it, Debian gives 60000 to 64999 on request only.
FIRST_ID = 64990

# The unpacked packages lie over /usr and /etc, for this one process and its children: they find all at its usual place.
# What follows the tree and the folder for /etc are folders that are empty for them, up to a "--".
_OVERLAY = """
set -e
mount -t overlay -o ro,lowerdir="$1/usr:/usr" overlay /usr
mount -t overlay -o ro,lowerdir="$2:$1/etc:/etc" overlay /etc
shift 2
while [ "$1" != -- ]; do
    mount -t tmpfs -o mode=755 tmpfs "$1"
    shift
done
shift
exec "$@"
"""


class Relay:
    """A server in a folder of its own; a subclass writes its configuration and starts it in `__init__`."""

    process: Process

    def __init__(self, host: str, ports: Sequence[int], prefix: Sequence[str] = ()) -> None:
        """Takes the loopback address and the ports, where 0 stands for any."""
        self.host = host
        free = iter(free_ports(sum(not port for port in ports), host))
        self.ports = [port or next(free) for port in ports]
        self.prefix = tuple(prefix)
        # Not below pytest's 0700 folders: a relay that has dropped its rights has to get in.
        self.folder = Path(tempfile.mkdtemp(prefix=f"mailops-{type(self).__name__.lower()}-"))
        self.folder.chmod(0o755)
        self.mail = self.folder / "mail"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The first port."""
        return self.ports[0]

    def start(
        self,
        command: Sequence[str | Path],
        *,
        hold_stdin: bool = False,
        addresses: Sequence[tuple[str, int]] | None = None,
    ) -> None:
        """Start the server and wait until it accepts; when it does not, nothing is left behind."""
        wanted = [(self.host, port) for port in self.ports] if addresses is None else addresses
        try:
            self.process = Process(
                command, self.folder / "output", addresses=wanted, prefix=self.prefix, hold_stdin=hold_stdin
            )
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.process.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the server has printed or logged."""
        return self.process.text()

    def messages(self) -> list[str]:
        """What was delivered, oldest first."""
        files = [
            path for path in self.mail.rglob("*") if path.is_file() and "tmp" not in path.parts[len(self.mail.parts) :]
        ]
        return [path.read_text(errors="replace") for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]

    def wait_for_message(self, text: str = "", seconds: float = 10) -> str:
        """The first delivered message that contains `text`; raises TimeoutError with the log."""
        end = time.monotonic() + seconds
        while True:
            for message in self.messages():
                if text in message:
                    return message
            if time.monotonic() > end:
                raise TimeoutError(f"no message with {text!r}\n{self.log()}")
            time.sleep(0.05)


def in_unpacked_tree(etc: Path, users: Sequence[str], tree: str = "root", empty: Sequence[str] = ()) -> list[str]:
    """What to put before a command that comes from a package which is only unpacked.

    Takes a folder that is laid over /etc, and the system users that the package would have made (FIRST_ID and on),
    the tree's name below build/relays, and folders that are to be empty. Needs root, and a kernel that mounts overlays.
    """
    unpacked = BUILD / tree
    if os.geteuid() != 0:
        raise Missing("this relay needs root: run the tests with sudo")
    if not (unpacked / "installed").exists():
        raise Missing("the relay's package is not unpacked: run tools/install-relays as root")
    etc.mkdir(exist_ok=True)
    ids = dict(enumerate(users, FIRST_ID))
    passwd = "".join(f"{user}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n" for number, user in ids.items())
    group = "".join(f"{user}:x:{number}:\n" for number, user in ids.items())
    (etc / "passwd").write_text(Path("/etc/passwd").read_text() + passwd)
    (etc / "group").write_text(Path("/etc/group").read_text() + group)
    return ["unshare", "--mount", "sh", "-c", _OVERLAY, "sh", str(unpacked), str(etc), *empty, "--"]

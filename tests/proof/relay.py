# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay that the apps' own clients send to: a real Postfix on the real ports, with a name for each thing to try.

It needs a network and a view of /etc of its own (``unshare --net --mount``, as tools/prove-apps does): ports 465 and 587
belong to it, the names stand in its own /etc/hosts, and its throwaway CA is the only one that the machine trusts.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix

__all__ = ["ALONE", "GOOD", "PASSWORD", "STRIPPED", "USER", "WRONG", "Arrived", "Proving", "proving_relay"]

GOOD = "relay.proof.test"  # 465, and 587 with STARTTLS
WRONG = "wrong.proof.test"  # the same, under a name that its certificate does not have
STRIPPED = "stripped.proof.test"  # 587 as it looks when somebody on the way takes STARTTLS away
# Relays that offer one mechanism alone.
ALONE = {"PLAIN": "plain.proof.test", "LOGIN": "login.proof.test", "CRAM-MD5": "cram.proof.test"}
USER, PASSWORD = "app", "s3cr3t #1%&:@/+=$x^~"
SIMPLE_PASSWORD = "s3cr3tPassw0rd"
SIMPLE_USER = "plainapp"
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Arrived:
    """A message as the relay got it: over TLS or not, and who had logged in ("" for nobody)."""

    tls: bool
    user: str


class Proving:
    """The running relay."""

    def __init__(self, postfix: Postfix, ca_file: Path) -> None:
        self.ca_file = ca_file
        self._postfix = postfix
        self._seen: dict[str, Arrived] = {}
        self._read: set[Path] = set()

    def arrived(self, subjects: list[str], seconds: float = 5) -> dict[str, Arrived]:
        """All that came in by its subject, also what nobody says to have sent, waiting for so long for these subjects."""
        end = time.monotonic() + seconds
        while True:
            self._look()
            if all(subject in self._seen for subject in subjects) or time.monotonic() > end:
                return dict(self._seen)
            time.sleep(0.05)

    def log(self) -> str:
        """What Postfix logged."""
        return self._postfix.log()

    def _look(self) -> None:
        for path in (self._postfix.folder / "mail" / "new").glob("*"):
            if path in self._read:
                continue
            self._read.add(path)
            text = path.read_text(errors="replace")
            subject = re.search(r"^Subject: *(\S+)", text, re.MULTILINE)
            received = re.search(r"^Received: .*(?:\n[ \t].*)*", text, re.MULTILINE)
            if subject and received:
                user = re.search(r"\(Authenticated sender: ([^@)]+)", received.group())
                tls = "(using TLS" in received.group()
                self._seen[subject.group(1)] = Arrived(tls, user.group(1) if user else "")


@contextmanager
def proving_relay(folder: Path) -> Iterator[Proving]:
    """Make this process's network and /etc into those of the relay, and run it. Raises RuntimeError outside a namespace."""
    if [name for _index, name in socket.if_nameindex()] != ["lo"]:
        raise RuntimeError("run it in a network namespace of its own: tools/prove-apps does")
    pki = Pki(folder)
    # Not 127.0.0.1: Exim sends nothing to an address that one of its own interfaces has.
    addresses = {GOOD: "127.0.0.11", WRONG: "127.0.0.11", STRIPPED: "127.0.0.12"}
    addresses |= {name: f"127.0.0.{number}" for number, name in enumerate(ALONE.values(), 13)}
    issued = pki.issue(GOOD, names=[GOOD, STRIPPED, *ALONE.values()])
    _take_over(folder, addresses, pki.ca_file)
    told = {"smtpd_sasl_authenticated_header": "yes", "smtpd_tls_received_header": "yes"}
    listeners = [
        Listener("implicit", host=addresses[GOOD], port=465, options=told),
        Listener("opportunistic", host=addresses[GOOD], port=587, options=told, tls_auth_only=False),
        Listener("cleartext", host=addresses[STRIPPED], port=587, options=told),
    ]
    for mechanism, name in ALONE.items():
        path = {"smtpd_sasl_path": mechanism.lower()}
        listeners.append(Listener("implicit", host=addresses[name], port=465, options={**told, **path}))
    users = {USER: PASSWORD, SIMPLE_USER: SIMPLE_PASSWORD}
    with Postfix(listeners, certificate=issued, users=users) as postfix:
        for mechanism in ALONE:
            text = (postfix.folder / "etc" / "sasl" / "smtpd.conf").read_text()
            one = re.sub(r"(?m)^mech_list:.*", f"mech_list: {mechanism}", text)
            (postfix.folder / "etc" / "sasl" / f"{mechanism.lower()}.conf").write_text(one)
        yield Proving(postfix, pki.ca_file)


def _take_over(folder: Path, addresses: dict[str, str], ca_file: Path) -> None:
    hosts = folder / "hosts"
    # Java asks for the machine's own name with every mail.
    hosts.write_text(
        f"127.0.0.1 localhost {socket.gethostname()}\n"
        + "".join(f"{value} {name}\n" for name, value in addresses.items())
    )
    hosts.chmod(0o644)
    ca_file.chmod(0o644)
    folder.chmod(0o755)
    # Postfix as a client reads its login here; the host's own folder stays as it is.
    shutil.copytree("/etc/postfix", folder / "postfix", symlinks=True)
    (folder / "postfix").chmod(0o755)
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["mount", "--make-rprivate", "/"],
        ["mount", "--bind", str(hosts), "/etc/hosts"],
        ["mount", "--bind", str(ca_file), str(TRUSTED)],
        ["mount", "--bind", str(folder / "postfix"), "/etc/postfix"],
    ):
        subprocess.run(command, check=True)

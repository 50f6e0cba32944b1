# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nullmailer, dma and sSMTP make of their files: the programs themselves, as Debian has them, with each file.

sSMTP says what it sets when it is asked to be talkative. dma names its relay in the log, and the sender and its own name in
the message that it queues. nullmailer hands all it has read to the program of the protocol, which is one of ours here. None of
them has a network, so nothing is sent. This file is run a second time, where their files are in their usual places.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.process import ROOT, Missing, program
from tests.support.relay import in_unpacked_tree

__all__ = ["AGENTS"]

TREE = ROOT / "build" / "proof" / "agents"
# What is empty for them; what they find there is written by the run inside.
EMPTY = ("/etc/dma", "/etc/nullmailer", "/usr/lib/nullmailer", "/var/spool", "/dev/shm")
WITHIN = 10  # seconds that one has for one file
NAME = "client.fuzz.test"
# sSMTP takes its keys in any case, and has another one in its log.
SSMTP = {
    name.lower(): name
    for name in ("mailhub", "hostname", "root", "rewriteDomain", "AuthUser", "AuthPass", "AuthMethod", "UseTLS")
}


def _agent(name: str) -> Callable[[Sequence[str], Path], list[t.Any]]:
    def parser(texts: Sequence[str], folder: Path) -> list[t.Any]:
        binary = {"nullmailer": "nullmailer-send"}.get(name, name)
        if not (TREE / "usr" / "sbin" / binary).exists():
            raise Missing(f"{binary} is not below {TREE}: run tests/proof/install as root")
        etc = folder / "etc"
        command = in_unpacked_tree(etc, [], str(TREE), EMPTY)
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
        for file in ("mailname", "hostname"):
            (etc / file).write_text(f"{NAME}\n")
        given = folder / "texts"
        given.write_text(json.dumps(list(texts)))
        done = subprocess.run(
            [program("unshare"), "--net", "--uts", *command, sys.executable, "-m", __name__, name, str(given)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        return t.cast("list[t.Any]", json.loads(done.stdout))

    return parser


AGENTS = {name: _agent(name) for name in ("nullmailer", "dma", "ssmtp")}


# Inside


class _Log:
    """What syslog gets, in a /dev of our own; a thread reads it all the time, as a program waits where nobody does."""

    def __init__(self) -> None:
        dev = Path("/dev/shm")
        for name in ("null", "zero", "urandom", "random"):
            (dev / name).touch()
            subprocess.run(["mount", "--bind", f"/dev/{name}", str(dev / name)], check=True)
        subprocess.run(["mount", "--rbind", str(dev), "/dev"], check=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("/dev/log")
        Path("/dev/log").chmod(0o666)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            self._lines.put(self._socket.recv(65536))

    def next(self, seconds: float) -> str:
        """The next line; raises queue.Empty."""
        return self._lines.get(timeout=seconds).decode("utf-8", "surrogateescape").removesuffix("\n")

    def rest(self) -> list[str]:
        """What has come in so far."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", "/dev/log")
        found = []
        while (line := self.next(WITHIN)) != "end":
            found.append(line)
        return found


def _ssmtp(texts: Sequence[str]) -> list[t.Any]:
    log, path, found = _Log(), Path("/etc/dma/ssmtp.conf"), []
    for text in texts:
        path.write_bytes(text.encode("utf-8"))
        done = subprocess.run(
            ["ssmtp", "-d", "-C", str(path), "a@example.org"], input=b"\n", capture_output=True, timeout=WITHIN
        )
        lines = log.rest()
        values: dict[str, str] = {}
        # A second login is one that it is unable to set.
        for words in ("Unable to set", "Set"):
            said = [re.search(rf'\]: {words} (\w+)="(.*)"$', line, re.DOTALL) for line in lines]
            values |= {SSMTP.get(one.group(1).lower(), one.group(1)): one.group(2) for one in said if one is not None}
        if "UseTLS" in values:
            values["UseTLS"] = {"True": "YES", "False": "NO"}[values["UseTLS"]]
        # It says there what UseTLS is. The port is not always said, either.
        values.pop("UseSTARTTLS", None)
        values.pop("RemotePort", None)
        where = re.search(r"Cannot open (.*)\n", done.stderr.decode("utf-8", "surrogateescape"), re.DOTALL)
        values["mailhub"] = where.group(1) if where is not None else f"{lines} {done.stderr!r}"
        found.append(values)
    return found


def _dma(texts: Sequence[str]) -> list[t.Any]:
    log, path, spool = _Log(), Path("/etc/dma/dma.conf"), Path("/var/spool/dma")
    spool.mkdir()
    shutil.chown(spool, "root", "mail")
    spool.chmod(0o2775)
    found: list[t.Any] = []
    for text in texts:
        path.write_bytes(text.encode("utf-8"))
        found.append(_queued(log, spool))
        for one in spool.iterdir():
            one.unlink()
    return found


def _queued(log: _Log, spool: Path) -> dict[str, str] | str:
    """dma with one message, until it looks for the relay."""
    with subprocess.Popen(
        ["dma", "-D", "x@example.org"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"Subject: x\n\n")
            process.stdin.close()
        lines: list[str] = []
        end = time.monotonic() + WITHIN
        while (
            not re.search(r"using smarthost|lookup failure|remote delivery", "".join(lines)) and time.monotonic() < end
        ):
            try:
                lines.append(log.next(0.05))
            except queue.Empty:
                if process.poll() is not None:
                    return process.stdout.read().decode("utf-8", "replace") or "".join(lines)
        process.kill()
    lines += log.rest()
    message = next(spool.glob("M*")).read_bytes().decode("utf-8", "surrogateescape")
    values = {"rest": "".join(lines)} if time.monotonic() >= end else {}
    for relay in filter(None, (re.search(r"using smarthost \((.*):(\d+)\)$", line, re.DOTALL) for line in lines)):
        values |= {"SMARTHOST": relay.group(1), "PORT": relay.group(2)}
    sender, name = re.search(r"\(envelope-from (.*)\)\n\tid .*\n\tby (.*) \(DragonFly", message).groups()  # type: ignore[union-attr]
    values |= {"MASQUERADE": sender, "MAILNAME": name}
    usual = {"PORT": "25", "MASQUERADE": f"root@{name}", "MAILNAME": NAME}
    return {key: one for key, one in values.items() if usual.get(key) != one}


# Its options come in as standard input, and the message behind them.
_PROTOCOL = """#!/bin/sh
cat >>/var/spool/found
echo >>/var/spool/found
exit 1
"""


def _nullmailer(texts: Sequence[str]) -> list[t.Any]:
    spool, out, path = Path("/var/spool/nullmailer"), Path("/var/spool/found"), Path("/etc/nullmailer/remotes")
    for name in ("queue", "tmp", "failed"):
        (spool / name).mkdir(parents=True)
    subprocess.run(["mkfifo", str(spool / "trigger")], check=True)
    for protocol in ("smtp", "qmqp"):
        (Path("/usr/lib/nullmailer") / protocol).write_text(_PROTOCOL)
        (Path("/usr/lib/nullmailer") / protocol).chmod(0o755)
    (spool / "queue" / "1").write_text("a@example.org\nb@example.org\n\nSubject: x\n\n")
    found: list[t.Any] = []
    for text in texts:
        path.write_bytes(text.encode("utf-8"))
        out.write_text("")
        with subprocess.Popen(["nullmailer-send"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            said = _until(process.stdout, rb"Delivery complete|Could not load the config")
            process.kill()
        remotes = out.read_bytes().decode("utf-8", "surrogateescape").split("\n\n")[:-1]
        nothing = {"further": []} if b"No remote hosts listed" in said else said.decode("utf-8", "replace")
        found.append({**_options(remotes[0]), "further": remotes[1:]} if remotes else nothing)
    return found


def _options(text: str) -> dict[str, str]:
    return {name: value for line in text.split("\n") for name, _mark, value in [line.partition("=")]}


def _until(stream: t.IO[bytes], mark: bytes) -> bytes:
    """What it says up to a line with the mark."""
    said = b""
    while not re.search(mark, said):
        line = stream.readline()
        if not line:
            break
        said += line
    return said


def main() -> int:
    """Reads each text of a JSON file with one program, and prints what it has found."""
    name, given = sys.argv[1:]
    texts = json.loads(Path(given).read_text())
    socket.sethostname(NAME)
    print(json.dumps({"nullmailer": _nullmailer, "dma": _dma, "ssmtp": _ssmtp}[name](texts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

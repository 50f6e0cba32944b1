# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose names are odd: a network of its own, its own /etc/hosts and resolv.conf, and a name server that does as a table says.

Run as a program, as root: `python -m tests.support.names`. It goes into namespaces of its own, reads gates (a JSON list of
options) from standard input, asks them of a sound relay on 127.0.0.1 and ::1 port 465, and writes what the gate said as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import typing as t

__all__ = ["NameServer"]

_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000
_TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}
_CODES = {"formerr": 1, "servfail": 2, "notimp": 4, "refused": 5}
Records = t.Sequence[tuple[str, str]]


class Odd(t.NamedTuple):
    """A name that fails in a way of its own; ``only``: for queries of this type, while others get the records."""

    how: str  # a code of _CODES, silent, truncated
    records: Records = ()
    only: str | None = None


class NameServer:
    """Answers on 127.0.0.1 port 53 by UDP and TCP; what the table does not hold does not exist."""

    def __init__(self, table: t.Mapping[str, Odd | Records]) -> None:
        self._table = table
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 53))
        self._tcp = socket.create_server(("127.0.0.1", 53))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            query, client = self._udp.recvfrom(4096)
            answer = self._answer(query, False)
            if answer:
                self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        while True:
            client = self._tcp.accept()[0]
            with client:
                size = client.recv(2)
                answer = self._answer(client.recv(struct.unpack("!H", size)[0]), True) if size else b""
                client.sendall(struct.pack("!H", len(answer)) + answer if answer else b"")

    def _answer(self, query: bytes, by_tcp: bool) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
            at += query[at] + 1
        asked, question = struct.unpack("!H", query[at + 1 : at + 3])[0], query[12 : at + 5]

        def reply(code: int, answers: t.Sequence[bytes] = (), truncated: bool = False) -> bytes:
            flags = 0x8180 | code | (0x200 if truncated else 0)
            return query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + question + b"".join(answers)

        entry = self._table.get(".".join(labels).lower())
        if isinstance(entry, Odd):
            odd = entry.only is None or _TYPES[entry.only] == asked
            if odd and entry.how == "silent":
                return b""
            if odd and entry.how == "truncated" and not by_tcp:
                return reply(0, truncated=True)
            if odd and entry.how in _CODES:
                return reply(_CODES[entry.how])
            entry = entry.records
        return reply(3) if entry is None else reply(*self._follow(".".join(labels), entry, asked))

    def _follow(self, name: str, records: Records, asked: int) -> tuple[int, list[bytes]]:
        """The records of a name, along its aliases: the code and the answers."""
        answers: list[bytes] = []
        for _step in range(16):
            alias = next((data for kind, data in records if kind == "CNAME"), None)
            if alias is None:
                return 0, answers + [_record(name, kind, data) for kind, data in records if _TYPES[kind] == asked]
            answers.append(_record(name, "CNAME", alias))
            found = self._table.get(alias)
            if found is None or isinstance(found, Odd):
                return (3 if found is None else 2), answers
            name, records = alias, found
        return 0, answers


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _record(name: str, kind: str, data: str) -> bytes:
    family = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}.get(kind)
    raw = _name(data) if family is None else socket.inet_pton(family, data)
    return _name(name) + struct.pack("!HHIH", _TYPES[kind], 1, 60, len(raw)) + raw


_OK = [("A", "127.0.0.1")]
TABLE: dict[str, Odd | Records] = {
    "ok.names.test": _OK,
    "servfail.names.test": Odd("servfail"),
    "refused.names.test": Odd("refused"),
    "silent.names.test": Odd("silent"),
    "nodata.names.test": [],
    "half.names.test": Odd("servfail", _OK, "AAAA"),
    "slow.names.test": Odd("silent", _OK, "AAAA"),
    "long.names.test": Odd("truncated", [("A", f"127.0.1.{number}") for number in range(1, 100)]),
    "loop.names.test": [("CNAME", "pool.names.test")],
    "pool.names.test": [("CNAME", "loop.names.test")],
    "chain.names.test": [("CNAME", "link.names.test")],
    "link.names.test": [("CNAME", "ok.names.test")],
    "dangling.names.test": [("CNAME", "gone.names.test")],
    "six.names.test": [("AAAA", "::1")],
    "dead6.names.test": [*_OK, ("AAAA", "2001:db8::1")],
    "only6.names.test": [("AAAA", "2001:db8::1")],
    "split.names.test": [("A", "127.0.0.9"), *_OK],
    "under_score.names.test": _OK,
    "xn--bcher-kva.names.test": _OK,
    "zero.names.test": [("A", "0.0.0.0")],
    "zero6.names.test": [("AAAA", "::")],
    "mapped-zero.names.test": [("AAAA", "::ffff:0.0.0.0")],
    "zero-too.names.test": [("A", "0.0.0.0"), *_OK],
    "mapped.names.test": [("AAAA", "::ffff:127.0.0.1")],
    "link-local.names.test": [("AAAA", "fe80::1")],
    "short.corp.test": _OK,
}
_FILES = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\nsearch corp.test\n",
    "/etc/hosts": "127.0.0.1 localhost pinned.names.test\n::1 localhost\n0.0.0.0 blocked.names.test\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}


def _enter(folder: pathlib.Path) -> None:
    """Namespaces for network and mounts, with loopback and the files above."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS | _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for number, (path, text) in enumerate(_FILES.items()):
        own = folder / str(number)
        own.write_text(text)
        subprocess.run(["mount", "--bind", str(own), path], check=True)


def main() -> None:
    """Ask the gates of standard input."""
    from .acting import Host, act
    from .faulty import FaultyServer, honest, smtp
    from .pki import Pki

    with tempfile.TemporaryDirectory(prefix="names-") as folder:
        _enter(pathlib.Path(folder))
        NameServer(TABLE)
        pki = Pki(pathlib.Path(folder, "pki"))
        names = ["*.names.test", "short", "localhost"]
        sound = smtp(implicit=honest(pki.issue("ok.names.test", names=names, ips=["127.0.0.1", "::1"])))
        with FaultyServer(sound, port=465) as server, FaultyServer(sound, "::1", 465):
            usual = {"port": 465, "secure": True, "alternatives": [], "timeout": 20, "ca_path": str(pki.ca_file)}
            answers = []
            for options in json.load(sys.stdin):
                before = server.connections
                answer = act("smtp_gate", Host(), **{**usual, **options})
                answers.append({**answer, "connections": server.connections - before})
            json.dump(answers, sys.stdout)
        sys.stdout.flush()
        # The name server's threads wait for ever.
    os._exit(0)


if __name__ == "__main__":
    main()

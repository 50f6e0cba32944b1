# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server that means harm: chains of CNAMEs, loops, rubbish. One printable verdict each, within its timeout."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge

from tests.support.strangers import raw_places

TIMEOUT = 3.0

# A network and a resolver of its own, in which nothing but this name server answers.
NAMESPACE = """
ip link set lo up
echo 'nameserver 127.0.0.1' > "$1/resolv.conf"
echo 'hosts: files dns' > "$1/nsswitch.conf"
mount --bind "$1/resolv.conf" "$(realpath /etc/resolv.conf)"
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
shift
exec "$@"
"""

# Speaks for each name of NAMES, over UDP and TCP (RFC 1035); a relay that refuses with 554 listens on every address.
# Reads plans, prints what was found.
INSIDE = r"""
import json, socket, struct, sys, threading
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe
SILENT = None
def wire(*labels): return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
def plain(name): return wire(*name.encode().split(b"."))
def record(owner, kind, data): return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
def chain(first, last, length, address):
    names = [first] + [plain("c%d.test" % number) for number in range(length - 1)] + [last]
    links = [record(one, 5, names[number + 1]) for number, one in enumerate(names[:-1])]
    return links + ([record(last, 1, socket.inet_aton(address))] if address else [])
ODD = {
    "escapes": wire(b"\x1b[31m\x07", b"a b\r\nX: y", b"test"), "underscore": wire(b"_smtp", b"-x-", b"test"),
    "template": wire(b"{{ 7*7 }}", b"test"),
    "nul": wire(b"a\0b", b"test"), "bidi": wire("\u202e\u2066x".encode(), b"test"),
    "longest": wire(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61),
    "toolong": wire(*[b"a" * 63] * 6),
}
def answer(name, owner, kind):
    # Records and code; SILENT for none.
    first, family = name.split(".")[0], kind == 1
    end, here = plain("end.test"), "127.0.0.1" if family else ""
    if first in ODD: return chain(owner, ODD[first], 1, here), 0
    if first.startswith("chain"): return chain(owner, end, int(first[5:]), here), 0
    return {
        "loop": ([record(owner, 5, plain("b.test")), record(plain("b.test"), 5, owner)], 0),
        "itself": ([record(owner, 5, owner)], 0),
        "pointer": ([record(owner, 5, b"\xc0\x20"), record(b"\xc0\xff", 5, b"\xc0\x0c")], 0),
        "anywhere": (chain(owner, end, 1, here and "0.0.0.0"), 0),
        "here": (chain(owner, end, 1, here), 0),
        "nothing": (chain(owner, end, 1, ""), 0),
        "nxdomain": (chain(owner, end, 1, ""), 3),
        "servfail": (chain(owner, end, 1, ""), 2),
        "refused": ([], 5),
        "short": ([record(owner, 1, b"\x7f\0")] if family else [], 0),
        "lies": ([owner + struct.pack(">HHIH", kind, 1, 60, 65535)], 0),
    }.get(first, SILENT)
def reply(query, limit):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    kind = struct.unpack(">H", query[at + 1:at + 3])[0]
    found = answer(b".".join(labels).decode().lower(), b"\xc0\x0c", kind)
    if found is SILENT: return b""
    records, code = found
    asked, rest = query[12:at + 5], b"".join(records)
    whole = struct.pack(">2sHHHHH", query[:2], 0x8180 | code, 1, len(records), 0, 0) + asked + rest
    if len(whole) <= limit: return whole
    return struct.pack(">2sHHHHH", query[:2], 0x8380, 1, 0, 0, 0) + asked
def over_udp():
    while True:
        query, where = udp.recvfrom(2000)
        said = reply(query, 512)
        if said: udp.sendto(said, where)
def each(listener, act):
    while True:
        sock = listener.accept()[0]
        threading.Thread(target=act, args=(sock,), daemon=True).start()
def over_tcp(sock):
    while True:
        head = sock.recv(2)
        if len(head) < 2: return
        said = reply(sock.recv(struct.unpack(">H", head)[0]), 65535)
        sock.sendall(struct.pack(">H", len(said)) + said)
def relay(sock):
    sock.sendall(b"554 no service\r\n")
    sock.recv(100)
    sock.close()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 53))
threading.Thread(target=over_udp, daemon=True).start()
for port, act in ((53, over_tcp), (2525, relay)):
    threading.Thread(target=each, args=(socket.create_server(("0.0.0.0", port)), act), daemon=True).start()
print(json.dumps(observe(json.load(sys.stdin), [None] * int(sys.argv[1]), ContextPool())))
"""

REACHED, UNKNOWN, BROKEN = "greeting_rejected", "name_not_found", "name_server_failure"
# What the C library makes of answers that no honest server gives is its own affair.
NO_ANSWER = (UNKNOWN, BROKEN)
ANY = (REACHED, UNKNOWN, BROKEN)
NAMES = {
    "chain8": (REACHED,), "chain40": ANY, "loop": NO_ANSWER, "itself": NO_ANSWER, "pointer": NO_ANSWER,
    "escapes": ANY, "underscore": ANY, "template": ANY, "nul": ANY, "bidi": ANY, "longest": ANY, "toolong": NO_ANSWER,
    # The host itself would answer there, so nothing is sent.
    "anywhere": ("connection_refused",), "here": (REACHED,), "nothing": (UNKNOWN,), "nxdomain": (UNKNOWN,), "servfail": (BROKEN,),
    "refused": (BROKEN,), "short": NO_ANSWER, "lies": NO_ANSWER, "silent": (BROKEN,),
}  # fmt: skip


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, t.Any]], str]:
    folder: pathlib.Path = tmp_path_factory.mktemp("names")
    asked = {name: Settings(f"{name}.test", 2525, "cleartext", timeout=TIMEOUT) for name in NAMES}
    plans = [plan_of(settings, Policy()) for settings in asked.values()]
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "sh",
            "-ec",
            NAMESPACE,
            "sh",
            str(folder),
            sys.executable,
            "-c",
            INSIDE,
            str(len(plans)),
        ],
        input=json.dumps(plans),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
    )
    assert done.stdout, done.stderr
    facts = HostFacts(datetime.datetime.now(datetime.UTC))
    judged = zip(asked.items(), json.loads(done.stdout))
    return {name: judge(settings, found, Policy(), facts) for (name, settings), found in judged}, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_one_verdict(probes: tuple[dict[str, dict[str, t.Any]], str], name: str) -> None:
    found, stderr = probes
    probe = found[name]
    assert stderr == ""
    assert probe["cause"] in NAMES[name], probe["message"]
    assert list(raw_places(probe)) == []
    assert probe["elapsed_ms"] < (TIMEOUT + 1) * 1000

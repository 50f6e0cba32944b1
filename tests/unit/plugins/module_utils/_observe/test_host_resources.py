# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many endpoints that never answer, and a process that may have little: files, threads, memory.

Whole processes, real limits.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import host_resources

TIMEOUT = 2.0
# Imports all that is imported late, sets the limits, probes, and prints what became of the addresses.
SCRIPT = """
import collections, ctypes, hashlib, hmac, ipaddress, json, os, resource, socket, sys, time, unicodedata, urllib.parse
from ansible_collections.mailops.smtp.plugins.module_utils._observe import endpoint, other_ports
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address
asked = json.load(sys.stdin)
if asked["addresses"] > 1:
    def several(host, port, version):
        parts = host.split(".")
        texts = [f"127.{number + 1}.{parts[2]}.{parts[3]}" for number in range(asked["addresses"])]
        return [Address(socket.AF_INET, (text, port)) for text in texts]
    endpoint.ask_resolver = several
for name, value in asked["limits"].items():
    if name == "RLIMIT_NPROC" and os.getuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    resource.setrlimit(getattr(resource, name), (value, value))
started = time.monotonic()
found = endpoint.observe(asked["plans"], [None] * len(asked["plans"]), endpoint.ContextPool())
def count(attempts):
    failures = [one["failure"] or {"kind": "well"} for one in attempts]
    return collections.Counter(f"{one['kind']} {one.get('lack', '')}".strip() for one in failures)
print(json.dumps({
    "seconds": time.monotonic() - started,
    "chosen": count(one for each in found for one in each["attempts"]),
    "others": [count(one for route in routes for one in route["attempts"]) for routes in zip(*(each["alternatives"] for each in found))],
    "megabytes": next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")),
}))
sys.stdout.flush()
os._exit(0)
"""


class Listeners(t.NamedTuple):
    """Ports on all of 127.0.0.0/8: one accepts and says nothing, one does not even accept, one is a relay."""

    mute: int
    deaf: int
    well: int


@pytest.fixture(scope="module")
def ports() -> t.Iterator[Listeners]:
    with contextlib.ExitStack() as stack:
        mute, deaf, well = (stack.enter_context(socket.socket()) for _each in range(3))
        for one, backlog in ((mute, 4096), (deaf, 0), (well, 4096)):
            one.bind(("0.0.0.0", 0))
            one.listen(backlog)
        for _filler in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", deaf.getsockname()[1]))
        over = threading.Event()
        thread = threading.Thread(target=_serve, args=(mute, well, over))
        thread.start()
        try:
            yield Listeners(*(one.getsockname()[1] for one in (mute, deaf, well)))
        finally:
            over.set()
            thread.join()


def _serve(mute: socket.socket, well: socket.socket, over: threading.Event) -> None:
    """Accept on both; answer each line of a client of ``well``."""
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        selector.register(mute, selectors.EVENT_READ, "mute")
        selector.register(well, selectors.EVENT_READ, "well")
        while not over.is_set():
            for key, _events in selector.select(0.1):
                sock = t.cast(socket.socket, key.fileobj)
                if key.data is None:
                    with contextlib.suppress(OSError):
                        if sock.recv(4096).startswith(b"EHLO"):
                            sock.sendall(b"250 relay.test\r\n")
                            continue
                    selector.unregister(sock)
                    sock.close()
                    continue
                peer = stack.enter_context(sock.accept()[0])
                if key.data == "well":
                    peer.sendall(b"220 relay.test\r\n")
                    selector.register(peer, selectors.EVENT_READ)


@pytest.fixture(scope="module", autouse=True)
def _many_files() -> t.Iterator[None]:
    """The listeners hold as many connections as the probes open."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def probe(
    port: int,
    count: int,
    others: t.Sequence[int] = (),
    addresses: int = 1,
    security: str = "starttls",
    timeout: float = TIMEOUT,
    **bounds: int,
) -> dict[str, t.Any]:
    """What a process of its own sees of ``count`` endpoints, under these limits."""
    plan = {
        "port": port,
        "security": security,
        "validate_certs": True,
        "ca_path": None,
        "server_name": "localhost",
        "helo_name": None,
        "source_address": None,
        "ip_version": "any",
        "timeout": timeout,
        "minimum_tls_version": "TLSv1.2",
        "login_tls_version": "TLSv1.2",
        "cleartext_networks": [],
        "require_all_addresses": False,
        "alternatives": [{"port": other, "security": "cleartext"} for other in others],
        "control_port": None,
        "try_injection": False,
        "transaction": None,
        "login_required": True,
        "fallback": False,
        "ask_chosen": True,
    }
    plans = [{**plan, "host": f"127.0.{number // 250}.{number % 250 + 1}"} for number in range(count)]
    asked = json.dumps({"plans": plans, "addresses": addresses, "limits": bounds})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=asked,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, t.Any] = json.loads(done.stdout)
    assert found["seconds"] < timeout + 6  # other tests run beside
    assert found["megabytes"] < (80 if addresses == 1 else 120)
    return found


@pytest.mark.parametrize("kind", ["mute", "deaf"])
def test_500_silent_endpoints_end_with_their_timeout(ports: Listeners, kind: str) -> None:
    found = probe(getattr(ports, kind), 500)
    assert found["chosen"] == {"timeout": 500}


@pytest.mark.parametrize("kind", ["mute", "deaf"])
def test_64_names_of_eight_silent_addresses_and_their_other_ports(ports: Listeners, kind: str) -> None:
    found = probe(
        getattr(ports, kind), 64, [ports.deaf, ports.well, ports.mute], addresses=8, timeout=12.0
    )  # a fifth of it is for the other ports
    assert found["chosen"] == {"timeout": 512}
    assert found["others"] == [{"timeout": 256}, {"well": 256}, {"timeout": 256}]


@pytest.mark.parametrize(
    "kind, bound",
    [
        ("mute", {"RLIMIT_NOFILE": 64}),
        ("mute", {"RLIMIT_NPROC": 1}),
        ("mute", {"RLIMIT_AS": 150_000_000}),
        ("mute", {"RLIMIT_DATA": 60_000_000}),
        ("deaf", {"RLIMIT_NOFILE": 64}),
    ],
)
def test_a_process_that_may_have_little(ports: Listeners, kind: str, bound: dict[str, int]) -> None:
    lack = {"RLIMIT_NOFILE": "files", "RLIMIT_NPROC": "threads", "RLIMIT_AS": "memory", "RLIMIT_DATA": "memory"}[
        next(iter(bound))
    ]
    found = collections.Counter(probe(getattr(ports, kind), 200, **bound)["chosen"])
    assert found["timeout"] >= 1, "what was asked timed out"
    assert found[f"not_asked {lack}"] >= 1, "and the rest was not asked"
    assert sum(found.values()) == found["timeout"] + found[f"not_asked {lack}"] == 200


@pytest.mark.parametrize(
    "bound",
    [{"RLIMIT_NOFILE": 64}, {"RLIMIT_NPROC": 1}, {"RLIMIT_AS": 150_000_000}, {"RLIMIT_DATA": 60_000_000}],
    ids=str,
)
def test_little_is_enough_for_relays_that_answer(ports: Listeners, bound: dict[str, int]) -> None:
    assert probe(ports.well, 200, security="cleartext", **bound)["chosen"] == {"well": 200}


def test_a_control_group_of_few_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "cgroup").write_text("1:name=systemd:/\n0::/group\n")
    (tmp_path / "group" / "pids.current").write_text("90\n")
    real = open
    where = {"/proc/self/cgroup": tmp_path / "cgroup"}
    monkeypatch.setattr(
        "builtins.open",
        lambda name, *args, **more: real(
            where.get(name, str(name).replace("/sys/fs/cgroup", str(tmp_path))), *args, **more
        ),
    )
    for most, left in (("100", 10), ("max", None), ("80", 0), ("rubbish", None)):
        (tmp_path / "group" / "pids.max").write_text(most + "\n")
        assert host_resources.tasks_left() == left
    (tmp_path / "cgroup").unlink()
    assert host_resources.tasks_left() is None

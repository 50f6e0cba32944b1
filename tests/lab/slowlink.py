# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long wire between the router and the relays: two TAP devices and a process that holds each frame for a while.

Not every kernel has netem, which would do the same. Relays have a second address at the far end of it.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import select
import stat
import struct
import subprocess
import sys
import time

from .network import in_namespace, require_lab, run
from .plan import ROOT, ROUTER, RUN, ipv4, prefix4

__all__ = ["ROUND_TRIP", "start_slow_link"]

# Seconds: a relay on another continent, over a bad line.
ROUND_TRIP = 0.3

_DEVICE = "far"
_TUNSETIFF = 0x400454CA
_IFF_TAP_WITHOUT_HEADER = 0x0002 | 0x1000
_CLONE_NEWNET = 0x40000000


def start_slow_link() -> None:
    """Start the wire, and give it addresses and routes. The answers take the same way back."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.slowlink"],
        cwd=ROOT / "tests",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=open(RUN / "slowlink.log", "wb"),
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != b"ready":
        raise RuntimeError(f"the slow link does not start: {(RUN / 'slowlink.log').read_text()}")
    for namespace, number in (("gw", ROUTER), ("relays", 2)):
        run(in_namespace(namespace, "ip", "addr", "add", f"{ipv4('far', number)}/{prefix4('far')}", "dev", _DEVICE))
        run(in_namespace(namespace, "ip", "link", "set", _DEVICE, "up"))
    run(in_namespace("relays", "ip", "rule", "add", "from", f"{ipv4('far', 0)}/{prefix4('far')}", "table", "3"))
    run(in_namespace("relays", "ip", "route", "add", "default", "via", ipv4("far", ROUTER), "table", "3"))


def _tap(namespace: str) -> int:
    """Make a TAP device in a namespace; gives its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = (os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/net", f"/run/netns/{namespace}"))
    for step in (there, here):
        if libc.setns(step, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        if step == there:
            device = os.open(_clone_device(), os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", _DEVICE.encode(), _IFF_TAP_WITHOUT_HEADER))
    os.close(here)
    os.close(there)
    return device


def _clone_device() -> str:
    """The device that TAP devices are made from; some machines have the driver and not the file."""
    if os.path.exists("/dev/net/tun"):
        return "/dev/net/tun"
    own = RUN / "tun"
    if not own.exists():
        os.mknod(own, stat.S_IFCHR | 0o600, os.makedev(10, 200))
    return str(own)


def main() -> None:
    """Carry frames, each half a round trip late."""
    require_lab()
    near, far = _tap("gw"), _tap("relays")
    other = {near: far, far: near}
    print("ready", flush=True)
    held: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        wait = max(0.0, held[0][0] - time.monotonic()) if held else None
        for device in select.select([near, far], [], [], wait)[0]:
            try:
                frame = os.read(device, 65536)
            except OSError:  # nothing there after all, or the device is still down
                continue
            number += 1
            heapq.heappush(held, (time.monotonic() + ROUND_TRIP / 2, number, other[device], frame))
        while held and held[0][0] <= time.monotonic():
            _due, _number, device, frame = heapq.heappop(held)
            try:
                os.write(device, frame)
            except OSError:  # as on any wire: what cannot be delivered is lost
                pass


if __name__ == "__main__":
    main()

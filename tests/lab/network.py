# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of the lab and the commands that run in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

from .plan import MANAGED, NETWORKS, NODES, ROUTER, RUN, ipv4, ipv6, prefix4

__all__ = ["add_addresses", "in_namespace", "inside", "make_network", "require_lab", "run"]


def inside() -> bool:
    """Whether this process is in the lab: it sees the lab's private /run, and its network is one of the lab's own."""
    try:
        own = os.stat("/proc/self/ns/net").st_ino
        known = [os.stat(entry.path).st_ino for entry in os.scandir("/run/netns")]
        return (RUN / "sealed").read_text() == str(own) or own in known
    except OSError:
        return False


def require_lab() -> None:
    """RuntimeError outside the lab: a packet for a lab address must never leave the machine, where a stranger might answer it."""
    if not inside():
        raise RuntimeError(
            "this talks to addresses of the lab, and this process is not in the lab: start it with tools/lab run or tools/lab shell"
        )


def in_namespace(namespace: str, *command: str) -> list[str]:
    """The command line that runs a command in a namespace of the lab."""
    require_lab()
    return ["ip", "netns", "exec", namespace, *command]


def run(command: Sequence[str], stdin: str | None = None) -> str:
    """Run a command to its end and give its output. RuntimeError with its last words when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def _batch(lines: Iterable[str], namespace: str | None = None) -> None:
    run(["ip", *(["-n", namespace] if namespace else []), "-batch", "-"], stdin="\n".join(lines) + "\n")


def make_network() -> None:
    """Make the router, its bridges, and a namespace for every node and host. Nothing of it is ever seen outside the lab."""
    nodes = {**NODES, **{host.name: (host.network, host.number) for host in MANAGED}}
    _batch(f"netns add {name}" for name in ("gw", *nodes))
    bridges = ["link set lo up"]
    for network, number in NETWORKS.items():
        bridges += [
            f"link add br{number} type bridge forward_delay 0",
            f"link set br{number} up",
            f"addr add {ipv4(network, ROUTER)}/{prefix4(network)} dev br{number}",
            f"addr add {ipv6(network, ROUTER)}/64 dev br{number} nodad",
        ]
    # Both ends of a wire are made inside their namespaces.
    for name, (network, _number) in nodes.items():
        bridges += [
            f"link add {name} type veth peer name eth0 netns {name}",
            f"link set {name} master br{NETWORKS[network]} up",
        ]
    _batch(bridges, "gw")
    forwarding = [
        "net.ipv4.ip_forward=1",
        "net.ipv6.conf.all.forwarding=1",
        "net.ipv4.icmp_ratelimit=0",
        "net.ipv6.icmp.ratelimit=0",
    ]
    run(in_namespace("gw", "sysctl", "-qw", *forwarding))
    for name, (network, number) in nodes.items():
        _batch(
            [
                "link set lo up",
                "link set eth0 up",
                f"addr add {ipv4(network, number)}/{prefix4(network)} dev eth0",
                f"addr add {ipv6(network, number)}/64 dev eth0 nodad",
                f"route add default via {ipv4(network, ROUTER)}",
                f"route add default via {ipv6(network, ROUTER)}",
            ],
            name,
        )


def add_addresses(namespace: str, device: str, addresses: Iterable[str]) -> None:
    """Give a node more addresses: every relay has its own, and so can stand on the port that it has in real life."""
    _batch([f"addr replace {address} dev {device}" for address in addresses], namespace)

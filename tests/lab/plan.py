# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the lab: its networks, addresses and hosts. Everything else asks here, so that an address is written down once.

    ctl, dns (core) --+                 +-- red01 .. red10    (a provider that lets mail out)
                      +-- gw (router) --+
    relays -----------+                 +-- blue01 .. blue10  (a provider that filters port 465)
       +---- a long wire                    mailpit is in red, too

The addresses exist in namespaces only. None of these namespaces has a way out of the machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUILD", "CGROUP", "DOMAIN", "HOSTS", "MAILPIT", "MANAGED", "NAMES", "NETWORKS", "NODES", "RUN", "STATE", "TARGETS", "TREES", "Host", "ipv4", "ipv6"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "lab"
# Several labs may be up at once, each under a name of its own; they share the trees and nothing else.
STATE = BUILD / os.environ.get("LAB_NAME", "default")
# A tmpfs that only processes of the lab see: keys, sockets, logs. It goes away with the lab.
RUN = Path("/run/mailops-lab")
# Of the hosts with a systemd. The only thing of the lab that does not go away with it by itself.
CGROUP = f"mailops-lab-{STATE.name}"

DOMAIN = "lab.test"
NETWORKS = {"core": 0, "relays": 2, "red": 11, "blue": 12}
# The relays' second network, behind a long wire. IPv4 only.
FAR = {"far": 3}
ROUTER = 1


def ipv4(network: str, number: int) -> str:
    """The IPv4 address of the node with this number."""
    return f"10.77.{(NETWORKS | FAR)[network]}.{number}"


def ipv6(network: str, number: int) -> str:
    """The IPv6 address of the node with this number (decimal digits, so that both addresses look alike)."""
    return f"fd77:0:0:{NETWORKS[network]}::{number}"


# Debian suites: a tree of each is made once. The packages beside Python and sshd are relays that clash with what the machine has.
TREES = {
    "bullseye": "",
    "bookworm": "",
    "trixie": "opensmtpd,systemd",
    "forky": "",
}

# What a managed host may be: name of the Python to find -> the tree it lies in. A `pyenv` Python is the machine's own, lent to the tree.
TARGETS = {
    "3.8": "pyenv",
    "3.9": "bullseye",
    "3.10": "pyenv",
    "3.11": "bookworm",
    "3.12": "pyenv",
    "3.13": "trixie",
    "3.14": "forky",
}


@dataclass(frozen=True)
class Host:
    """A managed host."""

    name: str
    network: str
    number: int
    python: str
    # Its first process is the tree's own systemd, instead of its sshd.
    systemd: bool = False

    @property
    def tree(self) -> str:
        """The tree that the host boots from."""
        return "bookworm" if TARGETS[self.python] == "pyenv" else TARGETS[self.python]

    @property
    def address(self) -> str:
        """Where ssh reaches it."""
        return ipv4(self.network, self.number)


def _hosts() -> list[Host]:
    """Ten hosts a network, so that each Python is met at least once in each."""
    pythons = list(TARGETS)
    return [Host(f"{network}{i:02}", network, 10 + i, pythons[(i - 1) % len(pythons)]) for network in ("red", "blue") for i in range(1, 11)]


HOSTS = _hosts()
# Where the role mailpit is tested. It is not one of the fleet.
MAILPIT = Host("mailpit", "red", 31, "3.13", systemd=True)
MANAGED = [*HOSTS, MAILPIT]
# The names of docs/examples/staging.
NAMES = {"mailpit.staging.example.com": [f"A {MAILPIT.address}"], "pangolin.staging.example.com": [f"A {HOSTS[3].address}"]}
# The other namespaces: name -> (network, number).
NODES = {"ctl": ("core", 2), "dns": ("core", 53), "relays": ("relays", 2)}


def version_manager() -> Path:
    """The folder of the machine's own interpreters."""
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"

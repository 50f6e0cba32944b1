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
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "BUILD",
    "CGROUP",
    "DOMAIN",
    "HOSTS",
    "MAILPIT",
    "MANAGED",
    "NAMES",
    "NETWORKS",
    "NODES",
    "RUN",
    "STATE",
    "TARGETS",
    "TREES",
    "Host",
    "ipv4",
    "ipv6",
    "lent_pythons",
    "prefix4",
]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "lab"
# Several labs may be up at once, each under a name of its own; they share the trees and nothing else.
STATE = BUILD / os.environ.get("LAB_NAME", "default")
# A tmpfs that only processes of the lab see: keys, sockets, logs. It goes away with the lab.
RUN = Path("/run/mailops-lab")
# Of the hosts with a systemd. The only thing of the lab that does not go away with it by itself.
CGROUP = f"mailops-lab-{STATE.name}"

DOMAIN = "lab.test"
NETWORKS = {"core": 0, "relays": 4, "red": 11, "blue": 12}
# The relays' second network, behind a long wire. IPv4 only.
FAR = {"far": 16}
ROUTER = 1


def ipv4(network: str, number: int) -> str:
    """The IPv4 address of the node with this number."""
    return f"10.77.{(NETWORKS | FAR)[network] + number // 256}.{number % 256}"


def prefix4(network: str) -> int:
    """How many bits of an IPv4 address name the network: there are more relays than the usual 24 leave room for."""
    return 22 if network in ("relays", "far") else 24


def ipv6(network: str, number: int) -> str:
    """The IPv6 address of the node with this number (decimal digits, so that both addresses look alike)."""
    return f"fd77:0:0:{NETWORKS[network]}::{number}"


# Debian suites: a tree of each is made once. The packages beside Python and sshd are relays that clash with what the machine has,
# and what pip needs of a Python 3.9. Podman is for the role mailpit, and a shell for the image that the tests make.
TREES = {
    "trixie": "opensmtpd,systemd,podman,runc,podman-compose,busybox-static",
    "bullseye": "python3-distutils",
    "bookworm": "",
    "forky": "",
}

# What a managed host may be: version of its Python -> the tree that has it. A `lent` one is the machine's own, shown to a tree that has another:
# no Debian tree has these. Where the machine has none either, no host has it.
TARGETS = {
    "3.8": "lent",
    "3.9": "bullseye",
    "3.10": "lent",
    "3.11": "bookworm",
    "3.12": "lent",
    "3.13": "trixie",
    "3.14": "forky",
}


@cache
def lent_pythons() -> dict[str, Path]:
    """The machine's own Pythons of the versions that no tree has, and that can be shown to one: those in a folder of their own, not in /usr."""
    # Looked for once: what the lab starts inherits the answer.
    found = os.environ.get("LAB_PYTHONS")
    if found is None:
        found = subprocess.run(
            [ROOT / "tools" / "find-python", "all", "3.8", "3.14"], capture_output=True, text=True, check=False
        ).stdout
        os.environ["LAB_PYTHONS"] = found
    pythons = {version: Path(path) for version, _space, path in (line.partition(" ") for line in found.splitlines())}
    return {
        version: path
        for version, path in pythons.items()
        if TARGETS[version] == "lent" and path.parents[1] != Path("/usr")
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
        return "bookworm" if TARGETS[self.python] == "lent" else TARGETS[self.python]

    @property
    def address(self) -> str:
        """Where ssh reaches it."""
        return ipv4(self.network, self.number)


def _hosts() -> list[Host]:
    """Ten hosts a network, so that each Python is met at least once in each."""
    pythons = [version for version, suite in TARGETS.items() if suite != "lent" or version in lent_pythons()]
    return [
        Host(f"{network}{i:02}", network, 10 + i, pythons[(i - 1) % len(pythons)])
        for network in ("red", "blue")
        for i in range(1, 11)
    ]


HOSTS = _hosts()
# Where the role mailpit is tested. It is not one of the fleet.
MAILPIT = Host("mailpit", "red", 31, "3.13", systemd=True)
MANAGED = [*HOSTS, MAILPIT]
# The names of docs/examples/staging.
NAMES = {
    "mailpit.staging.example.com": [f"A {MAILPIT.address}"],
    "pangolin.staging.example.com": [f"A {HOSTS[3].address}"],
}
# The other namespaces: name -> (network, number).
NODES = {"ctl": ("core", 2), "dns": ("core", 53), "relays": ("relays", 2)}

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All relays of the lab in one process, started in the relays' namespace: each row of the table has an address of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from support.faulty import Behaviour, FaultyServer
from support.pki import Authority, Issued, Pki
from support.postfix import Listener, Postfix

from .network import add_addresses, require_lab
from .plan import DOMAIN, NETWORKS, RUN, ipv4, ipv6, prefix4

__all__ = ["CREDENTIALS", "FIRST", "Farm", "Place", "addresses", "far_address"]

# Number of the first relay's address in its network.
FIRST = 10
CREDENTIALS = {"app": "lab-Secret/42"}

# Postfix instances; the listeners of all rows share them. Keys of main.cf are Postfix's own.
POSTFIXES: dict[str, dict[str, Any]] = {
    "": {},
    "strict": {"require_auth": True},
    "picky": {
        "size_limit": 2000,
        "reject_senders": {
            "forged@example.com": "553 5.7.1 Sender address rejected: not owned by user app",
            "slow@example.com": "451 4.7.1 Rate limited",
        },
        "reject_recipients": {
            "nobody@example.com": "550 5.1.1 User unknown",
            "grey@example.com": "450 4.2.0 Greylisted, see you later",
        },
    },
    "cram": {"mechanisms": "CRAM-MD5"},
    "scram": {"mechanisms": "SCRAM-SHA-256"},
    "login": {"mechanisms": "LOGIN"},
    "screen": {},
}

Server = TypeVar("Server", bound=AbstractContextManager[Any])


def addresses(names: list[str]) -> dict[str, tuple[str, str]]:
    """The addresses of the relays with these names, in this order."""
    return {name: (ipv4("relays", FIRST + i), ipv6("relays", FIRST + i)) for i, name in enumerate(names)}


def far_address(ip: str) -> str:
    """The relay's address behind the long wire."""
    high, low = ip.split(".")[2:]
    return ipv4("far", (int(high) - NETWORKS["relays"]) * 256 + int(low))


class Place:
    """What a row's `serve` is given: a name, two addresses, a PKI, and ways to start servers there."""

    def __init__(self, farm: Farm, name: str, ip: str, ip6: str) -> None:
        self.farm = farm
        self.name = f"{name}.{DOMAIN}"
        self.ip = ip
        self.ip6 = ip6
        self.far = far_address(ip)

    @property
    def pki(self) -> Pki:
        """The PKI whose root every host finds in its ca_path."""
        return self.farm.pki

    @property
    def public(self) -> Authority:
        """A root that every host has in its own trust store."""
        return self.farm.public

    def trust(self, pem: bytes) -> None:
        """Put one more certificate into every host's ca_path."""
        self.farm.more_trust.append(pem)

    def issue(self, name: str | None = None, **options: Any) -> Issued:
        """A certificate, by default for this relay's name; options as in Pki.issue."""
        return self.pki.issue(name or self.name, **options)

    def listen(self, behaviour: Behaviour, *ports: int, at: str = "ip") -> None:
        """Serve these ports with a scripted server at `ip`, `ip6` or `far`."""
        for port in ports:
            server = self.farm.start(FaultyServer(behaviour, getattr(self, at), port))
            self.farm.scripted.setdefault(self.name.partition(".")[0], []).append(server)

    def postfix(self, tls: str, port: int, instance: str = "", at: str = "ip", **options: Any) -> None:
        """One port of a real Postfix at `ip`, `ip6` or `far`; options as in Listener."""
        if tls != "cleartext":
            options.setdefault("certificate", self.issue(key_type="rsa") if options.pop("rsa", False) else self.issue())
        self.farm.listeners.setdefault(instance, []).append(Listener(tls, getattr(self, at), port, **options))

    def start(self, server: Server) -> Server:
        """Keep any other server of tests.support running."""
        return self.farm.start(server)


class Farm:
    """Every relay."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.pki = Pki(RUN / "pki")
        self.public = self.pki.new_root("lab public root")
        # What ca_path of the hosts holds besides the PKI's root.
        self.more_trust: list[bytes] = []
        self.listeners: dict[str, list[Listener]] = {}
        self.scripted: dict[str, list[FaultyServer]] = {}

    def start(self, server: Server) -> Server:
        """Enter the server now, leave it when the lab's run ends."""
        self.stack.enter_context(server)
        return server

    def serve(self, relays: dict[str, Callable[[Place], object] | None]) -> None:
        """Start every relay at its address."""
        for name, (ip, ip6) in addresses(list(relays)).items():
            start = relays[name]
            if start is not None:
                try:
                    start(Place(self, name, ip, ip6))
                except Exception as error:
                    error.add_note(f"while the relay {name} was started at {ip}")
                    raise
        for instance, listeners in self.listeners.items():
            self.start(
                Postfix(
                    listeners, users=CREDENTIALS, certificate=self.pki.issue(f"postfix.{DOMAIN}"), **POSTFIXES[instance]
                )
            )

    def heard(self) -> dict[str, list[list[tuple[bool, str]]]]:
        """What the scripted relays were told: name -> one list per port, of (over TLS, command)."""
        return {name: [server.commands for server in servers] for name, servers in self.scripted.items()}


def main() -> None:
    """Start the relays of the whole table, say "ready", and serve until standard input ends. Each line that comes is answered with what they have heard."""
    require_lab()
    from .scenario import rows

    relays = {row.relay: row.serve for row in rows() if not row.at}
    numbers = range(FIRST, FIRST + len(relays))
    add_addresses(
        "relays",
        "eth0",
        [
            address
            for n in numbers
            for address in (f"{ipv4('relays', n)}/{prefix4('relays')}", f"{ipv6('relays', n)}/64 nodad")
        ],
    )
    add_addresses("relays", "far", [f"{ipv4('far', n)}/{prefix4('far')}" for n in numbers])
    with ExitStack() as stack:
        farm = Farm(stack)
        farm.serve(relays)
        trusted = farm.pki.ca_file.read_bytes() + b"".join(farm.more_trust)
        (RUN / "farm.json").write_text(json.dumps({"ca": trusted.decode(), "system_ca": farm.public.pem.decode()}))
        print("ready", flush=True)
        for _line in sys.stdin:
            print(json.dumps(farm.heard()), flush=True)


if __name__ == "__main__":
    main()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
No more connections to one relay at once from this controller than asked, whatever the number of forks and of runs.

A connection is a locked byte of one file in the user's own Ansible folder. A process that dies gives its bytes back,
so nothing has to be cleaned up. A relay has LIMIT bytes at most, at a place that follows from its name, and another LIMIT
for each of its addresses that is known (see relays.py): so two names of one relay take from the same.

The default is what Postfix lets one client have at once (smtpd_client_connection_count_limit: half of
default_process_limit, which is 100), as the hosts of a controller may all come from one address.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.relays import addresses_of, as_address
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, to_number

__all__ = ("DEFAULT", "LIMIT", "POLITE_OPTIONS", "Manners", "at_once", "parse_manners")

POLITE_OPTIONS = ("connections_at_once", "spread")
DEFAULT = 50
LIMIT = 1000
# Seconds after which a call goes on without its turn: that a host hangs must not hold up all others for ever.
PATIENCE = 600.0
_PAUSE = 0.02
_LONGEST_PAUSE = 0.2
_LONGEST_SPREAD = 86400


class Manners:
    """The options: how many connections at once to one relay (0: any number), and the seconds to spread hosts over."""

    def __init__(self, connections: int = DEFAULT, spread: float = 0.0) -> None:
        self.connections = connections
        self.spread = spread

    def delay(self, host: str) -> float:
        """Seconds that this host waits: the same in every run, and evenly spread over the hosts."""
        part = int.from_bytes(hashlib.sha256(host.encode("utf-8", "replace")).digest()[:8], "big") / 2**64
        return part * self.spread


def parse_manners(args: Mapping[str, object]) -> Manners:
    """The options of these names; null and empty count as left out. Raises SettingsError."""
    given = {name: args[name] for name in POLITE_OPTIONS if args.get(name) not in (None, "")}
    return Manners(
        int(to_number(given.get("connections_at_once", DEFAULT), "connections_at_once", 0, LIMIT)),
        to_number(given.get("spread", 0), "spread", 0, _LONGEST_SPREAD, " seconds"),
    )


@contextlib.contextmanager
def at_once(endpoints: Sequence[Settings], connections: int, folder: str, patience: float = PATIENCE) -> Iterator[None]:
    """Wait until these endpoints may be asked; they have their turn as long as the block runs.

    ``folder`` holds the file; where it cannot be had, nothing is limited.
    """
    file = _open(folder) if connections else None
    if file is None:
        yield
        return
    try:
        until = time.monotonic() + patience
        # A file system without locks (NFS without its lock service) limits nothing; waiting for it would not help.
        with contextlib.suppress(OSError):
            # Names before addresses, and each always in the same order, so that two calls never wait for each other. What the
            # addresses are may have become known while this call waited for the name.
            names = Counter(one.host.lower() for one in endpoints if as_address(one.host) is None)
            _take_all(file, names, connections, until)
            _take_all(file, _addresses(endpoints, folder), connections, until)
        yield
    finally:
        # Which gives back all of its locks.
        os.close(file)


def _addresses(endpoints: Sequence[Settings], folder: str) -> Counter[str]:
    """How many connections go to each address: a relay is climbed on all of its addresses at once."""
    found: Counter[str] = Counter()
    for one in endpoints:
        address = as_address(one.host)
        found.update([address] if address else addresses_of(folder, one.host))
    return found


def _take_all(file: int, wanted: Mapping[str, int], connections: int, until: float) -> None:
    for relay in sorted(wanted):
        _take(file, relay, min(wanted[relay], connections), connections, until)


def _open(folder: str) -> int | None:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.open(os.path.join(folder, "connections"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _take(file: int, relay: str, wanted: int, connections: int, until: float) -> None:
    start = int.from_bytes(hashlib.sha256(relay.encode("utf-8", "replace")).digest()[:4], "big") * 2 * LIMIT
    # Who takes several takes them without others in between, or two could hold a half each and wait for ever.
    door = start + LIMIT
    if not _wait(file, door, until):
        return
    held: set[int] = set()
    first = os.getpid() % connections
    while len(held) < wanted and time.monotonic() < until:
        for number in range(connections):
            place = (first + number) % connections
            if len(held) < wanted and place not in held and _lock(file, start + place):
                held.add(place)
        if len(held) < wanted:
            time.sleep(_PAUSE)
    fcntl.lockf(file, fcntl.LOCK_UN, 1, door)


def _wait(file: int, place: int, until: float) -> bool:
    pause = _PAUSE
    while not _lock(file, place):
        if time.monotonic() >= until:
            return False
        # One of all that wait here looks for room often enough; the others must not keep the controller busy.
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return True


def _lock(file: int, place: int) -> bool:
    """Whether it is ours now; somebody else has it otherwise. Raises OSError where there are no locks."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True

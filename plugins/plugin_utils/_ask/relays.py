# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Which addresses a relay's name has, as the hosts of this user have seen them: so that two names of one relay count as one.

Only a host can say where a name leads from there, and the controller asks no resolver. So the addresses come out of the
answers, and are kept for the next hosts and runs, a file for each name. The first hosts of the first run know nothing yet.
A file that nobody has written for a day is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import os
import tempfile
import time
from collections.abc import Iterable

__all__ = ("addresses_of", "as_address", "learn")

# Seconds after which an address is forgotten where no host has seen it again, and after which it is noted once more.
_FORGOTTEN = 86400
_NOTED_AGAIN = 3600
# How often files are looked through for those that are forgotten.
_SWEPT_AGAIN = 3600
_MOST = 32
_LARGEST = 10000


def as_address(text: str) -> str | None:
    """The address in one spelling, without its zone; null where the text is none."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def addresses_of(folder: str, name: str) -> list[str]:
    """The addresses of a relay's name that hosts have seen lately; those of a host itself (loopback) are not among them."""
    return sorted(_read(_file(folder, name), time.time()))


def learn(folder: str, name: str, addresses: Iterable[str]) -> None:
    """Note what a host has seen. What cannot be noted is left out."""
    now = time.time()
    path = _file(folder, name)
    found = {one for one in map(as_address, addresses) if one and not ipaddress.ip_address(one).is_loopback}
    known = _read(path, now)
    if all(now - known.get(one, 0.0) < _NOTED_AGAIN for one in found):
        return
    known.update(dict.fromkeys(found, now))
    kept = sorted(known.items(), key=lambda one: -one[1])[:_MOST]
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(dict(kept), file)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
        _sweep(os.path.dirname(path), now)


def _sweep(folder: str, now: float) -> None:
    """Remove what is forgotten, and what a killed process has left half written; others may do the same just now."""
    mark = f"{folder}-swept"
    with contextlib.suppress(FileNotFoundError):
        if 0 <= now - os.stat(mark).st_mtime < _SWEPT_AGAIN:
            return
    with open(mark, "w", encoding="utf-8"):
        os.utime(mark, (now, now))
    with os.scandir(folder) as found:
        for one in found:
            with contextlib.suppress(FileNotFoundError):
                if now - one.stat(follow_symlinks=False).st_mtime >= _FORGOTTEN:
                    os.unlink(one.path)


def _file(folder: str, name: str) -> str:
    return os.path.join(folder, "relays", hashlib.sha256(name.lower().encode("utf-8", "replace")).hexdigest()[:32])


def _read(path: str, now: float) -> dict[str, float]:
    """Addresses and when each was seen last; nothing where the file is not there, or is not one of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        address: float(seen)
        for address, seen in found.items()
        if as_address(address) == address and isinstance(seen, (int, float)) and 0 <= now - seen < _FORGOTTEN
    }

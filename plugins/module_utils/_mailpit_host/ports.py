# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Who listens on this host: whether an address and port are free, and which process has them. Names the process on Linux
only.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.units import container_of, said_by, unit_of
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

__all__ = ("Holder", "holders", "refuse_occupied", "socket_unit")

_LISTENING = "0A"
# A connection that waits for its end has no process any more.
_WAITING = "06"


class Holder(t.NamedTuple):
    """A process that listens: its number, name, unit and container; all of them empty when only root could tell."""

    pid: str
    name: str
    unit: str
    container: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "a process that this user cannot see"
        place = self.unit or ("container " + self.container if self.container else "")
        return "{0} (process {1}{2})".format(self.name, self.pid, " of " + place if place else "")


def refuse_occupied(option: str, address: str, port: int, owns: t.Callable[[Holder], bool]) -> None:
    """
    Raise Refusal when Mailpit could not listen there, naming who does; whom it ``owns`` may.

    The question is put to the system, by taking the port and giving it back at once. ``option`` is smtp, ui or pop3, or the
    variable of ``mailpit_environment`` that says so.
    """
    named = "mailpit_{0}_{{0}}" if option.islower() else "the {{0}} of {0} in mailpit_environment"
    named = named.format(option)
    trouble = _trouble(address, port)
    if trouble is None:
        return
    if trouble == errno.EADDRNOTAVAIL:
        raise Refusal(
            "{0} is {1}, which is no address of this host: write one that it has, or leave it empty for all".format(
                named.format("address"), address
            )
        )
    found = holders(port)
    if trouble != errno.EADDRINUSE:
        return
    if any(owns(holder) for holder in found):
        # That it runs here says nothing about an address where it is to listen from now on.
        found = [holder for holder in holders(port, address.strip("[]")) if not owns(holder)]
        if not found:
            return
    # A port out of the range from which connections get theirs may be that of somebody who listens nowhere.
    connected = [] if found else _holders(lambda path: _connected(path, port), port)
    who = " and ".join(sorted({str(holder) for holder in found or connected})) or "somebody"
    raise Refusal(
        "{0} is {1}, which {2} of this host has already{3}: stop that, or write another port".format(
            named.format("port"), port, who, " for a connection" if connected else ""
        )
    )


def _trouble(address: str, port: int) -> t.Optional[int]:
    """Why this cannot be listened on, as an errno; None when it can, or when that cannot be told."""
    bare = "::" if _everywhere(address) else address.strip("[]")
    return _bind_trouble(bare, port)


def _everywhere(address: str) -> bool:
    """Whether all addresses are meant: Go takes 0.0.0.0 for those of IPv6, too."""
    return address.strip("[]") in ("", "::", "0.0.0.0")


def _bind_trouble(bare: str, port: int) -> t.Optional[int]:
    try:
        places = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return errno.EADDRNOTAVAIL
    family, kind, protocol, _name, place = places[0]
    try:
        with socket.socket(family, kind, protocol) as tried:
            # As Go sets it: what was closed a moment ago is no hindrance.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6 and bare == "::":
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            tried.bind(place)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT and bare == "::":
            return _bind_trouble("0.0.0.0", port)
        return error.errno
    return None


def holders(port: int, beside: t.Optional[str] = None) -> t.List[Holder]:
    """
    Everybody who listens on a port of this host, on whatever address; with ``beside`` only those whose address leaves no
    room for somebody else at that one (empty: all addresses).
    """

    def listening(path: str) -> t.Iterator[str]:
        for place, state, inode in _table(path, port):
            if state == _LISTENING and (beside is None or _excludes(place, beside)):
                yield inode

    return _holders(listening, port)


def _connected(path: str, port: int) -> t.Iterator[str]:
    """The inodes of the sockets of one of the kernel's tables that have a port and do not listen there."""
    return (inode for _place, state, inode in _table(path, port) if state not in (_LISTENING, _WAITING))


def _holders(inodes_of: t.Callable[[str], t.Iterator[str]], port: int) -> t.List[Holder]:
    """Whose sockets these are, of both of the kernel's tables."""
    inodes = {inode for name in ("tcp", "tcp6") for inode in inodes_of("/proc/net/" + name)}
    if not inodes:
        return []
    found = [
        Holder(pid, _name(pid), unit_of(pid) or (socket_unit(port) if pid == "1" else ""), container_of(pid))
        for pid in sorted(filter(str.isdigit, os.listdir("/proc")), key=int)
        if inodes & _sockets(pid)
    ]
    return found or [Holder("", "", "")]


def socket_unit(port: int) -> str:
    """The unit for which systemd itself listens on a port, empty when that cannot be told."""
    for block in said_by(["systemctl", "show", "*.socket", "--property=Id,Listen"]).split("\n\n"):
        if re.search(r"^Listen=\S*[\]:.]{0} \(Stream\)$".format(port), block, re.MULTILINE):
            return re.findall(r"^Id=(.*)$", block, re.MULTILINE)[0]
    return ""


def _table(path: str, port: int) -> t.Iterator[t.Tuple[str, str, str]]:
    """The address (as the kernel writes it, in hexadecimal), the state and the inode of the sockets that have a port."""
    try:
        with open(path, encoding="ascii") as table:
            rows = [line.split() for line in table.read().splitlines()[1:]]
    except OSError:
        return
    for row in rows:
        place, _colon, number = row[1].rpartition(":")
        if int(number, 16) == port:
            yield place, row[3], row[9]


def _excludes(place: str, address: str) -> bool:
    """Whether who listens at ``place`` leaves no room at ``address``. Who takes IPv6 alone leaves room for IPv4."""
    try:
        wanted = socket.getaddrinfo(address or "::", None, type=socket.SOCK_STREAM)[0]
    except OSError:
        return False
    everywhere = _everywhere(address)
    family = socket.AF_INET6 if len(place) == 32 else socket.AF_INET
    packed = b"".join(
        int(place[at : at + 8], 16).to_bytes(4, sys.byteorder)  # four octets at a time, in the host's own order
        for at in range(0, len(place), 8)
    )
    if everywhere or family != wanted[0]:
        return everywhere
    mine = socket.inet_pton(family, str(wanted[4][0]).partition("%")[0])
    return packed == mine or not any(packed) or not any(mine)


def _sockets(pid: str) -> t.Set[str]:
    """The inodes of a process's sockets."""
    folder = "/proc/{0}/fd".format(pid)
    found = set()
    try:
        for number in os.listdir(folder):
            target = os.readlink(os.path.join(folder, number))
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass  # it has ended, or is another user's
    return found


def _name(pid: str) -> str:
    try:
        with open("/proc/{0}/comm".format(pid), encoding="utf-8", errors="backslashreplace") as file:
            return "".join(char if char.isprintable() else "?" for char in file.read().strip())
    except OSError:
        return "a process"

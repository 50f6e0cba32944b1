# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP connections, begun without waiting for them, and what the kernel knows of one that failed."""

from __future__ import annotations

import os
import select
import socket
import time
import typing as t

from .clock import Deadline
from .failure import Failure, socket_failure

__all__ = ("Connecting", "connect", "is_shortage")

# Linux: IP_RECVERR and IPV6_RECVERR keep the ICMP message behind a failed connect; sock_extended_err in
# linux/errqueue.h.
_RECEIVE_ERRORS = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_ERROR_QUEUE = getattr(socket, "MSG_ERRQUEUE", None)
_ORIGIN_ICMP = {2: 4, 3: 6}
_SHORTAGES = ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM")


class Connecting:
    """A connect that is under way. Raises Failure (os, bind, reset) where it fails at once."""

    def __init__(self, sockaddr: tuple[t.Any, ...], family: int, source: str | None = None) -> None:
        self.started = time.monotonic()
        try:
            self._sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # no IPv6 on this host, say
            raise socket_failure(error) from None
        try:
            self._begin(sockaddr, source)
        except Failure:
            self._sock.close()
            raise

    def _begin(self, sockaddr: tuple[t.Any, ...], source: str | None) -> None:
        if source is not None:
            try:
                self._sock.bind((source, 0))
            except OSError as error:
                failure = socket_failure(error)
                raise Failure("bind", errno=failure.facts.get("errno", "unknown")) from None
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.setblocking(False)
            self._keep_icmp(True)
            self._sock.connect(sockaddr)
        except BlockingIOError:
            pass
        except OSError as error:
            raise self._failure(error) from None

    def fileno(self) -> int:
        """The socket's descriptor: it is writable when the connect has ended."""
        return self._sock.fileno()

    def finish(self) -> socket.socket:
        """The connected socket, once it is writable. Raises Failure."""
        code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            failure = self._failure(OSError(code, os.strerror(code)))
            self._sock.close()
            raise failure
        try:
            self._keep_icmp(False)
        except OSError as error:
            self._sock.close()
            raise socket_failure(error) from None
        return self._sock

    def wait(self, deadline: Deadline) -> socket.socket:
        """The connected socket. Raises Failure (timeout as well)."""
        poller = select.poll()
        poller.register(self._sock, select.POLLOUT)
        if not poller.poll(max(deadline.remaining(), 0.001) * 1000):
            self.close()
            raise Failure("timeout")
        return self.finish()

    def close(self) -> None:
        """Give up."""
        self._sock.close()

    def _keep_icmp(self, keep: bool) -> None:
        if _ERROR_QUEUE is not None:
            self._sock.setsockopt(*_RECEIVE_ERRORS[self._sock.family], int(keep))

    def _failure(self, error: OSError) -> Failure:
        failure = socket_failure(error)
        failure.facts.update(self._icmp())
        return failure

    def _icmp(self) -> dict[str, t.Any]:
        """The ICMP message that refused the connection, where the kernel has kept it.

        IP version, type, code, and who sent it.
        """
        if _ERROR_QUEUE is None:
            return {}
        try:
            ancillary = self._sock.recvmsg(0, 512, _ERROR_QUEUE)[1]
        except OSError:
            return {}
        for _level, _type, data in ancillary:
            version = _ORIGIN_ICMP.get(data[4]) if len(data) >= 16 else None
            if version is not None:
                size, family = (4, socket.AF_INET) if version == 4 else (16, socket.AF_INET6)
                start = 20 if version == 4 else 24
                sender = data[start : start + size]
                return {
                    "icmp": [version, data[5], data[6]],
                    "icmp_from": socket.inet_ntop(family, sender) if len(sender) == size else None,
                }
        return {}


def connect(sockaddr: tuple[t.Any, ...], family: int, deadline: Deadline, source: str | None = None) -> socket.socket:
    """A connected socket. Raises Failure."""
    return Connecting(sockaddr, family, source).wait(deadline)


def is_shortage(failure: Failure) -> bool:
    """Whether no socket was to be had: the process or the system has too many open."""
    return failure.facts.get("errno") in _SHORTAGES

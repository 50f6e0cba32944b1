# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer tcp: the connection does not come about, or is cut by the network."""

from __future__ import annotations

from ..rule import Rule, curl, errno, mbedtls, rules, while_connecting, winsock

__all__ = ("RULES",)

_TIMED_OUT = errno("etimedout", (110, 60, 10060, 4039), "ns_error_net_timeout")
_REFUSED = errno(
    "econnrefused",
    (111, 61, 10061, 4078),
    "connection refused",
    "actively refused it",
    "connectionrefusederror",
    "connection was refused",
)
_UNREACHABLE_NETWORK = errno(
    "enetunreach", (101, 51, 10051, 4062), "network is unreachable", "network unreachable", "unreachable network"
)
_NO_ADDRESS = errno(
    "eaddrnotavail",
    (99, 49, 0, 4090),
    "cannot assign requested address",
    "can't assign requested address",
    "address not available",  # musl
)
# Windows says this of the address that is to be reached.
_NO_TARGET = (*winsock(10049), "#10049", "wsaeaddrnotavail", "requested address is not valid in its context")
_NO_FAMILY = errno("eafnosupport", (97, 47, 10047, 4089), "address family not supported")
_UNREACHABLE_HOST = errno(
    "ehostunreach",
    (113, 65, 10065, 4073),
    "no route to host",
    "host is unreachable",
    "host unreachable",
    "unreachable host",
    "noroutetohostexception",
)
_HOST_DOWN = errno("ehostdown", (112, 64, 10064, 4031), "host is down")
_RESET = errno(
    "econnreset",
    (104, 54, 10054, 4077),
    "connection reset",
    "forcibly closed by the remote host",
    "connectionreseterror",
)

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules(
        "connection_timeout",
        "certain",
        while_connecting("etimedout", "connection timed out", "operation timed out", "winsock error code: 10060"),
        texts="""
        # Between "connect" and the clock there is only the network.
        errno (110] connection|60] operation) timed out
        a connection attempt failed because the connected party did not properly respond
        # PHP, C and C++
        (connecting to|failed to connect to) .. timed out
        curl: (28) failed to connect to
        sockettimeoutexception: failed to connect to
        curl error 28: failed to connect to
        failed to connect to .. timeout was reached
        inet: connect: timeout
        socketexception (110): connection timed out .. (socketutils.connect|awaitablesocketasynceventargs)
        # Java
        connect timed out
        (connectiontimedout|connecttimeout)exception
        # Ruby: its OpenTimeout is TCP's alone, unless TLS stands beside it
        # Go
        dial tcp .. i/o timeout
        # Erlang
        (:|{error,)etimedout
        # Python
        timed out .. could not connect to
        # Mail servers
        deferred: (connection|operation) timed out with
        # Twisted
        user timeout caused connection failure
        # ESP-IDF
        failed to open new connection in specified timeout
    """,
    ),
    *rules(
        "connection_timeout", "likely", also=("tls_handshake_timeout",),
        note="Nodemailer's timer covers the TCP connection and, with secure: true, the TLS handshake.", texts="""
        (error: connection timeout|connection timeout .. conn)
    """),
    *rules("connection_timeout", "likely", _TIMED_OUT, also=("mode_mismatch", "greeting_timeout"), texts="""
        connection (timed out|timeout)
        (timeouterror|socket.timeout): timed out
        connect(2) for .. timed out
        a connection attempt timed out
        connect timeout
        connection to .. timed out
        timeout while connecting
    """),
    *rules(
        "connection_timeout", "likely", also=("tls_handshake_timeout", "mode_mismatch", "greeting_timeout"),
        texts="""
        net::opentimeout
        execution expired .. smtp
        (timed out|timeout) (connecting|while connecting)
        0x800ccc19
    """),
    *rules(
        "connection_timeout", "possible", curl((28, "timeout was reached")),
        also=("mode_mismatch", "greeting_timeout", "tls_handshake_timeout"), texts="""
        timed out
        timeout reached
        (execution expired|time out error)
        i/o timeout
        (wasn't|was not) able to establish an smtp connection
        (deadline exceeded|deadline has elapsed)
        timeout(exception|error)
        timedout while connecting
        smtp timeout after
        (socketexception] smtp timeout|socketexception: smtp timeout)
        {(:error, :|error,)timeout}
    """),
    # n8n puts a sentence of its own in place of Node's errors.
    *rules("connection_refused", "certain", _REFUSED, texts="""
        the service refused the connection
        smtp: falha ao conectar ao servidor .. (111)
    """),
    # Home Assistant
    *rules("connection_refused", "likely", also=("name_not_found",), texts="server not found or refused connection"),
    # curl says one thing for every way in which no connection comes about; only its code tells a timeout from the rest.
    *rules(
        "connection_refused", "likely", curl((7, "")), also=("no_route", "connection_blocked", "connection_reset"),
        note="curl prints the same for a host that is unreachable and for a connection that is reset at once.",
    ),
    *rules(
        "connection_refused",
        "possible",
        also=("connection_timeout", "no_route", "connection_blocked", "connection_reset"),
        note="The client prints the same for every connection that does not come about.",
        texts="""
        failed to connect to .. (couldn't|could not) connect to server
        0x800(ccc0e|42109|40213)
        # Windows' CDO, Apple's MailCore
        (-2147220973|the transport failed to connect to the server)
        a stable connection to the server could not be established
        refused to allow a connection
    """,
    ),
    *rules("no_route", "certain", _UNREACHABLE_NETWORK, _NO_FAMILY, texts="""
        (network is down|enetdown|wsaenetdown|winerror 10050|socket error # 10050)
        protocol not available .. connect
    """),
    *rules("no_route", "likely", _NO_ADDRESS, also=("connection_refused",), texts="""
        # Nodemailer
        (cannot|can not) use ipv(4|6) addresses with
    """),
    *rules(
        "invalid_settings", "likely", _NO_TARGET, also=("no_route",),
        note="Windows says so where no host is set, or 0.0.0.0.",
    ),
    *rules(
        "connection_refused", "likely", also=("no_route",),
        note="In a container localhost is the container itself, where no relay listens; the last address that was tried was IPv6's, which it lacks.",
        texts="""
        (localhost|[::1]:) .. (cannot assign requested address|address not available)
    """),
    *rules("no_route", "certain", _UNREACHABLE_HOST, _HOST_DOWN, variant="or_blocked", also=("connection_blocked",)),
    *rules(
        "connection_blocked",
        "certain",
        while_connecting("eacces", "eperm", "permission denied", "operation not permitted"),
        texts="""
        errno 13] permission denied .. connect
        connect .. permission denied (os error 13)
        connection administratively prohibited
        winerror 10013
        (10013)
        (socket error # |socket error |socket error code |socketerror |wsa error )10013
        wsaeacces
        an attempt was made to access a socket in a way forbidden by its access permissions
        ora-24247
        {:error, :(eacces|eperm)}
    """,
    ),
    # Exim, behind host and address
    *rules("connection_blocked", "likely", also=("no_route",), texts="h= .. ] (permission denied|operation not permitted)"),
    *rules(
        "connection_reset", "likely", _RESET, mbedtls((0x50, "net - connection was reset by peer")), also=("connection_closed", "tls_handshake_failed"),
        texts="""
        (56) recv failure: connection reset by peer
        response reading failed (errno: 104)
        ns_error_net_reset
        connection unexpectedly closed: [errno (104|54)] connection reset
    """),
)

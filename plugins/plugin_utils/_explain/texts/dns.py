# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

RULES: tuple[Rule, ...] = (
    *rules(
        "name_not_found",
        "certain",
        "enotfound",
        "getaddrinfo enotfound",
        "name or service not known",
        "nodename nor servname provided, or not known",
        "no such host is known",
        "no such host",  # Go
        "could not resolve host",
        "unknown mx host",
        "unknown mail server",
        "java.net.unknownhostexception",
        "unknownhostexception",
        "com.sun.mail.util.mailconnectexception .. unknownhostexception",
        "getaddrinfo: name or service not known",
        "php_network_getaddresses: getaddrinfo",
        "getaddrinfo for .. failed: name or service not known",
        "name service error for .. type=a: host not found",
        "host or domain name not found",
        "host not found, try again .. domain not found",
        "all relevant mx records point to non-existent hosts",
        "cannot locate host",
        "inet: bad hostname",
        "bad hostname",
        "the remote name could not be resolved",
        "nxdomain",
        "errno -2",
        "couldn't resolve host",
        "failed to lookup address information: name or service not known",
        "error: smtp_host .. unresolvable",
        "lookup host failed",
    ),
    *rules(
        "name_not_found",
        "certain",
        "no address associated with hostname",
        "no address associated with name",
        "enodata",
        "eai_nodata",
        "host found but no data record of requested type",
        "valid name, no data record of requested type",
        "queryenodata",
        "unrouteable mail domain",
        "has no address",
        variant="no_address",
    ),
    *rules(
        "name_server_failure",
        "certain",
        "temporary failure in name resolution",
        "eai_again",
        "name server .. servfail",
        "server misbehaving",
        "esrvfail",
        "server failure .. dns",
        "type=a: host not found, try again",
        "type=aaaa: host not found, try again",
        "type=mx: host not found, try again",
        "errno -3",
        "getaddrinfo .. try again",
        "non-recoverable failure in name resolution",
        "dns timeout",
        "etimeout .. query",
        "failed to lookup address information: temporary",
        "host lookup did not complete",
    ),
    *rules(
        "name_server_failure",
        "likely",
        "edns",
        "resolving timed out",
        "dns lookup .. i/o timeout",
        "lookup .. i/o timeout",
        "lookup .. connection refused",
        also=("name_not_found",),
    ),
)

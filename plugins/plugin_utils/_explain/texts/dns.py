# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer dns: the name has no address, or no name server gave an answer."""

from __future__ import annotations

from ..rule import Rule, cannot, curl, failing, mbedtls, resolver, rules

__all__ = ("RULES",)

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules("name_not_found", "certain", resolver("eai_noname", -3008, 11001), curl((6, "couldn't resolve host name")), texts="""
        # The resolver's own words: glibc, musl, BSD, Windows, Java, Go, Erlang
        enotfound
        name or service not known
        host or service not provided, or not known
        name does not resolve
        (|nodename |hostname )nor servname provided, or not known
        no such host
        # qmail
        couldn't find (any host|a mail exchanger)
        unknownhostexception
        # Rust's hickory, Swift's NIO
        no record(|s) found for (|query)
        socketaddresserror.unknown
        nxdomain
        (non-existent domain|non-existing domain)
        domain name not found
        errno -(2|5)]
        # Programs
        (could not|couldn't|cannot|can't|unable to|failed to) (resolve|look up|lookup) host
        cannot resolve hostname
        (unknown mx host|unknown smtp host|cannot locate host|lookup host failed)
        all relevant mx records point to non-existent hosts
        smtp_host .. unresolvable
        host not found
        0x800ccc0d
        ora-29257
        # n8n
        incorrect host (domain) value
    """),
    *rules(
        "name_not_found", "likely", failing("dns lookup", "dns resolution", "name resolution", "hostname resolution", "host lookup"),
        cannot("resolve mx", "resolve the mx", "resolve domain", "look up mx", "look up the mx", "find mx"),
        mbedtls((0x52, "net - failed to get an ip address for the given hostname")),
        also=("name_server_failure",), texts="""
        no mx records for the domain
        couldn't get hostname for
        (could not|couldn't|cannot|unable to|failed to) get ip (from|of|for) (host|hostname|server)
        dnslookuperror
        (could not|cannot) be resolved
        bad hostname
        unknown (mail server|remote host)
        lookup of host .. failed
        (ebadname|misformatted domain name)
        php_network_getaddresses: getaddrinfo
        sendmail: bad address '
        ssmtp .. unable to locate
        (no mx found|failed to resolve mx) for
        ns_error_unknown_host
        exited 68 (host unknown
    """),
    *rules("name_not_found", "certain", resolver("eai_nodata", -3007, 11004), variant="no_address", texts="""
        no (address associated with|known address for) (hostname|name)
        enodata
        eai_addrfamily
        (address family for hostname not supported|name has no usable address)
        wsano_data
        does not contain an answer to the question
        dns server returned answer with no data
        the requested name is valid, but no data
        (host found but no data record|valid name, no data record|no data) of requested type
        unrouteable mail domain
    """),
    *rules(
        "name_server_failure", "certain", resolver("eai_again", -3001, 11002), resolver("eai_fail", -3004, 11003),
        texts="""
        (|non-recoverable|temporary) failure in name resolution
        (esrvfail|servfail)
        server misbehaving
        name service error for .. (host not found, try again|malformed or unexpected name server reply)
        errno -3]
        getaddrinfo .. try again
        # Go asks a name server itself
        lookup .. on .. (read udp|read tcp|dial udp|:53: dial tcp) .. (i/o timeout|connection refused)
        dial tcp: lookup .. : i/o timeout
        lookup .. on .. (read udp|read tcp|dial udp|:53: dial tcp) .. (no route to host|network is unreachable|operation not permitted)
        # c-ares, as Node and Python have it
        query(a|aaaa|mx|srv|txt|cname|ns) (etimeout|econnrefused|esrvfail|eservfail|erefused|etimedout)
        could not contact dns server
        timeout while contacting dns server
        dns server returned general failure
        temporary failure in mx lookup
        (host name lookup failure|name could not be resolved at this time)
        (wsatry_again|wsano_recovery)
        dns server claims query was misformatted
        # dnspython, JNDI
        resolution lifetime expired
        dns server failure
        dns query refused
        # Windows
        this is usually a temporary error during hostname resolution
        # Rust's hickory
        (resolver|resolve) .. (request timed out|no connections available)
        dns error .. (timed out|timeout|servfail)
        dns timeout
        # Netty
        dnsnameresolvertimeoutexception
        query via (udp|tcp) timed out
        etimeout .. query
        failed to lookup address information: (temporary|try again)
        host lookup did not complete
        no nameservers available
        dns server returned an error
    """),
    # PHP writes the resolver's reason behind it
    *rules(
        "name_not_found", "likely", also=("name_server_failure",), echo="follow",
        texts="php_network_getaddresses: getaddrinfo"),
    # Go, where the reason behind it was cut off
    *rules("name_not_found", "possible", also=("name_server_failure",), texts="dial tcp: lookup"),
    *rules("name_server_failure", "likely", also=("name_not_found",), texts="""
        edns
        resolving (timed out|timeout)
        lookup .. i/o timeout
        (cname lookup failed temporarily|host map: lookup .. deferred)
        dns failure for
        getaddrinfo .. timed out
        (11): resource temporarily unavailable
        (00000001, 11): resource temporarily unavailable
    """),
)

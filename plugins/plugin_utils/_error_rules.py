# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mail clients and servers write when mail fails, and the cause that each text stands for. To add one, add a text.

A text is plain words in lower case, whole words, no pattern language: " .. " stands for "and later in the same message". That keeps
matching linear whatever the input. Where several texts match, the surest wins, then the longest: "greeting never received" beats
"etimedout".
"""

from __future__ import annotations

import typing as t

__all__ = ("CONFIDENCES", "NOISE", "RULES", "STAGES", "VAGUE", "Rule")

# From the surest to the least sure.
CONFIDENCES = ("certain", "likely", "possible")


class Rule(t.NamedTuple):
    """One text.

    ``also``: causes that it leaves possible. ``note``: a sentence added to the message. 

    ``echo`` tells how a line repeats others, so that one incident is counted once: "pair", the line before it said the same; "burst", it
    comes several times in a row; "follow", it adds nothing to an explained line shortly before it.
    """

    cause: str
    variant: str
    confidence: str
    parts: tuple[str, ...]
    also: tuple[str, ...] = ()
    note: str = ""
    echo: str = ""


def _rules(
    cause: str, confidence: str, *texts: str, variant: str = "", also: tuple[str, ...] = (), note: str = "", echo: str = ""
) -> tuple[Rule, ...]:
    return tuple(Rule(cause, variant, confidence, tuple(text.split(" .. ")), also, note, echo) for text in texts)


_SETTINGS = (
    *_rules(
        "invalid_settings", "certain",
        # Mailpit's start-up errors
        "you must provide both an smtp tls certificate and a key",
        "tls cannot be required without an smtp tls certificate",
        "starttls cannot be required without an smtp tls certificate",
        "tls cannot be required with --smtp-auth-allow-insecure",
        "tls & starttls cannot be required together",
        "password file not found or readable",
        "authentication cannot use both credentials and --smtp-auth-accept-any",
        "authentication requires starttls or tls encryption",
        "tls certificate not found or readable",
        "tls key not found or readable",
        "[smtp] bind should be in the format of",
        "[relay] host not set",
        "host username or password not set for",
        "host username or secret not set for cram-md5",
        "authentication method not supported",
        "override-from is not a valid email address",
        "a relay configuration must be set to auto-relay",
        "[forward] to addresses missing",
        # apps
        "email_use_tls/email_use_ssl are mutually exclusive",
        "smtp_enable_starttls_auto'] are mutually exclusive",
        "`smtp_security` is invalid",
        "need to be set for email support",
        "need to be set to enable email authentication",
        "smtp_from .. is not a valid email address",
        "email.force_tls requires email.enable_tls",
        "email.require_transport_security requires email.enable_tls",
        "enable_starttls and :tls are mutually exclusive",
        "smtp_tls_wrappermode requires smtp_tls_security_level",
        "port should be >= 0 and < 65536",
        "port must be >= 0 and < 65536",
        # msmtp and curl read their files first
        "msmtp: .. unknown command",
        "msmtp: account .. not found",
        "msmtp: no recipients found",
        "msmtp: .. envelope-from address is missing",
        "curl: (3)",
    ),
    *_rules(
        "invalid_settings", "likely",
        "missing credentials for",  # Nodemailer EAUTH: auth without user or pass
        "email missing required fields",
        "error loading credentials", "no such file or directory .. ca.pem",
        "could not load cafile", "tls_trust_file",
        "error setting certificate verify locations", "error setting certificate file", "curl: (77)",
        "error adding trust anchors from file",
    ),
)

_DNS = (
    *_rules(
        "name_not_found", "certain",
        "enotfound", "getaddrinfo enotfound",
        "name or service not known",
        "nodename nor servname provided, or not known",
        "no such host is known",
        "no such host",  # Go
        "could not resolve host",
        "unknown mx host", "unknown mail server",
        "java.net.unknownhostexception", "unknownhostexception",
        "com.sun.mail.util.mailconnectexception .. unknownhostexception",
        "getaddrinfo: name or service not known",
        "php_network_getaddresses: getaddrinfo",
        "getaddrinfo for .. failed: name or service not known",
        "name service error for .. type=a: host not found",
        "host or domain name not found",
        "host not found, try again .. domain not found",
        "all relevant mx records point to non-existent hosts",
        "cannot locate host", "inet: bad hostname", "bad hostname",
        "the remote name could not be resolved",
        "nxdomain", "errno -2",
        "couldn't resolve host",
        "failed to lookup address information: name or service not known",
        "error: smtp_host .. unresolvable",
        "lookup host failed",
    ),
    *_rules("name_not_found", "certain", "no address associated with hostname", "no address associated with name", "enodata", "eai_nodata",
            "host found but no data record of requested type", "valid name, no data record of requested type", "queryenodata",
            "unrouteable mail domain", "has no address",
            variant="no_address"),
    *_rules("name_server_failure", "certain", "temporary failure in name resolution", "eai_again", "name server .. servfail", "server misbehaving", "esrvfail",
            "server failure .. dns", "type=a: host not found, try again", "type=aaaa: host not found, try again", "type=mx: host not found, try again",
            "errno -3", "getaddrinfo .. try again", "non-recoverable failure in name resolution", "dns timeout", "etimeout .. query",
            "failed to lookup address information: temporary", "host lookup did not complete"),
    *_rules("name_server_failure", "likely", "edns", "resolving timed out", "dns lookup .. i/o timeout", "lookup .. i/o timeout", "lookup .. connection refused",
            also=("name_not_found",)),
)

_GREETING_OR_MODE = "A port that waits for TLS looks exactly like a relay that greets late: compare secure with the port first, then the relay."

_TCP = (
    *_rules(
        "connection_timeout", "certain",
        "connect etimedout", "failed to connect to .. timeout was reached", "connect:errno=110",
        "inet: connect: timeout", "error connecting to .. connect: timeout",
        "errno 110] connection timed out", "errno 60] operation timed out", "winerror 10060",
        "error number 110", "connection timed out (110)", "(errno: 110)", "110 connection timed out",
        "connect timed out",  # Java
        "sockettimeoutexception: connect timed out",
        "connectexception: connection timed out", "connectexception: operation timed out",
        "in `open': .. net::opentimeout", "net::opentimeout .. execution expired", "execution expired (net::opentimeout)",
        "execution expired .. smtp",
        "dial tcp .. i/o timeout", "dial tcp .. connect: connection timed out",
        "dial tcp .. connect: operation timed out",
        "failed to connect to .. timed out", "connection timed out after",
        "connect to .. connection timed out",
        "connect to .. operation timed out",
        "connecting to .. timed out", "tcp connection timed out", "a connection attempt failed because the connected party did not properly respond",
        "stream_socket_client(): unable to connect to .. connection timed out",
        "unable to connect to .. connection timed out", "unable to connect with .. connection timed out",
        "fsockopen(): unable to connect to .. connection timed out",
        "cannot connect to .. connection timed out", "cannot connect to .. operation timed out",
        "could not connect to .. connection timed out",
        "connection could not be established with host .. connection timed out",
        "deferred: connection timed out with", "deferred: operation timed out with",
        "connect(): connection timed out", "connect: connection timed out", "h=.. connection timed out",
        "couldn't connect to server .. timed out",
        "error connecting .. connection timeout", "failed connecting to .. timed out",
        "ssl_connect: connection timed out",
    ),
    *_rules("connection_timeout", "likely", "connection timeout .. conn", "error: connection timeout",
            also=("tls_handshake_timeout",), note="Nodemailer's timer covers the TCP connection and, with secure: true, the TLS handshake."),
    *_rules("connection_timeout", "likely", "etimedout", "connection timed out", "connection timeout", "timeouterror: timed out", "socket.timeout: timed out",
            "connect(2) for .. timed out", "timeout was reached .. connect", "a connection attempt timed out", "timeout while connecting",
            also=("mode_mismatch", "greeting_timeout")),
    *_rules("connection_timeout", "likely", "net::opentimeout", also=("tls_handshake_timeout",)),
    *_rules("connection_timeout", "possible", "timed out", "i/o timeout", "operation timed out", "deadline exceeded", "timeoutexception", "timeouterror",
            also=("mode_mismatch", "greeting_timeout", "tls_handshake_timeout")),
    *_rules(
        "connection_refused", "certain",
        "econnrefused", "connection refused", "actively refused it", "winerror 10061", "errno 111", "connect:errno=111", "(111)", "errno 61]",
        "connectionrefusederror", "errno::econnrefused",
        "couldn't connect to host, port: .. connection refused",
        "os error 111",
    ),
    *_rules("connection_refused", "likely", "failed to connect to .. couldn't connect to server", "curl: (7)", also=("connection_timeout",)),
    *_rules("no_route", "certain", "enetunreach", "network is unreachable", "errno 101", "connect:errno=101", "no route to host .. ipv6", "errno::enetunreach", "errno::eaddrnotavail",
            "cannot assign requested address", "eaddrnotavail", "winerror 10051", "a socket operation was attempted to an unreachable network",
            "protocol not available .. connect", "address family not supported", "os error 101"),
    *_rules("no_route", "certain", "ehostunreach", "no route to host", "errno 113", "connect:errno=113", "errno::ehostunreach", "winerror 10065",
            "a socket operation was attempted to an unreachable host", "host is unreachable", "ehostdown", "host is down", "noroutetohostexception", "os error 113",
            variant="or_blocked", also=("connection_blocked",)),
    *_rules("connection_blocked", "certain", "connect: permission denied", "connect eacces", "connect eperm", "connection administratively prohibited",
            "winerror 10013", "an attempt was made to access a socket in a way forbidden by its access permissions", "connect: operation not permitted",
            "connect to .. permission denied", "cannot connect to .. permission denied", "cannot connect to .. operation not permitted",
            "dial tcp .. operation not permitted", "dial tcp .. permission denied", "unable to connect to .. permission denied",
            "errno 13] permission denied .. connect"),
    *_rules("connection_reset", "likely", "econnreset", "connection reset by peer", "errno 104", "errno=104", "errno::econnreset", "connection reset", "winerror 10054",
            "forcibly closed by the remote host", "connectionreseterror", "os error 104",
            also=("connection_closed", "tls_handshake_failed")),
)

_GREETING = (
    *_rules(
        "mode_mismatch", "likely",
        "greeting never received",
        "timed out while receiving the initial server greeting",
        "connection unexpectedly closed: timed out",
        "net::readtimeout",
        "operation timed out .. with 0 bytes received", "operation timed out .. with 0 out of 0 bytes received",
        "timeout waiting for the initial server greeting",
        "timed out waiting for .. greeting", "timeout waiting for smtp greeting",
        "timeout while waiting for .. banner", "timed out waiting for initial",
        "smtp timeout while connected to .. after initial connection",
        "remote host closed connection in response to initial connection",
        "could not connect to smtp host: .. response: -1",
        "network read error: the operation timed out", "cannot read from .. the operation timed out",
        "msmtp: .. read error: the operation timed out",
        "connection to .. timed out",  # Symfony: after the TCP connection stands
        "response: timeout", "timeout (30 secs) waiting for server response", "secs) waiting for server response",
        "smtp server did not send a greeting", "smtpserverdisconnected: connection unexpectedly closed: timed out",
        "read tcp .. i/o timeout",
        "sockettimeoutexception: read timed out",
        "lost connection with .. while receiving the initial server greeting",
        "read timeout reached", "timeoutexception .. response",
        "unable to read data from the transport connection: net_io_connectionclosed", "net_io_connectionclosed",
        "reading initial greeting",
        variant="implicit_spoken", also=("greeting_timeout", "connection_closed"), note=_GREETING_OR_MODE,
    ),
    *_rules("greeting_rejected", "certain", "invalid greeting", "got unexpected smtp-server response", "cannot get initial ok message from server", "dial failed: 554", "dial failed: 421", "service unavailable; client host", "host .. refused to talk to me", "refused to talk to me:",
            "after initial connection: 5", "after initial connection: 4", "got bad greeting from smtp host", "got bad greeting from", "bad greeting", "gave bad greeting",
            "connection rejected by server", "smtpconnecterror", "invalid smtp greeting", "unexpected greeting",
            "no smtp service here", "too many connections from your ip", "too many concurrent smtp connections", "is not allowed to connect",
            "connect to .. server refused mail service", "initial server response: 5", "initial server response: 4"),
    *_rules("greeting_rejected", "possible", "dial failed: 550", "dial failed: 521", "dial failed: 571", also=("ehlo_rejected",)),
    *_rules("not_smtp", "certain", "invalid greeting .. http/1", "invalid greeting .. ssh-2", "bad greeting .. ssh-2", "bad greeting .. http/1", "<** http/1", "http/1.1 400", "http/1.0 400", "400 bad request", "ssh-2.0-", "* ok [capability imap4", "* ok imap4", 
            "+ok pop3", "not an smtp server", "malformed http", "wrong protocol: the peer .. no smtp", "invalid smtp response",
            "the server sent an invalid reply", "server sent an invalid reply", "protocol violation: received non-smtp",
            "short response:", "invalid response .. ssh-2.0", "unknown response line", "malformed mime header .. ssh",
            "http request .. ssl routines", "routines::http request"),
    *_rules("connection_closed", "certain", "got bad greeting from smtp host .. response: [eof]", "the server sent an empty reply", "(56) response reading failed", "got empty code",
            "connection to .. has been closed unexpectedly", also=("mode_mismatch",)),
    *_rules("connection_closed", "possible", "eof", also=("mode_mismatch",)),
    *_rules("connection_closed", "likely", "connection unexpectedly closed", "connection closed unexpectedly", "connection closed by remote", "lost connection with",
            "unexpected socket close", "socket hang up", "unexpected eof", "unexpected end of file", "end of file reached", "eoferror", "server closed connection",
            "server closed the connection", "closed the connection unexpectedly", "connection lost", "[eof]", "remote host closed connection",
            "connection to server lost", "connection ended", "read: eof", "smtpserverdisconnected", "server disconnected", "remote end closed connection",
            "the server closed the connection", "read error: eof", "transport stream was closed", "the smtp server has unexpectedly disconnected",
            "connection was closed", "connection closed by foreign host", "deferred: connection reset by", "response: -1", "please run connect() first",
            "eof while reading", "(55) .. send failure", "(56) recv failure",
            also=("mode_mismatch", "connection_reset")),
)

_MODE = (
    *_rules(
        "mode_mismatch", "certain",
        "wrong version number", "wrong_version_number", "0a00010b", "1408f10b", "100000f7",
        "first record does not look like a tls handshake",
        "an unexpected tls packet was received", "unexpected tls packet",
        "unrecognized ssl message, plaintext connection", "unsupported or unrecognized ssl message", "unrecognized ssl message",
        "cannot determine the frame size or a corrupted frame was received",
        "the handshake failed due to an unexpected packet format", "unexpected packet format",
        "received corrupt message of type invalidcontenttype", "invalidcontenttype", "corrupt message",
        "ssl received a record that exceeded the maximum permissible length", "ssl_error_rx_record_too_long",
        "routines:ssl23_get_server_hello:unknown protocol", "routines::packet length too long", "packet length too long",
        "ssl_connect .. state=error: wrong version number",
        "the server does not support ssl connections",
        "ssl/tls session may be started before the .. is received",
        "record layer failure",
        variant="cleartext_spoken", also=("starttls_rejected", "not_smtp"),
    ),
    *_rules(
        "mode_mismatch", "possible",
        "500 5.5.2 syntax error, command unrecognized",  # what a relay logs of a client that sends a ClientHello
        variant="cleartext_spoken", also=("ehlo_rejected",), echo="burst",
        note="A client that starts with TLS on a port that starts in cleartext leaves a burst of such lines.",
    ),
    *_rules("mode_mismatch", "likely", "non-smtp command from .. \\x16\\x03", "improper command pipelining after connect .. \\x16\\x03", "\\x16\\x03\\x01",
            "ssl23_get_client_hello:http request", "smtp protocol synchronization error .. \\026\\003", "\\026\\003\\001",
            variant="cleartext_spoken", note="The bytes are a ClientHello: this client starts with TLS where the relay starts in cleartext."),
    *_rules("mode_mismatch", "likely", "ssl_accept .. lost connection", "tls error on connection .. (ssl_accept)", "ssl_accept error from", "wrong version number .. smtpd",
            variant="implicit_spoken", also=("tls_handshake_failed",)),
)

_EHLO = (
    *_rules("ehlo_rejected", "certain", "smtphelooerror", "smtpheloerror", "helo command rejected", "ehlo command failed", "invalid domain name in ehlo", "invalid ehlo",
            "rejected ehlo", "ehlo failed", "helo refused", "ehlo refused", "after ehlo", "after helo", "in reply to ehlo command", "in reply to helo command", "invalid helo", "bad helo",
            "syntactically invalid ehlo argument", "syntactically invalid helo argument", "need fully-qualified hostname", "eprotocol .. ehlo", "ehlo .. rejected",
            "does not accept ehlo or helo commands", "remote access denied", "smtptransport.helo", "`helo'", "#helo'", "the server refused .. ehlo", "smtp: server does not support ehlo", "helo/ehlo", "invalid helo name", "5.5.0 invalid ehlo domain"),
)

_STARTTLS = (
    *_rules(
        "starttls_not_offered", "certain",
        "starttls extension not supported by server",
        "tls is required, but was not offered by host",
        "does not advertise the starttls extension",
        "but target host does not support starttls",
        "starttls is not supported on this server",
        "a tls session is required, but the server did not offer tls support",
        "server does not support starttls", "server doesn't support starttls", "doesn't support starttls", "does not support starttls",
        "the server does not support tls via the starttls command",
        "host did not advertise starttls", "starttls not advertised", "starttls was not advertised", "starttls not offered", "starttls not supported",
        "starttls is required but .. not support", "starttls is required but host does not support starttls",
        "server does not support secure communication via tls", "tlsrequirederror",
        "the smtp server does not support the starttls extension", "server does not support secure connections",
        "starttls not available", "starttls unavailable", "smtp server does not support starttls",
        "required ssl level failed", "requested ssl level failed", "use_ssl_failed",
        "tls required but not supported", "unable to initialize tls .. not", "tls is required but the server",
        "tls was required but starttls",
        "must have starttls", "the server does not support .. starttls",
        "smtp: server doesn't support starttls",
    ),
    *_rules("starttls_not_offered", "likely", "starttls denied", "curl: (64)", also=("starttls_rejected",)),
    *_rules("starttls_not_offered", "certain", "error upgrading connection with starttls: 502", "error upgrading connection with starttls: 500", "starttls command failed .. not implemented",
            "didn't find starttls in server response", also=("starttls_rejected",)),
    *_rules("starttls_rejected", "certain", "starttls denied, code 454", "starttls denied, code 421", "starttls denied, code 4", "error upgrading connection with starttls", "454 4.7.0 tls not available", "454 4.3.0 try again later .. starttls",
            "in reply to starttls command", "tls not available due to local problem", "tls not available due to temporary reason", "454 tls not available",
            "starttls command failed", "starttls command rejected", "starttls failed", "starttls failed (4", "error creating starttls config", "command starttls failed",
            "after starttls", "unexpected response to starttls", "starttls rejected", "tls currently unavailable", "tls not available", "starttls .. refused",
            "command starttls: the server", "error in starttls"),
    *_rules("starttls_rejected", "possible", "etls", also=("starttls_not_offered", "tls_handshake_failed")),
)

_TLS = (
    *_rules("tls_handshake_timeout", "likely", "could not connect to smtp host .. sockettimeoutexception: read timed out", also=("mode_mismatch",)),
    *_rules("tls_handshake_timeout", "certain", "ssl_socket_connect .. net::opentimeout", "ssl_connect .. net::opentimeout", "tls handshake timeout", "handshake timed out", "ssl connection timeout", "handshake operation timed out", "tls handshake timed out",
            "ssl handshake timed out", "starttls: i/o timeout", "timed out .. handshake", "handshake .. timed out", "ssl_connect timeout",
            "timed out while performing the tls handshake", "ssl/tls connection timeout"),
    *_rules(
        "tls_version_unsupported", "certain",
        "unsupported protocol", "unsupported_protocol", "no protocols available", "alert protocol version", "alert_protocol_version", "tlsv1_alert_protocol_version",
        "protocol version not supported", "server selected unsupported protocol version", "protocol_version", "received fatal alert: protocol_version",
        "no appropriate protocol", "version too low", "unsupported protocol version", "a packet with illegal or unsupported version was received",
        "the client and server cannot communicate, because they do not possess a common algorithm", "peer is incompatible .. tls",
        "gnutls error -8", "legacy sigalg disallowed or unsupported", "peer incompatible: servertlsversion", "unsupported version",
    ),
    *_rules("client_certificate_required", "certain", "certificate required", "alert certificate required", "certificate_required", "peer did not return a certificate",
            "tls client certificate required", "no client certificate presented", "no client certificate requested .. required", "client certificate not trusted",
            "bad_certificate .. empty client certificate"),
    *_rules("tls_handshake_failed", "likely", "alert handshake failure", "alert_handshake_failure", "handshake failure", "received fatal alert: handshake_failure",
            "no shared cipher", "no cipher match", "no ciphers available", "dh key too small", "dh_key_too_small", "bad ecpoint", "internal error .. alert", "alert internal error",
            "unsafe legacy renegotiation disabled", "unsafe_legacy_renegotiation_disabled", "remote error: tls:", "a tls fatal alert has been received",
            "alert unrecognized name", "unrecognized_name", "decryption failed or bad record mac", "bad record mac", "eof occurred in violation of protocol",
            "unexpected eof while reading", "the tls connection was non-properly terminated", "ssl_error_syscall", "ssl_error_zero_return",
            "could not negotiate a supported cipher suite", "inappropriate fallback", "errno=0 state=sslv3/tls write client hello", "alert decode error",
            "disconnected before secure tls connection was established", "tls handshake failed", "ssl handshake failed", "error completing tls handshake",
            "starttls .. handshake", "sslhandshakeexception", "sslhandshakeexception: remote host terminated the handshake", "ssl_connect error",
            "ssl: handshake", "tls: handshake failure", "tls dial error", "ssl negotiation failed", "ssl connect error", "alert number 40",
            "authentication failed because the remote party has closed the transport stream", "authentication failed because the remote party sent a tls alert",
            "an error occurred while attempting to establish an ssl or tls connection",
            also=("certificate_untrusted", "mode_mismatch")),
    *_rules("tls_handshake_failed", "likely", "cannot start tls: handshake failure", also=("mode_mismatch", "certificate_untrusted"), echo="follow"),
    *_rules("tls_handshake_failed", "possible", "tls library problem", "ssl operation failed", "403 4.7.0 tls handshake failed",
            "failed to enable crypto", "unable to connect with starttls", "stream_socket_enable_crypto", "error:0a000", "ssl routines", "sslerror", "ssl_error_ssl",
            "sslexception", "could not convert socket to tls", "esocket", "ssl error", "tls error", "tlsv1 alert", "fatal alert", "tls session failure", "tls failure",
            also=("certificate_untrusted", "certificate_self_signed", "mode_mismatch", "tls_version_unsupported"), echo="follow"),
)

_ALSO_VERIFY = ("certificate_chain_incomplete", "certificate_untrusted", "certificate_self_signed")

_CERTIFICATE = (
    *_rules("certificate_expired", "certain", "certificate has expired", "cert_has_expired", "certificate expired", "certificate_expired", "expired certificate",
            "certificate is expired", "is expired .. certificate", "the certificate chain uses expired certificate", "has expired .. certificate", "alert certificate expired",
            "certificateexpiredexception", "notafter:", "has expired or is not yet valid: current time .. is after", "verify error:num=10:", "verify return code: 10",
            "certexpired", "(10) certificate has expired", "a required certificate is not within its validity period", "certificate expiration"),
    *_rules("certificate_expired", "likely", "has expired or is not yet valid", "nottimevalid", "validity check failed", "cert_date_invalid",
            also=("certificate_not_yet_valid",)),
    *_rules("certificate_not_yet_valid", "certain", "certificate is not yet valid", "cert_not_yet_valid", "certificate not yet valid", "not yet activated",
            "certificatenotyetvalidexception", "notbefore:", "is not yet valid: current time .. is before", "has expired or is not yet valid: current time .. is before",
            "verify error:num=9:", "verify return code: 9", "the certificate chain uses not yet valid certificate"),
    *_rules("certificate_self_signed", "certain", "depth_zero_self_signed_cert", "self-signed certificate", "self signed certificate", "verify error:num=18:",
            "verify return code: 18", "self-signed leaf", "certificate is self-signed", "certificate is self signed", "self_signed_cert"),
    *_rules("certificate_untrusted", "certain", "self-signed certificate in certificate chain", "self signed certificate in certificate chain",
            "self_signed_cert_in_chain", "verify error:num=19:", "verify return code: 19", "the signing ca is not trusted", "untrusted root",
            note="The relay sends its own root along, and this client does not trust that root."),
    *_rules("certificate_untrusted", "likely", "unable to get local issuer certificate", "unable_to_get_issuer_cert_locally", "verify error:num=20:", "verify return code: 20",
            "unable to get issuer certificate", "unable_to_get_issuer_cert", "certificate signed by unknown authority", "pkix path building failed",
            "unable to find valid certification path", "untrustedroot", "issuer is unknown", "certificate issuer is unknown", "unknownissuer", "invalid peer certificate: unknownissuer",
            "signer not found", "untrusted issuer", "remotecertificatechainerrors", "certificate chain was issued by an authority that is not trusted",
            "server certificate not trusted", "certificate not trusted", "certificate is not trusted", "is not trusted: certificate", "unknown ca", "alert unknown ca", "unknown_ca",
            "alert bad certificate", "tls: bad certificate", "unknown certificate authority", "cert_authority_invalid", "trustanchor", "trust anchor for certification path not found",
            "server certificate not verified", "peer certificate cannot be authenticated with given ca certificates",
            also=("certificate_chain_incomplete", "certificate_self_signed")),
    *_rules("certificate_chain_incomplete", "likely", "unable to verify the first certificate", "unable_to_verify_leaf_signature", "verify error:num=21:", "verify return code: 21",
            "partialchain", "partial chain",
            also=("certificate_untrusted",),
            note="The client saw only the leaf certificate: either the relay leaves out its intermediate, or its CA is one of your own that this host does not know."),
    *_rules("certificate_untrusted", "possible", "certificate verify failed", "certificate_verify_failed", "certificate verification failed", "certificate verification error",
            "failed to verify certificate", "the remote certificate is invalid", "remote certificate was rejected", "certificate validation failed", "verify the peer certificate", "peer certificate verification failed",
            "x509:", "bad certificate", "invalid certificate", "certificate unknown", "certificate_unknown", "ssl certificate problem",
            "the certificate is not correct", "certificate error", "sslcertverificationerror",
            also=("certificate_expired", "certificate_self_signed", "certificate_name_mismatch", "certificate_chain_incomplete", "certificate_not_yet_valid")),
    *_rules("certificate_name_mismatch", "certain", "no alternative certificate subject name matches", "subjectaltname did not match expected name", "did not match expected name", "hostname/ip does not match certificate's altnames", "does not match certificate's altnames", "err_tls_cert_altname_invalid",
            "certificate is valid for .. not", "x509: certificate is valid for", "hostname mismatch", "ip address mismatch", "certificate is not valid for",
            "no subject alternative dns name matching", "no subject alternative names matching ip address", "no subject alternative names present", "doesn't match any of the subject alternative names",
            "does not match the certificate", "hostname .. does not match", "certificate subject name .. does not match target host name",
            "name in the certificate does not match", "the name in the certificate does not match the expected", "remotecertificatenamemismatch",
            "did not match expected cn", "does not match target host name", "hostname was not matched", "wrong.host.name", "no name matching .. found", "doesn't match hostname",
            "invalid peer certificate: notvalidforname", "cert_common_name_invalid", "server certificate subject .. not match", "x509: cannot validate certificate for",
            "certificate relies on legacy common name", "subject alternative name .. does not match", "verify error:num=62:", "verify error:num=64:", "verify return code: 62",
            "verify return code: 64", "certificate hostname mismatch", "certificate name mismatch", "does not match the server's name", "the certificate's owner does not match",
            "checkhost .. mismatch", "server certificate does not match host name", "certificate does not match host", "notvalidforname", "can't verify server identity"),
    *_rules("certificate_weak", "certain", "ee key too small", "ee_key_too_small", "ca md too weak", "ca_md_too_weak", "ca key too small", "ca_key_too_small", "key too weak",
            "insecure algorithm sha1", "certificate uses insecure algorithm", "certificate chain uses insecure algorithm", "algorithm constraints check failed",
            "verify error:num=66:", "verify error:num=67:", "verify error:num=68:", "md too weak"),
)

_AUTH = (
    *_rules("auth_not_offered", "certain", "smtp auth extension not supported by server", "server does not support authentication", "server doesn't support auth",
            "the smtp server does not support authentication", "smtp: server doesn't support auth", "no auth mechanism was offered", "host does not support auth",
            "server does not support smtp auth", "server does not support auth", "503 5.5.1 error: authentication not enabled", "authentication not enabled",
            "503 auth command used when not advertised", "auth command used when not advertised", "server doesn't support authentication", "authentication is not supported on this server",
            "does not advertise authentication", "auth not available", "host did not advertise auth", "auth not advertised",
            also=("auth_requires_tls",), note="Many relays offer AUTH only after TLS: if this session was in cleartext, that is why."),
    *_rules("auth_mechanism_not_offered", "certain", "no suitable authentication method found", "no worthy mechs found", "no mechanism available", "no authentication mechanisms supported by both server and client",
            "unknown auth method", "unknown authentication method", "unrecognized authentication type", "authentication mechanism not supported", "authentication type not supported",
            "504 5.7.4", "unsupported authentication mechanism", "none of the .. authentication mechanisms", "no supported authentication", "is not supported by the server",
            "server does not support login auth", "unsupported auth", "no compatible authentication mechanism", "failed to find supported auth", "unexpected server challenge", "no compatible authentication",
            "cannot find a usable authentication method", "the server does not support any usable authentication method", "no common auth mechanism", "no authentication type succeeded .. not supported",
            "auth type .. not supported", "auth mechanism not supported", "authentication method not supported by server", "authentication mechanism is not supported"),
    *_rules("auth_requires_tls", "certain", "must issue a starttls command first", "issue a starttls command first", "must use tls", "encryption required for requested authentication mechanism",
            "encryption required", "538 5.7.11", "unencrypted connection", "authentication not allowed on insecure", "plaintext authentication disallowed", "starttls required", "starttls is required",
            "requires tls", "tls required", "requires encryption", "secure connection required", "plain auth not allowed", "530 5.7.0 starttls", "530 must issue",
            "the smtp server requires a secure connection", "cleartext authentication disabled", "authentication requires a secure", "must have tls", "plaintext auth not allowed",
            "auth is only allowed over tls", "use starttls first", "530 5.7.10", "550 5.7.10", "encryption needed"),
    *_rules("auth_rejected", "certain", "temporary authentication failure", "454 4.7.0 temporary authentication", "454 temporary authentication failure", "435 4.7.0",
            "authentication service not available", "authentication backend .. unavailable", "454 4.7.0 temporary auth", "temporary auth failure",
            variant="temporary"),
    # Mailpit writes this after its own line "deny PLAIN login"
    *_rules("auth_rejected", "certain", "[smtpd] response ( .. 535 5.7.8 authentication credentials invalid", echo="pair"),
    *_rules("auth_rejected", "certain", "invalid login: 535", "invalid login: 534", "eauth .. 535", "smtpauthenticationerror", "535 5.7.8", "535-5.7.8", "535 5.7.3", "535 5.7.0", "535 5.7.1", "535 authentication failed", "535 authentication",
            "535 incorrect authentication data", "535 5.7.139", "sasl authentication failed", "failed to authenticate on smtp server", "net::smtpauthenticationerror",
            "authenticationfailedexception", "javax.mail.authenticationfailedexception", "jakarta.mail.authenticationfailedexception", "authentication credentials invalid", "bad username or password",
            "username and password not accepted", "login denied", "curl: (67)", "authentication unsuccessful", "authentication credentials not accepted", "deny plain login", "deny login login", "deny cram-md5 login",
            "no authentication type succeeded", "authentication rejected", "authentication failed: 5", "535 error: authentication failed", "535 login",
            "535 5.7.14", "auth failed: 535", "smtp auth failed", "authenticationexception: 535", "534 5.7", "534-5.7", "badcredentials", "user authentication failed",
            "authenticator failed .. 535", "authenticator failed", "sasl login authentication failed", "sasl plain authentication failed",
            "sasl cram-md5 authentication failed", "535 5.7", "auth plain failed", "auth login failed", "535 auth", "mailpit .. deny"),
    *_rules("auth_rejected", "likely", "could not authenticate", "eauth", "invalid login", also=("auth_mechanism_not_offered", "auth_not_offered", "auth_requires_tls")),
    *_rules("auth_rejected", "possible", "authentication failed", "invalid credentials", "authentication error", "auth failed", "login failed", "invalid username or password", "password incorrect", "incorrect password", "incorrect authentication data",
            also=("auth_mechanism_not_offered", "auth_not_offered", "auth_requires_tls")),
)

_TRANSACTION = (
    *_rules("sender_rejected", "certain", "530 5.7.0 authentication required", "530 authentication required", "530 5.5.1 authentication required", "530-5.5.1 authentication required", "530-5.7.0 authentication required", "client was not authenticated", "must be authenticated",
            "smtp authentication is required", "authentication is required", "authentication required",
            "530 5.7.1 client was not authenticated", "530 5.7.1 authentication required", "530 sender authentication required", "550 5.7.1 authentication required", "please authenticate first", "you must authenticate",
            "553 sorry, that domain isn't in my list of allowed rcpthosts", "client not authenticated",
            variant="auth_required"),
    *_rules("sender_rejected", "certain", "sender address rejected", "smtpsenderrefused", "mail from command failed", "sender rejected", "sender not allowed", "sender verify failed",
            "mail command failed", "not owned by user", "invalid sender", "sender denied", "smtpsendfailedexception .. from", "in reply to mail from command", "after mail from", "after pipelined mail from",
            "from address not verified", "not permitted to send as", "sender is not allowed", "sender is rejected", "smtpaddressfailedexception .. sender", "envelope from .. not accepted",
            "mail from: <> rejected", "the server refused the sender", "envelope from address .. not accepted", "domain of sender address", "unverified address", "sender address is not valid", "smtp: 550 sender",
            "all sender addresses were rejected", "smtp: from", "mailboxnotallowed .. sender"),
    *_rules("recipient_rejected", "certain", "relay access denied", "relaying denied", "relay not permitted", "relaying not allowed", "unable to relay", "not permitted to relay", "relaying is denied", "relay denied", "we do not relay", "cannot relay",
            note="This relay does not carry mail for this client to that recipient: it wants a login, or does not know this host."),
    *_rules("recipient_rejected", "certain", "recipient address rejected", "user unknown", "no such user", "unknown user", "mailbox unavailable", "mailbox not found", "unknown recipient", "invalid recipient",
            "all recipients were rejected", "can't send mail - all recipients were rejected", "smtprecipientsrefused", "recipient rejected", "no such recipient", "recipient not found", "user not found",
            "the following recipients failed", "in reply to rcpt to command", "after rcpt to", "after pipelined rcpt to", "invalid addresses", "smtpaddressfailedexception", "recipient address required",
            "recipients address rejected", "email account that you tried to reach does not exist", "mailbox full", "over quota", "mailbox is full", "quota exceeded", "does not exist .. mailbox",
            "domain not found .. recipient", "recipient .. not accepted by the server", "no valid recipients", "rejected message to", "smtpfailedrecipientexception", "smtpfailedrecipientsexception", "bad recipient address"),
    *_rules("message_rejected", "certain", "message size exceeds fixed", "message size exceeds", "message exceeds fixed maximum message size", "message too large", "message too big", "exceeded storage allocation .. message", "message file too big",
            "exceeds size limit", "maximum message size", "message content rejected", "spam message rejected", "message rejected as spam", "message blocked", "blocked by spam", "considered spam", "smtpdataerror", "data not accepted",
            "in reply to end of data command", "after end of data", "after end-of-data", "data command failed", "policy rejection", "dmarc policy", "fails dmarc", "not rfc 5322 compliant", "not rfc 2822 compliant",
            "in reply to data command", "unauthenticated email from", "multiple from headers", "550 spam", "554 spam", "message contained unsafe content", "emessage"),
    *_rules("temporarily_rejected", "certain", "greylist", "greylisted", "graylisted", "greylisting", "greylisting in action", "temporarily deferred", "temporarily rejected", "too many messages", "rate limit", "ratelimit", "rate limited", "rate exceeded",
            "throttl", "throttling failure", "sending rate exceeded", "maximum sending rate exceeded", "daily message quota exceeded", "daily user sending quota exceeded", "daily sending limit", "sending limit exceeded", "hourly limit", "temporary local problem", "temporary system problem", "resources temporarily unavailable",
            "retry time not reached", "server busy", "service temporarily unavailable", "service not available, closing transmission channel", "mailbox temporarily", "insufficient system storage", "insufficient system resources", "queue file write error", "concurrent connections limit", "too much mail", "too many connections", "too many login attempts", "connection rate limit exceeded", "message submission rate", "recipient rate"),
)

_LIKELY = (
    *_rules("temporarily_rejected", "likely", "try again later", "please try again later"),
    *_rules("message_rejected", "likely", "message rejected", "message refused", "message failed"),
)

RULES: tuple[Rule, ...] = (
    *_SETTINGS, *_DNS, *_TCP, *_GREETING, *_MODE, *_EHLO, *_STARTTLS, *_TLS, *_CERTIFICATE, *_AUTH, *_TRANSACTION, *_LIKELY,
)

# Texts that hide the cause: what they leave open, and how to make the app say more.
VAGUE: tuple[Rule, ...] = tuple(
    Rule("", "", "unknown", (text,), also, note)
    for texts, also, note in (
        (
            ("smtp connect() failed", "could not connect to smtp host", "smtp error: could not connect", "connection could not be established with host", "could not connect to host",
             "unable to connect to the remote server", "failed to connect to server", "error connecting to", "cannot connect to", "couldn't connect to host", "mailconnectexception"),
            ("connection_timeout", "connection_refused", "mode_mismatch", "certificate_untrusted"),
            "The connection failed, but this text hides why: a filtered port, a refused one, the wrong mode and a bad certificate all read like this. Switch on the app's debug output"
            " (SMTPDebug = 3 in PHPMailer), or run smtp_endpoint_info on the host.",
        ),
        (
            ("timeout",),
            ("connection_timeout", "mode_mismatch", "greeting_timeout", "tls_handshake_timeout"),
            "Something took too long, but this text hides what: a filtered port, the wrong mode, a slow greeting and a stalled handshake all read like this. Run smtp_endpoint_info on the host.",
        ),
        (
            ("failure sending mail", "weird server reply", "smtpexception", "error sending email", "failed to send email", "message could not be sent", "mailsendexception"),
            ("connection_timeout", "mode_mismatch", "auth_rejected", "message_rejected"),
            "Mail failed, but this text hides why: look for the inner exception or the relay's reply in the lines beside it, or run smtp_endpoint_info on the host.",
        ),
    )
    for text in texts
)

# Where in the dialogue a reply was given, by what stands beside it. The first that matches counts.
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("starttls", ("in reply to starttls command", "upgrading connection with starttls", "after starttls", "starttls config", "starttls command", "starttls failed", "starttls denied")),
    ("ehlo", ("smtptransport.helo", "`helo'", "#helo", "does not accept ehlo", "remote access denied", "in reply to ehlo command", "in reply to helo command", "after ehlo", "after helo", "smtphelooerror", "smtpheloerror", "ehlo command")),
    ("rcpt", ("in reply to rcpt to command", "after rcpt to", "after pipelined rcpt to", "recipients were rejected", "smtprecipientsrefused", "rcpt failed", "`rcptto'", "#rcptto", "recipients failed", "recipient address rejected",
              "command: 'rcpt to'", "recipientsrefused", "smtpaddressfailedexception", "rcpt to:", "failed recipients", "smtpfailedrecipient")),
    ("mail", ("in reply to mail from command", "after mail from", "after pipelined mail from", "mail from command", "mail command failed", "`mailfrom'", "#mailfrom", "smtptransport.mailfrom", "smtpsenderrefused", "mail failed", "sender address rejected",
              "command: 'mail from'", "mail from:")),
    ("data", ("in reply to end of data command", "in reply to data command", "after end of data", "after end-of-data", "message failed", "smtpdataerror", "data not accepted", "data command failed", "command: 'data'", "data failed")),
    ("auth", ("invalid login", "eauth", "smtpauthenticationerror", "sasl authentication failed", "failed to authenticate", "authentication", "command: 'auth", "auth plain", "auth login", "auth cram-md5", "auth xoauth2",
              "login denied", "expected response code \"235\"", "expected response code \"334\"")),
    ("greeting", ("invalid greeting", "initial ok message", "got unexpected smtp-server response", "`do_start'", "#do_start", "refused to talk to me", "after initial connection", "bad greeting", "initial server", "smtpconnecterror", "command: 'conn'", "expected response code \"220\"")),
    ("data", ("expected response code \"354\"",)),
)

# Lines that only say that mail failed, not why: another line of the log says why.
NOISE: tuple[str, ...] = (
    "could not send mail", "failed to send email", "failed to send mail", "error sending email", "error sending mail", "email could not be sent", "unable to send email", "unable to send mail",
    "there was an error sending", "failure sending mail", "error while sending mail", "mailer error", "mail delivery failed", "cannot send mail", "sending mail failed", "failed to send message", "could not send e-mail", "failed to send e-mail",
)

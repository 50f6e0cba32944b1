# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer greeting: the connection stands, and what comes first is no greeting of a relay that takes this client."""

from __future__ import annotations

from ..rule import Rule, cannot, curl, errno, failing, mbedtls, refusing, rules

__all__ = ("RULES",)

_GREETING_OR_MODE = "A port that waits for TLS looks exactly like a relay that greets late: compare secure with the port first, then the relay."

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules(
        "mode_mismatch", "likely", variant="implicit_spoken", also=("greeting_timeout", "connection_closed"),
        note=_GREETING_OR_MODE, texts="""
        greeting never received
        (timed out|timeout) (waiting for|while receiving) the initial server greeting
        reading initial greeting
        (timed out|timeout) (waiting for|while waiting for) .. (greeting|banner)
        timeout waiting for smtp greeting
        (timed out|timeout) waiting for (initial|server ready message)
        smtp server did not send a greeting
        smtp timeout .. after initial connection
        # Python
        connection unexpectedly closed: timed out
        # Ruby
        net::readtimeout
        # curl, swaks, msmtp
        operation timed out .. with 0 (|out of 0 )bytes received
        secs) waiting for server response
        response: timeout
        getline(): timeout
        421 [net::smtp] timeout
        (timeout|timed out) .. (while reading|trying to read) from
        (network|msmtp: ..) read error: the operation timed out
        cannot read from .. the operation timed out
        # PHP: the TCP connection stands
        (mail\\protocol|zend_mail) .. has timed out
        connection to ("|tcp://) .. timed out
        # Java
        could not connect to smtp host: .. response: -1
        sockettimeoutexception: read timed out
        # Go
        read tcp .. i/o timeout
        # .NET: the TCP connection stands
        connection timed out .. mailkit.net.networkstream.read
        timed out .. mailkit.net.smtp.smtpstream.readahead
        read timeout reached
        timeoutexception .. response
        # Dart, which says this only where it began in cleartext
        waiting for greeting (try ssl)
        net_io_connectionclosed
    """),
    *rules(
        "greeting_timeout", "possible", also=("mode_mismatch", "connection_timeout", "tls_handshake_timeout"),
        note="The connection stood, and the relay said nothing in time.", texts="""
        resource temporarily unavailable (os error 11)
        (timeout|timed out) (waiting|while waiting) for (|the )(|smtp |mail |server |smtp server |server's )(response|reply)
        # A connection that stands, and no word on it
        (read|reading|receive|receiving|response|response read|reply) (timed out|timeout)
        network receiving timed out
        (failed to|could not|cannot|unable to) (receive|read|get) (|the |an )smtp (banner|greeting)
        read/timeout error
    """),
    # Symfony says so while it reads
    *rules(
        "greeting_timeout", "likely", also=("mode_mismatch", "connection_closed"),
        texts='connection to " .. :(25|587|2525|2587)" timed out'),
    # PHP, and Python's ssl: TLS stands, so it was begun where it belongs
    *rules(
        "greeting_timeout", "likely", also=("tls_handshake_timeout", "connection_timeout"),
        note="The connection stood, and the relay said nothing in time.",
        texts="""
        connection to ("|)ssl:// .. timed out
        connection unexpectedly closed: the read operation timed out
        smtpnogreetingexception: timed out while waiting for greeting.
        the read operation timed out
    """),
    *rules("greeting_rejected", "certain", texts="""
        service unavailable; client host
        (after initial connection|initial server response): (4|5)
        (220 expected but got|expected response code 220 but got ..) 554
        no smtp service here
        is not allowed to connect
        server refused mail service
    """),
    # Clients, who say the same of another protocol and of a limit
    *rules(
        "greeting_rejected", "likely", failing("greeting", "banner", "welcome response"), refusing("greeting"),
        also=("not_smtp", "temporarily_rejected", "connection_closed"), texts="""
        connection rejection
        mail service is unavailable
        (connection failed: |unable to connect to .. )invalid response code received from server
        (invalid|unexpected|bad|invalid smtp) greeting
        got unexpected smtp-server response
        cannot get initial ok message from server
        connection rejected by server
        smtpconnecterror: (
        connection error from .. on port
    """),
    # Postfix says so of a refused EHLO and HELO, too.
    *rules("greeting_rejected", "likely", also=("ehlo_rejected",), texts="""
        refused to talk to me
        smtp protocol synchronization error (input sent without waiting
    """),
    # Net::SMTP greets and says EHLO before it returns.
    *rules("greeting_rejected", "likely", also=("ehlo_rejected",), texts="""
        net::smtp: (550|554)
    """),
    *rules("not_smtp", "certain", texts="""
        # Another protocol's own words, where a relay should greet
        (invalid|bad) greeting .. (http/1|ssh-2)
        <** http/1
        malformed mime header .. ssh
        # Clients that say so
        (not an|is no) smtp server
        wrong protocol: the peer .. no smtp
        (invalid|malformed) smtp (response|reply)
        invalid smtp syntax in server response
        server sent an invalid reply
        invalid reply from (smtp server|the remote host)
        protocol violation: received non-smtp
        http request .. ssl routines
        (ssl: http_request|openssl_internal:http_request)
        routines::http request
    """),
    *rules("not_smtp", "likely", cannot(
        *("parse response", "parse reply", "parse the response", "parse the reply", "parse server response", "parse server reply"),
        "parse the server's response", "parse status code", "handle smtp server response"), also=("greeting_rejected",), texts="""
        http/1.(0|1) 400
        ssh-2.0
        * ok [capability imap4
        * ok imap4
        +ok pop3
        malformed http
        unknown response line
        invalid reply code
        unparseable smtp reply
        invalid status code returned by the server
        the status codes returned by the server did not match
        parsing server failure
        invalid server reply
        (response parsing error|response error: error tag)
        # Go
        (short response:|invalid response code:)
        (returned an invalid response|unknown smtp response|unterminated server response)
        (invalid smtp status code|smtp status code mismatch)
        (invalid response from|malformed reply from) (|the )(|smtp )server
        (malformed smtp reply|malformed smtp response|invalid syntax in reply)
    """),
    *rules("connection_closed", "certain", also=("mode_mismatch",), texts="""
        got bad greeting from .. response: [eof]
        the server sent an empty reply
        response reading failed
        got (empty code|an empty response)
        but got code "", with message ""
        # Emacs, whatever it was to send then
        process smtpmail not running
    """),
    # PHPMailer's dialogue (see normal)
    *rules("connection_closed", "likely", also=("mode_mismatch", "greeting_timeout"), echo="follow", texts="""
        eof caught while checking if connected
        (server -> client|from server): (nothing)
    """),
    # ESP Mail Client says so of EHLO and STARTTLS too, below the reply
    *rules(
        "greeting_rejected", "likely", also=("ehlo_rejected", "starttls_rejected", "connection_closed", "greeting_timeout"), echo="follow",
        texts="smtp server greeting failed"),
    # PHPMailer, where what came is no greeting; what came stands before it
    *rules(
        "connection_closed", "likely", also=("mode_mismatch", "greeting_timeout", "greeting_rejected"), echo="follow",
        texts="connection: closing due to error"),
    # PHPMailer's QUIT on a connection that broke before
    *rules("connection_closed", "possible", also=("mode_mismatch",), echo="follow", texts="fwrite(): send of"),
    *rules(
        "connection_closed", "likely", errno(
            "econnaborted", (103, 53, 10053, 4079), "software caused connection abort", "aborted by the software in your host machine"),
        also=("connection_reset", "mode_mismatch")),
    *rules("connection_closed", "possible", also=("mode_mismatch",), texts="""
        (eof|end of file)
        {(:error, :|error,)closed}
        (broken pipe|epipe)
        connection aborted
    """),
    *rules("connection_closed", "likely", curl(
        (52, "server returned nothing (no headers, no data)")), mbedtls(
        (0x7280, "ssl - the connection indicated an eof"),
        (0x7880, "peer notified us that the connection is going to be closed")),
        also=("mode_mismatch", "connection_reset"), texts="""
        (connection|session|socket|channel) (unexpectedly closed|has been closed|was closed|closed by|closed gracefully|lost|ended|has ended)
        closed unexpectedly
        (use of closed network connection|socket closed)
        (transport endpoint is not connected|transport endpoint shutdown|socket is not connected|enotconn)
        (unable to write bytes on the wire|could not send request to|failed to write to socket)
        socket was closed
        (ns_error_net_interrupt|the network connection was lost)
        0x800ccc0f
        connection closed without indication
        (ioexception: connection closed|421 [net::smtp] connection closed)
        returned a zero byte response
        server dropped connection
        smtp session failed: read error
        runtimeexception: could not read from
        connection to server lost
        closed (connection|the connection)
        (server dropped|server disconnected|unexpectedly disconnected|lost connection with)
        unexpected socket close
        socket hang up
        smtpserverdisconnected
        (unexpected|premature) (eof|end of file)
        smtp connection broken
        end of file reached
        eof(error|exception)
        (read: eof|read error: eof|[eof]|eof while reading)
        incomplete response
        transport stream was closed
        response: -1
        please run connect() first
        must be connected before you can
        not connected to (|the )(|smtp |mail )server
        (smtpclient is not connected|eidnotconnected)
        (reason|error|exception|smtp): connection (closed|was closed)
        connection to server was closed
        (unable to|cannot|could not) read response
        mail protocol exception: could not read from
        (55) .. send failure
        (56) recv failure
        (failed sending data to the peer|data sending failed)
        # qmail
        connected to .. but connection died
        failure when receiving data from the peer
        # PEAR, of a reply that never came
        invalid response code received from server(code:-1
        invalid response code received from server (code: -1
    """),
    # telnet, after what the relay said
    *rules(
        "connection_closed", "likely", also=("mode_mismatch", "connection_reset"), echo="follow",
        texts="connection closed by foreign host"),
)

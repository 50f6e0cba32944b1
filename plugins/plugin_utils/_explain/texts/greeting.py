# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer greeting: the connection stands, and what comes first is no greeting of a relay that takes this client."""

from __future__ import annotations

from ..rule import Rule, rules

__all__ = ("RULES",)

_GREETING_OR_MODE = "A port that waits for TLS looks exactly like a relay that greets late: compare secure with the port first, then the relay."

RULES: tuple[Rule, ...] = (
    *rules(
        "mode_mismatch",
        "likely",
        variant="implicit_spoken",
        also=("greeting_timeout", "connection_closed"),
        note=_GREETING_OR_MODE,
        texts="""
        greeting never received
        timed out while receiving the initial server greeting
        reading initial greeting
        timeout waiting for the initial server greeting
        timed out waiting for .. greeting
        timeout waiting for smtp greeting
        timeout while waiting for .. banner
        timed out waiting for initial
        smtp server did not send a greeting
        smtp timeout .. after initial connection
        # Python
        connection unexpectedly closed: timed out
        connection unexpectedly closed: the read operation timed out
        timed out waiting for server ready message
        # Ruby
        net::readtimeout
        # curl, swaks, msmtp
        operation timed out .. with 0 bytes received
        operation timed out .. with 0 out of 0 bytes received
        secs) waiting for server response
        response: timeout
        getline(): timeout
        421 [net::smtp] timeout
        timeout while reading from
        network read error: the operation timed out
        cannot read from .. the operation timed out
        msmtp: .. read error: the operation timed out
        # PHP: the TCP connection stands
        mail\\protocol .. has timed out
        zend_mail .. has timed out
        connection to " .. timed out
        connection to tcp:// .. timed out
        connection to ssl:// .. timed out
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
        net_io_connectionclosed
        """,
    ),
    *rules(
        "greeting_timeout",
        "possible",
        also=("mode_mismatch", "connection_timeout", "tls_handshake_timeout"),
        note="The connection stood, and the relay said nothing in time.",
        texts="""
        resource temporarily unavailable (os error 11)
        timeout waiting for response
        timeout waiting for smtp server response
        """,
    ),
    *rules(
        "greeting_rejected",
        "certain",
        texts="""
        service unavailable; client host
        after initial connection: 5
        after initial connection: 4
        220 expected but got 554
        expected response code 220 but got .. 554
        no smtp service here
        is not allowed to connect
        server refused mail service
        initial server response: 5
        initial server response: 4
        """,
    ),
    # Clients, who say the same of another protocol and of a limit
    *rules(
        "greeting_rejected",
        "likely",
        also=("not_smtp", "temporarily_rejected"),
        texts="""
        invalid greeting
        invalid smtp greeting
        unexpected greeting
        bad greeting
        got unexpected smtp-server response
        cannot get initial ok message from server
        connection rejected by server
        smtpconnecterror: (
        """,
    ),
    # Postfix says so of a refused EHLO and HELO, too.
    *rules("greeting_rejected", "likely", also=("ehlo_rejected",), texts="refused to talk to me"),
    # Net::SMTP greets and says EHLO before it returns.
    *rules(
        "greeting_rejected",
        "likely",
        also=("ehlo_rejected",),
        texts="""
        net::smtp: 554
        net::smtp: 550
        """,
    ),
    *rules(
        "not_smtp",
        "certain",
        texts="""
        # Another protocol's own words, where a relay should greet
        invalid greeting .. http/1
        invalid greeting .. ssh-2
        bad greeting .. http/1
        bad greeting .. ssh-2
        <** http/1
        malformed mime header .. ssh
        # Clients that say so
        not an smtp server
        no smtp server
        wrong protocol: the peer .. no smtp
        invalid smtp response
        malformed smtp response
        invalid smtp syntax in server response
        server sent an invalid reply
        invalid reply from smtp server
        invalid reply from the remote host
        protocol violation: received non-smtp
        http request .. ssl routines
        routines::http request
        """,
    ),
    *rules(
        "not_smtp",
        "likely",
        also=("greeting_rejected",),
        texts="""
        http/1.1 400
        http/1.0 400
        ssh-2.0
        * ok [capability imap4
        * ok imap4
        +ok pop3
        malformed http
        unknown response line
        invalid reply code
        unparseable smtp reply
        """,
    ),
    *rules(
        "connection_closed",
        "certain",
        also=("mode_mismatch",),
        texts="""
        got bad greeting from smtp host .. response: [eof]
        the server sent an empty reply
        response reading failed
        got empty code
        got an empty response
        but got code "", with message ""
        connection to .. has been closed unexpectedly
        """,
    ),
    # PHPMailer's QUIT on a connection that broke before
    *rules("connection_closed", "possible", also=("mode_mismatch",), echo="follow", texts="fwrite(): send of"),
    *rules(
        "connection_closed",
        "possible",
        also=("mode_mismatch",),
        texts="""
        eof
        {:error, :closed}
        {error,closed}
        broken pipe
        epipe
        connection aborted
        """,
    ),
    *rules(
        "connection_closed",
        "likely",
        also=("mode_mismatch", "connection_reset"),
        texts="""
        connection unexpectedly closed
        closed unexpectedly
        # Emacs
        process smtpmail not running
        connection closed by
        connection closed gracefully
        0x800ccc0f
        connection was closed
        connection has been closed
        421 [net::smtp] connection closed
        returned a zero byte response
        server dropped connection
        remote host closed connection in response to initial connection
        connection ended
        connection has ended
        smtp session failed: read error
        ioexception: connection closed
        connection lost
        connection to server lost
        closed connection
        closed the connection
        lost connection with
        unexpected socket close
        socket hang up
        server disconnected
        unexpectedly disconnected
        smtpserverdisconnected
        unexpected eof
        unexpected end of file
        premature end of file
        smtp connection broken
        end of file reached
        eoferror
        eofexception
        [eof]
        read: eof
        read error: eof
        eof while reading
        incomplete response
        transport stream was closed
        response: -1
        please run connect() first
        (55) .. send failure
        (56) recv failure
        """,
    ),
    # telnet, after what the relay said
    *rules(
        "connection_closed",
        "likely",
        also=("mode_mismatch", "connection_reset"),
        echo="follow",
        texts="connection closed by foreign host",
    ),
)

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What says nothing, says no, or is no SMTP server."""

from __future__ import annotations

from support.faulty import FTP, IMAP, POP3, SSH, close, delayed, drip, endless, honest, http, say, sequence, silent, smtp

from ..scenario import Row

__all__ = ["ROWS"]

STARTTLS = {"secure": False, "timeout": 3}
IMPLICIT = {"secure": True, "timeout": 3}
WAIT = 4.0

ROWS = [
    Row("silence", "accepts and says nothing, to TLS neither", lambda place: place.listen(silent(), 587, 465), 587, STARTTLS, "greeting_timeout", observed=None,
        seconds=WAIT),
    Row("silence-465", "accepts and says nothing to a ClientHello", at="silence", port=465, ask=IMPLICIT, cause="tls_handshake_timeout", seconds=WAIT),
    Row("silence-inside-tls", "does the handshake and says nothing then", lambda place: place.listen(sequence(honest(place.issue()), silent()), 465), 465,
        IMPLICIT,
        "greeting_timeout", seconds=WAIT),
    Row("drip", "one byte a second", lambda place: place.listen(drip(), 587), 587, STARTTLS, "greeting_timeout", seconds=WAIT),
    Row("drip-inside-tls", "one byte a second, inside TLS", lambda place: place.listen(sequence(honest(place.issue()), drip()), 465), 465, IMPLICIT,
        "greeting_timeout", seconds=WAIT),
    Row("drip-lines", "a greeting line every half second, never the last one", lambda place: place.listen(drip("220-x\r\n" * 999, 0.07), 587), 587, STARTTLS,
        "greeting_timeout", seconds=WAIT),
    Row("refuses-554", "greets with 554", lambda place: place.listen(smtp(greeting="554 5.7.1 No mail from 10.77.11.0/24"), 587, 25), 587, STARTTLS,
        "greeting_rejected", expect={"message": lambda text: "No mail from" in text, "greeting": bool}),
    Row("refuses-421", "greets with 421", lambda place: place.listen(smtp(greeting="421 4.7.0 Too many connections"), 587), 587, STARTTLS,
        "temporarily_rejected",
        expect={"message": lambda text: "Too many connections" in text}),
    Row("refuses-554-inside-tls", "greets with 554 inside TLS",
        lambda place: place.listen(smtp(implicit=honest(place.issue()), greeting="554-go\n554 away"), 465),
        465, IMPLICIT, "greeting_rejected"),
    Row("refuses-postfix", "Postfix refuses this network before the greeting",
        lambda place: place.postfix("starttls", 587, options={
            "smtpd_delay_reject": "no", "smtpd_client_restrictions": "check_client_access static:{554 5.7.1 not from here}"}),
        587, STARTTLS, "greeting_rejected"),
    Row("busy-at-ehlo", "answers EHLO with 421", lambda place: place.listen(smtp(ehlo="421 too many concurrent connections"), 587), 587, STARTTLS,
        "temporarily_rejected", expect={"remedy": lambda text: "later" in text and "helo_name" not in text}),
    Row("blocklisted", "greets with the name of a block list",
        lambda place: place.listen(smtp(greeting="554 5.7.1 Service unavailable; Client host [10.77.11.2] blocked using bl.example"), 587), 587, STARTTLS,
        "greeting_rejected", expect={"message": lambda text: "bl.example" in text}),
    Row("greets-twice", "two programs greet, as with the PROXY protocol at one end only",
        lambda place: place.listen(say("220 front ESMTP\r\n220 relay ESMTP\r\n"), 587), 587, STARTTLS, "ehlo_rejected",
        expect={"message": lambda text: "out of step" in text, "remedy": lambda text: "PROXY" in text}),
    Row("busy-behind-greeting", "greets, and says behind it that there are too many connections",
        lambda place: place.listen(say("220 relay ESMTP\r\n421 4.7.0 Too many connections\r\n"), 587), 587, STARTTLS, "temporarily_rejected"),
    Row("closes-after-greeting", "greets and closes", lambda place: place.listen(say("220 bye\r\n", hold=False), 587), 587, STARTTLS,
        ("connection_closed", "ehlo_rejected")),
    Row("closes-inside-tls", "does the handshake and closes", lambda place: place.listen(sequence(honest(place.issue()), close()), 465), 465, IMPLICIT,
        "connection_closed"),
    Row("half-greeting", "sends half a greeting and closes", lambda place: place.listen(say("220 mail.exam", hold=False), 587), 587, STARTTLS,
        ("connection_closed", "not_smtp")),
    Row("endless-line", "a line that never ends", lambda place: place.listen(endless(), 587), 587, STARTTLS, "not_smtp"),
    Row("endless-lines", "a greeting of lines that never end", lambda place: place.listen(endless("", b"220-more\r\n" * 500), 587), 587, STARTTLS, "not_smtp"),
    Row("endless-line-inside-tls", "a line that never ends, inside TLS", lambda place: place.listen(sequence(honest(place.issue()), endless()), 465), 465,
        IMPLICIT,
        "not_smtp", seconds=4),
    Row("endless-binary", "random bytes without end", lambda place: place.listen(endless(b"\x00\xff", bytes(range(256)) * 256), 587), 587, STARTTLS,
        "not_smtp"),
    Row("http", "a web server, which waits for a request", lambda place: place.listen(http(), 587), 587, STARTTLS, "not_smtp"),
    Row("https", "a web server over TLS", lambda place: place.listen(sequence(honest(place.issue()), http()), 465), 465, IMPLICIT,
        ("greeting_timeout", "not_smtp"), seconds=WAIT),
    Row("http-speaks", "a web server that answers at once", lambda place: place.listen(say("HTTP/1.1 400 Bad Request\r\n\r\n", hold=False), 587), 587, STARTTLS,
        "not_smtp"),
    Row("ssh", "an SSH server", lambda place: place.listen(say(SSH), 587, 465), 587, STARTTLS, "not_smtp", expect={"message": lambda text: "SSH" in text}),
    Row("ssh-465", "an SSH server where TLS was chosen", at="ssh", port=465, ask=IMPLICIT, cause="not_smtp"),
    Row("imap", "an IMAP server", lambda place: place.listen(say(IMAP), 587), 587, STARTTLS, "not_smtp"),
    Row("imaps", "an IMAP server over TLS", lambda place: place.listen(sequence(honest(place.issue()), say(IMAP)), 465), 465, IMPLICIT, "not_smtp"),
    Row("pop3", "a POP3 server", lambda place: place.listen(say(POP3), 587), 587, STARTTLS, "not_smtp"),
    Row("ftp", "an FTP server, which greets with SMTP's own code",
        lambda place: place.listen(smtp(greeting=FTP.strip(), ehlo="500 EHLO not understood", helo="500 HELO not understood"), 587), 587, STARTTLS,
        ("not_smtp", "ehlo_rejected")),
    Row("mysql", "a database server", lambda place: place.listen(say(b"J\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00"), 587), 587, STARTTLS,
        ("not_smtp", "greeting_timeout"), seconds=WAIT),
    Row("late-refusal", "refuses after two seconds", lambda place: place.listen(delayed(2, smtp(greeting="554 5.7.1 no")), 587), 587, STARTTLS,
        "greeting_rejected", seconds=WAIT),
]

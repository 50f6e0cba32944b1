# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The shortest script of the standard library that holds the probe's dialogue: script.py starttls|implicit HOST PORT CA_FILE.

Prints the seconds from the end of its imports to its end.
"""

import socket
import ssl
import sys
import time

started = time.monotonic()
mode, host, port, ca_file = sys.argv[1:]


def reply(code):
    """Read one reply of one or more lines."""
    while True:
        line = stream.readline()
        if not line.startswith(code):
            sys.exit(f"not {code!r}: {line!r}")
        if line[3:4] == b" ":
            return


def ask(command, code):
    """Send a command and read its reply."""
    connection.sendall(command + b"\r\n")
    reply(code)


context = ssl.create_default_context(cafile=ca_file)
connection = socket.create_connection((host, int(port)), timeout=10)
if mode == "implicit":
    connection = context.wrap_socket(connection, server_hostname=host)
stream = connection.makefile("rb")
reply(b"220")
ask(b"EHLO bench.test", b"250")
if mode == "starttls":
    ask(b"STARTTLS", b"220")
    connection = context.wrap_socket(connection, server_hostname=host)
    stream = connection.makefile("rb")
    ask(b"EHLO bench.test", b"250")
connection.sendall(b"QUIT\r\n")
print(time.monotonic() - started)

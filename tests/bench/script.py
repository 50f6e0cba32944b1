# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The shortest script of the standard library that holds the probe's dialogue: script.py starttls|implicit HOST PORT CA_FILE [alone].

It trusts what the probe trusts, the host's own store and CA_FILE; with "alone" CA_FILE only, which saves reading the store.
"""

import socket
import ssl
import sys

mode, host, port, ca_file, *alone = sys.argv[1:]


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


context = ssl.create_default_context(cafile=ca_file if alone else None)
context.load_verify_locations(ca_file)
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

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same dialogue on many connections at once: threads.py starttls|implicit HOST PORT CA_FILE NUMBER, one thread each, one TLS context for all."""

import socket
import ssl
import sys
import threading

mode, host, port, ca_file, number = sys.argv[1:]
context = ssl.create_default_context()
context.load_verify_locations(ca_file)
well = []


def reply(stream, code):
    """Read one reply of one or more lines."""
    while True:
        line = stream.readline()
        if not line.startswith(code):
            raise ValueError(f"not {code!r}: {line!r}")
        if line[3:4] == b" ":
            return


def talk():
    """The whole dialogue on a connection of its own."""
    connection = socket.create_connection((host, int(port)), timeout=30)
    if mode == "implicit":
        connection = context.wrap_socket(connection, server_hostname=host)
    stream = connection.makefile("rb")
    reply(stream, b"220")
    connection.sendall(b"EHLO bench.test\r\n")
    reply(stream, b"250")
    if mode == "starttls":
        connection.sendall(b"STARTTLS\r\n")
        reply(stream, b"220")
        connection = context.wrap_socket(connection, server_hostname=host)
        stream = connection.makefile("rb")
        connection.sendall(b"EHLO bench.test\r\n")
        reply(stream, b"250")
    connection.sendall(b"QUIT\r\n")
    well.append(True)


threads = [threading.Thread(target=talk) for _number in range(int(number))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(len(well) != len(threads))

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TLS handshake with Python's defaults: connect.py PORT CA_FILE."""

import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[2])
with socket.create_connection(("localhost", int(sys.argv[1])), 4) as plain:
    context.wrap_socket(plain, server_hostname="localhost").close()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection."""

from __future__ import annotations

import select
import socket
import struct

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire


@pytest.mark.parametrize(
    ("family", "address", "kind"), [(socket.AF_INET, "127.0.0.1", "TCP4"), (socket.AF_INET6, "::1", "TCP6")]
)
def test_the_header_of_a_proxy_for_a_connection_that_was_reset(
    family: socket.AddressFamily, address: str, kind: str
) -> None:
    with socket.create_server((address, 0), family=family) as listener:
        wire = Wire(listener.getsockname(), family, Deadline(5))
        theirs, (_host, port, *_more) = listener.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        assert select.select([wire.fileno()], [], [], 5)[0]
        expected = f"PROXY {kind} {address} {address} {port} {listener.getsockname()[1]}\r\n"
        assert wire.proxy_header == expected.encode()
        wire.close()

# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A relay far away, without root: slow.py SECONDS HOST PORT listens on loopback, prints its port, and forwards with that round trip.

Every byte takes half a round trip each way, whatever goes the other way meanwhile. The kernel completes a connect on loopback at once,
so what a client sends in the round trip that it should still wait for goes out at the end of it, and the relay sees the connection
half a round trip later, as it would. What this cannot show are the acknowledgements of a real path (Nagle, slow start).
"""

import asyncio
import contextlib
import sys

round_trip, host, port = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])


async def carry(reader, writer, earliest):
    """Forward, each piece half a round trip after it was sent, which was not before ``earliest``."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def deliver():
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            (await writer).write(piece)
        with contextlib.suppress(OSError, RuntimeError):
            (await writer).close()

    delivery = asyncio.ensure_future(deliver())
    piece = b"..."
    while piece:
        try:
            piece = await reader.read(65536)
        except OSError:
            piece = b""
        pieces.put_nowait((max(loop.time(), earliest) + round_trip / 2, piece))
    await delivery


async def serve(reader, writer):
    """One connection."""
    loop = asyncio.get_running_loop()
    there, here = loop.create_future(), loop.create_future()
    here.set_result(writer)
    up = asyncio.ensure_future(carry(reader, there, loop.time() + round_trip))
    await asyncio.sleep(round_trip * 1.5)
    answers, relay = await asyncio.open_connection(host, port)
    there.set_result(relay)
    await carry(answers, here, 0)
    await up


async def main():
    """Forward until this process is ended."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

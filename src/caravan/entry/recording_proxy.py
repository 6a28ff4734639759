"""A gateway that only records: one side behind it, no route table, no database. How a recording begins."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvloop

from caravan.entry.ports import listening_socket
from caravan.migration.gateway.access_log import AccessLog
from caravan.migration.gateway.decision import RouteTable
from caravan.migration.gateway.plan import RoutePlan
from caravan.migration.gateway.server import GatewayOptions, GatewayServer
from caravan.migration.gateway.side_pool import SideAddress
from caravan.migration.gateway.tap import Copy, decode_copy, encode_copy
from caravan.migration.recording import Recorder

__all__ = ["RecorderTap", "pass_and_record"]

_EVERYTHING: Final = RoutePlan(sample_unknown=1.0)


class RecorderTap:
    """Hands copies to a recorder in the same process; ``offer`` never waits, for the recorder never does."""

    def __init__(self, recorder: Recorder) -> None:
        self.room = True
        self._recorder = recorder

    def offer(self, copy: Copy) -> bool:
        """Take a copy at once; False when the recorder had no room."""
        return self._recorder.offer(decode_copy(encode_copy(copy)))


def pass_and_record(
    side: SideAddress, host: str, port: int, recorder: Recorder, *, seconds: float | None
) -> None:
    """Carry everything to ``side`` and record it, until SIGTERM or Ctrl-C, or for so many seconds; then drain.

    Only whole answers are recorded, and those that never came; a client feels nothing of either.
    """
    with Path(os.devnull).open("wb") as nowhere:
        uvloop.run(_serve(side, listening_socket(host, port), recorder, AccessLog(0.0, nowhere), seconds))


async def _serve(
    side: SideAddress, clients: socket.socket, recorder: Recorder, log: AccessLog, seconds: float | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = GatewayServer(GatewayOptions(side, side), tap=RecorderTap(recorder), access_log=log)
    server.path.swap(RouteTable(_EVERYTHING))
    await server.start(clients)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        await server.drain()
    finally:
        await server.close()

"""Two connections joined: after an upgrade, bytes pass both ways unread, and so does the end of either direction."""

import asyncio
import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from caravan.migration.gateway.data_path import DataPath
    from caravan.migration.gateway.side_connection import SideConnection

__all__ = ["TunnelEnd", "open_tunnel"]


class TunnelEnd(asyncio.Protocol):
    """One end. ``deadline`` (monotonic) moves with every byte of either direction."""

    def __init__(
        self, path: "DataPath", transport: asyncio.Transport, side: "SideConnection | None" = None
    ) -> None:
        self.deadline = 0.0
        self.other: TunnelEnd = cast("TunnelEnd", None)
        self._path = path
        self._transport = transport
        self._side = side
        self._ended = False

    def data_received(self, data: bytes) -> None:
        self.other._transport.write(data)  # noqa: SLF001 - its other half
        self.touch()

    def touch(self) -> None:
        """Move the deadline."""
        self.deadline = self.other.deadline = time.monotonic() + self._path.limits.tunnel_seconds

    def eof_received(self) -> bool:
        other = self.other._transport  # noqa: SLF001 - its other half
        self._ended = True
        if self.other._ended or not other.can_write_eof():  # noqa: SLF001 - as above
            other.close()
            return False
        other.write_eof()
        return not self._transport.get_extra_info("sslcontext")

    def connection_lost(self, exc: Exception | None) -> None:
        self._path.left(self)
        if self._side is not None:
            self._side.pool.lost(self._side)
        if exc is not None:
            self.other._transport.abort()  # noqa: SLF001 - its other half
        else:
            self.other._transport.close()  # noqa: SLF001 - its other half

    def pause_writing(self) -> None:
        if not self.other._transport.is_closing():  # noqa: SLF001 - its other half
            self.other._transport.pause_reading()  # noqa: SLF001 - its other half

    def resume_writing(self) -> None:
        if not self.other._transport.is_closing():  # noqa: SLF001 - its other half
            self.other._transport.resume_reading()  # noqa: SLF001 - its other half

    def expired(self) -> None:
        """Nothing has passed for too long."""
        self._transport.abort()

    def drain(self) -> None:
        """Go on until the time for draining is over: a tunnel has no end of an answer to wait for."""

    def abort(self) -> None:
        """Break it off."""
        self._transport.abort()


def open_tunnel(
    path: "DataPath", client: asyncio.Transport, side: "SideConnection", from_client: bytes
) -> None:
    """Join a client's transport to a side's connection; ``from_client`` is what it sent already."""
    front, back = TunnelEnd(path, client), TunnelEnd(path, side.transport, side)
    front.other, back.other = back, front
    client.set_protocol(front)
    side.transport.set_protocol(back)
    path.joined(front)
    path.joined(back)
    front.touch()
    if from_client:
        side.transport.write(from_client)

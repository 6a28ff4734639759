"""The tap's two ends over a Unix socket: the gateway writes and never waits, the process that compares listens and reads.

A frame is four bytes of length (big-endian) and one copy. When the reader is slow, dead or not there, copies are dropped.
"""

import asyncio
import contextlib
import struct
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import structlog

from caravan.core.errors import CaravanError
from caravan.migration.exchange import Exchange
from caravan.migration.gateway.tap import Copy, CopyError, decode_copy, encode_copy

__all__ = ["TapReader", "TapTakenError", "TapWriter"]

log = structlog.get_logger(__name__)

_LENGTH: Final = struct.Struct("!I")
_LONGEST: Final = 16 * 1_048_576
_FLUSH_EVERY: Final = 0.005
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_STEADY: Final = 5.0
_LONGEST_REST: Final = 30.0
_IN_FLIGHT: Final = 262_144


class TapTakenError(CaravanError):
    code = "tap_taken"
    status = 409
    title = "The tap has a reader"
    exit_code = 2
    fix = (
        "Stop the other reader; where it is the conductor of `caravan run`, let it record as well:"
        " `caravan run FILE --record NAME`."
    )


class TapWriter(asyncio.Protocol):
    """The gateway's end, in one event loop. At most ``copies`` copies or ``size`` bytes wait; what comes then is dropped."""

    def __init__(self, path: Path, *, copies: int = 2_000, size: int = 67_108_864) -> None:
        self._path = path
        self._copies = copies
        self._size = size
        self._waiting: deque[Copy] = deque()
        self._bytes = 0
        self._transport: asyncio.WriteTransport | None = None
        self.room = False
        self._writable = True
        self._scheduled = False
        self._lost = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._keeping = self._loop.create_task(self._keep_connected())

    def offer(self, copy: Copy) -> bool:
        """Take a copy to be written soon; False when there is no room for it."""
        if self._transport is None:
            return False
        size = _size(copy)
        if len(self._waiting) >= self._copies or self._bytes + size > self._size:
            self.room = False  # until half of what waits has left
            return False
        self._waiting.append(copy)
        self._bytes += size
        if not self._scheduled and self._writable:
            self._scheduled = True
            self._loop.call_later(_FLUSH_EVERY, self._flush)
        return True

    def _flush(self) -> None:
        self._scheduled = False
        transport, waiting = self._transport, self._waiting
        while transport is not None and waiting and self._writable:
            frames: list[bytes] = []
            size = 0
            while waiting and size < _IN_FLIGHT:
                copy = waiting.popleft()
                self._bytes -= _size(copy)
                frame = encode_copy(copy)
                frames += (_LENGTH.pack(len(frame)), frame)
                size += len(frame)
            transport.write(b"".join(frames))
        if len(waiting) <= self._copies // 2 and self._bytes <= self._size // 2:
            self.room = transport is not None

    async def _keep_connected(self) -> None:
        """Connect whenever there is somebody; one who breaks off soon after each connection is asked less and less often."""
        pause, rest = _FIRST_PAUSE, _FIRST_PAUSE
        while True:
            try:
                await self._loop.create_unix_connection(lambda: self, str(self._path))
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause, began = _FIRST_PAUSE, time.monotonic()
            log.info("gateway.tap_connected", socket=str(self._path))
            await self._lost.wait()
            log.warning("gateway.tap_lost", socket=str(self._path))
            rest = min(rest * 2, _LONGEST_REST) if time.monotonic() - began < _STEADY else _FIRST_PAUSE
            await asyncio.sleep(rest)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.set_write_buffer_limits(high=_IN_FLIGHT)
        self._writable = self.room = True
        self._lost.clear()
        self._flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self.room = False
        self._waiting.clear()
        self._bytes = 0
        self._lost.set()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._flush()

    async def close(self) -> None:
        """Write what can be written at once, and end."""
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        self._flush()
        if self._transport is not None:
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._lost.wait()
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)


async def _is_read(path: Path) -> bool:
    """Tell whether somebody accepts connections there; a socket that a killed reader left behind refuses them."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True


def _size(copy: Copy) -> int:
    bodies = (copy.request_body, copy.answer_body)
    return (
        len(copy.request)
        + len(copy.answer)
        + sum(len(body) for body in bodies if isinstance(body, bytes))
        + 200
    )


class TapReader:
    """The reader's end: ``async with TapReader(path) as exchanges: async for exchange in exchanges``.

    At most ``ahead`` exchanges are read ahead; then the socket fills, and the gateway drops. A tap has one reader: whoever comes
    second is refused with ``TapTakenError``, and takes nothing from the first.
    """

    def __init__(self, path: Path, *, ahead: int = 1_000) -> None:
        self._path = path
        self._queue: asyncio.Queue[Exchange] = asyncio.Queue(ahead)
        self._server: asyncio.Server | None = None
        self._readers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if await _is_read(self._path):
            raise TapTakenError(f"Somebody reads the tap {self._path} already.")
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self._path))
        self._path.chmod(0o600)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._readers):
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def __aiter__(self) -> AsyncIterator[Exchange]:
        return self

    async def __anext__(self) -> Exchange:
        return await self._queue.get()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._read(reader, writer))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > _LONGEST:
                    raise CopyError(f"a frame of {length} bytes")
                await self._queue.put(decode_copy(await reader.readexactly(length)))
        except asyncio.IncompleteReadError:
            pass  # the gateway has ended
        except (CopyError, ValueError, ConnectionError) as error:
            log.warning("gateway.tap_unreadable", error=str(error))
        finally:
            writer.close()

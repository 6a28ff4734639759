"""Calls as clients make them, from a thread of its own: at a rate, over kept connections, each with a client's key."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias

__all__ = ["Call", "Failure", "Load", "Mix"]

Call: TypeAlias = tuple[str, str, bytes]
"""Method, target, body."""
Mix: TypeAlias = Callable[[random.Random], Call]

_CONNECTIONS: Final = 16
_PATIENCE: Final = 10.0
_SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class Failure:
    """A client saw an error: a status of 5xx, or 0 for no answer."""

    key: str
    status: int
    at: float


@dataclass
class Load:
    """``with Load(port, rate, mix)``: so many requests a second until the block ends. ``keys`` clients, chosen at random."""

    port: int
    rate: float
    mix: Mix
    header: str = "X-Client"
    host: str = "shop.example"
    keys: int = 1_000_000
    seed: int = 1
    sent: int = 0
    failures: list[Failure] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._random = random.Random(self.seed)  # noqa: S311 - a load, not a secret
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_PATIENCE)

    @property
    def per_second(self) -> float:
        """The rate that was reached."""
        return self.sent / max(0.001, time.monotonic() - self._began)

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(_CONNECTIONS)))

    async def _client(self, number: int) -> None:
        pause = _CONNECTIONS / self.rate
        due = time.monotonic() + pause * number / _CONNECTIONS
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pause, time.monotonic() - pause)
            key, call = f"c{self._random.randrange(self.keys)}", self.mix(self._random)
            try:
                if streams is None:
                    streams = await asyncio.open_connection("127.0.0.1", self.port)
                async with asyncio.timeout(_PATIENCE):
                    status, kept = await self._ask(*streams, call, key)
            except (OSError, EOFError, TimeoutError, ValueError):
                status, kept = 0, False
            self.sent += 1
            if status == 0 or status >= _SERVER_ERROR:
                self.failures.append(Failure(key, status, time.monotonic()))
            if not kept and streams is not None:
                streams[1].close()
                streams = None
        if streams is not None:
            streams[1].close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call, key: str
    ) -> tuple[int, bool]:
        method, target, body = call
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n{self.header}: {key}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].partition(b"\r\n")[0]
        if length:
            await reader.readexactly(int(length))
        elif b"transfer-encoding: chunked" in answer:
            while (await reader.readuntil(b"\r\n")) != b"0\r\n":
                pass
            await reader.readuntil(b"\r\n")
        else:
            await reader.read()
        return int(answer[9:12]), b"connection: close" not in answer and bool(length)


def of(calls: Sequence[tuple[float, Mix]]) -> Mix:
    """Mix calls by their weights."""
    weights, makers = [weight for weight, _ in calls], [maker for _, maker in calls]
    return lambda source: source.choices(makers, weights)[0](source)

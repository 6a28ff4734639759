"""The connections to one side: kept alive, counted, handed out newest first."""

import asyncio
import ssl
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from caravan.core.errors import CaravanError
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.refusals import Refusal, SideBusyError, SideUnreachableError
from caravan.migration.gateway.side_connection import SideConnection

if TYPE_CHECKING:
    from caravan.migration.gateway.flight import Flight

__all__ = ["SideAddress", "SideAddressError", "SidePool"]

log = structlog.get_logger(__name__)

_PORTS: Final = {"http": 80, "https": 443}


class SideAddressError(CaravanError):
    code = "gateway.side_address"
    status = 422
    title = "The address of a side cannot be used"
    fix = "Write base_url as http://host:port or https://host, without a path, in [legacy] and [new]."
    exit_code = 2


@dataclass(frozen=True, slots=True)
class SideAddress:
    """Where one side answers. ``rewrite_host`` sends its own name as Host instead of the client's."""

    name: str
    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    rewrite_host: bool = False

    @classmethod
    def parse(cls, name: str, url: str, *, rewrite_host: bool = False) -> "SideAddress":
        """Read a base URL; raises ``SideAddressError``."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise SideAddressError(f"{name}: {url!r}: {error}.") from None
        if not port or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
            raise SideAddressError(f"{name}: {url!r} is not a bare address.")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        return cls(name, parts.hostname, port, tls, rewrite_host)

    @property
    def authority(self) -> bytes:
        """The address as a Host header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.tls else "http"]
        return (host if self.port == usual else f"{host}:{self.port}").encode()


class SidePool:
    """Connections to one side, in one event loop. At most ``limits.side_connections``; who comes then waits in line."""

    def __init__(self, address: SideAddress, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.address = address
        self.host = address.authority if address.rewrite_host else None
        self.open = 0
        self.retired = False
        self._limits = limits
        self._loop = loop
        self._all: set[SideConnection] = set()
        self._ended = asyncio.Event()
        self._idle: list[SideConnection] = []
        self._waiting: deque[Flight] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return len(self._idle)

    def ask(self, flight: "Flight", *, fresh: bool) -> None:
        """Give the flight a connection: at once when one is idle (and young enough, for a write), else when it is made.

        Calls ``flight.connected`` or ``flight.unconnected``. ``fresh`` wants one that carried nothing before.
        """
        if not fresh and (found := self._take(flight.decision.write)) is not None:
            flight.connected(found)
        elif self.open < self._limits.side_connections:
            self._connect(flight)
        elif self._idle and (old := self._idle.pop(0)) is not None:
            old.close()
            self._connect(flight)
        elif len(self._waiting) < self._limits.side_waiting:
            self._waiting.append(flight)
        else:
            flight.unconnected(SideBusyError())

    def _take(self, write: bool) -> SideConnection | None:
        idle = self._idle
        while idle:
            found = idle[-1]
            if found.closing:
                idle.pop()
                continue
            if write and time.monotonic() - found.idle_since > self._limits.write_reuse_seconds:
                return None
            return idle.pop()
        return None

    def _connect(self, flight: "Flight") -> None:
        self.open += 1
        task = self._loop.create_task(self._connected(flight))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connected(self, flight: "Flight") -> None:
        address = self.address
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                _, connection = await self._loop.create_connection(
                    lambda: SideConnection(self, self._limits),
                    address.host,
                    address.port,
                    ssl=address.tls,
                    server_hostname=address.host if address.tls else None,
                )
        except (OSError, TimeoutError) as error:
            self.open -= 1
            self._next()
            log.warning(
                "gateway.unreachable", side=address.name, address=address.authority.decode(), error=str(error)
            )
            flight.unconnected(SideUnreachableError())
            return
        self._all.add(connection)
        if flight.finished:
            self.give_back(connection)
        else:
            flight.connected(connection)

    def give_back(self, connection: SideConnection) -> None:
        """Take a connection that can carry another request."""
        waiting = self._waiting
        while waiting:
            flight = waiting.popleft()
            if not flight.finished:
                flight.connected(connection)
                return
        if self.retired:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)

    def lost(self, connection: SideConnection) -> None:
        """Learn that a connection has ended."""
        self.open -= 1
        self._all.discard(connection)
        if self.retired and not self._all:
            self._ended.set()
        if connection in self._idle:
            self._idle.remove(connection)
        self._next()

    def _next(self) -> None:
        while self._waiting and self.open < self._limits.side_connections:
            flight = self._waiting.popleft()
            if not flight.finished:
                self._connect(flight)

    def forget(self, flight: "Flight", refusal: Refusal) -> None:
        """Take a flight out of the line and refuse it."""
        if flight in self._waiting:
            self._waiting.remove(flight)
        flight.unconnected(refusal)

    def close_old(self, now: float) -> None:
        """Close what was idle for longer than the limit."""
        limit = now - self._limits.side_idle_seconds
        while self._idle and self._idle[0].idle_since < limit:
            self._idle.pop(0).close()

    def retire(self) -> None:
        """Close what is idle now, and what comes back later."""
        self.retired = True
        while self._idle:
            self._idle.pop().close()

    async def close(self) -> None:
        """End all connections, those that are being made too, and wait until they have ended."""
        self.retire()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self._all):
            connection.close()
        if self._all:
            await self._ended.wait()

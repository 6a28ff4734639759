"""One process of the gateway: its sockets, its clockwork, its ways to reload and to end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from caravan.migration.gateway.access_log import AccessLog
from caravan.migration.gateway.admin import AdminPort
from caravan.migration.gateway.client_connection import ClientConnection
from caravan.migration.gateway.data_path import DataPath
from caravan.migration.gateway.forwarding import TrustedProxies
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.measurements import NOW, VERSION
from caravan.migration.gateway.plan import Side
from caravan.migration.gateway.recent_writes import RecentWrites
from caravan.migration.gateway.side_pool import SideAddress, SidePool
from caravan.migration.gateway.tap import TapSink
from caravan.migration.gateway.tls import load_certificate, server_context

__all__ = ["GatewayOptions", "GatewayServer"]

log = structlog.get_logger(__name__)

_SWEEP_EVERY: Final = 0.25
_COUNT_EVERY: Final = 1.0
_BACKLOG: Final = 2_048


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What a process is told. ``new`` may be the old side's address before there is a new one."""

    old: SideAddress
    new: SideAddress
    limits: Limits = field(default_factory=Limits)
    certificate: Path | None = None
    key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    access_share: float = 1.0
    recent_file: Path | None = None


class GatewayServer:
    """Serves on listening sockets that it is given, on the running loop."""

    def __init__(
        self,
        options: GatewayOptions,
        *,
        tap: TapSink | None = None,
        access_log: AccessLog | None = None,
    ) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._tls: ssl.SSLContext | None = None
        if options.certificate is not None:
            self._tls = server_context(options.certificate, options.key)
        self.path = DataPath(
            self._pools(options),
            options.limits,
            proxies=TrustedProxies(options.trusted_proxies),
            access_log=access_log or AccessLog(options.access_share),
            recent=RecentWrites(options.recent_file),
            tap=tap,
        )
        self.not_ready: Callable[[], Iterable[str]] = tuple
        self._servers: list[asyncio.Server] = []
        self._clockwork: list[asyncio.Task[None]] = []
        self._retired: list[SidePool] = []

    def _pools(self, options: GatewayOptions) -> Mapping[Side, SidePool]:
        return {
            "old": SidePool(options.old, options.limits, self._loop),
            "new": SidePool(options.new, options.limits, self._loop),
        }

    async def start(self, clients: socket.socket, operators: socket.socket | None = None) -> None:
        """Begin to accept."""
        server = await self._loop.create_server(
            lambda: ClientConnection(self.path), sock=clients, ssl=self._tls, backlog=_BACKLOG
        )
        self._servers.append(server)
        if operators is not None:
            port = AdminPort(self.status, self._hand_over)
            self._servers.append(await asyncio.start_server(port.serve, sock=operators))
        self._clockwork += [
            self._loop.create_task(self._sweep()),
            self._loop.create_task(self._count()),
        ]

    def reload(self, options: GatewayOptions) -> None:
        """Take new addresses, limits, proxies and certificates; requests on their way end as they began.

        Raises:
            CaravanError: what is new cannot be used; then nothing has changed.
        """
        proxies = TrustedProxies(options.trusted_proxies)
        if self._tls is not None and options.certificate is not None:
            load_certificate(self._tls, options.certificate, options.key)
        pools = self._pools(options)
        for side, pool in pools.items():
            before = self.path.pools[side]
            if before.address != pool.address or options.limits != self._options.limits:
                self.path.pools[side] = pool
                before.retire()
                self._retired.append(before)
        self.path.proxies = proxies
        self.path.limits = options.limits
        self._options = options
        log.info("gateway.reloaded")

    async def drain(self) -> None:
        """Stop accepting, let what is on its way end within the limit, then break off the rest."""
        clients, *_ = self._servers
        clients.close()
        self.path.drain()
        try:
            async with asyncio.timeout(self.path.limits.drain_seconds):
                await self.path.empty.wait()
        except TimeoutError:
            log.warning("gateway.cut_off", connections=self.path.connections)
            self.path.abort_all()
            await self.path.empty.wait()

    async def close(self) -> None:
        """End everything at once; after ``drain`` nothing is left to be lost."""
        for server in self._servers:
            server.close()
        self.path.abort_all()
        for task in self._clockwork:
            task.cancel()
        await asyncio.gather(*self._clockwork, return_exceptions=True)
        await self.path.empty.wait()
        for pool in (*self.path.pools.values(), *self._retired):
            await pool.close()
        self._hand_over()
        self.path.access_log.flush()
        with contextlib.suppress(BufferError):
            self.path.recent.close()

    def status(self) -> Mapping[str, Any]:
        """Return what operators see: ready or why not, the table applied, and what there is at the moment."""
        reasons = ["draining"] if self.path.draining else list(self.not_ready())
        path = self.path
        return {
            "status": "not ready" if reasons else "ready",
            "reasons": reasons,
            "table": {"version": path.table.version, "epoch": path.table.epoch},
            "lease": path.has_lease,
            "held_units": sorted(path.table.held),
            "held_requests": len(path.holds),
            "connections": path.connections,
            "sides": {
                side: {
                    "address": pool.address.authority.decode(),
                    "connections": pool.open,
                    "idle": pool.idle,
                }
                for side, pool in path.pools.items()
            },
        }

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            await self.path.sweep()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(_COUNT_EVERY)
            self._hand_over()
            self.path.access_log.flush()

    def _hand_over(self) -> None:
        path = self.path
        path.measured.hand_over()
        NOW.labels("connections").set(path.connections)
        NOW.labels("held requests").set(len(path.holds))
        for side, pool in path.pools.items():
            NOW.labels(f"connections to {side}").set(pool.open)
        VERSION.set(path.table.version)

"""A process of the gateway: ``python -m caravan.entry.gateway FILE HOST PORT``, on its own SO_REUSEPORT sockets."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import structlog
import uvloop

from caravan.core.database import DatabaseAddress
from caravan.core.errors import CaravanError
from caravan.core.processes import end_with_supervisor
from caravan.core.settings import Settings, load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.ports import listening_socket
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.gateway.following import Following, TableFollower
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.server import GatewayOptions, GatewayServer
from caravan.migration.gateway.side_addresses import side_addresses
from caravan.migration.gateway.table_copy import TableCopy
from caravan.migration.gateway.tap_socket import TapWriter

__all__ = ["gateway_options", "main"]

log = structlog.get_logger(__name__)


def gateway_options(settings: Settings, config: MigrationConfig) -> GatewayOptions:
    """Return what the settings and the migration file say; raises ``CaravanError`` for an address that is none."""
    old, new = side_addresses(config, rewrite_host=settings.gateway_rewrite_host)
    given = config.gateway
    return GatewayOptions(
        old,
        new,
        limits=replace(
            Limits(),
            head_seconds=settings.gateway_head_seconds,
            body_seconds=settings.gateway_body_seconds,
            answer_seconds=settings.gateway_answer_seconds,
            stream_seconds=settings.gateway_stream_seconds,
            hold_seconds=given.hold_seconds,
            lease_seconds=settings.gateway_lease_seconds,
            drain_seconds=settings.gateway_drain_seconds,
        ),
        certificate=_beside(config, given.tls_certificate),
        key=_beside(config, given.tls_key),
        trusted_proxies=given.trusted_proxies,
        access_share=settings.gateway_access_log,
        recent_file=_folder(settings) / f"recent-writes-{config.migration.name}",
    )


def main() -> None:
    """Serve until SIGTERM; `caravan gateway` starts this module as a process."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    end_with_supervisor()
    _allow_many_files()
    file = Path(sys.argv[1])
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    uvloop.run(_serve(settings, file, sys.argv[2], int(sys.argv[3])))


async def _serve(settings: Settings, file: Path, host: str, port: int) -> None:
    config = read_config(file)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tap = TapWriter(settings.gateway_tap) if settings.gateway_tap else None
    server = GatewayServer(gateway_options(settings, config), tap=tap)
    loop.add_signal_handler(signal.SIGHUP, _reload, server, file)
    follower = TableFollower(
        _following(settings, config, port), server.path, TableCopy(_folder(settings), config.migration.name)
    )
    await follower.start()
    server.not_ready = lambda: [follower.trouble] if follower.trouble else []
    following = asyncio.create_task(follower.run())
    await server.start(
        listening_socket(host, port),
        listening_socket(settings.gateway_admin_host, settings.gateway_admin_port),
    )
    gc.collect()
    gc.freeze()  # what start-up made stays: walking it again and again would stop every request
    await stop.wait()
    await server.drain()
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    await follower.leave()
    await server.close()
    if tap is not None:
        await tap.close()


def _allow_many_files() -> None:
    """Take all the open files the system allows: each client and each connection to a side is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _reload(server: GatewayServer, file: Path) -> None:
    try:
        server.reload(gateway_options(load_settings(), read_config(file)))
    except CaravanError as error:
        log.warning("gateway.reload_refused", code=error.code, problem=error.message)


def _following(settings: Settings, config: MigrationConfig, port: int) -> Following:
    address = DatabaseAddress.parse(settings.database_url or "")
    head = config.migration
    name = f"{socket.gethostname()}:{port}:{os.getpid()}"
    return Following(address, head.name, name, lambda: ensured_tenants(address, head.org, None)[0])


def _beside(config: MigrationConfig, file: Path | None) -> Path | None:
    return None if file is None else config.file.parent / file


def _folder(settings: Settings) -> Path:
    return settings.home.resolve() / "gateway"


if __name__ == "__main__":
    main()

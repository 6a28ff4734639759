"""The process of the conductor: ``python -m caravan.entry.conductor FILE``, beside the processes of the gateway."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
import uvloop

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.processes import end_with_supervisor
from caravan.core.protocols import Notifier
from caravan.core.settings import Settings, load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.awaited_database import await_database
from caravan.entry.commands.record import recording_at
from caravan.entry.cutovers import cutovers_at
from caravan.entry.ports import listening_socket
from caravan.entry.tenants import ensured_tenants
from caravan.migration.conductor import Conductor, ConductorOptions, TapMissingError
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.cutover.recovery import settle_interrupted
from caravan.migration.gateway.admin import AdminPort
from caravan.migration.recording import Recorder, RedactingWriter, RedactionRules
from caravan.migration.shadow import DryRunKey
from caravan.migration.units import Scope
from caravan.platform.messaging.sending import choose_notifier

__all__ = ["main"]

log = structlog.get_logger(__name__)


class EmailNotifier:
    """Sends alarms through the installation's provider; each in a transaction of its own."""

    def __init__(self, settings: Settings, system: Database, org: UUID) -> None:
        self._settings, self._system, self._org = settings, system, org

    async def send(
        self, *, channel: str, to: str, template: str, variables: Mapping[str, Any], idempotency_key: str
    ) -> None:
        """Deliver one message; raises what the provider raises."""
        async with self._system.write() as session:
            notifier = choose_notifier(self._settings, channel, session, self._org)
            await notifier.send(
                channel=channel,
                to=to,
                template=template,
                variables=variables,
                idempotency_key=idempotency_key,
            )


def main() -> None:
    """Conduct until SIGTERM; `caravan run` starts this module as a process."""
    end_with_supervisor()
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line per request that is asked again
    config = read_config(Path(sys.argv[1]))
    address = DatabaseAddress.parse(settings.database_url or "")
    await_database(address)
    tenant = ensured_tenants(address, config.migration.org, config.migration.client)
    uvloop.run(_conduct(settings, config, address, tenant))


async def _conduct(
    settings: Settings, config: MigrationConfig, address: DatabaseAddress, tenant: tuple[UUID, UUID | None]
) -> None:
    scope = Scope(tenant[0], config.migration.name)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan conductor mail")
    notifier: Notifier = EmailNotifier(settings, system, scope.org_id)
    recorder = _recorder(settings)
    opened = partial(cutovers_at, settings, config, address, tenant, by="conductor")
    conductor = Conductor(
        address,
        scope,
        config,
        _options(settings, recorder),
        notifier=notifier,
        settle=lambda: settle_interrupted(address, scope, config, opened),
    )
    admin = AdminPort(lambda: _state(conductor, config), lambda: None)
    server = await asyncio.start_server(
        admin.serve, sock=listening_socket(settings.gateway_admin_host, settings.conductor_admin_port)
    )
    try:
        await conductor.run(stop)
    finally:
        server.close()
        if recorder is not None:
            await asyncio.to_thread(recorder.close)
        await system.close()


def _recorder(settings: Settings) -> Recorder | None:
    """Record beside comparing: a tap has one reader, and that is this process."""
    if settings.conductor_record is None:
        return None
    rules = RedactionRules.declared(settings.conductor_redact)
    return Recorder(RedactingWriter(recording_at(settings.conductor_record), rules))


def _options(settings: Settings, recorder: Recorder | None) -> ConductorOptions:
    if settings.gateway_tap is None:
        raise TapMissingError("CARAVAN_GATEWAY_TAP is not set.")
    secret, signs = settings.alert_webhook_secret, settings.shadow_dry_run_secret
    return ConductorOptions(
        tap=settings.gateway_tap,
        name=f"{socket.gethostname()}:{os.getpid()}",
        promotes=settings.conductor_promotes,
        webhook_secret=secret.get_secret_value() if secret else None,
        dry_run=DryRunKey(settings.shadow_dry_run_key, signs.get_secret_value().encode()) if signs else None,
        recorder=recorder,
        recording=settings.conductor_record or "",
    )


def _state(conductor: Conductor, config: MigrationConfig) -> Mapping[str, Any]:
    reasons = [] if conductor.ready else ["another conductor runs, or the database cannot be reached"]
    return {
        "status": "ready" if conductor.ready else "not ready",
        "reasons": reasons,
        "migration": config.migration.name,
    }


if __name__ == "__main__":
    main()

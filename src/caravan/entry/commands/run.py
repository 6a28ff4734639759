"""`caravan run`: everything a migration needs beside its two sides, with one command."""

import getpass
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.processes import Child, Supervisor
from caravan.core.settings import Settings, load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.awaited_database import Preparation
from caravan.entry.gateway import gateway_options
from caravan.entry.migration_console import console_child, console_door
from caravan.entry.ports import metrics_folder, refuse_taken_port
from caravan.entry.published import publish_when_changed
from caravan.entry.reloading import Reloading
from caravan.entry.tenants import ensured_tenants
from caravan.migration.conductor import contracts_of
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.recording import RedactionRules
from caravan.migration.units import Scope, connected, register

__all__ = ["app", "run"]

app = typer.Typer(add_completion=False)

_LONGEST_SOCKET: Final = 100


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The migration file, with [legacy], [new] and [[routes]].")],
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the file's.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of the file's.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many processes of the gateway share the port.")
    ] = None,
    console: Annotated[bool, typer.Option(help="Serve the console of this migration.")] = True,
    record: Annotated[
        str | None, typer.Option(help="Record the traffic beside comparing it: the name of a recording.")
    ] = None,
    redact: Annotated[
        list[str] | None, typer.Option(help="With --record: one more thing to redact, such as header:X.")
    ] = None,
) -> None:
    """Carry the traffic, compare both sides, decide about canaries, alarm, and show it all, until Ctrl-C. SIGHUP reads the file again."""
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    config = read_config(file)
    _check(settings, config)
    RedactionRules.declared(redact or ())
    host, port = host or config.gateway.address[0], port or config.gateway.address[1]
    number = processes or config.gateway.processes
    for taken in ((host, port), (settings.gateway_admin_host, settings.gateway_admin_port)):
        refuse_taken_port(*taken)
    refuse_taken_port(settings.gateway_admin_host, settings.conductor_admin_port)
    if console:
        refuse_taken_port(settings.console_host, settings.console_port)
    counted = settings.model_copy(update={"processes": number, "port": port})
    with (
        opened_servers(settings, redis=False) as addresses,
        metrics_folder(counted) as metrics,
        _tap(settings) as tap,
    ):
        preparation = Preparation(addresses.database, partial(_prepare, addresses.database, config))
        preparation.attempt()
        own = {
            **addresses.environment(),
            "CARAVAN_HOME": str(settings.home.resolve()),
            "CARAVAN_GATEWAY_TAP": str(tap),
        }
        gateway = [sys.executable, "-m", "caravan.entry.gateway", str(file.resolve()), host, str(port)]
        conductor = [sys.executable, "-m", "caravan.entry.conductor", str(file.resolve())]
        recorded = {"CARAVAN_CONDUCTOR_RECORD": record, "CARAVAN_CONDUCTOR_REDACT": ",".join(redact or ())}
        more = {name: value for name, value in recorded.items() if value}
        conducting = Child("conductor", conductor, {**own, **more})
        gateways = [Child(f"gateway {one}", gateway, {**own, **metrics}) for one in range(1, number + 1)]
        children = [conducting, *gateways]
        if console:
            door = console_door(settings, config)
            children.append(console_child(settings, config, door, own))
            typer.echo(door.told())
        grace = settings.gateway_drain_seconds + 2
        reloading = Reloading(
            config,
            partial(_check, settings),
            partial(_prepare, addresses.database),
            gateways=gateways,
            conductor=conducting,
        )
        # A conductor that keeps dying is no reason to end the gateways: they carry the traffic.
        Supervisor(
            children,
            grace=grace,
            patience=None,
            watches=[*addresses.watches(), preparation.watch],
            on_hangup=reloading.reload,
        ).run()


def _check(settings: Settings, config: MigrationConfig) -> None:
    """Raise what is wrong with the file: it is better told here than by each process."""
    gateway_options(settings, config)
    contracts_of(config)


def _prepare(address: DatabaseAddress, config: MigrationConfig) -> None:
    migrate(address)
    org, _ = ensured_tenants(address, config.migration.org, config.migration.client)
    scope, by = Scope(org, config.migration.name), getpass.getuser()
    with connected(address) as connection:
        register(connection, scope, config, by=by, at=utc_now())
    publish_when_changed(address, scope, config, by=by)


@contextmanager
def _tap(settings: Settings) -> Iterator[Path]:
    """Give the socket's path: the setting's, else one under home, or in a folder of its own where that would be too long."""
    if settings.gateway_tap is not None:
        yield settings.gateway_tap
        return
    path = settings.home.resolve() / "run" / "tap"
    if len(str(path)) <= _LONGEST_SOCKET:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="caravan-") as folder:
        yield Path(folder) / "tap"

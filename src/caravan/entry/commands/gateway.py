"""`caravan gateway`."""

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from caravan.core.database import Database, DatabaseAddress, Role, WriteSession
from caravan.core.processes import Child, Supervisor
from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import Addresses, opened_servers
from caravan.entry.default_command import DefaultCommandGroup
from caravan.entry.gateway import gateway_options
from caravan.entry.ports import metrics_folder, refuse_taken_port
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.gateway.confirming import forget_process, process_states
from caravan.migration.gateway.nginx import render_nginx
from caravan.migration.gateway.publishing import current_table, publish_table
from caravan.migration.units import Scope, UnitValues, connected
from caravan.migration.units.route_plan import route_plan
from caravan.migration.units.store import stored_units

__all__ = ["app"]

Result = TypeVar("Result")

app = typer.Typer(
    add_completion=False,
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    help="Carry the traffic: `caravan gateway FILE` runs it. `publish FILE` makes the file's routes the current table, `show"
    " FILE` prints table and processes, `forget FILE NAME` removes a process that is gone, `nginx FILE` renders the table"
    " for nginx.",
)

File = Annotated[Path, typer.Argument(help="The migration file, with [legacy], [new] and [[routes]].")]


@app.command("run", help="Run the gateway until Ctrl-C; SIGHUP reads file, settings and certificate again.")
def run(
    file: File,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the file's.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of the file's.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many processes share the ports.")
    ] = None,
) -> None:
    """Run processes that share the ports, each with sockets of its own."""
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    config = read_config(file)
    gateway_options(settings, config)  # what is wrong is better told here than by each process
    host, port = host or config.gateway.address[0], port or config.gateway.address[1]
    number = processes or config.gateway.processes
    refuse_taken_port(host, port)
    refuse_taken_port(settings.gateway_admin_host, settings.gateway_admin_port)
    counted = settings.model_copy(update={"processes": number, "port": port})
    with opened_servers(settings, redis=False) as addresses, metrics_folder(counted) as metrics:
        home = {"CARAVAN_HOME": str(settings.home.resolve())}
        environment = {**addresses.environment(), **metrics, **home}
        command = [sys.executable, "-m", "caravan.entry.gateway", str(file.resolve()), host, str(port)]
        children = [Child(f"gateway {one}", command, environment) for one in range(1, number + 1)]
        grace = settings.gateway_drain_seconds + 2
        Supervisor(children, grace=grace, watches=addresses.watches(), reloads=True).run()


@app.command("publish", help="Make the file's routes the current table; units keep their states.")
def publish(
    file: File,
    by: Annotated[str | None, typer.Option(help="Who publishes; the name of the user when left out.")] = None,
    expected: Annotated[int | None, typer.Option(help="Only when the current version is this one.")] = None,
) -> None:
    """Publish against the version that was read, so that of two who publish at once one is told."""
    config = read_config(file)

    async def work(session: WriteSession, org: UUID, address: DatabaseAddress) -> int:
        current = await current_table(session, org, config.migration.name)
        units = await asyncio.to_thread(_states, address, Scope(org, config.migration.name))
        plan = route_plan(config, units)
        published = await publish_table(
            session,
            org,
            config.migration.name,
            plan,
            expected=current.version if expected is None else expected,
            by=by or getpass.getuser(),
            reason=f"routes of {file.name}",
        )
        return published.version

    print(f"published version {_in_database(config, work)}")


@app.command("show", help="Print the current table and the gateway's processes, as JSON.")
def show(file: File) -> None:
    """Print what is."""
    config = read_config(file)

    async def work(session: WriteSession, org: UUID, _address: DatabaseAddress) -> dict[str, Any]:
        current = await current_table(session, org, config.migration.name)
        states = await process_states(session, org, config.migration.name)
        return {
            "version": current.version,
            "epoch": current.epoch,
            "by": current.by,
            "at": current.at.isoformat() if current.at else None,
            "table": current.plan.document(),
            "processes": [
                {
                    "name": state.name,
                    "version": state.version,
                    "silent_seconds": round(state.silent, 1),
                    "has_lease": state.has_lease,
                    "held": sorted(state.held),
                    "writes_on_their_way": dict(state.in_flight),
                }
                for state in states
            ],
        }

    print(json.dumps(_in_database(config, work), indent=2))


@app.command("forget", help="Remove a gateway process that is gone for good and would hold a switch up.")
def forget(file: File, name: Annotated[str, typer.Argument(help="As `show` names it.")]) -> None:
    """Remove it."""
    config = read_config(file)

    async def work(session: WriteSession, org: UUID, _address: DatabaseAddress) -> bool:
        return await forget_process(session, org, config.migration.name, name)

    if not _in_database(config, work):
        print(f"there is no process {name}", file=sys.stderr)
        raise typer.Exit(1)
    print("forgotten")


@app.command("nginx", help="Print the current table as a server of nginx.")
def nginx(
    file: File, listen: Annotated[str, typer.Option(help="What nginx listens on.")] = "127.0.0.1:8080"
) -> None:
    """Render it."""
    config = read_config(file)
    options = gateway_options(load_settings(), config)

    async def work(session: WriteSession, org: UUID, _address: DatabaseAddress) -> str:
        current = await current_table(session, org, config.migration.name)
        return render_nginx(current.plan, options.old, options.new, listen=listen)

    print(_in_database(config, work), end="")


def _states(address: DatabaseAddress, scope: Scope) -> dict[str, UnitValues]:
    with connected(address, read_only=True) as connection:
        return {name: unit.values for name, unit in stored_units(connection, scope).items()}


def _in_database(
    config: MigrationConfig, work: Callable[[WriteSession, UUID, DatabaseAddress], Awaitable[Result]]
) -> Result:
    """Run one transaction in the system's role."""
    settings = load_settings()

    async def inside(addresses: Addresses, org: UUID) -> Result:
        database = Database(
            addresses.database, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan gateway"
        )
        try:
            async with database.write() as session:
                return await work(session, org, addresses.database)
        finally:
            await database.close()

    with opened_servers(settings, redis=False) as addresses:
        org, _ = ensured_tenants(addresses.database, config.migration.org, None)
        return asyncio.run(inside(addresses, org))

"""`caravan quarantine`."""

import asyncio
import getpass
from typing import Annotated
from uuid import UUID

import typer

from caravan.core.clock import utc_now
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.migration.load import purge
from caravan.migration.load.refused import Opened, list_quarantine, quarantined_original
from caravan.platform.audit import record

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="Records that could not be imported.", no_args_is_help=True)


@app.command("list")
def list_command(
    migration: Annotated[str | None, typer.Option(help="Only this migration.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """List what is in quarantine, newest first, with class, field and reason."""
    with opened_servers(load_settings(), redis=False) as addresses:
        for entry in list_quarantine(addresses.database, migration=migration, limit=limit):
            print(
                f"{entry.id}  {entry.data_set:14} {entry.reason:24} {entry.key or '-':26} {entry.field}: {entry.detail}"
            )


@app.command("show")
def show(entry: Annotated[UUID, typer.Argument(help="Id of the entry.")]) -> None:
    """Print the original bytes of one record as Extended JSON; the audit says who had it opened."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        address = addresses.database
        print(quarantined_original(address, settings.home, entry, lambda opened: _audit(address, opened)))


@app.command("purge")
def purge_command(
    days: Annotated[
        int | None, typer.Option(min=0, help="Older than this; the setting decides otherwise.")
    ] = None,
) -> None:
    """Delete original bytes past their retention; what was refused and why stays on record."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        kept = settings.quarantine_days if days is None else days
        purged = purge(addresses.database, days=kept, now=utc_now())
    print(f"{purged} originals purged")


def _audit(address: DatabaseAddress, opened: Opened) -> None:
    """Write an entry of the record's organisation; whoever may run this command is known by the system's user name."""
    caller = Principal(PrincipalKind.SERVICE, org=opened.org_id, name="caravan quarantine")

    async def inside() -> None:
        system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan quarantine")
        try:
            async with system.write(opened.org_id) as session:
                await record(
                    session,
                    caller,
                    "quarantine.original_opened",
                    entity="quarantined_record",
                    entity_id=opened.id,
                    after={**opened.facts, "by": getpass.getuser(), "through": "command line"},
                )
        finally:
            await system.close()

    asyncio.run(inside())

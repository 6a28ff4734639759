"""`caravan migration probe`: whether dry runs of writes tell the rows that they changed."""

from typing import Annotated

import psycopg
import typer

from caravan.core.database.dry_run_probe import probe_off, probe_on, probed_tables
from caravan.core.errors import CaravanError
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers

__all__ = ["TableBusyError", "app"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Whether dry runs of writes tell the rows that they changed.",
)


class TableBusyError(CaravanError):
    code = "table_busy"
    status = 503
    title = "A table was written to all the time"
    fix = "Run the command again: what it had done stays, and it waits 2 s per table."


@app.command("on")
def on(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables to tell; all of tenants when none is named.")
    ] = None,
) -> None:
    """Add the triggers that note rows. While they are there each write of these tables costs a little more."""
    with opened_servers(load_settings(), redis=False, report=_tell) as addresses:
        try:
            found = probe_on(addresses.database, tables or ())
        except psycopg.errors.LockNotAvailable as error:
            raise TableBusyError(str(error.diag.message_primary)) from None
    print(f"dry runs tell the rows of {', '.join(found)}")


@app.command("off")
def off() -> None:
    """Remove the triggers again; dry runs go on, and tell no rows."""
    with opened_servers(load_settings(), redis=False, report=_tell) as addresses:
        try:
            found = probe_off(addresses.database)
        except psycopg.errors.LockNotAvailable as error:
            raise TableBusyError(str(error.diag.message_primary)) from None
    print(f"no longer told: {', '.join(found)}" if found else "nothing to do: no rows were told")


@app.command("status")
def status() -> None:
    """Tell the tables whose rows are told."""
    with opened_servers(load_settings(), redis=False, report=_tell) as addresses:
        found = probed_tables(addresses.database)
    print("\n".join(found) or "no rows are told")


def _tell(line: str) -> None:
    typer.echo(line, err=True)

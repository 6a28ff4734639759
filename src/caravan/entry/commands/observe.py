"""`caravan cutover observe`: which tables requests use, for the graph that `caravan cutover units` prints."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from caravan.core.clock import utc_now
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.commands.probe import TableBusyError
from caravan.entry.commands.record import recording_at
from caravan.entry.migration_database import written
from caravan.entry.observing import opened_logs, probes_of, requests_of_exchanges, requests_of_file
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import read_config
from caravan.migration.contract.header_options import headers_of
from caravan.migration.cutover.errors import NotObservableError
from caravan.migration.cutover.observed_units import Use
from caravan.migration.cutover.observing.table_uses import forget_uses, note_uses
from caravan.migration.cutover.observing.triggers import collect, observe_off, observe_on
from caravan.migration.cutover.observing.windows import Log, Probe, Window, windows
from caravan.migration.load.planning import plan
from caravan.migration.recording import Readings, Recording
from caravan.migration.shadow import asked_at, asking_client

__all__ = ["app"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="See which tables requests use: `send` them one at a time and read the store's log meanwhile, or have triggers of the"
    " platform note them (`on`, `collect`, `off`). Dry runs of writes are noted by `caravan run`. Then `caravan cutover units FILE`.",
)

File = Annotated[Path, typer.Argument(help="The migration file.")]


@app.command("send")
def send(  # noqa: PLR0913, PLR0917 - the options of a command
    file: File,
    recordings: Annotated[
        list[str] | None, typer.Option("--recording", help="A recording's name or folder; may be repeated.")
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(help="Declared requests: a JSON object per line with method, target, headers, body."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Base URL to send to, instead of the file's gateway address.")
    ] = None,
    writes: Annotated[
        bool,
        typer.Option("--writes", help="Send what is declared to write too: the old side carries it out."),
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="Requests of each route, at most.")] = 3,
    settle: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds for what goes on behind an answer.")
    ] = 0.3,
    tables: Annotated[
        list[str] | None, typer.Option("--table", help="Look at this table; all when none is named.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="'Name: value', sent with each request.")
    ] = None,
) -> None:
    """Send one request at a time, and note what the log of the old store tells of its time. Exit code 2: nothing can be sent."""
    config = read_config(file)
    recorded = Readings([Recording.existing(recording_at(name).folder) for name in recordings or ()])
    given = chain(requests_of_file(requests) if requests else (), requests_of_exchanges(recorded))
    extra = tuple(headers_of(header or ()).items())
    probes, left = probes_of(config, given, writes=writes, most=most, headers=extra)
    for why, number in left.items():
        _tell(f"{number} left out: {why}")
    if not probes:
        raise NotObservableError("No request is left to send; give --recording or --requests, and --writes.")
    host, port = config.gateway.address
    with written(config) as (address, connection, scope):
        tenant = ensured_tenants(address, config.migration.org, config.migration.client)
        with opened_logs(config, plan(config, tenant), connection, scope, tables or ()) as logs:
            seen = asyncio.run(_sent(to or f"http://{host}:{port}", probes, logs, settle))
        uses = [use for window in seen for use in window.uses]
        note_uses(connection, scope, uses, "window", utc_now())
    _told(seen)


@app.command("on")
def on(
    file: File,
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables to note; all of tenants when none is named.")
    ] = None,
) -> None:
    """Add triggers to the platform's tables that note which request changes which. Each write costs a little more meanwhile."""
    read_config(file)
    with opened_servers(load_settings(), redis=False) as addresses:
        try:
            found = observe_on(addresses.database, tables or ())
        except psycopg.errors.LockNotAvailable as error:
            raise TableBusyError(str(error.diag.message_primary)) from None
    print(f"noted: who writes {', '.join(found)}")


@app.command("collect")
def collect_command(file: File) -> None:
    """Take what triggers have noted for the graph of units."""
    config = read_config(file)
    with written(config) as (_, connection, scope):
        uses, unknown = collect(connection, scope, config)
    _tell_uses(uses)
    for asked in unknown:
        _tell(f"of no route of the file: {asked}")


@app.command("off")
def off(file: File) -> None:
    """Collect what was noted, and remove the triggers."""
    collect_command(file)
    with opened_servers(load_settings(), redis=False) as addresses:
        try:
            found = observe_off(addresses.database)
        except psycopg.errors.LockNotAvailable as error:
            raise TableBusyError(str(error.diag.message_primary)) from None
    print(f"no longer noted: {', '.join(found)}" if found else "nothing to do: nothing was noted")


@app.command("forget")
def forget(file: File) -> None:
    """Forget all that was seen, as before a look at changed code."""
    with written(read_config(file)) as (_, connection, scope):
        print(f"{forget_uses(connection, scope)} uses forgotten")


async def _sent(to: str, probes: Iterable[Probe], logs: Iterable[Log], settle: float) -> list[Window]:
    async with asking_client() as client:
        return [window async for window in windows(probes, asked_at(to, client), logs, settle=settle)]


def _told(seen: Sequence[Window]) -> None:
    for window in seen:
        answer = window.answer.failure or window.answer.status
        did = ", ".join(f"{use.operation} {use.table}" for use in window.uses) or "changed nothing"
        print(f"{window.probe.route}  {window.probe.identity}: {answer}: {did}")
    others = sorted({table for window in seen for table in window.others})
    if others:
        _tell(
            f"somebody else writes {', '.join(others)} meanwhile: what requests seem to do there may be theirs"
        )


def _tell_uses(uses: Iterable[Use]) -> None:
    for (route, operation, table), number in sorted(
        Counter((use.route, use.operation, use.table) for use in uses).items()
    ):
        print(f"{route}: {operation} {table}, {number} requests")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)

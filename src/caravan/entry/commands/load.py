"""`caravan load`."""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.settings import Settings, load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.default_command import DefaultCommandGroup
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.load import (
    DEFAULT_WORKERS,
    LoadReport,
    LoadRequest,
    load_report_page,
    print_load_report,
    progress_for,
    run_load,
    undo,
)
from caravan.migration.load.planning import plan
from caravan.migration.sync import NothingToFollowError, beside_flows, flow_settings, sweep

__all__ = ["app", "load_file", "load_request"]

_STOPPED: Final = 4

app = typer.Typer(
    add_completion=False,
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    help="Load data sets: `caravan load FILE [--source DIR] [--dry-run] [--limit N] [--json]`. Run again, it goes on where it"
    " stopped. `caravan load run --help` tells the options, `caravan load undo FILE` takes out what loads brought.",
)

File = Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")]


@app.command(
    "run", help="Load what is not loaded yet, verify the whole, and report. The word `run` may be left out."
)
def run(
    file: File,
    source: Annotated[
        Path | None, typer.Option(help="Read from here instead of the file's source path.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and map everything, write nothing.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many records per data set.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Processes that map; 0 maps in this one.")
    ] = DEFAULT_WORKERS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report alone, as JSON, on standard output.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option(help="Write the report as an HTML page here; else below reports/ of the home folder."),
    ] = None,
) -> None:
    """Exit codes: 0 all loaded or waived, 2 wrong use, 3 something quarantined without a waiver, 4 stopped or a check failed."""
    settings = load_settings()
    config = read_config(file)
    try:
        with opened_servers(settings, redis=False) as addresses:
            migrate(addresses.database)
            request = load_request(
                settings,
                addresses.database,
                config,
                source=source,
                dry_run=dry_run,
                limit=limit,
                workers=workers,
            )
            request = replace(request, beside=beside_flows(addresses.database, config))
            report = run_load(request, progress_for())
            if not (dry_run or limit or source) and not report.stopped:
                _sweep(settings, addresses.database, config)
    except KeyboardInterrupt:
        _tell("interrupted between two steps; the load can be resumed: run the same command again")
        raise typer.Exit(_STOPPED) from None
    if as_json:
        print(report.to_json())
    else:
        print_load_report(report, sys.stdout)
    _tell(f"the report as a page: {_write_page(report, page or _page_of(settings, report))}")
    raise typer.Exit(report.exit_code)


@app.command("undo")
def undo_command(file: File) -> None:
    """Take out exactly what this migration's loads brought; refuses where later rows depend on it."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        removed = undo(load_request(settings, addresses.database, config))
    for table, rows in removed.items():
        print(f"{rows:>10,}  {table}")
    print("undone" if any(removed.values()) else "nothing to undo")


def load_file(settings: Settings, address: DatabaseAddress, config: MigrationConfig) -> LoadReport:
    """Load one migration for `caravan up`: its report goes to standard error and to a page."""
    request = replace(load_request(settings, address, config), beside=beside_flows(address, config))
    report = run_load(request, progress_for())
    print_load_report(report, sys.stderr)
    _write_page(report, _page_of(settings, report))
    return report


def load_request(
    settings: Settings,
    address: DatabaseAddress,
    config: MigrationConfig,
    *,
    source: Path | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    workers: int = DEFAULT_WORKERS,
) -> LoadRequest:
    """Return what the engine needs, with tenants made by identity."""
    return LoadRequest(
        config=config,
        database=address,
        tenants=lambda org, client: ensured_tenants(address, org, client),
        home=settings.home,
        source_override=source,
        dry_run=dry_run,
        limit=limit,
        workers=workers,
    )


def _sweep(settings: Settings, address: DatabaseAddress, config: MigrationConfig) -> None:
    """Where changes are followed, take out what the source lost before the capture began."""
    tenant = ensured_tenants(address, config.migration.org, config.migration.client)
    with suppress(NothingToFollowError):
        flows = flow_settings(config, plan(config, tenant), address, "forward", home=settings.home)
        for source, setting in flows.items():
            if gone := sweep(setting):
                _tell(f"{gone} records that {source} has no more were removed")


def _page_of(settings: Settings, report: LoadReport) -> Path:
    kind = "dry-run" if report.dry_run else "load"
    return settings.home.resolve() / "reports" / f"{kind}-{report.migration}.html"


def _write_page(report: LoadReport, page: Path) -> Path:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(load_report_page(report), encoding="utf-8")
    return page


def _tell(line: str) -> None:
    print(line, file=sys.stderr)

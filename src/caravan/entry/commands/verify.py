"""`caravan verify`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.commands.load import load_request
from caravan.migration.config import read_config
from caravan.migration.load import print_verify_report, progress_for
from caravan.migration.load import verify as verify_load

__all__ = ["app", "verify"]

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The migration file.")],
    source: Annotated[
        Path | None, typer.Option(help="Read from here instead of the file's source path.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report alone, as JSON.")] = False,
) -> None:
    """Compare the target with its source. Exit codes: 0 equal, 2 wrong use, 4 something differs."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        report = verify_load(
            load_request(settings, addresses.database, config, source=source), progress_for()
        )
    if as_json:
        print(report.to_json())
    else:
        print_verify_report(report, sys.stdout)
    raise typer.Exit(report.exit_code)

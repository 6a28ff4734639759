"""`caravan migration check`."""

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caravan.core.clock import utc_now
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.config.advice import advice
from caravan.migration.config.positions import Place, nearest_position, positions
from caravan.migration.config.reading import named

__all__ = ["check"]

_WRONG: Final = 2


def check(
    file: Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")],
    stores: Annotated[
        bool,
        typer.Option(
            help="Hold mappings against the sources, and the database of DATABASE_URL, that can be reached."
        ),
    ] = True,
) -> None:
    """Check a migration file and its mappings; each problem with line and column, and what to do. Exit code 2: something is wrong."""
    config = read_config(file)
    text = file.read_text(encoding="utf-8")
    found, data = positions(text), tomllib.loads(text)
    notes = problems = 0
    for place, said, wrong in _findings(config, stores=stores):
        notes, problems = notes + (not wrong), problems + wrong
        line, column = nearest_position(found, place) or (1, 1)
        word = "wrong" if wrong else "note"
        print(f"{file}:{line}:{column}: {word}: {'.'.join(named(place, data))}: {said}")
    told = f"{problems} problems" if problems else "nothing is wrong"
    print(
        f"{file}: {len(config.routes)} routes, {len(config.units)} units, {len(config.data_sets)} data sets;"
        f" {told}{f', {notes} notes' if notes else ''}"
    )
    if problems:
        raise typer.Exit(_WRONG)


def _findings(config: MigrationConfig, *, stores: bool) -> Iterator[tuple[Place, str, bool]]:
    for item in advice(config, utc_now().date()):
        yield item.place, item.said, False
    if stores and config.data_sets:
        # A file without data is checked without the libraries of databases.
        looking: Any = import_module("caravan.entry.checked_mappings")
        for finding in looking.reachable_findings(config):
            yield finding.place, finding.said, finding.wrong

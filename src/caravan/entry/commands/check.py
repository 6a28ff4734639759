"""`caravan migration check`."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from caravan.core.clock import utc_now
from caravan.migration.config import read_config
from caravan.migration.config.advice import advice
from caravan.migration.config.positions import nearest_position, positions
from caravan.migration.config.reading import named

__all__ = ["check"]


def check(
    file: Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")],
) -> None:
    """Check a migration file; each problem with line and column, and what to do. Exit code 2 when something is wrong."""
    config = read_config(file)
    text = file.read_text(encoding="utf-8")
    found, data = positions(text), tomllib.loads(text)
    notes = 0
    for item in advice(config, utc_now().date()):
        notes += 1
        line, column = nearest_position(found, item.place) or (1, 1)
        print(f"{file}:{line}:{column}: note: {'.'.join(named(item.place, data))}: {item.said}")
    print(
        f"{file}: {len(config.routes)} routes, {len(config.units)} units, {len(config.data_sets)} data sets;"
        f" nothing is wrong{f', {notes} notes' if notes else ''}"
    )

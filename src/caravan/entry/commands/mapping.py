"""`caravan migration mapping`: a first mapping of a source, and its tables as SQL."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final, get_args

import typer

from caravan.core.errors import CaravanError
from caravan.migration.load.readers import SourceKind
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.scaffold import scaffold
from caravan.migration.mapping.table_statements import table_statements

__all__ = ["mapping"]

_KINDS: Final = get_args(SourceKind)


class MappingFileExistsError(CaravanError):
    code = "mapping.file_exists"
    status = 409
    title = "There is a file of that name"
    exit_code = 2
    fix = "Name another file with -o, or move the old one away: a mapping that was edited is never written over."


def mapping(
    source: Annotated[
        str, typer.Argument(help="The address of a server, the path of a dump; with --tables a module.")
    ],
    table: Annotated[list[str] | None, typer.Option(help="Only this table or collection; repeat it.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The file to write; standard output when left out.")
    ] = None,
    schema: Annotated[str, typer.Option(help="The schema of the target tables.")] = "legacy",
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(_KINDS)}.")] = "auto",
    tables: Annotated[
        bool, typer.Option("--tables", help="Print the target tables of a mapping module as SQL instead.")
    ] = False,
) -> None:
    """Write a first mapping of a source, to edit: from the tables it declares, or from a sample of its documents."""
    if tables:
        _write(out, _tables_of(source))
        return
    chosen = next((each for each in _KINDS if each == kind), None)
    if chosen is None:
        raise typer.BadParameter(f"{kind!r} is no kind; known are {', '.join(_KINDS)}")
    place = source if "://" in source else Path(source)
    _write(out, scaffold(place, tables=table or (), schema=schema, kind=chosen))


def _tables_of(module: str) -> str:
    """Return the statements for the tables of every entity of a module."""
    sys.path.insert(0, str(Path.cwd()))
    found = [value for value in vars(import_module(module)).values() if isinstance(value, Entity)]
    return "".join(f"{statement};\n\n" for entity in found for statement in table_statements(entity.tables))


def _write(out: Path | None, text: str) -> None:
    if out is None:
        print(text, end="")
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise MappingFileExistsError(f"{out} is there already") from None
    print(f"{out}: edit it, then name its entities in the migration file")

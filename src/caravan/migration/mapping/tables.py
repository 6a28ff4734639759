"""The target tables that a declaration fills."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from caravan.migration.mapping.codecs import ReferenceTo
from caravan.migration.mapping.contract import Column, Reference, TargetTable
from caravan.migration.mapping.errors import MappingDeclarationError
from caravan.migration.mapping.fields import Child, Field, Main, Side

__all__ = ["columns_of", "main_columns", "target_tables"]

_ORG: Final = Column("org_id", "uuid")
_ID: Final = Column("id", "uuid")
_EXTRA: Final = Column("extra", "jsonb")


def target_tables(main: Main, sides: Sequence[Side], children: Sequence[Child]) -> tuple[TargetTable, ...]:
    """Return the tables, each once, the entity's own first.

    Raises:
        MappingDeclarationError: a column comes twice, or two children fill one table with different columns.
    """
    own = main_columns(main)
    found = [TargetTable(main.table, own, None, _references(main.fields))]
    found += [
        TargetTable(side.table, (_ORG, _ID, *columns_of(side.fields)), side.parent, _references(side.fields))
        for side in sides
    ]
    for child in children:
        found += _child_tables(child, {column.name: column for column in own})
    tables: dict[str, TargetTable] = {}
    for table in found:
        _check(table, tables.setdefault(table.name, table))
    return tuple(tables.values())


def main_columns(main: Main) -> tuple[Column, ...]:
    """Return the columns of the entity's own table."""
    client = (Column("client_id", "uuid"),) if main.client else ()
    extra = (_EXTRA,) if main.extra else ()
    return (_ORG, _ID, *client, *columns_of(main.fields), *extra)


def columns_of(fields: Iterable[Field]) -> tuple[Column, ...]:
    """Return the columns these fields fill."""
    return tuple(Column(field.column, field.codec.sql_type, field.codec.scale) for field in fields)


def _child_tables(child: Child, own: dict[str, Column]) -> Iterator[TargetTable]:
    position = (Column(child.position, "integer"),) if child.position else ()
    inherited = tuple(own[name] for name in child.inherited)
    constants = tuple(Column(name, "text") for name, _ in child.constants)
    columns = (
        _ORG,
        _ID,
        Column(child.parent, "uuid"),
        *position,
        *inherited,
        *constants,
        *columns_of(child.fields),
        _EXTRA,
    )
    yield TargetTable(child.table, columns, child.parent, _references(child.fields, f"{child.source}."))
    if child.side:
        side = (_ORG, _ID, Column(child.side.parent, "uuid"), *columns_of(child.side.fields))
        yield TargetTable(
            child.side.table, side, child.side.parent, _references(child.side.fields, f"{child.source}.")
        )


def _references(fields: Iterable[Field], prefix: str = "") -> tuple[Reference, ...]:
    return tuple(
        Reference(field.column, field.codec.table, field.codec.entity, prefix + field.source)
        for field in fields
        if isinstance(field.codec, ReferenceTo)
    )


def _check(table: TargetTable, before: TargetTable) -> None:
    names = [column.name for column in table.columns]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise MappingDeclarationError(f"table {table.name}: two fields fill {', '.join(sorted(twice))}")
    if (table.columns, table.parent) != (before.columns, before.parent):
        raise MappingDeclarationError(
            f"table {table.name}: two parts of the mapping fill it with different columns"
        )

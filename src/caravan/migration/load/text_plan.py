"""Whether a data set can be loaded as text, and how: what the source writes, what is staged, what PostgreSQL makes of it.

A data set qualifies when every column of its target is a value of the source that both stores write alike, and SQL can tell each value
that the mapping would refuse. There is one plan for all its rows: a chunk with a value that is told is loaded record by record.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import Reader, SourceTable, TextReader, TextSource, kind_of_column
from caravan.migration.load.text_cells import Cells, cells_of
from caravan.migration.load.text_codecs import NotAsTextError, TextColumn, text_column
from caravan.migration.mapping.codecs import ReferenceTo
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field

__all__ = ["KEY_COLUMN", "TextPlan", "text_plan"]

KEY_COLUMN: Final = "_key"
_ID: Final = "id"
_MOST_COLUMNS: Final = 200


@dataclass(frozen=True, slots=True)
class TextPlan:
    """``staged`` are (name, type) in the order of the line: id, key, then a column per field.

    ``values`` are SQL for the target's columns in their order, ``wrong`` an SQL condition of a row that must be mapped, both over a staged
    row ``s``. ``references`` are (staged column, table) of ids that must be there.
    """

    source: TextSource
    staged: tuple[tuple[str, str], ...]
    values: tuple[str, ...]
    wrong: str
    references: tuple[tuple[str, str], ...]
    tag: str


def text_plan(plan: Plan, data_set: PlannedDataSet, reader: Reader) -> TextPlan | None:
    """Return how the data set is loaded as text; None where its records must be mapped one by one."""
    mapping = data_set.mapping
    if not isinstance(reader, TextReader) or not isinstance(mapping, Entity):
        return None
    table = reader.tables().get(data_set.collection)
    if table is None or _shares_ids(plan, data_set):
        return None
    kinds = {
        column.name: kind_of_column(reader.dialect, table.name, column, reader.rules)
        for column in table.columns
    }
    namespace = data_set.context.namespace.bytes
    cells = cells_of(reader.dialect, table, kinds, namespace, reader.rules)
    try:
        return None if cells is None else _plan(data_set, mapping, table, cells)
    except NotAsTextError:
        return None


def _shares_ids(plan: Plan, data_set: PlannedDataSet) -> bool:
    """Tell whether another data set makes ids in the same way: then two records may have one, and the book must be asked."""
    own = (data_set.context.namespace, data_set.mapping.entity)
    return any(
        other.name != data_set.name and (other.context.namespace, other.mapping.entity) == own
        for other in plan.data_sets
    )


def _plan(data_set: PlannedDataSet, entity: Entity, table: SourceTable, cells: Cells) -> TextPlan:
    main = entity.main
    _check(entity, table, cells)
    key, identity = cells.key(main.key), cells.identity(entity.entity, main.key)
    if key is None or identity is None:
        raise NotAsTextError("SQL cannot say the key")
    columns = [_column(field, data_set, cells) for field in main.fields]
    wrong = [column.wrong for column in columns if column.wrong]
    wrong += [f"s.{_quoted(name)} IS NULL" for name in (_ID, KEY_COLUMN)]
    return TextPlan(
        cells.source([identity, key[1], *(column.cell for column in columns)]),
        ((_ID, "uuid"), (KEY_COLUMN, "text"), *((column.staged, column.type) for column in columns)),
        tuple(_values(data_set, entity, columns)),
        " OR ".join(f"({each})" for each in wrong),
        tuple(
            (column.staged, field.codec.table)
            for field, column in zip(main.fields, columns, strict=True)
            if isinstance(field.codec, ReferenceTo)
        ),
        key[0],
    )


def _check(entity: Entity, table: SourceTable, cells: Cells) -> None:
    main = entity.main
    if len(table.columns) > _MOST_COLUMNS:
        raise NotAsTextError("stores bound how deep an expression may be")
    if entity.sides or entity.children or entity.repeated or len(entity.tables) != 1:
        raise NotAsTextError("a record fills several tables, or its numbers are looked at")
    if not main.key or tuple(main.key) != tuple(cells.unique_key):
        raise NotAsTextError("the source does not promise that keys are unique")
    known = {field.source for field in main.fields} | {*main.key, *main.ignored}
    if any(column.name not in known for column in table.columns):
        raise NotAsTextError("columns that no field takes are kept word for word")


def _column(field: Field, data_set: PlannedDataSet, cells: Cells) -> TextColumn:
    if field.default is not None or field.source not in cells.kinds:
        raise NotAsTextError(f"{field.source} has a default, or is not there")
    staged = f"c_{field.column}"
    column = text_column(field, f"s.{_quoted(staged)}", data_set.context, cells)
    wrong = [column.wrong] if column.wrong else []
    if field.required:
        wrong.append(f"{column.value} IS NULL")
    return replace(column, staged=staged, wrong=" OR ".join(wrong))


def _values(data_set: PlannedDataSet, entity: Entity, columns: list[TextColumn]) -> Iterator[str]:
    context = data_set.context
    yield f"'{context.org_id}'::uuid"
    yield "s.id"
    if entity.main.client:
        yield "NULL::uuid" if context.client_id is None else f"'{context.client_id}'::uuid"
    for column in columns:
        yield column.value
    if entity.main.extra:
        yield "NULL::jsonb"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

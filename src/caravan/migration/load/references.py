"""References whose row is not there: loaded as NULL, remembered, filled when the row comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.mapped_chunk import ChunkMapper, MappedChunk
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.row_versions import marks_of
from caravan.migration.load.staging import staged
from caravan.migration.mapping.contract import Reference, ReferenceValue, TargetTable
from caravan.migration.verify import qualified

__all__ = ["MissingReference", "find_missing", "remember", "resolve"]

_REMEMBER: Final = """
INSERT INTO engine.dangling_references (org_id, migration, data_set, chunk, table_name, row_id, column_name, record_id,
    target_table, wanted_id, source, tag, key)
VALUES (%(org)s, %(migration)s, %(data_set)s, %(chunk)s, %(table)s, %(row)s, %(column)s, %(record)s,
    %(target)s, %(wanted)s, %(source)s, %(tag)s, %(key)s)
ON CONFLICT (org_id, table_name, row_id, column_name) DO UPDATE SET chunk = excluded.chunk,
    record_id = excluded.record_id, target_table = excluded.target_table, wanted_id = excluded.wanted_id,
    source = excluded.source, tag = excluded.tag, key = excluded.key
"""


@dataclass(frozen=True, slots=True)
class MissingReference:
    """A reference of the table with this index, and the ids it wants that no row has."""

    table: int
    reference: Reference
    wanted: list[UUID]


def find_missing(
    cursor: psycopg.Cursor[Any], org_id: UUID, tables: Sequence[TargetTable]
) -> list[MissingReference]:
    """Return the references of staged rows whose target is neither in its table nor staged itself."""
    own = {table.name: table for table in tables}
    missing = []
    for index, table in enumerate(tables):
        for reference in table.references:
            cursor.execute(_missing_statement(table, reference, own.get(reference.table)), (org_id,))
            if wanted := [row[0] for row in cursor.fetchall()]:
                missing.append(MissingReference(index, reference, wanted))
    return missing


def remember(
    cursor: psycopg.Cursor[Any],
    data_set: PlannedDataSet,
    mapper: ChunkMapper,
    chunk: MappedChunk,
    missing: Sequence[MissingReference],
) -> None:
    """Write down each row that was loaded without its reference, with the reference as the source wrote it."""
    tables = data_set.mapping.tables
    written = _References(data_set, mapper, chunk)
    for item in missing:
        table = tables[item.table]
        column = item.reference.column
        cursor.execute(
            sql.SQL("SELECT id, {owner}, {column} FROM {staged} WHERE {column} = ANY(%s)").format(
                owner=sql.Identifier(table.parent or "id"),
                column=sql.Identifier(column),
                staged=staged(table),
            ),
            (item.wanted,),
        )
        rows = []
        for row_id, record_id, wanted_id in cursor.fetchall():
            tag, key = written.of(record_id, (table.name, row_id.bytes, column), wanted_id)
            rows.append(
                {
                    **data_set.scope,
                    "chunk": chunk.chunk.number,
                    "table": table.name,
                    "row": row_id,
                    "column": column,
                    "record": record_id,
                    "target": item.reference.table,
                    "wanted": wanted_id,
                    "source": item.reference.source,
                    "tag": tag,
                    "key": key,
                }
            )
        cursor.executemany(_REMEMBER, rows)


def resolve(
    cursor: psycopg.Cursor[Any],
    scope: Mapping[str, Any],
    tables: Sequence[TargetTable],
    *,
    come: Sequence[UUID] | None = None,
) -> int:
    """Fill every remembered reference whose row has come; returns how many. ``tables`` are those of the load.

    ``come`` narrows it to references to these rows.
    """
    only = sql.SQL("") if come is None else sql.SQL(" AND d.wanted_id = ANY(%(come)s)")
    scope = {**scope, "come": come}
    known = {table.name: table for table in tables}
    cursor.execute(
        sql.SQL(
            "SELECT DISTINCT table_name, column_name, target_table FROM engine.dangling_references d"
            " WHERE org_id = %(org)s AND migration = %(migration)s{only} ORDER BY 1, 2, 3"
        ).format(only=only),
        scope,
    )
    filled = 0
    for table, column, target in cursor.fetchall():
        marks = marks_of(cursor, known[table]) if table in known else sql.SQL("")
        cursor.execute(
            sql.SQL(
                "WITH come AS (DELETE FROM engine.dangling_references d USING {target} r"
                " WHERE d.org_id = %(org)s AND d.migration = %(migration)s AND d.table_name = {table_name}"
                " AND d.column_name = {column_name} AND d.target_table = {target_name}"
                " AND r.org_id = d.org_id AND r.id = d.wanted_id{only} RETURNING d.row_id, d.wanted_id)"
                " UPDATE {table} t SET {column} = come.wanted_id{marks} FROM come"
                " WHERE t.org_id = %(org)s AND t.id = come.row_id AND t.{column} IS NULL"
            ).format(
                target=qualified(target),
                table=qualified(table),
                column=sql.Identifier(column),
                marks=marks,
                only=only,
                table_name=sql.Literal(table),
                column_name=sql.Literal(column),
                target_name=sql.Literal(target),
            ),
            scope,
        )
        filled += cursor.rowcount
    return filled


def _missing_statement(table: TargetTable, reference: Reference, own: TargetTable | None) -> sql.Composed:
    staged_too = (
        sql.SQL("")
        if own is None
        else sql.SQL(" AND NOT EXISTS (SELECT 1 FROM {} o WHERE o.id = w.id)").format(staged(own))
    )
    return sql.SQL(
        "SELECT w.id FROM (SELECT DISTINCT {column} AS id FROM {staged} WHERE {column} IS NOT NULL) w"
        " WHERE NOT EXISTS (SELECT 1 FROM {target} r WHERE r.org_id = %s AND r.id = w.id){staged_too}"
    ).format(
        column=sql.Identifier(reference.column),
        staged=staged(table),
        target=qualified(reference.table),
        staged_too=staged_too,
    )


class _References:
    """The references of a chunk's records as the source wrote them, read again only for records that lack one."""

    def __init__(self, data_set: PlannedDataSet, mapper: ChunkMapper, chunk: MappedChunk) -> None:
        self._data_set = data_set
        self._mapper = mapper
        self._sources = {item.mapped.id: item.source for item in chunk.loadable}
        self._known: dict[UUID, dict[tuple[str, bytes, str], ReferenceValue]] = {}

    def of(self, record_id: UUID, place: tuple[str, bytes, str], wanted_id: UUID) -> tuple[str, str]:
        if record_id not in self._known:
            self._known[record_id] = self._read(record_id)
        found = self._known[record_id].get(place)
        return (found.tag, found.text) if found is not None else ("u", str(wanted_id))

    def _read(self, record_id: UUID) -> dict[tuple[str, bytes, str], ReferenceValue]:
        document = self._mapper.document(self._sources[record_id.bytes])
        try:
            values = self._data_set.mapping.references(document, self._data_set.context)
        except Exception:  # noqa: BLE001 - a bug of a mapping costs the legacy text of a reference, never the load
            return {}
        return {(value.table, value.row_id, value.column): value for value in values}

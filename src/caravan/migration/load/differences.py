"""From a chunk that does not hash as it should to the row and the column, by mapping its source once more."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

import psycopg

from caravan.migration.load.chunks import Chunk
from caravan.migration.load.mapped_chunk import ChunkMapper, Loadable
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.report import Difference
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify import RowEncoder, row_lanes

__all__ = ["differences_of"]


def differences_of(
    connection: psycopg.Connection,
    data_set: PlannedDataSet,
    mapper: ChunkMapper,
    chunk: Chunk,
    tables: Collection[str],
    dangling: Collection[tuple[str, str]],
) -> Iterator[Difference]:
    """Yield every difference between the source's rows of a chunk and those of the target, in these tables."""
    scope = {**data_set.scope, "chunk": chunk.number}
    refused = _quarantined(connection, scope)
    records = [item for item in mapper.map(chunk).loadable if item.source.ordinal not in refused]
    keys = {item.mapped.id: item.mapped.key for item in records}
    for table in data_set.mapping.tables:
        if table.name not in tables:
            continue
        expected = dict(_expected(table, records))
        found = row_lanes(connection, table, scope, dangling, chunk.number)
        for row_id in sorted(expected.keys() | found.keys()):
            yield from _row(table, row_id, expected.get(row_id), found.get(row_id), keys)


def _quarantined(connection: psycopg.Connection, scope: Mapping[str, Any]) -> set[int]:
    rows = connection.execute(
        "SELECT ordinal FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s"
        " AND data_set = %(data_set)s AND chunk = %(chunk)s",
        scope,
    )
    return {row[0] for row in rows}


def _expected(table: TargetTable, records: list[Loadable]) -> Iterator[tuple[bytes, list[str]]]:
    encoder = RowEncoder(table.columns)
    for item in records:
        for row in item.mapped.rows.get(table.name, ()):
            yield row[1], encoder.cells(row)


def _row(
    table: TargetTable,
    row_id: bytes,
    expected: list[str] | None,
    found: list[str] | None,
    keys: Mapping[bytes, str],
) -> Iterator[Difference]:
    owner = [column.name for column in table.columns].index(table.parent or "id")
    owner_id = bytes.fromhex(_value((expected or found or [])[owner]) or "")
    named = (table.name, str(UUID(bytes=row_id)), keys.get(owner_id, ""))
    if expected is None or found is None:
        yield Difference(
            *named, None, None if expected is None else "a row", None if found is None else "a row"
        )
        return
    for column, must, has in zip(table.columns, expected, found, strict=True):
        if must != has:
            yield Difference(*named, column.name, _value(must), _value(has))


def _value(cell: str) -> str | None:
    tag, _, rest = cell.partition(":")
    return None if tag == "n" else rest.partition(":")[2]

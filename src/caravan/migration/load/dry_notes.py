"""What a dry run must remember of a chunk to tell, at the end, what only the whole can show."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from caravan.migration.load.mapped_chunk import Loadable, MappedChunk
from caravan.migration.mapping.contract import Mapping

__all__ = ["ChunkNotes", "notes_of"]

_ID: Final = 1
"""The second column of every table."""

NotedRecord: TypeAlias = tuple[int, int, bytes, str, str, list[int]]
"""Ordinal, offset, row id, tag, key, and rows per table of the mapping."""

NotedRow: TypeAlias = tuple[int, str, bytes]
"""Ordinal of the record, table, id of a row that something may refer to."""

NotedReference: TypeAlias = tuple[int, str, str, bytes]
"""Ordinal, source path, target table, wanted id."""

NotedNumber: TypeAlias = tuple[int, int, str]
"""Ordinal, index in the mapping's ``repeated``, value."""


@dataclass(frozen=True, slots=True)
class ChunkNotes:
    """``refused`` are the row ids of records that the mapping refuses."""

    records: list[NotedRecord]
    rows: list[NotedRow]
    references: list[NotedReference]
    numbers: list[NotedNumber]
    refused: list[bytes]


def notes_of(chunk: MappedChunk, mapping: Mapping, referred: Collection[str]) -> ChunkNotes:
    """Return the notes; of rows only those in tables that some mapping of the plan refers to."""
    names = [table.name for table in mapping.tables]
    noted = [table for table in names if table in referred]
    return ChunkNotes(
        [
            (
                item.source.ordinal,
                item.source.offset,
                item.mapped.id,
                item.mapped.tag,
                item.mapped.key,
                [len(item.mapped.rows.get(name, ())) for name in names],
            )
            for item in chunk.loadable
        ],
        [
            (item.source.ordinal, name, row[_ID])
            for item in chunk.loadable
            for name in noted
            for row in item.mapped.rows.get(name, ())
        ],
        [reference for item in chunk.loadable for reference in _references(item, mapping)],
        [number for item in chunk.loadable for number in _numbers(item, mapping)],
        [item.row_id for item in chunk.refused if item.row_id is not None],
    )


def _references(item: Loadable, mapping: Mapping) -> Iterator[NotedReference]:
    for table in mapping.tables:
        columns = [column.name for column in table.columns]
        for reference in table.references:
            place = columns.index(reference.column)
            for row in item.mapped.rows.get(table.name, ()):
                if row[place] is not None:
                    yield item.source.ordinal, reference.source, reference.table, row[place]


def _numbers(item: Loadable, mapping: Mapping) -> Iterator[NotedNumber]:
    table = mapping.tables[0]
    columns = [column.name for column in table.columns]
    for index, (column, _, _) in enumerate(mapping.repeated):
        for row in item.mapped.rows.get(table.name, ()):
            value = row[columns.index(column)]
            if value is not None:
                yield item.source.ordinal, index, _text(value)


def _text(value: object) -> str:
    """Values that PostgreSQL takes for equal have one text."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)

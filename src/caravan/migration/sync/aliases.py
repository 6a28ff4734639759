"""Rows born on our side have ids of their own; once written back, their legacy keys would give others.

``engine.row_aliases`` says which stands for which: a change that comes the way forward is brought to the row that is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from caravan.migration.load.mapped_chunk import MappedChunk
from caravan.migration.mapping.contract import TargetTable

__all__ = ["Aliases", "brought_home"]


class Aliases:
    """Looks aliases up; where a migration has none, nothing is collected."""

    def __init__(self, connection: psycopg.Connection, scope: Mapping[str, Any]) -> None:
        self._connection, self._scope = connection, scope

    def there_are(self) -> bool:
        """Tell whether any row of this migration was born on our side and written back."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM engine.row_aliases WHERE org_id = %(org)s AND migration = %(migration)s)",
            self._scope,
        ).fetchone()
        return row is not None and bool(row[0])

    def of(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the ids that rows have, by the ids that their keys give."""
        rows = self._connection.execute(
            "SELECT alias, row_id FROM engine.row_aliases WHERE org_id = %(org)s AND alias = ANY(%(ids)s)",
            {**self._scope, "ids": [UUID(bytes=each) for each in ids]},
        )
        return {alias.bytes: row_id.bytes for alias, row_id in rows}


def brought_home(
    mapped: MappedChunk, tables: Sequence[TargetTable], deleted: Iterable[bytes], aliases: Aliases
) -> Mapping[bytes, bytes]:
    """Replace computed ids by those the rows have, in all columns that hold ids; returns what was replaced by what."""
    if not aliases.there_are():
        return {}
    places = {
        table.name: [place for place, column in enumerate(table.columns) if column.type == "uuid"]
        for table in tables
    }
    ids = {item.row_id for item in mapped.refused if item.row_id is not None} | set(deleted)
    for item in mapped.loadable:
        for name, rows in item.mapped.rows.items():
            ids.update(row[place] for row in rows for place in places[name] if row[place] is not None)
    known = aliases.of(ids)
    if not known:
        return {}
    for item in mapped.loadable:
        record = item.mapped
        record.id = known.get(record.id, record.id)
        record.rows = {
            name: [_renamed(row, places[name], known) for row in rows] for name, rows in record.rows.items()
        }
    mapped.refused = [
        replace(item, row_id=known.get(item.row_id, item.row_id)) if item.row_id is not None else item
        for item in mapped.refused
    ]
    return known


def _renamed(row: tuple[Any, ...], places: Sequence[int], known: Mapping[bytes, bytes]) -> tuple[Any, ...]:
    if not any(row[place] in known for place in places):
        return row
    cells = list(row)
    for place in places:
        cells[place] = known.get(cells[place], cells[place])
    return tuple(cells)

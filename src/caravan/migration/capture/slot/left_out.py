"""Values that a log line leaves out: generated columns, and values stored out of line which an UPDATE did not touch.

They are taken from the row before where the log tells it (REPLICA IDENTITY FULL), else read from the row as it is now. A newer
value may be read so; the change that wrote it stands further behind in the log and will set it again. A row that is gone
has its delete behind it.
"""

from typing import Any

import psycopg

from caravan.migration.capture.slot.layouts import Layout
from caravan.migration.capture.slot.messages import UNCHANGED, Cell, Cells
from caravan.migration.capture.stores.postgres_connection import raw_rows
from caravan.migration.load.readers.postgres_schema import quoted

__all__ = ["LeftOut"]


class LeftOut:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def completed(self, layout: Layout, before: Cells | None, after: Cells) -> list[Cell] | None:
        """Return the cells of the record in its order; None where the row is gone."""
        if before is not None and UNCHANGED in after:
            after = [
                old if new is UNCHANGED and old is not None else new
                for old, new in zip(before, after, strict=True)
            ]
        cells: list[Cell] = [UNCHANGED if place is None else after[place] for place in layout.places]
        wanted = [number for number, cell in enumerate(cells) if cell is UNCHANGED]
        if not wanted:
            return cells
        row = self._read(layout, after, wanted)
        if row is None:
            return None
        for number, value in zip(wanted, row, strict=True):
            cells[number] = value
        return cells

    def _read(self, layout: Layout, after: Cells, wanted: list[int]) -> tuple[bytes | None, ...] | None:
        table = layout.table
        columns = ", ".join(quoted(table.columns[number].name) for number in wanted)
        where, values = [], []
        for name, place, _ in layout.key:
            cell = after[place]
            where.append(f"{quoted(name)} = %s::text::{table.column(name).type}")
            values.append(cell.decode() if isinstance(cell, bytes) else None)
        source = f"{quoted(table.schema)}.{quoted(table.name)}"
        query = f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608 - quoted
        rows = raw_rows(self._connection, query, tuple(values))
        return rows[0] if rows else None

"""One chunk of text, one transaction: staged by COPY, summed, inserted, its keys packed, its ledger row written; or nothing.

It inserts and never updates. Whatever stands in the way (a value that PostgreSQL or the plan refuses, a row that is there, a reference
without its row, a key that the book has) leaves nothing behind, and the chunk is asked for as records.
"""

from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.chunk_records import write_sums
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.record_sums import RECORD_SUM, record_hash, record_sum, summed
from caravan.migration.load.text_chunks import TextChunk
from caravan.migration.load.text_plan import KEY_COLUMN, TextPlan
from caravan.migration.verify import TableSum, qualified

__all__ = ["TextStaging"]

_BOOKED: Final = "SELECT EXISTS (SELECT FROM engine.legacy_keys WHERE org_id = %s)"
_PACK: Final = """
INSERT INTO engine.packed_keys (org_id, migration, data_set, chunk, first_ordinal, tag, row_ids, keys)
SELECT %(org)s, %(migration)s, %(data_set)s, %(chunk)s, %(first)s, %(tag)s, array_agg(id), array_agg({key}) FROM {staged}
"""


class TextStaging:
    """The staging table of one data set on one connection; emptied by the end of each transaction."""

    def __init__(self, connection: psycopg.Connection, data_set: PlannedDataSet, plan: TextPlan) -> None:
        self._connection = connection
        self._data_set = data_set
        self._plan = plan
        self._table = data_set.mapping.tables[0]
        self._staged = sql.Identifier("pg_temp", f"text_{sha256(repr(plan).encode()).hexdigest()[:16]}")
        columns = sql.SQL(", ").join(
            sql.Identifier(name) + sql.SQL(" ") + _said(type_) for name, type_ in plan.staged
        )
        with connection.transaction():
            connection.execute(
                sql.SQL("DROP TABLE IF EXISTS {0}; CREATE TEMP TABLE {0} ({1}) ON COMMIT DELETE ROWS").format(
                    self._staged, columns
                )
            )

    def stage(self, chunk: TextChunk) -> TableSum | None:
        """Send the text, and return what its rows must hash to; None where they must be mapped one by one.

        Raises:
            psycopg.DataError: PostgreSQL refuses a value.
        """
        # What names no zone is in UTC, or there is no plan.
        self._connection.execute("SET LOCAL timezone = 'UTC'")
        with (
            self._connection.cursor() as cursor,
            cursor.copy(
                sql.SQL("COPY {} FROM STDIN (FORMAT text, ENCODING 'UTF8')").format(self._staged)
            ) as copy,
        ):
            copy.write(chunk.text)
        total, wrong = self._summed()
        if wrong or total.rows != chunk.rows or self._lacks_references() or self._is_booked():
            return None
        return total

    def insert(self, cursor: psycopg.Cursor[Any]) -> None:
        """Insert the staged rows, in the order of their ids: the index of a large table is touched a page at a time."""
        cursor.execute(
            sql.SQL("INSERT INTO {target} ({columns}) SELECT {values} FROM {staged} s ORDER BY s.id").format(
                target=qualified(self._table.name),
                columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in self._table.columns),
                values=self._values(),
                staged=self._staged,
            )
        )

    def write_down(self, cursor: psycopg.Cursor[Any], chunk: TextChunk, total: TableSum) -> None:
        """Pack the keys and state that the chunk is proven."""
        scope = {**self._data_set.scope, "chunk": chunk.number}
        cursor.execute(
            sql.SQL(_PACK).format(key=sql.Identifier(KEY_COLUMN), staged=self._staged),
            {**scope, "first": chunk.first_ordinal, "tag": self._plan.tag},
        )
        sums = {self._table.name: [total.rows, total.hex, RECORD_SUM]}
        write_sums(
            cursor,
            scope,
            first=chunk.first_ordinal,
            records=chunk.rows,
            source_hash=chunk.source_hash,
            version=self._data_set.mapping.version,
            sums=sums,
        )

    def _values(self) -> sql.Composable:
        return sql.SQL(", ").join(_said(value) for value in self._plan.values)

    def _summed(self) -> tuple[TableSum, bool]:
        row = self._connection.execute(
            sql.SQL(
                "SELECT count(*), {sum}, coalesce(bool_or(w), false)"
                " FROM (SELECT {hash}, {wrong} AS w FROM {staged} s OFFSET 0) x"
            ).format(
                sum=record_sum(),
                hash=record_hash(self._values()),
                wrong=_said(self._plan.wrong),
                staged=self._staged,
            )
        ).fetchone()
        if row is None:
            raise RuntimeError("a sum without a row")
        return summed(row), bool(row[2])

    def _lacks_references(self) -> bool:
        return any(
            self._is_true(
                sql.SQL(
                    "SELECT EXISTS (SELECT FROM (SELECT DISTINCT {column} AS id FROM {staged} WHERE {column} IS NOT NULL) w"
                    " WHERE NOT EXISTS (SELECT FROM {target} r WHERE r.org_id = %s AND r.id = w.id))"
                ).format(column=sql.Identifier(column), staged=self._staged, target=qualified(target))
            )
            for column, target in self._plan.references
        )

    def _is_booked(self) -> bool:
        """Whether the book has one of these rows; it is asked row by row only where it has any of the organisation."""
        return self._is_true(sql.SQL(_BOOKED)) and self._is_true(
            sql.SQL(
                "SELECT EXISTS (SELECT FROM {} s JOIN engine.legacy_keys k ON k.org_id = %s AND k.row_id = s.id)"
            ).format(self._staged)
        )

    def _is_true(self, question: sql.SQL | sql.Composed) -> bool:
        org_id: UUID = self._data_set.org_id
        row = self._connection.execute(question, (org_id,)).fetchone()
        return row is not None and bool(row[0])


def _said(text: str) -> sql.SQL:
    """Return SQL that the plan has made of names and declared words; none of it comes from a row."""
    return sql.SQL(text.replace("{", "{{").replace("}", "}}"))

"""What only the whole can show, found without writing a row: repeated keys and numbers, references that lead nowhere.

The notes of a dry run go into temporary tables, which PostgreSQL sorts and joins on disk when they are large: exact for any
number of records, and no memory of ours. The target tables are read, never written.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.chunk_commit import ChunkResult
from caravan.migration.load.packed_keys import unpack_others
from caravan.migration.load.planning import Plan
from caravan.migration.load.report import ReportedFinding
from caravan.migration.verify import qualified

__all__ = ["DryBook", "Repeated", "open_book", "referred_tables"]

_TABLES: Final = """
CREATE TEMP TABLE dry_sets (place int, name text);
CREATE TEMP TABLE dry_records (place int, ordinal bigint, byte_offset bigint, row_id uuid, tag text, key text COLLATE "C",
    counts int[]);
CREATE TEMP TABLE dry_rows (place int, ordinal bigint, target text, id uuid);
CREATE TEMP TABLE dry_references (place int, ordinal bigint, source text, target text, wanted uuid);
CREATE TEMP TABLE dry_numbers (place int, ordinal bigint, number int, value text COLLATE "C");
CREATE TEMP TABLE dry_refused (row_id uuid);
"""
_TYPES: Final = {
    "dry_records": ("int4", "int8", "int8", "bytea", "text", "text", "int4[]"),
    "dry_rows": ("int4", "int8", "text", "bytea"),
    "dry_references": ("int4", "int8", "text", "text", "bytea"),
    "dry_numbers": ("int4", "int8", "int4", "text"),
    "dry_refused": ("bytea",),
}
"""Binary COPY sends no types: the 16 bytes of a uuid are what its column reads."""

_REPEATED: Final = """
WITH placed AS (
    SELECT r.*, s.name, row_number() OVER w AS nth, first_value(s.name) OVER w AS first
    FROM dry_records r JOIN dry_sets s USING (place)
    WINDOW w AS (PARTITION BY r.row_id ORDER BY r.place, r.ordinal)
), judged AS (
    SELECT p.place, p.ordinal, CASE
        WHEN o.data_set IS NOT NULL
            THEN format('the data set ''%%s'' of ''%%s'' imported a record with this key', o.data_set, o.migration)
        WHEN k.row_id IS NOT NULL THEN 'this key was imported under another id; was the source renamed?'
        WHEN p.first <> p.name
            THEN format('the data set ''%%s'' of ''%%s'' imported a record with this key', p.first, %(migration)s::text)
        WHEN p.nth > 1 THEN 'a record with this key stands earlier in the source' END AS detail
    FROM placed p
    LEFT JOIN engine.legacy_keys o ON o.org_id = %(org)s AND o.row_id = p.row_id
        AND (o.migration, o.data_set) <> (%(migration)s, p.name)
    LEFT JOIN engine.legacy_keys k ON k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = p.name
        AND k.tag = p.tag AND k.key = p.key AND k.row_id <> p.row_id
)
DELETE FROM dry_records r USING judged j WHERE r.place = j.place AND r.ordinal = j.ordinal AND j.detail IS NOT NULL
RETURNING r.place, r.ordinal, r.byte_offset, r.row_id, r.key, r.counts, j.detail
"""
_MISSING: Final = """
CREATE TEMP TABLE dry_missing AS
SELECT DISTINCT w.place, w.ordinal, r.key, w.source, w.target, w.wanted
FROM dry_references w JOIN dry_records r USING (place, ordinal)
WHERE NOT EXISTS (
    SELECT 1 FROM dry_rows t JOIN dry_records o USING (place, ordinal) WHERE t.target = w.target AND t.id = w.wanted)
"""
_REFERENCES: Final = """
SELECT CASE WHEN EXISTS (SELECT 1 FROM dry_refused f WHERE f.row_id = m.wanted)
        OR EXISTS (SELECT 1 FROM engine.quarantine q WHERE q.org_id = %(org)s AND q.row_id = m.wanted
            AND NOT (q.migration = %(migration)s AND q.data_set IN (SELECT name FROM dry_sets)))
    THEN 'reference.quarantined' ELSE 'reference.missing' END, s.name, m.key, m.source
FROM dry_missing m JOIN dry_sets s USING (place)
"""
_NUMBERS: Final = """
SELECT n.place, n.number, n.key FROM (
    SELECT d.place, d.number, r.key, row_number() OVER (PARTITION BY d.place, d.number, d.value ORDER BY d.ordinal) AS nth
    FROM dry_numbers d JOIN dry_records r USING (place, ordinal)) n
WHERE n.nth > 1
"""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A record whose key somebody else has; ``counts`` are its rows per table of its mapping."""

    data_set: str
    ordinal: int
    offset: int
    key: str
    counts: Sequence[int]
    detail: str


def referred_tables(plan: Plan) -> frozenset[str]:
    """Return every table that a mapping of the plan refers to."""
    return frozenset(
        reference.table
        for item in plan.data_sets
        for table in item.mapping.tables
        for reference in table.references
    )


class DryBook:
    """The notes of one dry run. ``repeated`` comes before the others: what it finds is loaded by nobody."""

    def __init__(self, connection: psycopg.Connection, plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self._places = {item.name: place for place, item in enumerate(plan.data_sets)}
        connection.execute(_TABLES.encode())
        connection.cursor().executemany(
            "INSERT INTO dry_sets VALUES (%s, %s)", [(place, name) for name, place in self._places.items()]
        )

    def take(self, data_set: str, result: ChunkResult) -> ChunkResult:
        """Write a chunk's notes down; returns the result without them."""
        if result.notes is None:
            return result
        place = self._places[data_set]
        for table, rows in (
            ("dry_records", result.notes.records),
            ("dry_rows", result.notes.rows),
            ("dry_references", result.notes.references),
            ("dry_numbers", result.notes.numbers),
        ):
            self._copy(table, ((place, *row) for row in rows))
        self._copy("dry_refused", ((row_id,) for row_id in result.notes.refused))
        return replace(result, notes=None)

    def repeated(self) -> list[Repeated]:
        """Return the records that a load would refuse for their key, and take them out of the book."""
        for table in _TYPES:
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        names = list(self._places)
        found = self._connection.execute(_REPEATED.encode(), self._scope).fetchall()
        self._copy("dry_refused", ((row_id.bytes,) for _, _, _, row_id, *_ in found))
        return [
            Repeated(names[place], ordinal, offset, key, counts, detail)
            for place, ordinal, offset, _, key, counts, detail in sorted(found, key=lambda row: row[:2])
        ]

    def findings(self) -> Iterator[ReportedFinding]:
        """Yield what a load would find at its end: references without their row, numbers that repeat."""
        self._connection.execute(_MISSING.encode())
        for table in sorted(referred_tables(self._plan)):
            self._connection.execute(
                sql.SQL(
                    "DELETE FROM dry_missing m USING {target} t WHERE m.target = %s AND t.org_id = %s AND t.id = m.wanted"
                ).format(target=qualified(table)),
                (table, self._plan.org_id),
            )
        for row in self._connection.execute(_REFERENCES.encode(), self._scope):
            yield ReportedFinding(*row)
        for place, number, key in self._connection.execute(_NUMBERS.encode()):
            data_set = self._plan.data_sets[place]
            _, source, kind = data_set.mapping.repeated[number]
            yield ReportedFinding(kind, data_set.name, key, source)

    @property
    def _scope(self) -> dict[str, Any]:
        return {"org": self._plan.org_id, "migration": self._plan.migration}

    def _copy(self, table: str, rows: Iterable[tuple[object, ...]]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))) as copy,
        ):
            copy.set_types(_TYPES[table])
            for row in rows:
                copy.write_row(row)


@contextmanager
def open_book(address: DatabaseAddress, plan: Plan) -> Iterator[DryBook]:
    """Open a book that is gone when it is closed."""
    with psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan dry run"), autocommit=True
    ) as connection:
        connection.execute("SET jit = off")
        connection.execute("SET work_mem = '32MB'")
        unpack_others(connection, plan.org_id, plan.migration, ())
        yield DryBook(connection, plan)

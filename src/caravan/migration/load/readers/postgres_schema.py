"""What PostgreSQL's catalogue says about the tables that the role may read."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg

from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["described_tables", "quoted"]

_TABLES: Final = """
SELECT c.oid, n.nspname, c.relname, greatest(c.reltuples, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname
"""
# A domain is read as the type under it, which may be a domain again.
_COLUMNS: Final = """
WITH RECURSIVE base(attrelid, attnum, typ, typmod) AS (
    SELECT attrelid, attnum, atttypid, atttypmod FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attrelid, attnum, t.typbasetype, t.typtypmod FROM base JOIN pg_type t ON t.oid = typ WHERE t.typtype = 'd'
)
SELECT a.attrelid, a.attname, format_type(b.typ, b.typmod), NOT a.attnotnull, a.attgenerated <> '',
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = b.typ ORDER BY enumsortorder)
FROM pg_attribute a JOIN base b USING (attrelid, attnum) JOIN pg_type t ON t.oid = b.typ
WHERE t.typtype <> 'd' AND a.attrelid = ANY(%s)
ORDER BY a.attrelid, a.attnum
"""
# The primary key, else the first unique index over plain columns that are never NULL.
_KEYS: Final = """
SELECT DISTINCT ON (i.indrelid) i.indrelid, ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i
WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indrelid = ANY(%s)
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) AND NOT a.attnotnull)
ORDER BY i.indrelid, NOT i.indisprimary, i.indexrelid
"""
_REFERENCES: Final = """
SELECT c.conrelid, a.attname::text, CASE n.nspname WHEN 'public' THEN t.relname::text ELSE n.nspname || '.' || t.relname END
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND c.conrelid = ANY(%s)
ORDER BY c.conrelid, c.conname
"""


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def described_tables(connection: psycopg.Connection[Any]) -> Iterator[SourceTable]:
    """Yield the tables, partitioned ones as a whole; ``rows`` is the estimate of the last ANALYZE."""
    listed = connection.execute(_TABLES).fetchall()
    oids = [row[0] for row in listed]
    columns: dict[int, list[SourceColumn]] = {}
    for oid, name, declared, nullable, generated, members in connection.execute(_COLUMNS, (oids,)):
        columns.setdefault(oid, []).append(
            SourceColumn(name, declared, nullable, generated, members=tuple(members))
        )
    keys = {oid: tuple(key) for oid, key in connection.execute(_KEYS, (oids,))}
    references: dict[int, list[tuple[str, str]]] = {}
    for oid, column, target in connection.execute(_REFERENCES, (oids,)):
        references.setdefault(oid, []).append((column, target))
    for oid, schema, name, rows in listed:
        key = keys.get(oid, ())
        yield SourceTable(
            name,
            schema,
            tuple(columns.get(oid, ())),
            key,
            tuple(map(quoted, key)),
            int(rows) or None,
            tuple(references.get(oid, ())),
        )

"""One table or view of PostgreSQL, as the comparison sees it."""

import re
from typing import Any, Final, Literal

import psycopg

from caravan.migration.verify.errors import NotComparableError
from caravan.migration.verify.pairs.agreement import Described
from caravan.migration.verify.pairs.kinds import Kind, StoredColumn

__all__ = ["described"]

_RELATION: Final = "SELECT c.oid, c.relkind FROM pg_class c WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
# A domain is read as the type under it. Text sorts by its bytes where the collation says so, its own or the database's.
_COLUMNS: Final = """
WITH RECURSIVE base(attrelid, attnum, typ, typmod) AS (
    SELECT attrelid, attnum, atttypid, atttypmod FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attrelid, attnum, t.typbasetype, t.typtypmod FROM base JOIN pg_type t ON t.oid = typ WHERE t.typtype = 'd'
)
SELECT a.attname, format_type(b.typ, b.typmod), t.typtype = 'e', NOT a.attnotnull,
    CASE WHEN co.collname = 'default' THEN (SELECT datcollate IN ('C', 'POSIX') AND datlocprovider = 'c'
        FROM pg_database WHERE datname = current_database())
    ELSE co.collname IN ('C', 'POSIX', 'ucs_basic') END
FROM pg_attribute a JOIN base b USING (attrelid, attnum) JOIN pg_type t ON t.oid = b.typ
LEFT JOIN pg_collation co ON co.oid = a.attcollation
WHERE t.typtype <> 'd' ORDER BY a.attnum
"""
_KEY: Final = """
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) AND NOT a.attnotnull)
ORDER BY NOT i.indisprimary, i.indexrelid LIMIT 1
"""
_SCALE: Final = re.compile(r"numeric\(\d+,(-?\d+)\)")
_SECONDS: Final = re.compile(r"\((\d)\)")
_KINDS: Final[dict[str, Kind]] = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "oid": "integer",
    "numeric": "decimal",
    "real": "float",
    "double precision": "float",
    "boolean": "boolean",
    "text": "text",
    "character varying": "text",
    "character": "text",
    "name": "text",
    "uuid": "uuid",
    "bytea": "bytes",
    "timestamp with time zone": "instant",
    "timestamp without time zone": "moment",
    "date": "date",
    "time without time zone": "time",
    "json": "json",
    "jsonb": "json",
}


def described(connection: psycopg.Connection[Any], table: str) -> Described:
    """Return columns and key of a table; its key is the primary one, else the first unique index without NULL.

    Raises:
        NotComparableError: there is no such table.
    """
    found = connection.execute(_RELATION, (table,)).fetchone()
    if found is None:
        raise NotComparableError(f"PostgreSQL has no table {table} that this user may see")
    columns = tuple(_column(*row) for row in connection.execute(_COLUMNS, (found[0],)))
    key = connection.execute(_KEY, (found[0],)).fetchone()
    return Described(table, columns, tuple(key[0]) if key else ())


def _column(
    name: str, declared: str, enumerated: bool, nullable: bool, by_bytes: bool | None
) -> StoredColumn:
    plain = re.sub(r"\([^)]*\)", "", declared).strip()
    kind: Kind | Literal["unknown"] = "text" if enumerated else _KINDS.get(plain, "unknown")
    scale = _SCALE.fullmatch(declared)
    digits = _SECONDS.search(declared)
    return StoredColumn(
        name,
        plain,
        kind,
        nullable,
        scale=max(int(scale[1]), 0) if scale else None,
        digits=int(digits[1]) if digits and kind in ("instant", "moment", "time") else 6,
        ordered=bool(by_bytes) and not enumerated and plain != "character" if kind == "text" else True,
    )

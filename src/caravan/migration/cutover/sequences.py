"""Sets number generators behind every key there is, so that the side that takes over gives none a second time."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

import psycopg
from psycopg import sql

from caravan.core.kept import Kept
from caravan.migration.cutover.fences.mariadb_session import open_session, quoted

__all__ = ["MariadbSequences", "NoSequences", "PostgresSequences"]

_NUMBERED: Final = b"""
SELECT n.nspname, c.relname, a.attname, s.relname, sn.nspname
FROM (
    SELECT d.refobjid AS relation, d.refobjsubid AS number, d.objid AS sequence
    FROM pg_depend d
    WHERE d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    UNION
    SELECT f.adrelid, f.adnum, d.refobjid
    FROM pg_attrdef f JOIN pg_depend d ON d.objid = f.oid AND d.classid = 'pg_attrdef'::regclass
    WHERE d.deptype = 'n' AND d.refclassid = 'pg_class'::regclass
) AS gives
JOIN pg_class s ON s.oid = gives.sequence AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class c ON c.oid = gives.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = gives.number AND NOT a.attisdropped
WHERE c.oid = ANY(%s::regclass[]) AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
ORDER BY 1, 2, 3
"""
"""Columns of numbers, and the sequences that they own (serial, identity) or that their default asks."""
_COUNTED: Final = """
SELECT c.TABLE_NAME, c.COLUMN_NAME, COALESCE(t.AUTO_INCREMENT, 1) FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
WHERE c.TABLE_SCHEMA = DATABASE() AND c.EXTRA LIKE '%auto_increment%'
"""


class NoSequences:
    """For stores that give no numbers, or whose numbers follow the greatest key by themselves (SQLite, MongoDB)."""

    def prime(self, *, margin: int, within: float) -> Mapping[str, int]:  # noqa: ARG002 - the port's
        return {}


class PostgresSequences:
    """Sequences that number columns of these tables (``schema.table``): serial, identity, or a default that asks one.

    One that numbers several columns is set behind the greatest of them all.
    """

    def __init__(self, url: str, tables: Sequence[str]) -> None:
        self._tables = sorted(tables)
        self._connections = Kept(
            lambda: psycopg.connect(url, autocommit=True, application_name="caravan sequences")
        )

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep one connection for all that is asked in the block."""
        return self._connections.kept_open()

    def prime(self, *, margin: int, within: float) -> Mapping[str, int]:
        primed: dict[str, int] = {}
        with self._connections.used() as connection, connection.transaction():
            connection.execute(f"SET LOCAL statement_timeout = {max(50, int(within * 1000))}".encode())
            for schema, table, column, name, place in connection.execute(
                _NUMBERED, (self._tables,)
            ).fetchall():
                sequence = sql.Identifier(place, name)
                greatest = sql.SQL("(SELECT coalesce(max({}), 0) FROM {})").format(
                    sql.Identifier(column), sql.Identifier(schema, table)
                )
                statement = sql.SQL(
                    "SELECT setval({quoted}::regclass, {greatest} + {margin}) FROM {sequence} WHERE last_value < {greatest} + {margin}"
                ).format(
                    quoted=sql.Literal(sequence.as_string(connection)),
                    greatest=greatest,
                    margin=sql.Literal(margin),
                    sequence=sequence,
                )
                row = connection.execute(statement).fetchone()
                if row is not None:
                    primed[f"{place}.{name}"] = int(row[0])
        return primed


class MariadbSequences:
    """AUTO_INCREMENT of these tables."""

    def __init__(self, url: str, tables: Sequence[str]) -> None:
        self._tables = sorted(tables)
        self._sessions = Kept(lambda: open_session(url))

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep one session for all that is asked in the block."""
        return self._sessions.kept_open()

    def prime(self, *, margin: int, within: float) -> Mapping[str, int]:
        primed: dict[str, int] = {}
        deadline = time.monotonic() + within
        with self._sessions.used() as session:
            for table, column, _ in session.rows(_COUNTED):
                if table not in self._tables:
                    continue
                name = quoted(str(table))
                rows = session.rows(f"SELECT COALESCE(MAX({quoted(str(column))}), 0) FROM {name}")  # noqa: S608 - quoted
                wanted = int(rows[0][0]) + margin
                # What the server remembers of a table may be old: it is asked as it would give the next number.
                shown = session.rows(f"SHOW CREATE TABLE {name}")[0][1]
                if _next_number(str(shown)) >= wanted:
                    continue
                session.wait_at_most(deadline - time.monotonic())
                session.rows(f"ALTER TABLE {name} AUTO_INCREMENT = {wanted}")
                session.wait_as_usual()
                primed[str(table)] = wanted
        return primed


def _next_number(shown: str) -> int:
    _, found, rest = shown.rpartition(") ENGINE=")
    words = rest.split() if found else []
    return next((int(word.partition("=")[2]) for word in words if word.startswith("AUTO_INCREMENT=")), 1)

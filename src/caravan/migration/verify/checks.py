"""What must hold after a load, apart from the hashes: nothing points nowhere, the mapping's own rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.mapping.contract import Mapping, TargetTable
from caravan.migration.verify.sql_rendering import qualified

__all__ = ["Link", "broken_links", "broken_rules", "links_of"]

_SHOWN: Final = 20

_FOREIGN_KEYS: Final = """
SELECT 1 FROM pg_constraint c
WHERE c.contype = 'f' AND c.convalidated AND c.conrelid = %(table)s::regclass AND c.confrelid = %(target)s::regclass
    AND c.conkey = ARRAY[
        (SELECT attnum FROM pg_attribute WHERE attrelid = c.conrelid AND attname = 'org_id'),
        (SELECT attnum FROM pg_attribute WHERE attrelid = c.conrelid AND attname = %(column)s)]
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A column that holds the id of a row of ``target``."""

    table: str
    column: str
    target: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} → {self.target}"


def links_of(tables: Sequence[TargetTable]) -> Iterable[Link]:
    """Yield the links of an entity's tables: of children to their record, and all references."""
    own = tables[0].name
    for table in tables:
        if table.parent is not None:
            yield Link(table.name, table.parent, own)
        for reference in table.references:
            yield Link(table.name, reference.column, reference.table)


def broken_links(connection: psycopg.Connection, org_id: UUID, links: Iterable[Link]) -> dict[str, int]:
    """Return how many rows of each link point nowhere; a valid foreign key is proof enough."""
    return {
        str(link): 0 if _held_by_key(connection, link) else _count(connection, org_id, link) for link in links
    }


def broken_rules(connection: psycopg.Connection, org_id: UUID, mapping: Mapping) -> dict[str, dict[str, Any]]:
    """Run the mapping's invariants; each result tells ``ok``, how many rows break it, and the first of them."""
    results: dict[str, dict[str, Any]] = {}
    for invariant in mapping.invariants:
        cursor = connection.execute(invariant.sql.encode(), {"org_id": org_id})
        first = [str(row[0]) for row in cursor.fetchmany(_SHOWN)]
        results[invariant.name] = {"ok": not first, "broken": max(cursor.rowcount, 0), "first": first}
    return results


def _held_by_key(connection: psycopg.Connection, link: Link) -> bool:
    found = connection.execute(
        _FOREIGN_KEYS, {"table": link.table, "target": link.target, "column": link.column}
    ).fetchone()
    return found is not None


def _count(connection: psycopg.Connection, org_id: UUID, link: Link) -> int:
    statement = sql.SQL(
        "SELECT count(*) FROM {table} t WHERE t.org_id = %s AND t.{column} IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM {target} r WHERE r.org_id = t.org_id AND r.id = t.{column})"
    ).format(table=qualified(link.table), column=sql.Identifier(link.column), target=qualified(link.target))
    row = connection.execute(statement, (org_id,)).fetchone()
    return 0 if row is None else int(row[0])

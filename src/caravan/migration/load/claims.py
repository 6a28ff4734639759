"""Who owns a legacy key: the first record in source order, run after run, whatever the source has become since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.staging import STAGED_KEYS

__all__ = ["Claims", "claim", "give_up_lost_keys"]

_INSERT: Final = sql.SQL(
    "INSERT INTO engine.legacy_keys (org_id, row_id, migration, data_set, tag, key, chunk, ordinal)"
    " SELECT %(org)s, row_id, %(migration)s, %(data_set)s, tag, key, %(chunk)s, ordinal FROM {}"
    " ON CONFLICT DO NOTHING RETURNING row_id"
).format(STAGED_KEYS)

_HELD: Final = sql.SQL(
    "SELECT s.row_id, k.row_id, k.migration, k.data_set, k.chunk FROM {} s LEFT JOIN engine.legacy_keys k"
    " ON k.org_id = %(org)s AND k.row_id = s.row_id WHERE NOT s.row_id = ANY(%(fresh)s)"
).format(STAGED_KEYS)

_TAKE: Final = sql.SQL(
    "UPDATE engine.legacy_keys k SET chunk = %(chunk)s, ordinal = s.ordinal FROM {} s"
    " WHERE k.org_id = %(org)s AND k.row_id = s.row_id AND k.row_id = ANY(%(taken)s)"
).format(STAGED_KEYS)

_STALE: Final = (
    "UPDATE engine.ledger SET stale = true WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND chunk = ANY(%(chunks)s)"
)

_LOSE: Final = (
    "UPDATE engine.legacy_keys SET chunk = NULL WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND chunk = %(chunk)s AND NOT row_id = ANY(%(owned)s) RETURNING row_id"
)

_WAITING: Final = (
    "SELECT DISTINCT chunk FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND reason = 'key.repeated' AND row_id = ANY(%(lost)s)"
    " AND chunk <> %(chunk)s"
)


@dataclass(slots=True)
class Claims:
    """``fresh`` keys are new, ``taken`` ones were imported before, ``repeated`` ones belong to somebody else."""

    fresh: set[UUID]
    taken: list[UUID] = field(default_factory=list)
    repeated: dict[bytes, str] = field(default_factory=dict)
    displaced: set[int] = field(default_factory=set)
    """Later chunks that held a taken key, and must be loaded again to see that it is gone."""


def claim(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], staged: int) -> Claims:
    """Take the staged keys for this chunk; ``scope`` names organisation, migration, data set and chunk.

    Chunk None is for records that come as changes: they belong to no chunk, and take their key from whichever had it.
    """
    cursor.execute(_INSERT, scope)
    fresh = {row[0] for row in cursor.fetchall()}
    claims = Claims(fresh)
    if len(fresh) == staged:
        return claims
    cursor.execute(_HELD, {**scope, "fresh": list(fresh)})
    for row_id, held, migration, data_set, chunk in cursor.fetchall():
        _judge(claims, scope, row_id, (held, migration, data_set, chunk))
    if claims.taken:
        cursor.execute(_TAKE, {**scope, "taken": claims.taken})
    if claims.displaced:
        cursor.execute(_STALE, {**scope, "chunks": list(claims.displaced)})
    return claims


def give_up_lost_keys(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], claims: Claims) -> bool:
    """Free the keys this chunk held and no longer has; tells whether a later record was waiting for one."""
    cursor.execute(_LOSE, {**scope, "owned": [*claims.fresh, *claims.taken]})
    lost = [row[0] for row in cursor.fetchall()]
    if not lost:
        return False
    cursor.execute(_WAITING, {**scope, "lost": lost})
    waiting = [row[0] for row in cursor.fetchall()]
    if waiting:
        cursor.execute(_STALE, {**scope, "chunks": waiting})
    return bool(waiting)


def _judge(
    claims: Claims, scope: Mapping[str, Any], row_id: UUID, holder: tuple[UUID | None, str, str, int | None]
) -> None:
    held, migration, data_set, chunk = holder
    if held is None:
        claims.repeated[row_id.bytes] = "this key was imported under another id; was the source renamed?"
    elif (migration, data_set) != (scope["migration"], scope["data_set"]):
        claims.repeated[row_id.bytes] = (
            f"the data set {data_set!r} of {migration!r} imported a record with this key"
        )
    elif chunk is not None and scope["chunk"] is not None and chunk < scope["chunk"]:
        claims.repeated[row_id.bytes] = "a record with this key stands earlier in the source"
    else:
        claims.taken.append(row_id)
        if chunk is not None and scope["chunk"] is not None and chunk > scope["chunk"]:
            claims.displaced.add(chunk)

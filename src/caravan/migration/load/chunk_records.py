"""What is written beside the rows of a chunk: ledger, quarantine, findings; in the same transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.ids import uuid7
from caravan.core.secrets_box import Box
from caravan.migration.load.mapped_chunk import MappedChunk, as_uuid

__all__ = ["forget", "write_findings", "write_ledger", "write_quarantine", "write_sums"]

_FORGET: Final = (
    """
    DELETE FROM engine.quarantine
    WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s AND chunk = %(chunk)s
    """,
    """
    DELETE FROM engine.findings
    WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s AND chunk = %(chunk)s
    """,
    """
    DELETE FROM engine.dangling_references
    WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
        AND (chunk = %(chunk)s OR record_id = ANY(%(taken)s))
    """,
)
_QUARANTINE: Final = """
WITH clock AS (
    INSERT INTO engine.quarantine_clock AS c (org_id, migration, data_set, record)
    VALUES (%(org)s, %(migration)s, %(data_set)s, coalesce(%(tag)s::text || ':' || %(key)s, '@' || %(offset)s))
    ON CONFLICT (org_id, migration, data_set, record) DO UPDATE SET first_at = c.first_at
    RETURNING first_at
)
INSERT INTO engine.quarantine (org_id, id, created_at, migration, data_set, chunk, ordinal, file, byte_offset, reason, field,
    detail, tag, key, row_id, sealed)
SELECT %(org)s, %(id)s, first_at, %(migration)s, %(data_set)s, %(chunk)s, %(ordinal)s, %(file)s, %(offset)s, %(reason)s,
    %(field)s, %(detail)s, %(tag)s, %(key)s, %(row)s, %(sealed)s
FROM clock
"""
_FINDING: Final = """
INSERT INTO engine.findings (org_id, id, migration, data_set, chunk, kind, key, field, detail)
VALUES (%(org)s, %(id)s, %(migration)s, %(data_set)s, %(chunk)s, %(kind)s, %(key)s, %(field)s, %(detail)s)
"""
_LEDGER: Final = """
INSERT INTO engine.ledger (org_id, migration, data_set, chunk, first_ordinal, records, quarantined, source_hash,
    mapping_version, sums)
VALUES (%(org)s, %(migration)s, %(data_set)s, %(chunk)s, %(first)s, %(records)s, %(quarantined)s, %(hash)s, %(version)s,
    %(sums)s)
ON CONFLICT (org_id, migration, data_set, chunk) DO UPDATE SET first_ordinal = excluded.first_ordinal,
    records = excluded.records, quarantined = excluded.quarantined, source_hash = excluded.source_hash,
    mapping_version = excluded.mapping_version, sums = excluded.sums, stale = false, committed_at = now()
"""


def forget(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], taken: list[Any]) -> None:
    """Remove what an earlier load of this chunk, or of these records, left beside its rows."""
    for statement in _FORGET:
        cursor.execute(statement, {**scope, "taken": taken})


def write_quarantine(
    cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], chunk: MappedChunk, file: str, box: Box
) -> None:
    """Put the refused records away, their bytes sealed."""
    cursor.executemany(
        _QUARANTINE,
        [
            {
                **scope,
                "id": uuid7(),
                "ordinal": item.ordinal,
                "file": file,
                "offset": item.offset,
                "reason": item.reason,
                "field": item.field,
                "detail": _storable(item.detail),
                "tag": item.tag,
                "key": None if item.key is None else _storable(item.key),
                "row": as_uuid(item.row_id),
                "sealed": box.seal(item.raw),
            }
            for item in chunk.refused
        ],
    )


def write_findings(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], chunk: MappedChunk) -> None:
    """Write what the mapping found in records that are loaded."""
    cursor.executemany(
        _FINDING,
        [
            {
                **scope,
                "id": uuid7(),
                "kind": finding.kind,
                "key": _storable(finding.key),
                "field": _storable(finding.field),
                "detail": _storable(finding.detail),
            }
            for finding in chunk.findings
        ],
    )


def write_ledger(
    cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], chunk: MappedChunk, version: str
) -> None:
    """State that the chunk is proven, and what its rows hash to."""
    write_sums(
        cursor,
        scope,
        first=chunk.chunk.first_ordinal,
        records=len(chunk.chunk.records),
        quarantined=len(chunk.refused),
        source_hash=chunk.chunk.source_hash,
        version=version,
        sums={table: [total.rows, total.hex] for table, total in chunk.sums.items()},
    )


def write_sums(
    cursor: psycopg.Cursor[Any],
    scope: Mapping[str, Any],
    *,
    first: int,
    records: int,
    source_hash: bytes,
    version: str,
    sums: Mapping[str, Sequence[object]],
    quarantined: int = 0,
) -> None:
    """Write the ledger row of a chunk; ``sums`` by table: rows, lanes in hex, and the kind of sum where it is not that of mapped records."""
    cursor.execute(
        _LEDGER,
        {
            **scope,
            "first": first,
            "records": records,
            "quarantined": quarantined,
            "hash": source_hash,
            "version": version,
            "sums": Jsonb(sums),
        },
    )


def _storable(text: str) -> str:
    """Return text that a text column takes: NUL and half surrogates are shown, not sent."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")

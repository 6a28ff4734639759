"""The records behind some row ids, read from their source by key where that can be done, and compared on both sides.

Clients may be waiting, so a large source is not read from its beginning for the sake of a few records: keys of whole numbers become
ranges of the source's order. Other keys are found by reading through, where the source is small enough for the time there is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.core.database import DatabaseAddress
from caravan.core.ids import LegacyTag
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, Reader, Record, RecordFormat, TableReader
from caravan.migration.load.readers.tables import KeyRange
from caravan.migration.mapping.keys import key_parts
from caravan.migration.verify.mapped.buckets import BUCKETS
from caravan.migration.verify.mapped.record_differences import opened_buckets
from caravan.migration.verify.mapped.target_rows import target_rows

__all__ = ["differing_records"]

_READABLE_PER_SECOND: Final = 20_000
"""Records that are surely read and mapped in a second."""

_NEAR: Final = 50
"""Keys that lie no further apart are read in one range, with what lies between."""

_MOST_RANGES: Final = 500
_KEYS: Final = """
SELECT tag, key FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
    AND row_id = ANY(%(rows)s)
"""
_KNOWN: Final = """
SELECT count(*) FROM (SELECT FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s
    AND data_set = %(data_set)s LIMIT %(most)s) AS known
"""

_Key = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Ranges:
    """A reader of some ranges of a table."""

    reader: TableReader
    ranges: Sequence[KeyRange]

    @property
    def format(self) -> RecordFormat:
        return self.reader.format

    def collections(self) -> Any:  # noqa: ANN401 - the reader's
        return self.reader.collections()

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        for within in self.ranges:
            yield from self.reader.read_range(collection, within)

    def position(self) -> tuple[int, int]:
        return self.reader.position()


def differing_records(
    database: DatabaseAddress,
    connection: psycopg.Connection,
    data_set: PlannedDataSet,
    reader: Reader,
    ids: set[bytes],
    *,
    within: float,
    moving: bool = False,
) -> dict[bytes, str] | None:
    """Return the legacy keys of those of the records that differ, by row id; None where ``within`` seconds are too short to look.

    ``reader`` has to be opened behind what it is to see. ``moving``: changes flow, so that what differs may be on its way and is not
    worth a second look; else what a reading by key finds to differ is made sure of by reading through.

    Raises:
        SourceDamaged: the source cannot be read.
    """
    ranges = _ranges(connection, data_set, reader, ids)
    found: dict[bytes, str] = {}
    if ranges is not None and isinstance(reader, TableReader):
        found = _compared(database, data_set, _Ranges(reader, ranges), ids)
        if not found or moving:
            return found
    if _is_small(connection, data_set, int(within * _READABLE_PER_SECOND)):
        return _compared(database, data_set, reader, ids)
    return found if ranges is not None else None


def _compared(
    database: DatabaseAddress, data_set: PlannedDataSet, reader: Reader, ids: set[bytes]
) -> dict[bytes, str]:
    with target_rows(database, data_set.scope) as target:
        opened = opened_buckets(data_set, reader, target, range(BUCKETS), only=ids)
    return {row_id: str(found[0].key[0]) for row_id, found in opened.by_record.items() if found}


def _ranges(
    connection: psycopg.Connection, data_set: PlannedDataSet, reader: Reader, ids: set[bytes]
) -> list[KeyRange] | None:
    """Return ranges of the table's order that hold these records; None where keys cannot be turned into some."""
    if (
        not isinstance(reader, TableReader) or data_set.kind == "sqlite"
    ):  # a table of SQLite is in the order of its row numbers
        return None
    table = reader.tables().get(data_set.collection)
    rows = connection.execute(
        _KEYS.encode(), {**data_set.scope, "rows": [UUID(bytes=row_id) for row_id in ids]}
    ).fetchall()
    keys = sorted(key for tag, text in rows if (key := _numbers(tag, text)) is not None)
    if table is None or not keys or len(keys) < len(ids):
        return None
    if any(len(key) != len(table.order) for key in keys):
        return None
    ranges = list(_clusters(keys))
    return ranges if len(ranges) <= _MOST_RANGES else None


def _numbers(tag: LegacyTag, text: str) -> _Key | None:
    """Return a key's whole numbers; None where it has other parts."""
    try:
        parts = [(tag, text)] if tag == "i" else key_parts(text)
        return tuple(int(part) for kind, part in parts if kind == "i") if _whole(parts) else None
    except ValueError:
        return None


def _whole(parts: Sequence[tuple[LegacyTag, str]]) -> bool:
    return all(kind == "i" for kind, _ in parts)


def _clusters(keys: Sequence[_Key]) -> Iterator[KeyRange]:
    """Yield ranges that hold the sorted keys, those near each other in one."""
    first = keys[0]
    for key, following in pairwise([*keys, None]):
        if following is None or key is None or following[0] - key[0] > _NEAR:
            if key is not None:
                after = (*first[:-1], first[-1] - 1)
                yield KeyRange(tuple(map(str, after)), tuple(map(str, key)))
            if following is not None:
                first = following


def _is_small(connection: psycopg.Connection, data_set: PlannedDataSet, most: int) -> bool:
    """Tell whether we know of at most so many records: what their source says of its size is but an estimate."""
    row = connection.execute(_KNOWN.encode(), {**data_set.scope, "most": most + 1}).fetchone()
    return row is not None and int(row[0]) <= most

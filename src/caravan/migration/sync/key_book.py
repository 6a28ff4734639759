"""Legacy keys of rows of ours, looked up for a whole batch at once, and those that the legacy store has just given."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.core.ids import LegacyTag
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.mapping.keys import id_of
from caravan.migration.sync.record_rows import RecordRows

__all__ = ["KeyBook", "KeyNeededError", "write_aliases", "write_given"]

_KEYS: Final = """
SELECT row_id, tag, key FROM engine.legacy_keys WHERE org_id = %(org)s AND row_id = ANY(%(rows)s)
UNION ALL
SELECT DISTINCT ON (wanted_id) wanted_id, tag, key FROM engine.dangling_references
WHERE org_id = %(org)s AND wanted_id = ANY(%(rows)s)
"""
_GIVEN: Final = """
INSERT INTO engine.legacy_keys (org_id, row_id, migration, data_set, tag, key, ordinal)
VALUES (%(org)s, %(row)s, %(migration)s, %(data_set)s, %(tag)s, %(key)s, 0)
ON CONFLICT DO NOTHING
"""
_ALIAS: Final = """
INSERT INTO engine.row_aliases (org_id, alias, row_id, migration, data_set)
VALUES (%(org)s, %(alias)s, %(row)s, %(migration)s, %(data_set)s)
ON CONFLICT (org_id, alias) DO UPDATE SET row_id = excluded.row_id
"""


class KeyNeededError(Exception):
    """A record refers to a row that has no legacy key yet: that row must be written back before it."""

    def __init__(self, entity: str, row_id: bytes) -> None:
        super().__init__(f"{entity} {row_id.hex()}")
        self.entity = entity
        self.row_id = row_id


class KeyBook:
    """Is a ``FindKey``: call it with entity and id. ``entities`` are those that this flow can write back."""

    def __init__(self, entities: Iterable[str]) -> None:
        self._entities = frozenset(entities)
        self._keys: dict[bytes, tuple[LegacyTag, str]] = {}
        self.being_written: set[bytes] = set()
        """Records that are on their way: asking for their key again would go in a circle."""

    def __call__(self, entity: str, row_id: bytes) -> tuple[LegacyTag, str] | None:
        key = self._keys.get(row_id)
        if key is None and entity in self._entities and row_id not in self.being_written:
            raise KeyNeededError(entity, row_id)
        return key

    def look_up(
        self,
        cursor: psycopg.Cursor[Any],
        org_id: UUID,
        tables: Iterable[TargetTable],
        records: Iterable[RecordRows],
    ) -> None:
        """Read the keys of all rows that these records are or refer to."""
        wanted = _uuids({table.name: table for table in tables}, records)
        self.read(cursor, org_id, wanted)

    def read(self, cursor: psycopg.Cursor[Any], org_id: UUID, row_ids: Iterable[bytes]) -> None:
        """Read the keys of these rows."""
        rows = [UUID(bytes=row_id) for row_id in row_ids if row_id not in self._keys]
        if rows:
            cursor.execute(_KEYS, {"org": org_id, "rows": rows})
            for row_id, tag, key in cursor.fetchall():
                self._keys.setdefault(row_id.bytes, (tag, key))

    def known(self, row_id: bytes) -> tuple[LegacyTag, str] | None:
        """Return a key that has been read or given."""
        return self._keys.get(row_id)

    def give(self, row_id: bytes, key: tuple[LegacyTag, str]) -> None:
        """Note the key that a row was given, or stands under for the moment."""
        self._keys[row_id] = key

    def restore(self, row_id: bytes, key: tuple[LegacyTag, str] | None) -> None:
        """Put back what was known before ``give``."""
        if key is None:
            self._keys.pop(row_id, None)
        else:
            self._keys[row_id] = key

    def copy(self) -> dict[bytes, tuple[LegacyTag, str]]:
        """Return what is known, for ``reset``."""
        return dict(self._keys)

    def reset(self, known: Mapping[bytes, tuple[LegacyTag, str]]) -> None:
        """Go back to what was known: the keys given since were rolled back."""
        self._keys = dict(known)
        self.being_written.clear()

    def clear(self) -> None:
        """Forget everything: keys may have changed since."""
        self._keys.clear()
        self.being_written.clear()


def write_given(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, row_id: UUID, key: tuple[LegacyTag, str]
) -> None:
    """Feed a key of the legacy store back: the row is under it from now on, and its computed id is an alias."""
    tag, text = key
    computed = id_of(data_set.context.namespace.bytes, data_set.mapping.entity, tag, text)
    cursor.execute(_GIVEN, {**data_set.scope, "row": row_id, "tag": tag, "key": text})
    write_aliases(cursor, data_set, {computed: row_id.bytes})


def write_aliases(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, aliases: Mapping[bytes, bytes]
) -> None:
    """Note which rows of ours stand under ids that their legacy keys would not give."""
    cursor.executemany(
        _ALIAS,
        [
            {**data_set.scope, "alias": UUID(bytes=alias), "row": UUID(bytes=row_id)}
            for alias, row_id in aliases.items()
            if alias != row_id
        ],
    )


def _uuids(tables: Mapping[str, TargetTable], records: Iterable[RecordRows]) -> set[bytes]:
    found: set[bytes] = set()
    for record in records:
        for name, rows in record.items():
            places = [place for place, column in enumerate(tables[name].columns) if column.type == "uuid"]
            found.update(row[place] for row in rows for place in places if row[place] is not None)
    return found

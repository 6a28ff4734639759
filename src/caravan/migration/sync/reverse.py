"""The way back to the legacy store: whatever row of ours was touched, its record is read whole and written back whole.

The content comes from a snapshot taken after the position was read, so it is at least as new as the position says; a record that
changes again is touched again. Writing the same record twice changes nothing, so a crash between the legacy store's commit and ours
is healed by reading the same changes once more; a key that the store gave is found by the id of the row it was given to.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg

from caravan.core.secrets_box import Box
from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.load.chunk_records import write_quarantine
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.mapped_chunk import MappedChunk, Refused
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.mapping.contract import UnmappableError
from caravan.migration.sync.flow_rows import Flow, FlowKey, Progress
from caravan.migration.sync.flows import FlowMode
from caravan.migration.sync.holding import FlowHold, progress_of
from caravan.migration.sync.key_book import KeyBook, write_aliases, write_given
from caravan.migration.sync.legacy.writer import LegacyWriter, RowRefusedError, Stamp
from caravan.migration.sync.record_rows import read_records
from caravan.migration.sync.tags import is_ours, tag_of
from caravan.migration.sync.touched import Touched, TouchedRecords
from caravan.migration.sync.writing_back import Outcome, Record, WriteBack

__all__ = ["REVERSE_CHUNK", "ReverseSink"]

REVERSE_CHUNK: Final = -2
"""The chunk under which records are quarantined that could not be written back."""

_ALL: Final = "SELECT row_id FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
_OWNED: Final = (
    "SELECT row_id, data_set FROM engine.legacy_keys WHERE org_id = %(org)s AND row_id = ANY(%(rows)s)"
)
_FORGET_KEY: Final = "DELETE FROM engine.legacy_keys WHERE org_id = %(org)s AND row_id = %(row)s"
_CLEAR: Final = (
    "DELETE FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s AND chunk = %(chunk)s"
    " AND row_id = ANY(%(rows)s)"
)


class ReverseSink:
    """Writes records of the ``own`` data sets back to their source. ``snapshots`` is a connection of its own for reading."""

    def __init__(
        self,
        connection: psycopg.Connection,
        snapshots: psycopg.Connection,
        key: FlowKey,
        own: Sequence[PlannedDataSet],
        writer: LegacyWriter,
        *,
        record_format: RecordFormat = "row",
        key_path: Path,
    ) -> None:
        self._connection, self._snapshots = connection, snapshots
        self._hold = FlowHold(connection, key)
        self._own = tuple(own)
        self._writer = writer
        self._touched = TouchedRecords(own, record_format)
        self._keys = KeyBook(each.mapping.entity for each in own)
        self._box = Box(key_path)
        self._scope: dict[str, Any] = {"org": key.org_id, "migration": key.migration}

    def take(self, holder: str) -> Flow:
        flow = self._hold.take(holder)
        unpack(self._connection, self._scope["org"], self._scope["migration"])
        self._writer.prepare()
        return flow

    def beat(self, *, head: int, pending: int, lag: float, retained: int | None = None) -> Flow:
        return self._hold.beat(head=head, pending=pending, lag=lag, retained=retained)

    def watch(self, transactions: Sequence[Transaction]) -> Progress:
        return self._hold.watch(transactions)

    def stand(self, position: Position, mode: FlowMode) -> Progress:
        return self._hold.stand(position, mode)

    def end(self, *, failed: Exception | None = None) -> None:
        self._hold.end(failed=failed)

    def close(self) -> None:
        self._writer.close()
        self._snapshots.close()
        self._connection.close()

    def apply(self, transactions: Sequence[Transaction]) -> Progress:
        """Write the touched records back, then note keys and position."""
        foreign = [each for each in transactions if not is_ours(each.tag, self._hold.key.migration)]
        touched = self._touched.of(foreign)
        read = progress_of(transactions)
        outcome = Outcome()
        if touched.records or touched.emptied:
            with self._snapshot() as cursor:
                records = self._read(cursor, touched)
                outcome = self._write(cursor, records, self._stamp(read))
        return self._note(outcome, read)

    def _stamp(self, read: Progress) -> Stamp:
        key = self._hold.key
        flow = f"{key.migration} {key.source} {key.org_id}"
        return Stamp(flow, self._hold.epoch, read.position, tag_of(key.migration, "reverse"))

    @contextmanager
    def _snapshot(self) -> Iterator[psycopg.Cursor[Any]]:
        with self._snapshots.transaction(), self._snapshots.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield cursor

    def _read(self, cursor: psycopg.Cursor[Any], touched: Touched) -> list[Record]:
        """Return the touched records in the order they are written: parents first, what is gone last and backwards."""
        self._keys.clear()
        there: list[Record] = []
        gone: list[Record] = []
        for data_set in self._own:
            wanted = set(touched.records.get(data_set.name, ()))
            if data_set.name in touched.emptied:
                wanted.update(row[0] for row in cursor.execute(_ALL, data_set.scope).fetchall())
            rows = read_records(cursor, data_set, sorted(wanted)) if wanted else {}
            there += [Record(data_set, row_id, rows[row_id]) for row_id in sorted(rows)]
            gone += [Record(data_set, row_id, None) for row_id in sorted(wanted - rows.keys())]
        for data_set in self._own:
            own = [item.rows for item in there if item.data_set is data_set and item.rows is not None]
            self._keys.look_up(cursor, data_set.org_id, data_set.mapping.tables, own)
        return [*self._mine(cursor, there), *reversed(self._mine(cursor, gone))]

    def _mine(self, cursor: psycopg.Cursor[Any], records: list[Record]) -> list[Record]:
        """Leave out what another data set has that fills the same table; rows nobody has yet are the first one's."""
        if not records:
            return []
        self._keys.read(cursor, self._scope["org"], [item.row_id.bytes for item in records])
        cursor.execute(_OWNED, {**self._scope, "rows": [item.row_id for item in records]})
        owners = dict(cursor.fetchall())
        for item in records:
            owners.setdefault(item.row_id, item.data_set.name)
        return [item for item in records if owners[item.row_id] == item.data_set.name]

    def _write(self, cursor: psycopg.Cursor[Any], records: Sequence[Record], stamp: Stamp) -> Outcome:
        """Write all in one transaction; where the store or a mapping refuses one, in smaller ones until it is found."""
        try:
            return self._together(cursor, records, stamp)
        except (RowRefusedError, UnmappableError) as problem:
            if len(records) == 1:
                return Outcome(refused=[(records[0], *_reason(problem))])
        middle = len(records) // 2
        first = self._write(cursor, records[:middle], stamp)
        return _sum(first, self._write(cursor, records[middle:], stamp))

    def _together(self, cursor: psycopg.Cursor[Any], records: Sequence[Record], stamp: Stamp) -> Outcome:
        before = self._keys.copy()
        try:
            with self._writer.batch(stamp) as batch:
                work = WriteBack(self._own, self._keys, cursor, batch, self._writer.shape)
                for record in records:
                    work.write(record)
        except BaseException:
            self._keys.reset(before)
            raise
        return work.outcome

    def _note(self, outcome: Outcome, read: Progress) -> Progress:
        progress = replace(read, applied=outcome.written + len(outcome.gone), refused=len(outcome.refused))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for data_set, row_id, key in outcome.given:
                write_given(cursor, data_set, row_id, key)
            for data_set, aliases in outcome.aliases:
                write_aliases(cursor, data_set, aliases)
            for record in outcome.gone:
                cursor.execute(_FORGET_KEY, {**self._scope, "row": record.row_id})
            self._quarantine(cursor, outcome)
            self._hold.move(cursor, progress)
        return progress

    def _quarantine(self, cursor: psycopg.Cursor[Any], outcome: Outcome) -> None:
        settled = [row_id for _, row_id, _ in outcome.given]
        settled += [record.row_id for record, _, _ in outcome.refused]
        settled += outcome.touched
        if settled:
            cursor.execute(_CLEAR, {**self._scope, "chunk": REVERSE_CHUNK, "rows": settled})
        for record, reason, detail in outcome.refused:
            own = {**record.data_set.scope, "chunk": REVERSE_CHUNK}
            refused = Refused(0, 0, _as_bytes(record), reason, "", detail, row_id=record.row_id.bytes)
            chunk = MappedChunk(Chunk(REVERSE_CHUNK, 0, (), b""), {}, refused=[refused])
            write_quarantine(cursor, own, chunk, "written back", self._box)


def _reason(problem: Exception) -> tuple[str, str]:
    if isinstance(problem, UnmappableError):
        return problem.kind, f"{problem.field}: {problem.detail}"
    return "legacy.refused", str(problem)


def _sum(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(
        first.written + second.written,
        first.given + second.given,
        first.aliases + second.aliases,
        first.gone + second.gone,
        first.refused + second.refused,
        first.touched + second.touched,
    )


def _as_bytes(record: Record) -> bytes:
    return json.dumps(record.rows, default=_shown, ensure_ascii=False).encode()


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)

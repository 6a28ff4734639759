"""Follows a column that grows, for stores that allow nothing else. It cannot see deletes, and says so.

At every look all rows are read whose watermark lies behind the last one less an overlap, for those that were committed late;
what was told before and is the same is left out. Positions are the source's clock at the look, so what is read later is newer.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.outbox.preparing import open_store
from caravan.migration.capture.stores.store import Store
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable
from caravan.migration.load.readers.row_text import decode_row

__all__ = ["WatermarkSource", "prepare"]

_PAUSE: Final = 0.2
"""Seconds between two looks."""
_LATE_NUMBERS: Final = 1_000
"""How many numbers a sequence may be ahead of the oldest transaction that has not committed."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK: Final = {
    "sqlite": "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000",
    "mariadb": "SELECT CAST(unix_timestamp(current_timestamp(6)) * 1000000 AS SIGNED)",
    "postgresql": "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
}
"""Microseconds since 1970."""
_NUMBERS: Final = ("int", "serial", "decimal", "numeric", "real", "double", "float")


class WatermarkSource:
    format: Literal["row"] = "row"
    sees_deletes: bool = False

    def __init__(
        self, kind: str, place: str | Path, names: Sequence[str], rules: Rules, options: CaptureOptions
    ) -> None:
        self._family = {"supabase": "postgresql", "mysql": "mariadb"}.get(kind, kind)
        self._store, _ = open_store(kind, place, rules, options.name)
        self._options = options
        self._told: dict[str, dict[str, bytes]] = {}
        self._given = 0
        try:
            self._tables = keyed(self._store.tables(names), options.keys)
            _assert_watermarks(self._store, self._tables, options)
        except BaseException:
            self._store.close()
            raise

    def begin(self) -> Position:
        """Return a position that all rows of a snapshot opened later are behind, or told again."""
        return Position(self._clock(), self._resume())

    def head(self) -> Position:
        """Return a position behind all that was given: a clock may stand still between two calls."""
        return Position(max(self._clock(), self._given + 1))

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        number, marks = after.number, json.loads(after.resume or "{}")
        until = time.monotonic() + wait
        while True:
            with self._store.snapshot():
                clock = self._clock()
                reached = self._resume()
                changes = [change for name in self._tables for change in self._read(name, marks.get(name))]
            marks = json.loads(reached)
            pieces = [
                changes[at : at + self._options.batch] for at in range(0, len(changes), self._options.batch)
            ]
            for piece in pieces[:-1]:
                number += 1
                yield self._of(number, after.resume, piece)
            if pieces:
                number = max(number + 1, clock)
                yield self._of(number, reached, pieces[-1])
                until = time.monotonic() + wait
            if time.monotonic() >= until:
                if not pieces:
                    yield self._of(max(number + 1, clock), reached, [])
                return
            time.sleep(_PAUSE)

    def confirm(self, position: Position) -> None:
        """The source keeps nothing for us."""

    def retained(self) -> None:
        return None

    def close(self) -> None:
        self._store.close()

    def _of(self, number: int, resume: str, changes: Sequence[Change]) -> Transaction:
        self._given = max(self._given, number)
        numbered = (
            Change(change.collection, change.kind, change.key, change.record, step)
            for step, change in enumerate(changes)
        )
        return Transaction(Position(number, resume), _EPOCH + timedelta(microseconds=number), tuple(numbered))

    def _read(self, name: str, mark: str | None) -> Iterator[Change]:
        """Yield rows behind a mark that were not told as they are."""
        table = self._tables[name]
        before, told = self._told.get(name, {}), {}
        for record in self._store.rows_where(table, self._condition(table, mark)):
            key = _key(table, record)
            told[repr(key)] = record.raw
            if before.get(repr(key)) != record.raw:
                yield Change(name, "upsert", key, record, 0)
        self._told[name] = told

    def _condition(self, table: SourceTable, mark: str | None) -> str:
        column = self._column(table)
        order = f"ORDER BY {column}"
        if not mark:
            return f"{column} IS NOT NULL {order}"
        declared = table.column(self._options.watermarks[_name(self._tables, table)]).type.lower()
        said = "'" + mark.replace("'", "''") + "'"
        seconds = self._options.overlap.total_seconds()
        if any(word in declared for word in _NUMBERS) and "interval" not in declared:
            return f"{column} >= {said} - {_LATE_NUMBERS} {order}"
        if self._family == "postgresql":
            return f"{column} >= {said}::{declared} - interval '{seconds} seconds' {order}"
        if self._family == "mariadb":
            return f"{column} >= CAST({said} AS DATETIME(6)) - INTERVAL {seconds} SECOND {order}"
        # One writer at a time: what is committed later was written later.
        return f"{column} >= {said} {order}"

    def _column(self, table: SourceTable) -> str:
        name = self._options.watermarks[_name(self._tables, table)]
        quote = "`" if self._family == "mariadb" else '"'
        return quote + name.replace(quote, quote * 2) + quote

    def _resume(self) -> str:
        marks = {}
        for name, table in self._tables.items():
            query = f"SELECT max({self._column(table)}) FROM {self._store.full_name(table)}"  # noqa: S608 - quoted
            marks[name] = self._store.texts(query)[0][0]
        return json.dumps(marks)

    def _clock(self) -> int:
        return int(self._store.texts(_CLOCK[self._family])[0][0])


def prepare(
    kind: str, place: str | Path, names: Sequence[str], rules: Rules, options: CaptureOptions
) -> Position:
    """See ``prepare_changes``; nothing is made at the source."""
    source = WatermarkSource(kind, place, names, rules, options)
    try:
        return source.begin()
    finally:
        source.close()


def _key(table: SourceTable, record: Record | BrokenRecord) -> Mapping[str, object]:
    row = decode_row(record.raw)
    return {name: row[name] for name in table.key}


def _name(tables: Mapping[str, SourceTable], wanted: SourceTable) -> str:
    return next(name for name, table in tables.items() if table is wanted)


def _assert_watermarks(store: Store, tables: Mapping[str, SourceTable], options: CaptureOptions) -> None:
    for name, table in tables.items():
        column = options.watermarks.get(name)
        known = {each.name for each in table.columns}
        if column not in known:
            raise CaptureRefusedError(
                f"{store.place}: table {name} has no watermark {column or ''}; name a column that grows with every write"
                f" ({', '.join(sorted(known))})"
            )
        if not table.key:
            raise CaptureRefusedError(
                f"{store.place}: table {name} has no key, so a row cannot be told from another"
            )

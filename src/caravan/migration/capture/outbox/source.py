"""The changes that triggers have noted, each told as its row is now."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import ChangesLostError
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.outbox.dialect import Dialect
from caravan.migration.capture.outbox.places import forget_lines, forgotten, last_place, place_lines
from caravan.migration.capture.stores.store import Store
from caravan.migration.load.readers import BrokenRecord, Record, SourceTable
from caravan.migration.load.readers.row_text import decode_row

__all__ = ["OutboxSource"]

_PAUSE: Final = 0.05
"""Seconds between two looks into the outbox."""


class OutboxSource:
    format: Literal["row"] = "row"
    sees_deletes: bool = True

    def __init__(self, store: Store, dialect: Dialect, names: Sequence[str], options: CaptureOptions) -> None:
        self._store = store
        self._dialect = dialect
        self._batch = options.batch
        self._tables = keyed(store.tables(names), options.keys)

    def head(self) -> Position:
        while place_lines(self._store, self._dialect, self._batch):
            pass
        return Position(last_place(self._store, self._dialect))

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        """One transaction holds all that was met at once with the same tag: whole transactions of the source, several together."""
        self._assert_noted(after)
        told = after.number
        until = time.monotonic() + wait
        while True:
            more = place_lines(self._store, self._dialect, self._batch)
            last = last_place(self._store, self._dialect)
            for place in range(told + 1, last + 1):
                found = self._at(place)
                if found.changes or place == last:
                    yield found
                told = place
                until = time.monotonic() + wait
            if not more:
                if time.monotonic() >= until:
                    return
                time.sleep(_PAUSE)

    def confirm(self, position: Position) -> None:
        """Delete the lines up to here."""
        forget_lines(self._store, self._dialect, position.number)

    def retained(self) -> None:
        """The outbox is rows of the source, not log."""

    def close(self) -> None:
        self._store.close()

    def _assert_noted(self, after: Position) -> None:
        if problem := self._dialect.missing(self._tables):
            raise ChangesLostError(f"{self._store.place}: {problem}, so not every change was noted")
        if after.number > last_place(self._store, self._dialect):
            raise ChangesLostError(
                f"{self._store.place}: the outbox has not come to place {after.number} yet: it was made anew since"
            )
        if after.number < (gone := forgotten(self._store, self._dialect)):
            raise ChangesLostError(
                f"{self._store.place}: the outbox was confirmed up to place {gone}, beyond the position asked for ({after.number})"
            )

    def _at(self, place: int) -> Transaction:
        """Return the transaction of a place, with the rows as one snapshot shows them now."""
        with self._store.snapshot():
            # `key` is a reserved word in MariaDB and a plain one elsewhere; in seq's order it is the fourth column anywhere.
            lines = self._store.texts(
                f"SELECT o.* FROM {self._dialect.outbox} AS o WHERE place = {place} ORDER BY seq"  # noqa: S608 - quoted
            )
            changes = tuple(self._changes([(line[2], line[3]) for line in lines]))
        at = max((_moment(line[5]) for line in lines), default=datetime.now(UTC))
        return Transaction(Position(place), at, changes, lines[0][4] if lines else "")

    def _changes(self, lines: Sequence[tuple[str, str]]) -> Iterator[Change]:
        """Yield the change of each key once, where it was noted last."""
        ordered = list(reversed(dict.fromkeys(reversed(lines))))
        rows = self._rows(ordered)
        keys = self._keys([line for line in ordered if line not in rows])
        step = 0
        for collection, literal in ordered:
            if collection not in self._tables:
                continue
            if not literal:
                yield Change(collection, "truncate", {}, None, step)
            else:
                record = rows.get((collection, literal))
                if record is None:
                    key = keys[collection, literal]
                else:
                    row = decode_row(record.raw)
                    key = {name: row[name] for name in self._tables[collection].key}
                yield Change(collection, "delete" if record is None else "upsert", key, record, step)
            step += 1

    def _rows(self, lines: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Record | BrokenRecord]:
        found = {}
        for name, table, literals in self._by_table(lines):
            for literal, record in self._store.rows_of_keys(table, literals):
                found[name, literal] = record
        return found

    def _keys(self, lines: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, object]]:
        return {
            (name, literal): key
            for name, table, literals in self._by_table(lines)
            for literal, key in zip(literals, self._store.keys(table, literals), strict=True)
        }

    def _by_table(self, lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, SourceTable, list[str]]]:
        for name, table in self._tables.items():
            literals = [literal for collection, literal in lines if collection == name and literal]
            if literals:
                yield name, table, literals


def _moment(text: str) -> datetime:
    """Return what the store's clock said; all sessions of ours run in UTC."""
    moment = datetime.fromisoformat(
        text if "+" not in text or ":" in text.rpartition("+")[2] else f"{text}:00"
    )
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

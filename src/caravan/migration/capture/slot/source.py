"""The changes of a PostgreSQL database, read from a logical slot by SQL and forgotten by the server only when confirmed."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from psycopg.errors import ObjectNotInPrerequisiteState, UndefinedObject

from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.capture.errors import ChangesLostError
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.slot.decoding import Decoding
from caravan.migration.capture.slot.layouts import Layouts
from caravan.migration.capture.slot.left_out import LeftOut
from caravan.migration.capture.slot.requirements import chosen_tables
from caravan.migration.capture.stores.postgres_connection import connect_postgres, stopping
from caravan.migration.load.readers import Rules, without_password

__all__ = ["SlotSource"]

_PAUSE: Final = 0.05
"""Seconds between two looks at the end of the log."""
_HEARTBEAT: Final = "caravan-heartbeat"

_PEEK: Final = """
SELECT data FROM pg_logical_slot_peek_binary_changes(%(slot)s, %(upto)s, %(limit)s,
    'proto_version', '1', 'publication_names', %(publication)s, 'messages', 'true')
"""
_STATE: Final = """
SELECT wal_status, (confirmed_flush_lsn - '0/0')::bigint, (pg_current_wal_lsn() - restart_lsn)::bigint
FROM pg_replication_slots WHERE slot_name = %s
"""
_PUBLISHED: Final = "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s"
_END: Final = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint, clock_timestamp()"


class SlotSource:
    """``names`` of tables as the PostgreSQL reader gives them; slot and publication are named ``options.name``."""

    format: Literal["row"] = "row"
    sees_deletes: bool = True

    def __init__(self, url: str, names: Sequence[str], rules: Rules, options: CaptureOptions) -> None:
        self._place = without_password(url)
        self._options = options
        self._connection = connect_postgres(url)
        try:
            with stopping(self._place):
                self._tables = tables = chosen_tables(self._connection, names, self._place)
                self._confirmed = self._state()[0]
        except BaseException:
            self._connection.close()
            raise
        needed = {
            name: options.columns.get(name) or frozenset(column.name for column in table.columns)
            for name, table in tables.items()
        }
        by_table = {(table.schema, table.name): name for name, table in tables.items()}
        self._decoding = Decoding(
            Layouts(self._connection, by_table, needed, rules, options.keys), LeftOut(self._connection)
        )

    def head(self) -> Position:
        """Write an empty message: what was committed before it stands before it in the log, and the log is flushed behind it."""
        with stopping(self._place), self._connection.transaction():
            self._connection.execute("SET LOCAL synchronous_commit = on")
            row = self._connection.execute(
                "SELECT (pg_logical_emit_message(true, %s, '') - '0/0')::bigint", (_HEARTBEAT,)
            ).fetchone()
        return Position(int(row[0]) if row else 0)

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        """Peek, so that a crash loses nothing; confirm often, the server decodes again what is not confirmed."""
        self._assert_reaches(after)
        reached, told, limit = after.number, after.number, self._options.batch
        until = time.monotonic() + wait
        while True:
            end, at = self._end()
            if end > reached:
                data, whole = self._peeked(end, limit)
                found = self._decoding.transactions(data, reached)
                for transaction in found:
                    yield transaction
                    told = transaction.position.number
                until = time.monotonic() + wait if found else until
                behind = max(reached, self._decoding.behind)
                if not whole:
                    # Where all of it was known and only not confirmed, more is needed to see anything new.
                    limit = limit * 2 if behind == reached else self._options.batch
                    reached = behind
                    continue
                limit, reached = self._options.batch, max(behind, end)
            if time.monotonic() >= until:
                if reached > told:
                    yield Transaction(Position(reached), at)
                return
            time.sleep(_PAUSE)

    def confirm(self, position: Position) -> None:
        """Let the server forget its log up to here."""
        if position.number <= self._confirmed:
            return
        with stopping(self._place):
            self._connection.execute(
                "SELECT pg_replication_slot_advance(%s, '0/0'::pg_lsn + %s)",
                (self._options.name, position.number),
            )
            self._confirmed = position.number

    def retained(self) -> int:
        with stopping(self._place):
            return self._state()[1]

    def close(self) -> None:
        self._connection.close()

    def _assert_reaches(self, after: Position) -> None:
        with stopping(self._place):
            confirmed, _ = self._state()
            self._assert_published()
        self._confirmed = confirmed
        if after.number < confirmed:
            raise ChangesLostError(
                f"{self._place}: the slot {self._options.name} was confirmed beyond the position asked for"
                f" ({after.number} is before {confirmed})"
            )

    def _assert_published(self) -> None:
        """A table that was dropped and made again is no longer in the publication, and its changes come no more."""
        rows = self._connection.execute(_PUBLISHED, (self._options.name,)).fetchall()
        if missing := [
            name for name, table in self._tables.items() if (table.schema, table.name) not in set(rows)
        ]:
            raise ChangesLostError(
                f"{self._place}: table {missing[0]} is not in the publication {self._options.name}: it was made again, or not prepared"
            )

    def _state(self) -> tuple[int, int]:
        """Return the confirmed position and the bytes kept."""
        row = self._connection.execute(_STATE, (self._options.name,)).fetchone()
        if row is None:
            raise ChangesLostError(f"{self._place}: the slot {self._options.name} does not exist")
        status, confirmed, kept = row
        if status == "lost":
            raise ChangesLostError(
                f"{self._place}: the server has removed log that the slot {self._options.name} still needed"
                " (see max_slot_wal_keep_size and idle_replication_slot_timeout)"
            )
        return int(confirmed), int(kept or 0)

    def _end(self) -> tuple[int, datetime]:
        with stopping(self._place):
            row = self._connection.execute(_END).fetchone()
        return (int(row[0]), row[1]) if row else (0, datetime.now(UTC))

    def _peeked(self, end: int, limit: int) -> tuple[list[bytes], bool]:
        """Return the messages of whole transactions up to ``end``, and whether that was all of them."""
        parameters = {
            "slot": self._options.name,
            "upto": f"{end >> 32:X}/{end & 0xFFFFFFFF:X}",
            "limit": limit,
            "publication": self._options.name,
        }
        try:
            with stopping(self._place), self._connection.cursor(binary=True) as cursor:
                data = [row[0] for row in cursor.execute(_PEEK, parameters)]
        except Exception as error:
            if isinstance(error.__cause__, ObjectNotInPrerequisiteState | UndefinedObject):
                self._state()  # raises where the slot or its log is lost
            raise
        return data, len(data) < limit

"""The changes of a MariaDB or MySQL database, read from its row log as a replica reads it."""

import hashlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from caravan.migration.capture.binlog.grouping import Grouping
from caravan.migration.capture.binlog.preparing import assert_followable, log_end, place_of
from caravan.migration.capture.binlog.wire import HEARTBEAT, Event, EventStream, Place
from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.capture.errors import CaptureRefusedError, ChangesLostError, ChangesUnreadableError
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.stores.mariadb_connection import MariadbConnection
from caravan.migration.load.readers import Rules, SourceTable

__all__ = ["BinlogSource"]

_HEARTBEAT: Final = 0.05
"""Seconds of silence after which the server says that its log has nothing more."""
_NOTED: Final = re.compile(r" (gtid|schema) (\S*)")
_IDS: Final = 1 << 30


class BinlogSource:
    """``names`` of tables of the database that the URL names."""

    format: Literal["row"] = "row"
    sees_deletes: bool = True

    def __init__(self, url: str, names: Sequence[str], rules: Rules, options: CaptureOptions) -> None:
        self._url = url
        self._options = options
        self._connection = MariadbConnection(url)
        try:
            assert_followable(self._connection, names, options)
            self._tables = keyed(self._connection.tables(names), options.keys)
        except BaseException:
            self._connection.close()
            raise
        self._rules = rules
        self._schema = _fingerprint(self._tables)
        self._server_id = options.server_id or _IDS + secrets.randbelow(_IDS)
        self._stream: EventStream | None = None
        self._events: Iterator[Event] = iter(())
        self._at = Place("none.0", 0)
        self._grouping = self._new_grouping()

    def head(self) -> Position:
        place = log_end(self._connection)
        return Position(place.number, f"{place.file}:{place.offset}")

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        """Read on where the last call ended, else ask for the log anew; the end of the log is told by a heartbeat."""
        if self._stream is None or self._at.number != after.number:
            self._ask(after)
        told = after.number
        until = time.monotonic() + wait
        for event in self._events:
            found = self._grouping.take(event)
            if self._grouping.inside:
                continue
            if event.end.offset:  # zero: made for the stream alone
                self._at = event.end
            if found is not None and (found.changes or found.tag):
                yield self._placed(found)
                told, until = self._at.number, time.monotonic() + wait
            elif time.monotonic() >= until and (event.kind in HEARTBEAT or found is not None):
                if self._at.number > told:
                    yield Transaction(self._position(), datetime.now(UTC))
                return

    def confirm(self, position: Position) -> None:
        """The server keeps its log by age and size, not for us."""

    def retained(self) -> None:
        return None

    def close(self) -> None:
        self._connection.close()
        self._leave()

    def _placed(self, found: Transaction) -> Transaction:
        return Transaction(self._position(), found.committed_at, found.changes, found.tag)

    def _position(self) -> Position:
        return Position(self._at.number, self._grouping.resume(self._at, self._schema))

    def _ask(self, after: Position) -> None:
        self._leave()
        place = place_of(self._connection, after)
        noted = dict(_NOTED.findall(after.resume))
        self._assert_same_columns(noted.get("schema", ""))
        self._grouping = self._new_grouping()
        self._grouping.gtids = self._same_log(place, noted.get("gtid", ""))
        self._stream = EventStream(self._url, place, self._server_id, _HEARTBEAT)
        self._events = self._read_on(self._stream)
        self._at = place

    def _read_on(self, stream: EventStream) -> Iterator[Event]:
        """Yield the events; a stream that broke is asked for anew by the next call."""
        try:
            yield from stream.events()
        finally:
            if self._stream is stream:
                self._leave()

    def _leave(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _new_grouping(self) -> Grouping:
        return Grouping(self._connection.database, self._tables, self._rules, self._defined)

    def _same_log(self, place: Place, noted: str) -> dict[str, str]:
        """Return the transactions that stand before a place; a log that was begun anew has others there.

        Raises:
            ChangesLostError: the log does not have the place, or it is another log.
        """
        files = {row[0]: int(row[1]) for row in self._connection.texts("SHOW BINARY LOGS")}
        if place.file not in files or place.offset > files[place.file]:
            raise ChangesLostError(
                f"{self._connection.place} no longer has its log at {place.file}:{place.offset}; it has {', '.join(files)}"
            )
        if not self._connection.is_mariadb:
            return {}
        (found,) = self._connection.texts(f"SELECT binlog_gtid_pos('{place.file}', {place.offset})")[0]
        gtids = [gtid for gtid in found.split(",") if gtid]
        if noted and set(noted.split(",")) != set(gtids):
            raise ChangesLostError(
                f"{self._connection.place} has {found or 'nothing'} before {place.file}:{place.offset}, where {noted} was read:"
                " its log was begun anew, or this is another server"
            )
        return {gtid.partition("-")[0]: gtid for gtid in gtids}

    def _assert_same_columns(self, noted: str) -> None:
        """Stop where a table that was followed before has other columns now; one that was not is followed from here on."""
        before = dict(each.split(":") for each in noted.split(",") if each)
        today = dict(each.split(":") for each in self._schema.split(","))
        if any(before.get(name, columns) != columns for name, columns in today.items()) and (
            self._options.schema_changes == "stop"
        ):
            raise ChangesUnreadableError(
                f"{self._connection.place}: columns of {', '.join(self._tables)} were changed since the last position, so changes"
                ' before that cannot be read; synchronise again, or accept it with schema_changes = "accept" where all'
                " changes before it have been read"
            )

    def _defined(self, named: tuple[str, ...], place: Place, replaced: bool) -> None:
        """Stop where DDL changed columns or put another table in place; an index more or less is nothing to us."""
        try:
            today = keyed(self._connection.tables(list(self._tables)), self._options.keys)
            same = _fingerprint(today) == self._schema
        except CaptureRefusedError:  # a table is gone
            same = False
        if (replaced or not same) and self._options.schema_changes == "stop":
            raise ChangesUnreadableError(
                f"{self._connection.place}: a statement before {place.file}:{place.offset} changed {', '.join(named)} while its"
                " changes are followed; correct the mapping, then synchronise the table again",
                collections=list(named),
            )


def _fingerprint(tables: Mapping[str, SourceTable]) -> str:
    """Return, per table, a short hash of its name and one of its columns: what a position remembers of them."""
    return ",".join(
        f"{_hash(name)}:{_hash([(c.name, c.type, c.charset, c.generated) for c in table.columns])}"
        for name, table in sorted(tables.items())
    )


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]

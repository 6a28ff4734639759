"""From the events of the log to whole transactions, in the order of their commits."""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from caravan.migration.capture.binlog import MARKER_TABLE
from caravan.migration.capture.binlog.cells import cell_of
from caravan.migration.capture.binlog.row_images import RowImages
from caravan.migration.capture.binlog.statements import Meaning, meaning_of, statement
from caravan.migration.capture.binlog.table_maps import TableMap, length_at, table_map
from caravan.migration.capture.binlog.wire import ROTATE, Event, Place
from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import ChangesUnreadableError
from caravan.migration.load.readers import Rules, SourceColumn, SourceTable

__all__ = ["Grouping"]

_QUERY, _XID, _TABLE_MAP, _XA_PREPARE, _GTID = 2, 16, 19, 38, 162
_ROWS: Final = {23: "write", 24: "update", 25: "delete", 30: "write", 31: "update", 32: "delete"}
_UNREAD: Final = {
    18: "LOAD DATA as a statement instead of its rows; set binlog_format = ROW in every session",
    26: "an incident: the server itself has lost events",
    39: "a partial update of JSON (binlog_row_value_options)",
    40: "a compressed transaction (binlog_transaction_compression)",
    165: "a compressed statement (log_bin_compress)",
    **dict.fromkeys(range(166, 172), "compressed rows (log_bin_compress)"),
}
"""Events that would hide changes from us: none is passed over in silence."""
_LOAD_DATA: Final = 18
_UNREAD_ROWS: Final = frozenset({39, *range(166, 172)})
_STANDALONE: Final = 1
_MARKER: Final = SourceColumn("tag", "varchar(190)", charset="utf8mb4")


class Grouping:
    """Takes events in order. ``defined`` is asked when DDL named tables of ours, and told whether it replaced them: it raises where rows were lost by it."""

    def __init__(
        self,
        database: str,
        tables: Mapping[str, SourceTable],
        rules: Rules,
        defined: Callable[[tuple[str, ...], Place, bool], None],
    ) -> None:
        self._database = database
        self._tables = tables
        self._rules = rules
        self._defined = defined
        self._images: dict[int, RowImages | TableMap | None] = {}
        self._made: dict[tuple[str, tuple[object, ...]], RowImages] = {}
        self._changes: list[Change] = []
        self._tag = ""
        self.inside = False
        """Whether a transaction has begun and not ended."""
        self.gtids: dict[str, str] = {}
        """Per replication domain the last transaction seen, as MariaDB writes it."""

    def take(self, event: Event) -> Transaction | None:
        """Return the transaction that the event ends, also one without changes for us; None in between."""
        kind = event.kind
        if kind in _ROWS:
            self._rows(kind, event)
        elif kind == _TABLE_MAP:
            self._map(event)
        elif kind == _XID:
            return self._committed(event)
        elif kind == _QUERY:
            return self._said(event)
        elif kind == _GTID:
            self._identified(event)
        elif kind == ROTATE and event.at:
            self._images.clear()  # ids of tables are only valid in the file they stand in
        elif kind in _UNREAD or kind == _XA_PREPARE:
            self._refuse(kind, event)
        return None

    def resume(self, place: Place, schema: str) -> str:
        """Return what a later stream needs to go on from a place, and to know that it is the same log and the same columns."""
        gtids = ",".join(self.gtids[domain] for domain in sorted(self.gtids, key=int))
        return f"{place.file}:{place.offset} gtid {gtids} schema {schema}"

    def _identified(self, event: Event) -> None:
        sequence, domain, flags = struct.unpack_from("<QIB", event.body)
        self.gtids[str(domain)] = f"{domain}-{event.server}-{sequence}"
        if not flags & _STANDALONE:
            self._begin()

    def _begin(self) -> None:
        self._changes, self._tag, self.inside = [], "", True

    def _committed(self, event: Event) -> Transaction:
        found = Transaction(
            Position(event.end.number),
            datetime.fromtimestamp(event.at, UTC),
            tuple(self._changes),
            self._tag,
        )
        self._changes, self._tag, self.inside = [], "", False
        return found

    def _map(self, event: Event) -> None:
        logged = table_map(event.body)
        self._images[logged.table_id] = None
        if logged.database != self._database:
            return
        if logged.table == MARKER_TABLE:
            self._images[logged.table_id] = logged
        elif (table := self._tables.get(logged.table)) is not None:
            form = (logged.table, logged.columns)
            if form not in self._made:
                self._made[form] = RowImages(logged.table, table, logged, self._rules)
            self._images[logged.table_id] = self._made[form]

    def _rows(self, kind: int, event: Event) -> None:
        images = self._images.get(int.from_bytes(event.body[:6], "little"))
        if isinstance(images, TableMap):
            self._tag = self._tag or _marked(kind, event.body, images)
        elif images is not None:
            act = _ROWS[kind]
            for first, second in images.rows(kind, event.body):
                if act == "delete":
                    self._delete(images, images.key(first))
                    continue
                row = first if second is None else second
                key = images.key(row)
                if second is not None and (old := images.key(first)) != key:
                    self._delete(images, old)
                step = len(self._changes)
                self._changes.append(Change(images.collection, "upsert", key, images.record(row, step), step))

    def _delete(self, images: RowImages, key: dict[str, object]) -> None:
        self._changes.append(Change(images.collection, "delete", key, None, len(self._changes)))

    def _said(self, event: Event) -> Transaction | None:
        meaning, named = meaning_of(statement(event.body), self._database, self._tables.keys())
        match meaning:
            case "begin":
                self._begin()
            case "commit":
                return self._committed(event)
            case "rollback":
                self._changes = []
                return self._committed(event)
            case "truncate":
                self._changes.append(Change(named[0], "truncate", {}, None, len(self._changes)))
                return None if self.inside else self._committed(event)
            case "defines" | "replaces":
                self._defined(named, event.end, meaning == "replaces")
            case "nothing":
                pass
            case _:
                self._stop(meaning, named, event)
        return None if self.inside else self._committed(event)

    def _stop(self, meaning: Meaning, named: tuple[str, ...], event: Event) -> None:
        what = {
            "writes": f"a statement that changes {', '.join(named)} instead of its rows; set binlog_format = ROW in every session",
            "xa": "a transaction of two phases (XA)",
            "partial rollback": "a rollback to a savepoint over tables that cannot roll back",
        }[meaning]
        if meaning == "writes" or self._changes:
            raise ChangesUnreadableError(
                f"the log of {self._database} holds, before {event.end.file}:{event.end.offset}, {what}; synchronise the tables"
                " again from behind it"
            )

    def _refuse(self, kind: int, event: Event) -> None:
        if kind == _XA_PREPARE and not self._changes:
            self.inside = False
            return
        if kind == _LOAD_DATA and not any(name.encode() in event.body for name in self._tables):
            return
        if kind in _UNREAD_ROWS and self._images.get(int.from_bytes(event.body[:6], "little")) is None:
            return
        what = _UNREAD.get(kind, "a transaction of two phases (XA)")
        raise ChangesUnreadableError(
            f"the log of {self._database} holds, before {event.end.file}:{event.end.offset}, {what}, which is not read; switch"
            " it off and synchronise the tables again from behind it"
        )


def _marked(kind: int, body: bytes, logged: TableMap) -> str:
    """Return the tag in the last row of an event on the marker table, whose first column holds it."""
    at = 8 + (int.from_bytes(body[8:10], "little") if kind >= 30 else 0)  # noqa: PLR2004 - the second version
    width, at = length_at(body, at)
    size = (width + 7) // 8
    at += size * (2 if _ROWS[kind] == "update" else 1) + size
    seen = logged.columns[0]
    tag, _ = cell_of(seen.kind, seen.meta, _MARKER)(body, at)
    return tag.decode() if isinstance(tag, bytes) else ""

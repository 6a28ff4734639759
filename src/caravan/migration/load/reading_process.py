"""A process that reads ranges of a table through a connection of its own, ahead of those who take the rows, within a bound.

It takes one order after another: which ranges of which table. Rows go out in order, several at a time; ``Done`` ends each range.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, TypeAlias

from caravan.core.errors import CaravanError
from caravan.migration.load.readers import (
    BrokenRecord,
    KeyRange,
    Record,
    Rules,
    Snapshot,
    SourceKind,
    TableReader,
    open_source,
)

__all__ = ["Done", "Message", "Opened", "ReadRanges", "Rows", "Troubled", "ranges_of_process", "serve_ranges"]

_BATCH: Final = 256
_AHEAD: Final = 4 * 1024 * 1024
"""Bytes of rows that are read and not taken yet."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection stands, in this snapshot."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class ReadRanges:
    table: str
    ranges: tuple[KeyRange, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A range has been read to its end."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Reading failed; ``message`` is for people."""

    message: str


Row: TypeAlias = bytes | BrokenRecord
"""The bytes of a record, or what is to be said of a broken one; the taker gives the ordinals."""

Rows: TypeAlias = list[Row]
Message: TypeAlias = Opened | Rows | Done | Troubled


def serve_ranges(pipe: Connection, place: str, kind: SourceKind, rules: Rules, joined: str) -> None:
    """Serve until the other end of the pipe is closed. ``joined``: the name of a snapshot to read in, where there are such."""
    try:
        reader = _opened(place, kind, rules, joined)
    except CaravanError as error:
        pipe.send(Troubled(error.message))
        return
    outbox = _Outbox(pipe)
    outbox.put(Opened(reader.snapshot()), 0)
    try:
        while True:
            order: ReadRanges = pipe.recv()
            _read(reader, order, outbox)
    except (EOFError, OSError):
        pass
    finally:
        reader.close()
        os._exit(0)  # the sender may be waiting for a pipe that nobody reads any more


def _opened(place: str, kind: SourceKind, rules: Rules, joined: str) -> TableReader:
    if joined:
        from caravan.migration.load.readers.postgres import PostgresReader  # noqa: PLC0415 - others need no psycopg here

        return PostgresReader(place, rules, snapshot=joined)
    reader = open_source(place, kind, rules)
    if not isinstance(reader, TableReader):
        raise TypeError(f"{type(reader).__name__} reads no ranges")
    return reader


def _read(reader: TableReader, order: ReadRanges, outbox: "_Outbox") -> None:
    try:
        for within in order.ranges:
            for rows, size in _batches(reader.read_range(order.table, within)):
                outbox.put(rows, size)
            outbox.put(Done(), 0)
    except CaravanError as error:
        outbox.put(Troubled(error.message), 0)


def _batches(records: Iterator[Record | BrokenRecord]) -> Iterator[tuple[Rows, int]]:
    rows: Rows = []
    size = 0
    for record in records:
        rows.append(record.raw if type(record) is Record else record)  # type: ignore[arg-type]  # one of two types
        size += len(record.raw)
        if len(rows) == _BATCH or size > _AHEAD // 4:
            yield rows, size
            rows, size = [], 0
    if rows:
        yield rows, size


class _Outbox:
    """Messages on their way; whoever puts waits while more than ``_AHEAD`` bytes are not taken."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._waiting: deque[tuple[Message, int]] = deque()
        self._size = 0
        self._broken = False
        self._changed = threading.Condition()
        threading.Thread(target=self._send, daemon=True, name="rows out").start()

    def put(self, message: Message, size: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._broken or self._size <= _AHEAD)
            if self._broken:
                raise OSError("nobody takes the rows any more")
            self._waiting.append((message, size))
            self._size += size
            self._changed.notify_all()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                message, size = self._waiting.popleft()
            try:
                self._pipe.send(message)
            except OSError:
                with self._changed:
                    self._broken = True
                    self._changed.notify_all()
                return
            with self._changed:
                self._size -= size
                self._changed.notify_all()


def ranges_of_process(ranges: Sequence[KeyRange], number: int, processes: int) -> tuple[KeyRange, ...]:
    """Return every so-manyth range: neighbours are read at the same time by different processes."""
    return tuple(ranges[number::processes])

"""Reads a live table through several connections that see one snapshot; the records come in the order one connection would give."""

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final, Literal, Protocol, Self, runtime_checkable

from caravan.migration.load.readers import (
    BrokenRecord,
    CollectionInfo,
    Dialect,
    KeyRange,
    Record,
    Rules,
    Snapshot,
    SourceKind,
    SourceLost,
    SourceTable,
    TableReader,
    without_password,
)
from caravan.migration.load.reading_process import (
    Done,
    Message,
    Opened,
    ReadRanges,
    Rows,
    Troubled,
    ranges_of_process,
    serve_ranges,
)

__all__ = ["SideBySide", "read_side_by_side"]

_ROWS_PER_RANGE: Final = 5_000
"""Small enough that each process reads a range ahead, large enough that a query costs nothing."""

_FEWEST: Final = 4 * _ROWS_PER_RANGE
_TRIES: Final = 5
_MYSQL: Final = "gtid "
"""MySQL's position is taken before its snapshot, and proves nothing about it."""

_FAREWELL: Final = 5.0


def read_side_by_side(reader: TableReader, place: str, kind: SourceKind, processes: int) -> TableReader:
    """Return a reader of the same source that uses so many processes for large tables; the same reader where that cannot be.

    All connections must see one snapshot. PostgreSQL exports it. MariaDB tells the place of its log that a snapshot stands at: equal
    places are equal snapshots, so connections are opened until all agree. Without a log, and in SQLite, one connection reads.
    """
    mine = reader.snapshot()
    large = any((table.rows or 0) >= _FEWEST and table.key for table in reader.tables().values())
    if processes < 2 or not large or not (mine.exported or mine.position):  # noqa: PLR2004 - one process is the reader itself
        return reader
    dialect: Dialect = getattr(reader, "dialect", "csv")
    if dialect not in {"postgresql", "mariadb"} or mine.position.startswith(_MYSQL):
        return reader
    if isinstance(reader, _Logging) and not reader.logs_what_it_replicates():
        return reader
    rules: Rules = getattr(reader, "rules")  # noqa: B009 - of both dialects
    for _ in range(_TRIES):
        started = [_Process(place, kind, rules, mine.exported) for _ in range(processes)]
        opened = [process.opened() for process in started]
        if all(found is not None and _same(found, mine) for found in opened):
            return SideBySide(reader, place, started, dialect, rules)
        for process in started:
            process.close()
        if None in opened or mine.exported:
            return reader
    return reader


@runtime_checkable
class _Logging(Protocol):
    def logs_what_it_replicates(self) -> bool: ...


def _same(theirs: Snapshot, mine: Snapshot) -> bool:
    return theirs.exported == mine.exported if mine.exported else theirs.position == mine.position


class _Process:
    """One reading process as its parent sees it."""

    def __init__(self, place: str, kind: SourceKind, rules: Rules, joined: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=serve_ranges,
            args=(theirs, place, kind, replace(rules, columns=dict(rules.columns)), joined),
            name="caravan reading",
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def opened(self) -> Snapshot | None:
        """Return the snapshot it reads in, None where it could not connect."""
        message = self.receive()
        return message.snapshot if isinstance(message, Opened) else None

    def order(self, table: str, ranges: Sequence[KeyRange]) -> None:
        self._pipe.send(ReadRanges(table, tuple(ranges)))

    def receive(self) -> Message:
        try:
            message: Message = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(_FAREWELL)
            return Troubled(f"a reading process ended with code {self._process.exitcode}")
        return message

    def close(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join(_FAREWELL)


class SideBySide:
    """A ``TableReader`` whose ``read`` is done by processes. A read that is left half-way ends them; then one connection reads on."""

    format: Literal["row"] = "row"

    def __init__(
        self, reader: TableReader, place: str, processes: list[_Process], dialect: Dialect, rules: Rules
    ) -> None:
        self._reader = reader
        self._place = without_password(place)
        self._processes = processes
        self._here = True
        self._done = self._total = 0
        self.dialect: Final = dialect
        self.rules: Final = rules

    def collections(self) -> Mapping[str, CollectionInfo]:
        return self._reader.collections()

    def tables(self) -> Mapping[str, SourceTable]:
        return self._reader.tables()

    def snapshot(self) -> Snapshot:
        return self._reader.snapshot()

    def ranges(self, table: str, parts: int) -> list[KeyRange]:
        return self._reader.ranges(table, parts)

    def read_range(self, table: str, within: KeyRange) -> Iterator[Record | BrokenRecord]:
        return self._reader.read_range(table, within)

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        table = self._reader.tables().get(collection)
        rows = 0 if table is None or table.rows is None else table.rows
        self._here = not self._processes or rows < _FEWEST
        if self._here:
            return self._reader.read(collection)
        return self._gathered(collection, self._reader.ranges(collection, -(-rows // _ROWS_PER_RANGE)), rows)

    def position(self) -> tuple[int, int]:
        return self._reader.position() if self._here else (self._done, self._total)

    def close(self) -> None:
        self._end()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gathered(self, table: str, ranges: Sequence[KeyRange], rows: int) -> Iterator[Record | BrokenRecord]:
        """Yield range after range, each from the process that reads it."""
        self._done, self._total = 0, rows
        count = len(self._processes)
        for number, process in enumerate(self._processes):
            process.order(table, ranges_of_process(ranges, number, count))
        whole = False
        try:
            for number in range(len(ranges)):
                yield from self._range(table, self._processes[number % count])
            whole = True
        finally:
            if not whole:
                self._end()

    def _range(self, table: str, process: _Process) -> Iterator[Record | BrokenRecord]:
        while True:
            message = process.receive()
            if isinstance(message, Done):
                return
            if not isinstance(message, list):
                said = message.message if isinstance(message, Troubled) else "an answer out of turn"
                raise SourceLost.in_table(self._place, table, self._done - 1, said)
            yield from self._numbered(message)

    def _numbered(self, rows: Rows) -> Iterator[Record | BrokenRecord]:
        for row in rows:
            ordinal = self._done
            self._done += 1
            if isinstance(row, bytes):
                yield Record(ordinal, ordinal, row)
            else:
                yield replace(row, ordinal=ordinal, offset=ordinal)

    def _end(self) -> None:
        for process in self._processes:
            process.close()
        self._processes = []

"""What the readers of dumps in SQL share: one pass for the tables, one for the rows of a table; no statement is executed."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from caravan.migration.load.readers.bytestream import GZIP_MAGIC, Meter, StreamDamagedError, pieces
from caravan.migration.load.readers.collection_files import choose
from caravan.migration.load.readers.documents import Place
from caravan.migration.load.readers.errors import SourceUnreadable
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.rows import Parse, RowMaker
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.sql_text import SqlText
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["DumpFacts", "DumpedRow", "SqlDumpReader"]


@dataclass(slots=True)
class DumpFacts:
    """What a pass over the dump has learnt. ``skipped`` counts the statements that carry no data, by their first words."""

    tables: dict[str, SourceTable] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DumpedRow:
    """``columns`` as the statement names them; empty means all of the table."""

    offset: int
    columns: tuple[str, ...]
    values: Sequence[bytes | None]


class SqlDumpReader(ABC):
    """``tables``, ``skipped`` and ``options`` are known from the start; a damage is told after the last good row."""

    format: Literal["row"] = "row"

    def __init__(self, path: Path, rules: Rules = REFUSE_ALL) -> None:
        self._path = path
        self.rules = rules
        self._meter = Meter()
        self._facts = DumpFacts()
        damage: StreamDamagedError | None = None
        try:
            for _ in self._pass(self._facts, None):
                pass
        except StreamDamagedError as error:
            damage = error
        if not self._facts.tables:
            why = f" ({damage.problem} at byte {damage.offset})" if damage else ""
            raise SourceUnreadable(f"{path} holds no CREATE TABLE of this kind of dump{why}")

    def collections(self) -> Mapping[str, CollectionInfo]:
        size = self._path.stat().st_size
        return {
            name: CollectionInfo(table.name, table.schema, (self._path,), size)
            for name, table in self._facts.tables.items()
        }

    def tables(self) -> Mapping[str, SourceTable]:
        return self._facts.tables

    def skipped(self) -> Mapping[str, int]:
        """Return how many statements without data were passed over, by their first words."""
        return self._facts.skipped

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        info = choose(self.collections(), collection, self._path)
        wanted = next(
            name
            for name, table in self._facts.tables.items()
            if (table.name, table.schema) == (info.name, info.database)
        )
        table = self._facts.tables[wanted]
        makers: dict[tuple[str, ...], RowMaker] = {}
        with Place(self._path) as place:
            for ordinal, row in enumerate(self._pass(DumpFacts(), wanted)):
                maker = makers.get(row.columns)
                if maker is None:
                    maker = makers[row.columns] = self._maker(table, row.columns)
                record = maker.record(ordinal, row.offset, row.values)
                if type(record) is Record:
                    place.last_good = ordinal
                yield record

    def position(self) -> tuple[int, int]:
        return self._meter.consumed, self._meter.total

    @abstractmethod
    def rows(self, text: SqlText, facts: DumpFacts, wanted: str | None) -> Iterator[DumpedRow]:
        """Go through the dump, note its tables, and yield the rows of one; of none where ``wanted`` is None."""

    @abstractmethod
    def parser(self, column: SourceColumn) -> Parse:
        """Return what makes exact values; raises ``LookupError`` for a type that is not known."""

    def _pass(self, facts: DumpFacts, wanted: str | None) -> Iterator[DumpedRow]:
        self._meter = Meter()
        with self._path.open("rb") as head:
            compressed = head.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        return self.rows(SqlText(pieces(self._path, compressed=compressed, meter=self._meter)), facts, wanted)

    def _maker(self, table: SourceTable, named: tuple[str, ...]) -> RowMaker:
        names = named or tuple(column.name for column in table.columns)
        try:
            return RowMaker(table, names, [self.parser(table.column(name)) for name in names])
        except LookupError as error:
            raise SourceUnreadable(f"{self._path}, table {table.name}: {error.args[0]}") from error

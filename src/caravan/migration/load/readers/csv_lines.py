"""Reads CSV (RFC 4180): ``TABLE.csv`` or ``.tsv``, also gzipped, in UTF-8, the first row naming the columns.

A field is text, unless the migration file declares its column; only a declared rule makes NULL of an empty one.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from caravan.migration.load.readers.bytestream import GZIP_MAGIC, Meter, StreamDamagedError, pieces
from caravan.migration.load.readers.collection_files import by_name, choose
from caravan.migration.load.readers.declared_values import declared
from caravan.migration.load.readers.documents import Place
from caravan.migration.load.readers.errors import SourceUnreadable
from caravan.migration.load.readers.protocol import MAX_DOCUMENT, BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.rows import OddValueError, Parse, RowMaker
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["CsvReader", "csv_files"]

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
csv.field_size_limit(MAX_DOCUMENT)  # the module's own limit of 128 KiB is for untrusted rows of a web form

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class CsvReader:
    """``path``: a folder of files named after their tables, or one file."""

    format: Literal["row"] = "row"
    dialect: Literal["csv"] = "csv"

    def __init__(self, path: Path, rules: Rules = REFUSE_ALL) -> None:
        self._path = path
        self.rules = rules
        self._meter = Meter()
        self._collections = by_name(
            CollectionInfo(_stem(file), file.absolute().parent.name, (file,), file.stat().st_size)
            for file in csv_files(path)
        )
        if not self._collections:
            raise SourceUnreadable(f"{path} holds no .csv or .tsv file")

    def collections(self) -> Mapping[str, CollectionInfo]:
        return self._collections

    def tables(self) -> Mapping[str, SourceTable]:
        """Return the tables as the first row of each file names their columns."""
        return {name: _described(name, _header(info.files[0])) for name, info in self._collections.items()}

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        info = choose(self._collections, collection, self._path)
        file = info.files[0]
        self._meter = Meter()
        with Place(file) as place:
            for record in self._records(file, info.name):
                if type(record) is Record:
                    place.last_good = record.ordinal
                yield record

    def position(self) -> tuple[int, int]:
        return self._meter.consumed, self._meter.total

    def _records(self, file: Path, name: str) -> Iterator[Record | BrokenRecord]:
        lines = _Lines(file, self._meter)
        rows = csv.reader(lines, delimiter=_DELIMITERS.get(_ending(file), ","), strict=True)
        header = next(rows, None)
        if header is None:
            return
        if len(set(header)) != len(header):
            raise StreamDamagedError("the first row names a column twice")
        maker = self._maker(name, header)
        ordinal = 0
        while True:
            offset = lines.offset
            try:
                fields = next(rows, None)
            except csv.Error as error:
                raise StreamDamagedError(f"this is no CSV ({error})", offset) from error
            if fields is None:
                return
            if fields:  # a blank line is no row
                yield maker.record(ordinal, offset, fields)
                ordinal += 1

    def _maker(self, name: str, header: list[str]) -> RowMaker:
        return RowMaker(
            _described(name, header), header, [self._parser(f"{name}.{column}") for column in header]
        )

    def _parser(self, column: str) -> Parse:
        rule = self.rules.columns.get(column)
        meant = None if rule is None else declared(rule)
        rules = self.rules

        def parse(text: str) -> object:
            if not text and rules.empty_is_null:
                return None
            if not text.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in text):
                if rules.invalid_text == "bytes":
                    return text.encode("utf-8", "surrogateescape")
                raise OddValueError("text.invalid", "the bytes of this text are not UTF-8")
            return text if meant is None else meant(text)

        return parse


def _described(name: str, header: list[str]) -> SourceTable:
    return SourceTable(name, "", tuple(SourceColumn(column, "text") for column in header))


def _header(file: Path) -> list[str]:
    try:
        rows = csv.reader(_Lines(file, Meter()), delimiter=_DELIMITERS.get(_ending(file), ","), strict=True)
        return next(rows, [])
    except (csv.Error, StreamDamagedError):
        return []  # told where the rows are read


class _Lines:
    """The lines of a file with their ends; bytes that are no UTF-8 pass as half surrogates. ``offset``: of the next line."""

    def __init__(self, file: Path, meter: Meter) -> None:
        with file.open("rb") as head:
            compressed = head.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        self._pieces = pieces(file, compressed=compressed, meter=meter)
        self._lines = self._split()
        self.offset = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        text = (line.removeprefix(_BYTE_ORDER_MARK) if self.offset == 0 else line).decode(
            "utf-8", "surrogateescape"
        )
        self.offset += len(line)
        return text

    def _split(self) -> Iterator[bytes]:
        pending = b""
        for piece in self._pieces:
            buffer = io.BytesIO(pending + piece)
            pending = b""
            for line in buffer:
                if line.endswith(b"\n"):
                    yield line
                else:
                    pending = line
            if len(pending) > MAX_DOCUMENT:
                raise StreamDamagedError("a line that does not end", self.offset)
        if pending:
            yield pending


def csv_files(path: Path) -> list[Path]:
    """Return the CSV files of a folder, or the one file."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and _ending(file) in _DELIMITERS)


def _ending(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).suffix.lower()


def _stem(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).stem

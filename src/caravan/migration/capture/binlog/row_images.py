"""From the bytes of a rows event to records and keys of one table.

https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/. Names and types come from ``information_schema``; an event
whose columns do not fit them was written when the table looked otherwise, and is not guessed at.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from caravan.migration.capture.binlog.cells import Cell, cell_of
from caravan.migration.capture.binlog.table_maps import TableMap, length_at
from caravan.migration.capture.errors import ChangesUnreadableError
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable
from caravan.migration.load.readers.mariadb_values import base_type, parser_of
from caravan.migration.load.readers.row_text import OddValue
from caravan.migration.load.readers.rows import OddValueError, RowMaker

__all__ = ["RowImages", "Values"]

Values = list[bytes | int | float | None]

_SECOND_VERSION: Final = 30
_UPDATES: Final = frozenset({24, 31})
_KINDS: Final[dict[str, frozenset[int]]] = {
    **dict.fromkeys(("char", "binary", "enum", "set", "uuid", "inet6", "inet4"), frozenset({254})),
    **dict.fromkeys(("varchar", "varbinary"), frozenset({15, 253})),
    **dict.fromkeys(("tinyint",), frozenset({1})),
    **dict.fromkeys(("smallint",), frozenset({2})),
    **dict.fromkeys(("mediumint",), frozenset({9})),
    **dict.fromkeys(("int", "integer"), frozenset({3})),
    **dict.fromkeys(("bigint",), frozenset({8})),
    **dict.fromkeys(("decimal", "numeric"), frozenset({246})),
    **dict.fromkeys(("float",), frozenset({4})),
    **dict.fromkeys(("double", "real"), frozenset({5})),
    **dict.fromkeys(("bit",), frozenset({16})),
    **dict.fromkeys(("date",), frozenset({10, 14})),
    **dict.fromkeys(("datetime",), frozenset({12, 18})),
    **dict.fromkeys(("timestamp",), frozenset({7, 17})),
    **dict.fromkeys(("time",), frozenset({11, 19})),
    **dict.fromkeys(("year",), frozenset({13})),
}
"""The logged forms of declared types; types that are not named here are blobs of some kind."""
_BLOBS: Final = frozenset({242, 245, 249, 250, 251, 252, 255})


class RowImages:
    """Reads the rows of one table as it is mapped now."""

    def __init__(self, collection: str, table: SourceTable, logged: TableMap, rules: Rules) -> None:
        _assert_fits(collection, table, logged)
        self.collection = collection
        self._width = len(logged.columns)
        try:
            cells = [
                cell_of(seen.kind, seen.meta, column)
                for seen, column in zip(logged.columns, table.columns, strict=True)
            ]
            parsers = [parser_of(column, rules) for column in table.columns]
        except LookupError as error:
            raise ChangesUnreadableError(f"table {collection}: {error.args[0]}") from error
        self._cells: tuple[tuple[int, Cell], ...] = tuple(
            (1 << number, cell) for number, cell in enumerate(cells)
        )
        names = [column.name for column in table.columns]
        self._maker = RowMaker(table, names, parsers)
        self._key = tuple((name, names.index(name), parsers[names.index(name)]) for name in table.key)

    def rows(self, kind: int, body: bytes) -> Iterator[tuple[Values, Values | None]]:
        """Yield the rows of an event; of an update the values before and after it."""
        at = 8
        if kind >= _SECOND_VERSION:
            at += int.from_bytes(body[8:10], "little")
        width, at = length_at(body, at)
        size = (width + 7) // 8
        bitmaps = 2 if kind in _UPDATES else 1
        present = body[at : at + size * bitmaps]
        if width != self._width or any(
            int.from_bytes(present[first : first + size], "little") & (1 << width) - 1 != (1 << width) - 1
            for first in range(0, size * bitmaps, size)
        ):
            raise ChangesUnreadableError(
                f"table {self.collection}: a change was logged without all columns, so the row cannot be told;"
                " set binlog_row_image = FULL in every session that writes, then synchronise the table again"
            )
        at += size * bitmaps
        while at < len(body):
            first, at = self._image(body, at, size)
            second = None
            if bitmaps > 1:
                second, at = self._image(body, at, size)
            yield first, second

    def record(self, values: Values, step: int) -> Record | BrokenRecord:
        return self._maker.record(step, step, values)

    def key(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the key's fields as a decoded record has them."""
        found: dict[str, Any] = {}
        for name, place, parse in self._key:
            value = values[place]
            try:
                found[name] = None if value is None else parse(value)
            except OddValueError:
                found[name] = OddValue(value if isinstance(value, bytes) else str(value).encode())
        return found

    def _image(self, body: bytes, at: int, size: int) -> tuple[Values, int]:
        nulls = int.from_bytes(body[at : at + size], "little")
        at += size
        values: Values = []
        for bit, cell in self._cells:
            if nulls & bit:
                values.append(None)
            else:
                value, at = cell(body, at)
                values.append(value)
        return values, at


def _assert_fits(collection: str, table: SourceTable, logged: TableMap) -> None:
    names = tuple(column.name for column in table.columns)
    fits = len(names) == len(logged.columns) and (not logged.names or logged.names == names)
    if fits:
        fits = all(
            seen.kind in _KINDS.get(base_type(column.type), _BLOBS)
            for seen, column in zip(logged.columns, table.columns, strict=True)
        )
    if not fits:
        raise ChangesUnreadableError(
            f"table {collection} had other columns when a change was logged than it has now, so the change cannot be read;"
            " synchronise the table again",
            collection=collection,
        )

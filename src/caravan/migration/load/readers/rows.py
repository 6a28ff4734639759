"""From the values of a row, as a store gives them, to a record; or to a broken one that says which column and why."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from caravan.migration.load.readers.protocol import BrokenRecord, Record
from caravan.migration.load.readers.row_text import OddValue, encode_row
from caravan.migration.load.readers.tables import SourceTable

__all__ = ["OddValueError", "Parse", "RowMaker"]

Parse: TypeAlias = Callable[[Any], object]
"""From what the store gives (never NULL) to an exact value, or an ``OddValueError``."""

_SHOWN: Final = 80


class OddValueError(Exception):
    """A value that must not be guessed at; ``reason`` is its stable class, such as ``date.zero``."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        self.reason = reason
        self.said = said


class RowMaker:
    """Makes records of one table; ``parsers`` in the order of ``names``."""

    def __init__(self, table: SourceTable, names: Sequence[str], parsers: Sequence[Parse]) -> None:
        self._table = table
        self._columns = tuple(zip(names, parsers, strict=True))

    def record(self, ordinal: int, offset: int, values: Sequence[Any]) -> Record | BrokenRecord:
        """Return the record of one row; with a wrong number of values it is broken."""
        if len(values) != len(self._columns):
            return BrokenRecord(
                ordinal,
                offset,
                _as_bytes(values),
                "row.wrong_length",
                f"table {self._table.name}: {len(values)} values for {len(self._columns)} columns",
            )
        row: dict[str, object] = {}
        odd: tuple[str, OddValueError] | None = None
        for (name, parse), value in zip(self._columns, values, strict=True):
            try:
                row[name] = None if value is None else parse(value)
            except OddValueError as error:
                odd = odd or (name, error)
                row[name] = OddValue(_as_bytes(value))
        raw = encode_row(row)
        if odd is None:
            return Record(ordinal, offset, raw)
        column, found = odd
        return BrokenRecord(ordinal, offset, raw, found.reason, self._told(row, column, found), column)

    def _told(self, row: dict[str, object], column: str, error: OddValueError) -> str:
        key = ", ".join(f"{name}={_shown(row.get(name))}" for name in self._table.key) or "without a key"
        return f"table {self._table.name}, row {key}, column {column}: {error.said}"


def _shown(value: object) -> str:
    text = value.raw.hex() if isinstance(value, OddValue) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "surrogateescape")

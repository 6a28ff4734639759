"""What an outbox and a watermark need of a store of tables: statements, one snapshot, and rows as they are now."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from caravan.migration.load.readers import BrokenRecord, Record, SourceTable
from caravan.migration.load.readers.row_text import OddValue
from caravan.migration.load.readers.rows import OddValueError, Parse

__all__ = ["Store", "parsed_keys"]


class Store(Protocol):
    """``place`` is what the store is called in messages. SQL that is given is quoted by who gives it."""

    place: str

    def tables(self, names: Sequence[str]) -> Mapping[str, SourceTable]:
        """Return the tables; raises ``CaptureRefusedError`` where one is not there."""

    def full_name(self, table: SourceTable) -> str:
        """Return the table as SQL."""

    def run(self, *statements: str) -> None: ...

    def texts(self, query: str) -> list[tuple[str, ...]]:
        """Return rows of names and numbers as text, NULL as empty."""

    def writing(self) -> AbstractContextManager[None]:
        """Begin a transaction that writes, and commit it."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Begin a transaction whose reads all see one state, and end it."""

    def key_literal(self, table: SourceTable, row: str) -> str:
        """Return an SQL expression for the key of a row (``NEW.``, ``OLD.``, or empty) as literals with commas between them."""

    def rows_of_keys(
        self, table: SourceTable, literals: Sequence[str]
    ) -> Iterator[tuple[str, Record | BrokenRecord]]:
        """Yield the rows that are there, each with the literal of its key; records as the reader makes them."""

    def rows_where(self, table: SourceTable, condition: str) -> Iterator[Record | BrokenRecord]:
        """Yield rows by a condition with its order; records as the reader makes them."""

    def keys(self, table: SourceTable, literals: Sequence[str]) -> list[dict[str, Any]]:
        """Return the keys that literals stand for, as a decoded record has them."""

    def close(self) -> None: ...


def parsed_keys(names: Sequence[str], parsers: Sequence[Parse], flat: Sequence[Any]) -> list[dict[str, Any]]:
    """Return keys from their values, one behind the other."""
    width = len(names)
    return [
        {
            name: _parsed(parse, value)
            for name, parse, value in zip(names, parsers, flat[at : at + width], strict=True)
        }
        for at in range(0, len(flat), width)
    ]


def _parsed(parse: Callable[[Any], object], value: Any) -> object:  # noqa: ANN401 - what a store gives
    if value is None:
        return None
    try:
        return parse(value)
    except OddValueError:
        return OddValue(value if isinstance(value, bytes) else str(value).encode())

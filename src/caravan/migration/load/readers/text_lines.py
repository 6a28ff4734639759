"""What a reader tells that can write rows as text itself: lines as COPY reads them, made where the rows lie."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from caravan.migration.load.readers.rules import Rules
from caravan.migration.load.readers.tables import KeyRange, TableReader
from caravan.migration.load.readers.value_kinds import Dialect

__all__ = ["TextLines", "TextReader", "TextSource"]


@dataclass(frozen=True, slots=True)
class TextSource:
    """A line as SQL of the store: an expression of the text of one row, and of whether it holds a value that text would not keep."""

    line: str
    odd: str = ""


@dataclass(frozen=True, slots=True)
class TextLines:
    """So many rows after a key: ``text`` is None where the store cannot put it into one value, ``odd`` where rows must be looked at.

    ``within.upto`` is None behind the last row of the table.
    """

    rows: int
    text: bytes | None
    odd: bool
    within: KeyRange


@runtime_checkable
class TextReader(TableReader, Protocol):
    """A live store of tables that writes rows as lines of COPY's text format, each with its newline."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def rules(self) -> Rules: ...

    def text_lines(self, table: str, source: TextSource, after: KeyRange, most: int) -> TextLines:
        """Return at most so many rows above ``after.after``, in the order of the key.

        Raises:
            SourceDamaged: the source cannot be read.
        """

"""What differs between stores: how a value becomes text, and the few queries that a comparison asks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn

__all__ = ["Dialect", "Hashing", "Normal", "Session", "Text", "number_of_rows"]

Normal: TypeAlias = Callable[[Any], str]
"""From what a store gives for a value that is not NULL to the text of its cell."""


@dataclass(frozen=True, slots=True)
class Text:
    """How the text of a cell is had: an expression, and what is left to do in Python; None where the expression is the text."""

    expression: str
    normal: Normal | None = None


class Session(Protocol):
    """One connection in its snapshot."""

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        """Return all rows."""

    def stream(self, query: str) -> Iterator[Sequence[Any]]:
        """Yield the rows with flat memory; the connection is busy meanwhile."""


class Dialect(Protocol):
    """The SQL of one store. ``where`` is empty or begins with WHERE."""

    samples: bool
    """Whether bounds of a large table come from a sample of it."""

    def quoted(self, name: str) -> str: ...

    def text(self, column: Agreed, own: StoredColumn) -> Text: ...

    def literal(self, column: Agreed, text: str) -> str: ...

    def bounds(
        self,
        session: Session,
        source: str,
        names: Sequence[str],
        texts: Sequence[str],
        where: str,
        parts: int,
    ) -> Sequence[Sequence[Any]]:
        """Return keys, as ``texts`` gives them, that cut the rows into about equal parts."""

    def count(self, session: Session, source: str) -> int: ...

    def errors(self) -> AbstractContextManager[None]:
        """Turn the driver's errors into ``SideLostError``."""


class Hashing(Protocol):
    """What a store can that hashes its rows itself. Expressions named ``cells`` are encoded rows as text."""

    def cells(self, pairs: Sequence[tuple[Agreed, StoredColumn]]) -> str:
        """Return the expression of several columns' cells; all of them have texts without a rest for Python."""

    def row_hash(self, cells: str) -> str:
        """Return the expression of a row's MD5 in hexadecimal digits."""

    def digest(
        self, session: Session, source: str, cells: str, where: str, order: str
    ) -> tuple[int, str | None]:
        """Return count and SHA-256 of the rows in their order; no hash where the store cannot hold them, no count (-1) where it fails."""

    def joined_lines(self, session: Session, source: str, line: str, where: str) -> list[str] | None:
        """Return the values of an expression that never holds a line feed; None where they are too many for one value."""

    def bucket(self, key_cells: str, bits: int) -> str:
        """Return the expression of a row's bucket."""

    def bucket_sums(self, session: Session, source: str, bucket: str, cells: str) -> Sequence[Sequence[Any]]:
        """Return (bucket, rows, first lane, second lane) for every bucket, lanes summed without loss."""


def number_of_rows(session: Session, source: str) -> int:
    """Count the rows, each of them."""
    ((rows,),) = session.rows(f"SELECT count(*) FROM {source}")  # noqa: S608 - a quoted name
    return int(rows)

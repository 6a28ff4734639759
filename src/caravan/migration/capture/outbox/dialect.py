"""What differs between the stores that an outbox is put into."""

from collections.abc import Mapping
from typing import Protocol

from caravan.migration.load.readers import SourceTable

__all__ = ["Dialect"]


class Dialect(Protocol):
    """``outbox`` and ``state`` name tables as SQL: the lines; and one row with the last ``place`` given and the last ``forgotten``."""

    outbox: str
    state: str

    def making(self) -> list[str]:
        """Return what makes the outbox itself, harmless where it is there."""

    def noting(self, table: SourceTable) -> list[str]:
        """Return what makes the triggers of a table, or makes them anew."""

    def removing(self, tables: Mapping[str, SourceTable]) -> list[str]:
        """Return what takes triggers and outbox away."""

    def placing(self, place: int, sequence: str) -> str:
        """Return what gives these lines a place, and touches no other: beside it lie lines that nobody has committed yet."""

    def deleting(self, sequence: str) -> str:
        """Return what deletes these lines, and touches no other."""

    def missing(self, tables: Mapping[str, SourceTable]) -> str:
        """Say what keeps changes from being noted, in one sentence; empty where all is there."""
